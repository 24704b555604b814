//! Clocks as the pages show them: the most pressing first, those of one incident and due instant together.

mod single;
mod standing;

use diesel::dsl::{count_star, min};
use diesel::prelude::*;
use domain::clock::{Anchor, ClockKind};
use domain::ladder::Plans;
use domain::values::{Actor, ExchangeId, IncidentId, Moment, PartnerId, PersonId};
use uuid::Uuid;

pub use self::single::{Single, every, of_requests, of_stream};
pub use self::standing::{next_due, report_is_open, tally};
use super::fallback::{self, Ring};
use super::joint::{self, FiledAbout};
use super::{count, exchange_id, incident_id, moment, moment_or_none, number, partner_id, partners};
use crate::store::schema::{clocks, complaints, exchanges, incidents, ladders};
use crate::store::{Rows, StoreError, ladder_plans, people, projections};

/// Groups counted beyond those shown.
const GROUPS_MAX: i64 = 500;
/// Duties that the share in time is taken of: the last so many that ended.
pub const SHARE_OF: i64 = 1_000;
const SOON_SECONDS: i64 = 6 * 3_600;
/// Partners whose reports stand beside our own clock.
const FILED_MAX: usize = 2;
/// Partners of one group named with whom to ring.
const RINGS_SHOWN: i64 = 3;
/// Octets of one id in a list of them.
const ID_OCTETS: usize = 16;
const TABLE: &str = "clocks";

/// The counts above the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strip {
    /// Open and past due.
    pub overdue: u32,
    /// Open and due within six hours.
    pub soon: u32,
    /// Open and not past due.
    pub running: u32,
    /// Of the last [`SHARE_OF`] duties that were met, exercises left out: how many, and how many of them in time.
    pub met: u32,
    /// See `met`.
    pub met_in_time: u32,
}

/// Which clocks to show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this duty.
    pub kind: Option<ClockKind>,
    /// Only towards this partner.
    pub partner: Option<PartnerId>,
    /// Only of this incident.
    pub incident: Option<IncidentId>,
}

/// The incident of a clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Which.
    pub id: IncidentId,
    /// Our reference.
    pub reference: String,
    /// A few words; empty after erasure.
    pub title: String,
    /// The word of its stage.
    pub stage: String,
    /// The word of its report's state.
    pub report_state: String,
    /// Questions that no fact answers.
    pub report_gaps: u32,
}

/// Open clocks of one kind that are due together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Whose ladder it is: the incident's id, the exchange's for a notice received, or the complaint's.
    pub stream: Uuid,
    /// Which duty.
    pub kind: ClockKind,
    /// When the ladder is due: names it.
    pub group_due: Moment,
    /// When the first of them is due.
    pub due: Moment,
    /// The incident; `None` for a notice received that no incident of ours took over, and for a complaint.
    pub subject: Option<Subject>,
    /// The exchange, when it is one.
    pub exchange: Option<ExchangeId>,
    /// The partner, when it is one, with their name.
    pub partner: Option<(PartnerId, String)>,
    /// Open clocks in the group.
    pub open: u32,
    /// All clocks in the group, met ones too.
    pub all: u32,
    /// What started them.
    pub anchor: Anchor,
    /// When.
    pub anchored_at: Moment,
    /// How long they run.
    pub hours: u32,
    /// The statute's limit.
    pub legal_limit: Option<Moment>,
    /// A drill.
    pub exercise: bool,
    /// Nobody but our own people set it.
    pub own_target: bool,
    /// The last ladder step that fired or was passed, in minutes from the due instant.
    pub last_step: Option<i32>,
    /// When the next step comes.
    pub next_step: Option<Moment>,
    /// Who sees to it, and since when.
    pub in_hand: Option<(Actor, Moment)>,
    /// How the one message stands, when the group is one partner.
    pub carrying: Option<Carrying>,
    /// Whom to ring once a step fired: the first partners that are outstanding, each with the contact whose turn it is.
    pub rings: Vec<Ring>,
    /// Steps that fired.
    pub fired: u32,
    /// The ticks on its track: steps up to the due instant, in minutes from it.
    pub ticks: Vec<i32>,
    /// When the taking in hand lapses.
    pub lapses_at: Option<Moment>,
    /// Who was asked to say that they have seen the last step and has not, with their names.
    pub unseen: Vec<(PersonId, String)>,
    /// At the last step managers were reached because nobody else could be.
    pub instead: bool,
    /// The sender's reference, for a notice received; our own, for a complaint.
    pub reference: String,
    /// Partners' reports to the ICO, for our own clock to it; and how many partners told us of one.
    pub filed: (Vec<joint::Filed>, u32),
}

