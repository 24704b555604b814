//! Keys, their names, and the digits people read to each other.
//!
//! Promises: a [`PublicKey`] is a canonical Ed25519 point that is not of small order, so a signature under it binds its
//! owner; its name is its RFC 7638 thumbprint and nothing else; a [`SigningKey`] serves one purpose.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey as DalekSigningKey, VerifyingKey};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::values::{from_base64url, to_base64url};

/// A private key as 32 octets (RFC 8032 §5.1.5), overwritten when dropped. The caller draws it from a secure source.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; 32]);

impl Seed {
    /// Takes the 32 octets over.
    #[must_use]
    pub const fn new(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// The 32 octets, to be sealed or signed with.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// What a key may sign (protocol §3). One key, one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyUse {
    /// Party cards and key manifests. Pinned by partners; never listed in a manifest.
    #[serde(skip)]
    Identity,
    /// Messages, receipts and poll tokens.
    Set,
    /// Checkpoints of the ledger.
    Log,
    /// Standard Webhooks `v1a`.
    Webhook,
}

/// Why a public key was refused on import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Not 32 octets in base64url without padding.
    #[error("the key is not 32 octets in base64url")]
    Form,
    /// No point of the curve, or a spelling of one that is not its canonical one (RFC 8032 §5.1.3).
    #[error("the key is not the canonical encoding of a point")]
    NotCanonical,
    /// A point of small order: one signature would fit every message, and its owner could deny everything.
    #[error("the key is of small order")]
    Weak,
}

/// An Ed25519 public key that passed every check on import, with its name.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    thumbprint: String,
}

impl PublicKey {
    /// From the JWK member `x` (RFC 8037 §2): 43 characters of base64url.
    ///
    /// # Errors
    /// [`BadKey`] by form, canonical encoding or order.
    pub fn from_x(x: &str) -> Result<Self, BadKey> {
        let octets = from_base64url(x).and_then(|octets| <[u8; 32]>::try_from(octets).ok()).ok_or(BadKey::Form)?;
        Self::from_octets(&octets)
    }

    /// From 32 octets.
    ///
    /// # Errors
    /// [`BadKey`] by canonical encoding or order.
    pub fn from_octets(octets: &[u8; 32]) -> Result<Self, BadKey> {
        let key = VerifyingKey::from_bytes(octets).map_err(|_| BadKey::NotCanonical)?;
        // Decompression also takes y at or above the field's prime; compressing again shows the one spelling.
        if key.to_edwards().compress().as_bytes() != octets {
            return Err(BadKey::NotCanonical);
        }
        if key.is_weak() {
            return Err(BadKey::Weak);
        }
        Ok(Self { key, thumbprint: thumbprint(octets) })
    }

    /// The JWK member `x`.
    #[must_use]
    pub fn x(&self) -> String {
        to_base64url(self.key.as_bytes())
    }

    /// The 32 octets.
    #[must_use]
    pub fn octets(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The key's name: its RFC 7638 SHA-256 thumbprint, 43 characters of base64url. Used as `kid`.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Strict verification: S below the group order, key and R not of small order.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.thumbprint).finish()
    }
}

/// RFC 7638 §3 over the members RFC 8037 §2 requires, in their order.
fn thumbprint(octets: &[u8; 32]) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, to_base64url(octets));
    to_base64url(&Sha256::digest(members.as_bytes()))
}

/// A private key with its purpose and name. The seed part is overwritten on drop; the copy inside `jsonwebtoken`'s key
/// is not, because that library offers no way to.
pub struct SigningKey {
    purpose: KeyUse,
    public: PublicKey,
    key: DalekSigningKey,
    encoded: EncodingKey,
}

impl SigningKey {
    /// From a 32-octet seed, drawn by the caller.
    ///
    /// # Errors
    /// [`BadKey::Weak`] for a seed whose public key would be refused by every partner. No known seed does this.
    pub fn from_seed(seed: &[u8; 32], purpose: KeyUse) -> Result<Self, BadKey> {
        let key = DalekSigningKey::from_bytes(seed);
        Ok(Self {
            purpose,
            public: PublicKey::from_octets(key.verifying_key().as_bytes())?,
            encoded: EncodingKey::from_ed_der(&pkcs8(seed)),
            key,
        })
    }

    /// What this key may sign.
    #[must_use]
    pub const fn purpose(&self) -> KeyUse {
        self.purpose
    }

    /// The key's name, the `kid` of what it signs.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.public.thumbprint()
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Ed25519 over these octets. Signed by the fast library; the other one answers should it fail, with the same
    /// octets, because Ed25519 is deterministic.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        jsonwebtoken::crypto::sign(message, &self.encoded, Algorithm::EdDSA)
            .ok()
            .and_then(|text| from_base64url(&text))
            .and_then(|octets| <[u8; 64]>::try_from(octets).ok())
            .unwrap_or_else(|| self.key.sign(message).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("purpose", &self.purpose).field("kid", &self.kid()).finish_non_exhaustive()
    }
}

