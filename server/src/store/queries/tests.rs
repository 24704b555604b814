//! What pages and the API are shown, from streams decided by the rules themselves.

#![expect(clippy::unwrap_used, reason = "tests")]

use diesel::prelude::*;
use domain::clock::ClockKind;
use domain::exchange::{Direction, Stance};
use domain::facts::IncidentKind;
use domain::incident::{Command, WithdrawalReason};
use domain::values::Role;

use super::clocks::Filter;
use super::exchanges::Show;
use super::{alerts, clocks, exchanges, first_hour, incidents, notices, partners};
use crate::store::alerts::AlertKind;
use crate::store::partners::PartnerState;
use crate::store::projections::samples::{
    acknowledgement, add_partner, advance, exchange_id, facts, incident_id, log, notice_id, on_exchange, on_incident,
    partner_id, person, receipt,
};
use crate::store::testing::{TestStore, at, both};
use crate::store::{LoggedEvent, Rows, StoreError, Turn, schema};

const HOUR: i64 = 3_600;

async fn write(
    store: &TestStore,
    seconds: i64,
    f: impl FnOnce(&mut Turn<'_>) -> Result<(), StoreError> + Send + 'static,
) {
    store.write(at(seconds), f).await.unwrap();
}

async fn read<T: Send + 'static>(
    store: &TestStore,
    f: impl FnOnce(&mut Rows<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.read(f).await.unwrap()
}

/// Incidents 1 to `many`, each owed to `partners` partners, a minute apart.
async fn logged(store: &TestStore, many: u128, partners: u128) {
    write(store, 0, move |turn| (1..=partners).try_for_each(|n| add_partner(turn, n, PartnerState::Active))).await;
    for n in 1..=many {
        write(store, i64::try_from(n).unwrap() * 60, move |turn| {
            assert!(on_incident(turn, n, &log(n, IncidentKind::Breach, partners, false))?);
            advance(turn, n)
        })
        .await;
    }
}

both!(
    /// Aim: clocks of one incident and due instant are one group with its counts, and the most pressing comes first.
    groups_the_most_pressing_first,
    |store| {
        logged(&store, 1, 4).await;
        write(&store, 2 * HOUR, |turn| {
            assert!(on_exchange(turn, exchange_id(1, 1), &receipt(notice_id(1, 1, 1), at(HOUR)))?);
            Ok(())
        })
        .await;
        let (groups, more) = read(&store, |rows| clocks::pressing(rows, Filter::default(), 10)).await;
        let shown: Vec<_> = groups.iter().map(|group| (group.kind, group.due, group.open, group.all)).collect();
        assert_eq!(shown, [
            (ClockKind::PartnerAcknowledgement, at(9 * HOUR), 1, 1),
            (ClockKind::PartnerNotice, at(24 * HOUR), 1, 1),
            (ClockKind::PartnerNotice, at(48 * HOUR), 2, 3),
            (ClockKind::IcoReport, at(72 * HOUR), 1, 1),
        ]);
        assert_eq!(more, 0);
        let one = groups.get(1).unwrap();
        assert_eq!(one.partner, Some((partner_id(3), "Partner 3".to_owned())));
        assert_eq!(one.subject.as_ref().unwrap().title, "A mailbox was opened");
        assert_eq!(one.carrying.as_ref().unwrap().standing, "queued");
        assert!(one.next_step.is_some() && one.in_hand.is_none());
        let filter = Filter { partner: Some(partner_id(2)), ..Filter::default() };
        let (of_partner, _) = read(&store, move |rows| clocks::pressing(rows, filter, 10)).await;
        assert_eq!(of_partner.iter().map(|group| group.open).collect::<Vec<_>>(), [1]);
        let (first, more) = read(&store, |rows| clocks::pressing(rows, Filter::default(), 1)).await;
        assert_eq!((first.len(), more), (1, 3));
    }
);

both!(
    /// Aim: a duty that somebody took in hand says who, and the strip counts what is open and the share met in time.
    names_who_has_it_in_hand,
    |store| {
        logged(&store, 1, 2).await;
        write(&store, HOUR, |turn| {
            let by = person(1, Role::Manager);
            let hand = Command::TakeInHand { kind: ClockKind::IcoReport, due: at(72 * HOUR), by };
            assert!(on_incident(turn, 1, &hand)?);
            assert!(on_exchange(turn, exchange_id(1, 1), &receipt(notice_id(1, 1, 1), at(HOUR)))?);
            assert!(on_exchange(turn, exchange_id(1, 1), &acknowledgement(at(HOUR), Stance::Affected))?);
            Ok(())
        })
        .await;
        let filter = Filter { kind: Some(ClockKind::IcoReport), ..Filter::default() };
        let (groups, _) = read(&store, move |rows| clocks::pressing(rows, filter, 10)).await;
        let (by, since) = groups.first().unwrap().in_hand.clone().unwrap();
        assert_eq!((by, since), (person(1, Role::Manager), at(HOUR)));
        let strip = read(&store, |rows| clocks::strip(rows, at(44 * HOUR))).await;
        assert_eq!((strip.overdue, strip.soon, strip.running), (0, 1, 2));
        assert_eq!((strip.met, strip.met_in_time), (2, 2));
        let late = read(&store, |rows| clocks::strip(rows, at(49 * HOUR))).await;
        assert_eq!((late.overdue, late.running), (1, 1));
    }
);

both!(
    /// Aim: every list goes on by key and gives each row exactly once, whatever the size of its pages.
    pages_give_each_row_once,
    |store| {
        logged(&store, 7, 3).await;
        let (mut newest, mut before) = (Vec::new(), None);
        loop {
            let page = read(&store, move |rows| incidents::newest(rows, before, 3)).await;
            newest.extend(page.items.into_iter().map(|incident| incident.id));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(newest, (1..=7).rev().map(incident_id).collect::<Vec<_>>());
        let oldest = read(&store, |rows| incidents::oldest(rows, None, 10)).await;
        assert_eq!(oldest.items.iter().map(|incident| incident.id).collect::<Vec<_>>(), (1..=7).map(incident_id).collect::<Vec<_>>());
        let (mut every, mut after) = (0, None);
        loop {
            let page = read(&store, move |rows| clocks::every(rows, after, 4)).await;
            every += page.items.len();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(every, 7 * (3 + 1));
        let (mut told, mut after) = (Vec::new(), None);
        loop {
            let page = read(&store, move |rows| notices::page(rows, after, 5)).await;
            told.extend(page.items.into_iter().map(|notice| notice.exchange.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        told.sort();
        let mut all: Vec<_> = (1..=7).flat_map(|n| (1..=3).map(move |partner| exchange_id(n, partner))).collect();
        all.sort();
        assert_eq!(told, all);
    }
);

both!(
    /// Aim: the board shows each partner's notice, receipt and stance, by key, and only those asked for.
    board_shows_where_each_stands,
    |store| {
        logged(&store, 1, 3).await;
        write(&store, HOUR, |turn| {
            assert!(on_exchange(turn, exchange_id(1, 1), &receipt(notice_id(1, 1, 1), at(HOUR)))?);
            assert!(on_exchange(turn, exchange_id(1, 1), &acknowledgement(at(HOUR), Stance::NotAffected))?);
            Ok(())
        })
        .await;
        let board = |show, after, limit| move |rows: &mut Rows<'_>| exchanges::board(rows, incident_id(1), show, after, limit);
        let first = read(&store, board(Show::All, None, 2)).await;
        assert_eq!(first.next, Some(partner_id(2)));
        let told = first.items.first().unwrap();
        assert_eq!((told.standing.as_str(), told.delivered_revision), ("delivered", 1));
        assert_eq!(told.acknowledgement.as_ref().unwrap().name.as_str(), "R. Example");
        assert_eq!((told.direction, told.stance), (Direction::Outgoing, Some(Stance::NotAffected)));
        let rest = read(&store, board(Show::All, first.next, 2)).await;
        assert_eq!((rest.items.len(), rest.next), (1, None));
        for show in [Show::NotDelivered, Show::NotRead] {
            let waiting = read(&store, board(show, None, 10)).await;
            let partners: Vec<_> = waiting.items.iter().map(|listed| listed.partner).collect();
            assert_eq!(partners, [partner_id(2), partner_id(3)], "{show:?}");
        }
        let mut tally = read(&store, |rows| exchanges::tally(rows, incident_id(1))).await;
        tally.sort();
        let expected = [("delivered".to_owned(), Some(Stance::NotAffected), 1), ("queued".to_owned(), None, 2)];
        assert_eq!(tally, expected);
        let messages = read(&store, |rows| exchanges::messages(rows, exchange_id(1, 2), 10)).await;
        assert_eq!(messages.first().map(|message| (message.kind.as_str(), message.open)), Some(("notified", true)));
    }
);

both!(
    /// Aim: partners whose notice was withdrawn or erased wait for nothing, and are not among those who do.
    board_filters_leave_out_what_is_over,
    |store| {
        logged(&store, 1, 3).await;
        write(&store, HOUR, |turn| {
            assert!(on_exchange(turn, exchange_id(1, 1), &receipt(notice_id(1, 1, 1), at(HOUR)))?);
            diesel::update(schema::exchanges::table.find(exchange_id(1, 3).as_bytes().as_slice()))
                .set(schema::exchanges::standing.eq("anonymised"))
                .execute(turn.rows().db)?;
            Ok(())
        })
        .await;
        let shown = async |show| {
            let page = read(&store, move |rows| exchanges::board(rows, incident_id(1), show, None, 10)).await;
            page.items.into_iter().map(|listed| listed.partner).collect::<Vec<_>>()
        };
        assert_eq!(shown(Show::NotDelivered).await, [partner_id(2)]);
        assert_eq!(shown(Show::NotRead).await, [partner_id(1), partner_id(2)]);
        write(&store, 2 * HOUR, |turn| {
            let reason = WithdrawalReason::SentInError;
            let by = person(1, Role::Responder);
            assert!(on_incident(turn, 1, &Command::Withdraw { reason, note: None, by })?);
            advance(turn, 1)
        })
        .await;
        assert_eq!((shown(Show::NotDelivered).await, shown(Show::NotRead).await), (Vec::new(), Vec::new()));
        assert_eq!(shown(Show::All).await.len(), 3);
    }
);

both!(
    /// Aim: the folded state, the versions of facts and the timeline say the same as what was decided.
    state_facts_and_timeline_agree,
    |store| {
        logged(&store, 1, 2).await;
        write(&store, HOUR, |turn| {
            let facts = Box::new(facts("A mailbox was opened, twice"));
            assert!(on_incident(turn, 1, &Command::UpdateFacts { base_version: 1, facts, by: person(1, Role::Responder) })?);
            Ok(())
        })
        .await;
        let state = read(&store, |rows| incidents::state(rows, incident_id(1))).await.unwrap();
        assert_eq!((state.facts_version, state.owed.len()), (2, 2));
        let first = read(&store, |rows| incidents::facts_version(rows, incident_id(1), 1)).await.unwrap().0;
        assert_eq!(first.title.as_str(), "A mailbox was opened");
        let listed = read(&store, |rows| incidents::one(rows, incident_id(1))).await.unwrap();
        assert_eq!((listed.facts_version, listed.sent_version, listed.owed), (2, 1, 2));
        assert_eq!(listed.next_due, Some(at(48 * HOUR)));
        let page = read(&store, |rows| incidents::timeline(rows, incident_id(1).uuid(), None, 3)).await;
        assert!(matches!(page.items.first().unwrap().entry.entry, LoggedEvent::Incident(_)));
        let before = page.next;
        let earlier = read(&store, move |rows| incidents::timeline(rows, incident_id(1).uuid(), before, 100)).await;
        assert!(earlier.items.iter().all(|told| Some(told.entry.n) < before));
        assert!(earlier.items.iter().any(|told| told.with.as_ref().is_some_and(|(_, name)| name == "Partner 1")));
        let missing = read(&store, |rows| incidents::state(rows, incident_id(9))).await;
        assert_eq!(missing, None);
    }
);

both!(
    /// Aim: partners are listed by name with their lanes, and an open alert names its partner in words.
    partners_and_alerts,
    |store| {
        logged(&store, 1, 2).await;
        write(&store, HOUR, |turn| {
            crate::store::alerts::raise(turn, AlertKind::Parked, Some(partner_id(2)), Some(exchange_id(1, 2)), None, None)
        })
        .await;
        let list = read(&store, partners::list).await;
        assert_eq!(list.iter().map(|partner| partner.name.as_str()).collect::<Vec<_>>(), ["Partner 1", "Partner 2"]);
        let open = read(&store, |rows| alerts::open(rows, 10)).await;
        let alert = open.first().unwrap();
        assert_eq!((alert.words, alert.at), (AlertKind::Parked.label(), at(HOUR)));
        assert_eq!(alert.partner.as_ref().map(|(_, name)| name.as_str()), Some("Partner 2"));
    }
);

both!(
    /// Aim: an exercise counts as run once one was logged, or one of a partner's was acknowledged.
    an_exercise_was_run,
    |store| {
        use crate::store::schema::{exchanges, incidents};
        use diesel::prelude::*;

        logged(&store, 1, 1).await;
        assert!(!read(&store, first_hour::first_hour).await.exercise);
        write(&store, HOUR, |turn| {
            let received = (exchanges::direction.eq("incoming"), exchanges::exercise.eq(true));
            diesel::update(exchanges::table).set(received).execute(turn.rows().db).map_err(StoreError::from)?;
            Ok(())
        })
        .await;
        assert!(!read(&store, first_hour::first_hour).await.exercise, "it was not acknowledged");
        write(&store, HOUR, |turn| {
            let acknowledged = exchanges::acknowledged_at.eq(1_i64);
            diesel::update(exchanges::table).set(acknowledged).execute(turn.rows().db).map_err(StoreError::from)?;
            Ok(())
        })
        .await;
        assert!(read(&store, first_hour::first_hour).await.exercise);
        write(&store, HOUR, |turn| {
            diesel::update(exchanges::table)
                .set(exchanges::exercise.eq(false))
                .execute(turn.rows().db)
                .map_err(StoreError::from)?;
            diesel::update(incidents::table)
                .set(incidents::exercise.eq(true))
                .execute(turn.rows().db)
                .map_err(StoreError::from)?;
            Ok(())
        })
        .await;
        assert!(read(&store, first_hour::first_hour).await.exercise, "one was logged");
    }
);
