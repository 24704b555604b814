//! Complaints about how we use personal data: the list, one complaint with what is owed by when, and the page of each thing
//! that a person records.
//!
//! Nothing here holds data of whoever complained: every free text says so, and is checked before it is kept.

use std::str::FromStr as _;

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::clock_terms::Timeliness;
use domain::complaint::{Category, Channel, Event, Outcome, Stage};
use domain::values::{ComplaintId, IncidentId, LongText, Moment};
use serde::Deserialize;

use super::action::{ActionPage, refusal, worn_out};
use super::field::{Choice, Field, Tag};
use super::form::{FieldError, Form, Reading};
use super::log::{FoundText, findings_in};
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::timeline::{self, who};
use super::words::Reader;
use crate::access::{Administrator, DutyHolder};
use crate::node::DoorError;
use crate::node::complaints::{COMPLAINT_FORM, ComplaintRequest};
use crate::problem::Problem;
use crate::store::queries::LoggedEvent;
use crate::store::queries::complaints::{self, Filter, Listed, Whole};
use crate::store::queries::incidents;

/// Complaints on one page.
const SHOWN_MAX: usize = 30;
/// Incidents offered when one is logged.
const INCIDENTS_MAX: usize = 100;
const NO_DATA: &str = "In your own words, without names, addresses or anything else that says who complained.";

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/complaints").get(list))
        .service(resource("/complaints/new").get(ask).post(log))
        .service(resource("/complaints/{id}").get(show))
        .service(resource("/complaints/{id}/{action}").get(action).post(act));
}

/// What the filter asks for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    stage: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    incident: String,
    #[serde(default)]
    overdue: String,
    #[serde(default)]
    before: String,
}

impl Asked {
    /// Values that can't be read filter nothing.
    fn filter(&self, now: Moment) -> Filter {
        Filter {
            stage: Stage::from_word(&self.stage),
            category: Category::from_word(&self.category),
            incident: IncidentId::from_str(&self.incident).ok(),
            overdue_at: (self.overdue == "yes").then_some(now),
        }
    }

    fn query(filter: Filter) -> String {
        let mut parts = Vec::new();
        parts.extend(filter.stage.map(|stage| format!("stage={}", stage.word())));
        parts.extend(filter.category.map(|category| format!("category={}", category.word())));
        parts.extend(filter.incident.map(|incident| format!("incident={incident}")));
        parts.extend(filter.overdue_at.map(|_| "overdue=yes".to_owned()));
        parts.join("&")
    }
}

#[derive(Template)]
#[template(path = "complaints.html")]
struct ListPage {
    chrome: Chrome,
    may_log: bool,
    filtered: bool,
    stages: Vec<Choice>,
    categories: Vec<Choice>,
    overdue: bool,
    warning: String,
    rows: Vec<Line>,
    next: Option<String>,
}

struct Line {
    href: String,
    reference: String,
    category: &'static str,
    tags: Vec<Tag>,
    due: String,
    received: String,
}

const fn stage_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Received => "Not acknowledged",
        Stage::Acknowledged => "Acknowledged",
        Stage::Answered => "Answered",
        Stage::Anonymised => "Erased",
    }
}

fn tags(complaint: &Listed, now: Moment) -> Vec<Tag> {
    let mut tags = Vec::new();
    if complaint.next_due.is_some_and(|due| due < now) {
        tags.push(Tag::red("Overdue"));
    }
    let words = stage_words(complaint.stage);
    tags.push(match complaint.stage {
        Stage::Received => Tag::amber(words),
        Stage::Acknowledged => Tag::blue(words),
        Stage::Answered => Tag::green(words),
        Stage::Anonymised => Tag::grey(words),
    });
    tags
}

/// Where we promise working days, the end of the known holidays matters.
fn warning(visit: &Visit) -> String {
    let promise = visit.node.duties().complaint_promise;
    let today = domain::working_time::date_in(visit.now(), &visit.node.zone());
    if promise { super::law::holidays_end(today).unwrap_or_default() } else { String::new() }
}

