//! Claiming: which lanes are due, which message of each goes next, and all that is needed to seal and carry it.

mod assemble;

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;
use domain::delivery::{self, Attempts, Channel, Class, Duty, Heard, Lane as BackOff, Sent, Waiting};
use domain::facts::Facts;
use domain::values::{Digest32, ExchangeId, IncidentId, MessageId, Moment, PartnerId};
use uuid::Uuid;

pub(super) use self::assemble::assemble;
use super::{AHEAD_SECONDS_MAX, OutKind, carry, count, moment, moment_or_none, stored_lease};
use crate::store::alerts::AlertKind;
use crate::store::backend::MultiBackend;
use crate::store::schema::{endpoints, lanes, outbox, partners};
use crate::store::{Checkpoint, Rows, StoreError, Turn, alerts};

/// Lanes that failed lately and are in flight at once, so that hanging partners leave room for the others.
pub const FAILING_LANES_MAX: u32 = 16;
/// How long a message that can't be read rests before it is looked at again.
const BROKEN_REST_SECONDS: i64 = 900;
/// Messages of one lane looked at to choose the next.
const LOOKED_AT: i64 = 100;
/// The same, on average, where many lanes are looked at together.
const ON_AVERAGE: i64 = 8;

/// One message, claimed with its lane.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// To whom.
    pub partner: PartnerId,
    /// Over which channel.
    pub channel: Channel,
    /// Their name on the wire; empty without a node.
    pub issuer: String,
    /// Where it goes; empty without a node.
    pub push_url: String,
    /// Address ranges that an administrator admits for this partner (CIDR).
    pub exceptions: Vec<String>,
    /// Which message.
    pub message: MessageId,
    /// The partner is not active yet, or not any more.
    pub pairing: bool,
    /// What it is.
    pub kind: OutKind,
    /// Its exchange; `None` for a heartbeat.
    pub exchange: Option<ExchangeId>,
    /// The exchange's incident, if it has one.
    pub incident: Option<IncidentId>,
    /// JSON of the exchange's event that queued it; `{}` for a heartbeat.
    pub body: Vec<u8>,
    /// The facts that a notice tells.
    pub facts: Option<Arc<Facts>>,
    /// The checkpoint fixed for it when it was queued.
    pub checkpoint: Option<Checkpoint>,
    /// Its octets, when it was sealed before: these are sent again.
    pub sealed: Option<SealedItem>,
    /// The number that the lane gives next.
    pub next_seq: i64,
    /// The payload hash of the number before.
    pub prev: Option<Digest32>,
    /// Attempts of this message so far.
    pub attempts: u32,
    /// Those of them that failed since a person last had it retried.
    pub failures: u32,
    /// The word of the last outcome ([`outcome_word`]), and how many attempts in a row, it included, came to that.
    pub last_outcome: Option<(String, u32)>,
    /// The lane's back-off.
    pub lane: BackOff,
    /// When the message was first to be sent (duty time); `None` before it is sealed.
    pub first_attempt_at: Option<Moment>,
    /// When a receipt last proved the lane (machine time).
    pub proven_at: Option<Moment>,
    /// The due instant of the exchange's notice clock while that is open; else, on a lane that fails, the earliest of what
    /// waits there.
    pub due: Option<Moment>,
}

/// A message as it was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedItem {
    /// Its number in the lane; `None` for a heartbeat.
    pub seq: Option<i64>,
    /// Digest of its payload.
    pub payload_sha256: Digest32,
    /// Digest of its octets.
    pub set_sha256: Digest32,
    /// The octets: a compact token.
    pub octets: Vec<u8>,
}

impl Claimed {
    /// The message as the rules of delivery see it.
    #[must_use]
    pub const fn sent(&self) -> Sent {
        let class = match self.kind.class() {
            Class::Heartbeat if self.pairing => Class::Introduction,
            class @ (Class::FirstWord | Class::Other | Class::Heartbeat | Class::Introduction) => class,
        };
        Sent { id: self.message, class }
    }

