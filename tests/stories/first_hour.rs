//! Two organisations, each with an empty server and a browser: set up, an agreement imported, paired by fingerprint, and a
//! notice, an acknowledgement and an update exchanged. Real processes, TLS throughout, one node on each database.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fantoccini::Locator;
use fantoccini::elements::Element;
use tempfile::TempDir;
use tests::browser::Browser;
use tests::database::Database;
use tests::program::{Program, ran};
use tests::relay::Relay;
use tests::wait::until;
use tests::{On, both};

both!(from_two_empty_servers_to_an_acknowledged_notice);

/// Pages that an administrator may need from the link of a new node to a verified partner.
const VISITS_MAX: usize = 12;
/// How long nodes and pages may take on a busy machine in a debug build.
const PATIENCE: Duration = Duration::from_secs(90);
const PASSWORD: &str = "lantern gravel otter sky";

/// One organisation's server, and its administrator at a browser.
struct Desk {
    browser: Browser,
    origin: String,
    link: PathBuf,
    visits: usize,
    _program: Program,
    _relay: Relay,
    _database: Database,
    _folder: TempDir,
}

impl Desk {
    async fn new(on: On, certificates: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = on.fresh();
        let relay = Relay::start().await;
        let origin = format!("https://localhost:{}", relay.address.port());
        let text = |path: PathBuf| path.display().to_string();
        let link = folder.path().join("link");
        let program = Program::start(
            &[
                "serve",
                "--database",
                &database.url,
                "--key-file",
                &text(folder.path().join("data-key")),
                "--issuer",
                &origin,
                "--bind",
                "127.0.0.1:0",
                "--tls-certificate",
                &text(certificates.join("localhost.pem")),
                "--tls-key",
                &text(certificates.join("localhost.key")),
                "--trusted-root",
                &text(certificates.join("ca.pem")),
                "--set-up-link-file",
                &text(link.clone()),
            ],
            &[],
        )
        .await;
        relay.lead_to(program.address);
        let browser = Browser::open(1_280).await;
        Self {
            browser,
            origin,
            link,
            visits: 0,
            _program: program,
            _relay: relay,
            _database: database,
            _folder: folder,
        }
    }

    async fn go(&mut self, path: &str) {
        self.visits += 1;
        self.browser.go(&format!("{}{path}", self.origin)).await;
    }

    /// Types into the input of this name.
    async fn fill(&self, name: &str, text: &str) {
        let field = self.found(Locator::Css(&format!("main [name={name}]"))).await;
        field.send_keys(text).await.expect("typing");
    }

    /// Chooses what this selector finds.
    async fn choose(&self, selector: &str) {
        self.found(Locator::Css(selector)).await.click().await.expect("choosing");
    }

    /// Waits for it: the page may still be on its way.
    async fn found(&self, what: Locator<'_>) -> Element {
        let found = self.browser.client.wait().at_most(PATIENCE).for_element(what).await;
        found.unwrap_or_else(|error| panic!("{what:?}: {error}"))
    }

    /// Presses the button, or follows the link, that says this: the next page.
    async fn press(&mut self, words: &str) {
        self.visits += 1;
        let path = format!("//main//*[(self::button or self::a) and normalize-space(.)='{words}']");
        self.found(Locator::XPath(&path)).await.click().await.expect("pressing it");
    }

