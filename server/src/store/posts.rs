//! Work for our own integrations and people: posts, their leases and attempts.
