//! Handing messages over to a partner that polls: claim, seal, record. Nobody is called.

use domain::delivery::LEASE_SECONDS;
use domain::values::PartnerId;
use uuid::Uuid;
use webhooks::jose::{CompactToken, TokenType};
use webhooks::poll::MAX_ANSWER;
use webhooks::values::Digest;

use super::Node;
use super::seal::found;
use crate::node::wire_body::our_digest;
use crate::store::outbox::poll::{self, Given};
use crate::store::outbox::{Claimed, OutKind};
use crate::store::{StoreError, Turn};

/// What a message costs in an answer beside its token: its id, quotes, a colon and a comma.
const AROUND: usize = 42;

impl Node {
    /// Messages for a partner that polls, by id, in their order: sealed where they were not, and recorded as handed over.
    /// None while another poll of the partner's has the lane.
    pub(in crate::node) async fn give_to_poller(
        &self,
        partner: PartnerId,
        given: Given,
    ) -> Result<Vec<(Uuid, String)>, StoreError> {
        // Nobody would believe it: everything waits for new keys, and people are told.
        if !self.keys().good_at(self.time.now()) {
            return Ok(Vec::new());
        }
        let (lease, elapsed) = (self.time.fresh_id(), self.time.elapsed());
        let claim = move |turn: &mut Turn<'_>| {
            let until = elapsed.plus_seconds(LEASE_SECONDS);
            match poll::claim_polled(turn, lease, partner, elapsed, until, given)? {
                Some(claimed) => found(turn, lease, claimed),
                None => Ok(Vec::new()),
            }
        };
        let claimed = self.store.write(self.time.now(), claim).await?;
        if claimed.is_empty() {
            return Ok(Vec::new());
        }
        let (mut sets, mut handed): (Vec<(Uuid, String)>, Vec<Claimed>) = (Vec::new(), Vec::new());
        let (mut octets, mut last) = (0_usize, None);
        for mut found in claimed {
            let takes_number = found.claimed.sealed.is_none() && found.claimed.kind != OutKind::Heartbeat;
            // A message sealed just before this one took the number that the claim saw.
            if let (true, Some((next_seq, prev))) = (takes_number, last) {
                found.claimed.next_seq = next_seq;
                found.claimed.prev = Some(prev);
            }
            let claimed = found.claimed.clone();
            let Some(ready) = self.seal(vec![found]).await?.pop() else { break };
            let Ok(token) = String::from_utf8(ready.octets) else { break };
            if takes_number {
                let Ok(read) = CompactToken::parse(token.as_bytes(), TokenType::Set) else { break };
                last = Some((claimed.next_seq.saturating_add(1), our_digest(Digest::of(read.payload()))));
            }
            octets = octets.saturating_add(token.len()).saturating_add(AROUND);
            if octets > MAX_ANSWER.saturating_sub(AROUND) {
                break;
            }
            sets.push((claimed.message.uuid(), token));
            handed.push(claimed);
        }
        let elapsed = self.time.elapsed();
        let recorded = self
            .store
            .write(self.time.now(), move |turn| poll::handed_over(turn, lease, partner, &handed, elapsed))
            .await?;
        // Without the lease somebody else hands them over.
        Ok(if recorded { sets } else { Vec::new() })
    }
}
