//! Rows of any table as plain cells, for backups: read from one database, they can be put into the other.
//!
//! What tables there are is read from this program's own migrations, run on an empty database in memory, so there is no
//! list that could be forgotten when a table is added.

use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::row::{Field as _, NamedRow, Row};
use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, SmallInt, Text};
use diesel::sqlite::{Sqlite, SqliteType};

use super::super::StoreError;
use super::{Db, SQLITE_MIGRATIONS, each, run_migrations};

/// Postgres' numbers for the types of our columns.
const PG_BOOL: u32 = 16;
const PG_BYTEA: u32 = 17;
const PG_INT8: u32 = 20;
const PG_INT2: u32 = 21;
const PG_INT4: u32 = 23;
const PG_TEXT: u32 = 25;

/// One value, as both databases know it. A truth value is 0 or 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Cell {
    Null,
    Integer(i64),
    Text(String),
    Octets(Vec<u8>),
}

/// The declared type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    Small,
    Integer,
    Big,
    Bool,
    Text,
    Octets,
}

/// A column and its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Column {
    pub(in crate::store) name: String,
    pub(in crate::store) kind: Kind,
    /// Its place in the primary key, from 1; 0 when it is no part of it.
    pub(in crate::store) key: i32,
}

/// A table of this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Table {
    pub(in crate::store) name: String,
    pub(in crate::store) columns: Vec<Column>,
}

impl Table {
    /// Columns of the primary key, in its order, each with its place in a row.
    fn keys(&self) -> Vec<(usize, &Column)> {
        let mut keys: Vec<_> = self.columns.iter().enumerate().filter(|(_, column)| column.key > 0).collect();
        keys.sort_by_key(|(_, column)| column.key);
        keys
    }
}

/// An empty database in memory with this program's tables.
pub(in crate::store) fn tables_alone() -> Result<Db, StoreError> {
    let opened = SqliteConnection::establish(":memory:");
    let mut connection = opened.map_err(|error| StoreError::unavailable("listing tables", error))?;
    run_migrations(&mut connection, SQLITE_MIGRATIONS)?;
    Ok(Db::Sqlite(connection))
}

/// Every table of this program, by name.
pub(in crate::store) fn tables() -> Result<Vec<Table>, StoreError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Text)]
        tbl: String,
        #[diesel(sql_type = Text)]
        col: String,
        #[diesel(sql_type = Text)]
        declared: String,
        #[diesel(sql_type = Integer)]
        pk: i32,
    }
    const COLUMNS: &str = "SELECT m.name AS tbl, c.name AS col, c.type AS declared, c.pk AS pk \
                           FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                           WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' \
                           AND m.name NOT LIKE '!_!_diesel%' ESCAPE '!' ORDER BY m.name, c.cid";
    let mut db = tables_alone()?;
    let found: Vec<Found> = each!(&mut db, c => diesel::sql_query(COLUMNS).load(c))?;
    let mut tables: Vec<Table> = Vec::new();
    for Found { tbl, col, declared, pk } in found {
        let kind = match declared.as_str() {
            "SMALLINT" => Kind::Small,
            "INTEGER" => Kind::Integer,
            "BIGINT" => Kind::Big,
            "BOOLEAN" => Kind::Bool,
            "TEXT" => Kind::Text,
            "BLOB" => Kind::Octets,
            _ => return Err(StoreError::Corrupt { table: "migrations", what: "a column of a type of its own" }),
        };
        let column = Column { name: col, kind, key: pk };
        match tables.last_mut() {
            Some(table) if table.name == tbl => table.columns.push(column),
            Some(_) | None => tables.push(Table { name: tbl, columns: vec![column] }),
        }
    }
    Ok(tables)
}

/// The rows of a table after one of them, in the order of its key: at most `limit`.
pub(in crate::store) fn page(
    db: &mut Db,
    table: &Table,
    after: Option<&[Cell]>,
    limit: usize,
) -> Result<Vec<Vec<Cell>>, StoreError> {
    let keys = table.keys();
    let names = list(keys.iter().map(|(_, column)| *column));
    let mut sql = format!("SELECT {} FROM \"{}\"", list(&table.columns), table.name);
    let mut values = Vec::new();
    if let Some(row) = after {
        let numbers: Vec<_> = (1..=keys.len()).map(|number| format!("${number}")).collect();
        sql.push_str(&format!(" WHERE ({names}) > ({})", numbers.join(", ")));
        for (at, column) in &keys {
            values.push(Bound::of(column.kind, row.get(*at).unwrap_or(&Cell::Null))?);
        }
    }
    sql.push_str(&format!(" ORDER BY {names} LIMIT {limit}"));
    let rows: Vec<AnyRow> = each!(db, c => bound!(diesel::sql_query(&sql).into_boxed(), values).load(c))?;
    Ok(rows.into_iter().map(|AnyRow(cells)| cells).collect())
}

