//! The rota: who is on call now and in the fortnight to come, where nobody is, and the shifts that it is made of. Managers and
//! administrators keep it, by hand or from a calendar.

mod import;

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::rota::When;
use domain::values::{Moment, PersonId};

use super::action::{ActionPage, refusal};
use super::field::Field;
use super::form::{FieldError, Form, Reading};
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::words::{self, Reader, grouped};
use crate::access::RotaKeeper;
use crate::node::ladders::Nameable;
use crate::node::rota::{NewShift, RotaView};
use crate::problem::Problem;

/// How far the page looks ahead.
const AHEAD_SECONDS: i64 = 14 * 86_400;
/// Shifts shown in one table.
const SHOWN_MAX: usize = 200;
const DAYS: [(&str, &str); 7] = [
    ("1", "Monday"),
    ("2", "Tuesday"),
    ("3", "Wednesday"),
    ("4", "Thursday"),
    ("5", "Friday"),
    ("6", "Saturday"),
    ("7", "Sunday"),
];

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/rota").get(show))
        .service(resource("/rota/weekly").get(weekly).post(add_weekly))
        .service(resource("/rota/once").get(once).post(add_once))
        .service(resource("/rota/import").get(import::show).post(import::read))
        .service(resource("/rota/import/confirm").post(import::confirm))
        .service(resource("/rota/{shift}/remove").post(remove));
}

/// The proof that keeping the rota needs.
fn keeper(visit: &Visit) -> Result<RotaKeeper, Problem> {
    RotaKeeper::of(&visit.person).ok_or(Problem::NotAllowed("managers and administrators"))
}

