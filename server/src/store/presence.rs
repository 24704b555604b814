//! A process that starts where another one died: what the dead one had claimed is free at once.
//!
//! *Economy* only. Whoever knows that nobody else works on the database voids every lease in it; otherwise leases lapse by
//! themselves. Nobody claims anything before being known to be there, so nobody's work is voided under them.

use std::sync::PoisonError;

use diesel::prelude::*;
use domain::values::Moment;

use super::backend::alone::Presence;
use super::schema::{lanes, posts};
use super::{Store, StoreError, Turn};

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
        let address = self.inner.address.clone();
        let found = blocking(move || {
            let Some(mut presence) = Presence::open(&address)? else { return Ok(None) };
            let alone = presence.try_alone()?;
            Ok(Some((presence, alone)))
        });
        let Some((mut presence, alone)) = found.await? else { return Ok(Arrival::Beside) };
        let arrival = if alone { Arrival::Alone(self.write(now, void_leases).await?) } else { Arrival::Beside };
        let shared = blocking(move || {
            if alone {
                presence.end_alone()?;
            }
            let shared = presence.try_shared()?;
            Ok(shared.then_some(presence))
        });
        let Some(presence) = shared.await? else { return Ok(Arrival::Later) };
        *self.inner.presence.lock().unwrap_or_else(PoisonError::into_inner) = Some(presence);
        Ok(arrival)
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
