//! Exercises across organisations: an incident that is a drill, told to partners that a person chose, over the same gates
//! and the same wire; who tried to reach whom out of hours; and the reminder that one is due.
//!
//! An exercise of this kind says *circumstances likely to give rise to a breach*: partners are told and acknowledge, and
//! nobody's ICO clock starts. A drill of a whole breach is logged like any incident, marked as an exercise.

mod scenario;

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::arrangement::{OurRole, Owed, Terms, Trigger, owed_to};
use domain::clock_terms::{Duty, usual as usual_length};
use domain::facts::IncidentKind;
use domain::incident::{self, Awareness, WithdrawalReason};
use domain::values::{Actor, ExchangeId, IncidentId, LongText, Moment, Options, PartnerId};
use serde_json::json;

use super::keys::{self, OnlineKeys};
use super::views::LogAnswer;
use super::{DoorError, Node, SentForm, execute, reference};
use crate::access::Exerciser;
use crate::store::alerts::{self, AlertKind};
use crate::store::queries::exercises::{self, CONTACT_TRIED, ContactTried, PARTNERS_MAX, TRIES_MAX};
use crate::store::{EntryKind, StoreError, Turn, directory};

pub use self::scenario::Scenario;

/// What a one-use form for starting an exercise is made for.
pub const EXERCISE_FORM: &str = "exercise";
/// A node is not reminded before it is so old …
const GRACE_SECONDS: i64 = 30 * 86_400;
/// … and again so long after the last exercise.
const YEAR_SECONDS: i64 = 365 * 86_400;

/// With whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// Every partner who can be reached.
    All,
    /// These.
    These(BTreeSet<PartnerId>),
}

/// All that starting an exercise needs.
#[derive(Debug, Clone)]
pub struct ExerciseRequest {
    /// The one-use form that asks; `None` where something else sees to it that it is asked once.
    pub form: Option<SentForm>,
    /// What is supposed to have happened.
    pub scenario: Scenario,
    /// In the organiser's own words, for the partners.
    pub note: Option<LongText>,
    /// With whom.
    pub partners: Chosen,
}

impl Node {
    /// Starts an exercise with partners. The same form again gives the first answer and changes nothing.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] when nobody was chosen, or somebody who can't be reached; [`DoorError::FormUnknown`].
    pub async fn start_exercise(&self, by: &Exerciser, request: ExerciseRequest) -> Result<LogAnswer, DoorError> {
        let facts = request.scenario.facts(self.time.now(), request.note.as_ref())?;
        self.must_fit(&facts)?;
        let (keys, by) = (self.keys(), by.actor().clone());
        let time = Arc::clone(&self.time);
        let rules = self.rules();
        let answer = self
            .store
            .write(self.time.now(), move |turn| {
                let fresh = || time.fresh_id();
                start(turn, &keys, &fresh, &request, (facts, rules), by)
            })
            .await?;
        self.changed();
        Ok(answer)
    }

