//! Saying a refused message again under a new id (protocol §9): the carrying of the old one ends, for the record with its
//! reason, and the same revision with the same content is queued anew.

use super::{Event, Exchange, FILINGS_MAX, Filing, MESSAGES_MAX, Notice, NoticeDelivery, Refusal, Said};
use super::{filing, said};
use crate::clock::Clock;
use crate::values::{Actor, Line, LongText, MessageId, Moment};

/// The labels under which the new ids are derived.
const NOTICE: &str = "notice-again";
const ACKNOWLEDGEMENT: &str = "acknowledgement-again";
const MESSAGE: &str = "message-again";
const FILED: &str = "filed-again";

/// Why the clock of a request ends that is asked again.
const ASKED_AGAIN: &str = "Asked again in another message";

/// Decides that a message is said again. `queued` is the event that queued it, as it was recorded. Gives the events, and
/// the new message's id.
///
/// Only the newest notice and the newest acknowledgement can be said again: a newer one already says more than an older.
/// Messages about the case and filings each stand for themselves.
///
/// # Errors
/// [`Refusal::Anonymised`]; [`Refusal::NoSuchMessage`] when it is not under way, is not the newest, or is of another kind;
/// [`Refusal::TooManyMessages`].
pub fn reissue(
    exchange: &Exchange,
    queued: &Event,
    reason: &LongText,
    by: &Actor,
    now: Moment,
) -> Result<(Vec<Event>, MessageId), Refusal> {
    if exchange.anonymised {
        return Err(Refusal::Anonymised);
    }
    let Again { old, new, ended, event } = again(exchange, queued, by, now)?;
    let abandoned = Event::Abandoned { message: old, reason: reason.clone(), at: now, by: by.clone() };
    Ok(([abandoned].into_iter().chain(ended).chain([event]).collect(), new))
}

/// A message under a new id.
struct Again {
    old: MessageId,
    new: MessageId,
    /// Ends the clock that goes over to the new message.
    ended: Option<Event>,
    /// Queues it anew.
    event: Event,
}

fn again(exchange: &Exchange, queued: &Event, by: &Actor, now: Moment) -> Result<Again, Refusal> {
    match queued {
        Event::NoticeQueued { notice, kind, stated, anchor_reason, .. } => {
            let (kind, stated, anchor_reason) = (*kind, *stated, anchor_reason.clone());
            notice_again(exchange, notice, |notice| Event::NoticeQueued {
                notice,
                kind,
                stated,
                anchor_reason,
                at: now,
            })
        }
        Event::WithdrawalQueued { notice, reason, note, .. } => {
            let (reason, note) = (*reason, note.clone());
            notice_again(exchange, notice, |notice| Event::WithdrawalQueued { notice, reason, note, at: now })
        }
        Event::AcknowledgementQueued { message: old, acknowledgement, .. } => {
            let last = exchange.acknowledgement_messages.last().ok_or(Refusal::NoSuchMessage)?;
            under_way(last.message == *old, Some(&last.delivery))?;
            let new = numbered(exchange, ACKNOWLEDGEMENT, exchange.acknowledgement_messages.len());
            let (acknowledgement, by) = (acknowledgement.clone(), by.clone());
            let event = Event::AcknowledgementQueued { message: new, acknowledgement, at: now, by };
            Ok(Again { old: *old, new, ended: None, event })
        }
        Event::MessageQueued { said, clock, .. } => message_again(exchange, said, clock.as_ref(), by, now),
        Event::FiledQueued { message, filing, .. } => filed_again(exchange, *message, filing, by, now),
        Event::Opened { .. }
        | Event::WithdrawnUnsent { .. }
        | Event::Receipted { .. }
        | Event::Accepted { .. }
        | Event::UndatedChanged { .. }
        | Event::ClockStarted { .. }
        | Event::ClockChanged { .. }
        | Event::Acknowledged { .. }
        | Event::CallRecorded { .. }
        | Event::Abandoned { .. }
        | Event::NoticeReceived { .. }
        | Event::WithdrawalReceived { .. }
        | Event::Linked { .. }
        | Event::StepFired { .. }
        | Event::TakenInHand { .. }
        | Event::Ladder { .. }
        | Event::MessageReceived { .. }
        | Event::MessageRead { .. }
        | Event::AssistanceChanged { .. }
        | Event::FiledReceived { .. }
        | Event::RelianceAccepted { .. }
        | Event::Anonymised { .. } => Err(Refusal::NoSuchMessage),
    }
}

/// What is carried already, or is not the one meant, is not said again.
fn under_way(is_it: bool, delivery: Option<&NoticeDelivery>) -> Result<(), Refusal> {
    if is_it && delivery == Some(&NoticeDelivery::Queued) { Ok(()) } else { Err(Refusal::NoSuchMessage) }
}

/// An id of its own: each message said again makes one more of its kind.
fn numbered(exchange: &Exchange, label: &str, before: usize) -> MessageId {
    MessageId::derive(exchange.id, label, u32::try_from(before).unwrap_or(u32::MAX))
}

/// The newest notice, if it is this one, under an id of its own.
fn notice_again(exchange: &Exchange, notice: &Notice, queues: impl FnOnce(Notice) -> Event) -> Result<Again, Refusal> {
    let last = exchange.notices.last().ok_or(Refusal::NoSuchMessage)?;
    under_way(last.message == notice.message, Some(&last.delivery))?;
    let new = numbered(exchange, NOTICE, exchange.notices.len());
    Ok(Again { old: last.message, new, ended: None, event: queues(Notice { message: new, ..last.clone() }) })
}

/// A message about the case keeps its words and the instant at which it was said. The clock of a request goes over to the
/// new message, whose id the answer will name; one that has ended does not start again.
fn message_again(
    exchange: &Exchange,
    said: &Said,
    clock: Option<&Clock>,
    by: &Actor,
    now: Moment,
) -> Result<Again, Refusal> {
    let old = said.message;
    let mark = exchange.said.iter().find(|mark| mark.message == old).ok_or(Refusal::NoSuchMessage)?;
    under_way(true, mark.delivery.as_ref())?;
    let ours = exchange.said.iter().filter(|mark| mark.is_ours()).count();
    if ours >= MESSAGES_MAX {
        return Err(Refusal::TooManyMessages);
    }
    let asked = exchange.asked.iter().find(|asked| asked.request == old && asked.clock.is_open());
    let why = Line::parse(ASKED_AGAIN).ok();
    let ended = asked.zip(why).and_then(|(it, why)| said::changed(it, it.clock.not_required(now, why), now));
    let new = numbered(exchange, MESSAGE, ours);
    let clock = clock.filter(|_| ended.is_some()).cloned();
    let said = Box::new(Said { message: new, ..said.clone() });
    Ok(Again { old, new, ended, event: Event::MessageQueued { said, clock, at: now, by: by.clone() } })
}

fn filed_again(
    exchange: &Exchange,
    old: MessageId,
    filing: &Filing,
    by: &Actor,
    now: Moment,
) -> Result<Again, Refusal> {
    let told = exchange.filings.iter().find(|told| told.message == old).ok_or(Refusal::NoSuchMessage)?;
    under_way(true, told.delivery.as_ref())?;
    let ours = filing::ours(exchange).count();
    if ours >= FILINGS_MAX {
        return Err(Refusal::TooManyMessages);
    }
    let new = numbered(exchange, FILED, ours);
    let event = Event::FiledQueued { message: new, filing: filing.clone(), at: now, by: by.clone() };
    Ok(Again { old, new, ended: None, event })
}
