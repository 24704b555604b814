//! The two sides of a case talk: help asked and given by a due time, a person's request passed on, views in a joint
//! decision, and a report to the ICO told to the other.

use std::net::SocketAddr;
use std::time::Duration;

use domain::clock::{Anchor, ClockState, Evidence};
use domain::exchange::{Direction, MessageKind, NoticeDelivery, Refusal, Stance};
use domain::incident::WithdrawalReason;
use domain::report::{Submission, SubmissionChannel};
use domain::values::{ExchangeId, IncidentId, LongText, MessageId, Moment};
use serde_json::json;
use server::access::Scope;
use server::node::DoorError;
use server::node::said::NewMessage;
use server::store::alerts::{self, AlertKind};
use server::store::queries::said::{self, Message};
use tests::facts::first_hour;
use tests::node::{PASSWORD, Party, World, line, log_request, payload};
use tests::partner::{Behaviour, Scripted};
use tests::visitor::Visitor;
use tests::{On, both};
use webhooks::message::{self as wire, Event, Person};
use webhooks::values::WireTime;

both!(
    help_is_asked_and_given,
    an_answer_that_does_not_come_is_overdue_on_both_sides,
    a_request_passed_on_keeps_the_time_it_came_in,
    a_joint_decision_is_talked_over,
    a_report_to_the_ico_is_told,
    what_a_partner_may_not_say,
    a_message_that_overtook_its_notice_finds_its_place,
    refused_words_are_said_again,
    what_we_cannot_say,
    programs_talk_too,
    a_notice_for_another_is_answered_deleted,
    messages_are_rebuilt_and_erased,
);

const HOUR: i64 = 3_600;
const PLANTED: &str = "quuxfrobnicate";

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3_600)
}

fn saying(kind: MessageKind, text: &str) -> NewMessage {
    let text = LongText::parse(text).expect("a text");
    NewMessage { form: None, kind, text, re: None, due: None, received_at: None }
}

async fn say(party: &Party, exchange: ExchangeId, new: NewMessage) {
    party.node.say(&party.responder(), exchange, new).await.expect("said");
}

async fn thread(party: &Party, exchange: ExchangeId) -> Vec<Message> {
    let exchange = party.exchange(exchange).await;
    party.node.store().read(move |rows| said::thread(rows, &exchange, 100)).await.expect("the thread")
}

async fn open_alerts(party: &Party) -> Vec<AlertKind> {
    let open = party.node.store().read(|rows| alerts::open(rows, 100)).await.expect("the alerts");
    open.into_iter().map(|alert| alert.kind).collect()
}

/// An incident of the operator's that the council was told of, and both exchanges.
struct Case {
    operator: Party,
    council: Party,
    incident: IncidentId,
    ours: ExchangeId,
    theirs: ExchangeId,
}

impl Case {
    async fn told(world: &World) -> Self {
        let operator = world.listening_party("Operator").await;
        let council = world.listening_party("Council").await;
        world.pair(&operator, &council).await;
        operator.arrange(&council, 48).await;
        council.arrange(&operator, 48).await;
        let incident = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
        world.settle(&[&operator, &council]).await;
        let ours = operator.exchange_with(incident, &council).await.id;
        let theirs = council.only_received().await.id;
        Self { operator, council, incident, ours, theirs }
    }

    async fn settle(&self, world: &World) {
        world.settle(&[&self.operator, &self.council]).await;
    }
}

async fn text_of(address: SocketAddr, email: &str, path: &str) -> String {
    let mut visitor = Visitor::signed_in(address, email, PASSWORD).await;
    let answer = visitor.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.page().text()
}

