//! Exercises across organisations: chosen partners are told of something that has not happened, and afterwards the report
//! says who received it, who read it, how long each took, what failed, and whom somebody tried out of hours.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::values::{IncidentId, PartnerId};
use serde_json::{Value, json};
use server::access::Scope;
use server::store::queries::exercises;
use tests::browser::Browser;
use tests::node::{PASSWORD, Party, World, line, payload};
use tests::page::Page;
use tests::partner::Scripted;
use tests::visitor::{Answer, Visitor};
use tests::wire::Line;
use tests::{On, both};
use webhooks::message::{Acknowledged, Event, Person, Stance};
use webhooks::values::WireTime;

both!(
    an_exercise_is_run_and_reported,
    only_chosen_partners_take_part_and_only_once,
    what_is_wrong_about_an_exercise_is_said,
    a_year_without_one_is_a_reminder,
    programs_run_exercises,
    pages_of_exercises_are_accessible,
);

const DAY: u64 = 86_400;

async fn visitor(party: &Party, address: SocketAddr, mailbox: &str) -> Visitor {
    Visitor::signed_in(address, &party.email(mailbox), PASSWORD).await
}

fn typed(page: &Page, button: &str, typed: &[(&str, &str)]) -> (String, Vec<(String, String)>) {
    let form = page.form(button);
    let mut fields = form.fields();
    for (name, _) in typed {
        fields.retain(|(have, _)| have != name);
    }
    fields.extend(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    (form.attribute("action").expect("an address").to_owned(), fields)
}

async fn submit(visitor: &mut Visitor, page: &Page, button: &str, answers: &[(&str, &str)]) -> Answer {
    let (action, fields) = typed(page, button, answers);
    visitor.post(&action, &fields).await
}

/// Starts one on the page; gives the page of its report.
async fn started(visitor: &mut Visitor, answers: &[(&str, &str)]) -> String {
    let page = visitor.get("/exercises/new").await.page();
    let answer = submit(visitor, &page, "Start the exercise", answers).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").expect("an address").to_owned()
}

fn id_of(path: &str) -> IncidentId {
    path.rsplit('/').next().expect("an id").parse().expect("an id")
}

fn row(page: &Page, name: &str) -> String {
    let found = page.all("tr").iter().map(|row| row.text()).find(|text| text.contains(name));
    found.unwrap_or_else(|| panic!("no row of {name} in {}", page.text()))
}

/// Somebody at a partner has read it, in an exercise.
fn acknowledged(partner: &Scripted, case: &str, now: i64) -> String {
    partner.message(case, now, |seq, prev, checkpoint| {
        Event::Acknowledged(Acknowledged {
            seq,
            prev,
            checkpoint,
            revision_seen: 1,
            stance: Stance::NotAffected,
            reference: None,
            by: Person { name: "R. Example".to_owned(), role: "data_protection_officer".to_owned() },
            at: WireTime::from_unix(now).expect("an instant"),
            deleted: false,
            exercise: true,
        })
    })
}

fn told(partner: &Scripted) -> usize {
    partner.received().iter().filter(|set| set.claims().txn.is_some()).count()
}

/// A manager starts it; one partner receives and reads it, one can't be reached until later, and somebody tries its duty
/// officer. The report says all that, leaves as a table, and stays when the exercise has ended; no clock of it is legal
/// and none counts.
async fn an_exercise_is_run_and_reported(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let reader = world.scripted(&operator, "Reader Council", 48).await;
    let silent = world.scripted(&operator, "Silent Council", 48).await;
    let address = operator.serve();
    world.wire.set(&silent.issuer, Line::Down);
    let mut manager = visitor(&operator, address, "manager").await;
    let path = started(&mut manager, &[("scenario", "lost_device"), ("whom", "all"), ("note", "Ring Robin.")]).await;
    world.settle(&[&operator]).await;
    let notice = reader.received().into_iter().find(|set| set.claims().txn.is_some()).expect("the notice");
    let payload = payload(&world.wire, &reader.issuer, "notified");
    let payload = String::from_utf8_lossy(&payload);
    assert!(payload.contains("\"exercise\":true"), "it is marked on the wire: {payload}");
    assert!(payload.contains("Ring Robin."), "in the organiser's words: {payload}");
    world.pass(Duration::from_secs(600));
    let case = notice.claims().txn.clone().expect("a case");
    let read = acknowledged(&reader, &case, world.now().unix_seconds());
    operator.take(&read).await.expect("taken");
    let page = manager.get(&path).await.page();
    let contact = page.all("a").into_iter().find(|link| link.text().contains("at Silent Council")).expect("a link");
    let form = manager.get(contact.attribute("href").expect("an address")).await.page();
    let answers = [("whom", "Duty officer"), ("reached", "no"), ("note", "The line was dead.")];
    let recorded = submit(&mut manager, &form, "Record it", &answers).await;
    assert_eq!(recorded.status, 303, "{}", recorded.text());
    world.wire.set(&silent.issuer, Line::Up);
    world.pass(Duration::from_secs(3_600));
    world.settle(&[&operator]).await;
    let report = manager.get(&path).await.page();
    let good = row(&report, "Reader Council");
    assert!(good.contains("signed receipt") && good.contains("after 10 minutes: R. Example"), "{good}");
    let late = row(&report, "Silent Council");
    assert!(late.contains("after 1 hour 10 minutes") && late.contains("not reached"), "{late}");
    assert!(late.contains("Duty officer") && late.contains("The line was dead."), "{late}");
    assert!(report.text().contains("EXERCISE") && report.text().contains("1 tried, 0 answered"), "{}", report.text());
    assert!(report.text().contains("2 of 2; half of them within"), "{}", report.text());
    let table = submit(&mut manager, &report, "Download as a table", &[]).await;
    assert!(table.header("content-disposition").is_some_and(|name| name.contains("EXERCISE-")));
    assert!(table.text().lines().skip(1).all(|line| line.starts_with("EXERCISE,")), "{}", table.text());
    assert!(table.text().contains("node not_reached "), "{}", table.text());
    let end = manager.get(&format!("{path}/end")).await.page();
    assert_eq!(submit(&mut manager, &end, "End the exercise", &[]).await.status, 303);
    world.settle(&[&operator]).await;
    let ended = operator.incident(id_of(&path)).await;
    for owed in &ended.owed {
        let exchange = operator.exchange(owed.exchange).await;
        assert!(exchange.exercise && exchange.notice_clock.is_some_and(|clock| !clock.is_open()));
    }
    let after = manager.get(&path).await.page();
    assert!(row(&after, "Reader Council").contains("R. Example"), "the report stays");
    let counts = operator
        .node
        .store()
        .read(|rows| {
            server::store::queries::clocks::strip(
                rows,
                domain::values::Moment::from_unix_seconds(0).expect("an instant"),
            )
        })
        .await;
    assert_eq!(counts.expect("the store answers").met, 0, "out of statistics");
}

/// Those ticked take part and nobody else; the same form again starts nothing; terms about breaches only and no terms at
/// all are no hindrance.
async fn only_chosen_partners_take_part_and_only_once(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let chosen = world.scripted(&operator, "Chosen Council", 48).await;
    let other = world.scripted(&operator, "Other Council", 48).await;
    let bare = Arc::new(Scripted::new("Bare Council", "https://bare-council.example"));
    world.wire.join_scripted(&bare);
    operator.pair_scripted(&bare).await;
    world.settle(&[&operator]).await;
    let address = operator.serve();
    let mut visitor = visitor(&operator, address, "responder").await;
    let page = visitor.get("/exercises/new").await.page();
    let ids = [operator.partner_by(&chosen.issuer).await, operator.partner_by(&bare.issuer).await];
    let (action, mut fields) = typed(&page, "Start the exercise", &[("whom", "some")]);
    fields.extend(ids.map(|id: PartnerId| ("partners".to_owned(), id.to_string())));
    let first = visitor.post(&action, &fields).await;
    let again = visitor.post(&action, &fields).await;
    assert_eq!((first.status, again.status), (303, 303), "{}", first.text());
    assert_eq!(first.header("location"), again.header("location"), "one form starts one exercise");
    world.settle(&[&operator]).await;
    assert_eq!((told(&chosen), told(&bare), told(&other)), (1, 1, 0));
    let list = visitor.get("/exercises").await.page();
    assert_eq!(list.all("tr").len(), 2, "{}", list.text());
}

/// Nobody ticked, a partner who can't be reached, a contact tried before it began, no answer given, somebody who may only
/// look: each is refused in words, and nothing starts.
async fn what_is_wrong_about_an_exercise_is_said(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    let address = operator.serve();
    let mut responder = visitor(&operator, address, "responder").await;
    let page = responder.get("/exercises/new").await.page();
    let nobody = submit(&mut responder, &page, "Start the exercise", &[("whom", "some")]).await;
    assert_eq!(nobody.status, 422);
    assert!(nobody.text().contains("Tick at least one partner"));
    let stranger = operator.node.time().fresh_id().to_string();
    let answers = [("whom", "some"), ("partners", stranger.as_str())];
    let unknown = submit(&mut responder, &page, "Start the exercise", &answers).await;
    assert_eq!(unknown.status, 422);
    assert!(unknown.text().contains("Choose partners who can be reached"), "{}", unknown.text());
    let odd = submit(&mut responder, &page, "Start the exercise", &[("scenario", "planted"), ("whom", "")]).await;
    assert_eq!(odd.status, 422);
    let mut auditor = visitor(&operator, address, "auditor").await;
    assert_eq!(auditor.get("/exercises").await.status, 200);
    assert_eq!(auditor.get("/exercises/new").await.status, 403);
    assert_eq!(told(&partner), 0, "nothing has started");

    let path = started(&mut responder, &[]).await;
    let exchange = operator.incident(id_of(&path)).await.owed[0].exchange;
    let form = responder.get(&format!("{path}/contact?exchange={exchange}")).await.page();
    let blank = submit(&mut responder, &form, "Record it", &[("whom", " ")]).await;
    assert_eq!(blank.status, 422);
    assert!(blank.text().contains("Say whether anybody answered"), "{}", blank.text());
    let early = [("whom", "Duty officer"), ("reached", "yes"), ("at-time", "03:00")];
    let early = submit(&mut responder, &form, "Record it", &early).await;
    assert!(early.status == 422 && early.text().contains("before the exercise began"), "{}", early.text());
    let report = auditor.get(&path).await.page();
    assert!(!report.text().contains("Record one tried") && !report.text().contains("End the exercise"));
    let csrf: Vec<_> =
        report.form("Download as a table").fields().into_iter().filter(|(name, _)| name == "csrf").collect();
    for action in ["end", "contact"] {
        assert_eq!(auditor.post(&format!("{path}/{action}"), &csrf).await.status, 403, "{action}");
    }
    let real =
        operator.log(tests::node::log_request(tests::facts::first_hour("A mailbox was open"), world.now())).await;
    assert_eq!(responder.get(&format!("/exercises/{real}")).await.status, 404, "a real incident is no exercise");
    assert_eq!(
        responder.post(&format!("/exercises/{real}/end"), &csrf_of(&mut responder.clone()).await).await.status,
        404
    );
}

async fn csrf_of(visitor: &mut Visitor) -> Vec<(String, String)> {
    let page = visitor.get("/exercises/new").await.page();
    page.form("Start the exercise").fields().into_iter().filter(|(name, _)| name == "csrf").collect()
}

/// A young node is left alone; after its first month somebody is reminded; an exercise ends the reminder for a year.
async fn a_year_without_one_is_a_reminder(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    let address = operator.serve();
    let reminded = async |after: u64| {
        world.pass(Duration::from_secs(after));
        world.settle(&[&operator]).await;
        let mut visitor = visitor(&operator, address, "responder").await;
        let home = visitor.get("/").await.page();
        home.text().contains("No exercise was run with partners for a year")
    };
    assert!(!reminded(29 * DAY).await, "in the first month");
    assert!(reminded(2 * DAY).await, "after it");
    let mut responder = visitor(&operator, address, "responder").await;
    let home = responder.get("/").await.page();
    assert!(home.all("a").iter().any(|link| link.attribute("href") == Some("/exercises")), "{}", home.text());
    started(&mut responder, &[]).await;
    world.settle(&[&operator]).await;
    assert_eq!(told(&partner), 1);
    assert!(!reminded(DAY).await, "one was run");
    assert!(!reminded(363 * DAY).await, "within the year");
    assert!(reminded(2 * DAY).await, "a year after it");
}

/// A program starts one, reads its report, records a contact and ends it; a token that only reads does none of it.
async fn programs_run_exercises(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let _partner = world.scripted(&operator, "Council", 48).await;
    let address = operator.serve();
    let account = operator.node.account(&operator.email("responder")).await.expect("the store answers");
    let person = operator.node.person(account.expect("an account").id).await.expect("a person");
    let ends = operator.node.time().elapsed().plus_seconds(86_400);
    let mut programs = Vec::new();
    for scopes in [vec![Scope::Read], vec![Scope::Read, Scope::Respond]] {
        let (_, token) = operator.node.add_token(&person, line("Tests"), scopes, ends).await.expect("a token");
        programs.push(Visitor::with_token(address, &token));
    }
    let post = async |program: &Visitor, path: String, key: &str, body: Value| {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        program.send("POST", &format!("/api/v1{path}"), &headers, body.as_bytes()).await.expect("an answer")
    };
    let start = json!({ "scenario": "supplier" });
    assert_eq!(post(&programs[0], "/exercises".to_owned(), "k1", start.clone()).await.status, 403);
    let wrong = post(&programs[1], "/exercises".to_owned(), "k2", json!({ "scenario": "planted" })).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text());
    let made = post(&programs[1], "/exercises".to_owned(), "k3", start.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let again = post(&programs[1], "/exercises".to_owned(), "k3", start).await;
    assert_eq!(made.json(), again.json(), "one key starts one exercise");
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    world.settle(&[&operator]).await;
    let get =
        async |path: String| programs[0].send("GET", &format!("/api/v1{path}"), &[], b"").await.expect("an answer");
    let report = get(format!("/exercises/{id}")).await.json();
    assert_eq!(report["partners"][0]["received_by"], "signed_receipt", "{report}");
    let tried = json!({
        "exchange": report["partners"][0]["exchange"], "whom": "Duty officer", "reached": true,
        "tried_at": operator.node.now().to_string(),
    });
    assert_eq!(post(&programs[1], format!("/exercises/{id}/contacts"), "k4", tried).await.status, 204);
    assert_eq!(post(&programs[1], format!("/exercises/{id}/end"), "k5", Value::Null).await.status, 204);
    let report = get(format!("/exercises/{id}")).await.json();
    assert_eq!(report["partners"][0]["contacts_tried"][0]["whom"], "Duty officer", "{report}");
    assert_eq!(get("/exercises".to_owned()).await.json()["items"].as_array().map(Vec::len), Some(1));
    let count = operator.node.store().read(|rows| exercises::newest(rows, None, 10)).await.expect("the store answers");
    assert_eq!(count.items.len(), 1);
}

/// A browser finds nothing wrong with the pages, on a telephone's width neither.
async fn pages_of_exercises_are_accessible(on: On) {
    if on == On::Postgres {
        return; // The database makes no difference to a page's markup.
    }
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let _partner = world.scripted(&operator, "Council", 48).await;
    let address = operator.serve();
    let path = started(&mut visitor(&operator, address, "responder").await, &[]).await;
    world.settle(&[&operator]).await;
    let exchange = operator.incident(id_of(&path)).await.owed[0].exchange;
    let origin = format!("http://{address}");
    for width in [320, 1280] {
        let browser = Browser::open(width).await;
        browser.sign_in(&origin, &operator.email("responder"), PASSWORD).await;
        let contact = format!("{path}/contact?exchange={exchange}");
        for page in ["/exercises", "/exercises/new", &path, &contact, &format!("{path}/end")] {
            browser.go(&format!("{origin}{page}")).await;
            assert_eq!(browser.violations().await, Vec::<String>::new(), "{page} at {width}");
            assert_eq!(browser.overflow().await, 0, "{page} at {width} is too wide");
        }
        browser.close().await;
    }
}
