//! Pairing as two administrators do it: page by page, on two nodes.

use std::net::SocketAddr;

use domain::values::PartnerId;
use server::node::pairing::PartnerState;
use tests::browser::Browser;
use tests::node::{PASSWORD, Party, World};
use tests::page::Page;
use tests::partner::Scripted;
use tests::visitor::{Answer, Visitor};
use tests::wait::{SOON, until};
use tests::{On, both};

both!(
    two_nodes_pair_through_their_pages,
    wrong_digits_are_said_and_lock,
    only_administrators_change_a_pairing,
    a_later_card_is_shown_beside_the_old_one,
    a_pairing_is_suspended_resumed_and_ended,
);

/// Ends a part of a form.
const BOUNDARY: &str = "a-boundary-of-the-tests";

/// Sends the import page's form, with the card as a file or pasted.
async fn import(visitor: &mut Visitor, path: &str, card: &str, as_file: bool, more: &[(&str, &str)]) -> Answer {
    let page = visitor.get(path).await.page();
    let mut fields = page.form("Import the card").fields();
    for (name, value) in more {
        fields.retain(|(have, _)| have != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    if !as_file {
        fields.retain(|(name, _)| name != "pasted");
        fields.push(("pasted".to_owned(), card.to_owned()));
    }
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    let file = if as_file { card } else { "" };
    body += &format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"card.jwt\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n{file}\r\n--{BOUNDARY}--\r\n"
    );
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("Content-Type", kind.as_str()), ("Sec-Fetch-Site", "same-origin")];
    visitor.send("POST", "/partners/import", &headers, body.as_bytes()).await.expect("an answer")
}

