//! The real carrier against real sockets on this machine (protocol §9, §17, §20).

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use webhooks::address_guard::Cidr;
use webhooks::carrier::{Carrier as _, NotReached, Outcome, Parcel, RetryAfter};
use webhooks::http::{Options, ReqwestCarrier};
use webhooks::push::{Answer, classify};
use wiremock::matchers::{any, body_string, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn carrier(loopback_http: bool) -> ReqwestCarrier {
    ReqwestCarrier::new(&Options { trusted_roots: Vec::new(), loopback_http, user_agent: "tocsin-test".to_owned() })
        .unwrap()
}

async fn answer_with(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    server
}

async fn push_to(server: &MockServer) -> Outcome {
    let url = format!("{}/ssf/events", server.uri());
    carrier(true).carry(&Parcel::push(&url, "a.b.c")).await
}

#[track_caller]
fn class(outcome: &Outcome) -> NotReached {
    match outcome {
        Outcome::NotReached { class, detail } => {
            assert_eq!(*detail, class.detail());
            *class
        }
        Outcome::Answered { status, .. } => panic!("answered {status}"),
    }
}

/// Sends these octets to the first who asks, and then whatever `more` says for as long as they listen.
fn raw_server(head: &'static [u8], more: &[u8], times: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let more = more.to_vec();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 4096];
        let _ = stream.read(&mut asked);
        let _ = stream.write_all(head);
        for _ in 0..times {
            if stream.write_all(&more).is_err() {
                return;
            }
        }
    });
    port
}

#[tokio::test]
async fn a_push_carries_its_octets_and_brings_the_receipt() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/ssf/events"))
        .and(header("content-type", "application/secevent+jwt"))
        .and(header("accept", "application/json"))
        .and(header("user-agent", "tocsin-test"))
        .and(body_string("a.b.c"))
        .respond_with(
            ResponseTemplate::new(202)
                .insert_header("Security-Event-Receipt", "d.e.f")
                .insert_header("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        )
        .expect(1)
        .mount(&server)
        .await;
    let outcome = push_to(&server).await;
    assert_eq!(
        outcome,
        Outcome::Answered {
            status: 202,
            receipt_header: Some("d.e.f".to_owned()),
            retry_after: None,
            date: Some(784_111_777),
            body: Vec::new(),
        }
    );
}

#[tokio::test]
async fn a_refusal_brings_its_body_and_retry_after() {
    let server = answer_with(
        ResponseTemplate::new(429).insert_header("Retry-After", "120").set_body_string("{\"err\":\"access_denied\"}"),
    )
    .await;
    let Outcome::Answered { status, retry_after, body, .. } = push_to(&server).await else {
        panic!("a server answered");
    };
    assert_eq!(status, 429);
    assert_eq!(retry_after, Some(RetryAfter::Seconds(120)));
    assert_eq!(body, b"{\"err\":\"access_denied\"}");
}

#[tokio::test]
async fn two_receipts_are_none() {
    let server = answer_with(
        ResponseTemplate::new(202)
            .append_header("Security-Event-Receipt", "d.e.f")
            .append_header("Security-Event-Receipt", "g.h.i"),
    )
    .await;
    let Outcome::Answered { receipt_header, .. } = push_to(&server).await else {
        panic!("a server answered");
    };
    assert_eq!(receipt_header, None);
}

#[tokio::test]
async fn a_redirect_is_reported_and_not_followed() {
    let elsewhere = MockServer::start().await;
    let server =
        answer_with(ResponseTemplate::new(307).insert_header("Location", format!("{}/x", elsewhere.uri()))).await;
    let outcome = push_to(&server).await;
    assert!(matches!(outcome, Outcome::Answered { status: 307, .. }));
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_may_be_sixteen_kib_and_a_manifest_sixty_four() {
    for (octets, push_read, manifest_ok) in
        [(16_384, true, true), (16_385, false, true), (65_536, false, true), (65_537, false, false)]
    {
        let server = answer_with(ResponseTemplate::new(200).set_body_bytes(vec![b'x'; octets])).await;
        // Of a longer answer to a message the status is left: a page of a gateway is no network error.
        let pushed = push_to(&server).await;
        let Outcome::Answered { status: 200, body, .. } = pushed else { panic!("{pushed:?}") };
        assert_eq!(body.len(), if push_read { octets } else { 0 });
        let url = format!("{}/jwks.jwt", server.uri());
        let fetched = carrier(true).carry(&Parcel::manifest_fetch(&url)).await;
        assert_eq!(matches!(fetched, Outcome::Answered { .. }), manifest_ok, "{octets}");
        if !manifest_ok {
            assert_eq!(class(&fetched), NotReached::ResponseTooLarge);
        }
    }
}

#[tokio::test]
async fn a_receipt_counts_even_when_too_much_follows_it() {
    let server = answer_with(
        ResponseTemplate::new(202).insert_header("Security-Event-Receipt", "d.e.f").set_body_bytes(vec![b'x'; 20_000]),
    )
    .await;
    let Outcome::Answered { receipt_header, body, .. } = push_to(&server).await else {
        panic!("a server answered");
    };
    assert_eq!(receipt_header.as_deref(), Some("d.e.f"));
    assert!(body.is_empty());
}

#[tokio::test]
async fn a_body_without_end_is_dropped_at_the_limit() {
    let port = raw_server(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        format!("400\r\n{}\r\n", "x".repeat(1024)).as_bytes(),
        100_000,
    );
    let url = format!("http://127.0.0.1:{port}/ssf/events");
    let outcome = carrier(true).carry(&Parcel::push(&url, "a.b.c")).await;
    assert!(matches!(&outcome, Outcome::Answered { status: 200, body, .. } if body.is_empty()), "{outcome:?}");
}

/// A gateway's long page is told from a network error: a person hears of it at once.
#[tokio::test]
async fn a_long_refusal_keeps_its_status() {
    for (status, means) in [(403, Answer::WrongAddress), (503, Answer::Retryable), (400, Answer::Intermediary)] {
        let server = answer_with(ResponseTemplate::new(status).set_body_bytes(vec![b'x'; 20_000])).await;
        assert_eq!(classify(&push_to(&server).await), means, "{status}");
    }
}

#[tokio::test]
async fn headers_beyond_sixteen_kib_are_too_large() {
    let server = answer_with(ResponseTemplate::new(202).insert_header("X-Long", "x".repeat(17_000))).await;
    assert_eq!(class(&push_to(&server).await), NotReached::ResponseTooLarge);
}

#[tokio::test]
async fn nobody_listening_is_told_apart_from_no_name() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let url = format!("http://127.0.0.1:{port}/");
    let outcome = carrier(true).carry(&Parcel::push(&url, "a.b.c")).await;
    assert_eq!(class(&outcome), NotReached::Refused);
    // RFC 2606: never a name.
    let outcome = carrier(false).carry(&Parcel::push("https://no-such-node.invalid/", "a.b.c")).await;
    assert_eq!(class(&outcome), NotReached::Dns);
}

#[tokio::test]
async fn a_cut_connection_is_not_an_answer() {
    let port = raw_server(b"", b"", 0);
    let url = format!("http://127.0.0.1:{port}/");
    let outcome = carrier(true).carry(&Parcel::push(&url, "a.b.c")).await;
    assert!(matches!(class(&outcome), NotReached::Refused | NotReached::Other));
}

#[tokio::test]
async fn plain_words_where_tls_should_be_are_a_tls_failure() {
    let port = raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b"", 0);
    let url = format!("https://127.0.0.1:{port}/");
    let parcel = Parcel::push(&url, "a.b.c").allowing(vec!["127.0.0.0/8".parse::<Cidr>().unwrap()], Some(port));
    let outcome = carrier(false).carry(&parcel).await;
    assert_eq!(class(&outcome), NotReached::Tls);
}

