//! Real nodes of real parties in one process, with hand-driven time, paired through the library.
//!
//! A [`World`] has one time and one wire. Nothing runs by itself: [`World::settle`] steps delivery and watching until
//! nothing is left to do at this instant, [`World::pass`] moves time on.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Europe::London;
use domain::clock::ClockKind;
use domain::facts::{Contact, Facts, IncidentKind};
use domain::incident::{Awareness, Event};
use domain::report::Organisation;
use domain::values::{Line, Moment, Options, PersonId, Role, ServiceId};
use futures_util::future::join_all;
use server::access::{Administrator, SignedIn};
use server::http::Running;
use server::mail::MailSettings;
use server::node::administer::SetUp;
use server::node::pairing::Confirmation;
use server::node::{DutySettings, LogRequest, NewPerson, Node, NodeOptions, Rates, SentForm};
use server::store::{DataKey, READERS, StoreSettings};
use server::time_source::{HandTime, TimeSource};
use uuid::Uuid;
use webhooks::carrier::Carrier;
use webhooks::jose::{CompactToken, TokenType};

use crate::database::{Database, On};
use crate::partner::Scripted;
use crate::wire::Wire;

/// How the issuer of a node begins that nobody can reach: a council behind a firewall, which polls.
const HIDDEN: &str = "https://hidden-";
/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";
/// A node that has not come to rest after so many rounds never will.
const ROUNDS_MAX: usize = 500;
/// Low, so that tests don't wait for password hashes.
const BCRYPT_COST: u32 = 4;
/// Partners paired at once.
const PAIRING_BATCH: usize = 64;

/// One time, one wire, one kind of database.
pub struct World {
    /// The line between all parties.
    pub wire: Arc<Wire>,
    /// The time of all parties.
    pub time: Arc<HandTime>,
    on: On,
}

/// The people of every party: name, local part of the address, role.
const PEOPLE: [(&str, &str, Role); 8] = [
    ("A. Responder", "responder", Role::Responder),
    ("B. Responder", "second-responder", Role::Responder),
    ("C. Officer", "dpo", Role::Dpo),
    ("D. Officer", "second-dpo", Role::Dpo),
    ("E. Manager", "manager", Role::Manager),
    ("F. Administrator", "administrator", Role::Administrator),
    ("G. Administrator", "second-administrator", Role::Administrator),
    ("H. Auditor", "auditor", Role::Auditor),
];

/// One party: its node, its database, its people. Dropping it ends its pages and its node.
pub struct Party {
    // It holds the node, and goes before the database does.
    pub(crate) running: Option<Running>,
    /// Its node.
    pub node: Arc<Node>,
    /// Its name.
    pub name: String,
    /// Its database.
    pub database: Database,
    pub(crate) ground: Ground,
    pub(crate) people: BTreeMap<&'static str, SignedIn>,
    pub(crate) services: Options<ServiceId>,
    pub(crate) listener: Option<(TcpListener, SocketAddr)>,
}

/// What a party's node stands on: the same again after a restart.
#[derive(Clone)]
pub struct Ground {
    /// What time it is.
    pub time: Arc<dyn TimeSource>,
    /// What carries its messages.
    pub carrier: Arc<dyn Carrier>,
    /// The line that it joins, if it isn't reached over HTTP alone.
    pub wire: Option<Arc<Wire>>,
}

impl World {
    /// A Monday morning.
    #[must_use]
    pub fn new(on: On) -> Self {
        let time = Arc::new(HandTime::new(Moment::parse("2026-03-02T09:00:00Z").expect("an instant")));
        let wire = Wire::new(Arc::clone(&time) as Arc<dyn TimeSource>);
        Self { wire, time, on }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.time.now()
    }

    /// Moves time on.
    pub fn pass(&self, by: Duration) {
        self.time.advance(by);
    }

    /// A party with its own fresh database, reached over the wire only.
    pub async fn party(&self, name: &str) -> Party {
        self.make(name, format!("https://{}.example", name.to_lowercase().replace(' ', "-")), None).await
    }