/// Aim: help asked by a due time starts one clock on both sides, a duty of whoever was asked; the answer meets it at its
/// instant on both; pages say who owes what; reading is a person's act and clears the alert.
async fn help_is_asked_and_given(on: On) {
    let world = World::new(on);
    let mut case = Case::told(&world).await;
    let (at_operator, at_council) = (case.operator.serve(), case.council.serve());
    let due = world.now().floor_second().plus_seconds(10 * HOUR + 90);
    let ask = NewMessage { due: Some(due), ..saying(MessageKind::AssistanceRequest, "Please send the access logs.") };
    say(&case.operator, case.ours, ask).await;
    case.settle(&world).await;

    let (asked, owed) = (case.operator.exchange(case.ours).await, case.council.exchange(case.theirs).await);
    assert_eq!((asked.asked[0].clock.anchor, owed.asked[0].clock.anchor), (Anchor::AskedByUs, Anchor::AskedOfUs));
    assert_eq!((asked.asked[0].clock.due(), owed.asked[0].clock.due()), (due, due), "both compute the same instant");
    assert_eq!(asked.asked[0].clock.anchored_at, owed.asked[0].clock.anchored_at);
    assert_eq!(open_alerts(&case.council).await, [AlertKind::MessageUnread]);

    let council_says = case.council.email("responder");
    let home = text_of(at_council, &council_says, "/").await;
    assert!(home.contains("Answer Operator") && home.contains("to be read"), "a duty of theirs, and an alert: {home}");
    let page = text_of(at_council, &council_says, &format!("/received/{}", case.theirs)).await;
    assert!(page.contains("Please send the access logs.") && page.contains("We owe Operator an answer by"), "{page}");
    let operator_reads = case.operator.email("responder");
    let home = text_of(at_operator, &operator_reads, "/").await;
    assert!(!home.contains("Answer Council"), "no duty of ours: {home}");
    let page = text_of(at_operator, &operator_reads, &format!("/incidents/{}", case.incident)).await;
    assert!(page.contains("Council owes us an answer by"), "{page}");

    // Written on the page, as a person does: the form knows what it answers, and says it once.
    world.pass(hours(2));
    let mut person = Visitor::signed_in(at_council, &council_says, PASSWORD).await;
    let page = person.get(&format!("/exchanges/{}/messages", case.theirs)).await.page();
    let form = person.get(page.link("Answer it").attribute("href").expect("an address")).await.page();
    let mut fields = form.form("Send it").fields();
    fields.retain(|(name, _)| name != "text");
    fields.push(("text".to_owned(), "They are in our archive: reference L-17.".to_owned()));
    fields.push(("go".to_owned(), "send".to_owned()));
    let action = form.form("Send it").attribute("action").expect("an address").to_owned();
    for _ in 0..2 {
        let answer = person.post(&action, &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
    }
    let answered_at = world.now().floor_second();
    world.pass(Duration::from_secs(600));
    case.settle(&world).await;
    for (party, exchange) in [(&case.operator, case.ours), (&case.council, case.theirs)] {
        let state = party.exchange(exchange).await;
        let met = ClockState::Met { at: answered_at, evidence: Evidence::Answer, proved_late: false };
        assert_eq!(state.asked[0].clock.state, met, "{}", party.name);
        assert_eq!(state.said.len(), 2, "a button pressed twice says it once");
    }
    assert_eq!(open_alerts(&case.council).await, [], "who answers has read it");
    let page = text_of(at_council, &council_says, &format!("/exchanges/{}/messages", case.theirs)).await;
    assert!(page.contains("Write about it") && !page.contains("Answer it"), "it is answered: {page}");

    let mut person = Visitor::signed_in(at_operator, &operator_reads, PASSWORD).await;
    let page = person.get(&format!("/exchanges/{}", case.ours)).await.page();
    assert!(page.text().contains("Not read") && page.text().contains("Answered"), "{}", page.text());
    let form = page.form("Mark as read");
    let (action, fields) = (form.attribute("action").expect("an address").to_owned(), form.fields());
    assert_eq!(case.operator.exchange(case.ours).await.unread(), 1, "looking at a page reads nothing");
    assert_eq!(person.post(&action, &fields).await.status, 303);
    assert_eq!(person.post(&action, &fields).await.status, 303, "read by somebody quicker is read");
    assert_eq!(case.operator.exchange(case.ours).await.unread(), 0);
    assert!(open_alerts(&case.operator).await.is_empty());
}

/// Aim: past its instant a request is overdue on both sides; the one who was asked is alarmed by a ladder before, the
/// other sees that they are owed. An incident of the council's own takes the ladder over. A late answer is late.
async fn an_answer_that_does_not_come_is_overdue_on_both_sides(on: On) {
    let world = World::new(on);
    let mut case = Case::told(&world).await;
    let (at_operator, at_council) = (case.operator.serve(), case.council.serve());
    let due = world.now().floor_second().plus_seconds(5 * HOUR);
    let ask = NewMessage { due: Some(due), ..saying(MessageKind::AssistanceRequest, "Which accounts were used?") };
    say(&case.operator, case.ours, ask).await;
    case.settle(&world).await;
    world.pass(hours(3) + Duration::from_secs(60));
    case.settle(&world).await;
    let climbed = case.council.exchange(case.theirs).await.ladders;
    assert!(climbed.iter().any(|ladder| ladder.due == due && ladder.last_offset == Some(-120)), "{climbed:?}");

    let mut own = log_request(first_hour("The operator's mailbox was open"), world.now());
    own.from_exchange = Some(case.theirs);
    let own = case.council.log(own).await;
    case.settle(&world).await;
    world.pass(hours(2));
    case.settle(&world).await;
    for (party, exchange) in [(&case.operator, case.ours), (&case.council, case.theirs)] {
        assert_eq!(party.exchange(exchange).await.asked[0].clock.state, ClockState::Overdue, "{}", party.name);
    }
    let ladders = case.council.incident(own).await.ladders;
    assert!(ladders.iter().any(|ladder| ladder.due == due && ladder.last_offset >= Some(0)), "{ladders:?}");
    let reads = case.council.email("manager");
    let page = text_of(at_council, &reads, &format!("/exchanges/{}/messages", case.theirs)).await;
    assert!(page.contains("Overdue"), "{page}");
    let page = text_of(at_operator, &case.operator.email("dpo"), &format!("/incidents/{}", case.incident)).await;
    assert!(page.contains("Council owed us an answer by"), "{page}");

    let request = case.council.exchange(case.theirs).await.asked[0].request;
    let answer = NewMessage { re: Some(request), ..saying(MessageKind::Answer, "Two of them.") };
    say(&case.council, case.theirs, answer).await;
    case.settle(&world).await;
    for (party, exchange) in [(&case.operator, case.ours), (&case.council, case.theirs)] {
        let state = party.exchange(exchange).await.asked.remove(0).clock.state;
        assert!(matches!(state, ClockState::MetLate { .. }), "{}: {state:?}", party.name);
    }
    for party in [&case.operator, &case.council] {
        let (kept, rebuilt) = party.rebuilt(on).await;
        assert_eq!(kept, rebuilt, "{}", party.name);
    }
}

/// Aim: a data subject's request that was meant for the other keeps the instant at which it came in, and its clock goes on
/// when the notice is withdrawn.
async fn a_request_passed_on_keeps_the_time_it_came_in(on: On) {
    let world = World::new(on);
    let case = Case::told(&world).await;
    let came_in = world.now().floor_second().plus_seconds(-30 * HOUR);
    let new = NewMessage {
        due: Some(world.now().plus_seconds(20 * 24 * HOUR)),
        received_at: Some(came_in),
        ..saying(MessageKind::ForwardedRequest, "A person asks for a copy of their report.")
    };
    say(&case.council, case.theirs, new).await;
    case.settle(&world).await;
    let message = thread(&case.operator, case.ours).await.remove(0);
    assert_eq!((message.said.received_at, message.said.kind), (Some(came_in), MessageKind::ForwardedRequest));
    let by = case.operator.responder();
    case.operator
        .node
        .withdraw(&by, case.incident, WithdrawalReason::NotABreach, None)
        .await
        .expect_err("72 hours run");
    case.operator.node.withdraw(&by, case.incident, WithdrawalReason::SentInError, None).await.expect("withdrawn");
    case.settle(&world).await;
    for (party, exchange) in [(&case.operator, case.ours), (&case.council, case.theirs)] {
        assert!(party.exchange(exchange).await.asked[0].clock.is_open(), "{}: a person still waits", party.name);
    }
    // Talking goes on after a withdrawal.
    let answer =
        NewMessage { re: Some(message.said.message), ..saying(MessageKind::Answer, "We have written to them.") };
    say(&case.operator, case.ours, answer).await;
    case.settle(&world).await;
    assert!(!case.council.exchange(case.theirs).await.asked[0].clock.is_open());
}

/// Aim: a view is asked for, given, and the decision told; each names what it belongs to.
async fn a_joint_decision_is_talked_over(on: On) {
    let world = World::new(on);
    let case = Case::told(&world).await;
    let due = Some(world.now().plus_seconds(6 * HOUR));
    say(&case.operator, case.ours, NewMessage { due, ..saying(MessageKind::ViewRequest, "Is a risk likely?") }).await;
    case.settle(&world).await;
    let request = thread(&case.council, case.theirs).await.remove(0).said.message;
    let view = NewMessage { re: Some(request), ..saying(MessageKind::View, "We think so: health data.") };
    say(&case.council, case.theirs, view).await;
    case.settle(&world).await;
    assert!(!case.operator.exchange(case.ours).await.asked[0].clock.is_open(), "a view answers a request for one");
    let view = thread(&case.operator, case.ours).await.remove(1).said.message;
    let decision = NewMessage { re: Some(view), ..saying(MessageKind::Decision, "We report it, for both.") };
    say(&case.operator, case.ours, decision).await;
    case.settle(&world).await;
    let kinds: Vec<MessageKind> = thread(&case.council, case.theirs).await.iter().map(|it| it.said.kind).collect();
    assert_eq!(kinds, [MessageKind::ViewRequest, MessageKind::View, MessageKind::Decision]);
    assert!(
        thread(&case.operator, case.ours).await.iter().all(|it| !it.sent || it.carried.as_deref() == Some("receipted"))
    );
}

async fn submit(party: &Party, incident: IncidentId, at: Moment) {
    let submission = Submission {
        at,
        channel: SubmissionChannel::OnlineForm,
        ico_reference: Some(line("IC-000000-X0X0")),
        delay_reasons: None,
        proof: None,
    };
    party.node.record_submission(&party.reporter(), incident, submission).await.expect("recorded");
}

/// Aim: once the submission is recorded, an officer has every partner told, once; each message names sender and addressee
/// and nobody else; the receiver's own clock goes on, and its page says so.
async fn a_report_to_the_ico_is_told(on: On) {
    let world = World::new(on);
    let mut case = Case::told(&world).await;
    let officer = case.operator.dpo();
    let early = case.operator.node.tell_filed(&officer, case.incident).await;
    assert!(matches!(early, Err(DoorError::Refused(domain::incident::Refusal::NotSubmitted))), "{early:?}");
    world.pass(hours(1));
    submit(&case.operator, case.incident, world.now()).await;
    let at_operator = case.operator.serve();
    let mut person = Visitor::signed_in(at_operator, &case.operator.email("dpo"), PASSWORD).await;
    let page = person.get(&format!("/incidents/{}", case.incident)).await.page();
    let path = page.link("Tell partners that we reported it").attribute("href").expect("an address").to_owned();
    let page = person.get(&path).await.page();
    let fields = page.form("Tell them").fields();
    assert_eq!(person.post(&path, &fields).await.status, 303);
    let again = case.operator.node.tell_filed(&officer, case.incident).await;
    assert!(matches!(again, Err(DoorError::Refused(domain::incident::Refusal::NothingChanges))), "{again:?}");
    case.settle(&world).await;

    let sent: serde_json::Value =
        serde_json::from_slice(&payload(&world.wire, case.council.issuer(), "filed")).expect("JSON");
    let body = &sent["events"]["urn:tocsin:breach:1:filed"];
    assert_eq!(body["on_behalf_of"], json!([case.operator.issuer(), case.council.issuer()]));
    assert_eq!((&body["authority"], &body["reference"]), (&json!("ICO"), &json!("IC-000000-X0X0")));
    let received = case.council.exchange(case.theirs).await;
    assert_eq!((received.direction, received.filings.len()), (Direction::Incoming, 1));
    assert!(received.ico_clock.expect("our 72 hours").is_open(), "relying on it is a person's decision");
    assert_eq!(open_alerts(&case.council).await, [AlertKind::PartnerFiled]);
    let at_council = case.council.serve();
    let page = text_of(at_council, &case.council.email("dpo"), &format!("/received/{}", case.theirs)).await;
    assert!(page.contains("Operator reported this case to the ICO at") && page.contains("IC-000000-X0X0"), "{page}");
    assert!(page.contains("Our own clock goes on"), "{page}");
}

fn their_message(partner: &Scripted, case: &str, now: i64, change: impl FnOnce(&mut wire::Message)) -> String {
    partner.message(case, now, |seq, prev, checkpoint| {
        let mut message = wire::Message {
            seq,
            prev,
            checkpoint,
            kind: wire::MessageKind::AssistanceRequest,
            text: "Which mailbox was it?".to_owned(),
            re: None,
            due_at: WireTime::from_unix(now + 7_200),
            received_at: None,
            by: Person { name: "R. Example".to_owned(), role: "analyst".to_owned() },
            exercise: false,
        };
        change(&mut message);
        Event::Message(message)
    })
}

/// Aim: words about a case that is not known yet are kept, and belong to it from its notice on: the request has its clock,
/// and nobody is told of an unknown case any more. Words about other cases go on waiting.
async fn a_message_that_overtook_its_notice_finds_its_place(on: On) {
    const CASE: &str = "0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e21";
    const OTHER: &str = "0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e22";
    let notice = serde_json::from_str(include_str!("../../webhooks/tests/golden/notified.json")).expect("JSON");
    let world = World::new(on);
    // The notice tells of things in November.
    world.pass(hours(24 * 266));
    let operator = world.party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    let now = world.now().unix_seconds();
    let (first, second) =
        (partner.notified(CASE, &notice, now), their_message(&partner, CASE, now, |message| message.exercise = true));
    let elsewhere = their_message(&partner, OTHER, now, |message| message.exercise = true);
    let receipt = operator.take(&second).await.expect("kept and signed for");
    operator.take(&elsewhere).await.expect("kept and signed for");
    assert_eq!(open_alerts(&operator).await, [AlertKind::UnknownCase, AlertKind::UnknownCase]);
    operator.take(&first).await.expect("stored");
    let exchange = operator.only_received().await;
    assert_eq!((exchange.said.len(), exchange.asked.len(), exchange.unread()), (1, 1, 1));
    assert!(exchange.asked[0].is_our_duty() && exchange.asked[0].clock.is_open());
    let alerts = open_alerts(&operator).await;
    assert_eq!(alerts.iter().filter(|kind| **kind == AlertKind::UnknownCase).count(), 1, "{alerts:?}");
    assert!(alerts.contains(&AlertKind::MessageUnread), "{alerts:?}");
    assert_eq!(operator.take(&second).await.expect("stored"), receipt, "the same receipt");
    // The next number, so that it is taken together with others when nothing of theirs waits.
    let third = partner.notified(OTHER, &notice, now);
    operator.take(&third).await.expect("stored");
    assert!(!open_alerts(&operator).await.contains(&AlertKind::UnknownCase));
}

/// Aim: a request and a filing that the partner's node refused are said again by a person, and arrive; the request keeps its
/// clock.
async fn refused_words_are_said_again(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    let incident = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator]).await;
    let exchange = operator.incident(incident).await.owed.remove(0).exchange;
    partner.behave(Behaviour::Answer(400, r#"{"err":"invalid_request","description":"A filter."}"#));
    let due = world.now().plus_seconds(6 * HOUR);
    let asking =
        NewMessage { due: Some(due), ..saying(MessageKind::AssistanceRequest, "Please send the access logs.") };
    say(&operator, exchange, asking).await;
    submit(&operator, incident, world.now()).await;
    operator.node.tell_filed(&operator.dpo(), incident).await.expect("told");
    world.settle(&[&operator]).await;
    partner.behave(Behaviour::Accept);
    let refused = operator.exchange(exchange).await;
    for message in [refused.said[0].message, refused.filings[0].message] {
        let reason = LongText::parse("Their filter was put right.").expect("a text");
        operator.node.reissue(&operator.responder(), exchange, message, reason).await.expect("said again");
    }
    world.settle(&[&operator]).await;
    let state = operator.exchange(exchange).await;
    let arrived = |delivery: Option<&NoticeDelivery>| matches!(delivery, Some(NoticeDelivery::Receipted { .. }));
    assert!(arrived(state.said.last().and_then(|said| said.delivery.as_ref())), "{:?}", state.said);
    assert!(arrived(state.filings.last().and_then(|told| told.delivery.as_ref())), "{:?}", state.filings);
    let open: Vec<_> = state.asked.iter().filter(|asked| asked.clock.is_open()).collect();
    assert_eq!((open.len(), open[0].request, open[0].clock.due()), (1, state.said[1].message, due));
    assert!(!open_alerts(&operator).await.contains(&AlertKind::Parked));
}

/// Aim: a repeat is signed for again and said once; words about an unknown case are kept for a person; a request without a
/// due instant starts no clock, a reference to an unknown message is kept, and one that was due before it came is overdue
/// at once; a changed exercise mark is refused.
async fn what_a_partner_may_not_say(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let partner = world.scripted(&operator, "Council", 48).await;
    let incident = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator]).await;
    let owed = operator.incident(incident).await.owed.remove(0);
    let (exchange, case) = (owed.exchange, owed.case.to_string());
    let now = world.now().unix_seconds();

    let token = their_message(&partner, &case, now, |_| {});
    let receipt = operator.take(&token).await.expect("stored");
    for _ in 0..3 {
        assert_eq!(operator.take(&token).await.expect("stored"), receipt, "the same receipt");
    }
    assert_eq!(operator.exchange(exchange).await.said.len(), 1);
    let unknown = their_message(&partner, "0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e21", now, |_| {});
    operator.take(&unknown).await.expect("kept and signed for");
    let alerts = open_alerts(&operator).await;
    assert!(alerts.contains(&AlertKind::UnknownCase) && alerts.contains(&AlertKind::MessageUnread), "{alerts:?}");

    let without = their_message(&partner, &case, now, |message| message.due_at = None);
    operator.take(&without).await.expect("stored");
    let odd = their_message(&partner, &case, now, |message| {
        message.due_at = WireTime::from_unix(now - 60);
        message.re = Some(MessageId::derive(exchange, "nothing", 1).uuid());
    });
    operator.take(&odd).await.expect("stored");
    world.pass(Duration::from_secs(60));
    world.settle(&[&operator]).await;
    let state = operator.exchange(exchange).await;
    assert_eq!((state.said.len(), state.asked.len()), (3, 2));
    assert_eq!(
        (&state.asked[0].clock.state, &state.asked[1].clock.state),
        (&ClockState::Running, &ClockState::Overdue)
    );
    let drill = their_message(&partner, &case, now, |message| message.exercise = true);
    operator.take(&drill).await.expect_err("the mark never changes");
    operator.verify_ledger().await;
}

