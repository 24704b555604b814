use super::kit::*;
use crate::clock::{Anchor, ClockState, Evidence};
use crate::exchange::{
    Asked, Command, Event, Hear, MESSAGES_MAX, MessageKind, NoticeDelivery, Refusal, Said, Say, decide, evolve,
    next_check,
};
use crate::facts::IncidentKind;
use crate::incident::WithdrawalReason;
use crate::incident::tests::kit::*;
use crate::ladder::Plans;
use crate::values::{Actor, Digest32, IncidentId, MessageId, Moment};

pub(super) const HELP: MessageKind = MessageKind::AssistanceRequest;

fn ours(kind: MessageKind, re: Option<MessageId>, due: Option<Moment>) -> Say {
    let text = long("Please send the access logs.");
    Say { kind, text, re, due, received_at: None, by: responder(), role: line("responder") }
}

pub(super) fn say(kind: MessageKind, re: Option<MessageId>, due: Option<Moment>) -> Command {
    Command::Say(Box::new(ours(kind, re, due)))
}

pub(super) fn their_id(n: u128) -> MessageId {
    MessageId::from_uuid(uuid(0x5000 + n))
}

fn theirs(n: u128, kind: MessageKind, re: Option<MessageId>, due: Option<Moment>, at: Moment) -> Hear {
    Hear {
        said: Said {
            message: their_id(n),
            kind,
            text: long("Which mailbox was it?"),
            re,
            due,
            received_at: None,
            name: line("R. Example"),
            role: line("analyst"),
            at,
        },
        exercise: false,
    }
}

pub(super) fn hear(n: u128, kind: MessageKind, re: Option<MessageId>, due: Option<Moment>, at: Moment) -> Command {
    Command::Hear(Box::new(theirs(n, kind, re, due, at)))
}

/// A request of theirs for help by an instant.
pub(super) fn theirs_due(n: u128, due: Moment) -> Command {
    hear(n, HELP, None, Some(due), at(LOGGED))
}

/// Our answer to it.
pub(super) fn answering(n: u128) -> Command {
    say(MessageKind::Answer, Some(their_id(n)), None)
}

fn asked(story: &Stream) -> &Asked {
    story.exchange().asked.last().unwrap()
}

pub(super) fn our_message(n: u32) -> MessageId {
    MessageId::derive(exchange_id(0), "message", n)
}

/// We ask, the clock is theirs; their answer meets it at the instant at which they gave it.
#[test]
fn help_asked_and_answered() {
    let mut story = Stream::queued();
    story.run(&say(HELP, None, Some(hour(10))), hour(2));
    assert_eq!((asked(&story).clock.anchor, asked(&story).clock.due()), (Anchor::AskedByUs, hour(10)));
    assert!(!asked(&story).is_our_duty());
    assert_eq!(story.exchange().said[0].delivery, Some(NoticeDelivery::Queued));
    let receipt = Command::RecordReceipt { message: our_message(1), toe: hour(3), receipt_sha256: Digest32::of(b"r") };
    assert_eq!(story.run(&receipt, hour(3)).len(), 1, "a receipt for a message tells no notice");
    story.run(&tick(), hour(11));
    assert_eq!(asked(&story).clock.state, ClockState::Overdue);
    story.run(&hear(1, MessageKind::Answer, Some(our_message(1)), None, hour(9)), hour(12));
    let met = ClockState::Met { at: hour(9), evidence: Evidence::Answer, proved_late: true };
    assert_eq!(asked(&story).clock.state, met);
    assert_eq!(story.exchange().unread(), 1);
    story.run(&Command::ReadMessage { message: their_id(1), by: responder() }, hour(13));
    let again = Command::ReadMessage { message: their_id(1), by: responder() };
    assert_eq!(story.refused(&again, hour(14)), Refusal::NothingChanges);
    let nobody = Command::ReadMessage { message: their_id(2), by: responder() };
    assert_eq!(story.refused(&nobody, hour(14)), Refusal::UnknownMessage);
}

