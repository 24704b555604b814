//! How a state looks in the read tables. Everything here is a plain function of the state.
//!
//! A row carries its text unsealed until it is written ([`IncidentRow::sealed`] and the like), so that rows can be
//! compared: sealing the same text twice gives different octets.

use diesel::prelude::*;
use domain::clock::{Clock, ClockKind, ClockState};
use domain::complaint::{Complaint, Owed};
use domain::exchange::{Asked, Direction, Exchange, NoticeDelivery};
use domain::incident::Incident;
use domain::ladder::{self, Plan};
use domain::report::ReportState;
use domain::values::{IncidentId, Moment};
use uuid::Uuid;

pub(super) use super::said_row::{SAID, SaidRow};
use super::words;
use crate::store::StoreError;
use crate::store::backend::bulk::Value;
use crate::store::schema::{clocks, exchanges, facts, incidents, ladders};
use crate::store::sealed::Seal;

pub(super) const TITLE: &str = "incidents.title";
pub(super) const FACTS: &str = "facts.sealed";
pub(super) const ACKNOWLEDGED_BY: &str = "exchanges.acknowledged_by";
pub(super) const REASON: &str = "clocks.reason";
pub(super) const IN_HAND_BY: &str = "ladders.in_hand_by";

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset, Identifiable)]
#[diesel(table_name = incidents, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::store) struct IncidentRow {
    pub id: Vec<u8>,
    pub reference: String,
    pub kind: String,
    pub stage: String,
    pub exercise: bool,
    pub title: Vec<u8>,
    #[diesel(skip_update)]
    pub logged_at: i64,
    pub aware_circumstances_at: Option<i64>,
    pub aware_breach_at: Option<i64>,
    pub facts_version: i32,
    pub sent_version: i32,
    pub owed: i32,
    pub fan_out_open: bool,
    pub report_state: String,
    pub report_gaps: i32,
    pub opened_from: Option<Vec<u8>>,
    #[diesel(skip_update)]
    pub closed_at: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = facts, treat_none_as_default_value = false)]
pub(in crate::store) struct FactsRow {
    pub incident_id: Vec<u8>,
    pub version: i32,
    pub sealed: Vec<u8>,
    pub at: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset, Identifiable)]
#[diesel(table_name = exchanges, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::store) struct ExchangeRow {
    pub id: Vec<u8>,
    pub partner_id: Vec<u8>,
    pub direction: String,
    pub case_id: Vec<u8>,
    pub incident_id: Option<Vec<u8>>,
    pub exercise: bool,
    pub kind: String,
    pub reference: String,
    pub standing: String,
    pub revision: i32,
    pub delivered_revision: i32,
    pub message: Option<Vec<u8>>,
    pub told_at: Option<i64>,
    pub told_how: Option<String>,
    pub stance: Option<String>,
    pub acknowledged_at: Option<i64>,
    pub acknowledged_by: Option<Vec<u8>>,
    pub acknowledged_revision: Option<i32>,
    pub withdrawn: Option<String>,
    #[diesel(skip_update)]
    pub opened_at: i64,
    pub accepted_at: Option<i64>,
    pub filed_at: Option<i64>,
    pub messages: i32,
    pub unread: i32,
}

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset, Identifiable)]
#[diesel(table_name = clocks, primary_key(stream, kind), treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::store) struct ClockRow {
    pub stream: Vec<u8>,
    pub kind: String,
    pub incident_id: Option<Vec<u8>>,
    pub exchange_id: Option<Vec<u8>>,
    pub partner_id: Option<Vec<u8>>,
    pub anchor: String,
    pub anchored_at: i64,
    pub hours: i32,
    pub due_at: i64,
    pub group_due_at: i64,
    pub legal_limit_at: Option<i64>,
    pub state: String,
    pub open: bool,
    pub ended_at: Option<i64>,
    pub evidence: Option<String>,
    pub proved_late: bool,
    pub reason: Option<Vec<u8>>,
    pub exercise: bool,
    pub own_target: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset, Identifiable)]
