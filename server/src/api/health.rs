//! Whether the process lives, and whether it can do its work. No secret, no count that tells how many incidents there are.
//!
//! A node that can read but not write looks well on every page and keeps nothing: a full disk, a file turned read-only. So
//! "ready" needs a write that was committed lately. It is made for this, at most every ten seconds however often is asked.

use std::sync::{Mutex, PoisonError};

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use domain::values::Moment;

use crate::node::Node;
use crate::store::queries;

/// How long what was found about writing counts, in seconds of machine time.
const PROBE_SECONDS: i64 = 10;

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .app_data(web::Data::new(Probe::default()))
        .service(web::resource("/health/live").route(web::get().to(live)))
        .service(web::resource("/health/ready").route(web::get().to(ready)));
}

/// What was found about writing, and when.
#[derive(Default)]
struct Probe(Mutex<Option<(Moment, bool)>>);

impl Probe {
    /// Whether the store can be written to. Whoever asks while somebody tries gets what was found before.
    async fn can_write(&self, node: &Node) -> bool {
        let now = node.time().elapsed();
        {
            let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, could)) = *found
                && (0..PROBE_SECONDS).contains(&now.seconds_since(at))
            {
                return could;
            }
            *found = Some((now, found.is_none_or(|(_, could)| could)));
        }
        let can = node.can_write().await;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, can));
        can
    }
}

/// The process answers.
async fn live() -> HttpResponse {
    answer(HttpResponse::Ok(), "live")
}

/// The store answers too, and takes changes.
async fn ready(node: web::Data<Node>, probe: web::Data<Probe>) -> HttpResponse {
    if node.store().read(queries::incidents::ledger_size).await.is_err() {
        return answer(HttpResponse::ServiceUnavailable(), "store unavailable");
    }
    if !probe.can_write(&node).await {
        return answer(HttpResponse::ServiceUnavailable(), "store can't be written to");
    }
    answer(HttpResponse::Ok(), "ready")
}

fn answer(mut response: actix_web::HttpResponseBuilder, state: &str) -> HttpResponse {
    response
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(format!(r#"{{"state":"{state}"}}"#))
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, rt};

    use super::*;
    use crate::commands::tests::Place;
    use crate::store::testing::{TestStore, run};

    /// Asks the same node several times; each asking has a memory of its own.
    fn asked(place: &Place, path: &str) -> StatusCode {
        let node = web::Data::from(std::sync::Arc::clone(&place.node));
        rt::System::new().block_on(async {
            let app = init_service(App::new().app_data(node).configure(routes)).await;
            call_service(&app, TestRequest::get().uri(path).to_request()).await.status()
        })
    }

    #[test]
    fn a_node_that_can_read_but_not_write_is_not_ready() {
        for store in [TestStore::on_sqlite(), TestStore::on_postgres()] {
            let place = run(Place::new(store));
            assert_eq!(asked(&place, "/health/ready"), StatusCode::OK);
            place.node.store().stop();
            assert_eq!(asked(&place, "/health/ready"), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(asked(&place, "/health/live"), StatusCode::OK);
        }
    }

    #[test]
    fn however_often_is_asked_there_is_one_write_in_ten_seconds() {
        let place = run(Place::new(TestStore::on_sqlite()));
        let probe = Probe::default();
        run(async {
            assert!(probe.can_write(&place.node).await);
            let statements = place.node.store().statements();
            for _ in 0..100 {
                assert!(probe.can_write(&place.node).await);
            }
            assert_eq!(place.node.store().statements(), statements);
        });
    }
}