/// Aim: bad input on the page is answered with 422 and the field to mend; nothing is sent.
async fn what_we_cannot_say(on: On) {
    let world = World::new(on);
    let mut case = Case::told(&world).await;
    let address = case.operator.serve();
    let mut person = Visitor::signed_in(address, &case.operator.email("responder"), PASSWORD).await;
    let path = format!("/exchanges/{}/messages/new", case.ours);
    let form = person.get(&path).await.page();
    let base: Vec<(String, String)> = form
        .form("Send it")
        .fields()
        .into_iter()
        .filter(|(name, _)| !["kind", "text", "re"].contains(&name.as_str()) && !name.starts_with("due-"))
        .collect();
    let long = "x".repeat(8_001);
    let past = [("due-day", "1"), ("due-month", "1"), ("due-year", "2026"), ("due-time", "10:00")];
    let nobody = case.theirs.to_string();
    for (bad, about) in [
        (vec![("kind", "question"), ("text", "")], "Write the message"),
        (vec![("text", "Why?")], "Say what it is"),
        (vec![("kind", "question"), ("text", &long)], "8000"),
        (vec![("kind", "assistance_request"), ("text", "Please.")], "needs a date and time"),
        ([vec![("kind", "assistance_request"), ("text", "Please.")], past.to_vec()].concat(), "in the past"),
        (vec![("kind", "answer"), ("text", "Yes."), ("re", &nobody)], "no such message"),
        (vec![("kind", "answer"), ("text", "Yes."), ("re", "x")], "a message of this case"),
        (vec![("kind", "question"), ("text", "Ask jane.doe@citizen.example about it.")], "personal data"),
    ] {
        let fields: Vec<(String, String)> = base
            .iter()
            .cloned()
            .chain(bad.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())))
            .collect();
        let answer = person.post(&path, &fields).await;
        assert_eq!(answer.status, 422, "{about}: {}", answer.page().text());
        assert!(answer.page().text().contains(about), "{about}: {}", answer.page().text());
    }
    assert!(case.operator.exchange(case.ours).await.said.is_empty());
    let manager = Visitor::signed_in(address, &case.operator.email("manager"), PASSWORD).await.get(&path).await;
    assert_eq!(manager.status, 403);
    let mut held = log_request(first_hour("Another mailbox was open"), world.now());
    held.hold = true;
    let held = case.operator.log(held).await;
    let exchange = case.operator.incident(held).await.owed[0].exchange;
    let refused =
        case.operator.node.say(&case.operator.responder(), exchange, saying(MessageKind::Question, "Why?")).await;
    assert!(matches!(refused, Err(DoorError::ExchangeRefused(Refusal::NothingTold))), "{refused:?}");
}

