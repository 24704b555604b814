//! Encrypted copies of a running node, verified, and restored.
//!
//! One form for both databases: every row of every table as one snapshot sees them, so that a backup of an SQLite node can
//! be restored on Postgres and the other way round. It is sealed under a key derived from the data key, which is never in
//! it. What ends with a session (sessions, links, one-use forms, kept answers) is left out.
//!
//! `write` makes one, [`examine`] reads one to its end and compares what it says with what it holds, and [`restore`] puts
//! one into an empty database in one transaction, in which the whole ledger is verified before anything is committed.

mod envelope;
mod lines;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::chain::{self, Frontier};
use domain::values::{Digest32, Moment};

use self::envelope::{Damage, Opener, Sealer};
use self::lines::{Line, Start};
use super::backend::cells::{self, Cell, Table};
use super::backend::{self, Address, Db};
use super::sealed::Seal;
use super::{DataKey, Rows, StoreError, ledger, schema};

/// Rows read or put at once.
const PAGE: usize = 100;
/// Tables that end with a session, and are not copied.
const LEFT_OUT: [&str; 4] = ["api_answers", "forms", "links", "sessions"];
/// Tables that hold a row in an empty database too: it gives way to the backup's.
const NEVER_EMPTY: [&str; 2] = ["ledger_head", "meta"];
/// The ledger's table, whose hashes are computed again while a backup is read.
const LEDGER: &str = "ledger";

/// Why there is no backup, or why it can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file failed.
    #[error("the backup's file failed")]
    File(#[source] io::Error),
    /// It is something else.
    #[error("this file is no backup of Tocsin")]
    NotABackup,
    /// A newer program wrote it.
    #[error("this backup was made by a newer version of the program; restore it with that version")]
    OtherFormat,
    /// Its tables are those of another version.
    #[error("this backup was made by version {0}, whose tables differ; restore it with that version, then upgrade")]
    OtherTables(String),
    /// The data key does not open it.
    #[error("the data key is not the one that this backup was made under")]
    OtherKey,
    /// Its octets are not those written.
    #[error("this backup is damaged: {0}")]
    Damaged(&'static str),
    /// The ledger in it is not whole.
    #[error("the ledger is not whole: {0}")]
    Ledger(&'static str),
    /// The database's tables are those of another version.
    #[error("the database was made by another version of the program; make the backup with that version")]
    OtherDatabase,
    /// Something is in the database already.
    #[error("the database is not empty; restore into a new one")]
    NotEmpty,
}

impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Damage>()) {
            Some(Damage(what)) => Self::Damaged(what),
            None => Self::File(error),
        }
    }
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The version of the program that made it.
    pub program: String,
    /// When it was made.
    pub made_at: Moment,
    /// Entries in the ledger.
    pub ledger_size: u64,
    /// The root of the tree over them.
    pub ledger_root: Digest32,
    /// Rows of all tables.
    pub rows: u64,
}

/// Copies a database, also while a node works on it. Nothing in it is changed, and it is not migrated.
///
/// # Errors
/// [`BackupError`].
pub fn write(url: &str, data_key: &DataKey, made_at: Moment, to: impl Write) -> Result<Summary, BackupError> {
    let seal = Seal::new(data_key)?;
    let mut db = Address::parse(url)?.connect()?;
    let migrations = backend::applied(&mut db)?;
    if migrations != backend::known()? {
        return Err(BackupError::OtherDatabase);
    }
    ledger::has_data_key(&mut db, &seal)?;
    backend::begin_snapshot(&mut db).map_err(StoreError::from)?;
    let mut sealer = Sealer::new(to, data_key)?;
    let start = start(&mut db, migrations, made_at)?;
    Line::Start(start.clone()).write(&mut sealer)?;
    let mut counts = BTreeMap::new();
    for table in copied()? {
        let columns = table.columns.iter().map(|column| column.name.clone()).collect();
        Line::Table { name: table.name.clone(), columns }.write(&mut sealer)?;
        let written = copy_table(&mut db, &table, &mut sealer)?;
        counts.insert(table.name, written);
    }
    let rows = counts.values().sum();
    Line::End { rows: counts }.write(&mut sealer)?;
    sealer.finish()?;
    Ok(summary(start, rows))
}

