//! The partners' side: one connection each, the next message as soon as the last is answered.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::measure::Stopwatch;

/// Where the body of a request begins.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// A message as it goes over the connection.
pub(super) fn request(token: &str) -> Vec<u8> {
    format!(
        "POST /ssf/events HTTP/1.1\r\nhost: node\r\ncontent-type: application/secevent+jwt\r\naccept: application/json\r\n\
         content-length: {}\r\n\r\n{token}",
        token.len()
    )
    .into_bytes()
}

/// One message and its receipt.
pub(super) struct Answer {
    pub(super) token: Vec<u8>,
    pub(super) receipt: String,
    milliseconds: f64,
}

/// All of them, and how long it took from the first to the last.
pub(super) struct Told {
    pub(super) answers: Vec<Answer>,
    pub(super) seconds: f64,
}

impl Told {
    /// Within how many milliseconds this share was answered.
    pub(super) fn at_share(&self, share: f64) -> f64 {
        let mut all: Vec<f64> = self.answers.iter().map(|answer| answer.milliseconds).collect();
        all.sort_by(f64::total_cmp);
        let number = (all.len() as f64 * share).ceil() as usize;
        all.get(number.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }
}

/// Sends every queue over a connection of its own.
#[expect(clippy::disallowed_methods, reason = "every connection is awaited")]
pub(super) async fn tell(address: SocketAddr, queues: &[Vec<Vec<u8>>], watch: &Stopwatch) -> Told {
    let mut streams = Vec::with_capacity(queues.len());
    for _ in queues {
        let stream = TcpStream::connect(address).await.expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        streams.push(stream);
    }
    let from = watch.seconds();
    let partners: Vec<_> =
        streams.into_iter().zip(queues.to_vec()).map(|(stream, queue)| tokio::spawn(converse(stream, queue))).collect();
    let mut answers = Vec::new();
    for partner in partners {
        answers.extend(partner.await.expect("every message is receipted"));
    }
    Told { answers, seconds: watch.seconds() - from }
}

async fn converse(mut stream: TcpStream, queue: Vec<Vec<u8>>) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(queue.len());
    let mut buffer = Vec::with_capacity(8 * 1_024);
    for request in queue {
        let watch = Stopwatch::start();
        stream.write_all(&request).await.expect("it takes a request");
        let head = loop {
            if let Some(end) = buffer.windows(4).position(|four| four == END_OF_HEAD) {
                break String::from_utf8_lossy(&buffer[..end]).into_owned();
            }
            let read = stream.read_buf(&mut buffer).await.expect("it answers");
            assert!(read > 0, "the connection ended");
        };
        let milliseconds = watch.seconds() * 1_000.0;
        assert!(head.starts_with("HTTP/1.1 202"), "{head}");
        // Without a body, so the next answer begins behind the head.
        buffer.clear();
        let receipt = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("security-event-receipt").then(|| value.trim().to_owned())
        });
        let body = request.windows(4).position(|four| four == END_OF_HEAD).expect("a request") + END_OF_HEAD.len();
        let token = request[body..].to_vec();
        answers.push(Answer { token, receipt: receipt.expect("a receipt"), milliseconds });
    }
    answers
}
