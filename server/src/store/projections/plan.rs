//! What a batch of changes does to the tables, worked out without looking at any.

use std::collections::{BTreeMap, BTreeSet};

use domain::clock::ClockKind;
use domain::complaint::{self, Complaint};
use domain::exchange::{self, Direction, Exchange};
use domain::facts::Facts;
use domain::incident::{self, Incident};
use domain::ladder::{LadderChange, Reached};
use domain::values::{Actor, ExchangeId, IncidentId, MessageId, Moment, PartnerId, PersonId};
use uuid::Uuid;

use super::actions::{self, ActionStep};
use super::duty_rows::{self, DutyRow};
use super::enter::RegisterStep;
use super::precedents::PrecedentRow;
use super::register::{self, RegisterRow, facet};
use super::rows::{
    self, ClockFace, ClockRow, ExchangeRow, FactsRow, IncidentRow, LadderKey, SaidRow, complaint_clocks,
    exchange_clocks, incident_clocks,
};
use super::tally::{self, Tallies};
use crate::store::outbox::OutKind;
use crate::store::{Change, StoreError};

/// Rows to write, then ladders to move, then work to queue.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub incidents_new: Vec<IncidentRow>,
    pub incidents_changed: Vec<IncidentRow>,
    pub closed: Vec<(IncidentId, Moment)>,
    pub facts_new: Vec<FactsRow>,
    pub facts_gone: Vec<IncidentId>,
    pub exchanges_new: Vec<ExchangeRow>,
    pub exchanges_changed: Vec<ExchangeChanged>,
    pub clocks_new: Vec<ClockRow>,
    pub clocks_changed: Vec<ClocksChanged>,
    pub duties: Vec<DutyRow>,
    pub ladders: Vec<LadderStep>,
    pub queued: Vec<Queued>,
    pub abandoned: Vec<MessageId>,
    pub erased: Vec<ExchangeId>,
    pub said: Vec<SaidStep>,
    pub register: Vec<RegisterStep>,
    pub tallies: Tallies,
    pub actions: Vec<ActionStep>,
    pub precedents: Vec<(IncidentId, Option<PrecedentRow>)>,
    wanted: BTreeSet<LadderKey>,
    left: BTreeSet<LadderKey>,
}

/// An exchange that is in the tables already.
#[derive(Debug)]
pub(super) struct ExchangeChanged {
    pub before: ExchangeRow,
    pub after: ExchangeRow,
}

/// The clocks of one stream that is in the tables already.
#[derive(Debug)]
pub(super) struct ClocksChanged {
    pub stream: Uuid,
    pub before: Vec<ClockRow>,
    pub after: Vec<ClockRow>,
}

/// What happens to one ladder.
#[derive(Debug, Clone)]
pub(super) enum LadderStep {
    /// An open clock entered its group: make it, or wake it where it stood, unless it is in hand.
    Wanted { key: LadderKey, anchored_at: i64 },
    /// An open clock left its group: silent unless another is still open.
    Left { key: LadderKey },
    /// Steps were passed.
    Passed { key: LadderKey, offset: i32 },
    /// A step fired.
    Fired { key: LadderKey, offset: i32, asked: Option<Vec<u8>>, instead: bool },
    /// A person whom it asked has seen it.
    Seen { key: LadderKey, person: PersonId },
    /// Whoever had it in hand let the stated time go by.
    Lapsed { key: LadderKey },
    /// Its incident ended it.
    Ended { key: LadderKey },
    /// A person sees to it; `by` is the actor's JSON.
    InHand { key: LadderKey, by: Vec<u8>, at: Moment },
    /// Erased with its stream.
    Gone { stream: Uuid },
}

fn fired(key: LadderKey, offset: i32, reached: &Reached) -> LadderStep {
    let asked = reached.must_see.then(|| octets(&reached.people));
    LadderStep::Fired { key, offset, asked, instead: reached.instead }
}