#[diesel(table_name = ladders, primary_key(stream, kind, due_at), treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::store) struct LadderRow {
    pub stream: Vec<u8>,
    pub kind: String,
    pub due_at: i64,
    pub incident_id: Option<Vec<u8>>,
    pub anchored_at: i64,
    pub last_offset: Option<i32>,
    pub next_step_at: Option<i64>,
    pub in_hand_by: Option<Vec<u8>>,
    pub in_hand_at: Option<i64>,
    pub fired: i32,
    pub asked: Option<Vec<u8>>,
    pub seen: Option<Vec<u8>>,
    pub instead: bool,
}

/// Names a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LadderKey {
    pub stream: Uuid,
    /// The stream is an incident: partners' clocks of this kind and group are on this ladder too.
    pub of_incident: bool,
    pub kind: ClockKind,
    pub due: Moment,
}

/// A clock as a row, with the ladder that it is on while it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClockFace {
    /// The stream of its row: the incident, the exchange, or the message that asks.
    pub stream: Uuid,
    pub row: ClockRow,
    pub ladder: Option<LadderKey>,
}

impl IncidentRow {
    /// `logged_at` is no part of the state and is written once, with the first event.
    pub(super) fn of(incident: &Incident, logged_at: Option<Moment>) -> Self {
        let gaps = match &incident.report {
            ReportState::Draft { gaps, .. } => gaps.len(),
            ReportState::None | ReportState::Submitted { .. } | ReportState::NotRequired { .. } => 0,
        };
        Self {
            id: incident.id.as_bytes().to_vec(),
            reference: incident.reference.to_string(),
            kind: words::kind(incident.kind).to_owned(),
            stage: words::stage(&incident.stage).to_owned(),
            exercise: incident.exercise,
            title: incident.facts.as_ref().map(|facts| facts.title.as_str().into()).unwrap_or_default(),
            logged_at: logged_at.map_or(0, Moment::micros),
            aware_circumstances_at: incident.awareness.circumstances.map(Moment::micros),
            aware_breach_at: incident.awareness.breach.map(Moment::micros),
            facts_version: number(incident.facts_version),
            sent_version: number(incident.sent_version),
            owed: count(incident.owed.len()),
            fan_out_open: !incident.fan_outs.is_empty(),
            report_state: words::report(&incident.report).to_owned(),
            report_gaps: count(gaps),
            opened_from: incident.opened_from.map(|id| id.as_bytes().to_vec()),
            closed_at: None,
        }
    }

    pub(super) fn sealed(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.title = seal.seal(TITLE, &self.id, &self.title)?;
        Ok(self)
    }

    pub(super) fn opened(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.title = seal.open(TITLE, &self.id, &self.title)?;
        Ok(self)
    }
}

impl FactsRow {
    pub(super) fn sealed(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.sealed = seal.seal(FACTS, &self.incident_id, &self.sealed)?;
        Ok(self)
    }

    pub(super) fn opened(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.sealed = seal.open(FACTS, &self.incident_id, &self.sealed)?;
        Ok(self)
    }
}

