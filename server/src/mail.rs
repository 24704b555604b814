//! The carrier for e-mail: SMTP to one server that an administrator names.
//!
//! A mail is plain text and short. It goes out under TLS, checked against the system's roots and those that the
//! administrator trusts; a server that offers none gets nothing, but for one on this machine that was expressly named so.
//! Every mail has a fixed `Message-ID`, so that a mail sent twice can be recognised. Of what a server says only its code
//! is kept. Nobody waits longer than [`LIMIT`], and at most `CONNECTIONS_MAX` mails are under way at once.

mod stream;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use domain::delivery::Heard;
use domain::values::Moment;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use zeroize::Zeroizing;

use self::stream::Narrow;

/// How long one mail may take, from waiting for a connection to the server's last word.
pub const LIMIT: Duration = Duration::from_secs(30);
/// How long connecting to one address may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long farewells to the server may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// Mails under way at once; servers dislike more from one sender.
const CONNECTIONS_MAX: usize = 8;
/// Addresses of the server's name that are tried.
const ADDRESSES_MAX: usize = 4;
/// The longest subject, in characters.
const SUBJECT_CHARACTERS_MAX: usize = 200;
/// The code with which servers refuse an address by its form (RFC 5321 §4.2.3); here also ours for one we do not send to.
const BAD_ADDRESS: u16 = 501;

/// How the way to the server is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// STARTTLS before anything else is said (RFC 3207); without it nothing is sent.
    StartTls,
    /// TLS from the first octet (RFC 8314).
    Tls,
    /// None: to a server on this machine only.
    None,
}

impl Security {
    /// What people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::StartTls => "STARTTLS",
            Self::Tls => "TLS",
            Self::None => "no TLS, on this machine",
        }
    }
}

/// How mail leaves.
#[derive(Clone)]
pub struct MailSettings {
    /// Host name or address of the SMTP server.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the way there is secured.
    pub security: Security,
    /// User name and password, if the server wants them.
    pub login: Option<(String, Zeroizing<String>)>,
    /// The address that mails come from.
    pub from: String,
    /// PEM files with certificates to trust beside the system's.
    pub trusted_roots: Vec<Vec<u8>>,
}

impl fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSettings")
            .field("server", &self.server)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// Why mail can't be sent with these settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MailFault(pub &'static str);

/// A mail address: `name@host`, in ASCII, as SMTP carries it everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(lettre::Address);

impl Address {
    /// Reads one.
    ///
    /// # Errors
    /// [`MailFault`] when it is none.
    pub fn parse(text: &str) -> Result<Self, MailFault> {
        let fault = MailFault("give the whole mail address, such as a.name@example.org");
        if !text.is_ascii() {
            return Err(fault);
        }
        text.parse().map(Self).map_err(|_| fault)
    }
}

/// A mail to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// To whom: one address.
    pub to: String,
    /// Whose name stands beside the sender's address.
    pub from_name: String,
    /// What it is about; holds no facts of an incident.
    pub subject: String,
    /// The text; lines end with `\n`.
    pub text: String,
    /// What stands in `Message-ID`, without brackets: the same for every attempt ([`message_id`]).
    pub message_id: String,
    /// When it was written.
    pub at: Moment,
}

/// The `Message-ID` of a message: its id at the host of our issuer.
#[must_use]
pub fn message_id(id: uuid::Uuid, issuer: &str) -> String {
    let authority = issuer.split_once("://").map_or(issuer, |(_, authority)| authority);
    let host = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|octet| octet.is_ascii_digit()));
    format!("{id}@{}", host.map_or(authority, |(host, _)| host))
}

/// What came of sending a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The server took it over. It proves nothing about the recipient.
    Accepted,
    /// The server refused it for good: this code, a 5xx.
    Refused(u16),
    /// The server refused it for now: this code, a 4xx.
    Later(u16),
    /// The server was not reached, or not understood.
    NotReached(Unreached),
}

/// Why a server was not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreached {
    /// No connection, or it broke.
    Connection,
    /// It took too long.
    Timeout,
    /// Its certificate is not trusted, or TLS failed otherwise.
    Tls,
    /// It does not offer what is needed: STARTTLS, or a way to sign in.
    Offers,
}

impl Outcome {
    /// As the rules of delivery see it.
    #[must_use]
    pub const fn heard(self) -> Heard {
        match self {
            Self::Accepted => Heard::Accepted,
            Self::Refused(status) => Heard::Misdirected { status },
            Self::Later(_) => Heard::Busy { retry_after_seconds: None },
            Self::NotReached(_) => Heard::NotReached,
        }
    }