    /// What came before an attempt with this outcome.
    #[must_use]
    pub fn history(&self, heard: Heard) -> Attempts {
        let same_outcome = match &self.last_outcome {
            Some((word, times)) if word == outcome_word(heard) => *times,
            Some(_) | None => 0,
        };
        Attempts { attempts: self.attempts, same_outcome, lane: self.lane }
    }

    /// The duty that the message serves, at an instant of duty time.
    #[must_use]
    pub fn duty(&self, now: Moment) -> Duty {
        Duty { ended: self.due.is_none(), remaining_seconds: self.due.map(|due| due.seconds_since(now)) }
    }
}

/// The word of an outcome in tables: of a refusal, the reason.
#[must_use]
pub const fn outcome_word(heard: Heard) -> &'static str {
    match heard {
        Heard::Refused { err } => err.word(),
        Heard::Receipted
        | Heard::Accepted
        | Heard::Unconfirmed
        | Heard::NotReached
        | Heard::Busy { .. }
        | Heard::Misdirected { .. } => heard.word(),
    }
}

/// Partners to whose nodes anything may be sent.
const SENDABLE: [&str; 2] = ["verified", "active"];

/// Whether anything may be sent over a lane of `lanes` joined with `partners`.
macro_rules! open_way {
    () => {{
        let node = lanes::channel
            .eq(Channel::Node.word())
            .and(partners::state.eq_any(SENDABLE))
            .and(partners::issuer.is_not_null())
            .and(partners::push_url.is_not_null());
        let destination = endpoints::table
            .filter(endpoints::partner_id.eq(lanes::partner_id.nullable()))
            .filter(endpoints::kind.eq(lanes::channel))
            .filter(diesel::dsl::not(endpoints::paused));
        let elsewhere = lanes::channel
            .ne(Channel::Node.word())
            .and(partners::state.ne("ended"))
            .and(diesel::dsl::exists(destination));
        node.or(elsewhere)
    }};
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = lanes)]
pub(super) struct LaneRow {
    partner_id: Vec<u8>,
    channel: String,
    next_seq: i64,
    last_payload: Option<Vec<u8>>,
    fail_count: i32,
    waits_until: Option<i64>,
    tried_at: Option<i64>,
    stopped: Option<String>,
    proven_at: Option<i64>,
}

impl LaneRow {
    /// Which lane it is.
    pub(super) fn place(&self) -> Candidate {
        (self.partner_id.clone(), self.channel.clone())
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = partners)]
pub(super) struct PartnerRow {
    id: Vec<u8>,
    issuer: Option<String>,
    state: String,
    push_url: Option<String>,
    exceptions: String,
}

impl PartnerRow {
    fn is_active(&self) -> bool {
        self.state == "active"
    }
}

