//! `tocsin serve`: one node, from its first settings to an orderly end.

use std::net::TcpListener;
use std::pin::{Pin, pin};
use std::sync::Arc;

use domain::facts::Contact;
use domain::report::Organisation;
use domain::undated::Targets;
use domain::values::{Line, Role};
use webhooks::carrier::Carrier;
use webhooks::http::{Options as CarrierOptions, ReqwestCarrier};

use crate::config::{DutyArgs, Fault, MailSecurity, ServeSettings};
use crate::http::{self, HttpOptions};
use crate::mail::{MailSettings, Mailer, Security};
use crate::node::administer::SetUp;
use crate::node::pairing::Confirmation;
use crate::node::{DutySettings, NewPerson, Node, NodeOptions, Rates, StartError};
use crate::set_up::{self, FirstRun};
use crate::store::{DataKey, StoreSettings};
use crate::time_source::{SystemTime, TimeSource};
use crate::tls::Certificates;

/// Why the program ended.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The program's exit code when it is told twice to stop.
const EXIT_AT_ONCE: i32 = 1;

/// One node, from first settings to last breath. It ends in order when the operating system asks for the end, and at once
/// when asked again.
///
/// # Errors
/// [`Fault`] for settings that can't be used; anything else that stopped it.
pub async fn serve(settings: &ServeSettings) -> Result<(), Failure> {
    let certificates = certificates(settings)?.map(Arc::new);
    let running = async {
        let mut stop = pin!(stop_signal());
        run(settings, certificates.clone(), stop.as_mut()).await
    };
    let watching = async {
        match &certificates {
            Some(certificates) => Arc::clone(certificates).watch(Arc::new(SystemTime)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = running => ended,
        () = watching => Ok(()),
    }
}

fn certificates(settings: &ServeSettings) -> Result<Option<Certificates>, Fault> {
    let (Some(certificate), Some(key)) = (&settings.tls_certificate, &settings.tls_key) else { return Ok(None) };
    Certificates::load(certificate, key).map(Some).map_err(Fault)
}

async fn run(
    settings: &ServeSettings,
    certificates: Option<Arc<Certificates>>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<(), Failure> {
    let maker = Maker::new(settings)?;
    let listener = TcpListener::bind(settings.bind)
        .map_err(|error| Fault(format!("--bind: {} can't be listened on: {error}.", settings.bind)))?;
    let node = match maker.open(None).await {
        Err(StartError::NotSetUp) if settings.organisation.is_some() => {
            // Secrets of a first run are read, or made, on a first run only.
            maker.open(Some(headless(settings)?)).await?
        }
        Err(StartError::NotSetUp) => {
            let socket = listener.try_clone()?;
            let made =
                set_up::in_browser(first_run(settings), socket, certificates.clone(), stop.as_mut(), async |set_up| {
                    maker.open(Some(set_up)).await
                });
            match made.await? {
                Some(node) => node,
                None => return Ok(()),
            }
        }
        Err(error @ StartError::Issuer) => return Err(Fault(format!("{error}.")).into()),
        opened => opened?,
    };
    node.arrive().await;
    node.run()?;
    let options = HttpOptions { trusted_proxy: settings.trusted_proxy, certificates };
    let web = http::serve(Arc::clone(&node), listener, options)?;
    tracing::info!(address = %web.addr(), issuer = %settings.issuer, tls = settings.tls_certificate.is_some(), "listening");
    stop.await;
    tracing::info!("stopping");
    let in_order = async {
        node.end_polls();
        web.stop().await;
        node.stop().await;
    };
    tokio::select! {
        () = in_order => {}
        () = stop_signal() => at_once(),
    }
    Ok(())
}

/// Whoever asks twice does not want to wait. What is committed is safe; what is not was never promised.
fn at_once() {
    tracing::warn!("told twice to stop: ending at once");
    std::process::exit(EXIT_AT_ONCE)
}

/// Opens the node, with or without making it.
struct Maker<'a> {
    settings: &'a ServeSettings,
    data_key: DataKey,
    carrier: Arc<dyn Carrier>,
    mail: Option<MailSettings>,
}

impl<'a> Maker<'a> {
    fn new(settings: &'a ServeSettings) -> Result<Self, Failure> {
        let trusted_roots = settings.trusted_root_pems()?;
        let mail = mail(settings, &trusted_roots)?;
        let carrier = ReqwestCarrier::new(&CarrierOptions {
            trusted_roots,
            loopback_http: settings.loopback_http,
            user_agent: concat!("tocsin/", env!("CARGO_PKG_VERSION")).to_owned(),
        })?;
        Ok(Self { settings, data_key: settings.data_key()?, carrier: Arc::new(carrier), mail })
    }

    async fn open(&self, set_up: Option<SetUp>) -> Result<Arc<Node>, StartError> {
        let settings = self.settings;
        Node::open(NodeOptions {
            store: StoreSettings {
                url: settings.database.clone(),
                data_key: self.data_key.clone(),
                readers: settings.readers,
            },
            issuer: settings.issuer.clone(),
            loopback_http: settings.loopback_http,
            zone: settings.zone,
            duties: duty_settings(&settings.duties),
            time: Arc::new(SystemTime),
            carrier: Arc::clone(&self.carrier),
            bcrypt_cost: settings.bcrypt_cost,
            rates: Rates {
                partner_per_minute: settings.partner_rate,
                partner_burst: settings.partner_burst,
                address_per_minute: settings.address_rate,
            },
            mail: self.mail.clone(),
            reachable: settings.reachable,
            set_up,
        })
        .await
    }
}

/// How mail leaves, as the settings say; `None` without a mail server. `trusted_roots` are PEM files.
///
/// # Errors
/// [`Fault`] when the password can't be read, or the settings don't go together.
pub fn mail(settings: &ServeSettings, trusted_roots: &[Vec<u8>]) -> Result<Option<MailSettings>, Fault> {
    let mail = &settings.mail;
    let (Some(server), Some(from)) = (&mail.mail_server, &mail.mail_from) else { return Ok(None) };
    let made = MailSettings {
        server: server.clone(),
        port: mail.port(),
        security: match mail.mail_security {
            MailSecurity::Starttls => Security::StartTls,
            MailSecurity::Tls => Security::Tls,
            MailSecurity::None => Security::None,
        },
        login: mail.login()?,
        from: from.clone(),
        trusted_roots: trusted_roots.to_vec(),
    };
    Mailer::new(made.clone()).map_err(|fault| Fault(format!("--mail-server: {fault}.")))?;
    Ok(Some(made))
}

/// What the pages of a first run are about.
fn first_run(settings: &ServeSettings) -> FirstRun {
    let from_file = !settings.ask_data_key && settings.data_key_variable.is_none();
    FirstRun {
        issuer: settings.issuer.clone(),
        zone: settings.zone,
        time: Arc::new(SystemTime) as Arc<dyn TimeSource>,
        database: without_secrets(&settings.database),
        // On paper a path has to be whole.
        key_file: from_file
            .then(|| settings.key_file.clone().unwrap_or_else(|| settings.beside("key")))
            .map(|path| std::path::absolute(&path).unwrap_or(path)),
        link_file: settings.set_up_link_file.clone().unwrap_or_else(|| settings.beside("set-up-link")),
        trusted_proxy: settings.trusted_proxy,
    }
}

/// A database's address without user, password and options: fit for paper.
fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let rest = rest.split('?').next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, after)| after);
    format!("{scheme}://{rest}")
}

