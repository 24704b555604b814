//! Recording that somebody tried to reach a partner's contact out of hours, and whether anybody answered.

use actix_web::web;
use domain::values::IncidentId;
use serde::Deserialize;

use super::{exchange_of, exerciser};
use crate::problem::Problem;
use crate::store::queries::exercises::ContactTried;
use crate::store::queries::{board, partners};
use crate::web::action::{ActionPage, refusal};
use crate::web::clock::contact_words;
use crate::web::field::Field;
use crate::web::form::{FieldError, Form, Reading};
use crate::web::page::{self, Answer, Posted, Visit};

/// Which partner.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    exchange: String,
}

async fn form_page(visit: &Visit, id: IncidentId, form: &Form) -> Result<ActionPage, Problem> {
    let exchange = exchange_of(form.first("exchange"))?;
    let found = visit
        .node
        .store()
        .read(move |rows| {
            let Some(listed) = board::one(rows, exchange)? else { return Ok(None) };
            let contacts = partners::contacts(rows, listed.partner)?;
            Ok(Some((listed, contacts)))
        })
        .await?;
    let (listed, contacts) = found.ok_or(Problem::NotFound)?;
    let back = format!("/exercises/{id}");
    let heading = format!("Contact tried at {}", listed.partner_name);
    let chrome = visit.chrome(heading.clone(), "/partners").exercise(true);
    let mut page = ActionPage::new(chrome, &heading, "the exercise", back.clone(), format!("{back}/contact"));
    page.paragraphs = contacts.iter().map(|contact| format!("Their contact: {}.", contact_words(contact))).collect();
    page.paragraphs.push(
        "This goes into the report and ends no clock. If you told them what happened, record a call as well."
            .to_owned(),
    );
    page.fields = vec![
        Field::line(form, "whom", "Whom did you try to reach?").hint("A role or name, and which number."),
        Field::radios(form, "reached", "Did anybody answer?", [("yes", "Yes"), ("no", "No")]),
        Field::moment(form, "at", "When?", visit.reader).hint("UK time."),
        Field::area(form, "note", "Anything to remember?").hint("May stay empty."),
    ];
    page.hidden = vec![("exchange", exchange.to_string())];
    page.buttons = vec![("record", "Record it", "")];
    Ok(page)
}

/// `GET /exercises/{id}/contact`
///
/// # Errors
/// [`Problem`]
pub(super) async fn ask(visit: Visit, id: web::Path<IncidentId>, asked: web::Query<Asked>) -> Answer {
    exerciser(&visit)?;
    let mut form = Form::default();
    form.set("exchange", asked.exchange.clone());
    form.set_moment("at", visit.now(), visit.reader);
    form_page(&visit, *id, &form).await?.answer(Vec::new())
}

/// `POST /exercises/{id}/contact`
///
/// # Errors
/// [`Problem`]
pub(super) async fn act(posted: Posted, id: web::Path<IncidentId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = exerciser(&visit)?;
    let errors = match read(&form, &visit)? {
        Ok(tried) => match visit.node.record_contact_tried(&by, *id, tried).await {
            Ok(()) => return Ok(page::see_other(&format!("/exercises/{id}?done=1"))),
            Err(error) => refusal(error, "at-day")?,
        },
        Err(errors) => errors,
    };
    form_page(&visit, *id, &form).await?.answer(errors)
}

fn read(form: &Form, visit: &Visit) -> Result<Result<ContactTried, Vec<FieldError>>, Problem> {
    let exchange = exchange_of(form.first("exchange"))?;
    let mut reading = Reading::new(form, visit.reader);
    let whom = reading.text("whom", "Say whom you tried to reach");
    let answered = |word: &str| match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let reached = reading.choice("reached", answered, "Say whether anybody answered");
    let tried_at = reading.moment("at", "Say when you tried");
    let note = reading.optional_text("note");
    let errors = reading.into_errors();
    Ok(match (whom, reached, tried_at) {
        (Some(whom), Some(reached), Some(tried_at)) if errors.is_empty() => {
            Ok(ContactTried { exchange, whom, reached, tried_at, note })
        }
        (_, _, _) => Err(errors),
    })
}
