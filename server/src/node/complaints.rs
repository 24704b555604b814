//! Complaints about how we use personal data: logged, acknowledged, noted, answered, erased. The door is the one of
//! incidents: a decision and its entries in one transaction.

use std::sync::Arc;

use chrono::Datelike as _;
use domain::complaint::{self, Category, Channel, Command, Complaint, Due, Log, Outcome};
use domain::values::{Actor, ComplaintId, IncidentId, Line, LongText, Moment};
use serde::{Deserialize, Serialize};

use super::{DoorError, Node};
use crate::access::{Administrator, DutyHolder};
use crate::store::forms::{self, FormUse, SentForm};
use crate::store::{Change, Turn};

/// What a one-use form for logging a complaint is made for.
pub const COMPLAINT_FORM: &str = "complaint";

/// All that logging a complaint needs from a person.
#[derive(Debug, Clone)]
pub struct ComplaintRequest {
    /// The one-use form that asks; `None` where something else sees to it that it is asked once.
    pub form: Option<SentForm>,
    /// When it reached us.
    pub received_at: Moment,
    /// How.
    pub channel: Channel,
    /// What it is about.
    pub category: Category,
    /// In words of ours, without data of whoever complained.
    pub about: LongText,
    /// The incident that it is about.
    pub incident: Option<IncidentId>,
}

/// What logging answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComplaintAnswer {
    /// Which.
    pub id: ComplaintId,
    /// Our reference.
    pub reference: Line,
}

impl Node {
    /// Logs a complaint; what law and promise give it is fixed here. The same form again gives the first answer.
    ///
    /// # Errors
    /// [`DoorError::Complaint`], [`DoorError::FormUnknown`], [`DoorError::NotFound`] for an unknown incident,
    /// [`DoorError::Invalid`] when a promise in working days can't be counted.
    pub async fn log_complaint(
        &self,
        by: &DutyHolder,
        request: ComplaintRequest,
    ) -> Result<ComplaintAnswer, DoorError> {
        let settings = self.duties();
        let received = request.received_at.floor_second();
        let due = Due::of(settings.law, settings.complaint_promise, received, &self.zone()).map_err(|_| {
            DoorError::Invalid("bank holidays of that year are not known, so working days can’t be counted")
        })?;
        let (time, by) = (Arc::clone(&self.time), by.actor().clone());
        let answer = self
            .store
            .write(self.time.now(), move |turn| {
                let id = ComplaintId::from_uuid(time.fresh_id());
                log(turn, id, ComplaintRequest { received_at: received, ..request }, due, by)
            })
            .await?;
        self.changed();
        Ok(answer)
    }

    /// Records that it was acknowledged.
    ///
    /// # Errors
    /// [`DoorError::Complaint`], [`DoorError::NotFound`].
    pub async fn acknowledge_complaint(&self, by: &DutyHolder, id: ComplaintId, at: Moment) -> Result<(), DoorError> {
        self.on_complaint(id, Command::Acknowledge { at, by: by.actor().clone() }).await
    }

    /// Records what was done about it.
    ///
    /// # Errors
    /// [`DoorError::Complaint`], [`DoorError::NotFound`].
    pub async fn note_complaint(&self, by: &DutyHolder, id: ComplaintId, note: LongText) -> Result<(), DoorError> {
        self.on_complaint(id, Command::Note { note, by: by.actor().clone() }).await
    }

    /// Records that they were told the outcome.
    ///
    /// # Errors
    /// [`DoorError::Complaint`], [`DoorError::NotFound`].
    pub async fn answer_complaint(
        &self,
        by: &DutyHolder,
        id: ComplaintId,
        at: Moment,
        outcome: Outcome,
        note: Option<LongText>,
    ) -> Result<(), DoorError> {
        self.on_complaint(id, Command::Answer { at, outcome, note, by: by.actor().clone() }).await
    }

    /// Erases its contents; codes and instants survive.
    ///
    /// # Errors
    /// [`DoorError::Complaint`] while it is not answered, [`DoorError::NotFound`].
    pub async fn anonymise_complaint(&self, _by: &Administrator, id: ComplaintId) -> Result<(), DoorError> {
        self.store
            .write(self.time.now(), move |turn| {
                let before = turn.complaint(id)?.ok_or(DoorError::NotFound)?;
                let events = complaint::decide(Some(&before), &Command::Anonymise, turn.now())?;
                turn.erase_stream(id.uuid())?;
                turn.record(vec![Change::Complaint { id, before: Some(before), events }])?;
                Ok::<_, DoorError>(())
            })
            .await?;
        self.changed();
        Ok(())
    }

    pub(super) async fn on_complaint(&self, id: ComplaintId, command: Command) -> Result<(), DoorError> {
        self.store
            .write(self.time.now(), move |turn| {
                let before = turn.complaint(id)?.ok_or(DoorError::NotFound)?;
                decide(turn, id, Some(before), &command)
            })
            .await?;
        self.changed();
        Ok(())
    }
}

fn log(
    turn: &mut Turn<'_>,
    id: ComplaintId,
    request: ComplaintRequest,
    due: Due,
    by: Actor,
) -> Result<ComplaintAnswer, DoorError> {
    if let Some(form) = request.form {
        let person = by.person().ok_or(DoorError::FormUnknown)?;
        match forms::use_once(turn, &form, person, COMPLAINT_FORM)? {
            FormUse::Fresh => {}
            FormUse::Used { answer } => {
                let first = answer.and_then(|answer| serde_json::from_str(&answer).ok());
                return first.ok_or(DoorError::FormUnknown);
            }
            FormUse::UsedOtherwise => return Err(DoorError::FormSaidOtherwise),
            FormUse::Unknown => return Err(DoorError::FormUnknown),
        }
    }
    if let Some(incident) = request.incident {
        turn.incident(incident)?.ok_or(DoorError::NotFound)?;
    }
    let year = turn.now().to_chrono().year();
    let number = turn.next_number(&format!("complaint-{year}"))?;
    let reference = Line::parse(&format!("CP-{year}-{number:04}"))
        .map_err(|_| DoorError::Invalid("the reference is not acceptable"))?;
    let ComplaintRequest { form, received_at, channel, category, about, incident } = request;
    let log = Log { id, reference: reference.clone(), received_at, channel, category, about, incident, due, by };
    decide(turn, id, None, &Command::Log(Box::new(log)))?;
    let answer = ComplaintAnswer { id, reference };
    if let Some(form) = form {
        forms::answer(turn, form.id, &serde_json::to_string(&answer).unwrap_or_default())?;
    }
    Ok(answer)
}

fn decide(turn: &mut Turn<'_>, id: ComplaintId, before: Option<Complaint>, command: &Command) -> Result<(), DoorError> {
    let events = complaint::decide(before.as_ref(), command, turn.now())?;
    turn.record(vec![Change::Complaint { id, before, events }])?;
    Ok(())
}
