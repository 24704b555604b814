//! What happens in the demonstration, by the hours of its fast clock. Every step is an ordinary command at an ordinary
//! door; only the clock and the deaf carrier are special.
//!
//! | hour | what |
//! |---|---|
//! | 0 | the operator logs an exercise incident; all councils are told, Westmere by webhook; Harbour's node is deaf |
//! | 3 | Northmoor reads it: looking |
//! | 9 | Northmoor is affected |
//! | 20 | the operator sends an update |
//! | 48 | Harbour's notice is overdue, Westmere's too unless you acknowledged it; the ICO ladder drafts the report |
//! | 53 | Harbour's node is back and says so; it is tried at once, and its receipt is late |
//! | 56 | Harbour reads it: not affected |
//! | 76 | the story has ended: time slows down to normal, the ICO report waits for you |

use std::sync::Arc;
use std::time::Duration;

use domain::exchange::Stance;
use domain::facts::{
    DataCategory, DiscoveryMethod, Facts, IcoCategory, IncidentKind, Nature, Occurred, Precision, SubjectCategory,
    YesNo,
};
use domain::incident::Awareness;
use domain::values::{
    Count, CountBasis, IncidentId, Known, LongText, Moment, Options, PartnerId, Role, ServiceId, Title,
};

use super::deaf::DeafTo;
use super::party::{Party, line};
use super::{Cast, DemoError};
use crate::access::Responder;
use crate::node::execute::LOG_FORM;
use crate::node::{LogRequest, SentForm};
use crate::store::queries;
use crate::time_source::{FastTime, TimeSource as _};

/// How long the story lasts, in hours of its clock.
pub(super) const STORY_HOURS: i64 = 76;
/// How often a condition is looked at while waiting for it.
const LOOK: Duration = Duration::from_millis(50);
/// How long a condition may take, in real time, before the story goes on without it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Logs the incident. From here on the clocks run.
pub(super) async fn begin(cast: &Cast, deaf: &DeafTo) -> Result<IncidentId, DemoError> {
    let operator = &cast.operator;
    let person = operator.person(Role::Responder).await?;
    let by = Responder::of(&person).ok_or(DemoError::Story)?;
    let services = operator.node.services().await?;
    let service = services.first().map(|service| service.id).ok_or(DemoError::Story)?;
    deaf.deafen(&cast.harbour.url);
    let now = operator.node.now().floor_second();
    let form = SentForm::said_once(operator.node.make_form(&person, LOG_FORM).await?);
    let answer = operator.node.log_incident(&by, request(form, now, service)?).await?;
    Ok(answer.id)
}

/// Plays the rest. Ends when the story has, with time at its normal pace.
pub(super) async fn play(cast: &Cast, deaf: &DeafTo, time: &Arc<FastTime>, incident: IncidentId, began: Moment) {
    let at = |hours: i64| began.plus_seconds(hours.saturating_mul(3_600));
    until(time, at(3)).await;
    told(acknowledge(&cast.northmoor, Stance::Assessing, "NC-DP-0117").await);
    until(time, at(9)).await;
    told(acknowledge(&cast.northmoor, Stance::Affected, "NC-DP-0117").await);
    until(time, at(20)).await;
    told(update(&cast.operator, incident).await);
    until(time, at(53)).await;
    deaf.hear();
    told(cast.harbour.node.send_heartbeat(cast.operator_at_harbour).await.map_err(DemoError::from));
    until(time, at(56)).await;
    told(acknowledge(&cast.harbour, Stance::NotAffected, "HDC-2026-041").await);
    until(time, at(STORY_HOURS)).await;
    time.set_speed(1);
}

/// A step that fails is said in the log; the parties go on.
fn told(step: Result<(), DemoError>) {
    if let Err(error) = step {
        tracing::warn!(%error, "a step of the demonstration was left out");
    }
}

async fn until(time: &Arc<FastTime>, due: Moment) {
    tokio::time::sleep(time.real_until(due)).await;
}

