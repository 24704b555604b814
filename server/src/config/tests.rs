#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::ffi::OsString;

use clap::CommandFactory as _;

use super::secrets::{read_secret, write_private_file};
use super::sources::read_from;
use super::{Cli, Command, Fault, Reading, ServeSettings};

fn reading(arguments: &[&str], variables: &[(&str, &str)]) -> Reading {
    let arguments = std::iter::once("tocsin").chain(arguments.iter().copied()).map(OsString::from).collect();
    let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    read_from(arguments, &variable)
}

fn serve_with(arguments: &[&str], variables: &[(&str, &str)]) -> ServeSettings {
    let all: Vec<&str> = std::iter::once("serve").chain(arguments.iter().copied()).collect();
    let reading = reading(&all, variables);
    let Reading::Run(cli) = reading else { panic!("{reading:?}") };
    let Command::Serve(settings) = cli.command else { panic!("asked to serve") };
    *settings
}

fn serve(arguments: &[&str]) -> ServeSettings {
    serve_with(arguments, &[])
}

fn wrong(arguments: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    let reading = reading(arguments, variables);
    let Reading::Wrong(faults) = reading else { panic!("{reading:?}") };
    faults.into_iter().map(|Fault(sentence)| sentence).collect()
}

const GOOD: [&str; 2] = ["--issuer", "https://node-a.example"];

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn good_settings_have_no_faults_and_every_fault_is_listed() {
    assert_eq!(serve(&GOOD).bcrypt_cost, 12);
    assert_eq!(serve(&["--issuer", "http://127.0.0.1:8080", "--loopback-http"]).issuer, "http://127.0.0.1:8080");
    let arguments = "serve --issuer http://node-a.example/ --database mysql:x --bind 0.0.0.0:80 --bcrypt-cost 4 \
                     --first-person-email a@b.example --log =,= --readers many --frobnicate 3 --zone Mars/Base \
                     --contact-phone= --service= --trusted-root /not/there --tls-key /not/there --log-format xml";
    let faults = wrong(&arguments.split_whitespace().collect::<Vec<_>>(), &[]);
    for part in [
        "--issuer must",
        "--database",
        "--bind",
        "--bcrypt-cost",
        "--first-person-email, ",
        "--log is",
        "--readers",
        "--frobnicate is no setting",
        "--zone",
        "--contact-phone",
        "--service",
        "--trusted-root",
        "--tls-key names",
        "--tls-certificate and --tls-key belong",
        "--log-format: must be one of text, json",
    ] {
        assert_eq!(faults.iter().filter(|fault| fault.contains(part)).count(), 1, "{part}: {faults:#?}");
    }
    assert_eq!(faults.len(), 15, "{faults:#?}");
    assert!(faults.iter().all(|fault| fault.ends_with('.') && !fault.contains('\n')), "{faults:#?}");
}

/// Aim: the law and our own targets are settings; another law, or hours that are none, stop the start.
#[test]
fn the_law_and_our_own_targets_are_settings() {
    let plain = serve(&GOOD).duties;
    let targets = [plain.target_people_told, plain.target_follow_up, plain.target_controller_told];
    assert_eq!((plain.law, targets, plain.complaint_promise), (domain::clock_terms::Law::Uk, [None; 3], false));
    let given = [GOOD.as_slice(), &["--law", "eu", "--target-follow-up", "24", "--complaint-promise"]].concat();
    let settings = serve(&given).duties;
    assert_eq!((settings.law, settings.complaint_promise), (domain::clock_terms::Law::Eu, true));
    assert_eq!(settings.target_follow_up.map(domain::values::Hours::get), Some(24));
    for bad in [["--law", "us"], ["--target-people-told", "0"], ["--target-people-told", "soon"]] {
        assert!(!wrong(&[["serve"].as_slice(), &GOOD, &bad].concat(), &[]).is_empty(), "{bad:?}");
    }
}

