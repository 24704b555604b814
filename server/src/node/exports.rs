//! What leaves the node as a file is noted with its purpose (SocietyWorks agreement, clause 5: data are not for other uses).

use domain::directory::Directory;
use domain::values::Line;
use serde_json::{Value, json};

use super::administer::note;
use super::{DoorError, Node};
use crate::access::{Administrator, Reader};

impl Node {
    /// Everything of [`Node::export_directory`], with an entry of who took it and what for.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn export_directory_for(&self, by: &Administrator, purpose: Line) -> Result<Directory, DoorError> {
        let directory = self.export_directory().await?;
        let by = by.actor().clone();
        let counts = json!({
            "parties": directory.parties.len(), "services": directory.services.len(),
            "agreements": directory.agreements.len(), "arrangements": directory.arrangements.len(),
        });
        self.store
            .write(self.time.now(), move |turn| {
                note(turn, &by, "directory_exported", &json!({ "purpose": purpose, "counts": counts }))
            })
            .await?;
        Ok(directory)
    }

    /// Notes that somebody took a table with them: what it was, and what it was about.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn note_export(&self, by: &Reader, what: &'static str, about: Value) -> Result<(), DoorError> {
        let by = by.actor().clone();
        self.store.write(self.time.now(), move |turn| note(turn, &by, what, &about)).await?;
        Ok(())
    }
}
