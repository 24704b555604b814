//! All that differs between SQLite and Postgres, both arms side by side: connecting, migrating, transactions, and
//! (in `bulk`) rows written many at a time, (in `alone`) who else is there. A second place with such a difference is a review stop.

use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::StoreError;

pub(super) mod alone;
pub(super) mod bulk;
pub(super) mod cells;
pub(super) mod pairs;

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations/postgres");

/// Serialises migrations of several nodes on one Postgres; an arbitrary number of ours.
const MIGRATION_LOCK: i64 = 0x0070_6373_696e;
/// How long a reader waits for a free connection before the answer is "busy".
const READER_WAIT: Duration = Duration::from_secs(2);
/// libpq settings, so that a vanished server is noticed within seconds and not after the kernel's quarter of an hour.
const POSTGRES_SETTINGS: [(&str, &str); 6] = [
    ("connect_timeout", "5"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "15000"),
    ("application_name", "tocsin"),
];
/// Each pragma alone: a failing one must not hide behind the next. The busy timeout comes first, because switching to
/// WAL may have to wait. `secure_delete` overwrites what erasure frees. The log is folded into the file by a thread of its
/// own; connections do so themselves only when that can't keep up (pages of 4 KiB).
const SQLITE_PRAGMAS: [&str; 8] = [
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA cache_size = -8000",
    "PRAGMA wal_autocheckpoint = 32000",
    "PRAGMA journal_size_limit = 67108864",
];
/// The writer looks rows up by key, many at a time. Where statistics are missing or older than the last burst, Postgres
/// would read whole tables for that: the cost of a turn would grow with all that was ever written.
const POSTGRES_WRITER: [&str; 4] =
    ["SET enable_seqscan = off", "SET enable_hashjoin = off", "SET enable_mergejoin = off", "SET jit = off"];
const POSTGRES_SESSION: [&str; 4] = [
    "SET TIME ZONE 'UTC'",
    "SET lock_timeout = '5s'",
    "SET statement_timeout = '30s'",
    "SET idle_in_transaction_session_timeout = '60s'",
];

/// One connection to either database. Queries are written once, in the common subset.
#[derive(diesel::MultiConnection)]
pub(super) enum Db {
    Postgres(diesel::PgConnection),
    Sqlite(diesel::SqliteConnection),
}

/// Runs one expression on the connection inside, for what diesel's merged backend can't do: statements of many rows.
macro_rules! each {
    ($db:expr, $connection:ident => $run:expr) => {
        match $db {
            $crate::store::backend::Db::Postgres($connection) => $run,
            $crate::store::backend::Db::Sqlite($connection) => $run,
        }
    };
}

/// Where the database is; the scheme chooses which.
#[derive(Clone)]
pub(super) enum Address {
    Postgres(String),
    Sqlite(String),
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return Ok(Self::Sqlite(path.to_owned()));
        }
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(StoreError::UnknownScheme);
        }
        let mut url = url.to_owned();
        for (name, value) in POSTGRES_SETTINGS {
            if !url.contains(&format!("{name}=")) {
                let joint = if url.contains('?') { '&' } else { '?' };
                url.push_str(&format!("{joint}{name}={value}"));
            }
        }
        Ok(Self::Postgres(url))
    }

    /// The file of an open database; `None` when it has none that can be told from others.
    pub(super) fn file(&self) -> Option<DatabaseFile> {
        match self {
            Self::Postgres(_) => None,
            Self::Sqlite(path) => identity(path).map(|opened| DatabaseFile { path: path.clone(), opened }),
        }
    }

    /// A connection that may write.
    pub(super) fn connect(&self) -> Result<Db, StoreError> {
        let failed = |error| StoreError::unavailable("connecting", error);
        match self {
            Self::Postgres(url) => {
                let mut connection = PgConnection::establish(url).map_err(failed)?;
                for setting in POSTGRES_SESSION {
                    connection.batch_execute(setting)?;
                }
                Ok(Db::Postgres(connection))
            }
            Self::Sqlite(path) => {
                make_private(path).map_err(|error| StoreError::unavailable("making the database file", error))?;
                let mut connection = SqliteConnection::establish(path).map_err(failed)?;
                for pragma in SQLITE_PRAGMAS {
                    connection.batch_execute(pragma)?;
                }
                Ok(Db::Sqlite(connection))
            }
        }
    }
}

