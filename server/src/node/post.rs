//! Posts that are due: webhooks to our own integrations, mail to our own people.
//!
//! A body is written when it is sent, from codes and ids: references, partners' names, instants and a link for whoever may
//! read more. No free text of an incident is ever in it.

mod bodies;
mod desk;

use domain::delivery::{self, Class, Duty, Heard, LEASE_SECONDS, Sent};
use domain::values::{MessageId, Moment};
use futures_util::future::join_all;
use uuid::Uuid;
use webhooks::standard_webhook::message_id;

use super::Node;
use super::deliver::Posted;
use super::loops::Causes;
use crate::store::endpoints::{Endpoint, INTEGRATIONS_MAX};
use crate::store::posts::{self, ClaimedPost, Destination, FinishedPost, Occasion, Places};
use crate::store::{StoreError, Turn};

/// Posts under way at once. Each integration has one at most, so none waits for another; and none of them takes a place of
/// mail to people, which a duty waits on.
const PLACES: Places = Places { mails: 8, integrations: INTEGRATIONS_MAX };

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostStep {
    /// Posts tried, whatever came of them.
    pub sent: usize,
    /// When something is due next (machine time).
    pub next_due: Option<Moment>,
}

/// Posts under one lease of ours.
struct Claimed {
    lease: Uuid,
    posts: Vec<ClaimedPost>,
    /// When something is due next (machine time), if nothing was claimed.
    next_due: Option<Moment>,
}

impl Node {
    /// Sends posts that are due now, at most `limit` of each kind, one for each integration, and waits for all of them.
    ///
    /// # Errors
    /// [`StoreError`] when nothing could be claimed.
    pub async fn post_step(&self, limit: usize) -> Result<PostStep, StoreError> {
        let places = Places { mails: PLACES.mails.min(limit), integrations: PLACES.integrations.min(limit) };
        let Claimed { lease, posts, .. } = self.claim_posts(places).await?;
        let sent = posts.len();
        join_all(posts.into_iter().map(|post| self.send_post(lease, post, false))).await;
        Ok(PostStep { sent, next_due: self.store.read(posts::next_due).await? })
    }

    async fn claim_posts(&self, places: Places) -> Result<Claimed, StoreError> {
        let (lease, elapsed) = (self.time.fresh_id(), self.time.elapsed());
        // Looking is cheap, a turn is not. What is ahead further than any wait is a clock set back: the claim judges it.
        let next_due = self.store.read(posts::next_due).await?;
        if next_due.is_none_or(|due| elapsed < due && due <= elapsed.plus_seconds(posts::AHEAD_SECONDS_MAX)) {
            return Ok(Claimed { lease, posts: Vec::new(), next_due });
        }
        let until = elapsed.plus_seconds(LEASE_SECONDS);
        let claim = move |turn: &mut Turn<'_>| posts::claim(turn, lease, elapsed, until, places);
        Ok(Claimed { lease, posts: self.store.write(self.time.now(), claim).await?, next_due })
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
