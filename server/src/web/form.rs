//! What a person typed, kept exactly as typed until it parses, and read into domain values with errors that name fields.
//!
//! A form is a bounded list of names and values. The same list is what a draft keeps, so that reopening a draft and
//! showing a refused form again are one thing.

use std::str::FromStr as _;

use actix_web::web;
use chrono::{NaiveDate, NaiveTime};
use domain::values::{Count, CountBasis, Known, Moment, Options, Text, ValueError, hidden};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::words::{Instants, Reader};
use crate::node::SentForm;
use crate::problem::Problem;

/// What is said of an option that is none.
const NOT_OF_THE_LIST: &str = "Choose from the list";
/// Names and values in one form; the longest has about a hundred.
const PAIRS_MAX: usize = 1_000;
/// Octets of a posted form: six long texts of 8000 characters, percent-encoded, and room.
pub const FORM_OCTETS_MAX: usize = 512 * 1_024;

/// Names and values as posted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// From a posted body.
    ///
    /// # Errors
    /// [`Problem::Malformed`] when it is no form, [`Problem::TooLarge`] beyond the limits.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        if body.len() > FORM_OCTETS_MAX {
            return Err(Problem::TooLarge);
        }
        let text = std::str::from_utf8(body).map_err(|_| Problem::Malformed("The form is not UTF-8 text."))?;
        let pairs = web::Query::<Vec<(String, String)>>::from_query(text)
            .map_err(|_| Problem::Malformed("The form could not be read."))?
            .into_inner();
        if pairs.len() > PAIRS_MAX {
            return Err(Problem::TooLarge);
        }
        Ok(Self(pairs))
    }

    /// The one-use form that this is, with all that was typed in it. One that can't be read is none that was made.
    #[must_use]
    pub fn sent(&self) -> SentForm {
        self.sent_as(Uuid::from_str(self.first("form")).unwrap_or_default())
    }

    /// The one-use form of this id, with all that was typed in it.
    #[must_use]
    pub fn sent_as(&self, id: Uuid) -> SentForm {
        let said = Sha256::new().chain_update(id.as_bytes()).chain_update(self.to_json()).finalize();
        SentForm { id, said: said.into() }
    }

    /// As a draft keeps it.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).unwrap_or_default()
    }

    /// From a kept draft; an unreadable one is an empty form.
    #[must_use]
    pub fn from_json(bytes: &[u8]) -> Self {
        Self(serde_json::from_slice(bytes).unwrap_or_default())
    }

    /// The first value of a name; empty when there is none.
    #[must_use]
    pub fn first(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// Every value of a name.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a name has a value: a ticked box, a chosen option.
    #[must_use]
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|given| given == value)
    }

    /// Whether nothing was typed that can be seen.
    #[must_use]
    pub fn is_blank(&self, name: &str) -> bool {
        hidden::shows_nothing(self.first(name))
    }

    /// Whether nothing at all was posted or kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a name to one value.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.retain(|(key, _)| key != name);
        self.0.push((name.to_owned(), value.into()));
    }

    /// Adds a value to a name.
    pub fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Drops names, such as the session's secret, before a draft is kept.
    pub fn drop_names(&mut self, names: &[&str]) {
        self.0.retain(|(key, _)| !names.contains(&key.as_str()));
    }

    /// Every name and value, in the order posted.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Puts a day into the three inputs of a date.
    pub fn set_day(&mut self, name: &str, day: NaiveDate) {
        for (part, pattern) in [("day", "%-d"), ("month", "%-m"), ("year", "%Y")] {
            self.set(&format!("{name}-{part}"), day.format(pattern).to_string());
        }
    }

    /// Puts an instant into the four inputs of a date.
    pub fn set_moment(&mut self, name: &str, at: Moment, reader: Reader) {
        for (part, value) in ["day", "month", "year", "time"].into_iter().zip(reader.inputs(at)) {
            self.set(&format!("{name}-{part}"), value);
        }
    }
}

/// One field that needs another look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name.
    pub name: String,
    /// The element that the summary links to.
    pub anchor: String,
    /// What to do, as a sentence without a full stop.
    pub message: String,
}

/// Reads a form and gathers every fault, so that a person is told all of them at once.
pub struct Reading<'a> {
    form: &'a Form,
    reader: Reader,
    errors: Vec<FieldError>,
}

