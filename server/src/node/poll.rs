//! Polling (RFC 8936, protocol §12): for parties whose nodes accept no inbound connections.
//!
//! [`serve`] hands over what waits for a partner that asks; [`ask`] asks, while this node itself can't be reached. In both
//! directions a message is the same octets, passes the same checks and ends with the same signed receipt as a pushed one:
//! only who opens the connection differs.

pub mod ask;
pub mod serve;
mod servers;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::values::{Moment, PartnerId};
use tokio::sync::watch;

use super::Node;

/// What is remembered of pollers between their requests. Losing it costs a repeated heartbeat, nothing else.
#[derive(Default)]
pub(super) struct Desk {
    /// True once nobody may wait any more.
    closing: watch::Sender<bool>,
    open: Mutex<HashMap<PartnerId, u32>>,
    greeted: Mutex<HashMap<PartnerId, Moment>>,
}

/// One open poll; its place is free again when this goes.
pub(super) struct Place<'a> {
    desk: &'a Desk,
    partner: PartnerId,
}

impl Node {
    /// Answers the polls that wait, and later ones at once: before a stop, which finishes what is in hand.
    pub fn end_polls(&self) {
        self.polls.closing.send_replace(true);
    }
}

impl Desk {
    /// A place for one more open poll of this partner, if it has fewer than the most.
    fn enter(&self, partner: PartnerId) -> Option<Place<'_>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(partner).or_default();
        if *count >= webhooks::poll::OPEN_MAX {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Place { desk: self, partner })
    }

    /// When the lane's first heartbeat since start was queued (machine time).
    fn greeted_at(&self, partner: PartnerId) -> Option<Moment> {
        self.greeted.lock().unwrap_or_else(PoisonError::into_inner).get(&partner).copied()
    }

    fn greeted(&self, partner: PartnerId, at: Moment) {
        self.greeted.lock().unwrap_or_else(PoisonError::into_inner).insert(partner, at);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut open = self.desk.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.partner) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.partner);
            }
        }
    }
}
