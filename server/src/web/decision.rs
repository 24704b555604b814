//! The decision record of an incident: what stands, what waits for another officer, what is still open, and everything that
//! was ever decided, each with who, when, why and on what. Printed, it stands by itself.

pub mod ask;
pub mod words;

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::clock::Clock;
use domain::incident::decision::{Decided, Duty, What, has_duties_to_people, is_for_the_controllers};
use domain::incident::{Incident, Seen};
use domain::report::ReportState;
use domain::undated::UndatedDuty;
use domain::values::IncidentId;
use serde::Deserialize;

use super::assessment::{incident, one_line};
use super::field::{Summary, Tag};
use super::form::FieldError;
use super::page::{self, Answer, Chrome, Visit};
use super::timeline::who;
use crate::access::{Dpo, Responder};
use crate::problem::{Problem, sentence_of};

/// In the place of a decision that is not ours to make.
const FOR_THE_CONTROLLERS: &str = "Not ours to decide: we only process this data, on behalf of the controllers. We have to tell them (Article 33(2)).";

/// Addresses of decisions.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/incidents/{id}/decision").get(show))
        .service(resource("/incidents/{id}/decision/resolve").post(ask::resolve))
        .service(resource("/incidents/{id}/decision/{question}").get(ask::show).post(ask::decide))
        .service(resource("/incidents/{id}/decision/{question}/draft").post(ask::autosave));
}

fn officer(visit: &Visit) -> Result<Dpo, Problem> {
    Dpo::of(&visit.person).ok_or(Problem::NotAllowed("data protection officers"))
}

/// What was done just now.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    done: String,
}

#[derive(Template)]
#[template(path = "decision.html")]
struct DecisionPage {
    chrome: Chrome,
    summary: Summary,
    id: IncidentId,
    reference: String,
    done: bool,
    seen: Seen,
    waiting: Vec<Waiting>,
    main: Option<Offer>,
    others: Vec<Offer>,
    standing: Vec<Standing>,
    open: Vec<(String, String)>,
    about: Vec<(&'static str, String)>,
    assessed: String,
    made: Vec<Record>,
}

/// A proposal that waits for another officer.
struct Waiting {
    what: &'static str,
    words: String,
    reasons: String,
    may_approve: bool,
    may_refuse: bool,
}

/// One of the questions, and how it stands.
struct Standing {
    label: &'static str,
    tag: Tag,
    undecided: String,
    record: Option<Record>,
}

/// One decision.
struct Record {
    tag: Tag,
    what: String,
    provision: &'static str,
    by: String,
    at: String,
    basis: String,
    more: String,
    reasons: String,
}

/// `GET /incidents/{id}/decision`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, id: web::Path<IncidentId>, asked: web::Query<Asked>) -> Answer {
    shown(&visit, *id, asked.done == "1", Vec::new()).await
}

async fn shown(visit: &Visit, id: IncidentId, done: bool, errors: Vec<FieldError>) -> Answer {
    let state = incident(visit, id).await?;
    let duties = if state.stage.is_open() { visit.node.open_duties(&state).await? } else { Vec::new() };
    let waiting = waiting(visit, &state);
    let (mut main, mut others) = offers(visit, &state, &duties);
    // What waits for this officer's word comes first.
    if waiting.iter().any(|item| item.may_approve) {
        others.splice(0..0, main.take());
    }
    let page = DecisionPage {
        chrome: visit
            .chrome(super::log::title(&format!("Decisions - {}", state.reference), &errors), "/incidents")
            .exercise(state.exercise),
        summary: Summary { errors },
        id,
        reference: state.reference.to_string(),
        done,
        seen: Seen::of(&state),
        waiting,
        main,
        others,
        standing: standing(visit, &state),
        open: duties.iter().map(|duty| (sentence_of(&duty.words()), settled_at(*duty, id))).collect(),
        about: about(visit, &state),
        assessed: state.assessments.last().map(|last| one_line(last, visit.reader)).unwrap_or_default(),
        made: state.decisions.made.iter().rev().map(|decided| record(decided, visit)).collect(),
    };
    page::html_as(page::form_status(&page.summary.errors), &page)
}

