#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::io::Cursor;

use super::*;
use crate::store::backend::cells::{Column, Kind};
use crate::store::testing::{InTheClear, TestStore, at, data_key, run};
use crate::store::{EntryKind, Store};

/// Rows of the table that spans pages.
const MANY: usize = 2 * PAGE + 3;
/// Words that must be nowhere in the clear.
const PLANTED: [&str; 2] = ["Wilhelmina Planted", "the planted free text of a message"];
/// Tables that only the ledger's own code may fill, because they are verified.
const VERIFIED: [&str; 6] = ["checkpoints", "contents", LEDGER, "ledger_head", "meta", "tree_nodes"];

fn write_to_memory(store: &TestStore) -> Vec<u8> {
    let mut file = Vec::new();
    let made = write(&store.url(), &data_key(), at(5), &mut file).unwrap();
    assert_eq!(examine(&data_key(), Cursor::new(&file)).unwrap(), made, "it reads as it was written");
    file
}

fn append(store: &Store, times: usize) {
    run(store.write::<_, StoreError>(at(1), move |turn| {
        for number in 0..times {
            let text = format!("{} {number}: {}", PLANTED[0], PLANTED[1]);
            turn.append(EntryKind::OperatorAction, None, None, text.as_bytes())?;
        }
        Ok(())
    }))
    .unwrap();
}

/// A value of a column, different for each row; the last row has the extremes, and NULL where that is allowed.
fn sample(column: &Column, number: usize, nullable: bool) -> Cell {
    let number = i64::try_from(number).unwrap();
    match column.kind {
        _ if nullable && number % 3 == 2 => Cell::Null,
        Kind::Small => Cell::Integer(number % 100),
        Kind::Integer => Cell::Integer(i64::from(i32::MAX) - number),
        Kind::Big => Cell::Integer(i64::MAX - number),
        Kind::Bool => Cell::Integer(number % 2),
        Kind::Text => Cell::Text(format!("Ünï-{number} \"[{{\\n\n'")),
        Kind::Octets => {
            Cell::Octets(vec![0, 255, u8::try_from(number % 256).unwrap(), u8::try_from(number / 256).unwrap()])
        }
    }
}

fn nullable() -> BTreeMap<String, Vec<String>> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Text)]
        tbl: String,
        #[diesel(sql_type = diesel::sql_types::Text)]
        col: String,
    }
    let mut db = cells::tables_alone().unwrap();
    let sql = "SELECT m.name AS tbl, c.name AS col FROM sqlite_master m JOIN pragma_table_info(m.name) c \
               WHERE m.type = 'table' AND c.\"notnull\" = 0";
    let found: Vec<Found> = match &mut db {
        Db::Sqlite(c) => diesel::sql_query(sql).load(c).unwrap(),
        Db::Postgres(_) => panic!("tables alone are in memory"),
    };
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Found { tbl, col } in found {
        all.entry(tbl).or_default().push(col);
    }
    all
}

/// Puts something into every table.
fn fill(store: &TestStore) {
    append(store, MANY);
    let mut db = Address::parse(&store.url()).unwrap().connect().unwrap();
    let nullable = nullable();
    for table in cells::tables().unwrap() {
        if VERIFIED.contains(&table.name.as_str()) {
            continue;
        }
        let rows = if table.name == "alerts" { MANY } else { 4 };
        let may = |column: &Column| nullable.get(&table.name).is_some_and(|columns| columns.contains(&column.name));
        let rows: Vec<Vec<Cell>> = (0..rows)
            .map(|number| table.columns.iter().map(|column| sample(column, number, may(column))).collect())
            .collect();
        for page in rows.chunks(PAGE) {
            cells::insert(&mut db, &table, page).unwrap();
        }
    }
}

/// Every row of every table, in an order that both databases share.
fn dump(store: &TestStore) -> BTreeMap<String, Vec<String>> {
    let mut db = Address::parse(&store.url()).unwrap().connect().unwrap();
    let mut all = BTreeMap::new();
    for table in cells::tables().unwrap() {
        let mut rows = Vec::new();
        let mut page = cells::page(&mut db, &table, None, 7).unwrap();
        while let Some(last) = page.last().cloned() {
            rows.extend(page.iter().map(|row| format!("{row:?}")));
            page = cells::page(&mut db, &table, Some(&last), 7).unwrap();
        }
        rows.sort_unstable();
        all.insert(table.name, rows);
    }
    all
}

