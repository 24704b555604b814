//! The shape of what programs send and get: one description per type, from which its schema, its reading and its showing
//! all follow, so that the document can't drift from what is taken.
//!
//! Reading collects every fault with the JSON pointer of the member that it is in, and names members that nobody knows.
//! A member that may be absent may also be `null`; what is not known is `null` in answers.

mod macros;
pub mod values;

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};

use crate::problem::{FieldFault, Problem};

pub(super) use macros::{answer, described, readable, record, request, showable};

/// Faults named in one answer.
const FAULTS_MAX: usize = 50;

/// Something with a schema.
pub trait Shape {
    /// Whether a member of this type has to be there.
    const NEEDED: bool = true;

    /// Its schema; objects put themselves into `named` and give a reference.
    fn schema(named: &mut NamedSchemas) -> RefOr<Schema>;
}

/// Something that programs send.
pub trait Read: Shape + Sized {
    /// Reads it; what is wrong goes to `faults`, under the pointer `at`.
    fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self>;

    /// What an absent member stands for.
    fn absent(at: &str, faults: &mut Faults) -> Option<Self> {
        faults.add(at, "it is missing");
        None
    }
}

/// Something that programs get.
pub trait Show: Shape {
    /// Its JSON.
    fn show(&self) -> Value;
}

/// What is wrong with a body.
#[derive(Debug, Default)]
pub struct Faults(Vec<FieldFault>);

impl Faults {
    /// One more, up to a limit.
    pub fn add(&mut self, at: &str, message: impl Into<String>) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(FieldFault { field: at.to_owned(), message: message.into() });
        }
    }
}

/// Reads a whole body.
///
/// # Errors
/// [`Problem::NotJson`] with the place; [`Problem::Fields`] with every fault.
pub fn read<T: Read>(octets: &[u8]) -> Result<T, Problem> {
    let value: Value = serde_json::from_slice(octets).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Eof => "it ends too early",
            serde_json::error::Category::Syntax | serde_json::error::Category::Data => "something else is expected",
            serde_json::error::Category::Io => "it could not be read",
        };
        Problem::NotJson(format!("at line {}, column {}, {what}", error.line(), error.column()))
    })?;
    let mut faults = Faults::default();
    match T::read(&value, "", &mut faults) {
        Some(read) if faults.0.is_empty() => Ok(read),
        Some(_) | None => Err(Problem::Fields(faults.0)),
    }
}

/// The members of an object while it is read.
pub struct Members<'a> {
    given: &'a Map<String, Value>,
    at: &'a str,
}

impl<'a> Members<'a> {
    /// Takes an object apart; members that are not `known` are faults.
    pub fn of(value: &'a Value, at: &'a str, known: &[&str], faults: &mut Faults) -> Option<Self> {
        let Value::Object(given) = value else {
            faults.add(at, "it is not an object");
            return None;
        };
        for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
            faults.add(&pointer(at, name), "there is no such member");
        }
        Some(Self { given, at })
    }

    /// One member.
    pub fn take<T: Read>(&self, name: &str, faults: &mut Faults) -> Option<T> {
        let at = pointer(self.at, name);
        match self.given.get(name) {
            None => T::absent(&at, faults),
            Some(value) => T::read(value, &at, faults),
        }
    }
}

/// A pointer one step further (RFC 6901); what a stranger wrote is cut short.
fn pointer(at: &str, name: &str) -> String {
    let name: String = name.chars().take(64).collect();
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Schemas of objects, by their names in the document.
#[derive(Default)]
pub struct NamedSchemas {
    schemas: BTreeMap<String, RefOr<Schema>>,
    abouts: BTreeMap<&'static str, &'static str>,
    clashes: Vec<&'static str>,
}

/// A member of an object in the document.
pub struct Member {
    name: &'static str,
    about: &'static str,
    needed: bool,
    schema: RefOr<Schema>,
}

impl Member {
    /// A member of this type.
    pub fn of<T: Shape>(name: &'static str, about: &'static str, named: &mut NamedSchemas) -> Self {
        Self { name, about: about.trim(), needed: T::NEEDED, schema: T::schema(named) }
    }
}

impl NamedSchemas {
    /// Puts an object in and gives a reference to it.
    pub fn object(
        &mut self,
        name: &'static str,
        about: &'static str,
        members: impl FnOnce(&mut Self) -> Vec<Member>,
    ) -> RefOr<Schema> {
        if let Some(known) = self.abouts.insert(name, about) {
            if known != about {
                self.clashes.push(name);
            }
        } else {
            let mut object = ObjectBuilder::new()
                .schema_type(Type::Object)
                .description(Some(about.trim()))
                .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
            for member in members(self) {
                object = object.property(member.name, described(member.schema, member.about));
                if member.needed {
                    object = object.required(member.name);
                }
            }
            self.schemas.insert(name.to_owned(), object.into());
        }
        RefOr::Ref(Ref::from_schema_name(name))
    }

    /// All of them.
    pub fn into_schemas(self) -> BTreeMap<String, RefOr<Schema>> {
        self.schemas
    }

    /// Names that two different shapes claim: there must be none.
    #[must_use]
    pub fn clashes(&self) -> &[&'static str] {
        &self.clashes
    }
}

/// A schema with words of its own.
fn described(schema: RefOr<Schema>, about: &'static str) -> RefOr<Schema> {
    match schema {
        RefOr::Ref(mut reference) => {
            reference.description = about.to_owned();
            RefOr::Ref(reference)
        }
        RefOr::T(Schema::Object(mut object)) => {
            object.description = Some(about.to_owned());
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.description = Some(about.to_owned());
            RefOr::T(Schema::Array(array))
        }
        RefOr::T(Schema::OneOf(mut one)) => {
            one.description = Some(about.to_owned());
            RefOr::T(Schema::OneOf(one))
        }
        other => other,
    }
}