/// Aim: what the pages do, programs do: list, write once for each key, mark as read, tell the filing.
async fn programs_talk_too(on: On) {
    let world = World::new(on);
    let mut case = Case::told(&world).await;
    let address = case.operator.serve();
    let account =
        case.operator.node.account(&case.operator.email("dpo")).await.expect("the store answers").expect("one");
    let officer = case.operator.node.person(account.id).await.expect("a person");
    let ends = case.operator.node.time().elapsed().plus_seconds(86_400);
    let scopes = vec![Scope::Read, Scope::Respond, Scope::Decide];
    let (_, token) = case.operator.node.add_token(&officer, line("A program"), scopes, ends).await.expect("a token");
    let program = Visitor::with_token(address, &token);
    let post = async |path: &str, key: &str, body: serde_json::Value| {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        program.send("POST", &format!("/api/v1{path}"), &headers, &body).await.expect("an answer")
    };
    let messages = format!("/notices/{}/messages", case.ours);
    let bad = post(&messages, "k1", json!({ "kind": "answer", "text": "Yes." })).await;
    assert_eq!(bad.status, 409, "{}", bad.text());
    let due = world.now().floor_second().plus_seconds(7_200).to_string();
    let ask = json!({ "kind": "assistance_request", "text": "Please send the logs.", "due_at": due });
    for _ in 0..2 {
        assert_eq!(post(&messages, "k2", ask.clone()).await.status, 204);
    }
    case.settle(&world).await;
    let request = case.council.exchange(case.theirs).await.asked[0].request;
    let answer = NewMessage { re: Some(request), ..saying(MessageKind::Answer, "Attached to the case.") };
    say(&case.council, case.theirs, answer).await;
    case.settle(&world).await;
    let listed = program.send("GET", &format!("/api/v1{messages}"), &[], b"").await.expect("an answer").json();
    let items = listed["items"].as_array().expect("items");
    assert_eq!(items.len(), 2, "{listed}");
    assert_eq!((&items[0]["clock"]["state"], &items[0]["clock"]["evidence"]), (&json!("Met"), &json!("answer")));
    assert_eq!((&items[0]["state"], &items[1]["re"]), (&json!("receipted"), &items[0]["id"]));
    let read = json!({ "message": items[1]["id"] });
    assert_eq!(post(&format!("{messages}/read"), "k3", read).await.status, 204);
    let tell = format!("/incidents/{}/tell-filed", case.incident);
    assert_eq!(post(&tell, "k4", serde_json::Value::Null).await.status, 409);
    submit(&case.operator, case.incident, world.now()).await;
    assert_eq!(post(&tell, "k5", serde_json::Value::Null).await.status, 204);
    case.settle(&world).await;
    assert_eq!(case.council.exchange(case.theirs).await.filings.len(), 1);
}

