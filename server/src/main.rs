//! The program `tocsin`: reads its settings, does what they ask, and says in one sentence why it could not.

use std::io::Write as _;
use std::process::ExitCode;

use server::commands::{self, Faults};
use server::config::{Command, Fault, LogFormat, NodeArgs, Reading, read};
use server::demo::{self, DemoOptions};
use server::health::health;
use server::serve::{Failure, serve, stop_signal};
use tracing_subscriber::EnvFilter;

/// Wrong settings, or input that can't be used.
const EXIT_INPUT: u8 = 2;
/// The start failed, or the program had to stop.
const EXIT_FAILED: u8 = 1;

fn main() -> ExitCode {
    let cli = match read() {
        Reading::Run(cli) => cli,
        Reading::Show(text) => return ended(writeln!(std::io::stdout(), "{}", text.trim_end()).map_err(Failure::from)),
        Reading::Wrong(faults) => return wrong(&faults),
    };
    // One cryptographic library for everything, chosen before anything asks.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return failed("The cryptographic provider could not be installed.");
    }
    let out = &mut std::io::stdout();
    match cli.command {
        Command::Serve(settings) => with_log(&settings.node, serve(&settings)),
        Command::Demo(settings) => {
            let options = DemoOptions { speed: settings.speed, ports: settings.ports, describe: settings.describe };
            started(settings.log_format, &settings.log, async { Ok(demo::run(options, stop_signal()).await?) })
        }
        Command::Check(settings) => ended(commands::check(&settings, out)),
        Command::Backup(settings) => with_log(&settings.node, commands::backup(&settings, out)),
        Command::Restore(settings) => with_log(&settings.node, commands::restore(&settings, out)),
        Command::Import(settings) => with_log(&settings.node, commands::import(&settings, out)),
        Command::Export(settings) => with_log(&settings.node, commands::export(&settings, out)),
        Command::Person(command) => with_log(command.node(), commands::person(&command, out)),
        Command::Token(settings) => with_log(&settings.node, commands::token(&settings, out)),
        Command::DevCerts(settings) => ended(commands::dev_certs(&settings, out)),
        Command::Health(settings) => with_log(&settings.node, health(&settings)),
    }
}

fn with_log(node: &NodeArgs, run: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    started(node.log_format, &node.log, run)
}

/// Runs until the end, with the log going.
fn started(format: LogFormat, filter: &str, run: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    // Anybody can send what is no HTTP, and workers start and stop: the web server's own words on that are left out unless
    // asked for.
    let Ok(filter) = EnvFilter::try_new(format!("actix_http=off,actix_server=warn,{filter}")) else {
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
    ended(runtime.block_on(run))
}

/// What the program answers to whoever started it.
fn ended(result: Result<(), Failure>) -> ExitCode {
    let failure = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(failure) => failure,
    };
    match failure.downcast::<Faults>() {
        Ok(faults) => wrong(&faults.0),
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

fn wrong(faults: &[Fault]) -> ExitCode {
    for fault in faults {
        complain(&fault.to_string());
    }
    ExitCode::from(EXIT_INPUT)
}

fn failed(sentence: &str) -> ExitCode {
    complain(sentence);
    ExitCode::from(EXIT_FAILED)
}

/// One line on the error stream; when even that is gone there is nobody to tell.
fn complain(sentence: &str) {
    drop(writeln!(std::io::stderr(), "tocsin: {sentence}"));
}
