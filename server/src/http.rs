//! What `main` starts in front of a node: routes, binding, headers that every answer carries, and a graceful stop.
//!
//! Plain HTTP is served on loopback only: elsewhere there is a certificate, or a proxy on the same machine does TLS. The
//! server runs on threads of its own, because its workers are single-threaded.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::body::{BodySize, BodyStream, BoxBody, MessageBody, SizedStream};
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{KeepAlive, Method};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{Bytes, ServiceConfig};
use actix_web::{App, Error, HttpResponse, HttpServer, web as actix};
use tokio::sync::watch;

use crate::access::sessions::is_local;
use crate::access::throttle::{Address, Throttle};
use crate::api;
use crate::api::door::ProgramRates;
use crate::api::wire::AddressRate;
use crate::node::Node;
use crate::tls::Certificates;
use crate::web;
use crate::web::live::Live;
use crate::web::sign_in::Tries;

/// Threads that answer.
const WORKERS: usize = 2;
/// Connections at once per worker.
const CONNECTIONS_MAX: usize = 2_000;
/// Whoever sends headers so slowly is not waited for.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection waits for its next request.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How long requests in hand may take to finish on shutdown, in seconds.
const GRACE_SECONDS: u64 = 5;
/// The same where another server waits to begin; browsers hold connections open that they do not use.
const BRIEF_GRACE_SECONDS: u64 = 1;
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
    /// The certificate to serve TLS with; without one plain HTTP is served, on loopback only.
    pub certificates: Option<Arc<Certificates>>,
}

/// A running server. Dropping it ends it at once, with whatever it has in hand.
pub struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    stop: watch::Sender<bool>,
    /// `None` once it has stopped in order.
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Ends live streams, lets requests in hand finish, and stops listening.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.handle.stop(true).await;
        let Some(thread) = self.thread.take() else { return };
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        if !matches!(joined, Ok(Ok(Ok(())))) {
            tracing::error!("the web server did not stop cleanly");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.stop.send_replace(true);
            // Asked for by the call; nobody waits for the answer.
            drop(self.handle.stop(false));
        }
    }
}

/// Serves a node on a bound listener.
///
/// # Errors
/// That of the operating system; [`std::io::ErrorKind::Unsupported`] off loopback without a certificate.
pub fn serve(node: Arc<Node>, listener: TcpListener, options: HttpOptions) -> std::io::Result<Running> {
    let (stop, stopped) = watch::channel(false);
    let stays_secure = StaysSecure::of(node.issuer());
    let shared = Shared::new(node, &options, stopped);
    let routes = move |config: &mut ServiceConfig| {
        config
            .app_data(shared.node.clone())
            .app_data(shared.rate.clone())
            .app_data(shared.programs.clone())
            .app_data(shared.live.clone())
            .app_data(shared.tries.clone())
            .app_data(shared.address.clone())
            .service(actix::resource("/set-up/{rest:.*}").to(set_up_already))
            .configure(api::routes)
            .configure(web::routes);
    };
    let listening = Listening { listener, certificates: options.certificates, stays_secure };
    start(listening, Lasting::Connections, stop, routes)
}

/// Whoever still holds the link of the first run, or sends its last form twice, is led on.
async fn set_up_already() -> HttpResponse {
    web::page::see_other("/sign-in")
}

/// Where and how a server listens.
pub(crate) struct Listening {
    pub(crate) listener: TcpListener,
    pub(crate) certificates: Option<Arc<Certificates>>,
    pub(crate) stays_secure: StaysSecure,
}

/// Whether browsers are told never to come without TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StaysSecure(bool);

impl StaysSecure {
    /// A node with an `https` name is reached by TLS only, its own or a proxy's. On the host `localhost` nothing is said:
    /// browsers would hold every other program on the machine to it.
    pub(crate) fn of(issuer: &str) -> Self {
        Self(issuer.starts_with("https://") && !is_local(issuer))
    }
}

