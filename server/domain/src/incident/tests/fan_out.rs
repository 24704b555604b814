use super::kit::*;
use crate::arrangement::Trigger;
use crate::clock::Anchor;
use crate::exchange;
use crate::facts::IncidentKind;
use crate::incident::{Command, Event, FAN_OUT_CHUNK, FanOutWork, Log, Refusal, Stage};
use crate::values::ExchangeId;

fn opened(ask: &(ExchangeId, exchange::Command)) -> &exchange::Open {
    match &ask.1 {
        exchange::Command::Open(open) => open,
        other => panic!("{other:?}"),
    }
}

/// Terms for breaches only start with awareness of the breach, also when the circumstances were known earlier; others start
/// with those.
#[test]
fn the_trigger_of_the_terms_anchors_the_clock() {
    let mut log = log(IncidentKind::Breach, 2);
    log.awareness.circumstances = Some(at(AWARE).plus_seconds(-3_600));
    log.owed[1].terms.trigger = Trigger::BreachOnly;
    let mut story = Story::logged(log);
    let asks = story.advance_all();
    let earlier = (Anchor::AwareOfCircumstances, at(AWARE).plus_seconds(-3_600));
    let anchors: Vec<_> = asks.iter().map(opened).map(|open| (open.anchor, open.anchored_at)).collect();
    assert_eq!(anchors, [earlier, (Anchor::AwareOfBreach, at(AWARE))]);
}

/// Every owed partner is opened once, in order, in chunks of at most the limit.
#[test]
fn opening_goes_in_chunks() {
    let mut story = Story::logged(log(IncidentKind::Breach, 601));
    let mut asked = Vec::new();
    for chunk in (0..601).collect::<Vec<u32>>().chunks(FAN_OUT_CHUNK) {
        let done = chunk.last().unwrap() + 1;
        let finished = done == 601;
        let decision = story.run(&Command::Advance, at(LOGGED));
        assert!(decision.asks.len() <= FAN_OUT_CHUNK);
        assert_eq!(decision.events, [Event::FanOutAdvanced { done, finished }]);
        asked.extend(decision.asks);
    }
    let all: Vec<ExchangeId> = (0..601).map(exchange_id).collect();
    assert_eq!(asked.iter().map(|(exchange, _)| *exchange).collect::<Vec<_>>(), all);
    let first = opened(&asked[0]);
    assert_eq!((first.anchor, first.anchored_at, first.queue), (Anchor::AwareOfBreach, at(AWARE), Some(1)));
    assert_eq!(story.refused(&Command::Advance, at(LOGGED)), Refusal::NothingChanges);
}

/// Facts edited between two chunks stay unsent until somebody sends them.
#[test]
fn an_edit_between_chunks_is_not_sent() {
    let mut story = Story::logged(log(IncidentKind::Breach, FAN_OUT_CHUNK + 1));
    story.run(&Command::Advance, at(LOGGED));
    story.run(&Command::UpdateFacts { base_version: 1, facts: newer_facts("More."), by: responder() }, at(LOGGED));
    assert_eq!(opened(&story.run(&Command::Advance, at(LOGGED)).asks[0]).queue, Some(1));
}

/// Held exchanges open with running clocks and no notice; releasing queues the facts as they stand then.
#[test]
fn release_queues_the_held_notices() {
    let mut story = Story::logged(Log { hold: true, ..log(IncidentKind::LikelyToGiveRise, 2) });
    assert_eq!(opened(&story.run(&Command::Advance, at(LOGGED)).asks[1]).queue, None);
    story.run(&Command::UpdateFacts { base_version: 1, facts: newer_facts("More."), by: responder() }, at(LOGGED));
    assert_eq!(story.refused(&Command::SendUpdate { by: responder() }, at(LOGGED)), Refusal::NothingToSend);
    story.run(&Command::Release { by: responder() }, at(LOGGED));
    assert_eq!((story.incident().stage.clone(), story.incident().sent_version), (Stage::Active, 2));
    let asks = story.advance_all();
    let queue = exchange::Command::Queue { facts_version: 2, kind: IncidentKind::LikelyToGiveRise };
    assert_eq!(asks, [(exchange_id(0), queue.clone()), (exchange_id(1), queue)]);
    assert_eq!(story.refused(&Command::Release { by: responder() }, at(LOGGED)), Refusal::NotHeld);
}

/// An update goes to all owed partners, and only when there is something newer.
#[test]
fn an_update_reaches_everybody_once() {
    let mut story = Story::breach(2);
    let send = Command::SendUpdate { by: responder() };
    assert_eq!(story.refused(&send, hour(2)), Refusal::NothingToSend);
    story.run(&Command::UpdateFacts { base_version: 1, facts: newer_facts("More."), by: responder() }, hour(2));
    story.run(&send, hour(2));
    assert_eq!(story.refused(&send, hour(2)), Refusal::NothingToSend);
    let update = FanOutWork::Update { facts_version: 2, anchor_reason: None };
    assert_eq!(story.incident().fan_outs[0].work, update);
    let asks = story.advance_all();
    assert_eq!(asks.len(), 2);
    assert!(asks.iter().all(|(_, ask)| matches!(ask, exchange::Command::Update { facts_version: 2, .. })));
}

/// Nobody owed: nothing to send.
#[test]
fn without_partners_there_is_nothing_to_send() {
    let mut story = Story::breach(0);
    story.run(&Command::UpdateFacts { base_version: 1, facts: newer_facts("More."), by: responder() }, hour(2));
    assert_eq!(story.refused(&Command::SendUpdate { by: responder() }, hour(2)), Refusal::NothingToSend);
}

/// Once the report is submitted, a data protection officer has every partner told, once; so is the one whose notice the
/// incident was opened from.
#[test]
fn a_filing_is_told_to_everybody() {
    let from = ExchangeId::from_uuid(uuid(0x77));
    let mut story = Story::logged(Log { opened_from: Some((from, None)), ..log(IncidentKind::Breach, 251) });
    story.advance_all();
    let tell = |by| Command::TellFiled { by };
    assert_eq!(story.refused(&tell(dpo(1)), hour(4)), Refusal::NotSubmitted);
    story.run(&super::ico::submitted(hour(5)), hour(6));
    assert_eq!(story.refused(&tell(responder()), hour(6)), Refusal::DpoNeeded);
    let decision = story.run(&tell(dpo(1)), hour(6));
    assert_eq!(decision.asks.iter().map(|(exchange, _)| *exchange).collect::<Vec<_>>(), [from]);
    assert!(round_trips(&decision.events[0]));
    let asks = story.advance_all();
    assert_eq!(asks.len(), 251);
    for (_, ask) in &asks {
        let exchange::Command::TellFiled { filing, .. } = ask else { panic!("{ask:?}") };
        assert_eq!((filing.authority.as_str(), filing.at), ("ICO", hour(5)));
    }
    assert_eq!(story.refused(&tell(dpo(1)), hour(7)), Refusal::NothingChanges);
}

/// While notices are held back nobody knows of the case: a filing is told after they went, not lost on them.
#[test]
fn a_filing_is_not_told_while_notices_are_held() {
    let mut story = Story::held(3);
    story.run(&super::ico::submitted(hour(5)), hour(6));
    let tell = Command::TellFiled { by: dpo(1) };
    assert_eq!(story.refused(&tell, hour(6)), Refusal::NotOpen { stage: "held" });
    story.run(&Command::Release { by: responder() }, hour(7));
    story.advance_all();
    story.run(&tell, hour(8));
    assert_eq!(story.advance_all().len(), 3);
}
