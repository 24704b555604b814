//! JSON: what partner nodes may call ([`wire`]), whether we are alive ([`health`]), and API version 1.

pub mod health;
pub mod wire;

use actix_web::web;

/// Every route of the API and the wire.
pub fn routes(config: &mut web::ServiceConfig) {
    config.configure(health::routes).configure(wire::routes);
}
