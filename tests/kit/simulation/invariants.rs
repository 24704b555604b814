//! What must hold: after each step what is cheap to ask, at the end everything.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::exchange::{Direction, Exchange, NoticeDelivery};
use domain::values::{ExchangeId, LongText, MessageId};
use server::node::pairing::PartnerState;
use server::store::ledger;
use server::store::projections::tables::Tables;

use super::ground::Beginning;
use super::view::{Held, Violation, must};
use super::world::World;
use crate::database::On;
use crate::node::line;
use crate::peek::Open;

/// Rounds in which everything must come to rest once nothing goes wrong any more. They are minutes apart at first, then
/// quarters of an hour, then hours.
const ROUNDS_MAX: usize = 60;

/// Within so long every lane has had its sign of life (protocol §13).
const HEARTBEAT_SECONDS: i64 = 26 * 3_600;

impl World {
    /// Follows every ledger, and holds each new receipt against the partner's.
    pub(super) async fn check(&mut self) -> Result<(), Violation> {
        for who in 0..self.seats.len() {
            let seat = &mut self.seats[who];
            let followed = seat.view.follow(&seat.party.node, &mut seat.peek).await;
            followed.map_err(|Violation(what)| Violation(format!("node {who}: {what}")))?;
        }
        for who in 0..self.seats.len() {
            for held in std::mem::take(&mut self.seats[who].view.fresh) {
                self.receipt_is_true(who, &held)?;
            }
        }
        Ok(())
    }

    /// A receipt implies that the partner's ledger holds the octets, or held them before a backup took its place.
    fn receipt_is_true(&self, who: usize, held: &Held) -> Result<(), Violation> {
        let signer = self.seats.iter().find(|seat| seat.party.issuer() == held.signer);
        let signer = signer.ok_or_else(|| Violation(format!("node {who} holds a receipt by a stranger")))?;
        let holds = signer.view.received.contains(&held.set_sha256);
        let held_once = signer.forgotten.iter().any(|view| view.received.contains(&held.set_sha256));
        must(holds || held_once, || {
            format!("node {who} has a receipt by {} for {}, which is not in its ledger", held.signer, held.message)
        })
    }

    /// Nothing goes wrong from now on, and people do what alerts ask of them: everything must come to rest.
    pub(super) async fn calm_down(&mut self) -> Result<(), Violation> {
        self.tell("from here on nothing goes wrong".to_owned());
        self.network.set(super::network::Weather::default());
        self.network.mend();
        for who in 0..self.seats.len() {
            self.seats[who].time.skew(0);
            if self.seats[who].up {
                self.seats[who].time.restore();
            } else {
                self.start(who).await;
            }
        }
        while self.late_arrival().await? {}
        for who in 0..self.seats.len() {
            self.resume_pairings(who).await?;
        }
        self.come_to_rest().await?;
        if self.seats.iter().any(|seat| !seat.forgotten.is_empty()) {
            // What is still missing then, a sign of life brings to light.
            self.time.advance(HEARTBEAT_SECONDS);
            self.come_to_rest().await?;
        }
        Ok(())
    }

    async fn come_to_rest(&mut self) -> Result<(), Violation> {
        for round in 0..ROUNDS_MAX {
            let mut busy = false;
            for who in 0..self.seats.len() {
                busy |= self.settle(who).await?;
            }
            for who in 0..self.seats.len() {
                busy |= self.see_to_alerts(who).await?;
            }
            self.check().await?;
            if !busy && self.seats.iter_mut().all(|seat| seat.peek.open().is_empty()) {
                self.tell(format!("at rest after {round} rounds"));
                return Ok(());
            }
            self.time.advance(match round {
                0..10 => 61,
                10..30 => 901,
                _ => 3_601,
            });
        }
        let mut left = String::new();
        for (who, seat) in self.seats.iter_mut().enumerate() {
            for open in seat.peek.open() {
                let outcome = open.last_outcome.unwrap_or_default();
                left += &format!("; node {who}: {} {} after {outcome}", open.kind, open.state);
            }
        }
        Err(Violation(format!("something is never delivered although nothing goes wrong any more{left}")))
    }

    async fn resume_pairings(&mut self, who: usize) -> Result<(), Violation> {
        let node = self.node(who);
        for partner in node.partners().await.map_err(|error| Violation(error.to_string()))? {
            if partner.state == PartnerState::Suspended {
                let (node, by) = (self.node(who), self.seats[who].party.administrator());
                let resuming = async move { node.resume(&by, partner.id, line("a test")).await };
                self.at(who, "resumes a pairing", resuming).await?;
            }
        }
        Ok(())
    }

