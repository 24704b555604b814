//! Programs of our own: what they hear of, when they are down, what is sent to them again, and who keeps them.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::join;
use serde_json::{Value, json};
use server::access::Scope;
use server::mail::Security;
use server::node::DoorError;
use server::node::endpoints::{Format, Integration, PostState, Subscribed};
use server::store::alerts::AlertKind;
use tests::facts::first_hour;
use tests::node::{Ground, World, found, line, log_request};
use tests::smtp::MailServer;
use tests::tickets::Tickets;
use tests::visitor::{Answer, Visitor};
use tests::wait::{SOON, until};
use tests::wire::{Line, Wire};
use tests::{On, both};
use tokio::sync::watch;
use uuid::Uuid;
use webhooks::carrier::{Carrier, Outcome, Parcel};

use super::{CHAT, HOUR, MINUTE, TICKETS, TITLE, Told, address, csrf, fields};

both!(
    integrations_hear_of_what_they_chose,
    an_integration_that_is_down_hears_later,
    one_that_hangs_delays_no_mail,
    posts_are_sent_again,
    a_paused_integration_waits,
    integrations_are_kept_on_pages,
    a_program_keeps_channels_and_integrations,
);

/// Aim: each event reaches who chose it, once, in its form, and says nothing of what happened.
async fn integrations_hear_of_what_they_chose(on: On) {
    let told = Told::listed(on).await;
    let partner = told.world.scripted(&told.operator, "Borough", 48).await;
    let (every, some) = (Subscribed::ALL, [Subscribed::Receipt]);
    told.hears(Format::Standard, &every).await;
    let slack = Integration {
        name: line("Slack"),
        address: address("https://slack.operator.example/x"),
        format: Format::Slack,
        events: some.to_vec(),
    };
    let tickets = Arc::new(Tickets::default());
    told.world.wire.join_tickets("https://slack.operator.example", &tickets);
    told.operator.node.add_integration(&told.operator.administrator(), slack).await.expect("added");

    let id = told.log().await;
    assert_eq!(told.heard(), ["incident_logged", "receipt"]);
    let logged = told.chat.got()[0].json();
    let reference = told.operator.incident(id).await.reference;
    assert_eq!(logged["data"]["incident"]["reference"], reference.as_str());
    let receipt = told.chat.got()[1].json();
    assert_eq!(receipt["data"]["partner"]["name"], "Borough");
    let said = tickets.got();
    assert_eq!(said.len(), 1, "only what it chose");
    let text = said[0].json()["text"].as_str().expect("Slack's text").to_owned();
    assert!(text.starts_with("Borough: their node signed for version 1 of our notice about"), "{text}");

    told.pass(25 * HOUR).await;
    assert!(told.heard().contains(&"clock_step".to_owned()), "{:?}", told.heard());
    told.pass(24 * HOUR).await;
    let heard = told.heard();
    assert!(heard.contains(&"clock_overdue".to_owned()) && heard.contains(&"report_due".to_owned()), "{heard:?}");
    let secret = told.chat.got().iter().map(|got| String::from_utf8_lossy(&got.body).into_owned()).collect::<String>();
    for fact in [TITLE, "mailbox of the case team"] {
        assert!(!secret.contains(fact), "an integration is told {fact}");
    }
    let ids: BTreeSet<String> = told.chat.got().into_iter().map(|got| got.id).collect();
    assert_eq!(ids.len(), told.chat.got().len(), "each once");
    drop(partner);
    let (kept, rebuilt) = told.operator.rebuilt(on).await;
    assert!(kept == rebuilt, "posts are no read table");
}

/// Aim: what is down hears later, in order, with one alert after a quarter of an hour; partners' notices don't wait for it.
async fn an_integration_that_is_down_hears_later(on: On) {
    let (told, _) = Told::by_webhook(on, false).await;
    told.hears(Format::Standard, &[Subscribed::IncidentLogged]).await;
    told.world.wire.set(CHAT, Line::Down);
    told.log().await;
    told.log().await;
    assert_eq!(told.tickets.got().len(), 2, "partners are told");
    assert!(!told.alerted(AlertKind::IntegrationFailing).await);
    for _ in 0..6 {
        told.pass(5 * MINUTE).await;
    }
    assert!(told.alerted(AlertKind::IntegrationFailing).await);
    told.world.wire.set(CHAT, Line::Up);
    told.pass(20 * MINUTE).await;
    assert_eq!(told.heard(), ["incident_logged"; 2]);
    assert!(!told.alerted(AlertKind::IntegrationFailing).await);
}