/// How the carrying to a partner stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrying {
    /// The word of the exchange's standing.
    pub standing: String,
    /// Attempts at the message that is being carried.
    pub attempts: u32,
}

/// The counts above the list. Their cost depends on what is open, and on [`SHARE_OF`], not on history.
///
/// # Errors
/// Those of the database.
pub fn strip(rows: &mut Rows<'_>, now: Moment) -> Result<Strip, StoreError> {
    // What partners owe us is no duty of ours.
    let open = || clocks::table.filter(clocks::open).filter(clocks::anchor.ne(Anchor::AskedByUs.word()));
    let overdue: i64 = open().filter(clocks::due_at.lt(now.micros())).count().get_result(rows.db)?;
    let running: i64 = open().filter(clocks::due_at.ge(now.micros())).count().get_result(rows.db)?;
    let soon: i64 = open()
        .filter(clocks::due_at.ge(now.micros()))
        .filter(clocks::due_at.lt(now.plus_seconds(SOON_SECONDS).micros()))
        .count()
        .get_result(rows.db)?;
    let ended: Vec<(String, bool)> = clocks::table
        .filter(clocks::ended_at.is_not_null())
        // What we aim at ourselves is no duty.
        .filter(diesel::dsl::not(clocks::own_target))
        .filter(clocks::anchor.ne(Anchor::AskedByUs.word()))
        .order(clocks::ended_at.desc())
        .limit(SHARE_OF)
        .select((clocks::state, clocks::exercise))
        .load(rows.db)?;
    let met = ended.iter().filter(|(state, exercise)| !exercise && state.starts_with("met"));
    let (mut all, mut in_time) = (0, 0);
    for (state, _) in met {
        all += 1;
        in_time += u32::from(state == "met");
    }
    Ok(Strip { overdue: count(overdue), soon: count(soon), running: count(running), met: all, met_in_time: in_time })
}

/// The most pressing groups, at most `limit`, and how many more there are.
///
/// # Errors
/// Those of the database.
pub fn pressing(rows: &mut Rows<'_>, filter: Filter, limit: usize) -> Result<(Vec<Group>, u32), StoreError> {
    let mut keys = own_groups(rows, filter)?;
    if filter.incident.is_none() {
        keys.extend(received_clocks(rows, filter)?);
        keys.extend(complaint_clocks(rows, filter)?);
    }
    keys.sort_by_key(|key| key.due);
    let more = count(i64::try_from(keys.len().saturating_sub(limit)).unwrap_or(i64::MAX));
    keys.truncate(limit);
    let plans = ladder_plans::standing(rows)?;
    let groups = keys.into_iter().map(|key| group(rows, &plans, key)).collect::<Result<Vec<_>, _>>()?;
    Ok((groups.into_iter().flatten().collect(), more))
}

/// What names a group.
struct Key {
    incident: Option<Vec<u8>>,
    exchange: Option<Vec<u8>>,
    complaint: Option<Vec<u8>>,
    kind: String,
    group_due: i64,
    due: i64,
    open: i64,
}

impl Key {
    /// Whose ladder it is.
    fn stream(&self) -> Result<Uuid, StoreError> {
        let stream = self.incident.as_ref().or(self.exchange.as_ref()).or(self.complaint.as_ref());
        let octets = stream.map(Vec::as_slice).unwrap_or_default();
        Uuid::from_slice(octets).map_err(StoreError::corrupt(TABLE, "a stream"))
    }
}

