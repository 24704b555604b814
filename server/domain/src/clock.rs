//! One duty counting down: what started it, when it is due, how it ends.
//!
//! Promises: a clock starts once and ends once; lateness is judged by the instant of the evidence, not by when we
//! learnt of it (ruling 4); lateness freezes when the duty is first met, and no later correction un-breaches it.
//! All lengths are elapsed time on UTC instants: nights, weekends, holidays and clock changes count
//! (Regulation 1182/71, Article 3(3)).

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
}

impl ClockKind {
    /// Every kind, in the order shown.
    pub const ALL: [Self; 6] = [
        Self::PartnerNotice,
        Self::PartnerAcknowledgement,
        Self::IcoReport,
        Self::Assistance,
        Self::PeopleTold,
        Self::FollowUp,
    ];

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
}

impl Anchor {
    /// Every anchor.
    pub const ALL: [Self; 10] = [
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
}

impl Evidence {
    /// Every kind of evidence.
    pub const ALL: [Self; 7] = [
        Self::SignedReceipt,
        Self::SignedAcknowledgement,
        Self::LinkAcknowledgement,
        Self::RecordedCall,
        Self::RecordedSubmission,
        Self::Answer,
        Self::RecordedTelling,
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
            | ClockKind::FollowUp => None,
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

    use chrono::{DateTime, FixedOffset};
    use proptest::prelude::*;

    use super::*;

    const DEADLINES: &str = include_str!("../law/deadline-vectors.csv");
    const TIMELINESS: &str = include_str!("../law/timeliness-vectors.csv");

    /// Rows of a CSV file without its heading; quoted fields hold no line breaks there.
    fn rows(csv: &str) -> Vec<Vec<String>> {
        csv.lines().skip(1).map(fields).collect()
    }

    fn fields(line: &str) -> Vec<String> {
        let (mut fields, mut quoted) = (vec![String::new()], false);
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(String::new()),
                _ => fields.last_mut().unwrap().push(c),
            }
        }
        fields
    }

    fn at(text: &str) -> Moment {
        Moment::parse(text).unwrap()
    }

    fn contract(anchored_at: Moment) -> Clock {
        Clock::start(ClockKind::PartnerNotice, Anchor::AwareOfCircumstances, anchored_at, Hours::CONTRACT)
    }

    /// The law of the place that a vector names.
    fn law(zone: &str) -> Law {
        if zone == "Europe/London" { Law::Uk } else { Law::Eu }
    }

    fn ico(anchored_at: Moment) -> Clock {
        Clock::report(Law::Uk, Anchor::AwareOfBreach, anchored_at)
    }

    #[test]
    fn every_deadline_vector() {
        let rows = rows(DEADLINES);
        assert_eq!(rows.len(), 51);
        for row in rows {
            let [case, rule, zone, event_local, event_utc, start, due, due_local, ..] = row.as_slice() else {
                panic!("a short row: {row:?}");
            };
            let aware = at(event_utc);
            let report = Clock::report(law(zone), Anchor::AwareOfBreach, aware);
            assert_eq!(at(event_local), aware, "{case}");
            let (period_start, deadline) = match rule.as_str() {
                "contract_48h_elapsed" => (contract(aware).anchored_at, contract(aware).due()),
                "art33_72h_elapsed_strict" => (report.anchored_at, report.due()),
                "art33_72h_clock_hour" => (aware.next_full_hour(), report.legal_limit().unwrap()),
                other => panic!("unknown rule {other}"),
            };
            assert_eq!(period_start, at(start), "{case} {rule}");
            assert_eq!(deadline, at(due), "{case} {rule}");
            let zone: chrono_tz::Tz = zone.parse().unwrap();
            let local: DateTime<FixedOffset> = deadline.to_chrono().with_timezone(&zone).fixed_offset();
            let expected = DateTime::parse_from_rfc3339(due_local).unwrap();
            assert_eq!((local, local.offset()), (expected, expected.offset()), "{case} {rule}");
        }
    }