/// Somebody at a council reads the newest notice; waits a while for it to arrive.
async fn acknowledge(party: &Party, stance: Stance, reference: &str) -> Result<(), DemoError> {
    let by = Responder::of(&party.person(Role::Responder).await?).ok_or(DemoError::Story)?;
    let newest = async {
        loop {
            let page = party.node.store().read(|rows| queries::exchanges::received(rows, None, 1)).await?;
            if let Some(notice) = page.items.into_iter().next() {
                return Ok::<_, DemoError>(notice.id);
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let exchange = tokio::time::timeout(PATIENCE, newest).await.map_err(|_| DemoError::Story)??;
    party.node.acknowledge(&by, exchange, stance, Some(line(reference)?)).await?;
    Ok(())
}

async fn update(operator: &Party, id: IncidentId) -> Result<(), DemoError> {
    let by = Responder::of(&operator.person(Role::Responder).await?).ok_or(DemoError::Story)?;
    let state = operator.node.store().read(move |rows| queries::incidents::state(rows, id)).await?;
    let incident = state.ok_or(DemoError::Story)?;
    let mut facts = incident.facts.ok_or(DemoError::Story)?;
    facts.containment = Known::Known(long(
        "The routing rule was put right and every message that had gone astray was recalled or deleted by the contractor.",
    )?);
    facts.ongoing = Known::Known(YesNo::No);
    operator.node.update_facts(&by, id, incident.facts_version, facts).await?;
    operator.node.send_update(&by, id).await?;
    Ok(())
}

fn request(form: SentForm, now: Moment, service: ServiceId) -> Result<LogRequest, DemoError> {
    let aware = now.plus_seconds(-120);
    Ok(LogRequest {
        form,
        kind: IncidentKind::Breach,
        exercise: true,
        facts: facts(now)?,
        awareness: Awareness { circumstances: None, breach: Some(aware) },
        old_reason: None,
        services: Options::from([service]),
        hold: false,
        from_exchange: None,
    })
}

fn facts(now: Moment) -> Result<Facts, DemoError> {
    Ok(Facts {
        title: Title::parse("Report e-mails sent to the wrong contractor").map_err(|_| DemoError::Story)?,
        summary: long("Automatic e-mails that hold street reports went to a contractor that does not serve the area.")?,
        occurred: Known::Known(Occurred {
            from: now.plus_seconds(-4 * 3_600),
            to: None,
            precision: Precision::Estimated,
        }),
        detected_at: Some(now.plus_seconds(-3_600)),
        aware_basis: long("The contractor telephoned; the duty responder looked at the routing log and was sure.")?,
        discovery_method: DiscoveryMethod::ThirdParty,
        nature: Known::Known(Options::from([Nature::Confidentiality])),
        ongoing: Known::NotYetKnown,
        cause: Known::NotYetKnown,
        ico_category: Known::Known(IcoCategory::NonCyber),
        data_unintelligible: Known::NotYetKnown,
        recipients_of_data: Known::NotYetKnown,
        data_categories: Known::Known(Options::from([DataCategory::BasicIdentifiers, DataCategory::Location])),
        subject_categories: Known::Known(Options::from([SubjectCategory::Users])),
        data_subjects: Known::Known(Count { value: 140, basis: CountBasis::Approximate, max: Some(200) }),
        records: Known::NotYetKnown,
        likely_consequences: Known::NotYetKnown,
        actual_harm: None,
        risk_view: Known::NotYetKnown,
        containment: Known::NotYetKnown,
        mitigation: Known::NotYetKnown,
        asked_of_recipient: None,
        notified_late_reason: None,
    })
}

fn long(text: &str) -> Result<LongText, DemoError> {
    LongText::parse(text).map_err(|_| DemoError::Story)
}

/// Waits until both lanes of the operator are proven, so that the first notice leaves at once.
pub(super) async fn lanes_proven(operator: &Party, partners: [PartnerId; 2]) -> Result<(), DemoError> {
    let proven = async {
        loop {
            let all = operator.node.store().read(queries::partners::list).await?;
            let ready =
                partners.iter().all(|id| all.iter().any(|partner| partner.id == *id && partner.state == "active"));
            if ready {
                return Ok::<_, DemoError>(());
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, proven).await.map_err(|_| DemoError::Unpaired)?
}
