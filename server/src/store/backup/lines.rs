//! The inside of a backup: lines of JSON. One line says what the backup is, one opens each table, one line is one row, and
//! the last line counts them.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use domain::values::{Digest32, Moment};
use serde::{Deserialize, Serialize};

use super::BackupError;
use crate::store::backend::cells::Cell;

/// The longest line, in octets: far above the largest row.
const LINE_MAX: usize = 33_554_432;

/// What a backup is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Start {
    /// The version of the program that made it.
    pub(super) program: String,
    /// The migrations that its tables have had.
    pub(super) migrations: Vec<String>,
    /// When it was made.
    pub(super) made_at: Moment,
    /// Entries in the ledger.
    pub(super) ledger_size: u64,
    /// The hash of its last entry.
    pub(super) ledger_last: Option<Digest32>,
    /// The root of the tree over them.
    pub(super) ledger_root: Digest32,
}

/// A line of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Start(Start),
    Table { name: String, columns: Vec<String> },
    Row(Vec<Cell>),
    End { rows: BTreeMap<String, u64> },
}

/// A line that is no row, in JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Marker {
    Start(Start),
    Table { name: String, columns: Vec<String> },
    End { rows: BTreeMap<String, u64> },
}

/// A cell in JSON: octets in a list of one, so that they are no text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Json {
    Null(()),
    Integer(i64),
    Text(String),
    Octets([String; 1]),
}

impl Line {
    pub(super) fn write(self, to: &mut impl Write) -> Result<(), BackupError> {
        let json = match self {
            Self::Start(start) => serde_json::to_vec(&Marker::Start(start)),
            Self::Table { name, columns } => serde_json::to_vec(&Marker::Table { name, columns }),
            Self::End { rows } => serde_json::to_vec(&Marker::End { rows }),
            Self::Row(cells) => serde_json::to_vec(&cells.into_iter().map(Json::from).collect::<Vec<_>>()),
        };
        let mut json = json.map_err(io::Error::from)?;
        json.push(b'\n');
        to.write_all(&json)?;
        Ok(())
    }

    /// The next line; `None` at the end.
    pub(super) fn read(from: &mut impl BufRead) -> Result<Option<Self>, BackupError> {
        let mut text = Vec::new();
        let limit = u64::try_from(LINE_MAX).unwrap_or(u64::MAX);
        io::Read::take(&mut *from, limit).read_until(b'\n', &mut text)?;
        if text.is_empty() {
            return Ok(None);
        }
        let unreadable = BackupError::Damaged("a line of it can't be read");
        if text.pop() != Some(b'\n') {
            return Err(unreadable);
        }
        if text.starts_with(b"[") {
            let cells: Vec<Json> = serde_json::from_slice(&text).map_err(|_| unreadable)?;
            return cells.into_iter().map(Json::cell).collect::<Result<_, _>>().map(Self::Row).map(Some);
        }
        Ok(Some(match serde_json::from_slice(&text).map_err(|_| unreadable)? {
            Marker::Start(start) => Self::Start(start),
            Marker::Table { name, columns } => Self::Table { name, columns },
            Marker::End { rows } => Self::End { rows },
        }))
    }
}

impl From<Cell> for Json {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Null => Self::Null(()),
            Cell::Integer(number) => Self::Integer(number),
            Cell::Text(text) => Self::Text(text),
            Cell::Octets(octets) => Self::Octets([STANDARD_NO_PAD.encode(octets)]),
        }
    }
}

impl Json {
    fn cell(self) -> Result<Cell, BackupError> {
        Ok(match self {
            Self::Null(()) => Cell::Null,
            Self::Integer(number) => Cell::Integer(number),
            Self::Text(text) => Cell::Text(text),
            Self::Octets([text]) => Cell::Octets(
                STANDARD_NO_PAD.decode(text).map_err(|_| BackupError::Damaged("a value of it can't be read"))?,
            ),
        })
    }
}
