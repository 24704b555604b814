//! The register: every incident and every notice received, filtered, searched by reference and partner, paged by key.
//!
//! Each filter is a range of an index, the newest at its end, so that a page costs the same however long the register is.
//! Partners, services and kinds of data, of which a line can have several, have a table of their own with the same order.
//! How many lines there are is counted to a limit: beyond it the answer is "more than".

pub mod figures;
#[cfg(test)]
mod tests;
pub mod views;

use std::collections::{BTreeMap, BTreeSet, btree_map};

use diesel::prelude::*;
use domain::facts::{Cause, DataCategory, IcoCategory, IncidentKind, Nature, SubjectCategory};
use domain::values::{ExchangeId, IncidentId, Moment, PartnerId, ServiceId};
use uuid::Uuid;

use super::{Page, exchange_id, incident_id, kind, moment, moment_or_none, number, one_more, partner_id};
use crate::store::projections::register::{RegisterRow, facet, reference_key};
use crate::store::schema::{incidents, register, register_facets};
use crate::store::{Rows, StoreError, partners, projections};

/// The word for what is not known yet.
pub const UNKNOWN: &str = projections::register::UNKNOWN;

const TABLE: &str = "register";
/// Lines are counted so far.
pub const COUNTED_MAX: usize = 1_000;
/// A text is looked for in the names of so many partners at most.
const PARTNERS_NAMED_MAX: usize = 20;
/// The longest text to look for, in characters.
pub const TEXT_MAX: usize = 100;

/// Where a line comes from.
pub const SOURCES: [&str; 3] = ["own", "notice", "imported"];
/// Where a line can stand: an incident, then a notice.
pub const STAGES: [&str; 9] =
    ["held", "active", "not_a_breach", "withdrawn", "closed", "anonymised", "received", "read", "linked"];
/// How the duty to report to the ICO can stand.
pub const ICO: [&str; 6] = ["none", "running", "overdue", "met", "met_late", "not_required"];

/// Which lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of [`SOURCES`].
    pub source: Option<&'static str>,
    /// Breach or circumstances.
    pub kind: Option<IncidentKind>,
    /// Of [`STAGES`].
    pub stage: Option<&'static str>,
    /// Of [`ICO`].
    pub ico: Option<&'static str>,
    /// The word of a category, or [`UNKNOWN`].
    pub category: Option<&'static str>,
    /// The word of a cause, or [`UNKNOWN`].
    pub cause: Option<&'static str>,
    /// With this kind of data.
    pub data: Option<DataCategory>,
    /// Where this partner was told, or told us.
    pub partner: Option<PartnerId>,
    /// Of this service.
    pub service: Option<ServiceId>,
    /// Entered from this instant on.
    pub from: Option<Moment>,
    /// Entered before this instant.
    pub before: Option<Moment>,
    /// Drills only, or none of them; `None` is both.
    pub exercise: Option<bool>,
    /// The beginning of a reference, or a part of a partner's name.
    pub text: String,
}

/// What a line is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// An incident of ours.
    Incident(IncidentId),
    /// A notice received.
    Notice(ExchangeId),
}

impl Of {
    const fn uuid(self) -> Uuid {
        match self {
            Self::Incident(id) => id.uuid(),
            Self::Notice(id) => id.uuid(),
        }
    }
}

/// The place of a line: when it was entered, and its id.
pub type Place = (Moment, Uuid);

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Of what.
    pub of: Of,
    /// Where it comes from: one of [`SOURCES`].
    pub source: String,
    /// Our reference; of a notice the partner's.
    pub reference: String,
    /// A few words; empty after erasure, and of a notice.
    pub title: String,
    /// Breach or circumstances.
    pub kind: IncidentKind,
    /// Where it stands: one of [`STAGES`].
    pub stage: String,
    /// A drill.
    pub exercise: bool,
    /// When it was entered.
    pub at: Moment,
    /// When we became aware.
    pub aware_at: Option<Moment>,
    /// The ICO's category, or [`UNKNOWN`].
    pub category: String,
    /// The cause, or [`UNKNOWN`].
    pub cause: String,
    /// What was lost.
    pub natures: Vec<Nature>,
    /// Kinds of data.
    pub data: Vec<DataCategory>,
    /// Kinds of people.
    pub subjects: Vec<SubjectCategory>,
    /// The ICO's band of how many people.
    pub people_band: String,
    /// How many people.
    pub people: Option<u32>,
    /// How many records.
    pub records: Option<u32>,
    /// How many services.
    pub services: u32,
    /// How many partners are owed a notice.
    pub owed: u32,
    /// How the duty to report to the ICO stands: one of [`ICO`].
    pub ico: String,
    /// Until when.
    pub ico_due_at: Option<Moment>,
    /// When it ended.
    pub ico_ended_at: Option<Moment>,
    /// The word of its report's state.
    pub report: String,
    /// Who told us, of a notice.
    pub partner: Option<(PartnerId, String)>,
}

