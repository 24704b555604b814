//! What a person says about alerts: that somebody has looked, and the alert is seen to.

use serde_json::json;
use uuid::Uuid;

use super::administer::note;
use super::{DoorError, Node};
use crate::access::Attendant;
use crate::store::{alerts, queries};

/// Why nobody can say of some alerts that they are seen to.
const ENDS_BY_ITSELF: &str = "nobody can end this alert by hand: it ends by itself once what it tells of has ended";

impl Node {
    /// A person has seen to an alert that nothing else ends; the record says who.
    ///
    /// # Errors
    /// [`DoorError::NotFound`] when it is not open any more; [`DoorError::Invalid`] for one of those that end by what is
    /// done about them.
    pub async fn alert_seen_to(&self, by: &Attendant, id: Uuid) -> Result<(), DoorError> {
        let by = by.actor().clone();
        self.store
            .write(self.time.now(), move |turn| {
                let Some(alert) = alerts::seen_to(turn, id)? else {
                    let open = queries::alerts::is_open(turn.rows(), id)?;
                    return Err(if open { DoorError::Invalid(ENDS_BY_ITSELF) } else { DoorError::NotFound });
                };
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
