//! How long each duty runs: per regime, as data, with the days between which the rule holds.
//!
//! The law changes the numbers without us, so that they are data (`law/clock-terms.json`). Promises: the term of a clock
//! is the one in force on the day the clock starts; a proposal is never in force; a duty for which the law names no time
//! has no due instant that could be shown by mistake, only the law's words and, where somebody set one, a target of
//! their own.
//!
//! Whatever is counted in hours is elapsed time on UTC instants and knows no zone. What is counted in days ends with the
//! day where the node's people are.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate, TimeZone, Weekday};
use serde::{Deserialize, Serialize};

use crate::law::Confidence;
use crate::validity::Validity;
use crate::values::{Hours, Moment};
use crate::working_time::{CalendarId, UnknownHolidays, date_in, last_instant, plus_days};

const TERMS_JSON: &str = include_str!("../law/clock-terms.json");

/// Whose rule it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    /// The parties' own agreement; each arrangement names its hours.
    Agreement,
    /// The law of the United Kingdom: UK GDPR and Data Protection Act 2018.
    Uk,
    /// The law of the European Union: GDPR.
    Eu,
    /// What whoever runs the node promises their own users; holds only where they made the promise.
    ServiceLevel,
}

impl Regime {
    /// Every regime, in the order shown.
    pub const ALL: [Self; 4] = [Self::Agreement, Self::Uk, Self::Eu, Self::ServiceLevel];
}

/// The law under which a node reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// That of the United Kingdom. Clocks recorded before there was a choice run under it.
    #[default]
    Uk,
    /// That of the European Union.
    Eu,
}

impl Law {
    /// Every law, in the order shown.
    pub const ALL: [Self; 2] = [Self::Uk, Self::Eu];

    /// The word in settings, tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Uk => "uk",
            Self::Eu => "eu",
        }
    }

    /// The law with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|law| law.word() == word)
    }

    /// Its terms are those of this regime.
    #[must_use]
    pub const fn regime(self) -> Regime {
        match self {
            Self::Uk => Regime::Uk,
            Self::Eu => Regime::Eu,
        }
    }

    /// The day on the calendar where the law is made: London or Brussels. The two change their clocks at the same
    /// instants (01:00 UTC on the last Sundays of March and October), which is all that this needs of a zone.
    #[must_use]
    pub fn day(self, at: Moment) -> NaiveDate {
        let winter = match self {
            Self::Uk => 0,
            Self::Eu => 1,
        };
        let hours = winter + i64::from(is_summer(at));
        at.plus_seconds(hours * 3_600).to_chrono().date_naive()
    }

    /// How long we have to report to the regulator, for a clock that starts at `anchored_at`: the term in force on that
    /// day; before the first day known, the first term known.
    #[must_use]
    pub fn report_term(self, anchored_at: Moment) -> ReportTerm {
        let of_law = |term: &&Term| (term.regime, term.duty) == (self.regime(), Duty::RegulatorReport);
        let in_force = in_force(self.regime(), Duty::RegulatorReport, self.day(anchored_at));
        let first = || terms().iter().filter(of_law).min_by_key(|term| term.validity.from);
        match in_force.or_else(first).map(|term| &term.length) {
            Some(Length::FullHours { hours }) => ReportTerm { hours: *hours, one_limit: false },
            Some(Length::ElapsedHours { hours } | Length::AsAgreed { usual: hours }) => {
                ReportTerm { hours: *hours, one_limit: true }
            }
            Some(Length::Days { .. } | Length::WorkingDays { .. } | Length::NoStatutoryDeadline { .. }) | None => {
                ReportTerm { hours: Hours::SHORTEST, one_limit: true }
            }
        }
    }
}

/// Whether clocks show summer time.
fn is_summer(at: Moment) -> bool {
    let utc = at.to_chrono();
    let change = |month| {
        let last = (25..=31).rev().filter_map(|day| NaiveDate::from_ymd_opt(utc.year(), month, day));
        let sunday = last.into_iter().find(|day| day.weekday() == Weekday::Sun);
        sunday.and_then(|day| day.and_hms_opt(1, 0, 0)).map(|at| at.and_utc())
    };
    change(3).zip(change(10)).is_some_and(|(begins, ends)| begins <= utc && utc < ends)
}

