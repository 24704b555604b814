//! A council behind a firewall (protocol §12): nobody can call its node, so it asks; and what askers are refused.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::{ClockState, Evidence};
use domain::exchange::{NoticeDelivery, Stance};
use serde_json::{Value, json};
use server::node::pairing::PairingRefusal;
use server::node::poll::serve::{PollIncoming, Polled};
use server::node::{DoorError, Rates};
use server::store::alerts::{self, AlertKind};
use tests::facts::first_hour;
use tests::node::{Party, World, line, log_request};
use tests::partner::Scripted;
use tests::visitor::Visitor;
use tests::wait::{SOON, until};
use tests::wire::Line as Wire;
use tests::{On, both};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use webhooks::jose::{CompactToken, TokenType};
use webhooks::poll::read_answer;

both!(
    a_council_behind_a_firewall_is_told,
    an_answer_lost_on_the_way_is_given_again,
    who_is_asked_follows_the_pairing,
    two_nodes_that_nobody_can_call_are_not_paired,
    only_a_good_token_is_good_and_only_once,
    whoever_asks_too_often_is_told_so_first,
    what_was_fetched_comes_again_until_its_receipt,
    the_hour_of_a_receipt_begins_when_a_message_is_fetched,
    a_third_open_poll_is_turned_away,
    polls_that_wait_are_answered_when_the_node_stops,
    http_is_checked_in_order,
);

/// An operator and a council behind a firewall, paired, with 48 hours to notify.
async fn operator_and_hidden(world: &World) -> (Party, Party) {
    let (operator, council) = (world.party("Operator").await, world.hidden_party("Council").await);
    operator.trust(&council.node.export_card(), &council.node.fingerprint()).await;
    council.trust(&operator.node.export_card(), &operator.node.fingerprint()).await;
    for _ in 0..20 {
        world.settle(&[&operator, &council]).await;
        if operator.is_active(&council).await && council.is_active(&operator).await {
            operator.arrange(&council, 48).await;
            return (operator, council);
        }
        world.pass(Duration::from_secs(30));
    }
    panic!("they are paired within minutes");
}

/// It is paired, told, and its signed receipt meets the clock; it acknowledges; after a restart it is told the next.
async fn a_council_behind_a_firewall_is_told(on: On) {
    let world = World::new(on);
    let (operator, council) = operator_and_hidden(&world).await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator, &council]).await;
    let sent = operator.exchange_with(id, &council).await;
    assert!(matches!(sent.notices[0].delivery, NoticeDelivery::Receipted { .. }), "{:?}", sent.notices[0].delivery);
    let clock = sent.notice_clock.expect("a clock");
    assert!(matches!(clock.state, ClockState::Met { evidence: Evidence::SignedReceipt, .. }), "{clock:?}");

    let theirs = council.only_received().await.id;
    council.node.acknowledge(&council.responder(), theirs, Stance::Assessing, None).await.expect("acknowledged");
    world.settle(&[&operator, &council]).await;
    assert_eq!(operator.exchange_with(id, &council).await.acknowledgements.len(), 1);

    let (operator, council) = (operator.restart().await, council.restart().await);
    let second = operator.log(log_request(first_hour("Another mailbox was open"), world.now())).await;
    for _ in 0..3 {
        world.settle(&[&operator, &council]).await;
        world.pass(Duration::from_secs(3));
    }
    let sent = operator.exchange_with(second, &council).await;
    assert!(matches!(sent.notices[0].delivery, NoticeDelivery::Receipted { .. }));
    assert_eq!(council.received().await.len(), 2);
    let tried = world.wire.carried().into_iter().filter(|carried| carried.to == council.issuer()).count();
    assert_eq!(tried, 0, "nobody called it");
}

/// The answer to a poll is lost: after a minute the same octets are given again, and there is one case.
async fn an_answer_lost_on_the_way_is_given_again(on: On) {
    let world = World::new(on);
    let (operator, council) = operator_and_hidden(&world).await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator]).await;
    world.wire.set(operator.issuer(), Wire::Deaf);
    world.settle(&[&council]).await;
    assert!(council.received().await.is_empty());
    world.wire.set(operator.issuer(), Wire::Up);
    world.pass(Duration::from_secs(70));
    world.settle(&[&operator, &council]).await;
    council.only_received().await;
    let sent = operator.exchange_with(id, &council).await;
    assert!(matches!(sent.notices[0].delivery, NoticeDelivery::Receipted { .. }));
}

