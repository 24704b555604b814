//! Handing our newest manifest to every partner (`POST /ssf/keys`), with back-off, until it is taken.

use std::time::Duration;

use domain::delivery::REQUEST_SECONDS;
use domain::values::Moment;
use futures_util::future::join_all;
use tokio::sync::watch::Receiver;
use tokio::time::timeout;
use webhooks::carrier::{Outcome, Parcel};

use crate::node::loops::{Causes, FIRST_WAIT, Nap, repeat};
use crate::node::{DoorError, Node, pairing};
use crate::store::StoreError;
use crate::store::alerts::{self, AlertKind};
use crate::store::offers::{self, Offer};
use crate::store::partners::{self, Partner};

/// Manifests handed over at once.
const AT_ONCE: u32 = 32;
/// The first waits, in machine seconds, as of the delivery engine (protocol §9) …
const WAITS: [i64; 7] = [5, 15, 30, 60, 120, 300, 600];
/// … then so long …
const WAIT: i64 = 900;
/// … and, after about a day …
const PATIENT_AFTER: usize = 100;
/// … so long.
const PATIENT_WAIT: i64 = 3_600;

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationStep {
    /// Partners that were offered our manifest, whatever came of it.
    pub offered: usize,
    /// New keys began to sign.
    pub switched: bool,
    /// When something is due next, in machine time.
    pub next_due: Option<Moment>,
}

/// What came of handing a manifest over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handed {
    /// The partner's node took it, or held it already.
    Taken,
    /// The partner's node refused it.
    Refused,
    /// Nobody knows.
    NotReached,
}

