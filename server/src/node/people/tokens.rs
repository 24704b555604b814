//! API tokens: programs that act for the person who made the token, and never with more than they may do themselves.
//!
//! A token is `toc_` and 256 random bits, so that scanners for leaked secrets know it; only its SHA-256 is kept. It ends by
//! itself within 13 months, when its person ends it or the token that made it, and when that person's account is disabled.

use domain::values::{Line, Moment, PersonId, Role};
use serde_json::json;
use uuid::Uuid;

use super::existing;
use crate::access::sessions::{fresh_secret, text_digest};
use crate::access::{Administrator, ApiPerson, Scope, SignedIn};
use crate::node::administer::note;
use crate::node::{DoorError, Node};
use crate::store::StoreError;
use crate::store::people::{self, ApiToken};

pub use crate::store::people::HeldToken as TokenView;

/// The longest life of a token, in days.
pub const TOKEN_DAYS_MAX: i64 = 396;
/// What tokens begin with.
const PREFIX: &str = "toc_";
/// A scope that the person doesn't have to give.
const BEYOND_ONESELF: DoorError = DoorError::Invalid("a token can't do more than its person may do");
/// A token's last use is noted no more often than this: a request should not cost a write.
const TOUCH_SECONDS: i64 = 60;

impl Node {
    /// Makes a token for a program of one's own; `expires_at` is machine time. The token is answered once and kept nowhere.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] without a scope, for one beyond one's own roles, for an end that has passed or is more than 396
    /// days away, and beyond 50 tokens.
    pub async fn add_token(
        &self,
        by: &SignedIn,
        label: Line,
        scopes: Vec<Scope>,
        expires_at: Moment,
    ) -> Result<(Uuid, String), DoorError> {
        // Through a program with a token of its own, somebody is no more than that token lets them be.
        if scopes.iter().any(|scope| !scope.is_open_to(by)) {
            return Err(BEYOND_ONESELF);
        }
        self.add_token_for(by.id(), by.themselves(), None, label, scopes, expires_at).await
    }

    /// Makes a token for a program that asks with a token of its own, `with`: the new one ends when that one does.
    ///
    /// # Errors
    /// As [`Node::add_token`], and [`DoorError::Invalid`] when that token has ended.
    pub async fn add_token_with(
        &self,
        by: &SignedIn,
        with: Uuid,
        label: Line,
        scopes: Vec<Scope>,
        expires_at: Moment,
    ) -> Result<(Uuid, String), DoorError> {
        if scopes.iter().any(|scope| !scope.is_open_to(by)) {
            return Err(BEYOND_ONESELF);
        }
        self.add_token_for(by.id(), by.themselves(), Some(with), label, scopes, expires_at).await
    }

    /// Makes a token for a program of somebody else, at the command line; `expires_at` is machine time.
    ///
    /// # Errors
    /// As [`Node::add_token`], and [`DoorError::NotFound`].
    pub async fn add_token_at_the_console(
        &self,
        by: &Administrator,
        owner: PersonId,
        label: Line,
        scopes: Vec<Scope>,
        expires_at: Moment,
    ) -> Result<(Uuid, String), DoorError> {
        self.add_token_for(owner, by.actor().clone(), None, label, scopes, expires_at).await
    }

