//! Key manifests: the list of a node's online keys, signed by its identity key (protocol §3).
//!
//! A manifest may only grow and shrink in the ways that keep old evidence checkable: keys never vanish, validity never
//! grows, a revocation is never taken back. [`take_in`] is the one door for a partner's manifest.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::jose::{self, BadSignature, CompactToken, TokenError, TokenType, Verified};
use crate::keys::{BadKey, KeyUse, PublicKey, SigningKey};
use crate::strict_json::JsonError;
use crate::values::{CLOCK_SKEW_SECONDS, MAX_NUMBER};

/// The longest life of an online key, in seconds: 400 days.
pub const MAX_KEY_LIFE_SECONDS: i64 = 400 * 86_400;
/// The most keys in one manifest.
pub const MAX_KEYS: usize = 100;

/// A node's online keys at one version. Members and times as in protocol §3; times are unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Whose keys these are.
    pub iss: String,
    /// When this version was made.
    pub iat: i64,
    /// 1 for the first, then rising.
    pub version: u64,
    /// Every key ever listed, oldest first.
    pub keys: Vec<ManifestKey>,
}

/// One online key. Its `kid` is the thumbprint of `public`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestKey {
    /// The key.
    pub public: PublicKey,
    /// What it may sign; `None` for a purpose this version does not know: such a key is kept and never used.
    pub node_use: Option<KeyUse>,
    /// When it was listed.
    pub iat: i64,
    /// Good from.
    pub nbf: i64,
    /// Good until.
    pub exp: i64,
    /// Set when it was revoked, for ever.
    pub revoked: Option<Revoked>,
}

/// The end of a key before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// When.
    pub revoked_at: i64,
    /// Why.
    pub reason: RevocationReason,
    /// Since when somebody else may have signed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compromised_since: Option<i64>,
}

/// Why a key was revoked (OpenID Federation 1.0 names).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    /// Not said.
    Unspecified,
    /// Somebody else may have it.
    Compromised,
    /// Replaced by another.
    Superseded,
}

/// Why a key does not do for a message that arrives now (protocol §3, §7 steps 9 and 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// Not in the manifest, or there for another purpose.
    #[error("the key is not known")]
    UnknownKey,
    /// Past its end.
    #[error("the key has expired")]
    KeyExpired,
    /// Revoked.
    #[error("the key was revoked")]
    KeyRevoked,
    /// Before its beginning.
    #[error("the key is not valid yet")]
    KeyNotYetValid,
}

/// Why a manifest was not taken in. Whatever the reason: the old one stays, and people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The token breaks protocol §4.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The payload is no acceptable JSON object.
    #[error(transparent)]
    Payload(#[from] JsonError),
    /// Signed by a key that is not the pinned identity key.
    #[error("not signed by the pinned identity key")]
    WrongIdentity,
    /// The signature does not verify.
    #[error(transparent)]
    Signature(#[from] BadSignature),
    /// Another node's manifest.
    #[error("the manifest is another node's")]
    WrongIssuer,
    /// Made more than 300 s in the future.
    #[error("the manifest was made in the future")]
    FromFuture,
    /// An older version, or other octets under the same version: alarm `manifest_rollback`.
    #[error("the manifest goes back behind one already taken in")]
    Rollback,
    /// A member is missing or not what it should be.
    #[error("the manifest has not the right members")]
    Shape,
    /// More than 100 keys, or one twice.
    #[error("the list of keys is too long or repeats a key")]
    KeyList,
    /// A public key is not acceptable.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// A key's name is not its thumbprint.
    #[error("a key's name is not its thumbprint")]
    KeyName,
    /// A key carries its private half.
    #[error("a private key was published")]
    PrivateKey,
    /// `nbf` not before `exp`, or more than 400 days between.
    #[error("a key's validity is not acceptable")]
    Validity,
    /// A key of the version before is gone.
    #[error("a key has vanished")]
    KeyVanished,
    /// A key of the version before has another beginning or purpose.
    #[error("a key has changed")]
    KeyChanged,
    /// A key's end moved later.
    #[error("a key's validity was extended")]
    KeyExtended,
    /// A revocation is gone.
    #[error("a revocation was taken back")]
    RevocationGone,
}

/// A partner's manifest as last taken in.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// What it said.
    pub manifest: &'a Manifest,
    /// The compact token it came in.
    pub octets: &'a str,
}

/// The answer of [`take_in`].
#[derive(Debug, Clone)]
pub enum Taken {
    /// To be stored beside the earlier ones, which are kept for ever.
    New(Box<Verified<Manifest>>),
    /// The same octets as the stored one.
    Unchanged,
}

impl Manifest {
    /// Signs the manifest with the identity key. The result is published at `/jwks.jwt`.
    #[must_use]
    pub fn sign(&self, identity: &SigningKey) -> String {
        jose::sign(TokenType::Manifest, identity, self.payload().as_bytes())
    }

