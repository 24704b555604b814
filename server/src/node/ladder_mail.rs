//! Steps of ladders, by mail to the people whom they reach. A step is queued in the transaction that records it, under an
//! id made from what it is about and whom it is for: once for each person, however often the node starts again. The mail
//! itself goes out at least once, always with the same `Message-ID` (ruling 11).

use domain::clock::ClockKind;
use domain::complaint::{self, Complaint};
use domain::delivery::Heard;
use domain::exchange::{self, Direction, Exchange};
use domain::incident::{self, Incident};
use domain::ladder::{LadderState, Reached};
use domain::values::{ExchangeId, IncidentId, Line, Moment, PersonId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::letters::Rung;
use super::{Node, letters, step_words};
use crate::mail::{Outcome, Outgoing, message_id};
use crate::store::posts::{self, ClaimedPost, Destination, Post};
use crate::store::queries::fallback;
use crate::store::{StoreError, Turn, people};

/// People named in a mail because they have not seen the step before.
const UNSEEN_NAMED: usize = 20;

/// A step that fired, as its mails need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FiredStep {
    duty: ClockKind,
    due: Moment,
    offset_minutes: i32,
    outstanding: u32,
    exercise: bool,
    reference: Line,
    /// Where it is seen to: a path of ours.
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    incident: Option<IncidentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exchange: Option<ExchangeId>,
    /// How many steps have fired, with this one: says whose turn it is to be rung.
    #[serde(default)]
    fired: u32,
    /// Whom it reached, and what it asks of them.
    #[serde(default)]
    reached: Reached,
    /// Minutes from the due instant when it fired, where that is not the step's own: a complaint may be logged long after
    /// it was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fired_minutes: Option<i32>,
    /// The law's limit, where it is later than the due instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<Moment>,
}

/// The steps among the events of an incident.
pub(super) fn of_incident(id: IncidentId, before: &Incident, events: &[incident::Event]) -> Vec<FiredStep> {
    let mut steps = Vec::new();
    for event in events {
        if let incident::Event::StepFired { kind, due, offset_minutes, partners, reached, .. } = event {
            steps.push(FiredStep {
                duty: *kind,
                due: *due,
                offset_minutes: *offset_minutes,
                outstanding: *partners,
                exercise: before.exercise,
                reference: before.reference.clone(),
                path: format!("/incidents/{id}"),
                incident: Some(id),
                exchange: None,
                fired: fired(&before.ladders, *kind, *due),
                reached: reached.clone(),
                fired_minutes: None,
                limit: None,
            });
        }
    }
    steps
}

/// The steps among the events of an exchange.
pub(super) fn of_exchange(before: &Exchange, events: &[exchange::Event]) -> Vec<FiredStep> {
    let mut steps = Vec::new();
    for event in events {
        if let exchange::Event::StepFired { kind, due, offset_minutes, reached, .. } = event {
            steps.push(FiredStep {
                duty: *kind,
                due: *due,
                offset_minutes: *offset_minutes,
                outstanding: 0,
                exercise: before.exercise,
                reference: before.reference.clone(),
                path: match before.direction {
                    Direction::Incoming => format!("/received/{}", before.id),
                    Direction::Outgoing => format!("/exchanges/{}", before.id),
                },
                incident: before.incident,
                exchange: Some(before.id),
                fired: fired(&before.ladders, *kind, *due),
                reached: reached.clone(),
                fired_minutes: None,
                limit: None,
            });
        }
    }
    steps
}

/// The steps among the events of a complaint.
pub(super) fn of_complaint(before: &Complaint, events: &[complaint::Event]) -> Vec<FiredStep> {
    let mut steps = Vec::new();
    for event in events {
        if let complaint::Event::StepFired { kind, due, offset_minutes, reached, at, .. } = event {
            let step = posts::Step::of_complaint(before, *kind, *due, *offset_minutes, *at);
            steps.push(FiredStep {
                duty: *kind,
                due: *due,
                offset_minutes: *offset_minutes,
                outstanding: 0,
                exercise: false,
                reference: before.reference.clone(),
                path: format!("/complaints/{}", before.id),
                incident: None,
                exchange: None,
                fired: fired(&before.ladders, *kind, *due),
                reached: reached.clone(),
                fired_minutes: step.fired_minutes,
                limit: step.limit,
            });
        }
    }
    steps
}