fn ladder_changed(
    key: impl Fn(ClockKind, Moment) -> LadderKey,
    change: &LadderChange,
    by: &Actor,
) -> Option<LadderStep> {
    let key = key(change.kind(), change.due());
    match change {
        LadderChange::Lapsed { .. } => Some(LadderStep::Lapsed { key }),
        LadderChange::Seen { .. } => by.person().map(|person| LadderStep::Seen { key, person }),
    }
}

/// Ids one after the other.
fn octets(people: &[PersonId]) -> Vec<u8> {
    people.iter().flat_map(|person| *person.as_bytes()).collect()
}

/// What happens to messages about cases.
#[derive(Debug)]
pub(super) enum SaidStep {
    /// One was said, by us or by them.
    New(SaidRow),
    /// A person here has read one of theirs.
    Read { partner: PartnerId, message: MessageId, at: Moment },
    /// An incident of ours took the exchange over.
    Linked { exchange: ExchangeId, incident: IncidentId },
    /// Erased with the exchange.
    Gone { exchange: ExchangeId },
}

/// A message to be carried.
#[derive(Debug)]
pub(in crate::store) struct Queued {
    pub message: MessageId,
    pub partner: PartnerId,
    pub kind: OutKind,
    pub exchange: ExchangeId,
    pub revision: u32,
    /// JSON of the event that queued it.
    pub body: Vec<u8>,
    /// The ledger entry of that event: the order in the lane.
    pub position: u64,
    pub at: Moment,
}

impl Plan {
    /// The plan of changes whose events are the ledger's entries from `first` on.
    pub(super) fn of(changes: &[Change], first: u64) -> Result<Self, StoreError> {
        let mut plan = Self::default();
        let mut entry = first;
        for change in changes {
            match change {
                Change::Incident { id, before, events } => plan.incident(*id, before.as_ref(), events, None)?,
                Change::Exchange { before, events, .. } => plan.exchange(before.as_ref(), events, entry, None)?,
                Change::Complaint { before, events, .. } => plan.complaint(before.as_ref(), events)?,
            }
            entry = entry.saturating_add(u64::try_from(change.len()).unwrap_or(u64::MAX));
        }
        Ok(plan)
    }

    /// Events of one incident. `since` is when its erased first entry was made, for rebuilding after erasure.
    pub(super) fn incident(
        &mut self,
        id: IncidentId,
        before: Option<&Incident>,
        events: &[incident::Event],
        since: Option<Moment>,
    ) -> Result<(), StoreError> {
        let mut state = before.cloned();
        let mut clocks = before.map(incident_clocks).unwrap_or_default();
        let mut logged_at = since;
        let mut owed = None;
        for event in events {
            if let Some(began) = self.incident_event(id, event)? {
                logged_at = logged_at.or(Some(began));
            }
            if let incident::Event::Anonymised { survives, .. } = event {
                owed = Some(rows::number(survives.owed));
            }
            state = incident::evolve(state, event);
            clocks = self.move_clocks(&clocks, state.as_ref().map(incident_clocks).unwrap_or_default());
        }
        let Some(after) = state else { return Ok(()) };
        let precedent = PrecedentRow::of(&after)?;
        if before.map(PrecedentRow::of).transpose()?.flatten() != precedent {
            self.precedents.push((id, precedent));
        }
        self.enter_incident(before, &after, logged_at, owed);
        let logged_at = register::entered_at(&after, logged_at);
        let mut row = IncidentRow::of(&after, logged_at);
        row.owed = owed.unwrap_or(row.owed);
        // What was taken over was over when it was entered in the earlier register.
        row.closed_at = after.register.imported.as_ref().map(|imported| imported.recorded_at.micros());
        match before {
            None => self.incidents_new.push(row),
            Some(before) if owed.is_none() && IncidentRow::of(before, logged_at) == row => {}
            Some(_) => self.incidents_changed.push(row),
        }
        self.actions.extend(actions::steps(before, &after)?);
        self.clocks(before.map(incident_clocks), clocks);
        let was = before.map(DutyRow::of_incident).unwrap_or_default();
        self.duties.extend(duty_rows::changed(&was, DutyRow::of_incident(&after)));
        Ok(())
    }

