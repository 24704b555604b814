//! The main job: an incident logged at one party becomes a signed notice, a receipt and a running clock at another.

use std::time::Duration;

use domain::clock::{Anchor, ClockKind, ClockState, Evidence};
use domain::exchange::{Direction, NoticeDelivery};
use domain::incident::Stage;
use server::node::{DoorError, SentForm};
use tests::facts::first_hour;
use tests::node::{World, log_request};
use tests::wire::Line;
use tests::{On, both};

both!(
    a_notice_a_receipt_and_a_clock_on_both_sides,
    a_partner_that_was_down_is_told_when_it_is_back,
    a_lost_answer_tells_nothing_twice,
    a_partner_is_told_once_under_several_arrangements,
    held_notices_wait_for_a_person,
    the_same_form_logs_once,
    circumstances_start_no_ico_clock,
);

/// Logging tells the partner at once; its signed receipt ends our clock, starts the acknowledgement's, and both nodes
/// compute the same due instant.
async fn a_notice_a_receipt_and_a_clock_on_both_sides(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    let logged_at = world.now();
    let id = operator.log(log_request(first_hour("A mailbox was open"), logged_at)).await;
    world.pass(Duration::from_secs(1));
    world.settle(&[&operator, &council]).await;

    let sent = operator.exchange_with(id, &council).await;
    let notice = &sent.notices[0];
    assert!(matches!(notice.delivery, NoticeDelivery::Receipted { .. }), "{notice:?}");
    let clock = sent.notice_clock.expect("a partner-notice clock");
    assert_eq!((clock.anchor, clock.anchored_at), (Anchor::AwareOfBreach, logged_at));
    assert_eq!(clock.due(), logged_at.plus_seconds(48 * 3_600));
    assert!(matches!(clock.state, ClockState::Met { evidence: Evidence::SignedReceipt, proved_late: false, .. }));
    let acknowledgement = sent.acknowledgement_clock.expect("an acknowledgement clock");
    assert_eq!(acknowledgement.state, ClockState::Running);
    assert_eq!(acknowledgement.anchor, Anchor::Receipt);

    let received = council.only_received().await;
    assert_eq!(received.direction, Direction::Incoming);
    assert_eq!(received.received.len(), 1);
    assert_eq!(received.case, sent.case);
    let theirs = received.notice_clock.expect("their clock towards us, computed from the notice");
    assert_eq!(theirs.due(), clock.due(), "both nodes compute the same due instant");
    let ico = received.ico_clock.expect("a breach received starts our own 72 hours");
    assert_eq!((ico.kind, ico.anchor), (ClockKind::IcoReport, Anchor::NoticeReceived));
    assert_eq!(ico.due(), received.received[0].at.plus_seconds(72 * 3_600));
    let pushed = world.wire.carried().into_iter().filter(|carried| carried.url.ends_with("/ssf/events"));
    assert!(pushed.into_iter().all(|carried| carried.status == 202), "nothing was refused on the way");
    operator.verify_ledger().await;
    council.verify_ledger().await;
}

/// A partner whose node is down keeps its place in the queue: told when it is back, once, and proved in time.
async fn a_partner_that_was_down_is_told_when_it_is_back(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    world.wire.set(council.issuer(), Line::Down);
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    for _ in 0..20 {
        world.pass(Duration::from_secs(1_200));
        world.settle(&[&operator, &council]).await;
    }
    let waiting = operator.exchange_with(id, &council).await;
    assert_eq!(waiting.notices[0].delivery, NoticeDelivery::Queued);
    assert_eq!(waiting.notice_clock.expect("a clock").state, ClockState::Running);
    assert!(council.received().await.is_empty());

    world.wire.set(council.issuer(), Line::Up);
    world.pass(Duration::from_secs(1_200));
    world.settle(&[&operator, &council]).await;
    let told = operator.exchange_with(id, &council).await;
    assert!(matches!(told.notice_clock.expect("a clock").state, ClockState::Met { .. }));
    assert_eq!(council.only_received().await.received.len(), 1);
}

