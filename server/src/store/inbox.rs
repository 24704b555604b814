//! What came in: every message seen once, its receipt, and how far a partner's messages reach without a gap.
//!
//! A message is known by (partner, id): the same payload again gets the receipt that was made the first time. Numbers have
//! no gaps at the sender (protocol §10); here `head` is the highest number held, and the numbers below it that are not held
//! are kept as ranges, so that one message with an absurd number costs one range.

pub mod many;
pub mod owed;
#[cfg(test)]
mod tests;
pub mod unplaced;
pub mod witnessed;

use diesel::prelude::*;
use domain::exchange::Direction;
use domain::values::{CaseId, Digest32, ExchangeId, MessageId, Moment, PartnerId};
use uuid::Uuid;

use super::schema::{checkpoints_seen, exchanges, inbound, inbox, quarantine};
use super::{Rows, StoreError, Turn, ledger};

/// Missing numbers that a receipt names (protocol §6).
pub const MISSING_MAX: usize = 100;
/// Statements of a partner may overtake each other, and clocks may differ, by so much.
const UNDER_WAY_SECONDS: i64 = 300;
/// Ranges of missing numbers kept for one partner; the latest beyond it are forgotten. They are still taken when they come.
const RANGES_MAX: usize = 500;
/// Messages that could not be read, kept for one partner; the oldest beyond it go.
pub const QUARANTINE_MAX: i64 = 1_000;
/// Gaps in one answer.
const GAPS_MAX: i64 = 10_000;
/// Where copies of unreadable messages are sealed for.
const QUARANTINED: &str = "quarantine.sealed";

/// A message that is held already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Digest of its payload.
    pub payload_sha256: Digest32,
    /// The receipt that answered it.
    pub receipt: String,
}

/// Whether a message of this partner is held, and what it was answered with.
///
/// # Errors
/// [`StoreError::Busy`] when it came within this very batch, so that its receipt is not durable yet; the sender then tries
/// again. [`StoreError::Corrupt`] when the receipt can't be read; those of the database.
pub fn seen(turn: &mut Turn<'_>, partner: PartnerId, message: MessageId) -> Result<Option<Seen>, StoreError> {
    let rows = turn.rows();
    let found: Option<(Vec<u8>, i64)> = inbox::table
        .find((partner.as_bytes().as_slice(), message.as_bytes().as_slice()))
        .select((inbox::payload_sha256, inbox::receipt_entry))
        .first(rows.db)
        .optional()?;
    let Some((payload, entry)) = found else { return Ok(None) };
    let receipt = ledger::object(rows, number(entry)?)?.ok_or(StoreError::Busy)?;
    Ok(Some(Seen {
        payload_sha256: digest(&payload)?,
        receipt: String::from_utf8(receipt).map_err(StoreError::corrupt("inbox", "a receipt that is no token"))?,
    }))
}

/// The receipt of a message that is held was signed again: this entry is what a repeat gets from now on.
///
/// # Errors
/// Those of the database.
pub fn replace_receipt(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    message: MessageId,
    entry: u64,
) -> Result<(), StoreError> {
    diesel::update(inbox::table.find((partner.as_bytes().as_slice(), message.as_bytes().as_slice())))
        .set(inbox::receipt_entry.eq(stored(entry)?))
        .execute(turn.rows().db)?;
    Ok(())
}

