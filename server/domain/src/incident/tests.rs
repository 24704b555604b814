//! The rules of an incident, allowed and refused.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod assessment;
mod awareness;
mod costs;
mod decision;
mod duties;
mod erasure;
mod fan_out;
mod golden;
mod ico;
mod joint;
pub(crate) mod kit;
mod lessons;
mod logging;
mod properties;
mod report;
mod telling;
mod watch;
mod withdrawal;
