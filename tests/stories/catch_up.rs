//! Gaps, losses, silence and wrong clocks (protocol §10, §13): what mends itself, and when a person hears of it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use server::store::alerts::{self, AlertKind};
use tests::facts::first_hour;
use tests::node::{Party, World, line, log_request};
use tests::partner::{Behaviour, Scripted};
use tests::{On, both};
use webhooks::message::Stance;

both!(
    what_a_restored_partner_lost_is_sent_again,
    a_gap_is_told_after_a_quarter_of_an_hour_and_forgotten_when_it_closes,
    a_silent_node_is_warned_of_and_then_alarmed_about,
    a_wrong_clock_is_noted,
    a_sign_of_life_that_a_person_sends_goes_at_once,
    a_partner_that_refuses_signs_of_life_is_told_of,
    what_is_wrong_with_signs_of_life_ends_with_the_pairing,
);

const CASE: &str = "0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e21";
const HOUR: u64 = 3_600;

async fn open(party: &Party) -> Vec<AlertKind> {
    let open = party.node.store().read(|rows| alerts::open(rows, 100)).await.expect("the alerts");
    open.into_iter().map(|alert| alert.kind).collect()
}

async fn paired(on: On) -> (World, Party, Arc<Scripted>) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    (world, operator, partner)
}

/// A receipt whose head is behind what the partner signed for before: those messages go out again with the same octets,
/// once, and a person is told.
async fn what_a_restored_partner_lost_is_sent_again(on: On) {
    let (world, operator, partner) = paired(on).await;
    for number in 0..2 {
        operator.log(log_request(first_hour(&format!("Mailbox {number}")), world.now())).await;
        world.settle(&[&operator]).await;
        world.pass(Duration::from_secs(10));
    }
    let times = |world: &World| {
        let carried = world.wire.carried();
        let last = carried.iter().rfind(|carried| carried.body.len() > 1_500).expect("a notice").body.clone();
        carried.iter().filter(|carried| carried.body == last).count()
    };
    assert_eq!(times(&world), 1);
    partner.behave(Behaviour::Change(|payload: &mut Value| {
        let receipt = &mut payload["events"]["urn:tocsin:breach:1:receipt"];
        if receipt["of"].get("seq").is_none() {
            receipt["head"]["seq"] = json!(1);
        }
    }));
    let id = operator.partner_by(&partner.issuer).await;
    operator.node.send_heartbeat(id).await.expect("queued");
    let before = world.wire.carried().len();
    operator.node.deliver_step(1).await.expect("a step");
    partner.behave(Behaviour::Accept);
    world.settle(&[&operator]).await;
    let again: Vec<_> = world.wire.carried().into_iter().skip(before).collect();
    assert_eq!(again.iter().filter(|carried| carried.body.len() > 1_500).count(), 1, "the second notice alone");
    assert_eq!(times(&world), 2, "the same octets");
    assert!(open(&operator).await.contains(&AlertKind::Resent));
    world.pass(Duration::from_secs(2 * HOUR));
    world.settle(&[&operator]).await;
    assert_eq!(times(&world), 2, "it was signed for again");
}

/// Two minutes, a quarter of an hour, and the missing message.
async fn a_gap_is_told_after_a_quarter_of_an_hour_and_forgotten_when_it_closes(on: On) {
    let (world, operator, partner) = paired(on).await;
    let now = world.now().unix_seconds();
    let id = operator.partner_by(&partner.issuer).await;
    let say = |stance| partner.acknowledged(CASE, stance, now);
    let (first, lost, third) = (say(Stance::Assessing), say(Stance::Affected), say(Stance::NotAffected));
    operator.take(&first).await.expect("receipted");
    operator.take(&third).await.expect("receipted");
    let gap = operator.node.partner_view(id).await.expect("the partner").standing.gap.expect("a gap");
    assert_eq!((gap.missing, gap.since), (1, operator.node.time().elapsed()));
    world.pass(Duration::from_secs(600));
    world.settle(&[&operator]).await;
    assert!(!open(&operator).await.contains(&AlertKind::Gap), "ten minutes");
    world.pass(Duration::from_secs(400));
    world.settle(&[&operator]).await;
    assert!(open(&operator).await.contains(&AlertKind::Gap));
    operator.take(&lost).await.expect("receipted");
    world.pass(Duration::from_secs(61));
    world.settle(&[&operator]).await;
    assert!(!open(&operator).await.contains(&AlertKind::Gap), "it is closed");
    assert_eq!(operator.node.partner_view(id).await.expect("the partner").standing.gap, None);
}

