//! Agreements, arrangements, services and parties come in as a file, go out as a file, and are used at once.

use std::fmt::Write as _;

use domain::directory::{Agreement, ArrangementRecord, Directory, Party, PartyRole};
use domain::values::{ArrangementId, Hours, LongText};
use server::documents::directory::{parse, write};
use server::node::DoorError;
use server::node::accounts::IMPORT_DRAFT;
use server::node::directory::{Change, ChangeKind, RecordKind};
use server::store::partners::PartnerState;
use server::store::queries::directory as known;
use tests::facts::first_hour;
use tests::node::{PASSWORD, World, line, log_request};
use tests::page::Page;
use tests::visitor::Visitor;
use tests::{On, both};

both!(
    examples_go_in_and_come_out_again,
    one_broken_row_stops_a_whole_import,
    our_own_record_is_who_we_are,
    new_terms_are_used_at_once_and_old_ones_stay_frozen,
    two_editors_do_not_overwrite_each_other,
    pairing_and_importing_come_in_either_order,
    an_import_does_what_was_shown_and_nothing_else,
    an_import_sent_twice_was_done,
    a_purpose_that_is_no_line_says_why,
);

const EXAMPLES: [&str; 4] = [
    include_str!("../../server/examples/societyworks.toml"),
    include_str!("../../server/examples/societyworks-client.toml"),
    include_str!("../../server/examples/cabinet-office-secure-it.toml"),
    include_str!("../../server/examples/government-paas.toml"),
];

fn of(changes: &[Change], kind: ChangeKind) -> usize {
    changes.iter().filter(|change| change.kind == kind).count()
}

/// A file of so many parties and arrangements under one agreement, which covers the service that every party has.
fn file(parties: usize) -> String {
    let mut text = String::from(
        "format = \"tocsin-directory-1\"\n\n[[agreement]]\nkey = \"sharing\"\nversion = 1\ntitle = \"Sharing\"\n\
         role = \"joint_controller\"\nservices = [\"report-a-problem\"]\nnotice_hours = 48\n\
         trigger = \"breach_or_circumstances\"\n",
    );
    for number in 1..=parties {
        let _ = write!(
            text,
            "\n[[party]]\nkey = \"council-{number}\"\nname = \"Council {number}\"\n\n[[arrangement]]\nkey = \"with-{number}\"\n\
             agreement = \"sharing\"\nagreement_version = 1\npartner = \"council-{number}\"\n"
        );
    }
    text
}

/// Every example is taken by a fresh node, comes out as it went in, and is recognised when it comes again.
async fn examples_go_in_and_come_out_again(on: On) {
    let world = World::new(on);
    for example in EXAMPLES {
        let party = world.party("Fresh").await;
        let by = party.administrator();
        let before = party.node.export_directory().await.expect("a directory");
        let directory = parse(example, &before).expect("an acceptable file");
        let previewed = party.node.preview_directory(directory.clone()).await.expect("a preview");
        assert_eq!(party.node.export_directory().await.expect("a directory"), before, "a preview writes nothing");
        let done = party.node.import_directory(&by, directory.clone()).await.expect("taken");
        assert_eq!(done, previewed);
        let out = party.node.export_directory().await.expect("a directory");
        assert_eq!(out.us, directory.us);
        assert_eq!((&out.agreements, &out.arrangements), (&directory.agreements, &directory.arrangements));
        assert!(directory.parties.iter().all(|record| out.parties.contains(record)));
        assert!(directory.services.iter().all(|record| out.services.contains(record)));
        let read = parse(&write(&out), &Directory::default()).expect("an acceptable file");
        assert_eq!(read, out);
        let again = party.node.import_directory(&by, read).await.expect("taken again");
        assert_eq!(of(&again, ChangeKind::Unchanged), again.len(), "{again:#?}");
    }
}