/// Whoever is suspended is not asked, from the next look on, though its card was read before; whoever is taken up again is.
async fn who_is_asked_follows_the_pairing(on: On) {
    let world = World::new(on);
    let (operator, council) = operator_and_hidden(&world).await;
    let asked = || world.wire.carried().into_iter().filter(|carried| carried.url.ends_with("/ssf/poll")).count();
    let (by, id) = (council.administrator(), council.partner_by(operator.issuer()).await);
    let polls = async || {
        let before = asked();
        council.node.poll_step().await.expect("a step of polling");
        asked() - before
    };
    assert_eq!(polls().await, 1);
    council.node.suspend(&by, id, line("A story")).await.expect("suspended");
    assert_eq!(polls().await, 0);
    council.node.resume(&by, id, line("A story")).await.expect("resumed");
    assert_eq!(polls().await, 1);
    council.node.end_pairing(&by, id, line("A story")).await.expect("ended");
    assert_eq!(polls().await, 0);
}

/// Nothing could ever pass between them: the import says so in a plain sentence.
async fn two_nodes_that_nobody_can_call_are_not_paired(on: On) {
    let world = World::new(on);
    let (one, other) = (world.hidden_party("One").await, world.hidden_party("Other").await);
    let refused = one.node.import_card(&one.administrator(), &other.node.export_card(), None).await;
    let Err(DoorError::Pairing(why)) = refused else { panic!("{refused:?}") };
    assert_eq!(why, PairingRefusal::NeitherReachable);
    assert!(why.to_string().contains("accepts connections"), "{why}");
}

/// A scripted council whose card has no push endpoint, paired.
async fn scripted_poller(world: &World, operator: &Party, name: &str) -> Arc<Scripted> {
    let now = world.now().unix_seconds();
    let issuer = format!("https://{}.example", name.to_lowercase().replace(' ', "-"));
    let partner = Arc::new(Scripted::new(name, &issuer));
    partner.pin(&operator.node.export_card(), &operator.node.manifest());
    operator.trust(&partner.card_with(now, |card| card.receive.push = None), &partner.fingerprint()).await;
    let manifest = server::node::receive::Incoming { octets: partner.manifest(now).into_bytes() };
    operator.node.receive_keys(manifest).await;
    operator.take(&partner.heartbeat(now)).await.expect("the heartbeat is receipted");
    world.settle(&[operator]).await;
    for (_, token) in sets(poll(operator, &partner, &token(operator, &partner, world), json!({})).await) {
        push_receipt(operator, &partner, &token).await;
    }
    operator.take(&partner.heartbeat(now)).await.expect("the heartbeat is receipted");
    operator.arrange_with(operator.partner_by(&issuer).await, 48).await;
    partner
}

/// The claims of a good poll token.
fn claims(operator: &Party, partner: &Scripted, now: i64) -> Value {
    let jti = operator.node.time().fresh_id().to_string();
    let url = format!("{}/ssf/poll", operator.issuer());
    json!({ "iss": partner.issuer, "aud": url, "iat": now, "exp": now + 300, "jti": jti })
}

fn token(operator: &Party, partner: &Scripted, world: &World) -> String {
    partner.sign_poll_token(&claims(operator, partner, world.now().unix_seconds()))
}

async fn poll(operator: &Party, _partner: &Scripted, token: &str, mut request: Value) -> Polled {
    if request.get("returnImmediately").is_none() {
        request["returnImmediately"] = json!(true);
    }
    let incoming = PollIncoming {
        authorization: Some(format!("Bearer {token}")),
        language: true,
        body: request.to_string().into_bytes(),
    };
    operator.node.serve_poll(incoming).await
}

fn sets(polled: Polled) -> Vec<(String, String)> {
    let Polled::Answer(body) = polled else { panic!("{polled:?}") };
    let answer = read_answer(body.as_bytes()).expect("an answer");
    answer.sets.into_iter().map(|(id, token)| (id.to_string(), token)).collect()
}

/// Has the partner sign for a token, and pushes that receipt as a message of its own.
async fn push_receipt(operator: &Party, partner: &Scripted, token: &str) {
    let now = operator.node.now().unix_seconds_up();
    let receipt = partner.answer(token.as_bytes(), now).receipt.expect("it signs");
    assert_eq!(operator.take(&receipt).await.as_deref(), Ok(""), "nothing answers a receipt");
}

