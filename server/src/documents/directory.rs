//! The TOML file of parties, services, agreements and arrangements.
