//! Agreements, arrangements, services and parties as pages: what is not stated is seen, two editors do not overwrite each
//! other, drafts are kept, an arrangement ends; and the first hour, step by step.

use server::documents::directory::parse;
use server::store::queries::directory::{self, Known, OUR_PARTY};
use tests::node::{PASSWORD, Party, World};
use tests::page::Page;
use tests::visitor::{Answer, Visitor};
use tests::{On, both};

both!(
    every_record_has_its_page,
    of_two_editors_the_second_sees_what_changed,
    what_is_typed_is_kept,
    a_next_version_and_the_arrangements_under_it,
    an_arrangement_ends,
    only_administrators_change_records,
    a_record_is_added_once,
    the_first_hour_is_led,
);

const EXAMPLE: &str = include_str!("../../server/examples/societyworks.toml");

/// A node that holds the example agreement, and its administrator.
async fn with_example(world: &World) -> (Party, Visitor) {
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let known = operator.node.export_directory().await.expect("the directory");
    let file = parse(EXAMPLE, &known).expect("the example is acceptable");
    operator.node.import_directory(&operator.administrator(), file).await.expect("the example is taken");
    let visitor = Visitor::signed_in(address, &operator.email("administrator"), PASSWORD).await;
    (operator, visitor)
}

async fn known(party: &Party) -> Known {
    party.node.store().read(directory::known).await.expect("the directory")
}

async fn council_page(party: &Party) -> String {
    let known = known(party).await;
    let council = known.parties.iter().find(|party| party.id != OUR_PARTY && party.version > 0).expect("the council");
    format!("/parties/{}", council.id)
}

async fn page(visitor: &mut Visitor, path: &str) -> Page {
    let answer = visitor.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.page()
}

/// The form as it stands, with some of it typed anew.
fn typed(page: &Page, button: &str, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut fields = page.form(button).fields();
    fields.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    fields.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    fields
}

fn went_to(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").expect("where to").to_owned()
}

/// Aim: each record of the example has a page that shows gaps as not stated; lists lead there.
async fn every_record_has_its_page(on: On) {
    let world = World::new(on);
    let (operator, mut visitor) = with_example(&world).await;
    let known = known(&operator).await;
    for (path, words) in
        [("/agreements", "48 hours"), ("/services", "FixMyStreet Pro"), ("/parties", "Example Council")]
    {
        assert!(page(&mut visitor, path).await.text().contains(words), "{path} shows {words}");
    }
    let agreement = &known.agreements[0];
    let shown = page(&mut visitor, &format!("/agreements/{}", agreement.id)).await.text();
    for words in
        ["Joint controllers", "Not stated", "What the text at hand does not say", "Version 1", "Example Council"]
    {
        assert!(shown.contains(words), "{words} in {shown}");
    }
    assert!(shown.contains(&agreement.digest.to_string()));
    let arrangement = page(&mut visitor, &format!("/arrangements/{}", known.arrangements[0].id)).await.text();
    assert!(arrangement.contains("From the agreement"), "{arrangement}");
    for service in &known.services {
        page(&mut visitor, &format!("/services/{}", service.id)).await;
        page(&mut visitor, &format!("/services/{}/edit", service.id)).await;
    }
    for party in &known.parties {
        page(&mut visitor, &format!("/parties/{}", party.id)).await;
        page(&mut visitor, &format!("/parties/{}/edit", party.id)).await;
    }
    page(&mut visitor, &format!("/agreements/{}?version=1", agreement.id)).await;
    assert_eq!(visitor.get(&format!("/agreements/{}?version=7", agreement.id)).await.status, 404);
}

