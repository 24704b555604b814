//! A person at a partner without an account: reads a notice through a link, and acknowledges it.
