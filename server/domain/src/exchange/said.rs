//! Messages about the case, ours and theirs: views, questions, answers, requests and decisions.
//!
//! A request with a due instant starts the assistance clock (agreement clause 6, "all reasonable assistance"), one for
//! each request, on both sides: a duty of whoever was asked. The answer meets it at the instant at which it was given, so
//! that both sides judge alike. The state keeps no words: they are in the events.

use serde::{Deserialize, Serialize};

use super::{Direction, Event, Exchange, NoticeDelivery, Refusal, withdrawal};
use crate::clock::{Anchor, Clock, ClockChange, ClockKind, Evidence};
use crate::values::{Actor, Line, LongText, MessageId, Moment};

/// Messages of one case each way: theirs never use up our right to answer.
pub const MESSAGES_MAX: usize = 1_000;
/// How far ahead an answer may be asked for: a leap year, in seconds.
pub const DUE_SECONDS_MAX: i64 = 8_784 * 3_600;

/// How far the clocks of two parties may differ, in seconds (protocol §20).
pub(super) const SKEW_SECONDS: i64 = 300;

/// The label under which the ids of our messages are derived.
const MESSAGE: &str = "message";

/// What a message is (protocol §6, ruling 19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// The sender's view of the matter.
    View,
    /// A question.
    Question,
    /// An answer.
    Answer,
    /// A request for help.
    AssistanceRequest,
    /// A request for the other's view.
    ViewRequest,
    /// A data subject's request that was meant for the other, passed on with the instant it came in (agreement clause 6,
    /// paragraph 3).
    ForwardedRequest,
    /// What the parties, or the one that leads, decided.
    Decision,
}

impl MessageKind {
    /// Every kind, in the order offered.
    pub const ALL: [Self; 7] = [
        Self::Question,
        Self::Answer,
        Self::AssistanceRequest,
        Self::ForwardedRequest,
        Self::ViewRequest,
        Self::View,
        Self::Decision,
    ];

    /// The word in tables, on the wire and in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Question => "question",
            Self::Answer => "answer",
            Self::AssistanceRequest => "assistance_request",
            Self::ViewRequest => "view_request",
            Self::ForwardedRequest => "forwarded_request",
            Self::Decision => "decision",
        }
    }

    /// The words on pages.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::View => "View of the matter",
            Self::Question => "Question",
            Self::Answer => "Answer",
            Self::AssistanceRequest => "Request for help",
            Self::ViewRequest => "Request for the other’s view",
            Self::ForwardedRequest => "A person’s request, passed on",
            Self::Decision => "Decision",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether it asks for something, so that an answer may be due.
    #[must_use]
    pub const fn asks(self) -> bool {
        match self {
            Self::Question | Self::AssistanceRequest | Self::ViewRequest | Self::ForwardedRequest => true,
            Self::View | Self::Answer | Self::Decision => false,
        }
    }

    /// Whether one of ours must say by when.
    #[must_use]
    pub const fn needs_due(self) -> bool {
        match self {
            Self::AssistanceRequest | Self::ForwardedRequest => true,
            Self::View | Self::Question | Self::Answer | Self::ViewRequest | Self::Decision => false,
        }
    }

    /// Whether it answers the request that it names.
    #[must_use]
    pub const fn answers(self) -> bool {
        match self {
            Self::View | Self::Answer | Self::Decision => true,
            Self::Question | Self::AssistanceRequest | Self::ViewRequest | Self::ForwardedRequest => false,
        }
    }
}

/// A message as it was said: everything in it, words too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Which.
    pub message: MessageId,
    /// What it is.
    pub kind: MessageKind,
    /// In words.
    pub text: LongText,
    /// The message that it answers or belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<MessageId>,
    /// By when an answer is asked for: a whole second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Moment>,
    /// When what is passed on had come in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Moment>,
    /// Who says it: a name.
    pub name: Line,
    /// Their role.
    pub role: Line,
    /// When it was said: a whole second.
    pub at: Moment,
}

/// A message of ours to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Say {
    /// What it is.
    pub kind: MessageKind,
    /// In words.
    pub text: LongText,
    /// The message that it answers or belongs to.
    pub re: Option<MessageId>,
    /// By when an answer is asked for.
    pub due: Option<Moment>,
    /// When what is passed on came in: with [`MessageKind::ForwardedRequest`] and only then.
    pub received_at: Option<Moment>,
    /// Who says it: a person.
    pub by: Actor,
    /// Their role as the partner reads it.
    pub role: Line,
}

/// A partner's verified message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hear {
    /// What it says. `at` is when they say that they said it.
    pub said: Said,
    /// A drill.
    pub exercise: bool,
}

