//! All that partner nodes may call: push, key manifests, and the public documents (protocol §2, §7).
//!
//! Here are only the checks that need HTTP: method, size, encoding, media type and the address's rate, in the protocol's
//! order. What the octets say is `node::receive`'s to judge. Refusals are written in the wire's own form.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use webhooks::poll as wire_poll;
use webhooks::push::{self, MAX_BODY, RECEIPT_HEADER};
use webhooks::refusal::Refusal;

use crate::access::throttle::{Address, Throttle};
use crate::node::Node;
use crate::node::poll::serve::{PollIncoming, Polled};
use crate::node::receive::{Incoming, Received};

/// The media type of a key manifest (protocol §3).
const MANIFEST_TYPE: &str = "application/jwk-set+jwt";
/// The media type of a party card (protocol §15).
const CARD_TYPE: &str = "application/party-card+jwt";

/// What a poll that can't be read is told, in the form of RFC 8935 §2.3.
const BAD_POLL: &str = r#"{"err":"invalid_request","description":"The request is not a poll."}"#;

/// A body that comes more slowly is not waited for.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How often one address may call, whoever it says it is (protocol §20).
pub struct AddressRate(Throttle<IpAddr>);

impl AddressRate {
    /// By the node's settings; a burst of a fifth of a minute's worth is taken at once.
    #[must_use]
    pub fn new(node: &Node) -> Self {
        let per_minute = NonZeroU32::new(node.rates().address_per_minute).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(per_minute.get() / 5).unwrap_or(NonZeroU32::MIN);
        Self(Throttle::new(node.shared_time(), per_minute, burst))
    }

    fn check(&self, address: &Address, request: &HttpRequest) -> Result<(), u32> {
        address.of(request).map_or(Ok(()), |address| self.0.check(&address))
    }
}

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/ssf/events").route(web::route().to(events)))
        .service(web::resource("/ssf/keys").route(web::route().to(keys)))
        .service(web::resource("/ssf/poll").route(web::route().to(poll)))
        .service(web::resource("/jwks.jwt").route(web::get().to(manifest)))
        .service(web::resource("/jwks.json").route(web::get().to(jwks)))
        .service(web::resource("/card.jwt").route(web::get().to(card)))
        .service(web::resource("/.well-known/ssf-configuration").route(web::get().to(configuration)));
}

async fn events(
    request: HttpRequest,
    payload: web::Payload,
    node: web::Data<Node>,
    rate: web::Data<AddressRate>,
    address: web::Data<Address>,
) -> HttpResponse {
    match body(push::MEDIA_TYPE, &request, payload, &rate, &address).await {
        Ok(octets) => answer(node.receive(Incoming { octets }).await, StatusCode::ACCEPTED),
        Err(answer) => answer,
    }
}

async fn keys(
    request: HttpRequest,
    payload: web::Payload,
    node: web::Data<Node>,
    rate: web::Data<AddressRate>,
    address: web::Data<Address>,
) -> HttpResponse {
    match body(MANIFEST_TYPE, &request, payload, &rate, &address).await {
        Ok(octets) => answer(node.receive_keys(Incoming { octets }).await, StatusCode::NO_CONTENT),
        Err(answer) => answer,
    }
}

async fn poll(
    request: HttpRequest,
    payload: web::Payload,
    node: web::Data<Node>,
    rate: web::Data<AddressRate>,
    address: web::Data<Address>,
) -> HttpResponse {
    let headers = request.headers();
    let authorization = text(headers, &header::AUTHORIZATION).map(str::to_owned);
    let language = headers.contains_key(header::CONTENT_LANGUAGE);
    match body(wire_poll::MEDIA_TYPE, &request, payload, &rate, &address).await {
        Ok(body) => polled(node.serve_poll(PollIncoming { authorization, language, body }).await),
        Err(answer) => answer,
    }
}

