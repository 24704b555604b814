//! JSON: API version 1 for programs with a token, what partner nodes may call ([`wire`]), and whether we are alive
//! ([`health`]).
//!
//! Lists are paged by key: `?after=` takes the `next` of the page before. Problems are RFC 9457 JSON. Every item has a
//! `state` in the words of the pages.

pub mod clocks;
pub mod health;
pub mod incidents;
pub mod notices;
pub mod wire;

use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{self, ServiceConfig, resource, scope};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use domain::values::Moment;
use serde::{Deserialize, Serialize};

use crate::access::ApiClient;
use crate::access::sessions::text_digest;
use crate::node::Node;
use crate::problem::Problem;

/// Items on a page unless asked otherwise, and at most.
const LIMIT: usize = 50;
const LIMIT_MAX: usize = 200;

/// Every route of the API and the wire.
pub fn routes(config: &mut ServiceConfig) {
    config.configure(health::routes).configure(wire::routes).service(
        scope("/api")
            .app_data(
                web::QueryConfig::default()
                    .error_handler(|_, _| Problem::Malformed("The query could not be read.").into()),
            )
            .service(resource("/v1/incidents").get(incidents::list).default_service(web::to(other_method)))
            .service(resource("/v1/clocks").get(clocks::list).default_service(web::to(other_method)))
            .service(resource("/v1/notices").get(notices::list).default_service(web::to(other_method)))
            .default_service(web::to(nowhere)),
    );
}

async fn nowhere(_: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(Problem::NotFound)
}

async fn other_method(_: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(Problem::MethodNotAllowed)
}

/// A program with a token that may read.
pub struct Client {
    /// The proof.
    pub access: ApiClient,
    /// The node.
    pub node: web::Data<Node>,
}

impl FromRequest for Client {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let node = request.app_data::<web::Data<Node>>().cloned();
        let token = bearer(request);
        Box::pin(async move {
            let node = node.ok_or(Problem::NotFound)?;
            let digest = text_digest(&token.ok_or(Problem::TokenNeeded)?);
            let found = node.api_access(digest).await?.ok_or(Problem::TokenNeeded)?;
            let access = ApiClient::reading(found.id, found.label, &found.scopes)
                .ok_or(Problem::NotAllowed("programs whose token may read"))?;
            Ok(Self { access, node })
        })
    }
}

fn bearer(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Which page is asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    after: Option<String>,
    limit: Option<String>,
}

impl Asked {
    /// How many items.
    ///
    /// # Errors
    /// [`Problem::Malformed`] unless it is a number from 1 to 200.
    pub fn limit(&self) -> Result<usize, Problem> {
        let Some(limit) = &self.limit else { return Ok(LIMIT) };
        let limit = limit.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
        limit.ok_or(Problem::Malformed("limit is a number from 1 to 200."))
    }

    /// The key to go on from: an instant and an id.
    ///
    /// # Errors
    /// [`Problem::Malformed`] when it is not one that we gave.
    pub fn after<T: FromStr>(&self) -> Result<Option<(Moment, T)>, Problem> {
        let Some(text) = &self.after else { return Ok(None) };
        let parsed = text
            .split_once('.')
            .and_then(|(micros, id)| Some((Moment::from_micros(micros.parse().ok()?).ok()?, id.parse().ok()?)));
        parsed.map(Some).ok_or(BAD_CURSOR)
    }
}

/// A cursor that we did not give.
const BAD_CURSOR: Problem = Problem::Malformed("after is the next of an earlier page.");

/// A page as JSON.
#[derive(Serialize)]
struct List<T> {
    items: Vec<T>,
    next: Option<String>,
}

impl<T: Serialize> List<T> {
    fn answer(&self) -> Result<HttpResponse, Problem> {
        let body = serde_json::to_string(self).map_err(Problem::internal)?;
        Ok(HttpResponse::Ok()
            .content_type("application/json")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(body))
    }
}
