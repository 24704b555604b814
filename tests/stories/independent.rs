//! A party written from the published protocol, in another language and with other libraries, and our node understand each
//! other over real HTTP: what one signs the other verifies, and what was tampered with neither takes.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use domain::exchange::NoticeDelivery;
use domain::incident::WithdrawalReason;
use domain::values::{IncidentId, PartnerId};
use serde_json::{Value, json};
use server::node::Node;
use server::node::endpoints::{Way, WebhookAddress};
use server::store::partners::PartnerState;
use server::time_source::SystemTime;
use tests::facts::{first_hour, more_is_known};
use tests::independent::Independent;
use tests::node::{Ground, Party, found, log_request};
use tests::visitor::{Answer, Visitor};
use tests::wait::until;
use tests::{On, both};
use webhooks::http::{Options, ReqwestCarrier};

both!(
    it_takes_what_we_push_and_signs_for_it,
    it_refuses_what_was_tampered_with,
    we_take_what_it_sends_and_sign_for_it,
    we_refuse_what_it_spoils,
    it_believes_our_webhooks_and_no_others,
);

/// Longer than anything here takes on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// Our node on a port of its own, and the other party, paired.
struct Paired {
    ours: Party,
    other: Independent,
    id: PartnerId,
}

impl Paired {
    async fn new(on: On) -> Self {
        let options = Options { loopback_http: true, user_agent: "tocsin-test".to_owned(), ..Options::default() };
        let carrier = Arc::new(ReqwestCarrier::new(&options).expect("a carrier"));
        let ground = Ground { time: Arc::new(SystemTime), carrier, wire: None };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let issuer = format!("http://{address}");
        let mut ours = found("Operator", issuer, on.fresh(), ground, Some((listener, address))).await;
        ours.serve();
        let other = Independent::start();
        let pin = json!({ "do": "pin", "card": ours.node.export_card(), "digits": ours.node.fingerprint() });
        assert_eq!(other.obey(&pin)["manifest_version"], 1);
        ours.trust(&other.card, &other.fingerprint).await;
        let id = ours.partner_by(&other.issuer).await;
        let paired = Self { ours, other, id };
        let heartbeat = paired.order("heartbeat", &json!({}));
        assert_eq!((&heartbeat["status"], &heartbeat["proven"]["status"]), (&json!(202), &json!("stored")));
        until("the pairing to be active", SOON, async || {
            paired.step().await;
            let view = paired.ours.node.partner_view(id).await.expect("the partner");
            (view.state == PartnerState::Active).then_some(())
        })
        .await;
        paired
    }

    /// A command that concerns our node.
    fn order(&self, what: &str, more: &Value) -> Value {
        let mut command = more.clone();
        command["do"] = json!(what);
        command["peer"] = json!(self.ours.issuer());
        self.other.obey(&command)
    }

    /// Everything that came to its webhook, once there is so much.
    async fn hooks(&self, count: usize) -> Vec<Value> {
        until("the webhooks", SOON, async || {
            self.step().await;
            let hooks = self.other.obey(&json!({ "do": "hooks" }))["hooks"].as_array().cloned()?;
            (hooks.len() >= count).then_some(hooks)
        })
        .await
    }

    async fn step(&self) {
        let node: &Node = &self.ours.node;
        node.watch_step().await.expect("a step");
        node.deliver_step(128).await.expect("a step");
    }

    /// Logs an incident, and waits until the other party has signed for the notice.
    async fn told(&self) -> IncidentId {
        self.ours.arrange_with(self.id, 48).await;
        let incident = self.ours.log(log_request(first_hour("A mailbox was open"), self.ours.node.now())).await;
        self.all_receipted(incident, 1).await;
        incident
    }

    async fn all_receipted(&self, incident: IncidentId, notices: usize) {
        until("the receipts", SOON, async || {
            self.step().await;
            let exchange = self.ours.exchange(self.ours.incident(incident).await.owed.first()?.exchange).await;
            let receipted =
                |notice: &domain::exchange::Notice| matches!(notice.delivery, NoticeDelivery::Receipted { .. });
            (exchange.notices.len() == notices && exchange.notices.iter().all(receipted)).then_some(())
        })
        .await;
    }
}

/// The one event of a stored message.
fn body(received: &Value) -> &Value {
    &received["claims"]["events"][received["event"].as_str().expect("a name")]
}

