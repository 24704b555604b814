//! What a partner's node is told when it must be told no (protocol §7, §22: state, HTTP, receipts).

use std::time::Duration;

use domain::clock::ClockState;
use domain::exchange::NoticeDelivery;
use serde_json::{Value, json};
use tests::facts::first_hour;
use tests::node::{Party, World, line, log_request};
use tests::partner::{Behaviour, Scripted};
use tests::visitor::{Answer, Visitor};
use tests::{On, both};
use webhooks::jose::{TokenType, sign};
use webhooks::keys::{KeyUse, SigningKey};
use webhooks::message::Stance;

both!(
    a_repeat_gets_the_same_receipt_a_thousand_times,
    the_same_id_with_another_payload_is_refused,
    a_number_used_twice_is_refused,
    peers_are_answered_by_their_state,
    a_gap_is_no_reason_to_refuse,
    http_is_checked_in_order,
    impossible_receipts_end_nothing,
    only_a_partners_own_word_parks_a_message,
    an_unknown_key_is_asked_for_once,
    nothing_in_a_header_is_fetched,
);

const CASE: &str = "0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e21";

/// The payload of a token as JSON.
fn payload(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(1).expect("a payload");
    let octets = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&octets).expect("JSON")
}

/// One row, one receipt, however often it comes.
async fn a_repeat_gets_the_same_receipt_a_thousand_times(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    let token = partner.acknowledged(CASE, Stance::Assessing, world.now().unix_seconds());
    let first = operator.take(&token).await.expect("receipted");
    let size = async || {
        operator
            .node
            .store()
            .write(operator.node.now(), |turn| Ok::<_, server::store::StoreError>(turn.ledger_size()))
            .await
    };
    let before = size().await.expect("the store answers");
    for _ in 0..1_000 {
        assert_eq!(operator.take(&token).await.as_ref(), Ok(&first));
    }
    assert_eq!(size().await.expect("the store answers"), before, "repeats leave no trace in the ledger");
}

/// Same `jti`, other payload: refused, and the first one stands.
async fn the_same_id_with_another_payload_is_refused(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    let token = partner.acknowledged(CASE, Stance::Assessing, world.now().unix_seconds());
    let receipt = operator.take(&token).await.expect("receipted");
    let mut other = payload(&token);
    other["toe"] = json!(world.now().unix_seconds() + 1);
    assert_eq!(operator.take(&partner.sign_anything(&other)).await, Err("jti_conflict".to_owned()));
    assert_eq!(operator.take(&token).await, Ok(receipt));
}

/// Same `seq`, other `jti`: the proof of a forked history, refused.
async fn a_number_used_twice_is_refused(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    let token = partner.acknowledged(CASE, Stance::Assessing, world.now().unix_seconds());
    operator.take(&token).await.expect("receipted");
    let mut fork = payload(&token);
    fork["jti"] = json!("0199f6c2-6a00-7c11-8f00-0000000000ff");
    assert_eq!(operator.take(&partner.sign_anything(&fork)).await, Err("seq_conflict".to_owned()));
}

/// Unknown, merely imported, verified, suspended and ended peers each get their answer; resumed, it goes on.
async fn peers_are_answered_by_their_state(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let now = world.now().unix_seconds();
    let partner = Scripted::new("Council", "https://council.example");
    partner.pin(&operator.node.export_card(), &operator.node.manifest());
    let heartbeat = async || operator.take(&partner.heartbeat(now)).await;
    assert_eq!(heartbeat().await, Err("unknown_issuer".to_owned()));
    let id = operator.node.import_card(&operator.administrator(), &partner.card(now), None).await.expect("taken");
    assert_eq!(heartbeat().await, Err("peer_not_active".to_owned()), "merely imported");

    let partner = world.scripted(&operator, "Borough", 48).await;
    let borough = operator.partner_by(&partner.issuer).await;
    let by = operator.administrator();
    let say = async || operator.take(&partner.acknowledged(CASE, Stance::Assessing, now)).await;
    say().await.expect("active");
    operator.node.suspend(&by, borough, line("A story")).await.expect("suspended");
    assert_eq!(say().await, Err("peer_not_active".to_owned()), "suspended");
    operator.node.resume(&by, borough, line("A story")).await.expect("resumed");
    say().await.expect("active again");
    operator.node.end_pairing(&by, borough, line("A story")).await.expect("ended");
    assert_eq!(say().await, Err("peer_not_active".to_owned()), "ended");
    operator.node.end_pairing(&by, id, line("A story")).await.expect("the imported card is dropped");
}

