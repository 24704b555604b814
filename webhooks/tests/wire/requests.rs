//! The edges of a push (protocol §7, §9): what a request must look like, what a refusal says, what an answer means.

use webhooks::carrier::{NotReached, Outcome};
use webhooks::push::{Answer, MEDIA_TYPE, PeerRefusal, check_request, classify, parse_error};
use webhooks::refusal::{PeerError, Refusal};

const TYPE: Option<&str> = Some("application/secevent+jwt");

#[test]
fn a_request_is_checked_in_order() {
    assert_eq!(check_request(MEDIA_TYPE, "POST", TYPE, None, Some(65_536)), Ok(()));
    assert_eq!(check_request(MEDIA_TYPE, "POST", TYPE, None, None), Ok(()));
    for (method, content_type, encoding, length, expected) in [
        ("GET", None, Some("gzip"), Some(65_537), Refusal::MethodNotAllowed),
        ("post", TYPE, None, None, Refusal::MethodNotAllowed),
        ("POST", None, Some("gzip"), Some(65_537), Refusal::TooLarge),
        ("POST", None, Some("gzip"), Some(1), Refusal::ContentEncoding),
        ("POST", TYPE, Some("identity"), None, Refusal::ContentEncoding),
        ("POST", None, None, None, Refusal::MediaType),
        ("POST", Some("application/jwt"), None, None, Refusal::MediaType),
        ("POST", Some("application/secevent+jwtx"), None, None, Refusal::MediaType),
        ("POST", Some(""), None, None, Refusal::MediaType),
    ] {
        assert_eq!(check_request(MEDIA_TYPE, method, content_type, encoding, length), Err(expected));
    }
}

#[test]
fn each_door_has_its_media_type() {
    let manifest = "application/jwk-set+jwt";
    assert_eq!(check_request(manifest, "POST", Some(manifest), None, None), Ok(()));
    assert_eq!(check_request(manifest, "POST", TYPE, None, None), Err(Refusal::MediaType));
}

#[test]
fn media_types_may_be_upper_case_and_have_parameters() {
    for content_type in
        ["Application/SecEvent+JWT", "application/secevent+jwt; charset=utf-8", "application/secevent+jwt ;x=y"]
    {
        assert_eq!(check_request(MEDIA_TYPE, "POST", Some(content_type), None, None), Ok(()));
    }
}

/// The table of protocol §7, by hand.
#[test]
fn every_refusal_has_its_answer() {
    let table = [
        (405, None, "method_not_allowed"),
        (413, None, "too_large"),
        (415, None, "content_encoding"),
        (415, None, "media_type"),
        (429, None, "rate_limited"),
        (400, Some("invalid_request"), "malformed_token"),
        (400, Some("invalid_request"), "bad_header"),
        (400, Some("invalid_request"), "bad_algorithm"),
        (400, Some("invalid_request"), "bad_type"),
        (400, Some("invalid_issuer"), "unknown_issuer"),
        (400, Some("access_denied"), "peer_not_active"),
        (400, Some("invalid_key"), "unknown_key"),
        (400, Some("invalid_key"), "key_expired"),
        (400, Some("invalid_key"), "key_revoked"),
        (400, Some("invalid_key"), "key_not_yet_valid"),
        (400, Some("invalid_key"), "bad_signature"),
        (400, Some("invalid_audience"), "wrong_audience"),
        (400, Some("invalid_request"), "bad_claim"),
        (400, Some("invalid_request"), "issued_in_future"),
        (400, Some("invalid_request"), "jti_conflict"),
        (400, Some("invalid_request"), "unknown_event"),
        (400, Some("invalid_request"), "bad_event"),
        (400, Some("invalid_request"), "seq_conflict"),
        (503, None, "storage_failed"),
    ];
    assert_eq!(table.len(), Refusal::ALL.len());
    for (refusal, (status, err, code)) in Refusal::ALL.into_iter().zip(table) {
        assert_eq!(refusal.http_status(), status);
        assert_eq!(refusal.err().map(PeerError::name), err);
        assert_eq!(refusal.code(), code);
        assert_eq!(Refusal::from_code(code), Some(refusal));
        assert_eq!(refusal.json_body().is_some(), status == 400);
        // What we write, the other side reads.
        if let Some(body) = refusal.json_body() {
            assert_eq!(parse_error(body.as_bytes()), refusal.err().map(|err| PeerRefusal { err, code: Some(refusal) }));
        }
    }
}

