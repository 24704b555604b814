//! Pairing with a partner (protocol §15), and keeping its keys current (§3, §14).
//!
//! A card proves only that its maker holds the key in it; trust comes from digits that travelled another way and are typed
//! in here. Every step has its ledger entry. What was typed and not yet confirmed lives in memory: after a restart it is
//! typed again.

mod manifests;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::values::{Actor, Line, MessageId, PartnerId};
use serde_json::json;
use webhooks::card::{Card, NoReplacement, Replacement, may_replace, parse_self_signed};
use webhooks::keys::fingerprint_matches;

use super::administer::note;
use super::{DoorError, Node};
use crate::access::Administrator;
use crate::store::alerts::{self, AlertKind};
use crate::store::partners::{self, NewPartner, Partner, PartnerState};
use crate::store::{EntryKind, StoreError, Turn, outbox};

pub(super) use manifests::{Manifests, NotTaken};

/// Wrong digits before a card is locked.
const FAILURES_MAX: u32 = 3;

/// Why a step of pairing was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PairingRefusal {
    /// The card does not verify, or says something unacceptable.
    #[error("this is not an acceptable party card")]
    Card,
    /// It is our own.
    #[error("this is our own card")]
    OwnCard,
    /// The partner is known under another identity key: a new ceremony is needed.
    #[error("this card has another identity key than the one known; end that pairing first")]
    OtherIdentity,
    /// A card as new as this one is known already.
    #[error("this card is not newer than the one known")]
    NotNewer,
    /// The digits are wrong.
    #[error("these are not that partner's digits; {left} tries are left")]
    WrongDigits {
        /// Tries before the card is locked.
        left: u32,
    },
    /// Three wrong tries.
    #[error("the card is locked after three wrong tries")]
    Locked,
    /// The pairing does not stand where this step belongs.
    #[error("this step does not fit where the pairing stands")]
    WrongStep,
    /// The person who typed can't confirm.
    #[error("a second administrator has to confirm this")]
    SecondPersonNeeded,
}

/// How digits that were typed are confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// By another administrator than the one who typed them.
    SecondPerson,
    /// By the same one: chosen expressly, and the ledger says so (ruling 34).
    OnePerson,
}

/// Digits typed and not yet confirmed.
#[derive(Default)]
pub(super) struct Ceremonies(Mutex<HashMap<PartnerId, Ceremony>>);

#[derive(Default, Clone)]
struct Ceremony {
    failures: u32,
    typed_by: Option<Actor>,
}

impl Ceremonies {
    fn all(&self) -> MutexGuard<'_, HashMap<PartnerId, Ceremony>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    /// Takes a partner's card in: nothing is trusted yet. A newer card of a partner already known may change contacts; a
    /// changed address or key is refused here.
    ///
    /// # Errors
    /// [`DoorError::Pairing`].
    pub async fn import_card(&self, by: &Administrator, token: &str) -> Result<PartnerId, DoorError> {
        let card = parse_self_signed(token.as_bytes(), self.schemes).map_err(|_| PairingRefusal::Card)?;
        if card.get().iss == self.issuer {
            return Err(PairingRefusal::OwnCard.into());
        }
        let identity = card.get().identity().map_err(|_| PairingRefusal::Card)?;
        let name = Line::parse(&card.get().name).map_err(|_| PairingRefusal::Card)?;
        let fresh = PartnerId::from_uuid(self.time.fresh_id());
        let (schemes, by, token) = (self.schemes, by.actor().clone(), token.to_owned());
        let card = card.into_inner();
        let new = NewPartner {
            id: fresh,
            issuer: Some(card.iss.clone()),
            name,
            identity_thumbprint: Some(identity.thumbprint().to_owned()),
            identity_x: Some(identity.x()),
            push_url: card.receive.push.clone(),
            keys_url: Some(card.serve.keys.clone()),
            card: Some(token.clone()),
        };
        let id = self
            .store
            .write(self.time.now(), move |turn| {
                let id = match partners::by_issuer(turn.rows(), &card.iss)? {
                    None => {
                        partners::insert(turn, &new)?;
                        fresh
                    }
                    Some(known) => {
                        replaceable(&known, &card, schemes)?;
                        partners::set_card(turn, known.id, &new.name, &token)?;
                        known.id
                    }
                };
                turn.append(EntryKind::Card, None, Some(id.uuid()), token.as_bytes())?;
                note(turn, &by, "card_imported", &json!({ "partner": id, "issuer": &card.iss }))?;
                Ok::<_, DoorError>(id)
            })
            .await?;
        self.changed();
        Ok(id)
    }

