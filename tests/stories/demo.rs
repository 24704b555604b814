//! The demonstration: within a minute a newcomer sees a notice arrive at a party that has nothing but a webhook, and can
//! acknowledge it there.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tests::process::program;
use tests::visitor::Visitor;
use tests::wait::until;

/// What the demonstration promises.
const A_MINUTE: Duration = Duration::from_secs(60);

/// The demonstration; dropping it ends it.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").parse().expect("an address on loopback")
}

/// Aim: the ticket system believes what both signatures prove, shows the case with its link, and the page behind the link
/// takes the acknowledgement of a person without an account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_party_behind_a_webhook_is_told_and_acknowledges() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let description = scratch.path().join("demo.json");
    let child = Command::new(program())
        .args(["demo", "--ports", "0", "--describe"])
        .arg(&description)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the demonstration starts");
    let _demo = Demo(child);
    let described: Value = until("the demonstration to be ready", A_MINUTE, async || {
        serde_json::from_slice(&std::fs::read(&description).ok()?).ok()
    })
    .await;
    let tickets = address(described["ticket_system"]["url"].as_str().expect("an address"));
    let link = until("a ticket", A_MINUTE, async || {
        let page = Visitor::new(tickets).get("/").await.page();
        let link = page.all("a").into_iter().find(|link| link.text().contains("Read and acknowledge it"))?;
        Some(link.attribute("href")?.to_owned())
    })
    .await;
    let (origin, path) = link.split_at(link.find("/ack/").expect("a link to acknowledge"));
    let mut person = Visitor::new(address(origin));
    let page = person.get(path).await.page();
    let form = page.form("Acknowledge");
    let mut fields = form.fields();
    for (name, value) in [("name", "Pat Ferry"), ("role", "Information governance"), ("stance", "assessing")] {
        fields.retain(|(have, _)| have != name);
        fields.push((name.to_owned(), value.to_owned()));
    }
    let action = form.attribute("action").unwrap_or(path).to_owned();
    let said = person.post(&action, &fields).await;
    assert!(matches!(said.status, 200 | 303), "{}: {}", said.status, said.text());
    let after = person.get(path).await.page();
    assert!(after.text().contains("Acknowledged."), "{}", after.text());
}
