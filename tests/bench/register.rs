//! A register of many entries: how long its first page takes under each filter, and its statistics. The entries come in as an
//! earlier register's do, through the node's door: a ledger entry, a stream and a line each.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use chrono_tz::Europe::London;
use domain::facts::{DataCategory, IncidentKind};
use domain::incident::costs::{Cost, Kind, Pence};
use domain::incident::register::Record;
use domain::values::{Moment, ServiceId};
use server::documents::register::earlier::{ROWS_MAX, parse};
use server::documents::register::statistics::Statistics;
use server::store::Rows;
use server::store::queries::register::figures::{self, Months};
use server::store::queries::register::views::views;
use server::store::queries::register::{Filter, Of, UNKNOWN, choices, list};
use server::time_source::{SystemTime, TimeSource};
use tests::On;
use tests::node::{Ground, Party, found};
use tests::wire::Wire;

use crate::measure::{Report, Stopwatch, median};

/// The first page, under any filter.
const PAGE_MILLISECONDS: f64 = 50.0;
/// Statistics of all there is.
const STATISTICS_MILLISECONDS: f64 = 300.0;
/// Lines on a page of the product.
const SHOWN: usize = 30;
/// So many incidents have costs.
const COSTLY: usize = 100;
/// Each is measured so often.
const TIMES: usize = 9;

pub(crate) async fn run(on: On, incidents: usize, report: &mut Report) {
    let time: Arc<dyn TimeSource> = Arc::new(SystemTime);
    let ground = Ground { carrier: Wire::new(Arc::clone(&time)), time, wire: None };
    let party = found("Operator", "https://operator.example".to_owned(), on.fresh(), ground, None).await;
    let services = party.node.store().read(choices).await.expect("services").services;

    let watch = Stopwatch::start();
    for begin in (0..incidents).step_by(ROWS_MAX) {
        let rows =
            parse(&file(begin, incidents.min(begin + ROWS_MAX), &services), &services, London).expect("good rows");
        let entries: Vec<(u32, Record)> = rows.into_iter().map(|row| (row.line, row.record)).collect();
        let by = party.dpo();
        let plan = party.node.plan_earlier(&by, entries.clone()).await.expect("a plan");
        party.node.import_earlier(&by, entries, plan.digest).await.expect("taken over");
    }
    report.tell("filling", watch.seconds(), "s");
    cost(&party).await;
    party.database.looked_over();

    let service = services.first().map(|(id, _)| *id);
    let mut slowest = (0.0_f64, "");
    for (name, filter) in filters(service) {
        let took = page(&party, &filter).await;
        report.tell(name, took, "ms");
        if took > slowest.0 {
            slowest = (took, name);
        }
    }
    report.limit("first page, the slowest filter", slowest.0, "ms", PAGE_MILLISECONDS);

    let mut took = Vec::new();
    for _ in 0..TIMES {
        let watch = Stopwatch::start();
        let now = party.node.now();
        let read = move |rows: &mut Rows<'_>| figures::with_cost_years(rows, Months::ALL, now);
        let (found, years) = party.node.store().read(read).await.expect("figures");
        let made = Statistics::of(&found, Months::ALL);
        took.push(watch.seconds() * 1_000.0);
        assert_eq!(usize::try_from(made.incidents), Ok(incidents));
        assert!(!years.is_empty() && made.costs.kinds.len() == Kind::ALL.len());
    }
    report.limit("statistics", median(&mut took), "ms", STATISTICS_MILLISECONDS);
}

/// Some of them cost something: every kind, in incidents of several years.
async fn cost(party: &Party) {
    let newest = party.node.store().read(|rows| list(rows, &Filter::default(), None, COSTLY)).await.expect("a page");
    for (n, entry) in (1_i64..).zip(newest.page.items) {
        let Of::Incident(id) = entry.of else { continue };
        for kind in Kind::ALL {
            let pence = Pence::new(n * 1_050).expect("an amount");
            let cost = Cost { kind: *kind, pence, on: None, estimate: n % 2 == 0, note: None };
            party.node.record_cost(&party.duty_holder(), id, None, cost).await.expect("recorded");
        }
    }
}

