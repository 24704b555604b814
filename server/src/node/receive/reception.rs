//! Many partners' first notices in one transaction.
//!
//! Each message that came is put down here. The first one asks for a turn; whoever comes until that turn begins is taken in
//! with it. New notices that follow in order, one of each partner, are stored together with a few statements; everything
//! else is stored alone, in a turn of its own, by the rules for one message. *Contract*: nobody is answered before the
//! commit, and a message that can't be stored undoes no other.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::exchange::{self, Receive};
use domain::values::{CaseId, ExchangeId, MessageId, Moment, PartnerId};
use tokio::sync::oneshot;
use webhooks::message::Event;

use super::events::{self, Effect};
use super::{Fresh, Kept, Proven, Received, keep_witnessed, sign_receipt, store_alone};
use crate::node::Node;
use crate::node::keys::OnlineKeys;
use crate::node::wire_body::{self, our_digest};
use crate::store::inbox::many::{self, Reach};
use crate::store::inbox::unplaced;
use crate::store::inbox::witnessed::{self, Standing, Stated};
use crate::store::inbox::{Arrived, Chain, Inbound};
use crate::store::partners::{self, Partner};
use crate::store::{Change, EntryKind, Store, StoreError, Turn, outbox};
use crate::time_source::TimeSource;

/// Messages in one transaction.
const AT_ONCE: usize = 256;
/// Partners remembered; beyond that all are looked up anew.
const REMEMBERED_MAX: usize = 10_000;

/// A message that waits for its turn.
pub(super) struct Waiting {
    pub(super) proven: Arc<Proven>,
    pub(super) fresh: Fresh,
    /// When it was proven (duty time).
    pub(super) at: Moment,
    /// The same instant in machine time.
    pub(super) elapsed: Moment,
    pub(super) answer: oneshot::Sender<Result<Kept, StoreError>>,
}

/// Where messages wait, and which partners are remembered.
#[derive(Default)]
pub(in crate::node) struct Reception {
    queue: Mutex<Queue>,
    known: Mutex<HashMap<String, Arc<Partner>>>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// A turn was asked for, and has not begun.
    asked: bool,
}

impl Reception {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message down. Answers whether a turn has to be asked for.
    fn put(&self, waiting: Waiting) -> bool {
        let mut queue = self.queue();
        queue.waiting.push(waiting);
        !std::mem::replace(&mut queue.asked, true)
    }

    /// The messages of a turn that begins. Answers also whether some are left, which need another.
    fn take(&self) -> (Vec<Waiting>, bool) {
        let mut queue = self.queue();
        let count = queue.waiting.len().min(AT_ONCE);
        let taken = queue.waiting.drain(..count).collect();
        queue.asked = !queue.waiting.is_empty();
        (taken, queue.asked)
    }

    /// Lets go of all that wait, and of the turn that was asked for.
    fn abandon(&self) -> Vec<Waiting> {
        let mut queue = self.queue();
        queue.asked = false;
        std::mem::take(&mut queue.waiting)
    }

    /// A partner as last looked up. Whether that still holds is asked in the turn ([`partners::unchanged`]).
    pub(super) fn known(&self, issuer: &str) -> Option<Arc<Partner>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned()
    }

    pub(super) fn remember(&self, partner: &Arc<Partner>) {
        let Some(issuer) = partner.issuer.clone() else { return };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        known.insert(issuer, Arc::clone(partner));
    }

    pub(super) fn forget(&self, partner: &Partner) {
        if let Some(issuer) = &partner.issuer {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(issuer);
        }
    }
}

/// Takes messages in, turn by turn. Where that breaks off, whoever still waits hears it, and the next message asks for a
/// turn of its own: nobody waits for one that never comes.
struct Taking {
    reception: Arc<Reception>,
    ended: bool,
}

impl Taking {
    async fn go_on(mut self, store: &Store, keys: &Arc<OnlineKeys>, time: &dyn TimeSource) {
        while take_in(store, &self.reception, keys, time.now()).await {}
        self.ended = true;
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        if !self.ended {
            // Their answers go with them.
            drop(self.reception.abandon());
        }
    }
}

