//! What of the record our integrations hear of: one place that reads decided events, live ones only. Rebuilding the read
//! tables tells nobody anything again.

use diesel::prelude::*;
use domain::clock::ClockKind;
use domain::complaint::{self, Complaint};
use domain::exchange::{self, Direction, Exchange, Stance};
use domain::incident::{self, Incident};
use domain::values::{ComplaintId, ExchangeId, IncidentId, Moment, PartnerId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Destination, Post, Subscribed, derived, queue};
use crate::store::schema::{complaints, exchanges, incidents};
use crate::store::{Change, Rows, StoreError, Turn, endpoints, partners};

const SECONDS_PER_MINUTE: i64 = 60;

/// Something that happened, in codes: what the body of a post is made from when it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occasion {
    /// The word of [`Subscribed`].
    pub event: String,
    /// When (duty time).
    pub at: Moment,
    /// A drill.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exercise: bool,
    /// Which incident of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// Which exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<ExchangeId>,
    /// Which complaint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complaint: Option<ComplaintId>,
    /// Which partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<PartnerId>,
    /// The step of a ladder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// Which version of the notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// What the partner's person says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stance: Option<Stance>,
}

/// A step of a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which duty.
    pub clock: ClockKind,
    /// When it is due (duty time).
    pub due: Moment,
    /// Minutes from then; negative before it.
    pub offset_minutes: i32,
    /// Partners outstanding; 0 for a clock that is not about partners.
    pub partners: u32,
    /// Minutes from the due instant when it fired, where that is not the step's own: a complaint may be logged long after
    /// it was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fired_minutes: Option<i32>,
    /// The law's limit, where it is later than the due instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Moment>,
}

impl Step {
    /// A step of a complaint's ladder that fired at an instant, with the law's limit.
    #[must_use]
    pub fn of_complaint(before: &Complaint, clock: ClockKind, due: Moment, offset_minutes: i32, at: Moment) -> Self {
        let owed = before.owed().into_iter().find(|owed| owed.clock.kind == clock);
        let fired = at.seconds_since(due).div_euclid(SECONDS_PER_MINUTE);
        Self {
            clock,
            due,
            offset_minutes,
            partners: 0,
            fired_minutes: i32::try_from(fired).ok(),
            limit: owed.and_then(|owed| owed.limit),
        }
    }

    /// What integrations hear of it as. One that was slept through until the duty was late is heard as that.
    #[must_use]
    pub fn event(self) -> Subscribed {
        if self.offset_minutes >= 0 || self.fired_minutes.is_some_and(|fired| fired >= 0) {
            return Subscribed::ClockOverdue;
        }
        match self.clock {
            ClockKind::IcoReport => Subscribed::ReportDue,
            ClockKind::PartnerNotice
            | ClockKind::PartnerAcknowledgement
            | ClockKind::Assistance
            | ClockKind::PeopleTold
            | ClockKind::FollowUp
            | ClockKind::ComplaintAcknowledgement
            | ClockKind::ComplaintPromisedAcknowledgement
            | ClockKind::ComplaintPromisedAnswer => Subscribed::ClockStep,
        }
    }
}

/// An occasion with the ledger entry that it was read from.
pub(super) struct Found {
    pub(super) event: Subscribed,
    pub(super) occasion: Occasion,
    pub(super) entry: u64,
}

/// Queues posts for whoever hears of these changes, in their transaction; `first` is the ledger entry of the first event.
/// Costs nothing for changes that nobody can subscribe to, and one query for others.
pub(in crate::store) fn hook(turn: &mut Turn<'_>, changes: &[Change], first: u64) -> Result<(), StoreError> {
    let found = occasions(changes, first);
    if found.is_empty() {
        return Ok(());
    }
    let posts = for_integrations(turn, &found)?;
    queue(turn, posts)
}

