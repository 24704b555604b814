//! What pages and the API show: selects only, each bounded, paged by key and never by offset, so that a page costs the
//! same however long the history is. Views are plain values; no diesel type leaves this module.

pub mod actions;
pub mod alerts;
pub mod board;
pub mod clocks;
pub mod complaints;
pub mod deadlines;
pub mod directory;
pub mod duties;
pub mod exchanges;
pub mod exercises;
pub mod fallback;
pub mod first_hour;
pub mod incidents;
pub mod joint;
pub mod notices;
pub mod partners;
pub mod people;
pub mod precedents;
pub mod register;
pub mod said;
#[cfg(test)]
mod tests;

pub use super::LoggedEvent;

use domain::facts::IncidentKind;
use domain::values::{ExchangeId, IncidentId, MessageId, Moment, PartnerId};

use super::StoreError;

/// A page of a list, and the key to go on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, K> {
    /// At most as many as were asked for.
    pub items: Vec<T>,
    /// Where the next page starts; `None` when this one is the last.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// From one item more than was asked for.
    fn of(mut items: Vec<T>, limit: usize, key: impl Fn(&T) -> K) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(key) } else { None };
        Self { items, next }
    }
}

fn moment(table: &'static str, micros: i64) -> Result<Moment, StoreError> {
    Moment::from_micros(micros).map_err(StoreError::corrupt(table, "an instant"))
}

fn moment_or_none(table: &'static str, micros: Option<i64>) -> Result<Option<Moment>, StoreError> {
    micros.map(|micros| moment(table, micros)).transpose()
}

fn number(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

fn count(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// One more row than a page shows tells whether there is another page.
fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
}

fn incident_id(table: &'static str, octets: &[u8]) -> Result<IncidentId, StoreError> {
    IncidentId::from_slice(octets).map_err(StoreError::corrupt(table, "an incident"))
}

fn exchange_id(table: &'static str, octets: &[u8]) -> Result<ExchangeId, StoreError> {
    ExchangeId::from_slice(octets).map_err(StoreError::corrupt(table, "an exchange"))
}

fn partner_id(table: &'static str, octets: &[u8]) -> Result<PartnerId, StoreError> {
    PartnerId::from_slice(octets).map_err(StoreError::corrupt(table, "a partner"))
}

fn message_id(table: &'static str, octets: &[u8]) -> Result<MessageId, StoreError> {
    MessageId::from_slice(octets).map_err(StoreError::corrupt(table, "a message"))
}

fn kind(table: &'static str, word: &str) -> Result<IncidentKind, StoreError> {
    match word {
        "breach" => Ok(IncidentKind::Breach),
        "likely_to_give_rise" => Ok(IncidentKind::LikelyToGiveRise),
        "under_investigation" => Ok(IncidentKind::UnderInvestigation),
        _ => Err(StoreError::Corrupt { table, what: "a kind of incident" }),
    }
}
