//! What keeps an incident open: every duty that nobody has done or decided, by name.

use super::{What, has_duties_to_people, is_ico_open, is_no_breach};
use crate::clock::ClockKind;
use crate::incident::Incident;
use crate::report::ReportState;
use crate::undated::UndatedDuty;

/// Something that is still open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Whether to report to the ICO.
    IcoReport,
    /// It was decided to report, and no submission is recorded.
    IcoSubmission,
    /// That no report is required waits for a second officer.
    NotRequiredWaiting,
    /// That it was no breach waits for a second officer.
    NotABreachWaiting,
    /// A correction of awareness waits for a second person.
    CorrectionWaiting,
    /// Whether to tell the people affected.
    People,
    /// It was decided to tell people, and nobody has recorded that they were told.
    PeopleToTell,
    /// Some were told, and no record says that nobody is left to be told.
    PeopleLeft,
    /// Partners' clocks of one kind run.
    Partners {
        /// Which duty.
        kind: ClockKind,
        /// How many.
        open: u32,
    },
    /// The regulator is to be told what was not yet known.
    FollowUp,
    /// Notices to partners are still being opened, updated or withdrawn.
    FanOut,
}

impl Duty {
    /// Its name in the API.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::IcoReport => "ico_report",
            Self::IcoSubmission => "ico_submission",
            Self::NotRequiredWaiting => "not_required_waiting",
            Self::NotABreachWaiting => "not_a_breach_waiting",
            Self::CorrectionWaiting => "correction_waiting",
            Self::People => "people",
            Self::PeopleToTell => "people_to_tell",
            Self::PeopleLeft => "people_left",
            Self::FollowUp => "follow_up",
            Self::Partners { kind, .. } => kind.word(),
            Self::FanOut => "fan_out",
        }
    }

    /// What is open, as the end of a sentence.
    #[must_use]
    pub fn words(self) -> String {
        let partners = |open: u32| if open == 1 { "1 partner".to_owned() } else { format!("{open} partners") };
        match self {
            Self::IcoReport => "whether to report it to the ICO is not decided".to_owned(),
            Self::IcoSubmission => "it is to be reported to the ICO, and no submission is recorded".to_owned(),
            Self::NotRequiredWaiting => {
                "that no report is required waits for another data protection officer".to_owned()
            }
            Self::NotABreachWaiting => "that it was not a breach waits for another data protection officer".to_owned(),
            Self::CorrectionWaiting => "a correction of when we became aware waits for another person".to_owned(),
            Self::People => "whether to tell the people affected is not decided".to_owned(),
            Self::PeopleToTell => "people are to be told, and it is not recorded that they were".to_owned(),
            Self::PeopleLeft => {
                "people are still to be told: some were, and no record says that nobody is left".to_owned()
            }
            Self::FollowUp => "the ICO is to be told more, and it is not recorded that it was".to_owned(),
            Self::Partners { kind: ClockKind::PartnerNotice, open } => {
                format!("{} not yet told", partners(open))
            }
            Self::Partners { kind: ClockKind::PartnerAcknowledgement, open } => {
                format!("nobody has read it at {}", partners(open))
            }
            Self::Partners { kind: ClockKind::Assistance, open: 1 } => "1 request of a partner not answered".to_owned(),
            Self::Partners { kind: ClockKind::Assistance, open } => format!("{open} requests of partners not answered"),
            Self::Partners {
                kind:
                    ClockKind::IcoReport
                    | ClockKind::PeopleTold
                    | ClockKind::FollowUp
                    | ClockKind::ComplaintAcknowledgement
                    | ClockKind::ComplaintPromisedAcknowledgement
                    | ClockKind::ComplaintPromisedAnswer,
                open,
            } => format!("{open} more duties of our own"),
            Self::FanOut => "messages to partners are still being made ready".to_owned(),
        }
    }

    /// All of them in one sentence.
    pub(in crate::incident) fn list(duties: &[Self]) -> String {
        duties.iter().map(|duty| duty.words()).collect::<Vec<_>>().join("; ")
    }
}

/// Every duty that is still open, the law's first. `partners` are the partners' clocks that run, by kind.
#[must_use]
pub fn open_duties(incident: &Incident, partners: &[(ClockKind, u32)]) -> Vec<Duty> {
    let own = [
        reporting(incident),
        incident.not_required.is_some().then_some(Duty::NotRequiredWaiting),
        incident.decisions.not_a_breach.is_some().then_some(Duty::NotABreachWaiting),
        incident.correction.is_some().then_some(Duty::CorrectionWaiting),
        people(incident),
        incident.duties.open(UndatedDuty::FollowUp).map(|_| Duty::FollowUp),
        (!incident.fan_outs.is_empty()).then_some(Duty::FanOut),
    ];
    let theirs = partners.iter().filter(|(_, open)| *open > 0);
    own.into_iter().flatten().chain(theirs.map(|(kind, open)| Duty::Partners { kind: *kind, open: *open })).collect()
}

/// A decision to report is a duty until the submission is recorded, whether or not the clock still runs.
fn reporting(incident: &Incident) -> Option<Duty> {
    let decided = incident.decisions.report().is_some_and(|decided| decided.what == What::Report);
    let submitted = matches!(incident.report, ReportState::Submitted { .. });
    if decided { (!submitted).then_some(Duty::IcoSubmission) } else { is_ico_open(incident).then_some(Duty::IcoReport) }
}

/// A decision to tell people is carried out once a record that stands says that nobody is left to be told.
fn left_to_tell(incident: &Incident) -> Option<Duty> {
    let telling = &incident.telling;
    match telling.first_told_at() {
        None => Some(Duty::PeopleToTell),
        Some(_) => (!telling.is_complete()).then_some(Duty::PeopleLeft),
    }
}

/// Where a risk is unlikely it is not high, so that a decision that no report is required answers this as well.
fn people(incident: &Incident) -> Option<Duty> {
    match incident.decisions.people() {
        Some(_) | None if is_no_breach(incident) => None,
        Some(_) | None if incident.duties.open(UndatedDuty::PeopleTold).is_some() => Some(Duty::PeopleToTell),
        Some((_, people)) if people.asks_to_tell() => left_to_tell(incident),
        Some(_) => None,
        None if matches!(incident.report, ReportState::NotRequired { .. }) => None,
        None => has_duties_to_people(incident).then_some(Duty::People),
    }
}