#[test]
fn a_text_that_is_no_line_says_why() {
    let (long, unseen) = ("n".repeat(201), "Har\u{200b}bour");
    let given =
        [("--organisation", unseen), ("--contact-email", " "), ("--service", "A\u{7}"), ("--contact-phone", &long)];
    let arguments: Vec<&str> =
        ["serve"].into_iter().chain(GOOD).chain(given.iter().flat_map(|(name, text)| [*name, *text])).collect();
    let faults = wrong(&arguments, &[]);
    for fault in [
        "--organisation: it holds a character that can\u{2019}t be seen or that turns text around; type it again without.",
        "--contact-email: it is empty.",
        "--service: it holds a control character.",
        "--contact-phone: it is longer than 200 characters.",
    ] {
        assert!(faults.iter().any(|found| found == fault), "{fault}: {faults:#?}");
    }
}

#[test]
fn the_command_line_wins_over_variables_and_these_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tocsin.toml");
    let text = "issuer = \"https://file.example\"\nreaders = 7\nbcrypt_cost = 11\npartner-rate = 5\n\
                service = [\"A; still A\", \"B\"]\nloopback-http = false\n";
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    let variables = [("TOCSIN_SETTINGS", path), ("TOCSIN_READERS", "8"), ("TOCSIN_BCRYPT_COST", "13")];
    let settings = serve_with(&["--bcrypt-cost", "14"], &variables);
    assert_eq!(settings.issuer, "https://file.example");
    assert_eq!((settings.partner_rate, settings.readers, settings.bcrypt_cost), (5, 8, 14));
    assert!(settings.services.contains(&"B".to_owned()));
    let empty = serve_with(&GOOD, &[("TOCSIN_READERS", "")]);
    assert_eq!(empty.readers, 4, "an empty variable is none");
    assert!(matches!(reading(&["backup", "--settings", path, "copy"], &[]), Reading::Run(_)));
}

#[test]
fn everything_wrong_with_a_file_and_with_variables_is_told_with_where_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tocsin.toml");
    let text = "issuer = 3\nfrob = 1\ndata-key = \"00\"\nreaders = 1.5\nask-data-key = \"yes\"\n\
                partner-rate = 0\npartner_rate = 1\nsettings = \"x\"\n";
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    let faults = wrong(&["serve", "--settings", path], &[("TOCSIN_ADDRESS_RATE", "none")]);
    for part in [
        "--issuer must",
        "frob is no setting",
        "data-key is no setting",
        "readers must be a text or a whole number",
        "ask-data-key must be true or false",
        "partner_rate is there twice",
        "settings is no setting",
        "--address-rate (TOCSIN_ADDRESS_RATE)",
    ] {
        assert_eq!(faults.iter().filter(|fault| fault.contains(part)).count(), 1, "{part}: {faults:#?}");
    }
    assert!(faults.iter().any(|fault| fault.contains("--partner-rate") && fault.contains(path)), "{faults:#?}");
    std::fs::write(path, "issuer = \"https://a.example\"\nreaders 3\n").unwrap();
    let faults = wrong(&["serve", "--settings", path], &[]);
    assert!(faults.iter().any(|fault| fault.contains("line 2")), "{faults:#?}");
    let faults = wrong(&["serve", "--settings", "/not/there.toml", GOOD[0], GOOD[1]], &[]);
    assert!(faults.iter().any(|fault| fault.contains("/not/there.toml: can't be read")), "{faults:#?}");
}

#[test]
fn what_a_command_needs_is_asked_for_and_help_is_no_fault() {
    let faults = wrong(&["person", "add", "--role", "king"], &[]);
    assert_eq!(faults.iter().filter(|fault| fault.contains("--role")).count(), 1, "given, but wrong: {faults:#?}");
    assert!(faults.iter().any(|fault| fault.starts_with("--email")), "{faults:#?}");
    for nothing in [&[][..], &["person"]] {
        let faults = wrong(nothing, &[]);
        assert!(faults.len() == 1 && faults[0].starts_with("Say what to do"), "{faults:#?}");
    }
    let Reading::Show(help) = reading(&["serve", "--help"], &[]) else { panic!("help") };
    assert!(help.contains("TOCSIN_TLS_CERTIFICATE"), "variables are part of the help");
    assert!(matches!(reading(&["--version"], &[]), Reading::Show(_)));
    let secret = [("TOCSIN_DATABASE", "postgres://node:hidden@db/node")];
    let Reading::Show(help) = reading(&["serve", "--help"], &secret) else { panic!("help") };
    assert!(!help.contains("hidden"));
}