/// `GET /complaints`
///
/// # Errors
/// [`Problem`]
pub async fn list(visit: Visit, asked: web::Query<Asked>) -> Answer {
    let filter = asked.filter(visit.now());
    let before: Option<(Moment, ComplaintId)> = super::incidents::key(&asked.before);
    let found = visit.node.store().read(move |rows| complaints::newest(rows, filter, before, SHOWN_MAX)).await?;
    let choice = |value: &str, label: &str, on| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        hint: String::new(),
        on,
    };
    let query = Asked::query(filter);
    let page = ListPage {
        chrome: visit.chrome("Complaints", "/complaints"),
        may_log: DutyHolder::of(&visit.person).is_some(),
        filtered: filter != Filter::default(),
        stages: Stage::ALL
            .into_iter()
            .map(|stage| choice(stage.word(), stage_words(stage), filter.stage == Some(stage)))
            .collect(),
        categories: Category::ALL
            .iter()
            .map(|category| choice(category.word(), category.label(), filter.category == Some(*category)))
            .collect(),
        overdue: filter.overdue_at.is_some(),
        warning: warning(&visit),
        rows: found.items.iter().map(|complaint| line(complaint, visit.reader)).collect(),
        next: found.next.map(|(at, id)| format!("/complaints?{query}&before={}.{id}", at.micros())),
    };
    page::html(&page)
}

fn line(complaint: &Listed, reader: Reader) -> Line {
    Line {
        href: format!("/complaints/{}", complaint.id),
        reference: complaint.reference.clone(),
        category: complaint.category.label(),
        tags: tags(complaint, reader.now()),
        due: complaint.next_due.map(|due| reader.near(due)).unwrap_or_default(),
        received: reader.near(complaint.received_at),
    }
}

