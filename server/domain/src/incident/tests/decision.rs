use super::kit::*;
use crate::clock::{ClockKind, ClockState};
use crate::facts::IncidentKind;
use crate::incident::decision::{
    Ask, Basis, DECISIONS_MAX, NotABreach, People, Refusal as NotDecided, What, open_duties,
};
use crate::incident::{Command, Duty, Event, Log, Refusal, Rules, Seen, Stage, WithdrawalReason, duties};
use crate::report::{ReportState, Submission, SubmissionChannel};
use crate::undated::{Targets, UndatedDuty, UndatedState};
use crate::values::{Hours, Moment, Role};

fn report() -> Ask {
    Ask::Report { reasons: long("The recipients are unknown.") }
}

fn people(people: People) -> Ask {
    Ask::People { people, reasons: long("Weighed with the team.") }
}

fn no_breach() -> Ask {
    Ask::ProposeNotABreach { ground: NotABreach::NearMiss, reasons: long("The mail was stopped at our own server.") }
}

fn close() -> Command {
    Command::Close { open_duties: vec![], by: responder() }
}

fn submitted(at: Moment) -> Command {
    let channel = SubmissionChannel::OnlineForm;
    let submission = Submission { at, channel, ico_reference: None, delay_reasons: None, proof: None };
    recorded(submission, dpo(1))
}

impl Story {
    fn decides(&mut self, ask: Ask, officer: u128, now: Moment) -> Vec<Event> {
        let command = decided(self.incident(), ask, dpo(officer));
        self.run(&command, now).events
    }

    fn refuses(&self, ask: Ask, officer: u128, now: Moment) -> Refusal {
        self.refused(&decided(self.incident(), ask, dpo(officer)), now)
    }

    fn open(&self) -> Vec<Duty> {
        match self.refused(&close(), hour(90)) {
            Refusal::DutiesOpen { duties } => duties,
            other => panic!("{other:?}"),
        }
    }
}

/// One officer decides to report; the record keeps who, when, why and on what; a draft opens; the 72 hours go on.
#[test]
fn reporting_needs_one_officer_and_stops_no_clock() {
    let mut story = Story::breach(0);
    let command = assess(story.incident(), responder());
    story.run(&command, hour(2));
    let newer = Command::UpdateFacts { base_version: 1, facts: newer_facts("More."), by: responder() };
    story.run(&newer, hour(3));
    story.decides(report(), 1, hour(4));
    let incident = story.incident();
    let decided = incident.decisions.report().unwrap();
    assert_eq!((&decided.what, decided.at, &decided.by), (&What::Report, hour(4), &dpo(1)));
    assert_eq!(decided.basis, Basis { facts_version: 2, assessment: Some(1) });
    assert!(decided.second.is_none());
    assert!(incident.ico.as_ref().unwrap().is_open());
    assert_eq!(incident.ico.as_ref().unwrap().due(), hour(72));
    assert!(matches!(incident.report, ReportState::Draft { .. }));
    assert_eq!(story.open(), [Duty::IcoSubmission, Duty::People]);
}

/// Undecided, a breach counts down the same 72 hours and becomes overdue.
#[test]
fn an_undecided_breach_keeps_its_hours() {
    let mut story = Story::breach(0);
    let command = assess(story.incident(), dpo(1));
    story.run(&command, hour(2));
    story.decides(Ask::ProposeNotRequired { reasons: long("Unlikely.") }, 1, hour(3));
    story.tick(&[], hour(73));
    assert_eq!(story.incident().ico.as_ref().unwrap().state, ClockState::Overdue);
}

/// Only data protection officers decide.
#[test]
fn others_may_not_decide() {
    let story = Story::breach(0);
    for role in [Role::Responder, Role::Manager, Role::Auditor, Role::Reporter, Role::Administrator] {
        for ask in [report(), people(People::Tell), no_breach()] {
            let command = decided(story.incident(), ask, person(7, role));
            assert_eq!(story.refused(&command, hour(3)), Refusal::DpoNeeded);
        }
    }
}

