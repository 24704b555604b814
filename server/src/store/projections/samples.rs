//! Streams for the tests of the tables: an incident that owes numbered partners, decided by the rules themselves.

#![expect(clippy::unwrap_used, reason = "tests")]

use domain::arrangement::{Owed, Terms, Trigger};
use domain::exchange::{self, Acknowledgement, Stance};
use domain::facts::{Contact, DiscoveryMethod, Facts, IncidentKind};
use domain::incident::{self, Awareness};
use domain::report::{About, Organisation, Standing, Submission};
use domain::values::{
    Actor, CaseId, Digest32, ExchangeId, Hours, IncidentId, Known, Line, LongText, MessageId, Moment, PartnerId,
    PersonId, Role, Title,
};

use crate::store::partners::{self, NewPartner, PartnerState};
use crate::store::testing::{at, id};
use crate::store::{Change, StoreError, Turn};

pub(in crate::store) fn incident_id(n: u128) -> IncidentId {
    IncidentId::from_uuid(id(n))
}

pub(in crate::store) fn partner_id(n: u128) -> PartnerId {
    PartnerId::from_uuid(id(1_000_000 + n))
}

/// The exchange of one incident with one partner.
pub(in crate::store) fn exchange_id(incident: u128, partner: u128) -> ExchangeId {
    ExchangeId::from_uuid(id(2_000_000 + incident * 10_000 + partner))
}

/// The message that carries a revision of its notice.
pub(in crate::store) fn notice_id(incident: u128, partner: u128, revision: u32) -> MessageId {
    MessageId::derive(exchange_id(incident, partner), "notice", revision)
}

pub(in crate::store) fn line(text: &str) -> Line {
    Line::parse(text).unwrap()
}

pub(in crate::store) fn long(text: &str) -> LongText {
    LongText::parse(text).unwrap()
}

pub(in crate::store) fn person(n: u128, role: Role) -> Actor {
    Actor::Person { id: PersonId::from_uuid(id(9_000 + n)), name: line(&format!("Person {n}")), role, through: None }
}

pub(in crate::store) fn responder() -> Actor {
    person(1, Role::Responder)
}

pub(in crate::store) fn facts(title: &str) -> Facts {
    Facts {
        title: Title::parse(title).unwrap(),
        summary: long("By somebody who should not have."),
        occurred: Known::NotYetKnown,
        detected_at: None,
        aware_basis: long("The analyst on duty confirmed it."),
        discovery_method: DiscoveryMethod::OwnDetection,
        nature: Known::NotYetKnown,
        ongoing: Known::NotYetKnown,
        cause: Known::NotYetKnown,
        ico_category: Known::NotYetKnown,
        data_unintelligible: Known::NotYetKnown,
        recipients_of_data: Known::NotYetKnown,
        data_categories: Known::NotYetKnown,
        subject_categories: Known::NotYetKnown,
        data_subjects: Known::NotYetKnown,
        records: Known::NotYetKnown,
        likely_consequences: Known::NotYetKnown,
        actual_harm: None,
        risk_view: Known::NotYetKnown,
        containment: Known::NotYetKnown,
        mitigation: Known::NotYetKnown,
        asked_of_recipient: None,
        notified_late_reason: None,
    }
}

fn owed(incident: u128, partner: u128) -> Owed {
    Owed {
        partner: partner_id(partner),
        terms: Terms {
            notice_hours: Hours::new(if partner.is_multiple_of(3) { 24 } else { 48 }).ok(),
            acknowledgement_hours: domain::clock_terms::usual(domain::clock_terms::Duty::PartnerAcknowledgement),
            our_role: domain::arrangement::OurRole::JointController,
            trigger: Trigger::BreachOrCircumstances,
            arrangements: Vec::new(),
        },
        exchange: exchange_id(incident, partner),
        case: CaseId::from_uuid(id(3_000_000 + incident * 10_000 + partner)),
        reference: line(&format!("R-{incident}-{partner}")),
    }
}

