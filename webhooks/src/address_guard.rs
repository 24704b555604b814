//! Which addresses this node may call (protocol §17): public ones, and what the administrator allowed for one partner.
//!
//! A partner's card and a name server are other people's words. The guard judges every address a name resolves to, and one
//! forbidden answer refuses the name; the addresses judged are the ones dialled. Literals are judged before any request,
//! because clients do not resolve them.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A range of addresses, `10.1.0.0/16` or `fd00::/8`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    network: IpAddr,
    prefix: u8,
}

/// The text is not a range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a range of addresses, like 10.1.0.0/16 or fd00::/8, with zeros after the prefix")]
pub struct BadCidr;

impl Cidr {
    /// Its first address.
    #[must_use]
    pub const fn network(&self) -> IpAddr {
        self.network
    }

    /// How many leading bits its addresses share.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether the address lies in the range. IPv4-mapped IPv6 addresses are judged as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, normal(address)) {
            (IpAddr::V4(network), IpAddr::V4(address)) => in_v4(address, network, u32::from(self.prefix)),
            (IpAddr::V6(network), IpAddr::V6(address)) => in_v6(address, network, u32::from(self.prefix)),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Cidr {
    type Err = BadCidr;

    /// Strict: an address, a slash, a prefix length, and no bit set after it: a slip of the finger opens nothing.
    fn from_str(text: &str) -> Result<Self, BadCidr> {
        let (network, prefix) = text.split_once('/').ok_or(BadCidr)?;
        let network: IpAddr = network.parse().map_err(|_| BadCidr)?;
        let prefix = prefix.parse::<u8>().ok().filter(|length| length.to_string() == prefix).ok_or(BadCidr)?;
        let clean = match network {
            IpAddr::V4(network) => prefix <= 32 && masked_v4(network, u32::from(prefix)) == network.to_bits(),
            IpAddr::V6(network) => prefix <= 128 && masked_v6(network, u32::from(prefix)) == network.to_bits(),
        };
        if clean { Ok(Self { network, prefix }) } else { Err(BadCidr) }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn masked_v4(address: Ipv4Addr, prefix: u32) -> u32 {
    let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix)).unwrap_or(0);
    address.to_bits() & mask
}

fn masked_v6(address: Ipv6Addr, prefix: u32) -> u128 {
    let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix)).unwrap_or(0);
    address.to_bits() & mask
}

fn in_v4(address: Ipv4Addr, network: Ipv4Addr, prefix: u32) -> bool {
    masked_v4(address, prefix) == masked_v4(network, prefix)
}

fn in_v6(address: Ipv6Addr, network: Ipv6Addr, prefix: u32) -> bool {
    masked_v6(address, prefix) == masked_v6(network, prefix)
}

/// IPv4-mapped addresses are what they map.
fn normal(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
    }
}

/// IPv4 ranges never called (protocol §17): special purposes of RFC 6890 and its registry.
const FORBIDDEN_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// IPv6 ranges never called (protocol §17). `64:ff9b::/96` lies outside and is judged by the IPv4 address inside.
const FORBIDDEN_V6: [(Ipv6Addr, u32); 12] = [
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 8),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
];

const NAT64: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);

/// Whether an address is outside every forbidden range.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    forbidden_range(address).is_none()
}

/// The forbidden range that an address lies in; `None` for a public one.
#[must_use]
pub fn forbidden_range(address: IpAddr) -> Option<Cidr> {
    match address {
        IpAddr::V4(v4) => {
            let found = FORBIDDEN_V4.iter().find(|(network, prefix)| in_v4(v4, *network, *prefix));
            found.and_then(|(network, prefix)| range(IpAddr::V4(*network), *prefix))
        }
        IpAddr::V6(v6) if in_v6(v6, NAT64, 96) => {
            let [.., a, b, c, d] = v6.octets();
            forbidden_range(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
        }
        IpAddr::V6(v6) => {
            let found = FORBIDDEN_V6.iter().find(|(network, prefix)| in_v6(v6, *network, *prefix));
            found.and_then(|(network, prefix)| range(IpAddr::V6(*network), *prefix))
        }
    }
}

fn range(network: IpAddr, prefix: u32) -> Option<Cidr> {
    u8::try_from(prefix).ok().map(|prefix| Cidr { network, prefix })
}

/// Which addresses one client may dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Public ones, and these exceptions.
    Public(Vec<Cidr>),
    /// Loopback only: plain `http` between processes of one machine.
    Loopback,
}

