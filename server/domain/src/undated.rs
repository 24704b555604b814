//! Duties for which the law names no time: telling people (UK GDPR Article 34(1)), following up a report to the
//! regulator (Article 33(4)), and as a processor telling the controller (Article 33(2)).
//!
//! "Without undue delay" is no instant, and none may be shown by mistake: an [`Undated`] duty has no due instant and no
//! way to compute one, only the instant since when it is owed. What the node's own people aim at is a clock beside it
//! ([`crate::clock::Clock::target`]), marked as their own; missing it breaks no law.

use serde::{Deserialize, Serialize};

use crate::clock::{Anchor, ClockKind, Evidence};
use crate::clock_terms::{self, Law, Length};
use crate::values::{Hours, Line, Moment};

/// Which duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndatedDuty {
    /// Tell the people whose data it is.
    PeopleTold,
    /// Give the regulator what was still missing from the report.
    FollowUp,
    /// As a processor, tell the controller.
    ControllerTold,
}

impl UndatedDuty {
    /// Every duty, in the order shown.
    pub const ALL: [Self; 3] = [Self::ControllerTold, Self::PeopleTold, Self::FollowUp];

    /// The word in tables, addresses and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::PeopleTold => "people_told",
            Self::FollowUp => "follow_up",
            Self::ControllerTold => "controller_told",
        }
    }

    /// The duty with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|duty| duty.word() == word)
    }

    /// The kind of the clock on which a target of our own for it runs.
    #[must_use]
    pub const fn target_kind(self) -> ClockKind {
        match self {
            Self::PeopleTold => ClockKind::PeopleTold,
            Self::FollowUp => ClockKind::FollowUp,
            Self::ControllerTold => ClockKind::PartnerNotice,
        }
    }

    /// What the law says in the place of a time, and where. Empty when the data names neither.
    #[must_use]
    pub fn says(self, law: Law) -> (&'static str, &'static str) {
        let duty = match self {
            Self::PeopleTold => clock_terms::Duty::PeopleTold,
            Self::FollowUp => clock_terms::Duty::FollowUp,
            Self::ControllerTold => clock_terms::Duty::ProcessorNotice,
        };
        let mut terms = clock_terms::terms().iter().filter(|term| (term.regime, term.duty) == (law.regime(), duty));
        terms.next_back().map_or(("", ""), |term| match &term.length {
            Length::NoStatutoryDeadline { words } => (words.as_str(), term.provision.as_str()),
            Length::ElapsedHours { .. }
            | Length::FullHours { .. }
            | Length::Days { .. }
            | Length::WorkingDays { .. }
            | Length::AsAgreed { .. } => ("", term.provision.as_str()),
        })
    }
}

/// What the node's own people aim at where the law names no time: hours from the instant at which a duty began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Targets {
    /// For telling the people whose data it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people_told: Option<Hours>,
    /// For following a report up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_up: Option<Hours>,
    /// For telling a controller for whom we process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller_told: Option<Hours>,
}

impl Targets {
    /// The hours for one duty.
    #[must_use]
    pub const fn of(self, duty: UndatedDuty) -> Option<Hours> {
        match duty {
            UndatedDuty::PeopleTold => self.people_told,
            UndatedDuty::FollowUp => self.follow_up,
            UndatedDuty::ControllerTold => self.controller_told,
        }
    }
}

/// A duty without a due instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undated {
    /// Which duty.
    pub duty: UndatedDuty,
    /// What started it.
    pub anchor: Anchor,
    /// Since when it is owed.
    pub since: Moment,
    /// How it stands.
    pub state: UndatedState,
}

/// How a duty without a due instant stands. It can't be late: the law names no time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum UndatedState {
    /// To be done.
    Open,
    /// Done.
    Done {
        /// The instant of the evidence.
        at: Moment,
        /// What shows it.
        evidence: Evidence,
    },
    /// Ended without being done, for a reason.
    NotRequired {
        /// When that was decided.
        at: Moment,
        /// Why.
        reason: Line,
    },
}

impl UndatedState {
    /// The word in tables and the API.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done { .. } => "done",
            Self::NotRequired { .. } => "not_required",
        }
    }
}

