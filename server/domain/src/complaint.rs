//! A complaint of somebody about how we use their data: received, acknowledged, answered; each by when (Data Protection Act
//! 2018, section 164A).
//!
//! One stream per complaint. It holds no personal data of whoever complained: they are known by our own reference, and
//! what they wrote stays where it came in. The limits are fixed when it is logged, from the law and the promise of that
//! day, so that lateness is judged by instants on the record alone and never changes afterwards. Passing time only reminds:
//! `watch` says when and whom.

mod options;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;

use chrono::TimeZone;
use serde::{Deserialize, Serialize};

use crate::clock::ClockKind;
use crate::clock_terms::{Duty, Law, Limits, Regime, Timeliness, in_force};
use crate::ladder::{LadderChange, LadderCommand, LadderRefusal, LadderState, Orders, Reached};
use crate::values::{Actor, ComplaintId, IncidentId, Line, LongText, Moment};
use crate::working_time::{UnknownHolidays, date_in};

pub use self::options::{Category, Channel, Outcome};
pub use self::watch::Owed;

/// Progress notes on one complaint.
pub const NOTES_MAX: u32 = 200;

/// By when what has to be done, fixed when the complaint is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Due {
    /// To acknowledge it, by law. Absent where the law knew no such duty on the day of receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<Limits>,
    /// To acknowledge it, as we promise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_acknowledgement: Option<Moment>,
    /// To answer it, as we promise. The law names no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_answer: Option<Moment>,
}

impl Due {
    /// What law and promise give a complaint that was received at this instant. `zone` is where our people are: there the
    /// days begin and end.
    ///
    /// # Errors
    /// [`UnknownHolidays`] when a promise in working days reaches into years whose holidays the data does not hold.
    pub fn of<Z: TimeZone>(law: Law, promised: bool, received: Moment, zone: &Z) -> Result<Self, UnknownHolidays> {
        let day = date_in(received, zone);
        let limits = |regime, duty| match in_force(regime, duty, day) {
            Some(term) => term.due(received, zone, None).map(crate::clock_terms::Due::limits),
            None => Ok(None),
        };
        let promise = |duty| if promised { limits(Regime::ServiceLevel, duty) } else { Ok(None) };
        Ok(Self {
            acknowledgement: limits(law.regime(), Duty::ComplaintAcknowledgement)?,
            promised_acknowledgement: promise(Duty::ComplaintAcknowledgement)?.map(|limits| limits.limit),
            promised_answer: promise(Duty::ComplaintAnswer)?.map(|limits| limits.limit),
        })
    }
}

/// Where a complaint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not acknowledged yet.
    Received,
    /// Acknowledged, not answered.
    Acknowledged,
    /// They were told the outcome.
    Answered,
    /// Contents erased at the end of retention.
    Anonymised,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 4] = [Self::Received, Self::Acknowledged, Self::Answered, Self::Anonymised];

    /// The word in tables and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Acknowledged => "acknowledged",
            Self::Answered => "answered",
            Self::Anonymised => "anonymised",
        }
    }

    /// The stage with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.word() == word)
    }
}

/// State: the fold of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// Which.
    pub id: ComplaintId,
    /// Our own reference, for example `CP-2026-0007`.
    pub reference: Line,
    /// When it reached us.
    pub received_at: Moment,
    /// How.
    pub channel: Channel,
    /// What it is about.
    pub category: Category,
    /// What it is about in words of ours; absent after erasure.
    pub about: Option<LongText>,
    /// The incident that it is about.
    pub incident: Option<IncidentId>,
    /// By when what has to be done.
    pub due: Due,
    /// Where it stands.
    pub stage: Stage,
    /// When it was acknowledged.
    pub acknowledged_at: Option<Moment>,
    /// When they were told the outcome, and which.
    pub answered: Option<(Moment, Outcome)>,
    /// Progress notes.
    pub notes: u32,
    /// What was recorded as overdue while it was open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overdue: Vec<ClockKind>,
    /// How far the ladders of what is owed have been climbed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ladders: Vec<LadderState>,
}

