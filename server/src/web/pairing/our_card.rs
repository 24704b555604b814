//! Our own card and fingerprint: what a partner needs from us, by two ways; and issuing the card again.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Query;
use askama::Template;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::Deserialize;

use crate::problem::Problem;
use crate::web::action::{ActionPage, refusal};
use crate::web::administration::administrator;
use crate::web::form::{FieldError, Reading};
use crate::web::keys::{as_drawn, passphrase_field};
use crate::web::page::{self, Answer, Chrome, Posted, Visit};
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
    version: String,
    done: &'static str,
    old: bool,
    may_issue: bool,
}

/// What was just done.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    issued: Option<String>,
}

/// `GET /our-card`
pub(super) async fn show(visit: Visit, asked: Query<Asked>) -> Answer {
    reader(&visit)?;
    let version = visit.node.card_version();
    page::html(&OurCard {
        version: version.map(|(number, at)| format!("{number}, made {}", visit.reader.at(at))).unwrap_or_default(),
        done: if asked.issued.is_some() { "The new card is made. Partners' nodes find it within an hour." } else { "" },
        old: !visit.node.card_is_current(),
        may_issue: administrator(&visit).is_ok(),
        chrome: visit.chrome("Our card and fingerprint", "/partners"),
        name: visit.node.organisation().name.to_string(),
        issuer: visit.node.issuer().to_owned(),
        groups: groups(&visit),
        qr: code(&visit).is_some(),
    })
}

/// `GET /our-card/issue`
pub(super) async fn ask(visit: Visit) -> Answer {
    administrator(&visit)?;
    issue_page(&visit, Vec::new())
}

/// `POST /our-card/issue`
pub(super) async fn issue(posted: Posted) -> Answer {
    let Posted { visit, form } = posted;
    let by = administrator(&visit)?;
    let mut reading = Reading::new(&form, visit.reader);
    if form.first("passphrase").is_empty() {
        reading.fault("passphrase", "Type the passphrase of the identity key");
    }
    let errors = reading.into_errors();
    if !errors.is_empty() {
        return issue_page(&visit, errors);
    }
    match visit.node.issue_card(&by, &as_drawn(form.first("passphrase"))).await {
        Ok(_) => Ok(page::see_other("/our-card?issued=1")),
        Err(error) => issue_page(&visit, refusal(error, "passphrase")?),
    }
}

fn issue_page(visit: &Visit, errors: Vec<FieldError>) -> Answer {
    let heading = "Issue our card again";
    let chrome = visit.chrome(heading, "/partners");
    let (back, action) = ("/our-card".to_owned(), "/our-card/issue".to_owned());
    let mut page = ActionPage::new(chrome, heading, "Our card and fingerprint", back, action);
    page.paragraphs = vec![
        "Your identity key signs a card that says what your record says of you now. The fingerprint stays the same, and nobody pairs again.".to_owned(),
        "Partners' nodes find the new card within an hour. A new name and new contacts count at once; where an address changes, an administrator there agrees first.".to_owned(),
    ];
    page.fields = vec![passphrase_field()];
    page.buttons = vec![("issue", "Issue the card", "")];
    page.answer(errors)
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
