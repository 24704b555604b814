//! The record of an incident in sentences: what happened, who did it, when. One exhaustive match per kind of event, so
//! that a new event does not compile until it has words.

pub(super) mod ladders;

use domain::clock::{Clock, ClockChange, ClockKind, Evidence};
use domain::exchange::{self, CallChannel, Phase};
use domain::incident::{self, AwarenessOf, WithdrawalReason};
use domain::report::{Submission, SubmissionChannel};

use domain::undated::UndatedDuty;
use domain::values::{Actor, Moment, PartnerId};

use super::clock::complaint;
use super::words::{self, Reader, counted};
use super::{assessment, complaints, costs, decision, duties, joint, lessons, standing, telling};
use crate::node::Node;
use crate::store::queries::LoggedEvent;
use crate::store::queries::incidents::{self, Told};

/// One line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: String,
    /// The sentence.
    pub words: String,
}

/// Entries read for one page.
const READ_MAX: usize = 40;

/// A page of the timeline, and the entry to go on before.
///
/// # Errors
/// Those of the store.
pub async fn page(
    node: &Node,
    subject: uuid::Uuid,
    before: Option<u64>,
    reader: Reader,
) -> Result<(Vec<Line>, Option<u64>), crate::problem::Problem> {
    let told = node.store().read(move |rows| incidents::timeline(rows, subject, before, READ_MAX)).await?;
    Ok((lines(&told.items, reader), told.next))
}

/// Entries in sentences; those that say nothing to a person are left out.
#[must_use]
pub fn lines(told: &[Told], reader: Reader) -> Vec<Line> {
    told.iter()
        .filter_map(|told| {
            let whom = told.with.as_ref().map_or("", |(_, name)| name.as_str());
            let words = match &told.entry.entry {
                LoggedEvent::Incident(event) => of_incident(event, &told.named, reader)?,
                LoggedEvent::Exchange(_, event) => of_exchange(event, whom, reader)?,
                LoggedEvent::Complaint(event) => complaints::words(event, reader),
                LoggedEvent::Erased => "An entry whose content was erased".to_owned(),
            };
            Some(Line { at: reader.near(told.entry.at), words })
        })
        .collect()
}

/// "R. Example (responder)", "the node", "the partner".
#[must_use]
pub fn who(actor: &Actor) -> String {
    match actor {
        Actor::Person { name, role, through: None, .. } => format!("{name} ({})", standing::role_words(role.word())),
        Actor::Person { name, role, through: Some(program), .. } => {
            format!("{name} ({}), through {program}", standing::role_words(role.word()))
        }
        Actor::Console => "somebody at the server".to_owned(),
        Actor::Node => "the node".to_owned(),
        Actor::Partner { .. } => "the partner".to_owned(),
    }
}

