//! What is learnt from an incident: its root cause, corrective actions with owner and day, and whether they worked.
//!
//! Lessons outlive the incident's duties: actions are carried out and looked at again after it was closed. They stop
//! nothing else, but for erasure, which would lose what is still to be done.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::{Event, Incident, Stage};
use crate::incident_type::TypeCode;
use crate::values::{Actor, Line, LongText, Moment, PersonId};

/// Versions of the root cause.
pub const CAUSES_MAX: usize = 50;
/// Corrective actions of one incident.
pub const ACTIONS_MAX: usize = 100;
/// Reviews of one action.
pub const REVIEWS_MAX: usize = 20;
/// How far ahead an action may be due, in days: ten years.
const DUE_DAYS_MAX: u64 = 3_653;

/// Why it happened, as a person found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootCause {
    /// The ICO's type of incident that fits best.
    pub kind: TypeCode,
    /// In words.
    pub words: LongText,
}

/// One version of the root cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseVersion {
    /// 1, 2, 3 …
    pub number: u32,
    /// It.
    pub cause: RootCause,
    /// When it was recorded.
    pub at: Moment,
    /// By whom.
    pub by: Actor,
}

/// Who sees to an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "owner")]
pub enum Owner {
    /// Somebody with an account here.
    Account {
        /// Their account.
        id: PersonId,
        /// Their name when the action was given to them.
        name: Line,
    },
    /// Anybody else, by role, for example "Head of IT".
    Role {
        /// The role.
        words: Line,
    },
}

impl Owner {
    /// The name or role that people read.
    #[must_use]
    pub const fn words(&self) -> &Line {
        match self {
            Self::Account { name, .. } => name,
            Self::Role { words } => words,
        }
    }
}

/// What is to be done, by whom, by when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What.
    pub what: LongText,
    /// By whom.
    pub owner: Owner,
    /// By the end of which day.
    pub due_on: NaiveDate,
}

/// Where an action stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ActionState {
    /// It is still to be done.
    Open,
    /// It was done.
    Done {
        /// On which day.
        on: NaiveDate,
        /// By what one can see that.
        evidence: LongText,
    },
    /// It will not be done.
    Dropped {
        /// Why.
        reason: LongText,
    },
}

impl ActionState {
    /// The word in tables and the API.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done { .. } => "done",
            Self::Dropped { .. } => "dropped",
        }
    }
}

/// Whether an action had the effect it was meant to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It worked.
    Worked,
    /// It worked in part.
    InPart,
    /// It did not.
    DidNot,
}

impl Effect {
    /// Every answer, in the order shown.
    pub const ALL: [Self; 3] = [Self::Worked, Self::InPart, Self::DidNot];

    /// The word in events and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Worked => "worked",
            Self::InPart => "in_part",
            Self::DidNot => "did_not",
        }
    }

    /// The label that people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Worked => "It worked",
            Self::InPart => "It worked in part",
            Self::DidNot => "It did not work",
        }
    }

    /// The answer with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.word() == word)
    }
}

/// A look at what an action led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// On which day.
    pub on: NaiveDate,
    /// Who looked, by name or role.
    pub reviewer: Line,
    /// What they found.
    pub effect: Effect,
    /// In words.
    pub words: LongText,
}

/// A corrective action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// 1, 2, 3 … within its incident.
    pub number: u32,
    /// How often it was changed, counting from 1: whoever changes an older one is refused.
    pub revision: u32,
    /// What is to be done.
    pub plan: Plan,
    /// Where it stands.
    pub state: ActionState,
    /// Looks at its effect, the oldest first.
    pub reviews: Vec<Review>,
}

/// Everything learnt from one incident.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lessons {
    /// Root causes, the last one stands.
    pub causes: Vec<CauseVersion>,
    /// Corrective actions, in the order added.
    pub actions: Vec<Action>,
    /// After erasure: the type of the root cause, which is all that is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survived: Option<TypeCode>,
}

impl Lessons {
    /// The root cause as it stands.
    #[must_use]
    pub fn cause(&self) -> Option<&CauseVersion> {
        self.causes.last()
    }

    /// The ICO's type of the root cause, also after erasure.
    #[must_use]
    pub fn kind(&self) -> Option<&TypeCode> {
        self.cause().map(|version| &version.cause.kind).or(self.survived.as_ref())
    }

    /// One action.
    #[must_use]
    pub fn action(&self, number: u32) -> Option<&Action> {
        self.actions.iter().find(|action| action.number == number)
    }

    /// How many actions are still to be done.
    #[must_use]
    pub fn open(&self) -> usize {
        self.actions.iter().filter(|action| action.state == ActionState::Open).count()
    }

