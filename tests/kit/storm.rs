//! A fan-out among processes that are killed at random moments, as power cuts would: nothing may be lost, nobody may be told
//! twice, and every receipt must verify.
//!
//! One side is the built program, killed and started again; the other are scripted partners in this process, which sign
//! with real keys and outlive every kill, so that they can say afterwards what they saw.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::clock::ClockState;
use domain::exchange::NoticeDelivery;
use domain::values::IncidentId;
use futures_util::future::{join, join_all};
use serde_json::Value;
use server::store::ledger;
use server::time_source::{SystemTime, TimeSource as _};
use tempfile::TempDir;
use uuid::Uuid;
use webhooks::keys::PublicKey;
use webhooks::manifest::{Manifest, parse_pinned};
use webhooks::message::{Event, Notice};

use webhooks::push::{PeerKeys, VerifiedSet, open, verify};
use webhooks::receipt::{Expectation, check_receipt};
use webhooks::values::Schemes;

use crate::database::On;
use crate::dice::Dice;
use crate::facts::first_hour;
use crate::node::{Ground, Party, data_key, found, log_request};
use crate::partner::{Host, Scripted};
use crate::peek::Peek;
use crate::process::{Process, Serving, keep_key};
use crate::proxy::Proxy;
use crate::visitor::Visitor;
use crate::wait::until;
use crate::wire::Wire;

/// A killed sender's leases (90 s) have to lapse before its messages are carried again. Thrice that on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long a push is tried again while the receiver is away.
const AWAY: Duration = Duration::from_secs(120);
/// A process lives so long before it is killed, in milliseconds; what it does in that time differs from run to run.
const LIVES_MILLISECONDS: std::ops::Range<i64> = 1..700;
/// Partners paired at once.
const BATCH: usize = 64;
/// Partners that push at the same time.
const PUSHING: usize = 8;
/// A full notice, as the protocol's readers have it.
const NOTICE: &str = include_str!("../../webhooks/tests/golden/notified.json");

/// A party whose node becomes a process.
struct Actor {
    party: Party,
    serving: Serving,
    _key: TempDir,
}

impl Actor {
    async fn new(on: On, name: &str, issuer: String, wire: &Arc<Wire>) -> Self {
        let ground =
            Ground { time: Arc::new(SystemTime), carrier: Arc::clone(wire) as _, wire: Some(Arc::clone(wire)) };
        let party = found(name, issuer.clone(), on.fresh(), ground, None).await;
        let key = tempfile::tempdir().expect("a temporary folder");
        let key_file = key.path().join("data.key");
        keep_key(&key_file, &data_key());
        let serving = Serving { database: party.database.url.clone(), key_file, issuer };
        Self { party, serving, _key: key }
    }

    async fn pair(&self, partners: &[Arc<Scripted>], wire: &Wire) {
        for batch in partners.chunks(BATCH) {
            batch.iter().for_each(|partner| wire.join_scripted(partner));
            join_all(batch.iter().map(|partner| self.party.pair_scripted(partner))).await;
            while self.party.node.deliver_step(BATCH).await.expect("a step of delivery").carried > 0 {}
        }
    }

    /// Takes the party back into this process.
    async fn take_back(self) -> Party {
        self.party.restart().await
    }
}

/// One incident is owed to many partners; the sender is killed again and again while it tells them.
///
/// # Panics
/// When a notice is lost, a partner is told twice, or a receipt does not verify.
pub async fn over_the_sender(on: On, partners: usize, kills: usize, dice: &mut Dice) {
    let host = Host::start(partners, now).await;
    let wire = Wire::new(Arc::new(SystemTime));
    // Nobody calls the sender.
    let actor = Actor::new(on, "Operator", "http://127.0.0.1:9".to_owned(), &wire).await;
    actor.pair(&host.partners, &wire).await;
    actor.party.arrange_scripted(&host.partners, 48).await;
    let id = actor.party.log(log_request(first_hour("A mailbox was open"), SystemTime.now())).await;
    actor.party.node.stop().await;
    for _ in 0..kills {
        let process = Process::serve(&actor.serving).await;
        pause(dice).await;
        process.kill();
    }
    let process = Process::serve(&actor.serving).await;
    let mut peek = Peek::at(&actor.party.database.url);
    until("every partner's receipt", PATIENCE, async || (peek.told() == partners).then_some(())).await;
    process.kill();
    let operator = actor.take_back().await;
    everybody_was_told_once(&operator, id, &host.partners).await;
    operator.node.stop().await;
}

