//! The joint decision on an incident: each partner beside the others, with what they were asked, what they said, and what
//! they were told; and who of them reported it.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use diesel::prelude::*;
use domain::exchange::{Direction, Filing, MessageKind, Said, Stance};
use domain::reliance::Standing;
use domain::values::{ExchangeId, IncidentId, MessageId, Moment, PartnerId};

use super::{Page, count, exchange_id, incidents, message_id, moment, moment_or_none, one_more, partner_id, partners};
use crate::store::schema::{exchanges, outbox, said};
use crate::store::{Rows, StoreError, projections};

const TABLE: &str = "exchanges";
/// Messages of the joint decision that are looked at for one page.
const MESSAGES_MAX: i64 = 20_000;

/// One partner of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// What passes with them about it.
    pub exchange: ExchangeId,
    /// Who told whom.
    pub direction: Direction,
    /// Who.
    pub partner: PartnerId,
    /// Their name.
    pub partner_name: String,
    /// What they say about themselves, when we told them.
    pub stance: Option<Stance>,
    /// The newest request of ours for their view.
    pub asked: Option<Asked>,
    /// Their newest view.
    pub view: Option<View>,
    /// The newest decision that we told them.
    pub told: Option<Asked>,
    /// The newest decision that they told us.
    pub decided: Option<View>,
}

/// A message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Which.
    pub message: MessageId,
    /// When.
    pub at: Moment,
    /// By when an answer was asked for.
    pub due: Option<Moment>,
    /// The word of how its carrying stands.
    pub carried: String,
}

/// A message of theirs: signed, with a person's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// What it says, and who says it.
    pub said: Said,
    /// When it came.
    pub at: Moment,
}

/// A report that a partner told us of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    /// Where they told us.
    pub exchange: ExchangeId,
    /// Who.
    pub partner: PartnerId,
    /// Their name.
    pub partner_name: String,
    /// The message.
    pub message: MessageId,
    /// What they reported.
    pub filing: Filing,
    /// How it stands.
    pub standing: Standing,
}

/// Whose partners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FiledAbout {
    /// Those of an incident.
    Incident(IncidentId),
    /// The one of an exchange.
    Exchange(ExchangeId),
}

/// The key of a partner in the list.
pub type SideKey = (PartnerId, ExchangeId);

/// The partners of an incident, by key; `after` is the last one already shown.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row can't be read; those of the database.
pub fn sides(
    rows: &mut Rows<'_>,
    incident: IncidentId,
    after: Option<SideKey>,
    limit: usize,
) -> Result<Page<Side, SideKey>, StoreError> {
    type Found = (Vec<u8>, Vec<u8>, String, Option<String>);
    let mut query = exchanges::table
        .filter(exchanges::incident_id.eq(incident.as_bytes().to_vec()))
        .order((exchanges::partner_id, exchanges::id))
        .limit(one_more(limit))
        .select((exchanges::id, exchanges::partner_id, exchanges::direction, exchanges::stance))
        .into_boxed();
    if let Some((partner, exchange)) = after {
        let partner = partner.as_bytes().to_vec();
        query = query
            .filter(exchanges::partner_id.ge(partner.clone()))
            .filter(exchanges::partner_id.gt(partner).or(exchanges::id.gt(exchange.as_bytes().to_vec())));
    }
    let found: Vec<Found> = query.load(rows.db)?;
    let ids: Vec<Vec<u8>> = found.iter().map(|(id, ..)| id.clone()).collect();
    let mut newest = newest(rows, &ids)?;
    let mut sides = Vec::with_capacity(found.len());
    for (id, partner, direction, stance) in found {
        let partner = partner_id(TABLE, &partner)?;
        let of = newest.remove(&id).unwrap_or_default();
        let outgoing = direction == Direction::Outgoing.word();
        sides.push(Side {
            exchange: exchange_id(TABLE, &id)?,
            direction: if outgoing { Direction::Outgoing } else { Direction::Incoming },
            partner,
            partner_name: partners::name(rows, partner)?,
            stance: stance.filter(|_| outgoing).as_deref().and_then(Stance::from_word),
            asked: of.asked.map(|message| ours(rows, message)).transpose()?,
            view: of.view.map(|message| theirs(rows, message)).transpose()?,
            told: of.told.map(|message| ours(rows, message)).transpose()?,
            decided: of.decided.map(|message| theirs(rows, message)).transpose()?,
        });
    }
    Ok(Page::of(sides, limit, |side| (side.partner, side.exchange)))
}

/// The newest messages of the joint decision in one exchange.
#[derive(Default)]
struct Newest {
    asked: Option<Message>,
    view: Option<Message>,
    told: Option<Message>,
    decided: Option<Message>,
}

/// A message, its words not looked at yet.
struct Message {
    id: Vec<u8>,
    at: i64,
    due: Option<i64>,
}