/// Aim: who saves second is shown what the first changed, keeps what they typed, and may then save.
async fn of_two_editors_the_second_sees_what_changed(on: On) {
    let world = World::new(on);
    let (operator, mut first) = with_example(&world).await;
    let mut second = first.clone();
    let path = format!("{}/edit", council_page(&operator).await);
    let (early, late) = (page(&mut first, &path).await, page(&mut second, &path).await);
    let saved = first.post(&path, &typed(&early, "Save", &[("sector", "Local government"), ("go", "save")])).await;
    assert!(went_to(&saved).ends_with("?done=saved"));
    let refused = second.post(&path, &typed(&late, "Save", &[("address", "1 High Street"), ("go", "save")])).await;
    assert_eq!(refused.status, 422);
    let shown = refused.page();
    assert!(shown.text().contains("Somebody else saved this"), "{}", shown.text());
    assert!(shown.text().contains("sector") && shown.text().contains("Local government"), "{}", shown.text());
    assert_eq!(shown.labelled("Address").attribute("value"), Some("1 High Street"));
    let fields = typed(&shown, "Save", &[("sector", "Local government"), ("go", "save")]);
    assert!(went_to(&second.post(&path, &fields).await).ends_with("?done=saved"));
    // Sent once more it changes nothing.
    assert!(went_to(&second.post(&path, &fields).await).contains("?done="));
    let known = known(&operator).await;
    let council = known.parties.iter().find(|party| party.record.key.as_str() == "example-council").expect("there");
    assert_eq!(council.version, 3);
    assert_eq!(council.record.address.as_ref().map(ToString::to_string).as_deref(), Some("1 High Street"));
    assert_eq!(council.record.sector.as_ref().map(ToString::to_string).as_deref(), Some("Local government"));
}

/// Aim: what was typed is there again on the next visit, faults are named, and discarding forgets it.
async fn what_is_typed_is_kept(on: On) {
    let world = World::new(on);
    let (operator, mut visitor) = with_example(&world).await;
    let home = council_page(&operator).await;
    let path = format!("{home}/edit");
    let form = page(&mut visitor, &path).await;
    let draft = form.form("Save").attribute("data-draft").expect("where drafts go").to_owned();
    let kept = visitor.post(&draft, &typed(&form, "Save", &[("country", "Wales")])).await;
    assert_eq!((kept.status, kept.text().starts_with("Draft saved at")), (200, true));
    let again = page(&mut visitor, &path).await;
    assert_eq!(again.labelled("Country").attribute("value"), Some("Wales"));
    let faulty = visitor.post(&path, &typed(&again, "Save", &[("name", ""), ("go", "save")])).await;
    assert_eq!(faulty.status, 422);
    assert!(faulty.page().text().contains("Give the legal name"));
    let discarded = visitor.post(&path, &typed(&again, "Save", &[("go", "discard")])).await;
    assert_eq!(went_to(&discarded), home);
    assert_ne!(page(&mut visitor, &path).await.labelled("Country").attribute("value"), Some("Wales"));
}

/// Aim: a changed agreement is its next version; arrangements stay under theirs until they are brought along.
async fn a_next_version_and_the_arrangements_under_it(on: On) {
    let world = World::new(on);
    let (operator, mut visitor) = with_example(&world).await;
    let before = known(&operator).await;
    let home = format!("/agreements/{}", before.agreements[0].id);
    let path = format!("{home}/edit");
    let form = page(&mut visitor, &path).await;
    let saved = visitor.post(&path, &typed(&form, "Save", &[("notice_hours", "24"), ("go", "save")])).await;
    assert!(went_to(&saved).ends_with("?done=saved"), "{}", saved.text());
    let shown = page(&mut visitor, &home).await;
    assert!(shown.text().contains("Version 2") && shown.text().contains("24 hours"), "{}", shown.text());
    assert!(shown.text().contains("Still under an earlier version"));
    assert_eq!(known(&operator).await.arrangements[0].record.agreement_version, 1);
    let moving = page(&mut visitor, &format!("{home}/move")).await;
    let moved = visitor.post(&format!("{home}/move"), &moving.form("Bring them").fields()).await;
    assert!(went_to(&moved).ends_with("?done=moved"));
    let after = known(&operator).await;
    assert_eq!((after.agreements.len(), after.arrangements[0].record.agreement_version), (2, 2));
    let old = page(&mut visitor, &format!("{home}?version=1")).await.text();
    assert!(old.contains("An earlier version") && old.contains("48 hours"), "{old}");
}

