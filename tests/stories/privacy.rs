//! A partner never learns whom else an incident concerns, and nobody learns personal data from what leaves the node.

use std::time::Duration;

use tests::facts::{first_hour, more_is_known};
use tests::node::{World, log_request, unpacked};
use tests::{On, both};

both!(a_partner_learns_nothing_of_the_others, copies_of_one_incident_can_not_be_matched);

/// Everything sent to one partner, unpacked, holds nothing of the other: no name, issuer, id, case or reference. Told
/// with notice, update and withdrawal.
async fn a_partner_learns_nothing_of_the_others(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partners =
        [world.scripted(&operator, "Ashford Council", 48).await, world.scripted(&operator, "Bexley Council", 48).await];
    let facts = first_hour("A mailbox was open");
    let id = operator.log(log_request(facts.clone(), world.now())).await;
    world.settle(&[&operator]).await;
    world.pass(Duration::from_secs(600));
    operator.node.update_facts(&operator.responder(), id, 1, more_is_known(&facts)).await.expect("newer facts");
    operator.node.send_update(&operator.responder(), id).await.expect("sent");
    world.settle(&[&operator]).await;
    let reason = domain::incident::WithdrawalReason::SentInError;
    operator.node.withdraw(&operator.responder(), id, reason, None).await.expect("withdrawn");
    world.settle(&[&operator]).await;

    let incident = operator.incident(id).await;
    for (own, other) in [(0, 1), (1, 0)] {
        let seen = unpacked(&world.wire, &partners[own].issuer);
        assert!(seen.contains("A mailbox was open"), "the notice was read");
        let other_id = operator.partner_by(&partners[other].issuer).await;
        let owed = incident.owed.iter().find(|owed| owed.partner == other_id);
        let owed = owed.expect("the other is owed a notice too");
        let secrets = [
            partners[other].name.clone(),
            partners[other].issuer.clone(),
            owed.partner.to_string(),
            owed.exchange.to_string(),
            owed.case.to_string(),
            owed.reference.to_string(),
            incident.id.to_string(),
            incident.reference.to_string(),
        ];
        for secret in secrets {
            assert!(!seen.contains(&secret), "{} can read {secret}", partners[own].name);
        }
    }
}

/// Two partners who lay their copies side by side find no id, reference or message number in common that names the case.
async fn copies_of_one_incident_can_not_be_matched(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partners =
        [world.scripted(&operator, "Ashford Council", 48).await, world.scripted(&operator, "Bexley Council", 48).await];
    operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator]).await;
    let [a, b] = partners.map(|partner| {
        let set = partner.received().into_iter().find(|set| set.claims().txn.is_some()).expect("the notice");
        let webhooks::message::Event::Notified(notice) = set.event().clone() else { panic!("a notice") };
        (set.claims().clone(), notice)
    });
    assert_ne!(a.0.jti, b.0.jti);
    assert_ne!(a.0.txn, b.0.txn);
    assert_ne!(a.0.sub_id, b.0.sub_id);
    assert_ne!(a.1.reference, b.1.reference);
    assert_eq!(a.1.title, b.1.title, "they are told the same facts");
}
