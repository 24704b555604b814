//! The ledger: append-only entries, chained and hashed into a tree, with contents that can be erased.
//!
//! An entry's octets (`domain::chain`) commit to a salted digest of its content. Salt and content lie sealed in a table
//! of their own, bound to the entry's number and stream, so that erasing them leaves the chain whole, and moving them is
//! found out. The program has no statement that updates or deletes an entry.
//!
//! Every decided event is one entry under its stream; every wire object is an entry of its own. A stream's state is the
//! fold of its events; after erasure it starts at the `Anonymised` event and passes over what was erased before it.

mod pending;
mod rebuild;
mod streams;
mod verify;

use std::collections::BTreeSet;

use diesel::prelude::*;
use domain::chain::{self, Frontier};
use domain::complaint as complaints;
use domain::exchange;
use domain::incident;
use domain::values::{Digest32, ExchangeId, Moment};
use uuid::Uuid;

use super::backend::Db;
use super::schema;
use super::sealed::Seal;
use super::{Rows, StoreError};

pub(super) use self::pending::{NewEntry, Pending};
pub(super) use self::rebuild::rebuild;
pub(super) use self::streams::{Recent, complaint, exchanges, incident};
pub use self::verify::{Fault, Verification, verify};

const SALT_LEN: usize = 16;
/// Where contents are sealed for.
const CONTENT: &str = "contents.sealed";
/// Entries read at once where a whole ledger is walked.
const PAGE: i64 = 500;
/// The lowest level of the tree that is stored: smaller subtrees are made from the octets of the few entries under them,
/// which costs less than writing them for every entry.
const NODES_FROM: u8 = 3;
/// Most entries in one answer of [`timeline`].
pub const TIMELINE_MAX: u32 = 500;

/// What an entry records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A decided event of an incident.
    Incident,
    /// A decided event of an exchange.
    Exchange,
    /// A message that we sealed and send.
    SetSent,
    /// A verified message from a partner.
    SetReceived,
    /// A message that we refused after its signature was verified.
    SetRefused,
    /// A receipt that we signed.
    ReceiptSent,
    /// A verified receipt from a partner.
    ReceiptReceived,
    /// A party card, ours or a partner's.
    Card,
    /// A step of pairing.
    Pairing,
    /// A key manifest, ours or a partner's.
    KeyManifest,
    /// What an administrator changed.
    OperatorAction,
    /// A decided event of a complaint.
    Complaint,
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Incident,
        Self::Exchange,
        Self::SetSent,
        Self::SetReceived,
        Self::SetRefused,
        Self::ReceiptSent,
        Self::ReceiptReceived,
        Self::Card,
        Self::Pairing,
        Self::KeyManifest,
        Self::OperatorAction,
        Self::Complaint,
    ];

    /// The word in the entry.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Exchange => "exchange",
            Self::SetSent => "set_sent",
            Self::SetReceived => "set_received",
            Self::SetRefused => "set_refused",
            Self::ReceiptSent => "receipt_sent",
            Self::ReceiptReceived => "receipt_received",
            Self::Card => "card",
            Self::Pairing => "pairing",
            Self::KeyManifest => "key_manifest",
            Self::OperatorAction => "operator_action",
            Self::Complaint => "complaint",
        }
    }
}

/// A signed head of the ledger, which partners witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Entries that it covers.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Digest32,
    /// The signed note, as sent.
    pub note: String,
    /// When it was signed.
    pub at: Moment,
}

/// A decided event as the ledger holds it.
#[derive(Debug, Clone, PartialEq)]
pub enum LoggedEvent {
    /// Of an incident.
    Incident(incident::Event),
    /// Of an exchange.
    Exchange(ExchangeId, exchange::Event),
    /// Of a complaint.
    Complaint(complaints::Event),
    /// Its content was erased.
    Erased,
}

/// One entry of a timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineEntry {
    /// Its number in the ledger.
    pub n: u64,
    /// When it was recorded.
    pub at: Moment,
    /// What was decided.
    pub entry: LoggedEvent,
}

