//! `tocsin demo`: an operator and two councils in one process, really paired, talking over loopback HTTP, and a third council
//! behind a webhook only, with an exercise incident under way on a fast clock.
//!
//! Nothing in the product knows of it: the parties are ordinary nodes with another time source and carrier. Everything
//! lives in a temporary folder that goes with the process.

mod deaf;
mod party;
mod story;
mod tickets;

use std::io::Write as _;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use domain::arrangement::{FallbackContact, Trigger};
use domain::clock_terms::{Duty, usual};
use domain::directory::{Agreement, ArrangementRecord, Directory, Key, Party as PartyRecord, PartyRole};
use domain::values::{PartnerId, Role};
use serde_json::json;
use webhooks::carrier::Carrier;
use webhooks::http::{Options as CarrierOptions, ReqwestCarrier};

use self::deaf::DeafTo;
use self::party::{Party, Plan, line};
use self::tickets::Tickets;
use crate::node::endpoints::{Way, WebhookAddress};
use crate::node::{DoorError, StartError};
use crate::store::StoreError;
use crate::store::queries::directory;
use crate::time_source::{FastTime, SystemTime, TimeSource};

/// What the demonstration is asked for.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Duty seconds in one second while the story lasts.
    pub speed: u32,
    /// First of four ports on loopback; 0 picks free ones.
    pub ports: u16,
    /// Where to write addresses, accounts and tokens as JSON once all is ready.
    pub describe: Option<PathBuf>,
}

