//! The rules of an exchange, allowed and refused.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod erasure;
mod golden;
mod incoming;
mod kit;
mod outgoing;
mod properties;
mod withdrawal;
