//! Partners as lists show them.

use std::collections::HashMap;

use diesel::prelude::*;
use domain::arrangement::FallbackContact;
use domain::values::{ArrangementId, Hours, Moment, PartnerId, ServiceId};

use super::Page;
use crate::store::endpoints::Told;
use crate::store::partners::{Partner, PartnerState};
use crate::store::schema::arrangements;
use crate::store::{Rows, StoreError, directory, endpoints, outbox, partners, people};

/// Arrangements counted.
const ARRANGEMENTS_MAX: i64 = 10_000;

/// A partner in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub id: PartnerId,
    /// Their name.
    pub name: String,
    /// The word of the pairing's state.
    pub state: String,
    /// Their name on the wire.
    pub issuer: Option<String>,
    /// Over which channel they are told.
    pub told: Told,
    /// Current arrangements with them.
    pub arrangements: u32,
    /// Whether a card of theirs waits for an administrator.
    pub card_waits: bool,
    /// When their digits were last confirmed (duty time).
    pub verified_at: Option<Moment>,
    /// When an authenticated message last came from them (machine time).
    pub heard_at: Option<Moment>,
    /// When a receipt last proved the way to them (machine time).
    pub proven_at: Option<Moment>,
    /// Since when attempts over their channel fail (machine time).
    pub failed_since: Option<Moment>,
    /// Why nothing but heartbeats goes out.
    pub stopped: Option<String>,
}

/// A partner's name; their id when there is no such partner any more.
///
/// # Errors
/// Those of the database.
pub fn name(rows: &mut Rows<'_>, id: PartnerId) -> Result<String, StoreError> {
    Ok(partners::by_id(rows, id)?.map_or_else(|| id.to_string(), |partner| partner.name.to_string()))
}

/// Whom to ring at a partner, in order, over all current arrangements.
///
/// # Errors
/// Those of the database.
pub fn contacts(rows: &mut Rows<'_>, id: PartnerId) -> Result<Vec<FallbackContact>, StoreError> {
    let arrangements = directory::arrangements_with(rows, id)?;
    let mut contacts: Vec<FallbackContact> = Vec::new();
    for contact in arrangements.into_iter().flat_map(|arrangement| arrangement.contacts) {
        if !contacts.contains(&contact) {
            contacts.push(contact);
        }
    }
    Ok(contacts)
}

/// What the check for personal data has to know: mail addresses of contacts, and names of people with accounts here.
///
/// # Errors
/// Those of the database.
pub fn known_texts(rows: &mut Rows<'_>) -> Result<(Vec<String>, Vec<String>), StoreError> {
    let arrangements = directory::arrangements(rows)?;
    let contacts = arrangements.into_iter().flat_map(|arrangement| arrangement.contacts);
    let mut mailboxes: Vec<String> =
        contacts.filter_map(|contact| contact.email).map(|email| email.to_string()).collect();
    mailboxes.sort_unstable();
    mailboxes.dedup();
    let names = people::all(rows)?.into_iter().map(|person| person.name.to_string()).collect();
    Ok((mailboxes, names))
}

/// Every partner with how the way to them stands, by name. Partners are hundreds at most.
///
/// # Errors
/// Those of the database.
pub fn list(rows: &mut Rows<'_>) -> Result<Vec<Listed>, StoreError> {
    let everybody = sorted(rows)?;
    let counts = arrangement_counts(rows)?;
    everybody.into_iter().map(|partner| listed(rows, partner, &counts)).collect()
}

/// One page of the list, after a partner shown before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage {
    /// The page.
    pub page: Page<Listed, PartnerId>,
    /// How many partners there are.
    pub total: usize,
}

/// Partners by name, at most `limit`, after the one named.
///
/// # Errors
/// Those of the database.
pub fn page(rows: &mut Rows<'_>, after: Option<PartnerId>, limit: usize) -> Result<ListPage, StoreError> {
    let mut everybody = sorted(rows)?;
    let total = everybody.len();
    let from = after.and_then(|after| everybody.iter().position(|partner| partner.id == after));
    let mut shown: Vec<Partner> = everybody.drain(from.map_or(0, |at| at.saturating_add(1))..).collect();
    let more = shown.len() > limit;
    shown.truncate(limit);
    let counts = arrangement_counts(rows)?;
    let items: Vec<Listed> =
        shown.into_iter().map(|partner| listed(rows, partner, &counts)).collect::<Result<_, _>>()?;
    let next = items.last().map(|last| last.id).filter(|_| more);
    Ok(ListPage { page: Page { items, next }, total })
}

