//! Partners: how each pairing stands and when they were last heard. Pairing itself has no page yet.

use askama::Template;

use super::field::Tag;
use super::page::{self, Answer, Chrome, Visit};
use super::words;
use crate::store::queries::partners::{self, Listed};

#[derive(Template)]
#[template(path = "partners.html")]
struct PartnersPage {
    chrome: Chrome,
    fingerprint: String,
    issuer: String,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    issuer: String,
    tag: Tag,
    heard: String,
    proven: String,
    trouble: String,
}

/// `GET /partners`
///
/// # Errors
/// [`crate::problem::Problem`]
pub async fn list(visit: Visit) -> Answer {
    let found = visit.node.store().read(partners::list).await?;
    let page = PartnersPage {
        chrome: visit.chrome("Partners", "/partners"),
        fingerprint: visit.node.fingerprint(),
        issuer: visit.node.issuer().to_owned(),
        rows: found.into_iter().map(|partner| row(partner, &visit)).collect(),
    };
    page::html(&page)
}

fn row(partner: Listed, visit: &Visit) -> Row {
    let elapsed = visit.node.time().elapsed();
    // Lanes count in machine time, so these are lengths of it, never instants on the page.
    let ago = |at: domain::values::Moment| format!("{} ago", words::length(elapsed.seconds_since(at)));
    let tag = match partner.state.as_str() {
        "active" => Tag::green("Active"),
        "verified" => Tag::amber("Verified, not yet heard both ways"),
        "imported" => Tag::amber("Card imported, not verified"),
        "suspended" => Tag::amber("Suspended"),
        "ended" => Tag::grey("Ended"),
        _ => Tag::red("Locked"),
    };
    let trouble = match (&partner.stopped, partner.failed_since) {
        (Some(_), _) => "Stopped until a person looks at it".to_owned(),
        (None, Some(since)) => format!("Not reached for {}", words::length(elapsed.seconds_since(since))),
        (None, None) => String::new(),
    };
    Row {
        name: partner.name,
        issuer: partner.issuer.unwrap_or_default(),
        tag,
        heard: partner.heard_at.map(ago).unwrap_or_default(),
        proven: partner.proven_at.map(ago).unwrap_or_default(),
        trouble,
    }
}
