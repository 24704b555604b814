//! A complaint about how we use data, from its arrival to its outcome, on pages and by a program.

use std::net::SocketAddr;
use std::time::Duration;

use domain::clock::ClockKind;
use domain::complaint::{Category, Channel, Outcome};
use domain::values::{ComplaintId, LongText, Moment};
use serde_json::json;
use server::access::Scope;
use server::node::complaints::ComplaintRequest;
use server::node::{DoorError, DutySettings, StreamId};
use server::store::Rows;
use server::store::queries::clocks;
use tests::browser::Browser;
use tests::node::{PASSWORD, Party, World, line};
use tests::page::Page;
use tests::smtp::MailServer;
use tests::typing::submit;
use tests::visitor::Visitor;
use tests::{On, both};

both!(a_complaint_is_kept_without_who_complained, a_program_keeps_complaints, a_forgotten_complaint_is_called_to_mind,);

const DAY: Duration = Duration::from_secs(86_400);
const DAY_MINUTES: i64 = 24 * 60;
/// From the end of a day to 09:00 on the next, when steps come.
const MORNING: i64 = 9 * 60;

/// The same form with other words is not taken for sent; nor is an incident that the list does not have taken for none.
async fn other_words_are_not_lost(visitor: &mut Visitor, page: &Page, answers: &[(&str, &str)]) {
    let other = submit(visitor, page, "Log it", answers).await;
    assert_eq!(other.status, 422, "other words of the same form would be lost");
    assert!(other.text().contains("sent before with other words"), "{}", other.text());
    assert_ne!(other.page().form("Log it").fields(), page.form("Log it").fields(), "it is made anew");
    let nowhere = [answers, &[("incident", "burnt")]].concat();
    let nowhere = submit(visitor, &other.page(), "Log it", &nowhere).await;
    assert_eq!(nowhere.status, 422);
    assert!(nowhere.text().contains("Choose an incident of the list, or none"), "{}", nowhere.text());
}

/// Whoever reads the record finds complaints from every page; there is none yet.
async fn is_in_the_navigation_and_empty(visitor: &mut Visitor) {
    let home = visitor.get("/").await.page();
    let bars = home.role("navigation");
    let bar = bars.into_iter().find(|bar| bar.attribute("aria-label") == Some("Main")).expect("a bar");
    assert_eq!(bar.all(|link| link.attribute("href") == Some("/complaints")).len(), 1, "{}", bar.text());
    assert!(visitor.get("/complaints").await.page().text().contains("No complaint has been logged"));
}

async fn says_what_is_owed(visitor: &mut Visitor, path: &str) {
    let text = visitor.get(path).await.page().text();
    for said in
        ["CP-2026-0001", "Within 30 days", "the legal limit is", "5 working days", "20 working days", "names no time"]
    {
        assert!(text.contains(said), "{said} in {text}");
    }
}

