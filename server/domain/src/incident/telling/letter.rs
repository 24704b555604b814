//! The message to the people affected, in the parts that Article 34(2) asks for, and a first draft of it made from facts.
//!
//! The draft is in plain English and speaks to the reader. What no fact answers stays empty and is named: a person writes
//! it. The advice is common sense by kind of data, not law.

use serde::{Deserialize, Serialize};

use super::Version;
use crate::arrangement::FallbackContact;
use crate::facts::{DataCategory, DataRecipients, Facts, Nature, Partly, YesNo};
use crate::values::{Digest32, Known, Line, LongText, Moment, Options, Title};

/// Contact points named in one message.
const CONTACTS_MAX: usize = 5;

/// The message. Every part has to be there: the law names them all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// What it is about, in a few words.
    pub heading: Title,
    /// What happened, and to which data (the nature of the breach).
    pub what_happened: LongText,
    /// What it may lead to for the reader (Article 33(3)(c)).
    pub consequences: LongText,
    /// What we did and will do (Article 33(3)(d)).
    pub measures: LongText,
    /// What the reader can do.
    pub advice: LongText,
    /// Whom to ask (Article 33(3)(b)).
    pub contact: LongText,
}

/// One part of the message as it is printed: a heading and its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section<'a> {
    /// Name of the part in forms and the API.
    pub name: &'static str,
    /// Its heading, as the reader sees it.
    pub heading: &'static str,
    /// Its text; a line break begins a new line, an empty line a new paragraph.
    pub text: &'a str,
}

impl<'a> Section<'a> {
    fn named(name: &'static str, text: &'a str) -> Self {
        let heading = match name {
            "what_happened" => "What happened",
            "consequences" => "What this could mean for you",
            "measures" => "What we have done",
            "advice" => "What you can do",
            "contact" => "Who to contact",
            other => other,
        };
        Self { name, heading, text }
    }
}

impl Letter {
    /// The parts in the order in which they are printed.
    #[must_use]
    pub fn sections(&self) -> [Section<'_>; 5] {
        [
            Section::named("what_happened", self.what_happened.as_str()),
            Section::named("consequences", self.consequences.as_str()),
            Section::named("measures", self.measures.as_str()),
            Section::named("advice", self.advice.as_str()),
            Section::named("contact", self.contact.as_str()),
        ]
    }

    /// Every text with its field name, for the personal-data check. Whom to contact is left out: a mailbox and a number
    /// have to stand there.
    #[must_use]
    pub fn free_texts(&self) -> [(&'static str, &str); 5] {
        [
            ("heading", self.heading.as_str()),
            ("what_happened", self.what_happened.as_str()),
            ("consequences", self.consequences.as_str()),
            ("measures", self.measures.as_str()),
            ("advice", self.advice.as_str()),
        ]
    }

    /// SHA-256 of its JSON, which names the text for ever.
    #[must_use]
    pub fn digest(&self) -> Digest32 {
        Digest32::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// An organisation that people may ask, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactPoint {
    /// Its name.
    pub organisation: Line,
    /// Whom to ask there, when that is known.
    pub contact: Option<FallbackContact>,
}

/// A part of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Name of the part in forms and the API.
    pub name: &'static str,
    /// The text; empty when no fact answers it.
    pub text: String,
    /// Which facts it comes from, in words.
    pub from: &'static str,
}

/// A first draft made from facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Heading first, then the parts in their order.
    pub parts: [Part; 6],
}

impl Proposal {
    /// The proposed heading.
    #[must_use]
    pub fn heading(&self) -> &str {
        let [heading, ..] = &self.parts;
        &heading.text
    }

    /// The parts after it, as they are printed; empty where no fact answers.
    pub fn sections(&self) -> impl Iterator<Item = Section<'_>> {
        let [_, parts @ ..] = &self.parts;
        parts.iter().map(|part| Section::named(part.name, &part.text))
    }

    /// Names of parts that no fact answers.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        self.parts.iter().filter(|part| part.text.is_empty()).map(|part| part.name).collect()
    }
}

