//! What a person has to look at because the program can't mend it. An alert names codes and ids only; pages find the
//! words.
//!
//! Of one kind, partner and message at most one alert is open: what goes wrong a thousand times is one line to read.
//!
//! Every alert ends. What tells of a delivery ends with it (`end_with`), what tells of a state ends with the state, and
//! what tells of something that happened ends when a person says that it is seen to ([`seen_to`]).

#[cfg(test)]
mod tests;

use diesel::prelude::*;
use domain::values::{Digest32, ExchangeId, IncidentId, MessageId, Moment, PartnerId};
use uuid::Uuid;

use super::schema::alerts;
use super::{Rows, StoreError, Turn};

/// Declares the kinds of alert, each with its word in the table and what people read.
macro_rules! kinds {
    ($($name:ident => $word:literal, $label:literal;)+) => {
        /// What is wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum AlertKind {
            $(#[doc = $label] $name,)+
        }

        impl AlertKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word in the table and the API.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// What people read.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            /// The kind with this word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.word() == word)
            }
        }
    };
}

kinds! {
    NoReceipt => "no_receipt", "A first notice has no receipt after a quarter of an hour";
    Unconfirmed => "unconfirmed", "The partner's server accepts messages but signs for none";
    Misdirected => "misdirected", "Something other than the partner's node answers at its address";
    NotTaken => "not_taken", "The partner's webhook, or the mail server, refuses what we send: check the address";
    Parked => "parked", "The partner's node refused a message; it waits for a person";
    HeartbeatRefused => "heartbeat_refused", "The partner's node refuses our signs of life: a notice would be refused too";
    BadReceipt => "bad_receipt", "A receipt from the partner was not believed";
    PeerConflict => "peer_conflict", "The partner holds another message under one of our numbers";
    HistoryLost => "history_lost", "The partner holds messages of ours that we do not remember";
    OwnFault => "own_fault", "A message of ours could not be written";
    BadEvent => "bad_event", "A signed message from the partner could not be read";
    JtiConflict => "jti_conflict", "The partner sent two different messages under one id";
    SeqConflict => "seq_conflict", "The partner sent two different messages under one number";
    UnknownCase => "unknown_case", "The partner wrote about a case that we do not know";
    WithoutEffect => "without_effect", "A message from the partner was kept without effect";
    MessageUnread => "message_unread", "The partner sent a message to be read";
    PartnerFiled => "partner_filed", "The partner reported a case to the regulator";
    LedgerContradiction => "ledger_contradiction", "The partner's ledger contradicts what it showed before";
    ManifestRefused => "manifest_refused", "The partner's list of keys was refused";
    PolledUnsigned => "polled_unsigned", "The partner's node fetched a message an hour ago and has not signed for it";
    Gap => "gap", "Messages from the partner have been missing for a quarter of an hour";
    Resent => "resent", "The partner's node had lost messages that it had signed for; they are sent again";
    NotProven => "not_proven", "The partner's node has signed for nothing for 26 hours";
    NotProvenLong => "not_proven_long", "The partner's node has signed for nothing for 72 hours: call them";
    ClockSkew => "clock_skew", "The partner's clock and ours differ by more than five minutes";
    KeysExpiring => "keys_expiring", "Our own keys are good for less than 30 days: replace them";
    KeysExpired => "keys_expired", "Our own keys have expired: nothing is sent until they are replaced";
    ManifestNotTaken => "manifest_not_taken", "The partner's node did not take our new list of keys";
    ReviewReceived => "review_received", "Somebody else may have signed what came in this partner's name: ask them by telephone";
    ExerciseDue => "exercise_due", "No exercise was run with partners for a year";
    CardLocked => "card_locked", "A partner's card was locked after three wrong fingerprints";
    CardChanged => "card_changed", "The partner's card has other contacts or another name";
    CardWaits => "card_waits", "The partner's new card changes an address; an administrator decides";
    IntegrationFailing => "integration_failing", "An integration of ours takes nothing: look at it under Integrations";
}

/// What is wrong with the carrying of one message, and no longer matters when that has ended.
const OF_A_DELIVERY: [AlertKind; 9] = [
    AlertKind::NoReceipt,
    AlertKind::Unconfirmed,
    AlertKind::Misdirected,
    AlertKind::NotTaken,
    AlertKind::Parked,
    AlertKind::HeartbeatRefused,
    AlertKind::BadReceipt,
    AlertKind::OwnFault,
    AlertKind::PolledUnsigned,
];