/// How many steps have fired, with the one that fires now.
fn fired(ladders: &[LadderState], kind: ClockKind, due: Moment) -> u32 {
    let ladder = ladders.iter().find(|ladder| ladder.kind == kind && ladder.due == due);
    ladder.map_or(0, |ladder| ladder.fired).saturating_add(1)
}

/// Queues a mail for everybody whom the steps reached, but for steps that send none.
pub(super) fn queue(turn: &mut Turn<'_>, steps: &[FiredStep]) -> Result<(), StoreError> {
    let mut posts = Vec::new();
    for step in steps.iter().filter(|step| !step.reached.no_mail) {
        let corrupt = StoreError::Corrupt { table: "posts", what: "a step without JSON" };
        let body = serde_json::to_vec(step).map_err(|_| corrupt)?;
        for person in &step.reached.people {
            posts.push(Post {
                id: step.post_id(*person),
                to: Destination::Person(*person),
                event: step.step().event(),
                body: body.clone(),
                incident: step.incident,
                exchange: step.exchange,
            });
        }
    }
    posts::queue(turn, posts)
}

impl FiredStep {
    fn post_id(&self, person: PersonId) -> Uuid {
        posts::derived(&[
            b"step",
            self.path.as_bytes(),
            self.duty.word().as_bytes(),
            &self.due.micros().to_be_bytes(),
            &self.offset_minutes.to_be_bytes(),
            person.as_bytes(),
        ])
    }

    const fn step(&self) -> posts::Step {
        posts::Step {
            clock: self.duty,
            due: self.due,
            offset_minutes: self.offset_minutes,
            partners: self.outstanding,
            fired_minutes: self.fired_minutes,
            limit: self.limit,
        }
    }
}

impl Node {
    /// Sends a post for one of our people by mail: what it means for the delivery, and the server's code if it said no.
    /// One that can't be sent any more, because its person is gone, is over.
    pub(super) async fn mail_post(&self, post: &ClaimedPost, to: PersonId) -> Result<(Heard, Option<u16>), StoreError> {
        let person = self.store.read(move |rows| people::by_id(rows, to)).await?;
        let step: Option<FiredStep> = serde_json::from_slice(&post.body).ok();
        let (Some(person), Some(step)) = (person.filter(|person| !person.disabled), step) else {
            return Ok((Heard::Accepted, None));
        };
        let us = self.organisation().name.clone();
        let (rings, unseen) = self.at_step(&step).await?;
        let (subject, text) = letters::to_person(&letters::ToPerson {
            us: &us,
            name: &person.name,
            reference: step.reference.as_str(),
            exercise: step.exercise,
            duty: step.duty,
            due: step.due,
            offset_minutes: step_words::minutes(&step.step()),
            limit: step.limit,
            outstanding: step.outstanding,
            rings: &rings,
            unseen: &unseen,
            reached: &step.reached,
            link: &format!("{}{}", self.issuer, step.path),
            zone: self.zone,
        });
        let mail = Outgoing {
            to: person.email,
            from_name: us.to_string(),
            subject,
            text,
            message_id: message_id(post.id, &self.issuer),
            at: self.time.now(),
        };
        let outcome = self.post_mail(&mail).await;
        Ok((outcome.map_or(Heard::NotReached, Outcome::heard), outcome.and_then(Outcome::code)))
    }

    /// Whom to ring as things stand now, each with the page that records the call, and who has not seen the step before.
    async fn at_step(&self, step: &FiredStep) -> Result<(Vec<Rung>, Vec<String>), StoreError> {
        let (incident, kind, due, fired) = (step.incident, step.duty, step.due, step.fired);
        let unseen = step.reached.unseen.clone();
        let issuer = self.issuer.clone();
        self.store
            .read(move |rows| {
                let found = match incident {
                    Some(incident) => fallback::outstanding(rows, incident, kind, due, fired, fallback::RINGS_MAX)?,
                    None => Vec::new(),
                };
                let rings = found
                    .into_iter()
                    .filter_map(|ring| {
                        let link = format!("{issuer}/exchanges/{}/call", ring.exchange);
                        Some(Rung { name: ring.name, call: ring.call?, link })
                    })
                    .collect();
                let mut names = Vec::new();
                for id in unseen.into_iter().take(UNSEEN_NAMED) {
                    names.extend(people::by_id(rows, id)?.map(|person| person.name.to_string()));
                }
                Ok((rings, names))
            })
            .await
    }
}
