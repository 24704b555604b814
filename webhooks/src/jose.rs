//! Signed tokens: the wire's only cryptography.
//!
//! A token is read by the rules of protocol §4 before anything in it is believed, and [`Verified`] is made here and nowhere
//! else, so a function that asks for one cannot be handed unverified octets. The payload is kept and hashed as the octets
//! that were signed; it is never written again.

use serde_json::{Map, Value};

use crate::keys::{PublicKey, SigningKey};
use crate::strict_json::{self, JsonError};
use crate::values::{Digest, from_base64url, to_base64url};

/// The longest token, in octets (protocol §20).
pub const MAX_TOKEN: usize = 65_536;
/// The longest encoded header, in octets (protocol §20).
pub const MAX_HEADER: usize = 1_024;

/// What a token is, its `typ` (protocol §4). One endpoint expects one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// A message or a receipt.
    Set,
    /// A key manifest.
    Manifest,
    /// A party card.
    Card,
    /// A poll token.
    PollToken,
    /// The seal of an evidence bundle.
    BundleSeal,
}

impl TokenType {
    /// The `typ` written in headers.
    #[must_use]
    pub const fn typ(self) -> &'static str {
        match self {
            Self::Set => "secevent+jwt",
            Self::Manifest => "jwk-set+jwt",
            Self::Card => "party-card+jwt",
            Self::PollToken => "node-auth+jwt",
            Self::BundleSeal => "evidence-manifest+jwt",
        }
    }
}

/// Which rule of protocol §4 a token broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three non-empty parts of strict base64url, or too long.
    #[error("the token is malformed")]
    Malformed,
    /// The header is not exactly `alg`, `typ` and `kid`, each once, each a string; or the `kid` is not a thumbprint.
    #[error("the header is not acceptable")]
    BadHeader,
    /// Not `EdDSA` or `Ed25519`.
    #[error("the algorithm is not acceptable")]
    BadAlgorithm,
    /// Not the type expected here, or none.
    #[error("the type is not the one expected")]
    BadType,
}

/// The signature does not verify under the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// A token whose form and header passed; nothing in it is believed yet.
#[derive(Debug, Clone)]
pub struct CompactToken {
    octets: String,
    kid: String,
    payload: Vec<u8>,
    signature: Vec<u8>,
    /// Where the signing input ends in `octets`.
    signed: usize,
}

impl CompactToken {
    /// Reads a compact JWS (RFC 7515 §7.1) by rules 1 to 6 of protocol §4.
    ///
    /// # Errors
    /// The first rule broken, in the order form, header members, algorithm, type, `kid`.
    pub fn parse(octets: &[u8], expected: TokenType) -> Result<Self, TokenError> {
        let text = std::str::from_utf8(octets).map_err(|_| TokenError::Malformed)?;
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Malformed);
        };
        if header.is_empty() || payload.is_empty() {
            return Err(TokenError::Malformed);
        }
        if header.len() > MAX_HEADER {
            return Err(TokenError::BadHeader);
        }
        if text.len() > MAX_TOKEN {
            return Err(TokenError::Malformed);
        }
        let header = decode(header)?;
        let payload = decode(payload)?;
        if signature.is_empty() {
            return Err(unsigned(&header));
        }
        let signature_octets = decode(signature)?;
        let kid = check_header(&header, expected)?;
        Ok(Self {
            signed: text.len().saturating_sub(signature.len().saturating_add(1)),
            octets: text.to_owned(),
            kid,
            payload,
            signature: signature_octets,
        })
    }

    /// The name of the key that is said to have signed. Selects a key inside the issuer's own manifest, never elsewhere.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The payload octets as they were signed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The octets the signature is over: encoded header, a dot, encoded payload.
    #[must_use]
    pub fn signing_input(&self) -> &str {
        self.octets.get(..self.signed).unwrap_or_default()
    }

    /// The signature's octets; 64 of them if it is one.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The whole token as it came.
    #[must_use]
    pub fn octets(&self) -> &str {
        &self.octets
    }

    /// The payload read by rule 8: one object, no equal members, bounded.
    ///
    /// # Errors
    /// [`JsonError`].
    pub fn payload_object(&self) -> Result<Map<String, Value>, JsonError> {
        strict_json::parse_object(&self.payload)
    }

    /// Verifies the signature and, only then, vouches for `value`, which the caller read from this token's payload.
    pub(crate) fn vouch<T>(&self, key: &PublicKey, value: T) -> Result<Verified<T>, BadSignature> {
        verify(self, key)?;
        Ok(Verified {
            value,
            kid: self.kid.clone(),
            octets: self.octets.clone(),
            payload_sha256: Digest::of(&self.payload),
        })
    }
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    from_base64url(part).ok_or(TokenError::Malformed)
}

