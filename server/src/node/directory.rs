//! Door 1c: parties, services, agreements and arrangements. A whole file, or one record of a page: the same checks, the
//! same transaction, all or nothing.
//!
//! Importing adds and changes, it never removes. What was not changed is not written. Whatever was logged keeps the terms
//! that it was logged under; whatever is logged from now on goes by the new ones.

mod apply;
mod plan;

use std::sync::{Arc, PoisonError};

use domain::directory::{Agreement, ArrangementRecord, Directory, Fault, Key, Party, ServiceRecord, check};
use domain::report::Organisation;
use domain::values::{Actor, ArrangementId, Digest32, Line, LongText, ServiceId};
use serde_json::json;
use uuid::Uuid;

use super::administer::note;
use super::{DoorError, Node};
use crate::access::Administrator;
use crate::store::directory as records;
use crate::store::queries::directory::{self as known, Known};
use crate::store::{Turn, partners};

pub use domain::directory::RecordKind;

/// What an import does, or would do, with one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What becomes of it.
    pub kind: ChangeKind,
    /// What it is of.
    pub what: RecordKind,
    /// Its key.
    pub key: Key,
    /// Its name; of an arrangement, the partner's.
    pub name: Line,
    /// It is about ourselves: our reports to the ICO take name, address and contacts from it.
    pub ours: bool,
}

/// What an import would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// What becomes of each record.
    pub changes: Vec<Change>,
    /// Names what would be done, and on what: an import that is bound to it does this and nothing else.
    pub plan: Digest32,
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// There was none with this key.
    Added,
    /// A new version takes the place of the one before.
    Changed,
    /// It says what is known already; nothing is written.
    Unchanged,
}

impl Node {
    /// Adds and changes what a directory holds: all of it, or nothing.
    ///
    /// # Errors
    /// [`DoorError::Records`] naming every record that can't be taken.
    pub async fn import_directory(&self, by: &Administrator, directory: Directory) -> Result<Vec<Change>, DoorError> {
        self.import_if(by, directory, None).await
    }

    /// Does what somebody was shown by [`Node::plan_directory`], and nothing else.
    ///
    /// # Errors
    /// [`DoorError::Stale`] when it would do something else by now: a record was changed since, or the file is another one;
    /// as [`Node::import_directory`].
    pub async fn import_planned(
        &self,
        by: &Administrator,
        directory: Directory,
        plan: Digest32,
    ) -> Result<Vec<Change>, DoorError> {
        self.import_if(by, directory, Some(plan)).await
    }

    async fn import_if(
        &self,
        by: &Administrator,
        directory: Directory,
        plan: Option<Digest32>,
    ) -> Result<Vec<Change>, DoorError> {
        let by = by.actor().clone();
        let time = self.shared_time();
        let done = self
            .store
            .write(self.time.now(), move |turn| import(turn, &|| time.fresh_id(), &directory, plan, &by))
            .await?;
        self.took(done.organisation);
        Ok(done.changes.into_iter().map(|planned| planned.change).collect())
    }

    /// What [`Node::import_directory`] would do; nothing is written.
    ///
    /// # Errors
    /// [`DoorError::Records`] naming every record that can't be taken.
    pub async fn preview_directory(&self, directory: Directory) -> Result<Vec<Change>, DoorError> {
        Ok(self.plan_directory(directory).await?.changes)
    }

    /// The same, with what binds [`Node::import_planned`] to it.
    ///
    /// # Errors
    /// [`DoorError::Records`] naming every record that can't be taken.
    pub async fn plan_directory(&self, directory: Directory) -> Result<Preview, DoorError> {
        let known = self.store.read(known::known).await?;
        let planned = planned(&directory, &known)?;
        let plan = plan::digest(&directory, &planned);
        Ok(Preview { changes: planned.into_iter().map(|planned| planned.change).collect(), plan })
    }

