//! Claiming and sealing: a message gets its place in the lane and its octets once, under the lane's lease, before it is
//! sent (ruling 23).

use std::collections::HashMap;

use domain::delivery::{Channel, LEASE_SECONDS};
use domain::exchange::{self, Exchange};
use domain::values::{ExchangeId, MessageId, PartnerId};
use uuid::Uuid;
use webhooks::set::{SignedSet, sign_set};

use super::Node;
use crate::node::keys::OnlineKeys;
use crate::node::wire_body::{self, About, BodyFault, Place, our_digest};
use crate::store::alerts::{self, AlertKind};
use crate::store::outbox::{self, Claimed, OutKind, Sealed, SealedItem};
use crate::store::partners::{self, Partner};
use crate::store::{StoreError, Turn};

/// Heartbeats queued in one claim.
const HEARTBEATS_MAX: u32 = 32;
/// How long a message that can't be written rests before it is tried again; its lane goes on meanwhile.
const BROKEN_REST_SECONDS: i64 = 900;

/// A message that is sealed and under our lease.
pub(super) struct Ready {
    pub(super) lease: Uuid,
    pub(super) partner: Partner,
    pub(super) claimed: Claimed,
    /// The token; empty for mail, which carries none.
    pub(super) octets: Vec<u8>,
    /// Its number in the lane.
    pub(super) seq: Option<u64>,
    /// What passed with the partner about the incident; `None` for what was sealed before and goes to a node.
    pub(super) exchange: Option<Exchange>,
}

/// Octets of a message.
enum Signed {
    /// As stored: these are sent again.
    Before(SealedItem),
    /// Signed just now, for the first time or again under a newer key, with the number in the lane.
    Now(SignedSet, Option<i64>),
    /// None: the channel carries no token.
    Nothing,
}

/// Claimed work on its way to the carrier.
pub(super) enum Work {
    /// Sealed.
    Sealed(Box<Ready>),
    /// Its lane has history and was silent since start: a heartbeat goes first, and sealing waits for it.
    Ungreeted(Box<Found>),
}

/// What a claim found.
pub(super) struct Found {
    pub(super) lease: Uuid,
    pub(super) partner: Partner,
    pub(super) claimed: Claimed,
    exchange: Option<Exchange>,
}

impl Node {
    /// Takes leases on lanes with something due, at most `limit` of them.
    pub(super) async fn claim(&self, limit: usize, surely: bool) -> Result<Vec<Found>, StoreError> {
        let elapsed = self.time.elapsed();
        // Looking is cheap, a turn is not.
        if !surely && !self.store.read(move |rows| outbox::something_due(rows, elapsed)).await? {
            return Ok(Vec::new());
        }
        let lease = self.time.fresh_id();
        let time = std::sync::Arc::clone(&self.time);
        let lanes = std::sync::Arc::clone(&self.lanes);
        self.store
            .write(self.time.now(), move |turn| {
                let due = outbox::heartbeats_due(turn.rows(), elapsed, HEARTBEATS_MAX)?;
                for partner in due.into_iter().filter(|partner| lanes.may_beat(*partner, elapsed)) {
                    outbox::queue_heartbeat(turn, partner, MessageId::from_uuid(time.fresh_id()), elapsed)?;
                }
                let until = elapsed.plus_seconds(LEASE_SECONDS);
                let claimed = outbox::claim(turn, lease, elapsed, until, limit, None)?;
                found(turn, lease, claimed)
            })
            .await
    }

    /// Writes and signs what was never sent, outside any turn, signs again what waits under a key that goes, and stores the
    /// octets. What lost its lease meanwhile is left
    /// out; what can't be written rests, so that the lane's other messages go on, and a person is told.
    pub(super) async fn seal(&self, found: Vec<Found>) -> Result<Vec<Ready>, StoreError> {
        let Some(lease) = found.first().map(|found| found.lease) else { return Ok(Vec::new()) };
        let mut ready = Vec::with_capacity(found.len());
        let (mut fresh, mut broken) = (Vec::new(), Vec::new());
        let (keys, now) = (self.keys(), self.time.now());
        for found in found {
            let signed = match &found.claimed.sealed {
                None if found.claimed.channel == Channel::Mail => Ok(Signed::Nothing),
                Some(sealed) => match keys.signed_again(&sealed.octets, now) {
                    None => Ok(Signed::Before(sealed.clone())),
                    Some(set) => {
                        tracing::info!(message = %found.claimed.message, "a message is signed again under a newer key");
                        Ok(Signed::Now(set, sealed.seq))
                    }
                },
                None => self.sealed(&found, &keys).map(|(set, seq)| Signed::Now(set, seq)),
            };
            let sealed = signed.map(|signed| match signed {
                Signed::Nothing => (Vec::new(), None),
                Signed::Before(sealed) => (sealed.octets, sealed.seq),
                Signed::Now(set, seq) => {
                    fresh.push(Sealed {
                        partner: found.partner.id,
                        channel: found.claimed.channel,
                        message: found.claimed.message,
                        seq,
                        payload_sha256: our_digest(set.payload_sha256),
                        set_sha256: our_digest(set.set_sha256),
                        octets: set.octets.clone().into_bytes(),
                    });
                    (set.octets.into_bytes(), seq)
                }
            });
            match sealed {
                Ok((octets, seq)) => ready.push(found.ready(octets, seq.map(i64::unsigned_abs))),
                Err(fault) => {
                    tracing::error!(message = %found.claimed.message, %fault, "a message could not be written");
                    broken.push(((found.partner.id, found.claimed.channel), found.claimed.message));
                }
            }
        }
        if fresh.is_empty() && broken.is_empty() {
            return Ok(ready);
        }
        let new: Vec<MessageId> = fresh.iter().map(|sealed| sealed.message).collect();
        let rests_until = self.time.elapsed().plus_seconds(BROKEN_REST_SECONDS);
        let held = self
            .store
            .write(self.time.now(), move |turn| {
                for (lane, message) in broken {
                    alerts::raise(turn, AlertKind::OwnFault, Some(lane.0), None, None, Some(message))?;
                    outbox::rest(turn, lease, lane, message, rests_until)?;
                }
                outbox::keep_sealed(turn, lease, fresh)
            })
            .await?;
        ready.retain(|item| !new.contains(&item.claimed.message) || held.contains(&item.claimed.message));
        Ok(ready)
    }

