//! Clocks: every duty, open or ended; and taking one in hand.

use domain::clock::{Anchor, ClockKind};
use domain::values::{ComplaintId, ExchangeId, IncidentId, Moment, PartnerId};
use uuid::Uuid;

use super::call::{Call, Page, Reply, fault};
use super::operation::{Group, get, post, run};
use super::shape::{answer, request};
use crate::access::Scope;
use crate::node::StreamId;
use crate::problem::Problem;
use crate::store::queries::clocks::{self, Single};

/// Operations on clocks.
pub const GROUP: Group = Group {
    name: "Clocks",
    about: "Duties with an instant by which they are due.",
    operations: &[
        get("/clocks", "list_clocks", "Every clock, open or ended, the oldest stream first", run!(list))
            .lists::<Clock>(),
        post("/clocks/take-in-hand", "take_in_hand", "See to a duty: its alarms stop", run!(take_in_hand))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<TakeInHand>(),
        post("/clocks/seen", "mark_seen", "Say that you have seen the last step, which asked you to", run!(mark_seen))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<TakeInHand>(),
    ],
};

answer! {
    /// A duty with an anchor, a due instant and an end.
    Clock {
        /// The incident's, exchange's or complaint's id that it belongs to.
        stream: Uuid,
        /// Which duty.
        kind: ClockKind,
        /// The incident of ours.
        incident: Option<IncidentId>,
        /// The exchange.
        exchange: Option<ExchangeId>,
        /// The complaint.
        complaint: Option<ComplaintId>,
        /// The partner.
        partner: Option<PartnerId>,
        /// In the words of the pages: Running, Overdue, Met, Met late, Not required.
        state: &'static str,
        /// What started it.
        anchor: Anchor,
        /// When.
        anchored_at: Moment,
        /// How long it runs.
        hours: u32,
        /// When it is due.
        due_at: Moment,
        /// The statute's limit.
        legal_limit_at: Option<Moment>,
        /// The instant of the evidence, or of the decision.
        ended_at: Option<Moment>,
        /// What met it.
        evidence: Option<String>,
        /// Met in time, but proved only after it had been recorded as overdue.
        proved_late: bool,
        /// Why it was not required.
        reason: Option<String>,
        /// A drill.
        exercise: bool,
        /// Nobody but our own people set it: missing it breaks neither law nor agreement.
        own_target: bool,
    }
}

request! {
    /// A duty that the token's person sees to.
    TakeInHand {
        /// The incident of ours; or give exchange or complaint.
        incident: Option<IncidentId>,
        /// The exchange, for a notice received; or give incident or complaint.
        exchange: Option<ExchangeId>,
        /// The complaint; or give incident or exchange.
        complaint: Option<ComplaintId>,
        /// Which duty.
        kind: ClockKind,
        /// When it is due, as its clock says.
        due_at: Moment,
    }
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let (after, limit) = (call.after(key)?, call.limit()?);
    let now = call.node.now();
    let page = call.node.store().read(move |rows| clocks::every(rows, after, limit)).await?;
    let next = page.next.map(|(stream, kind)| format!("{stream}.{}", kind.word()));
    Ok(Page { items: page.items, next }.reply(|clock| Clock::of(&clock, now)))
}

fn key(text: &str) -> Option<(Uuid, ClockKind)> {
    let (stream, kind) = text.split_once('.')?;
    Some((stream.parse().ok()?, ClockKind::ALL.into_iter().find(|known| known.word() == kind)?))
}

async fn take_in_hand(call: Call) -> Result<Reply, Problem> {
    let by = call.duty_holder()?;
    let (stream, kind, due) = duty(&call)?;
    call.node.take_in_hand(&by, stream, kind, due).await?;
    Ok(Reply::done())
}

async fn mark_seen(call: Call) -> Result<Reply, Problem> {
    let (stream, kind, due) = duty(&call)?;
    call.node.mark_seen(call.person(), stream, kind, due).await?;
    Ok(Reply::done())
}

fn duty(call: &Call) -> Result<(StreamId, ClockKind, Moment), Problem> {
    let TakeInHand { incident, exchange, complaint, kind, due_at } = call.body()?;
    let stream = match (incident, exchange, complaint) {
        (Some(incident), None, None) => StreamId::Incident(incident),
        (None, Some(exchange), None) => StreamId::Exchange(exchange),
        (None, None, Some(complaint)) => StreamId::Complaint(complaint),
        (_, _, _) => return Err(fault("/incident", "give one of incident, exchange and complaint")),
    };
    // Acknowledgements due within one minute share a ladder.
    let due = if kind == ClockKind::PartnerAcknowledgement { due_at.floor_minute() } else { due_at };
    Ok((stream, kind, due))
}

impl Clock {
    /// As programs see it.
    pub(super) fn of(clock: &Single, now: Moment) -> Self {
        Self {
            state: match clock.state.as_str() {
                "met" => "Met",
                "met_late" => "Met late",
                "not_required" => "Not required",
                _ if clock.due < now => "Overdue",
                _ => "Running",
            },
            stream: clock.stream,
            kind: clock.kind,
            incident: clock.incident,
            exchange: clock.exchange,
            complaint: clock.complaint,
            partner: clock.partner,
            anchor: clock.anchor,
            anchored_at: clock.anchored_at,
            hours: clock.hours,
            due_at: clock.due,
            legal_limit_at: clock.legal_limit,
            ended_at: clock.ended_at,
            evidence: clock.evidence.clone(),
            proved_late: clock.proved_late,
            reason: clock.reason.clone(),
            exercise: clock.exercise,
            own_target: clock.own_target,
        }
    }
}
