//! Accounts: invitations, links, sessions and API tokens, and what is refused about them, which is on the record.

use std::net::SocketAddr;
use std::time::Duration;

use domain::values::{PersonId, Role};
use server::access::sessions::text_digest;
use server::access::{Administrator, Reader, Responder, Scope, SignedIn};
use server::node::people::NewInvitation;
use server::node::{DoorError, Node};
use tests::facts::first_hour;
use tests::node::{PASSWORD, Party, World, line, log_request};
use tests::page::Page;
use tests::visitor::{Visitor, ends, read_until};
use tests::{On, both};
use tokio::net::TcpStream;

both!(
    an_invitation_is_good_once,
    links_end,
    nobody_uses_a_form_of_somebody_elses,
    too_low_a_role_is_on_the_record,
    a_token_does_no_more_than_it_may,
    a_token_ends_with_the_one_that_made_it,
    a_disabled_account_is_dead_at_once,
    whoever_is_signed_out_hears_nothing_more,
    the_last_administrator_stays,
    sessions_are_seen_and_ended,
    a_person_is_removed,
);

/// A password that nobody would guess.
const NEW_PASSWORD: &str = "lantern gravel otter sky";
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

async fn serving(world: &World) -> (Party, SocketAddr) {
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    (operator, address)
}

async fn signed_in(party: &Party, address: SocketAddr, mailbox: &str) -> Visitor {
    Visitor::signed_in(address, &party.email(mailbox), PASSWORD).await
}

/// Somebody as the doors know them.
async fn person(party: &Party, mailbox: &str) -> SignedIn {
    let account = party.node.account(&party.email(mailbox)).await.expect("the store answers");
    party.node.person(account.expect("an account").id).await.expect("a person")
}

/// Whether one entry of the record holds all of these words.
async fn is_on_record(party: &Party, words: &[&str]) -> bool {
    let record = party.everything_readable().await;
    record.lines().any(|line| words.iter().all(|word| line.contains(word)))
}

async fn invited(party: &Party, email: &str, roles: Vec<Role>) -> (PersonId, String) {
    let new = NewInvitation { name: line("Ivy Newcomer"), email: line(email), roles };
    party.node.invite(&party.administrator(), new).await.expect("invited")
}

