//! What people read for the wire's options: the same labels as on our own forms.

use domain::facts::{self, DataRecipients, DiscoveryMethod, Partly};
use webhooks::facts as wire;
use webhooks::message::{Nature, WithdrawalReason};

use super::FactValue;

pub(super) const fn nature(nature: Nature) -> &'static str {
    match nature {
        Nature::Confidentiality => facts::Nature::Confidentiality.label(),
        Nature::Integrity => facts::Nature::Integrity.label(),
        Nature::Availability => facts::Nature::Availability.label(),
        Nature::NotYetKnown => "Not yet known",
    }
}

pub(super) const fn discovery(method: wire::DiscoveryMethod) -> &'static str {
    match method {
        wire::DiscoveryMethod::OwnDetection => "They found it themselves",
        wire::DiscoveryMethod::ProcessorToldUs => "A supplier told them",
        wire::DiscoveryMethod::JointControllerToldUs => "A partner told them",
        wire::DiscoveryMethod::DataSubjectComplaint => DiscoveryMethod::DataSubjectComplaint.label(),
        wire::DiscoveryMethod::ThirdParty => "Somebody else told them",
        wire::DiscoveryMethod::Press => DiscoveryMethod::Press.label(),
        wire::DiscoveryMethod::Other => DiscoveryMethod::Other.label(),
    }
}

pub(super) const fn cause(cause: wire::Cause) -> &'static str {
    match cause {
        wire::Cause::InternalAccidental => "A mistake by somebody there",
        wire::Cause::InternalMalicious => "Done on purpose by somebody there",
        wire::Cause::ExternalAccidental => facts::Cause::ExternalAccidental.label(),
        wire::Cause::ExternalMalicious => facts::Cause::ExternalMalicious.label(),
    }
}

pub(super) const fn extent(extent: wire::Extent) -> &'static str {
    match extent {
        wire::Extent::Yes => Partly::Yes.label(),
        wire::Extent::Partly => Partly::Partly.label(),
        wire::Extent::No => Partly::No.label(),
    }
}

pub(super) const fn recipients(recipients: wire::DataRecipients) -> &'static str {
    match recipients {
        wire::DataRecipients::None => DataRecipients::NoOne.label(),
        wire::DataRecipients::KnownTrusted => DataRecipients::KnownTrusted.label(),
        wire::DataRecipients::Known => DataRecipients::Known.label(),
        wire::DataRecipients::Unknown => DataRecipients::Unknown.label(),
        wire::DataRecipients::Published => DataRecipients::Published.label(),
    }
}

pub(super) const fn risk(risk: wire::Risk) -> &'static str {
    match risk {
        wire::Risk::Unlikely => facts::RiskView::Unlikely.label(),
        wire::Risk::Risk => facts::RiskView::Risk.label(),
        wire::Risk::HighRisk => facts::RiskView::HighRisk.label(),
    }
}

pub(super) const fn withdrawal(reason: WithdrawalReason) -> &'static str {
    match reason {
        WithdrawalReason::NotABreach => "It was no breach",
        WithdrawalReason::SentInError => "It was sent in error",
        WithdrawalReason::WrongRecipient => "It was meant for another: delete it, and say so when you acknowledge",
        WithdrawalReason::DuplicateOf => "Another case tells it",
    }
}

/// A number with how sure it is.
pub(super) fn count(count: wire::Count) -> FactValue {
    let Some(value) = count.value else { return FactValue::NotYetKnown };
    let basis = match count.basis {
        wire::CountBasis::Exact => "",
        wire::CountBasis::Approximate => "about ",
        wire::CountBasis::Minimum => "at least ",
        wire::CountBasis::NotYetKnown => return FactValue::NotYetKnown,
    };
    let most = count.max.map(|max| format!(", at most {max}")).unwrap_or_default();
    FactValue::Text(format!("{basis}{value}{most}"))
}

/// A missing item in words: the member's name, or the wire's own for one we don't know.
pub(super) fn item(name: &str) -> String {
    let known = match name {
        "timeline.occurred_from" => "When it happened",
        "nature" => "What was lost",
        "ongoing" => "Whether it is still going on",
        "nature.cause" => "What caused it",
        "nature.ico_incident_category" => "Whether it is a cyber incident",
        "nature.data_unintelligible" => "Whether the data can be read",
        "nature.recipients_of_data" => "Who may have received the data",
        "scope.data_categories" => "Kinds of data",
        "scope.subject_categories" => "Kinds of people",
        "scope.data_subjects" => "How many people",
        "scope.records" => "How many records",
        "consequences.likely_consequences" => "Likely consequences",
        "consequences.sender_risk_view" => "Their view of the risk",
        "measures.containment" => "What is done to stop it",
        "measures.mitigation" => "What is done to limit its effects",
        other => other,
    };
    known.to_owned()
}
