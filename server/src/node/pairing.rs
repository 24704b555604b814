//! Pairing with a partner (protocol §15), and keeping its keys current (§3, §14).
//!
//! A card proves only that its maker holds the key in it; trust comes from digits that travelled another way and are typed
//! in here. Every step is decided inside the writer's turn, has its ledger entry there and survives the end of the
//! process; so do the refusals that matter: wrong digits, cards that may not take the place of others, a person who would
//! confirm their own word.

mod cards;
mod manifests;
mod own_card;
mod standing;
mod view;

use domain::values::{Actor, Digest32, Line, MessageId, PartnerId};
use serde_json::{Value, json};
use webhooks::keys::fingerprint_matches;

use super::{DoorError, Node};
use crate::access::Administrator;
use crate::store::alerts::{self, AlertKind};
use crate::store::partners::{self, Checked, Confirmed, Partner};
use crate::store::{EntryKind, StoreError, Turn, outbox};

pub use self::standing::EXCEPTIONS_MAX;
pub use self::view::{CardContact, CardView, LaterCardView, OpenAlert, PartnerView};
pub use crate::store::partners::PartnerState;
pub(super) use manifests::{Manifests, NotTaken};
pub(super) use own_card::NextCard;
pub(super) use standing::{admissible, allowances};

/// Wrong digits before a card is locked.
pub const FAILURES_MAX: u32 = 3;

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
    /// Another partner has this name on the wire.
    #[error("this card belongs to another partner that is known here already")]
    OtherPartner,
    /// The partner has another name on the wire.
    #[error("this card comes from another address than the one this partner is known by")]
    OtherIssuer,
    /// A card as new as this one is known already.
    #[error("this card is not newer than the one known")]
    NotNewer,
    /// The digits are wrong.
    #[error("these are not that partner's digits; {left} tries are left")]
    WrongDigits {
        /// Tries before the card is locked.
        left: u32,
    },
    /// The digits are wrong, of a pairing that goes on.
    #[error("these are not the digits of the partner this node is paired with; ask them to read them out again")]
    WrongAgain,
    /// Three wrong tries.
    #[error("the card is locked after three wrong tries")]
    Locked,
    /// The pairing does not stand where this step belongs.
    #[error("this step does not fit where the pairing stands")]
    WrongStep,
    /// Neither node accepts connections.
    #[error(
        "neither this node nor theirs accepts connections, so nothing can pass between them; one of the two has to be made reachable"
    )]
    NeitherReachable,
    /// This node accepts no connections, and theirs does not let itself be asked.
    #[error(
        "this node accepts no connections, and theirs does not offer to be asked for messages; this node has to be made reachable"
    )]
    NothingToAsk,
    /// The person who typed can't confirm.
    #[error("a second administrator has to confirm this")]
    SecondPersonNeeded,
}

impl PairingRefusal {
    /// The word on the record.
    const fn word(self) -> &'static str {
        match self {
            Self::Card => "unacceptable_card",
            Self::OwnCard => "own_card",
            Self::OtherIdentity => "other_identity",
            Self::OtherPartner => "other_partner",
            Self::OtherIssuer => "other_issuer",
            Self::NotNewer => "not_newer",
            Self::WrongDigits { .. } | Self::WrongAgain => "wrong_digits",
            Self::Locked => "locked",
            Self::WrongStep => "wrong_step",
            Self::NeitherReachable => "neither_reachable",
            Self::NothingToAsk => "nothing_to_ask",
            Self::SecondPersonNeeded => "second_person_needed",
        }
    }
}

/// How digits that were typed are confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// By another administrator than the one who typed them.
    SecondPerson,
    /// By the same one: chosen expressly at set-up, and the ledger says so (ruling 34).
    OnePerson,
}

/// What was typed, by whom and how it was given.
struct Typed {
    by: Actor,
    digits: String,
    channel: Line,
    with_whom: Line,
}