/// Aim: an instant that can't be meant ends no clock in the past: an answer from before what it answers, or from after
/// now, counts from when it was heard. What two clocks may differ is forgiven.
#[test]
fn an_answer_with_a_made_up_instant_counts_from_when_it_was_heard() {
    let second = |hours, seconds| hour(hours).plus_seconds(seconds);
    let answered = |said_at| {
        let mut story = Stream::queued();
        story.run(&say(HELP, None, Some(hour(10))), hour(2));
        story.run(&hear(1, MessageKind::Answer, Some(our_message(1)), None, said_at), hour(12));
        asked(&story).clock.state.clone()
    };
    let late = |at| ClockState::MetLate { at, evidence: Evidence::Answer };
    let met = |at| ClockState::Met { at, evidence: Evidence::Answer, proved_late: false };
    assert_eq!(answered(second(2, -301)), late(hour(12)), "before the request");
    assert_eq!(answered(hour(-20_000)), late(hour(12)));
    assert_eq!(answered(second(2, -300)), met(hour(2)), "a slow clock");
    assert_eq!(answered(hour(9)), met(hour(9)));
    assert_eq!(answered(second(12, 300)), late(hour(12)), "a fast clock");
    assert_eq!(answered(second(12, 301)), late(hour(12)));
}

/// They ask, the clock is ours, with a ladder while no incident has it; our answer meets it and counts as reading.
#[test]
fn help_asked_of_us() {
    let mut story = Stream::received(IncidentKind::LikelyToGiveRise);
    story.run(&hear(1, HELP, None, Some(hour(10)), hour(4)), hour(5));
    assert_eq!((asked(&story).clock.anchor, asked(&story).clock.anchored_at), (Anchor::AskedOfUs, hour(4)));
    assert_eq!(
        next_check(story.exchange(), &Plans::default()),
        Some(hour(8)),
        "the first step after the request: two hours before"
    );
    let events = story.run(&tick(), hour(8));
    assert!(
        matches!(events[..], [Event::StepFired { offset_minutes: -120, due, .. }] if due == hour(10)),
        "{events:?}"
    );
    assert_eq!(story.run(&tick(), hour(8)), []);
    let take = Command::TakeInHand { kind: crate::clock::ClockKind::Assistance, due: hour(10), by: responder() };
    story.run(&take, hour(9));
    assert_eq!(
        next_check(story.exchange(), &Plans::default()),
        Some(Moment::from_micros(hour(10).micros() + 1).unwrap())
    );
    story.run(&say(MessageKind::Answer, Some(their_id(1)), None), hour(10));
    let met = ClockState::Met { at: hour(10), evidence: Evidence::Answer, proved_late: false };
    assert_eq!(asked(&story).clock.state, met);
    assert_eq!((story.exchange().unread(), next_check(story.exchange(), &Plans::default())), (0, None));
}

/// An incident of ours has the ladder from then on; the clock stays with the exchange.
#[test]
fn an_incident_takes_the_ladder_over() {
    let mut story = Stream::received(IncidentKind::LikelyToGiveRise);
    story.run(&hear(1, HELP, None, Some(hour(30)), hour(4)), hour(5));
    story.run(&Command::Link { incident: IncidentId::from_uuid(uuid(5)), by: responder() }, hour(5));
    assert_eq!(story.run(&tick(), hour(20)), []);
    assert_eq!(story.run(&tick(), hour(31)).len(), 1, "lateness only");
    let take = Command::TakeInHand { kind: crate::clock::ClockKind::Assistance, due: hour(30), by: responder() };
    assert_eq!(story.refused(&take, hour(31)), Refusal::NoSuchDuty);
}

