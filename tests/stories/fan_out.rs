//! One incident owes several hundred notices: opened in chunks, resumed after a stop, each partner told once.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::exchange::NoticeDelivery;
use domain::incident::FAN_OUT_CHUNK;
use tests::facts::first_hour;
use tests::node::{World, log_request};
use tests::wire::Line;
use tests::{On, both};

both!(
    hundreds_of_partners_are_told_once_each,
    a_stop_in_the_middle_of_a_fan_out_loses_nobody,
    a_dead_partner_delays_nobody
);

/// More than two chunks.
const PARTNERS: usize = 2 * FAN_OUT_CHUNK + 10;

/// Every partner gets exactly one notice, and all carry the same checkpoint, made before the fan-out.
async fn hundreds_of_partners_are_told_once_each(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partners = world.many_scripted(&operator, PARTNERS, 48).await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    assert_eq!(operator.incident(id).await.owed.len(), PARTNERS, "the first commit fixes the full list");
    world.settle(&[&operator]).await;
    let mut checkpoints = BTreeSet::new();
    for partner in &partners {
        let notices: Vec<_> = partner.received().into_iter().filter(|set| set.claims().txn.is_some()).collect();
        assert_eq!(notices.len(), 1, "{}", partner.name);
        checkpoints.insert(notices[0].event().checkpoint().map(str::to_owned));
    }
    assert_eq!(checkpoints.len(), 1, "one checkpoint serves the whole fan-out");
    let incident = operator.incident(id).await;
    assert!(incident.fan_outs.is_empty());
    let last = operator.exchange(incident.owed[PARTNERS - 1].exchange).await;
    assert!(matches!(last.notices[0].delivery, NoticeDelivery::Receipted { .. }));
}

/// The node stops after each chunk and is started again: the fan-out goes on where it was, nobody is left out or told
/// twice.
async fn a_stop_in_the_middle_of_a_fan_out_loses_nobody(on: On) {
    let world = World::new(on);
    let mut operator = world.party("Operator").await;
    let partners = world.many_scripted(&operator, PARTNERS, 48).await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let mut restarts = 0;
    while !operator.incident(id).await.fan_outs.is_empty() {
        operator = operator.restart().await;
        restarts += 1;
        operator.node.watch_step().await.expect("a step");
        operator.node.deliver_step(50).await.expect("a step");
        assert!(restarts < 20, "the fan-out never ends");
    }
    assert!(restarts >= 2, "it took several steps");
    let operator = operator.restart().await;
    world.settle(&[&operator]).await;
    for partner in &partners {
        let told = partner.received().into_iter().filter(|set| set.claims().txn.is_some()).count();
        assert_eq!(told, 1, "{}", partner.name);
    }
    operator.verify_ledger().await;
}

/// With one partner dead and one refusing, all others are told in the same step.
async fn a_dead_partner_delays_nobody(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partners = world.many_scripted(&operator, 20, 48).await;
    world.wire.set(&partners[3].issuer, Line::Down);
    world.wire.set(&partners[4].issuer, Line::Intercepted(503));
    operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator]).await;
    for (number, partner) in partners.iter().enumerate() {
        let told = partner.received().into_iter().filter(|set| set.claims().txn.is_some()).count();
        assert_eq!(told, usize::from(number != 3 && number != 4), "{}", partner.name);
    }
    world.wire.set(&partners[3].issuer, Line::Up);
    world.wire.set(&partners[4].issuer, Line::Up);
    world.pass(Duration::from_secs(3_600));
    world.settle(&[&operator]).await;
    assert!(partners[3..5].iter().all(|partner| partner.received().iter().any(|set| set.claims().txn.is_some())));
}