/// An empty signature is a broken form, unless the header says openly that there is none (RFC 8417 figure 6).
fn unsigned(header: &[u8]) -> TokenError {
    let algorithm = strict_json::parse_object(header)
        .ok()
        .and_then(|members| members.get("alg").and_then(Value::as_str).map(str::to_owned));
    match algorithm.as_deref() {
        None | Some("EdDSA" | "Ed25519") => TokenError::Malformed,
        Some(_) => TokenError::BadAlgorithm,
    }
}

fn check_header(header: &[u8], expected: TokenType) -> Result<String, TokenError> {
    let members = strict_json::parse_object(header).map_err(|_| TokenError::BadHeader)?;
    let known = |name: &str| matches!(name, "alg" | "typ" | "kid");
    if !members.iter().all(|(name, value)| known(name) && value.is_string()) {
        return Err(TokenError::BadHeader);
    }
    let member = |name: &str| members.get(name).and_then(Value::as_str);
    match member("alg") {
        Some("EdDSA" | "Ed25519") => {}
        Some(_) => return Err(TokenError::BadAlgorithm),
        None => return Err(TokenError::BadHeader),
    }
    if !member("typ").is_some_and(|typ| typ.eq_ignore_ascii_case(expected.typ())) {
        return Err(TokenError::BadType);
    }
    let kid = member("kid").ok_or(TokenError::BadHeader)?;
    // 43 characters of the alphabet are 32 octets, less two bits that must be zero.
    kid.parse::<Digest>().map_err(|_| TokenError::BadHeader)?;
    Ok(kid.to_owned())
}

/// Signs payload octets: header `alg`, `typ`, `kid` in this order, written by hand, so that the same payload always makes
/// the same token.
#[must_use]
pub fn sign(typ: TokenType, key: &SigningKey, payload: &[u8]) -> String {
    let header = format!(r#"{{"alg":"EdDSA","typ":"{}","kid":"{}"}}"#, typ.typ(), key.kid());
    let mut token = to_base64url(header.as_bytes());
    token.push('.');
    token.push_str(&to_base64url(payload));
    let signature = key.sign(token.as_bytes());
    token.push('.');
    token.push_str(&to_base64url(&signature));
    token
}

/// Rule 7: the signature is 64 octets and verifies strictly.
///
/// # Errors
/// [`BadSignature`], without saying which half was wrong.
pub fn verify(token: &CompactToken, key: &PublicKey) -> Result<(), BadSignature> {
    let signature = <[u8; 64]>::try_from(token.signature()).map_err(|_| BadSignature)?;
    if key.verifies(token.signing_input().as_bytes(), &signature) { Ok(()) } else { Err(BadSignature) }
}

/// Something that was read from a token whose signature verified. Made only in this module.
#[derive(Debug, Clone)]
pub struct Verified<T> {
    value: T,
    kid: String,
    octets: String,
    payload_sha256: Digest,
}

impl<T> Verified<T> {
    /// What the token says.
    #[must_use]
    pub const fn get(&self) -> &T {
        &self.value
    }

    /// What the token says, without its proof.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }

    /// The name of the key that signed.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The whole compact token as it came: the evidence.
    #[must_use]
    pub fn octets(&self) -> &str {
        &self.octets
    }

    /// SHA-256 of the payload octets.
    #[must_use]
    pub const fn payload_sha256(&self) -> Digest {
        self.payload_sha256
    }

    /// SHA-256 of the whole token.
    #[must_use]
    pub fn token_sha256(&self) -> Digest {
        Digest::of(self.octets.as_bytes())
    }

    /// Reads the value further, keeping the proof.
    pub(crate) fn try_map<U, E>(self, read: impl FnOnce(T) -> Result<U, E>) -> Result<Verified<U>, E> {
        Ok(Verified {
            value: read(self.value)?,
            kid: self.kid,
            octets: self.octets,
            payload_sha256: self.payload_sha256,
        })
    }
}