    #[test]
    fn every_timeliness_vector() {
        let rows = rows(TIMELINESS);
        assert_eq!(rows.len(), 8);
        for row in rows {
            let [case, rule, aware, sent, expected, ..] = row.as_slice() else { panic!("a short row: {row:?}") };
            let (aware, sent) = (at(aware), at(sent));
            let late = |clock: Clock, evidence| match clock.meet(sent, evidence) {
                Some(ClockChange::Met { late, .. }) => late,
                other => panic!("{case}: {other:?}"),
            };
            let limit = ico(aware).legal_limit().unwrap();
            let verdict = match rule.as_str() {
                // Refused where commands are decided; the arithmetic only has to show it.
                "any" if sent < aware => "invalid",
                "contract_48h_elapsed" if late(contract(aware), Evidence::SignedReceipt) => "late",
                "art33_72h_elapsed_strict" | "art33_72h_clock_hour" if sent > limit => "late",
                "art33_72h_elapsed_strict" if late(ico(aware), Evidence::RecordedSubmission) => "late_vs_strict",
                "contract_48h_elapsed" | "art33_72h_elapsed_strict" | "art33_72h_clock_hour" => "on_time",
                other => panic!("unknown rule {other}"),
            };
            assert_eq!(verdict, expected, "{case}");
        }
    }

    #[test]
    fn at_the_due_instant_a_duty_is_still_in_time() {
        let clock = contract(at("2026-03-03T02:10:00Z"));
        assert_eq!(clock.tick(clock.due()), None);
        let overdue = Moment::from_micros(clock.due().micros() + 1).unwrap();
        assert_eq!(clock.tick(overdue), Some(ClockChange::BecameOverdue));
    }

    #[test]
    fn lateness_is_judged_by_the_instant_of_the_evidence() {
        let clock = contract(at("2026-03-03T02:10:00Z")).evolve(&ClockChange::BecameOverdue);
        let in_time = clock.due().plus_seconds(-3_600);
        let met = clock.clone().evolve(&clock.meet(in_time, Evidence::SignedReceipt).unwrap());
        assert_eq!(met.state, ClockState::Met { at: in_time, evidence: Evidence::SignedReceipt, proved_late: true });
    }

    #[test]
    fn an_earlier_receipt_may_still_prove_a_late_duty_met() {
        let clock = contract(at("2026-03-03T02:10:00Z"));
        let late = clock.due().plus_seconds(1);
        let clock = clock.clone().evolve(&clock.meet(late, Evidence::RecordedCall).unwrap());
        assert_eq!(clock.meet(late.plus_seconds(5), Evidence::SignedReceipt), None);
        let earlier = clock.due();
        let met = clock.clone().evolve(&clock.meet(earlier, Evidence::SignedReceipt).unwrap());
        assert!(matches!(met.state, ClockState::Met { proved_late: true, .. }));
    }

    #[test]
    fn an_earlier_anchor_rejudges_a_met_duty_and_a_later_one_moves_only_a_running_clock() {
        let clock = contract(at("2026-03-03T02:10:00Z"));
        let met = clock.clone().evolve(&clock.meet(clock.due(), Evidence::SignedReceipt).unwrap());
        let (earlier, later) = (clock.anchored_at.plus_seconds(-60), clock.anchored_at.plus_seconds(60));
        let rejudged = met.clone().evolve(&met.reanchor(Anchor::AwareOfCircumstances, earlier).unwrap());
        assert!(matches!(rejudged.state, ClockState::MetLate { .. }));
        assert_eq!(rejudged.reanchor(Anchor::AwareOfCircumstances, later), None);
        assert_eq!(met.reanchor(Anchor::AwareOfCircumstances, later), None);
        assert!(clock.reanchor(Anchor::AwareOfCircumstances, later).is_some());
        let overdue = clock.evolve(&ClockChange::BecameOverdue);
        assert_eq!(overdue.reanchor(Anchor::AwareOfCircumstances, later), None);
    }

    #[test]
    fn only_the_ico_clock_has_a_legal_limit_and_it_is_never_earlier() {
        let aware = at("2026-03-03T02:00:00Z");
        assert_eq!(contract(aware).legal_limit(), None);
        assert_eq!(ico(aware).legal_limit(), Some(at("2026-03-06T03:00:00Z")));
    }

