//! The page of one partner on one incident: every version sent, every attempt, whom to ring; record a call; end the
//! carrying.

use std::str::FromStr as _;

use actix_web::web;
use askama::Template;
use domain::clock::{ClockKind, Evidence};
use domain::exchange::{Call, CallChannel, Direction};
use domain::values::{ExchangeId, LongText, MessageId, Moment};
use serde::Deserialize;

use super::action::{ActionPage, refusal};
use super::board;
use super::clock::{complaint, contact_words};
use super::field::{Field, Tag};
use super::form::{FieldError, Form, Reading};
use super::messages::{self, Thread};
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::standing::{self, Standing};
use super::timeline;
use super::words;
use crate::access::Responder;
use crate::problem::Problem;
use crate::store::queries::board::State;
use crate::store::queries::clocks::Single;
use crate::store::queries::exchanges::{self, Attempt, Listed, Message};
use crate::store::queries::{duties, incidents, partners};

/// Messages on the page.
const MESSAGES_MAX: i64 = 20;
/// Attempts listed for each.
const ATTEMPTS_MAX: usize = 20;

#[derive(Template)]
#[template(path = "exchange.html")]
struct ExchangePage {
    chrome: Chrome,
    id: ExchangeId,
    incident: String,
    reference: String,
    name: String,
    done: bool,
    stands: Standing,
    says: Option<Standing>,
    may_act: bool,
    /// Something is being carried that a person may have tried at once.
    may_hurry: bool,
    /// They have not seen all that we say.
    behind: bool,
    /// Part of that was not sent yet.
    unsent: bool,
    contacts: Vec<String>,
    clocks: Vec<ClockLine>,
    messages: Vec<MessageLine>,
    thread: Thread,
    case: String,
}

struct ClockLine {
    duty: &'static str,
    tag: Tag,
    words: String,
}

struct MessageLine {
    id: MessageId,
    title: String,
    tag: Tag,
    small: String,
    attempts: Vec<String>,
    attempts_head: String,
    parked: Option<MessageId>,
    open: Option<MessageId>,
}

/// What the page is asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    done: String,
    #[serde(default)]
    message: String,
}

struct Found {
    exchange: Listed,
    contacts: Vec<String>,
    messages: Vec<(Message, Vec<Attempt>)>,
    reference: String,
    /// Our facts have changed since they were last sent.
    unsent: bool,
    undated: Vec<duties::Single>,
}

async fn find(visit: &Visit, id: ExchangeId) -> Result<Found, Problem> {
    let found = visit
        .node
        .store()
        .read(move |rows| {
            let Some(exchange) = exchanges::one(rows, id)? else { return Ok(None) };
            let mut messages = Vec::new();
            for message in exchanges::messages(rows, id, MESSAGES_MAX)? {
                let attempts = exchanges::attempts(rows, message.id, None, ATTEMPTS_MAX)?.items;
                messages.push((message, attempts));
            }
            let listed = match exchange.incident {
                Some(incident) => incidents::one(rows, incident)?,
                None => None,
            };
            let contacts = partners::contacts(rows, exchange.partner)?.iter().map(contact_words).collect();
            let unsent = exchange.revision > 0 && listed.as_ref().is_some_and(board::unsent);
            let reference = listed.map(|listed| listed.reference).unwrap_or_default();
            let undated = duties::of_stream(rows, id.uuid())?;
            Ok(Some(Found { exchange, contacts, messages, reference, unsent, undated }))
        })
        .await?;
    found.ok_or(Problem::NotFound)
}

