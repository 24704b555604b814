//! What people type, and every secret, through every door at once: nothing of it can be read in the database or in a backup
//! without the data key (ruling 17).

use std::sync::Arc;

use domain::arrangement::{FallbackContact, Trigger};
use domain::directory::{Agreement, ArrangementRecord, Directory, Party, PartyRole, ServiceRecord};
use domain::facts::{Contact, Facts, IncidentKind};
use domain::incident::Awareness;
use domain::report::Organisation;
use domain::values::{LongText, PartnerId, Role};
use webhooks::carrier::Carrier;

use super::kit::{ALICE, BORIS, Network, facts, line, noon};
use crate::access::scopes::Scope;
use crate::access::sessions::{fresh_secret, secret_text, token_digest};
use crate::access::{Administrator, Responder, SignedIn};
use crate::node::administer::SetUp;
use crate::node::execute::LOG_FORM;
use crate::node::keys::{identity_seed, open_identity};
use crate::node::pairing::Confirmation;
use crate::node::people::NewInvitation;
use crate::node::{LogRequest, NewPerson, Node, NodeOptions, Rates, SentForm};
use crate::store::partners::{KeyPurpose, own_key};
use crate::store::queries::{directory, notices};
use crate::store::testing::{InTheClear, TestStore, both, data_key};
use crate::store::{StoreSettings, backup};
use crate::time_source::{HandTime, TimeSource};

const PASSWORD: &str = "correct horse battery planted";

/// A node, and what must not be found in its database.
struct Planted {
    store: TestStore,
    node: Arc<Node>,
    by: SignedIn,
    secrets: Vec<(&'static str, Vec<u8>)>,
}

impl Planted {
    /// Sets a node up; `who` is in every name and contact.
    async fn new(store: TestStore, issuer: &str, who: &str, time: &Arc<HandTime>, network: &Arc<Network>) -> Self {
        let mut secrets = Vec::new();
        let mut plant = |what, text: String| {
            secrets.push((what, text.clone().into_bytes()));
            line(&text)
        };
        let contact = Contact {
            role: plant("a role", format!("{who} Keeper of Records")),
            email: Some(plant("a contact's address", format!("{who}-contact@council.example"))),
            phone: Some(plant("a contact's telephone", format!("0191 498 {}", who.len()))),
            out_of_hours: None,
        };
        let organisation = Organisation {
            name: plant("our name", format!("{who} District Council")),
            dpo: Some(contact.clone()),
            contact,
            address: Some(plant("our address", format!("1 {who} Square"))),
            ico_registration: None,
            sector: None,
        };
        let person = NewPerson {
            name: plant("a person", format!("Wilhelmina {who}")),
            email: plant("a person's address", format!("wilhelmina@{who}.example")),
            password: PASSWORD.to_owned(),
            roles: vec![Role::Administrator, Role::Responder],
        };
        let (name, email) = (person.name.clone(), person.email.clone());
        let set_up = SetUp {
            organisation,
            passphrase: PASSWORD.to_owned().into(),
            people: vec![person],
            services: vec![plant("a service", format!("{who} street reports"))],
            confirmation: Confirmation::OnePerson,
        };
        let node = Node::open(NodeOptions {
            store: StoreSettings { url: store.url(), data_key: data_key(), readers: 2 },
            issuer: issuer.to_owned(),
            loopback_http: false,
            zone: chrono_tz::Europe::London,
            duties: crate::node::DutySettings::default(),
            time: Arc::clone(time) as Arc<dyn TimeSource>,
            carrier: Arc::clone(network) as Arc<dyn Carrier>,
            bcrypt_cost: 4,
            rates: Rates::default(),
            mail: None,
            reachable: true,
            set_up: Some(set_up),
        });
        let node = node.await.unwrap();
        network.join(&node);
        let id = node.account(email.as_str()).await.unwrap().unwrap().id;
        let by = SignedIn::new(id, name, vec![Role::Administrator, Role::Responder]);
        secrets.push(("a password", PASSWORD.into()));
        secrets.push(("the data key", data_key().to_hex().as_bytes().to_vec()));
        Self { store, node, by, secrets }
    }

    fn plant(&mut self, what: &'static str, text: &str) {
        self.secrets.push((what, text.into()));
    }

