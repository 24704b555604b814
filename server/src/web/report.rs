//! The ICO report of an incident: the form's questions in its order, each answer with where it comes from, what is missing
//! first, both limits; open a draft, decide that none is required. Answers are written in `section`, signed off in
//! `sign`, recorded as submitted in `submit`, and carried into the regulator's own form from `paste`.

mod inputs;
mod paste;
mod section;
mod sign;
mod submit;
pub(super) mod told;
mod words;

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::clock::ClockKind;
use domain::incident::Incident;
use domain::incident::report::unchecked;
use domain::personal_data::Known;
use domain::reliance::Standing;
use domain::report::{self, About, Form as ReportForm, FormId, ReportState, Sheet};
use domain::values::IncidentId;

use self::words::{Shown, filed_words, mend};
use super::action::{ActionPage, refusal};
use super::clock::ClockPart;
use super::field::{Field, Summary, Tag};
use super::form::{FieldError, Form, Reading};
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::words::counted;
use super::{clocks, joint, printed, timeline};
use crate::access::{Dpo, Reporter, Spokesperson};
use crate::problem::Problem;
use crate::store::queries;
use crate::store::queries::clocks::Filter;
use crate::store::queries::joint::FiledAbout;

/// Partners whose reports are named.
const FILED_MAX: usize = 3;

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/incidents/{id}/report").get(show))
        .service(resource("/incidents/{id}/report.json").get(paste::json))
        .service(resource("/incidents/{id}/report.docx").post(printed::report_docx))
        .service(resource("/incidents/{id}/report.pdf").post(printed::report_pdf))
        .service(resource("/incidents/{id}/report/draft").post(draft))
        .service(resource("/incidents/{id}/report/form").post(choose))
        .service(resource("/incidents/{id}/report/paste").get(paste::show))
        .service(resource("/incidents/{id}/report/sections/{part:1|[0-9]+}").get(section::show).post(section::save))
        .service(resource("/incidents/{id}/report/sections/{part:1|[0-9]+}/draft").post(section::autosave))
        .service(resource("/incidents/{id}/report/sections/{part:1|[0-9]+}/discard").post(section::discard))
        .service(resource("/incidents/{id}/report/sign-off").get(sign::show).post(sign::sign))
        .service(resource("/incidents/{id}/report/accept").post(sign::accept))
        .service(resource("/incidents/{id}/report/submission").get(submit::show).post(submit::record))
        .service(resource("/incidents/{id}/report/follow-up").post(submit::follow_up))
        .service(
            resource("/incidents/{id}/report/proofs/{number:1|[0-9]+}").get(submit::download).post(submit::add_proof),
        )
        .service(resource("/incidents/{id}/report/not-required").get(not_required).post(propose))
        .service(resource("/incidents/{id}/report/resolve").post(resolve));
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    chrome: Chrome,
    summary: Summary,
    id: IncidentId,
    reference: String,
    caption: String,
    tag: Tag,
    signed: String,
    /// What was submitted last had no signature that covers it.
    unsigned: bool,
    state: Vec<String>,
    /// Who reported it already, or whose report we rely on; the link leads to the joint decision.
    others: Vec<String>,
    may_draft: bool,
    may_write: bool,
    may_sign: bool,
    may_submit: bool,
    may_propose: bool,
    may_follow: bool,
    says_for_us: bool,
    proposal: Option<Proposal>,
    out_of_date: Vec<(String, String, String)>,
    clocks: Vec<ClockPart>,
    missing: Vec<(String, String)>,
    unknown: Vec<(String, String)>,
    unchecked: usize,
    form: &'static ReportForm,
    forms: Vec<(&'static str, &'static str, bool)>,
    submitted: Vec<words::FiledWords>,
    sections: Vec<Section>,
}

/// A decision that waits for another data protection officer.
struct Proposal {
    words: String,
    may_resolve: bool,
}

struct Section {
    id: String,
    href: String,
    title: String,
    tag: Tag,
    answers: Vec<Shown>,
}

async fn incident(visit: &Visit, id: IncidentId) -> Result<Incident, Problem> {
    let found = visit.node.store().read(move |rows| queries::incidents::state(rows, id)).await?;
    found.ok_or(Problem::NotFound)
}

fn reporter(visit: &Visit) -> Result<Reporter, Problem> {
    Reporter::of(&visit.person).ok_or(Problem::NotAllowed("responders and data protection officers"))
}

fn officer(visit: &Visit) -> Result<Dpo, Problem> {
    Dpo::of(&visit.person).ok_or(Problem::NotAllowed("data protection officers"))
}