/// Makes a database file that is not there yet, for its owner only: password hashes and references in it are plain. SQLite
/// gives the files beside it the same rights. An existing file keeps its own.
#[cfg(unix)]
fn make_private(path: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn make_private(_path: &str) -> std::io::Result<()> {
    Ok(())
}

/// The file of a SQLite database as it was when it was opened. SQLite would go on writing into a file that was deleted or
/// replaced, and call it durable.
pub(super) struct DatabaseFile {
    path: String,
    opened: FileIdentity,
}

/// Device and number on that device.
type FileIdentity = (u64, u64);

impl DatabaseFile {
    /// Whether the opened file still stands under its name.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if identity(&self.path) == Some(self.opened) {
            return Ok(());
        }
        let gone = std::io::Error::from(std::io::ErrorKind::NotFound);
        Err(StoreError::unavailable("looking for the file that was opened at start", gone))
    }
}

#[cfg(unix)]
fn identity(path: &str) -> Option<FileIdentity> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
const fn identity(_: &str) -> Option<FileIdentity> {
    None
}

/// Brings the tables up to date. One node migrates at a time; a database that a newer program migrated is left alone.
pub(super) fn migrate(db: &mut Db) -> Result<(), StoreError> {
    match db {
        Db::Postgres(c) => {
            diesel::sql_query(format!("SELECT pg_advisory_lock({MIGRATION_LOCK})")).execute(c)?;
            let done = run_migrations(c, POSTGRES_MIGRATIONS);
            diesel::sql_query(format!("SELECT pg_advisory_unlock({MIGRATION_LOCK})")).execute(c)?;
            done
        }
        Db::Sqlite(c) => c.exclusive_transaction(|c| run_migrations(c, SQLITE_MIGRATIONS)),
    }
}

fn run_migrations<DB, C>(connection: &mut C, ours: EmbeddedMigrations) -> Result<(), StoreError>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: diesel::migration::MigrationSource<DB>,
{
    use diesel::migration::{MigrationSource, Result as MigrationResult};
    fn checked<T>(result: MigrationResult<T>) -> Result<T, StoreError> {
        result.map_err(|error| StoreError::Unavailable { doing: "migrating", source: Arc::from(error) })
    }
    let known: BTreeSet<_> =
        checked(MigrationSource::<DB>::migrations(&ours))?.iter().map(|m| m.name().version().as_owned()).collect();
    if checked(connection.applied_migrations())?.iter().any(|applied| !known.contains(applied)) {
        return Err(StoreError::NewerDatabase);
    }
    checked(connection.run_pending_migrations(ours))?;
    Ok(())
}

/// The migrations that a database has had, in order; on one without tables, none. Nothing is made to find out.
pub(super) fn applied(db: &mut Db) -> Result<Vec<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Text)]
        version: String,
    }
    const TABLE: &str = "__diesel_schema_migrations";
    let there = match db {
        Db::Postgres(_) => format!("SELECT '' AS version WHERE to_regclass('{TABLE}') IS NOT NULL"),
        Db::Sqlite(_) => format!("SELECT '' AS version FROM sqlite_master WHERE name = '{TABLE}'"),
    };
    let there: Vec<Found> = each!(&mut *db, c => diesel::sql_query(there).load(c))?;
    if there.is_empty() {
        return Ok(Vec::new());
    }
    let all = format!("SELECT version FROM {TABLE} ORDER BY version");
    let applied: Vec<Found> = each!(db, c => diesel::sql_query(all).load(c))?;
    Ok(applied.into_iter().map(|Found { version }| version).collect())
}

/// The migrations of this program, in order.
pub(super) fn known() -> Result<Vec<String>, StoreError> {
    let mut db = cells::tables_alone()?;
    applied(&mut db)
}

/// Starts the writer's transaction. On SQLite it takes the write lock at once; on Postgres the writer's first statement
/// locks the ledger's head.
pub(super) fn begin_write(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Postgres(c) => c.batch_execute("BEGIN"),
        Db::Sqlite(c) => c.batch_execute("BEGIN IMMEDIATE"),
    }
}

/// Starts a transaction that sees one state of the database and changes nothing.
pub(super) fn begin_snapshot(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Postgres(c) => c.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        Db::Sqlite(c) => c.batch_execute("BEGIN"),
    }
}

