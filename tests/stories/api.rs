//! The API as programs use it: requests done once, scopes and roles, versions, faults by name, pages of lists, and a document
//! that says what is answered.

use std::net::SocketAddr;

use domain::values::Role;
use serde_json::{Value, json};
use server::access::Scope;
use server::node::NewPerson;
use tests::facts::first_hour;
use tests::node::{PASSWORD, Party, World, line, log_request};
use tests::visitor::{Answer, Visitor};
use tests::{On, both};

both!(
    one_key_logs_one_incident,
    a_program_does_no_more_than_its_token,
    an_edit_names_the_version_it_saw,
    an_account_is_changed_whole_or_not_at_all,
    faults_are_named,
    lists_are_walked_page_by_page,
    secrets_are_shown_once,
    two_parties_by_their_programs,
    records_are_kept_in_versions,
    the_document_says_what_is_answered,
);

/// A day, in days.
const DAYS: i64 = 1;

/// A program with a token.
struct Program(Visitor);

impl Program {
    /// Of somebody with this mailbox.
    async fn of(party: &Party, address: SocketAddr, mailbox: &str, scopes: &[Scope]) -> Self {
        Self::with(party, address, &party.email(mailbox), scopes).await
    }

    /// Of somebody with every role, with every scope.
    async fn of_everything(party: &Party, address: SocketAddr) -> Self {
        let email = format!("everything@{}.example", party.name.to_lowercase());
        let roles = vec![Role::Responder, Role::Dpo, Role::Manager, Role::Administrator, Role::Auditor];
        let person =
            NewPerson { name: line("Z. Everything"), email: line(&email), password: PASSWORD.to_owned(), roles };
        party.node.add_person(&party.administrator(), person).await.expect("an account");
        Self::with(party, address, &email, &Scope::ALL).await
    }

    async fn with(party: &Party, address: SocketAddr, email: &str, scopes: &[Scope]) -> Self {
        let account = party.node.account(email).await.expect("the store answers").expect("an account");
        let person = party.node.person(account.id).await.expect("a person");
        let ends = party.node.time().elapsed().plus_seconds(DAYS * 86_400);
        let (_, token) =
            party.node.add_token(&person, line("A program"), scopes.to_vec(), ends).await.expect("a token");
        Self(Visitor::with_token(address, &token))
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let path = format!("/api/v1{path}");
        self.0.send(method, &path, headers, body).await.unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"").await
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.send("POST", path, &headers, &body).await
    }

    async fn put(&self, path: &str, version: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/json"), ("If-Match", version)];
        self.send("PUT", path, &headers, body.to_string().as_bytes()).await
    }
}

fn facts(title: &str) -> Value {
    json!({
        "title": title,
        "summary": "A mailbox of the case team was open to somebody outside. The access has been closed.",
        "aware_basis": "The security team saw a sign-in from an address that is not ours.",
        "discovery_method": "own_detection",
        "nature": ["confidentiality"],
        "ongoing": "no",
    })
}

/// A breach of all services to log.
async fn breach(party: &Party, title: &str) -> Value {
    let services: Vec<String> = party.services().iter().map(ToString::to_string).collect();
    json!({
        "kind": "breach",
        "facts": facts(title),
        "aware_of_breach_at": party.node.now().to_string(),
        "services": services,
    })
}