#[derive(Template)]
#[template(path = "complaint.html")]
struct OnePage {
    chrome: Chrome,
    reference: String,
    tags: Vec<Tag>,
    facts: Vec<(&'static str, String)>,
    incident: String,
    duties: Vec<DutyLine>,
    /// Something with a time is still to be done.
    reminds: bool,
    actions: Vec<(String, &'static str)>,
    lines: Vec<timeline::Line>,
}

/// One thing owed: by when, how it stands, and where that is from.
struct DutyLine {
    duty: &'static str,
    tag: Tag,
    words: String,
}

async fn find(visit: &Visit, id: ComplaintId) -> Result<Whole, Problem> {
    visit.node.store().read(move |rows| complaints::one(rows, id)).await?.ok_or(Problem::NotFound)
}

/// `GET /complaints/{id}`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, id: web::Path<ComplaintId>) -> Answer {
    let found = find(&visit, *id).await?;
    let (reader, listed) = (visit.reader, &found.listed);
    let about = if found.about.is_empty() { "Erased".to_owned() } else { found.about.clone() };
    let mut facts = vec![
        ("Received", format!("{} ({})", reader.at(listed.received_at), listed.channel.label())),
        ("About", listed.category.label().to_owned()),
        ("In our words", about),
    ];
    facts.extend(listed.outcome.map(|outcome| ("Outcome", outcome.label().to_owned())));
    let lines = found.entries.iter().map(|(at, entry)| timeline::Line {
        at: reader.near(*at),
        words: match entry {
            LoggedEvent::Complaint(event) => words(event, reader),
            LoggedEvent::Incident(_) | LoggedEvent::Exchange(..) | LoggedEvent::Erased => {
                "An entry whose content was erased".to_owned()
            }
        },
    });
    page::html(&OnePage {
        chrome: visit.chrome(format!("Complaint {}", listed.reference), "/complaints"),
        reference: listed.reference.clone(),
        tags: tags(listed, reader.now()),
        facts,
        incident: listed.incident.map(|id| format!("/incidents/{id}")).unwrap_or_default(),
        duties: duties(listed, reader),
        reminds: listed.next_due.is_some(),
        actions: actions(listed, &visit),
        lines: lines.collect(),
    })
}

fn actions(complaint: &Listed, visit: &Visit) -> Vec<(String, &'static str)> {
    let at = |action: &str| format!("/complaints/{}/{action}", complaint.id);
    let mut actions = Vec::new();
    if DutyHolder::of(&visit.person).is_some() {
        match complaint.stage {
            Stage::Received => {
                actions.push((at("acknowledge"), "Record that it was acknowledged"));
                actions.push((at("answer"), "Record the outcome that they were told"));
                actions.push((at("note"), "Add a progress note"));
            }
            Stage::Acknowledged => {
                actions.push((at("answer"), "Record the outcome that they were told"));
                actions.push((at("note"), "Add a progress note"));
            }
            Stage::Answered => actions.push((at("note"), "Add a progress note")),
            Stage::Anonymised => {}
        }
    }
    if complaint.stage == Stage::Answered && Administrator::of(&visit.person).is_some() {
        actions.push((at("erase"), "Erase its contents"));
    }
    actions
}

fn duties(complaint: &Listed, reader: Reader) -> Vec<DutyLine> {
    let now = reader.now();
    let first_word = complaint.acknowledged_at.or(complaint.answered_at);
    let mut lines = Vec::new();
    if let Some((alarm, limit)) = complaint.acknowledge_by {
        let stands = domain::clock_terms::Limits { alarm, limit }.timeliness(first_word.unwrap_or(now));
        lines.push(DutyLine {
            duty: "Acknowledge it, by law",
            tag: tag(first_word, stands),
            words: format!(
                "Within 30 days. Due {}, counting the day of receipt; the legal limit is {}, counting from the day after \
                 (Data Protection Act 2018, section 164A).",
                reader.at(alarm),
                reader.at(limit)
            ),
        });
    }
    let promise = |duty, due: Option<Moment>, done: Option<Moment>, days| {
        let due = due?;
        let stands = if done.unwrap_or(now) <= due { Timeliness::InTime } else { Timeliness::Late };
        let words = format!("Within {days} working days: by {}. Our own promise.", reader.at(due));
        Some(DutyLine { duty, tag: tag(done, stands), words })
    };
    lines.extend(promise("Acknowledge it, as promised", complaint.promised_acknowledgement_by, first_word, 5));
    lines.push(DutyLine {
        duty: "Tell them the outcome",
        tag: match complaint.answered_at {
            Some(_) => Tag::green("Told"),
            None => Tag::amber("Not told"),
        },
        words: "The law names no time: without undue delay (section 164A).".to_owned(),
    });
    lines.extend(promise(
        "Tell them the outcome, as promised",
        complaint.promised_answer_by,
        complaint.answered_at,
        20,
    ));
    lines
}

fn tag(done: Option<Moment>, stands: Timeliness) -> Tag {
    match (done, stands) {
        (Some(_), Timeliness::InTime) => Tag::green("Met"),
        (Some(_), Timeliness::WithinLegalLimit) => Tag::green("Met within the legal limit"),
        (Some(_), Timeliness::Late) => Tag::red("Met late"),
        (None, Timeliness::InTime) => Tag::blue("Running"),
        (None, Timeliness::WithinLegalLimit) => Tag::red("Overdue, within the legal limit"),
        (None, Timeliness::Late) => Tag::red("Overdue"),
    }
}

/// An entry of the record in a sentence.
pub(super) fn words(event: &Event, reader: Reader) -> String {
    match event {
        Event::Logged { received_at, by, .. } => {
            format!("Logged by {}: received at {}", who(by), reader.at(*received_at))
        }
        Event::Acknowledged { acknowledged_at, by, .. } => {
            format!("Acknowledged at {}, recorded by {}", reader.at(*acknowledged_at), who(by))
        }
        Event::Noted { note, by, .. } => format!("{}: {note}", who(by)),
        Event::Answered { answered_at, outcome, note, by, .. } => {
            let note = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            let (at, label) = (reader.at(*answered_at), outcome.label().to_lowercase());
            format!("Told the outcome at {at} ({label}){note}; recorded by {}", who(by))
        }
        Event::BecameOverdue { kind, due, .. } => format!("Overdue: {}", timeline::duty_due(*kind, *due, reader)),
        Event::StepFired { kind, due, offset_minutes, reached, .. } => {
            timeline::step(*kind, *due, *offset_minutes, 0, reader) + &timeline::ladders::reached(reached)
        }
        Event::TakenInHand { kind, due, by, .. } => {
            format!("{} took it in hand: {}", who(by), timeline::duty_due(*kind, *due, reader))
        }
        Event::Ladder { change, by, .. } => timeline::ladders::changed(change, by, reader),
        Event::Anonymised { .. } => "Contents erased; codes and instants remain".to_owned(),
    }
}

fn holder(visit: &Visit) -> Result<DutyHolder, Problem> {
    DutyHolder::of(&visit.person).ok_or(Problem::NotAllowed("responders, data protection officers and managers"))
}

async fn new_page(visit: &Visit, form: &Form) -> Result<ActionPage, Problem> {
    let recent = visit.node.store().read(|rows| incidents::newest(rows, None, INCIDENTS_MAX)).await?;
    let heading = "Log a complaint";
    let (back, action) = ("/complaints".to_owned(), "/complaints/new".to_owned());
    let mut page = ActionPage::new(visit.chrome(heading, "/complaints"), heading, "complaints", back, action);
    page.paragraphs = vec![
        "For a complaint of somebody about how you use their data. Keep what they wrote, and who they are, where it came \
         in: here it has a reference only."
            .to_owned(),
    ];
    let options = |all: &[(&'static str, &'static str)]| all.to_vec();
    let channels: Vec<_> = Channel::ALL.iter().map(|it| (it.word(), it.label())).collect();
    let categories: Vec<_> = Category::ALL.iter().map(|it| (it.word(), it.label())).collect();
    let named: Vec<(String, String)> =
        recent.items.iter().map(|it| (it.id.to_string(), format!("{} {}", it.reference, it.title))).collect();
    let named = named.iter().map(|(id, name)| (id.as_str(), name.as_str()));
    page.fields = vec![
        Field::moment(form, "received", "When did it reach you?", visit.reader)
            .hint("Anybody in the organisation, not only the team that answers."),
        Field::radios(form, "channel", "How?", options(&channels)),
        Field::radios(form, "category", "What is it about?", options(&categories)),
        Field::area(form, "about", "What do they complain about?").hint(NO_DATA),
        Field::select(
            form,
            "incident",
            "Is it about an incident?",
            [("", "None that is logged")].into_iter().chain(named),
        ),
    ];
    page.hidden = vec![("form", form.first("form").to_owned())];
    page.buttons = vec![("log", "Log it", "")];
    Ok(page)
}

/// `GET /complaints/new`
///
/// # Errors
/// [`Problem`]
pub async fn ask(visit: Visit) -> Answer {
    holder(&visit)?;
    let mut form = Form::default();
    form.set("form", visit.node.make_form(&visit.person, COMPLAINT_FORM).await?.to_string());
    new_page(&visit, &form).await?.answer(Vec::new())
}

/// Text that looks like personal data holds a form up until a person says that it was checked.
async fn checked(
    visit: &Visit,
    form: &Form,
    text: Option<(&'static str, &'static str, &LongText)>,
) -> Result<(Vec<FoundText>, Vec<FieldError>), Problem> {
    let Some((name, label, text)) = text else { return Ok((Vec::new(), Vec::new())) };
    let found = findings_in(visit, &[(name, label, text.as_str())]).await?;
    if form.has("checked", "yes") || !found.iter().any(|found| found.serious) {
        return Ok((Vec::new(), Vec::new()));
    }
    let error = FieldError {
        name: "checked".to_owned(),
        anchor: "checked".to_owned(),
        message: "Take the personal data out, or say that you have checked it".to_owned(),
    };
    Ok((found, vec![error]))
}

const NO_INCIDENT: &str = "Choose an incident of the list, or none";

/// The incident that it is about; empty for none. What names no incident is a fault: a complaint must not stand apart from
/// what it is about because a list was tampered with.
fn of_incident(reading: &mut Reading<'_>) -> Option<IncidentId> {
    if reading.form().is_blank("incident") {
        return None;
    }
    let found = IncidentId::from_str(reading.form().first("incident")).ok();
    if found.is_none() {
        reading.fault("incident", NO_INCIDENT);
    }
    found
}

fn fault(name: &str, message: &str) -> Vec<FieldError> {
    vec![FieldError { name: name.to_owned(), anchor: name.to_owned(), message: message.to_owned() }]
}

/// `POST /complaints/new`
///
/// # Errors
/// [`Problem`]
pub async fn log(posted: Posted) -> Answer {
    let Posted { visit, mut form } = posted;
    let by = holder(&visit)?;
    let mut reading = Reading::new(&form, visit.reader);
    let received = reading.moment("received", "Say when it reached you");
    let channel = reading.choice("channel", Channel::from_word, "Say how it reached you");
    let category = reading.choice("category", Category::from_word, "Say what it is about");
    let about: Option<LongText> = reading.text("about", "Say what they complain about");
    let incident = of_incident(&mut reading);
    let mut errors = reading.into_errors();
    let mut found = Vec::new();
    if let (Some(received_at), Some(channel), Some(category), Some(about), true) =
        (received, channel, category, about, errors.is_empty())
    {
        (found, errors) = checked(&visit, &form, Some(("about", "What they complain about", &about))).await?;
        if errors.is_empty() {
            let request = ComplaintRequest { form: Some(form.sent()), received_at, channel, category, about, incident };
            match visit.node.log_complaint(&by, request).await {
                Ok(answer) => return Ok(page::see_other(&format!("/complaints/{}", answer.id))),
                Err(error @ (DoorError::FormUnknown | DoorError::FormSaidOtherwise)) => {
                    form.set("form", visit.node.make_form(&visit.person, COMPLAINT_FORM).await?.to_string());
                    errors = fault("about", &worn_out(&error, "logged", "log it"));
                }
                Err(DoorError::NotFound) => errors = fault("incident", NO_INCIDENT),
                Err(error) => errors = refusal(error, "received-day")?,
            }
        }
    }
    let mut page = new_page(&visit, &form).await?;
    (page.must_confirm, page.findings) = (!found.is_empty(), found);
    page.answer(errors)
}

/// What a person records about a complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Acknowledge,
    Note,
    Answer,
    Erase,
}

