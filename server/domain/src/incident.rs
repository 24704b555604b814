//! An incident of ours: facts with versions, awareness, who is owed what, the ICO clock, decisions, closing.
//!
//! One stream per incident. What passes with a partner lives in that partner's own stream ([`crate::exchange`]), because
//! an incident can owe hundreds of notices and each receipt must touch only its own. Work that reaches every partner
//! (opening, updating, withdrawing) is a **fan-out**: fixed in full when it is decided, then carried out in chunks of at
//! most [`FAN_OUT_CHUNK`] exchanges, each a transaction of its own, resumed after a crash (ruling 22).

mod awareness;
mod decide;
mod erase;
mod event;
mod evolve;
mod fan_out;
mod ico;
pub mod report;
#[cfg(test)]
pub(crate) mod tests;
mod watch;

use serde::{Deserialize, Serialize};

use crate::arrangement::Owed;
use crate::clock::{Anchor, Clock, ClockKind};
use crate::exchange;
use crate::facts::{Facts, IncidentKind};
use crate::ladder::LadderState;
use crate::report::ReportState;
use crate::values::{Actor, ExchangeId, IncidentId, Line, LongText, Moment, Options, PartnerId, ServiceId};

pub use decide::decide;
pub(crate) use erase::{ERASED, without_reason};
pub use event::{Event, Survives};
pub(crate) use evolve::with_ladder;
pub use evolve::{evolve, fold};
pub use watch::next_check;
pub(crate) use watch::next_overdue;

/// Exchanges touched in one chunk of a fan-out, so that nobody waits for the writer longer than 100 ms (ruling 22).
pub const FAN_OUT_CHUNK: usize = 100;
/// Partners named in one ladder step; beyond it the step gives the number only.
pub const STEP_NAMES_MAX: usize = 20;

/// When we became aware: at least one is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awareness {
    /// Of circumstances likely to give rise to a breach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circumstances: Option<Moment>,
    /// Of the breach, with reasonable certainty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breach: Option<Moment>,
}

/// Which of the two instants of awareness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AwarenessOf {
    /// Circumstances likely to give rise to a breach.
    Circumstances,
    /// The breach.
    Breach,
}

/// Why a notice no longer stands (protocol §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawalReason {
    /// It turned out not to be a breach.
    NotABreach,
    /// It was sent in error.
    SentInError,
    /// It reached the wrong partner: they are asked to delete it and to say so.
    WrongRecipient,
    /// Another case covers it.
    DuplicateOf,
}

impl WithdrawalReason {
    /// Every reason, in the order shown.
    pub const ALL: [Self; 4] = [Self::NotABreach, Self::SentInError, Self::WrongRecipient, Self::DuplicateOf];

    /// The word in tables, on the wire and in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotABreach => "not_a_breach",
            Self::SentInError => "sent_in_error",
            Self::WrongRecipient => "wrong_recipient",
            Self::DuplicateOf => "duplicate_of",
        }
    }

    /// The label that people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NotABreach => "It is not a breach",
            Self::SentInError => "It was sent in error",
            Self::WrongRecipient => "It reached the wrong partner",
            Self::DuplicateOf => "Another case covers it",
        }
    }

    /// The reason with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }

    /// Why clocks end with it (ruling 6). Every reason has one; a test holds that.
    pub(crate) fn clock_reason(self) -> Option<Line> {
        Line::parse(&format!("Withdrawn: {}", self.label())).ok()
    }
}

/// Where an incident stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "stage")]
pub enum Stage {
    /// Logged; clocks run, notices are held back by a person.
    Held,
    /// Logged; notices go out.
    Active,
    /// Its notices no longer stand.
    Withdrawn {
        /// Why.
        reason: WithdrawalReason,
    },
    /// Every duty decided, and a person closed it.
    Closed,
    /// Contents erased at the end of retention; what survives is in the event.
    Anonymised,
}

impl Stage {
    /// The word in tables and the API.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Active => "active",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Closed => "closed",
            Self::Anonymised => "anonymised",
        }
    }

    /// Whether facts, notices and decisions may still change: held or active.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Held | Self::Active => true,
            Self::Withdrawn { .. } | Self::Closed | Self::Anonymised => false,
        }
    }
}

