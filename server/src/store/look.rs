//! A look at a database before it is opened: whose tables it has and whether a node is in it. Nothing is made or changed.

use diesel::prelude::*;

use super::backend::{self, Address};
use super::sealed::Seal;
use super::{DataKey, StoreError, ledger, schema};

/// Whose tables a database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody's: it has none.
    Empty,
    /// An older program's; opening it brings them up to date.
    Older,
    /// This program's.
    Current,
    /// A newer program's; it can't be opened.
    Newer,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Whose tables there are.
    pub standing: Standing,
    /// Whether a node is in it; known only when the tables are this program's.
    pub set_up: bool,
    /// The last migration that it had; empty when it had none.
    pub migration: String,
}

/// Looks at a database. One with this program's tables must open with the data key.
///
/// # Errors
/// [`StoreError::UnknownScheme`], [`StoreError::WrongKey`], or [`StoreError::Unavailable`] when it can't be reached.
pub fn look(url: &str, data_key: &DataKey) -> Result<Look, StoreError> {
    let seal = Seal::new(data_key)?;
    let mut db = Address::parse(url)?.connect()?;
    let (applied, known) = (backend::applied(&mut db)?, backend::known()?);
    let standing = match applied.last() {
        None => Standing::Empty,
        Some(_) if applied == known => Standing::Current,
        Some(_) if applied.iter().all(|name| known.contains(name)) => Standing::Older,
        Some(_) => Standing::Newer,
    };
    let mut set_up = false;
    if standing == Standing::Current {
        ledger::has_data_key(&mut db, &seal)?;
        let documents: i64 = schema::own_documents::table.count().get_result(&mut db)?;
        set_up = documents > 0;
    }
    Ok(Look { standing, set_up, migration: applied.last().cloned().unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::store::testing::{both, data_key};

    both!(
        /// Aim: a look tells whose tables there are and whose key it is, and changes nothing.
        looks_tell_whose_tables_there_are, |store| {
            let found = look(&store.url(), &data_key()).unwrap();
            assert_eq!((found.standing, found.set_up), (Standing::Current, false));
            let other = look(&store.url(), &DataKey::from_bytes([8; 32]));
            assert!(matches!(other, Err(StoreError::WrongKey)), "{other:?}");
            store.tamper("INSERT INTO own_documents (kind, version, token, at) VALUES ('card', 1, '', 0)");
            assert!(look(&store.url(), &data_key()).unwrap().set_up);
            store.tamper("DELETE FROM __diesel_schema_migrations WHERE version <> '0001'");
            assert_eq!(look(&store.url(), &data_key()).unwrap().standing, Standing::Older);
            store.tamper("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')");
            let newer = look(&store.url(), &data_key()).unwrap();
            assert_eq!((newer.standing, newer.migration.as_str()), (Standing::Newer, "9999"));
            store.tamper("DROP TABLE __diesel_schema_migrations");
            for _ in 0..2 {
                assert_eq!(look(&store.url(), &data_key()).unwrap().standing, Standing::Empty);
            }
        }
    );
}
