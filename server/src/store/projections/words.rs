//! Words in the read tables for what `domain` gives no word of its own.

use domain::exchange::CallChannel;
use domain::facts::IncidentKind;
use domain::incident::{Stage, WithdrawalReason};
use domain::report::ReportState;

pub(super) const fn kind(kind: IncidentKind) -> &'static str {
    match kind {
        IncidentKind::Breach => "breach",
        IncidentKind::LikelyToGiveRise => "likely_to_give_rise",
        IncidentKind::UnderInvestigation => "under_investigation",
    }
}

pub(super) const fn stage(stage: &Stage) -> &'static str {
    match stage {
        Stage::Held => "held",
        Stage::Active => "active",
        Stage::Withdrawn { .. } => "withdrawn",
        Stage::Closed => "closed",
        Stage::Anonymised => "anonymised",
    }
}

pub(super) const fn withdrawal(reason: WithdrawalReason) -> &'static str {
    match reason {
        WithdrawalReason::NotABreach => "not_a_breach",
        WithdrawalReason::SentInError => "sent_in_error",
        WithdrawalReason::WrongRecipient => "wrong_recipient",
        WithdrawalReason::DuplicateOf => "duplicate_of",
    }
}

pub(super) const fn report(state: &ReportState) -> &'static str {
    match state {
        ReportState::None => "none",
        ReportState::Draft { .. } => "draft",
        ReportState::Submitted { .. } => "submitted",
        ReportState::NotRequired { .. } => "not_required",
    }
}

pub(super) const fn call(how: CallChannel) -> &'static str {
    match how {
        CallChannel::Telephone => "telephone",
        CallChannel::InPerson => "in_person",
    }
}
