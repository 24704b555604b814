//! Partner nodes for the fan-out, in a process of their own: every origin is a loopback address, and every receipt is
//! signed with that partner's own key. They store nothing, so that what is measured is the sender.
//!
//! The parent speaks one word a line: `bad` makes some of them misbehave from then on, the end of input ends them all.

use std::io::{BufRead as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use server::time_source::{SystemTime, TimeSource as _};
use sha2::{Digest as _, Sha256};
use tests::partner::Scripted;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use webhooks::checkpoint::{origin_of, sign_checkpoint};
use webhooks::jose::{CompactToken, TokenType};
use webhooks::keys::{KeyUse, SigningKey};
use webhooks::message::{Chain, Event, Head, Receipt, ReceiptOf};
use webhooks::set::{Claims, build_payload, sign_set};
use webhooks::values::Digest;

/// Of so many partners one refuses connections, one answers 500, one hangs.
const BAD_ONE_IN: usize = 100;
/// Connections waiting to be accepted.
const BACKLOG: u32 = 4_096;
/// The longest request that is read.
const REQUEST_MAX: usize = 128 * 1_024;
/// What the endless answer promises.
const ENDLESS: u64 = 10 * 1_024 * 1_024 * 1_024;

/// Where the partners are.
#[derive(Serialize, Deserialize)]
pub(crate) struct Where {
    /// The scheme of all issuers.
    pub(crate) tls: bool,
    /// The port of all but those that will refuse.
    pub(crate) port: u16,
    /// The port of those that will refuse connections.
    pub(crate) refusing: u16,
    /// The certificate that all of theirs stand under (PEM).
    pub(crate) root: String,
}

/// How a partner treats messages once it is told to be bad.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Temper {
    Good,
    Refuses,
    Fails,
    Hangs,
    Endless,
}

impl Temper {
    const fn of(number: usize) -> Self {
        match number % BAD_ONE_IN {
            1 => Self::Refuses,
            2 => Self::Fails,
            3 => Self::Hangs,
            4 if number == 4 => Self::Endless,
            _ => Self::Good,
        }
    }
}

/// Whether this partner stays good in the bad run.
pub(crate) fn is_healthy(number: usize) -> bool {
    Temper::of(number) == Temper::Good
}

impl Where {
    /// The name on the wire of a partner.
    pub(crate) fn issuer(&self, number: usize) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let port = if Temper::of(number) == Temper::Refuses { self.refusing } else { self.port };
        format!("{scheme}://{}:{port}", address(number))
    }
}

/// Partner names are the same in every run, so that parent and child make the same keys.
pub(crate) fn name(number: usize) -> String {
    format!("Council {}", number + 1)
}

/// `127.1.0.1`, `127.1.0.2` …
fn address(number: usize) -> Ipv4Addr {
    let (high, low) = (number / 250, number % 250 + 1);
    Ipv4Addr::new(127, 1, u8::try_from(high).expect("at most 64,000 partners"), u8::try_from(low).expect("below 251"))
}

fn number(address: IpAddr) -> Option<usize> {
    match address {
        IpAddr::V4(v4) => match v4.octets() {
            [127, 1, high, low] if low > 0 => Some(usize::from(high) * 250 + usize::from(low) - 1),
            [..] => None,
        },
        IpAddr::V6(_) => None,
    }
}

/// The child's part.
#[expect(clippy::disallowed_methods, reason = "they run until the process ends, with the benchmark")]
pub(crate) async fn play(count: usize, tls: bool) {
    let listen = || {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([0, 0, 0, 0], 0))).expect("a free port");
        socket.listen(BACKLOG).expect("it listens")
    };
    let (all, refusing) = (listen(), listen());
    let port = |listener: &TcpListener| listener.local_addr().expect("a bound address").port();
    let authority = tls.then(Authority::new);
    let place = Where {
        tls,
        port: port(&all),
        refusing: port(&refusing),
        root: authority.as_ref().map(Authority::root).unwrap_or_default(),
    };
    let players = (0..count).map(|number| Player::new(&place, number, authority.as_ref())).collect();
    let stage = Arc::new(Stage { players, bad: AtomicBool::new(false), turned: Notify::new() });
    tokio::spawn(accept(all, Arc::clone(&stage), false));
    tokio::spawn(accept(refusing, Arc::clone(&stage), true));
    say(&serde_json::to_string(&place).expect("JSON"));
    let input = tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if line == "bad" {
                stage.bad.store(true, Ordering::Relaxed);
                stage.turned.notify_waiters();
                say("bad");
            }
        }
    });
    let _ = input.await;
}

pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// All partners.
struct Stage {
    players: Vec<Player>,
    bad: AtomicBool,
    turned: Notify,
}

/// One partner.
struct Player {
    issuer: String,
    temper: Temper,
    set_key: SigningKey,
    checkpoint: String,
    manifest: String,
    tls: Option<TlsAcceptor>,
    head: Mutex<Head>,
}

impl Player {
    fn new(place: &Where, number: usize, authority: Option<&Authority>) -> Self {
        let (name, issuer) = (name(number), place.issuer(number));
        let key = |label: &str, purpose| {
            // As the scripted partner derives it.
            let seed: [u8; 32] = Sha256::digest(format!("{name} {label}")).into();
            SigningKey::from_seed(&seed, purpose).expect("every seed makes a key")
        };
        let log_key = key("log", KeyUse::Log);
        Self {
            temper: Temper::of(number),
            set_key: key("set", KeyUse::Set),
            checkpoint: sign_checkpoint(&origin_of(&issuer), 1, &[1; 32], &log_key),
            manifest: Scripted::new(&name, &issuer).manifest(SystemTime.now().unix_seconds()),
            tls: authority.map(|authority| authority.acceptor(address(number))),
            head: Mutex::new(Head { seq: 0, payload_sha256: None }),
            issuer,
        }
    }