/// Work that reaches every owed partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "work")]
pub enum FanOutWork {
    /// Open the exchanges: start clocks and, unless held, queue the first notice.
    Open {
        /// Queue the first notice too.
        queue: bool,
    },
    /// Queue the held first notices.
    Release,
    /// Queue a newer full snapshot, with the anchor as it stands now.
    Update {
        /// The facts to send.
        facts_version: u32,
        /// Why the anchor moved, when it did.
        anchor_reason: Option<LongText>,
    },
    /// Say that the notice no longer stands.
    Withdraw {
        /// Why.
        reason: WithdrawalReason,
        /// In words.
        note: Option<LongText>,
    },
    /// Say that we reported the case to the regulator.
    TellFiled {
        /// What we reported.
        filing: exchange::Filing,
        /// Who says so.
        by: Actor,
    },
}

/// A fan-out under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanOut {
    /// What it does.
    pub work: FanOutWork,
    /// How many of the partners from [`FanOut::from`] on are done, in their order.
    pub done: u32,
    /// One past the last owed partner it reaches, as an index into [`Incident::owed`] (partners owed later have their
    /// own).
    pub until: u32,
    /// The first owed partner it reaches, as an index into [`Incident::owed`].
    pub from: u32,
}

/// A correction of awareness to a later instant, waiting for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionProposal {
    /// Which awareness.
    pub of: AwarenessOf,
    /// The instant proposed.
    pub at: Moment,
    /// Why.
    pub reason: LongText,
    /// By whom.
    pub by: Actor,
}

/// A decision that no report to the ICO is required, waiting for a second data protection officer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRequiredProposal {
    /// Why.
    pub reason: LongText,
    /// By whom.
    pub by: Actor,
    /// When.
    pub at: Moment,
}

/// State: the fold of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Which.
    pub id: IncidentId,
    /// Our own reference, for example `TC-2026-0042`.
    pub reference: Line,
    /// Breach or circumstances.
    pub kind: IncidentKind,
    /// A drill.
    pub exercise: bool,
    /// The facts as they stand.
    pub facts: Option<Facts>,
    /// 1, 2, 3 …
    pub facts_version: u32,
    /// The version last sent, or being sent, to partners; 0 for none.
    pub sent_version: u32,
    /// When we became aware.
    pub awareness: Awareness,
    /// Which services are hit.
    pub services: Options<ServiceId>,
    /// Who is owed a notice, in the order in which fan-outs reach them.
    pub owed: Vec<Owed>,
    /// How many of [`Incident::owed`] were owed when it was logged. Those after them are owed for a breach only: their
    /// clocks start with awareness of the breach.
    pub owed_when_logged: u32,
    /// Where it stands.
    pub stage: Stage,
    /// Fan-outs under way, oldest first.
    pub fan_outs: Vec<FanOut>,
    /// The ICO clock, once there is a breach.
    pub ico: Option<Clock>,
    /// Ladders climbed so far, one per clock kind and due instant.
    pub ladders: Vec<LadderState>,
    /// The ICO report.
    pub report: ReportState,
    /// Waiting for a second data protection officer.
    pub not_required: Option<NotRequiredProposal>,
    /// Waiting for a second person.
    pub correction: Option<CorrectionProposal>,
    /// The partner's notice that it was opened from.
    pub opened_from: Option<ExchangeId>,
    /// Partners are told, or have been, that we reported it.
    pub told_filed: bool,
    /// The reports to the regulator: answers, signatures, what was submitted.
    pub reports: Box<report::Reports>,
}

/// Partners still outstanding on one duty: what a ladder step names. Read from the clocks by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outstanding {
    /// Which duty.
    pub kind: ClockKind,
    /// When it is due (for acknowledgements: the group's instant, floored to the minute).
    pub due: Moment,
    /// When it started.
    pub anchored_at: Moment,
    /// How many partners.
    pub partners: u32,
    /// The first [`STEP_NAMES_MAX`] of them.
    pub first: Vec<PartnerId>,
}

