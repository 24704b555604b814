//! Replacing our own online keys, as planned or in an emergency (protocol §14).
//!
//! The identity key is needed once, to sign the next manifest: it is opened with its passphrase for that moment and never
//! kept open. What follows is carried on by [`Node::rotation_step`], also after a restart: the manifest is handed to every
//! partner, and planned keys are signed with once all active partners hold it or a day has passed. Messages that wait under
//! a key that goes are signed again when they are next sent ([`super::keys::OnlineKeys::signed_again`]).

mod offer;
mod plan;
mod review;
mod standing;
mod switch;

use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError};

use domain::values::{Actor, Moment};
use serde_json::json;
use webhooks::keys::SigningKey;
use webhooks::manifest::{Stored, take_in};
use zeroize::Zeroizing;

use self::plan::Fresh;
use super::administer::note;
use super::keys::{self, KeyFault, OnlineKeys, StoredKeys};
use super::pairing::NextCard;
use super::{DoorError, Node};
use crate::access::Administrator;
use crate::access::throttle::Throttle;
use crate::store::partners::{self, KeySwitch};
use crate::store::{EntryKind, Turn, offers};
use crate::time_source::TimeSource;

pub use self::offer::RotationStep;
pub(super) use self::review::{mark_for_review, newly_suspect};
pub use self::standing::{HeldBy, KeysStanding, OwnKeyView};
pub(super) use self::switch::mind_keys;
pub use crate::store::partners::{KeyPurpose, KeyStage};

/// Planned keys are signed with at the latest after so long (protocol §14); machine time.
pub const SWITCH_SECONDS: i64 = 86_400;
/// Passphrases tried at once, by all administrators together …
const TRIES: NonZeroU32 = NonZeroU32::new(5).unwrap();
/// … and each minute from then on.
const TRIES_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN;

/// Why keys are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// In good time: the old keys go on until partners hold the new ones.
    Planned,
    /// Somebody else may have the old ones: they are revoked, and the new ones sign at once.
    Emergency {
        /// Since when (duty time).
        since: Moment,
    },
}

impl Rotation {
    const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Emergency { .. } => "emergency",
        }
    }
}

/// Counts tries of the passphrase.
pub(super) fn passphrase_tries(time: &Arc<dyn TimeSource>) -> Throttle<()> {
    Throttle::new(Arc::clone(time), TRIES_PER_MINUTE, TRIES)
}

impl From<KeyFault> for DoorError {
    fn from(KeyFault(why): KeyFault) -> Self {
        Self::Invalid(why)
    }
}

/// All that the turn of a replacement needs, decided and signed outside it.
struct Replacement {
    rotation: Rotation,
    fresh: Fresh,
    version: u64,
    token: String,
    /// Every key listed, with its end; of those revoked now, that too.
    ends: Vec<(String, Moment)>,
    revoked: Vec<String>,
    from: Moment,
    until: Moment,
    elapsed: Moment,
    /// The old keys are good for as long as new ones may wait.
    may_wait: bool,
    by: Actor,
    /// Our card, when it says of us what is true no more: the passphrase is at hand now.
    card: Option<NextCard>,
}

impl Node {
    /// Replaces the online keys and publishes the manifest that says so. Gives the manifest's version.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] with a sentence for people: a wrong passphrase (which is on the record), too many tries, an
    /// instant in the future, a replacement under way, a full manifest.
    pub async fn rotate(&self, by: &Administrator, passphrase: &str, rotation: Rotation) -> Result<u64, DoorError> {
        let now = self.time.now();
        if let Rotation::Emergency { since } = rotation
            && since > now
        {
            return Err(DoorError::Invalid("the keys can't have been known to others since an instant in the future"));
        }
        let identity = self.open_identity(by, passphrase, "keys_replaced").await?;
        // Another process on the same database may have replaced them.
        self.reload_keys().await?;
        let replacement = self.replacement(by, &identity, rotation, now)?;
        let version = replacement.version;
        self.store.write(now, move |turn| keep(turn, replacement)).await?;
        self.reload_keys().await?;
        self.changed();
        self.rotating.notify_one();
        Ok(version)
    }

    /// The identity key, while its passphrase is at hand. Stretching the passphrase takes a while and has a thread of its own.
    /// `wanted` is what it was to be opened for, for the record of a wrong one.
    pub(super) async fn open_identity(
        &self,
        by: &Administrator,
        passphrase: &str,
        wanted: &'static str,
    ) -> Result<SigningKey, DoorError> {
        if self.passphrases.check(&()).is_err() {
            return Err(DoorError::Invalid("the passphrase was tried too often; wait a few minutes"));
        }
        let sealed = self.store.read(|rows| partners::own_key(rows, KeyPurpose::Identity)).await?;
        let sealed = sealed.ok_or(DoorError::NotFound)?.seed;
        let passphrase = Zeroizing::new(passphrase.to_owned());
        let opened = tokio::task::spawn_blocking(move || keys::open_identity(&sealed, &passphrase)).await;
        match opened {
            Ok(Ok(identity)) => Ok(identity),
            Ok(Err(fault)) => {
                tracing::warn!("a wrong passphrase was given for the identity key");
                let by = by.actor().clone();
                let about = json!({ "what": wanted, "why": "wrong_passphrase" });
                self.store.write(self.time.now(), move |turn| note(turn, &by, "refused", &about)).await?;
                Err(fault.into())
            }
            Err(_) => Err(DoorError::Invalid("the identity key could not be opened")),
        }
    }