    /// Takes the digits that an administrator was given another way, and how they were given. Three wrong tries lock the
    /// card.
    ///
    /// # Errors
    /// [`DoorError::Pairing`] for wrong digits; [`DoorError::NotFound`].
    pub async fn type_fingerprint(
        &self,
        by: &Administrator,
        id: PartnerId,
        digits: &str,
        channel: Line,
        with_whom: Line,
    ) -> Result<(), DoorError> {
        let partner = self.partner(id).await?;
        match partner.state {
            PartnerState::Imported => {}
            PartnerState::Locked => return Err(PairingRefusal::Locked.into()),
            PartnerState::Listed
            | PartnerState::Verified
            | PartnerState::Active
            | PartnerState::Suspended
            | PartnerState::Ended => {
                return Err(PairingRefusal::WrongStep.into());
            }
        }
        let (Some(issuer), Some(thumbprint)) = (&partner.issuer, &partner.identity_thumbprint) else {
            return Err(PairingRefusal::WrongStep.into());
        };
        let right = fingerprint_matches(digits, issuer, thumbprint);
        let left = {
            let mut all = self.ceremonies.all();
            let ceremony = all.entry(id).or_default();
            if right {
                ceremony.typed_by = Some(by.actor().clone());
            } else {
                ceremony.failures = ceremony.failures.saturating_add(1);
                ceremony.typed_by = None;
            }
            FAILURES_MAX.saturating_sub(ceremony.failures)
        };
        let actor = by.actor().clone();
        let record = json!({
            "partner": id, "right": right, "channel": channel, "with_whom": with_whom,
            "identity": thumbprint, "by": &actor,
        });
        self.store
            .write(self.time.now(), move |turn| {
                pairing_entry(turn, id, "fingerprint_typed", &record)?;
                if !right && left == 0 && stands_imported(turn, id)? {
                    partners::set_state(turn, id, PartnerState::Locked)?;
                    alerts::raise(turn, AlertKind::CardLocked, Some(id), None, None, None)?;
                }
                Ok::<_, DoorError>(())
            })
            .await?;
        match (right, left) {
            (true, _) => Ok(()),
            (false, 0) => Err(PairingRefusal::Locked.into()),
            (false, left) => Err(PairingRefusal::WrongDigits { left }.into()),
        }
    }