/// Two officers at once: the second is told who was first, whatever either asked.
#[test]
fn the_second_of_two_officers_is_told_who_was_first() {
    let mut story = Story::breach(0);
    let seen = Seen::of(story.incident());
    story.decides(report(), 1, hour(4));
    let late = Command::Decision {
        command: crate::incident::decision::Command { seen, ask: people(People::RiskNotHigh) },
        by: dpo(2),
    };
    let first = Refusal::Meanwhile { what: "decided", by: dpo(1), at: hour(4) };
    assert_eq!(story.refused(&late, hour(5)), first);
    assert!(first.to_string().starts_with("Person 11 was first"), "{first}");
    let mut assessed = Story::breach(0);
    let seen = Seen::of(assessed.incident());
    let command = assess(assessed.incident(), responder());
    assessed.run(&command, hour(3));
    let late = Command::Decision { command: crate::incident::decision::Command { seen, ask: report() }, by: dpo(2) };
    let first = Refusal::Meanwhile { what: "assessed", by: responder(), at: hour(3) };
    assert_eq!(assessed.refused(&late, hour(5)), first);
}

/// The older way of proposing that no report is required joins the record, turned down or approved.
#[test]
fn not_required_joins_the_record() {
    let mut story = Story::breach(0);
    story.run(&Command::ProposeNotRequired { reason: long("Unlikely."), by: dpo(1) }, hour(3));
    story.run(&Command::ResolveNotRequired { approve: false, by: dpo(2) }, hour(4));
    assert!(story.incident().decisions.report().is_none());
    story.decides(Ask::ProposeNotRequired { reasons: long("Unlikely, look again.") }, 2, hour(5));
    assert_eq!(story.refuses(Ask::ResolveNotRequired { approve: true }, 2, hour(6)), Refusal::SecondPersonNeeded);
    story.decides(Ask::ResolveNotRequired { approve: true }, 1, hour(7));
    let made = &story.incident().decisions.made;
    let shown: Vec<_> = made.iter().map(|made| (made.took_effect(), made.at)).collect();
    assert_eq!(shown, [(false, hour(4)), (true, hour(7))]);
    assert_eq!(story.incident().decisions.report().unwrap().what, What::NotRequired);
    story.run(&close(), hour(8));
}

/// Deciding to report turns a waiting proposal to the contrary down, and reopens what was decided not to be required.
#[test]
fn a_later_decision_is_added() {
    let mut story = Story::breach(0);
    story.decides(Ask::ProposeNotRequired { reasons: long("Unlikely.") }, 1, hour(3));
    story.decides(no_breach(), 1, hour(3));
    story.decides(report(), 2, hour(4));
    let incident = story.incident();
    assert!(incident.not_required.is_none() && incident.decisions.not_a_breach.is_none());
    assert_eq!(incident.decisions.made.len(), 3, "both proposals stay visible");
    let mut again = Story::breach(0);
    again.decides(Ask::ProposeNotRequired { reasons: long("Unlikely.") }, 1, hour(3));
    again.decides(Ask::ResolveNotRequired { approve: true }, 2, hour(4));
    again.decides(report(), 1, hour(5));
    assert!(matches!(again.incident().report, ReportState::Draft { .. }));
    assert_eq!(again.open(), [Duty::IcoSubmission, Duty::People], "decided again, its clock ended");
    again.run(&submitted(hour(6)), hour(6));
    assert_eq!(again.open(), [Duty::People, Duty::FollowUp]);
    assert_eq!(again.incident().decisions.made.len(), 2);
}

/// Telling people: each ground of Article 34(3), its provision, and what keeps the incident open.
#[test]
fn people_are_told_or_a_ground_says_why_not() {
    let public = People::OutOfProportion { public_communication: long("A notice on the website.") };
    let ordered = People::RequiredByRegulator { reference: Some(line("IC-77")) };
    for (decision, provision, open) in [
        (People::Tell, "UK GDPR Article 34(1)", true),
        (People::RiskNotHigh, "UK GDPR Article 34(1)", false),
        (People::Unreadable, "UK GDPR Article 34(3)(a)", false),
        (People::HighRiskRemoved, "UK GDPR Article 34(3)(b)", false),
        (public, "UK GDPR Article 34(3)(c)", true),
        (ordered, "UK GDPR Article 34(4)", true),
    ] {
        let mut story = Story::breach(0);
        story.run(&submitted(hour(2)), hour(2));
        assert_eq!(story.open(), [Duty::People, Duty::FollowUp]);
        let followed_up = duties::Command::RecordDone { duty: UndatedDuty::FollowUp, at: hour(2) };
        story.run(&Command::Duties { command: followed_up, by: dpo(1) }, hour(2));
        story.decides(people(decision.clone()), 1, hour(3));
        assert_eq!(story.incident().decisions.people().unwrap().1, &decision);
        assert_eq!(decision.provision(), provision);
        assert!(People::WORDS.contains(&decision.word()));
        if open {
            assert_eq!(story.open(), [Duty::PeopleToTell], "{decision:?}");
        } else {
            story.run(&close(), hour(4));
        }
    }
    let likely = Story::circumstances(0);
    assert_eq!(likely.refuses(people(People::Tell), 1, hour(3)), Refusal::NotYetABreach);
    assert_eq!(likely.refuses(report(), 1, hour(3)), Refusal::NotYetABreach);
}

