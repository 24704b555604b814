//! Open duties as a calendar shows them: when due, which duty, towards whom, under which reference. No title, no fact.
//!
//! A duty keeps its name for as long as it is open, also when its due instant moves; its sequence is how many entries its
//! stream has in the ledger, which never goes down.

use std::collections::BTreeMap;

use diesel::prelude::*;
use domain::clock::{Anchor, ClockKind};
use domain::values::Moment;
use uuid::Uuid;

use super::{moment, partner_id, partners};
use crate::store::schema::{clocks, complaints, exchanges, incidents, ledger};
use crate::store::{Rows, StoreError, ladder_plans};

/// Open clocks read for one calendar, the first due first.
const CLOCKS_MAX: i64 = 1_000;
/// Beyond so many open clocks of one kind an incident has one entry for all of them.
const EACH_MAX: usize = 10;
/// Alarms of one entry.
const ALARMS_MAX: usize = 10;
const TABLE: &str = "clocks";

/// One entry of a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// Names it, as long as the duty is open.
    pub uid: String,
    /// Which duty.
    pub kind: ClockKind,
    /// When it is due; of several, the first.
    pub due: Moment,
    /// When the clock started.
    pub anchored_at: Moment,
    /// Our reference, or the sender's for a notice received. Of a complaint it says nothing else.
    pub reference: String,
    /// The partner, when it is one.
    pub partner: Option<String>,
    /// How many partners.
    pub partners: usize,
    /// A drill.
    pub exercise: bool,
    /// Goes up whenever something happens in its stream.
    pub sequence: i64,
    /// Its page: a path of ours.
    pub path: String,
    /// When the ladder's steps come before it is due, in minutes from then.
    pub alarms: Vec<i32>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = clocks)]
struct Row {
    stream: Vec<u8>,
    kind: String,
    incident_id: Option<Vec<u8>>,
    exchange_id: Option<Vec<u8>>,
    partner_id: Option<Vec<u8>>,
    anchor: String,
    anchored_at: i64,
    due_at: i64,
    exercise: bool,
}

/// Every open duty of ours, the first due first.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row can't be read; those of the database.
pub fn open(rows: &mut Rows<'_>) -> Result<Vec<Deadline>, StoreError> {
    let found: Vec<Row> = clocks::table
        .filter(clocks::open)
        .filter(clocks::anchor.ne(Anchor::AskedByUs.word()))
        .order((clocks::due_at, clocks::stream))
        .limit(CLOCKS_MAX)
        .select(Row::as_select())
        .load(rows.db)?;
    let plans = ladder_plans::standing(rows)?;
    let mut kinds: BTreeMap<(Vec<u8>, String), usize> = BTreeMap::new();
    // What partners owe us by their contract with us is theirs to watch.
    let ours = |row: &Row| {
        let asked = row.anchor == Anchor::AskedOfUs.word();
        let of_complaint = ClockKind::OF_COMPLAINTS.iter().any(|kind| row.kind == kind.word());
        row.incident_id.is_some() || asked || of_complaint || row.kind == ClockKind::IcoReport.word()
    };
    let found: Vec<Row> = found.into_iter().filter(ours).collect();
    for row in &found {
        if let Some(incident) = &row.incident_id {
            *kinds.entry((incident.clone(), row.kind.clone())).or_default() += 1;
        }
    }
    let mut entries = Vec::new();
    for row in found {
        let kind = ClockKind::ALL.into_iter().find(|kind| kind.word() == row.kind);
        // A kind that a later version of the program knows.
        let Some(kind) = kind else { continue };
        let group = row.incident_id.clone().map(|incident| (incident, row.kind.clone()));
        let many = match &group {
            Some(group) => match kinds.get_mut(group) {
                // The first due stands for all of them.
                Some(0) => continue,
                Some(count) if *count > EACH_MAX => Some(std::mem::take(count)),
                Some(_) | None => None,
            },
            None => None,
        };
        let alarms = plans.of(kind).up_to_due().take(ALARMS_MAX).collect();
        entries.push(entry(rows, kind, &row, many, alarms)?);
    }
    Ok(entries)
}

fn entry(
    rows: &mut Rows<'_>,
    kind: ClockKind,
    row: &Row,
    many: Option<usize>,
    alarms: Vec<i32>,
) -> Result<Deadline, StoreError> {
    let uuid = |octets: &[u8]| Uuid::from_slice(octets).map_err(StoreError::corrupt(TABLE, "a stream"));
    let (reference, about) = match (&row.incident_id, &row.exchange_id) {
        (Some(incident), _) => {
            let reference = incidents::table.find(incident).select(incidents::reference);
            (reference.first::<String>(rows.db).optional()?, format!("/incidents/{}", uuid(incident)?))
        }
        (None, Some(exchange)) => {
            let reference = exchanges::table.find(exchange).select(exchanges::reference);
            (reference.first::<String>(rows.db).optional()?, format!("/received/{}", uuid(exchange)?))
        }
        (None, None) if kind.is_of_complaint() => {
            let reference = complaints::table.find(&row.stream).select(complaints::reference);
            (reference.first::<String>(rows.db).optional()?, format!("/complaints/{}", uuid(&row.stream)?))
        }
        (None, None) => (None, "/".to_owned()),
    };
    let named = match (many, &row.incident_id) {
        (Some(_), Some(incident)) => uuid(incident)?,
        (Some(_), None) | (None, _) => uuid(&row.stream)?,
    };
    let partner = match (many, &row.partner_id) {
        (None, Some(id)) => Some(partners::name(rows, partner_id(TABLE, id)?)?),
        (None, None) | (Some(_), _) => None,
    };
    let sequence: i64 =
        ledger::table.filter(ledger::stream.eq(named.as_bytes().to_vec())).count().get_result(rows.db)?;
    Ok(Deadline {
        uid: format!("{named}.{}", kind.word()),
        kind,
        due: moment(TABLE, row.due_at)?,
        anchored_at: moment(TABLE, row.anchored_at)?,
        reference: reference.unwrap_or_default(),
        partners: many.unwrap_or(usize::from(row.partner_id.is_some())),
        partner,
        exercise: row.exercise,
        sequence,
        path: about,
        alarms,
    })
}
