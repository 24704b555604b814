//! Looking for pairs of keys, on both databases.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, Binary};
use diesel::sqlite::Sqlite;
use std::collections::HashSet;

use super::Db;
use crate::store::StoreError;

/// A pair as it is found.
type Pair = (Vec<u8>, Vec<u8>);

/// Which of these pairs stand in two columns of a table, where `also` holds, a condition in SQL. SQLite looks for each by
/// itself. Postgres is asked once: for either key out of a list, which crosses the lists but never reads further; given the
/// pairs as a table it may turn the join round and read all that was ever stored.
pub(in crate::store) fn find_pairs(
    db: &mut Db,
    table: &'static str,
    keys: [&'static str; 2],
    also: &'static str,
    pairs: &[(&[u8], &[u8])],
) -> Result<Vec<Pair>, StoreError> {
    let look = Look { table, keys, also };
    let mut found: Vec<Pair> = Vec::new();
    match db {
        Db::Postgres(c) => {
            for some in pairs.chunks(super::KEYS_PER_STATEMENT) {
                let (first, second) = some.iter().copied().unzip();
                found.extend(Lists { look, first, second }.load::<Pair>(c)?);
            }
            let asked: HashSet<(&[u8], &[u8])> = pairs.iter().copied().collect();
            found.retain(|(one, other)| asked.contains(&(&one[..], &other[..])));
        }
        Db::Sqlite(c) => {
            for (first, second) in pairs {
                found.extend(OnePair { look, first, second }.load::<Pair>(c)?);
            }
        }
    }
    Ok(found)
}

/// Where pairs are looked for.
#[derive(Clone, Copy)]
struct Look {
    table: &'static str,
    keys: [&'static str; 2],
    also: &'static str,
}

impl Look {
    /// The statement up to its values.
    fn text(&self) -> String {
        let Self { table, keys: [first, second], also } = self;
        format!("SELECT {first}, {second} FROM {table} WHERE {also}")
    }
}

/// The look for one pair, on SQLite, kept prepared.
struct OnePair<'a> {
    look: Look,
    first: &'a [u8],
    second: &'a [u8],
}

impl QueryId for OnePair<'_> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for OnePair<'_> {
    type SqlType = (Binary, Binary);
}

impl RunQueryDsl<SqliteConnection> for OnePair<'_> {}

impl QueryFragment<Sqlite> for OnePair<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let [first, second] = self.look.keys;
        out.push_sql(&self.look.text());
        out.push_sql(&format!(" AND {first} = "));
        out.push_bind_param::<Binary, _>(self.first)?;
        out.push_sql(&format!(" AND {second} = "));
        out.push_bind_param::<Binary, _>(self.second)
    }
}

/// The look for pairs of which each key is in a list, on Postgres, kept prepared.
struct Lists<'a> {
    look: Look,
    first: Vec<&'a [u8]>,
    second: Vec<&'a [u8]>,
}

impl QueryId for Lists<'_> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Lists<'_> {
    type SqlType = (Binary, Binary);
}

impl RunQueryDsl<PgConnection> for Lists<'_> {}

impl QueryFragment<Pg> for Lists<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let [first, second] = self.look.keys;
        out.push_sql(&self.look.text());
        out.push_sql(&format!(" AND {first} = ANY("));
        out.push_bind_param::<Array<Binary>, _>(&self.first)?;
        out.push_sql(&format!(") AND {second} = ANY("));
        out.push_bind_param::<Array<Binary>, _>(&self.second)?;
        out.push_sql(")");
        Ok(())
    }
}