    /// Payload and signature of a message that was never sent, with its number.
    fn sealed(&self, found: &Found, keys: &OnlineKeys) -> Result<(SignedSet, Option<i64>), BodyFault> {
        let claimed = &found.claimed;
        let seq = claimed.next_seq.unsigned_abs();
        let place = Place {
            issuer: &self.issuer,
            audience: found.audience()?,
            jti: claimed.message.uuid(),
            seq,
            prev: claimed.prev,
            checkpoint: claimed.checkpoint.as_ref().map(|checkpoint| checkpoint.note.clone()).unwrap_or_default(),
        };
        let (payload, seq) = match claimed.kind {
            OutKind::Heartbeat => (wire_body::heartbeat(&place, self.time.now())?, None),
            OutKind::Notified
            | OutKind::Updated
            | OutKind::Withdrawn
            | OutKind::Acknowledged
            | OutKind::Message
            | OutKind::Filed => {
                let queued: exchange::Event = serde_json::from_slice(&claimed.body)
                    .map_err(|_| BodyFault("the event that queued it is unreadable"))?;
                let contact = self.breach_contact();
                let about = About {
                    exchange: found.exchange.as_ref().ok_or(BodyFault("its exchange is missing"))?,
                    facts: claimed.facts.as_deref(),
                    contact: &contact,
                };
                (wire_body::payload(&place, &about, &queued)?, Some(claimed.next_seq))
            }
        };
        Ok((sign_set(keys.set(), &payload), seq))
    }
}

impl Work {
    /// Its lane, and the lease on it.
    pub(super) fn lane(&self) -> (Uuid, PartnerId, Channel) {
        match self {
            Self::Sealed(ready) => (ready.lease, ready.partner.id, ready.claimed.channel),
            Self::Ungreeted(found) => (found.lease, found.partner.id, found.claimed.channel),
        }
    }
}

impl Found {
    /// Whether it is a numbered message to a node.
    pub(super) fn is_numbered(&self) -> bool {
        self.claimed.channel == Channel::Node && self.claimed.kind != OutKind::Heartbeat
    }

    /// Whether its lane has numbered something before, this message included: its receipt may be an old one and says
    /// nothing of what the partner remembers.
    pub(super) const fn has_history(&self) -> bool {
        self.claimed.next_seq > 1
    }

    /// Whom the message is addressed to: a node by its name on the wire, a party without one by the name that we
    /// registered (protocol §16).
    fn audience(&self) -> Result<&str, BodyFault> {
        match self.claimed.channel {
            Channel::Node => self.partner.issuer.as_deref().ok_or(BodyFault("the partner has no node")),
            Channel::Webhook | Channel::Mail => Ok(self.partner.name.as_str()),
        }
    }

    pub(super) const fn partner_id(&self) -> PartnerId {
        self.partner.id
    }

    fn ready(self, octets: Vec<u8>, seq: Option<u64>) -> Ready {
        let Self { lease, partner, claimed, exchange } = self;
        Ready { lease, partner, claimed, octets, seq, exchange }
    }
}

/// Adds what writing a message needs: the partner, and the exchange unless it is written already.
pub(super) fn found(turn: &mut Turn<'_>, lease: Uuid, claimed: Vec<Claimed>) -> Result<Vec<Found>, StoreError> {
    let is_written = |item: &&Claimed| item.sealed.is_none() || item.channel != Channel::Node;
    let unsealed: Vec<ExchangeId> = claimed.iter().filter(is_written).filter_map(|item| item.exchange).collect();
    let states: HashMap<ExchangeId, Option<Exchange>> = turn.exchanges(&unsealed)?.into_iter().collect();
    let addressees: Vec<PartnerId> = claimed.iter().map(|item| item.partner).collect();
    let known: HashMap<PartnerId, Partner> =
        partners::by_ids(turn.rows(), &addressees)?.into_iter().map(|partner| (partner.id, partner)).collect();
    let mut all = Vec::with_capacity(claimed.len());
    for claimed in claimed {
        let Some(partner) = known.get(&claimed.partner).cloned() else {
            outbox::release(turn, lease, claimed.partner, claimed.channel)?;
            continue;
        };
        let exchange = claimed.exchange.and_then(|id| states.get(&id).cloned().flatten());
        all.push(Found { lease, partner, claimed, exchange });
    }
    Ok(all)
}