/// Something that happened to a duty without a due instant; part of the events of incidents and exchanges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "undated")]
pub enum UndatedChange {
    /// It was done.
    Done {
        /// The instant of the evidence.
        at: Moment,
        /// What shows it.
        evidence: Evidence,
    },
    /// What started it was corrected.
    Moved {
        /// What started it.
        anchor: Anchor,
        /// When.
        since: Moment,
    },
    /// It ended without being done.
    NotRequired {
        /// When that was decided.
        at: Moment,
        /// Why.
        reason: Line,
    },
}

impl Undated {
    /// A duty that is owed since an instant.
    #[must_use]
    pub const fn start(duty: UndatedDuty, anchor: Anchor, since: Moment) -> Self {
        Self { duty, anchor, since, state: UndatedState::Open }
    }

    /// Whether it is still to be done.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, UndatedState::Open)
    }

    /// What evidence from the instant `at` does: it ends an open duty, and an earlier one counts.
    #[must_use]
    pub fn done(&self, at: Moment, evidence: Evidence) -> Option<UndatedChange> {
        let counts = match &self.state {
            UndatedState::Open => true,
            UndatedState::Done { at: before, .. } => at < *before,
            UndatedState::NotRequired { .. } => false,
        };
        counts.then_some(UndatedChange::Done { at, evidence })
    }

    /// What a corrected start does.
    #[must_use]
    pub fn moved(&self, anchor: Anchor, since: Moment) -> Option<UndatedChange> {
        ((anchor, since) != (self.anchor, self.since)).then_some(UndatedChange::Moved { anchor, since })
    }

    /// What a reasoned decision that the duty does not exist does.
    #[must_use]
    pub fn not_required(&self, at: Moment, reason: Line) -> Option<UndatedChange> {
        self.is_open().then_some(UndatedChange::NotRequired { at, reason })
    }

    /// The duty after a change. Total: it only records.
    #[must_use]
    pub fn evolve(mut self, change: &UndatedChange) -> Self {
        match change {
            UndatedChange::Done { at, evidence } => {
                self.state = UndatedState::Done { at: *at, evidence: *evidence };
            }
            UndatedChange::Moved { anchor, since } => {
                self.anchor = *anchor;
                self.since = *since;
            }
            UndatedChange::NotRequired { at, reason } => {
                self.state = UndatedState::NotRequired { at: *at, reason: reason.clone() };
            }
        }
        self
    }

    /// The duty with a free-text reason replaced by `erased`.
    #[must_use]
    pub fn without_reason(&self, erased: &Line) -> Self {
        let state = match &self.state {
            UndatedState::NotRequired { at, .. } => UndatedState::NotRequired { at: *at, reason: erased.clone() },
            UndatedState::Open | UndatedState::Done { .. } => self.state.clone(),
        };
        Self { state, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn at(hours: i64) -> Moment {
        Moment::parse("2026-03-03T02:10:00Z").unwrap().plus_seconds(hours * 3_600)
    }

    /// Aim: a duty ends once, by the earliest evidence, and what was decided not to be owed is never done.
    #[test]
    fn it_ends_by_the_earliest_evidence() {
        let duty = Undated::start(UndatedDuty::PeopleTold, Anchor::HighRiskDecided, at(0));
        let done = duty.clone().evolve(&duty.done(at(9), Evidence::RecordedTelling).unwrap());
        assert!(!done.is_open());
        assert_eq!(done.done(at(10), Evidence::RecordedTelling), None);
        let earlier = done.clone().evolve(&done.done(at(3), Evidence::RecordedTelling).unwrap());
        assert_eq!(earlier.state, UndatedState::Done { at: at(3), evidence: Evidence::RecordedTelling });
        let reason = Line::parse("Encrypted, and the key is safe").unwrap();
        let ended = duty.clone().evolve(&duty.not_required(at(1), reason).unwrap());
        assert_eq!(ended.done(at(2), Evidence::RecordedTelling), None);
        let erased = ended.without_reason(&Line::parse("erased").unwrap());
        assert!(!serde_json::to_string(&erased).unwrap().contains("Encrypted"));
    }

    /// Aim: every duty has words and a provision in every law; none of them has a length.
    #[test]
    fn the_law_says_words_and_no_time() {
        for law in Law::ALL {
            for duty in UndatedDuty::ALL {
                let (words, provision) = duty.says(law);
                assert!(words.starts_with("without undue") && provision.contains("Article"), "{duty:?} {law:?}");
                assert_eq!(UndatedDuty::from_word(duty.word()), Some(duty));
            }
        }
    }
}
