//! Writes what was planned: records, what the log form and the rules read of them, one ledger entry per changed record.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::arrangement::{Arrangement, FallbackContact};
use domain::directory::{Agreement, Directory, Ids, Key, Party, RecordKind, resolve};
use domain::facts::Contact;
use domain::report::Organisation;
use domain::values::{Actor, AgreementId, ArrangementId, Line, PartnerId, ServiceId};
use serde_json::json;
use uuid::Uuid;

use super::plan::Planned;
use super::{ChangeKind, DoorError};
use crate::node::administer::note;
use crate::store::directory::{self as records, NewRecord, OUR_PARTY};
use crate::store::queries::directory::Known;
use crate::store::{Turn, partners};

/// Writes what was planned; gives our organisation when the import changed it.
pub(super) fn apply(
    turn: &mut Turn<'_>,
    fresh: &dyn Fn() -> Uuid,
    directory: &Directory,
    known: &Known,
    planned: &[Planned],
    by: &Actor,
) -> Result<Option<Organisation>, DoorError> {
    let mut import = Import { directory, ids: AllIds::of(known), new: Vec::new(), organisation: None };
    let of = |kind| planned.iter().filter(move |planned| planned.change.what == kind);
    import.parties(turn, fresh, of(RecordKind::Party))?;
    import.services(turn, fresh, of(RecordKind::Service))?;
    import.agreements(known, fresh, of(RecordKind::Agreement))?;
    import.arrangements(turn, known, fresh, of(RecordKind::Arrangement))?;
    import.referred_to(known)?;
    for written in &import.new {
        let about = json!({
            "id": written.record.id,
            "key": written.key,
            "version": written.record.version,
            "digest": written.record.digest(),
        });
        note(turn, by, action(written), &about)?;
    }
    let new: Vec<NewRecord> = import.new.into_iter().map(|written| written.record).collect();
    records::keep(turn, &new)?;
    Ok(import.organisation)
}

/// The word of its ledger entry.
const fn action(written: &Written) -> &'static str {
    match (written.record.kind, written.added) {
        (RecordKind::Party, true) => "party_added",
        (RecordKind::Party, false) => "party_changed",
        (RecordKind::Service, true) => "service_added",
        (RecordKind::Service, false) => "service_changed",
        (RecordKind::Agreement, true) => "agreement_added",
        (RecordKind::Agreement, false) => "agreement_changed",
        (RecordKind::Arrangement, true) => "arrangement_added",
        (RecordKind::Arrangement, false) => "arrangement_changed",
    }
}

/// A version to write.
struct Written {
    record: NewRecord,
    key: Key,
    added: bool,
}

/// What keys stand for, the import's included.
struct AllIds {
    parties: HashMap<Key, Uuid>,
    services: BTreeMap<Key, ServiceId>,
    agreements: HashMap<Key, Uuid>,
}

impl AllIds {
    fn of(known: &Known) -> Self {
        Self {
            parties: known.parties.iter().map(|stored| (stored.record.key.clone(), stored.id)).collect(),
            services: known
                .services
                .iter()
                .map(|stored| (stored.record.key.clone(), ServiceId::from_uuid(stored.id)))
                .collect(),
            agreements: known.agreements.iter().map(|stored| (stored.record.key.clone(), stored.id)).collect(),
        }
    }
}

struct Import<'a> {
    directory: &'a Directory,
    ids: AllIds,
    new: Vec<Written>,
    organisation: Option<Organisation>,
}

/// Every key of a party or service that a directory refers to.
fn references(directory: &Directory) -> HashSet<&str> {
    let mut names: HashSet<&str> = directory.us.iter().map(Key::as_str).collect();
    names.extend(directory.services.iter().filter_map(|service| service.controller.as_ref()).map(Key::as_str));
    for agreement in &directory.agreements {
        names.extend(agreement.author.iter().chain(&agreement.services).map(Key::as_str));
        let people = agreement.duties.iter().filter_map(|duty| duty.who.as_ref());
        names.extend(people.chain(&agreement.ico_lead).chain(&agreement.contact_point).map(Line::as_str));
    }
    for arrangement in &directory.arrangements {
        names.extend(std::iter::once(&arrangement.partner).chain(&arrangement.services).map(Key::as_str));
        names.extend(arrangement.ico_lead.iter().chain(&arrangement.contact_point).map(Line::as_str));
    }
    names
}

/// Planned records that are of this directory; the plan was made from it.
fn gone<T>(record: Option<T>) -> Result<T, DoorError> {
    record.ok_or(DoorError::NotFound)
}

const fn writes(planned: &Planned) -> bool {
    !matches!(planned.change.kind, ChangeKind::Unchanged)
}

impl<'a> Import<'a> {
    fn write(&mut self, planned: &Planned, record: NewRecord) {
        let added = planned.change.kind == ChangeKind::Added;
        self.new.push(Written { record, key: planned.change.key.clone(), added });
    }

    /// A party or service that nobody wrote down, and that the import refers to, gets a record now: its key must not
    /// change any more.
    fn referred_to(&mut self, known: &Known) -> Result<(), DoorError> {
        let names = references(self.directory);
        let written: HashSet<Uuid> = self.new.iter().map(|written| written.record.id).collect();
        let bare =
            |id: Uuid, version: u32, key: &Key| version == 0 && names.contains(key.as_str()) && !written.contains(&id);
        for party in known.parties.iter().filter(|party| bare(party.id, party.version, &party.record.key)) {
            let record = NewRecord::of(RecordKind::Party, party.id, 1, true, &party.record)?;
            self.new.push(Written { record, key: party.record.key.clone(), added: true });
        }
        for service in known.services.iter().filter(|service| bare(service.id, service.version, &service.record.key)) {
            let record = NewRecord::of(RecordKind::Service, service.id, 1, true, &service.record)?;
            self.new.push(Written { record, key: service.record.key.clone(), added: true });
        }
        Ok(())
    }

