//! The schema of what travels: the golden example, the published JSON Schema and the types say the same.

use serde_json::{Map, Value, json};
use webhooks::message::{Event, EventError, NOTIFIED, NS, Notice, UPDATED};
use webhooks::set::{BuildError, build_payload};

use crate::kit::{answer, golden, notice, receive, signed};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../schema/notified.schema.json")).unwrap()
}

fn parse(body: &Value) -> Result<Event, EventError> {
    Event::parse(NOTIFIED, body)
}

#[test]
fn the_golden_example_is_written_again_letter_for_letter() {
    let text = include_str!("../golden/notified.json");
    let notice: Notice = serde_json::from_str(text).unwrap();
    let again = serde_json::to_string_pretty(&notice).unwrap();
    assert_eq!(format!("{again}\n"), text);
    assert!(parse(&golden()).is_ok());
}

/// Where the schema leads from one value: through references and past the mark for "not yet known".
fn resolve<'a>(root: &'a Value, mut schema: &'a Value) -> &'a Value {
    loop {
        if let Some(name) = schema["$ref"].as_str() {
            schema = &root["$defs"][name.rsplit('/').next().unwrap()];
        } else if let Some(options) = schema["anyOf"].as_array() {
            schema = options.last().unwrap();
        } else {
            return schema;
        }
    }
}

type Visit<'a> = dyn FnMut(&str, &Value, &Map<String, Value>) + 'a;

/// Calls `visit` for every object of the golden example with its path and schema.
fn objects(root: &Value, schema: &Value, value: &Value, path: &str, visit: &mut Visit<'_>) {
    let schema = resolve(root, schema);
    if let Some(members) = value.as_object() {
        if schema.get("additionalProperties").is_some() {
            return;
        }
        visit(path, schema, members);
        for (name, member) in members {
            let inner = &schema["properties"][name];
            objects(root, inner, member, &format!("{path}/{name}"), visit);
        }
    } else if let Some(elements) = value.as_array() {
        for (n, element) in elements.iter().enumerate() {
            objects(root, &schema["items"], element, &format!("{path}/{n}"), visit);
        }
    }
}

/// The example is full: it has every member the schema lists, and no other.
#[test]
fn schema_and_example_list_the_same_members() {
    let schema = schema();
    objects(&schema, &schema, &golden(), "", &mut |path, schema, members| {
        let listed: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        let present: Vec<&String> = members.keys().collect();
        assert_eq!(listed, present, "at {path}");
    });
}

/// Members that go with another member's value; the schema says so with `if`.
fn conditional(path: &str, name: &str) -> bool {
    (path.contains("/occurred_") && name == "at")
        || (matches!(path, "/facts/scope/data_subjects" | "/facts/scope/records" | "/facts/scope/recipient_share")
            && name == "value")
}

#[test]
fn exactly_the_members_the_schema_requires_are_required() {
    let schema = schema();
    objects(&schema, &schema, &golden(), "", &mut |path, schema, members| {
        let required = schema["required"].as_array().unwrap();
        for name in members.keys() {
            let mut body = golden();
            body.pointer_mut(path).unwrap().as_object_mut().unwrap().remove(name);
            let needed = required.contains(&json!(name)) || conditional(path, name);
            assert_eq!(parse(&body).is_err(), needed, "{path}/{name}");
        }
    });
}

#[test]
fn every_word_of_every_list_is_read_and_no_other() {
    let schema = schema();
    let mut lists = 0;
    objects(&schema, &schema, &golden(), "", &mut |path, object, members| {
        for name in members.keys() {
            let member = resolve(&schema, &object["properties"][name]);
            let Some(words) = member["enum"].as_array() else {
                continue;
            };
            lists += 1;
            let with = |word: &Value| {
                let mut body = golden();
                *body.pointer_mut(&format!("{path}/{name}")).unwrap() = word.clone();
                // What goes with the word.
                let siblings = body.pointer_mut(path).unwrap().as_object_mut().unwrap();
                if matches!(word.as_str(), Some("ongoing" | "not_yet_known")) {
                    siblings.remove(if name == "basis" { "value" } else { "at" });
                }
                parse(&body)
            };
            for word in words {
                assert!(with(word).is_ok(), "{path}/{name}: {word}");
            }
            assert!(with(&json!("unheard_of")).is_err(), "{path}/{name}");
        }
    });
    assert_eq!(lists, 19, "every list was looked at");
}

