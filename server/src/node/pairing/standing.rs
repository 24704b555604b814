//! What an administrator does with a pairing that stands: stop it for now, take it up again, end it; and which addresses
//! this node may call for it (protocol §17).

use std::str::FromStr as _;

use domain::values::{Line, PartnerId};
use serde_json::json;
use webhooks::address_guard::Cidr;

use super::{PairingRefusal, PartnerState, pairing_entry};
use crate::access::Administrator;
use crate::node::administer::note;
use crate::node::{DoorError, Node};
use crate::store::alerts::{self, AlertKind};
use crate::store::partners::{self, Partner};
use crate::store::{StoreError, Turn};

/// Address ranges admitted for one partner.
pub const EXCEPTIONS_MAX: usize = 20;
/// A wider range than this would be no exception.
const PREFIX_MIN: u8 = 8;

/// Alerts that end with the pairing they are about.
const OF_A_PAIRING: [AlertKind; 4] =
    [AlertKind::CardLocked, AlertKind::CardWaits, AlertKind::CardChanged, AlertKind::ManifestRefused];

impl Node {
    /// Stops all exchange with a partner: it is answered `access_denied`.
    ///
    /// # Errors
    /// [`DoorError::Pairing`] unless it is active.
    pub async fn suspend(&self, by: &Administrator, id: PartnerId, reason: Line) -> Result<(), DoorError> {
        self.move_pairing(by, id, &[PartnerState::Active], PartnerState::Suspended, reason).await
    }

    /// Takes the exchange up again.
    ///
    /// # Errors
    /// [`DoorError::Pairing`] unless it is suspended.
    pub async fn resume(&self, by: &Administrator, id: PartnerId, reason: Line) -> Result<(), DoorError> {
        self.move_pairing(by, id, &[PartnerState::Suspended], PartnerState::Active, reason).await
    }

    /// Ends a pairing. Its history stays, and the partner may be paired again by a new ceremony.
    ///
    /// # Errors
    /// [`DoorError::Pairing`] when there is none, or it has ended already.
    pub async fn end_pairing(&self, by: &Administrator, id: PartnerId, reason: Line) -> Result<(), DoorError> {
        let from = [
            PartnerState::Imported,
            PartnerState::Verified,
            PartnerState::Active,
            PartnerState::Suspended,
            PartnerState::Locked,
        ];
        self.move_pairing(by, id, &from, PartnerState::Ended, reason).await
    }

    async fn move_pairing(
        &self,
        by: &Administrator,
        id: PartnerId,
        from: &[PartnerState],
        to: PartnerState,
        reason: Line,
    ) -> Result<(), DoorError> {
        let (by, from) = (by.actor().clone(), from.to_vec());
        self.store
            .write(self.time.now(), move |turn| {
                let partner = partners::by_id(turn.rows(), id)?.ok_or(DoorError::NotFound)?;
                if !from.contains(&partner.state) {
                    return Err(PairingRefusal::WrongStep.into());
                }
                let record = json!({
                    "partner": id, "from": partner.state.word(), "to": to.word(), "reason": reason, "by": by,
                });
                pairing_entry(turn, Some(id), "moved", &record)?;
                partners::set_state(turn, id, to)?;
                if to == PartnerState::Ended {
                    partners::set_later_card(turn, id, None)?;
                    clear_alerts(turn, id)?;
                }
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Admits address ranges for one partner beside public addresses, in the place of those admitted before: partners on
    /// a private network. At most [`EXCEPTIONS_MAX`], each no wider than a /8.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] for too many, or one that is no such range; [`DoorError::NotFound`].
    pub async fn set_exceptions(
        &self,
        by: &Administrator,
        id: PartnerId,
        ranges: Vec<String>,
    ) -> Result<(), DoorError> {
        if ranges.len() > EXCEPTIONS_MAX {
            return Err(DoorError::Invalid("give at most 20 address ranges"));
        }
        let mut admitted: Vec<String> = Vec::with_capacity(ranges.len());
        for range in &ranges {
            let range = admissible(range)?.to_string();
            if !admitted.contains(&range) {
                admitted.push(range);
            }
        }
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                let partner = partners::by_id(turn.rows(), id)?.ok_or(DoorError::NotFound)?;
                partners::set_exceptions(turn, id, &admitted)?;
                let about = json!({ "partner": id, "before": partner.exceptions, "now": admitted });
                note(turn, &by, "addresses_admitted", &about)?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }
}

/// A range that is an exception, not the rule.
fn admissible(text: &str) -> Result<Cidr, DoorError> {
    let text = text.trim();
    let range = Cidr::from_str(text).map_err(|_| {
        DoorError::Invalid("give each range like 10.1.0.0/16 or fd12::/16, with zeros after the prefix")
    })?;
    let prefix = text.rsplit('/').next().and_then(|prefix| prefix.parse::<u8>().ok());
    if prefix.is_none_or(|prefix| prefix < PREFIX_MIN) {
        return Err(DoorError::Invalid("that range is too wide: give one no wider than a /8"));
    }
    Ok(range)
}

/// What this node may call for a partner: the ranges admitted for it, and the port in its name on the wire, which the
/// administrators saw when they confirmed it. Nothing before that.
pub(in crate::node) fn allowances(partner: &Partner) -> (Vec<Cidr>, Option<u16>) {
    let exceptions = partner.exceptions.iter().filter_map(|range| range.parse().ok()).collect();
    let port = match partner.state {
        PartnerState::Verified | PartnerState::Active | PartnerState::Suspended => {
            partner.issuer.as_deref().and_then(port_of)
        }
        PartnerState::Listed | PartnerState::Imported | PartnerState::Ended | PartnerState::Locked => None,
    };
    (exceptions, port)
}

/// The port that an issuer names; `None` when it names none.
fn port_of(issuer: &str) -> Option<u16> {
    let host = issuer.split_once("://")?.1;
    let (before, port) = host.rsplit_once(':')?;
    // A colon inside an IPv6 literal is no port's.
    if before.starts_with('[') && !before.ends_with(']') { None } else { port.parse().ok() }
}

/// What was wrong with a pairing is over with it.
pub(super) fn clear_alerts(turn: &mut Turn<'_>, id: PartnerId) -> Result<(), StoreError> {
    for kind in OF_A_PAIRING {
        alerts::clear(turn, kind, Some(id), None)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: only a port that the issuer itself names is called.
    #[test]
    fn ports_of_issuers() {
        assert_eq!(port_of("https://council.example"), None);
        assert_eq!(port_of("https://council.example:8443"), Some(8_443));
        assert_eq!(port_of("https://[2a00::1]"), None);
        assert_eq!(port_of("https://[2a00::1]:8443"), Some(8_443));
    }

    /// Aim: a slip of the finger, and a range that holds half the Internet, admit nothing.
    #[test]
    fn ranges_that_are_no_exceptions() {
        for bad in ["", "10.0.0.0", "10.1.0.0/8", "0.0.0.0/0", "::/0", "10.0.0.0/7", "x"] {
            assert!(admissible(bad).is_err(), "{bad}");
        }
        for good in ["10.0.0.0/8", " 192.168.7.0/24 ", "127.0.0.1/32", "fd12::/16"] {
            assert!(admissible(good).is_ok(), "{good}");
        }
    }
}
