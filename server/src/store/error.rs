//! What can go wrong on the floor: one list for every table, so that the doors answer all of it alike.

use std::error::Error as StdError;
use std::sync::Arc;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// The cause of a failure, shared because one failed commit answers every closure of its batch.
pub(super) type Cause = Arc<dyn StdError + Send + Sync>;

/// Why the store could not do what was asked. Texts never hold stored content.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database did not do its part: full disk, lost connection, a commit that failed. Nothing was changed; only when
    /// the connection was lost during the commit itself may the change stand all the same, so whoever tries again must be
    /// recognised (one-use forms, message ids).
    #[error("the database is unavailable while {doing}")]
    Unavailable {
        /// What was being attempted.
        doing: &'static str,
        /// What the database said.
        source: Cause,
    },
    /// Too many are waiting, or another node holds its turn too long. Worth trying again at once.
    #[error("the database is busy")]
    Busy,
    /// A stored row does not hold what only we could have written.
    #[error("{table} holds something unreadable: {what}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The database was migrated by a newer program.
    #[error("this database belongs to a newer version of the program")]
    NewerDatabase,
    /// The data key does not open this database.
    #[error("the data key does not belong to this database")]
    WrongKey,
    /// The database's address begins with no scheme that we know.
    #[error("the database's address must begin with sqlite: or postgres://")]
    UnknownScheme,
    /// A row with the same key is already there.
    #[error("it is already stored")]
    Conflict,
    /// A limit of ours was reached.
    #[error("{what} is beyond its limit")]
    TooMuch {
        /// What.
        what: &'static str,
    },
    /// The store was stopped.
    #[error("the store has been stopped")]
    Stopped,
    /// The closure panicked; its savepoint was rolled back.
    #[error("an internal fault stopped this operation")]
    Fault,
    /// The operating system's random numbers, or encryption, failed.
    #[error("encryption failed while {doing}")]
    Encryption {
        /// What was being attempted.
        doing: &'static str,
    },
}

impl StoreError {
    /// Whether trying again later may work: the answer is then 503, never a refusal.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Busy | Self::Stopped => true,
            Self::Corrupt { .. }
            | Self::NewerDatabase
            | Self::WrongKey
            | Self::UnknownScheme
            | Self::Conflict
            | Self::TooMuch { .. }
            | Self::Fault
            | Self::Encryption { .. } => false,
        }
    }

    /// The database failed while we were doing something.
    pub(super) fn unavailable(doing: &'static str, source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Unavailable { doing, source: Arc::new(source) }
    }

    /// For `map_err` where stored octets become a value of ours.
    pub(super) fn corrupt<E>(table: &'static str, what: &'static str) -> impl FnOnce(E) -> Self {
        move |_| Self::Corrupt { table, what }
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        use DatabaseErrorKind::{CheckViolation, ForeignKeyViolation, NotNullViolation, UniqueViolation};
        if matches!(error, DieselError::DatabaseError(UniqueViolation, _)) {
            return Self::Conflict;
        }
        let against_the_rules = matches!(
            error,
            DieselError::DatabaseError(NotNullViolation | ForeignKeyViolation | CheckViolation, _)
                | DieselError::DeserializationError(_)
                | DieselError::NotFound
        );
        if against_the_rules {
            return Self::Corrupt { table: "the database", what: "a row is not as the tables promise" };
        }
        if matches!(&error, DieselError::DatabaseError(_, details) if is_wait_too_long(details.message())) {
            return Self::Busy;
        }
        Self::unavailable("running a statement", error)
    }
}

/// Diesel gives no kind for these; the words are those of SQLite's `SQLITE_BUSY` and of Postgres' `lock_timeout` and
/// `statement_timeout`.
fn is_wait_too_long(message: &str) -> bool {
    ["database is locked", "lock timeout", "statement timeout"].into_iter().any(|words| message.contains(words))
}
