//! Where pairing stands between two people's steps (protocol §15): the card, wrong digits, who typed the right ones and who
//! confirmed them, a later card that waits.
//!
//! All of it survives the end of the process. People's names and words, and the cards, lie sealed.

use diesel::prelude::*;
use domain::delivery::Channel;
use domain::values::{Actor, Line, Moment, PartnerId};
use serde::{Deserialize, Serialize};

use super::signed::{CARD, LATER_CARD};
use super::{PartnerState, signed};
use crate::store::schema::{checkpoints_seen, inbound, inbox, lanes, partners};
use crate::store::{Rows, StoreError, Turn, outbox};

/// Where what was checked is sealed for.
const TYPED: &str = "partners.typed";

/// Right digits, typed by one person and perhaps confirmed by another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Who typed them.
    pub typed_by: Actor,
    /// How they were given: in person, by telephone …
    pub channel: Line,
    /// By whom.
    pub with_whom: Line,
    /// When they were typed (duty time).
    pub at: Moment,
    /// The thumbprint of the identity key that they stand for.
    pub identity: String,
    /// Who confirmed it.
    pub confirmed: Option<Confirmed>,
}

/// The second step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// Who.
    pub by: Actor,
    /// When (duty time).
    pub at: Moment,
    /// Whether it was the one who typed the digits.
    pub one_person: bool,
}

/// What a card says that the pairing rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCard {
    /// Their name on the wire.
    pub issuer: String,
    /// The thumbprint of the identity key.
    pub identity_thumbprint: String,
    /// The identity key.
    pub identity_x: String,
    /// Where messages go.
    pub push_url: Option<String>,
    /// Where their key manifest is.
    pub keys_url: String,
    /// The card, as signed.
    pub token: String,
}

/// Who checked a partner's digits; `None` while nobody has.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn checked(rows: &mut Rows<'_>, id: PartnerId) -> Result<Option<Checked>, StoreError> {
    let found: Option<Option<Vec<u8>>> =
        partners::table.find(id.as_bytes().as_slice()).select(partners::typed).first(rows.db).optional()?;
    found.flatten().map(|sealed| rows.seal.open_json(TYPED, id.as_bytes(), &sealed)).transpose()
}

/// Keeps who checked the digits; `None` forgets it.
///
/// # Errors
/// Those of the database.
pub fn set_checked(turn: &mut Turn<'_>, id: PartnerId, checked: Option<&Checked>) -> Result<(), StoreError> {
    let rows = turn.rows();
    let sealed = checked.map(|checked| rows.seal.seal_json(TYPED, id.as_bytes(), checked)).transpose()?;
    diesel::update(partners::table.find(id.as_bytes().as_slice())).set(partners::typed.eq(sealed)).execute(rows.db)?;
    Ok(())
}

/// Counts wrong digits.
///
/// # Errors
/// Those of the database.
pub fn set_wrong_digits(turn: &mut Turn<'_>, id: PartnerId, count: u32) -> Result<(), StoreError> {
    diesel::update(partners::table.find(id.as_bytes().as_slice()))
        .set(partners::wrong_digits.eq(i32::try_from(count).unwrap_or(i32::MAX)))
        .execute(turn.rows().db)?;
    Ok(())
}

/// A ceremony begins, or begins anew: the card is the partner's, nothing has been typed, and neither side has proven
/// anything to the other. Wrong digits are counted on unless `forgive`.
///
/// # Errors
/// Those of the database.
pub fn start_ceremony(turn: &mut Turn<'_>, id: PartnerId, card: &NewCard, forgive: bool) -> Result<(), StoreError> {
    let rows = turn.rows();
    let partner = || partners::table.find(id.as_bytes().as_slice());
    let known: Option<String> = partner().select(partners::identity_thumbprint).first(rows.db)?;
    if known.as_deref() != Some(card.identity_thumbprint.as_str()) {
        // A manifest is another identity's word; its versions are kept in the history.
        diesel::update(partner())
            .set((
                partners::manifest.eq(None::<String>),
                partners::manifest_version.eq(None::<i64>),
                partners::manifest_fetched_at.eq(None::<i64>),
            ))
            .execute(rows.db)?;
    }
    let token = rows.seal.seal_text(CARD, id.as_bytes(), &card.token)?;
    diesel::update(partner())
        .set((
            partners::issuer.eq(&card.issuer),
            partners::state.eq(PartnerState::Imported.word()),
            partners::identity_thumbprint.eq(&card.identity_thumbprint),
            partners::identity_x.eq(&card.identity_x),
            partners::push_url.eq(card.push_url.as_deref()),
            partners::keys_url.eq(&card.keys_url),
            partners::card.eq(token),
            partners::later_card.eq(None::<String>),
            partners::typed.eq(None::<Vec<u8>>),
            partners::verified_at.eq(None::<i64>),
        ))
        .execute(rows.db)?;
    if forgive {
        diesel::update(partner()).set(partners::wrong_digits.eq(0)).execute(rows.db)?;
    }
    diesel::update(lanes::table.find((id.as_bytes().to_vec(), Channel::Node.word())))
        .set((lanes::proven_at.eq(None::<i64>), lanes::heard_at.eq(None::<i64>)))
        .execute(rows.db)?;
    outbox::wake_lane(rows, id)
}

/// Another identity counts its messages and its ledger from the beginning. Messages held stay, without their numbers;
/// everything that the earlier identity signed is in our ledger.
///
/// # Errors
/// Those of the database.
pub fn start_sequence_anew(turn: &mut Turn<'_>, id: PartnerId) -> Result<(), StoreError> {
    let rows = turn.rows();
    let id = id.as_bytes().as_slice();
    diesel::update(inbox::table.filter(inbox::partner_id.eq(id)).filter(inbox::seq.is_not_null()))
        .set(inbox::seq.eq(None::<i64>))
        .execute(rows.db)?;
    diesel::delete(inbound::table.find(id)).execute(rows.db)?;
    diesel::delete(checkpoints_seen::table.filter(checkpoints_seen::partner_id.eq(id))).execute(rows.db)?;
    Ok(())
}

/// The addresses in a later card take the place of the earlier ones.
///
/// # Errors
/// Those of the database.
pub fn set_addresses(
    turn: &mut Turn<'_>,
    id: PartnerId,
    push_url: Option<&str>,
    keys_url: &str,
) -> Result<(), StoreError> {
    let rows = turn.rows();
    diesel::update(partners::table.find(id.as_bytes().as_slice()))
        .set((partners::push_url.eq(push_url), partners::keys_url.eq(keys_url)))
        .execute(rows.db)?;
    outbox::wake_lane(rows, id)
}

/// A later card waits for an administrator; `None` when none does.
///
/// # Errors
/// Those of the database.
pub fn set_later_card(turn: &mut Turn<'_>, id: PartnerId, token: Option<&str>) -> Result<(), StoreError> {
    let rows = turn.rows();
    let sealed = signed::sealed(rows, LATER_CARD, id.as_bytes(), token)?;
    diesel::update(partners::table.find(id.as_bytes().as_slice()))
        .set(partners::later_card.eq(sealed))
        .execute(rows.db)?;
    Ok(())
}

/// The digits were compared again: the year until the next time starts now.
///
/// # Errors
/// Those of the database.
pub fn set_verified_now(turn: &mut Turn<'_>, id: PartnerId) -> Result<(), StoreError> {
    let now = turn.now();
    diesel::update(partners::table.find(id.as_bytes().as_slice()))
        .set(partners::verified_at.eq(now.micros()))
        .execute(turn.rows().db)?;
    Ok(())
}
