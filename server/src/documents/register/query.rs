//! A filter of the register as it stands in an address: the same names and words on the page and in the API.

use chrono::{Days, NaiveDate, NaiveTime, TimeZone as _};
use chrono_tz::Tz;
use domain::facts::{DataCategory, IncidentKind};
use domain::incident_type::TypeCode;
use domain::values::Moment;

use crate::store::queries::register::figures::{self, Months};
use crate::store::queries::register::{Filter, ICO, SOURCES, STAGES, TEXT_MAX, category_word, cause_word};

/// The names, in the order of the page.
pub const NAMES: [&str; 14] = [
    "text", "state", "kind", "ico", "source", "partner", "service", "data", "cause", "category", "type", "from", "to",
    "exercise",
];

/// What is wrong with one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which.
    pub name: &'static str,
    /// What to do, without a full stop.
    pub message: &'static str,
}

/// A text that fits the names of more partners than are looked for (`PARTNERS_NAMED_MAX`): what it shows would not be all.
pub const TEXT_TOO_WIDE: Fault =
    Fault { name: "text", message: "This fits the names of more than 20 partners: type more of the name" };

/// A year whose counts may not be published. Until a year is over its counts change, and two files of them tell by
/// subtraction what each leaves out.
pub const YEAR_NOT_OVER: Fault = Fault {
    name: "year",
    message: "Choose a year that is over: counts of a year that still runs give away small ones",
};

/// Reads a filter. What is empty filters nothing; dates are days in a zone, both included. Drills are left out unless they
/// are asked for.
///
/// # Errors
/// Every fault.
pub fn read<'a>(given: impl Fn(&str) -> &'a str, zone: Tz) -> Result<Filter, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut filter = Filter { exercise: Some(false), ..Filter::default() };
    {
        let mut take = |name: &'static str, message: &'static str, read: &mut dyn FnMut(&str) -> bool| {
            let text = given(name).trim();
            if !text.is_empty() && !read(text) {
                faults.push(Fault { name, message });
            }
        };
        let of = |all: &[&'static str], text: &str| all.iter().copied().find(|word| *word == text);
        take("text", "Shorten the text to 100 characters", &mut |text| {
            text.clone_into(&mut filter.text);
            text.chars().count() <= TEXT_MAX
        });
        take("state", "Choose a state from the list", &mut |text| set(&mut filter.stage, of(&STAGES, text)));
        take("kind", "Choose a kind from the list", &mut |text| set(&mut filter.kind, kind(text)));
        take("ico", "Choose an outcome from the list", &mut |text| set(&mut filter.ico, of(&ICO, text)));
        take("source", "Choose an origin from the list", &mut |text| set(&mut filter.source, of(&SOURCES, text)));
        take("partner", "Choose a partner from the list", &mut |text| set(&mut filter.partner, text.parse().ok()));
        take("service", "Choose a service from the list", &mut |text| set(&mut filter.service, text.parse().ok()));
        take("data", "Choose a kind of data from the list", &mut |text| {
            set(&mut filter.data, DataCategory::from_word(text))
        });
        take("cause", "Choose a cause from the list", &mut |text| set(&mut filter.cause, cause_word(text)));
        take("category", "Choose a category from the list", &mut |text| set(&mut filter.category, category_word(text)));
        take("type", "Choose a type from the list", &mut |text| set(&mut filter.ico_type, TypeCode::from_word(text)));
        take("from", "Give the first day as a real date", &mut |text| set(&mut filter.from, day(text, zone, 0)));
        take("to", "Give the last day as a real date", &mut |text| set(&mut filter.before, day(text, zone, 1)));
        take("exercise", "Choose no, only or all", &mut |text| {
            let wanted = match text {
                "no" => Some(Some(false)),
                "only" => Some(Some(true)),
                "all" => Some(None),
                _ => None,
            };
            filter.exercise = wanted.unwrap_or(filter.exercise);
            wanted.is_some()
        });
    }
    if filter.from.zip(filter.before).is_some_and(|(from, before)| before <= from) {
        faults.push(Fault { name: "to", message: "Give a last day that is not before the first" });
    }
    if faults.is_empty() { Ok(filter) } else { Err(faults) }
}

fn set<T>(to: &mut Option<T>, read: Option<T>) -> bool {
    *to = read;
    to.is_some()
}

