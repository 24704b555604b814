//! Party cards: who a node is, where it is reached, and the identity key people compare (protocol §15).
//!
//! A card is signed by the key it contains, which proves only that its maker holds that key. Trust comes from typed digits
//! ([`crate::keys::fingerprint_matches`]), never from a card.

use serde::{Deserialize, Serialize};

use crate::jose::{self, BadSignature, CompactToken, TokenError, TokenType, Verified};
use crate::keys::{BadKey, PublicKey, SigningKey};
use crate::strict_json::JsonError;
use crate::values::{MAX_NUMBER, Schemes, check_endpoint, check_issuer};

/// A party's card. Members in the order of protocol §15; `iat` in unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The node's issuer.
    pub iss: String,
    /// When this version was made.
    pub iat: i64,
    /// 1 for the first card, then rising.
    pub version: u64,
    /// The party's name, 1 to 200 characters.
    pub name: String,
    /// The key that signs this card and every manifest.
    pub identity_key: IdentityKey,
    /// Where it takes messages; absent members for a party that accepts no inbound connections.
    #[serde(default)]
    pub receive: Receive,
    /// Where it serves keys.
    pub serve: Serve,
    /// Whom to call, at most 200.
    #[serde(default)]
    pub contacts: Vec<Contact>,
    /// Where the party is established, ISO 3166-1 alpha-2, upper case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Who runs the node's machine, in the party's words, at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosting: Option<String>,
}

/// An Ed25519 JWK (RFC 8037 §2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityKey {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// The public key, 43 characters of base64url.
    pub x: String,
}

impl IdentityKey {
    /// The JWK of a public key.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        Self { kty: "OKP".to_owned(), crv: "Ed25519".to_owned(), x: key.x() }
    }
}

/// Where a party takes messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receive {
    /// Push endpoint (RFC 8935).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<String>,
}

/// What a party serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serve {
    /// Poll endpoint (RFC 8936).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<String>,
    /// Key manifest, fetched from here and nowhere else.
    pub keys: String,
}

/// A contact of the party. Roles rather than people; every text at most 200 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// For example `data_protection_officer`.
    pub role: String,
    /// Name, where the party chooses to give one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telephone number as it is dialled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// Why a card was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// The token breaks protocol §4.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The payload is no acceptable JSON object.
    #[error(transparent)]
    Payload(#[from] JsonError),
    /// A member is missing or not what it should be.
    #[error("the card has not the right members")]
    Shape,
    /// The issuer or an endpoint is not acceptable.
    #[error("an address in the card is not acceptable")]
    Address,
    /// The identity key is not acceptable.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// Signed by a key other than the one in the card.
    #[error("the card is not signed by the key it contains")]
    OtherKey,
    /// The signature does not verify.
    #[error(transparent)]
    Signature(#[from] BadSignature),
}

/// Why a later card does not take an earlier one's place by itself (protocol §15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoReplacement {
    /// Another party's card.
    #[error("the card is another party's")]
    OtherIssuer,
    /// Another identity key: pair again.
    #[error("the card has another identity key")]
    OtherIdentity,
    /// Not a higher version.
    #[error("the card is not newer")]
    NotNewer,
}

/// What a later card changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// Contacts, name, country or hosting: at once, with a notice to people.
    AtOnce,
    /// An endpoint: a person must agree first.
    NeedsPerson,
}

impl Card {
    /// Signs the card with the identity key it names.
    ///
    /// # Errors
    /// [`CardError`] if the card would be refused by its receiver; `schemes` as the receiver would have it.
    pub fn sign(&self, identity: &SigningKey, schemes: Schemes) -> Result<String, CardError> {
        self.check(schemes)?;
        if self.identity_key != IdentityKey::of(identity.public()) {
            return Err(CardError::OtherKey);
        }
        let payload = serde_json::to_vec(self).map_err(|_| CardError::Shape)?;
        let token = jose::sign(TokenType::Card, identity, &payload);
        parse_self_signed(token.as_bytes(), schemes).map(|_| token)
    }

    /// The identity key.
    ///
    /// # Errors
    /// [`CardError::Shape`] or [`CardError::Key`].
    pub fn identity(&self) -> Result<PublicKey, CardError> {
        if self.identity_key.kty != "OKP" || self.identity_key.crv != "Ed25519" {
            return Err(CardError::Shape);
        }
        Ok(PublicKey::from_x(&self.identity_key.x)?)
    }

    fn check(&self, schemes: Schemes) -> Result<(), CardError> {
        let short = |text: &String| text.chars().count() <= 200;
        let contacts = self.contacts.iter().all(|contact| {
            !contact.role.is_empty()
                && short(&contact.role)
                && [&contact.name, &contact.email, &contact.phone].into_iter().flatten().all(short)
        });
        let country =
            self.country.as_ref().is_none_or(|code| code.len() == 2 && code.bytes().all(|c| c.is_ascii_uppercase()));
        let shape = (1..=MAX_NUMBER).contains(&self.version)
            && (0..=253_402_300_799).contains(&self.iat)
            && !self.name.trim().is_empty()
            && short(&self.name)
            && self.hosting.as_ref().is_none_or(short)
            && self.contacts.len() <= 200
            && contacts
            && country;
        if !shape {
            return Err(CardError::Shape);
        }
        check_issuer(&self.iss, schemes).map_err(|_| CardError::Address)?;
        let endpoints = [&self.receive.push, &self.serve.poll]
            .into_iter()
            .flatten()
            .chain([&self.serve.keys])
            .all(|endpoint| check_endpoint(endpoint, schemes));
        if endpoints { Ok(()) } else { Err(CardError::Address) }
    }
}

/// Reads a card and checks its signature under the key it contains.
///
/// # Errors
/// [`CardError`].
pub fn parse_self_signed(token: &[u8], schemes: Schemes) -> Result<Verified<Card>, CardError> {
    let token = CompactToken::parse(token, TokenType::Card)?;
    let payload = token.payload_object()?;
    let card = Card::deserialize(serde_json::Value::Object(payload)).map_err(|_| CardError::Shape)?;
    let identity = card.identity()?;
    if token.kid() != identity.thumbprint() {
        return Err(CardError::OtherKey);
    }
    let proven = token.vouch(&identity, ())?;
    card.check(schemes)?;
    proven.try_map(|()| Ok(card))
}

/// Whether `new` may take the place of `old`, and whether a person must agree first.
///
/// # Errors
/// [`NoReplacement`]: another party, another identity key, or not a higher version.
pub fn may_replace(old: &Card, new: &Card) -> Result<Replacement, NoReplacement> {
    if old.iss != new.iss {
        return Err(NoReplacement::OtherIssuer);
    }
    if old.identity_key != new.identity_key {
        return Err(NoReplacement::OtherIdentity);
    }
    if new.version <= old.version {
        return Err(NoReplacement::NotNewer);
    }
    if old.receive == new.receive && old.serve == new.serve {
        Ok(Replacement::AtOnce)
    } else {
        Ok(Replacement::NeedsPerson)
    }
}