/// Names lie sealed, so they are sorted here.
fn sorted(rows: &mut Rows<'_>) -> Result<Vec<Partner>, StoreError> {
    let mut everybody = partners::all(rows)?;
    everybody.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()).then_with(|| a.id.cmp(&b.id)));
    Ok(everybody)
}

fn listed(rows: &mut Rows<'_>, partner: Partner, counts: &HashMap<Vec<u8>, u32>) -> Result<Listed, StoreError> {
    let told = endpoints::told(rows, partner.id)?.unwrap_or(Told::Node);
    let lane = outbox::lane_of(rows, partner.id, told.lane())?;
    Ok(Listed {
        id: partner.id,
        name: partner.name.to_string(),
        state: partner.state.word().to_owned(),
        issuer: partner.issuer,
        told,
        arrangements: counts.get(partner.id.as_bytes().as_slice()).copied().unwrap_or_default(),
        card_waits: partner.later_card.is_some(),
        verified_at: partner.verified_at,
        heard_at: lane.as_ref().and_then(|lane| lane.heard_at),
        proven_at: lane.as_ref().and_then(|lane| lane.proven_at),
        failed_since: lane.as_ref().and_then(|lane| lane.failed_since),
        stopped: lane.and_then(|lane| lane.stopped),
    })
}

fn arrangement_counts(rows: &mut Rows<'_>) -> Result<HashMap<Vec<u8>, u32>, StoreError> {
    let current: Vec<Vec<u8>> = arrangements::table
        .filter(arrangements::current)
        .limit(ARRANGEMENTS_MAX)
        .select(arrangements::partner_id)
        .load(rows.db)?;
    let mut counts = HashMap::new();
    for partner in current {
        let count: &mut u32 = counts.entry(partner).or_default();
        *count = count.saturating_add(1);
    }
    Ok(counts)
}

/// Partners that a card can be imported for: known by name only, or paired before.
///
/// # Errors
/// Those of the database.
pub fn awaiting_card(rows: &mut Rows<'_>) -> Result<Vec<(PartnerId, String)>, StoreError> {
    let mut waiting = sorted(rows)?;
    waiting.retain(|partner| match partner.state {
        PartnerState::Listed | PartnerState::Ended | PartnerState::Locked => true,
        PartnerState::Imported | PartnerState::Verified | PartnerState::Active | PartnerState::Suspended => false,
    });
    Ok(waiting.into_iter().map(|partner| (partner.id, partner.name.to_string())).collect())
}

/// Which terms bind us to a partner: each current arrangement with the title of its agreement and the hours to tell them.
///
/// # Errors
/// Those of the database.
pub fn terms_with(
    rows: &mut Rows<'_>,
    id: PartnerId,
) -> Result<Vec<(ArrangementId, String, Option<Hours>)>, StoreError> {
    let found = directory::arrangements_with(rows, id)?.into_iter();
    Ok(found.map(|terms| (terms.id, terms.agreement_title.to_string(), terms.notice_hours)).collect())
}

/// Names of all partners, for filters.
///
/// # Errors
/// Those of the database.
pub fn names(rows: &mut Rows<'_>) -> Result<Vec<(PartnerId, String)>, StoreError> {
    let mut names: Vec<_> =
        partners::all(rows)?.into_iter().map(|partner| (partner.id, partner.name.to_string())).collect();
    names.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(names)
}

/// Services that an incident can be logged for, in their order.
///
/// # Errors
/// Those of the database.
pub fn services(rows: &mut Rows<'_>) -> Result<Vec<(ServiceId, String)>, StoreError> {
    Ok(directory::services(rows)?.into_iter().map(|service| (service.id, service.name.to_string())).collect())
}
