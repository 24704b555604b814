//! That nothing in a lane waits for ever: neither behind a message that never gets through, nor behind a back-off that is
//! over, nor unnoticed.

use domain::incident::{Command, WithdrawalReason};

use super::*;

/// A first word that another one was sent for before, and a withdrawal behind it.
fn first_word_and_withdrawal(turn: &mut Turn<'_>) -> Result<(), StoreError> {
    attempt(turn, Heard::Receipted)?;
    let withdraw = Command::Withdraw { reason: WithdrawalReason::SentInError, note: None, by: responder() };
    assert!(on_incident(turn, 1, &withdraw)?);
    advance(turn, 1)?;
    queue_first_word(turn, 2)
}

fn queue_first_word(turn: &mut Turn<'_>, incident: u128) -> Result<(), StoreError> {
    assert!(on_incident(turn, incident, &log(incident, IncidentKind::Breach, 1, false))?);
    advance(turn, incident)
}

both!(
    /// A first word that is always refused, whatever the answer, is stepped over after three failures, so that what is behind
    /// it gets through; then it is tried again.
    what_always_fails_is_stepped_over, |store| {
        fan_out(&store, 1).await;
        write(&store, at(61), first_word_and_withdrawal).await;
        for (second, heard) in [
            (100, Heard::Misdirected { status: 413 }),
            (1_300, Heard::Busy { retry_after_seconds: None }),
            (1_500, Heard::NotReached),
        ] {
            let tried = write(&store, at(second), move |turn| attempt(turn, heard)).await;
            assert_eq!(tried.message, notice_id(2, 1, 1), "{second}");
        }
        write(&store, at(1_700), |turn| {
            assert_eq!(attempt(turn, Heard::Receipted)?.kind, OutKind::Withdrawn);
            assert_eq!(attempt(turn, Heard::Misdirected { status: 413 })?.message, notice_id(2, 1, 1));
            Ok(())
        }).await;
    }
);

both!(
    /// However many messages of a lane always fail, they do not hide the one behind them; among themselves they take turns.
    many_that_fail_hide_nothing, |store| {
        fan_out(&store, 1).await;
        write(&store, at(61), |turn| {
            for incident in 2..=120 {
                queue_first_word(turn, incident)?;
            }
            let last = notice_id(120, 1, 1);
            let failing = outbox::table.filter(outbox::id.ne(last.as_bytes().to_vec()));
            diesel::update(failing).set((outbox::failures.eq(5), outbox::attempts.eq(5))).execute(turn.rows().db)?;
            let rested = notice_id(110, 1, 1);
            diesel::update(outbox::table.find(rested.as_bytes().to_vec())).set(outbox::attempts.eq(4)).execute(turn.rows().db)?;
            assert_eq!(attempt(turn, Heard::Receipted)?.message, last);
            assert_eq!(claim_at(turn, 1, at(61), 1)?.remove(0).message, rested);
            Ok(())
        }).await;
    }
);

both!(
    /// A first word that broke a back-off and is told to come back in an hour makes the lane wait for an hour.
    a_back_off_lasts_as_long_as_asked, |store| {
        fan_out(&store, 1).await;
        for second in [100, 200, 300, 400, 600, 1_000, 2_000] {
            write(&store, at(second), |turn| attempt(turn, Heard::NotReached).map(|_| ())).await;
        }
        write(&store, at(2_001), |turn| {
            queue_first_word(turn, 2)?;
            let now = at(2_060);
            let broke = claim_at(turn, 1, now, 1)?.remove(0);
            assert!(broke.lane.is_backing_off(now));
            let heard = Heard::Busy { retry_after_seconds: Some(3_600) };
            assert!(finish(turn, id(1), &came_to(&broke, heard, now))?);
            let lane = lane(turn.rows(), partner_id(1))?.unwrap();
            assert_eq!((lane.fail_count, lane.waits_until), (7, Some(now.plus_seconds(3_600))));
            assert_eq!(lane.due_at, lane.waits_until);
            Ok(())
        }).await;
    }
);