/// The exact object of an entry; `None` when it was erased or there is no such entry.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open.
pub fn object(rows: &mut Rows<'_>, n: u64) -> Result<Option<Vec<u8>>, StoreError> {
    use schema::{contents, ledger};
    type Found = (Option<Vec<u8>>, Option<Vec<u8>>);
    let found: Option<Found> = ledger::table
        .inner_join(contents::table.on(contents::n.eq(ledger::n)))
        .filter(ledger::n.eq(to_stored(n)?))
        .select((ledger::stream, contents::sealed))
        .first(rows.db)
        .optional()?;
    match found {
        Some((stream, Some(sealed))) => Ok(Some(open(rows.seal, n, stream.as_deref(), &sealed)?.1)),
        Some((_, None)) | None => Ok(None),
    }
}

/// Event entries filed under an incident (or an exchange without one), newest first: at most `limit` of those before
/// `before_n`.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open.
pub fn timeline(
    rows: &mut Rows<'_>,
    subject: Uuid,
    before_n: Option<u64>,
    limit: u32,
) -> Result<Vec<TimelineEntry>, StoreError> {
    use schema::{contents, ledger};
    type Found = (i64, i64, String, Option<Vec<u8>>, Option<Vec<u8>>);
    let before = before_n.map_or(Ok(i64::MAX), to_stored)?;
    let found: Vec<Found> = ledger::table
        .inner_join(contents::table.on(contents::n.eq(ledger::n)))
        .filter(ledger::subject.eq(subject.as_bytes().as_slice()))
        .filter(ledger::stream.is_not_null())
        .filter(ledger::n.lt(before))
        .order(ledger::n.desc())
        .limit(i64::from(limit.min(TIMELINE_MAX)))
        .select((ledger::n, ledger::at, ledger::kind, ledger::stream, contents::sealed))
        .load(rows.db)?;
    let mut entries = Vec::with_capacity(found.len());
    for (n, at, kind, stream, sealed) in found {
        let n = from_stored(n)?;
        let at = Moment::from_micros(at).map_err(StoreError::corrupt("ledger", "an instant"))?;
        let object = match sealed {
            Some(sealed) => Some(open(rows.seal, n, stream.as_deref(), &sealed)?.1),
            None => None,
        };
        let entry = logged(&kind, stream.as_deref().unwrap_or_default(), object.as_deref())?;
        entries.push(TimelineEntry { n, at, entry });
    }
    Ok(entries)
}

/// The newest checkpoint kept.
///
/// # Errors
/// Those of the database.
pub fn newest_checkpoint(rows: &mut Rows<'_>) -> Result<Option<Checkpoint>, StoreError> {
    use schema::checkpoints::dsl;
    let found: Option<CheckpointRow> = dsl::checkpoints
        .order(dsl::size.desc())
        .select((dsl::size, dsl::root, dsl::note, dsl::at))
        .first(rows.db)
        .optional()?;
    found.map(Checkpoint::try_from).transpose()
}

/// The checkpoint of a size.
///
/// # Errors
/// Those of the database.
pub fn checkpoint(rows: &mut Rows<'_>, size: u64) -> Result<Option<Checkpoint>, StoreError> {
    use schema::checkpoints::dsl;
    let found: Option<CheckpointRow> = dsl::checkpoints
        .filter(dsl::size.eq(to_stored(size)?))
        .select((dsl::size, dsl::root, dsl::note, dsl::at))
        .first(rows.db)
        .optional()?;
    found.map(Checkpoint::try_from).transpose()
}

/// A row of `checkpoints`, in its order.
type CheckpointRow = (i64, Vec<u8>, String, i64);

impl TryFrom<CheckpointRow> for Checkpoint {
    type Error = StoreError;

    fn try_from((size, root, note, at): CheckpointRow) -> Result<Self, StoreError> {
        Ok(Self {
            size: from_stored(size)?,
            root: Digest32::from_slice(&root).map_err(StoreError::corrupt("checkpoints", "a root"))?,
            note,
            at: Moment::from_micros(at).map_err(StoreError::corrupt("checkpoints", "an instant"))?,
        })
    }
}

