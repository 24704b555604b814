//! Exercises across organisations, as their list and their reports show them: who received the notice, who read it, how long
//! each took, which channel failed, and whom somebody tried to reach out of hours.

use std::collections::{BTreeSet, HashMap};

use diesel::dsl::{count_star, max};
use diesel::prelude::*;
use domain::values::{Actor, ExchangeId, IncidentId, Line, LongText, Moment, PartnerId};
use serde::{Deserialize, Serialize};

use super::{Page, board, count, exchange_id, incident_id, incidents, moment, one_more, partner_id};
use crate::store::schema::{attempts, endpoints, exchanges, incidents as table, ledger, outbox, partners};
use crate::store::{EntryKind, Rows, StoreError, ledger as entries};

/// Partners in one report.
pub const PARTNERS_MAX: usize = 10_000;
/// Attempts to reach somebody that one exercise records.
pub const TRIES_MAX: usize = 2_000;
/// The action of the ledger's notes about them.
pub const CONTACT_TRIED: &str = "contact_tried";
/// Ids in one statement.
const CHUNK: usize = 500;

/// A partner who can be reached in an exercise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reachable {
    /// Who.
    pub partner: PartnerId,
    /// Their name.
    pub name: String,
    /// The word of the channel.
    pub channel: String,
}

/// Every partner to whom a notice would leave by itself, by name.
///
/// # Errors
/// [`StoreError::Corrupt`] when a name does not open; those of the database.
pub fn reachable(rows: &mut Rows<'_>) -> Result<Vec<Reachable>, StoreError> {
    type Found = (Vec<u8>, Vec<u8>, String, String);
    let found: Vec<Found> = partners::table
        .filter(partners::state.ne("ended"))
        .order(partners::id)
        .limit(i64::try_from(PARTNERS_MAX).unwrap_or(i64::MAX))
        .select((partners::id, partners::name, partners::state, partners::channel))
        .load(rows.db)?;
    let ends: Vec<(Option<Vec<u8>>, String)> = endpoints::table
        .filter(endpoints::partner_id.is_not_null())
        .filter(diesel::dsl::not(endpoints::paused))
        .select((endpoints::partner_id, endpoints::kind))
        .load(rows.db)?;
    let ends: BTreeSet<(Vec<u8>, String)> = ends.into_iter().filter_map(|(id, kind)| Some((id?, kind))).collect();
    let mut reachable = Vec::new();
    for (id, name, state, channel) in found {
        let reached = match channel.as_str() {
            "node" => state == "active",
            "webhook" | "mail" => ends.contains(&(id.clone(), channel.clone())),
            _ => false,
        };
        if reached {
            let name = crate::store::partners::open_name(rows, &id, &name)?;
            reachable.push(Reachable { partner: partner_id("partners", &id)?, name, channel });
        }
    }
    reachable.sort_by(|a, b| (&a.name, a.partner).cmp(&(&b.name, b.partner)));
    Ok(reachable)
}

/// Exercises that partners were told of, the newest first; `before` is the key of the last one already shown.
///
/// # Errors
/// Those of the database.
pub fn newest(
    rows: &mut Rows<'_>,
    before: Option<(Moment, IncidentId)>,
    limit: usize,
) -> Result<Page<incidents::Listed, (Moment, IncidentId)>, StoreError> {
    let mut query = table::table
        .filter(table::exercise)
        .filter(table::owed.gt(0))
        .order((table::logged_at.desc(), table::id.desc()))
        .limit(one_more(limit))
        .select(table::id)
        .into_boxed();
    if let Some((at, id)) = before {
        let id = id.as_bytes().to_vec();
        query = query
            .filter(table::logged_at.le(at.micros()))
            .filter(table::logged_at.lt(at.micros()).or(table::id.lt(id)));
    }
    let found: Vec<Vec<u8>> = query.load(rows.db)?;
    let mut items = Vec::with_capacity(found.len());
    for id in found {
        items.extend(incidents::one(rows, incident_id("incidents", &id)?)?);
    }
    Ok(Page::of(items, limit, |listed| (listed.logged_at, listed.id)))
}

/// When the last exercise with partners was logged.
///
/// # Errors
/// Those of the database.
pub fn last(rows: &mut Rows<'_>) -> Result<Option<Moment>, StoreError> {
    let last: Option<i64> =
        table::table.filter(table::exercise).filter(table::owed.gt(0)).select(max(table::logged_at)).first(rows.db)?;
    super::moment_or_none("incidents", last)
}

/// Since when this node keeps a record; `None` before there is any.
///
/// # Errors
/// Those of the database.
pub fn began(rows: &mut Rows<'_>) -> Result<Option<Moment>, StoreError> {
    let first: Option<i64> = ledger::table.order(ledger::n).select(ledger::at).first(rows.db).optional()?;
    super::moment_or_none("ledger", first)
}