    /// The line of an incident in the register, and what it counts for.
    pub(super) fn enter_incident(
        &mut self,
        before: Option<&Incident>,
        after: &Incident,
        logged_at: Option<Moment>,
        owed: Option<i32>,
    ) {
        tally::incident(&mut self.tallies, before, Some(after));
        let mut row = RegisterRow::of(after, logged_at);
        row.owed = owed.unwrap_or(row.owed);
        let entry = row.id.clone();
        match before {
            None => self.register.push(RegisterStep::New { row: Box::new(row), owes: true }),
            Some(before) if owed.is_none() && RegisterRow::of(before, logged_at) == row => {}
            Some(_) => self.register.push(RegisterStep::Changed(Box::new(row))),
        }
        let (had, has) = (before.map(register::facets).unwrap_or_default(), register::facets(after));
        let gained = has.difference(&had).cloned().map(|facet| RegisterStep::Has { entry: entry.clone(), facet });
        self.register.extend(gained);
        let lost = had.difference(&has).cloned().map(|facet| RegisterStep::HasNot { entry: entry.clone(), facet });
        self.register.extend(lost);
    }

    /// The line of a notice received that no incident took over; the partner of an incident; what the exchange counts for.
    pub(super) fn enter_exchange(
        &mut self,
        before: Option<&Exchange>,
        after: &Exchange,
        rows: (Option<&ExchangeRow>, &ExchangeRow),
        opened_at: Option<Moment>,
    ) {
        tally::exchange(&mut self.tallies, before, after);
        let line = |exchange: &Exchange, row: &ExchangeRow| RegisterRow::of_notice(exchange, &row.standing, opened_at);
        let stood = before.zip(rows.0).and_then(|(before, row)| line(before, row));
        let stands = line(after, rows.1);
        let entry = after.id.as_bytes().to_vec();
        let told_us = facet::told_us(after.partner);
        match (stood, stands) {
            (None, Some(row)) => {
                self.register.push(RegisterStep::New { row: Box::new(row), owes: false });
                self.register.push(RegisterStep::Has { entry, facet: told_us });
                return;
            }
            (Some(stood), Some(row)) => {
                if stood != row {
                    self.register.push(RegisterStep::Changed(Box::new(row)));
                }
                return;
            }
            (Some(_), None) => self.register.push(RegisterStep::Gone { entry }),
            (None, None) => {}
        }
        let incident = after.incident.filter(|_| before.and_then(|before| before.incident).is_none());
        let facet = match after.direction {
            Direction::Outgoing => facet::told(after.partner),
            Direction::Incoming => told_us,
        };
        let has = incident.map(|incident| RegisterStep::Has { entry: incident.as_bytes().to_vec(), facet });
        self.register.extend(has);
    }

