use domain::arrangement::{Terms, Trigger};
use domain::clock::Anchor;
use domain::exchange::{self, Direction};
use domain::facts::{DiscoveryMethod, Facts, IncidentKind};
use domain::incident::{self, Awareness, Incident};
use domain::values::{Actor, CaseId, ExchangeId, IncidentId, Known, Line, LongText, PartnerId, PersonId, Role, Title};

use super::*;
use crate::store::projections::tables::Tables;
use crate::store::{Change, LoggedEvent};

fn incident_id() -> IncidentId {
    IncidentId::from_uuid(id(1))
}

fn exchange_id(n: u128) -> ExchangeId {
    ExchangeId::from_uuid(id(100 + n))
}

fn responder() -> Actor {
    let name = Line::parse("A. Responder").unwrap();
    Actor::Person { id: PersonId::from_uuid(id(9)), name, role: Role::Responder, through: None }
}

fn facts() -> Facts {
    Facts {
        title: Title::parse("A mailbox was opened").unwrap(),
        summary: LongText::parse("By somebody who should not have.").unwrap(),
        occurred: Known::NotYetKnown,
        detected_at: None,
        aware_basis: LongText::parse("The analyst on duty confirmed it.").unwrap(),
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

fn log() -> Vec<incident::Event> {
    let command = incident::Command::Log(Box::new(incident::Log {
        id: incident_id(),
        reference: Line::parse("TC-2026-0001").unwrap(),
        kind: IncidentKind::Breach,
        exercise: false,
        facts: facts(),
        awareness: Awareness { circumstances: None, breach: Some(at(0)) },
        old_reason: None,
        services: [].into(),
        owed: Vec::new(),
        hold: false,
        opened_from: None,
        rules: incident::Rules::default(),
        plans: domain::ladder::Plans::default(),
        by: responder(),
    }));
    incident::decide(None, &command, at(60)).unwrap().events
}

fn open(n: u128) -> Vec<exchange::Event> {
    let command = exchange::Command::Open(Box::new(exchange::Open {
        id: exchange_id(n),
        partner: PartnerId::from_uuid(id(200 + n)),
        case: CaseId::from_uuid(id(300 + n)),
        reference: Line::parse(&format!("R-{n}")).unwrap(),
        incident: incident_id(),
        exercise: false,
        kind: IncidentKind::Breach,
        terms: Terms {
            notice_hours: Some(domain::clock_terms::usual(domain::clock_terms::Duty::PartnerNotice)),
            acknowledgement_hours: domain::clock_terms::usual(domain::clock_terms::Duty::PartnerAcknowledgement),
            our_role: domain::arrangement::OurRole::JointController,
            trigger: Trigger::BreachOrCircumstances,
            arrangements: Vec::new(),
        },
        anchor: Anchor::AwareOfBreach,
        anchored_at: at(0),
        queue: None,
        own_target: None,
    }));
    exchange::decide(None, &command, at(60)).unwrap()
}

fn logged() -> Vec<Change> {
    let mut changes = vec![Change::Incident { id: incident_id(), before: None, events: log() }];
    changes.extend((0..3).map(|n| Change::Exchange { id: exchange_id(n), before: None, events: open(n) }));
    changes
}

/// What a turn sees of the incident and of four exchanges, the last of which there is not.
fn seen(turn: &mut Turn<'_>) -> Result<(Option<Incident>, Vec<Option<PartnerId>>), StoreError> {
    let incident = turn.incident(incident_id())?;
    let ids = [2, 0, 3, 1].map(exchange_id);
    let found = turn.exchanges(&ids)?;
    assert!(found.iter().map(|(id, _)| *id).eq(ids));
    for (_, state) in &found {
        assert!(state.as_ref().is_none_or(|state| state.direction == Direction::Outgoing));
    }
    Ok((incident, found.into_iter().map(|(_, state)| state.map(|state| state.partner)).collect()))
}

both!(
    /// A stream's state is the same whether its events are stored or still buffered in this batch, and states of many
    /// exchanges come in the order asked.
    streams_fold_stored_and_buffered, |store| {
        let expected = incident::fold(&log());
        assert!(expected.is_some());
        let partners: Vec<_> =
            [Some(2), Some(0), None, Some(1)].map(|n| n.map(|n| PartnerId::from_uuid(id(200 + n)))).into();
        let buffered = store.write::<_, StoreError>(at(60), |turn| {
            assert_eq!(turn.incident(incident_id())?, None);
            turn.record(logged())?;
            seen(turn)
        }).await.unwrap();
        assert_eq!(buffered, (expected.clone(), partners.clone()));
        let stored = store.write::<_, StoreError>(at(61), seen).await.unwrap();
        assert_eq!(stored, (expected, partners));
        // One event, one entry, in order; those of exchanges are filed under their incident.
        let entries = store.read(|rows| book::timeline(rows, id(1), None, 100)).await.unwrap();
        let events: Vec<_> = entries.into_iter().rev().map(|entry| entry.entry).collect();
        let mut decided: Vec<_> = log().into_iter().map(LoggedEvent::Incident).collect();
        decided.extend((0..3).flat_map(|n| {
            open(n).into_iter().map(move |event| LoggedEvent::Exchange(exchange_id(n), event))
        }));
        assert_eq!(events, decided);
        whole(&store).await;
    }
);

both!(
    /// What a writer remembers of an incident never hides what another process on the database did to it, nor what was
    /// undone.
    a_remembered_incident_is_as_its_entries_leave_it, |store| {
        let update = |title: &str, version: u32| incident::Command::UpdateFacts {
            facts: Box::new(Facts { title: Title::parse(title).unwrap(), ..facts() }),
            base_version: version,
            by: responder(),
        };
        let record = |turn: &mut Turn<'_>, command: &incident::Command| {
            let before = turn.incident(incident_id())?;
            let events = incident::decide(before.as_ref(), command, turn.now()).unwrap().events;
            turn.record(vec![Change::Incident { id: incident_id(), before, events }])
        };
        let title = |turn: &mut Turn<'_>| Ok::<_, StoreError>(turn.incident(incident_id())?.and_then(|incident| incident.facts).map(|facts| facts.title));
        let other = store.again().unwrap();
        store.write::<_, StoreError>(at(60), |turn| turn.record(logged())).await.unwrap();
        for node in [&*store, &other] {
            assert_eq!(node.write(at(61), title).await.unwrap(), Some(facts().title));
        }
        let first = update("As the other process has it", 1);
        other.write(at(62), move |turn| record(turn, &first)).await.unwrap();
        let undone = update("Never kept", 2);
        let refused = store.write::<(), StoreError>(at(63), move |turn| {
            assert_eq!(title(turn)?.unwrap().as_str(), "As the other process has it");
            record(turn, &undone)?;
            assert_eq!(title(turn)?.unwrap().as_str(), "Never kept");
            Err(StoreError::Busy)
        }).await;
        assert!(refused.is_err());
        for node in [&*store, &other] {
            let known = node.write(at(64), title).await.unwrap().unwrap();
            assert_eq!(known.as_str(), "As the other process has it");
        }
        whole(&store).await;
    }
);

both!(
    /// A refused turn leaves no event behind, neither for the batch nor in the tables.
    refused_events_are_gone, |store| {
        let refused = store.write::<(), StoreError>(at(60), |turn| {
            turn.record(logged())?;
            Err(StoreError::Busy)
        }).await;
        assert!(refused.is_err());
        let (incident, partners) = store.write::<_, StoreError>(at(61), seen).await.unwrap();
        assert_eq!((incident, partners.into_iter().flatten().count()), (None, 0));
        store.write::<_, StoreError>(at(62), |turn| turn.record(logged())).await.unwrap();
        whole(&store).await;
    }
);

both!(
    /// Read tables made again from the event entries alone are the same.
    tables_can_be_made_again, |store| {
        store.write::<_, StoreError>(at(60), |turn| turn.record(logged())).await.unwrap();
        let fresh = TestStore::on_sqlite();
        let replayed = store.rebuild_into(&fresh, at(61)).await.unwrap();
        assert_eq!(replayed, whole(&store).await.0);
        let live = store.read(Tables::read).await.unwrap();
        assert!(!live.is_empty());
        assert_eq!(fresh.read(Tables::read).await.unwrap(), live);
    }
);
