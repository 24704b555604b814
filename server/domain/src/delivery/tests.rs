//! The delivery table of protocol §9, row by row, and what holds for any row.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const OPEN: Duty = Duty { ended: false, remaining_seconds: Some(172_800) };
const ENDED: Duty = Duty { ended: true, remaining_seconds: None };

fn id(n: u128) -> MessageId {
    MessageId::from_uuid(Uuid::from_u128(n))
}

fn now() -> Moment {
    Moment::parse("2026-11-21T09:30:00Z").unwrap()
}

fn first_word() -> Sent {
    Sent { id: id(1), class: Class::FirstWord }
}

/// `nth` failure in a row, with the lane's back-off just over.
fn history(nth: u32) -> Attempts {
    let lane = Lane { fail_count: nth, next_attempt_at: (nth > 0).then(now) };
    Attempts { attempts: nth, same_outcome: nth, lane }
}

/// Seconds until the retry.
fn wait(next: Next) -> i64 {
    match next.item {
        ItemNext::RetryAt(at) => at.seconds_since(now()),
        other @ (ItemNext::Done | ItemNext::Park { .. }) => panic!("{other:?}"),
    }
}

/// Jitter is only added, at least a second, at most 20 %.
fn is_step(waited: i64, step: i64) -> bool {
    waited > step && waited <= step + (step / 5).max(1)
}

#[test]
fn a_receipt_ends_the_delivery_and_clears_the_lane() {
    let next = after(first_word(), history(5), Heard::Receipted, now(), OPEN);
    assert_eq!((next.item, next.lane, next.alert), (ItemNext::Done, Lane::CLEAR, None));
}

#[test]
fn back_off_grows_then_steps_until_the_duty_has_ended() {
    let steps = [5, 15, 30, 60, 120, 300, 600, 900, 900, 900];
    for (nth, step) in (0..).zip(steps) {
        for heard in [Heard::NotReached, Heard::Busy { retry_after_seconds: None }] {
            let next = after(first_word(), history(nth), heard, now(), OPEN);
            assert!(is_step(wait(next), step), "{nth}: {}", wait(next));
            assert_eq!(next.lane.fail_count, nth + 1);
            assert_eq!(next.lane.next_attempt_at, Some(now().plus_seconds(wait(next))));
            assert_eq!(next.alert, None);
        }
    }
    assert!(is_step(wait(after(first_word(), history(6), Heard::NotReached, now(), ENDED)), 600));
    assert!(is_step(wait(after(first_word(), history(7), Heard::NotReached, now(), ENDED)), 3_600));
}

#[test]
fn jitter_is_exact_for_an_item_and_an_attempt() {
    let waits: Vec<i64> =
        (0..8).map(|nth| wait(after(first_word(), history(nth), Heard::NotReached, now(), OPEN))).collect();
    assert_eq!(waits, [6, 17, 36, 61, 143, 349, 648, 1077]);
    let others: std::collections::BTreeSet<i64> = (0..50)
        .map(|n| wait(after(Sent { id: id(n), ..first_word() }, history(7), Heard::NotReached, now(), OPEN)))
        .collect();
    assert!(others.len() > 25, "items spread out");
}

#[test]
fn several_failures_inside_one_back_off_count_once() {
    let running = Lane { fail_count: 4, next_attempt_at: Some(now().plus_seconds(60)) };
    let next = after(first_word(), Attempts { lane: running, ..history(0) }, Heard::NotReached, now(), OPEN);
    assert_eq!(next.lane, running);
    assert_eq!(next.cleared.fail_count, 1);
}

/// Aim: a first word that broke a back-off and is told to wait longer than that makes the lane wait so long, but counts as
/// no further failure; one that is told to wait shorter changes nothing.
#[test]
fn what_an_answer_asks_for_holds_inside_a_back_off_too() {
    let running = Lane { fail_count: 4, next_attempt_at: Some(now().plus_seconds(60)) };
    let lane = |heard| after(first_word(), Attempts { lane: running, ..history(0) }, heard, now(), OPEN).lane;
    let asked = |seconds| Heard::Busy { retry_after_seconds: Some(seconds) };
    let later = Lane { next_attempt_at: Some(now().plus_seconds(3_600)), ..running };
    assert_eq!(lane(asked(3_600)), later);
    assert_eq!(lane(asked(10)), running);
    assert_eq!(lane(Heard::Busy { retry_after_seconds: None }), running);
    let misdirected = lane(Heard::Misdirected { status: 404 });
    assert_eq!(misdirected.fail_count, 4);
    assert!(is_step(misdirected.next_attempt_at.unwrap().seconds_since(now()), 900));
}

