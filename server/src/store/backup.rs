//! Encrypted copies of a running node, verified, and restored.
