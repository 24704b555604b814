//! One duty counting down: what started it, when it is due, how it ends.
//!
//! Promises: a clock starts once and ends once; lateness is judged by the instant of the evidence, not by when we
//! learnt of it (ruling 4); lateness freezes when the duty is first met, and no later correction un-breaches it.
//! All lengths are elapsed time on UTC instants: nights, weekends, holidays and clock changes count
//! (Regulation 1182/71, Article 3(3)).

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::clock_terms::{Law, ReportTerm};
use crate::values::{Hours, Line, Moment};

/// Which duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// Tell one partner (clause 6 of the agreement).
    PartnerNotice,
    /// Have one partner acknowledge.
    PartnerAcknowledgement,
    /// Report to the ICO (UK GDPR Article 33(1)).
    IcoReport,
    /// Answer a request of the other party by the instant that it names (agreement clause 6, "all reasonable
    /// assistance").
    Assistance,
    /// Tell the people whose data it is: a target of our own (UK GDPR Article 34(1) names no time).
    PeopleTold,
    /// Follow a report to the ICO up: a target of our own (Article 33(4) names no time).
    FollowUp,
    /// Acknowledge a complaint, by law (Data Protection Act 2018, section 164A).
    ComplaintAcknowledgement,
    /// Acknowledge a complaint, as we promise.
    ComplaintPromisedAcknowledgement,
    /// Tell whoever complained the outcome, as we promise (section 164A names no time).
    ComplaintPromisedAnswer,
}

impl ClockKind {
    /// Every kind, in the order shown.
    pub const ALL: [Self; 9] = [
        Self::PartnerNotice,
        Self::PartnerAcknowledgement,
        Self::IcoReport,
        Self::Assistance,
        Self::PeopleTold,
        Self::FollowUp,
        Self::ComplaintAcknowledgement,
        Self::ComplaintPromisedAcknowledgement,
        Self::ComplaintPromisedAnswer,
    ];

    /// Those of complaints: their streams are complaints.
    pub const OF_COMPLAINTS: [Self; 3] =
        [Self::ComplaintAcknowledgement, Self::ComplaintPromisedAcknowledgement, Self::ComplaintPromisedAnswer];

    /// Whether it is a duty of a complaint.
    #[must_use]
    pub const fn is_of_complaint(self) -> bool {
        match self {
            Self::ComplaintAcknowledgement | Self::ComplaintPromisedAcknowledgement | Self::ComplaintPromisedAnswer => {
                true
            }
            Self::PartnerNotice
            | Self::PartnerAcknowledgement
            | Self::IcoReport
            | Self::Assistance
            | Self::PeopleTold
            | Self::FollowUp => false,
        }
    }

    /// The word in tables, addresses and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::PartnerNotice => "partner_notice",
            Self::PartnerAcknowledgement => "partner_acknowledgement",
            Self::IcoReport => "ico_report",
            Self::Assistance => "assistance",
            Self::PeopleTold => "people_told",
            Self::FollowUp => "follow_up",
            Self::ComplaintAcknowledgement => "complaint_acknowledgement",
            Self::ComplaintPromisedAcknowledgement => "complaint_promised_acknowledgement",
            Self::ComplaintPromisedAnswer => "complaint_promised_answer",
        }
    }
}

/// Which instant started a clock, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// We became aware of circumstances likely to give rise to a breach.
    AwareOfCircumstances,
    /// We became aware of the breach.
    AwareOfBreach,
    /// The partner's node signed a receipt.
    Receipt,
    /// The partner's webhook or mail server accepted it.
    Accepted,
    /// A call or meeting was recorded.
    RecordedCall,
    /// A partner's notice reached us.
    NoticeReceived,
    /// The partner asked something of us: the answer is our duty.
    AskedOfUs,
    /// We asked something of the partner: the answer is theirs.
    AskedByUs,
    /// A person decided that the risk to people is high.
    HighRiskDecided,
    /// A report to the ICO left something out that was not yet known.
    ReportIncomplete,
    /// A complaint reached us.
    ComplaintReceived,
}

