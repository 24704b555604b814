//! What waits for a node's work when that breaks off.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::values::Moment;
use futures_util::FutureExt as _;
use tokio::time::timeout;

use super::kit::World;
use super::refusals::{message, push};
use crate::node::receive::Received;
use crate::time_source::{HandTime, TimeSource};

/// Longer than anything takes here, shorter than the limit of any request.
const PATIENCE: Duration = Duration::from_secs(20);

/// A time that fails once: whoever looks then breaks off, as by a panic.
struct Fragile {
    time: Arc<HandTime>,
    /// Looks until it fails.
    left: AtomicI64,
}

impl Fragile {
    fn look(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            resume_unwind(Box::new("no time"));
        }
    }
}

impl TimeSource for Fragile {
    fn now(&self) -> Moment {
        self.look();
        self.time.now()
    }

    fn elapsed(&self) -> Moment {
        self.look();
        self.time.elapsed()
    }
}

/// Aim: wherever the work on a message breaks off, its sender hears so at once, and the node takes it when it comes again.
#[tokio::test]
async fn nobody_waits_for_work_that_broke_off() {
    let World { time, network, alice, boris } = World::paired().await;
    let fragile = Arc::new(Fragile { time, left: AtomicI64::new(-1) });
    let boris = boris.restart_on(Arc::clone(&fragile) as _, &network).await;
    let mut broken_off = 0_u64;
    loop {
        let seq = broken_off + 1;
        let octets = message(&alice.node, seq, u128::from(seq), "Are you affected?");
        fragile.left.store(i64::try_from(broken_off).unwrap(), Ordering::SeqCst);
        let heard = timeout(PATIENCE, AssertUnwindSafe(push(&boris, &octets)).catch_unwind()).await;
        let heard = heard.unwrap_or_else(|_| panic!("at look {broken_off} nobody is told"));
        if fragile.left.swap(-1, Ordering::SeqCst) >= 0 {
            assert!(matches!(heard, Ok(Received::Accepted { .. })), "nothing failed");
            break;
        }
        broken_off += 1;
        let again = timeout(PATIENCE, push(&boris, &octets)).await;
        let again = again.unwrap_or_else(|_| panic!("after look {broken_off} it takes nothing any more"));
        assert!(matches!(again, Received::Accepted { .. }), "{again:?}");
    }
    assert!(broken_off > 4, "only {broken_off} looks");
}