    /// Records that somebody tried to reach a contact of a partner in an exercise: it ends no clock.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] when it is no exercise or the partner takes no part; [`DoorError::Invalid`] for an instant
    /// outside it, or beyond [`TRIES_MAX`].
    pub async fn record_contact_tried(
        &self,
        by: &Exerciser,
        id: IncidentId,
        tried: ContactTried,
    ) -> Result<(), DoorError> {
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                let state = turn.incident(id)?.filter(|state| state.exercise).ok_or(DoorError::NotFound)?;
                if !state.owed.iter().any(|owed| owed.exchange == tried.exchange) {
                    return Err(DoorError::NotFound);
                }
                check_instant(turn, id, tried.tried_at)?;
                if exercises::contact_tries(turn.rows(), id)?.len() >= TRIES_MAX {
                    return Err(DoorError::Invalid("this exercise has as many records as it can hold"));
                }
                let record = json!({ "action": CONTACT_TRIED, "by": by, "at": turn.now(), "about": tried });
                // Filed under the incident, so that it is erased with it.
                turn.append(EntryKind::OperatorAction, None, Some(id.uuid()), record.to_string().as_bytes())?;
                Ok(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Ends an exercise: every partner is told that it has ended, and clocks that still run end as not required.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] when it is none; [`DoorError::Refused`] when it has ended.
    pub async fn end_exercise(&self, by: &Exerciser, id: IncidentId) -> Result<(), DoorError> {
        let (keys, by) = (self.keys(), by.actor().clone());
        let note = LongText::parse("The exercise has ended.").ok();
        self.store
            .write(self.time.now(), move |turn| {
                let before = turn.incident(id)?.filter(|state| state.exercise).ok_or(DoorError::NotFound)?;
                let reason = WithdrawalReason::NotABreach;
                execute::decide(turn, &keys, id, Some(before), incident::Command::Withdraw { reason, note, by })
            })
            .await?;
        self.changed();
        Ok(())
    }
}

/// Not in the future, and not before the exercise began.
fn check_instant(turn: &mut Turn<'_>, id: IncidentId, at: Moment) -> Result<(), DoorError> {
    use crate::store::queries::incidents;
    let began = incidents::one(turn.rows(), id)?.ok_or(DoorError::NotFound)?.logged_at;
    if at > turn.now() {
        return Err(DoorError::Invalid("the time cannot be in the future"));
    }
    // People type minutes.
    if at < began.floor_minute() {
        return Err(DoorError::Invalid("the time cannot be before the exercise began"));
    }
    Ok(())
}

fn start(
    turn: &mut Turn<'_>,
    keys: &OnlineKeys,
    fresh: &dyn Fn() -> uuid::Uuid,
    request: &ExerciseRequest,
    (facts, rules): (domain::facts::Facts, incident::Rules),
    by: Actor,
) -> Result<LogAnswer, DoorError> {
    if let Some(form) = &request.form
        && let Some(first) = execute::logged_before(turn, form, &by, EXERCISE_FORM)?
    {
        return Ok(first);
    }
    let services = directory::services(turn.rows())?.into_iter().map(|service| service.id).collect();
    let owed = owed(turn, &request.partners, &services, fresh)?;
    let id = IncidentId::from_uuid(fresh());
    let reference = reference::next(turn)?;
    let command = incident::Command::Log(Box::new(incident::Log {
        id,
        reference: reference.clone(),
        kind: IncidentKind::LikelyToGiveRise,
        exercise: true,
        facts,
        awareness: Awareness { circumstances: Some(turn.now().floor_second()), breach: None },
        old_reason: None,
        services,
        owed,
        hold: false,
        opened_from: None,
        rules,
        plans: domain::ladder::Plans::default(),
        by,
    }));
    execute::decide(turn, keys, id, None, command)?;
    alerts::clear(turn, AlertKind::ExerciseDue, None, None)?;
    match request.form {
        Some(form) => execute::keep_logged(turn, form.id, id, reference),
        None => Ok(LogAnswer { id, reference, repeated: false }),
    }
}

/// Those chosen, under the terms that their arrangements would give them; without any, under the usual hours.
fn owed(
    turn: &mut Turn<'_>,
    chosen: &Chosen,
    services: &Options<domain::values::ServiceId>,
    fresh: &dyn Fn() -> uuid::Uuid,
) -> Result<Vec<Owed>, DoorError> {
    let reachable: BTreeSet<PartnerId> =
        exercises::reachable(turn.rows())?.into_iter().map(|reachable| reachable.partner).collect();
    let with = match chosen {
        Chosen::All => reachable,
        Chosen::These(these) if these.is_subset(&reachable) => these.clone(),
        Chosen::These(_) => return Err(DoorError::Invalid("choose partners who can be reached")),
    };
    if with.is_empty() {
        return Err(DoorError::Invalid("choose at least one partner who can be reached"));
    }
    if with.len() > PARTNERS_MAX {
        return Err(DoorError::Invalid("choose fewer partners"));
    }
    let mut terms = owed_to(&directory::arrangements(turn.rows())?, services, IncidentKind::Breach);
    let usual = || Terms {
        notice_hours: Some(usual_length(Duty::PartnerNotice)),
        acknowledgement_hours: usual_length(Duty::PartnerAcknowledgement),
        our_role: OurRole::JointController,
        trigger: Trigger::BreachOrCircumstances,
        arrangements: Vec::new(),
    };
    with.into_iter()
        .map(|partner| {
            Ok(Owed {
                partner,
                // Everybody takes part, also those whose terms are about breaches only.
                terms: Terms {
                    trigger: Trigger::BreachOrCircumstances,
                    ..terms.remove(&partner).unwrap_or_else(usual)
                },
                exchange: ExchangeId::from_uuid(fresh()),
                case: keys::random_case()?,
                reference: keys::random_reference()?,
            })
        })
        .collect()
}

/// Raises the yearly reminder when partners can be reached and no exercise was run with any for a year; ends it when one
/// was. A node in its first month is left alone.
pub(super) fn mind_exercises(turn: &mut Turn<'_>) -> Result<(), StoreError> {
    let now = turn.now();
    let rows = turn.rows();
    let due = match (exercises::last(rows)?, exercises::began(rows)?) {
        (Some(last), _) => now.seconds_since(last) > YEAR_SECONDS,
        (None, Some(began)) => now.seconds_since(began) > GRACE_SECONDS,
        (None, None) => false,
    };
    if due && !exercises::reachable(rows)?.is_empty() {
        return alerts::raise(turn, AlertKind::ExerciseDue, None, None, None, None);
    }
    alerts::clear(turn, AlertKind::ExerciseDue, None, None)?;
    Ok(())
}
