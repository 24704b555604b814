//! Time runs short: steps fire once, a person takes a duty in hand, lateness begins, and late proof is told apart.

use std::time::Duration;

use domain::clock::{ClockKind, ClockState, Evidence};
use domain::exchange::{Call, CallChannel, NoticeDelivery};
use domain::values::{Line, LongText};
use server::node::{DoorError, StreamId};
use tests::facts::first_hour;
use tests::node::{Party, World, fired, log_request};
use tests::wire::Line as Road;
use tests::{On, both};

both!(
    every_step_fires_once,
    a_node_that_slept_fires_the_most_urgent_step_only,
    a_duty_taken_in_hand_rests_for_a_while,
    a_receipt_that_proves_an_earlier_instant_is_proved_late,
    a_recorded_call_ends_the_clock_and_not_the_carrying,
    one_step_names_all_partners_outstanding,
    a_call_long_ago_needs_a_reason,
);

const HOUR: Duration = Duration::from_secs(3_600);

/// An incident whose only partner can't be reached.
async fn unreachable(world: &World) -> (Party, Party, domain::values::IncidentId) {
    let (operator, council) = world.operator_and_council().await;
    world.wire.set(council.issuer(), Road::Down);
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    (operator, council, id)
}

/// 24, 12, 6, 2 hours and 30 minutes before, at the due instant, then every hour: each once, in order.
async fn every_step_fires_once(on: On) {
    let world = World::new(on);
    let (operator, _council, id) = unreachable(&world).await;
    for _ in 0..(51 * 4) {
        world.pass(HOUR / 4);
        world.settle(&[&operator]).await;
        world.settle(&[&operator]).await;
    }
    let steps: Vec<i32> = fired(&operator.events(id).await, ClockKind::PartnerNotice);
    assert_eq!(steps, [-1_440, -720, -360, -120, -30, 0, 60, 120, 180]);
}

/// Hours of sleep: one step fires, the others are recorded as passed; the due instant is the true one.
async fn a_node_that_slept_fires_the_most_urgent_step_only(on: On) {
    let world = World::new(on);
    let (operator, _council, id) = unreachable(&world).await;
    let logged_at = world.now();
    world.settle(&[&operator]).await;
    world.pass(47 * HOUR);
    let operator = operator.restart().await;
    world.settle(&[&operator]).await;
    let events = operator.events(id).await;
    assert_eq!(fired(&events, ClockKind::PartnerNotice), [-120]);
    let ladder = operator.incident(id).await.ladders;
    let notice = ladder.iter().find(|ladder| ladder.kind == ClockKind::PartnerNotice).expect("its ladder");
    assert_eq!(notice.due, logged_at.plus_seconds(48 * 3_600));
}

/// A named person sees to it: no further step for four hours; then the ladder goes on, each step once. The same person need
/// not say so twice.
async fn a_duty_taken_in_hand_rests_for_a_while(on: On) {
    let world = World::new(on);
    let (operator, _council, id) = unreachable(&world).await;
    let due = world.now().plus_seconds(48 * 3_600);
    world.pass(25 * HOUR);
    world.settle(&[&operator]).await;
    let stream = StreamId::Incident(id);
    operator.node.take_in_hand(&operator.duty_holder(), stream, ClockKind::PartnerNotice, due).await.expect("taken");
    let again = operator.node.take_in_hand(&operator.duty_holder(), stream, ClockKind::PartnerNotice, due).await;
    assert!(matches!(again, Err(DoorError::Refused(_))), "{again:?}");
    for _ in 0..3 {
        world.pass(HOUR);
        world.settle(&[&operator]).await;
    }
    assert_eq!(fired(&operator.events(id).await, ClockKind::PartnerNotice), [-1_440]);
    for _ in 0..20 {
        world.pass(HOUR);
        world.settle(&[&operator]).await;
    }
    assert_eq!(fired(&operator.events(id).await, ClockKind::PartnerNotice), [-1_440, -720, -360, -120, 0]);
    let other = operator.node.take_in_hand(&operator.duty_holder(), stream, ClockKind::IcoReport, due).await;
    assert!(matches!(other, Err(DoorError::Refused(_))), "no such duty at this instant: {other:?}");
}

