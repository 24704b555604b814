//! Duties for which the law names no time, and a processor's place: nothing is due by mistake, and a target is our own.

use std::time::Duration;

use domain::arrangement::{OurRole, Trigger};
use domain::clock::ClockKind;
use domain::directory::{Agreement, ArrangementRecord, PartyRole};
use domain::incident::Duty;
use domain::report::{Submission, SubmissionChannel};
use domain::undated::{Targets, UndatedDuty, UndatedState};
use domain::values::Hours;
use server::node::{DoorError, DutySettings};
use server::store::queries::directory;
use tests::facts::first_hour;
use tests::node::{PASSWORD, Party, World, line, log_request};
use tests::typing::submit;
use tests::visitor::Visitor;
use tests::{On, both};

both!(
    a_follow_up_has_no_due_instant_until_somebody_sets_one,
    a_setting_gives_every_incident_a_target,
    a_processor_tells_its_controller_and_reports_nothing,
    the_law_is_on_a_page_with_its_doubts,
);

const HOUR: Duration = Duration::from_secs(3_600);

fn submission(world: &World) -> Submission {
    Submission {
        at: world.now(),
        channel: SubmissionChannel::OnlineForm,
        ico_reference: Some(line("IC-000000-X0X0")),
        delay_reasons: None,
        proof: None,
    }
}

/// A report leaves something out: the follow-up is shown with the time that has passed and no due instant, everywhere. A
/// person aims at an instant: only then a clock runs, marked as our own. Recorded as done, both end, and the incident can
/// be closed.
async fn a_follow_up_has_no_due_instant_until_somebody_sets_one(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    operator.node.record_submission(&operator.reporter(), id, submission(&world)).await.expect("recorded");
    world.pass(3 * HOUR + HOUR / 3);
    world.settle(&[&operator]).await;
    let refused = operator.node.close(&operator.responder(), id).await;
    assert!(matches!(refused, Err(DoorError::Refused(_))), "{refused:?}");

    let address = operator.serve();
    let mut visitor = Visitor::signed_in(address, &operator.email("dpo"), PASSWORD).await;
    for path in ["/", &format!("/incidents/{id}")] {
        let text = visitor.get(path).await.page().text();
        assert!(text.contains("Follow the ICO report up") && text.contains("for 3 hours 20 minutes"), "{path}: {text}");
        assert!(text.contains("The law names no time") && text.contains("Article 33(4)"), "{path}: {text}");
        assert!(!text.contains("overdue since"), "{path}: {text}");
    }
    assert!(visitor.get("/wall").await.page().text().contains("Follow the ICO report up"));
    assert!(visitor.get("/").await.page().role("timer").is_empty(), "nothing counts down");

    let ended_at = format!("/incidents/{id}/duties/follow_up");
    let decisions = visitor.get(&format!("/incidents/{id}/decision")).await.page();
    let links = decisions.all("a").into_iter().filter_map(|link| link.attribute("href"));
    assert!(
        links.into_iter().any(|to| to == ended_at),
        "what is open leads to where it is ended: {}",
        decisions.text()
    );
    let page = visitor.get(&ended_at).await.page();
    let past = submit(&mut visitor, &page, "Record it", &[("do", "target")]).await;
    assert_eq!(past.status, 422, "a target lies ahead");
    world.pass(HOUR);
    let now = visitor.get("/now").await.json();
    let tomorrow = (now["day"].as_str().expect("a day").parse::<u32>().expect("a number") + 1).to_string();
    let set = submit(&mut visitor, &page, "Record it", &[("do", "target"), ("at-day", &tomorrow)]).await;
    assert_eq!(set.status, 303, "{}", set.text());
    let home = visitor.get("/").await.page();
    assert_eq!(home.role("timer").len(), 1);
    assert!(home.text().contains("Our own target") && home.text().contains("our own target:"), "{}", home.text());
    assert!(operator.incident(id).await.duties.target(ClockKind::FollowUp).is_some_and(|clock| clock.own_target));
    world.pass(30 * HOUR);
    world.settle(&[&operator]).await;
    // Nobody stays signed in for so long.
    let mut visitor = Visitor::signed_in(address, &operator.email("dpo"), PASSWORD).await;
    let missed = visitor.get("/").await.page().text();
    assert!(missed.contains("our own target passed") && !missed.contains("overdue since"), "{missed}");

    let page = visitor.get(&format!("/incidents/{id}/duties/follow_up")).await.page();
    let done = submit(&mut visitor, &page, "Record it", &[("do", "done")]).await;
    assert_eq!(done.status, 303, "{}", done.text());
    assert!(!visitor.get("/").await.page().text().contains("our own target passed"));
    operator.tells_nobody(id).await;
    operator.node.close(&operator.responder(), id).await.expect("closed");
    let (kept, rebuilt) = operator.rebuilt(on).await;
    assert_eq!(kept, rebuilt);
}

