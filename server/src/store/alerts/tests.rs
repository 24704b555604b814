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

/// Every kind has a word and a label of its own.
#[test]
fn words() {
    for kind in AlertKind::ALL {
        assert_eq!(AlertKind::from_word(kind.word()), Some(*kind));
        assert!(!kind.label().is_empty());
    }
}
