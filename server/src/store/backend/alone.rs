//! Whether another process works on the same database: a lock that ends with the process that holds it, however that ends.
//!
//! On SQLite it lies on a file beside the database, on Postgres with a connection that is kept for it. *Economy* only:
//! without it the leases of whoever died lapse by themselves.

use std::fs::{File, OpenOptions, TryLockError};

use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::{Address, Db, identity};
use crate::store::StoreError;

/// The lock's first number on Postgres, an arbitrary one of ours; the second is that of a table, which no other database or
/// schema has.
const PRESENCE_LOCK: i32 = 0x746f_6373;

/// A process at work on a database. Whatever it locked is free again when this goes.
pub(in crate::store) struct Presence(Hold);

enum Hold {
    Session(diesel::PgConnection),
    File(File),
}

#[derive(QueryableByName)]
struct Done {
    #[diesel(sql_type = Bool)]
    done: bool,
}

impl Presence {
    /// Makes ready to lock; nothing is locked yet. `None` for a database without a file of its own.
    pub(in crate::store) fn open(address: &Address) -> Result<Option<Self>, StoreError> {
        match address {
            Address::Postgres(_) => match address.connect()? {
                Db::Postgres(connection) => Ok(Some(Self(Hold::Session(connection)))),
                Db::Sqlite(_) => Ok(None),
            },
            Address::Sqlite(path) => {
                if identity(path).is_none() {
                    return Ok(None);
                }
                let file = open_private(&format!("{path}.lock"));
                let file = file.map_err(|error| StoreError::unavailable("opening the lock beside the database", error));
                Ok(Some(Self(Hold::File(file?))))
            }
        }
    }

    /// Keeps everybody else out, if nobody else is there.
    pub(in crate::store) fn try_alone(&mut self) -> Result<bool, StoreError> {
        match &mut self.0 {
            Hold::Session(c) => asked(c, "pg_try_advisory_lock"),
            Hold::File(file) => locked(file.try_lock()),
        }
    }

    /// Lets others in again.
    pub(in crate::store) fn end_alone(&mut self) -> Result<(), StoreError> {
        match &mut self.0 {
            Hold::Session(c) => asked(c, "pg_advisory_unlock").map(drop),
            Hold::File(file) => file.unlock().map_err(|error| StoreError::unavailable("unlocking", error)),
        }
    }

    /// Is there, beside others; false while somebody keeps everybody out.
    pub(in crate::store) fn try_shared(&mut self) -> Result<bool, StoreError> {
        match &mut self.0 {
            Hold::Session(c) => asked(c, "pg_try_advisory_lock_shared"),
            Hold::File(file) => locked(file.try_lock_shared()),
        }
    }
}

fn asked(connection: &mut diesel::PgConnection, function: &str) -> Result<bool, StoreError> {
    let ask = format!("SELECT {function}({PRESENCE_LOCK}, 'lanes'::regclass::oid::int) AS done");
    let Done { done } = diesel::sql_query(ask).get_result(connection)?;
    Ok(done)
}

fn locked(tried: Result<(), TryLockError>) -> Result<bool, StoreError> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(StoreError::unavailable("locking", error)),
    }
}

/// The file of the lock: empty, for its owner only, never removed, since others may hold it.
fn open_private(path: &str) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}