impl Act {
    fn from_word(word: &str) -> Result<Self, Problem> {
        match word {
            "acknowledge" => Ok(Self::Acknowledge),
            "note" => Ok(Self::Note),
            "answer" => Ok(Self::Answer),
            "erase" => Ok(Self::Erase),
            _ => Err(Problem::NotFound),
        }
    }

    const fn heading(self) -> &'static str {
        match self {
            Self::Acknowledge => "Record that it was acknowledged",
            Self::Note => "Add a progress note",
            Self::Answer => "Record the outcome that they were told",
            Self::Erase => "Erase the contents of this complaint",
        }
    }
}

fn action_page(visit: &Visit, complaint: &Listed, act: Act, form: &Form, word: &str) -> ActionPage {
    let back = format!("/complaints/{}", complaint.id);
    let chrome = visit.chrome(format!("{} - {}", act.heading(), complaint.reference), "/complaints");
    let mut page = ActionPage::new(chrome, act.heading(), &complaint.reference, back.clone(), format!("{back}/{word}"));
    let reader = visit.reader;
    match act {
        Act::Acknowledge => {
            page.fields = vec![Field::moment(form, "at", "When was it acknowledged?", reader)];
        }
        Act::Note => page.fields = vec![Field::area(form, "note", "What was done about it?").hint(NO_DATA)],
        Act::Answer => {
            let outcomes: Vec<_> = Outcome::ALL.iter().map(|it| (it.word(), it.label())).collect();
            page.fields = vec![
                Field::moment(form, "at", "When were they told?", reader),
                Field::radios(form, "outcome", "What came of it?", outcomes),
                Field::area(form, "note", "In your own words").hint(&format!("{NO_DATA} May stay empty.")),
            ];
        }
        Act::Erase => page.paragraphs = vec!["Words and notes go for good. Codes and times stay.".to_owned()],
    }
    let class = if act == Act::Erase { "warning" } else { "" };
    page.buttons = vec![("record", if act == Act::Erase { "Erase it" } else { "Record it" }, class)];
    page
}