/// Puts rows into a table.
pub(in crate::store) fn insert(db: &mut Db, table: &Table, rows: &[Vec<Cell>]) -> Result<(), StoreError> {
    let width = table.columns.len();
    let mut values = Vec::with_capacity(rows.len() * width);
    let mut places = Vec::with_capacity(rows.len());
    for row in rows {
        if row.len() != width {
            return Err(StoreError::Corrupt { table: "the backup", what: "a row of another width" });
        }
        let numbers: Vec<_> = (1..=width).map(|at| format!("${}", values.len() + at)).collect();
        places.push(format!("({})", numbers.join(", ")));
        for (column, cell) in table.columns.iter().zip(row) {
            values.push(Bound::of(column.kind, cell)?);
        }
    }
    if places.is_empty() {
        return Ok(());
    }
    let sql = format!("INSERT INTO \"{}\" ({}) VALUES {}", table.name, list(&table.columns), places.join(", "));
    each!(db, c => bound!(diesel::sql_query(&sql).into_boxed(), values).execute(c))?;
    Ok(())
}

/// Column names in quotes: some of ours mean something in SQL.
fn list<'a>(columns: impl IntoIterator<Item = &'a Column>) -> String {
    columns.into_iter().map(|column| format!("\"{}\"", column.name)).collect::<Vec<_>>().join(", ")
}

/// A value in the type of its column.
enum Bound<'a> {
    Small(Option<i16>),
    Integer(Option<i32>),
    Big(Option<i64>),
    Bool(Option<bool>),
    Text(Option<&'a str>),
    Octets(Option<&'a [u8]>),
}

impl<'a> Bound<'a> {
    fn of(kind: Kind, cell: &'a Cell) -> Result<Self, StoreError> {
        let other = StoreError::Corrupt { table: "the backup", what: "a value of another type than its column's" };
        let number = match cell {
            Cell::Null => None,
            Cell::Integer(number) => Some(*number),
            Cell::Text(text) => return if kind == Kind::Text { Ok(Self::Text(Some(text))) } else { Err(other) },
            Cell::Octets(octets) => {
                return if kind == Kind::Octets { Ok(Self::Octets(Some(octets))) } else { Err(other) };
            }
        };
        Ok(match kind {
            Kind::Small => Self::Small(number.map(i16::try_from).transpose().map_err(|_| other)?),
            Kind::Integer => Self::Integer(number.map(i32::try_from).transpose().map_err(|_| other)?),
            Kind::Big => Self::Big(number),
            Kind::Bool => Self::Bool(number.map(|number| number != 0)),
            Kind::Text if number.is_none() => Self::Text(None),
            Kind::Octets if number.is_none() => Self::Octets(None),
            Kind::Text | Kind::Octets => return Err(other),
        })
    }
}

/// Binds values to a statement, on either database.
macro_rules! bound {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in &$values {
            query = match value {
                Bound::Small(value) => query.bind::<Nullable<SmallInt>, _>(*value),
                Bound::Integer(value) => query.bind::<Nullable<Integer>, _>(*value),
                Bound::Big(value) => query.bind::<Nullable<BigInt>, _>(*value),
                Bound::Bool(value) => query.bind::<Nullable<Bool>, _>(*value),
                Bound::Text(value) => query.bind::<Nullable<Text>, _>(*value),
                Bound::Octets(value) => query.bind::<Nullable<Binary>, _>(*value),
            };
        }
        query
    }};
}
use bound;

/// A row of whatever columns.
struct AnyRow(Vec<Cell>);

impl QueryableByName<Sqlite> for AnyRow {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> deserialize::Result<Self> {
        let mut cells = Vec::with_capacity(row.field_count());
        for at in 0..row.field_count() {
            let field = Row::get(row, at).ok_or("a column is missing")?;
            let Some(mut value) = field.value() else {
                cells.push(Cell::Null);
                continue;
            };
            cells.push(match value.value_type() {
                None => Cell::Null,
                Some(SqliteType::Text) => Cell::Text(value.read_text().to_owned()),
                Some(SqliteType::Binary) => Cell::Octets(value.read_blob().to_vec()),
                Some(SqliteType::SmallInt | SqliteType::Integer | SqliteType::Long) => Cell::Integer(value.read_long()),
                Some(SqliteType::Float | SqliteType::Double) => return Err("no column holds a fraction".into()),
            });
        }
        Ok(Self(cells))
    }
}

impl QueryableByName<Pg> for AnyRow {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        let mut cells = Vec::with_capacity(row.field_count());
        for at in 0..row.field_count() {
            let field = Row::get(row, at).ok_or("a column is missing")?;
            cells.push(field.value().map_or(Ok(Cell::Null), cell_of)?);
        }
        Ok(Self(cells))
    }
}

fn cell_of(value: PgValue<'_>) -> deserialize::Result<Cell> {
    Ok(match value.get_oid().get() {
        PG_BOOL => Cell::Integer(i64::from(<bool as FromSql<Bool, Pg>>::from_sql(value)?)),
        PG_INT2 => Cell::Integer(i64::from(<i16 as FromSql<SmallInt, Pg>>::from_sql(value)?)),
        PG_INT4 => Cell::Integer(i64::from(<i32 as FromSql<Integer, Pg>>::from_sql(value)?)),
        PG_INT8 => Cell::Integer(<i64 as FromSql<BigInt, Pg>>::from_sql(value)?),
        PG_TEXT => Cell::Text(<String as FromSql<Text, Pg>>::from_sql(value)?),
        PG_BYTEA => Cell::Octets(<Vec<u8> as FromSql<Binary, Pg>>::from_sql(value)?),
        _ => return Err("a column of a type of its own".into()),
    })
}
