//! Costs: what a breach came to, line by line, in the register and in its statistics, before and after erasure.

use std::net::SocketAddr;
use std::time::Duration;

use domain::incident::WithdrawalReason;
use domain::values::IncidentId;
use serde_json::{Value, json};
use server::access::Scope;
use server::node::LogRequest;
use tests::facts::first_hour;
use tests::node::{PASSWORD, Party, World, line, log_request};
use tests::typing::{done, faults, fill, form};
use tests::visitor::{Answer, Visitor};
use tests::{On, both};

both!(
    a_manager_says_what_a_breach_cost,
    the_second_to_correct_a_cost_is_told,
    wrong_answers_are_refused_at_their_field,
    amounts_outlive_erasure,
    a_program_does_the_same,
    amounts_of_few_are_not_published,
);

async fn case(world: &World) -> (Party, SocketAddr, IncidentId) {
    let mut operator = world.listening_party("Operator").await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let address = operator.serve();
    (operator, address, id)
}

/// What a manager types for the hours of their people.
const HOURS: [(&str, &str); 3] = [("kind", "staff_time"), ("amount", "1,250"), ("sure", "estimate")];

/// A manager records hours, sent twice, and an invoice, corrects the hours when they are counted, and strikes out what the
/// insurance paid; the page, the timeline, the register's files and its statistics say what is left. The incident is over by
/// then, and a drill's costs are in no figure.
async fn a_manager_says_what_a_breach_cost(on: On) {
    let world = World::new(on);
    let (operator, address, id) = case(&world).await;
    let drill = LogRequest { exercise: true, ..log_request(first_hour("Only a drill"), world.now()) };
    let drill = operator.log(drill).await;
    let mut person = Visitor::signed_in(address, &operator.email("manager"), PASSWORD).await;
    let base = format!("/incidents/{id}/costs");
    let empty = person.get(&base).await.page();
    assert!(empty.text().contains("No cost is recorded yet"), "{}", empty.text());
    let new = format!("{base}/new");
    let fields = fill(form(&mut person, &new, "Record it").await, &HOURS);
    for _ in 0..2 {
        assert_eq!(person.post(&new, &fields).await.status, 303, "pressed twice");
    }
    let other = person.post(&new, &fill(fields, &[("amount", "99")])).await;
    assert!(other.status == 422 && other.text().contains("sent before with other words"), "{}", other.text());
    done(&mut person, &format!("/incidents/{drill}/costs/new"), "Record it", &HOURS).await;
    operator.node.withdraw(&operator.responder(), id, WithdrawalReason::SentInError, None).await.expect("withdrawn");
    let invoice = [
        ("kind", "outside_help"),
        ("amount", "\u{a3}4,321.50"),
        ("sure", "final"),
        ("on-day", "1"),
        ("on-month", "3"),
        ("on-year", "2026"),
        ("note", "Invoice 17."),
    ];
    done(&mut person, &new, "Record it", &invoice).await;
    let page = person.get(&base).await.page();
    assert!(
        page.text().contains("It has cost \u{a3}5,571.50 so far, of which \u{a3}1,250.00 is estimated."),
        "{}",
        page.text()
    );
    let counted = [("amount", "980.25"), ("sure", "final"), ("reason", "The hours are counted.")];
    done(&mut person, &format!("{base}/1/correct"), "Save it", &counted).await;
    done(&mut person, &new, "Record it", &[("kind", "penalty"), ("amount", "17500000"), ("sure", "estimate")]).await;
    done(&mut person, &format!("{base}/3/strike"), "Strike it out", &[("reason", "There will be none.")]).await;
    let text = person.get(&base).await.page().text();
    for words in [
        "It has cost \u{a3}5,301.75 so far.",
        "Sunday 1 March 2026",
        "Invoice 17.",
        "by E. Manager (manager): The hours are counted.",
        "\u{a3}1,250.00, Staff time, an estimate",
        "Struck out",
        "There will be none.",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let timeline = person.get(&format!("/incidents/{id}/timeline")).await.page().text();
    assert!(
        timeline.contains("Cost 1 corrected by E. Manager (manager): \u{a3}980.25, Staff time. The hours are counted."),
        "{timeline}"
    );
    counted_everywhere(&operator, &mut person).await;
    let (live, rebuilt) = operator.rebuilt(on).await;
    assert!(live == rebuilt);
}

/// The register's files and its statistics have the costs of the incident, and the drill's in its line alone.
async fn counted_everywhere(operator: &Party, person: &mut Visitor) {
    let all = person.get("/register?exercise=all").await.page();
    let hidden: Vec<(String, String)> = all.form("CSV").fields();
    let file = |format: &str| fill(hidden.clone(), &[("format", format)]);
    let csv = person.post("/register/export", &file("csv")).await.text();
    assert!(csv.lines().next().is_some_and(|head| head.ends_with(",cost_gbp,cost_estimated_gbp,id")), "{csv}");
    assert!(csv.contains(",5301.75,0.00,") && csv.contains(",1250.00,1250.00,"), "{csv}");
    let json: Value = person.post("/register/export", &file("json")).await.json();
    let entries = json["entries"].as_array().expect("entries");
    assert!(entries.iter().any(|entry| entry["cost_pence"] == 530_175 && entry["cost_estimated_pence"] == 0), "{json}");
    assert!(person.post("/register/export", &file("xlsx")).await.body.starts_with(b"PK"));
    let statistics = person.get("/register/statistics").await.page();
    let text = statistics.text();
    for words in [
        "\u{a3}5,301.75 in 1 incident, of which \u{a3}0.00 is estimated.",
        "Outside help \u{a3}4,321.50 82 % 1",
        "Staff time \u{a3}980.25 18 % 1",
        "2026 \u{a3}5,301.75 \u{a3}0.00 1",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let named = |title: &str| statistics.all("svg").iter().any(|svg| svg.text().contains(title));
    assert!(named("Costs by kind") && named("Costs by year"));
    let none = person.get("/register/statistics?period=2019").await.page().text();
    assert!(none.contains("No cost is recorded in this period.") && none.contains("2026 \u{a3}5,301.75"), "{none}");
    let address = operator.issuer().trim_start_matches("http://").parse().expect("an address");
    let mut program = Visitor::with_token(address, &operator.api_token().await);
    let told = program.get("/api/v1/register/statistics").await.json();
    assert_eq!(
        (told["costs"]["pence"].as_i64(), told["costs"]["years"][0]["year"].as_i64()),
        (Some(530_175), Some(2026))
    );
    assert_eq!(told["costs"]["kinds"][0]["kind"], "outside_help");
    let listed = program.get("/api/v1/register").await.json();
    assert_eq!(listed["items"][0]["cost_pence"], 530_175, "{listed}");
}

/// Whoever sends a form about a cost that somebody else corrected meanwhile is told, sees it as it stands, and may send it
/// again.
async fn the_second_to_correct_a_cost_is_told(on: On) {
    let world = World::new(on);
    let (operator, address, id) = case(&world).await;
    let mut first = Visitor::signed_in(address, &operator.email("manager"), PASSWORD).await;
    let mut second = Visitor::signed_in(address, &operator.email("dpo"), PASSWORD).await;
    let base = format!("/incidents/{id}/costs");
    done(&mut first, &format!("{base}/new"), "Record it", &HOURS).await;
    let path = format!("{base}/1/correct");
    let opened = form(&mut second, &path, "Save it").await;
    assert!(opened.iter().any(|(name, value)| name == "amount" && value == "1250.00"), "{opened:?}");
    let counted = [("amount", "1300"), ("reason", "Counted.")];
    let twice = fill(form(&mut first, &path, "Save it").await, &counted);
    for press in 1..=2 {
        assert_eq!(first.post(&path, &twice).await.status, 303, "press {press}");
    }
    let late = second.post(&path, &fill(opened, &[("amount", "1400"), ("reason", "Guessed again.")])).await;
    assert_eq!(faults(&late), ["amount"]);
    assert!(late.page().text().contains("Cost 1: \u{a3}1,300.00") && late.text().contains("1400"), "{}", late.text());
    assert_eq!(operator.incident(id).await.costs.total(), Some(130_000));
    let again = second.post(&path, &late.page().form("Save it").fields()).await;
    assert_eq!(again.status, 303, "{}", again.text());
    assert_eq!(operator.incident(id).await.costs.total(), Some(140_000));
    done(&mut first, &format!("{base}/1/strike"), "Strike it out", &[("reason", "Twice.")]).await;
    let gone = second.get(&path).await.page().form("Save it").fields();
    let refused = second.post(&path, &fill(gone, &[("amount", "1"), ("reason", "None.")])).await;
    assert!(refused.status == 422 && refused.text().contains("This cost is struck out already"), "{}", refused.text());
}

/// Amounts that are none or could be two, a day in the future or none, a kind outside the list, personal data, 200 KB: each is
/// refused at its field and nothing is recorded. An auditor reads, and may not even ask.
async fn wrong_answers_are_refused_at_their_field(on: On) {
    let world = World::new(on);
    let (operator, address, id) = case(&world).await;
    let mut person = Visitor::signed_in(address, &operator.email("dpo"), PASSWORD).await;
    let base = format!("/incidents/{id}/costs");
    let new = format!("{base}/new");
    let fields = form(&mut person, &new, "Record it").await;
    assert_eq!(faults(&person.post(&new, &fields).await), ["kind", "amount", "sure"], "nothing was filled in");
    let fields = fill(fields, &HOURS);
    let long = "a".repeat(200 * 1_024);
    for (wrong, field) in [
        (("amount", "about a thousand"), "amount"),
        (("amount", "1.250,00"), "amount"),
        (("amount", "1,25"), "amount"),
        (("amount", "0"), "amount"),
        (("amount", "-5"), "amount"),
        (("amount", "1,000,000,000.01"), "amount"),
        (("amount", long.as_str()), "amount"),
        (("kind", "bribes"), "kind"),
        (("sure", "perhaps"), "sure"),
        (("on-day", "31"), "on-month"),
        (("note", long.as_str()), "note"),
        (("note", "Paid to jane.doe@gmail.com."), "checked"),
    ] {
        assert_eq!(faults(&person.post(&new, &fill(fields.clone(), &[wrong])).await), [field], "{wrong:.40?}");
    }
    for (day, year) in [("31", "2026"), ("1", "1999")] {
        let on = [("on-day", day), ("on-month", "12"), ("on-year", year)];
        assert_eq!(faults(&person.post(&new, &fill(fields.clone(), &on)).await), ["on-day"], "{year}");
    }
    assert!(operator.incident(id).await.costs.recorded.is_empty());
    let wrong = person.post(&new, &fill(fields, &[("amount", "1,250.5")])).await;
    assert!(wrong.page().text().contains("Give the pence as two figures after the point, such as 1,250.50"));
    let mut auditor = Visitor::signed_in(address, &operator.email("auditor"), PASSWORD).await;
    assert_eq!((auditor.get(&new).await.status, auditor.get(&base).await.status), (403, 200));
    assert_eq!(person.get(&format!("{base}/7/correct")).await.status, 404);
}

/// Erasure takes notes and reasons; amounts stay on the page, in the register and in the statistics.
async fn amounts_outlive_erasure(on: On) {
    let world = World::new(on);
    let (operator, address, id) = case(&world).await;
    let mut person = Visitor::signed_in(address, &operator.email("manager"), PASSWORD).await;
    let base = format!("/incidents/{id}/costs");
    let new = format!("{base}/new");
    let noted = [HOURS.as_slice(), &[("note", "The lighthouse keeper.")]].concat();
    done(&mut person, &new, "Record it", &noted).await;
    let why = [("amount", "900"), ("sure", "final"), ("reason", "The lighthouse was dark."), ("note", "")];
    done(&mut person, &format!("{base}/1/correct"), "Save it", &why).await;
    done(&mut person, &new, "Record it", &HOURS).await;
    done(&mut person, &format!("{base}/2/strike"), "Strike it out", &[("reason", "No second lighthouse.")]).await;
    operator.node.withdraw(&operator.responder(), id, WithdrawalReason::SentInError, None).await.expect("withdrawn");
    operator.node.anonymise(&operator.administrator(), id).await.expect("erased");
    let text = person.get(&base).await.page().text();
    assert!(text.contains("It has cost \u{a3}900.00 so far.") && text.contains("amounts stay"), "{text}");
    assert!(!text.contains("Record a cost"), "{text}");
    assert!(!operator.everything_readable().await.to_lowercase().contains("lighthouse"));
    let statistics = person.get("/register/statistics").await.page().text();
    assert!(statistics.contains("\u{a3}900.00 in 1 incident"), "{statistics}");
    let (live, rebuilt) = operator.rebuilt(on).await;
    assert!(live == rebuilt);
}

/// The same through the API.
async fn a_program_does_the_same(on: On) {
    let world = World::new(on);
    let (operator, address, id) = case(&world).await;
    let account = operator.node.account(&operator.email("dpo")).await.expect("answers").expect("an account");
    let person = operator.node.person(account.id).await.expect("a person");
    let ends = operator.node.time().elapsed().plus_seconds(86_400);
    let scopes = vec![Scope::Read, Scope::Decide];
    let (_, token) = operator.node.add_token(&person, line("A program"), scopes, ends).await.expect("a token");
    let program = Visitor::with_token(address, &token);
    let path = |rest: &str| format!("/api/v1/incidents/{id}/costs{rest}");
    let cost = json!({ "kind": "support", "pence": 125_050, "estimate": true, "note": "Offer 17." });
    assert_eq!(send(&program, "POST", &path(""), &[], &cost).await.status, 428, "a key is needed");
    for _ in 0..2 {
        let added = send(&program, "POST", &path(""), &[("Idempotency-Key", "a")], &cost).await;
        assert_eq!(added.status, 204, "{}", added.text());
    }
    for (wrong, field) in [
        (json!({ "kind": "bribes", "pence": 1 }), "/kind"),
        (json!({ "kind": "support", "pence": 0 }), "/pence"),
        (json!({ "kind": "support", "pence": 12.5 }), "/pence"),
        (json!({ "kind": "support", "pence": "1250" }), "/pence"),
        (json!({ "kind": "support", "pence": 100_000_000_001_u64 }), "/pence"),
        (json!({ "kind": "support", "pence": 1, "note": "jane.doe@gmail.com" }), "/note"),
    ] {
        let refused = send(&program, "POST", &path(""), &[("Idempotency-Key", &wrong.to_string())], &wrong).await;
        assert_eq!((refused.status, refused.json()["errors"][0]["field"].as_str()), (422, Some(field)), "{wrong}");
    }
    let future = json!({ "kind": "support", "pence": 1, "on": "2099-01-01" });
    assert_eq!(send(&program, "POST", &path(""), &[("Idempotency-Key", "b")], &future).await.status, 409);
    let exact = |revision: u32| json!({ "number": 1, "revision": revision, "kind": "support", "pence": 99_000, "on": operator.node.today(), "reason": "The invoice came." });
    assert_eq!(send(&program, "POST", &path("/correct"), &[("Idempotency-Key", "c")], &exact(9)).await.status, 409);
    assert_eq!(send(&program, "POST", &path("/correct"), &[("Idempotency-Key", "d")], &exact(1)).await.status, 204);
    assert_eq!(send(&program, "POST", &path(""), &[("Idempotency-Key", "e")], &cost).await.status, 204);
    let struck = json!({ "number": 2, "revision": 1, "reason": "Not taken up." });
    assert_eq!(send(&program, "POST", &path("/strike"), &[("Idempotency-Key", "f")], &struck).await.status, 204);
    let shown = send(&program, "GET", &path(""), &[], &Value::Null).await.json();
    assert_eq!((shown["total_pence"].as_i64(), shown["estimated_pence"].as_i64()), (Some(99_000), Some(0)), "{shown}");
    let costs = &shown["costs"];
    assert_eq!((costs[0]["state"].as_str(), costs[0]["earlier"][0]["pence"].as_i64()), (Some("Final"), Some(125_050)));
    assert_eq!((costs[1]["state"].as_str(), costs[1]["struck"].as_str()), (Some("Struck out"), Some("Not taken up.")));
}

/// Of a year that is over amounts can be taken away to publish: of six incidents with staff time and two with a penalty, the
/// penalty goes, and the smallest of the others with it.
async fn amounts_of_few_are_not_published(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    for n in 0..6_u32 {
        let id = operator.log(log_request(first_hour(&format!("Letter {n} went astray")), world.now())).await;
        let path = format!("/incidents/{id}/costs/new");
        let mut person = Visitor::signed_in(address, &operator.email("manager"), PASSWORD).await;
        done(&mut person, &path, "Record it", &[("kind", "staff_time"), ("amount", "1000"), ("sure", "final")]).await;
        done(&mut person, &path, "Record it", &[("kind", "support"), ("amount", "2000"), ("sure", "final")]).await;
        if n < 2 {
            done(&mut person, &path, "Record it", &[("kind", "penalty"), ("amount", "50000"), ("sure", "final")]).await;
        }
    }
    world.pass(Duration::from_secs(366 * 86_400));
    let mut officer = Visitor::signed_in(address, &operator.email("dpo"), PASSWORD).await;
    let page = officer.get("/register/statistics").await.page();
    let fields = fill(page.form("Download the costs (CSV)").fields(), &[("year", "2026")]);
    let taken = officer.post("/register/statistics/costs", &fields).await;
    assert!(taken.header("content-disposition").is_some_and(|name| name.contains("register-costs-2026-")));
    let csv = taken.text();
    assert!(csv.contains("Staff time,6\r\n") && csv.contains("people affected,12\r\n"), "in thousands: {csv}");
    assert!(
        csv.contains("Penalty,c\r\n") && csv.contains("\r\ntotal,c\r\n"),
        "it would give the penalties away: {csv}"
    );
    let running = officer.post("/register/statistics/costs", &fill(fields, &[("year", "2027")])).await;
    assert!(running.status == 422 && running.text().contains("Choose a year that is over"), "{}", running.text());
    assert!(operator.everything_readable().await.contains("register_costs_exported"), "it is on the record");
    let mut program = Visitor::with_token(address, &operator.api_token().await);
    assert_eq!(program.get("/api/v1/register/costs?year=2026").await.text(), csv);
    assert_eq!(program.get("/api/v1/register/costs?year=2027").await.status, 422);
}

async fn send(program: &Visitor, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Answer {
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend_from_slice(more);
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    program.send(method, path, &headers, &body).await.unwrap_or_else(|| panic!("no answer to {method} {path}"))
}
