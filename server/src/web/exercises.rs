//! Exercises with partners: the list, starting one, and the report of each: who received it, who read it, how long each
//! took, which channel failed, and whom somebody tried to reach out of hours.

mod contact;
mod start;

use std::str::FromStr as _;

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::values::{ExchangeId, IncidentId};
use serde::Deserialize;
use serde_json::json;

use super::action::{ActionPage, refusal};
use super::board::{channel, file};
use super::field::Tag;
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::partners::reader;
use super::words::{self, Reader, counted};
use super::{incidents as listing, standing};
use crate::access::Exerciser;
use crate::documents::csv;
use crate::problem::Problem;
use crate::store::queries::exercises::{self, ContactTried, Received, Report, Spread};
use crate::store::queries::incidents;

/// Exercises on one page.
const SHOWN_MAX: usize = 30;

/// Every address of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/exercises").get(list))
        .service(resource("/exercises/new").get(start::ask).post(start::act))
        .service(resource("/exercises/{id}").get(show))
        .service(resource("/exercises/{id}/export").post(export))
        .service(resource("/exercises/{id}/end").get(ask_end).post(end))
        .service(resource("/exercises/{id}/contact").get(contact::ask).post(contact::act));
}

fn exerciser(visit: &Visit) -> Result<Exerciser, Problem> {
    Exerciser::of(&visit.person)
        .ok_or(Problem::NotAllowed("responders, data protection officers, managers and administrators"))
}

#[derive(Template)]
#[template(path = "exercises.html")]
struct ListPage {
    chrome: Chrome,
    may_start: bool,
    rows: Vec<Line>,
    first: bool,
    next: Option<String>,
}

struct Line {
    id: IncidentId,
    reference: String,
    title: String,
    started: String,
    partners: u32,
    tags: Vec<Tag>,
}

/// Where the list starts.
#[derive(Debug, Default, Deserialize)]
pub struct From {
    #[serde(default)]
    before: String,
}

/// `GET /exercises`
///
/// # Errors
/// [`Problem`]
pub async fn list(visit: Visit, from: web::Query<From>) -> Answer {
    reader(&visit)?;
    let before = listing::key(&from.before);
    let found = visit.node.store().read(move |rows| exercises::newest(rows, before, SHOWN_MAX)).await?;
    let page = ListPage {
        chrome: visit.chrome("Exercises", "/partners"),
        may_start: Exerciser::of(&visit.person).is_some(),
        first: before.is_none(),
        rows: found.items.iter().map(|incident| line(incident, visit.reader)).collect(),
        next: found.next.map(|(at, id)| format!("/exercises?before={}.{id}", at.micros())),
    };
    page::html(&page)
}

fn line(incident: &incidents::Listed, reader: Reader) -> Line {
    Line {
        id: incident.id,
        reference: incident.reference.clone(),
        title: if incident.title.is_empty() { "Erased".to_owned() } else { incident.title.clone() },
        started: reader.near(incident.logged_at),
        partners: incident.owed,
        tags: listing::tags(incident, reader),
    }
}

#[derive(Template)]
#[template(path = "exercise.html")]
struct ReportPage {
    chrome: Chrome,
    id: IncidentId,
    reference: String,
    title: String,
    done: bool,
    tags: Vec<Tag>,
    started: String,
    figures: Vec<(&'static str, String)>,
    rows: Vec<Row>,
    may_act: bool,
    may_end: bool,
}

struct Row {
    exchange: ExchangeId,
    name: String,
    channel: &'static str,
    tag: Tag,
    received: String,
    read: String,
    failures: Vec<String>,
    tries: Vec<String>,
}

/// What the report is asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    done: String,
}

async fn report(visit: &Visit, id: IncidentId) -> Result<Report, Problem> {
    visit.node.store().read(move |rows| exercises::report(rows, id)).await?.ok_or(Problem::NotFound)
}

