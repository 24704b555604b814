//! Door 1a: what a person asks of an incident. Each door takes `now` once, decides, and keeps the decision with all that
//! it asks of exchanges in one transaction; a fan-out's further chunks follow from [`super::watch`], also after a restart.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use domain::arrangement::{Lead, Owed, Terms, owed_to, processor_only};
use domain::clock::{Anchor, Clock, ClockKind};
use domain::complaint;
use domain::exchange;
use domain::facts::{Contact, Facts, IncidentKind};
use domain::incident::{self, Awareness, AwarenessOf, Event, FAN_OUT_CHUNK, Incident, Rules, WithdrawalReason};
use domain::ladder::LadderCommand;
use domain::values::{Actor, ExchangeId, IncidentId, Line, LongText, Moment, Options, PartnerId, PersonId, ServiceId};
use serde::{Deserialize, Serialize};

use super::keys::{self, OnlineKeys};
use super::views::{LogAnswer, LogRequest, Preview, PreviewPartner, StreamId};
use super::{DoorError, Node, administer, reference, telling, wire_body};
use crate::access::{Administrator, Dpo, DutyHolder, Reporter, Responder, SignedIn};
use crate::store::forms::{self, FormUse, SentForm};
use crate::store::partners;
use crate::store::{Change, Turn, directory, due, endpoints, ladder_plans, outbox, queries};

/// What a one-use form for logging is made for.
pub const LOG_FORM: &str = "log";

impl Node {
    /// Who would be told, and by when, were this logged.
    ///
    /// # Errors
    /// [`DoorError::Store`].
    pub async fn preview(
        &self,
        kind: IncidentKind,
        services: Options<ServiceId>,
        awareness: Awareness,
    ) -> Result<Preview, DoorError> {
        let law = self.duties.law;
        let (mut partners, processing) = self
            .store
            .read(move |rows| {
                let arrangements = directory::arrangements(rows)?;
                let processing = processor_only(&arrangements, &services);
                let owed = owed_to(&arrangements, &services, kind);
                let mut shown = Vec::with_capacity(owed.len());
                for (id, terms) in owed {
                    let Some(partner) = partners::by_id(rows, id)? else { continue };
                    let told = endpoints::told(rows, id)?.unwrap_or(endpoints::Told::Node);
                    let lane = outbox::lane_of(rows, id, told.lane())?;
                    let lane = administer::lane_proof(&partner, told, lane.as_ref());
                    let anchor = terms.trigger.anchor(&awareness);
                    shown.push(PreviewPartner {
                        id,
                        name: partner.name,
                        due: anchor.zip(terms.notice_hours).map(|((_, at), hours)| at.floor_second().plus_hours(hours)),
                        told,
                        lane,
                        agreements: terms.arrangements.into_iter().map(|named| named.title).collect(),
                    });
                }
                Ok((shown, processing))
            })
            .await?;
        partners.sort_by(|a, b| (a.due.is_none(), a.due, &a.name).cmp(&(b.due.is_none(), b.due, &b.name)));
        let ico = awareness
            .breach
            .filter(|_| kind == IncidentKind::Breach && !processing)
            .map(|at| Clock::report(law, Anchor::AwareOfBreach, at.floor_second()));
        Ok(Preview {
            notice_due: partners.iter().filter_map(|partner| partner.due).min(),
            partners,
            ico_due: ico.as_ref().map(Clock::due),
            ico_legal_limit: ico.as_ref().and_then(Clock::legal_limit),
            processing,
        })
    }

    /// Logs an incident and starts telling every partner that is owed a notice. The same form again gives the first
    /// answer and changes nothing.
    ///
    /// # Errors
    /// [`DoorError::Refused`], [`DoorError::FormUnknown`], [`DoorError::NotFound`] for an unknown notice or service.
    pub async fn log_incident(&self, by: &Responder, request: LogRequest) -> Result<LogAnswer, DoorError> {
        self.must_fit(&request.facts)?;
        let (keys, by) = (self.keys(), by.actor().clone());
        let time = Arc::clone(&self.time);
        let rules = self.rules();
        let answer = self
            .store
            .write(self.time.now(), move |turn| {
                let fresh = || time.fresh_id();
                log(turn, &keys, &fresh, rules, request, by)
            })
            .await?;
        self.changed();
        Ok(answer)
    }