    /// Answers when the incident was logged, if this event says so.
    fn incident_event(&mut self, id: IncidentId, event: &incident::Event) -> Result<Option<Moment>, StoreError> {
        use incident::Event;
        let key = |kind: ClockKind, due: Moment| LadderKey { stream: id.uuid(), of_incident: true, kind, due };
        match event {
            Event::Logged { facts, at, .. } => {
                self.facts(id, 1, facts, *at)?;
                return Ok(Some(*at));
            }
            Event::FactsUpdated { version, facts, at, .. } => self.facts(id, *version, facts, *at)?,
            Event::StepFired { kind, due, offset_minutes, reached, .. } => {
                self.ladders.push(fired(key(*kind, *due), *offset_minutes, reached));
            }
            Event::Ladder { change, by, .. } => self.ladders.extend(ladder_changed(key, change, by)),
            Event::StepsPassed { kind, due, offsets, .. } => {
                let passed = offsets.last().map(|offset| LadderStep::Passed { key: key(*kind, *due), offset: *offset });
                self.ladders.extend(passed);
            }
            Event::LadderEnded { kind, due } => self.ladders.push(LadderStep::Ended { key: key(*kind, *due) }),
            Event::TakenInHand { kind, due, at, by } => {
                let by = rows::json(by, "ladders")?;
                self.ladders.push(LadderStep::InHand { key: key(*kind, *due), by, at: *at });
            }
            Event::Closed { at, .. } => self.closed.push((id, *at)),
            Event::Register { change: incident::register::Change::Imported { record }, at, .. } => {
                self.facts(id, 1, &record.facts, *at)?;
            }
            Event::Anonymised { at, .. } => {
                // The entry that said when it was closed is erased too: the tables hold what the entries tell.
                self.closed.push((id, *at));
                self.facts_new.retain(|row| row.incident_id != id.as_bytes());
                self.facts_gone.push(id);
                self.ladders.push(LadderStep::Gone { stream: id.uuid() });
                return Ok(Some(*at));
            }
            // The state says it.
            Event::ClockStarted { .. }
            | Event::ClockChanged { .. }
            | Event::FanOutStarted { .. }
            | Event::FanOutAdvanced { .. }
            | Event::Released { .. }
            | Event::CorrectionProposed { .. }
            | Event::CorrectionRefused { .. }
            | Event::AwarenessCorrected { .. }
            | Event::BecameBreach { .. }
            | Event::Withdrawn { .. }
            | Event::ReportDrafted { .. }
            | Event::ReportSubmitted { .. }
            | Event::NotRequiredProposed { .. }
            | Event::NotRequiredResolved { .. }
            | Event::Assessment { .. }
            | Event::Decision { .. }
            | Event::Telling { .. }
            | Event::Lessons { .. }
            | Event::Costs { .. }
            | Event::Joint { .. }
            | Event::Duties { .. }
            | Event::Report { .. } => {}
        }
        Ok(None)
    }

    fn facts(&mut self, id: IncidentId, version: u32, facts: &Facts, at: Moment) -> Result<(), StoreError> {
        self.facts_new.push(FactsRow {
            incident_id: id.as_bytes().to_vec(),
            version: rows::number(version),
            sealed: rows::json(facts, "facts")?,
            at: at.micros(),
        });
        Ok(())
    }

    /// Events of one exchange; `first` is the ledger entry of the first of them.
    pub(super) fn exchange(
        &mut self,
        before: Option<&Exchange>,
        events: &[exchange::Event],
        first: u64,
        since: Option<Moment>,
    ) -> Result<(), StoreError> {
        let mut state = before.cloned();
        let mut clocks = before.map(exchange_clocks).unwrap_or_default();
        let mut opened_at = since;
        let mut survived = None;
        for (event, entry) in events.iter().zip(first..) {
            state = exchange::evolve(state, event);
            let Some(after) = &state else { continue };
            clocks = self.move_clocks(&clocks, exchange_clocks(after));
            if let Some(began) = self.exchange_event(after, event, entry)? {
                opened_at = opened_at.or(Some(began));
            }
            if let exchange::Event::Anonymised { survives, .. } = event {
                survived = Some(survives);
            }
        }
        let Some(after) = state else { return Ok(()) };
        let mut row = ExchangeRow::of(&after, opened_at)?;
        if let Some(survives) = survived {
            row.revision = rows::number(survives.revisions);
            row.stance = survives.stance.map(|stance| stance.word().to_owned());
            row.filed_at = survives.filed_at.map(Moment::micros);
        }
        let stood = before.map(|before| ExchangeRow::of(before, opened_at)).transpose()?;
        self.enter_exchange(before, &after, (stood.as_ref(), &row), opened_at);
        match stood {
            None => self.exchanges_new.push(row),
            Some(before) => {
                if survived.is_some() || before != row {
                    self.exchanges_changed.push(ExchangeChanged { before, after: row });
                }
            }
        }
        self.clocks(before.map(exchange_clocks), clocks);
        let was = before.map(DutyRow::of_exchange).unwrap_or_default();
        self.duties.extend(duty_rows::changed(&was, DutyRow::of_exchange(&after)));
        Ok(())
    }