/// A message as the state remembers it: no words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidMark {
    /// Which.
    pub message: MessageId,
    /// What it is.
    pub kind: MessageKind,
    /// The message that it answers or belongs to.
    pub re: Option<MessageId>,
    /// When it was said.
    pub at: Moment,
    /// How its carrying stands: of ours; `None` when it is theirs.
    pub delivery: Option<NoticeDelivery>,
    /// A person here has read it; ours count as read.
    pub read: bool,
}

impl SaidMark {
    /// Whether it is ours.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        self.delivery.is_some()
    }
}

/// A request with a due instant, and its clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The message that asks.
    pub request: MessageId,
    /// Until the answer. [`Anchor::AskedOfUs`]: the duty is ours; [`Anchor::AskedByUs`]: it is the partner's.
    pub clock: Clock,
    /// A data subject's request: it stands whatever becomes of the notice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forwarded: bool,
}

impl Asked {
    /// Whether the answer is ours to give.
    #[must_use]
    pub fn is_our_duty(&self) -> bool {
        self.clock.anchor == Anchor::AskedOfUs
    }

    /// The request in `said`, when it starts a clock.
    pub(super) fn of(said: &Said, clock: &Clock) -> Self {
        Self { request: said.message, clock: clock.clone(), forwarded: said.kind == MessageKind::ForwardedRequest }
    }
}

/// A change of the clock of a request as an event, if there is one.
pub(super) fn changed(asked: &Asked, change: Option<ClockChange>, now: Moment) -> Option<Event> {
    change.map(|change| Event::AssistanceChanged { request: asked.request, change, at: now })
}

/// Says something to the partner, also after a withdrawal.
pub(super) fn say(exchange: &Exchange, say: &Say, now: Moment) -> Result<Vec<Event>, Refusal> {
    let name = match &say.by {
        Actor::Person { name, .. } => name.clone(),
        Actor::Console | Actor::Node | Actor::Partner { .. } => return Err(Refusal::PersonNeeded),
    };
    if !exchange.is_told() {
        return Err(Refusal::NothingTold);
    }
    if exchange.said.iter().filter(|mark| mark.is_ours()).count() >= MESSAGES_MAX {
        return Err(Refusal::TooManyMessages);
    }
    check(exchange, say, now)?;
    let number = exchange.said.iter().filter(|mark| mark.is_ours()).count();
    let number = u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1);
    let said = Said {
        message: MessageId::derive(exchange.id, MESSAGE, number),
        kind: say.kind,
        text: say.text.clone(),
        re: say.re,
        due: say.due.map(Moment::floor_second),
        received_at: say.received_at.map(Moment::floor_second),
        name,
        role: say.role.clone(),
        at: now.floor_second(),
    };
    let clock = clock(&said, Anchor::AskedByUs, now);
    let mut events: Vec<Event> = answered(exchange, &said, Anchor::AskedOfUs, now).into_iter().collect();
    // Who answers a message has read it.
    let unread = exchange.said.iter().find(|mark| Some(mark.message) == say.re && !mark.read);
    events.extend(unread.map(|mark| Event::MessageRead { message: mark.message, at: now, by: say.by.clone() }));
    events.extend(withdrawal::crossed(exchange, &said, clock.as_ref(), true, now));
    events.insert(0, Event::MessageQueued { said: Box::new(said), clock, at: now, by: say.by.clone() });
    Ok(events)
}

/// What a message of ours must be.
fn check(exchange: &Exchange, say: &Say, now: Moment) -> Result<(), Refusal> {
    match say.due {
        None if say.kind.needs_due() => return Err(Refusal::DueMissing),
        Some(_) if !say.kind.asks() => return Err(Refusal::DueWithoutRequest),
        Some(due) if due.floor_second() <= now => return Err(Refusal::DuePast),
        Some(due) if due.seconds_since(now) > DUE_SECONDS_MAX => return Err(Refusal::DueTooFar),
        Some(_) | None => {}
    }
    match (say.kind, say.received_at) {
        (MessageKind::ForwardedRequest, None) => return Err(Refusal::ReceivedMissing),
        (MessageKind::ForwardedRequest, Some(at)) if at > now => return Err(Refusal::InFuture),
        (MessageKind::ForwardedRequest, Some(_)) | (_, None) => {}
        (_, Some(_)) => return Err(Refusal::ReceivedWithoutForwarding),
    }
    match say.re {
        None if say.kind == MessageKind::Answer => Err(Refusal::AnswersNothing),
        Some(re) if !exchange.knows(re) => Err(Refusal::UnknownMessage),
        Some(re) if say.kind == MessageKind::Answer && exchange.is_ours(re) => Err(Refusal::AnswersOurs),
        Some(_) | None => Ok(()),
    }
}

