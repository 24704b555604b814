//! Where to start: the choices that the facts already answer, and what only a person can say.
//!
//! A proposal never takes a step from a base score and never says how easily people can be recognised: no fact tells.

use std::collections::BTreeSet;

use super::{
    Availability, Basis, Choice, Confidentiality, ContextChoice, DataContext, FactName, Flags, Integrity, Intent,
    method,
};
use crate::facts::{Cause, DataCategory, DataRecipients, Facts, Nature, Partly, SubjectCategory};
use crate::values::{Count, CountBasis, Known};

const MANY_PEOPLE: u32 = 100;

/// What the facts answer; `None` and [`Open`] name what a person must choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Kinds of data that are affected, at their base scores.
    pub contexts: Vec<ContextChoice>,
    /// Loss of confidentiality.
    pub confidentiality: Option<Choice<Confidentiality>>,
    /// Loss of integrity.
    pub integrity: Option<Choice<Integrity>>,
    /// Loss of availability.
    pub availability: Option<Choice<Availability>>,
    /// Malicious intent.
    pub intent: Option<Choice<Intent>>,
    /// Shown beside the score.
    pub flags: Flags,
    /// What a person must choose or look at, in the order of the method.
    pub open: Vec<Open>,
}

/// What only a person can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Open {
    /// Which kinds of data are affected is not yet known.
    Contexts,
    /// Usernames and passwords count as the kind of data that they open.
    Credentials,
    /// "Other" data: which kind it is.
    OtherData,
    /// Children or vulnerable adults: whether everyday data weighs more here.
    PeopleAtRisk,
    /// What people can be recognised by, and how easily.
    Identifiers,
    /// Who may have received the data.
    Confidentiality,
    /// Whether changed data may have been used, and can be put right.
    Integrity,
    /// Whether the data came back.
    Availability,
    /// Whether it was done on purpose.
    Intent,
}

impl Open {
    /// What people are asked.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Contexts => "Which kinds of data are affected?",
            Self::Credentials => "What do the usernames and passwords open? They count as that kind of data.",
            Self::OtherData => "Which kind of data is the \u{201c}other\u{201d} data?",
            Self::PeopleAtRisk => "Children or people at risk are affected: does the data weigh more for them?",
            Self::Identifiers => "What can people be recognised by, and how easily?",
            Self::Confidentiality => "Who may have seen the data?",
            Self::Integrity => "May the changed data have been used, and can it be put right?",
            Self::Availability => "Did the data come back, and how soon?",
            Self::Intent => "Was it done on purpose?",
        }
    }
}

/// The choices that the facts answer.
#[must_use]
pub fn propose(facts: &Facts) -> Proposal {
    let mut open = BTreeSet::from([Open::Identifiers]);
    let contexts = contexts(facts, &mut open);
    let confidentiality = confidentiality(facts);
    let integrity = untouched(facts, Nature::Integrity, Integrity::NotAffected);
    let availability = untouched(facts, Nature::Availability, Availability::NotAffected);
    let intent = intent(facts);
    let unanswered = [
        (Open::Confidentiality, confidentiality.is_none()),
        (Open::Integrity, integrity.is_none()),
        (Open::Availability, availability.is_none()),
        (Open::Intent, intent.is_none()),
    ];
    open.extend(unanswered.into_iter().filter_map(|(question, missing)| missing.then_some(question)));
    let open = open.into_iter().collect();
    Proposal { contexts, confidentiality, integrity, availability, intent, flags: flags(facts), open }
}

fn fact<T>(value: T, fact: FactName) -> Choice<T> {
    Choice { value, basis: Basis::Fact { fact } }
}

fn contexts(facts: &Facts, open: &mut BTreeSet<Open>) -> Vec<ContextChoice> {
    let Known::Known(categories) = &facts.data_categories else {
        open.insert(Open::Contexts);
        return Vec::new();
    };
    let mut contexts: BTreeSet<DataContext> = BTreeSet::new();
    for category in categories {
        match method().from_facts.data_categories.get(category) {
            Some(context) => {
                contexts.insert(*context);
            }
            None if *category == DataCategory::IdentificationData => {
                open.insert(Open::Credentials);
            }
            None => {
                open.insert(Open::OtherData);
            }
        }
    }
    if categories.is_empty() {
        open.insert(Open::Contexts);
    }
    let at_risk = [SubjectCategory::Children, SubjectCategory::VulnerableAdults];
    if facts.subject_categories.as_option().is_some_and(|people| at_risk.iter().any(|kind| people.contains(kind))) {
        open.insert(Open::PeopleAtRisk);
    }
    let basis = Basis::Fact { fact: FactName::DataCategories };
    contexts.into_iter().map(|context| ContextChoice { context, basis: basis.clone(), adjustment: None }).collect()
}

/// What was not lost adds nothing; what was lost, and how badly, a person says.
fn untouched<T>(facts: &Facts, nature: Nature, not_affected: T) -> Option<Choice<T>> {
    let lost = facts.nature.as_option()?;
    (!lost.is_empty() && !lost.contains(&nature)).then(|| fact(not_affected, FactName::Nature))
}

fn confidentiality(facts: &Facts) -> Option<Choice<Confidentiality>> {
    let untouched = untouched(facts, Nature::Confidentiality, Confidentiality::NotAffected);
    if untouched.is_some() {
        return untouched;
    }
    let reached = match facts.recipients_of_data.as_option()? {
        DataRecipients::NoOne => Confidentiality::Exposed,
        DataRecipients::KnownTrusted | DataRecipients::Known => Confidentiality::KnownRecipients,
        DataRecipients::Unknown | DataRecipients::Published => Confidentiality::UnknownRecipients,
    };
    Some(fact(reached, FactName::Recipients))
}

fn intent(facts: &Facts) -> Option<Choice<Intent>> {
    let intent = match facts.cause.as_option()? {
        Cause::InternalMalicious | Cause::ExternalMalicious => Intent::Deliberate,
        Cause::InternalAccidental | Cause::ExternalAccidental => Intent::NoneKnown,
    };
    Some(fact(intent, FactName::Cause))
}

fn flags(facts: &Facts) -> Flags {
    let unintelligible = match facts.data_unintelligible {
        Known::Known(Partly::Yes) => Known::Known(true),
        Known::Known(Partly::Partly | Partly::No) => Known::Known(false),
        Known::NotYetKnown => Known::NotYetKnown,
    };
    Flags { more_than_100_people: many(&facts.data_subjects), unintelligible }
}

/// A smaller figure settles nothing while more may be affected.
fn many(people: &Known<Count>) -> Known<bool> {
    let Known::Known(count) = people else { return Known::NotYetKnown };
    let may_grow = match count.basis {
        CountBasis::Minimum => true,
        CountBasis::Exact | CountBasis::Approximate => count.max.is_some_and(|max| max > MANY_PEOPLE),
    };
    if count.value > MANY_PEOPLE {
        Known::Known(true)
    } else if may_grow {
        Known::NotYetKnown
    } else {
        Known::Known(false)
    }
}
