//! Our facts as the wire's groups (UK GDPR Article 33(3)). Unknown is said expressly; what we don't ask is left out.

use domain::clock::Anchor;
use domain::exchange::StatedClock;
use domain::facts::{self, Contact, DataCategory, Facts, Occurred};
use domain::values::{self, Known, LongText, Moment};
use webhooks::facts as wire;
use webhooks::values::WireTime;

/// All facts for one partner; `stated` is the clock that the notice states.
pub(super) fn to_wire(facts: &Facts, stated: Option<&StatedClock>, contact: &Contact) -> wire::Facts {
    wire::Facts {
        timeline: timeline(facts, stated),
        nature: nature(facts),
        scope: scope(facts),
        consequences: wire::Consequences {
            likely_consequences: Some(fact(&facts.likely_consequences, text)),
            actual_harm: facts.actual_harm.as_ref().map(|harm| wire::Fact::Known(text(harm))),
            sender_risk_view: Some(fact(&facts.risk_view, |view| wire::RiskView {
                option: match view {
                    facts::RiskView::Unlikely => wire::Risk::Unlikely,
                    facts::RiskView::Risk => wire::Risk::Risk,
                    facts::RiskView::HighRisk => wire::Risk::HighRisk,
                },
                reason: None,
            })),
            severity_score: None,
        },
        measures: wire::Measures {
            containment: Some(fact(&facts.containment, text)),
            mitigation: Some(fact(&facts.mitigation, text)),
            asked_of_recipient: facts.asked_of_recipient.as_ref().map(text),
            evidence_preserved: None,
        },
        contact: wire::ContactFacts { breach_contact: Some(breach_contact(contact)) },
        coordination: None,
        missing_items: facts.missing_items().into_iter().map(missing_item).collect(),
    }
}

fn timeline(facts: &Facts, stated: Option<&StatedClock>) -> wire::Timeline {
    let unknown = wire::Occurrence { at: None, precision: wire::Precision::NotYetKnown };
    let (from, to) = match &facts.occurred {
        Known::NotYetKnown => (unknown, None),
        Known::Known(occurred) => (occurrence(occurred.from, occurred), Some(end(facts, occurred))),
    };
    let aware_of_breach = stated.filter(|stated| stated.anchor == Anchor::AwareOfBreach);
    wire::Timeline {
        occurred_from: Some(from),
        occurred_to: to,
        detected_at: facts.detected_at.and_then(instant).map(wire::Fact::Known),
        aware_at: aware_of_breach.and_then(|stated| instant(stated.at)).map(wire::Fact::Known),
        aware_basis: Some(text(&facts.aware_basis)),
        discovery_method: Some(wire::Choice { option: discovery(facts.discovery_method), text: None }),
        notified_late_reason: facts.notified_late_reason.as_ref().map(text),
    }
}

fn occurrence(at: Moment, occurred: &Occurred) -> wire::Occurrence {
    wire::Occurrence {
        at: instant(at),
        precision: match occurred.precision {
            facts::Precision::Exact => wire::Precision::Exact,
            facts::Precision::Estimated => wire::Precision::Estimated,
        },
    }
}

fn end(facts: &Facts, occurred: &Occurred) -> wire::Occurrence {
    match (occurred.to, &facts.ongoing) {
        (Some(to), _) => occurrence(to, occurred),
        (None, Known::Known(facts::YesNo::Yes)) => wire::Occurrence { at: None, precision: wire::Precision::Ongoing },
        (None, Known::Known(facts::YesNo::No) | Known::NotYetKnown) => {
            wire::Occurrence { at: None, precision: wire::Precision::NotYetKnown }
        }
    }
}

fn nature(facts: &Facts) -> wire::NatureFacts {
    wire::NatureFacts {
        summary: Some(text(&facts.summary)),
        cause: Some(fact(&facts.cause, |cause| wire::Choice {
            option: match cause {
                facts::Cause::InternalAccidental => wire::Cause::InternalAccidental,
                facts::Cause::InternalMalicious => wire::Cause::InternalMalicious,
                facts::Cause::ExternalAccidental => wire::Cause::ExternalAccidental,
                facts::Cause::ExternalMalicious => wire::Cause::ExternalMalicious,
            },
            text: None,
        })),
        ico_incident_category: Some(fact(&facts.ico_category, |category| match category {
            facts::IcoCategory::Cyber => wire::IcoCategory::Cyber,
            facts::IcoCategory::NonCyber => wire::IcoCategory::NonCyber,
        })),
        ico_incident_type: None,
        services: None,
        data_unintelligible: Some(fact(&facts.data_unintelligible, |extent| wire::Choice {
            option: match extent {
                facts::Partly::Yes => wire::Extent::Yes,
                facts::Partly::Partly => wire::Extent::Partly,
                facts::Partly::No => wire::Extent::No,
            },
            text: None,
        })),
        recipients_of_data: Some(fact(&facts.recipients_of_data, |recipients| match recipients {
            facts::DataRecipients::NoOne => wire::DataRecipients::None,
            facts::DataRecipients::KnownTrusted => wire::DataRecipients::KnownTrusted,
            facts::DataRecipients::Known => wire::DataRecipients::Known,
            facts::DataRecipients::Unknown => wire::DataRecipients::Unknown,
            facts::DataRecipients::Published => wire::DataRecipients::Published,
        })),
    }
}

