//! The API's operations, to browse.

use actix_web::web::ServiceConfig;

/// The addresses of these pages.
pub fn routes(_: &mut ServiceConfig) {}
