//! Lanes: who may send what, when; under which lease; and that a late worker changes nothing.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod turns;

use domain::delivery::{Heard, Lane as BackOff, RefusedErr, after};
use domain::facts::IncidentKind;

use super::*;
use crate::store::partners::{self, PartnerState};
use crate::store::projections::samples::{
    add_partner, advance, exchange_id, log, notice_id, on_incident, partner_id, responder,
};
use crate::store::schema::attempts;
use crate::store::testing::{at, both, id};
use crate::store::{Checkpoint, Store, alerts};

const LEASE: i64 = 90;

async fn write<T: Send + 'static>(
    store: &Store,
    now: Moment,
    f: impl FnOnce(&mut Turn<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.write(now, f).await.unwrap()
}

/// Partners 1 to `partners`, all active, and an incident that owes each a first word. In these tests machine time and
/// duty time read the same.
async fn fan_out(store: &Store, partners: u128) {
    write(store, at(60), move |turn| {
        for partner in 1..=partners {
            add_partner(turn, partner, PartnerState::Active)?;
        }
        assert!(on_incident(turn, 1, &log(1, IncidentKind::Breach, partners, false))?);
        advance(turn, 1)
    })
    .await;
}

fn claim_at(turn: &mut Turn<'_>, lease: u128, now: Moment, limit: usize) -> Result<Vec<Claimed>, StoreError> {
    claim(turn, id(lease), now, now.plus_seconds(LEASE), limit, None)
}

fn sealed(claimed: &Claimed) -> Sealed {
    let octets = format!("octets of {}", claimed.message).into_bytes();
    Sealed {
        partner: claimed.partner,
        channel: claimed.channel,
        message: claimed.message,
        seq: (claimed.kind != OutKind::Heartbeat).then_some(claimed.next_seq),
        payload_sha256: Digest32::of(claimed.message.as_bytes()),
        set_sha256: Digest32::of(&octets),
        octets,
    }
}

fn came_to(claimed: &Claimed, heard: Heard, now: Moment) -> Finished {
    let next = after(claimed.sent(), claimed.history(heard), heard, now, claimed.duty(now));
    claimed.finished(heard, None, now, 12, next)
}

/// Claims, seals and finishes one message of the only lane that is due.
fn attempt(turn: &mut Turn<'_>, heard: Heard) -> Result<Claimed, StoreError> {
    let now = turn.now();
    let claimed = claim_at(turn, 50, now, 1)?.remove(0);
    if claimed.sealed.is_none() {
        assert_eq!(keep_sealed(turn, id(50), vec![sealed(&claimed)])?, [claimed.message]);
    }
    if heard == Heard::Receipted {
        assert!(receipted(turn, claimed.partner, claimed.message, 0, now)?);
    }
    assert!(finish(turn, id(50), &came_to(&claimed, heard, now))?);
    Ok(claimed)
}

fn state(turn: &mut Turn<'_>, message: MessageId) -> Result<(String, bool, i32), StoreError> {
    Ok(outbox::table
        .find(message.as_bytes().as_slice())
        .select((outbox::state, outbox::open, outbox::attempts))
        .first(turn.rows().db)?)
}

both!(
    /// Two workers never hold one lane; a lapsed lease is free again, and so is one from a clock that was set back.
    claims_are_exclusive, |store| {
        fan_out(&store, 5).await;
        write(&store, at(61), |turn| {
            let now = at(61);
            assert!(something_due(turn.rows(), now)?);
            let first = claim_at(turn, 1, now, 3)?;
            let second = claim_at(turn, 2, now, 10)?;
            assert_eq!((first.len(), second.len()), (3, 2));
            assert!(first.iter().all(|one| second.iter().all(|other| one.partner != other.partner)));
            assert!(claim_at(turn, 3, now, 10)?.is_empty());
            assert!(!something_due(turn.rows(), now)?);
            assert_eq!(next_due(turn.rows())?, Some(now.plus_seconds(LEASE)));
            assert_eq!(claim_at(turn, 4, now.plus_seconds(LEASE), 10)?.len(), 5);
            // The clock was set back by a year: leases and due instants lie absurdly far ahead.
            assert_eq!(claim_at(turn, 5, now.plus_seconds(-365 * 86_400), 10)?.len(), 5);
            Ok(())
        }).await;
    }
);