/// PKCS#8 version 1 (RFC 8410 §7): a fixed prefix and the seed.
fn pkcs8(seed: &[u8; 32]) -> zeroize::Zeroizing<Vec<u8>> {
    const PREFIX: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let mut der = zeroize::Zeroizing::new(Vec::with_capacity(48));
    der.extend_from_slice(&PREFIX);
    der.extend_from_slice(seed);
    der
}

/// The eight groups of five digits that two people compare when they pair (protocol §15), for the party with this issuer
/// and this identity thumbprint. `79183 85234 75398 29113 83487 90086 84970 34971`
#[must_use]
pub fn fingerprint(issuer: &str, identity_thumbprint: &str) -> String {
    let digest = Sha512::digest(format!("tocsin-pairing-v1\n{issuer}\n{identity_thumbprint}"));
    digest
        .chunks_exact(5)
        .take(8)
        .map(|five| {
            let number = five.iter().fold(0_u64, |number, octet| (number << 8) | u64::from(*octet));
            format!("{:05}", number % 100_000)
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether the typed digits are that party's fingerprint. Spaces, line ends and dashes between digits are ignored;
/// anything else makes it wrong. The comparison takes the same time for every wrong digit.
#[must_use]
pub fn fingerprint_matches(typed: &str, issuer: &str, identity_thumbprint: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{2010}'..='\u{2014}')).take(41).collect()
    };
    let expected = plain(&fingerprint(issuer, identity_thumbprint));
    plain(typed).as_bytes().ct_eq(expected.as_bytes()).into()
}

/// The name of the messages from one issuer to another (protocol §2): lower-case hex of the first 16 octets of
/// SHA-256(`sender` LF `receiver`).
#[must_use]
pub fn stream_id(sender: &str, receiver: &str) -> String {
    Sha256::digest(format!("{sender}\n{receiver}")).iter().take(16).map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{
        KeyUse, PublicKey, Seed, Signature, SigningKey, VerifyingKey, fingerprint, fingerprint_matches, from_base64url,
    };
    use ed25519_dalek::Signer as _;

    #[test]
    fn both_libraries_sign_the_same_octets() {
        for n in 0..32_u8 {
            let key = SigningKey::from_seed(&[n; 32], KeyUse::Set).unwrap();
            let message = vec![n; usize::from(n) * 7];
            assert_eq!(key.sign(&message), key.key.sign(&message).to_bytes());
            assert!(key.public().verifies(&message, &key.sign(&message)));
            // The fast library really is the one that answers.
            assert!(jsonwebtoken::crypto::sign(&message, &key.encoded, jsonwebtoken::Algorithm::EdDSA).is_ok());
        }
    }

    /// RFC 8037 A.4: signed and verified under the key of A.1.
    #[test]
    fn the_signature_of_the_rfc_verifies() {
        let key = PublicKey::from_x("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let signature =
            from_base64url("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
                .unwrap();
        let input = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        assert!(key.verifies(input, &signature.try_into().unwrap()));
    }

    /// A key of small order would take one signature for every message; strict verification takes none.
    #[test]
    fn strict_verification_takes_no_universal_signature() {
        let mut weak = [0_u8; 32];
        weak[0] = 1;
        let mut universal = [0_u8; 64];
        universal[0] = 1;
        let key = VerifyingKey::from_bytes(&weak).unwrap();
        let signature = Signature::from_bytes(&universal);
        assert!(key.is_weak());
        assert!(key.verify_strict(b"anything", &signature).is_err());
    }

    #[test]
    fn typed_digits_may_be_spaced_as_people_space_them() {
        let digits = fingerprint("https://node-a.example", "t");
        let run = digits.replace(' ', "");
        for typed in
            [digits.clone(), run.clone(), digits.replace(' ', "-"), digits.replace(' ', " – "), format!(" {digits}\n")]
        {
            assert!(fingerprint_matches(&typed, "https://node-a.example", "t"), "{typed}");
        }
        for typed in [
            String::new(),
            run.chars().take(39).collect(),
            format!("{run}0"),
            format!("{run}{run}"),
            digits.replacen(char::is_numeric, "x", 1),
        ] {
            assert!(!fingerprint_matches(&typed, "https://node-a.example", "t"), "{typed}");
        }
        assert!(!fingerprint_matches(&digits, "https://node-b.example", "t"));
    }

    #[test]
    fn secrets_are_not_printed() {
        let seed = Seed::new([7; 32]);
        assert_eq!(format!("{seed:?}"), "Seed(..)");
        let key = SigningKey::from_seed(seed.octets(), KeyUse::Log).unwrap();
        assert!(!format!("{key:?}").contains("7, 7"));
    }
}