#[test]
fn every_fact_that_may_be_unknown_may_be_marked_so() {
    let schema = schema();
    let mut marks = 0;
    objects(&schema, &schema, &golden(), "", &mut |path, object, members| {
        for name in members.keys() {
            let may = object["properties"][name]["anyOf"][0]["const"] == json!("not_yet_known");
            if !may {
                continue;
            }
            marks += 1;
            let mut body = golden();
            *body.pointer_mut(&format!("{path}/{name}")).unwrap() = json!("not_yet_known");
            let Ok(Event::Notified(read)) = parse(&body) else {
                panic!("{path}/{name}");
            };
            let again = serde_json::to_value(&*read).unwrap();
            assert_eq!(again.pointer(&format!("{path}/{name}")), Some(&json!("not_yet_known")));
        }
    });
    assert_eq!(marks, 16, "every mark was looked at");
}

#[track_caller]
fn refused(name: &str, value: Value) {
    let mut body = golden();
    body[name] = value;
    assert!(parse(&body).is_err(), "{name}");
}

#[test]
fn bounds_of_a_notice() {
    for (name, value) in [
        ("seq", json!(0)),
        ("seq", json!(9_007_199_254_740_992_u64)),
        ("seq", json!("1")),
        ("prev", json!("short")),
        ("revision", json!(2)),
        ("phase", json!("update")),
        ("title", json!("")),
        ("title", json!("  ")),
        ("title", json!("é".repeat(201))),
        ("nature", json!([])),
        ("nature", json!(["confidentiality", "not_yet_known"])),
        ("nature", json!("confidentiality")),
        ("ongoing", json!("yes")),
        ("reference", json!("")),
        ("reference", json!("x".repeat(256))),
        ("facts", json!(null)),
        ("exercise", json!("false")),
    ] {
        refused(name, value);
    }
    for (path, value) in [
        ("/clock/hours", json!(0)),
        ("/clock/hours", json!(8_761)),
        ("/clock/at", json!("2026-11-21T08:40:00+00:00")),
        ("/facts/scope/records/max", json!(1)),
        ("/facts/scope/records/value", json!(-1)),
        ("/facts/scope/countries/0", json!("uk")),
        ("/facts/consequences/severity_score/indicative", json!(false)),
        ("/facts/timeline/occurred_to/precision", json!("ongoing")),
    ] {
        let mut body = golden();
        *body.pointer_mut(path).unwrap() = value;
        assert!(parse(&body).is_err(), "{path}");
    }
    let mut body = golden();
    body["title"] = json!("é".repeat(200));
    assert!(parse(&body).is_ok());
}

#[test]
fn a_first_notice_needs_little() {
    let body = json!({
        "seq": 1, "prev": null, "checkpoint": "…", "revision": 1, "phase": "initial",
        "incident_kind": "under_investigation", "title": "Odd sign-ins", "nature": ["not_yet_known"], "ongoing": null,
        "facts": { "timeline": {}, "nature": {}, "scope": {}, "consequences": {}, "measures": {}, "contact": {},
            "missing_items": [] },
    });
    let Ok(Event::Notified(read)) = parse(&body) else {
        panic!("the least notice is refused");
    };
    assert_eq!(serde_json::to_value(&*read).unwrap(), body);
}

#[test]
fn an_update_is_whole_and_later() {
    let mut body = golden();
    assert!(Event::parse(UPDATED, &body).is_err());
    for (revision, phase, good) in
        [(2, "update", true), (2, "correction", true), (9, "final", true), (1, "update", false), (2, "initial", false)]
    {
        body["revision"] = json!(revision);
        body["phase"] = json!(phase);
        assert_eq!(Event::parse(UPDATED, &body).is_ok(), good);
        assert!(parse(&body).is_err());
    }
}

#[test]
fn a_broken_chain_is_not_the_schema_s_business() {
    let mut payload = notice();
    payload["events"][NOTIFIED]["seq"] = json!(7);
    assert!(answer(&payload).is_ok(), "a gap is accepted on purpose");
}

#[test]
fn a_clock_starts_no_later_than_its_message() {
    let mut payload = notice();
    payload["events"][NOTIFIED]["clock"]["at"] = json!("2026-11-21T09:30:00Z");
    assert!(answer(&payload).is_ok());
    payload["events"][NOTIFIED]["clock"]["at"] = json!("2026-11-21T09:30:01Z");
    assert!(answer(&payload).is_err());
}

/// The good body is read, and each single change is refused.
#[track_caller]
fn keeps(name: &str, good: &Value, wrongs: &[(&str, Value)]) {
    let name = format!("{NS}{name}");
    let event = Event::parse(&name, good).unwrap();
    assert_eq!(event.name(), name);
    assert!(event.sequence().is_some());
    for (member, value) in wrongs {
        let mut bad = good.clone();
        bad[*member] = value.clone();
        assert!(Event::parse(&name, &bad).is_err(), "{member}");
    }
    let mut bad = good.clone();
    bad.as_object_mut().unwrap().remove("prev");
    assert!(Event::parse(&name, &bad).is_err(), "prev is explicit");
}

