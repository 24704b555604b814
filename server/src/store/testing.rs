//! Fresh databases for tests: a new SQLite file, and a new Postgres schema, each with its own store.
//!
//! Every test of the store runs on both, always: [`both!`] makes two tests of one body.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::string_slice, clippy::panic, reason = "tests")]

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::values::Moment;
use uuid::Uuid;

use super::backend::Address;
use super::backend::bulk::LENGTHS;
use super::backend::cells::{self, Cell};
use super::{DataKey, Store, StoreError, StoreSettings};

/// A store on a database of its own, which goes with it.
pub(crate) struct TestStore {
    store: Store,
    place: Place,
}

enum Place {
    Sqlite(tempfile::TempDir),
    Postgres { server: String, schema: String },
}

impl TestStore {
    pub(crate) fn on_sqlite() -> Self {
        Self::new(Place::Sqlite(tempfile::tempdir().unwrap()))
    }

    pub(crate) fn on_postgres() -> Self {
        static SCHEMAS: AtomicU64 = AtomicU64::new(0);
        let server = postgres();
        let schema = format!("t{}_{}", std::process::id(), SCHEMAS.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::establish(&server).unwrap();
        // A process of an earlier run may have had the same number and have been killed.
        connection.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).unwrap();
        Self::new(Place::Postgres { server, schema })
    }

    fn new(place: Place) -> Self {
        let store = Store::open(place.settings(data_key())).unwrap();
        Self { store, place }
    }

    /// The address of the database.
    pub(crate) fn url(&self) -> String {
        self.place.url()
    }

    /// Opens the same database once more, as another process would.
    pub(crate) fn again(&self) -> Result<Store, StoreError> {
        self.again_with(data_key())
    }

    pub(crate) fn again_with(&self, data_key: DataKey) -> Result<Store, StoreError> {
        Store::open(self.place.settings(data_key))
    }

    /// Runs SQL past the store, as somebody with a database client would.
    pub(crate) fn tamper(&self, sql: &str) {
        let done = match &self.place {
            Place::Sqlite(_) => self.place.sqlite().batch_execute(sql),
            Place::Postgres { .. } => PgConnection::establish(&self.url()).unwrap().batch_execute(sql),
        };
        done.expect(sql);
    }

    /// Whether it is on SQLite.
    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self.place, Place::Sqlite(_))
    }

    /// Octets as they stand in SQL.
    pub(crate) fn literal(&self, octets: &[u8]) -> String {
        use std::fmt::Write as _;
        let mut hex = String::new();
        for octet in octets {
            write!(hex, "{octet:02x}").unwrap();
        }
        if self.is_sqlite() { format!("X'{hex}'") } else { format!("'\\x{hex}'") }
    }

    /// Statements that writing so many rows at once may take: to Postgres each is a way to the server and back, with the
    /// longest of [`LENGTHS`] and then powers of two; on SQLite a prepared one is run for each row.
    pub(crate) fn statements_for(&self, rows: u64) -> u64 {
        match &self.place {
            Place::Sqlite(_) => rows,
            Place::Postgres { .. } => {
                let longest = u64::try_from(LENGTHS[0]).unwrap();
                rows / longest + u64::from((rows % longest).count_ones())
            }
        }
    }

    /// A store on a copy of the database's files as they lie on disk now, as after a crash (SQLite only).
    pub(crate) fn copy(&self) -> Self {
        let Place::Sqlite(from) = &self.place else { panic!("only the files of SQLite are at hand") };
        let to = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(from.path()).unwrap() {
            let file = file.unwrap();
            // The shared-memory index dies with its process.
            if !file.file_name().to_string_lossy().ends_with("-shm") {
                std::fs::copy(file.path(), to.path().join(file.file_name())).unwrap();
            }
        }
        Self::new(Place::Sqlite(to))
    }

    /// Every octet that the database keeps: of SQLite the files on disk, of Postgres the values of all rows.
    pub(crate) fn octets(&self) -> Vec<u8> {
        match &self.place {
            Place::Sqlite(directory) => {
                let mut octets = Vec::new();
                for file in std::fs::read_dir(directory.path()).unwrap() {
                    octets.extend(std::fs::read(file.unwrap().path()).unwrap());
                }
                octets
            }
            Place::Postgres { .. } => values(&self.url()),
        }
    }

    /// Whether somebody without the data key finds a word in the database.
    pub(crate) fn shows(&self, word: impl AsRef<[u8]>) -> bool {
        InTheClear::of(&self.octets()).shows(word)
    }
}

/// Octets as somebody without a key can look through them. A letter stands for each octet.
pub(crate) struct InTheClear(String);

impl InTheClear {
    pub(crate) fn of(octets: &[u8]) -> Self {
        Self(letters(octets))
    }

    /// Whether a word is there: as it is, or within something that is in base64, as the parts of signed tokens are.
    pub(crate) fn shows(&self, word: impl AsRef<[u8]>) -> bool {
        let word = word.as_ref();
        self.0.contains(&letters(word)) || in_base64(word).iter().any(|form| self.0.contains(form))
    }
}

