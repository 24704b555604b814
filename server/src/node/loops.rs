//! The dull loops around the steps: wake up, do all that is due, sleep until the next due moment.
//!
//! They run on a runtime of their own, because web workers are single-threaded. A loop registers for wake-ups before it
//! looks, so that none is lost while it works; losing one would cost [`CEILING`] at most. A loop that panics is logged and
//! started again; loops end only on [`Node::stop`], which lets the step in hand finish within [`GRACE`].

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::values::Moment;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::{DoorError, Node};
use crate::store::presence::Arrival;

/// The longest sleep: what a lost wake-up costs.
pub const CEILING: Duration = Duration::from_secs(30);
/// How long a step in hand may take to finish on shutdown.
pub const GRACE: Duration = Duration::from_secs(10);
/// The least time between two looks at passing time of which the first found nothing to do: every message that comes wakes
/// the watch, hundreds in a second.
const QUIET: Duration = Duration::from_millis(100);
/// How often another process that voids leases at start is waited for …
const ARRIVAL_TRIES: u32 = 50;
/// … and how long each time.
const ARRIVAL_PAUSE: Duration = Duration::from_millis(100);
/// The first wait after a failure; doubled up to [`CEILING`].
pub(super) const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Threads for delivery, watching and their store calls' completions.
const THREADS: usize = 2;

/// The loops of one node, if they run.
#[derive(Default)]
pub(super) struct Running(Mutex<Option<Started>>);

struct Started {
    stop: Sender<bool>,
    loops: Vec<JoinHandle<()>>,
    runtime: Runtime,
}

impl Drop for Running {
    fn drop(&mut self) {
        // A runtime must not be dropped inside another one; this lets go of it without waiting.
        if let Some(started) = self.take() {
            started.runtime.shutdown_background();
        }
    }
}

impl Running {
    fn take(&self) -> Option<Started> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Node {
    /// Frees what a process that died here had claimed, unless another one is at work on this database. Before
    /// [`Node::run`]; nothing depends on it but how soon its messages are tried again.
    pub async fn arrive(&self) {
        let mut arrived = self.store.arrive(self.time.now()).await;
        for _ in 0..ARRIVAL_TRIES {
            if !matches!(arrived, Ok(Arrival::Later)) {
                break;
            }
            sleep(ARRIVAL_PAUSE).await;
            arrived = self.store.arrive(self.time.now()).await;
        }
        match arrived {
            Ok(Arrival::Alone(0)) => {}
            Ok(Arrival::Alone(voided)) => tracing::info!(voided, "what a process that ended here had claimed is free"),
            Ok(Arrival::Later) => {
                tracing::warn!("another process keeps this database to itself; going on without a lock until it ends")
            }
            Ok(Arrival::Beside) => tracing::info!("another process may be at work on this database"),
            Err(error) => tracing::warn!(
                error = %Causes(&error),
                "whether another process works on this database is not known: what a dead one had claimed waits until its \
                 leases lapse"
            ),
        }
    }

    /// Starts delivery and watching. Starting twice changes nothing.
    ///
    /// # Errors
    /// That of the operating system when no threads can be had.
    pub fn run(self: &Arc<Self>) -> std::io::Result<()> {
        let mut running = self.running.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_some() {
            return Ok(());
        }
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).thread_name("node").enable_all().build()?;
        let (stop, stopped) = channel(false);
        let deliver = supervised("deliver", Arc::clone(self), stopped.clone(), |node, stop| async move {
            node.deliver_until(stop).await;
        });
        let watch = supervised("watch", Arc::clone(self), stopped.clone(), |node, stop| async move {
            node.watch_until(stop).await;
        });
        let rotate = supervised("rotate", Arc::clone(self), stopped.clone(), |node, stop| async move {
            node.rotate_until(stop).await;
        });
        let refresh = supervised("refresh", Arc::clone(self), stopped.clone(), |node, stop| async move {
            node.refresh_until(stop).await;
        });
        let ask = supervised("ask", Arc::clone(self), stopped.clone(), |node, stop| async move {
            node.poll_until(stop).await;
        });
        let post = supervised("post", Arc::clone(self), stopped, |node, stop| async move {
            node.post_until(stop).await;
        });
        let mut loops = vec![runtime.spawn(deliver), runtime.spawn(watch), runtime.spawn(rotate)];
        loops.extend([runtime.spawn(refresh), runtime.spawn(ask), runtime.spawn(post)]);
        *running = Some(Started { stop, loops, runtime });
        Ok(())
    }

