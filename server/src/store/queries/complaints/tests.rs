//! Lists of complaints on both databases.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use diesel::connection::{Connection, InstrumentationEvent};
use diesel::prelude::*;
use domain::clock::ClockKind;
use domain::clock_terms::Limits;
use domain::complaint::{self, Category, Channel, Command, Due, Log, Outcome, Stage};
use domain::ladder::{Orders, Plan};
use domain::values::{ComplaintId, Moment};

use super::{Filter, newest, one, waiting};
use crate::store::projections::samples::{incident_id, line, long, responder};
use crate::store::projections::tables::Tables;
use crate::store::queries::{clocks, deadlines};
use crate::store::testing::{TestStore, at, both, id};
use crate::store::{Change, Store, StoreError, Turn, due, ladder_plans};

const DAY: i64 = 86_400;

/// 09:00 on a day, when steps come.
fn morning(day: i64) -> Moment {
    at(day * DAY + 9 * 3_600)
}

fn complaint_id(n: u128) -> ComplaintId {
    ComplaintId::from_uuid(id(7_000 + n))
}

fn run(turn: &mut Turn<'_>, n: u128, command: &Command) -> Result<(), StoreError> {
    let id = complaint_id(n);
    let before = turn.complaint(id)?;
    let events = complaint::decide(before.as_ref(), command, turn.now()).unwrap();
    turn.record(vec![Change::Complaint { id, before, events }])
}

/// A complaint received on a day, promised to be acknowledged a day later.
fn log(n: u128, day: i64, category: Category) -> Command {
    let received_at = at(day * DAY);
    let due = Due { promised_acknowledgement: Some(at((day + 1) * DAY)), ..Due::default() };
    Command::Log(Box::new(Log {
        id: complaint_id(n),
        reference: line(&format!("CP-2026-{n:04}")),
        received_at,
        channel: Channel::Letter,
        category,
        about: long("A report was shown to the wrong contractor"),
        incident: (n == 1).then(|| incident_id(1)),
        due,
        by: responder(),
    }))
}

async fn three(store: &Store) {
    store
        .write::<_, StoreError>(at(10 * DAY), |turn| {
            run(turn, 1, &log(1, 1, Category::Security))?;
            run(turn, 2, &log(2, 2, Category::Rights))?;
            run(turn, 3, &log(3, 2, Category::Security))?;
            run(turn, 2, &Command::Acknowledge { at: at(3 * DAY), by: responder() })?;
            let outcome = Outcome::Upheld;
            run(turn, 2, &Command::Answer { at: at(4 * DAY), outcome, note: None, by: responder() })
        })
        .await
        .unwrap();
}

fn numbers(store: &Store, filter: Filter) -> impl Future<Output = Vec<String>> {
    let store = store.clone();
    async move {
        let page = store.read(move |rows| newest(rows, filter, None, 10)).await.unwrap();
        page.items.into_iter().map(|listed| listed.reference).collect()
    }
}

both!(
    /// Newest received first, page by page without a gap or a repeat, and each filter by itself.
    lists_and_filters, |store| {
        three(&store).await;
        let (mut before, mut seen) = (None, Vec::new());
        loop {
            let page = store.read(move |rows| newest(rows, Filter::default(), before, 1)).await.unwrap();
            seen.extend(page.items.into_iter().map(|listed| listed.reference));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["CP-2026-0003", "CP-2026-0002", "CP-2026-0001"]);
        let all = Filter::default();
        let stage = Some(Stage::Answered);
        assert_eq!(numbers(&store, Filter { stage, ..all }).await, ["CP-2026-0002"]);
        let category = Some(Category::Security);
        assert_eq!(numbers(&store, Filter { category, ..all }).await, ["CP-2026-0003", "CP-2026-0001"]);
        let incident = Some(incident_id(1));
        assert_eq!(numbers(&store, Filter { incident, ..all }).await, ["CP-2026-0001"]);
        let overdue_at = Some(at(2 * DAY + 1));
        assert_eq!(numbers(&store, Filter { overdue_at, ..all }).await, ["CP-2026-0001"]);
    }
);

