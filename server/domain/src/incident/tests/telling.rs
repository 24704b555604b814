use std::collections::BTreeSet;

use super::kit::*;
use crate::arrangement::FallbackContact;
use crate::facts::{DataCategory, DataRecipients, Facts, Nature, Occurred, Partly, Precision, YesNo};
use crate::incident::decision::{Ask, Duty, People, open_duties};
use crate::incident::telling::{
    Change, Channel, Command as Telling, Communication, ContactPoint, Letter, PEOPLE_MAX, Refusal as Fault, Told,
    VERSIONS_MAX, WAVES_MAX, propose,
};
use crate::incident::{Command, Event, Refusal, WithdrawalReason};
use crate::values::{Known, Moment, Title};

fn letter(what: &str) -> Letter {
    Letter {
        heading: Title::parse("Your personal data").unwrap(),
        what_happened: long(what),
        consequences: long("Unwanted messages."),
        measures: long("The mailbox was closed."),
        advice: long("Be careful with unexpected calls."),
        contact: long("The data protection officer, dpo@example.org"),
    }
}

fn write(base: u32, what: &str) -> Command {
    Command::Telling { command: Telling::Write { base, letter: Box::new(letter(what)) }, by: dpo(1) }
}

fn by_letter(at: Moment, people: Option<u32>) -> Communication {
    Communication { at, channel: Channel::Letter, people, version: 1, complete: false, note: None }
}

fn record(communication: Communication) -> Command {
    Command::Telling { command: Telling::Record { communication: Box::new(communication) }, by: responder() }
}

fn strike(wave: u32) -> Command {
    Command::Telling { command: Telling::Strike { wave, reason: long("A typing error.") }, by: responder() }
}

fn fault(story: &Story, command: &Command, now: Moment) -> Fault {
    match story.refused(command, now) {
        Refusal::Telling(fault) => fault,
        other => panic!("{other:?}"),
    }
}

/// Versions are added, never overwritten; whoever saw another one is refused, and nothing is kept twice.
#[test]
fn versions_are_added_over_the_one_that_was_seen() {
    let mut story = Story::breach(0);
    story.run(&write(0, "A mailbox was open."), hour(3));
    assert_eq!(fault(&story, &write(0, "Two were open."), hour(3)), Fault::LetterChanged { current: 1 });
    assert_eq!(fault(&story, &write(1, "A mailbox was open."), hour(3)), Fault::SameLetter);
    story.run(&Command::UpdateFacts { base_version: 1, facts: newer_facts("Two."), by: responder() }, hour(4));
    story.run(&write(1, "Two were open."), hour(4));
    let telling = &story.incident().telling;
    assert_eq!(telling.versions.iter().map(|it| (it.number, it.facts_version)).collect::<Vec<_>>(), [(1, 1), (2, 2)]);
    assert_eq!(telling.version(1).unwrap().letter, letter("A mailbox was open."));
    for version in 2..u32::try_from(VERSIONS_MAX).unwrap() {
        story.run(&write(version, &format!("Version {version}.")), hour(5));
    }
    let full = u32::try_from(VERSIONS_MAX).unwrap();
    assert_eq!(fault(&story, &write(full, "One more."), hour(5)), Fault::TooManyVersions);
}

/// A decision to tell people keeps the incident open until a record that stands says that nobody is left to be told.
#[test]
fn whoever_is_left_to_be_told_keeps_it_open() {
    let mut story = Story::breach(0);
    let unlikely = Ask::ProposeNotRequired { reasons: long("Unlikely.") };
    story.run(&decided(story.incident(), unlikely, dpo(1)), hour(2));
    story.run(&decided(story.incident(), Ask::ResolveNotRequired { approve: true }, dpo(2)), hour(2));
    story.run(
        &decided(story.incident(), Ask::People { people: People::Tell, reasons: long("Kinder.") }, dpo(1)),
        hour(2),
    );
    let open = |story: &Story| open_duties(story.incident(), &[]);
    assert_eq!(open(&story), [Duty::PeopleToTell]);
    story.run(&write(0, "A mailbox was open."), hour(3));
    story.run(&record(by_letter(hour(3), Some(140))), hour(4));
    assert_eq!(open(&story), [Duty::PeopleLeft]);
    let close = Command::Close { open_duties: Vec::new(), by: responder() };
    assert!(story.refused(&close, hour(4)).to_string().contains("people are still to be told"));
    story.run(&record(Communication { complete: true, ..by_letter(hour(4), Some(7)) }), hour(5));
    assert_eq!(open(&story), []);
    story.run(&strike(2), hour(6));
    assert_eq!(open(&story), [Duty::PeopleLeft], "the record that said so does not stand");
    story.run(&record(Communication { complete: true, ..by_letter(hour(6), Some(7)) }), hour(7));
    story.run(&close, hour(8));
}