/// `GET /exchanges/{id}`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, id: web::Path<ExchangeId>, asked: web::Query<Asked>) -> Answer {
    let found = find(&visit, *id).await?;
    if found.exchange.direction == Direction::Incoming {
        return Ok(page::see_other(&format!("/received/{id}")));
    }
    let reader = visit.reader;
    let elapsed = visit.node.time().elapsed();
    let exchange = &found.exchange;
    let incident = exchange.incident.map(|incident| format!("/incidents/{incident}")).unwrap_or_default();
    let page = ExchangePage {
        chrome: visit
            .chrome(format!("{} - {}", exchange.partner_name, found.reference), "/incidents")
            .exercise(exchange.exercise),
        id: exchange.id,
        incident,
        name: exchange.partner_name.clone(),
        done: asked.done == "1",
        stands: standing::delivery(exchange, reader, elapsed),
        says: standing::they_say(exchange, reader),
        may_act: Responder::of(&visit.person).is_some(),
        may_hurry: found.messages.iter().any(|(message, _)| message.open && message.state != "parked"),
        behind: found.unsent || exchange.delivered_revision < exchange.revision,
        unsent: found.unsent,
        clocks: clock_lines(exchange, &found.undated, &visit),
        messages: found.messages.iter().map(|(message, attempts)| line(message, attempts, &visit, elapsed)).collect(),
        thread: messages::thread(&visit, *id).await?,
        case: exchange.case.to_string(),
        reference: found.reference,
        contacts: found.contacts,
    };
    page::html(&page)
}

pub(super) fn clock_line_words(clock: &Single, visit: &Visit) -> String {
    let reader = visit.reader;
    let mut text = match (clock.ended_at, clock.open) {
        (Some(at), _) => {
            let evidence = clock
                .evidence
                .as_ref()
                .and_then(|word| Evidence::ALL.into_iter().find(|evidence| evidence.word() == word))
                .map(|evidence| format!(", {}", timeline::evidence_words(evidence)))
                .unwrap_or_default();
            format!("at {}{evidence}; it was due {}", reader.at(at), reader.at(clock.due))
        }
        (None, _) => format!(
            "due {}; {} from {}, {}",
            reader.at(clock.due),
            words::counted(i64::from(clock.hours), "hour"),
            reader.at(clock.anchored_at),
            super::clock::when(clock.anchor)
        ),
    };
    if clock.proved_late {
        text.push_str("; proved late");
    }
    if let Some(reason) = &clock.reason {
        text.push_str(&format!(": {reason}"));
    }
    text
}

/// Clocks, and the duty for which the law names no time.
fn clock_lines(exchange: &Listed, undated: &[duties::Single], visit: &Visit) -> Vec<ClockLine> {
    let owed = undated.iter().map(|owed| ClockLine {
        duty: "Tell them, for whom we process",
        tag: super::duties::tag(&owed.state),
        words: super::duties::single_words(owed, visit),
    });
    owed.chain(exchange.clocks.iter().map(|clock| clock_line(clock, visit))).collect()
}

fn clock_line(clock: &Single, visit: &Visit) -> ClockLine {
    let duty = match clock.kind {
        ClockKind::PartnerNotice if clock.own_target => "Tell them: our own target",
        ClockKind::PartnerNotice => "Tell them",
        ClockKind::PartnerAcknowledgement => "Have them acknowledge",
        ClockKind::IcoReport => "Report to the ICO",
        ClockKind::Assistance => "Answer",
        ClockKind::PeopleTold => "Tell the people affected",
        ClockKind::FollowUp => "Follow the ICO report up",
        kind @ (ClockKind::ComplaintAcknowledgement
        | ClockKind::ComplaintPromisedAcknowledgement
        | ClockKind::ComplaintPromisedAnswer) => complaint::duty(kind),
    };
    ClockLine { duty, tag: standing::clock_tag(clock, visit.now()), words: clock_line_words(clock, visit) }
}

