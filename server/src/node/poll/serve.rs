//! The serving half: a partner asks for its messages.
//!
//! The order of the checks: the token's form, who it names, its signature and claims (401); the partner's rate (429); the
//! token once only (401); the pairing (403); the request (400); its open polls (429). Only then is anything of the request
//! believed or done. The rate comes before whatever writes, so that nobody keeps the store busy with polls that fail.

use std::pin::pin;
use std::time::Duration;

use domain::delivery::{self, Heard, LEASE_SECONDS};
use domain::values::{MessageId, Moment, PartnerId};
use tokio::time::{sleep, timeout};
use uuid::Uuid;
use webhooks::poll::{
    OpenedToken, PollCaller, PollRequest, TOKEN_MEMORY_SECONDS, TokenFault, WAIT_SECONDS, check_token, open_token,
    write_answer,
};
use webhooks::push::PeerKeys;
use webhooks::refusal::PeerError;

use crate::node::{Node, deliver, loops};
use crate::store::alerts::{self, AlertKind};
use crate::store::outbox::poll::{self, Given};
use crate::store::partners::{self, Partner, PartnerState};
use crate::store::{StoreError, Turn, outbox};

/// When a poller whose polls are all open may come again, in seconds.
const OPEN_RETRY_SECONDS: u32 = 25;
/// When one whose poll met trouble in our store may come again, in seconds.
const STORAGE_RETRY_SECONDS: u32 = 5;
/// A lane that went silent at our last start waits so long for the receipt of its first heartbeat (ruling 27).
const GREETING_SECONDS: i64 = 2;
/// After a wake-up: what is being committed may be more than one message.
const GATHER: Duration = Duration::from_millis(20);
/// The longest sleep between two looks of a waiting poll.
const LOOK: Duration = Duration::from_secs(5);

/// A poll as it came: method, size, encoding and media type are checked, nothing else.
pub struct PollIncoming {
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// Whether there is a header `Content-Language`.
    pub language: bool,
    /// The body.
    pub body: Vec<u8>,
}

/// What a poll is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// 200, with this JSON.
    Answer(String),
    /// 401: no token, or none that is good here and now.
    Unauthorised,
    /// 403: the pairing is neither active nor verified.
    Forbidden,
    /// 400: the request can't be read.
    BadRequest,
    /// 429: too often, or too many open polls.
    TooMany {
        /// When to come again, in seconds.
        retry_after: u32,
    },
    /// 503: trouble in our store.
    Busy {
        /// When to come again, in seconds.
        retry_after: u32,
    },
}

impl From<StoreError> for Polled {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = %loops::Causes(&error), "a poll could not be served");
        Self::Busy { retry_after: STORAGE_RETRY_SECONDS }
    }
}

impl Node {
    /// Serves a poll: takes in what the partner says of messages it was given, and hands over those that wait, after at
    /// most 25 seconds.
    pub async fn serve_poll(&self, incoming: PollIncoming) -> Polled {
        self.try_serve_poll(incoming).await.unwrap_or_else(|refused| refused)
    }

    async fn try_serve_poll(&self, incoming: PollIncoming) -> Result<Polled, Polled> {
        let (partner, caller) = self.poll_caller(incoming.authorization.as_deref()).await?;
        let id = partner.id;
        self.partner_rate.check(&id).map_err(|retry_after| Polled::TooMany { retry_after })?;
        // Used up by whoever gets so far, whatever becomes of the request.
        let (jti, elapsed) = (caller.jti().to_owned(), self.time.elapsed());
        let use_up = move |turn: &mut Turn<'_>| poll::use_token(turn, id, &jti, elapsed, TOKEN_MEMORY_SECONDS);
        if !self.store.write(self.time.now(), use_up).await? {
            return Err(Polled::Unauthorised);
        }
        match partner.state {
            PartnerState::Active | PartnerState::Verified => {}
            PartnerState::Listed
            | PartnerState::Imported
            | PartnerState::Suspended
            | PartnerState::Ended
            | PartnerState::Locked => return Err(Polled::Forbidden),
        }
        let request = PollRequest::parse(&incoming.body, incoming.language).map_err(|_| Polled::BadRequest)?;
        let _place = self.polls.enter(id).ok_or(Polled::TooMany { retry_after: OPEN_RETRY_SECONDS })?;
        self.take_word(id, &request).await?;
        Ok(Polled::Answer(self.wait_for_messages(id, &request).await?))
    }