impl<'a> Reading<'a> {
    /// Starts to read.
    #[must_use]
    pub const fn new(form: &'a Form, reader: Reader) -> Self {
        Self { form, reader, errors: Vec::new() }
    }

    /// Whose words and zone it is read in.
    #[must_use]
    pub const fn reader(&self) -> Reader {
        self.reader
    }

    /// The form that is read.
    #[must_use]
    pub const fn form(&self) -> &'a Form {
        self.form
    }

    /// What is now (duty time).
    #[must_use]
    pub const fn now(&self) -> Moment {
        self.reader.now()
    }

    /// Every fault found.
    #[must_use]
    pub fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }

    /// Notes a fault of a field.
    pub fn fault(&mut self, name: &str, message: impl Into<String>) {
        self.fault_at(name, name, message);
    }

    /// Records a fault of a field whose input is another element.
    pub fn fault_at(&mut self, name: &str, anchor: &str, message: impl Into<String>) {
        self.errors.push(FieldError { name: name.to_owned(), anchor: anchor.to_owned(), message: message.into() });
    }

    /// A text that has to be there.
    pub fn text<const MAX: usize>(&mut self, name: &str, missing: &str) -> Option<Text<MAX>> {
        if self.form.is_blank(name) {
            self.fault(name, missing);
            return None;
        }
        self.optional_text(name)
    }

    /// A text that may be left empty.
    pub fn optional_text<const MAX: usize>(&mut self, name: &str) -> Option<Text<MAX>> {
        match Text::parse(self.form.first(name)) {
            Ok(text) => Some(text),
            Err(ValueError::Empty) => None,
            Err(ValueError::TooLong { max }) => {
                self.fault(name, format!("Use {max} characters or fewer"));
                None
            }
            Err(ValueError::HiddenCharacter) => {
                self.fault(
                    name,
                    "Remove the characters that can\u{2019}t be seen or that turn text around: type it again",
                );
                None
            }
            Err(
                ValueError::ControlCharacter
                | ValueError::NotAnInstant
                | ValueError::NotAnId
                | ValueError::OutOfRange { .. }
                | ValueError::NotAnOption,
            ) => {
                self.fault(name, "Remove the characters that cannot be shown");
                None
            }
        }
    }

    /// A text that may not be known yet: left empty, it is not.
    pub fn known_text<const MAX: usize>(&mut self, name: &str) -> Known<Text<MAX>> {
        self.optional_text(name).map_or(Known::NotYetKnown, Known::Known)
    }

    /// One option of several that has to be chosen.
    pub fn choice<T>(&mut self, name: &str, from_word: impl Fn(&str) -> Option<T>, missing: &str) -> Option<T> {
        let chosen = from_word(self.form.first(name));
        if chosen.is_none() {
            self.fault(name, missing);
        }
        chosen
    }

    /// One option of several, or not yet known.
    pub fn known_choice<T>(&mut self, name: &str, from_word: impl Fn(&str) -> Option<T>) -> Known<T> {
        if self.form.first(name) == super::field::NOT_YET_KNOWN {
            return Known::NotYetKnown;
        }
        self.optional_choice(name, from_word).map_or(Known::NotYetKnown, Known::Known)
    }

    /// One option of several, or none. What is no option of the list is a fault, not nothing: it would be lost unseen.
    pub fn optional_choice<T>(&mut self, name: &str, from_word: impl Fn(&str) -> Option<T>) -> Option<T> {
        if self.form.is_blank(name) {
            return None;
        }
        let chosen = from_word(self.form.first(name));
        if chosen.is_none() {
            self.fault(name, NOT_OF_THE_LIST);
        }
        chosen
    }

    /// Every ticked option of several. What is no option of the list is a fault.
    pub fn ticked<T>(&mut self, name: &str, from_word: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let words = self.form.all(name).filter(|word| !word.is_empty() && *word != super::field::NOT_YET_KNOWN);
        let chosen: Option<Vec<T>> = words.map(from_word).collect();
        if chosen.is_none() {
            self.fault(name, NOT_OF_THE_LIST);
        }
        chosen.unwrap_or_default()
    }

    /// Some options of several; none, or the box *not yet known*, is not yet known.
    pub fn known_set<T: Ord>(&mut self, name: &str, from_word: impl Fn(&str) -> Option<T>) -> Known<Options<T>> {
        let chosen: Options<T> = self.ticked(name, from_word).into_iter().collect();
        if chosen.is_empty() {
            return Known::NotYetKnown;
        }
        if self.form.has(name, super::field::NOT_YET_KNOWN) {
            self.fault(name, "Tick \u{201c}not yet known\u{201d} alone, or take it away");
        }
        Known::Known(chosen)
    }

    /// A number of people or records, or not yet known.
    pub fn known_count(&mut self, name: &str) -> Known<Count> {
        let most = format!("{name}-max");
        let Some(value) = self.number(name) else {
            if self.form.is_blank(name) && !self.form.is_blank(&most) {
                self.fault(name, "Give the best present figure too, or leave both empty");
            }
            return Known::NotYetKnown;
        };
        let max = self.number(&most);
        if max.is_some_and(|max| max < value) {
            self.fault(&most, "The most cannot be smaller than the figure itself");
        }
        let basis = match self.form.first(&format!("{name}-basis")) {
            "exact" => CountBasis::Exact,
            "minimum" => CountBasis::Minimum,
            "approximate" | "" => CountBasis::Approximate,
            _ => {
                self.fault(&format!("{name}-basis"), NOT_OF_THE_LIST);
                CountBasis::Approximate
            }
        };
        Known::Known(Count { value, basis, max })
    }

    fn number(&mut self, name: &str) -> Option<u32> {
        if self.form.is_blank(name) {
            return None;
        }
        let digits: String = self.form.first(name).chars().filter(|c| !matches!(c, ',' | ' ')).collect();
        match u32::from_str(&digits) {
            Ok(number) => Some(number),
            Err(_) => {
                self.fault(name, "Give a whole number, such as 140");
                None
            }
        }
    }

    /// Whether any input of a date was filled in.
    #[must_use]
    pub fn has_moment(&self, name: &str) -> bool {
        ["day", "month", "year", "time"].into_iter().any(|part| !self.form.is_blank(&format!("{name}-{part}")))
    }

    /// A date and time that has to be there.
    pub fn moment(&mut self, name: &str, missing: &str) -> Option<Moment> {
        if !self.has_moment(name) {
            self.fault_at(name, &format!("{name}-day"), missing);
            return None;
        }
        self.optional_moment(name)
    }

    /// A day that has to be there.
    pub fn day(&mut self, name: &str, missing: &str) -> Option<NaiveDate> {
        if !self.has_moment(name) {
            self.fault_at(name, &format!("{name}-day"), missing);
            return None;
        }
        match typed_day(self.form, name) {
            Ok(day) => Some(day),
            Err(fault) => {
                self.fault_at(name, &format!("{name}-{}", fault.part), fault.message);
                None
            }
        }
    }

    /// A date and time that may be left empty.
    pub fn optional_moment(&mut self, name: &str) -> Option<Moment> {
        if !self.has_moment(name) {
            return None;
        }
        match typed_moment(self.form, name, self.reader) {
            Ok(at) => Some(at),
            Err(fault) => {
                self.fault_at(name, &format!("{name}-{}", fault.part), fault.message);
                None
            }
        }
    }
}

