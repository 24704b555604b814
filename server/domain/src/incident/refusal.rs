//! Why a command on an incident was refused.

use super::{Duty, assessment, costs, decision, duties, joint, lessons, register, report, telling};
use crate::ladder::LadderRefusal;
use crate::values::{Actor, Moment};

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
    /// Duties are undecided; each is named.
    #[error("this is still open: {}", Duty::list(.duties))]
    DutiesOpen {
        /// Each of them.
        duties: Vec<Duty>,
    },
    /// Nothing changes.
    #[error("nothing would change")]
    NothingChanges,
    /// The register's chapter.
    #[error(transparent)]
    Register(#[from] register::Refusal),
    /// A rule about telling people.
    #[error(transparent)]
    Telling(#[from] telling::Refusal),
    /// A rule about lessons.
    #[error(transparent)]
    Lessons(#[from] lessons::Refusal),
    /// A rule about costs.
    #[error(transparent)]
    Costs(#[from] costs::Refusal),
    /// A step of the joint decision.
    #[error(transparent)]
    Joint(#[from] joint::Refusal),
    /// About duties for which the law names no time.
    #[error(transparent)]
    Duties(#[from] duties::Refusal),
    /// A ladder's.
    #[error(transparent)]
    Ladder(#[from] LadderRefusal),
    /// Somebody else assessed it or decided on it meanwhile.
    #[error("{} was first: {what} at {at}. Look at that, then decide again", .by.name())]
    Meanwhile {
        /// What they did.
        what: &'static str,
        /// Who.
        by: Actor,
        /// When.
        at: Moment,
    },
    /// A rule about assessments.
    #[error(transparent)]
    Assessment(#[from] assessment::Refusal),
    /// A rule about decisions.
    #[error(transparent)]
    Decision(#[from] decision::Refusal),
    /// A rule about the reports to the regulator.
    #[error(transparent)]
    Report(#[from] report::Refusal),
}
