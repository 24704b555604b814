//! Duties for which the law names no time: shown with the time that has passed and no due instant; and the page on which a
//! person records that one was done, sets a target of our own, or says why it is not owed.

use actix_web::web;
use askama::Template;
use domain::clock_terms::Law;
use domain::incident::Incident;
use domain::incident::duties::{Change, Duties};
use domain::undated::{Undated, UndatedChange, UndatedDuty, UndatedState};
use domain::values::{Actor, IncidentId};

use super::action::{ActionPage, refusal};
use super::clock::when;
use super::field::{Field, Tag};
use super::form::{FieldError, Form, Reading};
use super::page::{self, Answer, Posted, Visit};
use super::timeline::{evidence_words, who};
use super::words::{Reader, counted, length};
use crate::access::{Dpo, Reporter};
use crate::problem::Problem;
use crate::store::queries;
use crate::store::queries::duties::{Owed, Single};

/// A duty without a due instant, where clocks are shown. It holds nothing that could count down.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/undated.html")]
pub(super) struct UndatedPart {
    id: String,
    /// The duty as a sentence with a verb.
    pub duty: String,
    duty_href: String,
    /// "for 3 hours 20 minutes; the law names no time".
    pub elapsed: String,
    law: String,
    exercise: bool,
    about_href: String,
    /// The incident's reference.
    pub about_link: String,
    about: String,
    since: String,
    tag: Tag,
    target: String,
}

impl askama::filters::HtmlSafe for UndatedPart {}

impl UndatedPart {
    pub(super) fn of(owed: &Owed, visit: &Visit) -> Self {
        Self::under(owed, visit.node.duties().law, visit.reader)
    }

    fn under(owed: &Owed, law: Law, reader: Reader) -> Self {
        let (says, provision) = owed.duty.says(law);
        let subject = owed.subject.as_ref();
        let incident = subject.map(|subject| format!("/incidents/{}", subject.id)).unwrap_or_default();
        Self {
            id: format!("u-{}-{}", incident.replace('/', "-"), owed.duty.word()),
            duty: duty(owed),
            duty_href: match (owed.duty, owed.exchange, subject) {
                (UndatedDuty::ControllerTold, Some(exchange), _) => format!("/exchanges/{exchange}"),
                (UndatedDuty::ControllerTold, None, _) => incident.clone(),
                (UndatedDuty::PeopleTold | UndatedDuty::FollowUp, _, Some(_)) => {
                    format!("{incident}/duties/{}", owed.duty.word())
                }
                (UndatedDuty::PeopleTold | UndatedDuty::FollowUp, _, None) => String::new(),
            },
            elapsed: format!("for {}", length(reader.now().seconds_since(owed.since))),
            law: format!("The law names no time: \u{201c}{says}\u{201d} ({provision})."),
            exercise: owed.exercise,
            about_href: incident,
            about_link: subject.map(|subject| subject.reference.clone()).unwrap_or_default(),
            about: subject.map(|subject| subject.title.clone()).unwrap_or_default(),
            since: format!("Since {}, {}.", reader.at(owed.since), when(owed.anchor)),
            tag: Tag::amber("Not done"),
            target: owed.target.map(|at| format!("Our own target: {}", reader.near(at))).unwrap_or_default(),
        }
    }
}

/// How one stands, open or ended.
pub(super) fn tag(state: &str) -> Tag {
    match state {
        "done" => Tag::green("Done"),
        "not_required" => Tag::grey("Not required"),
        _ => Tag::amber("Not done"),
    }
}

/// Since when one is owed, or what became of it.
pub(super) fn single_words(owed: &Single, visit: &Visit) -> String {
    let reader = visit.reader;
    let (says, provision) = owed.duty.says(visit.node.duties().law);
    let law = format!("the law names no time: \u{201c}{says}\u{201d} ({provision})");
    match (owed.ended_at, &owed.reason) {
        (Some(at), Some(reason)) => format!("at {}: {reason}", reader.at(at)),
        (Some(at), None) => format!("at {}; it was owed since {}; {law}", reader.at(at), reader.at(owed.since)),
        (None, _) => format!("for {}; {law}", length(reader.now().seconds_since(owed.since))),
    }
}

fn duty(owed: &Owed) -> String {
    let whom = || match &owed.partner {
        Some((_, name)) => name.clone(),
        None => counted(i64::from(owed.open), "controller"),
    };
    match owed.duty {
        UndatedDuty::PeopleTold => "Tell the people affected".to_owned(),
        UndatedDuty::FollowUp => "Follow the ICO report up".to_owned(),
        UndatedDuty::ControllerTold => format!("Tell {}, for whom we process", whom()),
    }
}

