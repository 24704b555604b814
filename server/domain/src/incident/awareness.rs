//! When we became aware: what may be typed in (ruling 5), corrections (ruling 4), and the step from circumstances to a
//! breach.
//!
//! A correction to an earlier instant takes effect at once, also on duties already met. One to a later instant needs a
//! second person and never removes recorded lateness: the clocks themselves refuse that.

use super::decide::{must_be_open, must_be_second, own_ico_clock, update_partners};
use super::{Awareness, AwarenessOf, CorrectionProposal, Event, FanOutWork, Incident, Log, Refusal, Stage, fan_out};
use crate::arrangement::{Owed, Trigger};
use crate::clock::{Anchor, ClockKind};
use crate::facts::{Facts, IncidentKind, Precision};
use crate::values::{Actor, Known, LongText, Moment};

/// Awareness longer ago than this needs a reason: a year, as 365 elapsed days.
const OLD_AWARENESS_SECONDS: i64 = 365 * 24 * 3_600;

/// The awareness typed in for a new incident, checked, in whole seconds.
pub(super) fn checked(log: &Log, now: Moment) -> Result<Awareness, Refusal> {
    let awareness = Awareness {
        circumstances: log.awareness.circumstances.map(Moment::floor_second),
        breach: log.awareness.breach.map(Moment::floor_second),
    };
    let needed = match log.kind {
        IncidentKind::Breach => awareness.breach,
        IncidentKind::LikelyToGiveRise => awareness.circumstances,
        IncidentKind::UnderInvestigation => awareness.circumstances.or(awareness.breach),
    };
    needed.ok_or(Refusal::AwarenessMissing)?;
    for instant in [log.awareness.circumstances, log.awareness.breach].into_iter().flatten() {
        must_be_plausible(instant, Some(&log.facts), now)?;
        if log.old_reason.is_none() {
            must_be_recent(instant, now)?;
        }
    }
    Ok(awareness)
}

/// Not in the future, and not before it began unless that is an estimate.
fn must_be_plausible(instant: Moment, facts: Option<&Facts>, now: Moment) -> Result<(), Refusal> {
    if instant > now {
        return Err(Refusal::AwarenessInFuture);
    }
    match facts.map(|facts| facts.occurred) {
        Some(Known::Known(occurred))
            if occurred.precision == Precision::Exact && instant.floor_second() < occurred.from.floor_second() =>
        {
            Err(Refusal::AwarenessBeforeOccurrence { began: occurred.from })
        }
        Some(Known::Known(_) | Known::NotYetKnown) | None => Ok(()),
    }
}

fn must_be_recent(instant: Moment, now: Moment) -> Result<(), Refusal> {
    if now.seconds_since(instant) > OLD_AWARENESS_SECONDS {
        return Err(Refusal::AwarenessNeedsReason);
    }
    Ok(())
}

/// A reason is always given here, so that an instant of more than a year ago passes.
pub(super) fn correct(
    incident: &Incident,
    of: AwarenessOf,
    at: Moment,
    reason: &LongText,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    must_be_open(incident)?;
    must_be_plausible(at, incident.facts.as_ref(), now)?;
    let at = at.floor_second();
    let was = incident.awareness.get(of);
    if of == AwarenessOf::Breach && incident.kind != IncidentKind::Breach {
        return Err(Refusal::NotYetABreach);
    }
    if was == Some(at) {
        return Err(Refusal::NothingChanges);
    }
    if was.is_none_or(|was| at < was) {
        return Ok(apply(incident, &Correction { of, at, reason, by, second: None }, now));
    }
    if incident.correction.is_some() {
        return Err(Refusal::NoSuchProposal);
    }
    let proposal = CorrectionProposal { of, at, reason: reason.clone(), by: by.clone() };
    Ok(vec![Event::CorrectionProposed { proposal, at: now }])
}

