//! A ticket system, or a chat: something that takes webhooks. It keeps what came and answers as it was told.

use std::collections::VecDeque;
use std::sync::Mutex;

use serde_json::Value;
use webhooks::carrier::Parcel;
use webhooks::keys::PublicKey;
use webhooks::standard_webhook::{ID, Received, SIGNATURE, Secret, TIMESTAMP, Unbelieved, verify};

/// One webhook as it came.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Where to.
    pub url: String,
    /// The headers that sign it.
    pub id: String,
    /// See `id`.
    pub timestamp: String,
    /// See `id`.
    pub signature: String,
    /// The body.
    pub body: Vec<u8>,
    /// What was answered.
    pub status: u16,
}

impl Webhook {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body in JSON")
    }

    /// Whether it is believed by somebody who holds this secret, or this key.
    ///
    /// # Errors
    /// Why not.
    ///
    /// # Panics
    /// When the text is no secret.
    pub fn believed(&self, secret: Option<&str>, key: Option<&PublicKey>, now: i64) -> Result<(), Unbelieved> {
        let secrets: Vec<Secret> = secret.map(|text| Secret::parse(text).expect("a secret")).into_iter().collect();
        let Self { id, timestamp, signature, body, .. } = self;
        verify(&Received { id, timestamp, signature, body }, &secrets, key, now)
    }
}

/// The ticket system.
#[derive(Default)]
pub struct Tickets {
    answers: Mutex<VecDeque<u16>>,
    got: Mutex<Vec<Webhook>>,
}

impl Tickets {
    /// What the next webhooks are answered, one each; then 200.
    ///
    /// # Panics
    /// Never.
    pub fn answers(&self, statuses: &[u16]) {
        self.answers.lock().expect("no panic while held").extend(statuses);
    }

    /// Everything that came, oldest first.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn got(&self) -> Vec<Webhook> {
        self.got.lock().expect("no panic while held").clone()
    }

    /// Takes one, and says what it answers.
    pub(crate) fn take(&self, parcel: &Parcel) -> u16 {
        let header = |name: &str| {
            let found = parcel.headers.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let status = self.answers.lock().expect("no panic while held").pop_front().unwrap_or(200);
        self.got.lock().expect("no panic while held").push(Webhook {
            url: parcel.url.clone(),
            id: header(ID),
            timestamp: header(TIMESTAMP),
            signature: header(SIGNATURE),
            body: parcel.body.clone(),
            status,
        });
        status
    }
}