    /// After one more change.
    #[must_use]
    pub(super) fn after(mut self, change: &Change, at: Moment, by: &Actor) -> Self {
        match change {
            Change::CauseFound { version, cause } => {
                self.causes.push(CauseVersion { number: *version, cause: cause.clone(), at, by: by.clone() });
            }
            Change::ActionAdded { action, plan } => self.actions.push(Action {
                number: *action,
                revision: 1,
                plan: plan.clone(),
                state: ActionState::Open,
                reviews: Vec::new(),
            }),
            Change::ActionChanged { action, plan } => self.change(*action, |found| found.plan = plan.clone()),
            Change::ActionDone { action, on, evidence } => self.change(*action, |found| {
                found.state = ActionState::Done { on: *on, evidence: evidence.clone() };
            }),
            Change::ActionDropped { action, reason } => {
                self.change(*action, |found| found.state = ActionState::Dropped { reason: reason.clone() });
            }
            Change::ActionReopened { action, .. } => self.change(*action, |found| found.state = ActionState::Open),
            Change::EffectReviewed { action, review } => {
                self.change(*action, |found| found.reviews.push(review.clone()));
            }
        }
        self
    }

    fn change(&mut self, number: u32, change: impl FnOnce(&mut Action)) {
        if let Some(action) = self.actions.iter_mut().find(|action| action.number == number) {
            action.revision = action.revision.saturating_add(1);
            change(action);
        }
    }
}

/// What changed. A file format: frozen by golden files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// A root cause was recorded, in the place of any before.
    CauseFound {
        /// 1, 2, 3 …
        version: u32,
        /// It.
        cause: RootCause,
    },
    /// A corrective action was added.
    ActionAdded {
        /// Its number.
        action: u32,
        /// What is to be done.
        plan: Plan,
    },
    /// An action, its owner or its day was changed.
    ActionChanged {
        /// Which.
        action: u32,
        /// What is to be done now.
        plan: Plan,
    },
    /// An action was done.
    ActionDone {
        /// Which.
        action: u32,
        /// On which day.
        on: NaiveDate,
        /// By what one can see that.
        evidence: LongText,
    },
    /// An action will not be done.
    ActionDropped {
        /// Which.
        action: u32,
        /// Why.
        reason: LongText,
    },
    /// An action is to be done after all.
    ActionReopened {
        /// Which.
        action: u32,
        /// Why.
        reason: LongText,
    },
    /// Somebody looked at what an action led to.
    EffectReviewed {
        /// Which.
        action: u32,
        /// What they found.
        review: Review,
    },
}

/// What a person asks. `today` is the day at the organisation; an action is named with the revision that its editor saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Record why it happened.
    FindCause {
        /// The version that the editor saw, 0 for none.
        base: u32,
        /// It.
        cause: RootCause,
    },
    /// Add a corrective action.
    Add {
        /// What is to be done.
        plan: Plan,
        /// The day here.
        today: NaiveDate,
    },
    /// Change what is to be done, by whom or by when.
    Change {
        /// Which.
        action: Seen,
        /// What is to be done now.
        plan: Plan,
        /// The day here.
        today: NaiveDate,
    },
    /// It was done.
    Done {
        /// Which.
        action: Seen,
        /// On which day.
        on: NaiveDate,
        /// By what one can see that.
        evidence: LongText,
        /// The day here.
        today: NaiveDate,
    },
    /// It will not be done.
    Drop {
        /// Which.
        action: Seen,
        /// Why.
        reason: LongText,
    },
    /// It is to be done after all.
    Reopen {
        /// Which.
        action: Seen,
        /// Why.
        reason: LongText,
    },
    /// Somebody looked at what it led to.
    Review {
        /// Which.
        action: Seen,
        /// What they found.
        review: Review,
        /// The day here.
        today: NaiveDate,
    },
}

/// An action as its editor saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Its number.
    pub number: u32,
    /// Its revision.
    pub revision: u32,
}

/// Why a command was refused. Public: each is a sentence for the person who asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Somebody else recorded a newer cause meanwhile.
    #[error("somebody else changed the root cause meanwhile")]
    CauseChanged {
        /// The version that stands.
        current: u32,
    },
    /// Somebody else changed the action meanwhile.
    #[error("somebody else changed this action meanwhile")]
    ActionMoved {
        /// Its revision now.
        current: u32,
    },
    /// Nothing differs.
    #[error("nothing was changed")]
    Same,
    /// Too many.
    #[error("a root cause is recorded {CAUSES_MAX} times at most")]
    TooManyCauses,
    /// Too many.
    #[error("an incident has {ACTIONS_MAX} corrective actions at most")]
    TooManyActions,
    /// Too many.
    #[error("an action is reviewed {REVIEWS_MAX} times at most")]
    TooManyReviews,
    /// No such action.
    #[error("there is no such action")]
    NoSuchAction,
    /// Its state does not allow this.
    #[error("this action is {state}")]
    WrongState {
        /// The word of its state.
        state: &'static str,
    },
    /// Due in the past, or too far ahead.
    #[error("an action is due today or later, and within ten years")]
    DueDay,
    /// Done in the future.
    #[error("an action cannot have been done in the future")]
    DoneInFuture,
    /// Reviewed in the future, or before it was done.
    #[error("the effect is looked at after the action was done, and not in the future")]
    ReviewDay,
    /// Erasure would lose what is still to be done.
    #[error(
        "corrective actions are still open ({open}): mark each as done, or drop it, before the contents are erased"
    )]
    StillOpen {
        /// How many.
        open: u32,
    },
}

