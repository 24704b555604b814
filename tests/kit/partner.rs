//! Scripted partners: they hold real keys and sign real receipts, and misbehave on command.
//!
//! One [`Scripted`] is one partner's node as seen from outside. It answers parcels given to it by [`crate::wire::Wire`] or
//! over HTTP ([`Host`], which serves hundreds of them on one port, each under a loopback address of its own).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use webhooks::card::{Card, Contact, IdentityKey, Receive, Serve};
use webhooks::checkpoint::{origin_of, sign_checkpoint};
use webhooks::jose::{TokenType, sign};
use webhooks::keys::{KeyUse, PublicKey, SigningKey, fingerprint};
use webhooks::manifest::{Manifest, ManifestKey, parse_pinned};
use webhooks::message::{Acknowledged, Chain, Event, Head, Person, Stance, Verification, WithdrawalReason, Withdrawn};
use webhooks::push::{PeerKeys, VerifiedSet, open, verify};
use webhooks::receipt::{Storing, build_receipt};
use webhooks::set::{Claims, build_payload, heartbeat_claims, sign_set};
use webhooks::values::{Digest, Schemes, WireTime};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// How long a hanging partner keeps a sender waiting over HTTP: beyond every time limit.
const HANG: Duration = Duration::from_secs(120);
/// Keys are valid from a year before `now` for 400 days, so that hand-driven time may move freely.
const KEY_LIFE_BEFORE: i64 = 200 * 86_400;

/// What a scripted partner does with every message from now on.
#[derive(Clone)]
pub enum Behaviour {
    /// Stores it and signs for it; a repeat gets the same receipt.
    Accept,
    /// 202 without a receipt: an intermediary swallowed it.
    NoReceipt,
    /// This status with this body.
    Answer(u16, &'static str),
    /// Takes it and never answers.
    Hang,
    /// Signs, with a key that nobody knows.
    Forge,
    /// Signs a receipt whose payload was changed by this function first.
    Change(fn(&mut Value)),
}

/// What came of a message.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The receipt.
    pub receipt: Option<String>,
    /// The body.
    pub body: &'static str,
    /// The answer never comes.
    pub hangs: bool,
}

/// One partner.
pub struct Scripted {
    /// Its issuer.
    pub issuer: String,
    /// Its name.
    pub name: String,
    identity: SigningKey,
    set_key: SigningKey,
    log_key: SigningKey,
    state: Mutex<State>,
}

struct State {
    behaviour: Behaviour,
    /// Whom it is paired with: issuer and manifest.
    peer: Option<(String, Manifest)>,
    received: Vec<VerifiedSet>,
    receipts: HashMap<Uuid, String>,
    head: Head,
    sent: Head,
    ids: u64,
}