    /// Ends the loops, finishing the steps in hand within [`GRACE`], then the store with all its connections.
    pub async fn stop(&self) {
        self.end_polls();
        if let Some(started) = self.running.take() {
            started.stop.send_replace(true);
            let all = async {
                for running in started.loops {
                    if let Err(error) = running.await {
                        tracing::error!(%error, "a loop did not end by itself");
                    }
                }
            };
            if timeout(GRACE, all).await.is_err() {
                tracing::warn!("a step took too long to finish and was cut off");
            }
            started.runtime.shutdown_background();
        }
        self.store.close();
    }

    /// How long the machine may sleep until duty time reaches `due`.
    fn nap(&self, due: Option<Moment>) -> Duration {
        due.map_or(CEILING, |due| self.time.real_until(due).min(CEILING))
    }

    /// Repeats [`Node::watch_step`] until told to stop.
    async fn watch_until(&self, stop: Receiver<bool>) {
        let step = || -> Nap<'_> {
            Box::pin(async {
                let step = self.watch_step().await?;
                if !step.more {
                    sleep(QUIET).await;
                }
                // What is due and changed nothing must not spin.
                Ok(match self.nap(step.next_due) {
                    _ if step.more => Duration::ZERO,
                    Duration::ZERO => FIRST_WAIT,
                    nap => nap,
                })
            })
        };
        repeat("watching", &self.passing, stop, step).await;
    }
}

/// A step under way, and how long to sleep after it.
pub(super) type Nap<'a> = Pin<Box<dyn Future<Output = Result<Duration, DoorError>> + Send + 'a>>;

/// Repeats a step until told to stop: registers for wake-ups, does what is due, sleeps as long as the step says. After an
/// error it backs off. `doing` is for the log.
pub(super) async fn repeat<'a>(
    doing: &'static str,
    wakes: &Notify,
    mut stop: Receiver<bool>,
    step: impl Fn() -> Nap<'a> + Send,
) {
    let mut wait = FIRST_WAIT;
    while !*stop.borrow() {
        let mut woken = pin!(wakes.notified());
        woken.as_mut().enable();
        let nap = match step().await {
            Ok(nap) => {
                wait = FIRST_WAIT;
                nap
            }
            Err(error) => {
                tracing::error!(doing, error = %Causes(&error), "a step failed; trying again");
                let nap = wait;
                wait = (wait * 2).min(CEILING);
                nap
            }
        };
        tokio::select! {
            () = woken => {}
            () = sleep(nap) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Runs a loop again whenever it panics, until told to stop.
async fn supervised<F, L>(name: &'static str, node: Arc<Node>, mut stop: Receiver<bool>, run: L)
where
    L: Fn(Arc<Node>, Receiver<bool>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut wait = FIRST_WAIT;
    while !*stop.borrow() {
        #[expect(clippy::disallowed_methods, reason = "its end is awaited, and a panic logged")]
        let ended = tokio::task::spawn(run(Arc::clone(&node), stop.clone())).await;
        match ended {
            Ok(()) => return,
            Err(error) if error.is_cancelled() => return,
            Err(_) => tracing::error!(name, "a loop panicked; it starts again"),
        }
        tokio::select! {
            () = sleep(wait) => {}
            _ = stop.changed() => {}
        }
        wait = (wait * 2).min(CEILING);
    }
}

/// An error with its causes on one line.
pub(super) struct Causes<'a>(pub(super) &'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
