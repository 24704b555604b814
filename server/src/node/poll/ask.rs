//! The asking half, while partners' nodes can't reach this one: a long poll is open at every partner that serves polls.
//!
//! *Contract*: a message that was fetched goes through the same door as a pushed one, and its receipt is owed in the same
//! transaction that stored it, until the sender's node took it. *Economy*: acknowledgements and refusals wait in memory for
//! the next poll; without them the same messages are handed over again, and change nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::values::{Moment, PartnerId};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::watch::Receiver;
use tokio::time::{MissedTickBehavior, interval, timeout};
use uuid::Uuid;
use webhooks::carrier::{Method, Outcome, Parcel, ParcelKind};
use webhooks::poll::{DEFAULT_EVENTS, MEDIA_TYPE, PollRequest, make_token, read_answer};
use webhooks::push::parse_error;
use webhooks::refusal::PeerError;

use super::servers::{Addresses, Servers};
use crate::node::loops::Causes;
use crate::node::receive::{Incoming, Received};
use crate::node::{Node, pairing};
use crate::store::StoreError;
use crate::store::inbox::owed;
use crate::store::partners::{self, Partner};

/// The longest that a whole poll may take (protocol §20).
const POLL_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest that pushing a receipt may take.
const PUSH_TIMEOUT: Duration = Duration::from_secs(30);
/// Waits after failures in a row, in machine seconds; the last one is for all others (protocol §12: at most 5 minutes).
const WAITS: [i64; 7] = [5, 15, 30, 60, 120, 240, 270];
/// Between two polls of one partner that gave nothing, in machine seconds: a server that does not wait must not be asked
/// without end.
const BETWEEN_SECONDS: i64 = 1;
/// Between two looks at who is to be asked.
const ROUND: Duration = Duration::from_secs(1);
/// Polls under way at once.
const POLLS_MAX: usize = 256;
/// Receipts pushed to one partner in one go.
const RECEIPTS_MAX: u32 = 50;
/// Acknowledgements and refusals sent in one poll; more are found out anew.
const WORDS_MAX: usize = 100;

/// What is remembered of partners that we ask: where, and what came of it.
#[derive(Default)]
pub(in crate::node) struct Asking {
    servers: Servers,
    asked: Mutex<HashMap<PartnerId, Asked>>,
}

#[derive(Default, Clone)]
struct Asked {
    ack: Vec<Uuid>,
    set_errs: Vec<(Uuid, PeerError)>,
    fails: usize,
    /// Not before this instant of machine time.
    not_before: Option<Moment>,
}

impl Asking {
    fn asked(&self) -> MutexGuard<'_, HashMap<PartnerId, Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of<T>(&self, partner: PartnerId, f: impl FnOnce(&mut Asked) -> T) -> T {
        f(self.asked().entry(partner).or_default())
    }

    /// Since when a partner may be asked again; `None` while it has to rest.
    fn ready_since(&self, partner: PartnerId, elapsed: Moment) -> Option<Moment> {
        let not_before = self.asked().get(&partner).and_then(|asked| asked.not_before);
        Some(not_before.unwrap_or(Moment::EPOCH)).filter(|at| *at <= elapsed)
    }
}

/// Whom the loop asks.
#[derive(Default)]
struct Round {
    /// As the last look found them.
    servers: Addresses,
    under_way: HashSet<PartnerId>,
    /// At the last look there were more to ask than places.
    crowded: bool,
}

impl Round {
    /// Those to ask after a look, who could have been asked the longest first.
    fn begin(&mut self, servers: Addresses, asking: &Asking, elapsed: Moment) -> Vec<(PartnerId, Arc<str>)> {
        self.servers = servers;
        let free = POLLS_MAX.saturating_sub(self.under_way.len());
        let idle = self.servers.iter().filter(|(id, _)| !self.under_way.contains(*id));
        let mut ready: Vec<_> =
            idle.filter_map(|(id, url)| Some((asking.ready_since(*id, elapsed)?, *id, Arc::clone(url)))).collect();
        ready.sort_by_key(|(since, ..)| *since);
        self.crowded = ready.len() > free;
        ready.truncate(free);
        self.under_way.extend(ready.iter().map(|(_, id, _)| *id));
        ready.into_iter().map(|(_, id, url)| (id, url)).collect()
    }

    /// A poll has ended: its partner is asked again at once when it may have more, unless others wait for the place.
    fn ended(&mut self, id: PartnerId, asking: &Asking, elapsed: Moment) -> Option<(PartnerId, Arc<str>)> {
        self.under_way.remove(&id);
        if self.crowded {
            return None;
        }
        asking.ready_since(id, elapsed)?;
        let url = Arc::clone(self.servers.get(&id)?);
        self.under_way.insert(id);
        Some((id, url))
    }
}

/// What a round of asking came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PollStep {
    /// Messages that were handed to us.
    pub fetched: usize,
    /// Receipts that their senders took.
    pub receipts: usize,
}

/// Why a poll gave nothing.
enum NoAnswer {
    /// Nobody answered, or something that is no answer.
    Failed,
    /// Our token was not good: perhaps the partner does not know our key.
    Unauthorised,
}

