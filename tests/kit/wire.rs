//! The carrier of the stories: hands parcels to other nodes in the same process, and loses them on command.
//!
//! Nothing else differs from a real line: the same octets go to the same doors, and what a door answers comes back as an
//! HTTP answer would.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use server::node::Node;
use server::node::poll::serve::{PollIncoming, Polled};
use server::node::receive::{Incoming, Received};
use server::time_source::TimeSource;
use webhooks::carrier::{Carrier, NotReached, Outcome, Parcel, ParcelKind};

use crate::partner::Scripted;
use crate::tickets::Tickets;

/// What the line to one party does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// It carries.
    Up,
    /// Nothing gets through.
    Down,
    /// Messages arrive, answers don't come back.
    Deaf,
    /// Something in between answers this status by itself.
    Intercepted(u16),
}

/// One parcel that reached its party, and what was answered.
#[derive(Debug, Clone)]
pub struct Carried {
    /// Whose node.
    pub to: String,
    /// Where on it.
    pub url: String,
    /// The octets sent.
    pub body: Vec<u8>,
    /// The receipt that came back.
    pub receipt: Option<String>,
    /// The answer's status.
    pub status: u16,
}

enum End {
    Node(Weak<Node>),
    Scripted(Arc<Scripted>),
    Tickets(Arc<Tickets>),
}

/// The line between all parties of one story.
pub struct Wire {
    time: Arc<dyn TimeSource>,
    ends: Mutex<HashMap<String, End>>,
    lines: Mutex<HashMap<String, Line>>,
    carried: Mutex<Vec<Carried>>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic while held")
}

impl Wire {
    /// A line that carries everything.
    #[must_use]
    pub fn new(time: Arc<dyn TimeSource>) -> Arc<Self> {
        Arc::new(Self { time, ends: Mutex::default(), lines: Mutex::default(), carried: Mutex::default() })
    }

    /// Joins a node. One that was joined under the same issuer before is replaced: a node that was started again.
    pub fn join(&self, node: &Arc<Node>) {
        held(&self.ends).insert(node.issuer().to_owned(), End::Node(Arc::downgrade(node)));
    }

    /// Joins a scripted partner.
    pub fn join_scripted(&self, partner: &Arc<Scripted>) {
        held(&self.ends).insert(partner.issuer.clone(), End::Scripted(Arc::clone(partner)));
    }

    /// Joins a ticket system: webhooks to this origin reach it.
    pub fn join_tickets(&self, origin: &str, tickets: &Arc<Tickets>) {
        held(&self.ends).insert(origin.to_owned(), End::Tickets(Arc::clone(tickets)));
    }

    /// What the line to this issuer does from now on.
    pub fn set(&self, issuer: &str, line: Line) {
        held(&self.lines).insert(issuer.to_owned(), line);
    }

    /// Everything that reached a party so far.
    #[must_use]
    pub fn carried(&self) -> Vec<Carried> {
        held(&self.carried).clone()
    }

    async fn hand_over(&self, parcel: &Parcel) -> Outcome {
        let (issuer, path) = split(&parcel.url);
        let line = held(&self.lines).get(issuer).copied().unwrap_or(Line::Up);
        match line {
            Line::Down => return Outcome::not_reached(NotReached::Refused),
            Line::Intercepted(status) => return answered(status, None, Vec::new()),
            Line::Up | Line::Deaf => {}
        }
        let end = match held(&self.ends).get(issuer) {
            Some(End::Node(node)) => node.upgrade().map(Ok),
            Some(End::Scripted(partner)) => Some(Err(Arc::clone(partner))),
            Some(End::Tickets(tickets)) => return answered(tickets.take(parcel), None, Vec::new()),
            None => None,
        };
        let outcome = match end {
            Some(Ok(node)) => to_node(&node, parcel, path).await,
            Some(Err(partner)) => self.to_scripted(&partner, parcel),
            None => return Outcome::not_reached(NotReached::Refused),
        };
        if let Outcome::Answered { status, receipt_header, .. } = &outcome {
            held(&self.carried).push(Carried {
                to: issuer.to_owned(),
                url: parcel.url.clone(),
                body: parcel.body.clone(),
                receipt: receipt_header.clone(),
                status: *status,
            });
        }
        if line == Line::Deaf { Outcome::not_reached(NotReached::Timeout) } else { outcome }
    }

    fn to_scripted(&self, partner: &Scripted, parcel: &Parcel) -> Outcome {
        let now = self.time.now().unix_seconds_up();
        match parcel.kind {
            ParcelKind::ManifestFetch => answered(200, None, partner.manifest(now).into_bytes()),
            ParcelKind::CardFetch => answered(200, None, partner.card(now).into_bytes()),
            ParcelKind::KeysPost => answered(204, None, Vec::new()),
            ParcelKind::Webhook | ParcelKind::Poll => answered(404, None, Vec::new()),
            ParcelKind::Push => {
                let answer = partner.answer(&parcel.body, now);
                if answer.hangs {
                    return Outcome::not_reached(NotReached::Timeout);
                }
                answered(answer.status, answer.receipt, answer.body.as_bytes().to_vec())
            }
        }
    }
}

pub(crate) async fn to_node(node: &Node, parcel: &Parcel, path: &str) -> Outcome {
    let octets = parcel.body.clone();
    let received = match path {
        "/jwks.jwt" => return answered(200, None, node.manifest().into_bytes()),
        "/card.jwt" => return answered(200, None, node.export_card().into_bytes()),
        "/ssf/keys" => node.receive_keys(Incoming { octets }).await,
        "/ssf/events" => node.receive(Incoming { octets }).await,
        "/ssf/poll" => return polled(node, parcel).await,
        _ => return answered(404, None, Vec::new()),
    };
    match received {
        Received::Accepted { receipt } => answered(202, Some(receipt), Vec::new()),
        Received::AcceptedNoReceipt => answered(202, None, Vec::new()),
        Received::Refused(refusal) | Received::Busy { refusal, .. } => {
            answered(refusal.http_status(), None, refusal.json_body().unwrap_or_default().into_bytes())
        }
    }
}

async fn polled(node: &Node, parcel: &Parcel) -> Outcome {
    let header = |name: &str| parcel.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let incoming = PollIncoming {
        authorization: header("authorization"),
        language: header("content-language").is_some(),
        body: parcel.body.clone(),
    };
    match node.serve_poll(incoming).await {
        Polled::Answer(body) => answered(200, None, body.into_bytes()),
        Polled::Unauthorised => answered(401, None, Vec::new()),
        Polled::Forbidden => answered(403, None, Vec::new()),
        Polled::BadRequest => answered(400, None, Vec::new()),
        Polled::TooMany { .. } => answered(429, None, Vec::new()),
        Polled::Busy { .. } => answered(503, None, Vec::new()),
    }
}

/// An address as origin and path.
pub(crate) fn split(url: &str) -> (&str, &str) {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let path = url[after_scheme..].find('/').map_or(url.len(), |at| after_scheme + at);
    url.split_at(path)
}

fn answered(status: u16, receipt: Option<String>, body: Vec<u8>) -> Outcome {
    Outcome::Answered { status, receipt_header: receipt, retry_after: None, date: None, body }
}

impl Carrier for Wire {
    fn carry<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(self.hand_over(parcel))
    }
}
