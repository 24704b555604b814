//! Rules of new passwords, and changing one's own.

use domain::values::Digest32;
use serde_json::json;

use crate::access::SignedIn;
use crate::access::passwords::{self, Unfit};
use crate::node::administer::note;
use crate::node::{DoorError, Node};
use crate::store::people::{self, Person};

impl Node {
    /// What is wrong with a new password of somebody, if anything is.
    #[must_use]
    pub fn unfit_password(&self, password: &str, name: &str, email: &str) -> Option<Unfit> {
        let local = email.split('@').next().unwrap_or_default();
        let organisation = self.organisation();
        passwords::judge(password, &[name, local, organisation.name.as_str()]).err()
    }

    /// A new password, judged and hashed on a blocking thread.
    pub(in crate::node) async fn hashed_password(
        &self,
        password: String,
        name: &str,
        email: &str,
    ) -> Result<String, DoorError> {
        if let Some(unfit) = self.unfit_password(&password, name, email) {
            return Err(DoorError::Invalid(unfit.sentence()));
        }
        let cost = self.bcrypt_cost;
        let hashing = tokio::task::spawn_blocking(move || passwords::hash(&password, cost));
        match hashing.await {
            Ok(Ok(hash)) => Ok(hash),
            Ok(Err(_)) | Err(_) => Err(DoorError::Invalid("the password could not be kept")),
        }
    }

    /// Somebody signed in gives their password once more, for `what`; too many wrong ones and the account rests.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] when it is wrong, or the account rests or is disabled.
    pub(in crate::node) async fn must_know_password(
        &self,
        by: &SignedIn,
        what: &'static str,
        password: String,
    ) -> Result<Person, DoorError> {
        let id = by.id();
        let person = self.store.read(move |rows| people::by_id(rows, id)).await?.ok_or(DoorError::NotFound)?;
        if person.disabled || person.locked_until.is_some_and(|until| until > self.time.elapsed()) {
            return Err(DoorError::Invalid("too many wrong passwords were given; wait a quarter of an hour"));
        }
        let stored = person.password_hash.clone();
        let checking = tokio::task::spawn_blocking(move || passwords::matches(&password, &stored));
        if !checking.await.unwrap_or(false) {
            self.sign_in_failed(id).await?;
            self.record_refusal(Some(by.themselves()), what, json!({ "why": "wrong password" })).await;
            return Err(DoorError::Invalid("the present password is not right"));
        }
        Ok(person)
    }

    /// Changes one's own password; every other session of theirs ends, `keep` stays.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] when the present password is wrong, the account rests after too many wrong ones, or the new
    /// one is not fit.
    pub async fn change_password(
        &self,
        by: &SignedIn,
        keep: Option<Digest32>,
        present: String,
        new: String,
    ) -> Result<(), DoorError> {
        let id = by.id();
        let person = self.must_know_password(by, "password_change", present).await?;
        let hash = self.hashed_password(new, person.name.as_str(), &person.email).await?;
        let by = by.themselves();
        self.store
            .write(self.time.now(), move |turn| {
                let now = people::by_id(turn.rows(), id)?.ok_or(DoorError::NotFound)?;
                // Somebody else may have used a reset link meanwhile: theirs is the newer word.
                if now.disabled || now.password_hash != person.password_hash {
                    return Err(DoorError::Invalid("the password was changed meanwhile; sign in again"));
                }
                people::set_password(turn, id, &hash)?;
                people::close_sessions_but(turn, id, keep)?;
                note(turn, &by, "password_changed", &json!({ "person": id }))?;
                Ok(())
            })
            .await
    }
}
