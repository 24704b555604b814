//! One node's time, its ids, and its power, which can be cut.
//!
//! Every write of a node is preceded by a look at its time, so "the power goes at the n-th look from now" means between any
//! two writes. What asks for the time then is unwound as a panic would, and everything that asks later too: nothing of the
//! node goes on. A closure that was unwound inside the writer's turn is undone, as by a process that ends before its commit.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use domain::values::Moment;
use server::time_source::TimeSource;
use uuid::Uuid;

use crate::dice::Dice;

/// What a node is unwound with when its power goes. No panic: no hook reports it.
pub(super) struct PowerCut;

/// The time of the whole world, in microseconds.
#[derive(Clone)]
pub(super) struct WorldTime(Arc<AtomicI64>);

impl WorldTime {
    pub(super) fn new(at: Moment) -> Self {
        Self(Arc::new(AtomicI64::new(at.micros())))
    }

    pub(super) fn now(&self) -> Moment {
        moment(self.0.load(Ordering::SeqCst))
    }

    pub(super) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

/// The time of one node.
pub(super) struct NodeTime {
    world: WorldTime,
    skew_seconds: AtomicI64,
    ids: Mutex<Dice>,
    /// Looks until the power goes; none when negative.
    fuse: AtomicI64,
    out: AtomicBool,
}

impl NodeTime {
    pub(super) fn new(world: WorldTime, ids: Dice) -> Self {
        Self {
            world,
            skew_seconds: AtomicI64::new(0),
            ids: Mutex::new(ids),
            fuse: AtomicI64::new(-1),
            out: AtomicBool::new(false),
        }
    }

    /// Its clock is wrong by so much from now on.
    pub(super) fn skew(&self, seconds: i64) {
        self.skew_seconds.store(seconds, Ordering::SeqCst);
    }

    /// The power goes after so many further looks.
    pub(super) fn cut_after(&self, looks: i64) {
        self.fuse.store(looks, Ordering::SeqCst);
    }

    /// Whether the power is gone.
    pub(super) fn is_out(&self) -> bool {
        self.out.load(Ordering::SeqCst)
    }

    /// The power is back, and stays.
    pub(super) fn restore(&self) {
        self.fuse.store(-1, Ordering::SeqCst);
        self.out.store(false, Ordering::SeqCst);
    }

    fn look(&self) -> Moment {
        if self.fuse.load(Ordering::SeqCst) >= 0 && self.fuse.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.out.store(true, Ordering::SeqCst);
        }
        if self.is_out() {
            resume_unwind(Box::new(PowerCut));
        }
        moment(self.world.now().micros() + self.skew_seconds.load(Ordering::SeqCst) * 1_000_000)
    }
}

impl TimeSource for NodeTime {
    fn now(&self) -> Moment {
        self.look()
    }

    fn elapsed(&self) -> Moment {
        self.look()
    }

    fn fresh_id(&self) -> Uuid {
        let millis = u64::try_from(self.look().micros() / 1_000).expect("an instant after 1970");
        let mut dice = self.ids.lock().expect("no panic while held");
        let (one, other) = (dice.next_number().to_be_bytes(), dice.next_number().to_be_bytes());
        let random = std::array::from_fn(|at| if at < 8 { one[at] } else { other[at - 8] });
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

fn moment(micros: i64) -> Moment {
    Moment::from_micros(micros).expect("an instant of our calendar")
}