impl ExchangeRow {
    /// `opened_at` is no part of the state and is written once, with the first event.
    pub(super) fn of(exchange: &Exchange, opened_at: Option<Moment>) -> Result<Self, StoreError> {
        let call = exchange.calls.iter().min_by_key(|call| call.at);
        let acknowledgement = exchange.acknowledgements.last();
        let newest = exchange.notices.last();
        let received = exchange.received.iter().max_by_key(|version| version.revision);
        let (revision, delivered, message) = match exchange.direction {
            Direction::Outgoing => {
                let receipted = exchange.notices.iter().filter(|notice| is_receipted(&notice.delivery));
                let delivered = receipted.map(|notice| notice.revision).max().unwrap_or(0);
                (newest.map_or(0, |notice| notice.revision), delivered, newest.map(|notice| notice.message))
            }
            Direction::Incoming => {
                let revision = received.map_or(0, |version| version.revision);
                (revision, revision, received.map(|version| version.message))
            }
        };
        Ok(Self {
            id: exchange.id.as_bytes().to_vec(),
            partner_id: exchange.partner.as_bytes().to_vec(),
            direction: exchange.direction.word().to_owned(),
            case_id: exchange.case.as_bytes().to_vec(),
            incident_id: exchange.incident.map(|id| id.as_bytes().to_vec()),
            exercise: exchange.exercise,
            kind: words::kind(exchange.kind).to_owned(),
            reference: exchange.reference.to_string(),
            standing: standing(exchange).to_owned(),
            revision: number(revision),
            delivered_revision: number(delivered),
            message: message.map(|id| id.as_bytes().to_vec()),
            told_at: call.map(|call| call.at.micros()),
            told_how: call.map(|call| words::call(call.how).to_owned()),
            stance: acknowledgement.map(|it| it.stance.word().to_owned()),
            acknowledged_at: acknowledgement.map(|it| it.at.micros()),
            acknowledged_by: acknowledgement.map(|it| json(it, "exchanges")).transpose()?,
            acknowledged_revision: acknowledgement.map(|it| number(it.revision_seen)),
            withdrawn: exchange.withdrawn.map(|reason| words::withdrawal(reason).to_owned()),
            opened_at: opened_at.map_or(0, Moment::micros),
            accepted_at: newest.and_then(|notice| accepted_at(&notice.delivery)).map(Moment::micros),
            filed_at: filed_at(exchange).map(Moment::micros),
            messages: count(exchange.said.len()),
            unread: count(exchange.unread()),
        })
    }

    pub(super) fn sealed(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.acknowledged_by =
            self.acknowledged_by.map(|plain| seal.seal(ACKNOWLEDGED_BY, &self.id, &plain)).transpose()?;
        Ok(self)
    }

    pub(super) fn opened(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.acknowledged_by =
            self.acknowledged_by.map(|sealed| seal.open(ACKNOWLEDGED_BY, &self.id, &sealed)).transpose()?;
        Ok(self)
    }
}

impl ExchangeRow {
    /// What changes while a case goes on; no index holds any of it.
    pub(super) const STANDING_COLUMNS: [&'static str; 15] = [
        "standing",
        "revision",
        "delivered_revision",
        "message",
        "told_at",
        "told_how",
        "stance",
        "acknowledged_at",
        "acknowledged_by",
        "acknowledged_revision",
        "withdrawn",
        "accepted_at",
        "filed_at",
        "messages",
        "unread",
    ];

    /// Whether it differs from the other at most in [`ExchangeRow::STANDING_COLUMNS`].
    pub(super) fn is_same_case(&self, other: &Self) -> bool {
        let Self { id, partner_id, direction, case_id, incident_id, exercise, kind, reference, .. } = self;
        *id == other.id
            && *partner_id == other.partner_id
            && *direction == other.direction
            && *case_id == other.case_id
            && *incident_id == other.incident_id
            && *exercise == other.exercise
            && *kind == other.kind
            && *reference == other.reference
    }

    /// Its key and [`ExchangeRow::STANDING_COLUMNS`].
    pub(super) fn standing_values(self) -> Vec<Value> {
        vec![
            Value::Octets(Some(self.id)),
            Value::Text(Some(self.standing)),
            Value::number(Some(self.revision)),
            Value::number(Some(self.delivered_revision)),
            Value::Octets(self.message),
            Value::Big(self.told_at),
            Value::Text(self.told_how),
            Value::Text(self.stance),
            Value::Big(self.acknowledged_at),
            Value::Octets(self.acknowledged_by),
            Value::number(self.acknowledged_revision),
            Value::Text(self.withdrawn),
            Value::Big(self.accepted_at),
            Value::Big(self.filed_at),
            Value::number(Some(self.messages)),
            Value::number(Some(self.unread)),
        ]
    }
}

