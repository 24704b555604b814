//! Incidents of ours: listed, logged, told, updated, corrected, closed.

pub mod actions;
pub mod preview;
pub mod views;

use domain::arrangement::Owed;
use domain::facts::{Facts, IncidentKind};
use domain::incident::{Awareness, Incident as State, Refusal};
use domain::values::{ExchangeId, IncidentId, LongText, Moment, Options, PartnerId, ServiceId};

use super::call::{Call, Page, Reply, instant_key};
use super::facts::must_be_checked;
use super::operation::{Group, get, post, put, run};
use super::shape::{answer, request};
use crate::access::Scope;
use crate::node::{DoorError, LogRequest};
use crate::problem::Problem;
use crate::store::queries::{exchanges, incidents};

use self::views::{Incident, Told};

/// Operations on incidents.
pub const GROUP: Group = Group {
    name: "Incidents",
    about: "Incidents of ours: logging one starts every clock and tells every partner that is owed a notice.",
    operations: &[
        get("/incidents", "list_incidents", "Incidents, the oldest first", run!(list)).lists::<Incident>(),
        post("/incidents", "log_incident", "Log an incident: clocks start, partners are told", run!(log))
            .needs(&[Scope::Respond])
            .takes::<LogIncident>()
            .makes::<Logged>()
            .recognising(),
        preview::PREVIEW,
        get("/incidents/{id}", "get_incident", "One incident", run!(one)).gives::<Incident>(),
        get("/incidents/{id}/partners", "list_incident_partners", "How each partner stands, by partner", run!(board))
            .lists::<Told>(),
        get(
            "/incidents/{id}/facts",
            "get_incident_facts",
            "The facts as they stand; their ETag is their version",
            run!(facts),
        )
        .gives::<CurrentFacts>(),
        put(
            "/incidents/{id}/facts",
            "put_incident_facts",
            "Record newer facts; sending them is a step of its own",
            run!(update),
        )
        .needs(&[Scope::Respond])
        .takes::<NewFacts>()
        .gives::<CurrentFacts>(),
        actions::RELEASE,
        actions::SEND_UPDATE,
        actions::CORRECT_AWARENESS,
        actions::RESOLVE_CORRECTION,
        actions::CONVERT,
        actions::WITHDRAW,
        actions::CLOSE,
    ],
};

request! {
    /// An incident to log.
    LogIncident {
        /// A breach, or circumstances likely to lead to one.
        kind: IncidentKind,
        /// A drill: marked everywhere, never legal.
        exercise: Option<bool>,
        /// What is known.
        facts: Facts,
        /// When we became aware of circumstances likely to lead to a breach.
        aware_of_circumstances_at: Option<Moment>,
        /// When we became aware of the breach.
        aware_of_breach_at: Option<Moment>,
        /// Why it is logged more than a year after awareness.
        old_reason: Option<LongText>,
        /// Which services are hit.
        services: Options<ServiceId>,
        /// Hold the notices back; the clocks run all the same.
        hold: Option<bool>,
        /// The notice received that it is opened from.
        from_notice: Option<ExchangeId>,
        /// A person has checked the texts for personal data.
        checked: Option<bool>,
    }
}

answer! {
    /// What was logged.
    Logged {
        /// The incident.
        id: IncidentId,
        /// Our reference.
        reference: String,
    }
}

request! {
    /// Newer facts, all of them.
    NewFacts {
        /// What is known.
        facts: Facts,
        /// A person has checked the texts for personal data.
        checked: Option<bool>,
    }
}

answer! {
    /// The facts as they stand.
    CurrentFacts {
        /// 1, 2, 3 …
        version: u32,
        /// The version last sent, or being sent, to partners; 0 for none.
        sent_version: u32,
        /// They; null after erasure.
        facts: Option<Facts>,
        /// What the law asks for and is not yet known.
        missing_items: Vec<String>,
    }
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let (after, limit) = (call.after(instant_key::<IncidentId>)?, call.limit()?);
    let now = call.node.now();
    let page = call.node.store().read(move |rows| incidents::oldest(rows, after, limit)).await?;
    let next = page.next.map(|(at, id)| format!("{}.{id}", at.micros()));
    Ok(Page { items: page.items, next }.reply(|incident| Incident::of(&incident, None, now)))
}

