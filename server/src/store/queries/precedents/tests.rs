//! Precedents follow from what was decided, and from nothing else.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use diesel::prelude::*;
use domain::facts::{DataCategory, Facts, IncidentKind};
use domain::incident::decision::{self, Ask, NotABreach, People};
use domain::incident::{Command, Seen};
use domain::suggestion::{Asked, Circumstances};
use domain::values::{Known, Role};

use super::{Precedent, nearest};
use crate::store::projections::samples::{facts, incident_id, log, long, on_incident, person, responder};
use crate::store::projections::tables::Tables;
use crate::store::schema::precedents;
use crate::store::testing::{TestStore, at, both};
use crate::store::{Change, StoreError, Turn};

fn of(data: &[DataCategory]) -> Facts {
    Facts { data_categories: Known::Known(data.iter().copied().collect()), ..facts("A laptop") }
}

/// Logs a breach of these data.
fn logged(turn: &mut Turn<'_>, n: u128, data: &[DataCategory], drill: bool) -> Result<(), StoreError> {
    let Command::Log(mut new) = log(n, IncidentKind::Breach, 0, false) else { panic!("it logs") };
    (new.facts, new.exercise) = (of(data), drill);
    assert!(on_incident(turn, n, &Command::Log(new))?);
    Ok(())
}

fn decides(turn: &mut Turn<'_>, n: u128, officer: u128, ask: Ask) -> Result<(), StoreError> {
    let seen = Seen::of(&turn.incident(incident_id(n))?.unwrap());
    let command = Command::Decision { command: decision::Command { seen, ask }, by: person(officer, Role::Dpo) };
    assert!(on_incident(turn, n, &command)?);
    Ok(())
}

fn report(why: &str) -> Ask {
    Ask::Report { reasons: long(why) }
}

async fn write(
    store: &TestStore,
    second: i64,
    f: impl FnOnce(&mut Turn<'_>) -> Result<(), StoreError> + Send + 'static,
) {
    store.write(at(second), f).await.unwrap();
}

async fn near(store: &TestStore, data: &'static [DataCategory], except: u128) -> Vec<Precedent> {
    let circumstances = Circumstances::of(&of(data), Asked::default());
    store.read(move |rows| nearest(rows, &circumstances, incident_id(except), 3)).await.unwrap()
}

async fn rebuilt_alike(store: &TestStore) {
    let fresh = TestStore::on_sqlite();
    store.rebuild_into(&fresh, at(10_000_000)).await.unwrap();
    let (kept, rebuilt) = (store.read(Tables::read).await.unwrap(), fresh.read(Tables::read).await.unwrap());
    assert!(kept == rebuilt);
}

const HEALTH: &[DataCategory] = &[DataCategory::Health];
const MONEY: &[DataCategory] = &[DataCategory::EconomicAndFinancial];

both!(
    /// Aim: what was decided on incidents like this one is found, nearest first, with the reasons; drills, what nobody has
    /// decided, and the incident itself are not; the tables can be made again.
    nearest_of_our_own, |store| {
        write(&store, 60, |turn| {
            logged(turn, 1, HEALTH, false)?;
            logged(turn, 2, MONEY, false)?;
            logged(turn, 3, HEALTH, true)?;
            logged(turn, 4, HEALTH, false)
        }).await;
        assert_eq!(near(&store, HEALTH, 9).await, []);
        write(&store, 120, |turn| {
            decides(turn, 1, 1, report("The notes were of patients."))?;
            decides(turn, 1, 1, Ask::People { people: People::RiskNotHigh, reasons: long("The clinic has them back.") })?;
            decides(turn, 2, 1, Ask::ProposeNotABreach { ground: NotABreach::NearMiss, reasons: long("Stopped in time.") })?;
            decides(turn, 3, 1, report("A drill."))
        }).await;
        let found = near(&store, HEALTH, 9).await;
        assert_eq!(found.len(), 1, "a proposal that waits decides nothing: {found:?}");
        write(&store, 180, |turn| decides(turn, 2, 2, Ask::ResolveNotABreach { approve: true })).await;
        let found = near(&store, HEALTH, 9).await;
        let shown: Vec<_> = found.iter().map(|found| (found.reference.as_str(), found.to_ico.as_str())).collect();
        assert_eq!(shown, [("TC-2026-0001", "report"), ("TC-2026-0002", "not_a_breach")]);
        assert_eq!((found[0].why.as_str(), found[0].decided_at), ("The notes were of patients.", at(120)));
        assert_eq!(found[0].people.as_deref(), Some("risk_not_high"));
        assert_eq!(found[0].why_people.as_deref(), Some("The clinic has them back."));
        assert!(found[0].distance.weighted() < found[1].distance.weighted());
        assert_eq!(near(&store, MONEY, 1).await.len(), 1, "never the incident itself");
        rebuilt_alike(&store).await;
    }
);

both!(
    /// Aim: a precedent keeps the circumstances that were decided on, whatever becomes known later; it goes with the
    /// incident when that is erased, and no reason lies in the table in plain.
    kept_as_decided_and_erased, |store| {
        write(&store, 60, |turn| {
            logged(turn, 1, HEALTH, false)?;
            decides(turn, 1, 1, Ask::ProposeNotRequired { reasons: long("Returned unopened.") })?;
            decides(turn, 1, 2, Ask::ResolveNotRequired { approve: true })?;
            let later = Command::UpdateFacts { base_version: 1, facts: Box::new(of(MONEY)), by: responder() };
            assert!(on_incident(turn, 1, &later)?);
            Ok(())
        }).await;
        let found = near(&store, HEALTH, 9).await;
        let data = found[0].distance.parts().iter().find(|(feature, _)| *feature == domain::precedent::Feature::Data);
        assert_eq!(data.unwrap().1, 0, "it was decided on health data");
        let sealed: Vec<Vec<u8>> =
            store.read(|rows| Ok(precedents::table.select(precedents::why).load(rows.db)?)).await.unwrap();
        assert!(!String::from_utf8_lossy(&sealed[0]).contains("unopened"));
        rebuilt_alike(&store).await;
        write(&store, 300, |turn| {
            assert!(on_incident(turn, 1, &Command::Close { open_duties: vec![], by: responder() })?);
            let before = turn.incident(incident_id(1))?;
            let gone = domain::incident::decide(before.as_ref(), &Command::Anonymise { by: responder() }, turn.now());
            turn.erase_stream(incident_id(1).uuid())?;
            turn.record(vec![Change::Incident { id: incident_id(1), before, events: gone.unwrap().events }])
        }).await;
        assert_eq!(near(&store, HEALTH, 9).await, []);
        rebuilt_alike(&store).await;
    }
);