/// Logged on the page: what looks like personal data is held up. The page says by when it has to be acknowledged, in law
/// and as promised; late, it stands on the clocks page. Acknowledged late by promise and in time by law, answered, and
/// erased: codes and instants stay, words go, and the tables come out of the record again.
async fn a_complaint_is_kept_without_who_complained(on: On) {
    let world = World::new(on);
    // After the first day of section 164A.
    world.pass(120 * DAY);
    let operator = world.listening_party("Operator").await;
    let settings = DutySettings { complaint_promise: true, ..DutySettings::default() };
    let mut operator = operator.restart_with_duties(settings).await;
    let address = operator.serve();
    let mut visitor = Visitor::signed_in(address, &operator.email("manager"), PASSWORD).await;
    is_in_the_navigation_and_empty(&mut visitor).await;

    let page = visitor.get("/complaints/new").await.page();
    let now = visitor.get("/now").await.json();
    let now = |part: &str| now[part].as_str().expect("a part").to_owned();
    let (day, month, year, time) = (now("day"), now("month"), now("year"), now("time"));
    let mut answers = vec![
        ("received-day", day.as_str()),
        ("received-month", month.as_str()),
        ("received-year", year.as_str()),
        ("received-time", time.as_str()),
        ("channel", "email"),
        ("category", "security"),
        ("about", "alice@example.net says that her report was shown to others"),
    ];
    let bare = submit(&mut visitor, &page, "Log it", &[]).await;
    assert_eq!(bare.status, 422);
    let held = submit(&mut visitor, &page, "Log it", &answers).await;
    assert_eq!(held.status, 422);
    assert!(held.page().text().contains("looks like an e-mail address"));
    *answers.last_mut().expect("an answer") = ("about", "A report was shown to the wrong contractor");
    let logged = submit(&mut visitor, &page, "Log it", &answers).await;
    assert_eq!(logged.status, 303, "{}", logged.text());
    let path = logged.header("location").expect("an address").to_owned();
    let again = submit(&mut visitor, &page, "Log it", &answers).await;
    assert_eq!(again.header("location"), Some(path.as_str()), "the same form logs once");
    *answers.last_mut().expect("an answer") = ("about", "A report was shown to two contractors");
    other_words_are_not_lost(&mut visitor, &page, &answers).await;

    says_what_is_owed(&mut visitor, &path).await;
    assert!(visitor.get("/").await.page().text().contains("1 complaint to see to"));
    world.pass(10 * DAY);
    let mut visitor = Visitor::signed_in(address, &operator.email("manager"), PASSWORD).await;
    assert!(visitor.get("/").await.page().text().contains("1 complaint overdue"));
    assert!(visitor.get("/complaints?overdue=yes").await.page().text().contains("CP-2026-0001"));
    assert!(!visitor.get("/complaints?stage=answered").await.page().text().contains("CP-2026-0001"));

    let page = visitor.get(&format!("{path}/acknowledge")).await.page();
    assert_eq!(submit(&mut visitor, &page, "Record it", &[]).await.status, 303);
    let text = visitor.get(&path).await.page().text();
    assert!(text.contains("Met late") && text.contains("Met "), "by promise late, in law in time: {text}");
    let page = visitor.get(&format!("{path}/note")).await.page();
    assert_eq!(submit(&mut visitor, &page, "Record it", &[("note", "The contractor deleted it")]).await.status, 303);
    let page = visitor.get(&format!("{path}/answer")).await.page();
    assert_eq!(submit(&mut visitor, &page, "Record it", &[]).await.status, 422, "an outcome is needed");
    assert_eq!(submit(&mut visitor, &page, "Record it", &[("outcome", "upheld")]).await.status, 303);
    assert!(!visitor.get("/").await.page().text().contains("complaint to see to"));

    let mut administrator = Visitor::signed_in(address, &operator.email("administrator"), PASSWORD).await;
    let page = administrator.get(&format!("{path}/erase")).await.page();
    assert_eq!(submit(&mut administrator, &page, "Erase it", &[]).await.status, 303);
    let text = visitor.get(&path).await.page().text();
    assert!(text.contains("Erased") && text.contains("They were right"), "{text}");
    assert!(!operator.everything_readable().await.contains("contractor"));
    let (kept, rebuilt) = operator.rebuilt(on).await;
    assert_eq!(kept, rebuilt);
    operator.verify_ledger().await;
}

