//! What happens in a world, one step at a time: nodes work, people do their part, and things go wrong.

use domain::exchange::{Call, CallChannel, Direction, MessageKind, Stance};
use domain::facts::IncidentKind;
use domain::incident::{Awareness, Incident, Stage, WithdrawalReason};
use domain::report::{Submission, SubmissionChannel};
use domain::values::{ExchangeId, IncidentId, LongText};
use server::node::execute::LOG_FORM;
use server::node::rotation::Rotation;
use server::node::said::NewMessage;
use server::node::{DoorError, SentForm, StreamId};

use super::view::Violation;
use super::world::World;
use crate::facts::{first_hour, more_is_known};
use crate::node::{line, log_request};

/// Versions that an incident gets at most.
const VERSIONS_MAX: u32 = 4;
/// Clocks are wrong by at most so much: two of them together stay below what the protocol takes.
const SKEW_SECONDS: i64 = 140;

impl World {
    /// One step, drawn by the dice.
    pub(super) async fn step(&mut self) -> Result<(), Violation> {
        self.steps += 1;
        match self.dice.below(100) {
            0..36 => self.work().await,
            36..50 => {
                self.pass();
                Ok(())
            }
            50..74 => self.people().await,
            74..97 => self.trouble().await,
            _ => self.administration().await,
        }
    }

    /// A node does a step of its work.
    async fn work(&mut self) -> Result<(), Violation> {
        let Some(who) = self.somebody() else { return Ok(()) };
        match self.dice.below(12) {
            0..7 => self.deliver(who).await.map(drop),
            7..9 => self.watch(who).await.map(drop),
            9..11 => self.poll(who).await.map(drop),
            _ => self.mind_keys(who).await.map(drop),
        }
    }

    /// Time passes.
    fn pass(&mut self) {
        let seconds = match self.dice.below(100) {
            0..40 => self.dice.within(1..30),
            40..70 => self.dice.within(30..120),
            70..90 => self.dice.within(120..1_200),
            90..98 => self.dice.within(3_600..21_600),
            _ if self.habits.long_waits => self.dice.within(72_000..108_000),
            _ => 90,
        };
        self.time.advance(seconds);
        self.tell(format!("{seconds} s pass"));
    }

    async fn people(&mut self) -> Result<(), Violation> {
        let Some(who) = self.somebody() else { return Ok(()) };
        match self.dice.below(100) {
            0..28 => self.log(who).await,
            28..42 => self.update(who).await,
            42..49 => self.withdraw(who).await,
            49..69 => self.acknowledge(who).await,
            69..84 => self.say(who).await,
            84..91 => self.call(who).await,
            91..95 => self.take_in_hand(who).await,
            95..98 => self.report(who).await,
            _ => self.erase(who).await,
        }
    }

    pub(super) async fn log(&mut self, who: usize) -> Result<(), Violation> {
        // Cedar owes nobody: its incidents have a report to make and nobody to tell.
        let party = &self.seats[who].party;
        let (node, by, person) = (self.node(who), party.responder(), party.people["responder"].clone());
        let number = self.steps;
        let (exercise, circumstances) = (self.dice.percent(20), self.dice.percent(25));
        let aware_at = self.time.now().plus_seconds(-self.dice.within(300..7_200));
        let mut request = log_request(first_hour(&format!("Mailbox {number} was open")), aware_at);
        request.services = party.services.clone();
        request.exercise = exercise;
        if circumstances {
            request.kind = IncidentKind::LikelyToGiveRise;
            request.awareness = Awareness { circumstances: Some(aware_at), breach: None };
        }
        let logging = async move {
            request.form = SentForm::said_once(node.make_form(&person, LOG_FORM).await?);
            node.log_incident(&by, request).await
        };
        self.at(who, "logs an incident", logging).await.map(drop)
    }

    /// An incident that still stands.
    fn incident(&mut self, who: usize) -> Option<IncidentId> {
        let known: Vec<IncidentId> = self.seats[who].view.incidents.keys().copied().collect();
        self.dice.one_of(&known).copied()
    }

    fn exchange(&mut self, who: usize, direction: Direction) -> Option<ExchangeId> {
        let known = self.seats[who].view.exchanges.values();
        let known: Vec<ExchangeId> = known.filter(|it| it.direction == direction).map(|it| it.id).collect();
        self.dice.one_of(&known).copied()
    }