/// A first draft. `date` writes an instant in the zone of the organisation, for example `3 March 2026`.
#[must_use]
pub fn propose(facts: &Facts, us: &Line, contacts: &[ContactPoint], date: &dyn Fn(Moment) -> String) -> Proposal {
    let part = |name, text, from| Part { name, text, from };
    Proposal {
        parts: [
            part("heading", format!("Your personal data and a security incident at {us}"), "our name"),
            part("what_happened", what_happened(facts, date), "when, what happened, kinds of data, who received it"),
            part("consequences", consequences(facts), "likely consequences, harm so far"),
            part("measures", measures(facts), "containment, mitigation"),
            part("advice", advice(facts), "kinds of data"),
            part("contact", contact(us, contacts), "the contact point that the arrangement names, else ours"),
        ],
    }
}

/// What of the message can be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wording {
    /// A version that a person kept.
    Kept(Box<Version>),
    /// Nobody has kept one: what the facts say, with gaps.
    FirstDraft(Box<Proposal>),
}

impl Wording {
    /// The version; `None` for a first draft.
    #[must_use]
    pub fn version(&self) -> Option<u32> {
        match self {
            Self::Kept(version) => Some(version.number),
            Self::FirstDraft(_) => None,
        }
    }
}

fn what_happened(facts: &Facts, date: &dyn Fn(Moment) -> String) -> String {
    let mut paragraphs = Vec::new();
    let mut first = String::new();
    if let Known::Known(occurred) = &facts.occurred {
        let from = date(occurred.from);
        first = match occurred.to.map(date) {
            Some(to) if to != from => format!("This happened between {from} and {to}. "),
            Some(_) | None => format!("This happened on {from}. "),
        };
    }
    first.push_str(facts.summary.as_str());
    paragraphs.push(first);
    paragraphs.extend(facts.nature.as_option().map(natures));
    if let Some(kinds) = facts.data_categories.as_option().map(kinds_of_data).filter(|kinds| !kinds.is_empty()) {
        paragraphs.push(format!("It concerns this kind of information about you: {kinds}."));
    }
    paragraphs.extend(facts.recipients_of_data.as_option().and_then(|who| received_by(*who)).map(str::to_owned));
    if facts.data_unintelligible.as_option() == Some(&Partly::Yes) {
        paragraphs.push(
            "The information was protected so that it cannot be read without a key, and the key is safe.".to_owned(),
        );
    }
    if facts.ongoing.as_option() == Some(&YesNo::Yes) {
        paragraphs.push("We are still working to stop it.".to_owned());
    }
    paragraphs.join("\n\n")
}

fn natures(nature: &Options<Nature>) -> String {
    let words = nature.iter().map(|one| match one {
        Nature::Confidentiality => "seen by or given to somebody who should not have it",
        Nature::Integrity => "changed without permission",
        Nature::Availability => "lost or out of reach",
    });
    format!("Information about you may have been {}.", words.collect::<Vec<_>>().join(", and "))
}

fn kinds_of_data(categories: &Options<DataCategory>) -> String {
    categories.iter().filter_map(|category| plain(*category)).collect::<Vec<_>>().join("; ")
}

/// A kind of data in words that need no explanation; `None` for "other", which a person has to name.
const fn plain(category: DataCategory) -> Option<&'static str> {
    Some(match category {
        DataCategory::RacialOrEthnicOrigin => "your ethnic origin",
        DataCategory::PoliticalOpinions => "your political opinions",
        DataCategory::ReligiousOrPhilosophicalBeliefs => "your religion or beliefs",
        DataCategory::TradeUnionMembership => "your membership of a trade union",
        DataCategory::SexLife => "your sex life",
        DataCategory::SexualOrientation => "your sexual orientation",
        DataCategory::GenderReassignment => "gender reassignment",
        DataCategory::Health => "your health",
        DataCategory::BasicIdentifiers => "your name and contact details",
        DataCategory::IdentificationData => "usernames or passwords",
        DataCategory::EconomicAndFinancial => "bank, card or other financial details",
        DataCategory::OfficialDocuments => "official documents, such as a passport or driving licence",
        DataCategory::Location => "where you were",
        DataCategory::GeneticOrBiometric => "genetic data, fingerprints or the like",
        DataCategory::CriminalConvictions => "offences or convictions",
        DataCategory::Other => return None,
    })
}

