//! How often an address, or an account, may try: counted in memory by machine time, bounded, and forgotten when idle.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, Reference as _};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::time_source::TimeSource;

/// After so many checks the idle keys are forgotten.
const FORGET_EVERY: u32 = 1_024;
/// Keys remembered at most; beyond it new ones are refused until some are idle, which is safer than forgetting.
const KEYS_MAX: usize = 100_000;

/// Machine time, as the limiter reads it.
#[derive(Clone)]
struct MachineTime(Arc<dyn TimeSource>);

impl Clock for MachineTime {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.elapsed().micros()).unwrap_or_default())
    }
}

/// Counts tries by key.
pub struct Throttle<K: Clone + Hash + Eq> {
    limiter: RateLimiter<K, DashMapStateStore<K>, MachineTime, NoOpMiddleware<Duration>>,
    clock: MachineTime,
    checks: AtomicU32,
}

impl<K: Clone + Hash + Eq> Throttle<K> {
    /// `burst` tries at once, then `per_minute` lastingly.
    #[must_use]
    pub fn new(time: Arc<dyn TimeSource>, per_minute: NonZeroU32, burst: NonZeroU32) -> Self {
        let clock = MachineTime(time);
        let quota = Quota::per_minute(per_minute).allow_burst(burst);
        Self {
            limiter: RateLimiter::new(quota, DashMapStateStore::default(), clock.clone()),
            clock,
            checks: AtomicU32::new(0),
        }
    }

    /// Counts one try.
    ///
    /// # Errors
    /// The seconds to wait, at least one.
    pub fn check(&self, key: &K) -> Result<(), u32> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        if self.limiter.len() > KEYS_MAX {
            self.limiter.retain_recent();
            if self.limiter.len() > KEYS_MAX {
                return Err(60);
            }
        }
        self.limiter.check_key(key).map_err(|not_until| {
            let wait: Duration = not_until.earliest_possible().duration_since(self.clock.now()).into();
            u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
        })
    }
}

/// Where a request comes from. What a proxy says about it counts only when that proxy's address was set (ruling 30).
#[derive(Debug, Clone, Copy, Default)]
pub struct Address {
    trusted_proxy: Option<IpAddr>,
}

impl Address {
    /// Believes this proxy, or nobody.
    #[must_use]
    pub const fn believing(trusted_proxy: Option<IpAddr>) -> Self {
        Self { trusted_proxy }
    }

    /// Whom a request counts for: its address, or of an IPv6 address the network (/64), because whoever has one address of it
    /// has them all.
    #[must_use]
    pub fn of(&self, request: &actix_web::HttpRequest) -> Option<IpAddr> {
        self.caller(request).map(network)
    }

    fn caller(&self, request: &actix_web::HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip();
        if self.trusted_proxy != Some(peer) {
            return Some(peer);
        }
        let text = |name: &str| request.headers().get_all(name).filter_map(|value| value.to_str().ok()).last();
        // The last entry is the one that the trusted proxy itself wrote.
        let forwarded = text("forwarded").and_then(|value| {
            let last = value.rsplit(',').next()?;
            last.split(';').find_map(|part| part.trim().strip_prefix("for="))
        });
        let named = forwarded.or_else(|| text("x-forwarded-for")?.rsplit(',').next());
        Some(named.and_then(address).unwrap_or(peer))
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

/// An address as proxies write it: with or without quotes, brackets and a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    if let Ok(ip) = text.parse() {
        return Some(ip);
    }
    if let Some(inner) = text.strip_prefix('[') {
        return inner.split(']').next()?.parse().ok();
    }
    text.rsplit_once(':')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use domain::values::Moment;

    use super::*;
    use crate::time_source::HandTime;

    /// Aim: only the proxy that was named is believed, in both header forms.
    #[test]
    fn believes_one_proxy() {
        use actix_web::test::TestRequest;
        let proxy: IpAddr = "127.0.0.1".parse().unwrap();
        let asked = |header: (&'static str, &'static str)| {
            TestRequest::default().peer_addr("127.0.0.1:5".parse().unwrap()).insert_header(header).to_http_request()
        };
        let believing = Address::believing(Some(proxy));
        let far: IpAddr = "192.0.2.7".parse().unwrap();
        assert_eq!(believing.of(&asked(("x-forwarded-for", "10.0.0.1, 192.0.2.7"))), Some(far));
        assert_eq!(believing.of(&asked(("forwarded", "for=10.0.0.1, for=\"192.0.2.7:8080\";proto=https"))), Some(far));
        assert_eq!(Address::default().of(&asked(("x-forwarded-for", "192.0.2.7"))), Some(proxy));
        let network: IpAddr = "2001:db8:1:2::".parse().unwrap();
        assert_eq!(believing.of(&asked(("x-forwarded-for", "2001:db8:1:2:3:4:5:6"))), Some(network));
    }

    /// Aim: the burst is allowed, the next try has to wait, another key does not, and waiting helps.
    #[test]
    fn counts_by_key() {
        let time = Arc::new(HandTime::new(Moment::parse("2026-03-01T02:10:00Z").unwrap()));
        let of = |n| NonZeroU32::new(n).unwrap();
        let throttle = Throttle::new(Arc::clone(&time) as Arc<dyn TimeSource>, of(6), of(2));
        assert_eq!((throttle.check(&1), throttle.check(&1)), (Ok(()), Ok(())));
        let wait = throttle.check(&1).unwrap_err();
        assert!((1..=11).contains(&wait), "{wait}");
        assert_eq!(throttle.check(&2), Ok(()));
        time.advance(Duration::from_secs(11));
        assert_eq!(throttle.check(&1), Ok(()));
    }
}
