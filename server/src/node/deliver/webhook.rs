//! Carrying a notice to a partner over Standard Webhooks (protocol §16).
//!
//! What a ticket system is shown is read from the signed message itself, so that the two never differ. Its 2xx ends the
//! carrying and proves nothing; every attempt has a link of its own, by which a person there can acknowledge.

use std::time::Duration;

use domain::delivery::{Heard, REQUEST_SECONDS};
use serde_json::{Map, Value, json};
use tokio::time::timeout;
use webhooks::carrier::{NotReached, Outcome, Parcel};
use webhooks::jose::{CompactToken, TokenType};
use webhooks::standard_webhook::{self as standard, Secret};

use super::Node;
use super::carry::Attempt;
use super::seal::Ready;
use crate::node::loops::Causes;
use crate::store::StoreError;
use crate::store::endpoints::{self, Details, EndpointKind};
use crate::store::outbox::OutKind;

/// Members of a message that a ticket system is shown, beside the signed whole.
const SHOWN: [&str; 12] = [
    "revision",
    "clock",
    "title",
    "reason",
    "note",
    "kind",
    "text",
    "due_at",
    "authority",
    "at",
    "reference",
    "exercise",
];

/// What came of one webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::node) struct Posted {
    /// What it means to delivery.
    pub(in crate::node) heard: Heard,
    /// The status, if a server answered.
    pub(in crate::node) status: Option<u16>,
    /// How long it took.
    pub(in crate::node) took_ms: u32,
    /// Why there was no answer, in a fixed sentence.
    pub(in crate::node) detail: Option<&'static str>,
}

impl Posted {
    const fn unsent(detail: &'static str) -> Self {
        Self { heard: Heard::NotReached, status: None, took_ms: 0, detail: Some(detail) }
    }
}

impl Node {
    /// One attempt over the partner's webhook.
    pub(super) async fn carry_webhook(&self, ready: &Ready) -> Attempt {
        let posted = match self.post_message(ready).await {
            Ok(posted) => posted,
            Err(error) => {
                tracing::error!(message = %ready.claimed.message, error = %Causes(&error), "a webhook was not sent");
                Posted::unsent("")
            }
        };
        Attempt { status: posted.status, ..Attempt::without_answer(posted.heard, posted.took_ms) }
    }

    async fn post_message(&self, ready: &Ready) -> Result<Posted, StoreError> {
        let (partner, claimed) = (ready.partner.id, &ready.claimed);
        let found = self.store.read(move |rows| endpoints::of_partner(rows, partner, EndpointKind::Webhook)).await?;
        let Some(endpoint) = found else { return Ok(Posted::unsent("")) };
        let link = match claimed.exchange {
            Some(exchange) => Some(self.fresh_ack_link(claimed.message, exchange, partner).await?),
            None => None,
        };
        let corrupt = StoreError::Corrupt { table: "outbox", what: "a signed message that can't be read" };
        let body = body(claimed.kind, &ready.octets, link.as_deref(), endpoint.details.reduced).ok_or(corrupt)?;
        let id = standard::message_id(claimed.message.uuid());
        Ok(self.send_webhook(&endpoint.details, &id, body).await)
    }

    /// Signs a body and sends it once.
    pub(in crate::node) async fn send_webhook(&self, to: &Details, id: &str, body: Vec<u8>) -> Posted {
        let (elapsed, keys) = (self.time.elapsed(), self.keys());
        let secrets: Vec<Secret> =
            to.secrets(elapsed).into_iter().filter_map(|secret| Secret::parse(secret.text()).ok()).collect();
        let Ok(headers) = standard::headers(id, self.time.now().unix_seconds(), &body, &secrets, keys.webhook()) else {
            return Posted::unsent("It could not be signed.");
        };
        let exceptions = to.exceptions.iter().filter_map(|range| range.parse().ok()).collect();
        let parcel = Parcel::webhook(&to.address, body, headers.to_vec()).allowing(exceptions, to.port);
        // The carrier has its own limits; this one keeps the lease's promise whatever it does.
        let limit = Duration::from_secs(REQUEST_SECONDS.unsigned_abs());
        let carried = timeout(limit, self.carrier.carry(&parcel)).await;
        let took = self.time.elapsed().micros().saturating_sub(elapsed.micros()) / 1_000;
        let took_ms = u32::try_from(took).unwrap_or_default();
        match carried.unwrap_or_else(|_| Outcome::not_reached(NotReached::Timeout)) {
            Outcome::Answered { status, retry_after, .. } => {
                let retry_after_seconds = retry_after.map(|after| self.seconds_until(after));
                Posted { heard: heard(status, retry_after_seconds), status: Some(status), took_ms, detail: None }
            }
            Outcome::NotReached { class, .. } => {
                Posted { heard: Heard::NotReached, status: None, took_ms, detail: Some(unreached(class)) }
            }
        }
    }
}

/// What a server's status means. Nothing that a webhook answers parks a message: it knows no words of ours.
fn heard(status: u16, retry_after_seconds: Option<u32>) -> Heard {
    match status {
        200..=299 => Heard::Accepted,
        408 | 425 | 429 | 500..=599 => Heard::Busy { retry_after_seconds },
        _ => Heard::Misdirected { status },
    }
}

