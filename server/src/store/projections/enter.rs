//! Writes what a plan says of the register: its lines, what they have several of, and the figures for statistics.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use domain::exchange::Direction;
use domain::values::PartnerId;

use super::register::{RegisterRow, facet};
use super::tally::Tallies;
use crate::store::backend::KEYS_PER_STATEMENT;
use crate::store::backend::bulk::{Value, insert_many, update_many};
use crate::store::schema::{exchanges, register, register_facets, register_tallies};
use crate::store::{Rows, StoreError};

/// So many figures are changed one by one; more are looked for together first.
const FEW: usize = 4;

/// What happens to the register.
#[derive(Debug)]
pub(super) enum RegisterStep {
    /// A line begins. `owes`: it is an incident's, whose partners come with its exchanges.
    New { row: Box<RegisterRow>, owes: bool },
    /// A line says something else.
    Changed(Box<RegisterRow>),
    /// A line has several of something, and now this one too.
    Has { entry: Vec<u8>, facet: Vec<u8> },
    /// No longer.
    HasNot { entry: Vec<u8>, facet: Vec<u8> },
    /// An incident of ours took a notice over.
    Gone { entry: Vec<u8> },
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Insertable, Queryable, Selectable)]
#[diesel(table_name = register_facets, treat_none_as_default_value = false)]
pub(in crate::store) struct FacetRow {
    pub facet: Vec<u8>,
    pub at: i64,
    pub entry: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Insertable)]
#[diesel(table_name = register_tallies, treat_none_as_default_value = false)]
struct TallyRow {
    month: i32,
    partner_id: Vec<u8>,
    code: String,
    n: i64,
}

/// Brings the register up to a plan. The exchanges of the plan are in the tables already.
pub(super) fn enter(rows: &mut Rows<'_>, steps: Vec<RegisterStep>) -> Result<(), StoreError> {
    if steps.is_empty() {
        return Ok(());
    }
    let (mut new, mut owing) = (Vec::new(), Vec::new());
    let (mut has, mut has_not) = (BTreeSet::new(), BTreeSet::new());
    for step in steps {
        match step {
            RegisterStep::New { row, owes } => {
                owing.extend(owes.then(|| row.id.clone()));
                new.push(*row);
            }
            RegisterStep::Changed(row) => {
                diesel::update(register::table.find(&row.id)).set(&*row).execute(rows.db)?;
            }
            RegisterStep::Has { entry, facet } => {
                has.insert((entry, facet));
            }
            RegisterStep::HasNot { entry, facet } => {
                has_not.insert((entry, facet));
            }
            RegisterStep::Gone { entry } => {
                diesel::delete(register::table.find(&entry)).execute(rows.db)?;
                diesel::delete(register_facets::table.filter(register_facets::entry.eq(&entry))).execute(rows.db)?;
            }
        }
    }
    insert_many!(rows.db, register::table, &new)?;
    has.extend(told_before(rows, &owing)?);
    let entries: BTreeSet<&Vec<u8>> = has.iter().chain(&has_not).map(|(entry, _)| entry).collect();
    let dates = dates(rows, &new, &entries)?;
    for (entry, facet) in &has_not {
        let Some(at) = dates.get(entry) else { continue };
        diesel::delete(register_facets::table.find((facet, at, entry))).execute(rows.db)?;
    }
    let mut added = Vec::with_capacity(has.len());
    for (entry, facet) in has {
        // One without a line yet gets it with the line.
        let Some(at) = dates.get(&entry).copied() else { continue };
        if facet.first() != Some(&b'r') || !is_there(rows, &facet, at, &entry)? {
            added.push(FacetRow { facet, at, entry });
        }
    }
    insert_many!(rows.db, register_facets::table, &added)
}

/// Incident, partner, direction.
type ToldRow = (Option<Vec<u8>>, Vec<u8>, String);
/// Incident and partner.
type ToldPartner = (Vec<u8>, Vec<u8>);