/// A number is skipped: stored, and the receipt says so.
async fn a_gap_is_no_reason_to_refuse(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    let now = world.now().unix_seconds();
    let first = partner.acknowledged(CASE, Stance::Assessing, now);
    let lost = partner.acknowledged(CASE, Stance::Affected, now);
    let third = partner.acknowledged(CASE, Stance::NotAffected, now);
    let chain = |receipt: &str| payload(receipt)["events"]["urn:tocsin:breach:1:receipt"].clone();
    assert_eq!(chain(&operator.take(&first).await.expect("receipted"))["chain"], "ok");
    let gap = chain(&operator.take(&third).await.expect("receipted"));
    assert_eq!((&gap["chain"], &gap["missing"]), (&json!("gap"), &json!([2])));
    let filled = chain(&operator.take(&lost).await.expect("receipted"));
    assert_eq!((&filled["head"]["seq"], filled.get("missing")), (&json!(3), None));
}

/// GET, a wrong or missing media type, a compressed body, 65,537 octets declared and counted, a body without end, a flood
/// of headers: each refused with its status, and a good message goes through right after.
async fn http_is_checked_in_order(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    let visitor = Visitor::new(operator.serve());
    let media = ("Content-Type", "application/secevent+jwt");
    let token = partner.acknowledged(CASE, Stance::Assessing, world.now().unix_seconds());
    let post = async |headers: &[(&str, &str)], body: &[u8]| {
        visitor.send("POST", "/ssf/events", headers, body).await.expect("an answer")
    };
    let get = visitor.send("GET", "/ssf/events", &[], b"").await.expect("an answer");
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
    assert_eq!(post(&[media], &[b'a'; 65_537]).await.status, 413);
    assert_eq!(post(&[media, ("Content-Encoding", "gzip")], token.as_bytes()).await.status, 415);
    assert_eq!(post(&[("Content-Type", "application/jwt")], token.as_bytes()).await.status, 415);
    assert_eq!(post(&[], token.as_bytes()).await.status, 415);
    let malformed = post(&[media], b"not a token").await;
    assert_eq!((malformed.status, malformed.json()["code"].as_str()), (400, Some("malformed_token")));
    assert_eq!(malformed.header("content-language"), Some("en"));

    assert_eq!(endless(&visitor).await.expect("an answer").status, 413);
    let flood: Vec<(String, String)> = (0..2_000).map(|n| (format!("X-{n}"), "a".repeat(100))).collect();
    let flood: Vec<(&str, &str)> = flood.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let flooded = visitor.send("POST", "/ssf/events", &flood, token.as_bytes()).await;
    assert!(flooded.is_none_or(|answer| (400..500).contains(&answer.status)), "a flood of headers is not taken");

    let accepted = post(&[("Content-Type", "Application/SecEvent+JWT; charset=utf-8")], token.as_bytes()).await;
    assert_eq!((accepted.status, accepted.body.len()), (202, 0));
    assert!(accepted.header("security-event-receipt").is_some_and(|receipt| receipt.split('.').count() == 3));
}

/// A chunked body that never ends: more than the limit, without a last chunk.
async fn endless(visitor: &Visitor) -> Option<Answer> {
    let head = "POST /ssf/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/secevent+jwt\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("2000\r\n{}\r\n", "a".repeat(0x2000));
    visitor.raw([head, &chunk.repeat(12)].concat().as_bytes()).await
}

/// A receipt for another message, with a wrong hash, signed by a stranger, from an hour ahead, or with another status
/// leaves the message open; the true one ends it.
async fn impossible_receipts_end_nothing(on: On) {
    fn receipt(value: &mut Value) -> &mut Value {
        &mut value["events"]["urn:tocsin:breach:1:receipt"]
    }
    let wrongs: [Behaviour; 6] = [
        Behaviour::NoReceipt,
        Behaviour::Forge,
        Behaviour::Change(|value| receipt(value)["of"]["jti"] = json!("0199f6c2-6a00-7c11-8f00-0000000000ff")),
        Behaviour::Change(|value| receipt(value)["set_sha256"] = json!("G1jGsIObyinEVJY0bAW0VbiA9ppzcYEf0aR-Fi0OzDg")),
        Behaviour::Change(|value| value["toe"] = json!(value["toe"].as_i64().unwrap_or_default() + 3_600)),
        Behaviour::Change(|value| receipt(value)["status"] = json!("queued")),
    ];
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    partner.behave(Behaviour::NoReceipt);
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let exchange = operator.incident(id).await.owed[0].exchange;
    for (number, wrong) in wrongs.into_iter().enumerate() {
        partner.behave(wrong);
        world.pass(Duration::from_secs(1_200));
        let before = world.wire.carried().len();
        world.settle(&[&operator]).await;
        assert!(world.wire.carried().len() > before, "{number}: it was tried");
        let open = operator.exchange(exchange).await;
        assert_eq!(open.notices[0].delivery, NoticeDelivery::Queued, "{number}");
        assert_eq!(open.notice_clock.expect("a clock").state, ClockState::Running, "{number}");
    }
    partner.behave(Behaviour::Accept);
    world.pass(Duration::from_secs(1_200));
    world.settle(&[&operator]).await;
    assert!(matches!(operator.exchange(exchange).await.notices[0].delivery, NoticeDelivery::Receipted { .. }));
}