/// Records what a partner says. What it refers to may be unknown here, or be late: it is kept as it came.
pub(super) fn hear(exchange: &Exchange, hear: &Hear, now: Moment) -> Result<Vec<Event>, Refusal> {
    if hear.exercise != exchange.exercise {
        return Err(Refusal::ExerciseChanged);
    }
    if exchange.knows(hear.said.message) {
        return Err(Refusal::NothingChanges);
    }
    if exchange.said.iter().filter(|mark| !mark.is_ours()).count() >= MESSAGES_MAX {
        return Err(Refusal::TooManyMessages);
    }
    // Nothing was said after it reached us, but for what two clocks may differ.
    let at = Some(hear.said.at).filter(|at| *at <= now.plus_seconds(SKEW_SECONDS)).unwrap_or(now);
    let said = Said { at: at.floor_second(), ..hear.said.clone() };
    let clock = clock(&said, Anchor::AskedOfUs, now);
    let crossed = withdrawal::crossed(exchange, &said, clock.as_ref(), false, now);
    let met = answered(exchange, &hear.said, Anchor::AskedByUs, now);
    let heard = Event::MessageReceived { said: Box::new(said), clock, at: now };
    Ok([heard].into_iter().chain(crossed).chain(met).collect())
}

/// The clock of a request with a due instant, as both sides compute it.
fn clock(said: &Said, anchor: Anchor, now: Moment) -> Option<Clock> {
    let due = said.due.filter(|_| said.kind.asks())?;
    Some(Clock::until(ClockKind::Assistance, anchor, said.at.min(now), due))
}

/// What an answer does to the clock of the request that it names, at the instant at which it was given. As with a receipt
/// (protocol §8), one before the request or after now by more than clocks may differ is not believed: then the answer
/// counts from when we heard of it.
fn answered(exchange: &Exchange, said: &Said, anchor: Anchor, now: Moment) -> Option<Event> {
    let request = said.re.filter(|_| said.kind.answers())?;
    let asked = exchange.asked.iter().find(|asked| asked.request == request && asked.clock.anchor == anchor)?;
    let asked_at = asked.clock.anchored_at;
    let possible = asked_at.plus_seconds(-SKEW_SECONDS)..=now.plus_seconds(SKEW_SECONDS);
    let at = if possible.contains(&said.at) { said.at.min(now) } else { now };
    changed(asked, asked.clock.meet(at.max(asked_at), Evidence::Answer), now)
}

/// A person here has read what the partner said.
pub(super) fn read(exchange: &Exchange, message: MessageId, by: &Actor, now: Moment) -> Result<Vec<Event>, Refusal> {
    if by.person().is_none() {
        return Err(Refusal::PersonNeeded);
    }
    let mark = exchange.said.iter().find(|mark| mark.message == message).ok_or(Refusal::UnknownMessage)?;
    if mark.read {
        return Err(Refusal::NothingChanges);
    }
    Ok(vec![Event::MessageRead { message, at: now, by: by.clone() }])
}

impl Exchange {
    /// Whether the one who tells has told anything, so that both sides know the case.
    pub(super) fn is_told(&self) -> bool {
        match self.direction {
            Direction::Outgoing => !self.notices.is_empty(),
            Direction::Incoming => !self.received.is_empty(),
        }
    }

    /// Whether a message, of whatever sort, is one of this case.
    #[must_use]
    pub fn knows(&self, message: MessageId) -> bool {
        let notices = self.notices.iter().map(|notice| notice.message);
        let received = self.received.iter().map(|version| version.message);
        let acknowledgements = self.acknowledgement_messages.iter().map(|it| it.message);
        let said = self.said.iter().map(|mark| mark.message);
        let filed = self.filings.iter().map(|filing| filing.message);
        notices.chain(received).chain(acknowledgements).chain(said).chain(filed).any(|id| id == message)
    }

    /// Whether we said it: a message of ours, or a notice.
    fn is_ours(&self, message: MessageId) -> bool {
        let said = self.said.iter().filter(|mark| mark.is_ours()).map(|mark| mark.message);
        said.chain(self.notices.iter().map(|notice| notice.message)).any(|id| id == message)
    }

    /// How many of the partner's messages nobody here has read.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.said.iter().filter(|mark| !mark.read).count()
    }

    /// Open requests that are ours to answer, while no incident of ours has their ladders.
    pub fn owed_answers(&self) -> impl Iterator<Item = &Asked> {
        let alone = self.incident.is_none();
        self.asked.iter().filter(move |asked| alone && asked.is_our_duty() && asked.clock.is_open())
    }
}
