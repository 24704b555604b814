//! Who is on call: a rota of shifts, each week or once, and swaps that take the place of both.
//!
//! Everything is expanded into spans between two instants, inside a bound, and looked at from there. A weekly shift
//! begins and ends by the clock on the wall, so that a night shift keeps its hours when summer time begins; a swap holds
//! alone for as long as it lasts. Where no span covers an instant there is a gap, and gaps are named.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::values::{Moment, PersonId};

/// The longest shift, in minutes: a week.
pub const SHIFT_MINUTES_MAX: u32 = 7 * 24 * 60;
/// The longest time looked at in one go, in days.
pub const WINDOW_DAYS_MAX: i64 = 100;
/// Spans in one look: beyond it the later ones are left out.
pub const SPANS_MAX: usize = 5_000;
/// Gaps named in one look.
const GAPS_MAX: usize = 100;
const MINUTES_PER_DAY: u16 = 24 * 60;
const SECONDS_PER_DAY: i64 = 86_400;

/// When somebody is on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "when")]
pub enum When {
    /// Once.
    Once {
        /// From this instant on.
        from: Moment,
        /// Until just before this one.
        until: Moment,
    },
    /// Every week.
    Weekly {
        /// The day on which it begins: 1 for Monday to 7 for Sunday.
        day: u8,
        /// The minute of that day, by the clock on the wall.
        from_minute: u16,
        /// How long it lasts, by the clock on the wall.
        minutes: u32,
    },
}

/// One shift of one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// Which.
    pub id: Uuid,
    /// Whose.
    pub person: PersonId,
    /// When.
    pub when: When,
    /// It takes the place of the others for as long as it lasts.
    pub swap: bool,
}

/// Why a shift can't be kept. Public: each is a sentence for the person who keeps the rota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShiftFault {
    /// It ends before it begins, or at once.
    Empty,
    /// Longer than [`SHIFT_MINUTES_MAX`].
    TooLong,
    /// Not a day of the week, or not a minute of a day.
    NoSuchTime,
    /// A swap is for one time.
    WeeklySwap,
}

impl ShiftFault {
    /// The sentence, without a full stop.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Empty => "a shift has to end after it begins",
            Self::TooLong => "a shift lasts at most 7 days",
            Self::NoSuchTime => "a weekly shift begins on a day of the week, at a time of day",
            Self::WeeklySwap => "a swap is for one time, not for every week",
        }
    }
}

impl Shift {
    /// What is wrong with it.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self) -> Result<(), ShiftFault> {
        match self.when {
            When::Once { from, until } if until <= from => Err(ShiftFault::Empty),
            When::Once { from, until } if until.seconds_since(from) > i64::from(SHIFT_MINUTES_MAX) * 60 => {
                Err(ShiftFault::TooLong)
            }
            When::Once { .. } => Ok(()),
            When::Weekly { .. } if self.swap => Err(ShiftFault::WeeklySwap),
            When::Weekly { day, from_minute, .. } if !(1..=7).contains(&day) || from_minute >= MINUTES_PER_DAY => {
                Err(ShiftFault::NoSuchTime)
            }
            When::Weekly { minutes: 0, .. } => Err(ShiftFault::Empty),
            When::Weekly { minutes, .. } if minutes > SHIFT_MINUTES_MAX => Err(ShiftFault::TooLong),
            When::Weekly { .. } => Ok(()),
        }
    }
}

/// A shift as it falls between two instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// From this instant on.
    pub from: Moment,
    /// Until just before this one.
    pub until: Moment,
    /// Whose.
    pub person: PersonId,
    /// It takes the place of the others.
    pub swap: bool,
    /// Which shift.
    pub shift: Uuid,
}

/// The shifts as they fall between two instants, in order; at most [`WINDOW_DAYS_MAX`] days and [`SPANS_MAX`] spans.
pub fn spans<Z: TimeZone>(shifts: &[Shift], zone: &Z, from: Moment, until: Moment) -> Vec<Span> {
    let until = until.min(from.plus_seconds(WINDOW_DAYS_MAX * SECONDS_PER_DAY));
    let mut spans = Vec::new();
    for shift in shifts.iter().filter(|shift| shift.check().is_ok()) {
        let span = |from, until| Span { from, until, person: shift.person, swap: shift.swap, shift: shift.id };
        match shift.when {
            When::Once { from, until } => spans.push(span(from, until)),
            When::Weekly { day, from_minute, minutes } => {
                let begins = weekly(zone, day, from_minute, minutes, from, until);
                spans.extend(begins.into_iter().map(|(from, until)| span(from, until)));
            }
        }
    }
    spans.retain(|span| span.from < until && span.until > from);
    spans.sort_unstable();
    spans.truncate(SPANS_MAX);
    spans
}

