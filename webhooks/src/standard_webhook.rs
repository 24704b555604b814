//! Standard Webhooks 1.0, for parties with a ticket system instead of a node (protocol §16).
//!
//! Both signatures always travel together, as long as there is a key for each: `v1`, an HMAC under a secret that the two
//! sides share, and `v1a`, Ed25519 under a key of the sender's manifest. While a secret is being replaced there are two
//! `v1` values. The signed content is the id, a dot, the timestamp, a dot and the body's octets; neither id nor timestamp
//! holds a dot, so that nothing can be moved from one to another.
//!
//! The HMAC is that of the library that already signs our tokens (RFC 7518 `HS256` is HMAC-SHA-256): no further crate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::keys::{PublicKey, SigningKey};
use crate::values::from_base64url;

/// The header that names the message: the same over every attempt.
pub const ID: &str = "webhook-id";
/// The header with the attempt's unix seconds.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures, a blank between them.
pub const SIGNATURE: &str = "webhook-signature";
/// How far a timestamp may be from the receiver's clock, in seconds.
pub const TOLERANCE_SECONDS: i64 = 300;
/// Octets of a secret that is drawn here.
pub const SECRET_OCTETS: usize = 32;

/// Octets of a secret that is taken (Standard Webhooks: 24 to 64).
const SECRET_OCTETS_TAKEN: std::ops::RangeInclusive<usize> = 24..=64;
const SECRET_PREFIX: &str = "whsec_";
const KEY_PREFIX: &str = "whpk_";
/// Signatures looked at in one header: two secrets and one key, and room for other versions.
const SIGNATURES_MAX: usize = 16;

/// A secret that both sides know. It is overwritten when dropped and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// The text is not a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a secret: whsec_ and the base64 of 24 to 64 octets")]
pub struct BadSecret;

impl Secret {
    /// From octets drawn by the caller from a secure source.
    #[must_use]
    pub fn from_octets(octets: &[u8; SECRET_OCTETS]) -> Self {
        Self(Zeroizing::new(octets.to_vec()))
    }

    /// From the text that people copy: `whsec_` and base64.
    ///
    /// # Errors
    /// [`BadSecret`].
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let octets = text.strip_prefix(SECRET_PREFIX).and_then(|text| STANDARD.decode(text).ok()).map(Zeroizing::new);
        octets.filter(|octets| SECRET_OCTETS_TAKEN.contains(&octets.len())).map(Self).ok_or(BadSecret)
    }

    /// The text that people copy.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(SECRET_PREFIX.to_owned());
        STANDARD.encode_string(self.0.as_slice(), &mut text);
        text
    }

    fn mac(&self, content: &[u8]) -> Option<Vec<u8>> {
        let key = EncodingKey::from_secret(&self.0);
        let text = jsonwebtoken::crypto::sign(content, &key, Algorithm::HS256).ok()?;
        from_base64url(&text)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A public key as receivers of `v1a` copy it: `whpk_` and base64.
#[must_use]
pub fn public_text(key: &PublicKey) -> String {
    format!("{KEY_PREFIX}{}", STANDARD.encode(key.octets()))
}

/// The id of the webhook that carries this message: `msg_` and its UUID, without a dot.
#[must_use]
pub fn message_id(message: Uuid) -> String {
    format!("msg_{message}")
}

/// A webhook could not be signed: the library refused the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhook could not be signed")]
pub struct NotSigned;

/// The three headers of an attempt at `timestamp`, in unix seconds: a `v1` for each secret, the newest first, then `v1a`
/// if there is a key for it.
///
/// # Errors
/// [`NotSigned`], also without any secret or key: an unsigned webhook is none.
pub fn headers(
    id: &str,
    timestamp: i64,
    body: &[u8],
    secrets: &[Secret],
    key: Option<&SigningKey>,
) -> Result<[(&'static str, String); 3], NotSigned> {
    let content = content(id, &timestamp.to_string(), body);
    let mut signatures = Vec::with_capacity(secrets.len().saturating_add(1));
    for secret in secrets {
        signatures.push(format!("v1,{}", STANDARD.encode(secret.mac(&content).ok_or(NotSigned)?)));
    }
    signatures.extend(key.map(|key| format!("v1a,{}", STANDARD.encode(key.sign(&content)))));
    if signatures.is_empty() {
        return Err(NotSigned);
    }
    Ok([(ID, id.to_owned()), (TIMESTAMP, timestamp.to_string()), (SIGNATURE, signatures.join(" "))])
}

fn content(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}

/// A webhook as it arrived.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// The header [`ID`].
    pub id: &'a str,
    /// The header [`TIMESTAMP`].
    pub timestamp: &'a str,
    /// The header [`SIGNATURE`].
    pub signature: &'a str,
    /// The body's octets.
    pub body: &'a [u8],
}

/// Why a webhook is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unbelieved {
    /// The id is empty or holds a dot, or the timestamp is no whole number.
    #[error("the id or the timestamp has another form")]
    Form,
    /// More than [`TOLERANCE_SECONDS`] from our clock.
    #[error("the timestamp is too far from our clock")]
    Time,
    /// No signature is by a secret or key that we know.
    #[error("no signature matches")]
    Signature,
}

/// Whether a webhook is by somebody who holds one of these secrets or this key; `now` is in unix seconds. Versions that
/// are not known are passed over.
///
/// # Errors
/// [`Unbelieved`].
pub fn verify(
    received: &Received<'_>,
    secrets: &[Secret],
    key: Option<&PublicKey>,
    now: i64,
) -> Result<(), Unbelieved> {
    if received.id.is_empty() || received.id.contains('.') {
        return Err(Unbelieved::Form);
    }
    let timestamp: i64 = received.timestamp.parse().map_err(|_| Unbelieved::Form)?;
    if timestamp.to_string() != received.timestamp {
        return Err(Unbelieved::Form);
    }
    if timestamp.abs_diff(now) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(Unbelieved::Time);
    }
    let content = content(received.id, received.timestamp, received.body);
    let macs: Vec<_> = secrets.iter().filter_map(|secret| secret.mac(&content)).collect();
    let believed = received.signature.split(' ').take(SIGNATURES_MAX).any(|signature| {
        let Some((version, Ok(octets))) =
            signature.split_once(',').map(|(version, text)| (version, STANDARD.decode(text)))
        else {
            return false;
        };
        match version {
            "v1" => macs.iter().any(|mac| bool::from(mac.as_slice().ct_eq(&octets))),
            "v1a" => match (key, <[u8; 64]>::try_from(octets)) {
                (Some(key), Ok(signature)) => key.verifies(&content, &signature),
                (Some(_) | None, _) => false,
            },
            _ => false,
        }
    });
    if believed { Ok(()) } else { Err(Unbelieved::Signature) }
}
