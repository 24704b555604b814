//! Standard Webhooks 1.0, for parties with a ticket system instead of a node (protocol §16).