/// What is wrong with a typed date, and in which input.
pub struct MomentFault {
    /// `day`, `month`, `year`, `time` or `which`.
    pub part: &'static str,
    /// What to do.
    pub message: String,
    /// The two instants to choose between, when a clock change left a doubt.
    pub doubt: Option<(Moment, Moment)>,
}

impl MomentFault {
    fn new(part: &'static str, message: &str) -> Self {
        Self { part, message: message.to_owned(), doubt: None }
    }
}

/// The instant typed into the four inputs of a date, with the answer to a doubt about it when there was one.
///
/// # Errors
/// [`MomentFault`] when it is no date, or when a clock change left a doubt that was not answered.
pub fn typed_moment(form: &Form, name: &str, reader: Reader) -> Result<Moment, MomentFault> {
    let value = |part: &str| form.first(&format!("{name}-{part}")).trim().to_owned();
    let date = typed_day(form, name)?;
    let time = time(&value("time"))
        .ok_or_else(|| MomentFault::new("time", "Give the time as 24 hours and minutes, such as 02:10 or 14:30"))?;
    let (doubt, why) = match reader.instants(date, time) {
        Instants::One(at) => return Ok(at),
        Instants::Outside => return Err(MomentFault::new("year", "Give a year between 1970 and 9999")),
        Instants::Twice(a, b) => ((a, b), "That hour came twice, because the clocks went back. Say which you mean"),
        Instants::Never(a, b) => ((a, b), "That hour never was, because the clocks went forward. Say which you mean"),
    };
    match value("which").as_str() {
        "earlier" => Ok(doubt.0),
        "later" => Ok(doubt.1),
        _ => Err(MomentFault { part: "which", message: why.to_owned(), doubt: Some(doubt) }),
    }
}

