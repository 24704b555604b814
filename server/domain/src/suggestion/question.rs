//! What is still to be found out before a suggestion could change.

use serde::{Deserialize, Serialize};

use super::circumstances::Circumstances;
use crate::facts::{DataRecipients, Nature, Partly};
use crate::values::Known;

/// A question whose answer could change the suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// What was lost.
    Nature,
    /// What caused it.
    Cause,
    /// Who may have received the data.
    Recipients,
    /// Whether the data can be read.
    Unintelligible,
    /// Whether the encryption is strong.
    Strong,
    /// Whether the key is safe.
    KeySafe,
    /// Whether the data could be used again.
    Restoration,
    /// Kinds of data.
    Data,
    /// Kinds of people.
    Subjects,
    /// How many people.
    People,
    /// Whether deletion is confirmed.
    DeletionConfirmed,
    /// What could be done with the data.
    Misuse,
}

impl Question {
    /// The question as it is put to a person.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Nature => "Were data seen, changed, lost or out of reach?",
            Self::Cause => "Was it a mistake or done on purpose, and by whom?",
            Self::Recipients => "Who may have received the data?",
            Self::Unintelligible => "Were the data encrypted, or made unreadable in another way?",
            Self::Strong => "Is that protection of a kind that is still held to be strong?",
            Self::KeySafe => "Is the key safe, so that nobody who may have the data can have it too?",
            Self::Restoration => "Was there a backup, and when could the data be used again?",
            Self::Data => "Which kinds of data are touched?",
            Self::Subjects => "Which kinds of people are touched?",
            Self::People => "How many people are touched?",
            Self::DeletionConfirmed => "Did whoever received the data confirm that they are returned or deleted?",
            Self::Misuse => "What is the worst that somebody could do with the data?",
        }
    }

    /// What is not known of these circumstances and could change the suggestion, in the order asked.
    pub(super) fn open(of: &Circumstances) -> Vec<Self> {
        let unreadable = matches!(of.unintelligible, Known::Known(Partly::Yes | Partly::Partly));
        let usable = of.nature.as_option().is_none_or(|lost| {
            lost.is_empty() || lost.contains(&Nature::Availability) || lost.contains(&Nature::Integrity)
        });
        let named = matches!(of.recipients, Known::Known(DataRecipients::KnownTrusted | DataRecipients::Known));
        [
            (Self::Nature, of.nature.as_option().is_none_or(std::collections::BTreeSet::is_empty)),
            (Self::Cause, of.cause.is_missing()),
            (Self::Recipients, of.recipients.is_missing()),
            (Self::Unintelligible, of.unintelligible.is_missing()),
            (Self::Strong, unreadable && of.asked.strong.is_missing()),
            (Self::KeySafe, unreadable && of.asked.key_safe.is_missing()),
            (Self::Restoration, usable && of.asked.restoration.is_missing()),
            (Self::Data, of.data.is_missing()),
            (Self::Subjects, of.subjects.is_missing()),
            (Self::People, of.people.is_missing()),
            (Self::DeletionConfirmed, named && of.asked.deletion_confirmed.is_missing()),
            (Self::Misuse, of.asked.misuse.is_missing()),
        ]
        .into_iter()
        .filter_map(|(question, is_open)| is_open.then_some(question))
        .collect()
    }
}
