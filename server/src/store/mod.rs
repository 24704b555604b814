//! The floor of a node: ledger, read tables and outgoing work, which change together in one transaction or not at all.
//!
//! Two ways in. [`Store::read`] runs a closure on one snapshot and never waits for writers. [`Store::write`] hands a
//! closure to the single writer, which runs all closures waiting at that moment in one transaction, each in a savepoint
//! of its own, and answers nobody before the commit. Closures are synchronous, so nothing can wait for a network inside a
//! transaction; they must pass every [`StoreError`] on.
//!
//! | module | holds |
//! |---|---|
//! | [`ledger`] | the append-only chain: streams, timeline, verification, rebuilding |
//! | [`projections`] | event → read tables and outgoing work |
//! | [`queries`] | what pages and the API show |
//! | [`due`] | which duties and fan-outs want attention, and when |
//! | [`outbox`], [`inbox`] | lanes, claims and attempts; what came in, and its receipt |
//! | [`partners`], [`people`] | directory, terms, keys; accounts, sessions, tokens |
//! | [`presence`] | who else works on the database, at start |
//! | [`reports`] | proofs of reports, and drafts of their answers |
//! | [`forms`], [`alerts`] | one-use forms and drafts; what a person has to look at |
//! | [`backup`], [`look`] | copies of everything; a database seen before it is opened |
//!
//! No diesel type leaves this module; what differs between SQLite and Postgres is in `backend` alone.

pub mod ack_links;
pub mod alerts;
pub mod answers;
pub mod backup;
pub mod directory;
pub mod due;
pub mod endpoints;
pub mod feed_links;
pub mod forms;
pub mod inbox;
pub mod ladder_plans;
pub mod ledger;
pub mod links;
pub mod look;
pub mod offers;
pub mod outbox;
pub mod partners;
pub mod people;
pub mod posts;
pub mod presence;
pub mod projections;
pub mod queries;
pub mod reports;
pub mod rota;

mod backend;
mod error;
mod folding;
mod schema;
mod sealed;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod turn;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::SimpleConnection as _;
use domain::values::Moment;

use self::backend::{Address, Db, Readers};
pub use self::error::StoreError;
pub use self::ledger::{Checkpoint, EntryKind, LoggedEvent, TimelineEntry};
use self::presence::Known;
pub use self::sealed::DataKey;
use self::sealed::Seal;
pub use self::turn::{Change, Turn};
use self::writer::Writer;

/// How to open a store.
pub struct StoreSettings {
    /// `sqlite:PATH` or `postgres://…`; another scheme stops the start.
    pub url: String,
    /// What free text, names, contacts, contents and keys are sealed under.
    pub data_key: DataKey,
    /// Reading connections, at least one.
    pub readers: u32,
}

/// Reading connections unless told otherwise.
pub const READERS: u32 = 4;

/// The store of one node. Clones share it; the last one to go closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    // Stops the writer when it goes.
    writer: Writer,
    readers: Readers,
    seal: Arc<Seal>,
    address: Address,
    presence: Mutex<Known>,
}

/// A look at the tables: what every query function takes.
pub struct Rows<'a> {
    db: &'a mut Db,
    seal: &'a Seal,
}

impl Store {
    /// Opens the database, migrates it, checks the data key, seals what an earlier version kept plain and starts the
    /// writer.
    ///
    /// # Errors
    /// [`StoreError::UnknownScheme`], [`StoreError::NewerDatabase`], [`StoreError::WrongKey`], or
    /// [`StoreError::Unavailable`] when the database can't be opened.
    pub fn open(settings: StoreSettings) -> Result<Self, StoreError> {
        let seal = Arc::new(Seal::new(&settings.data_key)?);
        let address = Address::parse(&settings.url)?;
        let mut db = address.connect()?;
        backend::migrate(&mut db)?;
        ledger::check_data_key(&mut db, &seal)?;
        seal_earlier(&mut db, &seal)?;
        fill_register(&mut db, &seal)?;
        let readers = Readers::open(address.clone(), settings.readers.max(1))?;
        let writer = Writer::start(address.clone(), db, Arc::clone(&seal))?;
        Ok(Self { inner: Arc::new(Inner { writer, readers, seal, address, presence: Mutex::new(Known::default()) }) })
    }