fn scope(facts: &Facts) -> wire::Scope {
    wire::Scope {
        data_categories: Some(fact(&facts.data_categories, |all| {
            all.iter().map(|category| category.word().to_owned()).collect()
        })),
        special_categories_present: Some(fact(&facts.data_categories, |all| {
            if all.iter().copied().any(is_special) { wire::YesNo::Yes } else { wire::YesNo::No }
        })),
        subject_categories: Some(fact(&facts.subject_categories, |all| {
            all.iter().map(|category| category.word().to_owned()).collect()
        })),
        data_subjects: Some(count(&facts.data_subjects)),
        records: Some(count(&facts.records)),
        recipient_share: None,
        countries: None,
    }
}

/// Special categories and criminal offence data (UK GDPR Articles 9(1) and 10).
const fn is_special(category: DataCategory) -> bool {
    match category {
        DataCategory::RacialOrEthnicOrigin
        | DataCategory::PoliticalOpinions
        | DataCategory::ReligiousOrPhilosophicalBeliefs
        | DataCategory::TradeUnionMembership
        | DataCategory::SexLife
        | DataCategory::SexualOrientation
        | DataCategory::Health
        | DataCategory::GeneticOrBiometric
        | DataCategory::CriminalConvictions => true,
        DataCategory::GenderReassignment
        | DataCategory::BasicIdentifiers
        | DataCategory::IdentificationData
        | DataCategory::EconomicAndFinancial
        | DataCategory::OfficialDocuments
        | DataCategory::Location
        | DataCategory::Other => false,
    }
}

fn count(number: &Known<values::Count>) -> wire::Count {
    match number {
        Known::NotYetKnown => wire::Count { value: None, basis: wire::CountBasis::NotYetKnown, max: None },
        Known::Known(count) => wire::Count {
            value: Some(u64::from(count.value)),
            basis: match count.basis {
                values::CountBasis::Exact => wire::CountBasis::Exact,
                values::CountBasis::Approximate => wire::CountBasis::Approximate,
                values::CountBasis::Minimum => wire::CountBasis::Minimum,
            },
            // The wire's greatest number is never below its best one.
            max: count.max.map(|max| u64::from(max.max(count.value))),
        },
    }
}

const fn discovery(method: facts::DiscoveryMethod) -> wire::DiscoveryMethod {
    match method {
        facts::DiscoveryMethod::OwnDetection => wire::DiscoveryMethod::OwnDetection,
        facts::DiscoveryMethod::ProcessorToldUs => wire::DiscoveryMethod::ProcessorToldUs,
        facts::DiscoveryMethod::JointControllerToldUs => wire::DiscoveryMethod::JointControllerToldUs,
        facts::DiscoveryMethod::DataSubjectComplaint => wire::DiscoveryMethod::DataSubjectComplaint,
        facts::DiscoveryMethod::ThirdParty => wire::DiscoveryMethod::ThirdParty,
        facts::DiscoveryMethod::Press => wire::DiscoveryMethod::Press,
        facts::DiscoveryMethod::Other => wire::DiscoveryMethod::Other,
    }
}

fn breach_contact(contact: &Contact) -> wire::BreachContact {
    wire::BreachContact {
        role: contact.role.as_str().to_owned(),
        name: None,
        mailbox: contact.email.as_ref().map(|line| line.as_str().to_owned()),
        phone: contact.phone.as_ref().map(|line| line.as_str().to_owned()),
        hours: None,
        out_of_hours: contact.out_of_hours.as_ref().map(|line| line.as_str().to_owned()),
    }
}

/// The member's place on the wire: `group.name`, or a name on top of the body.
fn missing_item(name: &'static str) -> wire::MissingItem {
    let group = match name {
        "occurred_from" => "timeline.",
        "cause" | "ico_incident_category" | "data_unintelligible" | "recipients_of_data" => "nature.",
        "data_categories" | "subject_categories" | "data_subjects" | "records" => "scope.",
        "likely_consequences" | "sender_risk_view" => "consequences.",
        "containment" | "mitigation" => "measures.",
        _ => "",
    };
    // What was lost is called `nature` on top of the body.
    let name = if name == "cia" { "nature" } else { name };
    wire::MissingItem { item: format!("{group}{name}"), expected_at: None }
}

fn fact<T, U>(known: &Known<T>, write: impl FnOnce(&T) -> U) -> wire::Fact<U> {
    known.as_option().map_or(wire::Fact::NOT_YET_KNOWN, |value| wire::Fact::Known(write(value)))
}

fn text(text: &LongText) -> String {
    text.as_str().to_owned()
}

fn instant(at: Moment) -> Option<WireTime> {
    WireTime::from_unix(at.unix_seconds())
}
