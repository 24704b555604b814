//! Lessons: a root cause, actions that somebody sees to by a day, whether they worked, and one list of all that is still to
//! be done.

use std::net::SocketAddr;

use chrono::{Days, NaiveDate};
use domain::incident::lessons::{ActionState, Effect};
use domain::values::{IncidentId, LongText};
use serde_json::{Value, json};
use server::access::{DutyHolder, Scope};
use server::node::lessons::{NewOwner, NewPlan};
use tests::facts::first_hour;
use tests::node::{PASSWORD, Party, World, line, log_request};
use tests::typing::{done, faults, fill, form};
use tests::visitor::{Answer, Visitor};
use tests::{On, both};

both!(
    a_cause_and_an_action_go_their_way,
    the_second_to_change_an_action_is_told,
    the_list_is_walked_by_day,
    wrong_answers_are_refused_at_their_field,
    lessons_hold_erasure_up_until_they_are_done,
    a_program_does_the_same,
);

async fn case(world: &World) -> (Party, SocketAddr, IncidentId) {
    let mut operator = world.listening_party("Operator").await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let address = operator.serve();
    (operator, address, id)
}

/// What a manager types for an action due on 20 March 2026.
const ACTION: [(&str, &str); 6] = [
    ("what", "Turn the second factor on for every mailbox."),
    ("owner", ""),
    ("role", "Head of IT"),
    ("due-day", "20"),
    ("due-month", "3"),
    ("due-year", "2026"),
];

fn holder(party: &Party) -> DutyHolder {
    party.duty_holder()
}

/// A manager records why it happened, gives an action to a colleague, sees it done and finds that it worked in part; all of
/// it stands on the page, in the list while it is open, and in the timeline.
async fn a_cause_and_an_action_go_their_way(on: On) {
    let world = World::new(on);
    let (operator, address, id) = case(&world).await;
    let mut person = Visitor::signed_in(address, &operator.email("manager"), PASSWORD).await;
    let base = format!("/incidents/{id}/lessons");
    let cause = [("kind", "phishing"), ("words", "No second factor on mailboxes.")];
    done(&mut person, &format!("{base}/cause"), "Record it", &cause).await;
    let new = format!("{base}/actions/new");
    let dpo = operator.node.account(&operator.email("dpo")).await.expect("answers").expect("an account").id.to_string();
    let own = [("owner", dpo.as_str()), ("role", "")];
    let fields = fill(fill(form(&mut person, &new, "Add it").await, &ACTION), &own);
    for _ in 0..2 {
        assert_eq!(person.post(&new, &fields).await.status, 303, "pressed twice");
    }
    assert_eq!(operator.incident(id).await.lessons.actions.len(), 1, "added once");
    let other = person.post(&new, &fill(fields, &[("what", "Block old protocols.")])).await;
    assert_eq!(other.status, 422, "other words of the same form would be lost");
    assert!(other.text().contains("sent before with other words"), "{}", other.text());
    let list = person.get("/actions").await.page();
    assert!(list.text().contains("Turn the second factor on") && list.text().contains("C. Officer"), "{}", list.text());
    assert!(person.get("/actions?mine=1").await.page().text().contains("Nothing is left to be done"));
    let mut officer = Visitor::signed_in(address, &operator.email("dpo"), PASSWORD).await;
    assert!(officer.get("/actions?mine=1").await.page().text().contains("Turn the second factor on"));
    let step = |step: &str| format!("{base}/actions/1/{step}");
    done(&mut officer, &step("done"), "It is done", &[("evidence", "Ticket 4711.")]).await;
    assert!(officer.get("/actions").await.page().text().contains("Nothing is left to be done"));
    let review = [("effect", "in_part"), ("words", "Two old mailboxes were left out.")];
    done(&mut person, &step("review"), "Record the review", &review).await;
    let page = person.get(&base).await.page();
    for words in
        ["Phishing", "No second factor", "Ticket 4711.", "Worked in part", "Two old mailboxes", "by E. Manager"]
    {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    let timeline = person.get(&format!("/incidents/{id}/timeline")).await.page();
    assert!(timeline.text().contains("Corrective action 1 done on Monday 2 March 2026"), "{}", timeline.text());
    let action = operator.incident(id).await.lessons.action(1).expect("the action").clone();
    assert_eq!(action.reviews.first().map(|review| review.effect), Some(Effect::InPart));
    let (live, rebuilt) = operator.rebuilt(on).await;
    assert!(live == rebuilt);
}

/// Whoever sends a form about an action that somebody else changed meanwhile is told, sees it as it stands, and may send it
/// again.
async fn the_second_to_change_an_action_is_told(on: On) {
    let world = World::new(on);
    let (operator, address, id) = case(&world).await;
    let mut first = Visitor::signed_in(address, &operator.email("manager"), PASSWORD).await;
    let mut second = Visitor::signed_in(address, &operator.email("dpo"), PASSWORD).await;
    let base = format!("/incidents/{id}/lessons");
    done(&mut first, &format!("{base}/actions/new"), "Add it", &ACTION).await;
    let path = format!("{base}/actions/1/change");
    let opened = form(&mut second, &path, "Save it").await;
    done(&mut first, &path, "Save it", &[("what", "Only for case workers.")]).await;
    let late = second.post(&path, &fill(opened, &[("what", "For nobody.")])).await;
    assert_eq!(late.status, 422, "{}", late.text());
    assert!(late.page().text().contains("Only for case workers.") && late.text().contains("For nobody."));
    let action = operator.incident(id).await.lessons.action(1).expect("the action").clone();
    assert_eq!(action.plan.what.as_str(), "Only for case workers.");
    let again = second.post(&path, &late.page().form("Save it").fields()).await;
    assert_eq!(again.status, 303, "{}", again.text());
    done(&mut first, &format!("{base}/actions/1/drop"), "Drop it", &[("reason", "Done elsewhere.")]).await;
    let gone = second.get(&format!("{base}/actions/1/done")).await.page().form("It is done").fields();
    let refused = second.post(&format!("{base}/actions/1/done"), &fill(gone, &[("evidence", "None.")])).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(refused.text().contains("This action is dropped"), "{}", refused.text());
    done(&mut second, &format!("{base}/actions/1/reopen"), "Open it again", &[("reason", "It was not.")]).await;
    let action = operator.incident(id).await.lessons.action(1).expect("the action").clone();
    assert_eq!(action.state, ActionState::Open);
}

/// Sixty actions of three incidents, the first due first, on two pages, none twice and none left out.
async fn the_list_is_walked_by_day(on: On) {
    let world = World::new(on);
    let (operator, address, first) = case(&world).await;
    let mut incidents = vec![first];
    for title in ["A laptop is missing", "A letter went astray"] {
        incidents.push(operator.log(log_request(first_hour(title), world.now())).await);
    }
    let today = operator.node.today();
    for n in 0..20_u64 {
        for id in &incidents {
            let plan = NewPlan {
                what: LongText::parse(&format!("Step {n} for {id}")).expect("a text"),
                owner: NewOwner::Role(line("Head of IT")),
                due_on: today.checked_add_days(Days::new(19 - n)).expect("a day"),
            };
            operator.node.add_action(&holder(&operator), *id, None, plan).await.expect("added");
        }
    }
    let mut person = Visitor::signed_in(address, &operator.email("auditor"), PASSWORD).await;
    let page = person.get("/actions").await.page();
    assert!(page.text().contains("60 actions still to be done"), "{}", page.text());
    let shown = rows(&page);
    assert_eq!(shown.len(), 50);
    assert!(shown[0].contains("Due today") && shown[0].contains("Step 19"), "{}", shown[0]);
    let next = page.link("Actions due later").attribute("href").expect("an address").to_owned();
    let rest = rows(&person.get(&next).await.page());
    assert_eq!(rest.len(), 10);
    let mut all: Vec<String> = shown.into_iter().chain(rest).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 60, "none twice");
    world.pass(std::time::Duration::from_secs(86_400));
    // Nobody stays signed in for so long.
    let mut person = Visitor::signed_in(address, &operator.email("auditor"), PASSWORD).await;
    assert!(person.get("/actions").await.page().text().contains("Overdue"));
}

