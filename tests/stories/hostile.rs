//! Receivers that mean us harm, met by a real node over real sockets: each costs little memory and time, has its outcome by
//! the protocol's table, and delays nobody else (protocol §9, §17, §20).

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::clock::ClockState;
use domain::exchange::NoticeDelivery;
use domain::values::Moment;
use server::time_source::{HandTime, TimeSource as _};
use tests::facts::first_hour;
use tests::node::{Ground, Party, found, log_request};
use tests::partner::{Host, Scripted};
use tests::{On, both};
use webhooks::address_guard::SystemLookup;
use webhooks::http::{Limits, Options, ReqwestCarrier};

both!(hostile_receivers_cost_little_and_delay_nobody);

/// Far more than the buffers of both sockets hold, and far less than is offered.
const HELD_BY_BUFFERS: u64 = 32 * 1024 * 1024;
/// Time for a whole exchange here: those who drip or say nothing use it up.
const EXCHANGE: Duration = Duration::from_secs(1);
/// Partners who are what they should be.
const HEALTHY: usize = 12;

type Part = fn(&mut Line);

/// What a hostile receiver does with every request, and the word that our node has for it.
const HOSTILE: [(Part, &str); 9] = [
    (ten_gigabytes, "unconfirmed"),
    (chunks_without_end, "unconfirmed"),
    (headers_without_end, "not_reached"),
    (slow_drip, "not_reached"),
    (silence, "not_reached"),
    (no_http, "not_reached"),
    (garbage_for_a_receipt, "unconfirmed"),
    (two_receipts, "unconfirmed"),
    (redirect_inside, "misdirected"),
];

/// A connection to a hostile receiver; what it sends is counted.
struct Line {
    stream: TcpStream,
    sent: Arc<AtomicU64>,
}

impl Line {
    /// Whether anybody still listens.
    fn send(&mut self, octets: &[u8]) -> bool {
        let sent = self.stream.write_all(octets).is_ok();
        if sent {
            self.sent.fetch_add(octets.len() as u64, Ordering::SeqCst);
        }
        sent
    }

    /// Waits until the other side has hung up, or for this long.
    fn hung_up(&mut self, within: Option<Duration>) -> bool {
        self.stream.set_read_timeout(within).expect("a time limit");
        matches!(self.stream.read(&mut [0; 64]), Ok(0))
    }
}

fn ten_gigabytes(line: &mut Line) {
    line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n");
    let piece = vec![b'x'; 65_536];
    while line.send(&piece) {}
}

fn chunks_without_end(line: &mut Line) {
    line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let pieces = b"1\r\nx\r\n".repeat(4_096);
    while line.send(&pieces) {}
}

fn headers_without_end(line: &mut Line) {
    line.send(b"HTTP/1.1 202 Accepted\r\n");
    let pieces = b"X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(1_000);
    while line.send(&pieces) {}
}

fn slow_drip(line: &mut Line) {
    line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 16000\r\n\r\n");
    while line.send(b"x") && !line.hung_up(Some(Duration::from_millis(5))) {}
}

fn silence(line: &mut Line) {
    line.hung_up(None);
}

fn no_http(line: &mut Line) {
    line.send(b"SSH-2.0-OpenSSH_9.2\r\n");
}

fn garbage_for_a_receipt(line: &mut Line) {
    line.send(b"HTTP/1.1 202 Accepted\r\nSecurity-Event-Receipt: certainly\r\nContent-Length: 0\r\n\r\n");
}

fn two_receipts(line: &mut Line) {
    line.send(
        b"HTTP/1.1 202 Accepted\r\nSecurity-Event-Receipt: a.b.c\r\nSecurity-Event-Receipt: d.e.f\r\nContent-Length: 0\r\n\r\n",
    );
}

/// Back to the port that it came from, which counts who knocks.
fn redirect_inside(line: &mut Line) {
    let at = line.stream.local_addr().expect("an address");
    line.send(
        format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{at}/inside\r\nContent-Length: 0\r\n\r\n")
            .as_bytes(),
    );
}

/// One hostile receiver.
struct Trap {
    url: String,
    knocks: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
}

impl Trap {
    fn set(behave: fn(&mut Line)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/ssf/events", listener.local_addr().expect("an address"));
        let trap = Self { url, knocks: Arc::default(), sent: Arc::default() };
        let (knocks, sent) = (Arc::clone(&trap.knocks), Arc::clone(&trap.sent));
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                knocks.fetch_add(1, Ordering::SeqCst);
                let mut line = Line { stream, sent: Arc::clone(&sent) };
                std::thread::spawn(move || {
                    // The request first: an answer before it would be another kind of harm.
                    let _ = line.stream.read(&mut [0; 4_096]);
                    behave(&mut line);
                });
            }
        });
        trap
    }
}

