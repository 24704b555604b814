//! What is learnt from incidents: the root cause, corrective actions, and whether they worked.

use chrono::NaiveDate;
use domain::incident;
use domain::incident::lessons::{self, Owner, Plan, Review, RootCause, Seen};
use domain::values::{Actor, IncidentId, Line, LongText, Moment, PersonId};

use super::{DoorError, Node};
use crate::access::DutyHolder;
use crate::store::forms::SentForm;
use crate::store::people;

/// What a one-use form for adding an action is made for.
pub const ACTION_FORM: &str = "corrective action";

/// Who is to see to an action, as a person says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewOwner {
    /// Somebody with an account here.
    Account(PersonId),
    /// Anybody else, by role.
    Role(Line),
}

/// An action to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPlan {
    /// What is to be done.
    pub what: LongText,
    /// By whom.
    pub owner: NewOwner,
    /// By the end of which day.
    pub due_on: NaiveDate,
}

/// What is done about an action that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Change what is to be done, by whom or by when.
    Change(NewPlan),
    /// It was done: on which day, and by what one can see that.
    Done(NaiveDate, LongText),
    /// It will not be done, and why.
    Drop(LongText),
    /// It is to be done after all, and why.
    Reopen(LongText),
    /// Somebody looked at what it led to.
    Review(Review),
}

impl Node {
    /// The day at the organisation.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.day_of(self.now())
    }

    /// The day of an instant at the organisation.
    #[must_use]
    pub fn day_of(&self, at: Moment) -> NaiveDate {
        at.to_chrono().with_timezone(&self.zone()).date_naive()
    }

    /// Records why an incident happened.
    ///
    /// # Errors
    /// [`DoorError::Refused`] with the version that stands when somebody else recorded one meanwhile.
    pub async fn find_cause(
        &self,
        by: &DutyHolder,
        id: IncidentId,
        base: u32,
        cause: RootCause,
    ) -> Result<(), DoorError> {
        let command = lessons::Command::FindCause { base, cause };
        self.on_incident(id, incident::Command::Lessons { command, by: by.actor().clone() }).await
    }

    /// Adds a corrective action. The same form again changes nothing; a program has its idempotency key.
    ///
    /// # Errors
    /// [`DoorError::Refused`], [`DoorError::FormUnknown`]; [`DoorError::Invalid`] for an owner without an account.
    pub async fn add_action(
        &self,
        by: &DutyHolder,
        id: IncidentId,
        form: Option<SentForm>,
        plan: NewPlan,
    ) -> Result<(), DoorError> {
        let by: Actor = by.actor().clone();
        let command = lessons::Command::Add { plan: self.planned(plan).await?, today: self.today() };
        self.once(id, form, ACTION_FORM, incident::Command::Lessons { command, by }).await
    }

    /// Does something about an action.
    ///
    /// # Errors
    /// [`DoorError::Refused`], also when somebody else changed it meanwhile.
    pub async fn step_action(
        &self,
        by: &DutyHolder,
        id: IncidentId,
        action: Seen,
        step: Step,
    ) -> Result<(), DoorError> {
        let today = self.today();
        let command = match step {
            Step::Change(plan) => lessons::Command::Change { action, plan: self.planned(plan).await?, today },
            Step::Done(on, evidence) => lessons::Command::Done { action, on, evidence, today },
            Step::Drop(reason) => lessons::Command::Drop { action, reason },
            Step::Reopen(reason) => lessons::Command::Reopen { action, reason },
            Step::Review(review) => lessons::Command::Review { action, review, today },
        };
        self.on_incident(id, incident::Command::Lessons { command, by: by.actor().clone() }).await
    }

    /// The plan with the owner's name as it stands. An account that was disabled meanwhile can't be given anything.
    async fn planned(&self, plan: NewPlan) -> Result<Plan, DoorError> {
        let NewPlan { what, owner, due_on } = plan;
        let owner = match owner {
            NewOwner::Role(words) => Owner::Role { words },
            NewOwner::Account(id) => {
                let found = self.store.read(move |rows| people::by_id(rows, id)).await?;
                let person = found
                    .filter(|person| !person.disabled)
                    .ok_or(DoorError::Invalid("nobody with such an account can sign in here"))?;
                Owner::Account { id, name: person.name }
            }
        };
        Ok(Plan { what, owner, due_on })
    }
}
