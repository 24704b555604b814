//! What `main` starts in front of a node: routes, binding, headers that every answer carries, and a graceful stop.
//!
//! Plain HTTP is served on loopback only. The server runs on threads of its own, because its workers are single-threaded.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::{App, Error, HttpServer, web as routing};
use tokio::sync::watch;

use crate::access::throttle::Address;
use crate::api;
use crate::api::wire::AddressRate;
use crate::node::Node;
use crate::web;
use crate::web::live::Live;
use crate::web::sign_in::Tries;

/// How the server runs.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Threads that answer.
    pub workers: usize,
    /// How long requests in hand may take to finish on shutdown.
    pub grace: Duration,
    /// Address of the proxy whose word on the client's address is believed (ruling 30).
    pub trusted_proxy: Option<IpAddr>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self { workers: 2, grace: Duration::from_secs(5), trusted_proxy: None }
    }
}

/// Whoever sends headers so slowly is not waited for.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections at once per worker.
const CONNECTIONS_MAX: usize = 2_000;

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
    let rate = routing::Data::new(AddressRate::new(&node));
    let live = routing::Data::new(Live::new(stopped));
    let tries = routing::Data::new(Tries::new(&node));
    let believed = routing::Data::new(Address::believing(options.trusted_proxy));
    let node = routing::Data::from(node);
    let (give, take) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("web".to_owned()).spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                App::new()
                    .app_data(node.clone())
                    .app_data(rate.clone())
                    .app_data(live.clone())
                    .app_data(tries.clone())
                    .app_data(believed.clone())
                    .wrap(from_fn(guarded))
                    .configure(api::routes)
                    .configure(web::routes)
            })
            .workers(options.workers)
            .max_connections(CONNECTIONS_MAX)
            .client_request_timeout(HEADERS_TIMEOUT)
            .shutdown_timeout(options.grace.as_secs())
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

async fn guarded<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let mut answered = next.call(request).await?;
    put(answered.headers_mut());
    Ok(answered)
}

fn put(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
