//! Partners with a ticket system instead of a node, and programs of our own that hear of what happens.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::{Anchor, ClockState};
use domain::directory::Party as PartyRecord;
use domain::exchange::{Exchange, NoticeDelivery};
use domain::values::{IncidentId, PartnerId};
use server::node::DoorError;
use server::node::endpoints::{Format, Integration, Subscribed, Way, WebhookAddress};
use server::store::alerts::{self, AlertKind};
use server::store::queries::directory;
use tests::browser::Browser;
use tests::facts::{first_hour, more_is_known};
use tests::node::{PASSWORD, Party, World, line, log_request};
use tests::tickets::{Tickets, Webhook};
use tests::visitor::Visitor;
use tests::{On, both};
use uuid::Uuid;
use webhooks::jose::{CompactToken, TokenType};
use webhooks::keys::PublicKey;

mod integrations;

both!(
    a_ticket_system_is_told_and_its_answer_proves_nothing,
    an_attempt_that_fails_is_made_again_under_the_same_id,
    whatever_refuses_is_a_persons_turn_and_stops_nothing,
    two_secrets_sign_for_a_week,
    reduced_content_holds_case_phase_and_link,
    what_waits_goes_the_new_way,
    pages_claim_no_more_than_is_known,
    a_message_promises_what_its_way_keeps,
    an_address_that_can_not_be_called_is_not_kept,
    an_administrator_sets_it_up_on_pages,
);

/// Aim: the pages of channels and integrations are accessible and fit, on a telephone too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_accessible() {
    let (mut told, _) = Told::by_webhook(On::Sqlite, false).await;
    let id = told.hears(Format::Standard, &Subscribed::ALL).await;
    told.chat.answers(&[200, 500]);
    told.log().await;
    told.log().await;
    told.operator.serve();
    let (node, origin) = (&told.operator.node, told.operator.issuer());
    let post = node.posts(id, None, 1).await.expect("the log").items[0].id;
    let (partner, integration) = (format!("/partners/{}", told.council), format!("/integrations/{id}"));
    let mut faults = Vec::new();
    for width in [320, 1280] {
        let browser = Browser::open(width).await;
        browser.sign_in(origin, &told.operator.email("administrator"), PASSWORD).await;
        for path in [
            partner.clone(),
            format!("{partner}/channel"),
            format!("{partner}/channel/webhook"),
            format!("{partner}/channel/mail"),
            format!("{partner}/channel/secret"),
            "/integrations".to_owned(),
            "/integrations/new".to_owned(),
            integration.clone(),
            format!("{integration}/edit"),
            format!("{integration}/replay-since"),
            format!("{integration}/posts/{post}"),
        ] {
            browser.go(&format!("{origin}{path}")).await;
            let violations = browser.violations().await;
            faults.extend(violations.into_iter().map(|violation| format!("{path} at {width}: {violation}")));
            let over = browser.overflow().await;
            faults.extend((over > 0).then(|| format!("{path} at {width}: {over} pixels too wide")));
        }
        browser.close().await;
    }
    assert!(faults.is_empty(), "{} fault(s):\n{}", faults.len(), faults.join("\n"));
}

const TITLE: &str = "A mailbox was open";
const TICKETS: &str = "https://tickets.council.example";
const CHAT: &str = "https://chat.operator.example";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// An operator and a council without a node.
struct Told {
    world: World,
    operator: Party,
    council: PartnerId,
    tickets: Arc<Tickets>,
    chat: Arc<Tickets>,
}

impl Told {
    /// A council that is known by name and owed notices.
    async fn listed(on: On) -> Self {
        let world = World::new(on);
        let operator = world.listening_party("Operator").await;
        Self::in_world(world, operator).await
    }

