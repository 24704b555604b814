//! Posts on both databases.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use domain::delivery::{self, Class, Duty, Heard, Sent};
use domain::values::MessageId;

use super::*;
use crate::store::alerts::{self, AlertKind};
use crate::store::endpoints::{self, Details, Endpoint, EndpointKind, Format};
use crate::store::testing::{at, both, id};

const TAKEN: Heard = Heard::Accepted;
const DEAD: Heard = Heard::NotReached;

fn endpoint(number: u128, events: &[Subscribed]) -> Endpoint {
    let details = Details {
        name: format!("Integration {number}"),
        address: "https://tickets.example/hook?secret-token".to_owned(),
        secret: None,
        replaced: None,
        format: Format::Standard,
        reduced: false,
        exceptions: Vec::new(),
        port: None,
    };
    Endpoint {
        id: id(number),
        partner: None,
        kind: EndpointKind::Webhook,
        details,
        events: events.to_vec(),
        paused: false,
        fail_count: 0,
        waits_until: None,
        failed_since: None,
        made_at: at(0),
    }
}

fn posted(number: u128, to: Uuid) -> Post {
    let body = serde_json::to_vec(&Occasion::of(Subscribed::Receipt, at(0))).unwrap();
    Post {
        id: id(number),
        to: Destination::Endpoint(to),
        event: Subscribed::Receipt,
        body,
        incident: None,
        exchange: None,
    }
}

fn claimed(turn: &mut Turn<'_>, lease: u128, elapsed: Moment) -> Vec<ClaimedPost> {
    let places = Places { mails: 16, integrations: 16 };
    claim(turn, id(lease), elapsed, elapsed.plus_seconds(90), places).unwrap()
}

fn done(turn: &mut Turn<'_>, lease: u128, post: &ClaimedPost, heard: Heard, elapsed: Moment) -> bool {
    let sent = Sent { id: MessageId::from_uuid(post.id), class: Class::Other };
    let duty = Duty { ended: false, remaining_seconds: None };
    let next = delivery::after(sent, post.history(heard), heard, elapsed, duty);
    let done = FinishedPost { heard, status: None, took_ms: 7, elapsed, next, once: false };
    finish(turn, id(lease), post, &done).unwrap()
}

both!(
    /// Aim: one in flight for each integration, in order; whoever lost the lease changes nothing.
    one_at_a_time, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            endpoints::insert(turn, &endpoint(1, &[]))?;
            queue(turn, vec![posted(11, id(1))])?;
            queue(turn, vec![posted(12, id(1)), posted(11, id(1))])?;
            Ok(())
        }).await.unwrap();
        store.write::<_, StoreError>(at(1), |turn| {
            queue(turn, vec![posted(13, id(1))])?;
            let first = claimed(turn, 21, at(1));
            assert_eq!(first.iter().map(|post| post.id).collect::<Vec<_>>(), [id(11)]);
            assert!(claimed(turn, 22, at(2)).is_empty(), "one is in flight");
            assert!(!done(turn, 22, &first[0], TAKEN, at(2)), "another's lease");
            assert!(done(turn, 21, &first[0], TAKEN, at(2)));
            assert!(!done(turn, 21, &first[0], TAKEN, at(2)), "the lease is given back");
            assert_eq!(claimed(turn, 23, at(3))[0].id, id(12));
            let again = claimed(turn, 24, at(3).plus_seconds(90));
            assert_eq!(again[0].id, id(12), "a lease lapses");
            Ok(())
        }).await.unwrap();
        let log = store.read(|rows| page(rows, id(1), None, 9)).await.unwrap();
        assert_eq!(log.iter().map(|line| (line.id, line.state)).collect::<Vec<_>>(),
            [(id(13), PostState::Queued), (id(12), PostState::Queued), (id(11), PostState::Taken)]);
        assert_eq!(store.read(|rows| attempts_of(rows, id(11))).await.unwrap().len(), 1);
    }
);