    /// Answers when the exchange began, if this event says so.
    fn exchange_event(
        &mut self,
        exchange: &Exchange,
        event: &exchange::Event,
        entry: u64,
    ) -> Result<Option<Moment>, StoreError> {
        use exchange::Event;
        let key = |kind, due| LadderKey { stream: exchange.id.uuid(), of_incident: false, kind, due };
        match event {
            Event::Opened { at, .. } => return Ok(Some(*at)),
            Event::NoticeReceived { version, .. } => return Ok(Some(version.at)),
            Event::WithdrawalReceived { version, .. } => return Ok(Some(version.at)),
            Event::NoticeQueued { notice, at, .. } => {
                let kind = if notice.revision == 1 { OutKind::Notified } else { OutKind::Updated };
                self.queue(exchange, event, (kind, notice.message, notice.revision, *at, entry))?;
            }
            Event::WithdrawalQueued { notice, at, .. } => {
                self.queue(exchange, event, (OutKind::Withdrawn, notice.message, notice.revision, *at, entry))?;
            }
            Event::AcknowledgementQueued { message, acknowledgement, at, .. } => {
                let revision = acknowledgement.revision_seen;
                self.queue(exchange, event, (OutKind::Acknowledged, *message, revision, *at, entry))?;
            }
            Event::MessageQueued { said, at, .. } => {
                self.said.push(SaidStep::New(SaidRow::of(exchange, said, true, *at)?));
                self.queue(exchange, event, (OutKind::Message, said.message, 0, *at, entry))?;
            }
            Event::FiledQueued { message, at, .. } => {
                self.queue(exchange, event, (OutKind::Filed, *message, 0, *at, entry))?;
            }
            Event::MessageReceived { said, at, .. } => {
                self.said.push(SaidStep::New(SaidRow::of(exchange, said, false, *at)?));
            }
            Event::MessageRead { message, at, .. } => {
                self.said.push(SaidStep::Read { partner: exchange.partner, message: *message, at: *at });
            }
            Event::Linked { incident, .. } => {
                self.said.push(SaidStep::Linked { exchange: exchange.id, incident: *incident });
            }
            Event::Abandoned { message, .. } => self.abandoned.push(*message),
            Event::StepFired { kind, due, offset_minutes, reached, .. } => {
                self.ladders.push(fired(key(*kind, *due), *offset_minutes, reached));
            }
            Event::Ladder { change, by, .. } => self.ladders.extend(ladder_changed(key, change, by)),
            Event::TakenInHand { kind, due, at, by } => {
                let by = rows::json(by, "ladders")?;
                self.ladders.push(LadderStep::InHand { key: key(*kind, *due), by, at: *at });
            }
            Event::Anonymised { at, .. } => {
                self.said.push(SaidStep::Gone { exchange: exchange.id });
                self.erased.push(exchange.id);
                self.queued.retain(|queued| queued.exchange != exchange.id);
                self.ladders.push(LadderStep::Gone { stream: exchange.id.uuid() });
                return Ok(Some(*at));
            }
            // The state says it.
            Event::WithdrawnUnsent { .. }
            | Event::Receipted { .. }
            | Event::ClockStarted { .. }
            | Event::ClockChanged { .. }
            | Event::Acknowledged { .. }
            | Event::Accepted { .. }
            | Event::AssistanceChanged { .. }
            | Event::FiledReceived { .. }
            | Event::RelianceAccepted { .. }
            | Event::UndatedChanged { .. }
            | Event::CallRecorded { .. } => {}
        }
        Ok(None)
    }

