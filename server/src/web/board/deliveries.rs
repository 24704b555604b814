//! The delivery log of one message: every attempt, when, what came of it in words, the status, how long it took.

use std::str::FromStr as _;

use actix_web::web;
use askama::Template;
use domain::values::{ExchangeId, MessageId};
use serde::Deserialize;

use super::channel;
use crate::problem::Problem;
use crate::store::queries::board::{self, Logged};
use crate::store::queries::exchanges::{self, Attempt};
use crate::web::page::{self, Answer, Chrome, Visit};
use crate::web::partners::reader;
use crate::web::standing;
use crate::web::words::{Reader, counted};

/// Attempts on one page.
const SHOWN_MAX: usize = 50;

#[derive(Template)]
#[template(path = "deliveries.html")]
struct LogPage {
    chrome: Chrome,
    id: ExchangeId,
    name: String,
    heading: String,
    summary: String,
    /// There is a message to be tried.
    sent: bool,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    number: u32,
    at: String,
    outcome: &'static str,
    status: String,
    took: String,
}

/// Which message, and from where on.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    message: String,
    #[serde(default)]
    before: String,
}

/// What a message is called on the pages.
pub(super) fn title(kind: &str, revision: u32) -> String {
    let what = match kind {
        "notified" => "Notice",
        "updated" => "Update",
        "withdrawn" => "Withdrawal",
        "acknowledged" => "Acknowledgement",
        "filed" => return "Word of a report".to_owned(),
        _ => return "Message".to_owned(),
    };
    format!("{what}, version {revision}")
}

/// `GET /exchanges/{id}/deliveries`: of the message that is asked for, or of the newest; there may be none.
///
/// # Errors
/// [`Problem`]
pub(super) async fn show(visit: Visit, id: web::Path<ExchangeId>, asked: web::Query<Asked>) -> Answer {
    reader(&visit)?;
    let id = *id;
    let message = match asked.message.as_str() {
        "" => None,
        message => Some(MessageId::from_str(message).map_err(|_| Problem::NotFound)?),
    };
    let before = u32::from_str(&asked.before).ok();
    let found = visit
        .node
        .store()
        .read(move |rows| {
            let Some(exchange) = exchanges::one(rows, id)? else { return Ok(None) };
            let newest = match message {
                Some(message) => Some(message),
                None => exchanges::messages(rows, id, 1)?.pop().map(|message| message.id),
            };
            let Some(message) = newest else { return Ok(Some((exchange, None))) };
            let Some(logged) = board::logged(rows, id, message)? else { return Ok(None) };
            let attempts = exchanges::attempts(rows, message, before, SHOWN_MAX)?;
            Ok(Some((exchange, Some((logged, attempts)))))
        })
        .await?;
    let (exchange, log) = found.ok_or(Problem::NotFound)?;
    let heading = match &log {
        Some((logged, _)) => format!("Delivery log: {}", title(&logged.kind, logged.revision)),
        None => "Delivery log".to_owned(),
    };
    let chrome =
        visit.chrome(format!("{heading} - {}", exchange.partner_name), "/incidents").exercise(exchange.exercise);
    let name = exchange.partner_name;
    let page = match log {
        None => {
            let summary = format!("Nothing has been sent to {name} about this yet.");
            LogPage { chrome, id, heading, summary, sent: false, name, rows: Vec::new(), next: None }
        }
        Some((logged, attempts)) => LogPage {
            chrome,
            id,
            heading,
            summary: summary(&logged),
            sent: true,
            name,
            rows: attempts.items.iter().map(|attempt| row(&logged.channel, attempt, visit.reader)).collect(),
            next: attempts
                .next
                .map(|before| format!("/exchanges/{id}/deliveries?message={}&before={before}", logged.message)),
        },
    };
    page::html(&page)
}

/// "12 attempts to their node. It says a refused message again."
fn summary(logged: &Logged) -> String {
    let attempts = counted(i64::from(logged.attempts), "attempt");
    let again = if logged.reissue_of.is_some() { " It says a refused message again." } else { "" };
    format!("{attempts} {}.{again}", channel(&logged.channel))
}

fn row(channel: &str, attempt: &Attempt, reader: Reader) -> Row {
    Row {
        number: attempt.number,
        at: reader.at_second(attempt.at),
        outcome: standing::outcome(channel, &attempt.outcome),
        status: attempt.status.map(|status| status.to_string()).unwrap_or_default(),
        took: format!("{} ms", attempt.took_ms),
    }
}
