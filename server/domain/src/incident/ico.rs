//! The ICO report of an incident: drafted, submitted, or decided not to be required.
//!
//! The node drafts; a person submits and records it. That no report is required is decided by two data protection
//! officers (ruling 34); reporting needs no approval.

use super::decide::{must_be_open, must_be_second};
use super::{Decision, Event, FanOutWork, Incident, NotRequiredProposal, Refusal, Stage, duties, fan_out, watch};
use crate::clock::{Clock, ClockChange, ClockKind, Evidence};
use crate::exchange::Filing;
use crate::facts::Facts;
use crate::reliance::AUTHORITY;
use crate::report::{ReportState, Submission};
use crate::undated::UndatedDuty;
use crate::values::{Actor, Line, LongText, Moment, Role};

/// A clock's reason is a line; a decision's reason may be longer, and is kept whole with the decision.
const REASON_CHARS: usize = 200;

/// A decision that no report was required may be reopened by drafting one after all; its clock stays ended.
pub(super) fn draft(incident: &Incident, by: &Actor, now: Moment) -> Result<Vec<Event>, Refusal> {
    must_be_open(incident)?;
    match incident.report {
        ReportState::None | ReportState::NotRequired { .. } => Ok(vec![drafted(incident, by.clone(), now)]),
        ReportState::Draft { .. } => Err(Refusal::NothingChanges),
        ReportState::Submitted { .. } => Err(Refusal::AlreadySubmitted),
    }
}

/// A draft opens with what the facts leave out: the Article 33(3) items that are not yet known.
pub(super) fn drafted(incident: &Incident, by: Actor, now: Moment) -> Event {
    let missing = incident.facts.as_ref().map(Facts::missing_items).unwrap_or_default();
    Event::ReportDrafted { gaps: missing.into_iter().map(str::to_owned).collect(), at: now, by }
}

/// Also after a withdrawal: what was submitted before it is still true.
pub(super) fn record_submission(
    incident: &Incident,
    submission: &Submission,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    match incident.stage {
        Stage::Held | Stage::Active | Stage::Withdrawn { .. } => {}
        Stage::Closed | Stage::Anonymised => return Err(Refusal::NotOpen { stage: incident.stage.word() }),
    }
    must_be_reporter(by)?;
    match incident.report {
        ReportState::None | ReportState::Draft { .. } | ReportState::NotRequired { .. } => {}
        ReportState::Submitted { .. } => return Err(Refusal::AlreadySubmitted),
    }
    let anchors = [incident.awareness.circumstances, incident.awareness.breach, ico_anchor(incident)];
    let aware = anchors.into_iter().flatten().min();
    if submission.at > now || aware.is_some_and(|aware| submission.at < aware) {
        return Err(Refusal::SubmissionTime);
    }
    let limit = incident.ico.as_ref().and_then(Clock::legal_limit);
    let is_late = limit.is_some_and(|limit| submission.at > limit);
    // Reasons that were recorded beforehand need not be typed again.
    let recorded = incident.decisions.delay().filter(|_| is_late).map(|decided| decided.reasons.clone());
    let delay_reasons = submission.delay_reasons.clone().or(recorded);
    if is_late && delay_reasons.is_none() {
        return Err(Refusal::DelayReasonMissing);
    }
    let submission = Submission { delay_reasons, ..submission.clone() };
    let met = incident.ico.as_ref().and_then(|clock| clock.meet(submission.at, Evidence::RecordedSubmission));
    let submitted_at = submission.at;
    let mut events = vec![Event::ReportSubmitted { submission, at: now, by: by.clone() }];
    events.extend(end_clock(incident, met, now));
    if incident.stage.is_open() && leaves_out(incident) {
        events.extend(duties::start(incident, UndatedDuty::FollowUp, submitted_at, by, now));
    }
    Ok(events)
}

/// Whether something that a report has to say is not yet known (UK GDPR Article 33(4): it follows).
pub(super) fn leaves_out(incident: &Incident) -> bool {
    incident.facts.as_ref().is_some_and(|facts| !facts.missing_items().is_empty())
}

