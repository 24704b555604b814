//! Alerts in words: what happened between two nodes that a person has to look at, and the button that says they have.

use actix_web::web;
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;

use super::incidents::key;
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::words::{Reader, counted};
use crate::access::Attendant;
use crate::node::DoorError;
use crate::problem::Problem;
use crate::store::queries::{self, alerts::Open};

/// Alerts shown on the home page.
pub const SHOWN_MAX: i64 = 10;

/// One alert as shown.
pub struct AlertLine {
    /// What happened.
    pub words: String,
    /// A link, or nothing.
    pub link: &'static str,
    /// Where it leads.
    pub href: String,
    /// When.
    pub at: String,
    /// The button of those who may press it.
    pub seen_to: Option<SeenTo>,
}

/// The button that ends an alert.
#[derive(Template)]
#[template(
    source = r#"<form method="post" action="/alerts/{{ id }}/seen-to"><input type="hidden" name="csrf" value="{{ csrf }}"><input type="hidden" name="back" value="{{ back }}"><button class="plain">Seen to<span class="vh">: {{ words }}</span></button></form>"#,
    ext = "html"
)]
pub struct SeenTo {
    id: Uuid,
    csrf: String,
    back: String,
    words: String,
}

impl askama::filters::HtmlSafe for SeenTo {}

impl SeenTo {
    /// The button of this alert, for whoever may press it.
    #[must_use]
    pub fn of(visit: &Visit, id: Uuid, may_be_seen_to: bool, back: &str, words: &str) -> Option<Self> {
        let may = may_be_seen_to && Attendant::of(&visit.person).is_some();
        may.then(|| Self { id, csrf: visit.csrf.clone(), back: back.to_owned(), words: words.to_owned() })
    }
}

/// Alerts on a page of their own.
const PAGE_MAX: usize = 50;

#[derive(Template)]
#[template(path = "alerts.html")]
struct AlertsPage {
    chrome: Chrome,
    /// How many are open in all; empty for none.
    total: String,
    alerts: Vec<AlertLine>,
    next: Option<String>,
}

/// Where the page starts.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    before: String,
}

/// `GET /alerts`: everything that a person has to look at.
///
/// # Errors
/// [`Problem`]
pub async fn list(visit: Visit, asked: web::Query<Asked>) -> Answer {
    let before = key::<Uuid>(&asked.before);
    let (found, total) = visit
        .node
        .store()
        .read(move |rows| Ok((queries::alerts::page(rows, before, PAGE_MAX)?, queries::alerts::how_many(rows)?)))
        .await?;
    let page = AlertsPage {
        chrome: visit.chrome("For a person to look at", "/"),
        total: if total == 0 { String::new() } else { counted(i64::from(total), "alert") },
        next: found.next.map(|(at, id)| format!("/alerts?before={}.{id}", at.micros())),
        alerts: lines(found.items, &visit, "/alerts"),
    };
    page::html(&page)
}

/// `POST /alerts/{id}/seen-to`
///
/// # Errors
/// [`Problem`]
pub async fn seen_to(posted: Posted, id: web::Path<Uuid>) -> Answer {
    let Posted { visit, form } = posted;
    let by = Attendant::of(&visit.person)
        .ok_or(Problem::NotAllowed("responders, data protection officers, managers and administrators"))?;
    match visit.node.alert_seen_to(&by, *id).await {
        // Somebody else was faster, or it ended by itself: the page shows what is open.
        Ok(()) | Err(DoorError::NotFound) => Ok(page::see_other(page::own_path(form.first("back")))),
        Err(error) => Err(error.into()),
    }
}

/// In words.
#[must_use]
pub fn lines(open: Vec<Open>, visit: &Visit, back: &str) -> Vec<AlertLine> {
    let button = |alert: &Open| SeenTo::of(visit, alert.id, alert.may_be_seen_to, back, alert.words);
    let with = |alert: Open| AlertLine { seen_to: button(&alert), ..line(alert, visit.reader) };
    open.into_iter().map(with).collect()
}

fn line(alert: Open, reader: Reader) -> AlertLine {
    let who = alert.partner.as_ref().map(|(_, name)| format!("{name}: ")).unwrap_or_default();
    let (link, href) = match (alert.exchange, alert.incident) {
        (Some(exchange), _) if alert.message_unread => ("Read it", format!("/exchanges/{exchange}/messages")),
        (Some(exchange), _) => ("Look at it", format!("/exchanges/{exchange}")),
        (None, Some(incident)) => ("Look at it", format!("/incidents/{incident}")),
        (None, None) if alert.exercise_due => ("Exercises", "/exercises".to_owned()),
        (None, None) if alert.own_keys => ("Keys of this node", "/keys".to_owned()),
        (None, None) => match alert.partner {
            Some((partner, _)) => ("Look at it", format!("/partners/{partner}")),
            None => ("Partners", "/partners".to_owned()),
        },
    };
    AlertLine { words: format!("{who}{}.", alert.words), link, href, at: reader.near(alert.at), seen_to: None }
}
