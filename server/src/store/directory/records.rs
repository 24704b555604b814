//! Records: one row per version, sealed, the newest one current.

use std::collections::HashSet;

use diesel::prelude::*;
use domain::directory::{RecordKind, digest_of};
use domain::values::{Digest32, Moment};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::store::backend::KEYS_PER_STATEMENT;
use crate::store::backend::bulk::insert_many;
use crate::store::schema::directory;
use crate::store::{Rows, StoreError, Turn};

/// What records' digests are keyed for: whoever has the file alone can't try out whose name is in it.
const DIGEST: &str = "directory.digest";
/// Where records are sealed for.
const CONTENT: &str = "directory.content";
/// The id of the record about ourselves. Every other party's is its partner id.
pub const OUR_PARTY: Uuid = Uuid::nil();
/// Current records in one answer: `domain::directory` allows no more of a kind.
const CURRENT_MAX: i64 = 5_000;
/// Versions in one answer.
const VERSIONS_MAX: i64 = 20_000;

/// A version of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T> {
    /// Which record; stable over versions.
    pub id: Uuid,
    /// 1, 2, 3 …; 0 for one that nobody wrote down yet, made from what is known otherwise.
    pub version: u32,
    /// SHA-256 of the record's JSON.
    pub digest: Digest32,
    /// When this version was kept (duty time).
    pub at: Moment,
    /// The record.
    pub record: T,
}

/// A version to keep.
#[derive(Debug, Clone)]
pub struct NewRecord {
    /// Of which kind.
    pub kind: RecordKind,
    /// Which record.
    pub id: Uuid,
    /// Which version.
    pub version: u32,
    /// Whether it is the newest.
    pub current: bool,
    digest: Digest32,
    json: String,
}

impl NewRecord {
    /// A version of a record.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it has no JSON.
    pub fn of(
        kind: RecordKind,
        id: Uuid,
        version: u32,
        current: bool,
        record: &impl Serialize,
    ) -> Result<Self, StoreError> {
        let json =
            serde_json::to_string(record).map_err(StoreError::corrupt("directory", "a record that has no JSON"))?;
        Ok(Self { kind, id, version, current, digest: digest_of(record), json })
    }

    /// SHA-256 of its JSON.
    #[must_use]
    pub const fn digest(&self) -> Digest32 {
        self.digest
    }
}

#[derive(Insertable)]
#[diesel(table_name = directory, treat_none_as_default_value = false)]
struct NewRow {
    kind: &'static str,
    id: Vec<u8>,
    version: i32,
    current: bool,
    digest: Vec<u8>,
    content: Vec<u8>,
    at: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = directory)]
struct Row {
    id: Vec<u8>,
    version: i32,
    content: Vec<u8>,
    at: i64,
}

impl Row {
    fn opened<T: DeserializeOwned + Serialize>(
        self,
        kind: RecordKind,
        rows: &Rows<'_>,
    ) -> Result<Stored<T>, StoreError> {
        let corrupt = |what| StoreError::Corrupt { table: "directory", what };
        let record: T = rows.seal.open_json(CONTENT, &sealed_for(kind, &self.id, self.version), &self.content)?;
        Ok(Stored {
            digest: digest_of(&record),
            record,
            id: Uuid::from_slice(&self.id).map_err(|_| corrupt("an id"))?,
            version: u32::try_from(self.version).map_err(|_| corrupt("a version"))?,
            at: Moment::from_micros(self.at).map_err(|_| corrupt("an instant"))?,
        })
    }
}

/// Names the row that a content is sealed for: no version opens as another one.
fn sealed_for(kind: RecordKind, id: &[u8], version: i32) -> Vec<u8> {
    [id, &version.to_be_bytes(), kind.word().as_bytes()].concat()
}

fn stored_version(version: u32) -> Result<i32, StoreError> {
    i32::try_from(version).map_err(StoreError::corrupt("directory", "a version"))
}

