//! Two or more nodes in one process, and a network between them that loses what it is told to lose.

use std::collections::HashMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use chrono_tz::Europe::London;
use domain::arrangement::{FallbackContact, Trigger};
use domain::directory::{Agreement, ArrangementRecord, Directory, PartyRole};
use domain::exchange::Exchange;
use domain::facts::{Contact, DiscoveryMethod, Facts, IncidentKind};
use domain::incident::Awareness;
use domain::report::Organisation;
use domain::values::{
    ExchangeId, IncidentId, Known, Line, LongText, Moment, PartnerId, PersonId, Role, ServiceId, Title,
};
use tempfile::TempDir;
use tokio::sync::Notify;
use uuid::Uuid;
use webhooks::carrier::{Carrier, NotReached, Outcome, Parcel, ParcelKind};
use webhooks::push::RECEIPT_HEADER;

use crate::access::{Administrator, Responder, SignedIn};
use crate::node::administer::SetUp;
use crate::node::pairing::Confirmation;
use crate::node::receive::{Incoming, Received};
use crate::node::{LogRequest, Node, NodeOptions, Rates, SentForm};
use crate::store::queries::directory;
use crate::store::{DataKey, StoreSettings};
use crate::time_source::{HandTime, TimeSource};

pub(super) const ALICE: &str = "https://alice.example";
pub(super) const BORIS: &str = "https://boris.example";

/// What the network does with messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weather {
    Fair,
    /// The message never arrives.
    LosesRequests,
    /// The message arrives; its answer never does.
    LosesAnswers,
    /// The message arrives; its answer is held back for ever.
    Hangs,
}

/// A network inside this process.
pub(super) struct Network {
    nodes: Mutex<HashMap<String, Weak<Node>>>,
    weather: Mutex<Weather>,
    /// Answers to messages for this issuer never come.
    hangs: Mutex<Option<&'static str>>,
    /// Every octet that reached a node, by its issuer.
    pub(super) arrived: Mutex<Vec<(String, Vec<u8>)>>,
    /// A message arrived while the network hangs.
    pub(super) hanging: Notify,
}

impl Network {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            nodes: Mutex::new(HashMap::new()),
            weather: Mutex::new(Weather::Fair),
            hangs: Mutex::new(None),
            arrived: Mutex::new(Vec::new()),
            hanging: Notify::new(),
        })
    }

    /// A node can be reached from now on.
    pub(super) fn join(&self, node: &Arc<Node>) {
        self.nodes.lock().unwrap().insert(node.issuer().to_owned(), Arc::downgrade(node));
    }

    pub(super) fn set(&self, weather: Weather) {
        *self.weather.lock().unwrap() = weather;
    }

    pub(super) fn hang(&self, issuer: Option<&'static str>) {
        *self.hangs.lock().unwrap() = issuer;
    }

    fn node(&self, url: &str) -> Option<(String, Arc<Node>)> {
        let nodes = self.nodes.lock().unwrap();
        let (issuer, node) = nodes.iter().find(|(issuer, _)| url.starts_with(issuer.as_str()))?;
        Some((issuer.clone(), node.upgrade()?))
    }

    async fn deliver(&self, parcel: &Parcel) -> Outcome {
        let weather = *self.weather.lock().unwrap();
        if weather == Weather::LosesRequests {
            return Outcome::not_reached(NotReached::Timeout);
        }
        let Some((issuer, node)) = self.node(&parcel.url) else {
            return Outcome::not_reached(NotReached::Refused);
        };
        self.arrived.lock().unwrap().push((issuer, parcel.body.clone()));
        let incoming = Incoming { octets: parcel.body.clone() };
        let outcome = match parcel.kind {
            ParcelKind::Push => answered(node.receive(incoming).await, 202),
            ParcelKind::KeysPost => answered(node.receive_keys(incoming).await, 204),
            ParcelKind::ManifestFetch => ok(200, None, node.manifest().into_bytes()),
            ParcelKind::CardFetch => ok(200, None, node.export_card().into_bytes()),
            ParcelKind::Webhook | ParcelKind::Poll => Outcome::not_reached(NotReached::Refused),
        };
        let hangs = self.hangs.lock().unwrap().is_some_and(|issuer| parcel.url.starts_with(issuer));
        let weather = if hangs { Weather::Hangs } else { weather };
        match weather {
            Weather::Fair | Weather::LosesRequests => outcome,
            Weather::LosesAnswers => Outcome::not_reached(NotReached::Timeout),
            Weather::Hangs => {
                self.hanging.notify_one();
                std::future::pending().await
            }
        }
    }
}