/// What a node is made with when its answers are settings.
fn headless(settings: &ServeSettings) -> Result<SetUp, Fault> {
    let name = settings.organisation.as_deref().unwrap_or_default();
    let line = |text: &str, what: &str| Line::parse(text).map_err(|error| Fault(format!("{what}: {error}.")));
    let optional = |text: &Option<String>, what: &str| text.as_deref().map(|text| line(text, what)).transpose();
    let organisation = Organisation {
        name: line(name, "--organisation")?,
        contact: Contact {
            role: line("Data protection officer", "the contact's role")?,
            email: optional(&settings.contact_email, "--contact-email")?,
            phone: optional(&settings.contact_phone, "--contact-phone")?,
            out_of_hours: None,
        },
        dpo: None,
        address: None,
        ico_registration: None,
        sector: None,
    };
    let mut people = Vec::new();
    if let (Some(email), Some(name), Some(password)) =
        (&settings.first_person_email, &settings.first_person_name, settings.first_person_password()?)
    {
        people.push(NewPerson {
            name: line(name, "--first-person-name")?,
            email: line(email, "--first-person-email")?,
            password: password.to_string(),
            roles: vec![Role::Administrator, Role::Responder, Role::Dpo, Role::Manager],
        });
    }
    let services = settings.services.iter().map(|name| line(name, "--service")).collect::<Result<_, _>>()?;
    Ok(SetUp {
        organisation,
        passphrase: settings.passphrase()?,
        people,
        services,
        confirmation: Confirmation::SecondPerson,
    })
}

/// Waits for the operating system to ask for the end.
pub async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        // Without signals the program runs until it is killed.
        std::future::pending::<()>().await;
    }
}

/// Which law applies, and what our own people aim at or promise beside it.
const fn duty_settings(args: &DutyArgs) -> DutySettings {
    DutySettings {
        law: args.law,
        targets: Targets {
            people_told: args.target_people_told,
            follow_up: args.target_follow_up,
            controller_told: args.target_controller_told,
        },
        complaint_promise: args.complaint_promise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: the recovery sheet shows where the database is, and no password.
    #[test]
    fn addresses_for_paper() {
        assert_eq!(without_secrets("sqlite:/var/lib/tocsin/node.db"), "sqlite:/var/lib/tocsin/node.db");
        let url = "postgres://tocsin:sec%40ret@db.example:5432/tocsin?password=again";
        assert_eq!(without_secrets(url), "postgres://db.example:5432/tocsin");
    }
}