impl AlertKind {
    /// Whether it tells of something that happened, which nothing but a person's look ends. All others end by themselves,
    /// or by what a person does about them.
    #[must_use]
    pub const fn is_seen_to(self) -> bool {
        match self {
            Self::BadReceipt
            | Self::PeerConflict
            | Self::OwnFault
            | Self::BadEvent
            | Self::JtiConflict
            | Self::SeqConflict
            | Self::UnknownCase
            | Self::WithoutEffect
            | Self::PartnerFiled
            | Self::LedgerContradiction
            | Self::ManifestRefused
            | Self::Resent
            | Self::ReviewReceived => true,
            Self::NoReceipt
            | Self::Unconfirmed
            | Self::Misdirected
            | Self::NotTaken
            | Self::Parked
            | Self::HeartbeatRefused
            | Self::HistoryLost
            | Self::MessageUnread
            | Self::PolledUnsigned
            | Self::Gap
            | Self::NotProven
            | Self::NotProvenLong
            | Self::ClockSkew
            | Self::KeysExpiring
            | Self::KeysExpired
            | Self::ManifestNotTaken
            | Self::ExerciseDue
            | Self::CardLocked
            | Self::CardChanged
            | Self::CardWaits
            | Self::IntegrationFailing => false,
        }
    }
}

/// An open alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Which.
    pub id: Uuid,
    /// Since when (duty time).
    pub at: Moment,
    /// What is wrong.
    pub kind: AlertKind,
    /// With which partner.
    pub partner: Option<PartnerId>,
    /// In which exchange.
    pub exchange: Option<ExchangeId>,
    /// Of which incident.
    pub incident: Option<IncidentId>,
    /// About which message.
    pub message: Option<MessageId>,
}

/// Raises an alert, unless one of this kind, partner and message is open.
///
/// # Errors
/// Those of the database.
pub fn raise(
    turn: &mut Turn<'_>,
    kind: AlertKind,
    partner: Option<PartnerId>,
    exchange: Option<ExchangeId>,
    incident: Option<IncidentId>,
    message: Option<MessageId>,
) -> Result<(), StoreError> {
    let at = turn.now();
    let rows = turn.rows();
    let open: Option<Vec<u8>> = alike(kind, partner, message).select(alerts::id).first(rows.db).optional()?;
    if open.is_some() {
        return Ok(());
    }
    let octets = |id: Option<Uuid>| id.map(|id| id.as_bytes().to_vec());
    let id = id_of(kind, partner, message, at);
    // One that was raised and cleared within this instant is raised again.
    let again = diesel::update(alerts::table.find(id.as_bytes().as_slice()))
        .set(alerts::cleared_at.eq(None::<i64>))
        .execute(rows.db)?;
    if again == 0 {
        diesel::insert_into(alerts::table)
            .values((
                alerts::id.eq(id.as_bytes().as_slice()),
                alerts::at.eq(at.micros()),
                alerts::kind.eq(kind.word()),
                alerts::partner_id.eq(octets(partner.map(PartnerId::uuid))),
                alerts::exchange_id.eq(octets(exchange.map(ExchangeId::uuid))),
                alerts::incident_id.eq(octets(incident.map(IncidentId::uuid))),
                alerts::message.eq(octets(message.map(MessageId::uuid))),
            ))
            .execute(rows.db)?;
    }
    Ok(())
}

/// Whether an alert of this kind, partner and message was raised at an instant or later (duty time), whatever became of it:
/// a person who cleared it is not told of the same again.
///
/// # Errors
/// Those of the database.
pub fn raised_since(
    rows: &mut Rows<'_>,
    kind: AlertKind,
    partner: PartnerId,
    message: Option<MessageId>,
    at: Moment,
) -> Result<bool, StoreError> {
    let alike = alerts::table
        .filter(alerts::kind.eq(kind.word()))
        .filter(alerts::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(alerts::at.ge(at.micros()));
    let found: i64 = match message {
        Some(message) => alike.filter(alerts::message.eq(message.as_bytes().as_slice())).count().get_result(rows.db)?,
        None => alike.filter(alerts::message.is_null()).count().get_result(rows.db)?,
    };
    Ok(found > 0)
}

/// Clears the open alert of this kind, partner and message. Answers whether there was one.
///
/// # Errors
/// Those of the database.
pub fn clear(
    turn: &mut Turn<'_>,
    kind: AlertKind,
    partner: Option<PartnerId>,
    message: Option<MessageId>,
) -> Result<bool, StoreError> {
    let at = turn.now();
    let rows = turn.rows();
    let open: Option<Vec<u8>> = alike(kind, partner, message).select(alerts::id).first(rows.db).optional()?;
    let Some(open) = open else { return Ok(false) };
    diesel::update(alerts::table.find(open)).set(alerts::cleared_at.eq(at.micros())).execute(rows.db)?;
    Ok(true)
}

/// The carrying of these messages to these partners has ended, and with it what was wrong with it.
pub(in crate::store) fn end_with(
    turn: &mut Turn<'_>,
    partners: &[&[u8]],
    messages: &[&[u8]],
) -> Result<usize, StoreError> {
    if messages.is_empty() {
        return Ok(0);
    }
    let at = turn.now().micros();
    let theirs = alerts::table
        .filter(alerts::cleared_at.is_null())
        .filter(alerts::kind.eq_any(OF_A_DELIVERY.map(AlertKind::word)))
        .filter(alerts::partner_id.eq_any(partners))
        .filter(alerts::message.eq_any(messages));
    Ok(diesel::update(theirs).set(alerts::cleared_at.eq(at)).execute(turn.rows().db)?)
}

/// A person has seen to an alert: it ends. `None` when it is not open, or is of those that end by what is done about them.
///
/// # Errors
/// [`StoreError::Corrupt`] when it can't be read; those of the database.
pub fn seen_to(turn: &mut Turn<'_>, id: Uuid) -> Result<Option<Alert>, StoreError> {
    let at = turn.now();
    let rows = turn.rows();
    let this = || alerts::table.find(id.as_bytes().as_slice()).filter(alerts::cleared_at.is_null());
    let found: Option<Row> = this().select(Row::as_select()).first(rows.db).optional()?;
    let alert = found.map(Row::read).transpose()?.filter(|alert| alert.kind.is_seen_to());
    if alert.is_some() {
        diesel::update(this()).set(alerts::cleared_at.eq(at.micros())).execute(rows.db)?;
    }
    Ok(alert)
}

/// Open alerts, newest first, at most `limit`.
///
/// # Errors
/// [`StoreError::Corrupt`] when one can't be read; those of the database.
pub fn open(rows: &mut Rows<'_>, limit: u32) -> Result<Vec<Alert>, StoreError> {
    let found: Vec<Row> = newest_open().limit(i64::from(limit)).select(Row::as_select()).load(rows.db)?;
    found.into_iter().map(Row::read).collect()
}

/// Open alerts about a partner, newest first, at most `limit`.
///
/// # Errors
/// [`StoreError::Corrupt`] when one can't be read; those of the database.
pub fn open_about(rows: &mut Rows<'_>, partner: PartnerId, limit: u32) -> Result<Vec<Alert>, StoreError> {
    let found: Vec<Row> = newest_open()
        .filter(alerts::partner_id.eq(partner.as_bytes().to_vec()))
        .limit(i64::from(limit))
        .select(Row::as_select())
        .load(rows.db)?;
    found.into_iter().map(Row::read).collect()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = alerts)]
