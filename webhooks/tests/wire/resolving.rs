//! Protocol §17 with a name server that lies: one look-up for a connection, every answer judged, and what was judged is
//! what is dialled; and every odd spelling of an address that must not be called.

use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use webhooks::carrier::{Carrier as _, NotReached, Outcome, Parcel, ParcelKind};
use webhooks::http::{Limits, Options, ReqwestCarrier};

use crate::dns::{NameServer, Record};

fn at(address: &str) -> Record {
    Record::Address(address.parse().unwrap())
}

fn carrier(names: &NameServer) -> ReqwestCarrier {
    let options = Options { user_agent: "tocsin-test".to_owned(), ..Options::default() };
    ReqwestCarrier::with(&options, Arc::new(names.clone()), Limits::default()).unwrap()
}

/// Counts who connects to these loopback addresses, all on one port, and hangs up on them.
struct Doors {
    port: u16,
    knocks: Vec<(IpAddr, Arc<AtomicUsize>)>,
}

impl Doors {
    fn open(addresses: &[&str]) -> Self {
        // A port that is free on the first may be taken on another: look on.
        for _ in 0..50 {
            let first = TcpListener::bind((addresses[0], 0)).unwrap();
            let port = first.local_addr().unwrap().port();
            let rest: Result<Vec<_>, _> =
                addresses[1..].iter().map(|address| TcpListener::bind((*address, port))).collect();
            let Ok(rest) = rest else { continue };
            let listeners = std::iter::once(first).chain(rest);
            let knocks = listeners.map(|listener| {
                let (address, count) = (listener.local_addr().unwrap().ip(), Arc::<AtomicUsize>::default());
                let counted = Arc::clone(&count);
                std::thread::spawn(move || {
                    while listener.accept().is_ok() {
                        counted.fetch_add(1, Ordering::SeqCst);
                    }
                });
                (address, count)
            });
            return Self { port, knocks: knocks.collect() };
        }
        panic!("no port is free on all of {addresses:?}");
    }

    fn knocks(&self) -> Vec<usize> {
        self.knocks.iter().map(|(_, count)| count.load(Ordering::SeqCst)).collect()
    }

    /// A parcel to a name at this port, where only the first address is admitted.
    fn parcel(&self, name: &str) -> Parcel {
        let url = format!("https://{name}:{}/ssf/events", self.port);
        let only = format!("{}/32", self.knocks[0].0).parse().unwrap();
        Parcel::push(&url, "a.b.c").allowing(vec![only], Some(self.port))
    }
}

fn class(outcome: &Outcome) -> Option<NotReached> {
    match outcome {
        Outcome::NotReached { class, .. } => Some(*class),
        Outcome::Answered { .. } => None,
    }
}

/// The second answer is another address: nobody asks for it, because the first one was judged and dialled.
#[tokio::test]
async fn one_look_up_judges_and_dials() {
    let names = NameServer::start(&[("node.example", &[&[at("127.0.0.2")], &[at("127.0.0.3")]])]);
    let doors = Doors::open(&["127.0.0.2", "127.0.0.3"]);
    let outcome = carrier(&names).carry(&doors.parcel("node.example")).await;
    assert_ne!(class(&outcome), Some(NotReached::AddressForbidden), "the first address is admitted");
    assert_eq!((doors.knocks(), names.asked("node.example")), (vec![1, 0], (1, 1)));
}

/// A name that was admitted is judged again for the next connection: rebound to an address inside, it is refused unheard.
#[tokio::test]
async fn a_name_that_was_rebound_is_refused() {
    let names = NameServer::start(&[("node.example", &[&[at("127.0.0.2")], &[at("127.0.0.3")]])]);
    let doors = Doors::open(&["127.0.0.2", "127.0.0.3"]);
    let carrier = carrier(&names);
    carrier.carry(&doors.parcel("node.example")).await;
    let rebound = carrier.carry(&doors.parcel("node.example")).await;
    assert_eq!(class(&rebound), Some(NotReached::AddressForbidden));
    assert_eq!(doors.knocks(), [1, 0]);
}

/// One forbidden address among good ones refuses the whole name, in either family and in any place.
#[tokio::test]
async fn one_forbidden_answer_refuses_the_whole_name() {
    let names = NameServer::start(&[
        ("first.example", &[&[at("10.0.0.1"), at("127.0.0.2")]]),
        ("last.example", &[&[at("127.0.0.2"), at("169.254.169.254")]]),
        ("six.example", &[&[at("127.0.0.2"), at("::1")]]),
        ("mapped.example", &[&[at("127.0.0.2"), at("::ffff:10.0.0.1")]]),
        ("translated.example", &[&[at("127.0.0.2"), at("64:ff9b::127.0.0.1")]]),
        ("only.example", &[&[at("fd00::1")]]),
    ]);
    let doors = Doors::open(&["127.0.0.2"]);
    let carrier = carrier(&names);
    for name in ["first.example", "last.example", "six.example", "mapped.example", "translated.example", "only.example"]
    {
        let outcome = carrier.carry(&doors.parcel(name)).await;
        assert_eq!(class(&outcome), Some(NotReached::AddressForbidden), "{name}");
    }
    assert_eq!(doors.knocks(), [0]);
}

