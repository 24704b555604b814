//! Replacing our own online keys, as planned or in an emergency (protocol §14).
