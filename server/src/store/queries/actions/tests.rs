//! The list of what is still to be done, from incidents decided by the rules themselves.

#![expect(clippy::unwrap_used, reason = "tests")]

use chrono::NaiveDate;
use domain::facts::IncidentKind;
use domain::incident::lessons::{Command as Lesson, Owner, Plan, Seen};
use domain::incident::{Command, WithdrawalReason};
use domain::values::{PersonId, Role};

use super::*;
use crate::store::Turn;
use crate::store::projections::samples::{decided, incident_id, line, log, long, on_incident, person, responder};
use crate::store::projections::tables::Tables;
use crate::store::testing::{TestStore, at, both};

fn day(n: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, n).unwrap()
}

fn owner_id() -> PersonId {
    person(7, Role::Manager).person().unwrap()
}

fn plan(what: &str, due: u32, own: bool) -> Plan {
    let role = Owner::Role { words: line("Head of IT") };
    let account = Owner::Account { id: owner_id(), name: line("Person 7") };
    Plan { what: long(what), owner: if own { account } else { role }, due_on: day(due) }
}

fn lesson(turn: &mut Turn<'_>, n: u128, command: Lesson) -> Result<(), StoreError> {
    assert!(on_incident(turn, n, &Command::Lessons { command, by: responder() })?);
    Ok(())
}

fn add(turn: &mut Turn<'_>, n: u128, plan: Plan) -> Result<(), StoreError> {
    lesson(turn, n, Lesson::Add { plan, today: day(1) })
}

fn done(number: u32, revision: u32) -> Lesson {
    Lesson::Done { action: Seen { number, revision }, on: day(1), evidence: long("Ticket 17."), today: day(1) }
}

/// Two incidents with three actions each, due on the same days; every other action is that of person 7.
async fn planned(store: &TestStore) {
    store
        .write::<_, StoreError>(at(0), |turn| {
            for n in 1..=2 {
                assert!(on_incident(turn, n, &log(n, IncidentKind::Breach, 0, false))?);
                for (what, due, own) in [("Third", 20, false), ("First", 10, true), ("Second", 10, false)] {
                    add(turn, n, plan(&format!("{what} of {n}"), due, own))?;
                }
            }
            Ok(())
        })
        .await
        .unwrap();
}

/// Every open action, walked in pages of `limit`.
async fn walked(store: &TestStore, owner: Option<PersonId>, limit: usize) -> Vec<String> {
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let page = store.read(move |rows| open(rows, owner, after, limit)).await.unwrap();
        all.extend(page.items.into_iter().map(|action| format!("{} {}", action.reference, action.what)));
        match page.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

both!(
    /// Aim: actions of all incidents come by day, in pages of any size none twice and none left out, for everybody and for
    /// one person.
    open_actions_are_paged_by_day, |store| {
        planned(&store).await;
        let all = [
            "TC-2026-0001 First of 1", "TC-2026-0001 Second of 1", "TC-2026-0002 First of 2", "TC-2026-0002 Second of 2",
            "TC-2026-0001 Third of 1", "TC-2026-0002 Third of 2",
        ];
        for limit in 1..=6 {
            assert_eq!(walked(&store, None, limit).await, all, "in pages of {limit}");
        }
        let own = ["TC-2026-0001 First of 1", "TC-2026-0002 First of 2"];
        assert_eq!(walked(&store, Some(owner_id()), 1).await, own);
        let counts = store.read(|rows| Ok((how_many(rows, None)?, how_many(rows, Some(owner_id()))?))).await.unwrap();
        assert_eq!(counts, (6, 2));
    }
);

both!(
    /// Aim: what was done, dropped or moved changes the list, and tables made again from the entries say the same.
    changes_reach_the_list_and_are_rebuilt, |store| {
        planned(&store).await;
        store.write::<_, StoreError>(at(60), |turn| {
            lesson(turn, 1, done(2, 1))?;
            let reason = long("Not needed.");
            lesson(turn, 1, Lesson::Drop { action: Seen { number: 3, revision: 1 }, reason: reason.clone() })?;
            let action = Seen { number: 1, revision: 1 };
            lesson(turn, 2, Lesson::Change { action, plan: plan("Sooner", 2, true), today: day(1) })?;
            lesson(turn, 1, Lesson::Reopen { action: Seen { number: 3, revision: 2 }, reason })
        }).await.unwrap();
        let list = walked(&store, None, 10).await;
        assert_eq!(list, [
            "TC-2026-0002 Sooner", "TC-2026-0001 Second of 1", "TC-2026-0002 First of 2", "TC-2026-0002 Second of 2",
            "TC-2026-0001 Third of 1",
        ]);
        let fresh = TestStore::on_sqlite();
        store.rebuild_into(&fresh, at(10_000)).await.unwrap();
        let (again, now) = (fresh.read(Tables::read).await.unwrap(), store.read(Tables::read).await.unwrap());
        assert!(again == now, "{again:?}\n{now:?}");
    }
);

both!(
    /// Aim: erasing an incident takes its actions out of the tables, also of rebuilt ones, and those of others stay.
    erased_with_their_incident, |store| {
        planned(&store).await;
        store.write::<_, StoreError>(at(60), |turn| {
            (1..=3).try_for_each(|number| lesson(turn, 1, done(number, 1)))?;
            let reason = WithdrawalReason::SentInError;
            assert!(on_incident(turn, 1, &Command::Withdraw { reason, note: None, by: responder() })?);
            let changes = decided(turn, 1, &Command::Anonymise { by: responder() })?.unwrap();
            turn.erase_stream(incident_id(1).uuid())?;
            turn.record(changes)
        }).await.unwrap();
        let left: Vec<i32> = store
            .read(|rows| Ok(corrective_actions::table.order(corrective_actions::number).select(corrective_actions::number).load(rows.db)?))
            .await
            .unwrap();
        assert_eq!(left, [1, 2, 3]);
        assert_eq!(walked(&store, None, 10).await.len(), 3);
        let fresh = TestStore::on_sqlite();
        store.rebuild_into(&fresh, at(10_000)).await.unwrap();
        assert!(fresh.read(Tables::read).await.unwrap() == store.read(Tables::read).await.unwrap());
    }
);
