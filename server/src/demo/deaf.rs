//! A carrier that can stop reaching one party for a while: as if that party's node hung, with the line still open.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use webhooks::carrier::{Carrier, NotReached, Outcome, Parcel};
use webhooks::target::{BadTarget, Target};

/// Carries like `inner`, but for parcels to a party that is deaf.
pub(super) struct DeafTo {
    inner: Arc<dyn Carrier>,
    prefix: Mutex<String>,
    deaf: AtomicBool,
}

impl DeafTo {
    pub(super) fn new(inner: Arc<dyn Carrier>) -> Self {
        Self { inner, prefix: Mutex::new(String::new()), deaf: AtomicBool::new(false) }
    }

    /// From now on nothing reaches the node at this URL.
    pub(super) fn deafen(&self, url: &str) {
        *self.prefix.lock().unwrap_or_else(PoisonError::into_inner) = format!("{url}/");
        self.deaf.store(true, Ordering::SeqCst);
    }

    /// It hears again.
    pub(super) fn hear(&self) {
        self.deaf.store(false, Ordering::SeqCst);
    }

    fn is_lost(&self, parcel: &Parcel) -> bool {
        self.deaf.load(Ordering::SeqCst)
            && parcel.url.starts_with(self.prefix.lock().unwrap_or_else(PoisonError::into_inner).as_str())
    }
}

impl Carrier for DeafTo {
    fn carry<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        if self.is_lost(parcel) {
            return Box::pin(std::future::ready(Outcome::not_reached(NotReached::Timeout)));
        }
        self.inner.carry(parcel)
    }

    fn examine<'a>(&'a self, target: &'a Target) -> Pin<Box<dyn Future<Output = Result<(), BadTarget>> + Send + 'a>> {
        self.inner.examine(target)
    }
}