/// The same by the API, with the page's words; one key logs one complaint.
async fn a_program_keeps_complaints(on: On) {
    let world = World::new(on);
    world.pass(120 * DAY);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let account = operator.node.account(&operator.email("dpo")).await.expect("the store").expect("an account");
    let person = operator.node.person(account.id).await.expect("a person");
    let ends = operator.node.time().elapsed().plus_seconds(86_400);
    let scopes = vec![Scope::Read, Scope::Decide];
    let (_, token) = operator.node.add_token(&person, line("A program"), scopes, ends).await.expect("a token");
    let program = Visitor::with_token(address, &token);
    let send = async |method: &str, path: &str, key: &str, body: &serde_json::Value| {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        program.send(method, &format!("/api/v1{path}"), &headers, body.as_bytes()).await.expect("an answer")
    };
    let received = world.now().to_string();
    let mut body = json!({
        "received_at": received, "channel": "letter", "category": "rights", "about": "Ring me on 020 7946 0000",
    });
    let held = send("POST", "/complaints", "one", &body).await;
    assert_eq!(held.status, 422, "{}", held.text());
    body["about"] = json!("A request for a copy was not answered");
    let made = send("POST", "/complaints", "two", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(send("POST", "/complaints", "two", &body).await.json()["id"], made.json()["id"]);
    let one = send("GET", &format!("/complaints/{id}"), "", &json!(null)).await.json();
    assert_eq!((&one["state"], &one["promised_answer_by"]), (&json!("Not acknowledged"), &json!(null)));
    assert!(one["acknowledge_by"].is_string() && one["acknowledge_limit_at"].is_string(), "{one}");
    let clocks = send("GET", "/clocks", "", &json!(null)).await.json();
    let clock = &clocks["items"][0];
    assert_eq!(
        (&clock["kind"], &clock["complaint"]),
        (&json!("complaint_acknowledgement"), &made.json()["id"]),
        "{clocks}"
    );
    assert_eq!((&clock["state"], &clock["own_target"]), (&json!("Running"), &json!(false)));
    assert_eq!((&clock["due_at"], &clock["legal_limit_at"]), (&one["acknowledge_by"], &one["acknowledge_limit_at"]));
    let hand = json!({ "complaint": id, "kind": clock["kind"], "due_at": clock["due_at"] });
    let taken = send("POST", "/clocks/take-in-hand", "hand", &hand).await;
    assert!(taken.status < 300, "{}", taken.text());
    let neither = json!({ "kind": clock["kind"], "due_at": clock["due_at"] });
    assert_eq!(send("POST", "/clocks/take-in-hand", "neither", &neither).await.status, 422);
    let early =
        send("POST", &format!("/complaints/{id}/acknowledge"), "three", &json!({ "at": "2026-01-01T00:00:00Z" })).await;
    assert_eq!(early.status, 409, "{}", early.text());
    let at = json!({ "at": world.now().to_string() });
    let done = send("POST", &format!("/complaints/{id}/acknowledge"), "four", &at).await;
    assert!(done.status < 300, "{}", done.text());
    let list = send("GET", "/complaints", "", &json!(null)).await.json();
    assert_eq!(list["items"][0]["state"], "Acknowledged");
    let duties = send("GET", "/duties", "", &json!(null)).await;
    assert_eq!(duties.status, 200, "{}", duties.text());
}

/// A data protection officer logs a complaint and forgets it: it stands on the clocks page, in the API and in the calendar,
/// the law's time as law and ours as promises. The node reminds by mail, each step once, sleeps through several and reminds
/// once, is silent while somebody has it in hand, tells managers from the due time on, and stops with the deed.
async fn a_forgotten_complaint_is_called_to_mind(on: On) {
    let mut place = Forgotten::on(on).await;
    let [_, promise, _] = place.owed;
    let (officers, everybody) = (["dpo", "second-dpo"], ["dpo", "manager", "second-dpo"]);
    assert_eq!(place.news().await, [], "nothing is due yet");
    place.until(promise, -3 * DAY_MINUTES + MORNING);
    let early = "2 days left to acknowledge a complaint (our own promise)";
    assert_eq!(place.news().await, place.each(&officers, early), "officers, once, and no step before it");
    assert_eq!(place.news().await, []);

    // Down while the promise ran out: several steps slept through are one reminder, and a restart gives no other.
    place.until(promise, 9 * DAY_MINUTES);
    let mut place = place.restart().await;
    let late = "overdue by 9 days: acknowledge a complaint (our own promise)";
    assert_eq!(place.news().await, place.each(&everybody, late));
    let mut place = place.restart().await;
    assert_eq!(place.news().await, []);

    place.world.pass(Duration::from_secs(3_600));
    let (stream, kind) = (StreamId::Complaint(place.id), ClockKind::ComplaintPromisedAcknowledgement);
    let by = place.operator.duty_holder();
    place.operator.node.take_in_hand(&by, stream, kind, promise).await.expect("taken");
    let again = place.operator.node.take_in_hand(&by, stream, kind, promise).await;
    assert!(matches!(again, Err(DoorError::Complaint(_))), "{again:?}");
    place.until(promise, 10 * DAY_MINUTES);
    assert_eq!(place.news().await, [], "in hand");
    the_law_is_told_apart_and_the_deed_ends_it(place, on).await;
}

/// Seven days before the law's last day; then it is acknowledged, and answered on the morning after that is due.
async fn the_law_is_told_apart_and_the_deed_ends_it(mut place: Forgotten, on: On) {
    let [law, _, answer] = place.owed;
    let (officers, everybody) = (["dpo", "second-dpo"], ["dpo", "manager", "second-dpo"]);
    place.until(law, -8 * DAY_MINUTES + MORNING);
    let mut expected = place.each(&officers, "7 days left to acknowledge a complaint, by law");
    let outcome = "tell whoever complained the outcome (our own promise; the law names no time)";
    expected.extend(place.each(&officers, &format!("6 days left to {outcome}")));
    expected.extend(place.each(&everybody, "overdue by 14 days: acknowledge a complaint (our own promise)"));
    expected.sort();
    assert_eq!(place.news().await, expected, "in hand no more, and one of each ladder");
    let mail = place.server.mails().into_iter().find(|mail| mail.subject.ends_with("by law")).expect("a mail by law");
    assert!(mail.text.contains("The legal limit: ") && mail.text.contains(&format!("/complaints/{}", place.id)));
    assert!(!mail.text.contains("copy"), "not what it is about: {}", mail.text);

    let by = place.operator.duty_holder();
    place.operator.node.acknowledge_complaint(&by, place.id, place.world.now()).await.expect("acknowledged");
    place.until(answer, -DAY_MINUTES + MORNING);
    let last = place.each(&officers, &format!("15 hours left to {outcome}"));
    assert_eq!(place.news().await, last, "the morning of the last day; the acknowledgement is silent");
    place.until(answer, 0);
    assert_eq!(place.news().await, [], "nobody can act at midnight");
    place.until(answer, MORNING);
    let late = place.each(&everybody, &format!("overdue by 9 hours: {outcome}"));
    assert_eq!(place.news().await, late);
    let now = place.world.now();
    place.operator.node.answer_complaint(&by, place.id, now, Outcome::Withdrawn, None).await.expect("answered");
    place.world.pass(60 * DAY);
    assert_eq!(place.news().await, [], "what is done is not called to mind");
    let (kept, rebuilt) = place.operator.rebuilt(on).await;
    assert_eq!(kept, rebuilt);
    place.operator.verify_ledger().await;
}

/// A complaint that nobody thinks of, at an organisation with a mail server and a promise.
struct Forgotten {
    world: World,
    operator: Party,
    server: MailServer,
    id: ComplaintId,
    /// By when to acknowledge it by law and as promised, and to answer it.
    owed: [Moment; 3],
    /// Mails seen.
    told: usize,
}

impl Forgotten {
    fn settings() -> DutySettings {
        DutySettings { complaint_promise: true, ..DutySettings::default() }
    }

    async fn on(on: On) -> Self {
        let server = MailServer::start(server::mail::Security::None).await;
        let world = World::new(on);
        world.pass(120 * DAY);
        let operator = world.listening_party("Operator").await;
        let mut operator = operator.restart_with_mail_and_duties(server.settings(), Self::settings()).await;
        let address = operator.serve();
        let request = ComplaintRequest {
            form: None,
            received_at: world.now(),
            channel: Channel::Letter,
            category: Category::Rights,
            about: LongText::parse("A request for a copy was not answered").expect("a text"),
            incident: None,
        };
        let id = operator.node.log_complaint(&operator.duty_holder(), request).await.expect("logged").id;
        let stands = stands_among_the_clocks(&operator, address, id).await;
        looks_right(&operator, address, id).await;
        let due = |kind| stands.iter().find(|(it, _)| *it == kind).map(|(_, due)| *due).expect("it is owed");
        Self { world, operator, server, id, owed: ClockKind::OF_COMPLAINTS.map(due), told: 0 }
    }

    async fn restart(mut self) -> Self {
        let settings = self.server.settings();
        self.operator = self.operator.restart_with_mail_and_duties(settings, Self::settings()).await;
        self
    }

    /// Lets time pass up to a second after so many minutes from an instant.
    fn until(&self, from: Moment, minutes: i64) {
        let left = from.plus_seconds(minutes * 60 + 1).seconds_since(self.world.now());
        self.world.pass(Duration::from_secs(u64::try_from(left).expect("time goes forward")));
    }

    /// The mails since the last look: to whom, and the subject.
    async fn news(&mut self) -> Vec<(String, String)> {
        self.world.settle(&[&self.operator]).await;
        while self.operator.node.post_step(16).await.expect("a step of posting").sent > 0 {}
        let all: Vec<_> = self.server.mails().into_iter().map(|mail| (mail.to, mail.subject)).collect();
        let mut new = all[self.told..].to_vec();
        new.sort();
        self.told = all.len();
        new
    }

    fn each(&self, to: &[&str], subject: &str) -> Vec<(String, String)> {
        to.iter().map(|to| (self.operator.email(to), format!("CP-2026-0001: {subject}"))).collect()
    }
}

/// The clocks page and the complaint's own, wide and narrow: nothing that the checker objects to, nothing too wide; and
/// pictures to look at, when somebody asks for them.
async fn looks_right(operator: &Party, address: SocketAddr, id: ComplaintId) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    let origin = format!("http://{address}");
    for width in [1280, 390] {
        let browser = Browser::open_sized(width, 1_600).await;
        browser.sign_in(&origin, &operator.email("dpo"), PASSWORD).await;
        for (name, path) in [("clocks", "/".to_owned()), ("one", format!("/complaints/{id}"))] {
            browser.go(&format!("{origin}{path}")).await;
            assert_eq!(browser.violations().await, [] as [String; 0], "{path} at {width}");
            assert!(browser.overflow().await <= 0, "{path} is wider than {width}");
            if folder.is_dir() {
                let picture = browser.client.screenshot().await.expect("a screenshot");
                std::fs::write(folder.join(format!("complaint-{name}-{width}.png")), picture).expect("a picture");
            }
        }
        browser.close().await;
    }
}