/// Refused before anything is sent, however the address is spelt.
#[tokio::test]
async fn forbidden_urls_are_never_called() {
    for url in [
        "https://127.0.0.1/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://017700000001/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/",
        "https://user@node-b.example/",
        "https://user:word@node-b.example/",
        "https://node-b.example/#part",
        "https://node-b.example:8443/",
        "http://node-b.example/",
        "http://127.0.0.1/",
        "http://localhost/",
        "ftp://node-b.example/",
        "file:///etc/passwd",
        "node-b.example",
        "",
    ] {
        let outcome = carrier(false).carry(&Parcel::push(url, "a.b.c")).await;
        assert_eq!(class(&outcome), NotReached::AddressForbidden, "{url}");
    }
}

/// The argument for loopback admits http on loopback, and nothing else.
#[tokio::test]
async fn loopback_http_opens_no_other_door() {
    for url in
        ["http://10.0.0.1/", "http://node-b.example/", "http://[fe80::1]/", "https://127.0.0.1/", "https://localhost/"]
    {
        let outcome = carrier(true).carry(&Parcel::push(url, "a.b.c")).await;
        assert_eq!(class(&outcome), NotReached::AddressForbidden, "{url}");
    }
}

/// An exception is one partner's: the next parcel without it is refused again.
#[tokio::test]
async fn exceptions_belong_to_a_parcel() {
    let carrier = carrier(false);
    let url = "https://localhost/";
    let excepted =
        Parcel::push(url, "a.b.c").allowing(vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()], None);
    let outcome = carrier.carry(&excepted).await;
    assert_ne!(class(&outcome), NotReached::AddressForbidden);
    let outcome = carrier.carry(&Parcel::push(url, "a.b.c")).await;
    assert_eq!(class(&outcome), NotReached::AddressForbidden);
}

#[test]
fn a_root_that_is_no_certificate_is_refused_at_start() {
    let built =
        ReqwestCarrier::new(&Options { trusted_roots: vec![b"not a certificate".to_vec()], ..Options::default() });
    assert!(built.is_err());
}