/// What a person, or passing time, asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Log a new incident.
    Log(Box<Log>),
    /// Let held notices go.
    Release {
        /// Who.
        by: Actor,
    },
    /// Carry on with the oldest fan-out: at most [`FAN_OUT_CHUNK`] exchanges.
    Advance,
    /// Record newer facts. Sending them is a separate step ([`Command::SendUpdate`]).
    UpdateFacts {
        /// The version that the editor saw; another one is refused, so that nobody overwrites unseen.
        base_version: u32,
        /// All facts, anew.
        facts: Box<Facts>,
        /// Who.
        by: Actor,
    },
    /// Send the current facts to every partner that has a notice.
    SendUpdate {
        /// Who.
        by: Actor,
    },
    /// Correct an instant of awareness. Earlier takes effect at once; later waits for a second person.
    CorrectAwareness {
        /// Which.
        of: AwarenessOf,
        /// The right instant.
        at: Moment,
        /// Why.
        reason: LongText,
        /// Who.
        by: Actor,
    },
    /// A second person confirms (or refuses) the waiting correction.
    ResolveCorrection {
        /// Confirm, or drop it.
        confirm: bool,
        /// Who.
        by: Actor,
    },
    /// *Likely to give rise to* has become a breach.
    ConvertToBreach {
        /// When we became aware of the breach.
        aware_at: Moment,
        /// Partners owed only now (triggers that cover breaches only).
        owed: Vec<Owed>,
        /// Who.
        by: Actor,
    },
    /// Say to all partners that the notice no longer stands.
    Withdraw {
        /// Why.
        reason: WithdrawalReason,
        /// In words.
        note: Option<LongText>,
        /// Who.
        by: Actor,
    },
    /// Stop a ladder: a named person sees to it.
    TakeInHand {
        /// Which duty.
        kind: ClockKind,
        /// Due when.
        due: Moment,
        /// Who.
        by: Actor,
    },
    /// Open an ICO report draft now.
    DraftReport {
        /// Who.
        by: Actor,
    },
    /// Tell every partner who knows of the case that we reported it to the ICO.
    TellFiled {
        /// Who: a data protection officer.
        by: Actor,
    },
    /// A data protection officer proposes that no report is required.
    ProposeNotRequired {
        /// Why.
        reason: LongText,
        /// Who.
        by: Actor,
    },
    /// Another data protection officer approves it, or turns it down.
    ResolveNotRequired {
        /// Approve, or turn down.
        approve: bool,
        /// Who.
        by: Actor,
    },
    /// Close it. Refused while a duty is undecided.
    Close {
        /// Partner clocks of this incident that are still open, read by the caller in the same transaction.
        open_duties: u32,
        /// Who.
        by: Actor,
    },
    /// Time has passed.
    Tick {
        /// Partner duties still outstanding, grouped.
        outstanding: Vec<Outstanding>,
    },
    /// Erase contents, keeping what the law needs kept.
    Anonymise {
        /// Who.
        by: Actor,
    },
    /// About the reports to the regulator.
    Report {
        /// What.
        command: report::Command,
        /// Who.
        by: Actor,
    },
}

/// All that logging needs. Ids and references are fresh, made by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Its id.
    pub id: IncidentId,
    /// Our reference.
    pub reference: Line,
    /// Breach or circumstances.
    pub kind: IncidentKind,
    /// A drill.
    pub exercise: bool,
    /// The facts.
    pub facts: Facts,
    /// When we became aware.
    pub awareness: Awareness,
    /// Why it is logged more than a year after awareness (ruling 5).
    pub old_reason: Option<LongText>,
    /// Which services.
    pub services: Options<ServiceId>,
    /// Who is owed.
    pub owed: Vec<Owed>,
    /// Hold the notices back.
    pub hold: bool,
    /// Opened from a partner's notice: that exchange, and its ICO clock, which moves here with its anchor (ruling 9).
    pub opened_from: Option<(ExchangeId, Option<Clock>)>,
    /// Who.
    pub by: Actor,
}

