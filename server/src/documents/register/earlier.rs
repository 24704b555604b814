//! A register that was kept elsewhere, as a CSV file: the template, and reading it with every fault named by row and column.
//!
//! A file is taken whole or not at all. What a column may hold is said by its fault, so that a file of hundreds of rows is
//! mended in one go.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _};
use chrono_tz::Tz;
use domain::facts::{Cause, DataCategory, DiscoveryMethod, Facts, IcoCategory, IncidentKind, Nature, SubjectCategory};
use domain::incident::Awareness;
use domain::incident::register::{Imported, Outcome, Record};
use domain::values::{Count, CountBasis, IncidentId, Known, Line, LongText, Moment, Options, ServiceId, Text, Title};
use uuid::Uuid;

use super::words_of;
use crate::documents::csv::read as csv;

/// The largest file, in octets.
pub const FILE_OCTETS_MAX: usize = 2 * 1024 * 1024;
/// Rows of one file.
pub const ROWS_MAX: usize = 1_000;
/// Faults named at once.
const FAULTS_MAX: usize = 200;
/// The columns, in the order of the template.
pub const COLUMNS: [&str; 20] = [
    "reference",
    "title",
    "summary",
    "kind",
    "aware_at",
    "entered_at",
    "state",
    "ico_category",
    "cause",
    "nature",
    "data_categories",
    "subject_categories",
    "people",
    "records",
    "services",
    "how_it_became_known",
    "measures",
    "reported_to_ico",
    "reported_at",
    "ico_reference",
];
/// Said where the earlier register says nothing.
const NOT_SAID: &str = "The earlier register does not say.";

/// An entry, with the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line of the file.
    pub line: u32,
    /// The entry; its id is still to be made.
    pub record: Record,
}

/// What can't be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line of the file; the first is 1.
    pub line: u32,
    /// The column, or nothing when it is the whole row.
    pub column: &'static str,
    /// What is right, as a sentence without a full stop.
    pub message: String,
}

/// An example of the file: headings and two rows.
#[must_use]
pub fn template() -> String {
    let mut text = String::new();
    super::csv::line(&mut text, COLUMNS.into_iter());
    let first = [
        "DB-2024-017",
        "Letter to a former address",
        "A letter about a claim went to an address that was out of date.",
        "breach",
        "2024-05-14 09:30",
        "2024-05-14",
        "closed",
        "Non Cyber",
        "internal_accidental",
        "confidentiality",
        "basic_identifiers; health",
        "customers",
        "1",
        "1",
        "",
        "The recipient rang us.",
        "Address checked at each letter.",
        "no",
        "",
        "",
    ];
    let second = [
        "DB-2024-018",
        "Laptop left on a train",
        "",
        "breach",
        "2024-06-03 18:05",
        "",
        "closed",
        "Non Cyber",
        "internal_accidental",
        "confidentiality; availability",
        "basic_identifiers",
        "employees",
        "40",
        "40",
        "",
        "",
        "",
        "yes",
        "2024-06-05 11:00",
        "IC-123456-A1B2",
    ];
    super::csv::line(&mut text, first.into_iter());
    super::csv::line(&mut text, second.into_iter());
    text
}

/// Reads a file. `services` are those known, by name.
///
/// # Errors
/// Every fault, up to 200.
pub fn parse(text: &str, services: &[(ServiceId, String)], zone: Tz) -> Result<Vec<Row>, Vec<Fault>> {
    let whole = |line: u32, message: &str| vec![Fault { line, column: "", message: message.to_owned() }];
    if let Some(line) = (1..).zip(text.lines()).find(|(_, line)| line.contains('\u{fffd}')).map(|(line, _)| line) {
        return Err(whole(line, "Save it as CSV in UTF-8: this line holds letters that can\u{2019}t be read"));
    }
    let lines =
        csv::read(text).map_err(|line| whole(line, "Save it as CSV with commas: this line can\u{2019}t be read"))?;
    let mut lines = lines.into_iter();
    let Some((heading, names)) = lines.next() else { return Err(whole(1, "The file is empty")) };
    let columns = columns(heading, &names)?;
    let mut reading = Reading { columns, services, zone, line: 0, cells: Vec::new(), faults: Vec::new() };
    let mut rows = Vec::new();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for (line, cells) in lines {
        if rows.len() >= ROWS_MAX {
            return Err(whole(line, "Take at most 1,000 rows in one file: split it"));
        }
        (reading.line, reading.cells) = (line, cells);
        if let Some(record) = reading.record() {
            let key = record.reference.as_str().to_uppercase();
            if let Some(first) = seen.insert(key, line) {
                reading.fault("reference", format!("Give each entry its own reference: line {first} has this one too"));
            }
            rows.push(Row { line, record });
        }
    }
    if rows.is_empty() && reading.faults.is_empty() {
        return Err(whole(heading, "There are no entries below the headings"));
    }
    if reading.faults.is_empty() { Ok(rows) } else { Err(reading.faults) }
}

