//! What a person says about alerts: that somebody has looked, and the alert is seen to.

use serde_json::json;
use uuid::Uuid;

use super::administer::note;
use super::{DoorError, Node};
use crate::access::Attendant;
use crate::store::alerts;

impl Node {
    /// A person has seen to an alert that nothing else ends; the record says who.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] when it is not open any more, or is of those that end by what is done about them.
    pub async fn alert_seen_to(&self, by: &Attendant, id: Uuid) -> Result<(), DoorError> {
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                let alert = alerts::seen_to(turn, id)?.ok_or(DoorError::NotFound)?;
                let about = json!({
                    "alert": alert.id, "kind": alert.kind.word(), "since": alert.at, "partner": alert.partner,
                    "exchange": alert.exchange, "incident": alert.incident, "message": alert.message,
                });
                note(turn, &by, "alert_seen_to", &about)?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }
}