/// How one partner did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The partner, as on the board.
    pub listed: board::Listed,
    /// When they had it, at the earliest, and how that is known.
    pub received: Option<(Moment, Received)>,
    /// What went wrong on the way: the word of the channel, the word of the outcome, how often.
    pub failures: Vec<(String, String, u32)>,
    /// Who tried to reach somebody there, in order.
    pub tries: Vec<ContactTried>,
}

/// How it is known that a partner had the notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Received {
    /// Their node signed for it.
    Signed,
    /// Somebody there acknowledged it.
    Read,
    /// A person here told them.
    Told,
    /// Their server took it, which proves nothing.
    Taken,
}

impl Received {
    /// The word in the API and in files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Signed => "signed_receipt",
            Self::Read => "acknowledgement",
            Self::Told => "recorded_call",
            Self::Taken => "transport",
        }
    }
}

/// Somebody tried to reach a contact of a partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactTried {
    /// What passes with the partner in this exercise.
    pub exchange: ExchangeId,
    /// Whom: a role or name, as the arrangement has it.
    pub whom: Line,
    /// Whether somebody answered.
    pub reached: bool,
    /// When.
    pub tried_at: Moment,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<LongText>,
}

/// One exercise with every partner's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// It.
    pub incident: incidents::Listed,
    /// Each partner, by id.
    pub rows: Vec<Row>,
}

/// How long something took over many partners, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// How many did it.
    pub many: usize,
    /// Half of them took at most so long.
    pub median: i64,
    /// The slowest.
    pub worst: i64,
}

impl Spread {
    /// Of these lengths; `None` of none.
    #[must_use]
    pub fn of(lengths: impl IntoIterator<Item = i64>) -> Option<Self> {
        let mut lengths: Vec<i64> = lengths.into_iter().collect();
        lengths.sort_unstable();
        let median = *lengths.get(lengths.len().saturating_sub(1) / 2)?;
        Some(Self { many: lengths.len(), median, worst: *lengths.last()? })
    }
}

impl Report {
    /// How long it took until partners had the notice, those with a proof or a record only.
    #[must_use]
    pub fn until_received(&self) -> Option<Spread> {
        Spread::of(self.rows.iter().filter_map(|row| {
            let (at, how) = row.received?;
            (how != Received::Taken).then(|| self.took(at))
        }))
    }

    /// How long it took until somebody there had read it.
    #[must_use]
    pub fn until_read(&self) -> Option<Spread> {
        Spread::of(self.rows.iter().filter_map(|row| Some(self.took(row.listed.acknowledgement.as_ref()?.at))))
    }

    /// Seconds from the start of the exercise.
    #[must_use]
    pub const fn took(&self, at: Moment) -> i64 {
        at.seconds_since(self.incident.logged_at)
    }
}

/// The report of an exercise; `None` when there is no such exercise.
///
/// # Errors
/// [`StoreError::Corrupt`] when something can't be read; those of the database.
pub fn report(rows: &mut Rows<'_>, id: IncidentId) -> Result<Option<Report>, StoreError> {
    let Some(incident) = incidents::one(rows, id)?.filter(|incident| incident.exercise) else { return Ok(None) };
    let listed = board::page(rows, id, None, None, PARTNERS_MAX)?.items;
    let first = first_receipts(rows, id)?;
    let mut failures = failures(rows, id)?;
    let mut tries: HashMap<ExchangeId, Vec<ContactTried>> = HashMap::new();
    for (_, tried) in contact_tries(rows, id)? {
        tries.entry(tried.exchange).or_default().push(tried);
    }
    let rows = listed
        .into_iter()
        .map(|listed| Row {
            received: received(&listed, first.get(&listed.exchange).copied()),
            failures: failures.remove(&listed.exchange).unwrap_or_default(),
            tries: tries.remove(&listed.exchange).unwrap_or_default(),
            listed,
        })
        .collect();
    Ok(Some(Report { incident, rows }))
}

/// The best evidence counts; of its own kind the earliest.
fn received(listed: &board::Listed, signed: Option<Moment>) -> Option<(Moment, Received)> {
    let read = listed.acknowledgement.as_ref().map(|said| (said.at, Received::Read));
    let told = listed.told.as_ref().map(|(at, _)| (*at, Received::Told));
    let proven = [signed.map(|at| (at, Received::Signed)), read, told].into_iter().flatten().min();
    proven.or(listed.accepted_at.map(|at| (at, Received::Taken)))
}

