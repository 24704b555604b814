//! A fan-out among bad partners: 1 % refuse connections, 1 % answer 500, 1 % take the message and hang, one answers
//! without end. What the healthy ones feel of them.

use std::time::Duration;

use tests::On;
use tokio::time::{MissedTickBehavior, interval};

use super::receivers::is_healthy;
use super::sender::Sender;
use super::watch::Watch;
use super::{Stage, at_share};
use crate::measure::{Report, Stopwatch, median};

/// The p99 of the healthy, compared with a run without bad partners.
const RATIO: f64 = 1.2;
/// The longest pause of deliveries to healthy partners while any is outstanding.
const PAUSE_MILLISECONDS: f64 = 100.0;
/// Runs without bad partners, of which the middle one counts.
const CALM: usize = 3;
/// Incidents of the steady stream, one a second.
const STREAM: usize = 10;

pub(crate) async fn run(on: On, partners: usize, tls: bool, report: &mut Report) {
    let mut stage = Stage::prepare(on, partners, tls).await;
    let healthy = (0..partners).filter(|number| is_healthy(*number)).count();
    let mut watch = Watch::open(&stage.database.url);
    let mut sender = Sender::start(&stage.setting());
    // Lanes and connections are warm from here on.
    one(&mut sender, &mut watch, "Mailbox", partners).await;
    let mut calm = Vec::with_capacity(CALM);
    for number in 0..CALM {
        calm.push(one(&mut sender, &mut watch, &format!("Calm {number}"), partners).await);
    }
    stage.players.turn_bad();
    let troubled = one(&mut sender, &mut watch, "Troubled", healthy).await;
    let calm = median(&mut calm);
    report.tell("p99 of the healthy, no bad partners", calm * 1_000.0, "ms");
    report.tell("p99 of the healthy, with bad partners", troubled * 1_000.0, "ms");
    report.limit("p99 of the healthy, ratio", troubled / calm, "times", RATIO);
    let pause = stream(&mut sender, &mut watch, healthy).await;
    report.limit("longest pause under a steady stream", pause * 1_000.0, "ms", PAUSE_MILLISECONDS);
}

/// One incident: when 99 % of the receipts expected were there.
async fn one(sender: &mut Sender, watch: &mut Watch, title: &str, expected: usize) -> f64 {
    let from = watch.last();
    let clock = Stopwatch::start();
    sender.log(title);
    at_share(&watch.receipts(from, expected, &clock).await, 0.99)
}

/// The longest time without a receipt while a healthy partner is owed one.
async fn stream(sender: &mut Sender, watch: &mut Watch, healthy: usize) -> f64 {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut longest: f64 = 0.0;
    for number in 0..STREAM {
        ticks.tick().await;
        let from = watch.last();
        let clock = Stopwatch::start();
        sender.log(&format!("Stream {number}"));
        let mut before = 0.0;
        for (at, _) in watch.receipts(from, healthy, &clock).await {
            longest = longest.max(at - before);
            before = at;
        }
    }
    longest
}