/// What was decided. A file format: frozen by golden files; a changed meaning is a new event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// A complaint was logged.
    Logged {
        /// Its id.
        id: ComplaintId,
        /// Our reference.
        reference: Line,
        /// When it reached us.
        received_at: Moment,
        /// How.
        channel: Channel,
        /// What it is about.
        category: Category,
        /// In words of ours.
        about: LongText,
        /// The incident that it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<IncidentId>,
        /// By when what has to be done.
        due: Due,
        /// When it was logged.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// It was acknowledged.
    Acknowledged {
        /// When.
        acknowledged_at: Moment,
        /// When that was recorded.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// Something was done about it.
    Noted {
        /// What, in general terms.
        note: LongText,
        /// When.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// They were told the outcome.
    Answered {
        /// When.
        answered_at: Moment,
        /// Which.
        outcome: Outcome,
        /// In words of ours.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<LongText>,
        /// When that was recorded.
        at: Moment,
        /// By whom.
        by: Actor,
    },
    /// Something owed on it was past due and not done.
    BecameOverdue {
        /// Which duty.
        kind: ClockKind,
        /// Due when.
        due: Moment,
        /// When that was noticed.
        at: Moment,
    },
    /// A step of a ladder fired: people are reminded.
    StepFired {
        /// Which duty.
        kind: ClockKind,
        /// Due when.
        due: Moment,
        /// Minutes from the due instant; negative before it.
        offset_minutes: i32,
        /// Steps that were slept through, or lay before the complaint was received.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        passed: Vec<i32>,
        /// Whom it reached, and how.
        #[serde(default, skip_serializing_if = "Reached::is_empty")]
        reached: Reached,
        /// When.
        at: Moment,
    },
    /// A named person sees to it: its ladder stops.
    TakenInHand {
        /// Which duty.
        kind: ClockKind,
        /// Due when.
        due: Moment,
        /// When.
        at: Moment,
        /// Who.
        by: Actor,
    },
    /// Something else happened to a ladder.
    Ladder {
        /// What.
        change: LadderChange,
        /// When.
        at: Moment,
        /// Who, or the node.
        by: Actor,
    },
    /// Contents erased; this state survives. Folding starts here and meets erased placeholders before it (ruling 16).
    Anonymised {
        /// State without words.
        survives: Box<Complaint>,
        /// When.
        at: Moment,
    },
}

/// What a person asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Log one.
    Log(Box<Log>),
    /// Record that it was acknowledged.
    Acknowledge {
        /// When.
        at: Moment,
        /// Who records it.
        by: Actor,
    },
    /// Record what was done about it.
    Note {
        /// What, in general terms.
        note: LongText,
        /// Who.
        by: Actor,
    },
    /// Record that they were told the outcome.
    Answer {
        /// When.
        at: Moment,
        /// Which.
        outcome: Outcome,
        /// In words of ours.
        note: Option<LongText>,
        /// Who records it.
        by: Actor,
    },
    /// Time has passed: note lateness, climb the ladders.
    Tick {
        /// What a step needs to know of the day.
        orders: Arc<Orders>,
    },
    /// A named person sees to a duty.
    TakeInHand {
        /// Which duty.
        kind: ClockKind,
        /// Due when.
        due: Moment,
        /// Who.
        by: Actor,
    },
    /// What a person asks of a ladder, beside that.
    Ladder {
        /// What.
        command: LadderCommand,
        /// Who.
        by: Actor,
    },
    /// Erase contents, keeping codes and instants.
    Anonymise,
}

/// All that logging needs. Id and reference are fresh, made by the caller, and so are the limits ([`Due::of`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Its id.
    pub id: ComplaintId,
    /// Our reference.
    pub reference: Line,
    /// When it reached us.
    pub received_at: Moment,
    /// How.
    pub channel: Channel,
    /// What it is about.
    pub category: Category,
    /// In words of ours.
    pub about: LongText,
    /// The incident that it is about.
    pub incident: Option<IncidentId>,
    /// By when what has to be done.
    pub due: Due,
    /// Who.
    pub by: Actor,
}

