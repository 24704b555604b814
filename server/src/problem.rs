//! The one list of things that we answer when we say no to a person or an API client.
//!
//! Each variant fixes its type URI, status and title, and whether its detail is public. The API answers RFC 9457 JSON
//! made here; pages show the same words. Partner nodes are answered in the wire's own form instead. An internal fault
//! is a constant sentence plus a reference: its cause goes to the log, once, at the edge.

use std::fmt;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use domain::incident::{Duty, Refusal};
use serde::Serialize;
use serde_json::Value;

use crate::documents::print::PrintError;
use crate::node::DoorError;
use crate::store::StoreError;

/// Seconds after which a client may try again when the store or the node was too busy.
pub const RETRY_AFTER_SECONDS: u32 = 5;

/// A member of a body that is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldFault {
    /// Which: a JSON pointer (RFC 6901).
    pub field: String,
    /// What is wrong with it; never what was sent.
    pub message: String,
}

/// A duty that keeps an incident open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenDuty {
    /// Which: a stable name.
    pub duty: &'static str,
    /// What is open.
    pub words: String,
}

/// What we answer when we say no.
#[derive(Debug, Clone)]
pub enum Problem {
    /// Nobody is signed in, or the session has ended.
    SignInNeeded,
    /// The bearer token is missing, wrong or has expired.
    TokenNeeded,
    /// The person's roles, or the token's scopes, do not include this.
    NotAllowed(&'static str),
    /// The request came from another site.
    CrossSite,
    /// The form does not belong to this session, or has expired.
    FormExpired,
    /// The form was sent before with other words.
    FormSaidOtherwise,
    /// The request could not be read.
    Malformed(&'static str),
    /// The JSON that was sent is none; where it goes wrong.
    NotJson(String),
    /// Members of what was sent are not acceptable; each is named.
    Fields(Vec<FieldFault>),
    /// The body is of another kind than the operation takes; the kind that it takes.
    MediaType(&'static str),
    /// A program must name each request that makes or does something.
    KeyNeeded,
    /// The idempotency key was used for another request.
    KeyReused,
    /// A request with this idempotency key began, and how it ended is not known.
    OutcomeUnknown,
    /// The answer held a secret that is shown once.
    ShownOnce,
    /// A program must say which version it edits.
    VersionNeeded,
    /// The thing was changed since the version that the program saw; how it stands.
    Changed(Box<Value>),
    /// The thing was changed since the form was opened.
    Stale,
    /// There is no such thing here.
    NotFound,
    /// The address is right, the method is not.
    MethodNotAllowed,
    /// The request is larger than we take.
    TooLarge,
    /// Too many requests; seconds to wait.
    TooMany(u32),
    /// A rule says no; the sentence is public.
    Refused(String),
    /// Duties keep an incident open; each is named.
    DutiesOpen(Vec<OpenDuty>),
    /// The store can't be reached, or is busy. Nothing was changed.
    Unavailable(Option<Arc<StoreError>>),
    /// A fault of ours; the cause is for the log only.
    Internal(Arc<dyn std::error::Error + Send + Sync>),
}

impl Problem {
    /// The last part of the type URI: stable, part of the API.
    #[must_use]
    pub const fn slug(&self) -> &'static str {
        match self {
            Self::SignInNeeded => "sign-in-needed",
            Self::TokenNeeded => "token-needed",
            Self::NotAllowed(_) => "not-allowed",
            Self::CrossSite => "cross-site",
            Self::FormExpired => "form-expired",
            Self::FormSaidOtherwise => "form-said-otherwise",
            Self::Malformed(_) | Self::NotJson(_) => "malformed",
            Self::Fields(_) => "invalid-fields",
            Self::MediaType(_) => "media-type",
            Self::KeyNeeded => "idempotency-key-needed",
            Self::KeyReused => "idempotency-key-reused",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::ShownOnce => "shown-once",
            Self::VersionNeeded => "if-match-needed",
            Self::Changed(_) | Self::Stale => "changed-meanwhile",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::TooLarge => "too-large",
            Self::TooMany(_) => "too-many-requests",
            Self::Refused(_) => "refused",
            Self::DutiesOpen(_) => "duties-open",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::SignInNeeded | Self::TokenNeeded => StatusCode::UNAUTHORIZED,
            Self::NotAllowed(_) | Self::CrossSite | Self::FormExpired => StatusCode::FORBIDDEN,
            Self::Malformed(_) | Self::NotJson(_) => StatusCode::BAD_REQUEST,
            Self::Fields(_) | Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::KeyNeeded | Self::VersionNeeded => StatusCode::PRECONDITION_REQUIRED,
            Self::Changed(_) => StatusCode::PRECONDITION_FAILED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Refused(_)
            | Self::DutiesOpen(_)
            | Self::FormSaidOtherwise
            | Self::Stale
            | Self::OutcomeUnknown
            | Self::ShownOnce => StatusCode::CONFLICT,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A heading.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self {
            Self::SignInNeeded => "Sign in first",
            Self::TokenNeeded => "A valid token is needed",
            Self::NotAllowed(_) => "You are not allowed to do this",
            Self::CrossSite => "This request came from another site",
            Self::FormExpired => "This form has expired",
            Self::FormSaidOtherwise => "This form was sent before with other words",
            Self::Malformed(_) | Self::NotJson(_) => "This request could not be read",
            Self::Fields(_) => "Some of this is not acceptable",
            Self::MediaType(_) => "This kind of body is not taken here",
            Self::KeyNeeded => "An Idempotency-Key is needed",
            Self::KeyReused => "This Idempotency-Key was used for another request",
            Self::OutcomeUnknown => "How the first request ended is not known",
            Self::ShownOnce => "This answer is shown once",
            Self::VersionNeeded => "An If-Match header is needed",
            Self::Changed(_) | Self::Stale => "This was changed meanwhile",
            Self::NotFound => "Page not found",
            Self::MethodNotAllowed => "This cannot be done here",
            Self::TooLarge => "That is too much at once",
            Self::TooMany(_) => "Too many attempts",
            Self::Refused(_) => "This was not done",
            Self::DutiesOpen(_) => "It cannot be closed yet",
            Self::Unavailable(_) => "The record cannot be reached at the moment",
            Self::Internal(_) => "Something went wrong on our side",
        }
    }

    /// What to do, in public words.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::SignInNeeded => "Your session has ended, or you have not signed in yet.".to_owned(),
            Self::TokenNeeded => "Send a valid token in the Authorization header.".to_owned(),
            Self::NotAllowed(who) => format!("Only {who} may do this."),
            Self::CrossSite => "Open the page here and send the form again.".to_owned(),
            Self::FormExpired => "Go back, load the page again and send it once more.".to_owned(),
            Self::FormSaidOtherwise => {
                "What it said then is on record; what it says now is not. Open a new form to add to it.".to_owned()
            }
            Self::Malformed(what) => (*what).to_owned(),
            Self::NotJson(place) => format!("The body is not acceptable JSON: {place}."),
            Self::Fields(faults) => match faults.as_slice() {
                [fault] => format!("{}: {}.", fault.field, fault.message),
                faults => format!("{} members are not acceptable; each is named in errors.", faults.len()),
            },
            Self::MediaType(wanted) => format!("Send it as {wanted}."),
            Self::KeyNeeded => {
                "Send an Idempotency-Key header of 1 to 255 visible ASCII characters, fresh for each request and the same \
                 when you try that request again."
                    .to_owned()
            }
            Self::KeyReused => "Use a fresh key for each request.".to_owned(),
            Self::OutcomeUnknown => {
                "It is under way, or was cut off. Look whether it was done; if it was not, send it with a new key."
                    .to_owned()
            }
            Self::ShownOnce => {
                "It was done. Its answer held a secret, which is not kept; end what was made and make another one.".to_owned()
            }
            Self::VersionNeeded => "Send the ETag of the version that you saw in an If-Match header.".to_owned(),
            Self::Changed(_) => "Somebody changed it since you read it. How it stands now is in current.".to_owned(),
            Self::Stale => {
                "Somebody saved it while you were editing. Open it again, look at what changed, and make your change there."
                    .to_owned()
            }
            Self::NotFound => "If you typed the address, check it. The thing may also have been removed.".to_owned(),
            Self::MethodNotAllowed => "This address does not take that kind of request.".to_owned(),
            Self::TooLarge => "Send less at once.".to_owned(),
            Self::TooMany(seconds) => format!("Wait {seconds} seconds, then try again."),
            Self::Refused(sentence) => sentence_of(sentence),
            Self::DutiesOpen(duties) => {
                let words: Vec<&str> = duties.iter().map(|duty| duty.words.as_str()).collect();
                sentence_of(&format!("this is still open: {}", words.join("; ")))
            }
            Self::Unavailable(_) => "Nothing was lost and nothing was changed. Try again in a few seconds.".to_owned(),
            Self::Internal(_) => "Nothing was changed. Tell your administrator the reference below.".to_owned(),
        }
    }

    /// When to try again, in seconds.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u32> {
        if let Self::TooMany(seconds) = self {
            Some(*seconds)
        } else if let Self::Unavailable(_) = self {
            Some(RETRY_AFTER_SECONDS)
        } else {
            None
        }
    }