both!(
    /// What is owed is counted by what is still open; at the instant itself it is still in time.
    what_is_waiting, |store| {
        let asked = async |now: Moment| store.read(move |rows| waiting(rows, now)).await.unwrap();
        assert_eq!(asked(at(0)).await.next_due, None);
        three(&store).await;
        let in_time = asked(at(2 * DAY)).await;
        assert_eq!((in_time.overdue, in_time.running, in_time.next_due), (0, 2, Some(at(2 * DAY))));
        let late = asked(at(2 * DAY + 1)).await;
        assert_eq!((late.overdue, late.running), (1, 1));
        let whole = store.read(|rows| one(rows, complaint_id(2))).await.unwrap().unwrap();
        assert_eq!((whole.entries.len(), whole.listed.outcome), (3, Some(Outcome::Upheld)));
        assert!(!store.shows("contractor"), "nothing lies there unsealed");
    }
);

const LAW: ClockKind = ClockKind::ComplaintAcknowledgement;
const PROMISED: ClockKind = ClockKind::ComplaintPromisedAcknowledgement;
const ANSWER: ClockKind = ClockKind::ComplaintPromisedAnswer;

/// A complaint received on a day: 30 days by law, 31 at the limit; 5 and 20 as promised.
fn log_owing(n: u128, day: i64) -> Command {
    let Command::Log(mut log) = log(n, day, Category::Use) else { unreachable!() };
    let after = |days: i64| at((day + days) * DAY);
    log.due = Due {
        acknowledgement: Some(Limits { alarm: after(30), limit: after(31) }),
        promised_acknowledgement: Some(after(5)),
        promised_answer: Some(after(20)),
    };
    Command::Log(log)
}

fn tick() -> Command {
    Command::Tick { orders: Arc::new(Orders::default()) }
}

/// Does what passing time asks of complaints, until it asks nothing more; how many looks found something.
async fn look(store: &Store, now: Moment) -> usize {
    let mut looks = 0;
    loop {
        let found = store.read(move |rows| due::complaints(rows, now, 10)).await.unwrap();
        let next = store.read(due::next_duty).await.unwrap();
        assert_eq!(found.is_empty(), next.is_none_or(|next| next > now), "the watch comes to rest: {next:?}");
        assert_eq!(store.read(move |rows| due::exchanges(rows, now, 10)).await.unwrap(), [], "none is an exchange");
        if found.is_empty() {
            return looks;
        }
        looks += 1;
        store
            .write::<_, StoreError>(now, move |turn| {
                for id in found {
                    let before = turn.complaint(id)?;
                    let events = complaint::decide(before.as_ref(), &tick(), now).unwrap();
                    assert!(!events.is_empty(), "what is asked for has something to record");
                    turn.record(vec![Change::Complaint { id, before, events }])?;
                }
                Ok(())
            })
            .await
            .unwrap();
    }
}

async fn tables(store: &Store) -> Tables {
    store.read(Tables::read).await.unwrap()
}

/// Rebuilt by the built-in plans.
async fn rebuilt_alike(store: &Store) {
    let fresh = TestStore::on_sqlite();
    store.rebuild_into(&fresh, at(10_000 * DAY)).await.unwrap();
    assert_eq!(tables(&fresh).await, tables(store).await);
}

