//! Takes the README's screenshots: starts the demonstration, signs in at the operator's node, waits until its exercise
//! shows a receipt and a running clock, and keeps the Clocks page at desktop and telephone width.
//!
//! `tests/screenshot [FOLDER]` builds what it needs and runs this; the folder is `docs` unless told otherwise.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tests::browser::Browser;
use tests::process::program;
use tests::wait::until;

/// How long the demonstration may take to be ready, and to have something to show.
const PATIENCE: Duration = Duration::from_secs(60);
/// Desktop and telephone, in CSS pixels, with the file's name.
const SIZES: [(u32, u32, &str); 2] = [(1280, 1400, "clocks.png"), (390, 1400, "clocks-narrow.png")];

/// The demonstration; dropping it ends it.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::main]
async fn main() {
    let folder = std::env::args().nth(1).map_or_else(|| PathBuf::from("docs"), PathBuf::from);
    std::fs::create_dir_all(&folder).expect("the folder for screenshots");
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let description = scratch.path().join("demo.json");
    let child = Command::new(program())
        .args(["demo", "--ports", "0", "--describe"])
        .arg(&description)
        .stdout(Stdio::null())
        .spawn()
        .expect("the demonstration starts");
    let _demo = Demo(child);
    let described = until("the demonstration to be ready", PATIENCE, async || read(&description)).await;
    let operator = &described["parties"][0];
    let text = |value: &Value| value.as_str().expect("a text in the description").to_owned();
    let url = text(&operator["url"]);
    let person = &operator["people"][0];
    for (width, height, name) in SIZES {
        let browser = Browser::open_sized(width, height).await;
        browser.sign_in(&url, &text(&person["email"]), &text(&person["password"])).await;
        until("clocks to be running", PATIENCE, async || {
            browser.go(&url).await;
            browser
                .script("return document.querySelectorAll('[role=timer]').length > 1")
                .await
                .as_bool()
                .filter(|shown| *shown)
        })
        .await;
        let picture = browser.client.screenshot().await.expect("a screenshot");
        let path = folder.join(name);
        std::fs::write(&path, picture).expect("the screenshot is kept");
        announce(&path);
        browser.close().await;
    }
}

/// The description, once it is whole.
fn read(path: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn announce(path: &Path) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{}", path.display());
}