async fn everybody_was_told_once(operator: &Party, id: IncidentId, partners: &[Arc<Scripted>]) {
    let mut by_case: BTreeMap<String, (&Scripted, VerifiedSet)> = BTreeMap::new();
    for partner in partners {
        let mut notices = partner.received().into_iter().filter(|set| set.claims().txn.is_some());
        let notice = notices.next().unwrap_or_else(|| panic!("{} was never told", partner.name));
        assert!(notices.next().is_none(), "{} was told twice", partner.name);
        let case = notice.claims().txn.clone().expect("a case");
        assert!(by_case.insert(case, (partner, notice)).is_none(), "two partners hold one case");
    }
    let incident = operator.incident(id).await;
    assert_eq!(incident.owed.len(), partners.len(), "the record names everybody");
    for owed in &incident.owed {
        let told = operator.exchange(owed.exchange).await;
        assert_eq!(told.notices.len(), 1, "one notice to each: {told:?}");
        assert!(matches!(told.notices[0].delivery, NoticeDelivery::Receipted { .. }), "{told:?}");
        assert!(matches!(told.notice_clock.expect("a clock").state, ClockState::Met { .. }));
        let (_, notice) = &by_case[&told.case.to_string()];
        assert_eq!(notice.claims().jti, told.notices[0].message.uuid(), "they hold the message that we sent");
    }
    let notices: Vec<_> = by_case.values().map(|(partner, notice)| (*partner, notice)).collect();
    receipts_verify(operator, &notices).await;
    whole(operator).await;
}

/// The ledger holds a receipt for each notice, by that partner's key, for the octets that the partner holds.
async fn receipts_verify(operator: &Party, notices: &[(&Scripted, &VerifiedSet)]) {
    let mut held: BTreeMap<Uuid, Vec<Vec<u8>>> = BTreeMap::new();
    for octets in objects(operator, "receipt_received").await {
        let claims = crate::simulation::claims(&octets).expect("a receipt's payload");
        let event = claims["events"].as_object().and_then(|events| events.values().next()).expect("an event");
        let of = event["of"]["jti"].as_str().and_then(|id| id.parse().ok()).expect("a message");
        held.entry(of).or_default().push(octets);
    }
    for (partner, notice) in notices {
        let receipts = held.get(&notice.claims().jti).unwrap_or_else(|| panic!("no receipt of {}", partner.name));
        let manifest = manifest_of(&partner.card(now()), &partner.manifest(now()));
        for receipt in receipts {
            let peer = PeerKeys { issuer: &partner.issuer, manifest: &manifest };
            let set = open(receipt).ok().and_then(|opened| verify(&opened, &peer, operator.issuer(), now()).ok());
            let set = set.unwrap_or_else(|| panic!("a receipt of {} does not verify", partner.name));
            let Event::Receipt(said) = set.event() else { panic!("it is no receipt") };
            assert_eq!(said.set_sha256, notice.set_sha256(), "it is for the octets that they hold");
        }
    }
}

/// Partners push many notices; the receiver is killed again and again while it takes them.
///
/// # Panics
/// When a notice is lost, a case stands twice, or a receipt does not verify.
pub async fn over_the_receiver(on: On, notices: usize, kills: usize, dice: &mut Dice) {
    let proxy = Proxy::start().await;
    let wire = Wire::new(Arc::new(SystemTime));
    let actor = Actor::new(on, "Council", proxy.origin(), &wire).await;
    let senders: Vec<Arc<Scripted>> = (1..=PUSHING)
        .map(|number| Arc::new(Scripted::new(&format!("Sender {number}"), &format!("https://sender-{number}.example"))))
        .collect();
    actor.pair(&senders, &wire).await;
    let party = &actor.party;
    let receiver = Receiver {
        issuer: party.issuer().to_owned(),
        manifest: manifest_of(&party.node.export_card(), &party.node.manifest()),
        visitor: Visitor::new(proxy.address),
        taken: AtomicUsize::new(0),
    };
    party.node.stop().await;
    let pushing = join_all(
        senders
            .iter()
            .enumerate()
            .map(|(number, sender)| receiver.push_all(sender, (number..notices).step_by(PUSHING).count())),
    );
    let killing = async {
        for kill in 1..=kills {
            let process = Process::serve(&actor.serving).await;
            proxy.lead_to(process.address);
            // Spread over the whole of it.
            let enough = notices * kill / (kills + 1);
            until("notices to be taken", PATIENCE, async || {
                (receiver.taken.load(Ordering::Relaxed) >= enough).then_some(())
            })
            .await;
            pause(dice).await;
            // First: its port may be somebody else's a moment later.
            proxy.lead_nowhere();
            process.kill();
        }
        let process = Process::serve(&actor.serving).await;
        proxy.lead_to(process.address);
        process
    };
    let (pushed, process) = join(pushing, killing).await;
    process.kill();
    let council = actor.take_back().await;
    let cases: Vec<String> = pushed.into_iter().flatten().collect();
    assert_eq!(cases.len(), notices);
    let received = council.received().await;
    assert_eq!(received.len(), notices, "every case stands once");
    for case in cases {
        let held: Vec<_> = received.iter().filter(|notice| notice.case.to_string() == case).collect();
        assert_eq!(held.len(), 1, "case {case} stands once");
        assert_eq!(held[0].received.len(), 1, "its notice was applied once");
    }
    whole(&council).await;
    council.node.stop().await;
}