impl Anchor {
    /// Every anchor.
    pub const ALL: [Self; 11] = [
        Self::AwareOfCircumstances,
        Self::AwareOfBreach,
        Self::Receipt,
        Self::Accepted,
        Self::RecordedCall,
        Self::NoticeReceived,
        Self::AskedOfUs,
        Self::AskedByUs,
        Self::HighRiskDecided,
        Self::ReportIncomplete,
        Self::ComplaintReceived,
    ];

    /// The word in tables, the API and (for the first two) on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AwareOfCircumstances => "aware_of_circumstances",
            Self::AwareOfBreach => "aware_of_breach",
            Self::Receipt => "receipt",
            Self::Accepted => "accepted",
            Self::RecordedCall => "recorded_call",
            Self::NoticeReceived => "notice_received",
            Self::AskedOfUs => "asked_of_us",
            Self::AskedByUs => "asked_by_us",
            Self::HighRiskDecided => "high_risk_decided",
            Self::ReportIncomplete => "report_incomplete",
            Self::ComplaintReceived => "complaint_received",
        }
    }
}

/// What met a duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The partner node's verified, signed receipt.
    SignedReceipt,
    /// The partner's signed acknowledgement.
    SignedAcknowledgement,
    /// An acknowledgement through a link: recorded, not signed.
    LinkAcknowledgement,
    /// A recorded call or meeting.
    RecordedCall,
    /// A submission to the ICO that a person recorded.
    RecordedSubmission,
    /// The answer to a request.
    Answer,
    /// A record that the people whose data it is were told.
    RecordedTelling,
    /// A record that a complaint was acknowledged.
    RecordedAcknowledgement,
}

impl Evidence {
    /// Every kind of evidence.
    pub const ALL: [Self; 8] = [
        Self::SignedReceipt,
        Self::SignedAcknowledgement,
        Self::LinkAcknowledgement,
        Self::RecordedCall,
        Self::RecordedSubmission,
        Self::Answer,
        Self::RecordedTelling,
        Self::RecordedAcknowledgement,
    ];

    /// The word in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SignedReceipt => "signed_receipt",
            Self::SignedAcknowledgement => "signed_acknowledgement",
            Self::LinkAcknowledgement => "link_acknowledgement",
            Self::RecordedCall => "recorded_call",
            Self::RecordedSubmission => "recorded_submission",
            Self::Answer => "answer",
            Self::RecordedTelling => "recorded_telling",
            Self::RecordedAcknowledgement => "recorded_acknowledgement",
        }
    }
}

/// A duty with an anchor, a due instant and an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Which duty.
    pub kind: ClockKind,
    /// Why it started.
    pub anchor: Anchor,
    /// When it started.
    pub anchored_at: Moment,
    /// How long it runs; with [`Clock::until`], rounded up.
    pub hours: Hours,
    /// When it is due, where that was said as an instant and not as hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Moment>,
    /// Under which law the ICO clock runs.
    #[serde(default, skip_serializing_if = "is_uk")]
    pub law: Law,
    /// The law knew one limit only when it started: the ICO clock has no later one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_limit: bool,
    /// Nobody but our own people set it: missing it breaks neither law nor agreement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_target: bool,
    /// How it stands.
    pub state: ClockState,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_uk(law: &Law) -> bool {
    matches!(law, Law::Uk)
}

/// How a clock stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ClockState {
    /// Counting down.
    Running,
    /// Past due, not met.
    Overdue,
    /// Met in time.
    Met {
        /// The instant of the evidence.
        at: Moment,
        /// What met it.
        evidence: Evidence,
        /// The evidence reached us only after the clock had been recorded as overdue.
        proved_late: bool,
    },
    /// Met after it was due.
    MetLate {
        /// The instant of the evidence.
        at: Moment,
        /// What met it.
        evidence: Evidence,
    },
    /// Ended without being met, for a reason.
    NotRequired {
        /// When that was decided.
        at: Moment,
        /// Why.
        reason: Line,
    },
}

impl ClockState {
    /// The word in tables and the API.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Overdue => "overdue",
            Self::Met { .. } => "met",
            Self::MetLate { .. } => "met_late",
            Self::NotRequired { .. } => "not_required",
        }
    }
}

