//! The rules of reports: which command leads to which changes, and which is refused.

use super::{ANSWERS_MAX, Change, Command, NewAnswer, Proof, REPORTS_MAX, Refusal, Sent, SignOff, VERSIONS_MAX};
use crate::incident::{self, Event, Incident, Stage, duties, ico};
use crate::personal_data::Known;
use crate::report::{
    self, About, AnswerValue, Fault, Form, FrozenAnswer, QuestionId, ReportState, Sheet, Source, Submission,
};
use crate::undated::UndatedDuty;
use crate::values::{Actor, Digest32, LongText, Moment};

/// What a command about reports comes to.
pub(in crate::incident) fn decide(
    incident: &Incident,
    command: &Command,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Event>, incident::Refusal> {
    match incident.stage {
        Stage::Held | Stage::Active | Stage::Withdrawn { .. } => {}
        Stage::Closed | Stage::Anonymised => {
            return Err(incident::Refusal::NotOpen { stage: incident.stage.word() });
        }
    }
    ico::must_be_reporter(by)?;
    let events = |changes: Vec<Change>| {
        changes.into_iter().map(|change| Event::Report { change, at: now, by: by.clone() }).collect::<Vec<_>>()
    };
    match command {
        Command::ChooseForm { form } => {
            let mut all = opened(incident, by, now)?;
            if incident.reports.form == *form {
                return Err(incident::Refusal::NothingChanges);
            }
            all.extend(events(vec![Change::FormChosen { form: form.clone() }]));
            Ok(all)
        }
        Command::Write { on, answers, about } => {
            if *on != incident.reports.worked_on() {
                return Err(Refusal::AnotherReport.into());
            }
            let mut all = opened(incident, by, now)?;
            all.extend(events(write(incident, answers, about, by, now)?));
            Ok(all)
        }
        Command::Accept { question, seen, reason, about } => {
            let mut all = opened(incident, by, now)?;
            let sheet = report::fill_current(incident, about, now);
            let text = sheet.answer(question).and_then(|answer| match &answer.value {
                AnswerValue::Given(text) => Some(Digest32::of(text.as_bytes())),
                AnswerValue::Instant(_)
                | AnswerValue::Period { .. }
                | AnswerValue::NotYetKnown(_)
                | AnswerValue::Missing(_)
                | AnswerValue::DoesNotApply(_) => None,
            });
            let text = text.filter(|text| text == seen).ok_or(Refusal::NoSuchText)?;
            let (question, reason) = (question.clone(), reason.clone());
            all.extend(events(vec![Change::WarningAccepted { question, text, reason }]));
            Ok(all)
        }
        Command::SignOff { seen, about, own_contacts, names } => {
            ico::must_be_dpo(by)?;
            let mut all = opened(incident, by, now)?;
            all.extend(events(vec![sign_off(incident, *seen, about, &Known { own_contacts, names }, now)?]));
            Ok(all)
        }
        Command::File { submission, proof, sent, about } => {
            let (mut all, filed) = file(incident, (submission, proof.as_ref()), *sent, about, by, now)?;
            all.extend(events(vec![filed]));
            Ok(all)
        }
        Command::AddProof { number, proof } => {
            let filed = incident.reports.filed(*number).ok_or(Refusal::NoSuchReport)?;
            if filed.proof.is_some() {
                return Err(Refusal::HasProof.into());
            }
            Ok(events(vec![Change::ProofAdded { number: *number, proof: proof.clone() }]))
        }
        Command::FollowUp => Ok(events(vec![follow_up(incident)?])),
    }
}

/// Refuses what was submitted or is not required; opens the draft that nobody opened yet.
fn opened(incident: &Incident, by: &Actor, now: Moment) -> Result<Vec<Event>, Refusal> {
    if incident.report_is_filed() {
        return Err(Refusal::Submitted);
    }
    match incident.report {
        ReportState::None => Ok(vec![ico::drafted(incident, by.clone(), now)]),
        ReportState::Draft { .. } | ReportState::Submitted { .. } => Ok(Vec::new()),
        ReportState::NotRequired { .. } => Err(Refusal::NoDraft),
    }
}

fn write(
    incident: &Incident,
    answers: &[NewAnswer],
    about: &About,
    by: &Actor,
    now: Moment,
) -> Result<Vec<Change>, incident::Refusal> {
    if answers.len() > ANSWERS_MAX {
        return Err(Refusal::TooMany.into());
    }
    let sheet = report::fill_current(incident, about, now);
    let (mut changes, mut faults, mut stale) = (Vec::new(), Vec::new(), Vec::new());
    for NewAnswer { question, base_version, answer } in answers {
        let Some(found) = sheet.answer(question) else {
            faults.push((question.clone(), Fault::NoSuchQuestion));
            continue;
        };
        if found.version != *base_version {
            stale.push(question.clone());
            continue;
        }
        if found.written == *answer {
            continue;
        }
        let many = incident.reports.answers.get(question).map_or(0, Vec::len);
        // Else a first report could pass for a follow-up, which is asked for no reasons for a delay.
        if found.asked.source == Source::ReportType && answer.is_some() {
            faults.push((question.clone(), Fault::OfTheRecord));
            continue;
        }
        let often = (answer.is_some() && many >= VERSIONS_MAX).then_some(Fault::TooOften(VERSIONS_MAX));
        if let Some(fault) = often.or_else(|| answer.as_ref().and_then(|it| it.fault(found.asked, now))) {
            faults.push((question.clone(), fault));
            continue;
        }
        changes.push(Change::AnswerWritten {
            question: question.clone(),
            version: found.version.saturating_add(1),
            base_version: *base_version,
            answer: answer.clone(),
            fact: report::value_digest(&found.fact),
        });
    }
    if !stale.is_empty() {
        return Err(Refusal::Stale(stale).into());
    }
    if faults.is_empty() {
        faults.extend(disordered(incident, &changes, about, by, now));
    }
    if !faults.is_empty() {
        return Err(Refusal::Answers(faults).into());
    }
    if changes.is_empty() { Err(incident::Refusal::NothingChanges) } else { Ok(changes) }
}

/// An instant that these answers would put before another one.
fn disordered(
    incident: &Incident,
    changes: &[Change],
    about: &About,
    by: &Actor,
    now: Moment,
) -> Option<(QuestionId, Fault)> {
    let mut after = incident.clone();
    for change in changes {
        after.reports.apply(change, now, by);
    }
    let sheet = report::fill_current(&after, about, now);
    let (question, fault) = report::in_order(&sheet)?;
    let written = |id: &QuestionId| {
        changes.iter().any(|change| matches!(change, Change::AnswerWritten { question, .. } if question == id))
    };
    // Named where a person is writing: at the one, or at the other.
    let bound = question.not_before.as_ref().filter(|bound| written(bound));
    let at = if written(&question.id) { Some(&question.id) } else { bound };
    at.map(|at| (at.clone(), fault))
}

fn sign_off(
    incident: &Incident,
    seen: Digest32,
    about: &About,
    known: &Known<'_>,
    now: Moment,
) -> Result<Change, Refusal> {
    let sheet = report::fill_current(incident, about, now);
    let reports = &incident.reports;
    if let Some(first) = reports.signed_as(&sheet) {
        let by = match &first.by {
            Actor::Person { name, .. } => Some(name.clone()),
            Actor::Console | Actor::Node | Actor::Partner { .. } => None,
        };
        return Err(by.map_or(Refusal::Changed, |by| Refusal::AlreadySigned { by, at: first.at }));
    }
    let missing = report::missing_required(&sheet);
    if !missing.is_empty() {
        return Err(Refusal::Missing(missing.into_iter().map(|answer| answer.question.clone()).collect()));
    }
    if let Some((question, fault)) = report::in_order(&sheet) {
        return Err(Refusal::OutOfOrder { question: question.label.clone(), fault });
    }
    let unchecked: Vec<String> = unchecked(incident, &sheet, known).into_iter().map(|warning| warning.asked).collect();
    if !unchecked.is_empty() {
        return Err(Refusal::Unchecked(unchecked));
    }
    let digest = sheet.digest();
    if digest != seen {
        return Err(Refusal::Changed);
    }
    let version = reports.sign_offs.saturating_add(1);
    Ok(Change::SignedOff { number: sheet.number, version, digest, answers: sheet.frozen() })
}

/// Texts that look like personal data and of which nobody said why they may stay as they are.
#[must_use]
pub fn unchecked(incident: &Incident, sheet: &Sheet, known: &Known<'_>) -> Vec<report::Warning> {
    let accepted = |warning: &report::Warning| {
        incident.reports.accepted.get(&warning.question).is_some_and(|accepted| accepted.text == warning.digest())
    };
    let warnings = report::warnings(sheet, known).into_iter();
    warnings.filter(|warning| warning.is_serious() && !accepted(warning)).collect()
}

/// The first report is recorded under the rules of its clock; one that follows up has its own instant and reference. What
/// was done is recorded whether or not somebody signed it off: the record says which. The answers are those of the instant
/// of the submission, as near as the record knows them, not of its recording.
fn file(
    incident: &Incident,
    (submission, proof): (&Submission, Option<&Proof>),
    sent: Sent,
    about: &About,
    by: &Actor,
    now: Moment,
) -> Result<(Vec<Event>, Change), incident::Refusal> {
    let reports = &incident.reports;
    let number = reports.number();
    if sent.number.is_some_and(|seen| seen != number) {
        return Err(Refusal::AnotherReport.into());
    }
    if reports.filed.len() >= REPORTS_MAX {
        return Err(Refusal::TooMany.into());
    }
    let sheet = report::fill_current(incident, about, submission.at.min(now));
    let signature = sent_as_signed(incident, &sheet, sent, submission.at)?;
    let (signed, answers) =
        signature.map_or_else(|| (None, sheet.frozen()), |signed| (Some(signed.version), signed.answers.clone()));
    let mut submission = submission.clone();
    if submission.delay_reasons.is_none() {
        submission.delay_reasons = reasons(&sheet, &answers);
    }
    let first = if number == 1 {
        ico::record_submission(incident, &submission, by, now)?
    } else {
        follows(incident, &submission, now)?;
        followed_up(incident, &submission, by, now)
    };
    let (form, proof) = (reports.form.clone(), proof.cloned());
    Ok((first, Change::Filed { number, form, submission, signed, answers, proof }))
}

/// The signature over the answers that were submitted.
fn sent_as_signed<'a>(
    incident: &'a Incident,
    sheet: &Sheet,
    sent: Sent,
    at: Moment,
) -> Result<Option<&'a SignOff>, Refusal> {
    let reports = &incident.reports;
    let same = reports.signed_as(sheet);
    match sent.signed {
        Some(true) => reports.signed_at(at).or_else(|| reports.signed_last()).map(Some).ok_or(Refusal::NotSigned),
        Some(false) => Ok(same),
        None => Ok(same.or_else(|| reports.signed_at(at))),
    }
}

