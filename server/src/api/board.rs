//! The partner board: how every partner of an incident stands, and what is done about those who are not told.

use domain::exchange::Acknowledgement;
use domain::facts::Facts;
use domain::values::{ExchangeId, IncidentId, LongText, MessageId, Moment, PartnerId};

use super::call::{Call, Page, Reply};
use super::operation::{Group, Parameter, get, post, run};
use super::shape::{answer, request};
use crate::access::Scope;
use crate::problem::Problem;
use crate::store::queries::board::{self, Carried, HeldUp, Listed, State};
use crate::store::queries::{exchanges, incidents};

const BAD_STATE: Problem = Problem::Malformed(
    "state is one of not_delivered, held, accepted, told, delivered, assessing, affected, not_affected, withdrawn, erased.",
);

/// Operations on the partner board.
pub const GROUP: Group = Group {
    name: "Partner board",
    about: "How far each partner of an incident has come, by what evidence, and which version each holds.",
    operations: &[
        get("/incidents/{id}/board", "list_board", "The partners of an incident, by their id", run!(list))
            .asks(&[Parameter { name: "state", about: "Only those in this state." }])
            .lists::<BoardPartner>(),
        get("/incidents/{id}/board-states", "count_board", "How many partners are in each state", run!(count))
            .lists::<BoardState>(),
        post("/incidents/{id}/try-now", "try_board_now", "Try at once to reach those still being told", run!(try_all))
            .needs(&[Scope::Respond])
            .takes::<TryNow>()
            .gives::<Tried>(),
        post("/notices/{id}/try-now", "try_notice_now", "Try at once to reach the partner of a case", run!(try_one))
            .needs(&[Scope::Respond]),
        post(
            "/notices/{id}/reissue",
            "reissue_message",
            "Say a message again that their node had refused: a new message with the same version and content",
            run!(reissue),
        )
        .needs(&[Scope::Respond])
        .takes::<Reissue>()
        .makes::<Reissued>(),
        get("/notices/{id}/attempts", "list_attempts", "Every attempt at a message, the newest first", run!(attempts))
            .asks(&[Parameter { name: "message", about: "Which message of the case; the newest notice unless given." }])
            .lists::<DeliveryAttempt>(),
        get(
            "/notices/{id}/differences",
            "get_differences",
            "What we say now, and what the partner holds",
            run!(differences),
        )
        .gives::<Differences>(),
    ],
};

answer! {
    /// One partner on the board of an incident.
    BoardPartner {
        /// What passes with them about the incident: the case of a notice.
        exchange: ExchangeId,
        /// Who.
        partner: PartnerId,
        /// Their name.
        name: String,
        /// node, webhook, mail or hand.
        channel: String,
        /// not_delivered, held, accepted, told, delivered, assessing, affected, not_affected, withdrawn or erased.
        state: &'static str,
        /// What the state rests on: signed, recorded, transport or none.
        evidence: &'static str,
        /// The newest version; 0 while held back.
        revision: u32,
        /// The newest version that they signed for or acknowledged; 0 for none.
        holds_revision: u32,
        /// The newest version that their server took, which proves nothing; 0 for none.
        server_took_revision: u32,
        /// Since when their node holds the newest version that it signed for.
        delivered_at: Option<Moment>,
        /// When their server first took a notice.
        accepted_at: Option<Moment>,
        /// When a person told them.
        told_at: Option<Moment>,
        /// The newest acknowledgement.
        acknowledgement: Option<Acknowledgement>,
        /// When they have to be told.
        due_at: Option<Moment>,
        /// The message that is being carried.
        carried: Option<CarriedMessage>,
    }
}

answer! {
    /// A message on its way.
    CarriedMessage {
        /// Which.
        message: MessageId,
        /// queued, sealed, waiting, unconfirmed or parked.
        state: String,
        /// Attempts made.
        attempts: u32,
        /// What came of the last one.
        last_outcome: Option<String>,
        /// When that was.
        last_attempt_at: Option<Moment>,
        /// Seconds until it is tried next; null when something holds it up.
        next_attempt_in: Option<u32>,
        /// What holds it up: parked, stopped, suspended, no_way or paused.
        held_up: Option<String>,
    }
}

answer! {
    /// How many partners are in a state.
    BoardState {
        /// Which state.
        state: &'static str,
        /// How many.
        partners: u32,
    }
}

request! {
    /// Whom to try at once.
    TryNow {
        /// Only those in this state; all of them unless given.
        state: Option<String>,
    }
}

answer! {
    /// Who is tried at once.
    Tried {
        /// To how many partners something was on its way.
        partners: u32,
    }
}

request! {
    /// A message to say again.
    Reissue {
        /// Which.
        message: MessageId,
        /// Why.
        reason: LongText,
    }
}

answer! {
    /// The message that says it again.
    Reissued {
        /// Which.
        message: MessageId,
    }
}

answer! {
    /// One attempt at carrying a message.
    DeliveryAttempt {
        /// 1, 2, 3 … of its message.
        number: u32,
        /// When.
        at: Moment,
        /// What came of it.
        outcome: String,
        /// The HTTP status or the mail server's code, when there was an answer.
        status: Option<u32>,
        /// How long it took, in milliseconds.
        took_ms: u32,
    }
}

answer! {
    /// What we say now beside what a partner holds.
    Differences {
        /// The incident.
        incident: IncidentId,
        /// The version of the facts that stands.
        facts_version: u32,
        /// What it says; null when it was erased.
        facts: Option<Facts>,
        /// The version that they hold; null for none.
        holds_facts_version: Option<u32>,
        /// What it says; null when they hold none, or it was erased.
        holds: Option<Facts>,
        /// Whether it is proven that they hold it.
        proven: bool,
    }
}

