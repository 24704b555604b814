//! Telling the people affected: a message drafted from facts and changed by people, a record of each time that it went out,
//! and what is left of it all after erasure.

use std::net::SocketAddr;

use domain::arrangement::FallbackContact;
use domain::directory::{Agreement, ArrangementRecord, Directory, Key, Party as PartyRecord, PartyRole};
use domain::incident::WithdrawalReason;
use domain::values::{Hours, IncidentId, PersonId};
use serde_json::{Value, json};
use server::access::Scope;
use server::node::telling::letter_draft;
use server::store::queries::directory;
use tests::facts::first_hour;
use tests::node::{PASSWORD, Party, World, line, log_request};
use tests::typing::{faults, fill, form};
use tests::visitor::{Answer, Visitor};
use tests::{On, both};

both!(
    a_message_is_drafted_changed_and_told_in_waves,
    the_second_writer_is_shown_what_changed,
    impossible_records_are_refused_at_their_field,
    who_only_reads_changes_nothing,
    counts_survive_erasure_and_words_and_drafts_do_not,
    a_program_does_the_same,
);

/// A breach at the operator, whose agreement with the council names the client as the contact point for people.
async fn case(world: &World) -> (Party, SocketAddr, IncidentId) {
    let mut operator = world.listening_party("Operator").await;
    let council = world.scripted(&operator, "Council", 48).await;
    let known = operator.node.store().read(directory::known).await.expect("the directory");
    let partner = operator.partner_by(&council.issuer).await;
    let theirs = known.parties.iter().find(|party| party.id == partner.uuid()).expect("their record").record.clone();
    let ours = known.ours().expect("our record").record.clone();
    let contact = FallbackContact {
        who: line("Information rights team"),
        phone: None,
        out_of_hours: None,
        email: Some(line("rights@council.example")),
    };
    let key = |text: &str| -> Key { text.parse().expect("a key") };
    let agreement = Agreement {
        author: Some(ours.key.clone()),
        contact_point: Some(line("client")),
        services: known.services.iter().map(|service| service.record.key.clone()).collect(),
        notice_hours: Some(Hours::new(48).expect("hours")),
        trigger: Some(domain::arrangement::Trigger::BreachOrCircumstances),
        ..Agreement::titled(key("with-clients"), line("Terms for clients"), PartyRole::JointController)
    };
    let terms = Directory {
        arrangements: vec![ArrangementRecord::under(key("council-terms"), &agreement, theirs.key.clone())],
        parties: vec![PartyRecord { dpo: Some(contact), ..theirs }],
        agreements: vec![agreement],
        ..Directory::default()
    };
    operator.node.import_directory(&operator.administrator(), terms).await.expect("the terms are taken");
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let address = operator.serve();
    (operator, address, id)
}

async fn signed_in(party: &Party, address: SocketAddr, mailbox: &str) -> Visitor {
    Visitor::signed_in(address, &party.email(mailbox), PASSWORD).await
}

/// What is missing in a draft from the facts of the first hour.
const WRITTEN: [(&str, &str); 2] = [("consequences", "You may get unwanted calls or mails."), ("go", "save")];

/// Writes the first version on the page.
async fn written(person: &mut Visitor, id: IncidentId) {
    let path = format!("/incidents/{id}/people/message");
    let fields = form(person, &path, "Save this version").await;
    let saved = person.post(&path, &fill(fields, &WRITTEN)).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
}

