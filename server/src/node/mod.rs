//! The application: three doors over one floor.
//!
//! A person's command ([`execute`], [`answer`], [`administer`]), a partner's message ([`receive`]) and passing time
//! ([`deliver`], [`watch`]) all end in the pure rules of `domain`, and what these decide is kept in one transaction. Each
//! door takes `now` once. Steps of delivery and watching are plain functions; [`loops`] only repeats them.

pub mod accounts;
pub mod administer;
pub mod alerts;
pub mod answer;
pub mod catch_up;
pub mod complaints;
pub mod costs;
pub mod decide;
pub mod deliver;
pub mod directory;
pub mod duties;
pub mod endpoints;
pub mod execute;
pub mod exercises;
pub mod exports;
pub mod feed;
pub mod joint;
pub mod keys;
mod ladder_mail;
pub mod ladders;
pub mod lessons;
mod letters;
pub mod link;
pub mod loops;
pub mod mailing;
pub mod once;
pub mod pairing;
pub mod people;
pub mod poll;
pub mod post;
mod probe;
pub mod receive;
pub mod received;
mod reference;
pub mod register;
pub mod reissue;
pub mod reports;
pub mod rota;
pub mod rotation;
pub mod said;
mod step_words;
pub mod telling;
pub mod views;
pub mod watch;
mod wire_body;

use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};

use chrono_tz::Tz;
use domain::clock_terms::Law;
use domain::report::Organisation;
use domain::undated::Targets;
use domain::values::{Moment, PartnerId};
use domain::{complaint, exchange, incident};
use tokio::sync::{Notify, watch as changes};
use webhooks::carrier::Carrier;
use webhooks::values::Schemes;

use crate::access::throttle::Throttle;
use crate::mail::{MailFault, MailSettings, Mailer};
use crate::store::{Store, StoreError, StoreSettings};
use crate::time_source::TimeSource;

pub use crate::store::forms::SentForm;
pub use views::*;

/// All that a node is made of. Tests and the demonstration pass other arguments, never other code.
pub struct NodeOptions {
    /// Where everything is kept.
    pub store: StoreSettings,
    /// Our name on the wire: an `https` origin.
    pub issuer: String,
    /// Admit `http` issuers and addresses on loopback: a demonstration or test on one machine (ruling 36).
    pub loopback_http: bool,
    /// The zone in which people here read instants.
    pub zone: Tz,
    /// What time it is.
    pub time: Arc<dyn TimeSource>,
    /// What carries our messages.
    pub carrier: Arc<dyn Carrier>,
    /// The work factor of password hashes.
    pub bcrypt_cost: u32,
    /// How often a partner may push.
    pub rates: Rates,
    /// How mail leaves; `None` when no mail server is named.
    pub mail: Option<MailSettings>,
    /// Partners' nodes can reach us. Otherwise our card names no push endpoint, and we poll (protocol §12).
    pub reachable: bool,
    /// Which law applies, and what our own people aim at where it names no time.
    pub duties: DutySettings,
    /// What a new node is made with; ignored when it has its keys already.
    pub set_up: Option<administer::SetUp>,
}

/// Which law applies, and what our own people aim at or promise beside it. What an incident or complaint runs under is
/// fixed when it is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DutySettings {
    /// The law under which we report.
    pub law: Law,
    /// Targets of our own where it names no time.
    pub targets: Targets,
    /// We promise to acknowledge complaints within 5 working days and to answer within 20.
    pub complaint_promise: bool,
}

