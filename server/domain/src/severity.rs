//! The severity score of a breach: ENISA's method of December 2013, with its working.
//!
//! Severity = context of the data (DPC) × ease of identification (EI) + circumstances of the breach (CB). The facts
//! propose where to start ([`propose()`]); a person chooses, and says why wherever they depart from a table or no fact
//! answers. [`score`] answers with a number, a level and every step of the working. It advises and decides nothing: the
//! law asks for the risk to people (UK GDPR Articles 33(1) and 34(1)), and a low score hides neither question.
//!
//! Every weight is a multiple of 0.25, so that [`Quarters`] count exactly. Tables are data (`law/enisa-severity.json`).

mod method;
mod propose;
#[cfg(test)]
mod tests;
mod work;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::choices::choices;
use crate::law::Confidence;
use crate::values::{Known, LongText, ValueError};

pub use self::method::{
    Circumstances, ContextFactors, ContextRow, EaseRow, Flag, FromFacts, Guide, IdentifierRow, LevelRow, Method,
    QuestionRow, Row, Rule, Rules, StepRow, method,
};
pub use self::propose::{Open, Proposal, propose};
pub use self::work::score;

const QUARTERS_PER_POINT: i16 = 4;

/// A number of the method in quarters: 15 is 3.75.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quarters(i16);

impl Quarters {
    /// From a number of quarters.
    #[must_use]
    pub const fn new(quarters: i16) -> Self {
        Self(quarters)
    }

    /// From whole points.
    #[must_use]
    pub const fn whole(points: i16) -> Self {
        Self(points.saturating_mul(QUARTERS_PER_POINT))
    }

    /// The number of quarters.
    #[must_use]
    pub const fn get(self) -> i16 {
        self.0
    }
}

/// With two decimals, as the method writes it: `3.75`.
impl fmt::Display for Quarters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let quarters = self.0.unsigned_abs();
        let per_point = QUARTERS_PER_POINT.unsigned_abs();
        write!(f, "{sign}{}.{:02}", quarters / per_point, quarters % per_point * 25)
    }
}

choices! {
    /// A kind of data as the method sorts it (DPC).
    DataContext {
        /// Contact, identity, education, family life, work.
        Simple => "simple";
        /// Location, traffic, preferences, habits.
        Behavioural => "behavioural";
        /// Income, transactions, statements, cards.
        Financial => "financial";
        /// Health, politics, sexual life and the other special categories.
        Sensitive => "sensitive";
    }
    /// What people can be recognised by (EI).
    Identifier {
        /// A full name.
        FullName => "full_name";
        /// A passport, identity card or social security number.
        OfficialNumber => "official_number";
        /// A telephone number or a home address.
        PhoneOrAddress => "phone_or_address";
        /// An e-mail address.
        Email => "email";
        /// A picture.
        Picture => "picture";
        /// A code, initials or an alias.
        CodeOrAlias => "code_or_alias";
        /// Something that the method's guide does not name.
        Other => "other";
    }
    /// How easily people can be recognised (EI).
    Ease {
        /// 0.25.
        Negligible => "negligible";
        /// 0.50.
        Limited => "limited";
        /// 0.75.
        Significant => "significant";
        /// 1.00.
        Maximum => "maximum";
    }
    /// Loss of confidentiality (CB).
    Confidentiality {
        /// None: adds nothing.
        NotAffected => "not_affected";
        /// Exposed, without a sign that anybody saw it: adds nothing.
        Exposed => "exposed";
        /// Known recipients: adds 0.25.
        KnownRecipients => "known_recipients";
        /// Unknown recipients: adds 0.50.
        UnknownRecipients => "unknown_recipients";
    }
    /// Loss of integrity (CB).
    Integrity {
        /// None: adds nothing.
        NotAffected => "not_affected";
        /// Changed, without a sign of wrong use: adds nothing.
        Changed => "changed";
        /// Possibly used, and recoverable: adds 0.25.
        UsedRecoverable => "used_recoverable";
        /// Possibly used, and not recoverable: adds 0.50.
        UsedNotRecoverable => "used_not_recoverable";
    }
    /// Loss of availability (CB).
    Availability {
        /// None: adds nothing.
        NotAffected => "not_affected";
        /// Recovered without difficulty: adds nothing.
        Recovered => "recovered";
        /// For a time: adds 0.25.
        Temporary => "temporary";
        /// For good: adds 0.50.
        Lost => "lost";
    }
    /// Malicious intent (CB).
    Intent {
        /// An error, or unknown: adds nothing.
        NoneKnown => "none_known";
        /// Deliberate: adds 0.50.
        Deliberate => "deliberate";
    }
    /// The level of a score, lowest first.
    Level {
        /// Below 2.
        Low => "low";
        /// From 2.
        Medium => "medium";
        /// From 3.
        High => "high";
        /// From 4.
        VeryHigh => "very_high";
    }
    /// A question of the law that a person decides, whatever the score.
    Question {
        /// UK GDPR Article 33(1).
        ReportToIco => "report_to_ico";
        /// UK GDPR Article 34(1).
        TellPeople => "tell_people";
    }
    /// A fact that a choice comes from, by its name on the wire (`law/notification-fields.json`).
    FactName {
        /// What was lost.
        Nature => "cia";
        /// What caused it.
        Cause => "cause";
        /// Who may have received the data.
        Recipients => "recipients_of_data";
        /// Kinds of data.
        DataCategories => "data_categories";
    }
}

