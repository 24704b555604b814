//! Door 2: a partner's octets. Checks in the order of protocol §7; the first failure answers.
//!
//! Verification, and the one look-up of a manifest that an unknown key allows, happen outside the writer's turn. Inside it
//! everything is one transaction: seen before, decided, the message and its signed receipt appended (ruling 24), the read
//! tables brought up to date. What a partner sends again is answered with the same receipt and changes nothing.

mod events;
mod keys_post;
mod reception;
mod said;

use std::sync::Arc;

use domain::clock_terms::Law;
use domain::values::{Digest32, ExchangeId, MessageId, Moment};
use webhooks::checkpoint::{origin_of, verify_checkpoint};
use webhooks::manifest::Manifest;
use webhooks::message::{Chain, Event, Head};
use webhooks::push::{self, PeerKeys, Rejected, VerifiedSet};
use webhooks::receipt::{Storing, build_receipt};
use webhooks::refusal::Refusal;
use webhooks::set::sign_set;

use super::wire_body::our_digest;
use super::{Node, loops};
use crate::store::alerts::{self, AlertKind};
use crate::store::inbox::{self, Arrived, Inbound};
use crate::store::partners::{self, Partner, PartnerState};
use crate::store::{EntryKind, StoreError, Turn, outbox};

pub(super) use events::keep_witnessed;
pub(super) use reception::Reception;

/// When a sender whose message could not be stored may come again, in seconds.
const STORAGE_RETRY_SECONDS: u32 = 5;

/// A partner that changes while its message is taken in, again and again, is being looked at by people.
const STALE_TRIES: usize = 3;

/// A repeat meets its first arrival in one batch once; more means a database under great load.
const SAME_BATCH_TRIES: usize = 3;

/// A message as it came: method, size, encoding and media type are checked, nothing else.
pub struct Incoming {
    /// The body.
    pub octets: Vec<u8>,
}

/// What a partner's message is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// 202, with the signed receipt in its header.
    Accepted {
        /// A compact token.
        receipt: String,
    },
    /// 202 (204 for a key manifest) without a receipt: nothing answers a receipt.
    AcceptedNoReceipt,
    /// Refused for good: the status and body of the refusal.
    Refused(Refusal),
    /// 429 or 503, with `Retry-After`.
    Busy {
        /// Which of the two.
        refusal: Refusal,
        /// In seconds.
        retry_after: u32,
    },
}

impl From<Refusal> for Received {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Trouble in our store is never the partner's fault.
impl From<StoreError> for Received {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = %loops::Causes(&error), "a partner's message could not be stored");
        Self::Busy { refusal: Refusal::StorageFailed, retry_after: STORAGE_RETRY_SECONDS }
    }
}

/// A message that passed every check outside the turn.
struct Proven {
    /// It was fetched by a poll: its receipt is owed until the sender took it.
    fetched: bool,
    partner: Arc<Partner>,
    set: VerifiedSet,
    /// The sender's checkpoint in it, if it verifies under the sender's log key.
    witnessed: Option<Witnessed>,
}

/// A partner's statement of how far its ledger reached.
pub(super) struct Witnessed {
    /// When the partner stated it as its newest: receipts do, messages carry an earlier one.
    pub(super) stated_at: Option<Moment>,
    pub(super) size: u64,
    pub(super) root: Digest32,
    pub(super) note: String,
}

impl Node {
    /// Takes a message that a partner pushed.
    pub async fn receive(&self, incoming: Incoming) -> Received {
        self.take(incoming, false).await
    }

    /// Takes a message that was fetched from a partner (protocol §12).
    pub(super) async fn receive_fetched(&self, incoming: Incoming) -> Received {
        self.take(incoming, true).await
    }

    async fn take(&self, incoming: Incoming, fetched: bool) -> Received {
        // Again when the partner is not any more what we remembered when its message was proven.
        for _ in 0..STALE_TRIES {
            let now = self.time.now();
            let proven = match self.prove(&incoming.octets, now, fetched).await {
                Ok(proven) => Arc::new(proven),
                Err(answer) => return answer,
            };
            match self.keep(&proven).await {
                Ok(Kept::Answer(answer) | Kept::Quiet(answer)) => return answer,
                Ok(Kept::Stale) => self.reception.forget(&proven.partner),
                Err(answer) => return answer,
            }
        }
        Received::Busy { refusal: Refusal::StorageFailed, retry_after: STORAGE_RETRY_SECONDS }
    }

