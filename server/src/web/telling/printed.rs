//! The message as a file: for a word processor, to go on from, and as PDF. Whoever may read an incident may take it; who
//! took it is on the record.

use actix_web::web;
use domain::values::IncidentId;
use serde_json::json;

use super::{Asked, incident};
use crate::documents::letter;
use crate::documents::print::{Format, print};
use crate::problem::Problem;
use crate::web::page::{Answer, Posted};
use crate::web::partners::reader;
use crate::web::printed::kept;

/// `POST /incidents/{id}/people/letter.docx`
///
/// # Errors
/// [`Problem`]
pub(super) async fn docx(posted: Posted, id: web::Path<IncidentId>, asked: web::Query<Asked>) -> Answer {
    printed(&posted, *id, &asked, Format::Docx).await
}

/// `POST /incidents/{id}/people/letter.pdf`
///
/// # Errors
/// [`Problem`]
pub(super) async fn pdf(posted: Posted, id: web::Path<IncidentId>, asked: web::Query<Asked>) -> Answer {
    printed(&posted, *id, &asked, Format::Pdf).await
}

async fn printed(posted: &Posted, id: IncidentId, asked: &Asked, format: Format) -> Answer {
    let visit = &posted.visit;
    let by = reader(visit)?;
    let node = visit.node.clone();
    let state = incident(visit, id).await?;
    let wording = node.wording(&state, asked.version()?).await?;
    let paper = letter::paper(&state, &wording, &node.organisation(), visit.now(), node.zone());
    let stem = letter::stem(&state, &wording);
    let file = web::block(move || print(&paper, &stem, format)).await.map_err(Problem::internal)??;
    let about = json!({ "incident": id, "as": format.ending(), "version": wording.version() });
    node.note_export(&by, "message_exported", about).await?;
    Ok(kept(file))
}
