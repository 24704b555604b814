//! Protocol §22, claims: one line, one test, one code; and what is accepted on purpose.

use serde_json::{Value, json};
use webhooks::refusal::Refusal;

use crate::kit::{A, B, NOW, answer, notice, receive, receive_at, signed, with, without};

#[track_caller]
fn refused(payload: &Value, expected: Refusal) {
    assert_eq!(answer(payload).unwrap_err(), expected);
}

#[track_caller]
fn refused_text(payload: &str, expected: Refusal) {
    assert_eq!(receive(&signed(payload)).unwrap_err(), expected);
}

#[test]
fn no_issuer() {
    refused(&without("iss"), Refusal::UnknownIssuer);
    refused(&with("iss", json!(7)), Refusal::UnknownIssuer);
    refused(&with("iss", json!("")), Refusal::UnknownIssuer);
}

#[test]
fn another_issuer_is_not_the_peer_whose_keys_were_looked_up() {
    refused(&with("iss", json!(B)), Refusal::UnknownIssuer);
    refused(&with("iss", json!("https://node-a.example/")), Refusal::UnknownIssuer);
}

#[test]
fn no_audience() {
    refused(&without("aud"), Refusal::WrongAudience);
}

#[test]
fn an_audience_of_two() {
    refused(&with("aud", json!([B, A])), Refusal::WrongAudience);
    refused(&with("aud", json!([B, B])), Refusal::WrongAudience);
    refused(&with("aud", json!([])), Refusal::WrongAudience);
    refused(&with("aud", json!([[B]])), Refusal::WrongAudience);
}

#[test]
fn another_audience() {
    for aud in [
        json!(A),
        json!(""),
        json!(null),
        json!("https://node-b.example/"),
        json!("https://Node-b.example"),
        json!({ "a": B }),
    ] {
        refused(&with("aud", aud), Refusal::WrongAudience);
    }
}

#[test]
fn exp_nbf_or_sub_present() {
    for name in ["exp", "nbf", "sub"] {
        refused(&with(name, json!(NOW + 1)), Refusal::BadClaim);
        refused(&with(name, json!(null)), Refusal::BadClaim);
    }
}

#[test]
fn iat_as_text_or_fraction() {
    for iat in [json!("1795253400"), json!(1_795_253_400.5), json!(null), json!(-1), json!(u64::MAX)] {
        refused(&with("iat", iat), Refusal::BadClaim);
    }
    refused(&without("iat"), Refusal::BadClaim);
    let spelt = notice().to_string().replace(&format!("\"iat\":{NOW}"), &format!("\"iat\":{NOW}.0"));
    refused_text(&spelt, Refusal::BadClaim);
}

#[test]
fn iat_301_seconds_ahead() {
    refused(&with("iat", json!(NOW + 301)), Refusal::IssuedInFuture);
}

#[test]
fn iat_299_and_300_seconds_ahead_are_accepted() {
    for ahead in [299, 300] {
        assert!(answer(&with("iat", json!(NOW + ahead))).is_ok());
    }
}

#[test]
fn iat_thirty_days_old_is_accepted() {
    let old = NOW - 2_592_000;
    let mut payload = with("iat", json!(old));
    // A clock starts no later than its message was made.
    payload["events"]["urn:tocsin:breach:1:notified"]["clock"]["at"] = json!("2026-10-01T00:00:00Z");
    assert!(answer(&payload).is_ok());
}

#[test]
fn jti_in_upper_case_or_huge_or_another_spelling() {
    for jti in [
        json!("0199F6C2-6A00-7C11-8F00-000000000001"),
        json!("0199f6c26a007c118f00000000000001"),
        json!("{0199f6c2-6a00-7c11-8f00-000000000001}"),
        json!("urn:uuid:0199f6c2-6a00-7c11-8f00-000000000001"),
        json!("0199f6c2-6a00-7c11-8f00-00000000000"),
        json!("4d3559ec"),
        json!(""),
        json!(1),
    ] {
        refused(&with("jti", jti), Refusal::BadClaim);
    }
    refused(&without("jti"), Refusal::BadClaim);
}

#[test]
fn a_jti_of_a_megabyte_makes_no_token() {
    // Longer than a token may be: refused before anything in it is read.
    refused(&with("jti", json!("a".repeat(1_048_576))), Refusal::MalformedToken);
}

#[test]
fn two_events_or_none() {
    refused(&without("events"), Refusal::BadClaim);
    refused(&with("events", json!({})), Refusal::BadClaim);
    refused(&with("events", json!([])), Refusal::BadClaim);
    let mut two = notice();
    two["events"]["urn:tocsin:breach:1:message"] = json!({});
    refused(&two, Refusal::BadClaim);
}

#[test]
fn an_event_that_is_no_object() {
    for body in [json!(null), json!("x"), json!([])] {
        refused(&with("events", json!({ "urn:tocsin:breach:1:notified": body })), Refusal::BadClaim);
    }
}

/// The payload cannot be read, so nobody is known to have sent it (protocol §7 step 7).
#[test]
fn a_duplicate_member_inside_events() {
    let doubled = notice().to_string().replacen("\"seq\":1", "\"seq\":1,\"seq\":2", 1);
    refused_text(&doubled, Refusal::UnknownIssuer);
    let name = "\"urn:tocsin:breach:1:notified\":";
    let twice = notice().to_string().replacen(name, &format!("{name}{{}},{name}"), 1);
    refused_text(&twice, Refusal::UnknownIssuer);
}

