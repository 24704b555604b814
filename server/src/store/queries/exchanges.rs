//! Exchanges as the partner board, the page of one partner and the list of notices received show them.

use diesel::dsl::count_star;
use diesel::prelude::*;
use domain::exchange::{Acknowledgement, Direction, Stance};
use domain::facts::IncidentKind;
use domain::values::{CaseId, ExchangeId, IncidentId, MessageId, Moment, PartnerId};

use super::board::GONE;
use super::{
    Page, clocks, count, exchange_id, incident_id, kind, message_id, moment, moment_or_none, number, one_more,
    partner_id, partners,
};
use crate::store::schema::{attempts, exchanges, outbox};
use crate::store::{Rows, StoreError, projections};

const TABLE: &str = "exchanges";

/// One exchange with its clocks and its newest message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub id: ExchangeId,
    /// With whom.
    pub partner: PartnerId,
    /// Their name.
    pub partner_name: String,
    /// Who told whom.
    pub direction: Direction,
    /// The case on the wire.
    pub case: CaseId,
    /// The incident of ours.
    pub incident: Option<IncidentId>,
    /// A drill.
    pub exercise: bool,
    /// Breach or circumstances.
    pub kind: IncidentKind,
    /// The sender's reference.
    pub reference: String,
    /// The word of where the newest notice stands.
    pub standing: String,
    /// The newest revision; 0 while held.
    pub revision: u32,
    /// The newest revision with a verified receipt.
    pub delivered_revision: u32,
    /// When a person told them, and how.
    pub told: Option<(Moment, String)>,
    /// What they say, or we.
    pub stance: Option<Stance>,
    /// The newest acknowledgement.
    pub acknowledgement: Option<Acknowledgement>,
    /// The word of why it was withdrawn.
    pub withdrawn: Option<String>,
    /// When it began.
    pub opened_at: Moment,
    /// Its clocks.
    pub clocks: Vec<clocks::Single>,
    /// The newest message that carries a notice of ours.
    pub message: Option<Message>,
    /// The message of ours that is being carried: the oldest that is still open. Newer ones wait behind it.
    pub carried: Option<Message>,
}

/// A message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which.
    pub id: MessageId,
    /// Over which channel it goes: `node`, `webhook` or `mail`.
    pub channel: String,
    /// `notified`, `updated`, `withdrawn`, `acknowledged`, `message` or `filed`.
    pub kind: String,
    /// The revision that it carries.
    pub revision: u32,
    /// `queued`, `sealed`, `waiting`, `parked`, `receipted`, `accepted`, `abandoned` …
    pub state: String,
    /// Still being carried.
    pub open: bool,
    /// Attempts made.
    pub attempts: u32,
    /// The word of the last outcome.
    pub last_outcome: Option<String>,
    /// When it was queued (duty time).
    pub queued_at: Moment,
    /// When it is tried next (machine time).
    pub next_attempt_at: Option<Moment>,
    /// When it was last tried (duty time).
    pub last_attempt_at: Option<Moment>,
    /// Since when the partner holds it.
    pub receipted_at: Option<Moment>,
    /// The ledger entry of the receipt.
    pub receipt_entry: Option<u64>,
}

/// One attempt at carrying a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// 1, 2, 3 …
    pub number: u32,
    /// When (duty time).
    pub at: Moment,
    /// The word of its outcome.
    pub outcome: String,
    /// The HTTP status or the mail server's code, when there was an answer.
    pub status: Option<u32>,
    /// How long it took.
    pub took_ms: u32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = exchanges)]
struct Row {
    id: Vec<u8>,
    partner_id: Vec<u8>,
    direction: String,
    case_id: Vec<u8>,
    incident_id: Option<Vec<u8>>,
    exercise: bool,
    kind: String,
    reference: String,
    standing: String,
    revision: i32,
    delivered_revision: i32,
    message: Option<Vec<u8>>,
    told_at: Option<i64>,
    told_how: Option<String>,
    stance: Option<String>,
    acknowledged_by: Option<Vec<u8>>,
    withdrawn: Option<String>,
    opened_at: i64,
}

