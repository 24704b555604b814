//! The built program as a process of its own: started, killed as a power cut would, started again.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use server::store::DataKey;
use tokio::time::{interval, timeout};

use crate::visitor::Visitor;
use crate::wait::until;

/// How long a start may take on a busy machine in a debug build.
const START: Duration = Duration::from_secs(60);

/// How a node is started as a process.
#[derive(Debug, Clone)]
pub struct Serving {
    /// Its database.
    pub database: String,
    /// Its data key's file.
    pub key_file: PathBuf,
    /// Its name on the wire.
    pub issuer: String,
    /// Where it listens.
    pub bind: SocketAddr,
}

/// A running node. Dropping it kills it.
pub struct Process {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

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

/// A port that was free a moment ago. Nodes in processes need it before they start, because it is in their name.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
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
        let mut process = Self::spawn(serving);
        let visitor = Visitor::new(process.address);
        until("the node to be ready", START, async || {
            process.still_runs();
            visitor.try_get("/health/ready").await.filter(|answer| answer.status == 200)
        })
        .await;
        process
    }

    /// Starts a node and waits for its first page, asking every millisecond.
    ///
    /// # Panics
    /// When it isn't there soon.
    pub async fn serve_until_first_page(serving: &Serving) -> Self {
        let mut process = Self::spawn(serving);
        let visitor = Visitor::new(process.address);
        let mut ticks = interval(Duration::from_millis(1));
        let first_page = async {
            loop {
                ticks.tick().await;
                process.still_runs();
                if visitor.try_get("/sign-in").await.is_some_and(|answer| answer.status == 200) {
                    return;
                }
            }
        };
        timeout(START, first_page).await.expect("the first page comes soon");
        process
    }

    fn spawn(serving: &Serving) -> Self {
        let child = Command::new(program())
            .arg("serve")
            .args(["--database", &serving.database])
            .arg("--key-file")
            .arg(&serving.key_file)
            .args(["--issuer", &serving.issuer])
            .args(["--bind", &serving.bind.to_string()])
            .args(["--loopback-http", "--log", "warn"])
            .args(["--partner-rate", "100000", "--partner-burst", "100000", "--address-rate", "1000000"])
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program starts");
        Self { child, address: serving.bind }
    }

    fn still_runs(&mut self) {
        let ended = self.child.try_wait().expect("its state");
        assert!(ended.is_none(), "the node ended while starting: {ended:?}");
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, in the middle of whatever it does.
    ///
    /// # Panics
    /// When it has ended already.
    pub fn kill(mut self) {
        assert!(self.child.try_wait().expect("its state").is_none(), "the node had ended by itself");
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it has ended");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