/// The same request with the same key logs once, also when both come at once; another request with it is refused, and so
/// is one without a key.
async fn one_key_logs_one_incident(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let program = Program::of(&operator, address, "responder", &[Scope::Read, Scope::Respond]).await;
    let body = breach(&operator, "A mailbox was open").await;
    let (one, two) = tokio::join!(program.post("/incidents", "k1", &body), program.post("/incidents", "k1", &body));
    let good = [&one, &two].into_iter().find(|answer| answer.status == 201).expect("one of them logged").json();
    let again = program.post("/incidents", "k1", &body).await;
    assert_eq!((again.status, again.json()), (201, good.clone()), "{}", again.text());
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(
        again.header("location"),
        Some(format!("/api/v1/incidents/{}", good["id"].as_str().expect("an id")).as_str())
    );
    let other = program.post("/incidents", "k1", &breach(&operator, "Another").await).await;
    assert_eq!((other.status, other.json()["type"].as_str()), (422, Some("/problems/idempotency-key-reused")));
    let headers = [("Content-Type", "application/json")];
    let without = program.send("POST", "/incidents", &headers, body.to_string().as_bytes()).await;
    assert_eq!(without.status, 428);
    let listed = program.get("/incidents").await.json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
    let incident = program.get(&format!("/incidents/{}", good["id"].as_str().expect("an id"))).await.json();
    assert_eq!((incident["title"].as_str(), incident["state"].as_str()), (Some("A mailbox was open"), Some("Running")));
    // What was refused before anything was done leaves the key free for the mended request.
    let wrong = program.post("/incidents", "k2", &json!({ "kind": "breach" })).await;
    assert_eq!(wrong.status, 422);
    assert_eq!(program.post("/incidents", "k2", &body).await.status, 201);
}

/// A token with too little scope and a person with too low a role are refused, on the record; a dead token is none.
async fn a_program_does_no_more_than_its_token(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let body = breach(&operator, "A mailbox was open").await;
    let reader = Program::of(&operator, address, "responder", &[Scope::Read]).await;
    let refused = reader.post("/incidents", "k", &body).await;
    assert_eq!((refused.status, refused.json()["type"].as_str()), (403, Some("/problems/not-allowed")));
    // A manager's token decides, which is the scope; deciding about a report is for officers all the same.
    let manager = Program::of(&operator, address, "manager", &[Scope::Read, Scope::Decide]).await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let path = format!("/incidents/{id}/report/not-required");
    let refused = manager.post(&path, "k", &json!({ "reason": "No risk." })).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    let record = operator.everything_readable().await;
    for operation in ["log_incident", "propose_report_not_required"] {
        assert!(record.contains("api_not_allowed") && record.contains(operation), "{operation} is on the record");
    }
    assert_eq!(reader.get("/incidents").await.status, 200);
    assert_eq!(Visitor::with_token(address, "toc_wrong").get("/api/v1/incidents").await.status, 401);
    let account = operator.node.account(&operator.email("responder")).await.expect("answers").expect("an account");
    operator.node.set_disabled(&operator.administrator(), account.id, true).await.expect("disabled");
    assert_eq!(reader.get("/incidents").await.status, 401);
}

/// Facts are saved over the version that was read: none named is refused, a stale one too, with how it stands.
async fn an_edit_names_the_version_it_saw(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let program = Program::of(&operator, address, "responder", &[Scope::Read, Scope::Respond]).await;
    let path = format!("/incidents/{id}/facts");
    let read = program.get(&path).await;
    let version = read.header("etag").expect("a version").to_owned();
    let same = program.send("GET", &path, &[("If-None-Match", &version)], b"").await;
    assert_eq!((same.status, same.body.len()), (304, 0));
    let newer = json!({ "facts": facts("Two mailboxes were open") });
    let unnamed =
        program.send("PUT", &path, &[("Content-Type", "application/json")], newer.to_string().as_bytes()).await;
    assert_eq!(unnamed.status, 428);
    let saved = program.put(&path, &version, &newer).await;
    assert_eq!((saved.status, saved.json()["version"].as_u64()), (200, Some(2)), "{}", saved.text());
    let stale = program.put(&path, &version, &newer).await;
    assert_eq!((stale.status, stale.json()["type"].as_str()), (412, Some("/problems/changed-meanwhile")));
    assert_eq!(stale.json()["current"]["facts"]["title"], "Two mailboxes were open");
    assert_ne!(saved.header("etag"), Some(version.as_str()));
}

