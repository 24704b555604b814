//! Polling (RFC 8936, protocol §12): both halves, as plain functions over octets.
//!
//! A party that accepts no inbound connections asks for its messages instead. **Serving** is [`open_token`], the caller's
//! look at who asks, [`check_token`], [`PollRequest::parse`] and [`write_answer`]; that a token is used once is the caller's
//! store to say. **Asking** is [`make_token`], [`PollRequest::write`] and [`read_answer`]. What is handed over proves
//! nothing: a message ends with its signed receipt, which the poller pushes, and every message handed over passes all the
//! checks of a pushed one.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::jose::{self, CompactToken, TokenType};
use crate::keys::SigningKey;
use crate::manifest::KeyRefusal;
use crate::message::MAX_ID;
use crate::push::PeerKeys;
use crate::refusal::PeerError;
use crate::set;
use crate::strict_json::{self, Limits, WIRE};

/// The longest answer, in octets (protocol §20).
pub const MAX_ANSWER: usize = 1_048_576;
/// Messages in one answer unless the poller says otherwise (protocol §12).
pub const DEFAULT_EVENTS: u32 = 20;
/// The most messages in one answer (protocol §12).
pub const MAX_EVENTS: u32 = 100;
/// The longest that a poll waits for a message, in seconds (protocol §20).
pub const WAIT_SECONDS: u64 = 25;
/// Open polls of one peer at once (protocol §20).
pub const OPEN_MAX: u32 = 2;
/// For how long a token is good at most, in seconds (protocol §12).
pub const TOKEN_SECONDS: i64 = 300;
/// How far the two clocks may differ, in seconds: less than for messages (protocol §20).
pub const TOKEN_SKEW_SECONDS: i64 = 60;
/// For how long the id of a used token is remembered, in seconds (protocol §12).
pub const TOKEN_MEMORY_SECONDS: i64 = 600;
/// The media type of request and answer.
pub const MEDIA_TYPE: &str = "application/json";

/// Messages are long strings in an answer; everything else is as on the rest of the wire.
const ANSWER: Limits = Limits { string: jose::MAX_TOKEN, ..WIRE };

const _: () =
    assert!(TOKEN_MEMORY_SECONDS > TOKEN_SECONDS + 2 * TOKEN_SKEW_SECONDS, "a token is forgotten when it is dead");

/// Why a request or an answer can't be read. Carries no input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPoll(pub &'static str);

/// What a poller asks (RFC 8936 §2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollRequest {
    /// Messages to be handed over at most, 0 to [`MAX_EVENTS`].
    pub max_events: u32,
    /// Answer at once, with nothing if there is nothing.
    pub return_immediately: bool,
    /// Messages that the poller has stored. Not a proof.
    pub ack: Vec<Uuid>,
    /// Messages that it refuses, each with why.
    pub set_errs: Vec<(Uuid, PeerError)>,
}

impl Default for PollRequest {
    fn default() -> Self {
        Self { max_events: DEFAULT_EVENTS, return_immediately: false, ack: Vec::new(), set_errs: Vec::new() }
    }
}

impl PollRequest {
    /// Reads a request. `language` says whether it came with `Content-Language`, which refusals need. Ids that are no UUID
    /// are nobody's and passed over; a number of messages beyond the most is the most; an error that is not in the list
    /// of RFC 8935 is taken as `invalid_request`.
    ///
    /// # Errors
    /// [`BadPoll`].
    pub fn parse(body: &[u8], language: bool) -> Result<Self, BadPoll> {
        let members = strict_json::parse_object(body).map_err(|_| BadPoll("not one JSON object"))?;
        let max_events = match members.get("maxEvents") {
            None => DEFAULT_EVENTS,
            Some(number) => {
                let number = number.as_u64().ok_or(BadPoll("maxEvents is no whole number"))?;
                u32::try_from(number).unwrap_or(u32::MAX).min(MAX_EVENTS)
            }
        };
        let return_immediately = match members.get("returnImmediately") {
            None => false,
            Some(flag) => flag.as_bool().ok_or(BadPoll("returnImmediately is no truth value"))?,
        };
        let ack = match members.get("ack") {
            None => Vec::new(),
            Some(list) => {
                let list = list.as_array().ok_or(BadPoll("ack is no array"))?;
                let ids = list.iter().map(|id| id.as_str().ok_or(BadPoll("an id in ack is no string")));
                ids.collect::<Result<Vec<_>, _>>()?.into_iter().filter_map(message_id).collect()
            }
        };
        let set_errs = match members.get("setErrs") {
            None => Vec::new(),
            Some(errors) => {
                let errors = errors.as_object().ok_or(BadPoll("setErrs is no object"))?;
                if !errors.is_empty() && !language {
                    return Err(BadPoll("setErrs without Content-Language"));
                }
                refusals(errors)?
            }
        };
        Ok(Self { max_events, return_immediately, ack, set_errs })
    }

