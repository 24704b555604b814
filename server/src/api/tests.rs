//! The table of operations and the document made from it agree, and bodies are read with every fault named.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests, and what the macros declare is for other modules"
)]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::operation::{Gives, Takes};
use super::shape::{self, NamedSchemas};
use super::*;

/// Aim: addresses, names and what operations need are in order: no name twice, each writing operation needs a scope that
/// changes, and only POST answers are shown once.
#[test]
fn the_table_is_in_order() {
    let names: BTreeSet<&str> = operations().map(|operation| operation.id).collect();
    assert_eq!(names.len(), operations().count(), "every operation has its own name");
    let mut seen = BTreeSet::new();
    for operation in operations() {
        assert!(seen.insert((operation.verb.method().to_string(), operation.path)), "{} is there twice", operation.id);
        assert!(!operation.scopes.is_empty(), "{}", operation.id);
        if operation.verb != Verb::Get {
            assert!(
                !operation.scopes.contains(&crate::access::Scope::Read),
                "{} needs more than reading",
                operation.id
            );
        }
        assert!(!operation.secret || operation.verb == Verb::Post, "{}", operation.id);
        if operation.verb == Verb::Put {
            assert!(matches!(operation.gives, Gives::One(_)) && matches!(operation.takes, Takes::Json(_)));
        }
    }
}

/// Aim: no two shapes share a name in the document.
#[test]
fn shapes_have_their_own_names() {
    let mut named = NamedSchemas::default();
    for operation in operations() {
        if let Takes::Json(schema) = operation.takes {
            let _ = schema(&mut named);
        }
        if let Gives::One(schema) | Gives::Made(schema) | Gives::List(schema) = operation.gives {
            let _ = schema(&mut named);
        }
    }
    assert!(named.clashes().is_empty(), "{:?}", named.clashes());
}

/// Aim: the document is OpenAPI 3.1, holds every operation of the table, and every reference in it leads somewhere.
#[test]
fn the_document_holds_every_operation() {
    let document: Value = serde_json::from_str(&document::openapi().to_json().unwrap()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for operation in operations() {
        let method = operation.verb.method().to_string().to_lowercase();
        let described = &document["paths"][format!("/api/v1{}", operation.path)][&method];
        assert_eq!(described["operationId"], operation.id);
        assert!(described["responses"][operation.gives.status().to_string()].is_object(), "{}", operation.id);
        assert!(!described["security"].as_array().unwrap().is_empty(), "{}", operation.id);
        for name in operation.path_parameters() {
            let parameters = described["parameters"].as_array().unwrap();
            assert!(parameters.iter().any(|parameter| parameter["name"] == name), "{}", operation.id);
        }
    }
    let described: usize =
        document["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    assert_eq!(described, operations().count());
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
}

shape::request! {
    /// A thing.
    Thing {
        /// A text.
        name: domain::values::Line,
        /// A number.
        many: Option<u32>,
        /// Parts.
        parts: Vec<Part>,
    }
}

shape::request! {
    /// A part.
    Part {
        /// When.
        at: domain::values::Moment,
    }
}

fn faults(body: &Value) -> Vec<(String, String)> {
    match shape::read::<Thing>(body.to_string().as_bytes()) {
        Err(Problem::Fields(faults)) => faults.into_iter().map(|fault| (fault.field, fault.message)).collect(),
        _ => Vec::new(),
    }
}

/// Aim: every fault is named at once, by JSON pointer, and what was sent is not repeated.
#[test]
fn bodies_are_read_with_every_fault() {
    let good = json!({ "name": "A", "parts": [{ "at": "2026-03-01T02:10:00Z" }] });
    let read: Thing = shape::read(good.to_string().as_bytes()).unwrap();
    assert_eq!((read.name.as_str(), read.many, read.parts.len()), ("A", None, 1));
    assert!(read.parts.iter().all(|part| part.at.to_string() == "2026-03-01T02:10:00Z"));
    let wrong = json!({ "name": "", "many": -1, "parts": [{ "at": "planted" }, {}], "a/b": 1 });
    let found = faults(&wrong);
    let fields: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["/a~1b", "/name", "/many", "/parts/0/at", "/parts/1/at"]);
    assert!(found.iter().all(|(_, message)| !message.contains("planted")));
    let Err(Problem::NotJson(place)) = shape::read::<Thing>(b"{\n \"name\": }") else { unreachable!("it is no JSON") };
    assert!(place.contains("line 2"), "{place}");
}

/// Aim: a schema names members, says which are needed, and allows no others.
#[test]
fn schemas_follow_members() {
    let mut named = NamedSchemas::default();
    let _ = <Thing as shape::Shape>::schema(&mut named);
    let schemas = serde_json::to_value(named.into_schemas()).unwrap();
    assert_eq!(schemas["Thing"]["required"], json!(["name"]));
    assert_eq!(schemas["Thing"]["additionalProperties"], json!(false));
    assert_eq!(schemas["Thing"]["properties"]["parts"]["items"]["$ref"], "#/components/schemas/Part");
    assert_eq!(schemas["Part"]["properties"]["at"]["format"], "date-time");
}

/// Aim: a path finds its own address and no other, and ids are read from where the address has them.
#[test]
fn addresses_are_found_by_path() {
    assert_eq!(parameter("/incidents/{id}/close", "/incidents/abc/close"), Some("abc"));
    assert_eq!(parameter("/incidents", "/incidents"), Some(""));
    for other in ["/incidents", "/incidents//close", "/incidents/abc", "/incidents/abc/close/", "/incidents/abc/open"] {
        assert_eq!(parameter("/incidents/{id}/close", other), None, "{other}");
    }
    for operation in operations() {
        let path = format!("{ROOT}{}", operation.path.replace("{id}", "0199f6c2-5c1e-7a50-9d3e-3a6f0c1b7e21"));
        assert_eq!(address_of(&path).map(|address| address.path), Some(operation.path));
        assert!(operation.path.matches('{').count() <= 1, "{} has one parameter at most", operation.path);
    }
    assert!(address_of("/api/v1/nowhere").is_none() && address_of("/api/v2/incidents").is_none());
}