/// From facts to a message with the council's contact point, through a forgotten part and an address that does not belong
/// there, to letters, a website and the record of both.
async fn a_message_is_drafted_changed_and_told_in_waves(on: On) {
    let world = World::new(on);
    let (operator, address, id) = case(&world).await;
    let mut person = signed_in(&operator, address, "responder").await;
    let incident = person.get(&format!("/incidents/{id}")).await.page();
    assert!(incident.link("Tell the people affected").attribute("href").is_some_and(|href| href.ends_with("/people")));
    let path = format!("/incidents/{id}/people/message");
    let drafted = form(&mut person, &path, "Save this version").await;
    let text =
        |name: &str| drafted.iter().find(|(have, _)| have == name).map(|(_, text)| text.clone()).expect("a part");
    assert!(text("what_happened").contains("your name and contact details"), "{}", text("what_happened"));
    assert!(text("contact").contains("rights@council.example"), "the arrangement's contact point: {}", text("contact"));
    assert!(text("contact").contains("Data protection officer at Operator"), "{}", text("contact"));
    assert_eq!(text("consequences"), "", "nothing is made up");
    let refused = person.post(&path, &fill(drafted.clone(), &[("go", "save")])).await;
    assert_eq!(faults(&refused), ["consequences"]);
    let planted = [("consequences", "Calls, as jane.doe@gmail.com had."), ("go", "save")];
    let looked_at = person.post(&path, &fill(drafted, &planted)).await;
    assert_eq!(faults(&looked_at), ["checked"]);
    let kept = form(&mut person, &path, "Save this version").await;
    assert!(kept.iter().any(|(_, value)| value.contains("jane.doe")), "what was typed is kept as a draft");
    let saved = person.post(&path, &fill(kept, &WRITTEN)).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    world.pass(std::time::Duration::from_secs(14 * 3_600));
    // Nobody stays signed in for so long.
    let mut person = signed_in(&operator, address, "responder").await;
    let letters = told(&mut person, id, &[("channel", "letter"), ("people", "1,140")]).await;
    assert_eq!(letters.status, 303, "{}", letters.text());
    let website = told(&mut person, id, &[("channel", "website"), ("complete", "yes"), ("note", "Start page.")]).await;
    assert_eq!(website.status, 303, "{}", website.text());
    let page = person.get(&format!("/incidents/{id}/people")).await.page();
    for words in ["Everybody told", "14 hours after we became aware", "1,140 people in all", "Start page.", "Website"] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    let letter = person.get(&format!("/incidents/{id}/people/letter")).await.page();
    assert!(letter.text().contains("You may get unwanted calls") && letter.text().contains("Who to contact"));
    let timeline = person.get(&format!("/incidents/{id}/timeline")).await.page();
    assert!(timeline.text().contains("1,140 people told by letter at"), "{}", timeline.text());
    struck(&mut person, &operator, id).await;
    let (live, rebuilt) = operator.rebuilt(on).await;
    assert!(live == rebuilt);
}

/// Fills in the form that records people told, and sends it twice, as a double press does.
async fn told(person: &mut Visitor, id: IncidentId, typed: &[(&str, &str)]) -> Answer {
    let path = format!("/incidents/{id}/people/told");
    let fields = fill(form(person, &path, "Record it").await, typed);
    let first = person.post(&path, &fields).await;
    let again = person.post(&path, &fields).await;
    assert_eq!(first.status, again.status);
    first
}

/// A record made in error is struck out with a reason; it stays to be seen and counts no more.
async fn struck(person: &mut Visitor, operator: &Party, id: IncidentId) {
    assert_eq!(operator.incident(id).await.telling.waves.len(), 2, "each form recorded once");
    let path = format!("/incidents/{id}/people/told/1/strike");
    let fields = form(person, &path, "Strike it out").await;
    assert_eq!(faults(&person.post(&path, &fields).await), ["reason"]);
    let answer = person.post(&path, &fill(fields, &[("reason", "It was 1,104.")])).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let page = person.get(&format!("/incidents/{id}/people")).await.page();
    assert!(page.text().contains("Struck out") && page.text().contains("It was 1,104."), "{}", page.text());
    assert_eq!(operator.incident(id).await.telling.people(), 0);
    assert_eq!(person.get(&path).await.status, 404, "once is enough");
}

/// Two people open the message; the second to save is shown what the first changed, keeps what they typed, and both
/// versions stay on record.
async fn the_second_writer_is_shown_what_changed(on: On) {
    let world = World::new(on);
    let (operator, address, id) = case(&world).await;
    let mut first = signed_in(&operator, address, "responder").await;
    let mut second = signed_in(&operator, address, "dpo").await;
    written(&mut first, id).await;
    let path = format!("/incidents/{id}/people/message");
    let opened = form(&mut second, &path, "Save this version").await;
    let fields = form(&mut first, &path, "Save this version").await;
    let saved = first.post(&path, &fill(fields, &[("advice", "Change your password."), ("go", "save")])).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    let late = second.post(&path, &fill(opened, &[("advice", "Do nothing."), ("go", "save")])).await;
    assert_eq!(late.status, 422);
    assert!(late.page().text().contains("Change your password.") && late.text().contains("Do nothing."));
    assert_eq!(operator.incident(id).await.telling.versions.len(), 2, "nothing was overwritten");
    let fields = late.page().form("Save this version").fields();
    let saved = second.post(&path, &fill(fields, &[("go", "save")])).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    let page = second.get(&format!("/incidents/{id}/people")).await.page();
    assert!(page.text().contains("Do nothing.") && page.text().contains("Earlier versions"));
    let earlier = second.get(&format!("/incidents/{id}/people/letter?version=2")).await.page();
    assert!(earlier.text().contains("Change your password."));
    assert_eq!(second.get(&format!("/incidents/{id}/people/letter?version=9")).await.status, 404);
}

