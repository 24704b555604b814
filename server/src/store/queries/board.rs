//! The partner board: how every partner that an incident owes a notice stands, over whichever channel they are told.
//!
//! A page costs a fixed number of statements, and the counts above it three that walk one incident's exchanges along
//! their index: neither grows with history.

mod about;
#[cfg(test)]
mod tests;
mod told;

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::helper_types::IntoBoxed;
use diesel::prelude::*;
use domain::exchange::{Acknowledgement, Direction, Stance};
use domain::values::{ExchangeId, IncidentId, MessageId, Moment, PartnerId};

use self::about::About;
pub use self::told::{Differences, Logged, differences, logged};
use super::{Page, count, exchange_id, moment_or_none, number, one_more, partner_id};
use crate::store::backend::MultiBackend;
use crate::store::schema::{exchanges, outbox};
use crate::store::{Rows, StoreError, projections};

const TABLE: &str = "exchanges";
/// Standings in which nobody waits for anything any more.
pub(super) const GONE: [&str; 2] = ["anonymised", "withdrawn"];

/// How far a partner has come, by the best that is known: a person's word, else a machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Nothing proves that they were told.
    NotDelivered,
    /// Held back: nobody is being told yet.
    Held,
    /// Their webhook or mail server took it: nobody signed for it.
    Accepted,
    /// A person told them, by telephone or in person.
    Told,
    /// Their node signed for it; nobody has read it.
    Delivered,
    /// Somebody there has read it and looks into it.
    Assessing,
    /// Somebody there says that they are affected.
    Affected,
    /// Somebody there says that they are not affected.
    NotAffected,
    /// The notice no longer stands.
    Withdrawn,
    /// Contents are erased.
    Erased,
}

impl State {
    /// Every state, the one that most needs a person first.
    pub const ALL: [Self; 10] = [
        Self::NotDelivered,
        Self::Held,
        Self::Accepted,
        Self::Told,
        Self::Delivered,
        Self::Assessing,
        Self::Affected,
        Self::NotAffected,
        Self::Withdrawn,
        Self::Erased,
    ];

    /// The word in addresses and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotDelivered => "not_delivered",
            Self::Held => "held",
            Self::Accepted => "accepted",
            Self::Told => "told",
            Self::Delivered => "delivered",
            Self::Assessing => "assessing",
            Self::Affected => "affected",
            Self::NotAffected => "not_affected",
            Self::Withdrawn => "withdrawn",
            Self::Erased => "erased",
        }
    }

    /// The state with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    fn of(seen: &Seen<'_>) -> Self {
        match (seen.standing, seen.stance) {
            ("anonymised", _) => Self::Erased,
            ("withdrawn", _) => Self::Withdrawn,
            (_, Some(Stance::Assessing)) => Self::Assessing,
            (_, Some(Stance::Affected)) => Self::Affected,
            (_, Some(Stance::NotAffected)) => Self::NotAffected,
            (_, None) if seen.delivered => Self::Delivered,
            (_, None) if seen.told => Self::Told,
            (_, None) if seen.accepted => Self::Accepted,
            ("held", None) => Self::Held,
            (_, None) => Self::NotDelivered,
        }
    }
}

/// What a state is made of.
struct Seen<'a> {
    standing: &'a str,
    stance: Option<Stance>,
    delivered: bool,
    told: bool,
    accepted: bool,
}

/// What the state of a partner rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing.
    None,
    /// A server's word that it took a message.
    Transport,
    /// A record that a person made here, or an acknowledgement through a link.
    Recorded,
    /// The partner's own signature.
    Signed,
}

impl Level {
    /// The word in the API and in exports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Transport => "transport",
            Self::Recorded => "recorded",
            Self::Signed => "signed",
        }
    }
}