fn first_receipts(rows: &mut Rows<'_>, id: IncidentId) -> Result<HashMap<ExchangeId, Moment>, StoreError> {
    let found: Vec<(Vec<u8>, Option<i64>)> = outbox::table
        .inner_join(exchanges::table.on(outbox::exchange_id.eq(exchanges::id.nullable())))
        .filter(exchanges::incident_id.eq(id.as_bytes().as_slice()))
        .filter(outbox::kind.eq_any(["notified", "updated"]))
        .filter(outbox::receipted_at.is_not_null())
        .select((exchanges::id, outbox::receipted_at))
        .load(rows.db)?;
    let mut first: HashMap<ExchangeId, Moment> = HashMap::new();
    for (exchange, at) in found {
        let Some(at) = at.map(|at| moment("outbox", at)).transpose()? else { continue };
        let earliest = first.entry(exchange_id("outbox", &exchange)?).or_insert(at);
        *earliest = at.min(*earliest);
    }
    Ok(first)
}

type Failures = Vec<(String, String, u32)>;

/// What went wrong on the way to each partner: channel, outcome, how often.
fn failures(rows: &mut Rows<'_>, id: IncidentId) -> Result<HashMap<ExchangeId, Failures>, StoreError> {
    let sent: Vec<(Vec<u8>, Vec<u8>, String)> = outbox::table
        .inner_join(exchanges::table.on(outbox::exchange_id.eq(exchanges::id.nullable())))
        .filter(exchanges::incident_id.eq(id.as_bytes().as_slice()))
        .filter(outbox::attempts.gt(0))
        .select((outbox::id, exchanges::id, outbox::channel))
        .load(rows.db)?;
    let mut failures: HashMap<ExchangeId, Failures> = HashMap::new();
    for chunk in sent.chunks(CHUNK) {
        let ids: Vec<&[u8]> = chunk.iter().map(|(message, _, _)| message.as_slice()).collect();
        let found: Vec<(Vec<u8>, String, i64)> = attempts::table
            .filter(attempts::message.eq_any(&ids))
            .filter(attempts::outcome.ne_all(["receipted", "accepted"]))
            .group_by((attempts::message, attempts::outcome))
            .select((attempts::message, attempts::outcome, count_star()))
            .load(rows.db)?;
        for (message, outcome, many) in found {
            let Some((_, exchange, channel)) = chunk.iter().find(|(id, _, _)| *id == message) else { continue };
            let of_them = failures.entry(exchange_id("outbox", exchange)?).or_default();
            match of_them.iter_mut().find(|(over, what, _)| over == channel && *what == outcome) {
                Some((_, _, before)) => *before = before.saturating_add(count(many)),
                None => of_them.push((channel.clone(), outcome, count(many))),
            }
        }
    }
    failures.values_mut().for_each(|of_them| of_them.sort());
    Ok(failures)
}

/// The ledger's note of an attempt to reach somebody.
#[derive(Deserialize)]
struct Noted {
    action: String,
    by: Actor,
    about: serde_json::Value,
}

/// Who tried to reach whom in an exercise, in the order recorded; at most [`TRIES_MAX`].
///
/// # Errors
/// [`StoreError::Corrupt`] when an entry can't be read; those of the database.
pub fn contact_tries(rows: &mut Rows<'_>, id: IncidentId) -> Result<Vec<(Actor, ContactTried)>, StoreError> {
    let numbers: Vec<i64> = ledger::table
        .filter(ledger::subject.eq(id.as_bytes().as_slice()))
        .filter(ledger::kind.eq(EntryKind::OperatorAction.word()))
        .order(ledger::n)
        .select(ledger::n)
        .load(rows.db)?;
    let corrupt = || StoreError::corrupt("ledger", "a note of another form");
    let mut tries = Vec::new();
    for n in numbers {
        let n = u64::try_from(n).map_err(StoreError::corrupt("ledger", "a number"))?;
        let Some(octets) = entries::object(rows, n)? else { continue };
        let noted: Noted = serde_json::from_slice(&octets).map_err(corrupt())?;
        if noted.action == CONTACT_TRIED {
            tries.push((noted.by, serde_json::from_value(noted.about).map_err(corrupt())?));
            if tries.len() >= TRIES_MAX {
                break;
            }
        }
    }
    Ok(tries)
}

#[cfg(test)]
mod tests {
    use super::Spread;

    /// Aim: half of them took at most the median; nobody took longer than the worst; of nobody there is neither.
    #[test]
    fn the_median_and_the_worst() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([9]), Some(Spread { many: 1, median: 9, worst: 9 }));
        assert_eq!(Spread::of([50, 3, 4, 1]), Some(Spread { many: 4, median: 3, worst: 50 }));
    }
}
