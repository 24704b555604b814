//! A look at a node's tables past the product's own queries: what is compared with them must not come from them.

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};

/// A connection of our own to a node's database.
pub(crate) enum Peek {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// One entry of a ledger, without its content.
#[derive(QueryableByName)]
pub(crate) struct Entry {
    #[diesel(sql_type = BigInt)]
    pub(crate) n: i64,
    #[diesel(sql_type = Text)]
    pub(crate) kind: String,
    #[diesel(sql_type = Nullable<Binary>)]
    pub(crate) stream: Option<Vec<u8>>,
    #[diesel(sql_type = Text)]
    pub(crate) octets: String,
}

/// A message on its way, or parked.
#[derive(QueryableByName)]
pub(crate) struct Open {
    #[diesel(sql_type = Binary)]
    pub(crate) id: Vec<u8>,
    #[diesel(sql_type = Text)]
    pub(crate) kind: String,
    #[diesel(sql_type = Text)]
    pub(crate) state: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) last_outcome: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    pub(crate) exchange_id: Option<Vec<u8>>,
}

/// How far a partner's ledger reached, as it was witnessed.
#[derive(QueryableByName)]
pub(crate) struct Seen {
    #[diesel(sql_type = Text)]
    pub(crate) issuer: String,
    #[diesel(sql_type = BigInt)]
    pub(crate) size: i64,
    #[diesel(sql_type = Binary)]
    pub(crate) root: Vec<u8>,
}

/// A word.
#[derive(QueryableByName)]
pub(crate) struct Word {
    #[diesel(sql_type = Text)]
    pub(crate) word: String,
}

macro_rules! rows {
    ($peek:expr, $sql:expr) => {
        match $peek {
            Peek::Sqlite(connection) => sql_query($sql).load(connection),
            Peek::Postgres(connection) => sql_query($sql).load(connection),
        }
        .expect("a look at the tables")
    };
}

impl Peek {
    pub(crate) fn at(url: &str) -> Self {
        match url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut connection = SqliteConnection::establish(path).expect("the database opens");
                connection.batch_execute("PRAGMA busy_timeout = 5000").expect("a pragma");
                connection.batch_execute("PRAGMA query_only = ON").expect("a pragma");
                Self::Sqlite(connection)
            }
            None => Self::Postgres(PgConnection::establish(url).expect("the database opens")),
        }
    }

    /// Entries of the ledger from a number on.
    pub(crate) fn entries(&mut self, from: i64) -> Vec<Entry> {
        rows!(self, format!("SELECT n, kind, stream, octets FROM ledger WHERE n >= {from} ORDER BY n"))
    }

    /// Messages that are still to be carried, signs of life aside.
    pub(crate) fn open(&mut self) -> Vec<Open> {
        rows!(
            self,
            "SELECT id, kind, state, last_outcome, exchange_id FROM outbox WHERE open AND kind <> 'heartbeat' ORDER BY position"
        )
    }

    /// Every checkpoint of a partner that was kept.
    pub(crate) fn seen(&mut self) -> Vec<Seen> {
        rows!(
            self,
            "SELECT p.issuer AS issuer, c.size AS size, c.root AS root \
             FROM checkpoints_seen c JOIN partners p ON p.id = c.partner_id WHERE p.issuer IS NOT NULL"
        )
    }

    /// Partners whose lane stands still until a person has looked.
    pub(crate) fn stopped(&mut self) -> Vec<String> {
        let found: Vec<Word> = rows!(
            self,
            "SELECT p.issuer AS word FROM lanes l JOIN partners p ON p.id = l.partner_id \
             WHERE l.stopped IS NOT NULL AND p.issuer IS NOT NULL ORDER BY p.issuer"
        );
        found.into_iter().map(|found| found.word).collect()
    }

    /// Kinds of alerts that are open.
    pub(crate) fn alerts(&mut self) -> Vec<String> {
        let found: Vec<Word> =
            rows!(self, "SELECT DISTINCT kind AS word FROM alerts WHERE cleared_at IS NULL ORDER BY kind");
        found.into_iter().map(|found| found.word).collect()
    }

    /// Clocks that are still to be met although the partner's receipt is there: kinds.
    pub(crate) fn forgotten_clocks(&mut self) -> Vec<String> {
        let found: Vec<Word> = rows!(
            self,
            "SELECT c.kind AS word FROM clocks c JOIN exchanges e ON e.id = c.exchange_id \
             WHERE c.open AND c.kind = 'partner_notice' AND e.direction = 'outgoing' AND e.delivered_revision > 0"
        );
        found.into_iter().map(|found| found.word).collect()
    }

    /// First words with a receipt.
    pub(crate) fn told(&mut self) -> usize {
        let found: Vec<Word> = rows!(
            self,
            "SELECT CAST(COUNT(*) AS TEXT) AS word FROM outbox WHERE kind = 'notified' AND receipted_at IS NOT NULL"
        );
        found.first().and_then(|found| found.word.parse().ok()).expect("a count")
    }
}