/// Where each known column stands.
fn columns(line: u32, names: &[String]) -> Result<BTreeMap<&'static str, usize>, Vec<Fault>> {
    let mut columns = BTreeMap::new();
    let mut faults = Vec::new();
    let mut fault = |message: String| faults.push(Fault { line, column: "", message });
    for (at, name) in names.iter().enumerate() {
        let name = name.trim().to_lowercase();
        if name.is_empty() {
            continue;
        }
        match COLUMNS.into_iter().find(|known| *known == name) {
            Some(known) => {
                if columns.insert(known, at).is_some() {
                    fault(format!("The column {known} is there twice"));
                }
            }
            None => {
                let shown: String = name.chars().take(40).collect();
                fault(format!("There is no column \u{201c}{shown}\u{201d}: use the names of the template"));
            }
        }
    }
    for needed in ["reference", "title", "aware_at"] {
        if !columns.contains_key(needed) {
            fault(format!("The column {needed} is missing"));
        }
    }
    if faults.is_empty() { Ok(columns) } else { Err(faults) }
}

struct Reading<'a> {
    columns: BTreeMap<&'static str, usize>,
    services: &'a [(ServiceId, String)],
    zone: Tz,
    line: u32,
    cells: Vec<String>,
    faults: Vec<Fault>,
}

