//! Whom a step reaches now: the plans that stand, who can be reached, and who is on call.
//!
//! Never silence: where nobody is on call, or nobody that the plan names can be reached, the managers are, and the step
//! says so.

use serde::{Deserialize, Serialize};

use super::{LadderState, Plan, Plans};
use crate::clock::ClockKind;
use crate::values::{PersonId, Role};

/// People whom one step reaches; beyond it those with the lowest ids.
pub const REACHED_MAX: usize = 200;

/// Somebody who can be reached: they have an account that they can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reachable {
    /// Who.
    pub person: PersonId,
    /// What they may do.
    pub roles: Vec<Role>,
}

/// All that a step needs to know of the day. Read by the caller in the transaction that ticks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orders {
    /// The plans that stand.
    pub plans: Plans,
    /// Who can be reached.
    pub people: Vec<Reachable>,
    /// Who is on call now.
    pub on_call: Vec<PersonId>,
}

/// Whom a step reached, and how: part of the event that records it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Who.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<PersonId>,
    /// Nobody whom the plan names could be reached, or nobody was on call: managers were reached instead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub instead: bool,
    /// Each was asked to say that they have seen it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub must_see: bool,
    /// Who of those that the step before asked had not said so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<PersonId>,
    /// No mail went to them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_mail: bool,
    /// No integration heard of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_webhook: bool,
}

impl Reached {
    /// Whether there is nothing to say of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Orders {
    /// The plan of a kind of duty.
    #[must_use]
    pub fn plan(&self, kind: ClockKind) -> std::borrow::Cow<'_, Plan> {
        self.plans.of(kind)
    }

    /// Whom a step that fires now reaches. `before` is the ladder as it stood.
    #[must_use]
    pub fn reach(&self, kind: ClockKind, offset: i32, before: Option<&LadderState>) -> Reached {
        let plan = self.plan(kind);
        let unseen = before.map(LadderState::unseen).unwrap_or_default();
        let Some(step) = plan.step(offset) else { return Reached { unseen, ..Reached::default() } };
        let reaches = &step.reaches;
        let wanted = |it: &&Reachable| {
            let on_call = reaches.on_call && self.on_call.contains(&it.person);
            on_call || reaches.people.contains(&it.person) || reaches.roles.iter().any(|role| it.roles.contains(role))
        };
        let mut people: Vec<PersonId> = self.people.iter().filter(wanted).map(|it| it.person).collect();
        let answers_call = self.people.iter().any(|it| self.on_call.contains(&it.person));
        let instead = people.is_empty() || (reaches.on_call && !answers_call);
        if instead {
            people.extend(self.managers());
        }
        people.sort_unstable();
        people.dedup();
        people.truncate(REACHED_MAX);
        Reached {
            instead: instead && !self.people.is_empty(),
            must_see: step.must_see && !people.is_empty(),
            people,
            unseen,
            no_mail: !step.by.mail,
            no_webhook: !step.by.webhook,
        }
    }

    fn managers(&self) -> impl Iterator<Item = PersonId> {
        self.people.iter().filter(|it| it.roles.contains(&Role::Manager)).map(|it| it.person)
    }
}