/// Keeps versions; a current one takes the place of the one before. One turn keeps at most one current version of a
/// record.
///
/// # Errors
/// [`StoreError::Conflict`] when a version is there; those of the database.
pub fn keep(turn: &mut Turn<'_>, records: &[NewRecord]) -> Result<(), StoreError> {
    let at = turn.now().micros();
    let rows = turn.rows();
    for kind in RecordKind::ALL {
        let of_kind: Vec<&NewRecord> = records.iter().filter(|record| record.kind == kind).collect();
        for chunk in of_kind.chunks(KEYS_PER_STATEMENT) {
            let ids: Vec<&[u8]> = chunk.iter().map(|record| record.id.as_bytes().as_slice()).collect();
            // Looked up first: on Postgres a unique violation would end the whole batch.
            let known: Vec<(Vec<u8>, i32)> = directory::table
                .filter(directory::kind.eq(kind.word()))
                .filter(directory::id.eq_any(&ids))
                .select((directory::id, directory::version))
                .load(rows.db)?;
            let known: HashSet<(&[u8], i32)> = known.iter().map(|(id, version)| (id.as_slice(), *version)).collect();
            for record in chunk {
                if known.contains(&(record.id.as_bytes().as_slice(), stored_version(record.version)?)) {
                    return Err(StoreError::Conflict);
                }
            }
            let replaced: Vec<&[u8]> =
                chunk.iter().filter(|record| record.current).map(|record| record.id.as_bytes().as_slice()).collect();
            diesel::update(directory::table)
                .filter(directory::kind.eq(kind.word()))
                .filter(directory::id.eq_any(&replaced))
                .set(directory::current.eq(false))
                .execute(rows.db)?;
        }
    }
    let mut new = Vec::with_capacity(records.len());
    for record in records {
        let version = stored_version(record.version)?;
        let id = record.id.as_bytes().to_vec();
        new.push(NewRow {
            kind: record.kind.word(),
            content: rows.seal.seal(CONTENT, &sealed_for(record.kind, &id, version), record.json.as_bytes())?,
            id,
            version,
            current: record.current,
            digest: rows.seal.lookup(DIGEST, &record.json),
            at,
        });
    }
    insert_many!(rows.db, directory::table, &new)
}

/// The record is no longer current; its versions stay.
///
/// # Errors
/// Those of the database.
pub fn retire(turn: &mut Turn<'_>, kind: RecordKind, id: Uuid) -> Result<(), StoreError> {
    diesel::update(directory::table)
        .filter(directory::kind.eq(kind.word()))
        .filter(directory::id.eq(id.as_bytes().as_slice()))
        .set(directory::current.eq(false))
        .execute(turn.rows().db)?;
    Ok(())
}

/// The current records of a kind, the first kept first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn current<T: DeserializeOwned + Serialize>(
    rows: &mut Rows<'_>,
    kind: RecordKind,
) -> Result<Vec<Stored<T>>, StoreError> {
    let found: Vec<Row> = directory::table
        .filter(directory::kind.eq(kind.word()))
        .filter(directory::current)
        .order(directory::id)
        .limit(CURRENT_MAX)
        .select(Row::as_select())
        .load(rows.db)?;
    found.into_iter().map(|row| row.opened(kind, rows)).collect()
}

/// Every version of every record of a kind that is still current, oldest versions first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn every_version<T: DeserializeOwned + Serialize>(
    rows: &mut Rows<'_>,
    kind: RecordKind,
) -> Result<Vec<Stored<T>>, StoreError> {
    let found: Vec<Row> = directory::table
        .filter(directory::kind.eq(kind.word()))
        .order((directory::id, directory::version))
        .limit(VERSIONS_MAX)
        .select(Row::as_select())
        .load(rows.db)?;
    found.into_iter().map(|row| row.opened(kind, rows)).collect()
}

/// The versions of one record, newest first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one does not open; those of the database.
pub fn versions<T: DeserializeOwned + Serialize>(
    rows: &mut Rows<'_>,
    kind: RecordKind,
    id: Uuid,
) -> Result<Vec<Stored<T>>, StoreError> {
    let found: Vec<Row> = directory::table
        .filter(directory::kind.eq(kind.word()))
        .filter(directory::id.eq(id.as_bytes().as_slice()))
        .order(directory::version.desc())
        .limit(VERSIONS_MAX)
        .select(Row::as_select())
        .load(rows.db)?;
    found.into_iter().map(|row| row.opened(kind, rows)).collect()
}

/// One version of one record, current or not.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn version_of<T: DeserializeOwned + Serialize>(
    rows: &mut Rows<'_>,
    kind: RecordKind,
    id: Uuid,
    version: u32,
) -> Result<Option<Stored<T>>, StoreError> {
    let found: Option<Row> = directory::table
        .find((kind.word(), id.as_bytes().as_slice(), i32::try_from(version).unwrap_or(i32::MAX)))
        .select(Row::as_select())
        .first(rows.db)
        .optional()?;
    found.map(|row| row.opened(kind, rows)).transpose()
}

/// Whether a record is current: false once it was retired, or when there is none.
///
/// # Errors
/// Those of the database.
pub fn is_current(rows: &mut Rows<'_>, kind: RecordKind, id: Uuid) -> Result<bool, StoreError> {
    let found: i64 = directory::table
        .filter(directory::kind.eq(kind.word()))
        .filter(directory::id.eq(id.as_bytes().as_slice()))
        .filter(directory::current)
        .count()
        .get_result(rows.db)?;
    Ok(found > 0)
}
