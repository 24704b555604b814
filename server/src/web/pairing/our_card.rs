//! Our own card and fingerprint: what a partner needs from us, by two ways.

use actix_web::HttpResponse;
use actix_web::http::header;
use askama::Template;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

use crate::problem::Problem;
use crate::web::page::{self, Answer, Chrome, Visit};
use crate::web::partners::reader;

/// Points of the QR code's picture, at least.
const QR_POINTS_MIN: u32 = 320;

#[derive(Template)]
#[template(path = "our_card.html")]
struct OurCard {
    chrome: Chrome,
    name: String,
    issuer: String,
    groups: Vec<String>,
    qr: bool,
}

/// `GET /our-card`
pub(super) async fn show(visit: Visit) -> Answer {
    reader(&visit)?;
    page::html(&OurCard {
        chrome: visit.chrome("Our card and fingerprint", "/partners"),
        name: visit.node.organisation().name.to_string(),
        issuer: visit.node.issuer().to_owned(),
        groups: groups(&visit),
        qr: code(&visit).is_some(),
    })
}

#[derive(Template)]
#[template(path = "our_card_sheet.html")]
struct Sheet {
    chrome: Chrome,
    name: String,
    issuer: String,
    date: String,
    groups: Vec<String>,
}

/// `GET /our-card/sheet`: to be printed.
pub(super) async fn sheet(visit: Visit) -> Answer {
    reader(&visit)?;
    page::html(&Sheet {
        chrome: visit.chrome("Fingerprint sheet", "/partners"),
        name: visit.node.organisation().name.to_string(),
        issuer: visit.node.issuer().to_owned(),
        date: visit.reader.at(visit.now()),
        groups: groups(&visit),
    })
}

/// `GET /our-card/file`
pub(super) async fn file(visit: Visit) -> Answer {
    reader(&visit)?;
    let host: String = visit
        .node
        .issuer()
        .split("//")
        .nth(1)
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '-' })
        .collect();
    Ok(HttpResponse::Ok()
        .content_type("application/party-card+jwt")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{host}-card.jwt\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(visit.node.export_card()))
}

/// `GET /our-card/qr.svg`
pub(super) async fn qr(visit: Visit) -> Answer {
    reader(&visit)?;
    let code = code(&visit).ok_or(Problem::NotFound)?;
    let picture = code.render::<svg::Color<'_>>().min_dimensions(QR_POINTS_MIN, QR_POINTS_MIN).build();
    Ok(HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(picture))
}

/// The card's octets as a QR code; `None` for a card that is too long for one.
fn code(visit: &Visit) -> Option<QrCode> {
    QrCode::with_error_correction_level(visit.node.export_card(), EcLevel::L).ok()
}

fn groups(visit: &Visit) -> Vec<String> {
    visit.node.fingerprint().split(' ').map(str::to_owned).collect()
}
