//! Secrets of sessions: the token in the cookie, of which only the digest is stored, and the one that forms carry.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::values::Moment;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::store::StoreError;

/// Octets of a secret.
pub const SECRET_OCTETS: usize = 32;
/// A session that is not used for so long (machine time) ends.
pub const IDLE_SECONDS: i64 = 12 * 3_600;

/// A fresh secret and its text.
///
/// # Errors
/// [`StoreError::Encryption`] when the operating system gives no random numbers.
pub fn fresh_secret() -> Result<([u8; SECRET_OCTETS], String), StoreError> {
    let mut octets = [0; SECRET_OCTETS];
    rand::fill(&mut octets).map_err(|_| StoreError::Encryption { doing: "making a secret" })?;
    Ok((octets, secret_text(&octets)))
}

/// A secret as cookies and forms carry it.
#[must_use]
pub fn secret_text(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// What is stored of a token: its SHA-256. `None` when the text can't be one of ours.
#[must_use]
pub fn token_digest(text: &str) -> Option<[u8; 32]> {
    let octets = URL_SAFE_NO_PAD.decode(text).ok().filter(|octets| octets.len() == SECRET_OCTETS)?;
    Some(Sha256::digest(octets).into())
}

/// What is stored of an API token: the SHA-256 of its text.
#[must_use]
pub fn text_digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Whether two secrets are the same, in a time that does not say where they differ.
#[must_use]
pub fn same_secret(given: &str, held: &str) -> bool {
    !held.is_empty() && bool::from(given.as_bytes().ct_eq(held.as_bytes()))
}

/// When a session used now ends.
#[must_use]
pub fn ends_at(elapsed: Moment) -> Moment {
    elapsed.plus_seconds(IDLE_SECONDS)
}

/// How the session's cookie is named and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCookie {
    name: String,
    secure: bool,
}

impl SessionCookie {
    /// For an `https` issuer the name binds the cookie to the host (`__Host-`). Cookies ignore ports, so a node that
    /// shares the host `localhost` with others has a suffix of its own; plain HTTP, on loopback only, knows no `__Host-`
    /// (ruling 36).
    #[must_use]
    pub fn of(issuer: &str) -> Self {
        let secure = issuer.starts_with("https://");
        if secure && !is_local(issuer) {
            return Self { name: "__Host-tocsin".to_owned(), secure };
        }
        let suffix: String =
            secret_text(&text_digest(issuer)).chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        let prefix = if secure { "__Host-" } else { "" };
        Self { name: format!("{prefix}tocsin-{suffix}"), secure }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it goes over TLS only.
    #[must_use]
    pub const fn secure(&self) -> bool {
        self.secure
    }
}

/// Whether an origin's host is this machine's own.
#[must_use]
pub fn is_local(issuer: &str) -> bool {
    let authority = issuer.split_once("://").map_or(issuer, |(_, authority)| authority);
    let host = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|c| c.is_ascii_digit()));
    let host = host.map_or(authority, |(host, _)| host);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Aim: a token is found by the digest of its octets only, and no two are alike.
    #[test]
    fn tokens() {
        let (octets, text) = fresh_secret().unwrap();
        assert_eq!(token_digest(&text), Some(Sha256::digest(octets).into()));
        assert_ne!(fresh_secret().unwrap().1, text);
        assert_eq!(token_digest("short"), None);
    }

    /// Aim: the empty secret is never right, an equal one is.
    #[test]
    fn secrets_compare() {
        assert!(same_secret("abc", "abc"));
        assert!(!same_secret("abd", "abc"));
        assert!(!same_secret("", ""));
    }

    /// Aim: two nodes on one loopback host do not share a cookie.
    #[test]
    fn cookies_of_loopback_nodes_differ() {
        let one = SessionCookie::of("http://127.0.0.1:4001");
        let other = SessionCookie::of("http://127.0.0.1:4002");
        assert_ne!(one.name(), other.name());
        assert!(!one.secure());
        assert_eq!(SessionCookie::of("https://a.example").name(), "__Host-tocsin");
        assert_eq!(SessionCookie::of("https://a.example:8443").name(), "__Host-tocsin");
    }

    /// Aim: nodes with TLS on one machine keep their sessions apart, and their cookies stay bound to the host.
    #[test]
    fn cookies_of_local_nodes_with_tls_differ() {
        let names: Vec<String> = ["localhost:4001", "localhost:4002", "127.0.0.1:4001", "[::1]:4001", "a.localhost"]
            .map(|host| SessionCookie::of(&format!("https://{host}")).name().to_owned())
            .into();
        let different: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(different.len(), names.len());
        assert!(names.iter().all(|name| name.starts_with("__Host-tocsin-")), "{names:?}");
    }
}