both!(
    /// Where more lanes are free than there are places, one whose holder died does not wait for all of them.
    lapsed_leases_come_first, |store| {
        fan_out(&store, 5).await;
        write(&store, at(61), |turn| {
            let held = claim_at(turn, 1, at(61), 1)?.remove(0);
            let now = at(61).plus_seconds(LEASE);
            assert_eq!(claim_at(turn, 2, now, 1)?.remove(0).partner, held.partner);
            Ok(())
        }).await;
    }
);

both!(
    /// A claim brings all that sealing needs: facts, checkpoint, number, due instant; sealed octets come back as they are.
    what_a_claim_brings, |store| {
        write(&store, at(60), |turn| {
            add_partner(turn, 1, PartnerState::Active)?;
            turn.append(crate::store::EntryKind::OperatorAction, None, None, b"first").map(|_| ())
        }).await;
        write(&store, at(61), |turn| {
            let (size, root) = (turn.ledger_size(), turn.ledger_root());
            turn.keep_checkpoint(Checkpoint { size, root, note: "signed".to_owned(), at: at(61) })?;
            turn.set_fan_out_checkpoint(Some(size));
            assert!(on_incident(turn, 1, &log(1, IncidentKind::Breach, 1, false))?);
            advance(turn, 1)
        }).await;
        write(&store, at(62), |turn| {
            let claimed = claim_at(turn, 1, at(62), 10)?.remove(0);
            assert_eq!((claimed.message, claimed.kind), (notice_id(1, 1, 1), OutKind::Notified));
            assert_eq!(claimed.facts.as_ref().unwrap().title.as_str(), "A mailbox was opened");
            assert_eq!(claimed.checkpoint.as_ref().unwrap().note, "signed");
            assert_eq!((claimed.next_seq, claimed.prev, claimed.sealed.as_ref()), (1, None, None));
            assert_eq!(claimed.due, Some(at(48 * 3_600)));
            assert_eq!(claimed.exchange, Some(exchange_id(1, 1)));
            assert_eq!(claimed.issuer, "https://partner-1.example");
            assert!(matches!(serde_json::from_slice(&claimed.body).unwrap(), domain::exchange::Event::NoticeQueued { .. }));
            assert_eq!(keep_sealed(turn, id(1), vec![sealed(&claimed)])?, [claimed.message]);
            assert!(finish(turn, id(1), &came_to(&claimed, Heard::Unconfirmed, at(62)))?);
            Ok(())
        }).await;
        write(&store, at(200), |turn| {
            let again = claim_at(turn, 2, at(200), 10)?.remove(0);
            let kept = again.sealed.clone().unwrap();
            assert_eq!((kept.seq, again.next_seq, again.prev), (Some(1), 2, Some(kept.payload_sha256)));
            assert_eq!(kept.octets, format!("octets of {}", again.message).into_bytes());
            assert_eq!((again.attempts, again.first_attempt_at), (1, Some(at(62))));
            assert_eq!((again.history(Heard::Unconfirmed).same_outcome, again.history(Heard::NotReached).same_outcome), (1, 0));
            Ok(())
        }).await;
    }
);

both!(
    /// Whoever lost the lease keeps no octets, records no attempt and does not give the lane back.
    a_late_worker_changes_nothing, |store| {
        fan_out(&store, 1).await;
        write(&store, at(61), |turn| {
            let late = claim_at(turn, 1, at(61), 1)?.remove(0);
            let now = at(61 + LEASE);
            let other = claim_at(turn, 2, now, 1)?.remove(0);
            assert_eq!(keep_sealed(turn, id(1), vec![sealed(&late)])?, []);
            assert!(!finish(turn, id(1), &came_to(&late, Heard::NotReached, now))?);
            assert!(!rest(turn, id(1), (late.partner, late.channel), late.message, now)?);
            release(turn, id(1), late.partner, late.channel)?;
            assert!(claim_at(turn, 3, now, 1)?.is_empty(), "the other still holds it");
            assert_eq!(state(turn, late.message)?, ("queued".to_owned(), true, 0));
            assert_eq!(keep_sealed(turn, id(2), vec![sealed(&other)])?, [other.message]);
            assert_eq!(lane(turn.rows(), other.partner)?.unwrap().next_seq, 2);
            Ok(())
        }).await;
    }
);

