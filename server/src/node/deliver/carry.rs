//! Carrying sealed octets to one partner and judging the answer. No turn is open meanwhile.

use std::time::Duration;

use domain::delivery::{Channel, Heard, REQUEST_SECONDS, RefusedErr};
use domain::values::{Digest32, MessageId, Moment};
use tokio::time::timeout;
use webhooks::carrier::{NotReached, Outcome, Parcel, RetryAfter};
use webhooks::push::{Answer, PeerKeys, classify};
use webhooks::receipt::{Expectation, ReceiptError, VerifiedReceipt, check_receipt};
use webhooks::refusal::{PeerError, Refusal};
use webhooks::set::sign_set;

use super::Node;
use super::outcome::Landed;
use super::seal::{Found, Ready};
use crate::node::pairing;
use crate::node::wire_body::{self, Place};
use crate::store::partners::Partner;
use crate::store::{StoreError, Turn, outbox};

/// How long a lane waits for the receipt of its first heartbeat (ruling 27).
const GREETING: Duration = Duration::from_secs(2);

/// What one attempt came to.
pub(super) struct Attempt {
    pub(super) heard: Heard,
    /// The HTTP status, if a server answered.
    pub(super) status: Option<u16>,
    pub(super) took_ms: u32,
    pub(super) receipt: Option<VerifiedReceipt>,
    /// Why a receipt that came was not believed.
    pub(super) disbelieved: Option<ReceiptError>,
    /// The partner holds another message under our id or number.
    pub(super) conflict: Option<Refusal>,
    /// How far the partner's clock is ahead of ours, as far as the answer tells.
    pub(super) skew_seconds: Option<i64>,
    /// What the ledger keeps of an attempt that leaves no signed message there: mail.
    pub(super) note: Option<serde_json::Value>,
}

impl Node {
    /// One attempt, and what follows it.
    pub(super) async fn carry(&self, ready: Ready) -> Landed {
        let attempt = match ready.claimed.channel {
            Channel::Node => self.carry_push(&ready).await,
            Channel::Webhook => self.carry_webhook(&ready).await,
            Channel::Mail => self.carry_mail(&ready).await,
        };
        self.land(ready, attempt).await
    }

    async fn carry_push(&self, ready: &Ready) -> Attempt {
        let expected = Expected {
            message: ready.claimed.message,
            seq: ready.seq,
            versions: self.keys().versions(&ready.octets),
            first_attempt: wire_body::sent_since(&ready.octets, ready.claimed.first_attempt_at)
                .unwrap_or_else(|| self.time.now()),
        };
        self.attempt(&ready.partner, &ready.octets, &expected).await
    }

    /// A heartbeat before the first message since start: its receipt says how far the partner remembers our lane, before
    /// a number is used twice. Two seconds at most; without an answer the message is sealed all the same. `None`: the lane
    /// was stopped, or lost.
    pub(super) async fn greeted(&self, found: Found) -> Result<Option<Ready>, StoreError> {
        if self.greet(&found).await? {
            let (lease, partner) = (found.lease, found.partner.id);
            let release = move |turn: &mut Turn<'_>| outbox::release(turn, lease, partner, Channel::Node);
            self.store.write(self.time.now(), release).await?;
            return Ok(None);
        }
        Ok(self.seal(vec![found]).await?.pop())
    }

    /// Whether the lane was stopped, because the partner remembers more than we do.
    async fn greet(&self, found: &Found) -> Result<bool, StoreError> {
        let claimed = &found.claimed;
        let reach = (claimed.next_seq.unsigned_abs(), claimed.prev);
        let witness = claimed.checkpoint.as_ref().map(|checkpoint| checkpoint.note.clone()).unwrap_or_default();
        match timeout(GREETING, self.hello(&found.partner, reach, witness)).await {
            Ok(Some((octets, receipt))) => self.record_greeting(&found.partner, octets, receipt).await,
            Ok(None) | Err(_) => Ok(false),
        }
    }

    /// A heartbeat outside the queue: what was sent, and the receipt that came back. `reach` is the lane's next number and
    /// the payload hash before it; `witness` is our checkpoint, if we have one at hand.
    pub(super) async fn hello(
        &self,
        partner: &Partner,
        reach: (u64, Option<Digest32>),
        witness: String,
    ) -> Option<(String, VerifiedReceipt)> {
        let message = MessageId::from_uuid(self.time.fresh_id());
        let place = Place {
            issuer: &self.issuer,
            audience: partner.issuer.as_deref()?,
            jti: message.uuid(),
            seq: reach.0,
            prev: reach.1,
            checkpoint: witness,
        };
        let payload = wire_body::heartbeat(&place, self.time.now()).ok()?;
        let set = sign_set(self.keys().set(), &payload);
        let versions = vec![set.set_sha256];
        let expected = Expected { message, seq: None, versions, first_attempt: self.time.now() };
        let attempt = self.attempt(partner, set.octets.as_bytes(), &expected).await;
        attempt.receipt.map(|receipt| (set.octets, receipt))
    }