impl Carrier for Network {
    fn carry<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(self.deliver(parcel))
    }
}

fn ok(status: u16, receipt_header: Option<String>, body: Vec<u8>) -> Outcome {
    assert_eq!(RECEIPT_HEADER, "Security-Event-Receipt");
    Outcome::Answered { status, receipt_header, retry_after: None, date: None, body }
}

fn answered(received: Received, accepted: u16) -> Outcome {
    match received {
        Received::Accepted { receipt } => ok(accepted, Some(receipt), Vec::new()),
        Received::AcceptedNoReceipt => ok(accepted, None, Vec::new()),
        Received::Refused(refusal) => {
            ok(refusal.http_status(), None, refusal.json_body().unwrap_or_default().into_bytes())
        }
        Received::Busy { refusal, .. } => ok(refusal.http_status(), None, Vec::new()),
    }
}

/// One party.
pub(super) struct Party {
    pub(super) node: Arc<Node>,
    pub(super) issuer: &'static str,
    home: TempDir,
    person: PersonId,
    pub(super) service: ServiceId,
}

/// A party whose process has ended.
struct Resting {
    issuer: &'static str,
    home: TempDir,
    person: PersonId,
    service: ServiceId,
}

/// Files with their contents.
pub(super) type Backup = Vec<(PathBuf, Vec<u8>)>;

impl Resting {
    async fn start(self, time: &Arc<HandTime>, network: &Arc<Network>) -> Party {
        self.start_on(Arc::clone(time) as _, network).await
    }

    async fn start_on(self, time: Arc<dyn TimeSource>, network: &Arc<Network>) -> Party {
        let Self { issuer, home, person, service } = self;
        let node = Node::open(options(home.path(), issuer, time, network, None)).await.unwrap();
        network.join(&node);
        Party { node, issuer, home, person, service }
    }
}

/// All parties, one time, one network.
pub(super) struct World {
    pub(super) time: Arc<HandTime>,
    pub(super) network: Arc<Network>,
    pub(super) alice: Party,
    pub(super) boris: Party,
}

pub(super) fn noon() -> Moment {
    Moment::parse("2026-03-03T12:00:00Z").unwrap()
}

pub(super) fn line(text: &str) -> Line {
    Line::parse(text).unwrap()
}

fn long(text: &str) -> LongText {
    LongText::parse(text).unwrap()
}

fn options(
    home: &Path,
    issuer: &str,
    time: Arc<dyn TimeSource>,
    network: &Arc<Network>,
    set_up: Option<SetUp>,
) -> NodeOptions {
    NodeOptions {
        store: StoreSettings {
            url: format!("sqlite:{}", home.join("node.db").display()),
            data_key: DataKey::from_bytes([7; 32]),
            readers: 2,
        },
        issuer: issuer.to_owned(),
        loopback_http: false,
        zone: London,
        duties: crate::node::DutySettings::default(),
        time,
        carrier: Arc::clone(network) as Arc<dyn Carrier>,
        bcrypt_cost: 4,
        rates: Rates { partner_per_minute: 100_000, partner_burst: 100_000, address_per_minute: 600 },
        mail: None,
        reachable: true,
        set_up,
    }
}

