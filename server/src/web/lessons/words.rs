//! Lessons, in sentences for the timeline.

use domain::incident::lessons::{Change, Effect, Plan};
use domain::values::Actor;

use crate::web::timeline::who;
use crate::web::words;

/// What changed, as a sentence.
#[must_use]
pub fn sentence(change: &Change, by: &Actor) -> String {
    let by = who(by);
    match change {
        Change::CauseFound { cause, .. } => format!("Root cause by {by}: {} ({})", cause.words, cause.kind.label()),
        Change::ActionAdded { action, plan } => format!("Corrective action {action} by {by}: {}", planned(plan)),
        Change::ActionChanged { action, plan } => {
            format!("Corrective action {action} changed by {by}: {}", planned(plan))
        }
        Change::ActionDone { action, on, evidence } => {
            format!("Corrective action {action} done on {}, recorded by {by}: {evidence}", words::day(*on))
        }
        Change::ActionDropped { action, reason } => format!("Corrective action {action} dropped by {by}: {reason}"),
        Change::ActionReopened { action, reason } => {
            format!("Corrective action {action} opened again by {by}: {reason}")
        }
        Change::EffectReviewed { action, review } => format!(
            "Effect of corrective action {action} reviewed by {} on {}, recorded by {by}: {}. {}",
            review.reviewer,
            words::day(review.on),
            effect(review.effect),
            review.words
        ),
    }
}

fn planned(plan: &Plan) -> String {
    format!("{} ({}, by {})", plan.what, plan.owner.words(), words::day(plan.due_on))
}

const fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Worked => "it worked",
        Effect::InPart => "it worked in part",
        Effect::DidNot => "it did not work",
    }
}