impl Scripted {
    /// A partner with keys derived from its name.
    ///
    /// # Panics
    /// Never: every seed makes a key.
    #[must_use]
    pub fn new(name: &str, issuer: &str) -> Self {
        let key = |label: &str, purpose| {
            let seed: [u8; 32] = Sha256::digest(format!("{name} {label}")).into();
            SigningKey::from_seed(&seed, purpose).expect("every seed makes a key")
        };
        let none = Head { seq: 0, payload_sha256: None };
        Self {
            issuer: issuer.to_owned(),
            name: name.to_owned(),
            identity: key("identity", KeyUse::Identity),
            set_key: key("set", KeyUse::Set),
            log_key: key("log", KeyUse::Log),
            state: Mutex::new(State {
                behaviour: Behaviour::Accept,
                peer: None,
                received: Vec::new(),
                receipts: HashMap::new(),
                head: none,
                sent: none,
                ids: 0,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    /// Its card.
    #[must_use]
    pub fn card(&self, now: i64) -> String {
        self.card_with(now, |_| {})
    }

    /// A card of its own that differs from the first.
    ///
    /// # Panics
    /// When no receiver would take it.
    #[must_use]
    pub fn card_with(&self, now: i64, change: impl FnOnce(&mut Card)) -> String {
        let mut card = Card {
            iss: self.issuer.clone(),
            iat: now,
            version: 1,
            name: self.name.clone(),
            identity_key: IdentityKey::of(self.identity.public()),
            receive: Receive { push: Some(format!("{}/ssf/events", self.issuer)) },
            serve: Serve { poll: None, keys: format!("{}/jwks.jwt", self.issuer) },
            contacts: vec![Contact {
                role: "data_protection_officer".to_owned(),
                name: None,
                email: None,
                phone: Some("+44 20 7946 0000".to_owned()),
            }],
            country: None,
            hosting: None,
        };
        change(&mut card);
        card.sign(&self.identity, Schemes::HttpsOrLoopback).expect("a card that its receiver takes")
    }

    /// Its manifest, version 1.
    #[must_use]
    pub fn manifest(&self, now: i64) -> String {
        let key = |key: &SigningKey| ManifestKey {
            public: key.public().clone(),
            node_use: Some(key.purpose()),
            iat: now - KEY_LIFE_BEFORE,
            nbf: now - KEY_LIFE_BEFORE,
            exp: now + KEY_LIFE_BEFORE,
            revoked: None,
        };
        let keys = vec![key(&self.set_key), key(&self.log_key)];
        Manifest { iss: self.issuer.clone(), iat: now, version: 1, keys }.sign(&self.identity)
    }

    /// Its digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.issuer, self.identity.public().thumbprint())
    }

    /// Takes the other side's keys, as pairing does.
    ///
    /// # Panics
    /// When the manifest is not the card's.
    pub fn pin(&self, card: &str, manifest: &str) {
        let card = webhooks::card::parse_self_signed(card.as_bytes(), Schemes::HttpsOrLoopback).expect("a card");
        let identity: PublicKey = card.get().identity().expect("an identity key");
        let issuer = card.get().iss.clone();
        let manifest = parse_pinned(manifest.as_bytes(), &issuer, &identity).expect("the manifest of that card");
        self.state().peer = Some((issuer, manifest.into_inner()));
    }

    /// Behaves so from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.state().behaviour = behaviour;
    }

    /// Every message that it stored, in order; repeats are stored once.
    #[must_use]
    pub fn received(&self) -> Vec<VerifiedSet> {
        self.state().received.clone()
    }

    /// What it answers to a pushed token at `now` (unix seconds).
    #[must_use]
    pub fn answer(&self, token: &[u8], now: i64) -> Answered {
        let mut state = self.state();
        let plain = |status, body| Answered { status, receipt: None, body, hangs: false };
        match state.behaviour.clone() {
            Behaviour::Accept => {}
            Behaviour::NoReceipt => return plain(202, ""),
            Behaviour::Answer(status, body) => return plain(status, body),
            Behaviour::Hang => return Answered { hangs: true, ..plain(202, "") },
            Behaviour::Forge => {
                let stranger = SigningKey::from_seed(&[7; 32], KeyUse::Set).expect("every seed makes a key");
                let receipt = self.payload(&mut state, token, now).map(|payload| sign_set(&stranger, &payload).octets);
                return Answered { receipt, ..plain(202, "") };
            }
            Behaviour::Change(change) => {
                let receipt = self.payload(&mut state, token, now).map(|payload| {
                    let mut value: Value = serde_json::from_slice(&payload).expect("a payload is JSON");
                    change(&mut value);
                    sign(TokenType::Set, &self.set_key, value.to_string().as_bytes())
                });
                return Answered { receipt, ..plain(202, "") };
            }
        }
        let Some(set) = self.verified(&state, token, now) else {
            return plain(400, r#"{"err":"invalid_request","description":"The request is not acceptable."}"#);
        };
        if matches!(set.event(), Event::Receipt(_)) {
            return plain(202, "");
        }
        let jti = set.claims().jti;
        if let Some(receipt) = state.receipts.get(&jti) {
            return Answered { receipt: Some(receipt.clone()), ..plain(202, "") };
        }
        let payload = self.payload(&mut state, token, now).expect("it was verified just now");
        let receipt = sign_set(&self.set_key, &payload).octets;
        state.receipts.insert(jti, receipt.clone());
        state.received.push(set);
        Answered { receipt: Some(receipt), ..plain(202, "") }
    }

    fn verified(&self, state: &State, token: &[u8], now: i64) -> Option<VerifiedSet> {
        let (issuer, manifest) = state.peer.as_ref()?;
        let opened = open(token).ok()?;
        verify(&opened, &PeerKeys { issuer, manifest }, &self.issuer, now).ok()
    }

    /// The payload of the receipt for a token.
    fn payload(&self, state: &mut State, token: &[u8], now: i64) -> Option<Vec<u8>> {
        let set = self.verified(state, token, now)?;
        if let Some((seq, _)) = set.event().sequence().filter(|(seq, _)| *seq > state.head.seq) {
            state.head = Head { seq, payload_sha256: Some(set.payload_sha256()) };
        }
        let storing = Storing {
            jti: self.next_id(state),
            stored_at: now,
            chain: Chain::Ok,
            head: state.head,
            missing: Vec::new(),
            checkpoint: self.checkpoint(),
        };
        build_receipt(&set, storing).ok()
    }

    fn checkpoint(&self) -> String {
        sign_checkpoint(&origin_of(&self.issuer), 1, &[1; 32], &self.log_key)
    }

    /// Ids that differ between partners and messages and are the same in every run.
    fn next_id(&self, state: &mut State) -> Uuid {
        state.ids += 1;
        let digest = Sha256::digest(format!("{} {} {}", self.name, self.issuer, state.ids));
        uuid::Builder::from_custom_bytes(std::array::from_fn(|at| digest[at])).into_uuid()
    }

    /// A heartbeat from it.
    ///
    /// # Panics
    /// Before it was paired.
    #[must_use]
    pub fn heartbeat(&self, now: i64) -> String {
        let mut state = self.state();
        let peer = state.peer.as_ref().expect("paired").0.clone();
        let claims = heartbeat_claims(&self.issuer, &peer, now, self.next_id(&mut state));
        let event = Event::Verification(Verification { head: Some(state.sent), checkpoint: Some(self.checkpoint()) });
        sign_set(&self.set_key, &build_payload(&claims, &event).expect("a heartbeat")).octets
    }

    /// A sequenced message from it, made by `event` from its number, the hash before it and a checkpoint.
    ///
    /// # Panics
    /// Before it was paired, or when the message would be refused by its form.
    #[must_use]
    pub fn message(&self, case: &str, now: i64, event: impl FnOnce(u64, Option<Digest>, String) -> Event) -> String {
        let mut state = self.state();
        let claims = self.claims(&mut state, case, now);
        let event = event(state.sent.seq + 1, state.sent.payload_sha256, self.checkpoint());
        let payload = build_payload(&claims, &event).expect("a message that its receiver takes");
        let signed = sign_set(&self.set_key, &payload);
        state.sent = Head { seq: state.sent.seq + 1, payload_sha256: Some(signed.payload_sha256) };
        signed.octets
    }

    /// Its first notice of a case, with this body but for number, predecessor and checkpoint: each message has a newer
    /// checkpoint than the one before.
    ///
    /// # Panics
    /// Before it was paired, or when the notice would be refused by its form.
    #[must_use]
    pub fn notified(&self, case: &str, body: &Value, now: i64) -> String {
        self.message(case, now, |seq, prev, _| {
            let mut body = body.clone();
            body["seq"] = seq.into();
            body["prev"] = serde_json::to_value(prev).expect("JSON");
            let root: [u8; 32] = Sha256::digest(seq.to_be_bytes()).into();
            body["checkpoint"] = sign_checkpoint(&origin_of(&self.issuer), seq + 1, &root, &self.log_key).into();
            Event::parse(webhooks::message::NOTIFIED, &body).expect("a notice that its receiver takes")
        })
    }

    fn claims(&self, state: &mut State, case: &str, now: i64) -> Claims {
        Claims {
            iss: self.issuer.clone(),
            aud: state.peer.as_ref().expect("paired").0.clone(),
            iat: now,
            jti: self.next_id(state),
            txn: Some(case.to_owned()),
            sub_id: case.to_owned(),
            toe: Some(now),
        }
    }

    /// Signs any payload with its `set` key: for messages that must be refused.
    #[must_use]
    pub fn sign_anything(&self, payload: &Value) -> String {
        sign(TokenType::Set, &self.set_key, payload.to_string().as_bytes())
    }

    /// Signs any payload with its `log` key: a key of the manifest, but for another purpose.
    #[must_use]
    pub fn sign_with_log_key(&self, payload: &Value) -> String {
        sign(TokenType::Set, &self.log_key, payload.to_string().as_bytes())
    }

    /// Signs any payload as a poll token.
    #[must_use]
    pub fn sign_poll_token(&self, payload: &Value) -> String {
        sign(TokenType::PollToken, &self.set_key, payload.to_string().as_bytes())
    }

    /// Its acknowledgement of a case.
    #[must_use]
    pub fn acknowledged(&self, case: &str, stance: Stance, now: i64) -> String {
        self.message(case, now, |seq, prev, checkpoint| {
            Event::Acknowledged(Acknowledged {
                seq,
                prev,
                checkpoint,
                revision_seen: 1,
                stance,
                reference: Some("THEIRS-17".to_owned()),
                by: Person { name: "R. Example".to_owned(), role: "data_protection_officer".to_owned() },
                at: WireTime::from_unix(now).expect("an instant"),
                deleted: false,
                exercise: false,
            })
        })
    }

    /// Its withdrawal of a case.
    #[must_use]
    pub fn withdrawn(&self, case: &str, revision: u32, now: i64) -> String {
        self.message(case, now, |seq, prev, checkpoint| {
            Event::Withdrawn(Withdrawn {
                seq,
                prev,
                checkpoint,
                revision,
                reason: WithdrawalReason::SentInError,
                case: None,
                note: None,
                exercise: false,
            })
        })
    }
}

/// Serves many scripted partners over HTTP on one port. Each has a loopback address of its own, which its issuer names.
pub struct Host {
    /// The partners.
    pub partners: Vec<Arc<Scripted>>,
    _server: MockServer,
}

impl Host {
    /// Starts `count` partners; `now` tells them the time in unix seconds.
    ///
    /// # Panics
    /// When no port is free, or `count` is beyond 60,000.
    pub async fn start(count: usize, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        let listener = std::net::TcpListener::bind("0.0.0.0:0").expect("a free port");
        let port = listener.local_addr().expect("a bound address").port();
        let server = MockServer::builder().listener(listener).disable_request_recording().start().await;
        let partners: Vec<Arc<Scripted>> = (0..count)
            .map(|number| {
                let issuer = format!("http://127.1.{}.{}:{port}", number / 250, number % 250 + 1);
                Arc::new(Scripted::new(&format!("Council {}", number + 1), &issuer))
            })
            .collect();
        let by_host: HashMap<String, Arc<Scripted>> =
            partners.iter().map(|partner| (partner.issuer.replace("http://", ""), Arc::clone(partner))).collect();
        let answers = Arc::new(Answers { by_host, now: Box::new(now) });
        for (verb, at) in [("POST", "/ssf/events"), ("GET", "/jwks.jwt"), ("POST", "/ssf/keys")] {
            let answers = Arc::clone(&answers);
            let respond = move |request: &Request| answers.respond(request);
            Mock::given(method(verb)).and(path(at)).respond_with(respond).mount(&server).await;
        }
        Self { partners, _server: server }
    }
}

struct Answers {
    by_host: HashMap<String, Arc<Scripted>>,
    now: Box<dyn Fn() -> i64 + Send + Sync>,
}

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let host = request.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        let Some(partner) = self.by_host.get(host) else {
            return ResponseTemplate::new(421);
        };
        let now = (self.now)();
        match request.url.path() {
            "/jwks.jwt" => ResponseTemplate::new(200).set_body_raw(partner.manifest(now), "application/jwk-set+jwt"),
            "/ssf/keys" => ResponseTemplate::new(204),
            _ => {
                let answered = partner.answer(&request.body, now);
                let mut response = ResponseTemplate::new(answered.status);
                if let Some(receipt) = &answered.receipt {
                    response = response.insert_header("Security-Event-Receipt", receipt.as_str());
                }
                if !answered.body.is_empty() {
                    response = response.set_body_raw(answered.body, "application/json");
                }
                if answered.hangs { response.set_delay(HANG) } else { response }
            }
        }
    }
}
