//! The report through the API: what stands for every report by its version, another form, answers, the proof.

use serde_json::json;
use server::access::Scope;
use tests::node::{World, line};
use tests::visitor::Visitor;
use tests::{On, both};

use super::{desk, proofs_taken};

both!(a_program_does_the_same,);

/// The same through the API: what stands for every report by its version, another form, an answer, the proof.
async fn a_program_does_the_same(on: On) {
    let world = World::new(on);
    let (operator, address, id) = desk(&world).await;
    let account = operator.node.account(&operator.email("dpo")).await.expect("answers").expect("an account");
    let person = operator.node.person(account.id).await.expect("a person");
    let (ends, scopes) =
        (operator.node.time().elapsed().plus_seconds(86_400), [Scope::Read, Scope::Respond, Scope::Decide]);
    let added = operator.node.add_token(&person, line("A program"), scopes.to_vec(), ends).await;
    let (_, token) = added.expect("a token");
    let program = Visitor::with_token(address, &token);
    let call = async |method: &str, path: &str, more: (&str, &str), body: Vec<u8>| {
        let kind = if path.contains("/proof") { "application/octet-stream" } else { "application/json" };
        let headers = [("Content-Type", kind), more];
        program.send(method, &format!("/api/v1{path}"), &headers, &body).await.expect("an answer")
    };
    let json_of = |value: serde_json::Value| value.to_string().into_bytes();
    let none = program.try_get("/api/v1/standing-answers").await.expect("an answer");
    assert_eq!((none.status, none.json()["version"].as_u64()), (200, Some(0)), "{}", none.text());
    let etag = none.header("etag").expect("a version").to_owned();
    let answers = json!({ "size": "from_250", "training": "Every year.", "code_of_conduct": false });
    let wrong = call("PUT", "/standing-answers", ("If-Match", &etag), json_of(json!({ "size": "many" }))).await;
    assert!(wrong.status == 422 && wrong.text().contains("/size"), "{}", wrong.text());
    let saved = call("PUT", "/standing-answers", ("If-Match", &etag), json_of(answers.clone())).await;
    assert_eq!((saved.status, saved.json()["training"].as_str()), (200, Some("Every year.")), "{}", saved.text());
    assert_eq!(call("PUT", "/standing-answers", ("If-Match", &etag), json_of(answers)).await.status, 412);

    let report = format!("/incidents/{id}/report");
    for (form, status) in [("edpb", 204), ("another", 422), ("ico", 204)] {
        let chosen = json_of(json!({ "form": form }));
        let answer = call("POST", &format!("{report}/form"), ("Idempotency-Key", form), chosen).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    answers_say_one_thing_about_the_report_that_was_read(&program, &report).await;
    let submission = json!({ "at": world.now().to_string(), "channel": "email", "ico_reference": "IC-1" });
    let sent = call("POST", &format!("{report}/submission"), ("Idempotency-Key", "sent"), json_of(submission)).await;
    assert_eq!(sent.status, 204, "{}", sent.text());
    let proof = format!("{report}/proof?number=1");
    let old = [[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1].as_slice(), &[0; 64]].concat();
    let refused = call("POST", &format!("{proof}&name=a.pdf"), ("Idempotency-Key", "old"), old).await;
    assert!(refused.status == 422 && refused.text().contains("can carry macros"), "{}", refused.text());
    let mail = b"Received with thanks.".to_vec();
    let kept = call("POST", &format!("{proof}&name=mail.txt"), ("Idempotency-Key", "mail"), mail.clone()).await;
    assert_eq!(kept.status, 204, "{}", kept.text());
    let again = program.try_get(&format!("/api/v1{proof}")).await.expect("an answer");
    assert_eq!((again.status, &again.body), (200, &mail));
    assert!(again.header("content-disposition").is_some_and(|value| value.starts_with("attachment")));
    assert_eq!(proofs_taken(&operator).await, 1, "who took it is on the record");
    let shown = program.try_get(&format!("/api/v1{report}")).await.expect("an answer").json();
    assert_eq!((shown["submitted"][0]["proof"].as_str(), shown["form"].as_str()), (Some("mail.txt"), Some("ico")));
}

/// What says two things, or was read on another report, is refused whole.
async fn answers_say_one_thing_about_the_report_that_was_read(program: &Visitor, report: &str) {
    let read = program.try_get(&format!("/api/v1{report}")).await.expect("an answer").json();
    assert_eq!((read["form"].as_str(), read["number"].as_u64()), (Some("ico"), Some(1)));
    let answer = |more: serde_json::Value| {
        let mut answer = json!({ "question": "containment", "base_version": 0 });
        let (Some(members), Some(more)) = (answer.as_object_mut(), more.as_object()) else { panic!("no objects") };
        members.extend(more.clone());
        answer
    };
    let good = answer(json!({ "text": "Sessions were ended." }));
    let cases = [
        ("two", "ico", 1, answer(json!({ "text": "Yes.", "not_yet_known": true })), 422, "/answers/0\""),
        ("to", "ico", 1, answer(json!({ "to": "2026-03-01T22:00:00Z" })), 422, "/answers/0/to"),
        ("most", "ico", 1, answer(json!({ "most": 5 })), 422, "/answers/0/most"),
        ("form", "another", 1, good.clone(), 422, "/form"),
        ("other", "edpb", 1, good.clone(), 409, "Another report is worked on"),
        ("number", "ico", 2, good.clone(), 409, "Another report is worked on"),
        ("good", "ico", 1, good, 204, ""),
    ];
    for (key, form, number, answer, status, said) in cases {
        let body = json!({ "form": form, "number": number, "answers": [answer] }).to_string();
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        let path = format!("/api/v1{report}/answers");
        let answer = program.send("POST", &path, &headers, body.as_bytes()).await.expect("an answer");
        assert!(answer.status == status && answer.text().contains(said), "{key}: {}", answer.text());
    }
}
