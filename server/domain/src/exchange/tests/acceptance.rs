use super::kit::*;
use crate::clock::{Anchor, ClockState, Evidence};
use crate::exchange::{Command, Event, NoticeDelivery, Refusal, Stance};
use crate::incident::tests::kit::*;
use crate::values::{MessageId, Moment};

fn accepted(revision: u32, at: Moment) -> Command {
    Command::RecordAcceptance { message: notice_message(revision), at }
}

fn through_link(stance: Stance, at: Moment) -> Command {
    Command::RecordLinkAcknowledgement { acknowledgement: acknowledgement(stance, at), message: notice_message(1) }
}

/// Ruling 6: a 2xx ends the carrying and starts the acknowledgement clock; the duty to tell goes on.
#[test]
fn acceptance_meets_nothing() {
    let mut story = Stream::queued();
    story.run(&accepted(1, hour(2)), hour(2));
    let exchange = story.exchange();
    assert_eq!(exchange.notices[0].delivery, NoticeDelivery::Accepted { at: hour(2) });
    assert!(exchange.notice_clock.as_ref().unwrap().is_open());
    let asked = exchange.acknowledgement_clock.as_ref().unwrap();
    assert_eq!((asked.anchor, asked.anchored_at), (Anchor::Accepted, hour(2)));
    assert_eq!(story.refused(&accepted(1, hour(3)), hour(3)), Refusal::NothingChanges);
    let nothing = Command::RecordAcceptance { message: MessageId::from_uuid(uuid(9)), at: hour(3) };
    assert_eq!(story.refused(&nothing, hour(3)), Refusal::NoSuchMessage);
    let abandon = Command::Abandon { message: notice_message(1), reason: long("No."), by: responder() };
    assert_eq!(story.refused(&abandon, hour(3)), Refusal::NoSuchMessage, "it is not under way");
}

/// A receipt after all proves more, also an earlier instant.
#[test]
fn a_later_receipt_still_counts() {
    let mut story = Stream::queued();
    story.run(&accepted(1, hour(2)), hour(2));
    story.run(&receipt(1, hour(1)), hour(5));
    let exchange = story.exchange();
    assert_eq!(exchange.notices[0].delivery, NoticeDelivery::Receipted { at: hour(1) });
    assert!(matches!(exchange.notice_clock.as_ref().unwrap().state, ClockState::Met { at, .. } if at == hour(1)));
    assert_eq!(exchange.acknowledgement_clock.as_ref().unwrap().anchored_at, hour(1));
    assert_eq!(story.refused(&accepted(1, hour(6)), hour(6)), Refusal::NothingChanges, "a receipt says more");
}

/// An acknowledgement through the link meets both clocks, as recorded and not as signed.
#[test]
fn a_link_acknowledgement_is_recorded() {
    let mut story = Stream::queued();
    story.run(&accepted(1, hour(2)), hour(2));
    let events = story.run(&through_link(Stance::Assessing, hour(3)), hour(3));
    assert!(matches!(&events[0], Event::Acknowledged { acknowledgement, .. } if acknowledgement.by_link));
    let exchange = story.exchange();
    for clock in [&exchange.notice_clock, &exchange.acknowledgement_clock] {
        let state = &clock.as_ref().unwrap().state;
        let met = ClockState::Met { at: hour(3), evidence: Evidence::LinkAcknowledgement, proved_late: false };
        assert_eq!(*state, met);
    }
    assert_eq!(story.refused(&through_link(Stance::Assessing, hour(3)), hour(4)), Refusal::NothingChanges);
}

/// A person may read through the link before the webhook's answer is recorded: the clock it starts is met at once.
#[test]
fn a_link_may_be_used_before_the_acceptance_is_recorded() {
    let mut story = Stream::queued();
    story.run(&through_link(Stance::Affected, hour(3)), hour(3));
    story.run(&accepted(1, hour(2)), hour(4));
    let state = &story.exchange().acknowledgement_clock.as_ref().unwrap().state;
    assert!(matches!(state, ClockState::Met { evidence: Evidence::LinkAcknowledgement, .. }), "{state:?}");
}
