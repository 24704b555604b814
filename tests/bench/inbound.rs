//! Signed notices taken in by a node over HTTP, many partners at once, each notice a case of its own; beside it, in the
//! same run, the limit: a bare server on the same HTTP stack that verifies, signs and inserts with group commit
//! ([`bare`]).
//!
//! Node and limit are processes of their own; this one is the partners: one connection each, one message in flight, in
//! order, signed beforehand. Every receipt is verified afterwards. A receipt is only sent after its commit, so what is
//! counted is durable.

pub(crate) mod bare;
mod load;
pub(crate) mod node;

use std::process::{Child, ChildStdin, ChildStdout, ExitCode};
use std::sync::Arc;

use serde_json::{Value, json};
use server::time_source::{SystemTime, TimeSource as _};
use tests::On;
use tests::node::{Ground, Party, found};
use tests::partner::Scripted;
use tests::wire::Wire;
use webhooks::card::parse_self_signed;
use webhooks::jose::{CompactToken, TokenType};
use webhooks::manifest::{Manifest, parse_pinned};
use webhooks::push::PeerKeys;
use webhooks::receipt::{Expectation, check_receipt};
use webhooks::values::{Digest, Schemes};

use self::load::Told;
use crate::fan_out::child::{Lines, hear, start};
use crate::measure::{Stopwatch, cpu_seconds};

/// Share of the limit's speed.
const RATIO: f64 = 0.60;
/// The 99th of a hundred receipts.
const P99_MILLISECONDS: f64 = 50.0;
/// The node's name on the wire.
const ISSUER: &str = "http://127.0.0.1:9";
/// The body of every notice.
const NOTICE: &str = include_str!("../../webhooks/tests/golden/notified.json");

/// Partner names are the same in every process, so that all make the same keys.
pub(crate) fn partner(number: usize) -> Scripted {
    Scripted::new(&format!("Council {number}"), &format!("https://council-{number}.example"))
}

pub(crate) async fn run(on: On, connections: usize, messages: usize, as_json: bool) -> ExitCode {
    let partners: Vec<Arc<Scripted>> = (0..connections).map(|number| Arc::new(partner(number))).collect();
    let receiver = prepare(on, &partners).await;
    let (card, manifest) = (receiver.node.export_card(), receiver.node.manifest());
    receiver.node.stop().await;
    let queues = signed(&partners, messages);
    let (told, cpu) = measured(&["inbound-node"], &receiver.database.url, &queues).await;
    verify(&told, &card, &manifest);
    let fresh = on.fresh();
    let (limit, _) = measured(&["inbound-limit", "--partners", &connections.to_string()], &fresh.url, &queues).await;
    print(on, connections, &told, &limit, cpu, as_json)
}

/// A node that has paired with all of them.
async fn prepare(on: On, partners: &[Arc<Scripted>]) -> Party {
    let time = Arc::new(SystemTime);
    let wire = Wire::new(Arc::clone(&time) as _);
    let ground = Ground { time, carrier: Arc::clone(&wire) as _, wire: None };
    let receiver = found("Council", ISSUER.to_owned(), on.fresh(), ground, None).await;
    for partner in partners {
        wire.join_scripted(partner);
        receiver.pair_scripted(partner).await;
    }
    while receiver.node.deliver_step(128).await.expect("a step").carried > 0 {}
    receiver
}

/// Notices for each partner's connection, each with the moment's checkpoint of its own.
fn signed(partners: &[Arc<Scripted>], messages: usize) -> Vec<Vec<Vec<u8>>> {
    let now = SystemTime.now().unix_seconds();
    let notice: Value = serde_json::from_str(NOTICE).expect("JSON");
    let each = messages.div_ceil(partners.len());
    partners
        .iter()
        .map(|partner| {
            (0..each)
                .map(|_| {
                    let case = SystemTime.fresh_id().to_string();
                    load::request(&partner.notified(&case, &notice, now))
                })
                .collect()
        })
        .collect()
}

