//! Where worlds begin: four parties, paired, with terms. They are founded once in a process; every world on SQLite starts
//! from a copy of their files, which costs a hundredth of founding them.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use super::network::Network;
use super::time::{NodeTime, WorldTime};
use crate::database::{Database, On};
use crate::dice::Dice;
use crate::node::{Ground, Party, data_key, found, open};
use domain::values::Moment;
use server::store::{Store, StoreSettings};

/// The parties. Nobody can reach the last one's node: it polls.
const ISSUERS: [(&str, &str); 4] = [
    ("Alder", "https://alder.example"),
    ("Birch", "https://birch.example"),
    ("Cedar", "https://cedar.example"),
    ("Dell", "https://hidden-dell.example"),
];
/// Who is paired with whom.
const PAIRED: [(usize, usize); 3] = [(0, 1), (0, 2), (0, 3)];
/// Who owes whom, and within how many hours.
const TERMS: [(usize, usize, u16); 4] = [(0, 1, 48), (0, 2, 24), (0, 3, 48), (1, 0, 48)];
/// Founded so long before a world begins.
const SETTLED_SECONDS: i64 = 3_600;
/// Memory shared between processes: nothing there is ever written to a disk.
const MEMORY: &str = "/dev/shm";

/// Files with their octets.
pub(super) type Files = Vec<(OsString, Vec<u8>)>;

/// What every world on SQLite begins with.
pub struct Beginning {
    parties: Vec<Files>,
    /// A database with tables and nothing in them.
    empty: Files,
    stock: Vec<Party>,
}

/// A world's parties with what they stand on.
pub(super) struct Raised {
    pub(super) time: WorldTime,
    pub(super) network: Arc<Network>,
    pub(super) seats: Vec<(Party, Arc<NodeTime>)>,
}

impl Beginning {
    /// Founds the parties and keeps their files.
    ///
    /// # Panics
    /// When founding or pairing fails.
    #[must_use]
    pub async fn found() -> Self {
        let raised = found_all(0, On::Sqlite).await;
        let mut parties = Vec::new();
        let mut stock = Vec::new();
        for (party, _) in raised.seats {
            party.node.stop().await;
            parties.push(files_of(party.database.folder().expect("a file database")));
            stock.push(party);
        }
        let database = in_memory();
        let settings = StoreSettings { url: database.url.clone(), data_key: data_key(), readers: 1 };
        let store = Store::open(settings).expect("an empty store");
        store.stop();
        let empty = files_of(database.folder().expect("a file database"));
        Self { parties, empty, stock }
    }

    /// The parties of a world of this seed.
    pub(super) async fn copy(&self, seed: u64) -> Raised {
        let (time, times, network) = ground(seed, self.stock.iter().map(|party| party.issuer().to_owned()));
        let mut seats = Vec::new();
        for (who, (files, stock)) in self.parties.iter().zip(&self.stock).enumerate() {
            let database = in_memory();
            lay(database.folder().expect("a file database"), files);
            let ground = Ground { time: Arc::clone(&times[who]) as _, carrier: network.line(who), wire: None };
            let node = open(&database, stock.issuer(), &ground, None).await;
            network.join(who, &node);
            let party = Party {
                node,
                name: stock.name.clone(),
                database,
                ground,
                people: stock.people.clone(),
                services: stock.services.clone(),
                listener: None,
                running: None,
            };
            seats.push((party, Arc::clone(&times[who])));
        }
        time.advance(SETTLED_SECONDS);
        Raised { time, network, seats }
    }

    /// A store with tables and nothing in them.
    pub(super) fn empty_store(&self) -> (Store, Database) {
        let database = in_memory();
        lay(database.folder().expect("a file database"), &self.empty);
        let settings = StoreSettings { url: database.url.clone(), data_key: data_key(), readers: 1 };
        (Store::open(settings).expect("an empty store"), database)
    }
}

/// Founds, pairs and binds the parties by terms, on either database.
pub(super) async fn found_all(seed: u64, on: On) -> Raised {
    let (time, times, network) = ground(seed, ISSUERS.iter().map(|(_, issuer)| (*issuer).to_owned()));
    let mut seats: Vec<(Party, Arc<NodeTime>)> = Vec::new();
    for (who, (name, issuer)) in ISSUERS.into_iter().enumerate() {
        let database = if on == On::Sqlite { in_memory() } else { on.fresh() };
        let ground = Ground { time: Arc::clone(&times[who]) as _, carrier: network.line(who), wire: None };
        let party = found(name, issuer.to_owned(), database, ground, None).await;
        network.join(who, &party.node);
        seats.push((party, Arc::clone(&times[who])));
    }
    for (one, other) in PAIRED.into_iter().flat_map(|(one, other)| [(one, other), (other, one)]) {
        let (ours, theirs) = (&seats[one].0, &seats[other].0);
        ours.trust(&theirs.node.export_card(), &theirs.node.fingerprint()).await;
    }
    for _ in 0..8 {
        for (party, _) in &seats {
            party.node.deliver_step(8).await.expect("a step of delivery");
            party.node.poll_step().await.expect("a step of polling");
        }
        time.advance(30);
    }
    for (one, other, hours) in TERMS {
        assert!(seats[one].0.is_active(&seats[other].0).await, "{one} and {other} are paired");
        seats[one].0.arrange(&seats[other].0, hours).await;
    }
    time.advance(SETTLED_SECONDS);
    Raised { time, network, seats }
}

fn ground(seed: u64, issuers: impl Iterator<Item = String>) -> (WorldTime, Vec<Arc<NodeTime>>, Arc<Network>) {
    let time = WorldTime::new(Moment::parse("2026-03-02T09:00:00Z").expect("an instant"));
    let times: Vec<Arc<NodeTime>> = (0..ISSUERS.len())
        .map(|who| Arc::new(NodeTime::new(time.clone(), Dice::of(seed, 0x1d + who as u64))))
        .collect();
    let network = Network::new(seed, issuers.zip(times.iter().cloned()).collect());
    (time, times, network)
}

/// A place for a database that is written to no disk, where there is such a place.
fn in_memory() -> Database {
    let memory = Path::new(MEMORY);
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = tempfile::Builder::new().prefix("tocsin-world-").tempdir_in(place).expect("a folder");
    Database::in_folder(folder)
}

/// A database's files as they lie there. The shared-memory index dies with its process.
pub(super) fn files_of(folder: &Path) -> Files {
    let all = std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file"));
    all.filter(|file| !file.file_name().to_string_lossy().ends_with("-shm"))
        .map(|file| (file.file_name(), std::fs::read(file.path()).expect("its octets")))
        .collect()
}

/// Puts files in the place of whatever is in a folder.
pub(super) fn lay(folder: &Path, files: &Files) {
    for old in std::fs::read_dir(folder).expect("a folder") {
        std::fs::remove_file(old.expect("a file").path()).expect("an old file goes");
    }
    for (name, octets) in files {
        std::fs::write(folder.join(name), octets).expect("a file is written");
    }
}
