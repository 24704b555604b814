//! Every published value of protocol §21 that belongs to tokens, keys, receipts, fingerprints and checkpoints, made again
//! from its inputs.

use std::collections::BTreeMap;

use webhooks::card::{IdentityKey, parse_self_signed};
use webhooks::checkpoint::{origin_of, sign_checkpoint, verifier_key, verify_checkpoint};
use webhooks::jose::{self, CompactToken, TokenType};
use webhooks::keys::{KeyUse, fingerprint, fingerprint_matches, stream_id};
use webhooks::message::{Event, Head, Verification};
use webhooks::push::{PeerKeys, open, verify};
use webhooks::receipt::{Expectation, check_receipt};
use webhooks::refusal::Refusal;
use webhooks::set::{build_payload, heartbeat_claims, sign_set};
use webhooks::values::{Digest, Schemes};

use crate::kit::{A, B, JTI, NOW, key, manifest_of, public, uuid, vector, vectors};

/// Name, type, key.
const TOKENS: [(&str, TokenType, &str); 10] = [
    ("key manifest A", TokenType::Manifest, "A identity"),
    ("key manifest B", TokenType::Manifest, "B identity"),
    ("notified", TokenType::Set, "A signing"),
    ("receipt", TokenType::Set, "B signing"),
    ("updated", TokenType::Set, "A signing"),
    ("withdrawn", TokenType::Set, "A signing"),
    ("acknowledged", TokenType::Set, "B signing"),
    ("heartbeat", TokenType::Set, "A signing"),
    ("party card", TokenType::Card, "A identity"),
    ("poll token", TokenType::PollToken, "B signing"),
];

#[test]
fn every_token_is_made_again_octet_for_octet() {
    for (name, typ, signer) in TOKENS {
        let payload = vector(&format!("{name} payload"));
        let token = jose::sign(typ, &key(signer), payload.as_bytes());
        assert_eq!(token, vector(&format!("{name} JWS")), "{name}");
    }
}

#[test]
fn every_token_parses_verifies_and_hashes_as_published() {
    for (name, typ, signer) in TOKENS {
        let octets = vector(&format!("{name} JWS"));
        let token = CompactToken::parse(octets.as_bytes(), typ).unwrap();
        assert_eq!(token.octets(), octets);
        assert_eq!(token.kid(), key(signer).kid());
        assert_eq!(token.payload(), vector(&format!("{name} payload")).as_bytes());
        assert!(jose::verify(&token, &public(signer)).is_ok(), "{name}");
        assert!(jose::verify(&token, &public("A log")).is_err(), "{name}");
        assert_eq!(Digest::of(token.payload()).to_string(), vector(&format!("{name} payload_sha256")));
        assert_eq!(Digest::of(octets.as_bytes()).to_string(), vector(&format!("{name} set_sha256")));
    }
}

#[test]
fn every_key_has_its_public_half_and_its_name() {
    for name in ["A identity", "A signing", "B identity", "B signing", "A log"] {
        let known = &vectors()[format!("key {name}")];
        assert_eq!(key(name).public().x(), known["x"].as_str().unwrap());
        assert_eq!(key(name).kid(), known["thumbprint"].as_str().unwrap());
    }
}

#[test]
fn fingerprints_and_stream_ids() {
    for (party, issuer) in [("A", A), ("B", B)] {
        let identity = key(&format!("{party} identity"));
        let digits = vector(&format!("fingerprint {party}"));
        assert_eq!(fingerprint(issuer, identity.kid()), digits);
        assert!(fingerprint_matches(&digits, issuer, identity.kid()));
    }
    assert_eq!(stream_id(A, B), vector("stream_id A to B"));
    assert_ne!(stream_id(B, A), stream_id(A, B));
}

#[test]
fn manifests_say_what_they_say() {
    for party in ["A", "B"] {
        let taken = manifest_of(party);
        let manifest = taken.get();
        assert_eq!(manifest.version, 1);
        assert_eq!(manifest.keys.len(), 2);
        let signing = key(&format!("{party} signing"));
        assert_eq!(manifest.key_for_set(signing.kid(), NOW).unwrap(), signing.public());
        assert_eq!(manifest.keys[1].node_use, Some(KeyUse::Log));
        // Written again from what was read.
        assert_eq!(manifest.payload(), vector(&format!("key manifest {party} payload")));
        assert_eq!(manifest.sign(&key(&format!("{party} identity"))), vector(&format!("key manifest {party} JWS")));
    }
    assert_eq!(manifest_of("A").get().log_key(), Some(&public("A log")));
}

#[test]
fn the_card_is_read_and_made_again() {
    let octets = vector("party card JWS");
    let card = parse_self_signed(octets.as_bytes(), Schemes::HttpsOnly).unwrap();
    assert_eq!(card.get().name, "Party A");
    assert_eq!(card.get().identity_key, IdentityKey::of(&public("A identity")));
    let again = card.get().sign(&key("A identity"), Schemes::HttpsOnly).unwrap();
    assert_eq!(again, octets);
}

/// The published minimal notices verify as messages; the schema asks for more than they carry.
#[test]
fn minimal_notices_are_authentic_and_then_bad_events() {
    let manifest = manifest_of("A");
    let peer = PeerKeys { issuer: A, manifest: manifest.get() };
    for name in ["notified", "updated"] {
        let opened = open(vector(&format!("{name} JWS")).as_bytes()).unwrap();
        assert_eq!(opened.iss(), A);
        let rejected = verify(&opened, &peer, B, NOW + 100_000).unwrap_err();
        assert_eq!(rejected.refusal, Refusal::BadEvent);
        let authentic = rejected.authentic.unwrap();
        assert_eq!(authentic.payload_sha256().to_string(), vector(&format!("{name} payload_sha256")));
        assert_eq!(authentic.set_sha256().to_string(), vector(&format!("{name} set_sha256")));
    }
}