/// No token, somebody else's, one that has expired, is from the future, lasts too long, or was used: 401 each. A good one
/// of a suspended partner: 403. A request that can't be read: 400.
async fn only_a_good_token_is_good_and_only_once(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = scripted_poller(&world, &operator, "Council").await;
    let other = scripted_poller(&world, &operator, "Borough").await;
    let now = world.now().unix_seconds();
    let good = claims(&operator, &partner, now);
    let bare = PollIncoming { authorization: None, language: false, body: b"{}".to_vec() };
    assert_eq!(operator.node.serve_poll(bare).await, Polled::Unauthorised, "no token");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut claims = claims(&operator, &partner, now);
        change(&mut claims);
        partner.sign_poll_token(&claims)
    };
    let bad = [
        ("another peer's key", other.sign_poll_token(&good)),
        ("nobody we know", with(&|claims| claims["iss"] = json!("https://stranger.example"))),
        ("another address", with(&|claims| claims["aud"] = json!(operator.issuer()))),
        ("expired", with(&|claims| (claims["iat"], claims["exp"]) = (json!(now - 400), json!(now - 100)))),
        ("from the future", with(&|claims| (claims["iat"], claims["exp"]) = (json!(now + 61), json!(now + 100)))),
        ("too long", with(&|claims| claims["exp"] = json!(now + 301))),
        ("without an id", with(&|claims| claims["jti"] = json!(""))),
        ("a message", partner.sign_anything(&good)),
    ];
    for (what, token) in bad {
        assert_eq!(poll(&operator, &partner, &token, json!({})).await, Polled::Unauthorised, "{what}");
    }
    let skewed = with(&|claims| (claims["iat"], claims["exp"]) = (json!(now - 355), json!(now - 55)));
    assert!(matches!(poll(&operator, &partner, &skewed, json!({})).await, Polled::Answer(_)), "within the skew");
    let once = partner.sign_poll_token(&good);
    assert!(matches!(poll(&operator, &partner, &once, json!({})).await, Polled::Answer(_)));
    assert_eq!(poll(&operator, &partner, &once, json!({})).await, Polled::Unauthorised, "used");

    let fresh = || token(&operator, &partner, &world);
    for wrong in [json!({ "maxEvents": "1" }), json!({ "ack": "x" }), json!({ "setErrs": { "x": {} } })] {
        assert_eq!(poll(&operator, &partner, &fresh(), wrong).await, Polled::BadRequest);
    }
    let mute = PollIncoming {
        authorization: Some(format!("bearer {}", fresh())),
        language: false,
        body: br#"{"setErrs":{"x":{"err":"invalid_key"}}}"#.to_vec(),
    };
    assert_eq!(operator.node.serve_poll(mute).await, Polled::BadRequest, "refusals need a language");
    let id = operator.partner_by(&partner.issuer).await;
    operator.node.suspend(&operator.administrator(), id, line("A story")).await.expect("suspended");
    assert_eq!(poll(&operator, &partner, &fresh(), json!({})).await, Polled::Forbidden);
    assert_eq!(
        poll(&operator, &partner, &fresh(), json!({ "ack": "x" })).await,
        Polled::Forbidden,
        "before its request"
    );
}

/// Polls that fail count too: over its rate a partner is told to come later before anything is written or read of its
/// request, whether its token was used, its request can't be read or it is suspended. Others are served.
async fn whoever_asks_too_often_is_told_so_first(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = scripted_poller(&world, &operator, "Council").await;
    let other = scripted_poller(&world, &operator, "Borough").await;
    let operator =
        operator.restart_with_rates(Rates { partner_per_minute: 1, partner_burst: 3, ..Rates::default() }).await;
    let once = token(&operator, &partner, &world);
    assert!(matches!(poll(&operator, &partner, &once, json!({ "maxEvents": 0 })).await, Polled::Answer(_)));
    assert_eq!(poll(&operator, &partner, &once, json!({})).await, Polled::Unauthorised, "used");
    let fresh = || token(&operator, &partner, &world);
    assert_eq!(poll(&operator, &partner, &fresh(), json!({ "ack": "x" })).await, Polled::BadRequest);
    let unused = fresh();
    let too_many = async |token: &str, request: Value| {
        let polled = poll(&operator, &partner, token, request).await;
        assert!(matches!(polled, Polled::TooMany { .. }), "{polled:?}");
    };
    too_many(&unused, json!({})).await;
    too_many(&once, json!({})).await;
    too_many(&fresh(), json!({ "ack": "x" })).await;
    let id = operator.partner_by(&partner.issuer).await;
    operator.node.suspend(&operator.administrator(), id, line("A story")).await.expect("suspended");
    too_many(&fresh(), json!({})).await;
    operator.node.resume(&operator.administrator(), id, line("A story")).await.expect("resumed");
    let others = poll(&operator, &other, &token(&operator, &other, &world), json!({ "maxEvents": 0 })).await;
    assert!(matches!(others, Polled::Answer(_)), "{others:?}");
    world.pass(Duration::from_secs(61));
    let later = poll(&operator, &partner, &unused, json!({ "maxEvents": 0 })).await;
    assert!(matches!(later, Polled::Answer(_)), "its token was not used up: {later:?}");
}

