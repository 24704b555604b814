//! Pairing with a partner, page by page: our card, theirs, the digits, the second person, and what an administrator does
//! with a pairing later.
//!
//! Few steps, because two people do them on the telephone: a card leads straight to the digits, and right digits are
//! confirmed on the same page where one person may pair.

mod digits;
mod import;
mod our_card;
mod standing;

use actix_web::web::{ServiceConfig, resource};

use super::words::Reader;
use crate::node::pairing::CardView;

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/our-card").get(our_card::show))
        .service(resource("/our-card/file").get(our_card::file))
        .service(resource("/our-card/issue").get(our_card::ask).post(our_card::issue))
        .service(resource("/our-card/qr.svg").get(our_card::qr))
        .service(resource("/our-card/sheet").get(our_card::sheet))
        .service(resource("/partners/import").get(import::show).post(import::import))
        .service(resource("/partners/{id}").get(super::partners::show))
        .service(resource("/partners/{id}/digits").get(digits::show).post(digits::check))
        .service(resource("/partners/{id}/confirm").get(digits::confirm).post(digits::do_confirm))
        .service(resource("/partners/{id}/addresses").get(standing::addresses).post(standing::admit))
        .service(resource("/partners/{id}/later-card").get(standing::later_card).post(standing::settle_later_card))
        .service(resource("/partners/{id}/card-seen").post(standing::card_seen))
        .service(resource("/partners/{id}/heartbeat").post(standing::heartbeat))
        .service(resource("/partners/{id}/lane").post(standing::resume_lane))
        .service(resource("/partners/{id}/{step:suspend|resume|end}").get(standing::ask).post(standing::act));
}

/// A card as pages show it.
pub(super) struct Card {
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) contacts: Vec<String>,
    pub(super) far: bool,
}

/// What a card says, in words.
pub(super) fn card(card: &CardView, reader: Reader) -> Card {
    let mut facts = vec![("Name in the card", card.name.clone()), ("Address of their node", card.issuer.clone())];
    facts.push(("Country", card.country.clone().unwrap_or_else(|| "Not stated".to_owned())));
    facts.push(("Who runs the machine", card.hosting.clone().unwrap_or_else(|| "Not stated".to_owned())));
    let made = card.made_at.map(|at| format!(", made {}", reader.at(at))).unwrap_or_default();
    facts.push(("Version", format!("{}{made}", card.version)));
    Card { facts, contacts: contacts(card), far: card.far }
}

/// "data protection officer: dpo@council.example, 020 7946 0100".
pub(super) fn contacts(card: &CardView) -> Vec<String> {
    card.contacts
        .iter()
        .map(|contact| {
            let ways: Vec<&str> =
                [&contact.name, &contact.email, &contact.phone].into_iter().flatten().map(String::as_str).collect();
            if ways.is_empty() { contact.role.clone() } else { format!("{}: {}", contact.role, ways.join(", ")) }
        })
        .collect()
}
