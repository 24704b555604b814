//! The report of an incident as a paper: where it stands, what is missing, what has changed since it was submitted, then
//! the form's questions in the form's order with its own words for options and where each answer comes from, so that
//! somebody can go through the online form with it.

use chrono_tz::Tz;
use domain::incident::Incident;
use domain::report::{self, About, AnswerValue, ReportState, Sheet, Submission};
use domain::values::{Actor, Moment};

use super::paper::{Answer, Level, Mark, Paper, Said, moment};

/// The report as it stands at `now`, for people in a zone.
#[must_use]
pub fn paper(incident: &Incident, about: &About, now: Moment, zone: Tz) -> Paper {
    let sheet = report::fill_current(incident, about, now);
    let title = format!("Report to the ICO: {}", incident.reference);
    let mut paper = Paper::new(&title, about.organisation.name.as_str(), now, zone);
    if incident.exercise {
        paper = paper.mark(Mark::Exercise);
    }
    if !incident.report_is_filed() && incident.reports.signed_as(&sheet).is_none() {
        paper = paper.mark(Mark::Draft);
    }
    paper.facts(standing(incident, &sheet, zone));
    open_questions(&mut paper, &sheet);
    out_of_date(&mut paper, &report::out_of_date(incident, about, now), zone);
    for section in &sheet.sections {
        paper.heading(Level::One, section.title.as_str());
        for found in &section.answers {
            paper.answer(answer(found, zone));
        }
    }
    paper
}

/// What its file is named after.
#[must_use]
pub fn stem(incident: &Incident) -> String {
    let drill = if incident.exercise { "EXERCISE-" } else { "" };
    format!("{drill}{}-ICO-report", incident.reference)
}

/// Which report it is, where it stands, and both limits.
fn standing(incident: &Incident, sheet: &Sheet, zone: Tz) -> Vec<(String, String)> {
    let at = |at: Moment| moment(at, zone);
    let which =
        if sheet.number == 1 { "Initial report".to_owned() } else { format!("Follow-up, report {}", sheet.number) };
    let form = format!("{}, as of {}", sheet.form.name, sheet.form.as_of);
    let mut facts = vec![("Report".to_owned(), which), ("Form".to_owned(), form)];
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
    match &incident.report {
        ReportState::None => fact("State", "No draft yet".to_owned()),
        ReportState::Draft { opened_at, .. } => fact("State", format!("Draft, opened at {}", at(*opened_at))),
        ReportState::Submitted { submission } => {
            fact("State", submitted(submission, zone));
            if let Some(reference) = &submission.ico_reference {
                fact("ICO reference", reference.to_string());
            }
            if let Some(reasons) = &submission.delay_reasons {
                fact("Reasons for the delay", reasons.to_string());
            }
        }
        ReportState::NotRequired { reason, proposed_by, approved_by, at: decided } => {
            let (proposed, approved) = (who(proposed_by), who(approved_by));
            fact("State", format!("Not required: proposed by {proposed}, approved by {approved} at {}", at(*decided)));
            fact("Reason", reason.to_string());
        }
    }
    for filed in incident.reports.filed.iter().filter(|filed| filed.number > 1) {
        fact(&format!("Report {}", filed.number), submitted(&filed.submission, zone));
    }
    if let Some(signed) = incident.reports.signed_as(sheet) {
        fact("Signed off", format!("By {} at {}", who(&signed.by), at(signed.at)));
    }
    match &incident.ico {
        Some(clock) => {
            fact("Due", at(clock.due()));
            if let Some(limit) = clock.legal_limit() {
                fact("Legal limit", at(limit));
            }
        }
        None => fact("Due", "The 72 hours have not started: no breach is recorded.".to_owned()),
    }
    facts
}

fn submitted(submission: &Submission, zone: Tz) -> String {
    format!("Submitted at {} ({})", moment(submission.at, zone), submission.channel.label())
}

fn who(actor: &Actor) -> String {
    match actor {
        Actor::Person { name, .. } => name.to_string(),
        Actor::Node => "the node".to_owned(),
        Actor::Console => "somebody at the server".to_owned(),
        Actor::Partner { .. } => "a partner".to_owned(),
    }
}

/// What is missing comes first: the online form can't be saved half-way.
fn open_questions(paper: &mut Paper, sheet: &Sheet) {
    let missing: Vec<String> = sheet
        .answers()
        .filter(|answer| matches!(answer.value, AnswerValue::Missing(_)))
        .map(|answer| answer.question.clone())
        .collect();
    let unknown: Vec<String> = sheet
        .answers()
        .filter(|answer| matches!(answer.value, AnswerValue::NotYetKnown(_)))
        .map(|answer| answer.question.clone())
        .collect();
    paper.heading(Level::One, "What is missing");
    if missing.is_empty() {
        paper.text("Nothing is missing.");
    }
    paper.list(missing);
    if !unknown.is_empty() {
        paper.text("Answered as not yet known, which the form takes; still to be found out:");
        paper.list(unknown);
    }
}

/// What the regulator was told and is no longer so.
fn out_of_date(paper: &mut Paper, changes: &[report::Change], zone: Tz) {
    if changes.is_empty() {
        return;
    }
    paper.heading(Level::One, "The ICO was told something else");
    paper.text("What is known has changed since the newest report was submitted:");
    let lines = changes.iter().map(|change| {
        let was = change.was.as_ref().map_or_else(|| "nothing".to_owned(), |was| words(was, zone));
        format!("{} In the report: {was}. Now: {}", change.asked, words(&change.is, zone))
    });
    paper.list(lines.collect());
}

/// An answer in words.
fn words(value: &AnswerValue, zone: Tz) -> String {
    match value {
        AnswerValue::Given(text)
        | AnswerValue::NotYetKnown(text)
        | AnswerValue::Missing(text)
        | AnswerValue::DoesNotApply(text) => text.clone(),
        AnswerValue::Instant(instant) => moment(*instant, zone),
        AnswerValue::Period { from, to, estimated } => {
            let end = to.map(|to| format!(" to {}", moment(to, zone))).unwrap_or_default();
            let estimate = if *estimated { ", an estimate" } else { "" };
            format!("From {}{end}{estimate}", moment(*from, zone))
        }
    }
}

/// One question with its answer.
fn answer(found: &report::Answer, zone: Tz) -> Answer {
    let words = words(&found.value, zone);
    let said = match &found.value {
        AnswerValue::Given(_) | AnswerValue::Instant(_) | AnswerValue::Period { .. } => Said::Given(words),
        AnswerValue::NotYetKnown(_) => Said::NotYetKnown(words),
        AnswerValue::Missing(_) => Said::Missing(words),
        AnswerValue::DoesNotApply(_) => Said::DoesNotApply(words),
    };
    let changed = if found.fact_changed { ". The facts have changed since" } else { "" };
    Answer {
        question: found.question.clone(),
        article: found.article.as_ref().map(|article| format!("Article {article}")),
        said,
        from: format!("{}{changed}", found.from),
    }
}
