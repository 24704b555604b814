//! Posts that are due: webhooks to our own integrations, mail to our own people.