/// Aim: a lane whose back-off was ended while the attempt was under way backs off as one that never failed.
#[test]
fn a_lane_that_was_cleared_meanwhile_starts_anew() {
    let cleared = |heard| after(first_word(), history(8), heard, now(), OPEN).cleared;
    let anew = cleared(Heard::NotReached);
    assert_eq!(anew.fail_count, 1);
    assert!(is_step(anew.next_attempt_at.unwrap().seconds_since(now()), 5));
    assert_eq!(cleared(Heard::Unconfirmed), Lane::CLEAR);
    assert_eq!(cleared(Heard::Receipted), Lane::CLEAR);
}

#[test]
fn retry_after_is_honoured_up_to_an_hour_and_clear_of_the_deadline() {
    let asked = |seconds: u32, duty: Duty| {
        wait(after(first_word(), history(0), Heard::Busy { retry_after_seconds: Some(seconds) }, now(), duty))
    };
    assert!(is_step(asked(0, OPEN), 5), "never sooner than our own back-off");
    assert!(is_step(asked(200, OPEN), 200));
    assert_eq!(asked(3_600, OPEN), 3_600);
    assert_eq!(asked(u32::MAX, OPEN), 3_600);
    let remaining = |seconds| Duty { ended: false, remaining_seconds: Some(seconds) };
    assert_eq!(asked(3_600, remaining(2_400)), 1_500, "15 minutes before the deadline");
    assert!(is_step(asked(3_600, remaining(901)), 5), "no room left: our own back-off");
    assert!(is_step(asked(3_600, remaining(60)), 5));
    assert_eq!(asked(3_600, remaining(-1)), 3_600, "no deadline left to keep");
    assert_eq!(asked(3_600, ENDED), 3_600);
}

#[test]
fn unconfirmed_is_sent_again_and_alerted_at_the_third() {
    let expected = [(60, None), (300, None), (900, Some(AlertKind::Unconfirmed)), (900, None), (900, None)];
    for (nth, (step, alert)) in (0..).zip(expected) {
        let next = after(first_word(), history(nth), Heard::Unconfirmed, now(), OPEN);
        assert!(is_step(wait(next), step), "{nth}");
        assert_eq!((next.alert, next.lane), (alert, history(nth).lane), "{nth}");
    }
}

#[test]
fn a_wrong_address_is_alerted_at_once_and_tried_every_quarter_of_an_hour() {
    let heard = Heard::Misdirected { status: 410 };
    for (nth, duty) in [(0, OPEN), (1, OPEN), (50, OPEN), (50, ENDED)] {
        let next = after(first_word(), history(nth), heard, now(), duty);
        assert!(is_step(wait(next), 900), "{nth}");
        assert_eq!(next.alert, (nth == 0).then_some(AlertKind::Misdirected { status: 410 }));
        assert_eq!(next.lane.fail_count, nth + 1);
    }
}

