//! Where an incident stands, and why its notices may no longer stand.

use serde::{Deserialize, Serialize};

use crate::values::Line;

/// Why a notice no longer stands (protocol §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawalReason {
    /// It turned out not to be a breach.
    NotABreach,
    /// It was sent in error.
    SentInError,
    /// It reached the wrong partner: they are asked to delete it and to say so.
    WrongRecipient,
    /// Another case covers it.
    DuplicateOf,
}

impl WithdrawalReason {
    /// Every reason, in the order shown.
    pub const ALL: [Self; 4] = [Self::NotABreach, Self::SentInError, Self::WrongRecipient, Self::DuplicateOf];

    /// The word in tables, on the wire and in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotABreach => "not_a_breach",
            Self::SentInError => "sent_in_error",
            Self::WrongRecipient => "wrong_recipient",
            Self::DuplicateOf => "duplicate_of",
        }
    }

    /// The label that people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NotABreach => "It is not a breach",
            Self::SentInError => "It was sent in error",
            Self::WrongRecipient => "It reached the wrong partner",
            Self::DuplicateOf => "Another case covers it",
        }
    }

    /// The reason with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }

    /// Why clocks end with it (ruling 6). Every reason has one; a test holds that.
    pub(crate) fn clock_reason(self) -> Option<Line> {
        Line::parse(&format!("Withdrawn: {}", self.label())).ok()
    }
}

/// Where an incident stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "stage")]
pub enum Stage {
    /// Logged; clocks run, notices are held back by a person.
    Held,
    /// Logged; notices go out.
    Active,
    /// Its notices no longer stand.
    Withdrawn {
        /// Why.
        reason: WithdrawalReason,
    },
    /// Every duty decided, and a person closed it.
    Closed,
    /// Contents erased at the end of retention; what survives is in the event.
    Anonymised,
}

impl Stage {
    /// The word in tables and the API.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Active => "active",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Closed => "closed",
            Self::Anonymised => "anonymised",
        }
    }

    /// Whether facts, notices and decisions may still change: held or active.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Held | Self::Active => true,
            Self::Withdrawn { .. } | Self::Closed | Self::Anonymised => false,
        }
    }
}
