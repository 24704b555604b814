//! Messages are seen once, gaps are kept track of, and what can't be read is bounded.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
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
    }
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
