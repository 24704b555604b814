//! A partner tells us: we read it, say where we stand, and they learn it.

use std::time::Duration;

use domain::clock::{ClockState, Evidence};
use domain::exchange::Stance;
use domain::incident::WithdrawalReason;
use domain::values::Line;
use server::node::DoorError;
use tests::facts::first_hour;
use tests::node::{PASSWORD, World, log_request};
use tests::visitor::Visitor;
use tests::{On, both};

both!(
    an_acknowledgement_with_its_stance_travels_back,
    what_we_said_names_our_own_reference,
    a_late_acknowledgement_is_late,
    an_own_incident_takes_the_clock_over,
    an_acknowledgement_of_an_unknown_case_is_kept_for_a_person,
    a_notice_shows_what_it_says,
);

/// A named person here acknowledges with a stance; the sender's acknowledgement clock is met and shows stance and
/// reference; a later stance replaces the earlier one and both are kept.
async fn an_acknowledgement_with_its_stance_travels_back(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator, &council]).await;
    let theirs = council.only_received().await.id;
    let reference = Some(Line::parse("C-2026-17").expect("a reference"));
    for stance in [Stance::Assessing, Stance::Affected] {
        world.pass(Duration::from_secs(600));
        council.node.acknowledge(&council.responder(), theirs, stance, reference.clone()).await.expect("acknowledged");
        world.settle(&[&operator, &council]).await;
    }
    let sent = operator.exchange_with(id, &council).await;
    let stances: Vec<Stance> = sent.acknowledgements.iter().map(|said| said.stance).collect();
    assert_eq!(stances, [Stance::Assessing, Stance::Affected]);
    assert_eq!(sent.acknowledgements[0].reference, reference);
    assert_eq!(&sent.acknowledgements[0].name, council.responder_name(), "a named person has read it");
    let clock = sent.acknowledgement_clock.expect("a clock");
    assert!(matches!(clock.state, ClockState::Met { evidence: Evidence::SignedAcknowledgement, .. }), "{clock:?}");
}

/// On the page of a notice received, the reference in our own answer is called ours.
async fn what_we_said_names_our_own_reference(on: On) {
    let world = World::new(on);
    let (operator, mut council) = (world.listening_party("Operator").await, world.listening_party("Council").await);
    world.pair(&operator, &council).await;
    operator.arrange(&council, 48).await;
    operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator, &council]).await;
    let theirs = council.only_received().await.id;
    let reference = Some(Line::parse("C-2026-17").expect("a reference"));
    let by = council.responder();
    council.node.acknowledge(&by, theirs, Stance::Assessing, reference).await.expect("acknowledged");
    let address = council.serve();
    let mut reader = Visitor::signed_in(address, &council.email("responder"), PASSWORD).await;
    let page = reader.get(&format!("/received/{theirs}")).await.page().text();
    assert!(page.contains("our reference C-2026-17") && !page.contains("their reference C-2026-17"), "{page}");
}

/// Eight hours pass without a person's word: the clock is overdue, and the word that comes later meets it late.
async fn a_late_acknowledgement_is_late(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator, &council]).await;
    world.pass(Duration::from_secs(9 * 3_600));
    world.settle(&[&operator, &council]).await;
    let overdue = operator.exchange_with(id, &council).await.acknowledgement_clock.expect("a clock");
    assert_eq!(overdue.state, ClockState::Overdue);

    let theirs = council.only_received().await.id;
    council.node.acknowledge(&council.responder(), theirs, Stance::NotAffected, None).await.expect("acknowledged");
    world.settle(&[&operator, &council]).await;
    let met = operator.exchange_with(id, &council).await.acknowledgement_clock.expect("a clock");
    assert!(matches!(met.state, ClockState::MetLate { .. }), "{met:?}");
}

/// Opening our own incident from a notice moves the 72 hours there with the same anchor, once.
async fn an_own_incident_takes_the_clock_over(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator, &council]).await;
    let notice = council.only_received().await;
    let anchored_at = notice.ico_clock.expect("our 72 hours").anchored_at;

    world.pass(Duration::from_secs(3_600));
    let mut request = log_request(first_hour("The operator's mailbox was open"), world.now());
    request.from_exchange = Some(notice.id);
    let id = council.log(request.clone()).await;
    let ours = council.incident(id).await;
    assert_eq!(ours.ico.expect("the clock moved here").anchored_at, anchored_at);
    assert_eq!(ours.opened_from, Some(notice.id));
    let linked = council.exchange(notice.id).await;
    assert_eq!((linked.incident, linked.ico_clock), (Some(id), None));

    request.form = server::node::SentForm::said_once(council.form().await);
    request.services = council.services();
    let again = council.node.log_incident(&council.responder(), request).await;
    assert!(matches!(again, Err(DoorError::ExchangeRefused(_))), "{again:?}");
}

/// An acknowledgement, and a withdrawal, of a case that we never sent are stored and receipted; nothing else changes.
async fn an_acknowledgement_of_an_unknown_case_is_kept_for_a_person(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    let now = world.now().unix_seconds();
    let case = "0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e21";
    for token in [partner.acknowledged(case, webhooks::message::Stance::Affected, now), partner.withdrawn(case, 2, now)]
    {
        let receipt = operator.take(&token).await.expect("stored and receipted");
        assert!(receipt.split('.').count() == 3, "a signed receipt");
    }
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator]).await;
    operator
        .node
        .withdraw(&operator.responder(), id, WithdrawalReason::SentInError, None)
        .await
        .expect("our own work goes on");
    operator.verify_ledger().await;
}

/// A partner's words hold characters that nobody sees or that turn the text around. The notice is signed for, and is shown
/// with a sign in the place of each.
async fn a_notice_shows_what_it_says(on: On) {
    let golden = include_str!("../../webhooks/tests/golden/notified.json");
    let mut body: serde_json::Value = serde_json::from_str(golden).expect("JSON");
    let world = World::new(on);
    // The notice tells of things in November.
    world.pass(Duration::from_secs(24 * 266 * 3_600));
    let operator = world.party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    body["title"] = "Paid \u{202e}gnihton\u{200b}".into();
    body["reference"] = "R-\u{2066}1".into();
    body["facts"]["nature"]["summary"] = "All is \u{202e}llew\u{202c}.".into();
    let token = partner.notified("0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e21", &body, world.now().unix_seconds());
    operator.take(&token).await.expect("it is signed for");
    let notice = operator.node.received(operator.only_received().await.id).await.expect("a notice");
    assert_eq!(notice.reference.as_str(), "R-\u{fffd}1");
    let version = &notice.versions[0];
    assert_eq!(version.title, "Paid \u{fffd}gnihton\u{fffd}");
    assert_eq!(version.signature, server::node::received::SignatureResult::Verified, "the octets are as they were");
    let shown = format!("{:?}", version.groups);
    assert!(shown.contains("All is \u{fffd}llew\u{fffd}.") && !shown.contains('\u{202e}'), "{shown}");
}