/// On the clocks page, in the API and in the calendar, in due order. Answers what is owed, and by when.
async fn stands_among_the_clocks(operator: &Party, address: SocketAddr, id: ComplaintId) -> Vec<(ClockKind, Moment)> {
    let mut officer = Visitor::signed_in(address, &operator.email("dpo"), PASSWORD).await;
    let home = officer.get("/").await;
    let text = home.page().text();
    assert!(home.text().contains(&format!("href=\"/complaints/{id}\"")), "it leads to the complaint");
    for said in
        ["Acknowledge a complaint, by law", "CP-2026-0001", "By law: 30 days", "The legal limit is", "Our own promise"]
    {
        assert!(text.contains(said), "{said} in {text}");
    }
    let place = |said: &str| text.find(said).unwrap_or_else(|| panic!("{said} in {text}"));
    assert!(place("our own promise:") < place("By law: 30 days"), "the first due first");
    let path = officer.get(&format!("/complaints/{id}")).await.page().text();
    assert!(path.contains("reminded"), "who is reminded, and when: {path}");

    let form = officer.get("/account/calendar/new").await.page().form("Make the address").fields();
    let made = officer.post("/account/calendar/new", &form).await.text();
    let start = made.find("/calendar/").expect("the address");
    let path: String = made[start..].chars().take_while(|c| !"<\"& ".contains(*c)).collect();
    let calendar = Visitor::new(address).get(&path).await.text().replace("\r\n ", "");
    for said in ["acknowledge the complaint\\, by law", "by our own promise", "TRIGGER;RELATED=END:-PT10980M"] {
        assert!(calendar.contains(said), "{said} in {calendar}");
    }
    assert!(!calendar.contains("copy"), "{calendar}");

    let page = |rows: &mut Rows<'_>| clocks::every(rows, None, 10);
    let all = operator.node.store().read(page).await.expect("the clocks").items;
    assert_eq!(all.len(), 3);
    for clock in &all {
        let promised = clock.kind != ClockKind::ComplaintAcknowledgement;
        assert_eq!((clock.own_target, clock.complaint), (promised, Some(id)), "a promise is never law");
    }
    all.into_iter().map(|clock| (clock.kind, clock.due)).collect()
}
