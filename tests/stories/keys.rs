//! Our own keys are replaced, in good time or in haste, and no message is lost or doubted for it.

use std::time::Duration;

use domain::exchange::NoticeDelivery;
use domain::values::IncidentId;
use server::node::DoorError;
use server::node::received::SignatureResult;
use server::node::rotation::{KeyPurpose, KeyStage, Rotation};
use server::store::alerts::{self, AlertKind};
use tests::facts::first_hour;
use tests::node::{PASSWORD, Party, World, log_request};
use tests::visitor::Visitor;
use tests::wire::{Carried, Line};
use tests::{On, both};
use webhooks::jose::{CompactToken, TokenType};

both!(
    planned_keys_sign_when_every_partner_holds_them,
    a_partner_that_is_down_holds_planned_keys_up_for_a_day,
    an_unsent_notice_is_signed_again_in_an_emergency,
    a_repeat_under_a_new_key_gets_the_first_receipt,
    a_receipt_under_a_revoked_key_is_signed_again,
    a_wrong_passphrase_changes_nothing,
    people_are_warned_and_expired_keys_send_nothing,
    keys_are_replaced_through_pages,
);

// Only Postgres is shared by several processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_on_the_database_notices() {
    let world = World::new(On::Postgres);
    let (operator, council) = world.operator_and_council().await;
    let other = operator.beside().await;
    rotate(&operator, Rotation::Emergency { since: world.now() }).await;
    let new = signing_key(&operator).await;
    assert!(operator.node.jwks().contains(&new) && !other.jwks().contains(&new));
    other.rotation_step().await.expect("a step");
    assert_eq!(other.manifest(), operator.node.manifest());
    council.node.rotation_step().await.expect("a step");
    let id = log(&operator, "A mailbox was open").await;
    other.deliver_step(128).await.expect("a step");
    assert!(delivered(&operator, id, &council).await);
    assert_eq!(notices(&world, &council).pop().expect("a notice").0, new);
    other.stop().await;
}

const PASSPHRASE: &str = "a passphrase for tests";
const HOUR: Duration = Duration::from_secs(3_600);

/// The key that signs messages, and every key at a stage.
async fn at_stage(party: &Party, purpose: KeyPurpose, stage: KeyStage) -> Vec<String> {
    let keys = party.node.key_list().await.expect("the keys");
    keys.into_iter().filter(|key| key.purpose == purpose && key.stage == stage).map(|key| key.kid).collect()
}

async fn signing_key(party: &Party) -> String {
    let mut current = at_stage(party, KeyPurpose::Set, KeyStage::Current).await;
    assert_eq!(current.len(), 1, "one key signs");
    current.remove(0)
}

async fn rotate(party: &Party, rotation: Rotation) {
    party.node.rotate(&party.administrator(), PASSPHRASE, rotation).await.expect("the keys are replaced");
}

async fn log(party: &Party, title: &str) -> IncidentId {
    party.log(log_request(first_hour(title), party.node.now())).await
}

/// The notices that arrived at a party: each with its key and its payload.
fn notices(world: &World, to: &Party) -> Vec<(String, Vec<u8>, Carried)> {
    let carried = world.wire.carried().into_iter().filter(|carried| carried.to == to.issuer());
    carried
        .filter_map(|carried| {
            let token = CompactToken::parse(&carried.body, TokenType::Set).ok()?;
            let notified = String::from_utf8_lossy(token.payload()).contains("urn:tocsin:breach:1:notified");
            notified.then(|| (token.kid().to_owned(), token.payload().to_vec(), carried))
        })
        .collect()
}

async fn delivered(party: &Party, id: IncidentId, other: &Party) -> bool {
    let exchange = party.exchange_with(id, other).await;
    matches!(exchange.notices[0].delivery, NoticeDelivery::Receipted { .. })
}

async fn alerted(party: &Party, kind: AlertKind) -> bool {
    let open = party.node.store().read(|rows| alerts::open(rows, 100)).await.expect("the alerts");
    open.iter().any(|alert| alert.kind == kind)
}

/// Time passes in steps, as it would for a node that runs.
async fn pass(world: &World, hours: u32, parties: &[&Party]) {
    for _ in 0..hours {
        world.pass(HOUR);
        world.settle(parties).await;
        for party in parties {
            party.node.rotation_step().await.expect("a step");
        }
    }
    world.settle(parties).await;
}

