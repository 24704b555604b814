//! The OpenAPI 3.1 document, made from the same operations that are routed.

use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HeaderBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder,
    PathsBuilder, Ref, RefOr, Required, ResponseBuilder, Schema,
};

use super::GROUPS;
use super::call::LIMIT_MAX;
use super::operation::{Gives, Group, Operation, Takes, Verb};
use super::shape::NamedSchemas;

/// The name of the one way to show who asks.
const TOKEN: &str = "token";
/// The media type of problems.
const PROBLEM_TYPE: &str = "application/problem+json";
/// The name of their schema.
const PROBLEM: &str = "Problem";

/// What every reader needs to know first.
const ABOUT: &str = "Everything that the pages of a Tocsin node do, for programs. Send a token in the Authorization header \
    (Bearer); people make tokens on their account page. A program acts for the token's person, with no more than the token's \
    scopes and that person's roles allow. Instants are RFC 3339 in UTC, ids are UUIDs. Lists are paged: after takes the next of \
    the page before. Every POST needs an Idempotency-Key; the same key and request again get the first answer, and do nothing. \
    Every PUT needs an If-Match with the ETag that was read. Problems are RFC 9457 JSON; faults of members are named in errors. \
    One token may ask 600 times a minute.";

/// The document.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut named = NamedSchemas::default();
    let mut paths = PathsBuilder::new();
    for group in GROUPS {
        for operation in group.operations {
            let item = PathItem::new(method(operation.verb), described(group, operation, &mut named));
            paths = paths.path(format!("/api/v1{}", operation.path), item);
        }
    }
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API token. What it may do is written at each operation."))
        .build();
    let mut components =
        ComponentsBuilder::new().schema(PROBLEM, problem()).security_scheme(TOKEN, SecurityScheme::Http(token));
    for (name, schema) in named.into_schemas() {
        components = components.schema(name, schema);
    }
    let tags = GROUPS.iter().map(|group| TagBuilder::new().name(group.name).description(Some(group.about)).build());
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Tocsin")
                .version("1")
                .description(Some(ABOUT))
                .license(Some(LicenseBuilder::new().name(env!("CARGO_PKG_LICENSE")).build()))
                .build(),
        )
        .paths(paths)
        .components(Some(components.build()))
        .tags(Some(tags.collect::<Vec<_>>()))
        .build()
}

const fn method(verb: Verb) -> HttpMethod {
    match verb {
        Verb::Get => HttpMethod::Get,
        Verb::Post => HttpMethod::Post,
        Verb::Put => HttpMethod::Put,
    }
}

/// The words about what a token needs.
#[must_use]
pub fn scope_words(operation: &Operation) -> String {
    let words: Vec<&str> = operation.scopes.iter().map(|scope| scope.word()).collect();
    format!("Scope: {}.", words.join(" or "))
}

fn described(group: &Group, operation: &Operation, named: &mut NamedSchemas) -> OperationBuilder {
    let scopes: Vec<&str> = operation.scopes.iter().map(|scope| scope.word()).collect();
    let mut builder = OperationBuilder::new()
        .tag(group.name)
        .operation_id(Some(operation.id))
        .summary(Some(operation.summary))
        .description(Some(scope_words(operation)));
    // Each requirement by itself is enough.
    for scope in scopes {
        builder = builder.security(SecurityRequirement::new(TOKEN, [scope]));
    }
    for name in operation.path_parameters() {
        builder = builder.parameter(
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .description(Some("Which."))
                .schema(Some(text())),
        );
    }
    for parameter in operation.query {
        builder = builder.parameter(query(parameter.name, parameter.about, text()));
    }
    if matches!((operation.verb, operation.gives), (Verb::Get, Gives::List(_))) {
        let limit = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1.0)).maximum(Some(most()));
        builder = builder.parameter(query("after", "The next of the page before.", text())).parameter(query(
            "limit",
            "How many items; 50 unless asked otherwise.",
            limit.into(),
        ));
    }
    builder = headers(operation, builder);
    let body = match operation.takes {
        Takes::Nothing => None,
        Takes::Json(schema) => Some(("application/json", schema(named))),
        Takes::Toml => Some(("application/toml", text())),
        Takes::File => Some(("application/octet-stream", text())),
    };
    let body = body.map(|(media_type, schema)| {
        RequestBodyBuilder::new()
            .required(Some(Required::True))
            .content(media_type, ContentBuilder::new().schema(Some(schema)).build())
            .build()
    });
    answers(operation, builder.request_body(body), named)
}

#[expect(clippy::cast_precision_loss, reason = "200 is exact")]
const fn most() -> f64 {
    LIMIT_MAX as f64
}

fn text() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).into()
}

fn query(name: &str, about: &str, schema: RefOr<Schema>) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
}

fn header(name: &str, about: &str, required: Required) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(about))
        .schema(Some(text()))
}

