//! Every setting of the program, read once at start into one struct for each command. The doc comments are the `--help`
//! text.
//!
//! A setting comes from the command line, else from its variable, else from the settings file, else it has its default. A
//! wrong or unknown one stops the start with all faults listed, one sentence each, and exit code 2. Secrets come from files
//! of their own, one variable or a prompt, never from the command line or the settings file.

mod duties;
mod mail;
mod secrets;
mod serve;
mod sources;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use chrono_tz::Tz;
use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::values::{Line, Role};
use tracing_subscriber::EnvFilter;
use webhooks::values::{Schemes, check_issuer};

pub use self::duties::DutyArgs;
pub use self::mail::{MailArgs, MailSecurity};
pub use self::secrets::{VariableSecret, write_private_file};
pub use self::serve::{BCRYPT_COST_MIN, ServeSettings};
pub use self::sources::{Reading, read};

/// The longest life of an API token made at the command line, in days.
const TOKEN_DAYS_MAX: i64 = 396;

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
    /// Read the settings of `serve`, look at what they name, say what is wrong, and stop.
    Check(Box<ServeSettings>),
    /// Take parties, services, agreements and arrangements from a file: all of them, or nothing.
    Import(ImportSettings),
    /// Write parties, services, agreements and arrangements to a file.
    Export(ExportSettings),
    /// Add people, or let one of them choose a new password.
    #[command(subcommand)]
    Person(PersonCommand),
    /// Make an API token for a person and print it, this once.
    Token(TokenSettings),
    /// Copy everything into one encrypted file, also while the node runs.
    Backup(BackupSettings),
    /// Put a backup into an empty database.
    Restore(BackupSettings),
    /// Make a private certificate authority and certificates for trying things out.
    DevCerts(DevCertsSettings),
    /// Ask the node that runs with the same settings whether it lives; for containers.
    Health(Box<ServeSettings>),
}

/// Which node, and how to reach what it keeps: shared by every command that works on one.
#[derive(Debug, Clone, Args)]
pub struct NodeArgs {
    /// Settings file in TOML: the names of these settings without the hyphens in front. The command line and variables win over it.
    #[arg(long, env = "TOCSIN_SETTINGS")]
    pub settings: Option<PathBuf>,

    /// Where everything is kept: sqlite:PATH or postgres://…
    #[arg(long, env = "TOCSIN_DATABASE", hide_env_values = true, default_value = "sqlite:tocsin.db")]
    pub database: String,

    /// File with the data key; made on first run, readable by its owner only. Default: beside the database. The variable TOCSIN_DATA_KEY, 64 hexadecimal digits, takes its place.
    #[arg(long, env = "TOCSIN_KEY_FILE")]
    pub key_file: Option<PathBuf>,

    /// Ask for the data key at the terminal instead of reading it from a file.
    #[arg(long)]
    pub ask_data_key: bool,

    /// This node's name: the https origin at which partners reach it, without a slash at the end.
    #[arg(long, env = "TOCSIN_ISSUER", default_value = "", hide_default_value = true)]
    pub issuer: String,

    /// The zone in which instants are shown.
    #[arg(long, env = "TOCSIN_ZONE", default_value = "Europe/London")]
    pub zone: Tz,

    /// Form of the log.
    #[arg(long, env = "TOCSIN_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// What is logged: error, warn, info, debug, or a filter by module such as info,server::node=debug.
    #[arg(long, env = "TOCSIN_LOG", default_value = "info")]
    pub log: String,

    /// Admit http on loopback addresses: a trial or test on one machine.
    #[arg(long, hide = true)]
    pub loopback_http: bool,

    /// The data key from its variable.
    #[arg(skip)]
    pub data_key_variable: Option<VariableSecret>,
}

impl NodeArgs {
    /// What is wrong with the place where things are kept.
    fn store_faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let known = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| self.database.starts_with(scheme));
        say(&mut faults, !known, "--database must begin with sqlite: or postgres://.");
        say(&mut faults, EnvFilter::try_new(&self.log).is_err(), "--log is not a level or a filter.");
        faults
    }

    /// Everything that is wrong, all at once.
    fn faults(&self) -> Vec<Fault> {
        let mut faults = self.store_faults();
        if self.issuer.is_empty() {
            say(&mut faults, true, "--issuer is needed: the https origin at which partners reach this node.");
        } else {
            say(
                &mut faults,
                check_issuer(&self.issuer, self.schemes()).is_err(),
                "--issuer must be an https origin in lower case, without a path or a slash at the end.",
            );
        }
        faults
    }

    /// Which issuers are admitted.
    #[must_use]
    pub const fn schemes(&self) -> Schemes {
        if self.loopback_http { Schemes::HttpsOrLoopback } else { Schemes::HttpsOnly }
    }
}

/// Settings of `import`.
#[derive(Debug, Clone, Args)]
pub struct ImportSettings {
    /// Which node.
    #[command(flatten)]
    pub node: NodeArgs,

    /// The TOML file to take them from.
    pub file: PathBuf,

    /// Say what would change, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Settings of `export`.
#[derive(Debug, Clone, Args)]
pub struct ExportSettings {
    /// Which node.
    #[command(flatten)]
    pub node: NodeArgs,

