//! What a partner needs to know about a breach, in the groups of UK GDPR Art 33(3).
//!
//! Every member may be left out (not stated), given, or marked `not_yet_known`; the three are never mixed up. The names are
//! those of the published field list; members the message already carries above (`incident_kind`, the title, what was lost,
//! whether it goes on) are not repeated. No group holds data about the people affected: the sender checks free text first.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::values::WireTime;

/// The word for "we do not know yet".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotYetKnown {
    /// `not_yet_known`
    NotYetKnown,
}

/// Something known, or expressly not yet known. On the wire the value itself, or the string `not_yet_known`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fact<T> {
    /// `not_yet_known`
    Unknown(NotYetKnown),
    /// The value.
    Known(T),
}

impl<T> Fact<T> {
    /// The mark for "not yet known".
    pub const NOT_YET_KNOWN: Self = Self::Unknown(NotYetKnown::NotYetKnown);

    /// The value, if known.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Unknown(NotYetKnown::NotYetKnown) => None,
            Self::Known(value) => Some(value),
        }
    }
}

/// A choice from a list with a word of explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice<T> {
    /// What was chosen.
    pub option: T,
    /// In words, at most 8000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// All facts of a notice (Art 33(3)(a)-(d), 33(4)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// When.
    pub timeline: Timeline,
    /// What happened.
    pub nature: NatureFacts,
    /// How many people and records, of what kind.
    pub scope: Scope,
    /// What may come of it.
    pub consequences: Consequences,
    /// What is done about it.
    pub measures: Measures,
    /// Who answers questions.
    pub contact: ContactFacts,
    /// Who reports, who tells people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordination: Option<Coordination>,
    /// What is still to follow (Art 33(4)), at most 200; empty when the notice is complete.
    pub missing_items: Vec<MissingItem>,
}

/// When it happened and was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// Beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_from: Option<Occurrence>,
    /// End.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_to: Option<Occurrence>,
    /// First sign seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected_at: Option<Fact<WireTime>>,
    /// Reasonable degree of certainty that personal data were compromised (Art 33(1)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aware_at: Option<Fact<WireTime>>,
    /// Why that moment: who concluded what, by role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aware_basis: Option<String>,
    /// How it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery_method: Option<Choice<DiscoveryMethod>>,
    /// Why the notice is later than the agreement allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notified_late_reason: Option<String>,
}

/// A time with how sure it is. `at` is present exactly when the precision is `exact` or `estimated`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// The instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<WireTime>,
    /// How sure.
    pub precision: Precision,
}

/// How sure a time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Precision {
    Exact,
    Estimated,
    Ongoing,
    NotYetKnown,
}

/// How the breach was found (ICO form; EDPB template).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum DiscoveryMethod {
    OwnDetection,
    ProcessorToldUs,
    JointControllerToldUs,
    DataSubjectComplaint,
    ThirdParty,
    Press,
    Other,
}

/// What happened (Art 33(3)(a)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatureFacts {
    /// In plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Fact<Choice<Cause>>>,
    /// `Cyber` or `Non Cyber`, the ICO's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ico_incident_category: Option<Fact<IcoCategory>>,
    /// The ICO's incident type, in its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ico_incident_type: Option<Fact<String>>,
    /// Services of the arrangement that are hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<String>>,
    /// Encryption or similar, and whether the key is safe (Art 34(3)(a)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_unintelligible: Option<Fact<Choice<Extent>>>,
    /// Who may have received the data. Kinds, never names of private people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipients_of_data: Option<Fact<DataRecipients>>,
}

/// Who caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Cause {
    InternalAccidental,
    InternalMalicious,
    ExternalAccidental,
    ExternalMalicious,
}

/// The ICO's two categories, spelt as the ICO spells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum IcoCategory {
    Cyber,
    #[serde(rename = "Non Cyber")]
    NonCyber,
}

/// Yes, partly, no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Extent {
    Yes,
    Partly,
    No,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum YesNo {
    Yes,
    No,
}

/// Who may have received the data (ENISA; EDPB 01/2021).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum DataRecipients {
    None,
    KnownTrusted,
    Known,
    Unknown,
    Published,
}

/// How many people and records, and of what kind (Art 33(3)(a)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Options of the ICO form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_categories: Option<Fact<Vec<String>>>,
    /// Any special category or criminal offence data (Art 9, 10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub special_categories_present: Option<Fact<YesNo>>,
    /// Options of the ICO form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_categories: Option<Fact<Vec<String>>>,
    /// People affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_subjects: Option<Count>,
    /// Records affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Count>,
    /// How many of the people are the recipient's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_share: Option<Count>,
    /// Where the people are, ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countries: Option<Vec<String>>,
}