    /// Steps 6 to 13, 15 and 16, and the sender's rate.
    async fn prove(&self, octets: &[u8], now: Moment, fetched: bool) -> Result<Proven, Received> {
        let opened = push::open(octets)?;
        if let Some(known) = self.reception.known(opened.iss())
            && may_send(known.state, opened.claims_heartbeat_or_receipt()).is_ok()
            && let Ok(set) = self.verify(&opened, &known, now)
        {
            return self.proven(known, set, fetched);
        }
        let issuer = opened.iss().to_owned();
        let partner = self.store.read(move |rows| partners::by_issuer(rows, &issuer)).await?;
        let mut partner = Arc::new(partner.ok_or(Refusal::UnknownIssuer)?);
        may_send(partner.state, opened.claims_heartbeat_or_receipt())?;
        let mut verified = self.verify(&opened, &partner, now);
        if verified.as_ref().is_err_and(|rejected| rejected.refusal == Refusal::UnknownKey)
            && let Some(newer) = self.refetch_manifest(partner.id).await
        {
            partner = Arc::new(newer);
            verified = self.verify(&opened, &partner, now);
        }
        match verified {
            Ok(set) => {
                self.reception.remember(&partner);
                self.proven(partner, set, fetched)
            }
            Err(rejected) => {
                if rejected.authentic.is_some() {
                    self.admit(&partner, fetched)?;
                }
                Err(self.turn_away(&partner, *rejected, now).await?)
            }
        }
    }

    /// The sender's rate, counted after its signature: anybody can write its name. Whoever was asked for messages may give
    /// them.
    fn admit(&self, partner: &Partner, fetched: bool) -> Result<(), Received> {
        if fetched {
            return Ok(());
        }
        let limited = |retry_after| Received::Busy { refusal: Refusal::RateLimited, retry_after };
        self.partner_rate.check(&partner.id).map_err(limited)
    }

    fn proven(&self, partner: Arc<Partner>, set: VerifiedSet, fetched: bool) -> Result<Proven, Received> {
        self.admit(&partner, fetched)?;
        let stated_at = match set.event() {
            Event::Receipt(_) => Moment::from_unix_seconds(set.claims().iat).ok(),
            Event::Notified(_)
            | Event::Updated(_)
            | Event::Withdrawn(_)
            | Event::Acknowledged(_)
            | Event::Message(_)
            | Event::Filed(_)
            | Event::Verification(_) => None,
        };
        let witnessed = set.event().checkpoint().and_then(|note| self.witnessed(&partner, note, stated_at));
        Ok(Proven { fetched, partner, set, witnessed })
    }

    fn verify(&self, opened: &push::Opened, partner: &Partner, now: Moment) -> Result<VerifiedSet, Box<Rejected>> {
        let unknown = || Box::new(Rejected::from(Refusal::UnknownKey));
        let issuer = partner.issuer.as_deref().ok_or_else(unknown)?;
        let manifest = self.manifest_of(partner).ok_or_else(unknown)?;
        let peer = PeerKeys { issuer, manifest: &manifest };
        push::verify(opened, &peer, &self.issuer, now.unix_seconds())
    }

    /// The partner's manifest as last taken in.
    pub(super) fn manifest_of(&self, partner: &Partner) -> Option<Arc<Manifest>> {
        self.manifests.get(partner)
    }

    /// Judges a checkpoint under the sender's log keys, newest first. A bad one never refuses a message.
    pub(super) fn witnessed(&self, partner: &Partner, note: &str, stated_at: Option<Moment>) -> Option<Witnessed> {
        let origin = origin_of(partner.issuer.as_deref()?);
        let manifest = self.manifest_of(partner)?;
        let judged = manifest.log_keys().rev().find_map(|key| verify_checkpoint(note, &origin, &key.public).ok());
        if judged.is_none() {
            tracing::warn!(partner = %partner.id, "a partner's checkpoint does not verify");
        }
        let checkpoint = judged?;
        Some(Witnessed {
            stated_at,
            size: checkpoint.size,
            root: Digest32::from_bytes(checkpoint.root),
            note: note.to_owned(),
        })
    }

