//! The node's own keys, and everything else that is drawn from the operating system's random numbers here.
//!
//! The identity key is sealed under a passphrase and used only to sign the card and the manifest, at set-up and when online
//! keys are replaced (ruling 18). The online keys are sealed by the store under the data key and read at start, and again
//! when they were replaced (`online`).

mod online;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{pbkdf2, rand};
use domain::report::Organisation;
use domain::values::{CaseId, Line, Moment};
use uuid::Uuid;
use webhooks::card::{Card, Contact, IdentityKey, Receive, Serve};
use webhooks::keys::{KeyUse, PublicKey, Seed, SigningKey};
use webhooks::manifest::{Manifest, ManifestKey};
use webhooks::values::Schemes;
use zeroize::Zeroizing;

pub use self::online::OnlineKeys;
pub(super) use self::online::StoredKeys;
use super::DoorError;

/// How long online keys are good for: a year and a month, inside the wire's 400 days.
pub(super) const KEY_LIFE_SECONDS: i64 = 396 * 86_400;
/// Work factor of the passphrase (OWASP's figure for PBKDF2 with HMAC-SHA-256).
const PASSPHRASE_ROUNDS: std::num::NonZeroU32 = std::num::NonZeroU32::new(600_000).unwrap();
const SALT_OCTETS: usize = 16;
/// Names the purpose of the sealed identity, so that these octets open as nothing else.
const IDENTITY_CONTEXT: &[u8] = b"tocsin identity key 1";
/// Letters and digits that can't be mistaken for each other on the telephone (Crockford's base 32).
const REFERENCE_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A new node's keys and documents, before they are stored.
pub(super) struct FreshKeys {
    /// Under the passphrase.
    pub(super) sealed_identity: Vec<u8>,
    pub(super) identity_kid: String,
    pub(super) set: (String, Seed),
    pub(super) log: (String, Seed),
    pub(super) webhook: (String, Seed),
    pub(super) valid_from: Moment,
    pub(super) valid_until: Moment,
    pub(super) manifest_token: String,
    pub(super) card_token: String,
}

/// Why own keys could not be made or loaded, in a fixed sentence.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("{0}")]
pub struct KeyFault(pub &'static str);

/// What the card says beside the keys.
pub(super) struct CardDetails<'a> {
    pub(super) issuer: &'a str,
    pub(super) organisation: &'a Organisation,
    /// Partners' nodes can call ours: the card names where.
    pub(super) reachable: bool,
    pub(super) schemes: Schemes,
}

/// Our card of this version, made at this instant, over this identity key.
pub(super) fn card(details: &CardDetails<'_>, identity: &PublicKey, version: u64, from: Moment) -> Card {
    let text = |line: &Option<Line>| line.as_ref().map(|line| line.as_str().to_owned());
    let contact = details.organisation.dpo.as_ref().unwrap_or(&details.organisation.contact);
    let issuer = details.issuer;
    Card {
        iss: issuer.to_owned(),
        iat: from.unix_seconds(),
        version,
        name: details.organisation.name.as_str().to_owned(),
        identity_key: IdentityKey::of(identity),
        receive: Receive { push: details.reachable.then(|| format!("{issuer}/ssf/events")) },
        serve: Serve { poll: Some(format!("{issuer}/ssf/poll")), keys: format!("{issuer}/jwks.jwt") },
        contacts: vec![Contact {
            role: contact.role.as_str().to_owned(),
            name: None,
            email: text(&contact.email),
            phone: text(&contact.phone),
        }],
        country: None,
        hosting: None,
    }
}

/// Draws an identity key and online keys, and signs card 1 and manifest 1.
pub(super) fn make(details: &CardDetails<'_>, passphrase: &str, now: Moment) -> Result<FreshKeys, KeyFault> {
    let weak = |_| KeyFault("a key that was drawn is not acceptable");
    let identity_seed = draw_seed()?;
    let identity = SigningKey::from_seed(identity_seed.octets(), KeyUse::Identity).map_err(weak)?;
    let (set_seed, log_seed, webhook_seed) = (draw_seed()?, draw_seed()?, draw_seed()?);
    let set = SigningKey::from_seed(set_seed.octets(), KeyUse::Set).map_err(weak)?;
    let log = SigningKey::from_seed(log_seed.octets(), KeyUse::Log).map_err(weak)?;
    let webhook = SigningKey::from_seed(webhook_seed.octets(), KeyUse::Webhook).map_err(weak)?;
    let from = now.floor_second();
    let until = from.plus_seconds(KEY_LIFE_SECONDS);
    let manifest = Manifest {
        iss: details.issuer.to_owned(),
        iat: from.unix_seconds(),
        version: 1,
        keys: [&set, &log, &webhook].map(|key| listing(key, from, until)).to_vec(),
    };
    let card_token = card(details, identity.public(), 1, from)
        .sign(&identity, details.schemes)
        .map_err(|_| KeyFault("the party card could not be signed"))?;
    Ok(FreshKeys {
        sealed_identity: seal_identity(&identity_seed, passphrase)?,
        identity_kid: identity.kid().to_owned(),
        set: (set.kid().to_owned(), set_seed),
        log: (log.kid().to_owned(), log_seed),
        webhook: (webhook.kid().to_owned(), webhook_seed),
        valid_from: from,
        valid_until: until,
        manifest_token: manifest.sign(&identity),
        card_token,
    })
}

/// A key as a manifest lists it.
pub(super) fn listing(key: &SigningKey, from: Moment, until: Moment) -> ManifestKey {
    ManifestKey {
        public: key.public().clone(),
        node_use: Some(key.purpose()),
        iat: from.unix_seconds(),
        nbf: from.unix_seconds(),
        exp: until.unix_seconds(),
        revoked: None,
    }
}

