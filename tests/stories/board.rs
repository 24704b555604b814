//! The partner board: how far each partner has come and by what evidence, what each has not seen, and what a person does
//! about those who are not told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::clock::ClockState;
use domain::exchange::{Call, CallChannel};
use domain::values::{ExchangeId, IncidentId};
use serde_json::{Value, json};
use server::access::Scope;
use tests::browser::Browser;
use tests::facts::first_hour;
use tests::node::{PASSWORD, Party, World, line, log_request};
use tests::page::Page;
use tests::partner::{Behaviour, Scripted};
use tests::typing::submit;
use tests::visitor::Visitor;
use tests::wire::Line;
use tests::{On, both};
use webhooks::message::Stance;

both!(
    the_board_says_how_far_each_has_come,
    a_person_has_them_tried_now,
    a_refused_message_is_said_again,
    what_they_have_not_seen_is_shown,
    a_log_without_a_message_says_so,
    one_state_has_one_name,
    programs_see_the_board,
    the_board_is_for_readers_and_its_buttons_for_responders,
);

/// An answer by which a node refuses for good.
const REFUSES: &str = r#"{"err":"invalid_request","description":"The request is not acceptable."}"#;

/// An operator with partners that each stand elsewhere.
struct Stage {
    operator: Party,
    address: SocketAddr,
    /// Signs, and has read it.
    reader: Arc<Scripted>,
    /// Nothing reaches it.
    silent: Arc<Scripted>,
    /// Refuses for good.
    refusing: Arc<Scripted>,
    id: IncidentId,
}

impl Stage {
    /// Everything was tried once: one partner has read it, one was not reached and was telephoned, one refused it.
    async fn set(world: &World) -> Self {
        let mut operator = world.listening_party("Operator").await;
        let reader = world.scripted(&operator, "Reader Council", 48).await;
        let silent = world.scripted(&operator, "Silent Council", 48).await;
        let refusing = world.scripted(&operator, "Refusing Council", 48).await;
        world.wire.set(&silent.issuer, Line::Down);
        refusing.behave(Behaviour::Answer(400, REFUSES));
        let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
        world.settle(&[&operator]).await;
        world.pass(Duration::from_secs(2));
        let case = reader.received().iter().find_map(|set| set.claims().txn.clone()).expect("the notice");
        let said = reader.acknowledged(&case, Stance::Affected, world.now().unix_seconds());
        operator.take(&said).await.expect("taken");
        world.settle(&[&operator]).await;
        let address = operator.serve();
        Self { operator, address, reader, silent, refusing, id }
    }

    async fn exchange(&self, partner: &Scripted) -> ExchangeId {
        let partner = self.operator.partner_by(&partner.issuer).await;
        let incident = self.operator.incident(self.id).await;
        incident.owed.iter().find(|owed| owed.partner == partner).expect("owed").exchange
    }

    async fn visitor(&self, mailbox: &str) -> Visitor {
        Visitor::signed_in(self.address, &self.operator.email(mailbox), PASSWORD).await
    }

    fn board(&self) -> String {
        format!("/incidents/{}/partners", self.id)
    }
}

/// The row of a partner.
fn row(page: &Page, name: &str) -> String {
    let rows = page.all("tr");
    let found = rows.iter().map(|row| row.text()).find(|text| text.contains(name));
    found.unwrap_or_else(|| panic!("no row of {name} in {}", page.text()))
}

fn notices(partner: &Scripted) -> usize {
    partner.received().iter().filter(|set| set.claims().txn.is_some()).count()
}

/// Each row names state, evidence, the version held and the next attempt with its reason; the counts above filter; the
/// table leaves as a file, which is on the record.
async fn the_board_says_how_far_each_has_come(on: On) {
    let world = World::new(on);
    let stage = Stage::set(&world).await;
    let call = Call {
        to_whom: line("Duty desk"),
        how: CallChannel::Telephone,
        at: world.now(),
        note: None,
        backdate_reason: None,
    };
    let silent = stage.exchange(&stage.silent).await;
    let mut visitor = stage.visitor("responder").await;
    let page = visitor.get(&stage.board()).await.page();
    let read = row(&page, "Reader Council");
    for words in ["Affected", "read by R. Example", "signed", "THEIRS-17", "version 1 of 1"] {
        assert!(read.contains(words), "{words}: {read}");
    }
    let unreached = row(&page, "Silent Council");
    for words in ["Not delivered", "none of 1 version", "Next attempt in", "1 attempt", "not reached"] {
        assert!(unreached.contains(words), "{words}: {unreached}");
    }
    let refused = row(&page, "Refusing Council");
    assert!(refused.contains("it waits for a person"), "{refused}");
    stage.operator.node.record_call(&stage.operator.responder(), silent, call).await.expect("recorded");
    let told = visitor.get(&format!("{}?state=told", stage.board())).await.page();
    assert!(row(&told, "Silent Council").contains("by telephone"));
    assert!(!told.text().contains("Reader Council"), "the filter leaves the others out");
    let file = submit(&mut visitor, &page, "Download as a table", &[]).await;
    assert_eq!(file.status, 200, "{}", file.text());
    assert!(file.header("content-disposition").is_some_and(|name| name.contains("-partners.csv")));
    let table = file.text();
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.contains("Reader Council,node,affected,signed,1,1,"), "{table}");
    let record = stage.operator.everything_readable().await;
    assert!(record.lines().any(|line| line.contains("board_exported") && line.contains("Responder")));
}

