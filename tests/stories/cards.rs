//! Our own card is issued again when our record says something else of us, and partners' nodes find it.

use std::time::Duration;

use domain::directory::{Directory, Party as Record};
use server::node::DoorError;
use server::node::pairing::PairingRefusal;
use server::node::rotation::Rotation;
use server::store::partners::PartnerState;
use tests::node::{PASSWORD, Party, World, line};
use tests::visitor::Visitor;
use tests::{On, both};

both!(
    a_new_name_reaches_partners_by_a_new_card,
    replacing_keys_brings_a_new_card_along,
    what_is_found_under_the_cards_address_changes_nothing_by_itself,
    a_card_from_the_future_is_none,
    the_card_is_issued_again_through_pages,
);

const PASSPHRASE: &str = "a passphrase for tests";
const HOUR: Duration = Duration::from_secs(3_601);

/// Our record gets another name.
async fn renamed(party: &Party, name: &str) {
    let key: domain::directory::Key = "us".parse().expect("a key");
    let record = Record::named(key.clone(), line(name));
    let directory = Directory { us: Some(key), parties: vec![record], ..Directory::default() };
    party.node.import_directory(&party.administrator(), directory).await.expect("taken");
}

/// What a party knows of another one's card.
async fn known(party: &Party, other: &Party) -> (String, u64) {
    let id = party.partner_by(other.issuer()).await;
    let view = party.node.partner_view(id).await.expect("the partner");
    let card = view.card.expect("a card");
    assert_eq!(
        (view.state, card.name.as_str()),
        (PartnerState::Active, view.name.as_str()),
        "the name follows the card"
    );
    (card.name, card.version)
}

/// A changed record makes the card old; the passphrase makes a new one, once; the partner's node finds it within the hour,
/// changes the name at once and tells its people. The pairing stands.
async fn a_new_name_reaches_partners_by_a_new_card(on: On) {
    let world = World::new(on);
    let (operator, council) = (world.party("Operator").await, world.party("Council").await);
    world.pair(&operator, &council).await;
    assert!(operator.node.card_is_current());
    renamed(&operator, "Operator Renamed").await;
    assert!(!operator.node.card_is_current());
    let by = operator.administrator();
    let wrong = operator.node.issue_card(&by, "not the right one").await;
    assert!(matches!(wrong, Err(DoorError::Invalid(_))), "{wrong:?}");
    let fingerprint = operator.node.fingerprint();
    assert_eq!(operator.node.issue_card(&by, PASSPHRASE).await.expect("issued"), 2);
    assert!(operator.node.card_is_current());
    let again = operator.node.issue_card(&by, PASSPHRASE).await;
    assert!(matches!(again, Err(DoorError::Invalid(_))), "it says all this already: {again:?}");
    assert_eq!(operator.node.fingerprint(), fingerprint);

    council.node.refresh_step().await.expect("a step");
    assert_eq!(known(&council, &operator).await, ("Operator".to_owned(), 1), "not asked for an hour");
    world.pass(HOUR);
    council.node.refresh_step().await.expect("a step");
    assert_eq!(known(&council, &operator).await, ("Operator Renamed".to_owned(), 2));
    let id = council.partner_by(operator.issuer()).await;
    let alerts = council.node.partner_view(id).await.expect("the partner").alerts;
    assert!(alerts.iter().any(|alert| alert.card_changed), "people are told");

    let size = async || council.everything_readable().await.matches("card_renewed").count();
    assert_eq!(size().await, 1);
    world.pass(HOUR);
    council.node.refresh_step().await.expect("a step");
    assert_eq!(size().await, 1, "the same card again is no news");
    let record = operator.everything_readable().await;
    assert!(record.contains("card_issued") && record.contains("wrong_passphrase"));
    assert!(!record.contains(PASSPHRASE));
    let operator = operator.restart().await;
    assert_eq!(operator.node.card_version().map(|(version, _)| version), Some(2));
    operator.verify_ledger().await;
    council.verify_ledger().await;
}