impl Party {
    pub(super) async fn new(name: &str, issuer: &'static str, time: &Arc<HandTime>, network: &Arc<Network>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let set_up = SetUp {
            organisation: Organisation {
                name: line(name),
                contact: Contact {
                    role: line("Data protection officer"),
                    email: Some(line("dpo@example.org")),
                    phone: None,
                    out_of_hours: None,
                },
                dpo: None,
                address: None,
                ico_registration: None,
                sector: None,
            },
            passphrase: "a passphrase for tests".to_owned().into(),
            people: Vec::new(),
            services: vec![line("Street reports")],
            confirmation: crate::node::pairing::Confirmation::OnePerson,
        };
        let node =
            Node::open(options(home.path(), issuer, Arc::clone(time) as _, network, Some(set_up))).await.unwrap();
        network.join(&node);
        let service = node.services().await.unwrap()[0].id;
        Self { node, issuer, home, person: PersonId::from_uuid(Uuid::from_u128(1)), service }
    }

    /// The process ends, and starts again on the same database.
    pub(super) async fn restart(self, time: &Arc<HandTime>, network: &Arc<Network>) -> Self {
        self.end().await.start(time, network).await
    }

    /// The same, on another time.
    pub(super) async fn restart_on(self, time: Arc<dyn TimeSource>, network: &Arc<Network>) -> Self {
        self.end().await.start_on(time, network).await
    }

    async fn end(self) -> Resting {
        let Self { node, issuer, home, person, service } = self;
        node.stop().await;
        Resting { issuer, home, person, service }
    }

    /// Starts again, with a copy of the database's files as they lay while the node stood still.
    pub(super) async fn backed_up(self, time: &Arc<HandTime>, network: &Arc<Network>) -> (Self, Backup) {
        let resting = self.end().await;
        let files = std::fs::read_dir(resting.home.path()).unwrap().map(|file| {
            let path = file.unwrap().path();
            (path.clone(), std::fs::read(path).unwrap())
        });
        let backup = files.collect();
        (resting.start(time, network).await, backup)
    }

    /// Starts again on the files as they were when the backup was taken.
    pub(super) async fn restored(self, backup: &Backup, time: &Arc<HandTime>, network: &Arc<Network>) -> Self {
        let resting = self.end().await;
        for file in std::fs::read_dir(resting.home.path()).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
        for (path, octets) in backup {
            std::fs::write(path, octets).unwrap();
        }
        resting.start(time, network).await
    }

    pub(super) fn signed_in(&self) -> SignedIn {
        SignedIn::new(
            self.person,
            line("A. Person"),
            vec![Role::Responder, Role::Dpo, Role::Administrator, Role::Manager],
        )
    }

    pub(super) fn responder(&self) -> Responder {
        Responder::of(&self.signed_in()).unwrap()
    }

    pub(super) fn administrator(&self) -> Administrator {
        Administrator::of(&self.signed_in()).unwrap()
    }

    /// Imports the other's card and compares its digits.
    pub(super) async fn trust(&self, other: &Self) -> PartnerId {
        let by = self.administrator();
        let id = self.node.import_card(&by, &other.node.export_card(), None).await.unwrap();
        let digits = other.node.fingerprint();
        self.node.type_fingerprint(&by, id, &digits, line("in person"), line("B. Person")).await.unwrap();
        self.node.confirm(&by, id, Confirmation::OnePerson).await.unwrap();
        id
    }

    /// Terms under which this party owes the partner a notice within 48 hours.
    pub(super) async fn owes(&self, partner: PartnerId) {
        let known = self.node.store().read(directory::known).await.unwrap();
        let agreement = Agreement {
            services: known.services.iter().map(|service| service.record.key.clone()).collect(),
            notice_hours: Some(domain::clock_terms::usual(domain::clock_terms::Duty::PartnerNotice)),
            trigger: Some(Trigger::BreachOrCircumstances),
            ..Agreement::titled("sharing".parse().unwrap(), line("Data sharing agreement"), PartyRole::JointController)
        };
        let with = known.parties.iter().find(|party| party.id == partner.uuid()).unwrap().record.key.clone();
        let arrangement = ArrangementRecord {
            contacts: vec![FallbackContact {
                who: line("Duty officer"),
                phone: Some(line("020 7946 0000")),
                out_of_hours: None,
                email: None,
            }],
            ..ArrangementRecord::under(with.clone(), &agreement, with)
        };
        let terms = Directory { agreements: vec![agreement], arrangements: vec![arrangement], ..Directory::default() };
        self.node.import_directory(&self.administrator(), terms).await.unwrap();
    }

    /// What a responder fills in about a breach that they learnt of now.
    pub(super) async fn request(&self) -> LogRequest {
        let form = self.node.make_form(&self.signed_in(), crate::node::execute::LOG_FORM).await.unwrap();
        LogRequest {
            form: SentForm::said_once(form),
            kind: IncidentKind::Breach,
            exercise: false,
            facts: facts("Mailbox read by a stranger"),
            awareness: Awareness { circumstances: None, breach: Some(self.node.now()) },
            old_reason: None,
            services: [self.service].into(),
            hold: false,
            from_exchange: None,
        }
    }

    pub(super) async fn log(&self) -> IncidentId {
        let request = self.request().await;
        self.node.log_incident(&self.responder(), request).await.unwrap().id
    }

    /// The incident's exchange with its only partner.
    pub(super) async fn told(&self, incident: IncidentId) -> Exchange {
        self.node
            .store()
            .write(self.node.now(), move |turn| {
                let state = turn.incident(incident)?.unwrap();
                let id = state.owed[0].exchange;
                Ok::<_, crate::store::StoreError>(turn.exchange(id)?.unwrap())
            })
            .await
            .unwrap()
    }

    pub(super) async fn exchange(&self, id: ExchangeId) -> Exchange {
        self.node
            .store()
            .read(move |rows| crate::store::queries::incidents::exchange_state(rows, id))
            .await
            .unwrap()
            .unwrap()
    }
}