/// `GET /complaints/{id}/{action}`
///
/// # Errors
/// [`Problem`]
pub async fn action(visit: Visit, path: web::Path<(ComplaintId, String)>) -> Answer {
    let (id, word) = path.into_inner();
    let act = Act::from_word(&word)?;
    let found = find(&visit, id).await?;
    let mut form = Form::default();
    form.set_moment("at", visit.now(), visit.reader);
    action_page(&visit, &found.listed, act, &form, &word).answer(Vec::new())
}

/// `POST /complaints/{id}/{action}`
///
/// # Errors
/// [`Problem`]
pub async fn act(posted: Posted, path: web::Path<(ComplaintId, String)>) -> Answer {
    let Posted { visit, form } = posted;
    let (id, word) = path.into_inner();
    let act = Act::from_word(&word)?;
    let (found, errors) = match record(&visit, id, act, &form).await? {
        Ok(()) => return Ok(page::see_other(&format!("/complaints/{id}"))),
        Err(faults) => faults,
    };
    let complaint = find(&visit, id).await?;
    let mut page = action_page(&visit, &complaint.listed, act, &form, &word);
    (page.must_confirm, page.findings) = (!found.is_empty(), found);
    page.answer(errors)
}

type Faults = (Vec<FoundText>, Vec<FieldError>);

