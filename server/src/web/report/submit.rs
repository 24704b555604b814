//! What a person submitted: when, how, under which reference, with the file that proves it; and the report that follows up.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;
use domain::incident::Incident;
use domain::incident::report::Sent;
use domain::report::{Submission, SubmissionChannel};
use domain::values::IncidentId;
use serde_json::json;

use super::super::action::refusal;
use super::super::field::{Field, Summary, in_order};
use super::super::form::{FieldError, Form, Reading};
use super::super::page::{self, Answer, Chrome, Posted, Visit};
use super::super::upload::{SentFile, WithFile};
use super::{filled, incident, reporter};
use crate::access;
use crate::documents::proof::{self, ProofKind};
use crate::node::reports::ProofFile;
use crate::problem::Problem;

/// The longest file that is read, a little more than is taken: what is too long is said beside the field.
const READ_OCTETS_MAX: usize = 12 * 1024 * 1024;

#[derive(Template)]
#[template(path = "report_submission.html")]
struct SubmissionPage {
    chrome: Chrome,
    summary: Summary,
    id: IncidentId,
    reference: String,
    number: u32,
    limit: String,
    signed: bool,
    fields: Vec<Field>,
    file_error: String,
}

/// `GET /incidents/{id}/report/submission`
///
/// # Errors
/// [`Problem`]
pub(super) async fn show(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    reporter(&visit)?;
    let mut form = Form::default();
    form.set("channel", SubmissionChannel::OnlineForm.word());
    form.set_moment("at", visit.now(), visit.reader);
    shown(&visit, *id, &form, Vec::new()).await
}