const fn received_by(who: DataRecipients) -> Option<&'static str> {
    match who {
        DataRecipients::NoOne => Some("As far as we know, nobody outside has it."),
        DataRecipients::KnownTrusted => Some("We know who received it, and we trust them to delete it."),
        DataRecipients::Known => Some("We know who received it."),
        DataRecipients::Unknown => Some("We do not know who received it."),
        DataRecipients::Published => Some("It could be seen by the public."),
    }
}

fn consequences(facts: &Facts) -> String {
    let harm = facts.actual_harm.as_ref();
    [facts.likely_consequences.as_option(), harm]
        .into_iter()
        .flatten()
        .map(LongText::as_str)
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn measures(facts: &Facts) -> String {
    let done = [facts.containment.as_option(), facts.mitigation.as_option()];
    done.into_iter().flatten().map(LongText::as_str).collect::<Vec<_>>().join("\n\n")
}

/// What helps by kind of data, each sentence once.
fn advice(facts: &Facts) -> String {
    let Known::Known(categories) = &facts.data_categories else { return String::new() };
    let mut sentences: Vec<&'static str> = Vec::new();
    for sentence in categories.iter().filter_map(|category| helps(*category)) {
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    sentences.join("\n\n")
}

const fn helps(category: DataCategory) -> Option<&'static str> {
    match category {
        DataCategory::BasicIdentifiers => Some(
            "Be careful with calls, letters and e-mails that you do not expect, even if they seem to come from us. We will \
             never ask you for a password.",
        ),
        DataCategory::IdentificationData => Some(
            "Change your password, here and wherever else you used the same one. If the service offers a second step when \
             you sign in, turn it on.",
        ),
        DataCategory::EconomicAndFinancial => Some(
            "Look through your bank and card statements. If you see a payment that you do not know, tell your bank at once.",
        ),
        DataCategory::OfficialDocuments => Some(
            "Ask whoever issued the document whether it should be replaced, and check your credit record for applications \
             that you did not make.",
        ),
        DataCategory::Location => {
            Some("If somebody knowing where you were, or where you live, could put you in danger, tell us now.")
        }
        DataCategory::RacialOrEthnicOrigin
        | DataCategory::PoliticalOpinions
        | DataCategory::ReligiousOrPhilosophicalBeliefs
        | DataCategory::TradeUnionMembership
        | DataCategory::SexLife
        | DataCategory::SexualOrientation
        | DataCategory::GenderReassignment
        | DataCategory::Health
        | DataCategory::GeneticOrBiometric
        | DataCategory::CriminalConvictions => Some(
            "If anybody uses this information against you, or threatens to, tell us. If you are in danger, call the emergency services.",
        ),
        DataCategory::Other => None,
    }
}

fn contact(us: &Line, contacts: &[ContactPoint]) -> String {
    if contacts.is_empty() {
        return String::new();
    }
    let mut lines: Vec<String> = contacts.iter().take(CONTACTS_MAX).map(one_contact).collect();
    if contacts.iter().all(|point| point.organisation != *us) {
        lines.push(format!("You may also ask {us} about your data."));
    }
    lines.join("\n\n")
}

fn one_contact(point: &ContactPoint) -> String {
    let Some(contact) = &point.contact else { return format!("Contact {}.", point.organisation) };
    let ways = [("e-mail", &contact.email), ("telephone", &contact.phone)];
    let ways: Vec<String> =
        ways.into_iter().filter_map(|(how, to)| to.as_ref().map(|to| format!("{how} {to}"))).collect();
    let by = if ways.is_empty() { String::new() } else { format!(": {}", ways.join(", ")) };
    format!("{} at {}{by}", contact.who, point.organisation)
}
