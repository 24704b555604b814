//! The assessment of an incident: the newest with its working, what it suggests and why, the nearest cases of the
//! guidelines and of our own register, and every earlier one. Assessing is a form that keeps what is typed.
//!
//! It suggests and never decides: nothing on the decision's form ([`super::decision`]) is chosen beforehand.

mod form;
mod labels;
mod near;
pub mod timeline;
mod working;

use actix_web::web::{self, ServiceConfig, resource};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use domain::incident::assessment::Assessed;
use domain::incident::{Incident, Refusal, Seen};
use domain::values::IncidentId;
use serde::Deserialize;

use self::form::Section;
pub(super) use self::labels::{level as level_label, outcome as outcome_label};
use self::near::{OfGuidelines, OfOurs};
use self::working::{Grounds, Line};
use super::action::refusal;
use super::facts::{self, Row};
use super::field::{Summary, Tag, in_order};
use super::form::{FieldError, Form};
use super::log::{FoundText, findings_in};
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::timeline::who;
use super::words::Reader;
use crate::access::{Dpo, Responder};
use crate::node::DoorError;
use crate::node::decide::draft_id;
use crate::problem::Problem;
use crate::store::queries;

/// Names in a posted form that are no answers.
const BUTTONS: [&str; 3] = ["go", "checked", "seen"];
/// Facts that a person who assesses looks at.
const LOOKED_AT: [&str; 8] = [
    "summary",
    "nature",
    "cause",
    "data_unintelligible",
    "recipients_of_data",
    "data_subjects",
    "data_categories",
    "subject_categories",
];

/// Addresses of assessments.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/incidents/{id}/assessment").get(show))
        .service(resource("/incidents/{id}/assess").get(open).post(save))
        .service(resource("/incidents/{id}/assess/draft").post(autosave));
}

/// Which of them is asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    number: String,
    #[serde(default)]
    done: String,
}

pub(super) async fn incident(visit: &Visit, id: IncidentId) -> Result<Incident, Problem> {
    let found = visit.node.store().read(move |rows| queries::incidents::state(rows, id)).await?;
    found.ok_or(Problem::NotFound)
}

#[derive(Template)]
#[template(path = "assessment.html")]
struct AssessmentPage {
    chrome: Chrome,
    id: IncidentId,
    reference: String,
    done: bool,
    may_assess: bool,
    may_decide: bool,
    why_no_suggestion: &'static str,
    shown: Option<Shown>,
    others: Vec<Other>,
}

/// One assessment.
struct Shown {
    number: u32,
    tags: Vec<Tag>,
    made: String,
    score: String,
    level: &'static str,
    method: String,
    working: Vec<Line>,
    flags: Vec<(&'static str, &'static str)>,
    outcome: &'static str,
    next: &'static str,
    answers: Vec<Line>,
    asked: Vec<(&'static str, String)>,
    advice: Option<Grounds>,
    note: String,
    cases: Vec<OfGuidelines>,
    force: Vec<(String, String)>,
    ours: Vec<OfOurs>,
}

/// Another one, in the history.
struct Other {
    number: u32,
    words: String,
    here: bool,
}

/// `GET /incidents/{id}/assessment`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, id: web::Path<IncidentId>, asked: web::Query<Asked>) -> Answer {
    let state = incident(&visit, *id).await?;
    let wanted: Option<u32> = asked.number.parse().ok();
    let found = match wanted {
        Some(number) => {
            let found = state.assessments.iter().find(|made| made.assessment.number == number);
            Some(found.ok_or(Problem::NotFound)?)
        }
        None => state.assessments.last(),
    };
    let shown = match found {
        Some(made) => Some(shown(&visit, &state, made).await?),
        None => None,
    };
    let here = shown.as_ref().map_or(0, |shown| shown.number);
    let open = state.stage.is_open();
    let page = AssessmentPage {
        chrome: visit.chrome(format!("Assessment - {}", state.reference), "/incidents").exercise(state.exercise),
        id: *id,
        reference: state.reference.to_string(),
        done: asked.done == "1",
        may_assess: open && Responder::of(&visit.person).is_some(),
        may_decide: open && Dpo::of(&visit.person).is_some(),
        why_no_suggestion: "It is not a breach yet: nothing is reportable, so nothing is suggested about reporting.",
        shown,
        others: state
            .assessments
            .iter()
            .rev()
            .map(|made| Other {
                number: made.assessment.number,
                words: one_line(made, visit.reader),
                here: made.assessment.number == here,
            })
            .collect(),
    };
    page::html(&page)
}

