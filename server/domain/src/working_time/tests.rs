#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use chrono_tz::{Africa, America, Europe, Pacific, Tz};
use proptest::prelude::*;

use super::*;

const COMPLAINTS: &str = include_str!("../../testdata/complaint-clock-vectors.csv");
const HOLIDAYS: &str = include_str!("../../testdata/bank-holidays-england-wales.csv");

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Neither file quotes a field.
fn rows(csv: &str) -> Vec<Vec<&str>> {
    csv.lines().skip(1).map(|line| line.split(',').collect()).collect()
}

fn working(from: &str, days: u16) -> Result<NaiveDate, UnknownHolidays> {
    CalendarId::EnglandAndWales.calendar().plus_working_days(day(from), days)
}

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

#[test]
fn every_complaint_vector() {
    let rows = rows(COMPLAINTS);
    assert_eq!(rows.len(), 24);
    for row in rows {
        let [case, received, received_weekday, days, rule, due, due_weekday] = row.as_slice() else {
            panic!("a short row: {row:?}");
        };
        let days: u16 = days.parse().unwrap();
        let found = match *rule {
            "working_days_england_wales" => working(received, days).unwrap(),
            "calendar_days_s164A_from_day_after_receipt" => plus_days(day(received), days),
            "calendar_days_s164A_strict_receipt_day_counts" => plus_days(day(received), days - 1),
            other => panic!("unknown rule {other}"),
        };
        assert_eq!(found, day(due), "{case}");
        assert_eq!(day(received).weekday().to_string(), *received_weekday, "{case}");
        assert_eq!(found.weekday().to_string(), *due_weekday, "{case}");
    }
}

/// The calendar compiled in is the list as gathered: every day, by weekday and name, in order, and nothing besides.
#[test]
fn every_bank_holiday() {
    let rows = rows(HOLIDAYS);
    let calendar = CalendarId::EnglandAndWales.calendar();
    assert_eq!((rows.len(), calendar.holidays().len()), (40, 40));
    for (row, holiday) in rows.iter().zip(calendar.holidays()) {
        let [date, weekday, name, confidence] = row.as_slice() else { panic!("a short row: {row:?}") };
        assert_eq!((holiday.date, holiday.name.as_str()), (day(date), *name));
        assert_eq!(holiday.date.weekday().to_string(), *weekday, "{date}");
        assert!(confidence.starts_with("computed"), "{date}");
        assert_eq!(calendar.is_working_day(holiday.date), Ok(false), "{date}");
    }
    assert!(calendar.holidays().is_sorted_by(|one, two| one.date < two.date));
    assert_eq!(calendar.confidence(), Confidence::Derived);
    assert!([calendar.title(), calendar.source(), calendar.note()].iter().all(|text| !text.is_empty()));
}

/// The years that the calendar says it knows are those with holidays in them: the first day of the first to the last of
/// the last, eight in each.
#[test]
fn the_years_known_are_whole() {
    let calendar = CalendarId::EnglandAndWales.calendar();
    let Validity { from: Some(first), until: Some(last) } = calendar.validity() else { panic!("no bounds") };
    assert_eq!((first.ordinal(), (last.month(), last.day())), (1, (12, 31)));
    for year in first.year()..=last.year() {
        assert_eq!(calendar.holidays().iter().filter(|holiday| holiday.date.year() == year).count(), 8, "{year}");
    }
}

#[test]
fn beyond_the_last_year_of_holidays_it_says_so() {
    let calendar = CalendarId::EnglandAndWales.calendar();
    let unknown = UnknownHolidays { first: day("2026-01-01"), last: day("2030-12-31") };
    assert_eq!(working("2030-12-27", 2), Ok(day("2030-12-31")));
    assert_eq!(working("2030-12-27", 3), Err(unknown));
    assert_eq!(working("2030-12-03", 20), Err(unknown));
    assert_eq!(working("2040-01-01", 1), Err(unknown));
    assert_eq!(working("2025-12-30", 1), Err(unknown));
    assert_eq!(working("2025-12-31", 1), Ok(day("2026-01-02")));
    // A Saturday too: whether a year is known does not depend on the weekday.
    assert_eq!(calendar.is_working_day(day("2031-01-04")), Err(unknown));
    assert_eq!(calendar.plus_working_days(NaiveDate::MAX, 1), Err(unknown));
    assert_eq!(
        unknown.to_string(),
        "bank holidays are known from 2026-01-01 to 2030-12-31 only, so working days outside can’t be counted"
    );
    let none = Calendar::unknown();
    assert!(none.plus_working_days(day("2026-11-23"), 1).is_err());
}