    /// Draws the keys, and signs the manifest that partners will judge by the rules of protocol §3; it is judged here first.
    fn replacement(
        &self,
        by: &Administrator,
        identity: &SigningKey,
        rotation: Rotation,
        now: Moment,
    ) -> Result<Replacement, DoorError> {
        let current = self.keys();
        let fresh = Fresh::draw()?;
        let from = now.floor_second();
        let manifest = plan::next(current.manifest(), &fresh, rotation, from)?;
        let token = manifest.sign(identity);
        let stored = Stored { manifest: current.manifest(), octets: current.manifest_token() };
        take_in(Some(stored), token.as_bytes(), &self.issuer, identity.public(), now.unix_seconds())
            .map_err(|_| DoorError::Invalid("partners would refuse the new list of keys"))?;
        let mut ends = Vec::with_capacity(manifest.keys.len());
        for key in &manifest.keys {
            let end = Moment::from_unix_seconds(key.exp).map_err(|_| KeyFault("the end of a key is no instant"))?;
            ends.push((key.kid().to_owned(), end));
        }
        Ok(Replacement {
            rotation,
            version: manifest.version,
            revoked: plan::revoked(&manifest).map(str::to_owned).collect(),
            token,
            ends,
            from,
            until: plan::until(from),
            elapsed: self.time.elapsed(),
            may_wait: rotation == Rotation::Planned && current.good_at(now.plus_seconds(SWITCH_SECONDS)),
            by: by.actor().clone(),
            card: self.next_card(identity, now)?,
            fresh,
        })
    }

    /// Reads our keys and documents again when what is stored is newer: replaced here, or by another process on the same
    /// database. Asking costs three small queries.
    pub(super) async fn reload_keys(&self) -> Result<bool, DoorError> {
        let current = self.keys();
        let (version, kid) = (current.manifest().version, current.set().kid().to_owned());
        let card = current.card_version();
        let stored = self
            .store
            .read(move |rows| {
                let newest = partners::own_document_version(rows, "manifest")?;
                let signs =
                    partners::own_keys(rows)?.into_iter().any(|key| key.kid == kid && key.stage == KeyStage::Current);
                let same_card = partners::own_document_version(rows, "card")? == Some(card);
                if newest == Some(version) && signs && same_card { Ok(None) } else { StoredKeys::read(rows) }
            })
            .await?;
        let Some(stored) = stored else { return Ok(false) };
        let newer = Arc::new(OnlineKeys::load(stored, &self.issuer, self.schemes)?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&newer);
        if newer.set().kid() != current.set().kid() {
            tracing::info!(kid = newer.set().kid(), "new keys sign from now on");
            // The newest checkpoint, which receipts carry, is to be under the new log key.
            self.store.write(self.time.now(), move |turn| newer.checkpoint(turn)).await?;
        }
        Ok(true)
    }
}

/// The turn of a replacement: keys, manifest, offers and ledger entries together.
fn keep(turn: &mut Turn<'_>, new: Replacement) -> Result<(), DoorError> {
    let before = partners::own_document_version(turn.rows(), "manifest")?.unwrap_or_default();
    if before.saturating_add(1) != new.version {
        return Err(DoorError::Invalid("the keys were replaced meanwhile; look at them again"));
    }
    let switch = partners::key_switch(turn.rows())?;
    if new.rotation == Rotation::Planned && switch.waits_until.is_some() {
        return Err(DoorError::Invalid("the keys are being replaced already"));
    }
    turn.append(EntryKind::KeyManifest, None, None, new.token.as_bytes())?;
    partners::keep_own_document(turn, "manifest", new.version, &new.token)?;
    for (kid, end) in &new.ends {
        partners::set_key_end(turn, kid, *end)?;
    }
    for kid in &new.revoked {
        partners::set_key_stage(turn, kid, KeyStage::Revoked)?;
    }
    let fresh = [
        (KeyPurpose::Set, &new.fresh.set),
        (KeyPurpose::Log, &new.fresh.log),
        (KeyPurpose::Webhook, &new.fresh.webhook),
    ];
    for (purpose, drawn) in fresh {
        partners::keep_own_key(turn, purpose, drawn.key.kid(), drawn.seed.octets(), new.from, new.until)?;
        partners::set_key_stage(turn, drawn.key.kid(), KeyStage::Next)?;
    }
    if let Some(card) = &new.card {
        card.keep(turn)?;
    }
    offers::offer_to_all(turn, new.version, new.elapsed)?;
    let since = match new.rotation {
        Rotation::Planned => None,
        Rotation::Emergency { since } => Some(since),
    };
    let about = json!({
        "how": new.rotation.word(), "manifest_version": new.version, "known_to_others_since": since,
        "set": new.fresh.set.key.kid(), "log": new.fresh.log.key.kid(),
        "webhook": new.fresh.webhook.key.kid(),
        "card_version": new.card.as_ref().map(NextCard::version),
    });
    note(turn, &new.by, "keys_replaced", &about)?;
    if new.may_wait && offers::outstanding(turn.rows())? > 0 {
        let waits_until = Some(new.elapsed.plus_seconds(SWITCH_SECONDS));
        partners::set_key_switch(turn, &KeySwitch { waits_until, ..switch })?;
        return Ok(());
    }
    switch::switch(turn)
}