/// Duties of our own incidents.
fn own_groups(rows: &mut Rows<'_>, filter: Filter) -> Result<Vec<Key>, StoreError> {
    type Found = Vec<(Option<Vec<u8>>, String, i64, Option<i64>, i64)>;
    let mut query = clocks::table
        .filter(clocks::open)
        .filter(clocks::incident_id.is_not_null())
        .group_by((clocks::incident_id, clocks::kind, clocks::group_due_at))
        .select((clocks::incident_id, clocks::kind, clocks::group_due_at, min(clocks::due_at), count_star()))
        .order(min(clocks::due_at))
        .limit(GROUPS_MAX)
        .into_boxed();
    if let Some(kind) = filter.kind {
        query = query.filter(clocks::kind.eq(kind.word()));
    }
    if let Some(partner) = filter.partner {
        query = query.filter(clocks::partner_id.eq(partner.as_bytes().to_vec()));
    }
    if let Some(incident) = filter.incident {
        query = query.filter(clocks::incident_id.eq(incident.as_bytes().to_vec()));
    }
    let found: Found = query.load(rows.db)?;
    Ok(found
        .into_iter()
        .map(|(incident, kind, group_due, due, open)| Key {
            incident,
            exchange: None,
            complaint: None,
            kind,
            group_due,
            due: due.unwrap_or(group_due),
            open,
        })
        .collect())
}

/// Duties of ours from notices received that no incident of ours took over: ICO clocks, and requests to answer. Those due
/// at one instant in one exchange are one, as their ladder is.
fn received_clocks(rows: &mut Rows<'_>, filter: Filter) -> Result<Vec<Key>, StoreError> {
    let asked_of_us = clocks::kind.eq(ClockKind::Assistance.word()).and(clocks::anchor.eq(Anchor::AskedOfUs.word()));
    let mut query = clocks::table
        .filter(clocks::open)
        .filter(clocks::incident_id.is_null())
        .filter(clocks::kind.eq(ClockKind::IcoReport.word()).or(asked_of_us))
        .order(clocks::due_at)
        .limit(GROUPS_MAX)
        .select((clocks::exchange_id, clocks::kind, clocks::group_due_at, clocks::due_at))
        .distinct()
        .into_boxed();
    if let Some(kind) = filter.kind {
        query = query.filter(clocks::kind.eq(kind.word()));
    }
    if let Some(partner) = filter.partner {
        query = query.filter(clocks::partner_id.eq(partner.as_bytes().to_vec()));
    }
    let found: Vec<(Option<Vec<u8>>, String, i64, i64)> = query.load(rows.db)?;
    Ok(found
        .into_iter()
        .map(|(exchange, kind, group_due, due)| Key {
            incident: None,
            exchange,
            complaint: None,
            kind,
            group_due,
            due,
            open: 1,
        })
        .collect())
}

/// What is owed on complaints. Their clocks are those of neither an incident nor an exchange: the index over these holds few.
fn complaint_clocks(rows: &mut Rows<'_>, filter: Filter) -> Result<Vec<Key>, StoreError> {
    if filter.partner.is_some() {
        return Ok(Vec::new());
    }
    let wanted = |kind: &ClockKind| filter.kind.is_none_or(|wanted| wanted == *kind);
    let kinds: Vec<&str> =
        ClockKind::OF_COMPLAINTS.iter().filter(|kind| wanted(kind)).map(|kind| kind.word()).collect();
    let found: Vec<(Vec<u8>, String, i64)> = clocks::table
        .filter(clocks::open)
        .filter(clocks::incident_id.is_null())
        .filter(clocks::exchange_id.is_null())
        .filter(clocks::kind.eq_any(kinds))
        .order((clocks::due_at, clocks::stream))
        .limit(GROUPS_MAX)
        .select((clocks::stream, clocks::kind, clocks::due_at))
        .load(rows.db)?;
    Ok(found
        .into_iter()
        .map(|(complaint, kind, due)| Key {
            incident: None,
            exchange: None,
            complaint: Some(complaint),
            kind,
            group_due: due,
            due,
            open: 1,
        })
        .collect())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = clocks)]
struct Face {
    exchange_id: Option<Vec<u8>>,
    partner_id: Option<Vec<u8>>,
    anchor: String,
    anchored_at: i64,
    hours: i32,
    legal_limit_at: Option<i64>,
    exercise: bool,
    own_target: bool,
}