#[test]
fn a_withdrawal_names_its_reason_and_a_case_for_duplicates_only() {
    let good = json!({ "seq": 3, "prev": null, "checkpoint": "…", "revision": 3, "reason": "not_a_breach" });
    keeps(
        "withdrawn",
        &good,
        &[
            ("reason", json!("bored")),
            ("reason", json!("duplicate_of")),
            ("case", json!("another")),
            ("revision", json!(0)),
        ],
    );
    let mut duplicate = good;
    duplicate["reason"] = json!("duplicate_of");
    duplicate["case"] = json!("0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e99");
    keeps("withdrawn", &duplicate, &[("case", json!(""))]);
}

#[test]
fn an_acknowledgement_names_a_person_a_stance_and_a_revision() {
    keeps(
        "acknowledged",
        &json!({ "seq": 1, "prev": null, "checkpoint": "…", "revision_seen": 1, "stance": "assessing",
            "by": { "name": "R. Example", "role": "dpo" }, "at": "2026-11-21T09:55:02Z", "deleted": true }),
        &[
            ("stance", json!("read")),
            ("revision_seen", json!(0)),
            ("by", json!({ "name": "", "role": "dpo" })),
            ("at", json!(1_795_253_400)),
        ],
    );
}

#[test]
fn a_message_has_a_kind_a_text_and_a_person() {
    let good = json!({ "seq": 2, "prev": null, "checkpoint": "…", "kind": "question", "text": "Which logs?",
        "re": crate::kit::JTI, "due_at": "2026-11-22T09:00:00Z", "received_at": "2026-11-21T09:00:00Z",
        "by": { "name": "R. Example", "role": "dpo" } });
    keeps(
        "message",
        &good,
        &[
            ("kind", json!("shout")),
            ("text", json!(" ")),
            ("re", json!("first")),
            ("by", json!({ "name": "R. Example" })),
        ],
    );
    for kind in ["view", "question", "answer", "assistance_request", "view_request", "forwarded_request", "decision"] {
        let mut body = good.clone();
        body["kind"] = json!(kind);
        keeps("message", &body, &[]);
    }
}

#[test]
fn a_filing_names_authority_time_and_parties() {
    keeps(
        "filed",
        &json!({ "seq": 3, "prev": null, "checkpoint": "…", "authority": "ICO", "at": "2026-11-22T10:00:00Z",
            "reference": "IC-1", "on_behalf_of": [crate::kit::A, crate::kit::B], "exercise": true }),
        &[("authority", json!("")), ("on_behalf_of", json!([""])), ("at", json!("today"))],
    );
}

#[test]
fn what_would_be_refused_is_not_built() {
    let set = receive(&signed(&notice().to_string())).unwrap();
    let claims = set.claims().clone();
    assert!(build_payload(&claims, set.event()).is_ok());
    let Event::Notified(good) = set.event() else {
        panic!("a notice was received");
    };
    let with = |change: &dyn Fn(&mut Notice)| {
        let mut body = good.clone();
        change(&mut body);
        build_payload(&claims, &Event::Notified(body))
    };
    assert!(matches!(with(&|body| body.title.clear()), Err(BuildError::Refused(_))));
    assert!(matches!(with(&|body| body.checkpoint = "x".repeat(8_001)), Err(BuildError::Json(_))));
    assert!(matches!(
        with(&|body| body.facts.scope.countries = Some(vec!["GB".to_owned(); 201])),
        Err(BuildError::Json(_))
    ));
    assert!(matches!(
        with(&|body| body.facts.nature.services = Some(vec!["x".repeat(7_000); 9])),
        Err(BuildError::TooLarge)
    ));
    let mut other = claims;
    other.sub_id = "another".to_owned();
    assert!(matches!(build_payload(&other, set.event()), Err(BuildError::Refused(_))));
}

#[test]
fn texts_with_quotes_and_line_ends_survive() {
    let text = "\"quoted\"\\ and\nnew line, tab\t, \u{7f}\u{2028}, 🜲";
    let mut payload = notice();
    payload["events"][NOTIFIED]["facts"]["nature"]["summary"] = json!(text);
    let set = answer(&payload).unwrap();
    let built = build_payload(set.claims(), set.event()).unwrap();
    let read = receive(&signed(&String::from_utf8(built).unwrap())).unwrap();
    assert_eq!(read.event(), set.event());
}