/// The line, where what goes to the chat arrives and is held there.
struct Holding {
    wire: Arc<Wire>,
    /// How many are held or were.
    held: watch::Sender<usize>,
    let_go: watch::Sender<bool>,
}

impl Carrier for Holding {
    fn carry<'a>(&'a self, parcel: &'a Parcel) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(async move {
            if parcel.url.starts_with(CHAT) {
                self.held.send_modify(|held| *held += 1);
                self.let_go.subscribe().wait_for(|go| *go).await.expect("the line outlives its parcels");
            }
            self.wire.carry(parcel).await
        })
    }
}

/// Aim: while an integration takes a post and does not answer, mail to people goes out, and so does what another integration
/// hears; and a stop lets the post that is under way finish.
async fn one_that_hangs_delays_no_mail(on: On) {
    let server = MailServer::start(Security::None).await;
    let world = World::new(on);
    let line_to = Arc::new(Holding {
        wire: Arc::clone(&world.wire),
        held: watch::Sender::new(0),
        let_go: watch::Sender::new(false),
    });
    let ground = Ground {
        time: Arc::clone(&world.time) as _,
        carrier: Arc::clone(&line_to) as _,
        wire: Some(Arc::clone(&world.wire)),
    };
    let operator = found("Operator", "https://operator.example".to_owned(), on.fresh(), ground, None).await;
    let told = Told::in_world(world, operator.restart_with_mail(server.settings()).await).await;
    let hanging = told.hears(Format::Standard, &[Subscribed::IncidentLogged]).await;
    let (node, by) = (&told.operator.node, told.operator.administrator());
    let other = Integration {
        name: line("Tickets"),
        address: address(&format!("{TICKETS}/hook")),
        format: Format::Standard,
        events: vec![Subscribed::ClockStep],
    };
    node.add_integration(&by, other).await.expect("added");
    node.run().expect("it runs");
    told.operator.log(log_request(first_hour(TITLE), told.world.now())).await;
    until("a post that hangs", SOON, async || (*line_to.held.borrow() > 0).then_some(())).await;
    told.world.pass(24 * HOUR);
    node.watch_step().await.expect("a step of watching");
    // Well before the attempt that hangs is given up.
    let mails = server.took(3).await;
    assert!(mails.iter().all(|mail| mail.subject.contains("24 hours left to tell partners")), "{mails:#?}");
    until("the other integration", SOON, async || (!told.tickets.got().is_empty()).then_some(())).await;
    assert!(told.chat.got().is_empty(), "it still hangs");

    let (operator, _) = join(told.operator.restart(), async { line_to.let_go.send_replace(true) }).await;
    let log = operator.node.posts(hanging, None, 9).await.expect("the log").items;
    assert_eq!(log.iter().map(|post| post.state).collect::<Vec<_>>(), [PostState::Taken]);
}

/// Aim: one post, some, and all since a time, are sent again under their ids and stand in the log with their attempts.
async fn posts_are_sent_again(on: On) {
    let told = Told::listed(on).await;
    let id = told.hears(Format::Standard, &[Subscribed::IncidentLogged]).await;
    let (node, by) = (&told.operator.node, told.operator.administrator());
    told.log().await;
    told.world.pass(HOUR);
    let later = told.world.now();
    told.log().await;
    let log = node.posts(id, None, 50).await.expect("the log").items;
    assert!(log.iter().all(|post| post.state == PostState::Taken) && log.len() == 2);
    let again = node.replay(&by, id, vec![log[1].id]).await.expect("again");
    assert_eq!((again.count, again.more), (1, false));
    told.settle().await;
    let got = told.chat.got();
    assert_eq!((got.len(), &got[2].id), (3, &got[0].id), "under its id");
    assert_eq!(node.post(id, log[1].id).await.expect("it").1.len(), 2, "two attempts");
    told.world.pass(HOUR);
    let since = node.replay_since(&by, id, later).await.expect("again");
    assert_eq!(since.count, 2, "the second, and the first that was sent again since");
    told.settle().await;
    assert_eq!(told.chat.got().len(), 5);
    let unknown = node.replay(&by, Uuid::nil(), vec![log[0].id]).await;
    assert!(matches!(unknown, Err(DoorError::NotFound)));
    node.remove_integration(&by, id).await.expect("removed");
    assert!(matches!(node.integration(id).await, Err(DoorError::NotFound)));
}

