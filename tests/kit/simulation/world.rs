//! A world: its parties, what goes wrong between them, and its trace. One step is awaited before the next begins, so that a
//! seed always tells the same story.

use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use domain::values::PartnerId;
use futures_util::FutureExt as _;
use server::node::{DoorError, Node};
use tokio::time::timeout;

use super::ground::{Beginning, Files, Raised, files_of, found_all, lay};
use super::network::{Network, Weather};
use super::time::{NodeTime, PowerCut, WorldTime};
use super::view::{View, Violation, must};
use crate::database::On;
use crate::dice::Dice;
use crate::node::{Party, open};
use crate::peek::Peek;

/// Steps of delivery, watching or rotation that a node may need until it rests.
const STEPS_MAX: usize = 200;

/// Longer than any step takes, however busy the machine, and shorter than any limit of a node: nobody waits for one, since
/// whoever is not there answers so at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// What putting a backup back takes at least.
const RESTORE_SECONDS: i64 = 60;

/// What may go wrong in a world, and what people do in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    pub(super) weather: Weather,
    /// Looks at the time until a node's power goes, at most; never when 0.
    pub(super) power_cuts: i64,
    pub(super) skew: bool,
    pub(super) rotations: bool,
    pub(super) suspensions: bool,
    pub(super) restores: bool,
    pub(super) long_waits: bool,
}

impl Habits {
    fn of(dice: &mut Dice, on: On) -> Self {
        let weather = *dice.one_of(&Weather::KINDS).expect("a kind of weather");
        let power_cuts = if dice.percent(75) { dice.within(3..40) } else { 0 };
        // A backup holds old keys: what was replaced since would be lost with it, and that is another story.
        let restores = on == On::Sqlite && dice.percent(20);
        Self {
            weather,
            power_cuts,
            skew: dice.percent(40),
            rotations: !restores && dice.percent(20),
            suspensions: dice.percent(30),
            restores,
            long_waits: dice.percent(50),
        }
    }
}

/// One party in its world.
pub(super) struct Seat {
    pub(super) party: Party,
    pub(super) time: Arc<NodeTime>,
    pub(super) view: View,
    pub(super) peek: Peek,
    pub(super) up: bool,
    pub(super) backup: Option<Files>,
    /// What was in the ledger before a backup was put in its place, newest last.
    pub(super) forgotten: Vec<View>,
}

/// All of it.
pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) on: On,
    pub(super) time: WorldTime,
    pub(super) network: Arc<Network>,
    pub(super) seats: Vec<Seat>,
    pub(super) habits: Habits,
    pub(super) trace: Vec<String>,
    /// What is under way: the trace tells only of what ended.
    pub(super) doing: String,
    pub(super) steps: usize,
}

impl World {
    pub(super) async fn begin(seed: u64, on: On, beginning: &Beginning) -> Self {
        let mut dice = Dice::new(seed);
        let Raised { time, network, seats } = match on {
            On::Sqlite => beginning.copy(seed).await,
            On::Postgres => found_all(seed, on).await,
        };
        let habits = Habits::of(&mut dice, on);
        network.set(habits.weather);
        let seats = seats
            .into_iter()
            .map(|(party, time)| {
                let peek = Peek::at(&party.database.url);
                let (view, forgotten) = (View::default(), Vec::new());
                Seat { party, time, view, peek, up: true, backup: None, forgotten }
            })
            .collect();
        let trace = vec![format!("{habits:?}")];
        Self { dice, on, time, network, seats, habits, trace, doing: String::new(), steps: 0 }
    }

    pub(super) fn tell(&mut self, line: String) {
        self.trace.push(line);
    }

    pub(super) fn node(&self, who: usize) -> Arc<Node> {
        Arc::clone(&self.seats[who].party.node)
    }

    /// A party chosen by the dice, if its node runs.
    pub(super) fn somebody(&mut self) -> Option<usize> {
        let who = usize::try_from(self.dice.below(self.seats.len() as u64)).expect("an index");
        self.seats[who].up.then_some(who)
    }

    /// How a party knows another.
    pub(super) async fn partner(&self, who: usize, other: usize) -> Option<PartnerId> {
        let issuer = self.seats[other].party.issuer();
        let partners = self.seats[who].party.node.partners().await.expect("its partners");
        partners.into_iter().find(|partner| partner.issuer.as_deref() == Some(issuer)).map(|partner| partner.id)
    }

    /// Something that a node does, or a person at it. The power may go meanwhile, there or at a partner. A refusal is a
    /// part of the story; trouble in a store is not.
    pub(super) async fn at<T>(
        &mut self,
        who: usize,
        what: &str,
        doing: impl Future<Output = Result<T, DoorError>>,
    ) -> Result<Option<T>, Violation> {
        let done = self.in_time(format!("{who} {what}"), AssertUnwindSafe(doing).catch_unwind()).await?;
        let cut_off = self.seats[who].time.is_out();
        let (said, answer) = match done {
            Ok(_) if cut_off => ("cut off".to_owned(), None),
            Ok(Ok(answer)) => ("done".to_owned(), Some(answer)),
            Ok(Err(DoorError::Store(error))) => {
                return Err(Violation(format!("{what} at {who}: the store failed: {error:?}")));
            }
            Ok(Err(refusal)) => (format!("refused, {refusal}"), None),
            Err(payload) if payload.is::<PowerCut>() => ("cut off".to_owned(), None),
            Err(payload) => resume_unwind(payload),
        };
        let time = self.time.now();
        self.tell(format!("{time} {who} {what}: {said}"));
        let said = self.network.said();
        self.trace.extend(said);
        self.mind_power().await;
        match self.network.faults().into_iter().next() {
            Some(fault) => Err(Violation(fault)),
            None => Ok(answer),
        }
    }

