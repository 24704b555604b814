//! The API's operations, to browse: written from the document that programs get, so that both say the same.

use actix_web::web::{Data, ServiceConfig, resource};
use askama::Template;
use serde_json::{Map, Value};
use utoipa::openapi::OpenApi;

use super::page::{self, Answer, Chrome, Visit};
use crate::problem::Problem;

/// Where references to shapes begin.
const SHAPES: &str = "#/components/schemas/";

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/api").get(browse));
}

#[derive(Template)]
#[template(path = "api_page.html")]
struct ApiPage {
    chrome: Chrome,
    about: String,
    origin: String,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
}

struct Group {
    name: String,
    about: String,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: &'static str,
    path: String,
    summary: String,
    scope: String,
    parameters: Vec<Parameter>,
    takes: Option<Type>,
    answers: Vec<Reply>,
}

struct Parameter {
    name: String,
    place: String,
    needed: bool,
    about: String,
}

struct Reply {
    status: String,
    about: String,
    shape: Option<Type>,
}

/// A shape by its name, with its members.
struct Shape {
    name: String,
    about: String,
    members: Vec<Member>,
}

struct Member {
    name: String,
    kind: Type,
    needed: bool,
    about: String,
}

/// A type in words, with the shape that it names.
struct Type {
    words: String,
    shape: String,
}

/// `GET /api`
///
/// # Errors
/// [`Problem`]
pub async fn browse(visit: Visit, describe: Data<fn() -> OpenApi>) -> Answer {
    let document = serde_json::to_value(describe()).map_err(Problem::internal)?;
    let at = |pointer: &str| document.pointer(pointer);
    let mut groups: Vec<Group> = list(at("/tags"))
        .iter()
        .map(|tag| Group { name: text(tag, "name"), about: text(tag, "description"), operations: Vec::new() })
        .collect();
    for (path, item) in members(at("/paths")) {
        for (verb, method) in [("get", "GET"), ("post", "POST"), ("put", "PUT")] {
            let Some(operation) = item.get(verb) else { continue };
            let tag = list(operation.get("tags")).first().and_then(Value::as_str);
            if let Some(group) = groups.iter_mut().find(|group| Some(group.name.as_str()) == tag) {
                group.operations.push(operation_of(method, path, operation));
            }
        }
    }
    let page = ApiPage {
        chrome: visit.chrome("API", "/administration"),
        about: at("/info/description").and_then(Value::as_str).unwrap_or_default().to_owned(),
        origin: visit.node.issuer().to_owned(),
        groups,
        shapes: members(at("/components/schemas")).map(|(name, schema)| shape_of(name, schema)).collect(),
    };
    page::html(&page)
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn operation_of(method: &'static str, path: &str, operation: &Value) -> Operation {
    let parameters = list(operation.get("parameters")).iter().map(|parameter| Parameter {
        name: text(parameter, "name"),
        place: text(parameter, "in"),
        needed: parameter.get("required").and_then(Value::as_bool).unwrap_or(false),
        about: text(parameter, "description"),
    });
    let answers = members(operation.get("responses")).map(|(status, answer)| Reply {
        status: status.clone(),
        about: text(answer, "description"),
        shape: content(answer),
    });
    Operation {
        id: text(operation, "operationId"),
        method,
        path: path.to_owned(),
        summary: text(operation, "summary"),
        scope: text(operation, "description"),
        parameters: parameters.collect(),
        takes: operation.get("requestBody").and_then(content),
        answers: answers.collect(),
    }
}

/// What a body is, by its media type.
fn content(body: &Value) -> Option<Type> {
    let (media_type, content) = members(body.get("content")).next()?;
    Some(match content.get("schema").map(type_of) {
        Some(kind) if media_type.ends_with("json") => kind,
        Some(_) | None => Type { words: media_type.clone(), shape: String::new() },
    })
}

fn shape_of(name: &str, schema: &Value) -> Shape {
    let needed: Vec<&str> = list(schema.get("required")).iter().filter_map(Value::as_str).collect();
    Shape {
        name: name.to_owned(),
        about: text(schema, "description"),
        members: members(schema.get("properties"))
            .map(|(name, schema)| Member {
                name: name.clone(),
                kind: type_of(schema),
                needed: needed.contains(&name.as_str()),
                about: text(schema, "description"),
            })
            .collect(),
    }
}

/// A schema in words.
fn type_of(schema: &Value) -> Type {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(SHAPES)) {
        return Type { words: name.to_owned(), shape: name.to_owned() };
    }
    let options = list(schema.get("oneOf"));
    if let Some(first) = options.iter().find(|option| option.get("type").and_then(Value::as_str) != Some("null")) {
        let kind = type_of(first);
        return Type { words: format!("{} or null", kind.words), ..kind };
    }
    let words = list(schema.get("enum"));
    if !words.is_empty() {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        return Type { words: format!("one of {}", words.join(", ")), shape: String::new() };
    }
    let of_items = |schema: &Value| schema.get("items").map(type_of);
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => of_items(schema).map_or_else(
            || Type { words: "list".to_owned(), shape: String::new() },
            |item| Type { words: format!("list of {}", item.words), ..item },
        ),
        Some("object") => match schema.pointer("/properties/items").and_then(of_items) {
            Some(item) => Type { words: format!("page of {}", item.words), ..item },
            None => Type { words: "object".to_owned(), shape: String::new() },
        },
        kind => Type { words: plain(kind, schema), shape: String::new() },
    }
}

fn plain(kind: Option<&str>, schema: &Value) -> String {
    match (kind, schema.get("format").and_then(Value::as_str)) {
        (_, Some("date-time")) => "instant".to_owned(),
        (_, Some("date")) => "date".to_owned(),
        (_, Some("uuid")) => "id".to_owned(),
        (Some("integer"), _) => "whole number".to_owned(),
        (Some("boolean"), _) => "true or false".to_owned(),
        (Some("string"), _) => match schema.get("maxLength").and_then(Value::as_u64) {
            Some(most) => format!("text of up to {most} characters"),
            None => "text".to_owned(),
        },
        (_, _) => "anything".to_owned(),
    }
}
