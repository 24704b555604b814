//! What happened, told in facts: what a partner and the ICO need to know (UK GDPR Article 33(3)), each fact either
//! given or plainly "not yet known". Never personal data of the people affected.
//!
//! Names follow `law/notification-fields.json`; the options of data and people are the ICO form's.

use serde::{Deserialize, Serialize};

use crate::choices::choices;
use crate::values::{Count, Known, Line, LongText, Moment, Options, Title};

/// Is it a breach (Article 4(1)(12)), or circumstances likely to give rise to one (clause 6)?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// Personal data was lost, seen, changed or out of reach.
    Breach,
    /// Not yet, but it is likely to lead to a breach.
    LikelyToGiveRise,
    /// Being looked into; a receiver treats it as a breach until a person decides otherwise.
    UnderInvestigation,
}

/// Declares lists of [`choices!`] that people read by a label.
macro_rules! options {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident => $word:literal, $label:literal;)+ })+) => {
        choices! {$(
            $(#[$doc])*
            $name { $(#[doc = $label] $variant => $word;)+ }
        )+}
        $(
            impl $name {
                /// The label that people read.
                #[must_use]
                pub const fn label(self) -> &'static str {
                    match self { $(Self::$variant => $label,)+ }
                }
            }
        )+
    };
}

options! {
    /// What was lost.
    Nature {
        Confidentiality => "confidentiality", "Seen by or given to people who should not have it";
        Integrity => "integrity", "Changed without permission";
        Availability => "availability", "Lost or out of reach";
    }
    /// How we found out.
    DiscoveryMethod {
        OwnDetection => "own_detection", "We found it ourselves";
        ProcessorToldUs => "processor_told_us", "A supplier that works for us told us";
        JointControllerToldUs => "joint_controller_told_us", "A partner told us";
        DataSubjectComplaint => "data_subject_complaint", "Somebody affected complained";
        ThirdParty => "third_party", "Somebody else told us";
        Press => "press", "From the press";
        Other => "other", "In another way";
    }
    /// Yes, no, or in part.
    Partly {
        Yes => "yes", "Yes";
        Partly => "partly", "In part";
        No => "no", "No";
    }
    /// Yes or no.
    YesNo {
        Yes => "yes", "Yes";
        No => "no", "No";
    }
    /// What caused it.
    Cause {
        InternalAccidental => "internal_accidental", "A mistake by somebody here";
        InternalMalicious => "internal_malicious", "Done on purpose by somebody here";
        ExternalAccidental => "external_accidental", "A mistake by somebody outside";
        ExternalMalicious => "external_malicious", "Done on purpose by somebody outside";
    }
    /// Cyber or not, in the ICO's sense.
    IcoCategory {
        Cyber => "Cyber", "A cyber incident";
        NonCyber => "Non Cyber", "Not a cyber incident";
    }
    /// Who may have received the data: kinds of organisation, never names of private people.
    DataRecipients {
        NoOne => "none", "Nobody";
        KnownTrusted => "known_trusted", "Somebody known and trusted";
        Known => "known", "Somebody known";
        Unknown => "unknown", "Somebody unknown";
        Published => "published", "It was published";
    }
    /// Kinds of personal data: the ICO form's list.
    DataCategory {
        RacialOrEthnicOrigin => "racial_or_ethnic_origin", "Data revealing racial or ethnic origin";
        PoliticalOpinions => "political_opinions", "Political opinions";
        ReligiousOrPhilosophicalBeliefs => "religious_or_philosophical_beliefs", "Religious or philosophical beliefs";
        TradeUnionMembership => "trade_union_membership", "Trade union membership";
        SexLife => "sex_life", "Sex life data";
        SexualOrientation => "sexual_orientation", "Sexual orientation data";
        GenderReassignment => "gender_reassignment", "Gender reassignment data";
        Health => "health", "Health data";
        BasicIdentifiers => "basic_identifiers", "Basic personal identifiers, eg name, contact details";
        IdentificationData => "identification_data", "Identification data, eg usernames, passwords";
        EconomicAndFinancial => "economic_and_financial", "Economic and financial data, eg credit card numbers, bank details";
        OfficialDocuments => "official_documents", "Official documents, eg driving licences";
        Location => "location", "Location data";
        GeneticOrBiometric => "genetic_or_biometric", "Genetic or biometric data";
        CriminalConvictions => "criminal_convictions", "Criminal convictions, offences";
        Other => "other", "Other";
    }
    /// Kinds of people: the ICO form's list.
    SubjectCategory {
        Employees => "employees", "Employees";
        Users => "users", "Users";
        Subscribers => "subscribers", "Subscribers";
        Students => "students", "Students";
        Customers => "customers", "Customers or prospective customers";
        Patients => "patients", "Patients";
        Children => "children", "Children";
        VulnerableAdults => "vulnerable_adults", "Vulnerable adults";
        Other => "other", "Other";
    }
    /// The sender's own view of the risk. It binds nobody: each controller decides for itself (Article 33(1)).
    RiskView {
        Unlikely => "unlikely", "A risk to people is unlikely";
        Risk => "risk", "There is a risk to people";
        HighRisk => "high_risk", "There is a high risk to people";
    }
}

/// How well the time of the event is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// To the minute.
    Exact,
    /// An estimate.
    Estimated,
}

