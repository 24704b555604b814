//! Ledger arithmetic (protocol §18): salted content digests, chained entries, the RFC 6962 tree, checkpoint bodies and
//! proofs. Pure: nothing is stored, signed or read here.
//!
//! Two structures stand over the same octets. The chain (`prev`) is what anybody can follow by hand; the tree gives
//! short proofs and one root to sign. An entry commits to SHA-256(salt ‖ object), so that salt and object can be erased
//! at the end of retention while chain and tree still verify.
//!
//! Complete subtrees are named `(level, index)`: the one over leaves `index << level` up to `(index + 1) << level`.
//! [`Frontier::push`] gives every one that a new leaf completes, once; kept, they answer any later proof.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::values::{Digest32, Moment};

/// Version of the entry format.
const ENTRY_VERSION: u8 = 1;
const LEAF_PREFIX: [u8; 1] = [0];
const NODE_PREFIX: [u8; 1] = [1];
const DIGEST_LEN: usize = 32;
const SIZE_LEN: usize = 8;

/// The octets of an entry: compact JSON, members in the order of protocol §18, `at` in whole seconds, UTC. These exact
/// octets are stored and hashed.
#[must_use]
pub fn entry_octets(n: u64, at: Moment, kind: &str, prev: Option<Digest32>, content: Digest32) -> String {
    let kind = serde_json::Value::from(kind);
    let prev = prev.map_or_else(|| "null".to_owned(), |prev| format!("\"{prev}\""));
    let at = at.to_wire();
    format!(r#"{{"v":{ENTRY_VERSION},"n":{n},"at":"{at}","type":{kind},"prev":{prev},"content":"{content}"}}"#)
}

/// What an entry commits to: SHA-256(salt ‖ the exact object).
#[must_use]
pub fn content_digest(salt: &[u8; 16], object: &[u8]) -> Digest32 {
    sha256(&[salt, object])
}

/// The leaf of an entry: SHA-256(0x00 ‖ octets) (RFC 6962, section 2.1).
#[must_use]
pub fn leaf_hash(octets: &[u8]) -> Digest32 {
    sha256(&[&LEAF_PREFIX, octets])
}

/// An inner node: SHA-256(0x01 ‖ left ‖ right) (RFC 6962, section 2.1).
#[must_use]
pub fn node_hash(left: Digest32, right: Digest32) -> Digest32 {
    sha256(&[&NODE_PREFIX, left.as_bytes(), right.as_bytes()])
}

fn sha256(parts: &[&[u8]]) -> Digest32 {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    Digest32::from_bytes(hasher.finalize().into())
}

/// A complete subtree: level (0 for a leaf), index within the level, hash.
pub type Node = (u8, u64, Digest32);

/// Stored octets are not a frontier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these octets are not a tree frontier")]
pub struct NotAFrontier;

/// The right edge of a tree: its size and the roots of its complete subtrees, largest first, one per bit set in the size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Digest32>,
}

impl Frontier {
    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf hash and gives every complete subtree that it completes, the leaf itself first.
    pub fn push(&mut self, leaf: Digest32) -> Vec<Node> {
        let mut made: Vec<Node> = vec![(0, self.size, leaf)];
        let (mut level, mut index, mut hash) = (0_u8, self.size, leaf);
        while index % 2 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(left, hash);
            level += 1;
            index /= 2;
            made.push((level, index, hash));
        }
        self.peaks.push(hash);
        self.size += 1;
        made
    }

    /// The root over all leaves; SHA-256 of nothing for the empty tree (RFC 6962, section 2.1).
    #[must_use]
    pub fn root(&self) -> Digest32 {
        self.peaks.iter().rev().copied().reduce(|right, left| node_hash(left, right)).unwrap_or_else(|| sha256(&[]))
    }

    /// As stored: the size in eight octets, big-endian, then the subtree roots.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let peaks = self.peaks.iter().flat_map(|peak| peak.as_bytes());
        self.size.to_be_bytes().iter().chain(peaks).copied().collect()
    }

    /// From what [`Frontier::to_bytes`] gave.
    ///
    /// # Errors
    /// [`NotAFrontier`] when the octets do not fit the size that they state.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotAFrontier> {
        let (size, rest) = bytes.split_first_chunk::<SIZE_LEN>().ok_or(NotAFrontier)?;
        let size = u64::from_be_bytes(*size);
        let (peaks, surplus) = rest.as_chunks::<DIGEST_LEN>();
        let fits = u32::try_from(peaks.len()).is_ok_and(|peaks| peaks == size.count_ones());
        if !fits || !surplus.is_empty() {
            return Err(NotAFrontier);
        }
        Ok(Self { size, peaks: peaks.iter().copied().map(Digest32::from_bytes).collect() })
    }
}

/// The root over some leaf hashes.
#[must_use]
pub fn root_of(leaves: impl IntoIterator<Item = Digest32>) -> Digest32 {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(leaf);
    }
    frontier.root()
}

/// The largest power of two below `size`, which must be 2 or more.
const fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}

/// The hash over leaves `start` to `start + len`; `start` is aligned to it. At most 64 deep.
fn subtree(start: u64, len: u64, node: &mut impl FnMut(u8, u64) -> Option<Digest32>) -> Option<Digest32> {
    if len.is_power_of_two() {
        let level = u8::try_from(len.trailing_zeros()).ok()?;
        return node(level, start >> level);
    }
    let left = split(len);
    Some(node_hash(subtree(start, left, node)?, subtree(start + left, len - left, node)?))
}