    async fn in_world(world: World, operator: Party) -> Self {
        let by = operator.administrator();
        let council = PartyRecord::named("council".parse().expect("a key"), line("Council"));
        operator.node.save_party(&by, council, None).await.expect("saved");
        let known = operator.node.store().read(directory::known).await.expect("the directory");
        let council = known.parties.iter().find(|party| party.record.name == line("Council")).expect("the council");
        let council = PartnerId::from_uuid(council.id);
        operator.arrange_with(council, 48).await;
        let (tickets, chat) = (Arc::new(Tickets::default()), Arc::new(Tickets::default()));
        world.wire.join_tickets(TICKETS, &tickets);
        world.wire.join_tickets(CHAT, &chat);
        Self { world, operator, council, tickets, chat }
    }

    /// The same, told by webhook; and the secret.
    async fn by_webhook(on: On, reduced: bool) -> (Self, String) {
        let told = Self::listed(on).await;
        let way = Way::Webhook { address: address(&format!("{TICKETS}/hook")), reduced };
        let by = told.operator.administrator();
        let secret = told.operator.node.set_partner_channel(&by, told.council, way).await.expect("told by webhook");
        (told, secret.expect("a new secret").to_string())
    }

    async fn settle(&self) {
        self.world.settle(&[&self.operator]).await;
        while self.operator.node.post_step(16).await.expect("a step of posting").sent > 0 {}
    }

    async fn pass(&self, by: Duration) {
        self.world.pass(by);
        self.settle().await;
    }

    async fn log(&self) -> IncidentId {
        let id = self.operator.log(log_request(first_hour(TITLE), self.world.now())).await;
        self.settle().await;
        id
    }

    async fn exchange(&self, id: IncidentId) -> Exchange {
        let owed = self.operator.incident(id).await.owed;
        let owed = owed.into_iter().find(|owed| owed.partner == self.council).expect("owed a notice");
        self.operator.exchange(owed.exchange).await
    }

    fn only_ticket(&self) -> Webhook {
        let got = self.tickets.got();
        assert_eq!(got.len(), 1, "one webhook came");
        got[0].clone()
    }

    fn now(&self) -> i64 {
        self.world.now().unix_seconds()
    }

    fn key(&self) -> PublicKey {
        use base64::Engine as _;
        let text = self.operator.node.webhook_public_key().expect("a key for webhooks");
        let octets = base64::engine::general_purpose::STANDARD.decode(text.strip_prefix("whpk_").expect("whpk_"));
        PublicKey::from_octets(&octets.expect("base64").try_into().expect("32 octets")).expect("a key")
    }

    async fn alerted(&self, kind: AlertKind) -> bool {
        let open = self.operator.node.store().read(|rows| alerts::open(rows, 100)).await.expect("the alerts");
        open.iter().any(|alert| alert.kind == kind)
    }

    async fn hears(&self, format: Format, events: &[Subscribed]) -> Uuid {
        let integration = Integration {
            name: line("On-call channel"),
            address: address(&format!("{CHAT}/in/T0KEN")),
            format,
            events: events.to_vec(),
        };
        let by = self.operator.administrator();
        self.operator.node.add_integration(&by, integration).await.expect("added").0
    }

    fn heard(&self) -> Vec<String> {
        let types = self.chat.got().into_iter().map(|got| got.json()["type"].as_str().unwrap_or_default().to_owned());
        types.collect()
    }

    /// Its pages, with an administrator in front of them.
    async fn visitor(&mut self) -> Visitor {
        let address = self.operator.serve();
        Visitor::signed_in(address, &self.operator.email("administrator"), PASSWORD).await
    }
}

fn address(url: &str) -> WebhookAddress {
    WebhookAddress { url: url.to_owned(), ..WebhookAddress::default() }
}

