//! From an empty server to a node that somebody can sign in to: certificates, a link in a file, two pages, TLS throughout.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tempfile::TempDir;
use tests::database::Database;
use tests::program::{Program, SecureVisitor, ran};
use tests::visitor::Answer;
use tests::wait::until;
use tests::{On, both};

both!(set_up_in_a_browser, power_fails_before_the_last_button);

/// How long a start may take on a busy machine in a debug build.
const START: Duration = Duration::from_secs(60);
/// What the first administrator signs in with.
const EMAIL: &str = "a.baxter@northfield.example";
const PASSWORD: &str = "lantern gravel otter sky";

/// The node's name: whoever asks at another port comes through a mapping.
const ISSUER: &str = "https://localhost:8443";

/// A server with nothing on it but certificates.
struct Server {
    folder: TempDir,
    database: Database,
}

impl Server {
    fn new(on: On) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let certificates = folder.path().join("certificates").display().to_string();
        assert!(ran(&["dev-certs", &certificates, "--name", "localhost"], &[]).success(), "certificates are made");
        assert!(ran(&["dev-certs", &certificates, "--name", "localhost"], &[]).success(), "twice does no harm");
        Self { folder, database: on.fresh() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn serve(&self) -> Program {
        let text = |name: &str| self.path(name).display().to_string();
        let (certificate, key) = (text("certificates/localhost.pem"), text("certificates/localhost.key"));
        let (authority, data_key, link) = (text("certificates/ca.pem"), text("data-key"), text("link"));
        let arguments = [
            ["--database", &self.database.url],
            ["--key-file", &data_key],
            ["--issuer", ISSUER],
            ["--bind", "127.0.0.1:0"],
            ["--tls-certificate", &certificate],
            ["--tls-key", &key],
            ["--trusted-root", &authority],
            ["--set-up-link-file", &link],
        ];
        Program::start(&[&["serve"], arguments.concat().as_slice()].concat(), &[]).await
    }

    fn visitor(&self, running: &Program) -> SecureVisitor {
        SecureVisitor::new("localhost", running.address, &self.path("certificates/ca.pem"))
    }

    /// Waits until it answers so.
    async fn answers(&self, running: &mut Program, path: &str, status: u16) {
        let mut visitor = self.visitor(running);
        until(&format!("{path} to answer {status}"), START, async || {
            running.still_runs();
            visitor.try_get(path).await.filter(|answer| answer.status == status)
        })
        .await;
    }

    /// The path of the link in the file, which is for its owner only.
    fn link(&self) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let file = self.path("link");
        assert_eq!(std::fs::metadata(&file).expect("the link's file").permissions().mode() & 0o777, 0o600);
        let url = std::fs::read_to_string(&file).expect("a link");
        url.trim().strip_prefix(ISSUER).expect("our own").to_owned()
    }
}

/// The first page's form, filled in as far as it must be.
fn filled(page: &Answer) -> Vec<(String, String)> {
    let mut fields = page.page().form("Continue").fields();
    for (name, typed) in [
        ("organisation", "Northfield Council"),
        ("contact-email", "dpo@northfield.example"),
        ("name", "Ann Baxter"),
        ("email", EMAIL),
        ("password", PASSWORD),
        ("again", PASSWORD),
        ("second-name", "Bo Carter"),
        ("second-email", "b.carter@northfield.example"),
    ] {
        let field = fields.iter_mut().find(|(have, _)| have == name);
        typed.clone_into(&mut field.unwrap_or_else(|| panic!("the page asks for {name}")).1);
    }
    fields
}

/// The passphrase's groups, as the sheet shows them.
fn groups(sheet: &Answer) -> Vec<String> {
    let page = sheet.page();
    page.role("")
        .iter()
        .find(|e| e.attribute("class") == Some("groups"))
        .expect("groups")
        .all(|e| e.name == "li")
        .iter()
        .map(|group| group.text())
        .collect()
}

fn with_last_group(sheet: &Answer, typed: &str) -> Vec<(String, String)> {
    let mut fields = sheet.page().form("Set up this node").fields();
    fields.iter_mut().filter(|(name, _)| name == "last-group").for_each(|(_, value)| typed.clone_into(value));
    fields
}

