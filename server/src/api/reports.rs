//! ICO reports: the form's questions answered from the facts, a draft, a recorded submission, a decision that none is
//! required.

pub mod files;

use domain::clock;
use domain::incident::report::{Filed, NewAnswer, Refusal, Sent, WorkedOn};
use domain::report::{
    self, AnswerValue, FormId, OptionText, QuestionId, ReportState, Submission, SubmissionChannel, Written,
};
use domain::values::{Count, CountBasis, IncidentId, Line, LongText, Moment};

use super::call::{Call, Reply};
use super::incidents::state;
use super::operation::{Group, Parameter, get, post, run};
use super::shape::{answer, request};
use crate::access::Scope;
use crate::node::DoorError;
use crate::node::reports::refused;
use crate::problem::{FieldFault, Problem};

/// Names a submitted report.
const NUMBER: Parameter = Parameter { name: "number", about: "Which submitted report: 1 is the first." };
/// Names a file.
const NAME: Parameter = Parameter { name: "name", about: "What the file is called." };

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
            "/incidents/{id}/report/answers",
            "write_report_answers",
            "Write answers, each over the version that was seen: all of them or none",
            run!(write),
        )
        .needs(&[Scope::Respond, Scope::Decide])
        .takes::<WriteAnswers>(),
        post(
            "/incidents/{id}/report/follow-up",
            "open_follow_up_report",
            "Open a report that follows up",
            run!(follow),
        )
        .needs(&[Scope::Respond, Scope::Decide]),
        post(
            "/incidents/{id}/report/form",
            "choose_report_form",
            "Make the report on another form",
            run!(files::choose),
        )
        .needs(&[Scope::Respond, Scope::Decide])
        .takes::<files::ChooseForm>(),
        get(
            "/incidents/{id}/report/proof",
            "get_report_proof",
            "The file that proves a submission",
            run!(files::proof),
        )
        .asks(&[NUMBER])
        .writes("application/octet-stream"),
        post(
            "/incidents/{id}/report/proof",
            "add_report_proof",
            "Add the file that proves a submission: PDF without scripts in plain octets, PNG, JPEG, plain text, DOCX \
             without macros, or a mail whose parts say that they are text, PNG, JPEG, PDF, mail or a delivery report",
            run!(files::add_proof),
        )
        .needs(&[Scope::Respond, Scope::Decide])
        .asks(&[NUMBER, NAME])
        .takes_file(),
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
        /// Which report it is: 1 is the first, 2 the first that follows up.
        number: u32,
        /// Which form it is made on.
        form: &'static str,
        /// SHA-256 of every answer, in base64url: what a signature covers. Signing takes a person with their password, on
        /// the page.
        digest: String,
        /// When these answers were signed off; null while nobody has, or since they changed.
        signed_off_at: Option<Moment>,
        /// Questions whose answer is not what the regulator was told, by id.
        out_of_date: Vec<String>,
        /// Questions still open, by id.
        open_questions: Vec<String>,
        /// What was submitted, oldest first.
        submitted: Vec<SubmittedReport>,
        /// The form.
        sections: Vec<ReportSection>,
    }
}

answer! {
    /// A report that was submitted.
    SubmittedReport {
        /// 1 is the first, 2 the first that follows up.
        number: u32,
        /// The form that it was made on.
        form: String,
        /// When.
        at: Moment,
        /// online_form, email, telephone or post.
        channel: &'static str,
        /// The case reference that the ICO gave.
        ico_reference: Option<Line>,
        /// A data protection officer had signed off what was submitted.
        signed_off: bool,
        /// The name of the file that proves it.
        proof: Option<Line>,
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
        /// Which fact it comes from, or who wrote it.
        from: String,
        /// The version of the written answers; 0 before anybody wrote one.
        version: u32,
        /// The facts have changed since it was written.
        facts_changed: bool,
        /// How sure the wording of the question is: verified, secondary, derived, unverified.
        confidence: &'static str,
    }
}

request! {
    /// Answers to be written.
    WriteAnswers {
        /// The form on which they were read, as `form` of the report says; refused when another one was chosen.
        form: String,
        /// The number of the report that they were read on, as `number` of the report says; refused when another one is
        /// worked on. Versions start anew with a follow-up.
        number: u32,
        /// Each of them.
        answers: Vec<WriteAnswer>,
    }
}

request! {
    /// One answer: a text, options, an instant, a number or that nobody knows yet, as the kind of the question wants it. With
    /// none of them, the facts' own answer stands again; with two, it is refused.
    WriteAnswer {
        /// The question, by id.
        question: Line,
        /// The version that was seen; 0 before anybody wrote one.
        base_version: u32,
        /// A text.
        text: Option<LongText>,
        /// Options of the form, in its words.
        options: Vec<String>,
        /// An instant, or when it began.
        at: Option<Moment>,
        /// When it ended; goes with `at`.
        to: Option<Moment>,
        /// The best present figure, as an estimate.
        number: Option<u32>,
        /// The most that it may be; goes with `number`.
        most: Option<u32>,
        /// Nobody knows yet.
        not_yet_known: Option<bool>,
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
        /// The number of the report that was submitted, as `number` of the report says; refused when another one is worked on.
        number: Option<u32>,
        /// Whether it was the answers as they were signed off, where they have changed since; without it, whether the
        /// signature is older than the submission.
        signed: Option<bool>,
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
    let (about, now) = (call.node.about_us().await?, call.node.now());
    let sheet = report::fill_current(&incident, &about, now);
    let changed = report::out_of_date(&incident, &about, now);
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
        number: sheet.number,
        form: sheet.form.id.as_str(),
        digest: sheet.digest().to_string(),
        signed_off_at: incident.reports.signed_as(&sheet).map(|signed| signed.at),
        out_of_date: changed.into_iter().map(|change| change.question).collect(),
        open_questions: report::gaps(&sheet.sections),
        submitted: incident.reports.filed.iter().map(SubmittedReport::of).collect(),
        sections: sheet.sections.into_iter().map(ReportSection::of).collect(),
    }))
}

