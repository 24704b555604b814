//! Relying on a partner's report: what it is, what that means, and the officer's reason. The page is the same wherever our
//! clock runs.

use actix_web::web;
use domain::exchange::Exchange;
use domain::incident::Incident;
use domain::values::{ExchangeId, LongText, MessageId};

use super::forms::officer;
use super::words;
use crate::problem::Problem;
use crate::store::queries::incidents;
use crate::store::queries::joint::{self, Filed, FiledAbout};
use crate::web::action::{ActionPage, refusal};
use crate::web::field::Field;
use crate::web::form::{Form, Reading};
use crate::web::page::{Answer, Posted, Visit, see_other};

/// The report, and where our clock is.
struct Case {
    exchange: Exchange,
    incident: Option<Incident>,
    filed: Filed,
    conflict: String,
}

async fn find(visit: &Visit, id: ExchangeId, message: MessageId) -> Result<Case, Problem> {
    let found = visit
        .node
        .store()
        .read(move |rows| {
            let Some(exchange) = incidents::exchange_state(rows, id)? else { return Ok(None) };
            let (told, _) = joint::filed(rows, FiledAbout::Exchange(id), 1)?;
            let Some(filed) = told.into_iter().find(|filed| filed.message == message) else { return Ok(None) };
            let (incident, conflict) = match exchange.incident {
                Some(incident) => {
                    let (all, many) = joint::filed(rows, FiledAbout::Incident(incident), super::FILED_MAX)?;
                    (incidents::state(rows, incident)?, words::conflict(&all, many))
                }
                None => (None, String::new()),
            };
            Ok(Some(Case { exchange, incident, filed, conflict }))
        })
        .await?;
    found.ok_or(Problem::NotFound)
}

impl Case {
    /// The page to go back to.
    fn back(&self) -> String {
        match &self.incident {
            Some(incident) => format!("/incidents/{}/joint", incident.id),
            None => format!("/received/{}", self.exchange.id),
        }
    }

    fn is_open(&self) -> bool {
        match &self.incident {
            Some(incident) => words::is_open(incident),
            None => self.exchange.ico_clock.as_ref().is_some_and(domain::clock::Clock::is_open),
        }
    }

    fn page(&self, visit: &Visit, form: &Form) -> ActionPage {
        let heading = format!("Rely on the report of {}", self.filed.partner_name);
        let (back, here) = (self.back(), if self.incident.is_some() { "/incidents" } else { "/received" });
        let chrome = visit.chrome(heading.clone(), here).exercise(self.exchange.exercise);
        let caption = if self.incident.is_some() { "the joint decision" } else { "the notice" };
        let action = format!("/exchanges/{}/rely/{}", self.exchange.id, self.filed.message);
        let mut page = ActionPage::new(chrome, &heading, caption, back, action);
        page.paragraphs = vec![words::filed(&self.filed, visit.reader)];
        let note = words::note(self.filed.standing);
        page.paragraphs.extend([note.to_owned(), self.conflict.clone()].into_iter().filter(|it| !it.is_empty()));
        if !self.is_open() {
            page.paragraphs
                .push("No clock of ours for a report to the ICO is running, so there is nothing to end.".to_owned());
            return page;
        }
        page.paragraphs.extend([
            "Whether one report is enough for several organisations is not settled: each answers for itself to the ICO \
             (Article 33)."
                .to_owned(),
            "When you accept, our clock ends as not required, with your reason and the digest of their signed message on \
             record. It does not start again by itself."
                .to_owned(),
        ]);
        page.fields = vec![
            Field::area(form, "reason", "Why is their report enough for us?")
                .hint("For example: it names us, and covers the people whose data we answer for."),
        ];
        page.buttons = vec![("rely", "Rely on it, and end our clock", "")];
        page
    }
}

/// `GET /exchanges/{id}/rely/{message}`
///
/// # Errors
/// [`Problem`]
pub(super) async fn show(visit: Visit, path: web::Path<(ExchangeId, MessageId)>) -> Answer {
    officer(&visit)?;
    let (id, message) = path.into_inner();
    find(&visit, id, message).await?.page(&visit, &Form::default()).answer(Vec::new())
}

/// `POST /exchanges/{id}/rely/{message}`
///
/// # Errors
/// [`Problem`]
pub(super) async fn accept(posted: Posted, path: web::Path<(ExchangeId, MessageId)>) -> Answer {
    let Posted { visit, form } = posted;
    let by = officer(&visit)?;
    let (id, message) = path.into_inner();
    let case = find(&visit, id, message).await?;
    let mut reading = Reading::new(&form, visit.reader);
    let reason: Option<LongText> = reading.text("reason", "Say why their report is enough for us");
    let errors = match reason {
        Some(reason) => match visit.node.accept_reliance(&by, id, message, reason).await {
            Ok(()) => return Ok(see_other(&format!("{}?done=relied", case.back()))),
            Err(error) => refusal(error, "reason")?,
        },
        None => reading.into_errors(),
    };
    case.page(&visit, &form).answer(errors)
}
