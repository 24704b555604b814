//! From text to records.

use std::ops::Range;

use domain::directory::{Directory, FAULTS_MAX, Fault, Key, RecordKind, check};
use domain::values::{ValueError, hidden};
use serde::de::{DeserializeOwned, IntoDeserializer as _};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{FILE_OCTETS_MAX, FORMAT, RowError};

/// Members that hold longer texts; all others hold lines.
const LONG_TEXTS: [&str; 2] = ["operation", "notes"];

/// Reads a file. `known` is what the node knows already: references may lead there.
///
/// # Errors
/// Every row that can't be taken, at most 100 of them, in the order of their lines.
pub fn parse(text: &str, known: &Directory) -> Result<Directory, Vec<RowError>> {
    let mut reading = Reading { lines: Lines::of(text), errors: Vec::new(), places: Vec::new() };
    let directory = reading.read(text);
    let Reading { lines, mut errors, places } = reading;
    match directory {
        Some(directory) if errors.is_empty() => {
            let faults = check(&directory, known);
            if faults.is_empty() {
                return Ok(directory);
            }
            errors = faults.into_iter().map(|fault| located(&fault, &places, &lines)).collect();
        }
        Some(_) | None => {}
    }
    errors.sort_by_key(|error| error.line);
    errors.truncate(FAULTS_MAX);
    Err(errors)
}

/// Reads a file without asking whether its records fit together.
#[cfg(test)]
pub(super) fn records(text: &str) -> Result<Directory, Vec<RowError>> {
    let mut reading = Reading { lines: Lines::of(text), errors: Vec::new(), places: Vec::new() };
    match reading.read(text) {
        Some(directory) if reading.errors.is_empty() => Ok(directory),
        Some(_) | None => Err(reading.errors),
    }
}

/// Where lines begin, to name the line of an octet.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at.saturating_add(1))).collect())
    }

    fn line(&self, octet: usize) -> u32 {
        u32::try_from(self.0.partition_point(|start| *start <= octet)).unwrap_or(u32::MAX)
    }
}

/// Where a record stands in the file.
struct Place {
    at: (RecordKind, usize),
    octet: usize,
}

fn located(fault: &Fault, places: &[Place], lines: &Lines) -> RowError {
    let place = fault.at.and_then(|at| places.iter().find(|place| place.at == at));
    RowError {
        line: lines.line(place.map_or(0, |place| place.octet)),
        what: fault.what(),
        message: fault.message.clone(),
    }
}

struct Reading {
    lines: Lines,
    errors: Vec<RowError>,
    places: Vec<Place>,
}

type Table<'a> = DeTable<'a>;
type Value<'a> = Spanned<DeValue<'a>>;

