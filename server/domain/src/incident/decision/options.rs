//! What can be decided about telling people, and on which grounds something was no breach: closed lists, each with its word,
//! its label and the provision that it rests on.

use serde::{Deserialize, Serialize};

use crate::values::{Line, LongText};

/// Whether the people affected are told (UK GDPR Article 34).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "people")]
pub enum People {
    /// They are told (Article 34(1)).
    Tell,
    /// The ICO requires it (Article 34(4)).
    RequiredByRegulator {
        /// Where it says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<Line>,
    },
    /// They are not: the risk is not high (Article 34(1)).
    RiskNotHigh,
    /// They are not: nobody can read the data (Article 34(3)(a)).
    Unreadable,
    /// They are not: what was done since removed the high risk (Article 34(3)(b)).
    HighRiskRemoved,
    /// Not each of them: it would be out of proportion, so a public notice tells them (Article 34(3)(c)).
    OutOfProportion {
        /// Which public communication, or similar measure.
        public_communication: LongText,
    },
}

impl People {
    /// Every word, in the order shown.
    pub const WORDS: [&'static str; 6] =
        ["tell", "risk_not_high", "unreadable", "high_risk_removed", "out_of_proportion", "required_by_regulator"];

    /// The word in tables, forms and the API.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Tell => "tell",
            Self::RequiredByRegulator { .. } => "required_by_regulator",
            Self::RiskNotHigh => "risk_not_high",
            Self::Unreadable => "unreadable",
            Self::HighRiskRemoved => "high_risk_removed",
            Self::OutOfProportion { .. } => "out_of_proportion",
        }
    }

    /// The label that people read.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Tell => "The people affected are told",
            Self::RequiredByRegulator { .. } => "The people affected are told: the ICO requires it",
            Self::RiskNotHigh => "They need not be told: the risk to them is not high",
            Self::Unreadable => "They need not be told: nobody can read the data",
            Self::HighRiskRemoved => "They need not be told: what was done since removed the high risk",
            Self::OutOfProportion { .. } => "A public notice in place of telling each: that would be out of proportion",
        }
    }

    /// What it rests on.
    #[must_use]
    pub const fn provision(&self) -> &'static str {
        match self {
            Self::Tell | Self::RiskNotHigh => "UK GDPR Article 34(1)",
            Self::RequiredByRegulator { .. } => "UK GDPR Article 34(4)",
            Self::Unreadable => "UK GDPR Article 34(3)(a)",
            Self::HighRiskRemoved => "UK GDPR Article 34(3)(b)",
            Self::OutOfProportion { .. } => "UK GDPR Article 34(3)(c)",
        }
    }

    /// Whether somebody has to be told something: each person, or the public.
    #[must_use]
    pub const fn asks_to_tell(&self) -> bool {
        match self {
            Self::Tell | Self::RequiredByRegulator { .. } | Self::OutOfProportion { .. } => true,
            Self::RiskNotHigh | Self::Unreadable | Self::HighRiskRemoved => false,
        }
    }
}

/// Why it was no breach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotABreach {
    /// No data about living people (Article 4(1)).
    NoPersonalData,
    /// Nothing happened to the data: a near miss.
    NearMiss,
    /// Something happened to the data, as it was meant to.
    NoFailure,
}

impl NotABreach {
    /// Every ground, in the order shown.
    pub const ALL: [Self; 3] = [Self::NearMiss, Self::NoPersonalData, Self::NoFailure];

    /// The word in tables, forms and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoPersonalData => "no_personal_data",
            Self::NearMiss => "near_miss",
            Self::NoFailure => "no_failure",
        }
    }

    /// The label that people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoPersonalData => "No data about living people is involved",
            Self::NearMiss => "A near miss: nothing was lost, changed, seen or out of reach",
            Self::NoFailure => "What happened to the data was meant to happen: nothing failed",
        }
    }

    /// The ground with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ground| ground.word() == word)
    }

    /// Why the ICO clock ends with it. Every ground has one; a test holds that.
    pub(super) fn clock_reason(self) -> Option<Line> {
        Line::parse(&format!("Not a breach. {}", self.label())).ok()
    }
}