/// A time to come, a time before awareness, a count with words, none at all, a channel that is none, 200 KB of text: each is
/// refused at its field, what was typed stays, and nothing is recorded.
async fn impossible_records_are_refused_at_their_field(on: On) {
    let world = World::new(on);
    let (operator, address, id) = case(&world).await;
    let mut person = signed_in(&operator, address, "dpo").await;
    assert_eq!(
        person.get(&format!("/incidents/{id}/people/told")).await.status,
        404,
        "without a message, no record of it"
    );
    written(&mut person, id).await;
    let path = format!("/incidents/{id}/people/told");
    let fields = form(&mut person, &path, "Record it").await;
    let long = "a".repeat(200 * 1_024);
    let good = [("channel", "letter"), ("people", "140")];
    for (wrong, field) in [
        (("at-year", "2031"), "at-day"),
        (("at-year", "2025"), "at-day"),
        (("people", "many"), "people"),
        (("people", "10000001"), "people"),
        (("people", ""), "people"),
        (("channel", "pigeon"), "channel"),
        (("version", "9"), "version"),
        (("note", long.as_str()), "note"),
    ] {
        let typed = fill(fill(fields.clone(), &good), &[wrong]);
        let answer = person.post(&path, &typed).await;
        assert_eq!(faults(&answer), [field], "{} is refused", wrong.0);
    }
    assert!(operator.incident(id).await.telling.waves.is_empty());
    let message = format!("/incidents/{id}/people/message");
    let fields = form(&mut person, &message, "Save this version").await;
    let answer = person.post(&message, &fill(fields, &[("advice", long.as_str()), ("go", "save")])).await;
    assert_eq!(faults(&answer), ["advice"]);
    assert_eq!(operator.incident(id).await.telling.versions.len(), 1);
}

/// A manager and an auditor read all of it and are offered nothing; who posts all the same is refused.
async fn who_only_reads_changes_nothing(on: On) {
    let world = World::new(on);
    let (operator, address, id) = case(&world).await;
    let mut writer = signed_in(&operator, address, "responder").await;
    written(&mut writer, id).await;
    let fields = form(&mut writer, &format!("/incidents/{id}/people/told"), "Record it").await;
    for mailbox in ["manager", "auditor"] {
        let mut person = signed_in(&operator, address, mailbox).await;
        let page = person.get(&format!("/incidents/{id}/people")).await;
        assert!(page.status == 200 && page.text().contains("Print the message"), "{}", page.text());
        assert!(!page.text().contains("Record that people were told") && !page.text().contains("Change the message"));
        for path in ["message", "told"] {
            assert_eq!(person.get(&format!("/incidents/{id}/people/{path}")).await.status, 403, "{mailbox}: {path}");
        }
        let csrf = page.page().form("Sign out").fields();
        let typed = fill(fields.clone(), &[("csrf", &csrf[0].1), ("channel", "letter"), ("people", "1")]);
        assert_eq!(person.post(&format!("/incidents/{id}/people/told"), &typed).await.status, 403);
    }
    assert!(operator.incident(id).await.telling.waves.is_empty());
}