/// Why a command was refused. Public: each is a sentence for the person who asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The stream is empty.
    #[error("there is no such complaint")]
    NoSuchComplaint,
    /// Logged twice.
    #[error("this complaint is already logged")]
    AlreadyLogged,
    /// An instant after now.
    #[error("this cannot be in the future")]
    InFuture,
    /// An instant before the complaint was received.
    #[error("this cannot be before the complaint was received")]
    BeforeReceipt,
    /// It was acknowledged before, or answered.
    #[error("this complaint is already acknowledged")]
    AlreadyAcknowledged,
    /// They were told the outcome before.
    #[error("this complaint is already answered")]
    AlreadyAnswered,
    /// Nothing more fits.
    #[error("this complaint has as many notes as it can hold")]
    TooManyNotes,
    /// Erased only once they know the outcome.
    #[error("this complaint is not answered yet")]
    NotAnswered,
    /// Its contents are erased.
    #[error("the contents of this complaint are erased")]
    Anonymised,
    /// Nothing of the kind is owed by then, or it is done.
    #[error("there is no such duty to see to")]
    NoSuchDuty,
    /// They see to it already.
    #[error("you have this duty in hand already")]
    InHandAlready,
    /// A ladder's.
    #[error(transparent)]
    Ladder(#[from] LadderRefusal),
}

/// Decides a command on the complaint as it stands (`None`: nothing logged yet). Pure: the same arguments always give the
/// same answer.
///
/// # Errors
/// A [`Refusal`]; then nothing has happened.
pub fn decide(state: Option<&Complaint>, command: &Command, now: Moment) -> Result<Vec<Event>, Refusal> {
    if let Command::Log(log) = command {
        return if state.is_none() { logged(log, now) } else { Err(Refusal::AlreadyLogged) };
    }
    let complaint = state.ok_or(Refusal::NoSuchComplaint)?;
    if complaint.stage == Stage::Anonymised {
        return Err(Refusal::Anonymised);
    }
    let plausible = |at: Moment| {
        if at > now {
            Err(Refusal::InFuture)
        } else if at < complaint.received_at {
            Err(Refusal::BeforeReceipt)
        } else {
            Ok(at)
        }
    };
    match command {
        Command::Log(_) => Err(Refusal::AlreadyLogged),
        Command::Acknowledge { at, by } => {
            if complaint.acknowledged_at.is_some() || complaint.answered.is_some() {
                return Err(Refusal::AlreadyAcknowledged);
            }
            Ok(vec![Event::Acknowledged { acknowledged_at: plausible(*at)?, at: now, by: by.clone() }])
        }
        Command::Note { note, by } => {
            if complaint.notes >= NOTES_MAX {
                return Err(Refusal::TooManyNotes);
            }
            Ok(vec![Event::Noted { note: note.clone(), at: now, by: by.clone() }])
        }
        Command::Answer { at, outcome, note, by } => {
            if complaint.answered.is_some() {
                return Err(Refusal::AlreadyAnswered);
            }
            let (answered_at, note, by) = (plausible(*at)?, note.clone(), by.clone());
            Ok(vec![Event::Answered { answered_at, outcome: *outcome, note, at: now, by }])
        }
        Command::Tick { orders } => Ok(watch::tick(complaint, orders, now)),
        Command::TakeInHand { kind, due, by } => watch::take_in_hand(complaint, *kind, *due, by, now),
        Command::Ladder { command, by } => watch::command(complaint, command, by, now),
        Command::Anonymise => {
            if complaint.answered.is_none() {
                return Err(Refusal::NotAnswered);
            }
            let survives =
                Complaint { about: None, stage: Stage::Anonymised, ladders: Vec::new(), ..complaint.clone() };
            Ok(vec![Event::Anonymised { survives: Box::new(survives), at: now }])
        }
    }
}

