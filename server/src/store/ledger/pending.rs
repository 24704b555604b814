//! What a batch appends, buffered until all its closures have run and then written together.
//!
//! Each closure's turn begins with a [`Mark`]; undoing the closure goes back to it, head and frontier included.

use std::collections::BTreeSet;

use diesel::prelude::*;
use domain::chain::{self, Frontier};
use domain::values::{Digest32, Moment};
use uuid::Uuid;

use super::streams::Recent;
use super::{CONTENT, Checkpoint, EntryKind, NODES_FROM, SALT_LEN, bound_to, content_digest, from_stored, to_stored};
use crate::store::StoreError;
use crate::store::backend::Db;
use crate::store::backend::bulk::insert_many;
use crate::store::schema::{checkpoints, contents, ledger, ledger_head, tree_nodes};
use crate::store::sealed::{Seal, random};

/// An entry to append.
pub(in crate::store) struct NewEntry<'a> {
    pub(in crate::store) kind: EntryKind,
    pub(in crate::store) stream: Option<Uuid>,
    pub(in crate::store) subject: Option<Uuid>,
    pub(in crate::store) content: &'a [u8],
}

/// The ledger's end.
#[derive(Clone)]
struct Head {
    last_hash: Option<Digest32>,
    frontier: Frontier,
    at: Moment,
}

/// An entry that this batch will write.
struct Entry {
    n: u64,
    at: Moment,
    kind: EntryKind,
    stream: Option<Uuid>,
    subject: Option<Uuid>,
    octets: String,
    salt: [u8; SALT_LEN],
    /// `None` once erased within the batch.
    object: Option<Vec<u8>>,
}

/// Where a turn began.
pub(in crate::store) struct Mark {
    head: Head,
    entries: usize,
    nodes: usize,
    checkpoints: usize,
    erased: usize,
}

/// All that a batch appends.
pub(in crate::store) struct Pending {
    head: Head,
    entries: Vec<Entry>,
    nodes: Vec<chain::Node>,
    checkpoints: Vec<Checkpoint>,
    /// Contents erased within the batch, so that undoing can bring them back.
    erased: Vec<(u64, Vec<u8>)>,
    erases: bool,
    /// Kept from batch to batch.
    pub(in crate::store) recent: Option<Recent>,
}

impl Pending {
    /// Takes this node's turn: locks the ledger's head against other nodes and reads it.
    pub(in crate::store) fn begin(db: &mut Db) -> Result<Self, StoreError> {
        type Found = (i64, Option<Vec<u8>>, Vec<u8>, i64);
        use ledger_head::dsl;
        let (size, last_hash, frontier, at): Found = diesel::update(dsl::ledger_head.filter(dsl::id.eq(1_i16)))
            .set(dsl::turns.eq(dsl::turns + 1))
            .returning((dsl::size, dsl::last_hash, dsl::frontier, dsl::at))
            .get_result(db)?;
        let frontier = if frontier.is_empty() {
            Frontier::default()
        } else {
            Frontier::from_bytes(&frontier).map_err(StoreError::corrupt("ledger_head", "a frontier"))?
        };
        if frontier.size() != from_stored(size)? {
            return Err(StoreError::Corrupt { table: "ledger_head", what: "a size that is not the frontier's" });
        }
        let last_hash = last_hash
            .map(|hash| Digest32::from_slice(&hash))
            .transpose()
            .map_err(StoreError::corrupt("ledger_head", "a hash"))?;
        let at = Moment::from_micros(at).map_err(StoreError::corrupt("ledger_head", "an instant"))?;
        Ok(Self {
            head: Head { last_hash, frontier, at },
            entries: Vec::new(),
            nodes: Vec::new(),
            checkpoints: Vec::new(),
            erased: Vec::new(),
            erases: false,
            recent: None,
        })
    }

    pub(in crate::store) fn mark(&self) -> Mark {
        Mark {
            head: self.head.clone(),
            entries: self.entries.len(),
            nodes: self.nodes.len(),
            checkpoints: self.checkpoints.len(),
            erased: self.erased.len(),
        }
    }

