//! A plan: the steps of one kind of duty, as data that an administrator keeps.
//!
//! Up to [`STEPS_MAX`] steps are listed; after the last of them the ladder goes on every hour, then every day, with
//! whom and how as in the last one listed. Steps every day keep the hour of that one, where none every hour come between.
//! Each step carries since when the plan has had it, so that a change calls
//! nobody for an instant that has gone by.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::clock::ClockKind;
use crate::values::{Moment, PersonId, Role};

const MINUTES_PER_HOUR: i32 = 60;
const MINUTES_PER_DAY: i32 = 24 * MINUTES_PER_HOUR;

/// Steps listed in one plan.
pub const STEPS_MAX: usize = 20;
/// The earliest step, in minutes from the due instant: 30 days before.
pub const OFFSET_MIN: i32 = -30 * MINUTES_PER_DAY;
/// The latest step, in minutes from the due instant: a year after.
pub const OFFSET_MAX: i32 = 365 * MINUTES_PER_DAY;
/// A ladder goes on every hour at most until then, in minutes after the due instant: a week.
pub const HOURLY_UNTIL_MAX: i32 = 7 * MINUTES_PER_DAY;
/// After how many minutes a duty taken in hand goes on climbing: a quarter of an hour to a week.
pub const LAPSE_MINUTES: RangeInclusive<u32> = 15..=7 * 24 * 60;
/// People named in one step.
pub const PEOPLE_MAX: usize = 20;

/// The built-in steps, in minutes from the due instant: 24, 12, 6 and 2 hours and 30 minutes before, and at it.
const UP_TO_DUE: [i32; 6] = [-MINUTES_PER_DAY, -720, -360, -120, -30, 0];
/// The built-in plan lets a duty that was taken in hand climb on after four hours.
const LAPSE_DEFAULT: u32 = 4 * 60;
/// The built-in steps of duties that are counted in days and end with one, just before midnight: at about 09:00 on the day
/// seven days before the last, two days before it, on it, and on the day after, so that they come when people are at work.
const MORNINGS: [i32; 4] = [
    -7 * MINUTES_PER_DAY + MORNING - MINUTES_PER_DAY,
    -2 * MINUTES_PER_DAY + MORNING - MINUTES_PER_DAY,
    MORNING - MINUTES_PER_DAY,
    MORNING,
];
/// From midnight.
const MORNING: i32 = 9 * MINUTES_PER_HOUR;
/// After these every day, for so long after the due instant: 30 with the first.
const DAYS_AFTER_DUE: i32 = 30 * MINUTES_PER_DAY;
/// In hand for a day.
const DAYS_LAPSE: u32 = 24 * 60;

const _: () = {
    let [a, b, c, d, e, at_due] = UP_TO_DUE;
    assert!(a < b && b < c && c < d && d < e && e < at_due, "steps come in order");
    assert!(at_due == 0, "the last of these is the due instant itself");
    assert!(a >= OFFSET_MIN && OFFSET_MAX % MINUTES_PER_DAY == 0, "the built-in plan keeps the limits");
    assert!(LAPSE_DEFAULT >= *LAPSE_MINUTES.start() && LAPSE_DEFAULT <= *LAPSE_MINUTES.end(), "so does its lapse");
    let [a, b, c, after] = MORNINGS;
    assert!(a < b && b < c && c < 0 && 0 < after && a >= OFFSET_MIN && after < DAYS_AFTER_DUE, "so do those in days");
    assert!(DAYS_AFTER_DUE % MINUTES_PER_DAY == 0 && DAYS_AFTER_DUE <= OFFSET_MAX, "and those that repeat");
    assert!(DAYS_LAPSE >= *LAPSE_MINUTES.start() && DAYS_LAPSE <= *LAPSE_MINUTES.end(), "and their lapse");
};

/// Whom a step reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Everybody with one of these roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// These people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<PersonId>,
    /// Whoever is on call by the rota.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_call: bool,
}

impl Reach {
    /// Whether it names nobody.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.people.is_empty() && !self.on_call
    }
}

/// How a step reaches them. The page shows every step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channels {
    /// A mail to each.
    pub mail: bool,
    /// A webhook to every integration that hears of steps.
    pub webhook: bool,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Minutes from the due instant; negative before it.
    pub offset_minutes: i32,
    /// Whom it reaches.
    pub reaches: Reach,
    /// How.
    pub by: Channels,
    /// Each of them is asked to say that they have seen it; who has not is named at the next step.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub must_see: bool,
    /// Since when the plan has it; `None`: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Moment>,
}

impl Step {
    /// By mail and webhook, to everybody with one of these roles.
    fn built_in(offset_minutes: i32, roles: &[Role]) -> Self {
        Self {
            offset_minutes,
            reaches: Reach { roles: roles.to_vec(), ..Reach::default() },
            by: Channels { mail: true, webhook: true },
            must_see: false,
            since: None,
        }
    }
}