/// How long we have to report to the regulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportTerm {
    /// Hours from the anchor: alarms use these (ruling 8).
    pub hours: Hours,
    /// The law knows no second limit (Regulation 1182/71 is applied in the United Kingdom since 20 August 2025 only).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_limit: bool,
}

/// What agreements name where an arrangement says nothing else. Tests hold that the data names it for each duty that
/// runs as agreed.
#[must_use]
pub fn usual(duty: Duty) -> Hours {
    let mut usual = terms().iter().filter(|term| term.duty == duty).filter_map(|term| match term.length {
        Length::AsAgreed { usual } => Some(usual),
        Length::ElapsedHours { .. }
        | Length::FullHours { .. }
        | Length::Days { .. }
        | Length::WorkingDays { .. }
        | Length::NoStatutoryDeadline { .. } => None,
    });
    usual.next().unwrap_or(Hours::SHORTEST)
}

/// What has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Tell one partner.
    PartnerNotice,
    /// Have one partner acknowledge.
    PartnerAcknowledgement,
    /// Report to the regulator: in the United Kingdom the ICO report.
    RegulatorReport,
    /// Tell the people whose data it is.
    PeopleTold,
    /// As a processor, tell the controller.
    ProcessorNotice,
    /// Give the regulator what was still missing from the report.
    FollowUp,
    /// Acknowledge a complaint about how personal data is used.
    ComplaintAcknowledgement,
    /// Tell the outcome of such a complaint.
    ComplaintAnswer,
}

impl Duty {
    /// Every duty, in the order shown.
    pub const ALL: [Self; 8] = [
        Self::PartnerNotice,
        Self::PartnerAcknowledgement,
        Self::RegulatorReport,
        Self::PeopleTold,
        Self::ProcessorNotice,
        Self::FollowUp,
        Self::ComplaintAcknowledgement,
        Self::ComplaintAnswer,
    ];
}

/// What starts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Becoming aware of circumstances likely to give rise to a breach.
    AwareOfCircumstances,
    /// Becoming aware of the breach.
    AwareOfBreach,
    /// The first of the partner's receipt, acceptance by their webhook or mail server, and a recorded call.
    PartnerReached,
    /// A person's decision that the risk is high.
    HighRiskDecided,
    /// The processor's becoming aware of the breach.
    ProcessorAware,
    /// The last report sent while something was not yet known.
    LastReport,
    /// The arrival of the complaint.
    ComplaintReceived,
}

/// How long a duty runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Length {
    /// Elapsed hours from the start: one limit.
    ElapsedHours {
        /// How many.
        hours: Hours,
    },
    /// Hours of which the one that the start falls in is not counted (Regulation 1182/71, Article 3(1) and (2)(a)). Two
    /// limits: elapsed hours for alarms, full hours for the law.
    FullHours {
        /// How many.
        hours: Hours,
    },
    /// Days by date, weekends and holidays included. Two limits: the day of the start counted for alarms, not counted
    /// for the law.
    Days {
        /// How many.
        days: u16,
    },
    /// Working days after the day of the start: one limit.
    WorkingDays {
        /// How many.
        days: u16,
        /// Whose working days.
        calendar: CalendarId,
    },
    /// Elapsed hours that the arrangement names; without them there is no clock.
    AsAgreed {
        /// What the agreement names where the arrangement says nothing else, to be offered when terms are written down.
        usual: Hours,
    },
    /// The law names no time.
    NoStatutoryDeadline {
        /// What it says in its place.
        words: String,
    },
}

/// The rule for one duty in one regime, between two days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// Whose rule.
    pub regime: Regime,
    /// For what.
    pub duty: Duty,
    /// What starts it; of several, the earliest.
    pub starts: Vec<Start>,
    /// How long it runs.
    pub length: Length,
    /// When it holds.
    #[serde(flatten)]
    pub validity: Validity,
    /// Article, section or clause.
    pub provision: String,
    /// Where that was read.
    pub source: String,
    /// How sure the rule is.
    pub confidence: Confidence,
    /// How sure its first and last day are.
    pub confidence_dates: Confidence,
    /// What a reader should know besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The two limits of a duty; where the law knows one only, they are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The last instant on the strictest reading: alarms, and the word *overdue*, use this one (ruling 8).
    pub alarm: Moment,
    /// The last instant in time by law. Never earlier than the alarm.
    pub limit: Moment,
}

