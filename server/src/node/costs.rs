//! What incidents cost: amounts recorded, corrected, struck out.

use domain::incident;
use domain::incident::costs::{self, Cost, Seen};
use domain::values::{IncidentId, LongText};

use super::{DoorError, Node};
use crate::access::DutyHolder;
use crate::store::forms::SentForm;

/// What a one-use form for recording a cost is made for.
pub const COST_FORM: &str = "cost";

/// What is done about a cost that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is this now, and why.
    Correct(Cost, LongText),
    /// It should not be there, and why.
    Strike(LongText),
}

impl Node {
    /// Records what something cost. The same form again changes nothing; a program has its idempotency key.
    ///
    /// # Errors
    /// [`DoorError::Refused`], [`DoorError::FormUnknown`], [`DoorError::FormSaidOtherwise`].
    pub async fn record_cost(
        &self,
        by: &DutyHolder,
        id: IncidentId,
        form: Option<SentForm>,
        cost: Cost,
    ) -> Result<(), DoorError> {
        let command = costs::Command::Record { cost, today: self.today() };
        self.once(id, form, COST_FORM, incident::Command::Costs { command, by: by.actor().clone() }).await
    }

    /// Corrects a cost, or strikes it out.
    ///
    /// # Errors
    /// [`DoorError::Refused`], also when somebody else corrected it meanwhile.
    pub async fn step_cost(&self, by: &DutyHolder, id: IncidentId, seen: Seen, step: Step) -> Result<(), DoorError> {
        let command = match step {
            Step::Correct(cost, reason) => costs::Command::Correct { seen, cost, reason, today: self.today() },
            Step::Strike(reason) => costs::Command::Strike { seen, reason },
        };
        self.on_incident(id, incident::Command::Costs { command, by: by.actor().clone() }).await
    }
}