    /// Who asks, proven by the token. A partner that is not trusted yet has no keys here, so its token can't be good.
    async fn poll_caller(&self, authorization: Option<&str>) -> Result<(Partner, PollCaller), Polled> {
        let opened = open_token(authorization).map_err(|_| Polled::Unauthorised)?;
        let issuer = opened.iss().to_owned();
        let partner = self.store.read(move |rows| partners::by_issuer(rows, &issuer)).await?;
        let mut partner = partner.ok_or(Polled::Unauthorised)?;
        let mut checked = self.check_poll_token(&opened, &partner);
        if checked == Err(TokenFault::UnknownKey)
            && let Some(newer) = self.refetch_manifest(partner.id).await
        {
            partner = newer;
            checked = self.check_poll_token(&opened, &partner);
        }
        match checked {
            Ok(caller) => Ok((partner, caller)),
            Err(fault) => {
                tracing::info!(partner = %partner.id, %fault, "a poll token is not good");
                Err(Polled::Unauthorised)
            }
        }
    }

    fn check_poll_token(&self, opened: &OpenedToken, partner: &Partner) -> Result<PollCaller, TokenFault> {
        let issuer = partner.issuer.as_deref().ok_or(TokenFault::UnknownKey)?;
        let manifest = self.manifest_of(partner).ok_or(TokenFault::UnknownKey)?;
        let peer = PeerKeys { issuer, manifest: &manifest };
        check_token(opened, &peer, &format!("{}/ssf/poll", self.issuer), self.time.now().unix_seconds())
    }

