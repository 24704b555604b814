//! What a handler takes and gives: who asks, what is asked, and an answer with its version.

use std::fmt::Write as _;
use std::str::FromStr;

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use domain::values::{Digest32, Moment};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::operation::Operation;
use super::shape::{self, Read, Show};
use crate::access::{Administrator, ApiPerson, Attendant, Dpo, DutyHolder, Reporter, Responder, SignedIn};
use crate::documents::file::File;
use crate::node::{Node, SentForm};
use crate::problem::{FieldFault, Problem};

/// Items on a page unless asked otherwise, and at most.
const LIMIT: usize = 50;
/// The most items on a page.
pub const LIMIT_MAX: usize = 200;
/// A cursor that we did not give.
const BAD_CURSOR: Problem = Problem::Malformed("after is the next of an earlier page.");

/// A request that may be done, with who asks.
pub struct Call {
    /// The node.
    pub node: web::Data<Node>,
    /// The program and its person.
    pub client: ApiPerson,
    /// What is asked.
    pub operation: &'static Operation,
    /// The request's head.
    pub request: HttpRequest,
    /// Its body.
    pub body: Vec<u8>,
    /// The one-use form that logs an incident.
    pub form: Option<SentForm>,
}

impl Call {
    /// The person for whom the program acts.
    pub const fn person(&self) -> &SignedIn {
        &self.client.person
    }

    /// The body.
    ///
    /// # Errors
    /// [`Problem::NotJson`], [`Problem::Fields`].
    pub fn body<T: Read>(&self) -> Result<T, Problem> {
        shape::read(&self.body)
    }

    /// The id in the path. One that can't be read names nothing.
    ///
    /// # Errors
    /// [`Problem::NotFound`].
    pub fn id<T: FromStr>(&self) -> Result<T, Problem> {
        let path = self.request.path().strip_prefix(super::ROOT).ok_or(Problem::NotFound)?;
        super::parameter(self.operation.path, path).and_then(|text| text.parse().ok()).ok_or(Problem::NotFound)
    }

    /// A parameter in the query, percent-decoded.
    pub fn asked(&self, name: &str) -> Option<String> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(self.request.query_string()).ok()?;
        pairs.into_inner().into_iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    /// How many items a page has.
    ///
    /// # Errors
    /// [`Problem::Malformed`] unless it is a number from 1 to 200.
    pub fn limit(&self) -> Result<usize, Problem> {
        let Some(limit) = self.asked("limit") else { return Ok(LIMIT) };
        let limit = limit.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
        limit.ok_or(Problem::Malformed("limit is a number from 1 to 200."))
    }

    /// The key to go on from, as `parse` reads it.
    ///
    /// # Errors
    /// [`Problem::Malformed`] when it is not one that we gave.
    pub fn after<T>(&self, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        self.asked("after").map(|text| parse(&text).ok_or(BAD_CURSOR)).transpose()
    }

    /// The page of a list that is held in full: those after the cursor, which is the id of the last one given.
    ///
    /// # Errors
    /// [`Problem::Malformed`] for a cursor or limit that is none.
    pub fn page_of<T>(&self, all: Vec<T>, id: impl Fn(&T) -> String) -> Result<Page<T>, Problem> {
        let (after, limit) = (self.asked("after"), self.limit()?);
        let from = match after {
            None => 0,
            Some(after) => all.iter().position(|item| id(item) == after).ok_or(BAD_CURSOR)?.saturating_add(1),
        };
        let mut items: Vec<T> = all.into_iter().skip(from).take(limit.saturating_add(1)).collect();
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(id);
        Ok(Page { items, next })
    }

    /// Checks `If-Match` against the version that stands.
    ///
    /// # Errors
    /// [`Problem::VersionNeeded`] without one; [`Problem::Changed`] for another one.
    pub fn must_match(&self, current: &Reply) -> Result<(), Problem> {
        let given = self.request.headers().get(header::IF_MATCH).and_then(|value| value.to_str().ok());
        let given = given.ok_or(Problem::VersionNeeded)?;
        if current.etag.as_deref().is_some_and(|etag| names(given, etag)) { Ok(()) } else { Err(current.changed()) }
    }

    /// The proof that the person may respond.
    ///
    /// # Errors
    /// [`Problem::NotAllowed`].
    pub fn responder(&self) -> Result<Responder, Problem> {
        Responder::of(self.person()).ok_or(Problem::NotAllowed("responders and data protection officers"))
    }

    /// The proof that the person is a data protection officer.
    ///
    /// # Errors
    /// [`Problem::NotAllowed`].
    pub fn officer(&self) -> Result<Dpo, Problem> {
        Dpo::of(self.person()).ok_or(Problem::NotAllowed("data protection officers"))
    }

    /// The proof that the person keeps reports.
    ///
    /// # Errors
    /// [`Problem::NotAllowed`].
    pub fn reporter(&self) -> Result<Reporter, Problem> {
        Reporter::of(self.person()).ok_or(Problem::NotAllowed("responders and data protection officers"))
    }

