//! Check your answers: all of them with a way to change each, what in them looks like personal data, who will be told;
//! then log and notify, or log and hold.

use actix_web::web;
use askama::Template;
use domain::facts::{Facts, IncidentKind};
use domain::personal_data::{self, Known, Severity};
use uuid::Uuid;

use super::super::facts::{self, Row};
use super::super::field::Summary;
use super::super::form::{FieldError, Form};
use super::super::page::{self, Answer, Chrome, Posted, Visit};
use super::told::{self, Told};
use super::{Answers, BUTTONS};
use crate::node::execute::LOG_FORM;
use crate::node::{DoorError, LogRequest, SentForm};
use crate::problem::Problem;
use crate::store::queries::partners;

/// Characters shown on each side of a finding.
const AROUND: usize = 40;

#[derive(Template)]
#[template(path = "check.html")]
struct CheckPage {
    chrome: Chrome,
    summary: Summary,
    id: Uuid,
    rows: Vec<Row>,
    extra: Vec<(&'static str, &'static str, String)>,
    findings: Vec<FoundText>,
    must_confirm: bool,
    kept: Vec<(String, String)>,
    told: Told,
    notice: &'static str,
}

/// A piece of text that looks like personal data, with a little of what surrounds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) struct FoundText {
    pub(in crate::web) name: &'static str,
    pub(in crate::web) label: &'static str,
    pub(in crate::web) looks: &'static str,
    pub(in crate::web) before: String,
    pub(in crate::web) hit: String,
    pub(in crate::web) after: String,
    pub(in crate::web) serious: bool,
}

/// What in the free texts of facts looks like personal data.
pub(in crate::web) async fn findings(visit: &Visit, facts: &Facts) -> Result<Vec<FoundText>, Problem> {
    let texts: Vec<_> = facts.free_texts().into_iter().map(|(name, text)| (name, facts::label(name), text)).collect();
    findings_in(visit, &texts).await
}

