//! Calendars of deadlines: a secret address for each person, from which their calendar program reads what is due. It shows
//! what its person may read, as things stand when it is read: references, duties, partners' names, and no title or fact.

use domain::values::{Digest32, PersonId};
use serde_json::json;

use super::administer::note;
use super::ladders::too_many;
use super::{DoorError, Node};
use crate::access::sessions::{fresh_secret, token_digest};
use crate::access::{Administrator, Reader, SignedIn};
use crate::store::queries::deadlines::{self, Deadline};
use crate::store::{feed_links, people};

pub use crate::store::feed_links::FeedLink;

impl Node {
    /// Makes an address for a person's calendar. Answers its secret, this once.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] for somebody who may not read the record, and beyond five addresses.
    pub async fn add_feed_link(&self, by: &SignedIn) -> Result<String, DoorError> {
        if Reader::of(by).is_none() {
            return Err(DoorError::Invalid("a calendar of deadlines is for people who may read the record"));
        }
        let (_, secret) = fresh_secret()?;
        let digest = token_digest(&secret).map(Digest32::from_bytes).ok_or(DoorError::NotFound)?;
        let elapsed = self.time.elapsed();
        let (person, by) = (by.id(), by.themselves());
        self.store
            .write(self.time.now(), move |turn| {
                feed_links::make(turn, digest, person, elapsed)
                    .map_err(|error| too_many(error, "you have five calendar addresses already: end one first"))?;
                note(turn, &by, "calendar_address_made", &json!({ "person": person }))?;
                Ok::<_, DoorError>(())
            })
            .await?;
        Ok(secret)
    }

    /// The addresses of a person.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn feed_links_of(&self, person: PersonId) -> Result<Vec<FeedLink>, DoorError> {
        Ok(self.store.read(move |rows| feed_links::of(rows, person)).await?)
    }

    /// Ends an address of one's own.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn end_feed_link(&self, by: &SignedIn, digest: Digest32) -> Result<(), DoorError> {
        self.end_feed(by.themselves(), by.id(), digest).await
    }

    /// Ends an address of somebody else.
    ///
    /// # Errors
    /// [`DoorError::NotFound`].
    pub async fn end_feed_link_of(
        &self,
        by: &Administrator,
        person: PersonId,
        digest: Digest32,
    ) -> Result<(), DoorError> {
        self.end_feed(by.actor().clone(), person, digest).await
    }

    async fn end_feed(&self, by: domain::values::Actor, person: PersonId, digest: Digest32) -> Result<(), DoorError> {
        self.store
            .write(self.time.now(), move |turn| {
                if !feed_links::end(turn, person, digest)? {
                    return Err(DoorError::NotFound);
                }
                note(turn, &by, "calendar_address_ended", &json!({ "person": person }))?;
                Ok::<_, DoorError>(())
            })
            .await
    }

    /// What is due, for whoever's address has this secret; `None` when it is nobody's any more. Whoever may no longer read
    /// the record is shown nothing.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn deadlines(&self, secret: &str) -> Result<Option<Vec<Deadline>>, DoorError> {
        let Some(digest) = token_digest(secret).map(Digest32::from_bytes) else { return Ok(None) };
        let found = self
            .store
            .read(move |rows| {
                let Some(id) = feed_links::owner(rows, digest)? else { return Ok(None) };
                let Some(person) = people::by_id(rows, id)?.filter(|person| !person.disabled) else { return Ok(None) };
                if Reader::of(&SignedIn::new(person.id, person.name, person.roles)).is_none() {
                    return Ok(Some(Vec::new()));
                }
                deadlines::open(rows).map(Some)
            })
            .await?;
        Ok(found)
    }
}