/// Aim: the body shows what the signed message in it says, both signatures hold, the clock goes on until a person
/// acknowledges.
async fn a_ticket_system_is_told_and_its_answer_proves_nothing(on: On) {
    let (told, secret) = Told::by_webhook(on, false).await;
    let id = told.log().await;
    let got = told.only_ticket();
    let exchange = told.exchange(id).await;
    assert_eq!(got.url, format!("{TICKETS}/hook"));
    assert_eq!(got.id, format!("msg_{}", exchange.notices[0].message));
    assert_eq!(got.timestamp, told.now().to_string());
    assert_eq!(got.believed(Some(&secret), None, told.now()), Ok(()));
    assert_eq!(got.believed(None, Some(&told.key()), told.now()), Ok(()));

    let body = got.json();
    assert_eq!((body["type"].as_str(), &body["data"]["phase"]), (Some("breach.notified"), &"initial".into()));
    assert_eq!(body["data"]["case_id"], exchange.case.to_string());
    assert_eq!(body["data"]["title"], TITLE);
    let set = body["data"]["set"].as_str().expect("the signed message");
    let token = CompactToken::parse(set.as_bytes(), TokenType::Set).expect("a signed message");
    let claims: serde_json::Value = serde_json::from_slice(token.payload()).expect("claims");
    assert_eq!((claims["aud"].as_str(), claims["txn"].as_str()), (Some("Council"), body["data"]["case_id"].as_str()));
    let link = body["data"]["acknowledge_url"].as_str().expect("a link");
    assert!(link.starts_with(&format!("{}/ack/", told.operator.issuer())), "{link}");

    assert!(matches!(exchange.notices[0].delivery, NoticeDelivery::Accepted { .. }), "{exchange:?}");
    assert_eq!(exchange.notice_clock.expect("a clock").state, ClockState::Running);
    assert_eq!(exchange.acknowledgement_clock.expect("it starts").anchor, Anchor::Accepted);

    let by = told.operator.responder();
    told.world.pass(HOUR);
    told.operator.node.update_facts(&by, id, 1, more_is_known(&first_hour(TITLE))).await.expect("updated");
    told.operator.node.send_update(&by, id).await.expect("sent");
    told.settle().await;
    let update = told.tickets.got()[1].json();
    assert_eq!((update["type"].as_str(), &update["data"]["revision"]), (Some("breach.updated"), &2.into()));
    told.operator.verify_ledger().await;
}

/// Aim: server errors back off; every attempt has the id of the first, a time and a link of its own; `Retry-After` aside,
/// the notice arrives when the server is back.
async fn an_attempt_that_fails_is_made_again_under_the_same_id(on: On) {
    let (told, secret) = Told::by_webhook(on, false).await;
    told.tickets.answers(&[500, 429]);
    let id = told.log().await;
    assert_eq!(told.exchange(id).await.notices[0].delivery, NoticeDelivery::Queued);
    told.pass(MINUTE).await;
    told.pass(MINUTE).await;
    let got = told.tickets.got();
    assert_eq!(got.iter().map(|got| got.status).collect::<Vec<_>>(), [500, 429, 200]);
    assert!(got.iter().all(|one| one.id == got[0].id));
    assert!(got[0].timestamp < got[1].timestamp && got[1].timestamp < got[2].timestamp);
    let links: Vec<_> = got.iter().map(|got| got.json()["data"]["acknowledge_url"].clone()).collect();
    assert!(links[0] != links[1] && links[1] != links[2], "a link for each attempt");
    assert_eq!(got[2].believed(Some(&secret), Some(&told.key()), told.now()), Ok(()));
    assert_eq!(got[0].json()["data"]["set"], got[2].json()["data"]["set"], "the signed message never changes");
    assert!(matches!(told.exchange(id).await.notices[0].delivery, NoticeDelivery::Accepted { .. }));
    assert!(!told.alerted(AlertKind::NotTaken).await);
}

/// Aim: 410, a redirect and a wrong address are alerted at once and tried on; nothing is ever switched off.
async fn whatever_refuses_is_a_persons_turn_and_stops_nothing(on: On) {
    for status in [410, 302, 404] {
        let (told, _) = Told::by_webhook(on, false).await;
        told.tickets.answers(&[status; 3]);
        let id = told.log().await;
        assert!(told.alerted(AlertKind::NotTaken).await, "{status}");
        for _ in 0..5 {
            told.pass(20 * MINUTE).await;
        }
        assert_eq!(told.tickets.got().len(), 4, "{status}");
        assert!(matches!(told.exchange(id).await.notices[0].delivery, NoticeDelivery::Accepted { .. }), "{status}");
    }
}