#[test]
fn refusals_park_as_the_table_says_and_leave_the_lane_alone() {
    use RefusedErr::{AccessDenied, AuthenticationFailed, InvalidAudience, InvalidIssuer, InvalidKey, InvalidRequest};
    let retries: [(RefusedErr, &[i64]); 6] = [
        (InvalidKey, &[60, 300, 900]),
        (AuthenticationFailed, &[60, 300, 900]),
        (AccessDenied, &[]),
        (InvalidRequest, &[]),
        (InvalidIssuer, &[]),
        (InvalidAudience, &[]),
    ];
    for (err, steps) in retries {
        for (nth, step) in (0..).zip(steps) {
            let next = after(first_word(), history(nth), Heard::Refused { err }, now(), OPEN);
            assert!(is_step(wait(next), *step), "{err:?} {nth}");
            assert_eq!((next.alert, next.lane), (None, history(nth).lane));
            assert_eq!(next.send_manifest, err == InvalidKey);
        }
        let nth = u32::try_from(steps.len()).unwrap();
        let next = after(first_word(), history(nth), Heard::Refused { err }, now(), OPEN);
        assert_eq!(next.item, ItemNext::Park { why: err });
        assert_eq!((next.alert, next.lane), (Some(AlertKind::Parked { why: err }), history(nth).lane));
        let probe = next.probe_at.map(|at| at.seconds_since(now()));
        assert_eq!(probe.is_some_and(|probe| is_step(probe, 3_600)), err == AccessDenied);
    }
}

/// Aim: a heartbeat goes on by itself. A person hears, once, that an active partner refuses it when a notice would be parked.
#[test]
fn a_heartbeat_never_parks() {
    for class in [Class::Heartbeat, Class::Introduction] {
        for err in RefusedErr::ALL {
            for nth in 0..10 {
                let next = after(Sent { id: id(9), class }, history(nth), Heard::Refused { err }, now(), ENDED);
                assert!(wait(next) > 0);
                let tries =
                    if matches!(err, RefusedErr::InvalidKey | RefusedErr::AuthenticationFailed) { 3 } else { 0 };
                let told = class == Class::Heartbeat && nth == tries;
                assert_eq!(next.alert, told.then_some(AlertKind::HeartbeatRefused { why: err }), "{err:?} {nth}");
            }
        }
    }
}

/// Aim: a partner that has suspended us is probed by the hour; one that does not take us yet is asked again soon.
#[test]
fn who_turns_a_heartbeat_away_is_asked_by_the_hour_but_while_pairing() {
    for err in [RefusedErr::AccessDenied, RefusedErr::InvalidIssuer] {
        let waited =
            |class, nth| wait(after(Sent { id: id(9), class }, history(nth), Heard::Refused { err }, now(), ENDED));
        assert!((0..9).all(|nth| is_step(waited(Class::Heartbeat, nth), 3_600)), "{err:?}");
        for (nth, step) in (0..).zip([5, 15, 30, 60, 120, 300, 600, 3_600, 3_600]) {
            assert!(is_step(waited(Class::Introduction, nth), step), "{err:?} {nth}");
        }
    }
}

fn waiting(n: u64, class: Class) -> Waiting {
    Waiting { id: id(n.into()), class, order: n, attempts: 0, fails: 0, next_attempt_at: None, parked: false }
}

#[test]
fn a_backing_off_lane_lets_only_a_new_first_word_through_once_a_minute() {
    let lane = Lane { fail_count: 8, next_attempt_at: Some(now().plus_seconds(600)) };
    let ago = |seconds: i64| Some(now().plus_seconds(-seconds));
    let new = waiting(1, Class::FirstWord);
    assert!(may_try(&new, lane, ago(60), now()));
    assert!(may_try(&new, lane, None, now()));
    assert!(!may_try(&new, lane, ago(59), now()));
    assert!(!may_try(&Waiting { attempts: 1, ..new }, lane, ago(60), now()));
    assert!(!may_try(&waiting(1, Class::Other), lane, ago(60), now()));
    assert!(may_try(&waiting(1, Class::Other), lane, ago(1), now().plus_seconds(600)), "back-off is over");
    assert!(!may_try(&Waiting { parked: true, ..new }, Lane::CLEAR, None, now()));
    assert!(!may_try(&Waiting { next_attempt_at: Some(now().plus_seconds(1)), ..new }, Lane::CLEAR, None, now()));
}