both!(
    /// Aim: what is owed on a complaint stands among the clocks and in calendars, is asked for when a step or lateness is due
    /// and not before, and no more once it is done; the tables come out of the entries again.
    what_is_owed_counts_down, |store| {
        store.write::<_, StoreError>(at(10 * DAY), |turn| run(turn, 1, &log_owing(1, 10))).await.unwrap();
        let (groups, more) = store.read(|rows| clocks::pressing(rows, clocks::Filter::default(), 10)).await.unwrap();
        let kinds: Vec<_> = groups.iter().map(|group| (group.kind, group.own_target, group.due)).collect();
        let day = |day: i64| at(day * DAY);
        assert_eq!(kinds, [(PROMISED, true, day(15)), (ANSWER, true, day(30)), (LAW, false, day(40))]);
        assert_eq!((groups[2].legal_limit, groups[2].reference.as_str()), (Some(day(41)), "CP-2026-0001"));
        assert_eq!((more, groups[2].subject.clone(), groups[2].exchange), (0, None, None));
        let only = clocks::Filter { kind: Some(LAW), ..clocks::Filter::default() };
        assert_eq!(store.read(move |rows| clocks::pressing(rows, only, 10)).await.unwrap().0.len(), 1);
        let entries = store.read(deadlines::open).await.unwrap();
        assert_eq!(entries.iter().map(|entry| entry.kind).collect::<Vec<_>>(), [PROMISED, ANSWER, LAW]);
        assert_eq!(entries[2].path, format!("/complaints/{}", complaint_id(1)));
        assert_eq!((entries[2].reference.as_str(), entries[2].alarms.as_slice()), ("CP-2026-0001", [-10_980, -3_780, -900].as_slice()));

        assert_eq!(look(&store, morning(12).plus_seconds(-1)).await, 0, "7 days before lies before it was received");
        assert_eq!(look(&store, morning(12)).await, 1);
        assert_eq!(look(&store, morning(12)).await, 0);
        assert!(look(&store, at(40 * DAY + 1)).await >= 1, "after a sleep");
        let every = store.read(|rows| clocks::every(rows, None, 10)).await.unwrap().items;
        assert!(every.iter().all(|clock| clock.state == "overdue" && clock.complaint == Some(complaint_id(1))));
        rebuilt_alike(&store).await;

        store.write::<_, StoreError>(day(42), |turn| {
            run(turn, 1, &Command::TakeInHand { kind: ANSWER, due: at(30 * DAY), by: responder() })?;
            run(turn, 1, &Command::Acknowledge { at: at(41 * DAY), by: responder() })
        }).await.unwrap();
        rebuilt_alike(&store).await;
        let open = store.read(|rows| clocks::pressing(rows, clocks::Filter::default(), 10)).await.unwrap().0;
        assert!(open.len() == 1 && open[0].kind == ANSWER && open[0].in_hand.is_some());
        assert_eq!(look(&store, at(43 * DAY - 1)).await, 0, "in hand for a day");
        assert_eq!(look(&store, day(43)).await, 1);
        let outcome = Outcome::Withdrawn;
        store.write::<_, StoreError>(day(44), move |turn| {
            run(turn, 1, &Command::Answer { at: at(44 * DAY), outcome, note: None, by: responder() })
        }).await.unwrap();
        assert_eq!(look(&store, day(400)).await, 0);
        assert_eq!(store.read(due::next_duty).await.unwrap(), None, "nothing is asked of what is done");
        let states: Vec<_> =
            store.read(|rows| clocks::every(rows, None, 10)).await.unwrap().items.into_iter().map(|it| it.state).collect();
        assert_eq!(states, ["met", "met_late", "met_late"], "by law within the limit, by promise late");
        rebuilt_alike(&store).await;
    }
);

both!(
    /// Aim: a changed plan moves the ladders of complaints that are open.
    a_changed_plan_moves_them, |store| {
        store.write::<_, StoreError>(at(10 * DAY), |turn| run(turn, 1, &log_owing(1, 10))).await.unwrap();
        store.write::<_, StoreError>(at(11 * DAY), |turn| {
            let mut plan = Plan::built_in(LAW);
            plan.steps[0].offset_minutes = -20 * 24 * 60;
            ladder_plans::keep(turn, LAW, 0, plan)?.unwrap();
            Ok(())
        }).await.unwrap();
        let only = clocks::Filter { kind: Some(LAW), ..clocks::Filter::default() };
        let (groups, _) = store.read(move |rows| clocks::pressing(rows, only, 10)).await.unwrap();
        assert_eq!(groups[0].next_step, Some(at(20 * DAY)));
    }
);