both!(
    /// A number is given once and in order; signing anew keeps number and payload.
    numbers_are_given_once, |store| {
        fan_out(&store, 1).await;
        write(&store, at(61), |turn| {
            let claimed = claim_at(turn, 1, at(61), 1)?.remove(0);
            let wrong = Sealed { seq: Some(7), ..sealed(&claimed) };
            assert_eq!(keep_sealed(turn, id(1), vec![wrong])?, []);
            assert_eq!(keep_sealed(turn, id(1), vec![sealed(&claimed)])?, [claimed.message]);
            let anew = Sealed { octets: b"another signature".to_vec(), set_sha256: Digest32::of(b"another signature"), ..sealed(&claimed) };
            assert_eq!(keep_sealed(turn, id(1), vec![anew])?, [claimed.message]);
            let forged = Sealed { payload_sha256: Digest32::of(b"another payload"), ..sealed(&claimed) };
            assert_eq!(keep_sealed(turn, id(1), vec![forged])?, []);
            let lane = lane(turn.rows(), claimed.partner)?.unwrap();
            assert_eq!(lane.next_seq, 2);
            let sent = sent(turn.rows(), claimed.partner, claimed.message)?.unwrap();
            assert_eq!((sent.seq, sent.set_sha256), (Some(1), Some(Digest32::of(b"another signature"))));
            assert_eq!(super::sent(turn.rows(), partner_id(9), claimed.message)?, None);
            Ok(())
        }).await;
    }
);

both!(
    /// A receipt ends a delivery, frees the lane and proves it; of two receipts the earlier instant counts.
    a_receipt_ends_it, |store| {
        fan_out(&store, 1).await;
        write(&store, at(61), |turn| {
            let claimed = attempt(turn, Heard::Receipted)?;
            assert_eq!(state(turn, claimed.message)?, ("receipted".to_owned(), false, 1));
            let lane = lane(turn.rows(), claimed.partner)?.unwrap();
            assert_eq!((lane.proven_at, lane.due_at, lane.fail_count), (Some(at(61)), None, 0));
            assert!(!receipted(turn, claimed.partner, claimed.message, 9, at(62))?, "a later one changes nothing");
            assert!(receipted(turn, claimed.partner, claimed.message, 9, at(60))?);
            assert!(!receipted(turn, partner_id(9), claimed.message, 9, at(1))?, "another partner's neither");
            assert!(claim_at(turn, 3, at(100), 1)?.is_empty());
            assert_eq!(next_due(turn.rows())?, None);
            Ok(())
        }).await;
    }
);

both!(
    /// A lane that fails backs off; hearing from the partner clears it, and a new first word may break it after a minute.
    back_off, |store| {
        fan_out(&store, 1).await;
        for second in [100, 200, 300, 400, 600, 1_000, 2_000] {
            write(&store, at(second), |turn| attempt(turn, Heard::NotReached).map(|_| ())).await;
        }
        write(&store, at(2_001), |turn| {
            let lane = lane(turn.rows(), partner_id(1))?.unwrap();
            assert_eq!((lane.fail_count, lane.failed_since), (7, Some(at(100))));
            assert_eq!(lane.last_failure.as_deref(), Some("not_reached"));
            let until = lane.waits_until.unwrap();
            assert!(until > at(2_600), "the seventh wait is ten minutes");
            assert!(claim_at(turn, 1, at(2_010), 1)?.is_empty());
            assert_eq!(next_due(turn.rows())?, Some(until));
            // Another incident: its first word waits until a minute after the last attempt, no longer.
            assert!(on_incident(turn, 2, &log(2, IncidentKind::Breach, 1, false))?);
            advance(turn, 2)?;
            assert_eq!(next_due(turn.rows())?, Some(at(2_060)));
            assert!(claim_at(turn, 1, at(2_059), 1)?.is_empty());
            let broke = claim_at(turn, 1, at(2_060), 1)?.remove(0);
            assert_eq!(broke.message, notice_id(2, 1, 1));
            let failed = came_to(&broke, Heard::NotReached, at(2_061));
            assert!(finish(turn, id(1), &failed)?);
            let lane = super::lane(turn.rows(), partner_id(1))?.unwrap();
            assert_eq!((lane.fail_count, lane.waits_until), (7, Some(until)), "within one back-off it counts once");
            heard_from(turn, partner_id(1), at(2_070))?;
            let lane = super::lane(turn.rows(), partner_id(1))?.unwrap();
            assert_eq!((lane.fail_count, lane.waits_until, lane.heard_at), (0, None, Some(at(2_070))));
            assert_eq!(claim_at(turn, 1, at(2_070), 1)?.len(), 1);
            Ok(())
        }).await;
    }
);