/// Planned: the new keys wait until the one partner holds them, sign then, and what was signed before stays good.
async fn planned_keys_sign_when_every_partner_holds_them(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    let old = signing_key(&operator).await;
    log(&operator, "Before").await;
    world.settle(&[&operator, &council]).await;
    rotate(&operator, Rotation::Planned).await;
    assert_eq!(signing_key(&operator).await, old, "partners do not hold the new one yet");
    let again = operator.node.rotate(&operator.administrator(), PASSPHRASE, Rotation::Planned).await;
    assert!(matches!(again, Err(DoorError::Invalid(_))), "one replacement at a time: {again:?}");

    let step = operator.node.rotation_step().await.expect("a step");
    assert_eq!((step.offered, step.switched), (1, true));
    let new = signing_key(&operator).await;
    assert_eq!(at_stage(&operator, KeyPurpose::Set, KeyStage::Retired).await, std::slice::from_ref(&old));
    let after = log(&operator, "After").await;
    world.settle(&[&operator, &council]).await;
    assert!(delivered(&operator, after, &council).await);
    let keys: Vec<String> = notices(&world, &council).into_iter().map(|(kid, ..)| kid).collect();
    assert_eq!(keys, [old, new]);
    for exchange in council.received().await {
        let shown = council.node.received(exchange.id).await.expect("a notice");
        assert_eq!(shown.versions[0].signature, SignatureResult::Verified);
    }
    assert!(!alerted(&council, AlertKind::ReviewReceived).await);
    let standing = operator.node.keys_standing().await.expect("the keys");
    assert_eq!((standing.version, standing.switch_in_seconds), (2, None));
    assert!(standing.partners.iter().all(|held| held.taken == Some(true)));

    // Nothing waits under the old key, so its private half goes; a third set of keys works as the second did.
    pass(&world, 1, &[&operator, &council]).await;
    rotate(&operator, Rotation::Planned).await;
    pass(&world, 1, &[&operator, &council]).await;
    let third = log(&operator, "Later").await;
    world.settle(&[&operator, &council]).await;
    assert!(delivered(&operator, third, &council).await);
    operator.verify_ledger().await;
}

/// A partner that is down holds planned keys up for a day and no longer, also when the node is started again meanwhile; when
/// the partner is back it has every message.
async fn a_partner_that_is_down_holds_planned_keys_up_for_a_day(on: On) {
    let world = World::new(on);
    let (mut operator, council) = world.operator_and_council().await;
    let borough = world.party("Borough").await;
    world.pair(&operator, &borough).await;
    operator.arrange(&borough, 48).await;
    let old = signing_key(&operator).await;
    world.wire.set(borough.issuer(), Line::Down);
    rotate(&operator, Rotation::Planned).await;
    operator.node.rotation_step().await.expect("a step");
    let before = log(&operator, "Before").await;
    pass(&world, 22, &[&operator, &council]).await;
    operator = operator.restart().await;
    pass(&world, 1, &[&operator, &council]).await;
    assert_eq!(signing_key(&operator).await, old, "one partner does not hold the new keys");
    assert_eq!(at_stage(&operator, KeyPurpose::Set, KeyStage::Next).await.len(), 1);
    pass(&world, 2, &[&operator, &council]).await;
    assert_ne!(signing_key(&operator).await, old, "a day is enough");

    let after = log(&operator, "After").await;
    world.settle(&[&operator, &council]).await;
    assert!(delivered(&operator, before, &council).await && delivered(&operator, after, &council).await);
    world.wire.set(borough.issuer(), Line::Up);
    pass(&world, 3, &[&operator, &council, &borough]).await;
    assert!(delivered(&operator, before, &borough).await && delivered(&operator, after, &borough).await);
    let standing = operator.node.keys_standing().await.expect("the keys");
    assert!(standing.partners.iter().all(|held| held.taken == Some(true)), "{standing:?}");
}

