//! Every setting of the program, read once at start into one struct. The doc comments are the `--help` text.
//!
//! A wrong or unknown setting stops the start with all faults listed, one sentence each, and exit code 2. Secrets come
//! from files, never from the command line.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;
use webhooks::values::{Schemes, check_issuer};
use zeroize::Zeroizing;

use crate::store::DataKey;

/// The smallest work factor for password hashes (ruling 32).
pub const BCRYPT_COST_MIN: u32 = 10;
/// The largest: beyond it a sign-in would take longer than a browser waits.
const BCRYPT_COST_MAX: u32 = 16;
/// The longest file that holds a key or a passphrase, in octets.
const SECRET_OCTETS_MAX: u64 = 4_096;
/// The longest PEM file, in octets.
const PEM_OCTETS_MAX: u64 = 1_048_576;
/// The shortest password, in characters.
const PASSWORD_CHARACTERS_MIN: usize = 12;

/// A node that carries the alarm of a personal data breach to the partners who must be told.
#[derive(Debug, Parser)]
#[command(name = "tocsin", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run one node.
    Serve(Box<ServeSettings>),
    /// Run an operator and two councils in one process, with an exercise on a fast clock.
    Demo(DemoSettings),
    /// Read the settings of `serve`, say what is wrong with them, and stop.
    Check(Box<ServeSettings>),
}

/// Settings of `serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeSettings {
    /// Where everything is kept: sqlite:PATH or postgres://…
    #[arg(long, env = "TOCSIN_DATABASE", default_value = "sqlite:tocsin.db")]
    pub database: String,

    /// File with the data key; made on first run, readable by its owner only. Default: beside the database.
    #[arg(long, env = "TOCSIN_KEY_FILE")]
    pub key_file: Option<PathBuf>,

    /// File with the passphrase of the identity key; made on first run and needed again only to replace keys, so keep it elsewhere afterwards. Default: beside the database.
    #[arg(long, env = "TOCSIN_PASSPHRASE_FILE")]
    pub passphrase_file: Option<PathBuf>,

    /// This node's name: the https origin at which partners reach it, without a slash at the end.
    #[arg(long, env = "TOCSIN_ISSUER")]
    pub issuer: String,

    /// Address and port to listen on. Without TLS this must be a loopback address, behind a proxy that does TLS.
    #[arg(long, env = "TOCSIN_BIND", default_value = "127.0.0.1:8080")]
    pub bind: SocketAddr,

    /// The controller's legal name; needed on first run.
    #[arg(long, env = "TOCSIN_ORGANISATION")]
    pub organisation: Option<String>,

    /// The mailbox for questions about breaches, shown to partners; used on first run.
    #[arg(long, env = "TOCSIN_CONTACT_EMAIL")]
    pub contact_email: Option<String>,

    /// The telephone number for questions about breaches, shown to partners; used on first run.
    #[arg(long, env = "TOCSIN_CONTACT_PHONE")]
    pub contact_phone: Option<String>,

    /// The services under joint control, one for each use of this setting; used on first run.
    #[arg(long = "service", env = "TOCSIN_SERVICES", value_delimiter = ';')]
    pub services: Vec<String>,

    /// Mail address of the first person, who gets every role; used on first run.
    #[arg(long, env = "TOCSIN_FIRST_PERSON_EMAIL")]
    pub first_person_email: Option<String>,

    /// Name of the first person; used on first run.
    #[arg(long, env = "TOCSIN_FIRST_PERSON_NAME")]
    pub first_person_name: Option<String>,

    /// File with the first person's password, 12 to 72 characters; used on first run.
    #[arg(long, env = "TOCSIN_FIRST_PERSON_PASSWORD_FILE")]
    pub first_person_password_file: Option<PathBuf>,

    /// The zone in which instants are shown.
    #[arg(long, env = "TOCSIN_ZONE", default_value = "Europe/London")]
    pub zone: Tz,

    /// Form of the log.
    #[arg(long, env = "TOCSIN_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// What is logged: error, warn, info, debug, or a filter by module.
    #[arg(long, env = "TOCSIN_LOG", default_value = "info")]
    pub log: String,

    /// PEM file with certificates to trust beside the system's, once for each file.
    #[arg(long = "trusted-root", env = "TOCSIN_TRUSTED_ROOTS", value_delimiter = ':')]
    pub trusted_roots: Vec<PathBuf>,

    /// Reading connections to the database.
    #[arg(long, env = "TOCSIN_READERS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub readers: u32,

    /// Work factor of password hashes, 10 to 16.
    #[arg(long, env = "TOCSIN_BCRYPT_COST", default_value_t = 12)]
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

    /// Address of the proxy whose `Forwarded` or `X-Forwarded-For` is believed. Without it the connection's own counts.
    #[arg(long, env = "TOCSIN_TRUSTED_PROXY")]
    pub trusted_proxy: Option<IpAddr>,

    /// Admit http on loopback addresses: a trial or test on one machine.
    #[arg(long, hide = true)]
    pub loopback_http: bool,
}