both!(
    /// Aim: mail to people and webhooks have places of their own, and neither takes the other's.
    places_of_their_own, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            endpoints::insert(turn, &endpoint(1, &[]))?;
            endpoints::insert(turn, &endpoint(2, &[]))?;
            let to_person = |number| Post { to: Destination::Person(PersonId::from_uuid(id(9))), ..posted(number, id(0)) };
            queue(turn, vec![posted(11, id(1)), posted(12, id(2)), to_person(13), to_person(14), to_person(15)])?;
            let mut take = |lease, mails, integrations| -> Vec<Uuid> {
                let places = Places { mails, integrations };
                let claimed = claim(turn, id(lease), at(1), at(91), places).unwrap();
                claimed.iter().map(|post| post.id).collect()
            };
            assert!(take(21, 0, 0).is_empty());
            assert_eq!(take(22, 0, 1), [id(11)]);
            assert_eq!(take(23, 2, 0), [id(13), id(14)]);
            assert_eq!(take(24, 1, 16), [id(15), id(12)]);
            assert!(take(25, 16, 16).is_empty());
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// Aim: what fails backs off with its destination, raises one alert after a quarter of an hour, and clears it when
    /// something is taken.
    failing, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            endpoints::insert(turn, &endpoint(1, &[]))?;
            queue(turn, vec![posted(11, id(1)), posted(12, id(1))])?;
            let mut elapsed = at(0);
            let alerted = |turn: &mut Turn<'_>| {
                let open = alerts::open(turn.rows(), 9).unwrap();
                open.iter().filter(|alert| alert.kind == AlertKind::IntegrationFailing).count()
            };
            while elapsed < at(900) {
                assert_eq!(alerted(turn), 0);
                let post = claimed(turn, 21, elapsed).pop().unwrap();
                assert_eq!(post.id, id(11), "the first goes first");
                assert!(done(turn, 21, &post, DEAD, elapsed));
                assert!(claimed(turn, 22, elapsed.plus_seconds(1)).is_empty(), "the lane waits");
                elapsed = next_due(turn.rows())?.unwrap();
            }
            let post = claimed(turn, 21, elapsed).pop().unwrap();
            assert!(done(turn, 21, &post, DEAD, elapsed));
            assert_eq!(alerted(turn), 1);
            elapsed = next_due(turn.rows())?.unwrap();
            let post = claimed(turn, 21, elapsed).pop().unwrap();
            assert!(done(turn, 21, &post, TAKEN, elapsed));
            assert_eq!(alerted(turn), 0);
            assert_eq!(claimed(turn, 23, elapsed)[0].id, id(12), "the lane works again");
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// Aim: paused waits, seven days are enough, removed goes nowhere, old ones are forgotten; all of it can be sent again.
    ends, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            let mut paused = endpoint(1, &[Subscribed::Receipt]);
            paused.paused = true;
            endpoints::insert(turn, &paused)?;
            queue(turn, vec![posted(11, id(1)), posted(12, id(1))])?;
            assert!(claimed(turn, 21, at(0)).is_empty());
            assert_eq!(next_due(turn.rows())?, None);
            paused.paused = false;
            assert!(endpoints::save(turn, &paused)?);
            Ok(())
        }).await.unwrap();
        store.write::<_, StoreError>(at(TRIED_SECONDS + 1), |turn| {
            assert!(claimed(turn, 21, at(1)).is_empty(), "too old");
            assert_eq!(post(turn.rows(), id(1), id(11))?.unwrap().state, PostState::Failed);
            assert_eq!(replay(turn, id(1), &[id(11), id(99)])?, 1);
            assert_eq!(claimed(turn, 22, at(2))[0].id, id(11));
            assert_eq!(replay_since(turn, id(1), at(0), 9)?, (1, false), "what is in flight is left out");
            assert_eq!(end_of(turn, id(1))?, 2);
            assert!(endpoints::remove(turn, id(1))?);
            Ok(())
        }).await.unwrap();
        store.write::<_, StoreError>(at(TRIED_SECONDS + 31 * 86_400), |turn| {
            assert_eq!((sweep(turn, 1)?, sweep(turn, 9)?, sweep(turn, 9)?), (1, 1, 0));
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// Aim: a paused integration's posts end after seven days too, without an alarm, and can be sent again.
    paused_ends, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            endpoints::insert(turn, &Endpoint { paused: true, ..endpoint(1, &[Subscribed::Receipt]) })?;
            queue(turn, vec![posted(11, id(1))])
        }).await.unwrap();
        for (second, state) in [(TRIED_SECONDS, PostState::Queued), (TRIED_SECONDS + 1, PostState::Failed)] {
            store.write::<_, StoreError>(at(second), move |turn| {
                sweep(turn, 9)?;
                assert_eq!(post(turn.rows(), id(1), id(11))?.unwrap().state, state);
                assert!(alerts::open(turn.rows(), 9)?.is_empty());
                Ok(())
            }).await.unwrap();
        }
        store.write::<_, StoreError>(at(TRIED_SECONDS + 2), |turn| {
            assert_eq!(replay(turn, id(1), &[id(11)])?, 1);
            sweep(turn, 9)?;
            assert_eq!(post(turn.rows(), id(1), id(11))?.unwrap().state, PostState::Queued);
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// Aim: sent again in the order of before, no more than asked for.
    again_in_order, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            endpoints::insert(turn, &endpoint(1, &[]))?;
            Ok(())
        }).await.unwrap();
        for (number, second) in [(19, 1), (12, 2), (15, 3)] {
            store.write::<_, StoreError>(at(second), move |turn| {
                queue(turn, vec![posted(number, id(1))])?;
                let post = claimed(turn, 21, at(second)).pop().unwrap();
                assert!(done(turn, 21, &post, TAKEN, at(second)));
                Ok(())
            }).await.unwrap();
        }
        store.write::<_, StoreError>(at(10), |turn| {
            assert_eq!(replay_since(turn, id(1), at(2), 9)?, (2, false));
            let sent: Vec<_> = (0..2).map(|_| {
                let post = claimed(turn, 21, at(11)).pop().unwrap();
                assert!(done(turn, 21, &post, TAKEN, at(11)));
                assert_eq!(post.attempts, 1);
                post.id
            }).collect();
            assert_eq!(sent, [id(12), id(15)]);
            assert_eq!(replay_since(turn, id(1), at(0), 2)?, (2, true));
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// Aim: somebody without the data key reads neither addresses nor secrets nor bodies.
    sealed, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            endpoints::insert(turn, &endpoint(1, &[Subscribed::Receipt]))?;
            queue(turn, vec![posted(11, id(1))])?;
            Ok(())
        }).await.unwrap();
        assert!(!store.shows("secret-token"));
        assert!(!store.shows("tickets.example"));
    }
);
