//! Polling (protocol §12): the token's rules, one by one; requests and answers as both sides read them.

use serde_json::{Value, json};
use webhooks::poll::{
    BadPoll, MAX_ANSWER, MAX_EVENTS, PollRequest, TokenFault, check_token, make_token, open_token, read_answer,
    write_answer,
};
use webhooks::push::PeerKeys;
use webhooks::refusal::PeerError;

use crate::kit::{A, B, JTI, NOW, forge, key, manifest_of, signed, uuid, vector};
use uuid::Uuid;

const POLL_URL: &str = "https://node-b.example/ssf/poll";

/// What B says to a token of A's, as it came in the header.
fn judged_at(authorization: &str, now: i64) -> Result<String, TokenFault> {
    let manifest = manifest_of("A");
    let opened = open_token(Some(authorization))?;
    let peer = PeerKeys { issuer: A, manifest: manifest.get() };
    check_token(&opened, &peer, POLL_URL, now).map(|caller| caller.jti().to_owned())
}

fn judged(authorization: &str) -> Result<String, TokenFault> {
    judged_at(authorization, NOW)
}

fn claims() -> Value {
    json!({ "iss": A, "aud": POLL_URL, "iat": NOW, "exp": NOW + 300, "jti": JTI })
}

fn header(typ: &str, signer: &str) -> String {
    format!(r#"{{"alg":"EdDSA","typ":"{typ}","kid":"{}"}}"#, key(signer).kid())
}

fn bearer(claims: &Value) -> String {
    format!("Bearer {}", forge(&header("node-auth+jwt", "A signing"), &claims.to_string(), "A signing"))
}

fn with(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims[name] = value;
    bearer(&claims)
}

/// The token of the vector file is what this code makes of its parts, and is good.
#[test]
fn the_published_token() {
    let made = make_token(&key("A signing"), A, POLL_URL, NOW, uuid(JTI));
    assert_eq!(made, vector("poll token A to B"));
    assert_eq!(judged(&format!("Bearer {made}")), Ok(JTI.to_owned()));
}

/// Scheme in any case; one audience, alone or in an array; a minute of skew on either side.
#[test]
fn good_tokens() {
    let token = bearer(&claims());
    assert!(judged(&token.replace("Bearer", "bearer")).is_ok());
    assert!(judged(&with("aud", json!([POLL_URL]))).is_ok());
    assert!(judged(&with("iat", json!(NOW + 60))).is_ok());
    assert!(judged_at(&token, NOW + 360).is_ok());
}

/// Every rule broken once.
#[test]
fn bad_tokens() {
    assert_eq!(open_token(None).err(), Some(TokenFault::Missing));
    assert_eq!(judged("Basic eDp5"), Err(TokenFault::Missing));
    assert_eq!(judged("Bearer x.y"), Err(TokenFault::Form));
    let token =
        |typ: &str, signer: &str| format!("Bearer {}", forge(&header(typ, signer), &claims().to_string(), signer));
    assert_eq!(judged(&token("secevent+jwt", "A signing")), Err(TokenFault::Form), "another type");
    assert_eq!(judged(&token("node-auth+jwt", "B signing")), Err(TokenFault::UnknownKey), "another peer's key");
    assert_eq!(judged(&token("node-auth+jwt", "A log")), Err(TokenFault::UnknownKey), "a key for another purpose");
    let lent = forge(&header("node-auth+jwt", "A signing"), &claims().to_string(), "B signing");
    assert_eq!(judged(&format!("Bearer {lent}")), Err(TokenFault::Signature));
    assert_eq!(judged(&with("iss", json!(B))), Err(TokenFault::UnknownKey), "B's own name");
    assert_eq!(judged(&with("aud", json!(B))), Err(TokenFault::Audience), "the issuer is no endpoint");
    assert_eq!(judged(&with("aud", json!([POLL_URL, B]))), Err(TokenFault::Audience));
    assert_eq!(judged(&with("iat", json!(NOW + 61))), Err(TokenFault::FromFuture));
    assert_eq!(judged(&with("exp", json!(NOW + 301))), Err(TokenFault::Claims), "too long");
    assert_eq!(judged(&with("exp", json!(NOW))), Err(TokenFault::Claims), "no time at all");
    for name in ["iat", "exp", "jti"] {
        assert_eq!(judged(&with(name, json!("x".repeat(256)))), Err(TokenFault::Claims), "{name}");
        assert_eq!(judged(&with(name, Value::Null)), Err(TokenFault::Claims), "{name}");
    }
    assert_eq!(judged_at(&bearer(&claims()), NOW + 361), Err(TokenFault::Expired));
}

/// A request is read as it was written; members left out have their defaults, numbers their bounds.
#[test]
fn requests() {
    let request = PollRequest {
        max_events: 7,
        return_immediately: true,
        ack: vec![uuid(JTI)],
        set_errs: vec![(uuid(JTI), PeerError::InvalidKey)],
    };
    assert_eq!(PollRequest::parse(&request.write(), true), Ok(request.clone()));
    assert!(PollRequest::parse(&request.write(), false).is_err(), "refusals need a language");
    assert_eq!(PollRequest::parse(b"{}", false), Ok(PollRequest::default()));
    let most = |number: Value| {
        PollRequest::parse(json!({ "maxEvents": number }).to_string().as_bytes(), false).map(|read| read.max_events)
    };
    assert_eq!([most(json!(0)), most(json!(101)), most(json!(u64::MAX))], [Ok(0), Ok(MAX_EVENTS), Ok(MAX_EVENTS)]);
    for bad in [json!(-1), json!(1.5), json!("1")] {
        assert!(most(bad).is_err());
    }
    let odd = json!({ "ack": ["x", JTI], "setErrs": { "x": { "err": "invalid_key" }, JTI: { "err": "teapot" } } });
    let read = PollRequest::parse(odd.to_string().as_bytes(), true).unwrap();
    assert_eq!(read.ack, [uuid(JTI)], "other ids are nobody's");
    assert_eq!(read.set_errs, [(uuid(JTI), PeerError::InvalidRequest)], "an error that we don't know");
    for bad in [
        &b"[]"[..],
        b"",
        b"{",
        b"{\"ack\":{}}",
        b"{\"ack\":[1]}",
        b"{\"returnImmediately\":1}",
        b"{\"ack\":[],\"ack\":[]}",
    ] {
        assert!(PollRequest::parse(bad, true).is_err(), "{}", String::from_utf8_lossy(bad));
    }
}

/// An answer keeps its order and its limit, and is read by the other side.
#[test]
fn answers() {
    let sets: Vec<_> = (1..=3_u128).map(|n| (Uuid::from_u128(n), format!("token-{n}"))).collect();
    let body = write_answer(&sets, false);
    assert!(body.find("token-1") < body.find("token-3"));
    let read = read_answer(body.as_bytes()).unwrap();
    assert_eq!((read.sets, read.more), (sets, false));
    assert_eq!(write_answer(&[], true), r#"{"sets":{},"moreAvailable":true}"#);

    let large: Vec<_> = (1..=20_u128).map(|n| (Uuid::from_u128(n), "a".repeat(65_536))).collect();
    let body = write_answer(&large, false);
    assert!(body.len() <= MAX_ANSWER);
    let read = read_answer(body.as_bytes()).unwrap();
    assert_eq!((read.sets.len(), read.more), (15, true));

    let many: Vec<_> = (1..=101_u128).map(|n| (Uuid::from_u128(n), "t".to_owned())).collect();
    assert!(read_answer(write_answer(&many, false).as_bytes()).is_err(), "more than anybody asks for");
    for bad in [&b"{}"[..], b"{\"sets\":[]}", b"{\"sets\":{\"x\":1}}", b"[]", b"<html>"] {
        assert_eq!(read_answer(bad), Err(BadPoll("not an answer to a poll")));
    }
    assert_eq!(read_answer(br#"{"sets":{"x":"t"}}"#).unwrap().sets, [], "an id of nobody's");
}

/// Messages come out in the order of their numbers, whatever their ids are; what states none comes last.
#[test]
fn order() {
    let numbered = |seq: u64| signed(&json!({ "events": { "x": { "seq": seq } } }).to_string());
    let sets: Vec<_> = [numbered(3), "token".to_owned(), numbered(1), numbered(2)]
        .into_iter()
        .zip(1_u128..)
        .map(|(token, id)| (Uuid::from_u128(id), token))
        .collect();
    let read = read_answer(write_answer(&sets, false).as_bytes()).unwrap().sets;
    let ids: Vec<u128> = read.iter().map(|(id, _)| id.as_u128()).collect();
    assert_eq!(ids, [3, 4, 1, 2]);
}
