//! What a party does and knows in a story: its people's proofs, its side of pairing, its record.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use domain::arrangement::Trigger;
use domain::directory::{Agreement, ArrangementRecord, Directory, Key, PartyRole};
use domain::exchange::Exchange;
use domain::incident::{Event, Incident};
use domain::values::{ExchangeId, Hours, IncidentId, Line, Options, PartnerId, ServiceId};
use server::access::sessions::text_digest;
use server::access::{Administrator, Dpo, DutyHolder, Reporter, Responder, SignedIn};
use server::http::{HttpOptions, serve};
use server::mail::MailSettings;
use server::node::execute::LOG_FORM;
use server::node::pairing::Confirmation;
use server::node::receive::{Incoming, Received};
use server::node::{DutySettings, LogRequest, Node, Rates, SentForm};
use server::store::partners::PartnerState;
use server::store::projections::tables::Tables;
use server::store::queries::{directory, exchanges};
use server::store::{LoggedEvent, Rows, Store, StoreError, StoreSettings, ledger};
use uuid::Uuid;

use crate::database::On;
use crate::node::{Opening, Party, address_of, administrator, data_key, line, open, open_with};
use crate::partner::Scripted;

impl Party {
    /// Its issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.node.issuer()
    }

    /// Somebody with an account.
    ///
    /// # Panics
    /// When nobody has this mailbox.
    #[must_use]
    pub fn person(&self, mailbox: &str) -> &SignedIn {
        &self.people[mailbox]
    }

    /// The address that somebody signs in with.
    #[must_use]
    pub fn email(&self, mailbox: &str) -> String {
        address_of(mailbox, &self.name)
    }

    /// The responder's name.
    #[must_use]
    pub fn responder_name(&self) -> &Line {
        self.person("responder").name()
    }

    /// A responder.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn responder(&self) -> Responder {
        Responder::of(self.person("responder")).expect("a responder")
    }

    /// Another one.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn second_responder(&self) -> Responder {
        Responder::of(self.person("second-responder")).expect("a responder")
    }

    /// A data protection officer.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn dpo(&self) -> Dpo {
        Dpo::of(self.person("dpo")).expect("an officer")
    }

    /// Another one.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn second_dpo(&self) -> Dpo {
        Dpo::of(self.person("second-dpo")).expect("an officer")
    }

    /// Somebody who takes duties in hand.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn duty_holder(&self) -> DutyHolder {
        DutyHolder::of(self.person("manager")).expect("a manager")
    }

    /// Somebody who keeps the report.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn reporter(&self) -> Reporter {
        Reporter::of(self.person("dpo")).expect("an officer")
    }

    /// An administrator.
    #[must_use]
    pub fn administrator(&self) -> Administrator {
        administrator(self.person("administrator"))
    }

    /// Another one.
    #[must_use]
    pub fn second_administrator(&self) -> Administrator {
        administrator(self.person("second-administrator"))
    }

    /// All its services.
    #[must_use]
    pub fn services(&self) -> Options<ServiceId> {
        self.services.clone()
    }

    /// The partner with this issuer.
    ///
    /// # Panics
    /// When there is none.
    pub async fn partner_by(&self, issuer: &str) -> PartnerId {
        let partners = self.node.partners().await.expect("its partners");
        partners
            .into_iter()
            .find(|partner| partner.issuer.as_deref() == Some(issuer))
            .expect("a partner with this issuer")
            .id
    }

    /// Imports a card, types the digits, has another administrator confirm.
    ///
    /// # Panics
    /// When a step is refused.
    pub async fn trust(&self, card: &str, digits: &str) {
        let (first, second) = (self.administrator(), self.second_administrator());
        let partner = self.node.import_card(&first, card, None).await.expect("the card is taken");
        self.node
            .type_fingerprint(&first, partner, digits, line("telephone"), line("Their administrator"))
            .await
            .expect("the digits match");
        self.node
            .confirm(&second, partner, Confirmation::SecondPerson)
            .await
            .expect("confirmed by a second administrator");
    }

    /// Pairs a scripted partner, up to its first heartbeat.
    ///
    /// # Panics
    /// When a step is refused.
    pub async fn pair_scripted(&self, partner: &Scripted) {
        let now = self.ground.time.now().unix_seconds();
        partner.pin(&self.node.export_card(), &self.node.manifest());
        self.trust(&partner.card(now), &partner.fingerprint()).await;
        self.take(&partner.heartbeat(now)).await.expect("the heartbeat is receipted");
    }

    /// Whether the pairing with another party is active on this side.
    ///
    /// # Panics
    /// When the store is gone.
    pub async fn is_active(&self, other: &Self) -> bool {
        let partners = self.node.partners().await.expect("its partners");
        partners
            .iter()
            .any(|partner| partner.issuer.as_deref() == Some(other.issuer()) && partner.state == PartnerState::Active)
    }

    /// Takes a partner's message and gives the receipt, or the code of the refusal.
    ///
    /// # Errors
    /// The refusal's code.
    pub async fn take(&self, token: &str) -> Result<String, String> {
        match self.node.receive(Incoming { octets: token.as_bytes().to_vec() }).await {
            Received::Accepted { receipt } => Ok(receipt),
            Received::AcceptedNoReceipt => Ok(String::new()),
            Received::Refused(refusal) | Received::Busy { refusal, .. } => Err(refusal.code().to_owned()),
        }
    }

    /// An arrangement with another party over all services.
    pub async fn arrange(&self, other: &Party, hours: u16) {
        self.arrange_with(self.partner_by(other.issuer()).await, hours).await;
    }

    /// An arrangement with each of these scripted partners over all services.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn arrange_scripted(&self, partners: &[Arc<Scripted>], hours: u16) {
        let known = self.node.partners().await.expect("its partners");
        let issuers: BTreeSet<&str> = partners.iter().map(|partner| partner.issuer.as_str()).collect();
        let ours =
            known.iter().filter(|partner| partner.issuer.as_deref().is_some_and(|issuer| issuers.contains(issuer)));
        self.arrange_each(&ours.map(|partner| partner.id).collect::<Vec<_>>(), hours).await;
    }

    /// An arrangement with a partner over all services.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn arrange_with(&self, partner: PartnerId, hours: u16) {
        self.arrange_each(&[partner], hours).await;
    }

    /// An arrangement with each of these partners over all services, under an agreement of its own.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn arrange_each(&self, partners: &[PartnerId], hours: u16) {
        let known = self.node.store().read(directory::known).await.expect("the directory");
        let key = |number: usize| -> Key { format!("terms-{number}").parse().expect("a key") };
        let agreement = Agreement {
            services: known.services.iter().map(|service| service.record.key.clone()).collect(),
            notice_hours: Some(Hours::new(hours).expect("hours")),
            trigger: Some(Trigger::BreachOrCircumstances),
            ..Agreement::titled(
                key(known.agreements.len()),
                line("Data sharing and security agreement"),
                PartyRole::JointController,
            )
        };
        let with = |partner: &PartnerId| {
            let party = known.parties.iter().find(|party| party.id == partner.uuid());
            party.expect("a partner").record.key.clone()
        };
        let arrangements = (known.arrangements.len()..)
            .zip(partners)
            .map(|(number, partner)| ArrangementRecord::under(key(number), &agreement, with(partner)))
            .collect();
        let terms = Directory { agreements: vec![agreement], arrangements, ..Directory::default() };
        self.node.import_directory(&self.administrator(), terms).await.expect("the arrangements are taken");
    }

    /// An arrangement with each of these parties over all services, under one agreement that names who leads (Article 26).
    ///
    /// # Panics
    /// When it is refused.
    pub async fn arrange_led(&self, others: &[&Self], lead: Option<&Self>) {
        let known = self.node.store().read(directory::known).await.expect("the directory");
        let key = |number: usize| -> Key { format!("joint-{number}").parse().expect("a key") };
        let mut with = Vec::new();
        for other in others {
            let id = self.partner_by(other.issuer()).await.uuid();
            with.push(known.parties.iter().find(|it| it.id == id).expect("a partner").record.key.clone());
        }
        let leads = match lead {
            None => None,
            Some(lead) if lead.issuer() == self.issuer() => known.ours().map(|ours| ours.record.key.clone()),
            Some(lead) => {
                let id = self.partner_by(lead.issuer()).await.uuid();
                known.parties.iter().find(|it| it.id == id).map(|it| it.record.key.clone())
            }
        };
        let agreement = Agreement {
            services: known.services.iter().map(|service| service.record.key.clone()).collect(),
            notice_hours: Some(Hours::new(48).expect("hours")),
            trigger: Some(Trigger::BreachOrCircumstances),
            ico_lead: leads.map(|key| line(key.as_str())),
            ..Agreement::titled(
                key(known.agreements.len()),
                line("Data sharing and security agreement"),
                PartyRole::JointController,
            )
        };
        let arrangements = (known.arrangements.len()..)
            .zip(with)
            .map(|(number, with)| ArrangementRecord::under(key(number), &agreement, with))
            .collect();
        let terms = Directory { agreements: vec![agreement], arrangements, ..Directory::default() };
        self.node.import_directory(&self.administrator(), terms).await.expect("the arrangements are taken");
    }

    /// A fresh one-use form for logging.
    ///
    /// # Panics
    /// When the store is gone.
    pub async fn form(&self) -> Uuid {
        self.node.make_form(self.person("responder"), LOG_FORM).await.expect("a form")
    }

    /// Logs an incident of all services.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn log(&self, mut request: LogRequest) -> IncidentId {
        request.form = SentForm::said_once(self.form().await);
        request.services = self.services();
        self.node.log_incident(&self.responder(), request).await.expect("logged").id
    }

    /// An incident as it stands.
    ///
    /// # Panics
    /// When there is none.
    pub async fn incident(&self, id: IncidentId) -> Incident {
        let found = self.node.store().write(self.node.now(), move |turn| turn.incident(id)).await;
        found.expect("the store answers").expect("the incident is there")
    }

    /// An exchange as it stands.
    ///
    /// # Panics
    /// When there is none.
    pub async fn exchange(&self, id: ExchangeId) -> Exchange {
        let found = self.node.store().write(self.node.now(), move |turn| turn.exchange(id)).await;
        found.expect("the store answers").expect("the exchange is there")
    }

    /// What passes with another party about an incident of ours.
    ///
    /// # Panics
    /// When they are owed nothing.
    pub async fn exchange_with(&self, id: IncidentId, other: &Party) -> Exchange {
        let partner = self.partner_by(other.issuer()).await;
        let incident = self.incident(id).await;
        let owed = incident.owed.into_iter().find(|owed| owed.partner == partner).expect("they are owed a notice");
        self.exchange(owed.exchange).await
    }

    /// Every notice received, oldest first.
    ///
    /// # Panics
    /// When the store is gone.
    pub async fn received(&self) -> Vec<Exchange> {
        let page = self.node.store().read(|rows| exchanges::received(rows, None, 10_000)).await;
        let mut listed = page.expect("the store answers").items;
        listed.reverse();
        let mut found = Vec::with_capacity(listed.len());
        for notice in listed {
            found.push(self.exchange(notice.id).await);
        }
        found
    }

    /// The one notice received.
    ///
    /// # Panics
    /// When there is not exactly one.
    pub async fn only_received(&self) -> Exchange {
        let mut received = self.received().await;
        assert_eq!(received.len(), 1, "{} received one notice", self.name);
        received.remove(0)
    }

    /// The events of an incident of ours, oldest first.
    ///
    /// # Panics
    /// When the store is gone.
    pub async fn events(&self, id: IncidentId) -> Vec<Event> {
        let page = move |rows: &mut Rows<'_>| ledger::timeline(rows, id.uuid(), None, 10_000);
        let mut entries = self.node.store().read(page).await.expect("the store answers");
        entries.sort_by_key(|entry| entry.n);
        entries
            .into_iter()
            .filter_map(|entry| match entry.entry {
                LoggedEvent::Incident(event) => Some(event),
                LoggedEvent::Exchange(..) | LoggedEvent::Complaint(_) | LoggedEvent::Erased => None,
            })
            .collect()
    }

    /// An API token of a program that may read.
    ///
    /// # Panics
    /// When the store is gone.
    pub async fn api_token(&self) -> String {
        let token = format!("token-{}", self.node.time().fresh_id());
        let scopes = vec!["read".to_owned()];
        self.node
            .add_api_token(&self.administrator(), line("Tests"), text_digest(&token), scopes, None)
            .await
            .expect("a token");
        token
    }

    /// The read tables as they stand, and as they come out when every event entry is replayed into a fresh database.
    ///
    /// # Panics
    /// When an entry can't be replayed.
    pub async fn rebuilt(&self, on: On) -> (Tables, Tables) {
        let database = on.fresh();
        let settings = StoreSettings { url: database.url.clone(), data_key: data_key(), readers: 1 };
        let fresh = Store::open(settings).expect("a fresh store");
        self.node.store().rebuild_into(&fresh, self.node.now()).await.expect("replayed");
        let kept = self.node.store().read(Tables::read).await.expect("the tables");
        let rebuilt = fresh.read(Tables::read).await.expect("the rebuilt tables");
        fresh.stop();
        (kept, rebuilt)
    }

    /// Everything that the node can still read: every object of the ledger and every row of the read tables.
    ///
    /// # Panics
    /// When the store is gone.
    pub async fn everything_readable(&self) -> String {
        let size = self.node.store().write(self.node.now(), |turn| Ok::<_, StoreError>(turn.ledger_size())).await;
        let size = size.expect("the store answers");
        let objects = self.node.store().read(move |rows| {
            let mut text = String::new();
            for n in 0..size {
                text += &String::from_utf8_lossy(&ledger::object(rows, n)?.unwrap_or_default());
                text.push('\n');
            }
            Ok(text)
        });
        let tables = self.node.store().read(Tables::read).await.expect("the tables");
        objects.await.expect("the ledger") + &format!("{tables:?}")
    }

    /// Checks chain, tree and contents of its ledger.
    ///
    /// # Panics
    /// When something does not verify.
    pub async fn verify_ledger(&self) {
        let verified = self.node.store().read(ledger::verify).await;
        let verified =
            verified.unwrap_or_else(|error| panic!("the ledger of {} can't be verified: {error}", self.name));
        assert!(verified.is_whole(), "the ledger of {} is not whole: {:?}", self.name, verified.faults);
    }

    /// Stops the node and starts it again on the same database, as after an upgrade.
    pub async fn restart(mut self) -> Self {
        let issuer = self.issuer().to_owned();
        self.node.stop().await;
        self.node = open(&self.database, &issuer, &self.ground, None).await;
        self
    }

    /// The same, with this mail server from now on.
    pub async fn restart_with_mail(mut self, mail: MailSettings) -> Self {
        let issuer = self.issuer().to_owned();
        self.node.stop().await;
        let opening = Opening { mail: Some(mail), ..Opening::default() };
        self.node = open_with(&self.database, &issuer, &self.ground, opening).await;
        self
    }

    /// The same, with these limits from now on.
    pub async fn restart_with_rates(mut self, rates: Rates) -> Self {
        let issuer = self.issuer().to_owned();
        self.node.stop().await;
        let opening = Opening { rates, ..Opening::default() };
        self.node = open_with(&self.database, &issuer, &self.ground, opening).await;
        self
    }

    /// The same, with this mail server and these duties' settings from now on.
    #[must_use]
    pub async fn restart_with_mail_and_duties(mut self, mail: MailSettings, duties: DutySettings) -> Self {
        let issuer = self.issuer().to_owned();
        self.node.stop().await;
        let opening = Opening { mail: Some(mail), duties, ..Opening::default() };
        self.node = open_with(&self.database, &issuer, &self.ground, opening).await;
        self
    }

    /// Its node anew, with other duties' settings.
    #[must_use]
    pub async fn restart_with_duties(mut self, duties: DutySettings) -> Self {
        let issuer = self.issuer().to_owned();
        self.node.stop().await;
        let opening = Opening { duties, ..Opening::default() };
        self.node = open_with(&self.database, &issuer, &self.ground, opening).await;
        self
    }

    /// Another process of this party on the same database (Postgres); the line leads to it from now on.
    pub async fn beside(&self) -> Arc<Node> {
        open(&self.database, self.issuer(), &self.ground, None).await
    }

    /// Starts its pages and API on the port that it listens on.
    ///
    /// # Panics
    /// When it does not listen.
    pub fn serve(&mut self) -> SocketAddr {
        let (listener, address) = self.listener.take().expect("a listening party");
        let running = serve(Arc::clone(&self.node), listener, HttpOptions::default()).expect("it serves");
        self.running = Some(running);
        address
    }

    /// Where a listening party's pages are, once [`Party::serve`] has started them.
    ///
    /// # Panics
    /// For a party that does not listen.
    #[must_use]
    pub fn running_at(&self) -> SocketAddr {
        self.issuer().strip_prefix("http://").and_then(|address| address.parse().ok()).expect("a listening party")
    }
}