/// Waves add up; each names the text that it carried by its digest, also when the text changes later.
#[test]
fn waves_add_up_and_name_their_text() {
    let mut story = Story::breach(0);
    assert_eq!(fault(&story, &record(by_letter(hour(3), Some(1))), hour(3)), Fault::NoSuchVersion);
    story.run(&write(0, "A mailbox was open."), hour(3));
    story.run(&record(by_letter(hour(3), Some(140))), hour(4));
    story.run(&write(1, "Two were open."), hour(5));
    let website = Communication { channel: Channel::Website, version: 2, complete: true, ..by_letter(hour(5), None) };
    story.run(&record(website), hour(6));
    let telling = &story.incident().telling;
    assert_eq!(telling.waves[0].digest, letter("A mailbox was open.").digest());
    assert_eq!(telling.waves[1].digest, letter("Two were open.").digest());
    assert_eq!((telling.first_told_at(), telling.people(), telling.is_complete()), (Some(hour(3)), 140, true));
}

/// A communication is neither in the future nor before awareness, and says how many unless nobody can know.
#[test]
fn a_communication_is_possible() {
    let mut story = Story::breach(0);
    story.run(&write(0, "A mailbox was open."), hour(3));
    let refused = |communication| fault(&story, &record(communication), hour(3));
    assert_eq!(refused(by_letter(hour(3).plus_seconds(1), Some(1))), Fault::ToldInFuture);
    assert_eq!(refused(by_letter(hour(-1), Some(1))), Fault::ToldBeforeAwareness { aware: hour(0) });
    assert_eq!(refused(by_letter(hour(1), None)), Fault::PeopleMissing);
    assert_eq!(refused(by_letter(hour(1), Some(0))), Fault::PeopleOutOfRange);
    assert_eq!(refused(by_letter(hour(1), Some(PEOPLE_MAX + 1))), Fault::PeopleOutOfRange);
    for channel in Channel::ALL {
        let command = record(Communication { channel, ..by_letter(hour(1), None) });
        let allowed = crate::incident::decide(Some(story.incident()), &command, hour(3)).is_ok();
        assert_eq!(allowed, channel.is_public(), "{channel:?}");
        assert_eq!(Channel::from_word(channel.word()), Some(channel));
        assert_eq!(serde_json::to_value(channel).unwrap(), channel.word());
    }
    story.run(&record(by_letter(hour(0), Some(PEOPLE_MAX))), hour(3));
}

/// A record made in error is struck out with a reason, once, and counts no more; it stays on record.
#[test]
fn a_wrong_record_is_struck_out() {
    let mut story = Story::breach(0);
    story.run(&write(0, "A mailbox was open."), hour(3));
    story.run(&record(Communication { complete: true, ..by_letter(hour(3), Some(140)) }), hour(4));
    assert_eq!(fault(&story, &strike(2), hour(4)), Fault::NoSuchWave);
    story.run(&strike(1), hour(4));
    assert_eq!(fault(&story, &strike(1), hour(4)), Fault::NoSuchWave);
    let telling = &story.incident().telling;
    assert_eq!((telling.waves.len(), telling.people(), telling.is_complete()), (1, 0, false));
    for _ in 1..WAVES_MAX {
        story.run(&record(by_letter(hour(3), Some(1))), hour(5));
    }
    assert_eq!(fault(&story, &record(by_letter(hour(3), Some(1))), hour(5)), Fault::TooManyWaves);
    assert_eq!(story.incident().telling.waves.last().unwrap().number, u32::try_from(WAVES_MAX).unwrap());
}

/// After a withdrawal what was told is still recorded, but no new message is written; once closed, nothing.
#[test]
fn stages_decide_what_may_be_done() {
    let mut story = Story::breach(0);
    story.run(&write(0, "A mailbox was open."), hour(3));
    story.run(&Command::Withdraw { reason: WithdrawalReason::SentInError, note: None, by: responder() }, hour(4));
    assert_eq!(story.refused(&write(1, "Two."), hour(4)), Refusal::NotOpen { stage: "withdrawn" });
    story.run(&record(by_letter(hour(3), Some(1))), hour(4));
    let mut closed = Story::circumstances(0);
    closed.run(&write(0, "A mailbox was open."), hour(3));
    closed.run(&Command::Close { open_duties: Vec::new(), by: responder() }, hour(4));
    assert_eq!(closed.refused(&record(by_letter(hour(3), Some(1))), hour(4)), Refusal::NotOpen { stage: "closed" });
}

