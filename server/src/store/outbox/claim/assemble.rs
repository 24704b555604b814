//! Reading all that is needed to seal and carry what was claimed: the message, its exchange, the facts that it tells, its
//! checkpoint, and its octets if it was sealed before.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;
use domain::clock::ClockKind;
use domain::delivery::{Channel, Lane as BackOff};
use domain::exchange;
use domain::facts::Facts;
use domain::values::{ExchangeId, IncidentId, MessageId, PartnerId};
use uuid::Uuid;

use super::super::{BODY, OutKind, count, digest_or_none, moment, moment_or_none};
use super::{Candidate, Claimed, LaneRow, PartnerRow, SealedItem, channel_of, kind_of};
use crate::store::schema::{clocks, exchanges, facts, outbox};
use crate::store::{Checkpoint, Rows, StoreError, Turn, ledger, projections};

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
struct ItemRow {
    id: Vec<u8>,
    partner_id: Vec<u8>,
    channel: String,
    kind: String,
    exchange_id: Option<Vec<u8>>,
    body: Vec<u8>,
    checkpoint_size: Option<i64>,
    seq: Option<i64>,
    payload_sha256: Option<Vec<u8>>,
    set_sha256: Option<Vec<u8>>,
    set_entry: Option<i64>,
    attempts: i32,
    failures: i32,
    last_outcome: Option<String>,
    same_outcome: i32,
    first_attempt_at: Option<i64>,
}

/// What the exchanges of claimed messages add: their incidents, and the due instants of open notice clocks.
struct Exchanges {
    incidents: HashMap<Vec<u8>, Vec<u8>>,
    due: HashMap<Vec<u8>, i64>,
}

fn load_exchanges(rows: &mut Rows<'_>, ids: &[Vec<u8>]) -> Result<Exchanges, StoreError> {
    let incidents: Vec<(Vec<u8>, Option<Vec<u8>>)> = exchanges::table
        .filter(exchanges::id.eq_any(ids))
        .select((exchanges::id, exchanges::incident_id))
        .load(rows.db)?;
    let due: Vec<(Vec<u8>, i64)> = clocks::table
        .filter(clocks::stream.eq_any(ids))
        .filter(clocks::kind.eq(ClockKind::PartnerNotice.word()))
        .filter(clocks::open)
        .select((clocks::stream, clocks::due_at))
        .load(rows.db)?;
    Ok(Exchanges {
        incidents: incidents.into_iter().filter_map(|(id, incident)| Some((id, incident?))).collect(),
        due: due.into_iter().collect(),
    })
}

/// Messages of one batch often tell the same facts and carry the same checkpoint: each is read once.
#[derive(Default)]
struct Shared {
    facts: HashMap<(Vec<u8>, u32), Option<Arc<Facts>>>,
    checkpoints: HashMap<u64, Option<Checkpoint>>,
}

impl Shared {
    fn facts(&mut self, rows: &mut Rows<'_>, incident: &[u8], version: u32) -> Result<Option<Arc<Facts>>, StoreError> {
        let key = (incident.to_vec(), version);
        if let Some(known) = self.facts.get(&key) {
            return Ok(known.clone());
        }
        let sealed: Option<Vec<u8>> = facts::table
            .find((incident, i32::try_from(version).unwrap_or(i32::MAX)))
            .select(facts::sealed)
            .first(rows.db)
            .optional()?;
        let id = Uuid::from_slice(incident).map_err(StoreError::corrupt("facts", "an incident"))?;
        let opened = sealed.map(|sealed| projections::open_facts(rows.seal, id, &sealed)).transpose()?.map(Arc::new);
        self.facts.insert(key, opened.clone());
        Ok(opened)
    }

    fn checkpoint(&mut self, turn: &mut Turn<'_>, size: u64) -> Result<Option<Checkpoint>, StoreError> {
        if let Some(known) = self.checkpoints.get(&size) {
            return Ok(known.clone());
        }
        let found = turn.checkpoint(size)?;
        self.checkpoints.insert(size, found.clone());
        Ok(found)
    }
}

/// A message that can't be read, and its lane.
pub(in crate::store::outbox) type Broken = ((PartnerId, Channel), MessageId);

pub(in crate::store::outbox) fn assemble(
    turn: &mut Turn<'_>,
    chosen: &[Vec<u8>],
    lanes: &HashMap<Candidate, LaneRow>,
    partners: &HashMap<Vec<u8>, PartnerRow>,
) -> Result<(Vec<Claimed>, Vec<Broken>), StoreError> {
    let rows = turn.rows();
    let items: Vec<ItemRow> =
        outbox::table.filter(outbox::id.eq_any(chosen)).select(ItemRow::as_select()).load(rows.db)?;
    let ids: Vec<_> = items.iter().filter_map(|item| item.exchange_id.clone()).collect();
    let about = load_exchanges(rows, &ids)?;
    let mut shared = Shared::default();
    let (mut claimed, mut broken) = (Vec::with_capacity(items.len()), Vec::new());
    for item in items {
        let lane = lanes.get(&(item.partner_id.clone(), item.channel.clone()));
        let partner = partners.get(&item.partner_id);
        let (Some(lane), Some(partner)) = (lane, partner) else { continue };
        let corrupt = |what| StoreError::corrupt("outbox", what);
        let whom = PartnerId::from_slice(&item.partner_id).map_err(corrupt("a partner"))?;
        let message = MessageId::from_slice(&item.id).map_err(corrupt("a message"))?;
        let channel = channel_of(&item.channel)?;
        match one(turn, item, lane, partner, &about, &mut shared) {
            Ok(one) => claimed.push(one),
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::error!(partner = %whom, %message, %error, "a message to be carried could not be read");
                broken.push(((whom, channel), message));
            }
            Err(error) => return Err(error),
        }
    }
    Ok((claimed, broken))
}

