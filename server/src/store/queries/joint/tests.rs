//! Partners beside each other, as the tables show them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use domain::arrangement::Lead;
use domain::exchange::{self, Hear, HearFiled};
use domain::facts::IncidentKind;
use domain::incident::{self, joint as rules};
use domain::values::{Role, Text};

use super::*;
use crate::store::partners::PartnerState;
use crate::store::projections::samples::{
    acknowledgement, add_partner, advance, exchange_id, incident_id, line, log, long, on_exchange, on_incident, person,
};
use crate::store::testing::{TestStore, at, both, id};
use crate::store::{Turn, projections};

const HOUR: i64 = 3_600;
const PARTNERS: u128 = 130;

fn view(n: u128, text: &str, said_at: Moment) -> exchange::Command {
    exchange::Command::Hear(Box::new(Hear {
        said: Said {
            message: MessageId::from_uuid(id(7_000 + n)),
            kind: MessageKind::View,
            text: long(text),
            re: None,
            due: None,
            received_at: None,
            name: line("R. Example"),
            role: line("dpo"),
            at: said_at,
        },
        exercise: false,
    }))
}

fn filing(n: u128, reference: Option<&str>) -> exchange::Command {
    let reference = reference.map(line);
    let filing = Filing { authority: line("ICO"), at: at(HOUR), reference };
    exchange::Command::HearFiled(Box::new(HearFiled {
        message: MessageId::from_uuid(id(8_000 + n)),
        filing,
        exercise: false,
    }))
}

fn joint(command: rules::Command) -> incident::Command {
    incident::Command::Joint { command, by: person(3, Role::Dpo) }
}

/// An incident that many partners know of, and that we lead on.
fn told(turn: &mut Turn<'_>) -> Result<(), StoreError> {
    for n in 1..=PARTNERS {
        add_partner(turn, n, PartnerState::Active)?;
    }
    assert!(on_incident(turn, 1, &log(1, IncidentKind::Breach, PARTNERS, false))?);
    advance(turn, 1)?;
    let reason = long("We keep the service.");
    assert!(on_incident(turn, 1, &joint(rules::Command::ChooseLead { lead: Lead::Us, reason, told_by: None }))?);
    Ok(())
}

both!(
    /// Asked, silent, not affected and of another view are four things; the list goes on by key to the last partner.
    partners_stand_side_by_side, |store| {
        store.write::<_, StoreError>(at(0), told).await.unwrap();
        store.write::<_, StoreError>(at(HOUR), |turn| {
            let (text, due, role) = (long("Is a risk likely?"), Some(at(9 * HOUR)), line("dpo"));
            assert!(on_incident(turn, 1, &joint(rules::Command::AskViews { text, due, role }))?);
            advance(turn, 1)
        }).await.unwrap();
        store.write::<_, StoreError>(at(2 * HOUR), |turn| {
            assert!(on_exchange(turn, exchange_id(1, 3), &view(1, "We think not.", at(HOUR)))?);
            assert!(on_exchange(turn, exchange_id(1, 4), &acknowledgement(at(HOUR), Stance::NotAffected))?);
            Ok(())
        }).await.unwrap();
        store.write::<_, StoreError>(at(3 * HOUR), |turn| {
            assert!(on_exchange(turn, exchange_id(1, 3), &view(2, "On reflection, yes.", at(2 * HOUR)))?);
            Ok(())
        }).await.unwrap();
        let all = store.read(|rows| {
            let (mut all, mut after) = (Vec::new(), None);
            loop {
                let page = sides(rows, incident_id(1), after, 50)?;
                assert!(page.items.len() <= 50);
                all.extend(page.items);
                after = page.next;
                if after.is_none() {
                    return Ok(all);
                }
            }
        }).await.unwrap();
        assert_eq!(all.len(), usize::try_from(PARTNERS).unwrap());
        assert!(all.is_sorted_by_key(|side| side.partner));
        assert!(all.iter().all(|side| side.asked.as_ref().is_some_and(|asked| asked.due == Some(at(9 * HOUR)))));
        let of = |n: u128| all.iter().find(|side| side.exchange == exchange_id(1, n)).unwrap();
        assert_eq!(of(3).view.as_ref().unwrap().said.text, long("On reflection, yes."));
        assert_eq!((of(4).view.as_ref(), of(4).stance), (None, Some(Stance::NotAffected)));
        assert_eq!((of(5).view.as_ref(), of(5).stance), (None, None));

        let (newest, earlier, known) = store.read(|rows| {
            let newest = views(rows, incident_id(1), at(9 * HOUR), 10)?;
            let earlier = views(rows, incident_id(1), at(2 * HOUR), 10)?;
            let first = MessageId::from_uuid(id(7_001));
            let request = all_asked(rows)?;
            let known = [
                are_views(rows, incident_id(1), &[first, MessageId::from_uuid(id(7_002))])?,
                are_views(rows, incident_id(2), &[first])?,
                are_views(rows, incident_id(1), &[request])?,
                are_views(rows, incident_id(1), &[])?,
            ];
            Ok((newest, earlier, known))
        }).await.unwrap();
        let ids = |views: Vec<(MessageId, PartnerId, Moment)>| views.iter().map(|it| it.0.uuid()).collect::<Vec<_>>();
        assert_eq!((ids(newest), ids(earlier)), (vec![id(7_002)], vec![id(7_001)]));
        assert_eq!(known, [true, false, false, true], "a view of this incident, and nothing else");
    }
);

