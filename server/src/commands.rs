//! What the command line does beside serving: looking at settings, import, export, people, tokens, backup and restore.
//!
//! A command opens the node and never runs it, so it may be given while the node serves: the database keeps the turns of
//! both apart. Who gives it acts as the console: the operating system says who may.

mod backup;
mod certificates;
mod check;
mod directory;
mod people;
#[cfg(test)]
pub(crate) mod tests;

use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;

use webhooks::carrier::{Carrier, NotReached, Outcome, Parcel};

use crate::config::{BCRYPT_COST_MIN, Fault, NodeArgs};
use crate::node::{DoorError, Node, NodeOptions, Rates, StartError};
use crate::problem::sentence_of;
use crate::serve::Failure;
use crate::store::look::{Standing, look};
use crate::store::{StoreError, StoreSettings};
use crate::time_source::SystemTime;

pub use self::backup::{backup, restore};
pub use self::certificates::dev_certs;
pub use self::check::check;
pub use self::directory::{export, import};
pub use self::people::{person, token};

/// Several things that are wrong with what was given.
#[derive(Debug, thiserror::Error)]
#[error("the input can't be used")]
pub struct Faults(pub Vec<Fault>);

/// Where a command says what it did: standard output, or what a test reads.
pub type Out<'a> = &'a mut (dyn Write + Send);

/// Opens a node that is set up and whose tables are this program's. It is not run.
async fn open(args: &NodeArgs) -> Result<Arc<Node>, Failure> {
    args.database_must_be_there()?;
    let data_key = args.existing_data_key()?;
    let found = look(&args.database, &data_key).map_err(store_failed)?;
    let usable = match found.standing {
        Standing::Current if found.set_up => Ok(()),
        // A program that runs beside this one could be older: its tables are not changed under its feet.
        Standing::Older => {
            Err("The database was made by an older version; start `tocsin serve` of this version first.")
        }
        Standing::Newer => Err("The database was made by a newer version; use that version."),
        Standing::Current | Standing::Empty => Err("This database holds no node yet; start `tocsin serve` first."),
    };
    usable.map_err(|sentence| Fault(sentence.to_owned()))?;
    let opened = Node::open(NodeOptions {
        store: StoreSettings { url: args.database.clone(), data_key, readers: 1 },
        issuer: args.issuer.clone(),
        loopback_http: args.loopback_http,
        zone: args.zone,
        duties: crate::node::DutySettings::default(),
        time: Arc::new(SystemTime),
        carrier: Arc::new(NoCarrier),
        // Nobody chooses a password here.
        bcrypt_cost: BCRYPT_COST_MIN,
        rates: Rates::default(),
        mail: None,
        reachable: true,
        set_up: None,
    });
    match opened.await {
        Err(error @ StartError::Issuer) => Err(Fault(format!("{error}.")).into()),
        Err(StartError::Store(error)) => Err(store_failed(error)),
        opened => Ok(opened?),
    }
}

/// The store's own trouble is a failure; a key or database of somebody else's is wrong input.
fn store_failed(error: StoreError) -> Failure {
    let wrong = matches!(error, StoreError::WrongKey | StoreError::NewerDatabase | StoreError::UnknownScheme);
    if wrong { Fault(sentence(&error)).into() } else { error.into() }
}

/// What a door refuses is wrong input; what the store can't do is a failure.
fn refused(error: DoorError) -> Failure {
    if matches!(error, DoorError::Store(_)) { error.into() } else { Fault(sentence(&error)).into() }
}

/// An error as a sentence.
fn sentence(error: &impl std::fmt::Display) -> String {
    sentence_of(&error.to_string())
}

/// A command carries no messages: the node that serves does.
struct NoCarrier;

impl Carrier for NoCarrier {
    fn carry<'a>(&'a self, _: &'a Parcel) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        let class = NotReached::Other;
        Box::pin(std::future::ready(Outcome::NotReached { class, detail: class.detail() }))
    }
}