both!(
    /// A refused message is parked and stepped over; a person retries or abandons it.
    parked, |store| {
        fan_out(&store, 1).await;
        write(&store, at(61), |turn| {
            let parked = attempt(turn, Heard::Refused { err: RefusedErr::InvalidRequest })?;
            assert_eq!(state(turn, parked.message)?.0, "parked");
            assert!(claim_at(turn, 1, at(61), 1)?.is_empty());
            assert_eq!(next_due(turn.rows())?, None);
            assert!(retry_parked(turn, parked.message)?);
            assert!(!retry_parked(turn, parked.message)?, "it waits already");
            Ok(())
        }).await;
        write(&store, at(62), |turn| {
            let message = notice_id(1, 1, 1);
            let again = claim_at(turn, 1, at(62), 1)?.remove(0);
            assert_eq!((again.message, again.attempts), (message, 1));
            assert!(abandon(turn, message)?);
            assert!(!abandon(turn, message)?);
            assert!(finish(turn, id(1), &came_to(&again, Heard::NotReached, at(63)))?);
            assert_eq!(state(turn, message)?, ("abandoned".to_owned(), false, 2));
            Ok(())
        }).await;
    }
);

both!(
    /// What only concerns one message lets the others of its lane pass.
    one_bad_message_holds_nobody_up, |store| {
        fan_out(&store, 1).await;
        write(&store, at(61), |turn| {
            assert_eq!(attempt(turn, Heard::Unconfirmed)?.message, notice_id(1, 1, 1));
            assert!(on_incident(turn, 2, &log(2, IncidentKind::Breach, 1, false))?);
            advance(turn, 2)?;
            let passed = attempt(turn, Heard::Receipted)?;
            assert_eq!(passed.message, notice_id(2, 1, 1));
            assert!(next_due(turn.rows())?.unwrap() > at(120), "the other one waits for its own time");
            Ok(())
        }).await;
        write(&store, at(200), |turn| {
            assert_eq!(claim_at(turn, 1, at(200), 1)?.remove(0).message, notice_id(1, 1, 1));
            Ok(())
        }).await;
    }
);

both!(
    /// Nothing goes to a partner who is not active but heartbeats to a verified one, nor out on a stopped lane; and a lane
    /// with nothing to send is no longer due.
    who_may_be_sent_what, |store| {
        fan_out(&store, 1).await;
        write(&store, at(61), |turn| {
            let partner = partner_id(1);
            for state in [PartnerState::Imported, PartnerState::Suspended, PartnerState::Ended, PartnerState::Locked] {
                partners::set_state(turn, partner, state)?;
                assert!(claim_at(turn, 1, at(61), 1)?.is_empty());
                assert_eq!(next_due(turn.rows())?, None);
            }
            partners::set_state(turn, partner, PartnerState::Verified)?;
            assert!(claim_at(turn, 1, at(61), 1)?.is_empty());
            assert_eq!(next_due(turn.rows())?, None, "the look set it right");
            let heartbeat = MessageId::from_uuid(id(70));
            assert!(queue_heartbeat(turn, partner, heartbeat, at(61))?);
            assert!(!queue_heartbeat(turn, partner, MessageId::from_uuid(id(71)), at(61))?, "one is enough");
            let claimed = attempt(turn, Heard::Receipted)?;
            assert_eq!((claimed.message, claimed.kind), (heartbeat, OutKind::Heartbeat));
            assert_eq!(sent(turn.rows(), partner, heartbeat)?, None, "a finished heartbeat is forgotten");
            assert_eq!(lane(turn.rows(), partner)?.unwrap().next_seq, 1, "it has no number");
            partners::set_state(turn, partner, PartnerState::Active)?;
            stop_lane(turn, partner, Some((41, Digest32::of(b"theirs"))))?;
            assert_eq!(held(turn.rows(), partner)?, Some((41, Digest32::of(b"theirs"))));
            assert!(claim_at(turn, 1, at(62), 1)?.is_empty());
            resume_lane(turn, partner, Some((41, Digest32::of(b"theirs"))))?;
            let claimed = claim_at(turn, 1, at(62), 1)?.remove(0);
            assert_eq!((claimed.next_seq, claimed.prev), (42, Some(Digest32::of(b"theirs"))));
            Ok(())
        }).await;
    }
);

