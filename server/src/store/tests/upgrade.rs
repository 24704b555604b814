use diesel::prelude::*;
use domain::chain;

use super::*;
use crate::store::schema::{attempts, ledger, tree_nodes};
use crate::store::{Checkpoint, ledger as book};

const FIRST: &str = include_str!("../../../../migrations/sqlite/0001_first/up.sql");
/// The ways back, newest first.
const SQLITE_DOWN: [&str; 4] = [
    include_str!("../../../../migrations/sqlite/0009_register/down.sql"),
    include_str!("../../../../migrations/sqlite/0006_what_waits/down.sql"),
    include_str!("../../../../migrations/sqlite/0005_less_to_write/down.sql"),
    include_str!("../../../../migrations/sqlite/0004_fewer_trees/down.sql"),
];
const POSTGRES_DOWN: [&str; 4] = [
    include_str!("../../../../migrations/postgres/0009_register/down.sql"),
    include_str!("../../../../migrations/postgres/0006_what_waits/down.sql"),
    include_str!("../../../../migrations/postgres/0005_less_to_write/down.sql"),
    include_str!("../../../../migrations/postgres/0004_fewer_trees/down.sql"),
];
/// Nodes below this level are no longer stored.
const SMALL: u8 = 3;
/// Tables that are made anew on SQLite.
const REMADE: [&str; 4] = ["ledger", "contents", "tree_nodes", "attempts"];

/// A table and its indexes as the first migration makes them.
fn first_form(table: &str) -> (String, String) {
    let columns = FIRST.split_once(&format!("CREATE TABLE {table} (")).unwrap().1.split_once("\n);").unwrap().0;
    let own = |line: &&str| line.starts_with("CREATE INDEX") && line.contains(&format!(" ON {table} ("));
    (format!("CREATE TABLE {table} ({columns}\n);"), FIRST.lines().filter(own).collect::<Vec<_>>().join("\n"))
}

/// Takes the database back to how 0003 left it, with the small nodes of the tree, which it kept.
fn back_to_0003(store: &TestStore, entries: &[String]) {
    if store.is_sqlite() {
        SQLITE_DOWN.iter().for_each(|down| store.tamper(down));
        for table in REMADE {
            let (made, indexes) = first_form(table);
            store.tamper(&format!(
                "ALTER TABLE {table} RENAME TO newer; {made} INSERT INTO {table} SELECT * FROM newer; \
                 DROP TABLE newer; {indexes}",
            ));
        }
    } else {
        POSTGRES_DOWN.iter().for_each(|down| store.tamper(down));
    }
    let mut tree = chain::Frontier::default();
    for (level, position, hash) in entries.iter().flat_map(|octets| tree.push(chain::leaf_hash(octets.as_bytes()))) {
        if level < SMALL {
            let hash = store.literal(hash.as_bytes());
            store.tamper(&format!(
                "INSERT INTO tree_nodes (level, position, hash) VALUES ({level}, {position}, {hash})"
            ));
        }
    }
    store.tamper("DELETE FROM __diesel_schema_migrations WHERE version IN ('0004', '0005', '0006', '0009')");
}

async fn small_nodes(store: &Store) -> i64 {
    let count = |rows: &mut crate::store::Rows<'_>| {
        Ok(tree_nodes::table.filter(tree_nodes::level.lt(i16::from(SMALL))).count().get_result(rows.db)?)
    };
    store.read(count).await.unwrap()
}

both!(
    /// Aim: a ledger of the version before is whole after the first start, knows its old roots, and goes on.
    a_ledger_of_the_version_before_goes_on, |store| {
        let roots = store.write::<_, StoreError>(at(0), |turn| {
            let mut roots = vec![turn.ledger_root()];
            for n in 0..21 {
                append(turn, &format!("entry {n}"))?;
                roots.push(turn.ledger_root());
            }
            turn.append(EntryKind::SetReceived, None, some_id(1), b"words that are erased")?;
            roots.push(turn.ledger_root());
            turn.keep_checkpoint(Checkpoint { size: 13, root: roots[13], note: "a note".to_owned(), at: at(0) })?;
            diesel::insert_into(attempts::table)
                .values((
                    attempts::message.eq(id(7).as_bytes().as_slice()),
                    attempts::number.eq(1),
                    attempts::at.eq(1_i64),
                    attempts::outcome.eq("polled"),
                    attempts::status.eq(200),
                    attempts::took_ms.eq(5),
                ))
                .execute(turn.rows().db)?;
            Ok(roots)
        }).await.unwrap();
        store.write::<_, StoreError>(at(1), |turn| turn.erase_stream(id(1))).await.unwrap();
        let held = contents(&store).await;
        assert_eq!(held.iter().flatten().count(), 21);
        let entries: Vec<String> = store
            .read(|rows| Ok(ledger::table.order(ledger::n).select(ledger::octets).load(rows.db)?))
            .await
            .unwrap();
        store.stop();
        back_to_0003(&store, &entries);
        assert_eq!(small_nodes(&store).await, 22 + 11 + 5);

        let again = store.again().unwrap();
        assert_eq!(small_nodes(&again).await, 0);
        assert_eq!(whole(&again).await, (22, roots[22]));
        assert_eq!(contents(&again).await, held);
        let tried: Vec<(Vec<u8>, i32)> = again
            .read(|rows| Ok(attempts::table.select((attempts::message, attempts::took_ms)).load(rows.db)?))
            .await
            .unwrap();
        assert_eq!(tried, [(id(7).as_bytes().to_vec(), 5)]);
        again.write::<_, StoreError>(at(2), move |turn| {
            assert_eq!(turn.checkpoint(13)?.unwrap().root, roots[13]);
            append(turn, "one more")?;
            for (size, root) in (0_u64..).zip(&roots) {
                turn.keep_checkpoint(Checkpoint { size, root: *root, note: format!("note {size}"), at: at(2) })?;
            }
            Ok(())
        }).await.unwrap();
        assert_eq!(whole(&again).await.0, 23);
        let forked = again.write::<_, StoreError>(at(3), |turn| {
            let root = Digest32::of(b"fork");
            turn.keep_checkpoint(Checkpoint { size: 21, root, note: String::new(), at: at(3) })
        }).await;
        assert!(matches!(forked, Err(StoreError::Corrupt { table: "checkpoints", .. })));
        assert!(again.read(book::verify).await.unwrap().erased == 1);
    }
);
