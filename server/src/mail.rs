//! The carrier for e-mail: SMTP with TLS, to a server that an administrator names.

/// How mail leaves.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Host name of the SMTP server.
    pub server: String,
}
