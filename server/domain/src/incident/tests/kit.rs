//! Plain values to build stories from.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::arrangement::{ArrangementRef, OurRole, Owed, Terms, Trigger};
use crate::clock::{ClockChange, ClockKind};
use crate::facts::tests::nothing_known;
use crate::facts::{Contact, Facts, IncidentKind, Occurred, Precision};
use crate::incident::assessment::{self, Assess, Chosen, ChosenContext, Picked};
use crate::incident::decision::{self, Ask};
use crate::incident::{
    Awareness, Command, Decision, Event, Incident, Log, Outstanding, Refusal, Rules, Seen, decide, evolve, fold, report,
};
use crate::ladder::Plans;
use crate::report::{About, Organisation, Standing, Submission};
use crate::self_assessment::{self, Given};
use crate::severity::{
    Availability, Confidentiality, DataContext, Ease, Identifier, IdentifierChoice, Integrity, Intent,
};
use crate::suggestion::Asked;
use crate::values::{
    Actor, ArrangementId, CaseId, Digest32, ExchangeId, Hours, IncidentId, Known, Line, LongText, Moment, PartnerId,
    PersonId, Role, ServiceId, Title,
};

/// When the circumstances of most stories began to be known.
pub(crate) const AWARE: &str = "2026-03-03T02:10:00Z";
/// When most stories are logged.
pub(crate) const LOGGED: &str = "2026-03-03T03:00:00Z";

pub(crate) fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

/// Hours after [`AWARE`].
pub(crate) fn hour(hours: i64) -> Moment {
    at(AWARE).plus_seconds(hours * 3_600)
}

pub(crate) fn line(text: &str) -> Line {
    Line::parse(text).unwrap()
}

pub(crate) fn long(text: &str) -> LongText {
    LongText::parse(text).unwrap()
}

pub(crate) fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub(crate) fn incident_id() -> IncidentId {
    IncidentId::from_uuid(uuid(1))
}

pub(crate) fn exchange_id(n: usize) -> ExchangeId {
    ExchangeId::from_uuid(uuid(0xe000_0000 + n as u128))
}

pub(crate) fn partner_id(n: usize) -> PartnerId {
    PartnerId::from_uuid(uuid(0xb000_0000 + n as u128))
}

pub(crate) fn case_id(n: usize) -> CaseId {
    CaseId::from_uuid(uuid(0xc000_0000 + n as u128))
}

pub(crate) fn person(n: u128, role: Role) -> Actor {
    Actor::Person { id: PersonId::from_uuid(uuid(0xa000 + n)), name: line(&format!("Person {n}")), role, through: None }
}

pub(crate) fn responder() -> Actor {
    person(1, Role::Responder)
}

pub(crate) fn dpo(n: u128) -> Actor {
    person(10 + n, Role::Dpo)
}

/// Ourselves, as reports name us.
pub(crate) fn about() -> Box<About> {
    let contact = Contact {
        role: line("Security lead"),
        email: Some(line("security@example.org")),
        phone: Some(line("020 7946 0000")),
        out_of_hours: None,
    };
    let organisation = Organisation {
        name: line("Example Borough Council"),
        contact,
        dpo: None,
        address: None,
        ico_registration: None,
        sector: None,
    };
    Box::new(About { organisation, standing: Standing::default() })
}

/// Records that a report was submitted.
pub(crate) fn recorded(submission: Submission, by: Actor) -> Command {
    Command::Report {
        command: report::Command::File { submission, proof: None, sent: report::Sent::default(), about: about() },
        by,
    }
}

pub(crate) fn terms() -> Terms {
    Terms {
        notice_hours: Some(Hours::CONTRACT),
        acknowledgement_hours: Hours::ACKNOWLEDGEMENT,
        our_role: OurRole::JointController,
        trigger: Trigger::BreachOrCircumstances,
        arrangements: vec![ArrangementRef {
            id: ArrangementId::from_uuid(uuid(0xd0)),
            version: 3,
            digest: Digest32::of(b"terms"),
            title: line("Data sharing and security agreement"),
            ico_lead: None,
        }],
    }
}