/// An alias is followed, and what it leads to is judged.
#[tokio::test]
async fn aliases_are_judged_by_where_they_lead() {
    let names = NameServer::start(&[
        ("inside.example", &[&[Record::Alias("far.example"), Record::Alias("farther.example"), at("127.0.0.3")]]),
        ("outside.example", &[&[Record::Alias("far.example"), at("127.0.0.2")]]),
    ]);
    let doors = Doors::open(&["127.0.0.2", "127.0.0.3"]);
    let carrier = carrier(&names);
    let inside = carrier.carry(&doors.parcel("inside.example")).await;
    assert_eq!((class(&inside), doors.knocks()), (Some(NotReached::AddressForbidden), vec![0, 0]));
    let outside = carrier.carry(&doors.parcel("outside.example")).await;
    assert_ne!(class(&outside), Some(NotReached::AddressForbidden));
    assert_eq!(doors.knocks(), [1, 0]);
}

/// A name without an address is no forbidden one.
#[tokio::test]
async fn no_address_is_told_apart() {
    let names = NameServer::start(&[("empty.example", &[&[]])]);
    let doors = Doors::open(&["127.0.0.2"]);
    for name in ["empty.example", "unknown.example"] {
        let outcome = carrier(&names).carry(&doors.parcel(name)).await;
        assert_eq!(class(&outcome), Some(NotReached::Dns), "{name}");
    }
}

/// Every kind of request there is.
fn parcels(url: &str) -> [Parcel; 6] {
    let kind = |kind| Parcel { kind, ..Parcel::push(url, "{}") };
    [
        Parcel::push(url, "a.b.c"),
        Parcel::keys_post(url, "a.b.c"),
        Parcel::manifest_fetch(url),
        Parcel::card_fetch(url),
        kind(ParcelKind::Webhook),
        kind(ParcelKind::Poll),
    ]
}

/// However an inside address is spelt, and whatever the request is for, nothing is dialled and nobody is asked.
#[tokio::test]
async fn every_spelling_of_a_forbidden_address_is_refused_for_every_request() {
    let names = NameServer::start(&[]);
    let carrier = carrier(&names);
    for host in [
        // Dotted, decimal, octal, hexadecimal, short, mixed.
        "127.0.0.1",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7F.0.0.1",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "0x7f.1",
        "0",
        "0.0.0.0",
        "3232235521",
        "0300.0250.0.1",
        "169.254.43518",
        "0xa9fea9fe",
        // A dot at the end, percent signs, full-width and circled digits, ideographic full stops.
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "127%2e0.0.1",
        "１２７.０.０.１",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "127．0．0．1",
        // IPv6: loopback, mapped, compatible, translated, 6to4, private, local, with zones.
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::FFFF:A00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::10.0.0.1]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[fd00::1]",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "[fec0::1]",
        "[ff02::1]",
        "[100::1]",
        "[2001:db8::1]",
        // What no reader of addresses takes.
        "[::1",
        "::1",
        "127.0.0.256",
        "1.2.3.4.5",
        "0x",
        "127..0.1",
        "%00",
        "a b",
    ] {
        for parcel in parcels(&format!("https://{host}/ssf/events")) {
            let outcome = carrier.carry(&parcel).await;
            assert_eq!(class(&outcome), Some(NotReached::AddressForbidden), "{host}, {:?}", parcel.kind);
        }
    }
    assert_eq!(names.asked("127.0.0.1"), (0, 0));
}

/// The names that machines give to themselves are judged like any other, with a dot at the end too.
#[tokio::test]
async fn names_for_this_machine_are_refused() {
    let options = Options { user_agent: "tocsin-test".to_owned(), ..Options::default() };
    let carrier = ReqwestCarrier::new(&options).unwrap();
    for host in ["localhost", "localhost.", "LOCALHOST", "ｌｏｃａｌｈｏｓｔ"] {
        for parcel in parcels(&format!("https://{host}/")) {
            let class = class(&carrier.carry(&parcel).await);
            // Not every machine's resolver knows the name with a dot.
            let unknown = host.ends_with('.') && class == Some(NotReached::Dns);
            assert!(unknown || class == Some(NotReached::AddressForbidden), "{host}: {class:?}");
        }
    }
}
