use super::kit::*;
use crate::arrangement::Lead;
use crate::clock::{ClockChange, ClockState};
use crate::exchange::{self, Filing, MessageKind, Say};
use crate::facts::IncidentKind;
use crate::incident::joint::{
    self, Change, Decide, JointDecision, ROUNDS_MAX, Reasons, Refusal as Joint, VIEWS_MAX, Why,
};
use crate::incident::{Command, Event, Log, Refusal};
use crate::reliance::{self, Reliance};
use crate::values::{Actor, Digest32, ExchangeId, MessageId, Moment, PartnerId, Role};

fn joint(command: joint::Command, by: Actor) -> Command {
    Command::Joint { command, by }
}

fn choose(lead: Lead, by: Actor) -> Command {
    joint(joint::Command::ChooseLead { lead, reason: long("They keep the mailbox."), told_by: None }, by)
}

fn ask(due: Option<Moment>, by: Actor) -> Command {
    joint(joint::Command::AskViews { text: long("Is a risk likely?"), due, role: line("dpo") }, by)
}

fn decision() -> Decide {
    Decide {
        reports: Some(Lead::Us),
        tells: Some(Lead::Partner { partner: partner_id(1) }),
        reasons: Reasons::parse("Health data of many people.").unwrap(),
        views: vec![MessageId::from_uuid(uuid(0x99))],
        role: line("dpo"),
        told_by: None,
    }
}

fn decide(decision: Decide, by: Actor) -> Command {
    joint(joint::Command::Decide(Box::new(decision)), by)
}

fn reliance() -> Reliance {
    let filing = Filing { authority: line("ICO"), at: hour(4), reference: Some(line("IC-12345")) };
    Reliance {
        partner: partner_id(0),
        exchange: exchange_id(0),
        message: MessageId::from_uuid(uuid(0x88)),
        set_sha256: Digest32::of(b"filed"),
        filing,
        reason: long("They report for both, and we have read what they wrote."),
    }
}

/// An incident owed to partners whose arrangements name these leads, one each.
fn named(leads: &[Option<Lead>]) -> Story {
    let mut log = log(IncidentKind::Breach, leads.len());
    for (owed, lead) in log.owed.iter_mut().zip(leads) {
        owed.terms.arrangements[0].ico_lead.clone_from(lead);
    }
    let mut story = Story::logged(log);
    story.advance_all();
    story
}

fn led_by_us(partners: usize) -> Story {
    named(&vec![Some(Lead::Us); partners])
}