fn rows(page: &tests::page::Page) -> Vec<String> {
    let bodies = page.all("tbody");
    bodies.iter().flat_map(|body| body.all(|e| e.name == "tr")).map(tests::page::Element::text).collect()
}

/// A type outside the list, a day that is none or over, two owners, none, personal data, 200 KB: each is refused at its
/// field and nothing is recorded. An auditor may not even ask.
async fn wrong_answers_are_refused_at_their_field(on: On) {
    let world = World::new(on);
    let (operator, address, id) = case(&world).await;
    let mut person = Visitor::signed_in(address, &operator.email("dpo"), PASSWORD).await;
    let base = format!("/incidents/{id}/lessons");
    let cause = format!("{base}/cause");
    let fields = form(&mut person, &cause, "Record it").await;
    let wrong = fill(fields.clone(), &[("kind", "carrier_pigeon"), ("words", "A pigeon.")]);
    assert_eq!(faults(&person.post(&cause, &wrong).await), ["kind"]);
    let personal = fill(fields, &[("kind", "phishing"), ("words", "Jane clicked, jane.doe@gmail.com.")]);
    assert_eq!(faults(&person.post(&cause, &personal).await), ["checked"]);
    let new = format!("{base}/actions/new");
    let fields = fill(form(&mut person, &new, "Add it").await, &ACTION);
    let long = "a".repeat(200 * 1_024);
    let own = operator.node.account(&operator.email("dpo")).await.expect("answers").expect("an account").id.to_string();
    for (wrong, field) in [
        (("due-day", "31"), "due-day"),
        (("due-month", "2"), "due-day"),
        (("due-year", "26"), "due-year"),
        (("due-year", "2037"), "due-day"),
        (("role", ""), "owner"),
        (("owner", own.as_str()), "role"),
        (("what", long.as_str()), "what"),
        (("what", " "), "what"),
    ] {
        let mut typed = fill(fields.clone(), &[wrong]);
        if wrong == ("due-day", "31") {
            typed = fill(typed, &[("due-month", "4")]);
        }
        assert_eq!(faults(&person.post(&new, &typed).await), [field], "{wrong:.40?}");
    }
    let lessons = operator.incident(id).await.lessons;
    assert!(lessons.actions.is_empty() && lessons.causes.is_empty());
    let mut auditor = Visitor::signed_in(address, &operator.email("auditor"), PASSWORD).await;
    assert_eq!((auditor.get(&new).await.status, auditor.get(&base).await.status), (403, 200));
    assert_eq!(person.get(&format!("{base}/actions/7/done")).await.status, 404);
    assert_eq!(person.get(&format!("{base}/actions/1/burn")).await.status, 404);
}

