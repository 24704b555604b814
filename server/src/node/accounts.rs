//! Accounts, sessions, one-use forms and drafts: what pages keep for people. All of it counts in machine time, and none of
//! it is part of the record but who has an account.

use domain::incident::Incident;
use domain::values::{IncidentId, Line, Moment, PersonId};
use uuid::Uuid;

use super::administer::note;
use super::views::{Account, Draft, Session};
use super::{DoorError, Node, keys};
use crate::access::sessions::{IDLE_SECONDS, ends_at};
use crate::access::{Administrator, SignedIn};
use crate::store::{StoreError, forms, people};

/// Failed attempts in a row before an account rests.
const FAILURES_MAX: u32 = 10;
/// How long it rests.
const LOCK_SECONDS: i64 = 900;
/// A session's last use is noted no more often than this: a page view should not cost a write.
const TOUCH_SECONDS: i64 = 60;
/// The longest content of a draft, in octets.
pub const DRAFT_OCTETS_MAX: usize = 262_144;
/// The purpose of a draft that holds a directory's file.
pub const IMPORT_DRAFT: &str = "import";
/// The purpose of a draft that holds a file of an earlier register.
pub const REGISTER_DRAFT: &str = "register";
/// The longest file kept as a draft, in octets.
const IMPORT_OCTETS_MAX: usize = 2 * 1024 * 1024;

const _: () = assert!(TOUCH_SECONDS < IDLE_SECONDS, "a session in use never ends for want of a note");

