//! A person at a partner without an account: reads a notice through a link, and acknowledges it (protocol §16).
//!
//! Opening a link changes nothing, because programs that look for bad links open every one. Acknowledging is recorded, not
//! signed: it says who they say they are. What is shown is always what stands now; an acknowledgement names the version
//! that was on the page, and is refused when a newer one came meanwhile.

use domain::clock::Clock;
use domain::exchange::{self, Acknowledgement, Event, Exchange, Filing, Said, Stance};
use domain::facts::{Contact, Facts};
use domain::incident::WithdrawalReason;
use domain::values::{ExchangeId, Line, MessageId, Moment, PartnerId};
use serde_json::Value;

use super::received::{FactGroup, told};
use super::wire_body::{self, About, Place};
use super::{DoorError, Node};
use crate::access::sessions::{fresh_secret, token_digest};
use crate::store::ack_links::{self, AckLink};
use crate::store::partners::{self, Partner, PartnerState};
use crate::store::{Change, Rows, StoreError, queries};

pub use crate::store::ack_links::GOOD_SECONDS;

/// What a link shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Linked {
    /// Who tells: our name.
    pub sender: Line,
    /// Who is told.
    pub partner: Line,
    /// Our reference.
    pub reference: Line,
    /// A drill.
    pub exercise: bool,
    /// The version that stands.
    pub revision: u32,
    /// A newer version than the one that the link came with.
    pub newer: bool,
    /// What is told; empty once it no longer stands.
    pub notice: Option<Notice>,
    /// Why it no longer stands, and in words.
    pub withdrawn: Option<(&'static str, Option<String>)>,
    /// The message that the link came with, when it came with one.
    pub said: Option<Said>,
    /// The report to a regulator that the link came with, when it came with one.
    pub filing: Option<Filing>,
    /// Our duty to tell them.
    pub clock: Option<Clock>,
    /// What was said through links, in order.
    pub acknowledgements: Vec<Acknowledgement>,
    /// Whether this link can still be used to acknowledge.
    pub open: bool,
    /// Whom to ask at ours.
    pub contact: Contact,
    /// Until when the link is good (machine time).
    pub expires_at: Moment,
}

/// What a notice tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The heading.
    pub title: String,
    /// Facts, group by group.
    pub groups: Vec<FactGroup>,
    /// What is still to follow.
    pub missing: Vec<String>,
}

/// What a person says on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkAnswer {
    /// Their name.
    pub name: Line,
    /// Their role.
    pub role: Line,
    /// Where they stand.
    pub stance: Stance,
    /// Their own reference.
    pub reference: Option<Line>,
    /// The version that was on the page.
    pub revision: u32,
}

/// As the store has it.
struct Found {
    link: AckLink,
    partner: Partner,
    exchange: Exchange,
    queued: Vec<(MessageId, Event)>,
    facts: Option<Facts>,
}

impl Node {
    /// Makes a link for a message and answers its address: the only place where its secret ever is. The rest is a digest.
    pub(super) async fn fresh_ack_link(
        &self,
        message: MessageId,
        exchange: ExchangeId,
        partner: PartnerId,
    ) -> Result<String, StoreError> {
        let (_, secret) = fresh_secret()?;
        let digest = token_digest(&secret).ok_or(StoreError::Encryption { doing: "making a link" })?;
        let elapsed = self.time.elapsed();
        self.store
            .write(self.time.now(), move |turn| ack_links::mint(turn, message, exchange, partner, digest, elapsed))
            .await?;
        Ok(format!("{}/ack/{secret}", self.issuer))
    }

