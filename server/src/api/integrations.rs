//! Operations: integrations.
