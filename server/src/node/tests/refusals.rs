use domain::values::CaseId;
use uuid::Uuid;
use webhooks::message::{Event, Message, MessageKind, Person};
use webhooks::refusal::Refusal;
use webhooks::set::{Claims, build_payload, sign_set};

use super::kit::{ALICE, BORIS, Party, World, noon};
use crate::node::execute::LOG_FORM;
use crate::node::pairing::{Confirmation, PairingRefusal};
use crate::node::receive::{Incoming, Received};
use crate::node::{DoorError, Node};
use crate::store::StoreError;

/// A sequenced message signed by Alice's own key: what a partner of the same make could send.
pub(super) fn message(from: &Node, seq: u64, jti: u128, text: &str) -> Vec<u8> {
    let case = CaseId::from_uuid(Uuid::from_u128(77)).to_string();
    let claims = Claims {
        iss: ALICE.to_owned(),
        aud: BORIS.to_owned(),
        iat: from.now().unix_seconds(),
        jti: Uuid::from_u128(jti),
        txn: Some(case.clone()),
        sub_id: case,
        toe: Some(from.now().unix_seconds()),
    };
    let event = Event::Message(Message {
        seq,
        prev: None,
        checkpoint: String::new(),
        kind: MessageKind::Question,
        text: text.to_owned(),
        re: None,
        due_at: None,
        received_at: None,
        by: Person { name: "A. Person".to_owned(), role: "responder".to_owned() },
        exercise: false,
    });
    let payload = build_payload(&claims, &event).unwrap();
    sign_set(from.keys().set(), &payload).octets.into_bytes()
}

pub(super) async fn push(to: &Party, octets: &[u8]) -> Received {
    to.node.receive(Incoming { octets: octets.to_vec() }).await
}

/// Aim: a message sent a thousand times is one row and one receipt.
#[tokio::test]
async fn a_thousand_repeats_are_one_message() {
    let world = World::paired().await;
    let octets = message(&world.alice.node, 1, 1, "Are you affected?");
    let first = push(&world.boris, &octets).await;
    assert!(matches!(first, Received::Accepted { .. }), "{first:?}");
    let size = |party: &Party| {
        let store = party.node.store().clone();
        async move { store.write(noon(), |turn| Ok::<_, StoreError>(turn.ledger_size())).await.unwrap() }
    };
    let before = size(&world.boris).await;
    for _ in 0..1_000 {
        assert_eq!(push(&world.boris, &octets).await, first);
    }
    assert_eq!(size(&world.boris).await, before, "nothing was appended");
}

/// Aim: the same id with another payload, and the same number with another id, are refused, kept and alerted.
#[tokio::test]
async fn conflicts_are_refused() {
    let world = World::paired().await;
    let first = message(&world.alice.node, 1, 1, "Are you affected?");
    assert!(matches!(push(&world.boris, &first).await, Received::Accepted { .. }));
    let other_payload = message(&world.alice.node, 1, 1, "Are you not affected?");
    assert_eq!(push(&world.boris, &other_payload).await, Received::Refused(Refusal::JtiConflict));
    let other_id = message(&world.alice.node, 1, 2, "Are you affected?");
    assert_eq!(push(&world.boris, &other_id).await, Received::Refused(Refusal::SeqConflict));
}