/// When it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurred {
    /// When it began.
    pub from: Moment,
    /// When it ended; `None` while it goes on or is not known to have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Moment>,
    /// How well these are known.
    pub precision: Precision,
}

/// One version of everything that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// A few words; no names of people affected.
    pub title: Title,
    /// What happened, in plain words.
    pub summary: LongText,
    /// When it happened.
    pub occurred: Known<Occurred>,
    /// First sign seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected_at: Option<Moment>,
    /// Why awareness began when it did: who concluded what, by role.
    pub aware_basis: LongText,
    /// How we found out.
    pub discovery_method: DiscoveryMethod,
    /// What was lost.
    pub nature: Known<Options<Nature>>,
    /// Whether it is still going on.
    pub ongoing: Known<YesNo>,
    /// What caused it.
    pub cause: Known<Cause>,
    /// Cyber or not.
    pub ico_category: Known<IcoCategory>,
    /// Whether the data can't be read without a key that is safe (Article 34(3)(a)).
    pub data_unintelligible: Known<Partly>,
    /// Who may have received the data.
    pub recipients_of_data: Known<DataRecipients>,
    /// Kinds of data.
    pub data_categories: Known<Options<DataCategory>>,
    /// Kinds of people.
    pub subject_categories: Known<Options<SubjectCategory>>,
    /// How many people.
    pub data_subjects: Known<Count>,
    /// How many records.
    pub records: Known<Count>,
    /// What may happen to people (Article 33(3)(c)).
    pub likely_consequences: Known<LongText>,
    /// Harm seen so far, in general terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual_harm: Option<LongText>,
    /// Our own view of the risk.
    pub risk_view: Known<RiskView>,
    /// Done or planned to stop it (Article 33(3)(d)).
    pub containment: Known<LongText>,
    /// Done or planned to limit the effects on people.
    pub mitigation: Known<LongText>,
    /// What we ask the partner to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_of_recipient: Option<LongText>,
    /// Why the notice is later than the agreement allows, when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notified_late_reason: Option<LongText>,
}

impl Facts {
    /// The Article 33(3) items that are not yet known, by their names on the wire.
    #[must_use]
    pub fn missing_items(&self) -> Vec<&'static str> {
        [
            ("occurred_from", self.occurred.is_missing()),
            ("cia", self.nature.is_missing()),
            ("ongoing", self.ongoing.is_missing()),
            ("cause", self.cause.is_missing()),
            ("ico_incident_category", self.ico_category.is_missing()),
            ("data_unintelligible", self.data_unintelligible.is_missing()),
            ("recipients_of_data", self.recipients_of_data.is_missing()),
            ("data_categories", self.data_categories.is_missing()),
            ("subject_categories", self.subject_categories.is_missing()),
            ("data_subjects", self.data_subjects.is_missing()),
            ("records", self.records.is_missing()),
            ("likely_consequences", self.likely_consequences.is_missing()),
            ("sender_risk_view", self.risk_view.is_missing()),
            ("containment", self.containment.is_missing()),
            ("mitigation", self.mitigation.is_missing()),
        ]
        .into_iter()
        .filter_map(|(name, missing)| missing.then_some(name))
        .collect()
    }

    /// Every free text with its field name, for the personal-data check before anything is sent.
    #[must_use]
    pub fn free_texts(&self) -> Vec<(&'static str, &str)> {
        let mut texts = vec![
            ("title", self.title.as_str()),
            ("summary", self.summary.as_str()),
            ("aware_basis", self.aware_basis.as_str()),
        ];
        let optional: [(&'static str, Option<&LongText>); 6] = [
            ("likely_consequences", self.likely_consequences.as_option()),
            ("actual_harm", self.actual_harm.as_ref()),
            ("containment", self.containment.as_option()),
            ("mitigation", self.mitigation.as_option()),
            ("asked_of_recipient", self.asked_of_recipient.as_ref()),
            ("notified_late_reason", self.notified_late_reason.as_ref()),
        ];
        texts.extend(optional.into_iter().filter_map(|(name, text)| text.map(|text| (name, text.as_str()))));
        texts
    }
}

