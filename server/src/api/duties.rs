//! Duties for which the law names no time: there is no due instant in them, only a target of our own.

use domain::clock::Anchor;
use domain::undated::UndatedDuty;
use domain::values::{ExchangeId, IncidentId, LongText, Moment, PartnerId};
use uuid::Uuid;

use super::call::{Call, Page, Reply};
use super::operation::{Group, get, post, run};
use super::shape::{answer, request};
use crate::access::Scope;
use crate::problem::Problem;
use crate::store::queries::duties::{self, Single};

/// Operations on them.
pub const GROUP: Group = Group {
    name: "Duties without a time",
    about: "Duties that the law wants done without undue delay: no due instant exists; a target is our own.",
    operations: &[
        get("/duties", "list_duties", "Every duty for which the law names no time, open or ended", run!(list))
            .lists::<DutyWithoutTime>(),
        post("/incidents/{id}/duties/done", "record_duty_done", "Record that one was done", run!(done))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<DutyInstant>(),
        post("/incidents/{id}/duties/target", "set_duty_target", "Aim at an instant: our own target", run!(target))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<DutyInstant>(),
        post(
            "/incidents/{id}/duties/not-required",
            "duty_not_required",
            "A follow-up is not owed after all",
            run!(not_required),
        )
        .needs(&[Scope::Decide])
        .takes::<FollowUpNotRequired>(),
    ],
};

answer! {
    /// A duty without a due instant.
    DutyWithoutTime {
        /// The incident's or exchange's id that it belongs to.
        stream: Uuid,
        /// Which duty.
        duty: UndatedDuty,
        /// The incident of ours.
        incident: Option<IncidentId>,
        /// The exchange.
        exchange: Option<ExchangeId>,
        /// The partner.
        partner: Option<PartnerId>,
        /// In the words of the pages: Not done, Done, Not required.
        state: &'static str,
        /// What started it.
        anchor: Anchor,
        /// Since when it is owed.
        since: Moment,
        /// What the law says in the place of a time.
        law_says: &'static str,
        /// Where it says so.
        provision: &'static str,
        /// What our own people aim at; missing it breaks no law.
        own_target_at: Option<Moment>,
        /// The instant of the evidence, or of the decision.
        ended_at: Option<Moment>,
        /// What shows that it was done.
        evidence: Option<String>,
        /// Why it was not required.
        reason: Option<String>,
        /// A drill.
        exercise: bool,
    }
}

request! {
    /// A duty of an incident and an instant.
    DutyInstant {
        /// Which duty: people_told or follow_up.
        duty: UndatedDuty,
        /// When it was done, or what we aim at.
        at: Moment,
    }
}

request! {
    /// Why a follow-up is not owed.
    FollowUpNotRequired {
        /// The reason.
        reason: LongText,
    }
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let (after, limit) = (call.after(key)?, call.limit()?);
    let law = call.node.duties().law;
    let page = call.node.store().read(move |rows| duties::every(rows, after, limit)).await?;
    let next = page.next.map(|(stream, duty)| format!("{stream}.{}", duty.word()));
    Ok(Page { items: page.items, next }.reply(|owed| DutyWithoutTime::of(owed, law)))
}

fn key(text: &str) -> Option<(Uuid, UndatedDuty)> {
    let (stream, duty) = text.split_once('.')?;
    Some((stream.parse().ok()?, UndatedDuty::from_word(duty)?))
}

async fn done(call: Call) -> Result<Reply, Problem> {
    let by = call.reporter()?;
    let DutyInstant { duty, at } = call.body()?;
    call.node.record_duty_done(&by, call.id()?, duty, at).await?;
    Ok(Reply::done())
}

async fn target(call: Call) -> Result<Reply, Problem> {
    let by = call.reporter()?;
    let DutyInstant { duty, at } = call.body()?;
    call.node.set_duty_target(&by, call.id()?, duty, at).await?;
    Ok(Reply::done())
}

async fn not_required(call: Call) -> Result<Reply, Problem> {
    let by = call.officer()?;
    let FollowUpNotRequired { reason } = call.body()?;
    call.node.duty_not_required(&by, call.id()?, UndatedDuty::FollowUp, reason).await?;
    Ok(Reply::done())
}

impl DutyWithoutTime {
    fn of(owed: Single, law: domain::clock_terms::Law) -> Self {
        let (law_says, provision) = owed.duty.says(law);
        Self {
            state: match owed.state.as_str() {
                "done" => "Done",
                "not_required" => "Not required",
                _ => "Not done",
            },
            stream: owed.stream,
            duty: owed.duty,
            incident: owed.incident,
            exchange: owed.exchange,
            partner: owed.partner,
            anchor: owed.anchor,
            since: owed.since,
            law_says,
            provision,
            own_target_at: owed.target,
            ended_at: owed.ended_at,
            evidence: owed.evidence,
            reason: owed.reason,
            exercise: owed.exercise,
        }
    }
}