/// Of 500 parties and arrangements one row is broken: nothing is imported, and the row is named with its line.
async fn one_broken_row_stops_a_whole_import(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let before = operator.node.export_directory().await.expect("a directory");
    let whole = file(500);
    let broken = whole.replacen("partner = \"council-312\"", "partner = \"nobody\"", 1);
    let line = broken.lines().position(|line| line == "key = \"with-312\"").expect("the row");
    let errors = parse(&broken, &before).expect_err("a broken row");
    assert_eq!(errors.len(), 1);
    assert_eq!((usize::try_from(errors[0].line), errors[0].what.as_str()), (Ok(line), "arrangement 312 \"with-312\""));

    // Past the file, the node itself says the same, and takes nothing.
    let mut directory = parse(&whole, &before).expect("an acceptable file");
    directory.arrangements[311].partner = "nobody".parse().expect("a key");
    let refused = operator.node.import_directory(&operator.administrator(), directory).await;
    assert!(matches!(&refused, Err(DoorError::Records(faults)) if faults.len() == 1), "{refused:?}");
    assert_eq!(operator.node.export_directory().await.expect("a directory"), before);
    assert!(operator.node.partners().await.expect("its partners").is_empty());

    let directory = parse(&whole, &before).expect("an acceptable file");
    let done = operator.node.import_directory(&operator.administrator(), directory).await.expect("taken");
    assert_eq!((done.len(), of(&done, ChangeKind::Added)), (1_001, 1_001));
    let partners = operator.node.partners().await.expect("its partners");
    assert!(partners.len() == 500 && partners.iter().all(|partner| partner.state == PartnerState::Listed));
}

/// The record about ourselves is who reports to the ICO, at once and without a restart; nobody else's record is.
async fn our_own_record_is_who_we_are(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let by = operator.administrator();
    let before = operator.node.organisation();
    let directory = parse(EXAMPLES[0], &Directory::default()).expect("an acceptable file");
    let done = operator.node.import_directory(&by, directory).await.expect("taken");
    let ours: Vec<&str> = done.iter().filter(|change| change.ours).map(|change| change.key.as_str()).collect();
    assert_eq!(ours, ["societyworks"]);
    let now = operator.node.organisation();
    assert_eq!((now.name.as_str(), now.ico_registration.as_ref()), ("SocietyWorks Ltd", Some(&line("ZA937521"))));
    assert_eq!(now.contact, before.contact, "what the record leaves out stays");
    let other = parse(EXAMPLES[1], &Directory::default()).expect("an acceptable file");
    let refused = operator.node.import_directory(&by, other).await;
    assert!(matches!(&refused, Err(DoorError::Records(_))), "we are somebody else: {refused:?}");
    assert_eq!(operator.node.organisation().name.as_str(), "SocietyWorks Ltd");
}

/// A changed agreement and arrangement count for the next incident; the one before keeps its terms. Once ended, nothing
/// is owed.
async fn new_terms_are_used_at_once_and_old_ones_stay_frozen(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let by = operator.administrator();
    let known_before = operator.node.export_directory().await.expect("a directory");
    let directory = parse(&file(1), &known_before).expect("an acceptable file");
    operator.node.import_directory(&by, directory.clone()).await.expect("taken");
    let hours = |incident: domain::incident::Incident| {
        incident.owed.iter().map(|owed| owed.terms.notice_hours.map_or(0, Hours::get)).collect::<Vec<_>>()
    };
    let first = operator.log(log_request(first_hour("Before"), world.now())).await;

    let mut same_version = directory.clone();
    same_version.agreements[0].notice_hours = Some(Hours::new(24).expect("hours"));
    let refused = operator.node.import_directory(&by, same_version.clone()).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("a changed text is version 2")));
    same_version.agreements[0].version = 2;
    same_version.arrangements[0].agreement_version = 2;
    let done = operator.node.import_directory(&by, same_version).await.expect("taken");
    assert_eq!((of(&done, ChangeKind::Changed), of(&done, ChangeKind::Unchanged)), (2, 1));

    let second = operator.log(log_request(first_hour("After"), world.now())).await;
    assert_eq!(hours(operator.incident(first).await), [48]);
    assert_eq!(hours(operator.incident(second).await), [24]);
    let versions = operator.node.export_directory().await.expect("a directory").agreements;
    assert_eq!(versions.iter().map(|agreement| agreement.version).collect::<Vec<_>>(), [1, 2]);

    let found = operator.node.store().read(known::arrangements).await.expect("arrangements");
    let id = ArrangementId::from_uuid(found[0].id);
    let reason = LongText::parse("The contract has ended").expect("a text");
    operator.node.end_arrangement(&by, id, reason.clone()).await.expect("ended");
    let third = operator.log(log_request(first_hour("Later"), world.now())).await;
    assert_eq!(hours(operator.incident(third).await), Vec::<u16>::new());
    assert_eq!(hours(operator.incident(second).await), [24]);
    let again = operator.node.end_arrangement(&by, id, reason).await;
    assert!(matches!(again, Err(DoorError::NotFound)), "{again:?}");
}