impl Entry {
    /// Its place.
    #[must_use]
    pub const fn place(&self) -> Place {
        (self.at, self.of.uuid())
    }
}

/// Lines, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The page.
    pub page: Page<Entry, Place>,
    /// How many there are with this filter, up to [`COUNTED_MAX`]; `None` is more.
    pub total: Option<usize>,
}

diesel::alias!(const OTHER: Alias<OtherFacets> = register_facets as other_facets);

/// Adds to a query what every line has to meet, whichever table leads.
macro_rules! narrowed {
    ($query:expr, $filter:expr, $others:expr, $before:expr) => {{
        let mut query = $query;
        if let Some(source) = $filter.source {
            query = query.filter(register::source.eq(source));
        }
        if let Some(kind) = $filter.kind {
            query = query.filter(register::kind.eq(projections::kind_word(kind)));
        }
        if let Some(stage) = $filter.stage {
            query = query.filter(register::stage.eq(stage));
        }
        if let Some(ico) = $filter.ico {
            query = query.filter(register::ico.eq(ico));
        }
        if let Some(category) = $filter.category {
            query = query.filter(register::category.eq(category));
        }
        if let Some(cause) = $filter.cause {
            query = query.filter(register::cause.eq(cause));
        }
        if let Some(from) = $filter.from {
            query = query.filter(register::at.ge(from.micros()));
        }
        if let Some(before) = $filter.before {
            query = query.filter(register::at.lt(before.micros()));
        }
        match $filter.exercise {
            Some(true) => query = query.filter(register::exercise),
            Some(false) => query = query.filter(diesel::dsl::not(register::exercise)),
            None => {}
        }
        for facet in $others {
            let also = OTHER
                .filter(OTHER.field(register_facets::facet).eq(facet))
                .filter(OTHER.field(register_facets::at).eq(register::at))
                .filter(OTHER.field(register_facets::entry).eq(register::id));
            query = query.filter(diesel::dsl::exists(also));
        }
        if let Some((at, id)) = $before {
            let id = id.as_bytes().to_vec();
            query =
                query.filter(register::at.le(at.micros())).filter(register::at.lt(at.micros()).or(register::id.lt(id)));
        }
        query
    }};
}

/// What leads to lines.
enum Lead {
    /// Their dates.
    All,
    /// One of the things that a line can have several of.
    Facet(Vec<u8>),
    /// The beginning of a reference that few lines have.
    Few(Vec<u8>),
    /// The beginning of a reference that many have: their dates, and each is looked at.
    Many(Vec<u8>),
}

/// Lines with this filter, the newest first; `before` is the place of the last one already shown.
///
/// # Errors
/// Those of the database.
pub fn list(rows: &mut Rows<'_>, filter: &Filter, before: Option<Place>, limit: usize) -> Result<Listed, StoreError> {
    let page = page(rows, filter, before, limit)?;
    let total = if before.is_none() && page.next.is_none() { Some(page.items.len()) } else { count(rows, filter)? };
    Ok(Listed { page, total })
}

/// The same without counting.
///
/// # Errors
/// Those of the database.
pub fn page(
    rows: &mut Rows<'_>,
    filter: &Filter,
    before: Option<Place>,
    limit: usize,
) -> Result<Page<Entry, Place>, StoreError> {
    let (leads, others) = leads(rows, filter)?;
    let mut found: BTreeMap<(i64, Vec<u8>), RegisterRow> = BTreeMap::new();
    for lead in &leads {
        for row in led(rows, lead, &others, filter, before, one_more(limit))? {
            found.insert((row.at, row.id.clone()), row);
        }
    }
    let newest: Vec<RegisterRow> = found.into_values().rev().take(limit.saturating_add(1)).collect();
    let names = titles(rows, &newest)?;
    let items = newest.into_iter().map(|row| entry(rows, row, &names)).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(items, limit, Entry::place))
}

