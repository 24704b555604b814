//! Door 1a, the other half: what a person asks of one exchange with one partner.

use domain::exchange::{self, Call, Stance};
use domain::values::{Actor, ExchangeId, Line, LongText, MessageId, Role};

use super::{DoorError, Node};
use crate::access::Responder;
use crate::store::outbox;

impl Node {
    /// Records a call or meeting: it ends the partner-notice clock; the carrying goes on.
    ///
    /// # Errors
    /// [`DoorError::ExchangeRefused`].
    pub async fn record_call(&self, by: &Responder, id: ExchangeId, call: Call) -> Result<(), DoorError> {
        self.on_exchange(id, exchange::Command::RecordCall { call, by: by.actor().clone() }).await
    }

    /// Says to the partner that a named person here has read their notice, and where we stand.
    ///
    /// # Errors
    /// [`DoorError::ExchangeRefused`].
    pub async fn acknowledge(
        &self,
        by: &Responder,
        id: ExchangeId,
        stance: Stance,
        reference: Option<Line>,
    ) -> Result<(), DoorError> {
        self.say_read(by, id, (stance, reference, false)).await
    }

    /// Says so, and that the content was deleted here, as they asked when they withdrew a notice meant for another.
    ///
    /// # Errors
    /// [`DoorError::ExchangeRefused`], also when they asked for nothing of the kind.
    pub async fn acknowledge_deleted(
        &self,
        by: &Responder,
        id: ExchangeId,
        stance: Stance,
        reference: Option<Line>,
    ) -> Result<(), DoorError> {
        self.say_read(by, id, (stance, reference, true)).await
    }

    async fn say_read(
        &self,
        by: &Responder,
        id: ExchangeId,
        (stance, reference, deleted): (Stance, Option<Line>, bool),
    ) -> Result<(), DoorError> {
        let by = by.actor().clone();
        let role = role_on_the_wire(&by)?;
        self.on_exchange(id, exchange::Command::Acknowledge { stance, reference, by, role, deleted }).await
    }

    /// Ends the carrying of a message, with a reason.
    ///
    /// # Errors
    /// [`DoorError::ExchangeRefused`] when it is not under way.
    pub async fn abandon(
        &self,
        by: &Responder,
        id: ExchangeId,
        message: MessageId,
        reason: LongText,
    ) -> Result<(), DoorError> {
        self.on_exchange(id, exchange::Command::Abandon { message, reason, by: by.actor().clone() }).await
    }

    /// Tries a parked message again.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn retry_parked(&self, _by: &Responder, message: MessageId) -> Result<(), DoorError> {
        self.store
            .write(self.time.now(), move |turn| {
                outbox::retry_parked(turn, message)?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }
}

/// The role as the partner reads it (protocol §6).
pub(super) fn role_on_the_wire(by: &Actor) -> Result<Line, DoorError> {
    let word = match by {
        Actor::Person { role: Role::Dpo, .. } => "data_protection_officer",
        Actor::Person { role, .. } => role.word(),
        Actor::Console | Actor::Node | Actor::Partner { .. } => return Err(DoorError::NotFound),
    };
    Line::parse(word).map_err(|_| DoorError::NotFound)
}