/// How something done at an instant stands against the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Timeliness {
    /// In time on every reading.
    InTime,
    /// After the strictest reading, within the legal limit: reasons for the delay are offered.
    WithinLegalLimit,
    /// Late: where the law asks for reasons (UK GDPR Article 33(1)), they are compulsory.
    Late,
}

impl Limits {
    const fn one(limit: Moment) -> Self {
        Self { alarm: limit, limit }
    }

    /// How something done at `at` stands. At a limit itself it is in time.
    #[must_use]
    pub fn timeliness(self, at: Moment) -> Timeliness {
        if at <= self.alarm {
            Timeliness::InTime
        } else if at <= self.limit {
            Timeliness::WithinLegalLimit
        } else {
            Timeliness::Late
        }
    }
}

/// By when a duty has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "due")]
pub enum Due<'a> {
    /// By these limits.
    Limits(Limits),
    /// The arrangement names no hours: there is no such duty towards this partner.
    NothingAgreed,
    /// The law names no time: elapsed time is shown, and these words.
    NoStatutoryDeadline {
        /// What the law says.
        words: &'a str,
        /// What the node's own people aim at; missing it breaks no law.
        own_target: Option<Moment>,
    },
}

impl Due<'_> {
    /// The limits, where law, agreement or promise sets any. A target of our own is none.
    #[must_use]
    pub const fn limits(self) -> Option<Limits> {
        match self {
            Self::Limits(limits) => Some(limits),
            Self::NothingAgreed | Self::NoStatutoryDeadline { .. } => None,
        }
    }
}

impl Term {
    /// By when the duty has to be done that started at `started`. `own` are the hours that the arrangement names, or the
    /// target that the node's own people set; lengths that the law sets pay no heed to it. `zone` says where the days of
    /// a length in days begin and end.
    ///
    /// # Errors
    /// [`UnknownHolidays`] when working days would have to be counted in a year whose holidays the data does not hold.
    pub fn due<Z: TimeZone>(&self, started: Moment, zone: &Z, own: Option<Hours>) -> Result<Due<'_>, UnknownHolidays> {
        let due = match &self.length {
            Length::ElapsedHours { hours } => Due::Limits(Limits::one(started.plus_hours(*hours))),
            Length::FullHours { hours } => Due::Limits(Limits {
                alarm: started.plus_hours(*hours),
                limit: started.next_full_hour().plus_hours(*hours),
            }),
            Length::Days { days } => {
                let day = date_in(started, zone);
                Due::Limits(Limits {
                    alarm: last_instant(plus_days(day, days.saturating_sub(1)), zone),
                    limit: last_instant(plus_days(day, *days), zone),
                })
            }
            Length::WorkingDays { days, calendar } => {
                let day = calendar.calendar().plus_working_days(date_in(started, zone), *days)?;
                Due::Limits(Limits::one(last_instant(day, zone)))
            }
            Length::AsAgreed { .. } => match own {
                Some(hours) => Due::Limits(Limits::one(started.plus_hours(hours))),
                None => Due::NothingAgreed,
            },
            Length::NoStatutoryDeadline { words } => {
                Due::NoStatutoryDeadline { words, own_target: own.map(|hours| started.plus_hours(hours)) }
            }
        };
        Ok(due)
    }
}

#[derive(Default, Deserialize)]
struct Terms {
    terms: Vec<Term>,
    proposals: Vec<Term>,
}

/// Tests hold that the file compiled in parses.
static TERMS: LazyLock<Terms> = LazyLock::new(|| serde_json::from_str(TERMS_JSON).unwrap_or_default());

/// Every term that is, was or will be in force.
#[must_use]
pub fn terms() -> &'static [Term] {
    &TERMS.terms
}

/// Terms that somebody proposed: shown to administrators, never applied.
#[must_use]
pub fn proposals() -> &'static [Term] {
    &TERMS.proposals
}

/// The term in force on a day, which for a clock is the day it starts in the zone of the law concerned. `None` when the
/// regime knew no such duty on that day.
#[must_use]
pub fn in_force(regime: Regime, duty: Duty, on: NaiveDate) -> Option<&'static Term> {
    terms().iter().find(|term| (term.regime, term.duty) == (regime, duty) && term.validity.covers(on))
}
