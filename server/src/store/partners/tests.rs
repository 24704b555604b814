//! The directory keeps what it is told and forgets no version.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use domain::arrangement::{FallbackContact, Trigger};
use domain::facts::Contact;
use domain::report::Organisation;
use domain::values::{AgreementId, ArrangementId, Hours};

use super::*;
use crate::store::projections::samples::{add_partner, line, partner_id};
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
        notice_hours: Hours::new(hours).unwrap(),
        acknowledgement_hours: Hours::ACKNOWLEDGEMENT,
        trigger: Trigger::BreachOrCircumstances,
        contacts: vec![FallbackContact {
            who: line("Duty officer"),
            phone: Some(line("020")),
            out_of_hours: None,
            email: None,
        }],
    }
}

both!(
    /// A partner is found by issuer and id; its name lies sealed; state, card and manifest change.
    directory, |store| {
        store.write::<_, StoreError>(at(5), |turn| {
            add_partner(turn, 1, PartnerState::Verified)?;
            assert!(matches!(add_partner(turn, 1, PartnerState::Active), Err(StoreError::Conflict)));
            let found = by_issuer(turn.rows(), "https://partner-1.example")?.unwrap();
            assert_eq!((found.id, found.name.as_str(), found.state), (partner_id(1), "Partner 1", PartnerState::Verified));
            assert_eq!((found.added_at, found.verified_at), (at(5), Some(at(5))));
            assert_eq!(by_issuer(turn.rows(), "https://PARTNER-1.example")?, None);
            assert_eq!(stale_manifests(turn.rows(), at(0), 9)?.len(), 1);
            set_manifest(turn, partner_id(1), 1, "manifest 1", at(6))?;
            set_manifest(turn, partner_id(1), 2, "manifest 2", at(7))?;
            assert_eq!(stale_manifests(turn.rows(), at(7), 9)?.len(), 0);
            set_manifest_looked_at(turn, partner_id(1), at(8))?;
            set_card(turn, partner_id(1), &line("Partner One"), "card")?;
            set_exceptions(turn, partner_id(1), &["10.0.0.0/8".to_owned()])?;
            let found = by_id(turn.rows(), partner_id(1))?.unwrap();
            assert_eq!((found.manifest_version, found.manifest.as_deref()), (Some(2), Some("manifest 2")));
            assert_eq!((found.manifest_fetched_at, found.card.as_deref()), (Some(at(8)), Some("card")));
            assert_eq!((found.name.as_str(), found.exceptions), ("Partner One", vec!["10.0.0.0/8".to_owned()]));
            let kept: i64 = manifests_by_identity::table.count().get_result(turn.rows().db)?;
            assert_eq!((kept, all(turn.rows())?.len()), (2, 1));
            Ok(())
        }).await.unwrap();
        if let Some(octets) = store.octets() {
            assert!(!octets.windows(11).any(|window| window == b"Partner One"));
        }
    }
);

both!(
    /// The newest version of terms is current; the others stay.
    terms, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            insert_arrangement(turn, &terms_of(1, 48))?;
            insert_arrangement(turn, &terms_of(2, 24))?;
            assert!(matches!(insert_arrangement(turn, &terms_of(2, 36)), Err(StoreError::Conflict)));
            assert_eq!(arrangements(turn.rows())?, [terms_of(2, 24)]);
            assert_eq!(arrangements_with(turn.rows(), partner_id(1))?[0].contacts.len(), 1);
            assert_eq!(arrangements_with(turn.rows(), partner_id(2))?, []);
            let first = ArrangementId::from_uuid(id(5));
            assert_eq!(arrangement(turn.rows(), first, 1)?, Some(terms_of(1, 48)));
            assert_eq!(arrangement(turn.rows(), first, 3)?, None);
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// Services in order; our keys, documents and organisation come back as they were given.
    ourselves, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            for (number, name) in [(2, "Reports"), (1, "Payments")] {
                insert_service(turn, ServiceId::from_uuid(id(number)), &line(name))?;
            }
            let names: Vec<_> = services(turn.rows())?.into_iter().map(|service| service.name.to_string()).collect();
            assert_eq!(names, ["Reports", "Payments"]);
            keep_own_key(turn, KeyPurpose::Set, "kid 1", b"seed 1", at(0), at(9))?;
            keep_own_key(turn, KeyPurpose::Set, "kid 2", b"seed 2", at(5), at(19))?;
            let key = own_key(turn.rows(), KeyPurpose::Set)?.unwrap();
            assert_eq!((key.kid.as_str(), key.seed.as_slice(), key.valid_until), ("kid 2", b"seed 2".as_slice(), at(19)));
            assert!(own_key(turn.rows(), KeyPurpose::Log)?.is_none());
            keep_own_document(turn, "card", 1, "one")?;
            keep_own_document(turn, "card", 2, "two")?;
            assert_eq!(own_document(turn.rows(), "card")?.as_deref(), Some("two"));
            assert_eq!(own_document(turn.rows(), "manifest")?, None);
            assert_eq!(organisation(turn.rows())?, None);
            let contact = Contact { role: line("DPO"), email: None, phone: None, out_of_hours: None };
            let mut ours = Organisation {
                name: line("Us"),
                contact,
                dpo: None,
                address: None,
                ico_registration: None,
                sector: None,
            };
            set_organisation(turn, &ours)?;
            ours.name = line("Still us");
            set_organisation(turn, &ours)?;
            assert_eq!(organisation(turn.rows())?, Some(ours));
            Ok(())
        }).await.unwrap();
    }
);