fn one(
    turn: &mut Turn<'_>,
    item: ItemRow,
    lane: &LaneRow,
    partner: &PartnerRow,
    about: &Exchanges,
    shared: &mut Shared,
) -> Result<Claimed, StoreError> {
    let kind = kind_of(&item.kind)?;
    let rows = turn.rows();
    let body = rows.seal.open(BODY, &item.id, &item.body)?;
    let incident = item.exchange_id.as_ref().and_then(|id| about.incidents.get(id));
    let facts = match (facts_version(kind, &body)?, incident) {
        (Some(version), Some(incident)) => shared.facts(rows, incident, version)?,
        (Some(_), None) | (None, _) => None,
    };
    let sealed = sealed_item(rows, &item)?;
    let checkpoint = match item.checkpoint_size.map(u64::try_from).transpose() {
        Ok(Some(size)) => shared.checkpoint(turn, size)?,
        // Nothing was fixed when it was queued, as with heartbeats: the newest serves (protocol §6).
        Ok(None) | Err(_) => turn.newest_checkpoint()?,
    };
    let due = match item.exchange_id.as_ref().and_then(|id| about.due.get(id)) {
        Some(due) => Some(*due),
        // It shares its back-off with whatever else waits: a duty of theirs counts.
        None if lane.fail_count > 0 => earliest_due(turn.rows(), lane)?,
        None => None,
    };
    let corrupt = |what| StoreError::corrupt("outbox", what);
    Ok(Claimed {
        partner: PartnerId::from_slice(&item.partner_id).map_err(corrupt("a partner"))?,
        channel: channel_of(&item.channel)?,
        issuer: partner.issuer.clone().unwrap_or_default(),
        push_url: partner.push_url.clone().unwrap_or_default(),
        exceptions: serde_json::from_str(&partner.exceptions)
            .map_err(StoreError::corrupt("partners", "address exceptions"))?,
        message: MessageId::from_slice(&item.id).map_err(corrupt("a message"))?,
        pairing: !partner.is_active(),
        kind,
        exchange: item.exchange_id.map(|id| ExchangeId::from_slice(&id)).transpose().map_err(corrupt("an exchange"))?,
        incident: incident.map(|id| IncidentId::from_slice(id)).transpose().map_err(corrupt("an incident"))?,
        body,
        facts,
        checkpoint,
        sealed,
        next_seq: lane.next_seq,
        prev: digest_or_none(lane.last_payload.clone())?,
        attempts: count(item.attempts),
        failures: count(item.failures),
        last_outcome: item.last_outcome.map(|word| (word, count(item.same_outcome))),
        lane: BackOff { fail_count: count(lane.fail_count), next_attempt_at: moment_or_none(lane.waits_until)? },
        first_attempt_at: moment_or_none(item.first_attempt_at)?,
        proven_at: moment_or_none(lane.proven_at)?,
        due: due.map(moment).transpose()?,
    })
}

/// The earliest due instant of an open notice clock of what waits in a lane.
fn earliest_due(rows: &mut Rows<'_>, lane: &LaneRow) -> Result<Option<i64>, StoreError> {
    let waiting = outbox::table
        .filter(outbox::partner_id.eq(&lane.partner_id))
        .filter(outbox::channel.eq(&lane.channel))
        .filter(outbox::open)
        .filter(outbox::exchange_id.is_not_null())
        .select(outbox::exchange_id.assume_not_null());
    let due = clocks::table
        .filter(clocks::kind.eq(ClockKind::PartnerNotice.word()))
        .filter(clocks::open)
        .filter(clocks::stream.eq_any(waiting))
        .select(diesel::dsl::min(clocks::due_at))
        .first(rows.db)?;
    Ok(due)
}

/// The version of the facts that a notice tells.
fn facts_version(kind: OutKind, body: &[u8]) -> Result<Option<u32>, StoreError> {
    match kind {
        OutKind::Notified | OutKind::Updated => {}
        OutKind::Withdrawn | OutKind::Acknowledged | OutKind::Message | OutKind::Filed | OutKind::Heartbeat => {
            return Ok(None);
        }
    }
    let event: exchange::Event =
        serde_json::from_slice(body).map_err(StoreError::corrupt("outbox", "a body that is no event"))?;
    let exchange::Event::NoticeQueued { notice, .. } = event else {
        return Err(StoreError::Corrupt { table: "outbox", what: "a notice whose body is another event" });
    };
    Ok(Some(notice.facts_version))
}

fn sealed_item(rows: &mut Rows<'_>, item: &ItemRow) -> Result<Option<SealedItem>, StoreError> {
    let payload = digest_or_none(item.payload_sha256.clone())?;
    let set = digest_or_none(item.set_sha256.clone())?;
    let (Some(payload_sha256), Some(set_sha256), Some(entry)) = (payload, set, item.set_entry) else {
        return Ok(None);
    };
    let entry = u64::try_from(entry).map_err(StoreError::corrupt("outbox", "an entry"))?;
    let octets = ledger::object(rows, entry)?;
    let octets = octets.ok_or(StoreError::Corrupt { table: "outbox", what: "an open message that was erased" })?;
    Ok(Some(SealedItem { seq: item.seq, payload_sha256, set_sha256, octets }))
}