/// The notice arrives and the answer is lost: the repeat is answered with the same receipt, and the partner has one notice.
async fn a_lost_answer_tells_nothing_twice(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    world.wire.set(council.issuer(), Line::Deaf);
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    for _ in 0..5 {
        world.settle(&[&operator, &council]).await;
        world.pass(Duration::from_secs(120));
    }
    let stored_at = council.only_received().await.received[0].at;
    assert_eq!(operator.exchange_with(id, &council).await.notices[0].delivery, NoticeDelivery::Queued);

    world.wire.set(council.issuer(), Line::Up);
    world.pass(Duration::from_secs(1_200));
    world.settle(&[&operator, &council]).await;
    let sent = operator.exchange_with(id, &council).await;
    let NoticeDelivery::Receipted { at } = sent.notices[0].delivery else { panic!("no receipt: {sent:?}") };
    assert!(at.seconds_since(stored_at) <= 1, "the receipt says when it was stored, not when we heard of it");
    assert_eq!(council.only_received().await.received.len(), 1);
    let notices = world.wire.carried().into_iter().filter(|carried| carried.to == council.issuer());
    let receipts: std::collections::BTreeSet<_> =
        notices.filter(|carried| carried.body.len() > 1_000).map(|carried| (carried.body, carried.receipt)).collect();
    assert_eq!(receipts.len(), 1, "the same octets are answered with the same receipt");
}

/// Two arrangements with one partner cover the incident: one notice, the earlier due, and both are named.
async fn a_partner_is_told_once_under_several_arrangements(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    operator.arrange(&council, 24).await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator, &council]).await;
    let incident = operator.incident(id).await;
    assert_eq!(incident.owed.len(), 1);
    assert_eq!(incident.owed[0].terms.arrangements.len(), 2);
    assert_eq!(incident.owed[0].terms.notice_hours.map(domain::values::Hours::get), Some(24));
    assert_eq!(council.only_received().await.received.len(), 1);
}

/// "Log and hold" starts the clock and tells nobody; letting go tells everybody.
async fn held_notices_wait_for_a_person(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    let mut request = log_request(first_hour("A mailbox was open"), world.now());
    request.hold = true;
    let id = operator.log(request).await;
    world.settle(&[&operator, &council]).await;
    assert_eq!(operator.incident(id).await.stage, Stage::Held);
    let held = operator.exchange_with(id, &council).await;
    assert!(held.notices.is_empty());
    assert_eq!(held.notice_clock.expect("the clock runs all the same").state, ClockState::Running);
    assert!(council.received().await.is_empty());

    operator.node.release(&operator.responder(), id).await.expect("a person lets it go");
    world.settle(&[&operator, &council]).await;
    assert_eq!(council.only_received().await.received.len(), 1);
    assert_eq!(operator.incident(id).await.stage, Stage::Active);
    let again = operator.node.release(&operator.responder(), id).await;
    assert!(matches!(again, Err(DoorError::Refused(_))), "{again:?}");
}

/// A form sent twice logs once and gives the first answer again; with other words, and as a form that nobody
/// made, it logs nothing.
async fn the_same_form_logs_once(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    let mut request = log_request(first_hour("A mailbox was open"), world.now());
    request.services = operator.services();
    let unknown = operator.node.log_incident(&operator.responder(), request.clone()).await;
    assert!(matches!(unknown, Err(DoorError::FormUnknown)), "{unknown:?}");

    request.form = SentForm { id: operator.form().await, said: [7; 32] };
    let first = operator.node.log_incident(&operator.responder(), request.clone()).await.expect("logged");
    let again = operator.node.log_incident(&operator.responder(), request.clone()).await.expect("answered again");
    request.form.said = [8; 32];
    let otherwise = operator.node.log_incident(&operator.responder(), request).await;
    assert!(matches!(otherwise, Err(DoorError::FormSaidOtherwise)), "{otherwise:?}");
    assert_eq!((first.id, first.reference), (again.id, again.reference));
    assert!(!first.repeated && again.repeated);
    world.settle(&[&operator, &council]).await;
    assert_eq!(council.received().await.len(), 1);
}

/// Circumstances likely to give rise to a breach are told to the partner, and start no ICO clock on either side.
async fn circumstances_start_no_ico_clock(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    let mut request = log_request(first_hour("A laptop is missing"), world.now());
    request.kind = domain::facts::IncidentKind::LikelyToGiveRise;
    request.awareness = domain::incident::Awareness { circumstances: Some(world.now()), breach: None };
    let id = operator.log(request).await;
    world.settle(&[&operator, &council]).await;
    assert_eq!(operator.incident(id).await.ico, None);
    let received = council.only_received().await;
    assert_eq!(received.notice_clock.expect("the contract's clock").anchor, Anchor::AwareOfCircumstances);
    assert_eq!(received.ico_clock, None);
}
