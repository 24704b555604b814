//! What a person chooses from when a complaint is logged or answered.

use serde::{Deserialize, Serialize};

/// How a complaint reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A form on our pages.
    Form,
    /// A message by e-mail.
    Email,
    /// A letter.
    Letter,
    /// A telephone call.
    Telephone,
    /// Somebody in front of us.
    InPerson,
    /// From the regulator or somebody else.
    Forwarded,
}

/// What a complaint is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Data lost, or shown to the wrong people.
    Security,
    /// A request about their own data that was not met.
    Rights,
    /// Data used or kept without a good reason.
    Use,
    /// Data that is wrong.
    Accuracy,
    /// Data given to somebody else.
    Sharing,
    /// Not told, or not told plainly, what happens to the data.
    Transparency,
    /// Something else.
    Other,
}

/// What came of a complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// They were right.
    Upheld,
    /// They were right in part.
    PartlyUpheld,
    /// They were not.
    NotUpheld,
    /// They took it back.
    Withdrawn,
    /// It is not about how we use personal data, or not for us to answer.
    NotForUs,
}

/// Words and labels of an option list.
macro_rules! options {
    ($($type:ty { $($option:ident: $word:literal, $label:literal;)+ })+) => {$(
        impl $type {
            /// Every option, in the order shown.
            pub const ALL: &'static [Self] = &[$(Self::$option),+];

            /// The word in tables and the API.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$option => $word),+ }
            }

            /// The label that people read.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$option => $label),+ }
            }

            /// The option with this word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|option| option.word() == word)
            }
        }
    )+};
}

options! {
    Channel {
        Form: "form", "A form on our pages";
        Email: "email", "E-mail";
        Letter: "letter", "Letter";
        Telephone: "telephone", "Telephone";
        InPerson: "in_person", "In person";
        Forwarded: "forwarded", "From the ICO or somebody else";
    }
    Category {
        Security: "security", "Data lost, or shown to the wrong people";
        Rights: "rights", "A request about their own data that was not met";
        Use: "use", "Data used or kept without a good reason";
        Accuracy: "accuracy", "Data that is wrong";
        Sharing: "sharing", "Data given to somebody else";
        Transparency: "transparency", "Not told plainly what happens to the data";
        Other: "other", "Something else";
    }
    Outcome {
        Upheld: "upheld", "They were right";
        PartlyUpheld: "partly_upheld", "They were right in part";
        NotUpheld: "not_upheld", "They were not";
        Withdrawn: "withdrawn", "They took it back";
        NotForUs: "not_for_us", "Not for us to answer";
    }
}