/// The button ends the wait: the message goes at once, without time passing. Without it, it rests.
async fn a_person_has_them_tried_now(on: On) {
    let world = World::new(on);
    let stage = Stage::set(&world).await;
    world.wire.set(&stage.silent.issuer, Line::Up);
    world.settle(&[&stage.operator]).await;
    assert_eq!(notices(&stage.silent), 0, "it waits for its back-off");
    let mut visitor = stage.visitor("responder").await;
    let page = visitor.get(&stage.board()).await.page();
    let done = submit(&mut visitor, &page, "Try all of them now", &[]).await;
    assert_eq!(done.status, 303, "{}", done.text());
    world.settle(&[&stage.operator]).await;
    assert_eq!(notices(&stage.silent), 1);
    let after = visitor.get(done.header("location").expect("an address")).await.page();
    assert!(after.text().contains("1 partner is being tried now"), "{}", after.text());
    assert!(row(&after, "Silent Council").contains("Delivered, nobody has read it"));
    let exchange = stage.exchange(&stage.refusing).await;
    stage.refusing.behave(Behaviour::Accept);
    let one = visitor.get(&format!("/exchanges/{exchange}")).await.page();
    assert!(!one.text().contains("Try to reach them now"), "a refused message is not hurried but said again");
}

/// A refused message is said again under a new id with the same content: the partner stores it once, the duty is met, and
/// the log names both; without a reason nothing happens.
async fn a_refused_message_is_said_again(on: On) {
    let world = World::new(on);
    let stage = Stage::set(&world).await;
    stage.refusing.behave(Behaviour::Accept);
    let exchange = stage.exchange(&stage.refusing).await;
    let mut visitor = stage.visitor("responder").await;
    let page = visitor.get(&format!("/exchanges/{exchange}")).await.page();
    let link = page.link("Send it again as a new message").attribute("href").expect("an address").to_owned();
    let form = visitor.get(&link).await.page();
    let empty = submit(&mut visitor, &form, "Send it again", &[("reason", " ")]).await;
    assert_eq!(empty.status, 422, "{}", empty.text());
    let done = submit(&mut visitor, &form, "Send it again", &[("reason", "Their filter was put right.")]).await;
    assert_eq!(done.status, 303, "{}", done.text());
    world.settle(&[&stage.operator]).await;
    assert_eq!(notices(&stage.refusing), 1);
    let state = stage.operator.exchange(exchange).await;
    let clock = state.notice_clock.expect("a clock");
    assert!(matches!(clock.state, ClockState::Met { .. }), "the receipt of the new message meets the duty");
    assert_eq!(state.notices.iter().map(|notice| notice.revision).collect::<Vec<_>>(), [1, 1]);
    let again = submit(&mut visitor, &form, "Send it again", &[("reason", "Once more.")]).await;
    assert_eq!(again.status, 404, "it is not parked any more: {}", again.text());
    let after = visitor.get(&format!("/exchanges/{exchange}")).await.page();
    assert!(after.text().contains("Delivered"), "{}", after.text());
    let log = format!("/exchanges/{exchange}/deliveries?message={}", state.notices[1].message);
    let log = visitor.get(&log).await.page();
    assert!(log.text().contains("It says a refused message again"), "{}", log.text());
    assert!(log.text().contains("a signed receipt came back"), "{}", log.text());
    stage.operator.verify_ledger().await;
    let (kept, rebuilt) = stage.operator.rebuilt(on).await;
    assert_eq!(kept, rebuilt);
}