/// How far a kind of data is moved from its base score: -3 to 3 points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i8", into = "i8")]
pub struct Points(i8);

impl Points {
    const MAX: i8 = 3;

    /// # Errors
    /// [`ValueError::OutOfRange`] outside -3 to 3: more would leave the method's range of 1 to 4 from any base.
    pub fn new(points: i8) -> Result<Self, ValueError> {
        if (-Self::MAX..=Self::MAX).contains(&points) {
            Ok(Self(points))
        } else {
            Err(ValueError::OutOfRange { min: -i64::from(Self::MAX), max: i64::from(Self::MAX) })
        }
    }

    /// The number of points.
    #[must_use]
    pub const fn get(self) -> i8 {
        self.0
    }
}

impl TryFrom<i8> for Points {
    type Error = ValueError;
    fn try_from(points: i8) -> Result<Self, ValueError> {
        Self::new(points)
    }
}

impl From<Points> for i8 {
    fn from(points: Points) -> Self {
        points.0
    }
}

/// Why a choice was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "because")]
pub enum Basis {
    /// A fact says so, and nobody changed it.
    Fact {
        /// Which.
        fact: FactName,
    },
    /// A person chose it.
    Person {
        /// Their reason.
        reason: LongText,
    },
}

/// A choice and why it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice<T> {
    /// What was chosen.
    pub value: T,
    /// Why.
    pub basis: Basis,
}

/// A kind of data that is affected, with the step that a person moved it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextChoice {
    /// Which kind.
    pub context: DataContext,
    /// Why it is among the affected.
    pub basis: Basis,
    /// The step from its base score; a fact never takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjustment: Option<Adjustment>,
}

/// A step from a base score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// How far. One that the method's table does not name is allowed, and shown as such.
    pub by: Points,
    /// Why: what raises or lowers it here.
    pub reason: LongText,
}

/// Something that people can be recognised by, and how easily. No fact tells, so that a person says why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentifierChoice {
    /// What.
    pub identifier: Identifier,
    /// How easily.
    pub ease: Ease,
    /// Why.
    pub reason: LongText,
}

/// What the method shows beside the score and never adds to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flags {
    /// More than 100 people are affected.
    pub more_than_100_people: Known<bool>,
    /// Nobody can read the data without a key that is safe (compare Article 34(3)(a)).
    pub unintelligible: Known<bool>,
}

