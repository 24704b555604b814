//! A parked message said again.
