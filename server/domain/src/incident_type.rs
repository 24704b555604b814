//! The ICO's types of incident, by which a root cause is coded: so that our own causes stand beside the published figures.
//!
//! The list is data (`law/ico-incident-types.json`). A code once recorded stays readable when the list changes.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::law::Confidence;
use crate::validity::Validity;
use crate::values::Text;

const TYPES_JSON: &str = include_str!("../law/ico-incident-types.json");

/// The ICO's list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct IncidentTypes {
    /// What it is.
    pub title: String,
    /// Where it was published.
    pub source: String,
    /// From when to when it holds.
    #[serde(flatten)]
    pub validity: Validity,
    /// When it was gathered, as year and month.
    pub as_of: String,
    /// What is to be known about it.
    pub note: String,
    /// The types, in the ICO's order.
    pub types: Vec<IncidentType>,
}

/// One type of incident.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IncidentType {
    /// Its stable name.
    pub code: String,
    /// The ICO's label, exact.
    pub label: String,
    /// On which side the ICO counts it: Cyber, Non Cyber, or either.
    pub categories: Vec<String>,
    /// How sure that is.
    pub confidence: Confidence,
    /// What it means, in our words.
    #[serde(default)]
    pub note: String,
}

/// The list as it is compiled in. A test holds that it parses.
pub static TYPES: LazyLock<IncidentTypes> = LazyLock::new(|| serde_json::from_str(TYPES_JSON).unwrap_or_default());

/// The code of a type: one of the list when it is typed in, any when it is read from the record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TypeCode(Text<64>);

impl TypeCode {
    /// The code of a type in the list.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let known = TYPES.types.iter().find(|known| known.code == word)?;
        Text::parse(&known.code).ok().map(Self)
    }

    /// Every code of the list.
    #[must_use]
    pub fn all() -> Vec<Self> {
        TYPES.types.iter().filter_map(|known| Text::parse(&known.code).ok().map(Self)).collect()
    }

    /// The word in events, tables and the API.
    #[must_use]
    pub fn word(&self) -> &str {
        self.0.as_str()
    }

    /// The ICO's label; the code itself for one that the list no longer has.
    #[must_use]
    pub fn label(&self) -> &str {
        let known = TYPES.types.iter().find(|known| known.code == self.word());
        known.map_or(self.word(), |known| known.label.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeSet;

    use super::*;

    /// Aim: the list is whole, every code is named once, and each is on a side that the ICO has.
    #[test]
    fn the_list_is_whole() {
        assert_eq!(TYPES.types.len(), 22);
        let codes: BTreeSet<&str> = TYPES.types.iter().map(|known| known.code.as_str()).collect();
        assert_eq!(codes.len(), TYPES.types.len());
        for known in &TYPES.types {
            assert!(!known.categories.is_empty(), "{}", known.code);
            assert!(known.categories.iter().all(|side| ["Cyber", "Non Cyber"].contains(&side.as_str())));
        }
        assert_eq!(TypeCode::all().len(), TYPES.types.len());
    }

    /// Aim: only listed codes are taken; one on record that left the list is still read, and shown as it is.
    #[test]
    fn codes_are_listed_or_on_record() {
        assert_eq!(TypeCode::from_word("phishing").unwrap().label(), "Phishing");
        assert_eq!(TypeCode::from_word("Phishing"), None);
        let old: TypeCode = serde_json::from_str("\"carrier_pigeon\"").unwrap();
        assert_eq!(old.label(), "carrier_pigeon");
    }
}
