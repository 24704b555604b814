//! What is decided about an exchange: the entries of its stream, and what survives erasure.
//!
//! A file format. Every variant has a golden file; a changed meaning is a new variant, never an edit.

use serde::{Deserialize, Serialize};

use super::{Acknowledgement, Asked, Call, Direction, Filing, Notice, ReceivedVersion, Said, Stance, StatedClock};
use crate::arrangement::Terms;
use crate::clock::{Clock, ClockChange, ClockKind};
use crate::facts::IncidentKind;
use crate::incident::WithdrawalReason;
use crate::ladder::{LadderChange, Reached};
use crate::reliance::Reliance;
use crate::undated::{Undated, UndatedChange};
use crate::values::{Actor, CaseId, Digest32, ExchangeId, IncidentId, Line, LongText, MessageId, Moment, PartnerId};

/// What was decided. A file format: frozen by golden files; a changed meaning is a new event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// We owe this partner a notice; terms frozen, clock started.
    Opened {
        /// Its id.
        id: ExchangeId,
        /// With whom.
        partner: PartnerId,
        /// The case on the wire.
        case: CaseId,
        /// Our reference towards them.
        reference: Line,
        /// Which incident.
        incident: IncidentId,
        /// A drill.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        exercise: bool,
        /// Breach or circumstances.
        kind: IncidentKind,
        /// Frozen terms.
        terms: Terms,
        /// The partner-notice clock; absent where nobody named hours.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clock: Option<Clock>,
        /// The duty in its place, or beside a target of our own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undated: Option<Undated>,
        /// When.
        at: Moment,
    },
    /// A notice is to be carried to the partner.
    NoticeQueued {
        /// It.
        notice: Notice,
        /// The incident's kind in it.
        kind: IncidentKind,
        /// The clock as it will state it; absent where there is no contract clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stated: Option<StatedClock>,
        /// Why the anchor moved since the last one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        anchor_reason: Option<LongText>,
        /// When.
        at: Moment,
    },
    /// A withdrawal is to be carried to the partner.
    WithdrawalQueued {
        /// It.
        notice: Notice,
        /// Why.
        reason: WithdrawalReason,
        /// In words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<LongText>,
        /// When.
        at: Moment,
    },
    /// The notice no longer stands, and none had been queued: there is nothing to carry.
    WithdrawnUnsent {
        /// Why.
        reason: WithdrawalReason,
        /// When.
        at: Moment,
    },
    /// The partner's node signed for a message.
    Receipted {
        /// Which message.
        message: MessageId,
        /// Since when they durably hold it.
        toe: Moment,
        /// Digest of the receipt's octets.
        receipt_sha256: Digest32,
        /// When we recorded it.
        at: Moment,
    },
    /// A webhook or a mail server took a message of ours.
    Accepted {
        /// Which message.
        message: MessageId,
        /// When it was taken.
        accepted_at: Moment,
        /// When we recorded it.
        at: Moment,
    },
    /// A clock started.
    ClockStarted {
        /// It.
        clock: Clock,
    },
    /// A clock changed.
    ClockChanged {
        /// Which.
        kind: ClockKind,
        /// How.
        change: ClockChange,
        /// When.
        at: Moment,
    },
    /// A person at the partner has read it.
    Acknowledged {
        /// What they say.
        acknowledgement: Acknowledgement,
        /// The message that carried it.
        message: MessageId,
        /// When we recorded it.
        at: Moment,
    },
    /// A call or meeting was recorded.
    CallRecorded {
        /// It.
        call: Call,
        /// Back-dated beyond [`super::BACKDATE_SECONDS_MAX`].
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        backdated: bool,
        /// When it was recorded.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// A person ended the carrying of a message.
    Abandoned {
        /// Which.
        message: MessageId,
        /// Why.
        reason: LongText,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// A partner told us of a case.
    NoticeReceived {
        /// The exchange.
        id: ExchangeId,
        /// From whom.
        partner: PartnerId,
        /// The case.
        case: CaseId,
        /// A drill.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        exercise: bool,
        /// What they say it is.
        kind: IncidentKind,
        /// Their reference.
        reference: Line,
        /// Their contract clock towards us.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stated: Option<StatedClock>,
        /// The version.
        version: ReceivedVersion,
    },
    /// The partner says that it no longer stands.
    WithdrawalReceived {
        /// The exchange.
        id: ExchangeId,
        /// From whom.
        partner: PartnerId,
        /// The case.
        case: CaseId,
        /// A drill.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        exercise: bool,
        /// Why.
        reason: WithdrawalReason,
        /// The version.
        version: ReceivedVersion,
    },
    /// Our acknowledgement is to be carried to the partner.
    AcknowledgementQueued {
        /// The message that will carry it.
        message: MessageId,
        /// What we say.
        acknowledgement: Acknowledgement,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// An incident of ours took the notice over.
    Linked {
        /// Which.
        incident: IncidentId,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// A ladder step fired on the ICO clock of a notice received.
    StepFired {
        /// Which duty.
        kind: ClockKind,
        /// Due when.
        due: Moment,
        /// Minutes from the due instant; negative before it.
        offset_minutes: i32,
        /// Steps slept through.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        passed: Vec<i32>,
        /// Whom it reached.
        #[serde(default, skip_serializing_if = "Reached::is_empty")]
        reached: Reached,
        /// When.
        at: Moment,
    },
    /// A named person sees to it: the ladder stops.
    TakenInHand {
        /// Which duty.
        kind: ClockKind,
        /// Due when.
        due: Moment,
        /// When.
        at: Moment,
        /// Who.
        by: Actor,
    },
    /// A message of ours about the case is to be carried to the partner.
    MessageQueued {
        /// It.
        said: Box<Said>,
        /// The clock of the request in it: the partner's duty.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clock: Option<Clock>,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// The partner said something about the case.
    MessageReceived {
        /// It.
        said: Box<Said>,
        /// The clock of the request in it: our duty.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clock: Option<Clock>,
        /// When it reached us.
        at: Moment,
    },
    /// A person here has read a message of the partner's.
    MessageRead {
        /// Which.
        message: MessageId,
        /// When.
        at: Moment,
        /// Who.
        by: Actor,
    },
    /// The clock of a request changed.
    AssistanceChanged {
        /// The message that asks.
        request: MessageId,
        /// How.
        change: ClockChange,
        /// When.
        at: Moment,
    },
    /// Our word that we reported the case is to be carried to the partner.
    FiledQueued {
        /// The message that will carry it.
        message: MessageId,
        /// What we reported.
        filing: Filing,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// The partner told us that they reported the case.
    FiledReceived {
        /// The message.
        message: MessageId,
        /// What they reported.
        filing: Filing,
        /// When it reached us.
        at: Moment,
    },
    /// A data protection officer accepted that we rely on a report of theirs.
    RelianceAccepted {
        /// On which, and why.
        reliance: Box<Reliance>,
        /// When.
        at: Moment,
        /// Who.
        by: Actor,
    },
    /// The duty to tell a controller for whom we process changed.
    UndatedChanged {
        /// How.
        change: UndatedChange,
        /// When.
        at: Moment,
    },
    /// Something else became of a ladder: who had it in hand, who has seen a step.
    Ladder {
        /// What.
        change: LadderChange,
        /// When.
        at: Moment,
        /// By whom: a person, or the node.
        by: Actor,
    },
    /// Contents erased; these facts survive.
    Anonymised {
        /// State without personal data or free text.
        survives: Box<Survives>,
        /// When.
        at: Moment,
    },
}

/// What survives erasure: codes, counts and instants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survives {
    /// Which.
    pub id: ExchangeId,
    /// With whom.
    pub partner: PartnerId,
    /// The case.
    pub case: CaseId,
    /// Who told whom.
    pub direction: Direction,
    /// The sender's reference.
    pub reference: Line,
    /// Our incident.
    pub incident: Option<IncidentId>,
    /// A drill.
    pub exercise: bool,
    /// What it was.
    pub kind: IncidentKind,
    /// Versions there were.
    pub revisions: u32,
    /// The partner-notice clock; a free-text reason is replaced.
    pub notice_clock: Option<Clock>,
    /// The duty to tell a controller for whom we process; a free-text reason is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undated: Option<Undated>,
    /// The acknowledgement clock.
    pub acknowledgement_clock: Option<Clock>,
    /// The ICO clock.
    pub ico_clock: Option<Clock>,
    /// The last stance.
    pub stance: Option<Stance>,
    /// Why the notice no longer stood, if it was withdrawn.
    pub withdrawn: Option<WithdrawalReason>,
    /// Requests that had a clock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Asked>,
    /// When the partner, by their word, reported the case to a regulator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filed_at: Option<Moment>,
}
