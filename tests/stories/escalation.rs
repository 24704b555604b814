//! Who is told when time runs short, as administrators, managers and people on call live through it: plans and the rota kept
//! on pages, whoever is on call told by mail, steps that each has to see, duties in hand that lapse, and calendars in and out.

use std::net::SocketAddr;
use std::time::Duration;

use domain::arrangement::FallbackContact;
use domain::clock::ClockKind;
use domain::directory::{ArrangementRecord, Party as PartyRecord};
use domain::values::{IncidentId, PartnerId};
use server::access::Scope;
use server::node::endpoints::Way;
use server::store::queries::directory;
use tests::facts::first_hour;
use tests::node::{PASSWORD, Party, World, fired, line, log_request};
use tests::smtp::{Mail, MailServer};
use tests::visitor::{Answer, Visitor};
use tests::{On, both};

both!(
    whoever_is_on_call_is_told_and_the_ladder_goes_on,
    without_anybody_on_call_managers_are_told,
    a_rota_is_taken_from_a_calendar,
    a_calendar_shows_deadlines_and_nothing_else,
    programs_keep_plans_and_the_rota,
);

const TITLE: &str = "A mailbox was open";
const HOUR: Duration = Duration::from_secs(3_600);
const NOTICE: ClockKind = ClockKind::PartnerNotice;

/// An operator with a mail server, and a partner who is told by hand: their clock runs until somebody rings.
struct Place {
    world: World,
    operator: Party,
    server: MailServer,
    address: SocketAddr,
}

impl Place {
    async fn on(on: On) -> Self {
        let server = MailServer::start(server::mail::Security::None).await;
        let world = World::new(on);
        let mut operator = world.listening_party("Operator").await.restart_with_mail(server.settings()).await;
        let by = operator.administrator();
        let council = PartyRecord::named("council".parse().expect("a key"), line("Council"));
        operator.node.save_party(&by, council, None).await.expect("saved");
        let known = operator.node.store().read(directory::known).await.expect("the directory");
        let council = known.parties.iter().find(|party| party.record.name == line("Council")).expect("the council");
        let partner = PartnerId::from_uuid(council.id);
        operator.node.set_partner_channel(&by, partner, Way::Hand).await.expect("told by hand");
        operator.arrange_with(partner, 48).await;
        let known = operator.node.store().read(directory::known).await.expect("the directory");
        let arrangement = &known.arrangements[0];
        let contact = |who: &str, phone: &str| FallbackContact {
            who: line(who),
            phone: Some(line(phone)),
            out_of_hours: None,
            email: None,
        };
        let contacts = vec![contact("Duty officer", "020 7946 0000"), contact("Head of IT", "020 7946 0001")];
        let record = ArrangementRecord { contacts, ..arrangement.record.clone() };
        operator.node.save_arrangement(&by, record, Some(arrangement.version)).await.expect("saved");
        let address = operator.serve();
        Self { world, operator, server, address }
    }

    async fn log(&self) -> IncidentId {
        let id = self.operator.log(log_request(first_hour(TITLE), self.world.now())).await;
        self.settle().await;
        id
    }

    async fn settle(&self) {
        self.world.settle(&[&self.operator]).await;
        while self.operator.node.post_step(16).await.expect("a step of posting").sent > 0 {}
    }

    async fn pass(&self, by: Duration) {
        self.world.pass(by);
        self.settle().await;
    }

    async fn visitor(&self, mailbox: &str) -> Visitor {
        Visitor::signed_in(self.address, &self.operator.email(mailbox), PASSWORD).await
    }

    /// Mails about the notice's ladder so far: to whom, and each.
    fn mails(&self) -> (Vec<String>, Vec<Mail>) {
        let mails: Vec<Mail> =
            self.server.mails().into_iter().filter(|mail| mail.subject.contains("tell partners")).collect();
        (mails.iter().map(|mail| mail.to.clone()).collect(), mails)
    }

    async fn fired(&self, id: IncidentId) -> Vec<i32> {
        fired(&self.operator.events(id).await, NOTICE)
    }

