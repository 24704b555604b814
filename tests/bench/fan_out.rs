//! One incident owed to many partner nodes, from logging to the last durable receipt; beside it, in the same run, the
//! limit of what these libraries do on this machine without a store ([`crate::limit`]).
//!
//! The node, its partners and the limit are processes of their own. Every partner is an origin of its own with its own
//! key, never called before: the first fan-out of a node that just started, which is the night that matters. Receipts
//! count from when another connection to the database sees them.

mod bad;
pub(crate) mod child;
pub(crate) mod receivers;
pub(crate) mod sender;
mod watch;

use std::io::Write as _;
use std::process::{Child, ChildStdin, ChildStdout, ExitCode};
use std::sync::Arc;

use domain::values::PartnerId;
use futures_util::future::join_all;
use serde_json::json;
use server::node::pairing::Confirmation;
use server::store::{READERS, Store, StoreSettings, ledger};
use server::time_source::{SystemTime, TimeSource as _};
use tests::On;
use tests::database::Database;
use tests::node::{Ground, Party, data_key, found, line};
use tests::partner::Scripted;
use webhooks::jose::{CompactToken, TokenType};

use self::child::{Lines, ask, hear, start};
use self::receivers::{Where, name};
use self::sender::{Sender, Setting, carrier};
use self::watch::Watch;
use crate::limit::Task;
use crate::measure::{Stopwatch, cpu_seconds};

/// Notices a second, over plain HTTP.
const PER_SECOND: f64 = 5_000.0;
/// Share of the limit's speed: over plain HTTP, and with a new TLS connection for each partner.
const RATIO: (f64, f64) = (0.60, 0.75);
/// CPU seconds of node and database for 1,000 notices, in the same two cases.
const CPU_SECONDS: (f64, f64) = (0.25, 0.60);
/// The most memory that the node ever holds.
const PEAK_MEGABYTES: f64 = 64.0;
/// Partners paired at once.
const BATCH: usize = 100;

/// What one run measured.
struct Measured {
    partners: usize,
    database: &'static str,
    tls: bool,
    seconds: f64,
    limit_seconds: f64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_seconds: f64,
    peak_mb: f64,
}

pub(crate) async fn run(on: On, partners: usize, tls: bool, as_json: bool) -> ExitCode {
    let stage = Stage::prepare(on, partners, tls).await;
    let mut watch = Watch::open(&stage.database.url);
    let mut sender = Sender::start(&stage.setting());
    let before = cpu_seconds(sender.id()) + watch.server_cpu_seconds();
    let from = watch.last();
    let clock = Stopwatch::start();
    sender.log("Mailbox");
    let receipts = watch.receipts(from, partners, &clock).await;
    let cpu = cpu_seconds(sender.id()) + watch.server_cpu_seconds() - before;
    let peak_mb = peak_megabytes(sender.id());
    drop(sender);
    let limit_seconds = stage.limit(&mut watch, from).await;
    let milliseconds = |share: f64| at_share(&receipts, share) * 1_000.0;
    let measured = Measured {
        partners,
        database: match on {
            On::Sqlite => "sqlite",
            On::Postgres => "postgres",
        },
        tls,
        seconds: at_share(&receipts, 1.0),
        limit_seconds,
        p50_ms: milliseconds(0.50),
        p99_ms: milliseconds(0.99),
        cpu_seconds: cpu,
        peak_mb,
    };
    measured.print(as_json)
}

pub(crate) use self::bad::run as run_bad;

/// The instant by which this share of the receipts was there.
fn at_share<T>(receipts: &[(f64, T)], share: f64) -> f64 {
    let number = (receipts.len() as f64 * share).ceil() as usize;
    receipts.get(number.saturating_sub(1)).map_or(f64::NAN, |(at, _)| *at)
}

/// The most memory that a process has held so far.
fn peak_megabytes(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1_024.0
}