async fn page(party: &Party, filter: &Filter) -> f64 {
    let mut took = Vec::new();
    for _ in 0..TIMES {
        let (filter, person) = (filter.clone(), party.person("auditor").id());
        let watch = Stopwatch::start();
        // What the page reads: lines, what can be chosen, kept filters.
        let read = move |rows: &mut Rows<'_>| {
            let listed = list(rows, &filter, None, SHOWN)?;
            Ok((listed, choices(rows)?, views(rows, person)?))
        };
        party.node.store().read(read).await.expect("a page");
        took.push(watch.seconds() * 1_000.0);
    }
    median(&mut took)
}

/// Each filter by itself, and pairs that few or no lines meet.
fn filters(service: Option<ServiceId>) -> Vec<(&'static str, Filter)> {
    let all = Filter::default;
    let text = |text: &str| Filter { text: text.to_owned(), ..all() };
    let day = |text: &str| Moment::parse(text).ok();
    vec![
        ("all", all()),
        ("without exercises", Filter { exercise: Some(false), ..all() }),
        ("exercises", Filter { exercise: Some(true), ..all() }),
        ("kind", Filter { kind: Some(IncidentKind::LikelyToGiveRise), ..all() }),
        ("state", Filter { stage: Some("not_a_breach"), ..all() }),
        ("state that none has", Filter { stage: Some("held"), ..all() }),
        ("ICO outcome", Filter { ico: Some("met_late"), ..all() }),
        ("cause", Filter { cause: Some("external_malicious"), ..all() }),
        ("category", Filter { category: Some("Cyber"), ..all() }),
        ("kind of data", Filter { data: Some(DataCategory::Health), ..all() }),
        ("service", Filter { service, ..all() }),
        ("dates", Filter { from: day("2019-03-01T00:00:00Z"), before: day("2019-04-01T00:00:00Z"), ..all() }),
        ("reference", text("old-00042")),
        ("the beginning of every reference", text("old-")),
        ("a text that nothing has", text("nothing has this")),
        ("cause and state", Filter { cause: Some(UNKNOWN), stage: Some("not_a_breach"), ..all() }),
        // Half of all lines have the one, half the other, and none both.
        ("service and cause", Filter { service, cause: Some("external_malicious"), ..all() }),
        ("service and what it never meets", Filter { service, stage: Some("held"), ..all() }),
        ("two that never meet", Filter { cause: Some("external_malicious"), category: Some("Non Cyber"), ..all() }),
        (
            "data that never meets a category",
            Filter { data: Some(DataCategory::Health), category: Some("Non Cyber"), ..all() },
        ),
    ]
}

/// Entries over ten years, every second one cyber.
fn file(from: usize, to: usize, services: &[(ServiceId, String)]) -> String {
    let mut text =
        "reference,title,aware_at,kind,state,cause,ico_category,data_categories,people,services,reported_to_ico,reported_at\n"
            .to_owned();
    let names: BTreeSet<&String> = services.iter().map(|(_, name)| name).collect();
    for n in from..to {
        let cyber = n.is_multiple_of(2);
        let (year, month, day) = (2015 + n % 10, 1 + n / 10 % 12, 1 + n / 120 % 28);
        let service = if n.is_multiple_of(3) { names.first().map_or("", |name| name.as_str()) } else { "" };
        let _ = writeln!(
            text,
            "old-{n:06},Something happened,{year}-{month:02}-{day:02} 09:30,{},{},{},{},{},{},\"{service}\",{}",
            if n.is_multiple_of(5) { "likely_to_give_rise" } else { "breach" },
            if n.is_multiple_of(7) { "not_a_breach" } else { "closed" },
            if cyber { "external_malicious" } else { "" },
            if cyber { "Cyber" } else { "Non Cyber" },
            if cyber { "health" } else { "basic_identifiers" },
            n % 400,
            if n.is_multiple_of(4) { format!("yes,{year}-{month:02}-{day:02} 23:30") } else { "no,".to_owned() },
        );
    }
    text
}