/// Aim: "deleted" is offered only when the sender withdrew a notice that was meant for another, and reaches them.
async fn a_notice_for_another_is_answered_deleted(on: On) {
    let world = World::new(on);
    let mut case = Case::told(&world).await;
    let by = case.council.responder();
    let early = case.council.node.acknowledge_deleted(&by, case.theirs, Stance::NotAffected, None).await;
    assert!(matches!(early, Err(DoorError::ExchangeRefused(Refusal::NothingToDelete))), "{early:?}");
    let reason = WithdrawalReason::WrongRecipient;
    case.operator.node.withdraw(&case.operator.responder(), case.incident, reason, None).await.expect("withdrawn");
    case.settle(&world).await;
    let address = case.council.serve();
    let mut person = Visitor::signed_in(address, &case.council.email("responder"), PASSWORD).await;
    let page = person.get(&format!("/received/{}", case.theirs)).await.page();
    let form = page.form("Acknowledge");
    let mut fields = form.fields();
    fields.extend(
        [("stance", "not_affected"), ("deleted", "yes")].map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let action = form.attribute("action").expect("an address").to_owned();
    assert_eq!(person.post(&action, &fields).await.status, 303);
    case.settle(&world).await;
    let told = case.operator.exchange(case.ours).await;
    assert!(told.acknowledgements.last().expect("an acknowledgement").deleted);
    let at_operator = case.operator.serve();
    let path = format!("/exchanges/{}", case.ours);
    let page = text_of(at_operator, &case.operator.email("responder"), &path).await;
    assert!(page.contains("the content was deleted"), "{page}");
}

/// Aim: messages come out of the record as they stand, and nothing of their words is left after erasure.
async fn messages_are_rebuilt_and_erased(on: On) {
    let world = World::new(on);
    let case = Case::told(&world).await;
    let due = Some(world.now().plus_seconds(2 * HOUR));
    let text = format!("Please look for {PLANTED}.");
    say(&case.operator, case.ours, NewMessage { due, ..saying(MessageKind::AssistanceRequest, &text) }).await;
    case.settle(&world).await;
    let request = case.council.exchange(case.theirs).await.asked[0].request;
    let answer = NewMessage { re: Some(request), ..saying(MessageKind::Answer, &format!("No {PLANTED} here.")) };
    say(&case.council, case.theirs, answer).await;
    case.settle(&world).await;
    for party in [&case.operator, &case.council] {
        let (kept, rebuilt) = party.rebuilt(on).await;
        assert_eq!(kept, rebuilt, "{}", party.name);
    }
    assert!(case.operator.everything_readable().await.contains(PLANTED));
    let by = case.operator.responder();
    case.operator.node.withdraw(&by, case.incident, WithdrawalReason::SentInError, None).await.expect("withdrawn");
    // What the partner still owes us holds nothing up.
    say(&case.operator, case.ours, NewMessage { due, ..saying(MessageKind::AssistanceRequest, &text) }).await;
    case.settle(&world).await;
    case.operator.node.anonymise(&case.operator.administrator(), case.incident).await.expect("erased");
    let left = case.operator.everything_readable().await;
    let octets: Vec<String> = PLANTED.bytes().map(|octet| octet.to_string()).collect();
    assert!(!left.contains(PLANTED) && !left.contains(&octets.join(", ")), "words are left");
    assert!(thread(&case.operator, case.ours).await.is_empty());
    let (kept, rebuilt) = case.operator.rebuilt(on).await;
    assert_eq!(kept, rebuilt);
    case.operator.verify_ledger().await;
}