/// Fills fields of a form by name; boxes are added.
fn filled(page: &Page, button: &str, typed: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut fields = page.form(button).fields();
    for (name, _) in typed {
        fields.retain(|(have, _)| have != name);
    }
    fields.extend(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    fields
}

/// The path of a link shown on a page.
fn shown_link(page: &Page) -> String {
    let text = page.all("code").first().expect("a link is shown").text();
    text[text.find("/link/").expect("a link")..].to_owned()
}

/// An administrator invites on the page; the link is shown once, sets a fit password, and does not work again.
async fn an_invitation_is_good_once(on: On) {
    let world = World::new(on);
    let (operator, address) = serving(&world).await;
    let mut administrator = signed_in(&operator, address, "administrator").await;
    let page = administrator.get("/people/invite").await.page();
    let email = "ivy.newcomer@operator.example";
    let typed = [("name", "Ivy Newcomer"), ("email", email), ("role", "responder")];
    let answer = administrator.post("/people/invite", &filled(&page, "Make invitation", &typed)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("cache-control").is_some_and(|value| value.contains("no-store")));
    let link = shown_link(&answer.page());
    let twice = administrator.post("/people/invite", &filled(&page, "Make invitation", &typed)).await;
    assert_eq!(twice.status, 422, "one account for an address");
    let mut ivy = Visitor::new(address);
    assert_eq!(ivy.try_sign_in(email, "").await.status, 422, "nobody signs in without a password");
    assert_eq!(ivy.try_sign_in(email, NEW_PASSWORD).await.status, 422);
    let page = ivy.get(&link).await.page();
    for (password, again, words) in [
        ("short", "short", "at least 12 characters"),
        ("Password1234!", "Password1234!", "less common"),
        ("newcomer and otters", "newcomer and otters", "your name"),
        (NEW_PASSWORD, "another one", "twice"),
    ] {
        let typed = [("password", password), ("again", again)];
        let answer = ivy.post(&link, &filled(&page, "Set password", &typed)).await;
        assert_eq!(answer.status, 422, "{password}");
        assert!(answer.page().text().contains(words), "{password}: {}", answer.page().text());
        assert!(!answer.text().contains(&format!("\"{password}\"")), "a password is never shown again");
    }
    let typed = filled(&page, "Set password", &[("password", NEW_PASSWORD), ("again", NEW_PASSWORD)]);
    let answer = ivy.post(&link, &typed).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/sign-in?done=password")));
    let mut ivy = Visitor::signed_in(address, email, NEW_PASSWORD).await;
    assert!(ivy.get("/account").await.page().text().contains("Ivy Newcomer"));
    assert_eq!(ivy.get("/incidents/new").await.status, 303, "a responder logs incidents");
    let replayed = Visitor::new(address).post(&link, &typed).await;
    let unknown = Visitor::new(address).get("/link/nothing-of-ours").await;
    assert_eq!((replayed.status, unknown.status), (404, 404));
    assert_eq!(replayed.page().text(), unknown.page().text(), "the answer does not say which");
    assert!(is_on_record(&operator, &["refused", "\"link\"", "used or replaced"]).await);
    assert!(is_on_record(&operator, &["refused", "\"link\"", "unknown"]).await);
    assert!(is_on_record(&operator, &["person_invited", "Ivy Newcomer", "responder"]).await);
    assert!(is_on_record(&operator, &["link_used", "invitation"]).await);
    let secret = link.trim_start_matches("/link/");
    assert!(!operator.everything_readable().await.contains(secret), "the secret is kept nowhere");
}

/// Invitations end after 72 hours, reset links after 2; a newer link ends the ones before; using one ends all sessions.
async fn links_end(on: On) {
    let world = World::new(on);
    let (operator, address) = serving(&world).await;
    let node: &Node = &operator.node;
    let secret_of = |path: &str| path.trim_start_matches("/link/").to_owned();
    let (id, path) = invited(&operator, "ivy@operator.example", Vec::new()).await;
    let first = secret_of(&path);
    world.pass(71 * HOUR);
    assert!(node.link(&first).await.expect("an answer").is_some());
    world.pass(HOUR);
    assert_eq!(node.link(&first).await.expect("an answer"), None);
    let refused = node.use_link(&first, NEW_PASSWORD.to_owned()).await;
    assert!(matches!(refused, Err(DoorError::NotFound)), "{refused:?}");
    assert!(is_on_record(&operator, &["refused", "\"link\"", "expired"]).await);
    assert_eq!(Visitor::new(address).get(&path).await.status, 404);

    let second = secret_of(&node.reset_link(&operator.administrator(), id).await.expect("a link"));
    let third = secret_of(&node.reset_link(&operator.administrator(), id).await.expect("a link"));
    assert_eq!(node.link(&second).await.expect("an answer"), None, "a newer link takes its place");
    assert_eq!(node.use_link(&third, NEW_PASSWORD.to_owned()).await.expect("used"), id);

    let mut visitor = Visitor::signed_in(address, "ivy@operator.example", NEW_PASSWORD).await;
    let reset = secret_of(&node.reset_link(&operator.administrator(), id).await.expect("a link"));
    assert_eq!(visitor.get("/account").await.status, 200, "making a link changes nothing yet");
    node.use_link(&reset, "another gravel otter".to_owned()).await.expect("used");
    assert_eq!(visitor.get("/account").await.status, 303, "whoever was signed in is not any more");
    let late = secret_of(&node.reset_link(&operator.administrator(), id).await.expect("a link"));
    world.pass(2 * HOUR);
    assert_eq!(node.link(&late).await.expect("an answer"), None);
}

/// A form of another session, or the one-use number of somebody else's form, is refused and on the record.
async fn nobody_uses_a_form_of_somebody_elses(on: On) {
    let world = World::new(on);
    let (operator, address) = serving(&world).await;
    let mut owner = signed_in(&operator, address, "responder").await;
    let mut thief = signed_in(&operator, address, "second-responder").await;
    let page = owner.get("/account/password").await.page();
    let typed = [("present", PASSWORD), ("password", NEW_PASSWORD), ("again", NEW_PASSWORD)];
    let answer = thief.post("/account/password", &filled(&page, "Change password", &typed)).await;
    assert_eq!(answer.status, 403);
    let thief_id = person(&operator, "second-responder").await.id().to_string();
    assert!(is_on_record(&operator, &["refused", "form_not_own", "/account/password", &thief_id]).await);
    Visitor::signed_in(address, &operator.email("second-responder"), PASSWORD).await;

    world.pass(HOUR);
    let form = owner.get("/incidents/new").await.header("location").expect("a fresh form").to_owned();
    let own = thief.get("/incidents/new").await.header("location").expect("a fresh form").to_owned();
    for (visitor, from, expected) in [(&mut owner, &form, 200..300), (&mut thief, &own, 403..404)] {
        let page = visitor.get(from).await.page();
        let typed = filled(&page, "Continue", &[("title", "A mailbox was open")]);
        let status = visitor.post(&format!("{form}/draft"), &typed).await.status;
        assert!(expected.contains(&status), "{status}, not {expected:?}");
    }
    assert!(is_on_record(&operator, &["refused", "form_not_own", "/incidents/new/{form}", &thief_id]).await);
}

/// Only administrators see and change accounts; who tried is on the record, at most once a minute.
async fn too_low_a_role_is_on_the_record(on: On) {
    let world = World::new(on);
    let (operator, address) = serving(&world).await;
    let (id, _) = invited(&operator, "ivy@operator.example", Vec::new()).await;
    let mut manager = signed_in(&operator, address, "manager").await;
    let page = manager.get("/account/password").await.page();
    let csrf = filled(&page, "Change password", &[]);
    for path in ["roles", "details", "link", "disable", "enable", "remove", "sessions/end", "tokens/end"] {
        let answer = manager.post(&format!("/people/{id}/{path}"), &csrf).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    for path in ["/people".to_owned(), "/people/invite".to_owned(), format!("/people/{id}")] {
        assert_eq!(manager.get(&path).await.status, 403, "{path}");
    }
    let manager_id = person(&operator, "manager").await.id().to_string();
    assert!(is_on_record(&operator, &["refused", "role_too_low", "administrators", &manager_id]).await);
    let record = operator.everything_readable().await;
    let entries = record.lines().filter(|line| line.contains("\"role_too_low\"") && line.contains(&manager_id)).count();
    assert_eq!(entries, 1, "nobody floods the record");
    world.pass(HOUR);
    manager.get("/people").await;
    let record = operator.everything_readable().await;
    let entries = record.lines().filter(|line| line.contains("\"role_too_low\"") && line.contains(&manager_id)).count();
    assert_eq!(entries, 2, "an hour later it is news again");
}

/// A token made on the page is shown once, does what its scopes say and its person may, and ends.
async fn a_token_does_no_more_than_it_may(on: On) {
    let world = World::new(on);
    let (operator, address) = serving(&world).await;
    let mut responder = signed_in(&operator, address, "responder").await;
    let page = responder.get("/account/tokens/new").await.page();
    assert!(!page.text().contains("Pair, keep keys"), "nobody is offered more than they may do themselves");
    let typed = [("label", "Ticket system"), ("scope", "read"), ("days", "30")];
    let answer = responder.post("/account/tokens/new", &filled(&page, "Make token", &typed)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let token = answer.page().all("code").first().expect("a token is shown").text();
    assert!(token.starts_with("toc_"), "{token}");
    let account = responder.get("/account").await.text();
    assert!(account.contains("Ticket system") && !account.contains(&token), "it is shown once");
    let node: &Node = &operator.node;
    let program = node.api_person(text_digest(&token)).await.expect("an answer").expect("a good token");
    assert!(Reader::of(&program.person).is_some());
    assert!(Responder::of(&program.person).is_none() && Administrator::of(&program.person).is_none());
    assert_eq!(Visitor::with_token(address, &token).get("/api/v1/incidents").await.status, 200);

    let owner = person(&operator, "responder").await;
    let until = node.time().elapsed().plus_seconds(86_400);
    let beyond = node.add_token(&owner, line("Too much"), vec![Scope::Administer], until).await;
    assert!(matches!(beyond, Err(DoorError::Invalid(_))), "{beyond:?}");
    let through = node.add_token(&program.person, line("More than itself"), vec![Scope::Respond], until).await;
    assert!(matches!(through, Err(DoorError::Invalid(_))), "a token makes none that does more: {through:?}");
    let for_ever = node.time().elapsed().plus_seconds(400 * 86_400);
    assert!(node.add_token(&owner, line("Too long"), vec![Scope::Read], for_ever).await.is_err());
    let (_, acting) = node.add_token(&owner, line("Log robot"), vec![Scope::Respond], until).await.expect("a token");
    let robot = node.api_person(text_digest(&acting)).await.expect("an answer").expect("a good token");
    let by = Responder::of(&robot.person).expect("it may respond");
    let mut request = log_request(first_hour("A mailbox was open"), world.now());
    let form = node.make_form(&robot.person, server::node::execute::LOG_FORM).await.expect("a form");
    request.form = server::node::SentForm::said_once(form);
    request.services = operator.services();
    node.log_incident(&by, request).await.expect("logged");
    assert!(is_on_record(&operator, &["A mailbox was open", "\"through\":\"Log robot\""]).await);
    node.set_roles(&operator.administrator(), owner.id(), vec![Role::Auditor]).await.expect("another role");
    let robot = node.api_person(text_digest(&acting)).await.expect("an answer").expect("a good token");
    assert!(Responder::of(&robot.person).is_none(), "a role taken away counts for programs at once");
    world.pass(DAY);
    assert!(node.api_person(text_digest(&acting)).await.expect("an answer").is_none(), "it has ended by itself");

    let mut responder = signed_in(&operator, address, "responder").await;
    let page = responder.get("/account").await.page();
    let answer = responder.post("/account/tokens/end", &page.form("the token of Ticket system").fields()).await;
    assert_eq!(answer.status, 303);
    assert_eq!(Visitor::with_token(address, &token).get("/api/v1/incidents").await.status, 401);
    assert!(is_on_record(&operator, &["api_token_added", "Ticket system", "read"]).await);
    assert!(is_on_record(&operator, &["api_token_ended", "Ticket system"]).await);
    assert!(!operator.everything_readable().await.contains(&token), "the token is kept nowhere");
}

/// A token that a program made through the API ends with the program's own, and so does one that it made in turn; others of
/// the same person go on.
async fn a_token_ends_with_the_one_that_made_it(on: On) {
    let world = World::new(on);
    let (operator, address) = serving(&world).await;
    let node: &Node = &operator.node;
    let owner = person(&operator, "responder").await;
    let until = node.time().elapsed().plus_seconds(40 * 86_400);
    let token = async |label: &str| {
        node.add_token(&owner, line(label), vec![Scope::Read, Scope::Respond], until).await.expect("a token")
    };
    let ((id, first), (_, other)) = (token("First").await, token("Other").await);
    let made_with = async |token: &str, key: &str| {
        let body = r#"{"label":"Made by a program","scopes":["read","respond"],"days":30}"#.as_bytes();
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        let answer = Visitor::with_token(address, token).send("POST", "/api/v1/tokens", &headers, body).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["token"].as_str().expect("a token").to_owned()
    };
    let child = made_with(&first, "one").await;
    let grandchild = made_with(&child, "two").await;
    let status = async |token: &str| Visitor::with_token(address, token).get("/api/v1/incidents").await.status;
    for token in [&first, &child, &grandchild, &other] {
        assert_eq!(status(token).await, 200);
    }
    node.end_token(&owner, &id).await.expect("ended");
    for token in [&first, &child, &grandchild] {
        assert_eq!(status(token).await, 401);
    }
    assert_eq!(status(&other).await, 200);
    assert!(is_on_record(&operator, &["api_token_ended", "\"with_those_it_made\":2"]).await);
}

/// A disabled account has no session, token or link any more, and can't make one; enabled again, it signs in again with its
/// password alone.
async fn a_disabled_account_is_dead_at_once(on: On) {
    let world = World::new(on);
    let (operator, address) = serving(&world).await;
    let node: &Node = &operator.node;
    let mut responder = signed_in(&operator, address, "responder").await;
    let owner = person(&operator, "responder").await;
    let until = node.time().elapsed().plus_seconds(86_400);
    let (_, token) = node.add_token(&owner, line("Ticket system"), vec![Scope::Read], until).await.expect("a token");
    let link = node.reset_link(&operator.administrator(), owner.id()).await.expect("a link");
    let mut administrator = signed_in(&operator, address, "administrator").await;
    let path = format!("/people/{}/disable", owner.id());
    let page = administrator.get(&path).await.page();
    assert_eq!(administrator.post(&path, &filled(&page, "Disable account", &[])).await.status, 303);
    assert_eq!(responder.get("/account").await.status, 303, "signed out");
    assert_eq!(Visitor::new(address).try_sign_in(&operator.email("responder"), PASSWORD).await.status, 422);
    assert_eq!(Visitor::with_token(address, &token).get("/api/v1/incidents").await.status, 401);
    assert_eq!(Visitor::new(address).get(&link).await.status, 404);
    assert!(node.reset_link(&operator.administrator(), owner.id()).await.is_err());
    assert!(is_on_record(&operator, &["person_disabled", "A. Responder"]).await);
    assert!(is_on_record(&operator, &["refused", "sign_in", "disabled"]).await);
    let path = format!("/people/{}", owner.id());
    let page = administrator.get(&path).await.page();
    let answer = administrator.post(&format!("{path}/enable"), &filled(&page, "Enable the account", &[])).await;
    assert_eq!(answer.status, 303);
    signed_in(&operator, address, "responder").await;
    assert_eq!(Visitor::with_token(address, &token).get("/api/v1/incidents").await.status, 401, "it stays ended");
}

/// A page that listens hears on while its session stands. Signed out, disabled or without a role that reads, it is cut off
/// at the next word after half a minute.
async fn whoever_is_signed_out_hears_nothing_more(on: On) {
    let world = World::new(on);
    let (operator, address) = serving(&world).await;
    let something_happens = async || {
        world.pass(Duration::from_secs(31));
        operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    };
    // Time stands still but for what the story lets pass: a word that names this instant is about what happened last.
    let still_hears = async |stream: &mut TcpStream| {
        read_until(stream, &format!("\"now\":{}", world.now().micros() / 1_000)).await;
    };
    let mut stays = signed_in(&operator, address, "manager").await.listen("/live", "event: time").await;
    for mailbox in ["responder", "dpo", "auditor"] {
        let mut visitor = signed_in(&operator, address, mailbox).await;
        let mut hears = visitor.listen("/live", "event: time").await;
        something_happens().await;
        read_until(&mut hears, "event: change").await;
        still_hears(&mut stays).await;
        let owner = person(&operator, mailbox).await.id();
        match mailbox {
            "responder" => {
                let leave = visitor.get("/account").await.page().form("Sign out").fields();
                assert_eq!(visitor.post("/sign-out", &leave).await.status, 303);
            }
            "dpo" => operator.node.set_disabled(&operator.administrator(), owner, true).await.expect("disabled"),
            _ => operator.node.set_roles(&operator.administrator(), owner, Vec::new()).await.expect("no role"),
        }
        something_happens().await;
        assert!(ends(&mut hears).await, "the {mailbox} still hears what happens");
        still_hears(&mut stays).await;
    }
}

/// Nobody locks everybody out: not the last administrator who can sign in, and nobody themselves.
async fn the_last_administrator_stays(on: On) {
    let world = World::new(on);
    let (operator, address) = serving(&world).await;
    let node: &Node = &operator.node;
    let (one, other) = (person(&operator, "administrator").await, person(&operator, "second-administrator").await);
    let (by_one, by_other) = (operator.administrator(), operator.second_administrator());
    let refused = |result: Result<(), DoorError>| matches!(result, Err(DoorError::Invalid(_)));
    assert!(refused(node.set_disabled(&by_one, one.id(), true).await), "not oneself");
    assert!(refused(node.set_roles(&by_one, one.id(), vec![Role::Dpo]).await), "not oneself");
    node.set_roles(&by_one, one.id(), vec![Role::Dpo, Role::Administrator]).await.expect("another role beside");
    let both_at_once =
        tokio::join!(node.set_disabled(&by_one, other.id(), true), node.set_disabled(&by_other, one.id(), true));
    assert!(both_at_once.0.is_ok() != both_at_once.1.is_ok(), "one of the two stays: {both_at_once:?}");
    let (left, mailbox) = if both_at_once.0.is_ok() { (one, "administrator") } else { (other, "second-administrator") };
    invited(&operator, "ivy@operator.example", vec![Role::Administrator]).await;
    let console = Administrator::at_the_console();
    assert!(refused(node.set_disabled(&console, left.id(), true).await), "an invited one can't sign in yet");
    assert!(refused(node.set_roles(&console, left.id(), Vec::new()).await));
    assert!(refused(node.remove_person(&console, left.id()).await));
    signed_in(&operator, address, mailbox).await;
}

/// People see where they are signed in and end it; another password ends the others; nobody ends somebody else's.
async fn sessions_are_seen_and_ended(on: On) {
    let world = World::new(on);
    let (operator, address) = serving(&world).await;
    let mut here = signed_in(&operator, address, "responder").await;
    let mut there = signed_in(&operator, address, "responder").await;
    let mut manager = signed_in(&operator, address, "manager").await;
    let page = here.get("/account").await.page();
    let end = page.form("the session that began").fields();
    let csrf = filled(&manager.get("/account/password").await.page(), "Change password", &[]);
    let mut stolen = csrf;
    stolen.push(("session".to_owned(), end.iter().find(|(name, _)| name == "session").expect("an id").1.clone()));
    assert_eq!(manager.post("/account/sessions/end", &stolen).await.status, 404, "not somebody else's");
    assert_eq!(there.get("/account").await.status, 200);
    assert_eq!(here.post("/account/sessions/end", &end).await.status, 303);
    assert_eq!((here.get("/account").await.status, there.get("/account").await.status), (200, 303));

    let mut there = signed_in(&operator, address, "responder").await;
    let page = here.get("/account/password").await.page();
    let wrong = [("present", "not the password"), ("password", NEW_PASSWORD), ("again", NEW_PASSWORD)];
    assert_eq!(here.post("/account/password", &filled(&page, "Change password", &wrong)).await.status, 422);
    assert!(is_on_record(&operator, &["refused", "password_change"]).await);
    let right = [("present", PASSWORD), ("password", NEW_PASSWORD), ("again", NEW_PASSWORD)];
    assert_eq!(here.post("/account/password", &filled(&page, "Change password", &right)).await.status, 303);
    assert_eq!((here.get("/account").await.status, there.get("/account").await.status), (200, 303));
    assert!(is_on_record(&operator, &["password_changed"]).await);

    let mut administrator = signed_in(&operator, address, "administrator").await;
    let path = format!("/people/{}", person(&operator, "responder").await.id());
    let page = administrator.get(&path).await.page();
    let all = filled(&page, "End all sessions", &[("session", "all")]);
    assert_eq!(administrator.post(&format!("{path}/sessions/end"), &all).await.status, 303);
    assert_eq!(here.get("/account").await.status, 303);
    assert!(is_on_record(&operator, &["sessions_ended"]).await);
}

/// Whoever left is removed: nothing of theirs is left but the record, and their address is free again.
async fn a_person_is_removed(on: On) {
    let world = World::new(on);
    let (operator, address) = serving(&world).await;
    let email = "ivy@operator.example";
    let (id, path) = invited(&operator, email, vec![Role::Auditor]).await;
    let secret = path.trim_start_matches("/link/");
    operator.node.use_link(secret, NEW_PASSWORD.to_owned()).await.expect("a password");
    let mut ivy = Visitor::signed_in(address, email, NEW_PASSWORD).await;
    let mut administrator = signed_in(&operator, address, "administrator").await;
    let list = administrator.get("/people").await.page();
    assert!(list.text().contains("Ivy Newcomer") && list.text().contains("9 accounts"), "{}", list.text());
    let page = administrator.get(&format!("/people/{id}/remove")).await.page();
    let answer = administrator.post(&format!("/people/{id}/remove"), &filled(&page, "Remove person", &[])).await;
    assert_eq!(answer.status, 303);
    assert_eq!(ivy.get("/account").await.status, 303);
    assert_eq!(administrator.get(&format!("/people/{id}")).await.status, 404);
    assert!(!administrator.get("/people").await.text().contains("Ivy Newcomer"));
    assert!(is_on_record(&operator, &["person_removed", &id.to_string()]).await);
    operator.verify_ledger().await;
    invited(&operator, email, Vec::new()).await;
}
