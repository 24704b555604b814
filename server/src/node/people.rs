//! Accounts: who may sign in, and what they may do. Each change has its ledger entry in the same transaction, and rules
//! about administrators are decided inside it, so that two of them can't lock everybody out together.
//!
//! | module | holds |
//! |---|---|
//! | [`links`] | one-time links: invitations and password resets |
//! | [`passwords`] | rules of new passwords, and changing one's own |
//! | [`sessions`] | sessions as people see and end them |
//! | [`tokens`] | API tokens: programs that act for a person |
//! | [`refusals`] | what is refused for security, on the record |

pub mod links;
pub mod passwords;
pub mod refusals;
pub mod sessions;
pub mod tokens;

use domain::values::{Actor, Line, PersonId, Role};
use serde_json::json;

use super::administer::note;
use super::{DoorError, Node};
use crate::access::Administrator;
use crate::store::people::{self, Person};
use crate::store::queries::people::PersonView;
use crate::store::{StoreError, Turn};

pub use links::{OpenLink, Purpose};
pub use sessions::SessionView;
pub use tokens::{TOKEN_DAYS_MAX, TokenView};

/// The longest mail address.
const EMAIL_CHARACTERS_MAX: usize = 200;

/// Somebody to invite.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// Their name.
    pub name: Line,
    /// Their mail address, the name that they sign in with.
    pub email: Line,
    /// What they may do: nothing unless it is said.
    pub roles: Vec<Role>,
}

/// Whether a text can be the mail address of an account: one `@` with something on both sides, and no blanks. It is a name to
/// sign in with, so more is not asked; whether mail can be sent to it is [`crate::mail::Address`]'s to say.
#[must_use]
pub fn is_mail_address(text: &str) -> bool {
    let parts = text.split_once('@');
    let has_parts = parts.is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'));
    has_parts && !text.chars().any(char::is_whitespace) && text.chars().count() <= EMAIL_CHARACTERS_MAX
}

