//! Carrying word of a notice to a partner by e-mail (protocol §16).
