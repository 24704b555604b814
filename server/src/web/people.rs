//! Accounts, their roles, sessions and links.

use actix_web::web::ServiceConfig;

/// The addresses of these pages.
pub fn routes(_: &mut ServiceConfig) {}