both!(
    /// Aim: complaints that an earlier version logged have the same clocks and ladders after the first start as their entries
    /// make: open ones, done in time, within the legal limit and late, and erased ones.
    complaints_of_the_version_before_have_clocks, |store| {
        store.write::<_, StoreError>(at(100 * DAY), |turn| {
            let (by, outcome, note) = (responder(), Outcome::Upheld, None);
            for (n, day) in [(1, 98), (2, 60), (3, 60), (4, 60), (5, 60)] {
                run(turn, n, &log_owing(n, day))?;
            }
            run(turn, 6, &log(6, 99, Category::Rights))?;
            let Command::Log(mut soon) = log(7, 99, Category::Rights) else { unreachable!() };
            soon.due.promised_acknowledgement = Some(at(99 * DAY + 10 * 3_600));
            run(turn, 7, &Command::Log(soon))?;
            run(turn, 2, &Command::Acknowledge { at: at(64 * DAY), by: by.clone() })?;
            run(turn, 3, &Command::Acknowledge { at: at(91 * DAY - 5), by: by.clone() })?;
            run(turn, 3, &Command::Answer { at: at(92 * DAY), outcome, note: note.clone(), by: by.clone() })?;
            run(turn, 4, &Command::Answer { at: at(95 * DAY), outcome, note, by: by.clone() })
        }).await.unwrap();
        store.write::<_, StoreError>(at(101 * DAY), |turn| {
            let before = turn.complaint(complaint_id(4))?;
            let events = complaint::decide(before.as_ref(), &Command::Anonymise, turn.now()).unwrap();
            turn.erase_stream(complaint_id(4).uuid())?;
            turn.record(vec![Change::Complaint { id: complaint_id(4), before, events }])
        }).await.unwrap();
        let whole = tables(&store).await;
        rebuilt_alike(&store).await;
        store.stop();
        store.tamper(DOWN);
        store.tamper("DELETE FROM __diesel_schema_migrations WHERE version = '0016'");
        let before = tables(&store).await;
        assert_ne!(before, whole);
        let again = store.again().unwrap();
        assert_eq!(tables(&again).await, whole);
        assert!(look(&again, at(102 * DAY)).await > 0, "and are reminded of");
    }
);

const DOWN: &str = include_str!("../../../../../migrations/sqlite/0016_complaint_clocks/down.sql");

/// Aim: open clocks of complaints are found by an index that holds no others.
#[test]
fn few_clocks_are_found_among_many() {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = diesel::sql_types::Text)]
        detail: String,
    }
    crate::store::testing::run(async {
        let store = TestStore::on_sqlite();
        store
            .write::<_, StoreError>(at(10 * DAY), |turn| {
                run(turn, 1, &log_owing(1, 10))?;
                let (asked, queries) = std::sync::mpsc::channel();
                turn.rows().db.set_instrumentation(move |event: InstrumentationEvent<'_>| {
                    if let InstrumentationEvent::StartQuery { query, .. } = event {
                        // It goes on asking when nobody listens any more.
                        drop(asked.send(query.to_string()));
                    }
                });
                let found = clocks::pressing(turn.rows(), clocks::Filter::default(), 10)?;
                assert_eq!(found.0.len(), 3);
                let of_complaints = |query: &String| query.contains("`exchange_id` IS NULL");
                let queries: Vec<String> = queries.try_iter().filter(of_complaints).collect();
                assert_eq!(queries.len(), 1);
                let query = queries[0].split(" -- binds").next().unwrap_or_default();
                let plan: Vec<Step> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {query}")).load(turn.rows().db)?;
                let plan: Vec<String> = plan.into_iter().map(|step| step.detail).collect();
                assert_eq!(plan, ["SCAN clocks USING INDEX clocks_of_complaints"]);
                Ok(())
            })
            .await
            .unwrap();
    });
}
