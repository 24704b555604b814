//! The TOML file of parties, services, agreements and arrangements.
//!
//! Reading names every row that can't be taken, with its line, so that a file of 500 rows is mended in one go; writing is
//! lossless: what `write` gives, [`parse`] reads back as the same records. Comments are not kept.
//!
//! ```toml
//! format = "tocsin-directory-1"
//! us = "example-operator"
//!
//! [[party]]
//! key = "example-operator"
//! name = "Example Operator Ltd"
//! ```

mod read;
#[cfg(test)]
mod tests;
mod written;

use std::fmt;

pub use self::read::parse;
pub use self::written::write;

/// What the file says it is; a changed meaning is another one.
pub const FORMAT: &str = "tocsin-directory-1";
/// The largest file, in octets.
pub const FILE_OCTETS_MAX: usize = 2 * 1024 * 1024;

/// One row of a file that can't be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The line of the file where the row begins, or where its fault is; the first is 1.
    pub line: u32,
    /// Names the row: `arrangement 312 "bradford"`, or the file.
    pub what: String,
    /// What is wrong with it, in a sentence without a full stop.
    pub message: String,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, {}: {}", self.line, self.what, self.message)
    }
}