/// Everything about one group; `None` when its clocks ended meanwhile (they can't within one snapshot).
fn group(rows: &mut Rows<'_>, plans: &Plans, key: Key) -> Result<Option<Group>, StoreError> {
    let of_group = clocks::table.filter(clocks::kind.eq(&key.kind)).filter(clocks::group_due_at.eq(key.group_due));
    let face: Option<Face> = match (&key.incident, key.exchange.as_ref().or(key.complaint.as_ref())) {
        (Some(incident), _) => of_group
            .filter(clocks::incident_id.eq(incident))
            .filter(clocks::open)
            .select(Face::as_select())
            .first(rows.db)
            .optional()?,
        // The clock of a request is filed under its message.
        (None, Some(exchange)) if key.kind == ClockKind::Assistance.word() => of_group
            .filter(clocks::open)
            .filter(clocks::due_at.eq(key.due))
            .filter(clocks::exchange_id.eq(exchange))
            .select(Face::as_select())
            .first(rows.db)
            .optional()?,
        (None, Some(stream)) => {
            of_group.filter(clocks::stream.eq(stream)).select(Face::as_select()).first(rows.db).optional()?
        }
        (None, None) => None,
    };
    let Some(face) = face else { return Ok(None) };
    let all: i64 = match &key.incident {
        Some(incident) => of_group.filter(clocks::incident_id.eq(incident)).count().get_result(rows.db)?,
        None => 1,
    };
    let stream = key.stream()?;
    let subject = key.incident.as_deref().map(|id| subject(rows, incident_id(TABLE, id)?)).transpose()?.flatten();
    let ladder = ladder(rows, stream, &key.kind, key.group_due)?;
    let single = key.open == 1;
    let exchange = face.exchange_id.as_deref().filter(|_| single).map(|id| exchange_id(TABLE, id)).transpose()?;
    let partner = face.partner_id.as_deref().filter(|_| single).map(|id| partner_id(TABLE, id)).transpose()?;
    let (carrying, reference) = match exchange {
        Some(id) => carrying(rows, id)?,
        None => (None, complaint_reference(rows, key.complaint.as_deref())?),
    };
    let (kind, group_due) = (clock_kind(&key.kind)?, moment(TABLE, key.group_due)?);
    let ring = |it: &Subject| fallback::outstanding(rows, it.id, kind, group_due, ladder.fired, RINGS_SHOWN);
    Ok(Some(Group {
        stream,
        kind,
        group_due,
        due: moment(TABLE, key.due)?,
        rings: subject.as_ref().map(ring).transpose()?.unwrap_or_default(),
        subject,
        exchange,
        fired: ladder.fired,
        ticks: plans.of(kind).up_to_due().collect(),
        lapses_at: ladder.in_hand.as_ref().and(ladder.next_step),
        unseen: ladder.unseen,
        instead: ladder.instead,
        partner: partner.map(|id| Ok::<_, StoreError>((id, partners::name(rows, id)?))).transpose()?,
        open: count(key.open),
        all: count(all),
        anchor: anchor(&face.anchor)?,
        anchored_at: moment(TABLE, face.anchored_at)?,
        hours: number(face.hours),
        legal_limit: moment_or_none(TABLE, face.legal_limit_at)?,
        exercise: face.exercise,
        own_target: face.own_target,
        last_step: ladder.last_step,
        next_step: ladder.next_step.filter(|_| ladder.in_hand.is_none()),
        in_hand: ladder.in_hand,
        carrying,
        reference,
        filed: filed_beside(rows, &key, exchange)?,
    }))
}

/// Partners' reports that stand beside our own clock for one, and how many there are.
fn filed_beside(
    rows: &mut Rows<'_>,
    key: &Key,
    exchange: Option<ExchangeId>,
) -> Result<(Vec<joint::Filed>, u32), StoreError> {
    let about = match (&key.incident, exchange) {
        _ if key.kind != ClockKind::IcoReport.word() => return Ok((Vec::new(), 0)),
        (Some(incident), _) => FiledAbout::Incident(incident_id(TABLE, incident)?),
        (None, Some(exchange)) => FiledAbout::Exchange(exchange),
        (None, None) => return Ok((Vec::new(), 0)),
    };
    joint::filed(rows, about, FILED_MAX)
}

