//! Incidents, and partners on them, as programs see them.

use domain::arrangement::{ArrangementRef, Lead, Owed};
use domain::exchange::Stance;
use domain::facts::IncidentKind;
use domain::incident::{CorrectionProposal, Incident as State, NotRequiredProposal};
use domain::values::{ArrangementId, Digest32, ExchangeId, IncidentId, Line, LongText, Moment, Options, ServiceId};

use super::super::notices;
use super::super::shape::{answer, record};
use crate::store::queries::{exchanges, incidents};

answer! {
    /// An incident of ours. What only the whole of it tells is null in lists.
    Incident {
        /// Which.
        id: IncidentId,
        /// Our reference.
        reference: String,
        /// A few words; empty after erasure.
        title: String,
        /// Breach or circumstances.
        kind: IncidentKind,
        /// In the words of the pages: Running, Overdue, Met, Held back, Withdrawn, Closed, Erased.
        state: &'static str,
        /// A drill.
        exercise: bool,
        /// When it was logged.
        logged_at: Moment,
        /// When we became aware of circumstances likely to lead to a breach.
        aware_of_circumstances_at: Option<Moment>,
        /// When we became aware of a breach.
        aware_of_breach_at: Option<Moment>,
        /// Versions of the facts.
        facts_version: u32,
        /// The version last sent, or being sent, to partners.
        sent_version: u32,
        /// Partners owed a notice.
        partners: u32,
        /// How the ICO report stands.
        report: &'static str,
        /// Questions of the report that no fact answers.
        report_answers_missing: u32,
        /// The earliest due instant among its open clocks.
        next_due_at: Option<Moment>,
        /// When it was closed.
        closed_at: Option<Moment>,
        /// Which services are hit.
        services: Option<Options<ServiceId>>,
        /// The notice received that it was opened from.
        opened_from: Option<ExchangeId>,
        /// A correction of awareness that waits for a second person.
        correction: Option<Correction>,
        /// A decision that no report is required, waiting for a second data protection officer.
        not_required: Option<Proposal>,
    }
}

answer! {
    /// A correction that waits.
    Correction {
        /// Which awareness.
        of: domain::incident::AwarenessOf,
        /// The instant proposed.
        at: Moment,
        /// Why.
        reason: LongText,
    }
}

answer! {
    /// A proposal that waits.
    Proposal {
        /// Why.
        reason: LongText,
        /// When it was made.
        at: Moment,
    }
}

impl Incident {
    /// As a list shows it, or with everything.
    pub(super) fn of(listed: &incidents::Listed, state: Option<&State>, now: Moment) -> Self {
        Self {
            state: words(listed, now),
            report: match listed.report_state.as_str() {
                "draft" => "Draft",
                "submitted" => "Submitted",
                "not_required" => "Not required",
                _ => "No draft yet",
            },
            id: listed.id,
            reference: listed.reference.clone(),
            title: listed.title.clone(),
            kind: listed.kind,
            exercise: listed.exercise,
            logged_at: listed.logged_at,
            aware_of_circumstances_at: listed.aware_circumstances_at,
            aware_of_breach_at: listed.aware_breach_at,
            facts_version: listed.facts_version,
            sent_version: listed.sent_version,
            partners: listed.owed,
            report_answers_missing: listed.report_gaps,
            next_due_at: listed.next_due,
            closed_at: listed.closed_at,
            services: state.map(|state| state.services.clone()),
            opened_from: state.and_then(|state| state.opened_from),
            correction: state.and_then(|state| state.correction.as_ref()).map(Correction::of),
            not_required: state.and_then(|state| state.not_required.as_ref()).map(Proposal::of),
        }
    }
}

impl Correction {
    fn of(proposal: &CorrectionProposal) -> Self {
        Self { of: proposal.of, at: proposal.at, reason: proposal.reason.clone() }
    }
}

impl Proposal {
    fn of(proposal: &NotRequiredProposal) -> Self {
        Self { reason: proposal.reason.clone(), at: proposal.at }
    }
}

fn words(incident: &incidents::Listed, now: Moment) -> &'static str {
    match (incident.stage.as_str(), incident.next_due) {
        ("withdrawn", _) => "Withdrawn",
        ("closed", _) => "Closed",
        ("anonymised", _) => "Erased",
        (_, Some(due)) if due < now => "Overdue",
        ("held", _) => "Held back",
        (_, Some(_)) => "Running",
        (_, None) => "Met",
    }
}

record! {
    /// One immutable version of an arrangement.
    ArrangementRef as "ArrangementVersion" {
        /// Which.
        id: ArrangementId,
        /// Which version.
        version: u32,
        /// Digest of those terms.
        digest: Digest32,
        /// The agreement's title.
        title: Line,
        /// Whom it names as the lead on the report to the ICO: us, each, a partner's id, or its own word.
        ico_lead: Option<Lead>,
    }
}

answer! {
    /// A partner that is owed a notice, and how that stands.
    Told {
        /// The exchange with them: what the operations on notices take.
        exchange: ExchangeId,
        /// Who.
        partner: notices::Partner,
        /// In the words of the pages.
        state: &'static str,
        /// What they say about themselves.
        stance: Option<Stance>,
        /// When a person there acknowledged it.
        acknowledged_at: Option<Moment>,
        /// The newest revision told; 0 while held back.
        revision: u32,
        /// The newest revision with a verified receipt.
        delivered_revision: u32,
        /// When a person told them, if one did.
        told_at: Option<Moment>,
        /// Their clocks.
        clocks: Vec<super::super::clocks::Clock>,
        /// The frozen terms that owe it.
        arrangements: Vec<ArrangementRef>,
    }
}

impl Told {
    /// One partner on an incident.
    pub(super) fn of(listed: &exchanges::Listed, owed: Option<&Owed>, now: Moment) -> Self {
        Self {
            exchange: listed.id,
            partner: notices::Partner::of(listed),
            state: standing(listed),
            stance: listed.stance,
            acknowledged_at: listed.acknowledgement.as_ref().map(|said| said.at),
            revision: listed.revision,
            delivered_revision: listed.delivered_revision,
            told_at: listed.told.as_ref().map(|(at, _)| *at),
            clocks: listed.clocks.iter().map(|clock| super::super::clocks::Clock::of(clock, now)).collect(),
            arrangements: owed.map(|owed| owed.terms.arrangements.clone()).unwrap_or_default(),
        }
    }
}

/// The furthest that the newest version has come: a person's word where there is one, else a machine's.
fn standing(listed: &exchanges::Listed) -> &'static str {
    let seen = listed.acknowledgement.as_ref().is_some_and(|said| said.revision_seen >= listed.revision);
    match (listed.stance.filter(|_| seen && listed.revision > 0), listed.revision, &listed.told) {
        (Some(stance), _, _) => stance.label(),
        (None, 0, _) => "Held back",
        (None, revision, _) if listed.delivered_revision >= revision => "Delivered",
        (None, _, Some((_, how))) if how == "in_person" => "Told in person",
        (None, _, Some(_)) => "Told by telephone",
        (None, _, None) => "Not delivered",
    }
}