#[derive(Template)]
#[template(path = "rota.html")]
struct RotaPage {
    chrome: Chrome,
    keeps: bool,
    now: String,
    gaps: Vec<String>,
    spans: Vec<SpanRow>,
    more: String,
    tables: [(&'static str, Vec<ShiftRow>); 2],
}

struct SpanRow {
    from: String,
    until: String,
    who: String,
    swap: bool,
}

struct ShiftRow {
    id: String,
    who: String,
    when: String,
    what: &'static str,
}

/// `GET /rota`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit) -> Answer {
    let now = visit.now();
    let view = visit.node.rota(now, now.plus_seconds(AHEAD_SECONDS)).await?;
    let reader = visit.reader;
    let spans: Vec<SpanRow> = view
        .spans
        .iter()
        .take(SHOWN_MAX)
        .map(|span| SpanRow {
            from: reader.near(span.from),
            until: reader.near(span.until),
            who: view.name(span.person).to_owned(),
            swap: span.swap,
        })
        .collect();
    let hidden = view.spans.len().saturating_sub(spans.len());
    let shift = |weekly: bool| {
        view.shifts
            .iter()
            .filter(move |kept| matches!(kept.shift.when, When::Weekly { .. }) == weekly)
            .take(SHOWN_MAX)
            .map(|kept| ShiftRow {
                id: kept.shift.id.to_string(),
                who: view.name(kept.shift.person).to_owned(),
                when: when_words(kept.shift.when, reader),
                what: match (kept.shift.swap, kept.imported) {
                    (true, _) => "Swap",
                    (false, true) => "From a calendar",
                    (false, false) => "By hand",
                },
            })
            .collect()
    };
    page::html(&RotaPage {
        chrome: visit.chrome("Rota", "/rota"),
        keeps: RotaKeeper::of(&visit.person).is_some(),
        now: on_call_words(&view),
        gaps: view
            .gaps
            .iter()
            .map(|(from, until)| format!("{} to {}", reader.near(*from), reader.near(*until)))
            .collect(),
        spans,
        more: if hidden == 0 {
            String::new()
        } else {
            format!("And {} more.", grouped(i64::try_from(hidden).unwrap_or(i64::MAX)))
        },
        tables: [("Every week", shift(true)), ("Once", shift(false))],
    })
}

fn on_call_words(view: &RotaView) -> String {
    if view.on_call.is_empty() {
        return "Nobody is on call now. A step that would reach whoever is on call reaches the managers.".to_owned();
    }
    let names: Vec<&str> = view.on_call.iter().map(|id| view.name(*id)).collect();
    format!("On call now: {}.", names.join(", "))
}

fn when_words(when: When, reader: Reader) -> String {
    match when {
        When::Once { from, until } => format!("{} to {}", reader.near(from), reader.near(until)),
        When::Weekly { day, from_minute, minutes } => {
            let name = DAYS.get(usize::from(day.saturating_sub(1))).map_or("", |(_, name)| name);
            let length = words::length(i64::from(minutes) * 60);
            format!("Every {name} from {:02}:{:02}, for {length}", from_minute / 60, from_minute % 60)
        }
    }
}

fn who_field(form: &Form, people: &[Nameable]) -> Field {
    let ids: Vec<String> = people.iter().map(|person| person.id.to_string()).collect();
    let mut options = vec![("", "Choose somebody")];
    options.extend(ids.iter().zip(people).map(|(id, person)| (id.as_str(), person.name.as_str())));
    Field::select(form, "person", "Who is on call?", options)
}

fn who(reading: &mut Reading<'_>, people: &[Nameable]) -> Option<PersonId> {
    let known = |word: &str| word.parse().ok().filter(|id| people.iter().any(|person| person.id == *id));
    reading.choice("person", known, "Choose who is on call")
}

fn weekly_page(visit: &Visit, form: &Form, people: &[Nameable]) -> ActionPage {
    let chrome = visit.chrome("Add a weekly shift", "/rota");
    let mut page = ActionPage::new(chrome, "Add a weekly shift", "Rota", "/rota".to_owned(), "/rota/weekly".to_owned());
    page.paragraphs.push("It comes every week, and keeps its hours when the clocks change.".to_owned());
    page.fields = vec![
        who_field(form, people),
        Field::select(form, "day", "On which day does it begin?", DAYS),
        Field::line(form, "from", "At what time does it begin?").hint("In 24 hours, such as 17:30."),
        Field::line(form, "hours", "How many hours does it last?").hint("Up to 168, a week. A half is .5."),
    ];
    page.buttons.push(("add", "Add it", ""));
    page
}

/// `GET /rota/weekly`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub async fn weekly(visit: Visit) -> Answer {
    keeper(&visit)?;
    let people = visit.node.nameable().await?;
    weekly_page(&visit, &Form::default(), &people).answer(Vec::new())
}

/// "17:30" as a minute of the day.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// "12" or "12.5" hours, in minutes.
fn minutes_of(text: &str) -> Option<u32> {
    let (whole, half) = match text.trim().split_once('.') {
        Some((whole, "5")) => (whole, 30),
        Some((whole, "0")) => (whole, 0),
        Some(_) => return None,
        None => (text.trim(), 0),
    };
    let minutes = whole.parse::<u32>().ok()?.checked_mul(60)?.checked_add(half)?;
    (1..=domain::rota::SHIFT_MINUTES_MAX).contains(&minutes).then_some(minutes)
}

/// `POST /rota/weekly`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub async fn add_weekly(posted: Posted) -> Answer {
    let Posted { visit, form } = posted;
    let by = keeper(&visit)?;
    let people = visit.node.nameable().await?;
    let mut reading = Reading::new(&form, visit.reader);
    let person = who(&mut reading, &people);
    let day = reading.choice("day", |word| word.parse().ok().filter(|day| (1..=7).contains(day)), "Choose a day");
    let from_minute = reading.choice("from", minute_of_day, "Give a time in 24 hours, such as 17:30");
    let minutes = reading.choice("hours", minutes_of, "Give a number of hours up to 168, such as 12");
    let errors = reading.into_errors();
    let (Some(person), Some(day), Some(from_minute), Some(minutes)) = (person, day, from_minute, minutes) else {
        return weekly_page(&visit, &form, &people).answer(errors);
    };
    let new = NewShift { person, when: When::Weekly { day, from_minute, minutes }, swap: false };
    match visit.node.add_shift(&by, new).await {
        Ok(_) => Ok(page::see_other("/rota")),
        Err(error) => weekly_page(&visit, &form, &people).answer(refusal(error, "person")?),
    }
}

