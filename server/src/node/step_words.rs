//! What mails and integrations say of time when a duty's ladder reaches a step: once, in the same words.

use chrono_tz::Tz;
use domain::clock::ClockKind;
use domain::values::Moment;

use crate::store::posts::Step;

const MINUTES_PER_HOUR: i32 = 60;
const MINUTES_PER_DAY: i32 = 24 * MINUTES_PER_HOUR;

/// Minutes from the due instant, for people; negative before it: the step's own, or where it fired an hour or more after its
/// instant, those that were true then. Of a complaint, whose limits end with a day, in whole days, or hours on the last one.
pub(super) fn minutes(step: &Step) -> i32 {
    let late = step.fired_minutes.filter(|fired| fired.saturating_sub(step.offset_minutes) >= MINUTES_PER_HOUR);
    let minutes = late.unwrap_or(step.offset_minutes);
    match minutes.saturating_abs() {
        _ if !step.clock.is_of_complaint() => minutes,
        MINUTES_PER_DAY.. => minutes / MINUTES_PER_DAY * MINUTES_PER_DAY,
        MINUTES_PER_HOUR.. => minutes / MINUTES_PER_HOUR * MINUTES_PER_HOUR,
        _ => minutes,
    }
}

/// "24 hours", "30 minutes", "2 days", "1 hour and 30 minutes": the largest unit in which a step is whole. A day is one day
/// only where a duty is counted in days.
pub(super) fn length(duty: ClockKind, minutes: i32) -> String {
    let (minutes, days) = (i64::from(minutes).abs(), if duty.is_of_complaint() { 1 } else { 2 });
    match (minutes / 1_440, minutes / 60, minutes % 60) {
        (_, 0, minutes) => counted(minutes, "minute"),
        (whole, ..) if whole >= days && minutes % 1_440 == 0 => counted(whole, "day"),
        (_, hours, 0) => counted(hours, "hour"),
        (_, hours, minutes) => format!("{} and {}", counted(hours, "hour"), counted(minutes, "minute")),
    }
}

/// "02:10 on Sunday 1 March 2026 (GMT)".
pub(super) fn at(at: Moment, zone: Tz) -> String {
    at.to_chrono().with_timezone(&zone).format("%H:%M on %A %-d %B %Y (%Z)").to_string()
}

/// "1 partner", "212 partners".
pub(super) fn counted(number: i64, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Aim: what a step says is true when it fires: a complaint logged late, one that is reminded of for the last time, and
    /// one on the morning of its last day.
    #[test]
    fn a_step_says_what_is_true_when_it_fires() {
        let said = |clock, offset_minutes, fired_minutes| {
            let due = Moment::parse("2026-12-22T23:59:59.999999Z").unwrap();
            let step = Step { clock, due, offset_minutes, partners: 0, fired_minutes, limit: None };
            let minutes = minutes(&step);
            (length(clock, minutes), minutes.signum())
        };
        let law = ClockKind::ComplaintAcknowledgement;
        for (offset, fired, words, sign) in [
            (-10_980, Some(-10_980), "7 days", -1),
            (-10_980, Some(-7_500), "5 days", -1),
            (-3_780, Some(-3_779), "2 days", -1),
            (-3_780, Some(-1_500), "1 day", -1),
            (-900, Some(-900), "15 hours", -1),
            (-900, Some(-130), "2 hours", -1),
            (-900, Some(30), "30 minutes", 1),
            (540, Some(540), "9 hours", 1),
            (1_980, Some(1_980), "1 day", 1),
            (42_300, Some(42_301), "29 days", 1),
            (42_300, Some(60_000), "41 days", 1),
            (-3_780, None, "2 days", -1),
        ] {
            assert_eq!(said(law, offset, fired), (words.to_owned(), sign), "{offset} {fired:?}");
        }
        for (offset, words) in [
            (-1_440, "24 hours"),
            (2_880, "2 days"),
            (-65, "1 hour and 5 minutes"),
            (-30, "30 minutes"),
            (1_530, "25 hours and 30 minutes"),
            (-3_780, "63 hours"),
        ] {
            assert_eq!(said(ClockKind::PartnerNotice, offset, None).0, words, "{offset}");
        }
    }
}