    fn parties(
        &mut self,
        turn: &mut Turn<'_>,
        fresh: &dyn Fn() -> Uuid,
        planned: impl Iterator<Item = &'a Planned>,
    ) -> Result<(), DoorError> {
        let mut listed: Vec<(PartnerId, Line)> = Vec::new();
        for planned in planned {
            let party = gone(self.directory.parties.get(planned.index))?;
            let id = planned.id.unwrap_or_else(fresh);
            self.ids.parties.insert(party.key.clone(), id);
            if !writes(planned) {
                continue;
            }
            self.write(planned, NewRecord::of(RecordKind::Party, id, planned.version, true, party)?);
            if id == OUR_PARTY {
                let before = gone(partners::organisation(turn.rows())?)?;
                let organisation = organisation_of(party, before);
                partners::set_organisation(turn, &organisation)?;
                self.organisation = Some(organisation);
            } else if planned.id.is_some() {
                partners::rename_listed(turn, PartnerId::from_uuid(id), &party.name)?;
            } else {
                listed.push((PartnerId::from_uuid(id), party.name.clone()));
            }
        }
        Ok(partners::insert_listed(turn, &listed)?)
    }

    fn services(
        &mut self,
        turn: &mut Turn<'_>,
        fresh: &dyn Fn() -> Uuid,
        planned: impl Iterator<Item = &'a Planned>,
    ) -> Result<(), DoorError> {
        for planned in planned {
            let service = gone(self.directory.services.get(planned.index))?;
            let id = planned.id.unwrap_or_else(fresh);
            self.ids.services.insert(service.key.clone(), ServiceId::from_uuid(id));
            if !writes(planned) {
                continue;
            }
            self.write(planned, NewRecord::of(RecordKind::Service, id, planned.version, true, service)?);
            if planned.id.is_some() {
                records::rename_service(turn, ServiceId::from_uuid(id), &service.name)?;
            } else {
                records::insert_service(turn, ServiceId::from_uuid(id), &service.name)?;
            }
        }
        Ok(())
    }

    /// The highest version of an agreement is the current one, in whatever order the file has them.
    fn agreements(
        &mut self,
        known: &Known,
        fresh: &dyn Fn() -> Uuid,
        planned: impl Iterator<Item = &'a Planned>,
    ) -> Result<(), DoorError> {
        let mut newest: HashMap<&Key, u32> = HashMap::new();
        let known = known.agreements.iter().map(|stored| &stored.record);
        for agreement in known.chain(&self.directory.agreements) {
            let version = newest.entry(&agreement.key).or_insert(agreement.version);
            *version = agreement.version.max(*version);
        }
        for planned in planned.filter(|planned| writes(planned)) {
            let agreement = gone(self.directory.agreements.get(planned.index))?;
            let id = *self.ids.agreements.entry(agreement.key.clone()).or_insert_with(fresh);
            let current = newest.get(&agreement.key) == Some(&agreement.version);
            let record = NewRecord::of(RecordKind::Agreement, id, agreement.version, current, agreement)?;
            self.write(planned, record);
        }
        Ok(())
    }

    fn arrangements(
        &mut self,
        turn: &mut Turn<'_>,
        known: &Known,
        fresh: &dyn Fn() -> Uuid,
        planned: impl Iterator<Item = &'a Planned>,
    ) -> Result<(), DoorError> {
        let known = known.agreements.iter().map(|stored| &stored.record);
        let agreements: HashMap<(&Key, u32), &Agreement> = known
            .chain(&self.directory.agreements)
            .map(|agreement| ((&agreement.key, agreement.version), agreement))
            .collect();
        let mut terms: Vec<Arrangement> = Vec::new();
        for planned in planned.filter(|planned| writes(planned)) {
            let record = gone(self.directory.arrangements.get(planned.index))?;
            let agreement = gone(agreements.get(&(&record.agreement, record.agreement_version)))?;
            let id = planned.id.unwrap_or_else(fresh);
            let ids = Ids {
                arrangement: ArrangementId::from_uuid(id),
                version: planned.version,
                agreement: AgreementId::from_uuid(*gone(self.ids.agreements.get(&record.agreement))?),
                partner: PartnerId::from_uuid(*gone(self.ids.parties.get(&record.partner))?),
                services: &self.ids.services,
            };
            terms.push(resolve(record, agreement, &ids).map_err(|_| DoorError::NotFound)?);
            self.write(planned, NewRecord::of(RecordKind::Arrangement, id, planned.version, true, record)?);
        }
        Ok(records::insert_arrangements(turn, &terms)?)
    }
}

/// We as our record says. What it leaves out stays as it was said before: a report without a contact can't be made.
fn organisation_of(party: &Party, before: Organisation) -> Organisation {
    Organisation {
        name: party.name.clone(),
        contact: party.breach_contact.clone().map_or(before.contact, contact_of),
        dpo: party.dpo.clone().map(contact_of).or(before.dpo),
        address: party.address.clone().or(before.address),
        ico_registration: party.ico_registration.clone().or(before.ico_registration),
        sector: party.sector.clone().or(before.sector),
    }
}

fn contact_of(contact: FallbackContact) -> Contact {
    Contact { role: contact.who, email: contact.email, phone: contact.phone, out_of_hours: contact.out_of_hours }
}
