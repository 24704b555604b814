//! What a node's ledger says, followed entry by entry, and what must never be read there.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::chain::{Frontier, leaf_hash};
use domain::clock::{Clock, ClockState};
use domain::exchange::{self, Exchange};
use domain::incident::{self, Incident};
use domain::values::{ExchangeId, IncidentId};
use serde_json::Value;
use server::node::Node;
use server::store::ledger;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::peek::{Entry, Peek};

/// What was found to be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation(pub String);

/// Fails with a sentence unless something holds.
pub(super) fn must(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation(otherwise())) }
}

/// A receipt that a node holds.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// Who signed it.
    pub(super) signer: String,
    /// For which message.
    pub(super) message: String,
    /// Digest of the octets that it is for.
    pub(super) set_sha256: String,
}

/// One ledger, as far as it was read.
#[derive(Default)]
pub(super) struct View {
    /// The next entry.
    next: i64,
    pub(super) incidents: BTreeMap<IncidentId, Incident>,
    pub(super) exchanges: BTreeMap<ExchangeId, Exchange>,
    /// Digests of the octets of messages received.
    pub(super) received: BTreeSet<String>,
    /// Messages with a receipt.
    receipted: BTreeSet<String>,
    /// Receipts since they were last taken out.
    pub(super) fresh: Vec<Held>,
    /// Messages received and sent, by sender and id, with their payload's digest.
    arrived: BTreeSet<(String, String)>,
    sealed: BTreeMap<String, String>,
    numbers: BTreeMap<(String, u64), String>,
    /// Messages that changed something: (exchange, message).
    applied: BTreeSet<Uuid>,
    cases: BTreeSet<(Uuid, Uuid)>,
    steps: BTreeSet<(Uuid, String, i64, i32)>,
    tree: Frontier,
    roots: BTreeMap<i64, [u8; 32]>,
}

impl View {
    /// How many entries were read.
    pub(super) const fn size(&self) -> i64 {
        self.next
    }

    /// The root of the tree over the first entries; `None` beyond the last.
    pub(super) fn root(&self, size: i64) -> Option<[u8; 32]> {
        self.roots.get(&size).copied()
    }

    /// Reads what is new. Says whether there was anything.
    pub(super) async fn follow(&mut self, node: &Node, peek: &mut Peek) -> Result<bool, Violation> {
        let entries = peek.entries(self.next);
        let Some((first, last)) = entries.first().zip(entries.last()) else { return Ok(false) };
        let numbers = first.n..=last.n;
        must(first.n == self.next, || format!("the ledger goes on at {} and not at {}", first.n, self.next))?;
        let objects = node.store().read(move |rows| {
            numbers.map(|n| ledger::object(rows, u64::try_from(n).unwrap_or_default())).collect::<Result<Vec<_>, _>>()
        });
        let objects = objects.await.map_err(|error| Violation(format!("the ledger can't be read: {error}")))?;
        for (entry, object) in entries.iter().zip(objects) {
            must(entry.n == self.next, || format!("entry {} is missing", self.next))?;
            self.tree.push(leaf_hash(entry.octets.as_bytes()));
            self.next += 1;
            self.roots.insert(self.next, *self.tree.root().as_bytes());
            if let Some(object) = object {
                self.take(entry, &object).map_err(|Violation(what)| Violation(format!("entry {}: {what}", entry.n)))?;
            }
        }
        Ok(true)
    }

    fn take(&mut self, entry: &Entry, object: &[u8]) -> Result<(), Violation> {
        match entry.kind.as_str() {
            "incident" => self.incident(stream(entry)?, &event(object)?),
            "exchange" => self.exchange(stream(entry)?, &event(object)?),
            "set_received" => self.set_received(object),
            "set_sent" => self.set_sent(object),
            "receipt_received" => self.receipt_received(object),
            _ => Ok(()),
        }
    }

    fn incident(&mut self, id: Uuid, event: &incident::Event) -> Result<(), Violation> {
        let key = IncidentId::from_uuid(id);
        let before = self.incidents.remove(&key);
        let after = incident::evolve(before.clone(), event);
        moved(before.as_ref().and_then(|it| it.ico.as_ref()), after.as_ref().and_then(|it| it.ico.as_ref()))?;
        self.incidents.extend(after.map(|after| (key, after)));
        if let incident::Event::StepFired { kind, due, offset_minutes, passed, .. } = event {
            self.fired(id, kind.word(), due.micros(), *offset_minutes, passed)?;
        }
        Ok(())
    }

