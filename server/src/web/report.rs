//! The ICO report of an incident: the form's questions in its order, each answer with the fact that it comes from, what is
//! missing, both limits; open a draft, record a submission, decide that none is required.

use actix_web::web;
use askama::Template;
use domain::clock::ClockKind;
use domain::incident::Incident;
use domain::reliance::Standing;
use domain::report::{self, AnswerValue, ReportState, Submission, SubmissionChannel};
use domain::values::IncidentId;

use super::action::{ActionPage, refusal};
use super::clock::ClockPart;
use super::field::{Field, Summary, Tag};
use super::form::{FieldError, Form, Reading};
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::words::counted;
use super::{clocks, joint, timeline};
use crate::access::{Dpo, Reporter};
use crate::problem::Problem;
use crate::store::queries;
use crate::store::queries::clocks::Filter;
use crate::store::queries::joint::About;

/// Partners whose reports are named.
const FILED_MAX: usize = 3;

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    chrome: Chrome,
    summary: Summary,
    id: IncidentId,
    reference: String,
    tag: Tag,
    state: Vec<String>,
    /// Who reported it already, or whose report we rely on; the link leads to the joint decision.
    filed: Vec<String>,
    may_draft: bool,
    may_submit: bool,
    may_propose: bool,
    proposal: Option<Proposal>,
    clocks: Vec<ClockPart>,
    gaps: Vec<(String, String)>,
    sections: Vec<Section>,
}

/// A decision that waits for another data protection officer.
struct Proposal {
    words: String,
    may_resolve: bool,
}

struct Section {
    id: String,
    title: String,
    tag: Tag,
    answers: Vec<Shown>,
}

