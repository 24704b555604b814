//! The report to the regulator, from facts to a follow-up: filled without typing, written by two people at once, looked
//! through for personal data, signed off, submitted with its proof, and out of date once the facts change.

mod program;

use std::net::SocketAddr;
use std::time::Duration;

use domain::facts::Facts;
use domain::incident::report::Proof;
use domain::incident::{Event, WithdrawalReason};
use domain::report::OrganisationSize;
use domain::values::{Digest32, IncidentId, Known, LongText};
use serde_json::json;
use server::access::Spokesperson;
use server::node::DoorError;
use tests::browser::Browser;
use tests::facts::first_hour;
use tests::node::{PASSWORD, Party, World, log_request};
use tests::typing::{fill, send};
use tests::visitor::{Answer, Visitor};
use tests::wait::until;
use tests::{On, both};

both!(
    from_facts_to_a_report_without_typing,
    two_people_write_and_nothing_is_lost,
    signed_submitted_and_followed_up,
    files_that_carry_macros_stay_out,
    what_is_typed_is_kept_in_a_browser,
    another_form_is_data_alone,
    nothing_typed_is_dropped,
    what_nobody_touched_stays_the_facts_own,
    what_no_draft_can_keep_is_shown,
    one_of_not_yet_known_and_a_text_stands,
);

const BOUNDARY: &str = "tocsin-boundary";

/// Every fact known.
fn complete(title: &str) -> Facts {
    let mut facts = serde_json::to_value(first_hour(title)).expect("JSON");
    let more = json!({
        "occurred": {"known": {"from": "2026-03-01T22:00:00Z", "to": "2026-03-02T01:00:00Z", "precision": "exact"}},
        "cause": {"known": "external_malicious"},
        "ico_category": {"known": "Non Cyber"},
        "recipients_of_data": {"known": "unknown"},
        "subject_categories": {"known": ["users"]},
        "data_subjects": {"known": {"value": 900, "basis": "approximate", "max": 1200}},
        "records": {"known": {"value": 40, "basis": "exact"}},
        "likely_consequences": {"known": "Unwanted messages to people affected."},
        "risk_view": {"known": "risk"},
        "mitigation": {"known": "People are told what to look out for."},
    });
    let (Some(facts_members), Some(more)) = (facts.as_object_mut(), more.as_object()) else { panic!("no objects") };
    facts_members.extend(more.clone());
    serde_json::from_value(facts).expect("facts")
}

/// A node that serves, with an incident whose facts are complete.
pub(super) async fn desk(world: &World) -> (Party, SocketAddr, IncidentId) {
    let mut operator = world.listening_party("Operator").await;
    let _partner = world.scripted(&operator, "Council", 48).await;
    let id = operator.log(log_request(complete("A mailbox was open"), world.now())).await;
    world.settle(&[&operator]).await;
    let address = operator.serve();
    (operator, address, id)
}

pub(super) async fn officer(operator: &Party, address: SocketAddr) -> Visitor {
    Visitor::signed_in(address, &operator.email("dpo"), PASSWORD).await
}

/// A form with a file.
async fn upload(visitor: &mut Visitor, path: &str, fields: &[(String, String)], name: &str, file: &[u8]) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.as_bytes());
    }
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    body.extend(head.as_bytes());
    body.extend(file);
    body.extend(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("Content-Type", kind.as_str()), ("Sec-Fetch-Site", "same-origin")];
    visitor.send("POST", path, &headers, &body).await.expect("an answer")
}

/// What the report's page lists as missing.
async fn missing(visitor: &mut Visitor, id: IncidentId) -> Vec<String> {
    let page = visitor.get(&format!("/incidents/{id}/report")).await.page();
    let links = page.all("a");
    links.iter().filter_map(|link| link.attribute("href")?.strip_prefix("#q-").map(str::to_owned)).collect()
}

