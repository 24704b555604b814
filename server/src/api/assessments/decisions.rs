//! Deciding on an incident, and the record of it.

use domain::incident::decision::{Ask, Decided as Made, NotABreach, People, What};
use domain::incident::{Incident, Seen};
use domain::values::{IncidentId, Line, LongText, Moment};

use super::super::call::{Call, Reply, fault};
use super::super::facts::texts_must_be_checked;
use super::super::incidents::state;
use super::super::operation::{Operation, get, post, run};
use super::super::shape::{answer, request};
use crate::access::Scope;
use crate::problem::Problem;

/// The record.
pub(super) const READ: Operation = get(
    "/incidents/{id}/decision",
    "get_decisions",
    "Everything decided on an incident, what waits, and what is still open",
    run!(read),
)
.gives::<Decisions>();

/// Report it.
pub(super) const REPORT: Operation =
    post("/incidents/{id}/decision/report", "decide_to_report", "Decide to report it to the ICO", run!(report))
        .needs(&[Scope::Decide])
        .takes::<Reasons>();

/// No report is required.
pub(super) const NOT_REQUIRED: Operation = post(
    "/incidents/{id}/decision/not-required",
    "propose_not_required",
    "Propose that no report to the ICO is required; another data protection officer approves it",
    run!(not_required),
)
.needs(&[Scope::Decide])
.takes::<Reasons>();

/// The other officer's word on that.
pub(super) const RESOLVE_NOT_REQUIRED: Operation = post(
    "/incidents/{id}/decision/resolve-not-required",
    "resolve_not_required",
    "Another data protection officer approves that no report is required, or turns it down",
    run!(resolve_not_required),
)
.needs(&[Scope::Decide])
.takes::<Resolve>();

/// Telling people.
pub(super) const PEOPLE: Operation = post(
    "/incidents/{id}/decision/people",
    "decide_about_people",
    "Decide about telling the people affected",
    run!(people),
)
.needs(&[Scope::Decide])
.takes::<DecidePeople>();

/// Reasons for a delay.
pub(super) const DELAY: Operation = post(
    "/incidents/{id}/decision/delay",
    "explain_delay",
    "Record why the report is late, before it is submitted",
    run!(delay),
)
.needs(&[Scope::Decide])
.takes::<Reasons>();

/// It was no breach.
pub(super) const NOT_A_BREACH: Operation = post(
    "/incidents/{id}/decision/not-a-breach",
    "propose_not_a_breach",
    "Propose that it was not a breach; another data protection officer approves it",
    run!(not_a_breach),
)
.needs(&[Scope::Decide])
.takes::<ProposeNotABreach>();

/// The other officer's word on that.
pub(super) const RESOLVE_NOT_A_BREACH: Operation = post(
    "/incidents/{id}/decision/resolve-not-a-breach",
    "resolve_not_a_breach",
    "Another data protection officer approves that it was not a breach, or turns it down",
    run!(resolve_not_a_breach),
)
.needs(&[Scope::Decide])
.takes::<Resolve>();

request! {
    /// A decision with its reasons.
    Reasons {
        /// What was looked at.
        seen: Seen,
        /// Why.
        reasons: LongText,
        /// A person has checked the texts for personal data.
        checked: Option<bool>,
    }
}

request! {
    /// A decision about telling the people affected.
    DecidePeople {
        /// What was looked at.
        seen: Seen,
        /// tell, risk_not_high, unreadable (Article 34(3)(a)), high_risk_removed (b), out_of_proportion (c) or
        /// required_by_regulator (34(4)).
        decision: String,
        /// The public communication; compulsory for out_of_proportion.
        public_communication: Option<LongText>,
        /// Where the ICO requires it.
        reference: Option<Line>,
        /// Why.
        reasons: LongText,
        /// A person has checked the texts for personal data.
        checked: Option<bool>,
    }
}

request! {
    /// That it was not a breach.
    ProposeNotABreach {
        /// What was looked at.
        seen: Seen,
        /// On which ground.
        ground: NotABreach,
        /// Why.
        reasons: LongText,
        /// A person has checked the texts for personal data.
        checked: Option<bool>,
    }
}

request! {
    /// The other officer's word.
    Resolve {
        /// What was looked at.
        seen: Seen,
        /// Approve it, or turn it down.
        approve: bool,
    }
}

answer! {
    /// The decision record of an incident.
    Decisions {
        /// What a decision made now has to have seen.
        seen: Seen,
        /// Every decision and every proposal that was answered, the first first.
        made: Vec<Decision>,
        /// Proposals that wait for another officer: not_required, not_a_breach.
        waiting: Vec<String>,
        /// What keeps the incident open.
        open: Vec<StillOpen>,
    }
}

answer! {
    /// One decision, or a proposal that was answered.
    Decision {
        /// report, not_required, not_a_breach, people or delay.
        what: &'static str,
        /// About people, and for what was not a breach: which.
        which: Option<String>,
        /// It took effect; false for a proposal that was turned down.
        took_effect: bool,
        /// Why.
        reasons: LongText,
        /// The public communication that stands for telling each person.
        public_communication: Option<LongText>,
        /// On which version of the facts.
        facts_version: u32,
        /// On which assessment; null when nobody had assessed it.
        assessment: Option<u32>,
        /// When.
        at: Moment,
        /// Who decided, or proposed.
        by: String,
        /// The second officer, where it takes one.
        second: Option<String>,
    }
}