/// Messages of a partner that came since an instant (duty time), the newest first, at most `limit`: which, and of which
/// exchange.
///
/// # Errors
/// Those of the database.
pub fn since(
    rows: &mut Rows<'_>,
    partner: PartnerId,
    at: Moment,
    limit: u32,
) -> Result<Vec<(MessageId, Option<ExchangeId>)>, StoreError> {
    let found: Vec<(Vec<u8>, Option<Vec<u8>>)> = inbox::table
        .filter(inbox::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(inbox::received_at.ge(at.micros()))
        .order((inbox::received_at.desc(), inbox::message))
        .limit(i64::from(limit))
        .select((inbox::message, inbox::exchange_id))
        .load(rows.db)?;
    let corrupt = || StoreError::corrupt("inbox", "an id");
    found
        .into_iter()
        .map(|(message, exchange)| {
            let exchange = exchange.map(|id| ExchangeId::from_slice(&id)).transpose().map_err(corrupt())?;
            Ok((MessageId::from_slice(&message).map_err(corrupt())?, exchange))
        })
        .collect()
}

/// Whether another message of this partner has this number.
///
/// # Errors
/// Those of the database.
pub fn seq_taken(turn: &mut Turn<'_>, partner: PartnerId, seq: u64) -> Result<bool, StoreError> {
    let seq = stored(seq)?;
    let held: i64 = inbox::table
        .filter(inbox::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(inbox::seq.eq(seq))
        .count()
        .get_result(turn.rows().db)?;
    Ok(held > 0)
}

/// The ledger entry of a message's octets.
///
/// # Errors
/// Those of the database.
pub fn set_entry(rows: &mut Rows<'_>, partner: PartnerId, message: MessageId) -> Result<Option<u64>, StoreError> {
    let found: Option<i64> = inbox::table
        .find((partner.as_bytes().as_slice(), message.as_bytes().as_slice()))
        .select(inbox::set_entry)
        .first(rows.db)
        .optional()?;
    found.map(number).transpose()
}

/// The exchange of a partner's case.
///
/// # Errors
/// Those of the database.
pub fn exchange_of_case(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    direction: Direction,
    case: CaseId,
) -> Result<Option<ExchangeId>, StoreError> {
    let found: Option<Vec<u8>> = exchanges::table
        .filter(exchanges::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(exchanges::direction.eq(direction.word()))
        .filter(exchanges::case_id.eq(case.as_bytes().as_slice()))
        .select(exchanges::id)
        .first(turn.rows().db)
        .optional()?;
    found.map(|id| ExchangeId::from_slice(&id)).transpose().map_err(StoreError::corrupt("exchanges", "an id"))
}

/// How a message follows the one before it (protocol §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// Nothing before it is missing, and it names its predecessor rightly.
    Ok,
    /// Something before it is missing.
    Gap,
    /// It names another predecessor than the one held.
    Broken,
}

/// How far a partner's messages reach, as a receipt states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// How the message that was just placed follows its predecessor; `Ok` for one without a number.
    pub chain: Chain,
    /// The highest number held; 0 for none.
    pub head_seq: u64,
    /// Digest of its payload.
    pub head_payload: Option<Digest32>,
    /// Numbers below it that are not held, at most [`MISSING_MAX`].
    pub missing: Vec<u64>,
}

/// A new message, verified and decided on.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// From whom.
    pub partner: PartnerId,
    /// Which message.
    pub message: MessageId,
    /// The word of its event.
    pub event: &'static str,
    /// Its number; `None` for a heartbeat.
    pub seq: Option<u64>,
    /// The payload hash of the number before, as it says.
    pub prev: Option<Digest32>,
    /// Digest of its payload.
    pub payload_sha256: Digest32,
    /// The ledger entry of its octets.
    pub set_entry: u64,
    /// The exchange that it belongs to.
    pub exchange: Option<ExchangeId>,
    /// The case that it says it is of.
    pub case: Option<CaseId>,
}

/// What is held of a partner's numbers.
struct Held {
    known: bool,
    head_seq: u64,
    head_payload: Option<Digest32>,
    missing: Ranges,
    /// Since when something is missing (machine time).
    gap_since: Option<i64>,
}

impl Held {
    fn load(rows: &mut Rows<'_>, partner: PartnerId) -> Result<Self, StoreError> {
        type Found = (i64, Option<Vec<u8>>, String, Option<i64>);
        let found: Option<Found> = inbound::table
            .find(partner.as_bytes().as_slice())
            .select((inbound::head_seq, inbound::head_payload, inbound::missing, inbound::gap_since))
            .first(rows.db)
            .optional()?;
        let Some((head, payload, missing, gap_since)) = found else {
            let missing = Ranges::default();
            return Ok(Self { known: false, head_seq: 0, head_payload: None, missing, gap_since: None });
        };
        Ok(Self {
            known: true,
            gap_since,
            head_seq: number(head)?,
            head_payload: payload.map(|payload| digest(&payload)).transpose()?,
            missing: Ranges::parse(&missing)?,
        })
    }

    fn save(&self, rows: &mut Rows<'_>, partner: PartnerId, elapsed: Moment) -> Result<(), StoreError> {
        let gap_since = (!self.missing.is_empty()).then(|| self.gap_since.unwrap_or(elapsed.micros()));
        let values = (
            inbound::head_seq.eq(stored(self.head_seq)?),
            inbound::head_payload.eq(self.head_payload.map(|payload| payload.as_bytes().to_vec())),
            inbound::missing.eq(self.missing.text()),
            inbound::gap_since.eq(gap_since),
        );
        if self.known {
            diesel::update(inbound::table.find(partner.as_bytes().as_slice())).set(values).execute(rows.db)?;
        } else {
            let partner = inbound::partner_id.eq(partner.as_bytes().as_slice());
            diesel::insert_into(inbound::table)
                .values((partner, values.0, values.1, values.2, values.3))
                .execute(rows.db)?;
        }
        Ok(())
    }

