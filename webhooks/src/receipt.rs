//! Receipts: *these exact octets from you were verified and durably stored at this moment* (protocol §8).
//!
//! A receipt is made only for a message that passed every check, never for another receipt. A sender believes one only if
//! it names a message it sent, by the hash of a version it sent, from the peer it sent it to.

use uuid::Uuid;

use crate::message::{Chain, Event, Head, Receipt, ReceiptOf};
use crate::push::{self, PeerKeys, VerifiedSet};
use crate::refusal::Refusal;
use crate::set::{BuildError, Claims, build_payload};
use crate::values::{CLOCK_SKEW_SECONDS, Digest};

/// The one word that is a proof.
pub const STORED: &str = "stored";

/// What the receiver states beyond the message itself, as it stands in the storing transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storing {
    /// Id of the receipt, fresh.
    pub jti: Uuid,
    /// The moment of durable storage in unix seconds, rounded up. Becomes `iat` and `toe`.
    pub stored_at: i64,
    /// Whether the message fits what came before it.
    pub chain: Chain,
    /// How far the sender's stream is held, this message included.
    pub head: Head,
    /// Numbers below the head that are not held; the lowest 100 are named.
    pub missing: Vec<u64>,
    /// The receiver's newest signed checkpoint.
    pub checkpoint: String,
}

/// Why no receipt was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoReceipt {
    /// The message is a receipt itself.
    #[error("no receipt answers a receipt")]
    ForReceipt,
    /// It would be refused by the sender.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// The payload of the receipt for a verified message, to be signed by [`crate::set::sign_set`]. Sender, receiver, case and
/// hash come from the message, so that they cannot be mixed up.
///
/// # Errors
/// [`NoReceipt::ForReceipt`], or [`NoReceipt::Build`] if the statement itself is impossible.
pub fn build_receipt(answered: &VerifiedSet, storing: Storing) -> Result<Vec<u8>, NoReceipt> {
    if matches!(answered.event(), Event::Receipt(_)) {
        return Err(NoReceipt::ForReceipt);
    }
    let of = answered.claims();
    let mut missing = storing.missing;
    missing.sort_unstable();
    missing.truncate(crate::message::MAX_MISSING);
    let claims = Claims {
        iss: of.aud.clone(),
        aud: of.iss.clone(),
        iat: storing.stored_at,
        jti: storing.jti,
        txn: of.txn.clone(),
        sub_id: of.sub_id.clone(),
        toe: Some(storing.stored_at),
    };
    let receipt = Receipt {
        of: ReceiptOf { iss: of.iss.clone(), jti: of.jti, seq: answered.event().sequence().map(|(seq, _)| seq) },
        set_sha256: answered.set_sha256(),
        status: STORED.to_owned(),
        chain: storing.chain,
        head: storing.head,
        missing,
        checkpoint: storing.checkpoint,
    };
    Ok(build_payload(&claims, &Event::Receipt(receipt))?)
}

/// What the sender knows of the message a receipt should be for.
#[derive(Debug, Clone, Copy)]
pub struct Expectation<'a> {
    /// The message's id.
    pub jti: Uuid,
    /// Its number; `None` for a heartbeat.
    pub seq: Option<u64>,
    /// SHA-256 of every version transmitted (protocol §9, re-signing).
    pub set_sha256: &'a [Digest],
    /// When it was first sent, in unix seconds.
    pub first_attempt: i64,
}

/// Why a receipt was not believed. The item stays open and people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// It breaks a rule every message is under.
    #[error("the receipt is not acceptable: {0}")]
    Refused(Refusal),
    /// A message, but no receipt.
    #[error("the token is not a receipt")]
    NotAReceipt,
    /// For another message, or another sender's.
    #[error("the receipt is for another message")]
    OtherMessage,
    /// For octets never transmitted.
    #[error("the receipt is for other octets")]
    OtherOctets,
    /// A status other than `stored`.
    #[error("the receipt does not say stored")]
    UnknownStatus,
    /// Stored before the first attempt or after now, by more than 300 s.
    #[error("the receipt's moment of storage is not possible")]
    ImpossibleTime,
}

/// A receipt that proves storage of one message we sent. Made here only.
#[derive(Debug, Clone)]
pub struct VerifiedReceipt {
    set: VerifiedSet,
    receipt: Receipt,
    toe: i64,
}

impl VerifiedReceipt {
    /// What it states.
    #[must_use]
    pub const fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// When the peer stored the message, by the peer's clock, in unix seconds.
    #[must_use]
    pub const fn toe(&self) -> i64 {
        self.toe
    }

    /// The signed message it is: octets, hashes, key.
    #[must_use]
    pub const fn set(&self) -> &VerifiedSet {
        &self.set
    }
}

/// Judges the receipt token that came with a 2xx, at `now` in unix seconds (protocol §8).
///
/// # Errors
/// [`ReceiptError`].
pub fn check_receipt(
    token: &[u8],
    peer: &PeerKeys<'_>,
    own_issuer: &str,
    expected: &Expectation<'_>,
    now: i64,
) -> Result<VerifiedReceipt, ReceiptError> {
    let opened = push::open(token).map_err(ReceiptError::Refused)?;
    let set =
        push::verify(&opened, peer, own_issuer, now).map_err(|rejected| ReceiptError::Refused(rejected.refusal))?;
    match_receipt(set, expected, now)
}

/// Judges a receipt that arrived as a message of its own: the second half of [`check_receipt`].
///
/// # Errors
/// [`ReceiptError`].
pub fn match_receipt(set: VerifiedSet, expected: &Expectation<'_>, now: i64) -> Result<VerifiedReceipt, ReceiptError> {
    let Event::Receipt(receipt) = set.event() else {
        return Err(ReceiptError::NotAReceipt);
    };
    let receipt = receipt.clone();
    let ours = receipt.of.iss == set.claims().aud && receipt.of.jti == expected.jti && receipt.of.seq == expected.seq;
    if !ours {
        return Err(ReceiptError::OtherMessage);
    }
    if !expected.set_sha256.contains(&receipt.set_sha256) {
        return Err(ReceiptError::OtherOctets);
    }
    if receipt.status != STORED {
        return Err(ReceiptError::UnknownStatus);
    }
    let earliest = expected.first_attempt.saturating_sub(CLOCK_SKEW_SECONDS);
    let latest = now.saturating_add(CLOCK_SKEW_SECONDS);
    let toe = set.claims().toe.filter(|toe| (earliest..=latest).contains(toe)).ok_or(ReceiptError::ImpossibleTime)?;
    Ok(VerifiedReceipt { set, receipt, toe })
}