impl Node {
    /// Takes the digits that an administrator was given another way, and how they were given. Three wrong tries lock the
    /// card. Of an active pairing they are compared again, as is due once a year: a wrong try then changes nothing but
    /// the record.
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
        let typed = Typed { by: by.actor().clone(), digits: digits.to_owned(), channel, with_whom };
        let judged = self.store.write(self.time.now(), move |turn| judge_digits(turn, id, &typed)).await?;
        self.changed();
        Ok(judged?)
    }

    /// Confirms typed digits: the identity key is pinned, the partner's keys are fetched and a heartbeat goes out. When
    /// each side holds the other's receipt the pairing is active.
    ///
    /// # Errors
    /// [`DoorError::Pairing`] when nothing was typed, or when the one who typed confirms and either does not say so or
    /// works under the rule of two persons; [`DoorError::NotFound`].
    pub async fn confirm(
        &self,
        by: &Administrator,
        id: PartnerId,
        confirmation: Confirmation,
    ) -> Result<(), DoorError> {
        let (actor, elapsed) = (by.actor().clone(), self.time.elapsed());
        let heartbeat = MessageId::from_uuid(self.time.fresh_id());
        let judged = self
            .store
            .write(self.time.now(), move |turn| {
                let judged = judge_confirmation(turn, id, &actor, confirmation)?;
                if judged.is_ok() {
                    partners::set_state(turn, id, PartnerState::Verified)?;
                    outbox::ensure_lane(turn, id)?;
                    outbox::queue_heartbeat(turn, id, heartbeat, elapsed)?;
                    outbox::hurry_heartbeat(turn, id)?;
                }
                Ok::<_, DoorError>(judged)
            })
            .await?;
        judged?;
        // Without the keys nothing of theirs can be verified; they may also hand them over themselves.
        if self.refetch_manifest(id).await.is_none() {
            tracing::info!(partner = %id, "the partner's keys could not be fetched yet");
        }
        self.changed();
        Ok(())
    }

    /// Sends a sign of life now (protocol §13: a person can send one at any time): whatever made the lane wait, it is tried at
    /// once.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn send_heartbeat(&self, id: PartnerId) -> Result<(), DoorError> {
        self.hurried_heartbeat(id, true).await
    }

    /// Sends a sign of life that nobody asked for. One that rests by itself is hurried, the lane's back-off stays.
    pub(super) async fn compare_numbers(&self, id: PartnerId) -> Result<(), DoorError> {
        self.hurried_heartbeat(id, false).await
    }

    async fn hurried_heartbeat(&self, id: PartnerId, by_a_person: bool) -> Result<(), DoorError> {
        let (message, elapsed) = (MessageId::from_uuid(self.time.fresh_id()), self.time.elapsed());
        self.store
            .write(self.time.now(), move |turn| {
                partners::by_id(turn.rows(), id)?.ok_or(DoorError::NotFound)?;
                outbox::queue_heartbeat(turn, id, message, elapsed)?;
                outbox::hurry_heartbeat(turn, id)?;
                if by_a_person {
                    outbox::end_back_off(turn, id)?;
                }
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

/// What a turn decided, kept on record either way.
type Judged = Result<(), PairingRefusal>;

/// Compares inside the turn: of two tries at once each counts, and none comes after the third wrong one.
fn judge_digits(turn: &mut Turn<'_>, id: PartnerId, typed: &Typed) -> Result<Judged, DoorError> {
    let partner = partners::by_id(turn.rows(), id)?.ok_or(DoorError::NotFound)?;
    let again = match partner.state {
        PartnerState::Imported => false,
        PartnerState::Active => true,
        PartnerState::Locked => {
            refuse(turn, Some(id), "digits_refused", &typed.by, PairingRefusal::Locked)?;
            return Ok(Err(PairingRefusal::Locked));
        }
        PartnerState::Listed | PartnerState::Verified | PartnerState::Suspended | PartnerState::Ended => {
            return Ok(Err(PairingRefusal::WrongStep));
        }
    };
    let (Some(issuer), Some(identity)) = (&partner.issuer, &partner.identity_thumbprint) else {
        return Ok(Err(PairingRefusal::WrongStep));
    };
    let right = fingerprint_matches(&typed.digits, issuer, identity);
    let record = json!({
        "partner": id, "right": right, "again": again, "channel": typed.channel, "with_whom": typed.with_whom,
        "identity": identity, "by": &typed.by,
    });
    pairing_entry(turn, Some(id), "fingerprint_typed", &record)?;
    if right {
        keep_right_digits(turn, id, identity, typed, again)?;
        return Ok(Ok(()));
    }
    if again {
        return Ok(Err(PairingRefusal::WrongAgain));
    }
    let wrong = partner.wrong_digits.saturating_add(1);
    partners::set_wrong_digits(turn, id, wrong)?;
    partners::set_checked(turn, id, None)?;
    let left = FAILURES_MAX.saturating_sub(wrong);
    if left > 0 {
        return Ok(Err(PairingRefusal::WrongDigits { left }));
    }
    partners::set_state(turn, id, PartnerState::Locked)?;
    alerts::raise(turn, AlertKind::CardLocked, Some(id), None, None, None)?;
    Ok(Err(PairingRefusal::Locked))
}

fn keep_right_digits(
    turn: &mut Turn<'_>,
    id: PartnerId,
    identity: &str,
    typed: &Typed,
    again: bool,
) -> Result<(), StoreError> {
    let at = turn.now();
    let before = if again { partners::checked(turn.rows(), id)? } else { None };
    let checked = Checked {
        typed_by: typed.by.clone(),
        channel: typed.channel.clone(),
        with_whom: typed.with_whom.clone(),
        at,
        identity: identity.to_owned(),
        confirmed: before.and_then(|before| before.confirmed),
    };
    partners::set_checked(turn, id, Some(&checked))?;
    if again {
        partners::set_verified_now(turn, id)?;
    }
    Ok(())
}

/// Everything is asked inside the turn: the card may have been locked, replaced or its pairing ended meanwhile.
fn judge_confirmation(
    turn: &mut Turn<'_>,
    id: PartnerId,
    by: &Actor,
    confirmation: Confirmation,
) -> Result<Judged, DoorError> {
    let partner = partners::by_id(turn.rows(), id)?.ok_or(DoorError::NotFound)?;
    let typed = partners::checked(turn.rows(), id)?
        .filter(|typed| partner.state == PartnerState::Imported && typed.confirmed.is_none())
        .filter(|typed| partner.identity_thumbprint.as_ref() == Some(&typed.identity));
    let Some(mut typed) = typed else { return Ok(Err(PairingRefusal::WrongStep)) };
    let same = typed.typed_by.person() == by.person();
    if same {
        let alone = confirmation == Confirmation::OnePerson && partners::one_person_pairing(turn.rows())?;
        if !alone {
            refuse(turn, Some(id), "confirmation_refused", by, PairingRefusal::SecondPersonNeeded)?;
            return Ok(Err(PairingRefusal::SecondPersonNeeded));
        }
    }
    let record = json!({
        "partner": id, "identity": partner.identity_thumbprint, "issuer": partner.issuer,
        "typed_by": &typed.typed_by, "confirmed_by": by, "one_person": same,
    });
    pairing_entry(turn, Some(id), "verified", &record)?;
    typed.confirmed = Some(Confirmed { by: by.clone(), at: turn.now(), one_person: same });
    partners::set_checked(turn, id, Some(&typed))?;
    Ok(Ok(()))
}

fn pairing_entry(
    turn: &mut Turn<'_>,
    partner: Option<PartnerId>,
    step: &'static str,
    record: &Value,
) -> Result<(), StoreError> {
    let content = json!({ "pairing": step, "at": turn.now(), "record": record });
    turn.append(EntryKind::Pairing, None, partner.map(PartnerId::uuid), content.to_string().as_bytes())?;
    Ok(())
}

/// A refusal is a step of the record too.
fn refuse(
    turn: &mut Turn<'_>,
    partner: Option<PartnerId>,
    step: &'static str,
    by: &Actor,
    why: PairingRefusal,
) -> Result<(), StoreError> {
    pairing_entry(turn, partner, step, &json!({ "partner": partner, "why": why.word(), "by": by }))
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

/// Verified becomes active, on record with both cards. Asks again inside the turn: the partner as looked up outside it
/// may be old.
fn activate(turn: &mut Turn<'_>, id: PartnerId) -> Result<(), StoreError> {
    let Some(partner) = partners::by_id(turn.rows(), id)?.filter(|it| it.state == PartnerState::Verified) else {
        return Ok(());
    };
    let digest = |card: Option<String>| card.map(|token| Digest32::of(token.as_bytes()));
    let ours = digest(partners::own_document(turn.rows(), "card")?);
    let record = json!({ "partner": id, "their_card": digest(partner.card), "our_card": ours });
    pairing_entry(turn, Some(id), "active", &record)?;
    partners::set_state(turn, id, PartnerState::Active)
}
