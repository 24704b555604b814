//! Receipts that came as they should, recorded together: their cost per receipt is the ledger's entries and the rows that
//! change, not statements. Whatever is unusual about one leaves it to be recorded alone.

use std::collections::{HashMap, HashSet};

use domain::delivery::{Channel, Heard, ItemNext};
use domain::exchange::{self, Exchange};
use domain::values::{ExchangeId, IncidentId, Moment, PartnerId};
use uuid::Uuid;
use webhooks::receipt::VerifiedReceipt;

use super::outcome::Landed;
use crate::node::catch_up::SKEW_SHOWN_SECONDS;
use crate::node::wire_body::our_digest;
use crate::store::inbox::witnessed::{self, Standing, Stated};
use crate::store::outbox::receipted::{self, Proven};
use crate::store::outbox::{ATTEMPTS_KEPT, OutKind};
use crate::store::{Change, EntryKind, StoreError, Turn};

/// A receipt with what it belongs to.
struct Plain<'a> {
    at: usize,
    landed: &'a Landed,
    receipt: &'a VerifiedReceipt,
    exchange: ExchangeId,
    toe: Moment,
}

impl Plain<'_> {
    fn partner(&self) -> PartnerId {
        self.landed.ready.partner.id
    }
}

/// Records the receipts among these outcomes that came as they should. Answers which they were.
pub(super) fn record_receipts(turn: &mut Turn<'_>, landed: &[Box<Landed>]) -> Result<HashSet<usize>, StoreError> {
    let mut plain = plain_ones(turn, landed)?;
    if plain.is_empty() {
        return Ok(HashSet::new());
    }
    let new = new_witnesses(turn, &mut plain)?;
    let mut states: HashMap<ExchangeId, Option<Exchange>> =
        turn.exchanges(&plain.iter().map(|one| one.exchange).collect::<Vec<_>>())?.into_iter().collect();
    let mut done = HashSet::with_capacity(plain.len());
    let mut changes = Vec::with_capacity(plain.len());
    let mut proven = Vec::with_capacity(plain.len());
    for one in &plain {
        let Some(state) = states.get_mut(&one.exchange).and_then(Option::take) else { continue };
        let receipt_sha256 = our_digest(one.receipt.set().set_sha256());
        let message = one.landed.ready.claimed.message;
        let command = exchange::Command::RecordReceipt { message, toe: one.toe, receipt_sha256 };
        let Ok(events) = exchange::decide(Some(&state), &command, turn.now()) else { continue };
        let subject = state.incident.map_or(state.id.uuid(), IncidentId::uuid);
        let octets = one.receipt.set().octets().as_bytes();
        let entry = turn.append(EntryKind::ReceiptReceived, None, Some(subject), octets)?;
        changes.push(Change::Exchange { id: one.exchange, before: Some(state), events });
        proven.push(Proven { finished: one.landed.finished(), entry, toe: one.toe });
        done.insert(one.at);
    }
    turn.record(changes)?;
    // Before the lanes are looked at: what was queued meanwhile counts.
    receipted::finish_proven(turn, &proven)?;
    let new: Vec<Stated<'_>> = new.into_iter().filter(|(at, _)| done.contains(at)).map(|(_, stated)| stated).collect();
    witnessed::keep_new(turn, &new)?;
    Ok(done)
}

/// First receipts for numbered messages on lanes that we hold, from partners that hold everything up to there.
fn plain_ones<'a>(turn: &mut Turn<'_>, landed: &'a [Box<Landed>]) -> Result<Vec<Plain<'a>>, StoreError> {
    let (mut lanes, mut exchanges) = (HashSet::new(), HashSet::new());
    let mut plain: Vec<Plain<'a>> = landed
        .iter()
        .enumerate()
        .filter_map(|(at, landed)| plain_one(at, landed))
        .filter(|one| lanes.insert(one.partner()) && exchanges.insert(one.exchange))
        .collect();
    if plain.is_empty() {
        return Ok(plain);
    }
    let leases: Vec<(PartnerId, Uuid)> = plain.iter().map(|one| (one.partner(), one.landed.ready.lease)).collect();
    let held = receipted::held(turn.rows(), &leases)?;
    plain.retain(|one| {
        // Anything else than all that was ever numbered says that one of us has lost something.
        let head = i64::try_from(one.receipt.receipt().head.seq).ok();
        held.get(&one.partner()).is_some_and(|next_seq| head == Some(next_seq.saturating_sub(1)))
    });
    Ok(plain)
}

fn plain_one(at: usize, landed: &Landed) -> Option<Plain<'_>> {
    let (claimed, attempt) = (&landed.ready.claimed, &landed.attempt);
    let receipt = attempt.receipt.as_ref()?;
    let numbered = claimed.channel == Channel::Node && claimed.kind != OutKind::Heartbeat;
    let told = receipt.receipt().of.seq.is_some() && receipt.receipt().missing.is_empty();
    let ended = attempt.heard == Heard::Receipted && landed.next.item == ItemNext::Done;
    let punctual = attempt.skew_seconds.is_none_or(|skew| skew.abs() <= i64::from(SKEW_SHOWN_SECONDS));
    let quiet = punctual && attempt.note.is_none() && attempt.conflict.is_none() && landed.next.alert.is_none();
    let listed = claimed.attempts < ATTEMPTS_KEPT;
    let exchange = claimed.exchange.filter(|_| numbered && told && ended && quiet && listed)?;
    let toe = Moment::from_unix_seconds(receipt.toe()).ok()?;
    Some(Plain { at, landed, receipt, exchange, toe })
}

/// Checkpoints to be kept, by outcome. Receipts whose checkpoint needs a closer look are left out of `plain`.
fn new_witnesses<'a>(turn: &mut Turn<'_>, plain: &mut Vec<Plain<'a>>) -> Result<Vec<(usize, Stated<'a>)>, StoreError> {
    let stated: Vec<(usize, Stated<'a>)> = plain.iter().filter_map(|one| Some((one.at, stated(one)?))).collect();
    let looked_at: Vec<Stated<'_>> = stated.iter().map(|(_, stated)| stated.clone()).collect();
    let standing = witnessed::standing(turn.rows(), &looked_at)?;
    let mut new = Vec::new();
    for ((at, stated), standing) in stated.into_iter().zip(standing) {
        match standing {
            Standing::Known => {}
            Standing::New => new.push((at, stated)),
            Standing::Unclear => plain.retain(|one| one.at != at),
        }
    }
    // One that is undated is judged alone too.
    plain.retain(|one| one.landed.witnessed.as_ref().is_none_or(|witnessed| witnessed.stated_at.is_some()));
    Ok(new)
}

fn stated<'a>(one: &Plain<'a>) -> Option<Stated<'a>> {
    let partner = one.partner();
    let witnessed = one.landed.witnessed.as_ref()?;
    Some(Stated {
        partner,
        size: witnessed.size,
        root: witnessed.root,
        note: &witnessed.note,
        stated_at: witnessed.stated_at?,
    })
}
