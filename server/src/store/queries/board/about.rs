//! What the rows of a page of the board have in other tables: one statement each for all of them.

use std::collections::HashMap;

use diesel::prelude::*;
use domain::clock::ClockKind;

use super::{Carried, HeldUp, NoticeClock, Row};
use crate::store::queries::{message_id, moment, moment_or_none, number};
use crate::store::schema::{clocks, endpoints, lanes, outbox, partners};
use crate::store::{Rows, StoreError};

/// Messages that tell what we know.
const NOTICES: [&str; 3] = ["notified", "updated", "withdrawn"];
/// Messages looked at for one page: a hundred partners with a hundred versions each.
const MESSAGES_MAX: i64 = 10_000;

/// By exchange and by partner.
pub(super) struct About {
    pub ways: HashMap<Vec<u8>, Way>,
    pub clocks: HashMap<Vec<u8>, NoticeClock>,
    pub messages: HashMap<Vec<u8>, Vec<MessageRow>>,
}

/// A partner's name and the way to them.
#[derive(Debug, Clone, Default)]
pub(super) struct Way {
    pub name: String,
    pub channel: String,
    waits_until: Option<i64>,
    pub held_up: Option<HeldUp>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub(super) struct MessageRow {
    id: Vec<u8>,
    exchange_id: Option<Vec<u8>>,
    channel: String,
    pub revision: i32,
    pub state: String,
    pub open: bool,
    attempts: i32,
    last_outcome: Option<String>,
    last_attempt_at: Option<i64>,
    next_attempt_at: Option<i64>,
    pub receipted_at: Option<i64>,
}

impl MessageRow {
    pub(super) fn carried(self, way: &Way) -> Result<Carried, StoreError> {
        let parked = (self.state == "parked").then_some(HeldUp::Parked);
        Ok(Carried {
            message: message_id("outbox", &self.id)?,
            channel: self.channel,
            held_up: parked.or(way.held_up),
            state: self.state,
            attempts: number(self.attempts),
            last_outcome: self.last_outcome,
            last_attempt_at: moment_or_none("outbox", self.last_attempt_at)?,
            next_attempt_at: moment_or_none("outbox", self.next_attempt_at.max(way.waits_until))?,
        })
    }
}

impl About {
    pub(super) fn of(rows: &mut Rows<'_>, found: &[Row]) -> Result<Self, StoreError> {
        let ids: Vec<&[u8]> = found.iter().map(|row| row.id.as_slice()).collect();
        let whom: Vec<&[u8]> = found.iter().map(|row| row.partner_id.as_slice()).collect();
        Ok(Self { ways: ways(rows, &whom)?, clocks: notice_clocks(rows, &ids)?, messages: messages(rows, &ids)? })
    }
}

pub(super) fn ways(rows: &mut Rows<'_>, whom: &[&[u8]]) -> Result<HashMap<Vec<u8>, Way>, StoreError> {
    type Partner = (Vec<u8>, Vec<u8>, String, Option<String>, String);
    type Lane = (Vec<u8>, String, Option<i64>, Option<String>);
    let found: Vec<Partner> = partners::table
        .filter(partners::id.eq_any(whom))
        .select((partners::id, partners::name, partners::state, partners::push_url, partners::channel))
        .load(rows.db)?;
    let lanes: Vec<Lane> = lanes::table
        .filter(lanes::partner_id.eq_any(whom))
        .select((lanes::partner_id, lanes::channel, lanes::waits_until, lanes::stopped))
        .load(rows.db)?;
    type Waits = (Option<i64>, Option<String>);
    let lanes: HashMap<(Vec<u8>, String), Waits> =
        lanes.into_iter().map(|(id, channel, until, stopped)| ((id, channel), (until, stopped))).collect();
    let ends: Vec<(Option<Vec<u8>>, String, bool)> = endpoints::table
        .filter(endpoints::partner_id.eq_any(whom))
        .select((endpoints::partner_id, endpoints::kind, endpoints::paused))
        .load(rows.db)?;
    let ends: HashMap<(Vec<u8>, String), bool> =
        ends.into_iter().filter_map(|(id, kind, paused)| Some(((id?, kind), paused))).collect();
    let mut ways = HashMap::with_capacity(found.len());
    for (id, name, state, push_url, channel) in found {
        // By hand: queued like for a node, in case they get one.
        let lane = if channel == "hand" { "node".to_owned() } else { channel.clone() };
        let key = (id.clone(), lane);
        let (waits_until, stopped) = lanes.get(&key).cloned().unwrap_or_default();
        let over_node = key.1 == "node";
        let held_up = match (state.as_str(), ends.get(&key)) {
            ("ended", _) => Some(HeldUp::Suspended),
            ("suspended", _) if over_node => Some(HeldUp::Suspended),
            ("active", _) if over_node && push_url.is_some() => stopped.map(|_| HeldUp::Stopped),
            // One that calls us for its messages waits for nothing of ours.
            ("active", _) if over_node => None,
            (_, Some(true)) if !over_node => Some(HeldUp::Paused),
            (_, Some(false)) if !over_node => stopped.map(|_| HeldUp::Stopped),
            (_, _) => Some(HeldUp::NoWay),
        };
        let name = crate::store::partners::open_name(rows, &id, &name)?;
        ways.insert(id, Way { name, channel, waits_until, held_up });
    }
    Ok(ways)
}

fn notice_clocks(rows: &mut Rows<'_>, ids: &[&[u8]]) -> Result<HashMap<Vec<u8>, NoticeClock>, StoreError> {
    type Found = (Vec<u8>, i64, String, bool, Option<i64>, Option<String>);
    let found: Vec<Found> = clocks::table
        .filter(clocks::stream.eq_any(ids))
        .filter(clocks::kind.eq(ClockKind::PartnerNotice.word()))
        .select((clocks::stream, clocks::due_at, clocks::state, clocks::open, clocks::ended_at, clocks::evidence))
        .load(rows.db)?;
    found
        .into_iter()
        .map(|(stream, due, state, open, ended_at, evidence)| {
            let (due, ended_at) = (moment("clocks", due)?, moment_or_none("clocks", ended_at)?);
            Ok((stream, NoticeClock { due, state, open, ended_at, evidence }))
        })
        .collect()
}

fn messages(rows: &mut Rows<'_>, ids: &[&[u8]]) -> Result<HashMap<Vec<u8>, Vec<MessageRow>>, StoreError> {
    let found: Vec<MessageRow> = outbox::table
        .filter(outbox::exchange_id.eq_any(ids))
        .filter(outbox::open.or(outbox::kind.eq_any(NOTICES)))
        .order(outbox::position)
        .limit(MESSAGES_MAX)
        .select(MessageRow::as_select())
        .load(rows.db)?;
    let mut messages: HashMap<Vec<u8>, Vec<MessageRow>> = HashMap::new();
    for message in found {
        if let Some(id) = message.exchange_id.clone() {
            messages.entry(id).or_default().push(message);
        }
    }
    Ok(messages)
}