/// The rules.
pub(super) fn decide(
    incident: &Incident,
    command: &Command,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, super::Refusal> {
    match incident.stage {
        Stage::Held | Stage::Active | Stage::Withdrawn { .. } | Stage::Closed => {}
        Stage::Anonymised => return Err(super::Refusal::NotOpen { stage: incident.stage.word() }),
    }
    let change = changed(&incident.lessons, command)?;
    Ok(vec![Event::Lessons { change, at: now, by: by.clone() }])
}

fn changed(lessons: &Lessons, command: &Command) -> Result<Change, Refusal> {
    match command {
        Command::FindCause { base, cause } => find_cause(lessons, *base, cause),
        Command::Add { plan, today } => {
            if lessons.actions.len() >= ACTIONS_MAX {
                return Err(Refusal::TooManyActions);
            }
            must_be_due_ahead(plan.due_on, *today)?;
            let action = lessons.actions.last().map_or(1, |action| action.number.saturating_add(1));
            Ok(Change::ActionAdded { action, plan: plan.clone() })
        }
        Command::Change { action, plan, today } => {
            let found = open(lessons, *action)?;
            if found.plan == *plan {
                return Err(Refusal::Same);
            }
            // An overdue action keeps its day when only its words change.
            if plan.due_on != found.plan.due_on {
                must_be_due_ahead(plan.due_on, *today)?;
            }
            Ok(Change::ActionChanged { action: found.number, plan: plan.clone() })
        }
        Command::Done { action, on, evidence, today } => {
            let found = open(lessons, *action)?;
            if on > today {
                return Err(Refusal::DoneInFuture);
            }
            Ok(Change::ActionDone { action: found.number, on: *on, evidence: evidence.clone() })
        }
        Command::Drop { action, reason } => {
            let found = open(lessons, *action)?;
            Ok(Change::ActionDropped { action: found.number, reason: reason.clone() })
        }
        Command::Reopen { action, reason } => {
            let found = seen(lessons, *action)?;
            match found.state {
                ActionState::Open => Err(Refusal::WrongState { state: found.state.word() }),
                ActionState::Done { .. } | ActionState::Dropped { .. } => {
                    Ok(Change::ActionReopened { action: found.number, reason: reason.clone() })
                }
            }
        }
        Command::Review { action, review, today } => reviewed(lessons, *action, review, *today),
    }
}

fn find_cause(lessons: &Lessons, base: u32, cause: &RootCause) -> Result<Change, Refusal> {
    let current = lessons.cause().map_or(0, |version| version.number);
    if base != current {
        return Err(Refusal::CauseChanged { current });
    }
    if lessons.cause().is_some_and(|version| version.cause == *cause) {
        return Err(Refusal::Same);
    }
    if lessons.causes.len() >= CAUSES_MAX {
        return Err(Refusal::TooManyCauses);
    }
    Ok(Change::CauseFound { version: current.saturating_add(1), cause: cause.clone() })
}

fn reviewed(lessons: &Lessons, action: Seen, review: &Review, today: NaiveDate) -> Result<Change, Refusal> {
    let found = seen(lessons, action)?;
    let done_on = match &found.state {
        ActionState::Done { on, .. } => *on,
        ActionState::Open | ActionState::Dropped { .. } => {
            return Err(Refusal::WrongState { state: found.state.word() });
        }
    };
    if review.on < done_on || review.on > today {
        return Err(Refusal::ReviewDay);
    }
    if found.reviews.len() >= REVIEWS_MAX {
        return Err(Refusal::TooManyReviews);
    }
    Ok(Change::EffectReviewed { action: found.number, review: review.clone() })
}

fn seen(lessons: &Lessons, action: Seen) -> Result<&Action, Refusal> {
    let found = lessons.action(action.number).ok_or(Refusal::NoSuchAction)?;
    if found.revision == action.revision { Ok(found) } else { Err(Refusal::ActionMoved { current: found.revision }) }
}

fn open(lessons: &Lessons, action: Seen) -> Result<&Action, Refusal> {
    let found = seen(lessons, action)?;
    match found.state {
        ActionState::Open => Ok(found),
        ActionState::Done { .. } | ActionState::Dropped { .. } => {
            Err(Refusal::WrongState { state: found.state.word() })
        }
    }
}

fn must_be_due_ahead(due_on: NaiveDate, today: NaiveDate) -> Result<(), Refusal> {
    let last = today.checked_add_days(Days::new(DUE_DAYS_MAX)).unwrap_or(NaiveDate::MAX);
    if (today..=last).contains(&due_on) { Ok(()) } else { Err(Refusal::DueDay) }
}

/// Refuses while something is still to be done: its words would be lost.
pub(super) fn must_be_over(lessons: &Lessons) -> Result<(), Refusal> {
    match lessons.open() {
        0 => Ok(()),
        open => Err(Refusal::StillOpen { open: super::fan_out::index(open) }),
    }
}
