//! The shapes of small values: texts, instants, numbers, ids, words, lists.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use domain::arrangement::{OurRole, Trigger};
use domain::clock::{Anchor, ClockKind, Evidence};
use domain::directory::{Key, PartyRole};
use domain::exchange::{CallChannel, Direction, MessageKind, Stance};
use domain::facts::{
    Cause, DataCategory, DataRecipients, DiscoveryMethod, IcoCategory, IncidentKind, Nature, Partly, Precision,
    RiskView, SubjectCategory, YesNo,
};
use domain::incident::costs::{Kind, PENCE_MAX, Pence};
use domain::incident::decision::NotABreach;
use domain::incident::lessons::Effect;
use domain::incident::telling::Channel;
use domain::incident::{AwarenessOf, WithdrawalReason};
use domain::report::SubmissionChannel;
use domain::self_assessment::{Answer, Outcome, Question};
use domain::severity::{
    Availability, Confidentiality, DataContext, Ease, Identifier, Integrity, Intent, Level, Points,
};
use domain::suggestion::{Misuse, Restoration, ToIco, ToPeople};
use domain::undated::UndatedDuty;
use domain::values::{
    AgreementId, ArrangementId, CaseId, ComplaintId, CountBasis, Digest32, ExchangeId, Hours, IncidentId, Known,
    MessageId, Moment, PartnerId, PersonId, Role, ServiceId, Text,
};
use serde_json::Value;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use uuid::Uuid;

use super::{Faults, NamedSchemas, Read, Shape, Show};
use crate::access::Scope;
use crate::node::endpoints::{Format, Subscribed, Told};

/// Items of one list in a body.
const ITEMS_MAX: usize = 1_000;

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn formatted(format: KnownFormat) -> RefOr<Schema> {
    string().format(Some(SchemaFormat::KnownFormat(format))).into()
}

/// The text of a value, or a fault.
fn text<'a>(value: &'a Value, at: &str, faults: &mut Faults) -> Option<&'a str> {
    let text = value.as_str();
    if text.is_none() {
        faults.add(at, "it is not a text");
    }
    text
}

/// What parsed, or its fault.
fn parsed<T, E: std::fmt::Display>(result: Result<T, E>, at: &str, faults: &mut Faults) -> Option<T> {
    result.map_err(|error| faults.add(at, error.to_string())).ok()
}

impl<const MAX: usize> Shape for Text<MAX> {
    fn schema(_: &mut NamedSchemas) -> RefOr<Schema> {
        string().min_length(Some(1)).max_length(Some(MAX)).into()
    }
}

impl<const MAX: usize> Read for Text<MAX> {
    fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
        parsed(Self::parse(text(value, at, faults)?), at, faults)
    }
}

impl<const MAX: usize> Show for Text<MAX> {
    fn show(&self) -> Value {
        Value::String(self.as_str().to_owned())
    }
}

impl Shape for String {
    fn schema(_: &mut NamedSchemas) -> RefOr<Schema> {
        string().into()
    }
}

impl Read for String {
    fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
        Some(text(value, at, faults)?.to_owned())
    }
}

impl Show for String {
    fn show(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Shape for &'static str {
    fn schema(named: &mut NamedSchemas) -> RefOr<Schema> {
        String::schema(named)
    }
}

impl Show for &'static str {
    fn show(&self) -> Value {
        Value::String((*self).to_owned())
    }
}

impl Shape for bool {
    fn schema(_: &mut NamedSchemas) -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Boolean).into()
    }
}

impl Read for bool {
    fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
        let read = value.as_bool();
        if read.is_none() {
            faults.add(at, "it is neither true nor false");
        }
        read
    }
}

impl Show for bool {
    fn show(&self) -> Value {
        Value::Bool(*self)
    }
}

