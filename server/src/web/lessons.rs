//! Lessons: the root cause of an incident, corrective actions and their effect; and every action over all incidents that
//! is still to be done.

mod cause;
mod steps;
pub mod words;

use std::str::FromStr as _;

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use chrono::NaiveDate;
use domain::incident::lessons::{Action, ActionState, Effect, Review};
use domain::incident::{Incident, Stage};
use domain::values::IncidentId;
use serde::Deserialize;

use super::field::Tag;
use super::page::{self, Answer, Chrome, Visit};
use super::timeline::who;
use super::words::{Reader, counted, day};
use crate::access::DutyHolder;
use crate::problem::Problem;
use crate::store::queries::actions::{self, Key, OpenAction};
use crate::store::queries::incidents;

/// Actions on one page of the list.
const SHOWN_MAX: usize = 50;

/// Every address of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/actions").get(list))
        .service(resource("/incidents/{id}/lessons").get(show))
        .service(resource("/incidents/{id}/lessons/cause").get(cause::ask).post(cause::record))
        .service(resource("/incidents/{id}/lessons/actions/new").get(steps::ask_new).post(steps::add))
        .service(resource("/incidents/{id}/lessons/actions/{number}/{step}").get(steps::ask).post(steps::act));
}

async fn incident(visit: &Visit, id: IncidentId) -> Result<Incident, Problem> {
    visit.node.store().read(move |rows| incidents::state(rows, id)).await?.ok_or(Problem::NotFound)
}

fn duty_holder(visit: &Visit) -> Result<DutyHolder, Problem> {
    DutyHolder::of(&visit.person).ok_or(Problem::NotAllowed("responders, data protection officers and managers"))
}

#[derive(Template)]
#[template(path = "lessons.html")]
struct LessonsPage {
    chrome: Chrome,
    id: IncidentId,
    reference: String,
    may: bool,
    cause: Option<Cause>,
    survived: String,
    actions: Vec<ActionRow>,
    open: String,
}

struct Cause {
    kind: String,
    words: String,
    note: String,
    earlier: Vec<(String, String)>,
}

