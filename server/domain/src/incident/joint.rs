//! The joint decision on an incident (UK GDPR Article 26): who leads, what the partners think, what the lead decided, and
//! whether we rely on another's report.
//!
//! A chapter of its own in the incident's stream. Views are asked and decisions told by fan-outs of signed messages; the
//! views themselves live in the exchanges. None of it is our own decision under Article 33: every controller answers for
//! itself, and a clock of ours ends here only by [`Command::AcceptReliance`].

mod words;

use serde::{Deserialize, Serialize};

use super::{Decision, Event, FanOutWork, Incident, Refusal as Whole, Stage, fan_out, ico};
use crate::arrangement::Lead;
use crate::exchange::{self, MessageKind, Say};
use crate::reliance::{self, Reliance, Relied};
use crate::values::{Actor, ExchangeId, Line, LongText, MessageId, Moment, PartnerId, Text};

/// Views are asked for so often, and decided so often, in one incident.
pub const ROUNDS_MAX: usize = 50;
/// Views that one decision names.
pub const VIEWS_MAX: usize = 1_000;

/// Reasons leave room in the message for what was decided.
pub type Reasons = Text<7_000>;

/// State of the chapter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Joint {
    /// The lead that an officer chose for this incident, in the place of what the arrangements name.
    pub chosen: Option<ChosenLead>,
    /// Every time that all partners were asked for their view.
    pub asked: Vec<ViewsAsked>,
    /// What we decided as the lead, the first first: the last one stands.
    pub decisions: Vec<JointDecision>,
    /// Whose report we rely on.
    pub reliance: Option<Relied>,
}

/// A lead that was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChosenLead {
    /// Who leads.
    pub lead: Lead,
    /// Why not whom the arrangements name.
    pub reason: LongText,
    /// Who chose.
    pub by: Actor,
    /// When.
    pub at: Moment,
}

/// All partners were asked for their view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewsAsked {
    /// By when a view was asked for.
    pub due: Option<Moment>,
    /// Who asked.
    pub by: Actor,
    /// When.
    pub at: Moment,
}

/// What the lead decided for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JointDecision {
    /// 1, 2, 3 …: a later one stands in the place of all before.
    pub number: u32,
    /// Who reports it to the ICO; `None`: it is not reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports: Option<Lead>,
    /// Who tells the people affected; `None`: they are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tells: Option<Lead>,
    /// Why.
    pub reasons: Reasons,
    /// The views that were considered: partners' messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<MessageId>,
    /// Who decided.
    pub by: Actor,
    /// When.
    pub at: Moment,
}

/// What changed. Part of the events of an incident: frozen with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// An officer chose who leads.
    LeadChosen {
        /// Who leads.
        lead: Lead,
        /// Why.
        reason: LongText,
    },
    /// All partners are asked for their view.
    ViewsAsked {
        /// What is asked.
        text: LongText,
        /// By when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Moment>,
    },
    /// The lead decided.
    Decided {
        /// What.
        decision: Box<JointDecision>,
    },
    /// An officer accepted that we rely on a partner's report.
    RelianceAccepted {
        /// On which, and why.
        reliance: Box<Reliance>,
    },
}

/// What a person asks. `role` is theirs as partners read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Another lead for this incident than the arrangements name.
    ChooseLead {
        /// Who leads.
        lead: Lead,
        /// Why.
        reason: LongText,
        /// The partner whose notice the incident was opened from; read by the caller.
        told_by: Option<PartnerId>,
    },
    /// Ask every partner who knows of the case for their view.
    AskViews {
        /// What is asked.
        text: LongText,
        /// By when.
        due: Option<Moment>,
        /// See above.
        role: Line,
    },
    /// The lead decides, and tells every partner who knows of the case.
    Decide(Box<Decide>),
    /// Rely on a partner's report.
    AcceptReliance {
        /// On which, checked against what the partner told us in the same transaction.
        reliance: Box<Reliance>,
    },
}

/// A decision to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decide {
    /// Who reports it to the ICO; `None`: it is not reported.
    pub reports: Option<Lead>,
    /// Who tells the people affected; `None`: they are not told.
    pub tells: Option<Lead>,
    /// Why.
    pub reasons: Reasons,
    /// The views that were considered; that they are views of this case is read by the caller.
    pub views: Vec<MessageId>,
    /// The role as partners read it.
    pub role: Line,
    /// The partner whose notice the incident was opened from; read by the caller.
    pub told_by: Option<PartnerId>,
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Somebody else asks.
    #[error("only a data protection officer may do this")]
    DpoNeeded,
    /// A lead that is no party of this case.
    #[error("this organisation is not a party of this incident")]
    NotAParty,
    /// Only the lead decides for all.
    #[error("we do not lead on this incident: the lead decides, or record first that we lead")]
    NotTheLead,
    /// Nobody knows of the case.
    #[error("no partner knows of this incident, so there is nobody to ask or to tell")]
    Nobody,
    /// [`ROUNDS_MAX`] or [`VIEWS_MAX`].
    #[error("this incident has as many of these as it can hold")]
    TooMany,
    /// A view is asked for by an instant that has passed.
    #[error("a view can\u{2019}t be due in the past")]
    DuePast,
    /// Beyond [`exchange::DUE_SECONDS_MAX`].
    #[error("a view can\u{2019}t be due more than a year from now")]
    DueTooFar,
    /// A report of a partner's.
    #[error(transparent)]
    Reliance(#[from] reliance::Refusal),
}

