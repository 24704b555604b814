//! Writing to the partner about a case.

use std::str::FromStr as _;

use actix_web::web;
use domain::exchange::{DUE_SECONDS_MAX, MessageKind, Refusal};
use domain::values::{ExchangeId, LongText, MessageId};
use serde::Deserialize;

use super::super::action::{ActionPage, refusal, worn_out};
use super::super::field::Field;
use super::super::form::{FieldError, Form, Reading};
use super::super::log::{findings_in, responder};
use super::super::page::{self, Answer, Posted, Visit};
use super::way::Way;
use super::{Case, back, here};
use crate::node::DoorError;
use crate::node::said::{MESSAGE_FORM, NewMessage};
use crate::problem::Problem;
use crate::store::queries::said::Message;

/// Messages offered as those that ours may be about, the newest.
const OFFERED_MAX: usize = 30;

/// What the page starts from.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Opened {
    #[serde(default)]
    re: String,
}

/// `GET /exchanges/{id}/messages/new`: a fresh form, about one of their messages or about none.
///
/// # Errors
/// [`Problem`]
pub(super) async fn show(visit: Visit, id: web::Path<ExchangeId>, opened: web::Query<Opened>) -> Answer {
    responder(&visit)?;
    let case = Written::find(&visit, *id).await?;
    let mut form = fresh(&visit).await?;
    if let Some(message) = MessageId::from_str(&opened.re).ok().and_then(|re| case.message(re)) {
        form.set("re", message.said.message.to_string());
        let kind = match message.said.kind {
            MessageKind::ViewRequest => MessageKind::View,
            MessageKind::Question | MessageKind::AssistanceRequest | MessageKind::ForwardedRequest => {
                MessageKind::Answer
            }
            MessageKind::View | MessageKind::Answer | MessageKind::Decision => MessageKind::Question,
        };
        form.set("kind", kind.word());
    }
    case.page(&visit, &form).answer(Vec::new())
}

async fn fresh(visit: &Visit) -> Result<Form, Problem> {
    let mut form = Form::default();
    form.set("form", visit.node.make_form(&visit.person, MESSAGE_FORM).await?.to_string());
    Ok(form)
}

/// `POST /exchanges/{id}/messages/new`: says it, once.
///
/// # Errors
/// [`Problem`]
pub(super) async fn say(posted: Posted, id: web::Path<ExchangeId>) -> Answer {
    let Posted { visit, mut form } = posted;
    let by = responder(&visit)?;
    let case = Written::find(&visit, *id).await?;
    let new = match read(&visit, &form) {
        Ok(new) => new,
        Err(errors) => return case.page(&visit, &form).answer(errors),
    };
    let found = findings_in(&visit, &[("text", "The message", new.text.as_str())]).await?;
    if found.iter().any(|found| found.serious) && !form.has("checked", "yes") {
        let mut page = case.page(&visit, &form);
        page.must_confirm = true;
        page.findings = found;
        let message = "Take the personal data out, or say that you have checked it";
        return page.answer(vec![fault("checked", "checked", message)]);
    }
    match visit.node.say(&by, *id, new).await {
        Ok(()) => Ok(page::see_other(&format!("/exchanges/{id}/messages?done=said"))),
        Err(DoorError::ExchangeRefused(refused)) => {
            let anchor = anchor(&refused);
            case.page(&visit, &form).answer(refusal(DoorError::ExchangeRefused(refused), anchor)?)
        }
        Err(error @ (DoorError::FormUnknown | DoorError::FormSaidOtherwise)) => {
            let id = visit.node.make_form(&visit.person, MESSAGE_FORM).await?;
            form.set("form", id.to_string());
            let message = worn_out(&error, "sent", "send it");
            case.page(&visit, &form).answer(vec![fault("text", "text", &message)])
        }
        Err(error) => Err(error.into()),
    }
}

fn fault(name: &str, anchor: &str, message: &str) -> FieldError {
    FieldError { name: name.to_owned(), anchor: anchor.to_owned(), message: message.to_owned() }
}

