//! Every notice, sent or received, as the API lists it.

use diesel::prelude::*;
use domain::exchange::Direction;
use domain::values::{ExchangeId, MessageId, Moment};

use super::{Page, exchanges, message_id, moment};
use crate::store::schema::inbox;
use crate::store::{Rows, StoreError};

/// Revisions of one case that are listed; later ones are counted only.
const REVISIONS_MAX: i64 = 100;

/// One version of what one party told the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The exchange that it belongs to.
    pub exchange: exchanges::Listed,
    /// The message that carries it; `None` while the notice is held back.
    pub message: Option<MessageId>,
    /// `notified`, `updated` or `withdrawn`.
    pub event: String,
    /// 1, 2, 3 …; 0 while held back; for a notice received, counted in the order of arrival.
    pub revision: u32,
    /// Since when the addressee durably holds it.
    pub receipted_at: Option<Moment>,
    /// Attempts at carrying it; 0 for a notice received.
    pub attempts: u32,
}

/// Notices of at most `limit` cases, the oldest case first; the key is the last case already given.
///
/// # Errors
/// Those of the database.
pub fn page(
    rows: &mut Rows<'_>,
    after: Option<(Moment, ExchangeId)>,
    limit: usize,
) -> Result<Page<Notice, (Moment, ExchangeId)>, StoreError> {
    let mut cases = exchanges::oldest(rows, Direction::Outgoing, after, limit)?;
    cases.extend(exchanges::oldest(rows, Direction::Incoming, after, limit)?);
    cases.sort_by_key(|case| (case.opened_at, case.id));
    let cases = Page::of(cases, limit, |case| (case.opened_at, case.id));
    let mut items = Vec::new();
    for case in cases.items {
        match case.direction {
            Direction::Outgoing => sent(rows, case, &mut items)?,
            Direction::Incoming => received(rows, case, &mut items)?,
        }
    }
    Ok(Page { items, next: cases.next })
}

fn sent(rows: &mut Rows<'_>, case: exchanges::Listed, items: &mut Vec<Notice>) -> Result<(), StoreError> {
    let mut messages = exchanges::messages(rows, case.id, REVISIONS_MAX)?;
    messages.retain(|message| matches!(message.kind.as_str(), "notified" | "updated" | "withdrawn"));
    if messages.is_empty() {
        items.push(Notice {
            message: None,
            event: "notified".to_owned(),
            revision: 0,
            receipted_at: None,
            attempts: 0,
            exchange: case,
        });
        return Ok(());
    }
    items.extend(messages.into_iter().map(|message| Notice {
        exchange: case.clone(),
        message: Some(message.id),
        event: message.kind,
        revision: message.revision,
        receipted_at: message.receipted_at,
        attempts: message.attempts,
    }));
    Ok(())
}

fn received(rows: &mut Rows<'_>, case: exchanges::Listed, items: &mut Vec<Notice>) -> Result<(), StoreError> {
    let found: Vec<(Vec<u8>, String, i64)> = inbox::table
        .filter(inbox::exchange_id.eq(case.id.as_bytes().as_slice()))
        .order(inbox::set_entry)
        .limit(REVISIONS_MAX)
        .select((inbox::message, inbox::event, inbox::received_at))
        .load(rows.db)?;
    let mut revision = 0;
    for (message, event, at) in found {
        // Events are named by URI on the wire; the last part is the word.
        let event = event.rsplit('/').next().unwrap_or_default().to_owned();
        if !matches!(event.as_str(), "notified" | "updated" | "withdrawn") {
            continue;
        }
        revision += 1;
        items.push(Notice {
            exchange: case.clone(),
            message: Some(message_id("inbox", &message)?),
            event,
            revision,
            receipted_at: Some(moment("inbox", at)?),
            attempts: 0,
        });
    }
    Ok(())
}