/// The incident, what reports say of ourselves, and the report that is worked on, filled.
async fn filled(visit: &Visit, id: IncidentId) -> Result<(Incident, About, Sheet), Problem> {
    let state = incident(visit, id).await?;
    let about = visit.node.about_us().await?;
    let sheet = report::fill_current(&state, &about, visit.now());
    Ok((state, about, sheet))
}

/// `GET /incidents/{id}/report`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    shown(&visit, *id, Vec::new()).await
}

async fn shown(visit: &Visit, id: IncidentId, errors: Vec<FieldError>) -> Answer {
    let filter = Filter { incident: Some(id), kind: Some(ClockKind::IcoReport), partner: None };
    let (state, about, sheet) = filled(visit, id).await?;
    let (groups, _) = visit.node.store().read(move |rows| queries::clocks::pressing(rows, filter, 1)).await?;
    let (own_contacts, names) = visit.node.known_texts().await?;
    let known = Known { own_contacts: &own_contacts, names: &names };
    let sections = sections(&sheet, id, visit);
    let filed = state.report_is_filed();
    let open = state.ico.as_ref().is_some_and(domain::clock::Clock::is_open);
    let may = Reporter::of(&visit.person).is_some() && state.stage.word() != "closed" && state.facts.is_some();
    let drafting = may && !filed && !matches!(state.report, ReportState::NotRequired { .. });
    let listed = |which: fn(&Shown) -> bool| -> Vec<(String, String)> {
        let answers = sections.iter().flat_map(|section| &section.answers).filter(|answer| which(answer));
        answers.map(|answer| (answer.id.clone(), answer.question.clone())).collect()
    };
    let page = ReportPage {
        chrome: visit
            .chrome(super::log::title(&format!("Report - {}", state.reference), &errors), "/incidents")
            .exercise(state.exercise),
        id,
        reference: state.reference.to_string(),
        caption: if sheet.number == 1 {
            "initial report".to_owned()
        } else {
            format!("follow-up, report {}", sheet.number)
        },
        tag: tag(&state, filed),
        signed: signed(&state, &sheet, visit),
        unsigned: filed && state.reports.filed.last().is_some_and(|filed| filed.signed.is_none()),
        state: state_words(&state, visit),
        others: reported_by_others(visit, &state).await?,
        may_draft: may && !filed && matches!(state.report, ReportState::None | ReportState::NotRequired { .. }),
        may_write: drafting,
        may_sign: drafting && Dpo::of(&visit.person).is_some() && state.reports.signed_as(&sheet).is_none(),
        may_submit: may && !filed && (open || state.reports.follow_ups > 0),
        may_propose: open && state.not_required.is_none() && Dpo::of(&visit.person).is_some(),
        may_follow: may && filed,
        says_for_us: Spokesperson::of(&visit.person).is_some(),
        proposal: proposal(&state, visit),
        out_of_date: out_of_date(&state, &about, visit),
        clocks: clocks::parts(&groups, visit, &format!("/incidents/{id}/report")),
        missing: listed(|answer| answer.missing),
        unknown: listed(|answer| answer.unknown),
        unchecked: if filed { 0 } else { unchecked(&state, &sheet, &known).len() },
        form: sheet.form,
        forms: ReportForm::all()
            .iter()
            .map(|form| (form.id.as_str(), form.name.as_str(), form.id == sheet.form.id))
            .collect(),
        submitted: state.reports.filed.iter().map(|filed| filed_words(filed, id, visit.reader)).collect(),
        sections,
        summary: Summary { errors },
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

fn tag(state: &Incident, filed: bool) -> Tag {
    match &state.report {
        ReportState::None => Tag::grey("No draft yet"),
        ReportState::NotRequired { .. } => Tag::grey("Not required"),
        ReportState::Draft { .. } | ReportState::Submitted { .. } if filed => Tag::green("Submitted"),
        ReportState::Draft { .. } => Tag::blue("Draft"),
        ReportState::Submitted { .. } => Tag::blue("Follow-up, draft"),
    }
}

/// Who signed, and whether it still covers what stands.
fn signed(state: &Incident, sheet: &Sheet, visit: &Visit) -> String {
    let reports = &state.reports;
    match &reports.signed {
        Some(signed) => {
            let by = format!("{} at {}", timeline::who(&signed.by), visit.reader.at(signed.at));
            if state.report_is_filed() || reports.signed_as(sheet).is_some() {
                format!("Signed off by {by}.")
            } else {
                format!("Signed off by {by}, but the answers have changed since: it has to be signed off again.")
            }
        }
        None if reports.sign_offs > 0 && !state.report_is_filed() => {
            "It was signed off, and opened again by an answer written afterwards.".to_owned()
        }
        None => String::new(),
    }
}

/// What the regulator was told and is no longer so: question, then, now.
fn out_of_date(state: &Incident, about: &About, visit: &Visit) -> Vec<(String, String, String)> {
    let changes = report::out_of_date(state, about, visit.now());
    changes
        .into_iter()
        .map(|change| {
            let was = change.was.map_or_else(|| "Nothing".to_owned(), |was| words::value(&was, visit.reader));
            (change.asked, was, words::value(&change.is, visit.reader))
        })
        .collect()
}

/// Who reported it already, and whose report we rely on.
async fn reported_by_others(visit: &Visit, state: &Incident) -> Result<Vec<String>, Problem> {
    let (id, relied) = (state.id, state.joint.reliance.clone());
    let partner = relied.as_ref().map(|relied| relied.reliance.partner);
    let (name, (filed, all)) = visit
        .node
        .store()
        .read(move |rows| {
            let name = partner.map(|partner| queries::partners::name(rows, partner)).transpose()?;
            Ok((name, queries::joint::filed(rows, FiledAbout::Incident(id), FILED_MAX)?))
        })
        .await?;
    if let (Some(relied), Some(name)) = (relied, name) {
        let names = [(relied.reliance.partner, name)];
        return Ok(vec![joint::words::relied(&relied, &names, visit.reader)]);
    }
    let stand = filed.iter().filter(|filed| filed.standing != Standing::Replaced);
    let mut words: Vec<String> = stand.map(|filed| joint::words::filed(filed, visit.reader)).collect();
    let open = state.ico.as_ref().is_some_and(domain::clock::Clock::is_open);
    if !words.is_empty() {
        words.extend(Some(joint::words::conflict(&filed, all)).filter(|conflict| !conflict.is_empty()));
        words.extend(open.then(|| joint::words::STAYS_OURS.to_owned()));
    }
    Ok(words)
}

fn state_words(state: &Incident, visit: &Visit) -> Vec<String> {
    let reader = visit.reader;
    let mut words = Vec::new();
    match &state.ico {
        Some(clock) => {
            let limit = clock
                .legal_limit()
                .filter(|limit| *limit != clock.due())
                .map(|limit| format!(" The legal limit is {}.", reader.at(limit)));
            words.push(format!("Due {}.{}", reader.at(clock.due()), limit.unwrap_or_default()));
        }
        None if state.rules.processor_only => words.push(
            "For these services we only process. We tell the controller, and they report to the ICO (Article 33(2))."
                .to_owned(),
        ),
        None => words.push("The 72 hours have not started: no breach is recorded.".to_owned()),
    }
    match &state.report {
        ReportState::None => {}
        ReportState::Draft { opened_at, .. } => {
            words.push(format!("The draft was opened at {}.", reader.at(*opened_at)))
        }
        ReportState::Submitted { submission } => {
            let reference =
                submission.ico_reference.as_ref().map(|it| format!(", ICO reference {it}")).unwrap_or_default();
            words.push(format!(
                "Submitted at {} ({}){reference}.",
                reader.at(submission.at),
                submission.channel.label().to_lowercase().replace("ico", "ICO")
            ));
            words.extend(submission.delay_reasons.as_ref().map(|reasons| format!("Reasons for the delay: {reasons}")));
            words.extend(submission.proof.as_ref().map(|proof| format!("Proof: {proof}")));
        }
        ReportState::NotRequired { reason, proposed_by, approved_by, at } => words.push(format!(
            "Not required: proposed by {}, approved by {} at {}. {reason}",
            timeline::who(proposed_by),
            timeline::who(approved_by),
            reader.at(*at)
        )),
    }
    words
}

fn proposal(state: &Incident, visit: &Visit) -> Option<Proposal> {
    let proposal = state.not_required.as_ref()?;
    Some(Proposal {
        words: format!(
            "{} proposed at {} that no report is required: {}",
            timeline::who(&proposal.by),
            visit.reader.at(proposal.at),
            proposal.reason
        ),
        may_resolve: Dpo::of(&visit.person).is_some() && proposal.by.person() != Some(visit.person.id()),
    })
}

fn sections(sheet: &Sheet, id: IncidentId, visit: &Visit) -> Vec<Section> {
    let numbered = (1_usize..).zip(&sheet.sections);
    numbered
        .map(|(part, section)| {
            let href = format!("/incidents/{id}/report/sections/{part}");
            let answers: Vec<Shown> =
                section.answers.iter().map(|answer| Shown::of(answer, id, &href, visit.reader)).collect();
            let missing = answers.iter().filter(|answer| answer.missing).count();
            let unknown = answers.iter().filter(|answer| answer.unknown).count();
            let tag = if missing > 0 {
                Tag::amber(format!("{missing} missing"))
            } else if unknown > 0 {
                Tag::blue(format!("{unknown} not yet known"))
            } else if !answers.is_empty() && answers.iter().all(|answer| answer.does_not_apply) {
                Tag::grey("Does not apply")
            } else {
                Tag::green("Complete")
            };
            Section { id: format!("part-{part}"), href, title: section.title.clone(), tag, answers }
        })
        .collect()
}

/// `POST /incidents/{id}/report/draft`
///
/// # Errors
/// [`Problem`]
pub async fn draft(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let by = reporter(&posted.visit)?;
    match posted.visit.node.draft_report(&by, *id).await {
        Ok(()) => Ok(page::see_other(&format!("/incidents/{id}/report"))),
        Err(error) => shown(&posted.visit, *id, refusal(error, "draft")?).await,
    }
}

/// `POST /incidents/{id}/report/form`: works on another form.
///
/// # Errors
/// [`Problem`]
pub async fn choose(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let by = reporter(&posted.visit)?;
    let Some(form) = FormId::parse(posted.form.first("form")) else {
        let message = "Choose one of the forms".to_owned();
        let error = FieldError { name: "form".to_owned(), anchor: "form".to_owned(), message };
        return shown(&posted.visit, *id, vec![error]).await;
    };
    match posted.visit.node.choose_report_form(&by, *id, form).await {
        Ok(()) => Ok(page::see_other(&format!("/incidents/{id}/report"))),
        Err(error) => shown(&posted.visit, *id, refusal(error, "form")?).await,
    }
}

fn not_required_page(visit: &Visit, state: &Incident, form: &Form) -> ActionPage {
    let back = format!("/incidents/{}/report", state.id);
    let heading = "Propose that no report is required";
    let chrome = visit.chrome(format!("{heading} - {}", state.reference), "/incidents").exercise(state.exercise);
    let mut page = ActionPage::new(chrome, heading, "the report", back.clone(), format!("{back}/not-required"));
    page.paragraphs = vec![
        "No report is required when a risk to people is unlikely (Article 33(1)).".to_owned(),
        "Another data protection officer has to approve it. Until then the clock runs.".to_owned(),
    ];
    page.fields = vec![Field::area(form, "reason", "Why is a risk to people unlikely?").hint("It stays on record.")];
    page.buttons = vec![("propose", "Propose it", "")];
    page
}

/// `GET /incidents/{id}/report/not-required`
///
/// # Errors
/// [`Problem`]
pub async fn not_required(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    officer(&visit)?;
    let state = incident(&visit, *id).await?;
    not_required_page(&visit, &state, &Form::default()).answer(Vec::new())
}

/// `POST /incidents/{id}/report/not-required`
///
/// # Errors
/// [`Problem`]
pub async fn propose(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = officer(&visit)?;
    let mut reading = Reading::new(&form, visit.reader);
    let reason = reading.text("reason", "Say why a risk to people is unlikely");
    let errors = match reason {
        Some(reason) => match visit.node.propose_not_required(&by, *id, reason).await {
            Ok(()) => return Ok(page::see_other(&format!("/incidents/{id}/report"))),
            Err(error) => refusal(error, "reason")?,
        },
        None => reading.into_errors(),
    };
    let state = incident(&visit, *id).await?;
    not_required_page(&visit, &state, &form).answer(errors)
}

/// `POST /incidents/{id}/report/resolve`: the other officer's word.
///
/// # Errors
/// [`Problem`]
pub async fn resolve(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let by = officer(&posted.visit)?;
    let approve = posted.form.has("go", "approve");
    match posted.visit.node.resolve_not_required(&by, *id, approve).await {
        Ok(()) => Ok(page::see_other(&format!("/incidents/{id}/report"))),
        Err(error) => shown(&posted.visit, *id, refusal(error, "approve")?).await,
    }
}

impl ReportPage {
    fn missing_words(&self) -> String {
        counted(i64::try_from(self.missing.len()).unwrap_or(i64::MAX), "answer")
    }

    fn unchecked_words(&self) -> String {
        counted(i64::try_from(self.unchecked).unwrap_or(i64::MAX), "answer")
    }
}
