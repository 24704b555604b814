//! The real carrier: one request over HTTPS, with limits on everything and no surprises (protocol §17).
//!
//! No redirects, no environment proxies, no cookies, no automatic retries, no second look-up between judging an address
//! and dialling it. Partners with address exceptions have a client of their own per set of exceptions, because a client
//! reuses connections by host name: a connection opened under one partner's exceptions must not serve another. All other
//! partners share one client and its warm connections, which are kept for a bounded number of hosts.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::future::Future;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Client, Response, Url};

use crate::address_guard::{Cidr, Guard, Lookup, ResolveError, SystemLookup};
use crate::carrier::{Carrier, Method, NotReached, Outcome, Parcel, ParcelKind, RetryAfter, http_date};
use crate::push::RECEIPT_HEADER;
use crate::target::{BadTarget, Host, Target, judge, judge_answers};
use crate::values::is_loopback;
use crate::warm::{Clients, Recipe};

/// Time to connect (protocol §20).
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for the whole exchange, body included (protocol §20).
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);
/// The same for a poll, which waits for messages at the other end (protocol §20).
pub const POLL_TIMEOUT: Duration = Duration::from_secs(60);
/// The most octets of response headers (protocol §20).
pub const MAX_HEADERS: usize = 16_384;
/// The most clients kept for partners with exceptions; beyond it they are made anew.
const MAX_CLIENTS: usize = 64;

/// How to build a [`ReqwestCarrier`].
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// PEM certificates trusted beside the system's roots.
    pub trusted_roots: Vec<Vec<u8>>,
    /// Admits `http` on loopback addresses, any port: a demonstration or test on one machine.
    pub loopback_http: bool,
    /// How the node names itself in `User-Agent`.
    pub user_agent: String,
}

/// The carrier could not be built. Says which part.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A trusted root is not a PEM certificate.
    #[error("a trusted root is not a PEM certificate")]
    TrustedRoot,
    /// The client refused its settings, or the system's roots cannot be read.
    #[error("the HTTP client cannot be built; are the system's root certificates installed?")]
    Client,
}

/// Carries parcels with `reqwest`.
#[derive(Debug)]
pub struct ReqwestCarrier {
    /// Without exceptions.
    recipe: Recipe,
    shared: Clients,
    loopback: Option<Clients>,
    excepted: Mutex<HashMap<Vec<Cidr>, Arc<Clients>>>,
}

/// How long one request may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To connect, the look-up included.
    pub connect: Duration,
    /// For the whole exchange, body included; a poll has [`POLL_TIMEOUT`].
    pub total: Duration,
}

impl Default for Limits {
    /// Those of protocol §20.
    fn default() -> Self {
        Self { connect: CONNECT_TIMEOUT, total: TOTAL_TIMEOUT }
    }
}

impl ReqwestCarrier {
    /// Builds the carrier, with the operating system's resolver and the protocol's limits.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn new(options: &Options) -> Result<Self, BuildError> {
        Self::with(options, Arc::new(SystemLookup), Limits::default())
    }

    /// Builds the carrier with another resolver, and within these limits.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn with(options: &Options, lookup: Arc<dyn Lookup>, limits: Limits) -> Result<Self, BuildError> {
        let mut roots = Vec::new();
        for pem in &options.trusted_roots {
            let bundle = Certificate::from_pem_bundle(pem).map_err(|_| BuildError::TrustedRoot)?;
            if bundle.is_empty() {
                return Err(BuildError::TrustedRoot);
            }
            roots.extend(bundle);
        }
        let guard = Guard::Public(Vec::new());
        let recipe = Recipe { roots, user_agent: options.user_agent.clone(), guard, lookup, limits };
        let shared = Clients::new(recipe.clone())?;
        let plain = || Clients::new(Recipe { guard: Guard::Loopback, ..recipe.clone() });
        let loopback = options.loopback_http.then(plain).transpose()?;
        Ok(Self { recipe, shared, loopback, excepted: Mutex::new(HashMap::new()) })
    }

    /// Checks the URL and picks the client that may call it.
    fn admit(&self, parcel: &Parcel) -> Result<(Url, Client), NotReached> {
        let forbidden = NotReached::AddressForbidden;
        let url = Url::parse(&parcel.url).map_err(|_| forbidden)?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(forbidden);
        }
        match url.scheme() {
            "https" => {
                let port = url.port().unwrap_or(443);
                if port != 443 && parcel.allowed_port != Some(port) {
                    return Err(forbidden);
                }
                // Literals never reach the resolver. The URL reader has already undone odd spellings.
                let guard = Guard::Public(parcel.exceptions.clone());
                if literal(&url).is_some_and(|address| !guard.admits(address)) {
                    return Err(forbidden);
                }
                let client = self.client_for(&url, &parcel.exceptions)?;
                Ok((url, client))
            }
            "http" if is_loopback(&url) => {
                let clients = self.loopback.as_ref().ok_or(forbidden)?;
                let client = clients.for_host(url.authority()).map_err(|_| NotReached::Other)?;
                Ok((url, client))
            }
            _ => Err(forbidden),
        }
    }

    fn client_for(&self, url: &Url, exceptions: &[Cidr]) -> Result<Client, NotReached> {
        let failed = |_| NotReached::Other;
        if exceptions.is_empty() {
            return self.shared.for_host(url.authority()).map_err(failed);
        }
        let mut ranges = exceptions.to_vec();
        ranges.sort_unstable();
        ranges.dedup();
        let mut excepted = self.excepted.lock().unwrap_or_else(PoisonError::into_inner);
        let clients = match excepted.get(&ranges) {
            Some(clients) => Arc::clone(clients),
            None => {
                if excepted.len() >= MAX_CLIENTS {
                    excepted.clear();
                }
                let recipe = Recipe { guard: Guard::Public(ranges.clone()), ..self.recipe.clone() };
                let clients = Arc::new(Clients::new(recipe).map_err(failed)?);
                excepted.insert(ranges, Arc::clone(&clients));
                clients
            }
        };
        drop(excepted);
        clients.for_host(url.authority()).map_err(failed)
    }

    async fn attempt(&self, parcel: &Parcel) -> Result<Outcome, NotReached> {
        let (url, client) = self.admit(parcel)?;
        let mut request = match parcel.method {
            Method::Get => client.get(url),
            Method::Post => client.post(url).body(parcel.body.clone()),
        };
        request = request.header(ACCEPT, parcel.accept);
        if let Some(media_type) = parcel.media_type {
            request = request.header(CONTENT_TYPE, media_type);
        }
        if parcel.kind == ParcelKind::Poll {
            request = request.timeout(POLL_TIMEOUT);
        }
        for (name, value) in &parcel.headers {
            request = request.header(*name, value);
        }
        let response = request.send().await.map_err(|error| classify(&error))?;
        let headers = response.headers();
        if header_octets(headers) > MAX_HEADERS {
            return Err(NotReached::ResponseTooLarge);
        }
        let status = response.status().as_u16();
        let receipt_header = single(headers, RECEIPT_HEADER);
        let retry_after = single(headers, RETRY_AFTER.as_str()).and_then(|value| RetryAfter::parse(&value));
        let date = single(headers, DATE.as_str()).and_then(|value| http_date(&value));
        let body = match read_body(response, parcel.kind.response_limit()).await {
            Ok(body) => body,
            // The receipt is in hand, or the status says it all; what follows does not matter.
            Err(_) if receipt_header.is_some() || parcel.kind == ParcelKind::Webhook => Vec::new(),
            // Not the network failed: something answered at length, as gateways do, and the status tells what.
            Err(NotReached::ResponseTooLarge) if parcel.kind.status_suffices() => Vec::new(),
            Err(class) => return Err(class),
        };
        Ok(Outcome::Answered { status, receipt_header, retry_after, date, body })
    }
}

