//! Partners' key manifests: read once, fetched when an unknown key turns up or an hour has passed, taken in by the rules
//! of protocol §3, kept for ever. Once an hour a partner's later card is looked for as well.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::delivery::REQUEST_SECONDS;
use domain::values::{Moment, PartnerId};
use futures_util::future::join_all;
use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::watch::Receiver;
use tokio::time::{sleep, timeout};
use webhooks::carrier::{Outcome, Parcel};
use webhooks::keys::PublicKey;
use webhooks::manifest::{Manifest, ManifestError, Stored, Taken, parse_kept, take_in};

use crate::node::Node;
use crate::node::loops::Causes;
use crate::node::rotation::{mark_for_review, newly_suspect};
use crate::store::alerts::{self, AlertKind};
use crate::store::partners::{self, Partner};
use crate::store::{EntryKind, StoreError};

/// Between two look-ups for an unknown key, per partner, in machine time (protocol §20).
const UNKNOWN_KEY_SECONDS: i64 = 300;
/// Age at which an active partner's manifest is fetched again.
const REFRESH_SECONDS: i64 = 3_600;
/// Fetched at once in one round of refreshing.
const REFRESHED_AT_ONCE: u32 = 8;
/// Between two rounds.
const ROUND: Duration = Duration::from_secs(60);

/// Manifests kept read: each takes some kilobytes, and reading one again some tens of microseconds.
const READ_MAX: usize = 1_024;

/// Manifests read lately, and who is being asked.
#[derive(Default)]
pub(in crate::node) struct Manifests {
    /// By the token that each was read from, of which a short digest is kept: tokens of thousands of partners are large.
    read: Mutex<HashMap<PartnerId, (u64, Arc<Manifest>)>>,
    asking: Mutex<HashMap<PartnerId, Arc<AsyncMutex<()>>>>,
}

impl Manifests {
    /// The partner's manifest as last taken in; `None` before the first, or without a pinned key.
    pub(in crate::node) fn get(&self, partner: &Partner) -> Option<Arc<Manifest>> {
        let token = short_digest(partner.manifest.as_deref()?);
        let known = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((from, manifest)) = known().get(&partner.id)
            && *from == token
        {
            return Some(Arc::clone(manifest));
        }
        // Reading takes a while; others need not wait for it.
        let manifest = Arc::new(parse_again(partner)?);
        let mut known = known();
        if known.len() >= READ_MAX {
            known.clear();
        }
        known.insert(partner.id, (token, Arc::clone(&manifest)));
        Some(manifest)
    }

    fn turn_of(&self, partner: PartnerId) -> Arc<AsyncMutex<()>> {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(asking.entry(partner).or_default())
    }
}

/// The key pinned at pairing.
fn identity(partner: &Partner) -> Option<PublicKey> {
    PublicKey::from_x(partner.identity_x.as_deref()?).ok()
}

/// The manifest last taken in, read from what is kept. It lies sealed, bound to its partner, since its signature was
/// verified.
fn parse_again(partner: &Partner) -> Option<Manifest> {
    let (token, thumbprint) = (partner.manifest.as_deref()?, partner.identity_thumbprint.as_deref()?);
    parse_kept(token.as_bytes(), partner.issuer.as_deref()?, thumbprint).ok()
}

/// Tells versions of one partner's manifest apart.
fn short_digest(token: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    token.hash(&mut hasher);
    hasher.finish()
}

/// Judges a manifest against the one that is known and kept.
fn judge(known: Option<&Manifest>, partner: &Partner, token: &[u8], now: Moment) -> Result<Taken, NotTaken> {
    let identity = identity(partner).ok_or(NotTaken::NotPinned)?;
    let issuer = partner.issuer.as_deref().ok_or(NotTaken::NotPinned)?;
    let stored = match (known, &partner.manifest) {
        (Some(manifest), Some(octets)) => Some(Stored { manifest, octets }),
        (None, _) | (_, None) => None,
    };
    Ok(take_in(stored, token, issuer, &identity, now.unix_seconds())?)
}

