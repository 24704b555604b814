//! Exercises with partners: started, reported, ended; and who tried to reach whom out of hours.

use std::collections::BTreeSet;

use domain::values::{ExchangeId, IncidentId, Line, LongText, Moment, PartnerId};

use super::call::{Call, Page, Reply, fault, instant_key};
use super::operation::{Group, get, post, run};
use super::shape::{answer, record, request};
use crate::access::{Exerciser, Scope};
use crate::node::exercises::{Chosen, ExerciseRequest, Scenario};
use crate::problem::Problem;
use crate::store::queries::exercises::{self, ContactTried, Received, Report, Row, Spread};
use crate::store::queries::incidents;

/// What changing something needs.
const RUN: &[Scope] = &[Scope::Respond, Scope::Decide, Scope::Administer];

/// Operations on exercises.
pub const GROUP: Group = Group {
    name: "Exercises",
    about: "Drills with partners: the same wire and the same clocks, marked as exercises everywhere. Each is an incident.",
    operations: &[
        get("/exercises", "list_exercises", "Exercises with partners, the newest first", run!(list))
            .lists::<Exercise>(),
        post("/exercises", "start_exercise", "Start an exercise with partners", run!(start))
            .needs(RUN)
            .takes::<StartExercise>()
            .makes::<StartedExercise>(),
        get("/exercises/{id}", "get_exercise", "Who received it, who read it, and how long each took", run!(one))
            .gives::<ExerciseReport>(),
        post("/exercises/{id}/contacts", "record_contact_tried", "Record that a contact was tried", run!(contact))
            .needs(RUN)
            .takes::<ContactTried>(),
        post("/exercises/{id}/end", "end_exercise", "Tell every partner that it has ended", run!(end)).needs(RUN),
    ],
};

answer! {
    /// An exercise.
    Exercise {
        /// The incident that it is.
        id: IncidentId,
        /// Our reference.
        reference: String,
        /// A few words.
        title: String,
        /// held, active, withdrawn, closed or anonymised.
        state: String,
        /// When it was started.
        started_at: Moment,
        /// Partners who take part.
        partners: u32,
    }
}

request! {
    /// An exercise to start.
    StartExercise {
        /// What is supposed to have happened: wrong_recipient, lost_device or supplier.
        scenario: String,
        /// In the organiser's own words, for the partners.
        note: Option<LongText>,
        /// With whom; every partner who can be reached unless given.
        partners: Option<Vec<PartnerId>>,
    }
}

answer! {
    /// What was started.
    StartedExercise {
        /// The exercise.
        id: IncidentId,
        /// Our reference.
        reference: String,
    }
}

answer! {
    /// What came of an exercise.
    ExerciseReport {
        /// The incident that it is.
        id: IncidentId,
        /// Our reference.
        reference: String,
        /// When it was started.
        started_at: Moment,
        /// Until partners had the notice, as proven or recorded.
        received: Option<HowLong>,
        /// Until a person there had read it.
        read: Option<HowLong>,
        /// Each partner.
        partners: Vec<Participant>,
    }
}

answer! {
    /// How long something took, in seconds from the start.
    HowLong {
        /// How many did it.
        partners: u32,
        /// Half of them within so long.
        median: u32,
        /// The slowest.
        worst: u32,
    }
}

answer! {
    /// How one partner did.
    Participant {
        /// What passes with them.
        exchange: ExchangeId,
        /// Who.
        partner: PartnerId,
        /// Their name.
        name: String,
        /// node, webhook, mail or hand.
        channel: String,
        /// When they had the notice.
        received_at: Option<Moment>,
        /// How that is known: signed_receipt, acknowledgement, recorded_call, or transport, which proves nothing.
        received_by: Option<String>,
        /// When a person there read it.
        read_at: Option<Moment>,
        /// Attempts that failed.
        failures: Vec<Failure>,
        /// Contacts that were tried.
        contacts_tried: Vec<ContactTried>,
    }
}

answer! {
    /// What went wrong on the way.
    Failure {
        /// Over which channel.
        channel: String,
        /// What came of the attempts.
        outcome: String,
        /// How many.
        attempts: u32,
    }
}

