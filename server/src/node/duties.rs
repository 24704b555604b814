//! What a person records about a duty of an incident for which the law names no time.

use domain::incident::{self, Rules, duties};
use domain::undated::UndatedDuty;
use domain::values::{Actor, IncidentId, LongText, Moment};

use super::{DoorError, Node};
use crate::access::{Dpo, Reporter};

impl Node {
    /// What our settings say, for an incident that is logged now.
    pub(super) const fn rules(&self) -> Rules {
        Rules { law: self.duties.law, processor_only: false, targets: self.duties.targets }
    }

    /// We aim at an instant for a duty of an incident for which the law names no time.
    ///
    /// # Errors
    /// [`DoorError::Refused`] when nothing of the kind is owed, or the instant lies behind us.
    pub async fn set_duty_target(
        &self,
        by: &Reporter,
        id: IncidentId,
        duty: UndatedDuty,
        due: Moment,
    ) -> Result<(), DoorError> {
        self.on_duties(id, duties::Command::SetTarget { duty, due }, by.actor()).await
    }

    /// Such a duty was done.
    ///
    /// # Errors
    /// [`DoorError::Refused`] when nothing of the kind is owed, or the instant is not acceptable.
    pub async fn record_duty_done(
        &self,
        by: &Reporter,
        id: IncidentId,
        duty: UndatedDuty,
        at: Moment,
    ) -> Result<(), DoorError> {
        self.on_duties(id, duties::Command::RecordDone { duty, at }, by.actor()).await
    }

    /// Such a duty is not owed after all, for a reason.
    ///
    /// # Errors
    /// [`DoorError::Refused`] when nothing of the kind is owed.
    pub async fn duty_not_required(
        &self,
        by: &Dpo,
        id: IncidentId,
        duty: UndatedDuty,
        reason: LongText,
    ) -> Result<(), DoorError> {
        self.on_duties(id, duties::Command::NotRequired { duty, reason }, by.actor()).await
    }

    async fn on_duties(&self, id: IncidentId, command: duties::Command, by: &Actor) -> Result<(), DoorError> {
        self.on_incident(id, incident::Command::Duties { command, by: by.clone() }).await
    }
}
