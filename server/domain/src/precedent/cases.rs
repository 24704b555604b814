//! The cases as data: read once from `law/edpb-cases.json`, which tests hold to parse.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer};

use crate::facts::{Cause, DataCategory, DataRecipients, IcoCategory, Nature, Partly, SubjectCategory, YesNo};
use crate::law::Confidence;
use crate::suggestion::{Asked, Circumstances, Misuse, Restoration};
use crate::validity::Validity;
use crate::values::{Count, Known, Options};

const CASES_JSON: &str = include_str!("../../law/edpb-cases.json");

/// A guideline that cases come from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Guideline {
    /// Its short name, which cases refer to.
    pub id: String,
    /// How it is cited, with version and date.
    pub citation: String,
    /// From when to when it holds.
    #[serde(flatten)]
    pub validity: Validity,
    /// Whom it binds, and whom not.
    pub force: String,
    /// How sure the citation and the date are.
    pub confidence: Confidence,
}

/// What a guideline says should be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// Report, or tell.
    Yes,
    /// No need to.
    No,
    /// It depends: see the case's note.
    Depends,
}

impl Decided {
    /// The label that people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Yes => "Yes",
            Self::No => "No",
            Self::Depends => "It depends",
        }
    }
}

/// One case: what happened, what was decided, and why.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Precedent {
    /// The guideline's short name.
    pub guideline: String,
    /// The case's number there.
    pub number: String,
    /// What it is called: the guideline's own title where it gives one.
    pub title: String,
    /// What happened, in our words.
    pub facts: String,
    /// Whether it is recorded in the register; `None` where the guideline's table has no such column.
    pub record: Option<bool>,
    /// Whether it is reported to the authority.
    pub authority: Decided,
    /// Whether people are told.
    pub people: Decided,
    /// Why, in our words.
    pub why: String,
    /// How sure what was decided is.
    pub confidence: Confidence,
    /// How sure the circumstances are: they are ours, entered from a short form of the case.
    pub confidence_circumstances: Confidence,
    /// The case entered as circumstances. What the case does not tell is not known.
    #[serde(deserialize_with = "entered")]
    pub circumstances: Circumstances,
}

impl Precedent {
    /// Whether to show it with the mark *unverified*.
    #[must_use]
    pub const fn is_unverified(&self) -> bool {
        matches!(self.confidence, Confidence::Unverified)
    }
}

/// Every case of both guidelines, in their order.
#[must_use]
pub fn precedents() -> &'static [Precedent] {
    &FILE.cases
}

/// The guidelines that the cases come from.
#[must_use]
pub fn guidelines() -> &'static [Guideline] {
    &FILE.guidelines
}

static FILE: LazyLock<File> = LazyLock::new(|| serde_json::from_str(CASES_JSON).unwrap_or_default());

/// The file as it parses; tests ask for it, so that a mistake in it is named.
#[derive(Debug, Default, Deserialize)]
pub(super) struct File {
    guidelines: Vec<Guideline>,
    cases: Vec<Precedent>,
}

#[cfg(test)]
pub(super) fn parsed() -> Result<File, serde_json::Error> {
    serde_json::from_str(CASES_JSON)
}

/// Circumstances as the file writes them: what is absent is not known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    nature: Option<Options<Nature>>,
    ico_category: Option<IcoCategory>,
    cause: Option<Cause>,
    unintelligible: Option<Partly>,
    strong: Option<YesNo>,
    key_safe: Option<YesNo>,
    recipients: Option<DataRecipients>,
    deletion_confirmed: Option<YesNo>,
    restoration: Option<Restoration>,
    data: Option<Options<DataCategory>>,
    subjects: Option<Options<SubjectCategory>>,
    people: Option<Count>,
    misuse: Option<Misuse>,
}

fn entered<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Circumstances, D::Error> {
    Entered::deserialize(deserializer).map(Circumstances::from)
}

fn known<T>(value: Option<T>) -> Known<T> {
    value.map_or(Known::NotYetKnown, Known::Known)
}

impl From<Entered> for Circumstances {
    fn from(entered: Entered) -> Self {
        Self {
            nature: known(entered.nature),
            ico_category: known(entered.ico_category),
            cause: known(entered.cause),
            unintelligible: known(entered.unintelligible),
            recipients: known(entered.recipients),
            data: known(entered.data),
            subjects: known(entered.subjects),
            people: known(entered.people),
            asked: Asked {
                strong: known(entered.strong),
                key_safe: known(entered.key_safe),
                restoration: known(entered.restoration),
                deletion_confirmed: known(entered.deletion_confirmed),
                misuse: known(entered.misuse),
                high_risk_removed: Known::NotYetKnown,
                telling_disproportionate: Known::NotYetKnown,
            },
        }
    }
}
