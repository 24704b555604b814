//! Walks the whole ledger and says whether it is what was written: chain, tree, contents, head and checkpoints.

use std::collections::BTreeMap;

use diesel::prelude::*;
use domain::chain::{self, Frontier};
use domain::values::{Digest32, Moment};
use serde::Deserialize;

use super::{NODES_FROM, PAGE, content_digest, from_stored, open, to_stored};
use crate::store::schema::{checkpoints, contents, ledger, ledger_head, tree_nodes};
use crate::store::{Rows, StoreError};

/// Faults listed in one verification; more are only counted.
const FAULTS_MAX: usize = 100;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Entries there are.
    pub size: u64,
    /// The root of the tree, computed anew.
    pub root: Digest32,
    /// Entries whose content was erased.
    pub erased: u64,
    /// The first faults, in order; none when the ledger is whole.
    pub faults: Vec<Fault>,
    /// How many faults there are in all.
    pub fault_count: u64,
}

impl Verification {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.fault_count == 0
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// At which entry, or for head and checkpoints at which size.
    pub n: u64,
    /// What.
    pub what: &'static str,
}

/// Verifies the ledger, a page at a time.
///
/// # Errors
/// Those of the database; what is wrong with the ledger is in the answer.
pub fn verify(rows: &mut Rows<'_>) -> Result<Verification, StoreError> {
    let mut walk = Walk::begin(rows)?;
    loop {
        let page = load_page(rows, walk.frontier.size())?;
        if page.is_empty() {
            return walk.end(rows);
        }
        let mut nodes = Vec::new();
        for entry in page {
            walk.entry(rows, &entry, &mut nodes)?;
        }
        walk.compare_nodes(rows, &nodes)?;
        if walk.lost {
            return walk.end(rows);
        }
    }
}

/// An entry as stored.
struct Stored {
    n: u64,
    at: Moment,
    kind: String,
    stream: Option<Vec<u8>>,
    octets: String,
    /// Outer `None` when the row is missing, inner when the content was erased.
    sealed: Option<Option<Vec<u8>>>,
}

fn load_page(rows: &mut Rows<'_>, from: u64) -> Result<Vec<Stored>, StoreError> {
    type Found = (i64, i64, String, Option<Vec<u8>>, String, Option<i64>, Option<Vec<u8>>);
    let found: Vec<Found> = ledger::table
        .left_join(contents::table.on(contents::n.eq(ledger::n)))
        .filter(ledger::n.ge(to_stored(from)?))
        .order(ledger::n)
        .limit(PAGE)
        .select((
            ledger::n,
            ledger::at,
            ledger::kind,
            ledger::stream,
            ledger::octets,
            contents::n.nullable(),
            contents::sealed.nullable(),
        ))
        .load(rows.db)?;
    found
        .into_iter()
        .map(|(n, at, kind, stream, octets, content, sealed)| {
            let at = Moment::from_micros(at).map_err(StoreError::corrupt("ledger", "an instant"))?;
            Ok(Stored { n: from_stored(n)?, at, kind, stream, octets, sealed: content.map(|_| sealed) })
        })
        .collect()
}

/// The one member of an entry that can't be computed when its content was erased.
#[derive(Deserialize)]
struct Commitment {
    content: Digest32,
}

struct Walk {
    frontier: Frontier,
    last_hash: Option<Digest32>,
    checkpoints: BTreeMap<u64, Digest32>,
    erased: u64,
    faults: Vec<Fault>,
    fault_count: u64,
    /// An entry is missing: nothing after it can be told apart from noise.
    lost: bool,
}

impl Walk {
    fn begin(rows: &mut Rows<'_>) -> Result<Self, StoreError> {
        let kept: Vec<(i64, Vec<u8>)> =
            checkpoints::table.select((checkpoints::size, checkpoints::root)).load(rows.db)?;
        let mut checkpoints = BTreeMap::new();
        for (size, root) in kept {
            let root = Digest32::from_slice(&root).map_err(StoreError::corrupt("checkpoints", "a root"))?;
            checkpoints.insert(from_stored(size)?, root);
        }
        let frontier = Frontier::default();
        let mut walk =
            Self { frontier, last_hash: None, checkpoints, erased: 0, faults: Vec::new(), fault_count: 0, lost: false };
        walk.compare_checkpoint();
        Ok(walk)
    }

