//! The online keys as they sign from day to day, with the documents that publish them.
//!
//! One value is one state of our keys: whoever signs takes it once and uses it throughout, so that keys replaced meanwhile
//! never mix with those before.

use domain::values::{Digest32, Moment};
use webhooks::checkpoint::{origin_of, sign_checkpoint};
use webhooks::jose::{CompactToken, TokenType};
use webhooks::keys::{KeyUse, SigningKey};
use webhooks::manifest::{Manifest, ManifestKey, parse_pinned};
use webhooks::set::{SignedSet, sign_set};
use webhooks::values::{Digest, Schemes};
use zeroize::Zeroizing;

use super::{KeyFault, signing_key};
use crate::store::partners::{self, KeyPurpose};
use crate::store::{Checkpoint, Rows, StoreError, Turn};

/// A message whose key has less left than this is signed again (protocol §9).
const LEAVING_SECONDS: i64 = 86_400;

/// What the store holds of a node's own keys.
pub(in crate::node) struct StoredKeys {
    set: Zeroizing<Vec<u8>>,
    log: Zeroizing<Vec<u8>>,
    /// A node that was set up before it told anybody by webhook has none until its keys are next replaced.
    webhook: Option<Zeroizing<Vec<u8>>>,
    earlier: Vec<Zeroizing<Vec<u8>>>,
    manifest_token: String,
    card_token: String,
}

impl StoredKeys {
    /// What is stored now; `None` before the node was set up.
    pub(in crate::node) fn read(rows: &mut Rows<'_>) -> Result<Option<Self>, StoreError> {
        let (Some(card_token), Some(manifest_token)) =
            (partners::own_document(rows, "card")?, partners::own_document(rows, "manifest")?)
        else {
            return Ok(None);
        };
        let (Some(set), Some(log)) =
            (partners::own_key(rows, KeyPurpose::Set)?, partners::own_key(rows, KeyPurpose::Log)?)
        else {
            return Ok(None);
        };
        let webhook = partners::own_key(rows, KeyPurpose::Webhook)?.map(|key| key.seed);
        let earlier = partners::earlier_set_keys(rows)?;
        Ok(Some(Self { set: set.seed, log: log.seed, webhook, earlier, manifest_token, card_token }))
    }
}

/// The keys that sign from day to day, with the documents that publish them.
pub struct OnlineKeys {
    set: SigningKey,
    log: SigningKey,
    webhook: Option<SigningKey>,
    /// Message keys that sign no more, while a receipt may still name what they signed.
    earlier: Vec<SigningKey>,
    origin: String,
    identity_thumbprint: String,
    good_until: Moment,
    manifest: Manifest,
    manifest_token: String,
    card_version: u64,
    card_token: String,
}

impl OnlineKeys {
    /// Parses stored keys and documents once, and checks that they belong together.
    pub(in crate::node) fn load(stored: StoredKeys, issuer: &str, schemes: Schemes) -> Result<Self, KeyFault> {
        let set = signing_key(&stored.set, KeyUse::Set)?;
        let log = signing_key(&stored.log, KeyUse::Log)?;
        let webhook = stored.webhook.as_deref().map(|seed| signing_key(seed, KeyUse::Webhook)).transpose()?;
        let earlier =
            stored.earlier.iter().map(|seed| signing_key(seed, KeyUse::Set)).collect::<Result<Vec<_>, _>>()?;
        let card = webhooks::card::parse_self_signed(stored.card_token.as_bytes(), schemes)
            .map_err(|_| KeyFault("the stored party card does not verify"))?;
        if card.get().iss != issuer {
            return Err(KeyFault("the stored party card is another issuer's"));
        }
        let identity = card.get().identity().map_err(|_| KeyFault("the stored party card does not verify"))?;
        let manifest = parse_pinned(stored.manifest_token.as_bytes(), issuer, &identity)
            .map_err(|_| KeyFault("the stored key manifest does not verify"))?
            .into_inner();
        let end = |key: &SigningKey| {
            let listed = manifest.keys.iter().find(|listed| listed.kid() == key.kid());
            listed.map(|listed| listed.exp).ok_or(KeyFault("a stored key is not in the key manifest"))
        };
        let good_until = Moment::from_unix_seconds(end(&set)?.min(end(&log)?))
            .map_err(|_| KeyFault("the end of a stored key is no instant"))?;
        Ok(Self {
            set,
            log,
            webhook,
            earlier,
            origin: origin_of(issuer),
            identity_thumbprint: identity.thumbprint().to_owned(),
            good_until,
            manifest,
            manifest_token: stored.manifest_token,
            card_version: card.get().version,
            card_token: stored.card_token,
        })
    }

