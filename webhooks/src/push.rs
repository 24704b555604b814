//! Push delivery (RFC 8935): both halves, as plain functions over octets.
//!
//! **Receiving** follows the table of protocol §7 in its order; the first failure answers. The caller's own checks stand
//! between the functions: [`check_request`] (1-4), the address's rate (5), [`open`] (6-7), issuer known and active (7-8),
//! [`verify`] (9-13, 15, 16), then what only a store can know (14, 17, 18). **Sending** is [`classify`]: what an answer means.

use serde_json::{Map, Value};

use crate::carrier::{NotReached, Outcome};
use crate::jose::{CompactToken, TokenError, TokenType, Verified};
use crate::manifest::{KeyRefusal, Manifest};
use crate::message::{Event, EventError};
use crate::refusal::{PeerError, Refusal};
use crate::set::{self, Checked, Claims};
use crate::strict_json;
use crate::values::Digest;

/// The longest body of a request to any door, in octets (protocol §7 step 2, §20).
pub const MAX_BODY: u64 = 65_536;
/// The media type of a message.
pub const MEDIA_TYPE: &str = "application/secevent+jwt";
/// The header a receipt rides in.
pub const RECEIPT_HEADER: &str = "Security-Event-Receipt";

/// Steps 1 to 4: method, declared length, encoding, media type: [`MEDIA_TYPE`] for a push, another one's at another door. A
/// body of undeclared length is counted by the caller and refused with [`Refusal::TooLarge`] as it passes [`MAX_BODY`].
///
/// # Errors
/// The first check that fails.
pub fn check_request(
    wanted: &str,
    method: &str,
    content_type: Option<&str>,
    content_encoding: Option<&str>,
    length: Option<u64>,
) -> Result<(), Refusal> {
    if method != "POST" {
        return Err(Refusal::MethodNotAllowed);
    }
    if length.is_some_and(|length| length > MAX_BODY) {
        return Err(Refusal::TooLarge);
    }
    if content_encoding.is_some() {
        return Err(Refusal::ContentEncoding);
    }
    let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(wanted) { Ok(()) } else { Err(Refusal::MediaType) }
}

/// A message whose form passed and whose issuer can be looked up. Nothing in it is believed yet.
#[derive(Debug, Clone)]
pub struct Opened {
    token: CompactToken,
    payload: Map<String, Value>,
    iss: String,
}

impl Opened {
    /// Whose keys to look at.
    #[must_use]
    pub fn iss(&self) -> &str {
        &self.iss
    }

    /// Which of them.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.token.kid()
    }

    /// Whether the payload names a heartbeat or a receipt: all that a peer not yet active may send (step 8). The word of
    /// an unverified message, good for refusing only; [`verify`] reads the event again.
    #[must_use]
    pub fn claims_heartbeat_or_receipt(&self) -> bool {
        use crate::message::{RECEIPT, VERIFICATION};
        self.payload.get("events").and_then(Value::as_object).is_some_and(|events| {
            !events.is_empty() && events.keys().all(|name| name == VERIFICATION || name == RECEIPT)
        })
    }
}

/// Steps 6 and 7: token form and header; the payload parses and names an issuer. Whether that issuer is a known and active
/// peer is the caller's to say.
///
/// # Errors
/// [`Refusal::MalformedToken`], [`Refusal::BadHeader`], [`Refusal::BadAlgorithm`], [`Refusal::BadType`], or
/// [`Refusal::UnknownIssuer`] when the payload cannot be read, because then nobody is known to have sent it.
pub fn open(token: &[u8]) -> Result<Opened, Refusal> {
    let token = CompactToken::parse(token, TokenType::Set).map_err(Refusal::from)?;
    let payload = strict_json::parse_object(token.payload()).map_err(|_| Refusal::UnknownIssuer)?;
    let iss = set::issuer_of(&payload)?.to_owned();
    Ok(Opened { token, payload, iss })
}