/// Roles in the order of the product, each once.
fn in_order(mut roles: Vec<Role>) -> Vec<Role> {
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// What the store says about an account, as a door says it.
fn account_fault(error: StoreError) -> DoorError {
    if matches!(error, StoreError::Conflict) {
        DoorError::Taken
    } else if matches!(error, StoreError::TooMuch { .. }) {
        DoorError::Invalid("there are 1000 accounts already; remove one first")
    } else {
        error.into()
    }
}

impl Node {
    /// Gives a person other roles. Nobody takes the administrator's role from themselves or from the last who has it.
    ///
    /// # Errors
    /// [`DoorError::NotFound`]; [`DoorError::Invalid`] for the last administrator and for oneself.
    pub async fn set_roles(&self, by: &Administrator, id: PersonId, roles: Vec<Role>) -> Result<(), DoorError> {
        let (by, roles) = (by.actor().clone(), in_order(roles));
        self.store
            .write(self.time.now(), move |turn| {
                let person = existing(turn, id)?;
                give_roles(turn, &by, &person, &roles)
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Corrects a person's name and mail address.
    ///
    /// # Errors
    /// [`DoorError::NotFound`]; [`DoorError::Invalid`] when the address is none; [`DoorError::Taken`] when somebody else
    /// has it.
    pub async fn set_details(
        &self,
        by: &Administrator,
        id: PersonId,
        name: Line,
        email: Line,
    ) -> Result<(), DoorError> {
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                let person = existing(turn, id)?;
                correct_details(turn, &by, &person, &name, &email)
            })
            .await
    }

    /// Gives a person another name, another address and other roles: all of it, or nothing. `seen` is the account as
    /// whoever changes it saw it.
    ///
    /// # Errors
    /// [`DoorError::Stale`] when it is not so any more; as [`Node::set_details`] and [`Node::set_roles`].
    pub async fn save_person(
        &self,
        by: &Administrator,
        seen: PersonView,
        name: Line,
        email: Line,
        roles: Vec<Role>,
    ) -> Result<(), DoorError> {
        let (by, roles) = (by.actor().clone(), in_order(roles));
        self.store
            .write(self.time.now(), move |turn| {
                let person = existing(turn, seen.id)?;
                if !seen.says_the_same_as(&person.clone().into()) {
                    return Err(DoorError::Stale);
                }
                correct_details(turn, &by, &person, &name, &email)?;
                give_roles(turn, &by, &person, &roles)
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Lets a person sign in no more, or again. Their sessions, tokens and open links end with it: enabled again, they sign in
    /// and make new ones.
    ///
    /// # Errors
    /// [`DoorError::NotFound`]; [`DoorError::Invalid`] for the last administrator and for oneself.
    pub async fn set_disabled(&self, by: &Administrator, id: PersonId, disabled: bool) -> Result<(), DoorError> {
        let (by, elapsed) = (by.actor().clone(), self.time.elapsed());
        self.store
            .write(self.time.now(), move |turn| {
                let person = existing(turn, id)?;
                if person.disabled == disabled {
                    return Ok(());
                }
                if disabled {
                    may_lose(turn, &by, &person)?;
                }
                people::set_disabled(turn, id, disabled)?;
                // A token of somebody who was disabled before this was done ends with the enabling.
                let ended = people::end_tokens_of(turn, id, elapsed)?;
                let action = if disabled { "person_disabled" } else { "person_enabled" };
                note(turn, &by, action, &json!({ "person": id, "name": person.name, "tokens_ended": ended }))?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Removes a person: their name, address, password, sessions, tokens, forms and drafts are gone and the address is
    /// free again. What they did stays on the record, because it is evidence.
    ///
    /// # Errors
    /// [`DoorError::NotFound`]; [`DoorError::Invalid`] for the last administrator and for oneself.
    pub async fn remove_person(&self, by: &Administrator, id: PersonId) -> Result<(), DoorError> {
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                let person = existing(turn, id)?;
                may_lose(turn, &by, &person)?;
                people::remove(turn, id)?;
                note(turn, &by, "person_removed", &json!({ "person": id }))?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }
}

fn existing(turn: &mut Turn<'_>, id: PersonId) -> Result<Person, DoorError> {
    people::by_id(turn.rows(), id)?.ok_or(DoorError::NotFound)
}

fn give_roles(turn: &mut Turn<'_>, by: &Actor, person: &Person, roles: &[Role]) -> Result<(), DoorError> {
    if in_order(person.roles.clone()) == roles {
        return Ok(());
    }
    if person.roles.contains(&Role::Administrator) && !roles.contains(&Role::Administrator) {
        may_lose(turn, by, person)?;
    }
    people::set_roles(turn, person.id, roles)?;
    let about = json!({ "person": person.id, "name": person.name, "before": person.roles, "roles": roles });
    note(turn, by, "roles_set", &about)?;
    Ok(())
}

fn correct_details(
    turn: &mut Turn<'_>,
    by: &Actor,
    person: &Person,
    name: &Line,
    email: &Line,
) -> Result<(), DoorError> {
    if !is_mail_address(email.as_str()) {
        return Err(DoorError::Invalid("give the whole mail address, such as a.name@example.org"));
    }
    if person.name == *name && person.email == email.as_str() {
        return Ok(());
    }
    people::set_details(turn, person.id, email.as_str(), name).map_err(account_fault)?;
    let about = json!({
        "person": person.id, "name": name, "before": person.name, "email_changed": person.email != email.as_str(),
    });
    note(turn, by, "person_details_set", &about)?;
    Ok(())
}

/// Whether a person may stop being an administrator, or stop being here.
fn may_lose(turn: &mut Turn<'_>, by: &Actor, person: &Person) -> Result<(), DoorError> {
    if by.person() == Some(person.id) {
        return Err(DoorError::Invalid("this has to be done by another administrator, not by yourself"));
    }
    let counts = person.roles.contains(&Role::Administrator) && !person.disabled && !person.password_hash.is_empty();
    if counts && people::active_administrators(turn.rows())? <= 1 {
        return Err(DoorError::Invalid("this is the last administrator who can sign in; make another one first"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: what can be no mail address is seen, and what may be one is left alone.
    #[test]
    fn mail_addresses() {
        for good in ["a@b", "a.name+x@mail.example.org", "\u{e9}@example.org"] {
            assert!(is_mail_address(good), "{good}");
        }
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\n"] {
            assert!(!is_mail_address(bad), "{bad}");
        }
    }
}
