//! The forms of records: what each asks, how it is read, and how a record is laid out in it. Reading what a filled-in form
//! holds gives the same record.

mod agreement;
mod arrangement;
mod party;
mod service;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use domain::arrangement::{FallbackContact, Trigger};
use domain::directory::Key;
use domain::values::{Hours, Line};

use crate::store::queries::directory::Known;
use crate::web::field::Field;
use crate::web::form::{Form, Reading};

/// Entries of one list.
const LINES_MAX: usize = 200;
/// How dates may be typed; the first is how they are shown.
const DATES: [&str; 4] = ["%d %B %Y", "%d %b %Y", "%Y-%m-%d", "%d/%m/%Y"];
/// The word of a trigger in forms.
const TRIGGERS: [(Trigger, &str); 2] =
    [(Trigger::BreachOrCircumstances, "breach_or_circumstances"), (Trigger::BreachOnly, "breach_only")];

const ONE_PER_LINE: &str = "One per line.";

fn put(form: &mut Form, name: &str, value: Option<&impl ToString>) {
    form.set(name, value.map(ToString::to_string).unwrap_or_default());
}

fn put_lines(form: &mut Form, name: &str, values: &[Line]) {
    let lines: Vec<String> = values.iter().map(|value| value.as_str().replace('\n', " ")).collect();
    form.set(name, lines.join("\n"));
}

/// Lines of a text area, each a value; empty ones are none.
fn lines(reading: &mut Reading<'_>, name: &str) -> Vec<Line> {
    let typed = reading.form().first(name).to_owned();
    let typed: Vec<&str> = typed.lines().filter(|line| !line.trim().is_empty()).collect();
    if typed.len() > LINES_MAX {
        reading.fault(name, format!("Give at most {LINES_MAX} lines"));
        return Vec::new();
    }
    let mut values = Vec::with_capacity(typed.len());
    for (number, line) in typed.into_iter().enumerate() {
        match Line::parse(line) {
            Ok(value) => values.push(value),
            Err(error) => reading.fault(name, format!("Look at line {}: {error}", number.saturating_add(1))),
        }
    }
    values
}

/// Whole hours, or nothing.
fn hours(reading: &mut Reading<'_>, name: &str) -> Option<Hours> {
    if reading.form().is_blank(name) {
        return None;
    }
    let hours = reading.form().first(name).trim().parse().ok().and_then(|hours: u16| Hours::new(hours).ok());
    if hours.is_none() {
        reading.fault(name, "Give whole hours from 1 to 8784, such as 48, or leave it empty");
    }
    hours
}

fn put_date(form: &mut Form, name: &str, date: Option<NaiveDate>) {
    form.set(name, date.map(super::sheet::date_words).unwrap_or_default());
}

/// A day, or nothing.
fn date(reading: &mut Reading<'_>, name: &str) -> Option<NaiveDate> {
    if reading.form().is_blank(name) {
        return None;
    }
    let typed = reading.form().first(name).trim().to_owned();
    let date = DATES.into_iter().find_map(|pattern| NaiveDate::parse_from_str(&typed, pattern).ok());
    if date.is_none() {
        reading.fault(name, "Give a day such as 5 October 2023, or leave it empty");
    }
    date
}

fn date_field(form: &Form, name: &str, label: &str) -> Field {
    Field::line(form, name, label).hint("Such as 5 October 2023.")
}

/// The four inputs of somebody to ring.
fn contact_fields(form: &Form, name: &str) -> Vec<Field> {
    let of = |part: &str| format!("{name}-{part}");
    vec![
        Field::line(form, &of("who"), "Role or name"),
        Field::line(form, &of("phone"), "Telephone"),
        Field::line(form, &of("out_of_hours"), "Telephone out of hours"),
        Field::line(form, &of("email"), "Mailbox"),
    ]
}

