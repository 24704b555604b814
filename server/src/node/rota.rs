//! The rota: who is on call when, kept by hand or taken from a calendar, with swaps and with its gaps named.

use std::collections::BTreeMap;

use domain::rota::{self, Shift, Span, When};
use domain::values::{Moment, PersonId};
use serde_json::json;
use uuid::Uuid;

use super::administer::note;
use super::ladders::too_many;
use super::{DoorError, Node};
use crate::access::RotaKeeper;
use crate::store::rota::{self as kept, KeptShift};
use crate::store::{StoreError, people};

/// Shifts taken from one calendar.
pub const IMPORTED_MAX: usize = 500;
const TOO_MANY: &str = "the rota holds 100 weekly shifts and 2,000 others at most: remove some first";

/// The rota between two instants.
#[derive(Debug, Clone)]
pub struct RotaView {
    /// Weekly shifts, and those for one time that touch it.
    pub shifts: Vec<KeptShift>,
    /// How they fall.
    pub spans: Vec<Span>,
    /// Where nobody is on call.
    pub gaps: Vec<(Moment, Moment)>,
    /// Who is on call at its beginning.
    pub on_call: Vec<PersonId>,
    /// Names of everybody in it.
    pub names: BTreeMap<PersonId, String>,
}

impl RotaView {
    /// Whose a shift is.
    #[must_use]
    pub fn name(&self, person: PersonId) -> &str {
        self.names.get(&person).map_or("Somebody whose account was removed", String::as_str)
    }
}

/// A shift to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewShift {
    /// Whose.
    pub person: PersonId,
    /// When.
    pub when: When,
    /// It takes the place of the others for as long as it lasts.
    pub swap: bool,
}

impl Node {
    /// The rota between two instants.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn rota(&self, from: Moment, until: Moment) -> Result<RotaView, DoorError> {
        let zone = self.zone;
        let view = self
            .store
            .read(move |rows| {
                let shifts = kept::between(rows, from, until)?;
                let plain: Vec<Shift> = shifts.iter().map(|kept| kept.shift).collect();
                let spans = rota::spans(&plain, &zone, from, until);
                let mut names = BTreeMap::new();
                for shift in &plain {
                    if !names.contains_key(&shift.person)
                        && let Some(person) = people::by_id(rows, shift.person)?
                    {
                        names.insert(shift.person, person.name.to_string());
                    }
                }
                let (gaps, on_call) = (rota::gaps(&spans, from, until), rota::on_call(&spans, from));
                Ok::<_, StoreError>(RotaView { shifts, spans, gaps, on_call, names })
            })
            .await?;
        Ok(view)
    }

    /// Adds a shift. Answers its id.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] for a shift that can't be kept, for somebody who can't sign in, and beyond the limits.
    pub async fn add_shift(&self, by: &RotaKeeper, new: NewShift) -> Result<Uuid, DoorError> {
        let id = self.time.fresh_id();
        self.keep_shifts(by, vec![(id, new)], None).await?;
        Ok(id)
    }

    /// Takes shifts from a calendar. Those that an earlier import brought for the same time make way. Answers how many were
    /// added.
    ///
    /// # Errors
    /// As [`Node::add_shift`]; all of them are kept, or none.
    pub async fn import_shifts(&self, by: &RotaKeeper, new: Vec<NewShift>) -> Result<usize, DoorError> {
        if new.is_empty() || new.len() > IMPORTED_MAX {
            return Err(DoorError::Invalid("between 1 and 500 shifts are taken from one calendar"));
        }
        let first = new
            .iter()
            .filter_map(|shift| match shift.when {
                When::Once { from, .. } => Some(from),
                When::Weekly { .. } => None,
            })
            .min();
        let count = new.len();
        let new = new.into_iter().map(|shift| (self.time.fresh_id(), shift)).collect();
        self.keep_shifts(by, new, first).await?;
        Ok(count)
    }

    async fn keep_shifts(
        &self,
        by: &RotaKeeper,
        new: Vec<(Uuid, NewShift)>,
        replacing_from: Option<Moment>,
    ) -> Result<(), DoorError> {
        let by = by.actor().clone();
        let imported = replacing_from.is_some();
        let shifts: Vec<KeptShift> = new
            .into_iter()
            .map(|(id, NewShift { person, when, swap })| KeptShift {
                shift: Shift { id, person, when, swap },
                imported,
            })
            .collect();
        for kept in &shifts {
            kept.shift.check().map_err(|fault| DoorError::Invalid(fault.words()))?;
        }
        self.store
            .write(self.time.now(), move |turn| {
                let known = people::reachable(turn.rows())?;
                if !shifts.iter().all(|kept| known.iter().any(|it| it.person == kept.shift.person)) {
                    return Err(DoorError::Invalid("somebody in the rota can't sign in here"));
                }
                let removed = match replacing_from {
                    Some(from) => kept::remove_imported(turn, from)?,
                    None => 0,
                };
                kept::add(turn, &shifts).map_err(|error| too_many(error, TOO_MANY))?;
                let shifts: Vec<Shift> = shifts.into_iter().map(|kept| kept.shift).collect();
                let action = if imported { "rota_imported" } else { "shift_added" };
                note(turn, &by, action, &json!({ "shifts": shifts, "replaced": removed }))?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Removes a shift.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn remove_shift(&self, by: &RotaKeeper, id: Uuid) -> Result<(), DoorError> {
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                let removed = kept::remove(turn, id)?.ok_or(DoorError::NotFound)?;
                note(turn, &by, "shift_removed", &json!({ "shift": removed.shift }))?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }
}