/// How many lines there are with this filter; `None` when more than [`COUNTED_MAX`].
///
/// # Errors
/// Those of the database.
pub fn count(rows: &mut Rows<'_>, filter: &Filter) -> Result<Option<usize>, StoreError> {
    let (leads, others) = leads(rows, filter)?;
    let mut found = BTreeSet::new();
    for lead in &leads {
        found.extend(ids(rows, lead, &others, filter)?);
    }
    Ok(Some(found.len()).filter(|count| *count <= COUNTED_MAX))
}

/// What leads to the lines of a filter, and what else they have to have.
fn leads(rows: &mut Rows<'_>, filter: &Filter) -> Result<(Vec<Lead>, Vec<Vec<u8>>), StoreError> {
    let mut others: Vec<Vec<u8>> = filter.data.map(facet::data).into_iter().collect();
    others.extend(filter.service.map(facet::service));
    if let Some(partner) = filter.partner {
        let leads = vec![Lead::Facet(facet::told(partner)), Lead::Facet(facet::told_us(partner))];
        return Ok((leads, others));
    }
    if !filter.text.trim().is_empty() {
        return Ok((searched(rows, &filter.text)?, others));
    }
    Ok((vec![others.pop().map_or(Lead::All, Lead::Facet)], others))
}

/// What leads to a text: references that begin so, and partners in whose name it is.
fn searched(rows: &mut Rows<'_>, text: &str) -> Result<Vec<Lead>, StoreError> {
    let key = reference_key(text);
    let begins: Vec<Vec<u8>> = register::table
        .filter(register::reference_key.ge(&key))
        .filter(register::reference_key.lt(after(&key)))
        .limit(one_more(COUNTED_MAX))
        .select(register::id)
        .load(rows.db)?;
    let mut leads = vec![if begins.len() > COUNTED_MAX { Lead::Many(key) } else { Lead::Few(key) }];
    let part = text.trim().to_lowercase();
    let named = partners::all(rows)?.into_iter().filter(|partner| partner.name.as_str().to_lowercase().contains(&part));
    for partner in named.take(PARTNERS_NAMED_MAX) {
        leads.push(Lead::Facet(facet::told(partner.id)));
        leads.push(Lead::Facet(facet::told_us(partner.id)));
    }
    Ok(leads)
}

/// The first key after all that begin so: no octet of UTF-8 is 255.
fn after(key: &[u8]) -> Vec<u8> {
    let mut after = key.to_vec();
    after.push(u8::MAX);
    after
}

fn led(
    rows: &mut Rows<'_>,
    lead: &Lead,
    others: &[Vec<u8>],
    filter: &Filter,
    before: Option<Place>,
    limit: i64,
) -> Result<Vec<RegisterRow>, StoreError> {
    let order = (register::at.desc(), register::id.desc());
    Ok(match lead {
        Lead::All => {
            let query = register::table.order(order).limit(limit).select(RegisterRow::as_select()).into_boxed();
            narrowed!(query, filter, others, before).load(rows.db)?
        }
        Lead::Few(key) | Lead::Many(key) => {
            let query = register::table
                .filter(register::reference_key.ge(key))
                .filter(register::reference_key.lt(after(key)))
                .order(order)
                .limit(limit)
                .select(RegisterRow::as_select())
                .into_boxed();
            narrowed!(query, filter, others, before).load(rows.db)?
        }
        Lead::Facet(facet) => {
            let mut query = register_facets::table
                .inner_join(register::table.on(register::id.eq(register_facets::entry)))
                .filter(register_facets::facet.eq(facet))
                .order((register_facets::at.desc(), register_facets::entry.desc()))
                .limit(limit)
                .select(RegisterRow::as_select())
                .into_boxed();
            // The range of the leading table ends where that of the lines does.
            if let Some((at, _)) = before {
                query = query.filter(register_facets::at.le(at.micros()));
            }
            if let Some(before) = filter.before {
                query = query.filter(register_facets::at.lt(before.micros()));
            }
            if let Some(from) = filter.from {
                query = query.filter(register_facets::at.ge(from.micros()));
            }
            narrowed!(query, filter, others, before).load(rows.db)?
        }
    })
}

