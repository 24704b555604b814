//! How sure a line of the tables in `law/` is.
//!
//! Without it a fact that somebody only remembered would be printed as certain.

pub mod tables;

use serde::{Deserialize, Serialize};

/// How sure a fact is. An unverified one is shown with that word wherever an administrator sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Read in the statute, the regulator's own page or the primary document.
    Verified,
    /// Told by other published sources.
    Secondary,
    /// Computed from rules that are named.
    Derived,
    /// General knowledge: to be checked before anybody relies on it.
    #[default]
    Unverified,
}

impl Confidence {
    /// Every word, surest first.
    pub const ALL: [Self; 4] = [Self::Verified, Self::Secondary, Self::Derived, Self::Unverified];

    /// The word in the data, the API and the administrator's view.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Secondary => "secondary",
            Self::Derived => "derived",
            Self::Unverified => "unverified",
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_words_are_those_of_the_data() {
        for confidence in Confidence::ALL {
            assert_eq!(serde_json::to_value(confidence).unwrap(), confidence.word());
        }
    }
}