/// Reasons for the delay that were recorded beforehand serve a submission after the legal limit.
#[test]
fn delay_reasons_may_be_recorded_beforehand() {
    let mut story = Story::breach(0);
    story.tick(&[], hour(80));
    assert_eq!(story.refused(&submitted(hour(80)), hour(80)), Refusal::DelayReasonMissing);
    story.decides(Ask::ExplainDelay { reasons: long("The extent was not clear.") }, 1, hour(80));
    story.run(&submitted(hour(81)), hour(81));
    let ReportState::Submitted { submission } = &story.incident().report else { panic!("submitted") };
    assert_eq!(submission.delay_reasons, Some(long("The extent was not clear.")));
    let late = Ask::ExplainDelay { reasons: long("Later.") };
    assert_eq!(story.refuses(late, 1, hour(82)), Refusal::AlreadySubmitted);
    let mut in_time = Story::breach(0);
    in_time.decides(Ask::ExplainDelay { reasons: long("We may be late.") }, 1, hour(2));
    in_time.run(&submitted(hour(3)), hour(3));
    let ReportState::Submitted { submission } = &in_time.incident().report else { panic!("submitted") };
    assert_eq!(submission.delay_reasons, None, "in time there is no delay to explain");
}

/// No breach: a ground, two officers, the clock ends with the ground, and the withdrawal to partners may follow.
#[test]
fn no_breach_takes_two_officers_and_ends_the_clock() {
    let mut story = Story::breach(2);
    let withdraw = Command::Withdraw { reason: WithdrawalReason::NotABreach, note: None, by: responder() };
    assert_eq!(story.refused(&withdraw, hour(3)), Refusal::DecisionNeeded);
    story.decides(no_breach(), 1, hour(3));
    assert_eq!(story.refuses(no_breach(), 2, hour(3)), Refusal::Decision(NotDecided::AlreadyWaiting));
    assert_eq!(story.refuses(Ask::ResolveNotABreach { approve: true }, 1, hour(3)), Refusal::SecondPersonNeeded);
    assert_eq!(story.open(), [Duty::IcoReport, Duty::NotABreachWaiting, Duty::People]);
    let events = story.decides(Ask::ResolveNotABreach { approve: true }, 2, hour(4));
    assert!(ico_change(&events).is_some());
    let ClockState::NotRequired { reason, .. } = &story.incident().ico.as_ref().unwrap().state else { panic!() };
    assert!(reason.as_str().contains("near miss"), "{reason}");
    assert_eq!(story.refuses(people(People::Tell), 1, hour(5)), Refusal::Decision(NotDecided::NotABreach));
    assert_eq!(story.refuses(no_breach(), 1, hour(5)), Refusal::NothingChanges);
    story.run(&withdraw, hour(5));
    assert!(matches!(story.incident().stage, Stage::Withdrawn { .. }));
}

/// No breach, also a near miss: nothing is owed any more, with or without a time in the law, and each says why.
#[test]
fn no_breach_ends_every_duty_without_a_time() {
    let targets = Targets { people_told: Hours::new(48).ok(), follow_up: Hours::new(72).ok(), controller_told: None };
    let rules = Rules { targets, ..Rules::default() };
    let mut story = Story::logged(Log { rules, ..log(IncidentKind::Breach, 0) });
    story.run(&submitted(hour(2)), hour(2));
    story.decides(people(People::Tell), 1, hour(3));
    assert_eq!(story.open(), [Duty::PeopleToTell, Duty::FollowUp]);
    story.decides(no_breach(), 1, hour(4));
    story.decides(Ask::ResolveNotABreach { approve: true }, 2, hour(5));
    let duties = &story.incident().duties;
    for owed in &duties.undated {
        let UndatedState::NotRequired { at, reason } = &owed.state else { panic!("{owed:?}") };
        assert!(*at == hour(5) && reason.as_str().contains("near miss"), "{owed:?}");
    }
    assert_eq!((duties.undated.len(), duties.targets.len()), (2, 2));
    assert!(duties.targets.iter().all(|clock| !clock.is_open()));
    assert!(story.incident().ladders.iter().all(|ladder| ladder.ended));
    story.run(&close(), hour(6));
}

