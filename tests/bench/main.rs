//! The benchmark: a subcommand per question, each with the limit that it must keep.
//!
//! ```console
//! $ cargo build --release -p server
//! $ cargo run --release -p tests --bin bench -- log --partners 500
//! $ cargo run --release -p tests --bin bench -- --json --database postgres notice
//! ```
//!
//! Exits with 0 when every figure keeps its limit, with 1 when one does not. `--database postgres` starts a private
//! cluster through `tests/postgres.sh` unless `TOCSIN_TEST_POSTGRES` names one. Figures are for a machine that does nothing
//! else; say which one when you quote them.

mod documents;
mod fan_out;
mod idle;
mod import;
mod inbound;
mod limit;
mod log;
mod measure;
mod notice;
mod partners;
mod register;
mod report;
mod storm;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tests::On;

use crate::measure::Report;

/// How fast it is, and how little it needs.
#[derive(Parser)]
struct Bench {
    /// One JSON object instead of lines for people.
    #[arg(long, global = true)]
    json: bool,

    /// Which database.
    #[arg(long, global = true, value_enum, default_value = "sqlite")]
    database: Database,

    #[command(subcommand)]
    question: Question,
}

#[derive(Clone, Copy, ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
}

#[derive(Subcommand)]
enum Question {
    /// How long does it take to log an incident owed to so many partners, and what does a receipt cost then?
    Log {
        /// Partners that are owed a notice.
        #[arg(long, default_value_t = 500)]
        partners: usize,
    },
    /// How long from logging to the partner's receipt, between two healthy nodes over HTTP?
    Notice {
        /// How often.
        #[arg(long, default_value_t = 20)]
        times: usize,
    },
    /// How long does it take to import so many parties with their arrangements?
    Import {
        /// Parties, each with one arrangement.
        #[arg(long, default_value_t = 500)]
        parties: usize,
    },
    /// How long does a full ICO report take as DOCX, and as PDF?
    Documents {
        /// A folder to keep one of each in, to look at.
        #[arg(long)]
        keep: Option<std::path::PathBuf>,
    },
    /// How fast is a register of so many entries: its first page under each filter, and its statistics?
    Register {
        /// Entries.
        #[arg(long, default_value_t = 100_000)]
        incidents: usize,
    },
    /// How long do the page of a report and its documents take, in a register of many incidents?
    Report {
        /// Incidents in its database.
        #[arg(long, default_value_t = 100_000)]
        incidents: usize,
    },
    /// What does a node need that has nothing to do, and how soon does it show its first page?
    Idle {
        /// Incidents in its database.
        #[arg(long, default_value_t = 0)]
        incidents: usize,
        /// How long to watch it.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// How fast does an incident reach so many partner nodes, from logging to the last durable receipt?
    FanOut {
        /// Partner nodes, each its own origin.
        #[arg(long, default_value_t = 1_000)]
        partners: usize,
        /// A new TLS connection for each.
        #[arg(long)]
        tls: bool,
        /// What the healthy ones feel of bad ones, instead.
        #[arg(long)]
        bad: bool,
    },
    /// How many signed notices a second does a node take in and sign for, from many partners at once?
    Inbound {
        /// Partners, each with a connection of its own.
        #[arg(long, default_value_t = 64)]
        connections: usize,
        /// Notices, all partners' together.
        #[arg(long, default_value_t = 20_000)]
        messages: usize,
    },
    /// Plays the receiving node.
    #[command(hide = true)]
    InboundNode,
    /// The limit of what comes in.
    #[command(hide = true)]
    InboundLimit {
        /// How many partners.
        #[arg(long)]
        partners: usize,
    },
    /// Plays the partner nodes of a fan-out.
    #[command(hide = true)]
    FanOutReceivers {
        /// How many.
        #[arg(long)]
        count: usize,
        /// Over TLS.
        #[arg(long)]
        tls: bool,
    },
    /// Plays the node of a fan-out.
    #[command(hide = true)]
    FanOutSender,
    /// The limit of a fan-out.
    #[command(hide = true)]
    FanOutLimit,
    /// Is anything lost when sender or receiver are killed at random moments of a fan-out?
    Storm {
        /// Partners that are owed a notice; as many notices for the receiver.
        #[arg(long, default_value_t = 1_000)]
        partners: usize,
        /// How often each side is killed.
        #[arg(long, default_value_t = 10)]
        kills: usize,
        /// What the moments are drawn from; fresh when left out, and shown.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Plays partners for another benchmark.
    #[command(hide = true)]
    Partners {
        /// How many.
        #[arg(long)]
        count: usize,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let bench = Bench::parse();
    let (on, _cluster) = match bench.database {
        Database::Sqlite => (On::Sqlite, None),
        Database::Postgres => (On::Postgres, measure::Cluster::start()),
    };
    let mut report = Report::new(on);
    match bench.question {
        Question::Log { partners } => log::run(on, partners, &mut report).await,
        Question::Notice { times } => notice::run(on, times, &mut report).await,
        Question::Import { parties } => import::run(on, parties, &mut report).await,
        Question::Documents { keep } => documents::run(on, keep.as_deref(), &mut report).await,
        Question::Register { incidents } => register::run(on, incidents, &mut report).await,
        Question::Report { incidents } => report::run(on, incidents, &mut report).await,
        Question::Idle { incidents, seconds } => idle::run(on, incidents, seconds, &mut report).await,
        Question::FanOut { partners, tls, bad: false } => return fan_out::run(on, partners, tls, bench.json).await,
        Question::FanOut { partners, tls, bad: true } => fan_out::run_bad(on, partners, tls, &mut report).await,
        Question::Inbound { connections, messages } => {
            return inbound::run(on, connections, messages, bench.json).await;
        }
        Question::InboundNode => {
            inbound::node::play().await;
            return ExitCode::SUCCESS;
        }
        Question::InboundLimit { partners } => {
            // It has a runtime of its own.
            tokio::task::spawn_blocking(move || inbound::bare::play(partners)).await.expect("it ends");
            return ExitCode::SUCCESS;
        }
        Question::FanOutReceivers { count, tls } => {
            fan_out::receivers::play(count, tls).await;
            return ExitCode::SUCCESS;
        }
        Question::FanOutSender => {
            fan_out::sender::play().await;
            return ExitCode::SUCCESS;
        }
        Question::FanOutLimit => {
            // It has a runtime of its own.
            tokio::task::spawn_blocking(limit::play).await.expect("it ends");
            return ExitCode::SUCCESS;
        }
        Question::Storm { partners, kills, seed } => storm::run(on, partners, kills, seed, &mut report).await,
        Question::Partners { count } => {
            partners::play(count).await;
            return ExitCode::SUCCESS;
        }
    }
    report.print(bench.json);
    if report.kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
