//! What `main` starts in front of a node: routes, binding, headers that every answer carries, and a graceful stop.
//!
//! Plain HTTP is served on loopback only: elsewhere a proxy on the same machine does TLS. The server runs on threads of
//! its own, because its workers are single-threaded.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, Error, HttpServer, web as actix};
use tokio::sync::watch;

use crate::access::throttle::{Address, Throttle};
use crate::api;
use crate::api::wire::AddressRate;
use crate::node::Node;
use crate::web;
use crate::web::live::Live;
use crate::web::sign_in::Tries;

/// Threads that answer.
const WORKERS: usize = 2;
/// Connections at once per worker.
const CONNECTIONS_MAX: usize = 2_000;
/// Whoever sends headers so slowly is not waited for.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);
/// How long requests in hand may take to finish on shutdown, in seconds.
const GRACE_SECONDS: u64 = 5;
/// Attempts to sign in from one address: at once, then lastingly in a minute.
const TRIES_BY_ADDRESS: (u32, u32) = (60, 30);
/// Attempts to sign in to one account.
const TRIES_BY_ACCOUNT: (u32, u32) = (10, 5);

/// Headers of every answer: nothing may frame us, guess types, or load from elsewhere.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// How the server runs.
#[derive(Debug, Clone, Default)]
pub struct HttpOptions {
    /// The proxy whose word about addresses is believed.
    pub trusted_proxy: Option<IpAddr>,
}

/// A running server.
pub struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    stop: watch::Sender<bool>,
    thread: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Ends live streams, lets requests in hand finish, and stops listening.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.handle.stop(true).await;
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await;
        if !matches!(joined, Ok(Ok(Ok(())))) {
            tracing::error!("the web server did not stop cleanly");
        }
    }
}

/// Serves a node on a bound listener.
///
/// # Errors
/// That of the operating system; [`std::io::ErrorKind::Unsupported`] off loopback, where plain HTTP is refused.
pub fn serve(node: Arc<Node>, listener: TcpListener, options: HttpOptions) -> std::io::Result<Running> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(std::io::Error::new(std::io::ErrorKind::Unsupported, "plain HTTP is served on loopback only"));
    }
    let (stop, stopped) = watch::channel(false);
    let shared = Shared::new(node, &options, stopped);
    let (give, take) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("web".to_owned()).spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                App::new()
                    .app_data(shared.node.clone())
                    .app_data(shared.rate.clone())
                    .app_data(shared.live.clone())
                    .app_data(shared.tries.clone())
                    .app_data(shared.address.clone())
                    .wrap(from_fn(guarded))
                    .configure(api::routes)
                    .configure(web::routes)
            };
            let server = HttpServer::new(app)
                .workers(WORKERS)
                .max_connections(CONNECTIONS_MAX)
                .client_request_timeout(HEADERS_TIMEOUT)
                .shutdown_timeout(GRACE_SECONDS)
                .disable_signals()
                .listen(listener)?
                .run();
            // Nobody waits any more only when `serve` itself is gone.
            drop(give.send(server.handle()));
            server.await
        })
    })?;
    let handle = take.recv().map_err(|_| std::io::Error::other("the web server did not start"))?;
    Ok(Running { address, handle, stop, thread })
}

/// What every worker shares.
#[derive(Clone)]
struct Shared {
    node: actix::Data<Node>,
    rate: actix::Data<AddressRate>,
    live: actix::Data<Live>,
    tries: actix::Data<Tries>,
    address: actix::Data<Address>,
}

impl Shared {
    fn new(node: Arc<Node>, options: &HttpOptions, stopped: watch::Receiver<bool>) -> Self {
        Self {
            rate: actix::Data::new(AddressRate::new(&node)),
            live: actix::Data::new(Live::new(stopped)),
            tries: actix::Data::new(Tries {
                by_address: throttle(&node, TRIES_BY_ADDRESS),
                by_account: throttle(&node, TRIES_BY_ACCOUNT),
            }),
            address: actix::Data::new(Address::believing(options.trusted_proxy)),
            node: actix::Data::from(node),
        }
    }
}

fn throttle<K: Clone + std::hash::Hash + Eq>(node: &Node, (burst, per_minute): (u32, u32)) -> Throttle<K> {
    let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Throttle::new(node.shared_time(), at_least_one(per_minute), at_least_one(burst))
}

/// Puts the headers on every answer; a node behind `https` also says that it stays there.
async fn guarded<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let secure = request.app_data::<actix::Data<Node>>().is_some_and(|node| node.issuer().starts_with("https://"));
    let mut answered = next.call(request).await?;
    let headers = answered.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    Ok(answered)
}