pub(crate) fn owed(n: usize) -> Owed {
    Owed {
        partner: partner_id(n),
        terms: terms(),
        exchange: exchange_id(n),
        case: case_id(n),
        reference: line(&format!("R-{n}")),
    }
}

pub(crate) fn facts() -> Facts {
    Facts {
        title: Title::parse("Mailbox of a case worker opened by a third party").unwrap(),
        summary: long("A mailbox was opened from an unknown address."),
        aware_basis: long("The analyst on duty confirmed the sign-in."),
        ..nothing_known()
    }
}

/// The same facts with another summary.
pub(crate) fn newer_facts(summary: &str) -> Box<Facts> {
    Box::new(Facts { summary: long(summary), ..facts() })
}

pub(crate) fn occurring(from: &str, precision: Precision) -> Facts {
    Facts { occurred: Known::Known(Occurred { from: at(from), to: None, precision }), ..facts() }
}

/// A breach, or circumstances, known since [`AWARE`] and owed to this many partners.
pub(crate) fn log(kind: IncidentKind, partners: usize) -> Log {
    let aware = Some(at(AWARE));
    let awareness = match kind {
        IncidentKind::Breach => Awareness { circumstances: None, breach: aware },
        IncidentKind::LikelyToGiveRise | IncidentKind::UnderInvestigation => {
            Awareness { circumstances: aware, breach: None }
        }
    };
    Log {
        id: incident_id(),
        reference: line("TC-2026-0042"),
        kind,
        exercise: false,
        facts: facts(),
        awareness,
        old_reason: None,
        services: BTreeSet::from([ServiceId::from_uuid(uuid(0x50))]),
        owed: (0..partners).map(owed).collect(),
        hold: false,
        opened_from: None,
        rules: Rules::default(),
        plans: Plans::default(),
        by: responder(),
    }
}

/// An assessment of what [`facts`] leave open, of everyday data that next to nobody can be recognised by.
pub(crate) fn chosen() -> Chosen {
    fn picked<T>(value: T) -> Picked<T> {
        Picked { value: Some(value), reason: Some(long("Weighed by the team.")) }
    }
    Chosen {
        contexts: vec![ChosenContext {
            context: DataContext::Simple,
            step: None,
            reason: Some(long("Weighed: names.")),
        }],
        identifiers: vec![IdentifierChoice {
            identifier: Identifier::FullName,
            ease: Ease::Limited,
            reason: long("Weighed: few share these names."),
        }],
        confidentiality: picked(Confidentiality::KnownRecipients),
        integrity: picked(Integrity::NotAffected),
        availability: picked(Availability::NotAffected),
        intent: picked(Intent::NoneKnown),
    }
}

pub(crate) fn answers(last: self_assessment::Answer) -> Vec<Given> {
    use self_assessment::{Answer, Question};
    let given = [(Question::PersonalData, Answer::Yes), (Question::Breach, Answer::Yes), (Question::Risk, last)];
    given.map(|(question, answer)| Given { question, answer, reason: long("Weighed.") }).to_vec()
}

/// An assessment of the incident as it stands.
pub(crate) fn assess(incident: &Incident, by: Actor) -> Command {
    let assess = Assess {
        seen: Seen::of(incident),
        asked: Asked::default(),
        chosen: chosen(),
        answers: answers(self_assessment::Answer::NotSure),
        note: Some(long("Weighed on the first day.")),
    };
    Command::Assessment { command: assessment::Command::Assess(Box::new(assess)), by }
}

/// A decision on the incident as it stands.
pub(crate) fn decided(incident: &Incident, ask: Ask, by: Actor) -> Command {
    Command::Decision { command: decision::Command { seen: Seen::of(incident), ask }, by }
}

pub(crate) fn group(kind: ClockKind, due: Moment, anchored_at: Moment, partners: usize) -> Outstanding {
    let first = (0..partners).map(partner_id).collect();
    Outstanding { kind, due, anchored_at, partners: u32::try_from(partners).unwrap(), first }
}