/// An incident whose actions are open is not erased; afterwards the type of its cause is left, and no words.
async fn lessons_hold_erasure_up_until_they_are_done(on: On) {
    let world = World::new(on);
    let (operator, address, id) = case(&world).await;
    let mut person = Visitor::signed_in(address, &operator.email("manager"), PASSWORD).await;
    let base = format!("/incidents/{id}/lessons");
    let cause = [("kind", "ransomware"), ("words", "The lighthouse was open.")];
    done(&mut person, &format!("{base}/cause"), "Record it", &cause).await;
    done(&mut person, &format!("{base}/actions/new"), "Add it", &ACTION).await;
    let reason = domain::incident::WithdrawalReason::SentInError;
    operator.node.withdraw(&operator.responder(), id, reason, None).await.expect("withdrawn");
    let refused = operator.node.anonymise(&operator.administrator(), id).await.expect_err("something is to be done");
    assert!(refused.to_string().contains("still open (1)"), "{refused}");
    done(&mut person, &format!("{base}/actions/1/done"), "It is done", &[("evidence", "See the lighthouse.")]).await;
    operator.node.anonymise(&operator.administrator(), id).await.expect("erased");
    let page = person.get(&base).await.page();
    assert!(page.text().contains("Ransomware") && page.text().contains("Its words were erased"), "{}", page.text());
    assert!(!operator.everything_readable().await.to_lowercase().contains("lighthouse"));
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
    let path = |rest: &str| format!("/api/v1/incidents/{id}/lessons{rest}");
    let none = send(&program, "GET", &path("/cause"), &[], &Value::Null).await;
    let etag = none.header("etag").expect("a version").to_owned();
    let wrong = json!({ "cause": "pigeon", "words": "A pigeon." });
    let refused = send(&program, "PUT", &path("/cause"), &[("If-Match", &etag)], &wrong).await;
    assert_eq!((refused.status, refused.json()["errors"][0]["field"].as_str()), (422, Some("/cause")));
    let cause = json!({ "cause": "phishing", "words": "No second factor." });
    let saved = send(&program, "PUT", &path("/cause"), &[("If-Match", &etag)], &cause).await;
    assert_eq!((saved.status, saved.json()["version"].as_u64()), (200, Some(1)), "{}", saved.text());
    assert_eq!(send(&program, "PUT", &path("/cause"), &[("If-Match", &etag)], &cause).await.status, 412);
    let due: NaiveDate = operator.node.today();
    let action = json!({ "what": "Turn it on.", "owner_id": account.id, "due_on": due });
    for _ in 0..2 {
        let added = send(&program, "POST", &path("/actions"), &[("Idempotency-Key", "a")], &action).await;
        assert_eq!(added.status, 204, "{}", added.text());
    }
    let list = send(&program, "GET", "/api/v1/actions", &[], &Value::Null).await.json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (list["items"][0]["state"].as_str(), list["items"][0]["owner"].as_str()),
        (Some("Due today"), Some("C. Officer"))
    );
    let finished = json!({ "number": 1, "revision": 1, "on": due, "evidence": "Ticket 17." });
    let stale = json!({ "number": 1, "revision": 9, "on": due, "evidence": "Ticket 17." });
    assert_eq!(send(&program, "POST", &path("/done"), &[("Idempotency-Key", "b")], &stale).await.status, 409);
    assert_eq!(send(&program, "POST", &path("/done"), &[("Idempotency-Key", "c")], &finished).await.status, 204);
    let review =
        json!({ "number": 1, "revision": 2, "on": due, "reviewer": "Audit", "effect": "worked", "words": "It holds." });
    assert_eq!(send(&program, "POST", &path("/review"), &[("Idempotency-Key", "d")], &review).await.status, 204);
    let shown = send(&program, "GET", &path(""), &[], &Value::Null).await.json();
    assert_eq!(shown["cause_label"], "Phishing");
    assert_eq!(
        (shown["actions"][0]["state"].as_str(), shown["actions"][0]["reviews"][0]["effect"].as_str()),
        (Some("Done"), Some("worked"))
    );
}

async fn send(program: &Visitor, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Answer {
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend_from_slice(more);
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    program.send(method, path, &headers, &body).await.unwrap_or_else(|| panic!("no answer to {method} {path}"))
}