    /// Awaits what is done, which has to end soon.
    async fn in_time<T>(&mut self, what: String, doing: impl Future<Output = T>) -> Result<T, Violation> {
        self.doing = format!("{} {what}", self.time.now());
        let done = timeout(PATIENCE, doing).await;
        done.map_err(|_| Violation(format!("after {PATIENCE:?} this has not ended: {}", self.doing)))
    }

    /// A message that was late arrives. Says whether there was one.
    pub(super) async fn late_arrival(&mut self) -> Result<bool, Violation> {
        let (mut dice, network) = (self.dice.clone(), Arc::clone(&self.network));
        let arrived = self.in_time("something late arrives".to_owned(), network.late_arrival(&mut dice)).await?;
        self.dice = dice;
        Ok(arrived)
    }

    /// Ends the nodes whose power went: what was committed stays, nothing else.
    pub(super) async fn mind_power(&mut self) {
        for who in 0..self.seats.len() {
            if self.seats[who].up && self.seats[who].time.is_out() {
                self.stop(who).await;
                self.tell(format!("  {who} has no power"));
            }
        }
    }

    async fn stop(&mut self, who: usize) {
        self.network.leave(who);
        let seat = &mut self.seats[who];
        seat.up = false;
        // The writer ends what it has in hand: a process that ends may have committed that, or not. Its ledger can still be
        // read, as a disk without its machine can.
        seat.party.node.store().stop();
    }

    /// A node starts again on its database.
    pub(super) async fn start(&mut self, who: usize) {
        let seat = &mut self.seats[who];
        seat.time.restore();
        let issuer = seat.party.issuer().to_owned();
        let node = open(&seat.party.database, &issuer, &seat.party.ground, None).await;
        seat.party.node = node;
        seat.up = true;
        self.network.join(who, &seat.party.node);
        self.tell(format!("  {who} starts"));
    }

    /// An orderly restart.
    pub(super) async fn restart(&mut self, who: usize) {
        if self.seats[who].up {
            self.stop(who).await;
        }
        self.start(who).await;
    }

    /// Keeps a copy of a node's files, taken while it stands still.
    pub(super) async fn back_up(&mut self, who: usize) {
        self.stop(who).await;
        let files = files_of(self.seats[who].party.database.folder().expect("a file database"));
        self.seats[who].backup = Some(files);
        self.tell(format!("{who} is backed up"));
        self.start(who).await;
    }

    /// Puts the copy in the place of a node's files.
    pub(super) async fn put_back(&mut self, who: usize) {
        let Some(files) = self.seats[who].backup.clone() else { return };
        self.stop(who).await;
        let seat = &mut self.seats[who];
        lay(seat.party.database.folder().expect("a file database"), &files);
        seat.peek = Peek::at(&seat.party.database.url);
        seat.forgotten.push(std::mem::take(&mut seat.view));
        self.time.advance(RESTORE_SECONDS);
        self.tell(format!("{who} goes back to its backup"));
        self.start(who).await;
    }

    pub(super) async fn deliver(&mut self, who: usize) -> Result<usize, Violation> {
        let node = self.node(who);
        let step = async move { Ok(node.deliver_step(1).await?) };
        Ok(self.at(who, "delivers", step).await?.map_or(0, |step| step.carried))
    }

    pub(super) async fn watch(&mut self, who: usize) -> Result<bool, Violation> {
        let node = self.node(who);
        Ok(self.at(who, "watches", async move { node.watch_step().await }).await?.is_some_and(|step| step.more))
    }

    pub(super) async fn poll(&mut self, who: usize) -> Result<bool, Violation> {
        let node = self.node(who);
        let step = self.at(who, "polls", async move { Ok(node.poll_step().await?) }).await?;
        Ok(step.is_some_and(|step| step.fetched > 0 || step.receipts > 0))
    }

    pub(super) async fn mind_keys(&mut self, who: usize) -> Result<bool, Violation> {
        let node = self.node(who);
        let step = self.at(who, "minds its keys", async move { node.rotation_step().await }).await?;
        Ok(step.is_some_and(|step| step.offered > 0 || step.switched))
    }

    /// Lets a node do all that is due at this instant. Says whether there was anything.
    pub(super) async fn settle(&mut self, who: usize) -> Result<bool, Violation> {
        let mut busy = false;
        for step in 0.. {
            must(step < STEPS_MAX, || format!("node {who} never comes to rest"))?;
            let watched = self.watch(who).await?;
            let minded = self.mind_keys(who).await?;
            let polled = self.poll(who).await?;
            let carried = self.deliver(who).await? > 0;
            if !self.seats[who].up || !(watched || minded || polled || carried) {
                break;
            }
            busy = true;
        }
        Ok(busy)
    }
}
