//! Signed documents, theirs and ours: cards and key manifests. What is signed can be read by anybody who holds it, names and
//! contacts with it, so the database keeps them sealed (ruling 17), each bound to its row.
//!
//! The first version kept them plain. Opening the store seals what is left of that ([`earlier`], [`seal_earlier`]).

use diesel::prelude::*;

use crate::store::backend::Db;
use crate::store::schema::{manifests_by_identity, own_documents, partners};
use crate::store::sealed::Seal;
use crate::store::{Rows, StoreError};

/// Where a partner's card is sealed for; its row is the partner's id.
pub(super) const CARD: &str = "partners.card";
/// Where a later card is; its row is the partner's id.
pub(super) const LATER_CARD: &str = "partners.later_card";
/// Where a partner's newest manifest is; its row is the partner's id.
pub(super) const MANIFEST: &str = "partners.manifest";
/// Where all manifests of a partner are; its row is [`manifest_row`].
pub(super) const TAKEN: &str = "manifests_by_identity.token";
/// Where our own documents are; its row is [`own_row`].
pub(super) const OWN: &str = "own_documents.token";
/// Documents of each kind found at once.
const AT_ONCE: i64 = 100;

/// The row of a partner's manifest. Ids and versions have one length each.
pub(super) fn manifest_row(partner: &[u8], identity: &str, version: i64) -> Vec<u8> {
    [partner, &version.to_be_bytes(), identity.as_bytes()].concat()
}

/// The row of a document of ours.
pub(super) fn own_row(kind: &str, version: i64) -> Vec<u8> {
    [&version.to_be_bytes(), kind.as_bytes()].concat()
}

/// A document, sealed; none stays none.
pub(super) fn sealed(
    rows: &Rows<'_>,
    place: &'static str,
    row: &[u8],
    token: Option<&str>,
) -> Result<Option<String>, StoreError> {
    token.map(|token| rows.seal.seal_text(place, row, token)).transpose()
}

/// What [`sealed`] gave, opened.
pub(super) fn opened(
    rows: &Rows<'_>,
    place: &'static str,
    row: &[u8],
    stored: Option<String>,
) -> Result<Option<String>, StoreError> {
    stored.map(|stored| rows.seal.open_text(place, row, stored)).transpose()
}

/// A document that the first version kept plain.
pub(in crate::store) enum Earlier {
    Card { partner: Vec<u8>, token: String },
    LaterCard { partner: Vec<u8>, token: String },
    Manifest { partner: Vec<u8>, token: String },
    Taken { partner: Vec<u8>, identity: String, version: i64, token: String },
    Own { kind: String, version: i64, token: String },
}

/// Some of the documents that lie plain; none when none do. A partner has one row, and a new manifest comes once a year, so
/// looking through all of them is cheap.
pub(in crate::store) fn earlier(db: &mut Db) -> Result<Vec<Earlier>, StoreError> {
    let mut found = Vec::new();
    macro_rules! of_partners {
        ($column:ident, $kind:ident) => {
            let plain: Vec<(Vec<u8>, String)> = partners::table
                .filter(partners::$column.not_like(Seal::sealed_texts()))
                .limit(AT_ONCE)
                .select((partners::id, partners::$column.assume_not_null()))
                .load(db)?;
            found.extend(plain.into_iter().map(|(partner, token)| Earlier::$kind { partner, token }));
        };
    }
    of_partners!(card, Card);
    of_partners!(later_card, LaterCard);
    of_partners!(manifest, Manifest);
    let taken: Vec<(Vec<u8>, String, i64, String)> = manifests_by_identity::table
        .filter(manifests_by_identity::token.not_like(Seal::sealed_texts()))
        .limit(AT_ONCE)
        .select((
            manifests_by_identity::partner_id,
            manifests_by_identity::identity,
            manifests_by_identity::version,
            manifests_by_identity::token,
        ))
        .load(db)?;
    found.extend(taken.into_iter().map(|(partner, identity, version, token)| Earlier::Taken {
        partner,
        identity,
        version,
        token,
    }));
    let own: Vec<(String, i64, String)> = own_documents::table
        .filter(own_documents::token.not_like(Seal::sealed_texts()))
        .limit(AT_ONCE)
        .select((own_documents::kind, own_documents::version, own_documents::token))
        .load(db)?;
    found.extend(own.into_iter().map(|(kind, version, token)| Earlier::Own { kind, version, token }));
    Ok(found)
}

/// Seals them, each only while it is what was found.
pub(in crate::store) fn seal_earlier(db: &mut Db, seal: &Seal, found: &[Earlier]) -> Result<(), StoreError> {
    macro_rules! of_partners {
        ($column:ident, $place:expr, $partner:expr, $token:expr) => {
            diesel::update(partners::table.find($partner).filter(partners::$column.eq($token)))
                .set(partners::$column.eq(seal.seal_text($place, $partner, $token)?))
                .execute(db)?
        };
    }
    for document in found {
        match document {
            Earlier::Card { partner, token } => of_partners!(card, CARD, partner, token),
            Earlier::LaterCard { partner, token } => of_partners!(later_card, LATER_CARD, partner, token),
            Earlier::Manifest { partner, token } => of_partners!(manifest, MANIFEST, partner, token),
            Earlier::Taken { partner, identity, version, token } => {
                let sealed = seal.seal_text(TAKEN, &manifest_row(partner, identity, *version), token)?;
                let this = manifests_by_identity::table.find((partner, identity, version));
                diesel::update(this.filter(manifests_by_identity::token.eq(token)))
                    .set(manifests_by_identity::token.eq(sealed))
                    .execute(db)?
            }
            Earlier::Own { kind, version, token } => {
                let sealed = seal.seal_text(OWN, &own_row(kind, *version), token)?;
                diesel::update(own_documents::table.find((kind, version)).filter(own_documents::token.eq(token)))
                    .set(own_documents::token.eq(sealed))
                    .execute(db)?
            }
        };
    }
    Ok(())
}