/// Where the newest notice stands. An acknowledgement is no standing of its own: it is the stance.
fn standing(exchange: &Exchange) -> &'static str {
    if exchange.anonymised {
        return "anonymised";
    }
    if exchange.withdrawn.is_some() {
        return "withdrawn";
    }
    let told = !exchange.calls.is_empty();
    match exchange.direction {
        Direction::Outgoing => match exchange.notices.last().map(|notice| &notice.delivery) {
            Some(NoticeDelivery::Receipted { .. }) => "delivered",
            // A call says more than a webhook's answer.
            Some(NoticeDelivery::Accepted { .. }) if !told => "accepted",
            Some(NoticeDelivery::Accepted { .. }) => "told",
            // A call told the first word; a newer notice that is under way says so.
            Some(NoticeDelivery::Queued) if told && exchange.notices.len() == 1 => "told",
            Some(NoticeDelivery::Queued) => "queued",
            Some(NoticeDelivery::Abandoned) | None if told => "told",
            Some(NoticeDelivery::Abandoned) => "abandoned",
            None => "held",
        },
        Direction::Incoming if exchange.incident.is_some() => "linked",
        Direction::Incoming if exchange.acknowledgements.is_empty() => "received",
        Direction::Incoming => "read",
    }
}

const fn is_receipted(delivery: &NoticeDelivery) -> bool {
    match delivery {
        NoticeDelivery::Receipted { .. } => true,
        NoticeDelivery::Queued | NoticeDelivery::Accepted { .. } | NoticeDelivery::Abandoned => false,
    }
}

const fn accepted_at(delivery: &NoticeDelivery) -> Option<Moment> {
    match delivery {
        NoticeDelivery::Accepted { at } => Some(*at),
        NoticeDelivery::Queued | NoticeDelivery::Receipted { .. } | NoticeDelivery::Abandoned => None,
    }
}

/// When the partner reported the case, by the last that they told us of it.
fn filed_at(exchange: &Exchange) -> Option<Moment> {
    exchange.filings.iter().rfind(|told| told.delivery.is_none()).map(|told| told.filing.at)
}

/// The clocks of an exchange.
pub(super) fn exchange_clocks(exchange: &Exchange) -> Vec<ClockFace> {
    let own_duty = exchange.incident.filter(|_| exchange.direction == Direction::Outgoing);
    let clocks = [&exchange.notice_clock, &exchange.acknowledgement_clock, &exchange.ico_clock];
    let mut faces = Vec::with_capacity(clocks.len());
    for clock in clocks.into_iter().flatten() {
        let group = group_due(clock);
        let ladder = match (own_duty, clock.kind) {
            (Some(incident), _) => {
                Some(LadderKey { stream: incident.uuid(), of_incident: true, kind: clock.kind, due: group })
            }
            (None, ClockKind::IcoReport) => {
                Some(LadderKey { stream: exchange.id.uuid(), of_incident: false, kind: clock.kind, due: group })
            }
            (
                None,
                ClockKind::PartnerNotice
                | ClockKind::PartnerAcknowledgement
                | ClockKind::Assistance
                | ClockKind::PeopleTold
                | ClockKind::FollowUp
                | ClockKind::ComplaintAcknowledgement
                | ClockKind::ComplaintPromisedAcknowledgement
                | ClockKind::ComplaintPromisedAnswer,
            ) => None,
        };
        let mut row = clock_row(clock, exchange.id.uuid(), own_duty, exchange.exercise);
        row.exchange_id = Some(exchange.id.as_bytes().to_vec());
        row.partner_id = Some(exchange.partner.as_bytes().to_vec());
        faces.push(ClockFace { stream: exchange.id.uuid(), row, ladder });
    }
    faces.extend(exchange.asked.iter().map(|asked| asked_clock(exchange, asked)));
    faces
}

