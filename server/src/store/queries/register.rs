//! The register: every incident and every notice received, filtered, searched by reference and partner, paged by key.
//!
//! Each filter is a range of an index, the newest at its end, so that a page costs the same however long the register is.
//! Partners, services and kinds of data, of which a line can have several, have a table of their own with the same order.
//! How many lines there are is counted to a limit: beyond it the answer is "more than".

pub mod figures;
mod line;
#[cfg(test)]
mod tests;
pub mod views;

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use domain::facts::{Cause, DataCategory, IcoCategory, IncidentKind};
use domain::incident_type::TypeCode;
use domain::values::{Moment, PartnerId, ServiceId};

pub use self::line::{Entry, Of, Place, measures};
use super::{Page, one_more};
use crate::store::backend::KEYS_PER_STATEMENT;
use crate::store::projections::register::{RegisterRow, data_bit, facet, reference_key};
use crate::store::schema::{register, register_facets};
use crate::store::{Rows, StoreError, directory, partners, projections};

/// The word for what is not known yet.
pub const UNKNOWN: &str = projections::register::UNKNOWN;

/// Lines are counted so far.
pub const COUNTED_MAX: usize = 1_000;
/// So few lines are each looked at.
const FEW_MAX: usize = 1_000;
/// A text is looked for in the names of so many partners at most.
const PARTNERS_NAMED_MAX: usize = 20;
/// Incidents in a file about one service.
const OF_SERVICE_MAX: usize = 2_000;
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
    /// With a root cause of this type.
    pub ico_type: Option<TypeCode>,
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

impl Filter {
    /// Whether it asks more of a line than when it was entered, and that it is no drill.
    const fn is_narrow(&self) -> bool {
        self.source.is_some()
            || self.kind.is_some()
            || self.stage.is_some()
            || self.ico.is_some()
            || self.category.is_some()
            || self.cause.is_some()
            || self.data.is_some()
            || self.ico_type.is_some()
            || matches!(self.exercise, Some(true))
    }

