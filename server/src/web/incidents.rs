//! The list of incidents, and drafts that wait to be finished.

use std::str::FromStr as _;

use actix_web::web;
use askama::Template;
use domain::values::{IncidentId, Moment};
use serde::Deserialize;

use super::field::Tag;
use super::form::Form;
use super::page::{self, Answer, Chrome, Visit};
use super::standing;
use super::words::Reader;
use crate::access::Responder;
use crate::node::execute::LOG_FORM;
use crate::store::queries::incidents::{self, Listed};

/// Incidents on one page.
const SHOWN_MAX: usize = 30;

#[derive(Template)]
#[template(path = "incidents.html")]
struct IncidentsPage {
    chrome: Chrome,
    may_log: bool,
    drafts: Vec<DraftLine>,
    rows: Vec<Line>,
    next: Option<String>,
    first: bool,
}

struct DraftLine {
    id: String,
    title: String,
    at: String,
}

struct Line {
    href: String,
    reference: String,
    title: String,
    tags: Vec<Tag>,
    logged: String,
    owed: u32,
    due: String,
}

/// Where the page starts.
#[derive(Debug, Default, Deserialize)]
pub struct From {
    #[serde(default)]
    before: String,
}

/// Reads "micros.id", the key that pages of a list go on from.
#[must_use]
pub(super) fn key<T: std::str::FromStr>(text: &str) -> Option<(Moment, T)> {
    let (micros, id) = text.split_once('.')?;
    Some((Moment::from_micros(i64::from_str(micros).ok()?).ok()?, id.parse().ok()?))
}

/// `GET /incidents`
///
/// # Errors
/// [`crate::problem::Problem`]
pub async fn list(visit: Visit, from: web::Query<From>) -> Answer {
    let before: Option<(Moment, IncidentId)> = key(&from.before);
    let may_log = Responder::of(&visit.person).is_some();
    let drafts =
        if may_log && before.is_none() { visit.node.drafts(&visit.person, LOG_FORM).await? } else { Vec::new() };
    let found = visit.node.store().read(move |rows| incidents::newest(rows, before, SHOWN_MAX)).await?;
    let page = IncidentsPage {
        chrome: visit.chrome("Incidents", "/incidents"),
        may_log,
        drafts: drafts
            .into_iter()
            .map(|draft| {
                let title = Form::from_json(&draft.content).first("title").to_owned();
                DraftLine {
                    id: draft.id.to_string(),
                    title: if title.trim().is_empty() { "A draft without a title".to_owned() } else { title },
                    at: visit.reader.near(draft.updated_at),
                }
            })
            .collect(),
        rows: found.items.iter().map(|incident| line(incident, visit.reader)).collect(),
        next: found.next.map(|(at, id)| format!("/incidents?before={}.{id}", at.micros())),
        first: before.is_none(),
    };
    page::html(&page)
}

fn line(incident: &Listed, reader: Reader) -> Line {
    let title = if incident.title.is_empty() { "Erased".to_owned() } else { incident.title.clone() };
    Line {
        href: format!("/incidents/{}", incident.id),
        reference: incident.reference.clone(),
        title,
        tags: tags(incident, reader),
        logged: reader.near(incident.logged_at),
        owed: incident.owed,
        due: incident.next_due.map(|due| reader.near(due)).unwrap_or_default(),
    }
}

/// The states of an incident, the most pressing first.
pub(super) fn tags(incident: &Listed, reader: Reader) -> Vec<Tag> {
    let mut tags = Vec::new();
    if incident.exercise {
        tags.push(Tag::amber("EXERCISE"));
    }
    if incident.next_due.is_some_and(|due| due < reader.now()) {
        tags.push(Tag::red("Overdue"));
    }
    tags.push(match incident.stage.as_str() {
        "held" => Tag::amber("Held back"),
        "withdrawn" => Tag::grey("Withdrawn"),
        "closed" => Tag::green("Closed"),
        "anonymised" => Tag::grey("Erased"),
        _ => Tag::blue(standing::kind_words(incident.kind)),
    });
    if incident.fan_out_open {
        tags.push(Tag::blue("Still telling partners"));
    }
    tags
}