/// 26 and 72 hours without a receipt; a receipt ends both.
async fn a_silent_node_is_warned_of_and_then_alarmed_about(on: On) {
    let (world, operator, partner) = paired(on).await;
    partner.behave(Behaviour::Answer(503, ""));
    let after = async |hours: u64| {
        for _ in 0..hours {
            world.pass(Duration::from_secs(HOUR));
            world.settle(&[&operator]).await;
        }
        let open = open(&operator).await;
        (open.contains(&AlertKind::NotProven), open.contains(&AlertKind::NotProvenLong))
    };
    assert_eq!(after(25).await, (false, false));
    assert_eq!(after(2).await, (true, false));
    assert_eq!(after(46).await, (true, true));
    partner.behave(Behaviour::Accept);
    // The next try may be an hour and its jitter away.
    assert_eq!(after(4).await, (false, false));
}

/// Two hundred seconds ahead, by the receipt of a heartbeat.
async fn a_wrong_clock_is_noted(on: On) {
    let (world, operator, partner) = paired(on).await;
    let id = operator.partner_by(&partner.issuer).await;
    partner.behave(Behaviour::Change(|payload: &mut Value| {
        payload["toe"] = json!(payload["toe"].as_i64().unwrap_or_default() + 200);
    }));
    operator.node.send_heartbeat(id).await.expect("queued");
    world.settle(&[&operator]).await;
    let skew = operator.node.partner_view(id).await.expect("the partner").standing.skew_seconds;
    assert_eq!(skew, Some(200));
}

/// The partner's server is away, and the lane waits longer each time. A person who sends a sign of life waits for nothing, and
/// once the server is back, everything that waited follows.
async fn a_sign_of_life_that_a_person_sends_goes_at_once(on: On) {
    let (world, operator, partner) = paired(on).await;
    let id = operator.partner_by(&partner.issuer).await;
    partner.behave(Behaviour::Answer(503, ""));
    operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    for _ in 0..8 {
        world.settle(&[&operator]).await;
        world.pass(Duration::from_secs(HOUR));
    }
    world.settle(&[&operator]).await;
    let carried = || world.wire.carried().len();
    let before = carried();
    world.settle(&[&operator]).await;
    assert_eq!(carried(), before, "it waits");
    operator.node.send_heartbeat(id).await.expect("queued");
    world.settle(&[&operator]).await;
    assert!(carried() > before, "it is tried at once");
    partner.behave(Behaviour::Accept);
    operator.node.send_heartbeat(id).await.expect("queued");
    let before = partner.received().len();
    world.settle(&[&operator]).await;
    assert_eq!(partner.received().len(), before + 2, "the notice and the sign of life");
}

/// An active partner's node does not know our key any more: after as many refusals as park a notice a person hears of it,
/// long before 26 hours; the alert ends when a sign of life is signed for.
async fn a_partner_that_refuses_signs_of_life_is_told_of(on: On) {
    let (world, operator, partner) = paired(on).await;
    let id = operator.partner_by(&partner.issuer).await;
    partner.behave(Behaviour::Answer(400, r#"{"err":"authentication_failed","description":"No."}"#));
    operator.node.send_heartbeat(id).await.expect("queued");
    let told = async || open(&operator).await.contains(&AlertKind::HeartbeatRefused);
    for wait in [0, 80, 370, 1_090] {
        assert!(!told().await, "a newer list of keys, or a clock, may mend it");
        world.pass(Duration::from_secs(wait));
        world.settle(&[&operator]).await;
    }
    assert!(told().await);
    partner.behave(Behaviour::Accept);
    operator.node.send_heartbeat(id).await.expect("queued");
    world.settle(&[&operator]).await;
    assert!(!told().await);
}

/// A partner's node refuses our signs of life, gives no receipt for them, or something else answers: when an administrator
/// ends the pairing, nothing of that is left to look at, and nothing goes out any more.
async fn what_is_wrong_with_signs_of_life_ends_with_the_pairing(on: On) {
    let refusal = r#"{"err":"invalid_request","description":"No."}"#;
    for (behaviour, kind) in [
        (Behaviour::Answer(400, refusal), AlertKind::HeartbeatRefused),
        (Behaviour::NoReceipt, AlertKind::Unconfirmed),
        (Behaviour::Answer(404, "Not here."), AlertKind::Misdirected),
    ] {
        let (world, operator, partner) = paired(on).await;
        let id = operator.partner_by(&partner.issuer).await;
        partner.behave(behaviour);
        operator.node.send_heartbeat(id).await.expect("queued");
        for _ in 0..8 {
            world.settle(&[&operator]).await;
            world.pass(Duration::from_secs(HOUR));
        }
        assert!(open(&operator).await.contains(&kind), "{kind:?}");
        let ended = operator.node.end_pairing(&operator.administrator(), id, line("A story")).await;
        ended.expect("ended");
        assert!(!open(&operator).await.contains(&kind), "{kind:?}");
        let before = world.wire.carried().len();
        world.pass(Duration::from_secs(26 * HOUR));
        world.settle(&[&operator]).await;
        assert_eq!(world.wire.carried().len(), before);
        assert!(!open(&operator).await.contains(&kind), "{kind:?}");
    }
}