/// The audit path of leaf `index` in the tree of the first `size` leaves, nearest first (RFC 6962, section 2.1.1).
/// `node` looks up complete subtrees by level and index. `None` when the leaf is outside, or a lookup fails.
pub fn inclusion_path(
    index: u64,
    size: u64,
    mut node: impl FnMut(u8, u64) -> Option<Digest32>,
) -> Option<Vec<Digest32>> {
    if index >= size {
        return None;
    }
    let mut path = Vec::new();
    let (mut start, mut len) = (0, size);
    while len > 1 {
        let left = split(len);
        if index - start < left {
            path.push(subtree(start + left, len - left, &mut node)?);
            len = left;
        } else {
            path.push(subtree(start, left, &mut node)?);
            start += left;
            len -= left;
        }
    }
    path.reverse();
    Some(path)
}

/// Whether `path` shows that `leaf` is at `index` in the tree of `size` leaves with this root (RFC 9162, 2.1.3.2).
#[must_use]
pub fn verify_inclusion(leaf: Digest32, index: u64, size: u64, path: &[Digest32], root: Digest32) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = leaf;
    for step in path {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            hash = node_hash(*step, hash);
            while at % 2 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(hash, *step);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == root
}

/// The proof that the tree of the first `old` leaves is a beginning of the tree of the first `size` (RFC 6962, section
/// 2.1.2); empty when they are the same. `None` when `old` is 0 or above `size`, or a lookup fails.
pub fn consistency_path(
    old: u64,
    size: u64,
    mut node: impl FnMut(u8, u64) -> Option<Digest32>,
) -> Option<Vec<Digest32>> {
    if old == 0 || old > size {
        return None;
    }
    let mut path = Vec::new();
    let (mut start, mut len) = (0, size);
    while old - start != len {
        let left = split(len);
        if old - start <= left {
            path.push(subtree(start + left, len - left, &mut node)?);
            len = left;
        } else {
            path.push(subtree(start, left, &mut node)?);
            start += left;
            len -= left;
        }
    }
    if start != 0 {
        path.push(subtree(start, len, &mut node)?);
    }
    path.reverse();
    Some(path)
}

/// Whether `path` shows that the tree (`old`, `old_root`) is a beginning of (`size`, `root`) (RFC 9162, 2.1.4.2).
#[must_use]
pub fn verify_consistency(old: u64, size: u64, path: &[Digest32], old_root: Digest32, root: Digest32) -> bool {
    if old == size {
        return path.is_empty() && old_root == root;
    }
    if old == 0 || old > size {
        return false;
    }
    let mut steps = path.iter().copied();
    let first = if old.is_power_of_two() { Some(old_root) } else { steps.next() };
    let Some(first) = first else { return false };
    let (mut at, mut last) = (old - 1, size - 1);
    while at % 2 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut older, mut newer) = (first, first);
    for step in steps {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            older = node_hash(step, older);
            newer = node_hash(step, newer);
            while at % 2 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            newer = node_hash(newer, step);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && older == old_root && newer == root
}

/// The text of a checkpoint without signatures: origin, size and base64 root, a line each (C2SP tlog-checkpoint).
#[must_use]
pub fn checkpoint_body(origin: &str, size: u64, root: Digest32) -> String {
    format!("{origin}\n{size}\n{}\n", STANDARD.encode(root.as_bytes()))
}

/// Why a run of entries is not one unbroken ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Not an entry of this format.
    #[error("entry {n} is not a ledger entry")]
    NotAnEntry {
        /// Its place, from 0.
        n: u64,
    },
    /// Its number is not its place.
    #[error("entry {n} carries another number")]
    OutOfPlace {
        /// Its place, from 0.
        n: u64,
    },
    /// It does not name the entry before it.
    #[error("entry {n} does not follow from the entry before it")]
    NotChained {
        /// Its place, from 0.
        n: u64,
    },
    /// It is dated before the entry before it (ruling 2).
    #[error("entry {n} is dated before the entry before it")]
    TimeRunsBack {
        /// Its place, from 0.
        n: u64,
    },
}

/// An unbroken ledger from its first entry on. The last entry has no successor to vouch for it: compare `root` with a
/// signed checkpoint of the same size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Number of entries.
    pub size: u64,
    /// SHA-256 of the last entry's octets: the next one's `prev`.
    pub head: Option<Digest32>,
    /// Root of the tree.
    pub root: Digest32,
}

/// One entry, as its octets say. Octets are hashed as they came: another program may order the members otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    v: u8,
    n: u64,
    at: Moment,
    #[serde(rename = "type")]
    kind: String,
    prev: Option<Digest32>,
    #[serde(rename = "content")]
    _content: Digest32,
}

/// Follows a ledger from its first entry.
///
/// # Errors
/// The first [`Broken`] place.
pub fn verify_chain<T: AsRef<[u8]>>(entries: impl IntoIterator<Item = T>) -> Result<Verified, Broken> {
    let mut frontier = Frontier::default();
    let mut head: Option<Digest32> = None;
    let mut latest: Option<Moment> = None;
    for octets in entries {
        let octets = octets.as_ref();
        let n = frontier.size();
        let entry: Entry = serde_json::from_slice(octets).map_err(|_| Broken::NotAnEntry { n })?;
        if entry.v != ENTRY_VERSION || entry.kind.is_empty() {
            return Err(Broken::NotAnEntry { n });
        }
        if entry.n != n {
            return Err(Broken::OutOfPlace { n });
        }
        if entry.prev != head {
            return Err(Broken::NotChained { n });
        }
        if latest.is_some_and(|latest| entry.at < latest) {
            return Err(Broken::TimeRunsBack { n });
        }
        latest = Some(entry.at);
        head = Some(Digest32::of(octets));
        frontier.push(leaf_hash(octets));
    }
    Ok(Verified { size: frontier.size(), head, root: frontier.root() })
}

#[cfg(test)]
mod tests;
