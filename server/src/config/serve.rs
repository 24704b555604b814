//! The settings of `serve`.

use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::path::PathBuf;

use clap::Args;
use domain::values::Line;

use super::{DutyArgs, Fault, MailArgs, NodeArgs, say};

/// The smallest work factor for password hashes (ruling 32).
pub const BCRYPT_COST_MIN: u32 = 10;
/// The largest: beyond it a sign-in would take longer than a browser waits.
const BCRYPT_COST_MAX: i64 = 16;

/// Settings of `serve`. Those that every command shares are reached as if they were its own.
#[derive(Debug, Clone, Args)]
pub struct ServeSettings {
    /// Which node.
    #[command(flatten)]
    pub node: NodeArgs,

    /// File with the passphrase of the identity key; made on a first run without a browser and needed again only to replace keys, so keep it elsewhere afterwards. Default: beside the database.
    #[arg(long, env = "TOCSIN_PASSPHRASE_FILE")]
    pub passphrase_file: Option<PathBuf>,

    /// Address and port to listen on. Without a certificate this must be a loopback address, behind a proxy that does TLS.
    #[arg(long, env = "TOCSIN_BIND", default_value = "127.0.0.1:8080")]
    pub bind: SocketAddr,

    /// PEM file with the certificate to serve and its chain, the node's own first. Looked at again when it changes.
    #[arg(long, env = "TOCSIN_TLS_CERTIFICATE")]
    pub tls_certificate: Option<PathBuf>,

    /// PEM file with the private key of the certificate, readable by its owner only.
    #[arg(long, env = "TOCSIN_TLS_KEY")]
    pub tls_key: Option<PathBuf>,

    /// File to which the link for setting up a new node is written, for its owner only. Default: beside the database.
    #[arg(long, env = "TOCSIN_SET_UP_LINK_FILE")]
    pub set_up_link_file: Option<PathBuf>,

    /// The controller's legal name, for a first run without a browser.
    #[arg(long, env = "TOCSIN_ORGANISATION")]
    pub organisation: Option<String>,

    /// The mailbox for questions about breaches, shown to partners; for a first run without a browser.
    #[arg(long, env = "TOCSIN_CONTACT_EMAIL")]
    pub contact_email: Option<String>,

    /// The telephone number for questions about breaches, shown to partners; for a first run without a browser.
    #[arg(long, env = "TOCSIN_CONTACT_PHONE")]
    pub contact_phone: Option<String>,

    /// The services under joint control, one for each use of this setting; for a first run without a browser.
    #[arg(long = "service", env = "TOCSIN_SERVICES", value_delimiter = ';')]
    pub services: Vec<String>,

    /// Mail address of the first person, who gets every role; for a first run without a browser.
    #[arg(long, env = "TOCSIN_FIRST_PERSON_EMAIL")]
    pub first_person_email: Option<String>,

    /// Name of the first person; for a first run without a browser.
    #[arg(long, env = "TOCSIN_FIRST_PERSON_NAME")]
    pub first_person_name: Option<String>,

    /// File with the first person's password, 12 to 72 characters; for a first run without a browser.
    #[arg(long, env = "TOCSIN_FIRST_PERSON_PASSWORD_FILE")]
    pub first_person_password_file: Option<PathBuf>,

    /// PEM file with certificates to trust beside the system's, once for each file.
    #[arg(long = "trusted-root", env = "TOCSIN_TRUSTED_ROOTS", value_delimiter = ':')]
    pub trusted_roots: Vec<PathBuf>,

    /// Which law applies to us, and what we aim at beside it.
    #[command(flatten)]
    pub duties: DutyArgs,

    /// Reading connections to the database, 1 to 64.
    #[arg(long, env = "TOCSIN_READERS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub readers: u32,

    /// Work factor of password hashes, 10 to 16.
    #[arg(long, env = "TOCSIN_BCRYPT_COST", default_value_t = 12, value_parser = clap::value_parser!(u32).range(i64::from(BCRYPT_COST_MIN)..=BCRYPT_COST_MAX))]
    pub bcrypt_cost: u32,

    /// Messages a minute that one partner may push.
    #[arg(long, env = "TOCSIN_PARTNER_RATE", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub partner_rate: u32,

    /// Messages that one partner may push at once.
    #[arg(long, env = "TOCSIN_PARTNER_BURST", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub partner_burst: u32,

    /// Requests a minute from one address.
    #[arg(long, env = "TOCSIN_ADDRESS_RATE", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub address_rate: u32,

    /// Whether partners' nodes can call this one. Without that (`--reachable false`) this node asks theirs for messages instead, and its card says so; two nodes that can't be called can't be paired.
    #[arg(long, env = "TOCSIN_REACHABLE", default_value_t = true, action = clap::ArgAction::Set)]
    pub reachable: bool,

    /// Address of the proxy whose `Forwarded` or `X-Forwarded-For` is believed. Without it the connection's own counts.
    #[arg(long, env = "TOCSIN_TRUSTED_PROXY")]
    pub trusted_proxy: Option<IpAddr>,

    /// How mail leaves.
    #[command(flatten)]
    pub mail: MailArgs,
}

impl Deref for ServeSettings {
    type Target = NodeArgs;

    fn deref(&self) -> &NodeArgs {
        &self.node
    }
}

impl ServeSettings {
    /// Everything that is wrong, all at once.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = self.node.faults();
        self.listening_faults(&mut faults);
        self.first_run_faults(&mut faults);
        self.mail.faults(&mut faults);
        for file in &self.trusted_roots {
            say(&mut faults, !file.is_file(), format!("--trusted-root names no file: {}.", file.display()));
        }
        faults
    }

    fn listening_faults(&self, faults: &mut Vec<Fault>) {
        say(
            faults,
            !self.bind.ip().is_loopback() && self.tls_certificate.is_none(),
            "--bind must be a loopback address, unless --tls-certificate and --tls-key are given.",
        );
        say(
            faults,
            self.tls_certificate.is_some() != self.tls_key.is_some(),
            "--tls-certificate and --tls-key belong together.",
        );
        for (name, file) in [("--tls-certificate", &self.tls_certificate), ("--tls-key", &self.tls_key)] {
            if let Some(file) = file {
                say(faults, !file.is_file(), format!("{name} names no file: {}.", file.display()));
            }
        }
    }

    fn first_run_faults(&self, faults: &mut Vec<Fault>) {
        let given = [
            self.first_person_email.is_some(),
            self.first_person_name.is_some(),
            self.first_person_password_file.is_some(),
        ];
        say(
            faults,
            given.contains(&true) && given.contains(&false),
            "--first-person-email, --first-person-name and --first-person-password-file belong together.",
        );
        for (name, text) in [
            ("--organisation", &self.organisation),
            ("--contact-email", &self.contact_email),
            ("--contact-phone", &self.contact_phone),
            ("--first-person-email", &self.first_person_email),
            ("--first-person-name", &self.first_person_name),
        ] {
            line_fault(faults, name, text.as_deref());
        }
        // One of them is enough to say what is wrong.
        let wrong = self.services.iter().find(|name| Line::parse(name).is_err());
        line_fault(faults, "--service", wrong.map(String::as_str));
    }
}

/// A setting that is given and is no line.
fn line_fault(faults: &mut Vec<Fault>, name: &str, text: Option<&str>) {
    if let Some(Err(error)) = text.map(Line::parse) {
        say(faults, true, format!("{name}: {error}."));
    }
}
