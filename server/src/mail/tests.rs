//! What leaves, and what a server that is not to be trusted can make of the connection.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

fn settings(port: u16, security: Security) -> MailSettings {
    MailSettings {
        server: "127.0.0.1".to_owned(),
        port,
        security,
        login: None,
        from: "tocsin@operator.example".to_owned(),
        trusted_roots: Vec::new(),
    }
}

fn mail() -> Outgoing {
    Outgoing {
        to: "dpo@council.example".to_owned(),
        from_name: "Example Operator".to_owned(),
        subject: "A security notice is waiting".to_owned(),
        text: "Read it here:\n\nhttps://node-a.example/ack/abc\n".to_owned(),
        message_id: message_id(uuid::Uuid::from_u128(7), "https://node-a.example:8443"),
        at: Moment::parse("2026-03-01T02:10:00Z").unwrap(),
    }
}

/// A server that says its lines one by one, whatever it is told; answers all that it was told.
async fn scripted(lines: &[&'static str]) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let lines = lines.to_vec();
    let told = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut told = Vec::new();
        for line in lines {
            stream.write_all(line.as_bytes()).await.unwrap();
            let mut buffer = [0; 4_096];
            let read = stream.read(&mut buffer).await.unwrap_or(0);
            told.extend_from_slice(buffer.get(..read).unwrap());
        }
        drop(stream.read_to_end(&mut told).await);
        String::from_utf8_lossy(&told).into_owned()
    });
    (port, told)
}

