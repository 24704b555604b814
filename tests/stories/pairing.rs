//! Two parties come to trust each other: by digits that travelled another way, and in whatever order people get to it.

mod pages;

use std::sync::Arc;
use std::time::Duration;

use domain::values::PartnerId;
use serde_json::{Value, json};
use server::node::DoorError;
use server::node::pairing::{Confirmation, PairingRefusal, PartnerState};
use tests::node::{Party, World, line};
use tests::partner::Scripted;
use tests::{On, both};
use webhooks::message::Stance;

both!(
    one_side_may_be_hours_earlier,
    wrong_digits_lock_the_card,
    another_administrator_confirms,
    the_first_word_survives_a_restart,
    one_person_pairs_only_where_that_was_chosen,
    another_identity_key_is_another_ceremony,
    later_cards_change_contacts_at_once_and_addresses_by_a_person,
    a_card_of_somebody_else_is_no_partners_card,
    after_the_end_the_same_node_goes_on,
    after_the_end_another_identity_counts_anew,
    private_addresses_are_admitted_one_by_one,
);

const CASE: &str = "0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e21";

/// What a receipt states.
fn stated(receipt: &str) -> Value {
    use base64::Engine as _;
    let part = receipt.split('.').nth(1).expect("a payload");
    let octets = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64url");
    let payload: Value = serde_json::from_slice(&octets).expect("JSON");
    payload["events"]["urn:tocsin:breach:1:receipt"].clone()
}

/// One side finishes its ceremony hours before the other: the pairing becomes active soon after the second is done.
async fn one_side_may_be_hours_earlier(on: On) {
    let world = World::new(on);
    let (operator, council) = (world.party("Operator").await, world.party("Council").await);
    operator.trust(&council.node.export_card(), &council.node.fingerprint()).await;
    for _ in 0..12 {
        world.settle(&[&operator, &council]).await;
        world.pass(Duration::from_secs(900));
    }
    assert!(!operator.is_active(&council).await, "only one side has compared digits");
    council.trust(&operator.node.export_card(), &operator.node.fingerprint()).await;
    for _ in 0..3 {
        world.settle(&[&operator, &council]).await;
        world.pass(Duration::from_secs(30));
    }
    assert!(operator.is_active(&council).await && council.is_active(&operator).await);
}

/// The operator types digits for a partner.
async fn types(operator: &Party, id: PartnerId, digits: &str) -> Result<(), DoorError> {
    let (how, whom) = (line("telephone"), line("Their administrator"));
    operator.node.type_fingerprint(&operator.administrator(), id, digits, how, whom).await
}

/// An operator with a scripted partner's card, imported.
async fn with_card(world: &World) -> (Party, Scripted, PartnerId) {
    let operator = world.party("Operator").await;
    let council = Scripted::new("Council", "https://council.example");
    let card = council.card(world.now().unix_seconds());
    let id = operator.node.import_card(&operator.administrator(), &card, None).await.expect("taken");
    (operator, council, id)
}

