//! Links by which a person without an account reads a notice and acknowledges it.