    /// The server's code, if it said no.
    #[must_use]
    pub const fn code(self) -> Option<u16> {
        match self {
            Self::Refused(code) | Self::Later(code) => Some(code),
            Self::Accepted | Self::NotReached(_) => None,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("the mail server took it over"),
            Self::Refused(code) => write!(f, "the mail server refused it (code {code})"),
            Self::Later(code) => write!(f, "the mail server asked to try later (code {code})"),
            Self::NotReached(Unreached::Connection) => f.write_str("the mail server could not be reached"),
            Self::NotReached(Unreached::Timeout) => f.write_str("the mail server took too long"),
            Self::NotReached(Unreached::Tls) => f.write_str("the mail server's certificate is not trusted"),
            Self::NotReached(Unreached::Offers) => {
                f.write_str("the mail server does not offer TLS, or no way to sign in")
            }
        }
    }
}

/// What was last seen of the server, since this start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastSeen {
    /// When it last took a mail over.
    pub accepted_at: Option<Moment>,
    /// When a mail last failed, and why.
    pub failed: Option<(Moment, Outcome)>,
}

/// `Auto-Submitted: auto-generated` (RFC 3834): nobody's absence note answers.
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Sends mail.
pub struct Mailer {
    settings: MailSettings,
    limit: Duration,
    from: lettre::Address,
    way: Way,
    hello: ClientId,
    places: Semaphore,
    /// Connections that the next mail takes over while many are under way; empty when few are.
    kept: Mutex<Vec<AsyncSmtpConnection>>,
    last: Mutex<LastSeen>,
}

impl Mailer {
    /// Makes one; nothing is sent yet.
    ///
    /// # Errors
    /// [`MailFault`].
    pub fn new(settings: MailSettings) -> Result<Self, MailFault> {
        Self::with_limit(settings, LIMIT)
    }

    fn with_limit(settings: MailSettings, limit: Duration) -> Result<Self, MailFault> {
        let Address(from) = Address::parse(&settings.from)?;
        if settings.security == Security::None && (settings.login.is_some() || !is_here(&settings.server)) {
            return Err(MailFault("mail without TLS goes to this machine only, and without a password"));
        }
        let way = match settings.security {
            Security::StartTls => Way::StartTls(tls(&settings)?),
            Security::Tls => Way::Tls(tls(&settings)?),
            Security::None => Way::Clear,
        };
        Ok(Self {
            hello: ClientId::Domain(from.domain().to_owned()),
            from,
            way,
            settings,
            limit,
            places: Semaphore::new(CONNECTIONS_MAX),
            kept: Mutex::new(Vec::new()),
            last: Mutex::new(LastSeen::default()),
        })
    }

    /// The server, its port, and how the way there is secured.
    #[must_use]
    pub fn server(&self) -> (&str, u16, Security) {
        (&self.settings.server, self.settings.port, self.settings.security)
    }

