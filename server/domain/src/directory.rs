//! Parties, services, agreements and arrangements as data: what an administrator imports, edits and exports.
//!
//! Everything has a **key**, a short word of the organisation's own choosing by which files refer to it. What a document
//! does not say is absent here and shown as "Not stated", never filled with a default. Records are versioned: an edit is a
//! new version, and incidents keep pointing at the version that they were logged under (ruling 14).

mod check;
mod resolve;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::arrangement::{FallbackContact, OurRole, Trigger};
use crate::values::{Digest32, Hours, Line, LongText, ValueError};

pub use self::check::{FAULTS_MAX, Fault, check};
pub use self::resolve::{Ids, NotResolved, resolve};

/// The longest key, in octets.
pub const KEY_OCTETS_MAX: usize = 64;

/// A short name for files: lower-case letters, digits and hyphens, starting with a letter or digit; at most 64 octets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(String);

impl Key {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Key {
    /// A key made of a name: its letters and digits, runs of anything else as one hyphen. `taken` says which keys are in
    /// use already; then a number is added.
    #[must_use]
    pub fn made_of(name: &str, taken: impl Fn(&Self) -> bool) -> Self {
        let words: Vec<String> = name
            .to_lowercase()
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        // Room for the number.
        let mut stem: String = words.join("-").chars().take(KEY_OCTETS_MAX - 8).collect();
        if stem.is_empty() {
            stem.push_str("unnamed");
        }
        let first = Self(stem.clone());
        if !taken(&first) {
            return first;
        }
        (2_u32..).map(|number| Self(format!("{stem}-{number}"))).find(|key| !taken(key)).unwrap_or(first)
    }
}

impl FromStr for Key {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let letters = text.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-');
        let acceptable = letters && !text.is_empty() && text.len() <= KEY_OCTETS_MAX && !text.starts_with('-');
        if acceptable { Ok(Self(text.to_owned())) } else { Err(ValueError::NotAnOption) }
    }
}

impl TryFrom<String> for Key {
    type Error = ValueError;

    fn try_from(text: String) -> Result<Self, ValueError> {
        text.parse()
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a record is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A [`Party`].
    Party,
    /// A [`ServiceRecord`].
    Service,
    /// An [`Agreement`].
    Agreement,
    /// An [`ArrangementRecord`].
    Arrangement,
}

impl RecordKind {
    /// Every kind, in the order in which records refer back to each other.
    pub const ALL: [Self; 4] = [Self::Party, Self::Service, Self::Agreement, Self::Arrangement];

    /// The word in tables, files and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Party => "party",
            Self::Service => "service",
            Self::Agreement => "agreement",
            Self::Arrangement => "arrangement",
        }
    }

    /// The most current records of this kind in one directory.
    #[must_use]
    pub const fn max(self) -> usize {
        match self {
            Self::Service => 1_000,
            Self::Party | Self::Agreement | Self::Arrangement => 5_000,
        }
    }
}

/// What a party is in an agreement (UK GDPR Articles 4, 26 and 28).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyRole {
    /// Determines purposes and means together with others.
    JointController,
    /// Determines them alone.
    SoleController,
    /// Each complies on its own: no contract clock starts by this agreement.
    IndependentController,
    /// Acts on a controller's instructions.
    Processor,
}

/// A controller: us, or a partner. Every detail that a document leaves out is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// By which files refer to it.
    pub key: Key,
    /// Legal name.
    pub name: Line,
    /// Company number, as registered: a leading zero counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_number: Option<Line>,
    /// Charity number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charity_number: Option<Line>,
    /// Parent organisation, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Line>,
    /// ICO registration number; no format is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ico_registration: Option<Line>,
    /// Registered address on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Line>,
    /// Country of establishment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Line>,
    /// Business sector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector: Option<Line>,
    /// The data protection officer or a suitable alternative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpo: Option<FallbackContact>,
    /// Whom to tell of a breach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breach_contact: Option<FallbackContact>,
    /// For questions about the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_contact: Option<FallbackContact>,
    /// Organisations that advise it and may be given a notice (SocietyWorks agreement, clause 6).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advisors: Vec<Line>,
}

impl Party {
    /// A party of which nothing but the name is stated.
    #[must_use]
    pub const fn named(key: Key, name: Line) -> Self {
        Self {
            key,
            name,
            company_number: None,
            charity_number: None,
            parent: None,
            ico_registration: None,
            address: None,
            country: None,
            sector: None,
            dpo: None,
            breach_contact: None,
            service_contact: None,
            advisors: Vec::new(),
        }
    }
}

/// A service under control: a record of processing (UK GDPR Article 30(1)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceRecord {
    /// By which files refer to it.
    pub key: Key,
    /// Its name.
    pub name: Line,
    /// The party that offers it, by key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller: Option<Key>,
    /// The processing operation in control, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<LongText>,
    /// Why data are processed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<Line>,
    /// Kinds of personal data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_categories: Vec<Line>,
    /// Kinds of people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subject_categories: Vec<Line>,
    /// Lawful basis (Article 6), one entry per party or purpose where they differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lawful_basis: Vec<Line>,
    /// Who receives the data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Line>,
    /// Third parties that take part, with their role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub third_parties: Vec<Line>,
    /// Where data are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosting: Vec<Line>,
    /// How long data are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retention: Vec<Line>,
    /// Security measures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security: Vec<Line>,
}

