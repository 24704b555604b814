//! Links of partners' people.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::store::testing::{at, both, id};

fn message(number: u128) -> MessageId {
    MessageId::from_uuid(id(number))
}

fn make(turn: &mut Turn<'_>, token: u8, of: u128, elapsed: Moment) -> Result<(), StoreError> {
    let (exchange, partner) = (ExchangeId::from_uuid(id(50)), PartnerId::from_uuid(id(60)));
    mint(turn, message(of), exchange, partner, [token; 32], elapsed)
}

both!(
    /// All links of a message are of one use; other messages' links, and time, are told apart.
    one_use_for_all_links_of_a_message, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            make(turn, 1, 1, at(0))?;
            make(turn, 2, 1, at(900))?;
            make(turn, 3, 2, at(900))?;
            let found = find(turn.rows(), [2; 32], at(1_000))?.unwrap();
            assert_eq!((found.message, found.used_at), (message(1), None));
            assert!(!use_up(turn, [9; 32], at(1_000))?, "nobody made it");
            assert!(use_up(turn, [1; 32], at(1_000))?);
            assert!(!use_up(turn, [1; 32], at(1_000))?, "used");
            assert!(!use_up(turn, [2; 32], at(1_000))?, "its message was acknowledged through another");
            assert_eq!(find(turn.rows(), [2; 32], at(1_001))?.unwrap().used_at, Some(at(1_000)));
            make(turn, 4, 1, at(1_100))?;
            assert!(!use_up(turn, [4; 32], at(1_200))?, "a mail that was under way meanwhile changes nothing");
            assert!(use_up(turn, [3; 32], at(1_200))?);
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// A link ends after 30 days, and its row goes; a message keeps its newest links only.
    links_end, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            for number in 0..60_u8 {
                make(turn, number, 1, at(i64::from(number)))?;
            }
            assert!(find(turn.rows(), [9; 32], at(100))?.is_none(), "beyond 50 the oldest go");
            assert!(find(turn.rows(), [10; 32], at(100))?.is_some());
            assert!(find(turn.rows(), [10; 32], at(10 + GOOD_SECONDS))?.is_none(), "expired");
            assert!(!use_up(turn, [10; 32], at(10 + GOOD_SECONDS))?);
            assert_eq!(sweep(turn, at(11 + GOOD_SECONDS), 100)?, 2);
            Ok(())
        }).await.unwrap();
    }
);
