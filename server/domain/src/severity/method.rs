//! The method as data: every weight, step, guide line and level, each with how sure it is.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{
    Availability, Confidentiality, DataContext, Ease, Identifier, Integrity, Intent, Level, Points, Quarters, Question,
};
use crate::facts::DataCategory;
use crate::law::Confidence;
use crate::validity::Validity;

const METHOD_JSON: &str = include_str!("../../law/enisa-severity.json");

/// The method's tables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Method {
    /// Its stable name.
    pub id: String,
    /// What it is.
    pub title: String,
    /// Where it was published.
    pub source: String,
    /// From when to when it holds.
    #[serde(flatten)]
    pub validity: Validity,
    /// When the tables were gathered, as year and month.
    pub as_of: String,
    /// Its rules of reckoning.
    pub rules: Rules,
    /// Kinds of data.
    pub contexts: Vec<ContextRow>,
    /// What may raise or lower a kind of data.
    pub context_factors: ContextFactors,
    /// Degrees of ease, lowest first.
    pub eases: Vec<EaseRow>,
    /// What people can be recognised by.
    pub identifiers: Vec<IdentifierRow>,
    /// The four circumstances.
    pub circumstances: Circumstances,
    /// Levels, lowest first.
    pub levels: Vec<LevelRow>,
    /// What is shown beside the score.
    pub flags: Vec<Flag>,
    /// The questions of the law that stay open.
    pub questions: Vec<QuestionRow>,
    /// Which kind of data a fact proposes: ours, not the method's.
    pub from_facts: FromFacts,
}

/// One rule in words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Rule {
    /// What people read.
    pub label: String,
    /// How sure it is.
    pub confidence: Confidence,
}

/// The rules of reckoning.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Rules {
    /// A step that the table does not name.
    pub own_adjustment: Rule,
    /// Between 1 and 4.
    pub limits: Rule,
    /// The highest kind of data counts.
    pub highest_context: Rule,
    /// A degree of ease that the guide does not name.
    pub own_ease: Rule,
    /// The highest ease counts.
    pub highest_ease: Rule,
    /// DPC × EI.
    pub product: Rule,
    /// CB.
    pub sum_of_circumstances: Rule,
    /// DPC × EI + CB.
    pub severity: Rule,
}

/// A kind of data.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ContextRow {
    /// Which.
    pub code: DataContext,
    /// What people read.
    pub label: String,
    /// Its base score in points.
    pub base: u8,
    /// What belongs to it.
    pub examples: String,
    /// How sure the base score is.
    pub confidence: Confidence,
    /// Steps from the base that the method names.
    pub steps: Vec<StepRow>,
}

/// A step from a base score.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StepRow {
    /// How far, in points.
    pub by: Points,
    /// When it is taken.
    pub label: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// What is to be known about this line.
    #[serde(default)]
    pub note: Option<String>,
}

/// What may raise or lower a kind of data, in words; the method gives no numbers for them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct ContextFactors {
    /// How sure they are.
    pub confidence: Confidence,
    /// What raises.
    pub raise: Vec<String>,
    /// What lowers.
    pub lower: Vec<String>,
}

/// A degree of ease.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EaseRow {
    /// Which.
    pub code: Ease,
    /// Its factor.
    pub quarters: Quarters,
    /// What people read.
    pub label: String,
    /// How sure it is.
    pub confidence: Confidence,
}

/// What people can be recognised by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IdentifierRow {
    /// Which.
    pub code: Identifier,
    /// What people read.
    pub label: String,
    /// How easily, by example. Not every degree has one.
    pub guide: Vec<Guide>,
}

/// One line of the guide to an identifier.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Guide {
    /// The degree.
    pub ease: Ease,
    /// When it is chosen.
    pub label: String,
    /// How sure it is.
    pub confidence: Confidence,
}

/// One line of a circumstance.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Row<T> {
    /// Which.
    pub code: T,
    /// What it adds.
    pub quarters: Quarters,
    /// When it is chosen.
    pub label: String,
    /// How sure its words are; the numbers are verified.
    pub confidence: Confidence,
}

/// The four circumstances.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Circumstances {
    /// Loss of confidentiality.
    pub confidentiality: Vec<Row<Confidentiality>>,
    /// Loss of integrity.
    pub integrity: Vec<Row<Integrity>>,
    /// Loss of availability.
    pub availability: Vec<Row<Availability>>,
    /// Malicious intent.
    pub intent: Vec<Row<Intent>>,
}

/// A level.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LevelRow {
    /// Which.
    pub code: Level,
    /// The lowest severity in it; it ends below the next level's.
    pub from_quarters: Quarters,
    /// What people read.
    pub label: String,
    /// What it means for the people affected.
    pub meaning: String,
    /// How sure the bound is.
    pub confidence: Confidence,
}

/// What is shown beside the score.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Flag {
    /// Its name in [`super::Flags`].
    pub code: String,
    /// What people read.
    pub label: String,
    /// What it does to the score: nothing.
    pub effect: String,
    /// How sure it is.
    pub confidence: Confidence,
}

/// A question of the law beside the score.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct QuestionRow {
    /// Which.
    pub code: Question,
    /// The level from which the score points to it.
    pub raised_from: Level,
    /// Where the law asks it.
    pub provision: String,
    /// Why the score does not answer it.
    pub label: String,
    /// How sure the provision is.
    pub confidence: Confidence,
}

/// Which kind of data a fact proposes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct FromFacts {
    /// How sure it is.
    pub confidence: Confidence,
    /// By the ICO form's kinds of data. One that is left out is a person's choice: a password counts as what it opens.
    pub data_categories: BTreeMap<DataCategory, DataContext>,
}

static METHOD: LazyLock<Method> = LazyLock::new(|| serde_json::from_str(METHOD_JSON).unwrap_or_default());

/// The method in force. Tests hold that the file compiled in parses.
#[must_use]
pub fn method() -> &'static Method {
    &METHOD
}