/// Hours set for the whole node start a clock of our own beside the duty.
async fn a_setting_gives_every_incident_a_target(on: On) {
    let world = World::new(on);
    let targets = Targets { follow_up: Hours::new(24).ok(), ..Targets::default() };
    let operator = world.party("Operator").await;
    let operator = operator.restart_with_duties(DutySettings { targets, ..DutySettings::default() }).await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    operator.node.record_submission(&operator.reporter(), id, submission(&world)).await.expect("recorded");
    let since = world.now();
    world.pass(25 * HOUR);
    world.settle(&[&operator]).await;
    let incident = operator.incident(id).await;
    let clock = incident.duties.target(ClockKind::FollowUp).expect("a target").clone();
    assert_eq!((clock.due(), clock.state.word()), (since.plus_seconds(24 * 3_600), "overdue"));
    let open = incident.duties.open(UndatedDuty::FollowUp).expect("still owed");
    assert_eq!(open.since, since);
    let (kept, rebuilt) = operator.rebuilt(on).await;
    assert_eq!(kept, rebuilt);
}

/// The operator processes for the council, and no hours are agreed.
async fn processing(operator: &Party, council: &Party) {
    let known = operator.node.store().read(directory::known).await.expect("the directory");
    let with = operator.partner_by(council.issuer()).await;
    let party = known.parties.iter().find(|party| party.id == with.uuid()).expect("a partner").record.key.clone();
    let agreement = Agreement {
        services: known.services.iter().map(|service| service.record.key.clone()).collect(),
        trigger: Some(Trigger::BreachOnly),
        ..Agreement::titled("processing".parse().expect("a key"), line("Processing"), PartyRole::Processor)
    };
    let arrangement = ArrangementRecord {
        our_role: Some(OurRole::Processor),
        ..ArrangementRecord::under("for-them".parse().expect("a key"), &agreement, party)
    };
    let by = operator.administrator();
    operator.node.save_agreement(&by, agreement, None).await.expect("an agreement");
    operator.node.save_arrangement(&by, arrangement, None).await.expect("an arrangement");
}

/// Where we only process, no clock of ours runs to the regulator. The controller is told at once, with no clock in the
/// notice and no due instant on our side; its receipt ends the duty; its own 72 hours start.
async fn a_processor_tells_its_controller_and_reports_nothing(on: On) {
    let world = World::new(on);
    let operator = world.listening_party("Operator").await;
    let council = world.listening_party("Council").await;
    world.pair(&operator, &council).await;
    processing(&operator, &council).await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let incident = operator.incident(id).await;
    assert!(incident.rules.processor_only && incident.ico.is_none());
    assert_eq!(incident.owed.len(), 1, "the controller is owed a notice without agreed hours");
    let before = operator.exchange_with(id, &council).await;
    assert_eq!(before.notice_clock, None);
    assert!(before.undated.as_ref().is_some_and(|owed| owed.duty == UndatedDuty::ControllerTold && owed.is_open()));
    world.settle(&[&operator, &council]).await;
    let told = operator.exchange_with(id, &council).await;
    assert!(matches!(told.undated.expect("the duty").state, UndatedState::Done { .. }));
    let notice = council.only_received().await;
    assert_eq!(notice.notice_clock, None, "no contract clock was stated");
    let incident = operator.incident(id).await;
    let open = operator.node.open_duties(&incident).await.expect("answers");
    assert!(!open.contains(&Duty::People), "whether to tell people is for the controller to decide: {open:?}");
    assert!(notice.ico_clock.is_some(), "the controller's own 72 hours run");
    let (kept, rebuilt) = operator.rebuilt(on).await;
    assert_eq!(kept, rebuilt);
}

/// Everybody who reads sees what the node counts by, with what is not verified marked.
async fn the_law_is_on_a_page_with_its_doubts(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let address = operator.serve();
    let mut visitor = Visitor::signed_in(address, &operator.email("auditor"), PASSWORD).await;
    let page = visitor.get("/administration/law").await.page();
    assert_eq!(page.heading(), "Law and guidance");
    let text = page.text();
    for said in ["72 hours", "From 20 August 2025", "unverified", "Proposed, never applied", "Not verified", "EDPB"] {
        let data = text.contains(said) || said == "EDPB" && text.contains("European Data Protection Board");
        assert!(data, "{said} in {text}");
    }
}
