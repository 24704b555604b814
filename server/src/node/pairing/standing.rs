//! What an administrator does with a pairing that stands: stop it for now, take it up again, end it; and which addresses
//! this node may call for it (protocol §17).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
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
use crate::store::{StoreError, Turn, outbox};

/// Address ranges admitted for one partner.
pub const EXCEPTIONS_MAX: usize = 20;
/// A wider range than this would be no exception.
const PREFIX_MIN: u8 = 8;
/// Never admitted, in part or as a whole: no partner's own addresses, but this machine, the network's own services, and
/// IPv4 addresses in another dress.
const NEVER: [(IpAddr, u8); 4] = [
    (IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8),
    (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0)), 96),
    (IpAddr::V6(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0)), 96),
];

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
                    outbox::end_heartbeats(turn, id)?;
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
pub(in crate::node) fn admissible(text: &str) -> Result<Cidr, DoorError> {
    let text = text.trim();
    let range = Cidr::from_str(text).map_err(|_| {
        DoorError::Invalid("give each range like 10.1.0.0/16 or fd12::/16, with zeros after the prefix")
    })?;
    if range.prefix() < PREFIX_MIN {
        return Err(DoorError::Invalid("that range is too wide: give one no wider than a /8"));
    }
    if NEVER.iter().any(|never| overlap((range.network(), range.prefix()), *never)) {
        return Err(DoorError::Invalid(
            "that range can't be admitted: 0.0.0.0/8, 169.254.0.0/16, ::ffff:0:0/96 and 64:ff9b::/96 are no partner's own \
             addresses; give the IPv4 or IPv6 range that the partner's node really has",
        ));
    }
    Ok(range)
}

/// Whether two ranges have an address in common: then the narrower one lies inside the wider.
fn overlap(one: (IpAddr, u8), other: (IpAddr, u8)) -> bool {
    let prefix = u32::from(one.1.min(other.1));
    match (one.0, other.0) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros() >= prefix,
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros() >= prefix,
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
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
        for good in ["10.0.0.0/8", " 192.168.7.0/24 ", "127.0.0.1/32", "fd12::/16", "64:ff9b:1::/48", "169.255.0.0/16"]
        {
            assert!(admissible(good).is_ok(), "{good}");
        }
    }

    /// Aim: the metadata service of a cloud, and IPv4 behind an IPv6 prefix, are never admitted: as given, from inside, or
    /// under a wider range.
    #[test]
    fn ranges_that_are_never_admitted() {
        let as_given = ["0.0.0.0/8", "169.254.0.0/16", "::ffff:0:0/96", "64:ff9b::/96"];
        let inside = ["0.0.0.0/32", "169.254.169.254/32", "::ffff:10.0.0.0/104", "64:ff9b::a9fe:a9fe/128"];
        let over = ["169.0.0.0/8", "::/8", "64:ff9b::/32"];
        for bad in as_given.into_iter().chain(inside).chain(over) {
            let refused = admissible(bad).map_err(|error| error.to_string());
            assert!(
                matches!(admissible(bad), Err(DoorError::Invalid(why)) if why.contains("no partner's own")),
                "{bad} {refused:?}"
            );
        }
    }
}
