//! Cards (protocol §15): the first one of a partner, the first of a new ceremony, and later ones.
//!
//! A card may come by any way at all, so nothing follows from it alone. What may take the place of what is decided inside
//! the turn, and a card that may not is on record: it may be somebody else's.

use std::time::Duration;

use domain::delivery::REQUEST_SECONDS;
use domain::values::{Actor, Line, PartnerId};
use serde_json::json;
use tokio::time::timeout;
use webhooks::card::{Card, NoReplacement, Replacement, may_replace, parse_self_signed};
use webhooks::carrier::{Outcome, Parcel};
use webhooks::values::Schemes;

use super::standing::clear_alerts;
use super::{PairingRefusal, PartnerState, refuse};
use crate::access::Administrator;
use crate::node::administer::note;
use crate::node::loops::Causes;
use crate::node::{DoorError, Node};
use crate::store::alerts::{self, AlertKind};
use crate::store::partners::{self, NewCard, NewPartner, Partner};
use crate::store::{EntryKind, Rows, StoreError, Turn};

/// How far a card's date may be ahead of our clock (protocol §20).
const SKEW_SECONDS: i64 = 300;

/// A card whose own signature verifies.
struct Arrived {
    card: Card,
    name: Line,
    rests_on: NewCard,
    schemes: Schemes,
}

/// What a card came to.
enum Effect {
    /// The first of a partner that was not known.
    Added,
    /// The first of a ceremony with a partner that was known.
    Began,
    /// Contacts or name changed at once.
    Renewed,
    /// It changes an address, and waits.
    Waits,
}

impl Effect {
    const fn action(&self) -> &'static str {
        match self {
            Self::Added | Self::Began => "card_imported",
            Self::Renewed => "card_renewed",
            Self::Waits => "card_waits",
        }
    }
}

impl Node {
    /// The name in a card, when the card is one. Anybody can write one: it only helps to find whose it may be.
    #[must_use]
    pub fn card_name(&self, token: &str) -> Option<Line> {
        let card = parse_self_signed(token.as_bytes(), self.schemes).ok()?;
        Line::received(&card.get().name).ok()
    }

    /// Takes a partner's card in: nothing is trusted yet. With `for_partner` it is the card of that partner, known so far
    /// by name only or under the same name on the wire; without, the partner with the card's issuer, or a new one.
    ///
    /// Of a pairing that stands, a newer card changes contacts and name at once; one that changes an address waits for
    /// [`Node::accept_later_card`]. After a pairing has ended or was locked a card begins a new ceremony, under another
    /// identity key too.
    ///
    /// # Errors
    /// [`DoorError::Pairing`] for a card that may not be taken, which is then on record; [`DoorError::NotFound`].
    pub async fn import_card(
        &self,
        by: &Administrator,
        token: &str,
        for_partner: Option<PartnerId>,
    ) -> Result<PartnerId, DoorError> {
        let arrived = self.read_card(token.trim());
        let fresh = PartnerId::from_uuid(self.time.fresh_id());
        let by = by.actor().clone();
        let judged = self
            .store
            .write(self.time.now(), move |turn| {
                let judged = match &arrived {
                    Ok(arrived) => place(turn, arrived, for_partner, fresh, &by)?,
                    Err(why) => Err(*why),
                };
                if let Err(why) = judged {
                    refuse(turn, for_partner, "card_refused", &by, why)?;
                }
                Ok::<_, DoorError>(judged)
            })
            .await?;
        self.changed();
        Ok(judged?)
    }

    /// The addresses in a later card take effect: an administrator has seen them beside the old ones.
    ///
    /// # Errors
    /// [`DoorError::Pairing`] when no card waits; [`DoorError::NotFound`].
    pub async fn accept_later_card(&self, by: &Administrator, id: PartnerId) -> Result<(), DoorError> {
        self.settle_later_card(by, id, true).await
    }

    /// A later card that waits is put aside; the pairing goes on as it was.
    ///
    /// # Errors
    /// [`DoorError::Pairing`] when no card waits; [`DoorError::NotFound`].
    pub async fn refuse_later_card(&self, by: &Administrator, id: PartnerId) -> Result<(), DoorError> {
        self.settle_later_card(by, id, false).await
    }

