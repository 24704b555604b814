#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};

use clap::Parser as _;
use domain::facts::Contact;
use domain::report::Organisation;
use domain::values::{Line, Role};
use zeroize::Zeroizing;

use super::*;
use crate::access::sessions::text_digest;
use crate::config::{Cli, Command, write_private_file};
use crate::node::NewPerson;
use crate::node::administer::SetUp;
use crate::node::pairing::Confirmation;
use crate::store::testing::{InTheClear, TestStore, data_key, run};

const ISSUER: &str = "https://node-a.example";
/// What must not be readable in the database's files or in a backup: names, contacts, free text, secrets.
const PLANTED: [&str; 7] = [
    "Planted District Council",
    "planted-mailbox@council.example",
    "0191 498 0000",
    "Wilhelmina Planted",
    "wilhelmina@council.example",
    "Planted Paper Works",
    "correct horse battery planted",
];
const FILE: &str = r#"
format = "tocsin-directory-1"

[[party]]
key = "paper"
name = "Planted Paper Works"

[[party]]
key = "council"
name = "Another Council"
"#;

/// A node on a database of its own, open as the serving process has it, with its key in a file.
pub(crate) struct Place {
    store: TestStore,
    folder: tempfile::TempDir,
    pub(crate) node: Arc<Node>,
}

