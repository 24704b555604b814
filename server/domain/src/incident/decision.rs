//! What is decided on an incident: whether the ICO is told, whether the people affected are told, why it is late, and
//! whether it was a breach at all.
//!
//! A decision is a person's, with their reasons, on one version of the facts and one assessment. Reporting needs nobody
//! else; that no report is required, and that it was no breach, is proposed by one data protection officer and approved by
//! another (ruling 34). A later decision is added: earlier ones stay visible. Until somebody decides, the 72 hours of the
//! ICO clock run. The proposal that no report is required has events of its own, from before ([`Event::NotRequiredProposed`]);
//! here they join the record.

mod again;
mod duties;
mod options;

use serde::{Deserialize, Serialize};

pub use self::again::is_asked_again;
pub use self::duties::{Duty, open_duties};
pub use self::options::{NotABreach, People};

use super::decide::{must_be_open, must_be_second};
use super::ico::{self, must_be_dpo};
use super::{Event, Incident, NotRequiredProposal, Refusal as Refused, Seen, duties as own};
use crate::clock::Clock;
use crate::facts::IncidentKind;
use crate::report::ReportState;
use crate::suggestion::{Asked, Circumstances};
use crate::undated::UndatedDuty;
use crate::values::{Actor, LongText, Moment};

/// Decisions on one incident.
pub const DECISIONS_MAX: usize = 100;

/// What a decision was made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The version of the facts.
    pub facts_version: u32,
    /// The newest assessment; none when nobody had assessed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<u32>,
}

impl Basis {
    /// What stands now.
    fn of(incident: &Incident) -> Self {
        let assessment = incident.assessments.last().map(|last| last.assessment.number);
        Self { facts_version: incident.facts_version, assessment }
    }
}

/// That it was no breach, waiting for a second data protection officer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotABreachProposal {
    /// Why, as a ground.
    pub ground: NotABreach,
    /// Why, in words.
    pub reasons: LongText,
    /// On what.
    pub basis: Basis,
    /// When.
    pub at: Moment,
    /// By whom.
    pub by: Actor,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum What {
    /// To report to the ICO (Article 33(1)).
    Report,
    /// That no report is required: a risk to people is unlikely (Article 33(1)).
    NotRequired,
    /// That it was no breach.
    NotABreach {
        /// Why.
        ground: NotABreach,
    },
    /// About telling the people affected.
    People {
        /// How.
        people: People,
    },
    /// Why the report is late (Article 33(1)).
    Delay,
}

impl What {
    /// Whether it answers the question of reporting.
    const fn is_about_reporting(&self) -> bool {
        match self {
            Self::Report | Self::NotRequired | Self::NotABreach { .. } => true,
            Self::People { .. } | Self::Delay => false,
        }
    }
}

/// The second officer's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    /// Approved, or turned down.
    pub approved: bool,
    /// By whom.
    pub by: Actor,
}

/// One decision, or a proposal that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// What.
    pub what: What,
    /// Why.
    pub reasons: LongText,
    /// On what.
    pub basis: Basis,
    /// When it was decided, or answered.
    pub at: Moment,
    /// By whom: who decided or proposed.
    pub by: Actor,
    /// The second officer's word, where it takes one.
    pub second: Option<Second>,
}

impl Decided {
    /// Whether it took effect: not a proposal that was turned down.
    #[must_use]
    pub fn took_effect(&self) -> bool {
        self.second.as_ref().is_none_or(|second| second.approved)
    }
}

/// Everything decided.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Decisions {
    /// Every decision and every proposal that was answered, the first first.
    pub made: Vec<Decided>,
    /// Waiting for a second officer.
    pub not_a_breach: Option<NotABreachProposal>,
    /// What the newest decision about reporting looked at.
    pub on: Option<Circumstances>,
    /// How many steps of deciding there were.
    pub steps: u32,
    /// Who took the last of them, and when.
    pub last: Option<(Actor, Moment)>,
    /// On what the waiting proposal that no report is required was made.
    not_required_on: Option<Basis>,
    /// How many were made before it became a breach: that it was none no longer stands among them.
    begun_anew: usize,
}

impl Decisions {
    fn newest(&self, fits: impl Fn(&What) -> bool) -> Option<&Decided> {
        let stands = |place: usize, what: &What| match what {
            What::NotABreach { .. } => place >= self.begun_anew,
            What::Report | What::NotRequired | What::People { .. } | What::Delay => true,
        };
        let in_effect = |(place, decided): &(usize, &Decided)| {
            fits(&decided.what) && decided.took_effect() && stands(*place, &decided.what)
        };
        self.made.iter().enumerate().rev().find(in_effect).map(|(_, decided)| decided)
    }

