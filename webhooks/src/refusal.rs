//! Every answer a node gives to a message it does not take (protocol §7): RFC 8935 error, our code, HTTP status and one
//! fixed sentence. No answer repeats input or tells internals.

/// Why a pushed message was refused. One variant per line of protocol §7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}", self.description())]
#[expect(missing_docs, reason = "each is described by its own sentence")]
pub enum Refusal {
    MethodNotAllowed,
    TooLarge,
    ContentEncoding,
    MediaType,
    RateLimited,
    MalformedToken,
    BadHeader,
    BadAlgorithm,
    BadType,
    UnknownIssuer,
    PeerNotActive,
    UnknownKey,
    KeyExpired,
    KeyRevoked,
    KeyNotYetValid,
    BadSignature,
    WrongAudience,
    BadClaim,
    IssuedInFuture,
    JtiConflict,
    UnknownEvent,
    BadEvent,
    SeqConflict,
    StorageFailed,
}

impl Refusal {
    /// Every refusal, in the order of the checks.
    pub const ALL: [Self; 24] = [
        Self::MethodNotAllowed,
        Self::TooLarge,
        Self::ContentEncoding,
        Self::MediaType,
        Self::RateLimited,
        Self::MalformedToken,
        Self::BadHeader,
        Self::BadAlgorithm,
        Self::BadType,
        Self::UnknownIssuer,
        Self::PeerNotActive,
        Self::UnknownKey,
        Self::KeyExpired,
        Self::KeyRevoked,
        Self::KeyNotYetValid,
        Self::BadSignature,
        Self::WrongAudience,
        Self::BadClaim,
        Self::IssuedInFuture,
        Self::JtiConflict,
        Self::UnknownEvent,
        Self::BadEvent,
        Self::SeqConflict,
        Self::StorageFailed,
    ];

    /// The RFC 8935 error; `None` where HTTP's own status says it all.
    #[must_use]
    pub const fn err(self) -> Option<PeerError> {
        match self {
            Self::MethodNotAllowed
            | Self::TooLarge
            | Self::ContentEncoding
            | Self::MediaType
            | Self::RateLimited
            | Self::StorageFailed => None,
            Self::MalformedToken
            | Self::BadHeader
            | Self::BadAlgorithm
            | Self::BadType
            | Self::BadClaim
            | Self::IssuedInFuture
            | Self::JtiConflict
            | Self::UnknownEvent
            | Self::BadEvent
            | Self::SeqConflict => Some(PeerError::InvalidRequest),
            Self::UnknownIssuer => Some(PeerError::InvalidIssuer),
            Self::PeerNotActive => Some(PeerError::AccessDenied),
            Self::UnknownKey | Self::KeyExpired | Self::KeyRevoked | Self::KeyNotYetValid | Self::BadSignature => {
                Some(PeerError::InvalidKey)
            }
            Self::WrongAudience => Some(PeerError::InvalidAudience),
        }
    }

