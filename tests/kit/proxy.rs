//! A proxy between two nodes that cuts the line on command and holds a message at any point that a proxy can see.
//!
//! It reads whole requests and answers, so that "after the request was forwarded" means just that. It keeps every octet
//! that went through, for tests of what a partner may learn.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long a delayed answer waits.
const DELAY: Duration = Duration::from_millis(300);
/// How long a message may take until it is held. Longer than [`crate::wait::SOON`]: in one story sixteen nodes of a debug
/// build start on two cores at once, and a sender whose first try failed waits 5, then 15, then 30 s before the next.
const HELD: Duration = Duration::from_secs(120);

/// What the line does to every request from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it carries.
    None,
    /// Closes at once, with a reset.
    Reset,
    /// Takes the request and never answers.
    Blackhole,
    /// Forwards half of the request, then cuts both sides.
    CutRequest,
    /// Forwards the request, throws the answer away and cuts: the work was done, the sender can't know.
    DropResponse,
    /// Answers late.
    Delay,
}

/// Where a message can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The sender has sent; the receiver has seen nothing.
    BeforeForward,
    /// The receiver has all of it; its answer has not been read.
    AfterForward,
    /// The receiver has answered; the sender has not been told.
    BeforeReturn,
    /// The sender has been told.
    AfterReturn,
}

/// All points, in the order in which a message passes them.
pub const POINTS: [Point; 4] = [Point::BeforeForward, Point::AfterForward, Point::BeforeReturn, Point::AfterReturn];

/// One request and its answer, as they went through.
#[derive(Debug, Clone)]
pub struct Passed {
    /// All octets of the request.
    pub request: Vec<u8>,
    /// All octets of the answer; empty when there was none.
    pub answer: Vec<u8>,
}

struct Shared {
    target: Mutex<Option<SocketAddr>>,
    fault: watch::Sender<Fault>,
    hold: watch::Sender<Option<Point>>,
    held: watch::Sender<Option<Point>>,
    passed: Mutex<Vec<Passed>>,
}

/// The proxy. Dropping it closes every connection.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Starts on a free port. It leads nowhere yet.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared {
            target: Mutex::new(None),
            fault: watch::Sender::new(Fault::None),
            hold: watch::Sender::new(None),
            held: watch::Sender::new(None),
            passed: Mutex::new(Vec::new()),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, _tasks: tasks }
    }

    /// Its origin, to be a node's issuer.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Leads to this address from now on.
    pub fn lead_to(&self, target: SocketAddr) {
        *self.shared.target.lock().expect("no panic while held") = Some(target);
    }

    /// Cuts every request from now on, as when nobody listens.
    pub fn lead_nowhere(&self) {
        *self.shared.target.lock().expect("no panic while held") = None;
    }

    /// Does this to every request from now on.
    pub fn set(&self, fault: Fault) {
        self.shared.fault.send_replace(fault);
    }

    /// Holds messages that reach this point from now on.
    pub fn hold_at(&self, point: Point) {
        self.shared.held.send_replace(None);
        self.shared.hold.send_replace(Some(point));
    }

    /// Waits until a message is held.
    ///
    /// # Panics
    /// When none comes soon.
    pub async fn held(&self) {
        let mut held = self.shared.held.subscribe();
        let waited = timeout(HELD, held.wait_for(Option::is_some)).await;
        assert!(waited.is_ok_and(|held| held.is_ok()), "no message was held within {HELD:?}");
    }

    /// Lets held messages go on, and holds no more.
    pub fn let_go(&self) {
        self.shared.hold.send_replace(None);
    }

    /// Everything that went through so far.
    ///
    /// # Panics
    /// Never, unless a task panicked.
    #[must_use]
    pub fn passed(&self) -> Vec<Passed> {
        self.shared.passed.lock().expect("no panic while held").clone()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        connections.spawn(serve(connection, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

/// Serves one connection of the sender: each request on a fresh connection to the receiver.
async fn serve(mut sender: TcpStream, shared: Arc<Shared>) {
    while let Some(request) = read_message(&mut sender).await {
        let fault = *shared.fault.borrow();
        match fault {
            Fault::Reset => {
                let _ = sender.set_zero_linger();
                return;
            }
            Fault::Blackhole => std::future::pending().await,
            Fault::None | Fault::CutRequest | Fault::DropResponse | Fault::Delay => {}
        }
        let Some(answer) = forward(&request, fault, &shared).await else {
            return;
        };
        if fault == Fault::DropResponse {
            return;
        }
        if fault == Fault::Delay {
            sleep(DELAY).await;
        }
        shared.pass(Point::BeforeReturn).await;
        if sender.write_all(&answer).await.is_err() {
            return;
        }
        shared.pass(Point::AfterReturn).await;
    }
}

/// Carries one request to the receiver; `None` when the line is cut.
async fn forward(request: &[u8], fault: Fault, shared: &Shared) -> Option<Vec<u8>> {
    shared.pass(Point::BeforeForward).await;
    let target = (*shared.target.lock().expect("no panic while held"))?;
    let mut receiver = TcpStream::connect(target).await.ok()?;
    if fault == Fault::CutRequest {
        let _ = receiver.write_all(&request[..request.len() / 2]).await;
        return None;
    }
    receiver.write_all(request).await.ok()?;
    shared.pass(Point::AfterForward).await;
    let answer = read_message(&mut receiver).await;
    let passed = Passed { request: request.to_vec(), answer: answer.clone().unwrap_or_default() };
    shared.passed.lock().expect("no panic while held").push(passed);
    answer
}

impl Shared {
    /// Holds here while a test wants messages held at this point.
    async fn pass(&self, point: Point) {
        let mut hold = self.hold.subscribe();
        if *hold.borrow() != Some(point) {
            return;
        }
        self.held.send_replace(Some(point));
        let _ = hold.wait_for(|hold| *hold != Some(point)).await;
    }
}

/// One whole HTTP/1.1 request or answer: head, and as much body as it declares. `None` at the end of the connection.
async fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let mut piece = [0; 16_384];
    let head = loop {
        if let Some(end) = find(&octets, b"\r\n\r\n") {
            break end + 4;
        }
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => octets.extend_from_slice(&piece[..read]),
        }
    };
    let text = String::from_utf8_lossy(&octets[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let chunked = text.lines().any(|line| line.starts_with("transfer-encoding:") && line.contains("chunked"));
    loop {
        let whole = match length {
            Some(length) => octets.len() >= head + length,
            None => !chunked || octets.ends_with(b"0\r\n\r\n"),
        };
        if whole {
            return Some(octets);
        }
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => octets.extend_from_slice(&piece[..read]),
        }
    }
}

fn find(octets: &[u8], wanted: &[u8]) -> Option<usize> {
    octets.windows(wanted.len()).position(|window| window == wanted)
}