/// Facts complete, and what stands for every report answered once: what is still missing only a person can know.
async fn from_facts_to_a_report_without_typing(on: On) {
    let world = World::new(on);
    let (operator, address, id) = desk(&world).await;
    let mut dpo = officer(&operator, address).await;
    let before = missing(&mut dpo, id).await;
    for once in ["organisation_size", "first_contact_since_gdpr", "training_description", "code_of_conduct"] {
        assert!(before.contains(&once.to_owned()), "{before:?}");
    }
    let answered = send(
        &mut dpo,
        "/about-this-organisation",
        "Save",
        &[
            ("size", OrganisationSize::From250.word()),
            ("reported_before", "yes"),
            ("prevention", "Access by role, two factors, logs kept for a year."),
            ("training", "Every year, with a test."),
            ("code_of_conduct", "no"),
        ],
    )
    .await;
    assert_eq!(answered.status, 303, "{}", answered.text());
    let kept = dpo.get("/about-this-organisation").await.page();
    assert!(kept.text().contains("Every year, with a test."), "{}", kept.text());
    let open = missing(&mut dpo, id).await;
    assert_eq!(open, ["staff_trained", "prevent_recurrence", "told_subjects_2021"], "only a person can know these");
    let report = dpo.get(&format!("/incidents/{id}/report")).await.page().text();
    for answer in ["Fewer than 250 staff", "I do not consider"] {
        assert!(!report.contains(answer), "{answer}");
    }
    for answer in
        ["250 staff or more", "Up to 1200 (best present figure: 900)", "Every year, with a test.", "unverified"]
    {
        assert!(report.contains(answer), "{answer}");
    }
    let stale = Spokesperson::of(
        &operator.node.person(operator.dpo().actor().person().expect("a person")).await.expect("them"),
    );
    let by = stale.expect("an officer speaks for us");
    let late = operator.node.set_standing_answers(&by, 0, domain::report::Standing::default()).await;
    assert!(matches!(late, Err(DoorError::Stale)), "{late:?}");
    let mut manager = Visitor::signed_in(address, &operator.email("manager"), PASSWORD).await;
    assert_eq!(manager.get("/about-this-organisation").await.status, 403);
}

/// Two people open the same part; the second to save is shown both texts, loses none, and may put theirs in its place.
async fn two_people_write_and_nothing_is_lost(on: On) {
    let world = World::new(on);
    let (operator, address, id) = desk(&world).await;
    let mut first = officer(&operator, address).await;
    let mut second = Visitor::signed_in(address, &operator.email("responder"), PASSWORD).await;
    let path = format!("/incidents/{id}/report/sections/2");
    let theirs = second.get(&path).await.page().form("Save").fields();
    let mut typed = vec![("describe_what_happened", "The first text."), ("high_risk", "No")];
    typed.push(("subjects_count", "12x"));
    let wrong = send(&mut first, &path, "Save", &typed).await;
    assert!(wrong.status == 422 && wrong.text().contains("Give a whole number"), "{}", wrong.text());
    typed.retain(|(name, _)| *name != "subjects_count");
    typed.push(("subjects_count", "1300"));
    let saved = send(&mut first, &path, "Save", &typed).await;
    assert_eq!(saved.status, 303, "{}", saved.text());

    let late = second.post(&path, &fill(theirs, &[("describe_what_happened", "The second text.")])).await;
    let text = late.text();
    assert_eq!(late.status, 422, "{text}");
    assert!(text.contains("The first text.") && text.contains("The second text."), "{text}");
    assert!(text.contains("Somebody else answered this meanwhile"), "{text}");
    let report = first.get(&format!("/incidents/{id}/report")).await.page().text();
    assert!(report.contains("The first text.") && !report.contains("The second text."), "nothing was saved");
    let again = late.page().form("Save").fields();
    assert_eq!(second.post(&path, &again).await.status, 303, "the second look saves");
    let versions = operator.incident(id).await.reports.answers;
    assert_eq!(versions.values().map(Vec::len).max(), Some(2), "both versions stay");
    let page = second.get(&path).await.page();
    assert!(page.text().contains("Version 1") && page.text().contains("The first text."), "{}", page.text());

    let newer = Facts { summary: LongText::parse("Two mailboxes.").expect("a text"), ..complete("A mailbox was open") };
    operator.node.update_facts(&operator.responder(), id, 1, newer).await.expect("newer facts");
    let report = first.get(&format!("/incidents/{id}/report")).await.page().text();
    assert!(report.contains("The facts have changed") && report.contains("Two mailboxes."), "{report}");

    let long = "x".repeat(200_000);
    let refused = send(&mut first, &path, "Save", &[("describe_what_happened", &long)]).await;
    assert!(refused.status == 422 && refused.text().contains("Use 8000 characters or fewer"), "{}", refused.status);
    let mut odd = first.get(&path).await.page().form("Save").fields();
    odd.retain(|(name, _)| name != "describe_what_happened");
    let refused = first.post(&path, &fill(odd, &[("high_risk", "Perhaps")])).await;
    let words = refused.text();
    assert!(refused.status == 422 && words.contains("own options"), "{words}");
}