/// Aim: after a change of secrets both sign for seven days, then the new one alone.
async fn two_secrets_sign_for_a_week(on: On) {
    let (told, old) = Told::by_webhook(on, false).await;
    let by = told.operator.administrator();
    let new = told.operator.node.replace_partner_secret(&by, told.council).await.expect("a new secret").to_string();
    assert_ne!(old, new);
    told.log().await;
    let got = told.only_ticket();
    assert_eq!(got.signature.matches("v1,").count(), 2);
    for secret in [&old, &new] {
        assert_eq!(got.believed(Some(secret), None, told.now()), Ok(()));
    }
    told.pass(7 * DAY + HOUR).await;
    told.log().await;
    let got = told.tickets.got().pop().expect("another");
    assert_eq!(got.signature.matches("v1,").count(), 1);
    assert!(got.believed(Some(&old), None, told.now()).is_err());
    assert_eq!(got.believed(Some(&new), None, told.now()), Ok(()));
    let ledger = told.operator.everything_readable().await;
    assert!(!ledger.contains(&old) && !ledger.contains(&new), "secrets are not on record");
}

/// Aim: a ticket system that many can read learns no facts.
async fn reduced_content_holds_case_phase_and_link(on: On) {
    let (told, _) = Told::by_webhook(on, true).await;
    told.log().await;
    let body = told.only_ticket().json();
    let members: Vec<_> = body["data"].as_object().expect("data").keys().cloned().collect();
    assert_eq!(members, ["acknowledge_url", "case_id", "phase"]);
    assert!(!String::from_utf8_lossy(&told.only_ticket().body).contains(TITLE));
}

/// Aim: a notice that waits for a pairing goes by webhook once there is one, and only once.
async fn what_waits_goes_the_new_way(on: On) {
    let told = Told::listed(on).await;
    let id = told.log().await;
    told.pass(HOUR).await;
    assert!(told.tickets.got().is_empty());
    let by = told.operator.administrator();
    let way = Way::Webhook { address: address(&format!("{TICKETS}/hook")), reduced: false };
    told.operator.node.set_partner_channel(&by, told.council, way).await.expect("told by webhook");
    told.settle().await;
    told.pass(HOUR).await;
    told.only_ticket();
    assert!(matches!(told.exchange(id).await.notices[0].delivery, NoticeDelivery::Accepted { .. }));
    told.operator.node.set_partner_channel(&by, told.council, Way::Hand).await.expect("by hand");
    told.log().await;
    told.only_ticket();
    told.operator.verify_ledger().await;
}

/// Aim: each mistake in an address is named, and nothing is kept of it.
async fn an_address_that_can_not_be_called_is_not_kept(on: On) {
    let told = Told::listed(on).await;
    let by = told.operator.administrator();
    for (url, words) in [
        ("tickets.council.example", "not a web address"),
        ("http://tickets.council.example/hook", "begin with https://"),
        ("https://ann:secret@tickets.council.example/", "user name or a password"),
        ("https://tickets.council.example/#hook", "must not hold a #"),
        ("https://tickets.council.example:8443/", "port 8443"),
        ("https://10.0.0.1/", "10.0.0.0/8"),
        ("https://0x7f000001/", "127.0.0.0/8"),
    ] {
        let way = Way::Webhook { address: address(url), reduced: false };
        let refused = told.operator.node.set_partner_channel(&by, told.council, way).await;
        let Err(DoorError::Target(why)) = refused else { panic!("{url}: {refused:?}") };
        assert!(why.to_string().contains(words), "{url}: {why}");
    }
    let channel = told.operator.node.partner_channel(told.council).await.expect("the channel");
    assert!(channel.webhook.is_none());
    let typed = WebhookAddress {
        url: "https://10.0.0.1:8443/hook".to_owned(),
        other_port: true,
        ranges: vec!["10.0.0.0/24".to_owned()],
    };
    let way = Way::Webhook { address: typed, reduced: false };
    told.operator.node.set_partner_channel(&by, told.council, way).await.expect("what is admitted is taken");
    let wide = WebhookAddress { ranges: vec!["0.0.0.0/0".to_owned()], ..address("https://10.0.0.1/") };
    let way = Way::Webhook { address: wide, reduced: false };
    let refused = told.operator.node.set_partner_channel(&by, told.council, way).await;
    assert!(matches!(refused, Err(DoorError::Invalid(_))), "{refused:?}");
}

