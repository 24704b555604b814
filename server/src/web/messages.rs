//! Messages about a case: the thread, as it stands on the pages of both directions and on a page of its own; writing to the
//! partner; marking as read; telling partners that we reported.

mod way;
mod write;

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::exchange::{Direction, Exchange, MessageKind, ToldFiling};
use domain::incident::{Incident, Stage};
use domain::report::ReportState;
use domain::values::{ExchangeId, IncidentId, MessageId};
use serde::Deserialize;

use self::way::Way;
use super::action::{ActionPage, refusal};
use super::field::Tag;
use super::joint;
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::standing::{self, clock_word, role_words};
use super::words::Reader;
use crate::access::{Dpo, DutyHolder, Responder};
use crate::node::DoorError;
use crate::node::joint::has_our_view;
use crate::problem::Problem;
use crate::store::queries::board::State;
use crate::store::queries::clocks::{self, Single};
use crate::store::queries::said::{self, Message};
use crate::store::queries::{incidents, partners};

/// Messages shown of one case, the newest.
const SHOWN_MAX: usize = 200;

/// Every address of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/exchanges/{id}/messages").get(show))
        .service(resource("/exchanges/{id}/messages/new").get(write::show).post(write::say))
        .service(resource("/exchanges/{id}/messages/{message}/read").post(read))
        .service(resource("/incidents/{id}/tell-filed").get(ask_tell_filed).post(tell_filed));
}

/// What was said about a case, by time.
pub(super) struct Thread {
    /// The exchange.
    pub id: ExchangeId,
    /// The partner.
    pub name: String,
    /// Messages, the oldest first.
    pub lines: Vec<MessageLine>,
    /// Reports to the ICO that one side told the other.
    pub filings: Vec<String>,
    /// There are older ones than those shown.
    pub more: bool,
    /// The person may write.
    pub may_write: bool,
    /// The person may mark messages as read.
    pub may_read: bool,
}

/// One message.
pub(super) struct MessageLine {
    pub id: MessageId,
    pub title: String,
    pub who: String,
    pub tags: Vec<Tag>,
    pub notes: Vec<String>,
    pub text: String,
    /// It is theirs, and nobody here has read it.
    pub unread: bool,
    /// The link to answer it says this.
    pub answer: Option<&'static str>,
    /// They ask for our view, and have none yet: it is given right here.
    pub view: bool,
}

/// The thread of an exchange.
///
/// # Errors
/// [`Problem::NotFound`]
pub(super) async fn thread(visit: &Visit, id: ExchangeId) -> Result<Thread, Problem> {
    Ok(thread_of(visit, &find(visit, id).await?))
}

/// What is talked about, and what was said.
struct Case {
    exchange: Exchange,
    name: String,
    /// What people here call it: our incident's reference, or the one under which the partner told us.
    reference: String,
    messages: Vec<Message>,
    /// Our own clock for the report to the ICO runs, here or at our incident.
    clock_open: bool,
}

async fn find(visit: &Visit, id: ExchangeId) -> Result<Case, Problem> {
    let found = visit
        .node
        .store()
        .read(move |rows| {
            let Some(exchange) = incidents::exchange_state(rows, id)? else { return Ok(None) };
            let name = partners::name(rows, exchange.partner)?;
            let messages = said::thread(rows, &exchange, SHOWN_MAX)?;
            let clock_open = !exchange.filings.is_empty() && clocks::report_is_open(rows, &exchange)?;
            let incident = match (exchange.direction, exchange.incident) {
                (Direction::Outgoing, Some(incident)) => incidents::one(rows, incident)?,
                (Direction::Outgoing | Direction::Incoming, _) => None,
            };
            let reference = incident.map_or_else(|| exchange.reference.to_string(), |incident| incident.reference);
            Ok(Some(Case { exchange, name, reference, messages, clock_open }))
        })
        .await?;
    found.ok_or(Problem::NotFound)
}

fn thread_of(visit: &Visit, case: &Case) -> Thread {
    let Case { exchange, name, messages, .. } = case;
    let told = match exchange.direction {
        Direction::Outgoing => !exchange.notices.is_empty(),
        Direction::Incoming => !exchange.received.is_empty(),
    };
    let may_write = told && !exchange.anonymised && Responder::of(&visit.person).is_some();
    Thread {
        id: exchange.id,
        lines: messages.iter().map(|message| line(message, case, may_write, visit.reader)).collect(),
        filings: exchange.filings.iter().map(|told| filing(told, name, case.clock_open, visit.reader)).collect(),
        more: exchange.said.len() > messages.len(),
        may_write,
        may_read: DutyHolder::of(&visit.person).is_some(),
        name: name.clone(),
    }
}

/// Whether their request has our answer, or needs none any more.
fn is_answered(message: &Message, exchange: &Exchange) -> bool {
    let mut ours = exchange.said.iter().filter(|mark| mark.is_ours() && mark.re == Some(message.said.message));
    message.clock.as_ref().is_some_and(|clock| !clock.open) || ours.any(|mark| mark.kind.answers())
}

