//! Messages are seen once, gaps are kept track of, and what can't be read is bounded.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::HashSet;

use diesel::connection::InstrumentationEvent;

use super::*;
use crate::store::alerts::{self, AlertKind};
use crate::store::projections::samples::partner_id;
use crate::store::testing::{at, both, id};
use crate::store::{EntryKind, Store};

async fn write<T: Send + 'static>(
    store: &Store,
    f: impl FnOnce(&mut Turn<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.write(at(0), f).await.unwrap()
}

fn payload(seq: u64) -> Digest32 {
    Digest32::of(&seq.to_be_bytes())
}

/// The sender's message with this number, as it should be.
fn message(seq: u64) -> Arrived {
    Arrived {
        partner: partner_id(1),
        message: MessageId::from_uuid(id(u128::from(seq))),
        event: "notified",
        seq: Some(seq),
        prev: (seq > 1).then(|| payload(seq - 1)),
        payload_sha256: payload(seq),
        set_entry: 0,
        exchange: None,
        case: Some(case(1)),
    }
}

fn case(n: u128) -> CaseId {
    CaseId::from_uuid(id(500 + n))
}

fn take(turn: &mut Turn<'_>, arrived: Arrived) -> Result<Inbound, StoreError> {
    let inbound = advance(turn, &arrived, at(0))?;
    let entry = turn.append(EntryKind::ReceiptSent, None, None, b"a receipt")?;
    keep(turn, arrived, entry)?;
    Ok(inbound)
}

both!(
    /// Numbers in any order: head, chain and missing numbers as a receipt has to state them.
    gaps, |store| {
        write(&store, |turn| {
            let stated = |inbound: Inbound| (inbound.chain, inbound.head_seq, inbound.missing);
            assert_eq!(stated(take(turn, message(1))?), (Chain::Ok, 1, vec![]));
            assert_eq!(stated(take(turn, message(2))?), (Chain::Ok, 2, vec![]));
            assert_eq!(stated(take(turn, message(6))?), (Chain::Gap, 6, vec![3, 4, 5]));
            assert_eq!(stated(take(turn, message(7))?), (Chain::Gap, 7, vec![3, 4, 5]));
            assert_eq!(stated(take(turn, message(4))?), (Chain::Gap, 7, vec![3, 5]));
            assert_eq!(stated(take(turn, message(3))?), (Chain::Ok, 7, vec![5]));
            let last = take(turn, message(5))?;
            assert_eq!(last.head_payload, Some(payload(7)));
            assert_eq!(stated(last), (Chain::Ok, 7, vec![]));
            let broken = Arrived { prev: Some(payload(99)), ..message(8) };
            assert_eq!(stated(take(turn, broken)?), (Chain::Broken, 8, vec![]));
            let heartbeat = Arrived { seq: None, prev: None, message: MessageId::from_uuid(id(900)), ..message(1) };
            assert_eq!(stated(take(turn, heartbeat)?), (Chain::Ok, 8, vec![]));
            assert!(seq_taken(turn, partner_id(1), 5)?);
            assert!(!seq_taken(turn, partner_id(1), 9)?);
            assert!(!seq_taken(turn, partner_id(2), 5)?);
            Ok(())
        }).await;
    }
);

both!(
    /// A heartbeat shows that the tail is missing; when it comes nothing is.
    missing_tail, |store| {
        write(&store, |turn| {
            take(turn, message(1))?;
            assert!(!note_head(turn, partner_id(1), 1, at(0))?);
            assert!(note_head(turn, partner_id(1), 3, at(0))?);
            let second = take(turn, message(2))?;
            assert_eq!((second.chain, second.head_seq, second.missing), (Chain::Ok, 2, vec![]));
            assert!(note_head(turn, partner_id(1), 3, at(0))?);
            assert_eq!(take(turn, message(3))?.missing, Vec::<u64>::new());
            assert!(!note_head(turn, partner_id(1), 3, at(0))?);
            Ok(())
        }).await;
    }
);

both!(
    /// One absurd number costs one range, and a receipt names a hundred missing numbers at most.
    absurd_numbers, |store| {
        write(&store, |turn| {
            let far = take(turn, message(1_000_000_000))?;
            assert_eq!((far.chain, far.missing.len()), (Chain::Gap, MISSING_MAX));
            assert_eq!(far.missing.first(), Some(&1));
            Ok(())
        }).await;
    }
);

