//! From a record to terms: what an arrangement says, and where it is silent what its agreement says.

use std::collections::BTreeMap;

use super::{Agreement, ArrangementRecord, Key};
use crate::arrangement::{Arrangement, Trigger};
use crate::clock_terms::{Duty, usual};
use crate::values::{AgreementId, ArrangementId, Hours, Line, Options, PartnerId, ServiceId};

/// What the keys of one arrangement stand for.
#[derive(Debug, Clone)]
pub struct Ids<'a> {
    /// The arrangement itself; stable over versions.
    pub arrangement: ArrangementId,
    /// Its version.
    pub version: u32,
    /// Its agreement.
    pub agreement: AgreementId,
    /// With whom.
    pub partner: PartnerId,
    /// Every service, by key.
    pub services: &'a BTreeMap<Key, ServiceId>,
}

/// A service that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no service \"{0}\"")]
pub struct NotResolved(pub Key);

impl ArrangementRecord {
    /// Hours to notify: its own, or the agreement's; absent where no contract clock exists.
    #[must_use]
    pub fn hours_under(&self, agreement: &Agreement) -> Option<Hours> {
        self.notice_hours.or(agreement.notice_hours)
    }

    /// Hours to acknowledge: its own, or the agreement's.
    #[must_use]
    pub fn acknowledgement_under(&self, agreement: &Agreement) -> Option<Hours> {
        self.acknowledgement_hours.or(agreement.acknowledgement_hours)
    }

    /// What starts the clock: its own word, or the agreement's.
    #[must_use]
    pub fn trigger_under(&self, agreement: &Agreement) -> Option<Trigger> {
        self.trigger.or(agreement.trigger)
    }

    /// Who leads on the report to the ICO: its own word, or the agreement's.
    #[must_use]
    pub fn ico_lead_under<'a>(&'a self, agreement: &'a Agreement) -> Option<&'a Line> {
        self.ico_lead.as_ref().or(agreement.ico_lead.as_ref())
    }

    /// The contact point for data subjects: its own word, or the agreement's.
    #[must_use]
    pub fn contact_point_under<'a>(&'a self, agreement: &'a Agreement) -> Option<&'a Line> {
        self.contact_point.as_ref().or(agreement.contact_point.as_ref())
    }

    /// Services covered: its own list, or all of the agreement's.
    #[must_use]
    pub fn services_under<'a>(&'a self, agreement: &'a Agreement) -> &'a [Key] {
        if self.services.is_empty() { &agreement.services } else { &self.services }
    }
}

/// The terms that incidents are logged under. Hours to acknowledge are the usual ones where nothing is said (protocol
/// §20); a trigger matters only beside hours, and [`super::check`] asks for both together.
///
/// # Errors
/// [`NotResolved`] for an unknown service.
pub fn resolve(record: &ArrangementRecord, agreement: &Agreement, ids: &Ids<'_>) -> Result<Arrangement, NotResolved> {
    let services: Result<Options<ServiceId>, NotResolved> = record
        .services_under(agreement)
        .iter()
        .map(|key| ids.services.get(key).copied().ok_or_else(|| NotResolved(key.clone())))
        .collect();
    Ok(Arrangement {
        id: ids.arrangement,
        version: ids.version,
        agreement: ids.agreement,
        agreement_version: record.agreement_version,
        agreement_title: agreement.title.clone(),
        partner: ids.partner,
        services: services?,
        notice_hours: record.hours_under(agreement),
        acknowledgement_hours: record
            .acknowledgement_under(agreement)
            .unwrap_or_else(|| usual(Duty::PartnerAcknowledgement)),
        trigger: record.trigger_under(agreement).unwrap_or_default(),
        ico_lead: record.ico_lead_under(agreement).cloned(),
        contact_point: record.contact_point_under(agreement).cloned(),
        contacts: record.contacts.clone(),
        our_role: record.our_role.unwrap_or_default(),
    })
}