/// Bad input of ours, one rule at a time.
#[test]
fn what_we_cannot_say() {
    let story = Stream::queued();
    let now = hour(2);
    let refused = |say: Say| story.refused(&Command::Say(Box::new(say)), now);
    assert_eq!(refused(ours(HELP, None, None)), Refusal::DueMissing);
    assert_eq!(refused(ours(MessageKind::ForwardedRequest, None, None)), Refusal::DueMissing);
    assert_eq!(refused(ours(HELP, None, Some(now))), Refusal::DuePast);
    assert_eq!(refused(ours(HELP, None, Some(hour(9_000)))), Refusal::DueTooFar);
    assert_eq!(refused(ours(MessageKind::View, None, Some(hour(9)))), Refusal::DueWithoutRequest);
    assert_eq!(refused(ours(MessageKind::Answer, None, None)), Refusal::AnswersNothing);
    assert_eq!(refused(ours(MessageKind::Answer, Some(their_id(1)), None)), Refusal::UnknownMessage);
    let mut asking = Stream::queued();
    asking.run(&say(HELP, None, Some(hour(10))), hour(2));
    let own = say(MessageKind::Answer, Some(our_message(1)), None);
    assert_eq!(asking.refused(&own, hour(3)), Refusal::AnswersOurs, "it would end nothing");
    let notice = say(MessageKind::Answer, Some(notice_message(1)), None);
    assert_eq!(asking.refused(&notice, hour(3)), Refusal::AnswersOurs);
    asking.run(&say(MessageKind::Question, Some(our_message(1)), None), hour(3));
    let forwarded = ours(MessageKind::ForwardedRequest, None, Some(hour(9)));
    assert_eq!(refused(forwarded.clone()), Refusal::ReceivedMissing);
    assert_eq!(refused(Say { received_at: Some(hour(3)), ..forwarded }), Refusal::InFuture);
    let asking = ours(MessageKind::Question, None, None);
    assert_eq!(refused(Say { received_at: Some(hour(1)), ..asking.clone() }), Refusal::ReceivedWithoutForwarding);
    assert_eq!(refused(Say { by: Actor::Node, ..asking.clone() }), Refusal::PersonNeeded);
    let held = Stream::held();
    assert_eq!(held.refused(&Command::Say(Box::new(asking)), now), Refusal::NothingTold);
}

/// What a partner says is kept as it came: late, or about a message that is not known here. Only repeats and a changed
/// exercise mark are refused.
#[test]
fn what_they_say_is_kept() {
    let mut story = Stream::received(IncidentKind::LikelyToGiveRise);
    story.run(&hear(1, MessageKind::Answer, Some(their_id(9)), None, hour(4)), hour(5));
    story.run(&hear(2, HELP, None, Some(hour(1)), hour(99)), hour(6));
    assert_eq!(asked(&story).clock.anchored_at, hour(6), "nothing was said after it reached us");
    story.run(&tick(), hour(7));
    assert_eq!(asked(&story).clock.state, ClockState::Overdue);
    story.run(&hear(3, MessageKind::View, None, Some(hour(9)), hour(4)), hour(7));
    assert_eq!(story.exchange().asked.len(), 1, "a view asks nothing");
    assert_eq!(story.refused(&hear(1, HELP, None, None, hour(4)), hour(8)), Refusal::NothingChanges);
    let mut drill = theirs(4, HELP, None, None, hour(4));
    drill.exercise = true;
    assert_eq!(story.refused(&Command::Hear(Box::new(drill)), hour(8)), Refusal::ExerciseChanged);
}

/// A withdrawal ends requests about the notice, with its reason; a data subject's request stands. Talking goes on.
#[test]
fn a_withdrawal_ends_requests_about_the_notice() {
    let mut story = Stream::queued();
    story.run(&say(HELP, None, Some(hour(20))), hour(2));
    let passed_on = Say { received_at: Some(hour(1)), ..ours(MessageKind::ForwardedRequest, None, Some(hour(30))) };
    story.run(&Command::Say(Box::new(passed_on)), hour(2));
    story.run(&withdraw(WithdrawalReason::NotABreach), hour(3));
    let open: Vec<bool> = story.exchange().asked.iter().map(|asked| asked.clock.is_open()).collect();
    assert_eq!(open, [false, true]);
    story.run(&hear(1, MessageKind::Answer, Some(our_message(2)), None, hour(4)), hour(4));
    assert!(!asked(&story).clock.is_open());
}

