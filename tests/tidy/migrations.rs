//! Migrations come in pairs: same names, same tables, same columns on both databases.

use std::collections::BTreeMap;
use std::fs;

use super::none;
use super::sources::root;

const DATABASES: [&str; 2] = ["sqlite", "postgres"];

/// The names of a database's migrations.
fn names(database: &str) -> Vec<String> {
    let folder = root().join("migrations").join(database);
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("each database has its migrations")
        .map(|entry| entry.expect("a migration's folder is readable"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Tables that a migration makes anew in another form under their old names, each with the name it had meanwhile: SQLite
/// can't change a table otherwise. What they hold is compared where both databases are migrated.
fn rebuilt(sql: &str) -> BTreeMap<String, String> {
    let renamed = sql.lines().filter_map(|line| {
        let (meanwhile, name) = line.trim().strip_prefix("ALTER TABLE ")?.split_once(" RENAME TO ")?;
        Some((meanwhile.to_owned(), name.trim_end_matches(';').to_owned()))
    });
    renamed.collect()
}

/// Tables and the columns they get, in order, from `CREATE TABLE` and `ALTER TABLE … ADD COLUMN`.
fn tables(sql: &str) -> BTreeMap<String, Vec<String>> {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut open: Option<String> = None;
    for line in sql.lines().map(|line| line.split("--").next().unwrap_or_default().trim()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let upper: Vec<String> = words.iter().map(|word| word.to_uppercase()).collect();
        let starts = |prefix: &[&str]| upper.len() >= prefix.len() && prefix.iter().zip(&upper).all(|(a, b)| a == b);
        if starts(&["CREATE", "TABLE"]) && words.len() > 2 {
            let name = words[2].trim_end_matches('(').to_owned();
            tables.entry(name.clone()).or_default();
            open = Some(name);
        } else if starts(&["ALTER", "TABLE"]) && words.len() > 5 && upper[3] == "ADD" {
            tables.entry(words[2].to_owned()).or_default().push(words[5].to_owned());
        } else if line.starts_with(')') {
            open = None;
        } else if let Some(table) = &open {
            let constraint = ["PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "CONSTRAINT", ""];
            let first = upper.first().map_or("", String::as_str);
            if !constraint
                .iter()
                .any(|word| first == *word || first.starts_with(&format!("{word}(")) && !word.is_empty())
            {
                tables.entry(table.clone()).or_default().push(words[0].to_owned());
            }
        }
    }
    let meanwhile = rebuilt(sql);
    tables.retain(|name, _| !meanwhile.contains_key(name));
    tables
}

/// Tables that a migration drops for good.
fn dropped(sql: &str) -> Vec<String> {
    let statements = sql.lines().filter_map(|line| line.trim().strip_prefix("DROP TABLE "));
    let names = statements.map(|name| name.trim_end_matches(';').trim().to_owned());
    names.filter(|name| !rebuilt(sql).values().any(|again| again == name)).collect()
}

#[test]
fn migrations_have_twins() {
    assert!(!names("sqlite").is_empty());
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn twins_make_the_same_tables_and_columns() {
    let mut faults = Vec::new();
    for name in names("sqlite") {
        let [sqlite, postgres] = DATABASES.map(|database| {
            let path = root().join("migrations").join(database).join(&name).join("up.sql");
            tables(&fs::read_to_string(path).expect("a migration has an up.sql"))
        });
        assert!(sqlite.values().all(|columns| !columns.is_empty()), "{name}: a table without columns was read");
        for (table, columns) in &sqlite {
            if postgres.get(table) != Some(columns) {
                faults.push(format!("{name}: {table}: {columns:?} on SQLite, {:?} on Postgres", postgres.get(table)));
            }
        }
        faults.extend(
            postgres
                .keys()
                .filter(|table| !sqlite.contains_key(*table))
                .map(|table| format!("{name}: {table}: on Postgres only")),
        );
    }
    none(&faults);
}

#[test]
fn the_schema_names_every_table() {
    let folder = root().join("server/src/store");
    let parts = fs::read_dir(folder.join("schema")).expect("its parts are there");
    let mut schema = fs::read_to_string(folder.join("schema.rs")).expect("the schema is there");
    for part in parts {
        schema += &fs::read_to_string(part.expect("a part").path()).expect("a part of the schema");
    }
    let mut faults = Vec::new();
    let scripts: Vec<String> = names("sqlite")
        .iter()
        .map(|name| root().join("migrations/sqlite").join(name).join("up.sql"))
        .map(|path| fs::read_to_string(path).expect("a migration has an up.sql"))
        .collect();
    let gone: Vec<String> = scripts.iter().flat_map(|sql| dropped(sql)).collect();
    for sql in &scripts {
        for (table, columns) in tables(sql).into_iter().filter(|(table, _)| !gone.contains(table)) {
            let Some(at) = schema.find(&format!("    {table} (")) else {
                faults.push(format!("{table} is missing from schema.rs"));
                continue;
            };
            let body = schema[at..].split("\n    }").next().unwrap_or_default();
            faults.extend(
                columns
                    .iter()
                    .filter(|column| !body.contains(&format!("        {column} ->")))
                    .map(|column| format!("{table}.{column}")),
            );
        }
    }
    none(&faults);
}

#[test]
fn columns_are_read_from_sql() {
    let sql = "CREATE TABLE a (\n  id BLOB NOT NULL, -- why\n  at BIGINT,\n  PRIMARY KEY (id),\n  UNIQUE(at)\n);\nALTER TABLE a ADD COLUMN more TEXT;";
    assert_eq!(tables(sql)["a"], ["id", "at", "more"]);
    assert_eq!(dropped("-- DROP TABLE no;\nDROP TABLE a;"), ["a"]);
}