/// The lane of a partner whose attempt under way fails at `now`, after `meanwhile`.
fn failed_after(
    turn: &mut Turn<'_>,
    now: Moment,
    meanwhile: impl FnOnce(&mut Turn<'_>) -> Result<(), StoreError>,
) -> Result<Lane, StoreError> {
    let claimed = claim_at(turn, 1, now, 1)?.remove(0);
    meanwhile(turn)?;
    assert!(finish(turn, id(1), &came_to(&claimed, Heard::NotReached, now.plus_seconds(30)))?);
    let lane = lane(turn.rows(), partner_id(1))?.unwrap();
    assert_eq!(lane.due_at, lane.waits_until);
    Ok(lane)
}

both!(
    /// Hearing from the partner, or a person's word to try now, holds although a request hangs that fails later: the lane
    /// backs off as one that never failed.
    what_ends_a_back_off_meanwhile_counts, |store| {
        fan_out(&store, 1).await;
        let fails = async |since: i64| {
            for second in [1_000, 2_000, 3_000] {
                write(&store, at(since + second), |turn| attempt(turn, Heard::NotReached).map(|_| ())).await;
            }
        };
        fails(0).await;
        write(&store, at(4_000), |turn| {
            let lane = failed_after(turn, at(4_000), |turn| heard_from(turn, partner_id(1), at(4_010)))?;
            assert_eq!((lane.fail_count, lane.heard_at), (1, Some(at(4_010))));
            assert!(lane.waits_until.unwrap() <= at(4_036));
            Ok(())
        }).await;
        fails(10_000).await;
        write(&store, at(14_000), |turn| {
            let try_now = |turn: &mut Turn<'_>| reissue::try_now(turn, &[partner_id(1)]);
            let lane = failed_after(turn, at(14_000), try_now)?;
            assert_eq!(lane.fail_count, 1);
            assert!(lane.waits_until.unwrap() <= at(14_036));
            let lane = failed_after(turn, at(15_000), |_| Ok(()))?;
            assert_eq!(lane.fail_count, 2, "nobody said anything");
            try_now(turn)?;
            let lane = failed_after(turn, at(15_040), try_now)?;
            assert_eq!(lane.fail_count, 1, "said twice");
            Ok(())
        }).await;
    }
);

both!(
    /// A first word that can't even be tried is late too, a quarter of an hour after it was first seen; also when the clock was
    /// set back since.
    untried_first_words_are_late_too, |store| {
        fan_out(&store, 1).await;
        write(&store, at(61), |turn| {
            partners::set_state(turn, partner_id(1), PartnerState::Suspended)?;
            assert!(claim_at(turn, 1, at(61), 1)?.is_empty());
            let message = notice_id(1, 1, 1);
            assert_eq!(unnoted(turn.rows(), 9)?, [message]);
            note_waiting(turn, &[message], at(61))?;
            assert_eq!(unnoted(turn.rows(), 9)?, []);
            note_waiting(turn, &[message], at(500))?;
            assert_eq!(unreceipted(turn.rows(), at(61 + 899), 9)?, []);
            assert_eq!(unreceipted(turn.rows(), at(61 + 900), 9)?[0].message, message);
            assert_eq!(unreceipted(turn.rows(), at(-365 * 86_400), 9)?[0].message, message);
            mark_alerted(turn, message)?;
            assert_eq!(unnoted(turn.rows(), 9)?, []);
            Ok(())
        }).await;
    }
);

both!(
    /// A heartbeat is one of an introduction until the partner is active.
    heartbeats_know_who_is_active, |store| {
        fan_out(&store, 1).await;
        write(&store, at(61), |turn| {
            let partner = partner_id(1);
            attempt(turn, Heard::Receipted)?;
            assert!(queue_heartbeat(turn, partner, MessageId::from_uuid(id(70)), at(61))?);
            for (state, lease, class) in
                [(PartnerState::Verified, 1, Class::Introduction), (PartnerState::Active, 2, Class::Heartbeat)]
            {
                partners::set_state(turn, partner, state)?;
                let claimed = claim_at(turn, lease, at(62), 1)?.remove(0);
                assert_eq!((claimed.kind, claimed.sent().class), (OutKind::Heartbeat, class));
                release(turn, id(lease), partner, Channel::Node)?;
            }
            Ok(())
        }).await;
    }
);
