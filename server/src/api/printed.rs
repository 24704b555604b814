//! Documents to keep, as the pages give them. Who took one is on the record.

use actix_web::web;
use domain::values::IncidentId;
use serde_json::json;

use super::call::{Call, Reply};
use super::incidents::state;
use super::operation::{Group, get, run};
use crate::access::Reader;
use crate::documents::print::{Format, print};
use crate::documents::report;
use crate::problem::Problem;

/// Operations on documents.
pub const GROUP: Group = Group {
    name: "Documents",
    about: "Files for people: a word processor's, and PDF that is tagged for assistive technology (PDF/UA-1, PDF/A-2a). \
            The record says who took one.",
    operations: &[
        get("/incidents/{id}/report.docx", "print_report_docx", "The ICO report for a word processor", run!(docx))
            .writes(Format::Docx.media_type()),
        get("/incidents/{id}/report.pdf", "print_report_pdf", "The ICO report as PDF", run!(pdf))
            .writes(Format::Pdf.media_type()),
    ],
};

async fn docx(call: Call) -> Result<Reply, Problem> {
    report_as(&call, Format::Docx).await
}

async fn pdf(call: Call) -> Result<Reply, Problem> {
    report_as(&call, Format::Pdf).await
}

async fn report_as(call: &Call, format: Format) -> Result<Reply, Problem> {
    let by = Reader::of(call.person()).ok_or(Problem::NotAllowed("people who may read the record"))?;
    let id: IncidentId = call.id()?;
    let (node, incident) = (&call.node, state(call, id).await?);
    let about = node.about_us().await?;
    let paper = report::paper(&incident, &about, node.now(), node.zone());
    let stem = report::stem(&incident);
    let file = web::block(move || print(&paper, &stem, format)).await.map_err(Problem::internal)??;
    node.note_export(&by, "report_exported", json!({ "incident": id, "as": format.ending() })).await?;
    Ok(Reply::file(file))
}
