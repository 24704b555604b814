//! Pages: channel.

use actix_web::web::ServiceConfig;

/// Every address of these pages.
pub fn routes(_config: &mut ServiceConfig) {}
