//! Instants and lengths of time in the words of the pages: "02:10 on Sunday 1 March 2026 (GMT)".
//!
//! All pages speak through one [`Reader`], so that a page never mixes zones or two readings of the present. Local times
//! that a clock change makes ambiguous, or that never were, are never guessed: [`Reader::instants`] says so.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use domain::values::Moment;

use crate::documents::paper;

const SECONDS_PER_MINUTE: i64 = 60;
const SECONDS_PER_HOUR: i64 = 3_600;
const SECONDS_PER_DAY: i64 = 24 * SECONDS_PER_HOUR;

/// How the person in front of a page sees instants: their zone, and what is now.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    zone: Tz,
    now: Moment,
}

/// What a date and a time typed in a zone may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instants {
    /// One instant.
    One(Moment),
    /// The hour came twice, because the clocks went back: the earlier and the later instant.
    Twice(Moment, Moment),
    /// The hour never was, because the clocks went forward: what was meant is one of these, the earlier first.
    Never(Moment, Moment),
    /// Outside the years that the product knows.
    Outside,
}

impl Reader {
    /// A reader in a zone at an instant.
    #[must_use]
    pub const fn new(zone: Tz, now: Moment) -> Self {
        Self { zone, now }
    }

    /// What is now (duty time).
    #[must_use]
    pub const fn now(&self) -> Moment {
        self.now
    }

    fn local(&self, at: Moment) -> DateTime<Tz> {
        at.to_chrono().with_timezone(&self.zone)
    }

    /// "02:10 on Sunday 1 March 2026 (GMT)".
    #[must_use]
    pub fn at(&self, at: Moment) -> String {
        paper::moment(at, self.zone)
    }

    /// "22:00:01 on Sunday 1 March 2026 (GMT)", where the second is evidence.
    #[must_use]
    pub fn at_second(&self, at: Moment) -> String {
        self.local(at).format("%H:%M:%S on %A %-d %B %Y (%Z)").to_string()
    }

    /// "02:10 today", "02:10 tomorrow", "02:10 yesterday", "02:10 on Tuesday 3 March" or, in another year, with the year.
    #[must_use]
    pub fn near(&self, at: Moment) -> String {
        let (there, here) = (self.local(at), self.local(self.now));
        let days = (there.date_naive() - here.date_naive()).num_days();
        let pattern = match days {
            -1 => "%H:%M yesterday",
            0 => "%H:%M today",
            1 => "%H:%M tomorrow",
            _ if there.year() == here.year() => "%H:%M on %A %-d %B",
            _ => "%H:%M on %A %-d %B %Y",
        };
        there.format(pattern).to_string()
    }

    /// "02:14", for notes such as "draft saved at".
    #[must_use]
    pub fn clock(&self, at: Moment) -> String {
        self.local(at).format("%H:%M").to_string()
    }

    /// The zone's name now, "GMT" or "BST".
    #[must_use]
    pub fn zone_name(&self) -> String {
        self.local(self.now).format("%Z").to_string()
    }

    /// The day here now.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.local(self.now).date_naive()
    }

    /// Day, month, year and 24-hour time as they stand in a form's inputs.
    #[must_use]
    pub fn inputs(&self, at: Moment) -> [String; 4] {
        let local = self.local(at);
        ["%-d", "%-m", "%Y", "%H:%M"].map(|pattern| local.format(pattern).to_string())
    }

    /// What a local date and time mean.
    #[must_use]
    pub fn instants(&self, date: NaiveDate, time: NaiveTime) -> Instants {
        let naive = date.and_time(time);
        let instant = |local: DateTime<Tz>| Moment::from_micros(local.timestamp_micros()).ok();
        let found = match self.zone.from_local_datetime(&naive) {
            chrono::LocalResult::Single(one) => instant(one).map(Instants::One),
            chrono::LocalResult::Ambiguous(one, other) => {
                instant(one.min(other)).zip(instant(one.max(other))).map(|(a, b)| Instants::Twice(a, b))
            }
            chrono::LocalResult::None => self.around_gap(naive),
        };
        found.unwrap_or(Instants::Outside)
    }

    /// The two instants that a local time inside a gap may mean: by the offset after the change, and by the one before.
    fn around_gap(&self, naive: NaiveDateTime) -> Option<Instants> {
        let day_before = self.zone.from_local_datetime(&naive.checked_sub_days(Days::new(1))?).earliest()?;
        let day_after = self.zone.from_local_datetime(&naive.checked_add_days(Days::new(1))?).latest()?;
        let later = day_before.checked_add_signed(TimeDelta::days(1))?;
        let earlier = day_after.checked_sub_signed(TimeDelta::days(1))?;
        let at = |local: DateTime<Tz>| Moment::from_micros(local.timestamp_micros()).ok();
        Some(Instants::Never(at(earlier)?, at(later)?))
    }
}