/// What in texts, each with its name and label, looks like personal data.
pub(in crate::web) async fn findings_in(
    visit: &Visit,
    texts: &[(&'static str, &'static str, &str)],
) -> Result<Vec<FoundText>, Problem> {
    let (mut contacts, names) = visit.node.store().read(partners::known_texts).await?;
    let us = visit.node.organisation();
    contacts.extend(
        [Some(&us.contact), us.dpo.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(|contact| contact.email.as_ref().map(ToString::to_string)),
    );
    let known = Known { own_contacts: &contacts, names: &names };
    let mut found = Vec::new();
    for (name, label, text) in texts.iter().copied() {
        for finding in personal_data::check(name, text, &known) {
            let take = |from: usize, many: usize| text.chars().skip(from).take(many).collect::<String>();
            let from = finding.start.saturating_sub(AROUND);
            let to = finding.start.saturating_add(finding.len);
            let dots = |cut: bool| if cut { "\u{2026}" } else { "" };
            let after = take(to, AROUND);
            let more = text.chars().count() > to.saturating_add(AROUND);
            found.push(FoundText {
                name,
                label,
                looks: finding.kind.label(),
                before: format!("{}{}", dots(from > 0), take(from, finding.start - from)),
                hit: take(finding.start, finding.len),
                after: format!("{after}{}", dots(more)),
                serious: finding.severity == Severity::Warn,
            });
        }
    }
    Ok(found)
}

/// `GET /incidents/new/{form}/check`
///
/// # Errors
/// [`Problem`]
pub async fn page(visit: Visit, id: web::Path<Uuid>) -> Answer {
    super::responder(&visit)?;
    let id = id.into_inner();
    let draft = visit.node.draft(&visit.person, id).await?.ok_or(Problem::NotFound)?;
    let form = Form::from_json(&draft.content);
    match super::read(&form, visit.reader) {
        Ok(answers) => show(&visit, id, &form, &answers, Vec::new(), "").await,
        Err(errors) => super::show(&visit, id, &form, errors, String::new()).await,
    }
}

/// `POST /incidents/new/{form}/log`: logs, once. The page carries all answers itself, so that the same form sent again
/// finds the same incident even when its draft is gone.
///
/// # Errors
/// [`Problem`]
pub async fn log(posted: Posted, id: web::Path<Uuid>) -> Answer {
    let Posted { visit, mut form } = posted;
    let by = super::responder(&visit)?;
    let id = id.into_inner();
    let (hold, checked) = (form.has("go", "hold"), form.has("checked", "yes"));
    let sent = form.sent_as(id);
    form.drop_names(&BUTTONS);
    let answers = match super::read(&form, visit.reader) {
        Ok(answers) => answers,
        Err(errors) => return super::show(&visit, id, &form, errors, String::new()).await,
    };
    let found = findings(&visit, &answers.facts).await?;
    if found.iter().any(|found| found.serious) && !checked {
        let error = FieldError {
            name: "checked".to_owned(),
            anchor: "checked".to_owned(),
            message: "Take the personal data out, or say that you have checked it".to_owned(),
        };
        return show(&visit, id, &form, &answers, vec![error], "").await;
    }
    match visit.node.log_incident(&by, request(sent, &answers, hold)).await {
        Ok(answer) => {
            visit.node.discard_draft(&visit.person, id).await?;
            Ok(page::see_other(&format!("/incidents/{}?logged=1", answer.id)))
        }
        Err(DoorError::FormUnknown) => {
            let notice =
                "This form had been open for too long. Nothing was logged. Look at your answers again, then log it.";
            renewed(&visit, &form, &answers, notice).await
        }
        Err(DoorError::FormSaidOtherwise) => {
            let notice = "This form was sent before with other answers, and an incident was logged with those. If this is another \
                          incident, look at your answers again, then log it. If it is the same, go to the incident and update it.";
            renewed(&visit, &form, &answers, notice).await
        }
        Err(DoorError::Refused(refusal)) => {
            super::show(&visit, id, &form, vec![super::refused(&refusal, visit.reader)], String::new()).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The one-use form can't be used, because it expired while its draft lay about or was used with other answers: these go on
/// under a fresh one, and are looked at once more.
async fn renewed(visit: &Visit, form: &Form, answers: &Answers, notice: &'static str) -> Answer {
    let id = visit.node.make_form(&visit.person, LOG_FORM).await?;
    visit.node.keep_draft(&visit.person, id, LOG_FORM, form.to_json()).await?;
    show(visit, id, form, answers, Vec::new(), notice).await
}

fn request(form: SentForm, answers: &Answers, hold: bool) -> LogRequest {
    LogRequest {
        form,
        kind: answers.kind,
        exercise: answers.exercise,
        facts: answers.facts.clone(),
        awareness: answers.awareness,
        old_reason: answers.old_reason.clone(),
        services: answers.services.clone(),
        hold,
        from_exchange: answers.from,
    }
}

async fn show(
    visit: &Visit,
    id: Uuid,
    form: &Form,
    answers: &Answers,
    errors: Vec<FieldError>,
    notice: &'static str,
) -> Answer {
    let services = visit.node.store().read(partners::services).await?;
    let names = services.into_iter().filter(|(id, _)| answers.services.contains(id)).map(|(_, name)| name);
    let reader = visit.reader;
    let kind = match answers.kind {
        IncidentKind::Breach => "A breach",
        IncidentKind::LikelyToGiveRise | IncidentKind::UnderInvestigation => {
            "Not yet a breach, but likely to lead to one"
        }
    };
    let mut extra = vec![("kind", "Is it a breach?", kind.to_owned())];
    let aware = [answers.awareness.breach, answers.awareness.circumstances];
    extra.push((
        "aware-day",
        "We became aware",
        aware.into_iter().flatten().next().map(|at| reader.at(at)).unwrap_or_default(),
    ));
    if let (Some(_), Some(earlier)) = (answers.awareness.breach, answers.awareness.circumstances) {
        extra.push(("circumstances-day", "Aware earlier that it was likely", reader.at(earlier)));
    }
    extra.push(("services", "Services", names.collect::<Vec<_>>().join("; ")));
    if let Some(reason) = &answers.old_reason {
        extra.push(("old_reason", "Why it is logged only now", reason.to_string()));
    }
    extra.push(("exercise", "Exercise", if answers.exercise { "Yes" } else { "No" }.to_owned()));
    let found = findings(visit, &answers.facts).await?;
    let page = CheckPage {
        chrome: visit.chrome(super::title("Check your answers", &errors), "/incidents").exercise(answers.exercise),
        id,
        rows: facts::rows(&answers.facts, reader).into_iter().filter(|row| !row.optional || !row.unknown()).collect(),
        extra,
        must_confirm: found.iter().any(|found| found.serious),
        findings: found,
        kept: form.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        told: told::of(visit, form).await?,
        summary: Summary { errors },
        notice,
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}