    /// Takes a number in. What was above the head and skipped becomes missing.
    fn place(&mut self, seq: u64, payload: Digest32) {
        if seq > self.head_seq {
            self.missing.add(self.head_seq.saturating_add(1), seq.saturating_sub(1));
            self.head_seq = seq;
            self.head_payload = Some(payload);
        }
        self.missing.remove(seq);
    }

    fn stated(&self, chain: Chain) -> Inbound {
        Inbound {
            chain,
            head_seq: self.head_seq,
            head_payload: self.head_payload,
            missing: self.missing.first_below(self.head_seq, MISSING_MAX),
        }
    }
}

/// Places a new message among the partner's numbers and answers what its receipt has to state. `elapsed` is machine time.
///
/// # Errors
/// [`StoreError::Corrupt`] when what is held can't be read; those of the database.
pub fn advance(turn: &mut Turn<'_>, arrived: &Arrived, elapsed: Moment) -> Result<Inbound, StoreError> {
    let rows = turn.rows();
    let mut held = Held::load(rows, arrived.partner)?;
    let Some(seq) = arrived.seq else { return Ok(held.stated(Chain::Ok)) };
    let before = predecessor(rows, &held, arrived.partner, seq)?;
    held.place(seq, arrived.payload_sha256);
    let chain = match before {
        Predecessor::Missing => Chain::Gap,
        Predecessor::Held(payload) if payload != arrived.prev => Chain::Broken,
        Predecessor::Held(_) if held.missing.any_below(seq) => Chain::Gap,
        Predecessor::Held(_) => Chain::Ok,
    };
    held.save(rows, arrived.partner, elapsed)?;
    Ok(held.stated(chain))
}

/// The message one number before.
enum Predecessor {
    Missing,
    /// Its payload; `None` before number 1.
    Held(Option<Digest32>),
}

fn predecessor(rows: &mut Rows<'_>, held: &Held, partner: PartnerId, seq: u64) -> Result<Predecessor, StoreError> {
    let Some(before) = seq.checked_sub(1).filter(|before| *before > 0) else { return Ok(Predecessor::Held(None)) };
    if before == held.head_seq {
        return Ok(Predecessor::Held(held.head_payload));
    }
    let found: Option<Vec<u8>> = inbox::table
        .filter(inbox::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(inbox::seq.eq(stored(before)?))
        .select(inbox::payload_sha256)
        .first(rows.db)
        .optional()?;
    match found {
        Some(payload) => Ok(Predecessor::Held(Some(digest(&payload)?))),
        None => Ok(Predecessor::Missing),
    }
}

/// Keeps a message with the entry of its receipt.
///
/// # Errors
/// Those of the database.
pub fn keep(turn: &mut Turn<'_>, arrived: Arrived, receipt_entry: u64) -> Result<(), StoreError> {
    let now = turn.now();
    // Of one that has found its place the exchange tells.
    let waits_for = arrived.case.filter(|_| arrived.exchange.is_none());
    diesel::insert_into(inbox::table)
        .values((
            inbox::partner_id.eq(arrived.partner.as_bytes().as_slice()),
            inbox::message.eq(arrived.message.as_bytes().as_slice()),
            inbox::event.eq(arrived.event),
            inbox::seq.eq(arrived.seq.map(stored).transpose()?),
            inbox::payload_sha256.eq(arrived.payload_sha256.as_bytes().as_slice()),
            inbox::set_entry.eq(stored(arrived.set_entry)?),
            inbox::receipt_entry.eq(stored(receipt_entry)?),
            inbox::exchange_id.eq(arrived.exchange.map(|id| id.as_bytes().to_vec())),
            inbox::received_at.eq(now.micros()),
            inbox::case_id.eq(waits_for.map(|case| case.as_bytes().to_vec())),
        ))
        .execute(turn.rows().db)?;
    Ok(())
}

/// A heartbeat says how far the sender has numbered: what lies beyond our head is missing. Answers whether anything is.
/// `elapsed` is machine time.
///
/// # Errors
/// [`StoreError::Corrupt`] when what is held can't be read; those of the database.
pub fn note_head(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    their_head: u64,
    elapsed: Moment,
) -> Result<bool, StoreError> {
    let rows = turn.rows();
    let mut held = Held::load(rows, partner)?;
    if their_head <= held.head_seq {
        return Ok(held.missing.any_below(held.head_seq));
    }
    let before = held.missing.clone();
    held.missing.add(held.head_seq.saturating_add(1), their_head);
    if held.missing != before {
        held.save(rows, partner, elapsed)?;
    }
    Ok(true)
}

/// What is missing of a partner's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Of whose.
    pub partner: PartnerId,
    /// Since when (machine time).
    pub since: Moment,
    /// How many.
    pub missing: u64,
}

