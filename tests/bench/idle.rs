//! A node that has nothing to do: its memory, its CPU, and how soon it shows its first page.
//!
//! The database is filled through the doors, as years of work would: each incident logged, its report recorded, closed.

use std::sync::Arc;
use std::time::Duration;

use domain::report::{Submission, SubmissionChannel};
use domain::undated::UndatedDuty;
use futures_util::future::join_all;
use server::time_source::{SystemTime, TimeSource as _};
use tests::On;
use tests::facts::first_hour;
use tests::node::{Ground, Party, found, line, log_request};
use tests::process::{Process, Serving};
use tests::wire::Wire;
use tokio::time::interval;

use crate::measure::{Report, Stopwatch, cpu_seconds, resident_megabytes};

/// Megabytes of memory.
const RESIDENT_MEGABYTES: f64 = 40.0;
/// Share of one core, in per cent.
const CPU_PER_CENT: f64 = 0.2;
/// From the start of the process to its first page.
const FIRST_PAGE_SECONDS: f64 = 0.3;
/// Incidents filled in at once: the writer commits them together.
const BATCH: usize = 200;

pub(crate) async fn run(on: On, incidents: usize, seconds: u64, report: &mut Report) {
    // Nobody asks it by its name: it has no partners.
    let issuer = "https://operator.example".to_owned();
    let time: Arc<dyn server::time_source::TimeSource> = Arc::new(SystemTime);
    let wire = Wire::new(Arc::clone(&time));
    let ground = Ground { time, carrier: wire, wire: None };
    let party = found("Operator", issuer.clone(), on.fresh(), ground, None).await;
    let filling = Stopwatch::start();
    fill(&party, incidents).await;
    report.tell("time to fill the database", filling.seconds(), "s");
    party.node.stop().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let key_file = folder.path().join("data.key");
    tests::process::keep_key(&key_file, &tests::node::data_key());
    let serving = Serving { database: party.database.url.clone(), key_file, issuer };

    let starting = Stopwatch::start();
    let process = Process::serve_until_first_page(&serving).await;
    report.limit("start to first page", starting.seconds(), "s", FIRST_PAGE_SECONDS);
    let (before, watched) = (cpu_seconds(process.id()), Stopwatch::start());
    let mut ticks = interval(Duration::from_millis(500));
    let mut resident: f64 = 0.0;
    while !watched.passed(Duration::from_secs(seconds)) {
        ticks.tick().await;
        resident = resident.max(resident_megabytes(process.id()));
    }
    let share = (cpu_seconds(process.id()) - before) / watched.seconds() * 100.0;
    report.limit("memory while idle, most", resident, "MB", RESIDENT_MEGABYTES);
    report.limit("CPU while idle", share, "% of a core", CPU_PER_CENT);
}

/// So many incidents in its register, each logged, reported and closed.
pub(crate) async fn fill(party: &Party, incidents: usize) {
    for batch in 0..incidents.div_ceil(BATCH) {
        let left = (incidents - batch * BATCH).min(BATCH);
        join_all((0..left).map(|number| one(party, batch * BATCH + number))).await;
    }
}

/// One incident from logging to closing.
async fn one(party: &Party, number: usize) {
    let id = party.log(log_request(first_hour(&format!("Mailbox {number}")), SystemTime.now())).await;
    let submission = Submission {
        at: SystemTime.now(),
        channel: SubmissionChannel::OnlineForm,
        ico_reference: Some(line(&format!("IC-{number:06}"))),
        delay_reasons: None,
        proof: None,
    };
    party.node.record_submission(&party.reporter(), id, submission).await.expect("recorded");
    let followed_up = SystemTime.now();
    party.node.record_duty_done(&party.reporter(), id, UndatedDuty::FollowUp, followed_up).await.expect("recorded");
    party.tells_nobody(id).await;
    party.node.close(&party.responder(), id).await.expect("closed");
}