    /// What a link shows; `None` for one that has expired or never was, and once contents are erased or the partner is
    /// one no more.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn linked(&self, secret: &str) -> Result<Option<Linked>, DoorError> {
        let Some(digest) = token_digest(secret) else { return Ok(None) };
        let elapsed = self.time.elapsed();
        let found = self.store.read(move |rows| find(rows, digest, elapsed)).await?;
        Ok(found.map(|found| self.linked_view(found)))
    }

    /// Records that a person at the partner has read what stands, and uses the link up.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] as [`Node::linked`]; [`DoorError::Taken`] when it was acknowledged before;
    /// [`DoorError::Stale`] when another version stands than the one that was read.
    pub async fn answer_link(&self, secret: &str, answer: LinkAnswer) -> Result<(), DoorError> {
        let digest = token_digest(secret).ok_or(DoorError::NotFound)?;
        let elapsed = self.time.elapsed();
        self.store
            .write(self.time.now(), move |turn| {
                let Found { link, exchange, .. } = find(turn.rows(), digest, elapsed)?.ok_or(DoorError::NotFound)?;
                if !ack_links::use_up(turn, digest, elapsed)? {
                    return Err(DoorError::Taken);
                }
                let stands = newest(&exchange).map(|notice| notice.revision);
                if exchange.withdrawn.is_some() || stands != Some(answer.revision) {
                    return Err(DoorError::Stale);
                }
                let acknowledgement = Acknowledgement {
                    revision_seen: answer.revision,
                    stance: answer.stance,
                    reference: answer.reference,
                    name: answer.name,
                    role: answer.role,
                    at: turn.now().floor_second(),
                    by_link: true,
                    deleted: false,
                };
                let command = exchange::Command::RecordLinkAcknowledgement { acknowledgement, message: link.message };
                let events = exchange::decide(Some(&exchange), &command, turn.now())?;
                turn.record(vec![Change::Exchange { id: exchange.id, before: Some(exchange), events }])?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    fn linked_view(&self, found: Found) -> Linked {
        let Found { link, partner, exchange, queued, facts } = found;
        let newest = newest(&exchange).cloned();
        let of = |message: MessageId| queued.iter().find(|(id, _)| *id == message).map(|(_, event)| event);
        let sent = exchange.notices.iter().find(|notice| notice.message == link.message);
        let withdrawn = exchange.withdrawn.map(|reason| {
            let note = exchange.notices.last().and_then(|last| match of(last.message) {
                Some(Event::WithdrawalQueued { note, .. }) => note.as_ref().map(|note| note.as_str().to_owned()),
                Some(_) | None => None,
            });
            (withdrawal(reason), note)
        });
        let notice = newest.as_ref().filter(|_| withdrawn.is_none()).and_then(|notice| of(notice.message));
        Linked {
            sender: self.organisation().name.clone(),
            partner: partner.name,
            revision: newest.as_ref().map_or(0, |notice| notice.revision),
            newer: sent.zip(newest.as_ref()).is_some_and(|(sent, newest)| sent.revision < newest.revision),
            notice: notice.and_then(|event| self.notice_told(&exchange, facts.as_ref(), event)),
            withdrawn,
            said: match of(link.message) {
                Some(Event::MessageQueued { said, .. }) => Some(said.as_ref().clone()),
                Some(_) | None => None,
            },
            filing: match of(link.message) {
                Some(Event::FiledQueued { filing, .. }) => Some(filing.clone()),
                Some(_) | None => None,
            },
            open: link.used_at.is_none() && exchange.withdrawn.is_none() && newest.is_some(),
            acknowledgements: exchange.acknowledgements.into_iter().filter(|said| said.by_link).collect(),
            reference: exchange.reference,
            exercise: exchange.exercise,
            clock: exchange.notice_clock,
            contact: self.breach_contact(),
            expires_at: link.expires_at,
        }
    }

    /// What a node would be told, read back from what would be sent to it: both kinds of partner are told the same.
    fn notice_told(&self, exchange: &Exchange, facts: Option<&Facts>, queued: &Event) -> Option<Notice> {
        let place = Place {
            issuer: &self.issuer,
            audience: &self.issuer,
            jti: exchange.id.uuid(),
            seq: 1,
            prev: None,
            checkpoint: String::new(),
        };
        let contact = self.breach_contact();
        let about = About { exchange, facts, contact: &contact };
        let written = wire_body::payload(&place, &about, queued).ok()?;
        let payload: Value = serde_json::from_slice(&written).ok()?;
        let (name, body) = payload.get("events")?.as_object()?.iter().next()?;
        let (webhooks::message::Event::Notified(notice) | webhooks::message::Event::Updated(notice)) =
            webhooks::message::Event::parse(name, body).ok()?
        else {
            return None;
        };
        let (groups, missing) = told(&notice);
        Some(Notice { title: notice.title, groups, missing })
    }
}

fn find(rows: &mut Rows<'_>, digest: [u8; 32], elapsed: Moment) -> Result<Option<Found>, StoreError> {
    let Some(link) = ack_links::find(rows, digest, elapsed)? else { return Ok(None) };
    let Some(partner) = partners::by_id(rows, link.partner)? else { return Ok(None) };
    let Some(exchange) = queries::incidents::exchange_state(rows, link.exchange)? else { return Ok(None) };
    if exchange.anonymised || partner.state == PartnerState::Ended {
        return Ok(None);
    }
    let facts = match (exchange.incident, newest(&exchange)) {
        (Some(incident), Some(notice)) => {
            queries::incidents::facts_version(rows, incident, notice.facts_version)?.map(|(facts, _)| facts)
        }
        (Some(_) | None, _) => None,
    };
    let queued = ack_links::queued(rows, link.exchange)?;
    Ok(Some(Found { link, partner, exchange, queued, facts }))
}

/// The notice that stands, or stood before it was withdrawn.
fn newest(exchange: &Exchange) -> Option<&exchange::Notice> {
    exchange.notices.iter().rfind(|notice| notice.phase != exchange::Phase::Withdrawal)
}

const fn withdrawal(reason: WithdrawalReason) -> &'static str {
    match reason {
        WithdrawalReason::NotABreach => "It was no breach.",
        WithdrawalReason::SentInError => "It was sent in error.",
        WithdrawalReason::WrongRecipient => "It was meant for another: delete what you kept of it.",
        WithdrawalReason::DuplicateOf => "Another notice tells it.",
    }
}
