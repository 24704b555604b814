//! What an import would do with each record, and to which known one it belongs.
//!
//! A record belongs to the known one with its key. A party or service that nobody wrote down yet (a partner paired first,
//! a service of set-up) is found by its name as well, so that pairing and importing may come in either order.

use std::collections::{HashMap, HashSet};

use domain::directory::{Directory, Fault, Key, Party, RecordKind, digest_of};
use domain::values::{Digest32, Line};
use serde::Serialize;
use uuid::Uuid;

use super::{Change, ChangeKind};
use crate::store::queries::directory::{Known, OUR_PARTY, Stored};

/// What becomes of one record. Those of a kind stand in the order of the file; kinds stand in [`RecordKind::ALL`]'s.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) change: Change,
    /// Its place among its kind in the file.
    pub(super) index: usize,
    /// The known record that it belongs to.
    pub(super) id: Option<Uuid>,
    /// The version that stands afterwards.
    pub(super) version: u32,
    /// Digest of what stands now, where versions count up by themselves.
    was: Option<Digest32>,
}

/// Names a plan: of this directory, on what is known now. Another one means that somebody would get something else than they
/// saw.
pub(super) fn digest(directory: &Directory, planned: &[Planned]) -> Digest32 {
    let steps: Vec<_> = planned
        .iter()
        .map(|planned| {
            let kind = match planned.change.kind {
                ChangeKind::Added => "added",
                ChangeKind::Changed => "changed",
                ChangeKind::Unchanged => "unchanged",
            };
            let of = (planned.change.what.word(), &planned.change.key, planned.change.ours);
            (of, kind, planned.id, planned.version, planned.was)
        })
        .collect();
    digest_of(&(directory, steps))
}

/// What becomes of every record.
pub(super) fn plan(directory: &Directory, known: &Known) -> Vec<Planned> {
    let mut planned = parties(directory, known);
    let services = Side::of(&known.services, |service| (&service.key, &service.name));
    for (index, service) in directory.services.iter().enumerate() {
        let belongs = services.find(&service.key, &service.name);
        planned.push(versioned(RecordKind::Service, index, (&service.key, &service.name), service, belongs));
    }
    planned.extend(agreements(directory, known));
    planned.extend(arrangements(directory, known));
    planned
}

/// What only somebody who knows the stored records can say against an import.
pub(super) fn faults(directory: &Directory, known: &Known, planned: &[Planned]) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let (Some(us), Some(ours)) = (&directory.us, known.ours()) {
        let partner = known.parties.iter().any(|party| party.id != OUR_PARTY && party.record.key == *us);
        if ours.version > 0 && ours.record.key != *us {
            let message = format!("we are the party \"{}\" here", ours.record.key);
            faults.push(Fault { at: None, key: us.clone(), message });
        } else if partner {
            faults.push(Fault { at: None, key: us.clone(), message: format!("\"{us}\" is a partner here") });
        }
    }
    let mut belongs: HashSet<Uuid> = HashSet::new();
    for planned in planned.iter().filter(|planned| planned.change.what == RecordKind::Party) {
        if planned.id.is_some_and(|id| !belongs.insert(id)) {
            let message = "another party of the file belongs to the same partner here".to_owned();
            let at = Some((RecordKind::Party, planned.index));
            faults.push(Fault { at, key: planned.change.key.clone(), message });
        }
    }
    let ours: HashSet<&Key> =
        planned.iter().filter(|planned| planned.change.ours).map(|ours| &ours.change.key).collect();
    for (index, arrangement) in directory.arrangements.iter().enumerate() {
        // The check by keys found it already when the file or the record says which party we are.
        if directory.us.is_none() && ours.contains(&arrangement.partner) {
            let message = "an arrangement is with somebody else than us".to_owned();
            let at = Some((RecordKind::Arrangement, index));
            faults.push(Fault { at, key: arrangement.key.clone(), message });
        }
    }
    faults
}

/// Known records by key, and those that nobody wrote down by name.
struct Side<'a> {
    by_key: HashMap<&'a Key, Belongs>,
    by_name: HashMap<String, Belongs>,
}

/// What is needed of a known record.
#[derive(Clone, Copy)]
struct Belongs {
    id: Uuid,
    version: u32,
    digest: Digest32,
}

