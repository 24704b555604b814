//! Steps of escalation before and after a due instant.
//!
//! A ladder belongs to one clock kind and one due instant, not to each partner (ruling 11): one step names everybody
//! still outstanding. Which steps there are, whom each reaches and by which channels is data: a [`Plan`] per clock kind,
//! with a default. [`decide`] is level-triggered: it looks at the instant and at the last step recorded, never at how
//! often it was asked, so a step fires exactly once, also after a restart and after a change of the plan. Of several
//! steps slept through only the most urgent one fires, so that catching up after downtime is no storm.
//!
//! **A plan that changes** governs the steps still to come. What was recorded stays, and a step that the change adds
//! fires only if its instant lies after the change: nobody is called for an instant that had no step when it came.

mod orders;
mod plan;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::clock::ClockKind;
use crate::values::{Actor, Moment, PersonId};

pub use self::orders::{Orders, REACHED_MAX, Reachable, Reached};
pub use self::plan::{
    Channels, HOURLY_UNTIL_MAX, LAPSE_MINUTES, OFFSET_MAX, OFFSET_MIN, PEOPLE_MAX, Plan, PlanFault, Plans, Reach,
    STEPS_MAX, Step,
};

const SECONDS_PER_MINUTE: i64 = 60;
/// Steps slept through that one decision reports; older ones follow from the last step recorded.
const PASSED_MAX: usize = 60;

/// How far a ladder has been climbed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LadderState {
    /// Which duty.
    pub kind: ClockKind,
    /// Due when.
    pub due: Moment,
    /// The last step that fired or was passed, in minutes from the due instant; `None` before the first.
    pub last_offset: Option<i32>,
    /// How many steps fired.
    #[serde(default)]
    pub fired: u32,
    /// The named person who sees to it; the ladder has stopped.
    pub in_hand: Option<Actor>,
    /// Since when.
    #[serde(default)]
    pub in_hand_at: Option<Moment>,
    /// Whom the last step asked to say that they have seen it.
    #[serde(default)]
    pub asked: Vec<PersonId>,
    /// Who of them has.
    #[serde(default)]
    pub seen: Vec<PersonId>,
    /// Nothing is outstanding any more.
    pub ended: bool,
}

impl LadderState {
    /// A ladder at its foot.
    #[must_use]
    pub const fn new(kind: ClockKind, due: Moment) -> Self {
        Self {
            kind,
            due,
            last_offset: None,
            fired: 0,
            in_hand: None,
            in_hand_at: None,
            asked: Vec::new(),
            seen: Vec::new(),
            ended: false,
        }
    }

    /// Who was asked to say that they have seen the last step, and has not.
    #[must_use]
    pub fn unseen(&self) -> Vec<PersonId> {
        self.asked.iter().filter(|person| !self.seen.contains(person)).copied().collect()
    }

    /// When the taking in hand lapses; `None` when nobody has it in hand, or it never does.
    #[must_use]
    pub fn lapses_at(&self, plan: &Plan) -> Option<Moment> {
        self.in_hand.as_ref()?;
        // Of one from before the instant was kept nothing is known but that it is old.
        lapse_at(plan, self.in_hand_at.unwrap_or(self.due))
    }

    /// A step fired.
    pub(crate) fn fire(&mut self, offset_minutes: i32, reached: &Reached) {
        self.last_offset = Some(offset_minutes);
        self.fired = self.fired.saturating_add(1);
        self.asked = if reached.must_see { reached.people.clone() } else { Vec::new() };
        self.seen = Vec::new();
        self.ended = false;
    }

    /// A person took it in hand. A ladder that had ended is looked at again then, and ends again.
    pub(crate) fn take(&mut self, by: &Actor, at: Moment) {
        self.ended = false;
        self.in_hand = Some(by.clone());
        self.in_hand_at = Some(at);
    }

    /// What the chapter of ladders decided.
    pub(crate) fn change(&mut self, change: &LadderChange, by: &Actor) {
        match change {
            LadderChange::Lapsed { .. } => {
                self.in_hand = None;
                self.in_hand_at = None;
            }
            LadderChange::Seen { .. } => self.seen.extend(by.person()),
        }
    }
}

/// When a duty taken in hand at an instant goes on climbing; `None`: never.
#[must_use]
pub fn lapse_at(plan: &Plan, taken_at: Moment) -> Option<Moment> {
    plan.lapse_minutes.map(|minutes| taken_at.plus_seconds(i64::from(minutes) * SECONDS_PER_MINUTE))
}

/// What is decided about a ladder beside its steps. A file format, like the events that carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum LadderChange {
    /// Somebody had taken the duty in hand and the stated time went by: the ladder goes on.
    Lapsed {
        /// Which duty.
        kind: ClockKind,
        /// Due when.
        due: Moment,
        /// Who had it in hand.
        holder: Actor,
    },
    /// A person whom the last step reached says that they have seen it.
    Seen {
        /// Which duty.
        kind: ClockKind,
        /// Due when.
        due: Moment,
    },
}

