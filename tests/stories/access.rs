//! Who may do what: every page and command by role, foreign sites, API tokens, guessing of passwords.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use domain::values::{IncidentId, Role};
use server::node::NewPerson;
use server::store::StoreError;
use server::store::alerts::{self, AlertKind};
use tests::facts::first_hour;
use tests::node::{PASSWORD, Party, World, line, log_request};
use tests::visitor::{Answer, Visitor};
use tests::{On, both};

both!(
    pages_by_role,
    without_a_role_nothing_is_read,
    an_alert_ends_when_somebody_has_seen_to_it,
    alerts_beyond_the_newest_are_counted_and_listed,
    commands_by_role,
    other_sites_can_not_send_forms,
    the_api_takes_tokens_only,
    passwords_can_not_be_guessed,
    answers_carry_their_protections,
);

/// An operator with one incident, serving its pages.
async fn serving(world: &World) -> (Party, SocketAddr, IncidentId) {
    let mut operator = world.listening_party("Operator").await;
    let _partner = world.scripted(&operator, "Council", 48).await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator]).await;
    let address = operator.serve();
    (operator, address, id)
}

/// Everybody with an account; a manager, an administrator and an auditor read and don't log.
const READERS: [&str; 5] = ["responder", "dpo", "manager", "administrator", "auditor"];

/// Every page shows itself to whom it is for; to nobody without a session.
async fn pages_by_role(on: On) {
    let world = World::new(on);
    let (operator, address, id) = serving(&world).await;
    let exchange = operator.incident(id).await.owed[0].exchange;
    let incident = format!("/incidents/{id}");
    let pages: Vec<(String, &[&str])> = vec![
        ("/".to_owned(), &READERS),
        ("/wall".to_owned(), &READERS),
        ("/incidents".to_owned(), &READERS),
        (incident.clone(), &READERS),
        (format!("/exchanges/{exchange}"), &READERS),
        (format!("{incident}/report"), &READERS),
        (format!("{incident}/report/paste"), &READERS),
        (format!("{incident}/report.json"), &READERS),
        (format!("{incident}/report/sections/1"), &["responder", "dpo"]),
        (format!("{incident}/report/submission"), &["responder", "dpo"]),
        (format!("{incident}/report/sign-off"), &["dpo"]),
        ("/about-this-organisation".to_owned(), &["dpo", "administrator"]),
        ("/received".to_owned(), &READERS),
        ("/partners".to_owned(), &READERS),
        ("/incidents/new".to_owned(), &["responder", "dpo"]),
        (format!("{incident}/update-facts"), &["responder", "dpo"]),
        (format!("{incident}/correct-awareness"), &["responder", "dpo"]),
        (format!("{incident}/withdraw"), &["responder", "dpo"]),
        ("/account".to_owned(), &READERS),
        ("/account/password".to_owned(), &READERS),
        ("/account/tokens/new".to_owned(), &READERS),
        ("/people".to_owned(), &["administrator"]),
        ("/people/invite".to_owned(), &["administrator"]),
    ];
    let mut visitors = Vec::new();
    for role in READERS {
        visitors.push((role, Visitor::signed_in(address, &operator.email(role), PASSWORD).await));
    }
    for (path, allowed) in &pages {
        let mut stranger = Visitor::new(address);
        let answer = stranger.get(path).await;
        let to_sign_in = answer.header("location").is_some_and(|to| to.starts_with("/sign-in"));
        assert!(answer.status == 303 && to_sign_in, "{path} without a session: {}", answer.status);
        for (role, visitor) in &mut visitors {
            let status = visitor.get(path).await.status;
            let expected: &[u16] = if allowed.contains(role) { &[200, 303] } else { &[403] };
            assert!(expected.contains(&status), "{path} for {role}: {status}");
        }
    }
    for path in ["/sign-in", "/privacy", "/accessibility"] {
        assert_eq!(Visitor::new(address).get(path).await.status, 200, "{path} is for everybody");
    }
    assert_eq!(Visitor::new(address).get("/no-such-page").await.status, 404);
}

/// Addresses that show nothing of the record: for everybody with an account, or for anybody at all.
const FOR_EVERYBODY: [&str; 10] = [
    "/",
    "/account",
    "/account/password",
    "/sign-in",
    "/privacy",
    "/accessibility",
    "/static/{name}",
    "/link/{secret}",
    "/ack/{secret}",
    "/calendar/{secret}.ics",
];