/// A turn's messages, to be answered after its commit.
type Batch = Arc<Mutex<Vec<Waiting>>>;

fn held(batch: &Batch) -> MutexGuard<'_, Vec<Waiting>> {
    batch.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Node {
    /// Puts a message down and waits until it is stored, alone or with others.
    pub(super) async fn store_with_others(&self, proven: &Arc<Proven>, fresh: Fresh) -> Result<Kept, StoreError> {
        let (answer, stored) = oneshot::channel();
        let (at, elapsed) = (self.time.now(), self.time.elapsed());
        let waiting = Waiting { proven: Arc::clone(proven), fresh, at, elapsed, answer };
        if self.reception.put(waiting) {
            let taking = Taking { reception: Arc::clone(&self.reception), ended: false };
            let (store, keys, time) = (self.store.clone(), self.keys(), Arc::clone(&self.time));
            // Not this request's alone: it goes on when the one who asked hangs up.
            #[expect(clippy::disallowed_methods, reason = "whoever waits for it hears when it is gone")]
            tokio::task::spawn(async move { taking.go_on(&store, &keys, time.as_ref()).await });
        }
        stored.await.unwrap_or(Err(StoreError::Stopped))
    }
}

/// One turn for all that wait when it begins. Answers whether some are left.
async fn take_in(store: &Store, reception: &Arc<Reception>, keys: &Arc<OnlineKeys>, now: Moment) -> bool {
    let batch = Batch::default();
    let (inside, desk, signs) = (Arc::clone(&batch), Arc::clone(reception), Arc::clone(keys));
    let done: Result<_, StoreError> = store
        .write(now, move |turn| {
            let (waiting, more) = desk.take();
            let mut batch = held(&inside);
            *batch = waiting;
            let (answers, woken) = store_together(turn, &signs, &batch)?;
            Ok((answers, woken, more))
        })
        .await;
    let waiting = std::mem::take(&mut *held(&batch));
    let (answers, woken, more) = match done {
        Ok(done) => done,
        Err(error) if waiting.is_empty() => {
            // The turn never began.
            let (waiting, more) = reception.take();
            for one in waiting {
                drop(one.answer.send(Err(error.clone())));
            }
            return more;
        }
        // One of them can't be stored, or the commit failed: each hears for itself.
        Err(_) => (HashMap::new(), true, reception.queue().asked),
    };
    for (place, one) in waiting.into_iter().enumerate() {
        match answers.get(&place) {
            Some(answer) => {
                let answer = answer.clone();
                drop(one.answer.send(Ok(if woken { Kept::Answer(answer) } else { Kept::Quiet(answer) })));
            }
            None => store_apart(store, keys, now, one),
        }
    }
    more
}

/// Stores a message in a turn of its own, beside everything else.
fn store_apart(store: &Store, keys: &Arc<OnlineKeys>, now: Moment, one: Waiting) {
    let (store, keys) = (store.clone(), Arc::clone(keys));
    let Waiting { proven, fresh, at, elapsed, answer } = one;
    #[expect(clippy::disallowed_methods, reason = "whoever waits for it hears when it is gone")]
    tokio::task::spawn(async move {
        let alone = move |turn: &mut Turn<'_>| store_alone(turn, &keys, &proven, &fresh, elapsed);
        drop(answer.send(store.write(now.max(at), alone).await));
    });
}

/// A notice that may be stored together with others.
struct Notice<'a> {
    place: usize,
    waiting: &'a Waiting,
    message: MessageId,
    case: CaseId,
    seq: u64,
    prev: Option<domain::values::Digest32>,
}