    /// Whether its cause goes to the log, under a reference that the answer names.
    #[must_use]
    pub const fn needs_reference(&self) -> bool {
        matches!(self, Self::Internal(_) | Self::Unavailable(_))
    }

    /// Writes the cause to the log, for the few that have one.
    pub fn log(&self, reference: &str) {
        if let Self::Internal(cause) = self {
            tracing::error!(reference, cause = %causes(cause.as_ref()), "a request met an internal fault");
        } else if let Self::Unavailable(Some(cause)) = self {
            tracing::warn!(reference, cause = %causes(cause.as_ref()), "a request could not reach the store");
        }
    }

    /// A page or a part of one could not be written.
    pub fn internal(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Arc::new(cause))
    }

    /// Whether it was said before anything was done, so that the same request may be sent again as if it were new.
    #[must_use]
    pub fn nothing_was_done(&self) -> bool {
        match self {
            Self::NotAllowed(_)
            | Self::Malformed(_)
            | Self::NotJson(_)
            | Self::Fields(_)
            | Self::MediaType(_)
            | Self::TooLarge
            | Self::TooMany(_)
            | Self::VersionNeeded => true,
            Self::Unavailable(Some(cause)) => matches!(cause.as_ref(), StoreError::Busy | StoreError::Stopped),
            Self::Unavailable(None)
            | Self::SignInNeeded
            | Self::TokenNeeded
            | Self::CrossSite
            | Self::FormExpired
            | Self::FormSaidOtherwise
            | Self::KeyNeeded
            | Self::KeyReused
            | Self::OutcomeUnknown
            | Self::ShownOnce
            | Self::Changed(_)
            | Self::Stale
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Refused(_)
            | Self::DutiesOpen(_)
            | Self::Internal(_) => false,
        }
    }

    /// The body of the answer as JSON (RFC 9457).
    #[must_use]
    pub fn body(&self, reference: Option<&str>) -> String {
        let body = Body {
            kind: format!("/problems/{}", self.slug()),
            title: self.title(),
            status: self.status().as_u16(),
            detail: self.detail(),
            reference,
            errors: if let Self::Fields(faults) = self { faults } else { &[] },
            duties: if let Self::DutiesOpen(duties) = self { duties } else { &[] },
            current: if let Self::Changed(current) = self { Some(current) } else { None },
        };
        serde_json::to_string(&body).unwrap_or_default()
    }

    /// The answer as `application/problem+json` (RFC 9457).
    #[must_use]
    pub fn json(&self, reference: Option<&str>) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status());
        answer.content_type("application/problem+json").insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(seconds) = self.retry_after() {
            answer.insert_header((header::RETRY_AFTER, HeaderValue::from(seconds)));
        }
        if matches!(self, Self::TokenNeeded) {
            answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        answer.body(self.body(reference))
    }
}

