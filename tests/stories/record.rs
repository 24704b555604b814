//! The record: tables can be rebuilt from it, contents can be erased from it, and it still verifies.

use std::time::Duration;

use domain::exchange::Stance;
use domain::incident::{Stage, WithdrawalReason};
use server::node::DoorError;
use tests::facts::{first_hour, more_is_known};
use tests::node::{Party, World, log_request};
use tests::{On, both};

both!(rebuilt_tables_equal_the_tables, erased_contents_are_gone_everywhere, only_what_has_ended_is_erased);

/// A word that nothing but the erased incident holds.
const PLANTED: &str = "xyzzyplugh";

/// Whether a text can be found in anything that the node can still read, also where it is shown as octets.
async fn readable(party: &Party, wanted: &str) -> bool {
    let octets: Vec<String> = wanted.bytes().map(|octet| octet.to_string()).collect();
    let everything = party.everything_readable().await;
    everything.contains(wanted) || everything.contains(&octets.join(", "))
}

/// A story with everything in it: update, acknowledgement, withdrawal, lateness.
async fn a_full_story(world: &World) -> (Party, Party, domain::values::IncidentId) {
    let (operator, council) = world.operator_and_council().await;
    let facts = first_hour(&format!("A planted word: {PLANTED}"));
    let id = operator.log(log_request(facts.clone(), world.now())).await;
    operator.log(log_request(first_hour("Another mailbox was open"), world.now())).await;
    world.settle(&[&operator, &council]).await;
    let notice = council.received().await[0].id;
    council.node.acknowledge(&council.responder(), notice, Stance::Affected, None).await.expect("acknowledged");
    world.pass(Duration::from_secs(30 * 3_600));
    world.settle(&[&operator, &council]).await;
    operator.node.update_facts(&operator.responder(), id, 1, more_is_known(&facts)).await.expect("newer facts");
    operator.node.send_update(&operator.responder(), id).await.expect("sent");
    world.pass(Duration::from_secs(45 * 3_600));
    world.settle(&[&operator, &council]).await;
    let reason = WithdrawalReason::SentInError;
    operator.node.withdraw(&operator.responder(), id, reason, None).await.expect("withdrawn");
    world.settle(&[&operator, &council]).await;
    (operator, council, id)
}

/// Every read table replayed from event entries into a fresh database holds the same rows.
async fn rebuilt_tables_equal_the_tables(on: On) {
    let world = World::new(on);
    let (operator, council, _) = a_full_story(&world).await;
    for party in [&operator, &council] {
        let (kept, rebuilt) = party.rebuilt(on).await;
        assert!(kept.len() > 4, "rows were compared");
        assert_eq!(kept, rebuilt, "{}", party.name);
    }
}

/// After erasure no planted word is left in the database, the ledger verifies, and clocks and codes survive.
async fn erased_contents_are_gone_everywhere(on: On) {
    let world = World::new(on);
    let (operator, council, id) = a_full_story(&world).await;
    let entries = operator.events(id).await.len();
    let exchange = operator.incident(id).await.owed[0].exchange;
    assert!(readable(&operator, PLANTED).await, "it was there");
    operator.node.anonymise(&operator.administrator(), id).await.expect("erased");
    operator.verify_ledger().await;
    let incident = operator.incident(id).await;
    assert_eq!((incident.stage.clone(), incident.facts.clone()), (Stage::Anonymised, None));
    assert!(operator.events(id).await.len() < entries, "earlier entries are placeholders");
    let exchange = operator.exchange(exchange).await;
    assert!(exchange.notice_clock.is_some(), "clocks survive");
    assert!(!readable(&operator, PLANTED).await, "the planted word is gone");
    assert!(readable(&operator, "Another mailbox").await, "other incidents are untouched");
    let operator = operator.restart().await;
    assert_eq!(operator.incident(id).await, incident, "folding starts at what survived");
    world.settle(&[&operator, &council]).await;
}

/// An incident whose duties are not decided can't be erased.
async fn only_what_has_ended_is_erased(on: On) {
    let world = World::new(on);
    let (operator, _council) = world.operator_and_council().await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let refused = operator.node.anonymise(&operator.administrator(), id).await;
    assert!(matches!(refused, Err(DoorError::Refused(_))), "{refused:?}");
    assert!(operator.incident(id).await.facts.is_some());
}
