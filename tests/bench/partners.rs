//! Partners in a process of their own, so that what they need is not counted as the node's.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use server::time_source::{SystemTime, TimeSource as _};
use tests::partner::{Host, Scripted};

/// What the partners need to know of the node.
#[derive(Serialize, Deserialize)]
struct Peer {
    card: String,
    manifest: String,
}

/// The child's part: says where the partners are, learns whose messages to take, and plays them until its input ends.
pub(crate) async fn play(count: usize) {
    let host = Host::start(count, || SystemTime.now().unix_seconds_up()).await;
    let names: Vec<(&str, &str)> =
        host.partners.iter().map(|partner| (partner.name.as_str(), partner.issuer.as_str())).collect();
    say(&serde_json::to_string(&names).expect("JSON"));
    let mut input = std::io::stdin().lock().lines();
    let peer = input.next().expect("the node's card").expect("a line");
    let peer: Peer = serde_json::from_str(&peer).expect("a card and a manifest");
    host.partners.iter().for_each(|partner| partner.pin(&peer.card, &peer.manifest));
    say("ready");
    // Until the parent goes, and its end of the pipe with it.
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().lock().lines().count()).await;
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// The parent's part. Dropping it ends the child.
pub(crate) struct Players {
    /// The same partners, with the same keys: to sign what they would sign.
    pub(crate) partners: Vec<Arc<Scripted>>,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Players {
    pub(crate) fn start(count: usize) -> Self {
        let own = std::env::current_exe().expect("a path of our own");
        let mut child = Command::new(own)
            .args(["partners", "--count", &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the partners start");
        let input = child.stdin.take().expect("its input");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let names: Vec<(String, String)> = serde_json::from_str(&read(&mut output)).expect("their names");
        let partners = names.iter().map(|(name, issuer)| Arc::new(Scripted::new(name, issuer))).collect();
        Self { partners, child, input, output }
    }

    /// Makes the partners take messages of this node.
    pub(crate) fn pin(&mut self, card: &str, manifest: &str) {
        let peer = Peer { card: card.to_owned(), manifest: manifest.to_owned() };
        writeln!(self.input, "{}", serde_json::to_string(&peer).expect("JSON")).expect("the partners listen");
        assert_eq!(read(&mut self.output).trim(), "ready");
    }
}

fn read(output: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    output.read_line(&mut line).expect("the partners answer");
    line
}

impl Drop for Players {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