fn all_asked(rows: &mut Rows<'_>) -> Result<MessageId, StoreError> {
    Ok(sides(rows, incident_id(1), None, 1)?.items[0].asked.as_ref().unwrap().message)
}

both!(
    /// A decision reaches everybody as a message of theirs; tables made again from the record are the same.
    what_was_decided_is_told_and_rebuilt, |store| {
        store.write::<_, StoreError>(at(0), told).await.unwrap();
        store.write::<_, StoreError>(at(HOUR), |turn| {
            let decision = rules::Decide {
                reports: Some(Lead::Us),
                tells: None,
                reasons: Text::parse("Health data.").unwrap(),
                views: Vec::new(),
                role: line("dpo"),
                told_by: None,
            };
            assert!(on_incident(turn, 1, &joint(rules::Command::Decide(Box::new(decision))))?);
            advance(turn, 1)
        }).await.unwrap();
        let page = store.read(|rows| sides(rows, incident_id(1), None, 200)).await.unwrap();
        assert!(page.items.iter().all(|side| side.told.as_ref().is_some_and(|told| !told.carried.is_empty())));
        let fresh = TestStore::on_sqlite();
        store.rebuild_into(&fresh, at(10_000_000)).await.unwrap();
        let read = projections::tables::Tables::read;
        assert!(fresh.read(read).await.unwrap() == store.read(read).await.unwrap());
    }
);

both!(
    /// Who told us of a report is found by incident and by exchange, their last word first; the rest are counted.
    reports_of_partners_are_found, |store| {
        store.write::<_, StoreError>(at(0), told).await.unwrap();
        let none = store.read(|rows| filed(rows, FiledAbout::Incident(incident_id(1)), 2)).await.unwrap();
        assert_eq!(none, (Vec::new(), 0));
        store.write::<_, StoreError>(at(2 * HOUR), |turn| {
            for n in 3..=5 {
                assert!(on_exchange(turn, exchange_id(1, n), &filing(n, Some("IC-1")))?);
            }
            assert!(on_exchange(turn, exchange_id(1, 3), &filing(30, None))?);
            Ok(())
        }).await.unwrap();
        let (told, all) = store.read(|rows| filed(rows, FiledAbout::Incident(incident_id(1)), 2)).await.unwrap();
        assert_eq!((told.len(), all), (3, 3), "two partners with all they said, of three");
        let (told, all) = store.read(|rows| filed(rows, FiledAbout::Exchange(exchange_id(1, 3)), 1)).await.unwrap();
        let standings: Vec<Standing> = told.iter().map(|filed| filed.standing).collect();
        assert_eq!((standings, all), (vec![Standing::NoReference, Standing::Replaced], 1));
        assert_eq!(told[0].partner_name, "Partner 3");
    }
);