/// Everything that is chosen. Each kind of data and each identifier is named at most once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// Kinds of data affected, at least one.
    pub contexts: Vec<ContextChoice>,
    /// What people can be recognised by, at least one.
    pub identifiers: Vec<IdentifierChoice>,
    /// Loss of confidentiality.
    pub confidentiality: Choice<Confidentiality>,
    /// Loss of integrity.
    pub integrity: Choice<Integrity>,
    /// Loss of availability.
    pub availability: Choice<Availability>,
    /// Malicious intent.
    pub intent: Choice<Intent>,
    /// Shown beside the score.
    #[serde(default)]
    pub flags: Flags,
}

/// Why no score can be worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No kind of data was chosen.
    #[error("choose at least one kind of data")]
    NoContext,
    /// A kind of data was chosen twice.
    #[error("the kind of data \u{201c}{}\u{201d} is there twice", .0.word())]
    ContextTwice(DataContext),
    /// No identifier was chosen.
    #[error("choose at least one thing that people can be recognised by")]
    NoIdentifier,
    /// An identifier was chosen twice.
    #[error("the identifier \u{201c}{}\u{201d} is there twice", .0.word())]
    IdentifierTwice(Identifier),
    /// A choice has no line in the method's tables.
    #[error("the method\u{2019}s tables have no line for \u{201c}{0}\u{201d}")]
    NotInTheMethod(&'static str),
}

/// A severity score: advice with its working, never a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// The method and its version, for example `enisa-2013`: a later table changes no earlier score.
    pub method: String,
    /// The number, 0.25 to 6.00.
    pub severity: Quarters,
    /// Its level.
    pub level: Level,
    /// Every step in the order of the method; the last one gives the level.
    pub working: Vec<Step>,
    /// Shown beside the score, never part of it.
    pub flags: Flags,
    /// The questions that a person decides, always both.
    pub prompts: Vec<Prompt>,
}

/// One step of the working.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is worked out.
    pub term: Term,
    /// The number it gives. Context steps are whole points; a step from a base may be negative.
    pub number: Quarters,
    /// The line of the table or the rule of the method that gives the number.
    pub ground: String,
    /// The fact or the person's reason behind the choice; `None` where the method only counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// How sure that line or rule is.
    pub confidence: Confidence,
}

/// What a step works out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "term")]
pub enum Term {
    /// The base score of a kind of data.
    Base {
        /// Which kind.
        context: DataContext,
    },
    /// The step from it that a person chose.
    Adjusted {
        /// Which kind.
        context: DataContext,
    },
    /// Base and step together, kept between 1 and 4.
    Held {
        /// Which kind.
        context: DataContext,
    },
    /// The highest of all kinds of data: DPC.
    Context,
    /// How easily one identifier gives people away.
    Identifier {
        /// Which.
        identifier: Identifier,
    },
    /// The highest of all identifiers: EI.
    Ease,
    /// DPC × EI.
    Product,
    /// Loss of confidentiality.
    Confidentiality,
    /// Loss of integrity.
    Integrity,
    /// Loss of availability.
    Availability,
    /// Malicious intent.
    Intent,
    /// The four circumstances together: CB.
    Circumstances,
    /// DPC × EI + CB.
    Severity,
    /// The level that the severity falls in.
    Level,
}

impl Term {
    /// What people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Base { .. } => "Base score of a kind of data",
            Self::Adjusted { .. } => "Moved by",
            Self::Held { .. } => "Score of this kind of data",
            Self::Context => "Context of the data",
            Self::Identifier { .. } => "How easily this gives people away",
            Self::Ease => "Ease of identification",
            Self::Product => "Context times ease",
            Self::Confidentiality => "Confidentiality",
            Self::Integrity => "Integrity",
            Self::Availability => "Availability",
            Self::Intent => "Intent",
            Self::Circumstances => "Circumstances",
            Self::Severity => "Severity",
            Self::Level => "Level",
        }
    }
}

/// A question of the law beside the score. It is asked whatever the score is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// Which.
    pub question: Question,
    /// Whether the score itself points to it. `false` never means *no*.
    pub raised: bool,
    /// Where the law asks it.
    pub provision: String,
    /// Why the score does not answer it.
    pub ground: String,
}
