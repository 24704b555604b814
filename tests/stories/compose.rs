//! The compose file, where no Docker runs: the same commands with the same settings, started as processes. Only folders,
//! ports and the database's address are others, because a test has its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tests::On;
use tests::program::{Program, SecureVisitor, ran};
use tests::wait::until;

/// How long a start may take on a busy machine in a debug build.
const START: Duration = Duration::from_secs(60);
/// The nodes of the file, and the database that takes the place of theirs.
const NODES: [(&str, On); 2] = [("operator", On::Sqlite), ("council", On::Postgres)];

/// One service, as far as a process needs it.
#[derive(Debug, Default)]
struct Service {
    command: Vec<String>,
    environment: BTreeMap<String, String>,
    volumes: Vec<String>,
    ports: Vec<String>,
}

fn read(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    std::fs::read_to_string(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Reads the services of the file. It keeps to block mappings two spaces deep with JSON values, which YAML reads too; what
/// is written otherwise fails here.
fn services(text: &str) -> BTreeMap<String, Service> {
    let mut found: BTreeMap<String, Service> = BTreeMap::new();
    let (mut section, mut service, mut key) = (String::new(), String::new(), String::new());
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        let depth = line.len() - line.trim_start().len();
        let (name, value) = line.trim().split_once(':').unwrap_or_else(|| panic!("no name: {line}"));
        let value = value.trim();
        match depth {
            0 => name.clone_into(&mut section),
            _ if section != "services" => {}
            2 => {
                name.clone_into(&mut service);
                found.insert(service.clone(), Service::default());
            }
            4 => {
                name.clone_into(&mut key);
                let held = found.get_mut(&service).expect("inside a service");
                let list = || serde_json::from_str(value).unwrap_or_else(|error| panic!("{line}: {error}"));
                match name {
                    "command" => held.command = list(),
                    "volumes" => held.volumes = list(),
                    "ports" => held.ports = list(),
                    _ => {}
                }
            }
            6 if key == "environment" => {
                let value = serde_json::from_str(value).unwrap_or_else(|error| panic!("{line}: {error}"));
                found.get_mut(&service).expect("inside a service").environment.insert(name.to_owned(), value);
            }
            6 => {}
            _ => panic!("deeper than this reader goes: {line}"),
        }
    }
    found
}

/// Where a container's path is in a test: each volume is a folder.
fn placed(service: &Service, folder: &Path, text: &str) -> String {
    for volume in &service.volumes {
        let mut parts = volume.split(':');
        let (name, inside) = (parts.next().expect("a volume"), parts.next().expect("its place"));
        if let Some((before, rest)) = text.split_once(inside)
            && (before.is_empty() || before.ends_with(':'))
        {
            return format!("{before}{}{rest}", folder.join(name).display());
        }
    }
    text.to_owned()
}

/// The settings of a node, with this test's places.
fn settings(service: &Service, folder: &Path, database: &str) -> Vec<(String, String)> {
    let published = service.ports.first().expect("a published port").rsplit_once(':').expect("a port inside").1;
    let issuer = &service.environment["TOCSIN_ISSUER"];
    assert!(issuer.ends_with(&format!(":{published}")), "browsers and partners reach the node at the same address");
    assert!(service.environment["TOCSIN_BIND"].ends_with(&format!(":{published}")));
    let mut all: Vec<(String, String)> =
        service.environment.iter().map(|(name, value)| (name.clone(), placed(service, folder, value))).collect();
    for (name, value) in &mut all {
        match name.as_str() {
            "TOCSIN_BIND" => "127.0.0.1:0".clone_into(value),
            "TOCSIN_DATABASE" if value.starts_with("postgres:") => database.clone_into(value),
            "TOCSIN_LOG_FORMAT" => assert_eq!(value, "json", "containers log for machines"),
            _ => {}
        }
    }
    all
}

/// Certificates are made once and again; each node starts with the file's own settings, says over TLS that it waits to be
/// set up, and its health check agrees.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_compose_file_starts() {
    let services = services(&read("docker-compose.yml"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    for service in services.values() {
        for volume in &service.volumes {
            let name = volume.split(':').next().expect("a volume");
            std::fs::create_dir_all(folder.path().join(name)).expect("its folder");
        }
    }
    let certificates = &services["certificates"];
    let command: Vec<String> =
        certificates.command.iter().map(|word| placed(certificates, folder.path(), word)).collect();
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    assert!(ran(&command, &[]).success(), "the certificates are made");
    assert!(ran(&command, &[]).success(), "a second start finds them");
    for (name, on) in NODES {
        let service = &services[name];
        let database = on.fresh();
        let mut variables = settings(service, folder.path(), &database.url);
        let command: Vec<&str> = service.command.iter().map(String::as_str).collect();
        let mut running = Program::start(&command, &variables).await;
        // The health check is told where the node listens, as in a container.
        variables.push(("TOCSIN_BIND".to_owned(), running.address.to_string()));
        let host = service.environment["TOCSIN_ISSUER"].trim_start_matches("https://").split(':').next();
        let authority = folder.path().join("certificates/ca.pem");
        let mut visitor = SecureVisitor::new(host.expect("a host"), running.address, &authority);
        until(&format!("{name} to live"), START, async || {
            running.still_runs();
            visitor.try_get("/health/live").await.filter(|answer| answer.status == 200)
        })
        .await;
        assert!(ran(&["health"], &variables).success(), "{name}: the image's health check agrees");
        let link = folder.path().join(name).join("set-up-link");
        assert!(link.is_file(), "{name}: the link is where the file's first lines say");
        assert!(running.end().await.success(), "{name} ends in order");
        assert!(!ran(&["health"], &variables).success(), "{name}: a node that is gone is not well");
    }
}

/// The image starts what the compose file counts on, and not as root.
#[test]
fn the_image_runs_the_program() {
    let text = read("server/Dockerfile");
    for line in ["USER tocsin", "ENTRYPOINT [\"tocsin\"]", "CMD [\"serve\"]", "--features pg-tls"] {
        assert!(text.contains(line), "{line}");
    }
    assert!(text.contains("HEALTHCHECK") && text.contains("CMD [\"tocsin\", \"health\"]"));
}