    /// Sends octets once and judges what came back.
    async fn attempt(&self, partner: &Partner, octets: &[u8], expected: &Expected) -> Attempt {
        let Some(url) = partner.push_url.as_deref() else {
            return Attempt::without_answer(Heard::NotReached, 0);
        };
        let (exceptions, port) = pairing::allowances(partner);
        let parcel = Parcel { body: octets.to_vec(), ..Parcel::push(url, "") }.allowing(exceptions, port);
        let began = self.time.elapsed();
        // The carrier has its own limits; this one keeps the lease's promise whatever it does.
        let limit = Duration::from_secs(REQUEST_SECONDS.unsigned_abs());
        let carried = timeout(limit, self.carrier.carry(&parcel)).await;
        let outcome = carried.unwrap_or_else(|_| Outcome::not_reached(NotReached::Timeout));
        let took = self.time.elapsed().micros().saturating_sub(began.micros()) / 1_000;
        let took_ms = u32::try_from(took).unwrap_or_default();
        let (status, retry_after) = match &outcome {
            Outcome::Answered { status, retry_after, .. } => (Some(*status), *retry_after),
            Outcome::NotReached { .. } => (None, None),
        };
        let mut attempt = Attempt::without_answer(Heard::NotReached, took_ms);
        attempt.status = status;
        attempt.skew_seconds = self.skew_told(&outcome);
        match classify(&outcome) {
            Answer::Receipt(token) => match self.judge(partner, &token, expected).await {
                Ok(receipt) => {
                    // A heartbeat is new each time, and so is the instant in its receipt.
                    if expected.seq.is_none() {
                        let now = self.time.now().unix_seconds();
                        attempt.skew_seconds.get_or_insert(receipt.toe().saturating_sub(now));
                    }
                    attempt.heard = Heard::Receipted;
                    attempt.receipt = Some(receipt);
                }
                Err(error) => {
                    attempt.heard = Heard::Unconfirmed;
                    attempt.disbelieved = Some(error);
                }
            },
            Answer::Unconfirmed => attempt.heard = Heard::Unconfirmed,
            Answer::Retryable => {
                if status.is_some() {
                    let retry_after_seconds = retry_after.map(|after| self.seconds_until(after));
                    attempt.heard = Heard::Busy { retry_after_seconds };
                }
            }
            Answer::Redirected | Answer::WrongAddress | Answer::Intermediary => {
                attempt.heard = Heard::Misdirected { status: status.unwrap_or_default() };
            }
            Answer::Refused(refusal) => {
                attempt.heard = Heard::Refused { err: refused(refusal.err) };
                attempt.conflict =
                    refusal.code.filter(|code| matches!(code, Refusal::JtiConflict | Refusal::SeqConflict));
            }
        }
        attempt
    }

    /// Checks a receipt; under a key that we don't know yet, once more after a look at the partner's manifest.
    async fn judge(
        &self,
        partner: &Partner,
        token: &str,
        expected: &Expected,
    ) -> Result<VerifiedReceipt, ReceiptError> {
        match self.check(partner, token, expected) {
            Err(ReceiptError::Refused(Refusal::UnknownKey)) => match self.refetch_manifest(partner.id).await {
                Some(newer) => self.check(&newer, token, expected),
                None => Err(ReceiptError::Refused(Refusal::UnknownKey)),
            },
            judged => judged,
        }
    }

    fn check(&self, partner: &Partner, token: &str, expected: &Expected) -> Result<VerifiedReceipt, ReceiptError> {
        let unknown = ReceiptError::Refused(Refusal::UnknownKey);
        let issuer = partner.issuer.as_deref().ok_or(unknown)?;
        let manifest = self.manifest_of(partner).ok_or(unknown)?;
        let expectation = Expectation {
            jti: expected.message.uuid(),
            seq: expected.seq,
            set_sha256: &expected.versions,
            first_attempt: expected.first_attempt.unix_seconds(),
        };
        let peer = PeerKeys { issuer, manifest: &manifest };
        check_receipt(token.as_bytes(), &peer, &self.issuer, &expectation, self.time.now().unix_seconds())
    }

    /// How far the clock behind an answer is ahead of ours, in seconds, by its `Date`: the machine's own, never duty time.
    fn skew_told(&self, outcome: &Outcome) -> Option<i64> {
        match outcome {
            Outcome::Answered { date, .. } => date.map(|date| date.saturating_sub(self.time.elapsed().unix_seconds())),
            Outcome::NotReached { .. } => None,
        }
    }

    pub(super) fn seconds_until(&self, after: RetryAfter) -> u32 {
        match after {
            RetryAfter::Seconds(seconds) => seconds,
            RetryAfter::At(at) => {
                u32::try_from(at.saturating_sub(self.time.elapsed().unix_seconds()).max(0)).unwrap_or(u32::MAX)
            }
        }
    }
}

/// What a receipt has to name.
struct Expected {
    message: MessageId,
    seq: Option<u64>,
    /// Digests of every version that may have been sent.
    versions: Vec<webhooks::values::Digest>,
    first_attempt: Moment,
}

impl Attempt {
    pub(super) const fn without_answer(heard: Heard, took_ms: u32) -> Self {
        Self {
            heard,
            status: None,
            took_ms,
            receipt: None,
            disbelieved: None,
            conflict: None,
            skew_seconds: None,
            note: None,
        }
    }
}

/// A refusal of the wire in the words of our own rules.
pub(in crate::node) const fn refused(err: PeerError) -> RefusedErr {
    match err {
        PeerError::InvalidRequest => RefusedErr::InvalidRequest,
        PeerError::InvalidKey => RefusedErr::InvalidKey,
        PeerError::InvalidIssuer => RefusedErr::InvalidIssuer,
        PeerError::InvalidAudience => RefusedErr::InvalidAudience,
        PeerError::AuthenticationFailed => RefusedErr::AuthenticationFailed,
        PeerError::AccessDenied => RefusedErr::AccessDenied,
    }
}