impl LadderChange {
    /// Which duty.
    #[must_use]
    pub const fn kind(&self) -> ClockKind {
        match self {
            Self::Lapsed { kind, .. } | Self::Seen { kind, .. } => *kind,
        }
    }

    /// Due when.
    #[must_use]
    pub const fn due(&self) -> Moment {
        match self {
            Self::Lapsed { due, .. } | Self::Seen { due, .. } => *due,
        }
    }
}

/// What a person asks of a ladder, beside taking it in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LadderCommand {
    /// They have seen the last step, which asked them to say so.
    MarkSeen {
        /// Which duty.
        kind: ClockKind,
        /// Due when.
        due: Moment,
    },
}

/// Why such a command was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LadderRefusal {
    /// No such ladder, or it has ended.
    #[error("there is no such duty to see to")]
    NoSuchDuty,
    /// The last step did not ask this person.
    #[error("the last step did not ask you to say that you have seen it")]
    NotAsked,
    /// They have said so.
    #[error("you have said already that you have seen it")]
    SeenAlready,
}

/// Decides a command on a ladder as it stands.
///
/// # Errors
/// A [`LadderRefusal`]; then nothing has happened.
pub fn command(
    ladder: Option<&LadderState>,
    command: &LadderCommand,
    by: &Actor,
) -> Result<LadderChange, LadderRefusal> {
    let LadderCommand::MarkSeen { kind, due } = *command;
    let ladder = ladder.filter(|ladder| !ladder.ended).ok_or(LadderRefusal::NoSuchDuty)?;
    let person = by.person().ok_or(LadderRefusal::NotAsked)?;
    if !ladder.asked.contains(&person) {
        return Err(LadderRefusal::NotAsked);
    }
    if ladder.seen.contains(&person) {
        return Err(LadderRefusal::SeenAlready);
    }
    Ok(LadderChange::Seen { kind, due })
}

/// The lapse of a ladder that somebody took in hand, when its time has come.
#[must_use]
pub fn lapsed(ladder: &LadderState, plan: &Plan, now: Moment) -> Option<LadderChange> {
    let holder = ladder.in_hand.clone()?;
    let at = ladder.lapses_at(plan)?;
    (at <= now).then_some(LadderChange::Lapsed { kind: ladder.kind, due: ladder.due, holder })
}

/// What a ladder does at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepDecision {
    /// The step to fire now, in minutes from the due instant.
    pub fire: Option<i32>,
    /// Steps to record as passed without firing, in order: those at or before the anchor, those slept through, and those
    /// that were added to the plan after their instant. At most 60, the latest.
    pub passed: Vec<i32>,
    /// When the next step comes, after those above; `None` after the last.
    pub next_at: Option<Moment>,
}

impl StepDecision {
    /// The step reached by recording this decision: the new [`LadderState::last_offset`]. `None` when nothing happens.
    #[must_use]
    pub fn reached(&self) -> Option<i32> {
        self.fire.or_else(|| self.passed.last().copied())
    }
}

/// What fires at `now` by the plan, given the last step recorded. A step fires from its own instant on; one that lies at
/// or before the anchor, or before it was in the plan, never fires.
#[must_use]
pub fn decide(plan: &Plan, due: Moment, anchored_at: Moment, last_offset: Option<i32>, now: Moment) -> StepDecision {
    let mut passed = Vec::new();
    let mut fire = None;
    let mut last = last_offset;
    let mut next_at = None;
    while let Some(offset) = plan.offset_after(last) {
        let at = step_at(due, offset);
        if plan.is_void(offset, at, anchored_at) {
            passed.push(offset);
        } else if at <= now {
            passed.extend(fire.replace(offset));
        } else {
            next_at = Some(at);
            break;
        }
        last = Some(offset);
    }
    // A void step after one that fires is behind it only when it is earlier: the record stays in order.
    passed.sort_unstable();
    passed.retain(|offset| fire.is_none_or(|fire| *offset < fire));
    let surplus = passed.len().saturating_sub(PASSED_MAX);
    passed.drain(..surplus);
    StepDecision { fire, passed, next_at }
}

/// When the first step after `last_offset` comes that can fire; `None` after the last one.
#[must_use]
pub fn next_step(plan: &Plan, due: Moment, anchored_at: Moment, last_offset: Option<i32>) -> Option<Moment> {
    let mut last = last_offset;
    while let Some(offset) = plan.offset_after(last) {
        let at = step_at(due, offset);
        if !plan.is_void(offset, at, anchored_at) {
            return Some(at);
        }
        last = Some(offset);
    }
    None
}

fn step_at(due: Moment, offset: i32) -> Moment {
    due.plus_seconds(i64::from(offset) * SECONDS_PER_MINUTE)
}