fn for_integrations(turn: &mut Turn<'_>, found: &[Found]) -> Result<Vec<Post>, StoreError> {
    let subscriptions = endpoints::subscriptions(turn.rows())?;
    let mut posts = Vec::new();
    for Found { event, occasion, entry } in found {
        for (endpoint, _) in subscriptions.iter().filter(|(_, events)| events.contains(event)) {
            let body =
                serde_json::to_vec(occasion).map_err(StoreError::corrupt("posts", "an occasion without JSON"))?;
            posts.push(Post {
                id: id_of(*entry, occasion.at, *endpoint),
                to: Destination::Endpoint(*endpoint),
                event: *event,
                body,
                incident: occasion.incident,
                exchange: occasion.exchange,
            });
        }
    }
    Ok(posts)
}

/// The id of a post about an entry of the ledger. It begins with the entry's number, so that posts of one instant go out in
/// the order of the record. A restored backup gives its numbers out again; the rest tells their posts apart.
fn id_of(entry: u64, at: Moment, endpoint: Uuid) -> Uuid {
    let mut id = *derived(&[&entry.to_be_bytes(), &at.micros().to_be_bytes(), endpoint.as_bytes()]).as_bytes();
    let [_, _, number @ ..] = entry.to_be_bytes();
    for (to, from) in id.iter_mut().zip(number) {
        *to = from;
    }
    uuid::Builder::from_custom_bytes(id).into_uuid()
}

/// What there is to hear of in these changes.
pub(super) fn occasions(changes: &[Change], first: u64) -> Vec<Found> {
    let mut found = Vec::new();
    let mut entry = first;
    for change in changes {
        match change {
            Change::Incident { id, before, events } => {
                for (event, entry) in events.iter().zip(entry..) {
                    let heard = of_incident(*id, before.as_ref(), event);
                    found.extend(heard.map(|(event, occasion)| Found { event, occasion, entry }));
                }
                entry = entry.saturating_add(u64::try_from(events.len()).unwrap_or(u64::MAX));
            }
            Change::Exchange { id, before, events } => {
                for (event, entry) in events.iter().zip(entry..) {
                    let heard = of_exchange(*id, before.as_ref(), event);
                    found.extend(heard.map(|(event, occasion)| Found { event, occasion, entry }));
                }
                entry = entry.saturating_add(u64::try_from(events.len()).unwrap_or(u64::MAX));
            }
            Change::Complaint { id, before, events } => {
                for (event, entry) in events.iter().zip(entry..) {
                    let heard = of_complaint(*id, before.as_ref(), event);
                    found.extend(heard.map(|(event, occasion)| Found { event, occasion, entry }));
                }
                entry = entry.saturating_add(u64::try_from(events.len()).unwrap_or(u64::MAX));
            }
        }
    }
    found
}

type Heard = Option<(Subscribed, Occasion)>;

/// `if let`, not a match: whatever else is ever decided, nobody subscribes to it before it stands here.
fn of_incident(id: IncidentId, before: Option<&Incident>, event: &incident::Event) -> Heard {
    if let incident::Event::Logged { exercise, at, .. } = event {
        let occasion =
            Occasion { incident: Some(id), exercise: *exercise, ..Occasion::of(Subscribed::IncidentLogged, *at) };
        return Some((Subscribed::IncidentLogged, occasion));
    }
    if let incident::Event::StepFired { kind, due, offset_minutes, partners, reached, at, .. } = event {
        if reached.no_webhook {
            return None;
        }
        let (clock, due, offset_minutes, partners) = (*kind, *due, *offset_minutes, *partners);
        let step = Step { clock, due, offset_minutes, partners, fired_minutes: None, limit: None };
        let exercise = before.is_some_and(|incident| incident.exercise);
        let occasion = Occasion { incident: Some(id), exercise, step: Some(step), ..Occasion::of(step.event(), *at) };
        return Some((step.event(), occasion));
    }
    None
}

