//! A refused message said again: the same content under a new id.

use super::kit::{acknowledged, notice_message, open, receipt, update};
use crate::exchange::{Event, Exchange, NoticeDelivery, Refusal, Stance, decide, evolve, fold, reissue};
use crate::facts::IncidentKind;
use crate::incident::tests::kit::{AWARE, LOGGED, at, hour, long, responder};

fn opened() -> (Exchange, Vec<Event>) {
    let events = decide(None, &open(Some(1)), at(LOGGED)).unwrap();
    (fold(&events).unwrap(), events)
}

fn queued(events: &[Event]) -> Event {
    events.iter().find(|event| matches!(event, Event::NoticeQueued { .. })).unwrap().clone()
}

/// Aim: the old carrying ends with the reason, the same revision with the same facts is queued under another id, and a
/// receipt for that one proves that the partner was told.
#[test]
fn a_notice_is_said_again_under_another_id() {
    let (exchange, events) = opened();
    let again = reissue(&exchange, &queued(&events), &long("Their node was mended."), &responder(), hour(2)).unwrap();
    let (decided, message) = again;
    assert_ne!(message, notice_message(1));
    let after = decided.iter().fold(Some(exchange), evolve).unwrap();
    let [first, second] = after.notices.as_slice() else { panic!("two messages") };
    assert_eq!((first.delivery.clone(), second.delivery.clone()), (NoticeDelivery::Abandoned, NoticeDelivery::Queued));
    assert_eq!((second.message, second.revision, second.facts_version), (message, 1, first.facts_version));
    let told = crate::exchange::Command::RecordReceipt {
        message,
        toe: hour(3),
        receipt_sha256: crate::values::Digest32::of(b"receipt"),
    };
    let told = decide(Some(&after), &told, hour(3)).unwrap().iter().fold(Some(after), evolve).unwrap();
    assert!(!told.notice_clock.unwrap().is_open());
}

/// Aim: what was delivered, what a newer version replaces, and what is no message of ours are not said again.
#[test]
fn only_the_newest_message_under_way_is_said_again() {
    let (exchange, events) = opened();
    let first = queued(&events);
    let ask = |exchange: &Exchange, event: &Event| {
        reissue(exchange, event, &long("Their node was mended."), &responder(), hour(2)).map(|_| ())
    };
    let after = |exchange: &Exchange, command| {
        decide(Some(exchange), &command, hour(1)).unwrap().iter().fold(Some(exchange.clone()), evolve).unwrap()
    };
    let delivered = after(&exchange, receipt(1, hour(1)));
    assert_eq!(ask(&delivered, &first), Err(Refusal::NoSuchMessage));
    let newer = after(&exchange, update(2, IncidentKind::LikelyToGiveRise, at(AWARE)));
    assert_eq!(ask(&newer, &first), Err(Refusal::NoSuchMessage));
    let said = decide(Some(&delivered), &acknowledged(Stance::Assessing, hour(1)), hour(1)).unwrap();
    assert_eq!(ask(&delivered, &said[0]), Err(Refusal::NoSuchMessage));
}
