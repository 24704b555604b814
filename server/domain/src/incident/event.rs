//! What is decided about an incident: the entries of its stream, and what survives erasure.
//!
//! A file format. Every variant has a golden file; a changed meaning is a new variant, never an edit.

use serde::{Deserialize, Serialize};

use super::duties::{self, Duties, Rules};
use super::register::{self, Register};
use super::{
    Awareness, AwarenessOf, CorrectionProposal, FanOut, NotRequiredProposal, WithdrawalReason, assessment, costs,
    decision, joint, lessons, report, telling,
};
use crate::arrangement::Owed;
use crate::clock::{Clock, ClockChange, ClockKind};
use crate::facts::{Facts, IncidentKind};
use crate::incident_type::TypeCode;
use crate::ladder::{LadderChange, Reached};
use crate::report::Submission;
use crate::values::{Actor, ExchangeId, IncidentId, Line, LongText, Moment, Options, PartnerId, ServiceId};

/// What was decided. A file format: frozen by golden files; a changed meaning is a new event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// An incident was logged.
    Logged {
        /// Its id.
        id: IncidentId,
        /// Our reference.
        reference: Line,
        /// Breach or circumstances.
        kind: IncidentKind,
        /// A drill.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        exercise: bool,
        /// The facts, version 1.
        facts: Box<Facts>,
        /// When we became aware.
        awareness: Awareness,
        /// Why so late, when more than a year.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old_reason: Option<LongText>,
        /// Which services.
        services: Options<ServiceId>,
        /// Who is owed, in full.
        owed: Vec<Owed>,
        /// Notices are held back.
        held: bool,
        /// The partner's notice that it was opened from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opened_from: Option<ExchangeId>,
        /// What the node's settings said.
        #[serde(default, skip_serializing_if = "Rules::is_default")]
        rules: Rules,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// A clock of the incident started.
    ClockStarted {
        /// It.
        clock: Clock,
    },
    /// A clock of the incident changed.
    ClockChanged {
        /// Which.
        kind: ClockKind,
        /// How.
        change: ClockChange,
        /// When.
        at: Moment,
    },
    /// Work for every partner was decided.
    FanOutStarted {
        /// It.
        fan_out: FanOut,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// A chunk of the oldest fan-out was carried out.
    FanOutAdvanced {
        /// How many partners are done now.
        done: u32,
        /// Nothing is left to do.
        finished: bool,
    },
    /// Held notices were let go.
    Released {
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// Newer facts.
    FactsUpdated {
        /// 2, 3, …
        version: u32,
        /// All of them.
        facts: Box<Facts>,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// A correction of awareness to a later instant waits for a second person.
    CorrectionProposed {
        /// It.
        proposal: CorrectionProposal,
        /// When.
        at: Moment,
    },
    /// The waiting correction was turned down.
    CorrectionRefused {
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// An instant of awareness was corrected.
    AwarenessCorrected {
        /// Which.
        of: AwarenessOf,
        /// What it was.
        was: Option<Moment>,
        /// What it is.
        is: Moment,
        /// Why.
        reason: LongText,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
        /// The second person, for a later instant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        second: Option<Actor>,
    },
    /// *Likely to give rise to* became a breach.
    BecameBreach {
        /// When we became aware of the breach.
        aware_at: Moment,
        /// Partners owed only now.
        owed: Vec<Owed>,
        /// When it was recorded.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// The notices no longer stand.
    Withdrawn {
        /// Why.
        reason: WithdrawalReason,
        /// In words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<LongText>,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// A ladder step fired: people are told.
    StepFired {
        /// Which duty.
        kind: ClockKind,
        /// Due when.
        due: Moment,
        /// Minutes from the due instant; negative before it.
        offset_minutes: i32,
        /// Steps slept through, recorded with the one that fired.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        passed: Vec<i32>,
        /// How many partners are outstanding (0 on the ICO clock).
        partners: u32,
        /// The first of them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        first: Vec<PartnerId>,
        /// Whom it reached.
        #[serde(default, skip_serializing_if = "Reached::is_empty")]
        reached: Reached,
        /// When.
        at: Moment,
    },
    /// Steps were passed without firing: they lay before the anchor, or had fired on the partner's notice before its clock
    /// moved here.
    StepsPassed {
        /// Which duty.
        kind: ClockKind,
        /// Due when.
        due: Moment,
        /// Which.
        offsets: Vec<i32>,
        /// When.
        at: Moment,
    },
    /// Nothing is outstanding any more: the ladder ends.
    LadderEnded {
        /// Which duty.
        kind: ClockKind,
        /// Due when.
        due: Moment,
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
    /// An ICO report draft was opened.
    ReportDrafted {
        /// Questions that no fact answers yet, by id.
        gaps: Vec<String>,
        /// When.
        at: Moment,
        /// By whom: a person, or the node at a ladder step.
        by: Actor,
    },
    /// A submission was recorded.
    ReportSubmitted {
        /// It.
        submission: Submission,
        /// When it was recorded.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// A data protection officer proposes that no report is required.
    NotRequiredProposed {
        /// It.
        proposal: NotRequiredProposal,
    },
    /// Another data protection officer approved or turned it down.
    NotRequiredResolved {
        /// Approved.
        approved: bool,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// Closed.
    Closed {
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// The register's chapter.
    Register {
        /// What changed.
        change: register::Change,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// The risk was assessed.
    Assessment {
        /// How.
        change: assessment::Change,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// A data protection officer decided something, or a proposal waits for another one.
    Decision {
        /// What.
        change: decision::Change,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// Telling the people affected: what changed.
    Telling {
        /// What.
        change: telling::Change,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// What was learnt: what changed.
    Lessons {
        /// What.
        change: lessons::Change,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// What it cost: what changed.
    Costs {
        /// What.
        change: costs::Change,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// A step of the joint decision.
    Joint {
        /// Which.
        change: joint::Change,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// About a duty for which the law names no time.
    Duties {
        /// What.
        change: duties::Change,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
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
    /// Something about the reports to the regulator.
    Report {
        /// What.
        change: report::Change,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// Contents erased; these facts survive. Folding starts here and meets erased placeholders before it (ruling 16).
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
    pub id: IncidentId,
    /// Our reference.
    pub reference: Line,
    /// Breach or circumstances.
    pub kind: IncidentKind,
    /// A drill.
    pub exercise: bool,
    /// Facts versions there were.
    pub facts_version: u32,
    /// When we became aware.
    pub awareness: Awareness,
    /// Which services.
    pub services: Options<ServiceId>,
    /// How many partners were owed.
    pub owed: u32,
    /// The ICO clock; a free-text reason is replaced.
    pub ico: Option<Clock>,
    /// Why its notices no longer stood, if it was withdrawn.
    pub withdrawn: Option<WithdrawalReason>,
    /// The register's chapter: what the facts came to in codes and counts.
    #[serde(default, skip_serializing_if = "Register::is_empty")]
    pub register: Register,
    /// When people were told, how, and how many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<telling::Told>,
    /// The ICO's type of its root cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<TypeCode>,
    /// What it cost, without words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub costs: Vec<costs::Kept>,
    /// The law and the targets that it ran under.
    #[serde(default, skip_serializing_if = "Rules::is_default")]
    pub rules: Rules,
    /// Duties for which the law names no time; free-text reasons are replaced.
    #[serde(default, skip_serializing_if = "Duties::is_empty")]
    pub duties: Duties,
}