/// Read as a message, built again from what was read, signed again: the same octets.
#[test]
fn the_other_messages_go_all_the_way_round() {
    let parties: BTreeMap<&str, &str> = BTreeMap::from([("A", A), ("B", B)]);
    for (name, sender, receiver) in
        [("withdrawn", "A", "B"), ("acknowledged", "B", "A"), ("heartbeat", "A", "B"), ("receipt", "B", "A")]
    {
        let manifest = manifest_of(sender);
        let peer = PeerKeys { issuer: parties[sender], manifest: manifest.get() };
        let octets = vector(&format!("{name} JWS"));
        let opened = open(octets.as_bytes()).unwrap();
        let set = verify(&opened, &peer, parties[receiver], NOW + 100_000).unwrap();
        let payload = build_payload(set.claims(), set.event()).unwrap();
        assert_eq!(String::from_utf8(payload.clone()).unwrap(), vector(&format!("{name} payload")));
        let again = sign_set(&key(&format!("{sender} signing")), &payload);
        assert_eq!(again.octets, octets);
        assert_eq!(again.set_sha256, set.set_sha256());
        assert_eq!(again.payload_sha256, set.payload_sha256());
    }
}

#[test]
fn the_heartbeat_is_built_from_its_parts() {
    let claims = heartbeat_claims(A, B, 1_795_339_800, uuid("0199f6c2-6a00-7c11-8f00-000000000009"));
    let event = Event::Verification(Verification {
        head: Some(Head { seq: 2, payload_sha256: Some(vector("updated payload_sha256").parse().unwrap()) }),
        checkpoint: Some(first_checkpoint("notified", "A")),
    });
    let payload = build_payload(&claims, &event).unwrap();
    assert_eq!(payload, vector("heartbeat payload").as_bytes());
}

#[test]
fn the_receipt_is_believed_by_the_sender_of_the_notice() {
    let octets = vector("receipt JWS");
    assert_eq!(octets.len().to_string(), vector("receipt bytes"));
    let manifest = manifest_of("B");
    let peer = PeerKeys { issuer: B, manifest: manifest.get() };
    let receipt = check_receipt(
        octets.as_bytes(),
        &peer,
        A,
        &Expectation {
            jti: uuid(JTI),
            seq: Some(1),
            set_sha256: &[vector("notified set_sha256").parse().unwrap()],
            first_attempt: NOW,
        },
        NOW + 2,
    )
    .unwrap();
    assert_eq!(receipt.toe(), NOW + 2);
    assert_eq!(receipt.receipt().head.seq, 1);
}

/// The checkpoint inside a vector's event.
fn first_checkpoint(name: &str, party: &str) -> String {
    let payload: serde_json::Value = serde_json::from_str(&vector(&format!("{name} payload"))).unwrap();
    let events = payload["events"].as_object().unwrap();
    let note = events.values().next().unwrap()["checkpoint"].as_str().unwrap().to_owned();
    assert!(note.starts_with(&format!("node-{}.example/log\n1\n", party.to_lowercase())));
    note
}

#[test]
fn checkpoints_are_made_and_verified_as_published() {
    let origin = origin_of(A);
    let log = key("A log");
    assert_eq!(verifier_key(&origin, log.public()), vector("vkey"));
    let note = vector("checkpoint");
    let read = verify_checkpoint(&note, &origin, log.public()).unwrap();
    assert_eq!(read.size, 3);
    assert_eq!(sign_checkpoint(&origin, 3, &read.root, &log), note);
    // Those that travelled in messages, under the log key of each party's manifest.
    for (name, party, issuer) in [("notified", "A", A), ("receipt", "B", B)] {
        let note = first_checkpoint(name, party);
        let manifest = manifest_of(party);
        let key = manifest.get().log_key().unwrap();
        let read = verify_checkpoint(&note, &origin_of(issuer), key).unwrap();
        assert_eq!(read.size, 1);
    }
}

#[test]
fn a_checkpoint_with_a_witness_line_is_still_verified() {
    let note = format!("{}{}", vector("checkpoint"), with_end(&vector("cosignature line")));
    assert!(verify_checkpoint(&note, &origin_of(A), &public("A log")).is_ok());
}

fn with_end(line: &str) -> String {
    format!("{}\n", line.trim_end())
}

#[test]
fn a_checkpoint_changed_anywhere_is_not_believed() {
    let note = vector("checkpoint");
    let key = public("A log");
    let origin = origin_of(A);
    for at in 0..note.len() {
        let mut octets = note.clone().into_bytes();
        octets[at] ^= 1;
        if let Ok(changed) = String::from_utf8(octets) {
            assert!(verify_checkpoint(&changed, &origin, &key).is_err(), "octet {at}");
        }
    }
    for other in [
        String::new(),
        "\n\n\n".to_owned(),
        note.replace('\n', "\r\n"),
        note.trim_end().to_owned(),
        note.replacen("\n3\n", "\n03\n", 1),
        format!("{note}\n"),
        "x".repeat(9_000),
    ] {
        assert!(verify_checkpoint(&other, &origin, &key).is_err());
    }
    assert!(verify_checkpoint(&note, &origin_of(B), &key).is_err());
    assert!(verify_checkpoint(&note, &origin, &public("A signing")).is_err());
}