    async fn settle_later_card(&self, by: &Administrator, id: PartnerId, accept: bool) -> Result<(), DoorError> {
        let (by, schemes) = (by.actor().clone(), self.schemes);
        self.store
            .write(self.time.now(), move |turn| {
                let partner = partners::by_id(turn.rows(), id)?.ok_or(DoorError::NotFound)?;
                let token = partner.later_card.as_deref().ok_or(PairingRefusal::WrongStep)?;
                let later = parse_self_signed(token.as_bytes(), schemes).map_err(|_| PairingRefusal::Card)?;
                let later = later.get();
                if accept {
                    partners::set_card(turn, id, &name_after(&partner, later, schemes), token)?;
                    partners::set_addresses(turn, id, later.receive.push.as_deref(), &later.serve.keys)?;
                }
                partners::set_later_card(turn, id, None)?;
                alerts::clear(turn, AlertKind::CardWaits, Some(id), None)?;
                let action = if accept { "later_card_accepted" } else { "later_card_refused" };
                let about = json!({
                    "partner": id, "version": later.version, "push": later.receive.push, "keys": later.serve.keys,
                });
                note(turn, &by, action, &about)?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// An administrator has seen that a card changed contacts or name.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn note_card_change(&self, by: &Administrator, id: PartnerId) -> Result<(), DoorError> {
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                partners::by_id(turn.rows(), id)?.ok_or(DoorError::NotFound)?;
                if alerts::clear(turn, AlertKind::CardChanged, Some(id), None)? {
                    note(turn, &by, "card_change_seen", &json!({ "partner": id }))?;
                }
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Looks for a later card where a paired partner's node publishes it. The pinned identity key says whose word it is, and
    /// the rules of later cards what follows: anything else found there changes nothing.
    pub(super) async fn fetch_card(&self, partner: &Partner) {
        let Some(issuer) = partner.issuer.as_deref().filter(|_| partner.push_url.is_some()) else { return };
        let (exceptions, port) = super::allowances(partner);
        let parcel = Parcel::card_fetch(&format!("{issuer}/card.jwt")).allowing(exceptions, port);
        let limit = Duration::from_secs(REQUEST_SECONDS.unsigned_abs());
        let Ok(Outcome::Answered { status: 200, body, .. }) = timeout(limit, self.carrier.carry(&parcel)).await else {
            return;
        };
        let Ok(arrived) = String::from_utf8(body).map_err(|_| PairingRefusal::Card).and_then(|it| self.read_card(&it))
        else {
            tracing::info!(partner = %partner.id, "what the partner publishes as its card is not acceptable");
            return;
        };
        if let Err(error) = self.take_later_card(partner.id, arrived).await {
            tracing::warn!(partner = %partner.id, error = %Causes(&error), "a later card was not taken in");
        }
    }

    async fn take_later_card(&self, id: PartnerId, arrived: Arrived) -> Result<(), StoreError> {
        let taken = self
            .store
            .write(self.time.now(), move |turn| {
                let Some(known) = partners::by_id(turn.rows(), id)? else { return Ok(false) };
                let paired = match known.state {
                    PartnerState::Verified | PartnerState::Active => true,
                    PartnerState::Listed
                    | PartnerState::Imported
                    | PartnerState::Suspended
                    | PartnerState::Ended
                    | PartnerState::Locked => false,
                };
                if !paired || known.issuer.as_ref() != Some(&arrived.card.iss) {
                    return Ok(false);
                }
                let Ok(effect) = take(turn, &known, &arrived)? else { return Ok(false) };
                record(turn, &Actor::Node, id, &arrived, &effect)?;
                Ok::<_, StoreError>(true)
            })
            .await?;
        if taken {
            self.changed();
        }
        Ok(())
    }

    fn read_card(&self, token: &str) -> Result<Arrived, PairingRefusal> {
        let card = parse_self_signed(token.as_bytes(), self.schemes).map_err(|_| PairingRefusal::Card)?.into_inner();
        // As of key manifests: a date ahead of our clock is no date.
        if card.iat > self.time.now().unix_seconds().saturating_add(SKEW_SECONDS) {
            return Err(PairingRefusal::Card);
        }
        if card.iss == self.issuer {
            return Err(PairingRefusal::OwnCard);
        }
        if !self.reachable && card.receive.push.is_none() {
            return Err(PairingRefusal::NeitherReachable);
        }
        if !self.reachable && card.serve.poll.is_none() {
            return Err(PairingRefusal::NothingToAsk);
        }
        let identity = card.identity().map_err(|_| PairingRefusal::Card)?;
        let rests_on = NewCard {
            issuer: card.iss.clone(),
            identity_thumbprint: identity.thumbprint().to_owned(),
            identity_x: identity.x(),
            push_url: card.receive.push.clone(),
            keys_url: card.serve.keys.clone(),
            token: token.to_owned(),
        };
        let name = Line::received(&card.name).map_err(|_| PairingRefusal::Card)?;
        Ok(Arrived { card, name, rests_on, schemes: self.schemes })
    }
}

/// Finds the partner that the card belongs to and what it may change there.
fn place(
    turn: &mut Turn<'_>,
    arrived: &Arrived,
    for_partner: Option<PartnerId>,
    fresh: PartnerId,
    by: &Actor,
) -> Result<Result<PartnerId, PairingRefusal>, DoorError> {
    let target = match target(turn.rows(), arrived, for_partner)? {
        Ok(target) => target,
        Err(why) => return Ok(Err(why)),
    };
    let effect = match &target {
        None => {
            add(turn, fresh, arrived)?;
            Effect::Added
        }
        Some(known) => match take(turn, known, arrived)? {
            Ok(effect) => effect,
            Err(why) => return Ok(Err(why)),
        },
    };
    let id = target.map_or(fresh, |known| known.id);
    record(turn, by, id, arrived, &effect)?;
    Ok(Ok(id))
}

/// The card itself and what it came to.
fn record(
    turn: &mut Turn<'_>,
    by: &Actor,
    id: PartnerId,
    arrived: &Arrived,
    effect: &Effect,
) -> Result<(), StoreError> {
    turn.append(EntryKind::Card, None, Some(id.uuid()), arrived.rests_on.token.as_bytes())?;
    let about = json!({
        "partner": id, "issuer": arrived.card.iss, "version": arrived.card.version,
        "identity": arrived.rests_on.identity_thumbprint,
    });
    note(turn, by, effect.action(), &about)
}

/// The partner that the card is for; `None` for one not known yet.
fn target(
    rows: &mut Rows<'_>,
    arrived: &Arrived,
    for_partner: Option<PartnerId>,
) -> Result<Result<Option<Partner>, PairingRefusal>, DoorError> {
    let holder = partners::by_issuer(rows, &arrived.card.iss)?;
    let Some(wanted) = for_partner else { return Ok(Ok(holder)) };
    let wanted = partners::by_id(rows, wanted)?.ok_or(DoorError::NotFound)?;
    if holder.is_some_and(|holder| holder.id != wanted.id) {
        return Ok(Err(PairingRefusal::OtherPartner));
    }
    if wanted.issuer.as_ref().is_some_and(|issuer| *issuer != arrived.card.iss) {
        return Ok(Err(PairingRefusal::OtherIssuer));
    }
    Ok(Ok(Some(wanted)))
}

fn add(turn: &mut Turn<'_>, id: PartnerId, arrived: &Arrived) -> Result<(), StoreError> {
    let card = arrived.rests_on.clone();
    let new = NewPartner {
        id,
        issuer: Some(card.issuer),
        name: arrived.name.clone(),
        identity_thumbprint: Some(card.identity_thumbprint),
        identity_x: Some(card.identity_x),
        push_url: card.push_url,
        keys_url: Some(card.keys_url),
        card: Some(card.token),
    };
    partners::insert(turn, &new)
}

fn take(turn: &mut Turn<'_>, known: &Partner, arrived: &Arrived) -> Result<Result<Effect, PairingRefusal>, StoreError> {
    let same_identity = known.identity_thumbprint.as_ref() == Some(&arrived.rests_on.identity_thumbprint);
    let old = known.card.as_deref().and_then(|token| parse_self_signed(token.as_bytes(), arrived.schemes).ok());
    let old_version = old.as_ref().map_or(0, |old| old.get().version);
    match known.state {
        PartnerState::Listed => {
            partners::start_ceremony(turn, known.id, &arrived.rests_on, true)?;
            Ok(Ok(Effect::Began))
        }
        PartnerState::Ended | PartnerState::Locked => {
            // The same card again is what a person has at hand; an older one of the same party is a replay.
            if same_identity && arrived.card.version < old_version {
                return Ok(Err(PairingRefusal::NotNewer));
            }
            if known.identity_thumbprint.is_some() && !same_identity {
                partners::start_sequence_anew(turn, known.id)?;
            }
            clear_alerts(turn, known.id)?;
            partners::start_ceremony(turn, known.id, &arrived.rests_on, true)?;
            Ok(Ok(Effect::Began))
        }
        PartnerState::Imported => {
            if !same_identity {
                return Ok(Err(PairingRefusal::OtherIdentity));
            }
            if arrived.card.version <= old_version {
                return Ok(Err(PairingRefusal::NotNewer));
            }
            // Nothing is pinned yet. Digits typed beside the earlier card are typed again; wrong ones stay counted.
            partners::start_ceremony(turn, known.id, &arrived.rests_on, false)?;
            Ok(Ok(Effect::Began))
        }
        PartnerState::Verified | PartnerState::Active | PartnerState::Suspended => {
            let Some(old) = old else { return Ok(Err(PairingRefusal::WrongStep)) };
            renew(turn, known, old.get(), arrived)
        }
    }
}

/// A later card of a pairing that stands: the same identity, and newer than every card known.
fn renew(
    turn: &mut Turn<'_>,
    known: &Partner,
    old: &Card,
    arrived: &Arrived,
) -> Result<Result<Effect, PairingRefusal>, StoreError> {
    let waiting = known.later_card.as_deref();
    let waiting = waiting.and_then(|token| parse_self_signed(token.as_bytes(), arrived.schemes).ok());
    if waiting.is_some_and(|waiting| arrived.card.version <= waiting.get().version) {
        return Ok(Err(PairingRefusal::NotNewer));
    }
    let (id, token) = (known.id, arrived.rests_on.token.as_str());
    match may_replace(old, &arrived.card) {
        Ok(Replacement::AtOnce) => {
            partners::set_card(turn, id, &name_after(known, &arrived.card, arrived.schemes), token)?;
            partners::set_later_card(turn, id, None)?;
            alerts::clear(turn, AlertKind::CardWaits, Some(id), None)?;
            alerts::raise(turn, AlertKind::CardChanged, Some(id), None, None, None)?;
            Ok(Ok(Effect::Renewed))
        }
        Ok(Replacement::NeedsPerson) => {
            partners::set_later_card(turn, id, Some(token))?;
            alerts::raise(turn, AlertKind::CardWaits, Some(id), None, None, None)?;
            Ok(Ok(Effect::Waits))
        }
        Err(NoReplacement::OtherIssuer) => Ok(Err(PairingRefusal::OtherIssuer)),
        Err(NoReplacement::OtherIdentity) => Ok(Err(PairingRefusal::OtherIdentity)),
        Err(NoReplacement::NotNewer) => Ok(Err(PairingRefusal::NotNewer)),
    }
}

/// A name that came from the card follows it; one that was given here stays.
fn name_after(known: &Partner, later: &Card, schemes: Schemes) -> Line {
    let old = known.card.as_deref().and_then(|token| parse_self_signed(token.as_bytes(), schemes).ok());
    let followed = old.is_some_and(|old| Line::received(&old.get().name).is_ok_and(|name| name == known.name));
    let named = Line::received(&later.name).ok().filter(|_| followed);
    named.unwrap_or_else(|| known.name.clone())
}
