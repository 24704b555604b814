//! What travels: the events of protocol §6, typed and bounded.
//!
//! Members this version does not know are ignored when reading and stay in the stored octets; nothing is ever written
//! again from the types. Values outside a closed list are refused. Times are [`WireTime`], hashes [`Digest`].

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use crate::notice::{
    Anchor, ArrangementRef, Clock, IncidentKind, Nature, Notice, Phase, RecipientRole, RelatedCase, SenderRole,
};
use crate::values::{Digest, MAX_NUMBER, WireTime, explicit, is_false};

/// Prefix of the names of this protocol's events. A name, never fetched.
pub const NS: &str = "urn:tocsin:breach:1:";
/// First word of a breach.
pub const NOTIFIED: &str = "urn:tocsin:breach:1:notified";
/// A newer full snapshot.
pub const UPDATED: &str = "urn:tocsin:breach:1:updated";
/// The notice no longer stands.
pub const WITHDRAWN: &str = "urn:tocsin:breach:1:withdrawn";
/// A named person at the receiver has read a revision.
pub const ACKNOWLEDGED: &str = "urn:tocsin:breach:1:acknowledged";
/// A view, question, answer or request about a case.
pub const MESSAGE: &str = "urn:tocsin:breach:1:message";
/// One party has reported the case to the regulator.
pub const FILED: &str = "urn:tocsin:breach:1:filed";
/// Proof of storage.
pub const RECEIPT: &str = "urn:tocsin:breach:1:receipt";
/// Heartbeat (OpenID Shared Signals 1.0 §8.1.4).
pub const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";

/// The longest title, in characters (protocol §20).
pub const MAX_TITLE: usize = 200;
/// The longest reference or case id, in octets.
pub const MAX_ID: usize = 255;
/// The most missing numbers a receipt names (protocol §6).
pub const MAX_MISSING: usize = 100;

/// One event. A message carries exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// [`NOTIFIED`], revision 1.
    Notified(Box<Notice>),
    /// [`UPDATED`], revision 2 and later.
    Updated(Box<Notice>),
    /// [`WITHDRAWN`]
    Withdrawn(Withdrawn),
    /// [`ACKNOWLEDGED`]
    Acknowledged(Acknowledged),
    /// [`MESSAGE`]
    Message(Message),
    /// [`FILED`]
    Filed(Filed),
    /// [`VERIFICATION`]
    Verification(Verification),
    /// [`RECEIPT`]
    Receipt(Receipt),
}

/// Body of `withdrawn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// As in [`Notice::seq`].
    pub seq: u64,
    /// As in [`Notice::prev`].
    #[serde(deserialize_with = "explicit")]
    pub prev: Option<Digest>,
    /// As in [`Notice::checkpoint`].
    pub checkpoint: String,
    /// The revision that ends the case.
    pub revision: u32,
    /// Why.
    pub reason: WithdrawalReason,
    /// The case that stands instead; with [`WithdrawalReason::DuplicateOf`] and only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// A drill.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exercise: bool,
}

/// Why a notice no longer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawalReason {
    /// It was no breach.
    NotABreach,
    /// It should not have been sent.
    SentInError,
    /// It was meant for another; the receiver is asked to delete it and to say so in its acknowledgement.
    WrongRecipient,
    /// Another case tells it.
    DuplicateOf,
}

/// Body of `acknowledged`: sent by the receiver of a notice, in its own stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// As in [`Notice::seq`].
    pub seq: u64,
    /// As in [`Notice::prev`].
    #[serde(deserialize_with = "explicit")]
    pub prev: Option<Digest>,
    /// As in [`Notice::checkpoint`].
    pub checkpoint: String,
    /// The revision the person has read.
    pub revision_seen: u32,
    /// Where the receiver stands.
    pub stance: Stance,
    /// The receiver's own reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Who.
    pub by: Person,
    /// When.
    pub at: WireTime,
    /// The content was deleted, as a withdrawal for a wrong recipient asks.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deleted: bool,
    /// A drill.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exercise: bool,
}

/// Where the receiver of a notice stands. A later acknowledgement replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Stance {
    Assessing,
    Affected,
    NotAffected,
}

/// A person who acts for a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Name, 1 to 200 characters.
    pub name: String,
    /// Role, 1 to 200 characters, for example `data_protection_officer`.
    pub role: String,
}

/// Body of `message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// As in [`Notice::seq`].
    pub seq: u64,
    /// As in [`Notice::prev`].
    #[serde(deserialize_with = "explicit")]
    pub prev: Option<Digest>,
    /// As in [`Notice::checkpoint`].
    pub checkpoint: String,
    /// What it is.
    pub kind: MessageKind,
    /// In words.
    pub text: String,
    /// The message this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<Uuid>,
    /// When an answer is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<WireTime>,
    /// When the sender received what it passes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<WireTime>,
    /// Who.
    pub by: Person,
    /// A drill.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exercise: bool,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// The sender's view of the matter.
    View,
    /// A question.
    Question,
    /// An answer.
    Answer,
    /// A request for help.
    AssistanceRequest,
    /// A request for the other's view.
    ViewRequest,
    /// Something received that was meant for the other.
    ForwardedRequest,
    /// What was decided.
    Decision,
}

