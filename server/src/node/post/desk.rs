//! The loop around posts: it fills places as they become free, and waits for no post in particular. An integration that takes
//! a connection and never answers holds its own place for as long as an attempt may take, and nobody else's.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::{Claimed, PLACES};
use crate::node::Node;
use crate::node::loops::{CEILING, Causes, FIRST_WAIT, GRACE};
use crate::store::posts::{Destination, Places};

/// Between two looks that no ended post asked for: a fan-out wakes this loop many times a second.
const PAUSE: Duration = Duration::from_millis(200);

/// Posts under way, by the kind of their places.
struct Desk<'a> {
    node: &'a Arc<Node>,
    mails: JoinSet<()>,
    integrations: JoinSet<()>,
    /// The wait after trouble with our own store.
    wait: Duration,
}

impl Node {
    /// Sends posts that are due until told to stop.
    pub(in crate::node) async fn post_until(self: Arc<Self>, mut stop: Receiver<bool>) {
        let mut desk = Desk { node: &self, mails: JoinSet::new(), integrations: JoinSet::new(), wait: FIRST_WAIT };
        while !*stop.borrow() {
            let mut woken = pin!(self.posting.notified());
            woken.as_mut().enable();
            let nap = desk.fill().await;
            let woken = async {
                sleep(PAUSE).await;
                woken.await;
            };
            tokio::select! {
                () = woken => {}
                () = sleep(PAUSE + nap) => {}
                Some(ended) = desk.mails.join_next() => note(ended),
                Some(ended) = desk.integrations.join_next() => note(ended),
                _ = stop.changed() => {}
            }
        }
        desk.finish().await;
    }
}

impl Desk<'_> {
    /// Starts what is due and has a place. Gives how long nothing more will be, beyond the pause.
    async fn fill(&mut self) -> Duration {
        for under_way in [&mut self.mails, &mut self.integrations] {
            while let Some(ended) = under_way.try_join_next() {
                note(ended);
            }
        }
        let free = Places {
            mails: PLACES.mails.saturating_sub(self.mails.len()),
            integrations: PLACES.integrations.saturating_sub(self.integrations.len()),
        };
        if free == (Places { mails: 0, integrations: 0 }) {
            return CEILING;
        }
        match self.node.claim_posts(free).await {
            Ok(claimed) => {
                self.wait = FIRST_WAIT;
                self.begin(claimed)
            }
            Err(error) => {
                tracing::error!(error = %Causes(&error), "posts could not be claimed; trying again");
                let nap = self.wait;
                self.wait = (self.wait * 2).min(CEILING);
                nap
            }
        }
    }

    fn begin(&mut self, claimed: Claimed) -> Duration {
        let nap = match self.node.machine_nap(claimed.next_due) {
            _ if !claimed.posts.is_empty() => Duration::ZERO,
            // What is due and can't be claimed must not spin.
            Duration::ZERO => FIRST_WAIT,
            nap => nap,
        };
        for post in claimed.posts {
            let places = match post.to {
                Destination::Person(_) => &mut self.mails,
                Destination::Endpoint(_) => &mut self.integrations,
            };
            let (node, lease) = (Arc::clone(self.node), claimed.lease);
            places.spawn(async move {
                node.send_post(lease, post, false).await;
            });
        }
        nap
    }

    /// Lets what is under way finish within a bound.
    async fn finish(mut self) {
        let finish = async {
            for under_way in [&mut self.mails, &mut self.integrations] {
                while let Some(ended) = under_way.join_next().await {
                    note(ended);
                }
            }
        };
        if timeout(GRACE, finish).await.is_err() {
            tracing::info!("posts under way were left to be sent again");
        }
    }
}

/// The lease of one that panicked lapses, and it is sent again.
fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "sending a post panicked");
    }
}
