//! Checkpoints: a node's signed statement of how far its ledger reached (protocol §18), so that each party keeps a
//! witness of the other's history.
//!
//! The format is the C2SP signed note with a tlog-checkpoint inside: three lines (origin, size, root in base64), an empty
//! line, signature lines. Only signature type 0x01 (Ed25519) under the log key is judged here; other lines are other
//! people's and are passed over.

use sha2::{Digest as _, Sha256};

use crate::keys::{PublicKey, SigningKey};
use crate::values::{from_base64, to_base64};

/// The longest note read, in octets: it travels as one JSON string (protocol §20).
pub const MAX_NOTE: usize = 8_000;
/// The most signature lines looked at.
const MAX_SIGNATURES: usize = 16;
const ED25519: u8 = 0x01;

/// What a checkpoint states: the number of entries and the RFC 6962 root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Entries in the ledger.
    pub size: u64,
    /// RFC 6962 tree head.
    pub root: [u8; 32],
}

/// Why a checkpoint is not believed. Never a reason to refuse the message it came in (protocol §18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a signed note with three lines of text.
    #[error("not a checkpoint")]
    Form,
    /// Another ledger's name.
    #[error("the origin is another ledger's")]
    WrongOrigin,
    /// No line signed under this key and name verifies.
    #[error("no signature under the expected key verifies")]
    BadSignature,
}

/// The ledger's name for an issuer: its host (and port, if any) and `/log`.
#[must_use]
pub fn origin_of(issuer: &str) -> String {
    let host = issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://")).unwrap_or(issuer);
    format!("{host}/log")
}

/// The first 4 octets of SHA-256(name LF 0x01 key): which key a signature line is meant for.
#[must_use]
pub fn key_hash(origin: &str, key: &PublicKey) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(origin.as_bytes());
    hasher.update([b'\n', ED25519]);
    hasher.update(key.octets());
    let [a, b, c, d, ..] = <[u8; 32]>::from(hasher.finalize());
    [a, b, c, d]
}

/// The key in the spelling of note tools: `name+hash+base64(0x01 key)`.
#[must_use]
pub fn verifier_key(origin: &str, key: &PublicKey) -> String {
    let mut tagged = vec![ED25519];
    tagged.extend_from_slice(key.octets());
    let hash = u32::from_be_bytes(key_hash(origin, key));
    format!("{origin}+{hash:08x}+{}", to_base64(&tagged))
}

/// Signs a statement about the ledger named `origin`. The caller makes sure that it extends every earlier one.
#[must_use]
pub fn sign_checkpoint(origin: &str, size: u64, root: &[u8; 32], key: &SigningKey) -> String {
    let text = format!("{origin}\n{size}\n{}\n", to_base64(root));
    let mut signature = key_hash(origin, key.public()).to_vec();
    signature.extend_from_slice(&key.sign(text.as_bytes()));
    format!("{text}\n— {origin} {}\n", to_base64(&signature))
}

/// Reads a note and checks it under the key: origin, form, and at least one signature line by this key that verifies.
///
/// # Errors
/// [`CheckpointError`].
pub fn verify_checkpoint(note: &str, origin: &str, key: &PublicKey) -> Result<Checkpoint, CheckpointError> {
    if note.len() > MAX_NOTE {
        return Err(CheckpointError::Form);
    }
    let (text, signatures) = note.rsplit_once("\n\n").ok_or(CheckpointError::Form)?;
    let signatures = signatures.strip_suffix('\n').ok_or(CheckpointError::Form)?;
    let mut lines = text.split('\n');
    let (Some(named), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next()) else {
        return Err(CheckpointError::Form);
    };
    let size = read_size(size).ok_or(CheckpointError::Form)?;
    let root = from_base64(root).and_then(|octets| <[u8; 32]>::try_from(octets).ok()).ok_or(CheckpointError::Form)?;
    if named != origin {
        return Err(CheckpointError::WrongOrigin);
    }
    let signed = format!("{text}\n");
    let hash = key_hash(origin, key);
    let verified = signatures
        .split('\n')
        .take(MAX_SIGNATURES)
        .filter_map(|line| read_signature(line, origin, hash))
        .any(|signature| key.verifies(signed.as_bytes(), &signature));
    if verified { Ok(Checkpoint { size, root }) } else { Err(CheckpointError::BadSignature) }
}

/// Decimal without leading zeros.
fn read_size(text: &str) -> Option<u64> {
    let size = text.parse::<u64>().ok()?;
    (size.to_string() == text).then_some(size)
}

/// The 64 octets of a line meant for this name and key; `None` for everybody else's.
fn read_signature(line: &str, origin: &str, hash: [u8; 4]) -> Option<[u8; 64]> {
    let (name, text) = line.strip_prefix("— ")?.split_once(' ')?;
    let octets = from_base64(text)?;
    let (for_key, signature) = octets.split_first_chunk::<4>()?;
    (name == origin && *for_key == hash).then(|| <[u8; 64]>::try_from(signature).ok()).flatten()
}