/// Facts that changed since the version a partner holds are shown beside what they hold; once they have it, nothing is.
async fn what_they_have_not_seen_is_shown(on: On) {
    let world = World::new(on);
    let stage = Stage::set(&world).await;
    let by = stage.operator.responder();
    let mut facts = first_hour("A mailbox was open");
    facts.title = domain::values::Title::parse("Two mailboxes were open").expect("a title");
    stage.operator.node.update_facts(&by, stage.id, 1, facts).await.expect("updated");
    let exchange = stage.exchange(&stage.reader).await;
    let mut visitor = stage.visitor("responder").await;
    let path = format!("/exchanges/{exchange}/differences");
    let page = visitor.get(&path).await.page();
    let changed = page.all("tr").iter().map(|row| row.text()).find(|text| text.contains("Two mailboxes were open"));
    let changed = changed.unwrap_or_else(|| panic!("{}", page.text()));
    assert!(changed.contains("A mailbox was open"), "{changed}");
    assert_eq!(page.all("tr").len(), 2, "only what differs: {}", page.text());
    assert!(page.text().contains("They hold version 1 of the facts, and signed for it"), "{}", page.text());
    let board = visitor.get(&stage.board()).await.page();
    assert!(
        board.text().contains("Our facts stand at version 2. Partners were last sent version 1"),
        "{}",
        board.text()
    );
    let reader = row(&board, "Reader Council");
    assert!(reader.contains("version 1 of 1") && reader.contains("What they have not seen"), "{reader}");
    assert_eq!(board.link("Send an update").attribute("href"), Some(&*format!("/incidents/{}/send-update", stage.id)));
    let one = visitor.get(&format!("/exchanges/{exchange}")).await.page();
    assert!(one.text().contains("Our facts have changed since they were last sent"), "{}", one.text());
    stage.operator.node.send_update(&by, stage.id).await.expect("sent");
    world.settle(&[&stage.operator]).await;
    let board = visitor.get(&stage.board()).await.page();
    assert!(!board.text().contains("Partners were last sent") && !row(&board, "Reader Council").contains("not seen"));
    let same = visitor.get(&path).await.page();
    assert!(same.text().contains("Version 2 is what we say now"), "{}", same.text());
    let unseen = stage.exchange(&stage.refusing).await;
    let nothing = visitor.get(&format!("/exchanges/{unseen}/differences")).await.page();
    assert!(nothing.text().contains("They hold nothing in writing"), "{}", nothing.text());
}

/// The log of an exchange is that of its newest message; while nothing was sent it says so.
async fn a_log_without_a_message_says_so(on: On) {
    let world = World::new(on);
    let stage = Stage::set(&world).await;
    let mut held = log_request(first_hour("Another mailbox was open"), world.now());
    held.hold = true;
    let held = stage.operator.log(held).await;
    let unsent = stage.operator.incident(held).await.owed[0].exchange;
    let mut visitor = stage.visitor("responder").await;
    let log = visitor.get(&format!("/exchanges/{unsent}/deliveries")).await;
    assert_eq!(log.status, 200, "{}", log.text());
    assert!(log.text().contains("Nothing has been sent to"), "{}", log.text());
    let exchange = stage.exchange(&stage.reader).await;
    let log = visitor.get(&format!("/exchanges/{exchange}/deliveries")).await.page();
    assert!(log.text().contains("a signed receipt came back"), "{}", log.text());
}

/// The page of an incident and its board have one name for one state, and a partner who holds an earlier version is not
/// called one who was told nothing.
async fn one_state_has_one_name(on: On) {
    let world = World::new(on);
    let stage = Stage::set(&world).await;
    let silent = stage.exchange(&stage.silent).await;
    let at = world.now();
    let call = Call { to_whom: line("Duty desk"), how: CallChannel::Telephone, at, note: None, backdate_reason: None };
    stage.operator.node.record_call(&stage.operator.responder(), silent, call).await.expect("recorded");
    let mut visitor = stage.visitor("responder").await;
    let (incident, board) = (format!("/incidents/{}", stage.id), stage.board());
    for path in [&incident, &board] {
        let page = visitor.get(path).await.page();
        let told = row(&page, "Silent Council");
        assert!(told.contains("Told by a person") && told.contains("by telephone"), "{path}: {told}");
        assert!(row(&page, "Refusing Council").contains("Not delivered"), "{path}: {}", page.text());
    }
    world.wire.set(&stage.reader.issuer, Line::Down);
    let by = stage.operator.responder();
    let mut facts = first_hour("A mailbox was open");
    facts.title = domain::values::Title::parse("Two mailboxes were open").expect("a title");
    stage.operator.node.update_facts(&by, stage.id, 1, facts).await.expect("updated");
    stage.operator.node.send_update(&by, stage.id).await.expect("sent");
    world.settle(&[&stage.operator]).await;
    let reader = row(&visitor.get(&incident).await.page(), "Reader Council");
    assert!(reader.contains("Version 2 not delivered") && !reader.contains("Not delivered"), "{reader}");
}

