//! Forms as people meet them: nothing typed is lost, and nothing is done twice.

use tests::facts::first_hour;
use tests::node::{PASSWORD, Party, World, log_request};
use tests::page::Page;
use tests::typing::fill;
use tests::visitor::{Answer, Visitor};
use tests::{On, both};

both!(
    an_incident_is_logged_through_the_pages,
    sending_the_form_twice_logs_once,
    a_wrong_form_marks_its_fields_and_keeps_what_was_typed,
    personal_data_has_to_be_looked_at,
    the_second_editor_is_shown_what_changed,
    a_lost_database_answers_503_and_keeps_what_was_typed,
    a_notice_received_is_acknowledged_on_its_page,
);

/// A person at the operator's node.
struct Desk {
    operator: Party,
    visitor: Visitor,
}

impl Desk {
    async fn of(world: &World) -> Self {
        let mut operator = world.listening_party("Operator").await;
        let _partner = world.scripted(&operator, "Council", 48).await;
        let address = operator.serve();
        let visitor = Visitor::signed_in(address, &operator.email("responder"), PASSWORD).await;
        Self { operator, visitor }
    }

    /// Follows a redirect.
    async fn follow(&mut self, answer: &Answer) -> (String, Page) {
        assert_eq!(answer.status, 303, "{}", answer.text());
        let to = answer.header("location").expect("an address").to_owned();
        (to.clone(), self.visitor.get(&to).await.page())
    }

    /// Opens a fresh form for logging: its path and page.
    async fn fresh_form(&mut self) -> (String, Page) {
        let answer = self.visitor.get("/incidents/new").await;
        self.follow(&answer).await
    }

    fn service(&self) -> String {
        self.operator.services().first().expect("a service").to_string()
    }

    /// Fills a fresh form and goes on to the check: the path of the check page, and the page.
    async fn checked(&mut self, typed: &[(&str, &str)]) -> (String, Page) {
        let (path, page) = self.fresh_form().await;
        let service = self.service();
        let mut all = answers(&service);
        all.extend_from_slice(typed);
        let fields = fill(page.form("Continue").fields(), &all);
        let answer = self.visitor.post(&path, &fields).await;
        self.follow(&answer).await
    }

    async fn incidents(&mut self) -> usize {
        self.visitor
            .get("/incidents")
            .await
            .page()
            .all("tbody")
            .iter()
            .map(|body| body.all(|e| e.name == "tr").len())
            .sum()
    }
}

/// What a responder types at 2 a.m.
fn answers(service: &str) -> Vec<(&str, &str)> {
    vec![
        ("title", "A mailbox was open"),
        ("summary", "A mailbox of the case team was open to somebody outside."),
        ("kind", "breach"),
        ("discovery_method", "own_detection"),
        ("aware_basis", "The duty engineer saw the log."),
        ("services", service),
        ("go", "continue"),
    ]
}

/// From the empty form over the check to the incident's page: the partner is named with its due instant, and told.
async fn an_incident_is_logged_through_the_pages(on: On) {
    let world = World::new(on);
    let mut desk = Desk::of(&world).await;
    let (path, check) = desk.checked(&[]).await;
    assert_eq!(check.heading(), "Check your answers");
    assert!(check.text().contains("Council") && check.text().contains("A mailbox was open"));
    let fields = fill(check.form("Log and notify").fields(), &[("go", "notify")]);
    let answer = desk.visitor.post(&path.replace("/check", "/log"), &fields).await;
    let (_, incident) = desk.follow(&answer).await;
    assert!(incident.heading().contains("A mailbox was open"));
    world.settle(&[&desk.operator]).await;
    assert_eq!(desk.incidents().await, 1);
    let clocks = desk.visitor.get("/").await.page();
    assert!(!clocks.role("timer").is_empty(), "clocks count down on the home page");
}

/// The check page sent twice, as after a double press or the back button, shows the same incident.
async fn sending_the_form_twice_logs_once(on: On) {
    let world = World::new(on);
    let mut desk = Desk::of(&world).await;
    let (path, check) = desk.checked(&[]).await;
    let fields = fill(check.form("Log and notify").fields(), &[("go", "notify")]);
    let log = path.replace("/check", "/log");
    let first = desk.visitor.post(&log, &fields).await;
    let second = desk.visitor.post(&log, &fields).await;
    let to = |answer: &Answer| answer.header("location").map(|to| to.split('?').next().unwrap_or_default().to_owned());
    assert_eq!((first.status, second.status), (303, 303));
    assert_eq!(to(&first), to(&second));
    let other = desk.visitor.post(&log, &fill(fields, &[("title", "Another mailbox was open")])).await;
    assert!(other.text().contains("This form was sent before with other answers"), "{}", other.text());
    assert!(other.text().contains("Another mailbox was open"), "the answers go on under a fresh form");
    assert_eq!(desk.incidents().await, 1);
}

