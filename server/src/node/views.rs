//! What the doors take and give back, as plain values: no database type and no wire type.

use domain::facts::{Facts, IncidentKind};
use domain::incident::Awareness;
use domain::values::{
    ComplaintId, ExchangeId, IncidentId, Line, LongText, Moment, Options, PartnerId, PersonId, Role, ServiceId,
};
use uuid::Uuid;

use crate::store::endpoints::Told;
use crate::store::forms::SentForm;

/// What logging would start, shown before anything is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Who would be told, the earliest due first.
    pub partners: Vec<PreviewPartner>,
    /// When the first partner notice is due; `None` when nobody is owed one or awareness is not given yet.
    pub notice_due: Option<Moment>,
    /// When the ICO report is due; `None` without a breach.
    pub ico_due: Option<Moment>,
    /// The statute's limit for it.
    pub ico_legal_limit: Option<Moment>,
    /// For every service chosen we only process: the report is the controllers'.
    pub processing: bool,
}

/// One partner that would be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewPartner {
    /// Who.
    pub id: PartnerId,
    /// Their name.
    pub name: Line,
    /// When their notice is due; `None` while awareness is not given, or where no hours are agreed.
    pub due: Option<Moment>,
    /// Over which channel they are told.
    pub told: Told,
    /// How sure the way to them is.
    pub lane: LaneProof,
    /// Every agreement that owes it.
    pub agreements: Vec<Line>,
}

/// What is known about the way to a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaneProof {
    /// A receipt proved route, keys and storage at this instant; of a webhook or mail, the other server took something.
    Proven {
        /// When.
        at: Moment,
    },
    /// Nothing was proved since this instant.
    Silent {
        /// Since when attempts fail.
        since: Moment,
    },
    /// Nothing was ever proved.
    Untried,
    /// The pairing is not active: a person has to tell them.
    NotPaired,
}

/// All that logging an incident needs from a person.
#[derive(Debug, Clone)]
pub struct LogRequest {
    /// The one-use form that asks (ruling 35): the same form again gives the first answer.
    pub form: SentForm,
    /// Breach or circumstances.
    pub kind: IncidentKind,
    /// A drill.
    pub exercise: bool,
    /// The facts.
    pub facts: Facts,
    /// When we became aware.
    pub awareness: Awareness,
    /// Why it is logged more than a year after awareness.
    pub old_reason: Option<LongText>,
    /// Which services.
    pub services: Options<ServiceId>,
    /// Hold the notices back.
    pub hold: bool,
    /// The partner's notice that it is opened from.
    pub from_exchange: Option<ExchangeId>,
}

/// What logging answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogAnswer {
    /// The incident.
    pub id: IncidentId,
    /// Our reference.
    pub reference: Line,
    /// The form had been used before: nothing was logged now.
    pub repeated: bool,
}

/// A stream with a duty to see to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamId {
    /// An incident of ours.
    Incident(IncidentId),
    /// An exchange: a notice received.
    Exchange(ExchangeId),
    /// A complaint.
    Complaint(ComplaintId),
}

/// An account as signing in needs it.
#[derive(Debug, Clone)]
pub struct Account {
    /// Which.
    pub id: PersonId,
    /// Their name.
    pub name: Line,
    /// What they may do.
    pub roles: Vec<Role>,
    /// The bcrypt hash of their password.
    pub password_hash: String,
    /// Whether they may not sign in any more.
    pub disabled: bool,
    /// Failed attempts in a row.
    pub failures: u32,
    /// No attempt is taken before this machine time.
    pub locked_until: Option<Moment>,
}

/// A person to add. It holds a password, so it is never written out.
#[derive(Clone)]
pub struct NewPerson {
    /// Their name.
    pub name: Line,
    /// Their mail address, the name that they sign in with.
    pub email: Line,
    /// Their password: 12 to 72 octets.
    pub password: String,
    /// What they may do.
    pub roles: Vec<Role>,
}

/// A live session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who.
    pub person: crate::access::SignedIn,
    /// The secret that forms of this session carry.
    pub csrf: Vec<u8>,
    /// The machine time at which it ends unless used.
    pub expires_at: Moment,
}

/// A form kept for later.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Which.
    pub id: Uuid,
    /// What it is for.
    pub purpose: String,
    /// What was typed, in the page's own format.
    pub content: Vec<u8>,
    /// When it was last kept, in duty time.
    pub updated_at: Moment,
}

impl From<crate::store::forms::Draft> for Draft {
    fn from(draft: crate::store::forms::Draft) -> Self {
        Self { id: draft.id, purpose: draft.purpose, content: draft.content, updated_at: draft.updated_at }
    }
}