/// One partner on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What passes with them about the incident.
    pub exchange: ExchangeId,
    /// Who.
    pub partner: PartnerId,
    /// Their name.
    pub partner_name: String,
    /// The word of the channel over which they are told.
    pub channel: String,
    /// How far they have come.
    pub state: State,
    /// What that rests on.
    pub level: Level,
    /// The newest revision; 0 while held.
    pub revision: u32,
    /// The newest revision that they signed for or acknowledged; 0 for none.
    pub holds: u32,
    /// What says so; [`Level::Transport`] when only their server took one.
    pub held_by: Level,
    /// The newest revision that their server took, which proves nothing; 0 for none.
    pub taken: u32,
    /// Since when they hold the newest revision that they signed for.
    pub delivered_at: Option<Moment>,
    /// When their server first took a notice.
    pub accepted_at: Option<Moment>,
    /// When a person told them, and how.
    pub told: Option<(Moment, String)>,
    /// The newest acknowledgement.
    pub acknowledgement: Option<Acknowledgement>,
    /// The clock of telling them.
    pub clock: Option<NoticeClock>,
    /// The oldest message that is still being carried, with the way that it goes.
    pub carried: Option<Carried>,
}

/// The clock of telling one partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeClock {
    /// When it is due.
    pub due: Moment,
    /// The word of how it stands.
    pub state: String,
    /// Still running.
    pub open: bool,
    /// The instant of the evidence that met it, or of the decision that ended it.
    pub ended_at: Option<Moment>,
    /// The word of what met it.
    pub evidence: Option<String>,
}

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Which.
    pub message: MessageId,
    /// The word of the channel that it goes over.
    pub channel: String,
    /// The word of where it stands: `parked` waits for a person.
    pub state: String,
    /// Attempts made.
    pub attempts: u32,
    /// The word of the last outcome.
    pub last_outcome: Option<String>,
    /// When it was last tried (duty time).
    pub last_attempt_at: Option<Moment>,
    /// When it is tried next (machine time): `None` for at once.
    pub next_attempt_at: Option<Moment>,
    /// What keeps it from being tried at all.
    pub held_up: Option<HeldUp>,
}

/// Why a message is not tried by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldUp {
    /// The partner's node refused it.
    Parked,
    /// The lane is stopped until a person has looked.
    Stopped,
    /// The pairing is suspended or has ended.
    Suspended,
    /// They have no node, webhook or mailbox that anything could go to yet.
    NoWay,
    /// An administrator paused the webhook or mailbox.
    Paused,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = exchanges)]
struct Row {
    id: Vec<u8>,
    partner_id: Vec<u8>,
    standing: String,
    revision: i32,
    delivered_revision: i32,
    told_at: Option<i64>,
    told_how: Option<String>,
    stance: Option<String>,
    acknowledged_by: Option<Vec<u8>>,
    acknowledged_revision: Option<i32>,
    accepted_at: Option<i64>,
}

impl Row {
    fn seen(&self) -> Seen<'_> {
        Seen {
            standing: &self.standing,
            stance: self.stance.as_deref().and_then(Stance::from_word),
            delivered: self.delivered_revision > 0,
            told: self.told_at.is_some(),
            accepted: self.accepted_at.is_some(),
        }
    }

    fn view(self, rows: &Rows<'_>, about: &mut About) -> Result<Listed, StoreError> {
        let id = exchange_id(TABLE, &self.id)?;
        let partner = partner_id(TABLE, &self.partner_id)?;
        let state = State::of(&self.seen());
        let acknowledgement = self
            .acknowledged_by
            .filter(|sealed| !sealed.is_empty())
            .map(|sealed| projections::open_acknowledgement(rows.seal, id, &sealed))
            .transpose()?;
        let way = about.ways.remove(&self.partner_id).unwrap_or_default();
        let messages = about.messages.remove(&self.id).unwrap_or_default();
        let signed = acknowledgement.as_ref().is_some_and(|said| !said.by_link);
        let told = moment_or_none(TABLE, self.told_at)?.zip(self.told_how);
        let level = if self.delivered_revision > 0 || signed {
            Level::Signed
        } else if acknowledgement.is_some() || told.is_some() {
            Level::Recorded
        } else if self.accepted_at.is_some() {
            Level::Transport
        } else {
            Level::None
        };
        let taken = messages.iter().filter(|it| it.state == "accepted").map(|it| it.revision).max();
        let holds = self.delivered_revision.max(self.acknowledged_revision.unwrap_or(0));
        let held_by = match (holds, taken) {
            (1.., _) if signed || self.delivered_revision == holds => Level::Signed,
            (1.., _) => Level::Recorded,
            (_, Some(_)) => Level::Transport,
            (_, None) => Level::None,
        };
        let delivered = messages.iter().filter(|it| it.receipted_at.is_some()).max_by_key(|it| it.revision);
        Ok(Listed {
            exchange: id,
            partner,
            level,
            revision: number(self.revision),
            holds: number(holds),
            held_by,
            taken: taken.map_or(0, number),
            delivered_at: moment_or_none("outbox", delivered.and_then(|it| it.receipted_at))?,
            accepted_at: moment_or_none(TABLE, self.accepted_at)?,
            told,
            acknowledgement,
            clock: about.clocks.remove(&self.id),
            carried: messages.into_iter().find(|it| it.open).map(|it| it.carried(&way)).transpose()?,
            state,
            partner_name: way.name,
            channel: way.channel,
        })
    }
}