async fn record(visit: &Visit, id: ComplaintId, act: Act, form: &Form) -> Result<Result<(), Faults>, Problem> {
    let node = &visit.node;
    if act == Act::Erase {
        let by = super::administration::administrator(visit)?;
        return match node.anonymise_complaint(&by, id).await {
            Ok(()) => Ok(Ok(())),
            Err(error) => Ok(Err((Vec::new(), refusal(error, "record")?))),
        };
    }
    let by = holder(visit)?;
    let mut reading = Reading::new(form, visit.reader);
    let at = (act != Act::Note).then(|| reading.moment("at", "Say when")).flatten();
    let outcome = match act {
        Act::Answer => reading.choice("outcome", Outcome::from_word, "Say what came of it"),
        Act::Acknowledge | Act::Note | Act::Erase => None,
    };
    let note: Option<LongText> = match act {
        Act::Note => reading.text("note", "Say what was done"),
        Act::Answer => reading.optional_text("note"),
        Act::Acknowledge | Act::Erase => None,
    };
    let errors = reading.into_errors();
    if !errors.is_empty() {
        return Ok(Err((Vec::new(), errors)));
    }
    let (found, errors) = checked(visit, form, note.as_ref().map(|note| ("note", "The note", note))).await?;
    if !errors.is_empty() {
        return Ok(Err((found, errors)));
    }
    let done = match (act, at, outcome, note) {
        (Act::Acknowledge, Some(at), _, _) => node.acknowledge_complaint(&by, id, at).await,
        (Act::Note, _, _, Some(note)) => node.note_complaint(&by, id, note).await,
        (Act::Answer, Some(at), Some(outcome), note) => node.answer_complaint(&by, id, at, outcome, note).await,
        (Act::Acknowledge | Act::Note | Act::Answer | Act::Erase, _, _, _) => return Err(Problem::NotFound),
    };
    match done {
        Ok(()) => Ok(Ok(())),
        Err(error) => Ok(Err((Vec::new(), refusal(error, if act == Act::Note { "note" } else { "at-day" })?))),
    }
}
