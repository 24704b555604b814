//! Sealing: free text, names, contacts, contents and keys lie in the database only as AEAD under the data key.
//!
//! AES-256-GCM with a random nonce from the operating system; the additional data names the place (table and column) and
//! the row, so sealed octets that are moved to another place or row do not open. Values that have to be found again
//! (an e-mail address) are looked up by a keyed digest. Both keys are derived from the data key, which itself is used
//! for nothing else and never enters the database.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::StoreError;

const KEY_LEN: usize = 32;
/// Begins a sealed value in a column of text. No signed token begins so: these letters decode to no JSON.
const TEXT_MARK: &str = "s1.";

/// The key that everything sealed is sealed under: 32 octets. It belongs in a key file, never beside a backup.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DataKey([u8; KEY_LEN]);

/// A text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a data key is 64 hexadecimal digits")]
pub struct NotADataKey;

impl DataKey {
    /// From its octets.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// A new one, from the operating system's random numbers.
    ///
    /// # Errors
    /// [`StoreError::Encryption`] when there are none.
    pub fn generate() -> Result<Self, StoreError> {
        let mut bytes = [0; KEY_LEN];
        random(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// As a key file holds it: 64 hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(2 * KEY_LEN));
        for byte in self.0 {
            for nibble in [byte >> 4, byte & 0x0f] {
                text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
        }
        text
    }

    /// From a key file; white space around the digits is allowed.
    ///
    /// # Errors
    /// `NotADataKey`.
    pub fn from_hex(text: &str) -> Result<Self, NotADataKey> {
        let (pairs, surplus) = text.trim().as_bytes().as_chunks::<2>();
        if pairs.len() != KEY_LEN || !surplus.is_empty() {
            return Err(NotADataKey);
        }
        let mut key = Self([0; KEY_LEN]);
        for (to, pair) in key.0.iter_mut().zip(pairs) {
            for digit in pair {
                let nibble = char::from(*digit).to_digit(16).and_then(|nibble| u8::try_from(nibble).ok());
                *to = (*to << 4) | nibble.ok_or(NotADataKey)?;
            }
        }
        Ok(key)
    }

    /// A key for one purpose: nothing is ever encrypted under the data key itself.
    pub(super) fn derived(&self, salt: &[u8], purpose: &[u8]) -> Result<Zeroizing<[u8; KEY_LEN]>, StoreError> {
        let failed = |_| StoreError::Encryption { doing: "deriving keys from the data key" };
        let mut key = Zeroizing::new([0; KEY_LEN]);
        let from = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(&self.0);
        from.expand(&[purpose], KeyLength).and_then(|okm| okm.fill(key.as_mut_slice())).map_err(failed)?;
        Ok(key)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

/// Fills octets from the operating system's random numbers.
pub(super) fn random(octets: &mut [u8]) -> Result<(), StoreError> {
    rand::fill(octets).map_err(|_| StoreError::Encryption { doing: "making random octets" })
}

/// The length of what [`hkdf`] is asked for.
struct KeyLength;

impl hkdf::KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY_LEN
    }
}

/// Seals and opens under keys derived from the data key.
pub(super) struct Seal {
    sealing: RandomizedNonceKey,
    lookup: hmac::Key,
}

impl Seal {
    pub(super) fn new(data_key: &DataKey) -> Result<Self, StoreError> {
        let derived = |purpose| data_key.derived(b"tocsin data key", purpose);
        let (sealing, lookup) = (derived(b"seal 1")?, derived(b"look up 1")?);
        let failed = |_| StoreError::Encryption { doing: "deriving keys from the data key" };
        let sealing = RandomizedNonceKey::new(&AES_256_GCM, sealing.as_slice()).map_err(failed)?;
        Ok(Self { sealing, lookup: hmac::Key::new(hmac::HMAC_SHA256, lookup.as_slice()) })
    }

    /// Seals octets for one row: nonce, ciphertext, tag. `place` is table and column, `row` the row's key.
    pub(super) fn seal(&self, place: &'static str, row: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let failed = |_| StoreError::Encryption { doing: "sealing" };
        let mut text = plain.to_vec();
        let bound_to = Aad::from(associated(place, row));
        let nonce = self.sealing.seal_in_place_append_tag(bound_to, &mut text).map_err(failed)?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + text.len());
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut text);
        Ok(sealed)
    }

    /// Opens what [`Seal::seal`] gave for the same place and row.
    pub(super) fn open(&self, place: &'static str, row: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let corrupt = || StoreError::Corrupt { table: place, what: "sealed octets do not open" };
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(corrupt)?;
        let mut text = text.to_vec();
        let bound_to = Aad::from(associated(place, row));
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.sealing.open_in_place(nonce, bound_to, &mut text).map_err(|_| corrupt())?.len();
        text.truncate(length);
        Ok(text)
    }

    /// Seals a value as JSON.
    pub(super) fn seal_json<T: Serialize>(
        &self,
        place: &'static str,
        row: &[u8],
        value: &T,
    ) -> Result<Vec<u8>, StoreError> {
        let plain = serde_json::to_vec(value).map_err(StoreError::corrupt(place, "a value that has no JSON"))?;
        self.seal(place, row, &plain)
    }

    /// Opens what [`Seal::seal_json`] gave.
    pub(super) fn open_json<T: DeserializeOwned>(
        &self,
        place: &'static str,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<T, StoreError> {
        let plain = self.open(place, row, sealed)?;
        serde_json::from_slice(&plain).map_err(StoreError::corrupt(place, "sealed JSON of another form"))
    }

    /// Seals a value that lies in a column of text: a mark, then the octets in base64url.
    pub(super) fn seal_text(&self, place: &'static str, row: &[u8], plain: &str) -> Result<String, StoreError> {
        let mut text = TEXT_MARK.to_owned();
        URL_SAFE_NO_PAD.encode_string(self.seal(place, row, plain.as_bytes())?, &mut text);
        Ok(text)
    }

    /// Opens what [`Seal::seal_text`] gave. What an earlier version kept plain has no mark and is taken as it is.
    pub(super) fn open_text(&self, place: &'static str, row: &[u8], stored: String) -> Result<String, StoreError> {
        let Some(sealed) = stored.strip_prefix(TEXT_MARK) else { return Ok(stored) };
        let octets =
            URL_SAFE_NO_PAD.decode(sealed).map_err(StoreError::corrupt(place, "sealed text in no base64url"))?;
        String::from_utf8(self.open(place, row, &octets)?)
            .map_err(StoreError::corrupt(place, "sealed text in no UTF-8"))
    }

    /// Finds, with `LIKE`, texts that are sealed.
    pub(super) fn sealed_texts() -> String {
        format!("{TEXT_MARK}%")
    }

    /// A keyed digest to find a sealed value again: equal texts for one purpose give equal digests, and nobody without
    /// the data key can try out guesses.
    pub(super) fn lookup(&self, purpose: &'static str, text: &str) -> Vec<u8> {
        hmac::sign(&self.lookup, &associated(purpose, text.as_bytes())).as_ref().to_vec()
    }
}

/// Place and row in one unambiguous run of octets: no place holds a zero octet.
fn associated(place: &str, row: &[u8]) -> Vec<u8> {
    [place.as_bytes(), &[0], row].concat()
}
