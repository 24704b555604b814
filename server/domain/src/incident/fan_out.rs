//! Work that reaches every owed partner, in chunks that survive a crash (ruling 22).
//!
//! A fan-out is fixed in full by one event. Each [`advance`] carries out its next chunk and records how far it came, in
//! the transaction that also changes the exchanges; a crash in between leaves neither.

use super::{Decision, Event, FAN_OUT_CHUNK, FanOut, FanOutWork, Incident, Refusal, joint};
use crate::arrangement::{Owed, Trigger};
use crate::clock::Anchor;
use crate::exchange;
use crate::values::{Actor, ExchangeId, Moment};

/// The event that starts a fan-out over the owed partners `from..until`; none when it would reach nobody.
pub(super) fn start(work: FanOutWork, from: usize, until: usize, by: &Actor, now: Moment) -> Option<Event> {
    let (from, until) = (index(from), index(until));
    (from < until).then(|| Event::FanOutStarted {
        fan_out: FanOut { work, done: 0, until, from },
        at: now,
        by: by.clone(),
    })
}

/// Carries out the next chunk of the oldest fan-out.
pub(super) fn advance(incident: &Incident) -> Result<Decision, Refusal> {
    let fan_out = incident.fan_outs.first().ok_or(Refusal::NothingChanges)?;
    let next = fan_out.from.saturating_add(fan_out.done);
    let chunk_end = next.saturating_add(index(FAN_OUT_CHUNK)).min(fan_out.until);
    let asks = (next..chunk_end)
        .filter_map(|at| {
            let owed = incident.owed.get(usize::try_from(at).ok()?)?;
            ask(incident, at, owed, &fan_out.work)
        })
        .collect();
    let done = chunk_end.saturating_sub(fan_out.from);
    let finished = chunk_end >= fan_out.until;
    Ok(Decision { events: vec![Event::FanOutAdvanced { done, finished }], asks })
}

/// What one partner's exchange is asked. Once the incident is withdrawn nothing new is told: exchanges still open, so
/// that the record is whole, but their first notices stay unsent.
fn ask(incident: &Incident, at: u32, owed: &Owed, work: &FanOutWork) -> Option<(ExchangeId, exchange::Command)> {
    let telling = incident.stage.is_open();
    let (anchor, anchored_at) = incident.notice_anchor(at)?;
    let command = match work {
        FanOutWork::Open { queue } => exchange::Command::Open(Box::new(exchange::Open {
            id: owed.exchange,
            partner: owed.partner,
            case: owed.case,
            reference: owed.reference.clone(),
            incident: incident.id,
            exercise: incident.exercise,
            kind: incident.kind,
            terms: owed.terms.clone(),
            anchor,
            anchored_at,
            queue: (*queue && telling).then_some(incident.sent_version),
            own_target: incident.rules.targets.controller_told,
        })),
        FanOutWork::Release if telling => {
            exchange::Command::Queue { facts_version: incident.sent_version, kind: incident.kind }
        }
        FanOutWork::Update { facts_version, anchor_reason } if telling => exchange::Command::Update {
            facts_version: *facts_version,
            kind: incident.kind,
            anchor,
            anchored_at,
            anchor_reason: anchor_reason.clone(),
        },
        FanOutWork::Release | FanOutWork::Update { .. } => return None,
        FanOutWork::Withdraw { reason, note } => exchange::Command::Withdraw { reason: *reason, note: note.clone() },
        FanOutWork::TellFiled { filing, by } => tell_filed(filing, by),
        FanOutWork::AskViews { .. } | FanOutWork::TellDecision { .. } => joint::said(work, Some(owed.partner))?,
    };
    Some((owed.exchange, command))
}

/// Whom the record names is who asked for it, however much later a chunk is carried out.
pub(super) fn tell_filed(filing: &exchange::Filing, by: &Actor) -> exchange::Command {
    exchange::Command::TellFiled { filing: Box::new(filing.clone()), by: by.clone() }
}

impl Incident {
    /// What starts the notice clock of the owed partner at this index: what its terms say, or awareness of the breach for
    /// a partner owed only since there is one.
    pub(super) fn notice_anchor(&self, at: u32) -> Option<(Anchor, Moment)> {
        let trigger = if at < self.owed_when_logged {
            usize::try_from(at).ok().and_then(|at| self.owed.get(at))?.terms.trigger
        } else {
            Trigger::BreachOnly
        };
        trigger.anchor(&self.awareness)
    }
}

/// A count of partners as it is recorded. The owed list is bounded far below `u32::MAX` by the number of partners.
pub(super) fn index(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