fn signing_key(seed: &[u8], purpose: KeyUse) -> Result<SigningKey, KeyFault> {
    let seed = <[u8; 32]>::try_from(seed).map(Zeroizing::new).map_err(|_| KeyFault("a stored key is damaged"))?;
    SigningKey::from_seed(&seed, purpose).map_err(|_| KeyFault("a stored key is damaged"))
}

fn draw<const N: usize>() -> Result<[u8; N], KeyFault> {
    let mut octets = [0_u8; N];
    rand::fill(&mut octets).map_err(|_| KeyFault("the operating system gave no random numbers"))?;
    Ok(octets)
}

/// A seed for a key.
pub(super) fn draw_seed() -> Result<Seed, KeyFault> {
    draw().map(Seed::new)
}

/// A case id that says nothing, not even when it was made: two partners of one incident can't match theirs (ruling 13).
pub(super) fn random_case() -> Result<CaseId, DoorError> {
    let octets = draw().map_err(|KeyFault(why)| DoorError::Invalid(why))?;
    Ok(CaseId::from_uuid(uuid::Builder::from_random_bytes(octets).into_uuid()))
}

/// Our reference towards one partner: eight letters and digits that are easy to read out.
pub(super) fn random_reference() -> Result<Line, DoorError> {
    let octets: [u8; 8] = draw().map_err(|KeyFault(why)| DoorError::Invalid(why))?;
    let mut text = String::from("TN-");
    for (place, octet) in octets.into_iter().enumerate() {
        if place == 4 {
            text.push('-');
        }
        let letter = REFERENCE_ALPHABET.get(usize::from(octet % 32)).copied().unwrap_or(b'0');
        text.push(char::from(letter));
    }
    Line::parse(&text).map_err(|_| DoorError::Invalid("the reference is not acceptable"))
}

/// An id for a form: 122 random bits, so that nobody can guess another person's.
pub(super) fn random_form() -> Result<Uuid, DoorError> {
    let octets = draw().map_err(|KeyFault(why)| DoorError::Invalid(why))?;
    Ok(uuid::Builder::from_random_bytes(octets).into_uuid())
}

/// Salt, nonce, then the seed under AES-256-GCM with a key stretched from the passphrase.
pub(super) fn seal_identity(seed: &Seed, passphrase: &str) -> Result<Vec<u8>, KeyFault> {
    let salt: [u8; SALT_OCTETS] = draw()?;
    let nonce: [u8; NONCE_LEN] = draw()?;
    let mut sealed = Zeroizing::new(seed.octets().to_vec());
    passphrase_key(passphrase, &salt)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(IDENTITY_CONTEXT), &mut *sealed)
        .map_err(|_| KeyFault("the identity key could not be sealed"))?;
    Ok([salt.as_slice(), nonce.as_slice(), sealed.as_slice()].concat())
}

/// Opens a sealed identity key: for signing a later card or manifest.
///
/// # Errors
/// [`KeyFault`] for a wrong passphrase, which looks the same as damaged octets.
pub fn open_identity(sealed: &[u8], passphrase: &str) -> Result<SigningKey, KeyFault> {
    signing_key(&identity_seed(sealed, passphrase)?, KeyUse::Identity)
}

/// The seed of a sealed identity key.
pub(super) fn identity_seed(sealed: &[u8], passphrase: &str) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    const WRONG: KeyFault = KeyFault("the passphrase does not open the identity key");
    let (salt, rest) = sealed.split_first_chunk::<SALT_OCTETS>().ok_or(WRONG)?;
    let (nonce, content) = rest.split_first_chunk::<NONCE_LEN>().ok_or(WRONG)?;
    let mut content = Zeroizing::new(content.to_vec());
    let length = passphrase_key(passphrase, salt)?
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(IDENTITY_CONTEXT), &mut content)
        .map_err(|_| WRONG)?
        .len();
    content.truncate(length);
    Ok(content)
}

fn passphrase_key(passphrase: &str, salt: &[u8]) -> Result<LessSafeKey, KeyFault> {
    let mut key = Zeroizing::new([0_u8; 32]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, PASSPHRASE_ROUNDS, salt, passphrase.as_bytes(), &mut *key);
    UnboundKey::new(&AES_256_GCM, &*key)
        .map(LessSafeKey::new)
        .map_err(|_| KeyFault("the identity key could not be sealed"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use webhooks::keys::{KeyUse, SigningKey};

    use super::{draw_seed, open_identity, random_case, random_reference, seal_identity};

    #[test]
    fn the_identity_key_opens_with_its_passphrase_only() {
        let seed = draw_seed().unwrap();
        let sealed = seal_identity(&seed, "correct horse").unwrap();
        let key = SigningKey::from_seed(seed.octets(), KeyUse::Identity).unwrap();
        assert_eq!(open_identity(&sealed, "correct horse").unwrap().kid(), key.kid());
        assert!(open_identity(&sealed, "wrong horse").is_err());
        let mut damaged = sealed;
        *damaged.last_mut().unwrap() ^= 1;
        assert!(open_identity(&damaged, "correct horse").is_err());
    }

    #[test]
    fn case_ids_carry_no_time_and_references_no_order() {
        assert_eq!(random_case().unwrap().uuid().get_version_num(), 4);
        let (a, b) = (random_reference().unwrap(), random_reference().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.as_str().len(), "TN-XXXX-XXXX".len());
    }
}
