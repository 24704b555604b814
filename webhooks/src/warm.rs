//! Connections kept warm for the next message, for a bounded number of hosts. An idle connection costs some 20 KB: a
//! partner among thousands is called over a new one, and let go of.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::{Certificate, Client, redirect, retry};

use crate::address_guard::{Guard, GuardedResolver, Lookup};
use crate::http::{BuildError, Limits};

/// Hosts whose connections are kept.
pub(crate) const HOSTS_MAX: usize = 256;
/// Idle connections kept for one host.
const IDLE_PER_HOST: usize = 2;
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(90);
/// After so many messages to hosts that found no room, others get their turn: hosts that were called once must not keep
/// their places for ever.
const RENEWED_AFTER: u32 = 16_384;

/// How clients are built.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) roots: Vec<Certificate>,
    pub(crate) user_agent: String,
    pub(crate) guard: Guard,
    pub(crate) lookup: Arc<dyn Lookup>,
    pub(crate) limits: Limits,
}

impl Recipe {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that sets the limits and the guard")]
    fn build(&self, idle_per_host: usize) -> Result<Client, BuildError> {
        let plain = self.guard == Guard::Loopback;
        let resolver = GuardedResolver { guard: self.guard.clone(), lookup: Arc::clone(&self.lookup) };
        // Without an installed default the client takes rustls with aws-lc-rs, the only provider in this build.
        Client::builder()
            .user_agent(&self.user_agent)
            .tls_certs_merge(self.roots.iter().cloned())
            .https_only(!plain)
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .retry(retry::never())
            .dns_resolver(Arc::new(resolver))
            .connect_timeout(self.limits.connect)
            .timeout(self.limits.total)
            .pool_max_idle_per_host(idle_per_host)
            .pool_idle_timeout(IDLE)
            .build()
            .map_err(|_| BuildError::Client)
    }
}

/// The clients of one guard.
#[derive(Debug)]
pub(crate) struct Clients {
    recipe: Recipe,
    warm: Mutex<Warm>,
    /// Keeps no connection; made when the first host finds no room.
    once: OnceLock<Client>,
}

#[derive(Debug)]
struct Warm {
    client: Client,
    hosts: HashSet<String>,
    without_room: u32,
}

impl Clients {
    pub(crate) fn new(recipe: Recipe) -> Result<Self, BuildError> {
        let client = recipe.build(IDLE_PER_HOST)?;
        let warm = Mutex::new(Warm { client, hosts: HashSet::new(), without_room: 0 });
        Ok(Self { recipe, warm, once: OnceLock::new() })
    }

    /// The client that calls this host, named with its port.
    pub(crate) fn for_host(&self, host: &str) -> Result<Client, BuildError> {
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        if warm.hosts.contains(host) {
            return Ok(warm.client.clone());
        }
        if warm.hosts.len() >= HOSTS_MAX {
            warm.without_room = warm.without_room.saturating_add(1);
            if warm.without_room < RENEWED_AFTER {
                drop(warm);
                return self.once();
            }
            // The connections of the client before it close with it.
            *warm = Warm { client: self.recipe.build(IDLE_PER_HOST)?, hosts: HashSet::new(), without_room: 0 };
        }
        warm.hosts.insert(host.to_owned());
        Ok(warm.client.clone())
    }

    fn once(&self) -> Result<Client, BuildError> {
        if let Some(client) = self.once.get() {
            return Ok(client.clone());
        }
        let client = self.recipe.build(0)?;
        Ok(self.once.get_or_init(|| client).clone())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Clients, HOSTS_MAX, RENEWED_AFTER, Recipe};
    use crate::address_guard::{Guard, SystemLookup};
    use crate::http::Limits;
    use std::sync::Arc;

    /// Aim: however many hosts are called, connections are kept for so many only, and nobody is shut out for ever.
    #[test]
    fn hosts_have_a_limit() {
        let recipe = Recipe {
            roots: Vec::new(),
            user_agent: "test".to_owned(),
            guard: Guard::Public(Vec::new()),
            lookup: Arc::new(SystemLookup),
            limits: Limits::default(),
        };
        let clients = Clients::new(recipe).unwrap();
        for number in 0..HOSTS_MAX * 2 {
            clients.for_host(&format!("council-{number}.example:443")).unwrap();
        }
        let known = |host: &str| clients.warm.lock().unwrap().hosts.contains(host);
        assert_eq!(clients.warm.lock().unwrap().hosts.len(), HOSTS_MAX);
        assert!(known("council-0.example:443") && clients.once.get().is_some());
        for _ in 0..RENEWED_AFTER {
            clients.for_host("newcomer.example:443").unwrap();
        }
        assert!(known("newcomer.example:443") && !known("council-0.example:443"));
    }
}
