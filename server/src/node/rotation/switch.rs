//! When new keys begin to sign, and what is minded about keys day by day.

use domain::values::{Actor, Moment};
use serde_json::json;

use super::{KeyPurpose, KeyStage, SWITCH_SECONDS};
use crate::node::administer::note;
use crate::node::keys::OnlineKeys;
use crate::node::{DoorError, Node};
use crate::store::alerts::{self, AlertKind};
use crate::store::partners::{self, KeySwitch};
use crate::store::{Rows, StoreError, Turn, offers, outbox};

/// People are warned when keys are good for less than this (protocol §14).
const WARNING_SECONDS: i64 = 30 * 86_400;
/// Between two warnings in the log.
const WARNED_EVERY_SECONDS: i64 = 86_400;

impl Node {
    /// Signs with the keys that wait, once every active partner holds them or the wait is over. Says whether it was so.
    pub(super) async fn switch_if_due(&self) -> Result<bool, DoorError> {
        let elapsed = self.time.elapsed();
        if !self.store.read(move |rows| is_due(rows, elapsed)).await? {
            return Ok(false);
        }
        let switched = self
            .store
            .write(self.time.now(), move |turn| {
                // Another process may have been faster.
                let due = is_due(turn.rows(), elapsed)?;
                if due {
                    switch(turn)?;
                }
                Ok::<_, DoorError>(due)
            })
            .await?;
        self.reload_keys().await?;
        self.changed();
        Ok(switched)
    }

    /// Says in the log, once a day, that our keys end soon or have ended.
    pub(in crate::node) fn warn_of_keys(&self) {
        let keys = self.keys();
        let left = keys.good_until().seconds_since(self.time.now());
        if left >= WARNING_SECONDS || (left > 0 && keys.have_successors()) {
            return;
        }
        if !self.key_warnings.is_due(self.time.elapsed(), WARNED_EVERY_SECONDS) {
            return;
        }
        let until = keys.good_until().to_string();
        if left > 0 {
            tracing::warn!(until, "our own keys are good for less than 30 days: replace them");
        } else {
            tracing::error!(until, "our own keys have expired: nothing is sent until they are replaced");
        }
    }
}

/// A wait that ends further ahead than any of ours is a clock that was set back.
fn is_due(rows: &mut Rows<'_>, elapsed: Moment) -> Result<bool, StoreError> {
    let Some(until) = partners::key_switch(rows)?.waits_until else { return Ok(false) };
    let over = until <= elapsed || until > elapsed.plus_seconds(SWITCH_SECONDS);
    Ok(over || offers::outstanding(rows)? == 0)
}

/// The keys that wait sign from now on; those that signed are retired, unless they were revoked.
pub(super) fn switch(turn: &mut Turn<'_>) -> Result<(), DoorError> {
    for key in partners::own_keys(turn.rows())? {
        match (key.purpose, key.stage) {
            (KeyPurpose::Set | KeyPurpose::Log | KeyPurpose::Webhook, KeyStage::Current) => {
                partners::set_key_stage(turn, &key.kid, KeyStage::Retired)?;
            }
            (KeyPurpose::Set | KeyPurpose::Log | KeyPurpose::Webhook, KeyStage::Next) => {
                partners::set_key_stage(turn, &key.kid, KeyStage::Current)?;
                note(turn, &Actor::Node, "key_signs", &json!({ "key": key.kid, "purpose": key.purpose.word() }))?;
            }
            (KeyPurpose::Identity, _) | (_, KeyStage::Retired | KeyStage::Revoked) => {}
        }
    }
    let switched_at = Some(turn.now());
    partners::set_key_switch(turn, &KeySwitch { waits_until: None, switched_at })?;
    alerts::clear(turn, AlertKind::KeysExpiring, None, None)?;
    alerts::clear(turn, AlertKind::KeysExpired, None, None)?;
    Ok(())
}

/// Housekeeping: alerts when our keys end soon or have ended, and the private halves of earlier keys go when no receipt can
/// name what they signed any more.
pub(in crate::node) fn mind_keys(turn: &mut Turn<'_>, keys: &OnlineKeys) -> Result<(), StoreError> {
    let left = keys.good_until().seconds_since(turn.now());
    let switch = partners::key_switch(turn.rows())?;
    let replaced = switch.waits_until.is_some();
    for (kind, holds) in [
        (AlertKind::KeysExpired, left <= 0),
        (AlertKind::KeysExpiring, (1..WARNING_SECONDS).contains(&left) && !replaced),
    ] {
        if holds {
            alerts::raise(turn, kind, None, None, None, None)?;
        } else {
            alerts::clear(turn, kind, None, None)?;
        }
    }
    if let Some(at) = switch.switched_at
        && !outbox::sealed_up_to(turn.rows(), at)?
    {
        partners::forget_earlier_keys(turn)?;
    }
    Ok(())
}