/// "2.25, Medium. Points to: tell the ICO. By C. Officer (…), 09:00 today, on version 1 of the facts".
pub(super) fn one_line(made: &Assessed, reader: Reader) -> String {
    let results = &made.assessment.results;
    format!(
        "{}, {}. {}. By {}, {}, on version {} of the facts",
        results.severity,
        labels::level(results.level),
        labels::outcome(results.outcome),
        who(&made.by),
        reader.near(made.at),
        made.assessment.facts_version
    )
}

async fn shown(visit: &Visit, state: &Incident, made: &Assessed) -> Result<Shown, Problem> {
    let assessment = &made.assessment;
    let results = &assessment.results;
    let mut tags = vec![working::level_tag(results.level)];
    if made.is_older_than_the_facts(state) {
        tags.push(Tag::amber(format!("Older than the facts: version {} stands", state.facts_version)));
    }
    let near = near::of(visit, state, assessment).await?;
    Ok(Shown {
        number: assessment.number,
        tags,
        made: format!(
            "Assessment {}, made by {} at {} on version {} of the facts.",
            assessment.number,
            who(&made.by),
            visit.reader.at(made.at),
            assessment.facts_version
        ),
        score: results.severity.to_string(),
        level: labels::level(results.level),
        method: results.method.clone(),
        working: working::of_score(assessment),
        flags: working::flags(assessment),
        outcome: labels::outcome(results.outcome),
        next: working::next(results.outcome),
        answers: working::of_answers(assessment),
        asked: working::asked(assessment),
        advice: results.advice.as_ref().map(working::grounds),
        note: assessment.note.as_ref().map(ToString::to_string).unwrap_or_default(),
        cases: near.cases,
        force: near.force,
        ours: near.ours,
    })
}

#[derive(Template)]
#[template(path = "assess.html")]
struct AssessPage {
    chrome: Chrome,
    summary: Summary,
    id: IncidentId,
    reference: String,
    seen: Seen,
    facts_version: u32,
    facts: Vec<Row>,
    sections: Vec<Section>,
    notice: String,
    note: String,
    findings: Vec<FoundText>,
    must_confirm: bool,
}

fn responder(visit: &Visit) -> Result<Responder, Problem> {
    super::log::responder(visit)
}

/// `GET /incidents/{id}/assess`: the form with its draft, or filled from the facts and the newest assessment.
///
/// # Errors
/// [`Problem`]
pub async fn open(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    responder(&visit)?;
    let state = incident(&visit, *id).await?;
    let facts = state.facts.as_ref().ok_or(Problem::NotFound)?;
    let draft = visit.node.draft(&visit.person, draft_id(*id, visit.person.id())).await?;
    let mut page = match draft {
        Some(draft) => {
            let form = Form::from_json(&draft.content);
            let began: Option<Seen> = form.first("began").parse().ok();
            let mut page = form_page(&visit, &state, &form, Vec::new())?;
            page.note = format!("Draft saved at {}", visit.reader.clock(draft.updated_at));
            if began.is_some_and(|began| began.facts_version != state.facts_version) {
                page.notice = format!(
                    "The facts have changed since you began: version {} stands. What you typed is below; look at it again.",
                    state.facts_version
                );
            }
            page
        }
        None => form_page(&visit, &state, &form::preset(&state, facts), Vec::new())?,
    };
    if state.assessments.is_empty() && page.notice.is_empty() {
        "What the facts say is filled in.".clone_into(&mut page.notice);
    }
    page::html(&page)
}

