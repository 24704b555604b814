//! A refused message said again: the same content under a new id.

use super::kit::{Stream, acknowledged, notice_message, open, receipt, update};
use super::said::{HELP, hear, say};
use crate::exchange::{
    Command, Event, Exchange, Filing, MessageKind, NoticeDelivery, Refusal, Stance, decide, evolve, fold, reissue,
};
use crate::facts::IncidentKind;
use crate::incident::tests::kit::{AWARE, LOGGED, at, hour, line, long, responder};

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

/// Aim: a refused message about the case is said again in the same words and as of the same instant; the clock of the
/// request goes over to the new message, and the answer to that one meets it.
#[test]
fn a_request_is_asked_again_and_its_clock_goes_over() {
    let mut story = Stream::queued();
    let asked = story.run(&say(HELP, None, Some(hour(10))), hour(2));
    let Event::MessageQueued { said: old, .. } = &asked[0] else { panic!("a message") };
    let (events, new) =
        reissue(story.exchange(), &asked[0], &long("Their node was mended."), &responder(), hour(4)).unwrap();
    let Event::MessageQueued { said, .. } = events.last().unwrap() else { panic!("a message") };
    assert_eq!((said.message, &said.text, said.at, said.due), (new, &old.text, old.at, old.due));
    story.take(&events);
    let open = || story.exchange().asked.iter().filter(|asked| asked.clock.is_open()).map(|asked| asked.request);
    assert_eq!(open().collect::<Vec<_>>(), [new]);
    assert_eq!(story.exchange().said[0].delivery, Some(NoticeDelivery::Abandoned));
    let again = reissue(story.exchange(), &asked[0], &long("Once more."), &responder(), hour(5)).map(|_| ());
    assert_eq!(again, Err(Refusal::NoSuchMessage), "the old one has ended");
    story.run(&hear(1, MessageKind::Answer, Some(new), None, hour(6)), hour(6));
    assert!(story.exchange().asked.iter().all(|asked| !asked.clock.is_open()));
    let more = story.run(&say(MessageKind::View, None, None), hour(7));
    assert!(
        matches!(&more[0], Event::MessageQueued { said, .. } if said.message != new && said.message != old.message)
    );
}

/// Aim: a refused filing is told again under another id; what was told is not told as news once more.
#[test]
fn a_filing_is_told_again() {
    let mut story = Stream::queued();
    let filing = Filing { authority: line("ICO"), at: hour(1), reference: None };
    let tell = Command::TellFiled { filing: Box::new(filing.clone()), by: responder() };
    let told = story.run(&tell, hour(2));
    let (events, new) =
        reissue(story.exchange(), &told[0], &long("Their node was mended."), &responder(), hour(3)).unwrap();
    story.take(&events);
    let stands: Vec<_> = story.exchange().filings.iter().map(|told| (&told.filing, told.delivery.clone())).collect();
    assert_eq!(stands, [(&filing, Some(NoticeDelivery::Abandoned)), (&filing, Some(NoticeDelivery::Queued))]);
    assert_eq!(story.exchange().filings[1].message, new);
    assert_eq!(story.run(&tell, hour(4)), []);
}
