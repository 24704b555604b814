//! The kit keeps its word: a tool that can't fail would make every story worthless.

use std::net::SocketAddr;
use std::time::Duration;

use tests::On;
use tests::page::{Page, form_encoded};
use tests::pairs::Stage;
use tests::partner::{Behaviour, Scripted};
use tests::process::{Process, Serving};
use tests::proxy::{Fault, Point, Proxy};
use tests::visitor::Visitor;
use tests::wait::{SOON, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const PAGE: &str = r#"<!doctype html><html lang="en"><head><title>T</title><script>if (a < b) {}</script></head><body>
<h1>Log an <em>incident</em></h1>
<form method="post"><label for="t">Title &amp; more</label><input id="t" name="title" value="a&#39;b">
<label>Kind <select name="kind"><option value="x">X</option><option value="y" selected>Y</option></select></label>
<input type="checkbox" name="off" value="1"><input type="checkbox" name="on" value="1" checked>
<textarea name="summary">
two
lines</textarea><button>Continue</button></form></body></html>"#;

/// A page is read by heading, label and form, with references resolved and unticked boxes left out.
#[test]
fn pages_are_read_as_people_meet_them() {
    let page = Page::read(PAGE);
    assert_eq!(page.heading(), "Log an incident");
    assert_eq!(page.labelled("Title & more").attribute("value"), Some("a'b"));
    assert_eq!(page.labelled("Kind").attribute("name"), Some("kind"));
    let fields = page.form("Continue").fields();
    let expected = [("title", "a'b"), ("kind", "y"), ("on", "1"), ("summary", "two\nlines")];
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(form_encoded(&fields), "title=a%27b&kind=y&on=1&summary=two%0Alines");
}

/// A page with tags in the wrong order fails.
#[test]
#[should_panic(expected = "</b> closes <i>")]
fn broken_pages_are_not_taken() {
    let _ = Page::read("<p><b><i>x</b></i></p>");
}

/// A wait for something that never comes fails, and says what it was.
#[tokio::test]
#[should_panic(expected = "in vain for the moon")]
async fn waits_have_a_bound() {
    until("the moon", Duration::from_millis(30), async || None::<()>).await;
}

/// A server that answers every request with its body.
async fn echo() -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4_096];
            let read = stream.read(&mut request).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&request[..read]).into_owned();
            let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, tasks)
}

async fn leading_to(target: SocketAddr) -> Proxy {
    let proxy = Proxy::start().await;
    proxy.lead_to(target);
    proxy
}

/// The proxy carries, cuts, and drops answers after the work was done.
#[tokio::test]
async fn the_proxy_cuts_the_line_on_command() {
    let (target, _server) = echo().await;
    let proxy = leading_to(target).await;
    let visitor = Visitor::new(proxy.address);
    let send = async || visitor.send("POST", "/", &[], b"hello").await;
    assert_eq!(send().await.expect("an answer").text(), "hello");
    for (fault, reached) in [(Fault::Reset, false), (Fault::CutRequest, false), (Fault::DropResponse, true)] {
        let before = proxy.passed().len();
        proxy.set(fault);
        assert!(send().await.is_none(), "{fault:?}");
        assert_eq!(proxy.passed().len() > before, reached, "{fault:?}");
    }
    proxy.set(Fault::None);
    assert_eq!(send().await.expect("an answer").text(), "hello");
}

/// A held message goes on only when it is let go.
#[tokio::test]
async fn the_proxy_holds_messages() {
    let (target, _server) = echo().await;
    let proxy = leading_to(target).await;
    proxy.hold_at(Point::BeforeReturn);
    let visitor = Visitor::new(proxy.address);
    let mut asked = JoinSet::new();
    asked.spawn(async move { visitor.send("POST", "/", &[], b"hello").await.is_some() });
    proxy.held().await;
    assert!(asked.try_join_next().is_none(), "it went on by itself");
    proxy.let_go();
    until("the answer", SOON, async || asked.try_join_next()).await.expect("no panic");
}

/// A process says where it listens, and its proxy leads there and nowhere else: not to its old port once it is killed.
#[tokio::test]
async fn processes_say_where_they_listen() {
    let mut stage = Stage::set(On::Sqlite, 0).await;
    let actor = &mut stage.operator;
    let visitor = Visitor::new(actor.proxy.address);
    let reached = async || visitor.try_get("/health/ready").await.is_some_and(|answer| answer.status == 200);
    assert!(!reached().await, "it leads nowhere before the start");
    for start in ["first", "second"] {
        actor.start().await;
        let said = format!(r#""message":"listening","address":"{}""#, actor.address());
        assert!(actor.process().log().iter().any(|line| line.contains(&said)), "{start}: {:?}", actor.process().log());
        assert!(reached().await, "{start}: it leads to the process");
        actor.kill();
        assert!(!reached().await, "{start}: it leads nowhere after the kill");
    }
}

/// A process that can't start fails the test with its status and its own words.
#[tokio::test]
#[should_panic(expected = "the node ended by itself, exit status: 2; its last lines:\ntocsin: --issuer must")]
async fn processes_that_cannot_start_say_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("nobody.db").display());
    let key_file = folder.path().join("data.key");
    let _ = Process::serve(&Serving { database, key_file, issuer: "no origin".to_owned() }).await;
}

/// A scripted partner stores a message once, and its receipts are refused when they are forged.
#[test]
fn scripted_partners_keep_real_books() {
    let now = 1_795_000_000;
    let (a, b) = (Scripted::new("A", "http://127.0.0.1:1"), Scripted::new("B", "http://127.0.0.1:2"));
    a.pin(&b.card(now), &b.manifest(now));
    b.pin(&a.card(now), &a.manifest(now));
    let heartbeat = a.heartbeat(now);
    let first = b.answer(heartbeat.as_bytes(), now);
    assert_eq!(first.receipt, b.answer(heartbeat.as_bytes(), now + 5).receipt, "a repeat gets the same receipt");
    assert_eq!(b.received().len(), 1);
    b.behave(Behaviour::Forge);
    let forged = b.answer(a.heartbeat(now).as_bytes(), now).receipt.expect("a forgery");
    assert_eq!(a.answer(forged.as_bytes(), now).status, 400);
}
