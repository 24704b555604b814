//! What a person may do to an incident, one operation each.

use domain::incident::{AwarenessOf, WithdrawalReason};
use domain::values::{LongText, Moment};

use super::super::call::{Call, Reply};
use super::super::operation::{Operation, post, run};
use super::super::shape::request;
use crate::access::Scope;
use crate::problem::Problem;

/// Let held notices go.
pub(super) const RELEASE: Operation =
    post("/incidents/{id}/release", "release_incident", "Let notices go that were held back", run!(release))
        .needs(&[Scope::Respond]);

/// Send the current facts.
pub(super) const SEND_UPDATE: Operation = post(
    "/incidents/{id}/send-update",
    "send_incident_update",
    "Send the facts as they stand to every partner that has a notice",
    run!(send_update),
)
.needs(&[Scope::Respond]);

/// Correct an instant of awareness.
pub(super) const CORRECT_AWARENESS: Operation = post(
    "/incidents/{id}/correct-awareness",
    "correct_awareness",
    "Correct when we became aware: earlier at once, later when a second person confirms",
    run!(correct_awareness),
)
.needs(&[Scope::Respond])
.takes::<CorrectAwareness>();

/// The second person's word on a correction.
pub(super) const RESOLVE_CORRECTION: Operation = post(
    "/incidents/{id}/resolve-correction",
    "resolve_correction",
    "Confirm the correction that waits, or turn it down",
    run!(resolve_correction),
)
.needs(&[Scope::Respond])
.takes::<ResolveCorrection>();

/// Circumstances have become a breach.
pub(super) const CONVERT: Operation =
    post("/incidents/{id}/convert", "convert_to_breach", "Say that it has become a breach", run!(convert))
        .needs(&[Scope::Respond])
        .takes::<Convert>();

/// The notices no longer stand.
pub(super) const WITHDRAW: Operation = post(
    "/incidents/{id}/withdraw",
    "withdraw_incident",
    "Say to every partner that the notice no longer stands",
    run!(withdraw),
)
.needs(&[Scope::Respond])
.takes::<Withdraw>();

/// Close it.
pub(super) const CLOSE: Operation =
    post("/incidents/{id}/close", "close_incident", "Close an incident whose duties are all decided", run!(close))
        .needs(&[Scope::Respond]);

request! {
    /// An instant of awareness to correct.
    CorrectAwareness {
        /// Which awareness.
        of: AwarenessOf,
        /// When it really was.
        at: Moment,
        /// Why it is corrected.
        reason: LongText,
    }
}

request! {
    /// A second person's word.
    ResolveCorrection {
        /// Confirm it, or turn it down.
        confirm: bool,
    }
}

request! {
    /// It has become a breach.
    Convert {
        /// When we became aware of the breach.
        aware_at: Moment,
    }
}

request! {
    /// Why the notices no longer stand.
    Withdraw {
        /// Why.
        reason: WithdrawalReason,
        /// In words, for the partners.
        note: Option<LongText>,
    }
}

async fn release(call: Call) -> Result<Reply, Problem> {
    call.node.release(&call.responder()?, call.id()?).await?;
    Ok(Reply::done())
}

async fn send_update(call: Call) -> Result<Reply, Problem> {
    call.node.send_update(&call.responder()?, call.id()?).await?;
    Ok(Reply::done())
}

async fn correct_awareness(call: Call) -> Result<Reply, Problem> {
    let by = call.responder()?;
    let CorrectAwareness { of, at, reason } = call.body()?;
    call.node.correct_awareness(&by, call.id()?, of, at, reason).await?;
    Ok(Reply::done())
}

async fn resolve_correction(call: Call) -> Result<Reply, Problem> {
    let by = call.responder()?;
    let ResolveCorrection { confirm } = call.body()?;
    call.node.resolve_correction(&by, call.id()?, confirm).await?;
    Ok(Reply::done())
}

async fn convert(call: Call) -> Result<Reply, Problem> {
    let by = call.responder()?;
    let Convert { aware_at } = call.body()?;
    call.node.convert_to_breach(&by, call.id()?, aware_at).await?;
    Ok(Reply::done())
}

async fn withdraw(call: Call) -> Result<Reply, Problem> {
    let by = call.responder()?;
    let Withdraw { reason, note } = call.body()?;
    call.node.withdraw(&by, call.id()?, reason, note).await?;
    Ok(Reply::done())
}

async fn close(call: Call) -> Result<Reply, Problem> {
    call.node.close(&call.responder()?, call.id()?).await?;
    Ok(Reply::done())
}