impl<'a> Side<'a> {
    fn of<T>(stored: &'a [Stored<T>], named: impl Fn(&'a T) -> (&'a Key, &'a Line)) -> Self {
        let mut side = Self { by_key: HashMap::new(), by_name: HashMap::new() };
        for record in stored {
            let known = Belongs { id: record.id, version: record.version, digest: record.digest };
            let (key, name) = named(&record.record);
            side.by_key.insert(key, known);
            if record.version == 0 {
                side.by_name.insert(name.as_str().to_lowercase(), known);
            }
        }
        side
    }

    fn find(&self, key: &Key, name: &Line) -> Option<Belongs> {
        self.by_key.get(key).or_else(|| self.by_name.get(&name.as_str().to_lowercase())).copied()
    }
}

fn parties(directory: &Directory, known: &Known) -> Vec<Planned> {
    let side = Side::of(&known.parties, |party| (&party.key, &party.name));
    let ours = known.ours().map(|ours| Belongs { id: ours.id, version: ours.version, digest: ours.digest });
    let belongs = |party: &Party| match &directory.us {
        Some(us) if *us == party.key => ours,
        // Whoever the file calls somebody else is not us, whatever their name.
        Some(_) => side.find(&party.key, &party.name).filter(|known| known.id != OUR_PARTY),
        None => side.find(&party.key, &party.name),
    };
    let parties = directory.parties.iter().enumerate();
    parties
        .map(|(index, party)| versioned(RecordKind::Party, index, (&party.key, &party.name), party, belongs(party)))
        .collect()
}

/// Of a record whose versions count up by themselves.
fn versioned(
    what: RecordKind,
    index: usize,
    (key, name): (&Key, &Line),
    record: &impl Serialize,
    belongs: Option<Belongs>,
) -> Planned {
    let (kind, version) = match belongs {
        None => (ChangeKind::Added, 1),
        Some(known) if known.digest == digest_of(record) => (ChangeKind::Unchanged, known.version),
        Some(known) => (ChangeKind::Changed, known.version.saturating_add(1)),
    };
    let id = belongs.map(|known| known.id);
    let change = Change { kind, what, key: key.clone(), name: name.clone(), ours: id == Some(OUR_PARTY) };
    Planned { change, index, id, version, was: belongs.map(|known| known.digest) }
}

fn agreements(directory: &Directory, known: &Known) -> Vec<Planned> {
    let ids: HashMap<&Key, Uuid> = known.agreements.iter().map(|known| (&known.record.key, known.id)).collect();
    let versions: HashSet<(&Key, u32)> =
        known.agreements.iter().map(|known| (&known.record.key, known.version)).collect();
    let mut seen: HashSet<&Key> = ids.keys().copied().collect();
    let agreements = directory.agreements.iter().enumerate();
    agreements
        .map(|(index, agreement)| {
            // Another text under a known version was refused before.
            let kind = if versions.contains(&(&agreement.key, agreement.version)) {
                ChangeKind::Unchanged
            } else if seen.insert(&agreement.key) {
                ChangeKind::Added
            } else {
                ChangeKind::Changed
            };
            let (key, name) = (agreement.key.clone(), agreement.title.clone());
            let change = Change { kind, what: RecordKind::Agreement, key, name, ours: false };
            Planned { change, index, id: ids.get(&agreement.key).copied(), version: agreement.version, was: None }
        })
        .collect()
}

fn arrangements(directory: &Directory, known: &Known) -> Vec<Planned> {
    let side: HashMap<&Key, Belongs> = known
        .arrangements
        .iter()
        .map(|stored| {
            let known = Belongs { id: stored.id, version: stored.version, digest: stored.digest };
            (&stored.record.key, known)
        })
        .collect();
    let known_parties = known.parties.iter().map(|party| &party.record);
    let parties: HashMap<&Key, &Line> =
        known_parties.chain(&directory.parties).map(|party| (&party.key, &party.name)).collect();
    let arrangements = directory.arrangements.iter().enumerate();
    arrangements
        .filter_map(|(index, record)| {
            // Without its party it was refused before.
            let name = parties.get(&record.partner)?;
            let belongs = side.get(&record.key).copied();
            Some(versioned(RecordKind::Arrangement, index, (&record.key, name), record, belongs))
        })
        .collect()
}