both!(
    /// A message that is held answers with its first receipt, once that is durable.
    seen_once, |store| {
        write(&store, |turn| {
            assert_eq!(seen(turn, partner_id(1), message(1).message)?, None);
            take(turn, message(1))?;
            assert!(matches!(seen(turn, partner_id(1), message(1).message), Err(StoreError::Busy)));
            Ok(())
        }).await;
        write(&store, |turn| {
            let held = seen(turn, partner_id(1), message(1).message)?.unwrap();
            assert_eq!((held.payload_sha256, held.receipt.as_str()), (payload(1), "a receipt"));
            assert_eq!(seen(turn, partner_id(2), message(1).message)?, None);
            assert_eq!(set_entry(turn.rows(), partner_id(1), message(1).message)?, Some(0));
            Ok(())
        }).await;
    }
);

both!(
    /// Unreadable messages are kept sealed, the same one once, and the oldest go first.
    quarantine_is_bounded, |store| {
        write(&store, |turn| {
            for number in 0..QUARANTINE_MAX + 3 {
                quarantine(turn, partner_id(1), "bad_event", format!("octets {number}").as_bytes())?;
            }
            quarantine(turn, partner_id(1), "bad_event", b"octets 1002")?;
            quarantine(turn, partner_id(2), "bad_event", b"octets 1002")?;
            use crate::store::schema::quarantine::dsl;
            let kept: i64 = dsl::quarantine
                .filter(dsl::partner_id.eq(partner_id(1).as_bytes().as_slice()))
                .count()
                .get_result(turn.rows().db)?;
            assert_eq!(kept, QUARANTINE_MAX);
            Ok(())
        }).await;
        assert!(!store.shows("octets 1000"));
    }
);

both!(
    /// A partner's checkpoints are witnesses: one stated as the newest that goes back, or another root at the same size,
    /// is told. A message that was queued before and comes late tells nothing.
    checkpoints_seen, |store| {
        write(&store, |turn| {
            let now = turn.now();
            let mut see = |size, root: &[u8], stated| {
                keep_checkpoint_seen(turn, partner_id(1), size, Digest32::of(root), "note", stated)
            };
            assert_eq!(see(5, b"a", Some(now))?, Sighting::Consistent);
            assert_eq!(see(5, b"a", Some(now))?, Sighting::Consistent);
            assert_eq!(see(9, b"b", None)?, Sighting::Consistent);
            assert_eq!(see(5, b"a", None)?, Sighting::Consistent, "an old message that comes late");
            assert_eq!(see(6, b"e", None)?, Sighting::Consistent, "so does one not seen before");
            assert_eq!(see(8, b"f", Some(now))?, Sighting::Consistent, "on its way while the larger one came");
            assert_eq!(see(7, b"c", Some(now.plus_seconds(301)))?, Sighting::Shrunk);
            assert_eq!(see(5, b"a", Some(now.plus_seconds(301)))?, Sighting::Shrunk, "back to one seen before");
            assert_eq!(see(9, b"d", None)?, Sighting::Forked);
            assert_eq!(see(9, b"d", None)?, Sighting::Forked);
            Ok(())
        }).await;
    }
);

/// A message without a case of its own, with its octets.
fn unknown(turn: &mut Turn<'_>, n: u64, event: &'static str, octets: &[u8]) -> Result<(), StoreError> {
    let set_entry = turn.append(EntryKind::SetReceived, None, Some(partner_id(1).uuid()), octets)?;
    take(turn, Arrived { event, set_entry, ..message(n) }).map(|_| ())
}

fn exchange() -> ExchangeId {
    ExchangeId::from_uuid(id(70))
}

both!(
    /// Aim: what waits for its notice is found, also within the very batch that brought it, until it is placed or erased.
    unplaced_messages, |store| {
        write(&store, |turn| {
            unknown(turn, 1, "message", b"first")?;
            unknown(turn, 2, "acknowledged", b"waits for nothing")?;
            unknown(turn, 3, "filed", b"third")?;
            let found = unplaced::of(turn, partner_id(1), case(1))?;
            let of = |n: u64, octets: &[u8]| {
                unplaced::Unplaced { message: message(n).message, case: Some(case(1)), octets: octets.to_vec() }
            };
            assert_eq!(found, [of(1, b"first"), of(3, b"third")]);
            assert_eq!(unplaced::of(turn, partner_id(2), case(1))?, []);
            assert_eq!(unplaced::of(turn, partner_id(1), case(2))?, [], "what waits for another case");
            Ok(())
        }).await;
        write(&store, |turn| {
            unknown(turn, 4, "message", b"fourth")?;
            let ids = |found: Vec<unplaced::Unplaced>| found.into_iter().map(|it| it.message).collect::<Vec<_>>();
            let all = [1, 3, 4].map(|n| message(n).message);
            assert_eq!(ids(unplaced::of(turn, partner_id(1), case(1))?), all);
            unplaced::place(turn, partner_id(1), all[0], exchange())?;
            turn.erase_stream(exchange().uuid())?;
            assert_eq!(ids(unplaced::of(turn, partner_id(1), case(1))?), all[1..]);
            turn.erase_stream(partner_id(1).uuid())
        }).await;
        write(&store, |turn| {
            let left = unplaced::of(turn, partner_id(1), case(1))?;
            let left: Vec<_> = left.into_iter().map(|it| (it.message, it.octets)).collect();
            assert_eq!(left, [(message(4).message, b"fourth".to_vec())], "erased ones are left out");
            Ok(())
        }).await;
    }
);

