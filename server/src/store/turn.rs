//! One closure's turn at the writer: it looks, records decided events, and appends entries.
//!
//! Entries, contents, tree nodes and checkpoints are buffered and written once per batch; what a turn reads of streams
//! is the rows plus what this batch has buffered, so a decision never stands on stale state.

use diesel::prelude::*;
use domain::complaint::{self, Complaint};
use domain::exchange::{self, Exchange};
use domain::incident::{self, Incident};
use domain::values::{ComplaintId, Digest32, ExchangeId, IncidentId, Moment};
use serde::Serialize;
use uuid::Uuid;

use super::ledger::{self, Checkpoint, EntryKind, NewEntry, Pending};
use super::{Rows, StoreError, projections, schema};

/// Decided events of one stream, with the state that they were decided on.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "states are moved into a change once and looked at from there")]
pub enum Change {
    /// Of an incident.
    Incident {
        /// Which.
        id: IncidentId,
        /// Its state before; `None` for a new one.
        before: Option<Incident>,
        /// What was decided, in order.
        events: Vec<incident::Event>,
    },
    /// Of an exchange.
    Exchange {
        /// Which.
        id: ExchangeId,
        /// Its state before; `None` for a new one.
        before: Option<Exchange>,
        /// What was decided, in order.
        events: Vec<exchange::Event>,
    },
    /// Of a complaint.
    Complaint {
        /// Which.
        id: ComplaintId,
        /// Its state before; `None` for a new one.
        before: Option<Complaint>,
        /// What was decided, in order.
        events: Vec<complaint::Event>,
    },
}