#[test]
fn a_lost_data_key_is_never_replaced_and_a_lost_database_never_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("node.db");
    let url = format!("sqlite:{}", database.display());
    let settings = serve(&["--issuer", "https://node-a.example", "--database", &url]);
    assert!(settings.database_must_be_there().is_err());
    std::fs::write(&database, "something").unwrap();
    assert!(settings.data_key().is_err());
    assert!(!dir.path().join("node.db.key").exists());
    std::fs::remove_file(&database).unwrap();
    let made = settings.data_key().unwrap();
    assert_eq!(std::fs::metadata(&database).unwrap().len(), 0, "a first run makes the file before the key");
    assert_eq!(settings.data_key().unwrap().to_hex(), made.to_hex(), "a crash after that is no trap");
    std::fs::remove_file(&database).unwrap();
    let Err(Fault(sentence)) = settings.data_key() else { panic!("the database is lost") };
    assert!(sentence.contains("restore a backup"), "{sentence}");
    assert!(settings.existing_data_key().is_ok(), "restoring needs the key alone");
}

#[test]
fn the_data_key_may_come_from_its_variable() {
    let hex = "5a".repeat(32);
    let settings = serve_with(&GOOD, &[("TOCSIN_DATA_KEY", &hex)]);
    assert_eq!(*settings.data_key().unwrap().to_hex(), hex);
    assert!(!format!("{settings:?}").contains(&hex));
    assert!(serve_with(&GOOD, &[("TOCSIN_DATA_KEY", "5a")]).data_key().is_err());
}

#[test]
fn a_secret_is_made_once_and_kept_from_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    assert!(read_secret(&path).unwrap().is_none());
    write_private_file(&path, "deep").unwrap();
    assert_eq!(read_secret(&path).unwrap().unwrap().trim(), "deep");
    assert!(write_private_file(&path, "other").is_err(), "an existing file is never overwritten");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read_secret(&path).is_err(), "others may read it");
    }
}

#[test]
fn mail_goes_out_under_tls_or_stays_on_this_machine() {
    let with = |arguments: &[&'static str]| [&GOOD[..], arguments].concat();
    let settings = serve(&with(&["--mail-server", "mail.example.org", "--mail-from", "tocsin@example.org"]));
    assert_eq!(settings.mail.port(), 587);
    let here = ["--mail-server", "127.0.0.1", "--mail-from", "tocsin@example.org", "--mail-security", "none"];
    assert_eq!(serve(&with(&here)).mail.port(), 25);
    let login = ["--mail-server", "m.example", "--mail-from", "a@b.example", "--mail-user", "node"];
    let settings = serve_with(&with(&login), &[("TOCSIN_MAIL_PASSWORD", "deep-secret")]);
    assert_eq!(
        settings.mail.login().unwrap().map(|(_, password)| password.to_string()),
        Some("deep-secret".to_owned())
    );
    assert!(!format!("{settings:?}").contains("deep-secret"));
    for (arguments, part) in [
        (&["--mail-server", "m.example"][..], "needs --mail-from"),
        (&["--mail-from", "a@b.example"], "needs --mail-server"),
        (&["--mail-server", "https://m.example", "--mail-from", "a@b.example"], "must be a host name"),
        (&["--mail-server", "m.example", "--mail-from", "nobody"], "must be a mail address"),
        (&["--mail-server", "m.example", "--mail-from", "a@b.example", "--mail-security", "none"], "on this machine"),
        (&["--mail-server", "m.example", "--mail-from", "a@b.example", "--mail-security", "opportunistic"], "one of"),
        (&login, "belong together"),
    ] {
        let all: Vec<&str> = std::iter::once("serve").chain(with(arguments)).collect();
        let faults = wrong(&all, &[]);
        assert!(faults.iter().any(|fault| fault.contains(part)), "{part}: {faults:#?}");
    }
}
