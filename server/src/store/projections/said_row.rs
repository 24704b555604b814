//! How a message about a case looks in the tables.

use diesel::prelude::*;
use domain::exchange::{Exchange, Said};
use domain::values::{MessageId, Moment};

use super::rows::json;
use crate::store::StoreError;
use crate::store::schema::said;
use crate::store::sealed::Seal;

pub(super) const SAID: &str = "said.content";

#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = said, treat_none_as_default_value = false)]
pub(in crate::store) struct SaidRow {
    pub message: Vec<u8>,
    pub exchange_id: Vec<u8>,
    pub partner_id: Vec<u8>,
    pub incident_id: Option<Vec<u8>>,
    pub sent: bool,
    pub kind: String,
    pub re: Option<Vec<u8>>,
    pub due_at: Option<i64>,
    pub content: Vec<u8>,
    pub at: i64,
    pub read_at: Option<i64>,
}

impl SaidRow {
    /// `sent`: it is ours. `at` is when it came into our record.
    pub(super) fn of(exchange: &Exchange, said: &Said, sent: bool, at: Moment) -> Result<Self, StoreError> {
        Ok(Self {
            message: said.message.as_bytes().to_vec(),
            exchange_id: exchange.id.as_bytes().to_vec(),
            partner_id: exchange.partner.as_bytes().to_vec(),
            incident_id: exchange.incident.map(|id| id.as_bytes().to_vec()),
            sent,
            kind: said.kind.word().to_owned(),
            re: said.re.map(|id: MessageId| id.as_bytes().to_vec()),
            due_at: said.due.map(Moment::micros),
            content: json(said, "said")?,
            at: at.micros(),
            read_at: None,
        })
    }

    pub(super) fn sealed(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.content = seal.seal(SAID, &self.message, &self.content)?;
        Ok(self)
    }

    pub(super) fn opened(mut self, seal: &Seal) -> Result<Self, StoreError> {
        self.content = seal.open(SAID, &self.message, &self.content)?;
        Ok(self)
    }
}
