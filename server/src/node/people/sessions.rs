//! Sessions as people see and end them: their own, and for administrators anybody's.

use domain::values::{Digest32, PersonId};
use serde_json::json;

use crate::access::{Administrator, SignedIn};
use crate::node::administer::note;
use crate::node::{DoorError, Node};
use crate::store::people;

pub use crate::store::people::OpenSession as SessionView;

impl Node {
    /// A person's live sessions, the last used first.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn sessions_of(&self, id: PersonId) -> Result<Vec<SessionView>, DoorError> {
        let elapsed = self.time.elapsed();
        Ok(self.store.read(move |rows| people::sessions_of(rows, id, elapsed)).await?)
    }

    /// Ends one session: one's own, or anybody's by an administrator.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] when there is none that they may end.
    pub async fn end_session(&self, by: &SignedIn, session: Digest32) -> Result<(), DoorError> {
        let (id, any, by) = (by.id(), Administrator::of(by).is_some(), by.themselves());
        let elapsed = self.time.elapsed();
        self.store
            .write(self.time.now(), move |turn| {
                let owner = people::session_owner(turn.rows(), session, elapsed)?;
                let owner = owner.filter(|owner| any || *owner == id).ok_or(DoorError::NotFound)?;
                people::close_session(turn, *session.as_bytes())?;
                note(turn, &by, "session_ended", &json!({ "person": owner }))?;
                Ok(())
            })
            .await
    }

    /// Ends every session of a person but `keep`: of oneself, or of anybody by an administrator. Answers how many.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] when it is somebody else and they are no administrator.
    pub async fn end_sessions(&self, by: &SignedIn, of: PersonId, keep: Option<Digest32>) -> Result<usize, DoorError> {
        if of != by.id() && Administrator::of(by).is_none() {
            return Err(DoorError::NotFound);
        }
        let by = by.themselves();
        self.store
            .write(self.time.now(), move |turn| {
                let ended = people::close_sessions_but(turn, of, keep)?;
                if ended > 0 {
                    note(turn, &by, "sessions_ended", &json!({ "person": of, "count": ended }))?;
                }
                Ok::<_, DoorError>(ended)
            })
            .await
    }
}
