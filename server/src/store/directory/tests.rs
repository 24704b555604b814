//! Records and terms keep every version; nothing of them lies open.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use domain::arrangement::{Arrangement, FallbackContact, Trigger};
use domain::directory::{Party, RecordKind, digest_of};
use domain::values::{AgreementId, ArrangementId, Hours, ServiceId};

use super::*;
use crate::store::StoreError;
use crate::store::projections::samples::{line, partner_id};
use crate::store::testing::{at, both, id};

fn terms_of(version: u32, hours: u16) -> Arrangement {
    Arrangement {
        id: ArrangementId::from_uuid(id(5)),
        version,
        agreement: AgreementId::from_uuid(id(6)),
        agreement_version: 1,
        agreement_title: line("Data sharing"),
        partner: partner_id(1),
        services: [ServiceId::from_uuid(id(7))].into(),
        notice_hours: Some(Hours::new(hours).unwrap()),
        acknowledgement_hours: domain::clock_terms::usual(domain::clock_terms::Duty::PartnerAcknowledgement),
        trigger: Trigger::BreachOrCircumstances,
        ico_lead: None,
        contact_point: None,
        our_role: domain::arrangement::OurRole::JointController,
        contacts: vec![FallbackContact {
            who: line("Duty officer"),
            phone: Some(line("020")),
            out_of_hours: None,
            email: None,
        }],
    }
}

fn party(name: &str) -> Party {
    Party::named("harbour".parse().unwrap(), line(name))
}

fn version(number: u32, name: &str) -> NewRecord {
    NewRecord::of(RecordKind::Party, id(1), number, true, &party(name)).unwrap()
}

both!(
    /// The newest version of terms is current; the others stay; ended ones are found by number only.
    terms, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            insert_arrangements(turn, &[terms_of(1, 48)])?;
            insert_arrangements(turn, &[terms_of(2, 24)])?;
            assert!(matches!(insert_arrangements(turn, &[terms_of(2, 36)]), Err(StoreError::Conflict)));
            assert_eq!(arrangements(turn.rows())?, [terms_of(2, 24)]);
            assert_eq!(arrangements_with(turn.rows(), partner_id(1))?[0].contacts.len(), 1);
            assert_eq!(arrangements_with(turn.rows(), partner_id(2))?, []);
            let first = ArrangementId::from_uuid(id(5));
            assert_eq!(arrangement(turn.rows(), first, 1)?, Some(terms_of(1, 48)));
            assert_eq!(arrangement(turn.rows(), first, 3)?, None);
            retire_arrangement(turn, first)?;
            assert_eq!(arrangements(turn.rows())?, []);
            assert_eq!(arrangement(turn.rows(), first, 2)?, Some(terms_of(2, 24)));
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// A record's newest version is current, the others stay; no name lies open in the file.
    records, |store| {
        store.write::<_, StoreError>(at(3), |turn| {
            keep(turn, &[version(1, "Harbour Council")])?;
            keep(turn, &[version(2, "Harbour District Council")])?;
            assert!(matches!(keep(turn, &[version(2, "Somebody")]), Err(StoreError::Conflict)));
            let found: Vec<Stored<Party>> = current(turn.rows(), RecordKind::Party)?;
            assert_eq!(found.len(), 1);
            assert_eq!((found[0].version, found[0].at), (2, at(3)));
            assert_eq!(found[0].digest, digest_of(&party("Harbour District Council")));
            let all: Vec<Stored<Party>> = versions(turn.rows(), RecordKind::Party, id(1))?;
            assert_eq!(all.iter().map(|stored| stored.version).collect::<Vec<_>>(), [2, 1]);
            let first: Option<Stored<Party>> = version_of(turn.rows(), RecordKind::Party, id(1), 1)?;
            assert_eq!(first.unwrap().record, party("Harbour Council"));
            let other: Vec<Stored<Party>> = current(turn.rows(), RecordKind::Arrangement)?;
            assert_eq!(other, []);
            assert!(is_current(turn.rows(), RecordKind::Party, id(1))?);
            retire(turn, RecordKind::Party, id(1))?;
            assert!(!is_current(turn.rows(), RecordKind::Party, id(1))?);
            Ok(())
        }).await.unwrap();
        assert!(!store.shows("Harbour") && !store.shows("harbour"));
        let guessed = digest_of(&party("Harbour Council"));
        assert!(!store.shows(guessed.as_bytes()), "a guess can't be tried out");
    }
);

both!(
    /// Services stay in the order in which they came, also under another name.
    services_in_order, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            for (number, name) in [(2, "Reports"), (1, "Payments")] {
                insert_service(turn, ServiceId::from_uuid(id(number)), &line(name))?;
            }
            rename_service(turn, ServiceId::from_uuid(id(2)), &line("Street reports"))?;
            let names: Vec<_> = services(turn.rows())?.into_iter().map(|service| service.name.to_string()).collect();
            assert_eq!(names, ["Street reports", "Payments"]);
            Ok(())
        }).await.unwrap();
    }
);
