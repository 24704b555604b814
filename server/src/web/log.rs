//! Log an incident: what, when aware, which services; who will be told and by when beside it; check your answers; log.
//!
//! What is typed is kept as a draft at each step, and with script within two seconds of a pause (ruling 38). The form has
//! a one-use id (ruling 35): sending it twice logs once and shows the same incident.

mod check;
mod told;

use std::str::FromStr as _;

use actix_web::{HttpResponse, web};
use askama::Template;
use domain::facts::{Facts, IncidentKind};
use domain::incident::{self, Awareness, Refusal};
use domain::values::{Actor, ExchangeId, IncidentId, Line, LongText, Moment, Options, PersonId, Role, ServiceId};
use serde::Deserialize;
use uuid::Uuid;

use super::facts;
use super::field::{Field, Summary, in_order};
use super::form::{FieldError, Form, Reading};
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::words::Reader;
use crate::access::Responder;
use crate::node::execute::LOG_FORM;
use crate::node::received::ReceivedRevision;
use crate::problem::Problem;
use crate::store::queries::partners;

pub(super) use self::check::{FoundText, findings, findings_in};
pub use self::check::{log, page as check_page};
use self::told::Told;

/// Names in a posted form that are no answers.
const BUTTONS: [&str; 2] = ["go", "checked"];

#[derive(Template)]
#[template(path = "log.html")]
struct LogPage {
    chrome: Chrome,
    summary: Summary,
    id: Uuid,
    from: String,
    basics: Vec<Field>,
    further: Vec<Field>,
    further_open: bool,
    told: Told,
    note: String,
}

/// An answer to the whole form.
pub(super) struct Answers {
    kind: IncidentKind,
    exercise: bool,
    facts: Facts,
    awareness: Awareness,
    old_reason: Option<LongText>,
    services: Options<ServiceId>,
    from: Option<ExchangeId>,
}

/// What can be asked for with a fresh form.
#[derive(Debug, Default, Deserialize)]
pub struct Opened {
    #[serde(default)]
    from: String,
    /// `1`: begin as an exercise.
    #[serde(default)]
    exercise: String,
}

pub(super) fn responder(visit: &Visit) -> Result<Responder, Problem> {
    Responder::of(&visit.person).ok_or(Problem::NotAllowed("responders and data protection officers"))
}

/// `GET /incidents/new`: a fresh form, empty or filled from a notice received.
///
/// # Errors
/// [`Problem`]
pub async fn start(visit: Visit, opened: web::Query<Opened>) -> Answer {
    responder(&visit)?;
    let id = visit.node.make_form(&visit.person, LOG_FORM).await?;
    if let Ok(from) = ExchangeId::from_str(&opened.from) {
        let form = from_notice(&visit, from).await?;
        visit.node.keep_draft(&visit.person, id, LOG_FORM, form.to_json()).await?;
    } else if opened.exercise == "1" {
        let mut form = preset(visit.reader);
        form.set("exercise", "yes");
        visit.node.keep_draft(&visit.person, id, LOG_FORM, form.to_json()).await?;
    }
    Ok(page::see_other(&format!("/incidents/new/{id}")))
}

/// What a partner told us, as the beginning of an incident of our own.
async fn from_notice(visit: &Visit, from: ExchangeId) -> Result<Form, Problem> {
    let notice = visit.node.received(from).await?;
    let mut form = Form::default();
    form.set("from", from.to_string());
    if notice.exercise {
        form.set("exercise", "yes");
    }
    form.set("discovery_method", "joint_controller_told_us");
    let current: Option<&ReceivedRevision> = notice.versions.first();
    form.set("title", current.map(|version| version.title.clone()).unwrap_or_default());
    let basis = format!("{} told us; their reference is {}.", notice.sender, notice.reference);
    form.set("aware_basis", basis);
    if let Some(clock) = &notice.ico_clock {
        form.set("kind", "breach");
        form.set_moment("aware", clock.anchored_at, visit.reader);
    } else {
        form.set_moment("aware", visit.now(), visit.reader);
    }
    Ok(form)
}

