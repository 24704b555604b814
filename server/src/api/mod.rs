//! JSON: API version 1 for programs with a token, what partner nodes may call ([`wire`]), and whether we are alive
//! ([`health`]).
//!
//! Everything that a page does has its operation. `GROUPS` is the one list of them: routing ([`routes`]), the checks that
//! a request passes ([`door`]) and the OpenAPI document ([`document`]) all follow it. What is sent and given is described
//! once per type ([`shape`]).
//!
//! | module | operations about |
//! |---|---|
//! | [`incidents`], [`reports`], [`organisation`] | incidents of ours, their facts and reports; what stands for every report |
//! | [`telling`], [`lessons`], [`costs`] | telling the people affected; root causes and corrective actions; what it cost |
//! | [`ladders`] | plans of ladders, the rota, calendars of deadlines |
//! | [`printed`] | documents to keep |
//! | [`assessments`] | how severe an incident is, and what was decided on it |
//! | [`register`] | the register: its lines, statistics, tables to take away |
//! | [`clocks`], [`notices`] | duties; what was told and what we were told |
//! | [`messages`], [`joint`] | what the parties say to each other; the joint decision |
//! | [`clocks`], [`duties`], [`notices`] | duties with and without a due instant; what was told and what we were told |
//! | [`complaints`] | complaints about how we use personal data |
//! | [`board`], [`exercises`] | how every partner of an incident stands; drills with partners |
//! | [`partners`], [`keys`] | pairing, our own card and keys |
//! | [`directory`] | parties, services, agreements, arrangements, import and export |
//! | [`people`], [`tokens`] | accounts, and one's own tokens |
//!
//! Lists are paged by key: `?after=` takes the `next` of the page before. Problems are RFC 9457 JSON. Every item has a
//! `state` in the words of the pages.

pub mod assessments;
pub mod board;
pub mod call;
pub mod clocks;
pub mod complaints;
pub mod costs;
pub mod directory;
pub mod document;
pub mod door;
pub mod duties;
pub mod exercises;
pub mod facts;
pub mod health;
pub mod incidents;
pub mod integrations;
pub mod joint;
pub mod keys;
pub mod ladders;
pub mod lessons;
pub mod messages;
pub mod notices;
pub mod operation;
pub mod organisation;
pub mod partners;
pub mod people;
pub mod printed;
pub mod register;
pub mod reports;
pub mod shape;
pub mod telling;
pub mod tokens;
pub mod wire;

use std::sync::LazyLock;

use actix_web::http::{Method, header};
use actix_web::web::{self, ServiceConfig, resource, scope};
use actix_web::{HttpRequest, HttpResponse};

use self::operation::{Group, Operation, Verb};
use crate::node::Node;
use crate::problem::Problem;

/// Every operation, in the order in which the document lists them.
const GROUPS: &[&Group] = &[
    &incidents::GROUP,
    &assessments::GROUP,
    &reports::GROUP,
    &organisation::GROUP,
    &telling::GROUP,
    &lessons::GROUP,
    &costs::GROUP,
    &printed::GROUP,
    &register::GROUP,
    &clocks::GROUP,
    &duties::GROUP,
    &complaints::GROUP,
    &ladders::GROUP,
    &notices::GROUP,
    &messages::GROUP,
    &joint::GROUP,
    &board::GROUP,
    &exercises::GROUP,
    &partners::GROUP,
    &integrations::GROUP,
    &directory::GROUP,
    &directory::FILES,
    &people::GROUP,
    &tokens::GROUP,
    &keys::GROUP,
];

/// The operations of one address.
struct Address {
    path: &'static str,
    operations: Vec<&'static Operation>,
}

