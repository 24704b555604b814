//! One party of the demonstration: a node with people, on a free or given port, over loopback HTTP.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use domain::facts::Contact;
use domain::report::Organisation;
use domain::values::{Line, PartnerId, Role};
use webhooks::carrier::Carrier;
use zeroize::Zeroizing;

use super::DemoError;
use crate::access::{Administrator, SignedIn, sessions};
use crate::http::{self, HttpOptions};
use crate::node::administer::SetUp;
use crate::node::pairing::Confirmation;
use crate::node::{NewPerson, Node, NodeOptions, Rates};
use crate::store::{DataKey, StoreSettings};
use crate::time_source::{FastTime, TimeSource};

/// Work factor of the demonstration's password hashes: the smallest that the settings allow.
const BCRYPT_COST: u32 = crate::config::BCRYPT_COST_MIN;
/// Reading connections per party: three parties share two cores.
const READERS: u32 = 2;

/// What a party is like, before it exists.
pub(super) struct Plan {
    /// Its legal name.
    pub(super) name: &'static str,
    /// Its folder and the domain of its mail addresses.
    pub(super) word: &'static str,
    /// Who works there: name, word of the mail address, role.
    pub(super) people: &'static [(&'static str, &'static str, Role)],
    /// Services under joint control.
    pub(super) services: &'static [&'static str],
}

/// A person of the demonstration.
pub(super) struct Person {
    pub(super) email: String,
    pub(super) password: String,
    pub(super) role: Role,
}

/// A running party.
pub(super) struct Party {
    pub(super) name: &'static str,
    pub(super) url: String,
    pub(super) node: Arc<Node>,
    pub(super) people: Vec<Person>,
    pub(super) api_token: String,
    web: http::Running,
}

impl Party {
    /// Makes the node in a folder of its own and starts it.
    pub(super) async fn start(
        plan: &Plan,
        folder: &Path,
        port: u16,
        time: &Arc<FastTime>,
        carrier: Arc<dyn Carrier>,
    ) -> Result<Self, DemoError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(DemoError::Port)?;
        let url = format!("http://{}", listener.local_addr().map_err(DemoError::Port)?);
        let mut people = Vec::with_capacity(plan.people.len());
        let mut new_people = Vec::with_capacity(plan.people.len());
        for (name, word, role) in plan.people {
            let person = Person { email: format!("{word}@{}.example", plan.word), password: secret(16)?, role: *role };
            new_people.push(NewPerson {
                name: line(name)?,
                email: line(&person.email)?,
                password: person.password.clone(),
                roles: vec![*role],
            });
            people.push(person);
        }
        let services = plan.services.iter().map(|name| line(name)).collect::<Result<_, _>>()?;
        let passphrase = Zeroizing::new(secret(24)?);
        let set_up = SetUp {
            organisation: organisation(plan)?,
            passphrase,
            people: new_people,
            services,
            confirmation: Confirmation::OnePerson,
        };
        let database = folder.join(plan.word).with_extension("db");
        let node = Node::open(NodeOptions {
            store: StoreSettings {
                url: format!("sqlite:{}", database.display()),
                data_key: DataKey::generate()?,
                readers: READERS,
            },
            issuer: url.clone(),
            loopback_http: true,
            zone: chrono_tz::Europe::London,
            duties: crate::node::DutySettings::default(),
            time: Arc::clone(time) as Arc<dyn TimeSource>,
            carrier,
            bcrypt_cost: BCRYPT_COST,
            rates: Rates::default(),
            mail: None,
            reachable: true,
            set_up: Some(set_up),
        })
        .await?;
        node.run().map_err(DemoError::Port)?;
        let web = http::serve(Arc::clone(&node), listener, HttpOptions::default()).map_err(DemoError::Port)?;
        let mut party = Self { name: plan.name, url, node, people, api_token: String::new(), web };
        party.api_token = party.make_token().await?;
        Ok(party)
    }

    async fn make_token(&self) -> Result<String, DemoError> {
        let (_, token) = sessions::fresh_secret()?;
        let by = self.administrator().await?;
        let digest = sessions::text_digest(&token);
        self.node.add_api_token(&by, line("Demonstration")?, digest, vec!["read".to_owned()], None).await?;
        Ok(token)
    }

    /// Somebody here with this role, as if signed in.
    pub(super) async fn person(&self, role: Role) -> Result<SignedIn, DemoError> {
        let person = self.people.iter().find(|person| person.role == role).ok_or(DemoError::Story)?;
        let account = self.node.account(&person.email).await?.ok_or(DemoError::Story)?;
        Ok(SignedIn::new(account.id, account.name, account.roles))
    }

    pub(super) async fn administrator(&self) -> Result<Administrator, DemoError> {
        Administrator::of(&self.person(Role::Administrator).await?).ok_or(DemoError::Story)
    }

    /// Ends the web server, then the node.
    pub(super) async fn stop(self) {
        self.web.stop().await;
        self.node.stop().await;
    }
}

/// Pairs two parties as two administrators would: cards exchanged, digits typed that the other side read out. Gives back
/// what each calls the other.
pub(super) async fn pair(a: &Party, b: &Party) -> Result<(PartnerId, PartnerId), DemoError> {
    let known_as_b = introduce(a, b).await?;
    let known_as_a = introduce(b, a).await?;
    for (party, other) in [(a, known_as_b), (b, known_as_a)] {
        let by = party.administrator().await?;
        // One administrator each: the ledger says that it was one person (ruling 34).
        party.node.confirm(&by, other, Confirmation::OnePerson).await?;
    }
    Ok((known_as_b, known_as_a))
}

async fn introduce(here: &Party, there: &Party) -> Result<PartnerId, DemoError> {
    let by = here.administrator().await?;
    let id = here.node.import_card(&by, &there.node.export_card(), None).await?;
    let digits = there.node.fingerprint();
    here.node.type_fingerprint(&by, id, &digits, line("telephone")?, line("their administrator")?).await?;
    Ok(id)
}

fn organisation(plan: &Plan) -> Result<Organisation, DemoError> {
    let contact = Contact {
        role: line("Data protection officer")?,
        email: Some(line(&format!("dpo@{}.example", plan.word))?),
        phone: Some(line("020 7946 0100")?),
        out_of_hours: Some(line("020 7946 0199")?),
    };
    Ok(Organisation {
        name: line(plan.name)?,
        contact: contact.clone(),
        dpo: Some(contact),
        address: Some(line("1 High Street, Example Town")?),
        ico_registration: Some(line("Z0000000")?),
        sector: None,
    })
}

pub(super) fn line(text: &str) -> Result<Line, DemoError> {
    Line::parse(text).map_err(|_| DemoError::Story)
}

/// A fresh secret cut to a length that can be typed.
fn secret(characters: usize) -> Result<String, DemoError> {
    let (_, text) = sessions::fresh_secret()?;
    Ok(text.chars().filter(char::is_ascii_alphanumeric).take(characters).collect())
}
