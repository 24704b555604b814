//! Accounts, sessions and tokens.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::store::testing::{at, both, id};

fn ann() -> PersonId {
    PersonId::from_uuid(id(1))
}

fn add(turn: &mut Turn<'_>) -> Result<(), StoreError> {
    let name = Line::parse("Ann Example").unwrap();
    insert(turn, ann(), "Ann@Example.org", &name, &[Role::Responder, Role::Dpo], "$2b$hash")
}

both!(
    /// An account is found by its address in any case, holds its name sealed, and there is one per address.
    accounts, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            add(turn)?;
            let other = PersonId::from_uuid(id(2));
            let again = insert(turn, other, " ann@example.ORG ", &Line::parse("B").unwrap(), &[], "h");
            assert!(matches!(again, Err(StoreError::Conflict)));
            let found = by_email(turn.rows(), "ann@example.org")?.unwrap();
            assert_eq!((found.id, found.name.as_str(), found.email.as_str()), (ann(), "Ann Example", "Ann@Example.org"));
            assert_eq!(found.roles, [Role::Responder, Role::Dpo]);
            assert_eq!(by_email(turn.rows(), "bob@example.org")?, None);
            set_roles(turn, ann(), &[Role::Auditor])?;
            assert_eq!(by_id(turn.rows(), ann())?.unwrap().roles, [Role::Auditor]);
            assert_eq!(all(turn.rows())?.len(), 1);
            Ok(())
        }).await.unwrap();
        if let Some(octets) = store.octets() {
            assert!(!octets.windows(11).any(|window| window == b"Ann Example" || window == b"ann@example"));
        }
    }
);

both!(
    /// The last of several wrong passwords locks; the right one opens.
    locks, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            add(turn)?;
            let until = at(900);
            failed(turn, ann(), 3, until)?;
            failed(turn, ann(), 3, until)?;
            let person = by_id(turn.rows(), ann())?.unwrap();
            assert_eq!((person.failures, person.locked_until), (2, None));
            failed(turn, ann(), 3, until)?;
            let person = by_id(turn.rows(), ann())?.unwrap();
            assert_eq!((person.failures, person.locked_until), (0, Some(until)));
            succeeded(turn, ann())?;
            assert_eq!(by_id(turn.rows(), ann())?.unwrap().locked_until, None);
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// A session lives until it ends unless used, and not for somebody who may not sign in.
    sessions_live_and_end, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            add(turn)?;
            open_session(turn, [1; 32], ann(), [2; 32], at(0), at(100))?;
            open_session(turn, [3; 32], ann(), [2; 32], at(0), at(100))?;
            let live = session(turn.rows(), [1; 32], at(99))?.unwrap();
            assert_eq!((live.person.id, live.csrf.as_slice(), live.seen_at), (ann(), [2; 32].as_slice(), at(0)));
            assert_eq!(session(turn.rows(), [1; 32], at(100))?, None);
            touch_session(turn, [1; 32], at(90), at(190))?;
            assert!(session(turn.rows(), [1; 32], at(150))?.is_some());
            assert_eq!(sweep_sessions(turn, at(150), 9)?, 1);
            close_session(turn, [1; 32])?;
            assert_eq!(session(turn.rows(), [1; 32], at(10))?, None);
            open_session(turn, [4; 32], ann(), [2; 32], at(0), at(100))?;
            set_disabled(turn, ann(), true)?;
            assert_eq!(session(turn.rows(), [4; 32], at(10))?, None);
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// An API token is good until it ends.
    api_tokens_live_and_end, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            let label = Line::parse("Ticket system").unwrap();
            insert_api_token(turn, [1; 32], id(5), &label, &["read".to_owned()], at(0), Some(at(100)))?;
            let found = api_token(turn.rows(), [1; 32], at(99))?.unwrap();
            assert_eq!((found.id, found.label, found.scopes), (id(5), label, vec!["read".to_owned()]));
            assert_eq!(api_token(turn.rows(), [1; 32], at(100))?, None);
            assert_eq!(api_token(turn.rows(), [2; 32], at(0))?, None);
            assert!(end_api_token(turn, id(5))?);
            assert!(!end_api_token(turn, id(5))?);
            Ok(())
        }).await.unwrap();
    }
);
