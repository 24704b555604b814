//! A joint decision: the arrangement's lead asks every partner for their view, decides for all, and reports; each partner's
//! own clock points to that report and runs on until its own data protection officer accepts that they rely on it.

mod pages;

use std::time::Duration;

use domain::arrangement::Lead;
use domain::clock::{Clock, ClockState};
use domain::exchange::{MessageKind, Refusal, Stance};
use domain::incident::joint::{Reasons, Why};
use domain::incident::{Refusal as IncidentRefusal, WithdrawalReason, joint};
use domain::reliance::Refusal as Reliance;
use domain::report::{Submission, SubmissionChannel};
use domain::values::{Digest32, ExchangeId, IncidentId, LongText, Moment};
use serde_json::json;
use server::access::Scope;
use server::node::DoorError;
use server::node::joint::{Considered, NewDecision};
use server::store::queries::said;
use tests::facts::first_hour;
use tests::node::{PASSWORD, Party, World, line, log_request, payload};
use tests::partner::Scripted;
use tests::visitor::Visitor;
use tests::{On, both};
use webhooks::jose::{CompactToken, TokenType};
use webhooks::message::{Event, Filed};
use webhooks::values::WireTime;

both!(
    the_lead_asks_decides_and_files,
    only_a_report_that_stands_is_relied_on,
    the_lead_is_named_frozen_and_chosen,
    programs_decide_jointly,
    a_joint_decision_is_erased,
    many_partners_are_asked_in_chunks,
);

const HOUR: i64 = 3_600;
const PLANTED: &str = "quuxfrobnicate";
const REFERENCE: &str = "IC-000000-X0X0";

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3_600)
}