#[test]
fn counting_starts_on_the_first_working_day_after() {
    // Received on a Friday, a Saturday, a Sunday: Monday is the first day for each.
    for received in ["2026-11-20", "2026-11-21", "2026-11-22"] {
        assert_eq!(working(received, 1), Ok(day("2026-11-23")));
    }
    assert_eq!(working("2026-11-21", 0), Ok(day("2026-11-21")));
    // On Christmas Day 2026, a Friday: the Monday after stands in for Boxing Day.
    assert_eq!(working("2026-12-25", 1), Ok(day("2026-12-29")));
}

#[test]
fn leap_days_are_days() {
    assert_eq!(working("2028-02-28", 1), Ok(day("2028-02-29")));
    assert_eq!(working("2028-02-28", 2), Ok(day("2028-03-01")));
    assert_eq!(working("2027-02-26", 1), Ok(day("2027-03-01")));
    assert_eq!(plus_days(day("2028-02-01"), 30), day("2028-03-02"));
    assert_eq!(plus_days(day("2027-02-01"), 30), day("2027-03-03"));
    assert_eq!(plus_days(day("2028-02-29"), 366), day("2029-03-01"));
    assert_eq!(plus_days(NaiveDate::MAX, 1), NaiveDate::MAX);
}

/// A day ends when the zone's day ends: in summer an hour earlier than UTC's, and 23 or 25 hours after it began where
/// clocks change.
#[test]
fn days_end_where_the_people_are() {
    let london = Europe::London;
    assert_eq!(last_instant(day("2026-12-23"), &london), at("2026-12-23T23:59:59.999999Z"));
    assert_eq!(last_instant(day("2027-04-21"), &london), at("2027-04-21T22:59:59.999999Z"));
    let length = |date: &str, zone: Tz| {
        let date = day(date);
        first_instant(plus_days(date, 1), &zone).seconds_since(first_instant(date, &zone)) / 3_600
    };
    assert_eq!(
        [length("2026-03-29", london), length("2026-10-25", london), length("2026-11-22", london)],
        [23, 25, 24]
    );
    assert_eq!([length("2027-03-28", london), length("2027-10-31", london)], [23, 25]);
    // Received at half past midnight in summer, which is the day before in UTC.
    assert_eq!(date_in(at("2026-06-30T23:30:00Z"), &london), day("2026-07-01"));
    assert_eq!(date_in(at("2026-12-31T23:30:00Z"), &london), day("2026-12-31"));
}

#[test]
fn a_midnight_that_is_skipped_or_happens_twice() {
    // Clocks skip from 00:00 to 01:00.
    assert_eq!(first_instant(day("2023-04-28"), &Africa::Cairo), at("2023-04-27T22:00:00Z"));
    // Back from 01:00 to 00:00: the earlier midnight begins the day.
    assert_eq!(first_instant(day("2024-11-03"), &America::Havana), at("2024-11-03T04:00:00Z"));
    // Back from 24:00 to 23:00: the day before is an hour longer.
    assert_eq!(last_instant(day("2024-04-06"), &America::Santiago), at("2024-04-07T03:59:59.999999Z"));
    // A day that never was begins and ends with the next.
    assert_eq!(first_instant(day("2011-12-30"), &Pacific::Apia), first_instant(day("2011-12-31"), &Pacific::Apia));
    assert_eq!(first_instant(day("1960-01-01"), &Europe::London), Moment::EPOCH);
    assert_eq!(first_instant(NaiveDate::MAX, &Europe::London), Moment::EPOCH.plus_seconds(i64::MAX));
}

proptest! {
    /// The due day is a working day, and between the two lie exactly the working days counted.
    #[test]
    fn working_days_add_up(offset in 0..1_500_u16, days in 1..40_u16) {
        let calendar = CalendarId::EnglandAndWales.calendar();
        let from = plus_days(day("2026-01-01"), offset);
        let due = calendar.plus_working_days(from, days).unwrap();
        prop_assert_eq!(calendar.is_working_day(due), Ok(true));
        let counted = from.iter_days().skip(1).take_while(|date| *date <= due);
        let working = counted.filter(|date| calendar.is_working_day(*date) == Ok(true)).count();
        prop_assert_eq!(working, usize::from(days));
    }

    /// Every instant lies within its day.
    #[test]
    fn an_instant_lies_in_its_day(seconds in 0..4_000_000_000_i64, zone in prop::sample::select(vec![
        Europe::London, Europe::Berlin, Europe::Dublin, Africa::Cairo, America::Havana, America::Santiago,
    ])) {
        let instant = Moment::from_unix_seconds(seconds).unwrap();
        let date = date_in(instant, &zone);
        prop_assert!(first_instant(date, &zone) <= instant && instant <= last_instant(date, &zone));
    }
}
