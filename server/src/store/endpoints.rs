//! Where webhooks and mail go: destinations of partners without a node, and our own integrations.
//!
//! Addresses and secrets lie sealed. Of one partner there is at most one destination of each kind; which channel a partner
//! is told over is a word in the partner's own row. A destination is never switched off by the program: only a person
//! pauses or removes one.

use std::fmt;

use diesel::prelude::*;
use domain::delivery::Channel;
use domain::values::{Moment, PartnerId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::posts::Subscribed;
use super::schema::{endpoints, partners};
use super::{Rows, StoreError, Turn};

/// Integrations of our own.
pub const INTEGRATIONS_MAX: usize = 20;
/// For so long a secret that was replaced signs beside the new one, in seconds of machine time (protocol §16).
pub const OVERLAP_SECONDS: i64 = 7 * 86_400;
/// Where details are sealed for.
const DETAILS: &str = "endpoints.details";

/// Over which channel a partner is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Told {
    /// Their node.
    Node,
    /// Their ticket system.
    Webhook,
    /// A link in an e-mail.
    Mail,
    /// A call or meeting; messages wait for a pairing.
    Hand,
}

impl Told {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Node, Self::Webhook, Self::Mail, Self::Hand];

    /// The word in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Webhook => "webhook",
            Self::Mail => "mail",
            Self::Hand => "hand",
        }
    }

    /// The way with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|told| told.word() == word)
    }

    /// The lane that messages wait in.
    #[must_use]
    pub const fn lane(self) -> Channel {
        match self {
            Self::Node | Self::Hand => Channel::Node,
            Self::Webhook => Channel::Webhook,
            Self::Mail => Channel::Mail,
        }
    }
}

/// What takes what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndpointKind {
    /// A server that takes Standard Webhooks.
    Webhook,
    /// A mailbox.
    Mail,
}

impl EndpointKind {
    /// The word in the table.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Mail => "mail",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Webhook, Self::Mail].into_iter().find(|kind| kind.word() == word)
    }
}

/// What a body looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Standard Webhooks: type, instant, data.
    #[default]
    Standard,
    /// What Slack's incoming webhooks take.
    Slack,
    /// What Teams' incoming webhooks take: a message with an Adaptive Card.
    Teams,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Slack, Self::Teams];

    /// The word in forms and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Slack => "slack",
            Self::Teams => "teams",
        }
    }

    /// The format with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }
}

/// A signing secret as people copy it (`whsec_…`). It is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    /// The text, for signing and for showing it once.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

// Written into sealed details, and nowhere else.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// A secret that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// It.
    pub secret: Secret,
    /// Until when it signs too (machine time).
    pub until: Moment,
}

/// What lies sealed of a destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// What people call it; empty for a partner's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// A URL, or a mail address.
    pub address: String,
    /// What webhooks are signed with; none for mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// The secret before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Replaced>,
    /// What bodies look like.
    #[serde(default)]
    pub format: Format,
    /// Only id, phase and link are sent.
    #[serde(default)]
    pub reduced: bool,
    /// Address ranges that an administrator admits although they are not public (CIDR).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<String>,
    /// A port other than 443 that an administrator admits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

impl Details {
    /// The secrets that sign at this instant of machine time, the newest first.
    #[must_use]
    pub fn secrets(&self, elapsed: Moment) -> Vec<&Secret> {
        let replaced = self.replaced.as_ref().filter(|replaced| elapsed < replaced.until);
        self.secret.iter().chain(replaced.map(|replaced| &replaced.secret)).collect()
    }
}

/// A destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Which.
    pub id: Uuid,
    /// Whose; `None` for an integration of our own.
    pub partner: Option<PartnerId>,
    /// What takes it.
    pub kind: EndpointKind,
    /// What lies sealed.
    pub details: Details,
    /// What an integration hears of.
    pub events: Vec<Subscribed>,
    /// A person stopped it for now.
    pub paused: bool,
    /// Failures since something got through.
    pub fail_count: u32,
    /// The end of the back-off (machine time).
    pub waits_until: Option<Moment>,
    /// Since when attempts fail (machine time).
    pub failed_since: Option<Moment>,
    /// When it was made (duty time).
    pub made_at: Moment,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = endpoints, treat_none_as_default_value = false)]
