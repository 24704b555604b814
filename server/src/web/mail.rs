//! Mail, for administrators: whether any leaves, how it last went, and a test to oneself.

use actix_web::web::{self, ServiceConfig, resource};
use askama::Template;
use domain::values::Moment;
use serde::Deserialize;

use super::administration::administrator;
use super::page::{self, Answer, Chrome, Posted, Visit};
use super::words::Reader;
use crate::node::DoorError;
use crate::node::mailing::{MailState, Outcome};
use crate::problem::Problem;

/// Every address of these pages.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/mail").get(show).post(test));
}

#[derive(Template)]
#[template(path = "mail.html")]
struct MailPage {
    chrome: Chrome,
    state: Option<Shown>,
    done: bool,
    failed: String,
}

struct Shown {
    server: String,
    security: &'static str,
    from: String,
    accepted: String,
    failed: String,
}

/// What was done.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    done: String,
}

/// `GET /mail`
///
/// # Errors
/// [`Problem::NotAllowed`]
pub async fn show(visit: Visit, asked: web::Query<Asked>) -> Answer {
    administrator(&visit)?;
    shown(&visit, asked.done == "1", String::new())
}

/// `POST /mail`: a test to whoever asks.
///
/// # Errors
/// [`Problem::NotAllowed`]
pub async fn test(posted: Posted) -> Answer {
    let visit = posted.visit;
    let by = administrator(&visit)?;
    match visit.node.send_test_mail(&by).await {
        Ok(Outcome::Accepted) => Ok(page::see_other("/mail?done=1")),
        Ok(outcome @ (Outcome::Refused(_) | Outcome::Later(_) | Outcome::NotReached(_))) => {
            shown(&visit, false, outcome.to_string())
        }
        Err(DoorError::Invalid(why)) => shown(&visit, false, why.to_owned()),
        Err(error) => Err(Problem::from(error)),
    }
}

fn shown(visit: &Visit, done: bool, failed: String) -> Answer {
    page::html(&MailPage {
        chrome: visit.chrome("Mail", "/administration"),
        state: visit.node.mail_state().map(|state| Shown::of(state, visit.reader)),
        done,
        failed,
    })
}

impl Shown {
    fn of(state: MailState, reader: Reader) -> Self {
        let when = |at: Option<Moment>| at.map(|at| reader.at_second(at)).unwrap_or_default();
        Self {
            server: format!("{}, port {}", state.server, state.port),
            security: state.security,
            from: state.from,
            accepted: when(state.last.accepted_at),
            failed: state
                .last
                .failed
                .map(|(at, outcome)| format!("{}: {outcome}", reader.at_second(at)))
                .unwrap_or_default(),
        }
    }
}
