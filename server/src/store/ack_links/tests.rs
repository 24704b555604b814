//! Links of partners' people.

#![expect(clippy::unwrap_used, reason = "tests")]

use domain::values::Digest32;

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

/// As many different tokens as there may be links.
fn token(number: i64) -> [u8; 32] {
    *Digest32::of(&number.to_be_bytes()).as_bytes()
}

both!(
    /// A link ends after 30 days, and its row goes; that of the first try is good however often it was tried since.
    links_end, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            let (exchange, partner) = (ExchangeId::from_uuid(id(50)), PartnerId::from_uuid(id(60)));
            let mut tries = 0;
            while tries * 900 < GOOD_SECONDS {
                mint(turn, message(1), exchange, partner, token(tries), at(tries * 900))?;
                tries += 1;
            }
            let last = at(GOOD_SECONDS - 1);
            assert!(find(turn.rows(), token(0), last)?.is_some(), "one try in each quarter of an hour of 30 days");
            mint(turn, message(1), exchange, partner, token(tries), last)?;
            assert!(find(turn.rows(), token(0), last)?.is_none(), "one more, and the oldest goes");
            assert!(find(turn.rows(), token(1), last)?.is_some());
            let ended = at(900 + GOOD_SECONDS);
            assert!(find(turn.rows(), token(1), ended)?.is_none(), "expired");
            assert!(!use_up(turn, token(1), ended)?);
            assert_eq!(sweep(turn, ended, 100)?, 1);
            Ok(())
        }).await.unwrap();
    }
);