    /// Lets held notices go.
    ///
    /// # Errors
    /// [`DoorError::Refused`], [`DoorError::NotFound`].
    pub async fn release(&self, by: &Responder, id: IncidentId) -> Result<(), DoorError> {
        self.on_incident(id, incident::Command::Release { by: by.actor().clone() }).await
    }

    /// Records newer facts. Sending them is [`Node::send_update`].
    ///
    /// # Errors
    /// [`DoorError::Refused`] with the version that stands when somebody else changed them meanwhile.
    pub async fn update_facts(
        &self,
        by: &Responder,
        id: IncidentId,
        base_version: u32,
        facts: Facts,
    ) -> Result<(), DoorError> {
        self.must_fit(&facts)?;
        let by = by.actor().clone();
        self.on_incident(id, incident::Command::UpdateFacts { base_version, facts: Box::new(facts), by }).await
    }

    /// Sends the current facts to every partner that has a notice.
    ///
    /// # Errors
    /// [`DoorError::Refused`] when there is nothing new.
    pub async fn send_update(&self, by: &Responder, id: IncidentId) -> Result<(), DoorError> {
        self.on_incident(id, incident::Command::SendUpdate { by: by.actor().clone() }).await
    }

    /// Corrects an instant of awareness: earlier at once, later when a second person confirms.
    ///
    /// # Errors
    /// [`DoorError::Refused`].
    pub async fn correct_awareness(
        &self,
        by: &Responder,
        id: IncidentId,
        of: AwarenessOf,
        at: Moment,
        reason: LongText,
    ) -> Result<(), DoorError> {
        let by = by.actor().clone();
        self.on_incident(id, incident::Command::CorrectAwareness { of, at, reason, by }).await
    }

    /// The second person's word on a correction that waits.
    ///
    /// # Errors
    /// [`DoorError::Refused`] when nothing waits, or the same person asks.
    pub async fn resolve_correction(&self, by: &Responder, id: IncidentId, confirm: bool) -> Result<(), DoorError> {
        self.on_incident(id, incident::Command::ResolveCorrection { confirm, by: by.actor().clone() }).await
    }