/// `GET /exercises/{id}`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, id: web::Path<IncidentId>, asked: web::Query<Asked>) -> Answer {
    reader(&visit)?;
    let report = report(&visit, *id).await?;
    let reader = visit.reader;
    let incident = &report.incident;
    let may_act = Exerciser::of(&visit.person).is_some();
    let page = ReportPage {
        chrome: visit.chrome(format!("Exercise {}", incident.reference), "/partners").exercise(true),
        id: incident.id,
        reference: incident.reference.clone(),
        title: if incident.title.is_empty() { "Erased".to_owned() } else { incident.title.clone() },
        done: asked.done == "1",
        tags: listing::tags(incident, reader),
        started: reader.at(incident.logged_at),
        figures: figures(&report),
        rows: report.rows.iter().map(|row| shown(row, &report, reader)).collect(),
        may_act,
        may_end: may_act && matches!(incident.stage.as_str(), "active" | "held"),
    };
    page::html(&page)
}

/// What came of it as a whole.
fn figures(report: &Report) -> Vec<(&'static str, String)> {
    let all = report.rows.len();
    let count = |fits: &dyn Fn(&exercises::Row) -> bool| report.rows.iter().filter(|row| fits(row)).count();
    let spread = |spread: Option<Spread>| match spread {
        None => format!("0 of {all}"),
        Some(Spread { many, median, worst }) => format!(
            "{many} of {all}; half of them within {}, the slowest after {}",
            words::length(median),
            words::length(worst)
        ),
    };
    let taken = count(&|row| matches!(row.received, Some((_, Received::Taken))));
    let failed = count(&|row| !row.failures.is_empty());
    let unreached = count(&|row| row.received.is_none());
    let (tried, answered) =
        report.rows.iter().flat_map(|row| &row.tries).fold((0_usize, 0_usize), |(all, some), tried| {
            (all.saturating_add(1), some.saturating_add(usize::from(tried.reached)))
        });
    vec![
        ("Had the notice, proven or recorded", spread(report.until_received())),
        ("Had it read by a person", spread(report.until_read())),
        ("Taken by a server only, which proves nothing", format!("{taken} of {all}")),
        ("Not reached", format!("{unreached} of {all}")),
        ("Reached only after something failed, or not at all", format!("{failed} of {all}")),
        ("Out-of-hours contacts", format!("{tried} tried, {answered} answered")),
    ]
}

fn shown(row: &exercises::Row, report: &Report, reader: Reader) -> Row {
    let listed = &row.listed;
    let state = standing::state_word(listed.state);
    let received = row.received.map(|(at, how)| format!("{}: {}", took(report.took(at)), received_words(how)));
    let read = listed.acknowledgement.as_ref().map(|said| {
        let role = standing::role_words(said.role.as_str());
        format!("{}: {}, {role}", took(report.took(said.at)), said.name)
    });
    Row {
        exchange: listed.exchange,
        name: listed.partner_name.clone(),
        channel: channel(&listed.channel),
        tag: match row.received {
            None => Tag::red("Not reached"),
            Some((_, Received::Taken)) => Tag::amber(state),
            Some((_, Received::Signed | Received::Read | Received::Told)) if listed.acknowledgement.is_some() => {
                Tag::green("Read")
            }
            Some((_, Received::Signed | Received::Read | Received::Told)) => Tag::blue("Received"),
        },
        received: received.unwrap_or_default(),
        read: read.unwrap_or_default(),
        failures: row
            .failures
            .iter()
            .map(|(over, outcome, many)| {
                let outcome = standing::outcome(over, outcome);
                format!("{}: {outcome} ({})", channel(over), counted(i64::from(*many), "attempt"))
            })
            .collect(),
        tries: row.tries.iter().map(|tried| tried_words(tried, reader)).collect(),
    }
}

fn took(seconds: i64) -> String {
    format!("after {}", words::length(seconds.max(0)))
}

const fn received_words(how: Received) -> &'static str {
    match how {
        Received::Signed => "signed receipt",
        Received::Read => "read by a person",
        Received::Told => "told by a person, recorded",
        Received::Taken => "taken by their server, proves nothing",
    }
}