struct Row {
    id: Vec<u8>,
    partner_id: Option<Vec<u8>>,
    kind: String,
    details: Vec<u8>,
    events: String,
    paused: bool,
    fail_count: i32,
    waits_until: Option<i64>,
    failed_since: Option<i64>,
    made_at: i64,
}

impl Row {
    fn of(rows: &Rows<'_>, endpoint: &Endpoint) -> Result<Self, StoreError> {
        Ok(Self {
            id: endpoint.id.as_bytes().to_vec(),
            partner_id: endpoint.partner.map(|id| id.as_bytes().to_vec()),
            kind: endpoint.kind.word().to_owned(),
            details: rows.seal.seal_json(DETAILS, endpoint.id.as_bytes(), &endpoint.details)?,
            events: Subscribed::written(&endpoint.events),
            paused: endpoint.paused,
            fail_count: i32::try_from(endpoint.fail_count).unwrap_or(i32::MAX),
            waits_until: endpoint.waits_until.map(Moment::micros),
            failed_since: endpoint.failed_since.map(Moment::micros),
            made_at: endpoint.made_at.micros(),
        })
    }

    fn opened(self, rows: &Rows<'_>) -> Result<Endpoint, StoreError> {
        let corrupt = |what| StoreError::Corrupt { table: "endpoints", what };
        Ok(Endpoint {
            details: rows.seal.open_json(DETAILS, &self.id, &self.details)?,
            id: Uuid::from_slice(&self.id).map_err(|_| corrupt("an id"))?,
            partner: self
                .partner_id
                .map(|id| PartnerId::from_slice(&id))
                .transpose()
                .map_err(|_| corrupt("a partner"))?,
            kind: EndpointKind::from_word(&self.kind).ok_or(corrupt("a kind"))?,
            events: Subscribed::read(&self.events),
            paused: self.paused,
            fail_count: u32::try_from(self.fail_count).unwrap_or(0),
            waits_until: self.waits_until.map(moment).transpose()?,
            failed_since: self.failed_since.map(moment).transpose()?,
            made_at: moment(self.made_at)?,
        })
    }
}

/// Keeps a new destination.
///
/// # Errors
/// [`StoreError::Conflict`] when the partner has one of this kind; [`StoreError::TooMuch`] beyond
/// [`INTEGRATIONS_MAX`]; those of the database.
pub fn insert(turn: &mut Turn<'_>, endpoint: &Endpoint) -> Result<(), StoreError> {
    let rows = turn.rows();
    // Looked up first: on Postgres a unique violation would end the whole batch.
    match endpoint.partner {
        Some(partner) if of_partner(rows, partner, endpoint.kind)?.is_some() => return Err(StoreError::Conflict),
        Some(_) => {}
        None if integrations(rows)?.len() >= INTEGRATIONS_MAX => {
            return Err(StoreError::TooMuch { what: "the number of integrations" });
        }
        None => {}
    }
    let row = Row::of(rows, endpoint)?;
    diesel::insert_into(endpoints::table).values(&row).execute(rows.db)?;
    Ok(())
}

/// Keeps a destination as it is now, back-off included. Answers whether there is one with this id.
///
/// # Errors
/// Those of the database.
pub fn save(turn: &mut Turn<'_>, endpoint: &Endpoint) -> Result<bool, StoreError> {
    let rows = turn.rows();
    let row = Row::of(rows, endpoint)?;
    let changed = diesel::update(endpoints::table.find(&row.id))
        .set((
            endpoints::details.eq(&row.details),
            endpoints::events.eq(&row.events),
            endpoints::paused.eq(row.paused),
            endpoints::fail_count.eq(row.fail_count),
            endpoints::waits_until.eq(row.waits_until),
            endpoints::failed_since.eq(row.failed_since),
        ))
        .execute(rows.db)?;
    Ok(changed == 1)
}

