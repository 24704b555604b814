//! Every table of law and guidance that the program carries, as an administrator looks at it: where it is from, when it
//! holds, how sure each line is.
//!
//! The tables are read as they are, whatever they are about, so that a line that nobody thought of is counted too. A line
//! is unverified when any word of its own about its confidence says so.

use std::sync::LazyLock;

use chrono::NaiveDate;
use serde_json::Value;

use super::Confidence;
use crate::validity::Validity;

/// File name and content. A new table is a line here; a test holds that no file of the folder is forgotten.
const FILES: [(&str, &str); 11] = [
    ("clock-terms", include_str!("../../law/clock-terms.json")),
    ("bank-holidays-england-wales", include_str!("../../law/bank-holidays-england-wales.json")),
    ("ico-report-form", include_str!("../../law/ico-report-form.json")),
    ("edpb-report-form", include_str!("../../law/edpb-report-form.json")),
    ("ico-self-assessment", include_str!("../../law/ico-self-assessment.json")),
    ("ico-incident-types", include_str!("../../law/ico-incident-types.json")),
    ("ico-bands", include_str!("../../law/ico-bands.json")),
    ("ico-benchmarks", include_str!("../../law/ico-benchmarks.json")),
    ("enisa-severity", include_str!("../../law/enisa-severity.json")),
    ("edpb-cases", include_str!("../../law/edpb-cases.json")),
    ("notification-fields", include_str!("../../law/notification-fields.json")),
];
/// What names a line, the first that it has.
const NAMES: [&str; 9] = ["label", "question", "title", "duty", "name", "code", "id", "citation", "measure"];

/// One table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its file's name.
    pub file: &'static str,
    /// What it holds.
    pub title: String,
    /// Where it is from, as far as the table as a whole says.
    pub source: String,
    /// When it was last compared, as far as it says.
    pub as_of: String,
    /// When it holds as a whole; its lines may have days of their own.
    pub validity: Validity,
    /// Lines of each confidence, surest first.
    pub counts: [(Confidence, usize); 4],
    /// What is not verified: which line, and which of its words.
    pub unverified: Vec<Unverified>,
}

/// A line that is not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unverified {
    /// What the line is about.
    pub what: String,
    /// Which of its words: "dates" for its days, "question" for its wording; empty for all of it.
    pub of: String,
}

static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| FILES.iter().map(|(file, text)| read(file, text)).collect());

/// Every table.
#[must_use]
pub fn tables() -> &'static [Table] {
    &TABLES
}

fn read(file: &'static str, text: &str) -> Table {
    let whole: Value = serde_json::from_str(text).unwrap_or_default();
    let of = |keys: &[&str]| keys.iter().find_map(|key| whole.get(key)?.as_str()).unwrap_or_default().to_owned();
    let day = |keys: &[&str]| of(keys).parse::<NaiveDate>().ok();
    let mut table = Table {
        file,
        title: of(&["title"]),
        source: of(&["source", "statement_of_source", "status", "note"]),
        as_of: of(&["as_of"]),
        validity: Validity { from: day(&["from", "first"]), until: day(&["until", "last"]) },
        counts: Confidence::ALL.map(|confidence| (confidence, 0)),
        unverified: Vec::new(),
    };
    walk(&whole, &mut table);
    table
}

fn walk(value: &Value, table: &mut Table) {
    match value {
        Value::Object(members) => {
            for (key, word) in members.iter().filter(|(key, _)| key.starts_with("confidence")) {
                let Some(confidence) = word.as_str().map(confidence) else { continue };
                let of = key.trim_start_matches("confidence").trim_start_matches('_').to_owned();
                // Other words of one line are about part of it.
                if of.is_empty() || !members.contains_key("confidence") {
                    table
                        .counts
                        .iter_mut()
                        .filter(|(known, _)| *known == confidence)
                        .for_each(|(_, count)| *count += 1);
                }
                if confidence == Confidence::Unverified {
                    table.unverified.push(Unverified { what: name(members), of });
                }
            }
            members.values().for_each(|member| walk(member, table));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, table)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The word; some tables go on after it with their reasons. Whatever is none of the words counts as unverified.
fn confidence(text: &str) -> Confidence {
    Confidence::ALL.into_iter().find(|known| text.starts_with(known.word())).unwrap_or_default()
}

fn name(members: &serde_json::Map<String, Value>) -> String {
    let named = NAMES.iter().find_map(|key| members.get(*key)?.as_str()).unwrap_or("the table");
    let regime = members.get("regime").and_then(Value::as_str).map(|regime| format!(" ({regime})"));
    format!("{}{}", named.replace('_', " "), regime.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Aim: no table of the folder is missing here, each says what it is and where from, and what is unverified is found.
    #[test]
    fn every_table_is_listed() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("law");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
            .collect();
        files.sort();
        let mut listed: Vec<String> = tables().iter().map(|table| table.file.to_owned()).collect();
        listed.sort();
        assert_eq!(listed, files);
        assert!(
            tables()
                .iter()
                .all(|table| !table.title.is_empty() && (!table.source.is_empty() || table.file == "clock-terms"))
        );
        let of = |file: &str| tables().iter().find(|table| table.file == file).unwrap();
        let terms = of("clock-terms");
        assert_eq!(terms.counts.iter().map(|(_, count)| count).sum::<usize>(), 16);
        assert_eq!(terms.unverified.iter().filter(|line| line.of.is_empty()).count(), 1);
        assert_eq!(terms.unverified.iter().filter(|line| line.of == "dates").count(), 11);
        let holidays = of("bank-holidays-england-wales");
        assert_eq!(holidays.validity.until, NaiveDate::from_ymd_opt(2030, 12, 31));
        assert!(tables().iter().flat_map(|table| &table.unverified).all(|line| !line.what.is_empty()));
        assert_eq!(confidence("anything else"), Confidence::Unverified);
    }
}
