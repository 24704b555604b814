//! Parties, services, agreements and arrangements as versioned, sealed records; and what is resolved from them: the
//! services of the log form and the terms that incidents freeze.
//!
//! Every version stays: incidents refer to terms by version and digest (ruling 14). Nothing in a record is plain but its
//! id and version, so that a stolen file names nobody.

mod arrangements;
mod records;
mod services;
#[cfg(test)]
mod tests;

pub use self::arrangements::{arrangement, arrangements, arrangements_with, insert_arrangements, retire_arrangement};
pub use self::records::{
    NewRecord, OUR_PARTY, Stored, current, every_version, is_current, keep, retire, version_of, versions,
};
pub use self::services::{Service, insert_service, rename_service, services};
