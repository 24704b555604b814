use std::sync::Arc;

use domain::exchange::NoticeDelivery;

use super::kit::{Weather, World};
use crate::store::alerts::{self, AlertKind};

/// Aim: the sender dies after the message arrived and before it recorded the answer. Nothing is lost, nothing is twice.
#[tokio::test]
async fn a_sender_that_dies_before_the_answer_sends_the_same_octets_again() {
    let mut world = World::paired().await;
    let incident = world.alice.log().await;
    world.network.set(Weather::Hangs);
    {
        let node = Arc::clone(&world.alice.node);
        let carrying = node.deliver_step(16);
        tokio::select! {
            done = carrying => panic!("it hangs: {done:?}"),
            () = world.network.hanging.notified() => {}
        }
    }
    world.network.set(Weather::Fair);
    world.alice = world.alice.restart(&world.time, &world.network).await;
    let told = world.alice.told(incident).await;
    assert_eq!(told.notices[0].delivery, NoticeDelivery::Queued, "the dead process recorded nothing");
    // Its lease has to lapse first.
    world.settle().await;
    assert_eq!(world.alice.told(incident).await.notices[0].delivery, NoticeDelivery::Queued);
    world.pass(91).await;
    let told = world.alice.told(incident).await;
    assert!(matches!(told.notices[0].delivery, NoticeDelivery::Receipted { .. }));
    let heard = world.heard(told.case).await;
    assert_eq!(heard.received.len(), 1, "the repeat was recognised");
    let pushed: Vec<Vec<u8>> = {
        let arrived = world.network.arrived.lock().unwrap();
        arrived.iter().filter(|(issuer, _)| issuer == super::kit::BORIS).map(|(_, octets)| octets.clone()).collect()
    };
    let notice = pushed.iter().filter(|octets| octets.len() > 2_000).collect::<Vec<_>>();
    assert_eq!(notice.len(), 2);
    assert_eq!(notice[0], notice[1], "sealed once, sent as it was");
}

/// Aim: the sender dies in the middle of a fan-out; the rest is opened after the restart, each partner once.
#[tokio::test]
async fn a_fan_out_goes_on_after_a_restart() {
    let mut world = World::paired().await;
    let mut expected = 1;
    for n in 0..260_u32 {
        super::fan_out::import(&world.alice, n).await;
        expected += 1;
    }
    let incident = world.alice.log().await;
    world.alice = world.alice.restart(&world.time, &world.network).await;
    let opened = super::fan_out::opened(&world.alice, incident).await;
    assert!(opened < expected, "one chunk at most is opened, and {opened} were");
    while world.alice.node.fan_out_step().await.unwrap() > 0 {}
    assert_eq!(super::fan_out::opened(&world.alice, incident).await, expected);
}

/// Aim: a node restored from a backup learns from the first heartbeat that its partner holds more, stops before a number
/// is used twice, and goes on behind it when a person says so.
#[tokio::test]
async fn a_restored_backup_stops_the_lane_before_a_number_is_used_twice() {
    let mut world = World::paired().await;
    world.alice.log().await;
    world.settle().await;
    let (alice, backup) = world.alice.backed_up(&world.time, &world.network).await;
    world.alice = alice;
    world.alice.log().await;
    world.settle().await;
    world.alice = world.alice.restored(&backup, &world.time, &world.network).await;
    world.pass(60).await;
    let incident = world.alice.log().await;
    world.settle().await;
    assert_eq!(world.alice.told(incident).await.notices[0].delivery, NoticeDelivery::Queued);
    let open = world.alice.node.store().read(|rows| alerts::open(rows, 10)).await.unwrap();
    assert!(open.iter().any(|alert| alert.kind == AlertKind::HistoryLost), "{open:?}");
    let boris = world.alice.node.partners().await.unwrap()[0].id;
    world.alice.node.resume_lane(&world.alice.administrator(), boris).await.unwrap();
    world.settle().await;
    let told = world.alice.told(incident).await;
    assert!(matches!(told.notices[0].delivery, NoticeDelivery::Receipted { .. }));
}