    /// The body of a request.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let errors: Map<String, Value> = self
            .set_errs
            .iter()
            .map(|(id, err)| (id.to_string(), json!({ "err": err.name(), "description": described(*err) })))
            .collect();
        let mut body = Map::new();
        body.insert("maxEvents".to_owned(), self.max_events.into());
        body.insert("returnImmediately".to_owned(), self.return_immediately.into());
        if !self.ack.is_empty() {
            body.insert("ack".to_owned(), self.ack.iter().map(Uuid::to_string).collect());
        }
        if !errors.is_empty() {
            body.insert("setErrs".to_owned(), errors.into());
        }
        Value::Object(body).to_string().into_bytes()
    }
}

fn message_id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (id.hyphenated().to_string() == text).then_some(id)
}

fn refusals(errors: &Map<String, Value>) -> Result<Vec<(Uuid, PeerError)>, BadPoll> {
    // Bounded like every list of the wire, though it is written as an object.
    if errors.len() > WIRE.array {
        return Err(BadPoll("too many refusals in setErrs"));
    }
    let mut read = Vec::with_capacity(errors.len());
    for (id, error) in errors {
        let err = error.get("err").and_then(Value::as_str).ok_or(BadPoll("a refusal without err"))?;
        if let Some(id) = message_id(id) {
            read.push((id, PeerError::from_name(err).unwrap_or(PeerError::InvalidRequest)));
        }
    }
    Ok(read)
}

/// One fixed sentence for a refusal: no echo of the message refused.
const fn described(err: PeerError) -> &'static str {
    match err {
        PeerError::InvalidRequest => "The message is not acceptable.",
        PeerError::InvalidKey => "The signing key is not acceptable.",
        PeerError::InvalidIssuer => "The issuer is not known here.",
        PeerError::InvalidAudience => "The token is not addressed to this node alone.",
        PeerError::AuthenticationFailed => "The message could not be authenticated.",
        PeerError::AccessDenied => "The exchange with this issuer is not active.",
    }
}

/// The body of an answer: messages by id, in the order given, as far as [`MAX_ANSWER`] allows. `more` says that others
/// wait; so does a message that had no room.
#[must_use]
pub fn write_answer(sets: &[(Uuid, String)], more: bool) -> String {
    // Written by hand: an object of JSON keeps no order, and the lowest number goes first.
    const AROUND: usize = r#"{"sets":{},"moreAvailable":false}"#.len();
    let mut body = String::from(r#"{"sets":{"#);
    let mut more = more;
    for (id, token) in sets {
        // Tokens and ids need no escaping.
        let one = format!(r#""{}":"{token}""#, id.hyphenated());
        if body.len().saturating_add(one.len()).saturating_add(AROUND) > MAX_ANSWER {
            more = true;
            break;
        }
        if !body.ends_with('{') {
            body.push(',');
        }
        body.push_str(&one);
    }
    body.push_str(&format!(r#"}},"moreAvailable":{more}}}"#));
    body
}

/// What came of a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollAnswer {
    /// Messages by id, in the order of the numbers that they state: what is said about a case comes after its first word.
    /// Nothing in them is believed yet.
    pub sets: Vec<(Uuid, String)>,
    /// Others wait.
    pub more: bool,
}

/// Reads an answer (RFC 8936 §2.3). A message whose id is no UUID can't be one of a peer's and is left out.
///
/// # Errors
/// [`BadPoll`]; more than [`MAX_EVENTS`] messages are no answer to anything we ask.
pub fn read_answer(body: &[u8]) -> Result<PollAnswer, BadPoll> {
    const NO_ANSWER: BadPoll = BadPoll("not an answer to a poll");
    let Ok(Value::Object(members)) = strict_json::parse(body, ANSWER) else { return Err(NO_ANSWER) };
    let sets = members.get("sets").and_then(Value::as_object).ok_or(NO_ANSWER)?;
    if u32::try_from(sets.len()).is_ok_and(|count| count <= MAX_EVENTS) {
        let mut read = Vec::with_capacity(sets.len());
        for (id, token) in sets {
            let token = token.as_str().ok_or(NO_ANSWER)?;
            read.extend(message_id(id).map(|id| (id, token.to_owned())));
        }
        // An object has no order.
        read.sort_by_cached_key(|(_, token)| stated_number(token).unwrap_or(u64::MAX));
        let more = members.get("moreAvailable").and_then(Value::as_bool).unwrap_or_default();
        return Ok(PollAnswer { sets: read, more });
    }
    Err(NO_ANSWER)
}

/// The number that a message states for itself, if it can be read.
fn stated_number(token: &str) -> Option<u64> {
    let payload = CompactToken::parse(token.as_bytes(), TokenType::Set).ok()?.payload_object().ok()?;
    payload.get("events")?.as_object()?.values().next()?.get("seq")?.as_u64()
}

/// Why a poll token is not good. All are a 401; the difference is for our own people, and [`TokenFault::UnknownKey`] is
/// worth a look at the peer's manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// No `Authorization: Bearer`.
    #[error("there is no bearer token")]
    Missing,
    /// Not a signed token of the right type (protocol §4).
    #[error("the token is no poll token")]
    Form,
    /// The key is not in the peer's manifest.
    #[error("the key is not known")]
    UnknownKey,
    /// The key is revoked, expired, or not valid yet.
    #[error("the key is not acceptable")]
    Key,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
    /// Another address than our poll endpoint.
    #[error("the token is for another address")]
    Audience,
    /// Past its end.
    #[error("the token has expired")]
    Expired,
    /// Made in the future.
    #[error("the token is from the future")]
    FromFuture,
    /// Good for longer than a token may be, or a claim is missing or no claim.
    #[error("a claim of the token is not acceptable")]
    Claims,
}

/// A poll token whose form passed. Nothing in it is believed yet.
#[derive(Debug, Clone)]
pub struct OpenedToken {
    token: CompactToken,
    payload: Map<String, Value>,
    iss: String,
}

impl OpenedToken {
    /// Whose keys to look at.
    #[must_use]
    pub fn iss(&self) -> &str {
        &self.iss
    }
}

/// What a good poll token says. Made by [`check_token`] only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollCaller {
    jti: String,
}

impl PollCaller {
    /// The token's id, 1 to 255 octets. Good once.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }
}

/// A poll token of this issuer for the poll endpoint at `url`, made at `now` (unix seconds), good for [`TOKEN_SECONDS`].
/// `jti` is fresh.
#[must_use]
pub fn make_token(key: &SigningKey, issuer: &str, url: &str, now: i64, jti: Uuid) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let payload = format!(
        r#"{{"iss":{},"aud":{},"iat":{now},"exp":{},"jti":"{}"}}"#,
        quoted(issuer),
        quoted(url),
        now.saturating_add(TOKEN_SECONDS),
        jti.hyphenated()
    );
    jose::sign(TokenType::PollToken, key, payload.as_bytes())
}

