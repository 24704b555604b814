//! An incident of ours: facts with versions, awareness, who is owed what, the ICO clock, decisions, closing.
//!
//! One stream per incident. What passes with a partner lives in that partner's own stream ([`crate::exchange`]), because
//! an incident can owe hundreds of notices and each receipt must touch only its own. Work that reaches every partner
//! (opening, updating, withdrawing) is a **fan-out**: fixed in full when it is decided, then carried out in chunks of at
//! most [`FAN_OUT_CHUNK`] exchanges, each a transaction of its own, resumed after a crash (ruling 22).

pub mod assessment;
mod awareness;
pub mod costs;
mod decide;
pub mod decision;
pub mod duties;
mod erase;
mod event;
mod evolve;
mod fan_out;
mod ico;
pub mod joint;
pub mod lessons;
mod refusal;
pub mod register;
pub mod report;
mod seen;
mod stage;
pub mod telling;
#[cfg(test)]
pub(crate) mod tests;
mod watch;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::arrangement::Owed;
use crate::clock::{Anchor, Clock, ClockKind};
use crate::exchange;
use crate::facts::{Facts, IncidentKind};
use crate::ladder::{LadderCommand, LadderState, Orders, Plans};
use crate::report::ReportState;
use crate::values::{Actor, ExchangeId, IncidentId, Line, LongText, Moment, Options, PartnerId, ServiceId};

pub use decide::decide;
pub use decision::Duty;
pub use duties::{Duties, Rules};
pub(crate) use erase::{ERASED, without_reason};
pub use event::{Event, Survives};
pub(crate) use evolve::with_ladder;
pub use evolve::{evolve, fold};
pub use refusal::Refusal;
pub use seen::Seen;
pub use stage::{Stage, WithdrawalReason};
pub use watch::next_check;
pub(crate) use watch::{next_on_ladder, next_overdue};

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
    /// Ask for their view ([`joint`]).
    AskViews {
        /// What is asked.
        text: LongText,
        /// By when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Moment>,
        /// Who asks.
        by: Actor,
        /// Their role as partners read it.
        role: Line,
    },
    /// Say what the lead decided ([`joint`]).
    TellDecision {
        /// What, without the views that were considered.
        decision: Box<joint::JointDecision>,
        /// The role of who decided, as partners read it.
        role: Line,
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
    /// The register's chapter.
    #[serde(default)]
    pub register: Box<register::Register>,
    /// Telling the people affected.
    #[serde(default)]
    pub telling: telling::Telling,
    /// What was learnt from it.
    #[serde(default)]
    pub lessons: lessons::Lessons,
    /// What it cost.
    #[serde(default)]
    pub costs: costs::Costs,
    /// Who leads, what partners think, what was decided for all.
    #[serde(default)]
    pub joint: Box<joint::Joint>,
    /// What the node's settings said when it was logged.
    pub rules: Rules,
    /// Duties for which the law names no time.
    pub duties: Duties,
    /// Every assessment of the risk, the first first.
    #[serde(default)]
    pub assessments: Vec<assessment::Assessed>,
    /// What was decided on it, and what waits for a second data protection officer.
    #[serde(default)]
    pub decisions: Box<decision::Decisions>,
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
        /// How many partner clocks of each kind are still open, read by the caller in the same transaction.
        open_duties: Vec<(ClockKind, u32)>,
        /// Who.
        by: Actor,
    },
    /// Time has passed.
    Tick {
        /// Partner duties still outstanding, grouped.
        outstanding: Vec<Outstanding>,
        /// The plans that stand, and whom steps reach now.
        orders: Arc<Orders>,
    },
    /// The register's chapter.
    Register {
        /// What is asked.
        command: register::Command,
        /// Who.
        by: Actor,
    },
    /// Assess the risk.
    Assessment {
        /// How.
        command: assessment::Command,
        /// Who.
        by: Actor,
    },
    /// Decide what follows from it.
    Decision {
        /// What.
        command: decision::Command,
        /// Who: a data protection officer.
        by: Actor,
    },
    /// Erase contents, keeping what the law needs kept.
    Anonymise {
        /// Who.
        by: Actor,
    },
    /// Something about telling the people affected.
    Telling {
        /// What.
        command: telling::Command,
        /// Who.
        by: Actor,
    },
    /// Something about what was learnt.
    Lessons {
        /// What.
        command: lessons::Command,
        /// Who.
        by: Actor,
    },
    /// Something about what it cost.
    Costs {
        /// What.
        command: costs::Command,
        /// Who.
        by: Actor,
    },
    /// A step of the joint decision.
    Joint {
        /// Which.
        command: joint::Command,
        /// Who.
        by: Actor,
    },
    /// Duties for which the law names no time.
    Duties {
        /// What is asked.
        command: duties::Command,
        /// Who.
        by: Actor,
    },
    /// Something is asked of a ladder.
    Ladder {
        /// What.
        command: LadderCommand,
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
    /// What the node's settings say.
    pub rules: Rules,
    /// The plans that stand: steps that were reached there don't fire here again.
    pub plans: Plans,
    /// Who.
    pub by: Actor,
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
