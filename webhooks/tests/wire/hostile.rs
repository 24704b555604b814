//! Receivers that mean us harm (protocol §9, §17, §20): whatever they send, little is read, and it ends.
//!
//! What was read is counted where it was sent: a sender can't put more octets on a line than the other side takes, but for
//! what the buffers of the operating system hold.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot::{Receiver, channel};
use webhooks::address_guard::SystemLookup;
use webhooks::carrier::{Carrier as _, NotReached, Outcome, Parcel};
use webhooks::http::{Limits, Options, ReqwestCarrier};

/// Far more than the buffers of both sockets, and far less than was offered.
const HELD_BY_BUFFERS: u64 = 32 * 1024 * 1024;
const TEN_GIGABYTES: u64 = 10_000_000_000;

fn carrier(total: Duration) -> ReqwestCarrier {
    let options = Options { loopback_http: true, user_agent: "tocsin-test".to_owned(), ..Options::default() };
    let limits = Limits { connect: total, total };
    ReqwestCarrier::with(&options, Arc::new(SystemLookup), limits).unwrap()
}

/// Longer than any of these take when they end for a reason of their own.
const PATIENT: Duration = Duration::from_secs(30);

/// Hands the first connection to `behave` once a request has come, and gives the port and how many octets were sent.
fn receiver(behave: impl FnOnce(&mut Counted) + Send + 'static) -> (u16, Receiver<u64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (done, count) = channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 4096];
        let _ = stream.read(&mut asked);
        let mut counted = Counted { stream, sent: 0 };
        behave(&mut counted);
        let _ = done.send(counted.sent);
    });
    (port, count)
}

struct Counted {
    stream: TcpStream,
    sent: u64,
}

impl Counted {
    /// Whether anybody still listens.
    fn send(&mut self, octets: &[u8]) -> bool {
        let sent = self.stream.write_all(octets).is_ok();
        self.sent += if sent { octets.len() as u64 } else { 0 };
        sent
    }
}

async fn push(port: u16, total: Duration) -> Outcome {
    carrier(total).carry(&Parcel::push(&format!("http://127.0.0.1:{port}/ssf/events"), "a.b.c")).await
}

/// What is left of an answer whose body was too long: its status.
fn is_empty_answer(outcome: &Outcome, expected: u16) -> bool {
    matches!(outcome, Outcome::Answered { status, body, .. } if *status == expected && body.is_empty())
}

fn class(outcome: &Outcome) -> Option<NotReached> {
    match outcome {
        Outcome::NotReached { class, .. } => Some(*class),
        Outcome::Answered { .. } => None,
    }
}

/// Ten gigabytes are declared and begun; some kilobytes are read.
#[tokio::test]
async fn ten_gigabytes_are_not_read() {
    let (port, sent) = receiver(|line| {
        line.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {TEN_GIGABYTES}\r\n\r\n").as_bytes());
        let piece = vec![b'x'; 65_536];
        while line.sent < TEN_GIGABYTES && line.send(&piece) {}
    });
    assert!(is_empty_answer(&push(port, PATIENT).await, 200));
    assert!(sent.await.unwrap() < HELD_BY_BUFFERS);
}

/// Chunks without end, each of one octet.
#[tokio::test]
async fn chunks_without_end_are_not_read() {
    let (port, sent) = receiver(|line| {
        line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let pieces = b"1\r\nx\r\n".repeat(4_096);
        while line.sent < TEN_GIGABYTES && line.send(&pieces) {}
    });
    assert!(is_empty_answer(&push(port, PATIENT).await, 200));
    assert!(sent.await.unwrap() < HELD_BY_BUFFERS);
}