fn goes_from(from: TestStore, to: TestStore) {
    fill(&from);
    let file = write_to_memory(&from);
    let summary = restore(&to.url(), &data_key(), Cursor::new(&file)).unwrap();
    assert_eq!(summary.ledger_size, u64::try_from(MANY).unwrap());
    let (mut before, mut after) = (dump(&from), dump(&to));
    for name in LEFT_OUT {
        assert!(!before.remove(name).unwrap().is_empty());
        assert!(after.remove(name).unwrap().is_empty(), "{name} ends with a session");
    }
    let (lanes, free) = (before.remove("lanes").unwrap(), after.remove("lanes").unwrap());
    assert!(lanes.len() == free.len() && lanes != free, "nobody holds a lane");
    assert!(before.values().all(|rows| !rows.is_empty() || VERIFIED.len() > 1));
    assert_eq!(before, after);
    // The restored ledger goes on where it ended.
    append(&to.again().unwrap(), 1);
    let verified = run(to.read(ledger::verify)).unwrap();
    assert!(verified.is_whole() && verified.size == summary.ledger_size + 1, "{verified:?}");
    let again = restore(&to.url(), &data_key(), Cursor::new(&file));
    assert!(matches!(again, Err(BackupError::NotEmpty)), "{again:?}");
    // A node of an older version is refused as it is, not brought up to date first.
    to.tamper("DELETE FROM __diesel_schema_migrations WHERE version <> '0001'");
    let older = restore(&to.url(), &data_key(), Cursor::new(&file));
    assert!(matches!(older, Err(BackupError::NotEmpty)), "{older:?}");
}

#[test]
fn a_backup_goes_from_sqlite_to_sqlite() {
    goes_from(TestStore::on_sqlite(), TestStore::on_sqlite());
}

#[test]
fn a_backup_goes_from_sqlite_to_postgres() {
    goes_from(TestStore::on_sqlite(), TestStore::on_postgres());
}

#[test]
fn a_backup_goes_from_postgres_to_sqlite() {
    goes_from(TestStore::on_postgres(), TestStore::on_sqlite());
}

#[test]
fn a_backup_goes_from_postgres_to_postgres() {
    goes_from(TestStore::on_postgres(), TestStore::on_postgres());
}

/// A backup of several chunks.
fn several_chunks() -> Vec<u8> {
    let store = TestStore::on_sqlite();
    append(&store, 700);
    let file = write_to_memory(&store);
    assert!(file.len() > 3 * 65_536);
    file
}

#[test]
fn any_octet_altered_any_end_cut_off_and_anything_added_is_found_out() {
    let file = several_chunks();
    let damage = |file: &[u8], what: &str| {
        let answer = examine(&data_key(), Cursor::new(file));
        assert!(answer.is_err(), "{what}");
        answer.unwrap_err()
    };
    let picked = (0..128).chain((128..file.len()).step_by(file.len() / 40)).chain([file.len() - 1]);
    for place in picked {
        let mut altered = file.clone();
        altered[place] ^= 0x10;
        damage(&altered, &format!("octet {place} altered"));
        let error = damage(&file[..place], &format!("cut off at {place}"));
        assert!(!matches!(error, BackupError::File(_)), "{place}: {error:?}");
    }
    let longer = [file.as_slice(), b"x"].concat();
    assert!(matches!(damage(&longer, "longer"), BackupError::Damaged("something follows its end")));
    // Whole chunks: one dropped, two in each other's place.
    let mut chunks: Vec<&[u8]> = Vec::new();
    let (header, mut rest) = file.split_at(79);
    while let Some(length) = rest.get(1..5) {
        let length = usize::try_from(u32::from_be_bytes(length.try_into().unwrap())).unwrap();
        let (chunk, after) = rest.split_at(5 + length);
        chunks.push(chunk);
        rest = after;
    }
    let without_second: Vec<u8> = [header, chunks[0], &chunks[2..].concat()].concat();
    damage(&without_second, "a chunk dropped");
    damage(&[header, &chunks[..chunks.len() - 1].concat()].concat(), "the last chunk dropped");
    chunks.swap(0, 1);
    damage(&[header, &chunks.concat()].concat(), "two chunks swapped");
}

