//! The joint decision: who leads, partners' views, what the lead decides, and relying on a partner's report.

use std::sync::Arc;

use domain::arrangement::Lead;
use domain::exchange::{self, Exchange, MessageKind, Say};
use domain::incident::joint::{Command, Decide, Reasons, VIEWS_MAX};
use domain::incident::{self, Incident};
use domain::reliance;
use domain::values::{Actor, Digest32, ExchangeId, IncidentId, LongText, MessageId, Moment, PartnerId};

use super::answer::role_on_the_wire;
use super::execute::{decide, decide_exchange, decide_known, used};
use super::received::SignatureResult;
use super::{DoorError, Node};
use crate::access::{Dpo, Responder};
use crate::store::forms::SentForm;
use crate::store::partners::{self, Partner};
use crate::store::queries::{self, joint as rows_of};
use crate::store::{Turn, inbox, ledger};

/// What a one-use form that asks or tells every partner is made for.
pub const JOINT_FORM: &str = "joint";

/// A decision of the lead's to be.
#[derive(Debug, Clone)]
pub struct NewDecision {
    /// Who reports it to the ICO; `None`: it is not reported.
    pub reports: Option<Lead>,
    /// Who tells the people affected; `None`: they are not told.
    pub tells: Option<Lead>,
    /// Why.
    pub reasons: Reasons,
    /// Which views were considered.
    pub considered: Considered,
}

/// Which views a decision considered.
#[derive(Debug, Clone)]
pub enum Considered {
    /// These messages.
    These(Vec<MessageId>),
    /// The newest of each partner that had come by an instant.
    AllBy(Moment),
}

impl Node {
    /// Another lead for this incident than the arrangements name.
    ///
    /// # Errors
    /// [`DoorError::Refused`].
    pub async fn choose_lead(&self, by: &Dpo, id: IncidentId, lead: Lead, reason: LongText) -> Result<(), DoorError> {
        self.jointly(by, None, id, move |turn, before| {
            Ok(Command::ChooseLead { lead, reason, told_by: told_by(turn, before)? })
        })
        .await
    }

    /// Asks every partner who knows of the incident for their view. The same form again changes nothing.
    ///
    /// # Errors
    /// [`DoorError::Refused`], [`DoorError::FormUnknown`].
    pub async fn ask_views(
        &self,
        by: &Dpo,
        form: Option<SentForm>,
        id: IncidentId,
        text: LongText,
        due: Option<Moment>,
    ) -> Result<(), DoorError> {
        let role = role_on_the_wire(by.actor())?;
        self.jointly(by, form, id, move |_, _| Ok(Command::AskViews { text, due, role })).await
    }

    /// Records what we decide as the lead, and tells every partner who knows of the incident. The same form again changes
    /// nothing.
    ///
    /// # Errors
    /// [`DoorError::Refused`], [`DoorError::FormUnknown`], [`DoorError::Invalid`] for a message that is no view.
    pub async fn decide_jointly(
        &self,
        by: &Dpo,
        form: Option<SentForm>,
        id: IncidentId,
        new: NewDecision,
    ) -> Result<(), DoorError> {
        let role = role_on_the_wire(by.actor())?;
        self.jointly(by, form, id, move |turn, before| {
            let NewDecision { reports, tells, reasons, considered } = new;
            let views = considered_views(turn, id, considered)?;
            let told_by = told_by(turn, before)?;
            Ok(Command::Decide(Box::new(Decide { reports, tells, reasons, views, role, told_by })))
        })
        .await
    }