/// "Friday 20 March 2026"
#[must_use]
pub fn day(day: NaiveDate) -> String {
    day.format("%A %-d %B %Y").to_string()
}

/// "31:05:55", or "−01:12:40" once it is past: hours are never folded into days.
#[must_use]
pub fn countdown(seconds_left: i64) -> String {
    let sign = if seconds_left < 0 { "\u{2212}" } else { "" };
    let seconds = seconds_left.unsigned_abs();
    format!("{sign}{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// A length of time in words: "49 minutes", "47 hours 10 minutes", "3 days 2 hours".
#[must_use]
pub fn length(seconds: i64) -> String {
    let seconds = seconds.abs();
    let two = |big: i64, big_word: &str, small: i64, small_word: &str| match small {
        0 => counted(big, big_word),
        _ => format!("{} {}", counted(big, big_word), counted(small, small_word)),
    };
    if seconds < SECONDS_PER_MINUTE {
        counted(seconds, "second")
    } else if seconds < SECONDS_PER_HOUR {
        counted(seconds / SECONDS_PER_MINUTE, "minute")
    } else if seconds < 3 * SECONDS_PER_DAY {
        two(seconds / SECONDS_PER_HOUR, "hour", seconds % SECONDS_PER_HOUR / SECONDS_PER_MINUTE, "minute")
    } else {
        two(seconds / SECONDS_PER_DAY, "day", seconds % SECONDS_PER_DAY / SECONDS_PER_HOUR, "hour")
    }
}

/// "1 partner", "212 partners".
#[must_use]
pub fn counted(number: i64, word: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {word}{ending}", grouped(number))
}

/// "10,482": figures in groups of three.
#[must_use]
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('\u{2212}');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn reader(now: &str) -> Reader {
        Reader::new(chrono_tz::Europe::London, Moment::parse(now).unwrap())
    }

    fn local(reader: Reader, date: (i32, u32, u32), time: (u32, u32)) -> Instants {
        let date = NaiveDate::from_ymd_opt(date.0, date.1, date.2).unwrap();
        reader.instants(date, NaiveTime::from_hms_opt(time.0, time.1, 0).unwrap())
    }

    /// Aim: instants are shown in UK time with its name, in winter and in summer.
    #[test]
    fn shows_winter_and_summer() {
        let reader = reader("2026-03-01T02:10:00Z");
        assert_eq!(reader.at(reader.now()), "02:10 on Sunday 1 March 2026 (GMT)");
        let summer = Moment::parse("2026-07-01T02:10:00Z").unwrap();
        assert_eq!(reader.at(summer), "03:10 on Wednesday 1 July 2026 (BST)");
        assert_eq!(reader.near(Moment::parse("2026-03-02T00:00:00Z").unwrap()), "00:00 tomorrow");
        assert_eq!(reader.near(Moment::parse("2026-03-03T02:10:00Z").unwrap()), "02:10 on Tuesday 3 March");
    }

    /// Aim: an hour that came twice, and one that never was, each offer two instants and choose none.
    #[test]
    fn clock_changes_are_asked_about() {
        let reader = reader("2026-03-01T02:10:00Z");
        let at = |text: &str| Moment::parse(text).unwrap();
        assert_eq!(
            local(reader, (2026, 10, 25), (1, 30)),
            Instants::Twice(at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z"))
        );
        assert_eq!(
            local(reader, (2026, 3, 29), (1, 30)),
            Instants::Never(at("2026-03-29T00:30:00Z"), at("2026-03-29T01:30:00Z"))
        );
        assert_eq!(local(reader, (2026, 7, 1), (3, 10)), Instants::One(at("2026-07-01T02:10:00Z")));
    }

    /// Aim: time left counts in hours, with a minus sign once it is past; lengths and numbers read well.
    #[test]
    fn figures() {
        assert_eq!(countdown(111_955), "31:05:55");
        assert_eq!(countdown(-4_360), "\u{2212}01:12:40");
        assert_eq!(length(169_800), "47 hours 10 minutes");
        assert_eq!(length(60), "1 minute");
        assert_eq!(length(266_400), "3 days 2 hours");
        assert_eq!(grouped(10_482), "10,482");
        assert_eq!(grouped(100), "100");
    }
}
