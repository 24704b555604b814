//! A full ICO report of an incident, as a person takes it away: made into a paper, written, and checked for what it says
//! it is.

use std::path::Path;
use std::sync::Arc;

use domain::facts::Facts;
use domain::values::{Known, LongText};
use server::documents::paper::Paper;
use server::documents::print::{Format, print};
use server::documents::report;
use server::time_source::{SystemTime, TimeSource};
use tests::On;
use tests::facts::first_hour;
use tests::node::{Ground, found, log_request};
use tests::wire::Wire;

use crate::measure::{Report, Stopwatch, median};

/// Each document after the first.
const MILLISECONDS: f64 = 300.0;
/// Documents of each kind after the first.
const TIMES: usize = 20;

pub(crate) async fn run(on: On, keep: Option<&Path>, figures: &mut Report) {
    let time: Arc<dyn TimeSource> = Arc::new(SystemTime);
    let ground = Ground { carrier: Wire::new(Arc::clone(&time)), time, wire: None };
    let party = found("Operator", "https://operator.example".to_owned(), on.fresh(), ground, None).await;
    let id = party.log(log_request(long_facts(), party.node.now())).await;
    let (incident, node) = (party.incident(id).await, &party.node);
    let about = node.about_us().await.expect("who we are");
    let paper = || report::paper(&incident, &about, node.now(), node.zone());
    for format in Format::ALL {
        let (first, slowest, usual) = match format {
            Format::Docx => ("first DOCX", "slowest DOCX", "median DOCX"),
            Format::Pdf => ("first PDF", "slowest PDF", "median PDF"),
        };
        figures.tell(first, milliseconds(&paper, format), "ms");
        let mut each: Vec<f64> = (0..TIMES).map(|_| milliseconds(&paper, format)).collect();
        figures.limit(slowest, each.iter().copied().fold(0.0, f64::max), "ms", MILLISECONDS);
        figures.tell(usual, median(&mut each), "ms");
        if let Some(folder) = keep {
            let file = print(&paper(), &report::stem(&incident), format).expect("a document");
            std::fs::write(folder.join(file.name), file.octets).expect("a folder that can be written");
        }
    }
}

fn milliseconds(paper: &impl Fn() -> Paper, format: Format) -> f64 {
    let watch = Stopwatch::start();
    print(&paper(), "report", format).expect("a document");
    watch.seconds() * 1_000.0
}

/// As much as people write who have time: some pages.
pub(crate) fn long_facts() -> Facts {
    let sentence =
        "Somebody outside had the password of a shared mailbox in T\u{177} G\u{175}yr, and read messages in it. ";
    let text = || LongText::parse(sentence.repeat(20).trim()).expect("a text");
    Facts {
        summary: text(),
        aware_basis: text(),
        likely_consequences: Known::Known(text()),
        containment: Known::Known(text()),
        mitigation: Known::Known(text()),
        ..first_hour("A mailbox was open")
    }
}
