//! The small values every part of the wire is made of, so that a digest cannot be mistaken for a text and a time
//! cannot be written in two ways.
//!
//! Promises: a [`Digest`] is 32 octets and has one spelling; a [`WireTime`] is a whole second in UTC and has one
//! spelling; an issuer accepted by [`check_issuer`] has one spelling.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

/// The greatest whole number this wire uses: 2^53 - 1, the last one every JSON reader holds exactly (RFC 8259 §6).
pub const MAX_NUMBER: u64 = 9_007_199_254_740_991;

/// How far two nodes' clocks may differ, in seconds (protocol §20).
pub const CLOCK_SKEW_SECONDS: i64 = 300;

/// base64url without padding (RFC 4648 §5), the only spelling in tokens and bodies.
pub(crate) fn to_base64url(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// Strict: no padding, no other alphabet, unused trailing bits zero.
pub(crate) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// base64 with padding (RFC 4648 §4), used by signed notes only.
pub(crate) fn to_base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// Strict reading of base64 with padding.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// A SHA-256 digest: 32 octets, in JSON 43 characters of base64url without padding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these octets.
    #[must_use]
    pub fn of(octets: &[u8]) -> Self {
        Self(Sha256::digest(octets).into())
    }

    /// A digest that was stored as 32 octets.
    #[must_use]
    pub const fn from_octets(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// The 32 octets.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_base64url(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not what the type asks for. Carries no input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadValue(&'static str);

impl FromStr for Digest {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        from_base64url(text)
            .and_then(|octets| <[u8; 32]>::try_from(octets).ok())
            .map(Self)
            .ok_or(BadValue("not a SHA-256 digest in base64url"))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// An instant in an event body: RFC 3339, UTC, whole seconds, ending in `Z` (`2026-11-21T08:40:00Z`). Years 0 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireTime(DateTime<Utc>);

const WIRE_TIME: &str = "%Y-%m-%dT%H:%M:%SZ";

impl WireTime {
    /// From seconds since 1970-01-01T00:00:00Z. `None` outside the years 0 to 9999, which have no spelling.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Option<Self> {
        const FIRST: i64 = -62_167_219_200;
        const LAST: i64 = 253_402_300_799;
        if !(FIRST..=LAST).contains(&seconds) {
            return None;
        }
        DateTime::from_timestamp(seconds, 0).map(Self)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix(&self) -> i64 {
        self.0.timestamp()
    }
}

impl fmt::Display for WireTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format(WIRE_TIME))
    }
}

impl fmt::Debug for WireTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for WireTime {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        let time = NaiveDateTime::parse_from_str(text, WIRE_TIME)
            .ok()
            .and_then(|naive| Self::from_unix(naive.and_utc().timestamp()))
            .ok_or(BadValue("not a time in UTC with whole seconds"))?;
        // The reader is lenient about widths and leap seconds; the one spelling is the one we would write.
        if time.to_string() == text { Ok(time) } else { Err(BadValue("not a time in UTC with whole seconds")) }
    }
}

impl Serialize for WireTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WireTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Which issuers and endpoints are admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schemes {
    /// `https` only: every real node.
    HttpsOnly,
    /// Also `http` on a loopback address: a demonstration or test on one machine.
    HttpsOrLoopback,
}

/// The name is not an issuer: an origin in its one spelling (protocol §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an issuer: an https origin, lower-case, without path, slash or default port")]
pub struct BadIssuer;