/// Aim: what only a server accepted is never said to be held; what a person read through a link is said to be recorded; the
/// incident and its board use one word for it.
async fn pages_claim_no_more_than_is_known(on: On) {
    let (mut told, _) = Told::by_webhook(on, false).await;
    let id = told.log().await;
    let exchange = told.exchange(id).await.id;
    let mut visitor = told.visitor().await;
    for path in [format!("/incidents/{id}"), format!("/incidents/{id}/partners")] {
        let page = visitor.get(&path).await.page().text();
        assert!(page.contains("Accepted, not proven") && page.contains("by webhook"), "{path}: {page}");
    }
    let path = format!("/exchanges/{exchange}/differences");
    let accepted = visitor.get(&path).await.page().text();
    assert!(accepted.contains("Their server accepted version 1 of the facts. That proves nothing"), "{accepted}");
    assert!(!accepted.contains("They hold"), "{accepted}");

    let link = told.only_ticket().json()["data"]["acknowledge_url"].as_str().expect("a link").to_owned();
    let link = link.strip_prefix(told.operator.issuer()).expect("our own").to_owned();
    let mut stranger = Visitor::new(visitor_address(&told));
    let mut said = stranger.get(&link).await.page().form("Acknowledge").fields();
    said.retain(|(name, _)| name == "revision");
    for (name, value) in [("name", "R. Example"), ("role", "Officer"), ("stance", "affected")] {
        said.push((name.to_owned(), value.to_owned()));
    }
    assert_eq!(stranger.post(&link, &said).await.status, 303);
    let read = visitor.get(&path).await.page().text();
    assert!(read.contains("Somebody there said through a link that they have read version 1"), "{read}");
    assert!(read.contains("recorded, not signed") && !read.contains("They hold"), "{read}");
}