/// Headers that an operation of this kind takes.
fn headers(operation: &Operation, builder: OperationBuilder) -> OperationBuilder {
    match operation.verb {
        Verb::Get if versioned(operation) => {
            builder.parameter(header("If-None-Match", "An ETag; 304 when it is still that version.", Required::False))
        }
        Verb::Get => builder,
        Verb::Post => builder.parameter(header(
            "Idempotency-Key",
            "1 to 255 visible ASCII characters, fresh for each request.",
            Required::True,
        )),
        Verb::Put => builder.parameter(header("If-Match", "The ETag of the version that was read.", Required::True)),
    }
}

const fn versioned(operation: &Operation) -> bool {
    matches!((operation.verb, operation.gives), (Verb::Get | Verb::Put, Gives::One(_)))
}

/// Every answer with its status.
fn answers(operation: &Operation, builder: OperationBuilder, named: &mut NamedSchemas) -> OperationBuilder {
    let json = |schema| ContentBuilder::new().schema(Some(schema)).build();
    let mut well = match operation.gives {
        Gives::Nothing => ResponseBuilder::new().description("It was done."),
        Gives::One(schema) => {
            ResponseBuilder::new().description("It.").content("application/json", json(schema(named)))
        }
        Gives::Made(schema) => {
            let about = if operation.secret { "What was made, shown once." } else { "What was made." };
            ResponseBuilder::new().description(about).content("application/json", json(schema(named)))
        }
        Gives::List(schema) => {
            let items = schema(named);
            ResponseBuilder::new().description("A page.").content("application/json", json(page(items)))
        }
        Gives::Document(media_type) => {
            // What is no text has no schema in OpenAPI 3.1.
            let content =
                if Gives::Document(media_type).is_text() { json(text()) } else { ContentBuilder::new().build() };
            ResponseBuilder::new().description("The document.").content(media_type, content)
        }
    };
    if versioned(operation) {
        well = well.header("ETag", HeaderBuilder::new().schema(Some(text())).build());
    }
    let mut builder = builder.response(operation.gives.status().to_string(), well.build());
    if operation.verb == Verb::Get && versioned(operation) {
        builder = builder.response("304", ResponseBuilder::new().description("It is still that version.").build());
    }
    for (status, about) in refusals(operation) {
        let content = json(RefOr::Ref(Ref::from_schema_name(PROBLEM)));
        builder = builder.response(
            status.to_string(),
            ResponseBuilder::new().description(about).content(PROBLEM_TYPE, content).build(),
        );
    }
    builder
}

/// What an operation may answer when it says no, by its kind.
fn refusals(operation: &Operation) -> Vec<(u16, &'static str)> {
    let mut refusals = vec![
        (400, "The request could not be read."),
        (401, "No valid token came with it."),
        (403, "The token's scopes, or the person's roles, do not include this."),
        (413, "The body is too large."),
        (429, "Too many requests; Retry-After says how long to wait."),
        (500, "A fault of ours; the reference names it in our log."),
        (503, "The record can't be reached at the moment; Retry-After says when to come back."),
    ];
    if operation.path.contains('{') || operation.verb != Verb::Get {
        refusals.push((404, "There is no such thing here."));
    }
    if operation.verb != Verb::Get {
        refusals.push((409, "A rule says no, or how the first request with this key ended is not known."));
        refusals.push((422, "Members are not acceptable, or the key was used for another request."));
        refusals.push((428, "The Idempotency-Key or the If-Match is missing."));
    }
    if operation.verb == Verb::Get && !operation.query.is_empty() {
        refusals.push((422, "A parameter is not acceptable; errors names it."));
    }
    if operation.verb == Verb::Put {
        refusals.push((412, "It was changed since; how it stands is in current."));
    }
    if !matches!(operation.takes, Takes::Nothing) {
        refusals.push((415, "The body is of another media type."));
    }
    refusals
}

/// A page of these items.
fn page(items: RefOr<Schema>) -> RefOr<Schema> {
    let next = OneOfBuilder::new().item(text()).item(ObjectBuilder::new().schema_type(Type::Null));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("items", ArrayBuilder::new().items(items))
        .required("items")
        .property("next", next)
        .required("next")
        .into()
}

/// A problem (RFC 9457).
fn problem() -> RefOr<Schema> {
    let fault = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("field", text())
        .required("field")
        .property("message", text())
        .required("message");
    let duty = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("duty", text())
        .required("duty")
        .property("words", text())
        .required("words");
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("What is wrong (RFC 9457)."))
        .property("type", text())
        .required("type")
        .property("title", text())
        .required("title")
        .property("status", ObjectBuilder::new().schema_type(Type::Integer))
        .required("status")
        .property("detail", text())
        .required("detail")
        .property("reference", text())
        .property("errors", ArrayBuilder::new().items(fault))
        .property("duties", ArrayBuilder::new().items(duty))
        .property("current", ObjectBuilder::new().schema_type(Type::Object))
        .into()
}