/// Something that happened to a clock; part of the events of incidents and exchanges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum ClockChange {
    /// It was past due and not met.
    BecameOverdue,
    /// The duty was met; `late` by the instant of the evidence.
    Met {
        /// The instant of the evidence.
        at: Moment,
        /// What met it.
        evidence: Evidence,
        /// After the due instant.
        late: bool,
        /// In time, but proved only after the clock had been recorded as overdue.
        proved_late: bool,
    },
    /// The anchor was corrected; the verdict on a duty already met may have become "late", never "in time".
    Reanchored {
        /// The corrected anchor.
        anchor: Anchor,
        /// Its instant.
        at: Moment,
        /// What the law gives from there, where that differs from what it gave before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        term: Option<ReportTerm>,
    },
    /// It ended without being met.
    NotRequired {
        /// When that was decided.
        at: Moment,
        /// Why.
        reason: Line,
    },
}

impl Clock {
    /// A clock that starts now or earlier.
    #[must_use]
    pub const fn start(kind: ClockKind, anchor: Anchor, anchored_at: Moment, hours: Hours) -> Self {
        Self {
            kind,
            anchor,
            anchored_at,
            hours,
            due_at: None,
            law: Law::Uk,
            one_limit: false,
            own_target: false,
            state: ClockState::Running,
        }
    }

    /// The ICO clock: as long as the law gave on the day of the anchor (UK GDPR Article 33(1)).
    #[must_use]
    pub fn report(law: Law, anchor: Anchor, anchored_at: Moment) -> Self {
        let ReportTerm { hours, one_limit } = law.report_term(anchored_at);
        Self { law, one_limit, ..Self::start(ClockKind::IcoReport, anchor, anchored_at, hours) }
    }

    /// A target of our own, in hours, where law and agreement name no time.
    #[must_use]
    pub const fn target(kind: ClockKind, anchor: Anchor, anchored_at: Moment, hours: Hours) -> Self {
        let mut clock = Self::start(kind, anchor, anchored_at, hours);
        clock.own_target = true;
        clock
    }

    /// A target of our own that a person set as an instant.
    #[must_use]
    pub fn target_until(kind: ClockKind, anchor: Anchor, anchored_at: Moment, due: Moment) -> Self {
        Self { own_target: true, ..Self::until(kind, anchor, anchored_at, due) }
    }

    /// A clock that is due at an instant that somebody named.
    #[must_use]
    pub fn until(kind: ClockKind, anchor: Anchor, anchored_at: Moment, due: Moment) -> Self {
        let hours = Hours::covering(due.seconds_since(anchored_at));
        Self { due_at: Some(due), ..Self::start(kind, anchor, anchored_at, hours) }
    }

    /// The last instant in time: anchor + hours, elapsed, or the instant named. Alarms and lateness use this one
    /// (ruling 8).
    #[must_use]
    pub fn due(&self) -> Moment {
        self.due_at.unwrap_or_else(|| self.anchored_at.plus_hours(self.hours))
    }

    /// The statute's limit for the ICO clock: start of the next full hour + 72 h (UK GDPR Article 4A; Regulation
    /// 1182/71, Article 3(1) and (2)(a)), or the due instant where the law knew one limit only. `None` for other clocks,
    /// whose limit is [`Clock::due`].
    #[must_use]
    pub fn legal_limit(&self) -> Option<Moment> {
        match self.kind {
            ClockKind::IcoReport if self.one_limit => Some(self.due()),
            ClockKind::IcoReport => Some(self.anchored_at.next_full_hour().plus_hours(self.hours)),
            ClockKind::PartnerNotice
            | ClockKind::PartnerAcknowledgement
            | ClockKind::Assistance
            | ClockKind::PeopleTold
            | ClockKind::FollowUp
            | ClockKind::ComplaintAcknowledgement
            | ClockKind::ComplaintPromisedAcknowledgement
            | ClockKind::ComplaintPromisedAnswer => None,
        }
    }