impl<'a> Notice<'a> {
    /// A first notice that was pushed, by its own look.
    fn of(place: usize, waiting: &'a Waiting) -> Option<Self> {
        let set = &waiting.proven.set;
        let is_notice = match set.event() {
            Event::Notified(_) => true,
            Event::Updated(_)
            | Event::Withdrawn(_)
            | Event::Acknowledged(_)
            | Event::Message(_)
            | Event::Filed(_)
            | Event::Verification(_)
            | Event::Receipt(_) => false,
        };
        let (seq, prev) = set.event().sequence()?;
        (is_notice && !waiting.proven.fetched).then_some(Self {
            place,
            waiting,
            message: MessageId::from_uuid(set.claims().jti),
            case: wire_body::case_of(set.claims())?,
            seq,
            prev: prev.map(our_digest),
        })
    }

    fn partner(&self) -> &'a Partner {
        &self.waiting.proven.partner
    }
}

/// Stores what can be stored together, and gives the answers by place, and whether work waits for one of the senders. What
/// is left out has changed nothing.
fn store_together(
    turn: &mut Turn<'_>,
    keys: &OnlineKeys,
    batch: &[Waiting],
) -> Result<(HashMap<usize, Received>, bool), StoreError> {
    let mut seen = HashSet::new();
    let mut notices: Vec<Notice<'_>> = batch
        .iter()
        .enumerate()
        // Of one partner's messages only the first: the others follow it.
        .filter(|(_, waiting)| seen.insert(waiting.proven.partner.id))
        .filter_map(|(place, waiting)| Notice::of(place, waiting))
        .collect();
    if notices.is_empty() {
        return Ok((HashMap::new(), false));
    }
    let reaches = in_order(turn, &mut notices)?;
    let mut decided = Vec::with_capacity(notices.len());
    let mut changes = Vec::with_capacity(notices.len());
    for notice in notices {
        let Some((effect, change)) = decide(turn, &notice) else { continue };
        let reach = reaches.get(&notice.partner().id).copied().unwrap_or_default();
        changes.push(change);
        decided.push((notice, effect, reach));
    }
    turn.record(changes)?;
    keep(turn, keys, &decided)
}

/// Leaves the notices that are new, of a partner that still is who we think, and next in its order.
fn in_order(turn: &mut Turn<'_>, notices: &mut Vec<Notice<'_>>) -> Result<HashMap<PartnerId, Reach>, StoreError> {
    let rows = turn.rows();
    let partners: Vec<&Partner> = notices.iter().map(Notice::partner).collect();
    let unchanged: HashSet<PartnerId> = partners::unchanged(rows, &partners)?.into_iter().collect();
    let ids: Vec<PartnerId> = partners.iter().map(|partner| partner.id).collect();
    let reaches = many::reaches(rows, &ids)?;
    let messages: Vec<_> = notices.iter().map(|notice| (notice.partner().id, notice.message)).collect();
    let held = many::held(rows, &messages)?;
    let cases: Vec<_> = notices.iter().map(|notice| (notice.partner().id, notice.case)).collect();
    let known = many::known_cases(rows, &cases)?;
    // What waits for its notice is looked through alone.
    let awaited = unplaced::awaited(rows, &cases)?;
    notices.retain(|notice| {
        let partner = notice.partner().id;
        !awaited.contains(&(partner, Some(notice.case))) && !awaited.contains(&(partner, None))
    });
    notices.retain(|notice| {
        let next = reaches
            .get(&notice.partner().id)
            .is_some_and(|reach| notice.seq == reach.head_seq.saturating_add(1) && notice.prev == reach.head_payload);
        let new = !held.contains(&notice.message) && !known.contains(&notice.case);
        next && new && unchanged.contains(&notice.partner().id)
    });
    // Two partners may have chosen one id.
    let mut once = HashSet::new();
    notices.retain(|notice| once.insert(notice.message.uuid()) && once.insert(notice.case.uuid()));
    Ok(reaches)
}