/// What is pinned for the peer a message names.
#[derive(Debug, Clone, Copy)]
pub struct PeerKeys<'a> {
    /// The peer's issuer.
    pub issuer: &'a str,
    /// Its manifest as last taken in.
    pub manifest: &'a Manifest,
}

/// A message proven to be the peer's, addressed to us, with acceptable claims. Its event may still be unknown or broken.
/// Made by [`verify`] only.
#[derive(Debug, Clone)]
pub struct AuthenticSet(Verified<Checked>);

impl AuthenticSet {
    /// The claims.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.0.get().claims
    }

    /// The event's full name as it came.
    #[must_use]
    pub fn event_name(&self) -> &str {
        &self.0.get().event_name
    }

    /// SHA-256 of the payload octets.
    #[must_use]
    pub const fn payload_sha256(&self) -> Digest {
        self.0.payload_sha256()
    }

    /// SHA-256 of the whole token.
    #[must_use]
    pub fn set_sha256(&self) -> Digest {
        self.0.token_sha256()
    }

    /// The compact token as it came.
    #[must_use]
    pub fn octets(&self) -> &str {
        self.0.octets()
    }

    /// The key that signed.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.0.kid()
    }
}

/// A message that passed every check this crate can make. Made by [`verify`] only.
#[derive(Debug, Clone)]
pub struct VerifiedSet {
    authentic: AuthenticSet,
    event: Event,
}

impl VerifiedSet {
    /// The claims.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        self.authentic.claims()
    }

    /// The event.
    #[must_use]
    pub const fn event(&self) -> &Event {
        &self.event
    }

    /// SHA-256 of the payload octets.
    #[must_use]
    pub const fn payload_sha256(&self) -> Digest {
        self.authentic.payload_sha256()
    }

    /// SHA-256 of the whole token.
    #[must_use]
    pub fn set_sha256(&self) -> Digest {
        self.authentic.set_sha256()
    }

    /// The compact token as it came: the evidence.
    #[must_use]
    pub fn octets(&self) -> &str {
        self.authentic.octets()
    }

    /// The key that signed.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.authentic.kid()
    }
}

/// A refusal after opening. Where the message is authentic all the same, it comes along: for step 14, which stands before
/// 15 and 16, and for the quarantine.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// The answer.
    pub refusal: Refusal,
    /// The message, if only its event was refused ([`Refusal::UnknownEvent`], [`Refusal::BadEvent`]).
    pub authentic: Option<Box<AuthenticSet>>,
    /// Which rule of the event's schema was broken, in fixed words, for our own people.
    pub rule: Option<&'static str>,
}

impl From<Refusal> for Rejected {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, authentic: None, rule: None }
    }
}

/// Steps 9 to 13, 15 and 16, in this order, for a message that arrived at `now` (unix seconds). On
/// [`Refusal::UnknownKey`] the caller may fetch the peer's manifest once and call again.
///
/// # Errors
/// [`Rejected`] with the first check that fails.
pub fn verify(opened: &Opened, peer: &PeerKeys<'_>, own_issuer: &str, now: i64) -> Result<VerifiedSet, Box<Rejected>> {
    let authentic = authenticate(opened, peer, own_issuer, now).map_err(|refusal| Box::new(Rejected::from(refusal)))?;
    let checked = authentic.0.get();
    let event = Event::parse(&checked.event_name, &checked.event_body)
        .and_then(|event| event.fits(checked.claims.iat).map(|()| event));
    let (refusal, rule) = match event {
        Ok(event) => return Ok(VerifiedSet { authentic, event }),
        Err(EventError::Unknown) => (Refusal::UnknownEvent, None),
        Err(EventError::Bad(rule)) => (Refusal::BadEvent, Some(rule)),
    };
    Err(Box::new(Rejected { refusal, authentic: Some(Box::new(authentic)), rule }))
}

