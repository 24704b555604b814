//! Whether another process works on the same database: a lock that ends with the process that holds it, however that ends.
//!
//! On SQLite it lies on a file beside the database, on Postgres with a connection that is kept for it. *Economy* only:
//! without it the leases of whoever died lapse by themselves.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use diesel::connection::SimpleConnection as _;
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
                let failed = |error| StoreError::unavailable("opening the lock beside the database", error);
                // One database may have several names.
                let mut lock = std::fs::canonicalize(path).map_err(failed)?.into_os_string();
                lock.push(".lock");
                let file = open_private(Path::new(&lock)).map_err(|error| {
                    failed(std::io::Error::new(error.kind(), format!("{}: {error}", lock.to_string_lossy())))
                });
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

    /// Whether the lock can't have gone without this process: a server may have closed the connection that held it.
    pub(in crate::store) fn is_held(&mut self) -> bool {
        match &mut self.0 {
            Hold::Session(c) => c.batch_execute("SELECT 1").is_ok(),
            Hold::File(_) => true,
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
fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}
