//! Folding SQLite's write-ahead log into the database file beside the writer, so that no turn waits for it: copying pages
//! to their places and waiting for the disk takes longer than many commits.
//!
//! *Economy* only: what is in the log is durable. When folding can't keep up, or its thread has died, the connections fold
//! by themselves at a larger size ([`super::backend`]). Postgres does all this in its own processes.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::StoreError;
use super::backend::{self, Address, Db};

/// Statements of the writer after which the log is folded; each changes a page or so.
const STATEMENTS: u64 = 4_000;

/// The handle of the folding thread. Dropping it ends the thread, after what is under way.
pub(super) struct Folding {
    asked: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    folded_at: u64,
}

impl Folding {
    /// Starts the thread; `None` for Postgres.
    pub(super) fn start(address: &Address) -> Result<Option<Self>, StoreError> {
        match address {
            Address::Postgres(_) => return Ok(None),
            Address::Sqlite(_) => {}
        }
        let db = address.connect()?;
        let (asked, asks) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("store-folding".to_owned())
            .spawn(move || fold_when_asked(db, &asks))
            .map_err(|error| StoreError::unavailable("starting the folding of the log", error))?;
        Ok(Some(Self { asked: Some(asked), thread: Some(thread), folded_at: 0 }))
    }

    /// After a commit: asks for folding when the writer, which has run so many statements, has done enough since the last.
    pub(super) fn committed(&mut self, statements: u64) {
        if statements.saturating_sub(self.folded_at) < STATEMENTS {
            return;
        }
        self.folded_at = statements;
        if let Some(asked) = &self.asked {
            // One that waits already will see all there is by then.
            asked.try_send(()).ok();
        }
    }
}

impl Drop for Folding {
    fn drop(&mut self) {
        drop(self.asked.take());
        if let Some(thread) = self.thread.take() {
            // There is nothing to hear from it.
            drop(thread.join());
        }
    }
}

fn fold_when_asked(mut db: Db, asks: &Receiver<()>) {
    while asks.recv().is_ok() {
        if let Err(error) = backend::fold_log_beside(&mut db) {
            tracing::debug!(%error, "the write-ahead log could not be folded now");
        }
    }
}
