//! A form works once; drafts are their author's alone.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::store::testing::{at, both, id};

fn person(number: u128) -> PersonId {
    PersonId::from_uuid(id(number))
}

both!(
    /// The first use is fresh and stores an answer; the second gets that answer, unless it says something else; a refused
    /// first use leaves it unused.
    one_use, |store| {
        store.write::<_, StoreError>(at(0), |turn| make(turn, id(1), person(1), "log", at(0))).await.unwrap();
        let refused = store.write::<(), StoreError>(at(1), |turn| {
            assert_eq!(use_once(turn, &SentForm::said_once(id(1)), person(1), "log")?, FormUse::Fresh);
            Err(StoreError::Fault)
        }).await;
        assert!(refused.is_err());
        store.write::<_, StoreError>(at(2), |turn| {
            assert_eq!(use_once(turn, &SentForm::said_once(id(1)), person(1), "log")?, FormUse::Fresh);
            answer(turn, id(1), "first")
        }).await.unwrap();
        store.write::<_, StoreError>(at(3), |turn| {
            assert_eq!(use_once(turn, &SentForm::said_once(id(1)), person(1), "log")?, FormUse::Used { answer: Some("first".to_owned()) });
            let otherwise = SentForm { said: [1; 32], ..SentForm::said_once(id(1)) };
            assert_eq!(use_once(turn, &otherwise, person(1), "log")?, FormUse::UsedOtherwise);
            for (form, who, purpose) in [(2, 1, "log"), (1, 2, "log"), (1, 1, "close")] {
                assert_eq!(use_once(turn, &SentForm::said_once(id(form)), person(who), purpose)?, FormUse::Unknown);
            }
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// Forms of a week ago are swept, few at a time.
    swept, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            for number in 0..5 {
                make(turn, id(number), person(1), "log", at(0))?;
            }
            make(turn, id(9), person(1), "log", at(700_000))?;
            assert_eq!(sweep(turn, at(1_000), 9)?, 0);
            assert_eq!(sweep(turn, at(700_000), 3)?, 3);
            assert_eq!(sweep(turn, at(700_000), 9)?, 2);
            assert_eq!(use_once(turn, &SentForm::said_once(id(9)), person(1), "log")?, FormUse::Fresh);
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// A draft is kept, replaced and forgotten by its author only, lies sealed, and there are not too many.
    drafts_of_one_person, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            put_draft(turn, id(1), person(1), "log", b"what was typed")?;
            put_draft(turn, id(1), person(1), "log", b"what was typed then")?;
            assert!(matches!(put_draft(turn, id(1), person(2), "log", b"x"), Err(StoreError::Conflict)));
            assert_eq!(draft(turn.rows(), id(1), person(1))?.unwrap().content, b"what was typed then");
            assert_eq!(draft(turn.rows(), id(1), person(2))?, None);
            delete_draft(turn, id(1), person(2))?;
            assert_eq!(drafts(turn.rows(), person(1), "log")?.len(), 1);
            assert_eq!(drafts(turn.rows(), person(1), "close")?.len(), 0);
            for number in 2..=u128::from(DRAFTS_MAX) {
                put_draft(turn, id(number), person(1), "log", b"x")?;
            }
            let more = put_draft(turn, id(1_000), person(1), "log", b"x");
            assert!(matches!(more, Err(StoreError::TooMuch { .. })));
            delete_draft(turn, id(2), person(1))?;
            put_draft(turn, id(1_000), person(1), "log", b"x")
        }).await.unwrap();
        assert!(!store.shows("what was typed"));
    }
);