/// The root over the first `size` entries, from the tree's stored and buffered nodes; `None` beyond the ledger's end.
pub(super) fn root_at(rows: &mut Rows<'_>, pending: &Pending, size: u64) -> Result<Option<Digest32>, StoreError> {
    if size == pending.size() {
        return Ok(Some(pending.root()));
    }
    if size > pending.size() {
        return Ok(None);
    }
    // Size and subtree roots, largest first, are what a frontier is stored as.
    let mut frontier = size.to_be_bytes().to_vec();
    for level in (0..64_u8).rev().filter(|level| size >> level & 1 == 1) {
        let position = (size >> level) - 1;
        let hash = match pending.node(level, position) {
            Some(hash) => hash,
            None => stored_node(rows, level, position)?,
        };
        frontier.extend_from_slice(hash.as_bytes());
    }
    let frontier = Frontier::from_bytes(&frontier).map_err(StoreError::corrupt("tree_nodes", "nodes of no tree"))?;
    Ok(Some(frontier.root()))
}

fn stored_node(rows: &mut Rows<'_>, level: u8, position: u64) -> Result<Digest32, StoreError> {
    use schema::tree_nodes::dsl;
    if level < NODES_FROM {
        return small_node(rows, level, position);
    }
    let hash: Vec<u8> = dsl::tree_nodes
        .filter(dsl::level.eq(i16::from(level)).and(dsl::position.eq(to_stored(position)?)))
        .select(dsl::hash)
        .first(rows.db)?;
    Digest32::from_slice(&hash).map_err(StoreError::corrupt("tree_nodes", "a hash"))
}

/// A node below those that are stored.
fn small_node(rows: &mut Rows<'_>, level: u8, position: u64) -> Result<Digest32, StoreError> {
    use schema::ledger::dsl;
    let (first, end) = (position << level, (position + 1) << level);
    let octets: Vec<String> = dsl::ledger
        .filter(dsl::n.ge(to_stored(first)?).and(dsl::n.lt(to_stored(end)?)))
        .order(dsl::n)
        .select(dsl::octets)
        .load(rows.db)?;
    if u64::try_from(octets.len()).ok() != Some(end - first) {
        return Err(StoreError::Corrupt { table: "ledger", what: "entries that are missing" });
    }
    Ok(chain::root_of(octets.iter().map(|octets| chain::leaf_hash(octets.as_bytes()))))
}

/// Erases stored contents: those of a stream's events, and of the messages and notes filed under it, before entry `before`.
/// A message that came before its notice was filed elsewhere: that it was placed in the exchange is what counts.
pub(super) fn erase(rows: &mut Rows<'_>, stream: Uuid, before: u64) -> Result<(), StoreError> {
    use schema::{contents, inbox, ledger};
    let id = stream.as_bytes().as_slice();
    let messages = [EntryKind::SetSent, EntryKind::SetReceived, EntryKind::SetRefused, EntryKind::OperatorAction]
        .map(EntryKind::word);
    let own = ledger::stream.eq(id).assume_not_null();
    let filed =
        ledger::stream.is_null().and(ledger::subject.eq(id).assume_not_null()).and(ledger::kind.eq_any(messages));
    let before = to_stored(before)?;
    let earlier = || ledger::table.filter(ledger::n.lt(before));
    diesel::update(contents::table.filter(contents::n.eq_any(earlier().filter(own.or(filed)).select(ledger::n))))
        .set(contents::sealed.eq(None::<Vec<u8>>))
        .execute(rows.db)?;
    // In a statement of its own: with an "or" between them, Postgres would read the whole table.
    let placed = inbox::table.filter(inbox::exchange_id.eq(id)).select(inbox::set_entry);
    let placed = earlier().filter(ledger::n.eq_any(placed)).filter(ledger::kind.eq_any(messages)).select(ledger::n);
    diesel::update(contents::table.filter(contents::n.eq_any(placed)))
        .set(contents::sealed.eq(None::<Vec<u8>>))
        .execute(rows.db)?;
    Ok(())
}