    async fn jointly(
        &self,
        by: &Dpo,
        form: Option<SentForm>,
        id: IncidentId,
        command: impl FnOnce(&mut Turn<'_>, &Incident) -> Result<Command, DoorError> + Send + 'static,
    ) -> Result<(), DoorError> {
        let (keys, by) = (self.keys(), by.actor().clone());
        let person = by.person().ok_or(DoorError::FormUnknown)?;
        self.store
            .write(self.time.now(), move |turn| {
                if let Some(form) = form
                    && used(turn, &form, person, JOINT_FORM)?
                {
                    return Ok(());
                }
                let before = turn.incident(id)?.ok_or(DoorError::NotFound)?;
                let command = command(turn, &before)?;
                decide(turn, &keys, id, Some(before), incident::Command::Joint { command, by })
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Gives our view in answer to a partner's request for it. A request that has our view already is left alone, so that a
    /// button pressed twice says it once; more is said by a message.
    ///
    /// # Errors
    /// [`DoorError::ExchangeRefused`], [`DoorError::NotFound`], [`DoorError::Invalid`] when they asked for no view.
    pub async fn give_view(
        &self,
        by: &Responder,
        id: ExchangeId,
        request: MessageId,
        text: LongText,
    ) -> Result<(), DoorError> {
        let by = by.actor().clone();
        let role = role_on_the_wire(&by)?;
        let keys = self.keys();
        self.store
            .write(self.time.now(), move |turn| {
                let exchange = turn.exchange(id)?.ok_or(DoorError::NotFound)?;
                let asks = |mark: &exchange::SaidMark| {
                    mark.message == request && mark.kind == MessageKind::ViewRequest && !mark.is_ours()
                };
                if !exchange.said.iter().any(asks) {
                    return Err(DoorError::Invalid("this message asks for no view of ours"));
                }
                if has_our_view(&exchange, request) {
                    return Ok(());
                }
                let (kind, re) = (MessageKind::View, Some(request));
                let say = Say { kind, text, re, due: None, received_at: None, by, role };
                decide_known(turn, &keys, id, &exchange::Command::Say(Box::new(say)))
            })
            .await?;
        self.changed();
        Ok(())
    }

    /// Relies on a report that a partner told us of: ends our clock, wherever it runs. The partner's message is judged once
    /// more, by the keys that stand now.
    ///
    /// # Errors
    /// [`DoorError::Refused`], [`DoorError::ExchangeRefused`], [`DoorError::NotFound`].
    pub async fn accept_reliance(
        &self,
        by: &Dpo,
        id: ExchangeId,
        message: MessageId,
        reason: LongText,
    ) -> Result<(), DoorError> {
        let now = self.time.now();
        let (partner, octets) = self.filing_octets(id, message).await?;
        let octets = octets.ok_or_else(|| refused(reliance::Refusal::NoSuchFiling))?;
        match self.signature(&partner, &octets, now) {
            SignatureResult::Verified => {}
            SignatureResult::KeyRevokedSince | SignatureResult::Erased | SignatureResult::Broken => {
                return Err(refused(reliance::Refusal::NotSigned));
            }
        }
        let set_sha256 = Digest32::of(&octets);
        let (keys, by) = (self.keys(), by.actor().clone());
        self.store.write(now, move |turn| rely(turn, &keys, (id, message), set_sha256, reason, by)).await?;
        self.changed();
        Ok(())
    }

    /// The partner of an exchange, and what they signed as this message.
    async fn filing_octets(&self, id: ExchangeId, message: MessageId) -> Result<(Partner, Option<Vec<u8>>), DoorError> {
        let found = self
            .store
            .read(move |rows| {
                let Some(exchange) = queries::incidents::exchange_state(rows, id)? else { return Ok(None) };
                let Some(partner) = partners::by_id(rows, exchange.partner)? else { return Ok(None) };
                let entry = inbox::set_entry(rows, partner.id, message)?;
                let octets = entry.map(|entry| ledger::object(rows, entry)).transpose()?.flatten();
                Ok(Some((partner, octets)))
            })
            .await?;
        found.ok_or(DoorError::NotFound)
    }
}

/// Whether a request of theirs for our view has one.
#[must_use]
pub fn has_our_view(exchange: &Exchange, request: MessageId) -> bool {
    let mut ours = exchange.said.iter().filter(|mark| mark.is_ours() && mark.re == Some(request));
    ours.any(|mark| mark.kind == MessageKind::View)
}

fn refused(refusal: reliance::Refusal) -> DoorError {
    exchange::Refusal::Reliance(refusal).into()
}

/// The partner whose notice the incident was opened from.
fn told_by(turn: &mut Turn<'_>, incident: &Incident) -> Result<Option<PartnerId>, DoorError> {
    let Some(from) = incident.opened_from else { return Ok(None) };
    Ok(turn.exchange(from)?.map(|exchange| exchange.partner))
}

fn considered_views(turn: &mut Turn<'_>, id: IncidentId, considered: Considered) -> Result<Vec<MessageId>, DoorError> {
    match considered {
        Considered::AllBy(until) => {
            let views = rows_of::views(turn.rows(), id, until, VIEWS_MAX)?;
            Ok(views.into_iter().map(|(message, ..)| message).collect())
        }
        Considered::These(mut views) => {
            views.sort_unstable();
            views.dedup();
            if !rows_of::are_views(turn.rows(), id, &views)? {
                return Err(DoorError::Invalid(
                    "one of these messages is no view that a partner gave on this incident",
                ));
            }
            Ok(views)
        }
    }
}

/// Ends the clock of the incident that took the exchange over, or the exchange's own (ruling 9).
fn rely(
    turn: &mut Turn<'_>,
    keys: &Arc<super::keys::OnlineKeys>,
    (id, message): (ExchangeId, MessageId),
    set_sha256: Digest32,
    reason: LongText,
    by: Actor,
) -> Result<(), DoorError> {
    let exchange = turn.exchange(id)?.ok_or(DoorError::NotFound)?;
    let Some(incident) = exchange.incident else {
        let command = exchange::Command::AcceptReliance { message, set_sha256, reason, by };
        return decide_exchange(turn, id, Some(exchange), &command);
    };
    let reliance = exchange.reliance(message, set_sha256, &reason, turn.now()).map_err(refused)?;
    let before = turn.incident(incident)?.ok_or(DoorError::NotFound)?;
    let command = Command::AcceptReliance { reliance: Box::new(reliance) };
    decide(turn, keys, incident, Some(before), incident::Command::Joint { command, by })
}