fn start(db: &mut Db, migrations: Vec<String>, made_at: Moment) -> Result<Start, BackupError> {
    use schema::ledger_head::dsl;
    type Found = (i64, Option<Vec<u8>>, Vec<u8>);
    let (size, last, frontier): Found =
        dsl::ledger_head.select((dsl::size, dsl::last_hash, dsl::frontier)).first(db).map_err(StoreError::from)?;
    let unreadable = |what| move |_| BackupError::Ledger(what);
    let frontier = if frontier.is_empty() {
        Frontier::default()
    } else {
        Frontier::from_bytes(&frontier).map_err(|_| BackupError::Ledger("its head has no tree"))?
    };
    Ok(Start {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        migrations,
        made_at,
        ledger_size: u64::try_from(size).map_err(unreadable("its head has no size"))?,
        ledger_last: last
            .map(|hash| Digest32::from_slice(&hash))
            .transpose()
            .map_err(|_| BackupError::Ledger("its head has no hash"))?,
        ledger_root: frontier.root(),
    })
}

fn copy_table(db: &mut Db, table: &Table, to: &mut impl Write) -> Result<u64, BackupError> {
    let mut written = 0;
    let mut page = cells::page(db, table, None, PAGE)?;
    while let Some(last) = page.last().cloned() {
        let full = page.len() == PAGE;
        for row in page {
            Line::Row(row).write(to)?;
            written += 1;
        }
        if !full {
            break;
        }
        page = cells::page(db, table, Some(&last), PAGE)?;
    }
    Ok(written)
}

/// The tables that are copied.
fn copied() -> Result<Vec<Table>, StoreError> {
    let mut tables = cells::tables()?;
    tables.retain(|table| !LEFT_OUT.contains(&table.name.as_str()));
    Ok(tables)
}

/// Reads a backup to its end, computing the ledger's hashes anew.
///
/// # Errors
/// [`BackupError`] for whatever would keep it from being restored.
pub fn examine(data_key: &DataKey, from: impl Read) -> Result<Summary, BackupError> {
    read(data_key, from, |_, _| Ok(()))
}

/// Puts a backup into an empty database. All of it, verified, or nothing.
///
/// # Errors
/// [`BackupError`].
pub fn restore(url: &str, data_key: &DataKey, from: impl Read) -> Result<Summary, BackupError> {
    let seal = Seal::new(data_key)?;
    let mut db = Address::parse(url)?.connect()?;
    // A node of another version is not brought up to date on the way to refusing it.
    let applied = backend::applied(&mut db)?;
    if !applied.is_empty() && applied != backend::known()? {
        return Err(BackupError::NotEmpty);
    }
    backend::migrate(&mut db)?;
    backend::begin_write(&mut db).map_err(StoreError::from)?;
    let restored = restore_into(&mut db, &seal, data_key, from);
    let end = if restored.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = db.batch_execute(end).map_err(|error| StoreError::unavailable("ending the restoration", error));
    let summary = restored?;
    ended?;
    Ok(summary)
}

fn restore_into(db: &mut Db, seal: &Seal, data_key: &DataKey, from: impl Read) -> Result<Summary, BackupError> {
    // Takes the turn of every node on this database.
    let head = ledger::Pending::begin(db)?;
    for table in cells::tables()? {
        let may_hold = NEVER_EMPTY.contains(&table.name.as_str());
        if !may_hold && !cells::page(db, &table, None, 1)?.is_empty() {
            return Err(BackupError::NotEmpty);
        }
    }
    if head.size() > 0 {
        return Err(BackupError::NotEmpty);
    }
    diesel::delete(schema::ledger_head::table).execute(db).map_err(StoreError::from)?;
    diesel::delete(schema::meta::table).execute(db).map_err(StoreError::from)?;
    let summary = read(data_key, from, |table, rows| cells::insert(db, table, rows))?;
    // Whoever held a lane is not here.
    diesel::update(schema::lanes::table)
        .set((schema::lanes::lease.eq(None::<Vec<u8>>), schema::lanes::lease_until.eq(None::<i64>)))
        .execute(db)
        .map_err(StoreError::from)?;
    ledger::has_data_key(db, seal)?;
    let verified = ledger::verify(&mut Rows { db, seal })?;
    match verified.faults.first() {
        Some(fault) => Err(BackupError::Ledger(fault.what)),
        None if verified.size != summary.ledger_size => Err(BackupError::Ledger("entries are missing")),
        None => Ok(summary),
    }
}

