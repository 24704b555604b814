//! Security event tokens (RFC 8417): the claims around an event (protocol §5), written and read.
//!
//! What we would refuse we do not send: [`build_payload`] reads its own result with the receiver's eyes before giving it out.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::jose::{self, MAX_TOKEN, TokenType};
use crate::keys::{SigningKey, stream_id};
use crate::message::{Event, EventError, MAX_ID, NS, RECEIPT, VERIFICATION};
use crate::refusal::Refusal;
use crate::strict_json::{self, JsonError};
use crate::values::{CLOCK_SKEW_SECONDS, Digest};

/// The claims of a message (protocol §5). Times in unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Sender's issuer.
    pub iss: String,
    /// Receiver's issuer.
    pub aud: String,
    /// When the message was made; kept when it is signed again.
    pub iat: i64,
    /// Unique for ever per sender.
    pub jti: Uuid,
    /// Case id, at most 255 octets; none on heartbeats and their receipts.
    pub txn: Option<String>,
    /// The id inside `sub_id` (RFC 9493 `opaque`): the case id, or the stream id on heartbeats and their receipts.
    pub sub_id: String,
    /// Time of the thing reported; on a receipt the moment of durable storage, rounded up to a whole second.
    pub toe: Option<i64>,
}

/// Why a payload was not built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The token would be longer than 64 KiB.
    #[error("the message would be longer than a token may be")]
    TooLarge,
    /// A string, array or nesting beyond protocol §20.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The receiver would refuse it.
    #[error("the message would be refused: {0}")]
    Refused(&'static str),
}

/// A signed message with its two names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedSet {
    /// The compact token, to be sent and stored as it is.
    pub octets: String,
    /// SHA-256 of the payload: what `prev` of the next message says.
    pub payload_sha256: Digest,
    /// SHA-256 of the token: what the receipt says.
    pub set_sha256: Digest,
}

/// Claims read and checked, with the one event still unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The claims.
    pub claims: Claims,
    /// The event's full name.
    pub event_name: String,
    /// Its body, an object.
    pub event_body: Value,
}

/// The heartbeat's claims: no case, the stream's id as subject.
#[must_use]
pub fn heartbeat_claims(iss: &str, aud: &str, iat: i64, jti: Uuid) -> Claims {
    Claims { iss: iss.to_owned(), aud: aud.to_owned(), iat, jti, txn: None, sub_id: stream_id(iss, aud), toe: None }
}