/// Settings of `demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoSettings {
    /// First of three ports on loopback; 0 picks free ones.
    #[arg(long, default_value_t = 8080)]
    pub ports: u16,

    /// Duty seconds in one second while the story lasts.
    #[arg(long, default_value_t = 3_600, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub speed: u32,

    /// Write addresses, accounts and tokens to this file as JSON once all is ready, for programs.
    #[arg(long)]
    pub describe: Option<PathBuf>,

    /// Form of the log.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// What is logged.
    #[arg(long, default_value = "warn")]
    pub log: String,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// One thing that is wrong with the settings, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

impl ServeSettings {
    /// Everything that is wrong, all at once.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut say = |wrong: bool, sentence: String| {
            if wrong {
                faults.push(Fault(sentence));
            }
        };
        let known = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| self.database.starts_with(scheme));
        say(!known, "--database must begin with sqlite: or postgres://.".to_owned());
        say(
            check_issuer(&self.issuer, self.schemes()).is_err(),
            "--issuer must be an https origin in lower case, without a path or a slash at the end.".to_owned(),
        );
        say(
            !self.bind.ip().is_loopback(),
            "--bind must be a loopback address, because this node does no TLS itself; put a proxy in front.".to_owned(),
        );
        let cost = BCRYPT_COST_MIN..=BCRYPT_COST_MAX;
        say(
            !cost.contains(&self.bcrypt_cost),
            format!("--bcrypt-cost must be {BCRYPT_COST_MIN} to {BCRYPT_COST_MAX}."),
        );
        let given = [
            self.first_person_email.is_some(),
            self.first_person_name.is_some(),
            self.first_person_password_file.is_some(),
        ];
        say(
            given.contains(&true) && given.contains(&false),
            "--first-person-email, --first-person-name and --first-person-password-file belong together.".to_owned(),
        );
        for file in &self.trusted_roots {
            say(!file.is_file(), format!("--trusted-root names no file: {}.", file.display()));
        }
        say(EnvFilter::try_new(&self.log).is_err(), "--log is not a level or a filter.".to_owned());
        for (name, text) in [
            ("--organisation", &self.organisation),
            ("--contact-email", &self.contact_email),
            ("--contact-phone", &self.contact_phone),
            ("--first-person-email", &self.first_person_email),
            ("--first-person-name", &self.first_person_name),
        ] {
            let wrong = text.as_ref().is_some_and(|text| domain::values::Line::parse(text).is_err());
            say(wrong, format!("{name} must be 1 to 200 characters."));
        }
        let wrong = self.services.iter().any(|name| domain::values::Line::parse(name).is_err());
        say(wrong, "--service must be 1 to 200 characters.".to_owned());
        faults
    }

    /// Which issuers are admitted.
    #[must_use]
    pub const fn schemes(&self) -> Schemes {
        if self.loopback_http { Schemes::HttpsOrLoopback } else { Schemes::HttpsOnly }
    }

    /// The data key: read from its file, or made there on first run.
    ///
    /// # Errors
    /// [`Fault`] when the file can't be read or made, or others may read it.
    pub fn data_key(&self) -> Result<DataKey, Fault> {
        let path = self.key_file.clone().unwrap_or_else(|| self.beside("key"));
        if let Some(text) = read_secret(&path)? {
            return DataKey::from_hex(text.trim())
                .map_err(|_| Fault(format!("{} does not hold a data key.", path.display())));
        }
        if self.database_is_there() {
            return Err(Fault(format!(
                "{} is not there, and the database can't be read without the data key in it; put it back.",
                path.display()
            )));
        }
        let key = DataKey::generate().map_err(|_| Fault("The operating system gave no random numbers.".to_owned()))?;
        write_secret(&path, &key.to_hex())?;
        Ok(key)
    }

    /// The passphrase of the identity key: read from its file, or made there on first run.
    ///
    /// # Errors
    /// [`Fault`] when the file can't be read or made, or others may read it.
    pub fn passphrase(&self) -> Result<Zeroizing<String>, Fault> {
        let path = self.passphrase_file.clone().unwrap_or_else(|| self.beside("passphrase"));
        if let Some(text) = read_secret(&path)? {
            let passphrase = Zeroizing::new(text.trim().to_owned());
            if passphrase.chars().count() < PASSWORD_CHARACTERS_MIN {
                return Err(Fault(format!("The passphrase in {} is too short.", path.display())));
            }
            return Ok(passphrase);
        }
        let key = DataKey::generate().map_err(|_| Fault("The operating system gave no random numbers.".to_owned()))?;
        write_secret(&path, &key.to_hex())?;
        tracing::warn!(file = %path.display(), "the identity key's passphrase was made here; keep it somewhere else");
        Ok(key.to_hex())
    }

    /// The first person's password, if one is set.
    ///
    /// # Errors
    /// [`Fault`] when the file can't be read.
    pub fn first_person_password(&self) -> Result<Option<Zeroizing<String>>, Fault> {
        let Some(path) = &self.first_person_password_file else { return Ok(None) };
        let text = read_secret(path)?.ok_or_else(|| Fault(format!("{} is not there.", path.display())))?;
        Ok(Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())))
    }

    /// The certificates to trust beside the system's.
    ///
    /// # Errors
    /// [`Fault`] when a file can't be read.
    pub fn trusted_root_pems(&self) -> Result<Vec<Vec<u8>>, Fault> {
        self.trusted_roots
            .iter()
            .map(|path| {
                let mut pem = Vec::new();
                File::open(path)
                    .and_then(|file| file.take(PEM_OCTETS_MAX).read_to_end(&mut pem))
                    .map_err(|error| Fault(format!("{} can't be read: {error}.", path.display())))?;
                Ok(pem)
            })
            .collect()
    }

    /// Whether an SQLite database with something in it exists already: a fresh key could never open it.
    fn database_is_there(&self) -> bool {
        let path = self.database.strip_prefix("sqlite:").map(std::fs::metadata);
        matches!(path, Some(Ok(metadata)) if metadata.len() > 0)
    }

    /// A file beside the SQLite database, or in the working directory.
    fn beside(&self, what: &str) -> PathBuf {
        self.database
            .strip_prefix("sqlite:")
            .map_or_else(|| PathBuf::from(format!("tocsin.{what}")), |path| PathBuf::from(format!("{path}.{what}")))
    }
}