/// Walks through a backup; `put` gets its rows in order, table by table.
fn read(
    data_key: &DataKey,
    from: impl Read,
    mut put: impl FnMut(&Table, &[Vec<Cell>]) -> Result<(), StoreError>,
) -> Result<Summary, BackupError> {
    let mut lines = BufReader::new(Opener::new(from, data_key)?);
    let Some(Line::Start(start)) = Line::read(&mut lines)? else {
        return Err(BackupError::Damaged("it does not say what it is"));
    };
    if start.migrations != backend::known()? {
        return Err(BackupError::OtherTables(start.program));
    }
    let mut left = copied()?.into_iter();
    let mut table: Option<Table> = None;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut waiting: Vec<Vec<Cell>> = Vec::new();
    let mut walk = Walk::default();
    loop {
        let line = Line::read(&mut lines)?.ok_or(BackupError::Damaged("it ends too soon"))?;
        let full = waiting.len() == PAGE || !matches!(line, Line::Row(_));
        if let Some(table) = table.as_ref().filter(|_| full && !waiting.is_empty()) {
            put(table, &waiting)?;
            waiting.clear();
        }
        match line {
            Line::Start(_) => return Err(BackupError::Damaged("it begins twice")),
            Line::Table { name, columns } => {
                let next = left.next().filter(|table| {
                    table.name == name && table.columns.iter().map(|column| &column.name).eq(columns.iter())
                });
                table = Some(next.ok_or(BackupError::Damaged("its tables are others"))?);
                counts.insert(name, 0);
            }
            Line::Row(row) => {
                let name = table.as_ref().map(|table| table.name.as_str()).unwrap_or_default();
                *counts.get_mut(name).ok_or(BackupError::Damaged("a row of no table"))? += 1;
                if let Some(table) = table.as_ref().filter(|table| table.name == LEDGER) {
                    walk.entry(table, &row)?;
                }
                waiting.push(row);
            }
            Line::End { rows } => {
                if rows != counts || left.next().is_some() || Line::read(&mut lines)?.is_some() {
                    return Err(BackupError::Damaged("it does not hold what it says"));
                }
                walk.compare(&start)?;
                return Ok(summary(start, counts.values().sum()));
            }
        }
    }
}

fn summary(start: Start, rows: u64) -> Summary {
    Summary {
        program: start.program,
        made_at: start.made_at,
        ledger_size: start.ledger_size,
        ledger_root: start.ledger_root,
        rows,
    }
}

/// The ledger's hashes, from the entries in a backup.
#[derive(Default)]
struct Walk {
    frontier: Frontier,
    last: Option<Digest32>,
}

impl Walk {
    fn entry(&mut self, table: &Table, row: &[Cell]) -> Result<(), BackupError> {
        let cell = |name: &str| table.columns.iter().position(|column| column.name == name).and_then(|at| row.get(at));
        let number = match cell("n") {
            Some(Cell::Integer(number)) => u64::try_from(*number).ok(),
            Some(Cell::Null | Cell::Text(_) | Cell::Octets(_)) | None => None,
        };
        let Some(Cell::Text(octets)) = cell("octets").filter(|_| number == Some(self.frontier.size())) else {
            return Err(BackupError::Ledger("an entry is missing"));
        };
        self.frontier.push(chain::leaf_hash(octets.as_bytes()));
        self.last = Some(Digest32::of(octets.as_bytes()));
        Ok(())
    }

    fn compare(&self, start: &Start) -> Result<(), BackupError> {
        let same = (self.frontier.size(), self.frontier.root()) == (start.ledger_size, start.ledger_root);
        if same && self.last == start.ledger_last { Ok(()) } else { Err(BackupError::Ledger("its head is another")) }
    }
}