/// How long connections are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// For the next request.
    Connections,
    /// For one request only: whoever comes next meets the server that follows.
    OneRequest,
}

/// Starts a server with these routes, with the headers and limits that all have.
///
/// # Errors
/// As [`serve`].
pub(crate) fn start(
    listening: Listening,
    lasting: Lasting,
    stop: watch::Sender<bool>,
    routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> std::io::Result<Running> {
    let Listening { listener, certificates, stays_secure } = listening;
    let address = listener.local_addr()?;
    if certificates.is_none() && !address.ip().is_loopback() {
        return Err(std::io::Error::new(std::io::ErrorKind::Unsupported, "plain HTTP is served on loopback only"));
    }
    let tls = certificates.map(|held| held.server_config().map_err(std::io::Error::other)).transpose()?;
    let (give, take) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("web".to_owned()).spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || App::new().app_data(stays_secure).wrap(from_fn(guarded)).configure(routes.clone());
            let server = HttpServer::new(app)
                .workers(WORKERS)
                .max_connections(CONNECTIONS_MAX)
                .keep_alive(match lasting {
                    Lasting::Connections => KeepAlive::Timeout(KEEP_ALIVE),
                    Lasting::OneRequest => KeepAlive::Disabled,
                })
                .client_request_timeout(HEADERS_TIMEOUT)
                .tls_handshake_timeout(HEADERS_TIMEOUT)
                .shutdown_timeout(match lasting {
                    Lasting::Connections => GRACE_SECONDS,
                    Lasting::OneRequest => BRIEF_GRACE_SECONDS,
                })
                .disable_signals();
            let server = match tls {
                Some(tls) => server.listen_rustls_0_23(listener, tls)?,
                None => server.listen(listener)?,
            };
            let server = server.run();
            // Nobody waits any more only when the caller itself is gone.
            drop(give.send(server.handle()));
            server.await
        })
    })?;
    let handle = take.recv().map_err(|_| std::io::Error::other("the web server did not start"))?;
    Ok(Running { address, handle, stop, thread: Some(thread) })
}

/// What every worker shares.
#[derive(Clone)]
struct Shared {
    node: actix::Data<Node>,
    rate: actix::Data<AddressRate>,
    programs: actix::Data<ProgramRates>,
    live: actix::Data<Live>,
    tries: actix::Data<Tries>,
    address: actix::Data<Address>,
}

impl Shared {
    fn new(node: Arc<Node>, options: &HttpOptions, stopped: watch::Receiver<bool>) -> Self {
        Self {
            rate: actix::Data::new(AddressRate::new(&node)),
            programs: actix::Data::new(ProgramRates::new(&node)),
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

/// Puts the headers on every answer; a node behind `https` also says that it stays there. `HEAD` is answered wherever
/// `GET` is (RFC 9110 §9.3.2), with the same headers and no content.
async fn guarded(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let secure = request.app_data::<StaysSecure>().is_some_and(|stays| stays.0);
    let is_head = request.method() == Method::HEAD;
    if is_head {
        request.head_mut().method = Method::GET;
    }
    let mut answered = next.call(request).await?;
    let headers = answered.headers_mut();
    for (name, value) in HEADERS {
        // A file that is given back has a stricter policy of its own.
        if name != header::CONTENT_SECURITY_POLICY || !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    Ok(if is_head { answered.map_body(|_, body| without_content(&body)) } else { answered.map_into_boxed_body() })
}

/// A body that says how long it would be and gives nothing.
fn without_content(body: &impl MessageBody) -> BoxBody {
    let nothing = || futures_util::stream::empty::<Result<Bytes, std::io::Error>>();
    match body.size() {
        BodySize::None => BoxBody::new(()),
        BodySize::Sized(length) => BoxBody::new(SizedStream::new(length, nothing())),
        BodySize::Stream => BoxBody::new(BodyStream::new(nothing())),
    }
}
