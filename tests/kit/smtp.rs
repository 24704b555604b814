//! A mail server: a program of its own ([`mail_server.py`], with the library `aiosmtpd`), so that what we speak is judged by
//! somebody else's reading of SMTP. It takes mails, refuses or delays them, and is
//! down on command.
//!
//! [`mail_server.py`]: ../../tests/kit/mail_server.py

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

use domain::values::Moment;
use serde_json::{Value, json};
use server::dev_certs;
use server::mail::{MailSettings, Security};
use server::time_source::{SystemTime, TimeSource as _};
use tempfile::TempDir;

use crate::wait::{SOON, until};

/// The user name and the password that it asks for.
const LOGIN: (&str, &str) = ("node", "a password for mail");

/// The server, running. Dropping it ends it.
pub struct MailServer {
    port: u16,
    security: Security,
    authority: Vec<u8>,
    told: Arc<Mutex<Vec<Value>>>,
    orders: Mutex<ChildStdin>,
    child: Child,
    _certificates: TempDir,
}

/// A mail as it arrived.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The address that it went to.
    pub to: String,
    /// Its subject, decoded.
    pub subject: String,
    /// Its text, decoded.
    pub text: String,
    /// What else the server says of it: `headers`, `tls`, `user`, `raw`.
    pub more: Value,
}

impl Mail {
    /// A header, decoded.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.more["headers"][name].as_str().unwrap_or_default()
    }

    /// The path of the link in it.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn link(&self) -> String {
        let start = self.text.find("/ack/").unwrap_or_else(|| panic!("no link in {}", self.text));
        self.text[start..].split_whitespace().next().expect("a path").to_owned()
    }
}

impl MailServer {
    /// Starts one that is reached in this way, over a certificate of its own for `localhost`.
    ///
    /// # Panics
    /// When its Python is missing: `tests/run` installs it.
    pub async fn start(security: Security) -> Self {
        let home = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let python = home.join("../target/independent/bin/python");
        assert!(python.is_file(), "Python's libraries are missing: tests/run installs them");
        let certificates = tempfile::tempdir().expect("a folder");
        let now: Moment = SystemTime.now();
        let made = dev_certs::make(&certificates.path().join("mail"), &["localhost".to_owned()], now);
        let made = made.expect("a certificate");
        let (certificate, key) = &made.pairs[0];
        let options = json!({
            "security": match security {
                Security::StartTls => "starttls",
                Security::Tls => "tls",
                Security::None => "none",
            },
            "certificate": certificate,
            "key": key,
            "user": (security == Security::StartTls).then_some(LOGIN.0),
            "password": LOGIN.1,
        });
        let mut child = Command::new(python)
            .arg("-B")
            .arg(home.join("kit/mail_server.py"))
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let orders = Mutex::new(child.stdin.take().expect("its input"));
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let told: Arc<Mutex<Vec<Value>>> = Arc::default();
        let into = Arc::clone(&told);
        // Ends when the server does.
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let said = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line:?}"));
                into.lock().expect("no panic while held").push(said);
            }
        });
        let port = until("the mail server", SOON, async || {
            let told = told.lock().expect("no panic while held");
            told.first().and_then(|said| said["port"].as_u64()).and_then(|port| u16::try_from(port).ok())
        });
        let port = port.await;
        let authority = std::fs::read(&made.authority).expect("the authority");
        Self { port, security, authority, told, orders, child, _certificates: certificates }
    }

    /// How a node reaches it.
    #[must_use]
    pub fn settings(&self) -> MailSettings {
        let login = (LOGIN.0.to_owned(), LOGIN.1.to_owned().into());
        MailSettings {
            server: if self.security == Security::None { "127.0.0.1" } else { "localhost" }.to_owned(),
            port: self.port,
            security: self.security,
            login: (self.security == Security::StartTls).then_some(login),
            from: "tocsin@operator.example".to_owned(),
            trusted_roots: vec![self.authority.clone()],
        }
    }

    /// Behaves so from now on: `up`, `down` (hangs up on everybody) or `busy` (asks everybody to come later).
    ///
    /// # Panics
    /// When it does not say that it does.
    pub async fn behave(&self, how: &str) {
        let before = self.said("behaves").len();
        writeln!(self.orders.lock().expect("no panic while held"), "{}", json!({ "behave": how })).expect("it listens");
        until("the mail server to obey", SOON, async || (self.said("behaves").len() > before).then_some(())).await;
    }

    fn said(&self, member: &str) -> Vec<Value> {
        let told = self.told.lock().expect("no panic while held");
        told.iter().filter(|said| said.get(member).is_some()).cloned().collect()
    }

    /// Every mail that it took so far, in order.
    ///
    /// # Panics
    /// When it said something else.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        let mail = |more: Value| Mail {
            to: more["to"][0].as_str().expect("a recipient").to_owned(),
            subject: more["headers"]["Subject"].as_str().expect("a subject").to_owned(),
            text: more["text"].as_str().expect("a text").to_owned(),
            more,
        };
        self.said("raw").into_iter().map(mail).collect()
    }

    /// Waits until it took so many mails.
    ///
    /// # Panics
    /// When it takes more, or does not soon take as many.
    pub async fn took(&self, count: usize) -> Vec<Mail> {
        let mails = until("mails", SOON, async || Some(self.mails()).filter(|mails| mails.len() >= count)).await;
        assert_eq!(mails.len(), count, "{mails:#?}");
        mails
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