fn of_exchange(id: ExchangeId, before: Option<&Exchange>, event: &exchange::Event) -> Heard {
    use exchange::Event;
    if let Event::NoticeReceived { partner, exercise, version, .. } = event {
        let occasion = Occasion {
            exchange: Some(id),
            partner: Some(*partner),
            exercise: *exercise,
            revision: Some(version.revision),
            ..Occasion::of(Subscribed::NoticeReceived, version.at)
        };
        return Some((Subscribed::NoticeReceived, occasion));
    }
    let exchange = before?;
    let about = |event: Subscribed, at: Moment| Occasion {
        incident: exchange.incident,
        exchange: Some(id),
        partner: Some(exchange.partner),
        exercise: exchange.exercise,
        ..Occasion::of(event, at)
    };
    if let Event::Receipted { message, at, .. } = event {
        // Receipts for acknowledgements and messages of ours are no news.
        let notice = exchange.notices.iter().find(|notice| notice.message == *message)?;
        let occasion = Occasion { revision: Some(notice.revision), ..about(Subscribed::Receipt, *at) };
        return Some((Subscribed::Receipt, occasion));
    }
    if let Event::Acknowledged { acknowledgement, at, .. } = event {
        let occasion = Occasion {
            revision: Some(acknowledgement.revision_seen),
            stance: Some(acknowledgement.stance),
            ..about(Subscribed::Acknowledgement, *at)
        };
        return Some((Subscribed::Acknowledgement, occasion));
    }
    if let Event::StepFired { kind, due, offset_minutes, reached, at, .. } = event {
        if reached.no_webhook {
            return None;
        }
        let (clock, due, offset_minutes) = (*kind, *due, *offset_minutes);
        let step = Step { clock, due, offset_minutes, partners: 0, fired_minutes: None, limit: None };
        return Some((step.event(), Occasion { step: Some(step), ..about(step.event(), *at) }));
    }
    None
}

/// Of complaints only that time runs short. A step is never the first of a complaint's events.
fn of_complaint(id: ComplaintId, before: Option<&Complaint>, event: &complaint::Event) -> Heard {
    let complaint::Event::StepFired { kind, due, offset_minutes, reached, at, .. } = event else { return None };
    if reached.no_webhook {
        return None;
    }
    let step = Step::of_complaint(before?, *kind, *due, *offset_minutes, *at);
    let occasion = Occasion { complaint: Some(id), step: Some(step), ..Occasion::of(step.event(), *at) };
    Some((step.event(), occasion))
}

impl Occasion {
    /// Only what and when.
    #[must_use]
    pub fn of(event: Subscribed, at: Moment) -> Self {
        Self {
            event: event.word().to_owned(),
            at,
            exercise: false,
            incident: None,
            exchange: None,
            complaint: None,
            partner: None,
            step: None,
            revision: None,
            stance: None,
        }
    }
}

/// What an occasion's ids stand for now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// The incident's reference.
    pub incident: Option<String>,
    /// The partner's name.
    pub partner: Option<String>,
    /// The exchange's reference: the sender's.
    pub exchange: Option<String>,
    /// The complaint's reference.
    pub complaint: Option<String>,
    /// The partner told us, not we them.
    pub incoming: bool,
}

/// The names for an occasion: a few small queries.
///
/// # Errors
/// [`StoreError::Corrupt`] when a partner does not open; those of the database.
pub fn names(rows: &mut Rows<'_>, occasion: &Occasion) -> Result<Names, StoreError> {
    let mut names = Names::default();
    if let Some(id) = occasion.incident {
        let incident = incidents::table.find(id.as_bytes().as_slice()).select(incidents::reference);
        names.incident = incident.first(rows.db).optional()?;
    }
    if let Some(id) = occasion.complaint {
        let complaint = complaints::table.find(id.as_bytes().as_slice()).select(complaints::reference);
        names.complaint = complaint.first(rows.db).optional()?;
    }
    if let Some(id) = occasion.partner {
        names.partner = partners::by_id(rows, id)?.map(|partner| partner.name.to_string());
    }
    if let Some(id) = occasion.exchange {
        let exchange = exchanges::table.find(id.as_bytes().as_slice());
        let found: Option<(String, String)> =
            exchange.select((exchanges::reference, exchanges::direction)).first(rows.db).optional()?;
        if let Some((reference, direction)) = found {
            names.incoming = direction == Direction::Incoming.word();
            names.exchange = Some(reference);
        }
    }
    Ok(names)
}