/// Whole numbers within a range.
macro_rules! numbers {
    ($($type:ty: $min:expr, $max:expr;)+) => {$(
        impl Shape for $type {
            fn schema(_: &mut NamedSchemas) -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::Integer)
                    .minimum(Some(f64::from($min)))
                    .maximum(Some(f64::from($max)))
                    .into()
            }
        }

        impl Read for $type {
            fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
                let read = value.as_i64().and_then(|number| Self::try_from(number).ok());
                if read.is_none() {
                    faults.add(at, "it is not a whole number in range");
                }
                read
            }
        }

        impl Show for $type {
            fn show(&self) -> Value {
                Value::from(*self)
            }
        }
    )+};
}

numbers! {
    u32: 0, u32::MAX;
    u16: 0, u16::MAX;
    i32: i32::MIN, i32::MAX;
}

impl Shape for Hours {
    fn schema(_: &mut NamedSchemas) -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1.0)).maximum(Some(8_784.0)).into()
    }
}

impl Read for Hours {
    fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
        parsed(Self::new(u16::read(value, at, faults)?), at, faults)
    }
}

impl Show for Hours {
    fn show(&self) -> Value {
        Value::from(self.get())
    }
}

impl Shape for Pence {
    fn schema(_: &mut NamedSchemas) -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
        number.maximum(Some(PENCE_MAX)).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64))).into()
    }
}

impl Read for Pence {
    fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
        let Some(pence) = value.as_i64() else {
            faults.add(at, "it is not a whole number of pence");
            return None;
        };
        parsed(Self::new(pence), at, faults)
    }
}

impl Show for Pence {
    fn show(&self) -> Value {
        Value::from(self.get())
    }
}

/// A sum of pence, which no program sends.
impl Shape for i64 {
    fn schema(_: &mut NamedSchemas) -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer);
        number.minimum(Some(0)).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64))).into()
    }
}

impl Show for i64 {
    fn show(&self) -> Value {
        Value::from(*self)
    }
}

impl Shape for Points {
    fn schema(_: &mut NamedSchemas) -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(-3.0)).maximum(Some(3.0)).into()
    }
}

impl Read for Points {
    fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
        let read =
            value.as_i64().and_then(|points| i8::try_from(points).ok()).and_then(|points| Self::new(points).ok());
        if read.is_none() {
            faults.add(at, "it is not a whole number from -3 to 3");
        }
        read
    }
}

impl Show for Points {
    fn show(&self) -> Value {
        Value::from(self.get())
    }
}

impl Shape for Moment {
    fn schema(_: &mut NamedSchemas) -> RefOr<Schema> {
        formatted(KnownFormat::DateTime)
    }
}

impl Read for Moment {
    fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
        parsed(Self::parse(text(value, at, faults)?), at, faults)
    }
}