/// Whoever saves what somebody else changed meanwhile is told so; nothing is lost.
async fn two_editors_do_not_overwrite_each_other(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let by = operator.administrator();
    let council = Party::named("council".parse().expect("a key"), line("Council"));
    assert_eq!(operator.node.save_party(&by, council.clone(), None).await.expect("saved"), 1);
    let taken = operator.node.save_party(&by, council.clone(), None).await;
    assert!(matches!(taken, Err(DoorError::Taken)), "{taken:?}");
    let addressed = Party { address: Some(line("Town Hall")), ..council.clone() };
    assert_eq!(operator.node.save_party(&by, addressed.clone(), Some(1)).await.expect("saved"), 2);
    let stale = operator.node.save_party(&by, council, Some(1)).await;
    assert!(matches!(stale, Err(DoorError::Stale)), "{stale:?}");
    assert_eq!(operator.node.save_party(&by, addressed, Some(2)).await.expect("unchanged"), 2);

    let agreement = Agreement {
        notice_hours: None,
        ..Agreement::titled("sharing".parse().expect("a key"), line("Sharing"), PartyRole::IndependentController)
    };
    assert_eq!(operator.node.save_agreement(&by, agreement.clone(), None).await.expect("saved"), 1);
    assert_eq!(operator.node.save_agreement(&by, agreement.clone(), Some(1)).await.expect("unchanged"), 1);
    let renamed = Agreement { title: line("Sharing of data"), ..agreement.clone() };
    assert_eq!(operator.node.save_agreement(&by, renamed, Some(1)).await.expect("saved"), 2);
    let stale = operator.node.save_agreement(&by, agreement.clone(), Some(1)).await;
    assert!(matches!(stale, Err(DoorError::Stale)), "{stale:?}");

    // Terms without hours are seen and owe nothing.
    let arrangement =
        ArrangementRecord::under("council".parse().expect("a key"), &agreement, "council".parse().expect("a key"));
    assert_eq!(operator.node.save_arrangement(&by, arrangement, None).await.expect("saved"), 1);
    let incident = operator.log(log_request(first_hour("No clock"), world.now())).await;
    assert!(operator.incident(incident).await.owed.is_empty());
}

/// Somebody looks at what a file would change; a colleague changes the same record; pressing the button then changes nothing,
/// says so and shows what it would change now. The same binds programs. A look at the file as it stands lets it through.
async fn an_import_does_what_was_shown_and_nothing_else(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let (node, by) = (&operator.node, operator.administrator());
    let council = Party::named("council".parse().expect("a key"), line("Council"));
    node.save_party(&by, council.clone(), None).await.expect("saved");
    let text =
        "format = \"tocsin-directory-1\"\n\n[[party]]\nkey = \"council\"\nname = \"Council\"\ncountry = \"GB\"\n";
    let account = node.account(&operator.email("administrator")).await.expect("an answer").expect("an account");
    let person = node.person(account.id).await.expect("a person");
    let id = node.make_form(&person, IMPORT_DRAFT).await.expect("a form");
    node.keep_draft(&person, id, IMPORT_DRAFT, text.as_bytes().to_vec()).await.expect("kept");
    let directory = parse(text, &node.export_directory().await.expect("a directory")).expect("an acceptable file");
    let shown = node.plan_directory(directory.clone()).await.expect("a preview");

    let mut visitor = Visitor::signed_in(address, &operator.email("administrator"), PASSWORD).await;
    let path = format!("/import/{id}");
    let confirm = |page: &Page| {
        let mut fields = page.form("Import").fields();
        fields.retain(|(name, _)| name != "go");
        fields.push(("go".to_owned(), "import".to_owned()));
        fields
    };
    let looked_at = visitor.get(&path).await.page();
    let addressed = Party { address: Some(line("Town Hall")), ..council };
    node.save_party(&by, addressed.clone(), Some(1)).await.expect("a colleague saves it");
    let refused = visitor.post(&path, &confirm(&looked_at)).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(refused.page().text().contains("something was changed since you looked"));
    assert!(refused.page().text().contains("Town Hall"), "what it would take away now");
    let parties = async || node.export_directory().await.expect("a directory").parties;
    assert!(parties().await.contains(&addressed), "nothing was overwritten");
    let stale = node.import_planned(&by, directory.clone(), shown.plan).await;
    assert!(matches!(stale, Err(DoorError::Stale)), "{stale:?}");
    let now = node.plan_directory(directory.clone()).await.expect("a preview").plan;
    let other = parse(&text.replace("GB", "IE"), &node.export_directory().await.expect("one")).expect("a file");
    let another_file = node.import_planned(&by, other, now).await;
    assert!(matches!(another_file, Err(DoorError::Stale)), "{another_file:?}");
    let mut unseen = confirm(&looked_at);
    unseen.retain(|(name, _)| name != "plan");
    assert_eq!(visitor.post(&path, &unseen).await.status, 422, "without a look there is no import");

    let done = visitor.post(&path, &confirm(&refused.page())).await;
    assert_eq!(done.status, 303, "{}", done.text());
    assert_eq!(parties().await.iter().find(|it| it.key == addressed.key).expect("it").country, Some(line("GB")));
}

