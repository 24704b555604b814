//! The settings of mail: which server, how it is reached, and in whose name.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use zeroize::Zeroizing;

use super::secrets::read_secret;
use super::{Fault, VariableSecret, say};

/// The port for submission with STARTTLS (RFC 6409).
const SUBMISSION: u16 = 587;
/// The port for submission with TLS from the start (RFC 8314).
const SUBMISSIONS: u16 = 465;
/// The port of a server on the same machine.
const SMTP: u16 = 25;

/// How the way to the mail server is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MailSecurity {
    /// STARTTLS, and nothing without it.
    Starttls,
    /// TLS from the start.
    Tls,
    /// None: for a server on the same machine.
    None,
}

/// How mail leaves. Without a server none does.
#[derive(Debug, Clone, Args)]
pub struct MailArgs {
    /// Host name of the SMTP server through which mail leaves: links to partners without a node, and steps of escalation. Without it no mail is sent.
    #[arg(long, env = "TOCSIN_MAIL_SERVER")]
    pub mail_server: Option<String>,

    /// Port of the mail server. Default: 587 with STARTTLS, 465 with TLS, 25 without.
    #[arg(long, env = "TOCSIN_MAIL_PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub mail_port: Option<u16>,

    /// How the way to the mail server is secured. With starttls nothing is sent when the server does not offer it; none is for a server on this machine.
    #[arg(long, env = "TOCSIN_MAIL_SECURITY", value_enum, default_value_t = MailSecurity::Starttls)]
    pub mail_security: MailSecurity,

    /// User name at the mail server, if it wants one.
    #[arg(long, env = "TOCSIN_MAIL_USER")]
    pub mail_user: Option<String>,

    /// File with the password at the mail server, readable by its owner only. The variable TOCSIN_MAIL_PASSWORD takes its place.
    #[arg(long, env = "TOCSIN_MAIL_PASSWORD_FILE")]
    pub mail_password_file: Option<PathBuf>,

    /// The address that mails come from, such as tocsin@example.org.
    #[arg(long, env = "TOCSIN_MAIL_FROM")]
    pub mail_from: Option<String>,

    /// The password from its variable.
    #[arg(skip)]
    pub mail_password_variable: Option<VariableSecret>,
}

impl MailArgs {
    /// What is wrong, all at once.
    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        let Some(server) = &self.mail_server else {
            let alone = [
                ("--mail-port", self.mail_port.is_some()),
                ("--mail-user", self.mail_user.is_some()),
                ("--mail-password-file", self.mail_password_file.is_some()),
                ("--mail-from", self.mail_from.is_some()),
            ];
            for (name, given) in alone {
                say(faults, given, format!("{name} needs --mail-server."));
            }
            return;
        };
        let is_host = server.len() <= 253
            && server.bytes().all(|octet| octet.is_ascii_alphanumeric() || b".-:".contains(&octet))
            && !server.is_empty();
        say(faults, !is_host, "--mail-server must be a host name or an address, without a port.");
        let from = self.mail_from.as_deref();
        let is_address = |text: &str| text.is_ascii() && text.parse::<lettre::Address>().is_ok();
        say(faults, from.is_none(), "--mail-server needs --mail-from: the address that mails come from.");
        say(
            faults,
            from.is_some_and(|from| !is_address(from)),
            "--mail-from must be a mail address, such as tocsin@example.org.",
        );
        let here = server == "localhost" || server.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback());
        let clear = self.mail_security == MailSecurity::None;
        say(
            faults,
            clear && !here,
            "--mail-security none is for a mail server on this machine: localhost or 127.0.0.1.",
        );
        say(faults, clear && self.mail_user.is_some(), "--mail-user needs TLS: no password is sent without it.");
        let password = self.mail_password_file.is_some() || self.mail_password_variable.is_some();
        say(
            faults,
            self.mail_user.is_some() != password,
            "--mail-user and --mail-password-file (or TOCSIN_MAIL_PASSWORD) belong together.",
        );
    }

    /// The port, as given or usual.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.mail_port.unwrap_or(match self.mail_security {
            MailSecurity::Starttls => SUBMISSION,
            MailSecurity::Tls => SUBMISSIONS,
            MailSecurity::None => SMTP,
        })
    }

    /// User name and password, if the server wants them.
    ///
    /// # Errors
    /// [`Fault`] when the password's file can't be read, or others may read it.
    pub fn login(&self) -> Result<Option<(String, Zeroizing<String>)>, Fault> {
        let Some(user) = &self.mail_user else { return Ok(None) };
        let password = match (&self.mail_password_variable, &self.mail_password_file) {
            (Some(VariableSecret(password)), _) => password.clone(),
            (None, Some(path)) => {
                let text = read_secret(path)?.ok_or_else(|| Fault(format!("{} is not there.", path.display())))?;
                Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            (None, None) => return Err(Fault("--mail-user needs a password.".to_owned())),
        };
        Ok(Some((user.clone(), password)))
    }
}
