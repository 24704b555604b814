//! The board from streams decided by the rules themselves: every row is in the state that it is listed under and counted in.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use domain::exchange::{Call, CallChannel, Command, Stance};
use domain::facts::IncidentKind;
use domain::values::PartnerId;

use super::{HeldUp, Level, Listed, State, one, page, tally, with_work};
use crate::store::StoreError;
use crate::store::partners::PartnerState;
use crate::store::projections::samples::{
    acknowledgement, add_partner, advance, exchange_id, incident_id, line, log, notice_id, on_exchange, on_incident,
    partner_id, receipt, responder,
};
use crate::store::testing::{TestStore, at, both};

const HOUR: i64 = 3_600;

/// One incident owed to eight partners: 1 and 2 have signed, 2 says affected, 3 was told by telephone, the server of 4
/// took it, 5 is suspended, 6 has no node; 7 and 8 wait.
async fn furnished(store: &TestStore) {
    store
        .write(at(0), |turn| {
            for n in 1..=8 {
                let state = match n {
                    5 => PartnerState::Suspended,
                    6 => PartnerState::Listed,
                    _ => PartnerState::Active,
                };
                add_partner(turn, n, state)?;
            }
            assert!(on_incident(turn, 1, &log(1, IncidentKind::Breach, 8, false))?);
            advance(turn, 1)
        })
        .await
        .unwrap();
    store
        .write(at(HOUR), |turn| {
            for n in [1, 2] {
                assert!(on_exchange(turn, exchange_id(1, n), &receipt(notice_id(1, n, 1), at(HOUR)))?);
            }
            assert!(on_exchange(turn, exchange_id(1, 2), &acknowledgement(at(HOUR), Stance::Affected))?);
            let call = Call {
                to_whom: line("Duty desk"),
                how: CallChannel::Telephone,
                at: at(HOUR),
                note: None,
                backdate_reason: None,
            };
            assert!(on_exchange(turn, exchange_id(1, 3), &Command::RecordCall { call, by: responder() })?);
            let taken = Command::RecordAcceptance { message: notice_id(1, 4, 1), at: at(HOUR) };
            assert!(on_exchange(turn, exchange_id(1, 4), &taken)?);
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

async fn listed(store: &TestStore, state: Option<State>) -> Vec<Listed> {
    let (mut all, mut after): (Vec<Listed>, Option<PartnerId>) = (Vec::new(), None);
    loop {
        let found = store.read(move |rows| page(rows, incident_id(1), state, after, 3)).await.unwrap();
        all.extend(found.items);
        after = found.next;
        if after.is_none() {
            return all;
        }
    }
}

both!(
    /// Aim: the page, its filters and the counts above it agree on every partner's state, whatever the size of pages.
    states_are_listed_as_counted,
    |store| {
        furnished(&store).await;
        let all = listed(&store, None).await;
        assert_eq!(all.len(), 8);
        let mut counted: BTreeMap<State, u32> = BTreeMap::new();
        for row in &all {
            *counted.entry(row.state).or_default() += 1;
        }
        let tally: BTreeMap<State, u32> =
            store.read(|rows| tally(rows, incident_id(1))).await.unwrap().into_iter().collect();
        assert_eq!(tally, counted);
        let expected =
            [(State::NotDelivered, 4), (State::Accepted, 1), (State::Told, 1), (State::Delivered, 1), (State::Affected, 1)];
        assert_eq!(counted.into_iter().collect::<Vec<_>>(), expected);
        for state in State::ALL {
            let of_it: Vec<_> = all.iter().filter(|row| row.state == state).cloned().collect();
            assert_eq!(listed(&store, Some(state)).await, of_it, "{state:?}");
        }
    }
);

both!(
    /// Aim: a row names the evidence, the version held, and what keeps a message from being tried.
    rows_say_what_proves_them,
    |store| {
        furnished(&store).await;
        let all = listed(&store, None).await;
        let row = |n: u128| all.iter().find(|row| row.partner == partner_id(n)).unwrap();
        let levels: Vec<Level> = (1..=4).map(|n| row(n).level).collect();
        assert_eq!(levels, [Level::Signed, Level::Signed, Level::Recorded, Level::Transport]);
        assert_eq!((row(1).holds, row(1).revision), (1, 1));
        assert_eq!((row(4).holds, row(4).accepted_at), (0, Some(at(HOUR))));
        assert_eq!(row(7).carried.as_ref().unwrap().held_up, None);
        let held_up: Vec<_> = [5, 6].into_iter().map(|n| row(n).carried.as_ref().unwrap().held_up).collect();
        assert_eq!(held_up, [Some(HeldUp::Suspended), Some(HeldUp::NoWay)]);
        assert!(row(7).clock.as_ref().unwrap().open && !row(1).clock.as_ref().unwrap().open);
        let single = store.read(|rows| one(rows, exchange_id(1, 2))).await.unwrap().unwrap();
        assert_eq!(&single, row(2));
        let told = all.iter().filter(|row| row.carried.is_some()).count();
        let work = store.read(|rows| with_work(rows, incident_id(1), None, None, 100)).await.unwrap();
        assert_eq!(work.len(), told);
        let some = store.read(|rows| with_work(rows, incident_id(1), Some(State::Told), None, 100)).await.unwrap();
        assert_eq!(some, [partner_id(3)]);
    }
);