/// Each time that a weekly shift falls about a window: from a week before it, because that one may last into it.
fn weekly<Z: TimeZone>(
    zone: &Z,
    day: u8,
    from_minute: u16,
    minutes: u32,
    from: Moment,
    until: Moment,
) -> Vec<(Moment, Moment)> {
    let date = |at: Moment| at.to_chrono().with_timezone(zone).date_naive();
    let Some(mut on) = date(from).checked_sub_days(Days::new(8)) else { return Vec::new() };
    let last = date(until);
    let mut found = Vec::new();
    while on <= last {
        if on.weekday().number_from_monday() == u32::from(day) {
            found.extend(fall(zone, on, from_minute, minutes));
        }
        let Some(next) = on.checked_add_days(Days::new(1)) else { break };
        on = next;
    }
    found
}

fn fall<Z: TimeZone>(zone: &Z, on: NaiveDate, from_minute: u16, minutes: u32) -> Option<(Moment, Moment)> {
    let begins = on.and_hms_opt(0, 0, 0)?.checked_add_signed(TimeDelta::minutes(i64::from(from_minute)))?;
    let ends = begins.checked_add_signed(TimeDelta::minutes(i64::from(minutes)))?;
    let (from, until) = (instant(zone, begins)?, instant(zone, ends)?);
    (from < until).then_some((from, until))
}

/// An instant by the clock on the wall: the first of two, and an hour later for one that was skipped.
fn instant<Z: TimeZone>(zone: &Z, local: NaiveDateTime) -> Option<Moment> {
    let found = zone
        .from_local_datetime(&local)
        .earliest()
        .or_else(|| zone.from_local_datetime(&local.checked_add_signed(TimeDelta::hours(1))?).earliest())?;
    Moment::from_micros(found.timestamp_micros()).ok()
}

/// Who is on call at an instant, without repetition: by a swap if there is one, else by the shifts.
#[must_use]
pub fn on_call(spans: &[Span], at: Moment) -> Vec<PersonId> {
    let covering = |span: &&Span| span.from <= at && at < span.until;
    let swapped = spans.iter().filter(covering).any(|span| span.swap);
    let mut people: Vec<PersonId> =
        spans.iter().filter(covering).filter(|span| span.swap == swapped).map(|span| span.person).collect();
    people.sort_unstable();
    people.dedup();
    people
}

