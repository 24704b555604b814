//! The rebuildable read tables as values, to compare the live ones with those rebuilt from event entries.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::actions::ActionRow;
use super::complaint_rows::ComplaintRow;
use super::duty_rows::DutyRow;
use super::enter::FacetRow;
use super::precedents::PrecedentRow;
use super::register::RegisterRow;
use super::rows::{ClockRow, ExchangeRow, FactsRow, IncidentRow, LadderRow, SaidRow};
use super::tally::Tallies;
use crate::store::schema::{
    clocks, complaints, corrective_actions, duties, exchanges, facts, incidents, ladders, precedents, register,
    register_facets, register_tallies, said,
};
use crate::store::{Rows, StoreError};

/// The rows of `complaints`, `incidents`, `facts`, `exchanges`, `clocks`, `duties`, `ladders`, `said`,
/// `corrective_actions`, `precedents` and of the register, texts unsealed; of figures those that are not nothing. Two are
/// equal when the tables say the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tables {
    pub(super) complaints: BTreeMap<Vec<u8>, ComplaintRow>,
    pub(super) incidents: BTreeMap<Vec<u8>, IncidentRow>,
    pub(super) facts: BTreeMap<(Vec<u8>, i32), FactsRow>,
    pub(super) exchanges: BTreeMap<Vec<u8>, ExchangeRow>,
    pub(super) clocks: BTreeMap<(Vec<u8>, String), ClockRow>,
    pub(super) duties: BTreeMap<(Vec<u8>, String), DutyRow>,
    pub(super) ladders: BTreeMap<(Vec<u8>, String, i64), LadderRow>,
    pub(super) said: BTreeMap<Vec<u8>, SaidRow>,
    pub(super) register: BTreeMap<Vec<u8>, RegisterRow>,
    pub(super) facets: BTreeSet<FacetRow>,
    pub(super) tallies: Tallies,
    pub(super) actions: BTreeMap<(Vec<u8>, i32), ActionRow>,
    pub(super) precedents: BTreeMap<Vec<u8>, PrecedentRow>,
}

impl Tables {
    /// The tables as they stand in the database.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a sealed column does not open; those of the database.
    pub fn read(rows: &mut Rows<'_>) -> Result<Self, StoreError> {
        let seal = rows.seal;
        let mut tables = Self::default();
        for row in complaints::table.select(ComplaintRow::as_select()).load(rows.db)? {
            let row = row.opened(seal)?;
            tables.complaints.insert(row.id.clone(), row);
        }
        for row in incidents::table.select(IncidentRow::as_select()).load(rows.db)? {
            let row = row.opened(seal)?;
            tables.incidents.insert(row.id.clone(), row);
        }
        for row in facts::table.select(FactsRow::as_select()).load(rows.db)? {
            let row = row.opened(seal)?;
            tables.facts.insert((row.incident_id.clone(), row.version), row);
        }
        for row in exchanges::table.select(ExchangeRow::as_select()).load(rows.db)? {
            let row = row.opened(seal)?;
            tables.exchanges.insert(row.id.clone(), row);
        }
        for row in clocks::table.select(ClockRow::as_select()).load(rows.db)? {
            let row = row.opened(seal)?;
            tables.clocks.insert((row.stream.clone(), row.kind.clone()), row);
        }
        for row in duties::table.select(DutyRow::as_select()).load(rows.db)? {
            let row = row.opened(seal)?;
            tables.duties.insert((row.stream.clone(), row.duty.clone()), row);
        }
        for row in ladders::table.select(LadderRow::as_select()).load(rows.db)? {
            let row = row.opened(seal)?;
            tables.ladders.insert((row.stream.clone(), row.kind.clone(), row.due_at), row);
        }
        for row in said::table.select(SaidRow::as_select()).load(rows.db)? {
            let row = row.opened(seal)?;
            tables.said.insert(row.message.clone(), row);
        }
        for row in register::table.select(RegisterRow::as_select()).load(rows.db)? {
            tables.register.insert(row.id.clone(), row);
        }
        tables.facets.extend(register_facets::table.select(FacetRow::as_select()).load(rows.db)?);
        let figures: Vec<(i32, Vec<u8>, String, i64)> =
            register_tallies::table.filter(register_tallies::n.ne(0)).load(rows.db)?;
        tables.tallies.extend(figures.into_iter().map(|(month, scope, code, n)| ((month, scope, code), n)));
        for row in corrective_actions::table.select(ActionRow::as_select()).load(rows.db)? {
            let row = row.opened(seal)?;
            tables.actions.insert((row.incident_id.clone(), row.number), row);
        }
        for row in precedents::table.select(PrecedentRow::as_select()).load(rows.db)? {
            let row = row.opened(seal)?;
            tables.precedents.insert(row.incident_id.clone(), row);
        }
        Ok(tables)
    }

    /// How many rows there are in all.
    #[must_use]
    pub fn len(&self) -> usize {
        let of_incidents = self.incidents.len() + self.facts.len() + self.exchanges.len();
        let of_register = self.register.len() + self.facets.len() + self.tallies.len();
        let of_partners = self.clocks.len() + self.ladders.len() + self.said.len();
        let of_duties = self.duties.len() + self.complaints.len() + self.actions.len() + self.precedents.len();
        of_register + of_incidents + of_partners + of_duties
    }

    /// Whether nothing was ever recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
