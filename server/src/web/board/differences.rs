//! What we say now beside what a partner holds, fact by fact: what they have not seen yet.

use actix_web::web;
use askama::Template;
use domain::values::{ExchangeId, IncidentId};

use crate::problem::Problem;
use crate::store::queries::board::{self, Differences, Level};
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
    /// What heads the column of what they have.
    have: &'static str,
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
        have: match found.listed.held_by {
            Level::None | Level::Signed => "They hold",
            Level::Recorded => "They read",
            Level::Transport => "Their server accepted",
        },
        rows: lines(&found, visit.reader),
        reference: found.reference,
        name: found.listed.partner_name,
    };
    page::html(&page)
}

fn words(found: &Differences) -> String {
    let (now, says) = &found.now;
    let held = match (says, &found.held) {
        (None, _) | (_, Some((_, None))) => return "Contents were erased; nothing can be compared.".to_owned(),
        (Some(_), None) => return format!("They hold nothing in writing. Our facts stand at version {now}."),
        (Some(_), Some((held, Some(_)))) => held,
    };
    let listed = &found.listed;
    let mut words = known(listed.held_by, *held);
    words.push_str(&if held == now {
        format!(" Version {now} is what we say now.")
    } else if listed.holds > 0 {
        format!(" We say version {now} now: they have not yet seen what follows.")
    } else {
        format!(" We say version {now} now: what follows was not sent to them, or is on its way.")
    });
    if listed.holds > 0 && listed.taken > listed.holds {
        words.push_str(" Their server accepted something newer; whether anybody there has seen it is not known.");
    }
    words
}

/// What is known of what they have, and by whose word.
fn known(by: Level, version: u32) -> String {
    match by {
        Level::Signed => format!("They hold version {version} of the facts, and signed for it."),
        Level::Recorded => format!(
            "Somebody there said through a link that they have read version {version} of the facts. That is recorded, not \
             signed."
        ),
        Level::None | Level::Transport => format!(
            "Their server accepted version {version} of the facts. That proves nothing: nobody there has said that they \
             have read it."
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
