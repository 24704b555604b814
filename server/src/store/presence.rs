//! A process that starts where another one died: what the dead one had claimed is free at once.
//!
//! *Economy* only. Whoever finds nobody else at work on the database voids every lease in it; otherwise leases lapse by
//! themselves. A process is known to be there before it claims anything. When its lock is lost behind its back (a Postgres
//! that restarts), [`Store::stay`] takes it again; what another process voids in between is carried once more, as after any
//! lease that lapsed.

use std::sync::{MutexGuard, PoisonError};

use diesel::prelude::*;
use domain::values::Moment;

use super::backend::alone::Presence;
use super::schema::{lanes, posts};
use super::{Store, StoreError, Turn};

/// What the other processes on the database know of this one.
#[derive(Default)]
pub(super) struct Known {
    /// This process has arrived, and not gone.
    here: bool,
    lock: Option<Presence>,
}

/// What a start found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Nobody else works on this database; so many leases of the dead were voided.
    Alone(usize),
    /// Another process works on it, or nobody can tell: leases lapse as usual.
    Beside,
    /// Another process is voiding leases at this moment: ask again soon, and claim nothing yet.
    Later,
}

impl Store {
    /// Says that this process works on the database from now on, until [`Store::close`] or its own end, and voids all
    /// leases when no other one does. To be called before anything is claimed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there can be no lock: a full disk, a folder that can't be written to.
    pub async fn arrive(&self, now: Moment) -> Result<Arrival, StoreError> {
        self.known().here = true;
        let address = self.inner.address.clone();
        let found = blocking(move || {
            let Some(mut presence) = Presence::open(&address)? else { return Ok(None) };
            let alone = presence.try_alone()?;
            Ok(Some((presence, alone)))
        });
        let Some((mut presence, alone)) = found.await? else { return Ok(Arrival::Beside) };
        // Whatever comes of this, the others have to know that we are there.
        let voided = if alone { Some(self.write(now, void_leases).await) } else { None };
        let shared = blocking(move || {
            if alone {
                presence.end_alone()?;
            }
            let shared = presence.try_shared()?;
            Ok(shared.then_some(presence))
        });
        let Some(presence) = shared.await? else { return Ok(Arrival::Later) };
        self.known().lock = Some(presence);
        voided.map_or(Ok(Arrival::Beside), |voided| voided.map(Arrival::Alone))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.inner.presence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes sure that the other processes on this database know of this one, if it has arrived. To be called now and then.
    ///
    /// # Errors
    /// As [`Store::arrive`].
    pub async fn stay(&self) -> Result<(), StoreError> {
        let store = self.clone();
        blocking(move || {
            let mut known = store.known();
            if !known.here || known.lock.as_mut().is_some_and(Presence::is_held) {
                return Ok(());
            }
            known.lock = None;
            if let Some(mut presence) = Presence::open(&store.inner.address)?
                && presence.try_shared()?
            {
                known.lock = Some(presence);
            }
            Ok(())
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(StoreError::Fault))
}

/// Frees whatever is claimed. Answers how much that was.
fn void_leases(turn: &mut Turn<'_>) -> Result<usize, StoreError> {
    let rows = turn.rows();
    let of_lanes = diesel::update(lanes::table.filter(lanes::lease.is_not_null()))
        .set((lanes::lease.eq(None::<Vec<u8>>), lanes::lease_until.eq(None::<i64>)))
        .execute(rows.db)?;
    let of_posts = diesel::update(posts::table.filter(posts::lease.is_not_null()))
        .set((posts::lease.eq(None::<Vec<u8>>), posts::lease_until.eq(None::<i64>)))
        .execute(rows.db)?;
    Ok(of_lanes.saturating_add(of_posts))
}