fn form_page(visit: &Visit, state: &Incident, form: &Form, errors: Vec<FieldError>) -> Result<AssessPage, Problem> {
    let facts = state.facts.as_ref().ok_or(Problem::NotFound)?;
    let sections = form::sections(form, facts, &errors);
    let fields: Vec<_> =
        sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.fields).cloned().collect();
    let looked_at = facts::rows(facts, visit.reader).into_iter().filter(|row| LOOKED_AT.contains(&row.name));
    Ok(AssessPage {
        chrome: visit
            .chrome(super::log::title(&format!("Assess the risk - {}", state.reference), &errors), "/incidents")
            .exercise(state.exercise),
        summary: Summary { errors: in_order(errors, &[&fields]) },
        id: state.id,
        reference: state.reference.to_string(),
        seen: Seen::of(state),
        facts_version: state.facts_version,
        facts: looked_at.collect(),
        sections,
        notice: String::new(),
        note: String::new(),
        findings: Vec::new(),
        must_confirm: false,
    })
}

/// Keeps what was typed. What is too long to keep is refused by the form itself, which names the field.
async fn keep(visit: &Visit, id: IncidentId, form: &Form) -> Result<bool, Problem> {
    let mut kept = form.clone();
    let began = form.first("seen").to_owned();
    kept.drop_names(&BUTTONS);
    kept.set("began", began);
    match visit.node.keep_assessment_draft(&visit.person, id, kept.to_json()).await {
        Ok(_) => Ok(true),
        Err(DoorError::Invalid(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// `POST /incidents/{id}/assess/draft`: what a page with script sends while somebody types.
///
/// # Errors
/// [`Problem`]
pub async fn autosave(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, form } = posted;
    responder(&visit)?;
    let state = incident(&visit, *id).await?;
    if !state.stage.is_open() || !keep(&visit, *id, &form).await? {
        return Ok(HttpResponse::build(StatusCode::PAYLOAD_TOO_LARGE).finish());
    }
    let body = format!("Draft saved at {}", visit.reader.clock(visit.now()));
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(body))
}

/// `POST /incidents/{id}/assess`
///
/// # Errors
/// [`Problem`]
pub async fn save(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = responder(&visit)?;
    let id = *id;
    let state = incident(&visit, id).await?;
    let facts = state.facts.as_ref().ok_or(Problem::NotFound)?;
    if state.stage.is_open() {
        keep(&visit, id, &form).await?;
    }
    let assess = match form::read(&form, visit.reader, facts) {
        Ok(assess) => assess,
        Err(errors) => return faulty(form_page(&visit, &state, &form, errors)?),
    };
    let found = findings_in(&visit, &form::texts(&assess)).await?;
    if found.iter().any(|found| found.serious) && !form.has("checked", "yes") {
        let error = FieldError {
            name: "checked".to_owned(),
            anchor: "checked".to_owned(),
            message: "Take the personal data out, or say that you have checked it".to_owned(),
        };
        let mut page = form_page(&visit, &state, &form, vec![error])?;
        page.findings = found;
        page.must_confirm = true;
        return faulty(page);
    }
    match visit.node.assess(&by, id, assess).await {
        // The same form sent twice has done what it should.
        Ok(_) | Err(DoorError::Refused(Refusal::NothingChanges)) => {
            visit.node.discard_draft(&visit.person, draft_id(id, visit.person.id())).await?;
            Ok(page::see_other(&format!("/incidents/{id}/assessment?done=1")))
        }
        Err(error) => {
            let errors = vec![refused(error, visit.reader)?];
            // Whoever was first stands there now.
            let state = incident(&visit, id).await?;
            faulty(form_page(&visit, &state, &form, errors)?)
        }
    }
}

fn faulty(page: AssessPage) -> Answer {
    page::html_as(page::form_status(&page.summary.errors), &page)
}

/// A refusal at the top of the form; who was first is named with the time as the reader knows it.
pub(super) fn refused(error: DoorError, reader: Reader) -> Result<FieldError, Problem> {
    let anchored = |message: String| FieldError { name: String::new(), anchor: "main".to_owned(), message };
    if let DoorError::Refused(Refusal::Meanwhile { what, by, at }) = &error {
        return Ok(anchored(format!(
            "{} was first, and {what} it at {}. Look at that; what you typed is still here, and can be added to it",
            who(by),
            reader.at_second(*at)
        )));
    }
    if let DoorError::Refused(Refusal::FactsChanged { current }) = &error {
        return Ok(anchored(format!(
            "Somebody changed the facts meanwhile: version {current} stands. Look at them; what you typed is still here"
        )));
    }
    refusal(error, "main")?.pop().ok_or(Problem::NotFound)
}
