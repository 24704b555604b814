//! Signing a report off: what is missing and what may be personal data first, then every answer, then the password once
//! more.

use actix_web::web;
use askama::Template;
use domain::incident::report::Refusal;
use domain::personal_data::{Known, Severity};
use domain::report::{self, Warning};
use domain::values::{Digest32, IncidentId};

use super::super::action::refusal;
use super::super::field::{Field, Summary};
use super::super::form::{FieldError, Form, Reading};
use super::super::log::FoundText;
use super::super::page::{self, Answer, Chrome, Posted, Visit};
use super::super::timeline;
use super::words::{self, Shown};
use super::{filled, mend, officer, reporter};
use crate::node::DoorError;
use crate::node::reports::refused;
use crate::problem::{Problem, capitalised};

/// Characters shown on each side of a finding.
const AROUND: usize = 40;

#[derive(Template)]
#[template(path = "report_sign.html")]
struct SignPage {
    chrome: Chrome,
    summary: Summary,
    id: IncidentId,
    reference: String,
    digest: Digest32,
    first: String,
    missing: Vec<(String, String)>,
    unlike: Vec<Unlike>,
    unknown: Vec<String>,
    looked: Vec<Looked>,
    answers: Vec<Shown>,
    may_sign: bool,
    password: Field,
}

