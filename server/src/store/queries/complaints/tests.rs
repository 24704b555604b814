//! Lists of complaints on both databases.

#![expect(clippy::unwrap_used, reason = "tests")]

use domain::complaint::{self, Category, Channel, Command, Due, Log, Outcome, Stage};
use domain::values::{ComplaintId, Moment};

use super::{Filter, newest, one, waiting};
use crate::store::projections::samples::{incident_id, line, long, responder};
use crate::store::testing::{at, both, id};
use crate::store::{Change, Store, StoreError, Turn};

const DAY: i64 = 86_400;

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