/// The reasons for the delay that a person wrote in the answers that were sent.
fn reasons(sheet: &Sheet, answers: &[FrozenAnswer]) -> Option<LongText> {
    let delay = sheet.answers().find(|answer| answer.asked.source == Source::DelayReason)?;
    let sent = answers.iter().find(|answer| answer.question == delay.id)?;
    let AnswerValue::Given(text) = &sent.value else { return None };
    LongText::stored(text).ok()
}

fn follows(incident: &Incident, submission: &Submission, now: Moment) -> Result<(), incident::Refusal> {
    if incident.report_is_filed() {
        return Err(incident::Refusal::AlreadySubmitted);
    }
    if submission.at > now {
        return Err(incident::Refusal::SubmissionTime);
    }
    let earlier = incident.reports.filed.last().map(|filed| filed.submission.at);
    let first = match &incident.report {
        ReportState::Submitted { submission } => Some(submission.at),
        ReportState::None | ReportState::Draft { .. } | ReportState::NotRequired { .. } => None,
    };
    if earlier.or(first).is_some_and(|earlier| submission.at < earlier) {
        return Err(Refusal::BeforeEarlier.into());
    }
    Ok(())
}

/// The duty to follow up ends with a report that leaves nothing out; one that does leaves it owed.
fn followed_up(incident: &Incident, submission: &Submission, by: &Actor, now: Moment) -> Vec<Event> {
    if ico::leaves_out(incident) {
        return Vec::new();
    }
    duties::done(incident, UndatedDuty::FollowUp, submission.at, by, now)
}

fn follow_up(incident: &Incident) -> Result<Change, Refusal> {
    if !incident.report_is_filed() {
        return Err(Refusal::NothingToFollow);
    }
    let reports = &incident.reports;
    if reports.filed.len() >= REPORTS_MAX {
        return Err(Refusal::TooMany);
    }
    let form = Form::of(&reports.form);
    let anew = form.questions().filter(|question| question.source.is_of_one_report());
    let starts_anew =
        anew.map(|question| question.id.clone()).filter(|question| reports.answers.contains_key(question)).collect();
    Ok(Change::FollowUpOpened { number: reports.number().saturating_add(1), starts_anew })
}
