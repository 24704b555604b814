use std::time::Duration;

use domain::clock::{ClockState, Evidence};
use domain::exchange::{Call, CallChannel, NoticeDelivery, Stance};
use domain::incident::WithdrawalReason;

use super::kit::{BORIS, Weather, World, facts, line};
use crate::node::received::SignatureResult;
use crate::node::{DoorError, SentForm};
use crate::store::alerts::{self, AlertKind};
use crate::store::ledger;
use crate::store::partners::PartnerState;

/// Aim: pairing by digits ends active on both sides.
#[tokio::test]
async fn paired_nodes_are_active() {
    let world = World::paired().await;
    for party in [&world.alice, &world.boris] {
        let partners = party.node.partners().await.unwrap();
        assert_eq!(partners[0].state, PartnerState::Active, "{}", party.issuer);
    }
}

/// Aim: a breach logged at Alice's ends as a signed receipt there and a notice with its own ICO clock at Boris's.
#[tokio::test]
async fn a_logged_breach_is_told_and_signed_for() {
    let world = World::paired().await;
    let incident = world.alice.log().await;
    world.settle().await;
    let told = world.alice.told(incident).await;
    assert!(matches!(told.notices[0].delivery, NoticeDelivery::Receipted { .. }));
    let clock = told.notice_clock.unwrap();
    assert!(matches!(clock.state, ClockState::Met { evidence: Evidence::SignedReceipt, .. }), "{:?}", clock.state);
    assert!(told.acknowledgement_clock.unwrap().is_open(), "now a person has to read it");
    let heard = world.heard(told.case).await;
    let ico = heard.ico_clock.unwrap();
    assert!(ico.is_open(), "receiving a notice starts the receiver's own 72 hours");
    let shown = world.boris.node.received(heard.id).await.unwrap();
    assert_eq!(shown.versions.len(), 1);
    assert_eq!(shown.versions[0].signature, SignatureResult::Verified);
    assert_eq!(shown.versions[0].title, "Mailbox read by a stranger");
    assert_eq!(shown.versions[0].missing.len(), 15);
    assert_eq!(shown.reference, told.reference);
}

/// Aim: the same form logs once; a used form answers with the first incident.
#[tokio::test]
async fn a_form_logs_once() {
    let world = World::paired().await;
    let request = world.alice.request().await;
    let by = world.alice.responder();
    let first = world.alice.node.log_incident(&by, request.clone()).await.unwrap();
    let again = world.alice.node.log_incident(&by, request.clone()).await.unwrap();
    assert_eq!((again.id, again.repeated, first.repeated), (first.id, true, false));
    let stranger = crate::node::LogRequest { form: SentForm::said_once(uuid::Uuid::from_u128(404)), ..request };
    assert!(matches!(world.alice.node.log_incident(&by, stranger).await, Err(DoorError::FormUnknown)));
}

/// Aim: an acknowledgement with a stance travels back and ends the clock.
#[tokio::test]
async fn an_acknowledgement_travels_back() {
    let world = World::paired().await;
    let incident = world.alice.log().await;
    world.settle().await;
    let case = world.alice.told(incident).await.case;
    let heard = world.heard(case).await;
    let by = world.boris.responder();
    world.boris.node.acknowledge(&by, heard.id, Stance::Affected, Some(line("B-17"))).await.unwrap();
    world.settle().await;
    let told = world.alice.told(incident).await;
    assert_eq!(told.acknowledgements[0].stance, Stance::Affected);
    assert_eq!(told.acknowledgements[0].reference, Some(line("B-17")));
    assert!(!told.acknowledgement_clock.unwrap().is_open());
}

