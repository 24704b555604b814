//! The first run in a browser: a page behind a link that only the server's administrator has.