impl Node {
    /// The account of a mail address.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn account(&self, email: &str) -> Result<Option<Account>, DoorError> {
        let email = email.to_owned();
        let found = self.store.read(move |rows| people::by_email(rows, &email)).await?;
        Ok(found.map(|person| Account {
            id: person.id,
            name: person.name,
            roles: person.roles,
            password_hash: person.password_hash,
            disabled: person.disabled,
            failures: person.failures,
            locked_until: person.locked_until,
        }))
    }

    /// A wrong password was given for this account; after ten in a row it rests for a quarter of an hour.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn sign_in_failed(&self, id: PersonId) -> Result<(), DoorError> {
        let until = self.time.elapsed().plus_seconds(LOCK_SECONDS);
        self.store.write(self.time.now(), move |turn| people::failed(turn, id, FAILURES_MAX, until)).await?;
        self.record_refusal_about(id, "sign_in", "wrong password").await;
        Ok(())
    }

    /// Somebody tried to sign in where that is not taken: the account is disabled, rests, or (`None`) is none. It is on the
    /// record, at most once a minute.
    pub async fn sign_in_refused(&self, id: Option<PersonId>, why: &'static str) {
        match id {
            Some(id) => self.record_refusal_about(id, "sign_in", why).await,
            None => self.record_refusal(None, "sign_in", serde_json::json!({ "why": why })).await,
        }
    }

    /// Starts a session: of the token only the SHA-256 is kept.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn open_session(&self, id: PersonId, token_sha256: [u8; 32], csrf: [u8; 32]) -> Result<(), DoorError> {
        let elapsed = self.time.elapsed();
        self.store
            .write(self.time.now(), move |turn| {
                people::succeeded(turn, id)?;
                people::open_session(turn, token_sha256, id, csrf, elapsed, ends_at(elapsed))
            })
            .await?;
        Ok(())
    }

    /// The live session of a token. Using it keeps it alive.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn session(&self, token_sha256: [u8; 32]) -> Result<Option<Session>, DoorError> {
        let elapsed = self.time.elapsed();
        let found = self.store.read(move |rows| people::session(rows, token_sha256, elapsed)).await?;
        let Some(found) = found else { return Ok(None) };
        if elapsed.seconds_since(found.seen_at) >= TOUCH_SECONDS {
            let until = ends_at(elapsed);
            self.store
                .write(self.time.now(), move |turn| people::touch_session(turn, token_sha256, elapsed, until))
                .await?;
        }
        let person = SignedIn::new(found.person.id, found.person.name, found.person.roles);
        Ok(Some(Session { person, csrf: found.csrf, expires_at: found.expires_at }))
    }

    /// Whose live session it is. Asking does not keep it alive.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn session_person(&self, token_sha256: [u8; 32]) -> Result<Option<SignedIn>, DoorError> {
        let elapsed = self.time.elapsed();
        let found = self.store.read(move |rows| people::session(rows, token_sha256, elapsed)).await?;
        Ok(found.map(|found| SignedIn::new(found.person.id, found.person.name, found.person.roles)))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn close_session(&self, token_sha256: [u8; 32]) -> Result<(), DoorError> {
        self.store.write(self.time.now(), move |turn| people::close_session(turn, token_sha256)).await?;
        Ok(())
    }

    /// Adds an API token that belongs to nobody and only reads: for set-up through the library. `expires_at` is machine time.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn add_api_token(
        &self,
        by: &Administrator,
        label: Line,
        token_sha256: [u8; 32],
        scopes: Vec<String>,
        expires_at: Option<Moment>,
    ) -> Result<Uuid, DoorError> {
        let (id, by) = (self.time.fresh_id(), by.actor().clone());
        let created_at = self.time.elapsed();
        self.store
            .write(self.time.now(), move |turn| {
                note(
                    turn,
                    &by,
                    "api_token_added",
                    &serde_json::json!({ "token": id, "label": label, "scopes": scopes }),
                )?;
                let token = people::ApiToken { id, person: None, label, scopes, used_at: None };
                people::insert_api_token(turn, token_sha256, &token, None, created_at, expires_at)
            })
            .await?;
        Ok(id)
    }

    /// A fresh one-use form for a purpose (ruling 35), for example [`super::execute::LOG_FORM`].
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn make_form(&self, by: &SignedIn, purpose: &'static str) -> Result<Uuid, DoorError> {
        let id = keys::random_form()?;
        let (person, elapsed) = (by.id(), self.time.elapsed());
        self.store.write(self.time.now(), move |turn| forms::make(turn, id, person, purpose, elapsed)).await?;
        Ok(id)
    }

    /// Keeps a draft, new or newer. `id` is the form's.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] beyond the limits of length and number; [`DoorError::FormUnknown`] when the form is somebody
    /// else's.
    pub async fn keep_draft(&self, by: &SignedIn, id: Uuid, purpose: &str, content: Vec<u8>) -> Result<(), DoorError> {
        let file = [IMPORT_DRAFT, REGISTER_DRAFT].contains(&purpose);
        if content.len() > if file { IMPORT_OCTETS_MAX } else { DRAFT_OCTETS_MAX } {
            return Err(DoorError::Invalid("this draft is too long to keep"));
        }
        let (person, purpose) = (by.id(), purpose.to_owned());
        let kept =
            self.store.write(self.time.now(), move |turn| forms::put_draft(turn, id, person, &purpose, &content)).await;
        kept.map_err(|error: StoreError| {
            if matches!(error, StoreError::Conflict) {
                DoorError::FormUnknown
            } else if matches!(error, StoreError::TooMuch { .. }) {
                DoorError::Invalid("you keep too many drafts; log or discard one first")
            } else {
                error.into()
            }
        })
    }

    /// Keeps what a person typed about an incident, if what they typed it on `stands`. Answers when it was kept. An erased
    /// incident keeps nothing any more.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] beyond the limits of length and number, [`DoorError::NotFound`].
    pub(super) async fn keep_draft_about(
        &self,
        by: &SignedIn,
        incident: IncidentId,
        (draft, purpose): (Uuid, String),
        content: Vec<u8>,
        stands: impl FnOnce(&Incident) -> bool + Send + 'static,
    ) -> Result<Moment, DoorError> {
        if content.len() > DRAFT_OCTETS_MAX {
            return Err(DoorError::Invalid("this draft is too long to keep"));
        }
        let (person, now) = (by.id(), self.time.now());
        let kept = self.store.write(now, move |turn| {
            let incident = turn.incident(incident)?.filter(|incident| incident.facts.is_some());
            if !stands(&incident.ok_or(DoorError::NotFound)?) {
                return Err(DoorError::Invalid("what it is about has changed since this page was opened"));
            }
            match forms::put_draft(turn, draft, person, &purpose, &content) {
                Err(StoreError::TooMuch { .. }) => {
                    Err(DoorError::Invalid("you keep too many drafts; save or discard one first"))
                }
                other => Ok(other?),
            }
        });
        kept.await?;
        Ok(now)
    }

    /// One's own draft.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn draft(&self, by: &SignedIn, id: Uuid) -> Result<Option<Draft>, DoorError> {
        let person = by.id();
        let found = self.store.read(move |rows| forms::draft(rows, id, person)).await?;
        Ok(found.map(Draft::from))
    }

    /// One's own drafts, newest first.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn drafts(&self, by: &SignedIn, purpose: &'static str) -> Result<Vec<Draft>, DoorError> {
        let person = by.id();
        let found = self.store.read(move |rows| forms::drafts(rows, person, purpose)).await?;
        Ok(found.into_iter().map(Draft::from).collect())
    }

    /// Forgets one's own draft.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn discard_draft(&self, by: &SignedIn, id: Uuid) -> Result<(), DoorError> {
        let person = by.id();
        self.store.write(self.time.now(), move |turn| forms::delete_draft(turn, id, person)).await?;
        Ok(())
    }
}
