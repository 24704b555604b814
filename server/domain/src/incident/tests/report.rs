//! Reports: answers over the version that was seen, a signature over every answer, what was sent and what follows.

pub(super) mod golden;

use super::kit::*;
use crate::facts::{Facts, IcoCategory};
use crate::incident::report::{Command as Ask, NewAnswer, Refusal as No};
use crate::incident::{Command, Event, Incident, Refusal, report};
use crate::report::{
    AnswerValue, Fault, FormId, OptionText, QuestionId, Sheet, Submission, SubmissionChannel, Written, fill_current,
    out_of_date,
};
use crate::values::{Actor, Count, CountBasis, Known, Line, Moment};

fn id(question: &str) -> QuestionId {
    QuestionId::parse(question).unwrap()
}

fn text(text: &str) -> Option<Written> {
    Some(Written::Text { text: long(text) })
}

fn options(options: &[&str]) -> Option<Written> {
    Some(Written::Options { options: options.iter().map(|option| OptionText::parse(option).unwrap()).collect() })
}

fn new(question: &str, base_version: u32, answer: Option<Written>) -> NewAnswer {
    NewAnswer { question: id(question), base_version, answer }
}

fn write(answers: Vec<NewAnswer>, by: Actor) -> Command {
    write_on(1, answers, by)
}

fn write_on(number: u32, answers: Vec<NewAnswer>, by: Actor) -> Command {
    let on = report::WorkedOn { form: FormId::default(), number };
    Command::Report { command: Ask::Write { on, answers, about: about() }, by }
}

fn sheet(incident: &Incident, now: Moment) -> Sheet {
    fill_current(incident, &about(), now)
}

fn value(incident: &Incident, question: &str, now: Moment) -> AnswerValue {
    sheet(incident, now).answer(&id(question)).unwrap().value.clone()
}

fn sign(incident: &Incident, by: Actor, now: Moment) -> Command {
    let seen = sheet(incident, now).digest();
    Command::Report { command: Ask::SignOff { seen, about: about(), own_contacts: Vec::new(), names: Vec::new() }, by }
}

fn submission(at: Moment) -> Submission {
    Submission {
        at,
        channel: SubmissionChannel::OnlineForm,
        ico_reference: Some(line("IC-9")),
        delay_reasons: None,
        proof: None,
    }
}

fn faults(refusal: Refusal) -> Vec<(String, Fault)> {
    let Refusal::Report(No::Answers(faults)) = refusal else { panic!("{refusal:?}") };
    faults.into_iter().map(|(question, fault)| (question.to_string(), fault)).collect()
}

/// What a person writes stands beside the facts' answer, version by version; going back is a version too, and facts that
/// change beneath it are seen.
#[test]
fn a_written_answer_stands_beside_the_facts_own() {
    let mut story = Story::breach(0);
    story.run(&write(vec![new("describe_what_happened", 0, text("Somebody read a mailbox."))], dpo(1)), hour(3));
    let found = sheet(story.incident(), hour(3));
    let answer = found.answer(&id("describe_what_happened")).unwrap();
    assert_eq!(answer.value, AnswerValue::Given("Somebody read a mailbox.".to_owned()));
    assert_eq!(answer.fact, AnswerValue::Given(facts().summary.to_string()));
    assert_eq!(
        (answer.version, answer.fact_changed, answer.from.as_str()),
        (1, false, "Written by Person 11, version 1")
    );
    let newer = Command::UpdateFacts { base_version: 1, facts: newer_facts("Two mailboxes."), by: responder() };
    story.run(&newer, hour(4));
    assert!(sheet(story.incident(), hour(4)).answer(&id("describe_what_happened")).unwrap().fact_changed);
    story.run(&write(vec![new("describe_what_happened", 1, None)], dpo(2)), hour(5));
    let back = sheet(story.incident(), hour(5));
    let back = back.answer(&id("describe_what_happened")).unwrap();
    assert_eq!((back.value.clone(), back.version), (AnswerValue::Given("Two mailboxes.".to_owned()), 2));
    assert_eq!(story.incident().reports.answers[&id("describe_what_happened")].len(), 2, "every version stays");
}