/// The steps of one kind of duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Listed steps, in order.
    pub steps: Vec<Step>,
    /// After them a step every hour up to here, in minutes after the due instant; 0 for none.
    pub hourly_until: i32,
    /// After those a step every day up to here, in minutes after the due instant; 0 for none. Counted from the last
    /// listed step, or from the due instant where that comes later or where steps every hour come between.
    pub daily_until: i32,
    /// Since when the steps that repeat are as they are; `None`: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats_since: Option<Moment>,
    /// After how many minutes a duty that somebody took in hand goes on climbing; `None`: never.
    pub lapse_minutes: Option<u32>,
}

/// What is wrong with a plan. Public: each is a sentence for the person who keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanFault {
    /// None, or more than [`STEPS_MAX`].
    Count,
    /// Outside [`OFFSET_MIN`] to [`OFFSET_MAX`].
    Offset {
        /// Which listed step, from 0.
        step: usize,
    },
    /// Two at one instant, or not in order.
    Twice {
        /// Which listed step, from 0.
        step: usize,
    },
    /// Nobody would hear of it.
    Nobody {
        /// Which listed step, from 0.
        step: usize,
    },
    /// More than [`PEOPLE_MAX`].
    People {
        /// Which listed step, from 0.
        step: usize,
    },
    /// Every step comes too late.
    NoneBefore,
    /// Silence once it is late.
    NoneAfter,
    /// Outside its limits, or not in whole hours or days.
    Repeats,
    /// Outside [`LAPSE_MINUTES`].
    Lapse,
}

impl PlanFault {
    /// The sentence, without a full stop.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Count => "a plan has between 1 and 20 steps",
            Self::Offset { .. } => "a step is at most 30 days before, and at most 365 days after, the due time",
            Self::Twice { .. } => "two steps are at the same time",
            Self::Nobody { .. } => "say whom this step reaches",
            Self::People { .. } => "a step names at most 20 people",
            Self::NoneBefore => "at least one step has to be at the due time or before it",
            Self::NoneAfter => "at least one step has to be after the due time, on the list or repeated",
            Self::Repeats => "steps repeat every hour for at most 7 days, and every day for at most 365 days",
            Self::Lapse => "a duty in hand goes on after between 15 minutes and 7 days, or never",
        }
    }
}

impl Plan {
    /// The built-in plan of a kind of duty: 24, 12, 6 and 2 hours and 30 minutes before, at, every hour for a day, every day
    /// for a year; those whose duty it is by their role, by mail and webhook; four hours in hand. Of complaints, whose
    /// limits end with a day: at about 09:00 seven days before the last one, two days before it, on it, and every day after it
    /// 30 times; data protection officers, from the due instant on managers too; a day in hand.
    #[must_use]
    pub fn built_in(kind: ClockKind) -> Self {
        match kind {
            ClockKind::PartnerNotice | ClockKind::PartnerAcknowledgement | ClockKind::Assistance => {
                Self::in_hours(&[Role::Responder, Role::Manager])
            }
            ClockKind::IcoReport | ClockKind::PeopleTold | ClockKind::FollowUp => {
                Self::in_hours(&[Role::Dpo, Role::Manager])
            }
            ClockKind::ComplaintAcknowledgement
            | ClockKind::ComplaintPromisedAcknowledgement
            | ClockKind::ComplaintPromisedAnswer => Self::in_days(),
        }
    }

    fn in_hours(roles: &[Role]) -> Self {
        Self {
            steps: UP_TO_DUE.into_iter().map(|offset| Step::built_in(offset, roles)).collect(),
            hourly_until: MINUTES_PER_DAY,
            daily_until: OFFSET_MAX,
            repeats_since: None,
            lapse_minutes: Some(LAPSE_DEFAULT),
        }
    }

    fn in_days() -> Self {
        let step = |offset| match offset {
            ..0 => Step::built_in(offset, &[Role::Dpo]),
            0.. => Step::built_in(offset, &[Role::Dpo, Role::Manager]),
        };
        Self {
            steps: MORNINGS.into_iter().map(step).collect(),
            hourly_until: 0,
            daily_until: DAYS_AFTER_DUE,
            repeats_since: None,
            lapse_minutes: Some(DAYS_LAPSE),
        }
    }