pub(super) fn facts(title: &str) -> Facts {
    Facts {
        title: Title::parse(title).unwrap(),
        summary: long("A third party read a shared mailbox."),
        occurred: Known::NotYetKnown,
        detected_at: None,
        aware_basis: long("The duty officer saw foreign sign-ins."),
        discovery_method: DiscoveryMethod::OwnDetection,
        nature: Known::NotYetKnown,
        ongoing: Known::NotYetKnown,
        cause: Known::NotYetKnown,
        ico_category: Known::NotYetKnown,
        data_unintelligible: Known::NotYetKnown,
        recipients_of_data: Known::NotYetKnown,
        data_categories: Known::NotYetKnown,
        subject_categories: Known::NotYetKnown,
        data_subjects: Known::NotYetKnown,
        records: Known::NotYetKnown,
        likely_consequences: Known::NotYetKnown,
        actual_harm: None,
        risk_view: Known::NotYetKnown,
        containment: Known::NotYetKnown,
        mitigation: Known::NotYetKnown,
        asked_of_recipient: None,
        notified_late_reason: None,
    }
}

impl World {
    /// Alice owes Boris; both are paired and active.
    pub(super) async fn paired() -> Self {
        let time = Arc::new(HandTime::new(noon()));
        let network = Network::new();
        let alice = Party::new("Alice", ALICE, &time, &network).await;
        let boris = Party::new("Boris", BORIS, &time, &network).await;
        let partner = alice.trust(&boris).await;
        boris.trust(&alice).await;
        alice.owes(partner).await;
        let world = Self { time, network, alice, boris };
        world.settle().await;
        world
    }

    /// Carries until nobody has anything left that is due now.
    pub(super) async fn settle(&self) {
        for _ in 0..50 {
            let one = self.alice.node.deliver_step(128).await.unwrap();
            let other = self.boris.node.deliver_step(128).await.unwrap();
            let watched = [
                self.alice.node.watch_step().await.unwrap().ticked,
                self.boris.node.watch_step().await.unwrap().ticked,
            ];
            if one.carried + other.carried + watched.iter().sum::<usize>() == 0 {
                return;
            }
        }
        panic!("it never settled");
    }

    /// Lets time pass and work go on, a step at a time.
    pub(super) async fn pass(&self, seconds: u64) {
        self.time.advance(Duration::from_secs(seconds));
        self.settle().await;
    }

    /// Boris's only received exchange.
    pub(super) async fn heard(&self, case: domain::values::CaseId) -> Exchange {
        let alice = self.boris.node.partners().await.unwrap()[0].id;
        let id = self
            .boris
            .node
            .store()
            .write(noon(), move |turn| {
                crate::store::inbox::exchange_of_case(turn, alice, domain::exchange::Direction::Incoming, case)
            })
            .await
            .unwrap()
            .unwrap();
        self.boris.exchange(id).await
    }
}
