//! Door 1d: the register. An earlier register is taken over, all of a file or nothing; filters are kept under a name; what
//! happened to a service is taken away.
//!
//! Taking over starts no clock and tells nobody: each entry is one event of a stream of its own, by whoever asked. An entry
//! is known again by its own reference, so that the same file twice changes nothing. One that says something else under a
//! known reference is at fault: what is in the register can't be changed, and would stay as it is with nothing said.

use std::collections::BTreeMap;

use domain::incident::register::{Command, Record};
use domain::incident::{self, Event};
use domain::values::{Actor, Digest32, IncidentId, Line, ServiceId};
use serde_json::json;

use super::administer::note;
use super::{DoorError, Node};
use crate::access::{Administrator, Dpo, Reader, SignedIn};
use crate::store::queries::register::{self as lines, Entry, OfService, views};
use crate::store::{Change, Rows, StoreError, Turn};

/// What a file of an earlier register would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Entries that would be taken over, each with its line in the file.
    pub new: Vec<(u32, Record)>,
    /// References that were taken over before, each with its line in the file.
    pub known: Vec<(u32, Line)>,
    /// Entries that can't be taken, each with its line, and what is right.
    pub faults: Vec<(u32, String)>,
    /// Names what would be done: an import that is bound to it does this and nothing else.
    pub digest: Digest32,
}

impl Node {
    /// The incidents of a service, for a file of a format; that somebody took it is noted.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] when there is no such service.
    pub async fn incidents_of_service(
        &self,
        by: &Reader,
        service: ServiceId,
        format: &'static str,
    ) -> Result<OfService, DoorError> {
        let found = self.store.read(move |rows| lines::of_service(rows, service)).await?.ok_or(DoorError::NotFound)?;
        self.note_export(by, "service_incidents_exported", json!({ "service": service, "format": format })).await?;
        Ok(found)
    }

    /// What taking over these entries would do; nothing is written.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn plan_earlier(&self, by: &Dpo, entries: Vec<(u32, Record)>) -> Result<Plan, DoorError> {
        let (by, now) = (by.actor().clone(), self.time.now());
        Ok(self.store.read(move |rows| plan(rows, entries, &by, now)).await?)
    }

    /// Takes over what somebody was shown by [`Node::plan_earlier`], and nothing else. Answers how many there were.
    ///
    /// # Errors
    /// [`DoorError::Stale`] when it would do something else by now.
    pub async fn import_earlier(
        &self,
        by: &Dpo,
        entries: Vec<(u32, Record)>,
        shown: Digest32,
    ) -> Result<usize, DoorError> {
        let (by, time) = (by.actor().clone(), self.shared_time());
        let done = self
            .store
            .write(self.time.now(), move |turn| {
                let now = turn.now();
                let plan = plan(turn.rows(), entries, &by, now)?;
                if plan.digest != shown || !plan.faults.is_empty() {
                    return Err(DoorError::Stale);
                }
                take_over(turn, plan.new, &|| IncidentId::from_uuid(time.fresh_id()), &by)
            })
            .await?;
        self.changed();
        Ok(done)
    }

    /// Keeps a filter of the register under a name, for oneself or for all.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] beyond the limits.
    pub async fn keep_view(&self, by: &SignedIn, name: Line, query: String, shared: bool) -> Result<(), DoorError> {
        let view = views::View { id: self.time.fresh_id(), person: by.id(), shared, name: name.to_string(), query };
        match self.store.write(self.time.now(), move |turn| views::keep(turn, &view)).await {
            Err(StoreError::TooMuch { .. }) => {
                Err(DoorError::Invalid("there are as many kept filters as there may be; forget one first"))
            }
            done => Ok(done?),
        }
    }

    /// Forgets a kept filter: one's own, or, so that nobody's stays for ever, as an administrator one that all see.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] when it is somebody else's.
    pub async fn forget_view(&self, by: &SignedIn, id: uuid::Uuid) -> Result<(), DoorError> {
        let (person, shared) = (by.id(), Administrator::of(by).is_some());
        let gone = self.store.write(self.time.now(), move |turn| views::forget(turn, id, person, shared)).await?;
        if gone { Ok(()) } else { Err(DoorError::NotFound) }
    }
}