/// Body of `filed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filed {
    /// As in [`Notice::seq`].
    pub seq: u64,
    /// As in [`Notice::prev`].
    #[serde(deserialize_with = "explicit")]
    pub prev: Option<Digest>,
    /// As in [`Notice::checkpoint`].
    pub checkpoint: String,
    /// The regulator, for example `ICO`.
    pub authority: String,
    /// When it was reported.
    pub at: WireTime,
    /// The regulator's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Issuers of the parties it was reported for; sender and addressee unless wider disclosure was chosen.
    pub on_behalf_of: Vec<String>,
    /// A drill.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exercise: bool,
}

/// How far a stream reaches: its highest number and that message's payload hash, or 0 and `null` for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Highest number.
    pub seq: u64,
    /// Its payload hash.
    #[serde(deserialize_with = "explicit")]
    pub payload_sha256: Option<Digest>,
}

/// Body of the heartbeat. A generic transmitter may send neither member; its `state` is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// How far the sender's stream reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// As in [`Notice::checkpoint`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

/// Body of a receipt: these exact octets were verified and durably stored (protocol §8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// What was received.
    pub of: ReceiptOf,
    /// SHA-256 of the whole compact token received.
    pub set_sha256: Digest,
    /// `stored`. Kept as it came: another word is not a proof, and not a reason to forget the rest.
    pub status: String,
    /// Whether it fits what came before it.
    pub chain: Chain,
    /// How far the receiver holds the sender's stream.
    pub head: Head,
    /// Numbers below `head` that are not held, at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<u64>,
    /// As in [`Notice::checkpoint`], of the receiver.
    pub checkpoint: String,
}

/// Which message a receipt is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptOf {
    /// Its sender.
    pub iss: String,
    /// Its id.
    pub jti: Uuid,
    /// Its number; left out for heartbeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// Whether a message fits what came before it. Never a reason to refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chain {
    /// It does.
    Ok,
    /// Something before it is missing.
    Gap,
    /// `prev` does not match.
    Broken,
}

/// Why a body was not taken as an event. Fixed texts; no input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// No event of this name.
    #[error("the event is not known")]
    Unknown,
    /// The body does not fit the event's schema.
    #[error("{0}")]
    Bad(&'static str),
}

impl Event {
    /// Reads a body under its event name.
    ///
    /// # Errors
    /// [`EventError`].
    pub fn parse(name: &str, body: &Value) -> Result<Self, EventError> {
        fn read<'a, T: Deserialize<'a>>(body: &'a Value) -> Result<T, EventError> {
            T::deserialize(body).map_err(|_| EventError::Bad("a member is missing or not what it should be"))
        }
        let event = match name {
            NOTIFIED => Self::Notified(read(body)?),
            UPDATED => Self::Updated(read(body)?),
            WITHDRAWN => Self::Withdrawn(read(body)?),
            ACKNOWLEDGED => Self::Acknowledged(read(body)?),
            MESSAGE => Self::Message(read(body)?),
            FILED => Self::Filed(read(body)?),
            VERIFICATION => Self::Verification(read(body)?),
            RECEIPT => Self::Receipt(read(body)?),
            _ => return Err(EventError::Unknown),
        };
        event.check().map_err(EventError::Bad)?;
        Ok(event)
    }