/// A program lists, counts, hurries and says again; what it names wrongly is refused by name.
async fn programs_see_the_board(on: On) {
    let world = World::new(on);
    let stage = Stage::set(&world).await;
    let account = stage.operator.node.account(&stage.operator.email("responder")).await.expect("the store answers");
    let person = stage.operator.node.person(account.expect("an account").id).await.expect("a person");
    let ends = stage.operator.node.time().elapsed().plus_seconds(86_400);
    let scopes = vec![Scope::Read, Scope::Respond];
    let (_, token) = stage.operator.node.add_token(&person, line("Tests"), scopes, ends).await.expect("a token");
    let program = Visitor::with_token(stage.address, &token);
    let get = async |path: String| program.send("GET", &format!("/api/v1{path}"), &[], b"").await.expect("an answer");
    let post = async |path: String, key: &str, body: Value| {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        program.send("POST", &format!("/api/v1{path}"), &headers, body.to_string().as_bytes()).await.expect("an answer")
    };
    let id = stage.id;
    let board = get(format!("/incidents/{id}/board?state=not_delivered")).await.json();
    assert_eq!(board["items"].as_array().map(Vec::len), Some(2), "{board}");
    assert_eq!(get(format!("/incidents/{id}/board?state=planted")).await.status, 400);
    let states = get(format!("/incidents/{id}/board-states")).await.json();
    assert_eq!(
        states["items"],
        json!([
            { "state": "not_delivered", "partners": 2 },
            { "state": "affected", "partners": 1 },
        ])
    );
    let tried = post(format!("/incidents/{id}/try-now"), "k1", json!({})).await.json();
    assert_eq!(tried, json!({ "partners": 1 }));
    let refused = stage.exchange(&stage.refusing).await;
    let parked = stage.operator.exchange(refused).await.notices[0].message;
    let elsewhere = stage.exchange(&stage.silent).await;
    let body = json!({ "message": parked, "reason": "Their filter was put right." });
    assert_eq!(post(format!("/notices/{elsewhere}/reissue"), "k2", body.clone()).await.status, 404);
    assert_eq!(post(format!("/notices/{refused}/reissue"), "k3", json!({ "message": parked })).await.status, 422);
    let attempts = get(format!("/notices/{refused}/attempts?message={parked}")).await.json();
    assert_eq!(attempts["items"][0]["outcome"], "invalid_request", "{attempts}");
    let made = post(format!("/notices/{refused}/reissue"), "k4", body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let seen = get(format!("/notices/{refused}/differences")).await.json();
    assert_eq!((&seen["facts_version"], &seen["holds_facts_version"]), (&json!(1), &Value::Null));
}

/// An auditor looks and may not act; nobody acts without the session's secret; what is not there is not found; a browser
/// finds nothing wrong with the pages.
async fn the_board_is_for_readers_and_its_buttons_for_responders(on: On) {
    let world = World::new(on);
    let stage = Stage::set(&world).await;
    let exchange = stage.exchange(&stage.refusing).await;
    let parked = stage.operator.exchange(exchange).await.notices[0].message;
    let mut auditor = stage.visitor("auditor").await;
    let page = auditor.get(&stage.board()).await.page();
    assert!(!page.text().contains("Try all of them now") && page.text().contains("Download as a table"));
    let csrf: Vec<(String, String)> =
        page.form("Download as a table").fields().into_iter().filter(|(name, _)| name == "csrf").collect();
    for path in [
        format!("{}/try-now", stage.board()),
        format!("/exchanges/{exchange}/try-now"),
        format!("/exchanges/{exchange}/reissue"),
    ] {
        let mut fields = csrf.clone();
        fields.push(("message".to_owned(), parked.to_string()));
        assert_eq!(auditor.post(&path, &fields).await.status, 403, "{path}");
        assert_eq!(auditor.post(&path, &[]).await.status, 403, "without the secret: {path}");
    }
    let nowhere = ExchangeId::from_uuid(stage.operator.node.time().fresh_id());
    for path in [
        format!("/incidents/{nowhere}/partners"),
        format!("/exchanges/{nowhere}/differences"),
        format!("/exchanges/{exchange}/deliveries?message={nowhere}"),
        format!("/exchanges/{exchange}/deliveries?message=planted"),
    ] {
        assert_eq!(auditor.get(&path).await.status, 404, "{path}");
    }
    if on == On::Postgres {
        return; // The database makes no difference to a page's markup.
    }
    let origin = format!("http://{}", stage.address);
    for width in [320, 1280] {
        let browser = Browser::open(width).await;
        browser.sign_in(&origin, &stage.operator.email("responder"), PASSWORD).await;
        for path in [
            stage.board(),
            format!("/exchanges/{exchange}"),
            format!("/exchanges/{exchange}/differences"),
            format!("/exchanges/{exchange}/deliveries?message={parked}"),
            format!("/exchanges/{exchange}/reissue?message={parked}"),
        ] {
            browser.go(&format!("{origin}{path}")).await;
            assert_eq!(browser.violations().await, Vec::<String>::new(), "{path} at {width}");
            assert_eq!(browser.overflow().await, 0, "{path} at {width} is too wide");
        }
        browser.close().await;
    }
}