async fn shown(visit: &Visit, id: IncidentId, form: &Form, errors: Vec<FieldError>) -> Answer {
    let (state, _, sheet) = filled(visit, id).await?;
    let mut fields = vec![
        Field::moment(form, "at", "When was it submitted?", visit.reader).hint("UK time."),
        Field::radios(form, "channel", "How?", SubmissionChannel::ALL.map(|channel| (channel.word(), channel.label()))),
        Field::line(form, "ico_reference", "The ICO's case reference").hint("May stay empty until you have it."),
    ];
    if sheet.number == 1 {
        fields.push(
            Field::area(form, "delay_reasons", "Reasons for the delay")
                .hint("Compulsory after the legal limit, unless they are written in the report already."),
        );
    }
    let outdated = state.reports.signed_last().filter(|_| state.reports.signed_as(&sheet).is_none());
    if let Some(signed) = outdated {
        let at = visit.reader.near(signed.at);
        fields.push(
            Field::radios(
                form,
                "signed",
                "Which answers did you submit?",
                [("yes", format!("Those signed off at {at}").as_str()), ("no", "Those in the report now")],
            )
            .hint("The report has changed since it was signed off. The record keeps what the ICO was told."),
        );
    }
    fields.push(
        Field::line(form, "proof", "Where else is the proof kept?")
            .hint("For example: the e-mail with the copy of the answers. May stay empty."),
    );
    let fields: Vec<Field> = fields.into_iter().map(|field| field.faults(&errors)).collect();
    let file_error = errors.iter().find(|error| error.name == "file").map(|error| error.message.clone());
    let errors = in_order(errors, &[&fields]);
    let limit = state.ico.as_ref().and_then(domain::clock::Clock::legal_limit).filter(|_| sheet.number == 1);
    let page = SubmissionPage {
        chrome: visit
            .chrome(
                super::super::log::title(&format!("Record a submission - {}", state.reference), &errors),
                "/incidents",
            )
            .exercise(state.exercise),
        id,
        reference: state.reference.to_string(),
        number: sheet.number,
        limit: limit.map(|limit| visit.reader.at(limit)).unwrap_or_default(),
        signed: state.reports.signed_as(&sheet).is_some(),
        fields,
        file_error: file_error.unwrap_or_default(),
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

/// The report that was on the page, and which of its answers went out.
fn what_was_sent(form: &Form) -> Sent {
    let signed = match form.first("signed") {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    Sent { number: form.first("number").parse().ok(), signed }
}

/// A file that was sent, looked at.
fn looked_at(file: SentFile) -> Result<ProofFile, FieldError> {
    let fault = |message: String| FieldError { name: "file".to_owned(), anchor: "file".to_owned(), message };
    let kind = proof::examine(&file.octets).map_err(|why| fault(why.to_string()))?;
    let name = proof::name(&file.name, kind).ok_or_else(|| fault("Give this file another name".to_owned()))?;
    Ok(ProofFile { name, kind: kind.word(), octets: file.octets })
}

/// `POST /incidents/{id}/report/submission`
///
/// # Errors
/// [`Problem`]
pub(super) async fn record(sent: WithFile<READ_OCTETS_MAX>, id: web::Path<IncidentId>) -> Answer {
    let WithFile { visit, form, file } = sent;
    let by = reporter(&visit)?;
    let mut reading = Reading::new(&form, visit.reader);
    let at = reading.moment("at", "Say when it was submitted");
    let channel = reading.choice("channel", SubmissionChannel::from_word, "Say how it was submitted");
    let ico_reference = reading.optional_text("ico_reference");
    let delay_reasons = reading.optional_text("delay_reasons");
    let proof = reading.optional_text("proof");
    let mut errors = reading.into_errors();
    let file = match file.map(looked_at).transpose() {
        Ok(file) => file,
        Err(fault) => {
            errors.push(fault);
            None
        }
    };
    if let (Some(at), Some(channel), true) = (at, channel, errors.is_empty()) {
        let submission = Submission { at, channel, ico_reference, delay_reasons, proof };
        match visit.node.record_submission_with(&by, *id, submission, what_was_sent(&form), file).await {
            Ok(()) => return Ok(page::see_other(&format!("/incidents/{id}/report"))),
            Err(error) => errors = refusal(error, "at-day")?,
        }
    }
    shown(&visit, *id, &form, errors).await
}

/// `POST /incidents/{id}/report/proofs/{number}`: the file that proves a submission, added later.
///
/// # Errors
/// [`Problem`]
pub(super) async fn add_proof(sent: WithFile<READ_OCTETS_MAX>, path: web::Path<(IncidentId, u32)>) -> Answer {
    let WithFile { visit, file, .. } = sent;
    let by = reporter(&visit)?;
    let (id, number) = path.into_inner();
    let anchor = format!("file-{number}");
    let fault = |message: String| vec![FieldError { name: anchor.clone(), anchor: anchor.clone(), message }];
    let errors = match file.map(looked_at) {
        None => fault("Choose a file".to_owned()),
        Some(Err(found)) => fault(found.message),
        Some(Ok(file)) => match visit.node.add_proof(&by, id, number, file).await {
            Ok(()) => return Ok(page::see_other(&format!("/incidents/{id}/report"))),
            Err(error) => refusal(error, &anchor)?,
        },
    };
    super::shown(&visit, id, errors).await
}

/// `GET /incidents/{id}/report/proofs/{number}`: as an attachment under a name of ours, in a sandbox. Who took it is on the
/// record.
///
/// # Errors
/// [`Problem`]
pub(super) async fn download(visit: Visit, path: web::Path<(IncidentId, u32)>) -> Answer {
    let (id, number) = path.into_inner();
    let by = access::Reader::of(&visit.person).ok_or(Problem::NotAllowed("people who may read the record"))?;
    let state: Incident = incident(&visit, id).await?;
    let (proof, octets) = visit.node.proof(id, number).await?;
    let kind = ProofKind::from_word(proof.kind.as_str()).ok_or(Problem::NotFound)?;
    visit.node.note_export(&by, "report_proof_exported", json!({ "incident": id, "number": number })).await?;
    let name = format!("{}-report-{number}-proof.{}", state.reference, kind.ending());
    Ok(HttpResponse::Ok()
        .content_type(kind.media_type())
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(octets))
}

/// `POST /incidents/{id}/report/follow-up`: opens a report that follows up.
///
/// # Errors
/// [`Problem`]
pub(super) async fn follow_up(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let by = reporter(&posted.visit)?;
    match posted.visit.node.follow_up(&by, *id).await {
        Ok(()) => Ok(page::see_other(&format!("/incidents/{id}/report"))),
        Err(error) => super::shown(&posted.visit, *id, refusal(error, "follow-up")?).await,
    }
}