impl Node {
    /// Asks every partner that serves polls once, without waiting there, and pushes what receipts are owed. Does nothing
    /// on a node that partners can reach.
    ///
    /// # Errors
    /// [`StoreError`] when our own store can't be read.
    pub async fn poll_step(&self) -> Result<PollStep, StoreError> {
        let mut step = PollStep::default();
        for (partner, url) in self.poll_servers(&self.asking.servers).await? {
            if self.asking.ready_since(partner, self.time.elapsed()).is_some() {
                step.fetched = step.fetched.saturating_add(self.ask(partner, &url, true).await);
            }
        }
        for partner in self.store.read(owed::creditors).await? {
            step.receipts = step.receipts.saturating_add(self.push_receipts(partner).await?);
        }
        Ok(step)
    }

    /// One poll and all that follows from it but the receipts. Gives how many messages came.
    async fn ask(&self, id: PartnerId, url: &str, at_once: bool) -> usize {
        let partner = match self.partner(id).await {
            Ok(partner) => partner,
            Err(error) => {
                tracing::error!(partner = %id, error = %Causes(&error), "a partner to ask could not be read");
                let not_before = self.time.elapsed().plus_seconds(BETWEEN_SECONDS);
                self.asking.of(id, |asked| asked.not_before = Some(not_before));
                return 0;
            }
        };
        let (ack, set_errs) =
            self.asking.of(id, |asked| (std::mem::take(&mut asked.ack), std::mem::take(&mut asked.set_errs)));
        let request = PollRequest { max_events: DEFAULT_EVENTS, return_immediately: at_once, ack, set_errs };
        match self.exchange_poll(&partner, url, &request).await {
            Ok(sets) => {
                let not_before = self.time.elapsed().plus_seconds(if sets.is_empty() { BETWEEN_SECONDS } else { 0 });
                self.asking.of(id, |asked| {
                    asked.fails = 0;
                    asked.not_before = (!at_once).then_some(not_before);
                });
                let fetched = sets.len();
                for (message, token) in sets {
                    self.take_fetched(id, message, token).await;
                }
                fetched
            }
            Err(why) => {
                let elapsed = self.time.elapsed();
                self.asking.of(id, |asked| {
                    // What was to be said is said in the next poll.
                    asked.ack = request.ack;
                    asked.set_errs = request.set_errs;
                    let wait = WAITS.get(asked.fails).or(WAITS.last()).copied().unwrap_or_default();
                    asked.fails = asked.fails.saturating_add(1);
                    asked.not_before = Some(elapsed.plus_seconds(wait));
                });
                if matches!(why, NoAnswer::Unauthorised) {
                    self.post_manifest(&partner).await;
                }
                0
            }
        }
    }

    /// The request over the line, and the messages in its answer.
    async fn exchange_poll(
        &self,
        partner: &Partner,
        url: &str,
        request: &PollRequest,
    ) -> Result<Vec<(Uuid, String)>, NoAnswer> {
        let keys = self.keys();
        let now = self.time.now().unix_seconds();
        let token = make_token(keys.set(), &self.issuer, url, now, self.time.fresh_id());
        let mut headers = vec![("authorization", format!("Bearer {token}"))];
        if !request.set_errs.is_empty() {
            headers.push(("content-language", "en".to_owned()));
        }
        let (exceptions, port) = pairing::allowances(partner);
        let parcel = Parcel {
            method: Method::Post,
            media_type: Some(MEDIA_TYPE),
            accept: MEDIA_TYPE,
            body: request.write(),
            headers,
            kind: ParcelKind::Poll,
            ..Parcel::push(url, "")
        }
        .allowing(exceptions, port);
        match timeout(POLL_TIMEOUT, self.carrier.carry(&parcel)).await {
            Ok(Outcome::Answered { status: 200, body, .. }) => match read_answer(&body) {
                Ok(answer) => Ok(answer.sets),
                Err(error) => {
                    tracing::warn!(partner = %partner.id, %error, "a poll was answered with something else");
                    Err(NoAnswer::Failed)
                }
            },
            Ok(Outcome::Answered { status: 401, .. }) => Err(NoAnswer::Unauthorised),
            Ok(Outcome::Answered { .. } | Outcome::NotReached { .. }) | Err(_) => Err(NoAnswer::Failed),
        }
    }

    /// A fetched message through the door of all messages; what came of it is said in the next poll.
    async fn take_fetched(&self, partner: PartnerId, id: Uuid, token: String) {
        let err = match self.receive_fetched(Incoming { octets: token.into_bytes() }).await {
            Received::Accepted { .. } | Received::AcceptedNoReceipt => None,
            Received::Refused(refusal) => Some(refusal.err().unwrap_or(PeerError::InvalidRequest)),
            // Trouble of our own: it is handed over again.
            Received::Busy { .. } => return,
        };
        self.asking.of(partner, |asked| match err {
            None if asked.ack.len() < WORDS_MAX => asked.ack.push(id),
            Some(err) if asked.set_errs.len() < WORDS_MAX => asked.set_errs.push((id, err)),
            None | Some(_) => {}
        });
    }