    async fn update(&mut self, who: usize) -> Result<(), Violation> {
        let Some(id) = self.incident(who) else { return Ok(()) };
        let incident = &self.seats[who].view.incidents[&id];
        let version = incident.facts_version;
        let Some(facts) = incident.facts.as_ref().filter(|_| version < VERSIONS_MAX).map(more_is_known) else {
            return Ok(());
        };
        let (node, by) = (self.node(who), self.seats[who].party.responder());
        let updating = async move {
            node.update_facts(&by, id, version, facts).await?;
            node.send_update(&by, id).await
        };
        self.at(who, "sends an update", updating).await.map(drop)
    }

    async fn withdraw(&mut self, who: usize) -> Result<(), Violation> {
        let Some(id) = self.incident(who) else { return Ok(()) };
        let (node, by) = (self.node(who), self.seats[who].party.responder());
        let withdrawing = async move { node.withdraw(&by, id, WithdrawalReason::NotABreach, None).await };
        self.at(who, "withdraws", withdrawing).await.map(drop)
    }

    async fn acknowledge(&mut self, who: usize) -> Result<(), Violation> {
        let Some(id) = self.exchange(who, Direction::Incoming) else { return Ok(()) };
        let stance = *self.dice.one_of(&Stance::ALL).expect("a stance");
        let (node, by) = (self.node(who), self.seats[who].party.responder());
        let acknowledging = async move { node.acknowledge(&by, id, stance, Some(line("OURS-17"))).await };
        self.at(who, "acknowledges", acknowledging).await.map(drop)
    }

    /// Something about a case: an answer to what was asked, else a question, a request for help or a view.
    async fn say(&mut self, who: usize) -> Result<(), Violation> {
        let direction = if self.dice.percent(50) { Direction::Incoming } else { Direction::Outgoing };
        let Some(id) = self.exchange(who, direction) else { return Ok(()) };
        let asked = self.seats[who].view.exchanges[&id].asked.iter().find(|it| it.is_our_duty() && it.clock.is_open());
        let due = Some(self.time.now().plus_seconds(self.dice.within(7_200..90_000)));
        let (kind, re, due) = match (asked.map(|it| it.request), self.dice.below(4)) {
            (Some(request), 0..3) => (MessageKind::Answer, Some(request), None),
            (_, 0..2) => (MessageKind::AssistanceRequest, None, due),
            (_, 2) => (MessageKind::Question, None, None),
            _ => (MessageKind::View, None, None),
        };
        let text = LongText::parse("Which mailboxes were open, and since when?").expect("a text");
        let new = NewMessage { form: None, kind, text, re, due, received_at: None };
        let (node, by) = (self.node(who), self.seats[who].party.responder());
        self.at(who, kind.word(), async move { node.say(&by, id, new).await }).await.map(drop)
    }

    async fn call(&mut self, who: usize) -> Result<(), Violation> {
        let Some(id) = self.exchange(who, Direction::Outgoing) else { return Ok(()) };
        let (node, by) = (self.node(who), self.seats[who].party.responder());
        let calling = async move {
            let (to_whom, how, at) = (line("Duty officer"), CallChannel::Telephone, node.now());
            node.record_call(&by, id, Call { to_whom, how, at, note: None, backdate_reason: None }).await
        };
        self.at(who, "records a call", calling).await.map(drop)
    }

    async fn take_in_hand(&mut self, who: usize) -> Result<(), Violation> {
        let Some(id) = self.incident(who) else { return Ok(()) };
        let Some(ladder) = self.seats[who].view.incidents[&id].ladders.last() else { return Ok(()) };
        let (kind, due) = (ladder.kind, ladder.due);
        let (node, by) = (self.node(who), self.seats[who].party.duty_holder());
        let taking = async move { node.take_in_hand(&by, StreamId::Incident(id), kind, due).await };
        self.at(who, "takes a duty in hand", taking).await.map(drop)
    }

