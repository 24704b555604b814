//! Small values that every rule speaks in: parsed once at the border, valid ever after.
//!
//! Each type has one constructor that parses and no setter. Their serde form is the form in events, which is a
//! frozen file format: a [`Moment`] is RFC 3339 UTC text, an id is lower-case UUID text.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, TimeZone, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub mod hidden;
mod text;

pub use self::text::{Line, LongText, Text, Title};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_HOUR: i64 = 3_600;

/// Why a text could not become a value. The text itself is never repeated: it may hold personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Nothing, or only white space, was given.
    #[error("it is empty")]
    Empty,
    /// More characters than allowed.
    #[error("it is longer than {max} characters")]
    TooLong {
        /// The largest allowed number of characters.
        max: usize,
    },
    /// A control character other than a line break or a tab.
    #[error("it holds a control character")]
    ControlCharacter,
    /// A character that nobody sees, or that turns the text around it.
    #[error("it holds a character that can\u{2019}t be seen or that turns text around; type it again without")]
    HiddenCharacter,
    /// Not an RFC 3339 instant between the years 1970 and 9999.
    #[error("it is not an RFC 3339 instant")]
    NotAnInstant,
    /// Not a UUID.
    #[error("it is not a UUID")]
    NotAnId,
    /// A number outside its range.
    #[error("it is not between {min} and {max}")]
    OutOfRange {
        /// The smallest allowed value.
        min: i64,
        /// The largest allowed value.
        max: i64,
    },
    /// Not one of the listed options.
    #[error("it is not one of the options")]
    NotAnOption,
}

