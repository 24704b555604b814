//! Telling the people affected: the message, who was told and when; the message as a page to print.

mod message;
mod printed;
mod told;
pub mod words;

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::incident::telling::{Section, Telling, Version, Wave, Wording};
use domain::incident::{Incident, Stage};
use domain::values::{IncidentId, Known};
use serde::Deserialize;

use super::field::Tag;
use super::page::{self, Answer, Chrome, Visit};
use super::timeline::who;
use super::words::{Reader, counted, grouped, length};
use crate::access::Reporter;
use crate::problem::Problem;
use crate::store::queries::incidents;

/// Every address of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/incidents/{id}/people").get(show))
        .service(resource("/incidents/{id}/people/letter").get(letter))
        .service(resource("/incidents/{id}/people/letter.docx").post(printed::docx))
        .service(resource("/incidents/{id}/people/letter.pdf").post(printed::pdf))
        .service(resource("/incidents/{id}/people/message").get(message::show).post(message::save))
        .service(resource("/incidents/{id}/people/message/draft").post(message::autosave))
        .service(resource("/incidents/{id}/people/told").get(told::ask).post(told::record))
        .service(resource("/incidents/{id}/people/told/{wave}/strike").get(told::ask_strike).post(told::strike));
}

async fn incident(visit: &Visit, id: IncidentId) -> Result<Incident, Problem> {
    visit.node.store().read(move |rows| incidents::state(rows, id)).await?.ok_or(Problem::NotFound)
}

fn reporter(visit: &Visit) -> Result<Reporter, Problem> {
    Reporter::of(&visit.person).ok_or(Problem::NotAllowed("responders and data protection officers"))
}

/// Whether what was told may still be recorded.
const fn may_record(incident: &Incident) -> bool {
    match incident.stage {
        Stage::Held | Stage::Active | Stage::Withdrawn { .. } => true,
        Stage::Closed | Stage::Anonymised => false,
    }
}