impl Show for Moment {
    fn show(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl Shape for NaiveDate {
    fn schema(_: &mut NamedSchemas) -> RefOr<Schema> {
        formatted(KnownFormat::Date)
    }
}

impl Read for NaiveDate {
    fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
        let read = text(value, at, faults)?.parse().ok();
        if read.is_none() {
            faults.add(at, "it is not a date such as 2026-03-01");
        }
        read
    }
}

impl Show for NaiveDate {
    fn show(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// Values that are parsed from a text and shown as one.
macro_rules! texts {
    ($($type:ty: $schema:expr;)+) => {$(
        impl Shape for $type {
            fn schema(_: &mut NamedSchemas) -> RefOr<Schema> {
                $schema
            }
        }

        impl Read for $type {
            fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
                parsed(text(value, at, faults)?.parse::<Self>().map_err(|_| "it is not in the right form"), at, faults)
            }
        }

        impl Show for $type {
            fn show(&self) -> Value {
                Value::String(self.to_string())
            }
        }
    )+};
}

texts! {
    Uuid: formatted(KnownFormat::Uuid);
    IncidentId: formatted(KnownFormat::Uuid);
    ExchangeId: formatted(KnownFormat::Uuid);
    PartnerId: formatted(KnownFormat::Uuid);
    CaseId: formatted(KnownFormat::Uuid);
    MessageId: formatted(KnownFormat::Uuid);
    AgreementId: formatted(KnownFormat::Uuid);
    ArrangementId: formatted(KnownFormat::Uuid);
    ServiceId: formatted(KnownFormat::Uuid);
    PersonId: formatted(KnownFormat::Uuid);
    ComplaintId: formatted(KnownFormat::Uuid);
    Digest32: string().pattern(Some("^[A-Za-z0-9_-]{43}$")).into();
    Key: string().pattern(Some("^[a-z0-9][a-z0-9-]{0,63}$")).into();
}

/// One of a few options, each with its word.
pub trait Words: Copy + 'static {
    /// Every option with its word.
    fn words() -> Vec<(Self, String)>;
}

/// Options whose words are those of events and the wire.
macro_rules! words {
    ($($type:ty: [$($option:ident),+];)+) => {$(
        impl Words for $type {
            fn words() -> Vec<(Self, String)> {
                let word = |option: $type| serde_json::to_value(option).ok()?.as_str().map(str::to_owned);
                [$(Self::$option),+].into_iter().filter_map(|option| Some((option, word(option)?))).collect()
            }
        }
        optional_words!($type);
    )+};
}

/// Options that know their own words.
macro_rules! own_words {
    ($($type:ty: $all:expr;)+) => {$(
        impl Words for $type {
            fn words() -> Vec<(Self, String)> {
                $all.iter().map(|option: &Self| (*option, option.word().to_owned())).collect()
            }
        }
        optional_words!($type);
    )+};
}

macro_rules! optional_words {
    ($type:ty) => {
        impl Shape for $type {
            fn schema(_: &mut NamedSchemas) -> RefOr<Schema> {
                string().enum_values(Some(Self::words().into_iter().map(|(_, word)| word))).into()
            }
        }

        impl Read for $type {
            fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
                let given = text(value, at, faults)?;
                let found = Self::words().into_iter().find(|(_, word)| word == given).map(|(option, _)| option);
                if found.is_none() {
                    let words: Vec<String> = Self::words().into_iter().map(|(_, word)| word).collect();
                    faults.add(at, format!("it is none of {}", words.join(", ")));
                }
                found
            }
        }

        impl Show for $type {
            fn show(&self) -> Value {
                let found = Self::words().into_iter().find(|(option, _)| option == self);
                found.map_or(Value::Null, |(_, word)| Value::String(word))
            }
        }
    };
}

own_words! {
    Nature: Self::ALL;
    DiscoveryMethod: Self::ALL;
    Partly: Self::ALL;
    YesNo: Self::ALL;
    Cause: Self::ALL;
    IcoCategory: Self::ALL;
    DataRecipients: Self::ALL;
    DataCategory: Self::ALL;
    SubjectCategory: Self::ALL;
    RiskView: Self::ALL;
    ClockKind: Self::ALL;
    Anchor: Self::ALL;
    Stance: Self::ALL;
    MessageKind: Self::ALL;
    WithdrawalReason: Self::ALL;
    SubmissionChannel: Self::ALL;
    Channel: Self::ALL;
    Effect: Self::ALL;
    Kind: Self::ALL;
    DataContext: Self::ALL;
    Identifier: Self::ALL;
    Ease: Self::ALL;
    Confidentiality: Self::ALL;
    Integrity: Self::ALL;
    Availability: Self::ALL;
    Intent: Self::ALL;
    Level: Self::ALL;
    Question: Self::ALL;
    Answer: Self::ALL;
    Outcome: Self::ALL;
    Restoration: Self::ALL;
    Misuse: Self::ALL;
    ToIco: Self::ALL;
    ToPeople: Self::ALL;
    NotABreach: Self::ALL;
    Scope: Self::ALL;
    UndatedDuty: Self::ALL;
    domain::complaint::Channel: Self::ALL;
    domain::complaint::Category: Self::ALL;
    domain::complaint::Outcome: Self::ALL;
    Told: Self::ALL;
    Format: Self::ALL;
    Subscribed: Self::ALL;
}