/// Removes a destination. Answers whether there was one.
///
/// # Errors
/// Those of the database.
pub fn remove(turn: &mut Turn<'_>, id: Uuid) -> Result<bool, StoreError> {
    Ok(diesel::delete(endpoints::table.find(id.as_bytes().as_slice())).execute(turn.rows().db)? == 1)
}

/// A destination.
///
/// # Errors
/// [`StoreError::Corrupt`] when it can't be read; those of the database.
pub fn by_id(rows: &mut Rows<'_>, id: Uuid) -> Result<Option<Endpoint>, StoreError> {
    let row: Option<Row> =
        endpoints::table.find(id.as_bytes().as_slice()).select(Row::as_select()).first(rows.db).optional()?;
    row.map(|row| row.opened(rows)).transpose()
}

/// Where a partner is told over this kind of channel.
///
/// # Errors
/// [`StoreError::Corrupt`] when it can't be read; those of the database.
pub fn of_partner(rows: &mut Rows<'_>, partner: PartnerId, kind: EndpointKind) -> Result<Option<Endpoint>, StoreError> {
    let row: Option<Row> = endpoints::table
        .filter(endpoints::partner_id.eq(partner.as_bytes().as_slice()))
        .filter(endpoints::kind.eq(kind.word()))
        .select(Row::as_select())
        .first(rows.db)
        .optional()?;
    row.map(|row| row.opened(rows)).transpose()
}

/// Integrations of our own, the first made first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one can't be read; those of the database.
pub fn integrations(rows: &mut Rows<'_>) -> Result<Vec<Endpoint>, StoreError> {
    let found: Vec<Row> = endpoints::table
        .filter(endpoints::partner_id.is_null())
        .order((endpoints::made_at, endpoints::id))
        .limit(i64::try_from(INTEGRATIONS_MAX).unwrap_or(i64::MAX))
        .select(Row::as_select())
        .load(rows.db)?;
    found.into_iter().map(|row| row.opened(rows)).collect()
}

/// Who subscribes to what: integrations, paused or not, with the events they hear of.
pub(super) fn subscriptions(rows: &mut Rows<'_>) -> Result<Vec<(Uuid, Vec<Subscribed>)>, StoreError> {
    let found: Vec<(Vec<u8>, String)> = endpoints::table
        .filter(endpoints::partner_id.is_null())
        .order((endpoints::made_at, endpoints::id))
        .select((endpoints::id, endpoints::events))
        .load(rows.db)?;
    found
        .into_iter()
        .map(|(id, events)| {
            let id = Uuid::from_slice(&id).map_err(StoreError::corrupt("endpoints", "an id"))?;
            Ok((id, Subscribed::read(&events)))
        })
        .collect()
}

/// Over which channel a partner is told; `None` for an unknown partner.
///
/// # Errors
/// [`StoreError::Corrupt`] for an unknown word; those of the database.
pub fn told(rows: &mut Rows<'_>, partner: PartnerId) -> Result<Option<Told>, StoreError> {
    let word: Option<String> =
        partners::table.find(partner.as_bytes().as_slice()).select(partners::channel).first(rows.db).optional()?;
    let corrupt = StoreError::Corrupt { table: "partners", what: "a channel" };
    word.map(|word| Told::from_word(&word).ok_or(corrupt)).transpose()
}

/// Sets over which channel a partner is told from now on. What waits moves with [`super::outbox::reroute`].
///
/// # Errors
/// Those of the database.
pub fn set_told(turn: &mut Turn<'_>, partner: PartnerId, told: Told) -> Result<(), StoreError> {
    diesel::update(partners::table.find(partner.as_bytes().as_slice()))
        .set(partners::channel.eq(told.word()))
        .execute(turn.rows().db)?;
    Ok(())
}

fn moment(micros: i64) -> Result<Moment, StoreError> {
    Moment::from_micros(micros).map_err(StoreError::corrupt("endpoints", "an instant"))
}
