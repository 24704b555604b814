//! A private authority and certificates, for trying things out.