    /// Signs messages and receipts.
    #[must_use]
    pub const fn set(&self) -> &SigningKey {
        &self.set
    }

    /// Signs webhooks (`v1a`); `None` on a node that was set up without one, until its keys are next replaced.
    #[must_use]
    pub const fn webhook(&self) -> Option<&SigningKey> {
        self.webhook.as_ref()
    }

    /// The name of the identity key.
    #[must_use]
    pub fn identity_thumbprint(&self) -> &str {
        &self.identity_thumbprint
    }

    /// The key manifest, as it says.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The key manifest as published.
    #[must_use]
    pub fn manifest_token(&self) -> &str {
        &self.manifest_token
    }

    /// The version of the party card.
    #[must_use]
    pub const fn card_version(&self) -> u64 {
        self.card_version
    }

    /// The party card as published.
    #[must_use]
    pub fn card_token(&self) -> &str {
        &self.card_token
    }

    /// Every current public key as a plain JWK set.
    #[must_use]
    pub fn jwks(&self, now: Moment) -> String {
        self.manifest.plain_jwk_set(now.unix_seconds())
    }

    /// Until when both keys that sign are listed as good.
    #[must_use]
    pub const fn good_until(&self) -> Moment {
        self.good_until
    }

    /// Whether what we sign now is believed. Partners allow a few minutes more; we don't count on it.
    #[must_use]
    pub fn good_at(&self, now: Moment) -> bool {
        now < self.good_until
    }

    /// Whether keys that last longer are listed already, and wait to sign.
    #[must_use]
    pub fn have_successors(&self) -> bool {
        let end = self.good_until.unix_seconds();
        let lasts = |key: &ManifestKey| key.node_use == Some(KeyUse::Set) && key.revoked.is_none() && key.exp > end;
        self.manifest.keys.iter().any(lasts)
    }

    /// The same payload under the key that signs now, when the one that signed these octets was revoked or is about to
    /// expire (protocol §9). `None` when they are to be sent as they are: also under a key that we do not know, which a
    /// newer process than this one signed with.
    #[must_use]
    pub fn signed_again(&self, octets: &[u8], now: Moment) -> Option<SignedSet> {
        let token = CompactToken::parse(octets, TokenType::Set).ok()?;
        let listed = self.manifest.keys.iter().find(|listed| listed.kid() == token.kid())?;
        if listed.kid() == self.set.kid() {
            return None;
        }
        let leaving = listed.exp.saturating_sub(now.unix_seconds()) < LEAVING_SECONDS;
        (listed.revoked.is_some() || leaving).then(|| sign_set(&self.set, token.payload()))
    }

    /// The digests of every version of a message that may have been sent: a receipt may name any of them. Ed25519 gives the
    /// same signature for the same octets, so earlier versions are made again rather than kept.
    #[must_use]
    pub fn versions(&self, octets: &[u8]) -> Vec<Digest> {
        let mut versions = vec![Digest::of(octets)];
        if !self.earlier.is_empty()
            && let Ok(token) = CompactToken::parse(octets, TokenType::Set)
        {
            let keys = self.earlier.iter().chain([&self.set]);
            versions.extend(keys.map(|key| sign_set(key, token.payload()).set_sha256));
        }
        versions
    }

    /// Signs how far the ledger reached before this turn, unless that is signed already, and gives the size signed.
    /// `None` for a ledger without entries.
    pub(in crate::node) fn checkpoint(&self, turn: &mut Turn<'_>) -> Result<Option<u64>, StoreError> {
        let size = turn.ledger_size();
        if size == 0 {
            return Ok(None);
        }
        if turn.checkpoint(size)?.is_none() {
            let root = turn.ledger_root();
            let note = self.sign_checkpoint(size, root);
            turn.keep_checkpoint(Checkpoint { size, root, note, at: turn.now() })?;
        }
        Ok(Some(size))
    }

    fn sign_checkpoint(&self, size: u64, root: Digest32) -> String {
        sign_checkpoint(&self.origin, size, root.as_bytes(), &self.log)
    }
}
