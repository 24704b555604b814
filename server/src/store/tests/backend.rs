use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::*;
use crate::store::backend::bulk::{Value, insert_many, replace_many, update_many};
use crate::store::backend::pairs::find_pairs;
use crate::store::schema::clocks;
use crate::store::{DataKey, StoreSettings, testing};

#[derive(QueryableByName, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Column {
    #[diesel(sql_type = Text)]
    in_table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    required: bool,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

async fn columns(store: &Store, sql: &'static str) -> BTreeSet<Column> {
    store.read(move |rows| Ok(diesel::sql_query(sql).load(rows.db)?)).await.unwrap().into_iter().collect()
}

async fn names(store: &Store, sql: &'static str) -> BTreeSet<String> {
    let names: Vec<Name> = store.read(move |rows| Ok(diesel::sql_query(sql).load(rows.db)?)).await.unwrap();
    names.into_iter().map(|row| row.name).collect()
}

/// Both migrations make the same tables: same columns, types, "not null", and indexes. Numbers of entries are `INTEGER` on
/// SQLite, where that alone makes them the rows' own numbers.
#[test]
fn both_databases_have_the_same_tables() {
    testing::run(async {
        let (sqlite, postgres) = (TestStore::on_sqlite(), TestStore::on_postgres());
        let on_sqlite = columns(
            &sqlite,
            "SELECT t.name AS in_table, c.name, \
             CASE WHEN c.type = 'BLOB' THEN 'bytea' WHEN c.type = 'INTEGER' AND c.name = 'n' THEN 'bigint' \
             ELSE lower(c.type) END AS kind, c.\"notnull\" = 1 AS required \
             FROM sqlite_master t JOIN pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND substr(t.name, 1, 2) <> '__'",
        )
        .await;
        let on_postgres = columns(
            &postgres,
            "SELECT table_name::text AS in_table, column_name::text AS name, data_type::text AS kind, \
             is_nullable = 'NO' AS required \
             FROM information_schema.columns \
             WHERE table_schema = current_schema() AND left(table_name, 2) <> '__'",
        )
        .await;
        assert!(on_sqlite.len() > 150, "{}", on_sqlite.len());
        assert_eq!(on_sqlite.difference(&on_postgres).collect::<Vec<_>>(), Vec::<&Column>::new());
        assert_eq!(on_postgres.difference(&on_sqlite).collect::<Vec<_>>(), Vec::<&Column>::new());
        let on_sqlite = names(&sqlite, "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").await;
        let on_postgres = names(
            &postgres,
            "SELECT indexname::text AS name FROM pg_indexes WHERE schemaname = current_schema() \
             AND indexname NOT LIKE '%\\_pkey' AND indexname NOT LIKE '%\\_key'",
        )
        .await;
        assert_eq!(on_sqlite, on_postgres);
    });
}

both!(
    /// A database that a newer program migrated is left alone.
    a_newer_database_is_refused, |store| {
        store.tamper("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')");
        assert!(matches!(store.again(), Err(StoreError::NewerDatabase)));
    }
);

both!(
    /// Another data key is refused on opening, before anything is written under it.
    another_data_key_is_refused, |store| {
        assert!(matches!(store.again_with(DataKey::from_bytes([8; 32])), Err(StoreError::WrongKey)));
        assert!(store.again().is_ok());
    }
);

/// Only the two schemes are known; a Postgres that is not there is unavailable, not taken for a file.
#[test]
fn the_scheme_chooses_the_database() {
    let open = |url: &str| {
        Store::open(StoreSettings { url: url.to_owned(), data_key: testing::data_key(), readers: 1 }).map(|_| ())
    };
    for url in ["", "node.db", "mysql://127.0.0.1/node", "http://127.0.0.1", "/tmp/node.db"] {
        assert!(matches!(open(url), Err(StoreError::UnknownScheme)), "{url}");
    }
    for url in ["postgres://127.0.0.1:1/none", "sqlite:/nowhere/at/all/node.db"] {
        assert!(open(url).is_err_and(|error| error.is_unavailable()), "{url}");
    }
}

both!(
    /// One read sees one state, whatever is committed meanwhile; and it can't change anything.
    a_read_is_one_snapshot, |store| {
        use crate::store::schema::counters::dsl;
        let (ready, begun) = tokio::sync::oneshot::channel();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let reader = store.read(move |rows| {
            let before = book::verify(rows)?.size;
            ready.send(()).unwrap();
            wait.recv().unwrap();
            Ok((before, book::verify(rows)?.size))
        });
        let writer = async {
            begun.await.unwrap();
            store.write::<_, StoreError>(at(0), |turn| append(turn, "meanwhile")).await.unwrap();
            go.send(()).unwrap();
        };
        let (seen, ()) = tokio::join!(reader, writer);
        assert_eq!(seen.unwrap(), (0, 0));
        let written = store.read(|rows| {
            diesel::insert_into(dsl::counters)
                .values((dsl::name.eq("a"), dsl::value.eq(1_i64)))
                .execute(rows.db)?;
            Ok(())
        }).await;
        assert!(written.is_err());
        assert_eq!(whole(&store).await.0, 1);
    }
);

