//! The report to the regulator as a person works on it, in a register of many incidents: its page, and the documents that
//! they take away, each through the door and over HTTP.

use std::net::TcpListener;
use std::sync::Arc;

use server::time_source::{SystemTime, TimeSource};
use tests::On;
use tests::node::{Ground, PASSWORD, found, log_request};
use tests::visitor::Visitor;
use tests::wire::Wire;

use crate::measure::{Report, Stopwatch};

/// The page, 95 of 100 times.
const PAGE_MILLISECONDS: f64 = 50.0;
/// Each document after the first.
const DOCUMENT_MILLISECONDS: f64 = 300.0;
/// How often the page is opened.
const OPENED: usize = 100;
/// Documents of each kind after the first.
const TAKEN: usize = 20;

pub(crate) async fn run(on: On, incidents: usize, figures: &mut Report) {
    let time: Arc<dyn TimeSource> = Arc::new(SystemTime);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    let ground = Ground { carrier: Wire::new(Arc::clone(&time)), time, wire: None };
    let mut party = found("Operator", format!("http://{address}"), on.fresh(), ground, Some((listener, address))).await;
    let filling = Stopwatch::start();
    crate::idle::fill(&party, incidents).await;
    figures.tell("time to fill the database", filling.seconds(), "s");
    let id = party.log(log_request(crate::documents::long_facts(), party.node.now())).await;
    let address = party.serve();
    let mut officer = Visitor::signed_in(address, &party.email("dpo"), PASSWORD).await;

    let report = format!("/incidents/{id}/report");
    figures.tell("first page of the report", opened(&mut officer, &report).await, "ms");
    let mut pages = Vec::with_capacity(OPENED);
    for _ in 0..OPENED {
        pages.push(opened(&mut officer, &report).await);
    }
    figures.limit("page of the report, 95 of 100", most_of(&mut pages, 95), "ms", PAGE_MILLISECONDS);

    for (button, first, rest) in [
        ("Download for Word (DOCX)", "first DOCX", "slowest DOCX after it"),
        ("Download as PDF", "first PDF", "slowest PDF after it"),
    ] {
        let page = officer.get(&report).await.page();
        let form = page.form(button);
        let (action, fields) = (form.attribute("action").expect("an action").to_owned(), form.fields());
        figures.tell(first, taken(&mut officer, &action, &fields).await, "ms");
        let mut each = Vec::with_capacity(TAKEN);
        for _ in 0..TAKEN {
            each.push(taken(&mut officer, &action, &fields).await);
        }
        figures.limit(rest, most_of(&mut each, 100), "ms", DOCUMENT_MILLISECONDS);
    }
}

async fn opened(officer: &mut Visitor, path: &str) -> f64 {
    let watch = Stopwatch::start();
    let answer = officer.get(path).await;
    let took = watch.seconds() * 1_000.0;
    assert_eq!(answer.status, 200, "{}", answer.text());
    took
}

async fn taken(officer: &mut Visitor, path: &str, fields: &[(String, String)]) -> f64 {
    let watch = Stopwatch::start();
    let answer = officer.post(path, fields).await;
    let took = watch.seconds() * 1_000.0;
    assert_eq!(answer.status, 200, "{}", answer.text());
    took
}

/// What so many of a hundred do not pass.
fn most_of(figures: &mut [f64], of_hundred: usize) -> f64 {
    figures.sort_by(f64::total_cmp);
    let place = (figures.len() * of_hundred).div_ceil(100).saturating_sub(1);
    figures.get(place).copied().unwrap_or(f64::NAN)
}