/// Why the demonstration did not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No temporary folder.
    #[error("the temporary folder could not be made")]
    Folder(#[source] std::io::Error),
    /// A port is taken, or no threads can be had.
    #[error("a port could not be opened; try --ports 0")]
    Port(#[source] std::io::Error),
    /// The description could not be written.
    #[error("the description could not be written")]
    Describe(#[source] std::io::Error),
    /// The carrier could not be built.
    #[error(transparent)]
    Carrier(#[from] webhooks::http::BuildError),
    /// A node did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A door said no.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The heartbeats between the parties did not come through.
    #[error("the parties could not reach each other over loopback")]
    Unpaired,
    /// The story names something that is not there.
    #[error("a step of the demonstration does not fit the program")]
    Story,
}

/// The parties, and what they call each other where the story needs it.
pub(crate) struct Cast {
    operator: Party,
    northmoor: Party,
    harbour: Party,
    westmere: Tickets,
    operator_at_harbour: PartnerId,
}

const OPERATOR: Plan = Plan {
    name: "Streetworks Digital",
    word: "streetworks",
    people: &[
        ("Robin Ashby", "responder", Role::Responder),
        ("Dana Okafor", "dpo", Role::Dpo),
        ("Lee Pritchard", "dpo2", Role::Dpo),
        ("Morgan Hale", "manager", Role::Manager),
        ("Alex Winter", "administrator", Role::Administrator),
    ],
    services: &["FixMyStreet Pro", "WasteWorks"],
};
const NORTHMOOR: Plan = Plan {
    name: "Northmoor Council",
    word: "northmoor",
    people: &[
        ("Sam Field", "responder", Role::Responder),
        ("Priya Nair", "dpo", Role::Dpo),
        ("Jo Marsh", "manager", Role::Manager),
        ("Kim Doyle", "administrator", Role::Administrator),
    ],
    services: &["FixMyStreet Pro"],
};
const HARBOUR: Plan = Plan {
    name: "Harbour District Council",
    word: "harbour",
    people: &[
        ("Chris Vane", "responder", Role::Responder),
        ("Noor Aziz", "dpo", Role::Dpo),
        ("Pat Lowe", "manager", Role::Manager),
        ("Ellis Grant", "administrator", Role::Administrator),
    ],
    services: &["FixMyStreet Pro"],
};

/// Runs until `stop` is done, then leaves nothing behind.
///
/// # Errors
/// [`DemoError`] when it can't start.
pub async fn run(options: DemoOptions, stop: impl Future<Output = ()>) -> Result<(), DemoError> {
    let folder = tempfile::Builder::new().prefix("tocsin-demo-").tempdir().map_err(DemoError::Folder)?;
    // It begins in the past, so that the clock on the wall is right when the story has ended.
    let began = SystemTime.now().floor_second().plus_seconds(-story::STORY_HOURS * 3_600);
    let time = Arc::new(FastTime::new(began, 1));
    let real: Arc<dyn Carrier> = Arc::new(ReqwestCarrier::new(&CarrierOptions {
        loopback_http: true,
        user_agent: "tocsin-demo".to_owned(),
        ..CarrierOptions::default()
    })?);
    let deaf = Arc::new(DeafTo::new(Arc::clone(&real)));
    let mut stop = pin!(stop);
    // Listened to from the first moment: an interrupted start leaves nothing behind either.
    let cast = tokio::select! {
        cast = gather(&options, folder.path(), &time, &real, &deaf) => cast?,
        () = &mut stop => return folder.close().map_err(DemoError::Folder),
    };
    let played = async {
        time.set_speed(options.speed);
        let began = cast.operator.node.now();
        let incident = story::begin(&cast, &deaf).await?;
        announce(&cast, &options)?;
        story::play(&cast, &deaf, &time, incident, began).await;
        Ok::<_, DemoError>(())
    };
    let result = tokio::select! {
        result = async { played.await?; std::future::pending::<()>().await; Ok(()) } => result,
        () = &mut stop => Ok(()),
    };
    for party in [cast.operator, cast.northmoor, cast.harbour] {
        party.stop().await;
    }
    cast.westmere.stop().await;
    folder.close().map_err(DemoError::Folder)?;
    result
}

/// Starts the parties, pairs those with a node, agrees terms, and gives the one without a node its webhook.
async fn gather(
    options: &DemoOptions,
    folder: &std::path::Path,
    time: &Arc<FastTime>,
    real: &Arc<dyn Carrier>,
    deaf: &Arc<DeafTo>,
) -> Result<Cast, DemoError> {
    let port = |nth: u16| if options.ports == 0 { 0 } else { options.ports.saturating_add(nth) };
    let operators: Arc<dyn Carrier> = Arc::clone(deaf) as Arc<dyn Carrier>;
    let operator = Party::start(&OPERATOR, folder, port(0), time, operators).await?;
    let northmoor = Party::start(&NORTHMOOR, folder, port(1), time, Arc::clone(real)).await?;
    let harbour = Party::start(&HARBOUR, folder, port(2), time, Arc::clone(real)).await?;
    let (northmoor_at_operator, _) = party::pair(&operator, &northmoor).await?;
    let (harbour_at_operator, operator_at_harbour) = party::pair(&operator, &harbour).await?;
    let westmere = Tickets::start(port(3))?;
    let westmere_at_operator = introduce(&operator, &westmere).await?;
    let councils = [
        (northmoor_at_operator, "020 7946 0811"),
        (harbour_at_operator, "020 7946 0922"),
        (westmere_at_operator, "020 7946 0933"),
    ];
    agree(&operator, councils).await?;
    story::lanes_proven(&operator, [northmoor_at_operator, harbour_at_operator]).await?;
    Ok(Cast { operator, northmoor, harbour, westmere, operator_at_harbour })
}

/// The council without a node: known by name, told by webhook. Secret and key go to its ticket system, as an administrator
/// would paste them there.
async fn introduce(operator: &Party, westmere: &Tickets) -> Result<PartnerId, DemoError> {
    let by = operator.administrator().await?;
    let record = PartyRecord::named(key(tickets::KEY)?, line(tickets::NAME)?);
    let named = Directory { parties: vec![record], ..Directory::default() };
    operator.node.import_directory(&by, named).await?;
    let known = operator.node.store().read(directory::known).await?;
    let party = known.parties.iter().find(|party| party.record.key.as_str() == tickets::KEY).ok_or(DemoError::Story)?;
    let id = PartnerId::from_uuid(party.id);
    let address = WebhookAddress { url: westmere.hook(), other_port: true, ranges: vec!["127.0.0.1/32".to_owned()] };
    let way = Way::Webhook { address, reduced: false };
    let secret = operator.node.set_partner_channel(&by, id, way).await?.ok_or(DemoError::Story)?;
    westmere.trust(&secret, operator.node.webhook_public_key().as_deref())?;
    Ok(id)
}

/// The terms with the councils: 48 hours to notify, 8 to acknowledge, for every service.
async fn agree(operator: &Party, councils: [(PartnerId, &str); 3]) -> Result<(), DemoError> {
    let known = operator.node.store().read(directory::known).await?;
    let services: Vec<Key> = known.services.iter().map(|service| service.record.key.clone()).collect();
    let agreement = Agreement {
        services,
        notice_hours: Some(usual(Duty::PartnerNotice)),
        acknowledgement_hours: Some(usual(Duty::PartnerAcknowledgement)),
        trigger: Some(Trigger::BreachOrCircumstances),
        author: known.ours().map(|ours| ours.record.key.clone()),
        ..Agreement::titled(key("sharing")?, line("Data sharing and security agreement")?, PartyRole::JointController)
    };
    let mut arrangements = Vec::with_capacity(councils.len());
    for (partner, out_of_hours) in councils {
        let Some(party) = known.parties.iter().find(|party| party.id == partner.uuid()) else { continue };
        let contact = |who, phone, out_of_hours| FallbackContact { who, phone, out_of_hours, email: None };
        arrangements.push(ArrangementRecord {
            contacts: vec![
                contact(line("Information governance team")?, Some(line("020 7946 0800")?), None),
                contact(line("Duty officer")?, None, Some(line(out_of_hours)?)),
            ],
            ..ArrangementRecord::under(party.record.key.clone(), &agreement, party.record.key.clone())
        });
    }
    let by = operator.administrator().await?;
    let terms = Directory { agreements: vec![agreement], arrangements, ..Directory::default() };
    operator.node.import_directory(&by, terms).await?;
    Ok(())
}

fn key(text: &str) -> Result<Key, DemoError> {
    text.parse().map_err(|_| DemoError::Story)
}

/// Says where everything is, to people and, if asked, to programs.
fn announce(cast: &Cast, options: &DemoOptions) -> Result<(), DemoError> {
    let parties = [&cast.operator, &cast.northmoor, &cast.harbour];
    let mut out = std::io::stdout().lock();
    let mut say = |text: String| drop(writeln!(out, "{text}"));
    say(String::new());
    say("Tocsin demonstration. Open an address, sign in with a name and password beneath it.".to_owned());
    for party in parties {
        say(String::new());
        say(format!("  {}   {}", party.url, party.name));
        for person in &party.people {
            say(format!("    {:<14} {:<36} {}", person.role.word(), person.email, person.password));
        }
        say(format!("    {:<14} {}", "API token", party.api_token));
    }
    say(String::new());
    say(format!(
        "  {}   {}: a ticket system behind a webhook, no node; open it and acknowledge",
        cast.westmere.url,
        tickets::NAME
    ));
    say(String::new());
    say(format!(
        "An exercise is under way: {} seconds pass in one. Harbour's node is deaf for a while; watch the clocks.",
        options.speed
    ));
    say("Ctrl-C ends it and leaves nothing behind.".to_owned());
    if let Some(path) = &options.describe {
        let described: Vec<_> = parties.map(described).into();
        let tickets = json!({ "name": tickets::NAME, "url": cast.westmere.url });
        let text = json!({ "parties": described, "ticket_system": tickets }).to_string();
        // Whole or not at all: whoever waits for the file must not read half of it.
        let part = path.with_extension("part");
        std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, path)).map_err(DemoError::Describe)?;
    }
    Ok(())
}

fn described(party: &Party) -> serde_json::Value {
    let people: Vec<_> = party
        .people
        .iter()
        .map(|person| json!({ "email": person.email, "password": person.password, "role": person.role.word() }))
        .collect();
    json!({ "name": party.name, "url": party.url, "api_token": party.api_token, "people": people })
}