/// Starts a server, tells it everything, and says how long that took, and the CPU seconds of the server's process.
async fn measured(arguments: &[&str], url: &str, queues: &[Vec<Vec<u8>>]) -> (Told, f64) {
    let (child, input, output) = start(arguments);
    let mut server = Server { child, input: Some(input), output };
    let address = server.address(url);
    let before = cpu_seconds(server.child.id());
    let watch = Stopwatch::start();
    let told = load::tell(address, queues, &watch).await;
    let cpu = cpu_seconds(server.child.id()) - before;
    (told, cpu)
}

/// A server in a process of its own. Dropping it ends it.
struct Server {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<ChildStdout>,
}

impl Server {
    fn address(&mut self, url: &str) -> std::net::SocketAddr {
        use std::io::Write as _;
        let input = self.input.as_mut().expect("its input");
        writeln!(input, "{url}").expect("it listens");
        input.flush().expect("it listens");
        hear(&mut self.output).parse().expect("where it listens")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every receipt is the node's, for exactly the octets that were sent.
fn verify(told: &Told, card: &str, manifest: &str) {
    let card = parse_self_signed(card.as_bytes(), Schemes::HttpsOrLoopback).expect("a card");
    let identity = card.get().identity().expect("an identity key");
    let manifest: Manifest = parse_pinned(manifest.as_bytes(), ISSUER, &identity).expect("a manifest").into_inner();
    let peer = PeerKeys { issuer: ISSUER, manifest: &manifest };
    let now = SystemTime.now().unix_seconds_up();
    for answer in &told.answers {
        let token = CompactToken::parse(&answer.token, TokenType::Set).expect("what was sent");
        let payload: Value = serde_json::from_slice(token.payload()).expect("JSON");
        let event = payload["events"].as_object().and_then(|events| events.values().next()).expect("an event");
        let expected = Expectation {
            jti: payload["jti"].as_str().and_then(|jti| jti.parse().ok()).expect("an id"),
            seq: event["seq"].as_u64(),
            set_sha256: &[Digest::of(&answer.token)],
            first_attempt: now - 300,
        };
        let sender = payload["iss"].as_str().expect("an issuer");
        check_receipt(answer.receipt.as_bytes(), &peer, sender, &expected, now).expect("it verifies");
    }
}

fn print(on: On, connections: usize, told: &Told, limit: &Told, cpu: f64, as_json: bool) -> ExitCode {
    use std::io::Write as _;
    let messages = told.answers.len() as f64;
    let (per_second, limit_per_second) = (messages / told.seconds, limit.answers.len() as f64 / limit.seconds);
    let ratio = per_second / limit_per_second;
    let (p50, p99) = (told.at_share(0.50), told.at_share(0.99));
    let cpu = cpu / messages * 1_000.0;
    let kept = ratio >= RATIO && p99 <= P99_MILLISECONDS;
    let database = match on {
        On::Sqlite => "sqlite",
        On::Postgres => "postgres",
    };
    let mut out = std::io::stdout().lock();
    let _ = if as_json {
        let object = json!({
            "connections": connections, "messages": messages, "database": database, "accepted_per_second": per_second,
            "limit_per_second": limit_per_second, "ratio_to_limit": ratio, "p50_ms": p50, "p99_ms": p99,
            "limit_p99_ms": limit.at_share(0.99), "cpu_seconds_per_1000": cpu,
        });
        writeln!(out, "{object}")
    } else {
        writeln!(
            out,
            "{messages} notices over {connections} connections on {database}: {}\n\
             accepted per second    {per_second:>10.0}\n\
             limit per second       {limit_per_second:>10.0}\n\
             ratio to the limit     {ratio:>10.2}  (at least {RATIO})\n\
             half / 99 %            {p50:>10.1} / {p99:.1} ms  (at most {P99_MILLISECONDS}; the limit's {:.1})\n\
             CPU seconds per 1,000  {cpu:>10.3}  (the node's process)",
            if kept { "pass" } else { "FAIL" },
            limit.at_share(0.99),
        )
    };
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