/// The first answer opens the draft; nothing is written where two officers decided that no report is required.
#[test]
fn writing_opens_the_draft() {
    let mut story = Story::breach(0);
    let events = story.run(&write(vec![new("containment", 0, text("Closed."))], responder()), hour(3)).events;
    assert!(matches!(events[..], [Event::ReportDrafted { .. }, Event::Report { .. }]));
    let mut decided = Story::breach(0);
    decided.run(&Command::ProposeNotRequired { reason: long("Unlikely."), by: dpo(1) }, hour(3));
    decided.run(&Command::ResolveNotRequired { approve: true, by: dpo(2) }, hour(3));
    let refused = decided.refused(&write(vec![new("containment", 0, text("Closed."))], dpo(1)), hour(4));
    assert_eq!(refused, Refusal::Report(No::NoDraft));
}

/// An answer over another version than the one that stands is refused, and so is everything that came with it.
#[test]
fn a_stale_base_saves_nothing() {
    let mut story = Story::breach(0);
    story.run(&write(vec![new("containment", 0, text("Closed."))], dpo(1)), hour(3));
    let second = write(vec![new("containment", 0, text("Locked.")), new("data_detail", 0, text("Names."))], dpo(2));
    assert_eq!(story.refused(&second, hour(4)), Refusal::Report(No::Stale(vec![id("containment")])));
    let same = write(vec![new("containment", 1, text("Closed."))], dpo(2));
    assert_eq!(story.refused(&same, hour(4)), Refusal::NothingChanges);
}

/// Every fault of every answer is named, and nothing is written.
#[test]
fn answers_are_checked_one_by_one() {
    let story = Story::breach(0);
    let now = hour(5);
    let count = |value, max| Some(Written::Count { count: Count { value, basis: CountBasis::Exact, max } });
    let cases: Vec<(&str, Option<Written>, Fault)> = vec![
        ("high_risk", options(&["Maybe"]), Fault::NotAnOption),
        ("high_risk", options(&["Yes", "No"]), Fault::OneOption),
        ("high_risk", options(&[]), Fault::NoOption),
        ("high_risk", text("Yes"), Fault::WrongKind),
        (
            "data_categories",
            options(&["Not yet known", "Health data"]),
            Fault::UnknownAlone("Not yet known".to_owned()),
        ),
        ("cia_which", Some(Written::NotYetKnown), Fault::WrongKind),
        ("subjects_count", count(9, Some(8)), Fault::SmallerMost),
        ("subjects_count", text("many"), Fault::WrongKind),
        ("discovered_at", Some(Written::Instant { at: hour(6) }), Fault::InFuture),
        (
            "happened_at",
            Some(Written::Period { from: hour(2), to: Some(hour(1)), estimated: false }),
            Fault::EndsBeforeItBegins,
        ),
        (
            "happened_at",
            Some(Written::Period { from: hour(2), to: None, estimated: false }),
            Fault::Before("When did the breach happen? (date, time)".to_owned()),
        ),
        ("ico_staff_name", text(&"x".repeat(1_001)), Fault::TooLong { max: 1_000 }),
        ("report_type", options(&["Follow-up report"]), Fault::OfTheRecord),
        ("nothing_of_ours", text("x"), Fault::NoSuchQuestion),
    ];
    for (question, answer, fault) in cases {
        let refused = story.refused(&write(vec![new(question, 0, answer)], dpo(1)), now);
        assert_eq!(faults(refused), [(question.to_owned(), fault)]);
    }
    let two = vec![new("high_risk", 0, options(&["Maybe"])), new("subjects_count", 0, text("many"))];
    assert_eq!(faults(story.refused(&write(two, dpo(1)), now)).len(), 2);
}

/// A question that another answer calls for is asked once that answer is given.
#[test]
fn conditions_follow_the_answers() {
    let mut story = Story::breach(0);
    assert!(matches!(value(story.incident(), "recovery_time", hour(3)), AnswerValue::DoesNotApply(_)));
    story.run(&write(vec![new("cyber_incident", 0, options(&["Yes"]))], dpo(1)), hour(3));
    assert!(matches!(value(story.incident(), "recovery_time", hour(3)), AnswerValue::Missing(_)));
    let cyber = Facts { ico_category: Known::Known(IcoCategory::NonCyber), ..facts() };
    story.run(&Command::UpdateFacts { base_version: 1, facts: Box::new(cyber), by: responder() }, hour(4));
    assert!(
        matches!(value(story.incident(), "recovery_time", hour(4)), AnswerValue::Missing(_)),
        "a person's word stands"
    );
}

