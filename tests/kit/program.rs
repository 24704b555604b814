//! The built program with any command and settings, as an administrator starts it; and a client that speaks TLS with it and
//! trusts one private authority.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use reqwest::{Certificate, Method, redirect};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::page::form_encoded;
use crate::process::program;
use crate::visitor::Answer;
use crate::wait::until;

/// How long a start, or an end, may take on a busy machine in a debug build.
const PATIENCE: Duration = Duration::from_secs(60);
/// What it logs: trouble, and where it listens.
const LOGGED: &str = "warn,server::serve=info,server::set_up=info";

/// A running program. Dropping it kills it.
pub struct Program {
    child: Child,
    reader: Option<JoinHandle<()>>,
    /// Where it listens.
    pub address: SocketAddr,
}

/// Runs a command to its end.
///
/// # Panics
/// When the program is missing.
#[must_use]
pub fn ran(arguments: &[&str], variables: &[(String, String)]) -> ExitStatus {
    command(arguments, variables).stderr(Stdio::null()).status().expect("the program starts")
}

fn command(arguments: &[&str], variables: &[(String, String)]) -> Command {
    let mut command = Command::new(program());
    // Nothing of the developer's own settings may matter.
    command.env_clear().envs(variables.iter().map(|(name, value)| (name, value))).args(arguments);
    command.stdout(Stdio::null());
    command
}

impl Program {
    /// Starts a command that serves, and waits until its log says where. Let it take a free port itself.
    ///
    /// # Panics
    /// When the program is missing, or ends.
    pub async fn start(arguments: &[&str], variables: &[(String, String)]) -> Self {
        let logging = [("TOCSIN_LOG_FORMAT", "json"), ("TOCSIN_LOG", LOGGED)];
        let mut child =
            command(arguments, variables).envs(logging).stderr(Stdio::piped()).spawn().expect("the program starts");
        let stream = child.stderr.take().expect("its error stream");
        let (tell, told) = oneshot::channel();
        let reader = Some(std::thread::spawn(move || read_log(stream, tell)));
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut started = Self { child, reader, address: anywhere };
        started.address = timeout(PATIENCE, told).await.expect("it listens soon").expect("it does not end at once");
        started
    }

    /// Ends it at once, as a power cut would.
    ///
    /// # Panics
    /// When it has ended by itself.
    pub fn kill(mut self) {
        self.still_runs();
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it has ended");
    }

    /// Asks it to end, as a service manager does, and waits until it has.
    ///
    /// # Panics
    /// When it does not end soon.
    pub async fn end(mut self) -> ExitStatus {
        self.still_runs();
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill is there");
        assert!(sent.success(), "the signal was sent");
        until("the program to end", PATIENCE, async || self.child.try_wait().expect("its state")).await
    }

    /// Fails when it has ended.
    ///
    /// # Panics
    /// Then.
    pub fn still_runs(&mut self) {
        let ended = self.child.try_wait().expect("its state");
        assert!(ended.is_none(), "the program ended: {ended:?}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// Reads the log to its end, shows what tells of trouble, and tells where the program listens.
fn read_log(stream: ChildStderr, tell: oneshot::Sender<SocketAddr>) {
    let mut tell = Some(tell);
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        if said["level"] != "INFO" && said["level"] != "WARN" {
            eprintln!("{line}");
        }
        let address = said["fields"]["address"].as_str().filter(|_| said["fields"]["message"] == "listening");
        if let Some(address) = address.and_then(|address| address.parse().ok())
            && let Some(tell) = tell.take()
        {
            // Whoever asked may have given up.
            let _ = tell.send(address);
        }
    }
}

/// Somebody who visits one node over TLS.
pub struct SecureVisitor {
    client: reqwest::Client,
    authority: Certificate,
    host: String,
    origin: String,
    cookies: Vec<(String, String)>,
}

impl SecureVisitor {
    /// Visits a host that listens at an address, and trusts the authority in a file and no other.
    ///
    /// # Panics
    /// When the file holds no certificate.
    #[must_use]
    pub fn new(host: &str, address: SocketAddr, authority: &Path) -> Self {
        let pem = std::fs::read(authority).expect("the authority's file");
        let authority = Certificate::from_pem(&pem).expect("a certificate");
        let client = client(host, address, &authority);
        Self { client, authority, origin: origin(host, address), host: host.to_owned(), cookies: Vec::new() }
    }

    /// The same person, after the node was started again on another port.
    pub fn moved_to(&mut self, address: SocketAddr) {
        self.client = client(&self.host, address, &self.authority);
        self.origin = origin(&self.host, address);
    }

    /// Gets a path.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn get(&mut self, path: &str) -> Answer {
        let answer = self.send(Method::GET, path, None).await;
        answer.unwrap_or_else(|| panic!("no answer to GET {path}"))
    }

    /// Gets a path from a node that may not be there yet.
    pub async fn try_get(&mut self, path: &str) -> Option<Answer> {
        self.send(Method::GET, path, None).await
    }

    /// Asks for the headers of a path.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn head(&mut self, path: &str) -> Answer {
        let answer = self.send(Method::HEAD, path, None).await;
        answer.unwrap_or_else(|| panic!("no answer to HEAD {path}"))
    }

    /// Sends a form.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn post(&mut self, path: &str, fields: &[(String, String)]) -> Answer {
        let answer = self.send(Method::POST, path, Some(form_encoded(fields))).await;
        answer.unwrap_or_else(|| panic!("no answer to POST {path}"))
    }

    /// Begins to read a path that does not end by itself; dropping it hangs up.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn listen(&self, path: &str) -> reqwest::Response {
        self.request(Method::GET, path).send().await.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.client.request(method, format!("{}{path}", self.origin));
        let request = request.header("Sec-Fetch-Site", "same-origin");
        if cookies.is_empty() { request } else { request.header("Cookie", cookies.join("; ")) }
    }

    async fn send(&mut self, method: Method, path: &str, form: Option<String>) -> Option<Answer> {
        let mut request = self.request(method, path);
        if let Some(form) = form {
            request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let headers: Vec<(String, String)> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let answer = Answer { status, headers, body: response.bytes().await.ok()?.to_vec() };
        self.remember(&answer);
        Some(answer)
    }

    fn remember(&mut self, answer: &Answer) {
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = cookie.split(';').next().and_then(|pair| pair.split_once('='));
            if let Some((name, value)) = pair {
                self.cookies.retain(|(have, _)| have != name);
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

fn origin(host: &str, address: SocketAddr) -> String {
    format!("https://{host}:{}", address.port())
}

#[expect(clippy::disallowed_methods, reason = "a browser's part in a test: it must reach loopback")]
fn client(host: &str, address: SocketAddr, authority: &Certificate) -> reqwest::Client {
    reqwest::Client::builder()
        .tls_certs_only([authority.clone()])
        .redirect(redirect::Policy::none())
        .resolve(host, address)
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .expect("a client")
}