/// Aim: the form of a message says what becomes of it on the way that there is: none, a webhook, a mail. The case has the
/// name that people here know.
async fn a_message_promises_what_its_way_keeps(on: On) {
    let mut told = Told::listed(on).await;
    let id = told.log().await;
    let (exchange, known) = (told.exchange(id).await, told.operator.incident(id).await.reference);
    let (exchange, wire) = (exchange.id, exchange.reference);
    let address = told.operator.serve();
    let mut visitor = Visitor::signed_in(address, &told.operator.email("responder"), PASSWORD).await;
    let by = told.operator.administrator();
    let webhook = Way::Webhook { address: address_of_tickets(), reduced: false };
    let mail = Way::Mail { address: "dpo@council.example".to_owned() };
    let ways = [
        (Way::Hand, "It cannot reach Council yet", "is not on its way"),
        (webhook, "It goes to Council by webhook", "on its way, by webhook"),
        (mail, "Council gets an e-mail with a link to it", "as a link by e-mail"),
    ];
    for (way, promise, sent) in ways {
        told.operator.node.set_partner_channel(&by, told.council, way).await.expect("told this way");
        let page = visitor.get(&format!("/exchanges/{exchange}/messages/new")).await.page();
        assert!(page.text().contains(promise) && !page.text().contains("both sides"), "{}", page.text());
        let form = page.form("Send it");
        let mut typed = form.fields();
        typed.retain(|(name, _)| name != "text" && name != "kind");
        typed.extend(
            [("text", "Who is on duty?"), ("kind", "question"), ("go", "send")]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let done = visitor.post(form.attribute("action").expect("an address"), &typed).await;
        assert_eq!(done.status, 303, "{}", done.text());
        let after = visitor.get(done.header("location").expect("an address")).await.text();
        for page in [page.text(), after.clone()] {
            assert!(page.contains(known.as_str()) && !page.contains(wire.as_str()), "the name known here: {page}");
        }
        assert!(after.contains(sent) && !after.contains("on its way, signed"), "{after}");
    }
}

fn address_of_tickets() -> WebhookAddress {
    address(&format!("{TICKETS}/hook"))
}

fn fields(pairs: &[(&str, &str)], csrf: &str) -> Vec<(String, String)> {
    let csrf = std::iter::once(("csrf".to_owned(), csrf.to_owned()));
    csrf.chain(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).collect()
}

async fn csrf(visitor: &mut Visitor) -> String {
    let page = visitor.get("/account").await.page();
    let form = page.form("Sign out").fields();
    form.into_iter().find(|(name, _)| name == "csrf").expect("the session's secret").1
}

/// Aim: an administrator types an address wrong, is told what is wrong, mends it, sees the secret once and sends a test.
async fn an_administrator_sets_it_up_on_pages(on: On) {
    let mut told = Told::listed(on).await;
    let mut visitor = told.visitor().await;
    let page = format!("/partners/{}", told.council);
    assert!(visitor.get(&page).await.text().contains("Their node"));
    let csrf = csrf(&mut visitor).await;
    let overview = visitor.get(&format!("{page}/channel")).await;
    assert_eq!(overview.status, 200);
    let way = overview.page().link("Their ticket system").attribute("href").expect("a link").to_owned();
    assert_eq!(visitor.get(&way).await.status, 200);
    let wrong = visitor.post(&way, &fields(&[("url", "https://192.168.0.9/hook")], &csrf)).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("192.168.0.0/16"), "{}", wrong.text());
    assert!(
        wrong.text().contains("https://192.168.0.9/hook")
            || wrong.page().labelled("Address").attribute("value") == Some("https://192.168.0.9/hook")
    );
    let right = visitor.post(&way, &fields(&[("url", &format!("{TICKETS}/hook"))], &csrf)).await;
    let shown = right.text();
    assert!(shown.contains("whsec_") && shown.contains("whpk_"), "{shown}");
    let again = visitor.get(&format!("{page}/channel")).await.text();
    assert!(!again.contains("whsec_") && again.contains("whpk_"), "the secret is shown once, the key always");
    told.tickets.answers(&[503]);
    let tested = visitor.post(&format!("{page}/channel/test"), &fields(&[], &csrf)).await;
    assert!(tested.text().contains("not taken: the server answered 503"), "{}", tested.text());
    assert!(
        tested.text().contains(r#"role="alert""#) && !tested.text().contains(r#"class="done""#),
        "{}",
        tested.text()
    );
    let tested = visitor.post(&format!("{page}/channel/test"), &fields(&[], &csrf)).await;
    assert!(tested.text().contains("The test was taken: the server answered 200"), "{}", tested.text());
    assert_eq!(told.tickets.got()[1].json()["type"], "breach.test");
    let replaced = visitor.post(&format!("{page}/channel/secret"), &fields(&[], &csrf)).await;
    assert!(replaced.text().contains("whsec_"));
    assert!(visitor.get(&page).await.text().contains("Their ticket system"));
    assert!(visitor.get("/partners").await.text().contains("Their ticket system"));
    let mut auditor = Visitor::signed_in(visitor_address(&told), &told.operator.email("auditor"), PASSWORD).await;
    assert_eq!(auditor.get(&format!("{page}/channel")).await.status, 403);
    assert_eq!(auditor.get("/integrations").await.status, 403);
}

fn visitor_address(told: &Told) -> std::net::SocketAddr {
    let host = told.operator.issuer().trim_start_matches("http://");
    host.parse().expect("an address")
}