/// A number with how sure it is. `value` is present unless the basis is `not_yet_known`; `max`, the most that may be
/// affected, is never below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u64>,
    /// How sure.
    pub basis: CountBasis,
    /// The most that may be affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
}

/// How sure a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum CountBasis {
    Exact,
    Approximate,
    Minimum,
    NotYetKnown,
}

/// What may come of it (Art 33(3)(c)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consequences {
    /// What may happen to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likely_consequences: Option<Fact<String>>,
    /// Harm seen so far, in general terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual_harm: Option<Fact<String>>,
    /// The sender's own view; the recipient decides for itself (Art 33(1)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_risk_view: Option<Fact<RiskView>>,
    /// Indicative only (ENISA 2013).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_score: Option<SeverityScore>,
}

/// The sender's view of the risk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskView {
    /// Which.
    pub option: Risk,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Risk to people's rights and freedoms (Art 33(1), 34(1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Risk {
    Unlikely,
    Risk,
    HighRisk,
}

/// A score worked out by a named method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeverityScore {
    /// The method, for example `enisa_2013`.
    pub method: String,
    /// What went in, by the method's own names; at most 200.
    pub inputs: BTreeMap<String, String>,
    /// What came out, as decimal text.
    pub score: String,
    /// Always true: a score decides nothing.
    pub indicative: bool,
}

/// What is done about it (Art 33(3)(d)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measures {
    /// Done or planned to stop it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containment: Option<Fact<String>>,
    /// Done or planned to limit effects on people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mitigation: Option<Fact<String>>,
    /// What the sender asks the recipient to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_of_recipient: Option<String>,
    /// Logs and samples kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_preserved: Option<Fact<Extent>>,
}

/// Who answers questions (Art 33(3)(b)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactFacts {
    /// DPO or other contact point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breach_contact: Option<BreachContact>,
}

/// A contact point: a role with a mailbox and a telephone, a name only where the sender chooses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreachContact {
    /// Role.
    pub role: String,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Organisation's mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
    /// Telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// When somebody answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
    /// How to reach somebody at other times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_hours: Option<String>,
}

/// Who reports and who tells people (Art 26, 33(1), 34).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coordination {
    /// What the sender does about the ICO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ico_reporting_intent: Option<IcoIntent>,
    /// The ICO's reference, if already reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ico_case_reference: Option<String>,
    /// Who is proposed as the one to report; each controller stays answerable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed_lead: Option<String>,
    /// Whether people are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_subjects_told: Option<PeopleTold>,
    /// Kinds of other organisations told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others_told: Option<Vec<String>>,
}

/// What the sender does about the ICO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum IcoIntent {
    Reported,
    WillReport,
    WillNotReport,
    Undecided,
}

/// Whether people are told, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleTold {
    /// Which.
    pub option: Told,
    /// When, done or planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<WireTime>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Whether people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Told {
    Yes,
    Planned,
    NotNeeded,
    Undecided,
}

/// Something still to follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingItem {
    /// The member that is missing, as `group.name`, for example `scope.records`.
    pub item: String,
    /// When it is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_at: Option<WireTime>,
}

impl Facts {
    /// The rules a type cannot say.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let occurrences = [&self.timeline.occurred_from, &self.timeline.occurred_to];
        if !occurrences.into_iter().flatten().all(Occurrence::holds) {
            return Err("an occurrence has a time exactly when it is exact or estimated");
        }
        let counts = [&self.scope.data_subjects, &self.scope.records, &self.scope.recipient_share];
        if !counts.into_iter().flatten().all(Count::holds) {
            return Err("a count has a value unless it is not yet known, and no greater than its maximum");
        }
        let country = |code: &String| code.len() == 2 && code.bytes().all(|c| c.is_ascii_uppercase());
        if !self.scope.countries.iter().flatten().all(country) {
            return Err("a country is two capital letters");
        }
        let score = self.consequences.severity_score.as_ref();
        if score.is_some_and(|score| !score.indicative || score.inputs.len() > 200) {
            return Err("a score is indicative and has at most 200 inputs");
        }
        Ok(())
    }
}

impl Occurrence {
    fn holds(&self) -> bool {
        match self.precision {
            Precision::Exact | Precision::Estimated => self.at.is_some(),
            Precision::Ongoing | Precision::NotYetKnown => self.at.is_none(),
        }
    }
}

impl Count {
    fn holds(&self) -> bool {
        let present = match self.basis {
            CountBasis::Exact | CountBasis::Approximate | CountBasis::Minimum => self.value.is_some(),
            CountBasis::NotYetKnown => self.value.is_none(),
        };
        let bounded = [self.value, self.max].into_iter().flatten().all(|number| number <= crate::values::MAX_NUMBER);
        let ordered = match (self.value, self.max) {
            (Some(value), Some(max)) => value <= max,
            (None, _) | (_, None) => true,
        };
        present && bounded && ordered
    }
}
