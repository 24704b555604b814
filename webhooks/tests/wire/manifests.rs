//! Taking in a partner's key manifest (protocol §3, §22): what is refused, and what a later version may change.

use serde_json::{Value, json};
use webhooks::jose::TokenError;
use webhooks::keys::BadKey;
use webhooks::manifest::{ManifestError, Stored, Taken, take_in};

use crate::kit::{A, B, NOW, forge, key, manifest_of, public, vector};

fn payload() -> Value {
    serde_json::from_str(&vector("key manifest A payload")).unwrap()
}

fn sign(payload: &Value) -> String {
    sign_text(&payload.to_string())
}

fn sign_text(payload: &str) -> String {
    let header = format!(r#"{{"alg":"EdDSA","typ":"jwk-set+jwt","kid":"{}"}}"#, key("A identity").kid());
    forge(&header, payload, "A identity")
}

/// The answer when nothing is stored yet.
fn first(token: &str) -> Result<Taken, ManifestError> {
    take_in(None, token.as_bytes(), A, &public("A identity"), NOW)
}

/// The answer when the published version 1 is stored.
fn later(token: &str) -> Result<Taken, ManifestError> {
    let stored = manifest_of("A");
    let stored = Stored { manifest: stored.get(), octets: stored.octets() };
    take_in(Some(stored), token.as_bytes(), A, &public("A identity"), NOW)
}

#[track_caller]
fn refused(change: impl FnOnce(&mut Value), expected: ManifestError) {
    let mut payload = payload();
    change(&mut payload);
    assert_eq!(first(&sign(&payload)).unwrap_err(), expected);
}

/// Version 2 with one change.
#[track_caller]
fn refused_later(change: impl FnOnce(&mut Value), expected: ManifestError) {
    let mut payload = payload();
    payload["version"] = json!(2);
    change(&mut payload);
    assert_eq!(later(&sign(&payload)).unwrap_err(), expected);
}

#[test]
fn the_published_manifest_is_taken_in_once() {
    let octets = vector("key manifest A JWS");
    assert!(matches!(first(&octets), Ok(Taken::New(_))));
    assert!(matches!(later(&octets), Ok(Taken::Unchanged)));
}

#[test]
fn a_lower_version_or_other_octets_under_the_same_are_a_rollback() {
    let mut other = payload();
    other["iat"] = json!(1_795_000_001);
    assert_eq!(later(&sign(&other)).unwrap_err(), ManifestError::Rollback);
    let mut second = payload();
    second["version"] = json!(2);
    let second = sign(&second);
    let Taken::New(taken) = later(&second).unwrap() else {
        panic!("version 2 is new");
    };
    let stored = Stored { manifest: taken.get(), octets: taken.octets() };
    let back = take_in(Some(stored), vector("key manifest A JWS").as_bytes(), A, &public("A identity"), NOW);
    assert_eq!(back.unwrap_err(), ManifestError::Rollback);
}

#[test]
fn signed_by_anyone_but_the_pinned_identity() {
    let other = vector("key manifest B JWS");
    assert_eq!(first(&other).unwrap_err(), ManifestError::WrongIdentity);
    // The pinned name, another key.
    let header = format!(r#"{{"alg":"EdDSA","typ":"jwk-set+jwt","kid":"{}"}}"#, key("A identity").kid());
    let forged = forge(&header, &payload().to_string(), "A signing");
    assert!(matches!(first(&forged).unwrap_err(), ManifestError::Signature(_)));
}

#[test]
fn a_token_of_another_type_is_no_manifest() {
    assert_eq!(first(&vector("party card JWS")).unwrap_err(), ManifestError::Token(TokenError::BadType));
}

#[test]
fn another_issuer_or_a_future_one() {
    refused(|m| m["iss"] = json!(B), ManifestError::WrongIssuer);
    refused(|m| m["iat"] = json!(NOW + 301), ManifestError::FromFuture);
    let mut soon = payload();
    soon["iat"] = json!(NOW + 300);
    assert!(first(&sign(&soon)).is_ok());
}

#[test]
fn keys_that_are_no_keys() {
    let x = |text: String| move |m: &mut Value| m["keys"][0]["x"] = json!(text);
    let bad = ManifestError::Key;
    refused(x(vector("weak key x")), bad(BadKey::Weak));
    refused(x("8P_______________________________________38".to_owned()), bad(BadKey::NotCanonical));
    refused(x(crate::kit::b64(&[9; 31])), bad(BadKey::Form));
    refused(x(crate::kit::b64(&[9; 33])), bad(BadKey::Form));
}

#[test]
fn a_name_that_is_not_the_thumbprint() {
    let other = key("B signing").kid().to_owned();
    refused(|m| m["keys"][0]["kid"] = json!(other), ManifestError::KeyName);
}

#[test]
fn a_private_key_published() {
    refused(|m| m["keys"][0]["d"] = json!("secret"), ManifestError::PrivateKey);
}

#[test]
fn members_missing_or_wrong() {
    for (name, value) in [
        ("kty", json!("EC")),
        ("crv", json!("X25519")),
        ("use", json!("enc")),
        ("alg", json!("ES256")),
        ("nbf", json!("1795000000")),
        ("exp", json!(1.5)),
        ("iat", json!(null)),
        ("node_use", json!(1)),
        ("revoked", json!({ "reason": "bored", "revoked_at": 1 })),
        ("revoked", json!(true)),
    ] {
        refused(|m| m["keys"][0][name] = value, ManifestError::Shape);
    }
    for name in ["kty", "crv", "x", "kid", "use", "alg", "iat", "nbf", "exp"] {
        refused(
            |m| {
                m["keys"][0].as_object_mut().unwrap().remove(name);
            },
            ManifestError::Shape,
        );
    }
    for (name, value) in [
        ("version", json!(0)),
        ("version", json!("1")),
        ("keys", json!({})),
        ("keys", json!([1])),
        ("iss", json!(null)),
        ("iat", json!(-1)),
    ] {
        refused(|m| m[name] = value, ManifestError::Shape);
    }
}

#[test]
fn a_duplicate_member_anywhere() {
    let doubled = payload().to_string().replacen("\"kty\"", "\"kty\":\"OKP\",\"kty\"", 1);
    assert!(matches!(first(&sign_text(&doubled)).unwrap_err(), ManifestError::Payload(_)));
}

#[test]
fn a_validity_that_ends_before_it_begins_or_lasts_too_long() {
    refused(|m| m["keys"][0]["exp"] = m["keys"][0]["nbf"].clone(), ManifestError::Validity);
    refused(|m| m["keys"][0]["exp"] = json!(1_829_560_001), ManifestError::Validity);
}

#[test]
fn a_key_listed_twice_or_too_many_keys() {
    refused(
        |m| {
            let first = m["keys"][0].clone();
            m["keys"].as_array_mut().unwrap().push(first);
        },
        ManifestError::KeyList,
    );
    refused(|m| m["keys"] = json!(vec![m["keys"][0].clone(); 101]), ManifestError::KeyList);
}

#[test]
fn a_later_version_may_add_a_key_end_one_early_and_revoke_one() {
    let mut second = payload();
    second["version"] = json!(2);
    second["keys"][0]["exp"] = json!(1_800_000_000);
    second["keys"][0]["revoked"] = json!({ "revoked_at": NOW, "reason": "compromised", "compromised_since": NOW - 60 });
    let added = key("B signing");
    let mut entry = second["keys"][1].clone();
    entry.as_object_mut().unwrap().remove("node_use");
    entry["x"] = json!(added.public().x());
    entry["kid"] = json!(added.kid());
    second["keys"].as_array_mut().unwrap().push(entry);
    let Taken::New(taken) = later(&sign(&second)).unwrap() else {
        panic!("version 2 is new");
    };
    assert_eq!(taken.get().keys.len(), 3);
    assert!(taken.get().key_for_set(added.kid(), NOW).is_ok());
    // What it revoked stays revoked in version 3.
    let stored = Stored { manifest: taken.get(), octets: taken.octets() };
    second["version"] = json!(3);
    second["keys"][0].as_object_mut().unwrap().remove("revoked");
    let back = take_in(Some(stored), sign(&second).as_bytes(), A, &public("A identity"), NOW);
    assert_eq!(back.unwrap_err(), ManifestError::RevocationGone);
}

#[test]
fn a_later_version_may_not_lose_change_or_extend_a_key() {
    refused_later(
        |m| {
            m["keys"].as_array_mut().unwrap().remove(0);
        },
        ManifestError::KeyVanished,
    );
    refused_later(
        |m| {
            m["keys"][0]["nbf"] = json!(1_795_000_001);
        },
        ManifestError::KeyChanged,
    );
    // One key, one purpose: a log key does not become a message key.
    refused_later(
        |m| {
            m["keys"][1].as_object_mut().unwrap().remove("node_use");
        },
        ManifestError::KeyChanged,
    );
    let mut shorter = payload();
    shorter["keys"][0]["exp"] = json!(1_820_000_000);
    let stored = first(&sign(&shorter)).unwrap();
    let Taken::New(stored) = stored else { panic!("nothing was stored") };
    let mut longer = payload();
    longer["version"] = json!(2);
    let answer = take_in(
        Some(Stored { manifest: stored.get(), octets: stored.octets() }),
        sign(&longer).as_bytes(),
        A,
        &public("A identity"),
        NOW,
    );
    assert_eq!(answer.unwrap_err(), ManifestError::KeyExtended);
}

#[test]
fn a_purpose_of_a_later_protocol_is_kept_and_never_used() {
    let mut newer = payload();
    newer["keys"][0]["node_use"] = json!("witness");
    let Taken::New(taken) = first(&sign(&newer)).unwrap() else { panic!("nothing was stored") };
    assert!(taken.get().key_for_set(key("A signing").kid(), NOW).is_err());
}

#[test]
fn the_plain_set_lists_keys_good_now() {
    let manifest = manifest_of("A");
    let listed: Value = serde_json::from_str(&manifest.get().plain_jwk_set(NOW)).unwrap();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 2);
    let later: Value = serde_json::from_str(&manifest.get().plain_jwk_set(1_900_000_000)).unwrap();
    assert_eq!(later["keys"], json!([]));
}
