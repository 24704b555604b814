//! The form that a report is made on, and the files that prove submissions.

use domain::report::FormId;
use domain::values::{IncidentId, Line};
use serde_json::json;

use super::super::call::{Call, Reply, fault};
use super::super::incidents::state;
use super::super::shape::request;
use crate::access::Reader;
use crate::documents::file::File;
use crate::documents::proof::{self, ProofKind};
use crate::node::reports::ProofFile;
use crate::problem::Problem;

request! {
    /// Which form.
    ChooseForm {
        /// Its name, such as ico or edpb.
        form: Line,
    }
}

pub(super) async fn choose(call: Call) -> Result<Reply, Problem> {
    let by = call.reporter()?;
    let ChooseForm { form } = call.body()?;
    let form = FormId::parse(form.as_str()).ok_or_else(|| fault("/form", "there is no such form"))?;
    call.node.choose_report_form(&by, call.id()?, form).await?;
    Ok(Reply::done())
}

fn number(call: &Call) -> Result<u32, Problem> {
    let number = call.asked("number").and_then(|number| number.parse().ok());
    number.ok_or(Problem::Malformed("number is the number of a submitted report, from 1."))
}

pub(super) async fn proof(call: Call) -> Result<Reply, Problem> {
    let by = Reader::of(call.person()).ok_or(Problem::NotAllowed("people who may read the record"))?;
    let (id, number): (IncidentId, _) = (call.id()?, number(&call)?);
    let reference = state(&call, id).await?.reference;
    let (proof, octets) = call.node.proof(id, number).await?;
    let kind = ProofKind::from_word(proof.kind.as_str()).ok_or(Problem::NotFound)?;
    call.node.note_export(&by, "report_proof_exported", json!({ "incident": id, "number": number })).await?;
    let stem = format!("{reference}-report-{number}-proof");
    Ok(Reply::file(File::new(&stem, kind.ending(), kind.media_type(), octets)))
}

pub(super) async fn add_proof(call: Call) -> Result<Reply, Problem> {
    let by = call.reporter()?;
    let (id, number) = (call.id()?, number(&call)?);
    let kind = proof::examine(&call.body).map_err(|why| fault("", &why.to_string()))?;
    let name = proof::name(&call.asked("name").unwrap_or_default(), kind);
    let name = name.ok_or(Problem::Malformed("name is what the file is called."))?;
    call.node.add_proof(&by, id, number, ProofFile { name, kind: kind.word(), octets: call.body }).await?;
    Ok(Reply::done())
}
