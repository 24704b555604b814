//! The rules of `ARCHITECTURE.md` that a program can check, by reading the sources.
//!
//! Each check collects every fault before it fails, so that one run shows all of them.

mod crates;
mod knows;
mod links;
mod migrations;
mod must_refuse;
mod shape;
mod sources;

/// Fails with every fault on a line of its own.
#[track_caller]
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "{} fault(s):\n{}", faults.len(), faults.join("\n"));
}