/// Where nobody is on call between two instants, in order; at most 100.
#[must_use]
pub fn gaps(spans: &[Span], from: Moment, until: Moment) -> Vec<(Moment, Moment)> {
    let mut ordered: Vec<&Span> = spans.iter().collect();
    ordered.sort_unstable_by_key(|span| span.from);
    let (mut covered, mut gaps) = (from, Vec::new());
    for span in ordered {
        if span.from > covered && gaps.len() < GAPS_MAX {
            gaps.push((covered, span.from.min(until)));
        }
        covered = covered.max(span.until);
        if covered >= until {
            return gaps;
        }
    }
    if gaps.len() < GAPS_MAX && covered < until {
        gaps.push((covered, until));
    }
    gaps
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use chrono_tz::Europe::London;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Moment {
        Moment::parse(text).unwrap()
    }

    fn person(number: u128) -> PersonId {
        PersonId::from_slice(Uuid::from_u128(number).as_bytes()).unwrap()
    }

    fn shift(number: u128, when: When, swap: bool) -> Shift {
        Shift { id: Uuid::from_u128(number), person: person(number), when, swap }
    }

    /// Aim: a weekly night keeps its hours by the clock on the wall through the change to summer time.
    #[test]
    fn a_weekly_night_keeps_its_hours() {
        // Saturdays 22:00 to Sundays 08:00; clocks went forward on 29 March 2026.
        let nights = [shift(1, When::Weekly { day: 6, from_minute: 22 * 60, minutes: 600 }, false)];
        let found = spans(&nights, &London, at("2026-03-20T00:00:00Z"), at("2026-04-06T00:00:00Z"));
        let times: Vec<_> = found.iter().map(|span| (span.from, span.until)).collect();
        assert_eq!(
            times,
            [
                (at("2026-03-21T22:00:00Z"), at("2026-03-22T08:00:00Z")),
                (at("2026-03-28T22:00:00Z"), at("2026-03-29T07:00:00Z")),
                (at("2026-04-04T21:00:00Z"), at("2026-04-05T07:00:00Z")),
            ]
        );
    }

    /// Aim: a shift that began before the window still covers its beginning; a swap stands alone while it lasts.
    #[test]
    fn a_swap_takes_the_place_of_the_others() {
        let week = When::Weekly { day: 1, from_minute: 9 * 60, minutes: SHIFT_MINUTES_MAX };
        let swap = When::Once { from: at("2026-03-04T17:00:00Z"), until: at("2026-03-05T09:00:00Z") };
        let rota = [shift(1, week, false), shift(2, swap, true)];
        let found = spans(&rota, &London, at("2026-03-04T12:00:00Z"), at("2026-03-06T12:00:00Z"));
        assert_eq!(on_call(&found, at("2026-03-04T12:00:00Z")), [person(1)]);
        assert_eq!(on_call(&found, at("2026-03-04T17:00:00Z")), [person(2)]);
        assert_eq!(on_call(&found, at("2026-03-05T09:00:00Z")), [person(1)], "the end is not in it");
        assert_eq!(gaps(&found, at("2026-03-04T12:00:00Z"), at("2026-03-06T12:00:00Z")), []);
    }

    /// Aim: what no shift covers is named, with its exact ends.
    #[test]
    fn gaps_are_named() {
        let day = |number, day| shift(number, When::Weekly { day, from_minute: 9 * 60, minutes: 480 }, false);
        let (from, until) = (at("2026-03-02T00:00:00Z"), at("2026-03-04T00:00:00Z"));
        let found = spans(&[day(1, 1), day(2, 2)], &London, from, until);
        assert_eq!(
            gaps(&found, from, until),
            [
                (from, at("2026-03-02T09:00:00Z")),
                (at("2026-03-02T17:00:00Z"), at("2026-03-03T09:00:00Z")),
                (at("2026-03-03T17:00:00Z"), until),
            ]
        );
        assert_eq!(gaps(&[], from, until), [(from, until)]);
    }

    /// Aim: what can't be a shift is refused by name, and covers nothing.
    #[test]
    fn bad_shifts_are_refused() {
        let (a, b) = (at("2026-03-02T00:00:00Z"), at("2026-03-10T00:00:00Z"));
        for (when, swap, fault) in [
            (When::Once { from: b, until: a }, false, ShiftFault::Empty),
            (When::Once { from: a, until: a }, false, ShiftFault::Empty),
            (When::Once { from: a, until: b }, false, ShiftFault::TooLong),
            (When::Weekly { day: 0, from_minute: 0, minutes: 60 }, false, ShiftFault::NoSuchTime),
            (When::Weekly { day: 8, from_minute: 0, minutes: 60 }, false, ShiftFault::NoSuchTime),
            (When::Weekly { day: 1, from_minute: 1_440, minutes: 60 }, false, ShiftFault::NoSuchTime),
            (When::Weekly { day: 1, from_minute: 0, minutes: 0 }, false, ShiftFault::Empty),
            (When::Weekly { day: 1, from_minute: 0, minutes: 10_081 }, false, ShiftFault::TooLong),
            (When::Weekly { day: 1, from_minute: 0, minutes: 60 }, true, ShiftFault::WeeklySwap),
        ] {
            let shift = shift(1, when, swap);
            assert_eq!(shift.check(), Err(fault));
            assert_eq!(spans(&[shift], &London, a, b), []);
        }
    }

    proptest! {
        /// An instant is in a gap exactly when nobody is on call at it.
        #[test]
        fn gaps_and_people_agree(
            shifts in prop::collection::vec((1..8_u8, 0..1_440_u16, 1..3_000_u32), 0..8),
            minutes in 0..20_000_i64,
        ) {
            let rota: Vec<Shift> = (1..).zip(shifts).map(|(number, (day, from_minute, minutes))| {
                shift(number, When::Weekly { day, from_minute, minutes }, false)
            }).collect();
            let from = at("2026-03-20T00:00:00Z");
            let (until, instant) = (from.plus_seconds(20_000 * 60), from.plus_seconds(minutes * 60));
            let found = spans(&rota, &London, from, until);
            let in_gap = gaps(&found, from, until).iter().any(|(from, until)| (*from..*until).contains(&instant));
            prop_assert_eq!(in_gap, on_call(&found, instant).is_empty());
        }
    }
}