/// Claims at most `limit` lanes that are due and free, and the next message of each; `only` looks at one partner alone.
/// `elapsed` and `lease_until` are machine time. Of lanes that failed lately at most [`FAILING_LANES_MAX`] are in flight.
///
/// A message that can't be read is alerted and rests a quarter of an hour; its lane is left out.
///
/// # Errors
/// Those of the database.
pub fn claim(
    turn: &mut Turn<'_>,
    lease: Uuid,
    elapsed: Moment,
    lease_until: Moment,
    limit: usize,
    only: Option<PartnerId>,
) -> Result<Vec<Claimed>, StoreError> {
    let rows = turn.rows();
    let candidates = candidates(rows, elapsed, limit, only)?;
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let won = lease_lanes(rows, &candidates, lease, elapsed, lease_until)?;
    let partners = load_partners(rows, &won)?;
    let waiting = waiting_on(rows, &won, elapsed)?;
    let mut chosen = Vec::with_capacity(won.len());
    let mut lanes = HashMap::with_capacity(won.len());
    for lane in won {
        let channel = channel_of(&lane.channel)?;
        let passive = channel == Channel::Node && !partners.get(&lane.partner_id).is_some_and(PartnerRow::is_active);
        let heartbeats_only = lane.stopped.is_some() || passive;
        let next = match &waiting {
            Some(waiting) => {
                let items = waiting.get(&lane.place()).map(Vec::as_slice).unwrap_or_default();
                next_of(items, &lane, heartbeats_only, elapsed)?
            }
            None => next_message(rows, &lane, heartbeats_only, elapsed)?,
        };
        match next {
            Some(message) => {
                chosen.push(message);
                lanes.insert(lane.place(), lane);
            }
            None => carry::settle(rows, (&lane.partner_id, channel), lease, heartbeats_only)?,
        }
    }
    mark_claimed(rows, &chosen, elapsed)?;
    let (claimed, broken) = assemble(turn, &chosen, &lanes, &partners)?;
    for (lane, message) in broken {
        // Never skipped and never called sent: it rests, and a person is told.
        alerts::raise(turn, AlertKind::OwnFault, Some(lane.0), None, None, Some(message))?;
        carry::rest(turn, lease, lane, message, elapsed.plus_seconds(BROKEN_REST_SECONDS))?;
    }
    Ok(claimed)
}

/// A lane: partner and channel.
pub(super) type Candidate = (Vec<u8>, String);

/// Lanes that are due and free: working ones first, then those that failed lately, as far as there is room for them.
fn candidates(
    rows: &mut Rows<'_>,
    elapsed: Moment,
    limit: usize,
    only: Option<PartnerId>,
) -> Result<Vec<Candidate>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found = due_lanes(rows, elapsed, false, limit, only)?;
    let left = limit.saturating_sub(i64::try_from(found.len()).unwrap_or(i64::MAX));
    if left > 0 {
        let failing = due_lanes(rows, elapsed, true, left.min(i64::from(FAILING_LANES_MAX)), only)?;
        let room = usize::try_from(room_for_failing(rows, Some(elapsed))?).unwrap_or(0);
        found.extend(failing.into_iter().take(room));
    }
    Ok(found)
}

/// Which of the lanes that are due.
#[derive(Clone, Copy)]
enum DueLanes {
    /// Nobody holds them.
    Free,
    /// The same, due further ahead than anything ever is: the machine's clock was set back.
    FarAhead,
    /// Their lease has lapsed: whoever had it is gone.
    Lapsed,
}

/// Each look reads an index range of its own: neither lanes in flight nor lanes without work are passed over.
fn due_lanes(
    rows: &mut Rows<'_>,
    elapsed: Moment,
    failing: bool,
    limit: i64,
    only: Option<PartnerId>,
) -> Result<Vec<Candidate>, StoreError> {
    let ahead = elapsed.plus_seconds(AHEAD_SECONDS_MAX).micros();
    let now = elapsed.micros();
    let mut load = |which: DueLanes, limit: i64| -> Result<Vec<Candidate>, StoreError> {
        let mut due = lanes::table
            .inner_join(partners::table.on(partners::id.eq(lanes::partner_id)))
            .filter(open_way!())
            .order(lanes::due_at)
            .limit(limit)
            .select((lanes::partner_id, lanes::channel))
            .into_boxed();
        due = match which {
            DueLanes::Free => due.filter(lanes::lease.is_null()).filter(lanes::due_at.le(now)),
            DueLanes::FarAhead => due.filter(lanes::lease.is_null()).filter(lanes::due_at.gt(ahead)),
            DueLanes::Lapsed => due
                .filter(lanes::lease.is_not_null())
                .filter(lanes::lease_until.le(now).or(lanes::lease_until.gt(ahead)))
                .filter(lanes::due_at.le(now).or(lanes::due_at.gt(ahead))),
        };
        due = if failing { due.filter(lanes::fail_count.gt(0)) } else { due.filter(lanes::fail_count.eq(0)) };
        if let Some(only) = only {
            due = due.filter(lanes::partner_id.eq(only.as_bytes().to_vec()));
        }
        Ok(due.load(rows.db)?)
    };
    let mut found = Vec::new();
    // The rare ones first: where there are always more free lanes than places, they would never have a turn.
    for which in [DueLanes::Lapsed, DueLanes::FarAhead, DueLanes::Free] {
        let left = limit.saturating_sub(i64::try_from(found.len()).unwrap_or(i64::MAX));
        if left > 0 {
            found.extend(load(which, left)?);
        }
    }
    Ok(found)
}