/// Before set-up nobody sees anything, the link's pages name what is wrong, the last button makes a node that runs over TLS
/// on the same port, and what was typed or drawn is nowhere in the clear.
async fn set_up_in_a_browser(on: On) {
    let server = Server::new(on);
    let mut running = server.serve().await;
    let mut visitor = server.visitor(&running);
    assert_eq!(visitor.get("/health/ready").await.status, 503);
    for closed in ["/", "/sign-in", "/api/v1/incidents", "/set-up/wrong"] {
        let answer = visitor.get(closed).await;
        assert_eq!(answer.status, 503, "{closed}");
        assert_eq!(answer.page().heading(), "This node is not set up yet");
        assert!(answer.header("content-security-policy").is_some());
    }
    let link = server.link();
    let first = visitor.get(&link).await;
    assert_eq!(first.page().heading(), "Set up this node");
    let refused = visitor.post(&link, &first.page().form("Continue").fields()).await;
    assert_eq!(refused.status, 422);
    assert!(refused.page().text().contains("Enter your organisation\u{2019}s legal name"));
    let fields = filled(&first);
    let led_on = visitor.post(&link, &fields).await;
    assert_eq!((led_on.status, led_on.header("location")), (303, Some(format!("{link}/sheet").as_str())));
    let sheet = visitor.get(&format!("{link}/sheet")).await;
    let passphrase = groups(&sheet);
    assert_eq!(passphrase.len(), 6);
    let kept = visitor.get(&link).await.text();
    assert!(kept.contains("Northfield Council") && !kept.contains(PASSWORD), "the way back keeps all but passwords");
    let wrong = visitor.post(&format!("{link}/sheet"), &with_last_group(&sheet, "zzzzz")).await;
    assert_eq!(wrong.status, 422);
    let last = with_last_group(&sheet, &passphrase[5]);
    let done = visitor.post(&format!("{link}/sheet"), &last).await;
    assert_eq!((done.status, done.page().heading()), (200, "This node is set up".to_owned()));
    assert!(done.page().text().contains("/link/"), "the second administrator's invitation is shown once");
    server.answers(&mut running, "/health/ready", 200).await;
    assert!(!server.path("link").exists(), "the link's file is gone");
    // Pressed twice, or reloaded: the node is there, and leads on.
    let again = visitor.post(&format!("{link}/sheet"), &last).await;
    assert_eq!((again.status, again.header("location")), (303, Some("/sign-in")));
    signed_in_and_ended(&server, running, &done, &passphrase).await;
}

/// Signs in on the last page's form, looks for what must not be in the clear, and ends the program while a page listens.
async fn signed_in_and_ended(server: &Server, running: Program, done: &Answer, passphrase: &[String]) {
    let mut visitor = server.visitor(&running);
    let mut fields = done.page().form("Sign in").fields();
    fields.iter_mut().filter(|(name, _)| name == "password").for_each(|(_, value)| PASSWORD.clone_into(value));
    let entered = visitor.post("/sign-in", &fields).await;
    assert_eq!(entered.status, 303, "{}", entered.text());
    let cookie = entered.header("set-cookie").expect("a session");
    assert!(cookie.starts_with("__Host-tocsin-") && cookie.contains("Secure"), "{cookie}");
    let home = visitor.get("/").await;
    assert!(home.page().text().contains("Northfield Council"));
    let head = visitor.head("/").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for planted in [PASSWORD, &passphrase.join("-"), "Ann Baxter", "Bo Carter", EMAIL] {
        assert!(!anywhere(server.folder.path(), planted), "{planted} is in the clear");
        assert!(!server.database.folder().is_some_and(|folder| anywhere(folder, planted)), "{planted} is in the clear");
    }
    let listening = visitor.listen("/live").await;
    assert_eq!(listening.status().as_u16(), 200);
    assert!(running.end().await.success(), "asked to end, it ends in order though somebody listens");
    let mut again = server.serve().await;
    server.answers(&mut again, "/health/ready", 200).await;
    assert!(!server.path("link").exists(), "a node that is set up offers no link");
    visitor.moved_to(again.address);
    assert_eq!(visitor.get("/").await.status, 200, "the session outlives the restart");
}

/// Whether a word is in any file of a folder, as it is or within base64url, as in signed tokens, wherever it begins there.
fn anywhere(folder: &Path, wanted: &str) -> bool {
    let encoded = (0..3).map(|before| {
        let octets = [vec![0; before], wanted.as_bytes().to_vec()].concat();
        // The letters that no neighbour changes.
        URL_SAFE_NO_PAD.encode(&octets)[(before * 8).div_ceil(6)..octets.len() * 8 / 6].to_owned()
    });
    encoded.chain([wanted.to_owned()]).any(|form| holds(folder, form.as_bytes()))
}

fn holds(folder: &Path, wanted: &[u8]) -> bool {
    let files = std::fs::read_dir(folder).expect("a folder");
    files.map(|entry| entry.expect("an entry").path()).any(|path| {
        if path.is_dir() {
            return holds(&path, wanted);
        }
        let octets = std::fs::read(&path).expect("a file");
        octets.windows(wanted.len()).any(|window| window == wanted)
    })
}

/// Whoever loses power with the sheet in hand begins again: nothing was made, and the link before is worth nothing.
async fn power_fails_before_the_last_button(on: On) {
    let server = Server::new(on);
    let running = server.serve().await;
    let mut visitor = server.visitor(&running);
    let link = server.link();
    let first = visitor.get(&link).await;
    assert_eq!(visitor.post(&link, &filled(&first)).await.status, 303);
    running.kill();
    let running = server.serve().await;
    visitor.moved_to(running.address);
    assert_eq!(visitor.get("/health/live").await.status, 200);
    assert_eq!(visitor.get("/health/ready").await.status, 503);
    let newer = server.link();
    assert_ne!(newer, link);
    assert_eq!(visitor.get(&link).await.status, 503, "the link before opens nothing");
    let sheet = visitor.get(&format!("{newer}/sheet")).await;
    assert_eq!((sheet.status, sheet.header("location")), (303, Some(newer.as_str())), "nothing is answered yet");
    assert!(running.end().await.success(), "a node that waits to be set up ends in order");
}