/// Addresses with their operations. Those without a parameter come first, so that no parameter swallows them.
static ADDRESSES: LazyLock<Vec<Address>> = LazyLock::new(|| {
    let mut addresses: Vec<Address> = Vec::new();
    for operation in operations() {
        match addresses.iter_mut().find(|address| address.path == operation.path) {
            Some(address) => address.operations.push(operation),
            None => addresses.push(Address { path: operation.path, operations: vec![operation] }),
        }
    }
    addresses.sort_by_key(|address| address.path.matches('{').count());
    addresses
});

fn operations() -> impl Iterator<Item = &'static Operation> {
    GROUPS.iter().flat_map(|group| group.operations)
}

/// Where the API begins.
const ROOT: &str = "/api/v1";

/// Every route of the API and the wire. Addresses of the API are found in the table itself: a pattern for each, compiled by
/// each worker, would take more memory than all the rest of an idle node.
pub fn routes(config: &mut ServiceConfig) {
    // The page that shows the document has it written when it is asked for, too.
    let describe: fn() -> utoipa::openapi::OpenApi = document::openapi;
    config
        .configure(health::routes)
        .configure(wire::routes)
        .app_data(web::Data::new(describe))
        .service(scope(ROOT).service(resource("/openapi.json").to(openapi)).default_service(web::to(asked)));
}

/// The address that a path is at.
fn address_of(path: &str) -> Option<&'static Address> {
    let path = path.strip_prefix(ROOT)?;
    ADDRESSES.iter().find(|address| parameter(address.path, path).is_some())
}

/// What stands in a path where the address has its parameter; `None` when the path is at another address, empty when the
/// address has no parameter. An address has at most one.
fn parameter<'a>(address: &str, path: &'a str) -> Option<&'a str> {
    let mut found = "";
    let mut given = path.split('/');
    for part in address.split('/') {
        let segment = given.next()?;
        if part.starts_with('{') {
            found = Some(segment).filter(|segment| !segment.is_empty())?;
        } else if part != segment {
            return None;
        }
    }
    given.next().is_none().then_some(found)
}

/// The document that describes all of it. It holds nothing of the node's, so anybody may read it.
async fn openapi(request: HttpRequest) -> HttpResponse {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return other_method("GET, HEAD");
    }
    // Written when it is asked for: an idle node does not keep it.
    match document::openapi().to_json() {
        Ok(body) => HttpResponse::Ok()
            .content_type("application/json")
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .body(body),
        Err(error) => failed(&request, &Problem::internal(error)),
    }
}

/// A request to an address: the operation of its method does it. `HEAD` is `GET` without the body.
async fn asked(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let Some(Address { operations, .. }) = address_of(request.path()) else {
        return failed(&request, &Problem::NotFound);
    };
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let Some(operation) = operations.iter().find(|operation| operation.verb.method() == *method) else {
        let mut methods: Vec<&str> = Vec::new();
        for operation in operations {
            methods.extend(match operation.verb {
                Verb::Get => ["GET", "HEAD"].as_slice(),
                Verb::Post => &["POST"],
                Verb::Put => &["PUT"],
            });
        }
        return other_method(&methods.join(", "));
    };
    match door::answer(operation, request.clone(), payload).await {
        Ok(answer) if operation.verb == Verb::Get => door::not_modified(&request, answer),
        Ok(answer) => answer,
        Err(problem) => failed(&request, &problem),
    }
}

fn other_method(allowed: &str) -> HttpResponse {
    let mut answer = Problem::MethodNotAllowed.json(None);
    if let Ok(allowed) = header::HeaderValue::from_str(allowed) {
        answer.headers_mut().insert(header::ALLOW, allowed);
    }
    answer
}

/// A problem as an answer; one that has a cause goes to the log under the reference that the answer names.
fn failed(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    let node = request.app_data::<web::Data<Node>>().filter(|_| problem.needs_reference());
    let reference = node.map(|node| node.time().fresh_id().to_string());
    problem.log(reference.as_deref().unwrap_or_default());
    problem.json(reference.as_deref())
}

#[cfg(test)]
mod tests;
