//! The directory keeps what it is told and forgets no version.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

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
            set_card(turn, partner_id(1), &line("Partner One"), "card of one")?;
            set_exceptions(turn, partner_id(1), &["10.0.0.0/8".to_owned()])?;
            let found = by_id(turn.rows(), partner_id(1))?.unwrap();
            assert_eq!((found.manifest_version, found.manifest.as_deref()), (Some(2), Some("manifest 2")));
            assert_eq!((found.manifest_fetched_at, found.card.as_deref()), (Some(at(8)), Some("card of one")));
            assert_eq!((found.name.as_str(), found.exceptions), ("Partner One", vec!["10.0.0.0/8".to_owned()]));
            let kept: i64 = manifests_by_identity::table.count().get_result(turn.rows().db)?;
            assert_eq!((kept, all(turn.rows())?.len()), (2, 1));
            Ok(())
        }).await.unwrap();
        for planted in ["Partner One", "manifest 1", "manifest 2", "card of one"] {
            assert!(!store.shows(planted), "{planted}");
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
            set_later_card(turn, id, Some("later card"))?;
            assert_eq!(checked(turn.rows(), id)?, Some(typed));
            let found = by_id(turn.rows(), id)?.unwrap();
            assert_eq!((found.wrong_digits, found.later_card.as_deref()), (2, Some("later card")));

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
        for planted in ["Xyzzy Planted", "card of first", "manifest 1", "later card"] {
            assert!(!store.shows(planted), "{planted}");
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
            keep_own_document(turn, "card", 1, "document one")?;
            keep_own_document(turn, "card", 2, "document two")?;
            assert_eq!(own_document(turn.rows(), "card")?.as_deref(), Some("document two"));
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

both!(
    /// Aim: documents that the first version kept plain are read as they are, lie sealed once the store was opened, whatever
    /// their number, and are read as before; one moved to another row does not open.
    earlier_documents_are_sealed_on_opening, |store| {
        const MANY: i64 = 230;
        store.write::<_, StoreError>(at(5), |turn| add_partner(turn, 1, PartnerState::Active)).await.unwrap();
        let token = "eyJhbGciOiJFZERTQSJ9.planted-payload.c2ln";
        store.tamper(&format!("UPDATE partners SET card = '{token}1', later_card = '{token}2', manifest = '{token}3'"));
        let id = if store.url().starts_with("sqlite:") { "X'01'" } else { "'\\x01'::bytea" };
        for version in 1..=MANY {
            store.tamper(&format!("INSERT INTO manifests_by_identity (partner_id, identity, version, token, taken_at) \
                                   VALUES ({id}, 'kid', {version}, '{token}', 0)"));
        }
        store.tamper(&format!("INSERT INTO own_documents (kind, version, token, at) VALUES ('card', 7, '{token}4', 0)"));
        let read = |rows: &mut Rows<'_>| Ok((by_id(rows, partner_id(1))?.unwrap(), own_document(rows, "card")?));
        let plain = store.read(read).await.unwrap();
        assert_eq!(plain.0.card, Some(format!("{token}1")));
        assert!(store.shows("planted-payload"));

        let again = store.again().unwrap();
        assert!(!store.shows("planted-payload"));
        assert_eq!(again.read(read).await.unwrap(), plain);
        assert_eq!((plain.0.later_card, plain.0.manifest), (Some(format!("{token}2")), Some(format!("{token}3"))));
        assert_eq!(plain.1, Some(format!("{token}4")));
        let taken = again.read(|rows| {
            let all = manifests_by_identity::table.select((
                manifests_by_identity::partner_id,
                manifests_by_identity::identity,
                manifests_by_identity::version,
                manifests_by_identity::token,
            ));
            let all: Vec<(Vec<u8>, String, i64, String)> = all.load(rows.db)?;
            let opened = all.into_iter().map(|(partner, identity, version, sealed)| {
                signed::opened(rows, TAKEN, &manifest_row(&partner, &identity, version), Some(sealed))
            });
            opened.collect::<Result<Vec<_>, _>>()
        });
        let taken = taken.await.unwrap();
        assert_eq!(taken, vec![Some(token.to_owned()); usize::try_from(MANY).unwrap()]);

        store.tamper("UPDATE partners SET card = later_card");
        let moved = store.read(|rows| by_id(rows, partner_id(1))).await;
        assert!(matches!(moved, Err(StoreError::Corrupt { .. })), "{moved:?}");
    }
);

both!(
    /// Aim: the mark of a card stays while the card does, whatever else is written, and changes with each card, the same
    /// words included; only who is verified or active, and has a card, has one.
    marks_of_cards, |store| {
        store.write::<_, StoreError>(at(5), |turn| {
            add_partner(turn, 1, PartnerState::Active)?;
            assert_eq!(card_marks(turn.rows())?, [], "no card");
            set_card(turn, partner_id(1), &line("Partner One"), "card of one")?;
            add_partner(turn, 2, PartnerState::Verified)?;
            set_card(turn, partner_id(2), &line("Partner Two"), "card of one")?;
            let first = card_marks(turn.rows())?;
            assert_eq!(first.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [partner_id(1), partner_id(2)]);
            assert_ne!(first[0].1, first[1].1, "one card is not another");
            set_manifest(turn, partner_id(1), 1, "manifest 1", at(6))?;
            set_exceptions(turn, partner_id(1), &["10.0.0.0/8".to_owned()])?;
            set_later_card(turn, partner_id(1), Some("later card"))?;
            assert_eq!(card_marks(turn.rows())?, first);
            let read = cards(turn.rows(), &[partner_id(1), partner_id(9)])?;
            assert_eq!(read, [(partner_id(1), first[0].1.clone(), "card of one".to_owned())]);
            set_card(turn, partner_id(1), &line("Partner One"), "card of one")?;
            let second = card_marks(turn.rows())?;
            assert_ne!(second[0].1, first[0].1, "a card that was written again");
            assert_eq!(second[1], first[1]);
            set_state(turn, partner_id(1), PartnerState::Suspended)?;
            set_state(turn, partner_id(2), PartnerState::Ended)?;
            assert_eq!(card_marks(turn.rows())?, []);
            set_state(turn, partner_id(1), PartnerState::Active)?;
            assert_eq!(card_marks(turn.rows())?, second[..1]);
            Ok(())
        }).await.unwrap();
    }
);