/// Where to reach the sender (Article 33(3)(b)); roles, not people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Their role, for example "Data protection officer".
    pub role: Line,
    /// The organisation's mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Line>,
    /// Telephone, in hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Line>,
    /// Telephone, out of hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_hours: Option<Line>,
}

#[cfg(test)]
pub(crate) mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeSet;

    use super::*;

    const FIELDS: &str = include_str!("../law/notification-fields.json");
    const FORM: &str = include_str!("../law/ico-report-form.json");

    /// Facts of which nothing is known but what has to be.
    pub(crate) fn nothing_known() -> Facts {
        Facts {
            title: Title::parse("Mailbox accessed by a third party").unwrap(),
            summary: LongText::parse("A mailbox was opened from outside.").unwrap(),
            occurred: Known::NotYetKnown,
            detected_at: None,
            aware_basis: LongText::parse("The security lead confirmed it.").unwrap(),
            discovery_method: DiscoveryMethod::OwnDetection,
            nature: Known::NotYetKnown,
            ongoing: Known::NotYetKnown,
            cause: Known::NotYetKnown,
            ico_category: Known::NotYetKnown,
            data_unintelligible: Known::NotYetKnown,
            recipients_of_data: Known::NotYetKnown,
            data_categories: Known::NotYetKnown,
            subject_categories: Known::NotYetKnown,
            data_subjects: Known::NotYetKnown,
            records: Known::NotYetKnown,
            likely_consequences: Known::NotYetKnown,
            actual_harm: None,
            risk_view: Known::NotYetKnown,
            containment: Known::NotYetKnown,
            mitigation: Known::NotYetKnown,
            asked_of_recipient: None,
            notified_late_reason: None,
        }
    }

    #[test]
    fn missing_items_carry_the_names_of_the_field_list() {
        let list: serde_json::Value = serde_json::from_str(FIELDS).unwrap();
        let names: BTreeSet<&str> = list
            .get("fields")
            .and_then(serde_json::Value::as_array)
            .unwrap()
            .iter()
            .filter_map(|field| field.get("name").and_then(serde_json::Value::as_str))
            .flat_map(|name| name.split(" / "))
            .collect();
        let missing = nothing_known().missing_items();
        assert_eq!(missing.len(), 15);
        for name in missing {
            assert!(names.contains(name), "{name}");
        }
    }

    #[test]
    fn what_is_known_is_not_missing() {
        let facts = Facts { cause: Known::Known(Cause::ExternalMalicious), ..nothing_known() };
        assert!(!facts.missing_items().contains(&"cause"));
        assert_eq!(facts.missing_items().len(), 14);
    }

    #[test]
    fn options_are_those_of_the_ico_form() {
        let form: serde_json::Value = serde_json::from_str(FORM).unwrap();
        let options = |id: &str| -> Vec<String> {
            let questions = form.get("questions").and_then(serde_json::Value::as_array).unwrap();
            let question =
                questions.iter().find(|question| question.get("id").is_some_and(|found| found == id)).unwrap();
            serde_json::from_value(question.get("options").unwrap().clone()).unwrap()
        };
        let short = |option: &str| option.trim_end_matches(" (please give details below)").to_owned();
        let known = |id| -> Vec<String> {
            options(id).iter().filter(|option| *option != "Not yet known").map(|option| short(option)).collect()
        };
        let labels: Vec<&str> = DataCategory::ALL.iter().map(|option| option.label()).collect();
        assert_eq!(known("data_categories"), labels);
        let labels: Vec<&str> = SubjectCategory::ALL.iter().map(|option| option.label()).collect();
        assert_eq!(known("subject_categories"), labels);
    }

    #[test]
    fn words_lead_back_to_options_and_are_the_form_in_json() {
        for option in DataCategory::ALL {
            assert_eq!(DataCategory::from_word(option.word()), Some(*option));
            assert_eq!(serde_json::to_string(option).unwrap(), format!("\"{}\"", option.word()));
        }
        assert_eq!(IcoCategory::from_word("Non Cyber"), Some(IcoCategory::NonCyber));
        assert_eq!(Nature::from_word("Confidentiality"), None);
    }

    #[test]
    fn every_free_text_is_offered_to_the_check() {
        let text = |text: &str| LongText::parse(text).unwrap();
        assert_eq!(nothing_known().free_texts().len(), 3);
        let full = Facts {
            likely_consequences: Known::Known(text("c")),
            actual_harm: Some(text("h")),
            containment: Known::Known(text("s")),
            mitigation: Known::Known(text("m")),
            asked_of_recipient: Some(text("a")),
            notified_late_reason: Some(text("l")),
            ..nothing_known()
        };
        let names: BTreeSet<&str> = full.free_texts().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), 9);
        let json = serde_json::to_string(&full).unwrap();
        assert_eq!(serde_json::from_str::<Facts>(&json).unwrap(), full);
    }
}