/// The clock of a request, filed under the message that asks. Ours to answer: on our incident's ladder, or on the
/// exchange's own. The partner's to answer: kept for the record, on no ladder.
fn asked_clock(exchange: &Exchange, asked: &Asked) -> ClockFace {
    let Asked { request, clock, .. } = asked;
    let own_duty = exchange.incident.filter(|_| asked.is_our_duty());
    let (stream, of_incident) = own_duty.map_or((exchange.id.uuid(), false), |incident| (incident.uuid(), true));
    let mut row = clock_row(clock, request.uuid(), own_duty, exchange.exercise);
    row.exchange_id = Some(exchange.id.as_bytes().to_vec());
    row.partner_id = Some(exchange.partner.as_bytes().to_vec());
    let key = LadderKey { stream, of_incident, kind: clock.kind, due: group_due(clock) };
    ClockFace { stream: request.uuid(), row, ladder: asked.is_our_duty().then_some(key) }
}

/// The clocks of an incident itself.
pub(super) fn incident_clocks(incident: &Incident) -> Vec<ClockFace> {
    let face = |clock: &Clock| ClockFace {
        stream: incident.id.uuid(),
        row: clock_row(clock, incident.id.uuid(), Some(incident.id), incident.exercise),
        ladder: Some(LadderKey {
            stream: incident.id.uuid(),
            of_incident: true,
            kind: clock.kind,
            due: group_due(clock),
        }),
    };
    incident.own_clocks().map(face).collect()
}

/// The clocks of a complaint, each with a ladder of its own.
pub(super) fn complaint_clocks(complaint: &Complaint) -> Vec<ClockFace> {
    let stream = complaint.id.uuid();
    let face = |Owed { clock, limit }: Owed| {
        let mut row = clock_row(&clock, stream, None, false);
        row.legal_limit_at = limit.map(Moment::micros);
        let key = LadderKey { stream, of_incident: false, kind: clock.kind, due: group_due(&clock) };
        ClockFace { stream, row, ladder: Some(key) }
    };
    complaint.owed().into_iter().map(face).collect()
}

/// Acknowledgements fall due one by one; a ladder takes those of one minute together (ruling 11).
fn group_due(clock: &Clock) -> Moment {
    match clock.kind {
        ClockKind::PartnerAcknowledgement => clock.due().floor_minute(),
        ClockKind::PartnerNotice
        | ClockKind::IcoReport
        | ClockKind::Assistance
        | ClockKind::PeopleTold
        | ClockKind::FollowUp
        | ClockKind::ComplaintAcknowledgement
        | ClockKind::ComplaintPromisedAcknowledgement
        | ClockKind::ComplaintPromisedAnswer => clock.due(),
    }
}

fn clock_row(clock: &Clock, stream: Uuid, incident: Option<IncidentId>, exercise: bool) -> ClockRow {
    let (ended_at, evidence, proved_late, reason) = match &clock.state {
        ClockState::Running | ClockState::Overdue => (None, None, false, None),
        ClockState::Met { at, evidence, proved_late } => (Some(*at), Some(*evidence), *proved_late, None),
        ClockState::MetLate { at, evidence } => (Some(*at), Some(*evidence), false, None),
        ClockState::NotRequired { at, reason } => (Some(*at), None, false, Some(reason.as_str().into())),
    };
    ClockRow {
        stream: stream.as_bytes().to_vec(),
        kind: clock.kind.word().to_owned(),
        incident_id: incident.map(|id| id.as_bytes().to_vec()),
        exchange_id: None,
        partner_id: None,
        anchor: clock.anchor.word().to_owned(),
        anchored_at: clock.anchored_at.micros(),
        hours: i32::from(clock.hours.get()),
        due_at: clock.due().micros(),
        group_due_at: group_due(clock).micros(),
        legal_limit_at: clock.legal_limit().map(Moment::micros),
        state: clock.state.word().to_owned(),
        open: clock.is_open(),
        ended_at: ended_at.map(Moment::micros),
        evidence: evidence.map(|evidence| evidence.word().to_owned()),
        proved_late,
        reason,
        exercise,
        own_target: clock.own_target,
    }
}

