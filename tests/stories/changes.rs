//! What was told changes: updates, withdrawals, corrections of awareness, circumstances that became a breach.

use std::time::Duration;

use domain::clock::{Anchor, ClockState};
use domain::exchange::Phase;
use domain::facts::IncidentKind;
use domain::incident::{Awareness, AwarenessOf, Refusal, Stage, WithdrawalReason};
use domain::values::LongText;
use server::node::DoorError;
use tests::facts::{first_hour, more_is_known};
use tests::node::{World, log_request};
use tests::wire::Line;
use tests::{On, both};

both!(
    an_update_is_a_whole_new_snapshot,
    an_update_behind_an_unheard_notice_keeps_its_order,
    two_people_editing_do_not_overwrite_each_other,
    a_withdrawal_ends_the_clocks_on_both_sides,
    an_earlier_awareness_takes_effect_at_once,
    a_later_awareness_needs_a_second_person,
    circumstances_become_a_breach,
);

fn reason() -> LongText {
    LongText::parse("The log of the gateway shows it.").expect("a reason")
}

/// Newer facts go out as a whole snapshot with the next revision; the receiver keeps every version.
async fn an_update_is_a_whole_new_snapshot(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    let facts = first_hour("A mailbox was open");
    let id = operator.log(log_request(facts.clone(), world.now())).await;
    world.settle(&[&operator, &council]).await;
    let nothing = operator.node.send_update(&operator.responder(), id).await;
    assert!(matches!(nothing, Err(DoorError::Refused(Refusal::NothingToSend))), "{nothing:?}");

    world.pass(Duration::from_secs(3_600));
    operator.node.update_facts(&operator.responder(), id, 1, more_is_known(&facts)).await.expect("newer facts");
    world.settle(&[&operator, &council]).await;
    assert_eq!(council.only_received().await.received.len(), 1, "recording is not sending");
    operator.node.send_update(&operator.responder(), id).await.expect("sent");
    world.settle(&[&operator, &council]).await;

    let received = council.only_received().await;
    let versions: Vec<(u32, Phase)> =
        received.received.iter().map(|version| (version.revision, version.phase)).collect();
    assert_eq!(versions, [(1, Phase::Initial), (2, Phase::Update)]);
    let sent = operator.exchange_with(id, &council).await;
    assert!(
        sent.notices.iter().all(|notice| matches!(notice.delivery, domain::exchange::NoticeDelivery::Receipted { .. }))
    );
    let body = String::from_utf8(tests::node::payload(&world.wire, council.issuer(), "updated")).expect("UTF-8");
    assert!(body.contains("more is known") && body.contains("The password was changed"), "old and new facts, whole");
}

/// While the first notice has not got through, an update waits behind it; both arrive in order, each once.
async fn an_update_behind_an_unheard_notice_keeps_its_order(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    world.wire.set(council.issuer(), Line::Down);
    let facts = first_hour("A mailbox was open");
    let id = operator.log(log_request(facts.clone(), world.now())).await;
    world.settle(&[&operator, &council]).await;
    operator.node.update_facts(&operator.responder(), id, 1, more_is_known(&facts)).await.expect("newer facts");
    operator.node.send_update(&operator.responder(), id).await.expect("queued");
    world.settle(&[&operator, &council]).await;
    world.wire.set(council.issuer(), Line::Up);
    for _ in 0..3 {
        world.pass(Duration::from_secs(1_200));
        world.settle(&[&operator, &council]).await;
    }
    let received = council.only_received().await;
    assert_eq!(received.received.iter().map(|version| version.revision).collect::<Vec<_>>(), [1, 2]);
}

/// An edit that started from an older version is refused and names the version that stands.
async fn two_people_editing_do_not_overwrite_each_other(on: On) {
    let world = World::new(on);
    let (operator, _council) = world.operator_and_council().await;
    let facts = first_hour("A mailbox was open");
    let id = operator.log(log_request(facts.clone(), world.now())).await;
    operator.node.update_facts(&operator.responder(), id, 1, more_is_known(&facts)).await.expect("the first edit");
    let second = operator.node.update_facts(&operator.responder(), id, 1, first_hour("Another title")).await;
    assert!(matches!(second, Err(DoorError::Refused(Refusal::FactsChanged { current: 2 }))), "{second:?}");
    assert_eq!(operator.incident(id).await.facts_version, 2);
}