fn of_incident(event: &incident::Event, named: &[(PartnerId, String)], reader: Reader) -> Option<String> {
    use incident::Event;
    let sentence = match event {
        Event::Logged { owed, held, by, .. } => logged(owed.len(), *held, by),
        Event::ClockStarted { clock } => format!("{} until {}", duty(clock.kind, ""), reader.at(clock.due())),
        Event::ClockChanged { kind, change, .. } => changed(*kind, "", change, reader),
        Event::FanOutStarted { .. }
        | Event::FanOutAdvanced { .. }
        | Event::StepsPassed { .. }
        | Event::LadderEnded { .. } => {
            return None;
        }
        Event::Released { by, .. } => format!("The notices were let go by {}", who(by)),
        Event::FactsUpdated { version, by, .. } => format!("Facts, version {version}, by {}", who(by)),
        Event::CorrectionProposed { proposal, .. } => format!(
            "{} proposed that we became aware {} at {}: {}",
            who(&proposal.by),
            aware_of(proposal.of),
            reader.at(proposal.at),
            proposal.reason
        ),
        Event::CorrectionRefused { by, .. } => format!("{} turned the correction of awareness down", who(by)),
        Event::AwarenessCorrected { of, was, is, reason, by, second, .. } => {
            let second = second.as_ref().map(|second| format!(", confirmed by {}", who(second))).unwrap_or_default();
            // What was due before stays to be seen: it counted from there.
            let was = was.map(|was| format!(" from {}", reader.at(was))).unwrap_or_default();
            format!("Awareness {} corrected{was} to {} by {}{second}: {reason}", aware_of(*of), reader.at(*is), who(by))
        }
        Event::BecameBreach { aware_at, by, .. } => {
            format!("It became a breach: {} recorded that we were aware at {}", who(by), reader.at(*aware_at))
        }
        Event::Withdrawn { reason, note, by, .. } => {
            let note = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            format!("Withdrawn by {} ({}){note}", who(by), withdrawal(*reason))
        }
        Event::StepFired { kind, due, offset_minutes, partners, reached, .. } => {
            step(*kind, *due, *offset_minutes, *partners, reader) + &ladders::reached(reached)
        }
        Event::Ladder { change, by, .. } => ladders::changed(change, by, reader),
        Event::TakenInHand { kind, due, by, .. } => {
            format!("{} took it in hand: {}", who(by), duty_due(*kind, *due, reader))
        }
        Event::ReportDrafted { gaps, by, .. } => drafted(gaps.len(), by),
        Event::ReportSubmitted { submission, by, .. } => submitted(submission, by, reader),
        Event::NotRequiredProposed { proposal } => {
            format!("{} proposed that no report is required: {}", who(&proposal.by), proposal.reason)
        }
        Event::NotRequiredResolved { approved: true, by, .. } => format!("{} approved: no report is required", who(by)),
        Event::NotRequiredResolved { approved: false, by, .. } => {
            format!("{} turned down that no report is required", who(by))
        }
        Event::Telling { change, by, .. } => telling::words::sentence(change, by, reader),
        Event::Lessons { change, by, .. } => lessons::words::sentence(change, by),
        Event::Costs { change, by, .. } => costs::sentence(change, by),
        Event::Assessment { change, by, .. } => assessment::timeline::words(change, by),
        Event::Decision { change, by, .. } => decision::words::line(change, by),
        Event::Closed { by, .. } => format!("Closed by {}", who(by)),
        Event::Report { change, by, .. } => super::report::told::words(change, by, reader),
        Event::Register { change, by, .. } => super::register::words::changed(change, &who(by)),
        Event::Joint { change, by, .. } => joint::words::of_change(change, by, named, reader),
        Event::Duties { change, by, .. } => duties::words(change, by, reader),
        Event::Anonymised { .. } => "Contents erased; codes, counts and instants remain".to_owned(),
    };
    Some(sentence)
}

fn drafted(gaps: usize, by: &Actor) -> String {
    format!("A draft of the ICO report was opened by {}: {} missing", who(by), counted(count(gaps), "fact"))
}

fn submitted(submission: &Submission, by: &Actor, reader: Reader) -> String {
    let (at, how) = (reader.at(submission.at), channel(submission.channel));
    format!("Reported to the ICO at {at} ({how}), recorded by {}", who(by))
}

fn logged(owed: usize, held: bool, by: &Actor) -> String {
    let notices = match (owed, held) {
        (0, _) => "no partner is owed a notice".to_owned(),
        (many, true) => format!("{} held back", counted(count(many), "notice")),
        (many, false) => format!("{} to go out", counted(count(many), "notice")),
    };
    format!("Logged by {}: {notices}", who(by))
}

pub(super) fn step(kind: ClockKind, due: Moment, minutes: i32, partners: u32, reader: Reader) -> String {
    let whom = match partners {
        0 => String::new(),
        many => format!(", {} outstanding", counted(i64::from(many), "partner")),
    };
    format!("Step of the ladder, {}: {}{whom}", offset(minutes), duty_due(kind, due, reader))
}