/// Emergency: a notice that was sealed and never arrived goes out once, the same payload under the new key, and the old key
/// is refused from then on.
async fn an_unsent_notice_is_signed_again_in_an_emergency(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    let old = signing_key(&operator).await;
    world.wire.set(council.issuer(), Line::Down);
    let id = log(&operator, "A mailbox was open").await;
    world.settle(&[&operator, &council]).await;
    let future = Rotation::Emergency { since: world.now().plus_seconds(60) };
    let refused = operator.node.rotate(&operator.administrator(), PASSPHRASE, future).await;
    assert!(matches!(refused, Err(DoorError::Invalid(_))), "{refused:?}");
    rotate(&operator, Rotation::Emergency { since: world.now() }).await;
    let new = signing_key(&operator).await;
    assert_ne!(new, old, "the new key signs at once");
    assert_eq!(at_stage(&operator, KeyPurpose::Set, KeyStage::Revoked).await, std::slice::from_ref(&old));
    assert_eq!(at_stage(&operator, KeyPurpose::Log, KeyStage::Revoked).await.len(), 1);

    world.wire.set(council.issuer(), Line::Up);
    pass(&world, 1, &[&operator, &council]).await;
    assert!(delivered(&operator, id, &council).await);
    let arrived = notices(&world, &council);
    let accepted: Vec<_> = arrived.iter().filter(|(_, _, carried)| carried.status == 202).collect();
    assert_eq!(accepted.len(), 1, "once");
    assert_eq!(accepted[0].0, new);
    assert_eq!(council.received().await.len(), 1);
    assert!(!alerted(&council, AlertKind::BadReceipt).await && !alerted(&operator, AlertKind::BadReceipt).await);
    operator.verify_ledger().await;
}

/// A notice arrived, its receipt was lost, and the key was revoked before the next try: the partner recognises the message,
/// answers with the receipt of the first version, and that ends the delivery. What came since is marked for the partner's
/// people.
async fn a_repeat_under_a_new_key_gets_the_first_receipt(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    let old = signing_key(&operator).await;
    world.wire.set(council.issuer(), Line::Deaf);
    let id = log(&operator, "A mailbox was open").await;
    let since = world.now();
    world.settle(&[&operator, &council]).await;
    assert!(!delivered(&operator, id, &council).await);
    world.wire.set(council.issuer(), Line::Up);
    rotate(&operator, Rotation::Emergency { since }).await;
    operator.node.rotation_step().await.expect("a step");
    pass(&world, 1, &[&operator, &council]).await;
    assert!(delivered(&operator, id, &council).await);
    let arrived = notices(&world, &council);
    let (first, last) = (arrived.first().expect("the first"), arrived.last().expect("the last"));
    assert_eq!((&first.0, first.0 == last.0), (&old, false));
    assert_eq!(first.1, last.1, "the payload is the same");
    let notice = council.only_received().await;
    assert!(alerted(&council, AlertKind::ReviewReceived).await);
    let shown = council.node.received(notice.id).await.expect("the notice");
    assert_eq!(shown.versions[0].signature, SignatureResult::KeyRevokedSince);
    assert!(!alerted(&operator, AlertKind::BadReceipt).await);
}

/// A partner asks again for a receipt that we made under a key revoked meanwhile: it gets the same receipt under the key that
/// signs now.
async fn a_receipt_under_a_revoked_key_is_signed_again(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    council.arrange(&operator, 48).await;
    world.wire.set(operator.issuer(), Line::Deaf);
    let id = log(&council, "A laptop is missing").await;
    world.settle(&[&council]).await;
    assert!(!delivered(&council, id, &operator).await);
    rotate(&operator, Rotation::Emergency { since: world.now() }).await;
    operator.node.rotation_step().await.expect("a step");
    world.wire.set(operator.issuer(), Line::Up);
    pass(&world, 1, &[&operator, &council]).await;
    assert!(delivered(&council, id, &operator).await);
    assert_eq!(operator.received().await.len(), 1);
    operator.verify_ledger().await;
}

/// A wrong passphrase changes nothing, is on the record, and can't be tried for ever.
async fn a_wrong_passphrase_changes_nothing(on: On) {
    let world = World::new(on);
    let (operator, _council) = world.operator_and_council().await;
    let (before, by) = (operator.node.key_list().await.expect("the keys"), operator.administrator());
    for _ in 0..5 {
        let wrong = operator.node.rotate(&by, "a passphrase for guests", Rotation::Planned).await;
        assert!(matches!(wrong, Err(DoorError::Invalid(why)) if why.contains("does not open")), "{wrong:?}");
    }
    let sixth = operator.node.rotate(&by, PASSPHRASE, Rotation::Planned).await;
    assert!(matches!(sixth, Err(DoorError::Invalid(why)) if why.contains("too often")), "{sixth:?}");
    assert_eq!(operator.node.key_list().await.expect("the keys"), before);
    let record = operator.everything_readable().await;
    assert_eq!(record.matches("wrong_passphrase").count(), 5);
    assert!(!record.contains("a passphrase for"), "no passphrase is ever kept");
    world.pass(Duration::from_secs(120));
    rotate(&operator, Rotation::Planned).await;
}

