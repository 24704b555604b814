//! Polling (protocol §12), both halves.