/// After erasure the page still says when, how and how many; no words of message, note or anybody's draft are left.
async fn counts_survive_erasure_and_words_and_drafts_do_not(on: On) {
    let world = World::new(on);
    let (operator, address, id) = case(&world).await;
    let mut person = signed_in(&operator, address, "responder").await;
    written(&mut person, id).await;
    told(&mut person, id, &[("channel", "email"), ("people", "77"), ("note", "Lighthouse keepers.")]).await;
    let path = format!("/incidents/{id}/people/message");
    let fields = form(&mut person, &path, "Save this version").await;
    let draft = fill(fields, &[("advice", "Ask the lighthouse."), ("go", "keep")]);
    assert_eq!(person.post(&path, &draft).await.status, 303);
    let account = operator.node.account(&operator.email("responder")).await.expect("answers").expect("an account");
    let kept = async |who: PersonId| {
        let signed_in = operator.node.person(who).await.expect("a person");
        operator.node.draft(&signed_in, letter_draft(id, who)).await.expect("answers")
    };
    assert!(kept(account.id).await.is_some());
    let reason = WithdrawalReason::SentInError;
    operator.node.withdraw(&operator.responder(), id, reason, None).await.expect("withdrawn");
    world.settle(&[&operator]).await;
    operator.node.anonymise(&operator.administrator(), id).await.expect("erased");
    assert!(kept(account.id).await.is_none(), "the draft is gone too");
    let late = person.post(&path, &draft).await;
    assert_eq!(late.status, 409, "nothing is kept about an erased incident: {}", late.text());
    let page = person.get(&format!("/incidents/{id}/people")).await.page();
    assert!(page.text().contains("E-mail, 77 people"), "{}", page.text());
    assert!(!operator.everything_readable().await.to_lowercase().contains("lighthouse"));
    operator.verify_ledger().await;
    let (live, rebuilt) = operator.rebuilt(on).await;
    assert!(live == rebuilt);
}

/// The same through the API: proposal, version by ETag, what is wrong by member, record, strike.
async fn a_program_does_the_same(on: On) {
    let world = World::new(on);
    let (operator, address, id) = case(&world).await;
    let program = program(&operator, address, &[Scope::Read, Scope::Respond]).await;
    let path = |rest: &str| format!("/api/v1/incidents/{id}/people{rest}");
    let proposal = send(&program, "GET", &path("/proposal"), &[], &Value::Null).await.json();
    assert_eq!(proposal["missing"], json!(["consequences"]));
    let mut message = json!({});
    for part in proposal["parts"].as_array().expect("parts") {
        message[part["name"].as_str().expect("a name")] = part["text"].clone();
    }
    message["consequences"] = json!("You may get unwanted calls.");
    let body = json!({ "message": message });
    let none = send(&program, "GET", &path("/message"), &[], &Value::Null).await;
    assert_eq!(none.json()["version"], 0);
    let etag = none.header("etag").expect("a version").to_owned();
    let saved = send(&program, "PUT", &path("/message"), &[("If-Match", &etag)], &body).await;
    assert_eq!((saved.status, saved.json()["version"].as_u64()), (200, Some(1)), "{}", saved.text());
    let stale = send(&program, "PUT", &path("/message"), &[("If-Match", &etag)], &body).await;
    assert_eq!((stale.status, stale.json()["type"].as_str()), (412, Some("/problems/changed-meanwhile")));
    let at = world.now().to_string();
    let record = |people: Value| json!({ "at": at, "channel": "letter", "people": people, "version": 1 });
    for (n, people) in [json!("140"), json!(-1), json!(null), json!(20_000_000)].into_iter().enumerate() {
        let key = format!("wrong-{n}");
        let answer = send(&program, "POST", &path("/told"), &[("Idempotency-Key", &key)], &record(people)).await;
        assert!([409, 422].contains(&answer.status), "{}", answer.text());
    }
    for _ in 0..2 {
        let answer = send(&program, "POST", &path("/told"), &[("Idempotency-Key", "once")], &record(json!(140))).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
    }
    let shown = send(&program, "GET", &path(""), &[], &Value::Null).await.json();
    assert_eq!((shown["state"].as_str(), shown["people"].as_u64()), (Some("Some told"), Some(140)));
    assert_eq!(shown["told"].as_array().map(Vec::len), Some(1), "the same key records once");
    let strike = json!({ "number": 1, "reason": "A typing error." });
    let struck = send(&program, "POST", &path("/strike"), &[("Idempotency-Key", "strike")], &strike).await;
    assert_eq!(struck.status, 204, "{}", struck.text());
    assert_eq!(send(&program, "GET", &path(""), &[], &Value::Null).await.json()["state"], "Nobody told yet");
}

/// A program of the responder.
async fn program(party: &Party, address: SocketAddr, scopes: &[Scope]) -> Visitor {
    let account = party.node.account(&party.email("responder")).await.expect("answers").expect("an account");
    let person = party.node.person(account.id).await.expect("a person");
    let ends = party.node.time().elapsed().plus_seconds(86_400);
    let (_, token) = party.node.add_token(&person, line("A program"), scopes.to_vec(), ends).await.expect("a token");
    Visitor::with_token(address, &token)
}

async fn send(program: &Visitor, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Answer {
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend_from_slice(more);
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    program.send(method, path, &headers, &body).await.unwrap_or_else(|| panic!("no answer to {method} {path}"))
}