/// An instant: UTC, whole microseconds, between 1970 and 9999. Both databases give back exactly what they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    const MAX_MICROS: i64 = 253_402_300_799_999_999;
    /// 1970-01-01T00:00:00Z: for what nobody dated.
    pub const EPOCH: Self = Self(0);

    /// From microseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`ValueError::OutOfRange`] before 1970 or after 9999.
    pub fn from_micros(micros: i64) -> Result<Self, ValueError> {
        if (0..=Self::MAX_MICROS).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(ValueError::OutOfRange { min: 0, max: Self::MAX_MICROS })
        }
    }

    /// From whole seconds since 1970.
    ///
    /// # Errors
    /// [`ValueError::OutOfRange`] before 1970 or after 9999.
    pub fn from_unix_seconds(seconds: i64) -> Result<Self, ValueError> {
        Self::from_micros(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// From an RFC 3339 text with any offset.
    ///
    /// # Errors
    /// [`ValueError::NotAnInstant`] if it is none; a fraction beyond microseconds is cut.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let parsed = DateTime::parse_from_rfc3339(text).map_err(|_| ValueError::NotAnInstant)?;
        Self::from_micros(parsed.timestamp_micros()).map_err(|_| ValueError::NotAnInstant)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, the fraction dropped.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0 / MICROS_PER_SECOND
    }

    /// Whole seconds since 1970, rounded up: the form of `toe` on the wire, which never claims an earlier instant.
    #[must_use]
    pub const fn unix_seconds_up(self) -> i64 {
        (self.0 + MICROS_PER_SECOND - 1) / MICROS_PER_SECOND
    }

    /// The same instant with the fraction of the second dropped.
    #[must_use]
    pub const fn floor_second(self) -> Self {
        Self(self.0 - self.0 % MICROS_PER_SECOND)
    }

    /// The same instant floored to the minute.
    #[must_use]
    pub const fn floor_minute(self) -> Self {
        Self(self.0 - self.0 % (60 * MICROS_PER_SECOND))
    }

    /// The start of the next full hour, also when the instant is exactly on one (Regulation 1182/71, Article 3(1):
    /// the hour in which the event falls is not counted).
    #[must_use]
    pub const fn next_full_hour(self) -> Self {
        let hour = SECONDS_PER_HOUR * MICROS_PER_SECOND;
        Self(self.0 - self.0 % hour + hour)
    }

    /// Later (or, for a negative number, earlier) by elapsed seconds; held inside the allowed range.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        let micros = self.0.saturating_add(seconds.saturating_mul(MICROS_PER_SECOND));
        Self(micros.clamp(0, Self::MAX_MICROS))
    }

    /// Later by elapsed hours.
    #[must_use]
    pub fn plus_hours(self, hours: Hours) -> Self {
        self.plus_seconds(i64::from(hours.get()) * SECONDS_PER_HOUR)
    }

    /// Elapsed whole seconds from `earlier` to this instant; negative when `earlier` is later.
    #[must_use]
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).div_euclid(MICROS_PER_SECOND)
    }

    /// As a chrono instant, for display in a zone.
    #[must_use]
    pub fn to_chrono(self) -> DateTime<Utc> {
        Utc.timestamp_micros(self.0).single().unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// RFC 3339, UTC, whole seconds: the form inside event bodies on the wire.
    #[must_use]
    pub fn to_wire(self) -> String {
        self.to_chrono().to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_chrono().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// A length of time in whole hours, 1 to 8784 (a leap year).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Hours(u16);

impl Hours {
    const MAX: u16 = 8_784;
    /// The shortest there are. Stands where the data should name a length and does not, to err on the early side.
    pub const SHORTEST: Self = Self(1);

    /// # Errors
    /// [`ValueError::OutOfRange`] outside 1 to 8784.
    pub fn new(hours: u16) -> Result<Self, ValueError> {
        if (1..=Self::MAX).contains(&hours) {
            Ok(Self(hours))
        } else {
            Err(ValueError::OutOfRange { min: 1, max: i64::from(Self::MAX) })
        }
    }

    /// The fewest hours that cover a length of time in seconds, within the range.
    #[must_use]
    pub fn covering(seconds: i64) -> Self {
        let hours = seconds.clamp(1, i64::from(Self::MAX) * SECONDS_PER_HOUR).saturating_add(SECONDS_PER_HOUR - 1);
        Self(u16::try_from(hours / SECONDS_PER_HOUR).unwrap_or(Self::MAX))
    }

    /// The number of hours.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Hours {
    type Error = ValueError;
    fn try_from(hours: u16) -> Result<Self, ValueError> {
        Self::new(hours)
    }
}

impl From<Hours> for u16 {
    fn from(hours: Hours) -> Self {
        hours.0
    }
}

/// A fact that may not be known yet. "Not yet known" is a value that the forms and the law allow (Article 33(4)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known<T> {
    /// Nobody knows yet; it is listed among the missing items.
    #[default]
    NotYetKnown,
    /// It is known.
    Known(T),
}

impl<T> Known<T> {
    /// The value, when it is known.
    pub const fn as_option(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::NotYetKnown => None,
        }
    }

    /// Whether nobody knows yet.
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::NotYetKnown)
    }
}

/// A set of options, sorted and without repeats.
pub type Options<T> = BTreeSet<T>;

/// A number that may be an estimate; `max` is the most that may be affected, which the ICO asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Best present figure.
    pub value: u32,
    /// How good the figure is.
    pub basis: CountBasis,
    /// The most that may be affected, when that differs from `value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

/// How good a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountBasis {
    /// Counted.
    Exact,
    /// Estimated.
    Approximate,
    /// At least so many.
    Minimum,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// From a fresh or stored UUID.
            #[must_use]
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The UUID.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// The 16 octets, as stored.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// From 16 stored octets.
            ///
            /// # Errors
            /// [`ValueError::NotAnId`] when there are not 16.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, ValueError> {
                Uuid::from_slice(bytes).map(Self).map_err(|_| ValueError::NotAnId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = ValueError;
            fn from_str(text: &str) -> Result<Self, ValueError> {
                Uuid::parse_str(text).map(Self).map_err(|_| ValueError::NotAnId)
            }
        }
    )+};
}

