//! Our own keys for people: which there are, how long they are good for, and who holds the list of them.

use std::collections::HashMap;

use domain::values::{Line, Moment, PartnerId};

use super::{KeyPurpose, KeyStage};
use crate::node::{DoorError, Node};
use crate::store::offers;
use crate::store::partners::{self, OwnKeyLine, PartnerState};

/// Partners looked at for one page.
const PARTNERS_MAX: u32 = 10_000;

/// A key of ours. Never its private half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnKeyView {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// What it signs.
    pub purpose: KeyPurpose,
    /// Where it stands.
    pub stage: KeyStage,
    /// From when it is listed as good (duty time).
    pub valid_from: Moment,
    /// Until when.
    pub valid_until: Moment,
}

impl From<OwnKeyLine> for OwnKeyView {
    fn from(OwnKeyLine { kid, purpose, stage, valid_from, valid_until }: OwnKeyLine) -> Self {
        Self { kid, purpose, stage, valid_from, valid_until }
    }
}

/// How far a partner is with our list of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBy {
    /// Who.
    pub partner: PartnerId,
    /// Their name.
    pub name: Line,
    /// The exchange with them is stopped for now; they are asked again when it goes on.
    pub suspended: bool,
    /// Whether their node took the newest list from us; `None` for a partner that was never offered one, because it has
    /// fetched the list by itself when we paired.
    pub taken: Option<bool>,
    /// Attempts to hand it over.
    pub attempts: u32,
}

/// All that a page says about our keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysStanding {
    /// The thumbprint of the identity key.
    pub identity: String,
    /// Every key, the newest first.
    pub keys: Vec<OwnKeyView>,
    /// The version of the list of keys.
    pub version: u64,
    /// Until when what we sign is believed (duty time).
    pub good_until: Moment,
    /// While new keys wait to sign: the seconds of machine time until they do at the latest.
    pub switch_in_seconds: Option<i64>,
    /// Who holds the list.
    pub partners: Vec<HeldBy>,
}

impl Node {
    /// Every key of ours, the newest first.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn key_list(&self) -> Result<Vec<OwnKeyView>, DoorError> {
        let keys = self.store.read(partners::own_keys).await?;
        Ok(keys.into_iter().map(OwnKeyView::from).collect())
    }

    /// How our keys stand, and who holds the list of them.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn keys_standing(&self) -> Result<KeysStanding, DoorError> {
        let (signing, elapsed) = (self.keys(), self.time.elapsed());
        let version = signing.manifest().version;
        let (keys, switch, held) = self
            .store
            .read(move |rows| {
                let offered: HashMap<PartnerId, offers::Standing> =
                    offers::all(rows, PARTNERS_MAX)?.into_iter().map(|offer| (offer.partner, offer)).collect();
                let paired = partners::all(rows)?.into_iter().filter(|partner| match partner.state {
                    PartnerState::Verified | PartnerState::Active | PartnerState::Suspended => true,
                    PartnerState::Listed | PartnerState::Imported | PartnerState::Ended | PartnerState::Locked => false,
                });
                let held: Vec<HeldBy> = paired
                    .map(|partner| {
                        let offer = offered.get(&partner.id);
                        HeldBy {
                            partner: partner.id,
                            suspended: partner.state == PartnerState::Suspended,
                            name: partner.name,
                            taken: offer.map(|offer| offer.taken.is_some_and(|taken| taken >= version)),
                            attempts: offer.map_or(0, |offer| offer.attempts),
                        }
                    })
                    .collect();
                Ok((partners::own_keys(rows)?, partners::key_switch(rows)?, held))
            })
            .await?;
        let left = |until: Moment| until.seconds_since(elapsed).max(0);
        Ok(KeysStanding {
            identity: signing.identity_thumbprint().to_owned(),
            keys: keys.into_iter().map(OwnKeyView::from).collect(),
            version,
            good_until: signing.good_until(),
            switch_in_seconds: switch.waits_until.map(left),
            partners: held,
        })
    }
}