#[test]
fn another_key_another_file_and_another_format_are_told_apart() {
    let file = several_chunks();
    let open = |key: [u8; 32], file: &[u8]| examine(&DataKey::from_bytes(key), Cursor::new(file)).unwrap_err();
    assert!(matches!(open([8; 32], &file), BackupError::OtherKey));
    assert!(matches!(open([7; 32], b"SQLite format 3\0 and so on and so on"), BackupError::NotABackup));
    assert!(matches!(open([7; 32], b""), BackupError::NotABackup));
    let mut newer = file;
    newer[14] = 2;
    assert!(matches!(open([7; 32], &newer), BackupError::OtherFormat));
}

#[test]
fn what_can_not_be_restored_leaves_the_database_empty() {
    for to in [TestStore::on_sqlite(), TestStore::on_postgres()] {
        let mut file = several_chunks();
        let near_the_end = file.len() - 40;
        file[near_the_end] ^= 1;
        let before = dump(&to);
        let refused = restore(&to.url(), &data_key(), Cursor::new(&file));
        assert!(matches!(refused, Err(BackupError::Damaged(_))), "{refused:?}");
        assert_eq!(dump(&to)["ledger"], before["ledger"]);
        file[near_the_end] ^= 1;
        restore(&to.url(), &data_key(), Cursor::new(&file)).unwrap();
    }
}

#[test]
fn a_ledger_that_was_tampered_with_is_found_out_before_it_is_kept() {
    let store = TestStore::on_sqlite();
    append(&store, 9);
    store.tamper("UPDATE ledger SET octets = replace(octets, 'operator', 'Operator') WHERE n = 4");
    let mut file = Vec::new();
    write(&store.url(), &data_key(), at(5), &mut file).unwrap();
    let found = examine(&data_key(), Cursor::new(&file));
    assert!(matches!(found, Err(BackupError::Ledger(_))), "{found:?}");
    // A content in another entry's place keeps every hash, and does not open.
    let store = TestStore::on_sqlite();
    append(&store, 9);
    store.tamper("UPDATE contents SET sealed = (SELECT sealed FROM contents WHERE n = 3) WHERE n = 4");
    let file = write_to_memory(&store);
    let to = TestStore::on_sqlite();
    let refused = restore(&to.url(), &data_key(), Cursor::new(&file));
    assert!(matches!(refused, Err(BackupError::Ledger(_))), "{refused:?}");
    assert!(dump(&to)["ledger"].is_empty());
}

#[test]
fn a_backup_of_a_working_node_is_one_instant_of_it() {
    for store in [TestStore::on_sqlite(), TestStore::on_postgres()] {
        append(&store, 300);
        let writing = store.again().unwrap();
        let (sizes, written) = std::thread::scope(|threads| {
            let writer = threads.spawn(|| {
                for _ in 0..20 {
                    append(&writing, 5);
                }
                400
            });
            let sizes: Vec<u64> = (0..4)
                .map(|_| examine(&data_key(), Cursor::new(write_to_memory(&store))).unwrap().ledger_size)
                .collect();
            (sizes, writer.join().unwrap())
        });
        assert!(sizes.is_sorted() && sizes.iter().all(|size| (300..=written).contains(size) && size % 5 == 0));
    }
}

#[test]
fn no_planted_word_and_no_key_is_in_the_file_or_the_database() {
    for store in [TestStore::on_sqlite(), TestStore::on_postgres()] {
        append(&store, 50);
        let file = write_to_memory(&store);
        let places = [("the backup", file), ("the database", store.octets())];
        let key = data_key().to_hex();
        let mut planted: Vec<&[u8]> = PLANTED.iter().map(|word| word.as_bytes()).collect();
        planted.extend([key.as_bytes(), &[7; 32]]);
        for (place, octets) in places {
            let clear = InTheClear::of(&octets);
            for word in &planted {
                assert!(!clear.shows(word), "{place}: {word:?}");
            }
        }
    }
}