fn letters(octets: &[u8]) -> String {
    octets.iter().map(|octet| char::from(*octet)).collect()
}

/// What a word looks like within base64 of either alphabet, wherever it begins: the letters that no neighbour changes.
fn in_base64(word: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let octets = [vec![0; before], word.to_vec()].concat();
        let own = (before * 8).div_ceil(6)..octets.len() * 8 / 6;
        for alphabet in [URL_SAFE_NO_PAD, STANDARD_NO_PAD] {
            forms.push(alphabet.encode(&octets)[own.clone()].to_owned());
        }
    }
    forms.dedup();
    forms
}

/// A word is found in the payload of a token wherever it begins in it, and what is not there is not.
#[test]
fn words_are_found_in_base64() {
    for before in 0..6 {
        let payload = [&vec![b'?'; before], "{\"name\":\"Zoë Planted\"}".as_bytes()].concat();
        for alphabet in [URL_SAFE_NO_PAD, STANDARD_NO_PAD] {
            let token = InTheClear::of(format!("eyJh.{}.c2ln", alphabet.encode(&payload)).as_bytes());
            assert!(token.shows("Zoë Planted") && !token.shows("Zoë planted"), "{before}");
        }
    }
    let plain = InTheClear::of(&[&[0, 255], "Zoë Planted".as_bytes(), &[200]].concat());
    assert!(plain.shows("Zoë Planted") && plain.shows([0, 255]) && !plain.shows([255, 0]));
}

/// The values of all rows of all tables, one after the other.
fn values(url: &str) -> Vec<u8> {
    let mut db = Address::parse(url).unwrap().connect().unwrap();
    let mut octets = Vec::new();
    for table in cells::tables().unwrap() {
        let mut page = cells::page(&mut db, &table, None, 100).unwrap();
        while let Some(last) = page.last().cloned() {
            for cell in page.iter().flatten() {
                match cell {
                    Cell::Text(text) => octets.extend_from_slice(text.as_bytes()),
                    Cell::Octets(value) => octets.extend_from_slice(value),
                    Cell::Null | Cell::Integer(_) => {}
                }
                octets.push(b'\n');
            }
            page = cells::page(&mut db, &table, Some(&last), 100).unwrap();
        }
    }
    octets
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Drop for TestStore {
    fn drop(&mut self) {
        self.store.stop();
        if let Place::Postgres { server, schema } = &self.place {
            // The readers of a store that is still open hold no locks between snapshots.
            let dropped = PgConnection::establish(server)
                .map(|mut connection| connection.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")));
            // A test that stopped the server itself has nothing to clean up.
            drop(dropped);
        }
    }
}

impl Place {
    fn url(&self) -> String {
        match self {
            Self::Sqlite(directory) => format!("sqlite:{}", directory.path().join("node.db").display()),
            Self::Postgres { server, schema } => {
                let joint = if server.contains('?') { '&' } else { '?' };
                format!("{server}{joint}options=-csearch_path%3D{schema}")
            }
        }
    }

    fn settings(&self, data_key: DataKey) -> StoreSettings {
        StoreSettings { url: self.url(), data_key, readers: 2 }
    }

    fn sqlite(&self) -> SqliteConnection {
        let mut connection = SqliteConnection::establish(self.url().trim_start_matches("sqlite:")).unwrap();
        // What is freed is overwritten, as by the program's own connections.
        connection.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA secure_delete = ON").unwrap();
        connection
    }
}

#[expect(clippy::disallowed_methods, reason = "tests/run says where it started the database; no setting of the node")]
fn postgres() -> String {
    std::env::var("TOCSIN_TEST_POSTGRES").expect(
        "this test needs Postgres: start it through tests/run, or set TOCSIN_TEST_POSTGRES to what \
         `tests/postgres.sh start` prints",
    )
}

/// The data key of test stores.
pub(crate) fn data_key() -> DataKey {
    DataKey::from_bytes([7; 32])
}

/// An instant, in seconds after the start of the tests' time.
pub(crate) fn at(seconds: i64) -> Moment {
    Moment::parse("2026-03-03T02:10:00Z").unwrap().plus_seconds(seconds)
}

/// An id that tests can count.
pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// Runs an async test body; several threads, so that closures and readers can meet.
pub(crate) fn run<T>(body: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(body)
}

/// One test body, two tests: `both!(name, |store| { … })`. The body is async; `store` is a [`TestStore`].
macro_rules! both {
    ($(#[$about:meta])* $name:ident, |$store:ident| $body:block) => {
        $(#[$about])*
        mod $name {
            #[allow(unused_imports, clippy::allow_attributes, reason = "a body may need nothing from its module")]
            use super::*;

            async fn body($store: $crate::store::testing::TestStore) $body

            #[test]
            fn on_sqlite() {
                $crate::store::testing::run(body($crate::store::testing::TestStore::on_sqlite()));
            }

            #[test]
            fn on_postgres() {
                $crate::store::testing::run(body($crate::store::testing::TestStore::on_postgres()));
            }
        }
    };
}

pub(crate) use both;