    /// The decision about reporting that stands.
    #[must_use]
    pub fn report(&self) -> Option<&Decided> {
        self.newest(What::is_about_reporting)
    }

    /// The decision about telling people that stands.
    #[must_use]
    pub fn people(&self) -> Option<(&Decided, &People)> {
        let decided = self.newest(|what| matches!(what, What::People { .. }))?;
        match &decided.what {
            What::People { people } => Some((decided, people)),
            What::Report | What::NotRequired | What::NotABreach { .. } | What::Delay => None,
        }
    }

    /// The reasons for the delay that stand.
    #[must_use]
    pub fn delay(&self) -> Option<&Decided> {
        self.newest(|what| *what == What::Delay)
    }

    fn step(&mut self, by: &Actor, at: Moment) {
        self.steps = self.steps.saturating_add(1);
        self.last = Some((by.clone(), at));
    }

    /// It has become a breach: that it was none no longer stands.
    pub(super) fn begin_anew(&mut self) {
        self.begun_anew = self.made.len();
        self.not_a_breach = None;
    }

    /// Nobody is waited for any more.
    pub(super) fn drop_waiting(&mut self) {
        self.not_a_breach = None;
        self.not_required_on = None;
    }
}

/// What was recorded. A file format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// A data protection officer decided to report to the ICO.
    DecidedToReport {
        /// Why.
        reasons: LongText,
        /// On what.
        basis: Basis,
    },
    /// A data protection officer decided about telling the people affected.
    PeopleDecided {
        /// How.
        #[serde(flatten)]
        people: People,
        /// Why.
        reasons: LongText,
        /// On what.
        basis: Basis,
    },
    /// The reasons for a late report were recorded.
    DelayExplained {
        /// They.
        reasons: LongText,
        /// On what.
        basis: Basis,
    },
    /// A data protection officer proposes that it was no breach.
    NotABreachProposed {
        /// Why, as a ground.
        ground: NotABreach,
        /// Why, in words.
        reasons: LongText,
        /// On what.
        basis: Basis,
    },
    /// Another one approved that, or turned it down.
    NotABreachResolved {
        /// Approved.
        approved: bool,
    },
}

/// What a person asks, and what they had in front of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What they had in front of them.
    pub seen: Seen,
    /// What they ask.
    pub ask: Ask,
}

/// What a person asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Report to the ICO.
    Report {
        /// Why.
        reasons: LongText,
    },
    /// Propose that no report is required.
    ProposeNotRequired {
        /// Why.
        reasons: LongText,
    },
    /// Answer that proposal.
    ResolveNotRequired {
        /// Approve it, or turn it down.
        approve: bool,
    },
    /// Decide about telling the people affected.
    People {
        /// How.
        people: People,
        /// Why.
        reasons: LongText,
    },
    /// Record why the report is late.
    ExplainDelay {
        /// Why.
        reasons: LongText,
    },
    /// Propose that it was no breach.
    ProposeNotABreach {
        /// Why, as a ground.
        ground: NotABreach,
        /// Why, in words.
        reasons: LongText,
    },
    /// Answer that proposal.
    ResolveNotABreach {
        /// Approve it, or turn it down.
        approve: bool,
    },
}

/// Why a decision was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// That it was no breach waits for a second officer already.
    #[error("that it was not a breach already waits for another data protection officer")]
    AlreadyWaiting,
    /// It was decided that it was no breach.
    #[error("it was decided that this was not a breach")]
    NotABreach,
    /// We only process: the controllers decide and report (UK GDPR Articles 33(1) and 34(1)).
    #[error(
        "we only process this data: whether to report it, and whether to tell the people affected, is for the controllers to \
         decide"
    )]
    ForTheControllers,
    /// There are [`DECISIONS_MAX`] of them.
    #[error("{DECISIONS_MAX} decisions were made on this incident: no more are taken")]
    TooMany,
}