ids! {
    /// An incident of ours.
    IncidentId,
    /// All that passes with one partner about one incident.
    ExchangeId,
    /// A partner: another controller that we have terms with.
    PartnerId,
    /// The case on the wire (`txn`): the incident as both sides see it, fresh and random per exchange (ruling 13).
    CaseId,
    /// One message on the wire (`jti`).
    MessageId,
    /// An agreement: versioned shared terms.
    AgreementId,
    /// An arrangement: one partner under one agreement version.
    ArrangementId,
    /// A service: a processing activity.
    ServiceId,
    /// A person with an account.
    PersonId,
    /// A complaint about how we use somebody's data.
    ComplaintId,
}

impl MessageId {
    /// The id of the message that carries `revision` of what `label` names within an exchange. Derived, so that a step
    /// repeated after a crash names the same message; the exchange's id is random, so the result can't be guessed or
    /// linked. A UUID of version 8 (RFC 9562, section 5.8).
    #[must_use]
    pub fn derive(exchange: ExchangeId, label: &str, revision: u32) -> Self {
        let digest = Sha256::new()
            .chain_update(exchange.as_bytes())
            .chain_update(label.as_bytes())
            .chain_update(revision.to_be_bytes())
            .finalize();
        let mut bytes = [0_u8; 16];
        for (to, from) in bytes.iter_mut().zip(digest.iter()) {
            *to = *from;
        }
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// A SHA-256 digest; in JSON base64url without padding (protocol, "Conventions").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest32([u8; 32]);

impl Digest32 {
    /// From 32 octets.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// From stored octets.
    ///
    /// # Errors
    /// [`ValueError::NotAnOption`] when there are not 32.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, ValueError> {
        <[u8; 32]>::try_from(bytes).map(Self).map_err(|_| ValueError::NotAnOption)
    }

    /// SHA-256 of some octets.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The octets.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use base64::Engine as _;
        f.write_str(&base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Digest32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest32 {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        use base64::Engine as _;
        let bytes =
            base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).map_err(|_| ValueError::NotAnOption)?;
        Self::from_slice(&bytes)
    }
}

impl Serialize for Digest32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// What a person may do. One proof type each at the doors (ruling 34).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Any employee: says that something is wrong.
    Reporter,
    /// The security team: logs, sends, updates, withdraws, answers.
    Responder,
    /// The data protection officer: assesses, decides, signs off.
    Dpo,
    /// Sees every clock; takes duties in hand.
    Manager,
    /// Pairs with partners, keeps keys and accounts.
    Administrator,
    /// Reads everything, changes nothing.
    Auditor,
}

impl Role {
    /// The word in settings, the API and the ledger.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reporter => "reporter",
            Self::Responder => "responder",
            Self::Dpo => "dpo",
            Self::Manager => "manager",
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
        }
    }
}

impl FromStr for Role {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        [Self::Reporter, Self::Responder, Self::Dpo, Self::Manager, Self::Administrator, Self::Auditor]
            .into_iter()
            .find(|role| role.word() == text)
            .ok_or(ValueError::NotAnOption)
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Actor {
    /// A person with an account here.
    Person {
        /// Their account.
        id: PersonId,
        /// Their name when they acted.
        name: Line,
        /// The role that they used.
        role: Role,
        /// The program that acted for them with an API token, by the token's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        through: Option<Line>,
    },
    /// Somebody at the server's command line: the operating system says who may.
    Console,
    /// The node itself, because time passed.
    Node,
    /// A partner, through a verified message.
    Partner {
        /// Which.
        id: PartnerId,
    },
}

impl Actor {
    /// The person's account, when it was a person.
    #[must_use]
    pub const fn person(&self) -> Option<PersonId> {
        match self {
            Self::Person { id, .. } => Some(*id),
            Self::Console | Self::Node | Self::Partner { .. } => None,
        }
    }

    /// The name that people read.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Person { name, .. } => name.as_str(),
            Self::Console => "somebody at the server",
            Self::Node => "the node",
            Self::Partner { .. } => "the partner",
        }
    }
}

#[cfg(test)]
mod tests;
