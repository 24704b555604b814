//! Whether the store takes changes: what a page view alone does not find out.

use std::time::Duration;

use super::Node;
use crate::store::{StoreError, Turn};

/// A writer that takes longer is stuck.
const PATIENCE: Duration = Duration::from_secs(3);

impl Node {
    /// Whether a change becomes durable now: a turn of the writer that changes nothing but the count of turns.
    pub async fn can_write(&self) -> bool {
        let turn = self.store.write(self.time.now(), |_: &mut Turn<'_>| Ok::<_, StoreError>(()));
        let done = tokio::time::timeout(PATIENCE, turn).await;
        if let Ok(Err(error)) = &done {
            tracing::error!(%error, "the store takes no changes");
        }
        matches!(done, Ok(Ok(())))
    }
}