fn line(message: &Message, attempts: &[Attempt], visit: &Visit, elapsed: Moment) -> MessageLine {
    let reader = visit.reader;
    let what = match message.kind.as_str() {
        "notified" => "Notice",
        "updated" => "Update",
        "withdrawn" => "Withdrawal",
        "acknowledged" => "Acknowledgement",
        "filed" => "Our report to the ICO",
        _ => "Message",
    };
    let (tag, small) = match (message.receipted_at, message.state.as_str()) {
        (Some(at), _) => (Tag::green("Delivered"), format!("signed receipt {}", reader.at_second(at))),
        (None, "parked") => (Tag::red("Not delivered"), "their node refused it; it waits for a person".to_owned()),
        (None, "abandoned") => (Tag::grey("Not delivered"), "a person ended the carrying".to_owned()),
        (None, "accepted") => {
            (standing::state_tag(State::Accepted), "by their webhook or mail server: nothing is proved".to_owned())
        }
        (None, _) => {
            let waiting = if message.attempts == 0 { "waiting for its turn" } else { "on its way" };
            let next = message.next_attempt_at.map(|at| at.seconds_since(elapsed)).filter(|wait| *wait > 0);
            let next = next.map(|wait| format!("next attempt in {}", words::length(wait)));
            (Tag::amber("Not delivered"), next.unwrap_or_else(|| waiting.to_owned()))
        }
    };
    MessageLine {
        id: message.id,
        title: match message.revision {
            0 => what.to_owned(),
            revision => format!("{what}, version {revision}"),
        },
        tag,
        small: format!("{small}; queued {}", reader.near(message.queued_at)),
        attempts_head: words::counted(i64::from(message.attempts), "attempt"),
        attempts: attempts
            .iter()
            .map(|attempt| {
                let whose = if message.channel == "mail" { "code" } else { "HTTP" };
                let status = attempt.status.map(|status| format!(", {whose} {status}")).unwrap_or_default();
                let outcome = standing::outcome(&message.channel, &attempt.outcome);
                format!("{}: {outcome} ({} ms{status})", reader.near(attempt.at), attempt.took_ms)
            })
            .collect(),
        parked: (message.state == "parked").then_some(message.id),
        open: message.open.then_some(message.id),
    }
}

fn call_page(visit: &Visit, found: &Found, form: &Form) -> ActionPage {
    let exchange = &found.exchange;
    let back = format!("/exchanges/{}", exchange.id);
    let heading = format!("Record a call to {}", exchange.partner_name);
    let chrome = visit.chrome(heading.clone(), "/incidents").exercise(exchange.exercise);
    let mut page = ActionPage::new(chrome, &heading, &exchange.partner_name, back.clone(), format!("{back}/call"));
    page.paragraphs = found.contacts.iter().map(|contact| format!("Their contact: {contact}.")).collect();
    page.paragraphs.push(
        "A recorded call ends the clock for telling them. The signed notice is still carried until their node has it."
            .to_owned(),
    );
    page.fields = vec![
        Field::line(form, "to_whom", "Whom did you reach?").hint("Their name or role."),
        Field::radios(form, "how", "How?", [("telephone", "By telephone"), ("in_person", "Face to face")]),
        Field::moment(form, "at", "When?", visit.reader).hint("UK time."),
        Field::area(form, "note", "What was said?").hint("In general terms. May stay empty."),
        Field::area(form, "backdate_reason", "Why is it recorded only now?")
            .hint("Only when it was more than an hour ago."),
    ];
    page.buttons = vec![("record", "Record the call", "")];
    page
}

/// `GET /exchanges/{id}/call`
///
/// # Errors
/// [`Problem`]
pub async fn call(visit: Visit, id: web::Path<ExchangeId>) -> Answer {
    super::log::responder(&visit)?;
    let found = find(&visit, *id).await?;
    let mut form = Form::default();
    form.set("how", "telephone");
    form.set_moment("at", visit.now(), visit.reader);
    call_page(&visit, &found, &form).answer(Vec::new())
}

/// `POST /exchanges/{id}/call`
///
/// # Errors
/// [`Problem`]
pub async fn record_call(posted: Posted, id: web::Path<ExchangeId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = super::log::responder(&visit)?;
    let found = find(&visit, *id).await?;
    match read_call(&form, &visit) {
        Err(errors) => call_page(&visit, &found, &form).answer(errors),
        Ok(call) => match visit.node.record_call(&by, *id, call).await {
            Ok(()) => Ok(page::see_other(&format!("/exchanges/{id}?done=1"))),
            Err(error) => call_page(&visit, &found, &form).answer(refusal(error, "at-day")?),
        },
    }
}