/// No words survive erasure, neither in the state nor in what survives.
#[test]
fn no_words_survive() {
    let mut story = Stream::queued();
    story.run(&say(HELP, None, Some(hour(10))), hour(2));
    story.run(&hear(1, MessageKind::Answer, Some(our_message(1)), None, hour(3)), hour(3));
    assert!(!format!("{:?}", story.exchange()).contains("access logs"));
    story.run(&withdraw(WithdrawalReason::NotABreach), hour(4));
    let events = story.run(&Command::Anonymise, hour(5));
    let json = serde_json::to_string(&events).unwrap();
    assert!(!json.contains("access logs") && !json.contains("mailbox"), "{json}");
    assert!(json.contains("assistance"), "the duty and how it ended do");
    assert_eq!(story.refused(&hear(2, HELP, None, None, hour(6)), hour(6)), Refusal::Anonymised);
}

/// What the partner still owes us holds erasure up no more than it would if they never answered; what we owe does.
#[test]
fn an_answer_that_never_came_holds_nothing_up() {
    let mut story = Stream::queued();
    story.run(&withdraw(WithdrawalReason::NotABreach), hour(2));
    story.run(&say(HELP, None, Some(hour(10))), hour(2));
    story.run(&Command::Anonymise, hour(5));
    assert!(matches!(asked(&story).clock.state, ClockState::NotRequired { .. }));
    let mut other = Stream::queued();
    other.run(&withdraw(WithdrawalReason::NotABreach), hour(2));
    other.run(&hear(1, HELP, None, Some(hour(10)), hour(3)), hour(3));
    assert_eq!(other.refused(&Command::Anonymise, hour(5)), Refusal::DutyOpen);
}

/// A case holds so many messages each way and no more: theirs never use up our right to answer.
#[test]
fn messages_have_a_limit() {
    let mut state = Stream::queued().state;
    for n in 0..MESSAGES_MAX {
        let command = hear(u128::try_from(n).unwrap(), MessageKind::View, None, None, hour(2));
        for event in decide(state.as_ref(), &command, hour(2)).unwrap() {
            state = evolve(state, &event);
        }
    }
    let another = hear(9_999, MessageKind::View, None, None, hour(2));
    assert_eq!(decide(state.as_ref(), &another, hour(3)), Err(Refusal::TooManyMessages));
    for _ in 0..MESSAGES_MAX {
        for event in decide(state.as_ref(), &say(MessageKind::View, None, None), hour(3)).unwrap() {
            state = evolve(state, &event);
        }
    }
    let another = say(MessageKind::View, None, None);
    assert_eq!(decide(state.as_ref(), &another, hour(3)), Err(Refusal::TooManyMessages));
}

/// "Deleted" is said only when the sender asked for it.
#[test]
fn deletion_is_confirmed_when_asked_for() {
    use crate::exchange::{ReceiveContent, Stance};
    let mut story = Stream::received(IncidentKind::Breach);
    let deleted = || Command::Acknowledge {
        stance: Stance::NotAffected,
        reference: None,
        by: responder(),
        role: line("analyst"),
        deleted: true,
    };
    assert_eq!(story.refused(&deleted(), hour(4)), Refusal::NothingToDelete);
    let withdrawal =
        ReceiveContent::Withdrawal { revision: 2, reason: WithdrawalReason::WrongRecipient, made_at: hour(5) };
    story.run(&receive(2, withdrawal), hour(5));
    story.run(&deleted(), hour(6));
    assert!(story.exchange().acknowledgements[0].deleted);
}