/// One incident's stream, kept state by state.
#[derive(Clone, Default)]
pub(crate) struct Story {
    pub(crate) state: Option<Incident>,
    pub(crate) events: Vec<Event>,
}

impl Story {
    pub(crate) fn logged(log: Log) -> Self {
        let mut story = Self::default();
        story.run(&Command::Log(Box::new(log)), at(LOGGED));
        story
    }

    /// A breach owed to this many partners, its first fan-out carried out.
    pub(crate) fn breach(partners: usize) -> Self {
        let mut story = Self::logged(log(IncidentKind::Breach, partners));
        story.advance_all();
        story
    }

    pub(crate) fn circumstances(partners: usize) -> Self {
        let mut story = Self::logged(log(IncidentKind::LikelyToGiveRise, partners));
        story.advance_all();
        story
    }

    pub(crate) fn held(partners: usize) -> Self {
        let mut story = Self::logged(Log { hold: true, ..log(IncidentKind::LikelyToGiveRise, partners) });
        story.advance_all();
        story
    }

    /// Decides, evolves, and holds that folding everything gives the same state.
    pub(crate) fn run(&mut self, command: &Command, now: Moment) -> Decision {
        let decision = decide(self.state.as_ref(), command, now).expect("allowed");
        for event in &decision.events {
            self.state = evolve(self.state.take(), event);
        }
        self.events.extend(decision.events.iter().cloned());
        assert_eq!(fold(&self.events), self.state, "the fold is the state kept step by step");
        decision
    }

    pub(crate) fn refused(&self, command: &Command, now: Moment) -> Refusal {
        decide(self.state.as_ref(), command, now).expect_err("refused")
    }

    pub(crate) fn advance_all(&mut self) -> Vec<(ExchangeId, crate::exchange::Command)> {
        let mut asks = Vec::new();
        while !self.incident().fan_outs.is_empty() {
            asks.extend(self.run(&Command::Advance, at(LOGGED)).asks);
        }
        asks
    }

    pub(crate) fn tick(&mut self, outstanding: &[Outstanding], now: Moment) -> Vec<Event> {
        self.run(&Command::Tick { outstanding: outstanding.to_vec(), orders: Arc::default() }, now).events
    }

    pub(crate) fn incident(&self) -> &Incident {
        self.state.as_ref().unwrap()
    }
}

/// The change of the ICO clock among these events.
pub(crate) fn ico_change(events: &[Event]) -> Option<&ClockChange> {
    events.iter().find_map(|event| match event {
        Event::ClockChanged { kind: ClockKind::IcoReport, change, .. } => Some(change),
        _ => None,
    })
}

/// The JSON of an event is read back as the same event.
pub(crate) fn round_trips<E: Serialize + DeserializeOwned + PartialEq>(event: &E) -> bool {
    let json = serde_json::to_string(event).unwrap();
    serde_json::from_str::<E>(&json).unwrap() == *event
}

/// Compares the golden files of one kind of stream with these events, one of every variant. `names` is every variant.
pub(crate) fn hold_golden<E>(stream: &str, names: &[&str], events: &[(&str, E)])
where
    E: Serialize + DeserializeOwned + PartialEq,
{
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let covered: BTreeSet<&str> = events.iter().map(|(name, _)| *name).collect();
    assert_eq!(covered, names.iter().copied().collect(), "a sample of every variant");
    let mut faults = String::new();
    for (name, event) in events {
        let expected = serde_json::to_string_pretty(event).unwrap() + "\n";
        let path = folder.join(format!("{stream}-{name}.json"));
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        if found != expected {
            faults += &format!("--- {stream}-{name}.json should hold\n{expected}");
            continue;
        }
        let read: E = serde_json::from_str(&found).unwrap();
        assert!(read == *event, "{stream}-{name}.json is read as the event it was written from");
    }
    assert!(faults.is_empty(), "golden files differ; an event's meaning never changes:\n{faults}");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let ours = files.filter(|name| name.starts_with(&format!("{stream}-"))).count();
    assert_eq!(ours, names.len(), "no golden file without its event");
}