#[derive(Template)]
#[template(path = "telling.html")]
struct TellingPage {
    chrome: Chrome,
    id: IncidentId,
    reference: String,
    tags: Vec<Tag>,
    told: Vec<String>,
    letter: String,
    may_print: bool,
    main: Option<(String, &'static str)>,
    others: Vec<(String, &'static str)>,
    message: Option<Message>,
    may_record: bool,
    waves: Vec<WaveRow>,
    survived: Vec<String>,
}

struct Message {
    heading: String,
    parts: Vec<(&'static str, String)>,
    note: String,
    stale: String,
    earlier: Vec<(String, String)>,
}

struct WaveRow {
    number: u32,
    at: String,
    how: &'static str,
    people: String,
    text: String,
    text_href: String,
    digest: String,
    note: String,
    recorded: String,
    struck: String,
}

/// `GET /incidents/{id}/people`
///
/// # Errors
/// [`Problem`]
async fn show(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    let state = incident(&visit, *id).await?;
    let (main, others) = offers(&visit, &state);
    let page = TellingPage {
        chrome: visit
            .chrome(format!("Tell the people affected - {}", state.reference), "/incidents")
            .exercise(state.exercise),
        id: *id,
        reference: state.reference.to_string(),
        tags: tags(&state.telling),
        told: told_words(&state, visit.reader),
        letter: format!("/incidents/{}/people/letter", *id),
        may_print: state.facts.is_some(),
        main,
        others,
        message: state.telling.newest().map(|newest| message_of(newest, &state, visit.reader)),
        may_record: may_record(&state) && Reporter::of(&visit.person).is_some(),
        waves: state.telling.waves.iter().rev().map(|wave| row(wave, &state, visit.reader)).collect(),
        survived: survived(&state.telling, visit.reader),
    };
    page::html(&page)
}

/// Where something is done, and its name.
type Offer = (String, &'static str);

/// The one main thing to do, and the others.
fn offers(visit: &Visit, state: &Incident) -> (Option<Offer>, Vec<Offer>) {
    let at = |page: &str| format!("/incidents/{}/people/{page}", state.id);
    let (mut main, mut others) = (None, Vec::new());
    if Reporter::of(&visit.person).is_some() {
        let written = state.telling.newest().is_some();
        if written && may_record(state) {
            main = Some((at("told"), "Record that people were told"));
        }
        if state.stage.is_open() {
            let write = (at("message"), if written { "Change the message" } else { "Write the message" });
            if main.is_none() {
                main = Some(write);
            } else {
                others.push(write);
            }
        }
    }
    if state.telling.newest().is_some() {
        others.push((at("letter"), "Print the message"));
    }
    (main, others)
}

fn tags(telling: &Telling) -> Vec<Tag> {
    let message = match telling.newest() {
        Some(newest) => Tag::blue(format!("Message, version {}", newest.number)),
        None => Tag::grey("No message yet"),
    };
    let told = if telling.is_complete() {
        Tag::green("Everybody told")
    } else if telling.first_told_at().is_some() {
        Tag::amber("Some told")
    } else {
        Tag::grey("Nobody told yet")
    };
    vec![message, told]
}

/// What has been told so far, and how long it took: the law gives no number of hours, so none is shown.
fn told_words(state: &Incident, reader: Reader) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(first) = state.telling.first_told_at() {
        let aware = [state.awareness.circumstances, state.awareness.breach].into_iter().flatten().min();
        let after = aware.map(|aware| first.seconds_since(aware.floor_minute()).max(0));
        let after = after.map(|seconds| format!(", {} after we became aware", length(seconds))).unwrap_or_default();
        words.push(format!("First told at {}{after}.", reader.at(first)));
        let people = state.telling.people();
        if people > 0 {
            let times = counted(i64::try_from(state.telling.told().len()).unwrap_or(i64::MAX), "time");
            let people = grouped(i64::try_from(people).unwrap_or(i64::MAX));
            words.push(format!("Told {times}, {people} people in all; somebody told twice counts twice."));
        }
    }
    if let Some(Known::Known(count)) = state.facts.as_ref().map(|facts| facts.data_subjects) {
        let most = count.max.map(|most| format!(", {} at most", grouped(i64::from(most)))).unwrap_or_default();
        words.push(format!("The facts say that {} people are affected{most}.", grouped(i64::from(count.value))));
    }
    words
}

fn message_of(newest: &Version, state: &Incident, reader: Reader) -> Message {
    let id = state.id;
    let stale = if newest.facts_version < state.facts_version {
        format!(
            "The facts were changed since it was written: version {} then, version {} now. See whether it still says what \
             is true.",
            newest.facts_version, state.facts_version
        )
    } else {
        String::new()
    };
    let versions = state.telling.versions.iter().rev().skip(1);
    Message {
        heading: newest.letter.heading.to_string(),
        parts: newest.letter.sections().map(|part| (part.heading, part.text.to_owned())).to_vec(),
        note: format!("Version {}, written {} by {}.", newest.number, reader.near(newest.at), who(&newest.by)),
        stale,
        earlier: versions
            .map(|version| {
                let words = format!("Version {}, {} by {}", version.number, reader.near(version.at), who(&version.by));
                (format!("/incidents/{id}/people/letter?version={}", version.number), words)
            })
            .collect(),
    }
}

fn row(wave: &Wave, state: &Incident, reader: Reader) -> WaveRow {
    let communication = &wave.communication;
    let version = communication.version;
    WaveRow {
        number: wave.number,
        at: reader.at(communication.at),
        how: communication.channel.label(),
        people: communication.people.map(|people| grouped(i64::from(people))).unwrap_or_default(),
        text: format!("version {version}"),
        text_href: format!("/incidents/{}/people/letter?version={version}", state.id),
        digest: wave.digest.to_string(),
        note: communication.note.as_ref().map(ToString::to_string).unwrap_or_default(),
        recorded: format!("Recorded {} by {}", reader.near(wave.at), who(&wave.by)),
        struck: wave.struck.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// What is left after erasure.
fn survived(telling: &Telling, reader: Reader) -> Vec<String> {
    let line = |told: &domain::incident::telling::Told| {
        let people = told.people.map(|people| format!(", {} people", grouped(i64::from(people)))).unwrap_or_default();
        format!("{}: {}{people}", reader.at(told.at), told.channel.label())
    };
    telling.survived.iter().map(line).collect()
}

/// Which version is printed.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    version: String,
}

impl Asked {
    fn version(&self) -> Result<Option<u32>, Problem> {
        let number = Some(self.version.as_str()).filter(|number| !number.is_empty());
        number.map(|number| number.parse().map_err(|_| Problem::NotFound)).transpose()
    }
}

#[derive(Template)]
#[template(path = "telling_letter.html")]
struct LetterPage {
    chrome: Chrome,
    id: IncidentId,
    letter: String,
    query: String,
    organisation: String,
    exercise: bool,
    heading: String,
    parts: Vec<(&'static str, Vec<String>)>,
    note: String,
}

/// `GET /incidents/{id}/people/letter`: the message as it is printed, the newest version unless another is asked for.
///
/// # Errors
/// [`Problem`]
async fn letter(visit: Visit, id: web::Path<IncidentId>, asked: web::Query<Asked>) -> Answer {
    let state = incident(&visit, *id).await?;
    let Wording::Kept(version) = visit.node.wording(&state, asked.version()?).await? else {
        return Err(Problem::NotFound);
    };
    let page = LetterPage {
        chrome: visit
            .chrome(format!("Message to the people affected - {}", state.reference), "/incidents")
            .exercise(state.exercise),
        id: *id,
        letter: format!("/incidents/{}/people/letter", *id),
        query: format!("?version={}", version.number),
        organisation: visit.node.organisation().name.to_string(),
        exercise: state.exercise,
        heading: version.letter.heading.to_string(),
        parts: version.letter.sections().iter().map(paragraphs).collect(),
        note: format!("Version {} of the message of {}", version.number, state.reference),
    };
    page::html(&page)
}

/// A part as plain paragraphs: what every printed form of the message is made of.
fn paragraphs(part: &Section<'_>) -> (&'static str, Vec<String>) {
    let paragraphs = part.text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    (part.heading, paragraphs.map(str::to_owned).collect())
}