    /// Lanes that stand still go on, and parked messages are tried again.
    async fn see_to_alerts(&mut self, who: usize) -> Result<bool, Violation> {
        let mut busy = false;
        for issuer in self.seats[who].peek.stopped() {
            let other = self.seats.iter().position(|seat| seat.party.issuer() == issuer);
            let Some(partner) = self.partner(who, other.expect("one of us")).await else { continue };
            let (node, by) = (self.node(who), self.seats[who].party.administrator());
            let resuming = async move { node.resume_lane(&by, partner).await };
            busy |= self.at(who, "lets a lane go on", resuming).await?.is_some();
        }
        let parked = self.seats[who].peek.open().into_iter().filter(|open| open.state == "parked");
        for open in parked.collect::<Vec<_>>() {
            busy |= self.see_to_parked(who, &open).await?;
        }
        Ok(busy)
    }

    /// What a partner could not take is said again under a new number, unless something newer was said since; the rest is
    /// tried again.
    async fn see_to_parked(&mut self, who: usize, open: &Open) -> Result<bool, Violation> {
        let message = MessageId::from_slice(&open.id).expect("an id");
        let exchange = open.exchange_id.as_deref().and_then(|id| ExchangeId::from_slice(id).ok());
        let (node, by) = (self.node(who), self.seats[who].party.responder());
        if let Some(id) = exchange.filter(|_| open.last_outcome.as_deref() == Some("invalid_request")) {
            let reason = || LongText::parse("The partner holds another message under its number.").expect("a text");
            let saying = {
                let (node, by) = (Arc::clone(&node), by.clone());
                async move { node.reissue(&by, id, message, reason()).await }
            };
            if self.at(who, "says a parked message again", saying).await?.is_some() {
                return Ok(true);
            }
            let ending = async move { node.abandon(&by, id, message, reason()).await };
            return Ok(self.at(who, "gives a parked message up", ending).await?.is_some());
        }
        let trying = async move { node.retry_parked(&by, message).await };
        Ok(self.at(who, "tries a parked message again", trying).await?.is_some())
    }

    /// All nodes agree, nothing is open, every ledger verifies, folds to its tables and is the one that partners saw.
    pub(super) async fn judge(&mut self, beginning: &Beginning) -> Result<(), Violation> {
        self.check().await?;
        for who in 0..self.seats.len() {
            for exchange in self.seats[who].view.exchanges.values().filter(|it| it.direction == Direction::Outgoing) {
                self.agreed(who, exchange).await?;
            }
            let forgotten = self.seats[who].peek.forgotten_clocks();
            must(forgotten.is_empty(), || {
                format!("node {who} has receipts, and clocks that still run: {forgotten:?}")
            })?;
        }
        for who in 0..self.seats.len() {
            self.everybody_owed_is_told(who)?;
            self.ledger_is_whole(who).await?;
            self.tables_are_the_ledgers(who, beginning).await?;
            self.witnesses_agree(who)?;
        }
        Ok(())
    }

    /// Every partner that an incident owes a notice has an exchange, with the newest facts in its last word.
    fn everybody_owed_is_told(&self, who: usize) -> Result<(), Violation> {
        let view = &self.seats[who].view;
        for incident in view.incidents.values() {
            must(incident.fan_outs.is_empty(), || format!("a fan-out of node {who} never ends"))?;
            for owed in &incident.owed {
                let told = view.exchanges.get(&owed.exchange);
                let last = told.and_then(|told| told.notices.last());
                let withdrawn = told.is_some_and(|told| told.withdrawn.is_some() || told.anonymised);
                must(withdrawn || last.is_some_and(|last| last.facts_version == incident.sent_version), || {
                    format!("node {who} owes version {} of {}, and said {last:?}", incident.sent_version, incident.id)
                })?;
            }
        }
        Ok(())
    }

