//! From when to when a rule holds.
//!
//! Law changes without a release of ours. A rule without its days would be applied to days on which it did not hold.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// From when to when something holds: calendar days of the place where it holds, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Validity {
    /// The first day; absent where none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// The last day; absent while it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

impl Validity {
    /// Whether it holds on a day.
    #[must_use]
    pub fn covers(self, on: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= on) && self.until.is_none_or(|until| on <= until)
    }

    /// Whether there is a day on which both hold.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        let ends_before = |one: Self, two: Self| one.until.zip(two.from).is_some_and(|(until, from)| until < from);
        !ends_before(self, other) && !ends_before(other, self)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_and_the_last_day_are_included() {
        let validity = Validity { from: Some(day("2025-08-20")), until: Some(day("2026-02-28")) };
        let covers = |text| validity.covers(day(text));
        assert_eq!(
            [covers("2025-08-19"), covers("2025-08-20"), covers("2026-02-28"), covers("2026-03-01")],
            [false, true, true, false]
        );
        assert!(Validity::default().covers(NaiveDate::MIN) && Validity::default().covers(NaiveDate::MAX));
    }

    #[test]
    fn validities_that_share_a_day_overlap() {
        let until = |text| Validity { from: None, until: Some(day(text)) };
        let from = |text| Validity { from: Some(day(text)), until: None };
        assert!(!until("2025-08-19").overlaps(from("2025-08-20")));
        assert!(!from("2025-08-20").overlaps(until("2025-08-19")));
        assert!(until("2025-08-20").overlaps(from("2025-08-20")));
        assert!(Validity::default().overlaps(until("2025-08-20")));
    }
}