/// One closure's turn at the writer.
pub struct Turn<'a> {
    rows: Rows<'a>,
    pending: &'a mut Pending,
    now: Moment,
    /// Entries before this turn: what [`Turn::erase_stream`] reaches.
    began_at: u64,
    fan_out_checkpoint: Option<u64>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(rows: Rows<'a>, pending: &'a mut Pending, now: Moment) -> Self {
        let began_at = pending.size();
        Self { rows, pending, now, began_at, fan_out_checkpoint: None }
    }

    /// The tables as this turn sees them.
    pub fn rows(&mut self) -> &mut Rows<'a> {
        &mut self.rows
    }

    /// The instant of everything recorded in this turn (duty time).
    #[must_use]
    pub const fn now(&self) -> Moment {
        self.now
    }

    /// The state of an incident, or `None` when there is no such incident.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its entries can't be read.
    pub fn incident(&mut self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        ledger::incident(&mut self.rows, self.pending, id)
    }

    /// The state of an exchange, or `None` when there is no such exchange.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its entries can't be read.
    pub fn exchange(&mut self, id: ExchangeId) -> Result<Option<Exchange>, StoreError> {
        Ok(self.exchanges(&[id])?.pop().and_then(|(_, state)| state))
    }

    /// The states of many exchanges, in the order asked, with few statements.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when their entries can't be read.
    pub fn exchanges(&mut self, ids: &[ExchangeId]) -> Result<Vec<(ExchangeId, Option<Exchange>)>, StoreError> {
        ledger::exchanges(&mut self.rows, self.pending, ids)
    }

    /// The state of a complaint, or `None` when there is no such complaint.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its entries can't be read.
    pub fn complaint(&mut self, id: ComplaintId) -> Result<Option<Complaint>, StoreError> {
        ledger::complaint(&mut self.rows, self.pending, id)
    }

    /// Records decided events: one ledger entry each, then the read tables and the outgoing work.
    ///
    /// # Errors
    /// Those of the database; the turn then has to end with the error.
    pub fn record(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        for change in &changes {
            self.append_events(change)?;
        }
        projections::project(self, &changes)
    }

    /// Appends one entry; its content is sealed. Answers its number.
    ///
    /// `stream` is the incident or exchange for event entries only; `subject` files the entry under the incident, or
    /// under an exchange without one.
    ///
    /// # Errors
    /// [`StoreError::Encryption`] when no random salt could be had.
    pub fn append(
        &mut self,
        kind: EntryKind,
        stream: Option<Uuid>,
        subject: Option<Uuid>,
        content: &[u8],
    ) -> Result<u64, StoreError> {
        self.pending.append(NewEntry { kind, stream, subject, content }, self.now)
    }

    /// The exact object of an entry, this batch's included; `None` when it was erased or there is no such entry.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it does not open.
    pub fn object(&mut self, n: u64) -> Result<Option<Vec<u8>>, StoreError> {
        if self.pending.first().is_some_and(|first| n >= first) {
            return Ok(self.pending.object(n).map(<[u8]>::to_vec));
        }
        ledger::object(&mut self.rows, n)
    }

    /// The next number of a named count: 1, 2, 3 … A refused turn gives its number back.
    ///
    /// # Errors
    /// Those of the database.
    pub fn next_number(&mut self, name: &str) -> Result<u64, StoreError> {
        use schema::counters::dsl;
        let counted: Option<i64> = diesel::update(dsl::counters.filter(dsl::name.eq(name)))
            .set(dsl::value.eq(dsl::value + 1))
            .returning(dsl::value)
            .get_result(self.rows.db)
            .optional()?;
        if counted.is_none() {
            diesel::insert_into(dsl::counters)
                .values((dsl::name.eq(name), dsl::value.eq(1_i64)))
                .execute(self.rows.db)?;
        }
        u64::try_from(counted.unwrap_or(1)).map_err(StoreError::corrupt("counters", "a negative count"))
    }

    /// Entries there are, this batch's included.
    #[must_use]
    pub fn ledger_size(&self) -> u64 {
        self.pending.size()
    }

    /// The root of the tree over [`Turn::ledger_size`] entries.
    #[must_use]
    pub fn ledger_root(&self) -> Digest32 {
        self.pending.root()
    }

    /// The newest checkpoint committed before this batch.
    ///
    /// # Errors
    /// Those of the database.
    pub fn newest_checkpoint(&mut self) -> Result<Option<Checkpoint>, StoreError> {
        ledger::newest_checkpoint(&mut self.rows)
    }

    /// The checkpoint of a size, this batch's included.
    ///
    /// # Errors
    /// Those of the database.
    pub fn checkpoint(&mut self, size: u64) -> Result<Option<Checkpoint>, StoreError> {
        match self.pending.checkpoint(size) {
            Some(checkpoint) => Ok(Some(checkpoint)),
            None => ledger::checkpoint(&mut self.rows, size),
        }
    }

    /// Keeps a signed checkpoint. One of a size already kept changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when its root is not the tree's at that size: a node never keeps two checkpoints that do
    /// not extend each other.
    pub fn keep_checkpoint(&mut self, checkpoint: Checkpoint) -> Result<(), StoreError> {
        if self.checkpoint(checkpoint.size)?.is_some_and(|kept| kept.root == checkpoint.root) {
            return Ok(());
        }
        if ledger::root_at(&mut self.rows, self.pending, checkpoint.size)? != Some(checkpoint.root) {
            return Err(StoreError::Corrupt { table: "checkpoints", what: "a root that is not the tree's" });
        }
        self.pending.keep_checkpoint(checkpoint);
        Ok(())
    }

    /// The size of the checkpoint that notices queued in this turn will carry (one serves a whole fan-out).
    #[must_use]
    pub const fn fan_out_checkpoint(&self) -> Option<u64> {
        self.fan_out_checkpoint
    }

    /// Sets the checkpoint that notices queued in this turn will carry. Call it before [`Turn::record`].
    pub const fn set_fan_out_checkpoint(&mut self, size: Option<u64>) {
        self.fan_out_checkpoint = size;
    }

    /// Erases the contents of the entries of a stream from before this turn, and of the messages filed under it or placed
    /// in it. The chain still verifies. Receipts stay: they hold digests and instants only, and prove that the duty was met.
    ///
    /// # Errors
    /// Those of the database.
    pub fn erase_stream(&mut self, stream: Uuid) -> Result<(), StoreError> {
        let buffered = self.pending.first().filter(|first| *first < self.began_at);
        let placed = buffered.map(|first| ledger::placed(&mut self.rows, stream, first)).transpose()?;
        self.pending.erase(stream, &placed.unwrap_or_default(), self.began_at);
        ledger::erase(&mut self.rows, stream, self.began_at)
    }

    fn append_events(&mut self, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::Incident { id, events, .. } => {
                for event in events {
                    self.append_event(EntryKind::Incident, id.uuid(), id.uuid(), event)?;
                }
            }
            Change::Exchange { id, before, events } => {
                let mut state = before.clone();
                for event in events {
                    state = exchange::evolve(state, event);
                    let incident = state.as_ref().and_then(|state| state.incident).map(IncidentId::uuid);
                    self.append_event(EntryKind::Exchange, id.uuid(), incident.unwrap_or(id.uuid()), event)?;
                }
            }
            Change::Complaint { id, events, .. } => {
                for event in events {
                    self.append_event(EntryKind::Complaint, id.uuid(), id.uuid(), event)?;
                }
            }
        }
        Ok(())
    }

    fn append_event(
        &mut self,
        kind: EntryKind,
        stream: Uuid,
        subject: Uuid,
        event: &impl Serialize,
    ) -> Result<(), StoreError> {
        let content = serde_json::to_vec(event)
            .map_err(StoreError::corrupt("ledger", "an event that can't be written as JSON"))?;
        self.append(kind, Some(stream), Some(subject), &content)?;
        Ok(())
    }
}