/// Personal data has to be looked at, every required answer to be there, the password to be right; two officers at once
/// are told who was first. Then it is submitted, changed facts put it out of date, and a follow-up tells the rest.
async fn signed_submitted_and_followed_up(on: On) {
    let world = World::new(on);
    let (operator, address, id) = desk(&world).await;
    let report = format!("/incidents/{id}/report");
    let sign = format!("{report}/sign-off");
    let mut first = officer(&operator, address).await;
    let mut second = Visitor::signed_in(address, &operator.email("second-dpo"), PASSWORD).await;
    let part = format!("{report}/sections/2");
    let typed = [("describe_what_happened", "Mail to jo.bloggs@example.net went astray.")];
    assert_eq!(send(&mut first, &part, "Save", &typed).await.status, 303);
    let page = first.get(&sign).await.page();
    assert!(page.text().contains("looks like an e-mail address"), "{}", page.text());
    assert!(page.all("button").iter().all(|button| button.text() != "Sign off"), "not before it was looked at");
    let reason = [("reason-describe_what_happened", "An address made up for the phishing mail")];
    assert_eq!(send(&mut first, &sign, "It may stay", &reason).await.status, 303);
    let theirs = second.get(&sign).await.page().form("Sign off").fields();
    let wrong = send(&mut first, &sign, "Sign off", &[("password", "not the password at all")]).await;
    assert!(wrong.status == 422 && wrong.text().contains("password is not right"), "{}", wrong.text());
    assert_eq!(send(&mut first, &sign, "Sign off", &[("password", PASSWORD)]).await.status, 303);
    let late = second.post(&sign, &fill(theirs, &[("password", PASSWORD)])).await;
    assert!(late.status == 422 && late.text().contains("signed these answers off already"), "{}", late.text());
    assert!(first.get(&report).await.text().contains("Signed off by"));
    submitted(&world, &operator, &mut first, id).await;
    followed_up(on, &world, &operator, &mut first, id).await;
}

async fn submitted(world: &World, operator: &Party, dpo: &mut Visitor, id: IncidentId) {
    let submission = format!("/incidents/{id}/report/submission");
    world.pass(Duration::from_secs(3_600));
    let mut fields = dpo.get(&submission).await.page().form("Record it").fields();
    let year = fields.iter_mut().find(|(name, _)| name == "at-year").expect("a year");
    let now = std::mem::replace(&mut year.1, "2031".to_owned());
    let future = upload(dpo, &submission, &fields, "", b"").await;
    assert!(future.status == 422 && future.text().contains("cannot be in the future"), "{}", future.text());
    for (name, value) in &mut fields {
        match name.as_str() {
            "at-year" => value.clone_from(&now),
            "ico_reference" => "IC-123456".clone_into(value),
            _ => {}
        }
    }
    let pdf = b"%PDF-1.7\nreceipt of the report";
    let sent = upload(dpo, &submission, &fields, "receipt.pdf", pdf).await;
    assert_eq!(sent.status, 303, "{}", sent.text());
    let filed = operator.incident(id).await.reports.filed;
    let proof: Proof = filed[0].proof.clone().expect("a proof");
    assert_eq!((filed[0].signed, proof.kind.as_str(), proof.sha256), (Some(1), "pdf", Digest32::of(pdf)));
    let back = dpo.get(&format!("/incidents/{id}/report/proofs/1")).await;
    assert_eq!(back.body, pdf);
    assert_eq!(back.header("x-content-type-options"), Some("nosniff"));
    assert!(back.header("content-disposition").is_some_and(|it| it.starts_with("attachment")), "never shown in place");
    assert!(back.header("content-security-policy").is_some_and(|it| it.contains("sandbox")));
    assert_eq!(proofs_taken(operator).await, 1, "who took it is on the record");
    let part = format!("/incidents/{id}/report/sections/2");
    let typing = fill(dpo.get(&part).await.page().form("Save").fields(), &[("containment", "Words not saved yet.")]);
    let kept = dpo.post(&format!("{part}/draft"), &typing).await;
    assert!(kept.text().contains("Draft saved"), "{}", kept.text());
    let decision = dpo.get(&format!("/incidents/{id}/decision")).await.text();
    assert!(decision.contains("It was reported at"), "{decision}");
}

