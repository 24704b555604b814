//! All that passes with one partner about one incident: our notices to them with receipts and stance, or theirs to us.
//!
//! An exchange is (partner, case, direction), with an incident of ours or none (ruling 12). Delivery of a message ends
//! with a verified receipt, or when a person abandons it with a reason; a recorded call ends the clock only (ruling 7).

mod call;
mod decide;
mod event;
mod evolve;
mod filing;
mod incoming;
mod outgoing;
mod refusal;
mod reissue;
mod said;
#[cfg(test)]
mod tests;
mod withdrawal;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::arrangement::Terms;
use crate::clock::{Anchor, Clock, ClockKind};
use crate::clock_terms::Law;
use crate::facts::IncidentKind;
use crate::incident::WithdrawalReason;
use crate::ladder::{LadderCommand, LadderState, Orders};
use crate::reliance::Relied;
use crate::undated::Undated;
use crate::values::{
    Actor, CaseId, Digest32, ExchangeId, Hours, IncidentId, Line, LongText, MessageId, Moment, PartnerId,
};

pub use call::{BACKDATE_SECONDS_MAX, Call, CallChannel};
pub use decide::{decide, next_check};
pub use event::{Event, Survives};
pub use evolve::{evolve, fold};
pub use filing::{FILINGS_MAX, Filing, HearFiled, ToldFiling};
pub use refusal::Refusal;
pub use reissue::reissue;
pub use said::{Asked, DUE_SECONDS_MAX, Hear, MESSAGES_MAX, MessageKind, Said, SaidMark, Say};
pub use withdrawal::WithdrawnAt;

/// Who told whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// We tell the partner.
    Outgoing,
    /// The partner tells us.
    Incoming,
}

impl Direction {
    /// The word in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Outgoing => "outgoing",
            Self::Incoming => "incoming",
        }
    }
}

/// What a party says about itself (protocol §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stance {
    /// Still looking.
    Assessing,
    /// Affected.
    Affected,
    /// Not affected.
    NotAffected,
}

impl Stance {
    /// Every stance, in the order shown.
    pub const ALL: [Self; 3] = [Self::Assessing, Self::Affected, Self::NotAffected];

    /// The word in tables, on the wire and in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Assessing => "assessing",
            Self::Affected => "affected",
            Self::NotAffected => "not_affected",
        }
    }

    /// The word on pages (design: *Looking · Affected · Not affected*).
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Assessing => "Looking",
            Self::Affected => "Affected",
            Self::NotAffected => "Not affected",
        }
    }

    /// The stance with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stance| stance.word() == word)
    }
}

/// Which step of a notice (protocol §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The first word.
    Initial,
    /// A newer full snapshot.
    Update,
    /// The last one.
    Final,
    /// It no longer stands.
    Withdrawal,
}

/// One version of what we tell the partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// 1, 2, 3 …
    pub revision: u32,
    /// Which step.
    pub phase: Phase,
    /// The message that carries it.
    pub message: MessageId,
    /// The facts in it; 0 for a withdrawal.
    pub facts_version: u32,
    /// How its delivery stands.
    pub delivery: NoticeDelivery,
}

/// How the delivery of one notice stands, as the exchange knows it. Attempts live with the outgoing work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "delivery")]
pub enum NoticeDelivery {
    /// Queued: being carried until a receipt or a person ends it.
    Queued,
    /// The partner's node signed for it.
    Receipted {
        /// Since when the partner durably holds it (`toe`).
        at: Moment,
    },
    /// A webhook or a mail server took it: the carrying has ended, and nothing is proved. A later receipt still counts.
    Accepted {
        /// When.
        at: Moment,
    },
    /// A person ended the carrying, with a reason.
    Abandoned,
}