    /// Both sides say the same of one case.
    async fn agreed(&self, who: usize, ours: &Exchange) -> Result<(), Violation> {
        let last = ours.notices.last();
        let partners = self.seats[who].party.node.partners().await.expect("its partners");
        let issuer = partners.into_iter().find(|it| it.id == ours.partner).and_then(|partner| partner.issuer);
        let other = self.seats.iter().position(|seat| Some(seat.party.issuer()) == issuer.as_deref());
        let other = other.ok_or_else(|| Violation(format!("node {who} tells a stranger")))?;
        let theirs: Vec<&Exchange> = self.seats[other]
            .view
            .exchanges
            .values()
            .filter(|it| it.direction == Direction::Incoming && it.case == ours.case)
            .collect();
        let what = |said: &str| format!("case {} of node {who} at node {other}: {said}", ours.case);
        if ours.anonymised || theirs.iter().any(|it| it.anonymised) {
            return Ok(());
        }
        let Some(last) = last else {
            return must(theirs.is_empty(), || what("they know of it, and nothing was to be told"));
        };
        must(theirs.len() == 1, || what(&format!("they have it {} times", theirs.len())))?;
        for notice in ours.notices.iter().filter(|it| it.delivery != NoticeDelivery::Abandoned) {
            must(matches!(notice.delivery, NoticeDelivery::Receipted { .. }), || {
                what(&format!("revision {} is {:?}", notice.revision, notice.delivery))
            })?;
            let times = theirs[0].received.iter().filter(|it| it.message == notice.message).count();
            must(times == 1, || what(&format!("they hold revision {} {times} times", notice.revision)))?;
        }
        // Who went back to a backup has forgotten what it said since.
        let (we_forgot, they_forgot) = (!self.seats[who].forgotten.is_empty(), !self.seats[other].forgotten.is_empty());
        must(we_forgot || theirs[0].exercise == ours.exercise, || what("only one side knows that it is a drill"))?;
        if we_forgot || they_forgot {
            return Ok(());
        }
        let highest = theirs[0].received.iter().map(|it| it.revision).max().unwrap_or_default();
        must(highest == last.revision, || what(&format!("they hold {highest}, we said {}", last.revision)))?;
        must(theirs[0].withdrawn == ours.withdrawn, || what("only one side knows that it was withdrawn"))?;
        let (said, heard) = (theirs[0].acknowledgements.last(), ours.acknowledgements.last());
        let (said, heard) = (said.map(|it| it.stance), heard.map(|it| it.stance));
        must(said == heard, || what(&format!("they said {said:?}, we heard {heard:?}")))?;
        let (we_said, they_said) = (told_of(ours), told_of(theirs[0]));
        let given_up: BTreeSet<_> = given_up(ours).chain(given_up(theirs[0])).collect();
        must(we_said.difference(&given_up).eq(they_said.difference(&given_up)), || {
            what(&format!("we hold the messages {:?}, they {:?}", ours.said, theirs[0].said))
        })?;
        let waiting = |it: &Exchange| it.asked.iter().filter(|asked| asked.clock.is_open()).count();
        must(waiting(ours) == waiting(theirs[0]), || what("the sides do not agree on what waits for an answer"))
    }

    async fn ledger_is_whole(&self, who: usize) -> Result<(), Violation> {
        let verified = self.seats[who].party.node.store().read(ledger::verify).await;
        let verified =
            verified.map_err(|error| Violation(format!("the ledger of {who} can't be verified: {error}")))?;
        must(verified.is_whole(), || format!("the ledger of {who} is not whole: {:?}", verified.faults))
    }

    /// The tables are what the events alone make.
    async fn tables_are_the_ledgers(&self, who: usize, beginning: &Beginning) -> Result<(), Violation> {
        if self.on == On::Postgres {
            // Rebuilding wants a second, empty database; SQLite's are at hand.
            let (kept, rebuilt) = self.seats[who].party.rebuilt(self.on).await;
            return must(kept == rebuilt, || format!("the tables of {who} are not those of its ledger"));
        }
        let store = self.seats[who].party.node.store();
        let (fresh, _database) = beginning.empty_store();
        let failed = |error| Violation(format!("the tables of {who} can't be made again: {error}"));
        store.rebuild_into(&fresh, self.time.now()).await.map_err(failed)?;
        let kept = store.read(Tables::read).await.map_err(failed)?;
        let rebuilt = fresh.read(Tables::read).await.map_err(failed)?;
        fresh.stop();
        must(kept == rebuilt, || format!("the tables of {who} are not those of its ledger: {kept:?} {rebuilt:?}"))
    }

    /// What partners saw of this ledger is in it, or was in the one before a backup took its place.
    fn witnesses_agree(&mut self, who: usize) -> Result<(), Violation> {
        for other in 0..self.seats.len() {
            let seen = self.seats[other].peek.seen();
            for seen in seen.into_iter().filter(|seen| seen.issuer == self.seats[who].party.issuer()) {
                let root = self.seats[who].view.root(seen.size);
                let same = root.is_some_and(|root| root.as_slice() == seen.root);
                let was = self.seats[who]
                    .forgotten
                    .iter()
                    .any(|view| view.root(seen.size).is_some_and(|root| root.as_slice() == seen.root));
                must(same || was, || {
                    format!("node {other} saw a ledger of node {who} with {} entries that never was", seen.size)
                })?;
            }
        }
        Ok(())
    }
}

/// Messages about a case and filings, whoever sent them.
fn told_of(it: &Exchange) -> BTreeSet<MessageId> {
    let filed = it.filings.iter().map(|told| told.message);
    it.said.iter().map(|said| said.message).chain(filed).collect()
}

/// Those of ours whose carrying a person ended.
fn given_up(it: &Exchange) -> impl Iterator<Item = MessageId> {
    let said = it.said.iter().map(|said| (said.message, said.delivery.as_ref()));
    let filed = it.filings.iter().map(|told| (told.message, told.delivery.as_ref()));
    said.chain(filed).filter(|(_, delivery)| *delivery == Some(&NoticeDelivery::Abandoned)).map(|(message, _)| message)
}
