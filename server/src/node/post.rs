//! Posts that are due: webhooks to our own integrations, mail to our own people.
//!
//! A body is written when it is sent, from codes and ids: references, partners' names, instants and a link for whoever may
//! read more. No free text of an incident is ever in it.

mod bodies;

use std::time::Duration;

use domain::delivery::{self, Class, Duty, Heard, LEASE_SECONDS, Sent};
use domain::values::{MessageId, Moment};
use futures_util::future::join_all;
use tokio::sync::watch::Receiver;
use tokio::time::sleep;
use uuid::Uuid;
use webhooks::standard_webhook::message_id;

use super::Node;
use super::deliver::Posted;
use super::loops::{Causes, FIRST_WAIT, Nap, repeat};
use crate::store::endpoints::Endpoint;
use crate::store::posts::{self, ClaimedPost, Destination, FinishedPost, Occasion};
use crate::store::{StoreError, Turn};

/// Posts under way at once.
const AT_ONCE: usize = 16;
/// Between two looks that found nothing: a fan-out wakes this loop many times a second.
const PAUSE: Duration = Duration::from_millis(200);

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostStep {
    /// Posts tried, whatever came of them.
    pub sent: usize,
    /// When something is due next (machine time).
    pub next_due: Option<Moment>,
}

impl Node {
    /// Sends posts that are due now, at most `limit`, one for each integration, and waits for all of them.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be claimed.
    pub async fn post_step(&self, limit: usize) -> Result<PostStep, StoreError> {
        let elapsed = self.time.elapsed();
        // Looking is cheap, a turn is not. What is ahead further than any wait is a clock set back: the claim judges it.
        let next_due = self.store.read(posts::next_due).await?;
        if next_due.is_none_or(|due| elapsed < due && due <= elapsed.plus_seconds(posts::AHEAD_SECONDS_MAX)) {
            return Ok(PostStep { sent: 0, next_due });
        }
        let lease = self.time.fresh_id();
        let until = elapsed.plus_seconds(LEASE_SECONDS);
        let claim = move |turn: &mut Turn<'_>| posts::claim(turn, lease, elapsed, until, limit.min(AT_ONCE));
        let claimed = self.store.write(self.time.now(), claim).await?;
        let sent = claimed.len();
        join_all(claimed.into_iter().map(|post| self.send_post(lease, post, false))).await;
        Ok(PostStep { sent, next_due: self.store.read(posts::next_due).await? })
    }

    /// Sends one post and records what came of it.
    pub(super) async fn send_post(&self, lease: Uuid, post: ClaimedPost, once: bool) -> Option<Posted> {
        let posted = match self.attempt_post(&post).await {
            Ok(posted) => posted,
            Err(error) => {
                // The lease lapses, and it is tried again.
                tracing::error!(post = %post.id, error = %Causes(&error), "a post could not be sent");
                return None;
            }
        };
        let elapsed = self.time.elapsed();
        let sent = Sent { id: MessageId::from_uuid(post.id), class: Class::Other };
        // Being told of a duty is none.
        let duty = Duty { ended: false, remaining_seconds: None };
        let next = delivery::after(sent, post.history(posted.heard), posted.heard, elapsed, duty);
        let Posted { heard, status, took_ms, .. } = posted;
        let done = FinishedPost { heard, status, took_ms, elapsed, next, once };
        let finish = move |turn: &mut Turn<'_>| posts::finish(turn, lease, &post, &done);
        match self.store.write(self.time.now(), finish).await {
            Ok(_) => {}
            Err(error) => tracing::error!(error = %Causes(&error), "a post's outcome could not be recorded"),
        }
        Some(posted)
    }

    async fn attempt_post(&self, post: &ClaimedPost) -> Result<Posted, StoreError> {
        match (&post.endpoint, post.to) {
            (Some(endpoint), _) => self.post_to(endpoint, post).await,
            (None, Destination::Person(person)) => {
                let began = self.time.elapsed();
                let (heard, status) = self.mail_post(post, person).await?;
                let took = self.time.elapsed().micros().saturating_sub(began.micros()) / 1_000;
                Ok(Posted { heard, status, took_ms: u32::try_from(took).unwrap_or_default(), detail: None })
            }
            (None, Destination::Endpoint(_)) => {
                Err(StoreError::Corrupt { table: "posts", what: "a post whose integration was not read" })
            }
        }
    }

    async fn post_to(&self, endpoint: &Endpoint, post: &ClaimedPost) -> Result<Posted, StoreError> {
        let corrupt = StoreError::Corrupt { table: "posts", what: "a body that is no occasion" };
        let occasion: Occasion = serde_json::from_slice(&post.body).map_err(|_| corrupt)?;
        let told = occasion.clone();
        let names = self.store.read(move |rows| posts::names(rows, &told)).await?;
        let about = bodies::About { event: post.event, occasion: &occasion, names: &names };
        let place = bodies::Place { issuer: &self.issuer, zone: self.zone };
        let body = bodies::body(endpoint.details.format, &about, &place);
        Ok(self.send_webhook(&endpoint.details, &message_id(post.id), body).await)
    }

    /// Repeats [`Node::post_step`] until told to stop.
    pub(super) async fn post_until(&self, stop: Receiver<bool>) {
        let step = || -> Nap<'_> {
            Box::pin(async {
                let step = self.post_step(AT_ONCE).await?;
                if step.sent > 0 {
                    return Ok(Duration::ZERO);
                }
                sleep(PAUSE).await;
                // What is due and can't be claimed must not spin.
                Ok(match self.machine_nap(step.next_due) {
                    Duration::ZERO => FIRST_WAIT,
                    nap => nap,
                })
            })
        };
        repeat("posting", &self.posting, stop, step).await;
    }
}

/// What a test came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// The other side took it.
    pub taken: bool,
    /// The status, if a server answered.
    pub status: Option<u16>,
    /// How long it took.
    pub took_ms: u32,
    /// Why there was no answer.
    pub detail: Option<&'static str>,
}

impl From<Posted> for Tested {
    fn from(posted: Posted) -> Self {
        Self {
            taken: posted.heard == Heard::Accepted,
            status: posted.status,
            took_ms: posted.took_ms,
            detail: posted.detail,
        }
    }
}
