//! Folding SQLite's write-ahead log into the database file beside the writer, so that no turn waits for it: copying pages
//! to their places and waiting for the disk takes longer than many commits.
//!
//! *Economy* only: what is in the log is durable. When folding can't keep up, or its thread has died, the connections fold
//! by themselves at a larger size ([`super::backend`]). Postgres does all this in its own processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::StoreError;
use super::backend::{self, Address, Db};

/// Statements of the writer after which the log is folded; each changes a page or so.
const STATEMENTS: u64 = 4_000;

/// The handle of the folding thread, which is started when there is something to fold for the first time: most stores of
/// tests and of commands never come to that. Dropping it ends the thread, after what is under way.
pub(super) struct Folding {
    address: Address,
    thread: Option<Thread>,
    folded_at: u64,
    /// Older states of pages are to be forgotten too.
    whole: Arc<AtomicBool>,
}

struct Thread {
    asked: SyncSender<()>,
    handle: JoinHandle<()>,
}

impl Folding {
    /// Folding of this database's log; `None` where there is none to fold.
    pub(super) fn of(address: &Address) -> Option<Self> {
        match address {
            Address::Postgres(_) => None,
            Address::Sqlite(_) => Some(Self {
                address: address.clone(),
                thread: None,
                folded_at: 0,
                whole: Arc::new(AtomicBool::new(false)),
            }),
        }
    }

    /// After a commit: asks for folding when the writer, which has run so many statements, has done enough since the last,
    /// and when something was `erased`, which the log still holds.
    pub(super) fn committed(&mut self, statements: u64, erased: bool) {
        if !erased && statements.saturating_sub(self.folded_at) < STATEMENTS {
            return;
        }
        self.whole.fetch_or(erased, Ordering::Relaxed);
        self.folded_at = statements;
        if self.thread.is_none() {
            match self.start() {
                Ok(thread) => self.thread = Some(thread),
                Err(error) => tracing::warn!(%error, "the write-ahead log can't be folded beside the writer"),
            }
        }
        if let Some(thread) = &self.thread {
            // One that waits already will see all there is by then.
            thread.asked.try_send(()).ok();
        }
    }

    fn start(&self) -> Result<Thread, StoreError> {
        let db = backend::folding_connection(&self.address)?;
        let (asked, asks) = sync_channel(1);
        let whole = Arc::clone(&self.whole);
        let handle = std::thread::Builder::new()
            .name("store-folding".to_owned())
            .spawn(move || fold_when_asked(db, &asks, &whole))
            .map_err(|error| StoreError::unavailable("starting the folding of the log", error))?;
        Ok(Thread { asked, handle })
    }
}

impl Drop for Folding {
    fn drop(&mut self) {
        if let Some(Thread { asked, handle }) = self.thread.take() {
            drop(asked);
            // There is nothing to hear from it.
            drop(handle.join());
        }
    }
}

fn fold_when_asked(mut db: Db, asks: &Receiver<()>, whole: &AtomicBool) {
    while asks.recv().is_ok() {
        let wholly = whole.swap(false, Ordering::Relaxed);
        let folded = if wholly { backend::fold_log(&mut db) } else { backend::fold_log_beside(&mut db) };
        if let Err(error) = folded {
            whole.fetch_or(wholly, Ordering::Relaxed);
            tracing::debug!(%error, "the write-ahead log could not be folded now");
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::store::testing::TestStore;

    fn file_size(store: &TestStore) -> u64 {
        std::fs::metadata(store.url().strip_prefix("sqlite:").unwrap()).unwrap().len()
    }

    /// Aim: what was committed is in the file once enough was done, without anybody closing the database.
    #[tokio::test]
    async fn the_log_is_folded_into_the_file() {
        let store = TestStore::on_sqlite();
        let address = Address::parse(&store.url()).unwrap();
        let mut folding = Folding::of(&address).unwrap();
        let before = file_size(&store);
        store.tamper("CREATE TABLE much AS SELECT randomblob(100000) AS octets");
        folding.committed(STATEMENTS - 1, false);
        drop(folding);
        assert_eq!(file_size(&store), before, "too little was done to fold");
        let mut folding = Folding::of(&address).unwrap();
        folding.committed(STATEMENTS, false);
        drop(folding);
        assert!(file_size(&store) > before + 100_000, "{before}");
    }
}