/// Entries of the messages placed in an exchange, from entry `from` on.
pub(super) fn placed(rows: &mut Rows<'_>, exchange: Uuid, from: u64) -> Result<BTreeSet<u64>, StoreError> {
    use schema::inbox;
    let found: Vec<i64> = inbox::table
        .filter(inbox::exchange_id.eq(exchange.as_bytes().as_slice()))
        .filter(inbox::set_entry.ge(to_stored(from)?))
        .select(inbox::set_entry)
        .load(rows.db)?;
    found.into_iter().map(from_stored).collect()
}

/// The row by which the data key is known.
const KEY_CHECK: &str = "data_key_check";
/// What it holds, sealed.
const KEY_CHECK_PLAIN: &[u8] = b"tocsin";

/// Checks on opening that the data key is this database's; a new database takes it as its own.
pub(super) fn check_data_key(db: &mut Db, seal: &Seal) -> Result<(), StoreError> {
    use schema::meta::dsl;
    if has_data_key(db, seal)? {
        return Ok(());
    }
    let sealed = seal.seal("meta.value", KEY_CHECK.as_bytes(), KEY_CHECK_PLAIN)?;
    let made = diesel::insert_into(dsl::meta).values((dsl::key.eq(KEY_CHECK), dsl::value.eq(&sealed))).execute(db);
    match made.map_err(StoreError::from) {
        Ok(_) => Ok(()),
        // Another node was faster: its key counts.
        Err(StoreError::Conflict) => has_data_key(db, seal).map(|_| ()),
        Err(error) => Err(error),
    }
}

/// Whether the database has taken a data key as its own, which must then be this one.
pub(super) fn has_data_key(db: &mut Db, seal: &Seal) -> Result<bool, StoreError> {
    use schema::meta::dsl;
    let found: Option<Vec<u8>> = dsl::meta.filter(dsl::key.eq(KEY_CHECK)).select(dsl::value).first(db).optional()?;
    let Some(sealed) = found else { return Ok(false) };
    let opened = seal.open("meta.value", KEY_CHECK.as_bytes(), &sealed);
    if opened.is_ok_and(|plain| plain == KEY_CHECK_PLAIN) { Ok(true) } else { Err(StoreError::WrongKey) }
}

/// The event in an entry's object, or that it was erased.
fn logged(kind: &str, stream: &[u8], object: Option<&[u8]>) -> Result<LoggedEvent, StoreError> {
    let Some(object) = object else { return Ok(LoggedEvent::Erased) };
    if kind == EntryKind::Incident.word() {
        return event(object).map(LoggedEvent::Incident);
    }
    if kind == EntryKind::Complaint.word() {
        return event(object).map(LoggedEvent::Complaint);
    }
    let id = ExchangeId::from_slice(stream).map_err(StoreError::corrupt("ledger", "a stream"))?;
    event(object).map(|event| LoggedEvent::Exchange(id, event))
}

/// An event from its JSON.
fn event<T: serde::de::DeserializeOwned>(object: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(object).map_err(StoreError::corrupt("ledger", "an event of an unknown form"))
}

/// What sealed contents are bound to: the entry's number and stream.
fn bound_to(n: u64, stream: Option<&[u8]>) -> Vec<u8> {
    [&n.to_be_bytes(), stream.unwrap_or_default()].concat()
}

/// Salt and object of an entry.
fn open(seal: &Seal, n: u64, stream: Option<&[u8]>, sealed: &[u8]) -> Result<([u8; SALT_LEN], Vec<u8>), StoreError> {
    let mut plain = seal.open(CONTENT, &bound_to(n, stream), sealed)?;
    let salt = *plain.first_chunk().ok_or(StoreError::Corrupt { table: "contents", what: "content without a salt" })?;
    plain.drain(..SALT_LEN);
    Ok((salt, plain))
}

fn to_stored(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(StoreError::corrupt("ledger", "a number beyond all ledgers"))
}

fn from_stored(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(StoreError::corrupt("ledger", "a negative number"))
}

fn content_digest(salt: &[u8; SALT_LEN], object: &[u8]) -> Digest32 {
    chain::content_digest(salt, object)
}
