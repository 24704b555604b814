//! A parked message said again under a new id and number (protocol §9).