/// Reads the header `Authorization`: scheme `Bearer` in any case (RFC 6750 §2.1), then a poll token that names an issuer.
///
/// # Errors
/// [`TokenFault::Missing`] or [`TokenFault::Form`].
pub fn open_token(authorization: Option<&str>) -> Result<OpenedToken, TokenFault> {
    let (scheme, token) = authorization.and_then(|value| value.split_once(' ')).ok_or(TokenFault::Missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(TokenFault::Missing);
    }
    let token = CompactToken::parse(token.as_bytes(), TokenType::PollToken).map_err(|_| TokenFault::Form)?;
    let payload = token.payload_object().map_err(|_| TokenFault::Form)?;
    let iss = set::issuer_of(&payload).map_err(|_| TokenFault::Form)?.to_owned();
    Ok(OpenedToken { token, payload, iss })
}

/// Checks a poll token under the keys of the peer that it names, for our poll endpoint at `url`, at `now` (unix seconds).
/// Whether its id was used before is the caller's to say. On [`TokenFault::UnknownKey`] the caller may fetch the peer's
/// manifest once and ask again.
///
/// # Errors
/// [`TokenFault`], the first rule broken.
pub fn check_token(opened: &OpenedToken, peer: &PeerKeys<'_>, url: &str, now: i64) -> Result<PollCaller, TokenFault> {
    // The caller looked the peer up by the issuer named; a mix-up there must not lend one peer's keys to another.
    if opened.iss != peer.issuer || peer.manifest.iss != peer.issuer {
        return Err(TokenFault::UnknownKey);
    }
    let key = peer.manifest.key_for_set(opened.token.kid(), now).map_err(|refusal| match refusal {
        KeyRefusal::UnknownKey => TokenFault::UnknownKey,
        KeyRefusal::KeyExpired | KeyRefusal::KeyRevoked | KeyRefusal::KeyNotYetValid => TokenFault::Key,
    })?;
    jose::verify(&opened.token, key).map_err(|_| TokenFault::Signature)?;
    if set::audience(&opened.payload) != Some(url) {
        return Err(TokenFault::Audience);
    }
    let instant = |name: &str| opened.payload.get(name).and_then(set::seconds).ok_or(TokenFault::Claims);
    let (iat, exp) = (instant("iat")?, instant("exp")?);
    let jti = opened.payload.get("jti").and_then(Value::as_str).filter(|jti| (1..=MAX_ID).contains(&jti.len()));
    let jti = jti.ok_or(TokenFault::Claims)?.to_owned();
    if iat > now.saturating_add(TOKEN_SKEW_SECONDS) {
        return Err(TokenFault::FromFuture);
    }
    if exp <= iat || exp > iat.saturating_add(TOKEN_SECONDS) {
        return Err(TokenFault::Claims);
    }
    if exp < now.saturating_sub(TOKEN_SKEW_SECONDS) {
        return Err(TokenFault::Expired);
    }
    Ok(PollCaller { jti })
}
