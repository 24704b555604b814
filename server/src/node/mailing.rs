//! Mail as the rest of the node sees it: whether there is any, how it last went, and handing one over.

use domain::values::Actor;

use super::{DoorError, Node, letters};
use crate::access::Administrator;
use crate::mail::{Outgoing, message_id};
use crate::store::people;

pub use crate::mail::{LastSeen, Outcome};

/// How mail leaves, for the page of administration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailState {
    /// The server's name or address.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the way there is secured, in words.
    pub security: &'static str,
    /// The address that mails come from.
    pub from: String,
    /// What was last seen of the server, since this start.
    pub last: LastSeen,
}

impl Node {
    /// How mail leaves; `None` when no mail server is named.
    #[must_use]
    pub fn mail_state(&self) -> Option<MailState> {
        let mailer = self.mail.as_ref()?;
        let (server, port, security) = mailer.server();
        Some(MailState {
            server: server.to_owned(),
            port,
            security: security.label(),
            from: mailer.from().to_owned(),
            last: mailer.last_seen(),
        })
    }

    /// Sends a mail to the administrator who asks, and waits for the server's answer.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] without a mail server; [`DoorError::NotFound`] for somebody without an account.
    pub async fn send_test_mail(&self, by: &Administrator) -> Result<Outcome, DoorError> {
        let Actor::Person { id, .. } = by.actor().clone() else { return Err(DoorError::NotFound) };
        let person = self.store.read(move |rows| people::by_id(rows, id)).await?.ok_or(DoorError::NotFound)?;
        let us = self.organisation().name.clone();
        let (subject, text) = letters::test(&us, &person.name);
        let mail = Outgoing {
            to: person.email,
            from_name: us.to_string(),
            subject,
            text,
            message_id: message_id(self.time.fresh_id(), &self.issuer),
            at: self.time.now(),
        };
        self.post_mail(&mail).await.ok_or(DoorError::Invalid("no mail server is named in the settings"))
    }

    /// Hands a mail to the server; `None` when none is named.
    pub(super) async fn post_mail(&self, mail: &Outgoing) -> Option<Outcome> {
        match &self.mail {
            Some(mailer) => Some(mailer.send(mail).await),
            None => None,
        }
    }
}
