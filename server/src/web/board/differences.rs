//! What we say now beside what a partner holds, fact by fact: what they have not seen yet.

use actix_web::web;
use askama::Template;
use domain::values::{ExchangeId, IncidentId};

use crate::problem::Problem;
use crate::store::queries::board::{self, Differences};
use crate::web::facts::{self, Row};
use crate::web::page::{self, Answer, Chrome, Visit};
use crate::web::partners::reader;
use crate::web::words::Reader;

#[derive(Template)]
#[template(path = "differences.html")]
struct DifferencesPage {
    chrome: Chrome,
    id: ExchangeId,
    incident: IncidentId,
    reference: String,
    name: String,
    words: String,
    rows: Vec<Line>,
}

/// A fact that differs: its label, what they hold, what we say.
struct Line {
    label: &'static str,
    held: String,
    now: String,
}

/// `GET /exchanges/{id}/differences`
///
/// # Errors
/// [`Problem`]
pub(super) async fn show(visit: Visit, id: web::Path<ExchangeId>) -> Answer {
    reader(&visit)?;
    let id = *id;
    let found = visit.node.store().read(move |rows| board::differences(rows, id)).await?.ok_or(Problem::NotFound)?;
    let page = DifferencesPage {
        chrome: visit
            .chrome(format!("What {} has not seen - {}", found.listed.partner_name, found.reference), "/incidents")
            .exercise(found.exercise),
        id,
        incident: found.incident,
        words: words(&found),
        rows: lines(&found, visit.reader),
        reference: found.reference,
        name: found.listed.partner_name,
    };
    page::html(&page)
}

fn words(found: &Differences) -> String {
    let (now, says) = &found.now;
    let proven = found.listed.holds > 0;
    match (says, &found.held) {
        (None, _) | (_, Some((_, None))) => "Contents were erased; nothing can be compared.".to_owned(),
        (Some(_), None) => format!("They hold nothing in writing. Our facts stand at version {now}."),
        (Some(_), Some((held, Some(_)))) if held == now => {
            format!("They hold version {held} of the facts, which is what we say now.")
        }
        (Some(_), Some((held, Some(_)))) if proven => {
            format!(
                "They hold version {held} of the facts. We say version {now} now: they have not yet seen what follows."
            )
        }
        (Some(_), Some((held, Some(_)))) => format!(
            "Their server took version {held} of the facts, which proves nothing. We say version {now} now: they have not \
             yet seen what follows."
        ),
    }
}

fn lines(found: &Differences, reader: Reader) -> Vec<Line> {
    let Some(now) = &found.now.1 else { return Vec::new() };
    let held = match &found.held {
        Some((_, Some(held))) => facts::rows(held, reader),
        Some((_, None)) => return Vec::new(),
        None => Vec::new(),
    };
    let said = |row: &Row| if row.unknown() { "Not yet known".to_owned() } else { row.value.clone() };
    let was = |name: &str| held.iter().find(|row| row.name == name);
    facts::rows(now, reader)
        .iter()
        .filter_map(|row| match was(row.name) {
            Some(was) if was.value == row.value => None,
            Some(was) => Some(Line { label: row.label, held: said(was), now: said(row) }),
            None if row.unknown() => None,
            None => Some(Line { label: row.label, held: "Nothing".to_owned(), now: said(row) }),
        })
        .collect()
}
