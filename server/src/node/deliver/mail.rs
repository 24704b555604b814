//! Carrying word of a notice to a partner by e-mail (protocol §16): that there is one, from whom, and where it can be read.
//! The mail holds no facts, because nobody knows who reads it on its way. Each attempt has a link of its own, and every
//! attempt of one message the same `Message-ID`.

use domain::delivery::Heard;
use domain::values::{Actor, Moment};
use serde_json::json;

use super::Node;
use super::carry::Attempt;
use super::seal::Ready;
use crate::mail::{Outcome, Outgoing, message_id};
use crate::node::letters;
use crate::node::loops::Causes;
use crate::store::StoreError;
use crate::store::endpoints::{self, EndpointKind};

impl Node {
    /// One attempt to hand a mail over.
    pub(super) async fn carry_mail(&self, ready: &Ready) -> Attempt {
        if self.mail.is_none() {
            // No link is made that nobody will get.
            return Attempt::without_answer(Heard::NotReached, 0);
        }
        let began = self.time.elapsed();
        let sent = match self.letter(ready).await {
            Ok(Some(letter)) => self.post_mail(&letter).await.map(|outcome| (letter, outcome)),
            Ok(None) => None,
            Err(error) => {
                tracing::error!(message = %ready.claimed.message, error = %Causes(&error), "a mail could not be written");
                None
            }
        };
        let took = self.time.elapsed().micros().saturating_sub(began.micros()) / 1_000;
        let mut attempt = Attempt::without_answer(Heard::NotReached, u32::try_from(took).unwrap_or_default());
        if let Some((letter, outcome)) = sent {
            attempt.heard = outcome.heard();
            attempt.status = outcome.code();
            attempt.note = (outcome == Outcome::Accepted).then(|| {
                json!({
                    "action": "mail_sent",
                    "by": Actor::Node,
                    "at": letter.at,
                    "about": {
                        "partner": ready.partner.id,
                        "exchange": ready.claimed.exchange,
                        "message": ready.claimed.message,
                        "to": letter.to,
                        "message_id": letter.message_id,
                    },
                })
            });
        }
        attempt
    }

    /// The mail of a message, with a fresh link; `None` when the partner is not told by mail any more.
    async fn letter(&self, ready: &Ready) -> Result<Option<Outgoing>, StoreError> {
        let (partner, message) = (ready.partner.id, ready.claimed.message);
        let Some(exchange) = &ready.exchange else { return Ok(None) };
        let endpoint = self.store.read(move |rows| endpoints::of_partner(rows, partner, EndpointKind::Mail)).await?;
        let Some(endpoint) = endpoint else { return Ok(None) };
        let link = self.fresh_ack_link(message, exchange.id, partner).await?;
        let now: Moment = self.time.now();
        let (subject, text) = letters::to_partner(&letters::ToPartner {
            us: &self.organisation(),
            partner: &ready.partner.name,
            kind: ready.claimed.kind,
            exercise: exchange.exercise,
            answer_hours: exchange.terms.as_ref().map(|terms| terms.acknowledgement_hours),
            link: &link,
            good_until: now.plus_seconds(crate::node::link::GOOD_SECONDS),
            zone: self.zone,
        });
        Ok(Some(Outgoing {
            to: endpoint.details.address,
            from_name: self.organisation().name.to_string(),
            subject,
            text,
            message_id: message_id(message.uuid(), &self.issuer),
            at: now,
        }))
    }
}