    fn exchange(&mut self, id: Uuid, event: &exchange::Event) -> Result<(), Violation> {
        let key = ExchangeId::from_uuid(id);
        let before = self.exchanges.remove(&key);
        let after = exchange::evolve(before.clone(), event);
        for clock in [
            |it: &Exchange| it.notice_clock.clone(),
            |it: &Exchange| it.acknowledgement_clock.clone(),
            |it: &Exchange| it.ico_clock.clone(),
        ] {
            moved(before.as_ref().and_then(clock).as_ref(), after.as_ref().and_then(clock).as_ref())?;
        }
        self.exchanges.extend(after.map(|after| (key, after)));
        match event {
            exchange::Event::NoticeReceived { version, partner, case, .. }
            | exchange::Event::WithdrawalReceived { version, partner, case, .. } => {
                must(self.applied.insert(version.message.uuid()), || {
                    format!("message {} was applied twice", version.message)
                })?;
                must(before.is_some() || self.cases.insert((partner.uuid(), case.uuid())), || {
                    format!("case {case} of one partner stands in two exchanges")
                })
            }
            exchange::Event::Receipted { message, .. } => must(self.receipted.contains(&message.to_string()), || {
                format!("message {message} counts as delivered without a receipt in the ledger")
            }),
            exchange::Event::StepFired { kind, due, offset_minutes, passed, .. } => {
                self.fired(id, kind.word(), due.micros(), *offset_minutes, passed)
            }
            exchange::Event::MessageReceived { said, .. } => {
                must(self.applied.insert(said.message.uuid()), || format!("{} was applied twice", said.message))
            }
            exchange::Event::Acknowledged { message, .. } | exchange::Event::FiledReceived { message, .. } => {
                must(self.applied.insert(message.uuid()), || format!("message {message} was applied twice"))
            }
            _ => Ok(()),
        }
    }

    fn fired(&mut self, id: Uuid, kind: &str, due: i64, offset: i32, passed: &[i32]) -> Result<(), Violation> {
        for step in passed.iter().chain([&offset]) {
            must(self.steps.insert((id, kind.to_owned(), due, *step)), || {
                format!("the step {step} of {kind} was recorded twice")
            })?;
        }
        Ok(())
    }

    fn set_received(&mut self, object: &[u8]) -> Result<(), Violation> {
        let claims = claims(object)?;
        self.received.insert(digest(object));
        let who = (text(&claims["iss"]), text(&claims["jti"]));
        must(self.arrived.insert(who.clone()), || format!("message {} of {} was stored twice", who.1, who.0))
    }

    /// One message has one payload, whatever key it is signed with, and one number on its lane has one message.
    fn set_sent(&mut self, object: &[u8]) -> Result<(), Violation> {
        let claims = claims(object)?;
        let (id, aud) = (text(&claims["jti"]), text(&claims["aud"]));
        let payload = digest(object.split(|octet| *octet == b'.').nth(1).unwrap_or_default());
        let first = self.sealed.entry(id.clone()).or_insert_with(|| payload.clone());
        must(*first == payload, || format!("message {id} was sealed with two payloads"))?;
        let body = claims["events"].as_object().and_then(|events| events.values().next());
        let Some(number) = body.and_then(|body| body["seq"].as_u64()) else { return Ok(()) };
        let first = self.numbers.entry((aud, number)).or_insert_with(|| id.clone());
        must(*first == id, || format!("number {number} was given to two messages"))
    }

    fn receipt_received(&mut self, object: &[u8]) -> Result<(), Violation> {
        let claims = claims(object)?;
        let body = claims["events"].as_object().and_then(|events| events.values().next()).cloned().unwrap_or_default();
        let held = Held {
            signer: text(&claims["iss"]),
            message: text(&body["of"]["jti"]),
            set_sha256: text(&body["set_sha256"]),
        };
        self.receipted.insert(held.message.clone());
        self.fresh.push(held);
        Ok(())
    }
}

/// Whether a clock may stand so after it stood so: it starts once, ends once, and lateness stays (ruling 4).
fn moved(before: Option<&Clock>, after: Option<&Clock>) -> Result<(), Violation> {
    // A clock starts; or an incident of ours takes it over.
    let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
    let may = match before.state {
        ClockState::Running => true,
        ClockState::Overdue => !matches!(after.state, ClockState::Running),
        ClockState::Met { .. } | ClockState::MetLate { .. } => {
            matches!(after.state, ClockState::Met { .. } | ClockState::MetLate { .. })
        }
        ClockState::NotRequired { .. } => matches!(after.state, ClockState::NotRequired { .. }),
    };
    must(may, || format!("a clock went from {} to {}", before.state.word(), after.state.word()))
}

fn stream(entry: &Entry) -> Result<Uuid, Violation> {
    let stream = entry.stream.as_deref().unwrap_or_default();
    Uuid::from_slice(stream).map_err(|_| Violation("an event without a stream".to_owned()))
}

fn event<E: serde::de::DeserializeOwned>(object: &[u8]) -> Result<E, Violation> {
    serde_json::from_slice(object).map_err(|error| Violation(format!("an event can't be read: {error}")))
}

/// The payload of a token.
pub(crate) fn claims(object: &[u8]) -> Result<Value, Violation> {
    let payload = object.split(|octet| *octet == b'.').nth(1).unwrap_or_default();
    let json = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    serde_json::from_slice(&json).map_err(|error| Violation(format!("a token can't be read: {error}")))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// SHA-256 as it stands on the wire.
fn digest(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(octets))
}