/// Why a command was refused. Public: each is a sentence for the person who asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The stream is empty.
    #[error("there is no such incident")]
    NoSuchIncident,
    /// Logged twice.
    #[error("this incident is already logged")]
    AlreadyLogged,
    /// Awareness after now.
    #[error("awareness cannot be in the future")]
    AwarenessInFuture,
    /// Awareness before the (not estimated) occurrence.
    #[error("awareness cannot be before it began")]
    AwarenessBeforeOccurrence {
        /// When it began.
        began: Moment,
    },
    /// Awareness more than a year ago without a reason.
    #[error("awareness more than a year ago needs a reason")]
    AwarenessNeedsReason,
    /// A breach without awareness of a breach, or neither awareness given.
    #[error("say when you became aware")]
    AwarenessMissing,
    /// Somebody else changed the facts meanwhile.
    #[error("somebody else changed the facts meanwhile")]
    FactsChanged {
        /// The version that stands.
        current: u32,
    },
    /// Nothing newer to send.
    #[error("there is nothing new to send")]
    NothingToSend,
    /// Its stage does not allow this.
    #[error("this incident is {stage}")]
    NotOpen {
        /// The word of its stage.
        stage: &'static str,
    },
    /// Awareness of the breach is corrected only once there is one.
    #[error("this incident is not a breach yet")]
    NotYetABreach,
    /// It is already a breach.
    #[error("this incident is already a breach")]
    AlreadyBreach,
    /// Nothing is held.
    #[error("nothing is held back")]
    NotHeld,
    /// Another correction, or none, is waiting.
    #[error("no correction is waiting, or another one is")]
    NoSuchProposal,
    /// The same person can't be the second person.
    #[error("a second person has to confirm this")]
    SecondPersonNeeded,
    /// Withdrawn as not a breach while the ICO clock runs: that takes the decision of two data protection officers first
    /// (ruling 34).
    #[error("two data protection officers first have to decide that no report to the ICO is required")]
    DecisionNeeded,
    /// Only a data protection officer may.
    #[error("only a data protection officer may do this")]
    DpoNeeded,
    /// There is no such running duty.
    #[error("there is no such duty to see to")]
    NoSuchDuty,
    /// The report is already submitted.
    #[error("the report is already submitted")]
    AlreadySubmitted,
    /// There is no submission to tell partners of.
    #[error("no submission to the ICO is recorded yet")]
    NotSubmitted,
    /// Submission in the future, or before awareness.
    #[error("the time of submission cannot be in the future or before awareness")]
    SubmissionTime,
    /// Past the legal limit without reasons for the delay (Article 33(1)).
    #[error("a report after the legal limit needs reasons for the delay")]
    DelayReasonMissing,
    /// Duties are undecided.
    #[error("{open} {} still undecided", if *open == 1 { "duty is" } else { "duties are" })]
    DutiesOpen {
        /// How many.
        open: u32,
    },
    /// Nothing changes.
    #[error("nothing would change")]
    NothingChanges,
    /// A rule about the reports to the regulator.
    #[error(transparent)]
    Report(#[from] report::Refusal),
}

/// Events, and commands for exchanges decided in the same transaction, one level deep.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// In order.
    pub events: Vec<Event>,
    /// At most [`FAN_OUT_CHUNK`].
    pub asks: Vec<(ExchangeId, exchange::Command)>,
}

impl Awareness {
    /// The anchor of the partner-notice clocks: the earlier awareness that applies (clause 6).
    ///
    /// Which instant started the contract's clock, and when. `None` only when neither is known.
    #[must_use]
    pub fn contract_anchor(&self) -> Option<(Anchor, Moment)> {
        match (self.circumstances, self.breach) {
            (Some(circumstances), Some(breach)) if breach < circumstances => Some((Anchor::AwareOfBreach, breach)),
            (Some(circumstances), _) => Some((Anchor::AwareOfCircumstances, circumstances)),
            (None, Some(breach)) => Some((Anchor::AwareOfBreach, breach)),
            (None, None) => None,
        }
    }
}