impl Place {
    pub(crate) async fn new(store: TestStore) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_private_file(&folder.path().join("key"), &data_key().to_hex()).unwrap();
        let line = |text: &str| Line::parse(text).unwrap();
        let contact = Contact {
            role: line("Data protection officer"),
            email: Some(line(PLANTED[1])),
            phone: Some(line(PLANTED[2])),
            out_of_hours: None,
        };
        let organisation = Organisation {
            name: line(PLANTED[0]),
            contact,
            dpo: None,
            address: None,
            ico_registration: None,
            sector: None,
        };
        let person = NewPerson {
            name: line(PLANTED[3]),
            email: line(PLANTED[4]),
            password: PLANTED[6].to_owned(),
            roles: vec![Role::Administrator, Role::Responder],
        };
        let set_up = SetUp {
            organisation,
            passphrase: Zeroizing::new(PLANTED[6].to_owned()),
            people: vec![person],
            services: vec![line("A service")],
            confirmation: Confirmation::SecondPerson,
        };
        let node = Node::open(NodeOptions {
            store: StoreSettings { url: store.url(), data_key: data_key(), readers: 2 },
            issuer: ISSUER.to_owned(),
            loopback_http: false,
            zone: chrono_tz::Europe::London,
            duties: crate::node::DutySettings::default(),
            time: Arc::new(SystemTime),
            carrier: Arc::new(NoCarrier),
            bcrypt_cost: 4,
            rates: Rates::default(),
            mail: None,
            reachable: true,
            set_up: Some(set_up),
        });
        Self { node: node.await.unwrap(), store, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command on this node; gives what it said.
    async fn run(&self, words: &[&str]) -> Result<String, Failure> {
        run_on(&self.store.url(), &self.path("key"), words).await
    }

    /// What a command that is refused complains about; all of it is wrong input.
    async fn refused(&self, words: &[&str]) -> String {
        complaint(self.run(words).await)
    }
}

async fn run_on(url: &str, key: &Path, words: &[&str]) -> Result<String, Failure> {
    let node = ["--database", url, "--issuer", ISSUER, "--key-file", key.to_str().unwrap()];
    let all = std::iter::once("tocsin").chain(words.iter().copied()).chain(node);
    let mut said = Vec::new();
    let out: Out<'_> = &mut said;
    match Cli::try_parse_from(all).unwrap().command {
        Command::Check(settings) => check(&settings, out)?,
        Command::Import(settings) => import(&settings, out).await?,
        Command::Export(settings) => export(&settings, out).await?,
        Command::Person(command) => person(&command, out).await?,
        Command::Token(settings) => token(&settings, out).await?,
        Command::Backup(settings) => backup(&settings, out).await?,
        Command::Restore(settings) => restore(&settings, out).await?,
        Command::Serve(_) | Command::Demo(_) | Command::DevCerts(_) | Command::Health(_) => panic!("not tried here"),
    }
    Ok(String::from_utf8(said).unwrap())
}

fn complaint(answer: Result<String, Failure>) -> String {
    let failure = answer.unwrap_err();
    match failure.downcast::<Faults>() {
        Ok(faults) => faults.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        Err(failure) => failure.downcast::<Fault>().unwrap().to_string(),
    }
}

/// Two tests of one body, on each database.
macro_rules! on_both {
    ($(#[$about:meta])* $name:ident, |$place:ident| $body:block) => {
        $(#[$about])*
        mod $name {
            use super::*;

            async fn body($place: Place) $body

            #[test]
            fn on_sqlite() {
                run(async { body(Place::new(TestStore::on_sqlite()).await).await });
            }

            #[test]
            fn on_postgres() {
                run(async { body(Place::new(TestStore::on_postgres()).await).await });
            }
        }
    };
}

on_both!(
    /// Aim: files are taken whole or not at all, while the node is open, and come out as they went in.
    directories_go_in_and_out, |place| {
        let file = place.path("directory.toml");
        std::fs::write(&file, FILE).unwrap();
        let file = file.to_str().unwrap();
        let trial = place.run(&["import", "--dry-run", file]).await.unwrap();
        assert!(trial.contains("2 added, 0 changed, 0 unchanged.") && trial.contains("trial"), "{trial}");
        assert_eq!(place.node.export_directory().await.unwrap().parties.iter().filter(|p| p.key.as_str() == "paper").count(), 0);
        let done = place.run(&["import", file]).await.unwrap();
        assert!(done.contains("added party \"paper\": Planted Paper Works"), "{done}");
        let again = place.run(&["import", file]).await.unwrap();
        assert!(again.starts_with("0 added, 0 changed, 2 unchanged."), "{again}");
        let export = place.run(&["export"]).await.unwrap();
        assert!(export.contains("Planted Paper Works"));
        let out = place.path("out.toml");
        place.run(&["export", out.to_str().unwrap()]).await.unwrap();
        assert_eq!(std::fs::read_to_string(&out).unwrap(), export);
        let taken = place.refused(&["export", out.to_str().unwrap()]).await;
        assert!(taken.contains("can't be made"), "{taken}");

        // Who we are is known to the open node as soon as it looks whether another process changed something.
        let renamed = export.replace(PLANTED[0], "Renamed District Council");
        std::fs::write(file, &renamed).unwrap();
        let done = place.run(&["import", file]).await.unwrap();
        assert!(done.starts_with("changed party") || done.contains("1 changed"), "{done}");
        assert_eq!(place.node.organisation().name.as_str(), PLANTED[0]);
        let mut live = place.node.live();
        place.node.rotation_step().await.unwrap();
        assert_eq!(place.node.organisation().name.as_str(), "Renamed District Council");
        assert!(live.has_changed().unwrap(), "pages show it");
        live.mark_unchanged();
        place.node.rotation_step().await.unwrap();
        assert!(!live.has_changed().unwrap(), "nothing else changed");

        let broken = format!("{FILE}\n[[party]]\nkey = \"third\"\nname = \"\"\n");
        std::fs::write(file, broken).unwrap();
        let faults = place.refused(&["import", file]).await;
        assert!(faults.starts_with(&format!("{file}:14: party 3 \"third\": ")), "{faults}");
        let missing = place.refused(&["import", "/not/there.toml"]).await;
        assert!(missing.contains("can't be read"), "{missing}");
    }
);

on_both!(
    /// Aim: people and tokens made at the console work at the open node at once, and the record says who made them.
    people_and_tokens, |place| {
        let add = ["person", "add", "--email", "new@council.example", "--name", "New Person", "--role", "dpo"];
        let said = place.run(&add).await.unwrap();
        let link = said.lines().next().unwrap().strip_prefix(ISSUER).unwrap();
        let secret = link.rsplit('/').next().unwrap();
        assert_eq!(place.node.link(secret).await.unwrap().unwrap().email, "new@council.example");
        let taken = place.refused(&add).await;
        assert_eq!(taken, "There is one already.");
        let said = place.run(&["person", "reset", "--email", "new@council.example"]).await.unwrap();
        assert!(said.contains(" 72 hours"), "an invitation again: {said}");
        let said = place.run(&["person", "reset", "--email", PLANTED[4]]).await.unwrap();
        assert!(said.contains(" 2 hours"), "{said}");
        let nobody = place.refused(&["person", "reset", "--email", "nobody@council.example"]).await;
        assert_eq!(nobody, "Nobody here has this mail address.");

        let token = ["token", "--for", PLANTED[4], "--label", "Ticket system", "--scope"];
        let made = place.run(&[&token[..], &["respond"]].concat()).await.unwrap();
        let person = place.node.api_person(text_digest(made.trim())).await.unwrap().unwrap();
        assert!(person.person.has(Role::Responder) && !person.person.has(Role::Administrator));
        let more = place.refused(&[&token[..], &["decide"]].concat()).await;
        assert_eq!(more, "A token can't do more than its person may do.");

        let recorded = place.node.store().read(|rows| {
            let size = crate::store::queries::incidents::ledger_size(rows)?;
            (0..size).map(|n| crate::store::ledger::object(rows, n)).collect::<Result<Vec<_>, _>>()
        });
        let recorded: Vec<String> =
            recorded.await.unwrap().into_iter().flatten().map(|o| String::from_utf8_lossy(&o).into_owned()).collect();
        for action in ["person_invited", "link_made", "api_token_added"] {
            let by_console = |entry: &&String| entry.contains(action) && entry.contains("\"console\"");
            let times = if action == "link_made" { 2 } else { 1 };
            assert_eq!(recorded.iter().filter(by_console).count(), times, "{action}");
        }
    }
);

on_both!(
    /// Aim: a backup of an open node restores to the same node, on either database, and nothing that was planted can be
    /// read in it or in the database's files.
    backups_restore_and_hide_what_they_hold, |place| {
        let file = place.path("directory.toml");
        std::fs::write(&file, FILE).unwrap();
        place.run(&["import", file.to_str().unwrap()]).await.unwrap();
        let token = ["token", "--for", PLANTED[4], "--label", "Planted Paper Works", "--scope", "read"];
        let token = place.run(&token).await.unwrap();
        let said = place.run(&["person", "reset", "--email", PLANTED[4]]).await.unwrap();
        let link = said.lines().next().unwrap().rsplit('/').next().unwrap().to_owned();
        let copy = place.path("copy");
        let copied = place.run(&["backup", copy.to_str().unwrap()]).await.unwrap();
        assert!(copied.contains("read back and whole"), "{copied}");
        let again = place.refused(&["backup", copy.to_str().unwrap()]).await;
        assert!(again.contains("is there already"), "{again}");
        let left: Vec<_> = std::fs::read_dir(place.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().contains("backup-")), "{left:?}");

        let places = [("the backup", std::fs::read(&copy).unwrap()), ("the database", place.store.octets())];
        let key = data_key().to_hex();
        let secrets = [token.trim(), &link, key.as_str()];
        for (what, octets) in places {
            let clear = InTheClear::of(&octets);
            for word in PLANTED.iter().chain(&secrets) {
                assert!(!clear.shows(word), "{what} holds {word}");
            }
        }

        for target in [TestStore::on_sqlite(), TestStore::on_postgres()] {
            let key = place.path("key");
            let said = run_on(&target.url(), &key, &["restore", copy.to_str().unwrap()]).await.unwrap();
            assert!(said.contains("all verified"), "{said}");
            let said = run_on(&target.url(), &key, &["export"]).await.unwrap();
            assert_eq!(said, place.run(&["export"]).await.unwrap());
            let full = complaint(run_on(&target.url(), &key, &["restore", copy.to_str().unwrap()]).await);
            assert_eq!(full, "The database is not empty; restore into a new one.");
        }
        let other = place.path("other-key");
        write_private_file(&other, &"08".repeat(32)).unwrap();
        let fresh = TestStore::on_sqlite();
        let wrong = complaint(run_on(&fresh.url(), &other, &["restore", copy.to_str().unwrap()]).await);
        assert_eq!(wrong, "The data key is not the one that this backup was made under.");
    }
);

on_both!(
    /// Aim: `check` tells a good node, another key and no node apart, and makes nothing.
    checks, |place| {
        let good = place.run(&["check"]).await.unwrap();
        assert!(good.contains("a node is set up"), "{good}");
        let other = place.path("other-key");
        write_private_file(&other, &"08".repeat(32)).unwrap();
        let wrong = complaint(run_on(&place.store.url(), &other, &["check"]).await);
        assert!(wrong.contains("does not belong"), "{wrong}");
        let nowhere = place.path("nowhere.db");
        let url = format!("sqlite:{}", nowhere.display());
        let none = run_on(&url, &place.path("no-key"), &["check"]).await.unwrap();
        assert!(none.contains("no node yet") && !nowhere.exists() && !place.path("no-key").exists(), "{none}");
        let refused = complaint(run_on(&url, &place.path("key"), &["export"]).await);
        assert!(refused.contains("is not there") && !nowhere.exists(), "{refused}");
        let empty = TestStore::on_sqlite();
        let refused = complaint(run_on(&empty.url(), &place.path("key"), &["export"]).await);
        assert!(refused.contains("holds no node yet"), "{refused}");
    }
);
