//! Receipts (protocol §8, §22): made for one message, believed for one message.

use serde_json::{Value, json};
use webhooks::message::{Chain, Event, Head};
use webhooks::push::{PeerKeys, VerifiedSet};
use webhooks::receipt::{Expectation, NoReceipt, ReceiptError, Storing, VerifiedReceipt, build_receipt, check_receipt};
use webhooks::refusal::Refusal;
use webhooks::set::sign_set;
use webhooks::values::Digest;

use crate::kit::{
    A, B, JTI, NOW, forge, header_for, key, manifest_of, notice, receive, receive_at, signed, uuid, vector,
};

fn storing() -> Storing {
    Storing {
        jti: uuid("0199f6c2-6a00-7c11-8f00-000000000101"),
        stored_at: NOW + 2,
        chain: Chain::Ok,
        head: Head { seq: 1, payload_sha256: Some(vector("notified payload_sha256").parse().unwrap()) },
        missing: Vec::new(),
        checkpoint: "node-b.example/log\n1\n".to_owned(),
    }
}

/// The notice B received, and B's receipt for it.
fn exchange() -> (VerifiedSet, String) {
    let set = receive(&signed(&notice().to_string())).unwrap();
    let payload = build_receipt(&set, storing()).unwrap();
    let receipt = sign_set(&key("B signing"), &payload).octets;
    (set, receipt)
}

fn judge(token: &str, sent: &[Digest], now: i64) -> Result<VerifiedReceipt, ReceiptError> {
    let manifest = manifest_of("B");
    let peer = PeerKeys { issuer: B, manifest: manifest.get() };
    check_receipt(
        token.as_bytes(),
        &peer,
        A,
        &Expectation { jti: uuid(JTI), seq: Some(1), set_sha256: sent, first_attempt: NOW },
        now,
    )
}

/// The receipt with one thing changed, signed again by `signer`.
fn changed(signer: &str, change: impl FnOnce(&mut Value)) -> Result<VerifiedReceipt, ReceiptError> {
    let (set, receipt) = exchange();
    let payload = crate::kit::unb64(receipt.split('.').nth(1).unwrap());
    let mut payload: Value = serde_json::from_slice(&payload).unwrap();
    change(&mut payload);
    let token = forge(&header_for(signer), &payload.to_string(), signer);
    judge(&token, &[set.set_sha256()], NOW + 2)
}

fn body(payload: &mut Value) -> &mut Value {
    &mut payload["events"]["urn:tocsin:breach:1:receipt"]
}

#[test]
fn a_receipt_is_believed_for_its_message() {
    let (set, receipt) = exchange();
    let read = judge(&receipt, &[set.set_sha256()], NOW + 2).unwrap();
    assert_eq!(read.toe(), NOW + 2);
    assert_eq!(read.receipt().of.iss, A);
    assert_eq!(read.receipt().of.seq, Some(1));
    assert_eq!(read.set().octets(), receipt);
    // Any version ever transmitted will do.
    let versions = [Digest::of(b"older"), set.set_sha256()];
    assert!(judge(&receipt, &versions, NOW + 2).is_ok());
}

#[test]
fn a_receipt_for_another_message() {
    for answer in [
        changed("B signing", |p| {
            body(p)["of"]["jti"] = json!("0199f6c2-6a00-7c11-8f00-000000000002");
        }),
        changed("B signing", |p| body(p)["of"]["iss"] = json!(B)),
        changed("B signing", |p| body(p)["of"]["seq"] = json!(2)),
    ] {
        assert_eq!(answer.unwrap_err(), ReceiptError::OtherMessage);
    }
}

#[test]
fn a_receipt_for_other_octets() {
    let (_, receipt) = exchange();
    assert_eq!(judge(&receipt, &[Digest::of(b"other")], NOW + 2).unwrap_err(), ReceiptError::OtherOctets);
    assert_eq!(judge(&receipt, &[], NOW + 2).unwrap_err(), ReceiptError::OtherOctets);
}

#[test]
fn a_receipt_signed_by_another_peer() {
    assert_eq!(changed("A signing", |_| {}).unwrap_err(), ReceiptError::Refused(Refusal::UnknownKey));
    // B's kid, another's key.
    let (set, receipt) = exchange();
    let payload = crate::kit::unb64(receipt.split('.').nth(1).unwrap());
    let token = forge(&header_for("B signing"), &String::from_utf8(payload).unwrap(), "A signing");
    assert_eq!(judge(&token, &[set.set_sha256()], NOW + 2).unwrap_err(), ReceiptError::Refused(Refusal::BadSignature));
}

