//! The seam between deciding to send and sending: a parcel in, an outcome out.
//!
//! Everything above works with [`Carrier`]; the real one is [`crate::http::ReqwestCarrier`], and a simulated network is
//! another. No outcome ever holds a resolved address or a response body in a text meant for people.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use chrono::DateTime;

use crate::address_guard::Cidr;
use crate::target::{BadTarget, Target, judge};

/// Carries parcels.
pub trait Carrier: Send + Sync {
    /// Tries once, within the carrier's time limits, and says what came of it. Never retries, never follows.
    fn carry<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

    /// What is wrong with an address that a person typed. A carrier without names says what the address itself tells.
    fn examine<'a>(&'a self, target: &'a Target) -> Pin<Box<dyn Future<Output = Result<(), BadTarget>> + Send + 'a>> {
        Box::pin(async move { judge(target, false).map(|_| ()) })
    }
}

/// One request.
#[derive(Clone, PartialEq, Eq)]
pub struct Parcel {
    /// `GET` or `POST`.
    pub method: Method,
    /// Absolute URL from the partner's pinned card or settings.
    pub url: String,
    /// Media type of the body, if there is one.
    pub media_type: Option<&'static str>,
    /// The octets to send; empty for `GET`.
    pub body: Vec<u8>,
    /// Media type asked for.
    pub accept: &'static str,
    /// Further headers, by lower-case name.
    pub headers: Vec<(&'static str, String)>,
    /// Address ranges the administrator allowed for this partner although they are not public.
    pub exceptions: Vec<Cidr>,
    /// A port other than 443 the administrator allowed for this partner.
    pub allowed_port: Option<u16>,
    /// What the parcel is for; sets how much answer is read.
    pub kind: ParcelKind,
}

impl fmt::Debug for Parcel {
    // Bodies are tokens, and tokens are not logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parcel")
            .field("method", &self.method)
            .field("kind", &self.kind)
            .field("octets", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Get,
    Post,
}

/// What a parcel is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParcelKind {
    /// A message to a peer's push endpoint.
    Push,
    /// Our own key manifest to a peer's `/ssf/keys`.
    KeysPost,
    /// A peer's key manifest from its pinned URL.
    ManifestFetch,
    /// A peer's party card from its issuer.
    CardFetch,
    /// A Standard Webhook to a party without a node, or to an integration of our own.
    Webhook,
    /// Asking a peer for what it has for us (protocol §12).
    Poll,
}

impl ParcelKind {
    /// The most octets of answer read (protocol §20).
    #[must_use]
    pub const fn response_limit(self) -> usize {
        match self {
            Self::Push | Self::KeysPost | Self::Webhook => 16_384,
            Self::ManifestFetch | Self::CardFetch => 65_536,
            Self::Poll => 1_048_576,
        }
    }

    /// Whether an answer says enough by its status where its body is too long: what is sent expects a receipt,
    /// what is fetched expects the body.
    pub(crate) const fn status_suffices(self) -> bool {
        match self {
            Self::Push | Self::KeysPost | Self::Webhook => true,
            Self::ManifestFetch | Self::CardFetch | Self::Poll => false,
        }
    }
}

impl Parcel {
    /// A message to a peer.
    #[must_use]
    pub fn push(url: &str, token: &str) -> Self {
        Self {
            method: Method::Post,
            url: url.to_owned(),
            media_type: Some(crate::push::MEDIA_TYPE),
            body: token.as_bytes().to_vec(),
            accept: "application/json",
            headers: Vec::new(),
            exceptions: Vec::new(),
            allowed_port: None,
            kind: ParcelKind::Push,
        }
    }

    /// Our own manifest to a peer.
    #[must_use]
    pub fn keys_post(url: &str, manifest: &str) -> Self {
        Self { media_type: Some(MANIFEST_MEDIA_TYPE), kind: ParcelKind::KeysPost, ..Self::push(url, manifest) }
    }

    /// A peer's manifest.
    #[must_use]
    pub fn manifest_fetch(url: &str) -> Self {
        Self {
            method: Method::Get,
            media_type: None,
            accept: MANIFEST_MEDIA_TYPE,
            kind: ParcelKind::ManifestFetch,
            ..Self::push(url, "")
        }
    }

    /// A peer's party card, for a later version of it.
    #[must_use]
    pub fn card_fetch(url: &str) -> Self {
        Self { accept: CARD_MEDIA_TYPE, kind: ParcelKind::CardFetch, ..Self::manifest_fetch(url) }
    }

