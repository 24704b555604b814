//! What an incident cost: each amount with who recorded it and how it was corrected, and what all come to.

mod steps;

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::incident::costs::{Change, Cost, Kept, Recorded, Version, pounds};
use domain::incident::{Incident, Stage};
use domain::values::{Actor, IncidentId};

use super::field::Tag;
use super::page::{self, Answer, Chrome, Visit};
use super::timeline::who;
use super::words::{Reader, day};
use crate::access::DutyHolder;
use crate::problem::Problem;
use crate::store::queries::incidents;

/// Every address of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/incidents/{id}/costs").get(show))
        .service(resource("/incidents/{id}/costs/new").get(steps::ask_new).post(steps::record))
        .service(resource("/incidents/{id}/costs/{number}/correct").get(steps::ask_correct).post(steps::correct))
        .service(resource("/incidents/{id}/costs/{number}/strike").get(steps::ask_strike).post(steps::strike));
}

async fn incident(visit: &Visit, id: IncidentId) -> Result<Incident, Problem> {
    visit.node.store().read(move |rows| incidents::state(rows, id)).await?.ok_or(Problem::NotFound)
}

fn duty_holder(visit: &Visit) -> Result<DutyHolder, Problem> {
    DutyHolder::of(&visit.person).ok_or(Problem::NotAllowed("responders, data protection officers and managers"))
}

#[derive(Template)]
#[template(path = "costs.html")]
struct CostsPage {
    chrome: Chrome,
    id: IncidentId,
    reference: String,
    exercise: bool,
    may: bool,
    erased: bool,
    total: Option<String>,
    estimated: Option<String>,
    /// Each kind with its sum, where there are several.
    kinds: Vec<(&'static str, String)>,
    rows: Vec<Row>,
}

struct Row {
    /// Its number; none after erasure.
    number: Option<u32>,
    kind: &'static str,
    tag: Tag,
    amount: String,
    day: String,
    note: String,
    recorded: String,
    struck: String,
    /// What it was before, and until when.
    earlier: Vec<(String, String)>,
    may: bool,
}

/// `GET /incidents/{id}/costs`
///
/// # Errors
/// [`Problem`]
async fn show(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    let state = incident(&visit, *id).await?;
    let erased = state.stage == Stage::Anonymised;
    let may = DutyHolder::of(&visit.person).is_some() && !erased;
    let costs = &state.costs;
    let kinds = costs.by_kind();
    let page = CostsPage {
        chrome: visit.chrome(format!("Costs - {}", state.reference), "/incidents").exercise(state.exercise),
        id: *id,
        reference: state.reference.to_string(),
        exercise: state.exercise,
        may,
        erased,
        total: costs.total().map(pounds),
        estimated: Some(costs.estimated()).filter(|pence| *pence > 0).map(pounds),
        kinds: if kinds.len() > 1 {
            kinds.into_iter().map(|(kind, pence)| (kind.label(), pounds(pence))).collect()
        } else {
            Vec::new()
        },
        rows: if erased {
            costs.standing().map(kept_row).collect()
        } else {
            costs.recorded.iter().map(|recorded| row(recorded, visit.reader, may)).collect()
        },
    };
    page::html(&page)
}

fn kept_row(cost: Kept) -> Row {
    Row {
        number: None,
        kind: cost.kind.label(),
        tag: sure_tag(cost.estimate),
        amount: cost.pence.to_string(),
        day: cost.on.map(day).unwrap_or_default(),
        note: String::new(),
        recorded: String::new(),
        struck: String::new(),
        earlier: Vec::new(),
        may: false,
    }
}

fn row(recorded: &Recorded, reader: Reader, may: bool) -> Row {
    let Recorded { number, current: Version { cost, .. }, earlier, struck } = recorded;
    let said = |version: &Version| {
        let what = if version.reason.is_some() { "Corrected" } else { "Recorded" };
        let why = version.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("{what} {} by {}{why}", reader.near(version.at), who(&version.by))
    };
    Row {
        number: Some(*number),
        kind: cost.kind.label(),
        tag: if struck.is_some() { Tag::grey("Struck out") } else { sure_tag(cost.estimate) },
        amount: cost.pence.to_string(),
        day: cost.on.map(day).unwrap_or_default(),
        note: cost.note.as_ref().map(ToString::to_string).unwrap_or_default(),
        recorded: said(&recorded.current),
        struck: struck
            .as_ref()
            .map(|struck| format!("Struck out {} by {}: {}", reader.near(struck.at), who(&struck.by), struck.reason))
            .unwrap_or_default(),
        earlier: earlier.iter().rev().map(|version| (in_words(&version.cost), said(version))).collect(),
        may: may && struck.is_none(),
    }
}

fn sure_tag(estimate: bool) -> Tag {
    if estimate { Tag::amber("Estimate") } else { Tag::blue("Final") }
}

/// "£1,250.50, Outside help, on Monday 2 March 2026, an estimate (Invoice 17)".
fn in_words(cost: &Cost) -> String {
    let on = cost.on.map(|on| format!(", on {}", day(on))).unwrap_or_default();
    let sure = if cost.estimate { ", an estimate" } else { "" };
    let note = cost.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    format!("{}, {}{on}{sure}{note}", cost.pence, cost.kind.label())
}

/// What changed, as a sentence for the timeline.
#[must_use]
pub fn sentence(change: &Change, by: &Actor) -> String {
    let by = who(by);
    match change {
        Change::Recorded { number, cost } => format!("Cost {number} recorded by {by}: {}", in_words(cost)),
        Change::Corrected { number, cost, reason } => {
            format!("Cost {number} corrected by {by}: {}. {reason}", in_words(cost))
        }
        Change::Struck { number, reason } => format!("Cost {number} struck out by {by}: {reason}"),
    }
}
