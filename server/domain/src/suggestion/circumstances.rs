//! What a suggestion and a comparison look at: some of the facts, and answers that only a person can give.

use serde::{Deserialize, Serialize};

use crate::facts::{Cause, DataCategory, DataRecipients, Facts, IcoCategory, Nature, Partly, SubjectCategory, YesNo};
use crate::values::{Count, Known, Options};

/// Whether people could go on using data that were lost or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restoration {
    /// Another copy was in use all the time.
    NeverMissing,
    /// Put right before anybody felt it.
    InTime,
    /// Put right, but people waited or went without.
    Late,
    /// Not put right, or never to be.
    NotRestored,
}

impl Restoration {
    /// Every option, in the order shown: the further down, the worse.
    pub const ALL: [Self; 4] = [Self::NeverMissing, Self::InTime, Self::Late, Self::NotRestored];

    /// The word in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NeverMissing => "never_missing",
            Self::InTime => "in_time",
            Self::Late => "late",
            Self::NotRestored => "not_restored",
        }
    }

    /// The label that people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NeverMissing => "Another copy was in use all the time",
            Self::InTime => "Put right before anybody felt it",
            Self::Late => "Put right, but people waited or went without",
            Self::NotRestored => "Not put right",
        }
    }

    /// The option with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|option| option.word() == word)
    }
}

/// The worst that somebody could do with the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misuse {
    /// Next to nothing.
    Little,
    /// A nuisance, such as unwanted advertising.
    Nuisance,
    /// Real harm: pass as somebody, take money, threaten, shame, find somebody who hides.
    Serious,
}

impl Misuse {
    /// Every option, in the order shown.
    pub const ALL: [Self; 3] = [Self::Little, Self::Nuisance, Self::Serious];

    /// The word in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Little => "little",
            Self::Nuisance => "nuisance",
            Self::Serious => "serious",
        }
    }

    /// The label that people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Little => "Next to nothing",
            Self::Nuisance => "Be a nuisance, for example with unwanted advertising",
            Self::Serious => "Real harm: pass as somebody, take money, threaten or shame them, find somebody who hides",
        }
    }

    /// The option with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|option| option.word() == word)
    }
}

/// What the facts don't hold and a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Whether the encryption (or hashing) is of a kind that is still held to be strong.
    pub strong: Known<YesNo>,
    /// Whether the key is safe: nobody who may have the data can have it too.
    pub key_safe: Known<YesNo>,
    /// Whether data that were lost or changed could be used again, and when.
    pub restoration: Known<Restoration>,
    /// Whether whoever received the data confirmed that they are returned or deleted.
    pub deletion_confirmed: Known<YesNo>,
    /// The worst that somebody could do with the data.
    pub misuse: Known<Misuse>,
    /// Whether steps taken since make sure that the high risk is gone (Article 34(3)(b)).
    pub high_risk_removed: Known<YesNo>,
    /// Whether telling each person would be out of all proportion (Article 34(3)(c)).
    pub telling_disproportionate: Known<YesNo>,
}

/// Everything that a suggestion and a comparison look at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Circumstances {
    /// What was lost.
    pub nature: Known<Options<Nature>>,
    /// Cyber or not.
    pub ico_category: Known<IcoCategory>,
    /// What caused it.
    pub cause: Known<Cause>,
    /// Whether the data can't be read without a key.
    pub unintelligible: Known<Partly>,
    /// Who may have received the data.
    pub recipients: Known<DataRecipients>,
    /// Kinds of data.
    pub data: Known<Options<DataCategory>>,
    /// Kinds of people.
    pub subjects: Known<Options<SubjectCategory>>,
    /// How many people.
    pub people: Known<Count>,
    /// What a person was asked.
    pub asked: Asked,
}

impl Circumstances {
    /// From the facts as they stand and the answers given.
    #[must_use]
    pub fn of(facts: &Facts, asked: Asked) -> Self {
        Self {
            nature: facts.nature.clone(),
            ico_category: facts.ico_category,
            cause: facts.cause,
            unintelligible: facts.data_unintelligible,
            recipients: facts.recipients_of_data,
            data: facts.data_categories.clone(),
            subjects: facts.subject_categories.clone(),
            people: facts.data_subjects,
            asked,
        }
    }

    /// Whether nobody can read the data: made unreadable in full, by strong means, with the key safe.
    pub(crate) fn is_protected(&self) -> bool {
        self.unintelligible == Known::Known(Partly::Yes)
            && self.asked.strong == Known::Known(YesNo::Yes)
            && self.asked.key_safe == Known::Known(YesNo::Yes)
    }
}
