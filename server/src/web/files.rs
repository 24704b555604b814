//! Style, scripts and icon, compiled in. A browser keeps them and asks whether they are still the same.

use actix_web::http::header::{self, ETag, EntityTag, IfNoneMatch};
use actix_web::{HttpResponse, web};

use super::page::Answer;
use crate::problem::Problem;

const FILES: [(&str, &str, &str); 4] = [
    ("style.css", "text/css; charset=utf-8", include_str!("../../static/style.css")),
    ("countdown.js", "text/javascript; charset=utf-8", include_str!("../../static/countdown.js")),
    ("form.js", "text/javascript; charset=utf-8", include_str!("../../static/form.js")),
    ("icon.svg", "image/svg+xml", include_str!("../../static/icon.svg")),
];

/// `GET /static/{name}`
///
/// # Errors
/// [`Problem::NotFound`]
pub(crate) async fn serve(name: web::Path<String>, held: Option<web::Header<IfNoneMatch>>) -> Answer {
    let (_, kind, text) = FILES.iter().find(|(known, _, _)| *known == *name).ok_or(Problem::NotFound)?;
    let tag = EntityTag::new_strong(digest(text));
    let same = match held.map(web::Header::into_inner) {
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|held| held.weak_eq(&tag)),
        Some(IfNoneMatch::Any) => true,
        None => false,
    };
    let mut answer = if same { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header((header::CACHE_CONTROL, "no-cache")).insert_header(ETag(tag));
    if same {
        return Ok(answer.finish());
    }
    Ok(answer.content_type(*kind).body(*text))
}

fn digest(text: &str) -> String {
    domain::values::Digest32::of(text.as_bytes()).to_string()
}