/// Checks that `issuer` is an `https` origin with a lower-case host, no path, no trailing slash and no default port
/// (protocol §2), at most 255 octets. With [`Schemes::HttpsOrLoopback`] an `http` origin on a loopback address
/// or `localhost` is one too.
///
/// # Errors
/// [`BadIssuer`] for everything else.
pub fn check_issuer(issuer: &str, schemes: Schemes) -> Result<(), BadIssuer> {
    let url = reqwest::Url::parse(issuer).map_err(|_| BadIssuer)?;
    let secure = match url.scheme() {
        "https" => true,
        "http" => schemes == Schemes::HttpsOrLoopback && is_loopback(&url),
        _ => false,
    };
    // The origin is written without path, user-info or default port: equal texts mean that nothing else was there.
    if secure && issuer.len() <= 255 && url.origin().ascii_serialization() == issuer { Ok(()) } else { Err(BadIssuer) }
}

/// Checks an endpoint in a card: an absolute URL of an admitted scheme, no user-info, no fragment, at most 2048 octets.
pub(crate) fn check_endpoint(endpoint: &str, schemes: Schemes) -> bool {
    let Ok(url) = reqwest::Url::parse(endpoint) else {
        return false;
    };
    let secure = match url.scheme() {
        "https" => true,
        "http" => schemes == Schemes::HttpsOrLoopback && is_loopback(&url),
        _ => false,
    };
    secure
        && endpoint.len() <= 2048
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
}

/// Whether the host is a loopback address literal or `localhost`.
pub(crate) fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// For members that must be present though their value may be `null`.
pub(crate) fn explicit<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

/// For marks that are left out when they are false.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(crate) fn is_false(mark: &bool) -> bool {
    !*mark
}

#[cfg(test)]
mod tests {
    use super::{Digest, Schemes, WireTime, check_endpoint, check_issuer};

    #[test]
    fn a_time_has_one_spelling() {
        for good in ["2026-11-21T08:40:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
            assert_eq!(good.parse::<WireTime>().map(|time| time.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "2026-11-21T08:40:00+00:00",
            "2026-11-21T08:40:00.0Z",
            "2026-11-21t08:40:00z",
            "2026-11-21 08:40:00Z",
            "2026-1-21T08:40:00Z",
            "2026-02-30T08:40:00Z",
            "2026-11-21T08:40:60Z",
            "+12026-11-21T08:40:00Z",
            "",
        ] {
            assert!(bad.parse::<WireTime>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_digest_has_one_spelling() {
        let text = Digest::of(b"abc").to_string();
        assert_eq!(text.parse::<Digest>(), Ok(Digest::of(b"abc")));
        assert!(format!("{text}=").parse::<Digest>().is_err());
        assert!(text.replace('_', "/").parse::<Digest>().is_err() || !text.contains('_'));
        assert!("AAAA".parse::<Digest>().is_err());
    }

    #[test]
    fn an_issuer_is_a_bare_https_origin() {
        for good in ["https://node-a.example", "https://node-a.example:8443"] {
            assert!(check_issuer(good, Schemes::HttpsOnly).is_ok(), "{good}");
        }
        for bad in [
            "https://node-a.example/",
            "https://Node-a.example",
            "https://node-a.example:443",
            "https://node-a.example/x",
            "https://u@node-a.example",
            "https://node-a.example?x",
            "https://node-a.example#x",
            "http://node-a.example",
            "http://127.0.0.1:8080",
            "node-a.example",
            "",
        ] {
            assert!(check_issuer(bad, Schemes::HttpsOnly).is_err(), "{bad}");
        }
        assert!(check_issuer("http://127.0.0.1:8080", Schemes::HttpsOrLoopback).is_ok());
        assert!(check_issuer("http://[::1]:8080", Schemes::HttpsOrLoopback).is_ok());
        assert!(check_issuer("http://10.0.0.1:8080", Schemes::HttpsOrLoopback).is_err());
    }

    #[test]
    fn an_endpoint_has_no_user_and_no_fragment() {
        assert!(check_endpoint("https://a.example/x?y", Schemes::HttpsOnly));
        for bad in ["https://u@a.example/", "https://a.example/#f", "http://a.example/", "file:///etc/passwd", "x"] {
            assert!(!check_endpoint(bad, Schemes::HttpsOnly), "{bad}");
        }
    }
}