/// The address of every page, as the program's own source names it: a new one is among them by itself.
fn addresses(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the source of the pages") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            addresses(&path, found);
            continue;
        }
        let source = fs::read_to_string(&path).expect("source");
        for resource in source.split("resource(").skip(1) {
            let Some((address, rest)) = resource.trim_start().strip_prefix('"').and_then(|it| it.split_once('"'))
            else {
                continue;
            };
            if rest.trim_start_matches(|c: char| c == ')' || c.is_whitespace()).starts_with(".get(") {
                found.insert(address.to_owned());
            }
        }
    }
}

/// The address with something that is there in the place of each name.
fn filled(address: &str, incident: &str, exchange: &str) -> String {
    let of_exchange = address.starts_with("/exchanges") || address.starts_with("/received");
    let part = |part: &str| match part.strip_prefix('{').map(|name| name.trim_end_matches('}')) {
        None => part.to_owned(),
        Some("action") => "close".to_owned(),
        Some("wave" | "number") => "1".to_owned(),
        Some("step") => "review".to_owned(),
        Some(name) if name.contains(':') => {
            name.split([':', '|']).nth(1).map(str::to_owned).expect("a word that the address takes")
        }
        Some(_) if of_exchange => exchange.to_owned(),
        Some(_) => incident.to_owned(),
    };
    address.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Somebody with an account, and these roles.
async fn joined(party: &Party, address: SocketAddr, mailbox: &str, roles: Vec<Role>) -> Visitor {
    let email = party.email(mailbox);
    let (name, password) = (line("N. Newcomer"), PASSWORD.to_owned());
    let new = NewPerson { name, email: line(&email), password, roles };
    party.node.add_person(&party.administrator(), new).await.expect("an account");
    Visitor::signed_in(address, &email, PASSWORD).await
}

/// Whoever has no role, or none but to say that something is wrong, signs in, sees their own account, and reads nothing
/// of the record, under whatever address.
async fn without_a_role_nothing_is_read(on: On) {
    let world = World::new(on);
    let (operator, address, id) = serving(&world).await;
    let (incident, exchange) = (id.to_string(), operator.incident(id).await.owed[0].exchange.to_string());
    let mut all = BTreeSet::new();
    addresses(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/src/web"), &mut all);
    assert!(all.len() > 80 && FOR_EVERYBODY.iter().all(|known| all.contains(*known)), "{all:?}");
    for (mailbox, roles) in [("newcomer", Vec::new()), ("employee", vec![Role::Reporter])] {
        let mut visitor = joined(&operator, address, mailbox, roles).await;
        for page in all.iter().filter(|page| !FOR_EVERYBODY.contains(&page.as_str())) {
            let answer = visitor.get(&filled(page, &incident, &exchange)).await;
            assert_eq!(answer.status, 403, "{page} for the {mailbox}");
            assert!(!answer.text().contains("mailbox was open"), "{page} for the {mailbox}");
        }
        let home = visitor.get("/").await;
        let page = home.page();
        assert_eq!((home.status, page.heading().as_str()), (200, "You are signed in"));
        assert!(!home.text().contains("mailbox was open") && !home.text().contains("/incidents"), "{}", page.text());
        assert_eq!(page.link("your account").attribute("href"), Some("/account"));
        for own in ["/account", "/account/password"] {
            assert_eq!(visitor.get(own).await.status, 200, "{own} for the {mailbox}");
        }
        let csrf = ("csrf".to_owned(), csrf(&mut visitor).await);
        let before = operator.incident(id).await;
        for path in [format!("/incidents/{id}/close"), format!("/incidents/{id}/partners/export")] {
            let answer = visitor.post(&path, std::slice::from_ref(&csrf)).await;
            assert_eq!(answer.status, 403, "{path} for the {mailbox}");
        }
        assert!(operator.incident(id).await == before, "the {mailbox} changed something");
        assert_eq!(visitor.post("/sign-out", &[csrf]).await.status, 303);
    }
}

/// An alert about something that happened stays until somebody who may says that it is seen to; the record says who.
async fn an_alert_ends_when_somebody_has_seen_to_it(on: On) {
    let world = World::new(on);
    let (operator, address, id) = serving(&world).await;
    let partner = operator.incident(id).await.owed[0].partner;
    let store = operator.node.store();
    let raised = store.write(operator.node.now(), move |turn| {
        for kind in [AlertKind::BadEvent, AlertKind::Gap] {
            alerts::raise(turn, kind, Some(partner), None, None, None)?;
        }
        Ok::<_, StoreError>(())
    });
    raised.await.expect("two alerts");
    let words = AlertKind::BadEvent.label();
    let mut auditor = Visitor::signed_in(address, &operator.email("auditor"), PASSWORD).await;
    let mut responder = Visitor::signed_in(address, &operator.email("responder"), PASSWORD).await;
    for page in ["/".to_owned(), format!("/partners/{partner}")] {
        let read = auditor.get(&page).await.text();
        assert!(read.contains(words) && !read.contains("Seen to"), "{page}: an auditor reads it and does nothing");
        let shown = responder.get(&page).await.text();
        assert_eq!(shown.matches("Seen to").count(), 1, "{page}: what ends by itself has no button");
    }
    let page = responder.get("/").await.page();
    let form = page.form("Seen to");
    let action = form.attribute("action").expect("an address").to_owned();
    let mut fields = form.fields();
    let own = csrf(&mut auditor).await;
    assert_eq!(auditor.post(&action, &[("csrf".to_owned(), own)]).await.status, 403);
    let answer = responder.post(&action, &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    let page = responder.get("/").await.text();
    assert!(!page.contains(words) && page.contains(AlertKind::Gap.label()), "it has ended, and no other");
    fields.retain(|(name, _)| name == "csrf");
    assert_eq!(responder.post(&action, &fields).await.status, 303, "pressed twice, it is still so");
    let left = operator.node.store().read(|rows| alerts::open(rows, 10)).await.expect("the alerts");
    let gap = left.iter().find(|alert| alert.kind == AlertKind::Gap).expect("open").id;
    let refused = responder.post(&format!("/alerts/{gap}/seen-to"), &fields).await;
    assert_eq!(refused.status, 409, "nobody ends it by hand: {}", refused.text());
    assert!(refused.text().contains("it ends by itself once what it tells of has ended"), "{}", refused.text());
    assert_eq!(operator.everything_readable().await.matches("alert_seen_to").count(), 1);
}

/// The home page shows the newest alerts and says how many there are; a page of their own leads through all of them.
async fn alerts_beyond_the_newest_are_counted_and_listed(on: On) {
    let world = World::new(on);
    let (operator, address, id) = serving(&world).await;
    let partner = operator.incident(id).await.owed[0].partner;
    let mut responder = Visitor::signed_in(address, &operator.email("responder"), PASSWORD).await;
    let few = responder.get("/").await.text();
    assert!(!few.contains("Show all of them"), "{few}");
    let raised = operator.node.store().write(operator.node.now(), move |turn| {
        for about in [None, Some(partner)] {
            for kind in AlertKind::ALL {
                alerts::raise(turn, *kind, about, None, None, None)?;
            }
        }
        Ok::<_, StoreError>(())
    });
    raised.await.expect("alerts");
    let all = operator.node.store().read(|rows| alerts::open(rows, 1_000)).await.expect("the alerts").len();
    let home = responder.get("/").await.page();
    assert!(home.text().contains(&format!("The newest 10 of {all} are shown.")), "{}", home.text());
    let mut path = home.link("Show all of them").attribute("href").expect("an address").to_owned();
    let (mut seen, mut pages) = (0, 0);
    loop {
        let page = responder.get(&path).await.page();
        assert!(page.text().contains(&format!("{all} alerts")), "{}", page.text());
        seen += page.text().matches("Seen to").count();
        pages += 1;
        match page.all("a").iter().find(|link| link.text().contains("Earlier alerts")) {
            Some(link) => path = link.attribute("href").expect("an address").to_owned(),
            None => break,
        }
    }
    let may_be_ended = AlertKind::ALL.iter().filter(|kind| kind.is_seen_to()).count() * 2;
    assert_eq!((seen, pages), (may_be_ended, all.div_ceil(50)), "each once, fifty on a page");
    let beyond = responder.get(&format!("/alerts?before=0.{}", uuid::Uuid::nil())).await.page();
    assert!(!beyond.text().contains("Nothing waits for a person"), "{}", beyond.text());
    assert!(beyond.text().contains("No earlier alerts"), "{}", beyond.text());
    assert_eq!(beyond.link("The newest alerts").attribute("href"), Some("/alerts"));
}

/// Every command is refused to who may not give it, before it looks at what was typed.
async fn commands_by_role(on: On) {
    let world = World::new(on);
    let (operator, address, id) = serving(&world).await;
    let exchange = operator.incident(id).await.owed[0].exchange;
    let of_incident = |command: &str| format!("/incidents/{id}/{command}");
    let of_exchange = |command: &str| format!("/exchanges/{exchange}/{command}");
    let commands: [(String, &[&str]); 21] = [
        (of_incident("update-facts"), &["responder", "dpo"]),
        (of_incident("send-update"), &["responder", "dpo"]),
        (of_incident("release"), &["responder", "dpo"]),
        (of_incident("correct-awareness"), &["responder", "dpo"]),
        (of_incident("withdraw"), &["responder", "dpo"]),
        (of_incident("convert"), &["responder", "dpo"]),
        (of_incident("close"), &["responder", "dpo"]),
        (of_incident("report/draft"), &["responder", "dpo"]),
        (of_incident("report/submission"), &["responder", "dpo"]),
        (of_incident("report/form"), &["responder", "dpo"]),
        (of_incident("report/sections/1"), &["responder", "dpo"]),
        (of_incident("report/follow-up"), &["responder", "dpo"]),
        (of_incident("report/proofs/1"), &["responder", "dpo"]),
        (of_incident("report/sign-off"), &["dpo"]),
        ("/about-this-organisation".to_owned(), &["dpo", "administrator"]),
        (of_incident("report/not-required"), &["dpo"]),
        (of_incident("report/resolve"), &["dpo"]),
        (of_exchange("call"), &["responder", "dpo"]),
        (of_exchange("retry"), &["responder", "dpo"]),
        ("/take-in-hand".to_owned(), &["responder", "dpo", "manager"]),
        ("/people/invite".to_owned(), &["administrator"]),
    ];
    for role in READERS {
        let mut visitor = Visitor::signed_in(address, &operator.email(role), PASSWORD).await;
        let csrf = csrf(&mut visitor).await;
        let before = operator.incident(id).await;
        for (path, allowed) in &commands {
            let answer = visitor.post(path, &[("csrf".to_owned(), csrf.clone())]).await;
            assert_ne!(answer.status, 404, "{path} exists");
            assert_eq!(answer.status == 403, !allowed.contains(&role), "{path} for {role}: {}", answer.status);
            let bare = visitor.post(path, &[]).await;
            assert_eq!(bare.status, 403, "{path} for {role} without the session's secret");
        }
        if !["responder", "dpo"].contains(&role) {
            assert!(operator.incident(id).await == before, "{role} changed something");
        }
    }
    let mut stranger = Visitor::new(address);
    let answer = stranger.post(&format!("/incidents/{id}/close"), &[]).await;
    assert!([303, 401, 403].contains(&answer.status), "without a session: {}", answer.status);
}

/// The secret that this session's forms carry.
async fn csrf(visitor: &mut Visitor) -> String {
    let page = visitor.get("/").await.page();
    let form = page.form("Sign out");
    form.fields().into_iter().find(|(name, _)| name == "csrf").expect("forms carry the secret").1
}

/// A form sent by another site's page, or with a foreign origin, is refused even with the session's cookie and secret.
async fn other_sites_can_not_send_forms(on: On) {
    let world = World::new(on);
    let (operator, address, id) = serving(&world).await;
    let mut visitor = Visitor::signed_in(address, &operator.email("responder"), PASSWORD).await;
    let csrf = vec![("csrf".to_owned(), csrf(&mut visitor).await)];
    let path = format!("/incidents/{id}/send-update");
    for (name, value) in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "https://elsewhere.example"),
        ("Origin", "null"),
    ] {
        let answer = visitor.post_with(&path, &[(name, value)], &csrf).await;
        assert_eq!(answer.status, 403, "{name}: {value}");
    }
    let own = format!("http://{address}");
    let answer = visitor.post_with(&path, &[("Origin", &own)], &csrf).await;
    assert_ne!(answer.status, 403, "our own page");
    let left = visitor.get("/").await;
    assert_eq!(left.status, 200, "the session is still good");
}

/// The API takes a bearer token and nothing else, and lists incidents, clocks and notices with their state in words.
async fn the_api_takes_tokens_only(on: On) {
    let world = World::new(on);
    let (operator, address, _) = serving(&world).await;
    let token = operator.api_token().await;
    let mut signed_in = Visitor::signed_in(address, &operator.email("responder"), PASSWORD).await;
    for path in ["/api/v1/incidents", "/api/v1/clocks", "/api/v1/notices"] {
        for answer in [
            Visitor::new(address).get(path).await,
            Visitor::with_token(address, "a wrong token").get(path).await,
            signed_in.get(path).await,
        ] {
            assert_eq!(answer.status, 401, "{path}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
            assert!(answer.json()["type"].is_string() && answer.json()["title"].is_string(), "{path}");
        }
        let answer = Visitor::with_token(address, &token).get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        let items = answer.json()["items"].as_array().cloned().expect("items");
        assert!(!items.is_empty() && items.iter().all(|item| item["state"].is_string()), "{path}: {items:?}");
        let page = Visitor::with_token(address, &token).get(&format!("{path}?limit=0")).await;
        assert!([200, 400].contains(&page.status), "{path}: a limit of nothing is no fault of ours");
    }
    let notices = Visitor::with_token(address, &token).get("/api/v1/notices").await.json();
    assert_eq!(notices["items"][0]["state"], "Delivered", "a receipt is a machine's word");
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(Visitor::new(address).get(path).await.status, 200, "{path}");
    }
}

/// An unknown address and a wrong password get the same answer; after some tries there is a pause, also for the right
/// one, and other accounts are not locked out by it for ever.
async fn passwords_can_not_be_guessed(on: On) {
    let world = World::new(on);
    let (operator, address, _) = serving(&world).await;
    let responder = operator.email("responder");
    let refused = |answer: &Answer| answer.page().text().replace(&responder, "").replace("nobody@example.org", "");
    let wrong = Visitor::new(address).try_sign_in(&responder, "a wrong password").await;
    let unknown = Visitor::new(address).try_sign_in("nobody@example.org", "a wrong password").await;
    assert_eq!(wrong.status, unknown.status);
    assert_eq!(refused(&wrong), refused(&unknown), "the answer does not say which");
    assert!(!wrong.text().contains("a wrong password"), "a password is never shown again");
    let mut paused = false;
    for _ in 0..40 {
        paused |= Visitor::new(address).try_sign_in(&responder, "a wrong password").await.status == 429;
    }
    assert!(paused, "guessing is slowed down");
    let right = Visitor::new(address).try_sign_in(&responder, PASSWORD).await;
    assert_ne!(right.status, 303, "the pause holds for the right password too");
    let long = "x".repeat(73);
    let too_long = Visitor::new(address).try_sign_in(&operator.email("dpo"), &long).await;
    assert_ne!(too_long.status, 500);
}

/// Every page forbids foreign script, framing and sniffing; the session's cookie is out of script's reach.
async fn answers_carry_their_protections(on: On) {
    let world = World::new(on);
    let (operator, address, id) = serving(&world).await;
    let mut visitor = Visitor::new(address);
    let signed_in = visitor.try_sign_in(&operator.email("auditor"), PASSWORD).await;
    let cookie = signed_in.header("set-cookie").expect("a session").to_lowercase();
    assert!(cookie.contains("httponly") && cookie.contains("samesite=") && cookie.contains("path=/"), "{cookie}");
    for path in ["/".to_owned(), format!("/incidents/{id}"), "/no-such-page".to_owned(), "/sign-in".to_owned()] {
        let answer = visitor.get(&path).await;
        let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("{path} has no policy"));
        assert!(policy.contains("default-src 'none'") || policy.contains("default-src 'self'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(answer.header("referrer-policy").is_some(), "{path}");
        let page = answer.page();
        assert!(page.all("script").iter().all(|script| script.attribute("src").is_some()), "{path}: no inline script");
    }
    let answer = visitor.get(&format!("/incidents/{id}")).await;
    assert!(answer.header("cache-control").is_some_and(|value| value.contains("no-store")), "incidents are not cached");
}