    /// The same as the statements ask, of a line that is there already.
    fn meets(&self, row: &RegisterRow) -> bool {
        let is = |wanted: Option<&str>, has: &str| wanted.is_none_or(|wanted| wanted == has);
        is(self.source, &row.source)
            && is(self.kind.map(projections::kind_word), &row.kind)
            && is(self.stage, &row.stage)
            && is(self.ico, &row.ico)
            && is(self.category, &row.category)
            && is(self.cause, &row.cause)
            && self.data.is_none_or(|data| row.data & data_bit(data) != 0)
            && self.ico_type.as_ref().is_none_or(|wanted| row.ico_type.as_deref() == Some(wanted.word()))
            && self.from.is_none_or(|from| row.at >= from.micros())
            && self.before.is_none_or(|before| row.at < before.micros())
            && self.exercise.is_none_or(|exercise| row.exercise == exercise)
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
    ($query:expr, $filter:expr, $also:expr, $among:expr, $before:expr) => {{
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
        if let Some(data) = $filter.data {
            query = query.filter(sql::<Bool>(&format!("(register.data & {}) <> 0", data_bit(data))));
        }
        if let Some(ico_type) = &$filter.ico_type {
            query = query.filter(register::ico_type.eq(ico_type.word()));
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
        if let Some(key) = &$also.begins {
            query = query.filter(register::reference_key.ge(key)).filter(register::reference_key.lt(after(key)));
        }
        for facet in $also.facets.iter().chain($among) {
            let also = OTHER
                .filter(OTHER.field(register_facets::facet).eq(facet))
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

/// Lines that have a thing, the newest first. They are joined by their id alone: their instants are the same, but Postgres
/// takes two conditions for independent, expects hardly any line to meet both, and then reads and sorts all of them.
macro_rules! having {
    ($facet:expr) => {
        register_facets::table
            .inner_join(register::table.on(register::id.eq(register_facets::entry)))
            .filter(register_facets::facet.eq($facet))
            .order((register_facets::at.desc(), register_facets::entry.desc()))
    };
}

/// What leads to lines.
enum Lead {
    /// Their dates.
    All,
    /// One of the things that a line can have several of.
    Facet(Vec<u8>),
    /// The same, where more is asked and many lines have it: their dates, and of each whether it has it.
    Among(Vec<u8>),
    /// These, which are few: each is looked at, whatever else is asked.
    Few(Vec<Vec<u8>>),
    /// The beginning of a reference that many have: their dates, and each is looked at.
    Many(Vec<u8>),
}

/// What every line has to have beside, whatever leads to it.
#[derive(Default)]
struct Also {
    /// Things that a line can have several of.
    facets: Vec<Vec<u8>>,
    /// The beginning of its reference.
    begins: Option<Vec<u8>>,
}

impl Lead {
    /// What each line has to have, where its date leads to it.
    fn among(&self) -> Option<&Vec<u8>> {
        match self {
            Self::Among(facet) => Some(facet),
            Self::All | Self::Facet(_) | Self::Few(_) | Self::Many(_) => None,
        }
    }
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
    let (leads, also) = leads(rows, filter)?;
    let mut found: BTreeMap<(i64, Vec<u8>), RegisterRow> = BTreeMap::new();
    for lead in &leads {
        for row in led(rows, lead, &also, filter, before, one_more(limit))? {
            found.insert((row.at, row.id.clone()), row);
        }
    }
    let newest: Vec<RegisterRow> = found.into_values().rev().take(limit.saturating_add(1)).collect();
    Ok(Page::of(line::shown(rows, newest)?, limit, Entry::place))
}

/// How many lines there are with this filter; `None` when more than [`COUNTED_MAX`].
///
/// # Errors
/// Those of the database.
pub fn count(rows: &mut Rows<'_>, filter: &Filter) -> Result<Option<usize>, StoreError> {
    let (leads, also) = leads(rows, filter)?;
    let mut found = BTreeSet::new();
    for lead in &leads {
        found.extend(ids(rows, lead, &also, filter)?);
    }
    Ok(Some(found.len()).filter(|count| *count <= COUNTED_MAX))
}

/// The lines of incidents with these references, in whatever case; by reference, in capitals.
///
/// # Errors
/// Those of the database.
pub fn with_references(rows: &mut Rows<'_>, references: &[&str]) -> Result<BTreeMap<String, Entry>, StoreError> {
    let keys: Vec<Vec<u8>> = references.iter().map(|reference| reference_key(reference)).collect();
    let mut found = Vec::new();
    for chunk in keys.chunks(KEYS_PER_STATEMENT) {
        let stand: Vec<RegisterRow> = register::table
            .filter(register::reference_key.eq_any(chunk))
            .filter(register::source.ne("notice"))
            .select(RegisterRow::as_select())
            .load(rows.db)?;
        found.extend(stand);
    }
    let entries = line::shown(rows, found)?;
    Ok(entries.into_iter().map(|entry| (entry.reference.to_uppercase(), entry)).collect())
}

/// Whether the text of a filter fits the names of more partners than are looked for. Asked before a filter is used: with
/// such a one [`page`] and [`count`] fail, because what they found would not be all.
///
/// # Errors
/// Those of the database.
pub fn is_too_wide(rows: &mut Rows<'_>, filter: &Filter) -> Result<bool, StoreError> {
    let text = filter.text.trim();
    // Beside a partner a text is looked for in that one's name only.
    if text.is_empty() || filter.partner.is_some() {
        return Ok(false);
    }
    Ok(named(rows, text)?.len() > PARTNERS_NAMED_MAX)
}

/// Partners in whose name a text is, one more than are looked for.
fn named(rows: &mut Rows<'_>, text: &str) -> Result<Vec<PartnerId>, StoreError> {
    let part = text.trim().to_lowercase();
    let named = partners::all(rows)?.into_iter().filter(|partner| partner.name.as_str().to_lowercase().contains(&part));
    Ok(named.map(|partner| partner.id).take(PARTNERS_NAMED_MAX.saturating_add(1)).collect())
}

/// What leads to the lines of a filter, and what else they have to have.
fn leads(rows: &mut Rows<'_>, filter: &Filter) -> Result<(Vec<Lead>, Also), StoreError> {
    let mut also = Also::default();
    let service = filter.service.map(facet::service);
    let text = filter.text.trim();
    if filter.partner.is_some() || !text.is_empty() {
        also.facets.extend(service);
        let narrow = filter.is_narrow() || !also.facets.is_empty();
        let Some(partner) = filter.partner else { return Ok((searched(rows, text, narrow)?, also)) };
        // Of a partner's lines a text finds those whose reference begins so, unless it is the partner who is named so.
        let named =
            text.is_empty() || super::partners::name(rows, partner)?.to_lowercase().contains(&text.to_lowercase());
        also.begins = Some(reference_key(text)).filter(|_| !named);
        return Ok((of_partner(rows, partner, narrow || !named)?, also));
    }
    let lead = match (service, filter.data) {
        (Some(service), _) => of_facet(rows, service, filter.is_narrow())?,
        (None, Some(data)) if !(Filter { data: None, ..filter.clone() }).is_narrow() => Lead::Facet(facet::data(data)),
        (None, _) => Lead::All,
    };
    Ok((vec![lead], also))
}

/// What leads to the lines that have a thing. Whether few have it is looked up where more is asked, because then all of them
/// may have to be looked at before one fits.
fn of_facet(rows: &mut Rows<'_>, facet: Vec<u8>, narrow: bool) -> Result<Lead, StoreError> {
    if !narrow {
        return Ok(Lead::Facet(facet));
    }
    let first: Vec<Vec<u8>> = register_facets::table
        .filter(register_facets::facet.eq(&facet))
        .limit(one_more(FEW_MAX))
        .select(register_facets::entry)
        .load(rows.db)?;
    Ok(if first.len() > FEW_MAX { Lead::Among(facet) } else { Lead::Few(first) })
}

/// Those whom the partner was told of, and those that it told us of.
fn of_partner(rows: &mut Rows<'_>, partner: PartnerId, narrow: bool) -> Result<Vec<Lead>, StoreError> {
    [facet::told(partner), facet::told_us(partner)].into_iter().map(|facet| of_facet(rows, facet, narrow)).collect()
}

/// What leads to a text: references that begin so, and partners in whose name it is.
fn searched(rows: &mut Rows<'_>, text: &str, narrow: bool) -> Result<Vec<Lead>, StoreError> {
    let key = reference_key(text);
    let begins: Vec<Vec<u8>> = register::table
        .filter(register::reference_key.ge(&key))
        .filter(register::reference_key.lt(after(&key)))
        .limit(one_more(FEW_MAX))
        .select(register::id)
        .load(rows.db)?;
    let mut leads = vec![if begins.len() > FEW_MAX { Lead::Many(key) } else { Lead::Few(begins) }];
    let named = named(rows, text)?;
    if named.len() > PARTNERS_NAMED_MAX {
        return Err(StoreError::TooMuch { what: "the number of partners in whose names a text is" });
    }
    for partner in named {
        leads.extend(of_partner(rows, partner, narrow)?);
    }
    Ok(leads)
}

/// Those of a few lines that a filter shows.
fn of_few(
    rows: &mut Rows<'_>,
    few: &[Vec<u8>],
    also: &Also,
    filter: &Filter,
    before: Option<Place>,
) -> Result<Vec<RegisterRow>, StoreError> {
    let mut found = Vec::new();
    for chunk in few.chunks(KEYS_PER_STATEMENT) {
        let query = register::table.filter(register::id.eq_any(chunk)).select(RegisterRow::as_select()).into_boxed();
        // What each line is asked is looked at here: asked in the statement too, it could lead to an index over many more.
        let all = Filter::default();
        let rows: Vec<RegisterRow> = narrowed!(query, all, also, None, before).load(rows.db)?;
        found.extend(rows.into_iter().filter(|row| filter.meets(row)));
    }
    Ok(found)
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
    also: &Also,
    filter: &Filter,
    before: Option<Place>,
    limit: i64,
) -> Result<Vec<RegisterRow>, StoreError> {
    let order = (register::at.desc(), register::id.desc());
    Ok(match lead {
        Lead::All | Lead::Among(_) => {
            let query = register::table.order(order).limit(limit).select(RegisterRow::as_select()).into_boxed();
            narrowed!(query, filter, also, lead.among(), before).load(rows.db)?
        }
        Lead::Few(few) => of_few(rows, few, also, filter, before)?,
        Lead::Many(key) => {
            let query = register::table
                .filter(register::reference_key.ge(key))
                .filter(register::reference_key.lt(after(key)))
                .order(order)
                .limit(limit)
                .select(RegisterRow::as_select())
                .into_boxed();
            narrowed!(query, filter, also, None, before).load(rows.db)?
        }
        Lead::Facet(facet) => {
            let mut query = having!(facet).limit(limit).select(RegisterRow::as_select()).into_boxed();
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
            narrowed!(query, filter, also, None, before).load(rows.db)?
        }
    })
}

/// Ids of lines, one more than are counted.
fn ids(rows: &mut Rows<'_>, lead: &Lead, also: &Also, filter: &Filter) -> Result<Vec<Vec<u8>>, StoreError> {
    let limit = one_more(COUNTED_MAX);
    let order = (register::at.desc(), register::id.desc());
    Ok(match lead {
        Lead::All | Lead::Among(_) => {
            let query = register::table.order(order).limit(limit).select(register::id).into_boxed();
            narrowed!(query, filter, also, lead.among(), None::<Place>).load(rows.db)?
        }
        Lead::Few(few) => of_few(rows, few, also, filter, None)?.into_iter().map(|row| row.id).collect(),
        Lead::Many(key) => {
            let query = register::table
                .filter(register::reference_key.ge(key))
                .filter(register::reference_key.lt(after(key)))
                .limit(limit)
                .select(register::id)
                .into_boxed();
            narrowed!(query, filter, also, None, None::<Place>).load(rows.db)?
        }
        Lead::Facet(facet) => {
            let query = having!(facet).limit(limit).select(register::id).into_boxed();
            narrowed!(query, filter, also, None, None::<Place>).load(rows.db)?
        }
    })
}

/// What an assessment of a service's risks (Article 35) asks of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfService {
    /// The service's name.
    pub name: String,
    /// Its incidents, the newest first; no drills.
    pub entries: Vec<Entry>,
    /// What was done about each.
    pub measures: Vec<Vec<String>>,
    /// Whether these are all.
    pub whole: bool,
}

/// The incidents of a service; `None` when there is no such service.
///
/// # Errors
/// Those of the database.
pub fn of_service(rows: &mut Rows<'_>, service: ServiceId) -> Result<Option<OfService>, StoreError> {
    let known = directory::services(rows)?.into_iter().find(|known| known.id == service);
    let Some(known) = known else { return Ok(None) };
    let filter = Filter { service: Some(service), exercise: Some(false), ..Filter::default() };
    let Page { items: entries, next } = page(rows, &filter, None, OF_SERVICE_MAX)?;
    let measures = measures(rows, &entries)?;
    Ok(Some(OfService { name: known.name.to_string(), entries, measures, whole: next.is_none() }))
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

/// What the register can be filtered by: partners and services with their names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choices {
    /// Partners, by name.
    pub partners: Vec<(PartnerId, String)>,
    /// Services, in their order.
    pub services: Vec<(ServiceId, String)>,
}

/// The choices of a filter.
///
/// # Errors
/// Those of the database.
pub fn choices(rows: &mut Rows<'_>) -> Result<Choices, StoreError> {
    let named = partners::all(rows)?.into_iter().map(|partner| (partner.id, partner.name.to_string()));
    let mut partners: Vec<(PartnerId, String)> = named.collect();
    partners.sort_by(|a, b| a.1.cmp(&b.1));
    let services =
        directory::services(rows)?.into_iter().map(|service| (service.id, service.name.to_string())).collect();
    Ok(Choices { partners, services })
}
