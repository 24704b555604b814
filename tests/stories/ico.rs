//! The ICO clock: two limits, a draft at its first step, a submission, or a decision by two data protection officers.

use std::time::Duration;

use domain::clock::{ClockKind, ClockState, Evidence};
use domain::incident::{Duty, Refusal, Stage};
use domain::report::{ReportState, Submission, SubmissionChannel};
use domain::undated::UndatedDuty;
use domain::values::{IncidentId, Line, LongText, Moment};
use server::node::DoorError;
use tests::facts::first_hour;
use tests::node::{PASSWORD, World, log_request};
use tests::visitor::Visitor;
use tests::{On, both};

both!(
    a_draft_opens_at_the_first_step_and_names_its_gaps,
    a_submission_ends_the_clock,
    after_the_legal_limit_a_delay_needs_reasons,
    not_required_needs_a_second_officer,
    closing_is_refused_while_a_duty_is_open,
    what_can_not_be_told_is_said_beforehand,
);

const HOUR: Duration = Duration::from_secs(3_600);

fn text(text: &str) -> LongText {
    LongText::parse(text).expect("a text")
}

fn submission(at: Moment) -> Submission {
    Submission {
        at,
        channel: SubmissionChannel::OnlineForm,
        ico_reference: Some(Line::parse("IC-000000-X0X0").expect("a reference")),
        delay_reasons: None,
        proof: None,
    }
}

/// 24 hours before the ICO clock is due the node drafts a report, once, with what is not yet known as its gaps.
async fn a_draft_opens_at_the_first_step_and_names_its_gaps(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator, &council]).await;
    world.pass(47 * HOUR);
    world.settle(&[&operator]).await;
    assert_eq!(operator.incident(id).await.report, ReportState::None);
    world.pass(2 * HOUR);
    world.settle(&[&operator]).await;
    let ReportState::Draft { gaps, .. } = operator.incident(id).await.report else { panic!("no draft") };
    assert!(gaps.iter().any(|gap| gap == "data_subjects"), "{gaps:?}");
    assert!(!gaps.iter().any(|gap| gap == "containment"), "what is known is no gap: {gaps:?}");
    let again = operator.node.draft_report(&operator.reporter(), id).await;
    assert!(matches!(again, Err(DoorError::Refused(Refusal::NothingChanges))), "{again:?}");
}

/// A recorded submission meets the clock at its own instant; a second one is refused.
async fn a_submission_ends_the_clock(on: On) {
    let world = World::new(on);
    let (operator, _council) = world.operator_and_council().await;
    let aware_at = world.now();
    let id = operator.log(log_request(first_hour("A mailbox was open"), aware_at)).await;
    world.pass(30 * HOUR);
    for impossible in [aware_at.plus_seconds(-1), world.now().plus_seconds(1)] {
        let refused = operator.node.record_submission(&operator.reporter(), id, submission(impossible)).await;
        assert!(matches!(refused, Err(DoorError::Refused(Refusal::SubmissionTime))), "{refused:?}");
    }
    let at = world.now().plus_seconds(-600);
    operator.node.record_submission(&operator.reporter(), id, submission(at)).await.expect("recorded");
    let clock = operator.incident(id).await.ico.expect("a clock");
    assert_eq!(clock.kind, ClockKind::IcoReport);
    assert_eq!(clock.state, ClockState::Met { at, evidence: Evidence::RecordedSubmission, proved_late: false });
    let again = operator.node.record_submission(&operator.reporter(), id, submission(at)).await;
    assert!(matches!(again, Err(DoorError::Refused(Refusal::AlreadySubmitted))), "{again:?}");
}

/// After 72 hours the clock is overdue; until the legal limit (the next full hour plus 72) no reasons are compulsory,
/// after it they are.
async fn after_the_legal_limit_a_delay_needs_reasons(on: On) {
    let world = World::new(on);
    let (operator, _council) = world.operator_and_council().await;
    let aware_at = world.now().plus_seconds(-600);
    let within = operator.log(log_request(first_hour("A mailbox was open"), aware_at)).await;
    let after = operator.log(log_request(first_hour("Another mailbox was open"), aware_at)).await;
    world.pass(72 * HOUR - HOUR / 12);
    world.settle(&[&operator]).await;
    let clock = operator.incident(within).await.ico.expect("a clock");
    assert_eq!(clock.state, ClockState::Overdue);
    assert!(world.now() > clock.due() && world.now() < clock.legal_limit().expect("the statute's limit"));
    operator.node.record_submission(&operator.reporter(), within, submission(world.now())).await.expect("recorded");
    let met = operator.incident(within).await.ico.expect("a clock");
    assert!(matches!(met.state, ClockState::MetLate { .. }), "after 72 hours is late, within the legal limit or not");

    world.pass(2 * HOUR);
    let mut late = submission(world.now());
    let bare = operator.node.record_submission(&operator.reporter(), after, late.clone()).await;
    assert!(matches!(bare, Err(DoorError::Refused(Refusal::DelayReasonMissing))), "{bare:?}");
    late.delay_reasons = Some(text("The extent was not clear before."));
    operator.node.record_submission(&operator.reporter(), after, late).await.expect("recorded");
}