fn kind(word: &str) -> Option<IncidentKind> {
    match word {
        "breach" => Some(IncidentKind::Breach),
        "likely_to_give_rise" => Some(IncidentKind::LikelyToGiveRise),
        "under_investigation" => Some(IncidentKind::UnderInvestigation),
        _ => None,
    }
}

/// The instant at which a day begins, or that so many days later.
fn day(text: &str, zone: Tz, later: u64) -> Option<Moment> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.checked_add_days(Days::new(later))?;
    let start = zone.from_local_datetime(&date.and_time(NaiveTime::MIN)).earliest()?;
    Moment::from_micros(start.timestamp_micros()).ok()
}

/// The months of a year; `None` when it is no year.
#[must_use]
pub fn year_of(text: &str) -> Option<Months> {
    let year = text.parse().ok().filter(|year| text.len() == 4 && (1_970..=9_999).contains(year))?;
    Some(Months::of_year(year))
}

/// The months of a year that is over, as the figures count it (UTC); `None` when it is no year, or still runs.
#[must_use]
pub fn year_over(text: &str, now: Moment) -> Option<Months> {
    year_of(text).filter(|months| months.last < figures::month(now))
}

/// The filter as the query of an address, names in order, empty ones left out.
#[must_use]
pub fn write<'a>(given: impl Fn(&str) -> &'a str) -> String {
    let mut query = String::new();
    for name in NAMES {
        let value = given(name).trim();
        if !value.is_empty() {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(name);
            query.push('=');
            encode(&mut query, value);
        }
    }
    query
}

fn encode(query: &mut String, value: &str) {
    use std::fmt::Write as _;
    for octet in value.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~') {
            query.push(char::from(octet));
        } else {
            // Writing to a String can't fail.
            let _ = write!(query, "%{octet:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use chrono_tz::Europe::London;

    use super::*;

    fn given<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> &'a str {
        move |name| pairs.iter().find(|(given, _)| *given == name).map_or("", |(_, value)| *value)
    }

    /// Aim: days are days of the zone, both included, and nothing asked is nothing filtered but drills.
    #[test]
    fn days_are_of_the_zone() {
        let filter = read(given(&[("from", "2026-06-01"), ("to", "2026-06-30"), ("state", "closed")]), London).unwrap();
        assert_eq!(filter.from, Moment::parse("2026-05-31T23:00:00Z").ok());
        assert_eq!(filter.before, Moment::parse("2026-06-30T23:00:00Z").ok());
        assert_eq!(filter.stage, Some("closed"));
        assert_eq!(read(given(&[]), London).unwrap(), Filter { exercise: Some(false), ..Filter::default() });
        assert_eq!(read(given(&[("exercise", "all")]), London).unwrap().exercise, None);
    }

    /// Aim: every fault is named, and nothing that is not in a list gets through.
    #[test]
    fn faults_are_named() {
        let wrong = [("state", "x"), ("kind", "x"), ("partner", "x"), ("from", "2026-02-30"), ("exercise", "x")];
        let names: Vec<&str> = read(given(&wrong), London).unwrap_err().iter().map(|fault| fault.name).collect();
        assert_eq!(names, ["state", "kind", "partner", "from", "exercise"]);
        let turned = read(given(&[("from", "2026-06-02"), ("to", "2026-06-01")]), London).unwrap_err();
        assert_eq!(turned.first().unwrap().name, "to");
        assert!(read(given(&[("from", "2026-06-01"), ("to", "2026-06-01")]), London).is_ok());
    }

    /// Aim: a year is over with its last instant, and neither the running one, a later one nor a word ever is.
    #[test]
    fn only_years_that_are_over() {
        let at = |text: &str| Moment::parse(text).unwrap();
        assert_eq!(year_over("2025", at("2025-12-31T23:59:59Z")), None);
        assert_eq!(year_over("2025", at("2026-01-01T00:00:00Z")), Some(Months::of_year(2025)));
        for wrong in ["2026", "2027", "all", "12", ""] {
            assert_eq!(year_over(wrong, at("2026-03-02T09:00:00Z")), None, "{wrong}");
        }
    }

    /// Aim: what is written can stand in an address.
    #[test]
    fn queries_are_encoded() {
        assert_eq!(
            write(given(&[("text", "a&b=\u{e9}"), ("state", "closed"), ("other", "x")])),
            "text=a%26b%3D%C3%A9&state=closed"
        );
    }
}
