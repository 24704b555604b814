//! The bands in which the ICO publishes its figures, for statistics beside them: how many people, how long to report.
//!
//! Labels are the ICO's own and exact; they and their bounds are data (`law/ico-bands.json`).

use std::sync::LazyLock;

use serde::Deserialize;

use crate::law::Confidence;
use crate::validity::Validity;
use crate::values::{Count, Known, Moment};

const BANDS_JSON: &str = include_str!("../law/ico-bands.json");
const MICROS_PER_SECOND: i64 = 1_000_000;

/// One band as the ICO names it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Band {
    /// Its stable name.
    pub code: String,
    /// The ICO's label, exact.
    pub label: String,
}

/// The bands' tables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Bands {
    /// What they are.
    pub title: String,
    /// Where they were published.
    pub source: String,
    /// From when to when they hold.
    #[serde(flatten)]
    pub validity: Validity,
    /// When they were gathered, as year and month.
    pub as_of: String,
    /// By how many people are affected.
    pub people: People,
    /// By the time from awareness to the report.
    pub time_to_report: TimeToReport,
}

/// Bands of people, smallest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct People {
    /// The ICO's heading.
    pub title: String,
    /// How sure labels and bounds are.
    pub confidence: Confidence,
    /// What is to be known about them.
    pub note: String,
    /// The bands.
    pub bands: Vec<PeopleBand>,
    /// Where the number is not known.
    pub unknown: Band,
}

/// A band of people; it ends before the next one's first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PeopleBand {
    /// The band.
    #[serde(flatten)]
    pub band: Band,
    /// The fewest people in it.
    pub from: u32,
}

/// Bands of time, shortest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct TimeToReport {
    /// The ICO's heading.
    pub title: String,
    /// How sure labels and bounds are.
    pub confidence: Confidence,
    /// What is to be known about them.
    pub note: String,
    /// The bands.
    pub bands: Vec<TimeBand>,
}

/// A band of time; it ends where the next one starts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TimeBand {
    /// The band.
    #[serde(flatten)]
    pub band: Band,
    /// Where it starts, in seconds.
    pub from_seconds: i64,
    /// Whether exactly that belongs to it; else to the band before.
    pub from_included: bool,
}

static BANDS: LazyLock<Bands> = LazyLock::new(|| serde_json::from_str(BANDS_JSON).unwrap_or_default());

/// The bands in force. Tests hold that the file compiled in parses.
#[must_use]
pub fn bands() -> &'static Bands {
    &BANDS
}

/// The band of a number of people, by its best present figure. `None` for zero: a breach of nobody's data is none.
#[must_use]
pub fn people(count: Known<Count>) -> Option<&'static Band> {
    let people = &bands().people;
    match count {
        Known::Known(count) => people.bands.iter().rfind(|row| row.from <= count.value).map(|row| &row.band),
        Known::NotYetKnown => Some(&people.unknown),
    }
}

/// The band of the time from awareness to the report, to the microsecond. `None` when the report is the earlier.
#[must_use]
pub fn time_to_report(aware: Moment, reported: Moment) -> Option<&'static Band> {
    let micros = reported.micros().saturating_sub(aware.micros());
    let starts = |row: &&TimeBand| {
        let from = row.from_seconds.saturating_mul(MICROS_PER_SECOND);
        from < micros || (from == micros && row.from_included)
    };
    bands().time_to_report.bands.iter().rfind(starts).map(|row| &row.band)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

    use super::*;
    use crate::values::CountBasis;
    use crate::vectors::rows;

    const VECTORS: &str = include_str!("../testdata/ico-band-vectors.csv");

    fn counted(value: u32) -> Known<Count> {
        Known::Known(Count { value, basis: CountBasis::Exact, max: None })
    }

    fn label(band: Option<&Band>) -> &str {
        band.map_or("", |band| band.label.as_str())
    }

    #[test]
    fn every_band_vector() {
        let rows = rows(VECTORS);
        assert_eq!(rows.len(), 21);
        for row in rows {
            let (input, expected) = (&row["input"], &row["expected_label"]);
            let band = match (row["dimension"].as_str(), input.as_str()) {
                ("data_subjects_affected_band", "unknown") => people(Known::NotYetKnown),
                ("data_subjects_affected_band", number) => people(counted(number.parse().unwrap())),
                ("time_taken_to_report", seconds) => {
                    let aware = Moment::parse("2026-03-03T02:10:00Z").unwrap();
                    time_to_report(aware, aware.plus_seconds(seconds.parse().unwrap()))
                }
                other => panic!("unknown dimension {other:?}"),
            };
            assert_eq!(label(band), expected, "{row:?}");
        }
    }

    /// Part of a second over a bound counts, and a report before awareness has no band.
    #[test]
    fn bounds_are_exact_and_time_never_runs_backwards() {
        let aware = Moment::parse("2026-03-03T02:10:00Z").unwrap();
        let after = |micros: i64| time_to_report(aware, Moment::from_micros(aware.micros() + micros).unwrap());
        assert_eq!(label(after(259_200_000_001)), "72 hours to 1 week");
        assert_eq!(label(after(86_399_999_999)), "Less than 24 hours");
        assert_eq!(after(-1), None);
    }

    /// Bands follow each other upwards, and each code is there once.
    #[test]
    fn the_tables_are_whole() {
        let bands = bands();
        assert_eq!((bands.people.bands.len(), bands.time_to_report.bands.len()), (6, 4));
        assert!(bands.people.bands.is_sorted_by(|one, next| one.from < next.from));
        assert!(bands.time_to_report.bands.is_sorted_by(|one, next| one.from_seconds < next.from_seconds));
        assert!(bands.people.bands.iter().all(|row| row.band.label != bands.people.unknown.label));
    }
}
