//! Complaints about how we use personal data. No member holds data of whoever complained.

use domain::complaint::{Category, Channel, Outcome, Stage};
use domain::values::{ComplaintId, IncidentId, Line, LongText, Moment};

use super::call::{Call, Page, Reply, instant_key};
use super::facts::texts_must_be_checked;
use super::operation::{Group, get, post, run};
use super::shape::{answer, request};
use crate::access::Scope;
use crate::node::complaints::ComplaintRequest;
use crate::problem::Problem;
use crate::store::queries::complaints::{self, Filter, Listed};

const KEEP: &[Scope] = &[Scope::Respond, Scope::Decide];

/// Operations on complaints.
pub const GROUP: Group = Group {
    name: "Complaints",
    about: "Complaints of people about how we use their data (Data Protection Act 2018, section 164A).",
    operations: &[
        get("/complaints", "list_complaints", "Complaints, the newest received first", run!(list)).lists::<Complaint>(),
        post("/complaints", "log_complaint", "Log a complaint", run!(log))
            .needs(KEEP)
            .takes::<LogComplaint>()
            .makes::<LoggedComplaint>(),
        get("/complaints/{id}", "get_complaint", "A complaint with what is owed by when", run!(one))
            .gives::<Complaint>(),
        post(
            "/complaints/{id}/acknowledge",
            "acknowledge_complaint",
            "Record that it was acknowledged",
            run!(acknowledge),
        )
        .needs(KEEP)
        .takes::<AcknowledgeComplaint>(),
        post("/complaints/{id}/notes", "note_complaint", "Record what was done about it", run!(note))
            .needs(KEEP)
            .takes::<NoteComplaint>(),
        post("/complaints/{id}/answer", "answer_complaint", "Record that they were told the outcome", run!(answer_it))
            .needs(KEEP)
            .takes::<AnswerComplaint>(),
        post(
            "/complaints/{id}/anonymise",
            "anonymise_complaint",
            "Erase the contents of an answered complaint",
            run!(anonymise),
        )
        .needs(&[Scope::Administer]),
    ],
};

answer! {
    /// A complaint.
    Complaint {
        /// Which.
        id: ComplaintId,
        /// Our reference.
        reference: String,
        /// In the words of the pages: Not acknowledged, Acknowledged, Answered, Erased.
        state: &'static str,
        /// When it reached us.
        received_at: Moment,
        /// How.
        channel: Channel,
        /// What it is about.
        category: Category,
        /// The incident that it is about.
        incident: Option<IncidentId>,
        /// By when to acknowledge it, counting the day of receipt: alarms use this one. Null where the law asked for none.
        acknowledge_by: Option<Moment>,
        /// The legal limit for it, counting from the day after receipt.
        acknowledge_limit_at: Option<Moment>,
        /// By when we promise to acknowledge it.
        promised_acknowledgement_by: Option<Moment>,
        /// By when we promise to answer it; the law names no time.
        promised_answer_by: Option<Moment>,
        /// When it was acknowledged.
        acknowledged_at: Option<Moment>,
        /// When they were told the outcome.
        answered_at: Option<Moment>,
        /// Which.
        outcome: Option<Outcome>,
        /// The earliest instant by which something still has to be done.
        next_due_at: Option<Moment>,
        /// That instant has passed.
        overdue: bool,
        /// Progress notes.
        notes: u32,
    }
}

answer! {
    /// A complaint that was logged.
    LoggedComplaint {
        /// Which.
        id: ComplaintId,
        /// Our reference.
        reference: Line,
    }
}

request! {
    /// A complaint to log.
    LogComplaint {
        /// When it reached us.
        received_at: Moment,
        /// How.
        channel: Channel,
        /// What it is about.
        category: Category,
        /// In words of yours, without anything that says who complained.
        about: LongText,
        /// The incident that it is about.
        incident: Option<IncidentId>,
        /// A person has checked that no text holds personal data.
        checked: Option<bool>,
    }
}

request! {
    /// An acknowledgement.
    AcknowledgeComplaint {
        /// When.
        at: Moment,
    }
}

