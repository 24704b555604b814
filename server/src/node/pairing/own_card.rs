//! Our own party card, issued again when what it says of us is true no more (protocol §15).
//!
//! The identity key signs it, so a person gives the passphrase: for the card alone, or for new keys, which bring a new card
//! along when one is due. Partners find it under `/card.jwt` within an hour and judge it by the rules of later cards.

use domain::values::Moment;
use serde_json::json;
use webhooks::card::{Card, parse_self_signed};
use webhooks::jose::Verified;
use webhooks::keys::SigningKey;

use crate::access::Administrator;
use crate::node::administer::note;
use crate::node::keys::{self, CardDetails, KeyFault};
use crate::node::{DoorError, Node};
use crate::store::partners;
use crate::store::{EntryKind, Turn};

/// A card of ours, signed and not kept yet.
pub(in crate::node) struct NextCard {
    version: u64,
    token: String,
}

impl NextCard {
    /// Keeps it as our newest, on record.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] when another was kept meanwhile; those of the store.
    pub(in crate::node) fn keep(&self, turn: &mut Turn<'_>) -> Result<(), DoorError> {
        let before = partners::own_document_version(turn.rows(), "card")?.unwrap_or_default();
        if before.saturating_add(1) != self.version {
            return Err(DoorError::Invalid("the card was issued again meanwhile; look at it again"));
        }
        turn.append(EntryKind::Card, None, None, self.token.as_bytes())?;
        partners::keep_own_document(turn, "card", self.version, &self.token)?;
        Ok(())
    }

    /// Which card of ours it is.
    pub(in crate::node) const fn version(&self) -> u64 {
        self.version
    }
}

impl Node {
    /// Whether our card says of us what our record says.
    #[must_use]
    pub fn card_is_current(&self) -> bool {
        self.own_card().is_ok_and(|card| self.says_now(&card).is_some_and(|now| now == card))
    }

    /// The version of our card, and when it was made (duty time).
    #[must_use]
    pub fn card_version(&self) -> Option<(u64, Moment)> {
        let card = self.own_card().ok()?;
        Some((card.version, Moment::from_unix_seconds(card.iat).ok()?))
    }

    /// Issues our card again, with what our record says now. Gives its version.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] with a sentence for people: a wrong passphrase (which is on the record), too many tries, or a
    /// card that says the same already.
    pub async fn issue_card(&self, by: &Administrator, passphrase: &str) -> Result<u64, DoorError> {
        let identity = self.open_identity(by, passphrase, "card_issued").await?;
        // Another process on the same database may have issued one.
        self.reload_keys().await?;
        let now = self.time.now();
        let card = self.next_card(&identity, now)?;
        let card = card.ok_or(DoorError::Invalid("the card says all this already"))?;
        let (version, by) = (card.version, by.actor().clone());
        self.store
            .write(now, move |turn| {
                card.keep(turn)?;
                note(turn, &by, "card_issued", &json!({ "version": card.version }))?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.reload_keys().await?;
        self.changed();
        Ok(version)
    }

    /// The card that is due; `None` while the one we have says what it should.
    pub(in crate::node) fn next_card(&self, identity: &SigningKey, now: Moment) -> Result<Option<NextCard>, DoorError> {
        const UNSIGNED: KeyFault = KeyFault("the party card could not be signed");
        let old = self.own_card()?;
        let says = self.says_now(&old).ok_or(UNSIGNED)?;
        if says == old {
            return Ok(None);
        }
        let next = Card { version: old.version.saturating_add(1), iat: now.unix_seconds(), ..says };
        let token = next.sign(identity, self.schemes).map_err(|_| UNSIGNED)?;
        Ok(Some(NextCard { version: next.version, token }))
    }

    fn own_card(&self) -> Result<Card, KeyFault> {
        parse_self_signed(self.keys().card_token().as_bytes(), self.schemes)
            .map(Verified::into_inner)
            .map_err(|_| KeyFault("the stored party card does not verify"))
    }

    /// The card with what our record says now; version, date and what our record does not hold stay as they are.
    fn says_now(&self, old: &Card) -> Option<Card> {
        let organisation = self.organisation();
        let details = CardDetails {
            issuer: &self.issuer,
            organisation: &organisation,
            reachable: self.reachable,
            schemes: self.schemes,
        };
        let made_at = Moment::from_unix_seconds(old.iat).ok()?;
        let says = keys::card(&details, &old.identity().ok()?, old.version, made_at);
        Some(Card { country: old.country.clone(), hosting: old.hosting.clone(), ..says })
    }
}