/// Numbers rise, 0, 1 and 101 are honoured; what was fetched comes again after a minute, after a quarter of an hour when
/// acknowledged, with the same octets; after an hour a person hears of it; a refusal parks it; a receipt ends it.
async fn what_was_fetched_comes_again_until_its_receipt(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = scripted_poller(&world, &operator, "Council").await;
    for number in 0..3 {
        operator.log(log_request(first_hour(&format!("Mailbox {number}")), world.now())).await;
    }
    world.settle(&[&operator]).await;
    let ask = async |request: Value| poll(&operator, &partner, &token(&operator, &partner, &world), request).await;
    let none = ask(json!({ "maxEvents": 0 })).await;
    assert_eq!(none, Polled::Answer(r#"{"sets":{},"moreAvailable":true}"#.to_owned()));
    let first = sets(ask(json!({ "maxEvents": 1 })).await);
    assert_eq!(first.len(), 1);
    let rest = sets(ask(json!({ "maxEvents": 101 })).await);
    assert_eq!(rest.len(), 2, "one was fetched a moment ago");
    let numbers: Vec<_> = first.iter().chain(&rest).map(|(_, token)| number_of(token)).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    assert_eq!((numbers[0], sorted), (1, vec![1, 2, 3]));
    assert!(sets(ask(json!({})).await).is_empty());

    world.pass(Duration::from_secs(61));
    let again = sets(ask(json!({ "ack": [first[0].0] })).await);
    assert_eq!(again.len(), 2, "all but the acknowledged one");
    assert!(again.iter().all(|(_, token)| rest.iter().any(|(_, before)| before == token)), "the same octets");
    world.pass(Duration::from_secs(901));
    let refused = &rest[0].0;
    let ids = sets(ask(json!({ "setErrs": { refused: { "err": "invalid_request", "description": "No." } } })).await);
    assert_eq!(ids.len(), 2, "all but the refused one");
    assert!(open(&operator).await.contains(&AlertKind::Parked));

    world.pass(Duration::from_secs(3_000));
    world.settle(&[&operator]).await;
    assert!(open(&operator).await.contains(&AlertKind::PolledUnsigned), "an hour without a receipt");
    for (_, token) in ids {
        push_receipt(&operator, &partner, &token).await;
    }
    world.pass(Duration::from_secs(3_600));
    let left = sets(ask(json!({})).await);
    assert!(left.iter().all(|(_, token)| !token.is_empty() && number_of(token) == 0), "only signs of life are left");
}

/// Nobody polls for two hours; what is fetched then has an hour for its receipt, as any other.
async fn the_hour_of_a_receipt_begins_when_a_message_is_fetched(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = scripted_poller(&world, &operator, "Council").await;
    operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator]).await;
    world.pass(Duration::from_secs(7_200));
    world.settle(&[&operator]).await;
    let fetched = sets(poll(&operator, &partner, &token(&operator, &partner, &world), json!({})).await);
    assert!(fetched.iter().any(|(_, token)| number_of(token) == 1));
    let told = async |seconds: u64| {
        world.pass(Duration::from_secs(seconds));
        world.settle(&[&operator]).await;
        open(&operator).await.contains(&AlertKind::PolledUnsigned)
    };
    assert!(!told(61).await);
    assert!(!told(3_400).await, "not yet an hour");
    assert!(told(200).await);
}

/// The number in a message; 0 for a heartbeat.
fn number_of(token: &str) -> u64 {
    let token = CompactToken::parse(token.as_bytes(), TokenType::Set).expect("a message");
    let payload: Value = serde_json::from_slice(token.payload()).expect("JSON");
    let events = payload["events"].as_object().expect("events");
    events.values().find_map(|event| event["seq"].as_u64()).unwrap_or_default()
}

