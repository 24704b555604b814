//! What a batch of changes does to the tables, worked out without looking at any.

use std::collections::{BTreeMap, BTreeSet};

use domain::clock::ClockKind;
use domain::exchange::{self, Exchange};
use domain::facts::Facts;
use domain::incident::{self, Incident};
use domain::values::{ExchangeId, IncidentId, MessageId, Moment, PartnerId};
use uuid::Uuid;

use super::rows::{
    self, ClockFace, ClockRow, ExchangeRow, FactsRow, IncidentRow, LadderKey, SaidRow, exchange_clocks, incident_clocks,
};
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
    pub ladders: Vec<LadderStep>,
    pub queued: Vec<Queued>,
    pub abandoned: Vec<MessageId>,
    pub erased: Vec<ExchangeId>,
    pub said: Vec<SaidStep>,
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
    /// A step fired or was passed.
    Reached { key: LadderKey, offset: i32 },
    /// Its incident ended it.
    Ended { key: LadderKey },
    /// A person sees to it; `by` is the actor's JSON.
    InHand { key: LadderKey, by: Vec<u8>, at: Moment },
    /// Erased with its stream.
    Gone { stream: Uuid },
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
        let mut row = IncidentRow::of(&after, logged_at);
        row.owed = owed.unwrap_or(row.owed);
        match before {
            None => self.incidents_new.push(row),
            Some(before) if owed.is_none() && IncidentRow::of(before, logged_at) == row => {}
            Some(_) => self.incidents_changed.push(row),
        }
        self.clocks(before.map(incident_clocks), clocks);
        Ok(())
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
            Event::StepFired { kind, due, offset_minutes, .. } => {
                self.ladders.push(LadderStep::Reached { key: key(*kind, *due), offset: *offset_minutes });
            }
            Event::StepsPassed { kind, due, offsets, .. } => {
                let reached =
                    offsets.last().map(|offset| LadderStep::Reached { key: key(*kind, *due), offset: *offset });
                self.ladders.extend(reached);
            }
            Event::LadderEnded { kind, due } => self.ladders.push(LadderStep::Ended { key: key(*kind, *due) }),
            Event::TakenInHand { kind, due, at, by } => {
                let by = rows::json(by, "ladders")?;
                self.ladders.push(LadderStep::InHand { key: key(*kind, *due), by, at: *at });
            }
            Event::Closed { at, .. } => self.closed.push((id, *at)),
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
        match before {
            None => self.exchanges_new.push(row),
            Some(before) => {
                let before = ExchangeRow::of(before, opened_at)?;
                if survived.is_some() || before != row {
                    self.exchanges_changed.push(ExchangeChanged { before, after: row });
                }
            }
        }
        self.clocks(before.map(exchange_clocks), clocks);
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
        let key =
            |kind: ClockKind, due: Moment| LadderKey { stream: exchange.id.uuid(), of_incident: false, kind, due };
        match event {
            Event::Opened { at, .. } => return Ok(Some(*at)),
            Event::NoticeReceived { version, .. } | Event::WithdrawalReceived { version, .. } => {
                return Ok(Some(version.at));
            }
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
            Event::StepFired { kind, due, offset_minutes, .. } => {
                self.ladders.push(LadderStep::Reached { key: key(*kind, *due), offset: *offset_minutes });
            }
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
            | Event::CallRecorded { .. } => {}
        }
        Ok(None)
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
