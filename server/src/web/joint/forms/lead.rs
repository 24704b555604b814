//! Recording who leads on one incident, in the place of what the arrangements name.

use actix_web::web;
use domain::values::{IncidentId, LongText};

use super::{Case, PARTNER, find, officer, page, put_who, read_who, who_fields};
use crate::web::action::{ActionPage, refusal};
use crate::web::field::Field;
use crate::web::form::{FieldError, Form, Reading};
use crate::web::page::{Answer, Posted, Visit, see_other};

fn shown(visit: &Visit, case: &Case, form: &Form) -> ActionPage {
    let mut page = page(visit, case, ("Record who leads", "lead"), form);
    page.paragraphs = vec![
        "The lead asks the others for their view and decides for all whether it is reported, and by whom.".to_owned(),
        "Leading frees nobody: each organisation answers for itself to the ICO.".to_owned(),
    ];
    let words = [("us", "We lead"), (PARTNER, "A partner leads"), ("each", "Nobody: each reports for itself")];
    page.fields = who_fields(form, "lead", "Who leads?", &words, &case.parties);
    page.fields.push(
        Field::area(form, "reason", "Why?")
            .hint("For example: what was agreed, with whom and when. It stays on record."),
    );
    page.hidden.clear();
    page.buttons = vec![("choose", "Record it", "")];
    page
}

/// `GET /incidents/{id}/joint/lead`
///
/// # Errors
/// [`crate::problem::Problem`]
pub(in crate::web::joint) async fn show(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    officer(&visit)?;
    let case = find(&visit, *id).await?;
    let mut form = Form::default();
    put_who(&mut form, "lead", Some(&case.state.leading().0));
    shown(&visit, &case, &form).answer(Vec::new())
}

/// `POST /incidents/{id}/joint/lead`
///
/// # Errors
/// [`crate::problem::Problem`]
pub(in crate::web::joint) async fn choose(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = officer(&visit)?;
    let case = find(&visit, *id).await?;
    let mut reading = Reading::new(&form, visit.reader);
    let lead = read_who(&mut reading, "lead", "Say who leads").flatten();
    let reason: Option<LongText> = reading.text("reason", "Say why");
    let mut errors: Vec<FieldError> = reading.into_errors();
    if let (Some(lead), Some(reason), true) = (lead, reason, errors.is_empty()) {
        match visit.node.choose_lead(&by, *id, lead, reason).await {
            Ok(()) => return Ok(see_other(&format!("/incidents/{id}/joint?done=lead"))),
            Err(error) => errors = refusal(error, "lead")?,
        }
    } else if errors.is_empty() {
        errors.push(super::fault("lead", "Say who leads"));
    }
    shown(&visit, &case, &form).answer(errors)
}
