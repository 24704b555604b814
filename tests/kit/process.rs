//! The built program as a process of its own: started, killed as a power cut would, started again.
//!
//! A process takes a port that is free and says in its log which one it took. A port that a test chose beforehand could be
//! anybody's by the time the process wants it, and then the test would talk to somebody else's node.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use server::store::DataKey;
use tokio::sync::oneshot;
use tokio::time::{interval, timeout};

use crate::visitor::Visitor;
use crate::wait::until;

/// How long a start may take on a busy machine in a debug build.
const START: Duration = Duration::from_secs(60);
/// What it logs: trouble, and where it listens. That line is said by whoever serves a node, in the program or the library.
const LOGGED: &str = "warn,tocsin=info,server::serve=info";
/// So many lines of its log are shown when a start fails.
const LAST_LINES: usize = 20;

/// How a node is started as a process.
#[derive(Debug, Clone)]
pub struct Serving {
    /// Its database.
    pub database: String,
    /// Its data key's file.
    pub key_file: PathBuf,
    /// Its name on the wire.
    pub issuer: String,
}

/// A running node. Dropping it kills it.
pub struct Process {
    program: Program,
    /// Where it listens: on another port after each start.
    pub address: SocketAddr,
}

/// The program, from its start on; where it listens is not known yet. Dropping it kills it.
struct Program {
    child: Child,
    log: Log,
    /// Reads the log until the end: a program whose log nobody reads stands still once the pipe is full.
    reader: Option<JoinHandle<()>>,
}

/// The lines that a program has logged so far.
type Log = Arc<Mutex<Vec<String>>>;

/// The program that `cargo build` left beside the tests.
///
/// # Panics
/// When it is not there: `tests/run` builds it first.
#[must_use]
pub fn program() -> PathBuf {
    let own = std::env::current_exe().expect("a path of our own");
    let folder = own.ancestors().find(|folder| folder.join("tocsin").is_file());
    folder.expect("the program is missing: tests/run builds it first").join("tocsin")
}

/// Keeps a data key as the program does: readable by its owner only.
///
/// # Panics
/// When the file can't be written.
pub fn keep_key(path: &Path, key: &DataKey) {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(key.to_hex().as_bytes())).expect("the key is kept");
}

impl Process {
    /// Starts a node and waits until it is ready.
    ///
    /// # Panics
    /// When it isn't soon.
    pub async fn serve(serving: &Serving) -> Self {
        let mut process = Self::listening(serving).await;
        let visitor = Visitor::new(process.address);
        until("the node to be ready", START, async || {
            let answer = visitor.try_get("/health/ready").await;
            // Asked afterwards: while it runs the port is its own, so the answer was its own too.
            process.program.still_runs();
            answer.filter(|answer| answer.status == 200)
        })
        .await;
        process
    }

    /// Starts a node and waits for its first page, asking every millisecond from when it listens.
    ///
    /// # Panics
    /// When it isn't there soon.
    pub async fn serve_until_first_page(serving: &Serving) -> Self {
        let mut process = Self::listening(serving).await;
        let visitor = Visitor::new(process.address);
        let mut ticks = interval(Duration::from_millis(1));
        let first_page = async {
            loop {
                ticks.tick().await;
                let answer = visitor.try_get("/sign-in").await;
                process.program.still_runs();
                if answer.is_some_and(|answer| answer.status == 200) {
                    return;
                }
            }
        };
        timeout(START, first_page).await.expect("the first page comes soon");
        process
    }

    /// Starts a node and waits until it has said where it listens.
    async fn listening(serving: &Serving) -> Self {
        let (mut program, told) = Program::start(serving);
        match timeout(START, told).await {
            Ok(Ok(address)) => Self { program, address },
            Ok(Err(_)) => {
                let status = program.child.wait().expect("its state");
                program.ended(status)
            }
            Err(_) => panic!("the node did not listen within {START:?}; its last lines:\n{}", program.last_lines()),
        }
    }

    /// Everything that it has logged so far: JSON lines, and whatever it said before its log was going.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.program.log()
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.program.child.id()
    }

    /// Ends it at once, in the middle of whatever it does.
    ///
    /// # Panics
    /// When it has ended already.
    pub fn kill(mut self) {
        self.program.still_runs();
        self.program.child.kill().expect("it is killed");
        self.program.child.wait().expect("it has ended");
    }
}

impl Program {
    /// Starts it, and gives what will know where it listens; that is cut off when it ends before.
    fn start(serving: &Serving) -> (Self, oneshot::Receiver<SocketAddr>) {
        let mut child = Command::new(program())
            .arg("serve")
            .args(["--database", &serving.database])
            .arg("--key-file")
            .arg(&serving.key_file)
            .args(["--issuer", &serving.issuer])
            .args(["--bind", "127.0.0.1:0", "--loopback-http"])
            .args(["--log-format", "json", "--log", LOGGED])
            .args(["--partner-rate", "100000", "--partner-burst", "100000", "--address-rate", "1000000"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stream = child.stderr.take().expect("its error stream");
        let log = Log::default();
        let (tell, told) = oneshot::channel();
        let (into, issuer) = (Arc::clone(&log), serving.issuer.clone());
        let reader = std::thread::spawn(move || read_log(stream, &issuer, &into, tell));
        (Self { child, log, reader: Some(reader) }, told)
    }

    fn still_runs(&mut self) {
        if let Some(status) = self.child.try_wait().expect("its state") {
            self.ended(status);
        }
    }

    /// Fails the test with the last that the program said.
    fn ended(&mut self, status: ExitStatus) -> ! {
        self.read_to_the_end();
        panic!("the node ended by itself, {status}; its last lines:\n{}", self.last_lines());
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().expect("no panic while held").clone()
    }

    fn last_lines(&self) -> String {
        let log = self.log();
        log[log.len().saturating_sub(LAST_LINES)..].join("\n")
    }

    /// Waits for the rest of the log; only for a program that has ended.
    fn read_to_the_end(&mut self) {
        if let Some(reader) = self.reader.take() {
            // A reader that panicked has said so itself.
            let _ = reader.join();
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.read_to_the_end();
    }
}

/// Keeps every line until the stream ends, shows those that tell of trouble, and tells where the node listens.
fn read_log(stream: ChildStderr, issuer: &str, log: &Log, tell: oneshot::Sender<SocketAddr>) {
    let mut tell = Some(tell);
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        // What is no JSON is trouble too: a refused setting, or a panic.
        if said["level"] != "INFO" {
            eprintln!("{issuer}: {line}");
        }
        log.lock().expect("no panic while held").push(line);
        if let Some(address) = listens_at(&said)
            && let Some(tell) = tell.take()
        {
            // Whoever asked may have given up.
            let _ = tell.send(address);
        }
    }
}

/// The address in the line that says where the node listens.
fn listens_at(said: &Value) -> Option<SocketAddr> {
    let fields = &said["fields"];
    if fields["message"] != "listening" {
        return None;
    }
    fields["address"].as_str()?.parse().ok()
}
