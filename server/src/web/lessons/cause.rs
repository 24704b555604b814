//! Record why an incident happened: the ICO's type that fits best, and the cause in words.

use actix_web::web;
use domain::incident::lessons::{self, RootCause};
use domain::incident::{Incident, Refusal};
use domain::incident_type::{TYPES, TypeCode};
use domain::values::IncidentId;

use super::{duty_holder, incident};
use crate::node::DoorError;
use crate::web::action::{ActionPage, refusal};
use crate::web::field::Field;
use crate::web::form::{FieldError, Form, Reading};
use crate::web::log::findings_in;
use crate::web::page::{self, Answer, Posted, Visit};

fn page_of(visit: &Visit, state: &Incident, form: &Form, base: u32) -> ActionPage {
    let back = format!("/incidents/{}/lessons", state.id);
    let heading = "Root cause";
    let chrome = visit.chrome(format!("{heading} - {}", state.reference), "/incidents").exercise(state.exercise);
    let mut page = ActionPage::new(chrome, heading, "Lessons", back.clone(), format!("{back}/cause"));
    page.paragraphs = vec![
        "Ask why until the answer is something that can be changed. Name no people: what in the work let it happen?"
            .to_owned(),
    ];
    let types = TYPES.types.iter().map(|known| (known.code.as_str(), known.label.as_str()));
    page.fields = vec![
        Field::select(
            form,
            "kind",
            "The ICO\u{2019}s type of incident that fits best",
            [("", "Choose one")].into_iter().chain(types),
        )
        .hint("By these types the ICO publishes its figures."),
        Field::area(form, "words", "Why did it happen?"),
    ];
    page.hidden = vec![("base", base.to_string())];
    page.buttons = vec![("record", "Record it", "")];
    page
}

fn to_form(cause: &RootCause) -> Form {
    let mut form = Form::default();
    form.set("kind", cause.kind.word());
    form.set("words", cause.words.as_str());
    form
}

/// `GET /incidents/{id}/lessons/cause`
///
/// # Errors
/// [`crate::problem::Problem`]
pub(super) async fn ask(visit: Visit, id: web::Path<IncidentId>) -> Answer {
    duty_holder(&visit)?;
    let state = incident(&visit, *id).await?;
    let newest = state.lessons.cause();
    let form = newest.map(|version| to_form(&version.cause)).unwrap_or_default();
    page_of(&visit, &state, &form, newest.map_or(0, |version| version.number)).answer(Vec::new())
}

/// `POST /incidents/{id}/lessons/cause`
///
/// # Errors
/// [`crate::problem::Problem`]
pub(super) async fn record(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = duty_holder(&visit)?;
    let id = *id;
    let state = incident(&visit, id).await?;
    let base = form.first("base").parse().unwrap_or(0);
    let mut reading = Reading::new(&form, visit.reader);
    let kind = reading.choice("kind", TypeCode::from_word, "Choose the type that fits best");
    let words = reading.text("words", "Say why it happened");
    let errors = reading.into_errors();
    let (Some(kind), Some(words), true) = (kind, words, errors.is_empty()) else {
        return page_of(&visit, &state, &form, base).answer(errors);
    };
    let cause = RootCause { kind, words };
    let found = findings_in(&visit, &[("words", "Why it happened", cause.words.as_str())]).await?;
    if found.iter().any(|found| found.serious) && !form.has("checked", "yes") {
        return page_of(&visit, &state, &form, base).unconfirmed(found);
    }
    match visit.node.find_cause(&by, id, base, cause).await {
        Ok(()) => Ok(page::see_other(&format!("/incidents/{id}/lessons"))),
        Err(DoorError::Refused(Refusal::Lessons(lessons::Refusal::CauseChanged { current }))) => {
            conflict(&visit, id, &form, current).await
        }
        Err(error) => page_of(&visit, &state, &form, base).answer(refusal(error, "words")?),
    }
}

/// Somebody else recorded a cause meanwhile: theirs, and what this person typed.
async fn conflict(visit: &Visit, id: IncidentId, form: &Form, current: u32) -> Answer {
    let state = incident(visit, id).await?;
    let mut page = page_of(visit, &state, form, current);
    let versions = &state.lessons.causes;
    let words = |version: Option<&lessons::CauseVersion>| {
        version.map(|it| format!("{}: {}", it.cause.kind.label(), it.cause.words)).unwrap_or_default()
    };
    let before = versions.len().checked_sub(2).and_then(|before| versions.get(before));
    page.changes = vec![("Root cause", words(before), words(versions.last()))];
    page.paragraphs = vec![
        "Somebody else recorded a cause while you were writing. Nothing of yours is lost: it is below, as you typed it. \
         Saving puts yours in the place of theirs; both stay on record."
            .to_owned(),
    ];
    page.answer(vec![FieldError {
        name: String::new(),
        anchor: "words".to_owned(),
        message: "Somebody else changed the root cause meanwhile. See what they wrote, then save again".to_owned(),
    }])
}