    /// The JSON that is signed, members in the order of protocol §3.
    #[must_use]
    pub fn payload(&self) -> String {
        let keys = self.keys.iter().map(ManifestKey::json).collect::<Vec<_>>().join(",");
        format!(
            r#"{{"iss":{},"iat":{},"version":{},"keys":[{keys}]}}"#,
            Value::from(self.iss.as_str()),
            self.iat,
            self.version
        )
    }

    /// The key for a message, receipt or poll token that arrived at `now` (unix seconds of the receiver's clock). The
    /// token's own `iat` plays no part (protocol §3).
    ///
    /// # Errors
    /// [`KeyRefusal`]: unknown or for another purpose, revoked, not yet valid, expired.
    pub fn key_for_set(&self, kid: &str, now: i64) -> Result<&PublicKey, KeyRefusal> {
        let key = self
            .keys
            .iter()
            .find(|key| key.kid() == kid && key.node_use == Some(KeyUse::Set))
            .ok_or(KeyRefusal::UnknownKey)?;
        if key.revoked.is_some() {
            return Err(KeyRefusal::KeyRevoked);
        }
        if now < key.nbf.saturating_sub(CLOCK_SKEW_SECONDS) {
            return Err(KeyRefusal::KeyNotYetValid);
        }
        if now > key.exp.saturating_add(CLOCK_SKEW_SECONDS) {
            return Err(KeyRefusal::KeyExpired);
        }
        Ok(&key.public)
    }

    /// The newest log key that is not revoked: the one checkpoints are signed with now.
    #[must_use]
    pub fn log_key(&self) -> Option<&PublicKey> {
        self.log_keys().next_back().map(|key| &key.public)
    }

    /// Every log key that is not revoked, in the order listed: older checkpoints were signed with older ones.
    pub fn log_keys(&self) -> impl DoubleEndedIterator<Item = &ManifestKey> {
        self.keys.iter().filter(|key| key.node_use == Some(KeyUse::Log) && key.revoked.is_none())
    }

    /// The plain JWK set published at `/jwks.json` for tools: the keys that are good at `now`. Nothing trusts it.
    #[must_use]
    pub fn plain_jwk_set(&self, now: i64) -> String {
        let keys = self
            .keys
            .iter()
            .filter(|key| key.revoked.is_none() && key.nbf <= now && now <= key.exp)
            .map(ManifestKey::json)
            .collect::<Vec<_>>()
            .join(",");
        format!(r#"{{"keys":[{keys}]}}"#)
    }

    fn extends(&self, older: &Self) -> Result<(), ManifestError> {
        for old in &older.keys {
            let new = self.keys.iter().find(|new| new.kid() == old.kid()).ok_or(ManifestError::KeyVanished)?;
            if new.public != old.public || new.nbf != old.nbf || new.node_use != old.node_use {
                return Err(ManifestError::KeyChanged);
            }
            if new.exp > old.exp {
                return Err(ManifestError::KeyExtended);
            }
            if old.revoked.is_some() && new.revoked.is_none() {
                return Err(ManifestError::RevocationGone);
            }
        }
        Ok(())
    }
}

impl ManifestKey {
    /// The key's name.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.public.thumbprint()
    }

