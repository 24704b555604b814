//! From logging to the receipt, between two healthy nodes over HTTP, on lanes proven since their start.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use domain::exchange::NoticeDelivery;
use server::time_source::{SystemTime, TimeSource as _};
use tests::On;
use tests::facts::first_hour;
use tests::node::{Ground, Party, found, log_request};
use tests::wait::{SOON, until};
use webhooks::http::{Options, ReqwestCarrier};

use crate::measure::{Report, Stopwatch, median};

/// A receipt comes within one second of logging.
const RECEIPT_SECONDS: f64 = 1.0;

pub(crate) async fn run(on: On, times: usize, report: &mut Report) {
    let (mut operator, mut council) = (party(on, "Operator").await, party(on, "Council").await);
    for party in [&mut operator, &mut council] {
        party.serve();
        party.node.run().expect("its loops start");
    }
    operator.trust(&council.node.export_card(), &council.node.fingerprint()).await;
    council.trust(&operator.node.export_card(), &operator.node.fingerprint()).await;
    until("the pairing to be active", Duration::from_secs(120), async || {
        operator.is_active(&council).await.then_some(())
    })
    .await;
    operator.arrange(&council, 48).await;
    let mut seconds = Vec::with_capacity(times);
    for number in 0..times {
        let request = log_request(first_hour(&format!("Mailbox {number}")), SystemTime.now());
        let mut live = operator.node.live();
        let watch = Stopwatch::start();
        let id = operator.log(request).await;
        let exchange = operator.incident(id).await.owed[0].exchange;
        loop {
            let notices = operator.exchange(exchange).await.notices;
            if notices.iter().any(|notice| matches!(notice.delivery, NoticeDelivery::Receipted { .. })) {
                break;
            }
            assert!(!watch.passed(SOON), "no receipt came");
            let _ = tokio::time::timeout(Duration::from_millis(100), live.changed()).await;
        }
        seconds.push(watch.seconds());
    }
    report.limit("receipt after logging, slowest", seconds.iter().copied().fold(0.0, f64::max), "s", RECEIPT_SECONDS);
    report.tell("receipt after logging, median", median(&mut seconds), "s");
    operator.node.stop().await;
    council.node.stop().await;
}

async fn party(on: On, name: &str) -> Party {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    let carrier = ReqwestCarrier::new(&Options {
        trusted_roots: Vec::new(),
        loopback_http: true,
        user_agent: "tocsin-bench".to_owned(),
    });
    let ground = Ground { time: Arc::new(SystemTime), carrier: Arc::new(carrier.expect("a carrier")), wire: None };
    found(name, format!("http://{address}"), on.fresh(), ground, Some((listener, address))).await
}