/// Where a duty is settled.
pub(super) fn settled_at(duty: Duty, id: IncidentId) -> String {
    match duty {
        Duty::IcoReport => format!("/incidents/{id}/decision/report"),
        Duty::IcoSubmission => format!("/incidents/{id}/report"),
        Duty::NotRequiredWaiting | Duty::NotABreachWaiting => format!("/incidents/{id}/decision"),
        Duty::CorrectionWaiting => format!("/incidents/{id}/resolve-correction"),
        Duty::People => format!("/incidents/{id}/decision/people"),
        Duty::PeopleToTell | Duty::PeopleLeft => format!("/incidents/{id}/people"),
        Duty::FollowUp => format!("/incidents/{id}/duties/{}", UndatedDuty::FollowUp.word()),
        Duty::FanOut => format!("/incidents/{id}"),
        Duty::Partners { .. } => format!("/incidents/{id}/partners"),
    }
}

/// A link to something to do, and its words.
type Offer = (String, &'static str);

/// The one main thing to do, and the others.
fn offers(visit: &Visit, state: &Incident, duties: &[Duty]) -> (Option<Offer>, Vec<Offer>) {
    let at = |to: &str| format!("/incidents/{}/{to}", state.id);
    if !state.stage.is_open() {
        return (None, Vec::new());
    }
    let mut offers = Vec::new();
    let has_duties = has_duties_to_people(state);
    let is_late = state.ico.as_ref().is_some_and(|clock| clock.is_open() && visit.now() > clock.due());
    if Dpo::of(&visit.person).is_some() {
        let report = (at("decision/report"), "Decide whether to report it");
        let people = (at("decision/people"), "Decide whether to tell people");
        if has_duties {
            let people_first = !duties.contains(&Duty::IcoReport) && duties.contains(&Duty::People);
            offers.extend(if people_first { [people, report] } else { [report, people] });
            let delay = if is_late { "Say why the report is late" } else { "Record reasons for a delay" };
            offers.push((at("decision/delay"), delay));
        }
        if state.decisions.not_a_breach.is_none() {
            offers.push((at("decision/not-a-breach"), "It was not a breach"));
        }
    }
    if duties.is_empty() && Responder::of(&visit.person).is_some() {
        offers.insert(0, (at("close"), "Close it"));
    }
    offers.push((at("assessment"), "Assessment"));
    let undecided = duties.iter().any(|duty| matches!(duty, Duty::IcoReport | Duty::People)) || duties.is_empty();
    let is_asked = undecided && Dpo::of(&visit.person).is_some() && offers.len() > 1;
    if is_asked { (Some(offers.remove(0)), offers) } else { (None, offers) }
}

fn waiting(visit: &Visit, state: &Incident) -> Vec<Waiting> {
    let officer = Dpo::of(&visit.person).is_some();
    let own = |by: &domain::values::Actor| by.person() == Some(visit.person.id());
    let mut waiting = Vec::new();
    if let Some(proposal) = &state.not_required {
        waiting.push(Waiting {
            what: "not_required",
            words: format!(
                "{} proposed at {} that no report to the ICO is required. Another data protection officer has to approve it.",
                who(&proposal.by),
                visit.reader.at(proposal.at)
            ),
            reasons: proposal.reason.to_string(),
            may_approve: officer && !own(&proposal.by),
            may_refuse: officer,
        });
    }
    if let Some(proposal) = &state.decisions.not_a_breach {
        waiting.push(Waiting {
            what: "not_a_breach",
            words: format!(
                "{} proposed at {} that it was not a breach. {}. Another data protection officer has to approve it.",
                who(&proposal.by),
                visit.reader.at(proposal.at),
                proposal.ground.label()
            ),
            reasons: proposal.reasons.to_string(),
            may_approve: officer && !own(&proposal.by),
            may_refuse: officer,
        });
    }
    waiting
}

fn standing(visit: &Visit, state: &Incident) -> Vec<Standing> {
    let reader = visit.reader;
    let has_duties = has_duties_to_people(state);
    let report = state.decisions.report();
    let submitted = match &state.report {
        ReportState::Submitted { submission } => Some(submission.at),
        ReportState::None | ReportState::Draft { .. } | ReportState::NotRequired { .. } => None,
    };
    let undecided = match (submitted, state.ico.as_ref().filter(|clock| clock.is_open())) {
        (Some(at), _) => format!("It was reported at {}.", reader.at(at)),
        (None, Some(clock)) => format!("Nobody has decided. The report is due {} either way.", reader.at(clock.due())),
        (None, None) if has_duties => "Nobody has decided. No clock runs for it any more.".to_owned(),
        (None, None) if is_for_the_controllers(state) => FOR_THE_CONTROLLERS.to_owned(),
        (None, None) => "It is not a breach yet: there is nothing to report.".to_owned(),
    };
    let people = state.decisions.people().map(|(decided, _)| decided);
    let follows = report.is_some_and(|decided| matches!(decided.what, What::NotRequired | What::NotABreach { .. }));
    let people_undecided = if people.is_none() && follows {
        "Follows from the decision above: without a risk, or a breach, there is no high risk to tell people of."
    } else if has_duties {
        "Nobody has decided."
    } else if is_for_the_controllers(state) {
        FOR_THE_CONTROLLERS
    } else {
        "It is not a breach yet: there is nobody to tell."
    };
    let mut standing = vec![
        Standing {
            label: "Report to the ICO",
            tag: if report.is_none() && submitted.is_some() { Tag::green("Reported") } else { tag(report, has_duties) },
            undecided,
            record: report.map(|decided| record(decided, visit)),
        },
        Standing {
            label: "Telling the people affected",
            tag: if follows && people.is_none() { Tag::grey("Not required") } else { tag(people, has_duties) },
            undecided: people_undecided.to_owned(),
            record: people.map(|decided| record(decided, visit)),
        },
    ];
    if let Some(delay) = state.decisions.delay() {
        standing.push(Standing {
            label: "Reasons for a late report",
            tag: Tag::blue("Recorded"),
            undecided: String::new(),
            record: Some(record(delay, visit)),
        });
    }
    standing
}

fn tag(decided: Option<&Decided>, has_duties: bool) -> Tag {
    match decided {
        Some(_) => Tag::blue("Decided"),
        None if has_duties => Tag::amber("Not decided"),
        None => Tag::grey("Nothing to decide"),
    }
}

fn record(decided: &Decided, visit: &Visit) -> Record {
    Record {
        tag: if decided.took_effect() { Tag::blue("Decided") } else { Tag::grey("Turned down") },
        what: words::what(&decided.what),
        provision: words::provision(&decided.what),
        by: words::by(decided),
        at: visit.reader.at(decided.at),
        basis: words::basis(&decided.basis),
        more: words::more(&decided.what),
        reasons: decided.reasons.to_string(),
    }
}

/// What somebody needs to know who reads this without the rest.
fn about(visit: &Visit, state: &Incident) -> Vec<(&'static str, String)> {
    let reader = visit.reader;
    let mut about = Vec::new();
    about.push(("Organisation", visit.node.organisation().name.to_string()));
    if let Some(facts) = &state.facts {
        about.push(("In a few words", facts.title.to_string()));
        about.push(("What happened", facts.summary.to_string()));
    }
    about.push(("Version of the facts", state.facts_version.to_string()));
    let aware = [
        ("Aware that a breach was likely", state.awareness.circumstances),
        ("Aware of the breach", state.awareness.breach),
    ];
    about.extend(aware.into_iter().filter_map(|(label, at)| at.map(|at| (label, reader.at(at)))));
    if let Some(clock) = &state.ico {
        let limit = clock.legal_limit().map(|limit| format!("; the legal limit {}", reader.at(limit)));
        let due = format!("{}, due {}{}", clock_words(clock, visit), reader.at(clock.due()), limit.unwrap_or_default());
        about.push(("Clock to the ICO", due));
    }
    about.push(("As it stood", reader.at(visit.now())));
    about
}

fn clock_words(clock: &Clock, visit: &Visit) -> &'static str {
    use domain::clock::ClockState;
    match &clock.state {
        ClockState::Running if visit.now() > clock.due() => "Overdue",
        ClockState::Running => "Running",
        ClockState::Overdue => "Overdue",
        ClockState::Met { .. } => "Met",
        ClockState::MetLate { .. } => "Met late",
        ClockState::NotRequired { .. } => "Not required",
    }
}

/// The decisions in one line, for the incident's page.
pub(super) fn one_line_of(state: &Incident) -> String {
    let report = state.decisions.report().map(|decided| words::what(&decided.what));
    let people = state.decisions.people().map(|(_, people)| people.label().to_owned());
    match (report, people) {
        (None, None) => "Nothing is decided yet.".to_owned(),
        (Some(report), None) => format!("{report}."),
        (None, Some(people)) => format!("{people}. Whether to report it is not decided."),
        (Some(report), Some(people)) => format!("{report}. {people}."),
    }
}