    /// Confirms typed digits: the identity key is pinned, the partner's keys are fetched and a heartbeat goes out. When
    /// each side holds the other's receipt the pairing is active.
    ///
    /// # Errors
    /// [`DoorError::Pairing`] when nothing was typed, or the same person confirms without saying so.
    pub async fn confirm(
        &self,
        by: &Administrator,
        id: PartnerId,
        confirmation: Confirmation,
    ) -> Result<(), DoorError> {
        let partner = self.partner(id).await?;
        let typed_by = self.ceremonies.all().get(&id).and_then(|ceremony| ceremony.typed_by.clone());
        let typed_by = typed_by.filter(|_| partner.state == PartnerState::Imported).ok_or(PairingRefusal::WrongStep)?;
        let same = typed_by.person() == by.actor().person();
        if same && confirmation == Confirmation::SecondPerson {
            return Err(PairingRefusal::SecondPersonNeeded.into());
        }
        let (actor, elapsed) = (by.actor().clone(), self.time.elapsed());
        let heartbeat = MessageId::from_uuid(self.time.fresh_id());
        self.store
            .write(self.time.now(), move |turn| {
                // Asked again inside the turn: the card may have been locked or its pairing ended meanwhile.
                if !stands_imported(turn, id)? {
                    return Err(PairingRefusal::WrongStep.into());
                }
                let record = json!({
                    "partner": id, "identity": partner.identity_thumbprint, "issuer": partner.issuer,
                    "typed_by": typed_by, "confirmed_by": actor, "one_person": same,
                });
                pairing_entry(turn, id, "verified", &record)?;
                partners::set_state(turn, id, PartnerState::Verified)?;
                outbox::ensure_lane(turn, id)?;
                outbox::queue_heartbeat(turn, id, heartbeat, elapsed)?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.ceremonies.all().remove(&id);
        // Without the keys nothing of theirs can be verified; they may also hand them over themselves.
        if self.refetch_manifest(id).await.is_none() {
            tracing::info!(partner = %id, "the partner's keys could not be fetched yet");
        }
        self.changed();
        Ok(())
    }

    /// Sends a sign of life now, unless one is under way (protocol §13: a person can send one at any time).
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn send_heartbeat(&self, id: PartnerId) -> Result<(), DoorError> {
        let (message, elapsed) = (MessageId::from_uuid(self.time.fresh_id()), self.time.elapsed());
        self.store
            .write(self.time.now(), move |turn| {
                partners::by_id(turn.rows(), id)?.ok_or(DoorError::NotFound)?;
                outbox::queue_heartbeat(turn, id, message, elapsed)?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Stops all exchange with a partner: it is answered `access_denied`.
    ///
    /// # Errors
    /// [`DoorError::Pairing`] unless it is active.
    pub async fn suspend(&self, by: &Administrator, id: PartnerId) -> Result<(), DoorError> {
        self.move_pairing(by, id, &[PartnerState::Active], PartnerState::Suspended).await
    }

    /// Takes the exchange up again.
    ///
    /// # Errors
    /// [`DoorError::Pairing`] unless it is suspended.
    pub async fn resume(&self, by: &Administrator, id: PartnerId) -> Result<(), DoorError> {
        self.move_pairing(by, id, &[PartnerState::Suspended], PartnerState::Active).await
    }

    /// Ends a pairing. Its history stays.
    ///
    /// # Errors
    /// [`DoorError::Pairing`] when it has ended already.
    pub async fn end_pairing(&self, by: &Administrator, id: PartnerId) -> Result<(), DoorError> {
        let from = [
            PartnerState::Imported,
            PartnerState::Verified,
            PartnerState::Active,
            PartnerState::Suspended,
            PartnerState::Locked,
        ];
        self.move_pairing(by, id, &from, PartnerState::Ended).await
    }

    async fn move_pairing(
        &self,
        by: &Administrator,
        id: PartnerId,
        from: &[PartnerState],
        to: PartnerState,
    ) -> Result<(), DoorError> {
        let (by, from) = (by.actor().clone(), from.to_vec());
        self.store
            .write(self.time.now(), move |turn| {
                let partner = partners::by_id(turn.rows(), id)?.ok_or(DoorError::NotFound)?;
                if !from.contains(&partner.state) {
                    return Err(PairingRefusal::WrongStep.into());
                }
                let record = json!({ "partner": id, "from": partner.state.word(), "to": to.word(), "by": by });
                pairing_entry(turn, id, "moved", &record)?;
                partners::set_state(turn, id, to)?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    pub(super) async fn partner(&self, id: PartnerId) -> Result<Partner, DoorError> {
        self.store.read(move |rows| partners::by_id(rows, id)).await?.ok_or(DoorError::NotFound)
    }
}

/// A later card keeps issuer and identity key, is newer, and changes no address: those wait for a person to pair again.
fn replaceable(known: &Partner, card: &Card, schemes: webhooks::values::Schemes) -> Result<(), PairingRefusal> {
    let token = known.card.as_deref().ok_or(PairingRefusal::WrongStep)?;
    let old = parse_self_signed(token.as_bytes(), schemes).map_err(|_| PairingRefusal::Card)?;
    match may_replace(old.get(), card) {
        Ok(Replacement::AtOnce) => Ok(()),
        Ok(Replacement::NeedsPerson) => Err(PairingRefusal::WrongStep),
        Err(NoReplacement::OtherIssuer) => Err(PairingRefusal::Card),
        Err(NoReplacement::OtherIdentity) => Err(PairingRefusal::OtherIdentity),
        Err(NoReplacement::NotNewer) => Err(PairingRefusal::NotNewer),
    }
}

/// Whether a card was taken in and nothing has come of it yet.
fn stands_imported(turn: &mut Turn<'_>, id: PartnerId) -> Result<bool, StoreError> {
    Ok(partners::by_id(turn.rows(), id)?.is_some_and(|partner| partner.state == PartnerState::Imported))
}

fn pairing_entry(
    turn: &mut Turn<'_>,
    partner: PartnerId,
    step: &'static str,
    record: &serde_json::Value,
) -> Result<(), StoreError> {
    let content = json!({ "pairing": step, "at": turn.now(), "record": record });
    turn.append(EntryKind::Pairing, None, Some(partner.uuid()), content.to_string().as_bytes())?;
    Ok(())
}

/// A heartbeat came from a verified partner: with our own one proven, both sides hold a receipt.
pub(super) fn heard_heartbeat(turn: &mut Turn<'_>, partner: &Partner) -> Result<(), StoreError> {
    let proven = outbox::lane(turn.rows(), partner.id)?.is_some_and(|lane| lane.proven_at.is_some());
    if proven {
        return activate(turn, partner.id);
    }
    // They take us now: ours, which they may have refused before, goes out again at once.
    outbox::hurry_heartbeat(turn, partner.id)
}

/// A verified partner signed for our heartbeat: with one of theirs heard, both sides hold a receipt.
pub(super) fn heartbeat_receipted(turn: &mut Turn<'_>, partner: &Partner) -> Result<(), StoreError> {
    let heard = outbox::lane(turn.rows(), partner.id)?.is_some_and(|lane| lane.heard_at.is_some());
    if heard { activate(turn, partner.id) } else { Ok(()) }
}

/// Verified becomes active. Asks again inside the turn: the partner as looked up outside it may be old.
fn activate(turn: &mut Turn<'_>, id: PartnerId) -> Result<(), StoreError> {
    let verified = partners::by_id(turn.rows(), id)?.is_some_and(|partner| partner.state == PartnerState::Verified);
    if verified {
        pairing_entry(turn, id, "active", &json!({ "partner": id }))?;
        partners::set_state(turn, id, PartnerState::Active)?;
    }
    Ok(())
}
