//! A party without a node: a small ticket system behind a webhook. It believes what both signatures prove, keeps one ticket
//! for each case, and shows them with the link by which a person there acknowledges.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::web::{Bytes, Data, PayloadConfig, ServiceConfig, resource};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use webhooks::keys::PublicKey;
use webhooks::standard_webhook::{ID, Received, SIGNATURE, Secret, TIMESTAMP, verify};

use super::DemoError;
use crate::http::{self, Lasting, Listening, StaysSecure};

/// Its name.
pub(super) const NAME: &str = "Westmere Town Council";
/// The word by which the operator's directory refers to it.
pub(super) const KEY: &str = "westmere";
/// Where webhooks go.
const HOOK: &str = "/hook";
/// Octets of one webhook: a notice with its signed form.
const BODY_MAX: usize = 256 * 1_024;
/// Tickets kept; a demonstration has one.
const TICKETS_MAX: usize = 100;

/// What it can check signatures with, once the operator has told it.
struct Keys {
    secret: Secret,
    public: Option<PublicKey>,
}

/// One case.
#[derive(Debug, Clone)]
struct Ticket {
    case: String,
    title: String,
    phase: String,
    exercise: bool,
    deliveries: u32,
    link: String,
}

#[derive(Default)]
struct Desk {
    keys: Mutex<Option<Keys>>,
    tickets: Mutex<Vec<Ticket>>,
}

#[derive(Template)]
#[template(path = "demo_tickets.html")]
struct TicketsPage {
    name: &'static str,
    tickets: Vec<Ticket>,
}

/// The running ticket system.
pub(super) struct Tickets {
    pub(super) url: String,
    desk: Arc<Desk>,
    web: http::Running,
}

impl Tickets {
    /// Starts it; it believes nobody yet.
    pub(super) fn start(port: u16) -> Result<Self, DemoError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(DemoError::Port)?;
        let url = format!("http://{}", listener.local_addr().map_err(DemoError::Port)?);
        let desk = Arc::new(Desk::default());
        let shared = Data::from(Arc::clone(&desk));
        let routes = move |config: &mut ServiceConfig| {
            config
                .app_data(shared.clone())
                .app_data(PayloadConfig::new(BODY_MAX))
                .service(resource("/").get(show))
                .service(resource(HOOK).post(take))
                .service(resource("/static/{name}").get(crate::web::files::serve));
        };
        let (stop, _) = tokio::sync::watch::channel(false);
        let listening = Listening { listener, certificates: None, stays_secure: StaysSecure::of(&url) };
        let web = http::start(listening, Lasting::Connections, stop, routes).map_err(DemoError::Port)?;
        Ok(Self { url, desk, web })
    }

    /// Where webhooks go.
    pub(super) fn hook(&self) -> String {
        format!("{}{HOOK}", self.url)
    }

    /// Believes whoever signs with this secret and this public key (`whsec_…`, `whpk_…`).
    pub(super) fn trust(&self, secret: &str, public: Option<&str>) -> Result<(), DemoError> {
        let secret = Secret::parse(secret).map_err(|_| DemoError::Story)?;
        let public = match public {
            Some(text) => Some(public_key(text).ok_or(DemoError::Story)?),
            None => None,
        };
        *self.desk.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some(Keys { secret, public });
        Ok(())
    }

    /// Ends it.
    pub(super) async fn stop(self) {
        self.web.stop().await;
    }
}

fn public_key(text: &str) -> Option<PublicKey> {
    let octets: [u8; 32] = STANDARD.decode(text.strip_prefix("whpk_")?).ok()?.try_into().ok()?;
    PublicKey::from_octets(&octets).ok()
}

async fn show(desk: Data<Desk>) -> HttpResponse {
    let tickets = desk.tickets.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match (TicketsPage { name: NAME, tickets }).render() {
        Ok(body) => HttpResponse::Ok().insert_header(ContentType::html()).body(body),
        Err(_) => HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

async fn take(request: HttpRequest, body: Bytes, desk: Data<Desk>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let received = Received { id: header(ID), timestamp: header(TIMESTAMP), signature: header(SIGNATURE), body: &body };
    if !desk.believes(&received) {
        return HttpResponse::new(StatusCode::UNAUTHORIZED);
    }
    match serde_json::from_slice(&body) {
        Ok(said) => {
            desk.keep(&said);
            HttpResponse::new(StatusCode::NO_CONTENT)
        }
        Err(_) => HttpResponse::new(StatusCode::BAD_REQUEST),
    }
}

impl Desk {
    /// Both signatures have to be right, each by itself.
    fn believes(&self, received: &Received<'_>) -> bool {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(keys) = keys.as_ref() else { return false };
        // Here an hour passes in a second: how old a message is says nothing.
        let Ok(now) = received.timestamp.parse() else { return false };
        let shared = verify(received, std::slice::from_ref(&keys.secret), None, now).is_ok();
        shared && keys.public.as_ref().is_none_or(|public| verify(received, &[], Some(public), now).is_ok())
    }

    fn keep(&self, said: &Value) {
        let data = &said["data"];
        let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        let case = text("case_id");
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ticket) = tickets.iter_mut().find(|ticket| ticket.case == case) {
            ticket.phase = text("phase");
            ticket.link = text("acknowledge_url");
            ticket.deliveries = ticket.deliveries.saturating_add(1);
            if !text("title").is_empty() {
                ticket.title = text("title");
            }
        } else if !case.is_empty() && tickets.len() < TICKETS_MAX {
            tickets.push(Ticket {
                case,
                title: text("title"),
                phase: text("phase"),
                exercise: data["exercise"] == true,
                deliveries: 1,
                link: text("acknowledge_url"),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;
    use webhooks::keys::{KeyUse, SigningKey};
    use webhooks::standard_webhook::headers;

    use super::*;

    /// Aim: only what both signatures prove is believed; a second delivery of a case is the same ticket.
    #[test]
    fn tickets_are_believed_by_both_signatures() {
        let secret = Secret::from_octets(&[7; 32]);
        let key = SigningKey::from_seed(&[3; 32], KeyUse::Webhook).unwrap();
        let desk = Desk::default();
        *desk.keys.lock().unwrap() = Some(Keys { secret: secret.clone(), public: Some(key.public().clone()) });
        let said = json!({ "data": { "case_id": "c", "phase": "initial", "title": "T", "exercise": true } });
        let body = said.to_string().into_bytes();
        let believes = |secrets: &[Secret], key: Option<&SigningKey>| {
            let [(_, id), (_, timestamp), (_, signature)] =
                headers("msg_1", 1_795_253_401, &body, secrets, key).unwrap();
            desk.believes(&Received { id: &id, timestamp: &timestamp, signature: &signature, body: &body })
        };
        assert!(believes(std::slice::from_ref(&secret), Some(&key)));
        assert!(!believes(std::slice::from_ref(&secret), None) && !believes(&[], Some(&key)));
        desk.keep(&said);
        desk.keep(&json!({ "data": { "case_id": "c", "phase": "update" } }));
        let tickets = desk.tickets.lock().unwrap();
        assert_eq!(tickets.len(), 1);
        assert!(tickets.iter().all(|ticket| ticket.deliveries == 2 && ticket.title == "T" && ticket.phase == "update"));
    }
}
