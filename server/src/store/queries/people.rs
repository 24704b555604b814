//! What pages and the API show of accounts. Hashes of passwords stay in the store.

use domain::values::{Moment, PersonId, Role};

use super::{Page, one_more};
use crate::store::links::{self, Purpose};
use crate::store::people::{self, Person};
use crate::store::{Rows, StoreError, partners};

/// Whether somebody can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonState {
    /// Not yet: they have set no password.
    Invited,
    /// Yes.
    Active,
    /// No: an administrator disabled the account.
    Disabled,
}

impl PersonState {
    /// The word in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonView {
    /// Which.
    pub id: PersonId,
    /// Their name.
    pub name: String,
    /// The address that they sign in with.
    pub email: String,
    /// What they may do.
    pub roles: Vec<Role>,
    /// Whether they can sign in.
    pub state: PersonState,
    /// When the account was made (duty time).
    pub made_at: Moment,
    /// When they last signed in (duty time).
    pub seen_at: Option<Moment>,
}

impl PersonView {
    /// Whether both say the same of who somebody is and what they may do; signing in changes neither.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        let said = |view: &Self| (view.id, view.name.clone(), view.email.clone(), view.roles.clone(), view.state);
        said(self) == said(other)
    }

    /// How long nobody has signed in with the account, in seconds, at an instant of duty time.
    #[must_use]
    pub fn idle_seconds(&self, now: Moment) -> i64 {
        now.seconds_since(self.seen_at.unwrap_or(self.made_at))
    }
}

impl From<Person> for PersonView {
    fn from(person: Person) -> Self {
        let state = if person.disabled {
            PersonState::Disabled
        } else if person.password_hash.is_empty() {
            PersonState::Invited
        } else {
            PersonState::Active
        };
        Self {
            id: person.id,
            name: person.name.to_string(),
            email: person.email,
            roles: person.roles,
            state,
            made_at: person.created_at,
            seen_at: person.seen_at,
        }
    }
}

/// Accounts, the first made first.
///
/// # Errors
/// Those of the database.
pub fn list(
    rows: &mut Rows<'_>,
    after: Option<(Moment, PersonId)>,
    limit: usize,
) -> Result<Page<PersonView, (Moment, PersonId)>, StoreError> {
    let found = people::after(rows, after, one_more(limit))?.into_iter().map(PersonView::from).collect();
    Ok(Page::of(found, limit, |person: &PersonView| (person.made_at, person.id)))
}

/// An account.
///
/// # Errors
/// Those of the database.
pub fn person(rows: &mut Rows<'_>, id: PersonId) -> Result<Option<PersonView>, StoreError> {
    Ok(people::by_id(rows, id)?.map(PersonView::from))
}

/// The link that a person could use now: what for, and when it ends (machine time).
///
/// # Errors
/// Those of the database.
pub fn open_link(rows: &mut Rows<'_>, id: PersonId, elapsed: Moment) -> Result<Option<(Purpose, Moment)>, StoreError> {
    links::open_of(rows, id, elapsed)
}

/// How many there are, and whether pairing wants for a second administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Census {
    /// Accounts.
    pub people: u32,
    /// Administrators who can sign in.
    pub administrators: u32,
    /// Whether one administrator may pair alone (chosen at set-up).
    pub one_person_pairing: bool,
}

impl Census {
    /// Whether pairing needs another administrator than there is.
    #[must_use]
    pub const fn needs_second_administrator(self) -> bool {
        self.administrators < 2 && !self.one_person_pairing
    }
}

/// Counts accounts.
///
/// # Errors
/// Those of the database.
pub fn census(rows: &mut Rows<'_>) -> Result<Census, StoreError> {
    Ok(Census {
        people: people::count(rows)?,
        administrators: people::active_administrators(rows)?,
        one_person_pairing: partners::one_person_pairing(rows)?,
    })
}