    async fn add_token_for(
        &self,
        owner: PersonId,
        by: domain::values::Actor,
        with: Option<Uuid>,
        label: Line,
        mut scopes: Vec<Scope>,
        expires_at: Moment,
    ) -> Result<(Uuid, String), DoorError> {
        let elapsed = self.time.elapsed();
        if expires_at <= elapsed || expires_at > elapsed.plus_seconds(TOKEN_DAYS_MAX * 86_400) {
            return Err(DoorError::Invalid("a token ends within 396 days from now"));
        }
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() {
            return Err(DoorError::Invalid("say what the program may do"));
        }
        let (id, (_, secret)) = (self.time.fresh_id(), fresh_secret()?);
        let text = format!("{PREFIX}{secret}");
        let digest = text_digest(&text);
        self.store
            .write(self.time.now(), move |turn| {
                let person = existing(turn, owner)?;
                if person.disabled {
                    return Err(DoorError::Invalid("this account is disabled; enable it first"));
                }
                let person = SignedIn::new(person.id, person.name, person.roles);
                if scopes.iter().any(|scope| !scope.is_open_to(&person)) {
                    return Err(BEYOND_ONESELF);
                }
                if let Some(with) = with {
                    // It may have been ended since it was let in.
                    people::token_owner(turn.rows(), with)?
                        .ok_or(DoorError::Invalid("the token that asks has ended"))?;
                }
                let words: Vec<String> = scopes.iter().map(|scope| scope.word().to_owned()).collect();
                let about = json!({ "token": id, "person": owner, "label": label, "scopes": words, "made_with": with });
                let token = ApiToken { id, person: Some(owner), label, scopes: words, used_at: None };
                people::insert_api_token(turn, digest, &token, with, elapsed, Some(expires_at)).map_err(too_many)?;
                note(turn, &by, "api_token_added", &about)?;
                Ok(())
            })
            .await?;
        Ok((id, text))
    }

    /// Ends a token, and those that it made: one's own, or anybody's by an administrator.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] when there is none that they may end.
    pub async fn end_token(&self, by: &SignedIn, id: &Uuid) -> Result<(), DoorError> {
        let (own, any, by, id) = (by.id(), Administrator::of(by).is_some(), by.themselves(), *id);
        let elapsed = self.time.elapsed();
        self.store
            .write(self.time.now(), move |turn| {
                let found = people::token_owner(turn.rows(), id)?;
                let token = found.filter(|token| any || token.person == Some(own)).ok_or(DoorError::NotFound)?;
                let ended = people::end_api_token(turn, id, elapsed)?;
                let about = json!({
                    "token": id, "person": token.person, "label": token.label, "with_those_it_made": ended.saturating_sub(1),
                });
                note(turn, &by, "api_token_ended", &about)?;
                Ok(())
            })
            .await
    }

    /// A person's tokens, the last made first.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn tokens_of(&self, person: PersonId) -> Result<Vec<TokenView>, DoorError> {
        Ok(self.store.read(move |rows| people::tokens_of(rows, person)).await?)
    }

    /// For whom a program with a token acts, and with which roles; `None` when the token is none, has ended, or its
    /// person may not sign in.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn api_person(&self, token_sha256: [u8; 32]) -> Result<Option<ApiPerson>, DoorError> {
        let elapsed = self.time.elapsed();
        let found = self
            .store
            .read(move |rows| {
                let Some(token) = people::api_token(rows, token_sha256, elapsed)? else { return Ok(None) };
                let owner = match token.person {
                    Some(id) => people::by_id(rows, id)?.filter(|person| !person.disabled),
                    None => return Ok(Some((token, None))),
                };
                Ok::<_, StoreError>(owner.map(|owner| (token, Some(owner))))
            })
            .await?;
        let Some((token, owner)) = found else { return Ok(None) };
        if token.used_at.is_none_or(|used| elapsed.seconds_since(used) >= TOUCH_SECONDS) {
            self.store.write(self.time.now(), move |turn| people::touch_api_token(turn, token_sha256, elapsed)).await?;
        }
        let scopes: Vec<Scope> = token.scopes.iter().filter_map(|word| word.parse().ok()).collect();
        Ok(Some(match owner {
            Some(owner) => {
                let owner = SignedIn::new(owner.id, owner.name, owner.roles);
                ApiPerson::new(&owner, token.label, scopes, token.id)
            }
            // Tokens from before they belonged to anybody: nobody lends them a role, so they read and no more.
            None => {
                let nobody = SignedIn::new(PersonId::from_uuid(token.id), token.label.clone(), vec![Role::Auditor]);
                let scopes = scopes.into_iter().filter(|scope| *scope == Scope::Read).collect();
                ApiPerson::new(&nobody, token.label, scopes, token.id)
            }
        }))
    }
}

fn too_many(error: StoreError) -> DoorError {
    if matches!(error, StoreError::TooMuch { .. }) {
        DoorError::Invalid("there are 50 tokens already; end one first")
    } else {
        error.into()
    }
}