/// Why somebody leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// An officer chose them for this incident.
    Chosen,
    /// The arrangements that name anybody name them.
    Named,
    /// No arrangement names anybody: each reports.
    NobodyNamed,
    /// The arrangements name several: each reports.
    SeveralNamed,
}

/// Whom arrangements name, and how many do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Who; `None`: these arrangements name nobody.
    pub lead: Option<Lead>,
    /// How many arrangements.
    pub arrangements: u32,
}

impl Incident {
    /// Whom the arrangements frozen on this incident name as the lead, those of most arrangements first.
    #[must_use]
    pub fn named_leads(&self) -> Vec<Named> {
        let mut named: Vec<Named> = Vec::new();
        for arrangement in self.owed.iter().flat_map(|owed| &owed.terms.arrangements) {
            match named.iter_mut().find(|named| named.lead == arrangement.ico_lead) {
                Some(known) => known.arrangements = known.arrangements.saturating_add(1),
                None => named.push(Named { lead: arrangement.ico_lead.clone(), arrangements: 1 }),
            }
        }
        named.sort_by_key(|named| std::cmp::Reverse(named.arrangements));
        named
    }

    /// Who leads on the report, and why. Where the arrangements name nobody, or several, each reports for itself (the law
    /// settles nothing else).
    #[must_use]
    pub fn leading(&self) -> (Lead, Why) {
        if let Some(chosen) = &self.joint.chosen {
            return (chosen.lead.clone(), Why::Chosen);
        }
        let named: Vec<Lead> = self.named_leads().into_iter().filter_map(|named| named.lead).collect();
        match named.as_slice() {
            [] => (Lead::Each, Why::NobodyNamed),
            [one] => (one.clone(), Why::Named),
            [_, _, ..] => (Lead::Each, Why::SeveralNamed),
        }
    }

    /// Whether this partner is one of the case.
    fn is_party(&self, lead: &Lead, told_by: Option<PartnerId>) -> bool {
        match lead {
            Lead::Us | Lead::Each => true,
            Lead::Partner { partner } => {
                told_by == Some(*partner) || self.owed.iter().any(|owed| owed.partner == *partner)
            }
            Lead::Named { .. } => false,
        }
    }
}

pub(super) fn decide(incident: &Incident, command: &Command, by: &Actor, now: Moment) -> Result<Decision, Whole> {
    super::decide::must_be_open(incident)?;
    officer(by)?;
    match command {
        Command::ChooseLead { lead, reason, told_by } => {
            if !incident.is_party(lead, *told_by) {
                return Err(Refusal::NotAParty.into());
            }
            if incident.joint.chosen.as_ref().is_some_and(|chosen| chosen.lead == *lead) {
                return Err(Whole::NothingChanges);
            }
            let change = Change::LeadChosen { lead: lead.clone(), reason: reason.clone() };
            Ok(Decision { events: vec![changed(change, by, now)], asks: Vec::new() })
        }
        Command::AskViews { text, due, role } => {
            let due = due.map(Moment::floor_second);
            match due {
                Some(due) if due <= now => return Err(Refusal::DuePast.into()),
                Some(due) if due.seconds_since(now) > exchange::DUE_SECONDS_MAX => {
                    return Err(Refusal::DueTooFar.into());
                }
                Some(_) | None => {}
            }
            if incident.joint.asked.len() >= ROUNDS_MAX {
                return Err(Refusal::TooMany.into());
            }
            let change = Change::ViewsAsked { text: text.clone(), due };
            let work = FanOutWork::AskViews { text: text.clone(), due, by: by.clone(), role: role.clone() };
            tell_all(incident, change, work, None, (by, now))
        }
        Command::Decide(decide) => decided(incident, decide, by, now),
        Command::AcceptReliance { reliance } => accept(incident, reliance, by, now),
    }
}

