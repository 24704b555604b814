//! The calendar of deadlines: its secret addresses on the account's pages, and the calendar itself, for programs that have
//! no session. Whoever knows the address reads what its person may read, so it is never shown again and never logged.

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Data, ServiceConfig, resource};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use domain::values::Digest32;

use super::action::{ActionPage, refusal};
use super::page::{self, Answer, AnyonesForm, Chrome, Posted, Visit};
use super::people::ShownOnce;
use super::sign_in::Tries;
use super::words;
use crate::access::throttle::Address;
use crate::documents::calendar::write;
use crate::node::Node;
use crate::problem::Problem;

/// The addresses of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/account/calendar").get(show))
        .service(resource("/account/calendar/new").get(new).post(make))
        .service(resource("/account/calendar/end").post(end))
        .service(resource("/calendar/{secret}.ics").get(read));
}

#[derive(Template)]
#[template(path = "calendar_links.html")]
struct LinksPage {
    chrome: Chrome,
    rows: Vec<LinkRow>,
}

struct LinkRow {
    id: String,
    made: String,
}

/// `GET /account/calendar`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub async fn show(visit: Visit) -> Answer {
    let elapsed = visit.node.time().elapsed();
    let links = visit.node.feed_links_of(visit.person.id()).await?;
    let rows = links
        .into_iter()
        .map(|link| LinkRow {
            id: link.digest.to_string(),
            made: format!("Made {} ago", words::length(elapsed.seconds_since(link.made_at).max(0))),
        })
        .collect();
    page::html(&LinksPage { chrome: visit.chrome("Calendar of deadlines", "/account"), rows })
}

fn new_page(visit: &Visit) -> ActionPage {
    let mut page = ActionPage::new(
        visit.chrome("Make a calendar address", "/account"),
        "Make a calendar address",
        "your account",
        "/account/calendar".to_owned(),
        "/account/calendar/new".to_owned(),
    );
    page.paragraphs = vec![
        "Your calendar program reads from it when duties are due: references, duties and names of partners, never what an \
         incident is about."
            .to_owned(),
        "Whoever has the address can read them too. Give it to nobody, and end it when it got about.".to_owned(),
    ];
    page.buttons.push(("make", "Make the address", ""));
    page
}

/// `GET /account/calendar/new`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub async fn new(visit: Visit) -> Answer {
    new_page(&visit).answer(Vec::new())
}

/// `POST /account/calendar/new`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub async fn make(posted: Posted) -> Answer {
    let visit = posted.visit;
    let secret = match visit.node.add_feed_link(&visit.person).await {
        Ok(secret) => secret,
        Err(error) => return new_page(&visit).answer(refusal(error, "make")?),
    };
    page::html(&ShownOnce {
        chrome: visit.chrome("Calendar address made", "/account"),
        heading: "Calendar address made".to_owned(),
        paragraphs: vec!["In your calendar program, subscribe to a calendar by its address.".to_owned()],
        label: "Address".to_owned(),
        secret: format!("{}/calendar/{secret}.ics", visit.node.issuer()),
        back: "/account/calendar".to_owned(),
        back_words: "I have copied it",
    })
}

/// `POST /account/calendar/end`
///
/// # Errors
/// [`Problem::NotFound`]
pub async fn end(posted: AnyonesForm) -> Answer {
    let AnyonesForm(posted) = posted;
    let digest: Digest32 = posted.form.first("link").parse().map_err(|_| Problem::NotFound)?;
    posted.visit.node.end_feed_link(&posted.visit.person, digest).await?;
    Ok(page::see_other("/account/calendar"))
}

/// `GET /calendar/{secret}.ics`
///
/// # Errors
/// [`Problem::NotFound`] for a secret that is nobody's, `Problem::TooMany`
pub async fn read(
    request: HttpRequest,
    node: Data<Node>,
    tries: Data<Tries>,
    address: Data<Address>,
    secret: web::Path<String>,
) -> Answer {
    tries.count(&address, &request)?;
    let entries = node.deadlines(&secret).await?.ok_or(Problem::NotFound)?;
    let text = write::deadlines(node.organisation().name.as_str(), node.issuer(), &entries);
    let etag = format!("\"{}\"", Digest32::of(text.as_bytes()));
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let same = known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == etag));
    let mut answer = if same { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")));
    if same {
        return Ok(answer.finish());
    }
    Ok(answer
        .insert_header((header::CONTENT_TYPE, "text/calendar; charset=utf-8"))
        .insert_header((header::CONTENT_DISPOSITION, "inline; filename=\"deadlines.ics\""))
        .body(text))
}