request! {
    /// A progress note.
    NoteComplaint {
        /// What was done, without anything that says who complained.
        note: LongText,
        /// A person has checked that it holds no personal data.
        checked: Option<bool>,
    }
}

request! {
    /// An outcome that they were told.
    AnswerComplaint {
        /// When.
        at: Moment,
        /// Which.
        outcome: Outcome,
        /// In words of yours.
        note: Option<LongText>,
        /// A person has checked that it holds no personal data.
        checked: Option<bool>,
    }
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let (after, limit) = (call.after(instant_key)?, call.limit()?);
    let now = call.node.now();
    let page = call.node.store().read(move |rows| complaints::newest(rows, Filter::default(), after, limit)).await?;
    let next = page.next.map(|(at, id)| format!("{}.{id}", at.micros()));
    Ok(Page { items: page.items, next }.reply(|complaint| Complaint::of(&complaint, now)))
}

async fn one(call: Call) -> Result<Reply, Problem> {
    let id: ComplaintId = call.id()?;
    let found = call.node.store().read(move |rows| complaints::one(rows, id)).await?.ok_or(Problem::NotFound)?;
    Ok(Reply::one(&Complaint::of(&found.listed, call.node.now())))
}

async fn log(call: Call) -> Result<Reply, Problem> {
    let by = call.duty_holder()?;
    let LogComplaint { received_at, channel, category, about, incident, checked } = call.body()?;
    texts_must_be_checked(&call, &[("about", about.as_str())], checked == Some(true), "").await?;
    let request = ComplaintRequest { form: None, received_at, channel, category, about, incident };
    let logged = call.node.log_complaint(&by, request).await?;
    let at = format!("/complaints/{}", logged.id);
    Ok(Reply::made(&LoggedComplaint { id: logged.id, reference: logged.reference }, &at))
}

async fn acknowledge(call: Call) -> Result<Reply, Problem> {
    let by = call.duty_holder()?;
    let AcknowledgeComplaint { at } = call.body()?;
    call.node.acknowledge_complaint(&by, call.id()?, at).await?;
    Ok(Reply::done())
}

async fn note(call: Call) -> Result<Reply, Problem> {
    let by = call.duty_holder()?;
    let NoteComplaint { note, checked } = call.body()?;
    texts_must_be_checked(&call, &[("note", note.as_str())], checked == Some(true), "").await?;
    call.node.note_complaint(&by, call.id()?, note).await?;
    Ok(Reply::done())
}

async fn answer_it(call: Call) -> Result<Reply, Problem> {
    let by = call.duty_holder()?;
    let AnswerComplaint { at, outcome, note, checked } = call.body()?;
    if let Some(note) = &note {
        texts_must_be_checked(&call, &[("note", note.as_str())], checked == Some(true), "").await?;
    }
    call.node.answer_complaint(&by, call.id()?, at, outcome, note).await?;
    Ok(Reply::done())
}

async fn anonymise(call: Call) -> Result<Reply, Problem> {
    call.node.anonymise_complaint(&call.administrator()?, call.id()?).await?;
    Ok(Reply::done())
}

impl Complaint {
    fn of(complaint: &Listed, now: Moment) -> Self {
        Self {
            id: complaint.id,
            reference: complaint.reference.clone(),
            state: match complaint.stage {
                Stage::Received => "Not acknowledged",
                Stage::Acknowledged => "Acknowledged",
                Stage::Answered => "Answered",
                Stage::Anonymised => "Erased",
            },
            received_at: complaint.received_at,
            channel: complaint.channel,
            category: complaint.category,
            incident: complaint.incident,
            acknowledge_by: complaint.acknowledge_by.map(|(alarm, _)| alarm),
            acknowledge_limit_at: complaint.acknowledge_by.map(|(_, limit)| limit),
            promised_acknowledgement_by: complaint.promised_acknowledgement_by,
            promised_answer_by: complaint.promised_answer_by,
            acknowledged_at: complaint.acknowledged_at,
            answered_at: complaint.answered_at,
            outcome: complaint.outcome,
            next_due_at: complaint.next_due,
            overdue: complaint.next_due.is_some_and(|due| due < now),
            notes: complaint.notes,
        }
    }
}