    /// Everything that is known, as a file holds it: importing it elsewhere gives the same records.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn export_directory(&self) -> Result<Directory, DoorError> {
        Ok(self.store.read(known::known).await?.directory())
    }

    /// Saves one party. `expected` is the version that the editor saw; `None` for a new one. Gives the version that
    /// stands now.
    ///
    /// # Errors
    /// [`DoorError::Stale`] when another version stands, [`DoorError::Taken`] when a new one's key is taken,
    /// [`DoorError::NotFound`] when there is none to change, [`DoorError::Records`] when it can't be taken.
    pub async fn save_party(&self, by: &Administrator, party: Party, expected: Option<u32>) -> Result<u32, DoorError> {
        let key = party.key.clone();
        let directory = Directory { parties: vec![party], ..Directory::default() };
        self.save(by, RecordKind::Party, key, directory, expected).await
    }

    /// Saves one service. `expected` is the version that the editor saw; `None` for a new one. Gives the version that
    /// stands now.
    ///
    /// # Errors
    /// As [`Node::save_party`].
    pub async fn save_service(
        &self,
        by: &Administrator,
        service: ServiceRecord,
        expected: Option<u32>,
    ) -> Result<u32, DoorError> {
        let key = service.key.clone();
        let directory = Directory { services: vec![service], ..Directory::default() };
        self.save(by, RecordKind::Service, key, directory, expected).await
    }

    /// Saves one agreement. `expected` is the version that the editor saw; `None` for a new one. A changed text becomes
    /// the version after the one seen, whatever number it came with. Gives the version that stands now.
    ///
    /// # Errors
    /// As [`Node::save_party`].
    pub async fn save_agreement(
        &self,
        by: &Administrator,
        mut agreement: Agreement,
        expected: Option<u32>,
    ) -> Result<u32, DoorError> {
        if let Some(seen) = expected {
            agreement.version = seen;
            let directory = self.export_directory().await?;
            let unchanged = directory.agreements.contains(&agreement);
            agreement.version = if unchanged { seen } else { seen.saturating_add(1) };
        }
        let key = agreement.key.clone();
        let directory = Directory { agreements: vec![agreement], ..Directory::default() };
        self.save(by, RecordKind::Agreement, key, directory, expected).await
    }

    /// Saves one arrangement. `expected` is the version that the editor saw; `None` for a new one. Gives the version that
    /// stands now.
    ///
    /// # Errors
    /// As [`Node::save_party`].
    pub async fn save_arrangement(
        &self,
        by: &Administrator,
        arrangement: ArrangementRecord,
        expected: Option<u32>,
    ) -> Result<u32, DoorError> {
        let key = arrangement.key.clone();
        let directory = Directory { arrangements: vec![arrangement], ..Directory::default() };
        self.save(by, RecordKind::Arrangement, key, directory, expected).await
    }

    /// Ends an arrangement: whatever is logged from now on owes nothing under it. Its versions stay, and so does what was
    /// logged under them.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] when there is no current one.
    pub async fn end_arrangement(
        &self,
        by: &Administrator,
        id: ArrangementId,
        reason: LongText,
    ) -> Result<(), DoorError> {
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                let current = known::arrangements(turn.rows())?;
                let ended = current.into_iter().find(|known| known.id == id.uuid()).ok_or(DoorError::NotFound)?;
                records::retire(turn, RecordKind::Arrangement, ended.id)?;
                records::retire_arrangement(turn, id)?;
                let about = json!({
                    "id": id, "key": ended.record.key, "version": ended.version, "reason": reason,
                });
                note(turn, &by, "arrangement_ended", &about)?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Adds a service of which nothing but the name is stated.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] beyond 1000 services.
    pub async fn add_service(&self, by: &Administrator, name: Line) -> Result<ServiceId, DoorError> {
        let id = ServiceId::from_uuid(self.time.fresh_id());
        let by = by.actor().clone();
        self.store.write(self.time.now(), move |turn| insert_service(turn, id, &name, &by)).await?;
        self.changed();
        Ok(id)
    }

    async fn save(
        &self,
        by: &Administrator,
        kind: RecordKind,
        key: Key,
        directory: Directory,
        expected: Option<u32>,
    ) -> Result<u32, DoorError> {
        let by = by.actor().clone();
        let time = self.shared_time();
        let done = self
            .store
            .write(self.time.now(), move |turn| {
                let known = known::known(turn.rows())?;
                match (version_of(&known, kind, &key), expected) {
                    (None, None) => {}
                    (Some(stands), Some(seen)) if stands == seen => {}
                    (Some(_), Some(_)) => return Err(DoorError::Stale),
                    (Some(_), None) => return Err(DoorError::Taken),
                    (None, Some(_)) => return Err(DoorError::NotFound),
                }
                import(turn, &|| time.fresh_id(), &directory, None, &by)
            })
            .await?;
        self.took(done.organisation);
        Ok(done.changes.first().map_or(0, |planned| planned.version))
    }

    /// Reads who we are again, because another process on the same database may have changed it. One small query.
    pub(super) async fn reload_organisation(&self) -> Result<(), DoorError> {
        let known = self.organisation();
        let Some(stored) = self.store.read(partners::organisation).await? else { return Ok(()) };
        if stored == *known {
            return Ok(());
        }
        {
            let mut current = self.organisation.write().unwrap_or_else(PoisonError::into_inner);
            // What a change in this process brought meanwhile is newer than what was read.
            if Arc::ptr_eq(&current, &known) {
                *current = Arc::new(stored);
            }
        }
        self.changed();
        Ok(())
    }

    /// What changed is shown and used at once.
    fn took(&self, organisation: Option<Organisation>) {
        if let Some(organisation) = organisation {
            self.set_organisation(Arc::new(organisation));
        }
        self.changed();
    }
}