    fn json(&self) -> String {
        let node_use = match self.node_use {
            // `set` is what an absent member means, and identity keys are never listed.
            None | Some(KeyUse::Set | KeyUse::Identity) => "",
            Some(KeyUse::Log) => r#""node_use":"log","#,
            Some(KeyUse::Webhook) => r#""node_use":"webhook","#,
        };
        let revoked = self
            .revoked
            .and_then(|revoked| serde_json::to_string(&revoked).ok())
            .map(|json| format!(r#","revoked":{json}"#))
            .unwrap_or_default();
        format!(
            r#"{{"kty":"OKP","crv":"Ed25519","x":"{}","kid":"{}","use":"sig","alg":"EdDSA",{node_use}"iat":{},"nbf":{},"exp":{}{revoked}}}"#,
            self.public.x(),
            self.kid(),
            self.iat,
            self.nbf,
            self.exp
        )
    }
}

/// Reads a manifest signed by the identity key pinned for `issuer`, by its own rules only (protocol §3 steps 1, 2 without
/// the time, 4, 6): for manifests already taken in, and for checking evidence.
///
/// # Errors
/// [`ManifestError`].
pub fn parse_pinned(token: &[u8], issuer: &str, identity: &PublicKey) -> Result<Verified<Manifest>, ManifestError> {
    let token = CompactToken::parse(token, TokenType::Manifest)?;
    if token.kid() != identity.thumbprint() {
        return Err(ManifestError::WrongIdentity);
    }
    let proven = token.vouch(identity, ())?;
    let manifest = read_for(&token, issuer)?;
    proven.try_map(|()| Ok(manifest))
}

/// Reads a manifest that the caller verified before and has kept since where nobody else can change it: the signature is
/// not verified again. `thumbprint` names the pinned identity key. For anything that came from elsewhere,
/// [`parse_pinned`].
///
/// # Errors
/// [`ManifestError`].
pub fn parse_kept(token: &[u8], issuer: &str, thumbprint: &str) -> Result<Manifest, ManifestError> {
    let token = CompactToken::parse(token, TokenType::Manifest)?;
    if token.kid() != thumbprint {
        return Err(ManifestError::WrongIdentity);
    }
    read_for(&token, issuer)
}

fn read_for(token: &CompactToken, issuer: &str) -> Result<Manifest, ManifestError> {
    let manifest = read_manifest(&token.payload_object()?)?;
    if manifest.iss == issuer { Ok(manifest) } else { Err(ManifestError::WrongIssuer) }
}

/// Judges a manifest a partner published or handed over, at `now` in unix seconds, by every rule of protocol §3.
///
/// # Errors
/// [`ManifestError`]; the stored manifest stays in force.
pub fn take_in(
    stored: Option<Stored<'_>>,
    token: &[u8],
    issuer: &str,
    identity: &PublicKey,
    now: i64,
) -> Result<Taken, ManifestError> {
    let taken = parse_pinned(token, issuer, identity)?;
    let manifest = taken.get();
    if manifest.iat > now.saturating_add(CLOCK_SKEW_SECONDS) {
        return Err(ManifestError::FromFuture);
    }
    if let Some(stored) = stored {
        if manifest.version == stored.manifest.version && taken.octets() == stored.octets {
            return Ok(Taken::Unchanged);
        }
        if manifest.version <= stored.manifest.version {
            return Err(ManifestError::Rollback);
        }
        manifest.extends(stored.manifest)?;
    }
    Ok(Taken::New(Box::new(taken)))
}

fn read_manifest(payload: &Map<String, Value>) -> Result<Manifest, ManifestError> {
    let listed = payload.get("keys").and_then(Value::as_array).ok_or(ManifestError::Shape)?;
    if listed.len() > MAX_KEYS {
        return Err(ManifestError::KeyList);
    }
    let mut keys: Vec<ManifestKey> = Vec::with_capacity(listed.len());
    for entry in listed {
        let key = read_key(entry.as_object().ok_or(ManifestError::Shape)?)?;
        if keys.iter().any(|other| other.kid() == key.kid()) {
            return Err(ManifestError::KeyList);
        }
        keys.push(key);
    }
    Ok(Manifest {
        iss: text(payload, "iss")?.to_owned(),
        iat: seconds(payload, "iat")?,
        version: payload
            .get("version")
            .and_then(Value::as_u64)
            .filter(|version| (1..=MAX_NUMBER).contains(version))
            .ok_or(ManifestError::Shape)?,
        keys,
    })
}

fn read_key(entry: &Map<String, Value>) -> Result<ManifestKey, ManifestError> {
    if entry.contains_key("d") {
        return Err(ManifestError::PrivateKey);
    }
    let fixed = text(entry, "kty")? == "OKP"
        && text(entry, "crv")? == "Ed25519"
        && text(entry, "use")? == "sig"
        && matches!(text(entry, "alg")?, "EdDSA" | "Ed25519");
    if !fixed {
        return Err(ManifestError::Shape);
    }
    let public = PublicKey::from_x(text(entry, "x")?)?;
    if text(entry, "kid")? != public.thumbprint() {
        return Err(ManifestError::KeyName);
    }
    let (nbf, exp) = (seconds(entry, "nbf")?, seconds(entry, "exp")?);
    if nbf >= exp || exp.saturating_sub(nbf) > MAX_KEY_LIFE_SECONDS {
        return Err(ManifestError::Validity);
    }
    let node_use = match entry.get("node_use") {
        None => Some(KeyUse::Set),
        Some(name) => match name.as_str().ok_or(ManifestError::Shape)? {
            "set" => Some(KeyUse::Set),
            "log" => Some(KeyUse::Log),
            "webhook" => Some(KeyUse::Webhook),
            _ => None,
        },
    };
    let revoked = entry
        .get("revoked")
        .map(|revoked| Revoked::deserialize(revoked).map_err(|_| ManifestError::Shape))
        .transpose()?;
    Ok(ManifestKey { public, node_use, iat: seconds(entry, "iat")?, nbf, exp, revoked })
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str, ManifestError> {
    members.get(name).and_then(Value::as_str).ok_or(ManifestError::Shape)
}

fn seconds(members: &Map<String, Value>, name: &str) -> Result<i64, ManifestError> {
    members
        .get(name)
        .and_then(Value::as_i64)
        .filter(|seconds| (0..=253_402_300_799).contains(seconds))
        .ok_or(ManifestError::Shape)
}
