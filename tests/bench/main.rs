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

mod idle;
mod import;
mod log;
mod measure;
mod notice;
mod partners;

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
    /// What does a node need that has nothing to do, and how soon does it show its first page?
    Idle {
        /// Incidents in its database.
        #[arg(long, default_value_t = 0)]
        incidents: usize,
        /// How long to watch it.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
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
        Question::Idle { incidents, seconds } => idle::run(on, incidents, seconds, &mut report).await,
        Question::Partners { count } => {
            partners::play(count).await;
            return ExitCode::SUCCESS;
        }
    }
    report.print(bench.json);
    if report.kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
