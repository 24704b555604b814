//! Many rows in few statements, on both databases.
//!
//! [`insert_many!`] and [`replace_many!`] work on row structs (`#[derive(Insertable)]` with
//! `#[diesel(treat_none_as_default_value = false)]`, also without an `Option` in them: else diesel goes row by row on SQLite,
//! in a transaction of its own, which fails inside the writer's). [`update_many`] changes some columns of many rows, each
//! to its own values.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use std::fmt::Write as _;

use super::StoreError;
use super::backend::{Db, each};

/// Inserts a slice of rows: `insert_many!(db, schema::outbox::table, &rows)` gives `Result<(), StoreError>`.
macro_rules! insert_many {
    ($db:expr, $table:expr, $rows:expr) => {{
        let mut done: Result<(), $crate::store::StoreError> = Ok(());
        for chunk in $rows.chunks($crate::store::backend::ROWS_PER_STATEMENT) {
            let inserted = $crate::store::backend::each!(&mut *$db, c =>
                diesel::RunQueryDsl::execute(diesel::insert_into($table).values(chunk), c));
            if let Err(error) = inserted {
                done = Err(error.into());
                break;
            }
        }
        done
    }};
}

/// Puts whole rows in the place of those with the same keys: `replace_many!(db, schema::exchanges::table,
/// schema::exchanges::id, keys, &rows)`, where `keys` are values of one binary column that names every row replaced.
/// For read tables, whose rows are whole projections.
macro_rules! replace_many {
    ($db:expr, $table:expr, $column:expr, $keys:expr, $rows:expr) => {{
        let mut done: Result<(), $crate::store::StoreError> = Ok(());
        for chunk in $keys.chunks($crate::store::backend::KEYS_PER_STATEMENT) {
            let gone =
                diesel::delete(diesel::QueryDsl::filter($table, diesel::ExpressionMethods::eq_any($column, chunk)));
            if let Err(error) = diesel::RunQueryDsl::execute(gone, &mut *$db) {
                done = Err(error.into());
                break;
            }
        }
        done.and_then(|()| $crate::store::bulk::insert_many!($db, $table, $rows))
    }};
}

pub(super) use insert_many;
pub(super) use replace_many;

/// One value of [`update_many`], in the type of its column.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Octets(Option<Vec<u8>>),
    Text(Option<String>),
    Big(Option<i64>),
}

/// Variables in one statement, below SQLite's 32 766.
const VARIABLES_PER_STATEMENT: usize = 16_000;

/// Sets `columns` of the rows of `table` that `keys` name. Each of `rows` holds the keys' values and then the columns',
/// and all hold the same types in the same order. Answers how many rows were changed.
///
/// Both databases call the columns of a list of values `column1`, `column2` …, so one text serves both.
pub(super) fn update_many(
    db: &mut Db,
    table: &'static str,
    keys: &[&'static str],
    columns: &[&'static str],
    rows: &[Vec<Value>],
) -> Result<usize, StoreError> {
    update_many_and(db, table, keys, columns, "", rows)
}

/// The same, and sets of each of these rows what `also` says: assignments in SQL that hold for all of them.
pub(super) fn update_many_and(
    db: &mut Db,
    table: &'static str,
    keys: &[&'static str],
    columns: &[&'static str],
    also: &'static str,
    rows: &[Vec<Value>],
) -> Result<usize, StoreError> {
    let width = keys.len() + columns.len();
    if rows.iter().any(|row| row.len() != width) {
        return Err(StoreError::Corrupt { table, what: "a row to update of another width" });
    }
    let mut changed = 0;
    for chunk in rows.chunks((VARIABLES_PER_STATEMENT / width.max(1)).max(1)) {
        let sql = update_text(table, keys, columns, also, chunk.len());
        changed += each!(&mut *db, c => {
            let mut query = diesel::sql_query(&sql).into_boxed();
            for value in chunk.iter().flatten() {
                query = match value {
                    Value::Octets(value) => query.bind::<Nullable<Binary>, _>(value),
                    Value::Text(value) => query.bind::<Nullable<Text>, _>(value),
                    Value::Big(value) => query.bind::<Nullable<BigInt>, _>(value),
                };
            }
            query.execute(c)
        })?;
    }
    Ok(changed)
}

fn update_text(table: &str, keys: &[&str], columns: &[&str], also: &str, rows: usize) -> String {
    let width = keys.len() + columns.len();
    let mut sets: Vec<_> =
        columns.iter().zip(keys.len() + 1..).map(|(name, at)| format!("{name} = given.column{at}")).collect();
    if !also.is_empty() {
        sets.push(also.to_owned());
    }
    let matches: Vec<_> =
        keys.iter().zip(1..).map(|(name, at): (_, usize)| format!("{table}.{name} = given.column{at}")).collect();
    let mut sql = format!("UPDATE {table} SET {} FROM (VALUES ", sets.join(", "));
    for row in 0..rows {
        let numbers: Vec<_> = (row * width + 1..=(row + 1) * width).map(|at| format!("${at}")).collect();
        // Writing to a String can't fail.
        let _ = write!(sql, "{}({})", if row == 0 { "" } else { ", " }, numbers.join(", "));
    }
    sql.push_str(&format!(") AS given WHERE {}", matches.join(" AND ")));
    sql
}