fn plan(
    rows: &mut Rows<'_>,
    entries: Vec<(u32, Record)>,
    by: &Actor,
    now: domain::values::Moment,
) -> Result<Plan, StoreError> {
    let references: Vec<&str> = entries.iter().map(|(_, record)| record.reference.as_str()).collect();
    let stands: BTreeMap<String, Entry> = lines::with_references(rows, &references)?;
    let (mut new, mut known, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for (line, record) in entries {
        let key = record.reference.as_str().to_uppercase();
        if let Some(before) = stands.get(&key).filter(|entry| entry.source == "imported") {
            match differing(before, &record).as_slice() {
                [] => known.push((line, record.reference)),
                columns => faults.push((
                    line,
                    format!(
                        "This reference was taken over before with another {}, and stays as it is: give this entry a \
                         reference of its own, or take the line out",
                        columns.join(", ")
                    ),
                )),
            }
        } else if stands.contains_key(&key) || is_ours(&key) {
            faults.push((line, "This node gives such references itself: put letters of your own before it".to_owned()));
        } else {
            let command =
                incident::Command::Register { command: Command::Import(Box::new(record.clone())), by: by.clone() };
            match incident::decide(None, &command, now) {
                Ok(_) => new.push((line, record)),
                Err(refusal) => faults.push((line, refusal.to_string())),
            }
        }
    }
    let named: Vec<&Record> = new.iter().map(|(_, record)| record).collect();
    let digest = Digest32::of(&serde_json::to_vec(&(named, &known)).unwrap_or_default());
    Ok(Plan { new, known, faults, digest })
}

/// The columns in which an entry differs from what was taken over before under its reference. After erasure there is no
/// title to compare.
fn differing(before: &Entry, record: &Record) -> Vec<&'static str> {
    let aware_at = record.awareness.contract_anchor().map(|(_, at)| at);
    let columns = [
        ("title", !before.title.is_empty() && before.title != record.facts.title.as_str()),
        ("aware_at", before.aware_at != aware_at),
        ("kind", before.kind != record.kind),
    ];
    columns.into_iter().filter(|(_, differs)| *differs).map(|(column, _)| column).collect()
}

/// Whether a reference is, or may become, one that this node gives: `TC-2026-0042`.
fn is_ours(key: &str) -> bool {
    let year = key.strip_prefix("TC-").and_then(|rest| rest.split_once('-')).map(|(year, _)| year);
    year.is_some_and(|year| year.len() == 4 && year.bytes().all(|digit| digit.is_ascii_digit()))
}

fn take_over(
    turn: &mut Turn<'_>,
    entries: Vec<(u32, Record)>,
    fresh: &dyn Fn() -> IncidentId,
    by: &Actor,
) -> Result<usize, DoorError> {
    let count = entries.len();
    let now = turn.now();
    let mut changes = Vec::with_capacity(count);
    for (_, record) in entries {
        let id = fresh();
        let record = Box::new(Record { id, ..record });
        let command = incident::Command::Register { command: Command::Import(record), by: by.clone() };
        let events: Vec<Event> = incident::decide(None, &command, now)?.events;
        changes.push(Change::Incident { id, before: None, events });
    }
    if count > 0 {
        turn.record(changes)?;
        note(turn, by, "register_imported", &json!({ "entries": count }))?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    /// Aim: no entry taken over can stand in the way of a reference that this node will give.
    #[test]
    fn own_references_are_told() {
        assert!(is_ours("TC-2026-0042") && is_ours("TC-2031-"));
        assert!(!is_ours("TC-26-1") && !is_ours("DB-2026-0042") && !is_ours("TC-ABCD-1") && !is_ours("TC-2026"));
    }
}