    /// Circumstances have become a breach; partners owed only now are told too.
    ///
    /// # Errors
    /// [`DoorError::Refused`].
    pub async fn convert_to_breach(&self, by: &Responder, id: IncidentId, aware_at: Moment) -> Result<(), DoorError> {
        let (keys, by) = (self.keys(), by.actor().clone());
        let time = Arc::clone(&self.time);
        self.store
            .write(self.time.now(), move |turn| {
                let before = turn.incident(id)?.ok_or(DoorError::NotFound)?;
                let known: Vec<PartnerId> = before.owed.iter().map(|owed| owed.partner).collect();
                let fresh = || time.fresh_id();
                let owed = newly_owed(turn, &before.services, IncidentKind::Breach, &known, &fresh)?;
                decide(turn, &keys, id, Some(before), incident::Command::ConvertToBreach { aware_at, owed, by })
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Says to every partner that the notice no longer stands.
    ///
    /// # Errors
    /// [`DoorError::Refused`].
    pub async fn withdraw(
        &self,
        by: &Responder,
        id: IncidentId,
        reason: WithdrawalReason,
        note: Option<LongText>,
    ) -> Result<(), DoorError> {
        let by = by.actor().clone();
        self.on_incident(id, incident::Command::Withdraw { reason, note, by }).await
    }

    /// A named person sees to a duty: its ladder stops.
    ///
    /// # Errors
    /// [`DoorError::Refused`], [`DoorError::ExchangeRefused`], [`DoorError::Complaint`] when there is no such duty.
    pub async fn take_in_hand(
        &self,
        by: &DutyHolder,
        stream: StreamId,
        kind: ClockKind,
        due: Moment,
    ) -> Result<(), DoorError> {
        let by = by.actor().clone();
        match stream {
            StreamId::Incident(id) => self.on_incident(id, incident::Command::TakeInHand { kind, due, by }).await,
            StreamId::Exchange(id) => self.on_exchange(id, exchange::Command::TakeInHand { kind, due, by }).await,
            StreamId::Complaint(id) => self.on_complaint(id, complaint::Command::TakeInHand { kind, due, by }).await,
        }
    }

    /// A person says that they have seen the last step of a ladder, which asked them to.
    ///
    /// # Errors
    /// [`DoorError::Refused`], [`DoorError::ExchangeRefused`], [`DoorError::Complaint`] when it did not ask them.
    pub async fn mark_seen(
        &self,
        by: &SignedIn,
        stream: StreamId,
        kind: ClockKind,
        due: Moment,
    ) -> Result<(), DoorError> {
        let (by, command) = (by.themselves(), LadderCommand::MarkSeen { kind, due });
        match stream {
            StreamId::Incident(id) => self.on_incident(id, incident::Command::Ladder { command, by }).await,
            StreamId::Exchange(id) => self.on_exchange(id, exchange::Command::Ladder { command, by }).await,
            StreamId::Complaint(id) => self.on_complaint(id, complaint::Command::Ladder { command, by }).await,
        }
    }

    /// Opens an ICO report draft.
    ///
    /// # Errors
    /// [`DoorError::Refused`].
    pub async fn draft_report(&self, by: &Reporter, id: IncidentId) -> Result<(), DoorError> {
        self.on_incident(id, incident::Command::DraftReport { by: by.actor().clone() }).await
    }

    /// Proposes that no report is required.
    ///
    /// # Errors
    /// [`DoorError::Refused`].
    pub async fn propose_not_required(&self, by: &Dpo, id: IncidentId, reason: LongText) -> Result<(), DoorError> {
        let by = by.actor().clone();
        self.on_incident(id, incident::Command::ProposeNotRequired { reason, by }).await
    }

    /// Another data protection officer approves that, or turns it down.
    ///
    /// # Errors
    /// [`DoorError::Refused`].
    pub async fn resolve_not_required(&self, by: &Dpo, id: IncidentId, approve: bool) -> Result<(), DoorError> {
        self.on_incident(id, incident::Command::ResolveNotRequired { approve, by: by.actor().clone() }).await
    }

    /// Closes an incident whose duties are all decided.
    ///
    /// # Errors
    /// [`DoorError::Refused`] with every duty that is still open.
    pub async fn close(&self, by: &Responder, id: IncidentId) -> Result<(), DoorError> {
        let (keys, by) = (self.keys(), by.actor().clone());
        self.store
            .write(self.time.now(), move |turn| {
                let before = turn.incident(id)?.ok_or(DoorError::NotFound)?;
                let open_duties = due::open_duties(turn.rows(), id)?;
                decide(turn, &keys, id, Some(before), incident::Command::Close { open_duties, by })?;
                // Nothing is left to assess or to decide: what was typed for that would lie about for ever.
                super::decide::erase_drafts(turn, id)
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Erases the contents of an incident and of its exchanges, the notice that it was opened from included; codes, counts
    /// and instants survive. Exchanges first, in chunks, so that a stop in the middle leaves the incident to be asked for
    /// again.
    ///
    /// # Errors
    /// [`DoorError::Refused`] unless it is closed or withdrawn.
    pub async fn anonymise(&self, by: &Administrator, id: IncidentId) -> Result<(), DoorError> {
        let now = self.time.now();
        let by = by.actor().clone();
        let checked = by.clone();
        let exchanges: Vec<ExchangeId> = self
            .store
            .write(now, move |turn| {
                let before = turn.incident(id)?.ok_or(DoorError::NotFound)?;
                incident::decide(Some(&before), &incident::Command::Anonymise { by: checked }, turn.now())?;
                Ok::<_, DoorError>(before.owed.iter().map(|owed| owed.exchange).chain(before.opened_from).collect())
            })
            .await?;
        for chunk in exchanges.chunks(FAN_OUT_CHUNK) {
            let chunk = chunk.to_vec();
            self.store.write(now, move |turn| chunk.into_iter().try_for_each(|id| erase_exchange(turn, id))).await?;
        }
        self.store
            .write(now, move |turn| {
                let before = turn.incident(id)?.ok_or(DoorError::NotFound)?;
                let decision = incident::decide(Some(&before), &incident::Command::Anonymise { by }, turn.now())?;
                turn.erase_stream(id.uuid())?;
                telling::erase_drafts(turn, id)?;
                super::decide::erase_drafts(turn, id)?;
                turn.record(vec![Change::Incident { id, before: Some(before), events: decision.events }])?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Facts that no message could carry are refused while a person can still shorten them.
    pub(super) fn must_fit(&self, facts: &Facts) -> Result<(), DoorError> {
        if wire_body::fits(facts, &self.breach_contact()) {
            Ok(())
        } else {
            Err(DoorError::Invalid("these texts together are longer than a notice may be; shorten some"))
        }
    }

    /// Whom partners may ask about a breach.
    pub(super) fn breach_contact(&self) -> Contact {
        let us = self.organisation();
        us.dpo.as_ref().unwrap_or(&us.contact).clone()
    }

    /// One command on one incident, with all that follows at once.
    pub(super) async fn on_incident(&self, id: IncidentId, command: incident::Command) -> Result<(), DoorError> {
        let keys = self.keys();
        self.store
            .write(self.time.now(), move |turn| {
                let before = turn.incident(id)?.ok_or(DoorError::NotFound)?;
                decide(turn, &keys, id, Some(before), command)
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// One command on one exchange.
    pub(super) async fn on_exchange(&self, id: ExchangeId, command: exchange::Command) -> Result<(), DoorError> {
        let keys = self.keys();
        self.store.write(self.time.now(), move |turn| decide_known(turn, &keys, id, &command)).await?;
        self.changed();
        Ok(())
    }
}

/// What a form that logged keeps as its answer.
#[derive(Serialize, Deserialize)]
struct LoggedAnswer {
    id: IncidentId,
    reference: Line,
}

fn log(
    turn: &mut Turn<'_>,
    keys: &OnlineKeys,
    fresh: &dyn Fn() -> uuid::Uuid,
    rules: Rules,
    request: LogRequest,
    by: Actor,
) -> Result<LogAnswer, DoorError> {
    if let Some(first) = logged_before(turn, &request.form, &by, LOG_FORM)? {
        return Ok(first);
    }
    let known = directory::services(turn.rows())?;
    if !request.services.iter().all(|id| known.iter().any(|service| service.id == *id)) {
        return Err(DoorError::NotFound);
    }
    let id = IncidentId::from_uuid(fresh());
    let reference = reference::next(turn)?;
    let opened_from = match request.from_exchange {
        Some(from) => Some((from, link(turn, from, id, request.exercise, &by)?)),
        None => None,
    };
    let owed = newly_owed(turn, &request.services, request.kind, &[], fresh)?;
    let processor_only = processor_only(&directory::arrangements(turn.rows())?, &request.services);
    let plans = ladder_plans::standing(turn.rows())?;
    let command = incident::Command::Log(Box::new(incident::Log {
        id,
        reference: reference.clone(),
        kind: request.kind,
        exercise: request.exercise,
        facts: request.facts,
        awareness: request.awareness,
        old_reason: request.old_reason,
        services: request.services,
        owed,
        hold: request.hold,
        opened_from,
        rules: Rules { processor_only, ..rules },
        plans,
        by,
    }));
    decide(turn, keys, id, None, command)?;
    keep_logged(turn, request.form.id, id, reference)
}

/// Uses up a form; tells whether it was used before and said the same.
pub(super) fn used(turn: &mut Turn<'_>, form: &SentForm, person: PersonId, purpose: &str) -> Result<bool, DoorError> {
    match forms::use_once(turn, form, person, purpose)? {
        FormUse::Fresh => Ok(false),
        FormUse::Used { .. } => Ok(true),
        FormUse::UsedOtherwise => Err(DoorError::FormSaidOtherwise),
        FormUse::Unknown => Err(DoorError::FormUnknown),
    }
}

/// Uses up the form that logs; gives its first answer when it was used before.
pub(super) fn logged_before(
    turn: &mut Turn<'_>,
    form: &SentForm,
    by: &Actor,
    purpose: &str,
) -> Result<Option<LogAnswer>, DoorError> {
    let person = by.person().ok_or(DoorError::FormUnknown)?;
    match forms::use_once(turn, form, person, purpose)? {
        FormUse::Fresh => Ok(None),
        FormUse::Used { answer } => {
            let first: LoggedAnswer =
                answer.and_then(|answer| serde_json::from_str(&answer).ok()).ok_or(DoorError::FormUnknown)?;
            Ok(Some(LogAnswer { id: first.id, reference: first.reference, repeated: true }))
        }
        FormUse::UsedOtherwise => Err(DoorError::FormSaidOtherwise),
        FormUse::Unknown => Err(DoorError::FormUnknown),
    }
}

/// Keeps what the form that logged answers.
pub(super) fn keep_logged(
    turn: &mut Turn<'_>,
    form: uuid::Uuid,
    id: IncidentId,
    reference: Line,
) -> Result<LogAnswer, DoorError> {
    let answer = serde_json::to_string(&LoggedAnswer { id, reference: reference.clone() }).unwrap_or_default();
    forms::answer(turn, form, &answer)?;
    Ok(LogAnswer { id, reference, repeated: false })
}

/// Our incident takes a notice received over; gives the ICO clock that moves with it (ruling 9). A drill takes over a drill
/// and nothing else: a legal clock must not become an exercise's, nor the other way round (ruling 10).
fn link(
    turn: &mut Turn<'_>,
    from: ExchangeId,
    incident: IncidentId,
    exercise: bool,
    by: &Actor,
) -> Result<Option<Clock>, DoorError> {
    let before = turn.exchange(from)?.ok_or(DoorError::NotFound)?;
    if before.exercise != exercise {
        return Err(exchange::Refusal::ExerciseChanged.into());
    }
    let clock = before.ico_clock.clone();
    decide_exchange(turn, from, Some(before), &exchange::Command::Link { incident, by: by.clone() })?;
    Ok(clock)
}

/// Partners owed under the current arrangements that are not among `known`, each with fresh ids and a reference of its
/// own, so that two partners can't match their copies (ruling 13).
fn newly_owed(
    turn: &mut Turn<'_>,
    services: &Options<ServiceId>,
    kind: IncidentKind,
    known: &[PartnerId],
    fresh: &dyn Fn() -> uuid::Uuid,
) -> Result<Vec<Owed>, DoorError> {
    let arrangements = directory::arrangements(turn.rows())?;
    let mut owed = owed_to(&arrangements, services, kind);
    owed.retain(|partner, _| !known.contains(partner));
    find_leads(turn, &mut owed)?;
    owed.into_iter()
        .map(|(partner, terms)| {
            Ok(Owed {
                partner,
                terms,
                exchange: ExchangeId::from_uuid(fresh()),
                case: keys::random_case()?,
                reference: keys::random_reference()?,
            })
        })
        .collect()
}

/// Who leads is frozen with the terms: parties are looked up only where an arrangement names one.
fn find_leads(turn: &mut Turn<'_>, owed: &mut BTreeMap<PartnerId, Terms>) -> Result<(), DoorError> {
    let mut named = owed.values().flat_map(|terms| &terms.arrangements).filter_map(|it| it.ico_lead.as_ref());
    if !named.any(|lead| matches!(lead, Lead::Named { .. })) {
        return Ok(());
    }
    let parties: HashMap<String, Lead> = queries::directory::parties(turn.rows())?
        .into_iter()
        .map(|party| {
            let ours = party.id == directory::OUR_PARTY;
            let lead = if ours { Lead::Us } else { Lead::Partner { partner: PartnerId::from_uuid(party.id) } };
            (party.record.key.to_string(), lead)
        })
        .collect();
    for terms in owed.values_mut() {
        terms.find_leads(|key| parties.get(key.as_str()).cloned());
    }
    Ok(())
}

/// Decides a command on an incident and records it with everything it asks of exchanges. A fan-out that it starts gets
/// its one checkpoint and its first chunk here; later chunks are transactions of their own (ruling 22).
pub(super) fn decide(
    turn: &mut Turn<'_>,
    keys: &OnlineKeys,
    id: IncidentId,
    before: Option<Incident>,
    command: incident::Command,
) -> Result<(), DoorError> {
    let now = turn.now();
    let incident::Decision { mut events, mut asks } = incident::decide(before.as_ref(), &command, now)?;
    let mut checkpoint = match before.as_ref().filter(|_| matches!(command, incident::Command::Advance)) {
        Some(under_way) => outbox::checkpoint_told(turn.rows(), &told_so_far(under_way))?,
        None => None,
    };
    if checkpoint.is_none() {
        checkpoint = turn.newest_checkpoint()?.map(|checkpoint| checkpoint.size);
    }
    if events.iter().any(|event| matches!(event, Event::FanOutStarted { .. })) {
        let after = events.iter().fold(before.clone(), incident::evolve);
        checkpoint = keys.checkpoint(turn)?;
        if let Ok(first) = incident::decide(after.as_ref(), &incident::Command::Advance, now) {
            events.extend(first.events);
            asks.extend(first.asks);
        }
    }
    let mut changes = vec![Change::Incident { id, before, events }];
    turn.set_fan_out_checkpoint(checkpoint);
    // A case that is opened here has no history to look up.
    let known: Vec<ExchangeId> = asks.iter().filter(|(_, ask)| !opens(ask)).map(|(id, _)| *id).collect();
    let mut states: HashMap<ExchangeId, Option<exchange::Exchange>> = turn.exchanges(&known)?.into_iter().collect();
    for (exchange, ask) in asks {
        let before = states.remove(&exchange).flatten();
        match exchange::decide(before.as_ref(), &ask, now) {
            Ok(events) => changes.push(Change::Exchange { id: exchange, before, events }),
            // One exchange that is past the step (withdrawn, erased) holds nobody else up.
            Err(refusal) => tracing::info!(%exchange, %refusal, "a fan-out passed an exchange over"),
        }
    }
    turn.record(changes)?;
    Ok(())
}

/// The exchanges of a fan-out's chunk before this one: what is queued for later chunks carries the same checkpoint as
/// theirs, also after a restart (ruling 13).
fn told_so_far(incident: &Incident) -> Vec<ExchangeId> {
    let Some(fan_out) = incident.fan_outs.first() else { return Vec::new() };
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let done = count(fan_out.done);
    let owed = incident.owed.iter().skip(count(fan_out.from)).take(done);
    owed.skip(done.saturating_sub(incident::FAN_OUT_CHUNK)).map(|owed| owed.exchange).collect()
}

const fn opens(ask: &exchange::Command) -> bool {
    matches!(ask, exchange::Command::Open(_))
}

/// Decides a command on an exchange that is there. Should it queue a message, that says how far our ledger reached when it
/// was made.
pub(super) fn decide_known(
    turn: &mut Turn<'_>,
    keys: &OnlineKeys,
    id: ExchangeId,
    command: &exchange::Command,
) -> Result<(), DoorError> {
    let checkpoint = keys.checkpoint(turn)?;
    turn.set_fan_out_checkpoint(checkpoint);
    let before = turn.exchange(id)?.ok_or(DoorError::NotFound)?;
    decide_exchange(turn, id, Some(before), command)
}

/// Decides a command on an exchange and records it.
pub(super) fn decide_exchange(
    turn: &mut Turn<'_>,
    id: ExchangeId,
    before: Option<exchange::Exchange>,
    command: &exchange::Command,
) -> Result<(), DoorError> {
    let events = exchange::decide(before.as_ref(), command, turn.now())?;
    turn.record(vec![Change::Exchange { id, before, events }])?;
    Ok(())
}

fn erase_exchange(turn: &mut Turn<'_>, id: ExchangeId) -> Result<(), DoorError> {
    let Some(before) = turn.exchange(id)? else { return Ok(()) };
    match exchange::decide(Some(&before), &exchange::Command::Anonymise, turn.now()) {
        Ok(events) => {
            turn.erase_stream(id.uuid())?;
            turn.record(vec![Change::Exchange { id, before: Some(before), events }])?;
            Ok(())
        }
        Err(exchange::Refusal::Anonymised | exchange::Refusal::NothingChanges) => Ok(()),
        Err(refusal) => Err(refusal.into()),
    }
}