async fn sent(security: Security, lines: &[&'static str]) -> (Outcome, String) {
    let (port, told) = scripted(lines).await;
    let outcome = Mailer::new(settings(port, security)).unwrap().send(&mail()).await;
    (outcome, told.await.unwrap())
}

/// A server that refuses is asked to close, and says good-bye.
const BYE: &str = "221 bye\r\n";
const GREETING: &str = "220 mail.example ESMTP\r\n";
const PLAIN: &str = "250-mail.example\r\n250 8BITMIME\r\n";
const OFFERS_TLS: &str = "250-mail.example\r\n250 STARTTLS\r\n";

/// Aim: a mail is plain text with a fixed id and date, marked as made by a machine; nothing typed becomes a header.
#[test]
fn what_a_mail_looks_like() {
    let mailer = Mailer::new(settings(25, Security::None)).unwrap();
    let text = |mail: &Outgoing| String::from_utf8(mailer.written(mail).unwrap().formatted()).unwrap();
    let plain = text(&mail());
    for line in [
        "From: \"Example Operator\" <tocsin@operator.example>\r\n",
        "To: dpo@council.example\r\n",
        "Subject: A security notice is waiting\r\n",
        "Date: Sun, 01 Mar 2026 02:10:00 +0000\r\n",
        "Message-ID: <00000000-0000-0000-0000-000000000007@node-a.example>\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "https://node-a.example/ack/abc\r\n",
    ] {
        assert!(plain.contains(line), "{line}{plain}");
    }
    let sly = Outgoing {
        from_name: "Ann\r\nBcc: spy@evil.example".to_owned(),
        subject: "Notice\r\n\r\nBcc: spy@evil.example".to_owned(),
        message_id: "a@b>\r\nBcc: spy@evil.example".to_owned(),
        ..mail()
    };
    let head = text(&sly);
    let head = head.split_once("\r\n\r\n").unwrap().0.to_lowercase();
    assert!(!head.contains("\nbcc:"), "{head}");
    assert!(mailer.written(&Outgoing { to: "a@b.example, c@d.example".to_owned(), ..mail() }).is_none());
    assert!(mailer.written(&Outgoing { to: "a@b.example\r\nRCPT TO:<c@d.example>".to_owned(), ..mail() }).is_none());
}

/// Aim: only whole addresses in ASCII are addresses.
#[test]
fn addresses() {
    assert!(Address::parse("a.name@example.org").is_ok());
    for none in [
        "",
        "a",
        "a@",
        "@b.example",
        "a b@c.example",
        "a@b.example>",
        "jos\u{e9}@b.example",
        "a@b.example, c@d.example",
    ] {
        assert!(Address::parse(none).is_err(), "{none:?}");
    }
    let id = message_id(uuid::Uuid::nil(), "https://[2001:db8::1]:8443");
    assert_eq!(id, "00000000-0000-0000-0000-000000000000@[2001:db8::1]");
}

/// Aim: what a server says becomes its code and nothing else.
#[tokio::test]
async fn answers_are_codes() {
    let took = [GREETING, PLAIN, "250 good\r\n", "250 good\r\n", "354 go on\r\n", "250 taken\r\n", "221 bye\r\n"];
    let (outcome, told) = sent(Security::None, &took).await;
    assert_eq!(outcome, Outcome::Accepted);
    assert!(told.contains("MAIL FROM:<tocsin@operator.example>") && told.contains("RCPT TO:<dpo@council.example>"));
    let (outcome, _) = sent(Security::None, &[GREETING, PLAIN, "250 good\r\n", "550 nobody here\r\n", BYE]).await;
    assert_eq!((outcome, outcome.heard()), (Outcome::Refused(550), Heard::Misdirected { status: 550 }));
    assert!(!outcome.to_string().contains("nobody"), "{outcome}");
    let (outcome, _) = sent(Security::None, &[GREETING, PLAIN, "250 good\r\n", "451 later\r\n", BYE]).await;
    assert_eq!((outcome, outcome.heard()), (Outcome::Later(451), Heard::Busy { retry_after_seconds: None }));
    let (outcome, _) = sent(Security::None, &["I am no mail server\r\n"]).await;
    assert_eq!(outcome.heard(), Heard::NotReached);
}

/// Aim: where TLS is asked for, a server without it, or one that somebody in between made so, gets no mail.
#[tokio::test]
async fn no_mail_without_tls() {
    let (outcome, told) = sent(Security::StartTls, &[GREETING, PLAIN]).await;
    assert_eq!(outcome, Outcome::NotReached(Unreached::Offers));
    assert!(!told.contains("MAIL FROM"), "{told}");
    let (outcome, told) = sent(Security::StartTls, &[GREETING, OFFERS_TLS, "454 not now\r\n", BYE]).await;
    assert_eq!(outcome, Outcome::Later(454));
    assert!(!told.contains("MAIL FROM"), "{told}");
}

/// Aim: words that somebody in between adds after the server's "go on" are never taken for the server's.
#[tokio::test]
async fn nothing_said_before_tls_counts_after_it() {
    let injected = "220 go on\r\n250 mail.example\r\n250 good\r\n250 good\r\n354 go on\r\n250 taken\r\n";
    let (outcome, told) = sent(Security::StartTls, &[GREETING, OFFERS_TLS, injected]).await;
    assert!(matches!(outcome, Outcome::NotReached(_)), "{outcome:?}");
    assert!(!told.contains("MAIL FROM"), "{told}");
}

/// Aim: a server that says nothing holds nobody up for ever.
#[tokio::test]
async fn a_silent_server_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mailer = Mailer::with_limit(settings(port, Security::None), Duration::from_millis(100)).unwrap();
    assert_eq!(mailer.send(&mail()).await, Outcome::NotReached(Unreached::Timeout));
    assert!(mailer.last_seen().failed.is_some());
    drop(listener);
}

/// Aim: a server that nobody vouches for can fill no memory.
#[tokio::test]
async fn an_endless_greeting_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let endless = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        while stream.write_all(&[b'2'; 65_536]).await.is_ok() {}
    });
    let outcome = Mailer::new(settings(port, Security::None)).unwrap().send(&mail()).await;
    assert_eq!(outcome, Outcome::NotReached(Unreached::Connection));
    endless.await.unwrap();
}

/// Aim: settings that would send in the clear to another machine, or a password in the clear, are refused.
#[test]
fn the_clear_stays_here() {
    assert!(Mailer::new(MailSettings { server: "mail.example".to_owned(), ..settings(25, Security::None) }).is_err());
    let login = Some(("node".to_owned(), "secret".to_owned().into()));
    assert!(Mailer::new(MailSettings { login: login.clone(), ..settings(25, Security::None) }).is_err());
    let made = MailSettings { login, ..settings(587, Security::StartTls) };
    assert!(!format!("{made:?}").contains("secret"));
    assert!(Mailer::new(made).is_ok());
    assert!(Mailer::new(MailSettings { from: "nobody".to_owned(), ..settings(587, Security::StartTls) }).is_err());
}
