//! Steps of escalation before and after a due instant.
//!
//! A ladder belongs to one clock kind and one due instant, not to each partner (ruling 11): one step names everybody
//! still outstanding. [`decide`] is level-triggered: it looks at the instant and at the last step recorded, never at how
//! often it was asked, so a step fires exactly once, also after a restart. Of several steps slept through only the most
//! urgent one fires, so that catching up after downtime is no storm.

use serde::{Deserialize, Serialize};

use crate::clock::ClockKind;
use crate::values::{Actor, Moment};

const MINUTES_PER_HOUR: i32 = 60;
const MINUTES_PER_DAY: i32 = 24 * MINUTES_PER_HOUR;
const SECONDS_PER_MINUTE: i64 = 60;

/// Steps up to the due instant, in minutes from it: 24, 12, 6 and 2 hours and 30 minutes before, and at it.
const UP_TO_DUE: [i32; 6] = [-MINUTES_PER_DAY, -720, -360, -120, -30, 0];
/// After the due instant a step comes every hour up to here, then every day.
const HOURLY_UNTIL: i32 = MINUTES_PER_DAY;
/// The last step: a year after the due instant.
const LAST: i32 = 365 * MINUTES_PER_DAY;
/// Steps slept through that one decision reports; older ones follow from the last step recorded.
const PASSED_MAX: usize = 60;

const _: () = {
    let [a, b, c, d, e, at_due] = UP_TO_DUE;
    assert!(a < b && b < c && c < d && d < e && e < at_due, "steps come in order");
    assert!(at_due == 0, "the last of these is the due instant itself");
    assert!(HOURLY_UNTIL % MINUTES_PER_HOUR == 0 && HOURLY_UNTIL % MINUTES_PER_DAY == 0, "hours meet days");
    assert!(LAST > HOURLY_UNTIL && LAST % MINUTES_PER_DAY == 0, "the last step is a daily one");
};

/// How far a ladder has been climbed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LadderState {
    /// Which duty.
    pub kind: ClockKind,
    /// Due when.
    pub due: Moment,
    /// The last step that fired or was passed, in minutes from the due instant; `None` before the first.
    pub last_offset: Option<i32>,
    /// The named person who sees to it; the ladder has stopped.
    pub in_hand: Option<Actor>,
    /// Nothing is outstanding any more.
    pub ended: bool,
}

/// What a ladder does at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepDecision {
    /// The step to fire now, in minutes from the due instant.
    pub fire: Option<i32>,
    /// Steps to record as passed without firing, in order: those at or before the anchor, and those slept through. At
    /// most 60, the latest.
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

/// What fires at `now`, given the last step recorded. A step fires from its own instant on; one that lies at or before
/// the anchor never fires.
#[must_use]
pub fn decide(due: Moment, anchored_at: Moment, last_offset: Option<i32>, now: Moment) -> StepDecision {
    let mut passed = Vec::new();
    let mut fire = None;
    let mut last = last_offset;
    let mut next_at = None;
    while let Some(offset) = offset_after(last) {
        let at = step_at(due, offset);
        if at <= anchored_at {
            passed.push(offset);
        } else if at <= now {
            passed.extend(fire.replace(offset));
        } else {
            next_at = Some(at);
            break;
        }
        last = Some(offset);
    }
    let surplus = passed.len().saturating_sub(PASSED_MAX);
    passed.drain(..surplus);
    StepDecision { fire, passed, next_at }
}

/// When the first step after the anchor comes.
#[must_use]
pub fn first_step_at(due: Moment, anchored_at: Moment) -> Moment {
    let mut last = None;
    while let Some(offset) = offset_after(last) {
        let at = step_at(due, offset);
        if at > anchored_at {
            return at;
        }
        last = Some(offset);
    }
    due
}

/// When the step after `last_offset` comes; `None` after the last one.
#[must_use]
pub fn next_step_after(due: Moment, last_offset: Option<i32>) -> Option<Moment> {
    offset_after(last_offset).map(|offset| step_at(due, offset))
}

/// The steps up to and at the due instant, in minutes from it, in order: the ticks on a clock's track.
#[must_use]
pub const fn all_before_due() -> &'static [i32] {
    &UP_TO_DUE
}

fn step_at(due: Moment, offset: i32) -> Moment {
    due.plus_seconds(i64::from(offset) * SECONDS_PER_MINUTE)
}

/// The first step after this one, in minutes from the due instant.
fn offset_after(last: Option<i32>) -> Option<i32> {
    let last = last.unwrap_or(i32::MIN);
    if let Some(step) = UP_TO_DUE.into_iter().find(|step| *step > last) {
        return Some(step);
    }
    let every = if last < HOURLY_UNTIL { MINUTES_PER_HOUR } else { MINUTES_PER_DAY };
    let next = (last / every + 1).checked_mul(every)?;
    (next <= LAST).then_some(next)
}
