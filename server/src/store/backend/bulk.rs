//! Many rows at once, on both databases: on Postgres in few statements, each a way to the server and back; on SQLite in
//! one prepared statement run for each row, which costs less there than reading a long statement.
//!
//! [`insert_many!`] and [`replace_many!`] work on row structs (`#[derive(Insertable)]` with
//! `#[diesel(treat_none_as_default_value = false)]`, also without an `Option` in them: else diesel goes row by row on SQLite,
//! in a transaction of its own, which fails inside the writer's). [`update_many`] changes some columns of many rows, each
//! to its own values.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;
use std::fmt::Write as _;

use super::Db;
use crate::store::StoreError;

/// Inserts a slice of rows: `insert_many!(db, schema::outbox::table, &rows)` gives `Result<(), StoreError>`.
macro_rules! insert_many {
    ($db:expr, $table:expr, $rows:expr) => {{
        let mut done: Result<(), $crate::store::StoreError> = Ok(());
        match &mut *$db {
            $crate::store::backend::Db::Postgres(c) => {
                for chunk in $rows.chunks($crate::store::backend::ROWS_PER_STATEMENT) {
                    done = done.and_then(|()| {
                        diesel::RunQueryDsl::execute(diesel::insert_into($table).values(chunk), &mut *c)
                            .map(|_| ())
                            .map_err(Into::into)
                    });
                }
            }
            $crate::store::backend::Db::Sqlite(c) => {
                for row in $rows.iter() {
                    done = done.and_then(|()| {
                        diesel::RunQueryDsl::execute(diesel::insert_into($table).values(row), &mut *c)
                            .map(|_| ())
                            .map_err(Into::into)
                    });
                }
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
        done.and_then(|()| $crate::store::backend::bulk::insert_many!($db, $table, $rows))
    }};
}

pub(in crate::store) use insert_many;
pub(in crate::store) use replace_many;

/// One value of [`update_many`], in the type of its column.
#[derive(Debug, Clone)]
pub(in crate::store) enum Value {
    Octets(Option<Vec<u8>>),
    Text(Option<String>),
    Big(Option<i64>),
    Flag(bool),
}

impl Value {
    /// The value of a whole number's column, whatever its width.
    pub(in crate::store) fn number(value: Option<impl Into<i64>>) -> Self {
        Self::Big(value.map(Into::into))
    }
}

/// Variables in one statement, well below Postgres' 65 535.
const VARIABLES_PER_STATEMENT: usize = 16_000;

/// Sets `columns` of the rows of `table` that `keys` name. Each of `rows` holds the keys' values and then the columns',
/// and all hold the same types in the same order. Answers how many rows were changed.
pub(in crate::store) fn update_many(
    db: &mut Db,
    table: &'static str,
    keys: &[&'static str],
    columns: &[&'static str],
    rows: &[Vec<Value>],
) -> Result<usize, StoreError> {
    update_many_and(db, table, keys, columns, "", rows)
}

/// The same, and sets of each of these rows what `also` says: assignments in SQL that hold for all of them.
pub(in crate::store) fn update_many_and(
    db: &mut Db,
    table: &'static str,
    keys: &[&'static str],
    columns: &[&'static str],
    also: &'static str,
    rows: &[Vec<Value>],
) -> Result<usize, StoreError> {
    let update = Update { table, keys, columns, also };
    if rows.iter().any(|row| row.len() != update.width()) {
        return Err(StoreError::Corrupt { table, what: "a row to update of another width" });
    }
    match db {
        Db::Postgres(c) => update.together(c, rows),
        Db::Sqlite(c) => update.one_by_one(c, rows),
    }
}

/// What is set, and where.
#[derive(Clone, Copy)]
struct Update<'a> {
    table: &'static str,
    keys: &'a [&'static str],
    columns: &'a [&'static str],
    also: &'static str,
}

impl Update<'_> {
    const fn width(&self) -> usize {
        self.keys.len() + self.columns.len()
    }

    fn together(&self, connection: &mut PgConnection, rows: &[Vec<Value>]) -> Result<usize, StoreError> {
        let mut changed = 0;
        for chunk in rows.chunks((VARIABLES_PER_STATEMENT / self.width().max(1)).max(1)) {
            let mut query = diesel::sql_query(self.text(chunk.len())).into_boxed();
            for value in chunk.iter().flatten() {
                query = match value {
                    Value::Octets(value) => query.bind::<Nullable<Binary>, _>(value),
                    Value::Text(value) => query.bind::<Nullable<Text>, _>(value),
                    Value::Big(value) => query.bind::<Nullable<BigInt>, _>(value),
                    Value::Flag(value) => query.bind::<Bool, _>(value),
                };
            }
            changed += query.execute(connection)?;
        }
        Ok(changed)
    }

    fn one_by_one(&self, connection: &mut SqliteConnection, rows: &[Vec<Value>]) -> Result<usize, StoreError> {
        let mut changed = 0;
        for row in rows {
            changed += UpdateOne { update: *self, row }.execute(connection)?;
        }
        Ok(changed)
    }

    /// The statement for so many rows. Postgres calls the columns of a list of values `column1`, `column2` …
    fn text(&self, rows: usize) -> String {
        let Self { table, keys, columns, also } = self;
        let width = self.width();
        let mut sets: Vec<_> =
            columns.iter().zip(keys.len() + 1..).map(|(name, at)| format!("{name} = given.column{at}")).collect();
        if !also.is_empty() {
            sets.push((*also).to_owned());
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
}

/// The update of one row as a statement that diesel keeps prepared: its text depends on names of ours alone.
struct UpdateOne<'a> {
    update: Update<'a>,
    /// Values of the keys, then of the columns.
    row: &'a [Value],
}

impl QueryId for UpdateOne<'_> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Sqlite> for UpdateOne<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let Update { table, keys: named, columns, also } = self.update;
        let (keys, values) = self.row.split_at(named.len().min(self.row.len()));
        out.push_sql("UPDATE ");
        out.push_sql(table);
        let mut joint = " SET ";
        for (column, value) in columns.iter().zip(values) {
            out.push_sql(joint);
            out.push_sql(column);
            out.push_sql(" = ");
            bind(&mut out, value)?;
            joint = ", ";
        }
        if !also.is_empty() {
            out.push_sql(joint);
            out.push_sql(also);
        }
        joint = " WHERE ";
        for (key, value) in named.iter().zip(keys) {
            out.push_sql(joint);
            out.push_sql(key);
            out.push_sql(" = ");
            bind(&mut out, value)?;
            joint = " AND ";
        }
        Ok(())
    }
}

impl RunQueryDsl<SqliteConnection> for UpdateOne<'_> {}

fn bind<'b>(out: &mut AstPass<'_, 'b, Sqlite>, value: &'b Value) -> QueryResult<()> {
    match value {
        Value::Octets(value) => out.push_bind_param::<Nullable<Binary>, _>(value),
        Value::Text(value) => out.push_bind_param::<Nullable<Text>, _>(value),
        Value::Big(value) => out.push_bind_param::<Nullable<BigInt>, _>(value),
        Value::Flag(value) => out.push_bind_param::<Bool, _>(value),
    }
}