/// What was done.
struct Done {
    changes: Vec<plan::Planned>,
    organisation: Option<Organisation>,
}

/// Checks once more inside the turn, then writes: somebody else may have changed what the file refers to. With `plan`, only
/// what that names is done.
fn import(
    turn: &mut Turn<'_>,
    fresh: &dyn Fn() -> Uuid,
    directory: &Directory,
    plan: Option<Digest32>,
    by: &Actor,
) -> Result<Done, DoorError> {
    let known = known::known(turn.rows())?;
    let changes = planned(directory, &known)?;
    if plan.is_some_and(|plan| plan != plan::digest(directory, &changes)) {
        return Err(DoorError::Stale);
    }
    let organisation = apply::apply(turn, fresh, directory, &known, &changes, by)?;
    Ok(Done { changes, organisation })
}

fn planned(directory: &Directory, known: &Known) -> Result<Vec<plan::Planned>, DoorError> {
    let mut faults: Vec<Fault> = check(directory, &known.directory());
    let planned = plan::plan(directory, known);
    faults.extend(plan::faults(directory, known, &planned));
    if faults.is_empty() { Ok(planned) } else { Err(DoorError::Records(faults)) }
}

/// The version of a record that stands; `None` when there is none with this key.
fn version_of(known: &Known, kind: RecordKind, key: &Key) -> Option<u32> {
    match kind {
        RecordKind::Party => known.parties.iter().find(|stored| stored.record.key == *key).map(|stored| stored.version),
        RecordKind::Service => {
            known.services.iter().find(|stored| stored.record.key == *key).map(|stored| stored.version)
        }
        RecordKind::Agreement => {
            let of_key = known.agreements.iter().filter(|stored| stored.record.key == *key);
            of_key.map(|stored| stored.version).max()
        }
        RecordKind::Arrangement => {
            known.arrangements.iter().find(|stored| stored.record.key == *key).map(|stored| stored.version)
        }
    }
}

/// Adds a service that nothing but the name is known of; its record is made from that.
pub(super) fn insert_service(turn: &mut Turn<'_>, id: ServiceId, name: &Line, by: &Actor) -> Result<(), DoorError> {
    if records::services(turn.rows())?.len() >= RecordKind::Service.max() {
        return Err(DoorError::Invalid("there are 1000 services already"));
    }
    records::insert_service(turn, id, name)?;
    note(turn, by, "service_added", &json!({ "service": id, "name": name }))?;
    Ok(())
}
