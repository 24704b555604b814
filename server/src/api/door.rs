//! What every request of a program passes, in this order: the token, its rate, its scope, the size and kind of the body,
//! the idempotency key; then the operation itself. A refusal that matters for security is on the record.
//!
//! What was begun is finished and its answer kept even when the caller hangs up: the operation runs in a task of its own.

use std::future::Future;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::call::{self, Call, Reply};
use super::operation::{Operation, Verb};
use crate::access::sessions::text_digest;
use crate::access::throttle::{Address, Throttle};
use crate::access::{ApiPerson, Scope};
use crate::node::once::{Claim, Named};
use crate::node::{Node, SentForm};
use crate::problem::Problem;

/// Requests of one token in a minute, lastingly.
const TOKEN_PER_MINUTE: u32 = 600;
/// Requests of one token at once.
const TOKEN_BURST: u32 = 120;
/// Wrong tokens from one address in a minute.
const WRONG_PER_MINUTE: u32 = 60;
/// A body that comes more slowly is not waited for.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Letters of an idempotency key.
const KEY_LETTERS_MAX: usize = 255;
/// Says that an answer is the first one again.
const REPEATED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How often programs may ask. Every worker shares one.
pub struct ProgramRates {
    by_token: Throttle<Uuid>,
    wrong_by_address: Throttle<IpAddr>,
}

impl ProgramRates {
    /// Counted in the node's machine time.
    #[must_use]
    pub fn new(node: &Node) -> Self {
        let rate = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self {
            by_token: Throttle::new(node.shared_time(), rate(TOKEN_PER_MINUTE), rate(TOKEN_BURST)),
            wrong_by_address: Throttle::new(node.shared_time(), rate(WRONG_PER_MINUTE), rate(WRONG_PER_MINUTE)),
        }
    }
}

/// Answers a request for an operation.
///
/// # Errors
/// [`Problem`]
pub async fn answer(
    operation: &'static Operation,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let node = request.app_data::<web::Data<Node>>().cloned().ok_or(Problem::NotFound)?;
    let client = client(&request, &node).await?;
    if !operation.scopes.iter().any(|scope| client.scopes.contains(scope)) {
        let problem = Problem::NotAllowed(whose(operation));
        refused(&node, &client, operation, &problem).await;
        return Err(problem);
    }
    let body = body(operation, &request, payload).await?;
    let asked = Asked { operation, client: client.clone(), node: node.clone(), request, body };
    let answered = match operation.verb {
        Verb::Get => asked.run(None).await.map(|reply| (reply, false)),
        Verb::Put => finish(asked.run(None)).await.map(|reply| (reply, false)),
        Verb::Post => asked.once().await,
    };
    match answered {
        Ok((reply, repeated)) => Ok(reply.reply(repeated)),
        Err(problem) => {
            refused(&node, &client, operation, &problem).await;
            Err(problem)
        }
    }
}

/// The program that asks, and its person.
async fn client(request: &HttpRequest, node: &Node) -> Result<ApiPerson, Problem> {
    let rates = request.app_data::<web::Data<ProgramRates>>();
    let token = bearer(request).ok_or(Problem::TokenNeeded)?;
    let Some(client) = node.api_person(text_digest(&token)).await? else {
        let address = request.app_data::<web::Data<Address>>().and_then(|address| address.of(request));
        if let (Some(rates), Some(address)) = (rates, address) {
            rates.wrong_by_address.check(&address).map_err(Problem::TooMany)?;
        }
        return Err(Problem::TokenNeeded);
    };
    if let Some(rates) = rates {
        rates.by_token.check(&client.id).map_err(Problem::TooMany)?;
    }
    Ok(client)
}

fn bearer(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Whom an operation is for, by its scopes.
const fn whose(operation: &Operation) -> &'static str {
    match operation.scopes {
        [Scope::Read, ..] => "programs whose token may read",
        [Scope::Respond] => "programs whose token may respond",
        [Scope::Respond, Scope::Decide] => "programs whose token may respond or decide",
        [Scope::Respond, ..] => "programs whose token may do more than read",
        [Scope::Decide, ..] => "programs whose token may decide",
        [Scope::Administer, ..] => "programs whose token may administer",
        [] => "nobody",
    }
}