/// When, how and how many survive erasure; no word of any text does.
#[test]
fn counts_survive_erasure_and_words_do_not() {
    let mut story = Story::breach(0);
    story.run(&write(0, "Seen by Jo Bloggs."), hour(3));
    let note = Some(long("Bloggs carried them."));
    story.run(&record(Communication { note, ..by_letter(hour(3), Some(140)) }), hour(4));
    story.run(&Command::Withdraw { reason: WithdrawalReason::SentInError, note: None, by: responder() }, hour(4));
    let events = story.run(&Command::Anonymise { by: dpo(1) }, hour(5)).events;
    assert!(!serde_json::to_string(&events).unwrap().contains("Bloggs"));
    let telling = &story.incident().telling;
    assert_eq!(telling.told(), [Told { at: hour(3), channel: Channel::Letter, people: Some(140) }]);
    assert_eq!((telling.versions.len(), telling.people()), (0, 140));
}

/// The JSON of every change is frozen.
#[test]
fn changes_keep_their_form() {
    let website = Communication {
        at: hour(4),
        channel: Channel::Website,
        people: Some(12),
        version: 1,
        complete: true,
        note: Some(long("On the start page.")),
    };
    let changes = vec![
        Change::Written { version: 1, letter: Box::new(letter("A mailbox was open.")), facts_version: 2 },
        Change::Told { wave: 1, digest: letter("A mailbox was open.").digest(), communication: Box::new(website) },
        Change::Struck { wave: 1, reason: long("A typing error.") },
    ];
    let name = |change: &Change| match change {
        Change::Written { .. } => "written",
        Change::Told { .. } => "told",
        Change::Struck { .. } => "struck",
    };
    let named: Vec<(&str, Change)> = changes.into_iter().map(|change| (name(&change), change)).collect();
    hold_golden("telling", &["written", "told", "struck"], &named);
    assert!(named.into_iter().all(|(_, change)| round_trips(&Event::Telling { change, at: hour(5), by: dpo(1) })));
}

fn date(at: Moment) -> String {
    at.to_chrono().format("%-d %B %Y").to_string()
}

fn point(organisation: &str) -> ContactPoint {
    let contact = FallbackContact {
        who: line("Data protection officer"),
        phone: Some(line("+44 20 7946 0000")),
        out_of_hours: Some(line("+44 20 7946 0999")),
        email: Some(line("dpo@example.org")),
    };
    ContactPoint { organisation: line(organisation), contact: Some(contact) }
}

/// From full facts every part is drafted, in words for the reader; what is advised follows the kinds of data, once each.
#[test]
fn a_draft_from_full_facts_leaves_nothing_out() {
    let full = Facts {
        occurred: Known::Known(Occurred { from: hour(-30), to: Some(hour(0)), precision: Precision::Exact }),
        nature: Known::Known(BTreeSet::from([Nature::Confidentiality, Nature::Availability])),
        data_categories: Known::Known(BTreeSet::from([
            DataCategory::Health,
            DataCategory::CriminalConvictions,
            DataCategory::EconomicAndFinancial,
        ])),
        recipients_of_data: Known::Known(DataRecipients::Unknown),
        data_unintelligible: Known::Known(Partly::Yes),
        ongoing: Known::Known(YesNo::Yes),
        likely_consequences: Known::Known(long("You may get unwanted calls.")),
        actual_harm: Some(long("Two people were called.")),
        containment: Known::Known(long("We closed the mailbox.")),
        mitigation: Known::Known(long("We told the bank.")),
        ..facts()
    };
    let draft = propose(&full, &line("Operator"), &[point("Council")], &date);
    assert_eq!(draft.missing(), [""; 0]);
    let text = |name: &str| draft.parts.iter().find(|part| part.name == name).unwrap().text.clone();
    let happened = text("what_happened");
    for words in ["between 1 March 2026 and 3 March 2026", "lost or out of reach", "your health", "card", "key is safe"]
    {
        assert!(happened.contains(words), "{words}: {happened}");
    }
    assert_eq!(text("advice").split("\n\n").count(), 2, "one sentence for both sensitive kinds, one for money");
    assert!(text("measures").contains("closed the mailbox") && text("measures").contains("told the bank"));
    let contact = text("contact");
    assert!(contact.contains("dpo@example.org") && contact.contains("You may also ask Operator"), "{contact}");
    let parts = draft.parts.map(|part| part.text);
    let [heading, what_happened, consequences, measures, advice, contact] = parts.each_ref();
    let letter = Letter {
        heading: Title::parse(heading).unwrap(),
        what_happened: long(what_happened),
        consequences: long(consequences),
        measures: long(measures),
        advice: long(advice),
        contact: long(contact),
    };
    assert_eq!(letter.sections().map(|section| section.text), [what_happened, consequences, measures, advice, contact]);
}

/// What is not yet known is left to a person: the draft names the parts and invents nothing.
#[test]
fn a_draft_from_little_names_what_is_missing() {
    let draft = propose(&facts(), &line("Operator"), &[], &date);
    assert_eq!(draft.missing(), ["consequences", "measures", "advice", "contact"]);
    let ours = propose(&facts(), &line("Operator"), &[point("Operator")], &date);
    assert!(!ours.parts[5].text.contains("You may also ask"), "{}", ours.parts[5].text);
}