    /// Events of one complaint: its clocks and their ladders. Its own row is written by itself.
    pub(super) fn complaint(
        &mut self,
        before: Option<&Complaint>,
        events: &[complaint::Event],
    ) -> Result<(), StoreError> {
        let mut state = before.cloned();
        let mut clocks = before.map(complaint_clocks).unwrap_or_default();
        for event in events {
            state = complaint::evolve(state, event);
            let Some(after) = &state else { continue };
            clocks = self.move_clocks(&clocks, complaint_clocks(after));
            self.complaint_event(after, event)?;
        }
        self.clocks(before.map(complaint_clocks), clocks);
        Ok(())
    }

    fn complaint_event(&mut self, complaint: &Complaint, event: &complaint::Event) -> Result<(), StoreError> {
        use complaint::Event;
        let stream = complaint.id.uuid();
        let key = |kind, due| LadderKey { stream, of_incident: false, kind, due };
        match event {
            Event::StepFired { kind, due, offset_minutes, reached, .. } => {
                self.ladders.push(fired(key(*kind, *due), *offset_minutes, reached));
            }
            Event::Ladder { change, by, .. } => self.ladders.extend(ladder_changed(key, change, by)),
            Event::TakenInHand { kind, due, at, by } => {
                let by = rows::json(by, "ladders")?;
                self.ladders.push(LadderStep::InHand { key: key(*kind, *due), by, at: *at });
            }
            Event::Anonymised { .. } => self.ladders.push(LadderStep::Gone { stream }),
            // The state says it.
            Event::Logged { .. }
            | Event::Acknowledged { .. }
            | Event::Noted { .. }
            | Event::Answered { .. }
            | Event::BecameOverdue { .. } => {}
        }
        Ok(())
    }

    fn queue(
        &mut self,
        exchange: &Exchange,
        event: &exchange::Event,
        (kind, message, revision, at, position): (OutKind, MessageId, u32, Moment, u64),
    ) -> Result<(), StoreError> {
        self.queued.push(Queued {
            message,
            partner: exchange.partner,
            kind,
            exchange: exchange.id,
            revision,
            body: rows::json(event, "outbox")?,
            position,
            at,
        });
        Ok(())
    }

    /// What one event's change of clocks means to ladders. Event by event, so that a clock which starts and ends in one
    /// decision leaves the same ladder behind as when the events are replayed one at a time.
    fn move_clocks(&mut self, before: &[ClockFace], after: Vec<ClockFace>) -> Vec<ClockFace> {
        let on_ladder = |face: &ClockFace| face.ladder.filter(|_| face.row.open);
        let same = |one: &ClockFace, other: &ClockFace| one.stream == other.stream && one.row.kind == other.row.kind;
        for face in &after {
            let was = before.iter().find(|was| same(was, face)).and_then(on_ladder);
            if let Some(key) = on_ladder(face).filter(|key| was != Some(*key))
                && self.wanted.insert(key)
            {
                self.ladders.push(LadderStep::Wanted { key, anchored_at: face.row.anchored_at });
            }
        }
        for face in before {
            let is = after.iter().find(|is| same(is, face)).and_then(on_ladder);
            if let Some(key) = on_ladder(face).filter(|key| is != Some(*key))
                && self.left.insert(key)
            {
                self.ladders.push(LadderStep::Left { key });
            }
        }
        after
    }

    /// The rows of clocks before and after, stream by stream.
    fn clocks(&mut self, before: Option<Vec<ClockFace>>, after: Vec<ClockFace>) {
        let Some(before) = before else {
            self.clocks_new.extend(after.into_iter().map(|face| face.row));
            return;
        };
        if before == after {
            return;
        }
        let mut streams: BTreeMap<Uuid, (Vec<ClockRow>, Vec<ClockRow>)> = BTreeMap::new();
        for face in before {
            streams.entry(face.stream).or_default().0.push(face.row);
        }
        for face in after {
            streams.entry(face.stream).or_default().1.push(face.row);
        }
        let changed = streams.into_iter().filter(|(_, (before, after))| before != after);
        self.clocks_changed.extend(changed.map(|(stream, (before, after))| ClocksChanged { stream, before, after }));
    }
}