/// Aim: an update replaces what stands, a withdrawal ends the open clocks on both sides.
#[tokio::test]
async fn updates_and_withdrawals_reach_the_partner() {
    let world = World::paired().await;
    let (node, by) = (&world.alice.node, world.alice.responder());
    let incident = world.alice.log().await;
    world.settle().await;
    node.update_facts(&by, incident, 1, facts("Two mailboxes read by a stranger")).await.unwrap();
    node.send_update(&by, incident).await.unwrap();
    world.settle().await;
    let told = world.alice.told(incident).await;
    let heard = world.heard(told.case).await;
    let shown = world.boris.node.received(heard.id).await.unwrap();
    assert_eq!(shown.versions[0].title, "Two mailboxes read by a stranger");
    assert!(shown.versions[0].current && !shown.versions[1].current);
    node.withdraw(&by, incident, WithdrawalReason::SentInError, None).await.unwrap();
    world.settle().await;
    let heard = world.heard(told.case).await;
    assert_eq!(heard.withdrawn, Some(WithdrawalReason::SentInError));
    assert!(!heard.ico_clock.unwrap().is_open());
    assert!(matches!(world.alice.told(incident).await.notices[2].delivery, NoticeDelivery::Receipted { .. }));
    for party in [&world.alice, &world.boris] {
        let verification = party.node.store().read(ledger::verify).await.unwrap();
        assert!(verification.faults.is_empty(), "{verification:?}");
    }
}

/// Aim: held notices stay here until they are released.
#[tokio::test]
async fn held_notices_wait_for_a_person() {
    let world = World::paired().await;
    let mut request = world.alice.request().await;
    request.hold = true;
    let incident = world.alice.node.log_incident(&world.alice.responder(), request).await.unwrap().id;
    world.settle().await;
    assert!(world.alice.told(incident).await.notices.is_empty());
    world.alice.node.release(&world.alice.responder(), incident).await.unwrap();
    world.settle().await;
    assert!(!world.alice.told(incident).await.notice_clock.unwrap().is_open());
}

/// Aim: a lost network leaves the clock running, then overdue; a receipt fetched later is proved by its own instant.
#[tokio::test]
async fn a_dead_network_makes_the_notice_late_and_never_lost() {
    let world = World::paired().await;
    world.network.set(Weather::LosesAnswers);
    let incident = world.alice.log().await;
    for _ in 0..60 {
        world.pass(3_600).await;
    }
    let told = world.alice.told(incident).await;
    assert_eq!(told.notice_clock.unwrap().state, ClockState::Overdue);
    world.network.set(Weather::Fair);
    world.pass(3_700).await;
    let clock = world.alice.told(incident).await.notice_clock.unwrap();
    // Boris held it within a second of logging; only the proof was late.
    assert!(matches!(clock.state, ClockState::Met { proved_late: true, .. }), "{:?}", clock.state);
    let incident = world
        .alice
        .node
        .store()
        .write(world.alice.node.now(), move |turn| turn.incident(incident))
        .await
        .unwrap()
        .unwrap();
    assert!(!incident.ladders.is_empty(), "the ladder stays on record");
}

/// Aim: an incident opened from a notice takes over its clock with the same anchor.
#[tokio::test]
async fn an_incident_of_ours_takes_the_received_clock_over() {
    let world = World::paired().await;
    let incident = world.alice.log().await;
    world.settle().await;
    let heard = world.heard(world.alice.told(incident).await.case).await;
    let anchor = heard.ico_clock.unwrap().anchored_at;
    world.pass(600).await;
    let mut request = world.boris.request().await;
    request.from_exchange = Some(heard.id);
    let ours = world.boris.node.log_incident(&world.boris.responder(), request).await.unwrap().id;
    let ours = world.boris.node.store().write(world.boris.node.now(), move |turn| turn.incident(ours)).await.unwrap();
    assert_eq!(ours.unwrap().ico.unwrap().anchored_at, anchor);
    let heard = world.boris.exchange(heard.id).await;
    assert!(heard.ico_clock.is_none());
}

/// Aim: the preview names whom logging would tell, and by when.
#[tokio::test]
async fn the_preview_says_who_will_be_told() {
    let world = World::paired().await;
    let request = world.alice.request().await;
    let preview = world.alice.node.preview(request.kind, request.services, request.awareness).await.unwrap();
    assert_eq!(preview.partners.len(), 1);
    assert_eq!(preview.partners[0].name, line("Boris"));
    assert_eq!(preview.notice_due, Some(world.alice.node.now().plus_seconds(48 * 3_600)));
    assert!(preview.ico_legal_limit > preview.ico_due);
}

