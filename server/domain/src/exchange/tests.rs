//! The rules of an exchange, allowed and refused.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod erasure;
mod golden;
mod incoming;
mod kit;
mod outgoing;
mod properties;
mod withdrawal;