    /// A Standard Webhook, with its signed headers.
    #[must_use]
    pub fn webhook(url: &str, body: Vec<u8>, headers: Vec<(&'static str, String)>) -> Self {
        Self {
            media_type: Some("application/json"),
            body,
            accept: "*/*",
            headers,
            kind: ParcelKind::Webhook,
            ..Self::push(url, "")
        }
    }

    /// The same parcel under what the administrator allowed for this partner.
    #[must_use]
    pub fn allowing(self, exceptions: Vec<Cidr>, allowed_port: Option<u16>) -> Self {
        Self { exceptions, allowed_port, ..self }
    }
}

/// The media type of a party card.
pub const CARD_MEDIA_TYPE: &str = "application/party-card+jwt";

/// The media type of a key manifest.
pub const MANIFEST_MEDIA_TYPE: &str = "application/jwk-set+jwt";

/// What came of a parcel.
#[derive(Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A server answered.
    Answered {
        /// HTTP status.
        status: u16,
        /// The one `Security-Event-Receipt` header, if there was exactly one.
        receipt_header: Option<String>,
        /// `Retry-After`, if it could be read.
        retry_after: Option<RetryAfter>,
        /// `Date` in unix seconds, if it could be read: for estimating clock skew.
        date: Option<i64>,
        /// The body, within the limit of its kind.
        body: Vec<u8>,
    },
    /// No usable answer.
    NotReached {
        /// Why.
        class: NotReached,
        /// One fixed sentence for people.
        detail: &'static str,
    },
}

impl Outcome {
    /// No usable answer, with the sentence of its class.
    #[must_use]
    pub const fn not_reached(class: NotReached) -> Self {
        Self::NotReached { class, detail: class.detail() }
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { status, body, .. } => {
                f.debug_struct("Answered").field("status", status).field("octets", &body.len()).finish_non_exhaustive()
            }
            Self::NotReached { class, .. } => f.debug_tuple("NotReached").field(class).finish(),
        }
    }
}

/// Why there was no usable answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotReached {
    /// The name has no address.
    Dns,
    /// Nobody listens there, or the connection was cut.
    Refused,
    /// No secure connection.
    Tls,
    /// Too slow.
    Timeout,
    /// An address this node must not call, or a URL it must not use (protocol §17).
    AddressForbidden,
    /// More than is read.
    ResponseTooLarge,
    /// Anything else.
    Other,
}

impl NotReached {
    /// One fixed sentence for people.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Dns => "The partner's name could not be resolved.",
            Self::Refused => "The partner's node did not take the connection or cut it.",
            Self::Tls => "No secure connection could be made.",
            Self::Timeout => "The partner's node did not answer in time.",
            Self::AddressForbidden => "The address is not one this node may call.",
            Self::ResponseTooLarge => "The answer was larger than is read.",
            Self::Other => "The request failed.",
        }
    }
}

/// When a server wants to be asked again (RFC 9110 §10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// After so many seconds.
    Seconds(u32),
    /// At this moment, in unix seconds.
    At(i64),
}

impl RetryAfter {
    /// Reads the header's value: decimal seconds or an HTTP date.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        if !value.is_empty() && value.bytes().all(|c| c.is_ascii_digit()) {
            // More seconds than fit are all the same: the caller honours an hour at most.
            return Some(Self::Seconds(value.parse().unwrap_or(u32::MAX)));
        }
        http_date(value).map(Self::At)
    }
}

/// An HTTP date (RFC 9110 §5.6.7, the form to be generated) in unix seconds.
#[must_use]
pub fn http_date(value: &str) -> Option<i64> {
    DateTime::parse_from_rfc2822(value.trim()).ok().map(|date| date.timestamp())
}

#[cfg(test)]
mod tests {
    use super::{RetryAfter, http_date};

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(RetryAfter::parse("120"), Some(RetryAfter::Seconds(120)));
        assert_eq!(RetryAfter::parse("99999999999999"), Some(RetryAfter::Seconds(u32::MAX)));
        assert_eq!(RetryAfter::parse("Sun, 06 Nov 1994 08:49:37 GMT"), Some(RetryAfter::At(784_111_777)));
        for bad in ["", "-1", "1.5", "soon", "1 2"] {
            assert_eq!(RetryAfter::parse(bad), None, "{bad}");
        }
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
    }
}