/// Free places for lanes that failed lately. A lease that has lapsed by `elapsed` holds none: whoever had it is gone.
fn room_for_failing(rows: &mut Rows<'_>, elapsed: Option<Moment>) -> Result<i64, StoreError> {
    let mut held = lanes::table
        .filter(lanes::lease.is_not_null())
        .filter(lanes::fail_count.gt(0))
        .select(diesel::dsl::count_star())
        .into_boxed();
    if let Some(elapsed) = elapsed {
        let ahead = elapsed.plus_seconds(AHEAD_SECONDS_MAX).micros();
        held = held.filter(lanes::lease_until.gt(elapsed.micros())).filter(lanes::lease_until.le(ahead));
    }
    let in_flight: i64 = held.first(rows.db)?;
    Ok(i64::from(FAILING_LANES_MAX).saturating_sub(in_flight))
}

/// Takes the lease of each of these lanes that is still free.
pub(super) fn lease_lanes(
    rows: &mut Rows<'_>,
    candidates: &[Candidate],
    lease: Uuid,
    elapsed: Moment,
    lease_until: Moment,
) -> Result<Vec<LaneRow>, StoreError> {
    let ahead = elapsed.plus_seconds(AHEAD_SECONDS_MAX).micros();
    for channel in Channel::ALL {
        let over_it = candidates.iter().filter(|(_, word)| word == channel.word());
        let partners: Vec<&[u8]> = over_it.map(|(partner, _)| partner.as_slice()).collect();
        if partners.is_empty() {
            continue;
        }
        let lapsed = lanes::lease_until.le(elapsed.micros()).or(lanes::lease_until.gt(ahead));
        let free = lanes::table
            .filter(lanes::channel.eq(channel.word()))
            .filter(lanes::partner_id.eq_any(partners))
            .filter(lanes::lease.is_null().or(lapsed));
        diesel::update(free)
            .set((lanes::lease.eq(stored_lease(lease)), lanes::lease_until.eq(lease_until.micros())))
            .execute(rows.db)?;
    }
    let partners: Vec<&[u8]> = candidates.iter().map(|(partner, _)| partner.as_slice()).collect();
    let won = lanes::table
        .filter(lanes::partner_id.eq_any(partners))
        .filter(lanes::lease.eq(stored_lease(lease)))
        .select(LaneRow::as_select())
        .load(rows.db)?;
    Ok(won)
}

pub(super) fn load_partners(
    rows: &mut Rows<'_>,
    lanes: &[LaneRow],
) -> Result<HashMap<Vec<u8>, PartnerRow>, StoreError> {
    let ids: Vec<_> = lanes.iter().map(|lane| &lane.partner_id).collect();
    let found = partners::table.filter(partners::id.eq_any(ids)).select(PartnerRow::as_select()).load(rows.db)?;
    Ok(found.into_iter().map(|row| (row.id.clone(), row)).collect())
}

/// Messages that may be tried now.
type MayGo = diesel::helper_types::IntoBoxed<'static, outbox::table, MultiBackend>;

