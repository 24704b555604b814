//! Our own integrations: who hears of what, what was posted to them, and posting it again.

use domain::delivery::LEASE_SECONDS;
use domain::values::{Line, Moment};
use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{EndpointView, WebhookAddress, endpoint, fresh_secret};
use crate::access::Administrator;
use crate::node::administer::note;
use crate::node::post::Tested;
use crate::node::{DoorError, Node};
use crate::store::endpoints::{self, Details, Endpoint, EndpointKind, Format, Secret};
use crate::store::posts::{self, AttemptLine, Destination, Occasion, Post, PostKey, PostLine, Subscribed};
use crate::store::{StoreError, Turn};

/// Posts sent again by one asking.
pub const REPLAYED_MAX: usize = 1_000;

/// An integration, as typed.
#[derive(Debug, Clone)]
pub struct Integration {
    /// What people call it.
    pub name: Line,
    /// Where it is.
    pub address: WebhookAddress,
    /// What bodies look like.
    pub format: Format,
    /// What it hears of.
    pub events: Vec<Subscribed>,
}

/// A page of the log.
#[derive(Debug, Clone)]
pub struct PostPage {
    /// The newest first.
    pub items: Vec<PostLine>,
    /// Where the next page begins.
    pub next: Option<PostKey>,
}

/// What was sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// Posts queued again.
    pub count: usize,
    /// There are more since then: ask again from a later instant.
    pub more: bool,
}

impl Node {
    /// Our integrations, the first made first.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn integrations(&self) -> Result<Vec<EndpointView>, DoorError> {
        let elapsed = self.time.elapsed();
        let found = self.store.read(endpoints::integrations).await?;
        Ok(found.into_iter().map(|endpoint| EndpointView::of(endpoint, elapsed)).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn integration(&self, id: Uuid) -> Result<EndpointView, DoorError> {
        let found = self.store.read(move |rows| endpoints::by_id(rows, id)).await?;
        let endpoint = found.filter(|endpoint| endpoint.partner.is_none()).ok_or(DoorError::NotFound)?;
        Ok(EndpointView::of(endpoint, self.time.elapsed()))
    }

    /// Adds an integration. Answers its id and its secret, this once.
    ///
    /// # Errors
    /// [`DoorError::Target`] for an address that can't be taken, [`DoorError::Invalid`] for ranges, without events, and for
    /// one more than there may be.
    pub async fn add_integration(
        &self,
        by: &Administrator,
        integration: Integration,
    ) -> Result<(Uuid, Zeroizing<String>), DoorError> {
        let (details, events) = self.integration_details(integration).await?;
        let (id, secret, by) = (self.time.fresh_id(), fresh_secret()?, by.actor().clone());
        let shown = secret.text();
        self.store
            .write(self.time.now(), move |turn| {
                let details = Details { secret: Some(Secret::new(secret.text())), ..details };
                let about = about(id, &details, &events);
                let made_at = turn.now();
                let new = Endpoint { events, ..endpoint(id, None, EndpointKind::Webhook, details, made_at) };
                match endpoints::insert(turn, &new) {
                    Ok(()) => {}
                    Err(StoreError::TooMuch { .. }) => {
                        return Err(DoorError::Invalid("there are 20 integrations already: remove one first"));
                    }
                    Err(error) => return Err(error.into()),
                }
                note(turn, &by, "integration_added", &about)?;
                Ok::<_, DoorError>(())
            })
            .await?;
        Ok((id, shown))
    }

    /// Changes an integration. Its secret stays; another address is tried at once.
    ///
    /// # Errors
    /// As [`Node::add_integration`]; [`DoorError::NotFound`].
    pub async fn save_integration(
        &self,
        by: &Administrator,
        id: Uuid,
        integration: Integration,
    ) -> Result<(), DoorError> {
        let (details, events) = self.integration_details(integration).await?;
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                let mut known = ours(turn, id)?;
                if known.details.address != details.address {
                    tried_at_once(&mut known);
                }
                let Details { secret, replaced, .. } = known.details;
                known.details = Details { secret, replaced, ..details };
                known.events = events;
                endpoints::save(turn, &known)?;
                note(turn, &by, "integration_changed", &about(id, &known.details, &known.events))?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Stops an integration for now, or lets it go on: what was queued meanwhile is sent then.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn pause_integration(&self, by: &Administrator, id: Uuid, paused: bool) -> Result<(), DoorError> {
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                let mut known = ours(turn, id)?;
                known.paused = paused;
                if !paused {
                    tried_at_once(&mut known);
                }
                endpoints::save(turn, &known)?;
                posts::clear_alert(turn)?;
                let action = if paused { "integration_paused" } else { "integration_resumed" };
                note(turn, &by, action, &json!({ "integration": id }))?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Removes an integration; what waits for it is sent to nobody.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn remove_integration(&self, by: &Administrator, id: Uuid) -> Result<(), DoorError> {
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                ours(turn, id)?;
                let ended = posts::end_of(turn, id)?;
                endpoints::remove(turn, id)?;
                posts::clear_alert(turn)?;
                note(turn, &by, "integration_removed", &json!({ "integration": id, "unsent": ended }))?;
                Ok::<_, DoorError>(())
            })
            .await
    }

    /// Gives an integration another secret, which is answered, this once. The one before signs beside it for a week.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn replace_integration_secret(
        &self,
        by: &Administrator,
        id: Uuid,
    ) -> Result<Zeroizing<String>, DoorError> {
        self.integration(id).await?;
        self.replace_secret(by, id).await
    }