    /// The proof that the person may take a duty in hand.
    ///
    /// # Errors
    /// [`Problem::NotAllowed`].
    pub fn duty_holder(&self) -> Result<DutyHolder, Problem> {
        let who = "responders, data protection officers and managers";
        DutyHolder::of(self.person()).ok_or(Problem::NotAllowed(who))
    }

    /// The proof that the person may say that an alert is seen to.
    ///
    /// # Errors
    /// [`Problem::NotAllowed`].
    pub fn attendant(&self) -> Result<Attendant, Problem> {
        let who = "responders, data protection officers, managers and administrators";
        Attendant::of(self.person()).ok_or(Problem::NotAllowed(who))
    }

    /// The proof that the person is an administrator.
    ///
    /// # Errors
    /// [`Problem::NotAllowed`].
    pub fn administrator(&self) -> Result<Administrator, Problem> {
        Administrator::of(self.person()).ok_or(Problem::NotAllowed("administrators"))
    }
}

/// Whether a list of entity tags names this one; weak tags name nothing here.
pub fn names(list: &str, etag: &str) -> bool {
    list.split(',').any(|given| given.trim() == etag)
}

/// A key of an instant and an id, as cursors write it.
pub fn instant_key<T: FromStr>(text: &str) -> Option<(Moment, T)> {
    let (micros, id) = text.split_once('.')?;
    Some((Moment::from_micros(micros.parse().ok()?).ok()?, id.parse().ok()?))
}

/// A fault of one member that reading alone can't see.
pub fn fault(field: &str, message: &str) -> Problem {
    Problem::Fields(vec![FieldFault { field: field.to_owned(), message: message.to_owned() }])
}

/// A page of a list.
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// What `after` takes for the next page.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The answer, each item shown.
    pub fn reply<S: Show>(self, show: impl FnMut(T) -> S) -> Reply {
        let items: Vec<Value> = self.items.into_iter().map(show).map(|item| item.show()).collect();
        Reply::list(items, self.next)
    }
}

/// An answer that went well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The media type.
    pub media_type: String,
    /// The body; empty with 204.
    pub body: String,
    /// The version of the thing.
    pub etag: Option<String>,
    /// Where what was made is.
    pub location: Option<String>,
    /// A file in the place of the body. Only what is read gives one, so none is ever kept for the same request again.
    #[serde(skip)]
    pub file: Option<File>,
}

impl Reply {
    fn of(status: u16, value: &Value) -> Self {
        Self {
            status,
            media_type: "application/json".to_owned(),
            body: value.to_string(),
            etag: None,
            location: None,
            file: None,
        }
    }

    /// A page of a list whose items are shown already.
    pub fn list(items: Vec<Value>, next: Option<String>) -> Self {
        Self::of(200, &json!({ "items": items, "next": next }))
    }

    /// It was done.
    #[must_use]
    pub fn done() -> Self {
        Self::empty(204)
    }

    fn empty(status: u16) -> Self {
        Self { body: String::new(), ..Self::of(status, &Value::Null) }
    }

    /// One thing; its version is the digest of what is shown.
    pub fn one(thing: &impl Show) -> Self {
        let reply = Self::of(200, &thing.show());
        let etag = tag(&Digest32::of(reply.body.as_bytes()).to_string());
        Self { etag: Some(etag), ..reply }
    }

    /// One thing with a version of its own.
    pub fn version(thing: &impl Show, version: &str) -> Self {
        Self { etag: Some(tag(version)), ..Self::of(200, &thing.show()) }
    }

    /// What was made, and where it is below `/api/v1`.
    pub fn made(thing: &impl Show, path: &str) -> Self {
        Self { location: Some(format!("/api/v1{path}")), ..Self::of(201, &thing.show()) }
    }

    /// An answer that is no version of anything.
    pub fn plain(thing: &impl Show) -> Self {
        Self::of(200, &thing.show())
    }

    /// A document.
    #[must_use]
    pub fn document(media_type: &str, body: String) -> Self {
        Self { media_type: media_type.to_owned(), body, ..Self::of(200, &Value::Null) }
    }

    /// A file to keep.
    #[must_use]
    pub fn file(file: File) -> Self {
        Self { media_type: file.media_type.to_owned(), file: Some(file), ..Self::empty(200) }
    }

    /// This is how it stands, for somebody who edits another version.
    #[must_use]
    pub fn changed(&self) -> Problem {
        Problem::Changed(Box::new(serde_json::from_str(&self.body).unwrap_or_default()))
    }
}

/// A strong entity tag. Other than letters, digits and a few signs nothing gets in.
pub fn tag(text: &str) -> String {
    let mut tag = String::from("\"");
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.') {
            tag.push(letter);
        } else {
            // Writing to a String can't fail.
            let _ = write!(tag, ".{:x}", u32::from(letter));
        }
    }
    tag.push('"');
    tag
}
