//! Change the facts: everything we know, anew. Two people who edit at once do not overwrite each other unseen: the second
//! is shown what changed, and keeps what they typed.

use actix_web::web;
use domain::facts::Facts;
use domain::incident::{Incident, Refusal};
use domain::values::IncidentId;

use super::action::{ActionPage, refusal};
use super::facts;
use super::form::{FieldError, Form, Reading};
use super::log::{FoundText, findings};
use super::page::{self, Answer, Posted, Visit};
use crate::node::DoorError;
use crate::problem::Problem;
use crate::store::queries;

async fn incident(visit: &Visit, id: IncidentId) -> Result<Incident, Problem> {
    let found = visit.node.store().read(move |rows| queries::incidents::state(rows, id)).await?;
    found.ok_or(Problem::NotFound)
}

/// `GET /incidents/{id}/update-facts`
///
/// # Errors
/// [`Problem`]
pub async fn show(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    super::log::responder(&visit)?;
    let state = incident(&visit, *id).await?;
    let facts = state.facts.as_ref().ok_or(Problem::NotFound)?;
    let form = facts::to_form(facts, visit.reader);
    page_of(&visit, &state, &form, state.facts_version).answer(Vec::new())
}

fn page_of(visit: &Visit, state: &Incident, form: &Form, base: u32) -> ActionPage {
    let back = format!("/incidents/{}", state.id);
    let heading = "Update the facts";
    let chrome = visit.chrome(format!("{heading} - {}", state.reference), "/incidents").exercise(state.exercise);
    let mut page =
        ActionPage::new(chrome, heading, state.reference.as_str(), back.clone(), format!("{back}/update-facts"));
    page.paragraphs = vec!["Partners are told only when you send the update, which is a separate step.".to_owned()];
    let (first, further) = facts::fields(form, &[], visit.reader);
    page.fields = first;
    page.further = further;
    page.hidden = vec![("base", base.to_string())];
    page.buttons = vec![("save", "Save this version", "")];
    page
}

/// `POST /incidents/{id}/update-facts`
///
/// # Errors
/// [`Problem`]
pub async fn save(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = super::log::responder(&visit)?;
    let id = *id;
    let state = incident(&visit, id).await?;
    let base: u32 = form.first("base").parse().unwrap_or(0);
    let mut reading = Reading::new(&form, visit.reader);
    let read = facts::read(&mut reading);
    let errors = reading.into_errors();
    let Some(facts) = read.filter(|_| errors.is_empty()) else {
        return page_of(&visit, &state, &form, base).answer(errors);
    };
    let found = findings(&visit, &facts).await?;
    if found.iter().any(|found| found.serious) && !form.has("checked", "yes") {
        return unconfirmed(&visit, &state, &form, base, found);
    }
    match visit.node.update_facts(&by, id, base, facts).await {
        Ok(()) => Ok(page::see_other(&format!("/incidents/{id}?logged=2"))),
        Err(DoorError::Refused(Refusal::FactsChanged { current })) => conflict(&visit, id, &form, base, current).await,
        Err(error) => page_of(&visit, &state, &form, base).answer(refusal(error, "title")?),
    }
}

fn unconfirmed(visit: &Visit, state: &Incident, form: &Form, base: u32, found: Vec<FoundText>) -> Answer {
    let mut page = page_of(visit, state, form, base);
    page.must_confirm = true;
    page.findings = found;
    page.answer(vec![FieldError {
        name: "checked".to_owned(),
        anchor: "checked".to_owned(),
        message: "Take the personal data out, or say that you have checked it".to_owned(),
    }])
}

/// Somebody else saved meanwhile: what they changed, and what this person typed, side by side.
async fn conflict(visit: &Visit, id: IncidentId, form: &Form, base: u32, current: u32) -> Answer {
    let state = incident(visit, id).await?;
    let versions = visit
        .node
        .store()
        .read(move |rows| {
            let of = |rows: &mut _, version| queries::incidents::facts_version(rows, id, version);
            Ok((of(rows, base)?, of(rows, current)?))
        })
        .await?;
    let mut page = page_of(visit, &state, form, current);
    if let (Some((before, _)), Some((after, _))) = versions {
        let (before, after): (Facts, Facts) = (before, after);
        page.changes = facts::changes(&before, &after, visit.reader);
    }
    page.paragraphs = vec![
        "Somebody else saved the facts while you were writing. Nothing of yours is lost: it is below, as you typed it."
            .to_owned(),
        "Take over what they changed where it is right, then save. Saving puts your version in the place of theirs; both \
         stay on record."
            .to_owned(),
    ];
    page.answer(vec![FieldError {
        name: String::new(),
        anchor: "title".to_owned(),
        message: "Somebody else changed the facts meanwhile. See what they changed, then save again".to_owned(),
    }])
}