pub(super) fn decide(incident: &Incident, command: &Command, by: &Actor, now: Moment) -> Result<Vec<Event>, Refused> {
    must_be_open(incident)?;
    must_be_dpo(by)?;
    command.seen.must_stand_for_deciding(incident)?;
    if incident.decisions.made.len() >= DECISIONS_MAX {
        return Err(Refusal::TooMany.into());
    }
    let basis = Basis::of(incident);
    let changed = |change| Event::Decision { change, at: now, by: by.clone() };
    match &command.ask {
        Ask::Report { reasons } => report(incident, reasons, by, now),
        Ask::ProposeNotRequired { reasons } => ico::propose_not_required(incident, reasons, by, now),
        Ask::ResolveNotRequired { approve } => ico::resolve_not_required(incident, *approve, by, now),
        Ask::People { people, reasons } => {
            must_be_a_breach(incident)?;
            let decided = changed(Change::PeopleDecided { people: people.clone(), reasons: reasons.clone(), basis });
            let duty = if people.asks_to_tell() {
                // Whoever was told already leaves nothing to do.
                let told = incident.telling.first_told_at().is_some();
                if told { Vec::new() } else { own::start(incident, UndatedDuty::PeopleTold, now, by, now) }
            } else {
                own::not_required(incident, UndatedDuty::PeopleTold, reasons, by, now)
            };
            Ok([decided].into_iter().chain(duty).collect())
        }
        Ask::ExplainDelay { reasons } => {
            must_be_a_breach(incident)?;
            match incident.report {
                ReportState::Submitted { .. } => Err(Refused::AlreadySubmitted),
                ReportState::None | ReportState::Draft { .. } | ReportState::NotRequired { .. } => {
                    Ok(vec![changed(Change::DelayExplained { reasons: reasons.clone(), basis })])
                }
            }
        }
        Ask::ProposeNotABreach { ground, reasons } => {
            if incident.decisions.not_a_breach.is_some() {
                return Err(Refusal::AlreadyWaiting.into());
            }
            if is_no_breach(incident) {
                return Err(Refused::NothingChanges);
            }
            Ok(vec![changed(Change::NotABreachProposed { ground: *ground, reasons: reasons.clone(), basis })])
        }
        Ask::ResolveNotABreach { approve } => resolve_not_a_breach(incident, *approve, by, now),
    }
}

/// One officer is enough. Proposals to the contrary that wait are turned down with it, and whoever opens the report finds
/// a draft.
fn report(incident: &Incident, reasons: &LongText, by: &Actor, now: Moment) -> Result<Vec<Event>, Refused> {
    must_have_duties_to_people(incident)?;
    if let ReportState::Submitted { .. } = incident.report {
        return Err(Refused::AlreadySubmitted);
    }
    let mut events = Vec::new();
    if incident.not_required.is_some() {
        events.push(Event::NotRequiredResolved { approved: false, at: now, by: by.clone() });
    }
    if incident.decisions.not_a_breach.is_some() {
        let change = Change::NotABreachResolved { approved: false };
        events.push(Event::Decision { change, at: now, by: by.clone() });
    }
    let change = Change::DecidedToReport { reasons: reasons.clone(), basis: Basis::of(incident) };
    events.push(Event::Decision { change, at: now, by: by.clone() });
    match incident.report {
        ReportState::None | ReportState::NotRequired { .. } => events.push(ico::drafted(incident, by.clone(), now)),
        ReportState::Draft { .. } | ReportState::Submitted { .. } => {}
    }
    Ok(events)
}

/// Approving takes another officer. It ends the ICO clock and every duty for which the law names no time, so that the notices
/// to partners may be withdrawn; any officer, also who proposed it, may turn it down.
fn resolve_not_a_breach(incident: &Incident, approve: bool, by: &Actor, now: Moment) -> Result<Vec<Event>, Refused> {
    let proposal = incident.decisions.not_a_breach.as_ref().ok_or(Refused::NoSuchProposal)?;
    let mut events = Vec::new();
    if approve {
        must_be_second(&proposal.by, by)?;
        if incident.not_required.is_some() {
            events.push(Event::NotRequiredResolved { approved: false, at: now, by: by.clone() });
        }
    }
    let change = Change::NotABreachResolved { approved: approve };
    events.push(Event::Decision { change, at: now, by: by.clone() });
    if approve {
        let why = proposal.ground.clock_reason();
        let ended = incident.ico.as_ref().zip(why.clone()).and_then(|(clock, why)| clock.not_required(now, why));
        events.extend(ico::end_clock(incident, ended, now));
        events.extend(why.iter().flat_map(|why| own::none_required(incident, why, by, now)));
    }
    Ok(events)
}

fn must_be_a_breach(incident: &Incident) -> Result<(), Refused> {
    if is_no_breach(incident) {
        return Err(Refusal::NotABreach.into());
    }
    must_have_duties_to_people(incident)
}