both!(
    /// Readers are few and bounded: when all are taken, the next one hears "busy" within seconds.
    readers_are_bounded, |store| {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = std::sync::Arc::new(std::sync::Mutex::new(held));
        let (ready, mut begun) = tokio::sync::mpsc::channel(2);
        let hold = || {
            let (held, ready) = (std::sync::Arc::clone(&held), ready.clone());
            store.read(move |_| {
                ready.blocking_send(()).unwrap();
                let _ = held.lock().unwrap().recv();
                Ok(())
            })
        };
        let asked = async {
            begun.recv().await.unwrap();
            begun.recv().await.unwrap();
            let refused = store.read(|_| Ok(())).await;
            drop(release);
            refused
        };
        let (first, second, refused) = tokio::join!(hold(), hold(), asked);
        assert!(matches!(refused, Err(StoreError::Busy)));
        assert!(first.is_ok() && second.is_ok());
        // A panic inside a closure loses no connection for good.
        for _ in 0..3 {
            let panicked = store.read::<()>(|_| panic!("a test's panic")).await;
            assert!(matches!(panicked, Err(StoreError::Fault)));
        }
        assert!(store.read(|_| Ok(())).await.is_ok());
    }
);

#[derive(Insertable, Queryable, Debug, Clone, PartialEq)]
#[diesel(table_name = clocks, treat_none_as_default_value = false)]
struct Clock {
    stream: Vec<u8>,
    kind: String,
    incident_id: Option<Vec<u8>>,
    exchange_id: Option<Vec<u8>>,
    partner_id: Option<Vec<u8>>,
    anchor: String,
    anchored_at: i64,
    hours: i32,
    due_at: i64,
    group_due_at: i64,
    legal_limit_at: Option<i64>,
    state: String,
    open: bool,
    ended_at: Option<i64>,
    evidence: Option<String>,
    proved_late: bool,
    reason: Option<Vec<u8>>,
    exercise: bool,
    own_target: bool,
}

fn clock(n: i64) -> Clock {
    let some = n % 2 == 0;
    Clock {
        stream: n.to_be_bytes().to_vec(),
        kind: "ico_report".to_owned(),
        incident_id: some.then(|| vec![1; 16]),
        exchange_id: None,
        partner_id: None,
        anchor: "aware_of_breach".to_owned(),
        anchored_at: n,
        hours: 72,
        due_at: i64::MAX - n,
        group_due_at: n,
        legal_limit_at: some.then_some(n),
        state: "running".to_owned(),
        open: true,
        ended_at: None,
        evidence: None,
        proved_late: false,
        reason: None,
        exercise: some,
        own_target: !some,
    }
}

both!(
    /// Pairs are found as pairs: neither crosswise nor where the condition does not hold, and however many are asked for.
    pairs_are_found, |store| {
        store.write::<_, StoreError>(at(0), |turn| {
            let db = &mut *turn.rows().db;
            let of = |n: i64| (n.to_be_bytes().to_vec(), (n * 7).to_be_bytes().to_vec());
            let rows: Vec<Clock> = (0..150)
                .map(|n| Clock { exchange_id: Some(of(n).1), evidence: Some("x".to_owned()), ..clock(n) })
                .collect();
            insert_many!(db, clocks::table, rows)?;
            let there: Vec<_> = (0..300).map(of).collect();
            let pairs: Vec<(&[u8], &[u8])> = there.iter().map(|(one, other)| (&one[..], &other[..])).collect();
            let mut found = find_pairs(db, "clocks", ["stream", "exchange_id"], "evidence = 'x'", &pairs)?;
            found.sort();
            assert_eq!(found, there[..150]);
            let crosswise = [(pairs[0].0, pairs[3].1), (pairs[3].0, pairs[0].1)];
            assert_eq!(find_pairs(db, "clocks", ["stream", "exchange_id"], "TRUE", &crosswise)?, []);
            assert_eq!(find_pairs(db, "clocks", ["stream", "exchange_id"], "evidence = 'y'", &pairs)?, []);
            assert_eq!(find_pairs(db, "clocks", ["stream", "exchange_id"], "TRUE", &[])?, []);
            Ok(())
        }).await.unwrap();
    }
);

