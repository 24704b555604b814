//! What an incident cost: amounts by kind, each corrected or struck out with a reason.
//!
//! Invoices come late, so costs outlive the incident's duties and are recorded on a closed one too. Amounts survive
//! erasure, because what breaches cost is asked over years; notes and reasons do not.

mod amount;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Event, Incident, Stage};
use crate::choices::choices;
use crate::values::{Actor, Line, LongText, Moment};

pub use amount::{Fault as AmountFault, PENCE_MAX, Pence, decimal, pounds};

/// Costs of one incident, those struck out included.
pub const COSTS_MAX: usize = 200;
/// Corrections of one cost.
pub const CORRECTIONS_MAX: usize = 20;
/// The first year of a day that a cost can fall on: whatever is earlier is a slip of the hand.
const YEAR_FIRST: i32 = 2000;

choices! {
    /// What the money, or the time, went into. In statistics and files: a list only grows at its end.
    Kind {
        /// Our own people's time.
        StaffTime => "staff_time";
        /// Others who helped.
        OutsideHelp => "outside_help";
        /// Telling the people affected.
        TellingPeople => "telling_people";
        /// What they were offered.
        Support => "support";
        /// Equipment and services.
        Replacement => "replacement";
        /// Compensation.
        Compensation => "compensation";
        /// A penalty.
        Penalty => "penalty";
        /// Anything else.
        Other => "other";
    }
}

impl Kind {
    /// The label that people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::StaffTime => "Staff time",
            Self::OutsideHelp => "Outside help",
            Self::TellingPeople => "Telling people",
            Self::Support => "Support for the people affected",
            Self::Replacement => "Replacing equipment or services",
            Self::Compensation => "Compensation",
            Self::Penalty => "Penalty",
            Self::Other => "Something else",
        }
    }

    /// What belongs to it; empty where the label says it.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::StaffTime => "Hours of your own people, at what an hour costs you.",
            Self::OutsideHelp => "Such as forensic or legal advice.",
            Self::TellingPeople => "Such as letters, postage, a telephone line.",
            Self::Support => "Such as credit monitoring.",
            Self::Compensation => "Paid to people or partners, agreed or ordered.",
            Self::Penalty => "Imposed by a regulator.",
            Self::Replacement | Self::Other => "",
        }
    }
}

/// A cost, as a person says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// What it went into.
    pub kind: Kind,
    /// How much, in pence.
    pub pence: Pence,
    /// The day it fell on, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<NaiveDate>,
    /// It is an estimate, until somebody corrects it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimate: bool,
    /// Anything to add, such as the number of an invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Line>,
}

impl Cost {
    const fn kept(&self) -> Kept {
        Kept { kind: self.kind, pence: self.pence, on: self.on, estimate: self.estimate }
    }
}

/// A cost without words: what survives erasure, and what figures are made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What it went into.
    pub kind: Kind,
    /// How much, in pence.
    pub pence: Pence,
    /// The day it fell on, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<NaiveDate>,
    /// It is an estimate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimate: bool,
}

/// A cost as it was recorded, or corrected to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// It.
    pub cost: Cost,
    /// Why it was corrected; absent in the first version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<LongText>,
    /// When.
    pub at: Moment,
    /// By whom.
    pub by: Actor,
}

/// Why a cost does not stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Struck {
    /// Why.
    pub reason: LongText,
    /// When.
    pub at: Moment,
    /// By whom.
    pub by: Actor,
}

/// A cost on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// 1, 2, 3 … within its incident.
    pub number: u32,
    /// As it stands.
    pub current: Version,
    /// As it stood before, the oldest first.
    pub earlier: Vec<Version>,
    /// It was struck out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub struck: Option<Struck>,
}

impl Recorded {
    /// 1, and one more with each correction: whoever changes an older one is refused.
    #[must_use]
    pub fn revision(&self) -> u32 {
        super::fan_out::index(self.earlier.len()).saturating_add(1)
    }
}

/// Everything that one incident cost.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Costs {
    /// In the order recorded.
    pub recorded: Vec<Recorded>,
    /// After erasure: those that stood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub survived: Vec<Kept>,
}

impl Costs {
    /// One cost, also when it is struck out.
    #[must_use]
    pub fn cost(&self, number: u32) -> Option<&Recorded> {
        self.recorded.iter().find(|recorded| recorded.number == number)
    }

    /// Those that stand, without words, also after erasure.
    pub fn standing(&self) -> impl Iterator<Item = Kept> {
        let stand = self.recorded.iter().filter(|recorded| recorded.struck.is_none());
        self.survived.iter().copied().chain(stand.map(|recorded| recorded.current.cost.kept()))
    }

    /// What all that stand come to, in pence; `None` when none does.
    #[must_use]
    pub fn total(&self) -> Option<i64> {
        self.standing().map(|cost| cost.pence.get()).reduce(i64::saturating_add)
    }

    /// How much of that is estimated, in pence.
    #[must_use]
    pub fn estimated(&self) -> i64 {
        self.standing().filter(|cost| cost.estimate).map(|cost| cost.pence.get()).fold(0, i64::saturating_add)
    }

    /// Each kind with what stands under it in pence, in the order of [`Kind::ALL`], without those that have nothing.
    #[must_use]
    pub fn by_kind(&self) -> Vec<(Kind, i64)> {
        let sum = |kind: Kind| {
            let of_it = self.standing().filter(|cost| cost.kind == kind);
            of_it.map(|cost| cost.pence.get()).fold(0, i64::saturating_add)
        };
        Kind::ALL.iter().map(|kind| (*kind, sum(*kind))).filter(|(_, pence)| *pence > 0).collect()
    }