    /// Our own code, for people and for a sender of the same make.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge => "too_large",
            Self::ContentEncoding => "content_encoding",
            Self::MediaType => "media_type",
            Self::RateLimited => "rate_limited",
            Self::MalformedToken => "malformed_token",
            Self::BadHeader => "bad_header",
            Self::BadAlgorithm => "bad_algorithm",
            Self::BadType => "bad_type",
            Self::UnknownIssuer => "unknown_issuer",
            Self::PeerNotActive => "peer_not_active",
            Self::UnknownKey => "unknown_key",
            Self::KeyExpired => "key_expired",
            Self::KeyRevoked => "key_revoked",
            Self::KeyNotYetValid => "key_not_yet_valid",
            Self::BadSignature => "bad_signature",
            Self::WrongAudience => "wrong_audience",
            Self::BadClaim => "bad_claim",
            Self::IssuedInFuture => "issued_in_future",
            Self::JtiConflict => "jti_conflict",
            Self::UnknownEvent => "unknown_event",
            Self::BadEvent => "bad_event",
            Self::SeqConflict => "seq_conflict",
            Self::StorageFailed => "storage_failed",
        }
    }

    /// The refusal with this code, as another node of the same make would write it.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.code() == code)
    }

    /// The HTTP status. 405 goes with `Allow: POST`, 429 and 503 with `Retry-After`.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::MethodNotAllowed => 405,
            Self::TooLarge => 413,
            Self::ContentEncoding | Self::MediaType => 415,
            Self::RateLimited => 429,
            Self::StorageFailed => 503,
            Self::MalformedToken
            | Self::BadHeader
            | Self::BadAlgorithm
            | Self::BadType
            | Self::UnknownIssuer
            | Self::PeerNotActive
            | Self::UnknownKey
            | Self::KeyExpired
            | Self::KeyRevoked
            | Self::KeyNotYetValid
            | Self::BadSignature
            | Self::WrongAudience
            | Self::BadClaim
            | Self::IssuedInFuture
            | Self::JtiConflict
            | Self::UnknownEvent
            | Self::BadEvent
            | Self::SeqConflict => 400,
        }
    }

    /// One fixed sentence (`Content-Language: en`).
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::MethodNotAllowed => "Only POST is accepted here.",
            Self::TooLarge => "The request is larger than 65536 octets.",
            Self::ContentEncoding => "Encoded content is not accepted.",
            Self::MediaType => "The media type is not application/secevent+jwt.",
            Self::RateLimited => "Too many requests; try again later.",
            Self::MalformedToken => "The token is not a compact signed token.",
            Self::BadHeader => "The token's header is not acceptable.",
            Self::BadAlgorithm => "The token's algorithm is not acceptable.",
            Self::BadType => "The token's type is not acceptable.",
            Self::UnknownIssuer => "The issuer is not known here.",
            Self::PeerNotActive => "The exchange with this issuer is not active.",
            Self::UnknownKey | Self::KeyExpired | Self::KeyRevoked | Self::KeyNotYetValid => {
                "The signing key is not acceptable."
            }
            Self::BadSignature => "The signature does not verify.",
            Self::WrongAudience => "The token is not addressed to this node alone.",
            Self::BadClaim => "A claim is missing or not acceptable.",
            Self::IssuedInFuture => "The token was issued in the future.",
            Self::JtiConflict => "Another message with this jti is already held.",
            Self::UnknownEvent => "The event is not known here.",
            Self::BadEvent => "The event's body does not fit its schema.",
            Self::SeqConflict => "Another message with this sequence number is already held.",
            Self::StorageFailed => "The message could not be stored; try again later.",
        }
    }

    /// The body of a 400 (RFC 8935 §2.3), `application/json`; `None` for the other statuses, which have none.
    #[must_use]
    pub fn json_body(self) -> Option<String> {
        // Fixed words without quotes or controls: nothing to escape.
        self.err().map(|err| {
            format!(r#"{{"err":"{}","description":"{}","code":"{}"}}"#, err.name(), self.description(), self.code())
        })
    }
}

/// The errors of the IANA list for security event delivery (RFC 8935 §2.4, §7.1) that this protocol uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the RFC")]
pub enum PeerError {
    InvalidRequest,
    InvalidKey,
    InvalidIssuer,
    InvalidAudience,
    AuthenticationFailed,
    AccessDenied,
}

impl PeerError {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidKey => "invalid_key",
            Self::InvalidIssuer => "invalid_issuer",
            Self::InvalidAudience => "invalid_audience",
            Self::AuthenticationFailed => "authentication_failed",
            Self::AccessDenied => "access_denied",
        }
    }

    /// The error of this name, if it is a known one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::InvalidRequest,
            Self::InvalidKey,
            Self::InvalidIssuer,
            Self::InvalidAudience,
            Self::AuthenticationFailed,
            Self::AccessDenied,
        ]
        .into_iter()
        .find(|error| error.name() == name)
    }
}