/// A month before keys end people are told; keys that have ended send nothing, pages go on, and new keys carry what waited.
async fn people_are_warned_and_expired_keys_send_nothing(on: On) {
    const DAY: u64 = 86_400;
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let council = world.listening_party("Council").await;
    world.pair(&operator, &council).await;
    operator.arrange(&council, 48).await;
    let address = operator.serve();
    world.pass(Duration::from_secs(370 * DAY));
    operator.node.watch_step().await.expect("a step");
    assert!(alerted(&operator, AlertKind::KeysExpiring).await);
    // The partner replaces its own in good time.
    rotate(&council, Rotation::Planned).await;
    world.settle(&[&operator, &council]).await;
    council.node.rotation_step().await.expect("a step");
    world.settle(&[&operator, &council]).await;

    world.pass(Duration::from_secs(27 * DAY));
    operator.node.watch_step().await.expect("a step");
    assert!(alerted(&operator, AlertKind::KeysExpired).await && !alerted(&operator, AlertKind::KeysExpiring).await);
    let id = log(&operator, "A mailbox was open").await;
    let before = world.wire.carried().len();
    world.settle(&[&operator]).await;
    assert_eq!(world.wire.carried().len(), before, "nothing is sent that nobody would believe");
    let mut visitor = Visitor::signed_in(address, &operator.email("administrator"), PASSWORD).await;
    let page = visitor.get("/keys").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("nothing is sent until you replace them"), "{}", page.text());

    rotate(&operator, Rotation::Planned).await;
    assert!(!alerted(&operator, AlertKind::KeysExpired).await);
    pass(&world, 1, &[&operator, &council]).await;
    assert!(delivered(&operator, id, &council).await);
}

/// An administrator replaces keys through the pages; others see nothing of it; the passphrase is never given back.
async fn keys_are_replaced_through_pages(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let council = world.listening_party("Council").await;
    world.pair(&operator, &council).await;
    let address = operator.serve();
    let mut responder = Visitor::signed_in(address, &operator.email("responder"), PASSWORD).await;
    for path in ["/keys", "/keys/rotate?how=planned"] {
        assert_eq!(responder.get(path).await.status, 403, "{path}");
    }
    let mut visitor = Visitor::signed_in(address, &operator.email("administrator"), PASSWORD).await;
    let page = visitor.get("/keys").await;
    assert!(page.text().contains("good for 396 days") && page.text().contains(&operator.node.fingerprint()));
    assert!(page.text().contains("fetched it when you paired"));

    let with = |fields: &mut Vec<(String, String)>, name: &str, value: &str| {
        fields.retain(|(known, _)| known != name);
        fields.push((name.to_owned(), value.to_owned()));
    };
    let form = visitor.get("/keys/rotate?how=planned").await.page();
    let mut fields = form.form("Replace the keys").fields();
    with(&mut fields, "passphrase", "not the right one");
    let wrong = visitor.post("/keys/rotate", &fields).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("does not open") && !wrong.text().contains("not the right one"));
    with(&mut fields, "passphrase", PASSPHRASE);
    let done = visitor.post("/keys/rotate", &fields).await;
    assert_eq!((done.status, done.header("location")), (303, Some("/keys?replaced=1")));
    let page = visitor.get("/keys").await.text();
    assert!(page.contains("waits to sign") && page.contains("in 24 hours at the latest"), "{page}");
    operator.node.rotation_step().await.expect("a step");
    assert!(visitor.get("/keys").await.text().contains("has taken it"));

    let form = visitor.get("/keys/rotate?how=emergency").await.page();
    let mut fields = form.form("Revoke the old keys and replace them").fields();
    with(&mut fields, "passphrase", PASSPHRASE);
    assert_eq!(visitor.post("/keys/rotate", &fields).await.status, 422, "since when is asked");
    let tomorrow = [("day", "3"), ("month", "3"), ("year", "2026"), ("time", "09:00")];
    for (part, value) in tomorrow {
        with(&mut fields, &format!("since-{part}"), value);
    }
    assert_eq!(visitor.post("/keys/rotate", &fields).await.status, 422, "not in the future");
    with(&mut fields, "since-day", "1");
    assert_eq!(visitor.post("/keys/rotate", &fields).await.status, 303);
    let page = visitor.get("/keys").await.text();
    assert!(page.contains("revoked") && page.contains("version 3"), "{page}");
    let jwks = String::from_utf8(visitor.get("/jwks.json").await.body).expect("text");
    assert!(jwks.contains(&signing_key(&operator).await));
    let revoked: Vec<String> = at_stage(&operator, KeyPurpose::Set, KeyStage::Revoked).await;
    assert!(revoked.len() == 2 && revoked.iter().all(|kid| !jwks.contains(kid.as_str())));
}