/// An incident of which we became aware at the start of the tests' time. Every third partner has 24 hours, others 48.
pub(in crate::store) fn log(n: u128, kind: IncidentKind, partners: u128, hold: bool) -> incident::Command {
    let awareness = match kind {
        IncidentKind::Breach => Awareness { circumstances: None, breach: Some(at(0)) },
        IncidentKind::LikelyToGiveRise | IncidentKind::UnderInvestigation => {
            Awareness { circumstances: Some(at(0)), breach: None }
        }
    };
    incident::Command::Log(Box::new(incident::Log {
        id: incident_id(n),
        reference: line(&format!("TC-2026-{n:04}")),
        kind,
        exercise: false,
        facts: facts("A mailbox was opened"),
        awareness,
        old_reason: None,
        services: [].into(),
        owed: (1..=partners).map(|partner| owed(n, partner)).collect(),
        hold,
        opened_from: None,
        rules: incident::Rules::default(),
        plans: domain::ladder::Plans::default(),
        by: responder(),
    }))
}

/// What a command on an incident changes, with everything that it asks of exchanges; `None` when it is refused.
pub(in crate::store) fn decided(
    turn: &mut Turn<'_>,
    n: u128,
    command: &incident::Command,
) -> Result<Option<Vec<Change>>, StoreError> {
    let before = turn.incident(incident_id(n))?;
    let Ok(decision) = incident::decide(before.as_ref(), command, turn.now()) else { return Ok(None) };
    let mut changes = vec![Change::Incident { id: incident_id(n), before, events: decision.events }];
    for (id, ask) in decision.asks {
        let before = turn.exchange(id)?;
        if let Ok(events) = exchange::decide(before.as_ref(), &ask, turn.now()) {
            changes.push(Change::Exchange { id, before, events });
        }
    }
    Ok(Some(changes))
}

/// Decides and records; answers whether it was allowed.
pub(in crate::store) fn on_incident(
    turn: &mut Turn<'_>,
    n: u128,
    command: &incident::Command,
) -> Result<bool, StoreError> {
    let Some(changes) = decided(turn, n, command)? else { return Ok(false) };
    turn.record(changes)?;
    Ok(true)
}

/// Carries every fan-out out.
pub(in crate::store) fn advance(turn: &mut Turn<'_>, n: u128) -> Result<(), StoreError> {
    while turn.incident(incident_id(n))?.is_some_and(|incident| !incident.fan_outs.is_empty()) {
        assert!(on_incident(turn, n, &incident::Command::Advance)?, "a fan-out advances");
    }
    Ok(())
}

/// Decides and records; answers whether it was allowed.
pub(in crate::store) fn on_exchange(
    turn: &mut Turn<'_>,
    id: ExchangeId,
    command: &exchange::Command,
) -> Result<bool, StoreError> {
    let before = turn.exchange(id)?;
    let Ok(events) = exchange::decide(before.as_ref(), command, turn.now()) else { return Ok(false) };
    turn.record(vec![Change::Exchange { id, before, events }])?;
    Ok(true)
}

pub(in crate::store) fn receipt(message: MessageId, toe: Moment) -> exchange::Command {
    exchange::Command::RecordReceipt { message, toe, receipt_sha256: Digest32::of(b"a receipt") }
}

pub(in crate::store) fn acknowledgement(at: Moment, stance: Stance) -> exchange::Command {
    exchange::Command::RecordAcknowledgement {
        acknowledgement: Acknowledgement {
            revision_seen: 1,
            stance,
            reference: Some(line("B-7")),
            name: line("R. Example"),
            role: line("data_protection_officer"),
            at,
            by_link: false,
            deleted: false,
        },
        message: MessageId::from_uuid(id(77)),
    }
}

/// A partner whose pairing stands there.
pub(in crate::store) fn add_partner(turn: &mut Turn<'_>, n: u128, state: PartnerState) -> Result<(), StoreError> {
    let new = NewPartner {
        id: partner_id(n),
        issuer: Some(format!("https://partner-{n}.example")),
        name: line(&format!("Partner {n}")),
        identity_thumbprint: None,
        identity_x: None,
        push_url: Some(format!("https://partner-{n}.example/ssf/events")),
        keys_url: Some(format!("https://partner-{n}.example/jwks.jwt")),
        card: None,
    };
    partners::insert(turn, &new)?;
    partners::set_state(turn, partner_id(n), state)
}

/// Records that a report was submitted.
pub(in crate::store) fn submitted(submission: Submission, by: Actor) -> incident::Command {
    let contact = Contact { role: line("Security lead"), email: None, phone: None, out_of_hours: None };
    let organisation =
        Organisation { name: line("Example"), contact, dpo: None, address: None, ico_registration: None, sector: None };
    let about = Box::new(About { organisation, standing: Standing::default() });
    incident::Command::Report {
        command: incident::report::Command::File {
            submission,
            proof: None,
            sent: incident::report::Sent::default(),
            about,
        },
        by,
    }
}