fn must_have_duties_to_people(incident: &Incident) -> Result<(), Refused> {
    if has_duties_to_people(incident) {
        Ok(())
    } else if is_for_the_controllers(incident) {
        Err(Refusal::ForTheControllers.into())
    } else {
        Err(Refused::NotYetABreach)
    }
}

/// A breach, or something that is treated as one until somebody knows better: a partner called it a breach, or it is being
/// looked into. Circumstances that are only likely to give rise to one are not reportable yet.
pub(super) const fn is_a_breach_so_far(incident: &Incident) -> bool {
    match incident.kind {
        IncidentKind::Breach | IncidentKind::UnderInvestigation => true,
        IncidentKind::LikelyToGiveRise => incident.ico.is_some(),
    }
}

/// Whether Articles 33 and 34 ask something of us: a breach of ours, or one that a partner told us of. Where we only
/// process they ask it of the controllers.
#[must_use]
pub fn has_duties_to_people(incident: &Incident) -> bool {
    (incident.kind == IncidentKind::Breach && !incident.rules.processor_only) || incident.ico.is_some()
}

/// Whether it is a breach that the controllers decide on: we only process, and no clock of ours runs to the ICO.
#[must_use]
pub fn is_for_the_controllers(incident: &Incident) -> bool {
    incident.kind == IncidentKind::Breach && !has_duties_to_people(incident)
}

/// Whether it was decided that it was no breach, and that stands.
fn is_no_breach(incident: &Incident) -> bool {
    incident.decisions.report().is_some_and(|decided| matches!(decided.what, What::NotABreach { .. }))
}

pub(super) fn record(incident: &mut Incident, change: &Change, at: Moment, by: &Actor) {
    incident.decisions.step(by, at);
    let decided = |what, reasons: &LongText, basis: &Basis| Decided {
        what,
        reasons: reasons.clone(),
        basis: *basis,
        at,
        by: by.clone(),
        second: None,
    };
    match change {
        Change::DecidedToReport { reasons, basis } => add(incident, decided(What::Report, reasons, basis)),
        Change::PeopleDecided { people, reasons, basis } => {
            add(incident, decided(What::People { people: people.clone() }, reasons, basis));
        }
        Change::DelayExplained { reasons, basis } => add(incident, decided(What::Delay, reasons, basis)),
        Change::NotABreachProposed { ground, reasons, basis } => {
            let (reasons, by) = (reasons.clone(), by.clone());
            let proposal = NotABreachProposal { ground: *ground, reasons, basis: *basis, at, by };
            incident.decisions.not_a_breach = Some(proposal);
        }
        Change::NotABreachResolved { approved } => {
            let Some(proposal) = incident.decisions.not_a_breach.take() else { return };
            let NotABreachProposal { ground, reasons, basis, by: proposed_by, .. } = proposal;
            let second = Some(Second { approved: *approved, by: by.clone() });
            add(incident, Decided { what: What::NotABreach { ground }, reasons, basis, at, by: proposed_by, second });
        }
    }
}

/// That no report is required was proposed: on what stood then.
pub(super) fn not_required_proposed(incident: &mut Incident, proposal: &NotRequiredProposal) {
    incident.decisions.step(&proposal.by, proposal.at);
    incident.decisions.not_required_on = Some(Basis::of(incident));
}

/// It was approved or turned down.
pub(super) fn not_required_resolved(incident: &mut Incident, approved: bool, at: Moment, by: &Actor) {
    incident.decisions.step(by, at);
    let basis = incident.decisions.not_required_on.take();
    let Some(NotRequiredProposal { reason, by: proposed_by, .. }) = incident.not_required.clone() else { return };
    let decided = Decided {
        what: What::NotRequired,
        reasons: reason,
        basis: basis.unwrap_or_else(|| Basis::of(incident)),
        at,
        by: proposed_by,
        second: Some(Second { approved, by: by.clone() }),
    };
    add(incident, decided);
}

fn add(incident: &mut Incident, decided: Decided) {
    if decided.what.is_about_reporting() && decided.took_effect() {
        let asked = incident.assessments.last().map_or_else(Asked::default, |last| last.assessment.asked);
        incident.decisions.on = incident.facts.as_ref().map(|facts| Circumstances::of(facts, asked));
    }
    incident.decisions.made.push(decided);
}

/// Whether the ICO clock still runs.
fn is_ico_open(incident: &Incident) -> bool {
    incident.ico.as_ref().is_some_and(Clock::is_open)
}