    /// Whether the duty is still to be done: running or overdue.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self.state {
            ClockState::Running | ClockState::Overdue => true,
            ClockState::Met { .. } | ClockState::MetLate { .. } | ClockState::NotRequired { .. } => false,
        }
    }

    /// What passing time does. At the due instant itself the duty is still in time.
    #[must_use]
    pub fn tick(&self, now: Moment) -> Option<ClockChange> {
        match self.state {
            ClockState::Running if now > self.due() => Some(ClockChange::BecameOverdue),
            ClockState::Running
            | ClockState::Overdue
            | ClockState::Met { .. }
            | ClockState::MetLate { .. }
            | ClockState::NotRequired { .. } => None,
        }
    }

    /// What evidence from the instant `at` does. An open clock ends. A clock met late becomes met when evidence from
    /// before the due instant turns up (the earliest valid receipt counts, protocol §10); nothing else changes.
    #[must_use]
    pub fn meet(&self, at: Moment, evidence: Evidence) -> Option<ClockChange> {
        let late = at > self.due();
        match self.state {
            ClockState::Running => Some(ClockChange::Met { at, evidence, late, proved_late: false }),
            ClockState::Overdue => Some(ClockChange::Met { at, evidence, late, proved_late: !late }),
            ClockState::MetLate { .. } if !late => {
                Some(ClockChange::Met { at, evidence, late: false, proved_late: true })
            }
            ClockState::MetLate { .. } | ClockState::Met { .. } | ClockState::NotRequired { .. } => None,
        }
    }

    /// What a corrected anchor does (ruling 4). Earlier: always re-judged. Later: only while the clock runs.
    #[must_use]
    pub fn reanchor(&self, anchor: Anchor, at: Moment) -> Option<ClockChange> {
        if at == self.anchored_at && anchor == self.anchor {
            return None;
        }
        let applies = match self.state {
            ClockState::Running => true,
            ClockState::Overdue | ClockState::Met { .. } | ClockState::MetLate { .. } => at <= self.anchored_at,
            ClockState::NotRequired { .. } => false,
        };
        applies.then(|| ClockChange::Reanchored { anchor, at, term: self.term_from(at) })
    }

    /// What the law gives from another anchor, where it differs.
    fn term_from(&self, at: Moment) -> Option<ReportTerm> {
        let now = ReportTerm { hours: self.hours, one_limit: self.one_limit };
        let then = self.law.report_term(at);
        (self.kind == ClockKind::IcoReport && then != now).then_some(then)
    }

    /// What a reasoned decision that the duty does not exist does.
    #[must_use]
    pub fn not_required(&self, at: Moment, reason: Line) -> Option<ClockChange> {
        self.is_open().then_some(ClockChange::NotRequired { at, reason })
    }

    /// The clock after a change. Total: it only records.
    #[must_use]
    pub fn evolve(mut self, change: &ClockChange) -> Self {
        match change {
            ClockChange::BecameOverdue => self.state = ClockState::Overdue,
            ClockChange::Met { at, evidence, late: true, .. } => {
                self.state = ClockState::MetLate { at: *at, evidence: *evidence };
            }
            ClockChange::Met { at, evidence, late: false, proved_late } => {
                self.state = ClockState::Met { at: *at, evidence: *evidence, proved_late: *proved_late };
            }
            ClockChange::Reanchored { anchor, at, term } => {
                self.anchor = *anchor;
                self.anchored_at = *at;
                if let Some(ReportTerm { hours, one_limit }) = *term {
                    (self.hours, self.one_limit) = (hours, one_limit);
                }
                let due = self.due();
                self.state = match self.state {
                    ClockState::Met { at, evidence, .. } if at > due => ClockState::MetLate { at, evidence },
                    ClockState::Running
                    | ClockState::Overdue
                    | ClockState::Met { .. }
                    | ClockState::MetLate { .. }
                    | ClockState::NotRequired { .. } => self.state,
                };
            }
            ClockChange::NotRequired { at, reason } => {
                self.state = ClockState::NotRequired { at: *at, reason: reason.clone() };
            }
        }
        self
    }
}
