//! First notices of many partners at once: what [`super::seen`], [`super::advance`] and [`super::keep`] do one by one, with
//! a few statements for all. Whatever is unusual about a message is left to those.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use domain::values::{CaseId, Digest32, MessageId, Moment, PartnerId};

use super::{Arrived, digest, number, stored};
use crate::store::backend::bulk::{Value, insert_many, update_many};
use crate::store::backend::pairs::find_pairs;
use crate::store::schema::{inbound, inbox};
use crate::store::{Rows, StoreError, Turn};

/// How far a partner's messages reach, while none is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// Whether anything ever came.
    pub known: bool,
    /// The highest number held; 0 for none.
    pub head_seq: u64,
    /// Digest of its payload.
    pub head_payload: Option<Digest32>,
}

/// How far the messages of each of these partners reach. Partners with a gap are left out.
///
/// # Errors
/// [`StoreError::Corrupt`] when what is held can't be read; those of the database.
pub fn reaches(rows: &mut Rows<'_>, partners: &[PartnerId]) -> Result<HashMap<PartnerId, Reach>, StoreError> {
    let ids: Vec<&[u8]> = partners.iter().map(|partner| partner.as_bytes().as_slice()).collect();
    type Found = (Vec<u8>, i64, Option<Vec<u8>>, String);
    let found: Vec<Found> = inbound::table
        .filter(inbound::partner_id.eq_any(ids))
        .select((inbound::partner_id, inbound::head_seq, inbound::head_payload, inbound::missing))
        .load(rows.db)?;
    let mut reaches: HashMap<_, _> = partners.iter().map(|partner| (*partner, Reach::default())).collect();
    for (partner, head, payload, missing) in found {
        let partner = PartnerId::from_slice(&partner).map_err(StoreError::corrupt("inbound", "a partner"))?;
        if missing.is_empty() {
            let head_payload = payload.map(|payload| digest(&payload)).transpose()?;
            reaches.insert(partner, Reach { known: true, head_seq: number(head)?, head_payload });
        } else {
            reaches.remove(&partner);
        }
    }
    Ok(reaches)
}

/// Which of these messages are held already, each as its own partner's.
///
/// # Errors
/// Those of the database.
pub fn held(rows: &mut Rows<'_>, messages: &[(PartnerId, MessageId)]) -> Result<HashSet<MessageId>, StoreError> {
    let pairs: Vec<(&[u8], &[u8])> = messages
        .iter()
        .map(|(partner, message)| (partner.as_bytes().as_slice(), message.as_bytes().as_slice()))
        .collect();
    let found = find_pairs(rows.db, "inbox", ["partner_id", "message"], "TRUE", &pairs)?;
    found.iter().map(|(_, id)| MessageId::from_slice(id).map_err(StoreError::corrupt("inbox", "an id"))).collect()
}

/// Which of these cases are known, each as its own partner's.
///
/// # Errors
/// Those of the database.
pub fn known_cases(rows: &mut Rows<'_>, cases: &[(PartnerId, CaseId)]) -> Result<HashSet<CaseId>, StoreError> {
    let pairs: Vec<(&[u8], &[u8])> =
        cases.iter().map(|(partner, case)| (partner.as_bytes().as_slice(), case.as_bytes().as_slice())).collect();
    let found = find_pairs(rows.db, "exchanges", ["partner_id", "case_id"], "direction = 'incoming'", &pairs)?;
    found.iter().map(|(_, id)| CaseId::from_slice(id).map_err(StoreError::corrupt("exchanges", "a case"))).collect()
}

#[derive(Insertable)]
#[diesel(table_name = inbox, treat_none_as_default_value = false)]
struct NewMessage {
    partner_id: Vec<u8>,
    message: Vec<u8>,
    event: &'static str,
    seq: Option<i64>,
    payload_sha256: Vec<u8>,
    set_entry: i64,
    receipt_entry: i64,
    exchange_id: Option<Vec<u8>>,
    received_at: i64,
    receipt_owed: bool,
}

/// A message to keep: each is its partner's next one, and nothing before it is missing.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The message.
    pub arrived: Arrived,
    /// Whether anything came from its partner before.
    pub known: bool,
    /// The entry of its receipt.
    pub receipt_entry: u64,
    /// When it came (duty time).
    pub at: Moment,
}

/// Keeps messages, at most one of each partner, and moves their partners' heads to them.
///
/// # Errors
/// Those of the database.
pub fn keep(turn: &mut Turn<'_>, kept: Vec<Kept>) -> Result<(), StoreError> {
    let (mut messages, mut moved) = (Vec::with_capacity(kept.len()), Vec::with_capacity(kept.len()));
    let rows = turn.rows();
    for Kept { arrived, known, receipt_entry, at } in kept {
        let partner = arrived.partner.as_bytes().to_vec();
        let payload = arrived.payload_sha256.as_bytes().to_vec();
        let seq = arrived.seq.map(stored).transpose()?;
        if known {
            let (head, payload) = (Value::Big(seq), Value::Octets(Some(payload.clone())));
            moved.push(vec![Value::Octets(Some(partner.clone())), head, payload]);
        } else {
            diesel::insert_into(inbound::table)
                .values((
                    inbound::partner_id.eq(&partner),
                    inbound::head_seq.eq(seq.unwrap_or_default()),
                    inbound::head_payload.eq(&payload),
                    inbound::missing.eq(""),
                ))
                .execute(rows.db)?;
        }
        messages.push(NewMessage {
            partner_id: partner,
            message: arrived.message.as_bytes().to_vec(),
            event: arrived.event,
            seq,
            payload_sha256: payload,
            set_entry: stored(arrived.set_entry)?,
            receipt_entry: stored(receipt_entry)?,
            exchange_id: arrived.exchange.map(|id| id.as_bytes().to_vec()),
            received_at: at.micros(),
            receipt_owed: false,
        });
    }
    update_many(rows.db, "inbound", &["partner_id"], &["head_seq", "head_payload"], &moved)?;
    insert_many!(rows.db, inbox::table, &messages)
}