    /// Everything that is wrong with it.
    #[must_use]
    pub fn faults(&self) -> Vec<PlanFault> {
        let mut faults = Vec::new();
        if self.steps.is_empty() || self.steps.len() > STEPS_MAX {
            faults.push(PlanFault::Count);
        }
        let mut last = None;
        for (index, step) in self.steps.iter().enumerate() {
            if !(OFFSET_MIN..=OFFSET_MAX).contains(&step.offset_minutes) {
                faults.push(PlanFault::Offset { step: index });
            }
            if last.replace(step.offset_minutes).is_some_and(|last| last >= step.offset_minutes) {
                faults.push(PlanFault::Twice { step: index });
            }
            if step.reaches.is_empty() {
                faults.push(PlanFault::Nobody { step: index });
            }
            if step.reaches.people.len() > PEOPLE_MAX {
                faults.push(PlanFault::People { step: index });
            }
        }
        if !self.steps.iter().any(|step| step.offset_minutes <= 0) {
            faults.push(PlanFault::NoneBefore);
        }
        if self.offset_after(Some(0)).is_none() {
            faults.push(PlanFault::NoneAfter);
        }
        let whole = self.hourly_until % MINUTES_PER_HOUR == 0 && self.daily_until % MINUTES_PER_DAY == 0;
        let inside =
            (0..=HOURLY_UNTIL_MAX).contains(&self.hourly_until) && (0..=OFFSET_MAX).contains(&self.daily_until);
        if !whole || !inside {
            faults.push(PlanFault::Repeats);
        }
        if self.lapse_minutes.is_some_and(|minutes| !LAPSE_MINUTES.contains(&minutes)) {
            faults.push(PlanFault::Lapse);
        }
        faults
    }

    /// The plan as it is from `now` on, in the place of `before`: what both have keeps since when it is there, what is new
    /// begins now.
    #[must_use]
    pub fn replacing(mut self, before: &Self, now: Moment) -> Self {
        for step in &mut self.steps {
            let was = before.steps.iter().find(|was| was.offset_minutes == step.offset_minutes);
            let repeated = was.is_none() && before.repeats(step.offset_minutes);
            step.since = match was {
                Some(was) => was.since,
                None if repeated => before.repeats_since,
                None => Some(now),
            };
        }
        let repeats = |plan: &Self| (plan.listed_until(), plan.hourly_until, plan.daily_until);
        self.repeats_since = if repeats(&self) == repeats(before) { before.repeats_since } else { Some(now) };
        self
    }

    /// The first step after this one, in minutes from the due instant.
    pub(crate) fn offset_after(&self, last: Option<i32>) -> Option<i32> {
        let last = last.unwrap_or(i32::MIN);
        if let Some(step) = self.steps.iter().find(|step| step.offset_minutes > last) {
            return Some(step.offset_minutes);
        }
        let base = last.max(self.listed_until());
        let next = |every: i32, from: i32| ((base - from) / every + 1).checked_mul(every)?.checked_add(from);
        let hourly = next(MINUTES_PER_HOUR, 0).filter(|next| *next <= self.hourly_until);
        hourly.or_else(|| next(MINUTES_PER_DAY, self.daily_from()).filter(|next| *next <= self.daily_until))
    }

    /// Repeated steps come after this one, and after the due instant.
    fn listed_until(&self) -> i32 {
        self.steps.last().map_or(0, |step| step.offset_minutes).max(0)
    }

    /// Which minute of a day counted from the due instant the steps every day come at: the last listed one's.
    fn daily_from(&self) -> i32 {
        let last = self.listed_until();
        if self.hourly_until > last { 0 } else { last % MINUTES_PER_DAY }
    }

    /// Whether this is one of the steps that repeat.
    fn repeats(&self, offset: i32) -> bool {
        let hourly = offset % MINUTES_PER_HOUR == 0 && offset <= self.hourly_until;
        let daily = offset % MINUTES_PER_DAY == self.daily_from();
        let daily = daily && offset > self.hourly_until && offset <= self.daily_until;
        offset > self.listed_until() && (hourly || daily)
    }

    /// What a step does: the listed one, or for those that repeat the last listed.
    #[must_use]
    pub fn step(&self, offset: i32) -> Option<&Step> {
        self.steps.iter().find(|step| step.offset_minutes == offset).or_else(|| self.steps.last())
    }

    /// Whether a step at this instant never fires: it lies at or before the anchor, or it was added after its instant.
    pub(crate) fn is_void(&self, offset: i32, at: Moment, anchored_at: Moment) -> bool {
        let since = match self.steps.iter().find(|step| step.offset_minutes == offset) {
            Some(step) => step.since,
            None => self.repeats_since,
        };
        at <= anchored_at || since.is_some_and(|since| at <= since)
    }

    /// The steps up to and at the due instant, in minutes from it, in order: the ticks on a clock's track.
    pub fn up_to_due(&self) -> impl Iterator<Item = i32> {
        self.steps.iter().map(|step| step.offset_minutes).filter(|offset| *offset <= 0)
    }

    /// The people whom its steps name.
    #[must_use]
    pub fn named(&self) -> BTreeSet<PersonId> {
        self.steps.iter().flat_map(|step| step.reaches.people.iter().copied()).collect()
    }
}

/// The plans that stand: one for each kind of duty, the built-in one where nobody made another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plans(BTreeMap<ClockKind, Plan>);

impl Plans {
    /// The plan of a kind of duty.
    #[must_use]
    pub fn of(&self, kind: ClockKind) -> Cow<'_, Plan> {
        self.0.get(&kind).map_or_else(|| Cow::Owned(Plan::built_in(kind)), Cow::Borrowed)
    }

    /// Puts a plan in the place of the one that stood.
    pub fn set(&mut self, kind: ClockKind, plan: Plan) {
        self.0.insert(kind, plan);
    }
}
