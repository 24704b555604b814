//! One part of the report to be written: every question that is asked, with what stands, where it comes from, and what in
//! it may be personal data.
//!
//! The page carries, for each question, the version it shows and a digest of what its inputs say. Only what a person
//! changed is written, over the version that they saw. When somebody else wrote there meanwhile, nothing is saved and both
//! texts are shown. What is typed is kept as a sealed draft at each step, and with script within two seconds of a pause.

use actix_web::{HttpResponse, web};
use askama::Template;
use domain::incident::Incident;
use domain::incident::report::{NewAnswer, Refusal};
use domain::personal_data::Known as KnownTexts;
use domain::report::{self, Answer as ReportAnswer, Sheet, Written};
use domain::values::{Digest32, IncidentId};

use super::super::field::{Field, Summary};
use super::super::form::{FieldError, Form, Reading};
use super::super::log::FoundText;
use super::super::page::{self, Answer, Chrome, Posted, Visit};
use super::super::timeline;
use super::super::words::Reader;
use super::inputs::{digest, fields, is_dated, prefilled, shows, typed, untouched};
use super::{filled, mend, reporter, sign, words};
use crate::node::DoorError;
use crate::node::reports::refused;
use crate::problem::{Problem, capitalised};

/// Versions of an answer that are listed.
const HISTORY_MAX: usize = 20;
/// What is said of a draft of the report before.
const LEFT_OVER: &str = "What you typed in the report before this one, and did not save, is above, to be copied";
/// Names in a posted form that are no answers.
const BUTTONS: [&str; 1] = ["go"];

#[derive(Template)]
#[template(path = "report_section.html")]
struct SectionPage {
    chrome: Chrome,
    summary: Summary,
    id: IncidentId,
    reference: String,
    part: usize,
    parts: usize,
    title: String,
    sheet: String,
    conflicts: Vec<(String, String, String)>,
    unkept: Vec<(String, String)>,
    asked: Vec<Asked>,
    not_asked: Vec<(String, String)>,
    note: String,
    has_draft: bool,
}