/// An operator with real sockets and hand-driven time, and partners on one host, all paired.
async fn stage(on: On, partners: usize) -> (Arc<HandTime>, Party, Host) {
    let time = Arc::new(HandTime::new(Moment::parse("2026-03-02T09:00:00Z").expect("an instant")));
    let options = Options { loopback_http: true, user_agent: "tocsin-test".to_owned(), ..Options::default() };
    let limits = Limits { connect: EXCHANGE, total: EXCHANGE };
    let carrier = ReqwestCarrier::with(&options, Arc::new(SystemLookup), limits).expect("a carrier");
    let clock = Arc::clone(&time);
    let host = Host::start(partners, move || clock.now().unix_seconds_up()).await;
    let ground = Ground { time: Arc::clone(&time) as _, carrier: Arc::new(carrier), wire: None };
    // Nobody calls it: messages to it are handed over in this process.
    let operator = found("Operator", "http://127.0.0.1:1".to_owned(), on.fresh(), ground, None).await;
    for partner in &host.partners {
        operator.pair_scripted(partner).await;
    }
    settle(&operator).await;
    operator.arrange_scripted(&host.partners, 48).await;
    (time, operator, host)
}

async fn settle(operator: &Party) {
    for _ in 0..50 {
        let more = operator.node.watch_step().await.expect("a step").more;
        let carried = operator.node.deliver_step(128).await.expect("a step").carried;
        if !more && carried == 0 {
            return;
        }
    }
    panic!("the node never comes to rest");
}

/// A newer card moves where the partner takes messages, and an administrator agrees: from now on that answers.
async fn moves_to(operator: &Party, partner: &Scripted, version: u64, url: &str, now: i64) {
    let card = partner.card_with(now, |card| {
        card.version = version;
        card.receive.push = Some(url.to_owned());
    });
    let by = operator.administrator();
    let id = operator.node.import_card(&by, &card, None).await.expect("it waits");
    operator.node.accept_later_card(&by, id).await.expect("accepted");
}

fn told(partner: &Scripted) -> usize {
    partner.received().into_iter().filter(|set| set.claims().txn.is_some()).count()
}

/// Nine ways to do harm at once, and twelve partners who do none: these are told in the same step; of those, each notice
/// stays open with its outcome, few octets were taken, a redirect is not followed, and each was asked once.
async fn hostile_receivers_cost_little_and_delay_nobody(on: On) {
    let (time, operator, host) = stage(on, HEALTHY + HOSTILE.len()).await;
    let (healthy, hostile) = host.partners.split_at(HEALTHY);
    let traps: Vec<Trap> = HOSTILE.iter().map(|(behave, _)| Trap::set(*behave)).collect();
    for (partner, trap) in hostile.iter().zip(&traps) {
        moves_to(&operator, partner, 2, &trap.url, time.now().unix_seconds()).await;
    }
    let id = operator.log(log_request(first_hour("A mailbox was open"), time.now())).await;
    operator.node.watch_step().await.expect("a step");
    settle(&operator).await;
    assert!(healthy.iter().all(|partner| told(partner) == 1), "everybody else is told");

    let incident = operator.incident(id).await;
    for ((partner, trap), (number, (_, word))) in hostile.iter().zip(&traps).zip(HOSTILE.iter().enumerate()) {
        let partner_id = operator.partner_by(&partner.issuer).await;
        let owed = incident.owed.iter().find(|owed| owed.partner == partner_id).expect("owed a notice");
        let exchange = operator.exchange(owed.exchange).await;
        assert_eq!(exchange.notices[0].delivery, NoticeDelivery::Queued, "{number}: open");
        assert_eq!(exchange.notice_clock.expect("a clock").state, ClockState::Running, "{number}");
        let lane = operator.node.partner_view(partner_id).await.expect("the partner").lane.expect("a lane");
        assert_eq!(lane.last_failure.as_deref(), Some(*word), "{number}");
        if *word == "not_reached" {
            assert!(lane.waits_until.is_some_and(|until| until > time.elapsed()), "{number}: the lane waits");
        }
        assert_eq!(trap.knocks.load(Ordering::SeqCst), 1, "{number}: asked once, and no redirect followed");
        assert!(trap.sent.load(Ordering::SeqCst) < HELD_BY_BUFFERS, "{number}: little was taken");
        assert_eq!(told(partner), 0, "{number}");
    }

    // Each becomes what it should be: a card that moves it back, and the notice arrives.
    for partner in hostile {
        let back = format!("{}/ssf/events", partner.issuer);
        moves_to(&operator, partner, 3, &back, time.now().unix_seconds()).await;
    }
    time.advance(Duration::from_secs(3_600));
    settle(&operator).await;
    assert!(hostile.iter().all(|partner| told(partner) == 1), "nothing was lost");
    operator.verify_ledger().await;
}