/// The text of a secret's file; `None` when there is none. Refused when anybody but its owner may read it.
fn read_secret(path: &Path) -> Result<Option<Zeroizing<String>>, Fault> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Fault(format!("{} can't be read: {error}.", path.display()))),
    };
    if !private(&file) {
        return Err(Fault(format!("{} may be read by others; set its mode to 0600.", path.display())));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(SECRET_OCTETS_MAX)
        .read_to_string(&mut text)
        .map_err(|error| Fault(format!("{} can't be read: {error}.", path.display())))?;
    Ok(Some(text))
}

/// Makes a secret's file, readable by its owner only. An existing file is never overwritten.
fn write_secret(path: &Path, text: &str) -> Result<(), Fault> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
        .open(path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        })
        .map_err(|error| Fault(format!("{} can't be made: {error}.", path.display())))
}

#[cfg(unix)]
fn private(file: &File) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
const fn private(_: &File) -> bool {
    true
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use clap::{CommandFactory as _, Parser as _};

    use super::{Cli, Command, ServeSettings, read_secret, write_secret};

    fn serve(arguments: &[&str]) -> ServeSettings {
        let all = ["tocsin", "serve"].iter().chain(arguments);
        match Cli::try_parse_from(all).unwrap().command {
            Command::Serve(settings) => *settings,
            Command::Demo(_) | Command::Check(_) => panic!("asked to serve"),
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn good_settings_have_no_faults_and_every_fault_is_listed() {
        assert_eq!(serve(&["--issuer", "https://node-a.example"]).faults(), []);
        let wrong = serve(&[
            "--issuer",
            "http://node-a.example/",
            "--database",
            "mysql:x",
            "--bind",
            "0.0.0.0:80",
            "--bcrypt-cost",
            "4",
            "--first-person-email",
            "a@b.example",
            "--log",
            "=,=",
            "--contact-phone",
            "",
            "--service",
            "",
        ]);
        assert_eq!(wrong.faults().len(), 8);
        assert!(serve(&["--issuer", "http://127.0.0.1:8080", "--loopback-http"]).faults().is_empty());
    }

    #[test]
    fn a_lost_data_key_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("node.db");
        let url = format!("sqlite:{}", database.display());
        let settings = serve(&["--issuer", "https://node-a.example", "--database", &url]);
        std::fs::write(&database, "something").unwrap();
        assert!(settings.data_key().is_err());
        assert!(!dir.path().join("node.db.key").exists());
        std::fs::remove_file(&database).unwrap();
        assert!(settings.data_key().is_ok(), "a first run makes one");
    }

    #[test]
    fn unknown_settings_are_refused() {
        let unknown = Cli::try_parse_from(["tocsin", "serve", "--issuer", "https://a.example", "--frobnicate"]);
        assert_eq!(unknown.unwrap_err().exit_code(), 2);
    }

    #[test]
    fn a_secret_is_made_once_and_kept_from_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        assert!(read_secret(&path).unwrap().is_none());
        write_secret(&path, "deep").unwrap();
        assert_eq!(read_secret(&path).unwrap().unwrap().trim(), "deep");
        assert!(write_secret(&path, "other").is_err(), "an existing file is never overwritten");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(read_secret(&path).is_err(), "others may read it");
        }
    }
}
