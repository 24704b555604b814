//! Relying on a partner's report to the ICO.
//!
//! Each controller has a duty of its own (UK GDPR Article 33(1)), and nothing settles whether one report is enough for
//! several. So a partner's report never ends a clock of ours by itself: a data protection officer accepts it, with a reason,
//! and only with the reference that the ICO gave it.

use serde::{Deserialize, Serialize};

use crate::exchange::{Direction, Exchange, Filing, ToldFiling};
use crate::values::{Actor, Digest32, ExchangeId, Line, LongText, MessageId, Moment, PartnerId, Role};

/// The regulator whose clock it is about.
pub const AUTHORITY: &str = "ICO";
/// A clock's reason is a line; the record keeps the whole.
const REASON_CHARS: usize = 120;

/// That we rely on a partner's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reliance {
    /// Whose report.
    pub partner: PartnerId,
    /// Where they told us.
    pub exchange: ExchangeId,
    /// The signed message that told us.
    pub message: MessageId,
    /// SHA-256 of that message's octets, as they came.
    pub set_sha256: Digest32,
    /// What they reported.
    pub filing: Filing,
    /// Why one report is enough.
    pub reason: LongText,
}

/// A partner's report that we rely on, and who accepted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relied {
    /// What is relied on, and why.
    pub reliance: Reliance,
    /// Who accepted it.
    pub by: Actor,
    /// When.
    pub at: Moment,
}

/// How a report that a partner told us of stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is their last word, with a reference: it can be relied on.
    Stands,
    /// They gave no reference of the ICO's.
    NoReference,
    /// They told us of another report since.
    Replaced,
    /// They have withdrawn the case.
    Withdrawn,
    /// It went to another regulator.
    OtherAuthority,
}

/// Why a report was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A machine, or somebody with another role, asks.
    #[error("only a data protection officer may decide to rely on a partner\u{2019}s report")]
    DpoNeeded,
    /// Nobody of this case told us so.
    #[error("no partner has told us of this report in this case")]
    NoSuchFiling,
    /// [`Standing::NoReference`].
    #[error("the partner gave no ICO reference: ask them for it, a report without one can\u{2019}t be relied on")]
    NoReference,
    /// [`Standing::Replaced`].
    #[error("the partner has told us of another report since: look at that one")]
    Replaced,
    /// [`Standing::Withdrawn`].
    #[error("the partner has withdrawn this case: its report can\u{2019}t be relied on")]
    Withdrawn,
    /// [`Standing::OtherAuthority`].
    #[error("this report did not go to the ICO")]
    OtherAuthority,
    /// It would lie in the future.
    #[error("the partner\u{2019}s message says a time that has not come yet")]
    NotYet,
    /// Nothing is left to end.
    #[error("no clock of ours for a report to the ICO is running")]
    NoClock,
    /// What was stored does not verify, or no longer under a key that stands.
    #[error(
        "the signature of the partner\u{2019}s message can\u{2019}t be relied on any more: ask them to say it again"
    )]
    NotSigned,
}

impl Exchange {
    /// Reports that the partner told us of, the newest last, each with how it stands.
    pub fn their_filings(&self) -> impl Iterator<Item = (&ToldFiling, Standing)> {
        let last = self.filings.iter().rfind(|told| told.delivery.is_none()).map(|told| told.message);
        let theirs = self.filings.iter().filter(|told| told.delivery.is_none());
        theirs.map(move |told| (told, self.stands(told, last == Some(told.message))))
    }

    fn stands(&self, told: &ToldFiling, is_last: bool) -> Standing {
        let Filing { authority, reference, .. } = &told.filing;
        if self.direction == Direction::Incoming && self.withdrawn.is_some() {
            Standing::Withdrawn
        } else if !is_last {
            Standing::Replaced
        } else if !authority.as_str().eq_ignore_ascii_case(AUTHORITY) {
            Standing::OtherAuthority
        } else if reference.is_none() {
            Standing::NoReference
        } else {
            Standing::Stands
        }
    }

    /// The report that this message told us of, to be relied on.
    ///
    /// # Errors
    /// The [`Refusal`] that its standing comes to.
    pub fn filing_to_rely_on(&self, message: MessageId, now: Moment) -> Result<&Filing, Refusal> {
        let mut told = self.their_filings();
        let (told, standing) = told.find(|(told, _)| told.message == message).ok_or(Refusal::NoSuchFiling)?;
        match standing {
            Standing::Stands if told.filing.at > now => Err(Refusal::NotYet),
            Standing::Stands => Ok(&told.filing),
            Standing::NoReference => Err(Refusal::NoReference),
            Standing::Replaced => Err(Refusal::Replaced),
            Standing::Withdrawn => Err(Refusal::Withdrawn),
            Standing::OtherAuthority => Err(Refusal::OtherAuthority),
        }
    }

    /// That we rely on it.
    ///
    /// # Errors
    /// The [`Refusal`] that its standing comes to.
    pub fn reliance(
        &self,
        message: MessageId,
        set_sha256: Digest32,
        reason: &LongText,
        now: Moment,
    ) -> Result<Reliance, Refusal> {
        let filing = self.filing_to_rely_on(message, now)?.clone();
        let reason = reason.clone();
        Ok(Reliance { partner: self.partner, exchange: self.id, message, set_sha256, filing, reason })
    }
}

impl Reliance {
    /// Why the clock ends, on one line.
    #[must_use]
    pub fn clock_reason(&self) -> Option<Line> {
        let reference = self.filing.reference.as_ref().map(|it| it.as_str().chars().take(REASON_CHARS / 3));
        let reference: String = reference.into_iter().flatten().collect();
        let why: String = self.reason.as_str().chars().take(REASON_CHARS).collect();
        // What is no fault in a longer text is none here.
        Line::stored(&format!("We rely on a partner\u{2019}s report {reference}: {why}")).ok()
    }
}

/// Whether this is a data protection officer.
pub(crate) fn must_be_officer(by: &Actor) -> Result<(), Refusal> {
    match by {
        Actor::Person { role: Role::Dpo, .. } => Ok(()),
        Actor::Person { .. } | Actor::Console | Actor::Node | Actor::Partner { .. } => Err(Refusal::DpoNeeded),
    }
}
