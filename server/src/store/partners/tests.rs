//! The directory keeps what it is told and forgets no version.

#![expect(clippy::unwrap_used, reason = "tests")]

use domain::facts::Contact;
use domain::report::Organisation;
use domain::values::Actor;

use super::*;
use crate::store::projections::samples::{add_partner, line, partner_id};
use crate::store::schema::inbound;
use crate::store::testing::{at, both};

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
    /// What stands between two people's steps lies sealed and comes back; a new ceremony starts without it, another
    /// identity without manifest, numbers and witnesses of the one before, whose history stays.
    ceremony, |store| {
        store.write::<_, StoreError>(at(5), |turn| {
            let id = partner_id(1);
            add_partner(turn, 1, PartnerState::Listed)?;
            let card = |identity: &str| NewCard {
                issuer: "https://partner-1.example".to_owned(),
                identity_thumbprint: identity.to_owned(),
                identity_x: "x".to_owned(),
                push_url: None,
                keys_url: "https://partner-1.example/jwks.jwt".to_owned(),
                token: format!("card of {identity}"),
            };
            start_ceremony(turn, id, &card("first"), true)?;
            set_manifest(turn, id, 1, "manifest 1", at(6))?;
            let typed = Checked {
                typed_by: Actor::Console,
                channel: line("telephone"),
                with_whom: line("Xyzzy Planted"),
                at: at(5),
                identity: "first".to_owned(),
                confirmed: None,
            };
            set_checked(turn, id, Some(&typed))?;
            set_wrong_digits(turn, id, 2)?;
            set_later_card(turn, id, Some("later"))?;
            assert_eq!(checked(turn.rows(), id)?, Some(typed));
            let found = by_id(turn.rows(), id)?.unwrap();
            assert_eq!((found.wrong_digits, found.later_card.as_deref()), (2, Some("later")));

            start_ceremony(turn, id, &card("first"), false)?;
            let found = by_id(turn.rows(), id)?.unwrap();
            assert_eq!((found.wrong_digits, found.later_card, found.manifest_version), (2, None, Some(1)));
            assert_eq!((found.state, checked(turn.rows(), id)?), (PartnerState::Imported, None));

            inbound_at(turn, id, 7)?;
            start_sequence_anew(turn, id)?;
            start_ceremony(turn, id, &card("second"), true)?;
            let found = by_id(turn.rows(), id)?.unwrap();
            assert_eq!((found.wrong_digits, found.manifest_version, found.manifest), (0, None, None));
            assert_eq!(found.identity_thumbprint.as_deref(), Some("second"));
            let held: i64 = inbound::table.count().get_result(turn.rows().db)?;
            assert_eq!(held, 0);
            set_manifest(turn, id, 1, "manifest 1 of the second", at(7))?;
            start_ceremony(turn, id, &card("first"), true)?;
            set_manifest(turn, id, 1, "manifest 1", at(8))?;
            let kept: i64 = manifests_by_identity::table.count().get_result(turn.rows().db)?;
            assert_eq!(kept, 2, "each once");
            Ok(())
        }).await.unwrap();
        if let Some(octets) = store.octets() {
            assert!(!octets.windows(13).any(|window| window == b"Xyzzy Planted"));
        }
    }
);

fn inbound_at(turn: &mut Turn<'_>, id: PartnerId, head: i64) -> Result<(), StoreError> {
    diesel::insert_into(inbound::table)
        .values((inbound::partner_id.eq(id.as_bytes().as_slice()), inbound::head_seq.eq(head), inbound::missing.eq("")))
        .execute(turn.rows().db)?;
    Ok(())
}

both!(
    /// Our keys, documents and organisation come back as they were given.
    ourselves, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
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