fn put_contact(form: &mut Form, name: &str, contact: Option<&FallbackContact>) {
    form.set(&format!("{name}-who"), contact.map(|contact| contact.who.to_string()).unwrap_or_default());
    let ways = contact.map(|contact| [&contact.phone, &contact.out_of_hours, &contact.email]);
    for (index, part) in ["phone", "out_of_hours", "email"].into_iter().enumerate() {
        let way = ways.as_ref().and_then(|ways| ways.get(index)).and_then(|way| way.as_ref());
        put(form, &format!("{name}-{part}"), way);
    }
}

/// Somebody to ring; nothing when all four inputs are empty.
fn contact(reading: &mut Reading<'_>, name: &str) -> Option<FallbackContact> {
    let of = |part: &str| format!("{name}-{part}");
    if ["who", "phone", "out_of_hours", "email"].into_iter().all(|part| reading.form().is_blank(&of(part))) {
        return None;
    }
    let phone = reading.optional_text(&of("phone"));
    let out_of_hours = reading.optional_text(&of("out_of_hours"));
    let email = reading.optional_text(&of("email"));
    let who = reading.text(&of("who"), "Say who that is, by role or name")?;
    Some(FallbackContact { who, phone, out_of_hours, email })
}

/// Options of a choice among parties, by name.
fn parties(known: &Known) -> Vec<(String, String)> {
    let mut options: Vec<(String, String)> =
        known.parties.iter().map(|party| (party.record.key.to_string(), party.record.name.to_string())).collect();
    options.sort_by(|a, b| a.1.cmp(&b.1));
    options
}

/// A choice with an empty first option; what the form holds stays choosable.
fn pick(form: &Form, name: &str, label: &str, nothing: &str, options: &[(String, String)]) -> Field {
    let now = form.first(name);
    let unknown = (!now.is_empty() && !options.iter().any(|(value, _)| value == now)).then_some((now, now));
    let options = options.iter().map(|(value, words)| (value.as_str(), words.as_str()));
    Field::select(form, name, label, [("", nothing)].into_iter().chain(options).chain(unknown))
}

/// Who has a duty: anybody, or a party.
fn who_options(known: &Known) -> Vec<(String, String)> {
    let anybody = [("each", "Each of them"), ("client", "The client")];
    let anybody = anybody.into_iter().map(|(value, words)| (value.to_owned(), words.to_owned()));
    anybody.chain(parties(known)).collect()
}

/// A key chosen from a list; nothing when none was.
fn key(reading: &mut Reading<'_>, name: &str) -> Option<Key> {
    if reading.form().is_blank(name) {
        return None;
    }
    let key = reading.form().first(name).parse().ok();
    if key.is_none() {
        reading.fault(name, "Choose one of the list");
    }
    key
}

fn keys(form: &Form, name: &str) -> Vec<Key> {
    form.all(name).filter_map(|key| key.parse().ok()).collect()
}

/// Boxes for services, each with its name; `only` keeps those of an agreement.
fn service_boxes(form: &Form, known: &Known, label: &str, only: Option<&[Key]>) -> Field {
    let named: BTreeMap<&Key, &Line> =
        known.services.iter().map(|service| (&service.record.key, &service.record.name)).collect();
    let shown = known.services.iter().map(|service| &service.record.key);
    let shown = shown.filter(|key| only.is_none_or(|only| only.contains(key)));
    let options = shown.map(|key| (key.as_str(), named.get(key).map_or(key.as_str(), |name| name.as_str())));
    Field::checks(form, "services", label, options)
}

fn trigger_word(trigger: Option<Trigger>) -> &'static str {
    TRIGGERS.into_iter().find(|(known, _)| Some(*known) == trigger).map_or("", |(_, word)| word)
}

fn trigger(form: &Form) -> Option<Trigger> {
    TRIGGERS.into_iter().find(|(_, word)| *word == form.first("trigger")).map(|(trigger, _)| trigger)
}

