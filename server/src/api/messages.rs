//! Operations: messages about a case, ours and theirs; filings told to partners.

use domain::exchange::{MESSAGES_MAX, MessageKind};
use domain::values::{ExchangeId, IncidentId, Line, LongText, MessageId, Moment};

use super::call::{Call, Reply};
use super::clocks::Clock;
use super::facts::texts_must_be_checked;
use super::operation::{Group, get, post, run};
use super::shape::{answer, request};
use crate::access::Scope;
use crate::node::said::NewMessage;
use crate::problem::Problem;
use crate::store::queries::incidents;
use crate::store::queries::said::{self, Message as Row};

/// Operations on messages.
pub const GROUP: Group = Group {
    name: "Messages",
    about: "What the parties say to each other about a case: questions, answers, requests with a date by which an answer is \
            due, views and decisions.",
    operations: &[
        get("/notices/{id}/messages", "list_messages", "Messages of a case, ours and theirs, by time", run!(list))
            .lists::<CaseMessage>(),
        post("/notices/{id}/messages", "write_message", "Say something about a case to the partner", run!(write))
            .needs(&[Scope::Respond])
            .takes::<NewMessageText>(),
        post("/notices/{id}/messages/read", "read_message", "A person here has read a message of theirs", run!(read))
            .needs(&[Scope::Respond, Scope::Decide])
            .takes::<MessageRead>(),
        post(
            "/incidents/{id}/tell-filed",
            "tell_filed",
            "Tell every partner who knows of the case that we reported it to the ICO",
            run!(tell_filed),
        )
        .needs(&[Scope::Decide]),
    ],
};

answer! {
    /// A message about a case.
    CaseMessage {
        /// Which.
        id: MessageId,
        /// It is ours.
        sent: bool,
        /// What it is.
        kind: MessageKind,
        /// In words.
        text: LongText,
        /// The message that it answers or belongs to.
        re: Option<MessageId>,
        /// By when an answer is asked for.
        due_at: Option<Moment>,
        /// When what is passed on had come in.
        received_at: Option<Moment>,
        /// Who says it: a name.
        name: Line,
        /// Their role.
        role: Line,
        /// When it was said.
        said_at: Moment,
        /// When it came into our record.
        at: Moment,
        /// When a person here read it; null for ours.
        read_at: Option<Moment>,
        /// queued, sealed, waiting, parked, unconfirmed, accepted, receipted or abandoned; null for theirs.
        state: Option<String>,
        /// The duty to answer: ours when they ask, theirs when we do.
        clock: Option<Clock>,
    }
}

request! {
    /// A message to the partner, in the name of the token's person.
    NewMessageText {
        /// What it is.
        kind: MessageKind,
        /// In words, without data of the people affected.
        text: LongText,
        /// The message that it answers or belongs to; an answer needs one.
        re: Option<MessageId>,
        /// By when an answer is needed: needed with assistance_request and forwarded_request.
        due_at: Option<Moment>,
        /// When what is passed on came in: with forwarded_request, and only then.
        received_at: Option<Moment>,
        /// A person has checked that what looks like personal data is none.
        checked: Option<bool>,
    }
}

request! {
    /// A message of theirs that was read.
    MessageRead {
        /// Which.
        message: MessageId,
    }
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let id: ExchangeId = call.id()?;
    let now = call.node.now();
    let found = call
        .node
        .store()
        .read(move |rows| match incidents::exchange_state(rows, id)? {
            Some(exchange) => said::thread(rows, &exchange, MESSAGES_MAX).map(Some),
            None => Ok(None),
        })
        .await?;
    let page = call.page_of(found.ok_or(Problem::NotFound)?, |message| message.said.message.to_string())?;
    Ok(page.reply(|message| CaseMessage::of(message, now)))
}

async fn write(call: Call) -> Result<Reply, Problem> {
    let by = call.responder()?;
    let NewMessageText { kind, text, re, due_at, received_at, checked } = call.body()?;
    texts_must_be_checked(&call, &[("text", text.as_str())], checked.unwrap_or(false), "").await?;
    let new = NewMessage { form: None, kind, text, re, due: due_at, received_at };
    call.node.say(&by, call.id()?, new).await?;
    Ok(Reply::done())
}

async fn read(call: Call) -> Result<Reply, Problem> {
    let by = call.duty_holder()?;
    let MessageRead { message } = call.body()?;
    call.node.read_message(&by, call.id()?, message).await?;
    Ok(Reply::done())
}

async fn tell_filed(call: Call) -> Result<Reply, Problem> {
    let by = call.officer()?;
    let id: IncidentId = call.id()?;
    call.node.tell_filed(&by, id).await?;
    Ok(Reply::done())
}

impl CaseMessage {
    fn of(message: Row, now: Moment) -> Self {
        let clock = message.clock.as_ref().map(|clock| Clock::of(clock, now));
        let said = message.said;
        Self {
            id: said.message,
            sent: message.sent,
            kind: said.kind,
            text: said.text,
            re: said.re,
            due_at: said.due,
            received_at: said.received_at,
            name: said.name,
            role: said.role,
            said_at: said.at,
            at: message.at,
            read_at: message.read_at,
            state: message.carried,
            clock,
        }
    }
}