/// A name together with roles that may not be given changes neither; and so does a change of what was changed meanwhile.
async fn an_account_is_changed_whole_or_not_at_all(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let program = Program::of(&operator, address, "administrator", &[Scope::Read, Scope::Administer]).await;
    let own = operator
        .node
        .account(&operator.email("administrator"))
        .await
        .expect("the store answers")
        .expect("an account")
        .id;
    let path = format!("/people/{own}");
    let read = program.get(&path).await;
    let version = read.header("etag").expect("a version").to_owned();
    let details =
        |name: &str, roles: &[&str]| json!({ "name": name, "email": operator.email("administrator"), "roles": roles });
    let refused = program.put(&path, &version, &details("Another Name", &["responder"])).await;
    assert!(refused.status >= 400, "nobody gives their own role up: {}", refused.text());
    assert_eq!(program.get(&path).await.json(), read.json(), "the name is as it was too");
    let saved = program.put(&path, &version, &details("Another Name", &["administrator", "responder"])).await;
    assert_eq!((saved.status, saved.json()["name"].as_str()), (200, Some("Another Name")), "{}", saved.text());
    let stale = program.put(&path, &version, &details("A Third Name", &["administrator"])).await;
    assert_eq!((stale.status, stale.json()["type"].as_str()), (412, Some("/problems/changed-meanwhile")));
    assert_eq!(program.get(&path).await.json(), saved.json());
}

