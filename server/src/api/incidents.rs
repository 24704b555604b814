//! `GET /api/v1/incidents`: incidents of ours, the oldest first.

use actix_web::{HttpResponse, web};
use domain::facts::IncidentKind;
use domain::values::{IncidentId, Moment};
use serde::Serialize;

use super::{Asked, Client, List};
use crate::problem::Problem;
use crate::store::queries::incidents::{self, Listed};

#[derive(Serialize)]
struct Item {
    id: IncidentId,
    reference: String,
    title: String,
    kind: IncidentKind,
    state: &'static str,
    exercise: bool,
    logged_at: Moment,
    aware_of_circumstances_at: Option<Moment>,
    aware_of_breach_at: Option<Moment>,
    facts_version: u32,
    sent_version: u32,
    partners: u32,
    report: &'static str,
    report_answers_missing: u32,
    next_due_at: Option<Moment>,
    closed_at: Option<Moment>,
}

/// `GET /api/v1/incidents`
///
/// # Errors
/// [`Problem`]
pub async fn list(client: Client, asked: web::Query<Asked>) -> Result<HttpResponse, Problem> {
    let (after, limit) = (asked.after::<IncidentId>()?, asked.limit()?);
    let now = client.node.now();
    let page = client.node.store().read(move |rows| incidents::oldest(rows, after, limit)).await?;
    let next = page.next.map(|(at, id)| format!("{}.{id}", at.micros()));
    List { items: page.items.into_iter().map(|incident| item(incident, now)).collect(), next }.answer()
}

fn item(incident: Listed, now: Moment) -> Item {
    Item {
        state: state(&incident, now),
        report: match incident.report_state.as_str() {
            "draft" => "Draft",
            "submitted" => "Submitted",
            "not_required" => "Not required",
            _ => "No draft yet",
        },
        id: incident.id,
        reference: incident.reference,
        title: incident.title,
        kind: incident.kind,
        exercise: incident.exercise,
        logged_at: incident.logged_at,
        aware_of_circumstances_at: incident.aware_circumstances_at,
        aware_of_breach_at: incident.aware_breach_at,
        facts_version: incident.facts_version,
        sent_version: incident.sent_version,
        partners: incident.owed,
        report_answers_missing: incident.report_gaps,
        next_due_at: incident.next_due,
        closed_at: incident.closed_at,
    }
}

fn state(incident: &Listed, now: Moment) -> &'static str {
    match (incident.stage.as_str(), incident.next_due) {
        ("withdrawn", _) => "Withdrawn",
        ("closed", _) => "Closed",
        ("anonymised", _) => "Erased",
        (_, Some(due)) if due < now => "Overdue",
        ("held", _) => "Held back",
        (_, Some(_)) => "Running",
        (_, None) => "Met",
    }
}
