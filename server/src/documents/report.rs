//! The ICO report of an incident as a paper: where it stands, what is missing, then the form's questions in the form's
//! order with its own words for options, so that somebody can go through the online form with it.

use chrono_tz::Tz;
use domain::incident::Incident;
use domain::report::{self, AnswerValue, Organisation, ReportState, Section};
use domain::values::{Actor, Moment};

use super::paper::{Answer, Level, Mark, Paper, Said, moment};

/// The report as it stands at `now`, for people in a zone.
#[must_use]
pub fn paper(incident: &Incident, organisation: &Organisation, now: Moment, zone: Tz) -> Paper {
    let sections = report::sections(incident, organisation, now);
    let title = format!("Report to the ICO: {}", incident.reference);
    let mut paper = Paper::new(&title, organisation.name.as_str(), now, zone);
    if incident.exercise {
        paper = paper.mark(Mark::Exercise);
    }
    if is_draft(&incident.report) {
        paper = paper.mark(Mark::Draft);
    }
    paper.facts(standing(incident, zone));
    open_questions(&mut paper, &sections);
    for section in &sections {
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

const fn is_draft(state: &ReportState) -> bool {
    match state {
        ReportState::None | ReportState::Draft { .. } | ReportState::NotRequired { .. } => true,
        ReportState::Submitted { .. } => false,
    }
}

/// Where it stands, and both limits.
fn standing(incident: &Incident, zone: Tz) -> Vec<(String, String)> {
    let at = |at: Moment| moment(at, zone);
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
    match &incident.report {
        ReportState::None => fact("State", "No draft yet".to_owned()),
        ReportState::Draft { opened_at, .. } => fact("State", format!("Draft, opened at {}", at(*opened_at))),
        ReportState::Submitted { submission } => {
            let how = submission.channel.label();
            fact("State", format!("Submitted at {} ({how})", at(submission.at)));
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

fn who(actor: &Actor) -> String {
    match actor {
        Actor::Person { name, .. } => name.to_string(),
        Actor::Node => "the node".to_owned(),
        Actor::Console => "somebody at the server".to_owned(),
        Actor::Partner { .. } => "a partner".to_owned(),
    }
}

/// What is missing comes first: the online form can't be saved half-way.
fn open_questions(paper: &mut Paper, sections: &[Section]) {
    let answers = || sections.iter().flat_map(|section| &section.answers);
    let missing: Vec<String> = answers()
        .filter(|answer| matches!(answer.value, AnswerValue::Missing(_)))
        .map(|answer| answer.question.clone())
        .collect();
    let unknown: Vec<String> = answers()
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

/// One question with its answer.
fn answer(found: &report::Answer, zone: Tz) -> Answer {
    let at = |at: Moment| moment(at, zone);
    let said = match &found.value {
        AnswerValue::Given(text) => Said::Given(text.clone()),
        AnswerValue::Instant(instant) => Said::Given(at(*instant)),
        AnswerValue::Period { from, to, estimated } => {
            let end = to.map(|to| format!(" to {}", at(to))).unwrap_or_default();
            let estimate = if *estimated { ", an estimate" } else { "" };
            Said::Given(format!("From {}{end}{estimate}", at(*from)))
        }
        AnswerValue::NotYetKnown(text) => Said::NotYetKnown(text.clone()),
        AnswerValue::Missing(why) => Said::Missing(why.clone()),
        AnswerValue::DoesNotApply(why) => Said::DoesNotApply(why.clone()),
    };
    Answer {
        question: found.question.clone(),
        article: found.article.as_ref().map(|article| format!("Article {article}")),
        said,
        from: found.from.clone(),
    }
}