/// The octets to sign: `iss`, `aud`, `iat`, `jti`, `txn`, `sub_id`, `toe`, `events` in this order, without spaces.
///
/// # Errors
/// [`BuildError`] for what a receiver would refuse.
pub fn build_payload(claims: &Claims, event: &Event) -> Result<Vec<u8>, BuildError> {
    let unwritable = |_| BuildError::Refused("the event cannot be written");
    let quoted = |text: &str| Value::from(text).to_string();
    let txn = claims.txn.as_deref().map(|txn| format!(r#""txn":{},"#, quoted(txn))).unwrap_or_default();
    let toe = claims.toe.map(|toe| format!(r#""toe":{toe},"#)).unwrap_or_default();
    let payload = format!(
        r#"{{"iss":{},"aud":{},"iat":{},"jti":"{}",{txn}"sub_id":{{"format":"opaque","id":{}}},{toe}"events":{{{}:{}}}}}"#,
        quoted(&claims.iss),
        quoted(&claims.aud),
        claims.iat,
        claims.jti.hyphenated(),
        quoted(&claims.sub_id),
        quoted(event.name()),
        event.body().map_err(unwritable)?
    )
    .into_bytes();
    // Header with 43 characters of kid and 86 of signature stay below 300 octets together.
    if payload.len().div_ceil(3).saturating_mul(4) > MAX_TOKEN.saturating_sub(300) {
        return Err(BuildError::TooLarge);
    }
    let read = strict_json::parse_object(&payload)?;
    let checked =
        check_claims(&read, &claims.aud, claims.iat).map_err(|refusal| BuildError::Refused(refusal.description()))?;
    if checked.claims != *claims {
        return Err(BuildError::Refused(Refusal::BadClaim.description()));
    }
    let readable = Event::parse(&checked.event_name, &checked.event_body).and_then(|event| event.fits(claims.iat));
    match readable {
        Ok(()) => Ok(payload),
        Err(EventError::Unknown) => Err(BuildError::Refused(Refusal::UnknownEvent.description())),
        Err(EventError::Bad(rule)) => Err(BuildError::Refused(rule)),
    }
}

/// Signs payload octets as a message, a receipt or a heartbeat. Also signs the same octets again under a newer key
/// (protocol §9).
#[must_use]
pub fn sign_set(key: &SigningKey, payload: &[u8]) -> SignedSet {
    let octets = jose::sign(TokenType::Set, key, payload);
    SignedSet { set_sha256: Digest::of(octets.as_bytes()), payload_sha256: Digest::of(payload), octets }
}

/// The issuer that a payload names: says whose keys to look at, and nothing more.
pub(crate) fn issuer_of(payload: &Map<String, Value>) -> Result<&str, Refusal> {
    payload
        .get("iss")
        .and_then(Value::as_str)
        .filter(|iss| (1..=MAX_ID).contains(&iss.len()))
        .ok_or(Refusal::UnknownIssuer)
}

/// Checks the claims of a payload addressed to `own_issuer` that arrived at `now` (unix seconds): steps 12 and 13 of
/// protocol §7 by the table of §5.
///
/// # Errors
/// [`Refusal::WrongAudience`], [`Refusal::BadClaim`] or [`Refusal::IssuedInFuture`].
pub fn check_claims(payload: &Map<String, Value>, own_issuer: &str, now: i64) -> Result<Checked, Refusal> {
    let iss = issuer_of(payload)?.to_owned();
    let aud = audience(payload).filter(|aud| *aud == own_issuer).ok_or(Refusal::WrongAudience)?.to_owned();
    if ["exp", "nbf", "sub"].into_iter().any(|name| payload.contains_key(name)) {
        return Err(Refusal::BadClaim);
    }
    let iat = payload.get("iat").and_then(seconds).ok_or(Refusal::BadClaim)?;
    let jti = payload.get("jti").and_then(Value::as_str).and_then(message_id).ok_or(Refusal::BadClaim)?;
    let toe = optional(payload, "toe", seconds)?;
    let txn = optional(payload, "txn", |txn| {
        txn.as_str().filter(|txn| (1..=MAX_ID).contains(&txn.len())).map(str::to_owned)
    })?;
    let sub_id = subject(payload).ok_or(Refusal::BadClaim)?.to_owned();
    let (event_name, event_body) = event(payload).ok_or(Refusal::BadClaim)?;
    let claims = Claims { iss, aud, iat, jti, txn, sub_id, toe };
    check_subject(&claims, event_name)?;
    if iat > now.saturating_add(CLOCK_SKEW_SECONDS) {
        return Err(Refusal::IssuedInFuture);
    }
    Ok(Checked { claims, event_name: event_name.clone(), event_body: event_body.clone() })
}

/// One string, or an array of one: two audiences are refused.
pub(crate) fn audience(payload: &Map<String, Value>) -> Option<&str> {
    let aud = payload.get("aud")?;
    match aud.as_array().map(Vec::as_slice) {
        Some([only]) => only.as_str(),
        Some(_) => None,
        None => aud.as_str(),
    }
}

/// A whole number of seconds that other readers can hold too.
pub(crate) fn seconds(value: &Value) -> Option<i64> {
    value.as_i64().filter(|seconds| (0..=253_402_300_799).contains(seconds))
}

/// A UUID in its one spelling: lower case, 36 characters.
fn message_id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (id.hyphenated().to_string() == text).then_some(id)
}

fn optional<T>(
    payload: &Map<String, Value>,
    name: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<Option<T>, Refusal> {
    payload.get(name).map(|value| read(value).ok_or(Refusal::BadClaim)).transpose()
}

fn subject(payload: &Map<String, Value>) -> Option<&str> {
    let subject = payload.get("sub_id")?.as_object()?;
    if subject.get("format")?.as_str()? != "opaque" {
        return None;
    }
    subject.get("id")?.as_str().filter(|id| (1..=MAX_ID).contains(&id.len()))
}

/// Exactly one event with an object for a body.
fn event(payload: &Map<String, Value>) -> Option<(&String, &Value)> {
    let events = payload.get("events")?.as_object()?;
    let mut members = events.iter();
    let (Some((name, body)), None) = (members.next(), members.next()) else {
        return None;
    };
    body.is_object().then_some((name, body))
}

/// `txn` and `sub_id` fit the event: the case twice, or on a heartbeat and its receipt no case and the stream.
fn check_subject(claims: &Claims, event_name: &str) -> Result<(), Refusal> {
    let case = claims.txn.as_deref() == Some(claims.sub_id.as_str());
    let stream = |sender: &str, receiver: &str| claims.txn.is_none() && claims.sub_id == stream_id(sender, receiver);
    let fits = match event_name {
        VERIFICATION => stream(&claims.iss, &claims.aud),
        // A receipt repeats the subject of what it answers, so a heartbeat's receipt names the stream towards its issuer.
        RECEIPT => (case || stream(&claims.aud, &claims.iss)) && claims.toe.is_some(),
        name if name.starts_with(NS) => case,
        // Not ours to judge: the next step refuses the event itself.
        _ => true,
    };
    if fits { Ok(()) } else { Err(Refusal::BadClaim) }
}