    /// The private halves of its keys, as read with the data key and the passphrase.
    async fn plant_keys(&mut self) {
        for (purpose, what) in [
            (KeyPurpose::Set, "a message key"),
            (KeyPurpose::Log, "a log key"),
            (KeyPurpose::Webhook, "a webhook key"),
            (KeyPurpose::Identity, "the sealed seed"),
        ] {
            let key = self.node.store().read(move |rows| own_key(rows, purpose)).await.unwrap().unwrap();
            self.secrets.push((what, key.seed.to_vec()));
            if purpose == KeyPurpose::Identity {
                assert_eq!(open_identity(&key.seed, PASSWORD).unwrap().kid(), key.kid);
                self.secrets.push(("the identity key", identity_seed(&key.seed, PASSWORD).unwrap().to_vec()));
            }
        }
    }

    /// What lets people and programs in: a session, a link, a token.
    async fn plant_sessions(&mut self) {
        let (by, now) = (Administrator::of(&self.by).unwrap(), self.node.time().elapsed());
        let (octets, session) = fresh_secret().unwrap();
        self.secrets.push(("a session", octets.to_vec()));
        let (csrf, _) = fresh_secret().unwrap();
        self.node.open_session(self.by.id(), token_digest(&session).unwrap(), csrf).await.unwrap();
        self.plant("a session's cookie", &secret_text(&octets));
        let new = NewInvitation {
            name: line("Invited Planted"),
            email: line("invited-planted@council.example"),
            roles: vec![Role::Responder],
        };
        self.plant("an invited person", new.name.as_str());
        self.plant("an invited person's address", new.email.as_str());
        let (_, path) = self.node.invite(&by, new).await.unwrap();
        self.plant("a link", path.rsplit('/').next().unwrap());
        let label = line("Planted ticket system");
        self.plant("a token's label", label.as_str());
        let token = self.node.add_token(&self.by, label, vec![Scope::Respond], now.plus_seconds(86_400)).await;
        self.plant("a token", &token.unwrap().1);
    }

    /// Takes the partner's card, and names and words with it.
    async fn pair(&mut self, other: &Self) -> PartnerId {
        let by = Administrator::of(&self.by).unwrap();
        let id = self.node.import_card(&by, &other.node.export_card(), None).await.unwrap();
        let with_whom = line("Xyzzy Planted");
        self.plant("with whom digits were compared", with_whom.as_str());
        let digits = other.node.fingerprint();
        self.node.type_fingerprint(&by, id, &digits, line("telephone"), with_whom).await.unwrap();
        self.node.confirm(&by, id, Confirmation::OnePerson).await.unwrap();
        // What the other's card says of its people lies here now.
        self.secrets.extend(other.secrets.iter().cloned());
        id
    }

    /// Terms under which the partner is owed a notice, with words in every place for them.
    async fn owes(&mut self, partner: PartnerId) {
        let mut contact = |what: &str| {
            let email = format!("{what}-planted@partner.example");
            self.secrets.push(("a contact in the directory", email.clone().into_bytes()));
            FallbackContact {
                who: line("Duty Planted"),
                phone: Some(line("020 7946 0123")),
                out_of_hours: None,
                email: Some(line(&email)),
            }
        };
        let known = self.node.store().read(directory::known).await.unwrap();
        let key = known.parties.iter().find(|party| party.id == partner.uuid()).unwrap().record.key.clone();
        let third = Party {
            breach_contact: Some(contact("breach")),
            ..Party::named("third".parse().unwrap(), line("Planted Paper Works"))
        };
        let service = ServiceRecord {
            name: line("Planted second service"),
            operation: Some(LongText::parse("How the planted service is run").unwrap()),
            ..known.services[0].record.clone()
        };
        let agreement = Agreement {
            services: vec![service.key.clone()],
            notice_hours: Some(domain::clock_terms::usual(domain::clock_terms::Duty::PartnerNotice)),
            trigger: Some(Trigger::BreachOrCircumstances),
            notes: Some(LongText::parse("Planted notes of an agreement").unwrap()),
            ..Agreement::titled("sharing".parse().unwrap(), line("Planted agreement"), PartyRole::JointController)
        };
        let arrangement = ArrangementRecord {
            contacts: vec![contact("fallback")],
            ..ArrangementRecord::under(key.clone(), &agreement, key)
        };
        let terms = Directory {
            parties: vec![third],
            services: vec![service],
            agreements: vec![agreement],
            arrangements: vec![arrangement],
            ..Directory::default()
        };
        for (what, text) in [
            ("a contact's name", "Duty Planted"),
            ("a contact's telephone", "020 7946 0123"),
            ("a party", "Planted Paper Works"),
            ("a changed service", "Planted second service"),
            ("how a service is run", "the planted service is run"),
            ("an agreement's notes", "Planted notes"),
            ("an agreement", "Planted agreement"),
        ] {
            self.plant(what, text);
        }
        self.node.import_directory(&Administrator::of(&self.by).unwrap(), terms).await.unwrap();
    }

