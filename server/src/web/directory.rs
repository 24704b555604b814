//! Agreements, arrangements, services and parties, as pages: everybody who may read the record sees them; administrators
//! change them. What a document does not say is shown as not stated, never filled in.
//!
//! | module | page |
//! |---|---|
//! | `agreements`, `arrangements`, `services`, `parties` | lists, and one of each |
//! | `edit` | changing one, or adding one; `forms` are the forms |
//! | `sheet` | the frame and the parts that all of them are made of |

mod agreements;
mod arrangements;
mod edit;
mod forms;
mod parties;
mod services;
mod sheet;

use actix_web::web::{ServiceConfig, resource};
use domain::directory::{Agreement, ArrangementRecord, Party, ServiceRecord};

use super::page::{self, Visit};

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/agreements").get(agreements::list))
        .service(resource("/agreements/new").get(edit::begin::<Agreement>).post(edit::add::<Agreement>))
        .service(resource("/agreements/{id}").get(agreements::show))
        .service(resource("/agreements/{id}/edit").get(edit::open::<Agreement>).post(edit::save::<Agreement>))
        .service(resource("/agreements/{id}/move").get(agreements::moving).post(agreements::move_all))
        // They are listed with their agreements.
        .service(resource("/arrangements").get(async |_: Visit| page::see_other("/agreements")))
        .service(
            resource("/arrangements/new").get(edit::begin::<ArrangementRecord>).post(edit::add::<ArrangementRecord>),
        )
        .service(resource("/arrangements/{id}").get(arrangements::show))
        .service(
            resource("/arrangements/{id}/edit")
                .get(edit::open::<ArrangementRecord>)
                .post(edit::save::<ArrangementRecord>),
        )
        .service(resource("/arrangements/{id}/end").get(arrangements::ending).post(arrangements::end))
        .service(resource("/services").get(services::list))
        .service(resource("/services/new").get(edit::begin::<ServiceRecord>).post(edit::add::<ServiceRecord>))
        .service(resource("/services/{id}").get(services::show))
        .service(resource("/services/{id}/edit").get(edit::open::<ServiceRecord>).post(edit::save::<ServiceRecord>))
        .service(resource("/parties").get(parties::list))
        .service(resource("/parties/new").get(edit::begin::<Party>).post(edit::add::<Party>))
        .service(resource("/parties/{id}").get(parties::show))
        .service(resource("/parties/{id}/edit").get(edit::open::<Party>).post(edit::save::<Party>))
        .service(resource("/drafts/agreement/{draft}").post(edit::autosave::<Agreement>))
        .service(resource("/drafts/arrangement/{draft}").post(edit::autosave::<ArrangementRecord>))
        .service(resource("/drafts/service/{draft}").post(edit::autosave::<ServiceRecord>))
        .service(resource("/drafts/party/{draft}").post(edit::autosave::<Party>));
}