/// The incident of a clock, as far as lists show it.
///
/// # Errors
/// Those of the database.
pub fn subject(rows: &mut Rows<'_>, id: IncidentId) -> Result<Option<Subject>, StoreError> {
    type Found = (String, Vec<u8>, String, String, i32);
    let found: Option<Found> = incidents::table
        .find(id.as_bytes().as_slice())
        .select((
            incidents::reference,
            incidents::title,
            incidents::stage,
            incidents::report_state,
            incidents::report_gaps,
        ))
        .first(rows.db)
        .optional()?;
    let Some((reference, title, stage, report_state, gaps)) = found else { return Ok(None) };
    let title = projections::open_title(rows.seal, id.uuid(), &title)?;
    Ok(Some(Subject { id, reference, title, stage, report_state, report_gaps: number(gaps) }))
}

#[derive(Default)]
struct Ladder {
    last_step: Option<i32>,
    next_step: Option<Moment>,
    in_hand: Option<(Actor, Moment)>,
    fired: u32,
    unseen: Vec<(PersonId, String)>,
    instead: bool,
}

fn ladder(rows: &mut Rows<'_>, stream: Uuid, kind: &str, due: i64) -> Result<Ladder, StoreError> {
    type Asked = (i32, Option<Vec<u8>>, Option<Vec<u8>>, bool);
    type Found = ((Option<i32>, Option<i64>, Option<Vec<u8>>, Option<i64>), Asked);
    let found: Option<Found> = ladders::table
        .find((stream.as_bytes().to_vec(), kind, due))
        .select((
            (ladders::last_offset, ladders::next_step_at, ladders::in_hand_by, ladders::in_hand_at),
            (ladders::fired, ladders::asked, ladders::seen, ladders::instead),
        ))
        .first(rows.db)
        .optional()?;
    let Some(((last_step, next_step, by, at), (fired, asked, seen, instead))) = found else {
        return Ok(Ladder::default());
    };
    let in_hand = match (by, at) {
        (Some(by), Some(at)) => Some((projections::open_in_hand(rows.seal, stream, &by)?, moment("ladders", at)?)),
        (None, _) | (_, None) => None,
    };
    let seen = seen.unwrap_or_default();
    let asked = asked.unwrap_or_default();
    let unseen = asked.chunks(ID_OCTETS).filter(|id| !seen.chunks(ID_OCTETS).any(|seen| seen == *id));
    let unseen = unseen.map(|id| named(rows, id)).collect::<Result<Vec<_>, _>>()?;
    let next_step = moment_or_none("ladders", next_step)?;
    Ok(Ladder { last_step, next_step, in_hand, fired: number(fired), unseen, instead })
}

fn named(rows: &mut Rows<'_>, id: &[u8]) -> Result<(PersonId, String), StoreError> {
    let id = PersonId::from_slice(id).map_err(StoreError::corrupt("ladders", "a person"))?;
    let person = people::by_id(rows, id)?;
    Ok((id, person.map_or_else(|| "Somebody whose account was removed".to_owned(), |person| person.name.to_string())))
}

/// Our reference of a complaint.
fn complaint_reference(rows: &mut Rows<'_>, id: Option<&[u8]>) -> Result<String, StoreError> {
    let Some(id) = id else { return Ok(String::new()) };
    let found: Option<String> = complaints::table.find(id).select(complaints::reference).first(rows.db).optional()?;
    Ok(found.unwrap_or_default())
}

/// How the message to a partner that is being carried stands, and the exchange's reference.
fn carrying(rows: &mut Rows<'_>, id: ExchangeId) -> Result<(Option<Carrying>, String), StoreError> {
    let found: Option<(String, String)> = exchanges::table
        .find(id.as_bytes().as_slice())
        .select((exchanges::standing, exchanges::reference))
        .first(rows.db)
        .optional()?;
    let Some((standing, reference)) = found else { return Ok((None, String::new())) };
    let carried = super::exchanges::carried(rows, id)?;
    Ok((Some(Carrying { standing, attempts: carried.map_or(0, |message| message.attempts) }), reference))
}

fn clock_kind(word: &str) -> Result<ClockKind, StoreError> {
    ClockKind::ALL
        .into_iter()
        .find(|kind| kind.word() == word)
        .ok_or(StoreError::Corrupt { table: TABLE, what: "a kind of clock" })
}

fn anchor(word: &str) -> Result<Anchor, StoreError> {
    Anchor::ALL
        .into_iter()
        .find(|anchor| anchor.word() == word)
        .ok_or(StoreError::Corrupt { table: TABLE, what: "an anchor" })
}
