use super::kit::*;
use crate::exchange::{Command, Event, Filing, HearFiled, NoticeDelivery, Refusal};
use crate::facts::IncidentKind;
use crate::incident::tests::kit::*;
use crate::values::{Digest32, MessageId, Moment};

fn filing(at: Moment) -> Filing {
    Filing { authority: line("ICO"), at, reference: Some(line("IC-12345")) }
}

fn tell(at: Moment) -> Command {
    Command::TellFiled { filing: Box::new(filing(at)), by: dpo(1) }
}

/// Told once for each filing, carried until receipted; said again by a fan-out after a crash, it is nothing new.
#[test]
fn a_filing_is_told_once() {
    let mut story = Stream::queued();
    assert_eq!(story.refused(&tell(hour(9)), hour(8)), Refusal::InFuture);
    let events = story.run(&tell(hour(7)), hour(8));
    let Event::FiledQueued { message, .. } = events[0] else { panic!("{events:?}") };
    assert_eq!(story.run(&tell(hour(7)), hour(8)), []);
    let receipt = Command::RecordReceipt { message, toe: hour(8), receipt_sha256: Digest32::of(b"receipt") };
    assert_eq!(story.run(&receipt, hour(8)).len(), 1);
    assert_eq!(story.exchange().filings[0].delivery, Some(NoticeDelivery::Receipted { at: hour(8) }));
    assert!(story.exchange().notice_clock.as_ref().unwrap().is_open(), "a filing tells no notice");
    assert_eq!(story.run(&tell(hour(20)), hour(21)).len(), 1, "a follow-up is another one");
}

/// Who was told nothing hears nothing of a filing either.
#[test]
fn a_held_notice_has_no_filing() {
    let mut story = Stream::held();
    assert_eq!(story.run(&tell(hour(2)), hour(3)), []);
}

/// Their filing is on the record and ends no duty of ours.
#[test]
fn their_filing_ends_nothing() {
    let mut story = Stream::received(IncidentKind::Breach);
    let heard = |exercise| {
        let message = MessageId::from_uuid(uuid(0x88));
        Command::HearFiled(Box::new(HearFiled { message, filing: filing(hour(4)), exercise }))
    };
    assert_eq!(story.refused(&heard(true), hour(5)), Refusal::ExerciseChanged);
    story.run(&heard(false), hour(5));
    assert_eq!(story.refused(&heard(false), hour(5)), Refusal::NothingChanges);
    assert!(story.exchange().ico_clock.as_ref().unwrap().is_open());
    assert_eq!(story.exchange().filings[0].delivery, None);
}
