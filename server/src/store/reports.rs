//! What belongs to the reports of an incident and is not in its events: the files that prove a submission, and drafts of
//! answers. Both go when the incident is erased. A proof's digest is on the record.

use diesel::prelude::*;
use domain::values::{Digest32, IncidentId, PersonId};
use uuid::Uuid;

use super::schema::{drafts, report_proofs};
use super::{Rows, StoreError, Turn};

/// Where proofs are sealed for.
const PROOF: &str = "report_proofs.content";
/// Octets of one piece.
const PIECE_OCTETS: usize = 256 * 1_024;
/// Pieces of one file: more than its largest size needs.
const PIECES_MAX: i64 = 100;

/// What drafts of answers about an incident are kept under.
#[must_use]
pub fn draft_purpose(incident: IncidentId) -> String {
    format!("report:{incident}")
}

/// The draft of a person's answers to one part of a report: the same every time, so that it is found again.
#[must_use]
pub fn draft_id(incident: IncidentId, person: PersonId, part: &str) -> Uuid {
    let digest = Digest32::of(&[incident.as_bytes(), person.as_bytes(), part.as_bytes()].concat());
    let mut octets = [0; 16];
    for (octet, from) in octets.iter_mut().zip(digest.as_bytes()) {
        *octet = *from;
    }
    uuid::Builder::from_custom_bytes(octets).into_uuid()
}

/// Keeps the file that proves a submission.
///
/// # Errors
/// [`StoreError::TooMuch`] for a file that is too long; those of the database.
pub fn keep_proof(turn: &mut Turn<'_>, incident: IncidentId, number: u32, octets: &[u8]) -> Result<(), StoreError> {
    let number = stored(number)?;
    let rows = turn.rows();
    if i64::try_from(octets.len().div_ceil(PIECE_OCTETS)).map_or(true, |pieces| pieces > PIECES_MAX) {
        return Err(StoreError::TooMuch { what: "the length of a proof" });
    }
    for (piece, octets) in (0_i32..).zip(octets.chunks(PIECE_OCTETS)) {
        let sealed = rows.seal.seal(PROOF, &sealed_for(incident, number, piece), octets)?;
        diesel::insert_into(report_proofs::table)
            .values((
                report_proofs::incident_id.eq(incident.as_bytes().as_slice()),
                report_proofs::number.eq(number),
                report_proofs::piece.eq(piece),
                report_proofs::content.eq(sealed),
            ))
            .execute(rows.db)?;
    }
    Ok(())
}

/// The file that proves a submission; nothing when there is none.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open; those of the database.
pub fn proof(rows: &mut Rows<'_>, incident: IncidentId, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
    let number = stored(number)?;
    let pieces: Vec<(i32, Vec<u8>)> = report_proofs::table
        .filter(report_proofs::incident_id.eq(incident.as_bytes().as_slice()))
        .filter(report_proofs::number.eq(number))
        .order(report_proofs::piece)
        .limit(PIECES_MAX)
        .select((report_proofs::piece, report_proofs::content))
        .load(rows.db)?;
    if pieces.is_empty() {
        return Ok(None);
    }
    let mut octets = Vec::new();
    for (piece, sealed) in pieces {
        octets.extend(rows.seal.open(PROOF, &sealed_for(incident, number, piece), &sealed)?);
    }
    Ok(Some(octets))
}

/// Forgets every proof and every draft about an incident.
///
/// # Errors
/// Those of the database.
pub(super) fn erase(rows: &mut Rows<'_>, incident: IncidentId) -> Result<(), StoreError> {
    let proofs = report_proofs::table.filter(report_proofs::incident_id.eq(incident.as_bytes().as_slice()));
    diesel::delete(proofs).execute(rows.db)?;
    diesel::delete(drafts::table.filter(drafts::purpose.eq(draft_purpose(incident)))).execute(rows.db)?;
    Ok(())
}

fn stored(number: u32) -> Result<i32, StoreError> {
    i32::try_from(number).map_err(StoreError::corrupt("report_proofs", "a number"))
}

/// Names the piece that a content is sealed for: none opens as another one.
fn sealed_for(incident: IncidentId, number: i32, piece: i32) -> Vec<u8> {
    [incident.as_bytes().as_slice(), &number.to_be_bytes(), &piece.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::store::forms;
    use crate::store::testing::{at, both, id};

    fn incident(n: u128) -> IncidentId {
        IncidentId::from_uuid(id(n))
    }

    both!(
        /// Aim: a proof of several pieces comes back as it was, is nobody else's, and goes with its incident; so do the
        /// drafts about it, whoever typed them.
        proofs_and_drafts_go_with_their_incident, |store| {
            let octets: Vec<u8> = (0..600_000_u32).map(|n| n.to_le_bytes()[1]).collect();
            let person = PersonId::from_uuid(id(7));
            let kept = octets.clone();
            store.write::<_, StoreError>(at(0), move |turn| {
                keep_proof(turn, incident(1), 1, &kept)?;
                keep_proof(turn, incident(2), 1, b"another")?;
                for n in [1, 2] {
                    let draft = draft_id(incident(n), person, "part");
                    forms::put_draft(turn, draft, person, &draft_purpose(incident(n)), b"typed")?;
                }
                Ok(())
            }).await.unwrap();
            assert_eq!(store.read(|rows| proof(rows, incident(1), 1)).await.unwrap(), Some(octets));
            assert_eq!(store.read(|rows| proof(rows, incident(1), 2)).await.unwrap(), None);
            store.write::<_, StoreError>(at(1), |turn| erase(turn.rows(), incident(1))).await.unwrap();
            assert_eq!(store.read(|rows| proof(rows, incident(1), 1)).await.unwrap(), None);
            assert!(store.read(|rows| proof(rows, incident(2), 1)).await.unwrap().is_some());
            for (n, left) in [(1, 0), (2, 1)] {
                let purpose = draft_purpose(incident(n));
                let found = store.read(move |rows| forms::drafts(rows, person, &purpose)).await.unwrap();
                assert_eq!(found.len(), left);
            }
        }
    );
}
