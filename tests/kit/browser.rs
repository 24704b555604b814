//! A headless Chromium with the accessibility checker.
//!
//! A missing chromedriver fails the test: a page nobody looked at must not count as looked at.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Rules checked: WCAG 2.0 to 2.2, levels A and AA, and good practice.
const RULES: &str = "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']";
/// Headless Chromium's window is never narrower; below it a device is emulated.
const WINDOW_WIDTH_MIN: u32 = 500;

/// Ports that a driver may try before a test gives up.
const STARTS_MAX: usize = 10;

/// A window's height unless told otherwise.
const HEIGHT: u32 = 900;

/// One browser of one test.
pub struct Browser {
    /// To drive it.
    pub client: Client,
    driver: Driver,
}

/// The driver, and everything that it started.
struct Driver {
    child: Child,
    port: u16,
    _profile: TempDir,
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The whole group: a test that failed has not closed its window.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

impl Driver {
    /// Starts a driver on a port of its own. It takes one number for two protocols, and ends at once when only one of the two
    /// was free: then another is tried.
    fn start() -> Self {
        (0..STARTS_MAX).find_map(|_| Self::try_start()).expect("chromedriver names its port")
    }

    fn try_start() -> Option<Self> {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chromedriver is missing: start the tests through tests/run, which installs it");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| line.split("successfully on port ").nth(1)?.trim_end_matches('.').parse().ok());
        let Some(port) = port else {
            // It has closed its output, so it is ending.
            let _ = child.kill();
            let _ = child.wait();
            return None;
        };
        Some(Self { child, port, _profile: profile })
    }
}

impl Browser {
    /// Opens a window of this width, in CSS pixels.
    ///
    /// # Panics
    /// When chromedriver or Chromium is missing.
    pub async fn open(width: u32) -> Self {
        Self::start(width, HEIGHT, true).await
    }

    /// Opens a window of this size, in CSS pixels: for pictures.
    ///
    /// # Panics
    /// When chromedriver or Chromium is missing.
    pub async fn open_sized(width: u32, height: u32) -> Self {
        Self::start(width, height, true).await
    }

    /// Opens a window in which no script of a page runs.
    ///
    /// # Panics
    /// When chromedriver or Chromium is missing.
    pub async fn without_script(width: u32) -> Self {
        Self::start(width, HEIGHT, false).await
    }

    async fn start(width: u32, height: u32, script: bool) -> Self {
        let driver = Driver::start();
        let mut options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--hide-scrollbars",
                format!("--window-size={},{height}", width.max(WINDOW_WIDTH_MIN)),
                format!("--user-data-dir={}", driver._profile.path().display()),
            ],
            "prefs": { "profile.managed_default_content_settings.javascript": if script { 1 } else { 2 } },
        });
        if width < WINDOW_WIDTH_MIN {
            options["mobileEmulation"] =
                json!({"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1.0, "touch": false}});
        }
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        // Nodes with TLS have certificates of a private authority here.
        capabilities.insert("acceptInsecureCerts".to_owned(), json!(true));
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{}", driver.port))
            .await
            .expect("Chromium starts");
        Self { client, driver }
    }

    /// Goes to an address.
    ///
    /// # Panics
    /// When it can't.
    pub async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Signs in on the sign-in page of this origin.
    ///
    /// # Panics
    /// When the page has no such fields.
    pub async fn sign_in(&self, origin: &str, email: &str, password: &str) {
        self.go(&format!("{origin}/sign-in")).await;
        for (kind, text) in [("email", email), ("password", password)] {
            let field = self.client.find(Locator::Css(&format!("input[type={kind}]"))).await.expect("a sign-in field");
            field.send_keys(text).await.expect("typing");
        }
        let button = self.client.find(Locator::Css("main form button")).await.expect("a button");
        button.click().await.expect("pressing it");
    }

    /// Runs a script and gives its answer.
    ///
    /// # Panics
    /// When it throws.
    pub async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// What the accessibility checker has against the page: rule and offending markup, each on a line.
    ///
    /// # Panics
    /// When the checker is not installed (`npm ci`) or can't run.
    pub async fn violations(&self) -> Vec<String> {
        let checker = Path::new(env!("CARGO_MANIFEST_DIR")).join("../node_modules/axe-core/axe.min.js");
        let checker = std::fs::read_to_string(checker).expect("axe-core is missing: tests/run installs it");
        self.script(&checker).await;
        let run = format!(
            "const done = arguments[arguments.length - 1];
             axe.run(document, {{runOnly: {RULES}}}).then(done, error => done({{error: String(error)}}))"
        );
        let result = self.client.execute_async(&run, Vec::new()).await.expect("the checker runs");
        let violations = result["violations"].as_array().unwrap_or_else(|| panic!("the checker failed: {result}"));
        assert!(result["passes"].as_array().is_some_and(|passes| !passes.is_empty()), "the checker checked nothing");
        violations
            .iter()
            .flat_map(|violation| {
                let nodes = violation["nodes"].as_array().cloned().unwrap_or_default();
                nodes.into_iter().map(|node| format!("{} ({}): {}", violation["id"], violation["impact"], node["html"]))
            })
            .collect()
    }

    /// CSS pixels by which the page is wider than its window.
    ///
    /// # Panics
    /// When the page can't be measured.
    pub async fn overflow(&self) -> i64 {
        let overflow = "return document.documentElement.scrollWidth - window.innerWidth";
        self.script(overflow).await.as_i64().expect("a number")
    }

    /// Presses keys on whatever has the focus.
    ///
    /// # Panics
    /// When nothing can have it.
    pub async fn press(&self, keys: &str) {
        let focused = self.client.active_element().await.expect("something has the focus");
        focused.send_keys(keys).await.expect("typing");
    }

    /// Closes the window and stops the driver.
    ///
    /// # Panics
    /// When the window is gone already.
    pub async fn close(self) {
        self.client.close().await.expect("the window closes");
        drop(self.driver);
    }
}
