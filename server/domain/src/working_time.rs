//! Days: working days of a calendar, days counted by date, and where a day begins and ends in a zone.
//!
//! For complaints only (Data Protection Act 2018, section 164A; promised service levels). The clocks of a breach run in
//! elapsed hours and never come here (Regulation 1182/71, Article 3(3)). Bank holidays are known for the years in the
//! data and for no others: a count that would need another year is refused, never guessed.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Weekday};
use serde::{Deserialize, Serialize};

use crate::law::Confidence;
use crate::validity::Validity;
use crate::values::Moment;

const ENGLAND_AND_WALES_JSON: &str = include_str!("../law/bank-holidays-england-wales.json");
/// Some zones skip midnight, and Samoa once skipped a whole day: the start of a day is sought in steps of 15 minutes.
const STEP_MINUTES: i64 = 15;
const STEPS_PER_DAY: i64 = 24 * 60 / STEP_MINUTES;

/// Which calendar of working days. Scotland and Northern Ireland have other holidays, which nobody has gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarId {
    /// Monday to Friday without the bank holidays of England and Wales.
    EnglandAndWales,
}

impl CalendarId {
    /// The calendar.
    #[must_use]
    pub fn calendar(self) -> &'static Calendar {
        match self {
            Self::EnglandAndWales => &ENGLAND_AND_WALES,
        }
    }
}

/// Bank holidays of one place, in order, between two days.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Calendar {
    title: String,
    source: String,
    confidence: Confidence,
    note: String,
    first: NaiveDate,
    last: NaiveDate,
    holidays: Vec<Holiday>,
}

/// One bank holiday.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Holiday {
    /// The day.
    pub date: NaiveDate,
    /// What it is called, and whether it stands in for a day at a weekend.
    pub name: String,
}

/// A count would need bank holidays of a year that the data does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bank holidays are known from {first} to {last} only, so working days outside can\u{2019}t be counted")]
pub struct UnknownHolidays {
    /// The first day known.
    pub first: NaiveDate,
    /// The last day known.
    pub last: NaiveDate,
}

/// Tests hold that the file compiled in parses; without it no working day could be told.
static ENGLAND_AND_WALES: LazyLock<Calendar> =
    LazyLock::new(|| serde_json::from_str(ENGLAND_AND_WALES_JSON).unwrap_or_else(|_| Calendar::unknown()));

impl Calendar {
    /// A calendar that knows of no day.
    fn unknown() -> Self {
        Self {
            title: String::new(),
            source: String::new(),
            confidence: Confidence::Unverified,
            note: String::new(),
            first: NaiveDate::MAX,
            last: NaiveDate::MIN,
            holidays: Vec::new(),
        }
    }

    /// Which holidays these are.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Where they are from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How sure they are.
    #[must_use]
    pub const fn confidence(&self) -> Confidence {
        self.confidence
    }

    /// What is not in it.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    /// The days for which the holidays are known.
    #[must_use]
    pub const fn validity(&self) -> Validity {
        Validity { from: Some(self.first), until: Some(self.last) }
    }

    /// The holidays, in order.
    #[must_use]
    pub fn holidays(&self) -> &[Holiday] {
        &self.holidays
    }

    /// Whether a day is neither at a weekend nor a bank holiday.
    ///
    /// # Errors
    /// [`UnknownHolidays`] outside the years of the data, at weekends too.
    pub fn is_working_day(&self, date: NaiveDate) -> Result<bool, UnknownHolidays> {
        if !self.validity().covers(date) {
            return Err(UnknownHolidays { first: self.first, last: self.last });
        }
        let weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
        Ok(!weekend && self.holidays.binary_search_by_key(&date, |holiday| holiday.date).is_err())
    }

    /// The last day of a period of working days. Counting starts with the first working day after `from`, whether `from`
    /// is a working day or not; 0 is `from` itself.
    ///
    /// # Errors
    /// [`UnknownHolidays`] when a day to be counted lies outside the years of the data.
    pub fn plus_working_days(&self, from: NaiveDate, days: u16) -> Result<NaiveDate, UnknownHolidays> {
        let (mut date, mut left) = (from, days);
        // Ends at the latest after the data's last day.
        while left > 0 {
            date = plus_days(date, 1);
            left -= u16::from(self.is_working_day(date)?);
        }
        Ok(date)
    }
}

/// The date so many days later; weekends and holidays count. Held at the last date there is.
#[must_use]
pub fn plus_days(from: NaiveDate, days: u16) -> NaiveDate {
    from.checked_add_days(Days::new(u64::from(days))).unwrap_or(NaiveDate::MAX)
}

/// The date on the calendar in a zone.
#[must_use]
pub fn date_in<Z: TimeZone>(at: Moment, zone: &Z) -> NaiveDate {
    at.to_chrono().with_timezone(zone).date_naive()
}

/// The first instant of a day in a zone: of a midnight that happens twice the earlier one, and where clocks skip midnight
/// the instant after. Held between 1970 and 9999.
#[must_use]
pub fn first_instant<Z: TimeZone>(date: NaiveDate, zone: &Z) -> Moment {
    let midnight = date.and_time(NaiveTime::MIN);
    let seconds = (0..=STEPS_PER_DAY)
        .filter_map(|step| midnight.checked_add_signed(TimeDelta::minutes(step * STEP_MINUTES)))
        .find_map(|local| zone.from_local_datetime(&local).earliest())
        .map_or_else(|| midnight.and_utc().timestamp(), |first| first.timestamp());
    Moment::EPOCH.plus_seconds(seconds)
}

/// The last instant of a day in a zone, a microsecond before the next day: until then something due on that day is in
/// time.
#[must_use]
pub fn last_instant<Z: TimeZone>(date: NaiveDate, zone: &Z) -> Moment {
    let next = first_instant(plus_days(date, 1), zone);
    Moment::from_micros(next.micros() - 1).unwrap_or(Moment::EPOCH)
}
