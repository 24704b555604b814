//! Event → read tables and outgoing work.
//!
//! Rows are functions of a stream's state, so that no rule is written twice: `domain` folds the events, `rows` says how
//! a state looks in the tables, and `plan` compares before and after. What the state does not hold (when a stream began,
//! what is to be carried, steps of ladders) comes from one exhaustive match per kind of event.
//!
//! Promises:
//! - A change of one exchange costs a fixed number of statements, however many partners its incident has; a chunk of a
//!   fan-out writes its rows together and leaves the same rows behind as one exchange at a time would.
//! - The tables `complaints`, `incidents`, `facts`, `exchanges`, `clocks`, `duties`, `ladders`, `said`,
//!   `corrective_actions`, `precedents` and the register's depend on event entries alone: the same
//!   events `replay`ed into empty tables leave the same rows ([`tables::Tables`] compares them).
//!
//! **Ladders.** One row per incident, clock kind and due instant (acknowledgements are grouped by due minute), per
//! notice received for the ICO clock that lives there, or per complaint. A row is made when the first clock enters its group, wakes when one
//! enters again after it fell silent, and falls silent when the last open clock leaves, when a person takes it in hand, or
//! when its incident ends it. `next_step_at` is what the watch asks for; a silent ladder has none.
//!
//! **Clocks of partners.** `incident_id` is set on our own duties only: the contract clock of a partner who told *us*, and
//! that of a request which the partner has to answer, are kept for the record and belong to no incident of ours. The clock
//! of a request is filed under the message that asks, those of a complaint under the complaint: they have neither incident
//! nor exchange.

mod actions;
mod apply;
mod complaint_rows;
mod duty_rows;
mod enter;
mod fill;
mod ladder_rows;
mod plan;
mod precedents;
pub(super) mod register;
mod rows;
mod said_row;
#[cfg(test)]
pub(super) mod samples;
pub mod tables;
pub(super) mod tally;
#[cfg(test)]
mod tests;
mod words;

use domain::exchange::{Acknowledgement, Said};
use domain::values::{Actor, ComplaintId, ExchangeId, MessageId, Moment};
use uuid::Uuid;

pub(super) use self::actions::days;
pub(super) use self::fill::{fill, is_wanted as wants_register};
pub(super) use self::plan::Queued;
pub(super) use self::precedents::open_why;
pub(super) use self::rows::LadderRow;

use super::sealed::Seal;
use super::{Change, StoreError, Turn, posts};

/// Brings the read tables and the outgoing work up to the events just appended. They are the last entries of the ledger,
/// in the order of `changes`.
pub(super) fn project(turn: &mut Turn<'_>, changes: &[Change]) -> Result<(), StoreError> {
    let events: usize = changes.iter().map(Change::len).sum();
    let first = turn.ledger_size().saturating_sub(u64::try_from(events).unwrap_or(u64::MAX));
    let plan = plan::Plan::of(changes, first)?;
    apply::apply(turn, plan)?;
    for change in changes {
        complaint_rows::project(turn.rows(), change, None)?;
    }
    posts::hook(turn, changes, first)
}

/// Brings empty tables up to one change again, for rebuilding. `since` is when the stream's first erased entry was made:
/// after erasure nothing else tells when the stream began.
pub(super) fn replay(turn: &mut Turn<'_>, change: &Change, since: Option<Moment>) -> Result<(), StoreError> {
    let mut plan = plan::Plan::default();
    match change {
        Change::Incident { id, before, events } => plan.incident(*id, before.as_ref(), events, since)?,
        Change::Exchange { before, events, .. } => plan.exchange(before.as_ref(), events, 0, since)?,
        Change::Complaint { before, events, .. } => {
            plan.complaint(before.as_ref(), events)?;
            complaint_rows::project(turn.rows(), change, since)?;
        }
    }
    apply::apply(turn, plan)
}

impl Change {
    /// How many events it holds.
    fn len(&self) -> usize {
        match self {
            Self::Incident { events, .. } => events.len(),
            Self::Exchange { events, .. } => events.len(),
            Self::Complaint { events, .. } => events.len(),
        }
    }
}

/// Opens `exchanges.acknowledged_by`: the newest acknowledgement, with name, role and reference.
pub(super) fn open_acknowledgement(seal: &Seal, id: ExchangeId, sealed: &[u8]) -> Result<Acknowledgement, StoreError> {
    seal.open_json(rows::ACKNOWLEDGED_BY, id.as_bytes(), sealed)
}

/// Opens `ladders.in_hand_by`: who sees to it.
pub(super) fn open_in_hand(seal: &Seal, stream: Uuid, sealed: &[u8]) -> Result<Actor, StoreError> {
    seal.open_json(rows::IN_HAND_BY, stream.as_bytes(), sealed)
}

/// The word of a kind in the tables.
pub(super) const fn kind_word(kind: domain::facts::IncidentKind) -> &'static str {
    words::kind(kind)
}

/// Opens `incidents.title`; empty after erasure.
pub(super) fn open_title(seal: &Seal, incident: Uuid, sealed: &[u8]) -> Result<String, StoreError> {
    rows::text(seal.open(rows::TITLE, incident.as_bytes(), sealed)?, "incidents")
}

/// Opens `clocks.reason`: why a duty ended without being met.
pub(super) fn open_reason(seal: &Seal, stream: Uuid, sealed: &[u8]) -> Result<String, StoreError> {
    rows::text(seal.open(rows::REASON, stream.as_bytes(), sealed)?, "clocks")
}

/// Opens `duties.reason`: why a duty without a due instant ended without being done.
pub(super) fn open_duty_reason(seal: &Seal, stream: Uuid, sealed: &[u8]) -> Result<String, StoreError> {
    rows::text(seal.open(duty_rows::REASON, stream.as_bytes(), sealed)?, "duties")
}

/// Opens `complaints.about`: what it is about in words; empty after erasure.
pub(super) fn open_complaint(seal: &Seal, id: ComplaintId, sealed: &[u8]) -> Result<String, StoreError> {
    rows::text(seal.open(complaint_rows::ABOUT, id.as_bytes(), sealed)?, "complaints")
}

/// Opens `said.content`: a message about a case, with its words.
pub(super) fn open_said(seal: &Seal, message: MessageId, sealed: &[u8]) -> Result<Said, StoreError> {
    seal.open_json(rows::SAID, message.as_bytes(), sealed)
}

/// Opens `corrective_actions.plan`: what is to be done, by whom, by when.
pub(super) fn open_plan(
    seal: &Seal,
    incident: Uuid,
    sealed: &[u8],
) -> Result<domain::incident::lessons::Plan, StoreError> {
    seal.open_json(actions::PLAN, incident.as_bytes(), sealed)
}

/// Opens `facts.sealed`.
pub(super) fn open_facts(seal: &Seal, incident: Uuid, sealed: &[u8]) -> Result<domain::facts::Facts, StoreError> {
    seal.open_json(rows::FACTS, incident.as_bytes(), sealed)
}