fn refusal(refused: Refusal) -> Joint {
    match refused {
        Refusal::Joint(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

/// Whether it is allowed.
fn decide_on(story: &Story, command: &Command) -> bool {
    crate::incident::decide(story.state.as_ref(), command, hour(3)).is_ok()
}

fn messages(asks: &[(ExchangeId, exchange::Command)]) -> Vec<&Say> {
    let say = |ask: &'_ exchange::Command| match ask {
        exchange::Command::Say(_) => {}
        other => panic!("{other:?}"),
    };
    asks.iter().for_each(|(_, ask)| say(ask));
    asks.iter()
        .filter_map(|(_, ask)| match ask {
            exchange::Command::Say(say) => Some(&**say),
            _ => None,
        })
        .collect()
}

/// The frozen arrangements say who leads; where they name nobody or several, each reports. An officer may choose another.
#[test]
fn the_lead_is_named_or_chosen() {
    let theirs = Lead::Partner { partner: partner_id(1) };
    let client = Lead::Named { name: line("client") };
    for (named_by, lead, why) in [
        (vec![None, None], Lead::Each, Why::NobodyNamed),
        (vec![Some(Lead::Us), Some(Lead::Us)], Lead::Us, Why::Named),
        (vec![Some(Lead::Us), None], Lead::Us, Why::Named),
        (vec![Some(Lead::Us), Some(theirs.clone())], Lead::Each, Why::SeveralNamed),
        (vec![Some(Lead::Each), Some(Lead::Each)], Lead::Each, Why::Named),
        (vec![Some(client.clone()), Some(client.clone())], client.clone(), Why::Named),
    ] {
        let mut story = named(&named_by);
        assert_eq!(story.incident().leading(), (lead.clone(), why), "{named_by:?}");
        if lead == theirs {
            continue;
        }
        assert_eq!(refusal(story.refused(&choose(theirs.clone(), responder()), hour(3))), Joint::DpoNeeded);
        story.run(&choose(theirs.clone(), dpo(1)), hour(3));
        assert_eq!(story.incident().leading(), (theirs.clone(), Why::Chosen));
        assert_eq!(story.refused(&choose(theirs.clone(), dpo(1)), hour(3)), Refusal::NothingChanges);
    }
    let stranger = Lead::Partner { partner: PartnerId::from_uuid(uuid(7)) };
    let story = named(&[None]);
    assert_eq!(refusal(story.refused(&choose(stranger.clone(), dpo(1)), hour(3))), Joint::NotAParty);
    assert_eq!(refusal(story.refused(&choose(client, dpo(1)), hour(3))), Joint::NotAParty);
    let told_by = Some(PartnerId::from_uuid(uuid(7)));
    let told = joint::Command::ChooseLead { lead: stranger, reason: long("They told us."), told_by };
    assert!(decide_on(&story, &joint(told, dpo(1))), "whoever told us may lead");
}

/// Every partner is asked by one fan-out, and whoever told us of it at once; the answer may be due.
#[test]
fn views_are_asked_of_everybody() {
    let from = ExchangeId::from_uuid(uuid(0x77));
    let mut story = Story::logged(Log { opened_from: Some((from, None)), ..log(IncidentKind::Breach, 251) });
    story.advance_all();
    assert_eq!(refusal(story.refused(&ask(Some(hour(2)), dpo(1)), hour(3))), Joint::DuePast);
    assert_eq!(refusal(story.refused(&ask(Some(hour(10_000)), dpo(1)), hour(3))), Joint::DueTooFar);
    assert_eq!(refusal(story.refused(&ask(None, person(5, Role::Manager)), hour(3))), Joint::DpoNeeded);
    let first = story.run(&ask(Some(hour(9)), dpo(1)), hour(3));
    assert_eq!(first.asks.iter().map(|(exchange, _)| *exchange).collect::<Vec<_>>(), [from]);
    assert!(first.events.iter().all(round_trips));
    let asks = story.advance_all();
    assert_eq!(asks.len(), 251);
    for say in messages(&asks).into_iter().chain(messages(&first.asks)) {
        assert_eq!((say.kind, say.due, &say.by), (MessageKind::ViewRequest, Some(hour(9)), &dpo(1)));
    }
    assert_eq!(story.incident().joint.asked.len(), 1);
    assert_eq!(story.incident().sent_version, 1, "asking sends no facts");
}

/// Nobody to ask, and nobody who knows of it yet.
#[test]
fn views_need_somebody_who_knows() {
    assert_eq!(refusal(Story::breach(0).refused(&ask(None, dpo(1)), hour(3))), Joint::Nobody);
    assert_eq!(Story::held(2).refused(&ask(None, dpo(1)), hour(3)), Refusal::NotOpen { stage: "held" });
    let mut story = Story::breach(1);
    for round in 0..ROUNDS_MAX {
        story.run(&ask(None, dpo(1)), hour(3 + i64::try_from(round).unwrap()));
        story.advance_all();
    }
    assert_eq!(refusal(story.refused(&ask(None, dpo(1)), hour(99))), Joint::TooMany);
}

/// The lead, and nobody else, decides for all; each partner reads who does what, and of other partners nothing. A later
/// decision takes the place of the earlier one. Our own duty goes on.
#[test]
fn the_lead_decides_for_all() {
    let mut story = led_by_us(3);
    assert_eq!(refusal(story.refused(&decide(decision(), responder()), hour(3))), Joint::DpoNeeded);
    assert_eq!(refusal(named(&[None]).refused(&decide(decision(), dpo(1)), hour(3))), Joint::NotTheLead);
    let elsewhere = Lead::Partner { partner: PartnerId::from_uuid(uuid(7)) };
    let wrong = Decide { reports: Some(elsewhere), ..decision() };
    assert_eq!(refusal(story.refused(&decide(wrong, dpo(1)), hour(3))), Joint::NotAParty);
    let many = Decide { views: vec![MessageId::from_uuid(uuid(1)); VIEWS_MAX + 1], ..decision() };
    assert_eq!(refusal(story.refused(&decide(many, dpo(1)), hour(3))), Joint::TooMany);

    let events = story.run(&decide(decision(), dpo(1)), hour(3)).events;
    assert!(events.iter().all(round_trips));
    let asks = story.advance_all();
    let said = messages(&asks);
    assert!(said.iter().all(|say| say.kind == MessageKind::Decision && say.by == dpo(1)));
    let text = |n: usize| said[n].text.as_str();
    assert!(
        text(0).contains("Report to the ICO: yes. We report it.") && text(0).contains("Health data"),
        "{}",
        text(0)
    );
    assert!(text(1).contains("Tell the people affected: yes. You tell them."), "{}", text(1));
    assert!(text(0).contains("yes. Another organisation tells them."), "{}", text(0));
    assert!(!text(0).contains("takes the place"), "{}", text(0));
    assert!(story.incident().ico.as_ref().unwrap().is_open(), "no decision of ours under Article 33");

    let none = Decide { reports: None, tells: None, views: Vec::new(), ..decision() };
    story.run(&decide(none, dpo(2)), hour(5));
    let asks = story.advance_all();
    let text = messages(&asks)[0].text.as_str();
    assert!(text.contains("Joint decision 2. It takes the place") && text.contains("Report to the ICO: no."), "{text}");
    let decisions = &story.incident().joint.decisions;
    assert_eq!(decisions.iter().map(|it| (it.number, it.views.len())).collect::<Vec<_>>(), [(1, 1), (2, 0)]);
}

/// The longest reasons still fit into the message, and with them everything that was decided.
#[test]
fn every_decision_can_be_said() {
    let reasons = Reasons::parse(&"x".repeat(7_000)).unwrap();
    let mut story = led_by_us(2);
    story.run(&decide(decision(), dpo(1)), hour(3));
    story.advance_all();
    let each = Decide { reports: Some(Lead::Each), tells: Some(Lead::Each), reasons, ..decision() };
    story.run(&decide(each, dpo(1)), hour(4));
    assert_eq!(messages(&story.advance_all())[0].text.as_str().lines().count(), 7);
}

/// Relying on a partner's report is an officer's word; it ends the open clock, once, and its ladder.
#[test]
fn reliance_ends_the_clock() {
    let rely = |by| joint(joint::Command::AcceptReliance { reliance: Box::new(reliance()) }, by);
    let mut story = Story::breach(1);
    story.tick(&[], hour(50));
    assert_eq!(refusal(story.refused(&rely(person(5, Role::Manager)), hour(51))), Joint::DpoNeeded);
    let events = story.run(&rely(dpo(1)), hour(51)).events;
    assert!(events.iter().all(round_trips));
    let Some(ClockChange::NotRequired { reason, .. }) = ico_change(&events) else { panic!("{events:?}") };
    assert!(reason.as_str().contains("IC-12345") && reason.as_str().contains("They report for both"), "{reason}");
    assert!(events.iter().any(|event| matches!(event, Event::LadderEnded { .. })));
    assert!(matches!(story.incident().ico.as_ref().unwrap().state, ClockState::NotRequired { .. }));
    assert_eq!(story.incident().joint.reliance.as_ref().unwrap().reliance, reliance());
    let no_clock = Joint::Reliance(reliance::Refusal::NoClock);
    assert_eq!(refusal(story.refused(&rely(dpo(1)), hour(52))), no_clock);
    assert_eq!(refusal(Story::circumstances(1).refused(&rely(dpo(1)), hour(3))), no_clock, "nothing to end");
    let long_one = Reliance { reason: long(&"Why. ".repeat(1_000)), ..reliance() };
    assert!(long_one.clock_reason().is_some());
}

/// The JSON of every change is frozen.
#[test]
fn changes_keep_their_form() {
    let names = ["lead_chosen", "views_asked", "decided", "reliance_accepted"];
    let decision = JointDecision {
        number: 2,
        reports: Some(Lead::Us),
        tells: Some(Lead::Partner { partner: partner_id(1) }),
        reasons: Reasons::parse("Health data of many people.").unwrap(),
        views: vec![MessageId::from_uuid(uuid(0x99))],
        by: dpo(1),
        at: hour(5),
    };
    let changes = [
        Change::LeadChosen { lead: Lead::Each, reason: long("Nobody is named.") },
        Change::ViewsAsked { text: long("Is a risk likely?"), due: Some(hour(9)) },
        Change::Decided { decision: Box::new(decision) },
        Change::RelianceAccepted { reliance: Box::new(reliance()) },
    ];
    let named: Vec<(&str, Change)> = names.into_iter().zip(changes).collect();
    hold_golden("joint", &names, &named);
}
