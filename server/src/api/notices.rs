//! `GET /api/v1/notices`: every notice sent and received, case by case, version by version.

use actix_web::{HttpResponse, web};
use domain::exchange::{Direction, Stance};
use domain::facts::IncidentKind;
use domain::values::{CaseId, ExchangeId, IncidentId, MessageId, Moment, PartnerId};
use serde::Serialize;

use super::{Asked, Client, List};
use crate::problem::Problem;
use crate::store::queries::notices::{self, Notice};

#[derive(Serialize)]
struct Item {
    exchange: ExchangeId,
    message: Option<MessageId>,
    direction: Direction,
    partner: Partner,
    incident: Option<IncidentId>,
    case: CaseId,
    reference: String,
    kind: IncidentKind,
    event: String,
    revision: u32,
    state: &'static str,
    stance: Option<Stance>,
    receipted_at: Option<Moment>,
    acknowledged_at: Option<Moment>,
    attempts: u32,
    exercise: bool,
}

#[derive(Serialize)]
struct Partner {
    id: PartnerId,
    name: String,
}

/// `GET /api/v1/notices`
///
/// # Errors
/// [`Problem`]
pub async fn list(client: Client, asked: web::Query<Asked>) -> Result<HttpResponse, Problem> {
    let (after, limit) = (asked.after::<ExchangeId>()?, asked.limit()?);
    let page = client.node.store().read(move |rows| notices::page(rows, after, limit)).await?;
    let next = page.next.map(|(at, id)| format!("{}.{id}", at.micros()));
    List { items: page.items.into_iter().map(item).collect(), next }.answer()
}

fn item(notice: Notice) -> Item {
    let seen = seen(&notice);
    Item {
        state: state(&notice),
        stance: notice.exchange.stance.filter(|_| seen),
        acknowledged_at: notice.exchange.acknowledgement.as_ref().filter(|_| seen).map(|said| said.at),
        exchange: notice.exchange.id,
        message: notice.message,
        direction: notice.exchange.direction,
        partner: Partner { id: notice.exchange.partner, name: notice.exchange.partner_name },
        incident: notice.exchange.incident,
        case: notice.exchange.case,
        reference: notice.exchange.reference,
        kind: notice.exchange.kind,
        event: notice.event,
        revision: notice.revision,
        receipted_at: notice.receipted_at,
        attempts: notice.attempts,
        exercise: notice.exchange.exercise,
    }
}

/// Whether the newest acknowledgement covers this version.
fn seen(notice: &Notice) -> bool {
    notice.exchange.acknowledgement.as_ref().is_some_and(|said| said.revision_seen >= notice.revision)
}

/// The furthest that a version has come: a person's word where there is one, else a machine's.
fn state(notice: &Notice) -> &'static str {
    let said = notice.exchange.stance.filter(|_| seen(notice));
    match (notice.exchange.direction, said, notice.receipted_at, &notice.exchange.told) {
        (_, Some(stance), _, _) => stance.label(),
        (Direction::Incoming, None, _, _) => "Nobody has read it",
        (Direction::Outgoing, None, Some(_), _) => "Delivered",
        (Direction::Outgoing, None, None, Some((_, how))) if notice.revision <= 1 => {
            if how == "in_person" {
                "Told in person"
            } else {
                "Told by telephone"
            }
        }
        (Direction::Outgoing, None, None, _) => "Not delivered",
    }
}
