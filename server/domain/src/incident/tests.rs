//! The rules of an incident, allowed and refused.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod awareness;
mod erasure;
mod fan_out;
mod golden;
mod ico;
pub(crate) mod kit;
mod logging;
mod properties;
mod report;
mod watch;
mod withdrawal;