/// *Not required* is proposed by one data protection officer and approved by another; only then does the clock end.
async fn not_required_needs_a_second_officer(on: On) {
    let world = World::new(on);
    let (operator, _council) = world.operator_and_council().await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let (first, second) = (operator.dpo(), operator.second_dpo());
    operator.node.propose_not_required(&first, id, text("A risk to people is unlikely.")).await.expect("proposed");
    assert_eq!(operator.incident(id).await.ico.expect("a clock").state, ClockState::Running);
    let alone = operator.node.resolve_not_required(&first, id, true).await;
    assert!(matches!(alone, Err(DoorError::Refused(Refusal::SecondPersonNeeded))), "{alone:?}");
    operator.node.resolve_not_required(&second, id, false).await.expect("turned down");
    let gone = operator.node.resolve_not_required(&second, id, true).await;
    assert!(matches!(gone, Err(DoorError::Refused(Refusal::NoSuchProposal))), "{gone:?}");
    operator.node.propose_not_required(&first, id, text("A risk to people is unlikely.")).await.expect("again");
    operator.node.resolve_not_required(&second, id, true).await.expect("approved");
    let incident = operator.incident(id).await;
    assert!(matches!(incident.ico.expect("a clock").state, ClockState::NotRequired { .. }));
    assert!(matches!(incident.report, ReportState::NotRequired { .. }));
}

/// An incident closes only when every duty is decided: the notice, the acknowledgement, the report and what has to follow
/// it.
async fn closing_is_refused_while_a_duty_is_open(on: On) {
    let world = World::new(on);
    let (operator, council) = world.operator_and_council().await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let close = async || operator.node.close(&operator.responder(), id).await;
    assert!(matches!(close().await, Err(DoorError::Refused(Refusal::DutiesOpen { .. }))), "nothing is decided");
    world.settle(&[&operator, &council]).await;
    operator.node.record_submission(&operator.reporter(), id, submission(world.now())).await.expect("recorded");
    operator.tells_nobody(id).await;
    let acknowledgement = Duty::Partners { kind: ClockKind::PartnerAcknowledgement, open: 1 };
    let refused = close().await;
    assert!(
        matches!(&refused, Err(DoorError::Refused(Refusal::DutiesOpen { duties })) if *duties == [Duty::FollowUp, acknowledgement]),
        "nobody has read it: {refused:?}"
    );
    let theirs = council.only_received().await.id;
    let stance = domain::exchange::Stance::NotAffected;
    council.node.acknowledge(&council.responder(), theirs, stance, None).await.expect("acknowledged");
    world.settle(&[&operator, &council]).await;
    let refused = close().await;
    let one =
        matches!(&refused, Err(DoorError::Refused(Refusal::DutiesOpen { duties })) if *duties == [Duty::FollowUp]);
    assert!(one, "the report left something out, which has to follow (Article 33(4))");
    let followed_up = (UndatedDuty::FollowUp, world.now());
    operator.node.record_duty_done(&operator.reporter(), id, followed_up.0, followed_up.1).await.expect("recorded");
    close().await.expect("closed");
    assert_eq!(operator.incident(id).await.stage, Stage::Closed);
}

/// Telling partners of a report is offered only when it can be done; else its page says why not, and nothing is done.
async fn what_can_not_be_told_is_said_beforehand(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let _council = world.scripted(&operator, "Council", 48).await;
    let address = operator.serve();
    let mut person = Visitor::signed_in(address, &operator.email("dpo"), PASSWORD).await;
    let told = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let mut held = log_request(first_hour("Another mailbox was open"), world.now());
    held.hold = true;
    let held = operator.log(held).await;
    cannot_be_told(&mut person, told, "No report to the ICO is recorded yet").await;
    for id in [told, held] {
        let reported = operator.node.record_submission(&operator.reporter(), id, submission(world.now())).await;
        reported.expect("recorded");
    }
    cannot_be_told(&mut person, held, "The notices are held back").await;
    operator.node.tell_filed(&operator.dpo(), told).await.expect("told");
    cannot_be_told(&mut person, told, "They were told already").await;
}

/// The page has the reason and no button, the incident's page no link to it, and who posts all the same is refused.
async fn cannot_be_told(person: &mut Visitor, id: IncidentId, why: &str) {
    let incident = person.get(&format!("/incidents/{id}")).await.text();
    assert!(!incident.contains("Tell partners that we reported it"), "{incident}");
    let path = format!("/incidents/{id}/tell-filed");
    let answer = person.get(&path).await;
    assert!(answer.status == 200 && answer.text().contains(why), "{}", answer.text());
    assert!(!answer.text().contains("Tell them"), "{}", answer.text());
    let refused = person.post(&path, &answer.page().form("Sign out").fields()).await;
    assert!(refused.status == 409 && refused.text().contains(why), "{}", refused.text());
}