impl Measured {
    fn print(&self, as_json: bool) -> ExitCode {
        let partners = self.partners as f64;
        let (per_second, limit_per_second) = (partners / self.seconds, partners / self.limit_seconds);
        let ratio = per_second / limit_per_second;
        let cpu = self.cpu_seconds / partners * 1_000.0;
        let pick = |(plain, tls): (f64, f64)| if self.tls { tls } else { plain };
        let least_per_second = if self.tls { 0.0 } else { PER_SECOND };
        let kept = per_second >= least_per_second
            && ratio >= pick(RATIO)
            && cpu <= pick(CPU_SECONDS)
            && self.peak_mb <= PEAK_MEGABYTES;
        let mut out = std::io::stdout().lock();
        let _ = if as_json {
            let object = json!({
                "partners": self.partners, "database": self.database, "tls": self.tls,
                "notices_per_second": per_second, "limit_per_second": limit_per_second, "ratio_to_limit": ratio,
                "p50_ms": self.p50_ms, "p99_ms": self.p99_ms, "last_ms": self.seconds * 1_000.0,
                "cpu_seconds_per_1000": cpu, "peak_mb": self.peak_mb,
            });
            writeln!(out, "{object}")
        } else {
            writeln!(
                out,
                "{} partners on {}{}: {}\n\
                 notices per second     {per_second:>10.0}  (at least {least_per_second})\n\
                 limit per second       {limit_per_second:>10.0}\n\
                 ratio to the limit     {ratio:>10.2}  (at least {})\n\
                 half / 99 % / all      {:>10.0} / {:.0} / {:.0} ms\n\
                 CPU seconds per 1,000  {cpu:>10.3}  (at most {})\n\
                 peak memory            {:>10.1} MB  (at most {PEAK_MEGABYTES})",
                self.partners,
                self.database,
                if self.tls { " with TLS" } else { "" },
                if kept { "pass" } else { "FAIL" },
                pick(RATIO),
                self.p50_ms,
                self.p99_ms,
                self.seconds * 1_000.0,
                pick(CPU_SECONDS),
                self.peak_mb,
            )
        };
        if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// A database with a node that has partners, and the partners.
struct Stage {
    database: Database,
    issuer: String,
    partners: usize,
    players: Players,
}

impl Stage {
    /// Founds a node and pairs it with every partner by the whole ceremony.
    async fn prepare(on: On, partners: usize, tls: bool) -> Self {
        let players = Players::start(partners, tls);
        let issuer = "http://127.0.0.1:9".to_owned();
        let ground = Ground { time: Arc::new(SystemTime), carrier: Arc::new(carrier(&players.place.root)), wire: None };
        let operator = found("Operator", issuer.clone(), on.fresh(), ground, None).await;
        let all: Vec<usize> = (0..partners).collect();
        for batch in all.chunks(BATCH) {
            let paired = join_all(batch.iter().map(|number| pair(&operator, &players.place, *number))).await;
            while operator.node.deliver_step(128).await.expect("a step").carried > 0 {}
            operator.arrange_each(&paired, 48).await;
        }
        operator.node.stop().await;
        Self { database: operator.database, issuer, partners, players }
    }

    fn setting(&self) -> Setting {
        let root = self.players.place.root.clone();
        Setting { url: self.database.url.clone(), issuer: self.issuer.clone(), root }
    }

    /// Seconds that the bare program takes for the payloads that the node sent, told by the entries behind `from`.
    async fn limit(&self, watch: &mut Watch, from: i64) -> f64 {
        let sent: Vec<u64> = watch
            .since(from)
            .into_iter()
            .filter(|entry| entry.kind == "set_sent")
            .filter_map(|entry| u64::try_from(entry.n).ok())
            .collect();
        let settings = StoreSettings { url: self.database.url.clone(), data_key: data_key(), readers: READERS };
        let store = Store::open(settings).expect("the store opens");
        let read = store.read(move |rows| {
            sent.into_iter().map(|n| Ok(ledger::object(rows, n)?.unwrap_or_default())).collect::<Result<Vec<_>, _>>()
        });
        let tokens = read.await.expect("the messages that were sent");
        let (mut child, mut input, mut output) = start(&["fan-out-limit"]);
        let place = serde_json::to_value(&self.players.place).expect("JSON");
        let place = serde_json::from_value(place).expect("the same");
        let task = Task { place, partners: self.partners };
        writeln!(input, "{}", serde_json::to_string(&task).expect("JSON")).expect("it listens");
        for token in tokens {
            let token = CompactToken::parse(&token, TokenType::Set).expect("a message");
            input.write_all(token.payload()).and_then(|()| input.write_all(b"\n")).expect("it listens");
        }
        drop(input);
        let seconds = hear(&mut output).parse().expect("seconds");
        let _ = child.wait();
        seconds
    }
}

/// Pairs one partner: card, addresses, typed digits, a second administrator, its heartbeat.
async fn pair(operator: &Party, place: &Where, number: usize) -> PartnerId {
    let partner = Scripted::new(&name(number), &place.issuer(number));
    let now = SystemTime.now().unix_seconds();
    partner.pin(&operator.node.export_card(), &operator.node.manifest());
    let (first, second) = (operator.administrator(), operator.second_administrator());
    let id = operator.node.import_card(&first, &partner.card(now), None).await.expect("the card is taken");
    if place.tls {
        operator.node.set_exceptions(&first, id, vec!["127.0.0.0/8".to_owned()]).await.expect("admitted");
    }
    operator
        .node
        .type_fingerprint(&first, id, &partner.fingerprint(), line("telephone"), line("Their administrator"))
        .await
        .expect("the digits match");
    operator.node.confirm(&second, id, Confirmation::SecondPerson).await.expect("confirmed");
    operator.take(&partner.heartbeat(now)).await.expect("the heartbeat is receipted");
    id
}

/// The partners' process. Dropping it ends it.
struct Players {
    place: Where,
    child: Child,
    input: ChildStdin,
    output: Lines<ChildStdout>,
}

impl Players {
    fn start(count: usize, tls: bool) -> Self {
        let count = count.to_string();
        let mut arguments = vec!["fan-out-receivers", "--count", count.as_str()];
        arguments.extend(tls.then_some("--tls"));
        let (child, input, mut output) = start(&arguments);
        let place = serde_json::from_str(&hear(&mut output)).expect("where they are");
        Self { place, child, input, output }
    }

    /// Makes one in a hundred of each kind misbehave from now on.
    fn turn_bad(&mut self) {
        assert_eq!(ask(&mut self.input, &mut self.output, "bad"), "bad");
    }
}

impl Drop for Players {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
