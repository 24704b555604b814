//! TLS for those who connect to us: certificate files, read again when they change.