/// How often the record says that the officer took a proof out.
async fn proofs_taken(operator: &Party) -> usize {
    let record = operator.everything_readable().await;
    record.lines().filter(|line| line.contains("report_proof_exported") && line.contains("C. Officer")).count()
}

async fn followed_up(on: On, world: &World, operator: &Party, dpo: &mut Visitor, id: IncidentId) {
    let report = format!("/incidents/{id}/report");
    assert!(!dpo.get(&report).await.text().contains("Out of date"));
    world.pass(Duration::from_secs(3_600));
    let newer = Facts {
        containment: Known::Known(LongText::parse("Three accounts were closed.").expect("a text")),
        ..complete("A mailbox was open")
    };
    operator.node.update_facts(&operator.responder(), id, 1, newer).await.expect("newer facts");
    let text = dpo.get(&report).await.page().text();
    assert!(text.contains("Out of date") && text.contains("Three accounts were closed."), "{text}");
    let incident = dpo.get(&format!("/incidents/{id}")).await.page().text();
    assert!(incident.contains("The report to the ICO is out of date"), "{incident}");
    let part = format!("{report}/sections/2");
    let before = dpo.get(&part).await.page().form("Save").fields();
    assert_eq!(send(dpo, &report, "Open a follow-up report", &[]).await.status, 303);
    let late = dpo.post(&part, &fill(before, &[("describe_what_happened", "Typed on report 1.")])).await;
    let words = late.text();
    assert!(late.status == 422 && words.contains("Typed on report 1.") && words.contains("to be copied"), "{words}");
    let left = dpo.get(&part).await.text();
    assert!(left.contains("Words not saved yet.") && left.contains("in the report before this one"), "{left}");
    assert_eq!(send(dpo, &part, "Discard what was typed", &[]).await.status, 303);
    assert!(!dpo.get(&part).await.text().contains("Words not saved yet."), "discarded");
    let text = dpo.get(&report).await.page().text();
    assert!(text.contains("Follow-up report") && text.contains("IC-123456"), "{text}");
    let sent = send(dpo, &format!("{report}/submission"), "Record it", &[("ico_reference", "IC-123456")]).await;
    assert_eq!(sent.status, 303, "{}", sent.text());
    let incident = operator.incident(id).await;
    assert_eq!(incident.reports.filed.iter().map(|filed| filed.number).collect::<Vec<_>>(), [1, 2]);
    let clocks =
        operator.events(id).await.iter().filter(|event| matches!(event, Event::ReportSubmitted { .. })).count();
    assert_eq!(clocks, 1, "the clock is met by the first report alone");
    assert!(!dpo.get(&report).await.text().contains("Out of date"));
    let json = dpo.get(&format!("{report}.json")).await.json();
    assert_eq!((json["number"].clone(), json["submitted"].as_array().map(Vec::len)), (json!(2), Some(2)));
    let (kept, rebuilt) = operator.rebuilt(on).await;
    assert!(kept == rebuilt, "the tables are what the events say");
    erased(world, operator, dpo, id).await;
}

/// Erasing an incident takes its proofs and what was typed about it.
async fn erased(world: &World, operator: &Party, dpo: &mut Visitor, id: IncidentId) {
    let by = operator.responder();
    operator.node.withdraw(&by, id, WithdrawalReason::SentInError, None).await.expect("withdrawn");
    world.settle(&[operator]).await;
    operator.node.anonymise(&operator.administrator(), id).await.expect("erased");
    assert_eq!(dpo.get(&format!("/incidents/{id}/report/proofs/1")).await.status, 404);
    let left = operator.everything_readable().await;
    assert!(!left.contains("went astray") && !left.contains("Three accounts"), "erased contents are gone");
}

