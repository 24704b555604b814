//! Saying a refused message again: a new message with the same content, for a partner whose node was mended or got other
//! keys meanwhile.

use std::str::FromStr as _;

use actix_web::web;
use domain::values::{ExchangeId, LongText, MessageId};
use serde::Deserialize;

use crate::problem::Problem;
use crate::store::queries::exchanges;
use crate::web::action::{ActionPage, refusal};
use crate::web::field::Field;
use crate::web::form::{Form, Reading};
use crate::web::log::responder;
use crate::web::page::{self, Answer, Posted, Visit};

/// Which message.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    message: String,
}

async fn form_page(visit: &Visit, id: ExchangeId, form: &Form) -> Result<ActionPage, Problem> {
    let exchange = visit.node.store().read(move |rows| exchanges::one(rows, id)).await?.ok_or(Problem::NotFound)?;
    let back = format!("/exchanges/{id}");
    let heading = "Send it again as a new message";
    let chrome = visit.chrome(heading, "/incidents").exercise(exchange.exercise);
    let mut page = ActionPage::new(chrome, heading, &exchange.partner_name, back.clone(), format!("{back}/reissue"));
    page.paragraphs = vec![
        "Their node refused the message. The same version with the same content goes out once more, under a new id and \
         number; the refused message is not tried again."
            .to_owned(),
    ];
    page.fields = vec![Field::area(form, "reason", "Why?").hint("It stays on record.")];
    page.hidden = vec![("message", form.first("message").to_owned())];
    page.buttons = vec![("reissue", "Send it again", "")];
    Ok(page)
}

/// `GET /exchanges/{id}/reissue`
///
/// # Errors
/// [`Problem`]
pub(super) async fn ask(visit: Visit, id: web::Path<ExchangeId>, asked: web::Query<Asked>) -> Answer {
    responder(&visit)?;
    let mut form = Form::default();
    form.set("message", asked.message.clone());
    form_page(&visit, *id, &form).await?.answer(Vec::new())
}

/// `POST /exchanges/{id}/reissue`
///
/// # Errors
/// [`Problem`]
pub(super) async fn act(posted: Posted, id: web::Path<ExchangeId>) -> Answer {
    let Posted { visit, form } = posted;
    let by = responder(&visit)?;
    let message = MessageId::from_str(form.first("message")).map_err(|_| Problem::NotFound)?;
    let mut reading = Reading::new(&form, visit.reader);
    let reason: Option<LongText> = reading.text("reason", "Say why");
    let errors = match reason {
        Some(reason) => match visit.node.reissue(&by, *id, message, reason).await {
            Ok(_) => return Ok(page::see_other(&format!("/exchanges/{id}?done=1"))),
            Err(error) => refusal(error, "reason")?,
        },
        None => reading.into_errors(),
    };
    form_page(&visit, *id, &form).await?.answer(errors)
}
