//! What incidents cost, in lines and in figures.

use chrono::NaiveDate;
use domain::incident::costs::{Command as Ask, Cost, Kind, Pence, Seen};
use domain::values::Role;

use super::figures::{Figures, YearCost};
use super::*;
use crate::store::projections::samples::long;

const DAY_HERE: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 3, 10);

fn record(turn: &mut Turn<'_>, n: u128, kind: Kind, pence: i64, estimate: bool) -> Result<(), StoreError> {
    let note = Some(line("Planted note."));
    let cost = Cost { kind, pence: Pence::new(pence).unwrap(), on: DAY_HERE, estimate, note };
    ask(turn, n, Ask::Record { cost, today: DAY_HERE.unwrap() })
}

fn strike(turn: &mut Turn<'_>, n: u128, number: u32) -> Result<(), StoreError> {
    ask(turn, n, Ask::Strike { seen: Seen { number, revision: 1 }, reason: long("Planted reason.") })
}

fn ask(turn: &mut Turn<'_>, n: u128, command: Ask) -> Result<(), StoreError> {
    assert!(on_incident(turn, n, &Command::Costs { command, by: responder() })?);
    Ok(())
}

async fn found(store: &Store) -> (Figures, Vec<YearCost>) {
    store.read(|rows| Ok((figures::figures(rows, Months::ALL)?, figures::cost_years(rows, at(0))?))).await.unwrap()
}

async fn line_of(store: &Store, reference: &'static str) -> (Option<i64>, Option<i64>) {
    let found = store.read(move |rows| with_references(rows, &[reference])).await.unwrap();
    let entry = &found[&reference.to_uppercase()];
    (entry.cost, entry.cost_estimated)
}

/// Costs of three incidents that count, one of them from an earlier register, and of a drill.
async fn costly(store: &Store) {
    filled(store).await;
    write(store, 5_000, |turn| {
        record(turn, 1, Kind::StaffTime, 120_000, true)?;
        record(turn, 1, Kind::StaffTime, 50, false)?;
        record(turn, 1, Kind::Penalty, 7_500_000, false)?;
        record(turn, 2, Kind::StaffTime, 1_000, false)?;
        record(turn, 3, Kind::Compensation, 999, false)?;
        record(turn, 106, Kind::OutsideHelp, 400, false)
    })
    .await;
}

both!(
    /// Aim: a line shows what its incident cost; figures hold the sums by kind and year without drills, follow corrections and
    /// strikes, and are the same when they are made again.
    costs_are_summed, |store| {
        costly(&store).await;
        assert_eq!(line_of(&store, "TC-2026-0001").await, (Some(7_620_050), Some(120_000)));
        assert_eq!(line_of(&store, "TC-2026-0003").await, (Some(999), Some(0)), "a drill's line shows it");
        assert_eq!(line_of(&store, "old-01").await, (None, None));
        let (all, years) = found(&store).await;
        let kinds: Vec<(&str, i64)> = all.beginning("cost.").collect();
        assert_eq!(kinds, [("outside_help", 400), ("penalty", 7_500_000), ("staff_time", 121_050)]);
        assert_eq!(all.beginning("cost_incidents.").collect::<Vec<_>>(), [("outside_help", 1), ("penalty", 1), ("staff_time", 2)]);
        assert_eq!((all.of("cost_incidents"), all.of("cost_estimated")), (3, 120_000));
        assert_eq!(years.len(), 2, "{years:?}");
        let (earlier, this) = (years[0], years[1]);
        assert_eq!((earlier.pence, earlier.incidents, earlier.estimated), (400, 1, 0));
        assert_eq!((this.pence, this.incidents, this.estimated, this.year), (7_621_050, 2, 120_000, earlier.year + 1));
        rebuilt_alike(&store).await;

        write(&store, 6_000, |turn| {
            let cost = Cost { kind: Kind::OutsideHelp, pence: Pence::new(110_000).unwrap(), on: None, estimate: false, note: None };
            let seen = Seen { number: 1, revision: 1 };
            ask(turn, 1, Ask::Correct { seen, cost, reason: long("Planted reason."), today: DAY_HERE.unwrap() })?;
            strike(turn, 2, 1)?;
            strike(turn, 106, 1)
        }).await;
        let (changed, years) = found(&store).await;
        assert_eq!(changed.beginning("cost.").collect::<Vec<_>>(), [("outside_help", 110_000), ("penalty", 7_500_000), ("staff_time", 50)]);
        assert_eq!((changed.of("cost_incidents"), changed.of("cost_estimated"), years.len()), (1, 0, 1));
        assert_eq!(line_of(&store, "TC-2026-0002").await, (None, None), "nothing stands, which is not nought");
        rebuilt_alike(&store).await;
        assert!(!store.shows("Planted"));
    }
);

both!(
    /// Aim: after erasure the line and every figure say the same, made again too, and a database that lost its register gets it
    /// back with its costs.
    costs_survive_erasure, |store| {
        costly(&store).await;
        write(&store, 5_500, |turn| strike(turn, 1, 2)).await;
        let before = found(&store).await;
        write(&store, 6_000, |turn| {
            let withdraw = Command::Withdraw { reason: WithdrawalReason::SentInError, note: None, by: responder() };
            assert!(on_incident(turn, 1, &withdraw)?);
            advance(turn, 1)
        }).await;
        write(&store, 7_000, |turn| {
            for n in [1, 106] {
                assert!(on_incident(turn, n, &Command::Anonymise { by: person(1, Role::Dpo) })?);
                turn.erase_stream(id(n))?;
            }
            Ok(())
        }).await;
        assert_eq!(found(&store).await.1, before.1);
        assert_eq!(line_of(&store, "TC-2026-0001").await, (Some(7_620_000), Some(120_000)));
        rebuilt_alike(&store).await;
        let live = store.read(Tables::read).await.unwrap();
        store.tamper("DELETE FROM register; DELETE FROM register_facets; DELETE FROM register_tallies");
        let again = store.again().unwrap().read(Tables::read).await.unwrap();
        assert!(again == live, "{again:#?}\n{live:#?}");
    }
);