fn may_go(elapsed: Moment) -> MayGo {
    let ahead = elapsed.plus_seconds(AHEAD_SECONDS_MAX).micros();
    outbox::table.into_boxed().filter(outbox::open).filter(outbox::state.ne("parked")).filter(
        outbox::next_attempt_at
            .is_null()
            .or(outbox::next_attempt_at.le(elapsed.micros()))
            .or(outbox::next_attempt_at.gt(ahead)),
    )
}

/// Messages by lane.
type ByLane = HashMap<Candidate, Vec<Waiting>>;

/// What waits on each of these lanes, with one statement. `None` when there is too much to look at so: then each lane is
/// looked at by itself.
fn waiting_on(rows: &mut Rows<'_>, lanes: &[LaneRow], elapsed: Moment) -> Result<Option<ByLane>, StoreError> {
    type Found = (Vec<u8>, String, Vec<u8>, String, i64, i32, i32);
    let limit = i64::try_from(lanes.len()).unwrap_or(i64::MAX / ON_AVERAGE) * ON_AVERAGE;
    let partners: Vec<Vec<u8>> = lanes.iter().map(|lane| lane.partner_id.clone()).collect();
    let found: Vec<Found> = may_go(elapsed)
        .filter(outbox::partner_id.eq_any(partners))
        .limit(limit)
        .select((
            outbox::partner_id,
            outbox::channel,
            outbox::id,
            outbox::kind,
            outbox::position,
            outbox::attempts,
            outbox::failures,
        ))
        .load(rows.db)?;
    if i64::try_from(found.len()).unwrap_or(i64::MAX) >= limit {
        return Ok(None);
    }
    let mut by_lane = ByLane::new();
    for (partner, channel, id, kind, position, attempts, failures) in found {
        let waiting = waiting(&id, &kind, position, attempts, failures)?;
        by_lane.entry((partner, channel)).or_default().push(waiting);
    }
    Ok(Some(by_lane))
}

fn waiting(id: &[u8], kind: &str, position: i64, attempts: i32, failures: i32) -> Result<Waiting, StoreError> {
    Ok(Waiting {
        id: MessageId::from_slice(id).map_err(StoreError::corrupt("outbox", "a message"))?,
        class: kind_of(kind)?.class(),
        order: u64::try_from(position).unwrap_or(0),
        attempts: count(attempts),
        fails: count(failures),
        next_attempt_at: None,
        parked: false,
    })
}

/// The message of a lane that goes next. Those that are stepped over are looked at apart, so that however many there are,
/// they hide nothing behind them.
fn next_message(
    rows: &mut Rows<'_>,
    lane: &LaneRow,
    heartbeats_only: bool,
    elapsed: Moment,
) -> Result<Option<Vec<u8>>, StoreError> {
    let stepped_over = i32::try_from(delivery::STEP_OVER_AFTER).unwrap_or(i32::MAX);
    for fresh in [true, false] {
        let mut due = may_go(elapsed)
            .filter(outbox::partner_id.eq(lane.partner_id.clone()))
            .filter(outbox::channel.eq(lane.channel.clone()))
            .limit(LOOKED_AT);
        due = if fresh {
            due.filter(outbox::failures.lt(stepped_over)).order((outbox::priority, outbox::position))
        } else {
            let turns = (outbox::attempts, outbox::priority, outbox::position);
            due.filter(outbox::failures.ge(stepped_over)).order(turns)
        };
        if heartbeats_only {
            due = due.filter(outbox::kind.eq(OutKind::Heartbeat.word()));
        }
        let items: Vec<Waiting> = due
            .select((outbox::id, outbox::kind, outbox::position, outbox::attempts, outbox::failures))
            .load::<(Vec<u8>, String, i64, i32, i32)>(rows.db)?
            .into_iter()
            .map(|(id, kind, position, attempts, failures)| waiting(&id, &kind, position, attempts, failures))
            .collect::<Result<_, StoreError>>()?;
        let next = next_of(&items, lane, heartbeats_only, elapsed)?;
        if next.is_some() {
            return Ok(next);
        }
    }
    Ok(None)
}

