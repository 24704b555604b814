//! Declares the shape of objects, member by member.

/// Describes a type that is there already, for reading and showing: its members in their types.
macro_rules! record {
    ($(#[doc = $about:literal])+ $type:ty as $name:literal { $($(#[doc = $doc:literal])+ $member:ident: $of:ty,)+ }) => {
        $crate::api::shape::described!([$($about)+] $type, $name, { $([$($doc)+] $member: $of,)+ });
        $crate::api::shape::readable!($type, { $($member: $of,)+ });
        $crate::api::shape::showable!($type, { $($member,)+ });
    };
}

/// Declares what programs send.
macro_rules! request {
    ($(#[doc = $about:literal])+ $name:ident { $($(#[doc = $doc:literal])+ $member:ident: $of:ty,)+ }) => {
        $(#[doc = $about])+
        pub struct $name { $($(#[doc = $doc])+ pub $member: $of,)+ }
        $crate::api::shape::described!([$($about)+] $name, stringify!($name), { $([$($doc)+] $member: $of,)+ });
        $crate::api::shape::readable!($name, { $($member: $of,)+ });
    };
}

/// Declares what programs get.
macro_rules! answer {
    ($(#[doc = $about:literal])+ $name:ident { $($(#[doc = $doc:literal])+ $member:ident: $of:ty,)+ }) => {
        $(#[doc = $about])+
        pub struct $name { $($(#[doc = $doc])+ pub $member: $of,)+ }
        $crate::api::shape::described!([$($about)+] $name, stringify!($name), { $([$($doc)+] $member: $of,)+ });
        $crate::api::shape::showable!($name, { $($member,)+ });
    };
}

macro_rules! described {
    ([$($about:literal)+] $type:ty, $name:expr, { $([$($doc:literal)+] $member:ident: $of:ty,)+ }) => {
        impl $crate::api::shape::Shape for $type {
            fn schema(
                named: &mut $crate::api::shape::NamedSchemas,
            ) -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                named.object($name, concat!($($about),+), |named| {
                    vec![$($crate::api::shape::Member::of::<$of>(stringify!($member), concat!($($doc),+), named)),+]
                })
            }
        }
    };
}

macro_rules! readable {
    ($type:ty, { $($member:ident: $of:ty,)+ }) => {
        impl $crate::api::shape::Read for $type {
            fn read(
                value: &serde_json::Value,
                at: &str,
                faults: &mut $crate::api::shape::Faults,
            ) -> Option<Self> {
                let known = [$(stringify!($member)),+];
                let members = $crate::api::shape::Members::of(value, at, &known, faults)?;
                // Every member is read before any is missed, so that all faults are named at once.
                $(let $member = members.take::<$of>(stringify!($member), faults);)+
                Some(Self { $($member: $member?,)+ })
            }
        }
    };
}

macro_rules! showable {
    ($type:ty, { $($member:ident,)+ }) => {
        impl $crate::api::shape::Show for $type {
            fn show(&self) -> serde_json::Value {
                let members = [$((stringify!($member), $crate::api::shape::Show::show(&self.$member))),+];
                serde_json::Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }
        }
    };
}

pub(in crate::api) use {answer, described, readable, record, request, showable};