    /// After one more change.
    #[must_use]
    pub(super) fn after(mut self, change: &Change, at: Moment, by: &Actor) -> Self {
        match change {
            Change::Recorded { number, cost } => self.recorded.push(Recorded {
                number: *number,
                current: Version { cost: cost.clone(), reason: None, at, by: by.clone() },
                earlier: Vec::new(),
                struck: None,
            }),
            Change::Corrected { number, cost, reason } => self.change(*number, |found| {
                let version = Version { cost: cost.clone(), reason: Some(reason.clone()), at, by: by.clone() };
                found.earlier.push(std::mem::replace(&mut found.current, version));
            }),
            Change::Struck { number, reason } => self.change(*number, |found| {
                found.struck = Some(Struck { reason: reason.clone(), at, by: by.clone() });
            }),
        }
        self
    }

    fn change(&mut self, number: u32, change: impl FnOnce(&mut Recorded)) {
        if let Some(found) = self.recorded.iter_mut().find(|recorded| recorded.number == number) {
            change(found);
        }
    }
}

/// What changed. A file format: frozen by golden files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// A cost was recorded.
    Recorded {
        /// 1, 2, 3 …
        number: u32,
        /// It.
        cost: Cost,
    },
    /// A cost was corrected; what it was stays on record.
    Corrected {
        /// Which.
        number: u32,
        /// What it is.
        cost: Cost,
        /// Why.
        reason: LongText,
    },
    /// A cost was struck out: it should not have been recorded.
    Struck {
        /// Which.
        number: u32,
        /// Why.
        reason: LongText,
    },
}

/// What a person asks. `today` is the day at the organisation; a cost is named with the revision that its editor saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Record a cost.
    Record {
        /// It.
        cost: Cost,
        /// The day here.
        today: NaiveDate,
    },
    /// Correct a cost, for example when the invoice of an estimate has come.
    Correct {
        /// Which.
        seen: Seen,
        /// What it is.
        cost: Cost,
        /// Why.
        reason: LongText,
        /// The day here.
        today: NaiveDate,
    },
    /// Strike a cost out.
    Strike {
        /// Which.
        seen: Seen,
        /// Why.
        reason: LongText,
    },
}

/// A cost as its editor saw it.
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
    /// Somebody else corrected it meanwhile.
    #[error("somebody else corrected this cost meanwhile")]
    CostMoved {
        /// Its revision now.
        current: u32,
    },
    /// Nothing differs.
    #[error("nothing was changed")]
    Same,
    /// Too many.
    #[error("an incident has {COSTS_MAX} costs at most; add small ones together")]
    TooManyCosts,
    /// Too many.
    #[error("a cost is corrected {CORRECTIONS_MAX} times at most; strike it out and record it anew")]
    TooManyCorrections,
    /// No such cost.
    #[error("there is no such cost")]
    NoSuchCost,
    /// It is struck out.
    #[error("this cost is struck out already")]
    StruckOut,
    /// In the future.
    #[error("a cost cannot have fallen on a day in the future; leave the day empty until it is there")]
    InFuture,
    /// Too long ago.
    #[error("a cost falls on a day in {YEAR_FIRST} or later")]
    TooEarly,
}

/// The rules. Costs come in as long as their words can be kept.
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
    let change = changed(&incident.costs, command)?;
    Ok(vec![Event::Costs { change, at: now, by: by.clone() }])
}

fn changed(costs: &Costs, command: &Command) -> Result<Change, Refusal> {
    match command {
        Command::Record { cost, today } => {
            if costs.recorded.len() >= COSTS_MAX {
                return Err(Refusal::TooManyCosts);
            }
            must_have_a_possible_day(cost, *today)?;
            let number = costs.recorded.last().map_or(1, |last| last.number.saturating_add(1));
            Ok(Change::Recorded { number, cost: cost.clone() })
        }
        Command::Correct { seen, cost, reason, today } => {
            let found = standing(costs, *seen)?;
            if found.current.cost == *cost {
                return Err(Refusal::Same);
            }
            if found.earlier.len() >= CORRECTIONS_MAX {
                return Err(Refusal::TooManyCorrections);
            }
            must_have_a_possible_day(cost, *today)?;
            Ok(Change::Corrected { number: found.number, cost: cost.clone(), reason: reason.clone() })
        }
        Command::Strike { seen, reason } => {
            let found = standing(costs, *seen)?;
            Ok(Change::Struck { number: found.number, reason: reason.clone() })
        }
    }
}

fn standing(costs: &Costs, seen: Seen) -> Result<&Recorded, Refusal> {
    let found = costs.cost(seen.number).ok_or(Refusal::NoSuchCost)?;
    if found.struck.is_some() {
        return Err(Refusal::StruckOut);
    }
    let current = found.revision();
    if current == seen.revision { Ok(found) } else { Err(Refusal::CostMoved { current }) }
}

fn must_have_a_possible_day(cost: &Cost, today: NaiveDate) -> Result<(), Refusal> {
    use chrono::Datelike as _;
    match cost.on {
        Some(on) if on > today => Err(Refusal::InFuture),
        Some(on) if on.year() < YEAR_FIRST => Err(Refusal::TooEarly),
        Some(_) | None => Ok(()),
    }
}