/// Aim: a gap is accepted, stated in the receipt, and closed by the missing message.
#[tokio::test]
async fn a_gap_is_recorded_and_never_refused() {
    let world = World::paired().await;
    let third = push(&world.boris, &message(&world.alice.node, 3, 3, "third")).await;
    let Received::Accepted { receipt } = third else { panic!("{third:?}") };
    let token = webhooks::jose::CompactToken::parse(receipt.as_bytes(), webhooks::jose::TokenType::Set).unwrap();
    let stated = String::from_utf8(token.payload().to_vec()).unwrap();
    assert!(stated.contains(r#""chain":"gap""#) && stated.contains(r#""missing":[1,2]"#), "{stated}");
    for (seq, jti) in [(1, 1), (2, 2)] {
        assert!(matches!(
            push(&world.boris, &message(&world.alice.node, seq, jti, "earlier")).await,
            Received::Accepted { .. }
        ));
    }
}

/// Aim: unknown, merely imported, suspended and ended peers are turned away by their class only.
#[tokio::test]
async fn peers_that_are_not_active_are_turned_away() {
    let world = World::paired().await;
    let octets = message(&world.alice.node, 1, 1, "Are you affected?");
    let by = world.boris.administrator();
    let alice = world.boris.node.partners().await.unwrap()[0].id;
    world.boris.node.suspend(&by, alice, super::kit::line("A test")).await.unwrap();
    assert_eq!(push(&world.boris, &octets).await, Received::Refused(Refusal::PeerNotActive));
    world.boris.node.resume(&by, alice, super::kit::line("A test")).await.unwrap();
    assert!(matches!(push(&world.boris, &octets).await, Received::Accepted { .. }));
    world.boris.node.end_pairing(&by, alice, super::kit::line("A test")).await.unwrap();
    assert_eq!(push(&world.boris, &octets).await, Received::Refused(Refusal::PeerNotActive));
    let carol = Party::new("Carol", "https://carol.example", &world.time, &world.network).await;
    let stranger = carol.node.receive(Incoming { octets: octets.clone() }).await;
    assert_eq!(stranger, Received::Refused(Refusal::UnknownIssuer));
    carol.node.import_card(&carol.administrator(), &world.alice.node.export_card(), None).await.unwrap();
    let imported = carol.node.receive(Incoming { octets }).await;
    assert_eq!(imported, Received::Refused(Refusal::PeerNotActive));
}

/// Aim: a message to somebody else, and one with a flipped bit, are refused without a trace.
#[tokio::test]
async fn wrong_audience_and_broken_signatures_are_refused() {
    let world = World::paired().await;
    let octets = message(&world.alice.node, 1, 1, "Are you affected?");
    let at_alice = push(&world.alice, &octets).await;
    assert_eq!(at_alice, Received::Refused(Refusal::UnknownIssuer), "nobody is a peer of itself");
    let mut broken = octets;
    let last = broken.len() - 2;
    broken[last] = if broken[last] == b'A' { b'B' } else { b'A' };
    assert_eq!(push(&world.boris, &broken).await, Received::Refused(Refusal::BadSignature));
    assert_eq!(push(&world.boris, b"no token").await, Received::Refused(Refusal::MalformedToken));
}

/// Aim: three wrong tries lock a card, and nobody confirms alone by accident.
#[tokio::test]
async fn wrong_digits_lock_the_card() {
    let world = World::paired().await;
    let carol = Party::new("Carol", "https://carol.example", &world.time, &world.network).await;
    let by = world.alice.administrator();
    let node = &world.alice.node;
    let id = node.import_card(&by, &carol.node.export_card(), None).await.unwrap();
    let line = super::kit::line;
    let type_in =
        async |digits: String| node.type_fingerprint(&by, id, &digits, line("by telephone"), line("C.")).await;
    type_in(carol.node.fingerprint()).await.unwrap();
    let alone = node.confirm(&by, id, Confirmation::SecondPerson).await;
    assert!(matches!(alone, Err(DoorError::Pairing(PairingRefusal::SecondPersonNeeded))));
    // The digits of another party are wrong ones.
    for left in [2, 1] {
        let refused = type_in(node.fingerprint()).await;
        assert!(matches!(refused, Err(DoorError::Pairing(PairingRefusal::WrongDigits { left: l })) if l == left));
    }
    assert!(matches!(type_in(node.fingerprint()).await, Err(DoorError::Pairing(PairingRefusal::Locked))));
    assert!(matches!(type_in(carol.node.fingerprint()).await, Err(DoorError::Pairing(PairingRefusal::Locked))));
    let later = node.confirm(&by, id, Confirmation::OnePerson).await;
    assert!(matches!(later, Err(DoorError::Pairing(PairingRefusal::WrongStep))));
}

/// Aim: a form of somebody else's keeps nothing for us, and too many drafts are said to be too many: no fault of ours.
#[tokio::test]
async fn drafts_that_are_not_kept() {
    let world = World::paired().await;
    let node = &world.alice.node;
    let alice = world.alice.signed_in();
    let other = crate::access::SignedIn::new(
        domain::values::PersonId::from_uuid(Uuid::from_u128(5)),
        super::kit::line("B. Person"),
        vec![domain::values::Role::Responder],
    );
    let form = node.make_form(&alice, LOG_FORM).await.unwrap();
    node.keep_draft(&alice, form, LOG_FORM, b"mine".to_vec()).await.unwrap();
    let theirs = node.keep_draft(&other, form, LOG_FORM, b"theirs".to_vec()).await;
    assert!(matches!(theirs, Err(DoorError::FormUnknown)), "{theirs:?}");
    assert_eq!(node.draft(&alice, form).await.unwrap().unwrap().content, b"mine");
    let mut last = Ok(());
    for number in 0..crate::store::forms::DRAFTS_MAX {
        let id = Uuid::from_u128(u128::from(number));
        last = node.keep_draft(&alice, id, LOG_FORM, Vec::new()).await;
    }
    assert!(matches!(last, Err(DoorError::Invalid(_))), "{last:?}");
}

/// Aim: a forged key manifest, or a copy of the known one, leaves no trace; else anybody could keep us from looking for a
/// partner's new keys.
#[tokio::test]
async fn manifests_that_anybody_can_post_leave_no_trace() {
    let world = World::paired().await;
    let node = &world.boris.node;
    let before = node.partners().await.unwrap();
    world.time.advance(std::time::Duration::from_secs(400));
    let copy = world.alice.node.manifest().into_bytes();
    let mut forged = copy.clone();
    let last = forged.len() - 2;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    assert_eq!(node.receive_keys(Incoming { octets: copy }).await, Received::AcceptedNoReceipt);
    assert_eq!(node.receive_keys(Incoming { octets: forged }).await, Received::Refused(Refusal::BadSignature));
    assert_eq!(node.partners().await.unwrap(), before);
    assert!(node.store().read(|rows| crate::store::alerts::open(rows, 10)).await.unwrap().is_empty());
}

/// Aim: of two lists of keys with one number, judged at the same time, one is taken in and the other is refused.
#[tokio::test]
async fn lists_judged_at_once_still_continue_each_other() {
    use crate::node::pairing::NotTaken;
    use crate::store::partners::{self, KeyPurpose};

    let world = World::paired().await;
    let (alice, boris) = (&world.alice.node, &world.boris.node);
    let sealed = alice.store().read(|rows| partners::own_key(rows, KeyPurpose::Identity)).await.unwrap().unwrap().seed;
    let identity = crate::node::keys::open_identity(&sealed, "a passphrase for tests").unwrap();
    let before = boris.store().read(|rows| partners::by_issuer(rows, ALICE)).await.unwrap().unwrap();
    let mut list = alice.keys().manifest().clone();
    list.version += 1;
    let one = list.sign(&identity);
    list.iat += 1;
    let other = list.sign(&identity);
    boris.take_manifest(&before, one.as_bytes()).await.unwrap();
    boris.take_manifest(&before, one.as_bytes()).await.unwrap();
    let refused = boris.take_manifest(&before, other.as_bytes()).await;
    assert!(matches!(refused, Err(NotTaken::Refused(_))), "{refused:?}");
    let after = boris.store().read(|rows| partners::by_issuer(rows, ALICE)).await.unwrap().unwrap();
    assert_eq!(after.manifest.as_deref(), Some(one.as_str()));
}