fn trigger_field(form: &Form, nothing: &str) -> Field {
    let options = TRIGGERS.map(|(trigger, word)| (word.to_owned(), super::sheet::trigger_words(trigger).to_owned()));
    pick(form, "trigger", "What starts the hours?", nothing, &options)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use domain::directory::{Agreement, ArrangementRecord, Directory, Party, ServiceRecord, digest_of};
    use domain::values::Moment;
    use uuid::Uuid;

    use super::*;
    use crate::documents::directory::parse;
    use crate::store::queries::directory::Stored;
    use crate::web::directory::edit::Edited;
    use crate::web::words::Reader;

    fn stored<T: Clone + serde::Serialize>(records: &[T]) -> Vec<Stored<T>> {
        let stored = |(number, record): (u128, &T)| Stored {
            id: Uuid::from_u128(number),
            version: 1,
            digest: digest_of(record),
            at: Moment::EPOCH,
            record: record.clone(),
        };
        (1_u128..).zip(records).map(stored).collect()
    }

    fn known() -> Known {
        let text = include_str!("../../../examples/societyworks.toml");
        let directory = parse(text, &Directory::default()).unwrap();
        Known {
            parties: stored(&directory.parties),
            services: stored(&directory.services),
            agreements: stored(&directory.agreements),
            arrangements: stored(&directory.arrangements),
        }
    }

    fn reader() -> Reader {
        Reader::new(chrono_tz::Europe::London, Moment::parse("2026-03-01T02:10:00Z").unwrap())
    }

    fn goes_round<R: Edited + std::fmt::Debug>(known: &Known) {
        assert!(!R::all(known).is_empty());
        for stored in R::all(known) {
            let mut form = Form::default();
            stored.record.fill(&mut form);
            let mut reading = Reading::new(&form, reader());
            assert_eq!(R::read(&mut reading, known, Some(&stored.record)).as_ref(), Some(&stored.record));
            assert_eq!(reading.into_errors(), []);
            // Everything that the form holds has an input, or an edit would lose it.
            let names: Vec<String> = R::groups(&form, known, true)
                .into_iter()
                .flat_map(|group| group.fields)
                .map(|field| field.name)
                .collect();
            let lost: Vec<&str> =
                form.pairs().map(|(name, _)| name).filter(|name| !names.iter().any(|have| have == name)).collect();
            assert_eq!(lost, Vec::<&str>::new());
        }
    }

    /// Aim: opening a real record in its form and saving it untouched changes nothing.
    #[test]
    fn forms_lose_nothing() {
        let known = known();
        goes_round::<Party>(&known);
        goes_round::<ServiceRecord>(&known);
        goes_round::<Agreement>(&known);
        goes_round::<ArrangementRecord>(&known);
    }

    /// Aim: each fault of an agreement is named at its own field, all at once.
    #[test]
    fn faults_are_named_at_their_fields() {
        let form = Form::parse(
            b"title=&role=&notice_hours=two+days&dated=31+February+2026&effective_from=2026-02-01&effective_to=2026-01-01\
              &text_sha256=abc&duties=Access+requests+%7C+each+%7C+clause+2%0A%7C+each",
        )
        .unwrap();
        let mut reading = Reading::new(&form, reader());
        assert!(Agreement::read(&mut reading, &known(), None).is_none());
        let named: Vec<String> = reading.into_errors().into_iter().map(|error| error.name).collect();
        for name in ["title", "role", "notice_hours", "dated", "effective_to", "text_sha256", "duties"] {
            assert!(named.iter().any(|have| have == name), "{name} among {named:?}");
        }
        assert_eq!(named.len(), 7);
    }

    /// Aim: a date is read in the forms that people type.
    #[test]
    fn dates_as_people_type_them() {
        for typed in ["5 October 2023", "5 Oct 2023", "2023-10-05", "05/10/2023"] {
            let mut form = Form::default();
            form.set("day", typed);
            let mut reading = Reading::new(&form, reader());
            assert_eq!(date(&mut reading, "day"), NaiveDate::from_ymd_opt(2023, 10, 5), "{typed}");
        }
    }
}
