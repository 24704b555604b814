//! Door 1d: accounts, roles, one-time links, sessions and API tokens.
