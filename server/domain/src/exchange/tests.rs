//! The rules of an exchange, allowed and refused.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod acceptance;
mod erasure;
mod filing;
mod golden;
mod incoming;
mod kit;
mod outgoing;
mod processor;
mod properties;
mod reissue;
mod reliance;
mod said;
mod withdrawal;