struct Shown {
    id: String,
    question: String,
    article: String,
    value: String,
    missing: bool,
    does_not_apply: bool,
    from: String,
    mend: Option<(String, &'static str)>,
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

/// `GET /incidents/{id}/report`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    shown(&visit, *id, Vec::new()).await
}

async fn shown(visit: &Visit, id: IncidentId, errors: Vec<FieldError>) -> Answer {
    let filter = Filter { incident: Some(id), kind: Some(ClockKind::IcoReport), partner: None };
    let state = incident(visit, id).await?;
    let (groups, _) = visit.node.store().read(move |rows| queries::clocks::pressing(rows, filter, 1)).await?;
    let reader = visit.reader;
    let found = report::sections(&state, &visit.node.organisation(), reader.now());
    let sections: Vec<Section> = found.iter().map(|section| section_of(section, id, visit)).collect();
    let gaps = sections
        .iter()
        .flat_map(|section| &section.answers)
        .filter(|answer| answer.missing)
        .map(|answer| (answer.id.clone(), answer.question.clone()))
        .collect();
    let open = state.ico.as_ref().is_some_and(domain::clock::Clock::is_open);
    let may = Reporter::of(&visit.person).is_some();
    let page = ReportPage {
        chrome: visit
            .chrome(super::log::title(&format!("ICO report - {}", state.reference), &errors), "/incidents")
            .exercise(state.exercise),
        summary: Summary { errors },
        id,
        reference: state.reference.to_string(),
        tag: tag(&state.report),
        state: state_words(&state, visit),
        filed: filed_words(visit, &state).await?,
        may_draft: may && open && state.report == ReportState::None,
        may_submit: may && open,
        may_propose: open && state.not_required.is_none() && Dpo::of(&visit.person).is_some(),
        proposal: proposal(&state, visit),
        clocks: clocks::parts(&groups, visit, &format!("/incidents/{id}/report")),
        gaps,
        sections,
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

fn tag(state: &ReportState) -> Tag {
    match state {
        ReportState::None => Tag::grey("No draft yet"),
        ReportState::Draft { .. } => Tag::blue("Draft"),
        ReportState::Submitted { .. } => Tag::green("Submitted"),
        ReportState::NotRequired { .. } => Tag::grey("Not required"),
    }
}

/// Who reported it already, and whose report we rely on.
async fn filed_words(visit: &Visit, state: &Incident) -> Result<Vec<String>, Problem> {
    let (id, relied) = (state.id, state.joint.reliance.clone());
    let partner = relied.as_ref().map(|relied| relied.reliance.partner);
    let (name, (filed, all)) = visit
        .node
        .store()
        .read(move |rows| {
            let name = partner.map(|partner| queries::partners::name(rows, partner)).transpose()?;
            Ok((name, queries::joint::filed(rows, About::Incident(id), FILED_MAX)?))
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

fn section_of(section: &report::Section, id: IncidentId, visit: &Visit) -> Section {
    let answers: Vec<Shown> = section.answers.iter().map(|answer| answer_of(answer, id, visit)).collect();
    let missing = answers.iter().filter(|answer| answer.missing).count();
    let tag = if missing > 0 {
        Tag::amber(format!("{missing} missing"))
    } else if !answers.is_empty() && answers.iter().all(|answer| answer.does_not_apply) {
        Tag::grey("Does not apply")
    } else {
        Tag::green("Complete")
    };
    let word: String =
        section.title.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Section { id: format!("s-{word}"), title: section.title.clone(), tag, answers }
}

fn answer_of(answer: &report::Answer, id: IncidentId, visit: &Visit) -> Shown {
    let reader = visit.reader;
    let (value, missing, does_not_apply) = match &answer.value {
        AnswerValue::Given(text) => (text.clone(), false, false),
        AnswerValue::Instant(at) => (reader.at(*at), false, false),
        AnswerValue::Period { from, to, estimated } => {
            let end = to.map(|to| format!(" to {}", reader.at(to))).unwrap_or_default();
            let estimate = if *estimated { ", an estimate" } else { "" };
            (format!("From {}{end}{estimate}", reader.at(*from)), false, false)
        }
        AnswerValue::NotYetKnown(text) => {
            (format!("{text} (an answer that the form takes; still to be found out)"), true, false)
        }
        AnswerValue::Missing(why) => (why.clone(), true, false),
        AnswerValue::DoesNotApply(why) => (why.clone(), false, true),
    };
    Shown {
        id: format!("q-{}", answer.id),
        question: answer.question.clone(),
        article: answer.article.as_ref().map(|article| format!("Article {article}")).unwrap_or_default(),
        value,
        missing,
        does_not_apply,
        from: answer.from.clone(),
        mend: if missing { mend(&answer.id).map(|to| (format!("/incidents/{id}/{to}"), "Answer it")) } else { None },
    }
}

/// Where the fact behind a question is changed.
fn mend(question: &str) -> Option<&'static str> {
    let to = match question {
        "describe_what_happened" => "update-facts#summary",
        "how_incident_occurred" => "update-facts#cause",
        "how_discovered" => "update-facts#discovery_method",
        "happened_at" => "update-facts#occurred",
        "actions_taken" | "containment" => "update-facts#containment",
        "data_categories" | "data_categories_other" => "update-facts#data_categories",
        "data_detail" => "update-facts#recipients_of_data",
        "records_count" => "update-facts#records",
        "subjects_count" => "update-facts#data_subjects",
        "subject_categories" | "subject_categories_other" => "update-facts#subject_categories",
        "reason_for_report" | "high_risk" => "update-facts#risk_view",
        "detriment" | "high_risk_details" => "update-facts#likely_consequences",
        "cyber_incident" => "update-facts#ico_category",
        "cia_affected" | "cia_which" => "update-facts#nature",
        "discovered_at" => "correct-awareness",
        _ => return None,
    };
    Some(to)
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

fn submission_page(visit: &Visit, state: &Incident, form: &Form) -> ActionPage {
    let back = format!("/incidents/{}/report", state.id);
    let heading = "Record a submission to the ICO";
    let chrome = visit.chrome(format!("{heading} - {}", state.reference), "/incidents").exercise(state.exercise);
    let mut page = ActionPage::new(chrome, heading, "the report", back.clone(), format!("{back}/submission"));
    page.paragraphs = vec!["Nothing is sent to the ICO from here. Record what you submitted, when and how.".to_owned()];
    if let Some(limit) = state.ico.as_ref().and_then(domain::clock::Clock::legal_limit) {
        page.paragraphs.push(format!(
            "A report after {} has to give the reasons for its delay (Article 33(1)).",
            visit.reader.at(limit)
        ));
    }
    page.fields = vec![
        Field::moment(form, "at", "When was it submitted?", visit.reader).hint("UK time."),
        Field::radios(form, "channel", "How?", SubmissionChannel::ALL.map(|channel| (channel.word(), channel.label()))),
        Field::line(form, "ico_reference", "The ICO's case reference").hint("May stay empty until you have it."),
        Field::area(form, "delay_reasons", "Reasons for the delay").hint("Compulsory after the legal limit."),
        Field::line(form, "proof", "Where is the proof kept?")
            .hint("For example: the e-mail with the copy of the answers. May stay empty."),
    ];
    page.buttons = vec![("record", "Record it", "")];
    page
}

/// `GET /incidents/{id}/report/submission`
///
/// # Errors
/// [`Problem`]
pub async fn submission(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    reporter(&visit)?;
    let state = incident(&visit, *id).await?;
    let mut form = Form::default();
    form.set("channel", SubmissionChannel::OnlineForm.word());
    form.set_moment("at", visit.now(), visit.reader);
    submission_page(&visit, &state, &form).answer(Vec::new())
}

/// `POST /incidents/{id}/report/submission`
///
/// # Errors
/// [`Problem`]
pub async fn record_submission(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = reporter(&visit)?;
    let mut reading = Reading::new(&form, visit.reader);
    let at = reading.moment("at", "Say when it was submitted");
    let channel = reading.choice("channel", SubmissionChannel::from_word, "Say how it was submitted");
    let ico_reference = reading.optional_text("ico_reference");
    let delay_reasons = reading.optional_text("delay_reasons");
    let proof = reading.optional_text("proof");
    let mut errors = reading.into_errors();
    if let (Some(at), Some(channel), true) = (at, channel, errors.is_empty()) {
        let submission = Submission { at, channel, ico_reference, delay_reasons, proof };
        match visit.node.record_submission(&by, *id, submission).await {
            Ok(()) => return Ok(page::see_other(&format!("/incidents/{id}/report"))),
            Err(error) => errors = refusal(error, "at-day")?,
        }
    }
    let state = incident(&visit, *id).await?;
    submission_page(&visit, &state, &form).answer(errors)
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
    fn gaps_words(&self) -> String {
        counted(i64::try_from(self.gaps.len()).unwrap_or(i64::MAX), "answer")
    }
}
