//! Messages about a case, said and read; filings told.

use domain::exchange::{self, MessageKind, Say};
use domain::incident;
use domain::values::{ExchangeId, IncidentId, LongText, MessageId, Moment};

use super::answer::role_on_the_wire;
use super::execute::{decide_known, used};
use super::{DoorError, Node};
use crate::access::{Dpo, DutyHolder, Responder};
use crate::store::forms::SentForm;

/// What a one-use form for a message is made for.
pub const MESSAGE_FORM: &str = "message";

/// A message of ours to be.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// The page's one-use form, so that a button pressed twice says it once. A program has its idempotency key.
    pub form: Option<SentForm>,
    /// What it is.
    pub kind: MessageKind,
    /// In words.
    pub text: LongText,
    /// The message that it answers or belongs to.
    pub re: Option<MessageId>,
    /// By when an answer is asked for.
    pub due: Option<Moment>,
    /// When what is passed on came in.
    pub received_at: Option<Moment>,
}

impl Node {
    /// Says something about a case to the partner. The same form again changes nothing.
    ///
    /// # Errors
    /// [`DoorError::ExchangeRefused`], [`DoorError::FormUnknown`], [`DoorError::NotFound`].
    pub async fn say(&self, by: &Responder, id: ExchangeId, new: NewMessage) -> Result<(), DoorError> {
        let by = by.actor().clone();
        let role = role_on_the_wire(&by)?;
        let person = by.person().ok_or(DoorError::FormUnknown)?;
        let NewMessage { form, kind, text, re, due, received_at } = new;
        let command = exchange::Command::Say(Box::new(Say { kind, text, re, due, received_at, by, role }));
        let keys = self.keys();
        self.store
            .write(self.time.now(), move |turn| {
                if let Some(form) = form
                    && used(turn, &form, person, MESSAGE_FORM)?
                {
                    return Ok(());
                }
                decide_known(turn, &keys, id, &command)
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// A named person here has read what the partner said.
    ///
    /// # Errors
    /// [`DoorError::ExchangeRefused`] when there is no such message of theirs, or it was read before.
    pub async fn read_message(&self, by: &DutyHolder, id: ExchangeId, message: MessageId) -> Result<(), DoorError> {
        self.on_exchange(id, exchange::Command::ReadMessage { message, by: by.actor().clone() }).await
    }

    /// Tells every partner who knows of the case that we reported it to the ICO.
    ///
    /// # Errors
    /// [`DoorError::Refused`] before a submission is recorded, and when they were told.
    pub async fn tell_filed(&self, by: &Dpo, id: IncidentId) -> Result<(), DoorError> {
        self.on_incident(id, incident::Command::TellFiled { by: by.actor().clone() }).await
    }
}
