//! Operations: messages.
