//! Agreements, arrangements, services and parties, as pages.

use actix_web::web::ServiceConfig;

/// The addresses of these pages.
pub fn routes(_: &mut ServiceConfig) {}
