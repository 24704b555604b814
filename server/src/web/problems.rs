//! Pages in place of problems: one sentence on what to do, and, when a form could not be kept, all that was typed in it.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse};
use askama::Template;

use super::page::{self, Chrome, Kept};
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    chrome: Chrome,
    heading: String,
    detail: String,
    reference: String,
    kept: Vec<(String, String)>,
    action: String,
    link: String,
    link_words: &'static str,
}

/// Puts a page in the place of every problem below it.
///
/// # Errors
/// Those of the wrapped service that are no problem of ours.
pub async fn pages<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answered = next.call(request).await?;
    let problem = match answered.response().error().and_then(|error| error.as_error::<Problem>()) {
        Some(problem) => problem.clone(),
        None if answered.status() == StatusCode::METHOD_NOT_ALLOWED => Problem::MethodNotAllowed,
        None => return Ok(answered.map_into_boxed_body()),
    };
    let request = answered.request().clone();
    super::refusals::record(&request, &problem).await;
    let page = page(&request, &problem);
    Ok(ServiceResponse::new(request, page))
}

/// The page that answers a problem.
#[must_use]
pub fn page(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    let Ok(node) = page::node_of(request) else { return problem.json(None) };
    if matches!(problem, Problem::SignInNeeded) && may_send_to_sign_in(request) {
        let next = request.uri().path_and_query().map_or("/", |path| path.as_str());
        return page::see_other(&format!("/sign-in?next={}", escaped(next)));
    }
    let reference = if problem.needs_reference() { node.time().fresh_id().to_string() } else { String::new() };
    problem.log(&reference);
    let (link, link_words) =
        if matches!(problem, Problem::SignInNeeded) { ("/sign-in", "Sign in") } else { ("/", "Back to the clocks") };
    let shown = ProblemPage {
        chrome: Chrome::outside(&node, problem.title(), ""),
        heading: problem.title().to_owned(),
        detail: problem.detail(),
        reference,
        kept: kept(request, problem),
        action: request.path().to_owned(),
        link: link.to_owned(),
        link_words,
    };
    let Ok(mut answer) = page::html_as(problem.status(), &shown) else { return problem.json(None) };
    if let Some(seconds) = problem.retry_after() {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

/// A person who opens a page is sent to sign in; a script that asks for a part of one is told by the status.
fn may_send_to_sign_in(request: &HttpRequest) -> bool {
    request.method() == Method::GET && !request.headers().contains_key("x-fragment")
}

/// Fields that are never given back.
const SECRETS: [&str; 3] = ["passphrase", "password", "present"];

/// What was typed, when trying again may help.
fn kept(request: &HttpRequest, problem: &Problem) -> Vec<(String, String)> {
    if problem.status() != StatusCode::SERVICE_UNAVAILABLE {
        return Vec::new();
    }
    let extensions = request.extensions();
    let kept = extensions.get::<Kept>();
    let pairs = |kept: &Kept| {
        let typed = kept.form.pairs().filter(|(name, _)| !SECRETS.contains(name));
        typed.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    kept.map(pairs).unwrap_or_default()
}

/// Percent-encodes a path for a query.
fn escaped(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for octet in path.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'/' | b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(octet));
        } else {
            text.push_str(&format!("%{octet:02X}"));
        }
    }
    text
}

/// Refuses changes that another site asked for. The secret in the form is the other half of the same protection.
///
/// # Errors
/// [`Problem::CrossSite`], and those of the wrapped service.
pub async fn same_site<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && !comes_from_here(request.request()) {
        let (request, _) = request.into_parts();
        return Ok(ServiceResponse::from_err(Problem::CrossSite, request));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// A browser that says `Sec-Fetch-Site` compared the addresses itself, and no page can write that header. Older ones send
/// `Origin`: it names the host that was asked, or, behind a proxy that asks under another name, this node's own.
fn comes_from_here(request: &HttpRequest) -> bool {
    let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
    match text("sec-fetch-site").as_deref() {
        Some("same-origin") => return true,
        Some("none") | None => {}
        Some(_) => return false,
    }
    let Some(origin) = text("origin") else { return true };
    let host = text("host").unwrap_or_default();
    let asked = origin.split_once("://").is_some_and(|(_, named)| named.eq_ignore_ascii_case(&host));
    asked || page::node_of(request).is_ok_and(|node| origin.eq_ignore_ascii_case(node.issuer()))
}
