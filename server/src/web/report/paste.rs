//! The report on its way out: a page in the order of the regulator's online form, one copy button per answer; and JSON.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;
use domain::report::AnswerValue;
use domain::values::IncidentId;
use serde_json::json;

use super::super::page::{self, Answer, Chrome, Visit};
use super::{filled, words};
use crate::access;
use crate::documents::report_json;
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "report_paste.html")]
struct PastePage {
    chrome: Chrome,
    id: IncidentId,
    reference: String,
    form: &'static str,
    signed: bool,
    missing: Vec<(String, String)>,
    parts: Vec<(String, Vec<Line>)>,
}

/// One answer to carry over.
struct Line {
    id: String,
    question: String,
    /// Options of the form to choose, in its words; or one text.
    texts: Vec<String>,
    choose: bool,
    rows: usize,
    missing: String,
}

/// `GET /incidents/{id}/report/paste`
///
/// # Errors
/// [`Problem`]
pub(super) async fn show(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    let (state, _, sheet) = filled(&visit, *id).await?;
    let mut missing = Vec::new();
    let mut parts = Vec::new();
    for section in &sheet.sections {
        let mut lines = Vec::new();
        for answer in section.answers.iter().filter(|answer| !matches!(answer.value, AnswerValue::DoesNotApply(_))) {
            let said = words::value(&answer.value, visit.reader);
            let choose = answer.asked.kind.is_choice();
            let is_missing = !answer.value.is_said();
            if is_missing {
                missing.push((format!("a-{}", answer.id), answer.question.clone()));
            }
            lines.push(Line {
                id: answer.id.clone(),
                question: answer.question.clone(),
                choose,
                rows: said.lines().map(|line| line.chars().count() / 70 + 1).sum::<usize>().clamp(1, 14),
                missing: if is_missing { said.clone() } else { String::new() },
                texts: match (is_missing, choose) {
                    (true, _) => Vec::new(),
                    (false, true) => said.lines().map(str::to_owned).collect(),
                    (false, false) => vec![said],
                },
            });
        }
        if !lines.is_empty() {
            parts.push((section.title.clone(), lines));
        }
    }
    page::html(&PastePage {
        chrome: visit.chrome(format!("Copy it over - {}", state.reference), "/incidents").exercise(state.exercise),
        id: *id,
        reference: state.reference.to_string(),
        form: sheet.form.name.as_str(),
        signed: state.reports.signed_as(&sheet).is_some(),
        missing,
        parts,
    })
}

/// `GET /incidents/{id}/report.json`
///
/// # Errors
/// [`Problem`]
pub(super) async fn json(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    let (state, _, sheet) = filled(&visit, *id).await?;
    let by = access::Reader::of(&visit.person).ok_or(Problem::NotAllowed("people who may read the record"))?;
    let body = report_json::written(&state, &sheet, visit.now());
    visit.node.note_export(&by, "report_exported", json!({ "incident": id.to_string(), "form": "json" })).await?;
    let name = format!("{}-report-{}.json", state.reference, sheet.number);
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body))
}