fn read_call(form: &Form, visit: &Visit) -> Result<Call, Vec<FieldError>> {
    let mut reading = Reading::new(form, visit.reader);
    let to_whom = reading.text("to_whom", "Say whom you reached");
    let channel = |word: &str| match word {
        "telephone" => Some(CallChannel::Telephone),
        "in_person" => Some(CallChannel::InPerson),
        _ => None,
    };
    let how = reading.choice("how", channel, "Say how you reached them");
    let at = reading.moment("at", "Say when you reached them");
    let note = reading.optional_text("note");
    let backdate_reason = reading.optional_text("backdate_reason");
    let errors = reading.into_errors();
    match (to_whom, how, at) {
        (Some(to_whom), Some(how), Some(at)) if errors.is_empty() => {
            Ok(Call { to_whom, how, at, note, backdate_reason })
        }
        (_, _, _) => Err(errors),
    }
}

fn abandon_page(visit: &Visit, found: &Found, form: &Form) -> ActionPage {
    let exchange = &found.exchange;
    let back = format!("/exchanges/{}", exchange.id);
    let heading = "Stop carrying this message";
    let chrome = visit.chrome(heading, "/incidents").exercise(exchange.exercise);
    let mut page = ActionPage::new(chrome, heading, &exchange.partner_name, back.clone(), format!("{back}/abandon"));
    page.paragraphs = vec![
        "The message will not be tried again. This does not end the duty to tell them: record a call, or their clock goes \
         on."
            .to_owned(),
    ];
    page.fields = vec![Field::area(form, "reason", "Why?").hint("It stays on record.")];
    page.hidden = vec![("message", form.first("message").to_owned())];
    page.buttons = vec![("abandon", "Stop carrying it", "danger")];
    page
}

/// `GET /exchanges/{id}/abandon`
///
/// # Errors
/// [`Problem`]
pub async fn abandon(visit: Visit, id: web::Path<ExchangeId>, asked: web::Query<Asked>) -> Answer {
    super::log::responder(&visit)?;
    let found = find(&visit, *id).await?;
    let mut form = Form::default();
    form.set("message", asked.message.clone());
    abandon_page(&visit, &found, &form).answer(Vec::new())
}

/// `POST /exchanges/{id}/abandon`
///
/// # Errors
/// [`Problem`]
pub async fn do_abandon(posted: Posted, id: web::Path<ExchangeId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = super::log::responder(&visit)?;
    let message = message_of(&form)?;
    let mut reading = Reading::new(&form, visit.reader);
    let reason: Option<LongText> = reading.text("reason", "Say why");
    let errors = match reason {
        Some(reason) => match visit.node.abandon(&by, *id, message, reason).await {
            Ok(()) => return Ok(page::see_other(&format!("/exchanges/{id}?done=1"))),
            Err(error) => refusal(error, "reason")?,
        },
        None => reading.into_errors(),
    };
    let found = find(&visit, *id).await?;
    abandon_page(&visit, &found, &form).answer(errors)
}

/// `POST /exchanges/{id}/retry`: tries a message again that their node had refused.
///
/// # Errors
/// [`Problem`]
pub async fn retry(posted: Posted, id: web::Path<ExchangeId>) -> Answer {
    let by = super::log::responder(&posted.visit)?;
    posted.visit.node.retry_parked(&by, message_of(&posted.form)?).await?;
    Ok(page::see_other(&format!("/exchanges/{id}?done=1")))
}

fn message_of(form: &Form) -> Result<MessageId, Problem> {
    MessageId::from_str(form.first("message")).map_err(|_| Problem::Malformed("The message could not be read."))
}