/// The day typed into the first three inputs of a date.
fn typed_day(form: &Form, name: &str) -> Result<NaiveDate, MomentFault> {
    let value = |part: &str| form.first(&format!("{name}-{part}")).trim().to_owned();
    let day = u32::from_str(&value("day")).map_err(|_| MomentFault::new("day", "Give the day as a number"))?;
    let month =
        month(&value("month")).ok_or_else(|| MomentFault::new("month", "Give the month as a number from 1 to 12"))?;
    let year = i32::from_str(&value("year"))
        .ok()
        .filter(|year| (1_970..=9_999).contains(year))
        .ok_or_else(|| MomentFault::new("year", "Give the year with four figures"))?;
    NaiveDate::from_ymd_opt(year, month, day)
        .ok_or_else(|| MomentFault::new("day", "There is no such day; check day and month"))
}

/// A month as a number, or by its English name or its first three letters.
fn month(text: &str) -> Option<u32> {
    if let Ok(number) = u32::from_str(text) {
        return (1..=12).contains(&number).then_some(number);
    }
    text.parse::<chrono::Month>().ok().map(|month| month.number_from_month())
}

/// 24-hour time: "2:10", "02:10", "02.10" or "0210".
fn time(text: &str) -> Option<NaiveTime> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (hours, minutes) =
        plain.split_once([':', '.']).or_else(|| (plain.len() == 4 && plain.is_ascii()).then(|| plain.split_at(2)))?;
    if minutes.len() != 2 {
        return None;
    }
    NaiveTime::from_hms_opt(u32::from_str(hours).ok()?, u32::from_str(minutes).ok()?, 0)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn reader() -> Reader {
        Reader::new(chrono_tz::Europe::London, Moment::parse("2026-03-01T02:10:00Z").unwrap())
    }

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    /// Aim: a date typed in four inputs becomes one instant; each wrong part is named.
    #[test]
    fn reads_dates() {
        let good = form("a-day=1&a-month=july&a-year=2026&a-time=0310");
        assert_eq!(typed_moment(&good, "a", reader()).ok(), Moment::parse("2026-07-01T02:10:00Z").ok());
        for (text, part) in [
            ("a-day=x&a-month=7&a-year=2026&a-time=03:10", "day"),
            ("a-day=31&a-month=2&a-year=2026&a-time=03:10", "day"),
            ("a-day=1&a-month=13&a-year=2026&a-time=03:10", "month"),
            ("a-day=1&a-month=7&a-year=26&a-time=03:10", "year"),
            ("a-day=1&a-month=7&a-year=2026&a-time=3pm", "time"),
            ("a-day=25&a-month=10&a-year=2026&a-time=01:30", "which"),
        ] {
            assert_eq!(typed_moment(&form(text), "a", reader()).err().map(|fault| fault.part), Some(part), "{text}");
        }
    }

    /// Aim: an hour that came twice is asked about, and the answer is taken.
    #[test]
    fn answers_a_doubt() {
        let typed = form("a-day=25&a-month=10&a-year=2026&a-time=01:30&a-which=later");
        assert_eq!(typed_moment(&typed, "a", reader()).ok(), Moment::parse("2026-10-25T01:30:00Z").ok());
    }

    /// Aim: every fault of a form is gathered, and a draft gives back exactly what was typed.
    #[test]
    fn gathers_faults_and_keeps_text() {
        let typed = form("n=12x&n-max=3&t=&s=%C3%A9+%26");
        let mut reading = Reading::new(&typed, reader());
        assert!(reading.text::<200>("t", "Say it").is_none());
        assert!(reading.known_count("n").is_missing());
        let errors = reading.into_errors();
        assert_eq!(errors.iter().map(|error| error.name.as_str()).collect::<Vec<_>>(), ["t", "n"]);
        assert_eq!(Form::from_json(&typed.to_json()), typed);
        assert_eq!(typed.first("s"), "\u{e9} &");
    }
}