/// A notice, an update and a withdrawal: the other party verifies signature, sequence and checkpoint of each, and our node
/// believes its receipts.
async fn it_takes_what_we_push_and_signs_for_it(on: On) {
    let paired = Paired::new(on).await;
    let incident = paired.told().await;
    let by = paired.ours.responder();
    let facts = more_is_known(&first_hour("A mailbox was open"));
    paired.ours.node.update_facts(&by, incident, 1, facts).await.expect("newer facts");
    paired.ours.node.send_update(&by, incident).await.expect("queued");
    paired.all_receipted(incident, 2).await;
    paired.ours.node.withdraw(&by, incident, WithdrawalReason::SentInError, None).await.expect("withdrawn");
    let received = until("the withdrawal", SOON, async || {
        paired.step().await;
        let received = paired.other.received();
        received.iter().any(|it| it["event"] == "urn:tocsin:breach:1:withdrawn").then_some(received)
    })
    .await;
    let sequenced: Vec<(&str, &Value)> = received
        .iter()
        .filter_map(|it| it["event"].as_str()?.strip_prefix("urn:tocsin:breach:1:").map(|event| (event, body(it))))
        .collect();
    let seen: Vec<(&str, &Value)> = sequenced.iter().map(|(event, body)| (*event, &body["seq"])).collect();
    assert_eq!(seen, [("notified", &json!(1)), ("updated", &json!(2)), ("withdrawn", &json!(3))]);
    assert_eq!(sequenced[0].1["title"], "A mailbox was open");
    assert_eq!(paired.ours.incident(incident).await.owed.len(), 1);
    paired.ours.verify_ledger().await;
}