    /// The report to the ICO was submitted, and partners are told so.
    async fn report(&mut self, who: usize) -> Result<(), Violation> {
        let Some(id) = self.incident(who) else { return Ok(()) };
        let (node, party) = (self.node(who), &self.seats[who].party);
        let (reporter, officer) = (party.reporter(), party.dpo());
        let submitting = async move {
            let submission = Submission {
                at: node.now(),
                channel: SubmissionChannel::OnlineForm,
                ico_reference: Some(line("IC-000000-X0X0")),
                delay_reasons: LongText::parse("Its extent was not known.").ok(),
                proof: None,
            };
            // Recorded already, it may still have to be told.
            match node.record_submission(&reporter, id, submission).await {
                Ok(()) | Err(DoorError::Refused(_)) => node.tell_filed(&officer, id).await,
                Err(other) => Err(other),
            }
        };
        self.at(who, "tells that it reported", submitting).await.map(drop)
    }

    /// What was withdrawn is erased when nothing of it is owed any more.
    async fn erase(&mut self, who: usize) -> Result<(), Violation> {
        let ended = |it: &&Incident| matches!(it.stage, Stage::Withdrawn { .. } | Stage::Closed);
        let ended: Vec<IncidentId> = self.seats[who].view.incidents.values().filter(ended).map(|it| it.id).collect();
        let Some(id) = self.dice.one_of(&ended).copied() else { return Ok(()) };
        let (node, by) = (self.node(who), self.seats[who].party.administrator());
        self.at(who, "erases an incident", async move { node.anonymise(&by, id).await }).await.map(drop)
    }

    /// Things go wrong, or come right again.
    async fn trouble(&mut self) -> Result<(), Violation> {
        let who = usize::try_from(self.dice.below(self.seats.len() as u64)).expect("an index");
        let up = self.seats[who].up;
        match self.dice.below(100) {
            _ if !up => self.start(who).await,
            0..55 if self.habits.power_cuts > 0 => {
                let looks = self.dice.within(0..self.habits.power_cuts);
                self.seats[who].time.cut_after(looks);
                self.tell(format!("  {who} will lose its power after {looks} looks"));
            }
            55..65 => {
                let arrived = self.late_arrival().await?;
                let said = self.network.said();
                self.trace.extend(said);
                self.mind_power().await;
                if arrived && let Some(fault) = self.network.faults().into_iter().next() {
                    return Err(Violation(fault));
                }
            }
            65..72 => {
                let to = usize::try_from(self.dice.below(self.seats.len() as u64)).expect("an index");
                self.network.cut(who, to);
                self.tell(format!("  the line {who}→{to} is cut"));
            }
            72..82 => self.network.mend(),
            82..90 if self.habits.skew => {
                let skew = self.dice.within(-SKEW_SECONDS..SKEW_SECONDS);
                self.seats[who].time.skew(skew);
                self.tell(format!("  the clock of {who} is {skew} s off"));
            }
            90..95 => self.restart(who).await,
            _ if self.habits.restores => match self.seats[who].backup {
                None => self.back_up(who).await,
                Some(_) => self.put_back(who).await,
            },
            _ => {}
        }
        Ok(())
    }

    /// What administrators do.
    async fn administration(&mut self) -> Result<(), Violation> {
        let Some(who) = self.somebody() else { return Ok(()) };
        let (node, by) = (self.node(who), self.seats[who].party.administrator());
        match self.dice.below(10) {
            0..5 if self.habits.rotations => {
                let emergency = self.dice.percent(40);
                let since = self.time.now().plus_seconds(-600);
                let rotation = if emergency { Rotation::Emergency { since } } else { Rotation::Planned };
                let rotating = async move { node.rotate(&by, "a passphrase for tests", rotation).await };
                self.at(who, if emergency { "revokes its keys" } else { "replaces its keys" }, rotating).await.map(drop)
            }
            5.. if self.habits.suspensions => {
                let other = (who + 1) % self.seats.len();
                let Some(partner) = self.partner(who, other).await else { return Ok(()) };
                if self.dice.percent(60) {
                    let suspending = async move { node.suspend(&by, partner, line("a test")).await };
                    self.at(who, "suspends a pairing", suspending).await.map(drop)
                } else {
                    let resuming = async move { node.resume(&by, partner, line("a test")).await };
                    self.at(who, "resumes a pairing", resuming).await.map(drop)
                }
            }
            _ => Ok(()),
        }
    }
}
