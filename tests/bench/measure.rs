//! Figures with their limits, and what the machine says about a process.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::On;

/// Linux counts CPU time in hundredths of a second on every machine that we know (`getconf CLK_TCK`).
const TICKS_PER_SECOND: f64 = 100.0;

/// One figure.
struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    /// The most that it may be; `None` for what is only told.
    limit: Option<f64>,
}

/// All figures of one question.
pub(crate) struct Report {
    database: &'static str,
    figures: Vec<Figure>,
}

impl Report {
    pub(crate) const fn new(on: On) -> Self {
        let database = match on {
            On::Sqlite => "sqlite",
            On::Postgres => "postgres",
        };
        Self { database, figures: Vec::new() }
    }

    /// A figure that must keep a limit.
    pub(crate) fn limit(&mut self, name: &'static str, value: f64, unit: &'static str, limit: f64) {
        self.figures.push(Figure { name, value, unit, limit: Some(limit) });
    }

    /// A figure that is only told.
    pub(crate) fn tell(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.figures.push(Figure { name, value, unit, limit: None });
    }

    /// Whether every figure keeps its limit. Without a figure nothing was measured, which is no success.
    pub(crate) fn kept(&self) -> bool {
        !self.figures.is_empty() && self.figures.iter().all(Figure::kept)
    }

    pub(crate) fn print(&self, as_json: bool) {
        let mut out = std::io::stdout().lock();
        if as_json {
            let figures: Vec<Value> = self.figures.iter().map(Figure::json).collect();
            let report = json!({ "database": self.database, "kept": self.kept(), "figures": figures });
            let _ = writeln!(out, "{report}");
            return;
        }
        let _ = writeln!(out, "database: {}", self.database);
        for figure in &self.figures {
            let limit = figure.limit.map(|limit| format!("(limit {limit} {})", figure.unit)).unwrap_or_default();
            let verdict = if figure.limit.is_none() {
                ""
            } else if figure.kept() {
                "pass"
            } else {
                "FAIL"
            };
            let _ = writeln!(out, "{:<44} {:>12.3} {:<12} {limit} {verdict}", figure.name, figure.value, figure.unit);
        }
    }
}

impl Figure {
    fn kept(&self) -> bool {
        self.limit.is_none_or(|limit| self.value.is_finite() && self.value <= limit)
    }

    fn json(&self) -> Value {
        json!({ "name": self.name, "value": self.value, "unit": self.unit, "limit": self.limit, "kept": self.kept() })
    }
}

/// A stopwatch.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the time: that is its question")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }

    pub(crate) fn passed(&self, bound: Duration) -> bool {
        self.0.elapsed() >= bound
    }
}

/// CPU seconds that a process has used so far, all threads together.
pub(crate) fn cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("the process runs");
    // The second field is the name in parentheses and may hold spaces.
    let after_name = stat.rsplit(')').next().expect("a name");
    let ticks = |field: usize| after_name.split_whitespace().nth(field - 3).and_then(|n| n.parse::<f64>().ok());
    let (user, system) = (ticks(14).expect("user time"), ticks(15).expect("system time"));
    (user + system) / TICKS_PER_SECOND
}

/// Megabytes of memory that a process holds.
pub(crate) fn resident_megabytes(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes / 1_024.0
}

/// The middle one of some figures.
pub(crate) fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A private Postgres for this run; dropping it stops it.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
}

impl Cluster {
    /// Starts one and names it in the environment, unless it names one already.
    #[expect(clippy::disallowed_methods, reason = "the same variable through which tests/run hands its cluster over")]
    pub(crate) fn start() -> Option<Self> {
        if std::env::var_os("TOCSIN_TEST_POSTGRES").is_some() {
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cluster = Self { folder };
        let started = cluster.script("start").output().expect("tests/postgres.sh runs");
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        tests::database::use_cluster(String::from_utf8_lossy(&started.stdout).trim());
        Some(cluster)
    }

    fn script(&self, verb: &str) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("postgres.sh");
        let mut command = Command::new(script);
        // Below the temporary folder, which belongs to us: Postgres may run as another user.
        command
            .arg(verb)
            .env("TOCSIN_TEST_POSTGRES_DIR", self.folder.path().with_extension("postgres"))
            // What is not durable is not done.
            .env("TOCSIN_TEST_POSTGRES_FSYNC", "on");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.script("stop").stdout(Stdio::null()).status();
    }
}