type FoundGap = (Vec<u8>, String, Option<i64>);

impl Gap {
    fn read((partner, missing, since): FoundGap) -> Result<Option<Self>, StoreError> {
        let Some(since) = since else { return Ok(None) };
        let missing = Ranges::parse(&missing)?.0.into_iter();
        let count = |(first, last): (u64, u64)| last.saturating_sub(first).saturating_add(1);
        Ok(Some(Self {
            partner: PartnerId::from_slice(&partner).map_err(StoreError::corrupt("inbound", "a partner"))?,
            since: Moment::from_micros(since).map_err(StoreError::corrupt("inbound", "an instant"))?,
            missing: missing.map(count).fold(0, u64::saturating_add),
        }))
    }
}

/// What is missing of a partner's messages; `None` when nothing is.
///
/// # Errors
/// Those of the database.
pub fn gap(rows: &mut Rows<'_>, partner: PartnerId) -> Result<Option<Gap>, StoreError> {
    let found: Option<FoundGap> = inbound::table
        .find(partner.as_bytes().as_slice())
        .select((inbound::partner_id, inbound::missing, inbound::gap_since))
        .first(rows.db)
        .optional()?;
    found.map_or(Ok(None), Gap::read)
}

/// Gaps that have been there since `at` (machine time) or longer.
///
/// # Errors
/// Those of the database.
pub fn gaps(rows: &mut Rows<'_>, at: Moment) -> Result<Vec<Gap>, StoreError> {
    let found: Vec<FoundGap> = inbound::table
        .filter(inbound::gap_since.le(at.micros()))
        .order(inbound::gap_since)
        .limit(GAPS_MAX)
        .select((inbound::partner_id, inbound::missing, inbound::gap_since))
        .load(rows.db)?;
    found.into_iter().filter_map(|row| Gap::read(row).transpose()).collect()
}

/// Keeps a sealed copy of a message that can't be read. The same octets again are kept once.
///
/// # Errors
/// Those of the database.
pub fn quarantine(turn: &mut Turn<'_>, partner: PartnerId, why: &str, octets: &[u8]) -> Result<(), StoreError> {
    let now = turn.now();
    let rows = turn.rows();
    let digest = Digest32::of(&[partner.as_bytes().as_slice(), octets].concat());
    let id = digest.as_bytes().first_chunk::<16>().map(|id| Uuid::from_bytes(*id)).unwrap_or_default();
    let known: i64 = quarantine::table.find(id.as_bytes().as_slice()).count().get_result(rows.db)?;
    if known > 0 {
        return Ok(());
    }
    let theirs = || quarantine::table.filter(quarantine::partner_id.eq(partner.as_bytes().as_slice()));
    let kept: i64 = theirs().count().get_result(rows.db)?;
    if kept >= QUARANTINE_MAX {
        let oldest: Vec<Vec<u8>> = theirs()
            .order((quarantine::at, quarantine::id))
            .limit(kept.saturating_sub(QUARANTINE_MAX).saturating_add(1))
            .select(quarantine::id)
            .load(rows.db)?;
        diesel::delete(quarantine::table.filter(quarantine::id.eq_any(oldest))).execute(rows.db)?;
    }
    diesel::insert_into(quarantine::table)
        .values((
            quarantine::id.eq(id.as_bytes().as_slice()),
            quarantine::partner_id.eq(partner.as_bytes().as_slice()),
            quarantine::at.eq(now.micros()),
            quarantine::why.eq(why),
            quarantine::sealed.eq(rows.seal.seal(QUARANTINED, id.as_bytes(), octets)?),
        ))
        .execute(rows.db)?;
    Ok(())
}

/// What a partner's checkpoint says beside those seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting {
    /// It contradicts none.
    Consistent,
    /// It is smaller than one seen before, and new to us: the ledger went back.
    Shrunk,
    /// One of the same size has another root.
    Forked,
}

