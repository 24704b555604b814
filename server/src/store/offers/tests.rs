//! Offers find every paired partner once, back off, and end when taken.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::store::partners::set_state;
use crate::store::projections::samples::{add_partner, partner_id};
use crate::store::testing::{at, both};

both!(
    /// Aim: partners that are paired are offered a manifest; one that took it is not asked again before a newer one.
    offered_until_taken, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            add_partner(turn, 1, PartnerState::Active)?;
            add_partner(turn, 2, PartnerState::Active)?;
            add_partner(turn, 3, PartnerState::Suspended)?;
            add_partner(turn, 4, PartnerState::Imported)?;
            offer_to_all(turn, 2, at(10))?;
            assert!(due(turn.rows(), at(9), 9)?.is_empty());
            let offers = due(turn.rows(), at(10), 9)?;
            let to: Vec<PartnerId> = offers.iter().map(|offer| offer.partner).collect();
            assert_eq!(to, [partner_id(1), partner_id(2)]);
            assert_eq!(outstanding(turn.rows())?, 2);

            assert!(taken(turn, partner_id(1), 2)?);
            assert!(!taken(turn, partner_id(1), 2)?);
            not_taken(turn, &Offer { partner: partner_id(2), version: 2, attempts: 0 }, at(70))?;
            assert!(due(turn.rows(), at(69), 9)?.is_empty());
            assert_eq!(next_due(turn.rows())?, Some(at(70)));
            assert_eq!(outstanding(turn.rows())?, 1);

            set_state(turn, partner_id(3), PartnerState::Active)?;
            assert_eq!(outstanding(turn.rows())?, 2, "who was suspended is asked when the exchange goes on");
            offer_to_all(turn, 3, at(80))?;
            not_taken(turn, &Offer { partner: partner_id(2), version: 2, attempts: 1 }, at(900))?;
            assert_eq!(due(turn.rows(), at(80), 9)?.len(), 3, "a newer manifest is due whatever became of the older");
            let held = all(turn.rows(), 9)?;
            assert!(held.iter().any(|it| it.partner == partner_id(1) && it.taken == Some(2) && it.offered == 3));
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// Aim: a clock that was set back does not silence an offer for ever.
    clock_set_back, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            add_partner(turn, 1, PartnerState::Active)?;
            offer_to_all(turn, 2, at(1_000_000))?;
            assert_eq!(due(turn.rows(), at(10), 9)?.len(), 1);
            Ok(())
        }).await.unwrap();
    }
);
