//! Carrying a notice to a partner over Standard Webhooks (protocol §16).