/// Fills the form with this button in and sends it.
async fn send(visitor: &mut Visitor, path: &str, button: &str, typed: &[(&str, &str)]) -> Answer {
    let page = visitor.get(path).await.page();
    let form = page.form(button);
    let action = form.attribute("action").expect("an action").to_owned();
    let mut fields = form.fields();
    for (name, value) in typed {
        fields.retain(|(have, _)| have != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    visitor.post(&action, &fields).await
}

/// The digits as typed into their eight inputs, and how they came.
fn digits(fingerprint: &str) -> Vec<(String, String)> {
    let groups = fingerprint.split(' ').enumerate();
    let mut typed: Vec<(String, String)> =
        groups.map(|(index, group)| (format!("g{}", index + 1), group.to_owned())).collect();
    typed.push(("channel".to_owned(), "in_person".to_owned()));
    typed.push(("with_whom".to_owned(), "R. Example, administrator".to_owned()));
    typed
}

async fn type_digits(visitor: &mut Visitor, at: &str, fingerprint: &str) -> Answer {
    let typed = digits(fingerprint);
    let typed: Vec<(&str, &str)> = typed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    send(visitor, at, "Check the fingerprint", &typed).await
}

async fn administrator(party: &Party, address: SocketAddr) -> Visitor {
    Visitor::signed_in(address, &party.email("administrator"), PASSWORD).await
}

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").expect("where to go on").to_owned()
}

/// The card and the digits that a party's own page shows.
async fn own(visitor: &mut Visitor) -> (String, String) {
    let card = visitor.get("/our-card/file").await;
    assert!(card.header("content-disposition").is_some_and(|value| value.starts_with("attachment")));
    let page = visitor.get("/our-card").await.page();
    let groups: Vec<String> = page.all("li").iter().map(|group| group.text()).filter(|text| is_group(text)).collect();
    assert_eq!(groups.len(), 8, "eight groups to read out");
    let picture = visitor.get("/our-card/qr.svg").await;
    assert!(picture.status == 200 && picture.text().contains("<svg"), "the card as a QR code");
    let sheet = visitor.get("/our-card/sheet").await.page();
    assert!(groups.iter().all(|group| sheet.text().contains(group)), "the sheet has the digits");
    (card.text(), groups.join(" "))
}

fn is_group(text: &str) -> bool {
    text.len() == 5 && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// Two administrators on each side: card by file on one and pasted on the other, digits typed, the second confirms;
/// then both pages say that they are paired.
async fn two_nodes_pair_through_their_pages(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let mut council = world.listening_party("Council").await;
    let addresses = [operator.serve(), council.serve()];
    let mut first = [administrator(&operator, addresses[0]).await, administrator(&council, addresses[1]).await];
    let ours = [own(&mut first[0]).await, own(&mut first[1]).await];
    for (at, (party, other)) in [(&operator, &council), (&council, &operator)].into_iter().enumerate() {
        let (card, fingerprint) = &ours[1 - at];
        let answer = import(&mut first[at], "/partners/import", card, at == 0, &[]).await;
        let digits_page = location(&answer);
        let shown = first[at].get(&digits_page).await;
        assert!(!shown.text().contains(fingerprint), "the digits are never shown where they are typed");
        assert!(fingerprint.split(' ').all(|group| !shown.page().text().contains(group)), "nor any group of them");
        assert!(shown.page().text().contains(other.issuer()), "what the card says is shown");
        let partner_page = location(&type_digits(&mut first[at], &digits_page, fingerprint).await);
        let page = first[at].get(&partner_page).await.page();
        assert!(page.text().contains("Another administrator has to confirm it"), "{}", page.text());
        let address = addresses[at];
        let mut second = Visitor::signed_in(address, &party.email("second-administrator"), PASSWORD).await;
        let to_confirm = second.get(&partner_page).await.page().link("Confirm it").attribute("href").map(str::to_owned);
        let answer = send(&mut second, &to_confirm.expect("a link"), "Confirm", &[]).await;
        assert!(location(&answer).ends_with("done=confirmed"));
    }
    world.settle(&[&operator, &council]).await;
    for (at, other) in [&council, &operator].into_iter().enumerate() {
        let list = first[at].get("/partners").await.page();
        let page = first[at].get(list.link(&other.name).attribute("href").expect("a page")).await.page();
        assert!(page.text().contains("You are paired"), "{}", page.text());
        assert!(page.text().contains("R. Example, administrator"), "who read the digits stays to be seen");
    }
    assert!(operator.is_active(&council).await && council.is_active(&operator).await);
}

/// A partner of a listening operator, its card imported; its page's address.
async fn imported(world: &World, council: &Scripted) -> (Party, SocketAddr, PartnerId) {
    let mut operator = world.listening_party("Operator").await;
    let card = council.card(world.now().unix_seconds());
    let id = operator.node.import_card(&operator.administrator(), &card, None).await.expect("taken");
    let address = operator.serve();
    (operator, address, id)
}

fn error_messages(page: &Page) -> Vec<String> {
    let found = page.all("p").into_iter().filter(|p| p.attribute("class") == Some("error-message"));
    found.map(|p| p.text()).collect()
}

/// What is no fingerprint costs no try; wrong digits say how many are left, keep what was typed and lock at the third.
async fn wrong_digits_are_said_and_lock(on: On) {
    let world = World::new(on);
    let council = Scripted::new("Council", "https://council.example");
    let other = Scripted::new("Borough", "https://borough.example").fingerprint();
    let (operator, address, id) = imported(&world, &council).await;
    let mut visitor = administrator(&operator, address).await;
    let at = format!("/partners/{id}/digits");
    let half = send(&mut visitor, &at, "Check the fingerprint", &[("g1", "12"), ("with_whom", "R.")]).await;
    assert_eq!(half.status, 422);
    assert_eq!(error_messages(&half.page()).len(), 2, "the digits and the way they came: {}", half.page().text());
    for left in ["2 tries are left", "1 tries are left"] {
        let wrong = type_digits(&mut visitor, &at, &other).await;
        assert_eq!(wrong.status, 422);
        let page = wrong.page();
        assert!(page.text().contains(left), "{}", page.text());
        assert_eq!(page.id("g1").and_then(|input| input.attribute("value")), other.split(' ').next(), "kept as typed");
    }
    let locked = location(&type_digits(&mut visitor, &at, &other).await);
    let page = visitor.get(&locked).await.page();
    assert!(page.text().contains("Locked") && page.text().contains("Import their card again"), "{}", page.text());
    let home = visitor.get("/").await.page();
    assert!(home.text().contains("locked after three wrong fingerprints"), "everybody sees the alert");
}

/// Readers see partners and change nothing; a form without the session's secret changes nothing either.
async fn only_administrators_change_a_pairing(on: On) {
    let world = World::new(on);
    let council = Scripted::new("Council", "https://council.example");
    let (operator, address, id) = imported(&world, &council).await;
    let of = |step: &str| format!("/partners/{id}/{step}");
    let mut visitor = Visitor::signed_in(address, &operator.email("responder"), PASSWORD).await;
    for path in ["/partners".to_owned(), format!("/partners/{id}"), "/our-card".to_owned()] {
        assert_eq!(visitor.get(&path).await.status, 200, "{path}");
    }
    let page = visitor.get(&format!("/partners/{id}")).await.page();
    let csrf = page.form("Sign out").fields().into_iter().find(|(name, _)| name == "csrf").expect("a secret");
    for step in ["digits", "confirm", "addresses", "later-card", "suspend", "resume", "end"] {
        assert_eq!(visitor.get(&of(step)).await.status, 403, "GET {step}");
        assert_eq!(visitor.post(&of(step), std::slice::from_ref(&csrf)).await.status, 403, "POST {step}");
    }
    for step in ["heartbeat", "lane", "card-seen"] {
        assert_eq!(visitor.post(&of(step), std::slice::from_ref(&csrf)).await.status, 403, "POST {step}");
    }
    assert_eq!(visitor.get("/partners/import").await.status, 403);
    let mut by = administrator(&operator, address).await;
    assert_eq!(by.post(&of("end"), &[("reason".to_owned(), "Stolen".to_owned())]).await.status, 403);
    let stolen = import(&mut by, "/partners/import", &council.card(0), true, &[("csrf", &csrf.1)]).await;
    assert_eq!(stolen.status, 403, "the secret of another session");
    let state = operator.node.partner_view(id).await.expect("the partner").state;
    assert_eq!(state, PartnerState::Imported);
}

/// A newer card from another address waits on a page that shows old and new, and is put aside or used there.
async fn a_later_card_is_shown_beside_the_old_one(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let council = world.scripted(&operator, "Council", 48).await;
    let id = operator.partner_by(&council.issuer).await;
    let address = operator.serve();
    let mut visitor = administrator(&operator, address).await;
    let push = "https://council.example/moved/events";
    let card = council.card_with(world.now().unix_seconds(), |card| {
        card.version = 2;
        card.receive.push = Some(push.to_owned());
    });
    let answer = import(&mut visitor, &format!("/partners/import?for={id}"), &card, false, &[]).await;
    let page = visitor.get(&location(&answer)).await.page();
    assert!(page.text().contains("waits until an administrator accepts it"), "{}", page.text());
    let at = page.link("Look at the new card").attribute("href").expect("a page").to_owned();
    let both = visitor.get(&at).await.page().text();
    assert!(both.contains(push) && both.contains("https://council.example/ssf/events"), "{both}");
    let used = send(&mut visitor, &at, "Use the new addresses", &[("go", "accept")]).await;
    assert!(visitor.get(&location(&used)).await.page().text().contains("You are paired"));
    let again = import(&mut visitor, &format!("/partners/import?for={id}"), &card, false, &[]).await;
    assert_eq!(again.status, 422, "the same again is a replay");
    assert!(operator.everything_readable().await.contains("not_newer"), "on record");
}

/// Suspended, resumed and ended with a reason each, which stays on record; without one nothing happens.
async fn a_pairing_is_suspended_resumed_and_ended(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let council = world.scripted(&operator, "Council", 48).await;
    let id = operator.partner_by(&council.issuer).await;
    let address = operator.serve();
    let mut visitor = administrator(&operator, address).await;
    let state = async || operator.node.partner_view(id).await.expect("the partner").state;
    let of = |step: &str| format!("/partners/{id}/{step}");
    let bare = send(&mut visitor, &of("suspend"), "Suspend", &[]).await;
    assert_eq!((bare.status, state().await), (422, PartnerState::Active), "a reason is needed");
    for (step, button, then) in [
        ("suspend", "Suspend", PartnerState::Suspended),
        ("resume", "Take it up again", PartnerState::Active),
        ("end", "End the pairing", PartnerState::Ended),
    ] {
        let reason = format!("xyzzy reason to {step}");
        location(&send(&mut visitor, &of(step), button, &[("reason", &reason)]).await);
        assert_eq!(state().await, then);
        assert!(operator.everything_readable().await.contains(&reason), "the reason is on record");
    }
    let page = visitor.get(&format!("/partners/{id}")).await.page();
    assert!(page.text().contains("Import their card"), "{}", page.text());
    let ranges = send(&mut visitor, &of("addresses"), "Keep these ranges", &[("ranges", "10.0.0.1")]).await;
    assert_eq!(ranges.status, 422);
}

/// Every page of pairing in a browser: no violation, no sideways scrolling, at 320 and at 1280 pixels.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_pairing_are_accessible_and_fit() {
    let world = World::new(On::Sqlite);
    let mut operator = world.listening_party("Operator").await;
    let council = world.scripted(&operator, "Council", 48).await;
    let active = operator.partner_by(&council.issuer).await;
    let by = operator.administrator();
    let later = council.card_with(world.now().unix_seconds(), |card| {
        card.version = 2;
        card.receive.push = Some("https://council.example/moved/events".to_owned());
    });
    operator.node.import_card(&by, &later, None).await.expect("it waits");
    let borough = Scripted::new("Borough", "https://borough.example");
    let card = borough.card(world.now().unix_seconds());
    let fresh = operator.node.import_card(&by, &card, None).await.expect("taken");
    let mut paths: Vec<String> =
        ["/partners", "/partners/import", "/our-card", "/our-card/sheet"].map(str::to_owned).into();
    paths.extend([format!("/partners/{fresh}"), format!("/partners/{fresh}/digits")]);
    let steps = ["", "/digits", "/later-card", "/addresses", "/suspend", "/end"];
    paths.extend(steps.map(|step| format!("/partners/{active}{step}")));
    let origin = format!("http://{}", operator.serve());
    let mut faults = Vec::new();
    for width in [320, 1280] {
        let browser = Browser::open(width).await;
        browser.sign_in(&origin, &operator.email("administrator"), PASSWORD).await;
        until("the home page", SOON, async || {
            let url = browser.client.current_url().await.ok()?;
            (url.as_str() == format!("{origin}/")).then_some(())
        })
        .await;
        for path in &paths {
            browser.go(&format!("{origin}{path}")).await;
            faults.extend(browser.violations().await.into_iter().map(|fault| format!("{path} at {width}: {fault}")));
            let overflow = browser.overflow().await;
            if overflow > 0 {
                faults.push(format!("{path} at {width}: {overflow} pixels too wide"));
            }
        }
        browser.close().await;
    }
    assert!(faults.is_empty(), "{} fault(s):\n{}", faults.len(), faults.join("\n"));
}