#[test]
fn the_published_body_of_a_refusal() {
    assert_eq!(
        Refusal::KeyRevoked.json_body().unwrap(),
        r#"{"err":"invalid_key","description":"The signing key is not acceptable.","code":"key_revoked"}"#
    );
}

fn answered(status: u16, receipt: Option<&str>, body: &str) -> Answer {
    classify(&Outcome::Answered {
        status,
        receipt_header: receipt.map(str::to_owned),
        retry_after: None,
        date: None,
        body: body.as_bytes().to_vec(),
    })
}

/// The table of protocol §9.
#[test]
fn every_answer_has_its_class() {
    assert_eq!(answered(202, Some("a.b.c"), ""), Answer::Receipt("a.b.c".to_owned()));
    for status in [200, 202, 204] {
        assert_eq!(answered(status, None, ""), Answer::Unconfirmed);
    }
    for status in [301, 302, 304, 307, 308] {
        assert_eq!(answered(status, Some("a.b.c"), ""), Answer::Redirected);
    }
    for status in [408, 425, 429, 500, 501, 502, 503, 505, 511, 599] {
        assert_eq!(answered(status, None, ""), Answer::Retryable);
    }
    for status in [401, 403, 404, 405, 410, 421, 451] {
        assert_eq!(answered(status, None, ""), Answer::WrongAddress);
    }
    for status in [402, 406, 413, 415, 418, 431, 199, 600] {
        assert_eq!(answered(status, None, ""), Answer::Intermediary);
    }
    for class in [
        NotReached::Dns,
        NotReached::Refused,
        NotReached::Tls,
        NotReached::Timeout,
        NotReached::AddressForbidden,
        NotReached::ResponseTooLarge,
        NotReached::Other,
    ] {
        assert_eq!(classify(&Outcome::not_reached(class)), Answer::Retryable, "{class:?}");
    }
}

#[test]
fn only_a_known_word_from_the_peer_counts_as_its_refusal() {
    assert_eq!(
        answered(400, None, r#"{"err":"invalid_key","code":"a stranger's code"}"#),
        Answer::Refused(PeerRefusal { err: PeerError::InvalidKey, code: None })
    );
    for err in [
        "invalid_request",
        "invalid_key",
        "invalid_issuer",
        "invalid_audience",
        "authentication_failed",
        "access_denied",
    ] {
        let body = format!(r#"{{"err":"{err}","description":"x"}}"#);
        assert!(matches!(answered(400, None, &body), Answer::Refused(_)));
    }
    for body in [
        "",
        "<html>Bad Request</html>",
        "{}",
        r#"{"err":"invented"}"#,
        r#"{"err":null}"#,
        r#"["invalid_key"]"#,
        r#"{"err":"invalid_key","err":"access_denied"}"#,
    ] {
        assert_eq!(answered(400, None, body), Answer::Intermediary, "{body}");
    }
}

#[test]
fn outcomes_and_parcels_do_not_print_what_they_carry() {
    let parcel = webhooks::carrier::Parcel::push("https://b.example/ssf/events", "secret.token.x");
    assert!(!format!("{parcel:?}").contains("secret"));
    let outcome = Outcome::Answered {
        status: 202,
        receipt_header: Some("secret.receipt.x".to_owned()),
        retry_after: None,
        date: None,
        body: b"secret".to_vec(),
    };
    assert!(!format!("{outcome:?}").contains("secret"));
}
