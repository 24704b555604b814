//! The partner board: how every partner of an incident stands.