/// The field that a refusal is about.
const fn anchor(refused: &Refusal) -> &'static str {
    match refused {
        Refusal::DueMissing | Refusal::DueWithoutRequest | Refusal::DuePast | Refusal::DueTooFar => "due-day",
        Refusal::ReceivedMissing | Refusal::ReceivedWithoutForwarding | Refusal::InFuture => "received-day",
        Refusal::AnswersNothing | Refusal::AnswersOurs | Refusal::UnknownMessage => "re",
        Refusal::NoSuchExchange
        | Refusal::AlreadyOpen
        | Refusal::WrongDirection
        | Refusal::Withdrawn
        | Refusal::NoSuchMessage
        | Refusal::BeforeAnchor
        | Refusal::ReasonMissing
        | Refusal::ExerciseChanged
        | Refusal::AlreadyLinked
        | Refusal::NoSuchDuty
        | Refusal::Anonymised
        | Refusal::DutyOpen
        | Refusal::PersonNeeded
        | Refusal::NothingTold
        | Refusal::TooManyMessages
        | Refusal::NothingToDelete
        | Refusal::Reliance(_)
        | Refusal::NothingChanges
        | Refusal::Ladder(_) => "text",
    }
}

fn read(visit: &Visit, form: &Form) -> Result<NewMessage, Vec<FieldError>> {
    let mut reading = Reading::new(form, visit.reader);
    let kind = reading.choice("kind", MessageKind::from_word, "Say what it is");
    let text: Option<LongText> = reading.text("text", "Write the message");
    let due = reading.optional_moment("due");
    let received_at = reading.optional_moment("received");
    let re = match form.first("re") {
        "" => None,
        re => MessageId::from_str(re).map_or_else(
            |_| {
                reading.fault("re", "Choose a message of this case");
                None
            },
            Some,
        ),
    };
    let errors = reading.into_errors();
    match (kind, text) {
        (Some(kind), Some(text)) if errors.is_empty() => {
            let form = Some(form.sent());
            Ok(NewMessage { form, kind, text, re, due, received_at })
        }
        (Some(_) | None, Some(_) | None) => Err(errors),
    }
}

/// The case that is written about, and the way to the partner.
struct Written {
    case: Case,
    way: Way,
}

impl Written {
    async fn find(visit: &Visit, id: ExchangeId) -> Result<Self, Problem> {
        let case = super::find(visit, id).await?;
        let way = Way::to(visit, case.exchange.partner).await?;
        Ok(Self { case, way })
    }

    fn message(&self, id: MessageId) -> Option<&Message> {
        self.case.messages.iter().find(|message| message.said.message == id)
    }

    fn page(&self, visit: &Visit, form: &Form) -> ActionPage {
        let Case { exchange, name, reference, .. } = &self.case;
        let heading = format!("Write to {name}");
        let chrome =
            visit.chrome(format!("{heading} - {reference}"), here(exchange.direction)).exercise(exchange.exercise);
        let action = format!("/exchanges/{}/messages/new", exchange.id);
        let mut page = ActionPage::new(chrome, &heading, reference, back(exchange), action);
        page.paragraphs = vec![format!("{} Do not name the people affected.", self.way.promise(name))];
        page.fields = self.fields(visit, form);
        page.hidden = vec![("form", form.first("form").to_owned())];
        page.buttons = vec![("send", "Send it", "")];
        page
    }

    fn fields(&self, visit: &Visit, form: &Form) -> Vec<Field> {
        let reader = visit.reader;
        let offered: Vec<(String, String)> = self
            .case
            .messages
            .iter()
            .rev()
            .take(OFFERED_MAX)
            .map(|message| {
                let said = &message.said;
                let whose = if message.sent { "ours" } else { "theirs" };
                let label = format!("{}, {whose}, {} ({})", said.kind.label(), reader.near(said.at), said.name);
                (said.message.to_string(), label)
            })
            .collect();
        let about = [("", "None in particular")]
            .into_iter()
            .chain(offered.iter().map(|(value, label)| (value.as_str(), label.as_str())));
        vec![
            Field::radios(form, "kind", "What is it?", MessageKind::ALL.map(|kind| (kind.word(), kind.label())))
                .choice_hint("assistance_request", "They are shown a clock until their answer.")
                .choice_hint("forwarded_request", "A person asked us for something that is theirs to answer."),
            Field::select(form, "re", "Which message is it about?", about)
                .hint("An answer ends the clock of the request that it names."),
            Field::area(form, "text", "The message"),
            Field::moment(form, "due", "By when is an answer needed?", reader)
                .hint(&format!("For requests only, at most {DAYS_MAX} days ahead. UK time.")),
            Field::moment(form, "received", "When did it come in here?", reader)
                .hint("For a person’s request that is passed on, and only then. UK time."),
        ]
    }
}

/// How far ahead an answer may be asked for.
const DAYS_MAX: i64 = DUE_SECONDS_MAX / 86_400;