/// One question that is asked.
struct Asked {
    id: String,
    question: String,
    fields: Vec<Field>,
    version: u32,
    was: Digest32,
    from: String,
    facts_now: String,
    mend: Option<(String, &'static str)>,
    found: Vec<FoundText>,
    history: Vec<String>,
}

/// Number of a part and the report that it belongs to.
type Part = (IncidentId, usize);

fn section(sheet: &Sheet, part: usize) -> Result<&report::Section, Problem> {
    part.checked_sub(1).and_then(|at| sheet.sections.get(at)).ok_or(Problem::NotFound)
}

/// Which form of which report a page belongs to.
fn sheet_name(sheet: &Sheet) -> String {
    format!("{}-{}", sheet.form.id, sheet.number)
}

/// What a draft of a part is kept under.
fn draft_name(sheet: &Sheet, part: usize) -> String {
    format!("{}-{part}", sheet_name(sheet))
}

/// `GET /incidents/{id}/report/sections/{part}`
///
/// # Errors
/// [`Problem`]
pub(super) async fn show(visit: Visit, path: web::Path<Part>) -> Answer {
    reporter(&visit)?;
    let (id, part) = path.into_inner();
    let (state, _, sheet) = filled(&visit, id).await?;
    let found = section(&sheet, part)?;
    let draft = visit.node.report_draft(&visit.person, id, &draft_name(&sheet, part)).await?;
    match draft {
        Some(draft) => {
            let note = format!("Draft saved at {}, not in the report yet", visit.reader.clock(draft.updated_at));
            let form = Form::from_json(&draft.content);
            shown(&visit, &state, &sheet, part, &form, Outcome { note, has_draft: true, ..Outcome::default() }).await
        }
        None => {
            let form = prefilled(found, visit.reader);
            let outcome = match left_over(&visit, id, &sheet, part).await? {
                Some(unkept) => Outcome { unkept, note: LEFT_OVER.to_owned(), has_draft: true, ..Outcome::default() },
                None => Outcome::default(),
            };
            shown(&visit, &state, &sheet, part, &form, outcome).await
        }
    }
}

/// What this person typed in the same part of the report before this one, and did not save.
async fn left_over(
    visit: &Visit,
    id: IncidentId,
    sheet: &Sheet,
    part: usize,
) -> Result<Option<Vec<(String, String)>>, Problem> {
    let Some(name) = earlier_draft(sheet, part) else { return Ok(None) };
    let draft = visit.node.report_draft(&visit.person, id, &name).await?;
    Ok(draft.map(|draft| all_typed(&Form::from_json(&draft.content))).filter(|typed| !typed.is_empty()))
}

/// What a draft of this part of the report before is kept under.
fn earlier_draft(sheet: &Sheet, part: usize) -> Option<String> {
    let before = sheet.number.checked_sub(1).filter(|number| *number > 0)?;
    Some(format!("{}-{before}-{part}", sheet.form.id))
}

/// What came of saving.
#[derive(Default)]
struct Outcome {
    errors: Vec<FieldError>,
    conflicts: Vec<(String, String, String)>,
    /// What was typed on another form's page, when no draft of it could be kept: names and texts.
    unkept: Vec<(String, String)>,
    note: String,
    has_draft: bool,
}

async fn shown(visit: &Visit, state: &Incident, sheet: &Sheet, part: usize, form: &Form, outcome: Outcome) -> Answer {
    let found = section(sheet, part)?;
    let (own_contacts, names) = visit.node.known_texts().await?;
    let known = KnownTexts { own_contacts: &own_contacts, names: &names };
    let warnings = report::warnings(sheet, &known);
    let Outcome { errors, conflicts, unkept, note, has_draft } = outcome;
    let mut asked = Vec::new();
    for answer in found.answers.iter().filter(|answer| answer.applies) {
        let warning = warnings.iter().find(|warning| warning.question == answer.asked.id);
        let fields: Vec<Field> =
            fields(form, answer, visit.reader).into_iter().map(|field| field.faults(&errors)).collect();
        let base = form.first(&format!("base-{}", answer.id)).parse().ok();
        let was = form.first(&format!("was-{}", answer.id)).parse().ok();
        asked.push(Asked {
            id: answer.id.clone(),
            question: answer.question.clone(),
            fields,
            version: base.unwrap_or(answer.version),
            was: was.unwrap_or_else(|| untouched(answer, visit.reader)),
            from: answer.from.clone(),
            facts_now: facts_now(answer, visit.reader),
            mend: answer.asked.source.mend().map(|to| mend(to, state.id)),
            found: warning.map(|warning| sign::found_texts(answer, warning)).unwrap_or_default(),
            history: history(state, answer, visit.reader),
        });
    }
    let not_asked = found.answers.iter().filter(|answer| !answer.applies);
    let page = SectionPage {
        chrome: visit
            .chrome(super::super::log::title(&format!("{} - {}", found.title, state.reference), &errors), "/incidents")
            .exercise(state.exercise),
        id: state.id,
        reference: state.reference.to_string(),
        part,
        parts: sheet.sections.len(),
        title: found.title.clone(),
        sheet: sheet_name(sheet),
        conflicts,
        unkept,
        asked,
        not_asked: not_asked
            .map(|answer| (answer.question.clone(), words::value(&answer.value, visit.reader)))
            .collect(),
        note,
        has_draft,
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

/// What the facts say, beside what a person wrote.
fn facts_now(answer: &ReportAnswer, reader: Reader) -> String {
    if answer.written.is_none() {
        return String::new();
    }
    let changed = if answer.fact_changed { "The facts have changed since. They now say" } else { "The facts say" };
    format!("{changed}: {}", words::value(&answer.fact, reader))
}

fn history(state: &Incident, answer: &ReportAnswer, reader: Reader) -> Vec<String> {
    let versions = state.reports.answers.get(&answer.asked.id).map(Vec::as_slice).unwrap_or_default();
    let newest = versions.iter().rev().take(HISTORY_MAX);
    newest
        .map(|version| {
            let said = version.answer.as_ref().map_or_else(
                || "what the facts say".to_owned(),
                |answered| words::value(&answered.value(answer.asked), reader),
            );
            let by = timeline::who(&version.by);
            format!("Version {}, {} at {}: {said}", version.version, by, reader.at(version.at))
        })
        .collect()
}

/// `POST /incidents/{id}/report/sections/{part}`: writes what was changed, all of it or nothing.
///
/// # Errors
/// [`Problem`]
pub(super) async fn save(posted: Posted, path: web::Path<Part>) -> Answer {
    let Posted { visit, mut form } = posted;
    let by = reporter(&visit)?;
    let (id, part) = path.into_inner();
    let next = form.has("go", "next");
    form.drop_names(&BUTTONS);
    let (state, _, sheet) = filled(&visit, id).await?;
    let found = section(&sheet, part)?;
    let name = draft_name(&sheet, part);
    if form.first("sheet") != sheet_name(&sheet) {
        return another_sheet(&visit, &state, &sheet, part, &form).await;
    }
    let (answers, errors) = changed(found, &mut form, &visit);
    let mut outcome = if errors.is_empty() {
        match visit.node.write_answers(&by, id, state.reports.worked_on(), answers).await {
            Ok(()) | Err(DoorError::Refused(domain::incident::Refusal::NothingChanges)) => {
                visit.node.discard_report_draft(&visit.person, id, &name).await?;
                let to = if next && part < sheet.sections.len() {
                    format!("/incidents/{id}/report/sections/{}", part.saturating_add(1))
                } else {
                    format!("/incidents/{id}/report")
                };
                return Ok(page::see_other(&to));
            }
            Err(error) if matches!(refused(&error), Some(Refusal::AnotherReport)) => {
                let (state, _, sheet) = filled(&visit, id).await?;
                return another_sheet(&visit, &state, &sheet, part, &form).await;
            }
            Err(error) => not_saved(error, found, &visit, &mut form)?,
        }
    } else {
        Outcome { errors, ..Outcome::default() }
    };
    if let Some(why) = unkept(&visit, id, &name, &form).await? {
        outcome.note = why;
    }
    shown(&visit, &state, &sheet, part, &form, outcome).await
}

/// Keeps what was typed and could not be saved as a draft. Where that is refused, as of too many drafts, says why: the page
/// still shows what was typed.
async fn unkept(visit: &Visit, id: IncidentId, name: &str, form: &Form) -> Result<Option<String>, Problem> {
    match visit.node.keep_report_draft(&visit.person, id, name, form.to_json()).await {
        Ok(_) => Ok(None),
        Err(DoorError::Invalid(why)) => Ok(Some(not_in_a_draft(why))),
        Err(other) => Err(other.into()),
    }
}

fn not_in_a_draft(why: &str) -> String {
    format!("What you typed is on this page only, not in a draft: {why}")
}

/// What a person changed, each over the version that their page showed. Also where the question is no longer asked: what
/// they typed is theirs. An answer whose page did not say which version it showed is not written, and not dropped either.
fn changed(found: &report::Section, form: &mut Form, visit: &Visit) -> (Vec<NewAnswer>, Vec<FieldError>) {
    let (mut answers, mut unseen) = (Vec::new(), Vec::new());
    let mut reading = Reading::new(form, visit.reader);
    for answer in &found.answers {
        let base = form.first(&format!("base-{}", answer.id)).parse();
        if base.is_err() && !answer.applies {
            continue;
        }
        let written = typed(&mut reading, answer);
        match base {
            Ok(base_version) if is_changed(form, answer, written.as_ref()) => {
                answers.push(NewAnswer { question: answer.asked.id.clone(), base_version, answer: written });
            }
            Err(_) if written.is_some() => unseen.push(answer),
            Ok(_) | Err(_) => {}
        }
    }
    let mut errors = reading.into_errors();
    for answer in unseen {
        let message = "This was not on the page that you filled in: look at it, then save it".to_owned();
        let anchor = if is_dated(answer) { format!("{}-day", answer.id) } else { answer.id.clone() };
        errors.push(FieldError { name: answer.id.clone(), anchor, message });
        shows(form, answer, visit.reader);
    }
    (answers, errors)
}

fn is_changed(form: &Form, answer: &ReportAnswer, written: Option<&Written>) -> bool {
    form.first(&format!("was-{}", answer.id)) != digest(written).to_string()
}

/// Another form was chosen, or a follow-up opened, since the page was shown: nothing is written. What was typed on another
/// form stays as a draft there. A page of a report that was submitted does not come back: what was typed on it, and what no
/// draft can keep, is shown, to be copied.
async fn another_sheet(visit: &Visit, state: &Incident, sheet: &Sheet, part: usize, form: &Form) -> Answer {
    let typed_on = form.first("sheet");
    let known = typed_on.rsplit_once('-').is_some_and(|(id, number)| {
        report::FormId::parse(id).is_some() && number.parse::<u32>().is_ok_and(|number| number == sheet.number)
    });
    let not_kept = if known {
        unkept(visit, state.id, &format!("{typed_on}-{part}"), form).await?
    } else {
        Some("What you typed is on this page only, not in a draft".to_owned())
    };
    let what = "Another form was chosen, or a follow-up opened, while you typed. Nothing was saved";
    let message = if not_kept.is_some() {
        format!("{what}: your text is below, to be copied")
    } else {
        format!("{what}: your text is kept as a draft and is there again with the form on which you typed it")
    };
    let anchor = section(sheet, part)?.answers.first().map_or("save", |answer| answer.id.as_str()).to_owned();
    let errors = vec![FieldError { name: "sheet".to_owned(), anchor, message }];
    let now = prefilled(section(sheet, part)?, visit.reader);
    let unkept = if not_kept.is_some() { all_typed(form) } else { Vec::new() };
    let note = not_kept.unwrap_or_default();
    shown(visit, state, sheet, part, &now, Outcome { errors, unkept, note, ..Outcome::default() }).await
}

/// All that a form says, by the names of its inputs, without what the page itself put there.
fn all_typed(form: &Form) -> Vec<(String, String)> {
    let ours = |name: &str| name == "sheet" || name.starts_with("base-") || name.starts_with("was-");
    let typed = form.pairs().filter(|(name, value)| !ours(name) && !value.trim().is_empty());
    typed.map(|(name, value)| (name.replace(['_', '-'], " "), value.to_owned())).collect()
}

/// Why nothing was saved, at the fields that it is about. Of what somebody else wrote both texts are shown; the next save
/// is over the version shown here.
fn not_saved(error: DoorError, found: &report::Section, visit: &Visit, form: &mut Form) -> Result<Outcome, Problem> {
    let fault = |id: &str, message: String| {
        let dated = found.answers.iter().any(|answer| answer.id == id && is_dated(answer));
        let anchor = if dated { format!("{id}-day") } else { id.to_owned() };
        FieldError { name: id.to_owned(), anchor, message }
    };
    let errors = match refused(&error) {
        Some(Refusal::Answers(faults)) => {
            faults.iter().map(|(id, why)| fault(id.as_str(), capitalised(&why.to_string()))).collect()
        }
        Some(Refusal::Stale(questions)) => {
            let mut outcome = Outcome::default();
            for answer in found.answers.iter().filter(|answer| questions.contains(&answer.asked.id)) {
                let mut reading = Reading::new(form, visit.reader);
                let yours = typed(&mut reading, answer).map_or_else(
                    || "What the facts say".to_owned(),
                    |written| words::value(&written.value(answer.asked), visit.reader),
                );
                outcome.conflicts.push((
                    answer.question.clone(),
                    yours,
                    format!("{} ({})", words::value(&answer.value, visit.reader), answer.from),
                ));
                let message = "Somebody else answered this meanwhile: look at both, then save the one that is right";
                outcome.errors.push(fault(&answer.id, message.to_owned()));
                shows(form, answer, visit.reader);
            }
            return Ok(outcome);
        }
        Some(_) | None => {
            let first = found.answers.first().map_or("save", |answer| answer.id.as_str());
            super::super::action::refusal(error, first)?
        }
    };
    Ok(Outcome { errors, ..Outcome::default() })
}

/// `POST /incidents/{id}/report/sections/{part}/draft`: what a page with script sends while somebody types.
///
/// # Errors
/// [`Problem`]
pub(super) async fn autosave(posted: Posted, path: web::Path<Part>) -> Answer {
    let Posted { visit, mut form } = posted;
    reporter(&visit)?;
    let (id, part) = path.into_inner();
    let (state, _, sheet) = filled(&visit, id).await?;
    let found = section(&sheet, part)?;
    form.drop_names(&BUTTONS);
    let said = |words: String| Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(words));
    if form.first("sheet") != sheet_name(&sheet) {
        return said(not_in_a_draft("another form was chosen, or a follow-up opened. Save it to see what to do"));
    }
    if is_saved(&visit, &state, found, &form) {
        return said(String::new());
    }
    let name = draft_name(&sheet, part);
    let words = match visit.node.keep_report_draft(&visit.person, id, &name, form.to_json()).await {
        Ok(at) => format!("Draft saved at {}, not in the report yet", visit.reader.clock(at)),
        Err(DoorError::Invalid(why)) => not_in_a_draft(why),
        Err(other) => return Err(other.into()),
    };
    said(words)
}

/// Whether all that was typed is in the report: then a draft of it that arrives late would cover what was saved after it.
/// An answer that this person wrote since the page was shown counts as saved, whatever an older keystroke says.
fn is_saved(visit: &Visit, state: &Incident, found: &report::Section, form: &Form) -> bool {
    let mut reading = Reading::new(form, visit.reader);
    let mut saved_since = false;
    for answer in &found.answers {
        let Ok(base) = form.first(&format!("base-{}", answer.id)).parse::<u32>() else { continue };
        let versions = state.reports.answers.get(&answer.asked.id).map(Vec::as_slice).unwrap_or_default();
        let newest = versions.last().filter(|newest| newest.version > base);
        if newest.is_some_and(|newest| newest.by.person() == Some(visit.person.id())) {
            saved_since = true;
            continue;
        }
        let written = typed(&mut reading, answer);
        if is_changed(form, answer, written.as_ref()) {
            return false;
        }
    }
    // What can't be read yet is half typed.
    saved_since && reading.into_errors().is_empty()
}

/// `POST /incidents/{id}/report/sections/{part}/discard`: forgets the draft.
///
/// # Errors
/// [`Problem`]
pub(super) async fn discard(posted: Posted, path: web::Path<Part>) -> Answer {
    let visit = posted.visit;
    reporter(&visit)?;
    let (id, part) = path.into_inner();
    let (_, _, sheet) = filled(&visit, id).await?;
    for name in [Some(draft_name(&sheet, part)), earlier_draft(&sheet, part)].into_iter().flatten() {
        visit.node.discard_report_draft(&visit.person, id, &name).await?;
    }
    Ok(page::see_other(&format!("/incidents/{id}/report/sections/{part}")))
}
