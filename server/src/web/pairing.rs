//! Pairing with a partner, page by page.

use actix_web::web::ServiceConfig;

/// The addresses of these pages.
pub fn routes(_: &mut ServiceConfig) {}