/// A breach whose report lacks nothing that it can't do without.
fn ready() -> Story {
    let mut story = Story::breach(0);
    story.run(&write(vec![new("actions_taken", 0, text("Sessions were ended."))], dpo(1)), hour(3));
    story
}

/// A signature freezes every answer; the next written answer ends it, and a second officer is told who was first.
#[test]
fn a_signature_covers_every_answer_until_the_next_is_written() {
    let mut story = ready();
    assert_eq!(story.refused(&sign(story.incident(), responder(), hour(4)), hour(4)), Refusal::DpoNeeded);
    let stale = sign(story.incident(), dpo(1), hour(4));
    story.run(&sign(story.incident(), dpo(1), hour(4)), hour(4));
    let signed = story.incident().reports.signed.clone().unwrap();
    assert!(signed.answers.iter().any(|answer| answer.question == "actions_taken"));
    assert_eq!((signed.version, signed.by.clone()), (1, dpo(1)));
    let by = Line::parse("Person 11").unwrap();
    assert_eq!(
        story.refused(&sign(story.incident(), dpo(2), hour(5)), hour(5)),
        Refusal::Report(No::AlreadySigned { by, at: hour(4) })
    );
    story.run(&write(vec![new("actions_taken", 1, text("And more."))], dpo(2)), hour(5));
    assert!(story.incident().reports.signed.is_none(), "writing reopens it");
    assert_eq!(story.refused(&stale, hour(6)), Refusal::Report(No::Changed), "what was looked at is not what stands");
    story.run(&sign(story.incident(), dpo(2), hour(6)), hour(6));
    assert_eq!(story.incident().reports.sign_offs, 2);
}

/// Without a required answer, or with a text that may be personal data, nobody signs; a reason lets the text stay as long
/// as it is that text.
#[test]
fn signing_needs_every_required_answer_and_a_look_at_each_warning() {
    let mut story = Story::breach(0);
    let bare = vec![new("organisation_name", 0, text("Example"))];
    story.run(&write(bare, dpo(1)), hour(3));
    story.run(&write(vec![new("describe_what_happened", 0, text("Ask jo.bloggs@example.com."))], dpo(1)), hour(3));
    let refused = story.refused(&sign(story.incident(), dpo(1), hour(4)), hour(4));
    let question = "Please describe what happened".to_owned();
    assert_eq!(refused, Refusal::Report(No::Unchecked(vec![question])));
    let accept = |seen: &str, by| Command::Report {
        command: Ask::Accept {
            question: id("describe_what_happened"),
            seen: crate::values::Digest32::of(seen.as_bytes()),
            reason: long("A made-up address in the phishing mail."),
            about: about(),
        },
        by,
    };
    assert_eq!(story.refused(&accept("another text", dpo(1)), hour(4)), Refusal::Report(No::NoSuchText));
    story.run(&accept("Ask jo.bloggs@example.com.", dpo(1)), hour(4));
    story.run(&sign(story.incident(), dpo(1), hour(4)), hour(4));
    story.run(&write(vec![new("describe_what_happened", 1, text("Ask jo.smith@example.com."))], dpo(1)), hour(5));
    assert!(matches!(
        story.refused(&sign(story.incident(), dpo(1), hour(5)), hour(5)),
        Refusal::Report(No::Unchecked(_))
    ));
}

/// The legal limit passes: then reasons for the delay are among what can't be missing, and those written in the report are
/// recorded with its submission.
#[test]
fn after_the_legal_limit_the_reasons_are_required() {
    let mut story = ready();
    assert_eq!(
        story.refused(&sign(story.incident(), dpo(1), hour(80)), hour(80)),
        Refusal::Report(No::Missing(vec![
            "(Initial reports only) If there has been a delay in reporting this breach, explain why".to_owned()
        ]))
    );
    story.run(&write(vec![new("delay_reason", 0, text("Facts came late."))], dpo(1)), hour(80));
    story.run(&sign(story.incident(), dpo(1), hour(80)), hour(80));
    story.run(&recorded(submission(hour(81)), dpo(1)), hour(81));
    let filed = &story.incident().reports.filed[0];
    assert_eq!(filed.submission.delay_reasons, Some(long("Facts came late.")));
}

