//! Whole nodes on hand-driven time, joined by a carrier in this process: no sockets, no sleeps.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod broken_off;
mod crash;
mod fan_out;
mod kit;
mod once;
mod planted;
mod refusals;
mod stories;