/// An answer that is not what the facts say.
struct Unlike {
    question: String,
    href: String,
    said: String,
    facts: String,
    mend: Option<(String, &'static str)>,
}

/// A text that may be personal data.
struct Looked {
    question: String,
    href: String,
    id: String,
    seen: Digest32,
    found: Vec<FoundText>,
    serious: bool,
    accepted: String,
    reason: Field,
}

/// What was found in a text, with a little of what surrounds it.
pub(super) fn found_texts(answer: &report::Answer, warning: &Warning) -> Vec<FoundText> {
    let text = &warning.text;
    let count = text.chars().count();
    let take = |from: usize, many: usize| text.chars().skip(from).take(many).collect::<String>();
    let dots = |cut: bool| if cut { "\u{2026}" } else { "" };
    let shown = |finding: &domain::personal_data::Finding| {
        let from = finding.start.saturating_sub(AROUND);
        let to = finding.start.saturating_add(finding.len);
        FoundText {
            name: answer.asked.id.as_str(),
            label: answer.asked.label.as_str(),
            looks: finding.kind.label(),
            before: format!("{}{}", dots(from > 0), take(from, finding.start.saturating_sub(from))),
            hit: take(finding.start, finding.len),
            after: format!("{}{}", take(to, AROUND), dots(count > to.saturating_add(AROUND))),
            serious: finding.severity == Severity::Warn,
        }
    };
    warning.findings.iter().map(shown).collect()
}

/// `GET /incidents/{id}/report/sign-off`
///
/// # Errors
/// [`Problem`]
pub(super) async fn show(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    officer(&visit)?;
    shown(&visit, *id, &Form::default(), Vec::new()).await
}

async fn shown(visit: &Visit, id: IncidentId, form: &Form, errors: Vec<FieldError>) -> Answer {
    let (state, _, sheet) = filled(visit, id).await?;
    let (own_contacts, names) = visit.node.known_texts().await?;
    let known = Known { own_contacts: &own_contacts, names: &names };
    let mut looked = Vec::new();
    for warning in report::warnings(&sheet, &known) {
        let Some(answer) = sheet.answer(&warning.question) else { continue };
        let accepted = state.reports.accepted.get(&warning.question);
        let accepted = accepted.filter(|accepted| accepted.text == warning.digest());
        let name = format!("reason-{}", answer.id);
        looked.push(Looked {
            question: answer.question.clone(),
            href: part_of(&sheet, id, &answer.id),
            id: answer.id.clone(),
            seen: warning.digest(),
            found: found_texts(answer, &warning),
            serious: warning.is_serious(),
            accepted: accepted
                .map(|accepted| format!("{} let it stay: {}", timeline::who(&accepted.by), accepted.reason))
                .unwrap_or_default(),
            reason: Field::line(form, &name, "Why may it stay?").faults(&errors),
        });
    }
    let missing = report::missing_required(&sheet);
    let signed = state.reports.signed_as(&sheet);
    let page = SignPage {
        chrome: visit
            .chrome(super::super::log::title(&format!("Sign off - {}", state.reference), &errors), "/incidents")
            .exercise(state.exercise),
        id,
        reference: state.reference.to_string(),
        digest: sheet.digest(),
        first: signed
            .map(|signed| {
                format!("{} signed these answers off at {}.", timeline::who(&signed.by), visit.reader.at(signed.at))
            })
            .unwrap_or_default(),
        may_sign: missing.is_empty()
            && signed.is_none()
            && looked.iter().all(|looked| !looked.serious || !looked.accepted.is_empty()),
        missing: missing.into_iter().map(|answer| (part_of(&sheet, id, &answer.id), answer.question.clone())).collect(),
        unlike: report::unlike_the_facts(&sheet)
            .into_iter()
            .map(|answer| Unlike {
                question: answer.question.clone(),
                href: part_of(&sheet, id, &answer.id),
                said: words::value(&answer.value, visit.reader),
                facts: words::value(&answer.fact, visit.reader),
                mend: answer.asked.source.mend().map(|to| mend(to, id)),
            })
            .collect(),
        unknown: sheet
            .answers()
            .filter(|answer| answer.value.is_open() && answer.asked.required.is_none())
            .map(|answer| answer.question.clone())
            .collect(),
        looked,
        answers: sheet
            .answers()
            .filter(|answer| answer.value.is_said())
            .map(|answer| Shown::of(answer, id, "", visit.reader))
            .collect(),
        password: Field::password("password", "Your password").faults(&errors),
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

/// The page on which an answer is written.
fn part_of(sheet: &report::Sheet, id: IncidentId, question: &str) -> String {
    let numbered = (1_usize..).zip(&sheet.sections);
    let part = numbered.into_iter().find(|(_, section)| section.answers.iter().any(|answer| answer.id == question));
    let part = part.map_or(1, |(part, _)| part);
    format!("/incidents/{id}/report/sections/{part}#{question}")
}

/// `POST /incidents/{id}/report/accept`: a text may stay although it looks like personal data.
///
/// # Errors
/// [`Problem`]
pub(super) async fn accept(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = reporter(&visit)?;
    let question = report::QuestionId::parse(form.first("question")).map_err(|_| Problem::NotFound)?;
    let seen = form.first("seen").parse().map_err(|_| Problem::NotFound)?;
    let name = format!("reason-{question}");
    let mut reading = Reading::new(&form, visit.reader);
    let reason = reading.text(&name, "Say why it may stay, or take it out");
    let errors = match reason {
        Some(reason) => match visit.node.accept_warning(&by, *id, question, seen, reason).await {
            Ok(()) => return Ok(page::see_other(&format!("/incidents/{id}/report/sign-off"))),
            Err(error) => refusal(error, &name)?,
        },
        None => reading.into_errors(),
    };
    shown(&visit, *id, &form, errors).await
}

/// `POST /incidents/{id}/report/sign-off`
///
/// # Errors
/// [`Problem`]
pub(super) async fn sign(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = officer(&visit)?;
    let seen = form.first("seen").parse().map_err(|_| Problem::Malformed("The form could not be read."))?;
    let password = form.first("password").to_owned();
    let fault =
        |name: &str, message: String| vec![FieldError { name: name.to_owned(), anchor: name.to_owned(), message }];
    if password.is_empty() {
        let errors = fault("password", "Give your password to sign".to_owned());
        return shown(&visit, *id, &form, errors).await;
    }
    let errors = match visit.node.sign_report_off(&visit.person, &by, *id, seen, password).await {
        Ok(()) => return Ok(page::see_other(&format!("/incidents/{id}/report"))),
        Err(error) => match (refused(&error), &error) {
            (Some(Refusal::AlreadySigned { by, at }), _) => {
                let words = format!("{by} signed these answers off already, at {}", visit.reader.at(*at));
                fault("answers", words)
            }
            (Some(_), _) => fault("answers", capitalised(&error.to_string())),
            (None, DoorError::Invalid(_)) => fault("password", capitalised(&error.to_string())),
            (None, _) => refusal(error, "answers")?,
        },
    };
    shown(&visit, *id, &Form::default(), errors).await
}
