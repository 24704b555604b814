//! A name server of the test's own on loopback, and a resolver that asks it over UDP (RFC 1035): real packets, answers that
//! change from one question to the next.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

use webhooks::address_guard::{Looking, Lookup};

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
const IN: u16 = 1;

/// One record of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    Address(IpAddr),
    /// The name is another name for this one, whose addresses follow in the same answer.
    Alias(&'static str),
}

/// What each name has: the answer to the first question, to the second, and so on; the last one stays.
type Zone = HashMap<&'static str, Vec<Vec<Record>>>;

/// The server. It lives as long as the test's process; nothing else asks it.
#[derive(Debug, Clone)]
pub(crate) struct NameServer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<(String, u16)>>>,
}

impl NameServer {
    /// Starts it; each name has one answer after the other.
    pub(crate) fn start(zone: &[(&'static str, &[&[Record]])]) -> Self {
        let zone: Zone = zone
            .iter()
            .map(|(name, answers)| (*name, answers.iter().map(|answer| answer.to_vec()).collect()))
            .collect();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let server = Self { address: socket.local_addr().unwrap(), asked: Arc::default() };
        let asked = Arc::clone(&server.asked);
        std::thread::spawn(move || {
            let mut packet = [0_u8; 512];
            while let Ok((length, from)) = socket.recv_from(&mut packet) {
                let question = &packet[..length];
                let (name, end) = name_at(question, 12);
                let kind = u16::from_be_bytes([question[end], question[end + 1]]);
                let before = {
                    let mut asked = asked.lock().unwrap();
                    asked.push((name.clone(), kind));
                    asked.iter().filter(|known| **known == (name.clone(), kind)).count() - 1
                };
                let records = zone.get(name.as_str()).map(|answers| &answers[before.min(answers.len() - 1)]);
                let _ = socket.send_to(&answer(&question[..end + 4], kind, records), from);
            }
        });
        server
    }

    /// How often this name was asked for, for IPv4 addresses and for IPv6 ones.
    pub(crate) fn asked(&self, name: &str) -> (usize, usize) {
        let asked = self.asked.lock().unwrap();
        let count = |kind| asked.iter().filter(|(known, of)| known == name && *of == kind).count();
        (count(A), count(AAAA))
    }

    async fn ask(&self, host: &str, kind: u16) -> std::io::Result<Vec<IpAddr>> {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await?;
        let mut question = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        write_name(&mut question, host);
        question.extend([kind, IN].map(u16::to_be_bytes).concat());
        socket.send_to(&question, self.address).await?;
        let mut packet = [0_u8; 512];
        let (length, _) = socket.recv_from(&mut packet).await?;
        Ok(addresses(&packet[..length], question.len()))
    }
}

impl Lookup for NameServer {
    fn look_up<'a>(&'a self, host: &'a str) -> Looking<'a> {
        Box::pin(async move {
            let mut found = self.ask(host, A).await?;
            found.extend(self.ask(host, AAAA).await?);
            Ok(found)
        })
    }
}

fn answer(question: &[u8], kind: u16, records: Option<&Vec<Record>>) -> Vec<u8> {
    let mut packet = question.to_vec();
    // An authoritative answer, or "there is no such name".
    packet[2..4].copy_from_slice(&[0x84, if records.is_some() { 0 } else { 3 }]);
    let (mut count, mut owner) = (0_u16, vec![0xc0, 12]);
    for record in records.into_iter().flatten() {
        let (of, data) = match record {
            Record::Address(IpAddr::V4(address)) => (A, address.octets().to_vec()),
            Record::Address(IpAddr::V6(address)) => (AAAA, address.octets().to_vec()),
            Record::Alias(name) => {
                let mut data = Vec::new();
                write_name(&mut data, name);
                (CNAME, data)
            }
        };
        if of != kind && of != CNAME {
            continue;
        }
        packet.extend(&owner);
        packet.extend([of, IN].map(u16::to_be_bytes).concat());
        packet.extend(0_u32.to_be_bytes());
        packet.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        packet.extend(&data);
        count += 1;
        if of == CNAME {
            owner = data;
        }
    }
    packet[6..8].copy_from_slice(&count.to_be_bytes());
    packet
}

/// Every address in an answer, whichever name of the chain it belongs to.
fn addresses(packet: &[u8], mut at: usize) -> Vec<IpAddr> {
    let count = u16::from_be_bytes([packet[6], packet[7]]);
    let mut found = Vec::new();
    for _ in 0..count {
        let (_, end) = name_at(packet, at);
        let kind = u16::from_be_bytes([packet[end], packet[end + 1]]);
        let length = usize::from(u16::from_be_bytes([packet[end + 8], packet[end + 9]]));
        let data = &packet[end + 10..end + 10 + length];
        match kind {
            A => found.push(IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(data).unwrap()))),
            AAAA => found.push(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(data).unwrap()))),
            _ => {}
        }
        at = end + 10 + length;
    }
    found
}

fn write_name(packet: &mut Vec<u8>, name: &str) {
    for label in name.trim_end_matches('.').split('.') {
        packet.push(u8::try_from(label.len()).unwrap());
        packet.extend(label.as_bytes());
    }
    packet.push(0);
}

/// The name at a place, and the place after it. A pointer ends a name.
fn name_at(packet: &[u8], mut at: usize) -> (String, usize) {
    let mut labels = Vec::new();
    loop {
        match packet[at] {
            0 => return (labels.join("."), at + 1),
            pointer if pointer >= 0xc0 => return (labels.join("."), at + 2),
            length => {
                let label = &packet[at + 1..at + 1 + usize::from(length)];
                labels.push(String::from_utf8_lossy(label).to_lowercase());
                at += 1 + usize::from(length);
            }
        }
    }
}