/// Import is pressed twice, and the second press comes while the draft is still there: what was asked for is so, and nobody is
/// told that nothing was imported.
async fn an_import_sent_twice_was_done(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let node = &operator.node;
    let text = "format = \"tocsin-directory-1\"\n\n[[party]]\nkey = \"council\"\nname = \"Council\"\n";
    let account = node.account(&operator.email("administrator")).await.expect("an answer").expect("an account");
    let person = node.person(account.id).await.expect("a person");
    let mut visitor = Visitor::signed_in(address, &operator.email("administrator"), PASSWORD).await;
    let mut pressed = Vec::new();
    for press in ["first", "second"] {
        let id = node.make_form(&person, IMPORT_DRAFT).await.expect("a form");
        node.keep_draft(&person, id, IMPORT_DRAFT, text.as_bytes().to_vec()).await.expect("kept");
        let path = format!("/import/{id}");
        if pressed.is_empty() {
            pressed = visitor.get(&path).await.page().form("Import").fields();
            pressed.retain(|(name, _)| name != "go");
            pressed.push(("go".to_owned(), "import".to_owned()));
        }
        let done = visitor.post(&path, &pressed).await;
        assert_eq!(
            (done.status, done.header("location")),
            (303, Some("/agreements?done=imported")),
            "the {press} press"
        );
        assert!(node.drafts(&person, IMPORT_DRAFT).await.expect("an answer").is_empty(), "the {press} press");
    }
    let parties = node.export_directory().await.expect("a directory").parties;
    assert_eq!(parties.iter().filter(|party| party.key.as_str() == "council").count(), 1);
}

/// Whoever takes the file out says what for; a text that can't be kept is answered with what is wrong with it.
async fn a_purpose_that_is_no_line_says_why(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let mut visitor = Visitor::signed_in(operator.serve(), &operator.email("administrator"), PASSWORD).await;
    let long = "a".repeat(201);
    for (purpose, words) in [
        ("", "Say what you need the file for"),
        ("\u{200b}", "Say what you need the file for"),
        (&long, "Use 200 characters or fewer"),
        ("For\u{200b}audit", "Remove the characters that can\u{2019}t be seen"),
    ] {
        let mut fields = visitor.get("/export").await.page().form("Download the file").fields();
        fields.retain(|(name, _)| name != "purpose");
        fields.push(("purpose".to_owned(), purpose.to_owned()));
        let refused = visitor.post("/export", &fields).await;
        assert_eq!(refused.status, 422, "{}", purpose.escape_unicode());
        assert!(refused.page().text().contains(words), "{}", refused.page().text());
    }
}

/// A partner paired first is found again by its name in a file; its record then keeps its key.
async fn pairing_and_importing_come_in_either_order(on: On) {
    let world = World::new(on);
    let (operator, council) = (world.party("Operator").await, world.party("Council 1").await);
    world.pair(&operator, &council).await;
    let before = operator.node.export_directory().await.expect("a directory");
    let text = file(1).replace("\"council-1\"", "\"thamesbridge\"");
    let directory = parse(&text, &before).expect("an acceptable file");
    let done = operator.node.import_directory(&operator.administrator(), directory).await.expect("taken");
    let party = done.iter().find(|change| change.what == RecordKind::Party).expect("the party");
    assert_eq!((party.kind, party.key.as_str(), party.ours), (ChangeKind::Changed, "thamesbridge", false));
    let partners = operator.node.partners().await.expect("its partners");
    assert_eq!((partners.len(), partners[0].state), (1, PartnerState::Active));
    let incident = operator.log(log_request(first_hour("Told"), world.now())).await;
    world.settle(&[&operator, &council]).await;
    assert_eq!(operator.incident(incident).await.owed.len(), 1);
    assert_eq!(council.received().await.len(), 1);
}
