//! Partners as lists show them.

use domain::arrangement::FallbackContact;
use domain::values::{Moment, PartnerId, ServiceId};

use crate::store::{Rows, StoreError, outbox, partners, people};

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
    /// When an authenticated message last came from them (machine time).
    pub heard_at: Option<Moment>,
    /// When a receipt last proved the way to them (machine time).
    pub proven_at: Option<Moment>,
    /// Since when attempts fail (machine time).
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
    let arrangements = partners::arrangements_with(rows, id)?;
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
    let arrangements = partners::arrangements(rows)?;
    let contacts = arrangements.into_iter().flat_map(|arrangement| arrangement.contacts);
    let mut mailboxes: Vec<String> =
        contacts.filter_map(|contact| contact.email).map(|email| email.to_string()).collect();
    mailboxes.sort_unstable();
    mailboxes.dedup();
    let names = people::all(rows)?.into_iter().map(|person| person.name.to_string()).collect();
    Ok((mailboxes, names))
}

/// Every partner with how the way to them stands. Partners are hundreds at most.
///
/// # Errors
/// Those of the database.
pub fn list(rows: &mut Rows<'_>) -> Result<Vec<Listed>, StoreError> {
    let mut listed = Vec::new();
    for partner in partners::all(rows)? {
        let lane = outbox::lane(rows, partner.id)?;
        listed.push(Listed {
            id: partner.id,
            name: partner.name.to_string(),
            state: partner.state.word().to_owned(),
            issuer: partner.issuer,
            heard_at: lane.as_ref().and_then(|lane| lane.heard_at),
            proven_at: lane.as_ref().and_then(|lane| lane.proven_at),
            failed_since: lane.as_ref().and_then(|lane| lane.failed_since),
            stopped: lane.and_then(|lane| lane.stopped),
        });
    }
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listed)
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
    Ok(partners::services(rows)?.into_iter().map(|service| (service.id, service.name.to_string())).collect())
}