/// A withdrawal reaches the partner and ends open clocks on both sides as not required, with its reason. "Not a breach"
/// takes the decision of two officers first, while the ICO clock runs.
async fn a_withdrawal_ends_the_clocks_on_both_sides(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator, &council]).await;
    world.pass(Duration::from_secs(600));
    let by = operator.responder();
    let not_a_breach = async || operator.node.withdraw(&by, id, WithdrawalReason::NotABreach, Some(reason())).await;
    let alone = not_a_breach().await;
    assert!(matches!(alone, Err(DoorError::Refused(Refusal::DecisionNeeded))), "{alone:?}");
    operator.node.propose_not_required(&operator.dpo(), id, reason()).await.expect("proposed");
    operator.node.resolve_not_required(&operator.second_dpo(), id, true).await.expect("approved");
    not_a_breach().await.expect("withdrawn");
    world.settle(&[&operator, &council]).await;

    assert!(matches!(operator.incident(id).await.stage, Stage::Withdrawn { .. }));
    let sent = operator.exchange_with(id, &council).await;
    assert!(matches!(sent.acknowledgement_clock.expect("a clock").state, ClockState::NotRequired { .. }));
    assert!(matches!(sent.notice_clock.expect("a clock").state, ClockState::Met { .. }), "what was met stays met");
    let received = council.only_received().await;
    assert_eq!(received.withdrawn, Some(WithdrawalReason::NotABreach));
    assert!(matches!(received.ico_clock.expect("our clock").state, ClockState::NotRequired { .. }));
    assert_eq!(received.received.len(), 2, "nothing is deleted");
}

/// Awareness corrected to an earlier instant moves the clock at once and is told to the partner; both compute the same.
async fn an_earlier_awareness_takes_effect_at_once(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    let aware_at = world.now();
    let id = operator.log(log_request(first_hour("A mailbox was open"), aware_at)).await;
    world.settle(&[&operator, &council]).await;
    let earlier = aware_at.plus_seconds(-7_200);
    let by = operator.responder();
    operator.node.correct_awareness(&by, id, AwarenessOf::Breach, earlier, reason()).await.expect("corrected");
    world.settle(&[&operator, &council]).await;
    let ours = operator.exchange_with(id, &council).await.notice_clock.expect("a clock");
    assert_eq!(ours.anchored_at, earlier);
    assert!(matches!(ours.state, ClockState::Met { .. }), "still in time");
    let theirs = council.only_received().await.notice_clock.expect("a clock");
    assert_eq!(theirs.due(), ours.due());
    assert_eq!(operator.incident(id).await.ico.expect("the ICO clock").anchored_at, earlier);
}

/// A later instant waits for another person; the same person can't confirm, and recorded lateness stays.
async fn a_later_awareness_needs_a_second_person(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    world.wire.set(council.issuer(), Line::Down);
    let aware_at = world.now();
    let id = operator.log(log_request(first_hour("A mailbox was open"), aware_at)).await;
    world.pass(Duration::from_secs(7_200));
    world.settle(&[&operator]).await;
    let later = aware_at.plus_seconds(3_600);
    let (first, second) = (operator.responder(), operator.second_responder());
    operator.node.correct_awareness(&first, id, AwarenessOf::Breach, later, reason()).await.expect("proposed");
    let clock = async || operator.exchange_with(id, &council).await.notice_clock.expect("a clock");
    assert_eq!(clock().await.anchored_at, aware_at, "nothing moves yet");
    let alone = operator.node.resolve_correction(&first, id, true).await;
    assert!(matches!(alone, Err(DoorError::Refused(Refusal::SecondPersonNeeded))), "{alone:?}");
    operator.node.resolve_correction(&second, id, true).await.expect("confirmed");
    world.settle(&[&operator]).await;
    assert_eq!(clock().await.anchored_at, later);

    world.pass(Duration::from_secs(50 * 3_600));
    world.settle(&[&operator]).await;
    assert_eq!(clock().await.state, ClockState::Overdue);
    let latest = aware_at.plus_seconds(7_000);
    operator.node.correct_awareness(&first, id, AwarenessOf::Breach, latest, reason()).await.expect("proposed");
    operator.node.resolve_correction(&second, id, true).await.expect("confirmed");
    world.settle(&[&operator]).await;
    assert_eq!(clock().await.state, ClockState::Overdue, "no correction takes lateness away");
}

/// *Likely to give rise to* becomes a breach: the ICO clock starts, the partner is told, its own 72 hours start.
async fn circumstances_become_a_breach(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    let began = world.now();
    let mut request = log_request(first_hour("A laptop is missing"), began);
    request.kind = IncidentKind::LikelyToGiveRise;
    request.awareness = Awareness { circumstances: Some(began), breach: None };
    let id = operator.log(request).await;
    world.settle(&[&operator, &council]).await;
    world.pass(Duration::from_secs(3_600));
    let aware_at = world.now();
    operator.node.convert_to_breach(&operator.responder(), id, aware_at).await.expect("converted");
    world.settle(&[&operator, &council]).await;

    let incident = operator.incident(id).await;
    assert_eq!(incident.kind, IncidentKind::Breach);
    assert_eq!(incident.ico.expect("the ICO clock").anchored_at, aware_at);
    let ours = operator.exchange_with(id, &council).await.notice_clock.expect("a clock");
    assert_eq!((ours.anchor, ours.anchored_at), (Anchor::AwareOfCircumstances, began), "the earlier awareness counts");
    let received = council.only_received().await;
    assert_eq!(received.kind, IncidentKind::Breach);
    assert!(received.ico_clock.is_some(), "a breach starts our own 72 hours");
    let again = operator.node.convert_to_breach(&operator.responder(), id, aware_at).await;
    assert!(matches!(again, Err(DoorError::Refused(Refusal::AlreadyBreach))), "{again:?}");
}
