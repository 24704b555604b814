//! The limit of what comes in: a bare server on the same HTTP stack that verifies a message and the checkpoint in it, signs
//! a receipt, and inserts both into one table with group commit. No rules, no record, no read tables.

use std::collections::HashMap;
use std::io::BufRead as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use actix_web::{App, HttpResponse, HttpServer, web};
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{Binary, Text};
use diesel::{Connection as _, PgConnection, RunQueryDsl as _, SqliteConnection};
use server::time_source::{SystemTime, TimeSource as _};
use tokio::sync::oneshot;
use uuid::Uuid;
use webhooks::card::parse_self_signed;
use webhooks::checkpoint::{origin_of, sign_checkpoint, verify_checkpoint};
use webhooks::keys::{KeyUse, SigningKey};
use webhooks::manifest::{Manifest, parse_pinned};
use webhooks::message::{Chain, Head};
use webhooks::push::{MAX_BODY, PeerKeys, RECEIPT_HEADER, open, verify};
use webhooks::receipt::{Storing, build_receipt};
use webhooks::set::sign_set;
use webhooks::values::Schemes;

use super::{ISSUER, partner};
use crate::fan_out::receivers::say;

/// As many as the product answers with.
const WORKERS: usize = 2;
/// Rows in one transaction.
const BATCH: usize = 256;

struct Row {
    jti: Uuid,
    token: String,
    receipt: String,
    committed: oneshot::Sender<()>,
}

struct Desk {
    manifests: HashMap<String, Manifest>,
    key: SigningKey,
    checkpoint: String,
    rows: SyncSender<Row>,
}

/// The child's part: learns its database, says where it listens, and serves until its input ends.
pub(crate) fn play(partners: usize) {
    let url = std::io::stdin().lock().lines().next().expect("a database").expect("a line");
    let (rows, waiting) = sync_channel(1_024);
    std::thread::spawn(move || Table::open(&url).write(&waiting));
    let log_key = SigningKey::from_seed(&[4; 32], KeyUse::Log).expect("every seed makes a key");
    let desk = Arc::new(Desk {
        manifests: (0..partners).map(manifest).collect(),
        key: SigningKey::from_seed(&[3; 32], KeyUse::Set).expect("every seed makes a key"),
        checkpoint: sign_checkpoint(&origin_of(ISSUER), 1, &[1; 32], &log_key),
        rows,
    });
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    actix_web::rt::System::new().block_on(async move {
        let app = move || {
            App::new().app_data(web::Data::from(Arc::clone(&desk))).route("/ssf/events", web::post().to(events))
        };
        let server = HttpServer::new(app).workers(WORKERS).disable_signals().listen(listener).expect("it listens");
        say(&address.to_string());
        server.run().await.expect("it serves");
    });
}

fn manifest(number: usize) -> (String, Manifest) {
    let (partner, now) = (partner(number), SystemTime.now().unix_seconds());
    let card = parse_self_signed(partner.card(now).as_bytes(), Schemes::HttpsOrLoopback).expect("a card");
    let identity = card.get().identity().expect("an identity key");
    let manifest = parse_pinned(partner.manifest(now).as_bytes(), &partner.issuer, &identity).expect("a manifest");
    (partner.issuer, manifest.into_inner())
}

async fn events(payload: web::Payload, desk: web::Data<Desk>) -> HttpResponse {
    let limit = usize::try_from(MAX_BODY).expect("a length");
    let octets = payload.to_bytes_limited(limit).await.expect("not too long").expect("a whole body");
    let now = SystemTime.now().unix_seconds_up();
    let opened = open(&octets).expect("a token");
    let manifest = desk.manifests.get(opened.iss()).expect("a partner");
    let peer = PeerKeys { issuer: opened.iss(), manifest };
    let set = verify(&opened, &peer, ISSUER, now).expect("it verifies");
    let log_key = manifest.log_keys().next_back().expect("a log key");
    let note = set.event().checkpoint().expect("a checkpoint");
    verify_checkpoint(note, &origin_of(opened.iss()), &log_key.public).expect("it verifies");
    let (seq, _) = set.event().sequence().expect("a number");
    let storing = Storing {
        jti: SystemTime.fresh_id(),
        stored_at: now,
        chain: Chain::Ok,
        head: Head { seq, payload_sha256: Some(set.payload_sha256()) },
        missing: Vec::new(),
        checkpoint: desk.checkpoint.clone(),
    };
    let receipt = sign_set(&desk.key, &build_receipt(&set, storing).expect("a receipt")).octets;
    let (committed, commit) = oneshot::channel();
    let row = Row { jti: set.claims().jti, token: set.octets().to_owned(), receipt: receipt.clone(), committed };
    desk.rows.send(row).expect("the writer runs");
    commit.await.expect("it is committed");
    HttpResponse::Accepted().insert_header((RECEIPT_HEADER, receipt)).finish()
}

enum Table {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Table {
    fn open(url: &str) -> Self {
        let make = "CREATE TABLE bare (jti %BYTES% PRIMARY KEY, token TEXT NOT NULL, receipt TEXT NOT NULL)";
        match url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut connection = SqliteConnection::establish(path).expect("a file");
                connection
                    .batch_execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
                    .and_then(|()| connection.batch_execute(&make.replace("%BYTES%", "BLOB")))
                    .expect("a table");
                Self::Sqlite(connection)
            }
            None => {
                let mut connection = PgConnection::establish(url).expect("a server");
                connection.batch_execute(&make.replace("%BYTES%", "BYTEA")).expect("a table");
                Self::Postgres(connection)
            }
        }
    }

    /// All that wait at a moment in one transaction; then all are answered.
    fn write(mut self, waiting: &Receiver<Row>) {
        while let Ok(first) = waiting.recv() {
            let mut rows = vec![first];
            rows.extend(waiting.try_iter().take(BATCH - 1));
            self.insert(&rows);
            for row in rows {
                let _ = row.committed.send(());
            }
        }
    }

    fn insert(&mut self, rows: &[Row]) {
        let places: Vec<String> =
            (0..rows.len()).map(|row| format!("(${}, ${}, ${})", row * 3 + 1, row * 3 + 2, row * 3 + 3)).collect();
        let sql = format!("INSERT INTO bare (jti, token, receipt) VALUES {}", places.join(", "));
        macro_rules! insert {
            ($connection:expr) => {{
                let mut query = diesel::sql_query(&sql).into_boxed();
                for row in rows {
                    query = query
                        .bind::<Binary, _>(row.jti.as_bytes().as_slice())
                        .bind::<Text, _>(&row.token)
                        .bind::<Text, _>(&row.receipt);
                }
                // One statement is one transaction.
                query.execute($connection).expect("it commits");
            }};
        }
        match self {
            Self::Sqlite(connection) => insert!(connection),
            Self::Postgres(connection) => insert!(connection),
        }
    }
}