    /// An authentic message whose event we can't take: a copy is kept and a person is told, after the question whether
    /// its id was used before (step 14 stands before 15 and 16).
    async fn turn_away(&self, partner: &Partner, rejected: Rejected, now: Moment) -> Result<Received, StoreError> {
        let refusal = rejected.refusal;
        let Some(set) = rejected.authentic else { return Ok(Received::Refused(refusal)) };
        let partner = partner.id;
        let rule = rejected.rule.unwrap_or_else(|| refusal.code());
        let keys = self.keys();
        self.store
            .write(now, move |turn| {
                let jti = MessageId::from_uuid(set.claims().jti);
                if let Some(seen) = inbox::seen(turn, partner, jti)? {
                    return again(turn, &keys, (partner, jti), &seen, our_digest(set.payload_sha256()), set.octets());
                }
                if refusal == Refusal::BadEvent {
                    inbox::quarantine(turn, partner, rule, set.octets().as_bytes())?;
                    alerts::raise(turn, AlertKind::BadEvent, Some(partner), None, None, Some(jti))?;
                }
                Ok(Received::Refused(refusal))
            })
            .await
    }

    /// Steps 14, 17, 18: one transaction, shared with other messages. A repeat that meets its first arrival in one batch is
    /// looked at again after it, when the receipt is durable.
    async fn keep(&self, proven: &Arc<Proven>) -> Result<Kept, Received> {
        for _ in 0..SAME_BATCH_TRIES {
            let fresh = Fresh {
                receipt: self.time.fresh_id(),
                exchange: ExchangeId::from_uuid(self.time.fresh_id()),
                law: self.duties.law,
            };
            match self.store_with_others(proven, fresh).await {
                Err(StoreError::Busy) => {}
                Err(error) => return Err(error.into()),
                Ok(Kept::Quiet(answer)) => {
                    self.came_in();
                    return Ok(Kept::Answer(answer));
                }
                Ok(kept) => {
                    self.changed();
                    return Ok(kept);
                }
            }
        }
        Err(Received::Busy { refusal: Refusal::StorageFailed, retry_after: STORAGE_RETRY_SECONDS })
    }
}

/// What came of storing a message.
enum Kept {
    /// This is the answer to it.
    Answer(Received),
    /// The same, and nothing waits for its sender.
    Quiet(Received),
    /// The partner is not any more what it was when the message was proven. Nothing was stored.
    Stale,
}

/// Ids drawn for one message, used or not, and the law that a clock which it starts runs under.
#[derive(Clone, Copy)]
struct Fresh {
    receipt: uuid::Uuid,
    exchange: ExchangeId,
    law: Law,
}

/// Step 8: who may send what.
fn may_send(state: PartnerState, heartbeat_or_receipt: bool) -> Result<(), Refusal> {
    match state {
        PartnerState::Active => Ok(()),
        PartnerState::Verified if heartbeat_or_receipt => Ok(()),
        PartnerState::Verified
        | PartnerState::Listed
        | PartnerState::Imported
        | PartnerState::Suspended
        | PartnerState::Ended
        | PartnerState::Locked => Err(Refusal::PeerNotActive),
    }
}

/// A message with an id that is held already: the same payload gets its receipt again; another one is refused, and both
/// are kept. A receipt under a key of ours that was revoked or ends is signed again, or nobody would ever believe it.
fn again(
    turn: &mut Turn<'_>,
    keys: &super::keys::OnlineKeys,
    (partner, jti): (domain::values::PartnerId, MessageId),
    seen: &inbox::Seen,
    payload: Digest32,
    octets: &str,
) -> Result<Received, StoreError> {
    if seen.payload_sha256 == payload {
        let Some(newer) = keys.signed_again(seen.receipt.as_bytes(), turn.now()) else {
            return Ok(Received::Accepted { receipt: seen.receipt.clone() });
        };
        let entry = turn.append(EntryKind::ReceiptSent, None, Some(partner.uuid()), newer.octets.as_bytes())?;
        inbox::replace_receipt(turn, partner, jti, entry)?;
        return Ok(Received::Accepted { receipt: newer.octets });
    }
    turn.append(EntryKind::SetRefused, None, Some(partner.uuid()), octets.as_bytes())?;
    alerts::raise(turn, AlertKind::JtiConflict, Some(partner), None, None, Some(jti))?;
    Ok(Received::Refused(Refusal::JtiConflict))
}

/// One message in a turn of its own.
fn store_alone(
    turn: &mut Turn<'_>,
    keys: &super::keys::OnlineKeys,
    proven: &Proven,
    fresh: &Fresh,
    elapsed: Moment,
) -> Result<Kept, StoreError> {
    if partners::unchanged(turn.rows(), &[&proven.partner])?.is_empty() {
        return Ok(Kept::Stale);
    }
    store(turn, keys, proven, fresh, elapsed).map(Kept::Answer)
}