/// As the carrier's own sentences, about a server that is nobody's node.
const fn unreached(class: NotReached) -> &'static str {
    match class {
        NotReached::Dns => "The server\u{2019}s name could not be resolved.",
        NotReached::Refused => "The server did not take the connection or cut it.",
        NotReached::Tls => "No secure connection could be made.",
        NotReached::Timeout => "The server did not answer in time.",
        NotReached::AddressForbidden => "The address is not one this node may call.",
        NotReached::ResponseTooLarge => "The answer was larger than is read.",
        NotReached::Other => "The request failed.",
    }
}

/// The body for a signed message; `None` when that can't be read.
fn body(kind: OutKind, set: &[u8], link: Option<&str>, reduced: bool) -> Option<Vec<u8>> {
    let token = CompactToken::parse(set, TokenType::Set).ok()?;
    let claims: Value = serde_json::from_slice(token.payload()).ok()?;
    let event = claims.get("events")?.as_object()?.values().next()?;
    let mut data = Map::new();
    data.insert("case_id".to_owned(), claims.get("txn")?.clone());
    data.extend(phase(kind, event).map(|phase| ("phase".to_owned(), phase)));
    if reduced {
        // A drill is marked whatever else is left out.
        data.extend(event.get("exercise").map(|exercise| ("exercise".to_owned(), exercise.clone())));
    } else {
        let shown = SHOWN.iter().filter_map(|member| Some(((*member).to_owned(), event.get(member)?.clone())));
        data.extend(shown);
        data.insert("set".to_owned(), json!(std::str::from_utf8(set).ok()?));
    }
    data.extend(link.map(|link| ("acknowledge_url".to_owned(), json!(link))));
    let at = claims.get("iat")?.as_i64().and_then(|at| domain::values::Moment::from_unix_seconds(at).ok())?;
    let body = json!({ "type": format!("breach.{}", kind.word()), "timestamp": at.to_wire(), "data": data });
    serde_json::to_vec(&body).ok()
}

fn phase(kind: OutKind, event: &Value) -> Option<Value> {
    match kind {
        OutKind::Notified | OutKind::Updated => event.get("phase").cloned(),
        OutKind::Withdrawn => Some(json!("withdrawal")),
        OutKind::Acknowledged | OutKind::Message | OutKind::Filed | OutKind::Heartbeat => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use webhooks::keys::{KeyUse, SigningKey};
    use webhooks::set::sign_set;

    const LINK: &str = "https://node-a.example/ack/secret";

    fn set(event: &Value) -> Vec<u8> {
        let claims = json!({ "iss": "https://node-a.example", "aud": "Council B", "iat": 1_795_253_400,
            "jti": "0199f6c2-6a00-7c11-8f00-000000000001", "txn": "0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e21",
            "events": { "urn:tocsin:breach:1:notified": event } });
        let key = SigningKey::from_seed(&[1; 32], KeyUse::Set).unwrap();
        sign_set(&key, claims.to_string().as_bytes()).octets.into_bytes()
    }

    fn read(kind: OutKind, event: &Value, reduced: bool) -> Value {
        serde_json::from_slice(&body(kind, &set(event), Some(LINK), reduced).unwrap()).unwrap()
    }

    /// Aim: a ticket system is shown what the signed message says, and holds that message.
    #[test]
    fn shown_as_signed() {
        let event = json!({ "seq": 1, "prev": null, "checkpoint": "x", "revision": 1, "phase": "initial", "title": "T",
            "clock": { "anchor": "aware_of_breach", "at": "2026-11-21T08:40:00Z", "hours": 48 }, "facts": {} });
        let body = read(OutKind::Notified, &event, false);
        assert_eq!(body["type"], "breach.notified");
        assert_eq!(body["timestamp"], "2026-11-21T09:30:00Z");
        let data = &body["data"];
        assert_eq!(data["case_id"], "0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e21");
        assert_eq!((&data["phase"], &data["title"]), (&json!("initial"), &json!("T")));
        assert_eq!(data["clock"]["hours"], 48);
        assert_eq!(data["set"].as_str().unwrap().as_bytes(), set(&event));
        assert_eq!(data["acknowledge_url"], LINK);
        assert!(data.get("facts").is_none() && data.get("checkpoint").is_none());
    }

    /// Aim: reduced content holds id, phase and link, the mark of a drill, and nothing else.
    #[test]
    fn reduced() {
        let event = json!({ "revision": 2, "reason": "sent_in_error", "note": "N", "exercise": true });
        let data = read(OutKind::Withdrawn, &event, true)["data"].as_object().unwrap().clone();
        let members: Vec<_> = data.keys().map(String::as_str).collect();
        assert_eq!(members, ["acknowledge_url", "case_id", "exercise", "phase"]);
        assert_eq!(data["phase"], "withdrawal");
    }

    #[test]
    fn every_status_has_a_meaning() {
        assert_eq!(heard(200, None), Heard::Accepted);
        assert_eq!(heard(204, None), Heard::Accepted);
        assert_eq!(heard(503, Some(7)), Heard::Busy { retry_after_seconds: Some(7) });
        for status in [301, 400, 401, 404, 410, 413] {
            assert_eq!(heard(status, None), Heard::Misdirected { status });
        }
    }
}