/// What was submitted is kept as it was, with the signature that it had; facts that change afterwards show; a follow-up
/// has answers and a submission of its own.
#[test]
fn a_follow_up_is_chained_to_what_was_sent() {
    let mut story = ready();
    assert_eq!(story.refused(&follow_up(), hour(4)), Refusal::Report(No::NothingToFollow));
    story.run(&sign(story.incident(), dpo(1), hour(4)), hour(4));
    story.run(&recorded(submission(hour(5)), dpo(1)), hour(5));
    let filed = story.incident().reports.filed[0].clone();
    assert_eq!((filed.number, filed.signed, filed.submission.at), (1, Some(1), hour(5)));
    assert_eq!(out_of_date(story.incident(), &about(), hour(6)), []);
    let late = write(vec![new("containment", 0, text("x"))], dpo(1));
    assert_eq!(story.refused(&late, hour(6)), Refusal::Report(No::Submitted));

    story
        .run(&Command::UpdateFacts { base_version: 1, facts: newer_facts("Two mailboxes."), by: responder() }, hour(6));
    let changed = out_of_date(story.incident(), &about(), hour(6));
    assert_eq!(changed.iter().map(|change| change.question.as_str()).collect::<Vec<_>>(), ["describe_what_happened"]);
    story.run(&follow_up(), hour(7));
    assert_eq!(story.refused(&follow_up(), hour(7)), Refusal::Report(No::NothingToFollow));
    assert_eq!(story.refused(&late, hour(7)), Refusal::Report(No::AnotherReport), "its versions are another report's");
    story.run(&write_on(2, vec![new("containment", 0, text("x"))], dpo(1)), hour(7));
    assert_eq!(value(story.incident(), "report_type", hour(7)), AnswerValue::Given("Follow-up report".to_owned()));
    assert_eq!(value(story.incident(), "ico_case_reference", hour(7)), AnswerValue::Given("IC-9".to_owned()));
    for (at, no) in [(hour(4), Refusal::Report(No::BeforeEarlier)), (hour(9), Refusal::SubmissionTime)] {
        assert_eq!(story.refused(&recorded(submission(at), dpo(1)), hour(8)), no);
    }
    let events = story.run(&recorded(submission(hour(8)), dpo(1)), hour(8)).events;
    assert!(matches!(
        events[..],
        [Event::Report { change: report::Change::Filed { number: 2, signed: None, .. }, .. }]
    ));
    assert_eq!(out_of_date(story.incident(), &about(), hour(9)), []);
    assert_eq!(story.incident().reports.filed[0], filed, "what was sent first is as it was");
}

/// What is recorded late is what was sent: the answers signed off before the submission, although facts changed since; unless
/// a person says that they sent what stands now. Whoever saw another report records nothing.
#[test]
fn what_was_sent_is_what_was_signed_before_it() {
    let file = |story: &Story, number, signed| {
        let mut story = story.clone();
        let (sent, about) = (report::Sent { number: Some(number), signed }, about());
        let command = Ask::File { submission: submission(hour(5)), proof: None, sent, about };
        story.run(&Command::Report { command, by: dpo(1) }, hour(7));
        story
    };
    let mut story = ready();
    story.run(&sign(story.incident(), dpo(1), hour(4)), hour(4));
    story
        .run(&Command::UpdateFacts { base_version: 1, facts: newer_facts("Two mailboxes."), by: responder() }, hour(6));
    for (said, signed, changed) in [(None, Some(1), 1), (Some(true), Some(1), 1), (Some(false), None, 0)] {
        let recorded = file(&story, 1, said);
        assert_eq!(recorded.incident().reports.filed[0].signed, signed, "{said:?}");
        assert_eq!(out_of_date(recorded.incident(), &about(), hour(8)).len(), changed, "{said:?}");
    }
    // A signature that an answer was written after stood until then.
    let written = |at, said| {
        let mut story = ready();
        story.run(&sign(story.incident(), dpo(1), hour(4)), hour(4));
        story.run(&write(vec![new("containment", 0, text("Blocked."))], dpo(2)), at);
        file(&story, 1, said).incident().reports.filed[0].clone()
    };
    let without =
        |filed: &report::Filed| !filed.answers.iter().any(|answer| format!("{answer:?}").contains("Blocked."));
    for (at, said, signed) in [
        (hour(6), None, Some(1)),
        (hour(6), Some(true), Some(1)),
        (hour(6), Some(false), None),
        (hour(5), None, None),
        (hour(5), Some(true), Some(1)),
    ] {
        let filed = written(at, said);
        assert_eq!((filed.signed, without(&filed)), (signed, signed.is_some()), "{at:?} {said:?}");
    }
    let other = Ask::File {
        submission: submission(hour(5)),
        proof: None,
        sent: report::Sent { number: Some(2), signed: None },
        about: about(),
    };
    let refused = story.refused(&Command::Report { command: other, by: dpo(1) }, hour(7));
    assert_eq!(refused, Refusal::Report(No::AnotherReport));
}