/// The passphrase is typed for new keys anyway: a card that is due comes along, and none when none is due.
async fn replacing_keys_brings_a_new_card_along(on: On) {
    let world = World::new(on);
    let (operator, council) = (world.party("Operator").await, world.party("Council").await);
    world.pair(&operator, &council).await;
    let by = operator.administrator();
    let version = || operator.node.card_version().map(|(version, _)| version);
    operator.node.rotate(&by, PASSPHRASE, Rotation::Emergency { since: world.now() }).await.expect("replaced");
    assert_eq!(version(), Some(1), "nothing else had changed");
    renamed(&operator, "Operator Renamed").await;
    operator.node.rotate(&by, PASSPHRASE, Rotation::Emergency { since: world.now() }).await.expect("replaced");
    assert_eq!((version(), operator.node.card_is_current()), (Some(2), true));
    operator.node.rotation_step().await.expect("a step");
    world.pass(HOUR);
    council.node.refresh_step().await.expect("a step");
    assert_eq!(known(&council, &operator).await.1, 2);
}

/// A partner suspended, or one whose published card is older, another identity's or nonsense, stays as it is.
async fn what_is_found_under_the_cards_address_changes_nothing_by_itself(on: On) {
    let world = World::new(on);
    let (operator, council) = (world.party("Operator").await, world.party("Council").await);
    world.pair(&operator, &council).await;
    renamed(&operator, "Operator Renamed").await;
    operator.node.issue_card(&operator.administrator(), PASSPHRASE).await.expect("issued");
    let id = council.partner_by(operator.issuer()).await;
    council.node.suspend(&council.administrator(), id, line("A story")).await.expect("suspended");
    world.pass(HOUR);
    council.node.refresh_step().await.expect("a step");
    let view = council.node.partner_view(id).await.expect("the partner");
    assert_eq!(view.card.expect("a card").version, 1, "nobody is asked while suspended");
    council.node.resume(&council.administrator(), id, line("A story")).await.expect("resumed");

    // Another node answers at its address, as after a theft of the name: another identity key.
    let thief = world.party("Operator").await;
    assert_eq!(thief.issuer(), operator.issuer());
    world.pass(HOUR);
    council.node.refresh_step().await.expect("a step");
    let view = council.node.partner_view(id).await.expect("the partner");
    assert_eq!((view.card.expect("a card").version, view.later), (1, None));
    assert!(!council.everything_readable().await.contains("card_renewed"));
    let by = council.administrator();
    let brought = council.node.import_card(&by, &thief.node.export_card(), None).await;
    assert!(matches!(brought, Err(DoorError::Pairing(PairingRefusal::OtherIdentity))), "{brought:?}");
}

/// A card dated ahead of our clock is not taken.
async fn a_card_from_the_future_is_none(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let council = tests::partner::Scripted::new("Council", "https://council.example");
    let now = world.now().unix_seconds();
    let by = operator.administrator();
    let early = operator.node.import_card(&by, &council.card(now + 301), None).await;
    assert!(matches!(early, Err(DoorError::Pairing(PairingRefusal::Card))), "{early:?}");
    operator.node.import_card(&by, &council.card(now + 299), None).await.expect("within what clocks differ");
}

/// The page says that the card is old, asks an administrator for the passphrase, and gives the new one out.
async fn the_card_is_issued_again_through_pages(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let mut visitor = Visitor::signed_in(address, &operator.email("administrator"), PASSWORD).await;
    assert!(!visitor.get("/our-card").await.text().contains("out of date"));
    renamed(&operator, "Operator Renamed").await;
    let page = visitor.get("/our-card").await.text();
    assert!(page.contains("out of date") && page.contains("/our-card/issue"), "{page}");
    let mut responder = Visitor::signed_in(address, &operator.email("responder"), PASSWORD).await;
    assert_eq!(responder.get("/our-card/issue").await.status, 403);

    let form = visitor.get("/our-card/issue").await.page();
    let mut fields = form.form("Issue the card").fields();
    for (typed, status) in [("", 422), ("not the right one", 422), (PASSPHRASE, 303)] {
        fields.retain(|(name, _)| name != "passphrase");
        fields.push(("passphrase".to_owned(), typed.to_owned()));
        let answer = visitor.post("/our-card/issue", &fields).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    let page = visitor.get("/our-card?issued=1").await.text();
    assert!(
        page.contains("The new card is made") && !page.contains("out of date") && page.contains("2, made"),
        "{page}"
    );
    let card = visitor.get("/our-card/file").await.text();
    assert_eq!(card, operator.node.export_card());
}