impl Reading<'_> {
    fn fault(&mut self, column: &'static str, message: impl Into<String>) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { line: self.line, column, message: message.into() });
        }
    }

    /// What a column says. An apostrophe before what a spreadsheet would run was put there for it.
    fn cell(&self, column: &str) -> String {
        let at = self.columns.get(column);
        let cell = at.and_then(|at| self.cells.get(*at)).map_or("", |cell| cell.trim());
        match cell.strip_prefix('\'') {
            Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest.to_owned(),
            Some(_) | None => cell.to_owned(),
        }
    }

    fn record(&mut self) -> Option<Record> {
        let faults = self.faults.len();
        let reference: Option<Line> = self.needed("reference", "Give the reference that the entry had");
        let title: Option<Title> = self.needed("title", "Say in a few words what happened");
        let aware = self.instant("aware_at");
        if aware.is_none() && self.cell("aware_at").is_empty() {
            self.fault("aware_at", "Say when you became aware, such as 2024-05-14 09:30");
        }
        let entered = self.instant("entered_at");
        let kind = self.kind();
        let not_a_breach =
            self.one_of("state", &["closed", "not_a_breach"]).is_some_and(|state| state == "not_a_breach");
        let outcome = self.outcome();
        let services = self.services();
        let ico_reference = self.text("ico_reference");
        let facts = self.facts(title.clone());
        if self.faults.len() > faults {
            return None;
        }
        let (reference, aware, kind) = (reference?, aware?, kind?);
        let awareness = match kind {
            IncidentKind::Breach => Awareness { circumstances: None, breach: Some(aware) },
            IncidentKind::LikelyToGiveRise | IncidentKind::UnderInvestigation => {
                Awareness { circumstances: Some(aware), breach: None }
            }
        };
        // A day alone begins at midnight; it was entered on that day, not before anybody knew.
        let recorded_at = entered.map_or(aware, |entered| entered.max(self.same_day(entered, aware)));
        Some(Record {
            id: IncidentId::from_uuid(Uuid::nil()),
            reference,
            kind,
            facts: Box::new(facts?),
            awareness,
            services,
            not_a_breach,
            imported: Imported { recorded_at, outcome: outcome?, ico_reference },
        })
    }

    fn same_day(&self, entered: Moment, aware: Moment) -> Moment {
        let day = |at: Moment| at.to_chrono().with_timezone(&self.zone).date_naive();
        if day(entered) == day(aware) { aware } else { entered }
    }

    fn facts(&mut self, title: Option<Title>) -> Option<Facts> {
        let summary = self.text("summary").or_else(|| LongText::parse(NOT_SAID).ok());
        let aware_basis = self.text("how_it_became_known").or_else(|| LongText::parse(NOT_SAID).ok());
        let measures: Option<LongText> = self.text("measures");
        let nature = self.several("nature", Nature::from_word);
        let data = self.several("data_categories", DataCategory::from_word);
        let subjects = self.several("subject_categories", SubjectCategory::from_word);
        Some(Facts {
            title: title?,
            summary: summary?,
            occurred: Known::NotYetKnown,
            detected_at: None,
            aware_basis: aware_basis?,
            discovery_method: DiscoveryMethod::Other,
            nature,
            ongoing: Known::NotYetKnown,
            cause: self.known("cause", Cause::from_word),
            ico_category: self.known("ico_category", IcoCategory::from_word),
            data_unintelligible: Known::NotYetKnown,
            recipients_of_data: Known::NotYetKnown,
            data_categories: data,
            subject_categories: subjects,
            data_subjects: self.count("people"),
            records: self.count("records"),
            likely_consequences: Known::NotYetKnown,
            actual_harm: None,
            risk_view: Known::NotYetKnown,
            containment: measures.map_or(Known::NotYetKnown, Known::Known),
            mitigation: Known::NotYetKnown,
            asked_of_recipient: None,
            notified_late_reason: None,
        })
    }

    fn text<const MAX: usize>(&mut self, column: &'static str) -> Option<Text<MAX>> {
        let cell = self.cell(column);
        if cell.is_empty() {
            return None;
        }
        match Text::parse(&cell) {
            Ok(text) => Some(text),
            Err(error) => {
                self.fault(column, format!("Change the text: {error}"));
                None
            }
        }
    }

    fn needed<const MAX: usize>(&mut self, column: &'static str, message: &str) -> Option<Text<MAX>> {
        if self.cell(column).is_empty() {
            self.fault(column, message);
            return None;
        }
        self.text(column)
    }

    fn one_of(&mut self, column: &'static str, all: &[&'static str]) -> Option<&'static str> {
        let cell = self.cell(column);
        let found = all.iter().copied().find(|word| word.eq_ignore_ascii_case(&cell));
        if found.is_none() && !cell.is_empty() {
            self.fault(column, format!("Give one of: {}", all.join(", ")));
        }
        found
    }

    fn kind(&mut self) -> Option<IncidentKind> {
        if self.cell("kind").is_empty() {
            return Some(IncidentKind::Breach);
        }
        self.one_of("kind", &["breach", "likely_to_give_rise"]).map(|word| match word {
            "breach" => IncidentKind::Breach,
            _ => IncidentKind::LikelyToGiveRise,
        })
    }

    fn known<T>(&mut self, column: &'static str, from_word: impl Fn(&str) -> Option<T>) -> Known<T> {
        let word = self.one_of(column, &words_of(column));
        word.and_then(from_word).map_or(Known::NotYetKnown, Known::Known)
    }

    fn several<T: Ord>(&mut self, column: &'static str, from_word: impl Fn(&str) -> Option<T>) -> Known<Options<T>> {
        let cell = self.cell(column);
        let mut chosen = Options::new();
        for word in cell.split(';').map(str::trim).filter(|word| !word.is_empty()) {
            match from_word(&word.to_lowercase()) {
                Some(option) => {
                    chosen.insert(option);
                }
                None => self.fault(
                    column,
                    format!("Give one or more, with semicolons between, of: {}", words_of(column).join(", ")),
                ),
            }
        }
        if chosen.is_empty() { Known::NotYetKnown } else { Known::Known(chosen) }
    }

    fn count(&mut self, column: &'static str) -> Known<Count> {
        let cell = self.cell(column).replace(',', "");
        if cell.is_empty() {
            return Known::NotYetKnown;
        }
        match cell.parse() {
            Ok(value) => Known::Known(Count { value, basis: CountBasis::Exact, max: None }),
            Err(_) => {
                self.fault(column, "Give a whole number, or nothing when it is not known");
                Known::NotYetKnown
            }
        }
    }

    fn services(&mut self) -> Options<ServiceId> {
        let cell = self.cell("services");
        let mut chosen = Options::new();
        for name in cell.split(';').map(str::trim).filter(|name| !name.is_empty()) {
            match self.services.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)) {
                Some((id, _)) => {
                    chosen.insert(*id);
                }
                None => self.fault("services", "Give names of services that are known here, with semicolons between"),
            }
        }
        chosen
    }

    fn outcome(&mut self) -> Option<Outcome> {
        let reported_at = self.instant("reported_at");
        let faults = self.faults.len();
        let said = self.one_of("reported_to_ico", &["yes", "no"]);
        if self.faults.len() > faults {
            return None;
        }
        match (said, reported_at) {
            (Some("yes"), Some(at)) => Some(Outcome::Reported { at }),
            (Some("yes"), None) => {
                if self.cell("reported_at").is_empty() {
                    self.fault("reported_at", "Say when it was reported, such as 2024-06-05 11:00");
                }
                None
            }
            (Some(_), None) => Some(Outcome::NotReported),
            (None, None) => Some(Outcome::NotStated),
            (Some(_) | None, Some(_)) => {
                self.fault("reported_to_ico", "Say yes here, or leave the time of the report empty");
                None
            }
        }
    }

    /// A day, or a day and a time: as in 2024-05-14, 2024-05-14 09:30, 14/05/2024 09:30, or RFC 3339 with its zone. Without
    /// one it is the zone of this node.
    fn instant(&mut self, column: &'static str) -> Option<Moment> {
        let cell = self.cell(column);
        if cell.is_empty() {
            return None;
        }
        let found = Moment::parse(&cell).ok().or_else(|| self.local(&cell));
        if found.is_none() {
            self.fault(
                column,
                "Give a real date, with or without a time, such as 2024-05-14 09:30 or 14/05/2024 09:30",
            );
        }
        found
    }

    fn local(&self, text: &str) -> Option<Moment> {
        let timed = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M"];
        let dated = ["%Y-%m-%d", "%d/%m/%Y"];
        let timed = timed.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
        let dated = || dated.iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok());
        let naive = timed.or_else(|| dated().map(|date| date.and_time(NaiveTime::MIN)))?;
        let local = self.zone.from_local_datetime(&naive).earliest()?;
        Moment::from_micros(local.timestamp_micros()).ok()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use chrono_tz::Europe::London;

    use super::*;

    fn faults(text: &str) -> Vec<(u32, &'static str)> {
        parse(text, &[], London).unwrap_err().iter().map(|fault| (fault.line, fault.column)).collect()
    }

    /// Aim: the template itself is taken.
    #[test]
    fn the_template_is_taken() {
        let rows = parse(&template(), &[], London).unwrap();
        assert_eq!((rows.len(), rows[0].line, rows[1].line), (2, 2, 3));
        let record = &rows[0].record;
        assert_eq!(record.awareness.breach, Moment::parse("2024-05-14T08:30:00Z").ok());
        assert_eq!(
            record.imported.recorded_at,
            record.awareness.breach.unwrap(),
            "the day alone is not before awareness"
        );
        assert_eq!(record.imported.outcome, Outcome::NotReported);
        let Outcome::Reported { at } = rows[1].record.imported.outcome else { unreachable!("it was reported") };
        assert_eq!(at, Moment::parse("2024-06-05T10:00:00Z").unwrap());
    }

    /// Aim: every broken row is named with its line and column, also after rows with line breaks in them.
    #[test]
    fn faults_name_row_and_column() {
        let text = "reference,title,aware_at,people,cause,reported_to_ico\n\
                    A,\"two\nlines\",2024-01-01,1,,\n\
                    B,Good,2024-01-01 10:00,twelve,nobody,perhaps\n\
                    ,Bad,32/01/2024,,,\n\
                    a,Good,2024-01-02,,,yes\n";
        assert_eq!(
            faults(text),
            [
                (4, "reported_to_ico"),
                (4, "cause"),
                (4, "people"),
                (5, "reference"),
                (5, "aware_at"),
                (6, "reported_at"),
            ]
        );
        assert_eq!(faults("reference,title,aware_at\nA,x,2024-01-01\na,y,2024-01-02\n"), [(3, "reference")]);
    }

    /// Aim: headings are checked, and a file without entries says so.
    #[test]
    fn headings_are_checked() {
        assert_eq!(faults("reference,title,colour\nA,b,c\n"), [(1, ""), (1, "")]);
        assert_eq!(faults(""), [(1, "")]);
        assert_eq!(faults("reference,title,aware_at\n"), [(1, "")]);
        assert_eq!(faults("reference,title,aware_at\n\"A,b,c\n"), [(2, "")]);
        assert_eq!(faults("reference,title,aware_at\nA,b,2024-01-01\nB,caf\u{fffd},2024-01-01\n"), [(3, "")]);
    }

    /// Aim: a cell of 200 KB is a fault of its column; what a spreadsheet would run is text; a comma in a count is none.
    #[test]
    fn strange_cells_are_taken_or_named() {
        let file = |title: &str| format!("reference,title,aware_at,people\nA,{title},2024-01-01,\"1,204\"\n");
        assert_eq!(faults(&file(&"x".repeat(200_000))), [(2, "title")]);
        let rows = parse(&file("'=HYPERLINK(1)"), &[], London).unwrap();
        assert_eq!(rows[0].record.facts.title.as_str(), "=HYPERLINK(1)");
        assert_eq!(rows[0].record.facts.data_subjects.as_option().unwrap().value, 1_204);
    }

    /// Aim: no more rows than one file may hold.
    #[test]
    fn a_file_has_its_limit() {
        let mut text = "reference,title,aware_at\n".to_owned();
        for n in 0..=ROWS_MAX {
            text.push_str(&format!("R{n},x,2024-01-01\n"));
        }
        assert_eq!(faults(&text), [(1_002, "")]);
    }
}