/// A file that can carry macros is refused under any name, and nothing is recorded.
async fn files_that_carry_macros_stay_out(on: On) {
    let world = World::new(on);
    let (operator, address, id) = desk(&world).await;
    let mut dpo = officer(&operator, address).await;
    let path = format!("/incidents/{id}/report/submission");
    let fields = dpo.get(&path).await.page().form("Record it").fields();
    let old = [[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1].as_slice(), &[0; 64]].concat();
    let refused = upload(&mut dpo, &path, &fields, "proof.pdf", &old).await;
    assert!(refused.status == 422 && refused.text().contains("can carry macros"), "{}", refused.text());
    let program = upload(&mut dpo, &path, &fields, "proof.pdf", b"MZ\x90\0").await;
    assert!(program.status == 422 && program.text().contains("none of the kinds"), "{}", program.text());
    let mail = b"From: a@example.org\r\nDate: now\r\nContent-Type: application/zip\r\n\r\nUEsDBBQA";
    let refused = upload(&mut dpo, &path, &fields, "proof.eml", mail).await;
    assert!(refused.status == 422 && refused.text().contains("save the mail as PDF"), "{}", refused.text());
    let large = upload(&mut dpo, &path, &fields, "proof.txt", &vec![b'a'; 10 * 1024 * 1024 + 1]).await;
    assert!(large.status == 422 && large.text().contains("larger than 10 MB"), "{}", large.status);
    assert!(operator.incident(id).await.reports.filed.is_empty());
    let sent = upload(&mut dpo, &path, &fields, "", b"").await;
    assert_eq!(sent.status, 303, "{}", sent.text());
    let add = format!("/incidents/{id}/report/proofs/1");
    let csrf: Vec<_> = fields.into_iter().filter(|(name, _)| name == "csrf").collect();
    assert_eq!(upload(&mut dpo, &add, &csrf, "mail.txt", b"Received with thanks.").await.status, 303);
    let again = upload(&mut dpo, &add, &csrf, "mail.txt", b"Received with thanks.").await;
    assert!(again.status == 422 && again.text().contains("already"), "{}", again.text());
}

/// With script, what is typed is kept within two seconds of a pause and is there again; answers are copied one by one.
/// Every page of the report is clean for the accessibility checker and fits a narrow screen.
async fn what_is_typed_is_kept_in_a_browser(on: On) {
    let world = World::new(on);
    let (operator, address, id) = desk(&world).await;
    let origin = format!("http://{address}");
    let report = format!("{origin}/incidents/{id}/report");
    for width in [1_280, 320] {
        let browser = Browser::open(width).await;
        browser.sign_in(&origin, &operator.email("dpo"), PASSWORD).await;
        for page in ["", "/sections/1", "/sections/2", "/sign-off", "/submission", "/paste"] {
            browser.go(&format!("{report}{page}")).await;
            assert_eq!(browser.violations().await, Vec::<String>::new(), "{page} at {width}");
            assert!(browser.overflow().await <= 0, "{page} at {width}");
        }
        browser.go(&format!("{origin}/about-this-organisation")).await;
        assert_eq!(browser.violations().await, Vec::<String>::new(), "about this organisation at {width}");
        if width == 1_280 {
            typed_and_kept(&browser, &report).await;
        }
        browser.close().await;
    }
    pictures(&origin, &operator.email("dpo"), id).await;
}

/// Pictures to look at, when somebody asks for them.
async fn pictures(origin: &str, email: &str, id: IncidentId) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    if !folder.is_dir() {
        return;
    }
    for width in [1_280, 390] {
        let browser = Browser::open_sized(width, 2_400).await;
        browser.sign_in(origin, email, PASSWORD).await;
        for (name, page) in [
            ("overview", format!("/incidents/{id}/report")),
            ("section", format!("/incidents/{id}/report/sections/2")),
            ("sign-off", format!("/incidents/{id}/report/sign-off")),
            ("paste", format!("/incidents/{id}/report/paste")),
            ("organisation", "/about-this-organisation".to_owned()),
        ] {
            browser.go(&format!("{origin}{page}")).await;
            let picture = browser.client.screenshot().await.expect("a screenshot");
            std::fs::write(folder.join(format!("report-{name}-{width}.png")), picture).expect("kept");
        }
        browser.close().await;
    }
}