    async fn text(&self) -> String {
        let text = "return (document.querySelector('main') || document.body).innerText";
        // Between two pages there is none.
        let text = self.browser.client.execute(text, Vec::new()).await.unwrap_or_default();
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page says this, loading it again: what changes is on another machine.
    async fn until_page_says(&self, words: &str) {
        until(&format!("a page that says “{words}”"), PATIENCE, async || {
            if self.text().await.contains(words) {
                return Some(());
            }
            let _ = self.browser.client.refresh().await;
            None
        })
        .await;
    }

    /// Waits until the page that is on its way says this.
    async fn says(&self, words: &str) {
        until(&format!("a page that says “{words}”"), PATIENCE, async || {
            self.text().await.contains(words).then_some(())
        })
        .await;
    }

    /// From the link in the file to a signed-in administrator.
    async fn set_up(&mut self, organisation: &str, name: &str, email: &str) {
        let link = std::fs::read_to_string(&self.link).expect("the link's file");
        let path = link.trim().strip_prefix(&self.origin).expect("our own link").to_owned();
        self.go(&path).await;
        for (field, text) in [
            ("organisation", organisation),
            ("contact-email", "dpo@example.org"),
            ("name", name),
            ("email", email),
            ("password", PASSWORD),
            ("again", PASSWORD),
        ] {
            self.fill(field, text).await;
        }
        self.choose("#confirmation-one").await;
        self.press("Continue to the recovery sheet").await;
        let groups: Vec<String> = self.text().await.lines().map(|line| line.trim().to_owned()).collect();
        let mut groups =
            groups.iter().filter(|line| line.len() == 5 && line.bytes().all(|octet| octet.is_ascii_lowercase()));
        self.fill("last-group", groups.next_back().expect("a passphrase in groups")).await;
        self.press("Set up this node").await;
        self.says("This node is set up").await;
        // It ends with the sign-in form of the node itself, with the address filled in.
        self.fill("password", PASSWORD).await;
        self.press("Sign in").await;
        self.says("Clocks").await;
    }

    /// Takes an agreement in: what would change is shown first.
    async fn import(&mut self, file: &str) {
        self.go("/import").await;
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/examples").join(file);
        let path = path.canonicalize().expect("an example").display().to_string();
        self.fill("file", &path).await;
        self.press("Show what it would change").await;
        self.says("to add").await;
        self.press("Import").await;
        self.says("SocietyWorks data sharing").await;
    }

    /// What is read out on the telephone.
    async fn fingerprint(&self) -> Vec<String> {
        self.browser.go(&format!("{}/our-card", self.origin)).await;
        let groups: Vec<String> = self.text().await.split_whitespace().map(str::to_owned).collect();
        let is_group = |word: &&String| word.len() == 5 && word.bytes().all(|octet| octet.is_ascii_digit());
        let groups: Vec<String> = groups.iter().filter(is_group).cloned().collect();
        assert_eq!(groups.len(), 8, "eight groups of five digits");
        groups
    }

    /// The party card, as somebody sends it on.
    async fn card(&self) -> String {
        let script = "const done = arguments[arguments.length - 1];
                      fetch('/our-card/file').then(answer => answer.text()).then(done)";
        let card = self.browser.client.execute_async(script, Vec::new()).await.expect("the card's file");
        card.as_str().expect("a card").to_owned()
    }

    /// Imports a card for a partner of the agreement, and types the digits that somebody read out.
    async fn pair(&mut self, partner: &str, card: &str, digits: &[String]) {
        self.go("/partners/import").await;
        self.choose("main details summary").await;
        self.fill("pasted", card).await;
        self.fill("ranges", "127.0.0.0/8").await;
        let of = format!("//select[@name='for']/option[contains(., '{partner}')]");
        self.found(Locator::XPath(&of)).await.click().await.expect("choosing");
        self.press("Import the card").await;
        for (place, group) in digits.iter().enumerate() {
            self.fill(&format!("g{}", place + 1), group).await;
        }
        self.choose("[name=channel]").await;
        self.fill("with_whom", "R. Example, their administrator").await;
        self.choose("#alone").await;
        self.press("Check the fingerprint").await;
        self.says("Confirmed").await;
    }
}

/// Each administrator needs at most twelve pages; then an incident logged at one is a notice at the other, read by a named
/// person there, and updated.
async fn from_two_empty_servers_to_an_acknowledged_notice(on: On) {
    let certificates = tempfile::tempdir().expect("a temporary folder");
    let folder = certificates.path().display().to_string();
    assert!(ran(&["dev-certs", &folder, "--name", "localhost"], &[]).success(), "certificates are made");
    let other = match on {
        On::Sqlite => On::Postgres,
        On::Postgres => On::Sqlite,
    };
    let mut operator = Desk::new(on, certificates.path()).await;
    let mut council = Desk::new(other, certificates.path()).await;

    operator.set_up("SocietyWorks Ltd", "Olive Hartley", "olive@operator.example").await;
    council.set_up("Example Council", "Carys Baxter", "carys@council.example").await;
    operator.import("societyworks.toml").await;
    council.import("societyworks-client.toml").await;
    let (digits, card) = (operator.fingerprint().await, operator.card().await);
    let (their_digits, their_card) = (council.fingerprint().await, council.card().await);
    operator.pair("Example Council", &their_card, &their_digits).await;
    council.pair("SocietyWorks", &card, &digits).await;
    for desk in [&operator, &council] {
        // The page with our own card counts too, though each showed it while the other typed.
        assert!(desk.visits < VISITS_MAX, "{} visits are too many", desk.visits + 1);
    }
    operator.go("/partners").await;
    operator.until_page_says("Paired").await;
    council.go("/partners").await;
    council.until_page_says("Paired").await;

    operator.go("/incidents/new").await;
    operator.fill("title", "A mailbox was open").await;
    operator.fill("summary", "A shared mailbox could be read by people who left.").await;
    operator.fill("aware_basis", "Somebody who had left told us.").await;
    operator.choose("[name=kind][value=breach]").await;
    operator.choose("[name=discovery_method]").await;
    operator.choose("[name=services]").await;
    operator.choose("[name=nature][value=confidentiality]").await;
    operator.press("Continue").await;
    operator.says("Example Council").await;
    operator.press("Log and notify").await;
    operator.until_page_says("Delivered").await;

    council.go("/received").await;
    council.until_page_says("SocietyWorks Ltd").await;
    council.choose("main table a").await;
    council.says("A mailbox was open").await;
    council.choose("[name=stance][value=affected]").await;
    council.choose("form[action$=acknowledge] button").await;
    operator.until_page_says("Affected").await;
    operator.says("Carys Baxter").await;

    operator.press("Update the facts").await;
    operator.fill("summary", " Forty letters were in it.").await;
    operator.press("Save this version").await;
    operator.press("Send an update to the partners").await;
    operator.choose("main form button#send").await;
    council.until_page_says("Forty letters were in it").await;

    operator.browser.close().await;
    council.browser.close().await;
}