/// What a new notice does to our record; `None` for one that the rules refuse.
fn decide(turn: &Turn<'_>, notice: &Notice<'_>) -> Option<(Effect, Change)> {
    let set = &notice.waiting.proven.set;
    let Event::Notified(told) = set.event() else { return None };
    let id: ExchangeId = notice.waiting.fresh.exchange;
    let command = exchange::Command::Receive(Box::new(Receive {
        id,
        partner: notice.partner().id,
        case: notice.case,
        message: notice.message,
        set_sha256: our_digest(set.set_sha256()),
        exercise: set.event().exercise(),
        law: notice.waiting.fresh.law,
        content: wire_body::notice_content(told, notice.case),
    }));
    let events = exchange::decide(None, &command, turn.now().max(notice.waiting.at)).ok()?;
    let after = events.iter().fold(None, exchange::evolve)?;
    Some((Effect::of(&after), Change::Exchange { id, before: None, events }))
}

/// Entries, receipts and rows of notices that were decided on.
fn keep(
    turn: &mut Turn<'_>,
    keys: &OnlineKeys,
    decided: &[(Notice<'_>, Effect, Reach)],
) -> Result<(HashMap<usize, Received>, bool), StoreError> {
    let (mut answers, mut kept) = (HashMap::with_capacity(decided.len()), Vec::with_capacity(decided.len()));
    let newest = turn.newest_checkpoint()?.map(|checkpoint| checkpoint.note).unwrap_or_default();
    for (notice, effect, reach) in decided {
        let (set, partner) = (&notice.waiting.proven.set, notice.partner().id);
        let subject = effect.subject.unwrap_or_else(|| partner.uuid());
        let set_entry = turn.append(EntryKind::SetReceived, None, Some(subject), set.octets().as_bytes())?;
        let payload_sha256 = our_digest(set.payload_sha256());
        let inbound =
            Inbound { chain: Chain::Ok, head_seq: notice.seq, head_payload: Some(payload_sha256), missing: Vec::new() };
        let at = turn.now().max(notice.waiting.at);
        let receipt = sign_receipt(keys, set, notice.waiting.fresh.receipt, &inbound, newest.clone(), at)?;
        let receipt_entry = turn.append(EntryKind::ReceiptSent, None, Some(subject), receipt.as_bytes())?;
        let arrived = Arrived {
            partner,
            message: notice.message,
            event: events::word(set.event()),
            seq: Some(notice.seq),
            prev: notice.prev,
            payload_sha256,
            set_entry,
            exchange: effect.exchange,
            case: Some(notice.case),
        };
        kept.push(many::Kept { arrived, known: reach.known, receipt_entry, at });
        answers.insert(notice.place, Received::Accepted { receipt });
    }
    many::keep(turn, kept)?;
    witness(turn, decided)?;
    let partners: Vec<PartnerId> = decided.iter().map(|(notice, ..)| notice.partner().id).collect();
    let elapsed = decided.iter().map(|(notice, ..)| notice.waiting.elapsed).max();
    let woken = outbox::catch_up::heard_from_all(turn, &partners, elapsed.unwrap_or(Moment::EPOCH))?;
    Ok((answers, woken))
}

/// Keeps the checkpoints that came along.
fn witness(turn: &mut Turn<'_>, decided: &[(Notice<'_>, Effect, Reach)]) -> Result<(), StoreError> {
    let came: Vec<_> = decided
        .iter()
        .filter_map(|(notice, ..)| Some((notice.partner().id, notice.waiting.proven.witnessed.as_ref()?)))
        .collect();
    let stated: Vec<Stated<'_>> = came
        .iter()
        .map(|(partner, one)| Stated {
            partner: *partner,
            size: one.size,
            root: one.root,
            note: &one.note,
            // A message carries the checkpoint of the moment when it was queued: its size alone says nothing.
            stated_at: Moment::EPOCH,
        })
        .collect();
    let standing = witnessed::standing(turn.rows(), &stated)?;
    let (mut new, mut unclear) = (Vec::new(), Vec::new());
    for ((stated, standing), (partner, one)) in stated.into_iter().zip(standing).zip(&came) {
        match standing {
            Standing::Known => {}
            Standing::New => new.push(stated),
            Standing::Unclear => unclear.push((*partner, *one)),
        }
    }
    witnessed::keep_new(turn, &new)?;
    for (partner, one) in unclear {
        keep_witnessed(turn, partner, one)?;
    }
    Ok(())
}