record! {
    /// Somebody tried to reach a partner's contact.
    ContactTried as "ContactTried" {
        /// What passes with the partner in this exercise.
        exchange: ExchangeId,
        /// Whom: a role or name.
        whom: Line,
        /// Whether anybody answered.
        reached: bool,
        /// When.
        tried_at: Moment,
        /// In words.
        note: Option<LongText>,
    }
}

fn exerciser(call: &Call) -> Result<Exerciser, Problem> {
    let who = "responders, data protection officers, managers and administrators";
    Exerciser::of(call.person()).ok_or(Problem::NotAllowed(who))
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let (before, limit) = (call.after(instant_key::<IncidentId>)?, call.limit()?);
    let page = call.node.store().read(move |rows| exercises::newest(rows, before, limit)).await?;
    let next = page.next.map(|(at, id)| format!("{}.{id}", at.micros()));
    Ok(Page { items: page.items, next }.reply(Exercise::of))
}

async fn start(call: Call) -> Result<Reply, Problem> {
    let by = exerciser(&call)?;
    let StartExercise { scenario, note, partners } = call.body()?;
    let scenario = Scenario::from_word(&scenario)
        .ok_or_else(|| fault("/scenario", "is one of wrong_recipient, lost_device, supplier"))?;
    let partners = partners.map_or(Chosen::All, |these| Chosen::These(these.into_iter().collect::<BTreeSet<_>>()));
    // The idempotency key sees to it that it starts once.
    let request = ExerciseRequest { form: None, scenario, note, partners };
    let started = call.node.start_exercise(&by, request).await?;
    let answer = StartedExercise { id: started.id, reference: started.reference.to_string() };
    Ok(Reply::made(&answer, &format!("/exercises/{}", started.id)))
}

async fn one(call: Call) -> Result<Reply, Problem> {
    let id: IncidentId = call.id()?;
    let report = call.node.store().read(move |rows| exercises::report(rows, id)).await?.ok_or(Problem::NotFound)?;
    Ok(Reply::one(&ExerciseReport::of(report)))
}

async fn contact(call: Call) -> Result<Reply, Problem> {
    let by = exerciser(&call)?;
    let tried: ContactTried = call.body()?;
    call.node.record_contact_tried(&by, call.id()?, tried).await?;
    Ok(Reply::done())
}

async fn end(call: Call) -> Result<Reply, Problem> {
    call.node.end_exercise(&exerciser(&call)?, call.id()?).await?;
    Ok(Reply::done())
}

impl Exercise {
    fn of(incident: incidents::Listed) -> Self {
        Self {
            id: incident.id,
            reference: incident.reference,
            title: incident.title,
            state: incident.stage,
            started_at: incident.logged_at,
            partners: incident.owed,
        }
    }
}

impl HowLong {
    fn of(spread: Spread) -> Self {
        let seconds = |seconds: i64| u32::try_from(seconds.max(0)).unwrap_or(u32::MAX);
        Self {
            partners: u32::try_from(spread.many).unwrap_or(u32::MAX),
            median: seconds(spread.median),
            worst: seconds(spread.worst),
        }
    }
}

impl ExerciseReport {
    fn of(report: Report) -> Self {
        Self {
            id: report.incident.id,
            reference: report.incident.reference.clone(),
            started_at: report.incident.logged_at,
            received: report.until_received().map(HowLong::of),
            read: report.until_read().map(HowLong::of),
            partners: report.rows.into_iter().map(Participant::of).collect(),
        }
    }
}

impl Participant {
    fn of(row: Row) -> Self {
        let (received_at, received_by) = row.received.unzip();
        Self {
            exchange: row.listed.exchange,
            partner: row.listed.partner,
            name: row.listed.partner_name,
            channel: row.listed.channel,
            received_at,
            received_by: received_by.map(|how: Received| how.word().to_owned()),
            read_at: row.listed.acknowledgement.map(|said| said.at),
            failures: row
                .failures
                .into_iter()
                .map(|(channel, outcome, attempts)| Failure { channel, outcome, attempts })
                .collect(),
            contacts_tried: row.tries,
        }
    }
}