/// The way to a partner: the word of the channel over which they are told, and what keeps messages from being sent.
///
/// # Errors
/// [`StoreError::Corrupt`] when it can't be read; those of the database.
pub fn way_to(rows: &mut Rows<'_>, partner: PartnerId) -> Result<Option<(String, Option<HeldUp>)>, StoreError> {
    let found = about::ways(rows, &[partner.as_bytes().as_slice()])?;
    Ok(found.into_values().next().map(|way| (way.channel, way.held_up)))
}

type OfIncident = IntoBoxed<'static, exchanges::table, MultiBackend>;

fn of_incident(incident: IncidentId, state: Option<State>) -> OfIncident {
    let all = exchanges::table
        .into_boxed()
        .filter(exchanges::incident_id.eq(incident.as_bytes().to_vec()))
        .filter(exchanges::direction.eq(Direction::Outgoing.word()));
    let Some(state) = state else { return all };
    match state {
        State::Erased => all.filter(exchanges::standing.eq("anonymised")),
        State::Withdrawn => all.filter(exchanges::standing.eq("withdrawn")),
        State::Assessing => live(all).filter(exchanges::stance.eq(Stance::Assessing.word())),
        State::Affected => live(all).filter(exchanges::stance.eq(Stance::Affected.word())),
        State::NotAffected => live(all).filter(exchanges::stance.eq(Stance::NotAffected.word())),
        State::Delivered => unread(all).filter(exchanges::delivered_revision.gt(0)),
        State::Told => undelivered(all).filter(exchanges::told_at.is_not_null()),
        State::Accepted => untold(all).filter(exchanges::accepted_at.is_not_null()),
        State::Held => unproven(all).filter(exchanges::standing.eq("held")),
        State::NotDelivered => unproven(all).filter(exchanges::standing.ne("held")),
    }
}

fn live(all: OfIncident) -> OfIncident {
    all.filter(exchanges::standing.ne_all(GONE))
}

fn unread(all: OfIncident) -> OfIncident {
    live(all).filter(exchanges::stance.is_null())
}

fn undelivered(all: OfIncident) -> OfIncident {
    unread(all).filter(exchanges::delivered_revision.eq(0))
}

fn untold(all: OfIncident) -> OfIncident {
    undelivered(all).filter(exchanges::told_at.is_null())
}

fn unproven(all: OfIncident) -> OfIncident {
    untold(all).filter(exchanges::accepted_at.is_null())
}

/// The partners of an incident in a state, or all of them, by key; `after` is the last one already shown.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row can't be read; those of the database.
pub fn page(
    rows: &mut Rows<'_>,
    incident: IncidentId,
    state: Option<State>,
    after: Option<PartnerId>,
    limit: usize,
) -> Result<Page<Listed, PartnerId>, StoreError> {
    let mut query =
        of_incident(incident, state).order(exchanges::partner_id).limit(one_more(limit)).select(Row::as_select());
    if let Some(after) = after {
        query = query.filter(exchanges::partner_id.gt(after.as_bytes().to_vec()));
    }
    let found: Vec<Row> = query.load(rows.db)?;
    let items = views(rows, found)?;
    Ok(Page::of(items, limit, |listed| listed.partner))
}

