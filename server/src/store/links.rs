//! One-time links: invitations and password resets. Of a link only the SHA-256 is kept.
