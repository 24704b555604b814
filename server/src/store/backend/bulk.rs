//! Many rows at once, on both databases: on Postgres in few statements, each a way to the server and back; on SQLite in
//! one statement run for each row, which costs less there than a long one. Either way the statements are kept prepared:
//! on Postgres they come in a few fixed lengths.
//!
//! [`insert_many!`] and [`replace_many!`] work on row structs (`#[derive(Insertable)]` with
//! `#[diesel(treat_none_as_default_value = false)]`, also without an `Option` in them: else diesel goes row by row on SQLite,
//! in a transaction of its own, which fails inside the writer's). [`update_many`] changes some columns of many rows, each
//! to its own values.

use diesel::backend::Backend;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Binary, Bool, HasSqlType, Nullable, Text};
use diesel::sqlite::Sqlite;

use super::Db;
use crate::store::StoreError;

/// Inserts a slice of rows: `insert_many!(db, schema::outbox::table, &rows)` gives `Result<(), StoreError>`.
macro_rules! insert_many {
    ($db:expr, $table:expr, $rows:expr) => {{
        let mut done: Result<(), $crate::store::StoreError> = Ok(());
        match &mut *$db {
            $crate::store::backend::Db::Postgres(c) => {
                // Arrays, whose statements diesel keeps prepared.
                $crate::store::backend::bulk::insert_arrays!(c, $table, $rows, done, 0, 1, 2, 3, 4, 5, 6, 7);
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

/// Inserts as many rows as possible in statements of each of these of [`LENGTHS`], and the rest with the next.
macro_rules! insert_arrays {
    ($connection:expr, $table:expr, $rows:expr, $done:expr, $($place:literal),*) => {
        let rows = &$rows[..];
        $(
            let (arrays, rows) = rows.as_chunks::<{ $crate::store::backend::bulk::LENGTHS[$place] }>();
            for array in arrays {
                $done = $done.and_then(|()| {
                    diesel::RunQueryDsl::execute(diesel::insert_into($table).values(array), &mut *$connection)
                        .map(|_| ())
                        .map_err(Into::into)
                });
            }
        )*
        debug_assert!(rows.is_empty(), "the last length is 1");
    };
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

pub(in crate::store) use insert_arrays;
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

/// Lengths of the statements that are kept prepared on Postgres: any number of rows is a few of them.
pub(in crate::store) const LENGTHS: [usize; 8] = [128, 64, 32, 16, 8, 4, 2, 1];

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

    fn together(&self, connection: &mut PgConnection, mut rows: &[Vec<Value>]) -> Result<usize, StoreError> {
        let mut changed = 0;
        for length in LENGTHS {
            while let Some((now, rest)) = rows.split_at_checked(length) {
                changed += UpdateTogether { update: *self, rows: now }.execute(connection)?;
                rows = rest;
            }
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
}

/// The update of some rows as one statement, on Postgres, which calls the columns of a list of values `column1`, `column2`
/// … Kept prepared: its text depends on names of ours and on the number of rows.
struct UpdateTogether<'a> {
    update: Update<'a>,
    /// Values of the keys, then of the columns.
    rows: &'a [Vec<Value>],
}

impl QueryId for UpdateTogether<'_> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Pg> for UpdateTogether<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Update { table, keys, columns, also } = self.update;
        out.push_sql("UPDATE ");
        out.push_sql(table);
        let mut joint = " SET ";
        for (column, at) in columns.iter().zip(keys.len() + 1..) {
            out.push_sql(&format!("{joint}{column} = given.column{at}"));
            joint = ", ";
        }
        if !also.is_empty() {
            out.push_sql(joint);
            out.push_sql(also);
        }
        joint = " FROM (VALUES (";
        for row in self.rows {
            for value in row {
                out.push_sql(joint);
                bind(&mut out, value)?;
                joint = ", ";
            }
            joint = "), (";
        }
        joint = ")) AS given WHERE ";
        for (key, at) in keys.iter().zip(1..) {
            let at: usize = at;
            out.push_sql(&format!("{joint}{table}.{key} = given.column{at}"));
            joint = " AND ";
        }
        Ok(())
    }
}

impl RunQueryDsl<PgConnection> for UpdateTogether<'_> {}

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

fn bind<'b, D>(out: &mut AstPass<'_, 'b, D>, value: &'b Value) -> QueryResult<()>
where
    D: Backend + HasSqlType<Binary> + HasSqlType<Text> + HasSqlType<BigInt> + HasSqlType<Bool>,
    Vec<u8>: ToSql<Binary, D>,
    String: ToSql<Text, D>,
    i64: ToSql<BigInt, D>,
    bool: ToSql<Bool, D>,
{
    match value {
        Value::Octets(value) => out.push_bind_param::<Nullable<Binary>, _>(value),
        Value::Text(value) => out.push_bind_param::<Nullable<Text>, _>(value),
        Value::Big(value) => out.push_bind_param::<Nullable<BigInt>, _>(value),
        Value::Flag(value) => out.push_bind_param::<Bool, _>(value),
    }
}