both!(
    /// Aim: a notice is out of the batched way while a message waits for its very case, and for no other reason; what an
    /// earlier version kept without its case keeps its partner's notices out until it was looked through.
    awaited_cases, |store| {
        let mine = |n: u128| (partner_id(1), case(n));
        write(&store, move |turn| {
            let cases = [mine(1), mine(2), (partner_id(2), case(1))];
            alerts::raise(turn, AlertKind::UnknownCase, Some(partner_id(2)), None, None, Some(message(9).message))?;
            unknown(turn, 1, "withdrawn", b"not known either")?;
            assert_eq!(unplaced::awaited(turn.rows(), &cases)?, HashSet::new());
            unknown(turn, 2, "message", b"waits")?;
            unknown(turn, 3, "message", b"waits too")?;
            assert_eq!(unplaced::awaited(turn.rows(), &cases)?, HashSet::from([(partner_id(1), Some(case(1)))]));
            assert_eq!(unplaced::awaited(turn.rows(), &cases[1..])?, HashSet::new(), "other cases need not wait");
            for n in [2, 3] {
                unplaced::place(turn, partner_id(1), message(n).message, exchange())?;
            }
            assert_eq!(unplaced::awaited(turn.rows(), &cases)?, HashSet::new());
            unknown(turn, 4, "message", b"kept by an earlier version")
        }).await;
        store.tamper(&format!("UPDATE inbox SET case_id = {} WHERE seq = 4", store.literal(&[0])));
        write(&store, move |turn| {
            assert_eq!(unplaced::awaited(turn.rows(), &[mine(2)])?, HashSet::from([(partner_id(1), None)]));
            let found = unplaced::of(turn, partner_id(1), case(2))?;
            assert_eq!(found.iter().map(|it| (it.message, it.case)).collect::<Vec<_>>(), [(message(4).message, None)]);
            unplaced::note(turn, partner_id(1), message(4).message, Some(case(3)))?;
            assert_eq!(unplaced::awaited(turn.rows(), &[mine(2)])?, HashSet::new());
            assert_eq!(unplaced::of(turn, partner_id(1), case(3))?.len(), 1);
            Ok(())
        }).await;
    }
);

/// Aim: looking for what waits goes by the index that holds nothing else, so that it costs nothing when nothing waits.
#[test]
fn unplaced_messages_have_their_index() {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = diesel::sql_types::Text)]
        detail: String,
    }
    crate::store::testing::run(async {
        let store = crate::store::testing::TestStore::on_sqlite();
        write(&store, |turn| {
            let (asked, queries) = std::sync::mpsc::channel();
            turn.rows().db.set_instrumentation(move |event: InstrumentationEvent<'_>| {
                if let InstrumentationEvent::StartQuery { query, .. } = event {
                    // It goes on asking when nobody listens any more.
                    drop(asked.send(query.to_string()));
                }
            });
            unplaced::of(turn, partner_id(1), case(1))?;
            unplaced::awaited(turn.rows(), &[(partner_id(1), case(1)), (partner_id(2), case(2))])?;
            let queries: Vec<String> = queries.try_iter().collect();
            assert_eq!(queries.len(), 2);
            for query in queries {
                let query = query.split(" -- binds").next().unwrap_or_default();
                let plan: Vec<Step> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {query}")).load(turn.rows().db)?;
                assert!(plan.iter().any(|step| step.detail.contains("INDEX inbox_unplaced")), "{}", plan[0].detail);
            }
            Ok(())
        })
        .await;
    });
}

/// Ranges stay sorted, apart and few.
#[test]
fn ranges() {
    let mut ranges = Ranges::default();
    ranges.add(5, 4);
    ranges.add(8, 9);
    ranges.add(3, 5);
    ranges.add(6, 7);
    assert_eq!(ranges.text(), "3-9");
    ranges.remove(3);
    ranges.remove(6);
    ranges.remove(99);
    assert_eq!(ranges.text(), "4-5,7-9");
    assert_eq!(Ranges::parse("4-5,7-9").unwrap(), ranges);
    assert!(ranges.any_below(5) && !ranges.any_below(4));
    assert_eq!(ranges.first_below(8, 10), [4, 5, 7]);
    for number in 0..2_000 {
        ranges.add(number * 10 + 100, number * 10 + 100);
    }
    assert_eq!(ranges.0.len(), RANGES_MAX);
    assert!(Ranges::parse("4-x").is_err());
}
