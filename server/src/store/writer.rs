//! The single writer: one thread, one connection, group commit.
//!
//! It takes every closure waiting at that moment, runs each in a savepoint of one transaction, writes what they
//! appended, commits once, and only then answers all of them. There is no timer: a lone closure starts at once, and
//! closures gather by themselves while a commit is under way. A closure that answers with an error or panics is undone
//! alone; a commit that fails undoes the batch, and everybody hears that the database is unavailable.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use diesel::connection::SimpleConnection;
use domain::values::Moment;
use tokio::sync::oneshot;

use super::backend::{self, Address, DatabaseFile, Db};
use super::folding::Folding;
use super::ledger::{Pending, Recent};
use super::sealed::Seal;
use super::{Rows, StoreError, Turn};

/// Closures in one batch.
const BATCH_MAX: usize = 256;
/// Closures that may wait for the writer; one more is told that the database is busy.
const WAITING_MAX: usize = 1_024;

/// The handle of the writer's thread.
pub(super) struct Writer {
    queue: Mutex<Option<SyncSender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    statements: Arc<AtomicU64>,
}

impl Writer {
    pub(super) fn start(address: Address, mut db: Db, seal: Arc<Seal>) -> Result<Self, StoreError> {
        let statements = Arc::new(AtomicU64::new(0));
        backend::ready_to_write(&mut db)?;
        backend::count_statements(&mut db, Arc::clone(&statements));
        let (sender, jobs) = sync_channel(WAITING_MAX);
        let file = address.file();
        let folding = Folding::of(&address);
        let desk = Desk {
            address,
            file,
            db: Some(db),
            seal,
            statements: Arc::clone(&statements),
            folding,
            erased: false,
            recent: None,
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || desk.work(&jobs))
            .map_err(|error| StoreError::unavailable("starting the writer", error))?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)), statements })
    }

    /// Hands a closure over. The answer comes after the commit.
    pub(super) fn send<T, E>(
        &self,
        now: Moment,
        f: impl FnOnce(&mut Turn<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, E>>, StoreError>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Task { now, f: Some(f), answer: None, reply });
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.as_ref().map(|queue| queue.try_send(job)) {
            Some(Ok(())) => Ok(answer),
            Some(Err(TrySendError::Full(_))) => Err(StoreError::Busy),
            Some(Err(TrySendError::Disconnected(_))) | None => Err(StoreError::Stopped),
        }
    }

    /// Lets the writer finish what it was handed, and waits for it.
    pub(super) fn stop(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A closure may own the last clone of the store: the writer can't wait for itself.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            // It catches every panic; there is nothing to hear from it.
            drop(thread.join());
        }
    }

    pub(super) fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What became of a closure in its savepoint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Keep,
    Undo,
}

