//! The register as files: its lines in CSV, JSON and XLSX, figures that show nobody, and files of earlier registers.
//!
//! Every file says of each line whether it is a drill. What leaves a node is noted in its ledger by whoever asks for it.

pub mod aggregate;
pub mod costs;
pub mod earlier;
pub mod labels;
pub mod paper;
pub mod query;
pub mod sheet;
pub mod statistics;

use domain::facts::{Cause, DataCategory, IcoCategory, Nature, SubjectCategory};
use domain::ico_bands;
use domain::incident::costs::decimal;
use domain::incident::decision::People;
use domain::values::Moment;
use serde_json::{Map, Value, json};

use super::csv;
use crate::store::queries::register::{Entry, Of, OfService, UNKNOWN};

/// The columns of a line, in the order of the files.
pub const COLUMNS: [&str; 27] = [
    "reference",
    "exercise",
    "source",
    "title",
    "kind",
    "state",
    "entered_at",
    "aware_at",
    "ico_category",
    "cause",
    "nature",
    "data_categories",
    "subject_categories",
    "people",
    "people_band",
    "records",
    "services",
    "partners_owed",
    "ico_duty",
    "ico_due_at",
    "ico_ended_at",
    "ico_report",
    "told_by",
    "ico_type",
    "cost_gbp",
    "cost_estimated_gbp",
    "id",
];

/// One value of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A number; absent when it is not known.
    Number(Option<u32>),
    /// An amount in pence; absent when there is none. Pounds in tables, pence in JSON.
    Money(Option<i64>),
}

/// The values of a line, in the order of [`COLUMNS`].
#[must_use]
pub fn cells(entry: &Entry) -> [Cell; 27] {
    let text = |text: &str| Cell::Text(text.to_owned());
    let at = |at: Option<Moment>| Cell::Text(at.map(|at| at.to_string()).unwrap_or_default());
    let many = |words: Vec<&str>| Cell::Text(words.join("; "));
    let notice = matches!(entry.of, Of::Notice(_));
    let id = match entry.of {
        Of::Incident(id) => id.to_string(),
        Of::Notice(id) => id.to_string(),
    };
    [
        text(&entry.reference),
        text(if entry.exercise { "EXERCISE" } else { "no" }),
        text(&entry.source),
        text(&entry.title),
        text(kind_word(entry)),
        text(&entry.stage),
        at(Some(entry.at)),
        at(entry.aware_at),
        text(&entry.category),
        text(&entry.cause),
        many(entry.natures.iter().map(|nature| nature.word()).collect()),
        many(entry.data.iter().map(|data| data.word()).collect()),
        many(entry.subjects.iter().map(|subject| subject.word()).collect()),
        Cell::Number(entry.people),
        text(if notice { "" } else { band_label(&entry.people_band) }),
        Cell::Number(entry.records),
        Cell::Number(Some(entry.services)),
        Cell::Number(Some(entry.owed)),
        text(&entry.ico),
        at(entry.ico_due_at),
        at(entry.ico_ended_at),
        text(&entry.report),
        text(entry.partner.as_ref().map_or("", |(_, name)| name)),
        text(entry.ico_type.as_ref().map_or("", |kind| kind.word())),
        Cell::Money(entry.cost),
        Cell::Money(entry.cost_estimated),
        Cell::Text(id),
    ]
}

/// The word of a kind.
#[must_use]
pub const fn kind_word(entry: &Entry) -> &'static str {
    use domain::facts::IncidentKind;
    match entry.kind {
        IncidentKind::Breach => "breach",
        IncidentKind::LikelyToGiveRise => "likely_to_give_rise",
        IncidentKind::UnderInvestigation => "under_investigation",
    }
}

/// The line with the names of the columns.
#[must_use]
pub fn heading() -> String {
    let mut text = String::new();
    csv::line(&mut text, COLUMNS.into_iter());
    text
}

/// Lines as CSV.
#[must_use]
pub fn to_csv(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        let cells = cells(entry).map(|cell| match cell {
            Cell::Text(text) => text,
            Cell::Number(number) => number.map(|number| number.to_string()).unwrap_or_default(),
            Cell::Money(pence) => pence.map(decimal).unwrap_or_default(),
        });
        csv::line(&mut text, cells.iter().map(String::as_str));
    }
    text
}