    /// Posts a test to an integration, at once and once, and says what came of it. The log has it too.
    ///
    /// # Errors
    /// [`DoorError::NotFound`]; [`DoorError::Invalid`] when what came of it could not be recorded.
    pub async fn test_integration(&self, by: &Administrator, id: Uuid) -> Result<Tested, DoorError> {
        let (test, lease) = (self.time.fresh_id(), self.time.fresh_id());
        let until = self.time.elapsed().plus_seconds(LEASE_SECONDS);
        let by = by.actor().clone();
        let claimed = self
            .store
            .write(self.time.now(), move |turn| {
                let known = ours(turn, id)?;
                let occasion = Occasion::of(Subscribed::Test, turn.now());
                let body = serde_json::to_vec(&occasion).map_err(|_| DoorError::Invalid("the test has no body"))?;
                let to = Destination::Endpoint(id);
                let post = Post { id: test, to, event: Subscribed::Test, body, incident: None, exchange: None };
                posts::queue(turn, vec![post])?;
                note(turn, &by, "integration_tested", &json!({ "integration": id }))?;
                Ok::<_, DoorError>(posts::claim_one(turn, lease, until, test, known)?)
            })
            .await?;
        let posted = self.send_post(lease, claimed.ok_or(DoorError::NotFound)?, true).await;
        posted.map(Tested::from).ok_or(DoorError::Invalid("the test was sent, but what came of it is not known"))
    }

    /// What was posted to an integration, the newest first, after the post with this key, at most `limit`.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn posts(&self, id: Uuid, after: Option<PostKey>, limit: usize) -> Result<PostPage, DoorError> {
        self.integration(id).await?;
        let most = u32::try_from(limit).unwrap_or(u32::MAX).saturating_add(1);
        let mut items = self.store.read(move |rows| posts::page(rows, id, after, most)).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| (last.queued_at, last.id));
        Ok(PostPage { items, next })
    }

    /// One post to an integration, with its attempts, the newest first.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn post(&self, id: Uuid, post: Uuid) -> Result<(PostLine, Vec<AttemptLine>), DoorError> {
        let found = self
            .store
            .read(move |rows| {
                let Some(line) = posts::post(rows, id, post)? else { return Ok(None) };
                Ok(Some((line, posts::attempts_of(rows, post)?)))
            })
            .await?;
        found.ok_or(DoorError::NotFound)
    }

    /// The attempts of one post to an integration of ours, the newest first.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn post_attempts(&self, post: Uuid) -> Result<Vec<AttemptLine>, DoorError> {
        let found = self
            .store
            .read(move |rows| {
                let known = posts::is_for_integration(rows, post)?;
                if known { posts::attempts_of(rows, post).map(Some) } else { Ok(None) }
            })
            .await?;
        found.ok_or(DoorError::NotFound)
    }

    /// Posts again what was posted to an integration under these ids; what still waits is passed over.
    ///
    /// # Errors
    /// [`DoorError::NotFound`]; [`DoorError::Invalid`] for too many.
    pub async fn replay(&self, by: &Administrator, id: Uuid, ids: Vec<Uuid>) -> Result<Replayed, DoorError> {
        if ids.len() > REPLAYED_MAX {
            return Err(DoorError::Invalid("choose at most 1000"));
        }
        let again = move |turn: &mut Turn<'_>| Ok(Replayed { count: posts::replay(turn, id, &ids)?, more: false });
        self.again(by, id, None, again).await
    }

    /// Posts again what was posted to an integration since an instant, the oldest first, at most [`REPLAYED_MAX`].
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn replay_since(&self, by: &Administrator, id: Uuid, since: Moment) -> Result<Replayed, DoorError> {
        let again = move |turn: &mut Turn<'_>| {
            let (count, more) = posts::replay_since(turn, id, since, REPLAYED_MAX)?;
            Ok(Replayed { count, more })
        };
        self.again(by, id, Some(since), again).await
    }

    async fn again(
        &self,
        by: &Administrator,
        id: Uuid,
        since: Option<Moment>,
        again: impl FnOnce(&mut Turn<'_>) -> Result<Replayed, StoreError> + Send + 'static,
    ) -> Result<Replayed, DoorError> {
        let by = by.actor().clone();
        let replayed = self
            .store
            .write(self.time.now(), move |turn| {
                ours(turn, id)?;
                let replayed = again(turn)?;
                let about = json!({ "integration": id, "since": since, "count": replayed.count });
                note(turn, &by, "posts_sent_again", &about)?;
                Ok::<_, DoorError>(replayed)
            })
            .await?;
        self.changed();
        Ok(replayed)
    }

    async fn integration_details(&self, typed: Integration) -> Result<(Details, Vec<Subscribed>), DoorError> {
        let mut events = typed.events;
        events.sort_unstable();
        events.dedup();
        events.retain(|event| *event != Subscribed::Test);
        if events.is_empty() {
            return Err(DoorError::Invalid("choose at least one thing that it hears of"));
        }
        let details = self.webhook_details(&typed.address).await?;
        Ok((Details { name: typed.name.to_string(), format: typed.format, ..details }, events))
    }
}

fn ours(turn: &mut Turn<'_>, id: Uuid) -> Result<Endpoint, DoorError> {
    let found = endpoints::by_id(turn.rows(), id)?;
    found.filter(|endpoint| endpoint.partner.is_none()).ok_or(DoorError::NotFound)
}

const fn tried_at_once(endpoint: &mut Endpoint) {
    endpoint.fail_count = 0;
    endpoint.waits_until = None;
    endpoint.failed_since = None;
}

/// For the record: of the address the server only, because the rest of it may be a secret.
fn about(id: Uuid, details: &Details, events: &[Subscribed]) -> serde_json::Value {
    let server = details.address.split_once("://").map(|(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    let events: Vec<_> = events.iter().map(|event| event.word()).collect();
    json!({
        "integration": id, "name": details.name, "server": server, "format": details.format.word(), "events": events,
        "ranges": details.exceptions,
    })
}
