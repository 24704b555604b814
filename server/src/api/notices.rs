//! Notices, sent and received: listed version by version; acknowledged, told by telephone, tried again or ended.

pub mod actions;
pub mod views;

use domain::exchange::{Direction, Stance};
use domain::facts::IncidentKind;
use domain::values::{CaseId, ExchangeId, IncidentId, MessageId, Moment, PartnerId};

use super::call::{Call, Page, Reply, instant_key};
use super::operation::{Group, get, run};
use super::shape::answer;
use crate::problem::Problem;
use crate::store::queries::exchanges;
use crate::store::queries::notices::{self, Notice as Row};

use self::views::Case;

/// Messages shown of one case.
const SHOWN_MAX: i64 = 50;
/// Attempts shown of one message.
const ATTEMPTS_MAX: usize = 50;

/// Operations on notices.
pub const GROUP: Group = Group {
    name: "Notices",
    about: "What we told partners and what partners told us. A case is all that passes with one partner about one incident; \
            its id is the exchange.",
    operations: &[
        get(
            "/notices",
            "list_notices",
            "Every version of every notice, the oldest case first; a page holds whole cases",
            run!(list),
        )
        .lists::<Notice>(),
        get(
            "/notices/{id}",
            "get_notice",
            "One case: every version, its delivery, and what a received notice says",
            run!(one),
        )
        .gives::<Case>(),
        actions::ACKNOWLEDGE,
        actions::RECORD_CALL,
        actions::ABANDON,
        actions::RETRY,
    ],
};

answer! {
    /// One version of what one party told the other.
    Notice {
        /// The case.
        exchange: ExchangeId,
        /// The message that carries it; null while it is held back.
        message: Option<MessageId>,
        /// Who told whom.
        direction: Direction,
        /// The other party.
        partner: Partner,
        /// The incident of ours.
        incident: Option<IncidentId>,
        /// The case on the wire.
        case: CaseId,
        /// The sender's reference.
        reference: String,
        /// Breach or circumstances.
        kind: IncidentKind,
        /// notified, updated or withdrawn.
        event: String,
        /// 1, 2, 3 …; 0 while it is held back.
        revision: u32,
        /// The furthest that it has come, in the words of the pages.
        state: &'static str,
        /// What the addressee says about itself.
        stance: Option<Stance>,
        /// Since when the addressee durably holds it.
        receipted_at: Option<Moment>,
        /// When a person there acknowledged it.
        acknowledged_at: Option<Moment>,
        /// Attempts at carrying it.
        attempts: u32,
        /// A drill.
        exercise: bool,
    }
}

answer! {
    /// A partner, by id and name.
    Partner {
        /// Which.
        id: PartnerId,
        /// Their name.
        name: String,
    }
}

impl Partner {
    /// The other party of an exchange.
    pub(super) fn of(listed: &exchanges::Listed) -> Self {
        Self { id: listed.partner, name: listed.partner_name.clone() }
    }
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let (after, limit) = (call.after(instant_key::<ExchangeId>)?, call.limit()?);
    let page = call.node.store().read(move |rows| notices::page(rows, after, limit)).await?;
    let next = page.next.map(|(at, id)| format!("{}.{id}", at.micros()));
    Ok(Page { items: page.items, next }.reply(|row| Notice::of(&row)))
}

async fn one(call: Call) -> Result<Reply, Problem> {
    let id: ExchangeId = call.id()?;
    let now = call.node.now();
    let found = call
        .node
        .store()
        .read(move |rows| {
            let Some(exchange) = exchanges::one(rows, id)? else { return Ok(None) };
            let mut messages = Vec::new();
            for message in exchanges::messages(rows, id, SHOWN_MAX)? {
                let attempts = exchanges::attempts(rows, message.id, None, ATTEMPTS_MAX)?.items;
                messages.push((message, attempts));
            }
            Ok(Some((exchange, messages)))
        })
        .await?;
    let (exchange, messages) = found.ok_or(Problem::NotFound)?;
    let received = match exchange.direction {
        Direction::Incoming => Some(call.node.received(id).await?),
        Direction::Outgoing => None,
    };
    Ok(Reply::one(&Case::of(&exchange, messages, received, now)))
}

impl Notice {
    fn of(notice: &Row) -> Self {
        let seen = seen(notice);
        let exchange = &notice.exchange;
        Self {
            state: state(notice),
            stance: exchange.stance.filter(|_| seen),
            acknowledged_at: exchange.acknowledgement.as_ref().filter(|_| seen).map(|said| said.at),
            exchange: exchange.id,
            message: notice.message,
            direction: exchange.direction,
            partner: Partner::of(exchange),
            incident: exchange.incident,
            case: exchange.case,
            reference: exchange.reference.clone(),
            kind: exchange.kind,
            event: notice.event.clone(),
            revision: notice.revision,
            receipted_at: notice.receipted_at,
            attempts: notice.attempts,
            exercise: exchange.exercise,
        }
    }
}

/// Whether the newest acknowledgement covers this version.
fn seen(notice: &Row) -> bool {
    notice.exchange.acknowledgement.as_ref().is_some_and(|said| said.revision_seen >= notice.revision)
}

/// The furthest that a version has come: a person's word where there is one, else a machine's.
fn state(notice: &Row) -> &'static str {
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
        (Direction::Outgoing, None, None, _) if notice.exchange.standing == "accepted" => "Accepted",
        (Direction::Outgoing, None, None, _) => "Not delivered",
    }
}

/// The messages of a case.
async fn messages_of(call: &Call, id: ExchangeId) -> Result<Vec<MessageId>, Problem> {
    let found = call.node.store().read(move |rows| exchanges::messages(rows, id, SHOWN_MAX)).await?;
    Ok(found.into_iter().map(|message| message.id).collect())
}
