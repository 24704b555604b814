//! Protocol §21 and §22, keys: published names, and what is refused on import and on arrival.

use webhooks::keys::{BadKey, PublicKey};
use webhooks::manifest::{Manifest, RevocationReason, Revoked};
use webhooks::refusal::Refusal;

use crate::kit::{NOW, forge, header_for, manifest_of, notice, public, receive_at, receive_with, signed, vector, with};

/// RFC 8037 A.3.
#[test]
fn the_thumbprint_of_the_rfc() {
    let key = PublicKey::from_x("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
    assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn small_order_keys_are_refused_on_import() {
    assert_eq!(PublicKey::from_x(&vector("weak key x")), Err(BadKey::Weak));
    // All eight points of small order, by their canonical encodings.
    for hex in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ] {
        assert_eq!(PublicKey::from_octets(&octets(hex)), Err(BadKey::Weak), "{hex}");
    }
}

#[test]
fn non_canonical_keys_are_refused_on_import() {
    assert_eq!(PublicKey::from_x("8P_______________________________________38"), Err(BadKey::NotCanonical));
    for hex in [
        // p, p + 1, and x = 0 with the sign bit set.
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ] {
        assert_eq!(PublicKey::from_octets(&octets(hex)), Err(BadKey::NotCanonical), "{hex}");
    }
}

#[test]
fn octets_that_are_no_point_are_refused_on_import() {
    let mut octets = [0_u8; 32];
    octets[0] = 2;
    assert_eq!(PublicKey::from_octets(&octets), Err(BadKey::NotCanonical));
}

#[test]
fn keys_of_another_length_or_spelling_are_refused_on_import() {
    let x = public("A signing").x();
    for other in [
        String::new(),
        crate::kit::b64(&[7; 31]),
        crate::kit::b64(&[7; 33]),
        format!("{x}="),
        x.replace('-', "+"),
        format!(" {x}"),
    ] {
        assert_eq!(PublicKey::from_x(&other), Err(BadKey::Form), "{other}");
    }
}

fn octets(hex: &str) -> [u8; 32] {
    let octets: Vec<u8> = (0..64).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
    octets.try_into().unwrap()
}

/// A's manifest with its signing key changed by hand.
fn changed(change: impl FnOnce(&mut Manifest)) -> Manifest {
    let mut manifest = manifest_of("A").into_inner();
    change(&mut manifest);
    manifest
}

#[test]
fn the_kid_of_another_peer_is_unknown() {
    // B's own key, correctly used, under A's name.
    let token = forge(&header_for("B signing"), &notice().to_string(), "B signing");
    assert_eq!(receive_at(&token, NOW).unwrap_err(), Refusal::UnknownKey);
}

#[test]
fn a_kid_in_no_manifest_is_unknown() {
    let token = forge(&header_for("A identity"), &notice().to_string(), "A identity");
    assert_eq!(receive_at(&token, NOW).unwrap_err(), Refusal::UnknownKey);
}

#[test]
fn a_log_key_signs_no_messages() {
    let token = forge(&header_for("A log"), &notice().to_string(), "A log");
    assert_eq!(receive_at(&token, NOW).unwrap_err(), Refusal::UnknownKey);
}

#[test]
fn a_key_of_unknown_purpose_signs_no_messages() {
    let manifest = changed(|manifest| manifest.keys[0].node_use = None);
    let refusal = receive_with(&signed(&notice().to_string()), &manifest, NOW).unwrap_err();
    assert_eq!(refusal, Refusal::UnknownKey);
}

#[test]
fn an_expired_key_is_refused_whatever_iat_says() {
    let end = manifest_of("A").get().keys[0].exp;
    let token = signed(&with("iat", (NOW - 86_400).into()).to_string());
    // The clock in the body must not be after iat: any refusal but the key's would show the order wrong.
    assert_eq!(receive_at(&token, end + 301).unwrap_err(), Refusal::KeyExpired);
    let token = signed(&notice().to_string());
    assert!(receive_at(&token, end + 300).is_ok());
}

#[test]
fn a_revoked_key_is_refused() {
    let manifest = changed(|manifest| {
        manifest.keys[0].revoked = Some(Revoked {
            revoked_at: NOW + 1_000_000,
            reason: RevocationReason::Superseded,
            compromised_since: None,
        });
    });
    let token = signed(&notice().to_string());
    assert_eq!(receive_with(&token, &manifest, NOW).unwrap_err(), Refusal::KeyRevoked);
}

#[test]
fn a_key_is_refused_before_its_beginning() {
    let begin = manifest_of("A").get().keys[0].nbf;
    let token = signed(&with("iat", begin.into()).to_string());
    assert_eq!(receive_at(&token, begin - 301).unwrap_err(), Refusal::KeyNotYetValid);
    // 300 s of skew are allowed; now the body is judged, whose clock starts after this iat.
    assert_eq!(receive_at(&token, begin - 300).unwrap_err(), Refusal::BadEvent);
}

#[test]
fn a_key_may_sign_again_what_was_made_before_it() {
    let manifest = changed(|manifest| manifest.keys[0].nbf = NOW + 86_400);
    let token = signed(&notice().to_string());
    assert!(receive_with(&token, &manifest, NOW + 90_000).is_ok());
}