impl SubmittedReport {
    fn of(filed: &Filed) -> Self {
        Self {
            number: filed.number,
            form: filed.form.as_str().to_owned(),
            at: filed.submission.at,
            channel: filed.submission.channel.word(),
            ico_reference: filed.submission.ico_reference.clone(),
            signed_off: filed.signed.is_some(),
            proof: filed.proof.as_ref().map(|proof| proof.name.clone()),
        }
    }
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
        Self {
            id: answer.id,
            question: answer.question,
            article: answer.article,
            state,
            text,
            from: answer.from,
            version: answer.version,
            facts_changed: answer.fact_changed,
            confidence: answer.asked.confidence.word(),
        }
    }
}

async fn draft(call: Call) -> Result<Reply, Problem> {
    call.node.draft_report(&call.reporter()?, call.id()?).await?;
    Ok(Reply::done())
}

async fn submission(call: Call) -> Result<Reply, Problem> {
    let by = call.reporter()?;
    let RecordSubmission { at, channel, ico_reference, delay_reasons, proof, number, signed } = call.body()?;
    let submission = Submission { at, channel, ico_reference, delay_reasons, proof };
    call.node.record_submission_with(&by, call.id()?, submission, Sent { number, signed }, None).await?;
    Ok(Reply::done())
}

async fn write(call: Call) -> Result<Reply, Problem> {
    let by = call.reporter()?;
    let WriteAnswers { form, number, answers } = call.body()?;
    let mut faults = Vec::new();
    let form = FormId::parse(&form);
    if form.is_none() {
        faults.push(FieldFault { field: "/form".to_owned(), message: "is not the name of a form".to_owned() });
    }
    let mut new = Vec::with_capacity(answers.len());
    for (at, answer) in answers.into_iter().enumerate() {
        let fault = |member: &str, message: String| FieldFault { field: format!("/answers/{at}{member}"), message };
        let base_version = answer.base_version;
        match (QuestionId::parse(answer.question.as_str()), answer.written()) {
            (Ok(question), Ok(answer)) => new.push(NewAnswer { question, base_version, answer }),
            (Err(error), _) => faults.push(fault("/question", error.to_string())),
            (_, Err((member, message))) => faults.push(fault(member, message.to_owned())),
        }
    }
    let Some(form) = form.filter(|_| faults.is_empty()) else { return Err(Problem::Fields(faults)) };
    let asked: Vec<QuestionId> = new.iter().map(|answer| answer.question.clone()).collect();
    let written = call.node.write_answers(&by, call.id()?, WorkedOn { form, number }, new).await;
    written.map_err(|error| faulty(error, &asked))?;
    Ok(Reply::done())
}

/// Faults of answers, each at the place where it was sent.
fn faulty(error: DoorError, asked: &[QuestionId]) -> Problem {
    let Some(Refusal::Answers(faults)) = refused(&error) else { return error.into() };
    let place = |question: &QuestionId| asked.iter().position(|asked| asked == question).unwrap_or_default();
    let fault = |(question, fault): &(QuestionId, report::Fault)| FieldFault {
        field: format!("/answers/{}", place(question)),
        message: fault.to_string(),
    };
    Problem::Fields(faults.iter().map(fault).collect())
}

impl WriteAnswer {
    /// What it says; else the member that is at fault, and why.
    fn written(self) -> Result<Option<Written>, (&'static str, &'static str)> {
        let said = [
            self.text.is_some(),
            !self.options.is_empty(),
            self.at.is_some(),
            self.number.is_some(),
            self.not_yet_known == Some(true),
        ];
        if said.into_iter().filter(|said| *said).count() > 1 {
            return Err(("", "says two things: give a text, options, an instant, a number or not_yet_known"));
        }
        if self.to.is_some() && self.at.is_none() {
            return Err(("/to", "goes with at"));
        }
        if self.most.is_some() && self.number.is_none() {
            return Err(("/most", "goes with number"));
        }
        if self.not_yet_known == Some(true) {
            return Ok(Some(Written::NotYetKnown));
        }
        if !self.options.is_empty() {
            // What is no text of a form becomes one that is none of its options, and is refused as that.
            let options = self.options.iter().map(|option| OptionText::parse(option).ok()).collect::<Option<Vec<_>>>();
            return Ok(Some(Written::Options { options: options.unwrap_or_default() }));
        }
        if let Some(value) = self.number {
            let count = Count { value, basis: CountBasis::Approximate, max: self.most };
            return Ok(Some(Written::Count { count }));
        }
        if let Some(text) = self.text {
            return Ok(Some(Written::Text { text }));
        }
        let Some(from) = self.at else { return Ok(None) };
        if asked_as(&self.question) == Some(report::Kind::Period) {
            return Ok(Some(Written::Period { from, to: self.to, estimated: false }));
        }
        if self.to.is_some() {
            return Err(("/to", "is for a question about a time that lasted"));
        }
        Ok(Some(Written::Instant { at: from }))
    }
}

/// The kind of a question, on whichever form it stands.
fn asked_as(question: &Line) -> Option<report::Kind> {
    let question = QuestionId::parse(question.as_str()).ok()?;
    report::Form::all().iter().find_map(|form| form.question(&question)).map(|asked| asked.kind)
}

async fn follow(call: Call) -> Result<Reply, Problem> {
    call.node.follow_up(&call.reporter()?, call.id()?).await?;
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