/// Keeps a partner's verified checkpoint as a witness, whatever it says. `stated_at` is when the partner stated it as its
/// newest (duty time): a receipt does. A message carries the one fixed when it was queued and may come days later, so
/// that a smaller size says nothing.
///
/// # Errors
/// Those of the database.
pub fn keep_checkpoint_seen(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    size: u64,
    root: Digest32,
    note: &str,
    stated_at: Option<Moment>,
) -> Result<Sighting, StoreError> {
    let at = turn.now();
    let size = stored(size)?;
    let rows = turn.rows();
    let theirs = || checkpoints_seen::table.filter(checkpoints_seen::partner_id.eq(partner.as_bytes().as_slice()));
    let roots: Vec<Vec<u8>> =
        theirs().filter(checkpoints_seen::size.eq(size)).select(checkpoints_seen::root).load(rows.db)?;
    let shrunk = match stated_at {
        None => false,
        Some(stated) => {
            let before = stated.plus_seconds(-UNDER_WAY_SECONDS).micros();
            let larger = theirs().filter(checkpoints_seen::size.gt(size)).filter(checkpoints_seen::at.lt(before));
            larger.count().get_result::<i64>(rows.db)? > 0
        }
    };
    let sighting = |forked: bool| match (forked, shrunk) {
        (true, _) => Sighting::Forked,
        (false, true) => Sighting::Shrunk,
        (false, false) => Sighting::Consistent,
    };
    if roots.iter().any(|known| known == root.as_bytes()) {
        return Ok(sighting(roots.len() > 1));
    }
    diesel::insert_into(checkpoints_seen::table)
        .values((
            checkpoints_seen::partner_id.eq(partner.as_bytes().as_slice()),
            checkpoints_seen::size.eq(size),
            checkpoints_seen::root.eq(root.as_bytes().as_slice()),
            checkpoints_seen::note.eq(note),
            checkpoints_seen::at.eq(at.micros()),
        ))
        .execute(rows.db)?;
    Ok(sighting(!roots.is_empty()))
}

/// Sorted ranges of numbers, as text `3-5,8`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    fn parse(text: &str) -> Result<Self, StoreError> {
        let range = |part: &str| -> Option<(u64, u64)> {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some((first.parse().ok()?, last.parse().ok()?))
        };
        let parsed: Option<Vec<_>> = text.split(',').filter(|part| !part.is_empty()).map(range).collect();
        parsed.map(Self).ok_or(StoreError::Corrupt { table: "inbound", what: "missing numbers" })
    }

    fn text(&self) -> String {
        let one = |(first, last): &(u64, u64)| {
            if first == last { first.to_string() } else { format!("{first}-{last}") }
        };
        self.0.iter().map(one).collect::<Vec<_>>().join(",")
    }

    /// Adds `first..=last`; nothing when that is empty. Ranges that touch become one.
    fn add(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        self.0.push((first, last));
        self.0.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::with_capacity(self.0.len());
        for (first, last) in self.0.drain(..) {
            match joined.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                Some(_) | None => joined.push((first, last)),
            }
        }
        joined.truncate(RANGES_MAX);
        self.0 = joined;
    }

    fn remove(&mut self, number: u64) {
        let Some(at) = self.0.iter().position(|(first, last)| (*first..=*last).contains(&number)) else { return };
        let (first, last) = self.0.remove(at);
        if number < last {
            self.0.insert(at, (number.saturating_add(1), last));
        }
        if first < number {
            self.0.insert(at, (first, number.saturating_sub(1)));
        }
        self.0.truncate(RANGES_MAX);
    }

    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn any_below(&self, number: u64) -> bool {
        self.0.first().is_some_and(|(first, _)| *first < number)
    }

    fn first_below(&self, number: u64, most: usize) -> Vec<u64> {
        self.0
            .iter()
            .flat_map(|(first, last)| *first..=*last)
            .take_while(|missing| *missing < number)
            .take(most)
            .collect()
    }
}

fn digest(octets: &[u8]) -> Result<Digest32, StoreError> {
    Digest32::from_slice(octets).map_err(StoreError::corrupt("inbox", "a digest"))
}

fn number(stored: i64) -> Result<u64, StoreError> {
    u64::try_from(stored).map_err(StoreError::corrupt("inbox", "a negative number"))
}

fn stored(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(StoreError::corrupt("inbox", "a number beyond all ledgers"))
}