fn state_of(word: Option<&str>) -> Result<Option<State>, Problem> {
    word.map(|word| State::from_word(word).ok_or(BAD_STATE)).transpose()
}

async fn must_be_there(call: &Call, id: IncidentId) -> Result<(), Problem> {
    let found = call.node.store().read(move |rows| incidents::one(rows, id)).await?;
    found.map(|_| ()).ok_or(Problem::NotFound)
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let id: IncidentId = call.id()?;
    let state = state_of(call.asked("state").as_deref())?;
    let (after, limit) = (call.after(|text| text.parse().ok())?, call.limit()?);
    must_be_there(&call, id).await?;
    let elapsed = call.node.time().elapsed();
    let page = call.node.store().read(move |rows| board::page(rows, id, state, after, limit)).await?;
    let next = page.next.map(|partner| partner.to_string());
    Ok(Page { items: page.items, next }.reply(|listed| BoardPartner::of(listed, elapsed)))
}

async fn count(call: Call) -> Result<Reply, Problem> {
    let id: IncidentId = call.id()?;
    must_be_there(&call, id).await?;
    let items = call.node.store().read(move |rows| board::tally(rows, id)).await?;
    Ok(Page { items, next: None }.reply(|(state, partners)| BoardState { state: state.word(), partners }))
}

async fn try_all(call: Call) -> Result<Reply, Problem> {
    let by = call.responder()?;
    let TryNow { state } = call.body()?;
    let id = call.id()?;
    must_be_there(&call, id).await?;
    let hurried = call.node.try_all_now(&by, id, state_of(state.as_deref())?).await?;
    Ok(Reply::plain(&Tried { partners: u32::try_from(hurried).unwrap_or(u32::MAX) }))
}

async fn try_one(call: Call) -> Result<Reply, Problem> {
    call.node.try_now(&call.responder()?, call.id()?).await?;
    Ok(Reply::done())
}

async fn reissue(call: Call) -> Result<Reply, Problem> {
    let by = call.responder()?;
    let Reissue { message, reason } = call.body()?;
    let id: ExchangeId = call.id()?;
    let message = call.node.reissue(&by, id, message, reason).await?;
    Ok(Reply::made(&Reissued { message }, &format!("/notices/{id}")))
}

async fn attempts(call: Call) -> Result<Reply, Problem> {
    let id: ExchangeId = call.id()?;
    let asked: Option<MessageId> = call
        .asked("message")
        .map(|text| text.parse().map_err(|_| Problem::Malformed("message is the id of a message of the case.")))
        .transpose()?;
    let (before, limit) = (call.after(|text| text.parse().ok())?, call.limit()?);
    let page = call
        .node
        .store()
        .read(move |rows| {
            let newest = exchanges::one(rows, id)?.and_then(|exchange| exchange.message).map(|message| message.id);
            let Some(message) = asked.or(newest) else { return Ok(None) };
            let Some(logged) = board::logged(rows, id, message)? else { return Ok(None) };
            exchanges::attempts(rows, logged.message, before, limit).map(Some)
        })
        .await?
        .ok_or(Problem::NotFound)?;
    let next = page.next.map(|number| number.to_string());
    Ok(Page { items: page.items, next }.reply(DeliveryAttempt::of))
}

async fn differences(call: Call) -> Result<Reply, Problem> {
    let id: ExchangeId = call.id()?;
    let found = call.node.store().read(move |rows| board::differences(rows, id)).await?.ok_or(Problem::NotFound)?;
    let (holds_facts_version, holds) = found.held.unzip();
    Ok(Reply::one(&Differences {
        incident: found.incident,
        facts_version: found.now.0,
        facts: found.now.1,
        holds_facts_version,
        holds: holds.flatten(),
        proven: found.listed.holds > 0,
    }))
}

impl BoardPartner {
    fn of(listed: Listed, elapsed: Moment) -> Self {
        Self {
            exchange: listed.exchange,
            partner: listed.partner,
            name: listed.partner_name,
            channel: listed.channel,
            state: listed.state.word(),
            evidence: listed.level.word(),
            revision: listed.revision,
            holds_revision: listed.holds,
            server_took_revision: listed.taken,
            delivered_at: listed.delivered_at,
            accepted_at: listed.accepted_at,
            told_at: listed.told.map(|(at, _)| at),
            acknowledgement: listed.acknowledgement,
            due_at: listed.clock.map(|clock| clock.due),
            carried: listed.carried.map(|carried| CarriedMessage::of(carried, elapsed)),
        }
    }
}

impl CarriedMessage {
    fn of(carried: Carried, elapsed: Moment) -> Self {
        let wait = carried.next_attempt_at.map_or(0, |at| at.seconds_since(elapsed).max(0));
        let held_up = carried.held_up.map(|why| match why {
            HeldUp::Parked => "parked",
            HeldUp::Stopped => "stopped",
            HeldUp::Suspended => "suspended",
            HeldUp::NoWay => "no_way",
            HeldUp::Paused => "paused",
        });
        Self {
            message: carried.message,
            state: carried.state,
            attempts: carried.attempts,
            last_outcome: carried.last_outcome,
            last_attempt_at: carried.last_attempt_at,
            next_attempt_in: u32::try_from(wait).ok().filter(|_| held_up.is_none()),
            held_up: held_up.map(str::to_owned),
        }
    }
}

impl DeliveryAttempt {
    fn of(attempt: exchanges::Attempt) -> Self {
        Self {
            number: attempt.number,
            at: attempt.at,
            outcome: attempt.outcome,
            status: attempt.status,
            took_ms: attempt.took_ms,
        }
    }
}
