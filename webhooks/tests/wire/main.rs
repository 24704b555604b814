//! The wire judged from outside: every published vector, every line of the must-refuse list that belongs to tokens, keys,
//! signatures, claims, receipts and cards, and the real carrier against real sockets.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod cards;
mod carrying;
mod claims;
mod dns;
mod hostile;
mod keys;
mod kit;
mod manifests;
mod messages;
mod polling;
mod receipts;
mod requests;
mod resolving;
mod signatures;
mod tokens;
mod vectors;
mod webhooks;