/// The notice was stored in hour 1 and we learn of it in hour 49: met, marked proved late; the steps stay on record.
async fn a_receipt_that_proves_an_earlier_instant_is_proved_late(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    world.wire.set(council.issuer(), Road::Deaf);
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.pass(HOUR);
    world.settle(&[&operator, &council]).await;
    world.wire.set(council.issuer(), Road::Down);
    world.pass(48 * HOUR);
    world.settle(&[&operator]).await;
    let overdue = operator.exchange_with(id, &council).await.notice_clock.expect("a clock");
    assert_eq!(overdue.state, ClockState::Overdue);

    world.wire.set(council.issuer(), Road::Up);
    world.pass(2 * HOUR);
    world.settle(&[&operator, &council]).await;
    let met = operator.exchange_with(id, &council).await.notice_clock.expect("a clock");
    assert!(matches!(met.state, ClockState::Met { proved_late: true, .. }), "{met:?}");
    assert!(!fired(&operator.events(id).await, ClockKind::PartnerNotice).is_empty());
}

/// A call meets the clock as recorded evidence; the notice goes on being sent until its receipt.
async fn a_recorded_call_ends_the_clock_and_not_the_carrying(on: On) {
    let world = World::new(on);
    let (operator, council, id) = unreachable(&world).await;
    world.pass(HOUR);
    world.settle(&[&operator]).await;
    let exchange = operator.exchange_with(id, &council).await.id;
    let call = call(&world);
    operator.node.record_call(&operator.responder(), exchange, call.clone()).await.expect("recorded");
    let told = operator.exchange(exchange).await;
    let clock = told.notice_clock.expect("a clock");
    assert!(matches!(clock.state, ClockState::Met { at, evidence: Evidence::RecordedCall, .. } if at == call.at));
    assert!(told.acknowledgement_clock.is_some(), "the acknowledgement's clock starts at the call");
    assert_eq!(told.notices[0].delivery, NoticeDelivery::Queued);

    world.wire.set(council.issuer(), Road::Up);
    world.pass(HOUR);
    world.settle(&[&operator, &council]).await;
    let delivered = operator.exchange(exchange).await;
    assert!(matches!(delivered.notices[0].delivery, NoticeDelivery::Receipted { .. }));
    assert_eq!(council.only_received().await.received.len(), 1);
}

fn call(world: &World) -> Call {
    Call {
        to_whom: Line::parse("The duty officer").expect("a line"),
        how: CallChannel::Telephone,
        at: world.now(),
        note: None,
        backdate_reason: None,
    }
}

/// Three partners outstanding, one step: it gives their number and names them.
async fn one_step_names_all_partners_outstanding(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    for name in ["Council 1", "Council 2", "Council 3"] {
        let partner = world.scripted(&operator, name, 48).await;
        world.wire.set(&partner.issuer, Road::Down);
    }
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator]).await;
    world.pass(25 * HOUR);
    world.settle(&[&operator]).await;
    let events = operator.events(id).await;
    let steps: Vec<(u32, usize)> = events
        .iter()
        .filter_map(|event| match event {
            domain::incident::Event::StepFired { kind: ClockKind::PartnerNotice, partners, first, .. } => {
                Some((*partners, first.len()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(steps, [(3, 3)]);
}

/// A call recorded more than an hour later needs a reason and is judged by its own instant; one in the future is refused.
async fn a_call_long_ago_needs_a_reason(on: On) {
    let world = World::new(on);
    let (operator, council, id) = unreachable(&world).await;
    let called_at = world.now().plus_seconds(60);
    world.pass(50 * HOUR);
    world.settle(&[&operator]).await;
    let exchange = operator.exchange_with(id, &council).await.id;
    let mut call = Call { at: called_at, ..call(&world) };
    let bare = operator.node.record_call(&operator.responder(), exchange, call.clone()).await;
    assert!(matches!(bare, Err(DoorError::ExchangeRefused(_))), "{bare:?}");
    let future = Call { at: world.now().plus_seconds(60), ..call.clone() };
    let future = operator.node.record_call(&operator.responder(), exchange, future).await;
    assert!(matches!(future, Err(DoorError::ExchangeRefused(_))), "{future:?}");
    call.backdate_reason = Some(LongText::parse("The caller was on the road.").expect("a reason"));
    operator.node.record_call(&operator.responder(), exchange, call).await.expect("recorded");
    let clock = operator.exchange(exchange).await.notice_clock.expect("a clock");
    assert!(matches!(clock.state, ClockState::Met { proved_late: true, .. }), "{clock:?}");
}