fn tried_words(tried: &ContactTried, reader: Reader) -> String {
    let came = if tried.reached { "reached" } else { "not reached" };
    let note = tried.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
    format!("{}, {}: {came}{note}", tried.whom, reader.near(tried.tried_at))
}

/// The columns of the file.
const COLUMNS: [&str; 14] = [
    "exercise",
    "reference",
    "partner",
    "channel",
    "received_at",
    "received_after_seconds",
    "received_evidence",
    "read_at",
    "read_after_seconds",
    "read_by",
    "stance",
    "failures",
    "contacts_tried",
    "contacts_reached",
];

/// `POST /exercises/{id}/export`: the report as a table. Who took it is on the record.
///
/// # Errors
/// [`Problem`]
pub async fn export(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let by = reader(&posted.visit)?;
    let report = report(&posted.visit, *id).await?;
    let about = json!({ "incident": *id, "partners": report.rows.len() });
    posted.visit.node.note_export(&by, "exercise_exported", about).await?;
    let body = csv::table(COLUMNS, report.rows.iter().map(|row| cells(row, &report)));
    Ok(file(&format!("EXERCISE-{}.csv", report.incident.reference), body))
}

fn cells(row: &exercises::Row, report: &Report) -> [String; 14] {
    let said = row.listed.acknowledgement.as_ref();
    let failures: Vec<String> = row.failures.iter().map(|(over, what, many)| format!("{over} {what} {many}")).collect();
    [
        "EXERCISE".to_owned(),
        report.incident.reference.clone(),
        row.listed.partner_name.clone(),
        row.listed.channel.clone(),
        row.received.map(|(at, _)| at.to_string()).unwrap_or_default(),
        row.received.map(|(at, _)| report.took(at).to_string()).unwrap_or_default(),
        row.received.map(|(_, how)| how.word().to_owned()).unwrap_or_default(),
        said.map(|said| said.at.to_string()).unwrap_or_default(),
        said.map(|said| report.took(said.at).to_string()).unwrap_or_default(),
        said.map(|said| format!("{}, {}", said.name, said.role)).unwrap_or_default(),
        said.map(|said| said.stance.word().to_owned()).unwrap_or_default(),
        failures.join("; "),
        row.tries.len().to_string(),
        row.tries.iter().filter(|tried| tried.reached).count().to_string(),
    ]
}

async fn end_page(visit: &Visit, id: IncidentId) -> Result<ActionPage, Problem> {
    let found = visit.node.store().read(move |rows| incidents::one(rows, id)).await?;
    let incident = found.filter(|incident| incident.exercise).ok_or(Problem::NotFound)?;
    let back = format!("/exercises/{id}");
    let heading = "End the exercise";
    let chrome = visit.chrome(heading, "/partners").exercise(true);
    let mut page = ActionPage::new(chrome, heading, &incident.reference, back.clone(), format!("{back}/end"));
    page.paragraphs = vec![
        format!(
            "{} will be told that the exercise has ended. Clocks that still run end, here and there; the report stays.",
            counted(i64::from(incident.owed), "partner")
        ),
        "Afterwards close it on its own page.".to_owned(),
    ];
    page.buttons = vec![("end", "End the exercise", "")];
    Ok(page)
}

/// `GET /exercises/{id}/end`
///
/// # Errors
/// [`Problem`]
pub async fn ask_end(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    exerciser(&visit)?;
    end_page(&visit, *id).await?.answer(Vec::new())
}

/// `POST /exercises/{id}/end`
///
/// # Errors
/// [`Problem`]
pub async fn end(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let by = exerciser(&posted.visit)?;
    match posted.visit.node.end_exercise(&by, *id).await {
        Ok(()) => Ok(page::see_other(&format!("/exercises/{id}?done=1"))),
        Err(error) => end_page(&posted.visit, *id).await?.answer(refusal(error, "end")?),
    }
}

/// An exchange of an exercise, from an address or a form.
fn exchange_of(text: &str) -> Result<ExchangeId, Problem> {
    ExchangeId::from_str(text).map_err(|_| Problem::NotFound)
}