fn once_page(visit: &Visit, form: &Form, people: &[Nameable]) -> ActionPage {
    let chrome = visit.chrome("Add one shift or swap", "/rota");
    let mut page =
        ActionPage::new(chrome, "Add one shift or swap", "Rota", "/rota".to_owned(), "/rota/once".to_owned());
    page.fields = vec![
        Field::radios(form, "what", "What is it?", [("shift", "A shift"), ("swap", "A swap")])
            .hint("A swap takes the place of every other shift for as long as it lasts."),
        who_field(form, people),
        Field::moment(form, "from", "From when?", visit.reader),
        Field::moment(form, "until", "Until when?", visit.reader).hint("Up to 7 days later."),
    ];
    page.buttons.push(("add", "Add it", ""));
    page
}

/// `GET /rota/once`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub async fn once(visit: Visit) -> Answer {
    keeper(&visit)?;
    let people = visit.node.nameable().await?;
    let mut form = Form::default();
    form.set("what", "shift");
    once_page(&visit, &form, &people).answer(Vec::new())
}

/// `POST /rota/once`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub async fn add_once(posted: Posted) -> Answer {
    let Posted { visit, form } = posted;
    let by = keeper(&visit)?;
    let people = visit.node.nameable().await?;
    let mut reading = Reading::new(&form, visit.reader);
    let what = |word: &str| match word {
        "shift" => Some(false),
        "swap" => Some(true),
        _ => None,
    };
    let swap = reading.choice("what", what, "Say what it is");
    let person = who(&mut reading, &people);
    let from: Option<Moment> = reading.moment("from", "Say from when");
    let until: Option<Moment> = reading.moment("until", "Say until when");
    let errors = reading.into_errors();
    let (Some(swap), Some(person), Some(from), Some(until), true) = (swap, person, from, until, errors.is_empty())
    else {
        return once_page(&visit, &form, &people).answer(errors);
    };
    let new = NewShift { person, when: When::Once { from, until }, swap };
    match visit.node.add_shift(&by, new).await {
        Ok(_) => Ok(page::see_other("/rota")),
        Err(error) => once_page(&visit, &form, &people).answer(refusal(error, "until-day")?),
    }
}

/// `POST /rota/{shift}/remove`
///
/// # Errors
/// [`Problem::NotAllowed`], [`Problem::NotFound`]
pub async fn remove(posted: Posted, shift: web::Path<String>) -> Answer {
    let by = keeper(&posted.visit)?;
    let id = shift.parse().map_err(|_| Problem::NotFound)?;
    posted.visit.node.remove_shift(&by, id).await?;
    Ok(page::see_other("/rota"))
}

fn fault(name: &str, message: impl Into<String>) -> FieldError {
    FieldError { name: name.to_owned(), anchor: name.to_owned(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: times and lengths are read as people write them; anything else is refused.
    #[test]
    fn times_and_lengths() {
        assert_eq!(
            (minute_of_day("17:30"), minute_of_day("00:00"), minute_of_day("9:05")),
            (Some(1_050), Some(0), Some(545))
        );
        assert_eq!((minute_of_day("24:00"), minute_of_day("7"), minute_of_day("07:60")), (None, None, None));
        assert_eq!((minutes_of("12"), minutes_of("12.5"), minutes_of("168")), (Some(720), Some(750), Some(10_080)));
        assert_eq!((minutes_of("0"), minutes_of("169"), minutes_of("1.25"), minutes_of("")), (None, None, None, None));
    }
}