fn long(text: &str) -> LongText {
    LongText::parse(text).expect("a text")
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// An operator that leads, and two councils that it told of an incident.
struct Case {
    operator: Party,
    council: Party,
    borough: Party,
    incident: IncidentId,
    theirs: ExchangeId,
    boroughs: ExchangeId,
}

impl Case {
    async fn told(world: &World) -> Self {
        let operator = world.listening_party("Operator").await;
        let council = world.listening_party("Council").await;
        let borough = world.listening_party("Borough").await;
        world.pair(&operator, &council).await;
        world.pair(&operator, &borough).await;
        operator.arrange_led(&[&council, &borough], Some(&operator)).await;
        let incident = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
        world.settle(&[&operator, &council, &borough]).await;
        let (theirs, boroughs) = (council.only_received().await.id, borough.only_received().await.id);
        Self { operator, council, borough, incident, theirs, boroughs }
    }

    async fn settle(&self, world: &World) {
        world.settle(&[&self.operator, &self.council, &self.borough]).await;
    }

    /// The operator reports it, and every partner is told so.
    async fn file(&self, world: &World, reference: Option<&str>) -> Moment {
        let at = world.now().floor_second();
        submit(&self.operator, self.incident, at, reference).await;
        self.operator.node.tell_filed(&self.operator.dpo(), self.incident).await.expect("told");
        self.settle(world).await;
        at
    }
}

async fn submit(party: &Party, incident: IncidentId, at: Moment, reference: Option<&str>) {
    let ico_reference = reference.map(line);
    let channel = SubmissionChannel::OnlineForm;
    let submission = Submission { at, channel, ico_reference, delay_reasons: None, proof: None };
    party.node.record_submission(&party.reporter(), incident, submission).await.expect("recorded");
}

fn decision() -> NewDecision {
    NewDecision {
        reports: Some(Lead::Us),
        tells: Some(Lead::Each),
        reasons: Reasons::parse("Health data of many people.").expect("reasons"),
        considered: Considered::These(Vec::new()),
    }
}

async fn rely(party: &Party, exchange: ExchangeId, message: domain::values::MessageId) -> Result<(), DoorError> {
    party.node.accept_reliance(&party.dpo(), exchange, message, long("Their report names us.")).await
}

fn ended(clock: Option<&Clock>) -> String {
    match clock.map(|clock| &clock.state) {
        Some(ClockState::NotRequired { reason, .. }) => reason.to_string(),
        other => panic!("the clock has not ended as not required: {other:?}"),
    }
}

/// Posts a form of a page, with these inputs in the place of its own.
async fn post(person: &mut Visitor, path: &str, button: &str, inputs: &[(&str, &str)]) -> tests::visitor::Answer {
    let page = person.get(path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.text());
    let page = page.page();
    let form = page.form(button);
    let action = form.attribute("action").expect("an address").to_owned();
    let mut fields = form.fields();
    fields.retain(|(name, _)| !inputs.iter().any(|(input, _)| input == name));
    fields.extend(inputs.iter().map(|(name, value)| pair(name, value)));
    person.post(&action, &fields).await
}

/// Aim: the whole of it, on pages. The lead asks everybody at once; a view, silence and "not affected" stand apart; the
/// decision reaches each and names no other; the report points every clock to it and ends none; an officer's word ends one
/// clock at an incident, and one at a notice that no incident took over.
async fn the_lead_asks_decides_and_files(on: On) {
    let world = World::new(on);
    let mut case = Case::told(&world).await;
    let (at_operator, at_council) = (case.operator.serve(), case.council.serve());
    let own = log_request(first_hour("The operator's mailbox was open"), world.now());
    let own = case.council.log(server::node::LogRequest { from_exchange: Some(case.theirs), ..own }).await;
    case.settle(&world).await;
    let joint = format!("/incidents/{}/joint", case.incident);

    a_manager_only_looks(Visitor::signed_in(at_operator, &case.operator.email("manager"), PASSWORD).await, &joint)
        .await;
    let mut officer = Visitor::signed_in(at_operator, &case.operator.email("dpo"), PASSWORD).await;
    let empty = post(&mut officer, &format!("{joint}/ask"), "Ask them all", &[("text", " ")]).await;
    assert!(empty.status == 422 && empty.text().contains("Write what you ask them"), "{}", empty.text());
    let asked = post(&mut officer, &format!("{joint}/ask"), "Ask them all", &[("text", "Is a risk likely?")]).await;
    assert_eq!(asked.status, 303, "{}", asked.text());
    case.settle(&world).await;

    // One step, on the page of the case; a button pressed twice says it once.
    let mut responder = Visitor::signed_in(at_council, &case.council.email("responder"), PASSWORD).await;
    for _ in 0..2 {
        let request = case.council.exchange(case.theirs).await.said[0].message;
        let path = format!("/exchanges/{}/view/{request}", case.theirs);
        let inputs = [("text", "We think so: health data.")];
        let thread = responder.get(&format!("/received/{}", case.theirs)).await.page();
        if thread.text().contains("Our view") {
            let fields = thread.form("Give our view").fields();
            let fields: Vec<_> =
                fields.into_iter().filter(|(name, _)| name != "text").chain(inputs.map(|(a, b)| pair(a, b))).collect();
            assert_eq!(responder.post(&path, &fields).await.status, 303);
        } else {
            assert_eq!(post(&mut responder, &path, "Give our view", &inputs).await.status, 303);
        }
    }
    let (by, stance) = (case.borough.responder(), Stance::NotAffected);
    case.borough.node.acknowledge(&by, case.boroughs, stance, None).await.expect("acknowledged");
    case.settle(&world).await;
    assert_eq!(case.council.exchange(case.theirs).await.said.len(), 2, "said once");
    let page = officer.get(&joint).await.page();
    let text = page.text();
    assert!(text.contains("We think so: health data.") && text.contains("View given"), "{text}");
    assert!(text.contains("Not affected") && text.contains("No view yet"), "silence is no answer: {text}");

    the_decision_reaches_everybody(&case, &world, &mut officer, &joint).await;
    world.pass(hours(2));
    case.file(&world, Some(REFERENCE)).await;
    the_clocks_point_to_it(&case, &mut responder, own).await;
    officers_accept(&case, &world, at_council, own).await;
    for party in [&case.operator, &case.council, &case.borough] {
        let (kept, rebuilt) = party.rebuilt(on).await;
        assert_eq!(kept, rebuilt, "{}", party.name);
        party.verify_ledger().await;
    }
}

/// A manager sees it and can do nothing about it.
async fn a_manager_only_looks(mut manager: Visitor, joint: &str) {
    let page = manager.get(joint).await.text();
    assert!(page.contains("We lead.") && !page.contains("Ask all partners"), "{page}");
    for step in ["lead", "ask", "decide"] {
        assert_eq!(manager.get(&format!("{joint}/{step}")).await.status, 403);
    }
}

/// The lead decides on the page, and each partner reads it without learning who else is concerned.
async fn the_decision_reaches_everybody(case: &Case, world: &World, officer: &mut Visitor, joint: &str) {
    let decide = format!("{joint}/decide");
    let bare = post(officer, &decide, "Decide, and tell them all", &[("reasons", "x")]).await;
    assert!(bare.status == 422 && bare.text().contains("Say whether it is reported"), "{}", bare.text());
    let inputs = [("reports", "us"), ("tells", "each"), ("reasons", "Health data of many people.")];
    let done = post(officer, &decide, "Decide, and tell them all", &inputs).await;
    assert_eq!(done.status, 303, "{}", done.text());
    case.settle(world).await;
    let view = case.council.exchange(case.theirs).await.said[1].message;
    let stands = case.operator.incident(case.incident).await.joint;
    assert_eq!(stands.decisions[0].views, [view], "the view that was considered is on record");
    for (party, exchange) in [(&case.council, case.theirs), (&case.borough, case.boroughs)] {
        let told = party.exchange(exchange).await;
        let read = party.node.store().read(move |rows| said::thread(rows, &told, 10)).await.expect("the thread");
        let told = read.last().expect("a message");
        assert_eq!(told.said.kind, MessageKind::Decision, "{}", party.name);
        let text = told.said.text.as_str();
        assert!(text.contains("Report to the ICO: yes. We report it."), "{text}");
        assert!(text.contains("Each organisation tells them for itself."), "{text}");
        assert!(!text.contains("Council") && !text.contains("Borough"), "of others nothing is said: {text}");
    }
    let shown = officer.get(joint).await;
    let own = shown.page().link("our decisions").attribute("href").map(str::to_owned);
    assert_eq!(own, Some(format!("/incidents/{}/decision", case.incident)), "where our own decision is made");
    let page = shown.text();
    assert!(page.contains("Considered: 1 view") && page.contains("Decision delivered"), "{page}");
}

/// The octets that carried this payload, as they came.
fn octets_of(world: &World, issuer: &str, payload: &[u8]) -> Vec<u8> {
    let of = |body: &[u8]| CompactToken::parse(body, TokenType::Set).is_ok_and(|token| token.payload() == payload);
    let carried = world.wire.carried().into_iter().filter(|carried| carried.to == issuer);
    carried.map(|carried| carried.body).find(|body| of(body)).expect("it was carried")
}

/// Every page with the clock says who reported it, and that the clock stays ours.
async fn the_clocks_point_to_it(case: &Case, responder: &mut Visitor, own: IncidentId) {
    assert!(case.council.incident(own).await.ico.expect("our 72 hours").is_open(), "a message ends nothing");
    assert!(case.borough.exchange(case.boroughs).await.ico_clock.expect("theirs").is_open());
    let reported = format!("reference {REFERENCE}");
    for path in [
        "/".to_owned(),
        format!("/incidents/{own}"),
        format!("/incidents/{own}/report"),
        format!("/incidents/{own}/joint"),
        format!("/received/{}", case.theirs),
    ] {
        let page = responder.get(&path).await.page().text();
        assert!(page.contains("Operator reported") && page.contains(&reported), "{path}: {page}");
        assert!(page.contains("it stays ours until our data protection officer"), "{path}: {page}");
        assert!(!page.contains("Rely on it"), "a responder does not decide: {path}: {page}");
    }
}

async fn officers_accept(case: &Case, world: &World, at_council: std::net::SocketAddr, own: IncidentId) {
    let filing = case.council.exchange(case.theirs).await.filings[0].message;
    let path = format!("/exchanges/{}/rely/{filing}", case.theirs);
    for mailbox in ["manager", "responder"] {
        let mut person = Visitor::signed_in(at_council, &case.council.email(mailbox), PASSWORD).await;
        assert_eq!(person.get(&path).await.status, 403);
        let fields = person.get("/").await.page().form("Sign out").fields();
        let fields: Vec<_> = fields.into_iter().chain([pair("reason", "It is enough.")]).collect();
        assert_eq!(person.post(&path, &fields).await.status, 403);
    }
    let mut officer = Visitor::signed_in(at_council, &case.council.email("dpo"), PASSWORD).await;
    let page = officer.get(&format!("/incidents/{own}/joint")).await.page();
    assert_eq!(page.link("Rely on it").attribute("href"), Some(path.as_str()));
    let button = "Rely on it, and end our clock";
    let bare = post(&mut officer, &path, button, &[]).await;
    assert!(bare.status == 422 && bare.text().contains("Say why their report is enough"), "{}", bare.text());
    let done = post(&mut officer, &path, button, &[("reason", "It names us, and covers the same people.")]).await;
    assert_eq!(done.status, 303, "{}", done.text());
    let incident = case.council.incident(own).await;
    let why = ended(incident.ico.as_ref());
    assert!(why.contains(REFERENCE) && why.contains("It names us"), "{why}");
    let relied = incident.joint.reliance.expect("on record").reliance;
    let octets = octets_of(world, case.council.issuer(), &payload(&world.wire, case.council.issuer(), "filed"));
    assert_eq!((relied.message, relied.set_sha256), (filing, Digest32::of(&octets)), "which signed message it was");
    let page = officer.get(&format!("/incidents/{own}")).await.page().text();
    assert!(page.contains("We rely on the report of Operator") && page.contains("Not required"), "{page}");
    assert!(page.contains("accepted that we rely on the report of Operator"), "the timeline says it: {page}");
    let twice = rely(&case.council, case.theirs, filing).await;
    let no_clock = |error: &DoorError| {
        matches!(error, DoorError::Refused(IncidentRefusal::Joint(joint::Refusal::Reliance(Reliance::NoClock))))
    };
    assert!(twice.as_ref().is_err_and(no_clock), "{twice:?}");

    let filing = case.borough.exchange(case.boroughs).await.filings[0].message;
    rely(&case.borough, case.boroughs, filing).await.expect("accepted");
    let notice = case.borough.exchange(case.boroughs).await;
    assert!(ended(notice.ico_clock.as_ref()).contains(REFERENCE));
    assert!(notice.reliance.is_some());
}

/// A partner's word that they reported a case.
fn filed(partner: &Scripted, case: &str, now: i64, reference: Option<&str>) -> String {
    partner.message(case, now, |seq, prev, checkpoint| {
        Event::Filed(Filed {
            seq,
            prev,
            checkpoint,
            authority: "ICO".to_owned(),
            at: WireTime::from_unix(now - 60).expect("a time"),
            reference: reference.map(str::to_owned),
            on_behalf_of: vec![partner.issuer.clone()],
            exercise: false,
        })
    })
}

/// Aim: without a reference nothing is relied on; neither on what somebody else says of the case, on what is forged, on what
/// belongs to another case, nor on what a later word replaced. Two partners who both reported it are shown as such.
async fn only_a_report_that_stands_is_relied_on(on: On) {
    let world = World::new(on);
    let mut operator = world.listening_party("Operator").await;
    let council = world.scripted(&operator, "Council", 48).await;
    let borough = world.scripted(&operator, "Borough", 48).await;
    let incident = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    let other = operator.log(log_request(first_hour("A laptop is missing"), world.now())).await;
    world.settle(&[&operator]).await;
    world.pass(hours(1));
    let now = world.now().unix_seconds();
    let owed = async |incident: IncidentId, partner: &Scripted| {
        let id = operator.partner_by(&partner.issuer).await;
        operator.incident(incident).await.owed.into_iter().find(|owed| owed.partner == id).expect("owed")
    };
    let (ours, theirs) = (owed(incident, &council).await, owed(incident, &borough).await);
    let elsewhere = owed(other, &council).await;
    let case = ours.case.to_string();

    operator.take(&filed(&council, &case, now, None)).await.expect("kept");
    let first = operator.exchange(ours.exchange).await.filings[0].message;
    let refusal = async |exchange: ExchangeId, message| match rely(&operator, exchange, message).await {
        Err(DoorError::ExchangeRefused(Refusal::Reliance(refusal))) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal(ours.exchange, first).await, Reliance::NoReference);

    // Borough knows Council's case from nowhere; should it name it, that belongs nowhere.
    operator.take(&filed(&borough, &case, now, Some("IC-BOROUGH"))).await.expect("kept and signed for");
    assert_eq!(operator.exchange(ours.exchange).await.filings.len(), 1, "a third party's word is none of this case");
    let mut forged = filed(&council, &case, now, Some("IC-FORGED")).into_bytes();
    let last = forged.len() - 4;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    operator.take(&String::from_utf8(forged).expect("text")).await.expect_err("it does not verify");

    operator.take(&filed(&council, &elsewhere.case.to_string(), now, Some("IC-OTHER"))).await.expect("kept");
    let of_other = operator.exchange(elsewhere.exchange).await.filings[0].message;
    assert_eq!(refusal(ours.exchange, of_other).await, Reliance::NoSuchFiling, "another case");

    operator.take(&filed(&council, &case, now, Some("IC-COUNCIL"))).await.expect("kept");
    assert_eq!(refusal(ours.exchange, first).await, Reliance::Replaced);
    operator.take(&filed(&borough, &theirs.case.to_string(), now, Some("IC-BOROUGH"))).await.expect("kept");
    let address = operator.serve();
    let mut officer = Visitor::signed_in(address, &operator.email("dpo"), PASSWORD).await;
    let page = officer.get(&format!("/incidents/{incident}/joint")).await.page().text();
    assert!(page.contains("2 partners say that they reported it"), "{page}");
    assert!(page.contains("IC-COUNCIL") && page.contains("IC-BOROUGH") && !page.contains("IC-FORGED"), "{page}");
    assert!(!page.contains("IC-OTHER"), "{page}");
    let gone = officer.get(&format!("/exchanges/{}/rely/{of_other}", ours.exchange)).await;
    assert_eq!(gone.status, 404, "it is not offered");
    let home = officer.get("/").await.page().text();
    assert!(home.contains("IC-COUNCIL") && home.contains("IC-BOROUGH"), "{home}");
    assert!(operator.incident(incident).await.ico.expect("a clock").is_open());
    operator.verify_ledger().await;
}

/// Aim: who leads is what the arrangements said when the incident was logged: later terms do not reach it. Where nobody or
/// several are named each reports; an officer may record another lead, with a reason, and only then do we decide for all.
async fn the_lead_is_named_frozen_and_chosen(on: On) {
    let world = World::new(on);
    let operator = world.listening_party("Operator").await;
    let council = world.listening_party("Council").await;
    let borough = world.listening_party("Borough").await;
    world.pair(&operator, &council).await;
    world.pair(&operator, &borough).await;
    operator.arrange_led(&[&council], None).await;
    let silent = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    operator.arrange_led(&[&borough], Some(&council)).await;
    let led = operator.log(log_request(first_hour("A laptop is missing"), world.now())).await;
    operator.arrange_led(&[&council], Some(&operator)).await;
    let several = operator.log(log_request(first_hour("A letter went astray"), world.now())).await;
    world.settle(&[&operator, &council, &borough]).await;
    let theirs = Lead::Partner { partner: operator.partner_by(council.issuer()).await };
    for (id, lead, why) in [
        (silent, Lead::Each, Why::NobodyNamed),
        (led, theirs.clone(), Why::Named),
        (several, Lead::Each, Why::SeveralNamed),
    ] {
        assert_eq!(operator.incident(id).await.leading(), (lead, why));
    }
    let officer = operator.dpo();
    let refused = operator.node.decide_jointly(&officer, None, led, decision()).await;
    let not_us =
        |error: &DoorError| matches!(error, DoorError::Refused(IncidentRefusal::Joint(joint::Refusal::NotTheLead)));
    assert!(refused.as_ref().is_err_and(not_us), "{refused:?}");

    let mut operator = operator;
    let address = operator.serve();
    let mut person = Visitor::signed_in(address, &operator.email("dpo"), PASSWORD).await;
    let page = person.get(&format!("/incidents/{several}/joint")).await.page().text();
    assert!(page.contains("name several") && page.contains("Nobody leads"), "{page}");
    assert_eq!(person.get(&format!("/incidents/{led}/joint/decide")).await.status, 409);
    let lead = format!("/incidents/{led}/joint/lead");
    let bare = post(&mut person, &lead, "Record it", &[("lead", "us")]).await;
    assert!(bare.status == 422 && bare.text().contains("Say why"), "{}", bare.text());
    let whom =
        post(&mut person, &lead, "Record it", &[("lead", "partner"), ("lead_partner", ""), ("reason", "x")]).await;
    assert!(whom.status == 422 && whom.text().contains("Choose which partner"), "{}", whom.text());
    let inputs = [("lead", "us"), ("reason", "Agreed with Council by telephone.")];
    let done = post(&mut person, &lead, "Record it", &inputs).await;
    assert_eq!(done.status, 303, "{}", done.text());
    assert_eq!(operator.incident(led).await.leading(), (Lead::Us, Why::Chosen));
    let page = person.get(&format!("/incidents/{led}/joint")).await.page().text();
    assert!(page.contains("Agreed with Council by telephone."), "{page}");

    // A later decision takes the place of the earlier one, which stays on record.
    operator.node.decide_jointly(&officer, None, led, decision()).await.expect("decided");
    let none = NewDecision { reports: None, tells: None, ..decision() };
    operator.node.decide_jointly(&officer, None, led, none).await.expect("decided again");
    world.settle(&[&operator, &council, &borough]).await;
    let page = person.get(&format!("/incidents/{led}/joint")).await.page().text();
    assert!(page.contains("Decision 2") && page.contains("Decision 1: replaced by a later one"), "{page}");
    let stranger = NewDecision {
        considered: Considered::These(vec![domain::values::MessageId::derive(
            operator.incident(led).await.owed[0].exchange,
            "nothing",
            1,
        )]),
        ..decision()
    };
    let stranger = operator.node.decide_jointly(&officer, None, led, stranger).await;
    assert!(matches!(stranger, Err(DoorError::Invalid(_))), "{stranger:?}");
}

/// Aim: what the pages do, programs do.
async fn programs_decide_jointly(on: On) {
    let world = World::new(on);
    let mut case = Case::told(&world).await;
    let (at_operator, at_borough) = (case.operator.serve(), case.borough.serve());
    let program = async |party: &Party, address| {
        let account = party.node.account(&party.email("dpo")).await.expect("the store answers").expect("one");
        let officer = party.node.person(account.id).await.expect("a person");
        let ends = party.node.time().elapsed().plus_seconds(86_400);
        let scopes = vec![Scope::Read, Scope::Respond, Scope::Decide];
        let (_, token) = party.node.add_token(&officer, line("A program"), scopes, ends).await.expect("a token");
        Visitor::with_token(address, &token)
    };
    let (ours, theirs) = (program(&case.operator, at_operator).await, program(&case.borough, at_borough).await);
    let post = async |program: &Visitor, path: &str, key: &str, body: serde_json::Value| {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        let body = body.to_string().into_bytes();
        program.send("POST", &format!("/api/v1{path}"), &headers, &body).await.expect("an answer")
    };
    let get = async |program: &Visitor, path: &str| {
        let answer = program.send("GET", &format!("/api/v1{path}"), &[], b"").await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let joint = format!("/incidents/{}/joint", case.incident);
    let bad = post(&ours, &format!("{joint}/lead"), "k0", json!({ "lead": "them", "reason": "Why." })).await;
    assert!(bad.status == 422 && bad.text().contains("/lead"), "{}", bad.text());
    let due = world.now().floor_second().plus_seconds(5 * HOUR).to_string();
    let ask = json!({ "text": "Is a risk likely?", "due_at": due });
    for _ in 0..2 {
        assert_eq!(post(&ours, &format!("{joint}/ask"), "k1", ask.clone()).await.status, 204);
    }
    case.settle(&world).await;
    let request = case.borough.exchange(case.boroughs).await.said[0].message.to_string();
    let give = json!({ "request": request, "text": "We think not." });
    let given = post(&theirs, &format!("/notices/{}/view", case.boroughs), "k1", give).await;
    assert_eq!(given.status, 204, "{}", given.text());
    case.settle(&world).await;
    let decide = json!({ "reports": "us", "tells": null, "reasons": "Health data." });
    let decided = post(&ours, &format!("{joint}/decide"), "k2", decide).await;
    assert_eq!(decided.status, 204, "{}", decided.text());
    case.file(&world, Some(REFERENCE)).await;
    let stands = get(&ours, &joint).await;
    assert_eq!((&stands["lead"], &stands["why"]), (&json!("us"), &json!("named")), "{stands}");
    assert_eq!(stands["decisions"][0]["views"].as_array().map(Vec::len), Some(1), "{stands}");
    let views = get(&ours, &format!("{joint}/views?limit=1")).await;
    let more = get(&ours, &format!("{joint}/views?limit=1&after={}", views["next"].as_str().expect("a next"))).await;
    let mut states = [&views["items"][0]["state"], &more["items"][0]["state"]].map(ToString::to_string);
    states.sort();
    assert_eq!(states, ["\"No view yet\"", "\"View given\""], "{views} {more}");

    let filing = case.borough.exchange(case.boroughs).await.filings[0].message.to_string();
    let path = format!("/notices/{}/rely", case.boroughs);
    let relied = post(&theirs, &path, "k3", json!({ "message": filing, "reason": "It names us." })).await;
    assert_eq!(relied.status, 204, "{}", relied.text());
    assert!(ended(case.borough.exchange(case.boroughs).await.ico_clock.as_ref()).contains("It names us."));
    let again = post(&theirs, &path, "k4", json!({ "message": filing, "reason": "It names us." })).await;
    assert!(again.status == 409 && again.text().contains("clock of ours"), "{}", again.text());
}

/// Aim: nothing of what was written for a joint decision is left after erasure.
async fn a_joint_decision_is_erased(on: On) {
    let world = World::new(on);
    let case = Case::told(&world).await;
    let (officer, id) = (case.operator.dpo(), case.incident);
    let text = long(&format!("Please look for {PLANTED}."));
    case.operator.node.choose_lead(&officer, id, Lead::Each, text.clone()).await.expect("recorded");
    case.operator.node.choose_lead(&officer, id, Lead::Us, text.clone()).await.expect("recorded");
    case.operator.node.ask_views(&officer, None, id, text, None).await.expect("asked");
    let reasons = Reasons::parse(&format!("Because of {PLANTED}.")).expect("reasons");
    case.operator
        .node
        .decide_jointly(&officer, None, id, NewDecision { reasons, ..decision() })
        .await
        .expect("decided");
    case.settle(&world).await;
    assert!(case.operator.everything_readable().await.contains(PLANTED));
    let by = case.operator.responder();
    case.operator.node.withdraw(&by, id, WithdrawalReason::SentInError, None).await.expect("withdrawn");
    case.settle(&world).await;
    case.operator.node.anonymise(&case.operator.administrator(), id).await.expect("erased");
    let left = case.operator.everything_readable().await;
    let octets: Vec<String> = PLANTED.bytes().map(|octet| octet.to_string()).collect();
    assert!(!left.contains(PLANTED) && !left.contains(&octets.join(", ")), "words are left");
    let (kept, rebuilt) = case.operator.rebuilt(on).await;
    assert_eq!(kept, rebuilt);
    case.operator.verify_ledger().await;
}

/// Aim: hundreds are asked by one click, in chunks; whoever the work has not reached when the node stops is asked after it
/// starts again, and nobody twice.
async fn many_partners_are_asked_in_chunks(on: On) {
    let world = World::new(on);
    let operator = world.party("Operator").await;
    let _partners = world.many_scripted(&operator, 230, 48).await;
    let id = operator.log(log_request(first_hour("A mailbox was open"), world.now())).await;
    world.settle(&[&operator]).await;
    operator.node.ask_views(&operator.dpo(), None, id, long("Is a risk likely?"), None).await.expect("asked");
    assert!(!operator.incident(id).await.fan_outs.is_empty(), "more than one chunk");
    let operator = operator.restart().await;
    world.settle(&[&operator]).await;
    for owed in operator.incident(id).await.owed {
        let said = operator.exchange(owed.exchange).await.said;
        assert_eq!((said.len(), said[0].kind), (1, MessageKind::ViewRequest));
    }
    let (kept, rebuilt) = operator.rebuilt(on).await;
    assert_eq!(kept, rebuilt);
}