answer! {
    /// A duty that keeps an incident open.
    StillOpen {
        /// Its name.
        duty: String,
        /// What is open.
        words: String,
    }
}

impl Decision {
    fn of(made: &Made) -> Self {
        let (what, which, public_communication) = match &made.what {
            What::Report => ("report", None, None),
            What::NotRequired => ("not_required", None, None),
            What::NotABreach { ground } => ("not_a_breach", Some(ground.word().to_owned()), None),
            What::Delay => ("delay", None, None),
            What::People { people } => {
                let public = match people {
                    People::OutOfProportion { public_communication } => Some(public_communication.clone()),
                    People::Tell
                    | People::RequiredByRegulator { .. }
                    | People::RiskNotHigh
                    | People::Unreadable
                    | People::HighRiskRemoved => None,
                };
                ("people", Some(people.word().to_owned()), public)
            }
        };
        Self {
            what,
            which,
            took_effect: made.took_effect(),
            reasons: made.reasons.clone(),
            public_communication,
            facts_version: made.basis.facts_version,
            assessment: made.basis.assessment,
            at: made.at,
            by: made.by.name().to_owned(),
            second: made.second.as_ref().map(|second| second.by.name().to_owned()),
        }
    }
}

async fn read(call: Call) -> Result<Reply, Problem> {
    let incident: Incident = state(&call, call.id()?).await?;
    let open = if incident.stage.is_open() { call.node.open_duties(&incident).await? } else { Vec::new() };
    let waiting = [
        (incident.not_required.is_some(), "not_required"),
        (incident.decisions.not_a_breach.is_some(), "not_a_breach"),
    ];
    Ok(Reply::one(&Decisions {
        seen: Seen::of(&incident),
        made: incident.decisions.made.iter().map(Decision::of).collect(),
        waiting: waiting.into_iter().filter(|(waits, _)| *waits).map(|(_, word)| word.to_owned()).collect(),
        open: open.into_iter().map(|duty| StillOpen { duty: duty.code().to_owned(), words: duty.words() }).collect(),
    }))
}

async fn decide(call: &Call, seen: Seen, ask: Ask) -> Result<Reply, Problem> {
    let by = call.officer()?;
    let id: IncidentId = call.id()?;
    call.node.decide_on(&by, id, seen, ask).await?;
    Ok(Reply::done())
}

async fn reasons(call: &Call) -> Result<Reasons, Problem> {
    call.officer()?;
    let body: Reasons = call.body()?;
    let texts = [("reasons", body.reasons.as_str())];
    texts_must_be_checked(call, &texts, body.checked.unwrap_or(false), "").await?;
    Ok(body)
}

async fn report(call: Call) -> Result<Reply, Problem> {
    let Reasons { seen, reasons, .. } = reasons(&call).await?;
    decide(&call, seen, Ask::Report { reasons }).await
}

async fn not_required(call: Call) -> Result<Reply, Problem> {
    let Reasons { seen, reasons, .. } = reasons(&call).await?;
    decide(&call, seen, Ask::ProposeNotRequired { reasons }).await
}

async fn delay(call: Call) -> Result<Reply, Problem> {
    let Reasons { seen, reasons, .. } = reasons(&call).await?;
    decide(&call, seen, Ask::ExplainDelay { reasons }).await
}

async fn people(call: Call) -> Result<Reply, Problem> {
    call.officer()?;
    let body: DecidePeople = call.body()?;
    let mut texts = vec![("reasons", body.reasons.as_str())];
    texts.extend(body.public_communication.as_ref().map(|text| ("public_communication", text.as_str())));
    texts_must_be_checked(&call, &texts, body.checked.unwrap_or(false), "").await?;
    let people = match body.decision.as_str() {
        "tell" => People::Tell,
        "risk_not_high" => People::RiskNotHigh,
        "unreadable" => People::Unreadable,
        "high_risk_removed" => People::HighRiskRemoved,
        "out_of_proportion" => People::OutOfProportion {
            public_communication: body
                .public_communication
                .ok_or_else(|| fault("/public_communication", "it is missing: name the public communication"))?,
        },
        "required_by_regulator" => People::RequiredByRegulator { reference: body.reference },
        _ => return Err(fault("/decision", &format!("it is none of {}", People::WORDS.join(", ")))),
    };
    decide(&call, body.seen, Ask::People { people, reasons: body.reasons }).await
}

async fn not_a_breach(call: Call) -> Result<Reply, Problem> {
    call.officer()?;
    let body: ProposeNotABreach = call.body()?;
    let texts = [("reasons", body.reasons.as_str())];
    texts_must_be_checked(&call, &texts, body.checked.unwrap_or(false), "").await?;
    decide(&call, body.seen, Ask::ProposeNotABreach { ground: body.ground, reasons: body.reasons }).await
}

async fn resolve_not_required(call: Call) -> Result<Reply, Problem> {
    let Resolve { seen, approve } = call.body()?;
    decide(&call, seen, Ask::ResolveNotRequired { approve }).await
}

async fn resolve_not_a_breach(call: Call) -> Result<Reply, Problem> {
    let Resolve { seen, approve } = call.body()?;
    decide(&call, seen, Ask::ResolveNotABreach { approve }).await
}
