//! The program `tocsin`: reads its settings, starts, and stops in order when told to.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use domain::facts::Contact;
use domain::report::Organisation;
use domain::values::{Line, Role};
use server::config::{Cli, Command, Fault, LogFormat, ServeSettings};
use server::demo::{self, DemoOptions};
use server::http::{self, HttpOptions};
use server::node::administer::SetUp;
use server::node::pairing::Confirmation;
use server::node::{NewPerson, Node, NodeOptions, Rates, StartError};
use server::store::StoreSettings;
use server::time_source::SystemTime;
use tracing_subscriber::EnvFilter;
use webhooks::carrier::Carrier;
use webhooks::http::{Options as CarrierOptions, ReqwestCarrier};

/// Wrong settings.
const EXIT_SETTINGS: u8 = 2;
/// The start failed, or the program had to stop.
const EXIT_FAILED: u8 = 1;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // One cryptographic library for everything, chosen before anything asks.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return failed("The cryptographic provider could not be installed.");
    }
    match cli.command {
        Command::Check(settings) => match settings.faults().as_slice() {
            [] => ExitCode::SUCCESS,
            faults => wrong(faults),
        },
        Command::Serve(settings) => match settings.faults().as_slice() {
            [] => started(settings.log_format, &settings.log, serve(&settings)),
            faults => wrong(faults),
        },
        Command::Demo(settings) => {
            let options = DemoOptions { speed: settings.speed, ports: settings.ports, describe: settings.describe };
            started(settings.log_format, &settings.log, async { Ok(demo::run(options, stop_signal()).await?) })
        }
    }
}

/// Why the program ended.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs until the end, with the log going.
fn started(format: LogFormat, filter: &str, run: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    // Anybody can send what is no HTTP: the web server's own words on that are left out unless asked for.
    let Ok(filter) = EnvFilter::try_new(format!("actix_http=off,{filter}")) else {
        return wrong(&[Fault("--log is not a level or a filter.".to_owned())]);
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    match runtime.block_on(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => match failure.downcast::<Fault>() {
            Ok(fault) => wrong(&[*fault]),
            Err(failure) => failed(&sentence(failure.as_ref())),
        },
    }
}

/// An error and its causes in one line.
fn sentence(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// One node, from first settings to last breath.
async fn serve(settings: &ServeSettings) -> Result<(), Failure> {
    let carrier = ReqwestCarrier::new(&CarrierOptions {
        trusted_roots: settings.trusted_root_pems()?,
        loopback_http: settings.loopback_http,
        user_agent: concat!("tocsin/", env!("CARGO_PKG_VERSION")).to_owned(),
    })?;
    let listener = TcpListener::bind(settings.bind)
        .map_err(|error| Fault(format!("--bind: {} can't be listened on: {error}.", settings.bind)))?;
    let carrier = Arc::new(carrier);
    let options = |set_up| {
        Ok::<_, Fault>(NodeOptions {
            store: StoreSettings {
                url: settings.database.clone(),
                data_key: settings.data_key()?,
                readers: settings.readers,
            },
            issuer: settings.issuer.clone(),
            loopback_http: settings.loopback_http,
            zone: settings.zone,
            time: Arc::new(SystemTime),
            carrier: Arc::clone(&carrier) as Arc<dyn Carrier>,
            bcrypt_cost: settings.bcrypt_cost,
            rates: Rates {
                partner_per_minute: settings.partner_rate,
                partner_burst: settings.partner_burst,
                address_per_minute: settings.address_rate,
            },
            set_up,
        })
    };
    // Secrets of a first run are read, or made, on a first run only.
    let node = match Node::open(options(None)?).await {
        Err(StartError::NotSetUp) if settings.organisation.is_some() => {
            Node::open(options(Some(set_up(settings)?))?).await?
        }
        Err(error @ (StartError::NotSetUp | StartError::Issuer)) => return Err(Fault(format!("{error}.")).into()),
        opened => opened?,
    };
    node.run()?;
    let options = HttpOptions { trusted_proxy: settings.trusted_proxy };
    let web = http::serve(Arc::clone(&node), listener, options)?;
    tracing::info!(address = %web.addr(), issuer = %settings.issuer, "listening");
    stop_signal().await;
    tracing::info!("stopping");
    web.stop().await;
    node.stop().await;
    Ok(())
}

/// What a new node is made with.
fn set_up(settings: &ServeSettings) -> Result<SetUp, Fault> {
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
async fn stop_signal() {
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

fn wrong(faults: &[Fault]) -> ExitCode {
    for fault in faults {
        say(&fault.to_string());
    }
    ExitCode::from(EXIT_SETTINGS)
}

fn failed(sentence: &str) -> ExitCode {
    say(sentence);
    ExitCode::from(EXIT_FAILED)
}

/// One line on the error stream; when even that is gone there is nobody to tell.
fn say(sentence: &str) {
    drop(writeln!(std::io::stderr(), "tocsin: {sentence}"));
}
