//! Asking every partner of an incident for their view, at once.

use actix_web::web;
use domain::exchange::DUE_SECONDS_MAX;
use domain::incident::Refusal;
use domain::incident::joint::Refusal as Joint;
use domain::values::{IncidentId, LongText};

use super::{Case, find, fresh, officer, page, renewed, unchecked};
use crate::node::DoorError;
use crate::web::action::{ActionPage, refusal};
use crate::web::field::Field;
use crate::web::form::{Form, Reading};
use crate::web::page::{Answer, Posted, Visit, see_other};
use crate::web::words::counted;

fn shown(visit: &Visit, case: &Case, form: &Form) -> ActionPage {
    let mut page = page(visit, case, ("Ask all partners for their view", "ask"), form);
    let many = counted(i64::try_from(case.parties.len()).unwrap_or(i64::MAX), "partner");
    page.paragraphs = vec![
        format!(
            "One signed message goes to each of {many}, as far as they know of this incident. Each answers for itself: \
             no partner learns who the others are."
        ),
        "Do not name the people affected, nor another partner.".to_owned(),
    ];
    page.fields = vec![
        Field::area(form, "text", "What do you ask them?"),
        Field::moment(form, "due", "By when do you need their view?", visit.reader).hint(&format!(
            "May stay empty. With a time, each is shown a clock until they answer; at most {} days ahead. UK time.",
            DUE_SECONDS_MAX / 86_400
        )),
    ];
    page.buttons = vec![("ask", "Ask them all", "")];
    page
}

/// `GET /incidents/{id}/joint/ask`
///
/// # Errors
/// [`crate::problem::Problem`]
pub(in crate::web::joint) async fn show(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    officer(&visit)?;
    let case = find(&visit, *id).await?;
    let mut form = fresh(&visit).await?;
    form.set(
        "text",
        "Do you think that it has to be reported to the ICO, and the people affected told? Please say why.",
    );
    shown(&visit, &case, &form).answer(Vec::new())
}

/// `POST /incidents/{id}/joint/ask`
///
/// # Errors
/// [`crate::problem::Problem`]
pub(in crate::web::joint) async fn ask(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, mut form } = posted;
    let by = officer(&visit)?;
    let case = find(&visit, *id).await?;
    let mut reading = Reading::new(&form, visit.reader);
    let text: Option<LongText> = reading.text("text", "Write what you ask them");
    let due = reading.optional_moment("due");
    let errors = reading.into_errors();
    let Some(text) = text.filter(|_| errors.is_empty()) else {
        return shown(&visit, &case, &form).answer(errors);
    };
    let mut page = shown(&visit, &case, &form);
    let what = ("text", "What you ask them", text.as_str());
    if let Some(errors) = unchecked(&visit, &form, &mut page, what).await? {
        return page.answer(errors);
    }
    match visit.node.ask_views(&by, Some(form.sent()), *id, text, due).await {
        Ok(()) => Ok(see_other(&format!("/incidents/{id}/joint?done=asked#views"))),
        Err(error @ (DoorError::FormUnknown | DoorError::FormSaidOtherwise)) => {
            let errors = renewed(&visit, &mut form, "text", &error).await?;
            shown(&visit, &case, &form).answer(errors)
        }
        Err(error) => {
            let late = matches!(&error, DoorError::Refused(Refusal::Joint(Joint::DuePast | Joint::DueTooFar)));
            page.answer(refusal(error, if late { "due-day" } else { "text" })?)
        }
    }
}
