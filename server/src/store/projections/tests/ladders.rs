//! Ladders in the tables: plans that change while they run, duties in hand that lapse, steps that have to be seen.

use domain::ladder::{LadderCommand, LadderState, Orders, Plan, Reachable, Step};
use domain::values::Actor;

use super::*;
use crate::store::ladder_plans;

const NOTICE: ClockKind = ClockKind::PartnerNotice;

fn notice_ladder(tables: &Tables) -> LadderRow {
    tables.ladder(id(1), NOTICE, at(48 * HOUR)).unwrap().clone()
}

/// Ticks the incident by the plans that stand, with these people; answers the step that fired on the notice's ladder.
async fn ticked(store: &Store, now: Moment, people: Vec<Reachable>) -> Option<i32> {
    write(store, now, move |turn| {
        let ladder = |turn: &mut Turn<'_>| -> Result<LadderState, StoreError> {
            let incident = turn.incident(incident_id(1))?.unwrap();
            let found = incident.ladders.into_iter().find(|ladder| ladder.kind == NOTICE);
            Ok(found.unwrap_or(LadderState::new(NOTICE, at(48 * HOUR))))
        };
        let before = ladder(turn)?;
        let plans = ladder_plans::standing(turn.rows())?;
        let orders = Arc::new(Orders { plans, people, on_call: Vec::new() });
        for incident in due::incidents(turn.rows(), now, 10)? {
            let outstanding = due::outstanding(turn.rows(), incident)?;
            assert!(on_incident(turn, 1, &Command::Tick { outstanding, orders: Arc::clone(&orders) })?);
        }
        assert_eq!(due::incidents(turn.rows(), now, 10)?, [], "a second look finds nothing to do");
        let after = ladder(turn)?;
        assert!(after.fired <= before.fired + 1, "no storm");
        Ok(after.last_offset.filter(|_| after.fired > before.fired))
    })
    .await
}

/// A plan with steps at these minutes, for the notice's ladder.
fn plan(minutes: &[i32]) -> Plan {
    let first = Plan::built_in(NOTICE).steps.remove(0);
    let steps = minutes.iter().map(|minutes| Step { offset_minutes: *minutes, ..first.clone() }).collect();
    Plan { steps, ..Plan::built_in(NOTICE) }
}

async fn keep(store: &Store, seen: u32, plan: Plan) -> Option<u32> {
    let kept = store.write::<_, StoreError>(at(26 * HOUR), move |turn| ladder_plans::keep(turn, NOTICE, seen, plan));
    kept.await.unwrap().map(|kept| kept.version)
}

both!(
    /// Aim: a plan that changes governs the steps still to come: nothing fires twice, nothing fires for an instant that has
    /// gone by, and a version that somebody else replaced is not overwritten.
    plans_change_while_ladders_run, |store| {
        logged(&store, IncidentKind::LikelyToGiveRise, 1, false).await;
        assert_eq!(ticked(&store, at(25 * HOUR), Vec::new()).await, Some(-1_440));
        // 24 h before came and fired; 23 h before (hour 25) had gone by when it was added; 21 h before is to come.
        assert_eq!(keep(&store, 0, plan(&[-1_440, -1_380, -1_260, 0])).await, Some(1));
        assert_eq!(keep(&store, 0, plan(&[0])).await, None, "version 1 stands");
        assert_eq!(notice_ladder(&tables(&store).await).next_step_at, Some(at(27 * HOUR).micros()));
        assert_eq!(ticked(&store, at(26 * HOUR), Vec::new()).await, None);
        assert_eq!(ticked(&store, at(27 * HOUR), Vec::new()).await, Some(-1_260));
        // Four days asleep, past the due instant: one step fires, the others are recorded as passed.
        assert_eq!(ticked(&store, at(100 * HOUR), Vec::new()).await, Some(2_880));
        rebuilt_alike(&store).await;
    }
);

both!(
    /// Aim: who has to say that they have seen a step is kept until they do; a duty in hand climbs on when nothing happens.
    in_hand_lapses_and_steps_are_seen, |store| {
        logged(&store, IncidentKind::LikelyToGiveRise, 1, false).await;
        let mut asking = Plan::built_in(NOTICE);
        asking.steps.iter_mut().for_each(|step| step.must_see = true);
        assert_eq!(keep(&store, 0, asking.clone()).await, Some(1));
        let people = || -> Vec<Reachable> {
            let reachable = |by: Actor| Reachable { person: by.person().unwrap(), roles: vec![Role::Manager] };
            vec![reachable(responder()), reachable(person(2, Role::Manager))]
        };
        assert_eq!(ticked(&store, at(24 * HOUR), people()).await, Some(-1_440));
        let row = notice_ladder(&tables(&store).await);
        assert_eq!((row.fired, row.asked.as_ref().map(Vec::len), row.seen), (1, Some(32), None));
        write(&store, at(25 * HOUR), |turn| {
            let command = LadderCommand::MarkSeen { kind: NOTICE, due: at(48 * HOUR) };
            assert!(on_incident(turn, 1, &Command::Ladder { command, by: responder() })?);
            let take = Command::TakeInHand { kind: NOTICE, due: at(48 * HOUR), by: person(2, Role::Manager) };
            assert!(on_incident(turn, 1, &take)?);
            Ok(())
        }).await;
        let row = notice_ladder(&tables(&store).await);
        assert_eq!(row.seen.as_deref(), Some(responder().person().unwrap().as_bytes().as_slice()));
        assert_eq!(row.next_step_at, Some(at(29 * HOUR).micros()), "four hours in hand");
        rebuilt_alike(&store).await;
        // A plan that changes meanwhile moves the lapse too.
        assert_eq!(keep(&store, 1, Plan { lapse_minutes: Some(120), ..asking }).await, Some(2));
        assert_eq!(notice_ladder(&tables(&store).await).next_step_at, Some(at(27 * HOUR).micros()));
        assert_eq!(ticked(&store, at(29 * HOUR), people()).await, None);
        let row = notice_ladder(&tables(&store).await);
        assert_eq!((row.in_hand_at, row.next_step_at), (None, Some(at(36 * HOUR).micros())));
        assert_eq!(ticked(&store, at(36 * HOUR), people()).await, Some(-720));
        rebuilt_alike(&store).await;
    }
);
