//! What is refused for security is on the record, but nobody can flood it: one entry a minute for each kind and person.

use domain::values::{Actor, PersonId};
use serde_json::{Value, json};

use crate::node::administer::note;
use crate::node::{DoorError, Node};
use crate::store::people;

/// One entry for one kind and person in so many seconds (machine time).
const QUIET_SECONDS: i64 = 60;

impl Node {
    /// Puts a refusal on the record: who tried (nobody known for `None`), what, and what it was about. Secrets never belong
    /// into `about`. At most one entry a minute for each `what` and person; that it could not be written is in the log,
    /// because the refusal itself stands all the same.
    pub async fn record_refusal(&self, by: Option<Actor>, what: &'static str, about: Value) {
        let whom = by.as_ref().map_or_else(|| "nobody".to_owned(), whom);
        self.note_refusal(by, &whom, what, about).await;
    }

    /// The same where nobody is known to act but an account is concerned, so that noise about one hides no other.
    pub(in crate::node) async fn record_refusal_about(&self, person: PersonId, what: &'static str, why: &'static str) {
        self.note_refusal(None, &person.to_string(), what, json!({ "person": person, "why": why })).await;
    }

    async fn note_refusal(&self, by: Option<Actor>, whom: &str, what: &'static str, about: Value) {
        let kept = self.keep_refusal(by, format!("refused {what} {whom}"), what, about).await;
        if let Err(error) = kept {
            tracing::warn!(what, %error, "a refusal could not be put on the record");
        }
    }

    async fn keep_refusal(
        &self,
        by: Option<Actor>,
        key: String,
        what: &'static str,
        about: Value,
    ) -> Result<(), DoorError> {
        let elapsed = self.time.elapsed();
        let looked_up = key.clone();
        let last = self.store.read(move |rows| people::last_noted(rows, &looked_up)).await?;
        // Looked at without a turn first: a flood costs reads, never writes.
        let is_quiet = move |last: Option<domain::values::Moment>| {
            last.is_some_and(|last| (0..QUIET_SECONDS).contains(&elapsed.seconds_since(last)))
        };
        if is_quiet(last) {
            return Ok(());
        }
        self.store
            .write(self.time.now(), move |turn| {
                if is_quiet(people::last_noted(turn.rows(), &key)?) {
                    return Ok(());
                }
                people::set_noted(turn, &key, elapsed)?;
                let by = by.unwrap_or(Actor::Node);
                note(turn, &by, "refused", &json!({ "what": what, "about": about }))?;
                Ok::<_, DoorError>(())
            })
            .await
    }
}

/// Whom refusals are counted for.
fn whom(by: &Actor) -> String {
    match by {
        Actor::Person { id, .. } => id.to_string(),
        Actor::Console => "console".to_owned(),
        Actor::Node => "node".to_owned(),
        Actor::Partner { id } => id.to_string(),
    }
}
