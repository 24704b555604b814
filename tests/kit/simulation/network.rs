//! The network of one world. What becomes of a parcel is drawn from the seed: carried, lost, its answer lost, carried twice,
//! late, or answered by something in between.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use futures_util::FutureExt as _;
use server::node::Node;
use webhooks::carrier::{Carrier, NotReached, Outcome, Parcel, ParcelKind, RetryAfter};

use super::time::{NodeTime, PowerCut};
use crate::dice::Dice;
use crate::wire::{split, to_node};

/// Late parcels that are kept; one more is lost.
const LATE_MAX: usize = 12;

/// How often things happen to a parcel, in per cent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weather {
    /// It never arrives.
    pub(super) lost: u64,
    /// It arrives; the answer does not.
    pub(super) answer_lost: u64,
    /// It arrives twice; the answer to the second comes back.
    pub(super) twice: u64,
    /// It arrives when the sender has given up, after others that were sent later.
    pub(super) late: u64,
    /// Something in between takes it with a 2xx and loses it.
    pub(super) swallowed: u64,
    /// Something in between asks for patience.
    pub(super) busy: u64,
    /// It arrives; the answer is an earlier one, to another parcel.
    pub(super) mixed_up: u64,
}

impl Weather {
    /// From calm to wild.
    pub(super) const KINDS: [Self; 4] = [
        Self { lost: 0, answer_lost: 0, twice: 0, late: 0, swallowed: 0, busy: 0, mixed_up: 0 },
        Self { lost: 6, answer_lost: 6, twice: 4, late: 4, swallowed: 1, busy: 2, mixed_up: 3 },
        Self { lost: 15, answer_lost: 15, twice: 8, late: 10, swallowed: 3, busy: 4, mixed_up: 6 },
        Self { lost: 30, answer_lost: 30, twice: 10, late: 15, swallowed: 3, busy: 4, mixed_up: 6 },
    ];
}

/// What becomes of one parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Carried,
    Lost,
    AnswerLost,
    Twice,
    Late,
    Swallowed,
    Busy,
    MixedUp,
}

/// Every line between the nodes of a world.
pub(super) struct Network {
    seed: u64,
    ends: Vec<End>,
    state: Mutex<State>,
    /// One message is under way at a time, so that a run can be repeated.
    turn: tokio::sync::Mutex<()>,
}

struct End {
    issuer: String,
    time: Arc<NodeTime>,
}

#[derive(Default)]
struct State {
    nodes: BTreeMap<usize, Weak<Node>>,
    weather: Weather,
    cut: BTreeSet<(usize, usize)>,
    sent: BTreeMap<(usize, usize), u64>,
    late: Vec<(usize, usize, Parcel)>,
    /// The last answer with a receipt, by line.
    answered: BTreeMap<(usize, usize), Outcome>,
    said: Vec<String>,
    faults: Vec<String>,
}