    /// Logs an incident and leaves a draft of another.
    async fn log(&mut self) {
        let form = self.node.make_form(&self.by, LOG_FORM).await.unwrap();
        let draft = self.node.make_form(&self.by, LOG_FORM).await.unwrap();
        self.node.keep_draft(&self.by, draft, LOG_FORM, b"what a planted draft says".to_vec()).await.unwrap();
        let free = |text: &str| LongText::parse(text).unwrap();
        let request = LogRequest {
            form: SentForm::said_once(form),
            kind: IncidentKind::Breach,
            exercise: false,
            facts: Facts {
                summary: free("A stranger read the planted mailbox."),
                aware_basis: free("The planted duty officer saw it."),
                ..facts("Planted title")
            },
            awareness: Awareness { circumstances: None, breach: Some(self.node.now()) },
            old_reason: None,
            services: self.node.services().await.unwrap().iter().map(|service| service.id).collect(),
            hold: false,
            from_exchange: None,
        };
        self.node.log_incident(&Responder::of(&self.by).unwrap(), request).await.unwrap();
        for (what, text) in [
            ("a draft", "a planted draft"),
            ("a title", "Planted title"),
            ("free text", "the planted mailbox"),
            ("how it was noticed", "planted duty officer"),
        ] {
            self.plant(what, text);
        }
    }

    /// Looks for all of it.
    fn is_hidden(&self) {
        let mut file = Vec::new();
        backup::write(&self.store.url(), &data_key(), self.node.now(), &mut file).unwrap();
        for (place, octets) in [("the database", self.store.octets()), ("the backup", file)] {
            let clear = InTheClear::of(&octets);
            // Neither was looked through in vain.
            assert!(place == "the backup" || clear.shows(ALICE) || clear.shows(BORIS), "partners' issuers are plain");
            assert!(octets.len() > 10_000, "{place}");
            for (what, secret) in &self.secrets {
                assert!(!clear.shows(secret), "{place} of {} shows {what}", self.node.issuer());
            }
        }
    }
}

both!(
    /// Aim: names, contacts, free text and secrets that go in through the node's doors lie in no database and no backup, not
    /// as they are and not within the base64url of signed tokens: neither where they were typed nor at the partner who got
    /// them.
    nothing_planted_is_in_the_clear, |store| {
        let there = if store.url().starts_with("sqlite:") { TestStore::on_sqlite() } else { TestStore::on_postgres() };
        let time = Arc::new(HandTime::new(noon()));
        let network = Network::new();
        let mut ours = Planted::new(store, ALICE, "Llandudno", &time, &network).await;
        let mut theirs = Planted::new(there, BORIS, "Wolverley", &time, &network).await;
        for node in [&mut ours, &mut theirs] {
            node.plant_keys().await;
            node.plant_sessions().await;
        }
        let partner = ours.pair(&theirs).await;
        theirs.pair(&ours).await;
        ours.owes(partner).await;
        ours.log().await;
        for _ in 0..4 {
            for node in [&ours.node, &theirs.node] {
                node.watch_step().await.unwrap();
                node.deliver_step(16).await.unwrap();
            }
        }
        let received = theirs.node.store().read(|rows| notices::page(rows, None, 10)).await.unwrap();
        assert_eq!(received.items.len(), 1, "the notice arrived");
        theirs.secrets.clone_from(&ours.secrets);
        ours.is_hidden();
        theirs.is_hidden();
        for node in [&ours.node, &theirs.node] {
            node.stop().await;
        }
    }
);