/// Why a manifest was not taken in.
#[derive(Debug, thiserror::Error)]
pub(in crate::node) enum NotTaken {
    /// It breaks a rule; the old one stays.
    #[error("the manifest was refused")]
    Refused(#[from] ManifestError),
    /// There is no pinned key to judge it by.
    #[error("the partner has no pinned identity key")]
    NotPinned,
    /// It could not be kept.
    #[error("the manifest could not be kept")]
    Store(#[from] StoreError),
}

impl Node {
    /// Looks at the partner's manifest, unless that was done in the last five minutes; one look at a time. Gives the
    /// partner as it stands then, or nothing when there was no new look and no news.
    pub(in crate::node) async fn refetch_manifest(&self, id: PartnerId) -> Option<Partner> {
        let turn = self.manifests.turn_of(id);
        let _one_at_a_time = turn.lock().await;
        let partner = self.partner(id).await.ok()?;
        let elapsed = self.time.elapsed();
        let recent = |at: Moment| (0..UNKNOWN_KEY_SECONDS).contains(&elapsed.seconds_since(at));
        if partner.manifest_fetched_at.is_some_and(recent) {
            return partner.manifest.is_some().then_some(partner);
        }
        self.fetch_manifest(&partner).await;
        self.partner(id).await.ok().filter(|partner| partner.manifest.is_some())
    }

    async fn fetch_manifest(&self, partner: &Partner) {
        let Some(url) = partner.keys_url.as_deref() else { return };
        let (exceptions, port) = super::allowances(partner);
        let parcel = Parcel::manifest_fetch(url).allowing(exceptions, port);
        let limit = Duration::from_secs(REQUEST_SECONDS.unsigned_abs());
        // A node that takes no messages can't be asked for its keys either: it hands them over (protocol §12).
        let outcome = match partner.push_url {
            Some(_) => timeout(limit, self.carrier.carry(&parcel)).await.ok(),
            None => None,
        };
        let taken = match outcome {
            Some(Outcome::Answered { status: 200, body, .. }) => self.take_manifest(partner, &body).await,
            Some(Outcome::Answered { .. } | Outcome::NotReached { .. }) | None => Ok(()),
        };
        let refused = matches!(taken, Err(NotTaken::Refused(_)));
        let (id, elapsed) = (partner.id, self.time.elapsed());
        let noted = self.store.write(self.time.now(), move |turn| {
            partners::set_manifest_looked_at(turn, id, elapsed)?;
            if refused {
                alerts::raise(turn, AlertKind::ManifestRefused, Some(id), None, None, None)?;
            }
            Ok::<_, StoreError>(())
        });
        let noted = noted.await.map_err(NotTaken::from);
        if let Err(error) = taken.and(noted) {
            tracing::warn!(partner = %partner.id, error = %Causes(&error), "a key manifest was not taken in");
        }
    }

    /// Takes a manifest in, by every rule. The same octets again, and refused ones, change nothing here, not even when we
    /// last looked: anybody can hand over a copy or a forgery.
    pub(in crate::node) async fn take_manifest(&self, partner: &Partner, token: &[u8]) -> Result<(), NotTaken> {
        let (id, judged_under) = (partner.id, partner.identity_thumbprint.clone());
        let (now, elapsed) = (self.time.now(), self.time.elapsed());
        let known = self.manifests.get(partner);
        let manifest = match judge(known.as_deref(), partner, token, now)? {
            Taken::Unchanged => return Ok(()),
            Taken::New(manifest) => manifest,
        };
        let judged_against = partner.manifest.clone();
        let kept = self.store.write(now, move |turn| {
            let Some(partner) = partners::by_id(turn.rows(), id)? else { return Ok(()) };
            // Paired anew meanwhile: the list belongs to an identity that counts no more.
            if partner.identity_thumbprint != judged_under {
                return Ok(());
            }
            let (version, token) = (manifest.get().version, manifest.octets());
            if partner.manifest_version.is_some_and(|stored| stored > version) {
                return Ok(());
            }
            let mut known = known;
            // Another list was taken in meanwhile: this one has to continue that one.
            if partner.manifest != judged_against {
                known = parse_again(&partner).map(Arc::new);
                if matches!(judge(known.as_deref(), &partner, token.as_bytes(), now)?, Taken::Unchanged) {
                    return Ok(());
                }
            }
            let suspects = newly_suspect(known.as_deref(), manifest.get());
            turn.append(EntryKind::KeyManifest, None, Some(id.uuid()), token.as_bytes())?;
            partners::set_manifest(turn, id, version, token, elapsed)?;
            mark_for_review(turn, id, &suspects)?;
            Ok::<_, NotTaken>(())
        });
        kept.await?;
        self.changed();
        Ok(())
    }

    /// Asks a few paired partners again that were not asked for an hour: for their manifest, and for a later card. Gives
    /// how many.
    ///
    /// # Errors
    /// [`StoreError`] when they could not be listed.
    pub async fn refresh_step(&self) -> Result<usize, StoreError> {
        let before = self.time.elapsed().plus_seconds(-REFRESH_SECONDS);
        let stale = self.store.read(move |rows| partners::stale_manifests(rows, before, REFRESHED_AT_ONCE)).await?;
        join_all(stale.iter().map(async |partner| {
            self.fetch_manifest(partner).await;
            self.fetch_card(partner).await;
        }))
        .await;
        Ok(stale.len())
    }

    /// Repeats [`Node::refresh_step`] until told to stop.
    pub(in crate::node) async fn refresh_until(&self, mut stop: Receiver<bool>) {
        while !*stop.borrow() {
            tokio::select! {
                step = self.refresh_step() => {
                    if let Err(error) = step {
                        tracing::error!(error = %Causes(&error), "stale manifests could not be listed");
                    }
                }
                _ = stop.changed() => {}
            }
            if let Err(error) = self.store.stay().await {
                tracing::debug!(error = %Causes(&error), "others on this database may not know of this process");
            }
            tokio::select! {
                () = sleep(ROUND) => {}
                _ = stop.changed() => {}
            }
        }
    }
}
