//! Destinations of webhooks and mail, as an administrator keeps them.
