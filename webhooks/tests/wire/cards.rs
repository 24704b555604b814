//! Party cards (protocol §15, §22): self-signed, and what a later card may change.

use serde_json::{Value, json};
use webhooks::card::{Card, CardError, IdentityKey, NoReplacement, Replacement, may_replace, parse_self_signed};
use webhooks::keys::{BadKey, fingerprint_matches};
use webhooks::values::Schemes;

use crate::kit::{A, B, forge, key, public, vector};

fn payload() -> Value {
    serde_json::from_str(&vector("party card payload")).unwrap()
}

fn sign(payload: &Value, signer: &str) -> String {
    let header = format!(r#"{{"alg":"EdDSA","typ":"party-card+jwt","kid":"{}"}}"#, key(signer).kid());
    forge(&header, &payload.to_string(), signer)
}

fn read(payload: &Value) -> Result<Card, CardError> {
    parse_self_signed(sign(payload, "A identity").as_bytes(), Schemes::HttpsOnly)
        .map(webhooks::jose::Verified::into_inner)
}

#[track_caller]
fn refused(name: &str, value: Value, expected: CardError) {
    let mut card = payload();
    card[name] = value;
    assert_eq!(read(&card).unwrap_err(), expected, "{name}");
}

#[test]
fn a_card_signed_by_another_key_is_refused() {
    let other = sign(&payload(), "B identity");
    assert_eq!(parse_self_signed(other.as_bytes(), Schemes::HttpsOnly).unwrap_err(), CardError::OtherKey);
    let header = format!(r#"{{"alg":"EdDSA","typ":"party-card+jwt","kid":"{}"}}"#, key("A identity").kid());
    let forged = forge(&header, &payload().to_string(), "B identity");
    assert!(matches!(parse_self_signed(forged.as_bytes(), Schemes::HttpsOnly).unwrap_err(), CardError::Signature(_)));
}

#[test]
fn a_card_has_its_members() {
    for (name, value) in [
        ("version", json!(0)),
        ("version", json!("1")),
        ("iat", json!(-1)),
        ("name", json!("")),
        ("name", json!("x".repeat(201))),
        ("serve", json!({})),
        ("country", json!("gb")),
        ("country", json!("GBR")),
        ("hosting", json!("x".repeat(201))),
        ("contacts", json!([{ "email": "a@b.example" }])),
        ("contacts", json!([{ "role": "" }])),
        ("identity_key", json!({ "kty": "EC", "crv": "Ed25519", "x": "" })),
    ] {
        refused(name, value, CardError::Shape);
    }
    refused(
        "identity_key",
        json!({ "kty": "OKP", "crv": "Ed25519", "x": vector("weak key x") }),
        CardError::Key(BadKey::Weak),
    );
}

#[test]
fn a_card_names_secure_addresses() {
    for (name, value) in [
        ("iss", json!("http://node-a.example")),
        ("iss", json!("https://node-a.example/")),
        ("receive", json!({ "push": "http://node-a.example/ssf/events" })),
        ("receive", json!({ "push": "https://u:p@node-a.example/" })),
        ("serve", json!({ "keys": "https://node-a.example/#x" })),
        ("serve", json!({ "keys": "gopher://node-a.example/" })),
    ] {
        refused(name, value, CardError::Address);
    }
    let mut local = payload();
    local["iss"] = json!("http://127.0.0.1:8080");
    local["receive"] = json!({ "push": "http://127.0.0.1:8080/ssf/events" });
    let token = sign(&local, "A identity");
    assert!(parse_self_signed(token.as_bytes(), Schemes::HttpsOrLoopback).is_ok());
    assert!(parse_self_signed(token.as_bytes(), Schemes::HttpsOnly).is_err());
}

#[test]
fn optional_members_travel() {
    let mut card = payload();
    card["country"] = json!("GB");
    card["hosting"] = json!("own machines in Leeds");
    card["receive"] = json!({});
    card["unknown"] = json!({ "kept": "in the octets" });
    let read = read(&card).unwrap();
    assert_eq!(read.country.as_deref(), Some("GB"));
    assert_eq!(read.hosting.as_deref(), Some("own machines in Leeds"));
    assert_eq!(read.receive.push, None);
}

#[test]
fn digits_belong_to_one_party() {
    let identity = public("A identity");
    let digits = vector("fingerprint A");
    assert!(fingerprint_matches(&digits, A, identity.thumbprint()));
    let wrong = digits.replacen('7', "8", 1);
    assert!(!fingerprint_matches(&wrong, A, identity.thumbprint()));
    assert!(!fingerprint_matches(&vector("fingerprint B"), A, identity.thumbprint()));
}

#[test]
fn a_later_card_keeps_the_identity() {
    let old = read(&payload()).unwrap();
    let newer = |change: &dyn Fn(&mut Card)| {
        let mut card = old.clone();
        card.version = 2;
        change(&mut card);
        may_replace(&old, &card)
    };
    assert_eq!(newer(&|card| card.contacts.clear()), Ok(Replacement::AtOnce));
    assert_eq!(newer(&|card| card.receive.push = None), Ok(Replacement::NeedsPerson));
    assert_eq!(
        newer(&|card| card.serve.keys = "https://else.example/jwks.jwt".to_owned()),
        Ok(Replacement::NeedsPerson)
    );
    assert_eq!(newer(&|card| card.version = 1), Err(NoReplacement::NotNewer));
    assert_eq!(
        newer(&|card| card.identity_key = IdentityKey::of(&public("B identity"))),
        Err(NoReplacement::OtherIdentity)
    );
    assert_eq!(newer(&|card| card.iss = B.to_owned()), Err(NoReplacement::OtherIssuer));
}

#[test]
fn a_card_is_not_signed_for_another_identity_or_when_it_would_be_refused() {
    let card = read(&payload()).unwrap();
    assert_eq!(card.sign(&key("B identity"), Schemes::HttpsOnly).unwrap_err(), CardError::OtherKey);
    let mut nameless = card;
    nameless.name.clear();
    assert_eq!(nameless.sign(&key("A identity"), Schemes::HttpsOnly).unwrap_err(), CardError::Shape);
}