    /// The event's full name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Notified(_) => NOTIFIED,
            Self::Updated(_) => UPDATED,
            Self::Withdrawn(_) => WITHDRAWN,
            Self::Acknowledged(_) => ACKNOWLEDGED,
            Self::Message(_) => MESSAGE,
            Self::Filed(_) => FILED,
            Self::Verification(_) => VERIFICATION,
            Self::Receipt(_) => RECEIPT,
        }
    }

    /// The body as JSON, members in the order of protocol §6.
    pub(crate) fn body(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Notified(body) | Self::Updated(body) => serde_json::to_string(body),
            Self::Withdrawn(body) => serde_json::to_string(body),
            Self::Acknowledged(body) => serde_json::to_string(body),
            Self::Message(body) => serde_json::to_string(body),
            Self::Filed(body) => serde_json::to_string(body),
            Self::Verification(body) => serde_json::to_string(body),
            Self::Receipt(body) => serde_json::to_string(body),
        }
    }

    /// Number and `prev`; `None` for receipts and heartbeats, which are not sequenced.
    #[must_use]
    pub fn sequence(&self) -> Option<(u64, Option<Digest>)> {
        match self {
            Self::Notified(body) | Self::Updated(body) => Some((body.seq, body.prev)),
            Self::Withdrawn(body) => Some((body.seq, body.prev)),
            Self::Acknowledged(body) => Some((body.seq, body.prev)),
            Self::Message(body) => Some((body.seq, body.prev)),
            Self::Filed(body) => Some((body.seq, body.prev)),
            Self::Verification(_) | Self::Receipt(_) => None,
        }
    }

    /// The other party's checkpoint that came along.
    #[must_use]
    pub fn checkpoint(&self) -> Option<&str> {
        match self {
            Self::Notified(body) | Self::Updated(body) => Some(&body.checkpoint),
            Self::Withdrawn(body) => Some(&body.checkpoint),
            Self::Acknowledged(body) => Some(&body.checkpoint),
            Self::Message(body) => Some(&body.checkpoint),
            Self::Filed(body) => Some(&body.checkpoint),
            Self::Verification(body) => body.checkpoint.as_deref(),
            Self::Receipt(body) => Some(&body.checkpoint),
        }
    }

    /// Whether the event belongs to a drill.
    #[must_use]
    pub fn exercise(&self) -> bool {
        match self {
            Self::Notified(body) | Self::Updated(body) => body.exercise,
            Self::Withdrawn(body) => body.exercise,
            Self::Acknowledged(body) => body.exercise,
            Self::Message(body) => body.exercise,
            Self::Filed(body) => body.exercise,
            Self::Verification(_) | Self::Receipt(_) => false,
        }
    }

    /// The rule between body and claims: no clock starts after its message was made (protocol §11).
    pub(crate) fn fits(&self, iat: i64) -> Result<(), EventError> {
        match self {
            Self::Notified(body) | Self::Updated(body) if body.clock.iter().any(|clock| clock.at.unix() > iat) => {
                Err(EventError::Bad("a clock starts no later than its message was made"))
            }
            Self::Notified(_)
            | Self::Updated(_)
            | Self::Withdrawn(_)
            | Self::Acknowledged(_)
            | Self::Message(_)
            | Self::Filed(_)
            | Self::Verification(_)
            | Self::Receipt(_) => Ok(()),
        }
    }

    /// The rules a type cannot say.
    fn check(&self) -> Result<(), &'static str> {
        if self.sequence().is_some_and(|(seq, _)| !counts(seq)) {
            return Err("a sequence number is at least 1");
        }
        match self {
            Self::Notified(body) => {
                ensure(body.revision == 1, "the first notice is revision 1")?;
                ensure(body.phase == Phase::Initial, "the first notice's phase is initial")?;
                body.check()
            }
            Self::Updated(body) => {
                ensure(body.revision >= 2, "an update's revision is at least 2")?;
                ensure(body.phase != Phase::Initial, "an update's phase is not initial")?;
                body.check()
            }
            Self::Withdrawn(body) => {
                ensure(body.revision >= 1, "a revision is at least 1")?;
                let duplicate = body.reason == WithdrawalReason::DuplicateOf;
                ensure(duplicate == body.case.is_some(), "a case is named for duplicates only")?;
                ensure(body.case.iter().all(|text| id(text)), "a case id is 1 to 255 octets")
            }
            Self::Acknowledged(body) => {
                ensure(body.revision_seen >= 1, "a revision is at least 1")?;
                ensure(body.reference.iter().all(|text| id(text)), "a reference is 1 to 255 octets")?;
                body.by.check()
            }
            Self::Message(body) => {
                ensure(!body.text.trim().is_empty(), "a message has a text")?;
                body.by.check()
            }
            Self::Filed(body) => {
                ensure(id(&body.authority), "an authority is 1 to 255 octets")?;
                ensure(body.reference.iter().all(|text| id(text)), "a reference is 1 to 255 octets")?;
                ensure(body.on_behalf_of.iter().all(|text| id(text)), "an issuer is 1 to 255 octets")
            }
            Self::Verification(body) => body.head.as_ref().map_or(Ok(()), Head::check),
            Self::Receipt(body) => body.check(),
        }
    }
}

pub(crate) fn ensure(holds: bool, rule: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(rule) }
}

fn counts(seq: u64) -> bool {
    (1..=MAX_NUMBER).contains(&seq)
}

pub(crate) fn id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
}

pub(crate) fn line(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= MAX_TITLE
}

impl Person {
    fn check(&self) -> Result<(), &'static str> {
        ensure(line(&self.name) && line(&self.role), "a person has a name and a role of 1 to 200 characters")
    }
}

impl Head {
    fn check(&self) -> Result<(), &'static str> {
        ensure(
            self.seq <= MAX_NUMBER && (self.seq == 0) == self.payload_sha256.is_none(),
            "a head has a hash unless it is 0",
        )
    }
}

impl Receipt {
    fn check(&self) -> Result<(), &'static str> {
        self.head.check()?;
        ensure(id(&self.of.iss), "an issuer is 1 to 255 octets")?;
        ensure(self.of.seq.is_none_or(counts), "a sequence number is at least 1")?;
        ensure(
            self.missing.len() <= MAX_MISSING && self.missing.iter().all(|n| counts(*n) && *n < self.head.seq),
            "missing numbers are at most 100 and below the head",
        )
    }
}
