//! The limit of a fan-out: a bare program that signs, posts and verifies the receipts of the same octets against the same
//! receivers, without a store, without lanes and without rules. Nobody is faster with these libraries on this machine.
//!
//! Of a receipt it verifies what a node has to verify: the token's signature, what it is for, and the signed checkpoint
//! in it.

use std::collections::HashMap;
use std::io::BufRead as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::{Certificate, Client, redirect};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use server::time_source::{SystemTime, TimeSource as _};
use tests::partner::Scripted;
use uuid::Uuid;
use webhooks::card::parse_self_signed;
use webhooks::checkpoint::{origin_of, verify_checkpoint};
use webhooks::keys::{KeyUse, SigningKey};
use webhooks::manifest::{Manifest, parse_pinned};
use webhooks::push::{MEDIA_TYPE, PeerKeys, RECEIPT_HEADER};
use webhooks::receipt::{Expectation, check_receipt};
use webhooks::set::sign_set;
use webhooks::values::Schemes;

use crate::fan_out::receivers::{Where, name, say};
use crate::measure::Stopwatch;

/// As many as the product has under way.
const IN_FLIGHT: usize = server::node::deliver::IN_FLIGHT_MAX;
/// As many as the product delivers with.
const THREADS: usize = 2;

/// What the program needs to know, in one line; the payloads follow, a line each.
#[derive(Serialize, Deserialize)]
pub(crate) struct Task {
    /// Where the partners are.
    pub(crate) place: Where,
    /// How many there are.
    pub(crate) partners: usize,
}

/// One notice.
struct Notice {
    url: String,
    issuer: String,
    manifest: Manifest,
    payload: Vec<u8>,
    own_issuer: String,
    jti: Uuid,
    seq: Option<u64>,
}

/// The child's part: reads task and payloads, then says how many seconds it took.
pub(crate) fn play() {
    let mut lines = std::io::stdin().lock().lines().map_while(Result::ok);
    let task: Task = serde_json::from_str(&lines.next().expect("a task")).expect("a task");
    let now = SystemTime.now().unix_seconds();
    let mut manifests: HashMap<String, Manifest> =
        (0..task.partners).map(|number| manifest(&task.place, number, now)).collect();
    let notices: Vec<Notice> = lines.map(|payload| notice(payload, &mut manifests)).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let seconds = runtime.expect("threads").block_on(run(&task.place, notices));
    say(&seconds.to_string());
}

/// A partner's manifest, read and verified beforehand.
fn manifest(place: &Where, number: usize, now: i64) -> (String, Manifest) {
    let issuer = place.issuer(number);
    let partner = Scripted::new(&name(number), &issuer);
    let card = parse_self_signed(partner.card(now).as_bytes(), Schemes::HttpsOrLoopback).expect("a card");
    let identity = card.get().identity().expect("an identity key");
    let manifest = parse_pinned(partner.manifest(now).as_bytes(), &issuer, &identity).expect("a manifest");
    (issuer, manifest.into_inner())
}

fn notice(payload: String, manifests: &mut HashMap<String, Manifest>) -> Notice {
    let claims: Value = serde_json::from_str(&payload).expect("a payload is JSON");
    let text = |member: &str| claims[member].as_str().expect("a claim").to_owned();
    let event = claims["events"].as_object().and_then(|events| events.values().next()).expect("an event");
    let issuer = text("aud");
    Notice {
        url: format!("{issuer}/ssf/events"),
        manifest: manifests.remove(&issuer).expect("one notice for each partner"),
        own_issuer: text("iss"),
        jti: text("jti").parse().expect("an id"),
        seq: event["seq"].as_u64(),
        issuer,
        payload: payload.into_bytes(),
    }
}

#[expect(clippy::disallowed_methods, reason = "every sender is awaited")]
async fn run(place: &Where, notices: Vec<Notice>) -> f64 {
    let key = SigningKey::from_seed(&[3; 32], KeyUse::Set).expect("every seed makes a key");
    let (client, key, notices) = (client(&place.root), Arc::new(key), Arc::new(notices));
    let next = Arc::new(AtomicUsize::new(0));
    let watch = Stopwatch::start();
    let senders: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let (client, key) = (client.clone(), Arc::clone(&key));
            let (notices, next) = (Arc::clone(&notices), Arc::clone(&next));
            tokio::spawn(async move {
                while let Some(notice) = notices.get(next.fetch_add(1, Ordering::Relaxed)) {
                    tell(&client, &key, notice).await;
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.expect("every receipt verifies");
    }
    watch.seconds()
}

async fn tell(client: &Client, key: &SigningKey, notice: &Notice) {
    let now = SystemTime.now().unix_seconds();
    let set = sign_set(key, &notice.payload);
    let answer = client
        .post(&notice.url)
        .header("accept", "application/json")
        .header("content-type", MEDIA_TYPE)
        .body(set.octets)
        .send()
        .await
        .expect("an answer");
    let receipt = answer.headers().get(RECEIPT_HEADER).expect("a receipt").as_bytes().to_vec();
    answer.bytes().await.expect("its end");
    let expected = Expectation { jti: notice.jti, seq: notice.seq, set_sha256: &[set.set_sha256], first_attempt: now };
    let peer = PeerKeys { issuer: &notice.issuer, manifest: &notice.manifest };
    let receipt = check_receipt(&receipt, &peer, &notice.own_issuer, &expected, now).expect("it verifies");
    let origin = origin_of(&notice.issuer);
    let log_key = notice.manifest.log_keys().next_back().expect("a log key");
    verify_checkpoint(&receipt.receipt().checkpoint, &origin, &log_key.public).expect("it verifies");
}

#[expect(clippy::disallowed_methods, reason = "a bare program, outside the product and its guard")]
fn client(root: &str) -> Client {
    let roots = if root.is_empty() {
        Vec::new()
    } else {
        Certificate::from_pem_bundle(root.as_bytes()).expect("a certificate")
    };
    Client::builder().tls_certs_merge(roots).redirect(redirect::Policy::none()).no_proxy().build().expect("a client")
}