impl ClockRow {
    /// What changes when a clock becomes overdue or ends.
    pub(super) const STATE_COLUMNS: [&'static str; 6] =
        ["state", "open", "ended_at", "evidence", "proved_late", "reason"];

    /// Whether it differs from the other at most in [`ClockRow::STATE_COLUMNS`].
    pub(super) fn has_same_terms(&self, other: &Self) -> bool {
        let moved = Self {
            state: self.state.clone(),
            open: self.open,
            ended_at: self.ended_at,
            evidence: self.evidence.clone(),
            proved_late: self.proved_late,
            reason: self.reason.clone(),
            ..other.clone()
        };
        moved == *self
    }

    /// Its key and [`ClockRow::STATE_COLUMNS`].
    pub(super) fn state_values(self) -> Vec<Value> {
        vec![
            Value::Octets(Some(self.stream)),
            Value::Text(Some(self.kind)),
            Value::Text(Some(self.state)),
            Value::Flag(self.open),
            Value::Big(self.ended_at),
            Value::Text(self.evidence),
            Value::Flag(self.proved_late),
            Value::Octets(self.reason),
        ]
    }

    pub(super) fn sealed(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.reason = self.reason.map(|plain| seal.seal(REASON, &self.stream, &plain)).transpose()?;
        Ok(self)
    }

    pub(super) fn opened(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.reason = self.reason.map(|sealed| seal.open(REASON, &self.stream, &sealed)).transpose()?;
        Ok(self)
    }
}

impl LadderRow {
    /// The ladder of a group that its first clock has just entered.
    pub(super) fn begun(key: LadderKey, anchored_at: i64, plan: &Plan) -> Self {
        let mut row = Self {
            stream: key.stream.as_bytes().to_vec(),
            kind: key.kind.word().to_owned(),
            due_at: key.due.micros(),
            incident_id: key.of_incident.then(|| key.stream.as_bytes().to_vec()),
            anchored_at,
            last_offset: None,
            next_step_at: None,
            in_hand_by: None,
            in_hand_at: None,
            fired: 0,
            asked: None,
            seen: None,
            instead: false,
        };
        row.next_step_at = row.next_at(plan);
        row
    }

    /// When the ladder of an open duty next has something to do: the step after the last one that fired or was passed, or
    /// the lapse of a taking in hand.
    pub(in crate::store) fn next_at(&self, plan: &Plan) -> Option<i64> {
        let moment = |micros| Moment::from_micros(micros).ok();
        match self.in_hand_at {
            Some(at) => ladder::lapse_at(plan, moment(at)?),
            None => ladder::next_step(plan, moment(self.due_at)?, moment(self.anchored_at)?, self.last_offset),
        }
        .map(Moment::micros)
    }

    pub(super) fn opened(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.in_hand_by = self.in_hand_by.map(|sealed| seal.open(IN_HAND_BY, &self.stream, &sealed)).transpose()?;
        Ok(self)
    }
}

pub(super) fn json(value: &impl serde::Serialize, table: &'static str) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(StoreError::corrupt(table, "a value that can't be written as JSON"))
}

pub(super) fn text(octets: Vec<u8>, table: &'static str) -> Result<String, StoreError> {
    String::from_utf8(octets).map_err(StoreError::corrupt(table, "a sealed text that is not UTF-8"))
}

/// Counts and versions stay far below this; more would be shown as this.
pub(super) fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn count(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