/// A line as JSON: the columns by their names, lists as lists, amounts in whole pence as `cost_pence` and so on.
#[must_use]
pub fn to_json(entry: &Entry) -> Value {
    let mut members = Map::new();
    for (name, cell) in COLUMNS.into_iter().zip(cells(entry)) {
        let value = match cell {
            Cell::Text(text) if text.is_empty() => Value::Null,
            Cell::Text(text) => Value::from(text),
            Cell::Number(number) => number.map_or(Value::Null, Value::from),
            Cell::Money(pence) => pence.map_or(Value::Null, Value::from),
        };
        let name = name.strip_suffix("_gbp").map_or_else(|| name.to_owned(), |stem| format!("{stem}_pence"));
        members.insert(name, value);
    }
    members.insert("exercise".to_owned(), Value::Bool(entry.exercise));
    members.insert("nature".to_owned(), entry.natures.iter().map(|nature| nature.word()).collect());
    members.insert("data_categories".to_owned(), entry.data.iter().map(|data| data.word()).collect());
    members.insert("subject_categories".to_owned(), entry.subjects.iter().map(|subject| subject.word()).collect());
    Value::Object(members)
}

/// What an assessment of a service's risks (Article 35) asks of the register: its incidents, what caused them, what kinds of
/// data they touched and how many were late.
#[must_use]
pub fn service_json(found: &OfService) -> Value {
    let OfService { name, entries, measures, whole } = found;
    let mut causes: std::collections::BTreeMap<&str, u32> = std::collections::BTreeMap::new();
    let mut data: std::collections::BTreeMap<&str, u32> = std::collections::BTreeMap::new();
    for entry in entries {
        let n = causes.entry(&entry.cause).or_default();
        *n = n.saturating_add(1);
        for category in &entry.data {
            let n = data.entry(category.word()).or_default();
            *n = n.saturating_add(1);
        }
    }
    let lines: Vec<Value> = entries
        .iter()
        .zip(measures.iter().map(Some).chain(std::iter::repeat(None)))
        .map(|(entry, measures)| {
            let mut line = to_json(entry);
            if let Value::Object(members) = &mut line {
                members.insert("measures".to_owned(), json!(measures.cloned().unwrap_or_default()));
            }
            line
        })
        .collect();
    json!({
        "format": "tocsin-service-incidents-1",
        "service": name,
        "exercises": "left out",
        "whole": whole,
        "incidents": entries.len(),
        "late_to_the_ico": entries.iter().filter(|entry| matches!(entry.ico.as_str(), "met_late" | "overdue")).count(),
        "causes": causes,
        "data_categories": data,
        "lines": lines,
    })
}

/// The ICO's label of a band of people.
#[must_use]
pub fn band_label(code: &str) -> &'static str {
    let people = &ico_bands::bands().people;
    let known = people.bands.iter().map(|row| &row.band).chain([&people.unknown]);
    known.into_iter().find(|band| band.code == code).map_or("None", |band| band.label.as_str())
}

/// The label of a cause.
#[must_use]
pub fn cause_label(word: &str) -> &'static str {
    Cause::from_word(word).map_or("Not yet known", Cause::label)
}

/// The label of a category.
#[must_use]
pub fn category_label(word: &str) -> &'static str {
    IcoCategory::from_word(word).map_or("Not yet known", IcoCategory::label)
}

/// The label of a kind of data: the ICO's.
#[must_use]
pub fn data_label(word: &str) -> &'static str {
    DataCategory::from_word(word).map_or("Not yet known", DataCategory::label)
}

/// The label of a decision about telling people.
#[must_use]
pub fn people_label(word: &str) -> &'static str {
    let alone = [
        People::Tell,
        People::RequiredByRegulator { reference: None },
        People::RiskNotHigh,
        People::Unreadable,
        People::HighRiskRemoved,
    ];
    // The one left says in words how the public is told.
    alone.iter().find(|people| people.word() == word).map_or("A public notice in place of telling each", People::label)
}

/// Words of what was lost and of kinds of people, for files that are read in.
#[must_use]
pub fn words_of(column: &str) -> Vec<&'static str> {
    match column {
        "nature" => Nature::ALL.iter().map(|option| option.word()).collect(),
        "data_categories" => DataCategory::ALL.iter().map(|option| option.word()).collect(),
        "subject_categories" => SubjectCategory::ALL.iter().map(|option| option.word()).collect(),
        "cause" => Cause::ALL.iter().map(|option| option.word()).chain([UNKNOWN]).collect(),
        "ico_category" => IcoCategory::ALL.iter().map(|option| option.word()).chain([UNKNOWN]).collect(),
        _ => Vec::new(),
    }
}
