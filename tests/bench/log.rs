//! An incident owed to many partners: how long logging takes, and what a receipt costs.
//!
//! The baseline is one partner that is owed as many notices, one incident each, so that the same number of receipts is
//! counted. The node is stepped by hand: nothing but delivery runs while CPU and statements are read.

use std::process;
use std::sync::Arc;

use futures_util::future::join_all;
use server::time_source::{SystemTime, TimeSource as _};
use tests::On;
use tests::facts::first_hour;
use tests::node::{Ground, Party, found, log_request};
use webhooks::http::{Options, ReqwestCarrier};

use crate::measure::{Report, Stopwatch, cpu_seconds, median};
use crate::partners::Players;

/// An incident owed to 500 partners is logged in less.
const LOG_SECONDS: f64 = 1.0;
/// CPU of a receipt, compared with one partner.
const CPU_RATIO: f64 = 1.2;
/// Rounds: CPU is counted in hundredths of a second, so that one round of small receipts is too coarse.
const ROUNDS: usize = 4;
/// Partners paired at once.
const BATCH: usize = 32;

/// What a receipt costs.
struct Cost {
    cpu_milliseconds: f64,
    statements: f64,
}

pub(crate) async fn run(on: On, partners: usize, report: &mut Report) {
    let one = Setting::prepare(on, 1).await;
    let (_, baseline) = one.rounds(partners).await;
    drop(one);
    let many = Setting::prepare(on, partners).await;
    let (mut logged, cost) = many.rounds(1).await;
    report.limit("time to log, slowest", logged.iter().copied().fold(0.0, f64::max), "s", LOG_SECONDS);
    report.tell("time to log, median", median(&mut logged), "s");
    report.tell("CPU per receipt, one partner", baseline.cpu_milliseconds, "ms");
    report.tell("CPU per receipt, all partners", cost.cpu_milliseconds, "ms");
    report.limit("CPU per receipt, ratio", cost.cpu_milliseconds / baseline.cpu_milliseconds, "times", CPU_RATIO);
    report.tell("statements per receipt, one partner", baseline.statements, "statements");
    report.tell("statements per receipt, all partners", cost.statements, "statements");
    // Group commit shares a batch's own statements between its receipts: more partners may only make it cheaper.
    report.limit("statements per receipt, ratio", cost.statements / baseline.statements, "times", 1.0);
}

/// A node with partners, all paired.
struct Setting {
    operator: Party,
    players: Players,
}

impl Setting {
    async fn prepare(on: On, partners: usize) -> Self {
        let carrier = ReqwestCarrier::new(&Options {
            trusted_roots: Vec::new(),
            loopback_http: true,
            user_agent: "tocsin-bench".to_owned(),
        });
        let ground = Ground { time: Arc::new(SystemTime), carrier: Arc::new(carrier.expect("a carrier")), wire: None };
        let operator = found("Operator", "http://127.0.0.1:9".to_owned(), on.fresh(), ground, None).await;
        let mut players = Players::start(partners);
        players.pin(&operator.node.export_card(), &operator.node.manifest());
        for batch in players.partners.chunks(BATCH) {
            join_all(batch.iter().map(|partner| operator.pair_scripted(partner))).await;
            settle(&operator).await;
            operator.arrange_scripted(batch, 48).await;
        }
        Self { operator, players }
    }

    /// Logs `incidents` a round, then delivers everything. Gives the times to log, and what a receipt cost.
    async fn rounds(&self, incidents: usize) -> (Vec<f64>, Cost) {
        let mut logged = Vec::new();
        let (mut cpu, mut statements) = (0.0, 0);
        for round in 0..ROUNDS {
            for number in 0..incidents {
                let facts = first_hour(&format!("Mailbox {round}-{number}"));
                let request = log_request(facts, SystemTime.now());
                let watch = Stopwatch::start();
                self.operator.log(request).await;
                logged.push(watch.seconds());
            }
            // The rest of the fan-out is not what a receipt costs.
            while self.operator.node.watch_step().await.expect("a step").more {}
            let (cpu_before, statements_before) = (cpu_seconds(process::id()), self.operator.node.store().statements());
            settle(&self.operator).await;
            cpu += cpu_seconds(process::id()) - cpu_before;
            statements += self.operator.node.store().statements() - statements_before;
        }
        let receipts = (ROUNDS * incidents * self.players.partners.len()) as f64;
        (logged, Cost { cpu_milliseconds: cpu * 1_000.0 / receipts, statements: statements as f64 / receipts })
    }
}

/// Delivers until nothing is left.
async fn settle(operator: &Party) {
    while operator.node.deliver_step(128).await.expect("a step").carried > 0 {}
}