impl Node {
    /// Looks whether our keys or our record were changed by another process, hands our manifest to partners that are due, and signs with the keys
    /// that wait when it is time.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn rotation_step(&self) -> Result<RotationStep, DoorError> {
        self.reload_keys().await?;
        self.reload_organisation().await?;
        let elapsed = self.time.elapsed();
        let due = self.store.read(move |rows| offers::due(rows, elapsed, AT_ONCE)).await?;
        let offered = due.len();
        for done in join_all(due.into_iter().map(|offer| self.offer(offer))).await {
            done?;
        }
        let switched = self.switch_if_due().await?;
        let next_due = self
            .store
            .read(|rows| {
                let waits = partners::key_switch(rows)?.waits_until;
                Ok([offers::next_due(rows)?, waits].into_iter().flatten().min())
            })
            .await?;
        Ok(RotationStep { offered, switched, next_due })
    }

    async fn offer(&self, offer: Offer) -> Result<(), DoorError> {
        let id = offer.partner;
        let Some(partner) = self.store.read(move |rows| partners::by_id(rows, id)).await? else { return Ok(()) };
        let handed = self.hand_over(&partner).await?;
        if handed == Handed::Taken {
            return Ok(());
        }
        let next_at = self.time.elapsed().plus_seconds(wait(offer.attempts));
        self.store
            .write(self.time.now(), move |turn| {
                offers::not_taken(turn, &offer, next_at)?;
                if handed == Handed::Refused {
                    alerts::raise(turn, AlertKind::ManifestNotTaken, Some(id), None, None, None)?;
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        Ok(())
    }

    /// Hands our manifest to a partner that does not know the key of a message.
    pub(in crate::node) async fn post_manifest(&self, partner: &Partner) {
        if let Err(error) = self.hand_over(partner).await {
            tracing::warn!(partner = %partner.id, error = %Causes(&error), "our key manifest was not handed over");
        }
    }

    async fn hand_over(&self, partner: &Partner) -> Result<Handed, DoorError> {
        let keys = self.keys();
        let Some(parcel) = parcel(partner, keys.manifest_token()) else { return Ok(Handed::NotReached) };
        let limit = Duration::from_secs(REQUEST_SECONDS.unsigned_abs());
        let handed = match timeout(limit, self.carrier.carry(&parcel)).await {
            Ok(Outcome::Answered { status: 200..=299, .. }) => Handed::Taken,
            Ok(Outcome::Answered { status: 400, .. }) => Handed::Refused,
            Ok(Outcome::Answered { .. } | Outcome::NotReached { .. }) | Err(_) => Handed::NotReached,
        };
        let (id, version) = (partner.id, keys.manifest().version);
        tracing::info!(partner = %id, version, taken = handed == Handed::Taken, "our key manifest was handed over");
        if handed == Handed::Taken {
            let news = self
                .store
                .write(self.time.now(), move |turn| {
                    alerts::clear(turn, AlertKind::ManifestNotTaken, Some(id), None)?;
                    offers::taken(turn, id, version)
                })
                .await?;
            if news {
                self.changed();
            }
        }
        Ok(handed)
    }

    /// Repeats the step until told to stop.
    pub(in crate::node) async fn rotate_until(&self, stop: Receiver<bool>) {
        let step = || -> Nap<'_> {
            Box::pin(async {
                let step = self.rotation_step().await?;
                // What is due and changed nothing must not spin.
                Ok(self.machine_nap(step.next_due).max(if step.offered > 0 { Duration::ZERO } else { FIRST_WAIT }))
            })
        };
        repeat("minding our keys", &self.rotating, stop, step).await;
    }
}

/// Our manifest on its way to a partner, with what this node may call for it; `None` for one without a node.
fn parcel(partner: &Partner, manifest: &str) -> Option<Parcel> {
    let url = format!("{}/ssf/keys", partner.issuer.as_deref()?);
    let (exceptions, port) = pairing::allowances(partner);
    Some(Parcel::keys_post(&url, manifest).allowing(exceptions, port))
}

/// After so many attempts, in machine seconds.
fn wait(attempts: u32) -> i64 {
    let attempts = usize::try_from(attempts).unwrap_or(usize::MAX);
    let later = if attempts < PATIENT_AFTER { WAIT } else { PATIENT_WAIT };
    WAITS.get(attempts).copied().unwrap_or(later)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use domain::values::{Line, Moment, PartnerId};
    use uuid::Uuid;

    use super::{parcel, wait};
    use crate::store::partners::{Partner, PartnerState};

    fn partner(state: PartnerState) -> Partner {
        Partner {
            id: PartnerId::from_uuid(Uuid::from_u128(1)),
            issuer: Some("https://council.example:8443".to_owned()),
            state,
            name: Line::parse("Council").unwrap(),
            identity_thumbprint: None,
            identity_x: None,
            push_url: None,
            keys_url: None,
            card: None,
            manifest_version: None,
            manifest: None,
            manifest_fetched_at: None,
            exceptions: vec!["10.1.0.0/16".to_owned()],
            added_at: Moment::from_micros(0).unwrap(),
            verified_at: None,
            wrong_digits: 0,
            later_card: None,
        }
    }

    /// Aim: a manifest may go where messages to the same partner go, its port and its address ranges included.
    #[test]
    fn goes_where_messages_go() {
        let manifest = parcel(&partner(PartnerState::Active), "manifest").unwrap();
        assert_eq!(manifest.url, "https://council.example:8443/ssf/keys");
        assert_eq!((manifest.exceptions.len(), manifest.allowed_port), (1, Some(8_443)));
        let unconfirmed = parcel(&partner(PartnerState::Imported), "manifest").unwrap();
        assert_eq!(unconfirmed.allowed_port, None, "a port counts once administrators have confirmed the name");
        let without_node = Partner { issuer: None, ..partner(PartnerState::Listed) };
        assert!(parcel(&without_node, "manifest").is_none());
    }

    /// Aim: waits grow, and no attempt is ever the last.
    #[test]
    fn waits() {
        assert_eq!([0, 1, 6, 7, 99, 100, u32::MAX].map(wait), [5, 15, 600, 900, 900, 3_600, 3_600]);
    }
}