fn of_exchange(event: &exchange::Event, whom: &str, reader: Reader) -> Option<String> {
    use exchange::Event;
    let sentence = match event {
        Event::Opened { .. } => return None,
        Event::NoticeQueued { notice, .. } => match notice.phase {
            Phase::Initial => format!("Notice to {whom} on its way"),
            Phase::Update | Phase::Final | Phase::Withdrawal => {
                format!("Version {} to {whom} on its way", notice.revision)
            }
        },
        Event::WithdrawalQueued { .. } => format!("Withdrawal to {whom} on its way"),
        Event::WithdrawnUnsent { reason, .. } => {
            format!("Withdrawn before anything was sent to {whom} ({})", withdrawal(*reason))
        }
        Event::Receipted { toe, .. } => {
            format!("Signed receipt from {whom}'s node: held since {}", reader.at_second(*toe))
        }
        Event::ClockStarted { clock } => format!("{} until {}", duty(clock.kind, whom), reader.at(clock.due())),
        Event::ClockChanged { kind, change, .. } => changed(*kind, whom, change, reader),
        Event::Acknowledged { acknowledgement, .. } => {
            let said = standing::they_said(acknowledgement, 0, reader);
            format!("{whom}: {}, {}", said.tag.word(), said.small)
        }
        Event::CallRecorded { call, backdated, by, .. } => {
            let how = match call.how {
                CallChannel::Telephone => "by telephone",
                CallChannel::InPerson => "in person",
            };
            let late = if *backdated { "; recorded later, with a reason" } else { "" };
            format!("{whom} told {how}: {} reached {} at {}{late}", who(by), call.to_whom, reader.at(call.at))
        }
        Event::Abandoned { reason, by, .. } => format!("{} ended the carrying to {whom}: {reason}", who(by)),
        Event::NoticeReceived { version, .. } => format!("Notice received from {whom}, version {}", version.revision),
        Event::WithdrawalReceived { reason, .. } => format!("{whom} withdrew its notice ({})", withdrawal(*reason)),
        Event::AcknowledgementQueued { acknowledgement, by, .. } => {
            format!("{} acknowledged it to {whom}: {}", who(by), acknowledgement.stance.label())
        }
        Event::Linked { by, .. } => format!("{} opened an incident of ours from it", who(by)),
        Event::StepFired { kind, due, offset_minutes, reached, .. } => {
            step(*kind, *due, *offset_minutes, 0, reader) + &ladders::reached(reached)
        }
        Event::Ladder { change, by, .. } => ladders::changed(change, by, reader),
        Event::TakenInHand { kind, due, by, .. } => {
            format!("{} took it in hand: {}", who(by), duty_due(*kind, *due, reader))
        }
        Event::Accepted { accepted_at, .. } => {
            format!("Accepted for {whom} at {}: nothing is signed, nothing is proved", reader.at_second(*accepted_at))
        }
        Event::MessageQueued { said, clock, by, .. } => {
            format!("{} to {whom} by {}{}", said.kind.label(), who(by), until(clock.as_ref(), reader))
        }
        Event::MessageReceived { said, clock, .. } => {
            format!("{} from {whom}: {}{}", said.kind.label(), said.name, until(clock.as_ref(), reader))
        }
        Event::MessageRead { by, .. } => format!("{} read a message from {whom}", who(by)),
        Event::AssistanceChanged { change, .. } => changed(ClockKind::Assistance, whom, change, reader),
        Event::FiledQueued { filing, by, .. } => {
            format!("{} tells {whom} that we reported it ({})", who(by), filed(filing, reader))
        }
        Event::FiledReceived { filing, .. } => format!("{whom} reported it ({})", filed(filing, reader)),
        Event::RelianceAccepted { reliance, by, .. } => {
            let (filing, reason) = (filed(&reliance.filing, reader), &reliance.reason);
            format!("{} accepted that we rely on the report of {whom} ({filing}): {reason}", who(by))
        }
        Event::UndatedChanged { change, .. } => duties::changed(UndatedDuty::ControllerTold, whom, change, reader),
        Event::Anonymised { .. } => format!("Contents of what passed with {whom} erased"),
    };
    Some(sentence)
}

/// By when an answer is due, as the end of a sentence.
fn until(clock: Option<&Clock>, reader: Reader) -> String {
    clock.map(|clock| format!("; an answer is due {}", reader.at(clock.due()))).unwrap_or_default()
}

