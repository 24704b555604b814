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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600;

    fn due() -> Moment {
        Moment::parse("2026-03-05T02:10:00Z").unwrap()
    }

    fn anchored() -> Moment {
        due().plus_seconds(-48 * HOUR)
    }

    fn at_minutes(minutes: i32) -> Moment {
        due().plus_seconds(i64::from(minutes) * 60)
    }

    #[test]
    fn steps_come_before_at_hourly_for_a_day_and_daily_for_a_year() {
        let mut steps = Vec::new();
        while let Some(step) = offset_after(steps.last().copied()) {
            steps.push(step);
        }
        let (before, after) = steps.split_at(6);
        assert_eq!(before, all_before_due());
        assert_eq!(before, [-1440, -720, -360, -120, -30, 0]);
        assert!(after.iter().take(24).copied().eq((1..=24).map(|hour| hour * 60)));
        assert!(after.iter().skip(24).copied().eq((2..=365).map(|day| day * 1440)));
    }

    #[test]
    fn a_step_fires_at_its_instant_not_before() {
        let early = decide(due(), anchored(), None, at_minutes(-1440).plus_seconds(-1));
        assert_eq!(early, StepDecision { fire: None, passed: vec![], next_at: Some(at_minutes(-1440)) });
        let on_time = decide(due(), anchored(), None, at_minutes(-1440));
        assert_eq!(on_time, StepDecision { fire: Some(-1440), passed: vec![], next_at: Some(at_minutes(-720)) });
        assert_eq!(on_time.reached(), Some(-1440));
        let again = decide(due(), anchored(), on_time.reached(), at_minutes(-1440));
        assert_eq!(again, StepDecision { fire: None, passed: vec![], next_at: Some(at_minutes(-720)) });
    }

    #[test]
    fn after_a_sleep_the_most_urgent_fires_and_the_others_are_passed() {
        let woken = decide(due(), anchored(), Some(-1440), at_minutes(61));
        assert_eq!(woken.fire, Some(60));
        assert_eq!(woken.passed, [-720, -360, -120, -30, 0]);
        assert_eq!(woken.next_at, Some(at_minutes(120)));
    }

    #[test]
    fn steps_at_or_before_the_anchor_are_passed_and_never_fire() {
        let anchor = at_minutes(-720);
        let at_start = decide(due(), anchor, None, anchor);
        assert_eq!(at_start, StepDecision { fire: None, passed: vec![-1440, -720], next_at: Some(at_minutes(-360)) });
        assert_eq!(at_start.reached(), Some(-720));
        assert_eq!(first_step_at(due(), anchor), at_minutes(-360));
        assert_eq!(first_step_at(due(), anchored()), at_minutes(-1440));
        assert_eq!(next_step_after(due(), at_start.reached()), Some(at_minutes(-360)));
    }

    #[test]
    fn a_very_long_sleep_stays_bounded_and_the_ladder_ends_after_a_year() {
        let woken = decide(due(), anchored(), None, due().plus_seconds(1000 * 24 * HOUR));
        assert_eq!((woken.fire, woken.next_at), (Some(LAST), None));
        assert_eq!((woken.passed.len(), woken.passed.last().copied()), (PASSED_MAX, Some(LAST - MINUTES_PER_DAY)));
        assert_eq!(next_step_after(due(), Some(LAST)), None);
        let later = decide(due(), anchored(), woken.reached(), due().plus_seconds(2000 * 24 * HOUR));
        assert_eq!(later, StepDecision { fire: None, passed: vec![], next_at: None });
    }

    #[test]
    fn the_state_is_stored_and_read_back() {
        let state = LadderState {
            kind: ClockKind::IcoReport,
            due: due(),
            last_offset: Some(-30),
            in_hand: Some(Actor::Node),
            ended: false,
        };
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<LadderState>(&json).unwrap(), state);
    }

    proptest! {
        /// Over any sequence of ticks every step is fired or passed once, in order, and never ahead of its time.
        #[test]
        fn every_step_happens_once(
            length in 1..200_i64,
            mut ticks in prop::collection::vec(0..60_i64 * 24 * 60, 1..60),
        ) {
            ticks.sort_unstable();
            let anchored = due().plus_seconds(-length * HOUR);
            let (mut last, mut seen, mut fired) = (None, BTreeSet::new(), Vec::new());
            for minutes in ticks {
                let now = anchored.plus_seconds(minutes * 60);
                let decision = decide(due(), anchored, last, now);
                for step in decision.passed.iter().chain(&decision.fire) {
                    prop_assert!(seen.insert(*step), "a step happens once");
                    prop_assert!(step_at(due(), *step) <= now.max(anchored));
                }
                if let Some(step) = decision.fire {
                    prop_assert!(step_at(due(), step) > anchored);
                    fired.push(step);
                }
                prop_assert!(decision.next_at.is_none_or(|next| next > now));
                let reached = decision.reached();
                prop_assert_eq!(next_step_after(due(), reached.or(last)), decision.next_at);
                last = reached.or(last);
            }
            prop_assert!(fired.is_sorted());
        }

        /// Ticking every minute fires each step after the anchor at exactly its instant, and passes none of them.
        #[test]
        fn an_awake_node_misses_nothing(length in 1..72_i32) {
            let anchor = at_minutes(-length * 60);
            let (mut last, mut fired) = (None, Vec::new());
            for minutes in -length * 60..=180 {
                let decision = decide(due(), anchor, last, at_minutes(minutes));
                prop_assert!(decision.fire.is_none_or(|step| step == minutes));
                fired.extend(decision.fire);
                last = decision.reached().or(last);
            }
            let expected: Vec<i32> = [-1440, -720, -360, -120, -30, 0, 60, 120, 180]
                .into_iter()
                .filter(|step| *step > -length * 60)
                .collect();
            prop_assert_eq!(fired, expected);
        }
    }
}