/// Ids of lines, one more than are counted.
fn ids(rows: &mut Rows<'_>, lead: &Lead, others: &[Vec<u8>], filter: &Filter) -> Result<Vec<Vec<u8>>, StoreError> {
    let limit = one_more(COUNTED_MAX);
    let order = (register::at.desc(), register::id.desc());
    Ok(match lead {
        Lead::All => {
            let query = register::table.order(order).limit(limit).select(register::id).into_boxed();
            narrowed!(query, filter, others, None::<Place>).load(rows.db)?
        }
        Lead::Few(key) | Lead::Many(key) => {
            let query = register::table
                .filter(register::reference_key.ge(key))
                .filter(register::reference_key.lt(after(key)))
                .limit(limit)
                .select(register::id)
                .into_boxed();
            narrowed!(query, filter, others, None::<Place>).load(rows.db)?
        }
        Lead::Facet(facet) => {
            let query = register_facets::table
                .inner_join(register::table.on(register::id.eq(register_facets::entry)))
                .filter(register_facets::facet.eq(facet))
                .order((register_facets::at.desc(), register_facets::entry.desc()))
                .limit(limit)
                .select(register::id)
                .into_boxed();
            narrowed!(query, filter, others, None::<Place>).load(rows.db)?
        }
    })
}

/// Titles of incidents and names of partners, for lines that are shown only.
struct Names {
    titles: BTreeMap<Vec<u8>, String>,
    partners: BTreeMap<PartnerId, String>,
}

fn titles(rows: &mut Rows<'_>, lines: &[RegisterRow]) -> Result<Names, StoreError> {
    let ids: Vec<&Vec<u8>> = lines.iter().filter(|row| row.source != "notice").map(|row| &row.id).collect();
    let found: Vec<(Vec<u8>, Vec<u8>)> =
        incidents::table.filter(incidents::id.eq_any(ids)).select((incidents::id, incidents::title)).load(rows.db)?;
    let mut titles = BTreeMap::new();
    for (id, sealed) in found {
        let incident = incident_id(TABLE, &id)?;
        titles.insert(id, projections::open_title(rows.seal, incident.uuid(), &sealed)?);
    }
    let mut partners = BTreeMap::new();
    for id in lines.iter().filter_map(|row| row.partner_id.as_deref()) {
        let id = partner_id(TABLE, id)?;
        if let btree_map::Entry::Vacant(unnamed) = partners.entry(id) {
            unnamed.insert(super::partners::name(rows, id)?);
        }
    }
    Ok(Names { titles, partners })
}

fn entry(_: &Rows<'_>, row: RegisterRow, names: &Names) -> Result<Entry, StoreError> {
    let partner = row.partner_id.as_deref().map(|id| partner_id(TABLE, id)).transpose()?;
    let count = |value: Option<i64>| value.map(|value| u32::try_from(value).unwrap_or(u32::MAX));
    Ok(Entry {
        of: if row.source == "notice" {
            Of::Notice(exchange_id(TABLE, &row.id)?)
        } else {
            Of::Incident(incident_id(TABLE, &row.id)?)
        },
        title: names.titles.get(&row.id).cloned().unwrap_or_default(),
        partner: partner.map(|id| (id, names.partners.get(&id).cloned().unwrap_or_default())),
        source: row.source,
        reference: row.reference,
        kind: kind(TABLE, &row.kind)?,
        stage: row.stage,
        exercise: row.exercise,
        at: moment(TABLE, row.at)?,
        aware_at: moment_or_none(TABLE, row.aware_at)?,
        category: row.category,
        cause: row.cause,
        natures: options(row.natures, Nature::ALL),
        data: options(row.data, DataCategory::ALL),
        subjects: options(row.subjects, SubjectCategory::ALL),
        people_band: row.people_band,
        people: count(row.people),
        records: count(row.records),
        services: number(row.services),
        owed: number(row.owed),
        ico: row.ico,
        ico_due_at: moment_or_none(TABLE, row.ico_due_at)?,
        ico_ended_at: moment_or_none(TABLE, row.ico_ended_at)?,
        report: row.report,
    })
}

/// The options whose bits are set.
fn options<T: Copy>(mask: i64, all: &[T]) -> Vec<T> {
    let set = |place: usize| u32::try_from(place).ok().and_then(|place| mask.checked_shr(place)).unwrap_or(0) & 1 == 1;
    all.iter().enumerate().filter(|(place, _)| set(*place)).map(|(_, option)| *option).collect()
}

/// The word of a category as it is stored; `None` when there is none.
#[must_use]
pub fn category_word(word: &str) -> Option<&'static str> {
    if word == UNKNOWN { Some(UNKNOWN) } else { IcoCategory::from_word(word).map(IcoCategory::word) }
}

/// The word of a cause as it is stored; `None` when there is none.
#[must_use]
pub fn cause_word(word: &str) -> Option<&'static str> {
    if word == UNKNOWN { Some(UNKNOWN) } else { Cause::from_word(word).map(Cause::word) }
}