fn authenticate(opened: &Opened, peer: &PeerKeys<'_>, own_issuer: &str, now: i64) -> Result<AuthenticSet, Refusal> {
    // The caller looked the peer up by the issuer named; a mix-up there must not lend one peer's keys to another.
    if opened.iss != peer.issuer || peer.manifest.iss != peer.issuer {
        return Err(Refusal::UnknownIssuer);
    }
    let key = peer.manifest.key_for_set(opened.kid(), now).map_err(Refusal::from)?;
    let proven = opened.token.vouch(key, ()).map_err(|_| Refusal::BadSignature)?;
    proven.try_map(|()| set::check_claims(&opened.payload, own_issuer, now)).map(AuthenticSet)
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Malformed => Self::MalformedToken,
            TokenError::BadHeader => Self::BadHeader,
            TokenError::BadAlgorithm => Self::BadAlgorithm,
            TokenError::BadType => Self::BadType,
        }
    }
}

impl From<KeyRefusal> for Refusal {
    fn from(refusal: KeyRefusal) -> Self {
        match refusal {
            KeyRefusal::UnknownKey => Self::UnknownKey,
            KeyRefusal::KeyExpired => Self::KeyExpired,
            KeyRefusal::KeyRevoked => Self::KeyRevoked,
            KeyRefusal::KeyNotYetValid => Self::KeyNotYetValid,
        }
    }
}

/// What came back from a push, by the table of protocol §9. What to do about it is the delivery engine's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 2xx with a receipt, still to be checked by [`crate::receipt::check_receipt`].
    Receipt(String),
    /// 2xx without one: nothing is proven.
    Unconfirmed,
    /// Not reached, 408, 425, 429 or any 5xx: try again later.
    Retryable,
    /// 3xx: never followed; somebody must look.
    Redirected,
    /// 401, 403, 404, 405, 410, 421, 451: a wrong address, or something in between.
    WrongAddress,
    /// 400 with a known JSON `err`: the peer's own word. The only answer an item may be parked on.
    Refused(PeerRefusal),
    /// 400 without a known `err`, 413, 415, any other status: probably something in between.
    Intermediary,
}

/// A peer's refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerRefusal {
    /// The RFC 8935 error.
    pub err: PeerError,
    /// The code, if it is one we know. Other codes are dropped: they are foreign text.
    pub code: Option<Refusal>,
}

/// What an outcome means (protocol §9).
#[must_use]
pub fn classify(outcome: &Outcome) -> Answer {
    match outcome {
        Outcome::NotReached { class, .. } => match class {
            NotReached::Dns
            | NotReached::Refused
            | NotReached::Tls
            | NotReached::Timeout
            | NotReached::AddressForbidden
            | NotReached::ResponseTooLarge
            | NotReached::Other => Answer::Retryable,
        },
        Outcome::Answered { status, receipt_header, body, .. } => {
            classify_answer(*status, receipt_header.as_deref(), body)
        }
    }
}

fn classify_answer(status: u16, receipt: Option<&str>, body: &[u8]) -> Answer {
    match status {
        200..=299 => receipt.map_or(Answer::Unconfirmed, |token| Answer::Receipt(token.to_owned())),
        300..=399 => Answer::Redirected,
        400 => parse_error(body).map_or(Answer::Intermediary, Answer::Refused),
        401 | 403 | 404 | 405 | 410 | 421 | 451 => Answer::WrongAddress,
        408 | 425 | 429 | 500..=599 => Answer::Retryable,
        _ => Answer::Intermediary,
    }
}

/// Reads the body of a 400 (RFC 8935 §2.3). `None` unless it is one JSON object with a known `err`.
#[must_use]
pub fn parse_error(body: &[u8]) -> Option<PeerRefusal> {
    let members = strict_json::parse_object(body).ok()?;
    let word = |name: &str| members.get(name).and_then(Value::as_str);
    Some(PeerRefusal { err: PeerError::from_name(word("err")?)?, code: word("code").and_then(Refusal::from_code) })
}