both!(
    /// Heartbeats are due about once a day; a clock that was set back does not silence them.
    heartbeats, |store| {
        fan_out(&store, 1).await;
        write(&store, at(61), |turn| {
            let partner = partner_id(1);
            assert!(queue_heartbeat(turn, partner, MessageId::from_uuid(id(70)), at(61))?);
            let due = lane(turn.rows(), partner)?.unwrap().heartbeat_due_at.unwrap();
            assert!((at(61).plus_seconds(22 * 3_600)..=at(61).plus_seconds(26 * 3_600)).contains(&due));
            assert_eq!(heartbeats_due(turn.rows(), at(62), 9)?, []);
            assert_eq!(heartbeats_due(turn.rows(), due, 9)?, [partner]);
            assert_eq!(heartbeats_due(turn.rows(), at(-365 * 86_400), 9)?, [partner]);
            assert_eq!(next_heartbeat(turn.rows())?, Some(due));
            Ok(())
        }).await;
    }
);

both!(
    /// Lanes that failed lately share few places, so that working ones always find one.
    failing_lanes_have_few_places, |store| {
        let partners = u128::from(FAILING_LANES_MAX) + 4;
        fan_out(&store, partners).await;
        write(&store, at(61), move |turn| {
            for claimed in claim_at(turn, 1, at(61), 100)? {
                assert!(finish(turn, id(1), &came_to(&claimed, Heard::NotReached, at(61)))?);
            }
            heard_from(turn, partner_id(1), at(62))?;
            let now = at(100);
            let claimed = claim_at(turn, 2, now, 100)?;
            let failing = claimed.iter().filter(|claimed| claimed.lane.fail_count > 0).count();
            assert_eq!((failing, claimed.len()), (16, 17));
            assert!(claim_at(turn, 3, now, 100)?.is_empty());
            assert_eq!(next_due(turn.rows())?, Some(now.plus_seconds(LEASE)), "nobody looks in vain before");
            let lapsed = claim_at(turn, 4, now.plus_seconds(LEASE), 100)?;
            assert_eq!(lapsed.len(), 17, "places that a dead process held are free again");
            Ok(())
        }).await;
    }
);

both!(
    /// Attempts are listed up to a limit; beyond it only counters grow.
    attempts_have_a_limit, |store| {
        fan_out(&store, 1).await;
        write(&store, at(61), |turn| {
            let claimed = claim_at(turn, 1, at(61), 1)?.remove(0);
            let mut at_limit = claimed.clone();
            at_limit.attempts = ATTEMPTS_KEPT;
            let next = after(claimed.sent(), claimed.history(Heard::NotReached), Heard::NotReached, at(61), claimed.duty(at(61)));
            assert_eq!(next.lane.fail_count, BackOff::CLEAR.fail_count + 1);
            assert!(finish(turn, id(1), &at_limit.finished(Heard::NotReached, Some(503), at(61), 5, next))?);
            let listed: i64 = attempts::table.count().get_result(turn.rows().db)?;
            assert_eq!((listed, state(turn, claimed.message)?.2), (0, 201));
            Ok(())
        }).await;
        write(&store, at(500), |turn| {
            attempt(turn, Heard::Misdirected { status: 404 })?;
            Ok(())
        }).await;
    }
);

both!(
    /// A first word without a receipt is found once, a quarter of an hour after it was first to be sent.
    late_first_words, |store| {
        fan_out(&store, 1).await;
        write(&store, at(61), |turn| {
            attempt(turn, Heard::NotReached)?;
            let late = |turn: &mut Turn<'_>, now: Moment| unreceipted(turn.rows(), now, 9);
            assert_eq!(late(turn, at(61 + 899))?, []);
            let found = late(turn, at(61 + 900))?;
            assert_eq!((found.len(), found[0].message), (1, notice_id(1, 1, 1)));
            assert_eq!(found[0].incident.map(|id| id.uuid()), Some(id(1)));
            mark_alerted(turn, found[0].message)?;
            assert_eq!(late(turn, at(9_000))?, []);
            Ok(())
        }).await;
    }
);

