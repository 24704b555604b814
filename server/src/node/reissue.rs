//! Door 1a, the last part: what a person asks about messages that don't get through. Tried now, for one partner or for all
//! that an incident still tells; or said again under a new id and number (protocol §9).

use domain::exchange;
use domain::values::{ExchangeId, IncidentId, LongText, MessageId, PartnerId};

use super::{DoorError, Node};
use crate::access::Responder;
use crate::store::alerts::{self, AlertKind};
use crate::store::outbox::reissue as again;
use crate::store::queries::board::{self, State};
use crate::store::{Change, StoreError};

/// Partners hurried in one transaction (ruling 22: nobody else waits longer than 100 ms).
const HURRIED_MAX: i64 = 250;

impl Node {
    /// Tries what is being carried to the partner of an exchange at once: its back-off is over.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn try_now(&self, _by: &Responder, id: ExchangeId) -> Result<(), DoorError> {
        let listed = self.store.read(move |rows| board::one(rows, id)).await?.ok_or(DoorError::NotFound)?;
        self.hurry(vec![listed.partner]).await?;
        self.changed();
        Ok(())
    }

    /// Tries at once whatever is being carried to the partners of an incident, to those in one state or to all. Says to how
    /// many.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn try_all_now(&self, _by: &Responder, id: IncidentId, state: Option<State>) -> Result<usize, DoorError> {
        let (mut hurried, mut after) = (0, None);
        loop {
            let found: Vec<PartnerId> =
                self.store.read(move |rows| board::with_work(rows, id, state, after, HURRIED_MAX)).await?;
            let Some(last) = found.last() else { break };
            after = Some(*last);
            hurried += found.len();
            self.hurry(found).await?;
            self.outgoing.notify_one();
        }
        self.changed();
        Ok(hurried)
    }

    async fn hurry(&self, partners: Vec<PartnerId>) -> Result<(), StoreError> {
        self.store.write(self.time.now(), move |turn| again::try_now(turn, &partners)).await
    }

    /// Says a parked message again, under a new id and with the lane's next number: the same revision, the same content.
    /// The carrying of the old one ends with the reason. Answers the new message.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] when the exchange has no such parked message; [`DoorError::ExchangeRefused`] when a newer
    /// one says more already.
    pub async fn reissue(
        &self,
        by: &Responder,
        id: ExchangeId,
        message: MessageId,
        reason: LongText,
    ) -> Result<MessageId, DoorError> {
        let (keys, by) = (self.keys(), by.actor().clone());
        let new = self
            .store
            .write(self.time.now(), move |turn| {
                let parked = again::parked(turn.rows(), message)?.filter(|parked| parked.exchange == id);
                let parked = parked.ok_or(DoorError::NotFound)?;
                let queued: exchange::Event = serde_json::from_slice(&parked.body)
                    .map_err(|_| StoreError::Corrupt { table: "outbox", what: "a body that is no event" })?;
                let before = turn.exchange(id)?.ok_or(DoorError::NotFound)?;
                let (events, new) = exchange::reissue(&before, &queued, &reason, &by, turn.now())?;
                let checkpoint = keys.checkpoint(turn)?;
                turn.set_fan_out_checkpoint(checkpoint);
                turn.record(vec![Change::Exchange { id, before: Some(before), events }])?;
                again::says_again(turn, new, message)?;
                alerts::clear(turn, AlertKind::Parked, Some(parked.partner), Some(message))?;
                Ok::<_, DoorError>(new)
            })
            .await?;
        self.changed();
        Ok(new)
    }
}
