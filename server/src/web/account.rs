//! One's own account: password, sessions, API tokens.

use actix_web::web::ServiceConfig;

/// The addresses of these pages.
pub fn routes(_: &mut ServiceConfig) {}