fn refused<T: std::fmt::Debug>(answer: Result<T, DoorError>) -> PairingRefusal {
    match answer {
        Err(DoorError::Pairing(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

async fn state(operator: &Party, id: PartnerId) -> PartnerState {
    operator.node.partner_view(id).await.expect("the partner").state
}

/// Three wrong tries lock the card, the digits of another party among them; the right ones come too late then. Each is
/// on record, and the same card may begin again.
async fn wrong_digits_lock_the_card(on: On) {
    let world = World::new(on);
    let (operator, council, id) = with_card(&world).await;
    let borough = Scripted::new("Borough", "https://borough.example");
    let mut one_off = council.fingerprint().into_bytes();
    one_off[0] = if one_off[0] == b'0' { b'1' } else { b'0' };
    let one_off = String::from_utf8(one_off).expect("digits");
    for (digits, left) in [(one_off, 2), (borough.fingerprint(), 1)] {
        assert_eq!(refused(types(&operator, id, &digits).await), PairingRefusal::WrongDigits { left });
    }
    assert_eq!(refused(types(&operator, id, "").await), PairingRefusal::Locked);
    assert_eq!(refused(types(&operator, id, &council.fingerprint()).await), PairingRefusal::Locked);
    assert_eq!(state(&operator, id).await, PartnerState::Locked);
    let record = operator.everything_readable().await;
    assert_eq!(record.matches(r#""right":false"#).count(), 3, "each wrong try is on record");
    assert!(record.contains("digits_refused"), "and so is the one that came too late");
    assert_eq!(operator.node.partner_view(id).await.expect("the partner").alerts.len(), 1, "people are told");
    let card = council.card(world.now().unix_seconds());
    let again = operator.node.import_card(&operator.administrator(), &card, None).await.expect("begins anew");
    assert_eq!((again, state(&operator, id).await), (id, PartnerState::Imported));
    types(&operator, id, &council.fingerprint()).await.expect("right, and in time");
}

/// Who typed the digits can't confirm them; another administrator can. The refusal is on record.
async fn another_administrator_confirms(on: On) {
    let world = World::new(on);
    let (operator, council, id) = with_card(&world).await;
    let by = operator.administrator();
    let early = operator.node.confirm(&by, id, Confirmation::OnePerson).await;
    assert_eq!(refused(early), PairingRefusal::WrongStep, "nothing was typed");
    types(&operator, id, &council.fingerprint()).await.expect("right");
    for confirmation in [Confirmation::SecondPerson, Confirmation::OnePerson] {
        let same = operator.node.confirm(&by, id, confirmation).await;
        assert_eq!(refused(same), PairingRefusal::SecondPersonNeeded);
    }
    assert!(operator.everything_readable().await.contains("confirmation_refused"));
    operator.node.confirm(&operator.second_administrator(), id, Confirmation::SecondPerson).await.expect("confirmed");
    let partner = operator.node.partner_view(id).await.expect("the partner");
    let checked = partner.checked.expect("who checked stays to be seen");
    assert_eq!((checked.channel.as_str(), checked.with_whom.as_str()), ("telephone", "Their administrator"));
    assert!(checked.confirmed.is_some_and(|confirmed| !confirmed.one_person));
}

/// The node is ended between typing and confirming, and after a wrong try: both are remembered.
async fn the_first_word_survives_a_restart(on: On) {
    let world = World::new(on);
    let (operator, council, id) = with_card(&world).await;
    assert_eq!(refused(types(&operator, id, "1").await), PairingRefusal::WrongDigits { left: 2 });
    let operator = operator.restart().await;
    assert_eq!(refused(types(&operator, id, "2").await), PairingRefusal::WrongDigits { left: 1 });
    types(&operator, id, &council.fingerprint()).await.expect("right");
    let operator = operator.restart().await;
    operator.node.confirm(&operator.second_administrator(), id, Confirmation::SecondPerson).await.expect("confirmed");
    assert_eq!(state(&operator, id).await, PartnerState::Verified);
}

/// A node that was set up for one person lets one person pair, says so on record, and asks for it to be said.
async fn one_person_pairs_only_where_that_was_chosen(on: On) {
    let world = World::new(on);
    let (operator, council, id) = with_card(&world).await;
    let now = operator.node.now();
    operator
        .node
        .store()
        .write(now, |turn| server::store::partners::set_one_person_pairing(turn, true))
        .await
        .expect("the rule of set-up");
    types(&operator, id, &council.fingerprint()).await.expect("right");
    let by = operator.administrator();
    let unsaid = operator.node.confirm(&by, id, Confirmation::SecondPerson).await;
    assert_eq!(refused(unsaid), PairingRefusal::SecondPersonNeeded);
    operator.node.confirm(&by, id, Confirmation::OnePerson).await.expect("confirmed");
    assert!(operator.everything_readable().await.contains(r#""one_person":true"#));
}

/// A later card with another identity key, and a card signed by another key, are refused and on record.
async fn another_identity_key_is_another_ceremony(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let now = world.now().unix_seconds();
    let (council, impostor) =
        (Scripted::new("Council", "https://council.example"), Scripted::new("Impostor", "https://council.example"));
    let by = operator.administrator();
    operator.trust(&council.card(now), &council.fingerprint()).await;
    let swapped = operator.node.import_card(&by, &impostor.card_with(now, |card| card.version = 9), None).await;
    assert_eq!(refused(swapped), PairingRefusal::OtherIdentity);
    let mut parts: Vec<String> = council.card(now).split('.').map(str::to_owned).collect();
    parts[2] = impostor.card(now).rsplit('.').next().expect("a signature").to_owned();
    let forged = operator.node.import_card(&by, &parts.join("."), None).await;
    assert_eq!(refused(forged), PairingRefusal::Card);
    let own = operator.node.import_card(&by, &operator.node.export_card(), None).await;
    assert_eq!(refused(own), PairingRefusal::OwnCard);
    let record = operator.everything_readable().await;
    for why in ["other_identity", "unacceptable_card", "own_card"] {
        assert!(record.contains(why), "{why} is on record");
    }
}

/// Of a standing pairing a newer card changes contacts at once; one that changes an address waits for a person; an older
/// one, and the same again, is refused.
async fn later_cards_change_contacts_at_once_and_addresses_by_a_person(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let now = world.now().unix_seconds();
    let council = world.scripted(&operator, "Council", 48).await;
    let id = operator.partner_by(&council.issuer).await;
    let by = operator.administrator();
    let import = async |card: &str| operator.node.import_card(&by, card, None).await;
    let view = async || operator.node.partner_view(id).await.expect("the partner");
    assert_eq!(refused(import(&council.card(now)).await), PairingRefusal::NotNewer, "the same again");

    let second = council.card_with(now, |card| {
        card.version = 2;
        card.contacts[0].phone = Some("+44 20 7946 0999".to_owned());
    });
    import(&second).await.expect("contacts change");
    let seen = view().await;
    assert_eq!(seen.card.expect("a card").contacts[0].phone.as_deref(), Some("+44 20 7946 0999"));
    assert!(seen.alerts.iter().any(|alert| alert.card_changed), "people are told");
    operator.node.note_card_change(&by, id).await.expect("noted");
    assert!(view().await.alerts.is_empty());

    let push = "https://council.example/moved/events";
    let third = council.card_with(now, |card| {
        card.version = 3;
        card.receive.push = Some(push.to_owned());
    });
    import(&third).await.expect("it waits");
    assert_eq!(refused(import(&third).await), PairingRefusal::NotNewer, "the same that waits");
    assert_eq!(refused(import(&second).await), PairingRefusal::NotNewer, "an older one");
    let push_of = async || {
        let partners = operator.node.partners().await.expect("its partners");
        partners.into_iter().find(|partner| partner.id == id).and_then(|partner| partner.push_url)
    };
    assert_ne!(push_of().await.as_deref(), Some(push), "nothing follows from it yet");
    assert_eq!(view().await.later.expect("it waits").later.push.as_deref(), Some(push));
    operator.node.refuse_later_card(&by, id).await.expect("put aside");
    assert!(view().await.later.is_none());
    import(&third).await.expect("it waits again");
    operator.node.accept_later_card(&by, id).await.expect("accepted");
    assert_eq!(push_of().await.as_deref(), Some(push));
    let after = view().await;
    assert_eq!((after.state, after.later, after.alerts.len()), (PartnerState::Active, None, 0));
    assert_eq!(refused(operator.node.accept_later_card(&by, id).await.map(|()| id)), PairingRefusal::WrongStep);
}

/// A card imported for one partner that is another's, or comes from elsewhere, changes neither.
async fn a_card_of_somebody_else_is_no_partners_card(on: On) {
    let world = World::new(on);
    let (operator, council, id) = with_card(&world).await;
    let now = world.now().unix_seconds();
    let by = operator.administrator();
    let borough = Scripted::new("Borough", "https://borough.example");
    let elsewhere = operator.node.import_card(&by, &borough.card(now), Some(id)).await;
    assert_eq!(refused(elsewhere), PairingRefusal::OtherIssuer);
    let other = operator.node.import_card(&by, &borough.card(now), None).await.expect("a partner of its own");
    let swapped = operator.node.import_card(&by, &council.card_with(now, |card| card.version = 2), Some(other)).await;
    assert_eq!(refused(swapped), PairingRefusal::OtherPartner);
    let record = operator.everything_readable().await;
    assert!(record.contains("other_issuer") && record.contains("other_partner"));
    assert_eq!(operator.node.partners().await.expect("its partners").len(), 2);
}

/// After an end the same node is paired again by a whole new ceremony, and messages go on behind the last.
async fn after_the_end_the_same_node_goes_on(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let now = world.now().unix_seconds();
    let council = world.scripted(&operator, "Council", 48).await;
    let id = operator.partner_by(&council.issuer).await;
    let by = operator.administrator();
    operator.take(&council.acknowledged(CASE, Stance::Assessing, now)).await.expect("the first message");
    operator.node.end_pairing(&by, id, line("A story")).await.expect("ended");
    operator.trust(&council.card(now), &council.fingerprint()).await;
    assert_eq!(state(&operator, id).await, PartnerState::Verified, "old receipts prove nothing now");
    operator.take(&council.heartbeat(now)).await.expect("receipted");
    world.settle(&[&operator]).await;
    assert_eq!(state(&operator, id).await, PartnerState::Active);
    let second = operator.take(&council.acknowledged(CASE, Stance::Affected, now)).await.expect("the second message");
    assert_eq!(stated(&second)["head"]["seq"], json!(2), "it follows the first");
}

/// After an end a node that was made anew is paired under another identity key: its messages count from 1, its keys are
/// its own, and the history stays.
async fn after_the_end_another_identity_counts_anew(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let now = world.now().unix_seconds();
    let council = world.scripted(&operator, "Council", 48).await;
    let id = operator.partner_by(&council.issuer).await;
    let by = operator.administrator();
    operator.take(&council.acknowledged(CASE, Stance::Assessing, now)).await.expect("the first message");
    operator.node.end_pairing(&by, id, line("Their server burned")).await.expect("ended");
    let reborn = Arc::new(Scripted::new("Council reborn", &council.issuer));
    world.wire.join_scripted(&reborn);
    operator.pair_scripted(&reborn).await;
    world.settle(&[&operator]).await;
    assert_eq!((operator.partner_by(&reborn.issuer).await, state(&operator, id).await), (id, PartnerState::Active));
    let old = operator.take(&council.acknowledged(CASE, Stance::Affected, now)).await;
    assert_eq!(old, Err("unknown_key".to_owned()), "the old identity's keys count no more");
    let fresh = operator.take(&reborn.acknowledged(CASE, Stance::Affected, now)).await.expect("taken");
    let stated = stated(&fresh);
    assert_eq!((&stated["head"]["seq"], &stated["chain"]), (&json!(1), &json!("ok")));
    operator.verify_ledger().await;
}

/// Ranges that an administrator admits count for one partner; what is no range, or no exception any more, is refused.
async fn private_addresses_are_admitted_one_by_one(on: On) {
    let world = World::new(on);
    let (operator, _, id) = with_card(&world).await;
    let by = operator.administrator();
    let admit = async |ranges: &[&str]| {
        let ranges = ranges.iter().map(|range| (*range).to_owned()).collect();
        operator.node.set_exceptions(&by, id, ranges).await
    };
    for bad in [&["10.0.0.1"][..], &["10.0.0.1/8"], &["0.0.0.0/0"], &["10.0.0.0/8", "here"], &["10.0.0.0/8"; 21]] {
        let refused = admit(bad).await;
        assert!(matches!(refused, Err(DoorError::Invalid(_))), "{bad:?}: {refused:?}");
    }
    assert!(operator.node.partner_view(id).await.expect("the partner").exceptions.is_empty());
    admit(&["10.1.0.0/16", "fd12::/16", "10.1.0.0/16"]).await.expect("admitted");
    let partner = operator.node.partner_view(id).await.expect("the partner");
    assert_eq!(partner.exceptions, ["10.1.0.0/16", "fd12::/16"]);
    assert!(operator.everything_readable().await.contains("addresses_admitted"));
}