/// Partners of incidents whose exchanges came before their line, as after erasure, when the tables are made anew.
fn told_before(rows: &mut Rows<'_>, incidents: &[Vec<u8>]) -> Result<Vec<ToldPartner>, StoreError> {
    let mut told = Vec::new();
    for chunk in incidents.chunks(KEYS_PER_STATEMENT) {
        let found: Vec<ToldRow> = exchanges::table
            .filter(exchanges::incident_id.eq_any(chunk))
            .select((exchanges::incident_id, exchanges::partner_id, exchanges::direction))
            .load(rows.db)?;
        for (incident, partner, direction) in found {
            let partner = PartnerId::from_slice(&partner).map_err(StoreError::corrupt("exchanges", "a partner"))?;
            let ours = direction == Direction::Outgoing.word();
            let facet = if ours { facet::told(partner) } else { facet::told_us(partner) };
            told.extend(incident.map(|incident| (incident, facet)));
        }
    }
    Ok(told)
}

/// When each line was entered.
fn dates(
    rows: &mut Rows<'_>,
    new: &[RegisterRow],
    entries: &BTreeSet<&Vec<u8>>,
) -> Result<BTreeMap<Vec<u8>, i64>, StoreError> {
    let mut dates: BTreeMap<Vec<u8>, i64> = new.iter().map(|row| (row.id.clone(), row.at)).collect();
    let others: Vec<&Vec<u8>> = entries.iter().copied().filter(|entry| !dates.contains_key(*entry)).collect();
    for chunk in others.chunks(KEYS_PER_STATEMENT) {
        let select = (register::id, register::at);
        let found: Vec<(Vec<u8>, i64)> = match chunk {
            // The usual case has a statement of its own on SQLite, where a list of keys can't be kept prepared.
            [one] => register::table.find(*one).select(select).load(rows.db)?,
            many => register::table.filter(register::id.eq_any(many.iter().copied())).select(select).load(rows.db)?,
        };
        dates.extend(found);
    }
    Ok(dates)
}

fn is_there(rows: &mut Rows<'_>, facet: &[u8], at: i64, entry: &[u8]) -> Result<bool, StoreError> {
    let found: i64 = register_facets::table.find((facet, at, entry)).count().get_result(rows.db)?;
    Ok(found > 0)
}

/// Adds to the figures. There is one writer at a time, so what was read still stands when it is written.
pub(super) fn count(rows: &mut Rows<'_>, tallies: Tallies) -> Result<(), StoreError> {
    let changed: Tallies = tallies.into_iter().filter(|(_, by)| *by != 0).collect();
    if changed.len() <= FEW {
        for ((month, partner_id, code), by) in changed {
            let key = (month, &partner_id, &code);
            let known = diesel::update(register_tallies::table.find(key))
                .set(register_tallies::n.eq(register_tallies::n + by))
                .execute(rows.db)?;
            if known == 0 {
                let row = TallyRow { month, partner_id, code, n: by };
                diesel::insert_into(register_tallies::table).values(&row).execute(rows.db)?;
            }
        }
        return Ok(());
    }
    let mut known: Tallies = Tallies::new();
    let months: BTreeSet<i32> = changed.keys().map(|(month, _, _)| *month).collect();
    for month in months {
        let of_month = || changed.keys().filter(move |(of, _, _)| *of == month);
        let scopes: BTreeSet<&Vec<u8>> = of_month().map(|(_, scope, _)| scope).collect();
        let codes: BTreeSet<&String> = of_month().map(|(_, _, code)| code).collect();
        let found: Vec<(i32, Vec<u8>, String, i64)> = register_tallies::table
            .filter(register_tallies::month.eq(month))
            .filter(register_tallies::partner_id.eq_any(scopes))
            .filter(register_tallies::code.eq_any(codes))
            .select((
                register_tallies::month,
                register_tallies::partner_id,
                register_tallies::code,
                register_tallies::n,
            ))
            .load(rows.db)?;
        known.extend(found.into_iter().map(|(month, scope, code, n)| ((month, scope, code), n)));
    }
    let (mut newer, mut new) = (Vec::new(), Vec::new());
    for (key, by) in changed {
        let stood = known.get(&key).copied();
        let (month, partner_id, code) = key;
        let n = stood.unwrap_or_default().saturating_add(by);
        if stood.is_some() {
            newer.push(vec![
                Value::number(Some(month)),
                Value::Octets(Some(partner_id)),
                Value::Text(Some(code)),
                Value::Big(Some(n)),
            ]);
        } else {
            new.push(TallyRow { month, partner_id, code, n });
        }
    }
    update_many(rows.db, "register_tallies", &["month", "partner_id", "code"], &["n"], &newer)?;
    insert_many!(rows.db, register_tallies::table, &new)
}
