//! One-time links: an administrator makes one and gives it to the person themselves; whoever opens it sets a password.
//!
//! A link holds 256 random bits, of which only the SHA-256 is kept. Links count in machine time. One that was used, has
//! expired or never was gets one and the same answer, and is on the record.

use domain::values::{Actor, PersonId};
use serde_json::json;

use super::{NewInvitation, account_fault, existing, in_order, is_mail_address};
use crate::access::Administrator;
use crate::access::sessions::{fresh_secret, token_digest};
use crate::node::administer::note;
use crate::node::{DoorError, Node};
use crate::store::people::Person;
use crate::store::{Turn, links, people};

pub use crate::store::links::Purpose;

/// How long an invitation is good.
pub const INVITATION_HOURS: i64 = 72;
/// How long a link for another password is good.
pub const RESET_HOURS: i64 = 2;

/// A link that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLink {
    /// What for.
    pub purpose: Purpose,
    /// Whose account: their name.
    pub person_name: String,
    /// The address that they sign in with.
    pub email: String,
}

impl Node {
    /// Makes an account without a password, and the link that sets it. The path with its secret is answered once and kept
    /// nowhere.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] when the address is none, or beyond 1000 accounts; [`DoorError::Taken`] when it has an
    /// account.
    pub async fn invite(&self, by: &Administrator, new: NewInvitation) -> Result<(PersonId, String), DoorError> {
        if !is_mail_address(new.email.as_str()) {
            return Err(DoorError::Invalid("give the whole mail address, such as a.name@example.org"));
        }
        let id = PersonId::from_uuid(self.time.fresh_id());
        let (secret, fresh) = self.fresh_link(id, Purpose::Invitation)?;
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                let roles = in_order(new.roles);
                people::insert(turn, id, new.email.as_str(), &new.name, &roles, "").map_err(account_fault)?;
                note(turn, &by, "person_invited", &json!({ "person": id, "name": new.name, "roles": roles }))?;
                fresh.keep(turn)
            })
            .await?;
        self.changed();
        Ok((id, secret))
    }

    /// Makes a link with which a person sets another password, or their first one when they have none yet. Earlier links of
    /// theirs are dead. The path with its secret is answered once and kept nowhere.
    ///
    /// # Errors
    /// [`DoorError::NotFound`]; [`DoorError::Invalid`] while the account is disabled; [`DoorError::Stale`] when an invitation
    /// was used meanwhile.
    pub async fn reset_link(&self, by: &Administrator, id: PersonId) -> Result<String, DoorError> {
        let person = self.store.read(move |rows| people::by_id(rows, id)).await?.ok_or(DoorError::NotFound)?;
        let purpose = purpose_for(&person);
        let (secret, fresh) = self.fresh_link(id, purpose)?;
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                let person = existing(turn, id)?;
                if person.disabled {
                    return Err(DoorError::Invalid("this account is disabled; enable it first"));
                }
                // The invitation was used meanwhile: a link for another password is good for a shorter time.
                if purpose_for(&person) != purpose {
                    return Err(DoorError::Stale);
                }
                let about = json!({ "person": id, "name": person.name, "purpose": purpose.word() });
                note(turn, &by, "link_made", &about)?;
                fresh.keep(turn)
            })
            .await?;
        Ok(secret)
    }

    /// What a link is for, while it can be used. One that can't be is on the record.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn link(&self, secret: &str) -> Result<Option<OpenLink>, DoorError> {
        Ok(self.usable_link(secret).await?.map(|(link, _)| link))
    }

    /// Sets the password of a link's person and uses the link up. Every session of theirs ends.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] when the link can't be used; [`DoorError::Invalid`] when the password is not fit, which
    /// leaves the link as it is.
    pub async fn use_link(&self, secret: &str, password: String) -> Result<PersonId, DoorError> {
        let (open, person) = self.usable_link(secret).await?.ok_or(DoorError::NotFound)?;
        let digest = token_digest(secret).ok_or(DoorError::NotFound)?;
        let hash = self.hashed_password(password, &open.person_name, &open.email).await?;
        let elapsed = self.time.elapsed();
        let used = self
            .store
            .write(self.time.now(), move |turn| {
                let found = people::by_id(turn.rows(), person)?;
                let Some(found) = found.filter(|found| !found.disabled) else { return Ok(false) };
                if !links::use_up(turn, digest, elapsed)? {
                    return Ok(false);
                }
                people::set_password(turn, person, &hash)?;
                people::close_sessions_but(turn, person, None)?;
                let by = Actor::Node;
                let about = json!({ "person": person, "name": found.name, "purpose": open.purpose.word() });
                note(turn, &by, "link_used", &about)?;
                Ok::<_, DoorError>(true)
            })
            .await?;
        if !used {
            self.record_refusal_about(person, "link", "used meanwhile").await;
            return Err(DoorError::NotFound);
        }
        self.changed();
        Ok(person)
    }

    async fn usable_link(&self, secret: &str) -> Result<Option<(OpenLink, PersonId)>, DoorError> {
        let Some(digest) = token_digest(secret) else {
            self.record_refusal(None, "link", json!({ "why": "unknown" })).await;
            return Ok(None);
        };
        let found = self.store.read(move |rows| links::find(rows, digest)).await?;
        let Some(link) = found else {
            self.record_refusal(None, "link", json!({ "why": "unknown" })).await;
            return Ok(None);
        };
        if let Some(fault) = link.fault(self.time.elapsed()) {
            self.record_refusal_about(link.person, "link", fault).await;
            return Ok(None);
        }
        let person = self.store.read(move |rows| people::by_id(rows, link.person)).await?;
        let Some(person) = person.filter(|person| !person.disabled) else {
            self.record_refusal_about(link.person, "link", "disabled").await;
            return Ok(None);
        };
        let open = OpenLink { purpose: link.purpose, person_name: person.name.to_string(), email: person.email };
        Ok(Some((open, link.person)))
    }

    fn fresh_link(&self, person: PersonId, purpose: Purpose) -> Result<(String, FreshLink), DoorError> {
        let (_, secret) = fresh_secret()?;
        let digest = token_digest(&secret).ok_or(DoorError::Invalid("the link could not be made"))?;
        let hours = match purpose {
            Purpose::Invitation => INVITATION_HOURS,
            Purpose::Reset => RESET_HOURS,
        };
        let elapsed = self.time.elapsed();
        let ends = elapsed.plus_seconds(hours * 3_600);
        Ok((format!("/link/{secret}"), FreshLink { digest, person, purpose, elapsed, ends }))
    }
}

/// Whoever has no password yet sets the first one.
const fn purpose_for(person: &Person) -> Purpose {
    if person.password_hash.is_empty() { Purpose::Invitation } else { Purpose::Reset }
}

/// A link about to be kept.
struct FreshLink {
    digest: [u8; 32],
    person: PersonId,
    purpose: Purpose,
    elapsed: domain::values::Moment,
    ends: domain::values::Moment,
}

impl FreshLink {
    fn keep(self, turn: &mut Turn<'_>) -> Result<(), DoorError> {
        Ok(links::make(turn, self.digest, self.person, self.purpose, self.elapsed, self.ends)?)
    }
}
