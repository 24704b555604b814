//! What only the controller itself can say, and says once for all its reports.

use serde::{Deserialize, Serialize};

use super::Organisation;
use crate::values::LongText;

/// How many people work here, as regulators ask it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganisationSize {
    /// Fewer than 250.
    #[serde(rename = "under_250")]
    Under250,
    /// 250 or more.
    #[serde(rename = "from_250")]
    From250,
}

impl OrganisationSize {
    /// Every size, in the order shown.
    pub const ALL: [Self; 2] = [Self::Under250, Self::From250];

    /// The word in the record, the forms' data and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Under250 => "under_250",
            Self::From250 => "from_250",
        }
    }

    /// What people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Under250 => "Fewer than 250 people",
            Self::From250 => "250 people or more",
        }
    }

    /// The size with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.word() == word)
    }
}

/// Answers that stand for every report of ours.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// How many people work here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<OrganisationSize>,
    /// Whether we have told the regulator of a breach before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_before: Option<bool>,
    /// What we do to prevent breaches, whatever happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prevention: Option<LongText>,
    /// The data protection training that people here get: content and frequency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<LongText>,
    /// Whether we belong to an approved code of conduct or certification scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_of_conduct: Option<bool>,
    /// Which, and who watches over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_of_conduct_details: Option<LongText>,
}

/// All that a report says of ourselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Who we are.
    pub organisation: Organisation,
    /// What stands for every report.
    pub standing: Standing,
}

impl Standing {
    /// Every free text with its name.
    #[must_use]
    pub fn free_texts(&self) -> Vec<(&'static str, &str)> {
        let texts = [
            ("prevention", &self.prevention),
            ("training", &self.training),
            ("code_of_conduct_details", &self.code_of_conduct_details),
        ];
        texts.into_iter().filter_map(|(name, text)| text.as_ref().map(|text| (name, text.as_str()))).collect()
    }
}