struct Row {
    id: Vec<u8>,
    at: i64,
    kind: String,
    partner_id: Option<Vec<u8>>,
    exchange_id: Option<Vec<u8>>,
    incident_id: Option<Vec<u8>>,
    message: Option<Vec<u8>>,
}

fn newest_open() -> Alike {
    alerts::table.into_boxed().filter(alerts::cleared_at.is_null()).order((alerts::at.desc(), alerts::id.desc()))
}

impl Row {
    fn read(self) -> Result<Alert, StoreError> {
        let corrupt = || StoreError::corrupt("alerts", "an id");
        let kind = AlertKind::from_word(&self.kind);
        Ok(Alert {
            id: Uuid::from_slice(&self.id).map_err(StoreError::corrupt("alerts", "an id"))?,
            at: Moment::from_micros(self.at).map_err(StoreError::corrupt("alerts", "an instant"))?,
            kind: kind.ok_or(StoreError::Corrupt { table: "alerts", what: "a kind" })?,
            partner: self.partner_id.map(|id| PartnerId::from_slice(&id)).transpose().map_err(corrupt())?,
            exchange: self.exchange_id.map(|id| ExchangeId::from_slice(&id)).transpose().map_err(corrupt())?,
            incident: self.incident_id.map(|id| IncidentId::from_slice(&id)).transpose().map_err(corrupt())?,
            message: self.message.map(|id| MessageId::from_slice(&id)).transpose().map_err(corrupt())?,
        })
    }
}

type Alike = diesel::helper_types::IntoBoxed<'static, alerts::table, super::backend::MultiBackend>;

/// Open alerts of this kind, partner and message.
fn alike(kind: AlertKind, partner: Option<PartnerId>, message: Option<MessageId>) -> Alike {
    let mut alike =
        alerts::table.into_boxed().filter(alerts::cleared_at.is_null()).filter(alerts::kind.eq(kind.word()));
    alike = match partner {
        Some(partner) => alike.filter(alerts::partner_id.eq(partner.as_bytes().to_vec())),
        None => alike.filter(alerts::partner_id.is_null()),
    };
    match message {
        Some(message) => alike.filter(alerts::message.eq(message.as_bytes().to_vec())),
        None => alike.filter(alerts::message.is_null()),
    }
}

/// Derived, so that no random number is needed: a UUID of version 8 (RFC 9562, section 5.8).
fn id_of(kind: AlertKind, partner: Option<PartnerId>, message: Option<MessageId>, at: Moment) -> Uuid {
    let mut told = kind.word().as_bytes().to_vec();
    told.push(0);
    told.extend_from_slice(partner.map(PartnerId::uuid).unwrap_or_default().as_bytes());
    told.extend_from_slice(message.map(MessageId::uuid).unwrap_or_default().as_bytes());
    told.extend_from_slice(&at.micros().to_be_bytes());
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(Digest32::of(&told).as_bytes()) {
        *to = *from;
    }
    uuid::Builder::from_custom_bytes(id).into_uuid()
}
