//! What goes wrong again and again is one open alert.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::store::projections::samples::partner_id;
use crate::store::testing::{at, both, id};

both!(
    /// One open alert per kind, partner and message; cleared, it may be raised again.
    one_at_a_time, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            let message = Some(MessageId::from_uuid(id(1)));
            let partner = Some(partner_id(1));
            for _ in 0..3 {
                raise(turn, AlertKind::Parked, partner, None, None, message)?;
                raise(turn, AlertKind::Parked, partner, None, None, None)?;
                raise(turn, AlertKind::BadReceipt, partner, None, None, message)?;
                raise(turn, AlertKind::HistoryLost, None, None, None, None)?;
            }
            assert_eq!(open(turn.rows(), 99)?.len(), 4);
            assert_eq!(open(turn.rows(), 2)?.len(), 2);
            assert!(clear(turn, AlertKind::Parked, partner, message)?);
            assert!(!clear(turn, AlertKind::Parked, partner, message)?);
            assert_eq!(open(turn.rows(), 99)?.len(), 3);
            raise(turn, AlertKind::Parked, partner, None, None, message)?;
            assert_eq!(open(turn.rows(), 99)?.len(), 4);
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// What is wrong with a delivery ends with the delivery; other messages' alerts, and those of events, stay.
    ends_with_the_delivery, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            let (one, other) = (MessageId::from_uuid(id(1)), MessageId::from_uuid(id(2)));
            let partner = Some(partner_id(1));
            for kind in OF_A_DELIVERY {
                raise(turn, kind, partner, None, None, Some(one))?;
                raise(turn, kind, partner, None, None, Some(other))?;
            }
            raise(turn, AlertKind::PeerConflict, partner, None, None, Some(one))?;
            let (theirs, theirs_not) = (partner_id(1), partner_id(2));
            let message = [one.as_bytes().as_slice()];
            assert_eq!(end_with(turn, &[theirs_not.as_bytes()], &message)?, 0, "of another partner");
            assert_eq!(end_with(turn, &[theirs.as_bytes()], &[])?, 0);
            assert_eq!(end_with(turn, &[theirs.as_bytes()], &message)?, OF_A_DELIVERY.len());
            assert_eq!(end_with(turn, &[theirs.as_bytes()], &message)?, 0);
            let left = open(turn.rows(), 99)?;
            assert_eq!(left.iter().filter(|alert| alert.message == Some(other)).count(), OF_A_DELIVERY.len());
            assert_eq!(left.len(), OF_A_DELIVERY.len() + 1);
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// A person ends what tells of an event, once; what tells of a state ends with the state only.
    seen_to_by_a_person, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            for kind in AlertKind::ALL {
                raise(turn, *kind, Some(partner_id(1)), None, None, None)?;
            }
            for alert in open(turn.rows(), 99)? {
                let seen = seen_to(turn, alert.id)?;
                assert_eq!(seen.is_some(), alert.kind.is_seen_to(), "{:?}", alert.kind);
                assert_eq!(seen_to(turn, alert.id)?, None, "{:?}", alert.kind);
            }
            assert!(open(turn.rows(), 99)?.iter().all(|alert| !alert.kind.is_seen_to()));
            assert_eq!(seen_to(turn, id(9))?, None, "never raised");
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// A partner's alerts are found however many newer ones there are of others.
    of_one_partner, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            raise(turn, AlertKind::Gap, Some(partner_id(1)), None, None, None)
        }).await.unwrap();
        store.write::<_, StoreError>(at(1), |turn| {
            for number in 2..9 {
                raise(turn, AlertKind::Gap, Some(partner_id(number)), None, None, None)?;
            }
            let theirs = open_about(turn.rows(), partner_id(1), 1)?;
            assert_eq!(theirs.iter().map(|alert| alert.partner).collect::<Vec<_>>(), [Some(partner_id(1))]);
            Ok(())
        }).await.unwrap();
    }
);

/// Every kind has a word and a label of its own.
#[test]
fn words() {
    for kind in AlertKind::ALL {
        assert_eq!(AlertKind::from_word(kind.word()), Some(*kind));
        assert!(!kind.label().is_empty());
    }
}