    fn fault(&mut self, n: u64, what: &'static str) {
        self.fault_count += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { n, what });
        }
    }

    fn entry(&mut self, rows: &mut Rows<'_>, entry: &Stored, nodes: &mut Vec<chain::Node>) -> Result<(), StoreError> {
        let n = self.frontier.size();
        if self.lost {
            return Ok(());
        }
        if entry.n != n {
            self.lost = true;
            self.fault(n, "the entry is missing");
            return Ok(());
        }
        match serde_json::from_str::<Commitment>(&entry.octets) {
            Err(_) => self.fault(n, "the entry's octets are not those of an entry"),
            Ok(said) => {
                let octets = chain::entry_octets(n, entry.at, &entry.kind, self.last_hash, said.content);
                if octets != entry.octets {
                    self.fault(n, "the entry does not follow from the one before, or from its own row");
                }
                self.content(rows, entry, said.content);
            }
        }
        nodes.extend(self.frontier.push(chain::leaf_hash(entry.octets.as_bytes())));
        self.last_hash = Some(Digest32::of(entry.octets.as_bytes()));
        self.compare_checkpoint();
        Ok(())
    }

    fn content(&mut self, rows: &Rows<'_>, entry: &Stored, said: Digest32) {
        match &entry.sealed {
            None => self.fault(entry.n, "the content's row is missing"),
            Some(None) => self.erased += 1,
            Some(Some(sealed)) => match open(rows.seal, entry.n, entry.stream.as_deref(), sealed) {
                Err(_) => self.fault(entry.n, "the content does not open"),
                Ok((salt, object)) if content_digest(&salt, &object) != said => {
                    self.fault(entry.n, "the content is not the one that the entry commits to");
                }
                Ok(_) => {}
            },
        }
    }

    fn compare_checkpoint(&mut self) {
        let size = self.frontier.size();
        if self.checkpoints.remove(&size).is_some_and(|root| root != self.frontier.root()) {
            self.fault(size, "a checkpoint has another root");
        }
    }

    /// Compares the nodes that a page of entries made with the stored ones.
    fn compare_nodes(&mut self, rows: &mut Rows<'_>, nodes: &[chain::Node]) -> Result<(), StoreError> {
        let mut levels: BTreeMap<u8, BTreeMap<u64, Digest32>> = BTreeMap::new();
        for (level, position, hash) in nodes.iter().filter(|(level, ..)| *level >= NODES_FROM) {
            levels.entry(*level).or_default().insert(*position, *hash);
        }
        for (level, computed) in levels {
            let (Some((first, _)), Some((last, _))) = (computed.first_key_value(), computed.last_key_value()) else {
                continue;
            };
            let stored: Vec<(i64, Vec<u8>)> = tree_nodes::table
                .filter(tree_nodes::level.eq(i16::from(level)))
                .filter(tree_nodes::position.ge(to_stored(*first)?))
                .filter(tree_nodes::position.le(to_stored(*last)?))
                .select((tree_nodes::position, tree_nodes::hash))
                .load(rows.db)?;
            let stored: BTreeMap<i64, Vec<u8>> = stored.into_iter().collect();
            for (position, hash) in computed {
                if stored.get(&to_stored(position)?).is_none_or(|stored| stored != hash.as_bytes()) {
                    self.fault(position << level, "a node of the tree is missing or another");
                }
            }
        }
        Ok(())
    }

    fn end(mut self, rows: &mut Rows<'_>) -> Result<Verification, StoreError> {
        type Found = (i64, Option<Vec<u8>>, Vec<u8>);
        let (size, last_hash, frontier): Found = ledger_head::table
            .select((ledger_head::size, ledger_head::last_hash, ledger_head::frontier))
            .first(rows.db)?;
        let reached = self.frontier.size();
        let same_frontier = frontier == self.frontier.to_bytes() || (reached == 0 && frontier.is_empty());
        let same_hash = last_hash.as_deref() == self.last_hash.as_ref().map(|hash| hash.as_bytes().as_slice());
        if from_stored(size)? != reached || !same_frontier || !same_hash {
            self.fault(reached, "the ledger's head is another");
        }
        if let Some(size) = self.checkpoints.keys().next().copied() {
            self.fault(size, "a checkpoint covers entries that are missing");
        }
        Ok(Verification {
            size: reached,
            root: self.frontier.root(),
            erased: self.erased,
            faults: self.faults,
            fault_count: self.fault_count,
        })
    }
}