impl Carrier for ReqwestCarrier {
    fn carry<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(async move { self.attempt(parcel).await.unwrap_or_else(Outcome::not_reached) })
    }

    fn examine<'a>(&'a self, target: &'a Target) -> Pin<Box<dyn Future<Output = Result<(), BadTarget>> + Send + 'a>> {
        Box::pin(async move {
            match judge(target, self.loopback.is_some())? {
                Host::Judged => Ok(()),
                Host::Name(name) => {
                    let looked_up =
                        tokio::time::timeout(self.recipe.limits.connect, self.recipe.lookup.look_up(&name)).await;
                    let answers = looked_up.ok().and_then(Result::ok).unwrap_or_default();
                    judge_answers(target, &answers)
                }
            }
        })
    }
}

/// The host, if it is written as an address.
fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// A header that is there exactly once and is visible ASCII.
fn single(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    value.to_str().ok().map(str::to_owned)
}

fn header_octets(headers: &HeaderMap) -> usize {
    headers.iter().fold(0_usize, |sum, (name, value)| {
        sum.saturating_add(name.as_str().len()).saturating_add(value.len()).saturating_add(4)
    })
}

/// Reads piece by piece with a counter; at the limit the connection is dropped.
async fn read_body(mut response: Response, limit: usize) -> Result<Vec<u8>, NotReached> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| classify(&error))? {
        if body.len().saturating_add(piece.len()) > limit {
            return Err(NotReached::ResponseTooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// Which class of failure, from the chain of causes. Nothing of their texts is kept.
fn classify(error: &reqwest::Error) -> NotReached {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(this) = cause {
        match this.downcast_ref::<ResolveError>() {
            Some(ResolveError::Forbidden) => return NotReached::AddressForbidden,
            Some(ResolveError::NoAddress) => return NotReached::Dns,
            None => {}
        }
        let io = this.downcast_ref::<std::io::Error>();
        if let Some(class) = io.and_then(|io| classify_io(io.kind())) {
            return class;
        }
        // An I/O error passes over what it wraps when asked for its source.
        cause = match io.and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => this.source(),
        };
    }
    if error.is_timeout() { NotReached::Timeout } else { NotReached::Other }
}

fn classify_io(kind: ErrorKind) -> Option<NotReached> {
    const CUT: [ErrorKind; 7] = [
        ErrorKind::ConnectionRefused,
        ErrorKind::ConnectionReset,
        ErrorKind::ConnectionAborted,
        ErrorKind::BrokenPipe,
        ErrorKind::UnexpectedEof,
        ErrorKind::HostUnreachable,
        ErrorKind::NetworkUnreachable,
    ];
    if kind == ErrorKind::TimedOut {
        Some(NotReached::Timeout)
    } else if kind == ErrorKind::InvalidData {
        // The TLS library reports through this kind; nothing else on these paths does.
        Some(NotReached::Tls)
    } else {
        CUT.contains(&kind).then_some(NotReached::Refused)
    }
}
