//! What pages and the API show of accounts, sessions, links and API tokens.
