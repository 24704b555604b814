//! Where webhooks and mail go: destinations of partners without a node, and our own integrations.