fn newest(rows: &mut Rows<'_>, exchanges: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, Newest>, StoreError> {
    type Found = (Vec<u8>, Vec<u8>, bool, String, i64, Option<i64>);
    let kinds = [MessageKind::ViewRequest, MessageKind::View, MessageKind::Decision].map(MessageKind::word);
    let found: Vec<Found> = said::table
        .filter(said::exchange_id.eq_any(exchanges))
        .filter(said::kind.eq_any(kinds))
        .order((said::at.desc(), said::message.desc()))
        .limit(MESSAGES_MAX)
        .select((said::message, said::exchange_id, said::sent, said::kind, said::at, said::due_at))
        .load(rows.db)?;
    let mut newest: HashMap<Vec<u8>, Newest> = HashMap::new();
    for (id, exchange, sent, kind, at, due) in found {
        let of = newest.entry(exchange).or_default();
        let slot = match (kind.as_str(), sent) {
            ("view_request", true) => &mut of.asked,
            ("view", false) => &mut of.view,
            ("decision", true) => &mut of.told,
            ("decision", false) => &mut of.decided,
            (_, _) => continue,
        };
        slot.get_or_insert(Message { id, at, due });
    }
    Ok(newest)
}

fn ours(rows: &mut Rows<'_>, message: Message) -> Result<Asked, StoreError> {
    let carried: Option<String> = outbox::table.find(&message.id).select(outbox::state).first(rows.db).optional()?;
    Ok(Asked {
        message: message_id("said", &message.id)?,
        at: moment("said", message.at)?,
        due: moment_or_none("said", message.due)?,
        carried: carried.unwrap_or_default(),
    })
}

fn theirs(rows: &mut Rows<'_>, message: Message) -> Result<View, StoreError> {
    let content: Vec<u8> = said::table.find(&message.id).select(said::content).first(rows.db)?;
    let id = message_id("said", &message.id)?;
    Ok(View { said: projections::open_said(rows.seal, id, &content)?, at: moment("said", message.at)? })
}

/// Message, partner, the exchange, when.
type ViewRow = (Vec<u8>, Vec<u8>, Vec<u8>, i64);

/// The newest view of each partner that had come by `until`, the latest first: the message, who gave it, when. At most
/// `limit`.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row can't be read; those of the database.
pub fn views(
    rows: &mut Rows<'_>,
    incident: IncidentId,
    until: Moment,
    limit: usize,
) -> Result<Vec<(MessageId, PartnerId, Moment)>, StoreError> {
    let found: Vec<ViewRow> = said::table
        .filter(said::incident_id.eq(incident.as_bytes().to_vec()))
        .filter(said::kind.eq(MessageKind::View.word()))
        .filter(said::at.le(until.micros()))
        .filter(diesel::dsl::not(said::sent))
        .order((said::at.desc(), said::message.desc()))
        .limit(MESSAGES_MAX)
        .select((said::message, said::exchange_id, said::partner_id, said::at))
        .load(rows.db)?;
    let mut given: Vec<Vec<u8>> = Vec::new();
    let mut views = Vec::new();
    for (message, exchange, partner, at) in found {
        if views.len() >= limit || given.contains(&exchange) {
            continue;
        }
        given.push(exchange);
        views.push((message_id("said", &message)?, partner_id("said", &partner)?, moment("said", at)?));
    }
    Ok(views)
}

/// Whether each of these messages is a view that a partner gave on this incident.
///
/// # Errors
/// Those of the database.
pub fn are_views(rows: &mut Rows<'_>, incident: IncidentId, messages: &[MessageId]) -> Result<bool, StoreError> {
    let ids: Vec<Vec<u8>> = messages.iter().map(|id| id.as_bytes().to_vec()).collect();
    let known: i64 = said::table
        .filter(said::message.eq_any(&ids))
        .filter(said::incident_id.eq(incident.as_bytes().to_vec()))
        .filter(said::kind.eq(MessageKind::View.word()))
        .filter(diesel::dsl::not(said::sent))
        .count()
        .get_result(rows.db)?;
    Ok(usize::try_from(known).is_ok_and(|known| known == messages.len()))
}

/// Reports that partners told us of, the newest of each partner first, for at most `partners` partners; and how many
/// partners told us of one.
///
/// # Errors
/// [`StoreError::Corrupt`] when a stream can't be read; those of the database.
pub fn filed(rows: &mut Rows<'_>, about: FiledAbout, partners_max: usize) -> Result<(Vec<Filed>, u32), StoreError> {
    let (told, all) = match about {
        FiledAbout::Exchange(id) => (vec![id], 1),
        FiledAbout::Incident(id) => {
            let of = || {
                exchanges::table
                    .filter(exchanges::incident_id.eq(id.as_bytes().to_vec()))
                    .filter(exchanges::filed_at.is_not_null())
            };
            let found: Vec<Vec<u8>> = of()
                .order((exchanges::filed_at, exchanges::id))
                .limit(i64::try_from(partners_max).unwrap_or(i64::MAX))
                .select(exchanges::id)
                .load(rows.db)?;
            let all: i64 = if found.len() < partners_max { 0 } else { of().count().get_result(rows.db)? };
            let told: Vec<ExchangeId> = found.iter().map(|id| exchange_id(TABLE, id)).collect::<Result<_, _>>()?;
            let all = count(all).max(u32::try_from(told.len()).unwrap_or(u32::MAX));
            (told, all)
        }
    };
    let mut filed = Vec::new();
    for id in told {
        let Some(exchange) = incidents::exchange_state(rows, id)? else { continue };
        let partner_name = partners::name(rows, exchange.partner)?;
        let mut theirs: Vec<Filed> = exchange
            .their_filings()
            .map(|(told, standing)| Filed {
                exchange: id,
                partner: exchange.partner,
                partner_name: partner_name.clone(),
                message: told.message,
                filing: told.filing.clone(),
                standing,
            })
            .collect();
        theirs.reverse();
        filed.extend(theirs);
    }
    Ok((filed, all))
}