/// `GET /incidents/new/{form}`: the form with its draft.
///
/// # Errors
/// [`Problem`]
pub async fn open(visit: Visit, id: web::Path<Uuid>) -> Answer {
    responder(&visit)?;
    let id = id.into_inner();
    let (form, note) = match visit.node.draft(&visit.person, id).await? {
        Some(draft) => {
            (Form::from_json(&draft.content), format!("Draft saved at {}", visit.reader.clock(draft.updated_at)))
        }
        None => (preset(visit.reader), String::new()),
    };
    show(&visit, id, &form, Vec::new(), note).await
}

/// An empty form: aware now, until somebody says otherwise.
fn preset(reader: Reader) -> Form {
    let mut form = Form::default();
    form.set_moment("aware", reader.now(), reader);
    form
}

/// `POST /incidents/new/{form}`: checks who would be told, or goes on to check the answers. Saved in either case.
///
/// # Errors
/// [`Problem`]
pub async fn step(posted: Posted, id: web::Path<Uuid>) -> Answer {
    let Posted { visit, mut form } = posted;
    responder(&visit)?;
    let id = id.into_inner();
    let go_on = form.has("go", "continue");
    form.drop_names(&BUTTONS);
    visit.node.keep_draft(&visit.person, id, LOG_FORM, form.to_json()).await?;
    let note = format!("Draft saved at {}", visit.reader.clock(visit.now()));
    if !go_on {
        return show(&visit, id, &form, Vec::new(), note).await;
    }
    match read(&form, visit.reader) {
        Ok(_) => Ok(page::see_other(&format!("/incidents/new/{id}/check"))),
        Err(errors) => show(&visit, id, &form, errors, note).await,
    }
}

/// `POST /incidents/new/{form}/draft`: what a page with script sends while somebody types.
///
/// # Errors
/// [`Problem`]
pub async fn autosave(posted: Posted, id: web::Path<Uuid>) -> Answer {
    let Posted { visit, mut form } = posted;
    responder(&visit)?;
    form.drop_names(&BUTTONS);
    visit.node.keep_draft(&visit.person, id.into_inner(), LOG_FORM, form.to_json()).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(format!("Draft saved at {}", visit.reader.clock(visit.now()))))
}

/// `POST /incidents/new/{form}/told`: who would be told, as a part of the page.
///
/// # Errors
/// [`Problem`]
pub async fn preview(posted: Posted, _: web::Path<Uuid>) -> Answer {
    responder(&posted.visit)?;
    page::html(&told::of(&posted.visit, &posted.form).await?)
}

/// `POST /incidents/new/{form}/discard`: forgets a draft.
///
/// # Errors
/// [`Problem`]
pub async fn discard(posted: Posted, id: web::Path<Uuid>) -> Answer {
    posted.visit.node.discard_draft(&posted.visit.person, id.into_inner()).await?;
    Ok(page::see_other("/incidents"))
}