/// One exchange of ours as the board has it; `None` for one that is not there or goes the other way.
///
/// # Errors
/// [`StoreError::Corrupt`] when it can't be read; those of the database.
pub fn one(rows: &mut Rows<'_>, id: ExchangeId) -> Result<Option<Listed>, StoreError> {
    let found: Option<Row> = exchanges::table
        .find(id.as_bytes().as_slice())
        .filter(exchanges::direction.eq(Direction::Outgoing.word()))
        .select(Row::as_select())
        .first(rows.db)
        .optional()?;
    Ok(views(rows, found.into_iter().collect())?.pop())
}

fn views(rows: &mut Rows<'_>, found: Vec<Row>) -> Result<Vec<Listed>, StoreError> {
    let mut about = About::of(rows, &found)?;
    found.into_iter().map(|row| row.view(rows, &mut about)).collect()
}

/// How many partners of an incident are in each state that any is in.
///
/// # Errors
/// Those of the database.
pub fn tally(rows: &mut Rows<'_>, incident: IncidentId) -> Result<Vec<(State, u32)>, StoreError> {
    type Key = (String, Option<String>, i32);
    let mut grouped = |told: Option<bool>| -> Result<HashMap<Key, i64>, StoreError> {
        let mut query = exchanges::table
            .filter(exchanges::incident_id.eq(incident.as_bytes().to_vec()))
            .filter(exchanges::direction.eq(Direction::Outgoing.word()))
            .group_by((exchanges::standing, exchanges::stance, exchanges::delivered_revision))
            .select((exchanges::standing, exchanges::stance, exchanges::delivered_revision, count_star()))
            .into_boxed();
        query = match told {
            None => query,
            Some(true) => query.filter(exchanges::told_at.is_not_null()),
            Some(false) => query.filter(exchanges::told_at.is_null()).filter(exchanges::accepted_at.is_not_null()),
        };
        let found: Vec<(String, Option<String>, i32, i64)> = query.load(rows.db)?;
        Ok(found.into_iter().map(|(standing, stance, delivered, many)| ((standing, stance, delivered), many)).collect())
    };
    let (all, told, accepted) = (grouped(None)?, grouped(Some(true))?, grouped(Some(false))?);
    let mut counts: HashMap<State, i64> = HashMap::new();
    for (key, many) in all {
        let of_them = |some: &HashMap<Key, i64>| some.get(&key).copied().unwrap_or(0);
        let (told, accepted) = (of_them(&told), of_them(&accepted));
        let rest = many.saturating_sub(told).saturating_sub(accepted);
        for (many, told, accepted) in [(told, true, false), (accepted, false, true), (rest, false, false)] {
            let seen = Seen {
                standing: &key.0,
                stance: key.1.as_deref().and_then(Stance::from_word),
                delivered: key.2 > 0,
                told,
                accepted,
            };
            let counted = counts.entry(State::of(&seen)).or_default();
            *counted = counted.saturating_add(many);
        }
    }
    let some = |state: State| counts.get(&state).filter(|many| **many > 0).map(|many| (state, count(*many)));
    Ok(State::ALL.into_iter().filter_map(some).collect())
}

/// Partners of an incident, in this state or in any, to whom something is still being carried: by key, at most `limit`.
///
/// # Errors
/// Those of the database.
pub fn with_work(
    rows: &mut Rows<'_>,
    incident: IncidentId,
    state: Option<State>,
    after: Option<PartnerId>,
    limit: i64,
) -> Result<Vec<PartnerId>, StoreError> {
    let open = outbox::table
        .filter(outbox::exchange_id.eq(exchanges::id.nullable()))
        .filter(outbox::open)
        .filter(outbox::state.ne("parked"));
    let mut query = of_incident(incident, state)
        .filter(diesel::dsl::exists(open))
        .order(exchanges::partner_id)
        .limit(limit)
        .select(exchanges::partner_id);
    if let Some(after) = after {
        query = query.filter(exchanges::partner_id.gt(after.as_bytes().to_vec()));
    }
    let found: Vec<Vec<u8>> = query.load(rows.db)?;
    found.iter().map(|id| partner_id(TABLE, id)).collect()
}