async fn typed_and_kept(browser: &Browser, report: &str) {
    browser.go(&format!("{report}/sections/2")).await;
    let type_it = "const field = document.getElementById('describe_what_happened'); field.value = 'Half a sentence'; \
                   field.dispatchEvent(new Event('input', {bubbles: true}));";
    browser.script(type_it).await;
    until("the draft to be saved", Duration::from_secs(20), async || {
        let note = browser.script("return document.getElementById('draft-note').textContent").await;
        note.as_str().filter(|note| note.contains("Draft saved")).map(str::to_owned)
    })
    .await;
    browser.go(&format!("{report}/sections/2")).await;
    let value = browser.script("return document.getElementById('describe_what_happened').value").await;
    assert_eq!(value, "Half a sentence");
    browser.go(&format!("{report}/paste")).await;
    let copies = "return [document.querySelectorAll('[data-copy]').length, \
                  [...document.querySelectorAll('button')].filter(b => b.textContent === 'Copy').length]";
    let copies = browser.script(copies).await;
    assert!(copies[0].as_u64().is_some_and(|fields| fields > 15) && copies[0] == copies[1], "{copies}");
}

/// The other regulator's template is another file: chosen on the page, filled from the same facts.
async fn another_form_is_data_alone(on: On) {
    let world = World::new(on);
    let (operator, address, id) = desk(&world).await;
    let mut dpo = officer(&operator, address).await;
    let report = format!("/incidents/{id}/report");
    assert_eq!(send(&mut dpo, &report, "Use this form", &[("form", "edpb")]).await.status, 303);
    let page = dpo.get(&report).await.page().text();
    for text in ["3.2 Nature of the breach", "External malicious", "Approximate number"] {
        assert!(page.contains(text), "{text}");
    }
    let wrong = send(&mut dpo, &report, "Use this form", &[("form", "another")]).await;
    assert_eq!(wrong.status, 422);
    assert_eq!(dpo.get(&format!("{report}/paste")).await.status, 200);
}

/// What arrives late, from a page that another form has overtaken, or without the version that it was typed over, is never
/// dropped without a word, and never covers what was saved after it.
async fn nothing_typed_is_dropped(on: On) {
    let world = World::new(on);
    let (operator, address, id) = desk(&world).await;
    let mut dpo = officer(&operator, address).await;
    let report = format!("/incidents/{id}/report");
    let path = format!("{report}/sections/2");
    let draft = format!("{path}/draft");
    let fields = dpo.get(&path).await.page().form("Save").fields();
    let half = fill(fields.clone(), &[("describe_what_happened", "A whole sent")]);
    let whole = fill(fields.clone(), &[("describe_what_happened", "A whole sentence.")]);
    assert_eq!(dpo.post(&draft, &half).await.status, 200);
    assert!(dpo.get(&path).await.text().contains("A whole sent<"), "kept while it is typed");
    assert_eq!(dpo.post(&path, &whole).await.status, 303);
    assert_eq!(dpo.post(&draft, &half).await.status, 200, "a keystroke that comes late");
    assert!(dpo.get(&path).await.text().contains("A whole sentence."), "it covers nothing");

    let mut bare = dpo.get(&path).await.page().form("Save").fields();
    bare.retain(|(name, _)| name != "base-describe_what_happened");
    let refused = dpo.post(&path, &fill(bare, &[("describe_what_happened", "Over which version?")])).await;
    let text = refused.text();
    assert!(refused.status == 422 && text.contains("not on the page that you filled in"), "{text}");
    assert!(text.contains("Over which version?"), "what was typed is still there");
    assert_eq!(dpo.post(&path, &refused.page().form("Save").fields()).await.status, 303, "the second look saves");

    let typed = fill(dpo.get(&path).await.page().form("Save").fields(), &[("describe_what_happened", "For the ICO.")]);
    assert_eq!(send(&mut dpo, &report, "Use this form", &[("form", "edpb")]).await.status, 303);
    let refused = dpo.post(&path, &typed).await;
    assert!(refused.status == 422 && refused.text().contains("Another form was chosen"), "{}", refused.text());
    assert_eq!(send(&mut dpo, &report, "Use this form", &[("form", "ico")]).await.status, 303);
    assert!(dpo.get(&path).await.text().contains("For the ICO."), "it is there again with its form");
}