fn line(message: &Message, case: &Case, may_write: bool, reader: Reader) -> MessageLine {
    let Case { exchange, name, messages: all, .. } = case;
    let said = &message.said;
    let whose = if message.sent { "ours" } else { name.as_str() };
    let mut notes = Vec::new();
    if let Some(at) = said.received_at {
        notes.push(format!("What is passed on came in at {}.", reader.at(at)));
    }
    let answered = said.re.and_then(|re| all.iter().find(|other| other.said.message == re));
    notes.extend(answered.map(|other| {
        let whose = if other.sent { "ours" } else { "theirs" };
        format!("On: {}, {whose}, {}.", other.said.kind.label().to_lowercase(), reader.near(other.said.at))
    }));
    notes.extend(message.clock.as_ref().map(|clock| owed(clock, message.sent, name, reader)));
    let unread = !message.sent && message.read_at.is_none();
    MessageLine {
        id: said.message,
        title: format!("{} ({whose})", said.kind.label()),
        who: format!("{}, {}, {}", said.name, role_words(said.role.as_str()), reader.near(said.at)),
        tags: tags(message, unread, reader),
        notes,
        text: said.text.to_string(),
        unread,
        view: may_write
            && !message.sent
            && said.kind == MessageKind::ViewRequest
            && !has_our_view(exchange, said.message),
        answer: (may_write && !message.sent).then_some(match said.kind {
            MessageKind::View | MessageKind::Answer | MessageKind::Decision => "Write about it",
            MessageKind::Question
            | MessageKind::AssistanceRequest
            | MessageKind::ViewRequest
            | MessageKind::ForwardedRequest => {
                if is_answered(message, exchange) {
                    "Write about it"
                } else {
                    "Answer it"
                }
            }
        }),
    }
}

fn tags(message: &Message, unread: bool, reader: Reader) -> Vec<Tag> {
    let mut tags = Vec::new();
    if unread {
        tags.push(Tag::amber("Not read"));
    }
    match message.carried.as_deref().filter(|_| message.sent) {
        Some("receipted") => tags.push(Tag::green("Delivered")),
        Some("accepted") => tags.push(standing::state_tag(State::Accepted)),
        Some("abandoned") => tags.push(Tag::grey(standing::state_word(State::NotDelivered))),
        Some(_) => tags.push(standing::state_tag(State::NotDelivered)),
        None => {}
    }
    if let Some(clock) = &message.clock {
        let word = clock_word(clock, reader.now());
        tags.push(match word {
            "Met" => Tag::green("Answered"),
            "Met late" => Tag::amber("Answered late"),
            "Overdue" => Tag::red("Overdue"),
            "Not required" => Tag::grey("Not required"),
            _ => Tag::amber("Not answered"),
        });
    }
    tags
}

/// Who owes the answer, and by when.
fn owed(clock: &Single, sent: bool, name: &str, reader: Reader) -> String {
    let due = reader.at(clock.due);
    match (clock.ended_at, &clock.reason) {
        (Some(at), None) => format!("Answered at {}; it was due {due}.", reader.at(at)),
        (Some(_), Some(reason)) => format!("No answer is required any more ({reason}); it was due {due}."),
        (None, _) if sent => format!("{name} owes us an answer by {due}."),
        (None, _) => format!("We owe {name} an answer by {due}."),
    }
}

/// What a filing comes to, in words. Theirs ends nothing of ours.
fn filing(told: &ToldFiling, name: &str, open: bool, reader: Reader) -> String {
    let filing = &told.filing;
    let at = reader.at(filing.at);
    let reference = filing.reference.as_ref().map(|reference| format!(", reference {reference}")).unwrap_or_default();
    if told.delivery.is_some() {
        return format!("We told {name} that we reported this case to the {} at {at}{reference}.", filing.authority);
    }
    format!(
        "{name} reported this case to the {} at {at}{reference}. {}",
        filing.authority,
        if open { joint::words::STAYS_OURS } else { "" }
    )
}

#[derive(Template)]
#[template(path = "messages.html")]
struct MessagesPage {
    chrome: Chrome,
    back: String,
    reference: String,
    done: String,
    thread: Thread,
}

/// What was done.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    done: String,
}

/// `GET /exchanges/{id}/messages`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, id: web::Path<ExchangeId>, asked: web::Query<Asked>) -> Answer {
    let case = find(&visit, *id).await?;
    let Case { exchange, name, .. } = &case;
    let page = MessagesPage {
        chrome: visit.chrome(format!("Messages with {name}"), here(exchange.direction)).exercise(exchange.exercise),
        back: back(exchange),
        done: match asked.done.as_str() {
            "said" => Way::to(&visit, exchange.partner).await?.sent(name),
            "read" => "Marked as read.".to_owned(),
            _ => String::new(),
        },
        thread: thread_of(&visit, &case),
        reference: case.reference,
    };
    page::html(&page)
}