    /// A party that also listens on a free loopback port; [`Party::serve`] starts its pages.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn listening_party(&self, name: &str) -> Party {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        self.make(name, format!("http://{address}"), Some((listener, address))).await
    }

    /// A party whose node nobody can reach: it polls.
    pub async fn hidden_party(&self, name: &str) -> Party {
        let ground = Ground { time: Arc::clone(&self.time) as _, carrier: Arc::clone(&self.wire) as _, wire: None };
        let issuer = format!("{HIDDEN}{}.example", name.to_lowercase().replace(' ', "-"));
        found(name, issuer, self.on.fresh(), ground, None).await
    }

    async fn make(&self, name: &str, issuer: String, listener: Option<(TcpListener, SocketAddr)>) -> Party {
        let ground = Ground {
            time: Arc::clone(&self.time) as _,
            carrier: Arc::clone(&self.wire) as _,
            wire: Some(Arc::clone(&self.wire)),
        };
        found(name, issuer, self.on.fresh(), ground, listener).await
    }

    /// An operator and a council, paired, with 48 hours to notify.
    pub async fn operator_and_council(&self) -> (Party, Party) {
        let (operator, council) = (self.party("Operator").await, self.party("Council").await);
        self.pair(&operator, &council).await;
        operator.arrange(&council, 48).await;
        (operator, council)
    }

    /// Pairs two nodes by the whole ceremony: cards, typed digits, a second person, heartbeats both ways.
    ///
    /// # Panics
    /// When a step is refused.
    pub async fn pair(&self, a: &Party, b: &Party) {
        for (one, other) in [(a, b), (b, a)] {
            one.trust(&other.node.export_card(), &other.node.fingerprint()).await;
        }
        self.settle(&[a, b]).await;
    }

    /// A scripted partner, paired, with so many hours to be notified.
    pub async fn scripted(&self, of: &Party, name: &str, hours: u16) -> Arc<Scripted> {
        let issuer = format!("https://{}.example", name.to_lowercase().replace(' ', "-"));
        let partner = Arc::new(Scripted::new(name, &issuer));
        self.wire.join_scripted(&partner);
        of.pair_scripted(&partner).await;
        self.settle(&[of]).await;
        of.arrange_scripted(std::slice::from_ref(&partner), hours).await;
        partner
    }

    /// Many scripted partners, each paired and under an arrangement of its own.
    pub async fn many_scripted(&self, of: &Party, count: usize, hours: u16) -> Vec<Arc<Scripted>> {
        let partners: Vec<Arc<Scripted>> = (1..=count)
            .map(|number| {
                Arc::new(Scripted::new(&format!("Council {number}"), &format!("https://council-{number}.example")))
            })
            .collect();
        for batch in partners.chunks(PAIRING_BATCH) {
            batch.iter().for_each(|partner| self.wire.join_scripted(partner));
            join_all(batch.iter().map(|partner| of.pair_scripted(partner))).await;
            self.settle(&[of]).await;
            of.arrange_scripted(batch, hours).await;
        }
        partners
    }

    /// Steps every node until nothing is left to do at this instant.
    ///
    /// # Panics
    /// When a step fails, or they never come to rest.
    pub async fn settle(&self, parties: &[&Party]) {
        for _ in 0..ROUNDS_MAX {
            let mut busy = false;
            for party in parties {
                busy |= party.node.watch_step().await.expect("a step of watching").more;
                busy |= party.node.deliver_step(128).await.expect("a step of delivery").carried > 0;
                let polled = party.node.poll_step().await.expect("a step of polling");
                busy |= polled.fetched + polled.receipts > 0;
            }
            if !busy {
                return;
            }
        }
        panic!("the nodes never come to rest");
    }
}

/// Founds a party: keys, a service, people.
///
/// # Panics
/// When the node does not open.
pub async fn found(
    name: &str,
    issuer: String,
    database: Database,
    ground: Ground,
    listener: Option<(TcpListener, SocketAddr)>,
) -> Party {
    let set_up = SetUp {
        organisation: organisation(name),
        passphrase: "a passphrase for tests".to_owned().into(),
        people: Vec::new(),
        services: vec![line("Report a problem")],
        confirmation: Confirmation::SecondPerson,
    };
    let node = open(&database, &issuer, &ground, Some(set_up)).await;
    let services = node.services().await.expect("its services").into_iter().map(|service| service.id).collect();
    let founder = PersonId::from_uuid(node.time().fresh_id());
    let founder = administrator(&SignedIn::new(founder, line("Set-up"), vec![Role::Administrator]));
    let mut people = BTreeMap::new();
    for (person, mailbox, role) in PEOPLE {
        let new = NewPerson {
            name: line(person),
            email: line(&address_of(mailbox, name)),
            password: PASSWORD.to_owned(),
            roles: vec![role],
        };
        let id = node.add_person(&founder, new).await.expect("an account");
        people.insert(mailbox, node.person(id).await.expect("the account just made"));
    }
    Party { running: None, node, name: name.to_owned(), database, ground, people, services, listener }
}

pub(crate) fn address_of(mailbox: &str, name: &str) -> String {
    format!("{mailbox}@{}.example", name.to_lowercase().replace(' ', "-"))
}

