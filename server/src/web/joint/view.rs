//! Our view, in answer to a partner who asked for it: written where the request is read, in one step. This page is for what
//! has to be looked at again before it goes.

use actix_web::web;
use domain::exchange::{Direction, Exchange, MessageKind};
use domain::values::{ExchangeId, LongText, MessageId};

use super::forms::unchecked;
use crate::problem::Problem;
use crate::store::queries::{incidents, partners};
use crate::web::action::{ActionPage, refusal};
use crate::web::field::Field;
use crate::web::form::{Form, Reading};
use crate::web::log::responder;
use crate::web::page::{Answer, Posted, Visit, see_other};

struct Case {
    exchange: Exchange,
    name: String,
    request: MessageId,
}

async fn find(visit: &Visit, id: ExchangeId, request: MessageId) -> Result<Case, Problem> {
    let found = visit
        .node
        .store()
        .read(move |rows| {
            let Some(exchange) = incidents::exchange_state(rows, id)? else { return Ok(None) };
            let name = partners::name(rows, exchange.partner)?;
            Ok(Some((exchange, name)))
        })
        .await?;
    let (exchange, name) = found.ok_or(Problem::NotFound)?;
    let asks = exchange
        .said
        .iter()
        .any(|mark| mark.message == request && mark.kind == MessageKind::ViewRequest && !mark.is_ours());
    if asks { Ok(Case { exchange, name, request }) } else { Err(Problem::NotFound) }
}

impl Case {
    fn page(&self, visit: &Visit, form: &Form) -> ActionPage {
        let heading = format!("Give our view to {}", self.name);
        let thread = format!("/exchanges/{}/messages", self.exchange.id);
        let here = match self.exchange.direction {
            Direction::Outgoing => "/incidents",
            Direction::Incoming => "/received",
        };
        let chrome = visit.chrome(heading.clone(), here).exercise(self.exchange.exercise);
        let action = format!("/exchanges/{}/view/{}", self.exchange.id, self.request);
        let mut page = ActionPage::new(chrome, &heading, "the messages", thread, action);
        page.paragraphs =
            vec!["It goes to them signed, with your name and role. Do not name the people affected.".to_owned()];
        page.fields = vec![Field::area(form, "text", "Our view")];
        page.buttons = vec![("give", "Give our view", "")];
        page
    }
}

/// `GET /exchanges/{id}/view/{message}`
///
/// # Errors
/// [`Problem`]
pub(super) async fn show(visit: Visit, path: web::Path<(ExchangeId, MessageId)>) -> Answer {
    responder(&visit)?;
    let (id, message) = path.into_inner();
    find(&visit, id, message).await?.page(&visit, &Form::default()).answer(Vec::new())
}

/// `POST /exchanges/{id}/view/{message}`
///
/// # Errors
/// [`Problem`]
pub(super) async fn give(posted: Posted, path: web::Path<(ExchangeId, MessageId)>) -> Answer {
    let Posted { visit, form } = posted;
    let by = responder(&visit)?;
    let (id, message) = path.into_inner();
    let case = find(&visit, id, message).await?;
    let mut page = case.page(&visit, &form);
    let mut reading = Reading::new(&form, visit.reader);
    let text: Option<LongText> = reading.text("text", "Write our view");
    let Some(text) = text else {
        let errors = reading.into_errors();
        return page.answer(errors);
    };
    if let Some(errors) = unchecked(&visit, &form, &mut page, ("text", "Our view", text.as_str())).await? {
        return page.answer(errors);
    }
    match visit.node.give_view(&by, id, message, text).await {
        Ok(()) => Ok(see_other(&format!("/exchanges/{id}/messages?done=said"))),
        Err(error) => page.answer(refusal(error, "text")?),
    }
}