/// A closure with its answer, whatever their types.
trait Job: Send {
    fn now(&self) -> Moment;
    fn run(&mut self, turn: &mut Turn<'_>) -> Verdict;
    /// Answers after the commit, or with why there was none.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Task<F, T, E> {
    now: Moment,
    f: Option<F>,
    answer: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Job for Task<F, T, E>
where
    F: FnOnce(&mut Turn<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn now(&self) -> Moment {
        self.now
    }

    fn run(&mut self, turn: &mut Turn<'_>) -> Verdict {
        let Some(f) = self.f.take() else { return Verdict::Undo };
        // Nothing of the turn outlives a panic: its savepoint and its buffers are undone.
        let answer = catch_unwind(AssertUnwindSafe(|| f(turn))).unwrap_or_else(|_| Err(E::from(StoreError::Fault)));
        let verdict = if answer.is_ok() { Verdict::Keep } else { Verdict::Undo };
        self.answer = Some(answer);
        verdict
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let answer = match committed {
            Ok(()) => self.answer.unwrap_or_else(|| Err(E::from(StoreError::Fault))),
            Err(error) => Err(E::from(error)),
        };
        // Whoever asked may have gone; the change stands all the same.
        drop(self.reply.send(answer));
    }
}

/// What the writer's thread works with.
struct Desk {
    address: Address,
    /// Looked at before each batch.
    file: Option<DatabaseFile>,
    /// `None` after the connection was lost; the next batch connects anew.
    db: Option<Db>,
    seal: Arc<Seal>,
    statements: Arc<AtomicU64>,
    folding: Option<Folding>,
    /// Something was erased since the log was last asked to be folded.
    erased: bool,
    recent: Option<Recent>,
}

impl Desk {
    fn work(mut self, waiting: &Receiver<Box<dyn Job>>) {
        while let Ok(first) = waiting.recv() {
            let mut jobs = vec![first];
            jobs.extend(waiting.try_iter().take(BATCH_MAX - 1));
            let done = catch_unwind(AssertUnwindSafe(|| self.batch(&mut jobs))).unwrap_or(Err(StoreError::Fault));
            for job in jobs {
                job.answer(done.clone());
            }
            if let Some(folding) = &mut self.folding {
                folding.committed(self.statements.load(Ordering::Relaxed), self.erased);
                self.erased = false;
            }
        }
    }

    /// Runs a batch and commits it. The connection is kept only when it is known to be in no transaction.
    fn batch(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        self.file.as_ref().map_or(Ok(()), DatabaseFile::check)?;
        let mut db = match self.db.take() {
            Some(db) => db,
            None => {
                let mut db = self.address.connect()?;
                backend::ready_to_write(&mut db)?;
                backend::count_statements(&mut db, Arc::clone(&self.statements));
                // The server that answers now may have lost what it was read from.
                self.recent = None;
                db
            }
        };
        let done = transact(&mut db, &self.seal, &mut self.recent, jobs);
        self.erased |= matches!(done, Ok(Committed { erased: true }));
        let done = done.map(|_| ());
        if done.is_ok() || db.batch_execute("ROLLBACK").is_ok() {
            self.db = Some(db);
        }
        done
    }
}

/// What a batch did.
struct Committed {
    /// It erased contents, which older states of pages may still hold.
    erased: bool,
}

fn transact(
    db: &mut Db,
    seal: &Seal,
    recent: &mut Option<Recent>,
    jobs: &mut [Box<dyn Job>],
) -> Result<Committed, StoreError> {
    backend::begin_write(db)?;
    let mut pending = Pending::begin(db)?;
    pending.recent = recent.take();
    let mut kept = false;
    // One savepoint at a time, made anew where a turn was kept: on Postgres each statement is a way there and back.
    let mut next = Some("SAVEPOINT turn");
    for job in jobs {
        if let Some(next) = next {
            db.batch_execute(next)?;
        }
        next = match run_in_savepoint(db, seal, &mut pending, job.as_mut())? {
            Verdict::Keep => {
                kept = true;
                Some("RELEASE SAVEPOINT turn; SAVEPOINT turn")
            }
            Verdict::Undo => None,
        };
    }
    // It stands on what was stored before this batch, whatever becomes of that.
    *recent = pending.recent.take();
    if !kept {
        // Nothing to make durable.
        db.batch_execute("ROLLBACK")?;
        return Ok(Committed { erased: false });
    }
    let flushed = pending.flush(db, seal);
    if matches!(flushed, Err(StoreError::Conflict)) {
        // Whoever asked did nothing wrong: an entry or checkpoint stands where the head says there is none.
        return Err(StoreError::Corrupt { table: "ledger_head", what: "entries beyond the head" });
    }
    flushed?;
    // Releasing first: Postgres answers a commit as done, without an error, where a turn hid that its transaction had failed.
    db.batch_execute("RELEASE SAVEPOINT turn; COMMIT").map_err(|error| StoreError::unavailable("committing", error))?;
    Ok(Committed { erased: pending.erases() })
}

/// Runs a closure behind a savepoint, which stands again when the closure was undone. An error here means that the
/// transaction itself is gone, and with it the batch.
fn run_in_savepoint(db: &mut Db, seal: &Seal, pending: &mut Pending, job: &mut dyn Job) -> Result<Verdict, StoreError> {
    let mark = pending.mark();
    let verdict = job.run(&mut Turn::new(Rows { db: &mut *db, seal }, pending, job.now()));
    if verdict == Verdict::Undo {
        db.batch_execute("ROLLBACK TO SAVEPOINT turn")
            .map_err(|error| StoreError::unavailable("undoing a turn", error))?;
        pending.back_to(mark);
    }
    Ok(verdict)
}