async fn show(visit: &Visit, id: Uuid, form: &Form, errors: Vec<FieldError>, note: String) -> Answer {
    let services = visit.node.store().read(partners::services).await?;
    let (basics, further) = fields(form, &errors, visit.reader, &services);
    let errors = in_order(errors, &[&basics, &further]);
    let page = LogPage {
        chrome: visit.chrome(title("What has happened?", &errors), "/incidents").exercise(form.has("exercise", "yes")),
        id,
        from: form.first("from").to_owned(),
        further_open: further.iter().any(Field::is_in_use),
        basics,
        further,
        told: told::of(visit, form).await?,
        note,
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

/// A page with faults says so in its title.
pub(super) fn title(title: &str, errors: &[FieldError]) -> String {
    if errors.is_empty() { title.to_owned() } else { format!("Error: {title}") }
}

fn fields(
    form: &Form,
    errors: &[FieldError],
    reader: Reader,
    services: &[(ServiceId, String)],
) -> (Vec<Field>, Vec<Field>) {
    let (mut basics, mut further) = facts::fields(form, errors, reader);
    let mut others = basics.split_off(basics.len().min(2));
    let basis: Vec<Field> = others.extract_if(.., |field| field.name == "aware_basis").collect();
    basics.push(
        Field::radios(
            form,
            "kind",
            "Is it a breach?",
            [
                ("breach", "Yes, personal data was lost, seen, changed or out of reach"),
                ("likely_to_give_rise", "Not yet, but it is likely to lead to one"),
            ],
        )
        .hint("Both start the hours to partners. Only a breach starts the 72 hours to the ICO (Article 33).")
        .faults(errors),
    );
    basics.push(
        Field::moment(form, "aware", "When did we become aware?", reader)
            .hint("When somebody here was reasonably sure. UK time.")
            .faults(errors),
    );
    basics.extend(basis);
    let ids: Vec<(String, &str)> = services.iter().map(|(id, name)| (id.to_string(), name.as_str())).collect();
    basics.push(
        Field::checks(form, "services", "Which services?", ids.iter().map(|(id, name)| (id.as_str(), *name)))
            .hint(services_hint(services))
            .faults(errors),
    );
    basics.extend(others);
    basics.push(
        Field::checks(form, "exercise", "Is it an exercise?", [("yes", "Yes, this is a drill: mark it everywhere")])
            .faults(errors),
    );
    further.insert(
        0,
        Field::moment(form, "circumstances", "Were we aware earlier that a breach was likely?", reader)
            .hint("If so, the hours to partners count from then. May stay empty.")
            .faults(errors),
    );
    further.push(
        Field::area(form, "old_reason", "Why is it logged only now?")
            .hint("Only when we became aware more than a year ago.")
            .faults(errors),
    );
    (basics, further)
}

const fn services_hint(services: &[(ServiceId, String)]) -> &'static str {
    if services.is_empty() {
        "None is here yet: an administrator adds one under Agreements, Services, or imports an agreement."
    } else {
        "They decide which partners have to be told."
    }
}

/// Reads the whole form and asks the rules whether it could be logged.
fn read(form: &Form, reader: Reader) -> Result<Answers, Vec<FieldError>> {
    let mut reading = Reading::new(form, reader);
    let facts = facts::read(&mut reading);
    let kind = reading.choice("kind", kind, "Say whether it is a breach");
    let aware = reading.moment("aware", "Say when we became aware");
    let circumstances = reading.optional_moment("circumstances");
    let old_reason = reading.optional_text("old_reason");
    let services: Options<ServiceId> =
        reading.ticked("services", |id| ServiceId::from_str(id).ok()).into_iter().collect();
    if services.is_empty() {
        reading.fault("services", "Choose at least one service");
    }
    let answers = facts.zip(kind).zip(aware).map(|((facts, kind), aware)| Answers {
        awareness: awareness(kind, aware, circumstances),
        exercise: form.has("exercise", "yes"),
        from: ExchangeId::from_str(form.first("from")).ok(),
        kind,
        facts,
        old_reason,
        services,
    });
    let mut errors = reading.into_errors();
    match answers {
        Some(answers) if errors.is_empty() => match try_log(&answers, reader.now()) {
            Ok(()) => Ok(answers),
            Err(refusal) => {
                errors.push(refused(&refusal, reader));
                Err(errors)
            }
        },
        Some(_) | None => Err(errors),
    }
}

fn kind(word: &str) -> Option<IncidentKind> {
    match word {
        "breach" => Some(IncidentKind::Breach),
        "likely_to_give_rise" => Some(IncidentKind::LikelyToGiveRise),
        _ => None,
    }
}

fn services(form: &Form) -> Options<ServiceId> {
    form.all("services").filter_map(|id| ServiceId::from_str(id).ok()).collect()
}

fn awareness(kind: IncidentKind, aware: Moment, circumstances: Option<Moment>) -> Awareness {
    match kind {
        IncidentKind::Breach => Awareness { circumstances, breach: Some(aware) },
        IncidentKind::LikelyToGiveRise | IncidentKind::UnderInvestigation => {
            Awareness { circumstances: Some(circumstances.map_or(aware, |earlier| earlier.min(aware))), breach: None }
        }
    }
}

/// The rules' word before anything is kept: logged for nobody, decided, and dropped.
fn try_log(answers: &Answers, now: Moment) -> Result<(), Refusal> {
    let Ok(reference) = Line::parse("draft") else { return Ok(()) };
    let log = incident::Log {
        id: IncidentId::from_uuid(Uuid::nil()),
        by: Actor::Person {
            id: PersonId::from_uuid(Uuid::nil()),
            name: reference.clone(),
            role: Role::Responder,
            through: None,
        },
        reference,
        kind: answers.kind,
        exercise: answers.exercise,
        facts: answers.facts.clone(),
        awareness: answers.awareness,
        old_reason: answers.old_reason.clone(),
        services: answers.services.clone(),
        owed: Vec::new(),
        hold: true,
        rules: incident::Rules::default(),
        opened_from: None,
        plans: domain::ladder::Plans::default(),
    };
    incident::decide(None, &incident::Command::Log(Box::new(log)), now).map(|_| ())
}

/// The rules' word as a fault of a field.
fn refused(refusal: &Refusal, reader: Reader) -> FieldError {
    let fault = |name: &str, anchor: &str, message: String| FieldError {
        name: name.to_owned(),
        anchor: anchor.to_owned(),
        message,
    };
    match refusal {
        Refusal::AwarenessInFuture => fault("aware", "aware-day", "Awareness cannot be in the future".to_owned()),
        Refusal::AwarenessBeforeOccurrence { began } => {
            fault("aware", "aware-day", format!("Awareness cannot be before {}, when it began", reader.at(*began)))
        }
        Refusal::AwarenessNeedsReason => fault(
            "old_reason",
            "old_reason",
            "We became aware more than a year ago: say why it is logged only now".to_owned(),
        ),
        Refusal::AwarenessMissing => fault("aware", "aware-day", "Say when we became aware".to_owned()),
        Refusal::NoSuchIncident
        | Refusal::Ladder(_)
        | Refusal::AlreadyLogged
        | Refusal::FactsChanged { .. }
        | Refusal::NothingToSend
        | Refusal::NotOpen { .. }
        | Refusal::NotYetABreach
        | Refusal::AlreadyBreach
        | Refusal::NotHeld
        | Refusal::NoSuchProposal
        | Refusal::SecondPersonNeeded
        | Refusal::DecisionNeeded
        | Refusal::DpoNeeded
        | Refusal::NoSuchDuty
        | Refusal::AlreadySubmitted
        | Refusal::NotSubmitted
        | Refusal::SubmissionTime
        | Refusal::DelayReasonMissing
        | Refusal::DutiesOpen { .. }
        | Refusal::Duties(_)
        | Refusal::Register(_)
        | Refusal::Telling(_)
        | Refusal::Lessons(_)
        | Refusal::Costs(_)
        | Refusal::Joint(_)
        | Refusal::Meanwhile { .. }
        | Refusal::Assessment(_)
        | Refusal::Decision(_)
        | Refusal::Report(_)
        | Refusal::NothingChanges => fault("title", "title", refusal.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn reader() -> Reader {
        Reader::new(chrono_tz::Europe::London, Moment::parse("2026-03-01T02:10:00Z").unwrap())
    }

    fn form(aware: &str) -> Form {
        let mut form = Form::parse(
            b"title=Mails+astray&summary=Reports+astray&aware_basis=Duty+engineer&discovery_method=own_detection&kind=breach\
              &services=019d0000-0000-7000-8000-000000000001",
        )
        .unwrap();
        form.set_moment("aware", Moment::parse(aware).unwrap(), reader());
        form
    }

    fn faulty(form: &Form) -> Vec<String> {
        read(form, reader()).err().unwrap_or_default().into_iter().map(|error| error.name).collect()
    }

    /// Aim: awareness typed in obeys ruling 5: future refused, before the occurrence refused, over a year needs a reason.
    #[test]
    fn awareness_by_the_rules() {
        assert!(read(&form("2026-03-01T02:00:00Z"), reader()).is_ok());
        assert_eq!(faulty(&form("2026-03-01T03:00:00Z")), ["aware"]);
        let mut before = form("2026-03-01T02:00:00Z");
        before.set("occurred", "exact");
        before.set_moment("occurred-from", Moment::parse("2026-03-01T02:05:00Z").unwrap(), reader());
        assert_eq!(faulty(&before), ["aware"]);
        before.set("occurred", "estimated");
        assert!(read(&before, reader()).is_ok());
        let mut old = form("2025-01-01T02:00:00Z");
        assert_eq!(faulty(&old), ["old_reason"]);
        old.set("old_reason", "Found in an audit");
        assert!(read(&old, reader()).is_ok());
    }

    /// Aim: an empty form names every field that has to be filled in, all at once.
    #[test]
    fn empty_form_names_all() {
        assert_eq!(
            faulty(&Form::default()),
            ["title", "summary", "discovery_method", "aware_basis", "kind", "aware", "services"]
        );
    }
}