/// Puts on the record that a program asked for more than it may. Other problems are no matter of security.
async fn refused(node: &Node, client: &ApiPerson, operation: &Operation, problem: &Problem) {
    if !matches!(problem, Problem::NotAllowed(_)) {
        return;
    }
    let needs: Vec<&str> = operation.scopes.iter().map(|scope| scope.word()).collect();
    let about = json!({ "operation": operation.id, "token": client.id, "needs": needs });
    node.record_refusal(Some(client.person.themselves()), "api_not_allowed", about).await;
}

/// The body, if it is of the right kind, counted while it is read.
async fn body(operation: &Operation, request: &HttpRequest, payload: web::Payload) -> Result<Vec<u8>, Problem> {
    let limit = operation.takes.octets_max();
    let read = match tokio::time::timeout(BODY_TIMEOUT, payload.to_bytes_limited(limit)).await {
        Ok(Ok(Ok(octets))) => octets.to_vec(),
        Err(_) | Ok(Ok(Err(_))) => return Err(Problem::Malformed("The body did not arrive whole.")),
        Ok(Err(_)) => return Err(Problem::TooLarge),
    };
    let Some(wanted) = operation.takes.media_type() else {
        let nothing = read.is_empty() || operation.verb == Verb::Post && read == b"{}";
        return if nothing { Ok(Vec::new()) } else { Err(Problem::Malformed("This operation takes no body.")) };
    };
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let given = given.split(';').next().unwrap_or_default().trim();
    let encoded = request.headers().contains_key(header::CONTENT_ENCODING);
    if encoded || !given.eq_ignore_ascii_case(wanted) { Err(Problem::MediaType(wanted)) } else { Ok(read) }
}

/// A request that may be done.
struct Asked {
    operation: &'static Operation,
    client: ApiPerson,
    node: web::Data<Node>,
    request: HttpRequest,
    body: Vec<u8>,
}

impl Asked {
    async fn run(self, form: Option<SentForm>) -> Result<Reply, Problem> {
        let Self { operation, client, node, request, body } = self;
        (operation.run)(Call { node, client, operation, request, body, form }).await
    }

    /// Does it once for its key; tells whether the answer is an earlier one. Whoever hangs up leaves no key behind that was
    /// claimed for nothing: claiming it, doing it and keeping the answer go together.
    async fn once(self) -> Result<(Reply, bool), Problem> {
        let named = self.named()?;
        finish(self.once_for(named)).await
    }

    async fn once_for(self, named: Named) -> Result<(Reply, bool), Problem> {
        let (claim, form) = if self.operation.recognises {
            let (claim, form) = self.node.claim_log_request(named, self.client.person.id()).await?;
            (claim, Some(SentForm { id: form, said: named.request_sha256 }))
        } else {
            (self.node.claim_request(named).await?, None)
        };
        match claim {
            Claim::Fresh => {}
            Claim::Unanswered if self.operation.recognises => {}
            Claim::Unanswered => return Err(Problem::OutcomeUnknown),
            Claim::OtherRequest => return Err(Problem::KeyReused),
            Claim::Answered { answer: None, .. } => return Err(Problem::ShownOnce),
            Claim::Answered { answer: Some(kept), .. } => {
                let reply = serde_json::from_slice(&kept).map_err(Problem::internal)?;
                return Ok((reply, true));
            }
        }
        let (node, secret) = (self.node.clone(), self.operation.secret);
        let ended = self.run(form).await;
        keep(&node, named, secret, &ended).await?;
        ended.map(|reply| (reply, false))
    }