/// Ended duties of an incident, beside its ended clocks.
pub(super) fn ended(duties: &Duties, visit: &Visit) -> Vec<(Tag, String)> {
    let words = |owed: &Undated| match &owed.state {
        UndatedState::Open => None,
        UndatedState::Done { at, .. } => {
            Some((Tag::green("Done"), format!("{}, {}", heading(owed.duty), visit.reader.at(*at))))
        }
        UndatedState::NotRequired { at, reason } => {
            Some((Tag::grey("Not required"), format!("{}, {}: {reason}", heading(owed.duty), visit.reader.at(*at))))
        }
    };
    duties.undated.iter().filter_map(words).collect()
}

const fn heading(duty: UndatedDuty) -> &'static str {
    match duty {
        UndatedDuty::PeopleTold => "Tell the people affected",
        UndatedDuty::FollowUp => "Follow the ICO report up",
        UndatedDuty::ControllerTold => "Tell the controller",
    }
}

/// An entry of the record in a sentence.
pub(super) fn words(change: &Change, by: &Actor, reader: Reader) -> String {
    match change {
        Change::Started { duty } => {
            format!("Duty began: {}, {} ({})", heading(duty.duty), when(duty.anchor), who(by))
        }
        Change::Changed { duty, how, reason } => {
            let why = reason.as_ref().map(|reason| format!("; in full: {reason}")).unwrap_or_default();
            format!("{}{why}, by {}", changed(*duty, "", how, reader), who(by))
        }
        Change::TargetSet { clock } => {
            format!("{} aims at {}: our own target, the law names no time", who(by), reader.at(clock.due()))
        }
    }
}

/// What became of such a duty.
pub(super) fn changed(duty: UndatedDuty, whom: &str, change: &UndatedChange, reader: Reader) -> String {
    let what = match duty {
        UndatedDuty::ControllerTold if !whom.is_empty() => format!("Telling {whom}, for whom we process"),
        UndatedDuty::ControllerTold | UndatedDuty::PeopleTold | UndatedDuty::FollowUp => heading(duty).to_owned(),
    };
    match change {
        UndatedChange::Done { at, evidence } => {
            format!("{what}: done at {} ({})", reader.at(*at), evidence_words(*evidence))
        }
        UndatedChange::Moved { since, .. } => format!("{what}: owed since {}", reader.at(*since)),
        UndatedChange::NotRequired { reason, .. } => format!("{what}: not required ({reason})"),
    }
}

fn reporter(visit: &Visit) -> Result<Reporter, Problem> {
    Reporter::of(&visit.person).ok_or(Problem::NotAllowed("responders and data protection officers"))
}

/// The incident and the duty that a page is about.
async fn found(visit: &Visit, path: &(IncidentId, String)) -> Result<(Incident, UndatedDuty), Problem> {
    let (id, word) = path;
    let duty = UndatedDuty::from_word(word).filter(|duty| *duty != UndatedDuty::ControllerTold);
    let id = *id;
    let state = visit.node.store().read(move |rows| queries::incidents::state(rows, id)).await?;
    state.zip(duty).ok_or(Problem::NotFound)
}

fn action_page(visit: &Visit, state: &Incident, duty: UndatedDuty, form: &Form) -> ActionPage {
    let back = format!("/incidents/{}", state.id);
    let heading = heading(duty);
    let chrome = visit.chrome(format!("{heading} - {}", state.reference), "/incidents").exercise(state.exercise);
    let action = format!("{back}/duties/{}", duty.word());
    let mut page = ActionPage::new(chrome, heading, state.reference.as_str(), back, action);
    let reader = visit.reader;
    let (says, provision) = duty.says(state.rules.law);
    page.paragraphs.push(format!("The law names no time for this: \u{201c}{says}\u{201d} ({provision})."));
    let Some(owed) = state.duties.open(duty) else {
        page.paragraphs.push("Nothing of the kind is owed now.".to_owned());
        return page;
    };
    let passed = length(reader.now().seconds_since(owed.since));
    page.paragraphs.push(format!("Owed for {passed}, since {}, {}.", reader.at(owed.since), when(owed.anchor)));
    if let Some(target) = state.duties.target(duty.target_kind()) {
        let due = reader.at(target.due());
        page.paragraphs.push(format!("Our own target is {due}. Missing it breaks no law."));
    }
    let mut options = vec![("done", "Record that it was done"), ("target", "Set a target of our own")];
    if duty == UndatedDuty::FollowUp && Dpo::of(&visit.person).is_some() {
        options.push(("not_required", "It is not owed after all"));
    }
    page.fields = vec![
        Field::radios(form, "do", "What do you want to record?", options.clone())
            .choice_hint("done", "Give the time at which it was done.")
            .choice_hint("target", "Give the time that we aim at. Alarms run towards it, marked as our own."),
        Field::moment(form, "at", "When?", reader),
    ];
    if options.len() > 2 {
        page.fields.push(
            Field::area(form, "reason", "Why is it not owed?").hint("Only for the last choice. It stays on record."),
        );
    }
    page.buttons = vec![("record", "Record it", "")];
    page
}