async fn open(party: &Party) -> Vec<AlertKind> {
    let open = party.node.store().read(|rows| alerts::open(rows, 100)).await.expect("the alerts");
    open.into_iter().map(|alert| alert.kind).collect()
}

/// One poll that waits. While it is on its way in, the one that looks whether there is room may hold its place: then it is
/// turned away itself, and asks again as pollers do.
async fn wait(operator: &Party, partner: &Scripted, world: &World) -> Polled {
    loop {
        let token = token(operator, partner, world);
        let polled = poll(operator, partner, &token, json!({ "returnImmediately": false })).await;
        if !matches!(polled, Polled::TooMany { .. }) {
            return polled;
        }
    }
}

/// Two polls that wait, and a third that was turned away meanwhile.
#[expect(clippy::disallowed_methods, reason = "two polls stay open beside the third; both are awaited")]
async fn two_that_wait(world: &Arc<World>, operator: &Arc<Party>, partner: &Arc<Scripted>) -> Vec<JoinHandle<Polled>> {
    let waiting = (0..2).map(|_| {
        let (operator, partner, world) = (Arc::clone(operator), Arc::clone(partner), Arc::clone(world));
        tokio::spawn(async move { wait(&operator, &partner, &world).await })
    });
    let waiting = waiting.collect();
    until("a third poll turned away", SOON, async || {
        let third = poll(operator, partner, &token(operator, partner, world), json!({ "maxEvents": 0 })).await;
        matches!(third, Polled::TooMany { .. }).then_some(())
    })
    .await;
    waiting
}

/// Two polls wait; a third is told to come back, with its token used up, and one of the two is given a message as soon as
/// there is one.
async fn a_third_open_poll_is_turned_away(on: On) {
    let world = Arc::new(World::new(on));
    let operator = Arc::new(world.party("Operator").await);
    let partner = scripted_poller(&world, &operator, "Council").await;
    let waiting = two_that_wait(&world, &operator, &partner).await;
    let once = token(&operator, &partner, &world);
    let third = poll(&operator, &partner, &once, json!({})).await;
    assert!(matches!(third, Polled::TooMany { .. }), "{third:?}");
    assert_eq!(poll(&operator, &partner, &once, json!({})).await, Polled::Unauthorised, "used, before its limits");
    operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    until("the message", SOON, async || waiting.iter().any(JoinHandle::is_finished).then_some(())).await;
    for wait in waiting {
        if wait.is_finished() {
            assert_eq!(sets(wait.await.expect("it ends")).len(), 1);
        } else {
            wait.abort();
        }
    }
}

/// A stop waits for nobody: those that wait are told that there is nothing, and so is everybody who still asks.
async fn polls_that_wait_are_answered_when_the_node_stops(on: On) {
    let world = Arc::new(World::new(on));
    let operator = Arc::new(world.party("Operator").await);
    let partner = scripted_poller(&world, &operator, "Council").await;
    let mut answers = two_that_wait(&world, &operator, &partner).await;
    operator.node.end_polls();
    let late = wait(&operator, &partner, &world);
    let nothing = Polled::Answer(r#"{"sets":{},"moreAvailable":false}"#.to_owned());
    let ended = async {
        assert_eq!(late.await, nothing);
        for answer in &mut answers {
            assert_eq!(answer.await.expect("it ends"), nothing);
        }
    };
    timeout(SOON, ended).await.expect("well before a poll is over by itself");
}

/// Over HTTP: GET, another media type, no token.
async fn http_is_checked_in_order(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let visitor = Visitor::new(operator.serve());
    let post = async |headers: &[(&str, &str)], body: &[u8]| {
        visitor.send("POST", "/ssf/poll", headers, body).await.expect("an answer")
    };
    let get = visitor.send("GET", "/ssf/poll", &[], b"").await.expect("an answer");
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
    assert_eq!(post(&[("Content-Type", "text/plain")], b"{}").await.status, 415);
    let json = ("Content-Type", "application/json");
    assert_eq!(post(&[json, ("Content-Encoding", "gzip")], b"{}").await.status, 415);
    assert_eq!(post(&[json], &[b' '; 65_537]).await.status, 413);
    let bare = post(&[json], b"{}").await;
    assert_eq!((bare.status, bare.header("www-authenticate")), (401, Some("Bearer")));
}