    /// Pushes the receipts that are owed to a partner, in order, until one is not taken. Gives how many were taken.
    async fn push_receipts(&self, id: PartnerId) -> Result<usize, StoreError> {
        let found =
            self.store.read(move |rows| Ok((partners::by_id(rows, id)?, owed::to(rows, id, RECEIPTS_MAX)?))).await?;
        let (Some(partner), receipts) = found else { return Ok(0) };
        let Some(url) = partner.push_url.as_deref() else { return Ok(0) };
        let mut taken = 0;
        for (message, receipt) in receipts {
            let (exceptions, port) = pairing::allowances(&partner);
            let parcel = Parcel::push(url, &receipt).allowing(exceptions, port);
            let taken_or_refused = match timeout(PUSH_TIMEOUT, self.carrier.carry(&parcel)).await {
                Ok(Outcome::Answered { status: 200..=299, .. }) => true,
                Ok(Outcome::Answered { status: 400, body, .. }) => match parse_error(&body) {
                    // It knows better, or will ask with the same message again.
                    Some(refusal) => {
                        let err = refusal.err.name();
                        tracing::warn!(partner = %id, %message, err, "a receipt was refused by the one it is for");
                        refusal.err != PeerError::InvalidKey
                    }
                    None => false,
                },
                Ok(Outcome::Answered { .. } | Outcome::NotReached { .. }) | Err(_) => false,
            };
            if !taken_or_refused {
                break;
            }
            self.store.write(self.time.now(), move |turn| owed::paid(turn, id, message)).await?;
            taken += 1;
        }
        Ok(taken)
    }

    /// One long poll of a partner and the receipts that follow from it.
    async fn ask_and_answer(&self, id: PartnerId, url: Arc<str>) -> PartnerId {
        self.ask(id, &url, false).await;
        if let Err(error) = self.push_receipts(id).await {
            tracing::error!(partner = %id, error = %Causes(&error), "receipts could not be pushed");
        }
        id
    }

    /// Keeps a long poll open at every partner that serves polls, until told to stop.
    pub(in crate::node) async fn poll_until(&self, mut stop: Receiver<bool>) {
        // Partners can reach us: nobody is asked.
        if self.reachable {
            return;
        }
        let mut looks = interval(ROUND);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut flights = FuturesUnordered::new();
        let mut round = Round::default();
        while !*stop.borrow() {
            tokio::select! {
                _ = looks.tick() => {
                    let servers = self.poll_servers(&self.asking.servers).await.unwrap_or_else(|error| {
                        tracing::error!(error = %Causes(&error), "who is to be asked could not be read");
                        Addresses::new()
                    });
                    for (id, url) in round.begin(servers, &self.asking, self.time.elapsed()) {
                        flights.push(self.ask_and_answer(id, url));
                    }
                }
                _ = stop.changed() => {}
                Some(id) = flights.next(), if !flights.is_empty() => {
                    let again = round.ended(id, &self.asking, self.time.elapsed());
                    flights.extend(again.map(|(id, url)| self.ask_and_answer(id, url)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: one that may have more is asked again at once from the list in memory; one that rests, or is listed no more, is
    /// not; and where places are short, those that waited longest have them.
    #[test]
    fn places_go_round() {
        let id = |number: usize| PartnerId::from_uuid(Uuid::from_u128(u128::try_from(number).unwrap_or_default()));
        let url: Arc<str> = Arc::from("https://partner.example/ssf/poll");
        let listed = |count: usize| (0..count).map(|number| (id(number), Arc::clone(&url))).collect::<Addresses>();
        let now = Moment::EPOCH.plus_seconds(100);
        let (asking, mut round) = (Asking::default(), Round::default());
        let begun: Vec<_> = round.begin(listed(2), &asking, now).into_iter().map(|(id, _)| id).collect();
        assert_eq!(begun, [id(0), id(1)]);
        assert!(round.begin(listed(2), &asking, now).is_empty(), "both are under way");
        assert_eq!(round.ended(id(0), &asking, now).map(|(id, _)| id), Some(id(0)), "it may have more");
        asking.of(id(0), |asked| asked.not_before = Some(now.plus_seconds(1)));
        assert!(round.ended(id(0), &asking, now).is_none(), "it rests");
        assert!(round.begin(listed(1), &asking, now).is_empty());
        assert!(round.ended(id(1), &asking, now).is_none(), "it is listed no more");

        for number in 0..POLLS_MAX {
            asking.of(id(number), |asked| asked.not_before = Some(now));
        }
        let begun = round.begin(listed(POLLS_MAX + 2), &asking, now);
        assert_eq!(begun.len(), POLLS_MAX);
        let waited = |number: usize| begun.iter().any(|(begun, _)| *begun == id(number));
        assert!(waited(POLLS_MAX) && waited(POLLS_MAX + 1), "they were never asked");
        assert!(round.ended(id(0), &asking, now).is_none(), "others wait for the place");
    }
}
