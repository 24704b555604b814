//! The register.

pub mod words;