/// `GET /incidents/{id}/duties/{duty}`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, path: web::Path<(IncidentId, String)>) -> Answer {
    let (state, duty) = found(&visit, &path).await?;
    reporter(&visit)?;
    let mut form = Form::default();
    form.set("do", "done");
    form.set_moment("at", visit.now(), visit.reader);
    action_page(&visit, &state, duty, &form).answer(Vec::new())
}

/// `POST /incidents/{id}/duties/{duty}`
///
/// # Errors
/// [`Problem`]
pub async fn act(posted: Posted, path: web::Path<(IncidentId, String)>) -> Answer {
    let Posted { visit, form } = posted;
    let by = reporter(&visit)?;
    let (state, duty) = found(&visit, &path).await?;
    let errors = match record(&visit, &by, &state, duty, &form).await? {
        Ok(()) => return Ok(page::see_other(&format!("/incidents/{}?logged=2", state.id))),
        Err(errors) => errors,
    };
    action_page(&visit, &state, duty, &form).answer(errors)
}

async fn record(
    visit: &Visit,
    by: &Reporter,
    state: &Incident,
    duty: UndatedDuty,
    form: &Form,
) -> Result<Result<(), Vec<FieldError>>, Problem> {
    let (node, id) = (&visit.node, state.id);
    let mut reading = Reading::new(form, visit.reader);
    let done = match form.first("do") {
        "done" => match reading.moment("at", "Say when it was done") {
            Some(at) => node.record_duty_done(by, id, duty, at).await,
            None => return Ok(Err(reading.into_errors())),
        },
        "target" => match reading.moment("at", "Say by when we aim to have it done") {
            Some(at) => node.set_duty_target(by, id, duty, at).await,
            None => return Ok(Err(reading.into_errors())),
        },
        "not_required" if duty == UndatedDuty::FollowUp => {
            let officer = Dpo::of(&visit.person).ok_or(Problem::NotAllowed("data protection officers"))?;
            match reading.text("reason", "Say why it is not owed") {
                Some(reason) => node.duty_not_required(&officer, id, duty, reason).await,
                None => return Ok(Err(reading.into_errors())),
            }
        }
        _ => {
            reading.fault("do", "Choose what to record");
            return Ok(Err(reading.into_errors()));
        }
    };
    match done {
        Ok(()) => Ok(Ok(())),
        Err(error) => refusal(error, "at-day").map(Err),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use domain::clock::Anchor;
    use domain::values::Moment;

    use super::*;

    /// Aim: the part says how long, and that the law names no time; nothing in it can count down or fall due.
    #[test]
    fn no_time_in_law_is_said_and_nothing_counts_down() {
        let at = |text| Moment::parse(text).unwrap();
        let owed = Owed {
            duty: UndatedDuty::PeopleTold,
            subject: None,
            exchange: None,
            partner: None,
            open: 1,
            anchor: Anchor::HighRiskDecided,
            since: at("2026-03-01T02:10:00Z"),
            target: None,
            exercise: false,
        };
        let reader = Reader::new(chrono_tz::Europe::London, at("2026-03-01T05:30:00Z"));
        let part = UndatedPart::under(&owed, Law::Uk, reader);
        assert_eq!(part.elapsed, "for 3 hours 20 minutes");
        assert!(part.law.contains("without undue delay") && part.law.contains("Article 34(1)"));
        let html = part.render().unwrap();
        assert!(!html.contains("data-due") && !html.contains("timer") && !html.contains("overdue"), "{html}");
        let aimed = UndatedPart::under(&Owed { target: Some(at("2026-03-01T09:00:00Z")), ..owed }, Law::Uk, reader);
        assert_eq!(aimed.target, "Our own target: 09:00 today");
    }
}
