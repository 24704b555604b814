//! Saying a refused message again under a new id (protocol §9): the carrying of the old one ends, for the record with its
//! reason, and the same revision with the same content is queued anew.

use super::{Event, Exchange, Notice, NoticeDelivery, Refusal};
use crate::values::{Actor, LongText, MessageId, Moment};

/// The labels under which the new ids are derived.
const NOTICE: &str = "notice-again";
const ACKNOWLEDGEMENT: &str = "acknowledgement-again";

/// Decides that a message is said again. `queued` is the event that queued it, as it was recorded. Gives the events, and
/// the new message's id.
///
/// Only the newest notice and the newest acknowledgement can be said again: a newer one already says more than an older.
///
/// # Errors
/// [`Refusal::Anonymised`]; [`Refusal::NoSuchMessage`] when it is not under way, is not the newest, or is of another kind.
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
    let Again { old, new, event } = again(exchange, queued, by, now).ok_or(Refusal::NoSuchMessage)?;
    let ended = Event::Abandoned { message: old, reason: reason.clone(), at: now, by: by.clone() };
    Ok((vec![ended, event], new))
}

/// A message under a new id.
struct Again {
    old: MessageId,
    new: MessageId,
    /// Queues it anew.
    event: Event,
}

fn again(exchange: &Exchange, queued: &Event, by: &Actor, now: Moment) -> Option<Again> {
    if let Event::NoticeQueued { notice, kind, stated, anchor_reason, .. } = queued {
        let (kind, stated, anchor_reason) = (*kind, *stated, anchor_reason.clone());
        let (old, notice) = notice_again(exchange, notice)?;
        let new = notice.message;
        return Some(Again { old, new, event: Event::NoticeQueued { notice, kind, stated, anchor_reason, at: now } });
    }
    if let Event::WithdrawalQueued { notice, reason, note, .. } = queued {
        let (reason, note) = (*reason, note.clone());
        let (old, notice) = notice_again(exchange, notice)?;
        let new = notice.message;
        return Some(Again { old, new, event: Event::WithdrawalQueued { notice, reason, note, at: now } });
    }
    let Event::AcknowledgementQueued { message: old, acknowledgement, .. } = queued else { return None };
    let last = exchange.acknowledgement_messages.last()?;
    let waits = last.message == *old && last.delivery == NoticeDelivery::Queued;
    let turn = u32::try_from(exchange.acknowledgement_messages.len()).ok().filter(|_| waits)?;
    let message = MessageId::derive(exchange.id, ACKNOWLEDGEMENT, turn);
    let (acknowledgement, by) = (acknowledgement.clone(), by.clone());
    let event = Event::AcknowledgementQueued { message, acknowledgement, at: now, by };
    Some(Again { old: *old, new: message, event })
}

/// The newest notice, if it is this one and under way: its id, and the notice under an id of its own.
fn notice_again(exchange: &Exchange, notice: &Notice) -> Option<(MessageId, Notice)> {
    let last = exchange.notices.last()?;
    let waits = last.message == notice.message && last.delivery == NoticeDelivery::Queued;
    let turn = u32::try_from(exchange.notices.len()).ok().filter(|_| waits)?;
    let message = MessageId::derive(exchange.id, NOTICE, turn);
    Some((last.message, Notice { message, ..last.clone() }))
}
