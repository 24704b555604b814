//! Documents to keep, as the pages give them. Who took one is on the record.

use actix_web::web;
use domain::values::IncidentId;
use serde_json::json;

use super::call::{Call, Reply};
use super::incidents::state;
use super::operation::{Group, Parameter, get, run};
use crate::access::Reader;
use crate::documents::print::{Format, print};
use crate::documents::{letter, report};
use crate::problem::Problem;

const VERSION: Parameter = Parameter {
    name: "version",
    about: "Which version; the newest unless given, and before there is one a first draft from the facts, marked as a draft.",
};

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
        get(
            "/incidents/{id}/people/letter.docx",
            "print_message_docx",
            "The message to the people affected for a word processor",
            run!(message_docx),
        )
        .asks(&[VERSION])
        .writes(Format::Docx.media_type()),
        get(
            "/incidents/{id}/people/letter.pdf",
            "print_message_pdf",
            "The message to the people affected as PDF",
            run!(message_pdf),
        )
        .asks(&[VERSION])
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

async fn message_docx(call: Call) -> Result<Reply, Problem> {
    message_as(&call, Format::Docx).await
}

async fn message_pdf(call: Call) -> Result<Reply, Problem> {
    message_as(&call, Format::Pdf).await
}

async fn message_as(call: &Call, format: Format) -> Result<Reply, Problem> {
    let by = Reader::of(call.person()).ok_or(Problem::NotAllowed("people who may read the record"))?;
    let id: IncidentId = call.id()?;
    let (node, incident) = (&call.node, state(call, id).await?);
    let version = call.asked("version").map(|number| number.parse().map_err(|_| Problem::NotFound)).transpose()?;
    let wording = node.wording(&incident, version).await?;
    let paper = letter::paper(&incident, &wording, &node.organisation(), node.now(), node.zone());
    let stem = letter::stem(&incident, &wording);
    let file = web::block(move || print(&paper, &stem, format)).await.map_err(Problem::internal)??;
    let about = json!({ "incident": id, "as": format.ending(), "version": wording.version() });
    node.note_export(&by, "message_exported", about).await?;
    Ok(Reply::file(file))
}
