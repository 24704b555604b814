//! `GET /api/v1/clocks`: every clock, open or ended.

use actix_web::{HttpResponse, web};
use domain::clock::{Anchor, ClockKind};
use domain::values::{ExchangeId, IncidentId, Moment, PartnerId};
use serde::Serialize;
use uuid::Uuid;

use super::{Asked, BAD_CURSOR, Client, List};
use crate::problem::Problem;
use crate::store::queries::clocks::{self, Single};

#[derive(Serialize)]
struct Item {
    stream: Uuid,
    kind: ClockKind,
    incident: Option<IncidentId>,
    exchange: Option<ExchangeId>,
    partner: Option<PartnerId>,
    state: &'static str,
    anchor: Anchor,
    anchored_at: Moment,
    hours: u32,
    due_at: Moment,
    legal_limit_at: Option<Moment>,
    ended_at: Option<Moment>,
    evidence: Option<String>,
    proved_late: bool,
    reason: Option<String>,
    exercise: bool,
}

/// `GET /api/v1/clocks`
///
/// # Errors
/// [`Problem`]
pub async fn list(client: Client, asked: web::Query<Asked>) -> Result<HttpResponse, Problem> {
    let after = asked.after.as_deref().map(|text| key(text).ok_or(BAD_CURSOR)).transpose()?;
    let limit = asked.limit()?;
    let now = client.node.now();
    let page = client.node.store().read(move |rows| clocks::every(rows, after, limit)).await?;
    let next = page.next.map(|(stream, kind)| format!("{stream}.{}", kind.word()));
    List { items: page.items.into_iter().map(|clock| item(clock, now)).collect(), next }.answer()
}

fn key(text: &str) -> Option<(Uuid, ClockKind)> {
    let (stream, kind) = text.split_once('.')?;
    Some((stream.parse().ok()?, ClockKind::ALL.into_iter().find(|known| known.word() == kind)?))
}

fn item(clock: Single, now: Moment) -> Item {
    Item {
        state: match clock.state.as_str() {
            "met" => "Met",
            "met_late" => "Met late",
            "not_required" => "Not required",
            _ if clock.due < now => "Overdue",
            _ => "Running",
        },
        stream: clock.stream,
        kind: clock.kind,
        incident: clock.incident,
        exchange: clock.exchange,
        partner: clock.partner,
        anchor: clock.anchor,
        anchored_at: clock.anchored_at,
        hours: clock.hours,
        due_at: clock.due,
        legal_limit_at: clock.legal_limit,
        ended_at: clock.ended_at,
        evidence: clock.evidence,
        proved_late: clock.proved_late,
        reason: clock.reason,
        exercise: clock.exercise,
    }
}