impl Guard {
    pub(crate) fn admits(&self, address: IpAddr) -> bool {
        match self {
            Self::Public(exceptions) => is_public(address) || exceptions.iter().any(|range| range.contains(address)),
            Self::Loopback => address.is_loopback(),
        }
    }
}

/// The marks by which the carrier knows its own resolver's refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error("the name has no address")]
    NoAddress,
    #[error("the name has a forbidden address")]
    Forbidden,
}

/// Every address of a name, or why there is none.
pub type Looking<'a> = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Who turns names into addresses. It is trusted in nothing: the guard judges every answer, asks once for each new
/// connection, and what it judged is what is dialled.
pub trait Lookup: fmt::Debug + Send + Sync {
    /// Every address of this host name.
    fn look_up<'a>(&'a self, host: &'a str) -> Looking<'a>;
}

/// The operating system's resolver, with all that the machine's administrator set up for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn look_up<'a>(&'a self, host: &'a str) -> Looking<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Hands out vetted addresses only.
#[derive(Debug)]
pub(crate) struct GuardedResolver {
    pub(crate) guard: Guard,
    pub(crate) lookup: Arc<dyn Lookup>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, lookup) = (self.guard.clone(), Arc::clone(&self.lookup));
        Box::pin(async move {
            let found = lookup.look_up(name.as_str()).await.map_err(|_| ResolveError::NoAddress)?;
            // The client puts the port of the URL in.
            let vetted = vet(&guard, found)?.into_iter().map(|address| SocketAddr::new(address, 0));
            let addresses: Addrs = Box::new(vetted);
            Ok(addresses)
        })
    }
}

