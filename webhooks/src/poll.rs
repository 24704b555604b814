//! Polling, both halves (protocol §12; RFC 8936).