    /// The key, and a digest of all that makes this request and no other.
    fn named(&self) -> Result<Named, Problem> {
        let key = self.request.headers().get("idempotency-key").and_then(|value| value.to_str().ok());
        let key = key.map(str::trim).filter(|key| {
            (1..=KEY_LETTERS_MAX).contains(&key.len()) && key.bytes().all(|letter| letter.is_ascii_graphic())
        });
        let key = key.ok_or(Problem::KeyNeeded)?;
        let mut request = Sha256::new();
        for part in [self.request.path().as_bytes(), self.request.query_string().as_bytes(), &self.body] {
            request.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            request.update(part);
        }
        Ok(Named { token: self.client.id, key_sha256: text_digest(key), request_sha256: request.finalize().into() })
    }
}

/// Runs to the end, even when nobody waits any more.
async fn finish<T: 'static>(work: impl Future<Output = Result<T, Problem>> + 'static) -> Result<T, Problem> {
    match actix_web::rt::spawn(work).await {
        Ok(ended) => ended,
        Err(error) => Err(Problem::internal(error)),
    }
}

/// Keeps how a request ended. One that was refused before anything was done gives its key back; one whose end is not
/// known keeps it without an answer.
async fn keep(node: &Node, named: Named, secret: bool, ended: &Result<Reply, Problem>) -> Result<(), Problem> {
    let reply = match ended {
        Ok(reply) => reply.clone(),
        Err(problem) if problem.nothing_was_done() => return Ok(node.release_request(named).await?),
        Err(problem) if problem.needs_reference() => return Ok(()),
        Err(problem) => Reply::refusal(problem),
    };
    let kept = serde_json::to_vec(&reply).map_err(Problem::internal)?;
    let kept = if secret && ended.is_ok() { None } else { Some(kept) };
    Ok(node.keep_answer(named, reply.status, kept).await?)
}

impl Reply {
    /// A refusal as it is kept for the same request again.
    fn refusal(problem: &Problem) -> Self {
        Self {
            status: problem.status().as_u16(),
            media_type: "application/problem+json".to_owned(),
            body: problem.body(None),
            etag: None,
            location: None,
            file: None,
        }
    }

    /// As HTTP.
    fn reply(self, repeated: bool) -> HttpResponse {
        let status = actix_web::http::StatusCode::from_u16(self.status);
        let mut answer = HttpResponse::build(status.unwrap_or(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR));
        answer.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(etag) = self.etag {
            answer.insert_header((header::ETAG, etag));
        }
        if let Some(location) = self.location {
            answer.insert_header((header::LOCATION, location));
        }
        if repeated {
            answer.insert_header((REPEATED, "true"));
        }
        if let Some(file) = self.file {
            answer.insert_header((header::CONTENT_DISPOSITION, file.disposition()));
            return answer.content_type(file.media_type).body(file.octets);
        }
        if self.body.is_empty() {
            return answer.finish();
        }
        answer.content_type(self.media_type).body(self.body)
    }
}

/// 304 in the place of an answer that the caller has already.
#[must_use]
pub fn not_modified(request: &HttpRequest, answer: HttpResponse) -> HttpResponse {
    let has = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let etag = answer.headers().get(header::ETAG).and_then(|value| value.to_str().ok());
    match (has, etag) {
        (Some(has), Some(etag)) if call::names(has, etag) => {
            let mut unchanged = HttpResponse::NotModified();
            unchanged.insert_header((header::ETAG, etag)).insert_header((header::CACHE_CONTROL, "no-store"));
            unchanged.finish()
        }
        _ => answer,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;

    /// Aim: what was begun goes on when its caller hangs up, which is when the server drops the request's future.
    #[actix_web::test]
    async fn who_hangs_up_stops_nothing() {
        let ((go, wait), (tell, told)) = (oneshot::channel::<()>(), oneshot::channel());
        let mut begun = Box::pin(finish(async move {
            wait.await.unwrap();
            tell.send("done").unwrap();
            Ok(())
        }));
        assert!(begun.as_mut().now_or_never().is_none());
        drop(begun);
        go.send(()).unwrap();
        assert_eq!(told.await.unwrap(), "done");
    }
}
