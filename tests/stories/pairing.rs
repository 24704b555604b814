//! Two parties come to trust each other: by digits that travelled another way, and in whatever order people get to it.

use std::time::Duration;

use server::node::DoorError;
use server::node::pairing::{Confirmation, PairingRefusal};
use tests::node::{World, line};
use tests::partner::Scripted;
use tests::{On, both};

both!(
    one_side_may_be_hours_earlier,
    wrong_digits_lock_the_card,
    another_administrator_confirms,
    another_identity_key_is_another_ceremony,
);

/// One side finishes its ceremony hours before the other: the pairing becomes active soon after the second is done.
async fn one_side_may_be_hours_earlier(on: On) {
    let world = World::new(on);
    let (operator, council) = (world.party("Operator").await, world.party("Council").await);
    operator.trust(council.node.export_card(), &council.node.fingerprint()).await;
    for _ in 0..12 {
        world.settle(&[&operator, &council]).await;
        world.pass(Duration::from_secs(900));
    }
    assert!(!operator.is_active(&council).await, "only one side has compared digits");
    council.trust(operator.node.export_card(), &operator.node.fingerprint()).await;
    for _ in 0..3 {
        world.settle(&[&operator, &council]).await;
        world.pass(Duration::from_secs(30));
    }
    assert!(operator.is_active(&council).await && council.is_active(&operator).await);
}

/// Three wrong tries lock the card, the digits of another party among them; the right ones come too late then.
async fn wrong_digits_lock_the_card(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let now = world.now().unix_seconds();
    let council = Scripted::new("Council", "https://council.example");
    let borough = Scripted::new("Borough", "https://borough.example");
    let by = operator.administrator();
    let id = operator.node.import_card(&by, &council.card(now)).await.expect("taken");
    let typed = async |digits: &str| {
        operator.node.type_fingerprint(&by, id, digits, line("telephone"), line("Their administrator")).await
    };
    let mut one_off = council.fingerprint().into_bytes();
    one_off[0] = if one_off[0] == b'0' { b'1' } else { b'0' };
    let one_off = String::from_utf8(one_off).expect("digits");
    for (digits, left) in [(one_off, 2), (borough.fingerprint(), 1)] {
        let wrong = typed(&digits).await;
        assert!(
            matches!(wrong, Err(DoorError::Pairing(PairingRefusal::WrongDigits { left: tries })) if tries == left),
            "{wrong:?}"
        );
    }
    let last = typed("").await;
    assert!(matches!(last, Err(DoorError::Pairing(PairingRefusal::Locked))), "{last:?}");
    let late = typed(&council.fingerprint()).await;
    assert!(matches!(late, Err(DoorError::Pairing(PairingRefusal::Locked))), "{late:?}");
}

/// Who typed the digits can't confirm them, unless one-person pairing was chosen expressly.
async fn another_administrator_confirms(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let council = Scripted::new("Council", "https://council.example");
    let by = operator.administrator();
    let id = operator.node.import_card(&by, &council.card(world.now().unix_seconds())).await.expect("taken");
    let early = operator.node.confirm(&by, id, Confirmation::OnePerson).await;
    assert!(matches!(early, Err(DoorError::Pairing(PairingRefusal::WrongStep))), "nothing was typed: {early:?}");
    let digits = council.fingerprint();
    operator.node.type_fingerprint(&by, id, &digits, line("telephone"), line("Them")).await.expect("right");
    let same = operator.node.confirm(&by, id, Confirmation::SecondPerson).await;
    assert!(matches!(same, Err(DoorError::Pairing(PairingRefusal::SecondPersonNeeded))), "{same:?}");
    operator.node.confirm(&operator.second_administrator(), id, Confirmation::SecondPerson).await.expect("confirmed");
}

/// A later card with another identity key, and a card signed by another key, are refused.
async fn another_identity_key_is_another_ceremony(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let now = world.now().unix_seconds();
    let (council, impostor) =
        (Scripted::new("Council", "https://council.example"), Scripted::new("Impostor", "https://council.example"));
    let by = operator.administrator();
    operator.trust(&council.card(now), &council.fingerprint()).await;
    let swapped = operator.node.import_card(&by, &impostor.card(now)).await;
    assert!(matches!(swapped, Err(DoorError::Pairing(PairingRefusal::OtherIdentity))), "{swapped:?}");
    let mut parts: Vec<String> = council.card(now).split('.').map(str::to_owned).collect();
    parts[2] = impostor.card(now).rsplit('.').next().expect("a signature").to_owned();
    let forged = operator.node.import_card(&by, &parts.join(".")).await;
    assert!(matches!(forged, Err(DoorError::Pairing(PairingRefusal::Card))), "{forged:?}");
}