impl Reading {
    fn read(&mut self, text: &str) -> Option<Directory> {
        if text.len() > FILE_OCTETS_MAX {
            self.file(0, "it is larger than 2 MiB".to_owned());
            return None;
        }
        let mut table: Table<'_> = match DeTable::parse(text) {
            Ok(table) => table.into_inner(),
            Err(error) => {
                self.file(error.span().map_or(0, |span| span.start), error.message().to_owned());
                return None;
            }
        };
        self.format(&mut table);
        let us = self.us(&mut table);
        let directory = Directory {
            us,
            parties: self.rows(&mut table, RecordKind::Party),
            services: self.rows(&mut table, RecordKind::Service),
            agreements: self.rows(&mut table, RecordKind::Agreement),
            arrangements: self.rows(&mut table, RecordKind::Arrangement),
        };
        for (name, _) in table {
            let message = format!("\"{}\" is no part of this format", name.get_ref());
            self.file(name.span().start, message);
        }
        Some(directory)
    }

    fn file(&mut self, octet: usize, message: String) {
        self.errors.push(RowError { line: self.lines.line(octet), what: "the file".to_owned(), message });
    }

    fn format(&mut self, table: &mut Table<'_>) {
        match table.remove("format") {
            Some(format) if format.get_ref().as_str() == Some(FORMAT) => {}
            Some(format) => self.file(format.span().start, format!("its format must be \"{FORMAT}\"")),
            None => self.file(0, format!("it must begin with format = \"{FORMAT}\"")),
        }
    }

    fn us(&mut self, table: &mut Table<'_>) -> Option<Key> {
        let us = table.remove("us")?;
        let octet = us.span().start;
        match read_one::<Key>(us) {
            Ok(key) => Some(key),
            Err((_, message)) => {
                self.errors.push(RowError { line: self.lines.line(octet), what: "us".to_owned(), message });
                None
            }
        }
    }

    /// All rows of a kind. Those that can't be read are named and left out; then nothing is taken anyway.
    fn rows<T: DeserializeOwned>(&mut self, table: &mut Table<'_>, kind: RecordKind) -> Vec<T> {
        let Some(rows) = table.remove(kind.word()) else { return Vec::new() };
        let octet = rows.span().start;
        let DeValue::Array(rows) = rows.into_inner() else {
            self.file(octet, format!("write each one as [[{}]]", kind.word()));
            return Vec::new();
        };
        if rows.len() > kind.max() {
            self.file(octet, format!("it has more than {} of [[{}]]", kind.max(), kind.word()));
            return Vec::new();
        }
        let mut read = Vec::with_capacity(rows.len());
        for (index, mut row) in rows.into_iter().enumerate() {
            let octet = row.span().start;
            self.places.push(Place { at: (kind, index), octet });
            let key = row.get_ref().get("key").and_then(|key| key.get_ref().as_str()).unwrap_or_default().to_owned();
            dates_as_text(&mut row);
            if let Some(span) = misleading(&row, "") {
                let what = format!("{} {} \"{}\"", kind.word(), index.saturating_add(1), key.escape_debug());
                let message = ValueError::HiddenCharacter.to_string();
                self.errors.push(RowError { line: self.lines.line(span.start), what, message });
                continue;
            }
            match read_one(row) {
                Ok(record) => read.push(record),
                Err((span, message)) => {
                    let number = index.saturating_add(1);
                    let what = format!("{} {number} \"{}\"", kind.word(), key.escape_debug());
                    let line = self.lines.line(span.map_or(octet, |span| span.start));
                    self.errors.push(RowError { line, what, message });
                }
            }
        }
        read
    }
}

/// One value; a fault with its place, on one line.
fn read_one<T: DeserializeOwned>(value: Value<'_>) -> Result<T, (Option<Range<usize>>, String)> {
    T::deserialize(value.into_deserializer())
        .map_err(|error| (error.span(), error.message().trim_end_matches('.').replace('\n', ", ")))
}

/// The first text that would mislead its reader, by the rule for the member that it is of.
fn misleading(value: &Value<'_>, member: &str) -> Option<Range<usize>> {
    let misleads = if LONG_TEXTS.contains(&member) { hidden::text_misleads } else { hidden::line_misleads };
    match value.get_ref() {
        DeValue::String(text) => {
            let nothing = !text.trim().is_empty() && hidden::shows_nothing(text);
            (nothing || misleads(text)).then(|| value.span())
        }
        DeValue::Array(items) => items.iter().find_map(|item| misleading(item, member)),
        DeValue::Table(table) => table.iter().find_map(|(name, item)| misleading(item, name.get_ref())),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => None,
    }
}

/// TOML's own dates are as good as quoted ones.
fn dates_as_text(value: &mut Value<'_>) {
    match value.get_mut() {
        DeValue::Datetime(date) => {
            let text = date.to_string();
            *value.get_mut() = DeValue::String(text.into());
        }
        DeValue::Array(items) => items.iter_mut().for_each(dates_as_text),
        DeValue::Table(table) => table.iter_mut().for_each(|(_, item)| dates_as_text(item)),
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => {}
    }
}
