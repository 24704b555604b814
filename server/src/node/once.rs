//! A program's request is done once: its key is claimed before anything is done, and its answer is kept for the same
//! request again (ruling 35). Claims and answers are no part of the record.

use domain::values::PersonId;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::execute::LOG_FORM;
use super::{DoorError, Node};
use crate::store::{answers, forms};

pub use crate::store::answers::{Claim, Named};

impl Node {
    /// Claims a program's key for a request.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn claim_request(&self, named: Named) -> Result<Claim, DoorError> {
        let elapsed = self.time.elapsed();
        Ok(self.store.write(self.time.now(), move |turn| answers::claim(turn, &named, elapsed)).await?)
    }

    /// Claims a program's key for logging an incident, and makes the one-use form that logs it. The form's id follows from
    /// token and key, so that the same request again uses the same form: even a node killed between logging and answering
    /// logs once.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn claim_log_request(&self, named: Named, person: PersonId) -> Result<(Claim, Uuid), DoorError> {
        let elapsed = self.time.elapsed();
        let form = form_of(&named);
        let claim = self
            .store
            .write(self.time.now(), move |turn| {
                let claim = answers::claim(turn, &named, elapsed)?;
                if claim == Claim::Fresh && !forms::exists(turn.rows(), form)? {
                    forms::make(turn, form, person, LOG_FORM, elapsed)?;
                }
                Ok::<_, DoorError>(claim)
            })
            .await?;
        Ok((claim, form))
    }

    /// Keeps the answer of a request; `None` when it holds a secret.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn keep_answer(&self, named: Named, status: u16, answer: Option<Vec<u8>>) -> Result<(), DoorError> {
        self.store.write(self.time.now(), move |turn| answers::keep(turn, &named, status, answer.as_deref())).await?;
        Ok(())
    }

    /// Gives a key back: its request was refused before anything was done.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn release_request(&self, named: Named) -> Result<(), DoorError> {
        self.store.write(self.time.now(), move |turn| answers::release(turn, &named)).await?;
        Ok(())
    }
}

fn form_of(named: &Named) -> Uuid {
    let digest = Sha256::new()
        .chain_update(b"form of a request")
        .chain_update(named.token.as_bytes())
        .chain_update(named.key_sha256)
        .finalize();
    let mut octets = [0_u8; 16];
    for (to, from) in octets.iter_mut().zip(digest.iter()) {
        *to = *from;
    }
    uuid::Builder::from_custom_bytes(octets).into_uuid()
}