    /// The TOML file to write; it must not be there yet. Default: standard output.
    pub file: Option<PathBuf>,
}

/// What is done about people.
#[derive(Debug, Clone, Subcommand)]
pub enum PersonCommand {
    /// Add a person and print the link with which they choose a password, this once.
    Add(PersonAddSettings),
    /// Print a link with which a person chooses a new password, this once.
    Reset(PersonResetSettings),
}

impl PersonCommand {
    /// Which node.
    #[must_use]
    pub const fn node(&self) -> &NodeArgs {
        match self {
            Self::Add(settings) => &settings.node,
            Self::Reset(settings) => &settings.node,
        }
    }
}

/// Settings of `person add`.
#[derive(Debug, Clone, Args)]
pub struct PersonAddSettings {
    /// Which node.
    #[command(flatten)]
    pub node: NodeArgs,

    /// Their mail address.
    #[arg(long, value_parser = Line::parse)]
    pub email: Line,

    /// Their name.
    #[arg(long, value_parser = Line::parse)]
    pub name: Line,

    /// What they may do, once for each role: reporter, responder, dpo, manager, administrator or auditor.
    #[arg(long = "role", required = true)]
    pub roles: Vec<Role>,
}

/// Settings of `person reset`.
#[derive(Debug, Clone, Args)]
pub struct PersonResetSettings {
    /// Which node.
    #[command(flatten)]
    pub node: NodeArgs,

    /// Their mail address.
    #[arg(long, value_parser = Line::parse)]
    pub email: Line,
}

/// Settings of `token`.
#[derive(Debug, Clone, Args)]
pub struct TokenSettings {
    /// Which node.
    #[command(flatten)]
    pub node: NodeArgs,

    /// Mail address of the person for whom the program will act.
    #[arg(long = "for", value_name = "EMAIL", value_parser = Line::parse)]
    pub owner: Line,

    /// What the token is called in lists and in the record.
    #[arg(long, value_parser = Line::parse)]
    pub label: Line,

    /// What it may do, once for each: read, respond, decide or administer; never more than the person.
    #[arg(long = "scope", required = true, value_parser = ["read", "respond", "decide", "administer"])]
    pub scopes: Vec<String>,

    /// Days for which it is good.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(i64).range(1..=TOKEN_DAYS_MAX))]
    pub days: i64,
}

/// Settings of `backup` and `restore`.
#[derive(Debug, Clone, Args)]
pub struct BackupSettings {
    /// Which node.
    #[command(flatten)]
    pub node: NodeArgs,

    /// The backup's file. An existing file is never overwritten.
    pub file: PathBuf,
}

/// Settings of `dev-certs`.
#[derive(Debug, Clone, Args)]
pub struct DevCertsSettings {
    /// The folder to write to; made when it is not there. Nothing in it is overwritten.
    pub dir: PathBuf,

    /// The host name of a certificate, once for each. Default: localhost, operator and council.
    #[arg(long = "name")]
    pub names: Vec<String>,
}

/// Settings of `demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoSettings {
    /// First of four ports on loopback; 0 picks free ones.
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

/// Adds a fault when something is wrong.
fn say(faults: &mut Vec<Fault>, wrong: bool, sentence: impl Into<String>) {
    if wrong {
        faults.push(Fault(sentence.into()));
    }
}

impl Command {
    /// Everything that is wrong with the command's settings, all at once.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        match self {
            Self::Serve(settings) | Self::Check(settings) | Self::Health(settings) => settings.faults(),
            Self::Import(ImportSettings { node, .. })
            | Self::Export(ExportSettings { node, .. })
            | Self::Token(TokenSettings { node, .. }) => node.faults(),
            Self::Person(command) => command.node().faults(),
            Self::Backup(BackupSettings { node, .. }) | Self::Restore(BackupSettings { node, .. }) => {
                node.store_faults()
            }
            Self::Demo(settings) => {
                let mut faults = Vec::new();
                say(&mut faults, EnvFilter::try_new(&settings.log).is_err(), "--log is not a level or a filter.");
                faults
            }
            Self::DevCerts(_) => Vec::new(),
        }
    }

    /// The settings of the node that the command works on.
    const fn node_mut(&mut self) -> Option<&mut NodeArgs> {
        match self {
            Self::Serve(settings) | Self::Check(settings) | Self::Health(settings) => Some(&mut settings.node),
            Self::Import(settings) => Some(&mut settings.node),
            Self::Export(settings) => Some(&mut settings.node),
            Self::Person(PersonCommand::Add(settings)) => Some(&mut settings.node),
            Self::Person(PersonCommand::Reset(settings)) => Some(&mut settings.node),
            Self::Token(settings) => Some(&mut settings.node),
            Self::Backup(settings) | Self::Restore(settings) => Some(&mut settings.node),
            Self::Demo(_) | Self::DevCerts(_) => None,
        }
    }

    /// The settings of mail, for the commands that have them.
    const fn mail_mut(&mut self) -> Option<&mut MailArgs> {
        match self {
            Self::Serve(settings) | Self::Check(settings) | Self::Health(settings) => Some(&mut settings.mail),
            Self::Import(_)
            | Self::Export(_)
            | Self::Person(_)
            | Self::Token(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Demo(_)
            | Self::DevCerts(_) => None,
        }
    }
}