    /// Aim: before Article 4A there is one limit; a correction across that day takes what the law gave on the new one,
    /// and the European Union's law is not the United Kingdom's.
    #[test]
    fn the_law_of_the_anchors_day_counts() {
        let (before, since) = (at("2025-08-19T22:59:59Z"), at("2025-08-19T23:00:00Z"));
        let (old, new) = (ico(before), ico(since));
        assert!(old.one_limit && !new.one_limit);
        assert_eq!((old.legal_limit(), old.hours.get()), (Some(old.due()), 72));
        assert_eq!(new.legal_limit(), Some(at("2025-08-23T00:00:00Z")));
        assert!(!Clock::report(Law::Eu, Anchor::AwareOfBreach, before).one_limit);
        let change = new.reanchor(Anchor::AwareOfBreach, before).unwrap();
        assert_eq!(new.clone().evolve(&change), old);
        assert_eq!(old.clone().evolve(&old.reanchor(Anchor::AwareOfBreach, since).unwrap()), new);
        // Recorded before there was a choice: as it was shown then.
        let recorded = r#"{"kind":"ico_report","anchor":"aware_of_breach","anchored_at":"2025-01-01T09:00:00Z",
            "hours":72,"state":{"state":"running"}}"#;
        let recorded: Clock = serde_json::from_str(recorded).unwrap();
        assert_eq!((recorded.law, recorded.legal_limit()), (Law::Uk, Some(at("2025-01-04T10:00:00Z"))));
    }

    #[test]
    fn clocks_and_changes_are_stored_and_read_back() {
        let clock = ico(at("2026-03-03T02:10:00Z"));
        let reason = Line::parse("No personal data was involved").unwrap();
        let changes = [
            ClockChange::BecameOverdue,
            clock.meet(clock.due(), Evidence::RecordedSubmission).unwrap(),
            ClockChange::Reanchored { anchor: Anchor::AwareOfBreach, at: clock.due(), term: None },
            clock.not_required(clock.due(), reason).unwrap(),
        ];
        for change in changes {
            let json = serde_json::to_string(&change).unwrap();
            assert_eq!(serde_json::from_str::<ClockChange>(&json).unwrap(), change);
            let clock = clock.clone().evolve(&change);
            let json = serde_json::to_string(&clock).unwrap();
            assert_eq!(serde_json::from_str::<Clock>(&json).unwrap(), clock);
            assert!(json.contains(clock.state.word()));
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Act {
        Tick,
        Meet,
        NotRequired,
        Reanchor,
    }

    proptest! {
        /// Whatever happens in whatever order, a clock ends at most once, stays ended, and recorded lateness goes away
        /// only through evidence from before the due instant.
        #[test]
        fn a_clock_ends_once(acts in prop::collection::vec(
            (prop::sample::select(vec![Act::Tick, Act::Meet, Act::NotRequired, Act::Reanchor]), 0..100_i64), 1..30,
        )) {
            let start = at("2026-03-03T02:10:00Z");
            let mut clock = contract(start);
            let mut ends = 0;
            for (act, hours) in acts {
                let moment = start.plus_seconds(hours * 3_600);
                let change = match act {
                    Act::Tick => clock.tick(moment),
                    Act::Meet => clock.meet(moment, Evidence::SignedReceipt),
                    Act::NotRequired => clock.not_required(moment, Line::parse("withdrawn").unwrap()),
                    Act::Reanchor => clock.reanchor(Anchor::AwareOfBreach, moment),
                };
                let Some(change) = change else { continue };
                let before = clock.clone();
                clock = clock.evolve(&change);
                ends += u32::from(before.is_open() && !clock.is_open());
                prop_assert!(before.is_open() || !clock.is_open(), "an ended clock stays ended");
                if matches!(before.state, ClockState::MetLate { .. }) && !matches!(clock.state, ClockState::MetLate { .. }) {
                    let in_time = matches!(clock.state, ClockState::Met { at, .. } if at <= clock.due());
                    prop_assert!(in_time, "lateness stays: {:?}", clock);
                }
                if matches!(before.state, ClockState::Overdue) {
                    prop_assert!(!matches!(clock.state, ClockState::Running));
                }
            }
            prop_assert!(ends <= 1);
        }

        /// The statute's limit is later than the strict one, by up to an hour (deadlines, "72 hours"), since Article 4A.
        #[test]
        fn the_legal_limit_is_up_to_an_hour_later(micros in 1_755_648_000_000_000..4_000_000_000_000_000_i64) {
            let clock = ico(Moment::from_micros(micros).unwrap());
            let gap = clock.legal_limit().unwrap().micros() - clock.due().micros();
            prop_assert!(gap > 0 && gap <= 3_600_000_000);
        }
    }

    #[test]
    fn a_quoted_field_of_the_vectors_is_read_whole() {
        assert_eq!(fields("a,\"b, c\",d")[1], "b, c");
    }
}