fn store(
    turn: &mut Turn<'_>,
    keys: &super::keys::OnlineKeys,
    proven: &Proven,
    fresh: &Fresh,
    elapsed: Moment,
) -> Result<Received, StoreError> {
    let Proven { fetched, partner, set, witnessed } = proven;
    let jti = MessageId::from_uuid(set.claims().jti);
    let payload = our_digest(set.payload_sha256());
    if let Event::Receipt(_) = set.event() {
        let answer = events::receipt(turn, keys, partner, set, elapsed)?;
        if let (Received::AcceptedNoReceipt, Some(witnessed)) = (&answer, witnessed) {
            events::keep_witnessed(turn, partner.id, witnessed)?;
        }
        return Ok(answer);
    }
    if let Some(seen) = inbox::seen(turn, partner.id, jti)? {
        let answer = again(turn, keys, (partner.id, jti), &seen, payload, set.octets())?;
        if *fetched && matches!(answer, Received::Accepted { .. }) {
            inbox::owed::owe(turn, partner.id, jti)?;
        }
        return Ok(answer);
    }
    let sequence = set.event().sequence();
    if let Some((seq, _)) = sequence
        && inbox::seq_taken(turn, partner.id, seq)?
    {
        turn.append(EntryKind::SetRefused, None, Some(partner.id.uuid()), set.octets().as_bytes())?;
        alerts::raise(turn, AlertKind::SeqConflict, Some(partner.id), None, None, Some(jti))?;
        return Ok(Received::Refused(Refusal::SeqConflict));
    }
    let effect = match events::decide(turn, partner, set, fresh)? {
        Ok(effect) => effect,
        Err(why) => {
            inbox::quarantine(turn, partner.id, why, set.octets().as_bytes())?;
            alerts::raise(turn, AlertKind::BadEvent, Some(partner.id), None, None, Some(jti))?;
            return Ok(Received::Refused(Refusal::BadEvent));
        }
    };
    let subject = effect.subject.unwrap_or_else(|| partner.id.uuid());
    let set_entry = turn.append(EntryKind::SetReceived, None, Some(subject), set.octets().as_bytes())?;
    let arrived = Arrived {
        partner: partner.id,
        message: jti,
        event: events::word(set.event()),
        seq: sequence.map(|(seq, _)| seq),
        prev: sequence.and_then(|(_, prev)| prev).map(our_digest),
        payload_sha256: payload,
        set_entry,
        exchange: effect.exchange,
        case: super::wire_body::case_of(set.claims()),
    };
    let inbound = inbox::advance(turn, &arrived, elapsed)?;
    let checkpoint = turn.newest_checkpoint()?.map(|checkpoint| checkpoint.note).unwrap_or_default();
    let receipt = sign_receipt(keys, set, fresh.receipt, &inbound, checkpoint, turn.now())?;
    let receipt_entry = turn.append(EntryKind::ReceiptSent, None, Some(subject), receipt.as_bytes())?;
    inbox::keep(turn, arrived, receipt_entry)?;
    if *fetched {
        inbox::owed::owe(turn, partner.id, jti)?;
    }
    if let Event::Verification(heartbeat) = set.event() {
        events::heartbeat(turn, partner, heartbeat.head, elapsed)?;
    }
    if let Some(witnessed) = witnessed {
        events::keep_witnessed(turn, partner.id, witnessed)?;
    }
    outbox::heard_from(turn, partner.id, elapsed)?;
    Ok(Received::Accepted { receipt })
}

/// The receipt states head and position, so it is signed here, with the newest checkpoint committed before this batch.
fn sign_receipt(
    keys: &super::keys::OnlineKeys,
    set: &VerifiedSet,
    id: uuid::Uuid,
    inbound: &Inbound,
    checkpoint: String,
    stored_at: Moment,
) -> Result<String, StoreError> {
    const IMPOSSIBLE: StoreError = StoreError::Corrupt { table: "inbound", what: "a receipt that can't be stated" };
    let storing = Storing {
        jti: id,
        stored_at: stored_at.unix_seconds_up(),
        chain: match inbound.chain {
            inbox::Chain::Ok => Chain::Ok,
            inbox::Chain::Gap => Chain::Gap,
            inbox::Chain::Broken => Chain::Broken,
        },
        head: Head { seq: inbound.head_seq, payload_sha256: inbound.head_payload.map(super::wire_body::wire_digest) },
        missing: inbound.missing.clone(),
        checkpoint,
    };
    let payload = build_receipt(set, storing).map_err(|error| {
        tracing::error!(%error, "a receipt could not be stated");
        IMPOSSIBLE
    })?;
    Ok(sign_set(keys.set(), &payload).octets)
}