/// 3xx, 401, 404, 410, 413, 503 and a 400 without the wire's own words are tried again; a well-formed refusal parks the
/// message, and a person can try it again.
async fn only_a_partners_own_word_parks_a_message(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    partner.behave(Behaviour::Answer(503, ""));
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let tried = async |operator: &Party| {
        let before = world.wire.carried().len();
        world.pass(Duration::from_secs(4_000));
        world.settle(&[operator]).await;
        world.wire.carried().len() > before
    };
    for status in [301, 401, 404, 410, 413, 429, 500, 503] {
        partner.behave(Behaviour::Answer(status, ""));
        assert!(tried(&operator).await, "{status} is tried again");
    }
    partner.behave(Behaviour::Answer(400, "<html>Bad request</html>"));
    assert!(tried(&operator).await && tried(&operator).await, "a 400 of something in between is tried again");
    partner.behave(Behaviour::Answer(400, r#"{"err":"invalid_request","description":"No."}"#));
    assert!(tried(&operator).await, "the refusal itself");
    let notices = || world.wire.carried().iter().filter(|carried| carried.body.len() > 1_500).count();
    let parked = notices();
    world.pass(Duration::from_secs(4_000));
    world.settle(&[&operator]).await;
    assert_eq!(notices(), parked, "a parked message rests");

    partner.behave(Behaviour::Accept);
    let exchange = operator.exchange(operator.incident(id).await.owed[0].exchange).await;
    operator.node.retry_parked(&operator.responder(), exchange.notices[0].message).await.expect("a person says so");
    world.settle(&[&operator]).await;
    let delivered = operator.exchange(exchange.id).await;
    assert!(matches!(delivered.notices[0].delivery, NoticeDelivery::Receipted { .. }));
}

/// A key that is in no manifest is asked for once, at the pinned address; after five minutes once more.
async fn an_unknown_key_is_asked_for_once(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    let token = partner.acknowledged(CASE, Stance::Assessing, world.now().unix_seconds());
    let stranger = SigningKey::from_seed(&[7; 32], KeyUse::Set).expect("a key");
    let forged = sign(TokenType::Set, &stranger, payload(&token).to_string().as_bytes());
    let pinned = format!("{}/jwks.jwt", partner.issuer);
    let fetched = || world.wire.carried().into_iter().filter(|carried| carried.url == pinned).count();
    world.pass(Duration::from_secs(301));
    let before = fetched();
    for _ in 0..3 {
        assert_eq!(operator.take(&forged).await, Err("unknown_key".to_owned()));
    }
    assert_eq!(fetched(), before + 1);
    world.pass(Duration::from_secs(301));
    assert_eq!(operator.take(&forged).await, Err("unknown_key".to_owned()));
    assert_eq!(fetched(), before + 2);
    operator.take(&token).await.expect("the true one is taken");
}

/// A header that says where a key could be fetched is refused, and nobody is asked.
async fn nothing_in_a_header_is_fetched(on: On) {
    use base64::Engine as _;
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    let token = partner.acknowledged(CASE, Stance::Assessing, world.now().unix_seconds());
    let parts: Vec<&str> = token.split('.').collect();
    let asked = world.wire.carried().len();
    for member in [
        r#""jku":"https://attacker.example/jwks.json""#,
        r#""x5u":"https://attacker.example/cert.pem""#,
        r#""jwk":{"kty":"OKP","crv":"Ed25519","x":"XmHhJNZe1UclJGPozfz7kgXjqVQnDCDmrpi50i_9-QI"}"#,
    ] {
        let header = format!(r#"{{"alg":"EdDSA","typ":"secevent+jwt","kid":"{}",{member}}}"#, "A".repeat(43));
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header);
        let forged = format!("{header}.{}.{}", parts[1], parts[2]);
        assert_eq!(operator.take(&forged).await, Err("bad_header".to_owned()));
    }
    assert_eq!(world.wire.carried().len(), asked);
}