both!(
    /// A message that can't be read rests and is alerted; the other lanes are claimed all the same.
    an_unreadable_message_blocks_nobody, |store| {
        fan_out(&store, 2).await;
        write(&store, at(61), |turn| {
            diesel::update(outbox::table.find(notice_id(1, 1, 1).as_bytes().as_slice()))
                .set(outbox::body.eq(b"no sealed octets at all".as_slice()))
                .execute(turn.rows().db)?;
            let claimed = claim_at(turn, 1, at(61), 9)?;
            assert_eq!(claimed.iter().map(|claimed| claimed.partner).collect::<Vec<_>>(), [partner_id(2)]);
            let alerts = alerts::open(turn.rows(), 9)?;
            assert_eq!((alerts.len(), alerts[0].message), (1, Some(notice_id(1, 1, 1))));
            assert_eq!(next_due(turn.rows())?, Some(at(61 + LEASE)));
            assert_eq!(lane(turn.rows(), partner_id(1))?.unwrap().due_at, Some(at(61 + 900)));
            assert_eq!(state(turn, notice_id(1, 1, 1))?, ("queued".to_owned(), true, 0), "never skipped, never called sent");
            Ok(())
        }).await;
    }
);

both!(
    /// What was wrong with a delivery is no alert any more once a receipt or a person has ended it.
    alerts_end_with_the_delivery, |store| {
        fan_out(&store, 3).await;
        write(&store, at(61), |turn| {
            let messages = [notice_id(1, 1, 1), notice_id(1, 2, 1), notice_id(1, 3, 1)];
            for (number, message) in (1..).zip(messages) {
                let partner = Some(partner_id(number));
                alerts::raise(turn, alerts::AlertKind::NoReceipt, partner, None, None, Some(message))?;
            }
            let left = |turn: &mut Turn<'_>| Ok::<_, StoreError>(alerts::open(turn.rows(), 9)?.len());
            assert!(receipted(turn, partner_id(1), messages[0], 1, at(61))?);
            assert_eq!(left(turn)?, 2);
            assert!(abandon(turn, messages[1])?);
            assert_eq!(left(turn)?, 1);
            erase(turn, exchange_id(1, 3))?;
            assert_eq!(left(turn)?, 0);
            Ok(())
        }).await;
    }
);

both!(
    /// First words go before other kinds, whatever was queued first.
    first_words_first, |store| {
        fan_out(&store, 1).await;
        write(&store, at(61), |turn| {
            attempt(turn, Heard::Receipted)?;
            let update = domain::incident::Command::Withdraw {
                reason: domain::incident::WithdrawalReason::SentInError,
                note: None,
                by: responder(),
            };
            assert!(on_incident(turn, 1, &update)?);
            advance(turn, 1)?;
            assert!(on_incident(turn, 2, &log(2, IncidentKind::Breach, 1, false))?);
            advance(turn, 2)?;
            assert_eq!(attempt(turn, Heard::Receipted)?.kind, OutKind::Notified);
            let withdrawn = attempt(turn, Heard::Receipted)?;
            assert_eq!((withdrawn.kind, withdrawn.facts, withdrawn.next_seq), (OutKind::Withdrawn, None, 3));
            Ok(())
        }).await;
    }
);

both!(
    /// What the outbox holds lies sealed, and goes when its exchange is erased.
    bodies_are_sealed_and_erased, |store| {
        fan_out(&store, 1).await;
        assert!(!store.shows("notice_queued"));
        write(&store, at(61), |turn| {
            erase(turn, exchange_id(1, 1))?;
            assert_eq!(state(turn, notice_id(1, 1, 1))?, ("abandoned".to_owned(), false, 0));
            let body: Vec<u8> = outbox::table.select(outbox::body).first(turn.rows().db)?;
            assert!(body.is_empty());
            assert!(claim_at(turn, 1, at(61), 1)?.is_empty());
            Ok(())
        }).await;
    }
);

/// Every kind has a word of its own, and finds its way back.
#[test]
fn words() {
    for kind in OutKind::ALL {
        assert_eq!(OutKind::from_word(kind.word()), Some(kind));
    }
    assert_eq!(outcome_word(Heard::Refused { err: RefusedErr::InvalidKey }), "invalid_key");
    assert_eq!(outcome_word(Heard::Misdirected { status: 404 }), "misdirected");
}