/// Every owed partner is told by a fan-out, and the one whose notice the incident was opened from at once. Whoever was told
/// nothing of the case is passed over.
pub(super) fn tell_filed(incident: &Incident, by: &Actor, now: Moment) -> Result<Decision, Refusal> {
    match incident.stage {
        // Telling happens once: whoever does not know of the case yet would never hear of it.
        Stage::Held if !incident.owed.is_empty() => return Err(Refusal::NotOpen { stage: incident.stage.word() }),
        Stage::Held | Stage::Active | Stage::Withdrawn { .. } | Stage::Closed => {}
        Stage::Anonymised => return Err(Refusal::NotOpen { stage: incident.stage.word() }),
    }
    must_be_dpo(by)?;
    let ReportState::Submitted { submission } = &incident.report else { return Err(Refusal::NotSubmitted) };
    if incident.told_filed {
        return Err(Refusal::NothingChanges);
    }
    let authority = Line::parse(AUTHORITY).map_err(|_| Refusal::NotSubmitted)?;
    let filing = Filing { authority, at: submission.at.floor_second(), reference: submission.ico_reference.clone() };
    let asks = incident.opened_from.map(|exchange| (exchange, fan_out::tell_filed(&filing, by)));
    let work = FanOutWork::TellFiled { filing, by: by.clone() };
    let started = fan_out::start(work, 0, incident.owed.len(), by, now);
    if started.is_none() && asks.is_none() {
        return Err(Refusal::NothingChanges);
    }
    Ok(Decision { events: started.into_iter().collect(), asks: asks.into_iter().collect() })
}

pub(super) fn propose_not_required(
    incident: &Incident,
    reason: &LongText,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    must_be_open(incident)?;
    must_be_dpo(by)?;
    match incident.report {
        ReportState::None | ReportState::Draft { .. } => {}
        ReportState::NotRequired { .. } => return Err(Refusal::NothingChanges),
        ReportState::Submitted { .. } => return Err(Refusal::AlreadySubmitted),
    }
    if !incident.ico.as_ref().is_some_and(Clock::is_open) {
        return Err(Refusal::NoSuchDuty);
    }
    if incident.not_required.is_some() {
        return Err(Refusal::NothingChanges);
    }
    let proposal = NotRequiredProposal { reason: reason.clone(), by: by.clone(), at: now };
    Ok(vec![Event::NotRequiredProposed { proposal }])
}

/// Approving takes another data protection officer; any of them, also who proposed it, may turn it down.
pub(super) fn resolve_not_required(
    incident: &Incident,
    approve: bool,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    must_be_open(incident)?;
    must_be_dpo(by)?;
    let proposal = incident.not_required.as_ref().ok_or(Refusal::NoSuchProposal)?;
    let mut events = vec![Event::NotRequiredResolved { approved: approve, at: now, by: by.clone() }];
    if approve {
        must_be_second(&proposal.by, by)?;
        let short: String = proposal.reason.as_str().chars().take(REASON_CHARS).collect();
        // What is no fault in a longer text is none here.
        let reason = Line::stored(&short).ok();
        let change = incident.ico.as_ref().zip(reason).and_then(|(clock, reason)| clock.not_required(now, reason));
        events.extend(end_clock(incident, change, now));
    }
    Ok(events)
}

/// The change that ends the ICO clock, and the end of its ladder.
pub(super) fn end_clock(incident: &Incident, change: Option<ClockChange>, now: Moment) -> Vec<Event> {
    let Some(change) = change else {
        return Vec::new();
    };
    let mut events = vec![Event::ClockChanged { kind: ClockKind::IcoReport, change, at: now }];
    events.extend(watch::end_ladders(incident, &[ClockKind::IcoReport]));
    events
}

fn ico_anchor(incident: &Incident) -> Option<Moment> {
    incident.ico.as_ref().map(|clock| clock.anchored_at)
}

/// Whoever may work on a report.
pub(super) fn must_be_reporter(by: &Actor) -> Result<(), Refusal> {
    match role(by) {
        Some(Role::Dpo | Role::Responder) => Ok(()),
        Some(Role::Reporter | Role::Manager | Role::Administrator | Role::Auditor) | None => Err(Refusal::DpoNeeded),
    }
}

pub(super) fn must_be_dpo(by: &Actor) -> Result<(), Refusal> {
    match role(by) {
        Some(Role::Dpo) => Ok(()),
        Some(Role::Reporter | Role::Responder | Role::Manager | Role::Administrator | Role::Auditor) | None => {
            Err(Refusal::DpoNeeded)
        }
    }
}

pub(super) const fn role(by: &Actor) -> Option<Role> {
    match by {
        Actor::Person { role, .. } => Some(*role),
        Actor::Console | Actor::Node | Actor::Partner { .. } => None,
    }
}