/// Octets of ours that somebody changed on the way are refused with the protocol's code; the true ones, sent again, get the
/// first receipt.
async fn it_refuses_what_was_tampered_with(on: On) {
    let paired = Paired::new(on).await;
    paired.told().await;
    let stored = paired.other.received().pop().expect("the notice");
    let token = stored["token"].as_str().expect("a token");
    let [head, payload, signature]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().expect("three parts");
    let at = paired.other.issuer.trim_start_matches("http://").parse().expect("an address");
    let visitor = Visitor::new(at);
    let post = async |token: &str| -> Answer {
        let headers = [("Content-Type", "application/secevent+jwt")];
        visitor.send("POST", "/ssf/events", &headers, token.as_bytes()).await.expect("an answer")
    };
    let mut other_title: Value = serde_json::from_slice(&unb64(payload)).expect("JSON");
    other_title["events"]["urn:tocsin:breach:1:notified"]["title"] = json!("Nothing happened");
    let mut other_signature = unb64(signature);
    other_signature[40] ^= 1;
    for (tampered, code) in [
        (format!("{head}.{}.{signature}", b64(other_title.to_string().as_bytes())), "bad_signature"),
        (format!("{head}.{payload}.{}", b64(&other_signature)), "bad_signature"),
        (format!("{head}.{payload}.{signature}=="), "malformed_token"),
        (format!("{}.{payload}.{signature}", b64(br#"{"alg":"none","typ":"secevent+jwt"}"#)), "bad_algorithm"),
    ] {
        let answer = post(&tampered).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some(code)));
    }
    let again = post(token).await;
    assert_eq!((again.status, again.header("security-event-receipt")), (202, stored["receipt"].as_str()));
}

fn unb64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

fn b64(octets: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(octets)
}

/// Its notices are taken, in order, and our receipts verify there: for its octets, with its number at the head. A repeat
/// gets the same receipt; another payload under the same id does not.
async fn we_take_what_it_sends_and_sign_for_it(on: On) {
    let paired = Paired::new(on).await;
    let mut last = Value::Null;
    for number in 1..=3 {
        last = paired.order("notify", &json!({ "title": format!("Their breach {number}") }));
        assert_eq!(last["status"], 202, "{last}");
        let proven = &last["proven"];
        assert_eq!((&proven["chain"], &proven["head"]["seq"]), (&json!("ok"), &json!(number)));
        assert_eq!(proven["of"]["seq"], json!(number));
    }
    assert_eq!(paired.ours.received().await.len(), 3);
    let repeat = paired.order("repeat", &json!({ "token": last["token"] }));
    assert_eq!((&repeat["again"]["status"], &repeat["again"]["receipt"]), (&json!(202), &last["receipt"]));
    assert_eq!(repeat["conflict"]["refusal"]["code"], "jti_conflict");
    paired.ours.verify_ledger().await;
}

/// What it spoils on purpose is refused by our node with the word and the code that the protocol names, and leaves nothing.
async fn we_refuse_what_it_spoils(on: On) {
    let paired = Paired::new(on).await;
    for (how, err, code) in [
        ("changed_body", "invalid_key", "bad_signature"),
        ("changed_signature", "invalid_key", "bad_signature"),
        ("strangers_key", "invalid_key", "unknown_key"),
        ("log_key", "invalid_key", "unknown_key"),
        ("other_audience", "invalid_audience", "wrong_audience"),
        ("other_issuer", "invalid_issuer", "unknown_issuer"),
        ("from_the_future", "invalid_request", "issued_in_future"),
        ("with_exp", "invalid_request", "bad_claim"),
        ("unknown_event", "invalid_request", "unknown_event"),
        ("no_kind", "invalid_request", "bad_event"),
        ("four_parts", "invalid_request", "malformed_token"),
    ] {
        let answer = paired.order("spoil", &json!({ "how": how }));
        assert_eq!((&answer["status"], &answer["receipt"]), (&json!(400), &Value::Null), "{how}: {answer}");
        assert_eq!((&answer["refusal"]["err"], &answer["refusal"]["code"]), (&json!(err), &json!(code)), "{how}");
    }
    assert!(paired.ours.received().await.is_empty());
    let good = paired.order("notify", &json!({ "title": "A true one" }));
    assert_eq!(good["proven"]["head"]["seq"], 1, "nothing of all that was counted");
}

/// Told over a webhook, it checks both signatures with libraries of others: the published one for `v1`. They hold for what
/// we sent and for nothing changed in it; a new secret signs beside the old one; the message inside is ours, addressed to
/// the name in our records; and with another secret than ours it takes nothing.
async fn it_believes_our_webhooks_and_no_others(on: On) {
    let paired = Paired::new(on).await;
    let (node, by) = (&paired.ours.node, paired.ours.administrator());
    let address = WebhookAddress { url: format!("{}/webhook", paired.other.issuer), ..WebhookAddress::default() };
    let first = node.set_partner_channel(&by, paired.id, Way::Webhook { address, reduced: false }).await;
    let first = first.expect("an acceptable address").expect("a secret, shown once");
    let key = node.webhook_public_key().expect("a key for webhooks");
    assert_eq!(paired.order("keys", &json!({}))["webhook_keys"], json!([key]), "our manifest lists it");
    let knows = |secrets: &[&str]| {
        let done = paired.other.obey(&json!({ "do": "hook", "secrets": secrets, "key": key }));
        assert_eq!(done.get("error"), None, "it takes what it is told");
    };

    knows(&["whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]);
    assert_eq!(node.test_partner_webhook(&by, paired.id).await.expect("a webhook").status, Some(401));
    knows(&[&first]);
    assert_eq!(node.test_partner_webhook(&by, paired.id).await.expect("a webhook").status, Some(200));
    let hooks = paired.hooks(2).await;
    assert_eq!((&hooks[0]["v1"], &hooks[0]["v1a"], &hooks[0]["taken"]), (&json!([false]), &json!(true), &json!(false)));

    paired.ours.arrange_with(paired.id, 48).await;
    let incident = paired.ours.log(log_request(first_hour("A mailbox was open"), node.now())).await;
    let hooks = paired.hooks(3).await;
    let notice = &hooks[2];
    assert_eq!((&notice["taken"], &notice["forged"], &notice["signatures"]), (&json!(true), &json!(false), &json!(2)));
    assert_eq!(
        (&notice["body"]["type"], &notice["body"]["data"]["title"]),
        (&json!("breach.notified"), &json!("A mailbox was open"))
    );
    assert!(notice["body"]["data"]["acknowledge_url"].as_str().is_some_and(|url| url.contains("/ack/")));
    assert_eq!(notice["set"]["verified"], true, "{notice}");
    let view = node.partner_view(paired.id).await.expect("the partner");
    assert_eq!(notice["set"]["claims"]["aud"], view.name.as_str());

    let second = node.replace_partner_secret(&by, paired.id).await.expect("another secret");
    knows(&[&second, &first]);
    let facts = more_is_known(&first_hour("A mailbox was open"));
    node.update_facts(&paired.ours.responder(), incident, 1, facts).await.expect("newer facts");
    node.send_update(&paired.ours.responder(), incident).await.expect("queued");
    let hooks = paired.hooks(4).await;
    assert_eq!((&hooks[3]["v1"], &hooks[3]["v1a"]), (&json!([true, true]), &json!(true)), "either secret will do");
    assert_eq!((&hooks[3]["signatures"], &hooks[3]["body"]["type"]), (&json!(3), &json!("breach.updated")));
}