/// What changes about ourselves does not put a report out of date, and nothing does once the incident is closed.
#[test]
fn our_own_details_put_no_report_out_of_date() {
    let mut story = ready();
    story.run(&recorded(submission(hour(5)), dpo(1)), hour(5));
    let mut moved = about();
    moved.organisation.contact.phone = Some(line("+44 20 7946 0001"));
    moved.standing.reported_before = Some(true);
    assert_eq!(out_of_date(story.incident(), &moved, hour(6)), []);
}

fn follow_up() -> Command {
    Command::Report { command: Ask::FollowUp, by: dpo(1) }
}

/// Another form is the same report on other questions; a signature does not cover it.
#[test]
fn another_form_asks_other_questions() {
    let mut story = ready();
    story.run(&sign(story.incident(), dpo(1), hour(4)), hour(4));
    let form = FormId::parse("edpb").unwrap();
    let choose = Command::Report { command: Ask::ChooseForm { form }, by: dpo(1) };
    story.run(&choose, hour(5));
    let found = sheet(story.incident(), hour(5));
    assert_eq!(found.form.id, "edpb");
    assert!(story.incident().reports.signed.is_none());
    assert!(found.answers().any(|answer| matches!(&answer.value, AnswerValue::Instant(at) if *at == hour(0))));
    assert_eq!(story.refused(&choose, hour(6)), Refusal::NothingChanges);
    assert_eq!(FormId::parse("another"), None);
}

/// An option, a time or a number that is not what the facts say is pointed out; a text has its own words, and an instant's
/// seconds are nobody's business.
#[test]
fn what_is_unlike_the_facts_is_pointed_out() {
    let mut story = ready();
    let unlike = |story: &Story| -> Vec<String> {
        let found = sheet(story.incident(), hour(5));
        crate::report::unlike_the_facts(&found).iter().map(|answer| answer.id.clone()).collect()
    };
    assert_eq!(unlike(&story), Vec::<String>::new());
    let at = |at| Some(Written::Instant { at });
    let same = at(hour(0).plus_seconds(59));
    let text = text("In words of our own.");
    story.run(&write(vec![new("discovered_at", 0, same), new("describe_what_happened", 0, text)], dpo(1)), hour(4));
    assert_eq!(unlike(&story), Vec::<String>::new());
    story.run(&write(vec![new("discovered_at", 1, at(hour(0).plus_seconds(-60)))], dpo(1)), hour(4));
    assert_eq!(unlike(&story), ["discovered_at"]);
    story.run(&write(vec![new("discovered_at", 2, None)], dpo(1)), hour(4));
    assert_eq!(unlike(&story), Vec::<String>::new());
}

/// A proof is added once.
#[test]
fn a_proof_is_added_once() {
    let mut story = ready();
    let proof = report::Proof {
        name: line("receipt.pdf"),
        kind: crate::values::Text::parse("pdf").unwrap(),
        octets: 10,
        sha256: crate::values::Digest32::of(b"x"),
    };
    let add = Command::Report { command: Ask::AddProof { number: 1, proof }, by: dpo(1) };
    assert_eq!(story.refused(&add, hour(4)), Refusal::Report(No::NoSuchReport));
    story.run(&recorded(submission(hour(5)), dpo(1)), hour(5));
    story.run(&add, hour(6));
    assert_eq!(story.refused(&add, hour(7)), Refusal::Report(No::HasProof));
}