/// Which of a lane's messages goes next, by the rules of delivery.
fn next_of(
    items: &[Waiting],
    lane: &LaneRow,
    heartbeats_only: bool,
    elapsed: Moment,
) -> Result<Option<Vec<u8>>, StoreError> {
    let ahead = elapsed.plus_seconds(AHEAD_SECONDS_MAX).micros();
    let waits_until = lane.waits_until.filter(|until| *until <= ahead).map(moment).transpose()?;
    let back_off = BackOff { fail_count: count(lane.fail_count), next_attempt_at: waits_until };
    let tried_at = lane.tried_at.filter(|tried| *tried <= elapsed.micros()).map(moment).transpose()?;
    let allowed = |item: &Waiting| !heartbeats_only || item.class == Class::Heartbeat;
    let items: Vec<Waiting> = items.iter().copied().filter(allowed).collect();
    let next = delivery::next_item(&items, back_off, tried_at, elapsed);
    Ok(next.map(|message| message.as_bytes().to_vec()))
}

/// Since when these messages wait, for alerts, where nobody noted it before.
pub(super) fn mark_claimed(rows: &mut Rows<'_>, chosen: &[Vec<u8>], elapsed: Moment) -> Result<(), StoreError> {
    if !chosen.is_empty() {
        diesel::update(outbox::table.filter(outbox::id.eq_any(chosen)).filter(outbox::claimed_at.is_null()))
            .set(outbox::claimed_at.eq(elapsed.micros()))
            .execute(rows.db)?;
    }
    Ok(())
}

fn channel_of(word: &str) -> Result<Channel, StoreError> {
    Channel::from_word(word).ok_or(StoreError::Corrupt { table: "lanes", what: "a channel" })
}

fn kind_of(word: &str) -> Result<OutKind, StoreError> {
    OutKind::from_word(word).ok_or(StoreError::Corrupt { table: "outbox", what: "a kind" })
}

/// Whether a claim may find something now, or a heartbeat is due: a look that costs the writer nothing.
///
/// # Errors
/// Those of the database.
pub fn something_due(rows: &mut Rows<'_>, elapsed: Moment) -> Result<bool, StoreError> {
    if !candidates(rows, elapsed, 1, None)?.is_empty() {
        return Ok(true);
    }
    Ok(!super::heartbeats_due(rows, elapsed, 1)?.is_empty())
}

/// When a claim may next find something, or a heartbeat is due (machine time); may lie in the past: then at once. `None`
/// when nothing waits.
///
/// # Errors
/// Those of the database.
pub fn next_due(rows: &mut Rows<'_>) -> Result<Option<Moment>, StoreError> {
    let mut earliest = |failing: bool| -> Result<Option<i64>, StoreError> {
        let mut free = lanes::table
            .inner_join(partners::table.on(partners::id.eq(lanes::partner_id)))
            .filter(open_way!())
            .filter(lanes::lease.is_null())
            .filter(lanes::due_at.is_not_null())
            .order(lanes::due_at)
            .select(lanes::due_at.assume_not_null())
            .into_boxed();
        free = if failing { free.filter(lanes::fail_count.gt(0)) } else { free.filter(lanes::fail_count.eq(0)) };
        Ok(free.first(rows.db).optional()?)
    };
    let (working, failing) = (earliest(false)?, earliest(true)?);
    // Without a free place the next lease to lapse, below, is when one may come.
    let failing = if room_for_failing(rows, None)? > 0 { failing } else { None };
    let leased: Option<i64> = lanes::table
        .filter(lanes::lease.is_not_null())
        .filter(lanes::due_at.is_not_null())
        .select(diesel::dsl::min(lanes::lease_until))
        .first(rows.db)?;
    let heartbeat = super::next_heartbeat(rows)?.map(Moment::micros);
    moment_or_none([working, failing, leased, heartbeat].into_iter().flatten().min())
}