/// Confirming takes a second person; anybody, also who proposed it, may drop it.
pub(super) fn resolve(incident: &Incident, confirm: bool, by: &Actor, now: Moment) -> Result<Vec<Event>, Refusal> {
    must_be_open(incident)?;
    let proposal = incident.correction.as_ref().ok_or(Refusal::NoSuchProposal)?;
    if !confirm {
        return Ok(vec![Event::CorrectionRefused { at: now, by: by.clone() }]);
    }
    must_be_second(&proposal.by, by)?;
    must_be_plausible(proposal.at, incident.facts.as_ref(), now)?;
    let CorrectionProposal { of, at, reason, by: first } = proposal;
    Ok(apply(incident, &Correction { of: *of, at: *at, reason, by: first, second: Some(by) }, now))
}

/// A correction that takes effect.
struct Correction<'a> {
    of: AwarenessOf,
    at: Moment,
    reason: &'a LongText,
    by: &'a Actor,
    second: Option<&'a Actor>,
}

fn apply(incident: &Incident, correction: &Correction<'_>, now: Moment) -> Vec<Event> {
    let &Correction { of, at, reason, by, second } = correction;
    let mut events = vec![Event::AwarenessCorrected {
        of,
        was: incident.awareness.get(of),
        is: at,
        reason: reason.clone(),
        at: now,
        by: by.clone(),
        second: second.cloned(),
    }];
    if of == AwarenessOf::Breach {
        events.extend(reanchor_ico(incident, at, now));
    }
    let after = incident.awareness.with(of, at);
    let owed_for_breach_only = fan_out::index(incident.owed.len()) > incident.owed_when_logged
        || incident.owed.iter().any(|owed| owed.terms.trigger == Trigger::BreachOnly);
    let moved = after.contract_anchor() != incident.awareness.contract_anchor()
        || (owed_for_breach_only && after.breach != incident.awareness.breach);
    if moved {
        events.extend(update_partners(incident, Some(reason.clone()), second.unwrap_or(by), now));
    }
    events
}

/// A clock that began with a partner's notice moves only to an earlier instant: the notice is what told us.
fn reanchor_ico(incident: &Incident, at: Moment, now: Moment) -> Option<Event> {
    let clock = incident.ico.as_ref()?;
    if clock.anchor != Anchor::AwareOfBreach && at >= clock.anchored_at {
        return None;
    }
    let change = clock.reanchor(Anchor::AwareOfBreach, at)?;
    Some(Event::ClockChanged { kind: ClockKind::IcoReport, change, at: now })
}

/// *Likely to give rise to* becomes a breach: the ICO clock starts, partners owed only now are opened, the others are
/// updated. Their clocks keep the earlier anchor.
pub(super) fn convert(
    incident: &Incident,
    aware_at: Moment,
    owed: &[Owed],
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    must_be_open(incident)?;
    match incident.kind {
        IncidentKind::Breach => return Err(Refusal::AlreadyBreach),
        IncidentKind::LikelyToGiveRise | IncidentKind::UnderInvestigation => {}
    }
    must_be_plausible(aware_at, incident.facts.as_ref(), now)?;
    must_be_recent(aware_at, now)?;
    let aware_at = aware_at.floor_second();
    let added: Vec<Owed> =
        owed.iter().filter(|new| incident.owed.iter().all(|old| old.partner != new.partner)).cloned().collect();
    let before = incident.owed.len();
    let until = before.saturating_add(added.len());
    let mut events = vec![Event::BecameBreach { aware_at, owed: added, at: now, by: by.clone() }];
    match incident.ico {
        Some(_) => events.extend(reanchor_ico(incident, aware_at, now)),
        None => events.extend(own_ico_clock(incident.rules, aware_at).map(|clock| Event::ClockStarted { clock })),
    }
    events.extend(update_partners(incident, None, by, now));
    let queue = incident.stage == Stage::Active;
    events.extend(fan_out::start(FanOutWork::Open { queue }, before, until, by, now));
    Ok(events)
}

impl Awareness {
    /// One of the two instants.
    #[must_use]
    pub const fn get(&self, of: AwarenessOf) -> Option<Moment> {
        match of {
            AwarenessOf::Circumstances => self.circumstances,
            AwarenessOf::Breach => self.breach,
        }
    }

    /// With one of the two instants set.
    #[must_use]
    pub const fn with(mut self, of: AwarenessOf, at: Moment) -> Self {
        match of {
            AwarenessOf::Circumstances => self.circumstances = Some(at),
            AwarenessOf::Breach => self.breach = Some(at),
        }
        self
    }
}
