//! Parties, services and agreements: versioned, sealed records.