/// Headers without end, many short ones or one that never ends.
#[tokio::test]
async fn headers_without_end_are_not_read() {
    for piece in [b"X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(1_000), vec![b'a'; 65_536]] {
        let (port, sent) = receiver(move |line| {
            line.send(b"HTTP/1.1 200 OK\r\nX-First: ");
            while line.sent < TEN_GIGABYTES && line.send(&piece) {}
        });
        let outcome = push(port, PATIENT).await;
        assert!(matches!(class(&outcome), Some(NotReached::Other | NotReached::ResponseTooLarge)), "{outcome:?}");
        assert!(sent.await.unwrap() < HELD_BY_BUFFERS);
    }
}

/// More headers than any answer has, though each is short and they do end.
#[tokio::test]
async fn a_flood_of_headers_is_no_answer() {
    let (port, _) = receiver(|line| {
        line.send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n");
        line.send(&b"X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(2_000));
        line.send(b"\r\n");
    });
    assert!(class(&push(port, PATIENT).await).is_some());
}

/// One octet at a time, for ever: the limit is for the whole exchange, so that each octet buys no more time.
#[tokio::test]
async fn a_slow_drip_ends_with_the_time_for_the_whole_exchange() {
    for head in [&b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"[..], &b"HTTP/1.1 200 OK\r\nX-Slow: "[..]] {
        let (port, sent) = receiver(move |line| {
            line.send(head);
            // The line says when to go on: as fast as the other side takes one octet, and no faster than this waits.
            line.stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
            let mut nothing = [0; 1];
            while line.send(b"x") && !matches!(line.stream.read(&mut nothing), Ok(0)) {}
        });
        let outcome = push(port, Duration::from_millis(400)).await;
        assert_eq!(class(&outcome), Some(NotReached::Timeout));
        assert!(sent.await.unwrap() < 10_000, "it was cut off long before the end");
    }
}

/// Takes the request and says nothing at all.
#[tokio::test]
async fn silence_ends_with_the_time_for_the_whole_exchange() {
    let (port, sent) = receiver(|line| {
        let mut nothing = [0; 1];
        let _ = line.stream.read(&mut nothing);
    });
    assert_eq!(class(&push(port, Duration::from_millis(200)).await), Some(NotReached::Timeout));
    assert_eq!(sent.await.unwrap(), 0, "the connection was closed on our side");
}

/// Words that are no HTTP, and an answer that is cut in the middle.
#[tokio::test]
async fn what_is_no_answer_is_none() {
    for words in [
        &b"\x00\xff\x00\xff"[..],
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let (port, _) = receiver(move |line| {
            line.send(words);
        });
        let outcome = push(port, PATIENT).await;
        assert!(class(&outcome).is_some(), "{}: {outcome:?}", String::from_utf8_lossy(words));
    }
}

/// Interim answers without end never become an answer, and buy no time.
#[tokio::test]
async fn interim_answers_without_end_are_not_waited_for() {
    let (port, sent) = receiver(|line| {
        line.stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let mut nothing = [0; 1];
        while line.send(b"HTTP/1.1 100 Continue\r\n\r\n") && !matches!(line.stream.read(&mut nothing), Ok(0)) {}
    });
    assert_eq!(class(&push(port, Duration::from_millis(400)).await), Some(NotReached::Timeout));
    assert!(sent.await.unwrap() < HELD_BY_BUFFERS);
}

/// A receipt in hand counts, whatever is poured after it, and what follows is not read.
#[tokio::test]
async fn a_receipt_counts_though_gigabytes_follow() {
    let (port, sent) = receiver(|line| {
        line.send(
            format!(
                "HTTP/1.1 202 Accepted\r\nSecurity-Event-Receipt: d.e.f\r\nContent-Length: {TEN_GIGABYTES}\r\n\r\n"
            )
            .as_bytes(),
        );
        let piece = vec![b'x'; 65_536];
        while line.sent < TEN_GIGABYTES && line.send(&piece) {}
    });
    let Outcome::Answered { receipt_header, body, .. } = push(port, PATIENT).await else {
        panic!("a receipt came");
    };
    assert_eq!((receipt_header.as_deref(), body.len()), (Some("d.e.f"), 0));
    assert!(sent.await.unwrap() < HELD_BY_BUFFERS);
}