impl Row {
    fn view(self, rows: &mut Rows<'_>) -> Result<Listed, StoreError> {
        let id = exchange_id(TABLE, &self.id)?;
        let partner = partner_id(TABLE, &self.partner_id)?;
        let direction = match self.direction.as_str() {
            "outgoing" => Direction::Outgoing,
            "incoming" => Direction::Incoming,
            _ => return Err(StoreError::Corrupt { table: TABLE, what: "a direction" }),
        };
        let acknowledgement = self
            .acknowledged_by
            .filter(|sealed| !sealed.is_empty())
            .map(|sealed| projections::open_acknowledgement(rows.seal, id, &sealed))
            .transpose()?;
        let message = match self.message.filter(|_| direction == Direction::Outgoing) {
            Some(message) => message_of(rows, &message)?,
            None => None,
        };
        let carried = match &message {
            Some(message) if message.open => carried(rows, id)?,
            Some(_) | None => None,
        };
        Ok(Listed {
            id,
            partner,
            partner_name: partners::name(rows, partner)?,
            direction,
            case: CaseId::from_slice(&self.case_id).map_err(StoreError::corrupt(TABLE, "a case"))?,
            incident: self.incident_id.map(|id| incident_id(TABLE, &id)).transpose()?,
            exercise: self.exercise,
            kind: kind(TABLE, &self.kind)?,
            reference: self.reference,
            standing: self.standing,
            revision: number(self.revision),
            delivered_revision: number(self.delivered_revision),
            told: moment_or_none(TABLE, self.told_at)?.zip(self.told_how),
            stance: self.stance.as_deref().and_then(Stance::from_word),
            acknowledgement,
            withdrawn: self.withdrawn,
            opened_at: moment(TABLE, self.opened_at)?,
            clocks: clocks::of_stream(rows, id.uuid())?,
            message,
            carried,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
struct MessageRow {
    id: Vec<u8>,
    channel: String,
    kind: String,
    revision: i32,
    state: String,
    open: bool,
    attempts: i32,
    last_outcome: Option<String>,
    queued_at: i64,
    next_attempt_at: Option<i64>,
    last_attempt_at: Option<i64>,
    receipted_at: Option<i64>,
    receipt_entry: Option<i64>,
}

impl MessageRow {
    fn view(self) -> Result<Message, StoreError> {
        Ok(Message {
            id: message_id("outbox", &self.id)?,
            channel: self.channel,
            kind: self.kind,
            revision: number(self.revision),
            state: self.state,
            open: self.open,
            attempts: number(self.attempts),
            last_outcome: self.last_outcome,
            queued_at: moment("outbox", self.queued_at)?,
            next_attempt_at: moment_or_none("outbox", self.next_attempt_at)?,
            last_attempt_at: moment_or_none("outbox", self.last_attempt_at)?,
            receipted_at: moment_or_none("outbox", self.receipted_at)?,
            receipt_entry: self.receipt_entry.and_then(|n| u64::try_from(n).ok()),
        })
    }
}

fn message_of(rows: &mut Rows<'_>, id: &[u8]) -> Result<Option<Message>, StoreError> {
    let found: Option<MessageRow> = outbox::table.find(id).select(MessageRow::as_select()).first(rows.db).optional()?;
    found.map(MessageRow::view).transpose()
}

/// The oldest message of an exchange that is still open.
pub(super) fn carried(rows: &mut Rows<'_>, id: ExchangeId) -> Result<Option<Message>, StoreError> {
    let found: Option<MessageRow> = outbox::table
        .filter(outbox::exchange_id.eq(id.as_bytes().as_slice()))
        .filter(outbox::open)
        .order(outbox::position)
        .select(MessageRow::as_select())
        .first(rows.db)
        .optional()?;
    found.map(MessageRow::view).transpose()
}

/// Which rows of a board to show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Show {
    /// All of them.
    #[default]
    All,
    /// Those whose notice stands and whose newest one has no receipt.
    NotDelivered,
    /// Those whose notice stands and that nobody has acknowledged.
    NotRead,
}

/// The partners of an incident, by key; `after` is the last one already shown.
///
/// # Errors
/// Those of the database.
pub fn board(
    rows: &mut Rows<'_>,
    incident: IncidentId,
    show: Show,
    after: Option<PartnerId>,
    limit: usize,
) -> Result<Page<Listed, PartnerId>, StoreError> {
    let mut query = exchanges::table
        .filter(exchanges::incident_id.eq(incident.as_bytes().to_vec()))
        .filter(exchanges::direction.eq(Direction::Outgoing.word()))
        .order(exchanges::partner_id)
        .limit(one_more(limit))
        .select(Row::as_select())
        .into_boxed();
    match show {
        Show::All => {}
        Show::NotDelivered => query = query.filter(exchanges::standing.ne("delivered")),
        Show::NotRead => query = query.filter(exchanges::stance.is_null()),
    }
    if show != Show::All {
        query = query.filter(exchanges::standing.ne_all(GONE));
    }
    if let Some(after) = after {
        query = query.filter(exchanges::partner_id.gt(after.as_bytes().to_vec()));
    }
    let found: Vec<Row> = query.load(rows.db)?;
    let items = found.into_iter().map(|row| row.view(rows)).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(items, limit, |listed| listed.partner))
}

/// How the partners of an incident stand: (standing, stance, how many).
///
/// # Errors
/// Those of the database.
pub fn tally(rows: &mut Rows<'_>, incident: IncidentId) -> Result<Vec<(String, Option<Stance>, u32)>, StoreError> {
    let found: Vec<(String, Option<String>, i64)> = exchanges::table
        .filter(exchanges::incident_id.eq(incident.as_bytes().as_slice()))
        .filter(exchanges::direction.eq(Direction::Outgoing.word()))
        .group_by((exchanges::standing, exchanges::stance))
        .select((exchanges::standing, exchanges::stance, count_star()))
        .load(rows.db)?;
    Ok(found
        .into_iter()
        .map(|(standing, stance, many)| (standing, stance.as_deref().and_then(Stance::from_word), count(many)))
        .collect())
}

/// One exchange.
///
/// # Errors
/// Those of the database.
pub fn one(rows: &mut Rows<'_>, id: ExchangeId) -> Result<Option<Listed>, StoreError> {
    let found: Option<Row> =
        exchanges::table.find(id.as_bytes().as_slice()).select(Row::as_select()).first(rows.db).optional()?;
    found.map(|row| row.view(rows)).transpose()
}

/// Every message of an exchange, in the order queued; at most `limit`, the newest.
///
/// # Errors
/// Those of the database.
pub fn messages(rows: &mut Rows<'_>, id: ExchangeId, limit: i64) -> Result<Vec<Message>, StoreError> {
    let found: Vec<MessageRow> = outbox::table
        .filter(outbox::exchange_id.eq(id.as_bytes().as_slice()))
        .order(outbox::position.desc())
        .limit(limit)
        .select(MessageRow::as_select())
        .load(rows.db)?;
    let mut messages = found.into_iter().map(MessageRow::view).collect::<Result<Vec<_>, _>>()?;
    messages.reverse();
    Ok(messages)
}

/// Attempts at a message, the newest first; `before` is the number of the last one already shown.
///
/// # Errors
/// Those of the database.
pub fn attempts(
    rows: &mut Rows<'_>,
    message: MessageId,
    before: Option<u32>,
    limit: usize,
) -> Result<Page<Attempt, u32>, StoreError> {
    type Found = (i32, i64, String, Option<i32>, i32);
    let before = before.and_then(|before| i32::try_from(before).ok()).unwrap_or(i32::MAX);
    let found: Vec<Found> = attempts::table
        .filter(attempts::message.eq(message.as_bytes().as_slice()))
        .filter(attempts::number.lt(before))
        .order(attempts::number.desc())
        .limit(one_more(limit))
        .select((attempts::number, attempts::at, attempts::outcome, attempts::status, attempts::took_ms))
        .load(rows.db)?;
    let items = found
        .into_iter()
        .map(|(n, at, outcome, status, took_ms)| {
            Ok(Attempt {
                number: number(n),
                at: moment("attempts", at)?,
                outcome,
                status: status.map(number),
                took_ms: number(took_ms),
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Page::of(items, limit, |attempt| attempt.number))
}

/// Notices received, the newest first; `before` is the key of the last one already shown.
///
/// # Errors
/// Those of the database.
pub fn received(
    rows: &mut Rows<'_>,
    before: Option<(Moment, ExchangeId)>,
    limit: usize,
) -> Result<Page<Listed, (Moment, ExchangeId)>, StoreError> {
    let mut query = exchanges::table
        .filter(exchanges::direction.eq(Direction::Incoming.word()))
        .order((exchanges::opened_at.desc(), exchanges::id.desc()))
        .limit(one_more(limit))
        .select(Row::as_select())
        .into_boxed();
    if let Some((at, id)) = before {
        let id = id.as_bytes().to_vec();
        query = query
            .filter(exchanges::opened_at.le(at.micros()))
            .filter(exchanges::opened_at.lt(at.micros()).or(exchanges::id.lt(id)));
    }
    let found: Vec<Row> = query.load(rows.db)?;
    let items = found.into_iter().map(|row| row.view(rows)).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(items, limit, |listed| (listed.opened_at, listed.id)))
}

/// Exchanges of one direction, the oldest first, for the API; `after` is the key of the last one already given.
///
/// # Errors
/// Those of the database.
pub fn oldest(
    rows: &mut Rows<'_>,
    direction: Direction,
    after: Option<(Moment, ExchangeId)>,
    limit: usize,
) -> Result<Vec<Listed>, StoreError> {
    let mut query = exchanges::table
        .filter(exchanges::direction.eq(direction.word()))
        .order((exchanges::opened_at, exchanges::id))
        .limit(one_more(limit))
        .select(Row::as_select())
        .into_boxed();
    if let Some((at, id)) = after {
        let id = id.as_bytes().to_vec();
        query = query
            .filter(exchanges::opened_at.ge(at.micros()))
            .filter(exchanges::opened_at.gt(at.micros()).or(exchanges::id.gt(id)));
    }
    let found: Vec<Row> = query.load(rows.db)?;
    found.into_iter().map(|row| row.view(rows)).collect()
}