    /// The step 24 hours before reaches whoever is on call, who has to say that they have seen it: done on the page.
    async fn plan_on_call(&self) {
        let mut administrator = self.visitor("administrator").await;
        let step = administrator.get("/ladders/partner_notice/steps/-1440").await;
        let mut form = step.page().form("Keep").fields();
        form.retain(|(name, _)| name != "role" && name != "go");
        form.extend([pair("on_call", "yes"), pair("must_see", "yes"), pair("go", "save")]);
        let kept = administrator.post("/ladders/partner_notice/steps/-1440", &form).await;
        assert_eq!(kept.status, 303, "{}", kept.text());
        let shown = administrator.get("/ladders/partner_notice").await.page().text();
        assert!(shown.contains("Whoever is on call") && shown.contains("Version 1"), "{shown}");
    }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// A moment as the inputs of a date hold it, in London's winter.
fn date(name: &str, day: &str, month: &str, time: &str) -> [(String, String); 4] {
    [("day", day), ("month", month), ("year", "2026"), ("time", time)]
        .map(|(part, value)| (format!("{name}-{part}"), value.to_owned()))
}

/// Aim: a step reaches whoever is on call by mail and nobody else; who has not seen it is named at the next step and on the
/// clock; a duty in hand is silent for four hours and then climbs on, once, with the record saying so.
async fn whoever_is_on_call_is_told_and_the_ladder_goes_on(on: On) {
    let place = Place::on(on).await;
    place.plan_on_call().await;
    let mut manager = place.visitor("manager").await;
    let mut form = manager.get("/rota/once").await.page().form("Add it").fields();
    let person = place.operator.node.account(&place.operator.email("second-responder")).await.expect("an answer");
    form.retain(|(name, _)| !name.starts_with("from") && !name.starts_with("until") && name != "person");
    form.push(pair("person", &person.expect("an account").id.to_string()));
    form.extend(date("from", "1", "3", "00:00").into_iter().chain(date("until", "8", "3", "00:00")));
    let added = manager.post("/rota/once", &form).await;
    assert_eq!(added.status, 303, "{}", added.text());
    assert!(manager.get("/rota").await.page().text().contains("On call now: B. Responder"));

    let id = place.log().await;
    place.pass(24 * HOUR).await;
    let (to, mails) = place.mails();
    assert_eq!(to, [place.operator.email("second-responder")]);
    let exchange = place.operator.incident(id).await.owed[0].exchange;
    for part in [
        "Please say on that page that you have seen this",
        "Ring Council: Duty officer, 020 7946 0000 (first contact, in working hours).",
        &format!("/exchanges/{exchange}/call"),
    ] {
        assert!(mails[0].text.contains(part), "{part}: {}", mails[0].text);
    }
    let mut manager = place.visitor("manager").await;
    let asked = manager.get("/").await;
    assert!(asked.page().text().contains("Not seen yet by B. Responder"), "{}", asked.page().text());
    assert!(!asked.text().contains("I have seen it"), "only who was asked answers");

    place.pass(12 * HOUR).await;
    let (to, mails) = place.mails();
    assert_eq!(to.len(), 1 + 3, "responders and managers at the next step: {to:?}");
    assert!(mails.iter().skip(1).all(|mail| mail.text.contains("Not seen yet by: B. Responder.")), "{mails:#?}");
    let second = "Ring Council: Head of IT, 020 7946 0001 (next contact, in working hours).";
    assert!(mails.iter().skip(1).all(|mail| mail.text.contains(second)), "{mails:#?}");
    let mut manager = place.visitor("manager").await;
    for page in ["/", "/wall"] {
        assert!(manager.get(page).await.page().text().contains(second), "{page}");
    }

    let home = manager.get("/").await.page();
    let hand = home.form("Take it in hand").fields();
    assert_eq!(manager.post("/take-in-hand", &hand).await.status, 303);
    place.pass(4 * HOUR - Duration::from_secs(1)).await;
    assert!(manager.get("/").await.page().text().contains("In hand: E. Manager"));
    place.pass(2 * HOUR + Duration::from_secs(1)).await;
    assert_eq!(place.fired(id).await, [-1_440, -720, -360]);
    let timeline = manager.get(&format!("/incidents/{id}")).await.page().text();
    assert!(timeline.contains("had it in hand and it was not done in time"), "{timeline}");
    place.operator.verify_ledger().await;
    let (live, rebuilt) = place.operator.rebuilt(on).await;
    assert_eq!(live, rebuilt);
}

/// Aim: where nobody is on call a step falls back to the managers and says so, in the mail, on the clock and on the rota; who
/// was asked says on the page that they have seen it, once.
async fn without_anybody_on_call_managers_are_told(on: On) {
    let place = Place::on(on).await;
    place.plan_on_call().await;
    let id = place.log().await;
    place.pass(24 * HOUR).await;
    let (to, mails) = place.mails();
    assert_eq!(to, [place.operator.email("manager")]);
    assert!(mails[0].text.contains("Nobody on call could be reached"), "{}", mails[0].text);
    let mut manager = place.visitor("manager").await;
    let home = manager.get("/").await;
    assert!(home.page().text().contains("Nobody on call could be reached at the last step"), "{}", home.page().text());
    assert!(manager.get("/rota").await.page().text().contains("Nobody is on call now"));
    let seen = home.page().form("I have seen it").fields();
    assert_eq!(manager.post("/seen", &seen).await.status, 303);
    assert!(!manager.get("/").await.text().contains("I have seen it"));
    assert_eq!(manager.post("/seen", &seen).await.status, 409, "said already");
    let mut responder = place.visitor("responder").await;
    let mut theirs = responder.get("/").await.page().form("Take it in hand").fields();
    theirs.retain(|(name, _)| name != "go");
    assert_eq!(responder.post("/seen", &theirs).await.status, 409, "they were not asked");
    place.pass(12 * HOUR).await;
    let (_, mails) = place.mails();
    assert!(mails.iter().skip(1).all(|mail| !mail.text.contains("Not seen yet")), "{mails:#?}");
    assert_eq!(place.fired(id).await, [-1_440, -720]);
}

/// Sends a calendar as the page does, and answers the page after it.
async fn send_calendar(visitor: &mut Visitor, calendar: &str) -> Answer {
    let fields = visitor.get("/rota/import").await.page().form("Show what it would add").fields();
    let csrf = fields.into_iter().find(|(name, _)| name == "csrf").expect("the session's secret").1;
    let part =
        |name: &str, value: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let body = format!("{}{}--x--\r\n", part("csrf", &csrf), part("text", calendar));
    let headers = [("Content-Type", "multipart/form-data; boundary=x"), ("Sec-Fetch-Site", "same-origin")];
    visitor.send("POST", "/rota/import", &headers, body.as_bytes()).await.expect("an answer")
}

/// Aim: a calendar with somebody unknown is refused with the line; mended, it is shown and then kept; imported again it takes
/// its own place, and not that of shifts kept by hand.
async fn a_rota_is_taken_from_a_calendar(on: On) {
    let place = Place::on(on).await;
    let mut manager = place.visitor("manager").await;
    let event = |mailbox: &str| {
        format!(
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;TZID=Europe/London:20260302T090000\r\nDURATION:PT8H\r\n\
             RRULE:FREQ=WEEKLY;COUNT=3\r\nATTENDEE:mailto:{mailbox}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    };
    let refused = send_calendar(&mut manager, &event("nobody@elsewhere.example")).await;
    assert_eq!(refused.status, 422);
    let words = refused.page().text();
    assert!(words.contains("nobody here has the mail address nobody@elsewhere.example"), "{words}");
    let good = event(&place.operator.email("responder"));
    for _ in 0..2 {
        let preview = send_calendar(&mut manager, &good).await;
        assert_eq!(preview.status, 200, "{}", preview.text());
        let fields = preview.page().form("Keep these shifts").fields();
        let kept = manager.post("/rota/import/confirm", &fields).await;
        assert_eq!(kept.status, 303, "{}", kept.text());
    }
    let shown = manager.get("/rota").await.page();
    let words = shown.text();
    assert!(words.contains("A. Responder") && words.contains("Nobody is on call"), "{words}");
    assert_eq!(words.matches("From a calendar").count(), 2, "in the fortnight, once each: {words}");
    let mut auditor = place.visitor("auditor").await;
    assert_eq!(auditor.get("/rota").await.status, 200);
    assert_eq!(auditor.get("/rota/import").await.status, 403);
}

/// Aim: a calendar read at a secret address has each open duty under a stable name, with reminders and without what the
/// incident is about; it changes when the duty does, is not sent twice, and ends when its person ends it.
async fn a_calendar_shows_deadlines_and_nothing_else(on: On) {
    let place = Place::on(on).await;
    let id = place.log().await;
    let reference = place.operator.incident(id).await.reference;
    let mut officer = place.visitor("dpo").await;
    let form = officer.get("/account/calendar/new").await.page().form("Make the address").fields();
    let made = officer.post("/account/calendar/new", &form).await.text();
    let start = made.find("/calendar/").expect("the address");
    let path: String = made[start..].chars().take_while(|c| !"<\"& ".contains(*c)).collect();
    let mut program = Visitor::new(place.address);
    let calendar = program.get(&path).await;
    assert_eq!(calendar.status, 200, "{path}: {}", calendar.text());
    assert!(calendar.header("content-type").is_some_and(|kind| kind.starts_with("text/calendar")));
    let text = calendar.text().replace("\r\n ", "");
    assert!(text.contains(&format!("SUMMARY:{reference}: tell Council")), "{text}");
    assert!(text.contains("report to the ICO") && text.contains("BEGIN:VALARM"), "{text}");
    assert!(!text.contains(TITLE) && !text.contains("mailbox"), "{text}");
    let etag = calendar.header("etag").expect("a tag").to_owned();
    let again = program.send("GET", &path, &[("If-None-Match", &etag)], b"").await.expect("an answer");
    assert_eq!(again.status, 304);
    let name = |text: &str| text.lines().filter(|line| line.starts_with("UID:")).map(str::to_owned).collect::<Vec<_>>();
    let (names, earlier) = (name(&text), place.world.now().plus_seconds(-3_600));
    let reason = domain::values::LongText::parse("The log shows it.").expect("a reason");
    let responder = place.operator.responder();
    let of = domain::incident::AwarenessOf::Breach;
    place.operator.node.correct_awareness(&responder, id, of, earlier, reason).await.expect("corrected");
    place.settle().await;
    let moved = program.get(&path).await.text().replace("\r\n ", "");
    let mut now = name(&moved);
    now.sort();
    let mut before = names.clone();
    before.sort();
    assert_eq!(now, before, "the same duties by the same names");
    assert_ne!(moved, text);
    let links = officer.get("/account/calendar").await.page();
    assert_eq!(officer.post("/account/calendar/end", &links.form("End").fields()).await.status, 303);
    assert_eq!(program.get(&path).await.status, 404);
    assert_eq!(program.get("/calendar/nothing.ics").await.status, 404);
}

/// Aim: what the pages do programs do too, by the same rules: a plan names the version it replaces, faults are told, shifts come
/// and go.
async fn programs_keep_plans_and_the_rota(on: On) {
    let place = Place::on(on).await;
    let node = &place.operator.node;
    let account = node.account(&place.operator.email("administrator")).await.expect("an answer").expect("an account");
    let person = node.person(account.id).await.expect("a person");
    let ends = node.time().elapsed().plus_seconds(86_400);
    let scopes = vec![Scope::Read, Scope::Administer];
    let (_, token) = node.add_token(&person, line("A program"), scopes, ends).await.expect("a token");
    let program = Visitor::with_token(place.address, &token);
    let path = "/api/v1/ladder-plans/partner_notice";
    let plan = program.send("GET", path, &[], b"").await.expect("an answer");
    assert_eq!(plan.status, 200, "{}", plan.text());
    let mut body = plan.json();
    assert_eq!((body["version"].as_i64(), body["steps"].as_array().map(Vec::len)), (Some(0), Some(6)));
    let etag = plan.header("etag").expect("a version").to_owned();
    let members = body.as_object_mut().expect("an object");
    for answered in ["kind", "version", "since"] {
        members.remove(answered);
    }
    let put = async |etag: &str, body: &serde_json::Value| {
        let headers = [("Content-Type", "application/json"), ("If-Match", etag)];
        program.send("PUT", path, &headers, body.to_string().as_bytes()).await.expect("an answer")
    };
    let mut silent = body.clone();
    (silent["hourly_until"], silent["daily_until"]) = (0.into(), 0.into());
    let refused = put(&etag, &silent).await;
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert!(refused.text().contains("after the due time"), "{}", refused.text());
    body["lapse_minutes"] = 60.into();
    let kept = put(&etag, &body).await;
    assert_eq!((kept.status, kept.json()["version"].as_i64()), (200, Some(1)), "{}", kept.text());
    assert_eq!(put(&etag, &body).await.status, 412);
    let person = place.operator.node.account(&place.operator.email("responder")).await.expect("an answer");
    let shift = serde_json::json!({
        "person": person.expect("an account").id, "from": null, "until": null,
        "day": 7, "from_minute": 0, "minutes": 10_080, "swap": false,
    });
    let headers = [("Content-Type", "application/json"), ("Idempotency-Key", "k1")];
    let added =
        program.send("POST", "/api/v1/rota/shifts", &headers, shift.to_string().as_bytes()).await.expect("an answer");
    assert_eq!(added.status, 201, "{}", added.text());
    let rota = program.send("GET", "/api/v1/rota", &[], b"").await.expect("an answer").json();
    assert_eq!((rota["on_call"].as_array().map(Vec::len), rota["gaps"].as_array().map(Vec::len)), (Some(1), Some(0)));
    let id = added.json()["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/rota/shifts/{id}/remove");
    let removed = program.send("POST", &path, &[("Idempotency-Key", "k2")], b"").await.expect("an answer");
    assert_eq!(removed.status, 204, "{}", removed.text());
    let rota = program.send("GET", "/api/v1/rota", &[], b"").await.expect("an answer").json();
    assert_eq!(rota["gaps"].as_array().map(Vec::len), Some(1));
}