async fn log(call: Call) -> Result<Reply, Problem> {
    let by = call.responder()?;
    let body: LogIncident = call.body()?;
    must_be_checked(&call, &body.facts, body.checked.unwrap_or(false), "/facts").await?;
    let request = LogRequest {
        form: call.form.ok_or(Problem::KeyNeeded)?,
        kind: body.kind,
        exercise: body.exercise.unwrap_or(false),
        facts: body.facts,
        awareness: Awareness { circumstances: body.aware_of_circumstances_at, breach: body.aware_of_breach_at },
        old_reason: body.old_reason,
        services: body.services,
        hold: body.hold.unwrap_or(false),
        from_exchange: body.from_notice,
    };
    let logged = call.node.log_incident(&by, request).await?;
    let made = Logged { id: logged.id, reference: logged.reference.to_string() };
    Ok(Reply::made(&made, &format!("/incidents/{}", logged.id)))
}

/// An incident's state.
pub(super) async fn state(call: &Call, id: IncidentId) -> Result<State, Problem> {
    call.node.store().read(move |rows| incidents::state(rows, id)).await?.ok_or(Problem::NotFound)
}

async fn one(call: Call) -> Result<Reply, Problem> {
    let id = call.id()?;
    let now = call.node.now();
    let found =
        call.node.store().read(move |rows| Ok((incidents::one(rows, id)?, incidents::state(rows, id)?))).await?;
    match found {
        (Some(listed), Some(state)) => Ok(Reply::one(&Incident::of(&listed, Some(&state), now))),
        (_, _) => Err(Problem::NotFound),
    }
}

async fn board(call: Call) -> Result<Reply, Problem> {
    let id: IncidentId = call.id()?;
    let (after, limit) = (call.after(|text| text.parse::<PartnerId>().ok())?, call.limit()?);
    let now = call.node.now();
    let state = state(&call, id).await?;
    let page =
        call.node.store().read(move |rows| exchanges::board(rows, id, exchanges::Show::All, after, limit)).await?;
    let next = page.next.map(|id| id.to_string());
    let terms = |partner: PartnerId| state.owed.iter().find(|owed: &&Owed| owed.partner == partner);
    Ok(Page { items: page.items, next }.reply(|listed| Told::of(&listed, terms(listed.partner), now)))
}

async fn current(call: &Call, id: IncidentId) -> Result<(State, Reply), Problem> {
    let state = state(call, id).await?;
    let missing = state.facts.as_ref().map(Facts::missing_items).unwrap_or_default();
    let shown = CurrentFacts {
        version: state.facts_version,
        sent_version: state.sent_version,
        facts: state.facts.clone(),
        missing_items: missing.into_iter().map(str::to_owned).collect(),
    };
    let reply = Reply::version(&shown, &state.facts_version.to_string());
    Ok((state, reply))
}

async fn facts(call: Call) -> Result<Reply, Problem> {
    Ok(current(&call, call.id()?).await?.1)
}

async fn update(call: Call) -> Result<Reply, Problem> {
    let by = call.responder()?;
    let id = call.id()?;
    let (state, reply) = current(&call, id).await?;
    call.must_match(&reply)?;
    let body: NewFacts = call.body()?;
    must_be_checked(&call, &body.facts, body.checked.unwrap_or(false), "/facts").await?;
    match call.node.update_facts(&by, id, state.facts_version, body.facts).await {
        Ok(()) => Ok(current(&call, id).await?.1),
        Err(DoorError::Refused(Refusal::FactsChanged { .. })) => Err(current(&call, id).await?.1.changed()),
        Err(error) => Err(error.into()),
    }
}
