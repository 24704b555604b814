//! A partner says that somebody else may have had its key: what came under it since then is a person's to look at
//! (protocol §14). It keeps its receipts and its effects.

use std::collections::BTreeSet;

use domain::values::{ExchangeId, Moment, PartnerId};
use webhooks::jose::{CompactToken, TokenType};
use webhooks::keys::KeyUse;
use webhooks::manifest::{Manifest, RevocationReason};

use crate::store::alerts::{self, AlertKind};
use crate::store::{StoreError, Turn, inbox, ledger};

/// Messages looked at.
const MESSAGES_MAX: u32 = 500;
/// Exchanges alerted one by one.
const EXCHANGES_MAX: usize = 50;

/// Keys of a partner that somebody else may have signed with, each with since when (unix seconds).
pub(in crate::node) struct Suspects(Vec<(String, i64)>);

/// The keys that a newer manifest revokes and the older one did not. One that was only replaced is none of them.
pub(in crate::node) fn newly_suspect(old: Option<&Manifest>, new: &Manifest) -> Suspects {
    let known = |kid: &str| {
        old.and_then(|old| old.keys.iter().find(|key| key.kid() == kid)).is_some_and(|key| key.revoked.is_some())
    };
    let suspects = new.keys.iter().filter(|key| key.node_use == Some(KeyUse::Set) && !known(key.kid()));
    let suspects = suspects.filter_map(|key| {
        let revoked = key.revoked.filter(|revoked| revoked.reason != RevocationReason::Superseded)?;
        Some((key.kid().to_owned(), revoked.compromised_since.unwrap_or(key.nbf)))
    });
    Suspects(suspects.collect())
}

/// Raises an alert for each exchange with a message under such a key since then.
pub(in crate::node) fn mark_for_review(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    suspects: &Suspects,
) -> Result<(), StoreError> {
    let Some(earliest) = suspects.0.iter().map(|(_, since)| *since).min() else { return Ok(()) };
    let since = Moment::from_unix_seconds(earliest)
        .map_err(|_| StoreError::Corrupt { table: "partners", what: "an instant in a manifest" })?;
    let came = inbox::since(turn.rows(), partner, since, MESSAGES_MAX)?;
    let more = came.len() >= usize::try_from(MESSAGES_MAX).unwrap_or(usize::MAX);
    let mut exchanges: BTreeSet<ExchangeId> = BTreeSet::new();
    for (message, exchange) in came {
        let Some(exchange) = exchange.filter(|exchange| !exchanges.contains(exchange)) else { continue };
        let Some(entry) = inbox::set_entry(turn.rows(), partner, message)? else { continue };
        let Some(octets) = ledger::object(turn.rows(), entry)? else { continue };
        let Ok(token) = CompactToken::parse(&octets, TokenType::Set) else { continue };
        if suspects.0.iter().any(|(kid, _)| kid == token.kid()) && exchanges.len() < EXCHANGES_MAX {
            exchanges.insert(exchange);
            alerts::raise(turn, AlertKind::ReviewReceived, Some(partner), Some(exchange), None, Some(message))?;
        }
    }
    if more || exchanges.len() >= EXCHANGES_MAX {
        alerts::raise(turn, AlertKind::ReviewReceived, Some(partner), None, None, None)?;
    }
    Ok(())
}