/// Saving a part writes what was changed in it alone: not an instant whose seconds the page does not show, nor a text whose
/// line breaks a single line would lose.
async fn what_nobody_touched_stays_the_facts_own(on: On) {
    let world = World::new(on);
    world.pass(Duration::from_secs(42));
    let (operator, address, id) = desk(&world).await;
    let aware = operator.incident(id).await.awareness.breach.expect("awareness");
    assert_ne!(aware.micros() % 60_000_000, 0, "with seconds");
    let mut dpo = officer(&operator, address).await;
    let path = format!("/incidents/{id}/report/sections/2");
    let typed = [("describe_what_happened", "In my words.")];
    assert_eq!(send(&mut dpo, &path, "Save", &typed).await.status, 303);
    let standing = [("code_of_conduct", "yes"), ("code_of_conduct_details", "A scheme.\nIts body was told.")];
    assert_eq!(send(&mut dpo, "/about-this-organisation", "Save", &standing).await.status, 303);
    let path = format!("/incidents/{id}/report/sections/5");
    let page = dpo.get(&path).await.page();
    let areas = page.all("textarea");
    let in_an_area = areas.iter().any(|area| area.attribute("id") == Some("code_of_conduct_details"));
    assert!(in_an_area, "a single line would lose the line break");
    assert_eq!(send(&mut dpo, &path, "Save", &[]).await.status, 303);
    let answers = operator.incident(id).await.reports.answers;
    let written: Vec<String> = answers.keys().map(ToString::to_string).collect();
    assert_eq!(written, ["describe_what_happened"]);
}

/// A person who keeps as many drafts as anybody may is told so, and what they typed is on the page all the same.
async fn what_no_draft_can_keep_is_shown(on: On) {
    let world = World::new(on);
    let (operator, address, id) = desk(&world).await;
    let mut dpo = officer(&operator, address).await;
    let report = format!("/incidents/{id}/report");
    let path = format!("{report}/sections/2");
    let person = operator.dpo().actor().person().expect("a person");
    let person = operator.node.person(person).await.expect("them");
    for n in 1..=50 {
        let draft = uuid::Uuid::from_u128(n);
        operator.node.keep_draft(&person, draft, "log", b"[]".to_vec()).await.expect("kept");
    }
    let typed = [("describe_what_happened", "Typed with care."), ("subjects_count", "12x")];
    let refused = send(&mut dpo, &path, "Save", &typed).await;
    let text = refused.text();
    assert!(refused.status == 422 && text.contains("Give a whole number"), "{text}");
    assert!(text.contains("Typed with care.") && text.contains("too many drafts"), "{text}");

    let typed = fill(dpo.get(&path).await.page().form("Save").fields(), &[("describe_what_happened", "Typed again.")]);
    assert_eq!(send(&mut dpo, &report, "Use this form", &[("form", "edpb")]).await.status, 303);
    let refused = dpo.post(&path, &typed).await;
    let text = refused.text();
    assert!(refused.status == 422 && text.contains("Another form was chosen"), "{text}");
    assert!(text.contains("Typed again.") && text.contains("too many drafts"), "{text}");
}

/// *Not yet known* beside words of one's own is a fault, because one of the two would be lost; over what stands it says that
/// it is not known after all.
async fn one_of_not_yet_known_and_a_text_stands(on: On) {
    let world = World::new(on);
    let (operator, address, id) = desk(&world).await;
    let mut dpo = officer(&operator, address).await;
    let path = format!("/incidents/{id}/report/sections/2");
    let unknown = ("describe_what_happened_unknown", "yes");
    let both = send(&mut dpo, &path, "Save", &[("describe_what_happened", "A mailbox was read."), unknown]).await;
    let text = both.text();
    assert!(both.status == 422 && text.contains("take one of the two away"), "{text}");
    assert!(text.contains("A mailbox was read."), "what was typed is still there: {text}");
    assert!(operator.incident(id).await.reports.answers.is_empty(), "nothing was written");
    assert_eq!(send(&mut dpo, &path, "Discard what was typed", &[]).await.status, 303);
    assert_eq!(send(&mut dpo, &path, "Save", &[unknown]).await.status, 303, "over what the facts say");
    let answers = operator.incident(id).await.reports.answers;
    let written = answers.values().flatten().next().expect("an answer").answer.clone();
    assert_eq!(written, Some(domain::report::Written::NotYetKnown));
    let sign = format!("/incidents/{id}/report/sign-off");
    assert!(!dpo.get(&sign).await.text().contains("Not what the facts say"));
    let other = [("discovered_at-day", "1"), ("discovered_at-month", "3"), ("discovered_at-time", "23:00")];
    assert_eq!(send(&mut dpo, &path, "Save", &other).await.status, 303, "the clock's anchor is another");
    for page in [&sign, &format!("/incidents/{id}/report")] {
        assert!(dpo.get(page).await.text().contains("Not what the facts say"), "{page}");
    }
}