const fn here(direction: Direction) -> &'static str {
    match direction {
        Direction::Outgoing => "/incidents",
        Direction::Incoming => "/received",
    }
}

/// The page of the case.
fn back(exchange: &Exchange) -> String {
    match exchange.direction {
        Direction::Outgoing => format!("/exchanges/{}", exchange.id),
        Direction::Incoming => format!("/received/{}", exchange.id),
    }
}

/// `POST /exchanges/{id}/messages/{message}/read`: a person here has read it.
///
/// # Errors
/// [`Problem`]
pub async fn read(posted: Posted, path: web::Path<(ExchangeId, MessageId)>) -> Answer {
    let (id, message) = path.into_inner();
    let visit = posted.visit;
    let by = DutyHolder::of(&visit.person)
        .ok_or(Problem::NotAllowed("responders, data protection officers and managers"))?;
    match visit.node.read_message(&by, id, message).await {
        // Somebody else was quicker: it is read.
        Ok(()) | Err(DoorError::ExchangeRefused(domain::exchange::Refusal::NothingChanges)) => {
            Ok(page::see_other(&format!("/exchanges/{id}/messages?done=read")))
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /incidents/{id}/tell-filed`
///
/// # Errors
/// [`Problem`]
pub async fn ask_tell_filed(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    dpo(&visit)?;
    let incident = incident(&visit, *id).await?;
    tell_filed_page(&visit, &incident).answer(Vec::new())
}

/// `POST /incidents/{id}/tell-filed`
///
/// # Errors
/// [`Problem`]
pub async fn tell_filed(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let visit = posted.visit;
    let by = dpo(&visit)?;
    if let Some(why) = why_nobody_is_told(&incident(&visit, *id).await?) {
        return Err(Problem::Refused(why.to_owned()));
    }
    match visit.node.tell_filed(&by, *id).await {
        Ok(()) => Ok(page::see_other(&format!("/incidents/{id}?logged=2"))),
        Err(error) => {
            let errors = refusal(error, "tell")?;
            let incident = incident(&visit, *id).await?;
            tell_filed_page(&visit, &incident).answer(errors)
        }
    }
}

fn dpo(visit: &Visit) -> Result<Dpo, Problem> {
    Dpo::of(&visit.person).ok_or(Problem::NotAllowed("data protection officers"))
}

async fn incident(visit: &Visit, id: IncidentId) -> Result<Incident, Problem> {
    let found = visit.node.store().read(move |rows| incidents::state(rows, id)).await?;
    found.ok_or(Problem::NotFound)
}

/// Why partners can't be told that we reported it; `None` when they can. The page says it before anybody presses anything.
pub(super) fn why_nobody_is_told(incident: &Incident) -> Option<&'static str> {
    match (&incident.stage, &incident.report) {
        (Stage::Anonymised, _) => Some("Its contents were erased: nobody is told of it any more."),
        (_, ReportState::None | ReportState::Draft { .. } | ReportState::NotRequired { .. }) => {
            Some("No report to the ICO is recorded yet. Record its submission first; then partners can be told.")
        }
        (_, ReportState::Submitted { .. }) if incident.told_filed => Some("They were told already."),
        (Stage::Held, ReportState::Submitted { .. }) if !incident.owed.is_empty() => {
            Some("The notices are held back, so no partner knows of this case. Let the notices go first.")
        }
        (_, ReportState::Submitted { .. }) if incident.opened_from.is_some() => None,
        (_, ReportState::Submitted { .. }) if incident.owed.is_empty() => {
            Some("No partner is owed a notice of this incident, so there is nobody to tell.")
        }
        (Stage::Held | Stage::Active | Stage::Withdrawn { .. } | Stage::Closed, ReportState::Submitted { .. }) => None,
    }
}

fn tell_filed_page(visit: &Visit, incident: &Incident) -> ActionPage {
    let heading = "Tell partners that we reported it";
    let back = format!("/incidents/{}", incident.id);
    let chrome = visit.chrome(format!("{heading} - {}", incident.reference), "/incidents").exercise(incident.exercise);
    let mut page =
        ActionPage::new(chrome, heading, incident.reference.as_str(), back.clone(), format!("{back}/tell-filed"));
    if let Some(why) = why_nobody_is_told(incident) {
        page.paragraphs = vec![why.to_owned()];
        return page;
    }
    page.paragraphs = vec![
        "Every partner who knows of this case is told that we reported it to the ICO, when, and under which reference."
            .to_owned(),
        "Each is told for itself: no partner learns who the others are. Their own duty to report goes on until they decide."
            .to_owned(),
    ];
    page.buttons = vec![("tell", "Tell them", "")];
    page
}
