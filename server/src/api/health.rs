//! Whether the process lives, and whether it can do its work. No secret, no count that tells how many incidents there are.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use crate::node::Node;
use crate::store::queries;

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/health/live").route(web::get().to(live)))
        .service(web::resource("/health/ready").route(web::get().to(ready)));
}

/// The process answers.
async fn live() -> HttpResponse {
    answer(HttpResponse::Ok(), "live")
}

/// The store answers too.
async fn ready(node: web::Data<Node>) -> HttpResponse {
    match node.store().read(queries::incidents::ledger_size).await {
        Ok(_) => answer(HttpResponse::Ok(), "ready"),
        Err(_) => answer(HttpResponse::ServiceUnavailable(), "store unavailable"),
    }
}

fn answer(mut response: actix_web::HttpResponseBuilder, state: &str) -> HttpResponse {
    response
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(format!(r#"{{"state":"{state}"}}"#))
}