/// Where we only process there is nothing for us to decide and nothing that keeps the incident open; where a clock of ours
/// runs to the ICO all the same, there is.
#[test]
fn a_processor_decides_nothing_for_the_controllers() {
    let rules = Rules { processor_only: true, ..Rules::default() };
    let mut story = Story::logged(Log { rules, ..log(IncidentKind::Breach, 0) });
    let theirs = Refusal::Decision(NotDecided::ForTheControllers);
    for ask in [report(), people(People::Tell), Ask::ExplainDelay { reasons: long("Late.") }] {
        assert_eq!(story.refuses(ask, 1, hour(3)), theirs);
    }
    story.run(&close(), hour(4));
    let mut ours = Story::breach(0).incident().clone();
    ours.rules = rules;
    assert_eq!(open_duties(&ours, &[]), [Duty::IcoReport, Duty::People]);
}

/// Turned down, by whomever, everything goes on as it was.
#[test]
fn no_breach_can_be_turned_down() {
    let mut story = Story::breach(0);
    story.decides(no_breach(), 1, hour(3));
    story.decides(Ask::ResolveNotABreach { approve: false }, 1, hour(4));
    assert!(story.incident().ico.as_ref().unwrap().is_open());
    assert_eq!(story.refuses(Ask::ResolveNotABreach { approve: true }, 2, hour(5)), Refusal::NoSuchProposal);
    assert_eq!(story.open(), [Duty::IcoReport, Duty::People]);
}

/// Circumstances that were decided to be none become a breach after all: everything is to be decided.
#[test]
fn becoming_a_breach_begins_anew() {
    let mut story = Story::circumstances(0);
    story.decides(no_breach(), 1, hour(3));
    story.decides(Ask::ResolveNotABreach { approve: true }, 2, hour(4));
    assert!(story.incident().ico.is_none());
    story.run(&Command::ConvertToBreach { aware_at: hour(5), owed: vec![], by: responder() }, hour(5));
    assert_eq!(story.open(), [Duty::IcoReport, Duty::People]);
    assert_eq!(story.incident().decisions.made.len(), 1, "it stays visible");
}

/// The refusal to close names every duty, partners' with their numbers.
#[test]
fn closing_names_every_duty() {
    let story = Story::logged(log(IncidentKind::Breach, 1));
    let open_duties =
        vec![(ClockKind::PartnerNotice, 3), (ClockKind::PartnerAcknowledgement, 1), (ClockKind::Assistance, 2)];
    let refused = story.refused(&Command::Close { open_duties, by: responder() }, hour(3)).to_string();
    for named in [
        "whether to report it to the ICO",
        "whether to tell the people affected",
        "messages to partners",
        "3 partners not yet told",
        "nobody has read it at 1 partner",
        "2 requests of partners not answered",
    ] {
        assert!(refused.contains(named), "{named}: {refused}");
    }
}

/// There is a limit, every ground has a reason for the clock, and what a form carries is read back.
#[test]
fn limits_and_words() {
    let mut story = Story::breach(0);
    for _ in 0..DECISIONS_MAX {
        story.decides(people(People::RiskNotHigh), 1, hour(3));
    }
    assert_eq!(story.refuses(people(People::Tell), 1, hour(3)), Refusal::Decision(NotDecided::TooMany));
    for ground in NotABreach::ALL {
        assert_eq!(NotABreach::from_word(ground.word()), Some(ground));
        let mut story = Story::breach(0);
        story.decides(Ask::ProposeNotABreach { ground, reasons: long("Looked at.") }, 1, hour(3));
        story.decides(Ask::ResolveNotABreach { approve: true }, 2, hour(4));
        assert!(!story.incident().ico.as_ref().unwrap().is_open(), "{ground:?}");
    }
    let seen = Seen { facts_version: 3, assessments: 1, decisions: 12 };
    assert_eq!(seen.to_string().parse(), Ok(seen));
    for wrong in ["", "1-2", "1-2-3-4", "a-b-c", "-1-2-3"] {
        assert!(wrong.parse::<Seen>().is_err(), "{wrong}");
    }
}
