//! Lines of the register as they are shown: codes read back, titles and names looked up for these alone.

use std::collections::{BTreeMap, btree_map};

use diesel::prelude::*;
use domain::facts::{DataCategory, IncidentKind, Nature, SubjectCategory};
use domain::incident_type::TypeCode;
use domain::values::{ExchangeId, IncidentId, Moment, PartnerId};
use uuid::Uuid;

use crate::store::backend::KEYS_PER_STATEMENT;
use crate::store::projections::register::RegisterRow;
use crate::store::queries::{
    exchange_id, incident_id, incidents as stored, kind, moment, moment_or_none, number, partner_id, partners,
};
use crate::store::schema::incidents;
use crate::store::{Rows, StoreError, projections};

const TABLE: &str = "register";

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
    /// Where it comes from: one of `SOURCES`.
    pub source: String,
    /// Our reference; of a notice the partner's.
    pub reference: String,
    /// A few words; empty after erasure, and of a notice.
    pub title: String,
    /// Breach or circumstances.
    pub kind: IncidentKind,
    /// Where it stands: one of `STAGES`.
    pub stage: String,
    /// A drill.
    pub exercise: bool,
    /// When it was entered.
    pub at: Moment,
    /// When we became aware.
    pub aware_at: Option<Moment>,
    /// The ICO's category, or `UNKNOWN`.
    pub category: String,
    /// The cause, or `UNKNOWN`.
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
    /// The ICO's type of incident, once the root cause is found.
    pub ico_type: Option<TypeCode>,
    /// What it cost, in pence; none when no cost stands.
    pub cost: Option<i64>,
    /// How much of that is estimated, in pence.
    pub cost_estimated: Option<i64>,
    /// How many services.
    pub services: u32,
    /// How many partners are owed a notice.
    pub owed: u32,
    /// How the duty to report to the ICO stands: one of `ICO`.
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

/// Rows as lines.
pub(super) fn shown(rows: &mut Rows<'_>, lines: Vec<RegisterRow>) -> Result<Vec<Entry>, StoreError> {
    let names = titles(rows, &lines)?;
    lines.into_iter().map(|row| entry(row, &names)).collect()
}

/// Titles of incidents and names of partners, for lines that are shown only.
struct Names {
    titles: BTreeMap<Vec<u8>, String>,
    partners: BTreeMap<PartnerId, String>,
}

fn titles(rows: &mut Rows<'_>, lines: &[RegisterRow]) -> Result<Names, StoreError> {
    let ids: Vec<&Vec<u8>> = lines.iter().filter(|row| row.source != "notice").map(|row| &row.id).collect();
    let mut found: Vec<(Vec<u8>, Vec<u8>)> = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(KEYS_PER_STATEMENT) {
        let of = incidents::table.filter(incidents::id.eq_any(chunk.iter().copied()));
        found.extend(of.select((incidents::id, incidents::title)).load::<(Vec<u8>, Vec<u8>)>(rows.db)?);
    }
    let mut titles = BTreeMap::new();
    for (id, sealed) in found {
        let incident = incident_id(TABLE, &id)?;
        titles.insert(id, projections::open_title(rows.seal, incident.uuid(), &sealed)?);
    }
    let mut partners = BTreeMap::new();
    for id in lines.iter().filter_map(|row| row.partner_id.as_deref()) {
        let id = partner_id(TABLE, id)?;
        if let btree_map::Entry::Vacant(unnamed) = partners.entry(id) {
            unnamed.insert(partners::name(rows, id)?);
        }
    }
    Ok(Names { titles, partners })
}

fn entry(row: RegisterRow, names: &Names) -> Result<Entry, StoreError> {
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
        ico_type: row.ico_type.as_deref().and_then(TypeCode::from_word),
        cost: row.cost,
        cost_estimated: row.cost_estimated,
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

/// What was done about each of these incidents: containment and mitigation as the newest facts say. Facts are opened one by
/// one, so this is for few.
///
/// # Errors
/// Those of the database.
pub fn measures(rows: &mut Rows<'_>, entries: &[Entry]) -> Result<Vec<Vec<String>>, StoreError> {
    let mut measures = Vec::with_capacity(entries.len());
    for entry in entries {
        let facts = match entry.of {
            Of::Incident(id) => stored::newest_facts(rows, id)?,
            Of::Notice(_) => None,
        };
        let texts = facts.map(|facts| [facts.containment, facts.mitigation]).into_iter().flatten();
        measures.push(texts.filter_map(|text| text.as_option().map(ToString::to_string)).collect());
    }
    Ok(measures)
}
