//! Accounts, sessions and tokens.

#![expect(clippy::unwrap_used, reason = "tests")]

use domain::values::Digest32;

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
        assert!(!store.shows("Ann Example") && !store.shows("ann@example"));
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
            let token = ApiToken {
                id: id(5),
                person: Some(ann()),
                label: label.clone(),
                scopes: vec!["read".to_owned()],
                used_at: None,
            };
            insert_api_token(turn, [1; 32], &token, None, at(0), Some(at(100)))?;
            assert_eq!(api_token(turn.rows(), [1; 32], at(99))?, Some(token));
            touch_api_token(turn, [1; 32], at(50))?;
            let held = tokens_of(turn.rows(), ann())?;
            assert_eq!(held.iter().map(|held| held.token.used_at).collect::<Vec<_>>(), [Some(at(50))]);
            assert!(held.iter().all(|held| held.is_good(at(99)) && !held.is_good(at(100))));
            assert_eq!(api_token(turn.rows(), [1; 32], at(100))?, None);
            assert_eq!(api_token(turn.rows(), [2; 32], at(0))?, None);
            assert_eq!(end_api_token(turn, id(5), at(60))?, 1);
            assert_eq!(end_api_token(turn, id(5), at(61))?, 0);
            assert_eq!(api_token(turn.rows(), [1; 32], at(62))?, None);
            assert_eq!(token_owner(turn.rows(), id(5))?, None);
            assert_eq!(tokens_of(turn.rows(), ann())?.first().unwrap().ended_at, Some(at(60)));
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// Somebody removed leaves nothing of their own behind, and their address is free again.
    removed, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            add(turn)?;
            assert_eq!(active_administrators(turn.rows())?, 0);
            set_roles(turn, ann(), &[Role::Administrator, Role::Auditor])?;
            assert_eq!(active_administrators(turn.rows())?, 1);
            set_password(turn, ann(), "")?;
            assert_eq!(active_administrators(turn.rows())?, 0, "nobody signs in without a password");
            open_session(turn, [1; 32], ann(), [2; 32], at(0), at(100))?;
            open_session(turn, [2; 32], ann(), [2; 32], at(1), at(100))?;
            assert_eq!(sessions_of(turn.rows(), ann(), at(2))?.len(), 2);
            assert_eq!(close_sessions_but(turn, ann(), Some(Digest32::from_bytes([1; 32])))?, 1);
            assert_eq!(session_owner(turn.rows(), Digest32::from_bytes([1; 32]), at(2))?, Some(ann()));
            remove(turn, ann())?;
            assert_eq!(by_id(turn.rows(), ann())?, None);
            assert_eq!(session_owner(turn.rows(), Digest32::from_bytes([1; 32]), at(2))?, None);
            add(turn)?;
            Ok(())
        }).await.unwrap();
    }
);