fn logged(log: &Log, now: Moment) -> Result<Vec<Event>, Refusal> {
    if log.received_at > now {
        return Err(Refusal::InFuture);
    }
    Ok(vec![Event::Logged {
        id: log.id,
        reference: log.reference.clone(),
        received_at: log.received_at,
        channel: log.channel,
        category: log.category,
        about: log.about.clone(),
        incident: log.incident,
        due: log.due,
        at: now,
        by: log.by.clone(),
    }])
}

/// The state after a stream of events; `None` when there were none.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<Complaint> {
    events.into_iter().fold(None, evolve)
}

/// The state after one more event. Total: it only records.
#[must_use]
pub fn evolve(state: Option<Complaint>, event: &Event) -> Option<Complaint> {
    match event {
        Event::Logged { id, reference, received_at, channel, category, about, incident, due, .. } => Some(Complaint {
            id: *id,
            reference: reference.clone(),
            received_at: *received_at,
            channel: *channel,
            category: *category,
            about: Some(about.clone()),
            incident: *incident,
            due: *due,
            stage: Stage::Received,
            acknowledged_at: None,
            answered: None,
            notes: 0,
            overdue: Vec::new(),
            ladders: Vec::new(),
        }),
        Event::Acknowledged { acknowledged_at, .. } => state.map(|complaint| Complaint {
            acknowledged_at: Some(*acknowledged_at),
            stage: Stage::Acknowledged,
            ..complaint
        }),
        Event::Noted { .. } => {
            state.map(|complaint| Complaint { notes: complaint.notes.saturating_add(1), ..complaint })
        }
        Event::Answered { answered_at, outcome, .. } => state.map(|complaint| Complaint {
            answered: Some((*answered_at, *outcome)),
            stage: Stage::Answered,
            ..complaint
        }),
        Event::BecameOverdue { kind, .. } => state.map(|mut complaint| {
            complaint.overdue.push(*kind);
            complaint
        }),
        Event::StepFired { kind, due, offset_minutes, reached, .. } => {
            state.map(|complaint| complaint.climbed(*kind, *due, |ladder| ladder.fire(*offset_minutes, reached)))
        }
        Event::TakenInHand { kind, due, at, by } => {
            state.map(|complaint| complaint.climbed(*kind, *due, |ladder| ladder.take(by, *at)))
        }
        Event::Ladder { change, by, .. } => {
            state.map(|complaint| complaint.climbed(change.kind(), change.due(), |ladder| ladder.change(change, by)))
        }
        Event::Anonymised { survives, .. } => Some((**survives).clone()),
    }
}

impl Complaint {
    /// Whether a promise or duty is still to be kept.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self.stage {
            Stage::Received | Stage::Acknowledged => true,
            Stage::Answered | Stage::Anonymised => false,
        }
    }

    /// When they first heard of us: an answer acknowledges too.
    #[must_use]
    pub fn first_word_at(&self) -> Option<Moment> {
        self.acknowledged_at.or_else(|| self.answered.map(|(at, _)| at))
    }

    /// The earliest instant by which something still has to be done; alarms use it. `None` when nothing has one.
    #[must_use]
    pub fn next_due(&self) -> Option<Moment> {
        let first_word = [self.due.acknowledgement.map(|limits| limits.alarm), self.due.promised_acknowledgement];
        let first_word = first_word.into_iter().flatten().filter(|_| self.first_word_at().is_none());
        let answer = self.due.promised_answer.filter(|_| self.answered.is_none());
        first_word.chain(answer).min()
    }

    /// How the acknowledgement stands against the law, done or by now. `None` where the law asked for none.
    #[must_use]
    pub fn acknowledgement_in_law(&self, now: Moment) -> Option<Timeliness> {
        let limits = self.due.acknowledgement?;
        Some(limits.timeliness(self.first_word_at().unwrap_or(now)))
    }
}