impl ServiceRecord {
    /// A service of which nothing but the name is stated.
    #[must_use]
    pub const fn named(key: Key, name: Line) -> Self {
        Self {
            key,
            name,
            controller: None,
            operation: None,
            purposes: Vec::new(),
            data_categories: Vec::new(),
            subject_categories: Vec::new(),
            lawful_basis: Vec::new(),
            recipients: Vec::new(),
            third_parties: Vec::new(),
            hosting: Vec::new(),
            retention: Vec::new(),
            security: Vec::new(),
        }
    }
}

/// A duty and who has it: a party's key, `each`, or nobody stated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// The duty, in words.
    pub duty: Line,
    /// Who has it; absent where the text does not say, which pages show as a gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Line>,
    /// Where the text says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<Line>,
}

/// Shared terms, versioned (UK GDPR Article 26).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// By which files refer to it.
    pub key: Key,
    /// 1, 2, 3 …; a changed text is the next one.
    pub version: u32,
    /// Its title.
    pub title: Line,
    /// What the parties are to each other under it.
    pub role: PartyRole,
    /// The party whose text it is, by key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Key>,
    /// The date that the text bears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dated: Option<NaiveDate>,
    /// In force from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<NaiveDate>,
    /// In force until.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_to: Option<NaiveDate>,
    /// Where the text is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_url: Option<Line>,
    /// SHA-256 of the text, base64url, where it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_sha256: Option<Digest32>,
    /// Services that it covers, by key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Key>,
    /// Hours within which the other party must be told; absent where no contract clock exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_hours: Option<Hours>,
    /// Hours within which a person must acknowledge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement_hours: Option<Hours>,
    /// What starts the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// Who leads on the report to the ICO: a party's key, or `each`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ico_lead: Option<Line>,
    /// The contact point for data subjects: a party's key, `client`, or `each`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_point: Option<Line>,
    /// Who does what (Article 26(1)).
    #[serde(default, alias = "duty", skip_serializing_if = "Vec::is_empty")]
    pub duties: Vec<Duty>,
    /// What the copy at hand leaves out, so that it stays visible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_stated: Vec<Line>,
    /// Anything else worth keeping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<LongText>,
}

impl Agreement {
    /// Version 1 of an agreement of which nothing but title and role is stated.
    #[must_use]
    pub const fn titled(key: Key, title: Line, role: PartyRole) -> Self {
        Self {
            key,
            version: 1,
            title,
            role,
            author: None,
            dated: None,
            effective_from: None,
            effective_to: None,
            text_url: None,
            text_sha256: None,
            services: Vec::new(),
            notice_hours: None,
            acknowledgement_hours: None,
            trigger: None,
            ico_lead: None,
            contact_point: None,
            duties: Vec::new(),
            not_stated: Vec::new(),
            notes: None,
        }
    }
}

/// One partner under one agreement version, with what differs from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArrangementRecord {
    /// By which files refer to it.
    pub key: Key,
    /// The agreement, by key.
    pub agreement: Key,
    /// Which version of it.
    pub agreement_version: u32,
    /// The partner, by key.
    pub partner: Key,
    /// Services covered, by key; absent means all of the agreement's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Key>,
    /// In the place of the agreement's hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_hours: Option<Hours>,
    /// In the place of the agreement's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement_hours: Option<Hours>,
    /// In the place of the agreement's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// In the place of the agreement's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ico_lead: Option<Line>,
    /// In the place of the agreement's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_point: Option<Line>,
    /// What we are towards the partner, where we do not decide together with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub our_role: Option<OurRole>,
    /// Whom to ring when machines fail, in order.
    #[serde(default, alias = "contact", skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<FallbackContact>,
}

impl ArrangementRecord {
    /// An arrangement that says what its agreement says.
    #[must_use]
    pub fn under(key: Key, agreement: &Agreement, partner: Key) -> Self {
        Self {
            key,
            agreement: agreement.key.clone(),
            agreement_version: agreement.version,
            partner,
            services: Vec::new(),
            notice_hours: None,
            acknowledgement_hours: None,
            trigger: None,
            ico_lead: None,
            contact_point: None,
            our_role: None,
            contacts: Vec::new(),
        }
    }
}

/// Everything at once: what a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Directory {
    /// Which of the parties we are, by key.
    pub us: Option<Key>,
    /// Parties, ours among them.
    pub parties: Vec<Party>,
    /// Services.
    pub services: Vec<ServiceRecord>,
    /// Agreements; several versions of one may stand side by side.
    pub agreements: Vec<Agreement>,
    /// Arrangements.
    pub arrangements: Vec<ArrangementRecord>,
}

/// Digest of a record: SHA-256 of its JSON.
#[must_use]
pub fn digest_of(record: &impl Serialize) -> Digest32 {
    Digest32::of(&serde_json::to_vec(record).unwrap_or_default())
}
