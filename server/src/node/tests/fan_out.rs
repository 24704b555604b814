use domain::exchange::NoticeDelivery;
use domain::values::{IncidentId, PartnerId};
use webhooks::card::{Card, IdentityKey, Receive, Serve};
use webhooks::keys::{KeyUse, SigningKey};
use webhooks::values::Schemes;

use super::kit::Party;
use crate::store::StoreError;

/// A partner that is known by its card only: enough to be owed a notice.
pub(super) async fn import(party: &Party, n: u32) {
    let mut seed = [9_u8; 32];
    seed[..4].copy_from_slice(&n.to_be_bytes());
    let identity = SigningKey::from_seed(&seed, KeyUse::Identity).unwrap();
    let issuer = format!("https://council-{n}.example");
    let card = Card {
        iss: issuer.clone(),
        iat: party.node.now().unix_seconds(),
        version: 1,
        name: format!("Council {n}"),
        identity_key: IdentityKey::of(identity.public()),
        receive: Receive { push: Some(format!("{issuer}/ssf/events")) },
        serve: Serve { poll: None, keys: format!("{issuer}/jwks.jwt") },
        contacts: Vec::new(),
        country: None,
        hosting: None,
    };
    let token = card.sign(&identity, Schemes::HttpsOnly).unwrap();
    let id = party.node.import_card(&party.administrator(), &token, None).await.unwrap();
    party.owes(id).await;
}

/// How many exchanges of an incident are open.
pub(super) async fn opened(party: &Party, incident: IncidentId) -> usize {
    party
        .node
        .store()
        .write(party.node.now(), move |turn| {
            let owed = turn.incident(incident)?.unwrap().owed;
            let ids: Vec<_> = owed.iter().map(|owed| owed.exchange).collect();
            Ok::<_, StoreError>(turn.exchanges(&ids)?.iter().filter(|(_, state)| state.is_some()).count())
        })
        .await
        .unwrap()
}

/// The partners that have signed for the first notice of an incident.
pub(super) async fn receipted(party: &Party, incident: IncidentId) -> Vec<PartnerId> {
    party
        .node
        .store()
        .write(party.node.now(), move |turn| {
            let owed = turn.incident(incident)?.unwrap().owed;
            let ids: Vec<_> = owed.iter().map(|owed| owed.exchange).collect();
            let states = turn.exchanges(&ids)?.into_iter().filter_map(|(_, state)| state);
            let signed = states.filter(|state| {
                state.notices.first().is_some_and(|notice| matches!(notice.delivery, NoticeDelivery::Receipted { .. }))
            });
            Ok::<_, StoreError>(signed.map(|state| state.partner).collect())
        })
        .await
        .unwrap()
}