impl Network {
    pub(super) fn new(seed: u64, ends: Vec<(String, Arc<NodeTime>)>) -> Arc<Self> {
        let ends = ends.into_iter().map(|(issuer, time)| End { issuer, time }).collect();
        Arc::new(Self { seed, ends, state: Mutex::default(), turn: tokio::sync::Mutex::new(()) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    /// What carries the messages of one node.
    pub(super) fn line(self: &Arc<Self>, from: usize) -> Arc<dyn Carrier> {
        Arc::new(Line { from, network: Arc::clone(self) })
    }

    /// A node can be reached from now on.
    pub(super) fn join(&self, who: usize, node: &Arc<Node>) {
        self.state().nodes.insert(who, Arc::downgrade(node));
    }

    /// Nobody listens there any more.
    pub(super) fn leave(&self, who: usize) {
        self.state().nodes.remove(&who);
    }

    pub(super) fn set(&self, weather: Weather) {
        self.state().weather = weather;
    }

    /// Nothing gets through from one to the other, until [`Network::mend`].
    pub(super) fn cut(&self, from: usize, to: usize) {
        self.state().cut.insert((from, to));
    }

    pub(super) fn mend(&self) {
        self.state().cut.clear();
    }

    /// What happened since this was asked last.
    pub(super) fn said(&self) -> Vec<String> {
        std::mem::take(&mut self.state().said)
    }

    /// Answers that no healthy node gives.
    pub(super) fn faults(&self) -> Vec<String> {
        std::mem::take(&mut self.state().faults)
    }

    /// A parcel that was late arrives now; its sender has long given up. Says whether there was one.
    pub(super) async fn late_arrival(&self, dice: &mut Dice) -> bool {
        let late = {
            let mut state = self.state();
            let number = usize::try_from(dice.below(state.late.len() as u64)).expect("an index");
            (number < state.late.len()).then(|| state.late.remove(number))
        };
        let Some((from, to, parcel)) = late else { return false };
        let outcome = self.hand_over(to, &parcel).await;
        self.state().said.push(format!("  late {from}→{to} {:?}: {}", parcel.kind, told(&outcome)));
        true
    }

    fn draw(&self, from: usize, to: usize) -> Fate {
        let mut state = self.state();
        let sent = state.sent.entry((from, to)).or_default();
        *sent += 1;
        let line = (from as u64) << 48 | (to as u64) << 40 | *sent;
        if state.cut.contains(&(from, to)) {
            return Fate::Lost;
        }
        let weather = state.weather;
        let mut number = Dice::of(self.seed, line).below(100);
        for (chance, fate) in [
            (weather.lost, Fate::Lost),
            (weather.answer_lost, Fate::AnswerLost),
            (weather.twice, Fate::Twice),
            (weather.late, Fate::Late),
            (weather.swallowed, Fate::Swallowed),
            (weather.busy, Fate::Busy),
            (weather.mixed_up, Fate::MixedUp),
        ] {
            if number < chance {
                return fate;
            }
            number -= chance;
        }
        Fate::Carried
    }

    async fn carry(&self, from: usize, parcel: &Parcel) -> Outcome {
        let (issuer, _) = split(&parcel.url);
        let Some(to) = self.ends.iter().position(|end| end.issuer == issuer) else {
            return Outcome::not_reached(NotReached::Dns);
        };
        // A manifest is fetched while a message is under way.
        let _turn = if parcel.kind == ParcelKind::ManifestFetch { None } else { Some(self.turn.lock().await) };
        let fate = self.draw(from, to);
        let outcome = match fate {
            Fate::Lost => Outcome::not_reached(NotReached::Timeout),
            Fate::Carried => self.hand_over(to, parcel).await,
            Fate::AnswerLost => {
                self.hand_over(to, parcel).await;
                Outcome::not_reached(NotReached::Timeout)
            }
            Fate::Twice => {
                self.hand_over(to, parcel).await;
                self.hand_over(to, parcel).await
            }
            Fate::Late => {
                let mut state = self.state();
                if state.late.len() < LATE_MAX {
                    state.late.push((from, to, parcel.clone()));
                }
                Outcome::not_reached(NotReached::Timeout)
            }
            Fate::Swallowed => answer(202, None),
            Fate::Busy => answer(503, Some(RetryAfter::Seconds(120))),
            Fate::MixedUp => {
                let earlier = self.state().answered.get(&(from, to)).cloned();
                let own = self.hand_over(to, parcel).await;
                earlier.unwrap_or(own)
            }
        };
        let mut state = self.state();
        state.said.push(format!("  {from}→{to} {:?} {fate:?}: {}", parcel.kind, told(&outcome)));
        if fate == Fate::Carried && matches!(outcome, Outcome::Answered { receipt_header: Some(_), .. }) {
            state.answered.insert((from, to), outcome.clone());
        }
        outcome
    }

    /// At the doors of a node, if it is there. One whose power goes meanwhile answers nobody.
    async fn hand_over(&self, to: usize, parcel: &Parcel) -> Outcome {
        let node = self.state().nodes.get(&to).and_then(Weak::upgrade);
        let (Some(node), Some(end)) = (node, self.ends.get(to)) else {
            return Outcome::not_reached(NotReached::Refused);
        };
        if end.time.is_out() {
            return Outcome::not_reached(NotReached::Refused);
        }
        let (_, path) = split(&parcel.url);
        let answered = AssertUnwindSafe(to_node(&node, parcel, path)).catch_unwind().await;
        if end.time.is_out() {
            return Outcome::not_reached(NotReached::Refused);
        }
        match answered {
            Ok(outcome) => {
                if let Outcome::Answered { status: status @ 500.., .. } = &outcome {
                    self.state().faults.push(format!("node {to} answered {status} although its power was on"));
                }
                outcome
            }
            Err(payload) if payload.is::<PowerCut>() => Outcome::not_reached(NotReached::Refused),
            Err(payload) => resume_unwind(payload),
        }
    }
}

const fn answer(status: u16, retry_after: Option<RetryAfter>) -> Outcome {
    Outcome::Answered { status, receipt_header: None, retry_after, date: None, body: Vec::new() }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered { status, receipt_header, body, .. } => {
            let receipt = if receipt_header.is_some() { " with a receipt" } else { "" };
            let refusal = if *status == 400 { String::from_utf8_lossy(body).into_owned() } else { String::new() };
            format!("{status}{receipt} {refusal}")
        }
        Outcome::NotReached { class, .. } => format!("{class:?}"),
    }
}

struct Line {
    from: usize,
    network: Arc<Network>,
}

impl Carrier for Line {
    fn carry<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(self.network.carry(self.from, parcel))
    }
}