/// A person at the other party has read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// The revision they had seen.
    pub revision_seen: u32,
    /// What they say.
    pub stance: Stance,
    /// Their own reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Line>,
    /// Who read it: a name.
    pub name: Line,
    /// Their role.
    pub role: Line,
    /// When they acknowledged.
    pub at: Moment,
    /// Given through a link, without an account or a signature.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_link: bool,
    /// The content was deleted, as a withdrawal from a wrong recipient asks (protocol §6).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// State: the fold of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Which.
    pub id: ExchangeId,
    /// With whom.
    pub partner: PartnerId,
    /// The case on the wire.
    pub case: CaseId,
    /// Who told whom.
    pub direction: Direction,
    /// Our incident, if there is one.
    pub incident: Option<IncidentId>,
    /// A drill.
    pub exercise: bool,
    /// The sender's reference.
    pub reference: Line,
    /// What the sender says it is.
    pub kind: IncidentKind,
    /// The frozen terms (outgoing).
    pub terms: Option<Terms>,
    /// Every version told, in order (outgoing).
    pub notices: Vec<Notice>,
    /// Every version received (incoming).
    pub received: Vec<ReceivedVersion>,
    /// The partner-notice clock: ours towards them, or theirs towards us as computed from the notice.
    pub notice_clock: Option<Clock>,
    /// The duty to tell them, where we process on their behalf and no hours were agreed.
    pub undated: Option<Undated>,
    /// The acknowledgement clock (outgoing).
    pub acknowledgement_clock: Option<Clock>,
    /// Our ICO clock from a notice received, until an incident of ours takes it over (ruling 9).
    pub ico_clock: Option<Clock>,
    /// The ladder of that clock.
    pub ladders: Vec<LadderState>,
    /// Acknowledgements, theirs (outgoing) or ours (incoming), in order.
    pub acknowledgements: Vec<Acknowledgement>,
    /// The messages that carry our acknowledgements (incoming), in order.
    pub acknowledgement_messages: Vec<AcknowledgementMessage>,
    /// Recorded calls.
    pub calls: Vec<Call>,
    /// Messages, ours and theirs, in the order in which they came here.
    pub said: Vec<SaidMark>,
    /// Requests with a due instant, ours and theirs, in that order.
    pub asked: Vec<Asked>,
    /// Reports to a regulator that one side told the other, in that order.
    pub filings: Vec<ToldFiling>,
    /// The report of theirs that we rely on, accepted while the ICO clock was here.
    #[serde(default)]
    pub reliance: Option<Box<Relied>>,
    /// The notice no longer stands.
    pub withdrawn: Option<WithdrawalReason>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<WithdrawnAt>,
    /// Contents are erased.
    pub anonymised: bool,
}

/// A message that carries an acknowledgement of ours, and how its delivery stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcknowledgementMessage {
    /// Which.
    pub message: MessageId,
    /// How it stands.
    pub delivery: NoticeDelivery,
}

/// One version received from the partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedVersion {
    /// Their revision.
    pub revision: u32,
    /// Which step.
    pub phase: Phase,
    /// The message.
    pub message: MessageId,
    /// Digest of the exact octets received.
    pub set_sha256: Digest32,
    /// When our node durably held it.
    pub at: Moment,
    /// When they say that they made it: of a withdrawal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Moment>,
}

/// The contract clock as a notice states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedClock {
    /// What started it.
    pub anchor: Anchor,
    /// When.
    pub at: Moment,
    /// How long.
    pub hours: Hours,
}