/// "this incident is closed" → "This incident is closed."
pub(crate) fn sentence_of(text: &str) -> String {
    format!("{}.", capitalised(text.trim_end_matches('.')))
}

/// "this incident is closed" → "This incident is closed"
pub(crate) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// An error and its causes on one line.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "<[FieldFault]>::is_empty")]
    errors: &'a [FieldFault],
    #[serde(skip_serializing_if = "<[OpenDuty]>::is_empty")]
    duties: &'a [OpenDuty],
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<&'a Value>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// The JSON form; pages put their own in its place, with the same words.
    fn error_response(&self) -> HttpResponse {
        self.json(None)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() { Self::Unavailable(Some(Arc::new(error))) } else { Self::Internal(Arc::new(error)) }
    }
}

impl From<PrintError> for Problem {
    fn from(error: PrintError) -> Self {
        match error {
            PrintError::TooLarge(what) => Self::Refused(format!("This does not fit into one document: {what}.")),
            PrintError::Failed(_) => Self::internal(error),
        }
    }
}

impl From<askama::Error> for Problem {
    fn from(error: askama::Error) -> Self {
        Self::Internal(Arc::new(error))
    }
}

impl From<DoorError> for Problem {
    fn from(error: DoorError) -> Self {
        match error {
            DoorError::Store(error) => error.into(),
            DoorError::NotFound => Self::NotFound,
            DoorError::FormUnknown => Self::FormExpired,
            DoorError::FormSaidOtherwise => Self::FormSaidOtherwise,
            DoorError::Stale => Self::Stale,
            DoorError::Refused(Refusal::DutiesOpen { duties }) => {
                let open = |duty: Duty| OpenDuty { duty: duty.code(), words: duty.words() };
                Self::DutiesOpen(duties.into_iter().map(open).collect())
            }
            DoorError::Refused(_)
            | DoorError::ExchangeRefused(_)
            | DoorError::Complaint(_)
            | DoorError::Taken
            | DoorError::Target(_)
            | DoorError::Invalid(_)
            | DoorError::Records(_)
            | DoorError::Pairing(_) => Self::Refused(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: a refusal by a rule is the client's 409, trouble in the store a 503 that says when to come back.
    #[test]
    fn refusals_and_store_trouble_differ() {
        let refused = Problem::from(DoorError::Refused(domain::incident::Refusal::AlreadyBreach));
        assert_eq!(
            (refused.status(), refused.detail().as_str()),
            (StatusCode::CONFLICT, "This incident is already a breach.")
        );
        let busy = Problem::from(StoreError::Busy);
        assert_eq!((busy.status(), busy.retry_after()), (StatusCode::SERVICE_UNAVAILABLE, Some(RETRY_AFTER_SECONDS)));
        assert_eq!(Problem::from(StoreError::WrongKey).status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
