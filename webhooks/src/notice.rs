//! The notice: what one party tells another about a breach, whole every time (protocol §6, §11).
//!
//! The members of the protocol stand on top; what happened stands in `facts`, group by group. There is no difference
//! between an update and a first notice but their number: a reader never has to put pieces together.

use serde::{Deserialize, Serialize};

use crate::facts::Facts;
use crate::message::{ensure, id, line};
use crate::values::{Digest, WireTime, explicit, is_false};

/// The whole current content of a notice: body of `notified` and `updated`. A JSON Schema is in
/// `webhooks/schema/notified.schema.json`, a full example in `webhooks/tests/golden/notified.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Number in the sender's stream to this receiver, from 1.
    pub seq: u64,
    /// Payload hash of number `seq - 1`; `null` for 1.
    #[serde(deserialize_with = "explicit")]
    pub prev: Option<Digest>,
    /// The sender's newest signed checkpoint when the message was made (protocol §18).
    pub checkpoint: String,
    /// 1 in `notified`, rising in `updated`.
    pub revision: u32,
    /// Which step of telling this is.
    pub phase: Phase,
    /// The contract clock this notice answers; left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// A breach, or circumstances likely to lead to one.
    pub incident_kind: IncidentKind,
    /// A drill. Present in every event of its case, or in none.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exercise: bool,
    /// One line, 1 to 200 characters.
    pub title: String,
    /// What was lost (Art 4(12)): at least one; `not_yet_known` stands alone.
    pub nature: Vec<Nature>,
    /// Whether it still goes on; `null` when not yet known.
    #[serde(deserialize_with = "explicit")]
    pub ongoing: Option<bool>,
    /// The sender's reference for this exchange, made for this receiver only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The agreement the notice is made under; left out when it is voluntary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrangement: Option<ArrangementRef>,
    /// The sender's role for the processing hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_role: Option<SenderRole>,
    /// The receiver's role for the processing hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_role: Option<RecipientRole>,
    /// Another case this one belongs with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related_case: Option<RelatedCase>,
    /// What happened, group by group.
    pub facts: Facts,
}

/// Which step of telling a notice is (Art 33(4)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// First word; in `notified` only.
    Initial,
    /// More is known.
    Update,
    /// Something said before was wrong.
    Correction,
    /// Nothing more is expected.
    Final,
}

/// A contract clock: due is `at` plus `hours` (protocol §11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Which instant started it.
    pub anchor: Anchor,
    /// That instant; not after the message's `iat`.
    pub at: WireTime,
    /// Hours allowed, 1 to 8760.
    pub hours: u32,
    /// The due instant as the sender computed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<WireTime>,
    /// Why a later revision moved `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Which instant started a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// Aware of circumstances likely to give rise to a breach.
    AwareOfCircumstances,
    /// Aware of a breach.
    AwareOfBreach,
}

/// A breach, or circumstances likely to lead to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum IncidentKind {
    Breach,
    LikelyToGiveRise,
    UnderInvestigation,
}

/// What was lost (UK GDPR Art 4(12); EDPB 9/2022).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Nature {
    Confidentiality,
    Integrity,
    Availability,
    NotYetKnown,
}

/// An agreement by its reference and version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrangementRef {
    /// The agreement's reference.
    pub reference: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The sender's role (Art 26, 28, 33(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum SenderRole {
    JointController,
    IndependentController,
    Processor,
    SubProcessor,
}

/// The receiver's role (Art 26, 28).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum RecipientRole {
    JointController,
    IndependentController,
    ControllerOfProcessor,
}

/// A case of either party: its sender's issuer and its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelatedCase {
    /// Issuer of the party that opened it.
    pub iss: String,
    /// Its case id.
    pub id: String,
}

impl Notice {
    /// The rules a type cannot say.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        ensure(line(&self.title), "a title is 1 to 200 characters")?;
        let alone = self.nature.len() == 1;
        let open = self.nature.contains(&Nature::NotYetKnown);
        ensure(
            alone || (!open && (2..=3).contains(&self.nature.len())),
            "nature names what was lost, or is not yet known",
        )?;
        if let Some(clock) = &self.clock {
            ensure((1..=8_760).contains(&clock.hours), "a clock has 1 to 8760 hours")?;
        }
        ensure(self.reference.iter().all(|text| id(text)), "a reference is 1 to 255 octets")?;
        ensure(self.arrangement.iter().all(|named| id(&named.reference)), "a reference is 1 to 255 octets")?;
        ensure(
            self.related_case.iter().all(|case| id(&case.iss) && id(&case.id)),
            "a case has an issuer and an id of 1 to 255 octets",
        )?;
        self.facts.check()
    }
}
