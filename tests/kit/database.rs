//! A fresh SQLite file or Postgres schema per test. Dropping a database removes it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use tempfile::TempDir;

/// Where `tests/run` says that its private Postgres listens.
const POSTGRES: &str = "TOCSIN_TEST_POSTGRES";

/// Which database a story is told on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// A file.
    Sqlite,
    /// A schema of the private cluster.
    Postgres,
}

impl On {
    /// A fresh, empty database.
    #[must_use]
    pub fn fresh(self) -> Database {
        match self {
            Self::Sqlite => Database::sqlite(),
            Self::Postgres => Database::postgres(),
        }
    }
}

/// One test's own database.
pub struct Database {
    /// Its address, as the program's setting takes it.
    pub url: String,
    kept: Kept,
}

enum Kept {
    Folder(TempDir),
    Schema { cluster: String, name: String },
}

impl Database {
    fn sqlite() -> Self {
        Self::in_folder(tempfile::tempdir().expect("a temporary folder"))
    }

    /// The file in a folder that somebody else has filled, or will.
    #[must_use]
    pub fn in_folder(folder: TempDir) -> Self {
        let url = format!("sqlite:{}", folder.path().join("node.db").display());
        Self { url, kept: Kept::Folder(folder) }
    }

    fn postgres() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let cluster = cluster();
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        on_cluster(&cluster, &format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}"));
        let joint = if cluster.contains('?') { '&' } else { '?' };
        let url = format!("{cluster}{joint}options=-csearch_path%3D{name}");
        Self { url, kept: Kept::Schema { cluster, name } }
    }

    /// The folder of a file database; a key file may lie in it too.
    #[must_use]
    pub fn folder(&self) -> Option<&std::path::Path> {
        match &self.kept {
            Kept::Folder(folder) => Some(folder.path()),
            Kept::Schema { .. } => None,
        }
    }
}

impl Database {
    /// Has Postgres look at what the tables hold, as its own housekeeping does within a minute or so of many new rows.
    ///
    /// # Panics
    /// When it can't.
    pub fn looked_over(&self) {
        match &self.kept {
            Kept::Folder(_) => {}
            Kept::Schema { cluster, name } => on_cluster(cluster, &format!("SET search_path = {name}; ANALYZE")),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        match &self.kept {
            // The folder goes with its guard.
            Kept::Folder(_) => {}
            // Best effort: the whole cluster goes at the end of the run, and a panic here would hide the test's own.
            Kept::Schema { cluster, name } => {
                if let Ok(mut connection) = PgConnection::establish(cluster) {
                    let _ = connection.batch_execute(&format!(
                        "SET lock_timeout = '2s'; SET client_min_messages = warning; DROP SCHEMA IF EXISTS {name} CASCADE"
                    ));
                }
            }
        }
    }
}

/// A cluster that a program of ours started itself; it takes the environment's place.
static STARTED: OnceLock<String> = OnceLock::new();

/// Uses this cluster from now on.
pub fn use_cluster(url: &str) {
    // The first one stays: a process has one cluster.
    let _ = STARTED.set(url.to_owned());
}

#[expect(clippy::disallowed_methods, reason = "tests/run hands the cluster's address over in the environment")]
fn cluster() -> String {
    STARTED.get().cloned().or_else(|| std::env::var(POSTGRES).ok()).unwrap_or_else(|| {
        panic!("{POSTGRES} is not set: every story runs on both databases, so start the tests through tests/run")
    })
}

fn on_cluster(cluster: &str, sql: &str) {
    let mut connection = PgConnection::establish(cluster).expect("the private Postgres answers");
    connection.batch_execute(&format!("SET client_min_messages = warning; {sql}")).expect("a schema of the test's own");
}
