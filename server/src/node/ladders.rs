//! Plans of ladders, as an administrator keeps them. A change governs the steps still to come: nothing that was recorded
//! fires again or is taken back, and nobody is called for an instant that has gone by.

use domain::clock::ClockKind;
use domain::ladder::Plan;
use domain::values::PersonId;
use serde_json::json;

use super::administer::note;
use super::{DoorError, Node};
use crate::access::Administrator;
use crate::store::{StoreError, ladder_plans, people};

pub use crate::store::ladder_plans::KeptPlan;

/// Somebody whom a step or the rota can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nameable {
    /// Who.
    pub id: PersonId,
    /// Their name.
    pub name: String,
    /// Their mail address.
    pub email: String,
}

impl Node {
    /// The plan of one kind of duty.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn ladder_plan(&self, kind: ClockKind) -> Result<KeptPlan, DoorError> {
        Ok(self.store.read(move |rows| ladder_plans::kept(rows, kind)).await?)
    }

    /// Keeps a plan in the place of version `seen`.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] for a plan outside its limits and for somebody without an account; [`DoorError::Stale`] when
    /// another version stands.
    pub async fn save_ladder_plan(
        &self,
        by: &Administrator,
        kind: ClockKind,
        seen: u32,
        plan: Plan,
    ) -> Result<KeptPlan, DoorError> {
        if let Some(fault) = plan.faults().first() {
            return Err(DoorError::Invalid(fault.words()));
        }
        let by = by.actor().clone();
        let kept = self
            .store
            .write(self.time.now(), move |turn| {
                let known = people::reachable(turn.rows())?;
                if !plan.named().iter().all(|id| known.iter().any(|person| person.person == *id)) {
                    return Err(DoorError::Invalid("a step names somebody who can't sign in here"));
                }
                let kept = ladder_plans::keep(turn, kind, seen, plan)?.ok_or(DoorError::Stale)?;
                let about = json!({ "kind": kind, "version": kept.version, "plan": kept.plan });
                note(turn, &by, "ladder_plan_changed", &about)?;
                Ok::<_, DoorError>(kept)
            })
            .await?;
        self.changed();
        Ok(kept)
    }

    /// Everybody who can sign in, by name: whom steps and the rota can name.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn nameable(&self) -> Result<Vec<Nameable>, DoorError> {
        let mut all = self.store.read(people::all).await?;
        all.retain(|person| !person.disabled && !person.password_hash.is_empty());
        let mut found: Vec<Nameable> = all
            .into_iter()
            .map(|person| Nameable { id: person.id, name: person.name.to_string(), email: person.email })
            .collect();
        found.sort_by_key(|person| (person.name.to_lowercase(), person.id));
        Ok(found)
    }
}

/// What the store says of one thing too many, as a door says it.
pub(super) fn too_many(error: StoreError, words: &'static str) -> DoorError {
    if matches!(error, StoreError::TooMuch { .. }) { DoorError::Invalid(words) } else { error.into() }
}