/// What is wrong is named by member, also what nobody knows; other kinds of bodies and methods are refused as such.
async fn faults_are_named(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let program = Program::of(&operator, address, "responder", &[Scope::Read, Scope::Respond]).await;
    let mut body = breach(&operator, "A mailbox was open").await;
    body["facts"]["nature"] = json!(["confidentiality", "planted words"]);
    body["wrong"] = json!(1);
    let answer = program.post("/incidents", "k1", &body).await;
    assert_eq!(answer.status, 422);
    let fields: Vec<String> = answer.json()["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| error["field"].as_str().expect("a pointer").to_owned())
        .collect();
    assert_eq!(fields, ["/wrong", "/facts/nature/1"]);
    assert!(!answer.text().contains("planted words"));
    let mut personal = breach(&operator, "A mailbox was open").await;
    personal["facts"]["summary"] = json!("Write to jane.planted@example.org about it.");
    let answer = program.post("/incidents", "k2", &personal).await;
    assert_eq!((answer.status, answer.json()["errors"][0]["field"].as_str()), (422, Some("/facts/summary")));
    assert!(!answer.text().contains("planted"));
    personal["checked"] = json!(true);
    assert_eq!(program.post("/incidents", "k2", &personal).await.status, 201);
    let key = ("Idempotency-Key", "k3");
    let broken =
        program.send("POST", "/incidents", &[key, ("Content-Type", "application/json")], b"{\n\"kind\": }").await;
    assert_eq!(broken.status, 400);
    assert!(broken.text().contains("line 2"), "{}", broken.text());
    let form = program.send("POST", "/incidents", &[key, ("Content-Type", "text/plain")], b"kind=breach").await;
    assert_eq!(form.status, 415);
    let other = program.send("DELETE", "/incidents", &[], b"").await;
    assert_eq!((other.status, other.header("allow")), (405, Some("GET, HEAD, POST")));
    let large = vec![b' '; 600_000];
    let answer = program.send("POST", "/incidents", &[key, ("Content-Type", "application/json")], &large).await;
    assert_eq!(answer.status, 413);
    assert_eq!(program.get("/incidents/none").await.status, 404);
    assert_eq!(program.get("/no-such-thing").await.status, 404);
}

/// Following `next` gives every item once, in order.
async fn lists_are_walked_page_by_page(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    for n in 0..5 {
        operator.log(log_request(first_hour(&format!("Incident {n}")), world.now())).await;
    }
    let program = Program::of_everything(&operator, address).await;
    for (path, expected) in [("/incidents", 5), ("/people", 9), ("/clocks", 5)] {
        let (mut seen, mut next) = (Vec::new(), None::<String>);
        loop {
            let after = next.map(|next| format!("&after={next}")).unwrap_or_default();
            let page = program.get(&format!("{path}?limit=2{after}")).await.json();
            let items = page["items"].as_array().cloned().expect("items");
            assert!((1..=2).contains(&items.len()), "{path}: {page}");
            seen.extend(items.iter().map(ToString::to_string));
            next = page["next"].as_str().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!((seen.len(), once.len()), (expected, expected), "{path}");
    }
    for wrong in ["limit=0", "limit=201", "limit=x", "after=x"] {
        assert_eq!(program.get(&format!("/incidents?{wrong}")).await.status, 400, "{wrong}");
    }
}

/// A token made by a program is shown once, is good, and does no more than the one that made it.
async fn secrets_are_shown_once(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let program = Program::of(&operator, address, "responder", &[Scope::Read, Scope::Respond]).await;
    let body = json!({ "label": "Another", "scopes": ["read"], "days": 1 });
    let made = program.post("/tokens", "k1", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let token = made.json()["token"].as_str().expect("a token").to_owned();
    let again = program.post("/tokens", "k1", &body).await;
    assert_eq!((again.status, again.json()["type"].as_str()), (409, Some("/problems/shown-once")));
    let second = Program(Visitor::with_token(address, &token));
    assert_eq!(second.get("/incidents").await.status, 200);
    assert_eq!(second.post("/tokens", "k1", &body).await.status, 403, "reading changes nothing");
    let more = json!({ "label": "More", "scopes": ["administer"], "days": 1 });
    assert_eq!(program.post("/tokens", "k2", &more).await.status, 403);
    let longer = json!({ "label": "Longer", "scopes": ["read"], "days": 300 });
    assert_eq!(program.post("/tokens", "k3", &longer).await.status, 422);
    assert!(!operator.everything_readable().await.contains(&token), "the record holds no token");
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(program.post(&format!("/tokens/{id}/end"), "k4", &Value::Null).await.status, 204);
    assert_eq!(second.get("/incidents").await.status, 401);
}

/// A notice logged by one party's program is read and acknowledged by the other's, and its state says so on both sides.
async fn two_parties_by_their_programs(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let mut council = world.listening_party("Council").await;
    world.pair(&operator, &council).await;
    operator.arrange(&council, 48).await;
    let (here, there) = (operator.serve(), council.serve());
    let ours = Program::of(&operator, here, "responder", &[Scope::Read, Scope::Respond]).await;
    let theirs = Program::of(&council, there, "responder", &[Scope::Read, Scope::Respond]).await;
    let logged = ours.post("/incidents", "k1", &breach(&operator, "A mailbox was open").await).await.json();
    world.settle(&[&operator, &council]).await;
    let told = ours.get(&format!("/incidents/{}/partners", logged["id"].as_str().expect("an id"))).await.json();
    assert_eq!(told["items"][0]["state"], "Delivered", "{told}");
    let listed = theirs.get("/notices").await.json();
    let notice = listed["items"][0]["exchange"].as_str().expect("a case").to_owned();
    let case = theirs.get(&format!("/notices/{notice}")).await.json();
    assert_eq!(
        (&case["received"][0]["title"], &case["received"][0]["signature"]),
        (&json!("A mailbox was open"), &json!("verified"))
    );
    let said = theirs.post(&format!("/notices/{notice}/acknowledge"), "k1", &json!({ "stance": "affected" })).await;
    assert_eq!(said.status, 204, "{}", said.text());
    world.settle(&[&operator, &council]).await;
    let notices = ours.get("/notices").await.json();
    assert_eq!(notices["items"][0]["state"], "Affected", "{notices}");
    let partners = ours.get("/partners").await.json();
    assert_eq!(partners["items"][0]["state"], "active");
}

/// A party is added, saved over the version that was read, exported and recognised when imported again.
async fn records_are_kept_in_versions(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let program = Program::of(&operator, address, "administrator", &[Scope::Read, Scope::Administer]).await;
    let added = program.post("/parties", "k1", &json!({ "key": "a-council", "name": "A Council" })).await;
    assert_eq!(added.status, 201, "{}", added.text());
    let path = format!("/parties/{}", added.json()["id"].as_str().expect("an id"));
    let read = program.get(&path).await;
    let version = read.header("etag").expect("a version").to_owned();
    let newer = json!({ "key": "a-council", "name": "A Council", "country": "GB" });
    let saved = program.put(&path, &version, &newer).await;
    assert_eq!((saved.status, saved.json()["record"]["country"].as_str()), (200, Some("GB")), "{}", saved.text());
    let stale = program.put(&path, &version, &newer).await;
    assert_eq!((stale.status, stale.json()["current"]["record"]["country"].as_str()), (412, Some("GB")));
    let file = program.get("/directory/export?purpose=A%20test").await;
    assert_eq!(file.header("content-type"), Some("application/toml"));
    let headers = [("Content-Type", "application/toml"), ("Idempotency-Key", "k2")];
    let changes = program.send("POST", "/directory/import?dry_run=true", &headers, &file.body).await;
    assert_eq!(changes.status, 200, "{}", changes.text());
    let unchanged = |item: &Value| item["change"] == "unchanged";
    assert!(changes.json()["items"].as_array().expect("items").iter().all(unchanged), "{}", changes.text());
    let plan = changes.header("etag").expect("what names it").trim_matches('"').to_owned();
    let import = async |key: &str| {
        let headers = [("Content-Type", "application/toml"), ("Idempotency-Key", key)];
        program.send("POST", &format!("/directory/import?plan={plan}"), &headers, &file.body).await
    };
    assert_eq!(import("k4").await.status, 200);
    let read = program.get(&path).await.header("etag").expect("a version").to_owned();
    let newest = json!({ "key": "a-council", "name": "A Council", "country": "IE" });
    assert_eq!(program.put(&path, &read, &newest).await.status, 200);
    let stale = import("k5").await;
    assert_eq!(stale.status, 409, "{}", stale.text());
    assert_eq!(program.get(&path).await.json()["record"]["country"], "IE", "nothing was overwritten");
    let headers = [("Content-Type", "application/toml"), ("Idempotency-Key", "k3")];
    let broken = [file.body.as_slice(), b"\n[[party]]\nkey = \"UPPER\"\nname = \"X\"\n"].concat();
    let refused = program.send("POST", "/directory/import", &headers, &broken).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(refused.json()["errors"][0]["field"].as_str().is_some_and(|field| field.starts_with("line ")));
}

/// Every operation of the document is there, answers what the document says, needs a token, and its address answers other
/// methods with those that it takes. The page to browse them names each.
async fn the_document_says_what_is_answered(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let program = Program::of_everything(&operator, address).await;
    let document = Visitor::new(address).get("/api/v1/openapi.json").await.json();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    let mut visitor = Visitor::signed_in(address, &operator.email("auditor"), PASSWORD).await;
    let page = visitor.get("/api").await;
    assert_eq!(page.status, 200);
    for (path, item) in document["paths"].as_object().expect("paths") {
        let asked = path.replace("{id}", &operator.node.time().fresh_id().to_string());
        let below = asked.strip_prefix("/api/v1").expect("version 1");
        for (method, operation) in item.as_object().expect("operations") {
            let name = operation["operationId"].as_str().expect("a name");
            let media_type = operation["requestBody"]["content"].as_object().and_then(|content| content.keys().next());
            let media_type = media_type.map_or("application/json", String::as_str);
            let headers = [("Content-Type", media_type), ("Idempotency-Key", name), ("If-Match", "\"1\"")];
            let body: &[u8] = if operation["requestBody"].is_object() { b"{}" } else { b"" };
            let method = method.to_uppercase();
            let answer = program.send(&method, below, &headers, body).await;
            let documented = operation["responses"][answer.status.to_string()].is_object();
            assert!(documented, "{name} answered {}: {}", answer.status, answer.text());
            assert_ne!(answer.status, 500, "{name}");
            let stranger = Visitor::new(address).send(&method, &asked, &headers, body).await.expect("an answer");
            assert_eq!(stranger.status, 401, "{name}");
            assert!(page.text().contains(name), "{name} is on the page");
        }
        let other = program.send("DELETE", below, &[], b"").await;
        let allowed = other.header("allow").unwrap_or_default().to_lowercase();
        assert_eq!(other.status, 405, "{path}");
        assert!(item.as_object().expect("operations").keys().all(|method| allowed.contains(method.as_str())), "{path}");
    }
}
