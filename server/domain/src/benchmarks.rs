//! What others see: published figures of breaches reported to the ICO, to put one's own beside.
//!
//! They are data (`law/ico-benchmarks.json`), each with its source and how sure it is. None of it is a target.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::law::Confidence;

const BENCHMARKS_JSON: &str = include_str!("../law/ico-benchmarks.json");

/// The figures.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Benchmarks {
    /// What they are.
    pub title: String,
    /// When they were gathered, as year and month.
    pub as_of: String,
    /// What is to be known about them.
    pub note: String,
    /// They.
    pub rows: Vec<Benchmark>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Benchmark {
    /// What is measured.
    pub measure: String,
    /// When.
    pub period: String,
    /// Of what part of all.
    pub slice: String,
    /// The figure as it was published.
    pub value: String,
    /// In what it counts.
    pub unit: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// Where it was published.
    pub source: String,
}

static BENCHMARKS: LazyLock<Benchmarks> = LazyLock::new(|| serde_json::from_str(BENCHMARKS_JSON).unwrap_or_default());

/// The figures compiled in. Tests hold that the file parses.
#[must_use]
pub fn benchmarks() -> &'static Benchmarks {
    &BENCHMARKS
}

/// The newest figure of a measure: the last in the file.
#[must_use]
pub fn newest(measure: &str) -> Option<&'static Benchmark> {
    benchmarks().rows.iter().rfind(|row| row.measure == measure)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Aim: every figure has its source, none is called verified, and the shares that pages show are there.
    #[test]
    fn figures_name_their_source() {
        let rows = &benchmarks().rows;
        assert!(rows.len() > 40 && rows.iter().all(|row| !row.source.is_empty() && row.source != "same"));
        assert!(rows.iter().all(|row| row.confidence == Confidence::Secondary));
        for (measure, value) in
            [("reported_within_72h_share", "62"), ("affecting_under_10_people_share", "50"), ("non_cyber_share", "73")]
        {
            assert_eq!(newest(measure).unwrap().value, value);
        }
        assert_eq!(newest("median_time_to_report"), None, "what nobody published is not made up");
    }
}