/// The receiver, as its partners know it.
struct Receiver {
    issuer: String,
    manifest: Manifest,
    visitor: Visitor,
    taken: AtomicUsize,
}

impl Receiver {
    /// Pushes so many notices one after the other, each until there is a receipt. Gives their cases.
    async fn push_all(&self, sender: &Scripted, count: usize) -> Vec<String> {
        let mut cases = Vec::with_capacity(count);
        for _ in 0..count {
            let case = SystemTime.fresh_id().to_string();
            let token = sender.message(&case, now(), notice);
            let claims = crate::simulation::claims(token.as_bytes()).expect("a payload");
            let receipt = self.push(&token).await;
            let again = self.push(&token).await;
            assert_eq!(receipt, again, "a repeat gets the receipt of the first");
            let jti = claims["jti"].as_str().and_then(|id| id.parse().ok()).expect("an id");
            let event = claims["events"].as_object().and_then(|events| events.values().next()).expect("an event");
            let seq = event["seq"].as_u64();
            let set_sha256 = [webhooks::values::Digest::of(token.as_bytes())];
            let expected = Expectation { jti, seq, set_sha256: &set_sha256, first_attempt: now() - 600 };
            let peer = PeerKeys { issuer: &self.issuer, manifest: &self.manifest };
            check_receipt(receipt.as_bytes(), &peer, &sender.issuer, &expected, now())
                .expect("a receipt that verifies");
            self.taken.fetch_add(1, Ordering::Relaxed);
            cases.push(case);
        }
        cases
    }

    async fn push(&self, token: &str) -> String {
        let headers = [("content-type", "application/secevent+jwt")];
        until("a receipt", AWAY, async || {
            let answer = self.visitor.send("POST", "/ssf/events", &headers, token.as_bytes()).await?;
            assert!(answer.status == 202 || answer.status == 503, "{}: {}", answer.status, answer.text());
            answer.header("security-event-receipt").map(str::to_owned)
        })
        .await
    }
}

fn notice(seq: u64, prev: Option<webhooks::values::Digest>, checkpoint: String) -> Event {
    let mut value: Value = serde_json::from_str(NOTICE).expect("a notice");
    let members = value.as_object_mut().expect("an object");
    // Its instants belong to another day.
    members.remove("clock");
    let notice: Notice = serde_json::from_value(value).expect("a notice");
    Event::Notified(Box::new(Notice { seq, prev, checkpoint, ..notice }))
}

fn manifest_of(card: &str, manifest: &str) -> Manifest {
    let card = webhooks::card::parse_self_signed(card.as_bytes(), Schemes::HttpsOrLoopback).expect("a card");
    let identity: PublicKey = card.get().identity().expect("an identity key");
    parse_pinned(manifest.as_bytes(), &card.get().iss, &identity).expect("the manifest of that card").into_inner()
}

/// The objects of one kind in a ledger, oldest first.
async fn objects(party: &Party, kind: &str) -> Vec<Vec<u8>> {
    let entries = Peek::at(&party.database.url).entries(0);
    let numbers: Vec<i64> = entries.into_iter().filter(|entry| entry.kind == kind).map(|entry| entry.n).collect();
    let objects = party.node.store().read(move |rows| {
        numbers.into_iter().map(|n| ledger::object(rows, n.unsigned_abs())).collect::<Result<Vec<_>, _>>()
    });
    objects.await.expect("the ledger can be read").into_iter().flatten().collect()
}

async fn whole(party: &Party) {
    let verified = party.node.store().read(ledger::verify).await.expect("the ledger can be read");
    assert!(verified.is_whole(), "the ledger of {} is not whole: {:?}", party.name, verified.faults);
}

fn now() -> i64 {
    SystemTime.now().unix_seconds_up()
}

/// Lets a process live for a while: the point is the instant of the kill, which no condition names.
async fn pause(dice: &mut Dice) {
    let milliseconds = dice.within(LIVES_MILLISECONDS).unsigned_abs();
    let _ = tokio::time::timeout(Duration::from_millis(milliseconds), std::future::pending::<()>()).await;
}