struct ActionRow {
    number: u32,
    what: String,
    owner: String,
    due: String,
    tag: Tag,
    state: String,
    reviews: Vec<String>,
    offers: Vec<(String, &'static str)>,
}

/// `GET /incidents/{id}/lessons`
///
/// # Errors
/// [`Problem`]
async fn show(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    let state = incident(&visit, *id).await?;
    let may = DutyHolder::of(&visit.person).is_some() && state.stage != Stage::Anonymised;
    let lessons = &state.lessons;
    let open = i64::try_from(lessons.open()).unwrap_or(i64::MAX);
    let page = LessonsPage {
        chrome: visit.chrome(format!("Lessons - {}", state.reference), "/incidents").exercise(state.exercise),
        id: *id,
        reference: state.reference.to_string(),
        may,
        cause: cause_of(&state, visit.reader),
        survived: lessons.survived.as_ref().map(|kind| kind.label().to_owned()).unwrap_or_default(),
        actions: lessons.actions.iter().map(|action| row(action, &state, visit.reader, may)).collect(),
        open: if open == 0 { String::new() } else { format!("{} still to be done.", counted(open, "action")) },
    };
    page::html(&page)
}

fn cause_of(state: &Incident, reader: Reader) -> Option<Cause> {
    let (newest, earlier) = state.lessons.causes.split_last()?;
    let said = |version: &domain::incident::lessons::CauseVersion| {
        format!("Version {}, {} by {}", version.number, reader.near(version.at), who(&version.by))
    };
    Some(Cause {
        kind: newest.cause.kind.label().to_owned(),
        words: newest.cause.words.to_string(),
        note: format!("{}.", said(newest)),
        earlier: earlier
            .iter()
            .rev()
            .map(|version| (said(version), format!("{}: {}", version.cause.kind.label(), version.cause.words)))
            .collect(),
    })
}

fn row(action: &Action, state: &Incident, reader: Reader, may: bool) -> ActionRow {
    let at = |step: &str| format!("/incidents/{}/lessons/actions/{}/{step}", state.id, action.number);
    let (words, steps): (String, &[(&str, &'static str)]) = match &action.state {
        ActionState::Open => (String::new(), &[("done", "Mark as done"), ("change", "Change"), ("drop", "Drop")]),
        ActionState::Done { on, evidence } => {
            (format!("Done on {}. {evidence}", day(*on)), &[("review", "Record a review"), ("reopen", "Open it again")])
        }
        ActionState::Dropped { reason } => (format!("Dropped: {reason}"), &[("reopen", "Open it again")]),
    };
    ActionRow {
        number: action.number,
        what: action.plan.what.to_string(),
        owner: action.plan.owner.words().to_string(),
        due: day(action.plan.due_on),
        tag: tag(action, reader),
        state: words,
        reviews: action.reviews.iter().map(review_words).collect(),
        offers: if may { steps.iter().map(|(step, words)| (at(step), *words)).collect() } else { Vec::new() },
    }
}

fn tag(action: &Action, reader: Reader) -> Tag {
    match &action.state {
        ActionState::Open => due_tag(action.plan.due_on, reader),
        ActionState::Dropped { .. } => Tag::grey("Dropped"),
        ActionState::Done { .. } => match action.reviews.last().map(|review| review.effect) {
            None => Tag::blue("Done, not reviewed"),
            Some(Effect::Worked) => Tag::green("Worked"),
            Some(Effect::InPart) => Tag::amber("Worked in part"),
            Some(Effect::DidNot) => Tag::red("Did not work"),
        },
    }
}

/// How the day of an open action stands to today.
fn due_tag(due_on: NaiveDate, reader: Reader) -> Tag {
    match due_on.signed_duration_since(reader.today()).num_days() {
        ..0 => Tag::red("Overdue"),
        0 => Tag::amber("Due today"),
        1.. => Tag::blue("Open"),
    }
}

fn review_words(review: &Review) -> String {
    format!("{}, {} by {}: {}", review.effect.label(), day(review.on), review.reviewer, review.words)
}

/// What the list is asked for.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    /// `1`: only one's own.
    #[serde(default)]
    mine: String,
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "actions.html")]
struct ActionsPage {
    chrome: Chrome,
    mine: bool,
    total: String,
    rows: Vec<OpenRow>,
    next: Option<String>,
}

struct OpenRow {
    due: String,
    tag: Tag,
    what: String,
    owner: String,
    reference: String,
    href: String,
    exercise: bool,
}

/// `GET /actions`: what is still to be done over all incidents, the first due first.
///
/// # Errors
/// [`Problem`]
async fn list(visit: Visit, asked: web::Query<Asked>) -> Answer {
    let mine = asked.mine == "1";
    let owner = mine.then(|| visit.person.id());
    let after = read_key(&asked.after);
    let (found, total) = visit
        .node
        .store()
        .read(move |rows| Ok((actions::open(rows, owner, after, SHOWN_MAX)?, actions::how_many(rows, owner)?)))
        .await?;
    let own = if mine { "mine=1&" } else { "" };
    let page = ActionsPage {
        chrome: visit.chrome("Corrective actions", "/incidents"),
        mine,
        total: if total == 0 { String::new() } else { counted(i64::from(total), "action") },
        rows: found.items.into_iter().map(|action| open_row(action, visit.reader)).collect(),
        next: found.next.map(|key| format!("/actions?{own}after={}", key_words(key))),
    };
    page::html(&page)
}

fn open_row(action: OpenAction, reader: Reader) -> OpenRow {
    OpenRow {
        due: day(action.due_on),
        tag: due_tag(action.due_on, reader),
        href: format!("/incidents/{}/lessons#action-{}", action.incident, action.number),
        what: action.what,
        owner: action.owner,
        reference: action.reference,
        exercise: action.exercise,
    }
}

fn key_words((day, incident, number): Key) -> String {
    format!("{day}.{incident}.{number}")
}

fn read_key(text: &str) -> Option<Key> {
    let mut parts = text.split('.');
    let key = (parts.next()?.parse().ok()?, IncidentId::from_str(parts.next()?).ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(key)
}