pub(crate) async fn open(database: &Database, issuer: &str, ground: &Ground, set_up: Option<SetUp>) -> Arc<Node> {
    open_with(database, issuer, ground, Opening { set_up, ..Opening::default() }).await
}

/// In what a node may differ from those of other stories.
pub(crate) struct Opening {
    /// Who it is, on a fresh database.
    pub(crate) set_up: Option<SetUp>,
    /// Its mail server.
    pub(crate) mail: Option<MailSettings>,
    /// How often it may be called.
    pub(crate) rates: Rates,
    /// Which law applies, and its own targets.
    pub(crate) duties: DutySettings,
}

impl Default for Opening {
    fn default() -> Self {
        let rates = Rates { partner_per_minute: 60_000, partner_burst: 60_000, address_per_minute: 60_000 };
        Self { set_up: None, mail: None, rates, duties: DutySettings::default() }
    }
}

pub(crate) async fn open_with(
    database: &Database,
    issuer: &str,
    ground: &Ground,
    Opening { set_up, mail, rates, duties }: Opening,
) -> Arc<Node> {
    let node = Node::open(NodeOptions {
        store: StoreSettings { url: database.url.clone(), data_key: data_key(), readers: READERS },
        issuer: issuer.to_owned(),
        loopback_http: issuer.starts_with("http:"),
        zone: London,
        duties,
        time: Arc::clone(&ground.time),
        carrier: Arc::clone(&ground.carrier),
        bcrypt_cost: BCRYPT_COST,
        rates,
        mail,
        reachable: !issuer.starts_with(HIDDEN),
        set_up,
    })
    .await
    .unwrap_or_else(|error| panic!("the node opens: {error:?}"));
    if let Some(wire) = &ground.wire {
        wire.join(&node);
    }
    node
}

/// The data key of every test's database.
#[must_use]
pub fn data_key() -> DataKey {
    DataKey::from_bytes([9; 32])
}

/// An organisation of this name.
#[must_use]
pub fn organisation(name: &str) -> Organisation {
    Organisation {
        name: line(name),
        contact: Contact {
            role: line("Data protection officer"),
            email: Some(line("dpo@example.org")),
            phone: Some(line("+44 20 7946 0000")),
            out_of_hours: Some(line("+44 20 7946 0999")),
        },
        dpo: None,
        address: Some(line("1 High Street, Example")),
        ico_registration: Some(line("ZA000000")),
        sector: Some(line("Local government")),
    }
}

/// A breach with these facts, awareness at this instant; [`Party::log`] adds form and services.
#[must_use]
pub fn log_request(facts: Facts, aware_at: Moment) -> LogRequest {
    LogRequest {
        form: SentForm::said_once(Uuid::nil()),
        kind: IncidentKind::Breach,
        exercise: false,
        facts,
        awareness: Awareness { circumstances: None, breach: Some(aware_at) },
        old_reason: None,
        services: Options::new(),
        hold: false,
        from_exchange: None,
    }
}

/// A line of text.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn line(text: &str) -> Line {
    Line::parse(text).expect("a line")
}

pub(crate) fn administrator(person: &SignedIn) -> Administrator {
    Administrator::of(person).expect("an administrator")
}

/// The offsets of the steps that fired on one duty, in order.
#[must_use]
pub fn fired(events: &[Event], of: ClockKind) -> Vec<i32> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::StepFired { kind, offset_minutes, .. } if *kind == of => Some(*offset_minutes),
            _ => None,
        })
        .collect()
}

/// The payload of the last message to this issuer that carries this event.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn payload(wire: &Wire, issuer: &str, event: &str) -> Vec<u8> {
    let name = format!("urn:tocsin:breach:1:{event}");
    let payloads = wire.carried().into_iter().filter(|carried| carried.to == issuer).filter_map(|carried| {
        let token = CompactToken::parse(&carried.body, TokenType::Set).ok()?;
        Some(token.payload().to_vec())
    });
    let mut found: Vec<Vec<u8>> = payloads.filter(|payload| String::from_utf8_lossy(payload).contains(&name)).collect();
    found.pop().unwrap_or_else(|| panic!("no {event} was sent to {issuer}"))
}

/// Everything sent to this issuer, as it went and with every token's parts decoded.
#[must_use]
pub fn unpacked(wire: &Wire, issuer: &str) -> String {
    use base64::Engine as _;
    let mut text = String::new();
    for carried in wire.carried().into_iter().filter(|carried| carried.to == issuer) {
        let body = String::from_utf8_lossy(&carried.body).into_owned();
        text += &body;
        for part in body.split('.') {
            let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
            text.push('\n');
            text += &String::from_utf8_lossy(&decoded);
        }
    }
    text
}
