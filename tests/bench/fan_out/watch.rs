//! Watching a fan-out from outside: which receipts are durable, seen in the database itself by another connection.
//!
//! The ledger's entries are numbered, so each look reads only what came since the one before.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};
use diesel::{PgConnection, QueryableByName, SqliteConnection};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::measure::Stopwatch;

/// How often it looks: what an instant may be late by.
const EVERY: Duration = Duration::from_millis(4);
/// A fan-out that takes longer failed.
const BOUND: Duration = Duration::from_secs(120);

/// A connection of its own.
pub(crate) enum Watch {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

#[derive(QueryableByName)]
pub(crate) struct Entry {
    #[diesel(sql_type = BigInt)]
    pub(crate) n: i64,
    #[diesel(sql_type = Text)]
    pub(crate) kind: String,
    #[diesel(sql_type = Nullable<Binary>)]
    pub(crate) subject: Option<Vec<u8>>,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Integer)]
    number: i32,
}

impl Watch {
    pub(crate) fn open(url: &str) -> Self {
        match url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut connection = SqliteConnection::establish(path).expect("the database opens");
                connection.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON").expect("it answers");
                Self::Sqlite(connection)
            }
            None => Self::Postgres(PgConnection::establish(url).expect("the database opens")),
        }
    }

    /// The entries behind this one.
    pub(crate) fn since(&mut self, n: i64) -> Vec<Entry> {
        let query = diesel::sql_query(format!("SELECT n, kind, subject FROM ledger WHERE n > {n} ORDER BY n"));
        let found = match self {
            Self::Sqlite(connection) => query.load(connection),
            Self::Postgres(connection) => query.load(connection),
        };
        found.expect("the ledger is read")
    }

    /// The last entry.
    pub(crate) fn last(&mut self) -> i64 {
        let query = diesel::sql_query("SELECT n, kind, subject FROM ledger ORDER BY n DESC LIMIT 1");
        let found: Vec<Entry> = match self {
            Self::Sqlite(connection) => query.load(connection),
            Self::Postgres(connection) => query.load(connection),
        }
        .expect("the ledger is read");
        found.first().map_or(-1, |entry| entry.n)
    }

    /// CPU seconds of the database's server so far, this connection's share left out. None for a file.
    pub(crate) fn server_cpu_seconds(&mut self) -> f64 {
        let Self::Postgres(connection) = self else { return 0.0 };
        let own: Number = diesel::sql_query("SELECT pg_backend_pid() AS number").get_result(connection).expect("a pid");
        let own = u32::try_from(own.number).expect("a pid");
        let parent = |process: u32| -> Option<u32> {
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
            stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
        };
        let server = parent(own).expect("the backend has a parent");
        let processes = std::fs::read_dir("/proc").expect("Linux").flatten();
        processes
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter(|process| *process != own && (*process == server || parent(*process) == Some(server)))
            .map(crate::measure::cpu_seconds)
            .sum()
    }

    /// Waits for so many receipts about incidents, from behind entry `from` on. Answers when each was first seen, in
    /// seconds of the stopwatch, and how many receipts are about each incident.
    pub(crate) async fn receipts(&mut self, from: i64, count: usize, watch: &Stopwatch) -> Vec<(f64, Uuid)> {
        let mut seen = Vec::with_capacity(count);
        let mut last = from;
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while seen.len() < count {
            ticks.tick().await;
            let at = watch.seconds();
            for entry in self.since(last) {
                last = entry.n;
                if entry.kind == "receipt_received"
                    && let Some(subject) = entry.subject.and_then(|id| Uuid::from_slice(&id).ok())
                {
                    seen.push((at, subject));
                }
            }
            assert!(!watch.passed(BOUND), "only {} of {count} receipts came within {BOUND:?}", seen.len());
        }
        seen
    }
}