    /// The receipt for a token.
    fn receipt(&self, token: &[u8]) -> Option<String> {
        let parsed = CompactToken::parse(token, TokenType::Set).ok()?;
        let payload: Value = serde_json::from_slice(parsed.payload()).ok()?;
        let text = |member: &str| payload.get(member).and_then(Value::as_str).map(str::to_owned);
        let event = payload.get("events")?.as_object()?.values().next()?;
        let seq = event.get("seq").and_then(Value::as_u64);
        let head = {
            let mut head = self.head.lock().expect("no panic while held");
            if let Some(seq) = seq.filter(|seq| *seq > head.seq) {
                *head = Head { seq, payload_sha256: Some(Digest::of(parsed.payload())) };
            }
            *head
        };
        let now = SystemTime.now().unix_seconds_up();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: text("iss")?,
            iat: now,
            jti: SystemTime.fresh_id(),
            txn: text("txn"),
            sub_id: payload.get("sub_id")?.get("id")?.as_str()?.to_owned(),
            toe: Some(now),
        };
        let receipt = Receipt {
            of: ReceiptOf { iss: text("iss")?, jti: text("jti")?.parse().ok()?, seq },
            set_sha256: Digest::of(token),
            status: "stored".to_owned(),
            chain: Chain::Ok,
            head,
            missing: Vec::new(),
            checkpoint: self.checkpoint.clone(),
        };
        Some(sign_set(&self.set_key, &build_payload(&claims, &Event::Receipt(receipt)).ok()?).octets)
    }

    fn answer(&self, head: &str, body: &[u8]) -> Vec<u8> {
        let plain = |status: &str| format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").into_bytes();
        if head.starts_with("GET /jwks.jwt ") {
            let length = self.manifest.len();
            return format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/jwk-set+jwt\r\ncontent-length: {length}\r\n\r\n{}",
                self.manifest
            )
            .into_bytes();
        }
        if head.starts_with("POST /ssf/keys ") {
            return plain("204 No Content");
        }
        match self.receipt(body) {
            Some(receipt) => {
                format!("HTTP/1.1 202 Accepted\r\nsecurity-event-receipt: {receipt}\r\ncontent-length: 0\r\n\r\n")
                    .into_bytes()
            }
            None => plain("400 Bad Request"),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a connection lives as long as its client holds it")]
async fn accept(listener: TcpListener, stage: Arc<Stage>, refuses: bool) {
    let turned = stage.turned.notified();
    let serve = async {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            tokio::spawn(serve(stream, Arc::clone(&stage)));
        }
    };
    if refuses {
        // Its port is closed once they turn bad.
        tokio::select! { () = serve => {}, () = turned => {} }
    } else {
        serve.await;
    }
}

async fn serve(stream: TcpStream, stage: Arc<Stage>) {
    let _ = stream.set_nodelay(true);
    let Some(player) = stream.local_addr().ok().and_then(|at| number(at.ip())).and_then(|at| stage.players.get(at))
    else {
        return;
    };
    match &player.tls {
        None => converse(stream, player, &stage).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                converse(stream, player, &stage).await;
            }
        }
    }
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, player: &Player, stage: &Stage) {
    let mut buffer = Vec::with_capacity(8 * 1_024);
    loop {
        let Some((head, body)) = request(&mut stream, &mut buffer).await else { return };
        let temper = if stage.bad.load(Ordering::Relaxed) { player.temper } else { Temper::Good };
        let done = match temper {
            Temper::Good => stream.write_all(&player.answer(&head, &body)).await.is_ok(),
            Temper::Refuses => false,
            Temper::Fails => {
                stream.write_all(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n").await.is_ok()
            }
            Temper::Hangs => {
                // Until the node has had enough and cuts the line.
                std::future::pending().await
            }
            Temper::Endless => endless(&mut stream).await,
        };
        if !done || stream.flush().await.is_err() {
            return;
        }
    }
}

async fn endless(stream: &mut (impl AsyncWrite + Unpin)) -> bool {
    let head = format!("HTTP/1.1 202 Accepted\r\ncontent-length: {ENDLESS}\r\n\r\n");
    let mut going = stream.write_all(head.as_bytes()).await.is_ok();
    let piece = vec![b'x'; 64 * 1_024];
    while going {
        going = stream.write_all(&piece).await.is_ok();
    }
    false
}

/// One request of HTTP/1.1 with a declared length; what comes after it stays in the buffer.
async fn request(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(buffer[..end].to_vec()).ok()?;
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            let whole = end + 4 + length.unwrap_or(0);
            if buffer.len() >= whole {
                let body = buffer[end + 4..whole].to_vec();
                buffer.drain(..whole);
                return Some((head, body));
            }
        }
        if buffer.len() > REQUEST_MAX || stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// Certificates for the partners, all under one root and over one key.
struct Authority {
    root: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
    key: rcgen::KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let own = rcgen::KeyPair::generate().expect("a key");
        let root = rcgen::CertifiedIssuer::self_signed(params, own).expect("a root");
        Self { root, key: rcgen::KeyPair::generate().expect("a key") }
    }

    fn root(&self) -> String {
        self.root.pem()
    }

    fn acceptor(&self, address: Ipv4Addr) -> TlsAcceptor {
        let params = rcgen::CertificateParams::new(vec![address.to_string()]).expect("a name");
        let certificate = params.signed_by(&self.key, &self.root).expect("a certificate");
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a chain of its own key");
        TlsAcceptor::from(Arc::new(config))
    }
}