    /// Runs a closure on one snapshot of the database. It can't change anything.
    ///
    /// # Errors
    /// What the closure answers; [`StoreError::Busy`] when no connection is free soon; [`StoreError::Stopped`] after
    /// [`Store::close`]; [`StoreError::Fault`] when it panics.
    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Rows<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        let done =
            tokio::task::spawn_blocking(move || inner.readers.snapshot(|db| f(&mut Rows { db, seal: &inner.seal })));
        done.await.unwrap_or(Err(StoreError::Fault))
    }

    /// Runs a closure in a turn of the writer and answers once its changes are durable. When it answers with an error,
    /// its changes, and only its, are undone. `now` is the one instant of everything that it records.
    ///
    /// # Errors
    /// What the closure answers; [`StoreError::Unavailable`] when the commit failed, [`StoreError::Busy`] when too many
    /// are waiting, [`StoreError::Stopped`] after [`Store::stop`], [`StoreError::Fault`] when it panics.
    pub async fn write<T, E>(
        &self,
        now: Moment,
        f: impl FnOnce(&mut Turn<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match self.inner.writer.send(now, f) {
            Ok(answer) => answer.await.unwrap_or_else(|_| Err(E::from(StoreError::Stopped))),
            Err(error) => Err(E::from(error)),
        }
    }

    /// Makes the read tables of a fresh store from this store's event entries alone. Answers how many there were.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when an entry can't be read; else those of [`Store::read`] and [`Store::write`].
    pub async fn rebuild_into(&self, fresh: &Self, now: Moment) -> Result<u64, StoreError> {
        let inner = Arc::clone(&self.inner);
        let rebuild = move |turn: &mut Turn<'_>| {
            inner.readers.snapshot(|db| ledger::rebuild(&mut Rows { db, seal: &inner.seal }, turn))
        };
        fresh.write(now, rebuild).await
    }

    /// Finishes what was handed to the writer and stops it. Later writes answer [`StoreError::Stopped`]; reading goes on.
    pub fn stop(&self) {
        self.inner.writer.stop();
    }

    /// Stops the writer and lets go of every connection, whoever still holds the store: another process may want them,
    /// or the file. Reads under way finish; later ones answer [`StoreError::Stopped`].
    pub fn close(&self) {
        self.stop();
        self.inner.readers.close();
        drop(std::mem::take(&mut *self.inner.presence.lock().unwrap_or_else(PoisonError::into_inner)));
    }

    /// Statements that the writer has executed so far.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.inner.writer.statements()
    }
}

/// Makes the register of a database that an earlier version wrote: all of it in one turn, or nothing.
fn fill_register(db: &mut Db, seal: &Seal) -> Result<(), StoreError> {
    if !projections::wants_register(db)? {
        return Ok(());
    }
    backend::begin_write(db)?;
    // Takes the turn of every node on this database; another one may have been faster.
    let filled = ledger::Pending::begin(db).and_then(|_| {
        if projections::wants_register(db)? { projections::fill(&mut Rows { db, seal }) } else { Ok(()) }
    });
    let end = if filled.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = db.batch_execute(end).map_err(|error| StoreError::unavailable("ending a turn", error));
    filled.and(ended)
}

/// Seals what an earlier version kept plain, some of it in each turn, so that other nodes on the database work between.
fn seal_earlier(db: &mut Db, seal: &Seal) -> Result<(), StoreError> {
    let mut found = partners::earlier(db)?;
    if found.is_empty() {
        return Ok(());
    }
    while !found.is_empty() {
        backend::begin_write(db)?;
        // Takes the turn of every node on this database.
        let sealed = ledger::Pending::begin(db).and_then(|_| partners::seal_earlier(db, seal, &found));
        let end = if sealed.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = db.batch_execute(end).map_err(|error| StoreError::unavailable("ending a turn", error));
        sealed.and(ended)?;
        found = partners::earlier(db)?;
    }
    Ok(backend::fold_log(db)?)
}
