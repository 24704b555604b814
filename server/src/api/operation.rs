//! One operation: the one description that routing, checking and the document all follow, so that they can't drift.

use std::future::Future;
use std::pin::Pin;

use actix_web::http::Method;
use utoipa::openapi::{RefOr, Schema};

use super::call::{Call, Reply};
use super::shape::{NamedSchemas, Shape};
use crate::access::Scope;
use crate::documents::proof::PROOF_OCTETS_MAX;
use crate::problem::Problem;

/// The longest body, in octets.
const BODY_OCTETS_MAX: usize = 524_288;
/// The longest file to import, in octets.
const IMPORT_OCTETS_MAX: usize = 2_097_152;

/// What a handler comes to.
pub type Running = Pin<Box<dyn Future<Output = Result<Reply, Problem>>>>;
/// Writes a schema.
pub type SchemaOf = fn(&mut NamedSchemas) -> RefOr<Schema>;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Read something.
    Get,
    /// Make or do something, once for each `Idempotency-Key`.
    Post,
    /// Put something in the place of the version that `If-Match` names.
    Put,
}

impl Verb {
    /// As HTTP says it.
    #[must_use]
    pub const fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
        }
    }
}

/// What a request carries.
#[derive(Clone, Copy)]
pub enum Takes {
    /// No body.
    Nothing,
    /// JSON of this shape.
    Json(SchemaOf),
    /// A file in TOML.
    Toml,
    /// A file of another kind, as it is.
    File,
}

impl Takes {
    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Json(_) => Some("application/json"),
            Self::Toml => Some("application/toml"),
            Self::File => Some("application/octet-stream"),
        }
    }

    /// The longest body.
    #[must_use]
    pub const fn octets_max(self) -> usize {
        match self {
            Self::Nothing | Self::Json(_) => BODY_OCTETS_MAX,
            Self::Toml => IMPORT_OCTETS_MAX,
            // One more than is taken, so that it is refused with the words for it.
            Self::File => PROOF_OCTETS_MAX + 1,
        }
    }
}

/// What comes back when it goes well.
#[derive(Clone, Copy)]
pub enum Gives {
    /// 204, no body.
    Nothing,
    /// 200 with one thing.
    One(SchemaOf),
    /// 201 with what was made.
    Made(SchemaOf),
    /// 200 with a page of a list.
    List(SchemaOf),
    /// 200 with a document of this media type.
    Document(&'static str),
}

impl Gives {
    /// The status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Nothing => 204,
            Self::Made(_) => 201,
            Self::One(_) | Self::List(_) | Self::Document(_) => 200,
        }
    }
}

impl Gives {
    /// Whether what comes back is read as text.
    #[must_use]
    pub fn is_text(self) -> bool {
        match self {
            Self::Nothing => false,
            Self::One(_) | Self::Made(_) | Self::List(_) => true,
            Self::Document(media_type) => media_type.starts_with("text/") || media_type.ends_with("/toml"),
        }
    }
}

/// A parameter in the query.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
}

/// One operation.
#[derive(Clone, Copy)]
pub struct Operation {
    /// What is done.
    pub verb: Verb,
    /// The address below `/api/v1`.
    pub path: &'static str,
    /// Its name in the document, fit for a function.
    pub id: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// What a token needs: one of these.
    pub scopes: &'static [Scope],
    /// Parameters in the query, beside those of lists.
    pub query: &'static [Parameter],
    /// What it takes.
    pub takes: Takes,
    /// What it gives.
    pub gives: Gives,
    /// Its answer holds a secret that is shown once.
    pub secret: bool,
    /// It does no harm to run it again for a request whose answer is not known: it recognises the request itself.
    pub recognises: bool,
    /// What it does.
    pub run: fn(Call) -> Running,
}

/// Operations that belong together.
pub struct Group {
    /// What they are about: a tag of the document.
    pub name: &'static str,
    /// In a sentence.
    pub about: &'static str,
    /// They.
    pub operations: &'static [Operation],
}

const fn operation(
    verb: Verb,
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    run: fn(Call) -> Running,
) -> Operation {
    Operation {
        verb,
        path,
        id,
        summary,
        scopes: &[Scope::Read],
        query: &[],
        takes: Takes::Nothing,
        gives: Gives::Nothing,
        secret: false,
        recognises: false,
        run,
    }
}

/// An operation that reads.
pub const fn get(path: &'static str, id: &'static str, summary: &'static str, run: fn(Call) -> Running) -> Operation {
    operation(Verb::Get, path, id, summary, run)
}

/// An operation that makes or does something.
pub const fn post(path: &'static str, id: &'static str, summary: &'static str, run: fn(Call) -> Running) -> Operation {
    operation(Verb::Post, path, id, summary, run)
}

/// An operation that puts a newer version in the place of one.
pub const fn put(path: &'static str, id: &'static str, summary: &'static str, run: fn(Call) -> Running) -> Operation {
    operation(Verb::Put, path, id, summary, run)
}

impl Operation {
    /// What a token needs for it: one of these.
    pub const fn needs(self, scopes: &'static [Scope]) -> Self {
        Self { scopes, ..self }
    }

    /// What it takes.
    pub const fn takes<T: Shape>(self) -> Self {
        Self { takes: Takes::Json(T::schema), ..self }
    }

    /// It takes a file in TOML.
    pub const fn takes_toml(self) -> Self {
        Self { takes: Takes::Toml, ..self }
    }

    /// It takes a file.
    pub const fn takes_file(self) -> Self {
        Self { takes: Takes::File, ..self }
    }

    /// Its parameters.
    pub const fn asks(self, query: &'static [Parameter]) -> Self {
        Self { query, ..self }
    }

    /// It gives one thing.
    pub const fn gives<T: Shape>(self) -> Self {
        Self { gives: Gives::One(T::schema), ..self }
    }

    /// It gives what it made.
    pub const fn makes<T: Shape>(self) -> Self {
        Self { gives: Gives::Made(T::schema), ..self }
    }

    /// It gives a page of a list.
    pub const fn lists<T: Shape>(self) -> Self {
        Self { gives: Gives::List(T::schema), ..self }
    }

    /// It gives a document.
    pub const fn writes(self, media_type: &'static str) -> Self {
        Self { gives: Gives::Document(media_type), ..self }
    }

    /// Its answer holds a secret.
    pub const fn shown_once(self) -> Self {
        Self { secret: true, ..self }
    }

    /// It recognises a request that it has done.
    pub const fn recognising(self) -> Self {
        Self { recognises: true, ..self }
    }

    /// The names between braces in its path.
    pub fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

/// Makes a handler of an `async fn(Call) -> Result<Reply, Problem>`.
macro_rules! run {
    ($handler:path) => {
        |call| Box::pin($handler(call))
    };
}

pub(in crate::api) use run;