#[test]
fn first_words_go_first_and_failing_items_are_stepped_over() {
    let next = |items: &[Waiting], lane| next_item(items, lane, None, now());
    let other = waiting(1, Class::Other);
    let first = waiting(2, Class::FirstWord);
    let second = waiting(3, Class::FirstWord);
    assert_eq!(next(&[other, second, first], Lane::CLEAR), Some(first.id));
    let failing = Waiting { attempts: 3, fails: 3, ..first };
    assert_eq!(next(&[failing, other], Lane::CLEAR), Some(other.id), "stepped over");
    assert_eq!(next(&[failing], Lane::CLEAR), Some(first.id), "until nothing else waits");
    let failing_lane = Lane { fail_count: 3, next_attempt_at: Some(now()) };
    assert_eq!(next(&[failing, other], failing_lane), Some(other.id), "its failures are the lane's");
    let worse = Waiting { attempts: 9, fails: 9, ..first };
    let failed_too = Waiting { attempts: 3, fails: 3, ..other };
    assert_eq!(next(&[worse, failed_too], failing_lane), Some(other.id), "they take turns, whatever their kind");
    assert_eq!(next(&[failing, failed_too], failing_lane), Some(first.id), "first words first among equals");
    assert_eq!(next(&[Waiting { fails: 2, ..first }, other], Lane::CLEAR), Some(first.id));
    assert_eq!(next(&[Waiting { parked: true, ..other }], Lane::CLEAR), None);
}

#[test]
fn the_start_wait_is_fixed_for_a_partner_and_spread_over_partners() {
    let waits: Vec<i64> = (0..200).map(|n| start_wait_seconds(PartnerId::from_uuid(Uuid::from_u128(n)))).collect();
    assert!(waits.iter().all(|wait| (0..=START_WAIT_SECONDS_MAX).contains(wait)));
    assert!(waits.iter().collect::<std::collections::BTreeSet<_>>().len() > 20);
    assert_eq!(start_wait_seconds(PartnerId::from_uuid(Uuid::nil())), waits.first().copied().unwrap());
}

fn any_heard() -> impl Strategy<Value = Heard> {
    prop_oneof![
        Just(Heard::Receipted),
        Just(Heard::Unconfirmed),
        Just(Heard::NotReached),
        any::<Option<u32>>().prop_map(|retry_after_seconds| Heard::Busy { retry_after_seconds }),
        any::<u16>().prop_map(|status| Heard::Misdirected { status }),
        prop::sample::select(RefusedErr::ALL.to_vec()).prop_map(|err| Heard::Refused { err }),
    ]
}

proptest! {
    /// Nothing is given up: an item is done only by a receipt, parks only by a refusal, and else is tried again between
    /// now and 72 minutes from now.
    #[test]
    fn nothing_is_given_up(
        heard in any_heard(),
        class in prop::sample::select(vec![Class::FirstWord, Class::Other, Class::Heartbeat, Class::Introduction]),
        nth in any::<u32>(),
        item in any::<u128>(),
        ended in any::<bool>(),
        remaining in prop::option::of(-1_000_000..1_000_000_i64),
    ) {
        let duty = Duty { ended, remaining_seconds: remaining };
        let next = after(Sent { id: id(item), class }, history(nth), heard, now(), duty);
        match next.item {
            ItemNext::Done => prop_assert_eq!(heard, Heard::Receipted),
            ItemNext::Park { why } => {
                prop_assert_eq!(heard, Heard::Refused { err: why });
                prop_assert!(next.alert.is_some() && matches!(class, Class::FirstWord | Class::Other));
            }
            ItemNext::RetryAt(at) => prop_assert!((1..=4_320).contains(&at.seconds_since(now()))),
        }
    }

    /// Nobody is held up for ever: where every attempt fails, all items of a lane are tried equally often.
    #[test]
    fn every_item_has_its_turn(
        classes in prop::collection::vec(prop::sample::select(vec![Class::FirstWord, Class::Other]), 1..8),
        fail_count in 0..20_u32,
    ) {
        let lane = Lane { fail_count, next_attempt_at: None };
        let mut items: Vec<Waiting> = (0..).zip(classes).map(|(n, class)| waiting(n, class)).collect();
        for _ in 0..items.len() * 10 {
            let next = next_item(&items, lane, None, now());
            for item in items.iter_mut().filter(|item| Some(item.id) == next) {
                item.attempts += 1;
                item.fails += 1;
            }
        }
        prop_assert!(items.iter().all(|item| item.attempts == 10), "{items:?}");
    }
}