fn decided(incident: &Incident, decide: &Decide, by: &Actor, now: Moment) -> Result<Decision, Whole> {
    let Decide { reports, tells, reasons, views, role, told_by } = decide;
    if incident.leading().0 != Lead::Us {
        return Err(Refusal::NotTheLead.into());
    }
    if [reports, tells].into_iter().flatten().any(|who| !incident.is_party(who, *told_by)) {
        return Err(Refusal::NotAParty.into());
    }
    if views.len() > VIEWS_MAX || incident.joint.decisions.len() >= ROUNDS_MAX {
        return Err(Refusal::TooMany.into());
    }
    let decision = JointDecision {
        number: fan_out::index(incident.joint.decisions.len()).saturating_add(1),
        reports: reports.clone(),
        tells: tells.clone(),
        reasons: reasons.clone(),
        views: views.clone(),
        by: by.clone(),
        at: now,
    };
    // The views are the record's, not the message's: who else gave one is nobody's business (ruling 13).
    let told = Box::new(JointDecision { views: Vec::new(), ..decision.clone() });
    let work = FanOutWork::TellDecision { decision: told, role: role.clone() };
    tell_all(incident, Change::Decided { decision: Box::new(decision) }, work, *told_by, (by, now))
}

/// A change that every partner who knows of the case hears of: those owed a notice by a fan-out, the one whose notice the
/// incident was opened from at once.
fn tell_all(
    incident: &Incident,
    change: Change,
    work: FanOutWork,
    told_by: Option<PartnerId>,
    (by, now): (&Actor, Moment),
) -> Result<Decision, Whole> {
    if incident.stage == Stage::Held && !incident.owed.is_empty() {
        return Err(Whole::NotOpen { stage: incident.stage.word() });
    }
    let asks: Vec<(ExchangeId, exchange::Command)> =
        incident.opened_from.and_then(|from| Some((from, said(&work, told_by)?))).into_iter().collect();
    let started = fan_out::start(work, 0, incident.owed.len(), by, now);
    if started.is_none() && asks.is_empty() {
        return Err(Refusal::Nobody.into());
    }
    Ok(Decision { events: std::iter::once(changed(change, by, now)).chain(started).collect(), asks })
}

/// What a fan-out of this chapter says to one partner; `None` for any other work.
pub(super) fn said(work: &FanOutWork, to: Option<PartnerId>) -> Option<exchange::Command> {
    let (kind, text, due, by, role) = match work {
        FanOutWork::AskViews { text, due, by, role } => (MessageKind::ViewRequest, text.clone(), *due, by, role),
        FanOutWork::TellDecision { decision, role } => {
            (MessageKind::Decision, words::of(decision, to)?, None, &decision.by, role)
        }
        FanOutWork::Open { .. }
        | FanOutWork::Release
        | FanOutWork::Update { .. }
        | FanOutWork::Withdraw { .. }
        | FanOutWork::TellFiled { .. } => return None,
    };
    let (by, role) = (by.clone(), role.clone());
    Some(exchange::Command::Say(Box::new(Say { kind, text, re: None, due, received_at: None, by, role })))
}

fn accept(incident: &Incident, reliance: &Reliance, by: &Actor, now: Moment) -> Result<Decision, Whole> {
    let clock = incident.ico.as_ref().filter(|clock| clock.is_open());
    let clock = clock.ok_or(Refusal::Reliance(reliance::Refusal::NoClock))?;
    let mut events = vec![changed(Change::RelianceAccepted { reliance: Box::new(reliance.clone()) }, by, now)];
    let end = reliance.clock_reason().and_then(|reason| clock.not_required(now, reason));
    events.extend(ico::end_clock(incident, end, now));
    Ok(Decision { events, asks: Vec::new() })
}

fn officer(by: &Actor) -> Result<(), Whole> {
    reliance::must_be_officer(by).map_err(|_| Refusal::DpoNeeded.into())
}

fn changed(change: Change, by: &Actor, now: Moment) -> Event {
    Event::Joint { change, at: now, by: by.clone() }
}

impl Change {
    /// Partners that it names.
    #[must_use]
    pub fn partners(&self) -> Vec<PartnerId> {
        let of = |lead: &Lead| match lead {
            Lead::Partner { partner } => Some(*partner),
            Lead::Us | Lead::Each | Lead::Named { .. } => None,
        };
        match self {
            Self::LeadChosen { lead, .. } => of(lead).into_iter().collect(),
            Self::ViewsAsked { .. } => Vec::new(),
            Self::Decided { decision } => {
                [&decision.reports, &decision.tells].into_iter().flatten().filter_map(of).collect()
            }
            Self::RelianceAccepted { reliance } => vec![reliance.partner],
        }
    }
}

impl Joint {
    /// The chapter after a change. Total: it only records.
    pub(super) fn after(&mut self, change: &Change, by: &Actor, at: Moment) {
        let by = by.clone();
        match change {
            Change::LeadChosen { lead, reason } => {
                self.chosen = Some(ChosenLead { lead: lead.clone(), reason: reason.clone(), by, at });
            }
            Change::ViewsAsked { due, .. } => self.asked.push(ViewsAsked { due: *due, by, at }),
            Change::Decided { decision } => self.decisions.push((**decision).clone()),
            Change::RelianceAccepted { reliance } => {
                self.reliance = Some(Relied { reliance: (**reliance).clone(), by, at });
            }
        }
    }
}