/// Forgets older states of pages that were written anew. SQLite's write-ahead log holds them until it is folded into the
/// file; while somebody reads, that waits for a later time. Postgres does it in its own time.
pub(super) fn fold_log(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Postgres(_) => Ok(()),
        Db::Sqlite(c) => c.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)"),
    }
}

/// The same as far as it goes without anybody waiting for it.
pub(super) fn fold_log_beside(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Postgres(_) => Ok(()),
        Db::Sqlite(c) => c.batch_execute("PRAGMA wal_checkpoint(PASSIVE)"),
    }
}

/// A connection to fold the log with. Folding all of it waits for readers, and makes the writer wait, so that it does not
/// wait long.
pub(super) fn folding_connection(address: &Address) -> Result<Db, StoreError> {
    let mut db = address.connect()?;
    if let Db::Sqlite(c) = &mut db {
        c.batch_execute("PRAGMA busy_timeout = 500")?;
    }
    Ok(db)
}

/// Makes a connection the writer's.
pub(super) fn ready_to_write(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Postgres(c) => POSTGRES_WRITER.iter().try_for_each(|setting| c.batch_execute(setting)),
        Db::Sqlite(_) => Ok(()),
    }
}

/// Counts the statements of a connection.
pub(super) fn count_statements(db: &mut Db, counter: Arc<AtomicU64>) {
    struct Counter(Arc<AtomicU64>);
    impl Instrumentation for Counter {
        fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
            if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    db.set_instrumentation(Counter(counter));
}

/// A few reading connections.
pub(super) struct Readers {
    /// `None` once it is closed. Whoever reads at that moment holds the pool until it has read.
    pool: RwLock<Option<r2d2::Pool<Reader>>>,
}

impl Readers {
    pub(super) fn open(address: Address, readers: u32) -> Result<Self, StoreError> {
        let pool = r2d2::Pool::builder()
            .max_size(readers)
            .min_idle(Some(1))
            .connection_timeout(READER_WAIT)
            .build(Reader { file: address.file(), address })
            .map_err(|error| StoreError::unavailable("opening reading connections", error))?;
        Ok(Self { pool: RwLock::new(Some(pool)) })
    }

    /// Closes the connections, each as soon as nobody reads with it.
    pub(super) fn close(&self) {
        drop(self.pool.write().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn pool(&self) -> Result<r2d2::Pool<Reader>, StoreError> {
        self.pool.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(StoreError::Stopped)
    }

    /// Runs a closure on one snapshot.
    pub(super) fn snapshot<T>(&self, f: impl FnOnce(&mut Db) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut pooled = self.pool()?.get().map_err(|_| StoreError::Busy)?;
        // Stays so when anything below fails, and the pool then drops the connection.
        pooled.broken = true;
        begin_snapshot(&mut pooled.db)?;
        let answer = f(&mut pooled.db);
        let ended = pooled.db.batch_execute("ROLLBACK");
        pooled.broken = ended.is_err();
        answer
    }
}

/// Makes reading connections for the pool. Diesel's own manager would hide the first database's error behind the
/// second's.
struct Reader {
    address: Address,
    file: Option<DatabaseFile>,
}

struct Pooled {
    db: Db,
    broken: bool,
}

impl r2d2::ManageConnection for Reader {
    type Connection = Pooled;
    type Error = StoreError;

    fn connect(&self) -> Result<Pooled, StoreError> {
        // Connecting would make an empty file in place of a lost one.
        self.file.as_ref().map_or(Ok(()), DatabaseFile::check)?;
        let mut db = self.address.connect()?;
        if let Db::Sqlite(c) = &mut db {
            c.batch_execute("PRAGMA query_only = ON")?;
            // Whatever the writer commits empties a reader's cache: a large one would only cost memory.
            c.batch_execute("PRAGMA cache_size = -1000")?;
        }
        Ok(Pooled { db, broken: false })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), StoreError> {
        match &mut pooled.db {
            Db::Postgres(c) => Ok(c.batch_execute("SELECT 1")?),
            Db::Sqlite(_) => Ok(()),
        }
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.broken
    }
}

/// Keys in one statement that looks rows up or removes them by key.
pub(super) const KEYS_PER_STATEMENT: usize = 1_000;

pub(super) use each;