    /// Undoes everything since the mark.
    pub(in crate::store) fn back_to(&mut self, mark: Mark) {
        for (n, object) in self.erased.drain(mark.erased..).rev() {
            if let Some(entry) = self.entries.iter_mut().find(|entry| entry.n == n) {
                entry.object = Some(object);
            }
        }
        self.entries.truncate(mark.entries);
        self.nodes.truncate(mark.nodes);
        self.checkpoints.truncate(mark.checkpoints);
        self.head = mark.head;
    }

    pub(in crate::store) const fn size(&self) -> u64 {
        self.head.frontier.size()
    }

    pub(in crate::store) fn root(&self) -> Digest32 {
        self.head.frontier.root()
    }

    /// A tree node made in this batch.
    pub(in crate::store) fn node(&self, level: u8, position: u64) -> Option<Digest32> {
        self.nodes.iter().find(|node| node.0 == level && node.1 == position).map(|node| node.2)
    }

    /// A checkpoint kept in this batch.
    pub(in crate::store) fn checkpoint(&self, size: u64) -> Option<Checkpoint> {
        self.checkpoints.iter().find(|checkpoint| checkpoint.size == size).cloned()
    }

    pub(in crate::store) fn keep_checkpoint(&mut self, checkpoint: Checkpoint) {
        self.checkpoints.push(checkpoint);
    }

    /// Appends an entry dated `now`, or as the entry before it when that is later, and answers its number.
    pub(in crate::store) fn append(&mut self, new: NewEntry<'_>, now: Moment) -> Result<u64, StoreError> {
        let mut salt = [0; SALT_LEN];
        random(&mut salt)?;
        let n = self.size();
        let at = now.max(self.head.at);
        let content = content_digest(&salt, new.content);
        let octets = chain::entry_octets(n, at, new.kind.word(), self.head.last_hash, content);
        self.nodes.extend(self.head.frontier.push(chain::leaf_hash(octets.as_bytes())));
        self.head.last_hash = Some(Digest32::of(octets.as_bytes()));
        self.head.at = at;
        let NewEntry { kind, stream, subject, content } = new;
        let object = Some(content.to_vec());
        self.entries.push(Entry { n, at, kind, stream, subject, octets, salt, object });
        Ok(n)
    }

    /// Objects of a stream's events in this batch, in order; `None` for erased ones.
    pub(super) fn objects(&self, stream: Uuid) -> impl Iterator<Item = Option<&[u8]>> {
        self.entries.iter().filter(move |entry| entry.stream == Some(stream)).map(|entry| entry.object.as_deref())
    }

    /// The number of the first entry in this batch; `None` when there is none yet.
    pub(in crate::store) fn first(&self) -> Option<u64> {
        self.entries.first().map(|entry| entry.n)
    }

    /// The object of an entry in this batch; `None` for an erased one.
    pub(in crate::store) fn object(&self, n: u64) -> Option<&[u8]> {
        let place = self.entries.binary_search_by_key(&n, |entry| entry.n).ok()?;
        self.entries.get(place)?.object.as_deref()
    }

    /// Erases contents buffered in this batch, by the rules of [`super::erase`]. `placed` are the entries of messages placed
    /// in the exchange.
    pub(in crate::store) fn erase(&mut self, stream: Uuid, placed: &BTreeSet<u64>, before: u64) {
        self.erases = true;
        // It may be the one that is erased.
        self.recent = None;
        for entry in self.entries.iter_mut().filter(|entry| entry.n < before) {
            let content = match entry.kind {
                EntryKind::SetSent | EntryKind::SetReceived | EntryKind::SetRefused | EntryKind::OperatorAction => true,
                EntryKind::Incident
                | EntryKind::Exchange
                | EntryKind::ReceiptSent
                | EntryKind::ReceiptReceived
                | EntryKind::Card
                | EntryKind::Pairing
                | EntryKind::Complaint
                | EntryKind::KeyManifest => false,
            };
            let belongs = entry.subject == Some(stream) || placed.contains(&entry.n);
            let filed = entry.stream.is_none() && belongs && content;
            if entry.stream == Some(stream) || filed {
                self.erased.extend(entry.object.take().map(|object| (entry.n, object)));
            }
        }
    }