/// "to the ICO at 10:00 …, reference IC-12345".
fn filed(filing: &exchange::Filing, reader: Reader) -> String {
    let reference = filing.reference.as_ref().map(|reference| format!(", reference {reference}")).unwrap_or_default();
    format!("to the {} at {}{reference}", filing.authority, reader.at(filing.at))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What a clock asks for.
fn duty(kind: ClockKind, whom: &str) -> String {
    match kind {
        ClockKind::PartnerNotice => format!("Clock started: tell {whom}"),
        ClockKind::PartnerAcknowledgement => format!("Clock started: have {whom} acknowledge"),
        ClockKind::IcoReport => "Clock started: report to the ICO".to_owned(),
        ClockKind::Assistance => format!("Clock started: the answer to {whom}"),
        ClockKind::PeopleTold => "Our own target: tell the people affected".to_owned(),
        ClockKind::FollowUp => "Our own target: follow the ICO report up".to_owned(),
        ClockKind::ComplaintAcknowledgement
        | ClockKind::ComplaintPromisedAcknowledgement
        | ClockKind::ComplaintPromisedAnswer => format!("Clock started: {}", complaint::in_sentence(kind)),
    }
}

/// A duty with when it is due.
pub(super) fn duty_due(kind: ClockKind, due: Moment, reader: Reader) -> String {
    let duty = match kind {
        ClockKind::PartnerNotice => "tell partners",
        ClockKind::PartnerAcknowledgement => "have partners acknowledge",
        ClockKind::IcoReport => "report to the ICO",
        ClockKind::Assistance => "answer partners' requests",
        ClockKind::PeopleTold => "tell the people affected (our own target)",
        ClockKind::FollowUp => "follow the ICO report up (our own target)",
        ClockKind::ComplaintAcknowledgement
        | ClockKind::ComplaintPromisedAcknowledgement
        | ClockKind::ComplaintPromisedAnswer => complaint::in_sentence(kind),
    };
    format!("{duty}, due {}", reader.near(due))
}

/// "30 minutes before it is due", "at the due instant", "1 hour overdue".
fn offset(minutes: i32) -> String {
    let length = words::length(i64::from(minutes) * 60);
    match minutes {
        0 => "at the due instant".to_owned(),
        ..0 => format!("{length} before it is due"),
        1.. => format!("{length} overdue"),
    }
}

fn changed(kind: ClockKind, whom: &str, change: &ClockChange, reader: Reader) -> String {
    let what = match kind {
        ClockKind::PartnerNotice => format!("Telling {whom}"),
        ClockKind::PartnerAcknowledgement => format!("Acknowledgement by {whom}"),
        ClockKind::IcoReport => "Report to the ICO".to_owned(),
        ClockKind::Assistance => format!("Answer to a request, with {whom}"),
        ClockKind::PeopleTold => "Our own target for telling people".to_owned(),
        ClockKind::FollowUp => "Our own target for following up".to_owned(),
        ClockKind::ComplaintAcknowledgement
        | ClockKind::ComplaintPromisedAcknowledgement
        | ClockKind::ComplaintPromisedAnswer => complaint::in_sentence(kind).to_owned(),
    };
    match change {
        ClockChange::BecameOverdue => format!("{what}: overdue"),
        ClockChange::Met { evidence, late, proved_late, .. } => {
            let state = if *late { "met late" } else { "met" };
            let proved = if *proved_late { ", proved late" } else { "" };
            format!("{what}: {state}{proved} ({})", evidence_words(*evidence))
        }
        ClockChange::Reanchored { at, .. } => format!("{what}: counted anew from {}", reader.at(*at)),
        ClockChange::NotRequired { reason, .. } => format!("{what}: not required ({reason})"),
    }
}

/// What met a duty, in words.
#[must_use]
pub const fn evidence_words(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::SignedReceipt => "signed receipt",
        Evidence::SignedAcknowledgement => "signed acknowledgement",
        Evidence::LinkAcknowledgement => "acknowledged through a link, recorded",
        Evidence::RecordedCall => "recorded call",
        Evidence::RecordedSubmission => "recorded submission",
        Evidence::Answer => "the answer",
        Evidence::RecordedTelling | Evidence::RecordedAcknowledgement => "recorded",
    }
}

const fn aware_of(of: AwarenessOf) -> &'static str {
    match of {
        AwarenessOf::Circumstances => "that a breach was likely",
        AwarenessOf::Breach => "of the breach",
    }
}

/// Why a notice no longer stands.
#[must_use]
pub const fn withdrawal(reason: WithdrawalReason) -> &'static str {
    match reason {
        WithdrawalReason::NotABreach => "it turned out not to be a breach",
        WithdrawalReason::SentInError => "sent in error",
        WithdrawalReason::WrongRecipient => "it reached the wrong partner",
        WithdrawalReason::DuplicateOf => "another case covers it",
    }
}

pub(super) fn channel(channel: SubmissionChannel) -> String {
    channel.label().to_lowercase().replace("ico", "ICO")
}