#[test]
fn depth_sixteen_passes_and_seventeen_does_not() {
    let payload = |levels: usize| {
        // The payload's own object is the first level.
        let deep = format!("{}{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        notice().to_string().replacen('{', &format!("{{\"deep\":{deep},"), 1)
    };
    assert!(receive(&signed(&payload(16))).is_ok());
    refused_text(&payload(17), Refusal::UnknownIssuer);
}

#[test]
fn a_payload_that_is_no_plain_object() {
    for payload in ["[]", "\"x\"", "1", "null", "{} {}", "{", "\u{feff}{}"] {
        refused_text(payload, Refusal::UnknownIssuer);
    }
}

#[test]
fn the_case_is_named_twice_alike() {
    refused(&without("txn"), Refusal::BadClaim);
    refused(&with("txn", json!("")), Refusal::BadClaim);
    refused(&with("txn", json!("x".repeat(256))), Refusal::BadClaim);
    refused(&without("sub_id"), Refusal::BadClaim);
    for sub_id in [
        json!("0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e21"),
        json!({ "format": "opaque", "id": "another" }),
        json!({ "format": "email", "email": "a@example.org" }),
        json!({ "id": "0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e21" }),
        json!({ "format": "opaque" }),
    ] {
        refused(&with("sub_id", sub_id), Refusal::BadClaim);
    }
}

#[test]
fn toe_is_a_whole_number() {
    for toe in [json!("1795253400"), json!(1.5), json!(null)] {
        refused(&with("toe", toe), Refusal::BadClaim);
    }
}

#[test]
fn a_heartbeat_names_the_stream_and_no_case() {
    let heartbeat: Value = serde_json::from_str(&crate::kit::vector("heartbeat payload")).unwrap();
    let at = 1_795_339_800;
    let take = |payload: &Value| receive_at(&signed(&payload.to_string()), at).map(|_| ());
    assert_eq!(take(&heartbeat), Ok(()));
    let mut with_case = heartbeat.clone();
    with_case["txn"] = json!(crate::kit::CASE);
    assert_eq!(take(&with_case), Err(Refusal::BadClaim));
    let mut other_stream = heartbeat.clone();
    other_stream["sub_id"]["id"] = json!("00000000000000000000000000000000");
    assert_eq!(take(&other_stream), Err(Refusal::BadClaim));
    // A generic transmitter: its state is ignored, our members are not demanded.
    let mut generic = heartbeat;
    generic["events"] = json!({ "https://schemas.openid.net/secevent/ssf/event-type/verification": { "state": "x" } });
    assert_eq!(take(&generic), Ok(()));
}

#[test]
fn an_audience_in_an_array_of_one_is_accepted() {
    assert!(answer(&with("aud", json!([B]))).is_ok());
}

#[test]
fn unknown_claims_are_accepted_and_stay_in_the_octets() {
    let token = signed(&with("weather", json!({ "sky": "grey" })).to_string());
    let set = receive(&token).unwrap();
    assert_eq!(set.octets(), token);
}

#[test]
fn unknown_events_and_broken_bodies_come_back_authentic() {
    let unknown = with("events", json!({ "urn:tocsin:breach:1:sung": {} }));
    refused(&unknown, Refusal::UnknownEvent);
    refused(&with("events", json!({ "urn:example:other": {} })), Refusal::UnknownEvent);

    let mut broken = notice();
    broken["events"]["urn:tocsin:breach:1:notified"]["title"] = json!("");
    let token = signed(&broken.to_string());
    let manifest = crate::kit::manifest_of("A");
    let peer = webhooks::push::PeerKeys { issuer: A, manifest: manifest.get() };
    let opened = webhooks::push::open(token.as_bytes()).unwrap();
    let rejected = webhooks::push::verify(&opened, &peer, B, NOW).unwrap_err();
    assert_eq!(rejected.refusal, Refusal::BadEvent);
    let authentic = rejected.authentic.unwrap();
    assert_eq!(authentic.claims().jti.to_string(), crate::kit::JTI);
    assert_eq!(authentic.event_name(), "urn:tocsin:breach:1:notified");
    assert_eq!(authentic.octets(), token);
    assert_eq!(rejected.rule, Some("a title is 1 to 200 characters"));
}

#[test]
fn the_first_failing_check_answers() {
    // Wrong in every way at once; mended one by one, in the order of protocol §7.
    let mut payload = with("aud", json!(A));
    payload["iat"] = json!("soon");
    payload["events"] = json!({ "urn:tocsin:breach:1:sung": {} });
    let bad_header = crate::kit::header().replacen('{', "{\"x\":\"y\",", 1);
    let token = crate::kit::forge(&bad_header, &payload.to_string(), "B signing");
    assert_eq!(receive_at(&token, 0).unwrap_err(), Refusal::BadHeader);
    let token = crate::kit::forge(&crate::kit::header(), &payload.to_string(), "B signing");
    assert_eq!(receive_at(&token, 0).unwrap_err(), Refusal::KeyNotYetValid);
    assert_eq!(receive(&token).unwrap_err(), Refusal::BadSignature);
    refused(&payload, Refusal::WrongAudience);
    payload["aud"] = json!(B);
    refused(&payload, Refusal::BadClaim);
    payload["iat"] = json!(NOW + 1_000);
    refused(&payload, Refusal::IssuedInFuture);
    payload["iat"] = json!(NOW);
    refused(&payload, Refusal::UnknownEvent);
}