#[test]
fn a_moment_of_storage_that_cannot_be() {
    for toe in [NOW + 3_602, NOW + 303, NOW - 301] {
        let answer = changed("B signing", |p| p["toe"] = json!(toe));
        assert_eq!(answer.unwrap_err(), ReceiptError::ImpossibleTime);
    }
    for toe in [NOW + 302, NOW - 300] {
        assert!(changed("B signing", |p| p["toe"] = json!(toe)).is_ok());
    }
    let answer = changed("B signing", |p| {
        p.as_object_mut().unwrap().remove("toe");
    });
    assert_eq!(answer.unwrap_err(), ReceiptError::Refused(Refusal::BadClaim));
}

#[test]
fn a_status_that_is_not_stored() {
    for status in ["received", "Stored", ""] {
        let answer = changed("B signing", |p| body(p)["status"] = json!(status));
        assert_eq!(answer.unwrap_err(), ReceiptError::UnknownStatus);
    }
}

#[test]
fn a_receipt_for_another_addressee() {
    assert_eq!(
        changed("B signing", |p| p["aud"] = json!("https://node-c.example")).unwrap_err(),
        ReceiptError::Refused(Refusal::WrongAudience)
    );
}

#[test]
fn a_message_is_not_a_receipt() {
    assert_eq!(
        {
            let manifest = manifest_of("B");
            let peer = PeerKeys { issuer: B, manifest: manifest.get() };
            check_receipt(
                vector("acknowledged JWS").as_bytes(),
                &peer,
                A,
                &Expectation { jti: uuid(JTI), seq: Some(1), set_sha256: &[], first_attempt: NOW },
                NOW + 2_000,
            )
        }
        .unwrap_err(),
        ReceiptError::NotAReceipt
    );
}

#[test]
fn a_receipt_whose_body_is_broken() {
    for change in [
        |p: &mut Value| body(p)["chain"] = json!("rusty"),
        |p: &mut Value| body(p)["set_sha256"] = json!("short"),
        |p: &mut Value| body(p)["head"] = json!({ "seq": 1, "payload_sha256": null }),
        |p: &mut Value| body(p)["head"] = json!({ "seq": 0 }),
        |p: &mut Value| body(p)["missing"] = json!([1]),
        |p: &mut Value| body(p)["missing"] = json!(vec![1; 101]),
    ] {
        assert_eq!(changed("B signing", change).unwrap_err(), ReceiptError::Refused(Refusal::BadEvent));
    }
}

#[test]
fn no_receipt_answers_a_receipt() {
    let (_, receipt) = exchange();
    let manifest = manifest_of("B");
    let peer = PeerKeys { issuer: B, manifest: manifest.get() };
    let opened = webhooks::push::open(receipt.as_bytes()).unwrap();
    assert!(opened.claims_heartbeat_or_receipt());
    let set = webhooks::push::verify(&opened, &peer, A, NOW + 2).unwrap();
    assert_eq!(build_receipt(&set, storing()).unwrap_err(), NoReceipt::ForReceipt);
}

#[test]
fn a_heartbeat_gets_a_receipt_without_number_or_case() {
    let set = receive_at(&vector("heartbeat JWS"), 1_795_339_801).unwrap();
    let empty = Storing { stored_at: 1_795_339_801, head: Head { seq: 0, payload_sha256: None }, ..storing() };
    let payload = build_receipt(&set, empty).unwrap();
    let octets = sign_set(&key("B signing"), &payload).octets;
    let manifest = manifest_of("B");
    let peer = PeerKeys { issuer: B, manifest: manifest.get() };
    let read = check_receipt(
        octets.as_bytes(),
        &peer,
        A,
        &Expectation {
            jti: set.claims().jti,
            seq: None,
            set_sha256: &[set.set_sha256()],
            first_attempt: 1_795_339_800,
        },
        1_795_339_802,
    )
    .unwrap();
    assert_eq!(read.receipt().of.seq, None);
    assert_eq!(read.set().claims().txn, None);
    assert!(matches!(read.set().event(), Event::Receipt(_)));
}

#[test]
fn missing_numbers_are_the_lowest_hundred_in_order() {
    let set = receive(&signed(&notice().to_string())).unwrap();
    let storing = Storing {
        head: Head { seq: 500, payload_sha256: Some(Digest::of(b"x")) },
        missing: (2..300).rev().collect(),
        chain: Chain::Gap,
        ..storing()
    };
    let payload = build_receipt(&set, storing).unwrap();
    let payload: Value = serde_json::from_slice(&payload).unwrap();
    let missing = payload["events"]["urn:tocsin:breach:1:receipt"]["missing"].as_array().unwrap().clone();
    assert_eq!(missing.len(), 100);
    assert_eq!(missing[0], json!(2));
    assert_eq!(missing[99], json!(101));
}