/// What a person, a partner's verified message or passing time asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Open: freeze the terms, start the clock and, unless held, queue the first notice.
    Open(Box<Open>),
    /// Queue the held first notice.
    Queue {
        /// The facts to send.
        facts_version: u32,
        /// The incident's kind now; it may have become a breach while held.
        kind: IncidentKind,
    },
    /// Queue a newer full snapshot; the anchor as it stands moves the clock if it differs.
    Update {
        /// The facts to send.
        facts_version: u32,
        /// The incident's kind now.
        kind: IncidentKind,
        /// What starts the clock now.
        anchor: Anchor,
        /// When.
        anchored_at: Moment,
        /// Why the anchor moved.
        anchor_reason: Option<LongText>,
    },
    /// Say that the notice no longer stands.
    Withdraw {
        /// Why.
        reason: WithdrawalReason,
        /// In words.
        note: Option<LongText>,
    },
    /// A verified receipt for a message of ours.
    RecordReceipt {
        /// Which message.
        message: MessageId,
        /// Since when they durably hold it.
        toe: Moment,
        /// Digest of the receipt's octets.
        receipt_sha256: Digest32,
    },
    /// A webhook or a mail server took a message of ours: nothing more will be heard.
    RecordAcceptance {
        /// Which message.
        message: MessageId,
        /// When it was taken.
        at: Moment,
    },
    /// A verified acknowledgement from the partner.
    RecordAcknowledgement {
        /// What it says.
        acknowledgement: Acknowledgement,
        /// The message that carried it.
        message: MessageId,
    },
    /// An acknowledgement through the link of a webhook or a mail: recorded, not signed (ruling 6).
    RecordLinkAcknowledgement {
        /// What it says.
        acknowledgement: Acknowledgement,
        /// The message of ours whose link was used.
        message: MessageId,
    },
    /// A recorded call or meeting.
    RecordCall {
        /// It.
        call: Call,
        /// Who records it.
        by: Actor,
    },
    /// A person ends the carrying of a message, after another way of telling or the end of the pairing.
    Abandon {
        /// Which message.
        message: MessageId,
        /// Why.
        reason: LongText,
        /// Who.
        by: Actor,
    },
    /// A verified notice, update or withdrawal from the partner.
    Receive(Box<Receive>),
    /// We acknowledge their notice.
    Acknowledge {
        /// What we say.
        stance: Stance,
        /// Our own reference.
        reference: Option<Line>,
        /// Who read it.
        by: Actor,
        /// Their role as the partner reads it.
        role: Line,
        /// We deleted the content: only after a withdrawal from a wrong recipient.
        deleted: bool,
    },
    /// We say something about the case.
    Say(Box<Say>),
    /// The partner says something about the case.
    Hear(Box<Hear>),
    /// A person here has read a message of the partner's.
    ReadMessage {
        /// Which.
        message: MessageId,
        /// Who.
        by: Actor,
    },
    /// We tell the partner that we reported the case.
    TellFiled {
        /// What we reported.
        filing: Box<Filing>,
        /// Who says so.
        by: Actor,
    },
    /// The partner tells us that they reported the case.
    HearFiled(Box<HearFiled>),
    /// An incident of ours takes this notice over, with its ICO clock.
    Link {
        /// Which.
        incident: IncidentId,
        /// Who.
        by: Actor,
    },
    /// A named person sees to the ICO clock of a notice received.
    TakeInHand {
        /// Which duty.
        kind: ClockKind,
        /// Due when.
        due: Moment,
        /// Who.
        by: Actor,
    },
    /// We rely on a report that they told us of: ends the ICO clock of a notice received.
    AcceptReliance {
        /// The message that told us.
        message: MessageId,
        /// Digest of its octets.
        set_sha256: Digest32,
        /// Why one report is enough.
        reason: LongText,
        /// Who: a data protection officer.
        by: Actor,
    },
    /// Time has passed.
    Tick {
        /// The plans that stand, and whom steps reach now.
        orders: Arc<Orders>,
    },
    /// Erase contents, keeping what the law needs kept.
    Anonymise,
    /// Something is asked of a ladder.
    Ladder {
        /// What.
        command: LadderCommand,
        /// Who.
        by: Actor,
    },
}

/// All that opening an outgoing exchange needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Its id.
    pub id: ExchangeId,
    /// With whom.
    pub partner: PartnerId,
    /// The case on the wire.
    pub case: CaseId,
    /// Our reference towards them.
    pub reference: Line,
    /// Which incident.
    pub incident: IncidentId,
    /// A drill.
    pub exercise: bool,
    /// Breach or circumstances.
    pub kind: IncidentKind,
    /// Frozen terms.
    pub terms: Terms,
    /// What starts the clock.
    pub anchor: Anchor,
    /// When.
    pub anchored_at: Moment,
    /// The facts to send; `None` while held.
    pub queue: Option<u32>,
    /// What we aim at where the terms name no hours.
    pub own_target: Option<Hours>,
}

/// A verified message from a partner about their case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receive {
    /// The exchange: a fresh id for a new case, else the one there is.
    pub id: ExchangeId,
    /// From whom.
    pub partner: PartnerId,
    /// The case.
    pub case: CaseId,
    /// The message.
    pub message: MessageId,
    /// Digest of the exact octets.
    pub set_sha256: Digest32,
    /// A drill.
    pub exercise: bool,
    /// The law under which we report.
    pub law: Law,
    /// What it says.
    pub content: ReceiveContent,
}

/// A notice or a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiveContent {
    /// First word or a newer snapshot.
    Notice {
        /// Their revision.
        revision: u32,
        /// Which step.
        phase: Phase,
        /// Breach, circumstances, or being looked into.
        kind: IncidentKind,
        /// Their reference.
        reference: Line,
        /// The contract clock, if there is one.
        clock: Option<StatedClock>,
    },
    /// It no longer stands.
    Withdrawal {
        /// Their revision.
        revision: u32,
        /// Why.
        reason: WithdrawalReason,
        /// When they say that they withdrew it.
        made_at: Moment,
    },
}

/// What a command led to: events, in order. Empty when a fan-out's command (queue, update, withdraw) finds its work done
/// already, so that a chunk repeated after a crash is harmless.
pub type Decision = Vec<Event>;