/// How often messages are taken (protocol §20; settings by ruling 30).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Messages a minute from one partner, lastingly.
    pub partner_per_minute: u32,
    /// Messages from one partner at once.
    pub partner_burst: u32,
    /// Requests a minute from one address; counted by the web server.
    pub address_per_minute: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self { partner_per_minute: 60, partner_burst: 120, address_per_minute: 600 }
    }
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store did not open.
    #[error("the database could not be opened")]
    Store(#[from] StoreError),
    /// The issuer is none.
    #[error("the issuer must be an https origin: lower case, no path, no slash at the end")]
    Issuer,
    /// There are no keys, and nothing to make them with.
    #[error("this database holds no node yet; give the organisation's name to set one up")]
    NotSetUp,
    /// Mail can't be sent with these settings.
    #[error("the mail settings can't be used: {0}")]
    Mail(#[from] MailFault),
    /// Stored keys or documents can't be used.
    #[error("the node's own keys could not be used: {0}")]
    Keys(&'static str),
    /// Set-up itself was refused.
    #[error("setting the node up was refused: {0}")]
    SetUp(#[source] DoorError),
}

/// Why a door said no.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// A rule about incidents.
    #[error(transparent)]
    Refused(#[from] incident::Refusal),
    /// A rule about exchanges.
    #[error(transparent)]
    ExchangeRefused(#[from] exchange::Refusal),
    /// A rule about complaints.
    #[error(transparent)]
    Complaint(#[from] complaint::Refusal),
    /// There is no such thing here.
    #[error("there is no such thing here")]
    NotFound,
    /// The form is not known, has expired, or is somebody else's.
    #[error("this form has expired; open it again")]
    FormUnknown,
    /// The form was used before, and said something else then.
    #[error("this form was sent before with other words; those are on record, these are not")]
    FormSaidOtherwise,
    /// The thing named is there already.
    #[error("there is one already")]
    Taken,
    /// A value is not acceptable; a fixed sentence says why.
    #[error("{0}")]
    Invalid(&'static str),
    /// The thing was changed since the editor saw it.
    #[error("this was changed meanwhile")]
    Stale,
    /// Records can't be taken; each is named.
    #[error("{}", domain::directory::Fault::list(.0))]
    Records(Vec<domain::directory::Fault>),
    /// An address to call can't be taken.
    #[error(transparent)]
    Target(#[from] webhooks::target::BadTarget),
    /// Pairing was refused.
    #[error(transparent)]
    Pairing(#[from] pairing::PairingRefusal),
    /// The store failed; nothing was changed.
    #[error("the record could not be reached")]
    Store(#[from] StoreError),
}

/// One party's node.
pub struct Node {
    store: Store,
    time: Arc<dyn TimeSource>,
    carrier: Arc<dyn Carrier>,
    /// None when no mail server is named.
    mail: Option<Mailer>,
    issuer: String,
    schemes: Schemes,
    /// Partners' nodes can call ours; otherwise we poll.
    reachable: bool,
    zone: Tz,
    duties: DutySettings,
    bcrypt_cost: u32,
    /// Read often, replaced when our record changes.
    organisation: RwLock<Arc<Organisation>>,
    /// As last read; whoever signs takes it once ([`Node::keys`]).
    keys: RwLock<Arc<keys::OnlineKeys>>,
    /// Counts commits that pages show.
    live: changes::Sender<u64>,
    /// Outgoing work may be due.
    outgoing: Notify,
    /// Clocks, ladders or fan-outs may be due.
    passing: Notify,
    /// Own key manifests may be due to be handed over.
    rotating: Notify,
    /// Posts to our integrations and people may be due.
    posting: Notify,
    /// Wrong passphrases are counted for all administrators together.
    passphrases: Throttle<()>,
    /// Counted after the signature: anybody can write a partner's name.
    partner_rate: Throttle<PartnerId>,
    manifests: pairing::Manifests,
    housekeeping: watch::LastDone,
    catching_up: watch::LastDone,
    key_warnings: watch::LastDone,
    lanes: Arc<deliver::Lanes>,
    reception: Arc<receive::Reception>,
    polls: poll::Desk,
    asking: poll::ask::Asking,
    running: loops::Running,
    rates: Rates,
}

impl Node {
    /// Opens the store, loads the keys, or makes them when `set_up` is given and there are none. Nothing runs yet.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open(options: NodeOptions) -> Result<Arc<Self>, StartError> {
        let schemes = if options.loopback_http { Schemes::HttpsOrLoopback } else { Schemes::HttpsOnly };
        webhooks::values::check_issuer(&options.issuer, schemes).map_err(|_| StartError::Issuer)?;
        let mail = options.mail.map(Mailer::new).transpose()?;
        let store = Store::open(options.store)?;
        let birth = administer::Birth {
            time: options.time.as_ref(),
            issuer: &options.issuer,
            schemes,
            reachable: options.reachable,
            bcrypt_cost: options.bcrypt_cost,
        };
        let own = administer::own(&store, &birth, options.set_up).await?;
        let (live, _) = changes::channel(0);
        let at_least_one = |rate: u32| NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
        let partner_rate = Throttle::new(
            Arc::clone(&options.time),
            at_least_one(options.rates.partner_per_minute),
            at_least_one(options.rates.partner_burst),
        );
        let passphrases = rotation::passphrase_tries(&options.time);
        Ok(Arc::new(Self {
            lanes: Arc::new(deliver::Lanes::new(options.time.elapsed())),
            reception: Arc::default(),
            polls: poll::Desk::default(),
            asking: poll::ask::Asking::default(),
            store,
            time: options.time,
            carrier: options.carrier,
            mail,
            issuer: options.issuer,
            schemes,
            reachable: options.reachable,
            zone: options.zone,
            duties: options.duties,
            bcrypt_cost: options.bcrypt_cost,
            organisation: RwLock::new(Arc::new(own.organisation)),
            keys: RwLock::new(Arc::new(own.keys)),
            live,
            outgoing: Notify::new(),
            passing: Notify::new(),
            rotating: Notify::new(),
            posting: Notify::new(),
            passphrases,
            partner_rate,
            manifests: pairing::Manifests::default(),
            housekeeping: watch::LastDone::default(),
            catching_up: watch::LastDone::default(),
            key_warnings: watch::LastDone::default(),
            running: loops::Running::default(),
            rates: options.rates,
        }))
    }

    /// The floor, for reading.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// What time it is.
    #[must_use]
    pub fn time(&self) -> &dyn TimeSource {
        self.time.as_ref()
    }

    /// The same, for those who outlive a borrow.
    #[must_use]
    pub fn shared_time(&self) -> Arc<dyn TimeSource> {
        Arc::clone(&self.time)
    }

    /// Duty time now.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.time.now()
    }

    /// Our name on the wire.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Who we are, as our record says now.
    #[must_use]
    pub fn organisation(&self) -> Arc<Organisation> {
        Arc::clone(&self.organisation.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Our record says something else from now on.
    fn set_organisation(&self, organisation: Arc<Organisation>) {
        *self.organisation.write().unwrap_or_else(PoisonError::into_inner) = organisation;
    }

    /// The zone in which people here read instants.
    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// Which law applies, and what our own people aim at beside it.
    #[must_use]
    pub const fn duties(&self) -> DutySettings {
        self.duties
    }

    /// The work factor of password hashes.
    #[must_use]
    pub const fn bcrypt_cost(&self) -> u32 {
        self.bcrypt_cost
    }

    /// How often messages are taken.
    #[must_use]
    pub const fn rates(&self) -> Rates {
        self.rates
    }

    /// Changes after every commit that pages show.
    #[must_use]
    pub fn live(&self) -> changes::Receiver<u64> {
        self.live.subscribe()
    }

    /// Our online keys as they stand. Taken once per operation: they may be replaced meanwhile.
    fn keys(&self) -> Arc<keys::OnlineKeys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Our key manifest, a signed token for `/jwks.jwt`.
    #[must_use]
    pub fn manifest(&self) -> String {
        self.keys().manifest_token().to_owned()
    }

    /// Our current public keys as a plain JWK set, for tools, for `/jwks.json`.
    #[must_use]
    pub fn jwks(&self) -> String {
        self.keys().jwks(self.time.now())
    }

    /// Our party card, a signed token for `/card.jwt`.
    #[must_use]
    pub fn export_card(&self) -> String {
        self.keys().card_token().to_owned()
    }

    /// Our own eight groups of digits, to be read to a partner.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        webhooks::keys::fingerprint(&self.issuer, self.keys().identity_thumbprint())
    }

    /// The metadata document for `/.well-known/ssf-configuration`.
    #[must_use]
    pub fn ssf_configuration(&self) -> String {
        wire_body::ssf_configuration(&self.issuer)
    }

    /// Something came in that pages show, and nothing waits for its sender: clocks may be due.
    fn came_in(&self) {
        self.live.send_modify(|version| *version = version.wrapping_add(1));
        self.passing.notify_one();
    }

    /// Something that pages show was committed; outgoing work and clocks may be due.
    fn changed(&self) {
        self.live.send_modify(|version| *version = version.wrapping_add(1));
        self.outgoing.notify_one();
        self.passing.notify_one();
        self.posting.notify_one();
    }
}

#[cfg(test)]
mod tests;
