//! Who is asking: people with roles, API clients. Doors take these proofs as arguments; each has one way to be made, so
//! a signature tells who may call.

pub mod passwords;
pub mod scopes;
pub mod sessions;
pub mod throttle;

pub use scopes::{ApiPerson, Scope};

use domain::values::{Actor, Line, PersonId, Role};

/// A person with a live session (or, for the library's own set-up, an account just made).
#[derive(Debug, Clone)]
pub struct SignedIn {
    id: PersonId,
    name: Line,
    roles: Vec<Role>,
    through: Option<Line>,
}

impl SignedIn {
    /// Only the session look-up, and set-up through the library, make one.
    #[must_use]
    pub fn new(id: PersonId, name: Line, roles: Vec<Role>) -> Self {
        Self { id, name, roles, through: None }
    }

    /// The same person, acting through a program with an API token of this name; the record says so.
    #[must_use]
    pub fn through(self, program: Line) -> Self {
        Self { through: Some(program), ..self }
    }

    /// Their account.
    #[must_use]
    pub const fn id(&self) -> PersonId {
        self.id
    }

    /// Their name.
    #[must_use]
    pub const fn name(&self) -> &Line {
        &self.name
    }

    /// What they may do.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// Them as the record names them when they see to their own account: in the first of their roles. Somebody without
    /// any acts as what every employee is.
    #[must_use]
    pub fn themselves(&self) -> Actor {
        Actor::Person {
            id: self.id,
            name: self.name.clone(),
            role: self.roles.first().copied().unwrap_or(Role::Reporter),
            through: self.through.clone(),
        }
    }

    /// Whether they have a role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The actor that acts in `role`, if they have it.
    fn acting(&self, role: Role) -> Option<Actor> {
        self.has(role).then(|| Actor::Person {
            id: self.id,
            name: self.name.clone(),
            role,
            through: self.through.clone(),
        })
    }
}

/// Declares a proof that somebody signed in has one of some roles; they act in the first that they have.
macro_rules! proofs {
    ($($(#[$doc:meta])* $name:ident: $($role:ident),+;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(Actor);

        impl $name {
            /// The proof, if the person has a role for it.
            #[must_use]
            pub fn of(person: &SignedIn) -> Option<Self> {
                [$(Role::$role),+].into_iter().find_map(|role| person.acting(role)).map(Self)
            }

            /// Who acts.
            #[must_use]
            pub const fn actor(&self) -> &Actor {
                &self.0
            }
        }
    )+};
}

proofs! {
    /// May log, send, update, withdraw, answer.
    Responder: Responder, Dpo;
    /// May decide about the ICO report.
    Dpo: Dpo;
    /// May take a duty in hand.
    DutyHolder: Responder, Dpo, Manager;
    /// May open a report draft and record a submission.
    Reporter: Dpo, Responder;
    /// May say what stands for every report.
    Spokesperson: Dpo, Administrator;
    /// May keep the rota.
    RotaKeeper: Manager, Administrator;
    /// May run an exercise with partners and keep its record.
    Exerciser: Responder, Dpo, Manager, Administrator;
    /// May say that an alert is seen to.
    Attendant: Responder, Dpo, Manager, Administrator;
    /// May pair, keep keys and accounts, erase.
    Administrator: Administrator;
    /// May read everything.
    Reader: Responder, Dpo, Manager, Administrator, Auditor;
}

impl Administrator {
    /// Somebody at the server's command line: whoever can read the data key may do this, and the record says that it was
    /// done there.
    #[must_use]
    pub const fn at_the_console() -> Self {
        Self(Actor::Console)
    }
}