words! {
    IncidentKind: [Breach, LikelyToGiveRise, UnderInvestigation];
    Precision: [Exact, Estimated];
    CountBasis: [Exact, Approximate, Minimum];
    Trigger: [BreachOrCircumstances, BreachOnly];
    OurRole: [JointController, Controller, Processor];
    PartyRole: [JointController, SoleController, IndependentController, Processor];
    Direction: [Outgoing, Incoming];
    CallChannel: [Telephone, InPerson];
    AwarenessOf: [Circumstances, Breach];
    Role: [Reporter, Responder, Dpo, Manager, Administrator, Auditor];
    Evidence: [
        SignedReceipt,
        SignedAcknowledgement,
        LinkAcknowledgement,
        RecordedCall,
        RecordedSubmission,
        Answer,
        RecordedTelling
    ];
}

/// Adds *or null*.
fn or_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    RefOr::T(Schema::OneOf(OneOfBuilder::new().item(schema).item(ObjectBuilder::new().schema_type(Type::Null)).build()))
}

impl<T: Shape> Shape for Option<T> {
    const NEEDED: bool = false;

    fn schema(named: &mut NamedSchemas) -> RefOr<Schema> {
        or_null(T::schema(named))
    }
}

impl<T: Read> Read for Option<T> {
    fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::read(value, at, faults).map(Some) }
    }

    fn absent(_: &str, _: &mut Faults) -> Option<Self> {
        Some(None)
    }
}

impl<T: Show> Show for Option<T> {
    fn show(&self) -> Value {
        self.as_ref().map_or(Value::Null, Show::show)
    }
}

impl<T: Shape> Shape for Known<T> {
    const NEEDED: bool = false;

    fn schema(named: &mut NamedSchemas) -> RefOr<Schema> {
        or_null(T::schema(named))
    }
}

impl<T: Read> Read for Known<T> {
    fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
        if value.is_null() { Some(Self::NotYetKnown) } else { T::read(value, at, faults).map(Self::Known) }
    }

    fn absent(_: &str, _: &mut Faults) -> Option<Self> {
        Some(Self::NotYetKnown)
    }
}

impl<T: Show> Show for Known<T> {
    fn show(&self) -> Value {
        self.as_option().map_or(Value::Null, Show::show)
    }
}

/// Reads each item.
fn items<T: Read, C: FromIterator<T>>(value: &Value, at: &str, faults: &mut Faults) -> Option<C> {
    let Value::Array(given) = value else {
        faults.add(at, "it is not a list");
        return None;
    };
    if given.len() > ITEMS_MAX {
        faults.add(at, format!("it has more than {ITEMS_MAX} items"));
        return None;
    }
    let read: Vec<Option<T>> =
        given.iter().enumerate().map(|(n, item)| T::read(item, &format!("{at}/{n}"), faults)).collect();
    read.into_iter().collect()
}

impl<T: Shape> Shape for Vec<T> {
    const NEEDED: bool = false;

    fn schema(named: &mut NamedSchemas) -> RefOr<Schema> {
        ArrayBuilder::new().items(T::schema(named)).max_items(Some(ITEMS_MAX)).into()
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
        items(value, at, faults)
    }

    fn absent(_: &str, _: &mut Faults) -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: Show> Show for Vec<T> {
    fn show(&self) -> Value {
        self.iter().map(Show::show).collect()
    }
}

impl<T: Shape> Shape for BTreeSet<T> {
    const NEEDED: bool = false;

    fn schema(named: &mut NamedSchemas) -> RefOr<Schema> {
        ArrayBuilder::new().items(T::schema(named)).max_items(Some(ITEMS_MAX)).unique_items(true).into()
    }
}

impl<T: Read + Ord> Read for BTreeSet<T> {
    fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
        items(value, at, faults)
    }

    fn absent(_: &str, _: &mut Faults) -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: Show> Show for BTreeSet<T> {
    fn show(&self) -> Value {
        self.iter().map(Show::show).collect()
    }
}
