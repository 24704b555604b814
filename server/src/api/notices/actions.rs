//! What a person may do about one case.

use domain::exchange::{Call as TelephoneCall, CallChannel, Stance};
use domain::values::{Line, LongText, MessageId, Moment};

use super::super::call::{Call, Reply};
use super::super::operation::{Operation, post, run};
use super::super::shape::request;
use crate::access::Scope;
use crate::problem::Problem;

/// Say that somebody here has read it.
pub(super) const ACKNOWLEDGE: Operation = post(
    "/notices/{id}/acknowledge",
    "acknowledge_notice",
    "Tell the sender of a notice received that a person here has read it, and where we stand",
    run!(acknowledge),
)
.needs(&[Scope::Respond])
.takes::<Acknowledge>();

/// They were told by hand.
pub(super) const RECORD_CALL: Operation = post(
    "/notices/{id}/calls",
    "record_call",
    "Record that a partner was told by telephone or in person",
    run!(record_call),
)
.needs(&[Scope::Respond])
.takes::<RecordCall>();

/// No more attempts.
pub(super) const ABANDON: Operation =
    post("/notices/{id}/abandon", "abandon_message", "Stop carrying a message, with a reason", run!(abandon))
        .needs(&[Scope::Respond])
        .takes::<Abandon>();

/// One more attempt.
pub(super) const RETRY: Operation =
    post("/notices/{id}/retry", "retry_message", "Try a message again that their node had refused", run!(retry))
        .needs(&[Scope::Respond])
        .takes::<Retry>();

request! {
    /// A named person's word to the sender: the token's person.
    Acknowledge {
        /// Where we stand.
        stance: Stance,
        /// Our own reference, if they may have it.
        reference: Option<Line>,
        /// The content was deleted here, as they asked when they withdrew a notice that was meant for another.
        deleted: Option<bool>,
    }
}

request! {
    /// A call or meeting that took place.
    RecordCall {
        /// Whom we reached.
        to_whom: Line,
        /// How.
        how: CallChannel,
        /// When.
        at: Moment,
        /// What was said, in general terms.
        note: Option<LongText>,
        /// Why it is recorded more than an hour after it took place.
        backdate_reason: Option<LongText>,
    }
}

request! {
    /// A message to give up.
    Abandon {
        /// Which.
        message: MessageId,
        /// Why.
        reason: LongText,
    }
}

request! {
    /// A message to try again.
    Retry {
        /// Which.
        message: MessageId,
    }
}

async fn acknowledge(call: Call) -> Result<Reply, Problem> {
    let by = call.responder()?;
    let Acknowledge { stance, reference, deleted } = call.body()?;
    if deleted.unwrap_or(false) {
        call.node.acknowledge_deleted(&by, call.id()?, stance, reference).await?;
    } else {
        call.node.acknowledge(&by, call.id()?, stance, reference).await?;
    }
    Ok(Reply::done())
}

async fn record_call(call: Call) -> Result<Reply, Problem> {
    let by = call.responder()?;
    let RecordCall { to_whom, how, at, note, backdate_reason } = call.body()?;
    let record = TelephoneCall { to_whom, how, at, note, backdate_reason };
    call.node.record_call(&by, call.id()?, record).await?;
    Ok(Reply::done())
}

async fn abandon(call: Call) -> Result<Reply, Problem> {
    let by = call.responder()?;
    let Abandon { message, reason } = call.body()?;
    call.node.abandon(&by, call.id()?, message, reason).await?;
    Ok(Reply::done())
}

async fn retry(call: Call) -> Result<Reply, Problem> {
    let by = call.responder()?;
    let Retry { message } = call.body()?;
    let id = call.id()?;
    let known = super::messages_of(&call, id).await?;
    if !known.contains(&message) {
        return Err(Problem::NotFound);
    }
    call.node.retry_parked(&by, message).await?;
    Ok(Reply::done())
}