fn polled(answer: Polled) -> HttpResponse {
    match answer {
        Polled::Answer(body) => HttpResponse::Ok()
            .content_type(wire_poll::MEDIA_TYPE)
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(body),
        Polled::Unauthorised => HttpResponse::Unauthorized()
            .insert_header((header::WWW_AUTHENTICATE, "Bearer"))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .finish(),
        Polled::Forbidden => HttpResponse::Forbidden().finish(),
        Polled::BadRequest => HttpResponse::BadRequest()
            .content_type(wire_poll::MEDIA_TYPE)
            .insert_header((header::CONTENT_LANGUAGE, "en"))
            .body(BAD_POLL),
        Polled::TooMany { retry_after } => refused(Refusal::RateLimited, Some(retry_after)),
        Polled::Busy { retry_after } => refused(Refusal::StorageFailed, Some(retry_after)),
    }
}

async fn manifest(node: web::Data<Node>) -> HttpResponse {
    document(MANIFEST_TYPE, node.manifest())
}

async fn jwks(node: web::Data<Node>) -> HttpResponse {
    document("application/jwk-set+json", node.jwks())
}

async fn card(node: web::Data<Node>) -> HttpResponse {
    document(CARD_TYPE, node.export_card())
}

async fn configuration(node: web::Data<Node>) -> HttpResponse {
    document("application/json", node.ssf_configuration())
}

fn document(media_type: &'static str, body: String) -> HttpResponse {
    HttpResponse::Ok().content_type(media_type).insert_header((header::CACHE_CONTROL, "no-cache")).body(body)
}

/// Steps 1 to 5, then the body, counted while it is read.
async fn body(
    media_type: &str,
    request: &HttpRequest,
    payload: web::Payload,
    rate: &AddressRate,
    address: &Address,
) -> Result<Vec<u8>, HttpResponse> {
    let headers = request.headers();
    push::check_request(
        media_type,
        request.method().as_str(),
        text(headers, &header::CONTENT_TYPE),
        text(headers, &header::CONTENT_ENCODING),
        length(headers),
    )
    .map_err(|refusal| refused(refusal, None))?;
    rate.check(address, request).map_err(|wait| refused(Refusal::RateLimited, Some(wait)))?;
    let limit = usize::try_from(MAX_BODY).unwrap_or(usize::MAX);
    match tokio::time::timeout(BODY_TIMEOUT, payload.to_bytes_limited(limit)).await {
        Ok(Ok(Ok(octets))) => Ok(octets.to_vec()),
        // It came too slowly, or was cut off on the way: the same message may be sent again.
        Err(_) | Ok(Ok(Err(_))) => Err(HttpResponse::RequestTimeout().finish()),
        Ok(Err(_)) => Err(refused(Refusal::TooLarge, None)),
    }
}

fn answer(received: Received, accepted: StatusCode) -> HttpResponse {
    match received {
        Received::Accepted { receipt } => {
            HttpResponse::build(accepted).insert_header((RECEIPT_HEADER, receipt)).finish()
        }
        Received::AcceptedNoReceipt => HttpResponse::build(accepted).finish(),
        Received::Refused(refusal) => refused(refusal, None),
        Received::Busy { refusal, retry_after } => refused(refusal, Some(retry_after)),
    }
}

/// A refusal in the wire's form (RFC 8935 §2.3): a fixed sentence, no echo of what was sent.
fn refused(refusal: Refusal, retry_after: Option<u32>) -> HttpResponse {
    let status = StatusCode::from_u16(refusal.http_status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut answer = HttpResponse::build(status);
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        answer.insert_header((header::ALLOW, "POST"));
    }
    if let Some(seconds) = retry_after {
        answer.insert_header((header::RETRY_AFTER, seconds));
    }
    match refusal.json_body() {
        Some(body) => {
            answer.content_type("application/json").insert_header((header::CONTENT_LANGUAGE, "en")).body(body)
        }
        None => answer.finish(),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    // A value that is no text is no media type or encoding that we take.
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok())
}
