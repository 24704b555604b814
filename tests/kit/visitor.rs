//! A visit over HTTP: raw enough to send what no client would, with cookies and forms for what people do.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::page::{Page, form_encoded};

/// Longer than any answer takes in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as a page.
    #[must_use]
    pub fn page(&self) -> Page {
        Page::read(&self.text())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}: not JSON: {}", self.status, self.text()))
    }
}

/// Somebody who visits one node.
#[derive(Debug, Clone)]
pub struct Visitor {
    address: SocketAddr,
    cookies: Vec<(String, String)>,
    bearer: Option<String>,
}

impl Visitor {
    /// Without a session.
    #[must_use]
    pub const fn new(address: SocketAddr) -> Self {
        Self { address, cookies: Vec::new(), bearer: None }
    }

    /// A program with an API token.
    #[must_use]
    pub fn with_token(address: SocketAddr, token: &str) -> Self {
        Self { bearer: Some(token.to_owned()), ..Self::new(address) }
    }

    /// Signs in on the page, as a person does.
    ///
    /// # Panics
    /// When the credentials are not taken.
    pub async fn signed_in(address: SocketAddr, email: &str, password: &str) -> Self {
        let mut visitor = Self::new(address);
        let answer = visitor.try_sign_in(email, password).await;
        assert_eq!(answer.status, 303, "{email} could not sign in: {}", answer.text());
        visitor
    }

    /// Fills in the sign-in page and sends it.
    ///
    /// # Panics
    /// When there is no such page.
    pub async fn try_sign_in(&mut self, email: &str, password: &str) -> Answer {
        let page = self.get("/sign-in").await.page();
        let form = page.form("Sign in");
        let mut fields = form.fields();
        for (name, value) in &mut fields {
            match name.as_str() {
                "email" => email.clone_into(value),
                "password" => password.clone_into(value),
                _ => {}
            }
        }
        self.post("/sign-in", &fields).await
    }

    /// Gets a path.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn get(&mut self, path: &str) -> Answer {
        let answer = self.send("GET", path, &[], b"").await.unwrap_or_else(|| panic!("no answer to GET {path}"));
        self.remember(&answer);
        answer
    }

    /// Gets a path from a node that may be down.
    pub async fn try_get(&self, path: &str) -> Option<Answer> {
        self.send("GET", path, &[], b"").await
    }

    /// Sends a form.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn post(&mut self, path: &str, fields: &[(String, String)]) -> Answer {
        self.post_with(path, &[("Sec-Fetch-Site", "same-origin")], fields).await
    }

    /// Sends a form with these headers beside the usual ones.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn post_with(&mut self, path: &str, more: &[(&str, &str)], fields: &[(String, String)]) -> Answer {
        let body = form_encoded(fields);
        let mut headers = vec![("Content-Type", "application/x-www-form-urlencoded")];
        headers.extend_from_slice(more);
        let answer = self.send("POST", path, &headers, body.as_bytes()).await;
        let answer = answer.unwrap_or_else(|| panic!("no answer to POST {path}"));
        self.remember(&answer);
        answer
    }

    /// Sends any request.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        if !body.is_empty() || method == "POST" {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            head += &format!("Cookie: {}\r\n", cookies.join("; "));
        }
        if let Some(token) = &self.bearer {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        self.raw(&[head.as_bytes(), body].concat()).await
    }

    /// Sends octets as they are and reads one answer.
    pub async fn raw(&self, octets: &[u8]) -> Option<Answer> {
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await.ok()?;
            // A server that refuses early may close before it has read everything: its answer counts all the same.
            let _ = stream.write_all(octets).await;
            let mut answer = Vec::new();
            let mut piece = [0; 16_384];
            while let Ok(read) = stream.read(&mut piece).await {
                if read == 0 {
                    break;
                }
                answer.extend_from_slice(&piece[..read]);
                if let Some(whole) = parse(&answer, false) {
                    return Some(whole);
                }
            }
            parse(&answer, true)
        };
        timeout(PATIENCE, exchange).await.ok().flatten()
    }

    /// Opens a stream and reads it until `word` has come; the rest is the caller's to read, until the server ends it.
    ///
    /// # Panics
    /// When the word does not come.
    pub async fn listen(&self, path: &str, word: &str) -> TcpStream {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nCookie: {}\r\n\r\n",
            self.address,
            cookies.join("; ")
        );
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(head.as_bytes()).await.expect("asked");
        read_until(&mut stream, word).await;
        stream
    }

    fn remember(&mut self, answer: &Answer) {
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            self.cookies.retain(|(have, _)| have != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// The cookies it holds, as a header's value.
    #[must_use]
    pub fn cookies(&self) -> &[(String, String)] {
        &self.cookies
    }
}

/// Reads a stream until a word has come.
///
/// # Panics
/// When it ends or is silent before that.
pub async fn read_until(stream: &mut TcpStream, word: &str) {
    let mut told = Vec::new();
    let mut piece = [0; 4_096];
    while !String::from_utf8_lossy(&told).contains(word) {
        let read =
            timeout(PATIENCE, stream.read(&mut piece)).await.expect("something is said").expect("it can be read");
        assert!(read > 0, "it ended before {word:?}: {}", String::from_utf8_lossy(&told));
        told.extend_from_slice(&piece[..read]);
    }
}

/// Whether the server ends a stream soon; what it says before does not matter.
pub async fn ends(stream: &mut TcpStream) -> bool {
    let rest = async { stream.read_to_end(&mut Vec::new()).await };
    timeout(Duration::from_secs(10), rest).await.is_ok()
}

/// Reads an answer, if it is whole; at the end of the connection it is.
fn parse(octets: &[u8], ended: bool) -> Option<Answer> {
    let end = octets.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&octets[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: octets[end + 4..].to_vec() };
    if answer.header("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        answer.body = unchunked(&answer.body, ended)?;
        return Some(answer);
    }
    let length = answer.header("content-length").and_then(|value| value.parse::<usize>().ok());
    match length {
        Some(length) if answer.body.len() >= length => {
            answer.body.truncate(length);
            Some(answer)
        }
        _ => ended.then_some(answer),
    }
}

/// The content of a chunked body; `None` while it is not whole, unless the connection has ended.
fn unchunked(mut octets: &[u8], ended: bool) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Some(line) = octets.windows(2).position(|window| window == b"\r\n") else {
            return ended.then_some(body);
        };
        let size =
            usize::from_str_radix(String::from_utf8_lossy(&octets[..line]).split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let Some(chunk) = octets.get(line + 2..line + 2 + size) else {
            return ended.then_some(body);
        };
        body.extend_from_slice(chunk);
        octets = octets.get(line + 2 + size + 2..).unwrap_or_default();
    }
}
