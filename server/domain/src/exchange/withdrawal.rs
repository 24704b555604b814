//! What a withdrawal ends, on both sides alike (ruling 6), also where a request crosses it on the way.
//!
//! A request about the notice ends with the withdrawal when whoever asked did not know of it yet. Each side judges by the
//! same two instants: when it was withdrawn, by the clock of the one who withdrew, for their own requests; and when the
//! other durably held the withdrawal, by the other's clock and as its receipt states it, for the other's.

use serde::{Deserialize, Serialize};

use super::decide::{changed, undated_changed};
use super::said::{self, SKEW_SECONDS};
use super::{Asked, Direction, Event, Exchange, Phase, ReceivedVersion, Said};
use crate::clock::Clock;
use crate::incident::WithdrawalReason;
use crate::values::{MessageId, Moment};

/// When a notice was withdrawn: whole seconds, rounded up as on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawnAt {
    /// By the clock of the one who withdrew.
    pub made: Moment,
    /// When the other durably held it, by the other's clock; `None` before their receipt.
    pub held: Option<Moment>,
}

impl WithdrawnAt {
    pub(super) fn ours(at: Moment) -> Self {
        Self { made: up(at), held: None }
    }

    pub(super) fn theirs(version: &ReceivedVersion) -> Self {
        Self { made: up(version.made_at.unwrap_or(version.at)), held: Some(up(version.at)) }
    }

    /// The earliest of several receipts counts.
    pub(super) fn held_since(self, toe: Moment) -> Self {
        Self { held: Some(self.held.map_or(toe, |held| held.min(toe))), ..self }
    }
}

fn up(at: Moment) -> Moment {
    Moment::from_unix_seconds(at.unix_seconds_up()).unwrap_or(at)
}

/// The instant that a partner states for its withdrawal, unless its clock can't be meant.
pub(super) fn stated(made_at: Moment, now: Moment) -> Option<Moment> {
    Some(made_at).filter(|made| *made <= now.plus_seconds(SKEW_SECONDS))
}

/// Ends every open clock with the withdrawal's reason (ruling 6). `made` is when a partner says that it withdrew: what they
/// asked after that, and what came first, stands.
pub(super) fn end_clocks(
    exchange: &Exchange,
    reason: WithdrawalReason,
    made: Option<Moment>,
    now: Moment,
) -> Vec<Event> {
    let Some(why) = reason.clock_reason() else {
        return Vec::new();
    };
    let clocks = exchange.clocks().filter_map(|clock| changed(clock.kind, clock.not_required(now, why.clone()), now));
    let later = |asked: &Asked| {
        let said = exchange.said_at(asked.request).filter(|_| asked.is_our_duty());
        made.is_some_and(|made| said.is_some_and(|said| said > up(made)))
    };
    // A data subject's request is owed an answer whatever becomes of the notice.
    let about_notice = exchange.asked.iter().filter(|asked| !asked.forwarded && !later(asked));
    let asked = about_notice.filter_map(|it| said::changed(it, it.clock.not_required(now, why.clone()), now));
    let undated = exchange.undated.as_ref().and_then(|owed| owed.not_required(now, why.clone()));
    clocks.chain(undated_changed(undated, now)).chain(asked).collect()
}

/// Ends what the partner asked before they held our withdrawal, as their receipt for it says.
pub(super) fn receipted(exchange: &Exchange, message: MessageId, toe: Moment, now: Moment) -> Vec<Event> {
    let withdrawal = |it: &super::Notice| it.message == message && it.phase == Phase::Withdrawal;
    let why = exchange.withdrawn.filter(|_| exchange.notices.iter().any(withdrawal));
    let Some(why) = why.and_then(WithdrawalReason::clock_reason) else {
        return Vec::new();
    };
    let theirs = exchange.asked.iter().filter(|asked| asked.is_our_duty() && !asked.forwarded);
    let crossed = theirs.filter(|asked| exchange.said_at(asked.request).is_some_and(|said| said <= toe));
    crossed.filter_map(|it| said::changed(it, it.clock.not_required(now, why.clone()), now)).collect()
}

/// Ends the clock of a request at once that crossed the withdrawal.
pub(super) fn crossed(
    exchange: &Exchange,
    said: &Said,
    clock: Option<&Clock>,
    ours: bool,
    now: Moment,
) -> Option<Event> {
    let asked = Asked::of(said, clock?);
    let withdrawn = exchange.withdrawn_at.filter(|_| !asked.forwarded)?;
    let by_withdrawer = ours == (exchange.direction == Direction::Outgoing);
    let known = if by_withdrawer { withdrawn.made } else { withdrawn.held? };
    let why = exchange.withdrawn.filter(|_| said.at <= known)?.clock_reason()?;
    said::changed(&asked, asked.clock.not_required(now, why), now)
}

impl Exchange {
    /// When a message about the case was said.
    fn said_at(&self, message: MessageId) -> Option<Moment> {
        self.said.iter().find(|mark| mark.message == message).map(|mark| mark.at)
    }
}