/// Faults are listed at the top with links to their fields, the fields say what is wrong, and all that was typed stays.
async fn a_wrong_form_marks_its_fields_and_keeps_what_was_typed(on: On) {
    let world = World::new(on);
    let mut desk = Desk::of(&world).await;
    let (path, page) = desk.fresh_form().await;
    let typed = [
        ("summary", "Half a <sentence> & \"quotes\""),
        ("aware-day", "31"),
        ("aware-month", "2"),
        ("aware-year", "2026"),
        ("aware-time", "25:00"),
        ("go", "continue"),
    ];
    let answer = desk.visitor.post(&path, &fill(page.form("Continue").fields(), &typed)).await;
    assert!([400, 422, 200].contains(&answer.status), "{}", answer.status);
    let page = answer.page();
    let summary = page.role("alert").into_iter().next().expect("a summary of what is wrong");
    let links = summary.all(|element| element.name == "a");
    assert!(links.len() >= 4, "every fault at once: {}", summary.text());
    for link in links {
        let target = link.attribute("href").and_then(|href| href.strip_prefix('#')).expect("a link to a field");
        assert!(page.id(target).is_some(), "#{target} is on the page");
    }
    let invalid = page.role("").into_iter().filter(|element| element.attribute("aria-invalid") == Some("true")).count();
    assert!(invalid >= 1, "fields are marked");
    let fields = page.form("Continue").fields();
    for (name, value) in &typed[..5] {
        assert!(fields.contains(&((*name).to_owned(), (*value).to_owned())), "{name} is kept: {fields:?}");
    }
    assert_eq!(desk.incidents().await, 0);
}

/// A text that looks like personal data is shown and has to be looked at before anything is logged.
async fn personal_data_has_to_be_looked_at(on: On) {
    let world = World::new(on);
    let mut desk = Desk::of(&world).await;
    let typed = [("summary", "Mails of jane.doe@gmail.com, NI number QQ 12 34 56 C, were read.")];
    let (path, check) = desk.checked(&typed).await;
    assert!(check.text().contains("jane.doe@gmail.com"));
    let log = path.replace("/check", "/log");
    let fields = fill(check.form("Log and notify").fields(), &[("go", "notify")]);
    let refused = desk.visitor.post(&log, &fields).await;
    assert_ne!(refused.status, 303, "not without a look");
    assert_eq!(desk.incidents().await, 0);
    let fields = fill(refused.page().form("Log and notify").fields(), &[("go", "notify"), ("checked", "yes")]);
    let logged = desk.visitor.post(&log, &fields).await;
    assert_eq!(logged.status, 303, "a person has looked: {}", logged.text());
}

/// Two people open the facts; the second to save is shown what the first changed, and nothing is overwritten.
async fn the_second_editor_is_shown_what_changed(on: On) {
    let world = World::new(on);
    let mut desk = Desk::of(&world).await;
    let id = desk.operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let path = format!("/incidents/{id}/update-facts");
    let opened = desk.visitor.get(&path).await.page();
    let form = opened.all("form").into_iter().find(|form| form.fields().iter().any(|(name, _)| name == "title"));
    let fields = form.expect("a form of facts").fields();
    let first = desk.visitor.post(&path, &fill(fields.clone(), &[("title", "Two mailboxes were open")])).await;
    assert_eq!(first.status, 303, "{}", first.text());
    let second = desk.visitor.post(&path, &fill(fields, &[("title", "No mailbox was open")])).await;
    assert_ne!(second.status, 303);
    let page = second.page();
    assert!(page.text().contains("Two mailboxes were open"), "what the first one changed");
    assert!(second.text().contains("No mailbox was open"), "what the second one typed");
    let facts = desk.operator.incident(id).await.facts.expect("facts");
    assert_eq!(facts.title.as_str(), "Two mailboxes were open");
}

/// The store is gone while a form is sent: 503, when to try again, everything typed still there.
async fn a_lost_database_answers_503_and_keeps_what_was_typed(on: On) {
    let world = World::new(on);
    let mut desk = Desk::of(&world).await;
    let (path, page) = desk.fresh_form().await;
    let service = desk.service();
    let fields = fill(page.form("Continue").fields(), &answers(&service));
    desk.operator.node.store().stop();
    let answer = desk.visitor.post(&path, &fields).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
    assert!(answer.text().contains("A mailbox of the case team was open"), "nothing typed is lost");
    assert!(answer.page().text().to_lowercase().contains("nothing"), "the page says that nothing was changed");
}

/// A person reads a notice received, acknowledges it with a stance, and the page says so.
async fn a_notice_received_is_acknowledged_on_its_page(on: On) {
    let world = World::new(on);
    let operator = world.listening_party("Operator").await;
    let mut council = world.listening_party("Council").await;
    world.pair(&operator, &council).await;
    operator.arrange(&council, 48).await;
    operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator, &council]).await;
    let notice = council.only_received().await.id;
    let address = council.serve();
    let mut visitor = Visitor::signed_in(address, &council.email("responder"), PASSWORD).await;
    let list = visitor.get("/received").await.page();
    assert!(list.text().contains("Operator"));
    let page = visitor.get(&format!("/received/{notice}")).await.page();
    assert!(page.text().contains("A mailbox was open") && page.text().contains("Operator"));
    let form = page.form("Acknowledge");
    let action = form.attribute("action").expect("an address").to_owned();
    let answer = visitor.post(&action, &fill(form.fields(), &[("stance", "affected"), ("reference", "C-17")])).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    world.settle(&[&operator, &council]).await;
    assert!(visitor.get(&format!("/received/{notice}")).await.page().text().contains("Affected"));
    assert_eq!(council.exchange(notice).await.acknowledgements.len(), 1);
}
