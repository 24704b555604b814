//! One-time links.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::store::testing::{at, both, id};

fn ann() -> PersonId {
    PersonId::from_uuid(id(1))
}

both!(
    /// A link is used once, not after its end, and not after a newer one was made.
    links_open_once, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            make(turn, [1; 32], ann(), Purpose::Invitation, at(0), at(100))?;
            assert_eq!(open_of(turn.rows(), ann(), at(99))?, Some((Purpose::Invitation, at(100))));
            assert_eq!(open_of(turn.rows(), ann(), at(100))?, None);
            assert!(!use_up(turn, [1; 32], at(100))?, "expired");
            assert!(use_up(turn, [1; 32], at(99))?);
            assert!(!use_up(turn, [1; 32], at(99))?, "used");
            assert_eq!(find(turn.rows(), [1; 32])?.unwrap().fault(at(99)), Some("used or replaced"));
            make(turn, [2; 32], ann(), Purpose::Reset, at(100), at(200))?;
            make(turn, [3; 32], ann(), Purpose::Reset, at(110), at(210))?;
            assert!(!use_up(turn, [2; 32], at(120))?, "replaced");
            assert_eq!(find(turn.rows(), [3; 32])?.unwrap().fault(at(120)), None);
            assert_eq!(find(turn.rows(), [3; 32])?.unwrap().fault(at(210)), Some("expired"));
            assert_eq!(find(turn.rows(), [9; 32])?, None);
            assert_eq!(sweep(turn, at(200), 9)?, 2);
            end_of(turn, ann())?;
            assert!(!use_up(turn, [3; 32], at(120))?);
            Ok(())
        }).await.unwrap();
    }
);