/// Aim: an arrangement ends with a reason, stays readable, and can't be changed any more.
async fn an_arrangement_ends(on: On) {
    let world = World::new(on);
    let (operator, mut visitor) = with_example(&world).await;
    let home = format!("/arrangements/{}", known(&operator).await.arrangements[0].id);
    let path = format!("{home}/end");
    let form = page(&mut visitor, &path).await;
    let without = visitor.post(&path, &typed(&form, "End the arrangement", &[("go", "end")])).await;
    assert_eq!(without.status, 422);
    let fields = typed(&form, "End the arrangement", &[("reason", "The service moved."), ("go", "end")]);
    assert!(went_to(&visitor.post(&path, &fields).await).ends_with("?done=ended"));
    assert!(went_to(&visitor.post(&path, &fields).await).ends_with("?done=ended"), "sent twice it ends once");
    let shown = page(&mut visitor, &home).await;
    assert!(shown.text().contains("Ended"), "{}", shown.text());
    assert_eq!(visitor.get(&format!("{home}/edit")).await.status, 404);
    assert!(known(&operator).await.arrangements.is_empty());
    assert!(operator.everything_readable().await.contains("The service moved."), "the reason is on the record");
}

/// Aim: others read; what changes something is refused to them, form or no form.
async fn only_administrators_change_records(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let mut responder = Visitor::signed_in(address, &operator.email("responder"), PASSWORD).await;
    let service = known(&operator).await.services[0].id;
    let shown = page(&mut responder, &format!("/services/{service}")).await;
    assert!(!shown.text().contains("Change it"));
    for path in ["/agreements", "/services", "/parties"] {
        page(&mut responder, path).await;
    }
    let edit = format!("/services/{service}/edit");
    for path in [edit.as_str(), "/services/new", "/parties/new", "/agreements/new", "/arrangements/new"] {
        assert_eq!(responder.get(path).await.status, 403, "{path}");
    }
    let csrf = page(&mut responder, "/").await.form("Sign out").fields();
    assert_eq!(responder.post(&edit, &csrf).await.status, 403);
    assert_eq!(known(&operator).await.directory(), operator.node.export_directory().await.expect("the directory"));
}

/// Aim: adding the same thing twice, by two presses, adds it once and says so.
async fn a_record_is_added_once(on: On) {
    let world = World::new(on);
    let (operator, mut visitor) = with_example(&world).await;
    let form = page(&mut visitor, "/services/new").await;
    let fields = typed(&form, "Add it", &[("name", "Parking Permits"), ("purposes", "Permits\nFines"), ("go", "save")]);
    assert!(went_to(&visitor.post("/services/new", &fields).await).ends_with("?done=added"));
    let twice = visitor.post("/services/new", &fields).await;
    assert_eq!(twice.status, 422);
    assert!(twice.page().text().contains("There is one already"));
    let known = known(&operator).await;
    let added: Vec<_> = known.services.iter().filter(|one| one.record.name.as_str() == "Parking Permits").collect();
    assert_eq!(added.len(), 1);
    assert_eq!(added[0].record.purposes.len(), 2);
}

/// Aim: a new administrator is told the next step; the exercise form is one already; with all done the panel is gone.
async fn the_first_hour_is_led(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let council = world.listening_party("Council").await;
    let address = operator.serve();
    let mut visitor = Visitor::signed_in(address, &operator.email("administrator"), PASSWORD).await;
    let fresh = page(&mut visitor, "/").await;
    assert_eq!(fresh.link("Import an agreement").attribute("href"), Some("/import"));
    assert!(fresh.text().contains("Getting started"));
    let empty = page(&mut visitor, "/agreements").await;
    assert!(empty.text().contains("No agreement is here yet"), "{}", empty.text());
    let mut responder = Visitor::signed_in(address, &operator.email("responder"), PASSWORD).await;
    assert!(!page(&mut responder, "/").await.text().contains("Getting started"));
    let opened = went_to(&responder.get("/incidents/new?exercise=1").await);
    let exercise = page(&mut responder, &opened).await.form("Continue").fields();
    assert!(exercise.contains(&("exercise".to_owned(), "yes".to_owned())), "{exercise:?}");
    world.pair(&operator, &council).await;
    operator.arrange(&council, 48).await;
    let agreed = page(&mut visitor, "/").await;
    assert!(agreed.text().contains("Run an exercise"), "{}", agreed.text());
    let mut drill = tests::node::log_request(tests::facts::first_hour("A drill"), world.now());
    drill.exercise = true;
    operator.log(drill).await;
    assert!(!page(&mut visitor, "/").await.text().contains("Getting started"));
}
