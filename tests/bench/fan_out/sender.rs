//! The sending node, in a process of its own, so that its CPU and its memory are counted apart.

use std::io::BufRead as _;
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::Arc;

use chrono_tz::Europe::London;
use domain::values::{PersonId, Role};
use serde::{Deserialize, Serialize};
use server::access::{Responder, SignedIn};
use server::node::execute::LOG_FORM;
use server::node::{Node, NodeOptions, Rates, SentForm};
use server::store::{READERS, StoreSettings};
use server::time_source::SystemTime;
use tests::facts::first_hour;
use tests::node::{data_key, line, log_request};
use uuid::Uuid;
use webhooks::http::{Options, ReqwestCarrier};

use super::child::{Lines, ask, start};
use super::receivers::say;

/// What the sender needs to know.
#[derive(Serialize, Deserialize)]
pub(crate) struct Setting {
    /// Its database.
    pub(crate) url: String,
    /// Its name on the wire.
    pub(crate) issuer: String,
    /// The certificate that its partners' stand under (PEM); empty without TLS.
    pub(crate) root: String,
}

/// The carrier that the product uses, trusting this root too.
pub(crate) fn carrier(root: &str) -> ReqwestCarrier {
    let trusted_roots = if root.is_empty() { Vec::new() } else { vec![root.as_bytes().to_vec()] };
    let options = Options { trusted_roots, loopback_http: true, user_agent: "tocsin-bench".to_owned() };
    ReqwestCarrier::new(&options).expect("a carrier")
}

/// The child's part: opens the node, and logs an incident for each line with its title.
pub(crate) async fn play() {
    let (lines, mut told) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
    let setting = told.recv().await.expect("its setting");
    let setting: Setting = serde_json::from_str(&setting).expect("a setting");
    let node = Node::open(NodeOptions {
        store: StoreSettings { url: setting.url, data_key: data_key(), readers: READERS },
        loopback_http: setting.issuer.starts_with("http:"),
        issuer: setting.issuer,
        zone: London,
        duties: server::node::DutySettings::default(),
        time: Arc::new(SystemTime),
        carrier: Arc::new(carrier(&setting.root)),
        bcrypt_cost: 4,
        rates: Rates::default(),
        mail: None,
        reachable: true,
        set_up: None,
    })
    .await
    .expect("the node opens");
    node.run().expect("its loops start");
    let person =
        SignedIn::new(PersonId::from_uuid(node.time().fresh_id()), line("A. Responder"), vec![Role::Responder]);
    let responder = Responder::of(&person).expect("a responder");
    let services: Vec<_> = node.services().await.expect("its services").into_iter().map(|service| service.id).collect();
    say("ready");
    while let Some(title) = told.recv().await {
        let mut request = log_request(first_hour(&title), node.now());
        request.form = SentForm::said_once(node.make_form(&person, LOG_FORM).await.expect("a form"));
        request.services = services.iter().copied().collect();
        let logged = node.log_incident(&responder, request).await.expect("logged");
        say(&logged.id.to_string());
    }
    node.stop().await;
}

/// The parent's part.
pub(crate) struct Sender {
    child: Child,
    input: ChildStdin,
    output: Lines<ChildStdout>,
}

impl Sender {
    pub(crate) fn start(setting: &Setting) -> Self {
        let (child, mut input, mut output) = start(&["fan-out-sender"]);
        let ready = ask(&mut input, &mut output, &serde_json::to_string(setting).expect("JSON"));
        assert_eq!(ready, "ready");
        Self { child, input, output }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Logs an incident; answers when it is logged.
    pub(crate) fn log(&mut self, title: &str) -> Uuid {
        ask(&mut self.input, &mut self.output, title).parse().expect("an incident's id")
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
