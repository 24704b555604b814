//! Documents to keep: the ICO report as a word processor's file and as PDF. Whoever may read an incident may take its
//! report; who took it is on the record.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web;
use domain::values::IncidentId;
use serde_json::json;

use super::page::{Answer, Posted};
use super::partners::reader;
use crate::documents::file::File;
use crate::documents::print::{Format, print};
use crate::documents::report;
use crate::problem::Problem;
use crate::store::queries::incidents;

/// `POST /incidents/{id}/report.docx`
///
/// # Errors
/// [`Problem`]
pub async fn report_docx(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    report_as(&posted, *id, Format::Docx).await
}

/// `POST /incidents/{id}/report.pdf`
///
/// # Errors
/// [`Problem`]
pub async fn report_pdf(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    report_as(&posted, *id, Format::Pdf).await
}

async fn report_as(posted: &Posted, id: IncidentId, format: Format) -> Answer {
    let visit = &posted.visit;
    let by = reader(visit)?;
    let node = visit.node.clone();
    let state = node.store().read(move |rows| incidents::state(rows, id)).await?.ok_or(Problem::NotFound)?;
    let about = node.about_us().await?;
    let paper = report::paper(&state, &about, visit.now(), node.zone());
    let stem = report::stem(&state);
    let file = web::block(move || print(&paper, &stem, format)).await.map_err(Problem::internal)??;
    node.note_export(&by, "report_exported", json!({ "incident": id, "as": format.ending() })).await?;
    Ok(kept(file))
}

/// A file to keep.
pub(super) fn kept(file: File) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, file.media_type))
        .insert_header((header::CONTENT_DISPOSITION, file.disposition()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(file.octets)
}