/// Aim: nothing that reaches Boris names another partner of Alice's, and their case ids differ.
#[tokio::test]
async fn a_partner_never_learns_of_another() {
    let world = World::paired().await;
    let carol = super::kit::Party::new("Carol", "https://carol.example", &world.time, &world.network).await;
    let id = world.alice.trust(&carol).await;
    carol.trust(&world.alice).await;
    world.alice.owes(id).await;
    world.settle().await;
    let incident = world.alice.log().await;
    world.settle().await;
    let owed = world
        .alice
        .node
        .store()
        .write(world.alice.node.now(), move |turn| turn.incident(incident))
        .await
        .unwrap()
        .unwrap()
        .owed;
    assert_ne!((owed[0].case, &owed[0].reference), (owed[1].case, &owed[1].reference));
    let arrived = world.network.arrived.lock().unwrap();
    for (_, octets) in arrived.iter().filter(|(issuer, _)| issuer == BORIS) {
        let Some(payload) = webhooks::jose::CompactToken::parse(octets, webhooks::jose::TokenType::Set).ok() else {
            continue;
        };
        let text = String::from_utf8(payload.payload().to_vec()).unwrap();
        assert!(!text.to_lowercase().contains("carol"));
        let other = owed.iter().find(|owed| owed.partner == id).unwrap();
        assert!(!text.contains(&other.case.to_string()) && !text.contains(other.reference.as_str()));
    }
}

/// Aim: a quarter of an hour without a receipt is a person's turn, once.
#[tokio::test]
async fn a_first_word_without_a_receipt_is_alerted() {
    let world = World::paired().await;
    world.network.set(Weather::LosesRequests);
    world.alice.log().await;
    let alerts = || async {
        let open = world.alice.node.store().read(|rows| alerts::open(rows, 100)).await.unwrap();
        open.iter().filter(|alert| alert.kind == AlertKind::NoReceipt).count()
    };
    world.pass(60).await;
    assert_eq!(alerts().await, 0);
    world.pass(900).await;
    world.pass(900).await;
    assert_eq!(alerts().await, 1);
}

/// Aim: a call ends the clock, the carrying goes on, and the receipt still arrives.
#[tokio::test]
async fn a_call_ends_the_clock_only() {
    let world = World::paired().await;
    world.network.set(Weather::LosesRequests);
    let incident = world.alice.log().await;
    world.pass(7_200).await;
    let call = Call {
        to_whom: line("Duty officer"),
        how: CallChannel::Telephone,
        at: world.alice.node.now(),
        note: None,
        backdate_reason: None,
    };
    let id = world.alice.told(incident).await.id;
    world.alice.node.record_call(&world.alice.responder(), id, call).await.unwrap();
    let told = world.alice.told(incident).await;
    assert!(!told.notice_clock.unwrap().is_open());
    assert_eq!(told.notices[0].delivery, NoticeDelivery::Queued);
    world.network.set(Weather::Fair);
    world.pass(3_700).await;
    assert!(matches!(world.alice.told(incident).await.notices[0].delivery, NoticeDelivery::Receipted { .. }));
}

/// Aim: with the loops running, a partner that hangs delays nobody else's receipt.
#[tokio::test]
async fn a_hanging_partner_delays_nobody() {
    let world = World::paired().await;
    let carol = super::kit::Party::new("Carol", "https://carol.example", &world.time, &world.network).await;
    let id = world.alice.trust(&carol).await;
    carol.trust(&world.alice).await;
    world.alice.owes(id).await;
    world.settle().await;
    carol.node.deliver_step(16).await.unwrap();
    world.settle().await;
    world.network.hang(Some(BORIS));
    let mut live = world.alice.node.live();
    world.alice.node.run().unwrap();
    let incident = world.alice.log().await;
    let receipted = async {
        loop {
            let tally = super::fan_out::receipted(&world.alice, incident).await;
            if tally == [id] {
                return;
            }
            live.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), receipted).await.unwrap();
    world.alice.node.stop().await;
}
