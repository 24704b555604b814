//! An incident is assessed and decided on: by whom it may be, what is refused, and what stays on record.

use domain::exchange::Stance;
use domain::incident::decision::{Ask, What};
use domain::incident::{Refusal, Seen, Stage};
use domain::precedent::{Decided, precedents};
use domain::suggestion::{Asked, ToIco, ToPeople};
use domain::values::{IncidentId, Role};
use serde_json::{Value, json};
use server::access::Scope;
use server::node::decide::draft_id;
use server::node::{DoorError, NewPerson};
use tests::facts::first_hour;
use tests::judging::{assess, entered, reason};
use tests::node::{PASSWORD, Party, World, line, log_request};
use tests::page::Page;
use tests::typing::{fill, send};
use tests::visitor::{Answer, Visitor};
use tests::{On, both};

both!(
    the_eighteen_cases_are_entered_and_the_suggestion_agrees,
    from_the_log_to_an_approved_decision,
    what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost,
    of_two_officers_the_second_is_told_who_was_first,
    a_decision_half_typed_is_there_again,
    no_breach_ends_the_clock_and_lets_the_notices_be_withdrawn,
    programs_assess_decide_and_read,
    what_was_decided_before_is_a_precedent_until_it_is_erased,
);

/// Cases where the suggestion is stricter than the guideline by design, with the reason.
const STRICTER: [(&str, &str); 1] =
    [("15", "two food intolerances are health data; a list of options can't tell them from a diagnosis")];

/// Every case of EDPB Guidelines 01/2021, entered as an incident and assessed through the node: the suggestion that is kept
/// agrees with the guideline, never laxer, and stricter only where that is meant.
async fn the_eighteen_cases_are_entered_and_the_suggestion_agrees(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let mut cases = 0;
    for case in precedents().iter().filter(|case| case.guideline == "01/2021") {
        let id = operator.log(log_request(entered(case), world.now())).await;
        let asked = assess(&operator.incident(id).await, case.circumstances.asked);
        operator.node.assess(&operator.responder(), id, asked).await.unwrap_or_else(|e| panic!("{}: {e}", case.number));
        let incident = operator.incident(id).await;
        let results = &incident.assessments[0].assessment.results;
        let advice = results.advice.as_ref().expect("a breach gets a suggestion");
        let to_ico = if case.authority == Decided::Yes { ToIco::SuggestReporting } else { ToIco::SuggestNotReporting };
        let to_people =
            if case.people == Decided::Yes { ToPeople::SuggestTelling } else { ToPeople::SuggestNotTelling };
        assert_eq!(advice.to_people, to_people, "{}", case.number);
        match STRICTER.iter().find(|(number, _)| *number == case.number) {
            Some((number, why)) => {
                let found = (to_ico, advice.to_ico);
                assert_eq!(found, (ToIco::SuggestNotReporting, ToIco::SuggestReporting), "{number}: {why}");
            }
            None => assert_eq!(advice.to_ico, to_ico, "{}", case.number),
        }
        let itself = results.cases.iter().any(|near| near.number == case.number);
        assert!(itself, "{} is among the nearest to itself: {:?}", case.number, results.cases);
        cases += 1;
    }
    assert_eq!(cases, 18);
}

/// What an officer types about the incident of the first hour.
const TYPED: [(&str, &str); 15] = [
    ("strong", "not_yet_known"),
    ("misuse", "nuisance"),
    ("ease-email", "significant"),
    ("why-email", "A search finds whose address it is."),
    ("confidentiality", "unknown_recipients"),
    ("why-confidentiality", "Nobody knows who had the mailbox open."),
    ("intent", "deliberate"),
    ("why-intent", "Somebody signed in on purpose."),
    ("q-personal_data", "yes"),
    ("why-q-personal_data", "Names and addresses of people who wrote in."),
    ("q-breach", "yes"),
    ("why-q-breach", "Somebody outside had it open."),
    ("q-risk", "not_sure"),
    ("why-q-risk", "Who they are is not known."),
    ("note", "To be looked at again tomorrow."),
];

