//! A file of many parties, each with its arrangement, into a fresh node: as an administrator would, from text to committed.

use std::fmt::Write as _;
use std::sync::Arc;

use server::documents::directory::parse;
use server::time_source::{SystemTime, TimeSource};
use tests::On;
use tests::node::{Ground, found};
use tests::wire::Wire;

use crate::measure::{Report, Stopwatch};

/// Reading, checking and keeping.
const IMPORT_SECONDS: f64 = 5.0;

pub(crate) async fn run(on: On, parties: usize, report: &mut Report) {
    let time: Arc<dyn TimeSource> = Arc::new(SystemTime);
    let ground = Ground { carrier: Wire::new(Arc::clone(&time)), time, wire: None };
    let party = found("Operator", "https://operator.example".to_owned(), on.fresh(), ground, None).await;
    let by = party.administrator();
    let text = file(parties);

    let watch = Stopwatch::start();
    let known = party.node.export_directory().await.expect("a directory");
    let directory = parse(&text, &known).expect("an acceptable file");
    let changes = party.node.import_directory(&by, directory.clone()).await.expect("taken");
    report.limit("import", watch.seconds(), "s", IMPORT_SECONDS);
    assert_eq!(changes.len(), 2 * parties + 1);

    let watch = Stopwatch::start();
    party.node.preview_directory(directory.clone()).await.expect("a preview");
    report.tell("preview", watch.seconds(), "s");
    let watch = Stopwatch::start();
    party.node.import_directory(&by, directory).await.expect("taken");
    report.tell("import of what is known", watch.seconds(), "s");
}

fn file(parties: usize) -> String {
    let mut text = String::from(
        "format = \"tocsin-directory-1\"\n\n[[agreement]]\nkey = \"sharing\"\nversion = 1\ntitle = \"Sharing\"\n\
         role = \"joint_controller\"\nservices = [\"report-a-problem\"]\nnotice_hours = 48\n\
         trigger = \"breach_or_circumstances\"\n",
    );
    for number in 1..=parties {
        let _ = write!(
            text,
            "\n[[party]]\nkey = \"council-{number}\"\nname = \"Council {number}\"\naddress = \"Town Hall {number}\"\n\n\
             [party.dpo]\nwho = \"Data protection officer\"\nphone = \"020 7946 0100\"\n\n\
             [[arrangement]]\nkey = \"with-{number}\"\nagreement = \"sharing\"\nagreement_version = 1\n\
             partner = \"council-{number}\"\n\n[[arrangement.contact]]\nwho = \"Duty officer\"\nphone = \"020 7946 0199\"\n"
        );
    }
    text
}
