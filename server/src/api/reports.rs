//! ICO reports: the form's questions answered from the facts, a draft, a recorded submission, a decision that none is
//! required.

use domain::clock;
use domain::report::{self, AnswerValue, ReportState, Submission, SubmissionChannel};
use domain::values::{IncidentId, Line, LongText, Moment};

use super::call::{Call, Reply};
use super::incidents::state;
use super::operation::{Group, get, post, run};
use super::shape::{answer, request};
use crate::access::Scope;
use crate::problem::Problem;

/// Operations on reports.
pub const GROUP: Group = Group {
    name: "Reports",
    about: "The report to the ICO about an incident (UK GDPR Article 33): due 72 hours after awareness of the breach.",
    operations: &[
        get(
            "/incidents/{id}/report",
            "get_report",
            "The ICO form's questions in its order, answered from the facts",
            run!(one),
        )
        .gives::<Report>(),
        post("/incidents/{id}/report/draft", "open_report_draft", "Open a draft", run!(draft))
            .needs(&[Scope::Respond, Scope::Decide]),
        post(
            "/incidents/{id}/report/submission",
            "record_report_submission",
            "Record that it was submitted",
            run!(submission),
        )
        .needs(&[Scope::Respond, Scope::Decide])
        .takes::<RecordSubmission>(),
        post(
            "/incidents/{id}/report/not-required",
            "propose_report_not_required",
            "Propose that no report is required",
            run!(propose),
        )
        .needs(&[Scope::Decide])
        .takes::<NotRequired>(),
        post(
            "/incidents/{id}/report/resolve",
            "resolve_report_not_required",
            "Another data protection officer approves that, or turns it down",
            run!(resolve),
        )
        .needs(&[Scope::Decide])
        .takes::<ResolveNotRequired>(),
    ],
};

answer! {
    /// A report as it stands.
    Report {
        /// In the words of the pages: No draft yet, Draft, Submitted, Not required.
        state: &'static str,
        /// When it is due; null while no breach is recorded.
        due_at: Option<Moment>,
        /// The statute's limit.
        legal_limit_at: Option<Moment>,
        /// When a draft was opened, it was submitted, or none was found to be required.
        at: Option<Moment>,
        /// The case reference that the ICO gave.
        ico_reference: Option<Line>,
        /// Why it was late, or why none is required.
        reason: Option<LongText>,
        /// Questions still open, by id.
        open_questions: Vec<String>,
        /// The form.
        sections: Vec<ReportSection>,
    }
}

answer! {
    /// One part of the form.
    ReportSection {
        /// Its heading.
        title: String,
        /// Its questions, in order.
        answers: Vec<ReportAnswer>,
    }
}

answer! {
    /// A question with what the facts answer.
    ReportAnswer {
        /// Stable name of the question.
        id: String,
        /// As the form asks it.
        question: String,
        /// The article of the UK GDPR that asks for it.
        article: Option<String>,
        /// given, not_yet_known, missing or does_not_apply.
        state: &'static str,
        /// The text to paste, or why there is none. Instants are RFC 3339 in UTC.
        text: String,
        /// Which fact it comes from.
        from: String,
    }
}

request! {
    /// A submission that a person made.
    RecordSubmission {
        /// When it was submitted.
        at: Moment,
        /// How.
        channel: SubmissionChannel,
        /// The case reference that the ICO gave.
        ico_reference: Option<Line>,
        /// Why it was late; compulsory after the legal limit.
        delay_reasons: Option<LongText>,
        /// Where the proof is kept.
        proof: Option<Line>,
    }
}

request! {
    /// A decision that needs another data protection officer.
    NotRequired {
        /// Why a risk to people is unlikely.
        reason: LongText,
    }
}

request! {
    /// The other officer's word.
    ResolveNotRequired {
        /// Approve it, or turn it down.
        approve: bool,
    }
}

async fn one(call: Call) -> Result<Reply, Problem> {
    let id: IncidentId = call.id()?;
    let incident = state(&call, id).await?;
    let sections = report::sections(&incident, &call.node.about_us().await?, call.node.now());
    let (words, at, ico_reference, reason) = match &incident.report {
        ReportState::None => ("No draft yet", None, None, None),
        ReportState::Draft { opened_at, .. } => ("Draft", Some(*opened_at), None, None),
        ReportState::Submitted { submission } => {
            ("Submitted", Some(submission.at), submission.ico_reference.clone(), submission.delay_reasons.clone())
        }
        ReportState::NotRequired { reason, at, .. } => ("Not required", Some(*at), None, Some(reason.clone())),
    };
    Ok(Reply::one(&Report {
        state: words,
        due_at: incident.ico.as_ref().map(clock::Clock::due),
        legal_limit_at: incident.ico.as_ref().and_then(clock::Clock::legal_limit),
        at,
        ico_reference,
        reason,
        open_questions: report::gaps(&sections),
        sections: sections.into_iter().map(ReportSection::of).collect(),
    }))
}

impl ReportSection {
    fn of(section: report::Section) -> Self {
        Self { title: section.title, answers: section.answers.into_iter().map(ReportAnswer::of).collect() }
    }
}

impl ReportAnswer {
    fn of(answer: report::Answer) -> Self {
        let (state, text) = match answer.value {
            AnswerValue::Given(text) => ("given", text),
            AnswerValue::Instant(at) => ("given", at.to_string()),
            AnswerValue::Period { from, to, estimated } => {
                let about = if estimated { "about " } else { "" };
                let until = to.map(|to| format!(" until {about}{to}")).unwrap_or_default();
                ("given", format!("from {about}{from}{until}"))
            }
            AnswerValue::NotYetKnown(text) => ("not_yet_known", text),
            AnswerValue::Missing(text) => ("missing", text),
            AnswerValue::DoesNotApply(text) => ("does_not_apply", text),
        };
        Self { id: answer.id, question: answer.question, article: answer.article, state, text, from: answer.from }
    }
}

async fn draft(call: Call) -> Result<Reply, Problem> {
    call.node.draft_report(&call.reporter()?, call.id()?).await?;
    Ok(Reply::done())
}

async fn submission(call: Call) -> Result<Reply, Problem> {
    let by = call.reporter()?;
    let RecordSubmission { at, channel, ico_reference, delay_reasons, proof } = call.body()?;
    let submission = Submission { at, channel, ico_reference, delay_reasons, proof };
    call.node.record_submission(&by, call.id()?, submission).await?;
    Ok(Reply::done())
}

async fn propose(call: Call) -> Result<Reply, Problem> {
    let by = call.officer()?;
    let NotRequired { reason } = call.body()?;
    call.node.propose_not_required(&by, call.id()?, reason).await?;
    Ok(Reply::done())
}

async fn resolve(call: Call) -> Result<Reply, Problem> {
    let by = call.officer()?;
    let ResolveNotRequired { approve } = call.body()?;
    call.node.resolve_not_required(&by, call.id()?, approve).await?;
    Ok(Reply::done())
}
