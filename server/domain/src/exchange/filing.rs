//! What the parties tell each other about a report to the regulator.
//!
//! A filing that a partner tells us is on the record and shown; our own clock runs on until a person here decides what it
//! means for us.

use serde::{Deserialize, Serialize};

use super::decide::changed;
use super::{Event, Exchange, NoticeDelivery, Refusal};
use crate::clock::{Clock, ClockKind};
use crate::reliance;
use crate::values::{Actor, Digest32, Line, LongText, MessageId, Moment};

/// Filings of one case each way.
pub const FILINGS_MAX: usize = 100;

/// The label under which the ids of our messages are derived.
const FILED: &str = "filed";

/// A report of the case to a regulator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filing {
    /// The regulator, for example `ICO`.
    pub authority: Line,
    /// When it was reported: a whole second.
    pub at: Moment,
    /// The regulator's reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Line>,
}

/// A partner's verified word that they reported the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HearFiled {
    /// The message.
    pub message: MessageId,
    /// What they reported.
    pub filing: Filing,
    /// A drill.
    pub exercise: bool,
}

/// A filing that one side told the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldFiling {
    /// The message.
    pub message: MessageId,
    /// It.
    pub filing: Filing,
    /// How its carrying stands: of ours; `None` when it is theirs.
    pub delivery: Option<NoticeDelivery>,
}

/// Tells the partner that we reported the case. Part of a fan-out: nothing happens when they were told this already, or
/// were told nothing of the case.
pub(super) fn tell(exchange: &Exchange, filing: &Filing, by: &Actor, now: Moment) -> Result<Vec<Event>, Refusal> {
    if filing.at > now {
        return Err(Refusal::InFuture);
    }
    let filing = Filing { at: filing.at.floor_second(), ..filing.clone() };
    let ours = || ours(exchange);
    if !exchange.is_told() || ours().any(|told| told.filing == filing) {
        return Ok(Vec::new());
    }
    if ours().count() >= FILINGS_MAX {
        return Err(Refusal::TooManyMessages);
    }
    let number = u32::try_from(ours().count()).unwrap_or(u32::MAX).saturating_add(1);
    let message = MessageId::derive(exchange.id, FILED, number);
    Ok(vec![Event::FiledQueued { message, filing, at: now, by: by.clone() }])
}

/// What we told the partner.
pub(super) fn ours(exchange: &Exchange) -> impl Iterator<Item = &ToldFiling> {
    exchange.filings.iter().filter(|told| told.delivery.is_some())
}

/// Records that the partner reported the case.
pub(super) fn hear(exchange: &Exchange, heard: &HearFiled, now: Moment) -> Result<Vec<Event>, Refusal> {
    if heard.exercise != exchange.exercise {
        return Err(Refusal::ExerciseChanged);
    }
    if exchange.knows(heard.message) {
        return Err(Refusal::NothingChanges);
    }
    if exchange.filings.iter().filter(|told| told.delivery.is_none()).count() >= FILINGS_MAX {
        return Err(Refusal::TooManyMessages);
    }
    Ok(vec![Event::FiledReceived { message: heard.message, filing: heard.filing.clone(), at: now }])
}

/// Ends the ICO clock of a notice received that no incident of ours took over (ruling 9).
pub(super) fn rely_on(
    exchange: &Exchange,
    message: MessageId,
    set_sha256: Digest32,
    reason: &LongText,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, Refusal> {
    reliance::must_be_officer(by)?;
    let reliance = exchange.reliance(message, set_sha256, reason, now)?;
    let clock = exchange.ico_clock.as_ref().filter(|clock: &&Clock| clock.is_open());
    let clock = clock.ok_or(reliance::Refusal::NoClock)?;
    let end = reliance.clock_reason().and_then(|why| clock.not_required(now, why));
    let accepted = Event::RelianceAccepted { reliance: Box::new(reliance), at: now, by: by.clone() };
    Ok([accepted].into_iter().chain(changed(ClockKind::IcoReport, end, now)).collect())
}