    /// Acknowledgements only pause; refusals are those of a pushed message. Ids that we don't know change nothing.
    async fn take_word(&self, partner: PartnerId, request: &PollRequest) -> Result<(), StoreError> {
        if request.ack.is_empty() && request.set_errs.is_empty() {
            return Ok(());
        }
        let acks: Vec<_> = request.ack.iter().copied().map(MessageId::from_uuid).collect();
        let refusals = request.set_errs.clone();
        let (lease, now, elapsed) = (self.time.fresh_id(), self.time.now(), self.time.elapsed());
        let speed = i64::from(self.time.speed().max(1));
        self.store
            .write(now, move |turn| {
                poll::acknowledged(turn, partner, &acks, elapsed)?;
                for (id, err) in refusals {
                    let message = MessageId::from_uuid(id);
                    record_refusal(turn, lease, (partner, message), err, elapsed, speed)?;
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// The body of the answer, as soon as there is something to hand over, or when the wait is over or the node stops.
    async fn wait_for_messages(&self, partner: PartnerId, request: &PollRequest) -> Result<String, StoreError> {
        let limit = usize::try_from(request.max_events).unwrap_or(usize::MAX);
        let mut over = pin!(sleep(Duration::from_secs(WAIT_SECONDS)));
        let mut live = self.live();
        let mut closing = self.polls.closing.subscribe();
        loop {
            live.mark_unchanged();
            let elapsed = self.time.elapsed();
            let (waiting, next) = self.store.read(move |rows| poll::look(rows, partner, elapsed)).await?;
            if limit == 0 {
                return Ok(write_answer(&[], waiting));
            }
            if waiting || self.is_silent(partner).await? {
                let sets = self.give(partner, limit).await?;
                if !sets.is_empty() {
                    let elapsed = self.time.elapsed();
                    let (more, _) = self.store.read(move |rows| poll::look(rows, partner, elapsed)).await?;
                    return Ok(write_answer(&sets, more));
                }
            }
            if request.return_immediately || over.is_elapsed() || *closing.borrow() {
                return Ok(write_answer(&[], false));
            }
            let nap = if waiting { Duration::from_millis(500) } else { self.machine_nap(next).min(LOOK) };
            // Whoever waits is woken by every commit, or looks again by itself.
            tokio::select! {
                // One last look follows.
                () = over.as_mut() => {}
                _ = closing.changed() => {}
                changed = timeout(nap.max(GATHER), live.changed()) => {
                    if changed.is_ok_and(|changed| changed.is_ok()) {
                        sleep(GATHER).await;
                    }
                }
            }
        }
    }

    /// Whether the lane has sent something in its life, but nothing since this node started.
    async fn is_silent(&self, partner: PartnerId) -> Result<bool, StoreError> {
        if self.polls.greeted_at(partner).is_some() {
            return Ok(false);
        }
        let lane = self.store.read(move |rows| outbox::lane(rows, partner)).await?;
        Ok(lane.is_some_and(|lane| lane.next_seq > 1))
    }

    /// Hands messages over. A lane with history sends a heartbeat first, and numbers nothing new until its receipt has had
    /// two seconds to come: it would show that we have lost what the partner remembers (protocol §8).
    async fn give(&self, partner: PartnerId, limit: usize) -> Result<Vec<(Uuid, String)>, StoreError> {
        let elapsed = self.time.elapsed();
        if self.is_silent(partner).await? {
            let message = MessageId::from_uuid(self.time.fresh_id());
            self.store
                .write(self.time.now(), move |turn| {
                    outbox::queue_heartbeat(turn, partner, message, elapsed)?;
                    outbox::hurry_heartbeat(turn, partner)
                })
                .await?;
            self.polls.greeted(partner, elapsed);
        } else if self.polls.greeted_at(partner).is_none() {
            // Its first number ever: there is nothing to be remembered of it.
            self.polls.greeted(partner, elapsed.plus_seconds(-GREETING_SECONDS));
        }
        let lane = self.store.read(move |rows| outbox::lane(rows, partner)).await?;
        let proven = lane.and_then(|lane| lane.proven_at);
        let unsealed = self.polls.greeted_at(partner).is_none_or(|greeted| {
            elapsed.seconds_since(greeted) >= GREETING_SECONDS || proven.is_some_and(|proven| proven >= greeted)
        });
        self.give_to_poller(partner, Given { limit, unsealed }).await
    }
}

/// A refusal that came in a poll is treated like the same 400.
fn record_refusal(
    turn: &mut Turn<'_>,
    lease: Uuid,
    (partner, message): (PartnerId, MessageId),
    err: PeerError,
    elapsed: Moment,
    speed: i64,
) -> Result<(), StoreError> {
    let until = elapsed.plus_seconds(LEASE_SECONDS);
    let Some(claimed) = poll::claim_refused(turn, lease, partner, message, elapsed, until)? else { return Ok(()) };
    let heard = Heard::Refused { err: deliver::refused(err) };
    let mut duty = claimed.duty(turn.now());
    duty.remaining_seconds = duty.remaining_seconds.map(|seconds| seconds / speed);
    let next = delivery::after(claimed.sent(), claimed.history(heard), heard, elapsed, duty);
    outbox::finish(turn, lease, &claimed.finished(heard, Some(400), elapsed, 0, next))?;
    let kind = match next.alert {
        None => return Ok(()),
        Some(delivery::AlertKind::HeartbeatRefused { .. }) => AlertKind::HeartbeatRefused,
        Some(
            delivery::AlertKind::Parked { .. }
            | delivery::AlertKind::Unconfirmed
            | delivery::AlertKind::Misdirected { .. },
        ) => AlertKind::Parked,
    };
    alerts::raise(turn, kind, Some(partner), claimed.exchange, claimed.incident, Some(message))
}