    /// Whether a turn of this batch erased contents, perhaps one that was undone.
    pub(in crate::store) const fn erases(&self) -> bool {
        self.erases
    }

    /// Writes everything.
    pub(in crate::store) fn flush(&self, db: &mut Db, seal: &Seal) -> Result<(), StoreError> {
        if !self.entries.is_empty() {
            self.flush_entries(db, seal)?;
        }
        let mut rows = Vec::with_capacity(self.checkpoints.len());
        for kept in &self.checkpoints {
            rows.push(CheckpointRow {
                size: to_stored(kept.size)?,
                root: kept.root.as_bytes().to_vec(),
                note: kept.note.clone(),
                at: kept.at.micros(),
            });
        }
        insert_many!(db, checkpoints::table, rows)
    }

    fn flush_entries(&self, db: &mut Db, seal: &Seal) -> Result<(), StoreError> {
        let mut entries = Vec::with_capacity(self.entries.len());
        let mut content = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let n = to_stored(entry.n)?;
            entries.push(LedgerRow {
                n,
                at: entry.at.micros(),
                kind: entry.kind.word(),
                stream: entry.stream.map(|id| id.as_bytes().to_vec()),
                subject: entry.subject.map(|id| id.as_bytes().to_vec()),
                octets: entry.octets.clone(),
            });
            let sealed = match &entry.object {
                Some(object) => {
                    let stream = entry.stream.as_ref().map(|id| id.as_bytes().as_slice());
                    let plain = [entry.salt.as_slice(), object].concat();
                    Some(seal.seal(CONTENT, &bound_to(entry.n, stream), &plain)?)
                }
                None => None,
            };
            content.push(ContentRow { n, sealed });
        }
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for (level, position, hash) in self.nodes.iter().filter(|(level, ..)| *level >= NODES_FROM) {
            nodes.push(NodeRow {
                level: i16::from(*level),
                position: to_stored(*position)?,
                hash: hash.as_bytes().to_vec(),
            });
        }
        insert_many!(db, ledger::table, entries)?;
        insert_many!(db, contents::table, content)?;
        insert_many!(db, tree_nodes::table, nodes)?;
        self.move_head(db)
    }

    fn move_head(&self, db: &mut Db) -> Result<(), StoreError> {
        use ledger_head::dsl;
        diesel::update(dsl::ledger_head.filter(dsl::id.eq(1_i16)))
            .set((
                dsl::size.eq(to_stored(self.size())?),
                dsl::last_hash.eq(self.head.last_hash.as_ref().map(|hash| hash.as_bytes().as_slice())),
                dsl::frontier.eq(self.head.frontier.to_bytes()),
                dsl::at.eq(self.head.at.micros()),
            ))
            .execute(db)?;
        Ok(())
    }
}

#[derive(Insertable)]
#[diesel(table_name = ledger, treat_none_as_default_value = false)]
struct LedgerRow {
    n: i64,
    at: i64,
    kind: &'static str,
    stream: Option<Vec<u8>>,
    subject: Option<Vec<u8>>,
    octets: String,
}

#[derive(Insertable)]
#[diesel(table_name = contents, treat_none_as_default_value = false)]
struct ContentRow {
    n: i64,
    sealed: Option<Vec<u8>>,
}

#[derive(Insertable)]
#[diesel(table_name = tree_nodes, treat_none_as_default_value = false)]
struct NodeRow {
    level: i16,
    position: i64,
    hash: Vec<u8>,
}

#[derive(Insertable)]
#[diesel(table_name = checkpoints, treat_none_as_default_value = false)]
struct CheckpointRow {
    size: i64,
    root: Vec<u8>,
    note: String,
    at: i64,
}
