//! What an API token lets its program do: never more than the person who made it may do at that moment.
//!
//! A token's scopes name roles; a request through it acts with those of the named roles that the person still has. So a
//! role taken away, or an account disabled, counts for every program at once.

use std::str::FromStr;

use domain::values::{Line, Role, ValueError};
use uuid::Uuid;

use super::{Administrator, Reader, Responder, SignedIn};

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// See everything, change nothing.
    Read,
    /// Log, send, update, withdraw, answer.
    Respond,
    /// Decide about reports, take duties in hand.
    Decide,
    /// Pair, keep keys, accounts and agreements.
    Administer,
}

impl Scope {
    /// Every scope, the least first.
    pub const ALL: [Self; 4] = [Self::Read, Self::Respond, Self::Decide, Self::Administer];

    /// The word in the API, on the command line and in the store.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Respond => "respond",
            Self::Decide => "decide",
            Self::Administer => "administer",
        }
    }

    /// The roles that a program with this scope may act in. Reading is an auditor's, who changes nothing.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Read => &[Role::Auditor],
            Self::Respond => &[Role::Responder],
            Self::Decide => &[Role::Dpo, Role::Manager],
            Self::Administer => &[Role::Administrator],
        }
    }

    /// Whether somebody may give a token this scope: only what they may do themselves.
    #[must_use]
    pub fn is_open_to(self, person: &SignedIn) -> bool {
        match self {
            Self::Read => Reader::of(person).is_some(),
            Self::Respond => Responder::of(person).is_some(),
            Self::Decide => self.roles().iter().any(|role| person.has(*role)),
            Self::Administer => Administrator::of(person).is_some(),
        }
    }

    /// The roles that a person lends a program with this scope. A data protection officer may do all that a responder
    /// may, and every reader all that an auditor may, so these two are lent without being held.
    fn lent_by(self, person: &SignedIn) -> Vec<Role> {
        if !self.is_open_to(person) {
            return Vec::new();
        }
        match self {
            Self::Read | Self::Respond => self.roles().to_vec(),
            Self::Decide | Self::Administer => self.roles().iter().copied().filter(|role| person.has(*role)).collect(),
        }
    }
}

impl FromStr for Scope {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Self::ALL.into_iter().find(|scope| scope.word() == text).ok_or(ValueError::NotAnOption)
    }
}

/// A program with a live API token, and for whom it acts.
#[derive(Debug, Clone)]
pub struct ApiPerson {
    /// The token's owner, acting through the program, with no more roles than the token's scopes name.
    pub person: SignedIn,
    /// What the token is for, as far as its owner may still do that.
    pub scopes: Vec<Scope>,
    /// Which token.
    pub id: Uuid,
}

impl ApiPerson {
    /// The owner cut down to the scopes. Only the look-up of a token makes one.
    #[must_use]
    pub fn new(owner: &SignedIn, program: Line, mut scopes: Vec<Scope>, id: Uuid) -> Self {
        scopes.retain(|scope| scope.is_open_to(owner));
        let mut roles: Vec<Role> = scopes.iter().flat_map(|scope| scope.lent_by(owner)).collect();
        roles.sort_unstable();
        roles.dedup();
        let person = SignedIn::new(owner.id(), owner.name().clone(), roles).through(program);
        Self { person, scopes, id }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use domain::values::PersonId;

    use super::*;

    fn person(roles: &[Role]) -> SignedIn {
        SignedIn::new(PersonId::from_uuid(Uuid::nil()), Line::parse("Ann").unwrap(), roles.to_vec())
    }

    fn through(roles: &[Role], scopes: &[Scope]) -> Vec<Role> {
        let program = Line::parse("Ticket system").unwrap();
        ApiPerson::new(&person(roles), program, scopes.to_vec(), Uuid::nil()).person.roles().to_vec()
    }

    /// Aim: a program never has a role beyond its scopes, nor beyond what its person may do.
    #[test]
    fn programs_get_no_more_than_both_allow() {
        use Role::{Administrator, Auditor, Dpo, Manager, Reporter, Responder};
        assert_eq!(through(&[Responder, Administrator], &[Scope::Read]), [Auditor]);
        assert_eq!(through(&[Responder], &[Scope::Respond, Scope::Decide, Scope::Administer]), [Responder]);
        assert_eq!(through(&[Dpo], &[Scope::Respond]), [Responder]);
        assert_eq!(through(&[Dpo], &[Scope::Decide]), [Dpo]);
        assert_eq!(through(&[Manager, Responder], &[Scope::Decide]), [Manager]);
        assert_eq!(through(&[Administrator], &[Scope::Administer]), [Administrator]);
        assert_eq!(through(&[Reporter], &Scope::ALL), []);
        assert_eq!(through(&[], &Scope::ALL), []);
    }

    /// Aim: a token made while its owner could read opens nothing once they can't: an operation asks for scopes alone.
    #[test]
    fn scopes_end_with_the_role_that_they_came_from() {
        let program = Line::parse("Ticket system").unwrap();
        let scopes_of =
            |roles: &[Role]| ApiPerson::new(&person(roles), program.clone(), Scope::ALL.to_vec(), Uuid::nil()).scopes;
        assert_eq!(scopes_of(&[Role::Reporter]), []);
        assert_eq!(scopes_of(&[]), []);
        assert_eq!(scopes_of(&[Role::Auditor]), [Scope::Read]);
        assert_eq!(scopes_of(&[Role::Responder]), [Scope::Read, Scope::Respond]);
    }

    /// Aim: scopes are read back from their words, and other words are none.
    #[test]
    fn words() {
        for scope in Scope::ALL {
            assert_eq!(scope.word().parse(), Ok(scope));
        }
        assert!("write".parse::<Scope>().is_err());
    }
}
