//! How a message of ours travels to a partner, in words. Only a node signs for what it holds and writes back: of a webhook, a
//! mail or nothing at all no more is promised than there is.

use domain::values::PartnerId;

use crate::problem::Problem;
use crate::store::queries::board::{self, HeldUp};
use crate::web::page::Visit;

/// The way to a partner.
pub(super) struct Way {
    channel: String,
    held_up: Option<HeldUp>,
}

impl Way {
    /// The way to this partner as it is now.
    ///
    /// # Errors
    /// [`Problem::NotFound`]
    pub(super) async fn to(visit: &Visit, partner: PartnerId) -> Result<Self, Problem> {
        let found = visit.node.store().read(move |rows| board::way_to(rows, partner)).await?;
        let (channel, held_up) = found.ok_or(Problem::NotFound)?;
        Ok(Self { channel, held_up })
    }

    /// What will become of a message, before it is written.
    pub(super) fn promise(&self, name: &str) -> String {
        if let Some(waits) = self.waits(name) {
            return format!("It is kept on record here. {waits} Ring them if it cannot wait.");
        }
        let answer = "They cannot write back that way, so say in it how they reach you.";
        match self.channel.as_str() {
            "webhook" => format!(
                "It goes to {name} by webhook with your name and role, or with a link to them. It stays on record here; \
                 what their ticket system keeps is up to them. {answer}"
            ),
            "mail" => format!(
                "{name} gets an e-mail with a link to it; your name and role stand there. It stays on record here, and \
                 they can read it while the link is good. {answer}"
            ),
            _ => format!(
                "It goes to {name} signed, with your name and role, and stays on record on both sides once their node has \
                 signed for it."
            ),
        }
    }

    /// What becomes of a message just written.
    pub(super) fn sent(&self, name: &str) -> String {
        if let Some(waits) = self.waits(name) {
            return format!("Your message is kept, and is not on its way. {waits}");
        }
        match self.channel.as_str() {
            "webhook" => "Your message is on its way, by webhook.".to_owned(),
            "mail" => "Your message is on its way, as a link by e-mail.".to_owned(),
            _ => "Your message is on its way, signed.".to_owned(),
        }
    }

    /// Why nothing goes to them now, and what would change that.
    fn waits(&self, name: &str) -> Option<String> {
        self.held_up.map(|why| match why {
            HeldUp::NoWay => format!(
                "It cannot reach {name} yet: you are not paired with their node, and have neither webhook nor e-mail \
                 address of theirs. It is sent once there is a way."
            ),
            HeldUp::Suspended => {
                format!("It does not reach {name} now: the pairing with them is suspended or has ended.")
            }
            HeldUp::Paused => format!("It waits: an administrator has paused the way to {name}."),
            HeldUp::Stopped | HeldUp::Parked => {
                format!("It waits: sending to {name} is stopped until a person has looked.")
            }
        })
    }
}