async fn signed_in(party: &Party, mailbox: &str) -> Visitor {
    let address = party.running_at();
    Visitor::signed_in(address, &party.email(mailbox), PASSWORD).await
}

/// An operator with a council, its pages, and a breach that the responder logged.
async fn breach(world: &World) -> (Party, Party, IncidentId) {
    let mut operator = world.listening_party("Operator").await;
    let council = world.listening_party("Council").await;
    world.pair(&operator, &council).await;
    operator.arrange(&council, 48).await;
    operator.serve();
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator, &council]).await;
    (operator, council, id)
}

fn checked(page: &Page) -> Vec<String> {
    let boxes = page.all("input").into_iter().filter(|input| input.attribute("checked").is_some());
    boxes.filter_map(|input| input.attribute("value").map(str::to_owned)).collect()
}

/// A responder logs, an officer assesses and decides, another approves; everybody else is kept out; closing names what is
/// open until nothing is.
async fn from_the_log_to_an_approved_decision(on: On) {
    let world = World::new(on);
    let (operator, council, id) = breach(&world).await;
    let (assess_page, record) = (format!("/incidents/{id}/assess"), format!("/incidents/{id}/decision"));
    let mut officer = signed_in(&operator, "dpo").await;
    let answer = send(&mut officer, &assess_page, "Keep this assessment", &TYPED).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let kept = officer.get(&format!("/incidents/{id}/assessment")).await.page().text();
    // 1 x 0.75 + 0.5 + 0.5
    for shown in
        ["1.75", "Low severity", "not the legal test", "We suggest reporting it to the ICO", "Article 33(1)", "01/2021"]
    {
        assert!(kept.contains(shown), "{shown}: {kept}");
    }
    let question = format!("{record}/report");
    assert_eq!(checked(&officer.get(&question).await.page()), [""; 0], "nothing is chosen beforehand");
    let blank = send(&mut officer, &question, "Record this decision", &[]).await;
    assert!(blank.status == 422 && blank.text().contains("Choose one"), "{}", blank.text());
    let unlikely = [("decision", "not_required"), ("reasons", "The mailbox held nothing but newsletters.")];
    assert_eq!(send(&mut officer, &question, "Record this decision", &unlikely).await.status, 303);
    let own = officer.get(&record).await.page();
    assert!(!own.all("button").iter().any(|button| button.text().contains("Approve it")), "{}", own.text());
    let mut fields = own.form("Turn it down").fields();
    fields = fill(fields, &[("go", "approve")]);
    let refused = officer.post(&format!("{record}/resolve"), &fields).await;
    assert!(refused.text().contains("second person"), "{}", refused.text());
    for mailbox in ["manager", "auditor", "responder"] {
        let mut other = signed_in(&operator, mailbox).await;
        assert_eq!(other.get(&question).await.status, 403, "{mailbox}");
        let csrf = other.get(&record).await.page().form("Sign out").fields();
        let posted = fill(csrf, &[("decision", "report"), ("reasons", "Because.")]);
        assert_eq!(other.post(&question, &posted).await.status, 403, "{mailbox}");
        let assesses = other.get(&assess_page).await.status;
        assert_eq!(assesses, if mailbox == "responder" { 200 } else { 403 }, "{mailbox}");
    }
    let mut closing = signed_in(&operator, "responder").await;
    let close = format!("/incidents/{id}/close");
    let open = closing.get(&close).await.page();
    let csrf = open.form("Sign out").fields();
    for named in
        ["to report it to the ICO is not decided", "waits for another data protection officer", "tell the people"]
    {
        assert!(open.text().contains(named), "{named}: {}", open.text());
    }
    let refused = closing.post(&close, &csrf).await;
    assert!(refused.text().contains("nobody has read it at 1 partner"), "{}", refused.text());
    let mut second = signed_in(&operator, "second-dpo").await;
    assert_eq!(send(&mut second, &record, "Approve it", &[("go", "approve")]).await.status, 303);
    let shown = second.get(&record).await.page().text();
    for words in ["Proposed by C. Officer", "approved by D. Officer", "nothing but newsletters", "assessment 1"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let notice = council.only_received().await.id;
    council.node.acknowledge(&council.responder(), notice, Stance::NotAffected, None).await.expect("acknowledged");
    world.settle(&[&operator, &council]).await;
    let closed = closing.post(&close, &csrf).await;
    assert_eq!(closed.status, 303, "{}", closed.text());
    assert_eq!(operator.incident(id).await.stage, Stage::Closed);
    let timeline = second.get(&format!("/incidents/{id}")).await.page().text();
    assert!(timeline.contains("Assessment 1 by C. Officer") && timeline.contains("No report to the ICO is required"));
}

/// Options outside the lists, departures without a reason and 200 KB of text: each fault at its field, all at once, the rest
/// as it was typed; and what was typed is there again in the next session.
async fn what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(on: On) {
    let world = World::new(on);
    let (operator, _council, id) = breach(&world).await;
    let path = format!("/incidents/{id}/assess");
    let mut officer = signed_in(&operator, "dpo").await;
    let mut typed = TYPED.to_vec();
    typed.extend([
        ("misuse", "world_peace"),
        ("why-confidentiality", ""),
        ("step-simple", "2"),
        ("why-email", ""),
        ("why-q-risk", ""),
    ]);
    let answer = send(&mut officer, &path, "Keep this assessment", &typed).await;
    assert_eq!(answer.status, 422);
    let page = answer.page();
    for (field, message) in [
        ("misuse", "Choose one of the options"),
        ("why-simple", "Say why, for everyday data"),
        ("why-email", "Say why"),
        ("why-confidentiality", "say why"),
        ("why-q-risk", "Say why you answer so"),
    ] {
        let error = page.id(&format!("{field}-error")).unwrap_or_else(|| panic!("no fault at {field}"));
        assert!(error.text().contains(message), "{field}: {}", error.text());
    }
    assert!(answer.text().contains("Names and addresses of people who wrote in."), "what was typed stays");
    assert!(operator.incident(id).await.assessments.is_empty());
    let again = signed_in(&operator, "dpo").await.get(&path).await;
    assert!(again.text().contains("Somebody signed in on purpose."), "a draft is kept at each step");
    let long = "a".repeat(200_000);
    let answer =
        send(&mut officer, &path, "Keep this assessment", &[TYPED.as_slice(), &[("note", &long)]].concat()).await;
    assert_eq!(answer.status, 422);
    let error = answer.page().id("note-error").expect("a fault at the note").text();
    assert!(error.contains("8000 characters or fewer"), "{error}");
    // A draft keeps what was typed: what was wrong has to be taken back.
    let mail = [("step-simple", ""), ("note", "Ask jo.bloggs@example.com about it.")];
    let answer = send(&mut officer, &path, "Keep this assessment", &[TYPED.as_slice(), &mail].concat()).await;
    assert!(answer.status == 422 && answer.text().contains("may be personal data"), "{}", answer.text());
    let question = format!("/incidents/{id}/decision/people");
    let public = [("decision", "out_of_proportion"), ("reasons", "Nobody knows their addresses.")];
    let answer = send(&mut officer, &question, "Record this decision", &public).await;
    assert!(answer.page().id("public_communication-error").is_some(), "{}", answer.text());
    let none = send(&mut officer, &question, "Record this decision", &[("decision", "shred"), ("reasons", "x")]).await;
    assert!(none.page().id("decision-error").is_some(), "{}", none.text());
    let answer =
        send(&mut officer, &path, "Keep this assessment", &[TYPED.as_slice(), &[("step-simple", "")]].concat()).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let after = officer.get(&path).await.text();
    assert!(!after.contains("Draft saved at"), "the draft went with the assessment");
}

/// What an officer typed and has not decided is there in the next session, as a script or a refusal kept it; once decided it
/// is gone, and a draft that arrives late does not bring it back.
async fn a_decision_half_typed_is_there_again(on: On) {
    let world = World::new(on);
    let (operator, _council, id) = breach(&world).await;
    let mut officer = signed_in(&operator, "dpo").await;
    let question = format!("/incidents/{id}/decision/report");
    let opened = officer.get(&question).await.page().form("Record this decision").fields();
    let typing = fill(opened, &[("reasons", "Health data went to a stranger.")]);
    let kept = officer.post(&format!("{question}/draft"), &typing).await;
    assert!(kept.status == 200 && kept.text().contains("nothing is decided yet"), "{}", kept.text());
    let again = signed_in(&operator, "dpo").await.get(&question).await.text();
    assert!(again.contains("Health data went to a stranger.") && again.contains("Draft saved"), "{again}");
    assert!(!signed_in(&operator, "second-dpo").await.get(&question).await.text().contains("Health data"), "their own");
    let refused = send(&mut officer, &question, "Record this decision", &[("reasons", "Health data, to many.")]).await;
    assert_eq!(refused.status, 422, "nothing is chosen");
    assert!(officer.get(&question).await.text().contains("Health data, to many."), "kept at each step");
    let decided = send(&mut officer, &question, "Record this decision", &[("decision", "report")]).await;
    assert_eq!(decided.status, 303, "{}", decided.text());
    let late = officer.post(&format!("{question}/draft"), &typing).await;
    assert!(!officer.get(&question).await.text().contains("Health data"), "it is decided");
    assert!(late.text().contains("on this page only"), "{}", late.text());
    let people = format!("/incidents/{id}/decision/people");
    let opened = officer.get(&people).await.page().form("Record this decision").fields();
    let tell = fill(opened, &[("decision", "tell"), ("reasons", "They must change their passwords.")]);
    for press in 1..=2 {
        assert_eq!(officer.post(&people, &tell).await.status, 303, "press {press}");
    }
    assert_eq!(operator.incident(id).await.decisions.made.len(), 2, "each decided once");
    assert!(!officer.get(&people).await.text().contains("change their passwords"), "no draft is left");
    assert_eq!(officer.post(&format!("{people}/draft"), &fill(tell, &[("reasons", "")])).await.status, 200);
    let half = officer.get(&people).await.page().form("Record this decision").fields();
    let half = officer.post(&format!("{people}/draft"), &fill(half, &[("reasons", "Half a thought.")])).await;
    assert!(half.text().contains("Draft saved"), "{}", half.text());
    assert_eq!(send(&mut officer, &people, "Discard what was typed", &[("go", "discard")]).await.status, 303);
    assert!(!officer.get(&people).await.text().contains("Half a thought."), "discarded");
}

/// Two officers have the same page open: the second decision is refused and names the first; what was typed stays, and goes
/// in on what stands now. The same holds for two who assess.
async fn of_two_officers_the_second_is_told_who_was_first(on: On) {
    let world = World::new(on);
    let (operator, _council, id) = breach(&world).await;
    let mut first = signed_in(&operator, "dpo").await;
    let mut second = signed_in(&operator, "second-dpo").await;
    let question = format!("/incidents/{id}/decision/people");
    let page = second.get(&question).await.page();
    let stale = page.form("Record this decision").fields();
    let tell = [("decision", "tell"), ("reasons", "They must change their passwords.")];
    assert_eq!(send(&mut first, &question, "Record this decision", &tell).await.status, 303);
    let other = fill(stale, &[("decision", "risk_not_high"), ("reasons", "The data are everyday.")]);
    let refused = second.post(&question, &other).await;
    assert_eq!(refused.status, 422);
    let words = refused.page().text();
    assert!(words.contains("C. Officer") && words.contains("was first"), "{words}");
    assert!(refused.text().contains("The data are everyday."), "nothing typed is lost");
    let again = fill(refused.page().form("Record this decision").fields(), &[]);
    assert_eq!(second.post(&question, &again).await.status, 303);
    let made = operator.incident(id).await.decisions.made.clone();
    assert_eq!(made.len(), 2, "a later decision is added");
    let path = format!("/incidents/{id}/assess");
    let stale = second.get(&path).await.page().form("Keep this assessment").fields();
    assert_eq!(send(&mut first, &path, "Keep this assessment", &TYPED).await.status, 303);
    let refused = second.post(&path, &fill(stale, &TYPED)).await;
    assert!(refused.status == 422 && refused.text().contains("was first, and assessed it"), "{}", refused.text());
    let twice = refused.page().form("Keep this assessment").fields();
    assert_eq!(second.post(&path, &twice).await.status, 303);
    assert_eq!(second.post(&path, &fill(twice, &[])).await.status, 303, "the same form again does nothing");
    assert_eq!(operator.incident(id).await.assessments.len(), 2);
}

/// Two officers decide that it was a near miss: the clock ends with the ground, and only then may the notices be withdrawn
/// as no breach. What nobody decided counts down as before.
async fn no_breach_ends_the_clock_and_lets_the_notices_be_withdrawn(on: On) {
    let world = World::new(on);
    let (operator, _council, id) = breach(&world).await;
    let due = operator.incident(id).await.ico.expect("a clock").due();
    let mut officer = signed_in(&operator, "dpo").await;
    let record = format!("/incidents/{id}/decision");
    let typed = [("ground", "near_miss"), ("reasons", "Nobody had signed in: the log shows our own test.")];
    let answer = send(&mut officer, &format!("{record}/not-a-breach"), "Propose it", &typed).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let clock = operator.incident(id).await.ico.expect("a clock");
    assert!(clock.is_open() && clock.due() == due, "a proposal stops no clock");
    let withdraw = format!("/incidents/{id}/withdraw");
    let why = [("reason", "not_a_breach"), ("go", "withdraw")];
    let early = send(&mut officer, &withdraw, "Withdraw the notices", &why).await;
    assert!(early.status == 422 && early.text().contains("first have to decide"), "{}", early.text());
    let mut second = signed_in(&operator, "second-dpo").await;
    assert_eq!(send(&mut second, &record, "Turn it down", &[("go", "refuse")]).await.status, 303);
    assert_eq!(send(&mut second, &format!("{record}/not-a-breach"), "Propose it", &typed).await.status, 303);
    assert_eq!(send(&mut officer, &record, "Approve it", &[("go", "approve")]).await.status, 303);
    let page = officer.get(&record).await.page().text();
    assert!(page.contains("A near miss") && page.contains("Turned down"), "{page}");
    assert!(!operator.incident(id).await.ico.expect("a clock").is_open());
    assert_eq!(send(&mut officer, &withdraw, "Withdraw the notices", &why).await.status, 303);
    assert!(matches!(operator.incident(id).await.stage, Stage::Withdrawn { .. }));
    let (kept, rebuilt) = operator.rebuilt(On::Sqlite).await;
    assert!(kept == rebuilt, "the tables follow from the record");
}

/// A program of somebody with these scopes.
async fn program(party: &Party, mailbox: &str, scopes: &[Scope]) -> Visitor {
    let account = party.node.account(&party.email(mailbox)).await.expect("the store answers").expect("an account");
    let person = party.node.person(account.id).await.expect("a person");
    let ends = party.node.time().elapsed().plus_seconds(86_400);
    let (_, token) = party.node.add_token(&person, line("A program"), scopes.to_vec(), ends).await.expect("a token");
    Visitor::with_token(party.running_at(), &token)
}

async fn call(program: &Visitor, method: &str, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
    let (headers, octets) =
        if body.is_null() { (&headers[2..], Vec::new()) } else { (&headers[..], body.to_string().into_bytes()) };
    let path = format!("/api/v1{path}");
    program.send(method, &path, headers, &octets).await.unwrap_or_else(|| panic!("no answer to {method} {path}"))
}

/// Programs do what pages do: assess with faults named by member, decide, read the record, and are told every duty by name
/// when an incident can't be closed.
async fn programs_assess_decide_and_read(on: On) {
    let world = World::new(on);
    let (operator, _council, id) = breach(&world).await;
    let officer = program(&operator, "dpo", &[Scope::Read, Scope::Respond, Scope::Decide]).await;
    let at = |to: &str| format!("/incidents/{id}/{to}");
    let seen = json!({"facts_version": 1, "assessments": 0, "decisions": 0});
    let given =
        |question: &str, answer: &str| json!({"question": question, "answer": answer, "reason": "As the facts say."});
    let mut body = json!({
        "seen": seen, "asked": {"misuse": "nuisance"}, "contexts": [{"context": "simple", "step": 1}],
        "identifiers": [], "confidentiality": "unknown_recipients",
        "answers": [given("personal_data", "yes"), given("breach", "yes")],
    });
    let refused = call(&officer, "POST", &at("assessments"), "a-1", &body).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let fields: Vec<Value> =
        refused.json()["errors"].as_array().expect("faults").iter().map(|fault| fault["field"].clone()).collect();
    assert_eq!(fields, ["/contexts", "/identifiers", "/confidentiality_reason", "/intent", "/answers"]);
    body["contexts"] = json!([]);
    body["identifiers"] = json!([{"identifier": "email", "ease": "significant", "reason": "It can be searched for."}]);
    body["confidentiality_reason"] = json!("Nobody knows who had it open.");
    body["intent"] = json!("deliberate");
    body["intent_reason"] = json!("Somebody signed in.");
    body["answers"] = json!([given("personal_data", "yes"), given("breach", "yes"), given("risk", "not_sure")]);
    let made = call(&officer, "POST", &at("assessments"), "a-2", &body).await;
    assert_eq!((made.status, &made.json()["number"]), (201, &json!(1)), "{}", made.text());
    let list = call(&officer, "GET", &at("assessments"), "", &Value::Null).await.json();
    let one = &list["items"][0];
    assert_eq!((&one["severity"], &one["level"], &one["outcome"]), (&json!("1.75"), &json!("low"), &json!("unclear")));
    assert_eq!(one["suggestion"]["to_ico"], "suggest_reporting");
    let stale = json!({"seen": seen, "reasons": "The recipients are unknown."});
    let refused = call(&officer, "POST", &at("decision/report"), "d-1", &stale).await;
    assert!(refused.status == 409 && refused.text().contains("C. Officer was first"), "{}", refused.text());
    let record = call(&officer, "GET", &at("decision"), "", &Value::Null).await.json();
    let report = json!({"seen": record["seen"], "reasons": "The recipients are unknown."});
    let responder = program(&operator, "responder", &[Scope::Read, Scope::Respond]).await;
    assert_eq!(call(&responder, "POST", &at("decision/report"), "d-2", &report).await.status, 403);
    assert_eq!(call(&officer, "POST", &at("decision/report"), "d-3", &report).await.status, 204);
    let record = call(&officer, "GET", &at("decision"), "", &Value::Null).await.json();
    let first = &record["made"][0];
    assert_eq!(
        (&first["what"], &first["assessment"], &first["by"]),
        (&json!("report"), &json!(1), &json!("C. Officer"))
    );
    let open: Vec<Value> = record["open"].as_array().expect("a list").iter().map(|duty| duty["duty"].clone()).collect();
    assert_eq!(open, ["ico_submission", "people", "partner_acknowledgement"]);
    let closed = call(&officer, "POST", &at("close"), "c-1", &json!({})).await;
    assert_eq!(closed.status, 409, "{}", closed.text());
    let named: Vec<Value> =
        closed.json()["duties"].as_array().expect("duties").iter().map(|duty| duty["duty"].clone()).collect();
    assert_eq!(named, open);
    let people = json!({"seen": record["seen"], "decision": "out_of_proportion", "reasons": "No addresses."});
    let refused = call(&officer, "POST", &at("decision/people"), "p-1", &people).await;
    assert_eq!(refused.json()["errors"][0]["field"], "/public_communication", "{}", refused.text());
}

/// What was decided on one incident is shown beside the next one like it, with the reason; once the first is erased it is
/// gone, and so is every draft about it. Somebody who only reports sees none of it.
async fn what_was_decided_before_is_a_precedent_until_it_is_erased(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    operator.serve();
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let before = assess(&operator.incident(id).await, Asked::default());
    operator.node.assess(&operator.responder(), id, before).await.expect("assessed");
    let reasons = reason("Only newsletters lay in it.");
    operator.decides(id, Ask::ProposeNotRequired { reasons }).await;
    let seen = Seen::of(&operator.incident(id).await);
    let approve = Ask::ResolveNotRequired { approve: true };
    let alone = operator.node.decide_on(&operator.dpo(), id, seen, approve.clone()).await;
    assert!(matches!(alone, Err(DoorError::Refused(Refusal::SecondPersonNeeded))), "{alone:?}");
    operator.node.decide_on(&operator.second_dpo(), id, seen, approve).await.expect("approved");
    assert_eq!(operator.incident(id).await.decisions.report().expect("decided").what, What::NotRequired);
    let next = operator.log(log_request(first_hour("Another mailbox was open"), world.now())).await;
    let mut officer = signed_in(&operator, "dpo").await;
    let assess_page = format!("/incidents/{next}/assess");
    assert_eq!(send(&mut officer, &assess_page, "Keep this assessment", &TYPED).await.status, 303);
    let page = format!("/incidents/{next}/assessment");
    let shown = officer.get(&page).await.page().text();
    assert!(shown.contains("TC-2026-0001") && shown.contains("Only newsletters lay in it."), "{shown}");
    let form = officer.get(&format!("/incidents/{id}/assess")).await.page();
    let typed = fill(form.form("Keep this assessment").fields(), &[("note", "Half a thought.")]);
    let kept = officer.post(&format!("/incidents/{id}/assess/draft"), &typed).await;
    assert!(kept.status == 200 && kept.text().contains("Draft saved at"), "{}", kept.text());
    operator.node.close(&operator.responder(), id).await.expect("closed");
    operator.node.anonymise(&operator.administrator(), id).await.expect("erased");
    let shown = officer.get(&page).await.page().text();
    assert!(!shown.contains("newsletters"), "{shown}");
    assert!(!operator.everything_readable().await.contains("newsletters"));
    let account = operator.node.account(&operator.email("dpo")).await.expect("the store answers").expect("an account");
    let person = operator.node.person(account.id).await.expect("a person");
    let draft = operator.node.draft(&person, draft_id(id, person.id())).await.expect("the store answers");
    assert!(draft.is_none(), "a draft outlived its incident");
    let email = "reporter@operator.example";
    let person = NewPerson {
        name: line("R. Reporter"),
        email: line(email),
        password: PASSWORD.to_owned(),
        roles: vec![Role::Reporter],
    };
    operator.node.add_person(&operator.administrator(), person).await.expect("an account");
    let mut reporter = Visitor::signed_in(operator.running_at(), email, PASSWORD).await;
    for path in [page, assess_page, format!("/incidents/{next}/decision")] {
        assert_eq!(reporter.get(&path).await.status, 403, "{path}");
    }
}