    /// The address that mails come from.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.settings.from
    }

    /// What was last seen of the server, since this start.
    #[must_use]
    pub fn last_seen(&self) -> LastSeen {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a mail and waits for the server's answer.
    pub async fn send(&self, mail: &Outgoing) -> Outcome {
        let outcome = match self.written(mail) {
            None => Outcome::Refused(BAD_ADDRESS),
            Some(message) => match timeout(self.limit, self.hand_over(&message)).await {
                Ok(Ok(idle)) => {
                    // The mail is taken over already: a farewell that fails or hangs changes nothing.
                    let farewell = async {
                        for mut connection in idle {
                            drop(connection.quit().await);
                        }
                    };
                    drop(timeout(FAREWELL, farewell).await);
                    Outcome::Accepted
                }
                Ok(Err(trouble)) => trouble.into(),
                Err(_) => Outcome::NotReached(Unreached::Timeout),
            },
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if outcome == Outcome::Accepted {
            last.accepted_at = Some(mail.at);
        } else {
            last.failed = Some((mail.at, outcome));
            tracing::warn!(server = %self.settings.server, message_id = %mail.message_id, %outcome, "a mail was not sent");
        }
        outcome
    }

    /// The mail as it goes out; `None` when its address is none.
    fn written(&self, mail: &Outgoing) -> Option<Message> {
        let Address(to) = Address::parse(&mail.to).ok()?;
        let written_at = UNIX_EPOCH + Duration::from_secs(u64::try_from(mail.at.unix_seconds()).unwrap_or_default());
        let id: String = mail.message_id.chars().filter(|c| c.is_ascii_graphic() && !"<>".contains(*c)).collect();
        Message::builder()
            .from(Mailbox::new(Some(one_line(&mail.from_name)), self.from.clone()))
            .to(Mailbox::new(None, to))
            .subject(one_line(&mail.subject))
            .date(written_at)
            .message_id(Some(format!("<{id}>")))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())
            .ok()
    }

    /// Answers with the connections that nobody needs any more.
    async fn hand_over(&self, message: &Message) -> Result<Vec<AsyncSmtpConnection>, Trouble> {
        // Never closed.
        let _place = self.places.acquire().await;
        let mut connection = match self.kept_one().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        connection.send(message.envelope(), &message.formatted()).await?;
        if self.places.available_permits() == 0 {
            self.kept().push(connection);
            return Ok(Vec::new());
        }
        // Few are under way: nobody is kept waiting for a connection that the server may close.
        let mut idle = std::mem::take(&mut *self.kept());
        idle.push(connection);
        Ok(idle)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<AsyncSmtpConnection>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A kept connection that still works.
    async fn kept_one(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let mut connection = self.kept().pop()?;
            if connection.test_connected().await {
                return Some(connection);
            }
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Trouble> {
        let mut connection = match &self.way {
            Way::Tls(tls) => {
                let server = (self.settings.server.as_str(), self.settings.port);
                AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT), &self.hello, Some(tls.clone()), None).await?
            }
            Way::StartTls(tls) => {
                let mut connection = self.connect_in_the_clear().await?;
                connection.starttls(tls.clone(), &self.hello).await?;
                connection
            }
            Way::Clear => self.connect_in_the_clear().await?,
        };
        // Without TLS there is no login ([`Mailer::new`]).
        if let Some((user, password)) = &self.settings.login {
            let credentials = Credentials::new(user.clone(), password.to_string());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(connection)
    }

    async fn connect_in_the_clear(&self) -> Result<AsyncSmtpConnection, Trouble> {
        let stream = self.dial().await.ok_or(Trouble::Unreached(Unreached::Connection))?;
        Ok(AsyncSmtpConnection::connect_with_transport(Box::new(Narrow::new(stream)), &self.hello).await?)
    }

    async fn dial(&self) -> Option<TcpStream> {
        let here_only = matches!(self.way, Way::Clear);
        let found = lookup_host((self.settings.server.as_str(), self.settings.port)).await.ok()?;
        let fit = |address: &SocketAddr| !here_only || address.ip().is_loopback();
        for address in found.filter(fit).take(ADDRESSES_MAX) {
            if let Ok(Ok(stream)) = timeout(CONNECT, TcpStream::connect(address)).await {
                return Some(stream);
            }
        }
        None
    }
}

/// How the server is reached.
enum Way {
    StartTls(TlsParameters),
    Tls(TlsParameters),
    Clear,
}

/// Why a mail was not handed over.
enum Trouble {
    Smtp(smtp::Error),
    Unreached(Unreached),
}

impl From<smtp::Error> for Trouble {
    fn from(error: smtp::Error) -> Self {
        Self::Smtp(error)
    }
}

impl From<Trouble> for Outcome {
    fn from(trouble: Trouble) -> Self {
        let error = match trouble {
            Trouble::Unreached(why) => return Self::NotReached(why),
            Trouble::Smtp(error) => error,
        };
        match error.status() {
            Some(code) if error.is_permanent() => Self::Refused(code.into()),
            Some(code) => Self::Later(code.into()),
            None if error.is_timeout() => Self::NotReached(Unreached::Timeout),
            None if error.is_tls() || is_about_tls(&error) => Self::NotReached(Unreached::Tls),
            None if error.is_client() => Self::NotReached(Unreached::Offers),
            None => Self::NotReached(Unreached::Connection),
        }
    }
}

/// Whether an error came out of TLS: the library hides it in errors of input and output.
fn is_about_tls(error: &smtp::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let hidden = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if inner.is::<rustls::Error>() || hidden.is_some_and(|hidden| hidden.is::<rustls::Error>()) {
            return true;
        }
        cause = inner.source();
    }
    false
}

fn tls(settings: &MailSettings) -> Result<TlsParameters, MailFault> {
    let mut builder = TlsParameters::builder(settings.server.clone());
    for pem in &settings.trusted_roots {
        let root = Certificate::from_pem(pem).map_err(|_| MailFault("a trusted root is no PEM certificate"))?;
        builder = builder.add_root_certificate(root);
    }
    builder.build().map_err(|_| MailFault("the certificates to trust could not be read"))
}

/// Whether a host is this machine.
#[must_use]
pub fn is_here(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Without control characters, so that no text makes a header of its own, and cut where it is too long.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SUBJECT_CHARACTERS_MAX).collect()
}