/// All or none: one forbidden answer refuses the name.
fn vet(guard: &Guard, addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, ResolveError> {
    if addresses.is_empty() {
        return Err(ResolveError::NoAddress);
    }
    if addresses.iter().all(|address| guard.admits(*address)) { Ok(addresses) } else { Err(ResolveError::Forbidden) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Cidr, Guard, ResolveError, is_public, vet};
    use std::net::IpAddr;

    fn public(address: &str) -> bool {
        is_public(address.parse().unwrap())
    }

    type Range = (&'static str, &'static str, Option<&'static str>, Option<&'static str>);

    /// First and last address of every forbidden range, and the neighbours that are public again (protocol §17).
    const RANGES: [Range; 26] = [
        ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
        ("10.0.0.0", "10.255.255.255", Some("9.255.255.255"), Some("11.0.0.0")),
        ("100.64.0.0", "100.127.255.255", Some("100.63.255.255"), Some("100.128.0.0")),
        ("127.0.0.0", "127.255.255.255", Some("126.255.255.255"), Some("128.0.0.0")),
        ("169.254.0.0", "169.254.255.255", Some("169.253.255.255"), Some("169.255.0.0")),
        ("172.16.0.0", "172.31.255.255", Some("172.15.255.255"), Some("172.32.0.0")),
        ("192.0.0.0", "192.0.0.255", Some("191.255.255.255"), Some("192.0.1.0")),
        ("192.0.2.0", "192.0.2.255", Some("192.0.1.255"), Some("192.0.3.0")),
        ("192.88.99.0", "192.88.99.255", Some("192.88.98.255"), Some("192.88.100.0")),
        ("192.168.0.0", "192.168.255.255", Some("192.167.255.255"), Some("192.169.0.0")),
        ("198.18.0.0", "198.19.255.255", Some("198.17.255.255"), Some("198.20.0.0")),
        ("198.51.100.0", "198.51.100.255", Some("198.51.99.255"), Some("198.51.101.0")),
        ("203.0.113.0", "203.0.113.255", Some("203.0.112.255"), Some("203.0.114.0")),
        ("224.0.0.0", "255.255.255.255", Some("223.255.255.255"), None),
        ("::", "ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, Some("101::")),
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", None, None),
        ("100::", "100::ffff:ffff:ffff:ffff", None, Some("100:0:0:1::")),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Some("2000:ffff::"), Some("2001:200::")),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Some("2001:db7:ffff::"), Some("2001:db9::")),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some("2001:ffff::"), Some("2003::")),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Some("3ffe:ffff::"), Some("3fff:1000::")),
        ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some("5eff:ffff::"), Some("5f01::")),
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some("fbff:ffff::"), Some("fe00::")),
        ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some("fe7f:ffff::"), None),
        ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None, None),
    ];

    #[test]
    fn every_forbidden_range_is_exactly_as_wide_as_stated() {
        for (first, last, before, after) in RANGES {
            assert!(!public(first), "{first}");
            assert!(!public(last), "{last}");
            for neighbour in [before, after].into_iter().flatten() {
                assert!(public(neighbour), "{neighbour}");
            }
        }
    }

    #[test]
    fn public_addresses_are_public() {
        for address in ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4009::1"] {
            assert!(public(address), "{address}");
        }
    }

    #[test]
    fn addresses_inside_addresses_are_judged() {
        for address in [
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::169.254.169.254",
            "2002:7f00:1::",
        ] {
            assert!(!public(address), "{address}");
        }
        assert!(public("64:ff9b::8.8.8.8"));
        assert!(!public("64:ff9a::8.8.8.8"));
    }

    #[test]
    fn ranges_are_read_strictly() {
        for good in ["10.1.0.0/16", "0.0.0.0/0", "192.168.1.7/32", "fd00::/8", "::/0", "::1/128"] {
            assert_eq!(good.parse::<Cidr>().map(|range| range.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.1.0.0/8",
            "fd00::/129",
            "fd00::1/8",
            "10.0.0.0/8 ",
            "x/8",
            "010.0.0.0/8",
            "10.0.0.0/8/8",
        ] {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_exception_opens_its_range_and_no_more() {
        let guard = Guard::Public(vec!["10.1.0.0/16".parse().unwrap(), "fd12::/16".parse().unwrap()]);
        let admits = |address: &str| guard.admits(address.parse().unwrap());
        for open in ["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "fd12::1", "8.8.8.8"] {
            assert!(admits(open), "{open}");
        }
        for shut in ["10.0.255.255", "10.2.0.0", "127.0.0.1", "fd13::1", "::1", "::ffff:10.2.0.1"] {
            assert!(!admits(shut), "{shut}");
        }
    }

    #[test]
    fn loopback_admits_loopback_only() {
        for (address, admitted) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("8.8.8.8", false),
            ("10.0.0.1", false),
            ("::", false),
        ] {
            assert_eq!(Guard::Loopback.admits(address.parse().unwrap()), admitted, "{address}");
        }
    }

    #[test]
    fn one_forbidden_answer_refuses_the_name() {
        let guard = Guard::Public(Vec::new());
        let answers = |list: &[&str]| -> Vec<IpAddr> { list.iter().map(|text| text.parse().unwrap()).collect() };
        assert_eq!(vet(&guard, answers(&["8.8.8.8", "2606:4700::1111"])).map(|kept| kept.len()), Ok(2));
        assert_eq!(vet(&guard, answers(&["8.8.8.8", "127.0.0.1"])), Err(ResolveError::Forbidden));
        assert_eq!(vet(&guard, answers(&["::1", "8.8.8.8"])), Err(ResolveError::Forbidden));
        assert_eq!(vet(&guard, Vec::new()), Err(ResolveError::NoAddress));
    }
}