both!(
    /// Many rows go in, change and are replaced together, nulls and all, with few ways to a server.
    many_rows_at_once, |store| {
        const ROWS: i64 = 1_200;
        let before = store.statements();
        store.write::<_, StoreError>(at(0), |turn| {
            let rows: Vec<Clock> = (0..ROWS).map(clock).collect();
            insert_many!(turn.rows().db, clocks::table, rows)?;
            insert_many!(turn.rows().db, clocks::table, Vec::<Clock>::new())?;
            let updates: Vec<Vec<Value>> = (0..ROWS)
                .filter(|n| n % 3 == 0)
                .map(|n| vec![
                    Value::Octets(Some(n.to_be_bytes().to_vec())),
                    Value::Text(Some("ico_report".to_owned())),
                    Value::Big(Some(n * 2)),
                    Value::Text((n % 6 == 0).then(|| "met".to_owned())),
                    Value::Octets(None),
                ])
                .collect();
            let columns = ["ended_at", "evidence", "incident_id"];
            let changed = update_many(turn.rows().db, "clocks", &["stream", "kind"], &columns, &updates)?;
            assert_eq!(changed, 400);
            assert_eq!(update_many(turn.rows().db, "clocks", &["stream", "kind"], &columns, &[])?, 0);
            let (keys, others): (Vec<Vec<u8>>, Vec<Clock>) = (0..ROWS)
                .filter(|n| n % 3 == 1)
                .map(|n| (n.to_be_bytes().to_vec(), Clock { state: "overdue".to_owned(), ..clock(n) }))
                .unzip();
            replace_many!(turn.rows().db, clocks::table, clocks::stream, keys, others)
        }).await.unwrap();
        let used = store.statements() - before;
        assert!(used < 20 + store.statements_for(1_200) + 2 * store.statements_for(400), "{used}");
        let stored: Vec<Clock> =
            store.read(|rows| Ok(clocks::table.order(clocks::stream).load(rows.db)?)).await.unwrap();
        let stored: BTreeMap<Vec<u8>, Clock> = stored.into_iter().map(|row| (row.stream.clone(), row)).collect();
        for n in 0..ROWS {
            let mut expected = clock(n);
            if n % 3 == 0 {
                expected.ended_at = Some(n * 2);
                expected.evidence = (n % 6 == 0).then(|| "met".to_owned());
                expected.incident_id = None;
            }
            if n % 3 == 1 {
                expected.state = "overdue".to_owned();
            }
            assert_eq!(stored[n.to_be_bytes().as_slice()], expected);
        }
    }
);

/// Aim: nobody else on the machine reads a new database, nor the log beside it.
#[cfg(unix)]
#[tokio::test]
async fn a_new_sqlite_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let url = format!("sqlite:{}", path.display());
    let settings = StoreSettings { url, data_key: DataKey::generate().unwrap(), readers: 1 };
    let store = Store::open(settings).unwrap();
    for name in ["node.db", "node.db-wal"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    store.stop();
}

/// Aim: a store that is closed lets go of the database although somebody still holds it, and reads no more.
mod a_closed_store_lets_go {
    use super::*;

    async fn read(store: &Store) -> Result<u64, StoreError> {
        store.read(|rows| Ok(crate::store::ledger::verify(rows)?.size)).await
    }

    async fn closes(store: &Store) {
        read(store).await.unwrap();
        store.stop();
        // Who has stopped writing still reads.
        read(store).await.unwrap();
        store.close();
        assert!(matches!(read(store).await, Err(StoreError::Stopped)));
    }

    #[test]
    fn on_sqlite() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("node.db").display());
        let store = Store::open(StoreSettings { url, data_key: testing::data_key(), readers: 2 }).unwrap();
        assert!(folder.path().join("node.db-wal").exists());
        testing::run(async {
            closes(&store).await;
            // The last connection folds the log into the file; the pool may have been opening one at that moment.
            let none = async {
                while folder.path().join("node.db-wal").exists() {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), none).await.unwrap();
        });
    }

    #[test]
    fn on_postgres() {
        let watcher = testing::TestStore::on_postgres();
        let name = format!("closing_{}", std::process::id());
        let url = format!("{}&application_name={name}", watcher.url());
        let store = Store::open(StoreSettings { url, data_key: testing::data_key(), readers: 2 }).unwrap();
        let sql = format!("SELECT pid::text AS name FROM pg_stat_activity WHERE application_name = '{name}'");
        let held = async || {
            let sql = sql.clone();
            let found = watcher.read(move |rows| Ok(diesel::sql_query(sql).load::<Name>(rows.db)?)).await;
            found.unwrap().len()
        };
        testing::run(async {
            assert!(held().await >= 2, "a writer and a reader");
            closes(&store).await;
            // The server takes note of a connection's end in its own time.
            let none = async { while held().await > 0 {} };
            tokio::time::timeout(Duration::from_secs(20), none).await.unwrap();
        });
    }
}