/// Aim: while it is paused nothing is sent and nothing is lost; a test goes out all the same.
async fn a_paused_integration_waits(on: On) {
    let told = Told::listed(on).await;
    let id = told.hears(Format::Teams, &[Subscribed::IncidentLogged]).await;
    let (node, by) = (&told.operator.node, told.operator.administrator());
    node.pause_integration(&by, id, true).await.expect("paused");
    told.log().await;
    told.pass(HOUR).await;
    assert!(told.chat.got().is_empty());
    assert!(node.test_integration(&by, id).await.expect("tested").taken);
    assert_eq!(told.chat.got().len(), 1);
    node.pause_integration(&by, id, false).await.expect("resumed");
    told.settle().await;
    let got = told.chat.got();
    let card = &got[1].json()["attachments"][0]["content"];
    assert_eq!((got.len(), card["type"].as_str()), (2, Some("AdaptiveCard")));
}

/// Aim: an administrator adds an integration, mends what is wrong, tests it, looks at the log and sends again.
async fn integrations_are_kept_on_pages(on: On) {
    let mut told = Told::listed(on).await;
    let mut visitor = told.visitor().await;
    let csrf = csrf(&mut visitor).await;
    assert!(visitor.get("/administration").await.text().contains("Integrations"));
    assert!(visitor.get("/integrations").await.text().contains("There is none yet"));
    let empty = visitor.post("/integrations/new", &fields(&[("name", "Chat")], &csrf)).await;
    assert_eq!(empty.status, 422);
    for words in ["Give its address", "Choose what it takes", "Choose at least one thing"] {
        assert!(empty.text().contains(words), "{words}");
    }
    let url = format!("{CHAT}/in/T0KEN");
    let good = [("name", "Chat"), ("url", url.as_str()), ("format", "slack"), ("event", "incident_logged")];
    let added = visitor.post("/integrations/new", &fields(&good, &csrf)).await;
    assert!(added.text().contains("whsec_"), "{}", added.text());
    let id = told.operator.node.integrations().await.expect("one")[0].id;
    let page = format!("/integrations/{id}");
    let tested = visitor.post(&format!("{page}/test"), &fields(&[], &csrf)).await;
    assert!(tested.text().contains("The test was taken"), "{}", tested.text());
    assert!(tested.text().contains(r#"class="done""#) && !tested.text().contains(r#"role="alert""#));
    told.log().await;
    let log = visitor.get(&page).await;
    assert!(log.text().contains("An incident was logged") && log.text().contains("A test"));
    let post = told.operator.node.posts(id, None, 50).await.expect("the log").items[0].id;
    let one = visitor.get(&format!("{page}/posts/{post}")).await;
    assert!(one.text().contains("200") && one.text().contains("Taken"), "{}", one.text());
    let ticked = visitor.post(&format!("{page}/replay"), &fields(&[("post", &post.to_string())], &csrf)).await;
    assert!(ticked.text().contains("One is sent again"), "{}", ticked.text());
    let none = visitor.post(&format!("{page}/replay"), &fields(&[], &csrf)).await;
    assert!(none.text().contains("Nothing was ticked") && none.text().contains(r#"role="alert""#));
    let undated = visitor.post(&format!("{page}/replay-since"), &fields(&[], &csrf)).await;
    assert_eq!(undated.status, 422);
    told.settle().await;
    let date = [("since-day", "2"), ("since-month", "3"), ("since-year", "2026"), ("since-time", "08:00")];
    let since = visitor.post(&format!("{page}/replay-since"), &fields(&date, &csrf)).await;
    assert!(since.text().contains("sent again"), "{}", since.text());
    told.settle().await;
    told.chat.answers(&[503]);
    let failed = visitor.post(&format!("{page}/test"), &fields(&[], &csrf)).await.text();
    assert!(failed.contains("not taken: the server answered 503"), "{failed}");
    assert!(
        failed.contains(r#"role="alert""#) && !failed.contains(r#"class="done""#),
        "what failed looks so: {failed}"
    );
    assert_eq!(visitor.post(&format!("{page}/pause"), &fields(&[], &csrf)).await.status, 303);
    assert!(visitor.get(&page).await.text().contains("Paused"));
    let changed = [("name", "Chat 2"), ("url", url.as_str()), ("format", "teams"), ("event", "receipt")];
    assert_eq!(visitor.post(&format!("{page}/edit"), &fields(&changed, &csrf)).await.status, 303);
    assert!(visitor.get(&page).await.text().contains("Chat 2"));
    assert_eq!(visitor.post(&format!("{page}/remove"), &fields(&[], &csrf)).await.status, 303);
    assert_eq!(visitor.get(&page).await.status, 404);
}

/// A program that acts for an administrator.
struct Program(Visitor);

impl Program {
    async fn send(&self, method: &str, path: &str, key: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        let headers = if method == "GET" { &headers[..0] } else { &headers[..] };
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let path = format!("/api/v1{path}");
        self.0.send(method, &path, headers, &body).await.unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send("POST", path, key, body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", &Value::Null).await
    }
}

/// Aim: what an administrator does on pages a program does through the API; faults are named, secrets shown once.
async fn a_program_keeps_channels_and_integrations(on: On) {
    let mut told = Told::listed(on).await;
    let address = told.operator.serve();
    let node = &told.operator.node;
    let account = node.account(&told.operator.email("administrator")).await.expect("the store answers");
    let person = node.person(account.expect("an account").id).await.expect("a person");
    let ends = node.time().elapsed().plus_seconds(86_400);
    let scopes = vec![Scope::Read, Scope::Administer];
    let (_, token) = node.add_token(&person, line("A program"), scopes, ends).await.expect("a token");
    let program = Program(Visitor::with_token(address, &token));

    let channel = format!("/partners/{}/channel", told.council);
    assert_eq!(program.get(&channel).await.json()["told"], "node");
    let mut way = json!({ "told": "webhook", "address": "https://10.0.0.1/", "other_port": false, "ranges": [],
        "reduced": false });
    let wrong = program.post(&channel, "k1", &way).await;
    assert!(wrong.status == 409 || wrong.status == 422, "{}", wrong.text());
    assert!(wrong.text().contains("10.0.0.0/8"), "{}", wrong.text());
    way["address"] = format!("{TICKETS}/hook").into();
    let set = program.post(&channel, "k2", &way).await;
    assert_eq!(set.status, 201, "{}", set.text());
    assert!(set.json()["secret"].as_str().expect("a secret").starts_with("whsec_"));
    assert_eq!(program.get(&channel).await.json()["address"], format!("{TICKETS}/hook"));
    assert_eq!(program.post(&format!("{channel}/test"), "k3", &Value::Null).await.json()["taken"], true);

    let settings = json!({ "name": "Chat", "address": format!("{CHAT}/in"), "other_port": false, "ranges": [],
        "format": "standard", "events": ["incident_logged"] });
    let added = program.post("/integrations", "k4", &settings).await;
    assert_eq!(added.status, 201, "{}", added.text());
    let one = format!("/integrations/{}", added.json()["id"].as_str().expect("an id"));
    assert_eq!(program.get("/integrations").await.json()["items"][0]["state"], "works");
    told.log().await;
    let log = program.get(&format!("{one}/posts")).await.json();
    assert_eq!(log["items"][0]["state"], "accepted", "{log}");
    let post = log["items"][0]["id"].as_str().expect("an id");
    let attempts = program.get(&format!("/posts/{post}/attempts")).await.json();
    assert_eq!(attempts["items"][0]["status"], 200, "{attempts}");
    let both = json!({ "posts": [post], "since": "2026-03-02T08:00:00Z" });
    assert_eq!(program.post(&format!("{one}/replay"), "k5", &both).await.status, 422);
    let again = program.post(&format!("{one}/replay"), "k6", &json!({ "posts": [post], "since": null })).await;
    assert_eq!(again.json()["count"], 1, "{}", again.text());
    for step in ["pause", "resume", "remove"] {
        assert_eq!(program.post(&format!("{one}/{step}"), step, &Value::Null).await.status, 204, "{step}");
    }
    assert_eq!(program.get(&one).await.status, 404);
}
